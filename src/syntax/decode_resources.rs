//! Resources that tasks use: semaphores, pools of connections, rate limits, circuit breakers.

use super::decode::{Cx, Fields, both};
use super::decode_steps::SymbolTable;
use super::diagnostic::Code;
use super::tree::{Ident, SourceSpan, SyntaxNode};
use super::variants;
use super::variants::{ResourceName, ScopeName};
use crate::engine::Nanos;
use crate::scenario::{ResourceKind, ResourceSpec, Scope, WhenFull, limits};

/// What a table of resources declares; one that could not be read stands as a semaphore with room for all, so that steps that name it are
/// read on.
pub(super) fn resources(
    cx: &mut Cx,
    table: &[(Ident, Option<&SyntaxNode>)],
    devices: &mut SymbolTable,
) -> Vec<ResourceSpec> {
    let mut of = |(key, node): &(Ident, Option<&SyntaxNode>)| {
        let read = cx.at(&key.text, |cx| {
            let Some(node) = node else {
                cx.error(
                    Code::MissingField,
                    key.span,
                    format!("nothing says what the resource \"{}\" is", key.text),
                )
                .help("write {\"name\": Semaphore(10)}, Connections(10), RateLimit(\"60/min\") or Breaker(5)");
                return None;
            };
            resource(cx, node, devices)
        });
        let (kind, scope, full) = read.unwrap_or((
            ResourceKind::Semaphore {
                count: limits::MAX_TASKS,
            },
            Scope::default(),
            WhenFull::default(),
        ));
        ResourceSpec {
            name: key.text.clone(),
            kind,
            scope,
            full,
        }
    };
    table.iter().map(&mut of).collect()
}

fn resource(
    cx: &mut Cx,
    node: &SyntaxNode,
    devices: &mut SymbolTable,
) -> Option<(ResourceKind, Scope, WhenFull)> {
    let name = cx.variant(node, "a kind of resource", variants::RESOURCES)?;
    let which = ResourceName::named(name)?;
    let f = cx.params(node, &format!("`{name}`"), variants::params(name))?;
    let scope = match f.get("per") {
        Some(_) => cx.optional(&f, "per", scope),
        None => Some(Scope::default()),
    };
    let full = match which {
        ResourceName::Semaphore | ResourceName::Connections | ResourceName::RateLimit => {
            when_full(cx, &f)
        }
        ResourceName::Breaker => Some(WhenFull::Reject),
    };
    let kind = match which {
        ResourceName::Semaphore => cx
            .required(&f, "count", |cx, n| size(cx, n, "the number of permits"))
            .map(|count| ResourceKind::Semaphore { count }),
        ResourceName::Connections => connections(cx, &f, devices),
        ResourceName::RateLimit => rate_limit(cx, &f),
        ResourceName::Breaker => breaker(cx, &f),
    };
    let (kind, (scope, full)) = both(kind, both(scope, full))?;
    Some((kind, scope, full))
}

/// How much there is of something, at least one.
fn size(cx: &mut Cx, node: &SyntaxNode, what: &str) -> Option<u64> {
    cx.int(node, what, 1..=limits::MAX_TASKS, "MAX_TASKS")
}

/// Reads who shares something.
pub(super) fn scope(cx: &mut Cx, node: &SyntaxNode) -> Option<Scope> {
    let name = cx.variant(node, "who shares the resource", variants::SCOPES)?;
    cx.params(node, &format!("`{name}`"), &[])?;
    Some(match ScopeName::named(name)? {
        ScopeName::Loop => Scope::Loop,
        ScopeName::Process => Scope::Process,
        ScopeName::Node => Scope::Node,
        ScopeName::Everywhere => Scope::Everywhere,
    })
}

/// What `wait` and `full` say together.
fn when_full(cx: &mut Cx, f: &Fields<'_>) -> Option<WhenFull> {
    let wait = match f.get("wait") {
        Some(_) => Some(cx.optional(f, "wait", |cx, n| {
            cx.positive_duration(n, "the longest wait")
        })?),
        None => None,
    };
    let Some(node) = f.get("full") else {
        return Some(wait.map_or(WhenFull::Wait, WhenFull::GiveUp));
    };
    let name = cx.optional(f, "full", |cx, n| {
        cx.params(n, "`Reject`", &[])?;
        cx.variant(n, "what happens when nothing is left", &["Reject"])
    })?;
    debug_assert_eq!(name, "Reject");
    if wait.is_some() {
        cx.at("full", |cx| {
            cx.error(
                Code::Conflict,
                node.span,
                "who is rejected at once does not wait: `full: Reject` and `wait` exclude each other",
            )
            .help("leave one of the two out");
        });
        return None;
    }
    Some(WhenFull::Reject)
}

