//! A metric of a case in two results: both values, the change, and whether it is real.

use super::side::Side;
use super::{FALSE_ALARMS, Wanted};
use crate::measure::{Change, Estimate, Sides};
use crate::quantity::Unit;
use crate::result::{FAILS_MORE, Forecast, TIE};
use crate::scenario::Metric;

/// What can be said of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowVerdict {
    /// B is better, really.
    Better,
    /// B is worse, really.
    Worse,
    /// The difference is too small to matter, whether or not it is real.
    Negligible,
    /// There may be a difference or none: it cannot be told.
    Unclear,
    /// The values are the same to the last digit.
    Same,
    /// A side has a single replication, so that nothing is known of chance.
    Unknown,
    /// B has no value any more.
    Lost,
    /// B has a value, where A has none.
    Gained,
}

impl RowVerdict {
    /// All verdicts.
    pub const ALL: [Self; 8] = [
        Self::Worse,
        Self::Better,
        Self::Negligible,
        Self::Unclear,
        Self::Same,
        Self::Unknown,
        Self::Lost,
        Self::Gained,
    ];

    /// Name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Negligible => "negligible",
            Self::Unclear => "unclear",
            Self::Same => "same",
            Self::Unknown => "unknown",
            Self::Lost => "lost",
            Self::Gained => "gained",
        }
    }

    /// The verdict in a table.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Negligible => "too small to matter",
            Self::Unclear => "not to be told",
            Self::Same => "the same",
            Self::Unknown => "one replication",
            Self::Lost => "no value in B",
            Self::Gained => "no value in A",
        }
    }
}

/// A metric of a case in both results.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The metric.
    pub metric: Metric,
    /// Its value in A.
    pub a: Option<Estimate>,
    /// Its value in B.
    pub b: Option<Estimate>,
    /// The change from A to B: a ratio, or of shares a difference. `None` unless both have a value.
    pub change: Option<Change>,
    /// The p-value of the change, adjusted for all that is compared (Holm).
    pub adjusted: Option<f64>,
    /// What can be said of it.
    pub verdict: RowVerdict,
    /// Where it is unclear: how many replications of each side would tell it, or that it is none that matters.
    pub needed: Option<u32>,
}

impl Row {
    /// The metric of two cases, each with the metric by which its study ranks; `None` if neither has a value, or if a study does not say it: a case
    /// that has lost its value has got worse, one of which nobody has asked that has not.
    pub(super) fn new(
        metric: Metric,
        (a, ranked_a): (&Forecast, Metric),
        (b, ranked_b): (&Forecast, Metric),
        same_seed: bool,
    ) -> Option<Self> {
        let said = |ranked| metric.quantity().is_some() || metric == ranked;
        if !(said(ranked_a) && said(ranked_b)) {
            return None;
        }
        let values = |f: &Forecast, ranked: Metric| {
            let kept = f.detail.replication_values.as_ref()?;
            kept.of(metric, ranked).map(<[f64]>::to_vec)
        };
        let pairs = same_seed
            .then(|| values(a, ranked_a).zip(values(b, ranked_b)))
            .flatten();
        let (shown, sides);
        let kept: (Vec<f64>, Vec<f64>);
        match pairs {
            Some((x, y)) if x.len().min(y.len()) >= 2 => {
                let n = x.len().min(y.len());
                kept = (x[..n].to_vec(), y[..n].to_vec());
                shown = (Estimate::of(&kept.0), Estimate::of(&kept.1));
                sides = Some(Sides::Paired(&kept.0, &kept.1));
            }
            _ => {
                shown = (value(a, metric, ranked_a), value(b, metric, ranked_b));
                sides = shown.0.zip(shown.1).map(|(a, b)| Sides::Unpaired(a, b));
            }
        }
        if shown.0.is_none() && shown.1.is_none() {
            return None;
        }
        let change = sides.and_then(|sides| match metric.unit() {
            Unit::Share => Change::difference(sides),
            Unit::Seconds | Unit::PerSecond | Unit::Bytes | Unit::Count => {
                Change::ratio(sides).or_else(|| Change::difference(sides))
            }
        });
        Some(Self {
            metric,
            a: shown.0,
            b: shown.1,
            change,
            adjusted: None,
            verdict: RowVerdict::Unknown,
            needed: None,
        })
    }

