//! Reads the machine of a scenario: its cores, and what the operating system's work costs.

use super::decode::{Cx, Fields, both, or, plural};
use super::diagnostic::Code;
use super::tree::{CallArgs, SyntaxKind, SyntaxNode};
use super::variants;
use crate::engine::Nanos;
use crate::scenario::units::grouped;
use crate::scenario::{MachineGiven, MachineSpec, limits};

/// Reads the machine from its record.
pub(super) fn machine(cx: &mut Cx, node: &SyntaxNode) -> Option<MachineSpec> {
    let f = cx.record(node, "the machine", variants::MACHINE)?;
    let mut m = cores(cx, &f);
    let all = u32::try_from(m.cores.len()).unwrap_or(u32::MAX);
    m.visible_cpus = or(cx, &f, "visible_cpus", all, |cx, n| {
        cx.int32(
            n,
            "the number of visible CPUs",
            1..=limits::MAX_CORES,
            "MAX_CORES",
        )
    });
    m.memory_limit = cx.optional(&f, "memory", |cx, n| {
        let size = cx.size(n)?;
        if size == 0 {
            cx.error(Code::OutOfRange, n.span, "the machine needs some memory")
                .help("leave `memory` out for no limit");
            return None;
        }
        Some(size)
    });
    m.memory_kill = or(cx, &f, "memory_kill", m.memory_kill, Cx::boolean);
    if let (true, None, Some(node)) = (m.memory_kill, m.memory_limit, f.get("memory_kill")) {
        cx.at("memory_kill", |cx| {
            let message = "nothing is ever killed for memory: the machine's is not limited";
            cx.warn(Code::NoEffect, node.span, message)
                .help("say how much there is, as in `memory: \"4GB\"`");
        });
    }
    m.hz = or(cx, &f, "hz", m.hz, |cx, n| {
        cx.int32(
            n,
            "the timer frequency",
            1..=1_000_000,
            "of a million ticks a second",
        )
    });
    m.base_slice = or(cx, &f, "base_slice", m.base_slice, |cx, n| {
        cx.positive_duration(n, "the base slice")
    });
    m.context_switch = or(cx, &f, "context_switch", m.context_switch, Cx::duration);
    m.timer_slack = or(cx, &f, "timer_slack", m.timer_slack, Cx::duration);
    m.syscall = or(cx, &f, "syscall", m.syscall, Cx::duration);
    m.wake_latency = or(cx, &f, "wake_latency", m.wake_latency, |cx, n| {
        by_idle_time(cx, n, "latency")
    });
    m.wake_send = or(cx, &f, "wake_send", m.wake_send, |cx, n| {
        by_idle_time(cx, n, "CPU time")
    });
    m.wake_cpu = or(cx, &f, "wake_cpu", m.wake_cpu, |cx, n| {
        by_idle_time(cx, n, "CPU time")
    });
    m.halted_after = or(cx, &f, "halted_after", m.halted_after, |cx, n| {
        Some(Some(cx.duration(n)?))
    });
    m.new_idle = or(cx, &f, "new_idle", m.new_idle, |cx, n| {
        // Written as 0.1 or "10%".
        cx.probability(n)
    });
    m.interference = or(cx, &f, "interference", m.interference, |cx, n| {
        // Written as 0.05 or "5%": every core is 5% slower while all others are busy.
        cx.probability(n)
    });
    pipes(cx, &f, &mut m);
    m.given = MachineGiven {
        base_slice: f.get("base_slice").is_some(),
        syscall: f.get("syscall").is_some(),
        wake_latency: f.get("wake_latency").is_some(),
        wake_send: f.get("wake_send").is_some(),
        wake_cpu: f.get("wake_cpu").is_some(),
        halted_after: f.get("halted_after").is_some(),
        new_idle: f.get("new_idle").is_some(),
        interference: f.get("interference").is_some(),
        pipe_ns_per_byte: f.get("pipe_ns_per_byte").is_some(),
    };
    Some(m)
}

