//! Maximum-likelihood estimation: the parameters of each family of distributions, and the likelihood that they reach.

use statrs::function::gamma::{digamma, ln_gamma};

use super::dist::{Z99, rounded, significant};
use crate::scenario::Dist;
use crate::scenario::limits::MAX_FACTOR;

/// The families that are tried, in the order that decides ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Exponential,
    Uniform,
    Normal,
    LogNormal,
    Gamma,
    Weibull,
    Pareto,
}

impl Family {
    pub(super) const ALL: [Self; 7] = [
        Self::Exponential,
        Self::Uniform,
        Self::Normal,
        Self::LogNormal,
        Self::Gamma,
        Self::Weibull,
        Self::Pareto,
    ];

    /// The number of parameters that are estimated.
    pub(super) const fn parameters(self) -> u32 {
        match self {
            Self::Exponential => 1,
            _ => 2,
        }
    }
}

/// Sums over a sample that several families need.
pub(super) struct SampleSummary<'a> {
    /// The sample in nanoseconds, sorted.
    x: &'a [f64],
    /// The natural logarithms of the values; `None` if a value is zero.
    ln: Option<Vec<f64>>,
    n: f64,
    mean: f64,
    sd: f64,
    mean_ln: f64,
}

impl<'a> SampleSummary<'a> {
    /// Sums up a sorted sample of at least two different values, none negative.
    pub(super) fn new(x: &'a [f64]) -> Self {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let sd = libm::sqrt(x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n);
        let ln: Option<Vec<f64>> = (x[0] > 0.0).then(|| x.iter().map(|v| libm::log(*v)).collect());
        let mean_ln = ln.as_ref().map_or(0.0, |l| l.iter().sum::<f64>() / n);
        Self {
            x,
            ln,
            n,
            mean,
            sd,
            mean_ln,
        }
    }

    /// Fits a family by maximum likelihood. Returns the distribution, with its parameters rounded as they are written, and the logarithm of
    /// the likelihood (before rounding). Returns `None` where the family cannot have produced the sample.
    pub(super) fn fit(&self, family: Family) -> Option<(Dist, f64)> {
        let (dist, likelihood) = match family {
            Family::Exponential => (
                Dist::Exponential(rounded(self.mean)),
                -self.n * (libm::log(self.mean) + 1.0),
            ),
            Family::Uniform => {
                let (a, b) = (self.x[0], self.x[self.x.len() - 1]);
                (
                    Dist::Uniform(rounded(a), rounded(b)),
                    -self.n * libm::log(b - a),
                )
            }
            Family::Normal => {
                // The simulator turns negative draws into zero, so a normal distribution that reaches there would be another distribution.
                if self.mean < 2.5 * self.sd {
                    return None;
                }
                let tau = 2.0 * std::f64::consts::PI;
                (
                    Dist::Normal(rounded(self.mean), rounded(self.sd)),
                    -self.n * (libm::log(self.sd) + 0.5 * libm::log(tau) + 0.5),
                )
            }
            Family::LogNormal => self.log_normal()?,
            Family::Gamma => self.gamma()?,
            Family::Weibull => self.weibull()?,
            Family::Pareto => self.pareto()?,
        };
        likelihood.is_finite().then_some((dist, likelihood))
    }

    fn log_normal(&self) -> Option<(Dist, f64)> {
        let ln = self.ln.as_ref()?;
        let variance = ln
            .iter()
            .map(|l| (l - self.mean_ln) * (l - self.mean_ln))
            .sum::<f64>()
            / self.n;
        let sigma = libm::sqrt(variance);
        let median = rounded(libm::exp(self.mean_ln));
        let p99 = rounded(libm::exp(self.mean_ln + Z99 * sigma));
        if median.0 == 0 || p99 <= median {
            return None;
        }
        let tau = 2.0 * std::f64::consts::PI;
        let likelihood = -self.n * (self.mean_ln + libm::log(sigma) + 0.5 * libm::log(tau) + 0.5);
        Some((Dist::LogNormal { median, p99 }, likelihood))
    }

    /// Fits by Newton's method on the shape, from Minka's start (2002).
    fn gamma(&self) -> Option<(Dist, f64)> {
        self.ln.as_ref()?;
        let s = libm::log(self.mean) - self.mean_ln;
        if s <= 1e-12 {
            return None;
        }
        let mut k = (3.0 - s + libm::sqrt((s - 3.0) * (s - 3.0) + 24.0 * s)) / (12.0 * s);
        for _ in 0..30 {
            let step = (libm::log(k) - digamma(k) - s) / (1.0 / k - trigamma(k));
            let next = (k - step).clamp(k / 2.0, k * 2.0);
            let done = (next - k).abs() < 1e-10 * k;
            k = next;
            if done {
                break;
            }
        }
        let cv = significant(1.0 / libm::sqrt(k), 4);
        let mean = rounded(self.mean);
        if !in_range(cv) || mean.0 == 0 {
            return None;
        }
        let theta = self.mean / k;
        let likelihood =
            self.n * ((k - 1.0) * self.mean_ln - k - k * libm::log(theta) - ln_gamma(k));
        Some((Dist::Gamma { mean, cv }, likelihood))
    }

