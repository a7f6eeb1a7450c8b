//! Reads what a program lets in, what bounded queues do when they are full, and how patient clients are.

use super::decode::{Cx, Fields, both};
use super::decode_resources::scope;
use super::decode_retry::{backoff, check_pauses, timeout};
use super::diagnostic::Code;
use super::tree::SyntaxNode;
use super::variants;
use super::variants::OverflowName;
use crate::scenario::{Admission, Arrivals, Client, CoDel, Overflow, Scope, limits};

/// Reads what happens to one more where a bounded queue is full.
pub(super) fn overflow(cx: &mut Cx, node: &SyntaxNode) -> Option<Overflow> {
    let name = cx.variant(node, "what happens when it is full", variants::OVERFLOWS)?;
    cx.params(node, &format!("`{name}`"), &[])?;
    Some(match OverflowName::named(name)? {
        OverflowName::Wait => Overflow::Wait,
        OverflowName::Reject => Overflow::Reject,
        OverflowName::DropOldest => Overflow::DropOldest,
    })
}

/// Reads which tasks are let in.
pub(super) fn admission(cx: &mut Cx, node: &SyntaxNode) -> Option<Admission> {
    let f = cx.record(node, "`admission`", variants::ADMISSION)?;
    let limit = match f.get("limit") {
        Some(_) => cx
            .optional(&f, "limit", |cx, n| {
                let what = "the number of tasks that are let in at once";
                cx.int(n, what, 1..=limits::MAX_TASKS, "MAX_TASKS")
            })
            .map(Some),
        None => Some(None),
    };
    let full = match f.get("full") {
        Some(_) => cx.optional(&f, "full", overflow),
        None => Some(Overflow::Reject),
    };
    let per = match f.get("per") {
        Some(_) => cx.optional(&f, "per", whose),
        None => Some(Scope::Process),
    };
    let shed = match f.get("shed") {
        Some(_) => cx.optional(&f, "shed", codel).map(Some),
        None => Some(None),
    };
    let ((limit, full), (per, shed)) = both(both(limit, full), both(per, shed))?;
    if limit.is_none() {
        if shed.is_none() {
            cx.error(
                Code::MissingField,
                node.span,
                "nothing says who is not let in",
            )
            .help("give a `limit`, as in (limit: 100), or `shed: CoDel()`");
            return None;
        }
        if let Some(full) = f.get("full") {
            cx.at("full", |cx| {
                let message = "`full` has no effect: without a `limit` it is never full";
                cx.warn(Code::NoEffect, full.span, message)
                    .help("give a `limit`, or leave `full` out");
            });
        }
    }
    Some(Admission {
        limit,
        full,
        per,
        shed,
    })
}

/// Whose limit it is: event loops have `limit` of their own strategy.
fn whose(cx: &mut Cx, node: &SyntaxNode) -> Option<Scope> {
    match scope(cx, node)? {
        Scope::Loop | Scope::Node => {
            cx.error(
                Code::OutOfRange,
                node.span,
                "tasks are let in by a process, or by somebody before all of them",
            )
            .help("write Process or Everywhere; how many tasks of an event loop run at once is asyncio:N of the strategy");
            None
        }
        scope @ (Scope::Process | Scope::Everywhere) => Some(scope),
    }
}

fn codel(cx: &mut Cx, node: &SyntaxNode) -> Option<CoDel> {
    cx.variant(node, "a rule of load shedding", variants::SHEDDING)?;
    let f = cx.params(node, "`CoDel`", variants::params("CoDel"))?;
    let time = |cx: &mut Cx, name: &'static str, what: &str, default| match f.get(name) {
        Some(_) => cx.optional(&f, name, |cx, n| cx.positive_duration(n, what)),
        None => Some(default),
    };
    let target = time(cx, "target", "the wait that is accepted", CoDel::TARGET);
    let interval = time(
        cx,
        "interval",
        "the time in which the least wait is looked for",
        CoDel::INTERVAL,
    );
    let (target, interval) = both(target, interval)?;
    if interval < target {
        cx.error(
            Code::OutOfRange,
            node.span,
            "the interval is shorter than the wait that is accepted",
        )
        .help("an interval is long against the target: 100 ms for 5 ms");
        return None;
    }
    Some(CoDel { target, interval })
}

/// Reads how patient clients are.
pub(super) fn client(cx: &mut Cx, node: &SyntaxNode) -> Option<Client> {
    let f = cx.record(node, "`client`", variants::CLIENT)?;
    let patience = match f.get("timeout") {
        Some(_) => cx.optional(&f, "timeout", timeout).map(Some),
        None => Some(None),
    };
    let retries = match f.get("retries") {
        Some(_) => cx.optional(&f, "retries", |cx, n| {
            let what = "how often a request is sent again";
            cx.int32(n, what, 0..=limits::MAX_ATTEMPTS - 1, "MAX_ATTEMPTS")
        }),
        None => Some(0),
    };
    let propagate = match f.get("propagate") {
        Some(_) => cx.optional(&f, "propagate", Cx::boolean),
        None => Some(false),
    };
    let ((patience, backoff), (retries, propagate)) =
        both(both(patience, backoff(cx, &f)), both(retries, propagate))?;
    check_pauses(cx, &f, retries + 1, true, "retries");
    without_timeout(cx, node, &f, retries)?;
    Some(Client {
        timeout: patience,
        retries,
        backoff,
        propagate,
    })
}

/// What is missing, or has no effect, where clients wait for ever; `None` if that is an error.
fn without_timeout(cx: &mut Cx, node: &SyntaxNode, f: &Fields<'_>, retries: u32) -> Option<()> {
    if f.get("timeout").is_some() {
        return Some(());
    }
    if retries == 0 {
        let message = "clients that wait for ever and send nothing again are those that there are without `client`";
        cx.error(Code::MissingField, node.span, message)
            .help("say how long they wait: client: (timeout: \"2s\")");
        return None;
    }
    if let Some(node) = f.get("propagate") {
        cx.at("propagate", |cx| {
            let message = "`propagate` has no effect: there is no `timeout` that could travel";
            cx.warn(Code::NoEffect, node.span, message)
                .help("give a `timeout`, or leave it out");
        });
    }
    Some(())
}

/// Refuses what is about those who come from outside where tasks do not.
pub(super) fn of_arrivals_from_outside(cx: &mut Cx, f: &Fields<'_>, arrivals: &Arrivals) {
    let why = match arrivals {
        Arrivals::Batch => "the tasks of a batch are the program's own, and there from the start",
        Arrivals::Trace(_) => "recorded tasks are the program's own list",
        Arrivals::Open { .. }
        | Arrivals::Varying { .. }
        | Arrivals::Sessions { .. }
        | Arrivals::Closed { .. } => return,
    };
    for name in ["admission", "client"] {
        if let Some(node) = f.get(name) {
            cx.at(name, |cx| {
                let message = format!("`{name}` is about tasks from outside: {why}");
                cx.error(Code::Conflict, node.span, message)
                    .help("let them come by a rate, as in arrivals: Poisson(rate: \"20/s\", count: 1000), or leave it out");
            });
        }
    }
}
