//! Ranks cases: which is best, which tie, and how much better each is than the sequential baseline.

use std::cmp::Ordering;

use super::forecast::judge;
use crate::engine::Nanos;
use crate::measure::{
    Estimate, extended, mean, paired_difference, ratio, unpaired_difference, unpaired_ratio,
};
use crate::quantity::Quantity;
use crate::result::{
    FAILS_MORE, Forecast, Judgement, SpeedupVerdict, Status, TIE, Tier, Verdict, excess,
};
use crate::scenario::{Metric, Scenario};

/// Relative difference of costs below which two cases cost about the same.
const CHEAPER: f64 = 0.1;

/// The values of a case's replications that are compared with other cases.
#[derive(Clone, Debug, Default)]
pub(super) struct ReplicationSeries {
    /// Values of the metric by which the study ranks.
    pub primary: Vec<f64>,
    /// Estimate of the metric from these values alone.
    pub own: Option<Estimate>,
    /// Shares (0 to 1) of tasks that failed or timed out.
    pub failing: Vec<f64>,
    /// The control variate (see [`Sample::control`](super::sample::Sample::control)).
    pub control: Vec<f64>,
    /// Start of the time that counts.
    pub start: Nanos,
    /// Whether a case that begins to count at the same time counts the same tasks.
    pub same_tasks: bool,
}

impl ReplicationSeries {
    /// Whether replications of the two cases count the same tasks, and so may be compared in pairs.
    pub(super) fn pairs_with(&self, other: &Self) -> bool {
        self.same_tasks && other.same_tasks && self.start == other.start
    }

    /// Whether the intervals of the two cases alone tell which is better: pairs are not needed then, and with few replications would only
    /// add the other's noise.
    fn apart(&self, other: &Self) -> bool {
        let known = self.own.zip(other.own);
        known.is_some_and(|(a, b)| {
            a.half().is_some() && b.half().is_some() && (a.low() > b.high() || a.high() < b.low())
        })
    }

    /// The metric's difference from another case, if both have values.
    pub(super) fn behind(&self, other: &Self) -> Option<Estimate> {
        if !self.pairs_with(other) {
            return unpaired_difference(&self.primary, &other.primary);
        }
        let difference = match self.primary.len().cmp(&other.primary.len()) {
            Ordering::Equal => None,
            Ordering::Less if !self.apart(other) => {
                extended(&self.primary, &other.primary).map(|(_, d)| d)
            }
            // A case that has more replications than the best was once thought to be the best.
            Ordering::Less | Ordering::Greater => {
                unpaired_difference(&self.primary, &other.primary)
            }
        };
        difference.or_else(|| paired_difference(&self.primary, &other.primary, &self.control))
    }

    /// The difference of the share of failing tasks from another case.
    pub(super) fn fails_more(&self, other: &Self) -> Option<Estimate> {
        if self.pairs_with(other) {
            paired_difference(&self.failing, &other.failing, &[])
        } else {
            unpaired_difference(&self.failing, &other.failing)
        }
    }

    /// Whether the case fails more tasks than the one that fails least, by more than [`FAILS_MORE`] and beyond chance. The least of many is
    /// low by chance, so the level is divided by their number (Bonferroni).
    fn fails_beyond_chance(&self, (least, of): &(Self, u32)) -> bool {
        self.fails_more(least)
            .is_some_and(|m| m.mean > FAILS_MORE && m.low_of(*of) > 0.0)
    }

    /// Mean share (0 to 1) of tasks that fail.
    pub(super) fn mean_failing(&self) -> f64 {
        mean(&self.failing).unwrap_or(0.0)
    }

    fn over(&self, other: &Self) -> Option<Estimate> {
        if self.pairs_with(other) {
            ratio(&self.primary, &other.primary)
        } else {
            unpaired_ratio(&self.primary, &other.primary)
        }
    }
}

/// A case to be ranked.
#[derive(Clone, Debug)]
pub(super) struct RankedCase {
    pub forecast: Forecast,
    pub column: ReplicationSeries,
    /// Index of the case.
    pub case: usize,
}

impl RankedCase {
    fn works(&self) -> bool {
        self.forecast.status == Status::Fine && self.forecast.primary().is_some()
    }

