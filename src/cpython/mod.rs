//! CPython's mechanisms: the GIL, locks, queues, pools, the event loop, processes and memory.

pub mod profile;
