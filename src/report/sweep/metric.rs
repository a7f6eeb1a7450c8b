//! The metric that a sweep is ranked by, and numbers as its tables show them.

use serde_json::Value;

use crate::report::document::{EstimateDocument, SweepRow};
use crate::report::grid::{Interval, estimate, metric_name};
use crate::report::unit::shared_unit;
use crate::scenario::{Metric, parse_metric};
use crate::study::Unit;

/// What the points are compared by.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranking {
    /// In words.
    pub name: String,
    /// What it counts.
    pub unit: Unit,
    /// Whether small values are the good ones.
    pub less_is_better: bool,
    /// The metric, where this version knows it.
    pub metric: Option<Metric>,
}

impl Ranking {
    /// From its name, as `--rank-by` takes it or as reports write it.
    pub(super) fn new(name: &str) -> Self {
        let written = [
            Metric::Makespan,
            Metric::Throughput,
            Metric::MeanLatency,
            Metric::Memory,
            Metric::Cpu,
            Metric::FailureRate,
        ]
        .into_iter()
        .find(|&m| metric_name(m) == name);
        match written.or_else(|| parse_metric(name).ok()) {
            Some(m) => Self {
                name: metric_name(m),
                unit: m.unit(),
                less_is_better: m != Metric::Throughput,
                metric: Some(m),
            },
            None => Self {
                name: name.into(),
                unit: Unit::Count,
                less_is_better: true,
                metric: None,
            },
        }
    }

    /// Whether `a` is better than `b`.
    pub(super) fn better(&self, a: f64, b: f64) -> bool {
        if self.less_is_better { a < b } else { a > b }
    }

    /// A value in a unit of its own: `12.4 ± 0.3 ms`.
    pub(super) fn text(&self, e: EstimateDocument) -> String {
        quantity_text(self.unit, e)
    }
}

/// A value in a unit of its own, its interval included: `12.4 ± 0.3 ms`, `12%`.
pub(super) fn quantity_text(unit: Unit, e: EstimateDocument) -> String {
    let (scale, name) = unit_of(unit, std::iter::once(e.mean));
    let number = estimate(e.estimate().scaled(1.0 / scale), Interval::Always);
    if name == "%" {
        format!("{number}%")
    } else {
        format!("{number} {name}").trim_end().to_owned()
    }
}

/// The unit that these values share: its size, and its name.
pub(super) fn unit_of(unit: Unit, values: impl Iterator<Item = f64>) -> (f64, &'static str) {
    match shared_unit(unit, values) {
        (scale, _) if unit == Unit::PerSecond => (scale, "tasks/s"),
        other => other,
    }
}

/// The metric of a row whose numbers can be taken as they are.
pub(super) fn value(row: &SweepRow) -> Option<EstimateDocument> {
    row.case
        .is_fine()
        .then(|| row.case.primary())
        .flatten()
        .filter(|e| e.mean.is_finite())
}

/// An axis' value as it was written.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value with what it is a value of.
#[derive(Clone, Debug, PartialEq)]
pub struct Quoted {
    /// The metric in words.
    pub metric: String,
    /// What it counts.
    pub unit: Unit,
    /// The value.
    pub value: EstimateDocument,
}

impl Quoted {
    /// `12.4 ± 0.3 s`.
    pub fn text(&self) -> String {
        quantity_text(self.unit, self.value)
    }

    /// `12.4 s`: without its interval.
    pub fn mean_text(&self) -> String {
        let bare = EstimateDocument {
            low: None,
            high: None,
            ..self.value
        };
        quantity_text(self.unit, bare)
    }

    /// `makespan 12.4 ± 0.3 s`.
    pub fn named(&self) -> String {
        format!("{} {}", self.metric, self.text())
    }
}