    /// Sets the tier of the case, judging by intervals.
    pub(super) fn assign_tier(&mut self, sound: &Sound) {
        let fails = sound
            .as_ref()
            .is_some_and(|s| self.column.fails_beyond_chance(s));
        let f = &mut self.forecast;
        let missed = |o: &Judgement| o.verdict == Verdict::Missed;
        f.tier = if f.status != Status::Fine || f.primary().is_none() {
            Tier::NoForecast
        } else if fails {
            Tier::Fails
        } else if f.objectives.iter().any(missed) {
            Tier::Misses
        } else {
            Tier::Meets
        };
        f.excess = excess(&f.objectives);
    }

    /// Extends the metric to as many replications as the best case has, and judges the objectives about it again.
    fn extend_by(&mut self, best: &ReplicationSeries, scenario: &Scenario, metric: Metric) {
        if !self.works() {
            return;
        }
        let paired = self.column.pairs_with(best) && !self.column.apart(best);
        let known = paired
            .then(|| extended(&self.column.primary, &best.primary))
            .flatten();
        self.forecast.ranked.value = known.map(|(mean, _)| mean).or(self.column.own);
        if let Some(q) = metric.quantity() {
            self.forecast.values[q as usize] = self.forecast.primary();
        }
        let known = self.forecast.primary();
        for (judged, o) in self
            .forecast
            .objectives
            .iter_mut()
            .zip(&scenario.objectives)
        {
            if o.metric == metric {
                *judged = Judgement {
                    recovery: judged.recovery.take(),
                    ..judge(o, known)
                };
            }
        }
    }
}

/// What failing shares are compared with: the column of the case that fails least, and the number of cases that work; `None` if none works.
pub(super) type Sound = Option<(ReplicationSeries, u32)>;

/// The case that fails the least share of its tasks, as far as is known, and the number of cases that work.
pub(super) fn sound(all: &[RankedCase]) -> Sound {
    let working = || all.iter().filter(|e| e.works());
    let least = least_failing(working())?;
    Some((
        least.column.clone(),
        u32::try_from(working().count()).unwrap_or(u32::MAX),
    ))
}

/// The case that fails the least share of its tasks; the first of equal ones.
pub(super) fn least_failing<'a>(
    cases: impl Iterator<Item = &'a RankedCase>,
) -> Option<&'a RankedCase> {
    cases.min_by(|a, b| a.column.mean_failing().total_cmp(&b.column.mean_failing()))
}

/// Sorts cases by tiers, and within a tier by the metric. The sort is stable: equal cases keep the order in which they were named.
fn sort(all: &mut [RankedCase], most: bool) {
    let status = |f: &Forecast| match f.status {
        Status::Fine => 0u8,
        Status::Saturated => 1,
        Status::OutOfMemory
        | Status::Deadlock
        | Status::EventLimit
        | Status::ClockEnd
        | Status::Crashed
        | Status::NothingCompleted => 2,
        Status::Unsupported => 3,
    };
    let metric = |f: &Forecast| match f.primary() {
        Some(p) if f.tier != Tier::NoForecast => {
            if most {
                -p.mean
            } else {
                p.mean
            }
        }
        _ => 0.0,
    };
    all.sort_by(
        |RankedCase { forecast: a, .. }, RankedCase { forecast: b, .. }| {
            a.tier
                .cmp(&b.tier)
                .then(status(a).cmp(&status(b)))
                .then(metric(a).total_cmp(&metric(b)))
        },
    );
}

