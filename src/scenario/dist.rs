//! Distributions of a step's duration.

use rand::Rng;

use super::limits;
use crate::engine::Nanos;

/// A distribution of a duration. Every parameter is finite and at least zero; a draw is never negative.
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    /// The same duration on every draw.
    Constant(Nanos),
    /// Uniform between the two durations.
    Uniform(Nanos, Nanos),
    /// Exponential, by its mean.
    Exponential(Nanos),
    /// Normal by mean and standard deviation, cut off at zero.
    Normal(Nanos, Nanos),
    /// Log-normal, by its median and its 99th percentile.
    LogNormal {
        /// Half of the draws lie below.
        median: Nanos,
        /// 99 of 100 draws lie below; at least the median.
        p99: Nanos,
    },
    /// Gamma, by mean and coefficient of variation (standard deviation over mean, > 0).
    Gamma {
        /// Mean.
        mean: Nanos,
        /// Coefficient of variation.
        cv: f64,
    },
    /// Weibull, by scale and shape (> 0).
    Weibull {
        /// Scale: 63.2 % of the draws lie below.
        scale: Nanos,
        /// Shape; 1 is exponential.
        shape: f64,
    },
    /// Pareto, by its least value and shape (> 0; the mean is infinite up to 1).
    Pareto {
        /// Least value.
        least: Nanos,
        /// Shape (tail index).
        shape: f64,
    },
    /// One of the listed values, of which there is at least one, each with the same probability.
    Empirical(Vec<Nanos>),
}

/// The standard normal's 99th percentile.
const Z99: f64 = 2.326_347_874_040_841;

/// A draw from (0, 1]: 53 random bits, never zero, so that its logarithm exists.
fn unit(rng: &mut impl Rng) -> f64 {
    let k = ((rng.next_u64() >> 11) + 1) as f64;
    k * (1.0 / 9_007_199_254_740_992.0)
}

/// A standard exponential draw, by inversion.
pub(super) fn exponential(rng: &mut impl Rng) -> f64 {
    -libm::log(unit(rng))
}

fn ratio(p: &[f64], x: f64) -> f64 {
    p.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// The standard normal's quantile function: algorithm AS 241 (Wichura 1988), about 16 digits.
fn normal_quantile(p: f64) -> f64 {
    const CENTRE_NUM: [f64; 8] = [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ];
    const CENTRE_DEN: [f64; 8] = [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_659_7e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_545e3,
    ];
    const NEAR_NUM: [f64; 8] = [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ];
    const NEAR_DEN: [f64; 8] = [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ];
    const FAR_NUM: [f64; 8] = [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        2.965_605_718_285_048_7e-1,
        2.653_218_952_657_612_4e-2,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ];
    const FAR_DEN: [f64; 8] = [
        1.0,
        5.998_322_065_558_88e-1,
        1.369_298_809_227_358e-1,
        1.487_536_129_085_061_5e-2,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ];
    let q = p - 0.5;
    if libm::fabs(q) <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(&CENTRE_NUM, r) / ratio(&CENTRE_DEN, r);
    }
    let r = libm::sqrt(-libm::log(if q < 0.0 { p } else { 1.0 - p }));
    let z = if r <= 5.0 {
        ratio(&NEAR_NUM, r - 1.6) / ratio(&NEAR_DEN, r - 1.6)
    } else {
        ratio(&FAR_NUM, r - 5.0) / ratio(&FAR_DEN, r - 5.0)
    };
    if q < 0.0 { -z } else { z }
}

/// A standard normal draw, by inversion (the middle of one of 2^53 equal cells, so never infinite).
fn normal(rng: &mut impl Rng) -> f64 {
    let k = (rng.next_u64() >> 12) as f64;
    normal_quantile((k + 0.5) * (1.0 / 4_503_599_627_370_496.0))
}

/// A gamma draw of scale 1: Marsaglia and Tsang (2000), with their boost for shapes below 1.
fn gamma(shape: f64, rng: &mut impl Rng) -> f64 {
    let (k, boost) = if shape < 1.0 {
        (shape + 1.0, libm::pow(unit(rng), 1.0 / shape))
    } else {
        (shape, 1.0)
    };
    let d = k - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let x = normal(rng);
        let t = 1.0 + c * x;
        if t <= 0.0 {
            continue;
        }
        let v = t * t * t;
        if libm::log(unit(rng)) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v * boost;
        }
    }
}

