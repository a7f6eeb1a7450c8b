//! The number of replications of each case: the allocation engine of every study.
//!
//! The question is which case is best, and how good it is; not how bad the others are. So replications go where they decide something, as
//! in optimal computing budget allocation (Chen, Lin, Yücesan and Chick 2000; with common random numbers Fu, Hu, Chen and Xiong 2007): in
//! proportion to the variance of a case's difference from the best over the square of that difference. A case that is worse beyond doubt
//! keeps the fewest. The best case, and those that may still be as good, go on together (their differences are taken replication by
//! replication) until their order is settled, or no difference above the precision is left to settle, and until the best is known as
//! precisely as was asked for. Undecided objectives and failure rates get replications until they are decided, too.
//!
//! All of it follows from counts of events and from intervals, never from a clock: it is the same on every machine, with any number of
//! threads.

use super::ranking::{RankedCase, least_failing};
use crate::measure::cautious;
use crate::result::{FAILS_MORE, Standing, Status, TIE, Tier, answer};

/// Fewest replications of any case that works: an interval from fewer says nothing.
pub(super) const FEWEST: u32 = 3;

/// What is asked for, and what may be spent on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct EffortGoal {
    /// Exact number of replications of every case, if it is given.
    pub fixed: Option<u32>,
    /// Whether every case has to reach the precision, and not only the best.
    pub all: bool,
    /// Number of replications that the best case has at least.
    pub first: u32,
    /// Precision: relative half-width of the metric's interval.
    pub precision: f64,
    /// Half-width of an objective's interval, as a share of its bound, at which it stays undecided.
    pub objective_precision: f64,
    /// Most replications of a case.
    pub most: u32,
    /// Budget of events for the whole study.
    pub budget: u64,
    /// Whether large values of the metric are good.
    pub large: bool,
}

/// What a case has had so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct EffortSpent {
    /// Number of replications.
    pub have: u32,
    /// Mean number of events of a replication.
    pub each: u64,
    /// Whether further replications would tell nothing.
    pub hopeless: bool,
}

/// The number of replications that each case is to have at the end of the next round, by its index; for a case that is done, what it has.
/// `ranked` are all cases ranked by the results so far, `baseline` is the index of the one that speed-ups are relative to.
pub(super) fn goals(
    ranked: &[RankedCase],
    spent: &[EffortSpent],
    baseline: Option<usize>,
    goal: &EffortGoal,
) -> Vec<u32> {
    let hopeful = || (0..spent.len()).filter(|&c| !spent[c].hopeless);
    let least = goal.fixed.unwrap_or(FEWEST);
    if hopeful().any(|c| spent[c].have < least) || goal.fixed.is_some() {
        let mut goals: Vec<u32> = spent.iter().map(|s| s.have).collect();
        hopeful().for_each(|c| goals[c] = goals[c].max(least));
        return goals;
    }
    let ReplicationGoals { first, all } = wishes(ranked, spent, baseline, goal);
    limited(&first, &all, spent, goal.budget)
}

/// Numbers of replications that the cases would have if events cost nothing.
struct ReplicationGoals {
    /// Those that precede all others: for the best case, until it is as precise as was asked for.
    first: Vec<u32>,
    /// All of them.
    all: Vec<u32>,
}

