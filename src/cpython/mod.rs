//! CPython's mechanisms: the GIL, locks, queues, pools, the event loop, processes and memory.
//!
//! A simulated thread is a script of small acts (run bytecode, run without the GIL, sleep, park, have an effect). When the script is empty,
//! the thread's role refills it: pool worker, event loop, management thread, main program. `Sim` owns the whole state and turns the
//! machine's upcalls into acts.

mod executors;
mod finding;
mod index;
mod kernel;
mod limits;
pub mod profile;
pub(crate) mod program;
mod record;
mod role;
mod sim;
mod watch;
mod work;

pub(crate) use finding::ADMISSION;
pub use finding::{Effect, Finding, FindingKind, WaitReason};
pub(crate) use limits::RunLimits;
pub(crate) use program::Program;
pub use record::recording;
pub(crate) use sim::Sim;
pub use watch::snapshot;
pub(crate) use work::child_number;
