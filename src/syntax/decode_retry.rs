//! Reads how long steps are given, and how a retry pauses between its attempts.

use super::decode::{Cx, Fields, both};
use super::decode_devices::ppm;
use super::decode_dist::dist;
use super::diagnostic::Code;
use super::tree::{SyntaxKind, SyntaxNode};
use super::variants;
use super::variants::JitterName;
use crate::engine::Nanos;
use crate::scenario::units::format_duration;
use crate::scenario::{Backoff, Dist, Jitter};

/// Reads the time after which steps or requests are given up: above zero, or drawn; before the horizon, or nobody would ever give anything up.
pub(super) fn timeout(cx: &mut Cx, node: &SyntaxNode) -> Option<Dist> {
    let after = if matches!(node.kind, SyntaxKind::Call { .. }) {
        dist(cx, node)?
    } else {
        Dist::Constant(cx.positive_duration(node, "a timeout")?)
    };
    if let Dist::Constant(time) = after {
        cx.above_zero(node, time, "a timeout")?;
        if let Some(horizon) = cx.horizon.filter(|&horizon| time >= horizon) {
            let text = format!(
                "nothing is given up: this is as long as the whole run, whose `horizon` is {}, or longer",
                format_duration(horizon)
            );
            cx.error(Code::Conflict, node.span, text)
                .help("shorten it, leave it out, or move the horizon");
            return None;
        }
    }
    Some(after)
}

/// Reads the pauses of a `Retry`.
pub(super) fn backoff(cx: &mut Cx, f: &Fields<'_>) -> Option<Backoff> {
    let base = match f.get("backoff") {
        Some(_) => cx.optional(f, "backoff", dist),
        None => Some(Dist::Constant(Nanos::ZERO)),
    };
    let factor = match f.get("factor") {
        Some(_) => cx.optional(f, "factor", |cx, n| cx.factor(n, "the factor")),
        None => Some(Backoff::FACTOR),
    };
    let cap = match f.get("cap") {
        Some(_) => cx
            .optional(f, "cap", |cx, n| {
                cx.positive_duration(n, "the longest pause")
            })
            .map(Some),
        None => Some(None),
    };
    let jitter = match f.get("jitter") {
        Some(_) => cx.optional(f, "jitter", jitter),
        None => Some(Jitter::None),
    };
    let retry_after = match f.get("retry_after") {
        Some(_) => cx.optional(f, "retry_after", Cx::boolean),
        None => Some(false),
    };
    let budget = match f.get("budget") {
        Some(_) => cx.optional(f, "budget", budget).map(Some),
        None => Some(None),
    };
    let ((base, factor), (cap, (jitter, (retry_after, budget)))) = both(
        both(base, factor),
        both(cap, both(jitter, both(retry_after, budget))),
    )?;
    let nothing = base == Dist::Constant(Nanos::ZERO);
    for name in ["factor", "cap", "jitter"] {
        if nothing {
            no_effect(
                cx,
                f,
                name,
                "there is no back-off that it could change",
                "give the first pause: backoff: \"100ms\"",
            );
        }
    }
    if let (Dist::Constant(first), Some(cap)) = (&base, cap)
        && cap < *first
        && let Some(node) = f.get("cap")
    {
        cx.at("cap", |cx| {
            let message = "`cap` is shorter than the first pause: all pauses are as long as it, and none grows";
            cx.warn(Code::NoEffect, node.span, message)
                .help("let `cap` be longer than `backoff`, or leave it out");
        });
    }
    if jitter == Jitter::Decorrelated && !nothing {
        let help = "leave it out, or use `jitter: Full` or `Equal`";
        no_effect(
            cx,
            f,
            "factor",
            "decorrelated jitter grows by chance, up to three times the last pause",
            help,
        );
    }
    Some(Backoff {
        base,
        factor,
        cap,
        jitter,
        retry_after,
        budget,
    })
}

/// How many retries there may be for each first attempt, in millionths: more than none.
fn budget(cx: &mut Cx, node: &SyntaxNode) -> Option<u32> {
    let help = "write \"20%\" or 0.2: a retry for each five first attempts";
    let share = cx.share(node, "the budget of retries", help)?;
    let millionths = ppm(share);
    if millionths == 0 {
        cx.error(
            Code::OutOfRange,
            node.span,
            "a budget of retries must be above zero",
        )
        .help("write `attempts: 1` if nothing is to be tried again");
        return None;
    }
    Some(millionths)
}

/// Warns about pauses that never come: nobody tries again, as `by` says, or nothing says when (`told`).
pub(super) fn check_pauses(cx: &mut Cx, f: &Fields<'_>, attempts: u32, told: bool, by: &str) {
    if attempts == 1 {
        let help = format!("allow more `{by}`, or leave it out");
        for name in ["backoff", "factor", "cap", "jitter", "retry_after"] {
            let why = "a single attempt is followed by no pause";
            no_effect(cx, f, name, why, &help);
        }
        let why = "a single attempt is followed by no retry";
        no_effect(cx, f, "budget", why, &help);
    } else if !told {
        let why = "no rate limit in these steps refuses and says when to come again";
        let help = "use one with `full: Reject`: resources: {\"api\": RateLimit(rate: \"60/min\", full: Reject)}";
        no_effect(cx, f, "retry_after", why, help);
    }
}

fn jitter(cx: &mut Cx, node: &SyntaxNode) -> Option<Jitter> {
    let name = cx.variant(node, "a kind of jitter", variants::JITTERS)?;
    cx.params(node, &format!("`{name}`"), &[])?;
    Some(match JitterName::named(name)? {
        JitterName::None => Jitter::None,
        JitterName::Full => Jitter::Full,
        JitterName::Equal => Jitter::Equal,
        JitterName::Decorrelated => Jitter::Decorrelated,
    })
}

/// Warns about a parameter that changes nothing, if it is given.
fn no_effect(cx: &mut Cx, f: &Fields<'_>, name: &str, why: &str, help: &str) {
    if let Some(node) = f.get(name) {
        cx.at(name, |cx| {
            cx.warn(
                Code::NoEffect,
                node.span,
                format!("`{name}` has no effect: {why}"),
            )
            .help(help);
        });
    }
}
