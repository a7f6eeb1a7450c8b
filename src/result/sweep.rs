//! The result of a sweep: a header, and a row for each case of each point. Fields are in the order of the keys in its file.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::forecast::Forecast;
use super::keyed;
use super::study::{Generator, MachineInfo, ScenarioName};
use crate::scenario::Metric;

/// The result of a sweep: the header from the first line of its file, and the rows from the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The header: what was varied, and how.
    pub header: SweepHeader,
    /// A row for each case of each point, points in canonical order, cases best first.
    pub rows: Vec<SweepRow>,
}

impl Sweep {
    /// Number of points that have rows.
    pub fn points_done(&self) -> u64 {
        let points: BTreeSet<u64> = self.rows.iter().map(|r| r.point).collect();
        points.len() as u64
    }
}

/// The header of a sweep, the first line of its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepHeader {
    /// The program that made the result.
    pub program: Generator,
    /// The command that repeats the sweep.
    pub command: String,
    /// The scenario, before anything is varied.
    pub scenario: ScenarioName,
    /// Master seed.
    pub seed: u64,
    /// The simulated computer, before anything is varied.
    pub machine: MachineInfo,
    /// Hash of the plan: equal plans have equal points.
    pub plan: String,
    /// What is varied; the last axis varies fastest.
    pub axes: Vec<SweptAxis>,
    /// Whether the axes run side by side, rather than as a grid.
    pub zip: bool,
    /// Number of points of the plan.
    pub points: u64,
    /// The metric by which the cases are ranked.
    #[serde(with = "keyed::metric")]
    pub ranked_by: Metric,
    /// Precision asked for (relative half-width of the metric's interval).
    pub precision: f64,
    /// Confidence level of the intervals, from 0 to 1.
    pub confidence: f64,
}

/// An axis: what is varied, and over which values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweptAxis {
    /// Path of the field that is varied (`machine.cores`), unique in the sweep.
    pub path: String,
    /// Name for people (`cores`).
    pub label: String,
    /// The values as they were written: numbers or texts.
    pub values: Vec<Value>,
    /// The values as numbers (durations in seconds, sizes in bytes); `None` unless all values have one.
    pub numbers: Option<Vec<f64>>,
    /// Unit of `numbers`: `s`, `bytes`, `per_s`, or nothing.
    pub unit: Option<String>,
}

/// What the values of an axis mean in a search for the best point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisKind {
    /// They may be chosen: cores, workers, interpreters, strategies.
    Choice,
    /// The program has to bear them: a rate, users, tasks. The best is searched under the largest load.
    Load,
    /// They are given: the seed, and anything else that describes the work. No value is better than another.
    Given,
}

impl AxisKind {
    /// The kind of an axis, by its path. A field that is not known to be a choice counts as given: which case is best at each value is
    /// meaningful for any axis.
    pub fn of(path: &str) -> Self {
        const CHOSEN: [&str; 7] = [
            "machine",
            "interpreter",
            "interpreters",
            "strategy",
            "strategies",
            "workers",
            "cores",
        ];
        const LOADS: [&str; 3] = ["rate", "users", "count"];
        // Of what tasks use: the sizes of its pools are the program's own. What others grant or sell (rates) is given.
        const SIZES: [&str; 3] = ["count", "size", "overflow"];
        let mut parts = path.split(['.', '[']);
        let first = parts.next().unwrap_or_default();
        let second = parts.next().unwrap_or_default();
        let last = path.rsplit('.').next().unwrap_or_default();
        // The `count` of a step is a part of the work, not of its amount.
        let amount = !["resources", "devices"].contains(&second) && !path.contains(".steps[");
        if CHOSEN.contains(&first) || (second == "resources" && SIZES.contains(&last)) {
            Self::Choice
        } else if first == "workload" && LOADS.contains(&last) && amount {
            Self::Load
        } else {
            Self::Given
        }
    }
}

impl SweptAxis {
    /// The kind of this axis; text values are never a load.
    pub fn kind(&self) -> AxisKind {
        match AxisKind::of(&self.path) {
            AxisKind::Load if self.numbers.is_none() => AxisKind::Given,
            kind => kind,
        }
    }

    /// Whether its values change only strategies.
    pub fn sets_strategies(&self) -> bool {
        let first = self.path.split(['.', '[']).next().unwrap_or_default();
        ["workers", "strategy", "strategies"].contains(&first)
    }

    /// Whether its values have a meaningful order. Seeds are numbers, but none is more than another.
    pub fn is_ordered(&self) -> bool {
        self.numbers.is_some() && self.path != "seed"
    }
}

/// The values of a point, keyed by the paths of their axes, in the order of the axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct At(pub Vec<(String, Value)>);

impl At {
    /// The value on the axis of this path; `None` if there is none.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.0.iter().find(|(p, _)| p == path).map(|(_, v)| v)
    }
}

/// A row: one case at one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepRow {
    /// Number of the point, from 0.
    pub point: u64,
    /// Index of the point's value on each axis.
    pub index: Vec<usize>,
    /// The point's value on each axis.
    pub at: At,
    /// Codes of the point's warnings; notes are left out.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The forecast of the case.
    #[serde(flatten)]
    pub case: Forecast,
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        keyed::map(self.0.iter().map(|(path, value)| (path, value)), s)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = At;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the values of a point by the paths of their axes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<At, A::Error> {
                let mut read = Vec::new();
                while let Some(entry) = all.next_entry()? {
                    read.push(entry);
                }
                Ok(At(read))
            }
        }
        d.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_has_to_bear_is_a_load() {
        for (path, kind) in [
            ("workload.arrivals.rate", AxisKind::Load),
            ("workload.arrivals.users", AxisKind::Load),
            ("workload.tasks.page.count", AxisKind::Load),
            ("workload.tasks[0].steps[1].count", AxisKind::Given),
            ("workload.tasks[0].steps[1].time", AxisKind::Given),
            ("workload.resources.db.size", AxisKind::Choice),
            ("workload.resources.gate.count", AxisKind::Choice),
            ("workload.resources.api.rate", AxisKind::Given),
            ("workload.devices.disk.rate", AxisKind::Given),
            ("machine.cores", AxisKind::Choice),
            ("seed", AxisKind::Given),
        ] {
            assert_eq!(AxisKind::of(path), kind, "{path}");
        }
    }
}
