//! Steady state: where the warm-up ends, whether there is a steady state at all, and an interval from a single run.

use super::interval::{Estimate, mean_and_variance};

/// The end of a run's warm-up, as MSER finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// Batches to leave out at the start.
    pub index: usize,
    /// Whether the run was long enough to tell: the best point lay well inside its first half.
    pub reliable: bool,
}

/// MSER: the number of values to leave out at the start so that the standard error of the mean of the rest is least, searched in the first
/// half (White 1997). Applied to means of five observations this is MSER-5.
pub fn mser(values: &[f64]) -> Truncation {
    let n = values.len();
    if n < 10 {
        return Truncation {
            index: 0,
            reliable: false,
        };
    }
    // Welford's recurrence from the end: after the value at d, `mean` and `squares` describe values[d..].
    let (mut mean, mut squares, mut best) = (0.0, 0.0, (f64::INFINITY, 0));
    for d in (0..n).rev() {
        let count = (n - d) as f64;
        let delta = values[d] - mean;
        mean += delta / count;
        squares += delta * (values[d] - mean);
        // "<=" with falling d: among equals, the shortest warm-up wins.
        if d <= n / 2 && squares / (count * count) <= best.0 {
            best = (squares / (count * count), d);
        }
    }
    Truncation {
        index: best.1,
        reliable: best.1 < n * 2 / 5,
    }
}

/// Combines the values to at most `count` means of equally many neighbours. The remainder of the division is left out at the start, where
/// the run is least settled.
pub fn rebatch(values: &[f64], count: usize) -> Vec<f64> {
    let size = values.len() / count.max(1);
    if size <= 1 {
        return values.to_vec();
    }
    values[values.len() % size..]
        .chunks_exact(size)
        .map(|c| c.iter().sum::<f64>() / size as f64)
        .collect()
}

/// Autocorrelation of neighbouring values, from -1 to 1; 0 if all values are equal.
pub fn lag1(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean_and_variance(values).0;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let products: f64 = values
        .windows(2)
        .map(|w| (w[0] - mean) * (w[1] - mean))
        .sum();
    if squares > 0.0 {
        products / squares
    } else {
        0.0
    }
}

/// Von Neumann's test statistic for independence, scaled to a standard normal. Above 1.645, neighbours are positively correlated at the 5 %
/// level (one-sided).
pub fn von_neumann(values: &[f64]) -> f64 {
    let n = values.len();
    if n < 4 {
        return 0.0;
    }
    let mean = mean_and_variance(values).0;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    if squares <= 0.0 {
        return 0.0;
    }
    let steps: f64 = values
        .windows(2)
        .map(|w| (w[1] - w[0]) * (w[1] - w[0]))
        .sum();
    let n = n as f64;
    libm::sqrt((n * n - 1.0) / (n - 2.0)) * (1.0 - steps / squares / 2.0)
}

/// A mean with its interval, from the batches of a single run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchMeans {
    /// The mean with its interval; `n` counts batches.
    pub estimate: Estimate,
    /// Whether the batches pass for independent; if not, the interval is too narrow.
    pub independent: bool,
}

/// The batch-means interval, from as many batches as pass for independent: 64 at first, 10 at least. `None` with fewer than ten values.
pub fn batch_means(values: &[f64]) -> Option<BatchMeans> {
    const CRITICAL: f64 = 1.645;
    let mut last = None;
    for count in [64, 45, 32, 22, 16, 10] {
        if values.len() < count {
            continue;
        }
        let batches = rebatch(values, count);
        let independent = von_neumann(&batches) <= CRITICAL;
        last = Estimate::of(&batches).map(|estimate| BatchMeans {
            estimate,
            independent,
        });
        if independent {
            break;
        }
    }
    last
}

/// How much the second half of a run still rises: the mean of the last quarter less that of the quarter before, relative to the mean of
/// all. About 0 in a steady state, 0.5 if the values grow with time, as latencies do behind a server that cannot keep up. `None` with fewer
/// than 16 values or a mean of zero.
pub fn drift(values: &[f64]) -> Option<f64> {
    let n = values.len();
    if n < 16 {
        return None;
    }
    let mean = |v: &[f64]| mean_and_variance(v).0;
    let (third, last) = (mean(&values[n / 2..n * 3 / 4]), mean(&values[n * 3 / 4..]));
    let all = mean(values);
    (all > 0.0).then(|| (last - third) / all)
}

