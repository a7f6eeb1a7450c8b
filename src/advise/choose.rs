//! Decides among what was simulated.

use super::constraints::Priority;
use super::family::Family;
use super::survey::{Fared, Goal, measured, ordered};
use crate::measure::Estimate;
use crate::quantity::Quantity;

/// Why what was taken is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ground {
    /// It is the best of those that may be taken.
    Best,
    /// Others are as good, and it is the simplest of them.
    Simplest,
    /// The best is hardly faster than a single thread: so many times.
    NotWorthIt(f64),
    /// The best saves less time in all than it takes to notice: so many seconds.
    TooSmall(f64),
}

/// What was decided.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    /// Indices, the best first, what may not be taken last.
    pub order: Vec<usize>,
    /// What is taken; `None`: nothing meets the requirements.
    pub take: Option<usize>,
    /// Why.
    pub ground: Ground,
    /// The best by figures alone, of those that may be taken.
    pub best: Option<usize>,
    /// Others that are as good as the best.
    pub tied: Vec<usize>,
    /// The single thread.
    pub baseline: Option<usize>,
}

/// Difference, as a share of the better value, that is worth no complexity.
pub(super) const SAME: f64 = 0.03;
/// By how many times the best may be better than the simplest where simplicity matters most.
const SIMPLE: f64 = 2.0;
/// Speed-up below which concurrency is not worth it (`SpeedupVerdict`).
const WORTH: f64 = 1.2;
/// Seconds that a batch must save to be worth concurrency.
const NOTICED: f64 = 0.010;

/// Decides.
pub(super) fn decide(all: &[Fared], goal: &Goal) -> Decision {
    let order = ordered(all, goal);
    let baseline = order
        .iter()
        .copied()
        .find(|&i| all[i].candidate.family == Family::SingleThread);
    let may = |&i: &usize| all[i].excluded.is_none() && all[i].standing() <= 1;
    let by_kind = |&i: &usize| all[i].candidate.placement.is_some();
    let best = order.first().copied().filter(may);
    let alike = order.iter().copied().find(|i| !by_kind(i)).filter(may);
    let own = order.iter().copied().find(by_kind).filter(may);
    let mut decision = Decision {
        order,
        take: None,
        ground: Ground::Best,
        best,
        tied: Vec::new(),
        baseline,
    };
    let factor = if goal.priority == Priority::Simplicity {
        SIMPLE
    } else {
        1.0
    };
    // Telling kinds of tasks apart has to be better than whatever treats all alike.
    let leader = match (alike, own) {
        (Some(alike), Some(own)) if is_as_good(&all[own], &all[alike], goal, factor) => alike,
        (_, Some(own)) => own,
        (Some(alike), None) => alike,
        (None, None) => return decision,
    };
    let as_good = |&i: &usize| {
        let f = &all[i];
        f.excluded.is_none()
            && f.standing() == all[leader].standing()
            && is_as_good(&all[leader], f, goal, factor)
    };
    let equal: Vec<usize> = decision.order.iter().copied().filter(as_good).collect();
    // Of one family the best is taken, unless one with fewer workers is as good.
    let candidates: Vec<usize> = equal
        .iter()
        .copied()
        .filter(|i| by_kind(i) == by_kind(&leader))
        .collect();
    let candidates = in_no_more_time(all, goal, candidates);
    let take = simplest(all, &candidates).unwrap_or(leader);
    let no_simpler = |i: &usize| by_kind(i) || !by_kind(&leader);
    decision.tied = equal
        .into_iter()
        .filter(|i| *i != take && no_simpler(i))
        .collect();
    // What has the best figure, if what is taken is as good.
    decision.best = best.filter(|&b| b == leader || take == leader);
    decision.best = decision.best.or(Some(leader));
    let kind = |i: usize| all[i].candidate.kind();
    decision.ground = if decision.best.map(kind) == Some(kind(take)) {
        Ground::Best
    } else {
        Ground::Simplest
    };
    decision.take = Some(take);
    if let Some(ground) = baseline.and_then(|b| too_little(&all[b], &all[take], goal)) {
        decision.take = baseline;
        decision.ground = ground;
    }
    decision
}

