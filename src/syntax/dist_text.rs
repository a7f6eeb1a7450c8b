//! Shows distributions in the way that the scenario format writes them.

use std::fmt;

use crate::engine::Nanos;
use crate::scenario::Dist;
use crate::scenario::units::format_duration;

impl fmt::Display for Dist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_as(f, &|t| format_duration(t))
    }
}

impl Dist {
    /// The distribution as text, with each value that has a unit as `one` writes it.
    pub(crate) fn written_as(&self, one: &dyn Fn(Nanos) -> String) -> String {
        let mut text = String::new();
        let _ = self.write_as(&mut text, one);
        text
    }

    fn write_as(&self, f: &mut impl fmt::Write, one: &dyn Fn(Nanos) -> String) -> fmt::Result {
        let t = |t: &Nanos| format!("\"{}\"", one(*t));
        match self {
            Self::Constant(time) => f.write_str(&t(time)),
            Self::Uniform(a, b) => write!(f, "Uniform({}, {})", t(a), t(b)),
            Self::Exponential(mean) => write!(f, "Exponential({})", t(mean)),
            Self::Normal(mean, sd) => write!(f, "Normal({}, {})", t(mean), t(sd)),
            Self::LogNormal { median, p99 } => {
                write!(f, "LogNormal(median: {}, p99: {})", t(median), t(p99))
            }
            Self::Gamma { mean, cv } => write!(f, "Gamma(mean: {}, cv: {cv})", t(mean)),
            Self::Weibull { scale, shape } => {
                write!(f, "Weibull(scale: {}, shape: {shape})", t(scale))
            }
            Self::Pareto { least, shape } => {
                write!(f, "Pareto(least: {}, shape: {shape})", t(least))
            }
            Self::Empirical(values) => write!(f, "Empirical(one of {} values)", values.len()),
        }
    }
}
