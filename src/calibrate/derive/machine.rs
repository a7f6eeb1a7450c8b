//! The machine that the microbenchmarks ran on.

use serde_json::Value;

use crate::engine::Nanos;
use crate::scenario::MachineSpec;

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
    let copies = measured.iter().filter_map(|(micro, _)| {
        let pipe = |size: &str| micro["metrics"][format!("pipe_send_and_ack_us_{size}")].as_f64();
        Some((pipe("100KB")? - pipe("100B")?).max(0.0) * 1e3 / 99_900.0)
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
    let short = measured.iter().find_map(|(micro, _)| hand_over(micro));
    let point = |(ms, mut late): (f64, Vec<f64>)| {
        late.sort_by(f64::total_cmp);
        (
            Nanos::from_f64(ms * 1e6),
            Nanos::from_f64((late[late.len() / 2] - SLACK_US) * 1e3),
        )
    };
    let timed = points.into_iter().filter(|(ms, _)| *ms > 0.0).map(point);
    let least = short.map_or(Nanos::ZERO, |(idle, _)| idle);
    short
        .into_iter()
        .chain(timed.filter(|(idle, _)| *idle > least))
        .collect()
}

/// The wake-up of a core that has hardly been idle, without a timer: between two threads that hand an item back and forth, what
/// they do not spend on the CPU. The core of the one is idle for as long as the other takes.
fn hand_over(micro: &Value) -> Option<(Nanos, Nanos)> {
    let figure = |name: &str| micro["metrics"][name].as_f64().filter(|v| v.is_finite());
    let (elapsed, cpu) = (
        figure("thread_handoff_us")?,
        figure("thread_handoff_cpu_us")?,
    );
    let us = |us: f64| Nanos::from_f64(us * 1e3);
    (elapsed > 0.0).then(|| (us(elapsed), us((elapsed - cpu).max(0.0))))
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
