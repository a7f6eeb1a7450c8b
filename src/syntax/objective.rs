//! Reads objectives, such as `p95 < 200ms`, `memory < 512MiB` or `throughput > 50`.

use super::decode::suggest;
use crate::scenario::units;
use crate::scenario::units::UnitError;
use crate::scenario::{Metric, Objective};

/// Why a text is no objective, or no metric.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectiveError {
    /// Nothing is measured under this name.
    #[error("\"{name}\" is not something to measure; {known}")]
    UnknownMetric {
        /// The name.
        name: String,
        /// What is known, the likeliest first.
        known: String,
    },
    /// A percentile beyond 0 to 100.
    #[error("a percentile lies between 0 and 100: \"{0}\"")]
    Percentile(String),
    /// Strategies are not ranked by what most of them have none of.
    #[error("cannot rank by failures: most strategies have none")]
    RankedByFailures,
    /// Neither `<` nor `>`.
    #[error("\"{0}\" compares nothing: `<` or `>` is missing")]
    NoComparison(String),
    /// The bound has no such unit, or is out of its range.
    #[error("{0}")]
    Bound(String),
    /// A share of failures beyond 0 to 100 %.
    #[error("a share of failures lies between 0 and 100%, not \"{0}\"")]
    Share(String),
    /// The bound of this objective is infinite or below zero.
    #[error("the bound in \"{0}\" must be finite and not negative")]
    Unbounded(String),
}

impl From<UnitError> for ObjectiveError {
    fn from(e: UnitError) -> Self {
        match e {
            UnitError::Unit(m) | UnitError::Range(m) | UnitError::Limit(_, m) => Self::Bound(m),
        }
    }
}

/// What an objective looks like, for help texts.
pub(super) const HELP: &str = "for example \"p95 < 200ms\", \"mean < 50ms\", \"makespan < 3s\", \"throughput > 50/s\", \
     \"memory < 512MiB\", \"cpu < 10s\", \"failures < 1%\"";

const METRICS: [&str; 10] = [
    "makespan",
    "throughput",
    "mean",
    "p50",
    "p95",
    "p99",
    "worst p99",
    "memory",
    "cpu",
    "failures",
];

/// The metric of a name such as `p95` or `makespan`.
///
/// # Errors
/// Returns a text for the user when the name is unknown, or a percentile is beyond 100.
pub fn parse_metric(name: &str) -> Result<Metric, ObjectiveError> {
    Ok(match name.to_lowercase().as_str() {
        "makespan" => Metric::Makespan,
        "throughput" => Metric::Throughput,
        "mean" | "latency" => Metric::MeanLatency,
        "memory" => Metric::Memory,
        "cpu" => Metric::Cpu,
        "failures" => Metric::FailureRate,
        other => match percentile(other) {
            Some((p, worst)) if (0.0..=100.0).contains(&p) => worst(p),
            Some(_) => return Err(ObjectiveError::Percentile(name.into())),
            None => {
                return Err(ObjectiveError::UnknownMetric {
                    name: name.into(),
                    known: suggest(name, "known here", METRICS),
                });
            }
        },
    })
}

/// What is made of a percentile.
type OfPercentile = fn(f64) -> Metric;

/// The percentile in `p99` or `worst p99`, and what it is of.
fn percentile(name: &str) -> Option<(f64, OfPercentile)> {
    let (kind, name): (OfPercentile, &str) = match name.strip_prefix("worst") {
        Some(rest) => (Metric::Worst, rest.trim_start_matches([' ', '-'])),
        None => (Metric::Percentile, name),
    };
    Some((name.strip_prefix('p')?.parse().ok()?, kind))
}

/// Reads the name of a metric that strategies are ranked by.
///
/// # Errors
/// Returns the errors of [`parse_metric`], and an error for failures, of which most strategies have none.
pub fn parse_ranking(name: &str) -> Result<Metric, ObjectiveError> {
    match parse_metric(name)? {
        Metric::FailureRate => Err(ObjectiveError::RankedByFailures),
        metric => Ok(metric),
    }
}

/// Reads an objective: a metric, `<` or `>`, and a bound with its unit.
///
/// # Errors
/// Returns a text for the user that says what is wrong with the objective.
pub fn parse_objective(text: &str) -> Result<Objective, ObjectiveError> {
    let Some(at) = text.find(['<', '>']) else {
        return Err(ObjectiveError::NoComparison(text.into()));
    };
    let below = text[at..].starts_with('<');
    let bound = text[at + 1..].trim_start_matches('=').trim();
    let name = text[..at].trim();
    let metric = parse_metric(name)?;
    let bound = match metric {
        Metric::Makespan
        | Metric::MeanLatency
        | Metric::Percentile(_)
        | Metric::Worst(_)
        | Metric::Cpu => units::duration(bound)?.as_secs_f64(),
        Metric::Throughput => match bound.parse::<f64>() {
            Ok(x) => x,
            Err(_) => units::rate(bound)?,
        },
        Metric::Memory => units::size(bound)? as f64,
        Metric::FailureRate => {
            let share = units::share(bound)?;
            if !(0.0..=1.0).contains(&share) {
                return Err(ObjectiveError::Share(bound.into()));
            }
            share
        }
    };
    if !bound.is_finite() || bound < 0.0 {
        return Err(ObjectiveError::Unbounded(text.into()));
    }
    Ok(Objective {
        text: text.trim().to_string(),
        metric,
        below,
        bound,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_of_every_kind() {
        for (text, metric, below, bound) in [
            ("p95 < 200ms", Metric::Percentile(95.0), true, 0.2),
            ("p99.9<1s", Metric::Percentile(99.9), true, 1.0),
            ("memory <= 512MiB", Metric::Memory, true, 536_870_912.0),
            ("throughput > 50", Metric::Throughput, false, 50.0),
            ("throughput > 3000/min", Metric::Throughput, false, 50.0),
            ("makespan < 3s", Metric::Makespan, true, 3.0),
            ("failures < 1%", Metric::FailureRate, true, 0.01),
            ("mean < 5ms", Metric::MeanLatency, true, 0.005),
            ("cpu < 10s", Metric::Cpu, true, 10.0),
        ] {
            let o = parse_objective(text).unwrap();
            assert_eq!((o.metric, o.below), (metric, below), "{text}");
            assert!((o.bound - bound).abs() < 1e-12, "{text}");
        }
        for text in [
            "",
            "p95",
            "p95 < ",
            "p95 < 5",
            "p101 < 5s",
            "pp < 5s",
            "speed > 3",
            "throughput > inf",
            "failures < 200%",
            "memory < 5",
        ] {
            assert!(parse_objective(text).is_err(), "{text}");
        }
    }
}