impl From<Nanos> for Dist {
    fn from(time: Nanos) -> Self {
        Self::Constant(time)
    }
}

impl Dist {
    /// The same distribution with every time multiplied by `by`; parameters without a unit stay.
    #[must_use]
    pub fn scaled(&self, by: f64) -> Self {
        let t = |t: &Nanos| t.scale(by);
        match self {
            Self::Constant(a) => Self::Constant(t(a)),
            Self::Uniform(a, b) => Self::Uniform(t(a), t(b)),
            Self::Exponential(mean) => Self::Exponential(t(mean)),
            Self::Normal(mean, sd) => Self::Normal(t(mean), t(sd)),
            Self::LogNormal { median, p99 } => Self::LogNormal {
                median: t(median),
                p99: t(p99),
            },
            Self::Gamma { mean, cv } => Self::Gamma {
                mean: t(mean),
                cv: *cv,
            },
            Self::Weibull { scale, shape } => Self::Weibull {
                scale: t(scale),
                shape: *shape,
            },
            Self::Pareto { least, shape } => Self::Pareto {
                least: t(least),
                shape: *shape,
            },
            Self::Empirical(values) => Self::Empirical(values.iter().map(t).collect()),
        }
    }

    /// Draws a duration: never negative, never longer than [`limits::MAX_DURATION`].
    ///
    /// Only `libm` and the four basic operations are used, and the draws are by inversion wherever there is a formula
    /// (one random number a draw; gamma takes as many as its rejections ask for): the same generator gives the same
    /// durations on every platform. (`rand_distr` computes with `num-traits`, which turns to the platform's own
    /// mathematics as soon as any crate of the build asks for its `std` feature.)
    pub fn sample(&self, rng: &mut impl Rng) -> Nanos {
        let ns = match self {
            Self::Constant(t) => return *t,
            Self::Uniform(a, b) => {
                let (a, b) = (a.as_f64(), b.as_f64());
                a + (b - a) * unit(rng)
            }
            Self::Exponential(mean) => mean.as_f64() * exponential(rng),
            Self::Normal(mean, sd) => mean.as_f64() + sd.as_f64() * normal(rng),
            Self::LogNormal { median, p99 } => {
                median.as_f64() * libm::exp(log_sigma(*median, *p99) * normal(rng))
            }
            Self::Gamma { mean, cv } => mean.as_f64() * cv * cv * gamma(1.0 / (cv * cv), rng),
            Self::Weibull { scale, shape } => {
                scale.as_f64() * libm::pow(exponential(rng), 1.0 / shape)
            }
            Self::Pareto { least, shape } => least.as_f64() * libm::pow(unit(rng), -1.0 / shape),
            Self::Empirical(values) => return pick(values, rng),
        };
        Nanos::from_f64(ns).min(limits::MAX_DURATION)
    }

    /// The mean in nanoseconds; infinite for a Pareto distribution of shape 1 or less.
    pub fn mean(&self) -> f64 {
        self.moments().0
    }

    /// The mean in nanoseconds, if it is exactly that of what [`Dist::sample`] draws, and the mean of draws converges to it at the usual
    /// rate. `None` if the variance is infinite (a Pareto distribution of shape 2 or less), or if what is cut off at
    /// [`limits::MAX_DURATION`] might matter.
    pub fn exact_mean(&self) -> Option<f64> {
        let (mean, second) = self.moments();
        // Whatever the distribution, the mean of the part beyond a bound is at most the mean square over four times the bound.
        let cut_off = match self {
            // These never exceed the bound, or have tails thinner than an exponential's, of which 1e-43 lie beyond a hundred means.
            Self::Constant(_) | Self::Uniform(..) | Self::Empirical(_) => 0.0,
            Self::Exponential(_) | Self::Normal(..)
                if 100.0 * libm::sqrt(second) < limits::MAX_DURATION.as_f64() =>
            {
                0.0
            }
            _ => second / (4.0 * limits::MAX_DURATION.as_f64()),
        };
        (second.is_finite() && cut_off <= 1e-5 * mean).then_some(mean)
    }

