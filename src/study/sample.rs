//! Samples: one replication reduced to the numbers that a forecast is made of.

use super::windows::{Missed, WindowSample, missed, reduced};
use crate::engine::{Nanos, Total};
use crate::measure::{Histogram, drift, growth};
use crate::quantity::{LATENCIES, Quantity};
use crate::scenario::{Metric, Objective};
use crate::strategy::{CAUSES, Finding, Outcome};

/// The numbers that a study keeps of a replication: some kilobytes, whatever was simulated.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// Values of the quantities, indexed by `Quantity as usize`; NaN if there is none (a latency without completions).
    pub values: [f64; Quantity::COUNT],
    /// Latencies of each class, in the order of [`LATENCIES`]; NaN if there is none.
    pub classes: Vec<[f64; LATENCIES.len()]>,
    /// Shares of task time by cause; all zero if no task ended.
    pub causes: [f64; CAUSES],
    /// Shares of the children's time by cause; all zero if there are none.
    pub children: [f64; CAUSES],
    /// Busy share (0 to 1) of each core.
    pub cores: Vec<f64>,
    /// Value of the metric by which the study ranks.
    pub primary: f64,
    /// Values of the objectives' metrics, in their order.
    pub objectives: Vec<f64>,
    /// What became of tasks by when they arrived, if windows were asked for.
    pub windows: Vec<WindowSample>,
    /// For each objective, where it is not met in these windows; `None` where they do not tell.
    pub missed: Vec<Option<Missed>>,
    /// How much more the replication was loaded than expected, as a share: a control variate, whose true mean is zero.
    pub control: f64,
    /// How much latencies still rise in the second half (see [`drift`]).
    pub drift: Option<f64>,
    /// How much longer latencies are in the second half than in the first (see [`growth`]).
    pub growth: Option<f64>,
    /// Counted tasks that ended per second after the last arrival; `None` if arrivals had not run out.
    pub drained: Option<f64>,
    /// Number of model events.
    pub events: u64,
    /// Findings about the replication.
    pub findings: Vec<Finding>,
    /// The latencies, if they are kept; passed on when the sample is counted.
    pub latency: Option<Box<Histogram>>,
}

/// How an outcome is reduced to a sample.
#[derive(Clone, Copy)]
pub(super) struct Reduction<'a> {
    /// The metric by which the study ranks.
    pub primary: Metric,
    /// The objectives.
    pub objectives: &'a [Objective],
    /// Start of the time that counts.
    pub warmup: Nanos,
    /// Whether the workload is studied in its steady state.
    pub steady: bool,
    /// Whether the run ends at a horizon rather than with its last task.
    pub horizon: bool,
    /// Whether the distribution of latencies is kept.
    pub latencies: bool,
}

impl Sample {
    pub(super) fn new(o: &Outcome, how: Reduction<'_>) -> Self {
        let series = o.series.means();
        let spent: f64 = o.causes.iter().map(|c| c.as_secs_f64()).sum();
        let of_children: f64 = o.children.iter().map(|c| c.as_secs_f64()).sum();
        let end = o.end.as_secs_f64();
        Self {
            values: values(o, how),
            classes: o.class_latency.iter().map(latencies).collect(),
            causes: o.causes.map(|c| share(c.as_secs_f64(), spent)),
            children: o.children.map(|c| share(c.as_secs_f64(), of_children)),
            cores: o
                .core_busy
                .iter()
                .map(|b| share(b.as_secs_f64(), end))
                .collect(),
            primary: metric(o, how, how.primary),
            objectives: (how.objectives.iter())
                .map(|j| metric(o, how, j.metric))
                .collect(),
            windows: reduced(o),
            missed: how.objectives.iter().map(|j| missed(o, j)).collect(),
            control: control(o),
            drift: drift(&series),
            growth: growth(&series),
            drained: drained(o),
            events: o.events,
            findings: o.findings.clone(),
            latency: how.latencies.then(|| Box::new(o.latency.clone())),
        }
    }
}

