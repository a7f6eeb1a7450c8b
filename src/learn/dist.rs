//! What fitting needs of a distribution besides drawing from it: its distribution function, its quantiles and its text.

use statrs::function::gamma::gamma_lr;

use crate::engine::Nanos;
use crate::scenario::Dist;

/// The 99th percentile of the standard normal distribution.
pub(super) const Z99: f64 = 2.326_347_874_040_841;

/// The distribution function of the standard normal distribution.
fn phi(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// The probability of a draw of at most `x` nanoseconds, as the simulator draws: negative values count as zero.
pub(super) fn cdf(dist: &Dist, x: f64) -> f64 {
    if x < 0.0 {
        return 0.0;
    }
    match dist {
        Dist::Constant(t) => f64::from(x >= t.as_f64()),
        Dist::Uniform(a, b) => {
            let (a, b) = (a.as_f64(), b.as_f64());
            if b > a {
                ((x - a) / (b - a)).clamp(0.0, 1.0)
            } else {
                f64::from(x >= a)
            }
        }
        Dist::Exponential(m) => -libm::expm1(-x / m.as_f64()),
        Dist::Normal(m, s) => phi((x - m.as_f64()) / s.as_f64()),
        Dist::LogNormal { median, p99 } => {
            if x == 0.0 {
                return 0.0;
            }
            let sigma = libm::log(p99.as_f64() / median.as_f64()) / Z99;
            phi(libm::log(x / median.as_f64()) / sigma)
        }
        Dist::Gamma { mean, cv } => {
            let shape = 1.0 / (cv * cv);
            if x == 0.0 {
                0.0
            } else {
                gamma_lr(shape, x / mean.as_f64() * shape)
            }
        }
        Dist::Weibull { scale, shape } => -libm::expm1(-libm::pow(x / scale.as_f64(), *shape)),
        Dist::Pareto { least, shape } => {
            if x <= least.as_f64() {
                0.0
            } else {
                1.0 - libm::pow(least.as_f64() / x, *shape)
            }
        }
        Dist::Empirical(values) => {
            let below = values.partition_point(|v| v.as_f64() <= x);
            below as f64 / values.len().max(1) as f64
        }
    }
}

/// The 99th percentile in nanoseconds. The values of a [`Dist::Empirical`] must be sorted.
pub(super) fn p99(dist: &Dist) -> f64 {
    match dist {
        Dist::Constant(t) => t.as_f64(),
        Dist::LogNormal { p99, .. } => p99.as_f64(),
        Dist::Empirical(values) => {
            let i = (values.len() * 99).div_ceil(100).saturating_sub(1);
            values.get(i).copied().unwrap_or_default().as_f64()
        }
        _ => bisect(dist, 0.99),
    }
}

/// The value at which the distribution function reaches `p`, found by bisection.
fn bisect(dist: &Dist, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while cdf(dist, high) < p && high < 1e20 {
        high *= 2.0;
    }
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if cdf(dist, middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The distribution's name as the scenario format writes it.
pub(super) fn name(dist: &Dist) -> &'static str {
    match dist {
        Dist::Constant(_) => "Constant",
        Dist::Uniform(..) => "Uniform",
        Dist::Exponential(_) => "Exponential",
        Dist::Normal(..) => "Normal",
        Dist::LogNormal { .. } => "LogNormal",
        Dist::Gamma { .. } => "Gamma",
        Dist::Weibull { .. } => "Weibull",
        Dist::Pareto { .. } => "Pareto",
        Dist::Empirical(_) => "Empirical",
    }
}

/// The value rounded to `digits` significant decimal digits.
pub(super) fn significant(x: f64, digits: i32) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a double has 640 decades")]
    let shift = digits - 1 - libm::floor(libm::log10(x.abs())) as i32;
    // Dividing by an exact power of ten gives the double that is nearest to the decimal text.
    let power = libm::pow(10.0, f64::from(shift.abs()));
    if shift >= 0 {
        libm::round(x * power) / power
    } else {
        libm::round(x / power) * power
    }
}

/// A parameter in nanoseconds rounded as it is written: to four significant digits, and to whole nanoseconds.
pub(super) fn rounded(ns: f64) -> Nanos {
    Nanos::from_f64(significant(ns, 4))
}

/// The exact duration in quotes, in the largest unit that leaves a whole part: `"12.3ms"`.
pub(super) fn duration(t: Nanos) -> String {
    let digits = t.0.to_string();
    let (unit, places) = match digits.len() {
        ..=3 => ("ns", 0),
        4..=6 => ("us", 3),
        7..=9 => ("ms", 6),
        _ => ("s", 9),
    };
    let (whole, fraction) = digits.split_at(digits.len() - places);
    match fraction.trim_end_matches('0') {
        "" => format!("\"{whole}{unit}\""),
        fraction => format!("\"{whole}.{fraction}{unit}\""),
    }
}

/// The distribution as the scenario format writes it. A [`Dist::Empirical`] takes several lines, each of which begins with `indent`.
pub(super) fn ron(dist: &Dist, indent: &str) -> String {
    match dist {
        Dist::Constant(t) => duration(*t),
        Dist::Uniform(a, b) => format!("Uniform({}, {})", duration(*a), duration(*b)),
        Dist::Exponential(m) => format!("Exponential({})", duration(*m)),
        Dist::Normal(m, s) => format!("Normal({}, {})", duration(*m), duration(*s)),
        Dist::LogNormal { median, p99 } => {
            format!(
                "LogNormal(median: {}, p99: {})",
                duration(*median),
                duration(*p99)
            )
        }
        Dist::Gamma { mean, cv } => format!("Gamma(mean: {}, cv: {cv})", duration(*mean)),
        Dist::Weibull { scale, shape } => {
            format!("Weibull(scale: {}, shape: {shape})", duration(*scale))
        }
        Dist::Pareto { least, shape } => {
            format!("Pareto(least: {}, shape: {shape})", duration(*least))
        }
        Dist::Empirical(values) => {
            let texts: Vec<String> = values.iter().map(|v| duration(*v)).collect();
            if texts.len() <= 6 {
                return format!("Empirical([{}])", texts.join(", "));
            }
            let mut out = String::from("Empirical([");
            for line in texts.chunks(10) {
                out.push_str(&format!("\n{indent}    {},", line.join(", ")));
            }
            out.push_str(&format!("\n{indent}])"));
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_and_short() {
        for (ns, text) in [
            (0, "\"0ns\""),
            (999, "\"999ns\""),
            (171_200_000, "\"171.2ms\""),
            (1_234_567, "\"1.234567ms\""),
            (1_234, "\"1.234us\""),
            (12_345_678_901, "\"12.345678901s\""),
            (2_000_000_000, "\"2s\""),
        ] {
            assert_eq!(duration(Nanos(ns)), text);
            let bare = text.trim_matches('"');
            assert_eq!(crate::scenario::units::duration(bare), Ok(Nanos(ns)));
        }
    }

    #[test]
    fn quantiles_are_where_the_distribution_function_says() {
        let ms = Nanos::from_millis;
        for dist in [
            Dist::Uniform(ms(1), ms(3)),
            Dist::Exponential(ms(7)),
            Dist::Normal(ms(20), ms(5)),
            Dist::LogNormal {
                median: ms(5),
                p99: ms(50),
            },
            Dist::Gamma {
                mean: ms(5),
                cv: 0.5,
            },
            Dist::Weibull {
                scale: ms(5),
                shape: 0.7,
            },
            Dist::Pareto {
                least: ms(5),
                shape: 2.0,
            },
        ] {
            assert!((cdf(&dist, p99(&dist)) - 0.99).abs() < 1e-9, "{dist:?}");
            assert_eq!(cdf(&dist, -1.0), 0.0);
        }
    }

    #[test]
    fn four_digits() {
        assert_eq!(significant(0.123_456, 4), 0.1235);
        assert_eq!(significant(1_234_567.0, 4), 1_235_000.0);
        assert_eq!(significant(0.0, 4), 0.0);
    }
}
