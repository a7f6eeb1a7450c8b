//! Fits a named distribution to a sample of durations, and says how good the fit is.
//!
//! Every family is fitted by maximum likelihood, and the one with the lowest BIC is taken (AIC would take two parameters where one is
//! enough in one case of six). The goodness of the fit is the Kolmogorov-Smirnov distance D between sample and fit.
//!
//! The p-value is not the textbook's. That one holds for a distribution that was known beforehand, and is far too high for a distribution
//! whose parameters come from the same sample. Instead a parametric bootstrap is used: samples are drawn from the fit, the family is fitted
//! to each, and p is the share of samples whose D is at least as large: (1 + count) / (1 + draws). As `sqrt(n) D` hardly depends on n for
//! large n, a longer sample is compared with drawn samples of 500 values. The draws have a fixed seed.

use rand::SeedableRng as _;
use rand_pcg::Pcg64Mcg;

use super::dist::{cdf, p99, rounded};
use super::mle::{Family, SampleSummary};
use crate::engine::Nanos;
use crate::scenario::Dist;

/// The least number of values that a family is fitted to; fewer are used as they are, because families cannot be told apart by them.
pub(super) const FEWEST: usize = 10;
/// The number of values that a [`Dist::Empirical`] has at most.
pub(super) const EMPIRICAL: usize = 100;
/// The number of samples that the bootstrap draws: p is known to about 0.03, and is never below 0.005.
const DRAWS: u32 = 199;
/// The number of values in a drawn sample at most.
const LENGTH: usize = 500;
const SEED: u64 = 0x5eed_0f17;
/// A standard deviation below this share of the mean is too little variation to show in a forecast.
const CONSTANT: f64 = 0.01;

/// How far a fit can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FitVerdict {
    /// p is at least 0.05, or D is below 0.02 (with many values, differences without weight become significant); and the mean agrees within
    /// 5%.
    Good,
    /// p is at least 0.01, or D is below 0.05; and the mean is off by no more than a fifth.
    Fair,
    /// No family came near, so the measured values themselves are used.
    Poor,
    /// All values are the same within 1%.
    Constant,
    /// There are fewer than 10 values, which are used as they are.
    Few,
    /// There are a few distinct values only, which are used in their measured shares.
    Discrete,
    /// The step is so short beside the task's other steps that only its mean is used.
    Brief,
}

impl FitVerdict {
    /// The verdict in one or two words, for a table.
    #[must_use]
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Poor => "poor: values",
            Self::Constant => "constant",
            Self::Few => "few: values",
            Self::Discrete => "discrete",
            Self::Brief => "brief: mean",
        }
    }
}

/// A distribution that is fitted to a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The distribution that the scenario uses.
    pub dist: Dist,
    /// The number of values in the sample.
    pub n: usize,
    /// The Kolmogorov-Smirnov distance between the sample and the named distribution (`rejected` if there is one), 0 to 1; `None` where
    /// there was nothing to fit.
    pub d: Option<f64>,
    /// The p-value of `d` by parametric bootstrap.
    pub p: Option<f64>,
    /// How far the fit can be trusted.
    pub verdict: FitVerdict,
    /// The best named distribution, where it was so poor that `dist` is another.
    pub rejected: Option<Dist>,
    /// The mean of the sample, in nanoseconds.
    pub mean: f64,
    /// The 99th percentile of the sample, in nanoseconds.
    pub p99: f64,
}

impl Fit {
    /// The mean of the distribution that is used, in nanoseconds.
    #[must_use]
    pub fn fitted_mean(&self) -> f64 {
        self.dist.mean()
    }

    /// The 99th percentile of the distribution that is used, in nanoseconds.
    #[must_use]
    pub(crate) fn fitted_p99(&self) -> f64 {
        p99(&self.dist)
    }
}