    /// Fits by Newton's method on the shape `k`, whose equation `sum x^k ln x / sum x^k - 1/k = mean ln x` is monotone.
    fn weibull(&self) -> Option<(Dist, f64)> {
        let ln = self.ln.as_ref()?;
        let top = ln[ln.len() - 1];
        // The start: the logarithms of draws from an exponential distribution have the standard deviation pi / sqrt 6.
        let variance = ln
            .iter()
            .map(|l| (l - self.mean_ln) * (l - self.mean_ln))
            .sum::<f64>()
            / self.n;
        let mut k = std::f64::consts::PI / libm::sqrt(6.0 * variance);
        let mut sum = self.n;
        for _ in 0..50 {
            let (mut s0, mut s1, mut s2) = (0.0, 0.0, 0.0);
            for l in ln {
                let d = l - top;
                let w = libm::exp(k * d);
                s0 += w;
                s1 += w * d;
                s2 += w * d * d;
            }
            sum = s0;
            let ratio = s1 / s0;
            let f = ratio - 1.0 / k - (self.mean_ln - top);
            let slope = s2 / s0 - ratio * ratio + 1.0 / (k * k);
            let next = (k - f / slope).clamp(k / 2.0, k * 2.0);
            let done = (next - k).abs() < 1e-10 * k;
            k = next;
            if done {
                break;
            }
        }
        let ln_scale = top + libm::log(sum / self.n) / k;
        let (scale, shape) = (rounded(libm::exp(ln_scale)), significant(k, 4));
        if !in_range(shape) || scale.0 == 0 {
            return None;
        }
        let likelihood = self.n * (libm::log(k) - k * ln_scale + (k - 1.0) * self.mean_ln - 1.0);
        Some((Dist::Weibull { scale, shape }, likelihood))
    }

    fn pareto(&self) -> Option<(Dist, f64)> {
        let ln = self.ln.as_ref()?;
        let spread = self.mean_ln - ln[0];
        if spread <= 0.0 {
            return None;
        }
        let shape = 1.0 / spread;
        let dist = Dist::Pareto {
            least: rounded(self.x[0]),
            shape: significant(shape, 4),
        };
        if !in_range(shape) {
            return None;
        }
        let likelihood = self.n * (libm::log(shape) + shape * ln[0] - (shape + 1.0) * self.mean_ln);
        Some((dist, likelihood))
    }
}

fn in_range(factor: f64) -> bool {
    factor.is_finite() && factor > 2.0 / MAX_FACTOR && factor < MAX_FACTOR / 2.0
}

/// The derivative of the digamma function, by recurrence up to 6 and then the asymptotic series.
fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 6.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    sum + 1.0 / x + r / 2.0 + r / x * (1.0 / 6.0 - r * (1.0 / 30.0 - r * (1.0 / 42.0 - r / 30.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trigamma_at_known_points() {
        let pi2 = std::f64::consts::PI * std::f64::consts::PI;
        assert!((trigamma(1.0) - pi2 / 6.0).abs() < 1e-9);
        assert!((trigamma(0.5) - pi2 / 2.0).abs() < 1e-9);
    }

    /// For a fixed sample the fit is at a maximum: no neighbouring parameters have a higher likelihood.
    #[test]
    fn the_likelihood_is_at_its_maximum() {
        let x: Vec<f64> = (1..=50_u32)
            .map(|i| 1e6 * f64::from(i * i % 97 + 3))
            .collect();
        let mut sorted = x.clone();
        sorted.sort_by(f64::total_cmp);
        let s = SampleSummary::new(&sorted);
        let (Dist::Gamma { mean, cv }, best) = s.fit(Family::Gamma).unwrap() else {
            panic!("a gamma is asked for")
        };
        let at = |mean: f64, k: f64| {
            let theta = mean / k;
            x.iter()
                .map(|v| (k - 1.0) * v.ln() - v / theta - k * theta.ln() - ln_gamma(k))
                .sum::<f64>()
        };
        let k = 1.0 / (cv * cv);
        assert!((at(mean.as_f64(), k) - best).abs() < 1e-2);
        for factor in [0.98, 1.02] {
            assert!(at(mean.as_f64() * factor, k) < best && at(mean.as_f64(), k * factor) < best);
        }
        let (Dist::Weibull { scale, shape }, best) = s.fit(Family::Weibull).unwrap() else {
            panic!("a Weibull is asked for")
        };
        let at = |scale: f64, k: f64| {
            x.iter()
                .map(|v| (k / scale).ln() + (k - 1.0) * (v / scale).ln() - (v / scale).powf(k))
                .sum::<f64>()
        };
        assert!((at(scale.as_f64(), shape) - best).abs() < 1e-2);
        for factor in [0.98, 1.02] {
            assert!(at(scale.as_f64() * factor, shape) < best);
            assert!(at(scale.as_f64(), shape * factor) < best);
        }
    }
}
