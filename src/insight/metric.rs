//! The metric by which a sweep ranks, and numbers as its tables show them.

use serde_json::Value;

use crate::measure::Estimate;
use crate::quantity::{Unit, quantity_text};
use crate::result::SweepRow;

/// The metric of a row; `None` unless its numbers can be taken as they are.
pub(crate) fn value(row: &SweepRow) -> Option<Estimate> {
    row.case
        .is_fine()
        .then(|| row.case.primary())
        .flatten()
        .filter(|e| e.mean.is_finite())
}

/// The value of an axis, as it was written.
pub(crate) fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value of a metric, with the metric's name and unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Quoted {
    /// Name of the metric in words.
    pub metric: String,
    /// Unit of the metric.
    pub unit: Unit,
    /// The value.
    pub value: Estimate,
}

impl Quoted {
    /// The value with its interval: `12.4 ± 0.3 s`.
    pub fn text(&self) -> String {
        quantity_text(self.unit, self.value)
    }

    /// The value without its interval: `12.4 s`.
    pub(crate) fn mean_text(&self) -> String {
        let bare = self.value.with_half(None);
        quantity_text(self.unit, bare)
    }

    /// The metric and its value: `makespan 12.4 ± 0.3 s`.
    pub(crate) fn named(&self) -> String {
        format!("{} {}", self.metric, self.text())
    }
}