/// Fits a distribution to a sample of durations; to an empty sample the constant zero.
#[must_use]
pub fn fit(sample: &[Nanos]) -> Fit {
    let mut x: Vec<f64> = sample.iter().map(|v| v.as_f64()).collect();
    x.sort_by(f64::total_cmp);
    let n = x.len();
    let count = n.max(1) as f64;
    let mean = x.iter().sum::<f64>() / count;
    let sd = libm::sqrt(x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count);
    let plain = |dist: Dist, verdict: FitVerdict| Fit {
        dist,
        n,
        d: None,
        p: None,
        verdict,
        rejected: None,
        mean,
        p99: x
            .get((n * 99).div_ceil(100).saturating_sub(1))
            .copied()
            .unwrap_or(0.0),
    };
    if n < 2 || sd <= CONSTANT * mean {
        return plain(Dist::Constant(rounded(mean)), FitVerdict::Constant);
    }
    if n < FEWEST {
        return plain(empirical(&x), FitVerdict::Few);
    }
    let mut distinct = x.clone();
    distinct.dedup();
    if distinct.len() <= 5 {
        return plain(empirical(&x), FitVerdict::Discrete);
    }
    let Some((family, dist)) = best(&x) else {
        return plain(empirical(&x), FitVerdict::Poor);
    };
    let d = distance(&dist, &x);
    let p = p_value(family, &dist, d, n);
    let verdict = judge(&dist, d, p, mean, sd / libm::sqrt(count));
    let mut fit = plain(dist, verdict);
    (fit.d, fit.p) = (Some(d), Some(p));
    if verdict == FitVerdict::Poor {
        fit.rejected = Some(std::mem::replace(&mut fit.dist, empirical(&x)));
    }
    fit
}

/// The constant with the sample's mean, for a step whose variation would not show in a forecast.
pub(super) fn brief(sample: &[Nanos]) -> Fit {
    let mut x: Vec<f64> = sample.iter().map(|v| v.as_f64()).collect();
    x.sort_by(f64::total_cmp);
    let n = x.len();
    let mean = x.iter().sum::<f64>() / n.max(1) as f64;
    Fit {
        dist: Dist::Constant(rounded(mean)),
        n,
        d: None,
        p: None,
        verdict: FitVerdict::Brief,
        rejected: None,
        mean,
        p99: x
            .get((n * 99).div_ceil(100).saturating_sub(1))
            .copied()
            .unwrap_or(0.0),
    }
}

/// The family with the lowest BIC, and its distribution.
fn best(x: &[f64]) -> Option<(Family, Dist)> {
    let summary = SampleSummary::new(x);
    let penalty = libm::log(x.len() as f64);
    let mut best: Option<(f64, Family, Dist)> = None;
    for family in Family::ALL {
        if let Some((dist, likelihood)) = summary.fit(family) {
            let bic = f64::from(family.parameters()) * penalty - 2.0 * likelihood;
            if best.as_ref().is_none_or(|b| bic < b.0) {
                best = Some((bic, family, dist));
            }
        }
    }
    best.map(|(_, family, dist)| (family, dist))
}

/// The exponential distribution with the sample's own mean, and D and p of that fit. Returns `None` for samples without variation or with
/// fewer than [`FEWEST`] values.
pub(super) fn exponential(sample: &[Nanos]) -> Option<(Dist, f64, f64)> {
    let mut x: Vec<f64> = sample.iter().map(|v| v.as_f64()).collect();
    x.sort_by(f64::total_cmp);
    if x.len() < FEWEST || x[0] >= x[x.len() - 1] {
        return None;
    }
    let (dist, _) = SampleSummary::new(&x).fit(Family::Exponential)?;
    let d = distance(&dist, &x);
    let p = p_value(Family::Exponential, &dist, d, x.len());
    Some((dist, d, p))
}

fn judge(dist: &Dist, d: f64, p: f64, mean: f64, standard_error: f64) -> FitVerdict {
    let off = (dist.mean() - mean).abs();
    let off = if off > 3.0 * standard_error {
        off / mean
    } else {
        0.0
    };
    // Load depends on the mean, which D hardly reflects where the tail is heavy.
    if off > 0.2 || !dist.mean().is_finite() {
        FitVerdict::Poor
    } else if (p >= 0.05 || d < 0.02) && off <= 0.05 {
        FitVerdict::Good
    } else if p >= 0.01 || d < 0.05 {
        FitVerdict::Fair
    } else {
        FitVerdict::Poor
    }
}

/// The Kolmogorov-Smirnov distance between a sorted sample and a distribution. Equal values form a single step.
fn distance(dist: &Dist, x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let mut worst: f64 = 0.0;
    let mut i = 0;
    while i < x.len() {
        let mut j = i + 1;
        while j < x.len() && x[j] <= x[i] {
            j += 1;
        }
        let f = cdf(dist, x[i]);
        worst = worst
            .max((f - i as f64 / n).abs())
            .max((j as f64 / n - f).abs());
        i = j;
    }
    worst
}

