//! The metric by which a study ranks, written under keys that end in its unit.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::keyed::map;
use crate::measure::Estimate;
use crate::quantity::Unit;

/// The value of the metric by which a study ranks. Its keys end in the metric's unit: `ranked_by_s`, `behind_best_bytes`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Unit of the metric.
    pub unit: Unit,
    /// Value of the metric.
    pub value: Option<Estimate>,
    /// Difference from the value of the case in first place.
    pub behind_best: Option<Estimate>,
}

/// Ending of the keys for a metric of this unit.
fn ending(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::PerSecond => "per_s",
        Unit::Bytes => "bytes",
        Unit::Share | Unit::Count => "share",
    }
}

const VALUE: &str = "ranked_by_";
const BEHIND: &str = "behind_best_";

impl Serialize for Ranked {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let key = |name: &str| format!("{name}{}", ending(self.unit));
        map(
            [(key(VALUE), self.value), (key(BEHIND), self.behind_best)],
            s,
        )
    }
}

impl<'de> Deserialize<'de> for Ranked {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Ranked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "keys that begin with {VALUE} and {BEHIND}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Ranked, A::Error> {
                let mut read = Ranked {
                    unit: Unit::Share,
                    value: None,
                    behind_best: None,
                };
                while let Some(key) = all.next_key::<String>()? {
                    let units = [Unit::Seconds, Unit::PerSecond, Unit::Bytes, Unit::Share];
                    let unit = |name| {
                        let end = key.strip_prefix(name)?;
                        units.into_iter().find(|u| ending(*u) == end)
                    };
                    if let Some(unit) = unit(VALUE) {
                        (read.unit, read.value) = (unit, all.next_value()?);
                    } else if unit(BEHIND).is_some() {
                        read.behind_best = all.next_value()?;
                    } else {
                        all.next_value::<de::IgnoredAny>()?;
                    }
                }
                Ok(read)
            }
        }
        d.deserialize_map(Keys)
    }
}
