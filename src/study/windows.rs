//! Windows of time: each replication's reduced to numbers, and folded over the replications.

use super::sample::Sample;
use crate::engine::Nanos;
use crate::measure::{Estimate, Window, Windows};
use crate::result::{OverWindows, Recovery};
use crate::scenario::{Metric, Objective};
use crate::strategy::Outcome;

/// The percentiles that are told of each window.
const LEVELS: [f64; 3] = [0.5, 0.95, 0.99];

/// What a study keeps of a window of a replication.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowSample {
    arrived: u64,
    completed: u64,
    failed: u64,
    /// Latencies at [`LEVELS`], in seconds; NaN if no task completed.
    latencies: [f64; LEVELS.len()],
}

/// A stretch of windows in which an objective is not met.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Missed {
    /// Number of windows of the longest stretch.
    windows: usize,
    /// Its first window.
    from: usize,
    /// Whether the last window in which tasks arrived is in such a stretch.
    last: bool,
}

/// The windows of a replication.
pub(super) fn reduced(o: &Outcome) -> Vec<WindowSample> {
    let all = o.windows.as_ref().map_or(&[][..], Windows::all);
    let of = |w: &Window| WindowSample {
        arrived: w.arrived,
        completed: w.completed,
        failed: w.failed + w.timed_out + w.rejected,
        latencies: LEVELS.map(|q| latency(w, q)),
    };
    all.iter().map(of).collect()
}

fn latency(w: &Window, q: f64) -> f64 {
    (w.latency.value_at_quantile(q)).map_or(f64::NAN, Nanos::as_secs_f64)
}

/// Where an objective is not met in a replication's windows; `None` where it is about something that windows do not tell, or there are none.
pub(super) fn missed(o: &Outcome, objective: &Objective) -> Option<Missed> {
    let windows = o.windows.as_ref()?;
    let mut longest = Missed::default();
    let (mut from, mut last) = (None, false);
    for (i, w) in windows.all().iter().enumerate() {
        if w.arrived == 0 {
            continue;
        }
        let value = value(w, objective.metric)?;
        last = !if objective.below {
            value < objective.bound
        } else {
            value > objective.bound
        };
        if !last {
            from = None;
            continue;
        }
        let start = *from.get_or_insert(i);
        if i + 1 - start > longest.windows {
            (longest.windows, longest.from) = (i + 1 - start, start);
        }
    }
    Some(Missed { last, ..longest })
}

/// The value of a metric for the tasks of a window; infinite where tasks came of which none completed.
fn value(w: &Window, metric: Metric) -> Option<f64> {
    let or_none = |x: f64| if x.is_nan() { f64::INFINITY } else { x };
    match metric {
        Metric::MeanLatency => Some(or_none(w.latency.mean().map_or(f64::NAN, |ns| ns / 1e9))),
        Metric::Percentile(p) | Metric::Worst(p) => Some(or_none(latency(w, p / 100.0))),
        Metric::FailureRate => {
            let failed = (w.failed + w.timed_out + w.rejected) as f64;
            Some(failed / (failed + w.completed as f64).max(1.0))
        }
        Metric::Makespan | Metric::Throughput | Metric::Memory | Metric::Cpu => None,
    }
}

/// A number to so many significant digits.
fn rounded(x: f64, digits: i32) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let scale = libm::pow(
        10.0,
        f64::from(digits) - 1.0 - libm::floor(libm::log10(x.abs())),
    );
    libm::round(x * scale) / scale
}

/// The windows of a case from `start` on: means over its replications. `None` where there are none.
pub(super) fn over_windows(samples: &[Sample], width: Nanos, start: Nanos) -> Option<OverWindows> {
    let most = samples.iter().map(|s| s.windows.len()).max()?;
    let first = usize::try_from(start.0 / width.0.max(1)).unwrap_or(usize::MAX);
    if first >= most {
        return None;
    }
    let each = |i: usize| samples.iter().filter_map(move |s| s.windows.get(i));
    let n = samples.len() as f64;
    let counts = |of: fn(&WindowSample) -> u64| {
        let mean = |i| each(i).map(|w| of(w) as f64).sum::<f64>() / n;
        (first..most).map(|i| rounded(mean(i), 6)).collect()
    };
    let latencies = |level: usize| {
        let mean = |i| {
            let values = each(i).map(|w| w.latencies[level]);
            let values: Vec<f64> = values.filter(|v| !v.is_nan()).collect();
            crate::measure::mean(&values).map(|m| rounded(m, 4))
        };
        (first..most).map(mean).collect()
    };
    Some(OverWindows {
        from_s: first as f64 * width.as_secs_f64(),
        width_s: width.as_secs_f64(),
        arrived: counts(|w| w.arrived),
        completed: counts(|w| w.completed),
        failed: counts(|w| w.failed),
        p50_s: latencies(0),
        p95_s: latencies(1),
        p99_s: latencies(2),
    })
}

/// For how long an objective was not met at a stretch, over the replications.
pub(super) fn recovery(samples: &[Sample], objective: usize, width: Nanos) -> Option<Recovery> {
    let all: Option<Vec<Missed>> = (samples.iter())
        .map(|s| s.missed.get(objective).copied().flatten())
        .collect();
    let all = all.filter(|a| !a.is_empty())?;
    let width = width.as_secs_f64();
    let lengths: Vec<f64> = all.iter().map(|m| m.windows as f64 * width).collect();
    let starts: Vec<f64> = (all.iter().filter(|m| m.windows > 0))
        .map(|m| m.from as f64 * width)
        .collect();
    let still = all.iter().filter(|m| m.last).count() as f64;
    Some(Recovery {
        longest_s: Estimate::of(&lengths)?.within(0.0, f64::INFINITY),
        from_s: crate::measure::mean(&starts),
        missed_share: starts.len() as f64 / all.len() as f64,
        still_missed_share: still / all.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse_objective;

    fn window(latencies_ms: &[u64], failed: u64) -> Window {
        let mut w = Window::default();
        for &ms in latencies_ms {
            w.arrived += 1;
            w.completed += 1;
            w.latency.record(Nanos::from_millis(ms));
        }
        w.arrived += failed;
        w.failed = failed;
        w
    }

    #[test]
    fn values_of_windows() {
        let w = window(&[10, 20, 30], 1);
        assert_eq!(value(&w, Metric::FailureRate), Some(0.25));
        assert!((value(&w, Metric::Percentile(50.0)).unwrap() - 0.02).abs() < 1e-4);
        assert_eq!(
            value(&window(&[], 3), Metric::Worst(99.0)),
            Some(f64::INFINITY)
        );
        assert_eq!(value(&w, Metric::Memory), None);
        assert!(parse_objective("worst p99 < 1s").is_ok());
    }
}
