//! What goes wrong, and when.

use super::decode::{Cx, Fields, both};
use super::decode_dist::dist;
use super::decode_steps::SymbolTable;
use super::diagnostic::Code;
use super::tree::SyntaxNode;
use super::variants;
use super::variants::FaultName;
use crate::engine::Nanos;
use crate::scenario::{DeviceId, Fault, FaultKind, FaultTime, Rollout, limits};

/// Reads a list of faults. One at or after the horizon would never happen.
pub(super) fn faults(
    cx: &mut Cx,
    node: &SyntaxNode,
    devices: &mut SymbolTable,
    horizon: Option<Nanos>,
) -> Option<Vec<Fault>> {
    let items = cx.list(node, "faults")?;
    cx.few_names(node, items.len(), "faults")?;
    let mut out = Vec::new();
    let mut whole = true;
    for (i, item) in items.iter().enumerate() {
        cx.at_index(i, |cx| match fault(cx, item, devices, horizon) {
            Some(fault) => out.push(fault),
            None => whole = false,
        });
    }
    whole.then_some(out)
}

fn fault(
    cx: &mut Cx,
    node: &SyntaxNode,
    devices: &mut SymbolTable,
    horizon: Option<Nanos>,
) -> Option<Fault> {
    let name = cx.variant(node, "a kind of fault", variants::FAULTS)?;
    let f = cx.params(node, &format!("`{name}`"), variants::params(name))?;
    let when = when(cx, node, &f, name, horizon);
    let kind = match FaultName::named(name)? {
        FaultName::Slow => {
            let factor = cx.required(&f, "factor", |cx, n| {
                let factor = cx.factor(n, "how many times as long everything takes")?;
                if factor <= 1.0 {
                    let message =
                        format!("a slower device takes more than 1 times as long, not {factor}");
                    cx.error(Code::OutOfRange, n.span, message)
                        .help("10 stands for a dependency that answers after ten times as long");
                    return None;
                }
                Some(factor)
            });
            let ((device, lasts), factor) = both(on(cx, &f, devices), factor)?;
            FaultKind::Slow {
                device,
                factor,
                lasts,
            }
        }
        FaultName::Down => {
            let (device, lasts) = on(cx, &f, devices)?;
            FaultKind::Down { device, lasts }
        }
        FaultName::Crash => FaultKind::Crash {
            worker: worker(cx, &f)?,
        },
        FaultName::Pause => {
            let lasts = cx.required(&f, "lasts", |cx, n| {
                cx.positive_duration(n, "how long the collector pauses")
            });
            let (worker, lasts) = both(worker(cx, &f), lasts)?;
            FaultKind::Pause { worker, lasts }
        }
        FaultName::Interrupt => FaultKind::Interrupt {
            worker: worker(cx, &f)?,
        },
        FaultName::Terminate => {
            let (worker, grace) = both(worker(cx, &f), grace(cx, &f))?;
            FaultKind::Terminate { worker, grace }
        }
        FaultName::Restart => restart(cx, &f)?,
        FaultName::MachineLost => {
            let machine = match f.get("machine") {
                Some(_) => Some(cx.optional(&f, "machine", |cx, n| {
                    let most = limits::MAX_NODES - 1;
                    cx.int32(n, "the number of the machine", 0..=most, "MAX_NODES")
                })?),
                None => None,
            };
            let lasts = match f.get("lasts") {
                Some(_) => Some(cx.optional(&f, "lasts", |cx, n| {
                    cx.positive_duration(n, "how long the machine is gone")
                })?),
                None => None,
            };
            FaultKind::MachineLost { machine, lasts }
        }
    };
    Some(Fault { kind, when: when? })
}

/// The time that whoever is asked to end has for that; `None` in it where none is given.
#[expect(
    clippy::option_option,
    reason = "what cannot be read is something else than what is not there"
)]
fn grace(cx: &mut Cx, f: &Fields<'_>) -> Option<Option<Nanos>> {
    if f.get("grace").is_none() {
        return Some(None);
    }
    cx.optional(f, "grace", |cx, n| {
        cx.positive_duration(n, "the time that it has to end")
    })
    .map(Some)
}

