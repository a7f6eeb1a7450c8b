//! Decides among what was simulated.

use super::constraints::Priority;
use super::family::Family;
use super::survey::{Fared, Goal, by_capacity, figure, measured, ordered};
use crate::measure::{Estimate, paired_difference};
use crate::quantity::Quantity;

/// Why what was taken is taken. Nothing else that may be taken has a better figure where it is the best; else what has one is named, and why it is
/// not taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ground {
    /// It is the best of those that may be taken.
    Best,
    /// Another has a better figure, but no more than counts, and this is preferred to it.
    AsGood {
        /// What has the best figure.
        best: usize,
        /// Why that is no better.
        tie: Tie,
    },
    /// A single thread: what would be taken instead is hardly faster.
    NotWorthIt {
        /// What would be taken.
        instead: usize,
        /// So many times as good as a single thread.
        times: f64,
    },
    /// A single thread: what would be taken instead saves less time in all than it takes to notice.
    TooSmall {
        /// What would be taken.
        instead: usize,
        /// So many seconds.
        saved: f64,
    },
}

/// Why one with a better figure is no better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    /// The difference is a small share of the figure.
    Small,
    /// The difference may be chance.
    Chance,
    /// Simplicity matters most, and the better figure is less than twice as good.
    Simple,
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
    /// What has the best figure of those that are better than what is taken, but do what is required only as far as can be told.
    pub unsure: Option<usize>,
    /// Others that are as good as the best, and no simpler than what is taken.
    pub tied: Vec<usize>,
    /// The single thread.
    pub baseline: Option<usize>,
}

/// Difference, as a share of the better value, that is worth no complexity.
pub(super) const SAME: f64 = 0.03;
/// Difference, as a share of the better value, up to which it may be chance: what is worse by more is not taken for as good, however few runs
/// there are.
const CHANCE: f64 = 3.0 * SAME;
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
    let by_kind = |&i: &usize| all[i].candidate.placement.is_some();
    let allowed = allowed(all, &order);
    let alike = allowed.iter().copied().find(|i| !by_kind(i));
    let own = allowed.iter().copied().find(by_kind);
    let mut decision = Decision {
        order,
        take: None,
        ground: Ground::Best,
        unsure: None,
        tied: Vec::new(),
        baseline,
    };
    // Whether nothing of some that is as sure is better than this: not the best of them alone, for what may be chance beside that one need not be
    // chance beside another.
    let figure = |i: usize| measured(&all[i], goal).unwrap_or(f64::INFINITY);
    let is_as_good = |i: usize, some: &dyn Fn(&usize) -> bool| {
        let better = |&&j: &&usize| {
            some(&j) && all[j].standing() <= all[i].standing() && figure(j) < figure(i)
        };
        let mut better = allowed.iter().filter(better);
        better.all(|&j| tie(&all[j], &all[i], goal).is_some())
    };
    // Telling kinds of tasks apart has to be better than whatever treats all alike, and as sure.
    let leader = match (alike, own) {
        (Some(alike), Some(_)) if is_as_good(alike, &by_kind) => alike,
        (_, Some(own)) => own,
        (Some(alike), None) => alike,
        (None, None) => return decision,
    };
    let as_good =
        |&i: &usize| all[i].standing() == all[leader].standing() && is_as_good(i, &|_| true);
    let equal: Vec<usize> = allowed.iter().copied().filter(as_good).collect();
    // Of one family the best is taken, unless one with fewer workers is as good.
    let candidates: Vec<usize> = equal
        .iter()
        .copied()
        .filter(|i| by_kind(i) == by_kind(&leader))
        .collect();
    let candidates = in_no_more_time(all, goal, candidates);
    let take = simplest(all, &candidates, goal.current).unwrap_or(leader);
    let simple = |i: usize| all[i].candidate.complexity();
    decision.tied = equal
        .into_iter()
        .filter(|&i| i != take && simple(i) >= simple(take))
        .collect();
    if let Some(best) = ahead(all, goal, (&allowed, take), true) {
        let tie = tie(&all[best], &all[take], goal).unwrap_or(Tie::Small);
        decision.ground = Ground::AsGood { best, tie };
    }
    // What is better than what is taken is less sure to do what is required.
    decision.unsure = ahead(all, goal, (&allowed, take), false);
    decision.take = Some(take);
    if let Some(ground) = baseline.and_then(|b| too_little(all, (b, take), goal)) {
        decision.take = baseline;
        decision.ground = ground;
        decision.unsure = None;
        decision.tied = Vec::new();
    }
    decision
}

