//! Windows of time: what became of tasks by when they arrived (documented in `docs/output-format.md`).

use serde::{Deserialize, Serialize};

use super::keyed;
use crate::measure::Estimate;

/// What became of the tasks that arrived in each window of time: means over the replications. Numbers are rounded to as many digits as can be
/// seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverWindows {
    /// When the first of these windows begins, in seconds: those that end before the time that counts are left out.
    pub from_s: f64,
    /// Length of a window in seconds.
    pub width_s: f64,
    /// Tasks that arrived.
    #[serde(serialize_with = "keyed::one_line")]
    pub arrived: Vec<f64>,
    /// Of these, tasks that completed, sooner or later.
    #[serde(serialize_with = "keyed::one_line")]
    pub completed: Vec<f64>,
    /// Of these, tasks that failed, timed out or were rejected.
    #[serde(serialize_with = "keyed::one_line")]
    pub failed: Vec<f64>,
    /// Median latency of those that completed; `None` where none did in any replication.
    #[serde(serialize_with = "keyed::one_line")]
    pub p50_s: Vec<Option<f64>>,
    /// 95th percentile.
    #[serde(serialize_with = "keyed::one_line")]
    pub p95_s: Vec<Option<f64>>,
    /// 99th percentile.
    #[serde(serialize_with = "keyed::one_line")]
    pub p99_s: Vec<Option<f64>>,
}

/// For how long an objective about latencies or failures was not met at a stretch, by windows of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// The longest stretch of windows, one after another, in which the objective was not met, in seconds; 0 if it always was. A window in
    /// which nobody arrived neither ends a stretch nor begins one.
    pub longest_s: Estimate,
    /// When that stretch began, in seconds: the mean over the replications that had one; `None` if none had.
    pub from_s: Option<f64>,
    /// Share (0 to 1) of the replications that had one; 1 where a result does not say it.
    #[serde(default = "all")]
    pub missed_share: f64,
    /// Share (0 to 1) of the replications in which it was not met again until the last arrival.
    pub still_missed_share: f64,
}

fn all() -> f64 {
    1.0
}
