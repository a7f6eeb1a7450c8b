//! The parts of a generated program that lie between tasks: locks, queues, objects, resources and devices.

use std::fmt::Write as _;

use super::calls;
use super::program::ProgramPlan;
use super::scarce;
use super::steps::{Flavour, digits, quoted, shortest};
use super::tree::ProgramStep;
use crate::scenario::{DeviceKind, DeviceSpec, ObjectKind, ObjectSpec, ResourceSpec};

/// Locks, queues and objects between tasks.
pub(super) fn world(plan: &ProgramPlan<'_>) -> String {
    let w = plan.source.workload;
    let looped = matches!(plan.flavour, Flavour::Loop | Flavour::Offload);
    let mut out = String::new();
    let table = |out: &mut String, name: &str, comment: &str, entries: Vec<String>| {
        let _ = write!(
            out,
            "\n\n{name} = {{{}}}  # {comment}\n",
            entries.join(", ")
        );
    };
    let of = |names: &mut dyn Iterator<Item = &str>, value: &str| {
        names
            .map(|n| format!("{}: {value}", quoted(n)))
            .collect::<Vec<_>>()
    };
    if !w.locks.is_empty() || plan.flavour == Flavour::Offload {
        let locks = of(
            &mut w.locks.iter().map(|l| l.name.as_str()),
            "threading.Lock()",
        );
        table(&mut out, "LOCKS", "Each process has its own.", locks);
    }
    if !w.objects.is_empty() || plan.flavour == Flavour::Offload {
        let made = |kind| match kind {
            ObjectKind::Counted => "Shared()",
            // 0, of which there is one; and a class.
            ObjectKind::Immortal => "Shared(int)",
            ObjectKind::PerThread => "Shared(lambda: Shared)",
        };
        let object = |o: &ObjectSpec| format!("{}: {}", quoted(&o.name), made(o.kind));
        let objects = w.objects.iter().map(object).collect();
        table(&mut out, "OBJECTS", "Each process has its own.", objects);
    }
    if !w.queues.is_empty() || plan.flavour == Flavour::Offload {
        let queues = if looped || plan.processes() {
            Vec::new()
        } else {
            w.queues
                .iter()
                .map(|q| {
                    let room = q.capacity.unwrap_or(0);
                    format!("{}: queue.Queue({room})", quoted(&q.name))
                })
                .collect()
        };
        table(&mut out, "QUEUES", "Between tasks.", queues);
    }
    if plan.any(|n| matches!(n, ProgramStep::Use(..))) {
        let entry = |r: &ResourceSpec| format!("{}: {}", quoted(&r.name), scarce::object(r));
        let resources = w.resources.iter().map(entry).collect();
        table(
            &mut out,
            "RESOURCES",
            if scarce::of_all(plan).is_empty() {
                "Each process has its own."
            } else {
                "Each process has its own, but of those that all share."
            },
            resources,
        );
    }
    if plan.any(|n| matches!(n, ProgramStep::Transfer(..))) {
        let entry = |d: &DeviceSpec| format!("{}: {}", quoted(&d.name), device(&d.kind));
        let devices = w.devices.iter().map(entry).collect();
        table(
            &mut out,
            "DEVICES",
            "One process uses them: this one.",
            devices,
        );
    }
    if looped {
        out.push_str(&open_loop(plan));
    }
    out
}

/// A device as an object of the program.
fn device(kind: &DeviceKind) -> String {
    match *kind {
        DeviceKind::Shared {
            rate,
            per_stream,
            penalty,
        } => format!(
            "Device(rate={}, each={}, penalty={})",
            digits(rate),
            digits(per_stream),
            shortest(f64::from(penalty) / 1e6)
        ),
        DeviceKind::Station { servers, rate: _ } => format!("Device(servers={servers})"),
    }
}

/// The parts that belong to the event loop, which are made when it runs.
fn open_loop(plan: &ProgramPlan<'_>) -> String {
    let w = plan.source.workload;
    let mut body = String::new();
    let across = w.locks.iter().zip(plan.source.across);
    for (lock, _) in across.filter(|(_, across)| **across) {
        let _ = writeln!(
            body,
            "    LOOP_LOCKS[{}] = asyncio.Lock()",
            quoted(&lock.name)
        );
    }
    for q in &w.queues {
        let room = q.capacity.unwrap_or(0);
        let _ = writeln!(
            body,
            "    QUEUES[{}] = asyncio.Queue({room})",
            quoted(&q.name)
        );
    }
    body.push_str(&calls::open_loop(plan));
    if body.is_empty() {
        body.push_str("    pass\n");
    }
    format!(
        "\n\nLOOP_LOCKS = {{}}  # Those that are held over waits.\n\n\ndef open_loop():\n    \
         \"\"\"What belongs to the event loop.\"\"\"\n{body}"
    )
}