/// Of an order those that may be taken and do what is required.
fn allowed(all: &[Fared], order: &[usize]) -> Vec<usize> {
    let may = |&i: &usize| all[i].excluded.is_none() && all[i].standing() <= 1;
    order.iter().copied().filter(may).collect()
}

/// Of those that have a better figure than this, the best that is as good as it, or the best that is better.
fn ahead(
    all: &[Fared],
    goal: &Goal,
    (allowed, take): (&[usize], usize),
    as_good: bool,
) -> Option<usize> {
    let figure = |i: usize| measured(&all[i], goal).unwrap_or(f64::INFINITY);
    let better = allowed.iter().copied().filter(|&i| {
        figure(i) < figure(take) && tie(&all[i], &all[take], goal).is_some() == as_good
    });
    better.min_by(|&a, &b| figure(a).total_cmp(&figure(b)))
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

/// The simplest of some that are as good: of each family the one whose processes start as usual, with the fewest workers, and of families that are as simple what the
/// program does today, else the one that takes the least memory.
fn simplest(all: &[Fared], equal: &[usize], current: Family) -> Option<usize> {
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
        let other = |i: usize| all[i].candidate.kind() != (current, false);
        simple(a)
            .cmp(&simple(b))
            .then(other(a).cmp(&other(b)))
            .then(memory(a).total_cmp(&memory(b)))
    })
}

/// By how many times one may be worse than another that is as good but for a small difference, or for what simplicity is worth.
fn small(goal: &Goal) -> (f64, Tie) {
    match goal.priority {
        Priority::Simplicity => (SIMPLE, Tie::Simple),
        Priority::Latency | Priority::Throughput | Priority::Memory | Priority::Cost => {
            (1.0 + SAME, Tie::Small)
        }
    }
}

/// Why one is as good as the best, if it is: within a small difference, or one that may be chance.
pub(super) fn tie(best: &Fared, other: &Fared, goal: &Goal) -> Option<Tie> {
    let (a, b) = measured(best, goal).zip(measured(other, goal))?;
    let (times, tie) = small(goal);
    if b <= a * (1.0 + SAME) {
        return Some(Tie::Small);
    }
    if b <= a * times {
        return Some(tie);
    }
    (b <= a * (1.0 + CHANCE) && may_be_chance(best, other, goal)).then_some(Tie::Chance)
}

/// Whether the difference of two may be chance. Replications of the same arrivals and demands tell it in pairs; what was simulated apart, or
/// where there is always work, by the intervals of both.
fn may_be_chance(best: &Fared, other: &Fared, goal: &Goal) -> bool {
    let together = best.forecast.paired
        && other.forecast.paired
        && best.candidate.placement == other.candidate.placement
        && !by_capacity(best, goal)
        && !by_capacity(other, goal);
    let values = best
        .replications(goal.metric)
        .zip(other.replications(goal.metric));
    if let Some((a, b)) = values.filter(|_| together) {
        let difference = paired_difference(b, a, &[]);
        return difference.is_some_and(|d: Estimate| d.half().is_some() && d.covers(0.0));
    }
    let both = figure(best, goal).zip(figure(other, goal));
    both.is_some_and(|(a, b)| match (a.half(), b.half()) {
        (Some(x), Some(y)) => libm::fabs(b.mean - a.mean) <= libm::hypot(x, y),
        _ => false,
    })
}

