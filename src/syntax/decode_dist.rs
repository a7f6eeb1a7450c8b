//! Reads distributions: of durations, and of what else may be drawn.

use super::decode::{Cx, both};
use super::diagnostic::Code;
use super::tree::{SyntaxKind, SyntaxNode};
use super::variants;
use super::variants::DistName;
use crate::engine::Nanos;
use crate::scenario::Dist;

/// Reads a duration that may be drawn at random: a plain string, or a distribution.
pub(super) fn dist(cx: &mut Cx, node: &SyntaxNode) -> Option<Dist> {
    dist_of(cx, node, "a duration", &Cx::duration)
}

/// Reads `what` may be drawn at random; `one` reads a single value, which stands as so many nanoseconds whatever its unit is.
pub(super) fn dist_of(
    cx: &mut Cx,
    node: &SyntaxNode,
    what: &str,
    one: &dyn Fn(&mut Cx, &SyntaxNode) -> Option<Nanos>,
) -> Option<Dist> {
    if !matches!(node.kind, SyntaxKind::Call { .. }) {
        return one(cx, node).map(Dist::Constant);
    }
    let name = cx.variant(
        node,
        &format!("{what} or a distribution"),
        variants::DISTRIBUTIONS,
    )?;
    let which = DistName::named(name)?;
    let f = cx.params(node, &format!("`{name}`"), variants::params(name))?;
    let time = |cx: &mut Cx, n: &str| cx.required(&f, n, |cx, n| one(cx, n));
    Some(match which {
        DistName::Constant => Dist::Constant(time(cx, "value")?),
        DistName::Uniform => {
            let (least, greatest) = both(time(cx, "least"), time(cx, "greatest"))?;
            if least > greatest {
                cx.error(
                    Code::OutOfRange,
                    node.span,
                    "the least value is greater than the greatest",
                )
                .help("swap them");
                return None;
            }
            Dist::Uniform(least, greatest)
        }
        DistName::Exponential => Dist::Exponential(time(cx, "mean")?),
        DistName::Normal => {
            let (mean, sd) = both(time(cx, "mean"), time(cx, "sd"))?;
            Dist::Normal(mean, sd)
        }
        DistName::LogNormal => {
            let median = cx.required(&f, "median", |cx, n| {
                let median = one(cx, n)?;
                cx.above_zero(n, median, "the median")
            });
            let (median, p99) = both(median, time(cx, "p99"))?;
            if p99 < median {
                cx.error(
                    Code::OutOfRange,
                    node.span,
                    "the 99th percentile lies below the median",
                );
                return None;
            }
            Dist::LogNormal { median, p99 }
        }
        DistName::Gamma => {
            let cv = cx.required(&f, "cv", |cx, n| {
                cx.factor(n, "the coefficient of variation")
            });
            let (mean, cv) = both(time(cx, "mean"), cv)?;
            Dist::Gamma { mean, cv }
        }
        DistName::Weibull => {
            let shape = cx.required(&f, "shape", |cx, n| cx.factor(n, "the shape"));
            let (scale, shape) = both(time(cx, "scale"), shape)?;
            Dist::Weibull { scale, shape }
        }
        DistName::Pareto => {
            let shape = cx.required(&f, "shape", |cx, n| cx.factor(n, "the shape"));
            let (least, shape) = both(time(cx, "least"), shape)?;
            Dist::Pareto { least, shape }
        }
        DistName::Empirical => {
            let values = cx.required(&f, "values", |cx, n| {
                let items = cx.list(n, "values")?;
                if items.is_empty() {
                    cx.error(Code::Empty, n.span, "at least one value is needed");
                    return None;
                }
                let read: Vec<Option<Nanos>> = items
                    .iter()
                    .enumerate()
                    .map(|(i, n)| cx.at_index(i, |cx| one(cx, n)))
                    .collect();
                read.into_iter().collect::<Option<Vec<Nanos>>>()
            })?;
            Dist::Empirical(values)
        }
    })
}
