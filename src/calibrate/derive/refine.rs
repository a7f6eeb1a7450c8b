//! Parts adjusted until the model's own round trips are the measured ones.
//!
//! How an end-to-end figure splits into parts can only be estimated; what the parts add up to, wake-ups, hand-overs of the
//! GIL and pipe transfers included, is measured. So the microbenchmarks are run in the model, on the profile derived so
//! far, and what is missing (or too much) is shared out over the parts named here, until both agree.

use super::figures::Figures;
use super::inprocess::wakes;
use super::processes::receiving;
use crate::cpython::profile::{CostCurve, PARAMS, Profile, Tag};
use crate::engine::Nanos;
use crate::scenario::{
    Arrivals, Dist, Imports, MachineSpec, Offload, PoolLife, ProcessApi, Rounds, StartMethod, Step,
    Strategy, TaskClass, Workers, Workload,
};
use crate::strategy::{Outcome, SimInput, simulate};

/// Rounds of adjustment of all figures in turn; each brings a figure part of the way.
const ROUNDS: usize = 8;
/// Round trips simulated for a figure, of which the median counts.
const TRIPS: u64 = 60;
/// An adjusted part keeps at least this share of its first estimate: nothing real becomes free.
const LEAST: f64 = 0.25;

/// Tasks of a simulated burst.
const BURST: u64 = 600;

/// A figure, what it times in the model, and the parts that answer for the difference with their shares.
struct Probe {
    figure: &'static str,
    /// The threads' hand-overs are what it times: where both threads shared a core, the model's do.
    threads: bool,
    /// All at once, the time of each counting, rather than one at a time.
    burst: bool,
    strategy: Strategy,
    parts: &'static [(&'static str, f64)],
}

fn probes() -> [Probe; 4] {
    let one = Workers::Exactly(1);
    let fork = Strategy::Processes {
        workers: one,
        start: StartMethod::Fork,
        api: ProcessApi::EXECUTOR,
        life: PoolLife::default(),
    };
    [
        Probe {
            figure: "threadpool_roundtrip_us",
            threads: true,
            burst: false,
            strategy: Strategy::Threads(one),
            // Two threads are woken and two park on the way.
            parts: &[("park", 0.25), ("unpark", 0.5), ("gil_take", 0.25)],
        },
        Probe {
            figure: "run_in_executor_thread_roundtrip_us",
            threads: true,
            burst: false,
            strategy: Strategy::Asyncio {
                limit: None,
                offload: Offload::Threads(one),
                pools: Vec::new(),
            },
            parts: &[
                ("aio_offload", 0.4),
                ("aio_threadsafe", 0.2),
                ("aio_offload_done", 0.4),
            ],
        },
        Probe {
            figure: "processpool_roundtrip_us",
            threads: false,
            burst: false,
            strategy: fork.clone(),
            // The manager wakes and polls twice for a lone call, once for each of a burst: that is where the parent's CPU
            // for the one exceeds that for the other.
            parts: &[("ppe_wait", 0.4), ("ppe_get", 0.05), ("ppe_put", 0.05)],
        },
        Probe {
            figure: "processpool_burst_us_per_task",
            threads: false,
            burst: true,
            strategy: fork,
            // What the parent does for every call of a burst, one thread at a time under its GIL.
            parts: &[("ppe_fill", 0.15), ("ppe_feed", 0.3), ("ppe_result", 0.3)],
        },
    ]
}

/// Payloads whose round trip through a process pool is measured.
const PAYLOADS: [(u64, &str); 3] = [(100_000, "100KB"), (1_000_000, "1MB"), (10_000_000, "10MB")];