/// Why the single thread is to be preferred to what would be taken, if so.
fn too_little(all: &[Fared], (baseline, taken): (usize, usize), goal: &Goal) -> Option<Ground> {
    let (single, other) = (&all[baseline], &all[taken]);
    let speed = match goal.priority {
        Priority::Latency | Priority::Throughput | Priority::Simplicity => true,
        Priority::Memory | Priority::Cost => false,
    };
    if !speed
        || other.candidate.family == Family::SingleThread
        || single.excluded.is_some()
        || single.standing() > other.standing()
    {
        return None;
    }
    let (a, b) = measured(single, goal).zip(measured(other, goal))?;
    let instead = taken;
    if a < WORTH * b {
        let times = a / b;
        return Some(Ground::NotWorthIt { instead, times });
    }
    let saved = a - b;
    let batch = goal.metric == crate::scenario::Metric::Makespan;
    (batch && saved < NOTICED).then_some(Ground::TooSmall { instead, saved })
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::advise::constraints::Constraints;
    use crate::advise::survey::{Scale, Surveyor};
    use crate::cpython::profile::Profile;
    use crate::quantity::Quantity;
    use crate::result::Tier;
    use crate::scenario::Scenario;

    /// What decides of the simulated ones, and the scenario: figures of all kinds of approaches, to be changed.
    static SEEN: LazyLock<(Scenario, Vec<Fared>)> = LazyLock::new(|| {
        let text = "(schema: 1, name: \"x\", machine: (cores: 2), interpreters: [\"cpython-3.14\", \"cpython-3.14t\"],
            workload: (arrivals: Batch, tasks: [(name: \"a\", count: 6, steps: [Cpu(\"2ms\")]), (name: \"b\", count: 6, steps: [Io(\"2ms\")])]))";
        let scenario = Scenario::parse(text, &[]).unwrap();
        // Profiles that are shipped stand above this room: these two have their defaults, with the GIL and without.
        let free = Profile {
            name: "cpython-3.14t".into(),
            gil: false,
            ..Profile::default()
        };
        let profiles = [Profile::default(), free];
        let constraints = Constraints::default();
        let surveyor = Surveyor {
            profiles: &profiles,
            constraints: &constraints,
            placed: None,
            smaller: crate::advise::smaller::Smaller::NOTHING,
            threads: Some(1),
            progress: &|_| {},
            simulations: 0.into(),
            events: 0.into(),
        };
        let scale: Scale = surveyor.scale(&scenario).unwrap();
        let goal = Goal::usual(&scenario, &constraints);
        let seen = surveyor.glance(&scenario, &goal, scale).unwrap();
        (scenario, seen)
    });

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// Whatever the figures are and whatever matters most: what is said to be the best has no better beside it, what is said to be as good is
        /// that, and what is said to be no simpler is that.
        #[test]
        fn what_is_said_of_the_choice_holds(
            figures in prop::collection::vec((90.0..130.0f64, 0.0..6.0f64, 0..12u8), 128),
            priority in prop::sample::select(Priority::ALL.to_vec()),
        ) {
            let (scenario, seen) = &*SEEN;
            let mut all = seen.clone();
            for (f, (mean, half, luck)) in all.iter_mut().zip(figures.iter().cycle()) {
                for (i, q) in [Quantity::Makespan, Quantity::P95, Quantity::LatencyMean, Quantity::MemoryPeak, Quantity::Cpu].into_iter().enumerate() {
                    let mean = mean + 7.0 * ((i as f64 + half) % 3.0);
                    f.forecast.values[q as usize] = Some(Estimate::new(mean, Some(*half), mean, 5));
                }
                f.excluded = (*luck == 0).then_some("it is");
                if *luck == 1 {
                    f.forecast.tier = Tier::Fails;
                }
            }
            let goal = Goal::of(scenario, &Constraints { priority: Some(priority), ..Constraints::default() });
            let decision = decide(&all, &goal);
            let Some(take) = decision.take else {
                prop_assert!(all.iter().all(|f| f.excluded.is_some() || f.standing() > 1));
                return Ok(());
            };
            let figure = |i: usize| measured(&all[i], &goal).unwrap();
            let allowed = allowed(&all, &decision.order);
            prop_assert!(allowed.contains(&take) && decision.unsure.is_none());
            let best = allowed.iter().map(|&i| figure(i)).fold(f64::INFINITY, f64::min);
            match decision.ground {
                Ground::Best => prop_assert!(figure(take) <= best),
                Ground::AsGood { best: named, tie } => {
                    prop_assert!(figure(named) < figure(take));
                    prop_assert!(figure(named) <= best, "{} {best}", figure(named));
                    let most = match tie {
                        Tie::Small => 1.0 + SAME,
                        Tie::Chance => 1.0 + CHANCE,
                        Tie::Simple => 2.0,
                    };
                    prop_assert!(figure(take) <= most * best);
                    prop_assert!((tie == Tie::Simple) <= (priority == Priority::Simplicity));
                }
                Ground::NotWorthIt { instead, times } => {
                    prop_assert!(times < WORTH && (figure(take) - times * figure(instead)).abs() < 1e-9);
                    prop_assert_eq!(Some(take), decision.baseline);
                }
                Ground::TooSmall { instead, saved } => {
                    prop_assert!(saved < NOTICED && figure(take) - figure(instead) == saved);
                    prop_assert_eq!(Some(take), decision.baseline);
                }
            }
            for &i in &decision.tied {
                prop_assert!(all[i].candidate.complexity() >= all[take].candidate.complexity());
                prop_assert!(figure(i) <= 2.0 * best);
            }
        }
    }
}
