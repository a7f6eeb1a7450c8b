//! Estimates over independent replications: means with Student-t intervals, paired differences, ratios.

use super::order::median;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF, StudentsT};

/// Confidence of every interval that is reported.
pub const CONFIDENCE: f64 = 0.95;

/// Fewest replications for regressions on a control variate; among fewer, chance regressions are significant too often, and intervals would
/// be too narrow.
pub const FEWEST_CONTROLLED: u32 = 20;

/// A quantity over independent replications: the mean with its confidence interval, and the median.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Estimate {
    /// Mean over the replications.
    pub mean: f64,
    /// Lower end of the interval at [`CONFIDENCE`]; `None` with fewer than two replications.
    pub low: Option<f64>,
    /// Upper end of the interval; `None` with fewer than two replications.
    pub high: Option<f64>,
    /// Median over the replications.
    pub median: f64,
    /// Number of replications.
    pub n: u32,
    /// The half-width from which the ends were made, where it is known; the difference of the ends would be off by a rounding.
    #[serde(skip)]
    half: Option<f64>,
}

impl PartialEq for Estimate {
    fn eq(&self, other: &Self) -> bool {
        let of = |e: &Self| (e.mean, e.low, e.high, e.median, e.n);
        of(self) == of(other)
    }
}

impl Estimate {
    /// An estimate with an interval of half-width `half` around `mean`.
    #[must_use]
    pub fn new(mean: f64, half: Option<f64>, median: f64, n: u32) -> Self {
        Self {
            mean,
            low: half.map(|h| mean - h),
            high: half.map(|h| mean + h),
            median,
            n,
            half,
        }
    }

    /// Half-width of the interval, the greater one where it is cut; `None` with fewer than two replications.
    #[must_use]
    pub fn half(&self) -> Option<f64> {
        let ends = self.low.zip(self.high);
        let ends = ends.map(|(low, high)| (high - self.mean).max(self.mean - low));
        self.half.or(ends)
    }

    /// This estimate with another half-width of the interval.
    #[must_use]
    pub fn with_half(self, half: Option<f64>) -> Self {
        Self::new(self.mean, half, self.median, self.n)
    }

    /// This estimate with its interval cut to where its values lie: a share is neither below 0 nor above 1.
    #[must_use]
    pub fn within(self, least: f64, greatest: f64) -> Self {
        let (Some(low), Some(high)) = (self.low, self.high) else {
            return self;
        };
        if low >= least && high <= greatest {
            return self;
        }
        let (low, high) = (low.max(least), high.min(greatest));
        Self {
            low: Some(low),
            high: Some(high),
            half: Some((self.mean - low).max(high - self.mean)),
            ..self
        }
    }

    /// This estimate with its interval moved to another mean.
    #[must_use]
    pub fn around(self, mean: f64) -> Self {
        Self::new(mean, self.half(), self.median, self.n)
    }

