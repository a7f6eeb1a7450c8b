//! Serialization of parts of a result whose keys come from other tables: quantities, causes, the metric's unit. For `#[serde(with)]`.

use std::collections::BTreeMap;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::measure::Estimate;
use crate::quantity::{LATENCIES, Quantity};
use crate::strategy::{CAUSES, Cause};

/// Writes a value on one line, however the rest is laid out.
pub(super) fn one_line<T: Serialize, S: Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(value).map_err(S::Error::custom)?;
    RawValue::from_string(text)
        .map_err(S::Error::custom)?
        .serialize(s)
}

/// Metrics, as their names.
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

/// Writes a map in the order in which its entries are given.
pub(super) fn map<S: Serializer, K: Serialize, V: Serialize>(
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

/// Estimates, keyed by quantity.
pub(super) mod quantities {
    use super::{Deserialize, Deserializer, Estimate, Estimates, Quantity, Serializer, map};

    type QuantityValues = [Option<Estimate>; Quantity::COUNT];

    pub(in super::super) fn serialize<S: Serializer>(
        v: &QuantityValues,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        map(Quantity::ALL.iter().map(|q| (q.key(), v[*q as usize])), s)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<QuantityValues, D::Error> {
        let read = Estimates::deserialize(d)?;
        Ok(Quantity::ALL.map(|q| read.get(q.key()).copied().flatten()))
    }
}

/// Estimates of latencies, keyed by quantity.
pub(super) mod latencies {
    use super::{Deserialize, Deserializer, Estimate, LATENCIES, Serializer, map};
    use serde_json::Value;
    use std::collections::BTreeMap;

    type LatencyValues = [Option<Estimate>; LATENCIES.len()];

    pub(in super::super) fn serialize<S: Serializer>(
        v: &LatencyValues,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        map(LATENCIES.iter().zip(v).map(|(q, e)| (q.key(), e)), s)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<LatencyValues, D::Error> {
        // Beside them there are keys that are no latencies.
        let read = BTreeMap::<String, Value>::deserialize(d)?;
        let of = |key: &str| serde_json::from_value(read.get(key)?.clone()).ok();
        Ok(LATENCIES.map(|q| of(q.key())))
    }
}

fn key(cause: Cause) -> String {
    format!("{}_share", cause.name())
}

/// Shares, keyed by cause.
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

/// Shares, keyed by cause, or null.
pub(super) mod some_causes {
    use super::{CAUSES, Deserialize, Deserializer, Serializer, causes};

    type CauseShares = Option<[f64; CAUSES]>;

    pub(in super::super) fn serialize<S: Serializer>(
        v: &CauseShares,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        match v {
            Some(shares) => causes::serialize(shares, s),
            None => s.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<CauseShares, D::Error> {
        #[derive(serde::Deserialize)]
        struct Read(#[serde(with = "causes")] [f64; CAUSES]);
        Ok(Option::<Read>::deserialize(d)?.map(|r| r.0))
    }
}

/// Reads a list, leaving out items that only a later version knows.
pub(super) fn known<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    d: D,
) -> Result<Vec<T>, D::Error> {
    let all = Vec::<serde_json::Value>::deserialize(d)?;
    let read = all.into_iter().map(serde_json::from_value);
    Ok(read.filter_map(Result::ok).collect())
}
