//! One replication reduced to the numbers that a forecast is made of.

use crate::engine::Nanos;
use crate::measure::{Histogram, drift, growth};
use crate::quantity::{LATENCIES, Quantity};
use crate::scenario::Metric;
use crate::strategy::{CAUSES, Finding, Outcome};

/// What a study keeps of a replication: some kilobytes, whatever was simulated.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// Indexed by `Quantity as usize`; NaN where there is none (a latency without completions).
    pub values: [f64; Quantity::COUNT],
    /// Each class's latencies, in the order of [`LATENCIES`]; NaN where there is none.
    pub classes: Vec<[f64; LATENCIES.len()]>,
    /// Share of task time by cause; all zero where no task ended.
    pub causes: [f64; CAUSES],
    /// Share of their children's time by cause; all zero where there are none.
    pub children: [f64; CAUSES],
    /// Busy share of each core.
    pub cores: Vec<f64>,
    /// The metric that the study ranks by.
    pub primary: f64,
    /// The objectives' metrics, in their order.
    pub objectives: Vec<f64>,
    /// By how much more the replication was loaded than expected, as a share: a control variate, whose true mean is zero.
    pub control: f64,
    /// How much the second half's latencies still rise (see [`drift`]).
    pub drift: Option<f64>,
    /// How much longer the second half's latencies are than the first's (see [`growth`]).
    pub growth: Option<f64>,
    /// Tasks that ended a second after the last had arrived, of those that count; `None` where arrivals had not run out.
    pub drained: Option<f64>,
    /// Simulated events.
    pub events: u64,
    /// What went wrong.
    pub findings: Vec<Finding>,
    /// Every latency, where they are kept; handed on when the sample is counted.
    pub latency: Option<Box<Histogram>>,
}

/// What a reduction depends on besides the outcome.
#[derive(Clone, Copy)]
pub(super) struct Reduction<'a> {
    /// The metric that the study ranks by.
    pub primary: Metric,
    /// Metrics of the objectives.
    pub objectives: &'a [Metric],
    /// Start of the time that counts.
    pub warmup: Nanos,
    /// Whether tasks come from outside, so that there may be a steady state.
    pub steady: bool,
    /// Whether the run ends at a horizon (and not with its last task).
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
            objectives: how.objectives.iter().map(|&m| metric(o, how, m)).collect(),
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

/// What was demanded beyond its mean, less by how much the demands came further apart than in the mean: both have exactly known means.
fn control(o: &Outcome) -> f64 {
    share(o.demand_excess, o.demand_expected) - share(o.interval_excess, o.interval_expected)
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Completed tasks a second: of a steady state those that complete while tasks keep coming; of a batch or trace, which has none, all
/// over the makespan. Where nothing completes while tasks come, what those that count did in the time that counts is all there is.
fn throughput(o: &Outcome, how: Reduction<'_>) -> f64 {
    if how.steady
        && let Some(rate) = o.window.rate()
    {
        return rate;
    }
    let until = if how.horizon { o.end } else { o.makespan };
    share(count(o.completed), until.since(how.warmup).as_secs_f64())
}

/// How fast a run ends what is left when the last task has arrived.
fn drained(o: &Outcome) -> Option<f64> {
    let last = o.arrivals_end?;
    let (from, until) = o.window.window();
    let while_arriving =
        o.window.rate().unwrap_or(0.0) * until.unwrap_or(last).since(from).as_secs_f64();
    let left = count(o.completed + o.failed + o.timed_out) - while_arriving;
    Some(share(left.max(0.0), o.makespan.since(last).as_secs_f64()))
}

fn failure_rate(o: &Outcome) -> f64 {
    share(
        count(o.failed + o.timed_out),
        count(o.completed + o.failed + o.timed_out),
    )
}

fn metric(o: &Outcome, how: Reduction<'_>, m: Metric) -> f64 {
    match m {
        Metric::Makespan => o.makespan.as_secs_f64(),
        Metric::Throughput => throughput(o, how),
        Metric::MeanLatency => o.latency.mean().map_or(f64::NAN, |ns| ns / 1e9),
        Metric::Percentile(p) => quantile(&o.latency, p / 100.0),
        Metric::Memory => count(o.memory_peak),
        Metric::Cpu => o.cpu.as_secs_f64(),
        Metric::FailureRate => failure_rate(o),
    }
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
    Quantity::ALL.map(|q| match q {
        Quantity::Makespan => o.makespan.as_secs_f64(),
        Quantity::Closed => o.closed.as_secs_f64(),
        Quantity::Throughput => throughput(o, how),
        Quantity::Cpu => o.cpu.as_secs_f64(),
        Quantity::Utilization => share(busy, end * count(o.core_busy.len() as u64)),
        Quantity::GilHeld => share(o.gil_held.as_secs_f64(), end),
        Quantity::GilContended => share(o.gil_contended.as_secs_f64(), end),
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
        Quantity::InFlight => count(o.in_flight),
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

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and sizes are far below 2^53"
)]
fn count(n: u64) -> f64 {
    n as f64
}
