//! Compares forecasts with measured cells.

use rayon::prelude::*;

use super::cells::{Cell, PreparedCell, Reference, Unread};
use crate::engine::Nanos;
use crate::measure::{element, median};
use crate::scenario::Strategy;
use crate::strategy::{Cause, Finding, Outcome, SimError, SimInput};
use crate::verify::limits::{ErrorLimits, Excess, named_rightly};
use crate::verify::{ErrorSummary, Held, METRICS};

/// A function that runs one replication, or returns the reason why it cannot.
pub type SimulateCell<'a> = dyn Fn(&SimInput<'_>) -> Result<Outcome, SimError> + Sync + 'a;

/// How to forecast the cells.
#[derive(Clone, Debug)]
pub struct ValidateSettings {
    /// The number of replications of every cell; the forecast is the median over them.
    pub replications: u32,
    /// The master seed.
    pub seed: u64,
    /// A filter: only cells whose `name interpreter` contains this text are used.
    pub only: Option<String>,
    /// The limits on the errors.
    pub limits: ErrorLimits,
}

impl Default for ValidateSettings {
    fn default() -> Self {
        Self {
            replications: 7,
            seed: 1,
            only: None,
            limits: ErrorLimits::REFERENCE,
        }
    }
}

/// The greatest number of model events in a replication of a cell; the largest cell of the reference takes a tenth of a million.
const MAX_EVENTS: u64 = 50_000_000;
const MIB: f64 = 1024.0 * 1024.0;

/// Further figures of a simulation beside those that the runs measured, for finding out why a forecast is off.
#[derive(Clone, Debug)]
pub struct CellDetail {
    /// CPU seconds: measured (which leaves out the children of a fork server), then forecast.
    pub cpu: (f64, f64),
    /// Voluntary context switches: measured in the main process, then forecast for all threads.
    pub voluntary: (f64, f64),
    /// Involuntary context switches: measured in the main process, then forecast for all threads.
    pub involuntary: (f64, f64),
    /// The tasks' time by cause, as shares of the whole.
    pub causes: Vec<(&'static str, f64)>,
    /// The number of model events of one replication.
    pub events: u64,
}

/// A cell and its forecast.
#[derive(Clone, Debug)]
pub struct CellReport {
    /// The name of the cell.
    pub name: String,
    /// The id of the interpreter.
    pub interpreter: String,
    /// The workload: the part of the cell's name before `/`.
    pub workload: String,
    /// The strategy's name in `workloads.py`.
    pub strategy: String,
    /// Whether tasks arrive over time; if so, strategies are ranked by p99 instead of makespan.
    pub open: bool,
    /// Makespan, p50 and p99 in seconds and memory in bytes, in the order of `METRICS`; `None` where nothing was measured.
    pub metrics: [Option<Held>; 4],
    /// Further figures of the simulation.
    pub detail: CellDetail,
}

/// Whether the best strategy for a workload was forecast correctly.
#[derive(Clone, Debug)]
pub struct Rank {
    /// The name of the workload.
    pub workload: String,
    /// The measured best and the forecast's best, each as `strategy interpreter`.
    pub best: (String, String),
    /// By how much the forecast's best is really slower than the measured best, as a fraction.
    pub loss: f64,
}

impl Rank {
    /// Whether the forecast's best is the measured best, or nearly as good.
    pub(crate) fn right(&self) -> bool {
        named_rightly(self.loss)
    }
}

/// All cells compared with their forecasts.
#[derive(Clone, Debug)]
pub struct Validation {
    /// The cells in the order of the file.
    pub cells: Vec<CellReport>,
    /// The cells that could not be read or simulated.
    pub skipped: Vec<Unread>,
    /// One ranking for every workload with at least two cells.
    pub ranking: Vec<Rank>,
    /// The limits on the errors.
    pub limits: ErrorLimits,
}

impl Validation {
    /// The summary of one metric over the cells that `choose` picks.
    pub(crate) fn summary(
        &self,
        metric: usize,
        choose: impl Fn(&CellReport) -> bool,
    ) -> ErrorSummary {
        let held = self
            .cells
            .iter()
            .filter(|c| choose(c))
            .filter_map(|c| c.metrics[metric].as_ref());
        ErrorSummary::of(held)
    }

