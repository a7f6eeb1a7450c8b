//! How much to simulate.

use crate::scenario::limits::MAX_REPLICATIONS;
use crate::scenario::{Arrivals, Metric, PastLimit, Scenario};

/// How much to simulate, and when to stop.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Exactly so many replications; `None` takes the scenario's number, or goes on until `precision` is reached.
    pub replications: Option<u32>,
    /// Relative half-width of the primary metric's interval at which the best case is done, and any difference too small to matter.
    pub precision: f64,
    /// Whether every case has to reach the precision, and not only the best and what may be as good.
    pub all_cases: bool,
    /// Most replications of a case when their number is free.
    pub most_replications: u32,
    /// Simulated events for the whole study when the number of replications is free; at least three replications of each case
    /// are simulated anyway.
    pub event_budget: u64,
    /// A single simulation is stopped after so many events.
    pub max_events: u64,
    /// Worker threads; `None` takes one for each core. Results do not depend on it.
    pub threads: Option<usize>,
    /// The metric to rank by. `None`: the scenario's own; else the makespan of batches; otherwise the latency that the scenario's first such objective
    /// is about, and the 95th percentile where it has none.
    pub metric: Option<Metric>,
    /// Whether forecasts hold their distribution of latencies (some tens of kilobytes a case while a study runs).
    pub latency_quantiles: bool,
}

/// The precision where none is asked for.
pub const PRECISION: f64 = 0.02;

impl Default for Options {
    fn default() -> Self {
        Self {
            replications: None,
            precision: PRECISION,
            all_cases: false,
            most_replications: 100,
            event_budget: 60_000_000,
            max_events: 1_000_000_000,
            threads: None,
            metric: None,
            latency_quantiles: false,
        }
    }
}

impl Options {
    /// Exactly so many replications of every case.
    #[must_use]
    pub fn with_replications(self, n: u32) -> Self {
        Self {
            replications: Some(n),
            ..self
        }
    }

    /// So many worker threads; results do not depend on it.
    #[must_use]
    pub fn with_threads(self, n: usize) -> Self {
        Self {
            threads: Some(n),
            ..self
        }
    }

    /// So much that the precision is reached by every case: no budget of events, and as many replications as a scenario may ask for.
    #[must_use]
    pub fn to_precision(self, precision: f64) -> Self {
        Self {
            precision,
            all_cases: true,
            most_replications: MAX_REPLICATIONS,
            event_budget: u64::MAX,
            ..self
        }
    }

    /// The number of replications, where it is not free. A precision that was asked for makes a scenario's own number free.
    pub(super) fn fixed(&self, scenario: &Scenario) -> Option<u32> {
        let own = scenario.replications.filter(|_| !self.all_cases);
        self.replications.or(own)
    }

    /// Replications that the best case has at least when their number is free: 10 of terminating workloads, 5 of steady ones.
    pub(super) fn first_replications(scenario: &Scenario) -> u32 {
        if is_steady(scenario) { 5 } else { 10 }
    }

    /// The metric that a study of the scenario ranks by.
    pub fn primary(&self, scenario: &Scenario) -> Metric {
        if let Some(metric) = self.metric.or(scenario.rank_by) {
            return metric;
        }
        if scenario.workload.arrivals == Arrivals::Batch {
            return Metric::Makespan;
        }
        let latency = |m: &Metric| matches!(m, Metric::Percentile(_) | Metric::MeanLatency);
        scenario
            .objectives
            .iter()
            .map(|o| o.metric)
            .find(latency)
            .unwrap_or(Metric::Percentile(95.0))
    }
}

/// Whether the workload is studied in its steady state (open and closed arrivals), and not from start to end.
pub(super) fn is_steady(scenario: &Scenario) -> bool {
    matches!(
        scenario.workload.arrivals,
        Arrivals::Open { .. } | Arrivals::Closed { .. }
    )
}

/// How far a study is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StudyProgress {
    /// Simulations done.
    pub done: u64,
    /// Simulations planned so far; grows while the precision is not reached.
    pub planned: u64,
}

/// Why a study could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// The scenario has no interpreter, so nothing can be simulated.
    #[error("no interpreter to simulate; name one under `interpreters` or with --interpreter")]
    NoInterpreter,
    /// A strategy is meant for an interpreter that the scenario does not list.
    #[error(
        "a strategy names the interpreter `{0}`, which the scenario does not list; add it under `interpreters`"
    )]
    UnknownInterpreter(String),
    /// The worker threads could not be started.
    #[error("cannot start the worker threads: {0}; try --threads 1")]
    Threads(String),
    /// More than one of the program's limits allows.
    #[error("{0}")]
    Limit(String),
}

/// Refuses what would not fit into the program's limits.
pub(super) fn refuse_past_limits(scenario: &Scenario, options: &Options) -> Result<(), StudyError> {
    let past = scenario.past_limits(options.replications);
    past.into_iter().next().map_or(Ok(()), |p| Err(p.into()))
}

impl From<PastLimit> for StudyError {
    fn from(past: PastLimit) -> Self {
        Self::Limit(format!("{}; {}", past.message, past.help))
    }
}
