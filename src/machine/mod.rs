//! The simulated computer: cores, the operating system's scheduler, and timers. It knows no Python: threads are numbers
//! that burn CPU, block and wake.
//!
//! The scheduler follows Linux's EEVDF as far as its effects reach a Python program: a queue for each core, ordered by
//! virtual runtime; a waking thread goes to an idle core (its last one if it can, others as far as `SIS_UTIL` looks) after
//! that core's wake-up latency; else it joins its last core's queue. There it preempts the running thread if that one's
//! deadline has passed unnoticed, or if that one has had more than the mean; else it waits for it: deadlines come once a slice and are noticed at the timer tick (at once, where `hz` is 0: a
//! thread that keeps reading its own CPU clock makes the kernel look). A core that becomes idle takes from the longest
//! queue half of the time at once, else at the next tick, busy ones even out now and then. It is this unevenness that lets threads which started together drift apart.

mod cache_line;
mod cause;
mod scheduler;
mod tape;

pub use cache_line::Access;
pub use cause::{CAUSES, Cause};
pub use scheduler::{Machine, SchedState, Tid, Upcall, along};
pub use tape::{Span, Stretch, Tape, TapeState};
