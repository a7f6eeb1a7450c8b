//! The metric that a sweep is ranked by, and numbers as its tables show them.

use serde_json::Value;

use crate::measure::Estimate;
use crate::quantity::{Unit, quantity_text};
use crate::result::SweepRow;

/// The metric of a row whose numbers can be taken as they are.
pub(crate) fn value(row: &SweepRow) -> Option<Estimate> {
    row.case
        .is_fine()
        .then(|| row.case.primary())
        .flatten()
        .filter(|e| e.mean.is_finite())
}

/// An axis' value as it was written.
pub(crate) fn written(value: &Value) -> String {
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
    pub value: Estimate,
}

impl Quoted {
    /// `12.4 ± 0.3 s`.
    pub fn text(&self) -> String {
        quantity_text(self.unit, self.value)
    }

    /// `12.4 s`: without its interval.
    pub fn mean_text(&self) -> String {
        let bare = self.value.with_half(None);
        quantity_text(self.unit, bare)
    }

    /// `makespan 12.4 ± 0.3 s`.
    pub fn named(&self) -> String {
        format!("{} {}", self.metric, self.text())
    }
}
