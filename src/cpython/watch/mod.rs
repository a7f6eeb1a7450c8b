//! Observes a run that stands still or is over: its state, deadlocks, findings, and what was observed.

mod deadlock;
mod findings;
mod observed;
pub mod snapshot;

pub(crate) use deadlock::deadlock;
pub(crate) use findings::findings;
pub(crate) use observed::observed;
pub(crate) use snapshot::{RunEnd, Snapshot, picture};
