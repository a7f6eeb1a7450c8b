//! How far a run goes.

use crate::cpython::record::recording::Record;
use crate::engine::Nanos;

/// Where a run ends, and what it keeps.
#[derive(Clone, Copy, Debug)]
pub struct RunLimits {
    /// Tasks that arrive before this do not count.
    pub warmup: Nanos,
    /// The run ends here at the latest.
    pub horizon: Option<Nanos>,
    /// The run is stopped after so many model events.
    pub max_events: u64,
    /// Keep every latency.
    pub keep_latencies: bool,
    /// The replication whose arrivals, demands and failures are drawn, usually the same as the run's own.
    pub demands: u32,
    /// What is written down beside the run.
    pub record: Record,
}

#[cfg(test)]
impl RunLimits {
    /// Everything counts, and the run ends by itself.
    pub(crate) fn none() -> Self {
        Self {
            warmup: Nanos::ZERO,
            horizon: None,
            max_events: 1_000_000,
            keep_latencies: false,
            demands: 0,
            record: Record::Nothing,
        }
    }
}
