//! How tasks arrive: batches, random arrivals, loads that change over time, users.

use super::decode::{Cx, Fields, both, or};
use super::decode_dist::dist;
use super::diagnostic::Code;
use super::tree::{SyntaxKind, SyntaxNode};
use super::variants;
use super::variants::{ArrivalsName, PhaseName};
use crate::engine::Nanos;
use crate::scenario::{Arrivals, Dist, Load, LoadState, Phase, limits};

/// How long a day is.
const DAY: Nanos = Nanos::from_secs(86_400);

/// Reads how tasks arrive. The file of a trace and the rounds of a batch are read later, when the classes are known.
pub(super) fn arrivals(cx: &mut Cx, node: &SyntaxNode, horizon: Option<Nanos>) -> Option<Arrivals> {
    let name = cx.variant(node, "a kind of arrivals", variants::ARRIVALS)?;
    let which = ArrivalsName::named(name)?;
    let f = cx.params(node, &format!("`{name}`"), variants::params(name))?;
    if which == ArrivalsName::Rounds {
        return Some(Arrivals::Batch); // What makes rounds of a batch is read by itself.
    }
    let count = cx.optional(&f, "count", |cx, n| {
        cx.int(
            n,
            "the number of arrivals",
            1..=limits::MAX_TASKS,
            "MAX_TASKS",
        )
    });
    let endless = f.get("count").is_none() && horizon.is_none();
    let ends_alone = match which {
        ArrivalsName::Batch | ArrivalsName::Rounds | ArrivalsName::Trace | ArrivalsName::Phases => {
            true
        }
        ArrivalsName::Poisson
        | ArrivalsName::Renewal
        | ArrivalsName::Closed
        | ArrivalsName::Diurnal
        | ArrivalsName::Bursty
        | ArrivalsName::Sessions => false,
    };
    if endless && !ends_alone {
        cx.error(
            Code::MissingField,
            node.span,
            format!("`{name}` arrivals never end: neither a count nor a horizon is given"),
        )
        .help("add `count: 1000` here, or `horizon: \"60s\"` to the scenario");
    }
    match which {
        ArrivalsName::Batch | ArrivalsName::Rounds => Some(Arrivals::Batch),
        ArrivalsName::Poisson => {
            let interval = poisson(cx, &f)?;
            Some(Arrivals::Open { interval, count })
        }
        ArrivalsName::Renewal => {
            let interval = cx.required(&f, "interval", |cx, n| {
                let interval = dist(cx, n)?;
                if interval.mean() <= 0.0 {
                    cx.error(
                        Code::OutOfRange,
                        n.span,
                        "the time between arrivals must be above zero",
                    )
                    .help("tasks that arrive all at once are a Batch");
                    return None;
                }
                Some(interval)
            })?;
            Some(Arrivals::Open { interval, count })
        }
        ArrivalsName::Phases => {
            let load = phases(cx, &f)?;
            never_so_many(cx, &f, &load, count);
            Some(Arrivals::Varying { load, count })
        }
        ArrivalsName::Diurnal => {
            let load = diurnal(cx, &f)?;
            Some(Arrivals::Varying { load, count })
        }
        ArrivalsName::Bursty => {
            let load = bursty(cx, &f)?;
            Some(Arrivals::Varying { load, count })
        }
        ArrivalsName::Sessions => sessions(cx, &f, count),
        ArrivalsName::Closed => {
            let users = cx.required(&f, "users", |cx, n| {
                cx.int32(
                    n,
                    "the number of users",
                    1..=limits::MAX_WORKERS,
                    "MAX_WORKERS",
                )
            });
            let (users, think) = both(users, think(cx, &f))?;
            Some(Arrivals::Closed {
                users,
                think,
                count,
            })
        }
        ArrivalsName::Trace => Some(Arrivals::Trace(Vec::new())),
    }
}

/// Warns of a number of arrivals that do not come before the load ends: five standard deviations more than are expected.
fn never_so_many(cx: &mut Cx, f: &Fields<'_>, load: &Load, count: Option<u64>) {
    let expected = load.expected_until(None);
    let most = expected + 5.0 * expected.sqrt();
    if let (Some(node), Some(count)) = (f.get("count"), count)
        && count as f64 > most
    {
        cx.at("count", |cx| {
            let message =
                format!("`count` has no effect: some {expected:.0} come until the load ends");
            cx.warn(Code::NoEffect, node.span, message)
                .help("leave it out, let the load last longer, or `repeat` it");
        });
    }
}

/// The time between arrivals at random, by their rate.
fn poisson(cx: &mut Cx, f: &Fields<'_>) -> Option<Dist> {
    let rate = cx.required(f, "rate", Cx::rate)?;
    Some(Dist::Exponential(Nanos::from_secs_f64(1.0 / rate)))
}

/// How long users think; not at all if nothing is said.
fn think(cx: &mut Cx, f: &Fields<'_>) -> Option<Dist> {
    match f.get("think") {
        Some(_) => cx.optional(f, "think", dist),
        None => Some(Dist::Constant(Nanos::ZERO)),
    }
}

