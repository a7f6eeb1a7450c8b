//! What is written down while a run happens, by numbers alone: the threads, processes and tasks behind them are not known here.

mod busiest;
pub(crate) mod memory_log;
pub(crate) mod observer;
pub(crate) mod recorder;
pub mod recording;