    /// Estimates from one value for each replication; `None` without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = u32::try_from(values.len()).ok().filter(|&n| n > 0)?;
        let (mean, variance) = mean_and_variance(values);
        Some(Self::new(
            mean,
            half_width(variance, n),
            median(values.to_vec()),
            n,
        ))
    }

    /// Estimates as [`of`](Self::of) does, with a control variate: a quantity of the same replications whose true mean is zero, such as the
    /// excess of the drawn demands. The part of the values that follows the control by linear regression is removed (Lavenberg and Welch
    /// 1981). This needs [`FEWEST_CONTROLLED`] replications, and a regression that is significant at about 5 %, since others would widen
    /// the interval. `control` has one value for each of `values`, else it is not used.
    pub(crate) fn controlled(values: &[f64], control: &[f64]) -> Option<Self> {
        let plain = Self::of(values)?;
        if plain.n < FEWEST_CONTROLLED || control.len() != values.len() {
            return Some(plain);
        }
        let n = f64::from(plain.n);
        let (center, spread) = mean_and_variance(control);
        let (mean, variance) = mean_and_variance(values);
        let products = values.iter().zip(control);
        let covariance = products
            .map(|(v, c)| (v - mean) * (c - center))
            .sum::<f64>()
            / (n - 1.0);
        let explained = covariance * covariance / (spread * variance);
        // F = r2 (n - 2) / (1 - r2) > 4. Constants explain nothing; for them the ratio is not a number.
        if explained.is_nan() || explained <= 4.0 / (n + 2.0) {
            return Some(plain);
        }
        let slope = covariance / spread;
        let residual = ((1.0 - explained) * variance * (n - 1.0) / (n - 2.0)).max(0.0);
        let of_mean = residual * (1.0 / n + center * center / (spread * (n - 1.0)));
        let half = student_t(CONFIDENCE, plain.n - 2) * libm::sqrt(of_mean);
        Some(plain.around(mean - slope * center).with_half(Some(half)))
    }

    /// Lower end of the interval; the mean itself if there is no interval.
    pub fn low(&self) -> f64 {
        self.low.unwrap_or(self.mean)
    }

    /// Upper end of the interval; the mean itself if there is no interval.
    pub fn high(&self) -> f64 {
        self.high.unwrap_or(self.mean)
    }

    /// Lower end of the interval, widened so that `of` such intervals all cover together at [`CONFIDENCE`] (Bonferroni); the mean itself if
    /// there is no interval.
    pub(crate) fn low_of(&self, of: u32) -> f64 {
        let Some(half) = self.half().filter(|_| self.n >= 2) else {
            return self.mean;
        };
        let freedom = self.n - 1;
        let each = 1.0 - (1.0 - CONFIDENCE) / f64::from(of.max(1));
        self.mean - half * student_t(each, freedom) / student_t(CONFIDENCE, freedom)
    }

    /// Half-width relative to the absolute mean; `None` if there is no interval, infinite if only the mean is zero.
    pub fn relative(&self) -> Option<f64> {
        let half = self.half()?;
        Some(if half == 0.0 {
            0.0
        } else {
            half / self.mean.abs()
        })
    }

    /// Whether the interval contains the value.
    pub fn covers(&self, value: f64) -> bool {
        (self.low()..=self.high()).contains(&value)
    }

    /// The estimate in another unit: everything multiplied by `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let half = self.half().map(|h| h * factor.abs());
        Self::new(self.mean * factor, half, self.median * factor, self.n)
    }
}

/// Estimates the differences `a - b` of replications that share their random numbers; the interval tells whether the two differ.
/// Replications that only one side has are left out. `control` is as for `Estimate::controlled`, for the replications that both have.
pub fn paired_difference(a: &[f64], b: &[f64], control: &[f64]) -> Option<Estimate> {
    let differences: Vec<f64> = a.iter().zip(b).map(|(x, y)| x - y).collect();
    let control = &control[..control.len().min(differences.len())];
    Estimate::controlled(&differences, control)
}

/// Extends `a` to the further replications of `b`, with which it shares the first ones: the mean of `a`, and its difference from b's mean,
/// both over as many replications as b has. This is a ratio estimator by double sampling (Cochran, *Sampling Techniques*, 12.8): where b
/// went in its further replications, `a` would have gone in proportion. So the two means differ by the difference, and pairs decide their
/// order. `None` unless b has more replications, and a mean above zero.
pub fn extended(a: &[f64], b: &[f64]) -> Option<(Estimate, Estimate)> {
    let (n, all) = (a.len(), b.len());
    let count = u32::try_from(n).ok().filter(|&c| c > 0 && n < all)?;
    let common = &b[..n];
    let (mean_a, mean_common) = (mean_and_variance(a).0, mean_and_variance(common).0);
    let (mean_b, variance_b) = mean_and_variance(b);
    if !(mean_common > 0.0 && mean_b > 0.0) {
        return None;
    }
    let ratio = mean_a / mean_common;
    let (few, many) = (n as f64, all as f64);
    // The contributions of the replications to the result: shared ones contribute by both, further ones by b's mean alone.
    let interval = |weight: f64| {
        let moved: Vec<f64> = a
            .iter()
            .zip(common)
            .map(|(x, y)| (x - ratio * y) / few + weight * y / many)
            .collect();
        let shared = few * mean_and_variance(&moved).1;
        let further = (many - few) * weight * weight * variance_b / (many * many);
        (n >= 2).then(|| student_t(CONFIDENCE, count - 1) * libm::sqrt(shared + further))
    };
    let (median_a, median_b) = (median(a.to_vec()), median(b.to_vec()));
    let scale = mean_b / mean_common;
    let of = |mean, weight, median| Estimate::new(mean, interval(weight), median, count);
    Some((
        of(ratio * mean_b, ratio, median_a * scale),
        of(
            (ratio - 1.0) * mean_b,
            ratio - 1.0,
            median_a * scale - median_b,
        ),
    ))
}

