//! What is recorded of a run while it happens. The recorders deal in numbers only: they know nothing of the threads, processes and tasks
//! behind them.

mod busiest;
pub(crate) mod memory_log;
pub(crate) mod observer;
pub(crate) mod recorder;
pub mod recording;
