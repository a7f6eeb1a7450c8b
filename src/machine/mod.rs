//! The simulated computer: cores, the operating system's scheduler, and timers. It knows nothing of Python: threads are numbers that burn
//! CPU time, block and wake.
//!
//! The scheduler follows Linux's EEVDF as far as its effects reach a Python program. Each core has a queue ordered by virtual runtime. A
//! waking thread goes to an idle core (its last one if possible, others as far as `SIS_UTIL` looks) and runs after that core's wake-up
//! latency; without an idle core it joins the queue of its last core. There it preempts the running thread if that thread's deadline has
//! passed unnoticed, or if that thread has had more service than the mean; otherwise it waits. Deadlines come once a slice and are noticed
//! at the timer tick (at once where `hz` is 0: a thread that keeps reading its own CPU clock makes the kernel look). A core that becomes
//! idle takes from the longest queue, half of the time at once, else at the next tick; busy cores even out now and then. This unevenness
//! lets threads that started together drift apart.

mod cache_line;
mod cause;
mod scheduler;
mod tape;

pub(crate) use cache_line::Access;
pub use cause::{CAUSES, Cause};
pub(crate) use scheduler::{Machine, SchedState, Tid, Upcall, along};
pub use tape::{Span, Stretch, Tape, TapeState};
