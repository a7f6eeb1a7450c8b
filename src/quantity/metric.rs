//! Metrics and estimates of them, in words.

use super::list::{Quantity, Unit};
use super::numbers::{decimals, digits, whole};
use super::unit::shared_unit;
use crate::measure::Estimate;
use crate::scenario::Metric;
use crate::syntax::parse_metric;

impl Metric {
    /// The metrics by which two results are compared, besides the one by which they are ranked.
    pub(crate) const COMPARED: [Self; 9] = [
        Self::Makespan,
        Self::Throughput,
        Self::MeanLatency,
        Self::Percentile(50.0),
        Self::Percentile(95.0),
        Self::Percentile(99.0),
        Self::Cpu,
        Self::Memory,
        Self::FailureRate,
    ];

    /// The quantity that this metric is, if every forecast holds it.
    pub fn quantity(self) -> Option<Quantity> {
        match self {
            Self::Makespan => Some(Quantity::Makespan),
            Self::Throughput => Some(Quantity::Throughput),
            Self::MeanLatency => Some(Quantity::LatencyMean),
            Self::Percentile(50.0) => Some(Quantity::P50),
            Self::Percentile(90.0) => Some(Quantity::P90),
            Self::Percentile(95.0) => Some(Quantity::P95),
            Self::Percentile(99.0) => Some(Quantity::P99),
            Self::Percentile(99.9) => Some(Quantity::P999),
            Self::Percentile(_) | Self::Worst(_) => None,
            Self::Memory => Some(Quantity::MemoryPeak),
            Self::Cpu => Some(Quantity::Cpu),
            Self::FailureRate => Some(Quantity::FailureRate),
        }
    }

    /// Whether it is a latency of tasks.
    #[must_use]
    pub fn is_latency(self) -> bool {
        match self {
            Self::MeanLatency | Self::Percentile(_) | Self::Worst(_) => true,
            Self::Makespan | Self::Throughput | Self::Memory | Self::Cpu | Self::FailureRate => {
                false
            }
        }
    }

    /// Whether small values are good.
    #[must_use]
    pub fn less_is_better(self) -> bool {
        self != Self::Throughput
    }

    /// Whether `a` is better than `b`.
    #[must_use]
    pub fn better(self, a: f64, b: f64) -> bool {
        if self.less_is_better() { a < b } else { a > b }
    }

    /// The unit of this metric's values.
    pub fn unit(self) -> Unit {
        match self {
            Self::Makespan
            | Self::MeanLatency
            | Self::Percentile(_)
            | Self::Worst(_)
            | Self::Cpu => Unit::Seconds,
            Self::Throughput => Unit::PerSecond,
            Self::Memory => Unit::Bytes,
            Self::FailureRate => Unit::Share,
        }
    }
}

/// When an interval is shown beside its mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntervalDisplay {
    /// Always, if there is one.
    Always,
    /// Only if it is at least one unit of the mean's last digit.
    IfVisible,
    /// Never.
    Never,
}

/// Text of an estimate, `12.4 ± 0.3`: both numbers with the decimals of the mean's three significant digits. Nothing that is measured can be less than
/// nothing: where the interval would reach below 0, its ends are written, `0.12 (0 to 0.40)`.
pub(crate) fn estimate(e: Estimate, interval: IntervalDisplay) -> String {
    written(e, interval, 0.0)
}

/// Text of an estimated difference, which may as well be less than nothing.
pub(crate) fn signed_estimate(e: Estimate, interval: IntervalDisplay) -> String {
    written(e, interval, f64::NEG_INFINITY)
}

fn written(e: Estimate, interval: IntervalDisplay, least: f64) -> String {
    let d = decimals(e.mean, 3);
    let mean = digits(e.mean, 3);
    let last_digit = libm::pow(10.0, -f64::from(u32::try_from(d).unwrap_or(0)));
    match e.half() {
        Some(half) if interval != IntervalDisplay::Never && half >= last_digit / 2.0 => {
            let number = |x: f64| match d {
                0 => whole(x),
                d => format!("{x:.d$}"),
            };
            if e.mean >= least && e.mean - half < least {
                format!("{mean} (0 to {})", number(e.mean + half))
            } else {
                format!("{mean} ± {}", number(half))
            }
        }
        Some(_) if interval == IntervalDisplay::Always => format!("{mean} ± <{last_digit:.d$}"),
        _ => mean,
    }
}

