//! Sweeps: one study for each point of a plan. A [`SweepPlan`] holds what is varied. Points are numbered in canonical order (the last axis
//! varies fastest); their results depend neither on each other nor on the order in which they are made.

mod axes;
pub(crate) mod journal;
mod range;
mod rows;
mod run;
mod store;
mod values;

pub(crate) use axes::{Axes, is_cores};
pub use rows::{header, rows};
pub use run::{Advance, PreparedPoints, SweepBackend, prepare, run_sweep};
pub(crate) use store::Store;

/// What is varied, and over which values.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepPlan {
    /// The axes; the last varies fastest.
    pub axes: Vec<PlanAxis>,
    /// Whether the axes vary side by side (all have as many values), rather than as a grid.
    pub zip: bool,
}

/// An axis: one thing that is varied.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanAxis {
    /// Path of the field that is set (`machine.cores`), unique in the plan.
    pub path: String,
    /// Name for people (`cores`).
    pub label: String,
    /// The values in order; at least one.
    pub values: Vec<AxisValue>,
    /// Unit of the values' numbers: `s`, `bytes`, `per_s`, or none.
    pub unit: Option<&'static str>,
}

/// A value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisValue {
    /// Text of the value, as `--set PATH=VALUE` takes it.
    pub text: String,
    /// The value as a number (durations in seconds, sizes in bytes), if it is one.
    pub number: Option<f64>,
}

/// A point of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepPoint {
    /// Its number in canonical order, from 0.
    pub number: u64,
    /// Its index on each axis.
    pub index: Vec<usize>,
}

impl SweepPlan {
    /// Number of points.
    pub fn len(&self) -> u64 {
        let lengths = self.axes.iter().map(|a| a.values.len() as u64);
        if self.zip {
            lengths.min().unwrap_or(1)
        } else {
            lengths.fold(1, u64::saturating_mul)
        }
    }

    /// Whether the plan has no points.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The point of this number.
    pub fn point(&self, number: u64) -> SweepPoint {
        let mut rest = number;
        let mut index: Vec<usize> = self
            .axes
            .iter()
            .rev()
            .map(|axis| {
                let n = axis.values.len().max(1) as u64;
                let i = if self.zip { number } else { rest % n };
                rest /= n;
                usize::try_from(i).unwrap_or(usize::MAX)
            })
            .collect();
        index.reverse();
        SweepPoint { number, index }
    }
}