/// Adjusts a profile; parts whose figures are missing stay as they are.
///
/// The figures are taken as they stand: each is the best of several runs of short operations, so was seen at best speed.
pub(super) fn refine(profile: &mut Profile, figures: &Figures<'_>, machine: &MachineSpec) {
    let index = |name: &str| {
        PARAMS
            .iter()
            .position(|p| p.name == name)
            .expect("a parameter of the table")
    };
    let first = profile.params.clone();
    let probes: Vec<(Probe, f64)> = probes()
        .into_iter()
        // What wake-ups cost, and what an offload costs besides, needs no adjustment where it was measured.
        .filter(|p| !(p.threads && wakes(figures).is_some()))
        .filter_map(|p| figures.raw(p.figure).map(|us| (p, us * 1e3)))
        .collect();
    let mut one_core = machine.clone();
    one_core.cores.truncate(1);
    one_core.visible_cpus = 1;
    for _ in 0..ROUNDS {
        for (probe, target) in &probes {
            let machine = if probe.threads && !figures.apart {
                &one_core
            } else {
                machine
            };
            let now = if probe.burst {
                burst(profile, machine, &probe.strategy)
            } else {
                round_trip(profile, machine, &probe.strategy, 0)
            };
            for (name, share) in probe.parts {
                let i = index(name);
                let value = profile.params.get_mut(i);
                *value = (*value + (target - now) * share).max(first.get(i) * LEAST);
            }
        }
    }
    for (probe, _) in &probes {
        for (name, _) in probe.parts {
            let tag = &mut profile.tags[index(name)];
            let how = format!(
                "adjusted until the model's {} is the measured one",
                probe.figure
            );
            *tag = match tag {
                Tag::Derived(before) => Tag::Derived(format!("{before}; then {how}")),
                Tag::Measured(_) | Tag::Default | Tag::Absent(_) => Tag::Derived(how),
            };
        }
    }
    payloads(profile, figures, machine);
}

/// What a large payload costs beyond pickling it, copying it and unpickling it in memory that is used again: fresh pages, and buffers
/// that grow.
///
/// They were counted (page faults for a page of 1 MB and 10 MB arguments, CPython 3.14.7). With the GIL the receiver has two (malloc maps
/// the block of every read anew, and the buffer grows), the sender none. Without it mimalloc spares the receiver most of them, and
/// beyond what a pipe alone shows they are the sender's: one for a page of 10 MB, none for 1 MB.
fn payloads(profile: &mut Profile, figures: &Figures<'_>, machine: &MachineSpec) {
    let fork = Strategy::Processes {
        workers: Workers::Exactly(1),
        start: StartMethod::Fork,
        api: ProcessApi::EXECUTOR,
        life: PoolLife::default(),
    };
    let empty = round_trip(profile, machine, &fork, 0);
    let targets: Vec<(u64, f64)> = PAYLOADS
        .iter()
        .filter_map(|(size, label)| {
            let us = figures.raw(&format!("processpool_roundtrip_us_arg_{label}"))?;
            // Where the same pool was timed without a payload, only the difference counts: a pool's round trips differ
            // from one pool to the next, by which core its threads and workers happen to use.
            let us = match figures.raw("processpool_roundtrip_us_arg_0") {
                Some(bare) => us - bare + empty / 1e3,
                None => us,
            };
            Some((*size, us * 1e3))
        })
        .collect();
    let dumps = profile.dumps.clone();
    let mut shown: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    let mut hidden: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    for &(size, target) in &targets {
        let bytes = as_f64(size);
        let pickling = profile.dumps.at(size, 1.0) + profile.loads.at(size, 1.0);
        let piped = piping(figures, size).unwrap_or(bytes * machine.pipe_ns_per_byte);
        shown.push((bytes, receiving(figures, bytes, machine.pipe_ns_per_byte)));
        hidden.push((bytes, (target - empty - pickling.as_f64() - piped).max(0.0)));
    }
    set_payloads(profile, figures.gil, &dumps, &shown, &hidden);
    remainder(profile, machine, &fork, &targets);
}

/// A message of one of these sizes through a pipe alone, beyond a short one, in nanoseconds.
fn piping(figures: &Figures<'_>, size: u64) -> Option<f64> {
    let label = PAYLOADS.iter().find(|(s, _)| *s == size)?.1;
    let us = |label: &str| figures.raw(&format!("pipe_send_and_ack_us_{label}"));
    Some((us(label)? - us("100B")?).max(0.0) * 1e3)
}

fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}

/// The curves with what a pipe alone shows of fresh pages, which is the receiver's, and what it does not.
fn set_payloads(
    profile: &mut Profile,
    gil: bool,
    dumps: &CostCurve,
    shown: &[(f64, f64)],
    hidden: &[(f64, f64)],
) {
    let both = |other: &[(f64, f64)]| {
        let sum = |(a, b): (&(f64, f64), &(f64, f64))| (a.0, a.1 + b.1);
        CostCurve(shown.iter().zip(other).map(sum).collect())
    };
    let none: Vec<(f64, f64)> = hidden.iter().map(|&(size, _)| (size, 0.0)).collect();
    let (receivers, senders) = if gil {
        (hidden, &*none)
    } else {
        (&*none, hidden)
    };
    profile.receives = both(receivers);
    profile.dumps.0 = (dumps.0.iter())
        .map(|&(size, cost)| (size, cost + along(senders, size)))
        .collect();
}

