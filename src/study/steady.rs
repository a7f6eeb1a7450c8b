//! Finds where the warm-up ends, and which cases have no steady state.

use super::sample::Sample;
use super::track::CaseTrack;
use crate::engine::Nanos;
use crate::measure::{Estimate, mser};
use crate::quantity::Quantity;
use crate::result::{Forecast, Status};
use crate::scenario::{Arrivals, Dist, FaultTime, Scenario};
use crate::strategy::{Cause, Outcome};

/// Rise of the second half of a run, as a share of the mean, above which the queue is growing, all replications taken together. A queue
/// that grows without end rises by 0.5, a settled one by 0.
const RISING: f64 = 0.15;

/// Ratio of completions to arrivals above which a case keeps up.
const KEEPING_UP: f64 = 0.97;

/// So often during a run at least comes what comes again and again.
const OFTEN: f64 = 8.0;

/// Ratio of completions to arrivals below which a case is far behind.
const FAR_BEHIND: f64 = 0.9;

/// Growth of latencies from the first half to the second, as a share of their mean, at which a case that is far behind has a queue that
/// grows from start to end, even if draining it after the last arrival hides the rise within the second half.
const GROWN: f64 = 0.5;

/// Where the warm-up of a pilot run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Warmup {
    /// Start of the time that counts.
    pub until: Nanos,
    /// Whether the pilot run was long enough to tell.
    pub reliable: bool,
    /// The latest start that leaves enough of the run: at most half of the arrivals, or of the time up to a horizon, are left out.
    pub latest: Nanos,
}

/// Applies MSER-5 to a pilot run that counted everything; returns the cut as a time.
pub(super) fn warmup(o: &Outcome, horizon: Option<Nanos>) -> Warmup {
    let cut = mser(&o.series.means());
    let until = o
        .series
        .batches()
        .get(cut.index)
        .filter(|_| cut.index > 0)
        .map_or(Nanos::ZERO, |b| b.start);
    let half = |t: Nanos| Nanos(t.0 / 2);
    let latest = [o.half_arrived, horizon.map(half)]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(half(o.end));
    Warmup {
        until: until.min(latest),
        reliable: cut.reliable && until <= latest,
        latest,
    }
}

/// Where each case begins to count. Under open arrivals all cases begin together, after the longest warm-up of those that settle, so that
/// they count the same tasks. The users of a closed workload ask again when they have been answered, so cases are at different tasks at the
/// same time, and one may be over when another has hardly begun: each begins after a warm-up of its own.
pub(super) fn warmups(scenario: &Scenario, tracks: &[CaseTrack]) -> Vec<Nanos> {
    let settles = |t: &&CaseTrack| !t.hopeless() && !saturated(scenario, &t.samples);
    let pilots = || tracks.iter().filter(settles).filter_map(|t| t.pilot);
    let own = |t: &CaseTrack| match (t.pilot, scenario.warmup) {
        (Some(p), Some(asked)) => asked.min(p.latest),
        (Some(p), None) => p.until,
        (None, _) => t.start,
    };
    let closed = asks_again(&scenario.workload.arrivals);
    let common = match scenario.warmup {
        _ if closed => None,
        Some(asked) => pilots().map(|p| p.latest).min().map(|l| asked.min(l)),
        None => pilots().filter(|p| p.reliable).map(|p| p.until).max(),
    };
    let start = |t: &CaseTrack| match common {
        Some(common) => common,
        None if closed => own(t),
        None => t.start,
    };
    tracks.iter().map(start).collect()
}

/// Whether who has been answered asks again, so that no two cases are at the same tasks at the same time.
pub(super) fn asks_again(arrivals: &Arrivals) -> bool {
    matches!(
        arrivals,
        Arrivals::Closed { .. } | Arrivals::Sessions { .. }
    )
}

/// Whether tasks of an open workload pile up: latencies rise through the second half beyond chance while completions stay behind arrivals,
/// or tasks arrive and none completes.
pub(super) fn saturated(scenario: &Scenario, samples: &[Sample]) -> bool {
    let arrivals = &scenario.workload.arrivals;
    let steady = comes_anyway(arrivals) && goes_wrong_alike(scenario);
    if samples.is_empty() || !steady {
        return false;
    }
    let ended = |s: &Sample| {
        s.values[Quantity::Completed as usize]
            + s.values[Quantity::Failed as usize]
            + s.values[Quantity::TimedOut as usize]
    };
    if samples
        .iter()
        .all(|s| ended(s) == 0.0 && s.values[Quantity::InFlight as usize] > 20.0)
    {
        return true;
    }
    let drifts: Vec<f64> = samples.iter().filter_map(|s| s.drift).collect();
    // Either sign suffices: few replications make wide intervals, but chance does not lift each of three or more.
    let by_interval = Estimate::of(&drifts).is_some_and(|d| d.low() > RISING);
    let one_and_all = drifts.len() >= 3 && drifts.iter().all(|&d| d > RISING);
    let rising = drifts.len() == samples.len() && (by_interval || one_and_all);
    // The rate at which tasks ended while completions were counted, relative to the rate of arrivals.
    let kept_up = |s: &Sample| {
        let throughput = s.values[Quantity::Throughput as usize];
        let all = throughput * ended(s) / s.values[Quantity::Completed as usize].max(1.0);
        steady_rate(arrivals).map_or(f64::INFINITY, |rate| all / rate)
    };
    // Half of the tasks or more were left when the last one had arrived, mostly waiting for their turn, and were then completed more slowly
    // than they had come: tasks that are starved as long as others arrive show no rise.
    let waits = |s: &Sample| {
        let for_turn = Cause::ALL.into_iter().filter(|c| c.is_queueing());
        for_turn.map(|c| s.causes[c as usize]).sum::<f64>() > 0.5
    };
    let overrun = steady_rate(arrivals).is_some_and(|rate| {
        samples.iter().all(|s| {
            let slow = s.drained.is_some_and(|d| d < KEEPING_UP * rate);
            kept_up(s) < 0.5 && slow && waits(s)
        })
    });
    if overrun {
        return true;
    }
    let grown = samples.iter().all(|s| s.growth.is_some_and(|g| g > GROWN));
    rising && samples.iter().all(|s| kept_up(s) < KEEPING_UP)
        || grown && samples.iter().all(|s| kept_up(s) < FAR_BEHIND)
}