/// Estimates the difference `mean(a) - mean(b)` of unpaired values, with Welch's interval. For values that share random numbers it is too
/// wide rather than too narrow.
pub fn unpaired_difference(a: &[f64], b: &[f64]) -> Option<Estimate> {
    let (x, y) = (Estimate::of(a)?, Estimate::of(b)?);
    Some(Estimate::new(
        x.mean - y.mean,
        welch(a, b, 1.0),
        x.median - y.median,
        x.n.min(y.n),
    ))
}

/// Estimates the ratio `mean(a) / mean(b)` of unpaired values, by the delta method. `None` if b's mean is not above zero.
pub fn unpaired_ratio(a: &[f64], b: &[f64]) -> Option<Estimate> {
    let (x, y) = (Estimate::of(a)?, Estimate::of(b)?);
    if y.mean.is_nan() || y.mean <= 0.0 {
        return None;
    }
    let mean = x.mean / y.mean;
    Some(Estimate::new(
        mean,
        welch(a, b, mean).map(|h| h / y.mean),
        x.median / y.median.max(f64::MIN_POSITIVE),
        x.n.min(y.n),
    ))
}

/// Half-width of the interval of `mean(a) - factor * mean(b)`, with the degrees of freedom of Welch and Satterthwaite; `None` with fewer
/// than two values on a side.
fn welch(a: &[f64], b: &[f64], factor: f64) -> Option<f64> {
    if a.len().min(b.len()) < 2 {
        return None;
    }
    let part = |v: &[f64], by: f64| by * by * mean_and_variance(v).1 / v.len() as f64;
    let (u, v) = (part(a, 1.0), part(b, factor));
    if u + v == 0.0 {
        return Some(0.0);
    }
    let freedom =
        (u + v) * (u + v) / (u * u / (a.len() as f64 - 1.0) + v * v / (b.len() as f64 - 1.0));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the number of replications"
    )]
    let freedom = libm::floor(freedom) as u32;
    Some(student_t(CONFIDENCE, freedom) * libm::sqrt(u + v))
}

/// Estimates the ratio mean(a) / mean(b) of paired replications, with the interval of the classical ratio estimator (residuals `a - ratio *
/// b` take the place of the values). `None` if b's mean is not above zero.
pub fn ratio(a: &[f64], b: &[f64]) -> Option<Estimate> {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    let count = u32::try_from(n).ok().filter(|&n| n > 0)?;
    let (mean_a, mean_b) = (mean_and_variance(a).0, mean_and_variance(b).0);
    if mean_b.is_nan() || mean_b <= 0.0 {
        return None;
    }
    let mean = mean_a / mean_b;
    let residuals: Vec<f64> = a
        .iter()
        .zip(b)
        .map(|(x, y)| (x - mean * y) / mean_b)
        .collect();
    let each: Vec<f64> = a.iter().zip(b).map(|(x, y)| x / y).collect();
    Some(Estimate::new(
        mean,
        half_width(mean_and_variance(&residuals).1, count),
        median(each),
        count,
    ))
}