/// Of those that are as good by memory or money, those that do not take much longer than the quickest of them: simplicity is not worth everything.
fn in_no_more_time(all: &[Fared], goal: &Goal, equal: Vec<usize>) -> Vec<usize> {
    let speed = match goal.priority {
        Priority::Latency | Priority::Throughput | Priority::Simplicity => true,
        Priority::Memory | Priority::Cost => false,
    };
    if speed {
        return equal;
    }
    let times = |i: usize| {
        [Quantity::Makespan, Quantity::LatencyMean].map(|q| all[i].get(q).unwrap_or(f64::INFINITY))
    };
    let least = |which: usize| {
        let each = equal.iter().map(|&i| times(i)[which]);
        each.fold(f64::INFINITY, f64::min)
    };
    let least = [least(0), least(1)];
    let quick = |i: usize| (0..2).all(|which| times(i)[which] <= WORTH * least[which]);
    let kept: Vec<usize> = equal.iter().copied().filter(|&i| quick(i)).collect();
    if kept.is_empty() { equal } else { kept }
}

/// The simplest of some that are as good: of each family the one whose processes start as usual, with the fewest workers, and of families that are as simple the one that takes
/// the least memory.
fn simplest(all: &[Fared], equal: &[usize]) -> Option<usize> {
    let fewest = |kind: (Family, bool)| {
        let of = equal
            .iter()
            .copied()
            .filter(|&i| all[i].candidate.kind() == kind);
        of.min_by_key(|&i| (!all[i].usual, all[i].weight(), i))
    };
    let memory = |i: usize| all[i].get(Quantity::MemoryPeak).unwrap_or(f64::INFINITY);
    let kinds = Family::ALL
        .into_iter()
        .flat_map(|f| [(f, false), (f, true)]);
    kinds.filter_map(fewest).min_by(|&a, &b| {
        let simple = |i: usize| all[i].candidate.complexity();
        simple(a)
            .cmp(&simple(b))
            .then(memory(a).total_cmp(&memory(b)))
    })
}

/// Whether one is as good as the best: within a small difference, or one that may be chance.
pub(super) fn is_as_good(best: &Fared, other: &Fared, goal: &Goal, factor: f64) -> bool {
    let (Some(a), Some(b)) = (measured(best, goal), measured(other, goal)) else {
        return false;
    };
    if b <= a * factor * (1.0 + SAME) {
        return true;
    }
    if best.candidate.placement != other.candidate.placement {
        // Simulated apart, and not in pairs: the interval of the difference is made of both.
        return b <= a * factor * (1.0 + 3.0 * SAME) && may_be_chance(best, other, goal);
    }
    // Paired replications tell differences from chance better than two intervals do.
    let same_metric = goal
        .metric
        .quantity()
        .is_none_or(|q| other.forecast.get(q) == other.value());
    let behind = other.forecast.behind_best().filter(|_| same_metric);
    b <= a * factor * (1.0 + 3.0 * SAME)
        && behind.is_some_and(|d: Estimate| d.covers(0.0) && d.half().is_some())
}

/// Whether the difference of two that were simulated independently is within its interval.
fn may_be_chance(best: &Fared, other: &Fared, goal: &Goal) -> bool {
    let Some(q) = goal.metric.quantity() else {
        return false;
    };
    let both = best.forecast.get(q).zip(other.forecast.get(q));
    both.is_some_and(|(a, b)| match (a.half(), b.half()) {
        (Some(x), Some(y)) => libm::fabs(b.mean - a.mean) <= libm::hypot(x, y),
        _ => false,
    })
}

/// Why the single thread is to be preferred to this, if so.
fn too_little(baseline: &Fared, taken: &Fared, goal: &Goal) -> Option<Ground> {
    let speed = match goal.priority {
        Priority::Latency | Priority::Throughput | Priority::Simplicity => true,
        Priority::Memory | Priority::Cost => false,
    };
    if !speed
        || taken.candidate.family == Family::SingleThread
        || baseline.excluded.is_some()
        || baseline.standing() > taken.standing()
    {
        return None;
    }
    let (a, b) = measured(baseline, goal).zip(measured(taken, goal))?;
    if a < WORTH * b {
        return Some(Ground::NotWorthIt(a / b));
    }
    let batch = goal.metric == crate::scenario::Metric::Makespan;
    (batch && a - b < NOTICED).then_some(Ground::TooSmall(a - b))
}