/// Reads the cores: either their number, or the speed of each.
fn cores(cx: &mut Cx, f: &Fields<'_>) -> MachineSpec {
    let cores = cx.optional(f, "cores", |cx, n| {
        cx.int32(n, "the number of cores", 1..=limits::MAX_CORES, "MAX_CORES")
    });
    let speeds = cx.optional(f, "speeds", |cx, n| {
        let items = cx.list(n, "core speeds")?;
        if items.is_empty() {
            cx.error(Code::Empty, n.span, "a machine has at least one core");
            return None;
        }
        if items.len() > limits::MAX_CORES as usize {
            cx.error(
                Code::Limit,
                n.span,
                format!(
                    "{} cores are more than {}",
                    grouped(items.len()),
                    limits::named("MAX_CORES", limits::MAX_CORES)
                ),
            )
            .help(limits::instead("MAX_CORES"));
            return None;
        }
        let speeds: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(i, n)| cx.at_index(i, |cx| cx.factor(n, "a core's speed")))
            .collect();
        speeds.into_iter().collect::<Option<Vec<f64>>>()
    });
    if let (Some(n), Some(s), Some(at)) = (cores, &speeds, f.get("cores"))
        && n as usize != s.len()
    {
        cx.error(
            Code::Conflict,
            at.span,
            format!(
                "`speeds` lists {}, `cores` says {n}",
                plural(s.len(), "core")
            ),
        )
        .help("give one of the two");
    }
    let mut m = MachineSpec::with_cores(cores.unwrap_or(4));
    if let Some(speeds) = speeds {
        m.cores = speeds;
    }
    m
}

fn pipes(cx: &mut Cx, f: &Fields<'_>, m: &mut MachineSpec) {
    m.pipe_capacity = or(cx, f, "pipe_capacity", m.pipe_capacity, |cx, n| {
        let size = cx.size(n)?;
        if size < 512 {
            cx.error(
                Code::OutOfRange,
                n.span,
                "a pipe holds at least 512 bytes (POSIX)",
            );
            return None;
        }
        Some(size)
    });
    m.pipe_ns_per_byte = or(cx, f, "pipe_ns_per_byte", m.pipe_ns_per_byte, |cx, n| {
        let x = cx.float(n, "the cost of a byte")?;
        if !(0.0..=limits::MAX_FACTOR).contains(&x) {
            cx.error(
                Code::OutOfRange,
                n.span,
                "the cost of a byte lies between 0 and 1e6 nanoseconds",
            );
            return None;
        }
        Some(x)
    });
}

/// Reads pairs of times: how long a core has been idle, and the latency that follows from it.
fn by_idle_time(cx: &mut Cx, node: &SyntaxNode, what: &str) -> Option<Vec<(Nanos, Nanos)>> {
    let items = cx.list(node, &format!("pairs (idle time, {what})"))?;
    let mut out: Vec<(Nanos, Nanos)> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let pair = cx.at_index(i, |cx| {
            let SyntaxKind::Call {
                name: None,
                args: CallArgs::Items(pair),
            } = &item.kind
            else {
                cx.wrong_type(item, &format!("a pair (idle time, {what})"))
                    .help("write (\"20us\", \"6us\")");
                return None;
            };
            if pair.len() != 2 {
                cx.error(
                    Code::WrongType,
                    item.span,
                    format!("expected two durations: idle time, {what}"),
                );
                return None;
            }
            let (idle, latency) = both(
                cx.positive_duration(&pair[0], "the idle time"),
                cx.duration(&pair[1]),
            )?;
            if out.last().is_some_and(|(last, _)| *last >= idle) {
                cx.error(
                    Code::OutOfRange,
                    pair[0].span,
                    "the idle times must rise from pair to pair",
                );
            }
            Some((idle, latency))
        });
        out.extend(pair);
    }
    Some(out)
}
