//! Who is best, who is tied with whom, and how much better than the sequential baseline.

use super::forecast::{Forecast, Status, Verdict};
use super::standing::{FAILS_MORE, Tier, excess};
use crate::engine::Nanos;
use crate::measure::{Estimate, paired_difference, ratio, unpaired_difference, unpaired_ratio};

/// Differences below this share of the better case's value are not worth a rank.
pub const TIE: f64 = 0.01;

/// A case's replications as others are compared with them: a value for each.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    /// The metric that the study ranks by.
    pub primary: Vec<f64>,
    /// Share of tasks that failed or timed out.
    pub failing: Vec<f64>,
    /// The control variate (see [`Sample::control`](super::sample::Sample::control)).
    pub control: Vec<f64>,
    /// Start of the time that counts.
    pub start: Nanos,
    /// Whether another case that begins to count at the same time counts the same tasks.
    pub same_tasks: bool,
}

impl Column {
    /// Whether replications of the two count the same tasks, and so may be compared one by one.
    pub(super) fn pairs_with(&self, other: &Self) -> bool {
        self.same_tasks && other.same_tasks && self.start == other.start
    }

    /// The metric's difference from another case's.
    pub(super) fn behind(&self, other: &Self) -> Option<Estimate> {
        if self.pairs_with(other) {
            paired_difference(&self.primary, &other.primary, &self.control)
        } else {
            unpaired_difference(&self.primary, &other.primary)
        }
    }

    /// By which share of the tasks more fail than of another case's.
    pub(super) fn fails_more(&self, other: &Self) -> Option<Estimate> {
        if self.pairs_with(other) {
            paired_difference(&self.failing, &other.failing, &[])
        } else {
            unpaired_difference(&self.failing, &other.failing)
        }
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
pub(super) struct Entry {
    pub forecast: Forecast,
    pub column: Column,
    /// Its number among the cases.
    pub case: usize,
}

impl Entry {
    fn works(&self) -> bool {
        self.forecast.status == Status::Fine && self.forecast.primary.is_some()
    }
}

/// Ranks the cases (whose tiers are known) by tiers, and within a tier by their metric, least first unless `most`. A case ties with the leader of the group
/// before it if their difference may be nothing, or is below [`TIE`]. Cases without a steady, complete forecast come last, in their own
/// order.
pub(super) fn rank(mut all: Vec<Entry>, baseline: Option<&Column>, most: bool) -> Vec<Entry> {
    let status = |f: &Forecast| match f.status {
        Status::Fine => 0u8,
        Status::Saturated => 1,
        Status::OutOfMemory | Status::Deadlock | Status::EventLimit | Status::NothingCompleted => 2,
        Status::Unsupported(_) => 3,
    };
    let metric = |f: &Forecast| match f.primary {
        Some(p) if f.tier != Tier::NoForecast => {
            if most {
                -p.mean
            } else {
                p.mean
            }
        }
        _ => 0.0,
    };
    // A stable sort: equal cases stay in the order in which they were named.
    all.sort_by(|Entry { forecast: a, .. }, Entry { forecast: b, .. }| {
        a.tier
            .cmp(&b.tier)
            .then(status(a).cmp(&status(b)))
            .then(metric(a).total_cmp(&metric(b)))
    });
    let best = all.first().map(|e| e.column.clone()).unwrap_or_default();
    let mut leader = 0;
    for i in 0..all.len() {
        if !all[i].works() {
            continue;
        }
        if i > 0 && all[i].forecast.tier == all[leader].forecast.tier && ties(&all[i], &all[leader])
        {
            all[leader].forecast.tied = true;
            all[i].forecast.tied = true;
        } else {
            leader = i;
        }
        let Entry {
            forecast, column, ..
        } = &mut all[i];
        forecast.rank = u32::try_from(leader + 1).ok();
        forecast.paired = column.pairs_with(&best);
        forecast.behind_best = if i == 0 { None } else { column.behind(&best) };
        forecast.speedup =
            baseline.and_then(|b| if most { column.over(b) } else { b.over(column) });
    }
    all
}

/// Decides with intervals what each case is before its metric counts. The first `shown` are compared with each other.
pub(super) fn assign_tiers(all: &mut [Entry], shown: usize) {
    let failing = |e: &Entry| Estimate::of(&e.column.failing).map_or(0.0, |f| f.mean);
    let least = all[..shown]
        .iter()
        .filter(|e| e.works())
        .min_by(|a, b| failing(a).total_cmp(&failing(b)))
        .map(|e| e.column.clone());
    for e in all {
        let fails = || {
            let more = least.as_ref().and_then(|l| e.column.fails_more(l));
            more.is_some_and(|m| m.mean > FAILS_MORE && m.low() > 0.0)
        };
        let missed = |o: &super::forecast::Judgement| o.verdict == Verdict::Missed;
        e.forecast.tier = if !e.works() {
            Tier::NoForecast
        } else if fails() {
            Tier::Fails
        } else if e.forecast.objectives.iter().any(missed) {
            Tier::Misses
        } else {
            Tier::Meets
        };
        e.forecast.excess = excess(&e.forecast.objectives);
    }
}

fn ties(a: &Entry, b: &Entry) -> bool {
    let Some(difference) = a.column.behind(&b.column) else {
        return false;
    };
    let size = b.forecast.primary.map_or(0.0, |p| p.mean.abs());
    difference.mean.abs() <= TIE * size || (difference.half.is_some() && difference.covers(0.0))
}