    /// Whether it is the share of failing tasks, and nothing fails.
    pub(super) fn is_without_failures(&self) -> bool {
        let zero = |e: Option<Estimate>| e.is_none_or(|e| e.mean == 0.0);
        self.metric == Metric::FailureRate && zero(self.a) && zero(self.b)
    }

    /// The p-value of the change by itself.
    #[must_use]
    pub fn p(&self) -> Option<f64> {
        self.change?.p()
    }

    /// Whether the change is real, at the level of the whole comparison.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.adjusted.is_some_and(|p| p <= FALSE_ALARMS)
    }

    /// The least change that matters: a share of the value, or of shares as much as makes one case fail more than another.
    #[must_use]
    pub fn matters(&self) -> f64 {
        if self.metric.unit() == Unit::Share {
            FAILS_MORE
        } else {
            TIE
        }
    }

    /// Whether a change of this size is too small to matter, in either direction.
    fn is_small(&self, change: f64, ratio: bool) -> bool {
        let least = self.matters();
        if ratio {
            change < least && (1.0 + change) * (1.0 + least) > 1.0
        } else if self.metric.unit() == Unit::Share {
            change.abs() < least
        } else {
            // Of a difference that has no ratio, one side is zero.
            change == 0.0
        }
    }

    /// Judges the change as one of `of` that are looked at together.
    pub(super) fn judge(&mut self, level: f64, of: usize) {
        let (a, b, change) = match (self.a, self.b, self.change) {
            (Some(_), None, _) => return self.verdict = RowVerdict::Lost,
            (None, _, _) => return self.verdict = RowVerdict::Gained,
            (Some(a), Some(b), Some(change)) => (a, b, change),
            (Some(_), Some(_), None) => return self.verdict = RowVerdict::Unknown,
        };
        let value = change.value();
        let small = |v: f64| self.is_small(v, change.is_ratio());
        self.verdict = if a == b && value == 0.0 {
            RowVerdict::Same
        } else if let Some((low, high)) = change.interval() {
            if self.is_real() && !small(value) {
                if self.metric.better(b.mean, a.mean) {
                    RowVerdict::Better
                } else {
                    RowVerdict::Worse
                }
            } else if self.is_real() || small(low) && small(high) {
                RowVerdict::Negligible
            } else {
                RowVerdict::Unclear
            }
        } else {
            RowVerdict::Unknown
        };
        if self.verdict == RowVerdict::Unclear && (change.is_ratio() || self.is_share()) {
            let each = level / f64::from(u32::try_from(of.max(1)).unwrap_or(u32::MAX));
            let told = value.abs().max(self.matters());
            self.needed = change.replications_to_tell(told, each);
        }
    }

    fn is_share(&self) -> bool {
        self.metric.unit() == Unit::Share
    }
}

/// The value of a metric in a study that ranks by `ranked`.
fn value(f: &Forecast, metric: Metric, ranked: Metric) -> Option<Estimate> {
    let known = match metric.quantity() {
        Some(q) => f.get(q),
        None if metric == ranked => f.primary(),
        None => None,
    };
    known.filter(|e| e.mean.is_finite())
}

/// The metrics to compare, the one that decides the rank first.
pub(super) fn metrics(a: &Side<'_>, b: &Side<'_>, wanted: &Wanted) -> Vec<Metric> {
    let mut all = if wanted.metrics.is_empty() {
        let (x, y) = (a.metric(), b.metric());
        let steady = a.is_steady() || b.is_steady();
        let usual = Metric::COMPARED.into_iter();
        // The makespan of traffic is when the traffic ended.
        let usual = usual.filter(|m| !(steady && *m == Metric::Makespan));
        [x, y].into_iter().chain(usual).collect()
    } else {
        wanted.metrics.clone()
    };
    all.extend(&wanted.besides);
    let mut listed: Vec<Metric> = Vec::new();
    for m in all {
        if !listed.contains(&m) {
            listed.push(m);
        }
    }
    listed
}
