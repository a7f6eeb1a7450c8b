//! The values of each replication of a case, which tell more of a difference from another result than means do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::keyed;
use crate::quantity::Quantity;
use crate::scenario::Metric;

/// Key of the values of the metric by which a study ranks.
const RANKED: &str = "ranked_by";

/// The values of each replication of a case, in the order of the replications: of the quantities that it has, and of the metric by which
/// the study ranks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct ReplicationValues(BTreeMap<String, Vec<f64>>);

impl ReplicationValues {
    /// The values of the ranking metric, if there are any, and of quantities. A list with a value that is no number is left out.
    pub(crate) fn new(
        ranked: Option<Vec<f64>>,
        quantities: impl Iterator<Item = (Quantity, Vec<f64>)>,
    ) -> Self {
        let ranked = ranked.map(|values| (RANKED, values)).into_iter();
        let all = ranked.chain(quantities.map(|(q, values)| (q.key(), values)));
        let finite = |(_, values): &(&str, Vec<f64>)| values.iter().all(|v| v.is_finite());
        Self(
            all.filter(finite)
                .map(|(key, values)| (key.to_owned(), values))
                .collect(),
        )
    }

    /// The values of a metric, where the study ranks by `ranked`; `None` if they are not known.
    #[must_use]
    pub fn of(&self, metric: Metric, ranked: Metric) -> Option<&[f64]> {
        let key = match metric.quantity() {
            Some(q) => q.key(),
            None if metric == ranked => RANKED,
            None => return None,
        };
        self.0.get(key).map(Vec::as_slice)
    }
}

impl Serialize for ReplicationValues {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        struct OneLine<'a>(&'a [f64]);
        impl Serialize for OneLine<'_> {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                keyed::one_line(&self.0, s)
            }
        }
        keyed::map(self.0.iter().map(|(key, values)| (key, OneLine(values))), s)
    }
}