/// The metric of this name, as `--rank-by` takes it or as results write it; `None` where there is none.
#[must_use]
pub fn metric_named(name: &str) -> Option<Metric> {
    let written = [
        Metric::MeanLatency,
        Metric::Memory,
        Metric::Cpu,
        Metric::FailureRate,
    ];
    let found = written.into_iter().find(|&m| metric_name(m) == name);
    found.or_else(|| parse_metric(name).ok())
}

/// Name of a metric in words.
#[must_use]
pub fn metric_name(m: Metric) -> String {
    match m {
        Metric::Makespan => "makespan".into(),
        Metric::Throughput => "throughput".into(),
        Metric::MeanLatency => "mean latency".into(),
        Metric::Percentile(p) => format!("p{p}"),
        Metric::Worst(p) => format!("worst p{p}"),
        Metric::Memory => "peak memory".into(),
        Metric::Cpu => "CPU time".into(),
        Metric::FailureRate => "failure rate".into(),
    }
}

/// Title of a metric's column: `p95 latency`, where [`metric_name`] says `p95`.
pub(crate) fn metric_title(m: Metric) -> String {
    let name = metric_name(m);
    match m {
        Metric::Percentile(_) | Metric::Worst(_) => format!("{name} latency"),
        _ => name,
    }
}

/// Text of an estimate of a metric, in the unit that suits it best: `12.4 ± 0.3 ms`.
pub(crate) fn metric_text(m: Metric, e: Estimate) -> String {
    quantity_text(m.unit(), e)
}

/// Text of an estimate of a metric, in a given unit.
pub(crate) fn metric_text_in(m: Metric, e: Estimate, unit: (f64, &'static str)) -> String {
    text_in(e, called(m.unit(), unit))
}

/// Text of an estimate, in the unit that suits it best: `12.4 ± 0.3 ms`, `12%`.
pub(crate) fn quantity_text(unit: Unit, e: Estimate) -> String {
    text_in(e, unit_of(unit, std::iter::once(e.mean)))
}

/// The unit that these values share: its size, and its name.
pub(crate) fn unit_of(unit: Unit, values: impl Iterator<Item = f64>) -> (f64, &'static str) {
    called(unit, shared_unit(unit, values))
}

/// Names the unit: what is counted per second are tasks.
fn called(unit: Unit, (scale, name): (f64, &'static str)) -> (f64, &'static str) {
    match unit {
        Unit::PerSecond => (scale, "tasks/s"),
        Unit::Seconds | Unit::Share | Unit::Bytes | Unit::Count => (scale, name),
    }
}

fn text_in(e: Estimate, (scale, name): (f64, &str)) -> String {
    let number = estimate(e.scaled(1.0 / scale), IntervalDisplay::Always);
    match name {
        "%" => format!("{number}%"),
        _ => format!("{number} {name}").trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_the_decimals_of_their_mean() {
        let e = |mean, half| Estimate::new(mean, half, mean, 10);
        assert_eq!(
            estimate(e(12.41, Some(0.31)), IntervalDisplay::Always),
            "12.4 ± 0.3"
        );
        assert_eq!(
            estimate(e(12.41, Some(0.01)), IntervalDisplay::Always),
            "12.4 ± <0.1"
        );
        assert_eq!(
            estimate(e(12.41, Some(0.01)), IntervalDisplay::IfVisible),
            "12.4"
        );
        assert_eq!(
            estimate(e(171.2, Some(3.02)), IntervalDisplay::Always),
            "171 ± 3"
        );
        assert_eq!(estimate(e(12.41, None), IntervalDisplay::Always), "12.4");
        assert_eq!(
            estimate(e(0.012, Some(0.5)), IntervalDisplay::Always),
            "0.0120 (0 to 0.5120)"
        );
        assert_eq!(
            metric_text(Metric::Percentile(95.0), e(0.012_4, Some(0.000_3))),
            "12.4 ± 0.3 ms"
        );
        assert_eq!(metric_text(Metric::FailureRate, e(0.012_4, None)), "1.24%");
    }
}
