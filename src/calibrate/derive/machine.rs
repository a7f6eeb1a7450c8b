//! The machine that the microbenchmarks ran on.

use serde_json::Value;

use crate::engine::Nanos;
use crate::machine::along;
use crate::measure::median;
use crate::scenario::MachineSpec;

/// Of the time that each byte of a message of megabytes takes through a pipe: copying it, against the wake-ups at every 64 KiB.
/// 0.18 of 0.35 ns where both were measured.
const COPYING_SHARE: f64 = 0.5;
/// The shortest sleep whose overshoot is measured.
const SHORTEST_SLEEP_US: u64 = 50;
/// Slack of timed sleeps on Linux, part of every overshoot.
const SLACK_US: f64 = 50.0;

/// The machine of these measurements: pairs of a `micro` and a `more` file, one for each interpreter that was measured on it.
///
/// A wake-up's latency is how late sleeps end beyond the timer's slack (the median over the interpreters, of which one may
/// have met a busy neighbour); copying into and out of pipes is what 100 KB cost beyond 100 bytes in the best of them.
pub fn machine_from(measured: &[(&Value, &Value)]) -> MachineSpec {
    let cores = measured
        .iter()
        .find_map(|(_, more)| more["machine"]["cores"].as_u64())
        .unwrap_or(2);
    let mut machine = MachineSpec::with_cores(u32::try_from(cores.clamp(1, 1 << 16)).unwrap_or(2));
    // The measured programs read their thread's CPU clock every few microseconds, and each time the kernel looks at the
    // deadline: no slice lasts until a tick.
    machine.hz = 0;
    let slice = measured
        .iter()
        .find_map(|(_, more)| more["machine"]["base_slice_ns"].as_str()?.parse().ok());
    machine.base_slice = Nanos(slice.unwrap_or(700_000));
    let latency = wake_latency(measured);
    if !latency.is_empty() {
        machine.wake_latency = latency;
    }
    if let Some((send, cpu)) = measured.iter().find_map(|(micro, _)| wake_costs(micro)) {
        machine.wake_send = send;
        machine.wake_cpu = cpu;
        // Who sleeps sees the latency and what its own way back costs.
        let slept = Nanos::from_micros(SHORTEST_SLEEP_US);
        let by_sleeps = machine.wake_latency.iter_mut();
        for (idle, latency) in by_sleeps.filter(|(idle, _)| *idle >= slept) {
            *latency = latency.since(along(&machine.wake_cpu, *idle));
        }
    }
    if let Some(factor) = measured
        .iter()
        .find_map(|(micro, _)| figure(micro, "neighbours_factor"))
    {
        machine.interference = (factor - 1.0).max(0.0);
    }
    if let Some(share) = (measured.iter()).find_map(|(micro, _)| figure(micro, "new_idle_share")) {
        machine.new_idle = share;
    }
    machine.halted_after = measured.iter().find_map(|(micro, _)| halted_after(micro));
    let beyond: Vec<f64> = (measured.iter())
        .filter_map(|(micro, _)| apart(micro, &machine.wake_latency))
        .collect();
    if !beyond.is_empty() {
        // The interrupt costs the waker about as much as leaving the idle state costs the woken.
        let us = |name: &str| measured.iter().find_map(|(micro, _)| figure(micro, name));
        let trip = us("threadpool_roundtrip_us").unwrap_or(0.0) / 2.0;
        let mut points = vec![(trip, median(beyond) / 2.0)];
        if let Some(polled) = us("thread_handoff_us").filter(|idle| *idle < trip) {
            // Items handed back and forth find the other core idle for less long: still polling, if it is as quick.
            let latency = machine.wake_latency[0].1.as_f64() / 1e3;
            let hand_overs = hand_overs_us(us("burn_ns_per_iter").unwrap_or(0.0));
            let beyond = (polled - latency - hand_overs / 2.0).max(0.0);
            points.insert(0, (polled, beyond / 2.0 * 1e3));
        }
        machine.wake_send = (points.into_iter())
            .map(|(us, ns)| (Nanos::from_f64(us * 1e3), Nanos::from_f64(ns)))
            .collect();
        machine.wake_cpu.clone_from(&machine.wake_send);
    }
    let copies = measured.iter().filter_map(|(micro, _)| {
        let pipe = |size: &str| micro["metrics"][format!("pipe_send_and_ack_us_{size}")].as_f64();
        let small = (pipe("100KB")? - pipe("100B")?) * 1e3 / 99_900.0;
        if small > 0.0 {
            return Some(small);
        }
        // The short message was woken later than the long one.
        let large = (pipe("10MB")? - pipe("1MB")?) * 1e3 / 9e6;
        (large > 0.0).then_some(large * COPYING_SHARE)
    });
    if let Some(best) = copies.reduce(f64::min) {
        machine.pipe_ns_per_byte = best;
    }
    machine
}