    /// The summaries of all metrics over all cells, in the order of [`METRICS`].
    pub(crate) fn summaries(&self) -> [ErrorSummary; 4] {
        [0, 1, 2, 3].map(|metric| self.summary(metric, |_| true))
    }

    /// The number of workloads whose best strategy was forecast correctly, and the number that were ranked.
    pub(crate) fn ranked(&self) -> (usize, usize) {
        let right = self.ranking.iter().filter(|r| r.right()).count();
        (right, self.ranking.len())
    }

    /// The figures that exceed their limits.
    pub(crate) fn excesses(&self) -> Vec<Excess> {
        self.limits.excesses(&self.summaries(), self.ranked())
    }

    /// The strategies of the cells, in the order of first appearance.
    pub(crate) fn strategies(&self) -> Vec<&str> {
        let mut seen = Vec::new();
        for c in &self.cells {
            if !seen.contains(&c.strategy.as_str()) {
                seen.push(&c.strategy);
            }
        }
        seen
    }
}

/// Forecasts every cell of a reference. The result does not depend on the number of worker threads.
pub fn validate(
    reference: &Reference,
    settings: &ValidateSettings,
    simulate: &SimulateCell<'_>,
) -> Validation {
    let wanted = |name: &str, interpreter: &str| {
        settings
            .only
            .as_ref()
            .is_none_or(|s| format!("{name} {interpreter}").contains(s.as_str()))
    };
    let chosen: Vec<_> = reference
        .cells
        .iter()
        .filter(|c| match c {
            Ok(c) => wanted(&c.name, &c.interpreter),
            Err(u) => wanted(&u.name, &u.interpreter),
        })
        .collect();
    let reports: Vec<Result<CellReport, Unread>> = chosen
        .par_iter()
        .map(|cell| {
            let cell = cell.as_ref().map_err(Clone::clone)?;
            forecast(reference, cell, settings, simulate).map_err(|reason| Unread {
                name: cell.name.clone(),
                interpreter: cell.interpreter.clone(),
                reason,
            })
        })
        .collect();
    let (mut cells, mut skipped) = (Vec::new(), Vec::new());
    for report in reports {
        match report {
            Ok(cell) => cells.push(cell),
            Err(unread) => skipped.push(unread),
        }
    }
    let ranking = rank(&cells);
    Validation {
        cells,
        skipped,
        ranking,
        limits: settings.limits,
    }
}

fn forecast(
    reference: &Reference,
    cell: &Cell,
    settings: &ValidateSettings,
    simulate: &SimulateCell<'_>,
) -> Result<CellReport, String> {
    let prepared = reference.prepare(cell)?;
    let outcomes = (0..settings.replications.max(1))
        .map(|replication| {
            let input = input(&prepared, settings.seed, replication);
            guarded(simulate, &input).and_then(checked)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let over = |f: &dyn Fn(&Outcome) -> f64| median(outcomes.iter().map(f).collect());
    let measured =
        |f: &dyn Fn(&super::cells::CellRun) -> f64| cell.runs.iter().map(f).collect::<Vec<_>>();
    let latency = |p: f64| over(&|o: &Outcome| percentile(o, p));
    let forecasts = [
        over(&|o| o.makespan.as_secs_f64()),
        latency(0.50),
        latency(0.99),
        over(&|o| o.memory_peak as f64),
    ];
    let observed = [
        measured(&|r| r.makespan_s),
        measured(&|r| r.latency_s.p50),
        measured(&|r| r.latency_s.p99),
        cell.peak_pss_mb
            .filter(|m| m.is_finite() && *m > 0.0)
            .map(|m| m * MIB)
            .into_iter()
            .collect(),
    ];
    let mut metrics = [None; 4];
    for (slot, (observed, forecast)) in metrics.iter_mut().zip(observed.into_iter().zip(forecasts))
    {
        *slot = Held::new(observed, forecast);
    }
    let detail = CellDetail {
        cpu: (
            median(measured(&|r| r.cpu_s)),
            over(&|o| o.cpu.as_secs_f64()),
        ),
        voluntary: (
            median(measured(&|r| r.ctx_voluntary)),
            over(&|o| o.switches_voluntary as f64),
        ),
        involuntary: (
            median(measured(&|r| r.ctx_involuntary)),
            over(&|o| o.switches_involuntary as f64),
        ),
        causes: causes(&outcomes),
        events: outcomes[0].events,
    };
    Ok(CellReport {
        name: cell.name.clone(),
        interpreter: cell.interpreter.clone(),
        workload: cell.workload().to_owned(),
        strategy: family(&cell.config.strategy, &prepared.strategy),
        open: cell.config.workload == "open",
        metrics,
        detail,
    })
}

/// Catches a panic in a cell's simulation, so that a bug in one cell does not cost the others.
fn guarded(simulate: &SimulateCell<'_>, input: &SimInput<'_>) -> Result<Outcome, String> {
    let attempt = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| simulate(input)));
    let simulated = attempt.map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        format!(
            "the simulation failed: {}",
            text.unwrap_or("unknown reason")
        )
    })?;
    simulated.map_err(|e| e.to_string())
}

