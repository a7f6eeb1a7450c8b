//! The distribution of latencies as a list of quantiles, for figures and for other programs.

use crate::measure::Histogram;

/// Pairs of a share of tasks and the latency in seconds that they do not exceed, both rising: every percent, and towards 1 ever finer
/// shares (as HDR histograms are printed) until a single task is left. The first is the exact minimum at share 0, the last the exact
/// maximum at share 1. Empty if nothing was counted.
pub(super) fn quantiles(h: &Histogram) -> Vec<(f64, f64)> {
    let (Some(min), Some(max)) = (h.min(), h.max()) else {
        return Vec::new();
    };
    let value = |share: f64| h.value_at_quantile(share).unwrap_or(max).as_secs_f64();
    let mut all = vec![(0.0, min.as_secs_f64())];
    all.extend(
        (1..100)
            .map(|p| f64::from(p) / 100.0)
            .map(|s| (s, value(s))),
    );
    all.extend(tail(h.count()).map(|s| (s, value(s))));
    all.push((1.0, max.as_secs_f64()));
    all
}

/// Shares above 0.99: ten for each power of ten of what is left to 1, evenly spaced in its logarithm, until less than a task is left.
fn tail(count: u64) -> impl Iterator<Item = f64> {
    // Ten steps from 99 % to 99.9 %: 0.992, 0.9937, 0.995, ... in round numbers.
    const LEFT: [f64; 10] = [8.0, 6.3, 5.0, 4.0, 3.2, 2.5, 2.0, 1.6, 1.25, 1.0];
    let one = 1.0 / count.max(1) as f64;
    (3..=12)
        .flat_map(|nines| LEFT.map(|left| left * libm::pow(10.0, -f64::from(nines))))
        .take_while(move |left| *left >= one)
        // Rounded to twelve decimals, so that a written share is the one that was asked for.
        .map(|left| libm::round((1.0 - left) * 1e12) / 1e12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Nanos;

    fn of(count: u64) -> Vec<(f64, f64)> {
        let mut h = Histogram::new();
        (1..=count).for_each(|i| h.record(Nanos::from_micros(i * 10)));
        quantiles(&h)
    }

    #[test]
    fn rising_from_the_least_to_the_longest() {
        for count in [1, 2, 99, 100, 1_234, 100_000] {
            let all = of(count);
            assert!((101..300).contains(&all.len()), "{count}: {}", all.len());
            assert_eq!(all.first(), Some(&(0.0, 1e-5)));
            assert_eq!(all.last().map(|l| l.0), Some(1.0));
            let max = Nanos::from_micros(count * 10).as_secs_f64();
            assert_eq!(all.last().map(|l| l.1), Some(max));
            for w in all.windows(2) {
                assert!(w[0].0 < w[1].0 && w[0].1 <= w[1].1, "{count}: {w:?}");
            }
        }
        assert_eq!(quantiles(&Histogram::new()), []);
    }

    #[test]
    fn the_tail_goes_on_until_the_last_task() {
        let shares: Vec<f64> = tail(10_000).collect();
        assert_eq!(shares.len(), 20);
        assert_eq!(
            (shares[0], shares[2], shares[9], shares[19]),
            (0.992, 0.995, 0.999, 0.9999)
        );
        assert_eq!(tail(100).count(), 0);
    }
}
