//! The real machine: its Python interpreters, and programs run on them.
//!
//! [`discover`], [`find`] and [`default`] say which CPythons there are and what they can do. [`run`] runs a program on one of them within a
//! time limit and leaves nothing of it behind: all its processes end with the run, whatever happens to this program meanwhile (see
//! [`guard_with`]). This works on Linux and macOS; elsewhere every run is refused with a clear error.

mod affinity;
mod cache;
#[cfg(unix)]
mod cpu;
mod discover;
mod error;
mod find;
mod guard;
mod interpreter;
mod interrupt;
#[cfg(unix)]
mod memory;
#[cfg(unix)]
mod output;
mod paths;
mod run;
mod scratch;
#[cfg(unix)]
mod tree;
mod versions;

pub(crate) use affinity::{own_cores, pin};
pub(crate) use cache::{cache, locked};
#[cfg(unix)]
pub(crate) use cpu::{busy, own_cpu};
pub use discover::{Unusable, discover};
pub use error::HostError;
pub use find::{default, find};
pub use guard::{guard, guard_with};
pub use interpreter::Interpreter;
pub use interrupt::{interrupted, watch_interrupts};
pub(crate) use run::{Companion, run_beside};
pub use run::{ExitReason, FinishedRun, Invocation, OUTPUT_LIMIT, run};
pub(crate) use scratch::Scratch;
#[cfg(unix)]
pub(crate) use tree::send;

/// Nobody tells how busy cores have been here.
#[cfg(not(unix))]
pub(crate) fn busy(_: &[usize]) -> Option<f64> {
    None
}

/// Nobody tells what this process has used here.
#[cfg(not(unix))]
pub(crate) fn own_cpu() -> Option<f64> {
    None
}
