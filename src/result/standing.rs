//! Which case to take. Cases stand in tiers, and the metric decides within a tier only: what does not work, fails tasks that another
//! completes, or misses an objective is no match for what does better, however fast it is.

use serde::{Deserialize, Serialize};

use super::forecast::{Forecast, Judgement, Status, Verdict};
use crate::measure::Estimate;
use crate::quantity::Quantity;

/// Differences below this share of the better case's value are not worth a rank.
pub const TIE: f64 = 0.01;

/// A failing share above the least of any case by more than this is worse, if it is beyond chance as well.
pub const FAILS_MORE: f64 = 0.001;

/// How a case stands before its metric is looked at; the best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Misses no objective (undecided ones count as met), and fails no more tasks than others.
    Meets,
    /// Misses an objective.
    Misses,
    /// Fails a larger share of its tasks than another case.
    Fails,
    /// Has no forecast that means anything: saturated, deadlocked, out of memory, unsupported, ...
    #[default]
    #[serde(rename = "no forecast")]
    NoForecast,
}

/// How far a case is over the objective that it misses by most, as a share of the bound: 0 where it misses none, infinite where it has no
/// value, or misses a bound of zero.
pub fn excess(objectives: &[Judgement]) -> f64 {
    objectives.iter().map(Judgement::excess).fold(0.0, f64::max)
}

impl Judgement {
    /// How far the value is over the bound, as a share of it: 0 unless missed; infinite without a value or with a bound of zero.
    pub fn excess(&self) -> f64 {
        match (self.verdict, self.value) {
            (Verdict::Met | Verdict::Undecided, _) => 0.0,
            (Verdict::Missed, Some(v)) if self.bound > 0.0 => {
                (v.mean - self.bound).abs() / self.bound
            }
            (Verdict::Missed, _) => f64::INFINITY,
        }
    }
}

/// What the answer needs to know of a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// See [`Tier`].
    pub tier: Tier,
    /// Its place; `None` without a forecast.
    pub rank: Option<u32>,
    /// The metric that the study ranks by.
    pub metric: Option<f64>,
    /// See [`excess`].
    pub excess: f64,
    /// The metric's difference from that of the first place.
    pub behind: Option<Estimate>,
}

impl From<&Forecast> for Standing {
    fn from(f: &Forecast) -> Self {
        Self {
            tier: f.tier,
            rank: f.rank,
            metric: f.primary().map(|p| p.mean),
            excess: f.excess,
            behind: f.behind_best(),
        }
    }
}

/// Whether a failing share is above the least one by more than a trifle, and beyond chance.
#[must_use]
pub fn fails_more(fails: Estimate, least: f64) -> bool {
    fails.mean - least > FAILS_MORE && fails.low.is_none_or(|low| low > least)
}

/// The tiers of cases that are compared, where a result does not say them (version 0.1.0): what has a forecast always stands in one.
pub(super) fn tiers(cases: &mut [&mut Forecast]) {
    let failing = |f: &Forecast| f.get(Quantity::FailureRate);
    let fine = cases.iter().filter(|f| f.is_fine());
    let failures = fine.filter_map(|f| failing(f)).map(|e| e.mean);
    let least = failures.fold(f64::INFINITY, f64::min);
    for f in cases.iter_mut() {
        let known = f.tier != Tier::NoForecast || f.status != Status::Fine || f.primary().is_none();
        if known {
            continue;
        }
        f.tier = if failing(f).is_some_and(|e| fails_more(e, least)) {
            Tier::Fails
        } else if f.objectives.iter().any(|o| o.verdict == Verdict::Missed) {
            Tier::Misses
        } else {
            Tier::Meets
        };
    }
}

/// Which case to take, by its place in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The best of those that meet every objective; where none does, the one that is nearest to it.
    pub take: usize,
    /// Whether it meets every objective.
    pub meets: bool,
    /// Others that are as good.
    pub tied: Vec<usize>,
    /// The best by the metric alone, where that is another one, and better beyond chance.
    pub fastest: Option<usize>,
}

/// Which case to take; `most`: large metrics are the good ones. `None` where no case has a forecast that means anything.
pub fn answer(cases: &[Standing], most: bool) -> Option<Answer> {
    answer_within(cases, most, TIE)
}

