//! Cores, the operating system's scheduler, timers, pipes and memory.
