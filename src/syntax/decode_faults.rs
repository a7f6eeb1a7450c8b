//! What goes wrong, and when.

use super::decode::{Cx, Fields, both};
use super::decode_dist::dist;
use super::decode_steps::SymbolTable;
use super::diagnostic::Code;
use super::tree::SyntaxNode;
use super::variants;
use super::variants::FaultName;
use crate::engine::Nanos;
use crate::scenario::{DeviceId, Fault, FaultKind, FaultTime, limits};

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
            let worker = worker(cx, &f);
            let grace = match f.get("grace") {
                Some(_) => cx
                    .optional(&f, "grace", |cx, n| {
                        cx.positive_duration(n, "the time that it has to end")
                    })
                    .map(Some),
                None => Some(None),
            };
            let (worker, grace) = both(worker, grace)?;
            FaultKind::Terminate { worker, grace }
        }
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