/// How much greater the second half is than the first: the difference of their means relative to the mean of all. About 0 for a run that is
/// long compared with its warm-up, 1 if the values grow with time from start to end. `None` as for [`drift`].
pub fn growth(values: &[f64]) -> Option<f64> {
    let n = values.len();
    if n < 16 {
        return None;
    }
    let mean = |v: &[f64]| mean_and_variance(v).0;
    let all = mean(values);
    (all > 0.0).then(|| (mean(&values[n / 2..]) - mean(&values[..n / 2])) / all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Dxsm;

    fn noise(seed: u64, n: usize) -> Vec<f64> {
        let mut rng = Pcg64Dxsm::seed_from_u64(seed);
        (0..n).map(|_| rng.random::<f64>() - 0.5).collect()
    }

    /// An AR(1) process: x' = phi x + noise.
    fn ar1(seed: u64, n: usize, phi: f64) -> Vec<f64> {
        let mut x = 0.0;
        noise(seed, n)
            .into_iter()
            .map(|e| {
                x = phi * x + e;
                x
            })
            .collect()
    }

    #[test]
    fn mser_cuts_a_step_exactly() {
        let mut v = vec![10.0; 30];
        v.extend([1.0, 1.1].repeat(100));
        assert_eq!(
            mser(&v),
            Truncation {
                index: 30,
                reliable: true
            }
        );
    }

    #[test]
    fn mser_leaves_a_settled_run_nearly_whole() {
        for seed in 0..20 {
            let t = mser(
                &noise(seed, 1_000)
                    .iter()
                    .map(|v| v + 10.0)
                    .collect::<Vec<_>>(),
            );
            assert!(t.index < 250, "seed {seed}: {t:?}");
        }
        assert_eq!(
            mser(&[5.0; 100]),
            Truncation {
                index: 0,
                reliable: true
            }
        );
    }

    #[test]
    fn mser_says_when_a_run_never_settles() {
        let ramp: Vec<f64> = (0..1_000).map(f64::from).collect();
        assert!(!mser(&ramp).reliable);
        assert!(!mser(&[1.0; 5]).reliable);
    }

    #[test]
    fn correlation_is_seen() {
        assert!((lag1(&[1.0, -1.0, 1.0, -1.0]) + 0.75).abs() < 1e-12);
        let independent = (0..200)
            .filter(|&s| von_neumann(&noise(s, 100)) > 1.645)
            .count();
        // 5 % of 200 is 10; 3 to 20 holds with probability 0.998.
        assert!((3..=20).contains(&independent), "{independent} of 200");
        assert!((0..50).all(|s| von_neumann(&ar1(s, 200, 0.8)) > 1.645));
    }

    #[test]
    fn batch_means_cover_the_mean_of_a_correlated_process() {
        // 95 % intervals for the mean 0 of AR(1) with phi = 0.7: at least 85 % cover (batch means are known to be a little short).
        let covered = (0..400)
            .filter(|&s| {
                batch_means(&ar1(s, 3_200, 0.7))
                    .unwrap()
                    .estimate
                    .covers(0.0)
            })
            .count();
        assert!(covered >= 340, "{covered} of 400");
        assert_eq!(batch_means(&[1.0; 5]), None);
    }

    #[test]
    fn drift_of_a_ramp_and_of_noise() {
        let ramp: Vec<f64> = (0..1_000).map(f64::from).collect();
        assert!((drift(&ramp).unwrap() - 0.5).abs() < 0.01);
        assert!((growth(&ramp).unwrap() - 1.0).abs() < 0.01);
        let flat: Vec<f64> = noise(1, 1_000).iter().map(|v| v + 10.0).collect();
        assert!(drift(&flat).unwrap().abs() < 0.01 && growth(&flat).unwrap().abs() < 0.01);
        assert_eq!(drift(&[1.0; 8]), None);
    }

    #[test]
    fn rebatching_keeps_the_end() {
        assert_eq!(rebatch(&[9.0, 1.0, 3.0, 5.0, 7.0], 2), [2.0, 6.0]);
        assert_eq!(rebatch(&[1.0, 2.0], 5), [1.0, 2.0]);
    }
}
