//! Distributions of a step's duration.

use crate::engine::Nanos;

/// A distribution of a duration. Every parameter is finite and at least zero; a draw is never negative.
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    /// Always the same.
    Constant(Nanos),
    /// Uniform between the two.
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
    /// One of the listed values, each as likely; at least one.
    Empirical(Vec<Nanos>),
}
