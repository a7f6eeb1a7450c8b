//! Histograms of durations, with buckets of three significant digits.

use crate::engine::Nanos;

/// Number of significant decimal digits of a bucket.
const DIGITS: u8 = 3;

/// Counts of durations at three significant digits. Minimum, maximum and mean are exact; quantiles are exact up to the
/// bucket (at most 0.05 % off). Takes no memory before the first duration, then some tens of kilobytes at most, however many
/// durations there are. Merging is exact and does not depend on the order.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    buckets: Option<Box<hdrhistogram::Histogram<u32>>>,
    sum: u128,
    min: u64,
    max: u64,
    count: u64,
}

impl Histogram {
    /// An empty histogram.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one duration.
    #[inline]
    pub fn record(&mut self, value: Nanos) {
        let v = value.0;
        let buckets = self.buckets.get_or_insert_with(new_buckets);
        buckets
            .record(v)
            .expect("an auto-resizing histogram takes any value");
        self.min = if self.count == 0 { v } else { self.min.min(v) };
        self.max = self.max.max(v);
        self.sum += u128::from(v);
        self.count += 1;
    }

    /// Adds everything that `other` has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        let Some(theirs) = &other.buckets else { return };
        let ours = self.buckets.get_or_insert_with(new_buckets);
        ours.add(theirs.as_ref())
            .expect("an auto-resizing histogram takes any other");
        self.min = if self.count == 0 {
            other.min
        } else {
            self.min.min(other.min)
        };
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.count += other.count;
    }

    /// Number of durations counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether no duration has been counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The shortest duration, exact; `None` if the histogram is empty.
    pub(crate) fn min(&self) -> Option<Nanos> {
        (self.count > 0).then_some(Nanos(self.min))
    }

    /// The longest duration, exact; `None` if the histogram is empty.
    pub(crate) fn max(&self) -> Option<Nanos> {
        (self.count > 0).then_some(Nanos(self.max))
    }

    /// Sum of all durations in nanoseconds, exact.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Mean in nanoseconds, from the exact sum; `None` if the histogram is empty.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The quantile `q` (0 to 1) by nearest rank: the smallest duration such that at least the share `q` of all are no longer. It has the
    /// resolution of the buckets (the middle of one), lies within the exact minimum and maximum, and is these for the first and the last
    /// rank. `None` if the histogram is empty.
    pub fn value_at_quantile(&self, q: f64) -> Option<Nanos> {
        let buckets = self.buckets.as_ref()?;
        if self.count == 0 {
            return None;
        }
        let (rank, last) = (libm::ceil(q * self.count as f64), self.count as f64);
        if rank <= 1.0 || rank >= last {
            return Some(Nanos(if rank >= last { self.max } else { self.min }));
        }
        let v = buckets.median_equivalent(buckets.value_at_quantile(q));
        Some(Nanos(v.clamp(self.min, self.max)))
    }

    /// The non-empty buckets as (middle, count), by rising duration.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (Nanos, u64)> + '_ {
        self.buckets.iter().flat_map(|b| {
            b.iter_recorded().map(|i| {
                let middle = b
                    .median_equivalent(i.value_iterated_to())
                    .clamp(self.min, self.max);
                (Nanos(middle), u64::from(i.count_at_value()))
            })
        })
    }
}

impl PartialEq for Histogram {
    fn eq(&self, o: &Self) -> bool {
        (self.count, self.sum, self.min, self.max) == (o.count, o.sum, o.min, o.max)
            && self.buckets().eq(o.buckets())
    }
}

#[expect(
    clippy::unnecessary_box_returns,
    reason = "where they are kept they are boxed"
)]
fn new_buckets() -> Box<hdrhistogram::Histogram<u32>> {
    Box::new(
        hdrhistogram::Histogram::new(DIGITS)
            .expect("three digits are within what the crate supports"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn empty_has_no_values() {
        let h = Histogram::new();
        assert!(h.is_empty());
        assert_eq!(
            (h.min(), h.max(), h.mean(), h.value_at_quantile(0.5)),
            (None, None, None, None)
        );
        assert_eq!(h.buckets().count(), 0);
    }

    #[test]
    fn one_to_a_thousand() {
        let mut h = Histogram::new();
        for i in 1..=1_000 {
            h.record(Nanos(i));
        }
        assert_eq!(h.count(), 1_000);
        assert_eq!((h.min(), h.max()), (Some(Nanos(1)), Some(Nanos(1_000))));
        assert_eq!(h.mean(), Some(500.5));
        for (q, v) in [
            (0.0, 1),
            (0.001, 1),
            (0.5, 500),
            (0.9, 900),
            (0.95, 950),
            (0.99, 990),
            (0.999, 999),
            (1.0, 1_000),
        ] {
            assert_eq!(h.value_at_quantile(q), Some(Nanos(v)), "quantile {q}");
        }
    }

    #[test]
    fn equal_durations_are_exact_and_extremes_fit() {
        let mut h = Histogram::new();
        h.record(Nanos(1_234_567_891));
        h.record(Nanos(1_234_567_891));
        assert_eq!(h.value_at_quantile(0.5), Some(Nanos(1_234_567_891)));
        h.record(Nanos::ZERO);
        h.record(Nanos::MAX);
        assert_eq!(h.min(), Some(Nanos::ZERO));
        assert_eq!(h.max(), Some(Nanos::MAX));
        assert_eq!(h.value_at_quantile(1.0), Some(Nanos::MAX));
    }

    #[test]
    fn memory_stays_small() {
        let mut h = Histogram::new();
        h.record(Nanos(1));
        h.record(Nanos::from_secs(24 * 3_600));
        let cells = h.buckets.as_ref().map_or(0, |b| b.distinct_values());
        assert!(cells * 4 < 160_000, "{cells} counters");
    }

    proptest! {
        #[test]
        fn merging_is_recording_all(a in prop::collection::vec(0u64..1u64 << 50, 0..200),
                                    b in prop::collection::vec(0u64..1u64 << 50, 0..200)) {
            let of = |v: &[u64]| {
                let mut h = Histogram::new();
                v.iter().for_each(|&x| h.record(Nanos(x)));
                h
            };
            let all = of(&[a.clone(), b.clone()].concat());
            let (mut ab, mut ba) = (of(&a), of(&b));
            ab.merge(&of(&b));
            ba.merge(&of(&a));
            prop_assert_eq!(&ab, &all);
            prop_assert_eq!(&ba, &all);
        }

        #[test]
        fn quantiles_are_within_the_resolution(mut v in prop::collection::vec(1u64..1u64 << 44, 1..300), q in 0.0f64..=1.0) {
            let mut h = Histogram::new();
            v.iter().for_each(|&x| h.record(Nanos(x)));
            v.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
            let rank = (libm::ceil(q * v.len() as f64) as usize).clamp(1, v.len());
            let (exact, got) = (v[rank - 1] as f64, h.value_at_quantile(q).unwrap().as_f64());
            prop_assert!((got - exact).abs() <= exact * 0.0005 + 0.5, "{} against {}", got, exact);
        }
    }
}