fn input(p: &PreparedCell, seed: u64, replication: u32) -> SimInput<'_> {
    SimInput {
        machine: &p.machine,
        profile: &p.profile,
        workload: &p.workload,
        strategy: &p.strategy,
        compiled: None,
        seed,
        replication,
        warmup: Nanos::ZERO,
        horizon: None,
        keep_latencies: true,
        windows: None,
        max_events: MAX_EVENTS,
    }
}

/// The strategy's name with its start method; errors are summarized by this.
fn family(name: &str, strategy: &Strategy) -> String {
    use crate::scenario::StartMethod;
    let Some(start) = strategy.execution().pool.start() else {
        return name.to_owned();
    };
    let start = match start {
        StartMethod::Fork => "fork",
        StartMethod::Spawn => "spawn",
        StartMethod::Forkserver => "forkserver",
    };
    format!("{name}-{start}")
}

/// A run that did not finish all its tasks gives no forecast.
fn checked(outcome: Outcome) -> Result<Outcome, String> {
    for finding in &outcome.findings {
        match finding {
            Finding::Deadlock { at, .. } => {
                return Err(format!(
                    "the simulation deadlocks at {:.3} s",
                    at.as_secs_f64()
                ));
            }
            Finding::OutOfMemory { at, .. } => {
                return Err(format!(
                    "the simulation runs out of memory at {:.3} s",
                    at.as_secs_f64()
                ));
            }
            Finding::EventLimit { at } => {
                return Err(format!(
                    "the simulation reaches its limit of {MAX_EVENTS} events at {:.3} s",
                    at.as_secs_f64()
                ));
            }
            Finding::ClockEnd { .. } => {
                return Err("the simulation takes longer than its clock can tell".into());
            }
            Finding::ProgramCrashed { at } => {
                return Err(format!(
                    "the simulated program crashes at {:.3} s",
                    at.as_secs_f64()
                ));
            }
            Finding::Unsupported { reason } => return Err(reason.clone()),
            Finding::BlockedLoop { .. }
            | Finding::Convoy { .. }
            | Finding::ContendedObject { .. }
            | Finding::ScarceResource { .. }
            | Finding::BusyDevice { .. }
            | Finding::FutileWakeups { .. }
            | Finding::Rejections { .. }
            | Finding::FullBacklog { .. }
            | Finding::KilledWorkers { .. }
            | Finding::CrashedWorkers { .. }
            | Finding::BrokenPool { .. }
            | Finding::LostTasks { .. }
            | Finding::LostMachines { .. }
            | Finding::Restarts { .. }
            | Finding::MissedFault { .. }
            | Finding::MemoryKills { .. } => {}
        }
    }
    if outcome.in_flight > 0 || outcome.latencies.is_empty() {
        return Err(format!(
            "{} tasks are unfinished at the end of the simulation",
            outcome.in_flight
        ));
    }
    Ok(outcome)
}