/// Factor by which a half-width from `n` replications has to be enlarged to be wide enough three times in four, whatever the true spread
/// is: the square root of the degrees of freedom over their chi-squared quantile. Rounded as [`student_t`] is; 1 with fewer than two
/// replications.
pub fn cautious(n: u32) -> f64 {
    if n < 2 {
        return 1.0;
    }
    let freedom = f64::from(n - 1);
    let quantile = ChiSquared::new(freedom)
        .expect("there are degrees of freedom")
        .inverse_cdf(0.25);
    nine_digits(libm::sqrt(freedom / quantile))
}

/// Rounded to nine significant digits, so that the last bits of an iteration never reach a report.
pub(super) fn nine_digits(x: f64) -> f64 {
    let unit = libm::pow(10.0, libm::floor(libm::log10(x)) - 8.0);
    libm::round(x / unit) * unit
}

/// The two-sided Student-t quantile: `student_t(0.95, 9)` is 2.262157. Rounded to nine significant digits, so that the last
/// bits of an iteration never reach a report.
pub fn student_t(confidence: f64, freedom: u32) -> f64 {
    let t = StudentsT::new(0.0, 1.0, f64::from(freedom.max(1)))
        .expect("location, scale and freedom are valid")
        .inverse_cdf(0.5 + confidence / 2.0);
    nine_digits(t)
}

fn half_width(variance: f64, n: u32) -> Option<f64> {
    (n >= 2).then(|| {
        if variance == 0.0 {
            0.0
        } else {
            student_t(CONFIDENCE, n - 1) * libm::sqrt(variance / f64::from(n))
        }
    })
}

/// The mean of the values; `None` if there are none.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| mean_and_variance(values).0)
}