/// Ranks the cases by tiers, and within a tier by the metric, least first unless large values are good. A case ties with the leader of the
/// group before it if their difference may be zero, or is below [`TIE`]. Cases without a steady, complete forecast come last, in an order
/// of their own.
pub(super) fn rank(
    mut all: Vec<RankedCase>,
    baseline: Option<&ReplicationSeries>,
    scenario: &Scenario,
    metric: Metric,
) -> Vec<RankedCase> {
    let most = !metric.less_is_better();
    let sound = sound(&all);
    all.iter_mut().for_each(|e| e.assign_tier(&sound));
    sort(&mut all, most);
    // Cases with fewer replications than the best are extended by it, which may show that another case is the best. Noise alone could let
    // two take turns for ever.
    for _ in 0..3 {
        let Some(best) = all.first().map(|e| (e.case, e.column.clone())) else {
            break;
        };
        for e in &mut all {
            e.extend_by(&best.1, scenario, metric);
            e.assign_tier(&sound);
        }
        sort(&mut all, most);
        if all[0].case == best.0 {
            break;
        }
    }
    let level = lightest_first(&mut all);
    let best = all.first().map(|e| e.column.clone()).unwrap_or_default();
    let shown = all.first().and_then(|e| e.forecast.primary());
    let mut leader = 0;
    for i in 0..all.len() {
        if !all[i].works() {
            continue;
        }
        let tied = i < level
            || all[i].forecast.tier == all[leader].forecast.tier && ties(&all[i], &all[leader]);
        if i > 0 && tied {
            all[leader].forecast.tied = true;
            all[i].forecast.tied = true;
        } else {
            leader = i;
        }
        let RankedCase {
            forecast, column, ..
        } = &mut all[i];
        forecast.rank = u32::try_from(leader + 1).ok();
        forecast.paired = column.pairs_with(&best);
        let means = forecast.primary().zip(shown).map(|(a, b)| a.mean - b.mean);
        forecast.ranked.behind_best = column
            .behind(&best)
            .filter(|_| i > 0)
            .map(|d| about(d, means));
        forecast.speedup = baseline.and_then(|b| {
            let own = forecast.primary().zip(b.own);
            if most {
                let means = own.map(|(f, b)| f.mean / b.mean);
                column.over(b).map(|r| about(r, means))
            } else {
                let means = own.map(|(f, b)| b.mean / f.mean);
                b.over(column).map(|r| about(r, means))
            }
        });
        forecast.reading = forecast.speedup.map(|s| SpeedupVerdict::of(s.mean));
    }
    all
}

/// Puts the case that costs least first among those that are about as good as the best: one who is free to choose takes the strategy that
/// leaves most of the machine to others. CPU time counts first, then memory, each if it differs by more than [`CHEAPER`].
///
/// Returns the number of cases that are about as good. They tie whichever of them leads, since a share of one value is not quite that of
/// another.
fn lightest_first(all: &mut [RankedCase]) -> usize {
    let cost = |e: &RankedCase, of: Quantity| e.forecast.get(of).map_or(f64::INFINITY, |c| c.mean);
    let Some((best, others)) = all.split_first().filter(|(best, _)| best.works()) else {
        return 0;
    };
    let as_good = |e: &RankedCase| {
        let behind = e.column.behind(&best.column);
        e.works()
            && e.forecast.tier == best.forecast.tier
            && behind.is_some_and(|d| is_small(d, best))
    };
    // Means are sorted, so the cases that are as good as the best come next.
    let few = 1 + others.iter().take_while(|e| as_good(e)).count();
    let mut candidates: Vec<usize> = (0..few).collect();
    for of in [Quantity::Cpu, Quantity::MemoryPeak] {
        let costs = candidates.iter().map(|&i| cost(&all[i], of));
        let most = costs.fold(f64::INFINITY, f64::min) * (1.0 + CHEAPER);
        candidates.retain(|&i| cost(&all[i], of) <= most || !most.is_finite());
    }
    let lightest = candidates.first().copied().unwrap_or(0);
    all[..=lightest].rotate_right(1);
    few
}

/// The interval centred on the difference of the means that are shown: what is said of two cases never contradicts their rows.
fn about(e: Estimate, mean: Option<f64>) -> Estimate {
    match mean.filter(|m| m.is_finite()) {
        Some(mean) => e.around(mean),
        None => e,
    }
}

/// Whether a difference from a case is below [`TIE`].
fn is_small(difference: Estimate, of: &RankedCase) -> bool {
    let size = of.forecast.primary().map_or(0.0, |p| p.mean.abs());
    difference.mean.abs() <= TIE * size
}

fn ties(a: &RankedCase, b: &RankedCase) -> bool {
    let Some(difference) = a.column.behind(&b.column) else {
        return false;
    };
    is_small(difference, b) || (difference.half().is_some() && difference.covers(0.0))
}