    /// The squared coefficient of variation (variance over squared mean): 0 for a constant, 1 for an exponential distribution. Infinite if
    /// the variance is; 0 if the mean is 0.
    pub fn scv(&self) -> f64 {
        let (mean, second) = self.moments();
        if mean == 0.0 {
            0.0
        } else if second.is_infinite() {
            f64::INFINITY
        } else {
            (second / (mean * mean) - 1.0).max(0.0)
        }
    }

    /// The mean in nanoseconds, and the mean square.
    fn moments(&self) -> (f64, f64) {
        match self {
            Self::Constant(t) => (t.as_f64(), t.as_f64() * t.as_f64()),
            Self::Uniform(a, b) => {
                let (a, b) = (a.as_f64(), b.as_f64());
                (f64::midpoint(a, b), (a * a + a * b + b * b) / 3.0)
            }
            Self::Exponential(mean) => (mean.as_f64(), 2.0 * mean.as_f64() * mean.as_f64()),
            Self::Normal(mean, sd) => {
                let (m, s) = (mean.as_f64(), sd.as_f64());
                if s == 0.0 {
                    return (m, m * m);
                }
                // Draws below zero count as zero.
                let above = 0.5 * libm::erfc(-m / s / std::f64::consts::SQRT_2);
                let density =
                    libm::exp(-0.5 * m * m / (s * s)) / libm::sqrt(2.0 * std::f64::consts::PI);
                (
                    m * above + s * density,
                    (m * m + s * s) * above + m * s * density,
                )
            }
            Self::LogNormal { median, p99 } => {
                let (m, s) = (median.as_f64(), log_sigma(*median, *p99));
                (m * libm::exp(0.5 * s * s), m * m * libm::exp(2.0 * s * s))
            }
            Self::Gamma { mean, cv } => (
                mean.as_f64(),
                mean.as_f64() * mean.as_f64() * (1.0 + cv * cv),
            ),
            Self::Weibull { scale, shape } => {
                let s = scale.as_f64();
                (
                    s * libm::tgamma(1.0 + 1.0 / shape),
                    s * s * libm::tgamma(1.0 + 2.0 / shape),
                )
            }
            Self::Pareto { least, shape } => {
                let moment = |k: f64| {
                    if *shape > k {
                        shape / (shape - k)
                    } else {
                        f64::INFINITY
                    }
                };
                (
                    least.as_f64() * moment(1.0),
                    least.as_f64() * least.as_f64() * moment(2.0),
                )
            }
            Self::Empirical(values) => {
                let n = values.len().max(1) as f64;
                let sum = |f: fn(f64) -> f64| values.iter().map(|v| f(v.as_f64())).sum::<f64>() / n;
                (sum(|x| x), sum(|x| x * x))
            }
        }
    }
}

/// The standard deviation of the logarithm of a log-normal distribution.
fn log_sigma(median: Nanos, p99: Nanos) -> f64 {
    if median == Nanos::ZERO {
        0.0
    } else {
        libm::log(p99.as_f64() / median.as_f64()).max(0.0) / Z99
    }
}

