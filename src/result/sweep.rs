//! The result of a sweep: a header and a row for each case of each point. The order of the fields is that of the keys in its file.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::forecast::Forecast;
use super::keyed;
use super::study::{Generator, MachineInfo, ScenarioName};
use crate::scenario::Metric;

/// The result of a sweep: the first line of its file, and the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// What was swept.
    pub header: SweepHeader,
    /// A row for each case of each point, points in canonical order, cases best first.
    pub rows: Vec<SweepRow>,
}

impl Sweep {
    /// How many points have rows.
    pub fn points_done(&self) -> u64 {
        let points: BTreeSet<u64> = self.rows.iter().map(|r| r.point).collect();
        points.len() as u64
    }
}

/// The first line of a sweep's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepHeader {
    /// What made it.
    pub program: Generator,
    /// The command that repeats it.
    pub command: String,
    /// What was simulated, before anything was varied.
    pub scenario: ScenarioName,
    /// Master seed.
    pub seed: u64,
    /// The simulated computer, before anything was varied.
    pub machine: MachineInfo,
    /// Names the plan: equal plans, equal points.
    pub plan: String,
    /// What is varied; the last axis runs fastest.
    pub axes: Vec<SweptAxis>,
    /// Whether the axes run side by side, rather than as a grid.
    pub zip: bool,
    /// How many points the plan has.
    pub points: u64,
    /// What the cases are ranked by.
    #[serde(with = "keyed::metric")]
    pub ranked_by: Metric,
    /// Relative half-width asked for.
    pub precision: f64,
    /// Level of the intervals.
    pub confidence: f64,
}

/// What is varied, and over which values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweptAxis {
    /// The field (`machine.cores`), unique in the sweep.
    pub path: String,
    /// Its name for people (`cores`).
    pub label: String,
    /// The values as they were written: numbers or texts.
    pub values: Vec<Value>,
    /// The same as numbers (durations in seconds, sizes in bytes), where they all are.
    pub numbers: Option<Vec<f64>>,
    /// Unit of `numbers`: `s`, `bytes`, `per_s`, or nothing.
    pub unit: Option<String>,
}

/// What the values of an axis are to whoever asks for the best of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisKind {
    /// There to choose from: cores, workers, interpreters, strategies.
    Choice,
    /// What the program has to bear: a rate, users, tasks. Its best is looked for under the largest.
    Load,
    /// As it is: the seed, and whatever else describes the work. No value of it is better than another.
    Given,
}

impl AxisKind {
    /// Of an axis by its path. What is not known to be chosen is taken as given: who is best at each of its values is true of any axis.
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
        let first = path.split(['.', '[']).next().unwrap_or_default();
        let last = path.rsplit('.').next().unwrap_or_default();
        if CHOSEN.contains(&first) {
            Self::Choice
        } else if first == "workload" && LOADS.contains(&last) {
            Self::Load
        } else {
            Self::Given
        }
    }
}

impl SweptAxis {
    /// What its values are to whoever asks for the best. Words name no load.
    pub fn kind(&self) -> AxisKind {
        match AxisKind::of(&self.path) {
            AxisKind::Load if self.numbers.is_none() => AxisKind::Given,
            kind => kind,
        }
    }

    /// Whether its values change nothing but strategies.
    pub fn sets_strategies(&self) -> bool {
        let first = self.path.split(['.', '[']).next().unwrap_or_default();
        ["workers", "strategy", "strategies"].contains(&first)
    }

    /// Whether its values lie in an order that means something. Seeds are numbers, but none is more than another.
    pub fn is_ordered(&self) -> bool {
        self.numbers.is_some() && self.path != "seed"
    }
}

/// A point's values, by the paths of their axes, in the order of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct At(pub Vec<(String, Value)>);

impl At {
    /// The value on the axis of this path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.0.iter().find(|(p, _)| p == path).map(|(_, v)| v)
    }
}

/// A case at a point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepRow {
    /// Number of the point, from 0.
    pub point: u64,
    /// The point's index on each axis.
    pub index: Vec<usize>,
    /// The point's value on each axis.
    pub at: At,
    /// Codes of the point's warnings, notes left out.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The forecast.
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