/// The excess demand as a share, less the share by which arrivals came further apart than on average; the true means of both are zero.
fn control(o: &Outcome) -> f64 {
    share(o.demand_excess, o.demand_expected) - share(o.interval_excess, o.interval_expected)
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Completed tasks per second: in a steady state those that complete while tasks keep arriving; of a batch or trace all of them over the
/// makespan. If none completes while tasks arrive, the counted completions over the time that counts.
fn throughput(o: &Outcome, how: Reduction<'_>) -> f64 {
    if how.steady
        && let Some(rate) = o.window.rate()
    {
        return rate;
    }
    let until = if how.horizon { o.end } else { o.makespan };
    share(count(o.completed), until.since(how.warmup).as_secs_f64())
}

/// The rate at which a run ends the tasks that are left when the last one has arrived.
fn drained(o: &Outcome) -> Option<f64> {
    let last = o.arrivals_end?;
    let (from, until) = o.window.window();
    let while_arriving =
        o.window.rate().unwrap_or(0.0) * until.unwrap_or(last).since(from).as_secs_f64();
    let left = count(o.completed + o.failed + o.timed_out + o.rejected) - while_arriving;
    Some(share(left.max(0.0), o.makespan.since(last).as_secs_f64()))
}

fn failure_rate(o: &Outcome) -> f64 {
    let failed = o.failed + o.timed_out + o.rejected + o.lost;
    share(count(failed), count(o.completed + failed))
}

fn metric(o: &Outcome, how: Reduction<'_>, m: Metric) -> f64 {
    match m {
        Metric::Makespan => o.makespan.as_secs_f64(),
        Metric::Throughput => throughput(o, how),
        Metric::MeanLatency => o.latency.mean().map_or(f64::NAN, |ns| ns / 1e9),
        Metric::Percentile(p) => quantile(&o.latency, p / 100.0),
        Metric::Worst(p) => worst(o, p / 100.0),
        Metric::Memory => count(o.memory_peak),
        Metric::Cpu => o.cpu.as_secs_f64(),
        Metric::FailureRate => failure_rate(o),
    }
}

/// The quantile in the window in which it is largest; over all tasks where there are no windows. Tasks of a window in which none completed count with the
/// longest that one of them has waited for its end; where some have none, until the end of the run, which is the least that can be said.
fn worst(o: &Outcome, q: f64) -> f64 {
    let Some(windows) = &o.windows else {
        return quantile(&o.latency, q);
    };
    let each = windows.all().iter().enumerate().map(|(i, w)| {
        if w.arrived > 0 && w.completed == 0 {
            let from = windows.width() * i as u64;
            let ended = w.failed + w.timed_out + w.rejected;
            let until = if ended < w.arrived {
                o.end.since(from)
            } else {
                w.unanswered
            };
            until.as_secs_f64()
        } else {
            quantile(&w.latency, q)
        }
    });
    each.fold(f64::NAN, f64::max)
}

fn quantile(h: &Histogram, q: f64) -> f64 {
    h.value_at_quantile(q).map_or(f64::NAN, Nanos::as_secs_f64)
}

/// A statistic of latencies, seconds; NaN without any, and for what is none.
fn latency(h: &Histogram, q: Quantity) -> f64 {
    match q {
        Quantity::LatencyMean => h.mean().map_or(f64::NAN, |ns| ns / 1e9),
        Quantity::P50 => quantile(h, 0.5),
        Quantity::P90 => quantile(h, 0.9),
        Quantity::P95 => quantile(h, 0.95),
        Quantity::P99 => quantile(h, 0.99),
        Quantity::P999 => quantile(h, 0.999),
        Quantity::Max => quantile(h, 1.0),
        _ => f64::NAN,
    }
}

fn latencies(h: &Histogram) -> [f64; LATENCIES.len()] {
    LATENCIES.map(|q| latency(h, q))
}

fn values(o: &Outcome, how: Reduction<'_>) -> [f64; Quantity::COUNT] {
    let end = o.end.as_secs_f64();
    let busy: f64 = o.core_busy.iter().map(|b| b.as_secs_f64()).sum();
    // Machines that were not there all the time had less to give.
    let all = Total::from(o.end) * u64::from(o.machines.max(1));
    let there = share(o.machine_time.as_secs_f64(), all.as_secs_f64());
    Quantity::ALL.map(|q| match q {
        Quantity::Makespan => o.makespan.as_secs_f64(),
        Quantity::Closed => o.closed.as_secs_f64(),
        Quantity::Throughput => throughput(o, how),
        Quantity::Cpu => o.cpu.as_secs_f64(),
        Quantity::Utilization => share(busy, end * count(o.core_busy.len() as u64) * there),
        Quantity::GilHeld => share(o.gil_held.as_secs_f64(), end),
        Quantity::Serial => share(o.serial.as_secs_f64(), o.makespan.as_secs_f64()),
        Quantity::GilContended => share(o.gil_contended.as_secs_f64(), end),
        Quantity::MachineTime => o.machine_time.as_secs_f64(),
        Quantity::SwitchesVoluntary => count(o.switches_voluntary),
        Quantity::SwitchesInvoluntary => count(o.switches_involuntary),
        Quantity::MemoryPeak => count(o.memory_peak),
        Quantity::MemoryMean => o.memory_mean,
        Quantity::BytesMoved => o.bytes_moved as f64,
        Quantity::Processes => f64::from(o.processes),
        Quantity::Arrived => count(o.arrived),
        Quantity::Completed => count(o.completed),
        Quantity::Failed => count(o.failed),
        Quantity::TimedOut => count(o.timed_out),
        Quantity::Rejected => count(o.rejected),
        Quantity::Resent => count(o.resent),
        Quantity::Unanswered => count(o.unanswered),
        Quantity::Attempts => count(o.attempts),
        Quantity::Retries => count(o.retries),
        Quantity::InFlight => count(o.in_flight),
        Quantity::Lost => count(o.lost),
        Quantity::FailureRate => failure_rate(o),
        Quantity::LatencyMean
        | Quantity::P50
        | Quantity::P90
        | Quantity::P95
        | Quantity::P99
        | Quantity::P999
        | Quantity::Max => latency(&o.latency, q),
    })
}

fn count(n: u64) -> f64 {
    n as f64
}