fn wake_latency(measured: &[(&Value, &Value)]) -> Vec<(Nanos, Nanos)> {
    let mut points: Vec<(f64, Vec<f64>)> = Vec::new();
    for (_, more) in measured {
        for (ms, late) in more["sleep_overshoot_us_by_ms"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let (Ok(ms), Some(late)) = (ms.parse::<f64>(), late["p50"].as_f64()) else {
                continue;
            };
            match points.iter_mut().find(|(at, _)| *at == ms) {
                Some((_, all)) => all.push(late),
                None => points.push((ms, vec![late])),
            }
        }
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let early = (measured.iter())
        .map(|(micro, _)| woken_early(micro))
        .find(|early| !early.is_empty());
    let short: LatencyPoints = match early {
        Some(early) => (early.iter())
            .map(|e| {
                let latency = (e.late - e.call - e.back).max(0.0);
                (
                    Nanos::from_f64(e.idle * 1e3),
                    Nanos::from_f64(latency * 1e3),
                )
            })
            .collect(),
        None => (measured.iter().find_map(|(micro, _)| hand_over(micro)))
            .into_iter()
            .collect(),
    };
    let point = |(ms, mut late): (f64, Vec<f64>)| {
        late.sort_by(f64::total_cmp);
        (
            Nanos::from_f64(ms * 1e6),
            Nanos::from_f64((late[late.len() / 2] - SLACK_US) * 1e3),
        )
    };
    let timed = points.into_iter().filter(|(ms, _)| *ms > 0.0).map(point);
    let least = short.last().map_or(Nanos::ZERO, |(idle, _)| *idle);
    short
        .into_iter()
        .chain(timed.filter(|(idle, _)| *idle > least))
        .collect()
}

/// The wake-up of a core that has hardly been idle, without a timer: between two threads that hand an item back and forth, what
/// they do not spend on the CPU. The core of the one is idle for as long as the other takes.
fn hand_over(micro: &Value) -> Option<(Nanos, Nanos)> {
    let (elapsed, cpu) = (
        figure(micro, "thread_handoff_apart_us")?,
        figure(micro, "thread_handoff_apart_cpu_us")?,
    );
    let us = |us: f64| Nanos::from_f64(us * 1e3);
    (elapsed > 0.0).then(|| (us(elapsed), us((elapsed - cpu).max(0.0))))
}

type LatencyPoints = Vec<(Nanos, Nanos)>;

/// A wake-up of a core that has just become idle, in microseconds.
struct Early {
    /// For how long it has been idle.
    idle: f64,
    /// From the call until the woken goes on.
    late: f64,
    /// CPU of the call.
    call: f64,
    /// CPU of the woken, for falling asleep and coming back.
    back: f64,
}

/// The wake-ups of cores that have just become idle, shortest idle time first.
fn woken_early(micro: &Value) -> Vec<Early> {
    let falls_asleep = figure(micro, "wake_return_us").unwrap_or(0.0) / 2.0;
    let all = micro["metrics"].as_object().into_iter().flatten();
    let mut early: Vec<Early> = all
        .filter_map(|(name, late)| {
            let us = name.strip_prefix("wake_early_us_")?;
            Some(Early {
                idle: (us.parse::<f64>().ok()? - falls_asleep).max(0.0),
                late: late.as_f64()?,
                call: figure(micro, &format!("wake_early_call_us_{us}"))?,
                back: figure(micro, &format!("wake_early_return_us_{us}"))?,
            })
        })
        .collect();
    early.sort_by(|a, b| a.idle.total_cmp(&b.idle));
    early
}

/// After how long an idle core is not found by wake-ups: between the last of the idle times at which they mostly find it and the next.
fn halted_after(micro: &Value) -> Option<Nanos> {
    let all = micro["metrics"].as_object()?;
    let mut stays: Vec<(f64, f64)> = all
        .iter()
        .filter_map(|(name, share)| {
            let us = name.strip_prefix("wake_stays_")?;
            Some((us.parse::<f64>().ok()?, share.as_f64()?))
        })
        .collect();
    stays.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (found, not) = stays.split_at(
        stays
            .iter()
            .rposition(|(_, s)| *s < 0.5)
            .map_or(0, |i| i + 1),
    );
    let (first, _) = not.first()?;
    let us = found
        .last()
        .map_or(first / 2.0, |(last, _)| (first * last).sqrt());
    Some(Nanos::from_f64(us * 1e3))
}

/// What waking a thread on an idle core costs the waker beyond the call, and the woken beyond its return, by how long the core
/// has been idle.
fn wake_costs(micro: &Value) -> Option<(LatencyPoints, LatencyPoints)> {
    let call = figure(micro, "wake_call_us")?;
    let back = figure(micro, "wake_return_us")?;
    let metrics = micro["metrics"].as_object()?;
    // (idle time, CPU) by all figures of this kind beyond what it costs where nothing idles; idle times in units of so many us.
    let beyond = |prefix: &str, unit: f64, least: f64| -> Vec<(f64, f64)> {
        let points = metrics.iter().filter_map(|(name, us)| {
            let idle = name.strip_prefix(prefix)?.parse::<f64>().ok()? * unit;
            Some((idle, us.as_f64()? - least))
        });
        points.collect()
    };
    let mut send = beyond("wake_call_idle_us_", 1.0, call);
    // A sleeper's own timer wakes it: no other core is about.
    let mut cpu = beyond("sleep_cpu_us_", 1e3, back);
    let early = woken_early(micro);
    if !early.is_empty() {
        send.extend(early.iter().map(|e| (e.idle, e.call - call)));
        cpu.extend(early.iter().map(|e| (e.idle, e.back - back)));
    } else if let Some(((elapsed, both), same)) = figure(micro, "thread_handoff_apart_us")
        .zip(figure(micro, "thread_handoff_apart_cpu_us"))
        .zip(figure(micro, "thread_handoff_us"))
    {
        // Items handed back and forth find the other core idle for less long than it takes to leave the idle state again.
        send.push((elapsed, (both - same) / 2.0));
        cpu.push((elapsed, (both - same) / 2.0));
    }
    let curve = |mut points: Vec<(f64, f64)>| {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points.dedup_by(|a, b| a.0 <= b.0);
        let ns = |us: f64| Nanos::from_f64(us.max(0.0) * 1e3);
        points
            .into_iter()
            .map(|(idle, us)| (ns(idle), ns(us)))
            .collect()
    };
    Some((curve(send), curve(cpu)))
}

fn figure(micro: &Value, name: &str) -> Option<f64> {
    micro["metrics"][name].as_f64().filter(|v| v.is_finite())
}

/// CPU of the hand-overs in a round trip through a pool of one thread, where both threads share a core, in microseconds, on a machine
/// that needs `ns_per_iter` for an iteration of the reference loop. Where that was 51.4 ns (`tests/data/reference`) it was 12 us: 21.8 and
/// 23.7 less the call's own 9.3 and 11.6.
pub(super) fn hand_overs_us(ns_per_iter: f64) -> f64 {
    12.0 * ns_per_iter / 51.4
}

/// What a wake-up costs beyond the latency of an idle core, in nanoseconds, where the figures are of threads on two cores: a
/// round trip to a pool thread takes two wake-ups longer than its work and its hand-overs. `None`: its two threads shared a core.
pub(super) fn apart(micro: &Value, wake_latency: &[(Nanos, Nanos)]) -> Option<f64> {
    if micro["gated"].as_bool().unwrap_or(false) {
        return None; // Pinned to one core.
    }
    let us = |name: &str| figure(micro, name);
    let latency = wake_latency.first()?.1.as_f64() / 1e3;
    let hand_overs = hand_overs_us(us("burn_ns_per_iter")?);
    // One task of a burst is submitted and run under one GIL; without one the two overlap, and the submit is most of it.
    let work = us("threadpool_burst_us_per_task")?.max(us("threadpool_submit_us")?);
    let beyond = us("threadpool_roundtrip_us")? - work - hand_overs - 2.0 * latency;
    (beyond > 0.0).then_some(beyond / 2.0 * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn latency_is_the_overshoot_beyond_the_slack() {
        let late = |us: f64| json!({"machine": {"cores": 3}, "sleep_overshoot_us_by_ms": {"5": {"p50": us}, "0.2": {"p50": 60.0}}});
        let (a, b, c) = (late(90.0), late(300.0), late(95.0));
        let none = Value::Null;
        let m = machine_from(&[(&none, &a), (&none, &b), (&none, &c)]);
        assert_eq!(m.cores.len(), 3);
        let us = Nanos::from_micros;
        assert_eq!(m.wake_latency, vec![(us(200), us(10)), (us(5_000), us(45))]);
    }
}