fn wishes(
    ranked: &[RankedCase],
    spent: &[EffortSpent],
    baseline: Option<usize>,
    goal: &EffortGoal,
) -> ReplicationGoals {
    let mut goals: Vec<u32> = spent.iter().map(|s| s.have).collect();
    let mut first = goals.clone();
    let mut wish = |case: usize, n: u32| goals[case] = goals[case].max(n.min(goal.most));
    let fine = |e: &&RankedCase| e.forecast.tier != Tier::NoForecast;
    // A case without rank is the baseline that nobody asked for: it is no rival.
    let compared = |e: &&RankedCase| e.forecast.rank.is_some();
    let working: Vec<&RankedCase> = ranked.iter().filter(fine).filter(compared).collect();
    // By chance a short run looks saturated more easily than a long one.
    for e in ranked
        .iter()
        .filter(|e| e.forecast.status == Status::Saturated)
    {
        wish(e.case, goal.first);
    }
    if goal.all {
        for e in ranked.iter().filter(fine) {
            wish(e.case, goal.first.max(for_precision(e, spent, goal)));
        }
        return ReplicationGoals { first, all: goals };
    }
    if let Some(best) = working.first() {
        let standings: Vec<Standing> = working
            .iter()
            .map(|e| Standing::from(&e.forecast))
            .collect();
        let take = answer(&standings, goal.large).map_or(0, |a| a.take);
        // The best case, and the case to take, are made precise before any other.
        let leaders = [*best, working[take]];
        let precisely = |e: &RankedCase| for_precision(e, spent, goal).max(goal.first);
        let precise = precisely(leaders[0]).max(precisely(leaders[1]));
        for e in leaders {
            first[e.case] = first[e.case].max(precise.min(goal.most));
        }
        let rivals: Vec<&RankedCase> = working[1..]
            .iter()
            .filter(|e| e.forecast.tier == best.forecast.tier && !clearly_worse(e, best, goal))
            .copied()
            .collect();
        let settles = rivals.iter().map(|e| for_order(e, best, spent, goal));
        let together = settles.max().unwrap_or(precise).max(precise);
        for e in rivals.into_iter().chain(leaders) {
            wish(e.case, together);
        }
        // Speed-ups are taken replication by replication as well.
        let against = ranked
            .iter()
            .filter(fine)
            .find(|e| Some(e.case) == baseline);
        if let Some(b) = against {
            wish(b.case, together);
        }
        let sound = least_failing(working.iter().copied());
        let of = u32::try_from(working.len()).unwrap_or(u32::MAX);
        for e in &working {
            wish(e.case, for_objectives(e, spent, goal));
            if let Some(sound) = sound {
                let n = for_failures(e, sound, of, spent, goal);
                wish(e.case, n);
                if n > spent[e.case].have {
                    wish(sound.case, n);
                }
            }
        }
    }
    ReplicationGoals { first, all: goals }
}

/// Whether a case is worse than the best by more than a tie, beyond the chance of their difference and of each case by itself: the values
/// shown for both then never contradict their order.
fn clearly_worse(e: &RankedCase, best: &RankedCase, goal: &EffortGoal) -> bool {
    let (Some(a), Some(b)) = (e.forecast.primary(), best.forecast.primary()) else {
        return false;
    };
    let Some(d) = e.column.behind(&best.column).filter(|d| d.half().is_some()) else {
        return false;
    };
    let (least, apart) = if goal.large {
        (-d.high(), a.high() < b.low())
    } else {
        (d.low(), a.low() > b.high())
    };
    apart && least > TIE * b.mean.abs()
}

/// Number of replications after which an interval of half-width `half` is narrowed to `to`; at most twice as many as so far, since the
/// width itself is an estimate.
fn narrower(have: u32, half: f64, to: f64) -> u32 {
    let factor = half / to;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates"
    )]
    let needed = libm::ceil(f64::from(have) * factor * factor) as u32;
    needed.clamp(have + 1, have.saturating_mul(2))
}

fn have(e: &RankedCase, spent: &[EffortSpent]) -> u32 {
    spent[e.case].have
}

/// Number of replications until a case's metric is as precise as was asked for, with caution: stopping when an interval happens to be
/// narrow means stopping when it happens to be wrong.
fn for_precision(e: &RankedCase, spent: &[EffortSpent], goal: &EffortGoal) -> u32 {
    let n = have(e, spent);
    let relative = e.forecast.primary().and_then(|p| p.relative());
    match relative.map(|r| r * cautious(n)) {
        Some(r) if r > goal.precision => narrower(n, r, goal.precision),
        _ => n,
    }
}

/// Number of replications until a case's difference from the best is beyond chance, or chance is less than the precision.
fn for_order(e: &RankedCase, best: &RankedCase, spent: &[EffortSpent], goal: &EffortGoal) -> u32 {
    let n = have(e, spent).min(have(best, spent));
    let size = best.forecast.primary().map_or(0.0, |p| p.mean.abs());
    let Some((mean, half)) = e
        .column
        .behind(&best.column)
        .and_then(|d| Some((d.mean, d.half()?)))
    else {
        return n;
    };
    let enough = mean.abs().max(goal.precision * size);
    if half > enough && enough > 0.0 {
        narrower(n, half, enough)
    } else {
        n
    }
}

/// Number of replications until a case's objectives are decided, with the same caution, or their intervals are narrower than the precision.
fn for_objectives(e: &RankedCase, spent: &[EffortSpent], goal: &EffortGoal) -> u32 {
    let n = have(e, spent);
    let needed = e.forecast.objectives.iter().filter_map(|o| {
        let (value, half) = o
            .value
            .and_then(|v| Some((v.mean, v.half()? * cautious(n))))?;
        let enough = (value - o.bound)
            .abs()
            .max(goal.objective_precision * o.bound.abs());
        (half > enough && enough > 0.0).then(|| narrower(n, half, enough))
    });
    needed.max().unwrap_or(n)
}

