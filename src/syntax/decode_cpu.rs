//! Reads steps of bytecode, and how often their code gives the GIL up.

use super::decode::{Cx, Fields, both, or};
use super::decode_dist::dist;
use super::decode_steps::given_up;
use super::diagnostic::Code;
use super::tree::SyntaxNode;
use crate::engine::Nanos;
use crate::scenario::units::{format_duration, grouped};
use crate::scenario::{Inside, Releases, Step, limits};

/// Reads a step of bytecode, and how often it gives the GIL up, or for which share of its time.
pub(super) fn cpu(cx: &mut Cx, f: &Fields<'_>, node: &SyntaxNode) -> Option<Step> {
    let time = cx.required(f, "time", dist);
    let count = match f.get("releases") {
        Some(_) => cx.optional(f, "releases", |cx, n| {
            let most = limits::MAX_RELEASES_PER_TASK;
            let name = "MAX_RELEASES_PER_TASK";
            cx.int(n, "the number of releases", 0..=most, name)
        }),
        None => Some(0),
    };
    let released = match f.get("released") {
        Some(_) => cx.optional(f, "released", |cx, n| {
            cx.positive_duration(n, "the time of a release")
        }),
        None => Some(Releases::RELEASED),
    };
    let native = or(cx, f, "native", 0.0, |cx, n| {
        cx.share(n, "a share of the step's time", "write 0.3 or \"30%\"")
    });
    let ((time, mut count), mut released) = both(both(time, count), released)?;
    if native > 0.0 {
        if let Some(node) = f.get("released") {
            cx.error(
                Code::Conflict,
                node.span,
                "`native` and `released` both say how long the GIL is given up",
            )
            .help("leave one of them out");
            return None;
        }
        if native >= 1.0 {
            cx.error(Code::OutOfRange, node.span, "a step without any bytecode")
                .help("write Native(time)");
            return None;
        }
        if time.mean().is_finite() {
            if f.get("releases").is_none() {
                count = Releases::often(time.mean());
            }
            if count > 0 {
                released = Nanos::from_f64((native * time.mean() / count as f64).max(1.0));
            }
        } else {
            count = count.max(1); // Refused below.
        }
    }
    if count == 0 {
        if f.get("releases").is_none()
            && let Some(node) = f.get("released")
        {
            cx.at("released", |cx| {
                cx.warn(
                    Code::NoEffect,
                    node.span,
                    "nothing is released without `releases`",
                )
                .help("say how often the code gives the GIL up: Cpu(time: .., releases: 4_800)");
            });
        }
        return Some(Step::Cpu(time));
    }
    let mean = time.mean();
    if !mean.is_finite() {
        cx.error(
            Code::Conflict,
            node.span,
            "releases are counted in a step of mean length, and this distribution has no finite mean",
        )
        .help("a Pareto distribution has one if its shape is greater than 1");
        return None;
    }
    let given = Releases { count, released };
    if given.within(Nanos::from_f64(mean), mean) < count {
        let all = u64::try_from(u128::from(count) * u128::from(released.0)).unwrap_or(u64::MAX);
        cx.error(
            Code::Conflict,
            node.span,
            format!(
                "{count} releases of {} are {} without the GIL, more than the step takes ({})",
                format_duration(released),
                format_duration(Nanos(all)),
                format_duration(Nanos::from_f64(mean)),
            ),
        )
        .help("`time` is all of the step, with the GIL and without; make `releases` or `released` smaller");
        return None;
    }
    Some(Step::Releasing(time, given))
}

/// Notes an error for a step that multiplies its inner steps so that they give the GIL up more often than the limit.
pub(super) fn too_many_releases(cx: &mut Cx, step: &Step, node: &SyntaxNode) {
    let Some(Inside { steps, runs }) = step.inside() else {
        return;
    };
    let times = runs.at_most();
    let (most, each) = (limits::MAX_RELEASES_PER_TASK, given_up(steps));
    let all = each.saturating_mul(times);
    // Steps that are past the limit without being repeated are reported at their own place.
    if all > most && each <= most {
        let message = format!(
            "these steps give the GIL up {} times ({} times {}), more than {}",
            grouped(all),
            grouped(times),
            grouped(each),
            limits::named("MAX_RELEASES_PER_TASK", most)
        );
        cx.error(Code::Limit, node.span, message)
            .help(limits::instead("MAX_RELEASES_PER_TASK"));
    }
}
