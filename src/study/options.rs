//! Options of a study: how much to simulate.

use crate::scenario::limits::MAX_REPLICATIONS;
use crate::scenario::{Arrivals, Metric, PastLimit, Scenario};

/// How much a study simulates, and when it stops.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Exact number of replications; `None` takes the scenario's number, or goes on until `precision` is reached.
    pub replications: Option<u32>,
    /// Precision: relative half-width of the primary metric's interval at which the best case is done, and below which differences do not
    /// matter.
    pub precision: f64,
    /// Half-width of an objective's interval, as a share of its bound, at which it stays undecided; `None`: the precision.
    pub objective_precision: Option<f64>,
    /// Whether every case has to reach the precision, and not only the best and those that may be as good.
    pub all_cases: bool,
    /// Most replications of a case if their number is free.
    pub most_replications: u32,
    /// Budget of model events for the whole study if the number of replications is free; at least three replications of each case are
    /// simulated anyway.
    pub event_budget: u64,
    /// Most model events of a single simulation, after which it is stopped.
    pub max_events: u64,
    /// Number of worker threads; `None` takes one for each core. Results do not depend on it.
    pub threads: Option<usize>,
    /// Metric to rank by. `None` takes the scenario's own; else, for batches, the makespan; otherwise the latency that the first such
    /// objective of the scenario is about, or the 95th percentile if there is none.
    pub metric: Option<Metric>,
    /// Whether forecasts contain the distribution of latencies (some tens of kilobytes for each case while a study runs).
    pub latency_quantiles: bool,
    /// Whether forecasts contain the values of each replication, so that two results can be compared in pairs.
    pub replication_values: bool,
}

/// Default precision.
pub const PRECISION: f64 = 0.02;

impl Default for Options {
    fn default() -> Self {
        Self {
            replications: None,
            precision: PRECISION,
            objective_precision: None,
            all_cases: false,
            most_replications: 100,
            event_budget: 60_000_000,
            max_events: 1_000_000_000,
            threads: None,
            metric: None,
            latency_quantiles: false,
            replication_values: false,
        }
    }
}

impl Options {
    /// These options with exactly `n` replications of every case.
    #[must_use]
    pub fn with_replications(self, n: u32) -> Self {
        Self {
            replications: Some(n),
            ..self
        }
    }

    /// These options with `n` worker threads; results do not depend on the number.
    #[must_use]
    pub fn with_threads(self, n: usize) -> Self {
        Self {
            threads: Some(n),
            ..self
        }
    }

    /// These options with effort enough for every case to reach the precision: no budget of events, and as many replications as a scenario
    /// may ask for.
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

    /// The number of replications if it is not free. Asking for a precision makes the scenario's own number free.
    pub(super) fn fixed(&self, scenario: &Scenario) -> Option<u32> {
        let own = scenario.replications.filter(|_| !self.all_cases);
        self.replications.or(own)
    }

    /// Number of replications that the best case has at least if it is free: 10 of terminating workloads, 5 of steady ones.
    pub(super) fn first_replications(scenario: &Scenario) -> u32 {
        if is_steady(scenario) { 5 } else { 10 }
    }

    /// The metric by which a study of the scenario ranks.
    pub fn primary(&self, scenario: &Scenario) -> Metric {
        if let Some(metric) = self.metric.or(scenario.rank_by) {
            return metric;
        }
        if scenario.workload.arrivals == Arrivals::Batch {
            return Metric::Makespan;
        }
        scenario
            .objectives
            .iter()
            .map(|o| o.metric)
            .find(|m| m.is_latency())
            .unwrap_or(Metric::Percentile(95.0))
    }
}

/// Whether the workload is studied in its steady state (arrivals whose rate does not change) rather than from start to end.
pub(super) fn is_steady(scenario: &Scenario) -> bool {
    let steady = matches!(
        scenario.workload.arrivals,
        Arrivals::Open { .. } | Arrivals::Sessions { .. } | Arrivals::Closed { .. }
    );
    // What goes wrong at a time is no part of a steady state, and must not be left out as warm-up.
    steady && scenario.workload.faults.is_empty()
}

/// Progress of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StudyProgress {
    /// Number of simulations done.
    pub done: u64,
    /// Number of simulations planned so far; it grows while the precision is not reached.
    pub planned: u64,
}

/// Why a study cannot be made.
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
    /// The scenario exceeds one of the program's limits.
    #[error("{0}")]
    Limit(String),
}

/// Refuses a scenario that exceeds one of the program's limits.
pub(super) fn refuse_past_limits(scenario: &Scenario, options: &Options) -> Result<(), StudyError> {
    let past = scenario.past_limits(options.replications);
    past.into_iter().next().map_or(Ok(()), |p| Err(p.into()))
}

impl From<PastLimit> for StudyError {
    fn from(past: PastLimit) -> Self {
        Self::Limit(format!("{}; {}", past.message, past.help))
    }
}