/// The mean and the sample variance (0 for a single value), in two passes.
pub(super) fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    // Differences from the first value are summed: equal values then have a variance of exactly zero, and large offsets cost no digits.
    let origin = values[0];
    let shift = values.iter().map(|v| v - origin).sum::<f64>() / n;
    let mean = origin + shift;
    let squares: f64 = values
        .iter()
        .map(|v| (v - origin - shift) * (v - origin - shift))
        .sum();
    (
        mean,
        if values.len() < 2 {
            0.0
        } else {
            squares / (n - 1.0)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_quantiles_of_the_tables() {
        for (confidence, freedom, t) in [
            (0.95, 1, 12.706_205),
            (0.95, 2, 4.302_653),
            (0.95, 4, 2.776_445),
            (0.95, 9, 2.262_157),
            (0.95, 29, 2.045_230),
            (0.99, 9, 3.249_836),
            (0.90, 19, 1.729_133),
            (0.95, 10_000, 1.960_201),
        ] {
            assert!(
                (student_t(confidence, freedom) - t).abs() < 1e-6,
                "t({confidence}, {freedom})"
            );
        }
    }

    #[test]
    fn a_worked_interval() {
        let e = Estimate::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((e.mean, e.median, e.n), (5.0, 4.5, 8));
        // s = sqrt(32 / 7), t(0.975, 7) = 2.364624
        assert!((e.half().unwrap() - 2.364_624 * (32.0f64 / 7.0 / 8.0).sqrt()).abs() < 1e-5);
        assert!(e.covers(5.0) && !e.covers(9.0));
    }

    #[test]
    fn one_value_has_no_interval_and_equal_values_have_none_to_speak_of() {
        assert_eq!(Estimate::of(&[]), None);
        assert_eq!(Estimate::of(&[3.0]).unwrap().half(), None);
        assert_eq!(Estimate::of(&[0.1; 7]).unwrap().half(), Some(0.0));
        assert_eq!(Estimate::of(&[0.1; 7]).unwrap().mean, 0.1);
    }

    #[test]
    fn a_control_takes_out_what_follows_it() {
        // Values that are twice the control plus a little noise: the estimate is the mean at a control of zero.
        let control: Vec<f64> = (0..24).map(|i| f64::from(i) - 10.0).collect();
        let values: Vec<f64> = (0..24)
            .map(|i| 10.0 + 2.0 * (f64::from(i) - 10.0) + if i % 2 == 0 { 0.1 } else { -0.1 })
            .collect();
        let (plain, helped) = (
            Estimate::of(&values).unwrap(),
            Estimate::controlled(&values, &control).unwrap(),
        );
        assert!((plain.mean - 13.0).abs() < 1e-9 && plain.half().unwrap() > 4.0);
        assert!((helped.mean - 10.0).abs() < 0.1, "{helped:?}");
        assert!(helped.half().unwrap() < 0.15, "{helped:?}");
        // Too few values, another number of values, a constant control, or one that is unrelated: as without a control.
        let foreign: Vec<f64> = (0..24)
            .map(|i| if (i / 2) % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        for (v, c) in [
            (&values[..19], &control[..19]),
            (&values[..], &control[..23]),
            (&values[..], &[0.0; 24][..]),
            (&values[..], &foreign[..]),
        ] {
            assert_eq!(Estimate::controlled(v, c), Estimate::of(v));
        }
    }

    #[test]
    fn few_replications_are_extended_by_those_of_another() {
        // Half as much again in every replication: known exactly in proportion, from two replications.
        let b = [10.0, 20.0, 30.0, 40.0];
        let (mean, difference) = extended(&[15.0, 30.0], &b).unwrap();
        assert!((mean.mean - 37.5).abs() < 1e-9 && (difference.mean - 12.5).abs() < 1e-9);
        assert!((mean.mean - 25.0 - difference.mean).abs() < 1e-9);
        // All of the noise is b's: a's interval is half as wide again, and the difference's a third of that.
        assert!((mean.half().unwrap() / difference.half().unwrap() - 3.0).abs() < 1e-9);
        assert_eq!(extended(&b, &b), None);
        assert_eq!(extended(&[], &b), None);
        assert_eq!(extended(&[1.0], &[0.0, 0.0]), None);
        assert_eq!(extended(&[1.0], &[1.0, 2.0]).unwrap().0.half(), None);
    }

    #[test]
    fn welch_by_a_worked_example() {
        // Variances 2.5 and 10 of five values each: standard error sqrt(0.5 + 2), 5.88 degrees of freedom, taken as 5.
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 4.0, 6.0, 8.0, 10.0]);
        let d = unpaired_difference(&a, &b).unwrap();
        assert!((d.mean + 3.0).abs() < 1e-12);
        assert!((d.half().unwrap() - 2.570_582 * 2.5f64.sqrt()).abs() < 1e-5);
        let r = unpaired_ratio(&a, &b).unwrap();
        assert!((r.mean - 0.5).abs() < 1e-12 && r.half().unwrap() > 0.2);
        assert_eq!(unpaired_difference(&a[..1], &b).unwrap().half(), None);
        assert_eq!(
            unpaired_difference(&[3.0; 4], &[1.0; 2]).unwrap().half(),
            Some(0.0)
        );
        assert_eq!(unpaired_ratio(&a, &[0.0; 3]), None);
    }

    #[test]
    fn caution_wears_off() {
        // The lower quartile of chi-squared with 9 degrees of freedom is 5.898826.
        assert!((cautious(10) - (9.0_f64 / 5.898_826).sqrt()).abs() < 1e-6);
        assert!(cautious(100) > 1.0 && cautious(100) < 1.1);
        assert_eq!(cautious(1), 1.0);
    }

    #[test]
    fn pairing_removes_what_replications_share() {
        let a = [10.0, 20.0, 30.0, 40.0];
        let b = [9.0, 19.1, 28.9, 39.0];
        let d = paired_difference(&a, &b, &[]).unwrap();
        assert!((d.mean - 1.0).abs() < 1e-12 && d.low() > 0.8);
        let r = ratio(&a, &b).unwrap();
        assert!((r.mean - 100.0 / 96.0).abs() < 1e-12 && r.half().unwrap() < 0.05);
        assert_eq!(ratio(&a, &[0.0; 4]), None);
    }
}