/// One of the values, drawn uniformly; zero if there is none.
fn pick(values: &[Nanos], rng: &mut impl Rng) -> Nanos {
    // The high half of a 64 x 64 bit product: uniform up to 2^-64 times the number of values.
    let product = u128::from(rng.next_u64()) * values.len() as u128;
    usize::try_from(product >> 64)
        .ok()
        .and_then(|i| values.get(i))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    const MS: u64 = 1_000_000;

    fn all() -> Vec<Dist> {
        let ms = Nanos::from_millis;
        vec![
            Dist::Constant(ms(5)),
            Dist::Uniform(ms(10), ms(30)),
            Dist::Exponential(ms(20)),
            Dist::Normal(ms(20), ms(5)),
            Dist::Normal(ms(5), ms(10)),
            Dist::LogNormal {
                median: ms(20),
                p99: ms(200),
            },
            Dist::Gamma {
                mean: ms(20),
                cv: 0.5,
            },
            Dist::Gamma {
                mean: ms(20),
                cv: 2.0,
            },
            Dist::Weibull {
                scale: ms(20),
                shape: 1.5,
            },
            Dist::Pareto {
                least: ms(5),
                shape: 2.5,
            },
            Dist::Empirical(vec![ms(1), ms(2), ms(40)]),
        ]
    }

    /// The distribution function, from textbook formulas and `statrs`.
    fn cdf(dist: &Dist, x: f64) -> f64 {
        use statrs::distribution::{ContinuousCDF, Gamma, LogNormal, Normal};
        match dist {
            Dist::Uniform(a, b) => ((x - a.as_f64()) / (b.as_f64() - a.as_f64())).clamp(0.0, 1.0),
            Dist::Exponential(m) => 1.0 - (-x / m.as_f64()).exp(),
            Dist::Normal(m, s) => Normal::new(m.as_f64(), s.as_f64()).unwrap().cdf(x),
            Dist::LogNormal { median, p99 } => {
                LogNormal::new(median.as_f64().ln(), log_sigma(*median, *p99))
                    .unwrap()
                    .cdf(x)
            }
            Dist::Gamma { mean, cv } => {
                let k = 1.0 / (cv * cv);
                Gamma::new(k, k / (mean.as_f64() / MS as f64))
                    .unwrap()
                    .cdf(x / MS as f64)
            }
            Dist::Weibull { scale, shape } => 1.0 - (-(x / scale.as_f64()).powf(*shape)).exp(),
            Dist::Pareto { least, shape } => {
                1.0 - (least.as_f64() / x.max(least.as_f64())).powf(*shape)
            }
            Dist::Constant(_) | Dist::Empirical(_) => unreachable!("discrete"),
        }
    }

    /// Kolmogorov-Smirnov at significance 0.001 a distribution (critical value 1.9495 / sqrt(n), n = 20 000): a right
    /// sampler fails one seed in a thousand, and the seed is fixed.
    #[test]
    fn scaling_multiplies_times_and_nothing_else() {
        for dist in all() {
            let twice = dist.scaled(2.0);
            let (mean, doubled) = (dist.mean() * 2.0, twice.mean());
            assert!(
                doubled == mean || (doubled - mean).abs() < mean * 1e-9,
                "{dist:?}: {doubled}, not {mean}"
            );
            assert_eq!(twice.scaled(0.5), dist);
        }
    }

    #[test]
    fn draws_follow_their_distribution() {
        const N: usize = 20_000;
        let critical = 1.9495 / (N as f64).sqrt();
        for (i, dist) in all()
            .iter()
            .enumerate()
            .filter(|(_, d)| !matches!(d, Dist::Constant(_) | Dist::Empirical(_)))
        {
            let mut rng = Pcg64Mcg::seed_from_u64(11 + i as u64);
            let mut draws: Vec<f64> = (0..N).map(|_| dist.sample(&mut rng).as_f64()).collect();
            draws.sort_by(f64::total_cmp);
            let mut worst: f64 = 0.0;
            for (j, &x) in draws.iter().enumerate() {
                // Draws that are cut off lie at zero, where only the upper edge of the step can be compared.
                if x > 0.0 {
                    let f = cdf(dist, x);
                    worst = worst
                        .max((f - j as f64 / N as f64).abs())
                        .max((f - (j + 1) as f64 / N as f64).abs());
                }
            }
            assert!(
                worst < critical,
                "{dist:?}: D = {worst}, critical {critical}"
            );
        }
    }

    /// Chi-squared at significance 0.001: 13.82 with two degrees of freedom.
    #[test]
    fn an_empirical_list_is_drawn_evenly() {
        let values = [Nanos(1), Nanos(2), Nanos(3)];
        let dist = Dist::Empirical(values.to_vec());
        let mut rng = Pcg64Mcg::seed_from_u64(5);
        let mut seen = [0_u32; 3];
        for _ in 0..30_000 {
            seen[usize::try_from(dist.sample(&mut rng).0 - 1).unwrap()] += 1;
        }
        let chi2: f64 = seen
            .iter()
            .map(|&n| (f64::from(n) - 10_000.0).powi(2) / 10_000.0)
            .sum();
        assert!(chi2 < 13.82, "{seen:?}");
    }

    /// Sample mean and variance within five standard errors (of the mean) and 10 % (of the second moment, light tails).
    #[test]
    fn moments_agree_with_draws() {
        const N: u32 = 200_000;
        for dist in all() {
            let mut rng = Pcg64Mcg::seed_from_u64(3);
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..N {
                let x = dist.sample(&mut rng).as_f64() / MS as f64;
                sum += x;
                squares += x * x;
            }
            let (mean, second) = (sum / f64::from(N), squares / f64::from(N));
            let expected = dist.mean() / MS as f64;
            let error = 5.0 * expected * (dist.scv() / f64::from(N)).sqrt() + 1e-6;
            assert!(
                (mean - expected).abs() <= error,
                "{dist:?}: mean {mean}, expected {expected} +- {error}"
            );
            let scv = second / mean / mean - 1.0;
            let heavy = matches!(dist, Dist::Pareto { .. } | Dist::LogNormal { .. });
            assert!(
                heavy || (scv - dist.scv()).abs() <= 0.1 * dist.scv() + 1e-9,
                "{dist:?}: scv {scv} for {}",
                dist.scv()
            );
        }
        assert!(
            Dist::Pareto {
                least: Nanos(1),
                shape: 1.0
            }
            .mean()
            .is_infinite()
        );
        assert!(
            Dist::Pareto {
                least: Nanos(1),
                shape: 2.0
            }
            .scv()
            .is_infinite()
        );
    }

    #[test]
    fn means_are_exact_where_draws_tend_to_them() {
        for dist in all() {
            assert_eq!(dist.exact_mean(), Some(dist.mean()), "{dist:?}");
        }
        let least = Nanos::from_millis(5);
        let pareto = |shape| Dist::Pareto { least, shape }.exact_mean();
        assert!(pareto(1.5).is_none() && pareto(2.0).is_none() && pareto(2.1).is_some());
        // The part that is cut off at the longest possible duration would matter.
        let long = Dist::Exponential(Nanos::from_secs(500 * 86_400));
        assert_eq!(long.exact_mean(), None);
        let wild = Dist::Weibull {
            scale: Nanos::from_secs(1),
            shape: 0.05,
        };
        assert_eq!(wild.exact_mean(), None);
        assert_eq!(Dist::Constant(Nanos::ZERO).exact_mean(), Some(0.0));
        assert_eq!(Dist::Empirical(vec![]).exact_mean(), Some(0.0));
    }

    /// The values drawn are part of the program's promise: a changed line here changes every forecast.
    #[test]
    fn golden_draws() {
        let lines: Vec<String> = all()
            .iter()
            .map(|dist| {
                let mut rng = Pcg64Mcg::seed_from_u64(42);
                let draws: Vec<u64> = (0..4).map(|_| dist.sample(&mut rng).0).collect();
                format!("{dist:?} -> {draws:?}")
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn quantiles_of_the_normal() {
        for (p, z) in [
            (0.5, 0.0),
            (0.99, Z99),
            (0.975, 1.959_963_984_540_054),
            (1e-10, -6.361_340_902_404_056),
        ] {
            assert!(
                (normal_quantile(p) - z).abs() < 1e-12,
                "{p}: {}",
                normal_quantile(p)
            );
        }
    }

    #[test]
    fn a_draw_is_bounded_whatever_the_parameters() {
        let wild = [
            Dist::Pareto {
                least: Nanos::from_secs(86_400),
                shape: 1e-6,
            },
            Dist::Weibull {
                scale: limits::MAX_DURATION,
                shape: 1e-6,
            },
            Dist::Gamma {
                mean: limits::MAX_DURATION,
                cv: 1e6,
            },
            Dist::Gamma {
                mean: limits::MAX_DURATION,
                cv: 1e-6,
            },
            Dist::LogNormal {
                median: Nanos(1),
                p99: limits::MAX_DURATION,
            },
            Dist::LogNormal {
                median: Nanos(0),
                p99: Nanos(0),
            },
            Dist::Normal(Nanos(0), limits::MAX_DURATION),
            Dist::Empirical(vec![]),
        ];
        for dist in wild {
            let mut rng = Pcg64Mcg::seed_from_u64(1);
            for _ in 0..1_000 {
                assert!(dist.sample(&mut rng) <= limits::MAX_DURATION, "{dist:?}");
            }
            assert!(
                !dist.mean().is_nan() && !dist.scv().is_nan(),
                "{dist:?}: {} {}",
                dist.mean(),
                dist.scv()
            );
        }
    }
}
