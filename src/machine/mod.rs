//! The simulated computer: cores, the operating system's scheduler, and timers. It knows no Python: threads are numbers
//! that burn CPU, block and wake.
//!
//! The scheduler follows Linux's EEVDF as far as its effects reach a Python program: one virtual runtime a thread, the
//! least first; a waking thread goes to an idle core (its last one if it can) after that core's wake-up latency; where
//! none is idle it preempts a thread that has used up its protected slice, or waits for the first slice to end. Runnable
//! threads stand in one queue for all cores: what Linux reaches by stealing and balancing within milliseconds holds here
//! at once.

mod cause;
mod scheduler;

pub use cause::{CAUSES, Cause};
pub use scheduler::{Machine, State, Tid, Upcall};