/// A curve in straight lines between points, and at its last slope beyond them.
fn along(points: &[(f64, f64)], at: f64) -> f64 {
    let after = points
        .iter()
        .position(|(x, _)| *x >= at)
        .unwrap_or(points.len() - 1)
        .max(1);
    match (points.get(after - 1), points.get(after)) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) / (x1 - x0) * (at - x0),
        _ => 0.0,
    }
}

/// What the model still takes too long or too short belongs half to pickling, half to unpickling.
fn remainder(
    profile: &mut Profile,
    machine: &MachineSpec,
    fork: &Strategy,
    targets: &[(u64, f64)],
) {
    let (dumps, loads) = (profile.dumps.clone(), profile.loads.clone());
    let mut missing: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    missing.extend(targets.iter().map(|(size, _)| (as_f64(*size), 0.0)));
    for _ in 0..2 {
        for (i, (size, target)) in targets.iter().enumerate() {
            let more = target - round_trip(profile, machine, fork, *size);
            missing[i + 1].1 += more;
        }
        let adjusted = |curve: &[(f64, f64)]| {
            let mut last = 0.0f64;
            curve
                .iter()
                .map(|&(x, y)| {
                    last = (y + along(&missing, x) / 2.0).max(y * LEAST).max(last);
                    (x, last)
                })
                .collect()
        };
        profile.dumps.0 = adjusted(&dumps.0);
        profile.loads.0 = adjusted(&loads.0);
    }
}

/// What waking the submitter costs whoever has its result, in nanoseconds: the model's user asks again from outside.
fn submitter_is_woken(profile: &Profile, machine: &MachineSpec, strategy: &Strategy) -> f64 {
    if strategy.execution().event_loop {
        return 0.0; // A coroutine goes on where it was.
    }
    let send = (machine.wake_send.last())
        .filter(|_| machine.cores.len() > 1)
        .map_or(0.0, |(_, cpu)| cpu.as_f64());
    profile.params.unpark + send
}

/// The median round trip of an empty task with this payload, in nanoseconds, one at a time.
fn round_trip(profile: &Profile, machine: &MachineSpec, strategy: &Strategy, payload: u64) -> f64 {
    let arrivals = Arrivals::Closed {
        users: 1,
        think: Dist::Constant(Nanos::ZERO),
        count: Some(TRIPS),
    };
    let Some(mut outcome) = run(profile, machine, strategy, arrivals, payload) else {
        return 0.0;
    };
    outcome.latencies.sort_unstable();
    outcome
        .latencies
        .get(outcome.latencies.len() / 2)
        .map_or(0.0, |l| l.as_f64())
        + submitter_is_woken(profile, machine, strategy)
}

/// The time of each empty task of a burst, in nanoseconds.
fn burst(profile: &Profile, machine: &MachineSpec, strategy: &Strategy) -> f64 {
    let Some(outcome) = run(profile, machine, strategy, Arrivals::Batch, 0) else {
        return 0.0;
    };
    // The pool is up before the burst in the measurement: from the first completion on.
    let first = outcome.latencies.iter().min().copied().unwrap_or_default();
    let tasks = BURST as f64;
    outcome.makespan.since(first).as_f64() / tasks
}

fn run(
    profile: &Profile,
    machine: &MachineSpec,
    strategy: &Strategy,
    arrivals: Arrivals,
    payload: u64,
) -> Option<Outcome> {
    let workload = Workload {
        arrivals,
        rounds: Rounds::default(),
        classes: vec![TaskClass {
            name: "nothing".into(),
            count: BURST,
            weight: 1.0,
            steps: vec![
                Step::PayloadIn(payload),
                Step::Cpu(Dist::Constant(Nanos::ZERO)),
            ],
            interleave: false,
            cost: Vec::new(),
            touches: 0.0,
        }],
        locks: Vec::new(),
        queues: Vec::new(),
        objects: Vec::new(),
        resources: Vec::new(),
        devices: Vec::new(),
        imports: Imports::default(),
        data: 0,
        untouched_payload: true,
        faults: Vec::new(),
        admission: None,
        client: None,
        dispatch: Nanos::ZERO,
        cpu_grain: Nanos::ZERO,
        native_grain: Nanos::ZERO,
        python_teams: false,
        ready: false,
        measured_on: None,
    };
    let input = SimInput {
        machine,
        profile,
        workload: &workload,
        strategy,
        compiled: None,
        seed: 1,
        replication: 0,
        warmup: Nanos::ZERO,
        horizon: None,
        keep_latencies: true,
        windows: None,
        max_events: 1_000_000,
    };
    simulate(&input).ok()
}