/// How servers and machines are restarted.
fn restart(cx: &mut Cx, f: &Fields<'_>) -> Option<FaultKind> {
    let grace = grace(cx, f);
    let mut rollout = Rollout::default();
    let mut whole = true;
    for (name, what, number) in [
        (
            "max_unavailable",
            "the machines that may be missing",
            &mut rollout.max_unavailable,
        ),
        (
            "max_surge",
            "the machines that there may be beyond those that should be",
            &mut rollout.max_surge,
        ),
    ] {
        if f.get(name).is_some() {
            let read = cx.optional(f, name, |cx, n| {
                cx.int32(n, what, 0..=limits::MAX_NODES, "MAX_NODES")
            });
            whole &= read.is_some();
            *number = read.unwrap_or(*number);
        }
    }
    if f.get("boot").is_some() {
        let boot = cx.optional(f, "boot", Cx::duration);
        whole &= boot.is_some();
        rollout.boot = boot.unwrap_or_default();
    }
    if rollout.max_unavailable == 0
        && rollout.max_surge == 0
        && let Some(n) = f.get("max_unavailable")
    {
        let why = "no machine may be missing and none may be added, so none could be replaced";
        cx.error(Code::Conflict, n.span, why)
            .help("let `max_unavailable` be 1, or add `max_surge: 1`");
        return None;
    }
    let grace = grace?;
    whole.then_some(FaultKind::Restart { grace, rollout })
}

/// The number of the worker that a fault is about; `None` in it where none is given.
#[expect(
    clippy::option_option,
    reason = "what cannot be read is something else than what is not there"
)]
fn worker(cx: &mut Cx, f: &Fields<'_>) -> Option<Option<u32>> {
    if f.get("worker").is_none() {
        return Some(None);
    }
    cx.optional(f, "worker", |cx, n| {
        let most = limits::MAX_WORKERS - 1;
        cx.int32(n, "the number of the worker", 0..=most, "MAX_WORKERS")
    })
    .map(Some)
}

/// The device that a fault is about, and how long it lasts.
fn on(cx: &mut Cx, f: &Fields<'_>, devices: &mut SymbolTable) -> Option<(DeviceId, Nanos)> {
    let device = cx.required(f, "device", |cx, n| devices.resolve(cx, n));
    let lasts = cx.required(f, "lasts", |cx, n| {
        cx.positive_duration(n, "how long the fault lasts")
    });
    both(device, lasts)
}

fn when(
    cx: &mut Cx,
    call: &SyntaxNode,
    f: &Fields<'_>,
    name: &str,
    horizon: Option<Nanos>,
) -> Option<FaultTime> {
    match (f.get("at"), f.get("every")) {
        (Some(node), None) => cx.optional(f, "at", |cx, n| {
            let at = cx.duration(n)?;
            if horizon.is_some_and(|h| at >= h) {
                cx.error(
                    Code::Conflict,
                    node.span,
                    "the fault would happen when nobody comes any more: at the horizon, or the end of the load, or later",
                )
                .help("let it happen earlier, or the run last longer");
                return None;
            }
            Some(FaultTime::At(at))
        }),
        (None, Some(_)) => cx.optional(f, "every", |cx, n| {
            let every = dist(cx, n)?;
            if every.mean() < 1e6 {
                cx.error(
                    Code::OutOfRange,
                    n.span,
                    "faults come at most a thousand times a second: the mean time between them is a millisecond or more",
                )
                .help("what goes wrong that often is `Fail(probability)`, or a device with a smaller rate");
                return None;
            }
            Some(FaultTime::Every(every))
        }),
        (Some(node), Some(_)) => {
            cx.error(
                Code::Conflict,
                node.span,
                "`at` is once, `every` again and again: give one of the two",
            );
            None
        }
        (None, None) => {
            cx.error(
                Code::MissingField,
                call.span,
                format!("`{name}` says neither when (`at`) nor how often (`every`) it happens"),
            )
            .help("add `at: \"60s\"`, or `every: Exponential(\"1h\")`");
            None
        }
    }
}
