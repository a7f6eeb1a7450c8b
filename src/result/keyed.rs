//! How parts of a result are written under keys that other tables know: a quantity's, a cause's, the metric's unit. For `#[serde(with)]`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::forecast::{Found, Ranked};
use super::sweep::At;
use crate::measure::Estimate;
use crate::quantity::{LATENCIES, Quantity, Unit};
use crate::strategy::{CAUSES, Cause};

/// A list on one line, however the rest is laid out.
pub(super) fn one_line<T: Serialize, S: Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(value).map_err(S::Error::custom)?;
    RawValue::from_string(text)
        .map_err(S::Error::custom)?
        .serialize(s)
}

/// Metrics by their names.
pub(super) mod metric {
    use super::{Deserialize, Deserializer, Serialize, Serializer, de};
    use crate::quantity::{metric_name, metric_named};
    use crate::scenario::Metric;

    pub(in super::super) fn serialize<S: Serializer>(m: &Metric, s: S) -> Result<S::Ok, S::Error> {
        metric_name(*m).serialize(s)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Metric, D::Error> {
        let name = String::deserialize(d)?;
        metric_named(&name).ok_or_else(|| {
            de::Error::custom(format!("`{name}` is not a metric that this version knows"))
        })
    }
}

/// A map in the order in which it is given.
fn map<S: Serializer, K: Serialize, V: Serialize>(
    entries: impl IntoIterator<Item = (K, V)>,
    s: S,
) -> Result<S::Ok, S::Error> {
    let mut map = s.serialize_map(None)?;
    for (key, value) in entries {
        map.serialize_entry(&key, &value)?;
    }
    map.end()
}

type Estimates = BTreeMap<String, Option<Estimate>>;

/// Estimates by their quantities.
pub(super) mod quantities {
    use super::{Deserialize, Deserializer, Estimate, Estimates, Quantity, Serializer, map};

    type Values = [Option<Estimate>; Quantity::COUNT];

    pub(in super::super) fn serialize<S: Serializer>(v: &Values, s: S) -> Result<S::Ok, S::Error> {
        map(Quantity::ALL.iter().map(|q| (q.key(), v[*q as usize])), s)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Values, D::Error> {
        let read = Estimates::deserialize(d)?;
        Ok(Quantity::ALL.map(|q| read.get(q.key()).copied().flatten()))
    }
}

/// Latencies by their quantities.
pub(super) mod latencies {
    use super::{Deserialize, Deserializer, Estimate, LATENCIES, Serializer, map};
    use serde_json::Value;
    use std::collections::BTreeMap;

    type Values = [Option<Estimate>; LATENCIES.len()];

    pub(in super::super) fn serialize<S: Serializer>(v: &Values, s: S) -> Result<S::Ok, S::Error> {
        map(LATENCIES.iter().zip(v).map(|(q, e)| (q.key(), e)), s)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Values, D::Error> {
        // Beside them stand keys that are no latencies.
        let read = BTreeMap::<String, Value>::deserialize(d)?;
        let of = |key: &str| serde_json::from_value(read.get(key)?.clone()).ok();
        Ok(LATENCIES.map(|q| of(q.key())))
    }
}

fn key(cause: Cause) -> String {
    format!("{}_share", cause.name())
}

/// Shares by cause.
pub(super) mod causes {
    use super::{BTreeMap, CAUSES, Cause, Deserialize, Deserializer, Serializer, key, map};

    pub(in super::super) fn serialize<S: Serializer>(
        v: &[f64; CAUSES],
        s: S,
    ) -> Result<S::Ok, S::Error> {
        map(Cause::ALL.map(|c| (key(c), v[c as usize])), s)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<[f64; CAUSES], D::Error> {
        let read = BTreeMap::<String, Option<f64>>::deserialize(d)?;
        Ok(Cause::ALL.map(|c| read.get(&key(c)).copied().flatten().unwrap_or(0.0)))
    }
}

/// Shares by cause, or null.
pub(super) mod some_causes {
    use super::{CAUSES, Deserialize, Deserializer, Serializer, causes};

    type Shares = Option<[f64; CAUSES]>;

    pub(in super::super) fn serialize<S: Serializer>(v: &Shares, s: S) -> Result<S::Ok, S::Error> {
        match v {
            Some(shares) => causes::serialize(shares, s),
            None => s.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Shares, D::Error> {
        #[derive(serde::Deserialize)]
        struct Read(#[serde(with = "causes")] [f64; CAUSES]);
        Ok(Option::<Read>::deserialize(d)?.map(|r| r.0))
    }
}

/// Findings, those left out that only a later version knows.
pub(super) fn known<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Found>, D::Error> {
    let all = Vec::<serde_json::Value>::deserialize(d)?;
    let read = all.into_iter().map(serde_json::from_value);
    Ok(read.filter_map(Result::ok).collect())
}

/// What the keys of the metric that a study ranks by end in.
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

impl Serialize for At {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        map(self.0.iter().map(|(path, value)| (path, value)), s)
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