fn p_value(family: Family, dist: &Dist, d: f64, n: usize) -> f64 {
    let length = n.min(LENGTH);
    let observed = d * libm::sqrt(n as f64);
    let root = libm::sqrt(length as f64);
    let mut rng = Pcg64Mcg::seed_from_u64(SEED);
    let mut draw = vec![0.0; length];
    let mut larger = 0_u32;
    for _ in 0..DRAWS {
        for value in &mut draw {
            *value = dist.sample(&mut rng).as_f64();
        }
        draw.sort_by(f64::total_cmp);
        if draw[0] >= draw[length - 1] {
            continue;
        }
        if let Some((refit, _)) = SampleSummary::new(&draw).fit(family)
            && distance(&refit, &draw) * root >= observed
        {
            larger += 1;
        }
    }
    f64::from(larger + 1) / f64::from(DRAWS + 1)
}

/// The values themselves if they are few, otherwise the means of [`EMPIRICAL`] equal slices of the sorted sample, which preserve its mean.
fn empirical(x: &[f64]) -> Dist {
    if x.len() <= EMPIRICAL {
        return Dist::Empirical(x.iter().map(|v| rounded(*v)).collect());
    }
    let width = x.len() as f64 / EMPIRICAL as f64;
    let slice = |k: usize| {
        let (from, to) = (k as f64 * width, (k + 1) as f64 * width);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "places in a list"
        )]
        let (first, last) = (
            libm::floor(from) as usize,
            (libm::ceil(to) as usize).min(x.len()),
        );
        let sum: f64 = (first..last)
            .map(|i| {
                let share = to.min((i + 1) as f64) - from.max(i as f64);
                share * x[i]
            })
            .sum();
        rounded(sum / width)
    };
    Dist::Empirical((0..EMPIRICAL).map(slice).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(values: &[u64]) -> Vec<Nanos> {
        values.iter().map(|v| Nanos::from_millis(*v)).collect()
    }

    #[test]
    fn degenerate_samples() {
        assert_eq!(fit(&[]).dist, Dist::Constant(Nanos::ZERO));
        let one = fit(&ms(&[7]));
        assert_eq!(
            (one.dist, one.verdict),
            (Dist::Constant(Nanos::from_millis(7)), FitVerdict::Constant)
        );
        let same = fit(&vec![Nanos::from_millis(3); 50]);
        assert_eq!(
            (same.dist.clone(), same.verdict, same.p),
            (
                Dist::Constant(Nanos::from_millis(3)),
                FitVerdict::Constant,
                None
            )
        );
        assert_eq!(
            fit(&vec![Nanos::ZERO; 50]).dist,
            Dist::Constant(Nanos::ZERO)
        );
        let few = fit(&ms(&[1, 5, 3]));
        assert_eq!(
            (few.dist, few.verdict),
            (Dist::Empirical(ms(&[1, 3, 5])), FitVerdict::Few)
        );
        let mut two = ms(&[1; 90]);
        two.extend(ms(&[9; 10]));
        let two = fit(&two);
        assert_eq!(two.verdict, FitVerdict::Discrete);
        assert!((two.fitted_mean() - 1.8e6).abs() < 1.0 && two.fitted_p99() == 9e6);
    }

    /// Hits of a cache take no time. No family has such an accumulation at zero, but the mean has to be preserved.
    #[test]
    fn zeros_and_outliers_keep_their_mean() {
        let mut zeros = ms(&[0; 60]);
        zeros.extend((0..40).map(|i| Nanos::from_micros(20_000 + 137 * i * i)));
        let mut outliers: Vec<Nanos> = (0..500)
            .map(|i| Nanos::from_micros(900 + 37 * (i * i % 10)))
            .collect();
        outliers.extend(ms(&[5_000, 8_000]));
        for sample in [zeros, outliers] {
            let fit = fit(&sample);
            assert_eq!(fit.verdict, FitVerdict::Poor, "{fit:?}");
            assert!(
                (fit.fitted_mean() / fit.mean - 1.0).abs() < 0.001,
                "{fit:?}"
            );
        }
    }

    #[test]
    fn slices_keep_the_mean() {
        let x: Vec<f64> = (0..1_234_u32).map(|i| f64::from(i) * 1_000.0).collect();
        let dist = empirical(&x);
        assert!((dist.mean() / 616_500.0 - 1.0).abs() < 1e-3);
        assert!(matches!(dist, Dist::Empirical(v) if v.len() == EMPIRICAL));
    }
}
