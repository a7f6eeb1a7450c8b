//! Steady state: where the warm-up ends, and whether there is a steady state at all.

use super::interval::mean_and_variance;

/// The end of a run's warm-up, as MSER finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Truncation {
    /// Batches to leave out at the start.
    pub index: usize,
    /// Whether the run was long enough to tell: the best point lay well inside its first half.
    pub reliable: bool,
}

/// MSER: the number of values to leave out at the start so that the standard error of the mean of the rest is least, searched in the first
/// half (White 1997). Applied to means of five observations this is MSER-5.
pub(crate) fn mser(values: &[f64]) -> Truncation {
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

/// How much the second half of a run still rises: the mean of the last quarter less that of the quarter before, relative to the mean of
/// all. About 0 in a steady state, 0.5 if the values grow with time, as latencies do behind a server that cannot keep up. `None` with fewer
/// than 16 values or a mean of zero.
pub(crate) fn drift(values: &[f64]) -> Option<f64> {
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
pub(crate) fn growth(values: &[f64]) -> Option<f64> {
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
    fn drift_of_a_ramp_and_of_noise() {
        let ramp: Vec<f64> = (0..1_000).map(f64::from).collect();
        assert!((drift(&ramp).unwrap() - 0.5).abs() < 0.01);
        assert!((growth(&ramp).unwrap() - 1.0).abs() < 0.01);
        let flat: Vec<f64> = noise(1, 1_000).iter().map(|v| v + 10.0).collect();
        assert!(drift(&flat).unwrap().abs() < 0.01 && growth(&flat).unwrap().abs() < 0.01);
        assert_eq!(drift(&[1.0; 8]), None);
    }
}