fn connections(cx: &mut Cx, f: &Fields<'_>, devices: &mut SymbolTable) -> Option<ResourceKind> {
    let kept = cx.required(f, "size", |cx, n| size(cx, n, "the number of connections"));
    let overflow = match f.get("overflow") {
        Some(_) => cx.optional(f, "overflow", |cx, n| {
            cx.int(
                n,
                "the number of further connections",
                0..=limits::MAX_TASKS,
                "MAX_TASKS",
            )
        }),
        None => Some(0),
    };
    let connect = match f.get("connect") {
        Some(_) => cx.optional(f, "connect", Cx::duration),
        None => Some(Nanos::ZERO),
    };
    let lifetime = match f.get("lifetime") {
        Some(_) => Some(cx.optional(f, "lifetime", |cx, n| {
            cx.positive_duration(n, "a connection's lifetime")
        })?),
        None => None,
    };
    let to = match f.get("to") {
        Some(_) => Some(cx.optional(f, "to", |cx, n| devices.resolve(cx, n))?),
        None => None,
    };
    let ((size, overflow), connect) = both(both(kept, overflow), connect)?;
    if let Some(node) = f.get("to")
        && connect == Nanos::ZERO
    {
        cx.at("to", |cx| {
            let message = "opening a connection takes no time: it uses no device";
            cx.error(Code::Conflict, node.span, message)
                .help("say how long one takes alone, as in `connect: \"20ms\"`");
        });
        return None;
    }
    Some(ResourceKind::Connections {
        size,
        overflow,
        connect,
        lifetime,
        to,
    })
}

fn rate_limit(cx: &mut Cx, f: &Fields<'_>) -> Option<ResourceKind> {
    let rate = cx.required(f, "rate", Cx::rate);
    let window = match f.get("window") {
        Some(_) => Some(cx.optional(f, "window", |cx, n| cx.positive_duration(n, "the window"))?),
        None => None,
    };
    let burst = match f.get("burst") {
        Some(_) => cx.optional(f, "burst", |cx, n| size(cx, n, "the burst")),
        None => Some(1),
    };
    let (rate, burst) = both(rate, burst)?;
    let interval = Nanos::from_secs_f64(1.0 / rate);
    let Some(window) = window else {
        return Some(ResourceKind::RateLimit {
            interval,
            burst,
            window: None,
        });
    };
    if let Some(node) = f.get("burst") {
        cx.at("burst", |cx| {
            cx.error(
                Code::Conflict,
                node.span,
                "a sliding window grants what its rate comes to at once: `window` and `burst` exclude each other",
            )
            .help("leave `window` out for a token bucket, or `burst` for a sliding window");
        });
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "compared with the limit first"
    )]
    let count =
        libm::round(rate * window.as_secs_f64()).clamp(0.0, limits::MAX_TASKS as f64) as u64;
    if count == 0 {
        cx.at("window", |cx| {
            let span = f.get("window").map_or_else(SourceSpan::default, |n| n.span);
            cx.error(
                Code::OutOfRange,
                span,
                "the rate comes to less than one in this window: nothing would ever be granted",
            )
            .help("make the window longer, or the rate higher");
        });
        return None;
    }
    Some(ResourceKind::RateLimit {
        interval,
        burst: count,
        window: Some(window),
    })
}

fn breaker(cx: &mut Cx, f: &Fields<'_>) -> Option<ResourceKind> {
    let failures = match f.get("failures") {
        Some(_) => cx.optional(f, "failures", |cx, n| {
            size(cx, n, "the number of failures in a row")
        }),
        None => Some(ResourceKind::BREAKER_FAILURES),
    };
    let reset = match f.get("reset") {
        Some(_) => cx.optional(f, "reset", |cx, n| {
            cx.positive_duration(n, "the time that a breaker stays open")
        }),
        None => Some(ResourceKind::BREAKER_RESET),
    };
    let half_open = match f.get("half_open") {
        Some(_) => cx.optional(f, "half_open", |cx, n| size(cx, n, "the number of trials")),
        None => Some(1),
    };
    let ((failures, reset), half_open) = both(both(failures, reset), half_open)?;
    Some(ResourceKind::Breaker {
        failures,
        reset,
        half_open,
    })
}