/// Whether what goes wrong, if anything, is over before the second half of the arrivals, or comes again and again through all of it: tasks that pile up there do
/// so for good, and not until a disturbance has passed.
fn goes_wrong_alike(scenario: &Scenario) -> bool {
    let span = arrivals_last(scenario).unwrap_or(f64::INFINITY);
    let mut faults = scenario.workload.faults.iter();
    faults.all(|f| match &f.when {
        FaultTime::At(at) => {
            let over = *at + f.kind.lasts().unwrap_or_default();
            over.as_secs_f64() <= span / 2.0
        }
        FaultTime::Every(interval) => interval.mean() / 1e9 <= span / OFTEN,
    })
}

/// Seconds for which tasks come at a rate that is always the same, or until the horizon; `None` where neither ends them.
pub(crate) fn arrivals_last(scenario: &Scenario) -> Option<f64> {
    let arrivals = &scenario.workload.arrivals;
    let count = match arrivals {
        Arrivals::Open { count, .. } | Arrivals::Sessions { count, .. } => *count,
        Arrivals::Batch
        | Arrivals::Varying { .. }
        | Arrivals::Closed { .. }
        | Arrivals::Trace(_) => None,
    };
    let by_count = count.zip(steady_rate(arrivals));
    let by_count = by_count.map(|(count, rate)| count as f64 / rate);
    let horizon = scenario.horizon.map(Nanos::as_secs_f64);
    by_count.into_iter().chain(horizon).reduce(f64::min)
}

/// Whether a case keeps up with the arrivals by completing them: one that fails or loses them has no queue either.
pub(super) fn keeps_up(f: &Forecast) -> bool {
    let fails = f.get(Quantity::FailureRate).map_or(0.0, |e| e.mean);
    f.status == Status::Fine && fails <= 1.0 - KEEPING_UP
}

/// Whether tasks arrive at a rate that is always the same, however long those before them take.
fn comes_anyway(arrivals: &Arrivals) -> bool {
    match arrivals {
        Arrivals::Open { .. } | Arrivals::Sessions { .. } => true,
        Arrivals::Batch
        | Arrivals::Varying { .. }
        | Arrivals::Closed { .. }
        | Arrivals::Trace(_) => false,
    }
}

/// Tasks that arrive per second where that is always the same number in the mean; `None` if it is not, or unknown.
pub(super) fn steady_rate(arrivals: &Arrivals) -> Option<f64> {
    match arrivals {
        Arrivals::Open { interval, .. } => arrival_rate(interval),
        Arrivals::Sessions {
            interval, requests, ..
        } => arrival_rate(interval).map(|rate| rate * requests),
        Arrivals::Batch
        | Arrivals::Varying { .. }
        | Arrivals::Closed { .. }
        | Arrivals::Trace(_) => None,
    }
}

/// Arrivals per second; `None` if the mean interval is infinite, unknown or zero.
fn arrival_rate(interval: &Dist) -> Option<f64> {
    let mean = interval.mean();
    (mean.is_finite() && mean > 0.0).then(|| 1e9 / mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        let ms = Nanos::from_millis;
        let of = |d: Dist| arrival_rate(&d).unwrap();
        assert!((of(Dist::Exponential(ms(10))) - 100.0).abs() < 1e-9);
        assert!((of(Dist::Uniform(ms(0), ms(20))) - 100.0).abs() < 1e-9);
        assert!(
            (of(Dist::LogNormal {
                median: ms(10),
                p99: ms(10)
            }) - 100.0)
                .abs()
                < 1e-9
        );
        assert!(
            (of(Dist::Weibull {
                scale: ms(10),
                shape: 1.0
            }) - 100.0)
                .abs()
                < 1e-9
        );
        assert!(
            (of(Dist::Pareto {
                least: ms(5),
                shape: 2.0
            }) - 100.0)
                .abs()
                < 1e-9
        );
        assert_eq!(arrival_rate(&Dist::Constant(Nanos::ZERO)), None);
    }
}