fn sessions(cx: &mut Cx, f: &Fields<'_>, count: Option<u64>) -> Option<Arrivals> {
    let interval = poisson(cx, f);
    let requests = cx.required(f, "requests", |cx, n| {
        let mean = cx.factor(n, "the mean number of requests of a visitor")?;
        if mean < 1.0 {
            let message = format!("a visitor makes at least one request, not {mean}");
            cx.error(Code::OutOfRange, n.span, message)
                .help("`rate` is that of new visitors, each of whom makes `requests` in the mean");
            return None;
        }
        Some(mean)
    });
    let ((interval, requests), think) = both(both(interval, requests), think(cx, f))?;
    Some(Arrivals::Sessions {
        interval,
        requests,
        think,
        count,
    })
}

/// A rate that may be zero.
fn rate_or_none(cx: &mut Cx, node: &SyntaxNode) -> Option<f64> {
    let none = match &node.kind {
        SyntaxKind::Int(n) => *n == 0,
        SyntaxKind::Float(x) => *x == 0.0,
        SyntaxKind::Str(text) => text == "0" || text.starts_with("0/"),
        _ => false,
    };
    let negative = match &node.kind {
        SyntaxKind::Int(n) => *n < 0,
        SyntaxKind::Float(x) => *x < 0.0,
        SyntaxKind::Str(text) => text.starts_with('-'),
        _ => false,
    };
    if negative {
        cx.error(Code::OutOfRange, node.span, "a rate is zero or more")
            .help("0 is a pause, in which nobody comes");
        return None;
    }
    if none { Some(0.0) } else { cx.rate(node) }
}

fn phases(cx: &mut Cx, f: &Fields<'_>) -> Option<Load> {
    let repeat = or(cx, f, "repeat", 1, |cx, n| {
        cx.int32(
            n,
            "the number of times",
            1..=limits::MAX_WORKERS,
            "MAX_WORKERS",
        )
    });
    let phases = cx.required(f, "phases", |cx, n| {
        let phases = stretches(cx, n, &["Steady", "Ramp"], "a stretch of the load")?;
        if phases.iter().all(|p| p.from == 0.0 && p.to == 0.0) {
            cx.error(Code::Empty, n.span, "nobody comes: all rates are zero");
            return None;
        }
        Some(phases)
    })?;
    Some(Load::Phases { phases, repeat })
}

fn bursty(cx: &mut Cx, f: &Fields<'_>) -> Option<Load> {
    let states = cx.required(f, "states", |cx, n| {
        let states = stretches(cx, n, &["Steady"], "a state of the load")?;
        if states.len() < 2 {
            cx.error(Code::Empty, n.span, "a bursty load has at least two states")
                .help("write [Steady(\"20/s\", \"1m\"), Steady(\"200/s\", \"5s\")]; one rate alone is `Poisson`");
            return None;
        }
        if states.iter().all(|p| p.from == 0.0) {
            cx.error(Code::Empty, n.span, "nobody comes: all rates are zero");
            return None;
        }
        let state = |p: Phase| LoadState {
            rate: p.from,
            time: p.time,
        };
        Some(states.into_iter().map(state).collect())
    })?;
    Some(Load::Bursty { states })
}

/// Stretches of a load, each of which has a rate and a time above zero.
fn stretches(
    cx: &mut Cx,
    node: &SyntaxNode,
    known: &[&'static str],
    what: &str,
) -> Option<Vec<Phase>> {
    let items = cx.list(node, "stretches of the load")?;
    if items.is_empty() {
        cx.error(Code::Empty, node.span, "the load has no stretch")
            .help("write at least one: Steady(\"50/s\", \"5m\")");
        return None;
    }
    let mut out = Vec::new();
    let mut whole = true;
    for (i, item) in items.iter().enumerate() {
        cx.at_index(i, |cx| match stretch(cx, item, known, what) {
            Some(phase) => out.push(phase),
            None => whole = false,
        });
    }
    let all = out.iter().fold(Nanos::ZERO, |sum, p: &Phase| sum + p.time);
    if all > limits::MAX_DURATION {
        let message = "the load takes longer than the limit MAX_DURATION (1000 days)";
        cx.error(Code::Limit, node.span, message)
            .help(limits::instead("MAX_DURATION"));
        return None;
    }
    whole.then_some(out)
}

fn stretch(cx: &mut Cx, node: &SyntaxNode, known: &[&'static str], what: &str) -> Option<Phase> {
    let name = cx.variant(node, what, known)?;
    let f = cx.params(node, &format!("`{name}`"), variants::params(name))?;
    let time = cx.required(&f, "time", |cx, n| cx.positive_duration(n, "the time"));
    let (from, to) = match PhaseName::named(name)? {
        PhaseName::Steady => {
            let rate = cx.required(&f, "rate", rate_or_none);
            (rate, rate)
        }
        PhaseName::Ramp => (
            cx.required(&f, "from", rate_or_none),
            cx.required(&f, "to", rate_or_none),
        ),
    };
    let ((from, to), time) = both(both(from, to), time)?;
    Some(Phase { from, to, time })
}

fn diurnal(cx: &mut Cx, f: &Fields<'_>) -> Option<Load> {
    let mean = cx.required(f, "mean", Cx::rate);
    let swing = cx.required(f, "swing", |cx, n| {
        cx.share(
            n,
            "the share of the mean by which the rate rises and falls",
            "write 0.6 or \"60%\"",
        )
    });
    let period = or(cx, f, "period", DAY, |cx, n| {
        cx.positive_duration(n, "the period")
    });
    let half = Nanos(period.0 / 2);
    let peak = or(cx, f, "peak", half, Cx::duration);
    let (mean, swing) = both(mean, swing)?;
    Some(Load::Diurnal {
        mean,
        swing,
        period,
        peak,
    })
}