/// Number of replications until it is beyond chance that a case fails more tasks than the one that fails least, or chance is less than what
/// counts.
fn for_failures(
    e: &RankedCase,
    sound: &RankedCase,
    of: u32,
    spent: &[EffortSpent],
    goal: &EffortGoal,
) -> u32 {
    let n = have(e, spent).min(have(sound, spent));
    let difference = e.column.fails_more(&sound.column);
    match difference.and_then(|d| d.half().map(|_| (d.mean, d.mean - d.low_of(of)))) {
        Some((mean, half)) if mean > FAILS_MORE && half > mean => {
            narrower(n, half, mean.max(FAILS_MORE)).min(goal.most)
        }
        _ => n,
    }
}

/// The wishes as far as the budget of events allows: first those that precede all others, then the others as long as half of the budget is
/// left. If the budget does not suffice, each case's wish is cut by the same share.
fn limited(first: &[u32], all: &[u32], spent: &[EffortSpent], budget: u64) -> Vec<u32> {
    let events = |n: u32, s: &EffortSpent| u128::from(n) * u128::from(s.each);
    let mut had: u128 = spent.iter().map(|s| events(s.have, s)).sum();
    let mut have: Vec<u32> = spent.iter().map(|s| s.have).collect();
    for (wishes, budget) in [(first, budget), (all, budget / 2)] {
        let left = u128::from(budget).saturating_sub(had);
        let more = |i: usize, have: &[u32]| events(wishes[i].saturating_sub(have[i]), &spent[i]);
        let asked: u128 = (0..have.len()).map(|i| more(i, &have)).sum();
        let share = |n: u32| {
            if asked <= left {
                n
            } else {
                u32::try_from(u128::from(n) * left / asked).unwrap_or(u32::MAX)
            }
        };
        let granted: Vec<u32> = (0..have.len())
            .map(|i| have[i] + share(wishes[i].saturating_sub(have[i])))
            .collect();
        let cost: u128 = (0..have.len())
            .map(|i| events(granted[i] - have[i], &spent[i]))
            .sum();
        had += cost;
        have = granted;
    }
    have
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(have: u32, each: u64) -> EffortSpent {
        EffortSpent {
            have,
            each,
            hopeless: false,
        }
    }

    #[test]
    fn the_first_come_before_all_others_and_others_stop_at_half() {
        let had = [spent(3, 100), spent(3, 100), spent(3, 100)];
        let (first, all) = ([10, 3, 3], [10, 10, 10]);
        // 900 events are spent, 700 are wished for first, and 1400 for the others.
        assert_eq!(limited(&first, &all, &had, u64::MAX), [10, 10, 10]);
        assert_eq!(limited(&first, &all, &had, 6_000), [10, 10, 10]);
        // Half of 4 600 leaves 700 for two cases that want 700 each: both get the same share.
        assert_eq!(limited(&first, &all, &had, 4_600), [10, 6, 6]);
        // Less than half is left for the others: only the best gets more.
        assert_eq!(limited(&first, &all, &had, 1_600), [10, 3, 3]);
        assert_eq!(limited(&first, &all, &had, 1_300), [7, 3, 3]);
        assert_eq!(limited(&first, &all, &had, 0), [3, 3, 3]);
    }

    #[test]
    fn an_interval_narrows_with_the_square_root() {
        assert_eq!(narrower(10, 0.028, 0.02), 20);
        assert_eq!(narrower(10, 0.024, 0.02), 15);
        // At least one more, at most twice as many.
        assert_eq!(narrower(10, 0.020_001, 0.02), 11);
        assert_eq!(narrower(10, 9.0, 0.02), 20);
    }

    #[test]
    fn a_given_number_is_the_same_for_all_that_can_be_simulated() {
        let mut had = [spent(1, 5), spent(1, 5), spent(0, 5)];
        had[2].hopeless = true;
        let goal = EffortGoal {
            fixed: Some(7),
            all: false,
            first: 10,
            objective_precision: 0.02,
            precision: 0.02,
            most: 100,
            budget: 1,
            large: false,
        };
        assert_eq!(goals(&[], &had, None, &goal), [7, 7, 0]);
        let free = EffortGoal {
            fixed: None,
            ..goal
        };
        assert_eq!(goals(&[], &had, None, &free), [FEWEST, FEWEST, 0]);
    }
}