/// [`answer`], where excesses that are apart by less than a share `tie` are about the same. (Over several points of a sweep the nearest is
/// one by value: about the same as what is about the same leads anywhere.)
pub fn answer_within(cases: &[Standing], most: bool, tie: f64) -> Option<Answer> {
    let metric = |i: usize| cases[i].metric.map(|m| if most { -m } else { m });
    let working = || {
        (0..cases.len()).filter(|&i| cases[i].tier != Tier::NoForecast && cases[i].metric.is_some())
    };
    let top = working().map(|i| cases[i].tier).min()?;
    let place = |i: usize| (cases[i].rank.unwrap_or(u32::MAX), i);
    let of_top = || working().filter(|&i| cases[i].tier == top);
    // Among those that meet everything the excess is zero, so that ranks decide; they do, too, among those that are about as near.
    let least = of_top()
        .map(|i| cases[i].excess)
        .fold(f64::INFINITY, f64::min);
    let as_near = |i: &usize| {
        let excess = cases[*i].excess;
        excess <= least || excess - least <= tie * (1.0 + least)
    };
    let take = of_top().filter(as_near).min_by_key(|&i| place(i))?;
    let tied = of_top()
        .filter(|&i| i != take && cases[i].rank.is_some() && cases[i].rank == cases[take].rank)
        .filter(|i| as_near(i) || (cases[*i].excess - cases[take].excess).abs() < TIE)
        .collect();
    let fastest = working()
        .min_by(|&a, &b| {
            metric(a)
                .partial_cmp(&metric(b))
                .unwrap_or(std::cmp::Ordering::Equal)
                .then(a.cmp(&b))
        })
        .filter(|&f| f != take && cases[f].rank != cases[take].rank)
        .filter(|&f| ahead(cases, f, take, most));
    Some(Answer {
        take,
        meets: top == Tier::Meets,
        tied,
        fastest,
    })
}

/// Whether a case is better than another by more than a tie, and by more than chance where that is known.
fn ahead(cases: &[Standing], a: usize, b: usize, most: bool) -> bool {
    let (Some(x), Some(y)) = (cases[a].metric, cases[b].metric) else {
        return false;
    };
    let gain = if most { x - y } else { y - x };
    // Differences are known from the first place alone.
    let difference = match (cases[a].behind, cases[b].behind) {
        (Some(d), None) | (None, Some(d)) => Some(d),
        _ => None,
    };
    gain > TIE * y.abs() && difference.is_none_or(|d| d.half().is_none() || !d.covers(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(tier: Tier, rank: u32, metric: f64, excess: f64) -> Standing {
        Standing {
            tier,
            rank: (tier != Tier::NoForecast).then_some(rank),
            metric: Some(metric),
            excess,
            behind: None,
        }
    }

    #[test]
    fn the_best_that_meets_everything_is_taken_and_the_fastest_is_named() {
        let cases = [
            standing(Tier::Meets, 1, 5.0, 0.0),
            standing(Tier::Meets, 2, 9.0, 0.0),
            standing(Tier::Misses, 3, 2.0, 0.3),
            standing(Tier::Fails, 4, 1.0, 0.0),
            standing(Tier::NoForecast, 0, 0.1, 0.0),
        ];
        let a = answer(&cases, false).unwrap();
        assert_eq!((a.take, a.meets, a.fastest), (0, true, Some(3)));
        assert_eq!(answer(&cases[..2], false).unwrap().fastest, None);
        assert_eq!(answer(&cases[4..], false), None);
        assert_eq!(answer(&[], false), None);
    }

    #[test]
    fn where_nothing_meets_the_nearest_is_taken() {
        let cases = [
            standing(Tier::Misses, 1, 2.0, 0.8),
            standing(Tier::Misses, 2, 3.0, 0.1),
            standing(Tier::Misses, 3, 4.0, f64::INFINITY),
        ];
        let a = answer(&cases, false).unwrap();
        assert_eq!((a.take, a.meets, a.fastest), (1, false, Some(0)));
    }

    #[test]
    fn what_is_hardly_nearer_is_no_nearer() {
        let mut cases = [
            standing(Tier::Misses, 1, 2.0, 0.51),
            standing(Tier::Misses, 2, 3.0, 0.40),
        ];
        assert_eq!(answer(&cases, false).unwrap().take, 1);
        cases[0].excess = 0.41;
        assert_eq!(answer(&cases, false).unwrap().take, 0);
    }

    #[test]
    fn equals_are_tied_and_none_of_them_is_the_fastest() {
        let cases = [
            standing(Tier::Meets, 1, 2.0, 0.0),
            standing(Tier::Meets, 1, 1.99, 0.0),
            standing(Tier::Misses, 3, 1.99, 0.5),
        ];
        let a = answer(&cases, false).unwrap();
        assert_eq!((a.take, a.tied, a.fastest), (0, vec![1], None));
    }

    #[test]
    fn much_is_good_of_a_throughput() {
        let cases = [
            standing(Tier::Meets, 1, 50.0, 0.0),
            standing(Tier::Misses, 2, 90.0, 0.2),
        ];
        assert_eq!(answer(&cases, true).unwrap().fastest, Some(1));
    }

    #[test]
    fn a_difference_that_may_be_chance_makes_no_fastest() {
        let mut cases = [
            standing(Tier::Meets, 1, 5.0, 0.0),
            standing(Tier::Misses, 2, 4.0, 0.2),
        ];
        let behind = |half| Estimate::new(-1.0, Some(half), -1.0, 5);
        cases[1].behind = Some(behind(2.0));
        assert_eq!(answer(&cases, false).unwrap().fastest, None);
        cases[1].behind = Some(behind(0.5));
        assert_eq!(answer(&cases, false).unwrap().fastest, Some(1));
    }
}