/// The element of the sorted latencies (in seconds) that `workloads.py` takes.
fn percentile(outcome: &Outcome, p: f64) -> f64 {
    let mut sorted = outcome.latencies.clone();
    sorted.sort_unstable();
    element(&sorted, p).map_or(0.0, |l| l.as_secs_f64())
}

fn causes(outcomes: &[Outcome]) -> Vec<(&'static str, f64)> {
    let sum = |c: Cause| {
        outcomes
            .iter()
            .map(|o| o.causes[c as usize].as_f64())
            .sum::<f64>()
    };
    let all: f64 = Cause::ALL.iter().map(|c| sum(*c)).sum();
    let shares = Cause::ALL
        .iter()
        .map(|c| (c.name(), if all > 0.0 { sum(*c) / all } else { 0.0 }));
    shares.filter(|(_, share)| *share >= 0.001).collect()
}

fn rank(cells: &[CellReport]) -> Vec<Rank> {
    let mut workloads: Vec<&str> = Vec::new();
    for c in cells {
        if !workloads.contains(&c.workload.as_str()) {
            workloads.push(&c.workload);
        }
    }
    let mut ranking = Vec::new();
    for workload in workloads {
        let of: Vec<(&CellReport, Held)> = cells
            .iter()
            .filter(|c| c.workload == workload)
            .filter_map(|c| Some((c, c.metrics[if c.open { P99 } else { MAKESPAN }]?)))
            .collect();
        let best =
            |value: fn(&Held) -> f64| of.iter().min_by(|a, b| value(&a.1).total_cmp(&value(&b.1)));
        let (Some(really), Some(forecast), true) =
            (best(|h| h.measured), best(|h| h.forecast), of.len() > 1)
        else {
            continue;
        };
        let label = |c: &CellReport| {
            format!(
                "{} {}",
                c.name.split_once('/').map_or(c.name.as_str(), |(_, s)| s),
                c.interpreter
            )
        };
        ranking.push(Rank {
            workload: workload.to_owned(),
            best: (label(really.0), label(forecast.0)),
            loss: forecast.1.measured / really.1.measured - 1.0,
        });
    }
    ranking
}

/// The index of the makespan in [`METRICS`].
const MAKESPAN: usize = 0;
/// The index of p99 in [`METRICS`].
const P99: usize = 2;
const _: () = assert!(METRICS.len() == 4);

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &str, measured: f64, forecast: f64) -> CellReport {
        let held = Held::new(vec![measured], forecast);
        CellReport {
            name: name.into(),
            interpreter: "x".into(),
            workload: name.split('/').next().unwrap_or_default().into(),
            strategy: "s".into(),
            open: false,
            metrics: [held; 4],
            detail: CellDetail {
                cpu: (0.0, 0.0),
                voluntary: (0.0, 0.0),
                involuntary: (0.0, 0.0),
                causes: Vec::new(),
                events: 0,
            },
        }
    }

    #[test]
    fn the_best_may_be_missed_by_a_tenth() {
        let cells = [
            report("a/one", 1.0, 2.0),
            report("a/two", 1.1, 1.5),
            report("b/one", 1.0, 2.0),
            report("b/two", 1.2, 1.5),
            report("c/alone", 1.0, 1.0),
        ];
        let ranks = rank(&cells);
        assert_eq!(
            ranks
                .iter()
                .map(|r| (r.workload.as_str(), r.right()))
                .collect::<Vec<_>>(),
            [("a", true), ("b", false)]
        );
        assert_eq!(ranks[1].best, ("one x".to_owned(), "two x".to_owned()));
    }
}
