//! Limits of a run: when it ends, and what it keeps.

use crate::cpython::record::recording::Record;
use crate::engine::Nanos;

/// When a run ends, what of it counts, and what it keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunLimits {
    /// Tasks that arrive before this instant do not count.
    pub warmup: Nanos,
    /// The run ends at this instant at the latest; `None`: when nothing is left to happen.
    pub horizon: Option<Nanos>,
    /// Most model events of a run, after which it is stopped.
    pub max_events: u64,
    /// Whether to keep the latency of every task.
    pub keep_latencies: bool,
    /// Length of the windows in which tasks are counted apart, if they are.
    pub windows: Option<Nanos>,
    /// Replication whose arrivals, demands and failures are drawn; usually the run's own number.
    pub demands: u32,
    /// What is recorded beside the run.
    pub record: Record,
}

#[cfg(test)]
impl RunLimits {
    /// Limits under which every task counts and the run ends by itself.
    pub(crate) fn none() -> Self {
        Self {
            warmup: Nanos::ZERO,
            horizon: None,
            max_events: 1_000_000,
            keep_latencies: false,
            windows: None,
            demands: 0,
            record: Record::Nothing,
        }
    }
}
