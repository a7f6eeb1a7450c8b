//! The decision which case to take. Cases are in tiers, and the metric decides only within a tier: a case that does not work, that fails
//! tasks which another completes, or that misses an objective is no match for one that does better in this, however fast it is.

use serde::{Deserialize, Serialize};

use super::forecast::{Forecast, Judgement, Status, Verdict};
use crate::measure::Estimate;
use crate::quantity::Quantity;

/// Relative difference below which two cases are tied: a smaller one, as a share of the better value, is not worth a rank.
pub const TIE: f64 = 0.01;

/// Least difference of failing shares that counts: a case whose share is above the least one by more than this is worse, if the difference
/// is beyond chance as well.
pub const FAILS_MORE: f64 = 0.001;

/// The tier of a case, which precedes its metric; best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// It misses no objective (undecided ones count as met), and fails no more tasks than others.
    Meets,
    /// It misses an objective.
    Misses,
    /// It fails a larger share of its tasks than another case.
    Fails,
    /// It has no meaningful forecast: saturated, deadlocked, out of memory, unsupported, ...
    #[default]
    #[serde(rename = "no forecast")]
    NoForecast,
}

/// How far a case misses the objective that it misses by most, as a share of the bound: 0 if it misses none, infinite if it has no value,
/// or if it misses a bound of zero.
pub fn excess(objectives: &[Judgement]) -> f64 {
    objectives.iter().map(Judgement::excess).fold(0.0, f64::max)
}

impl Judgement {
    /// How far the value misses the bound, as a share of the bound: 0 unless missed, infinite without a value or with a bound of zero.
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

/// What the decision has to know of a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// The tier of the case.
    pub tier: Tier,
    /// Rank of the case; `None` without a forecast.
    pub rank: Option<u32>,
    /// Value of the metric by which the study ranks.
    pub metric: Option<f64>,
    /// How far it misses its objectives: see [`excess`].
    pub excess: f64,
    /// The metric's difference from that of the case in first place.
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

/// Whether a failing share is above the least one by more than [`FAILS_MORE`], and beyond chance.
#[must_use]
pub fn fails_more(fails: Estimate, least: f64) -> bool {
    fails.mean - least > FAILS_MORE && fails.low.is_none_or(|low| low > least)
}

/// Sets the tiers of compared cases if the result does not give them (version 0.1.0): every case that has a forecast is given one.
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

/// Which case to take, as an index into the list of cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The best of the cases that meet every objective; if none does, the one that comes nearest.
    pub take: usize,
    /// Whether that case meets every objective.
    pub meets: bool,
    /// Other cases that are as good.
    pub tied: Vec<usize>,
    /// The best case by the metric alone, if that is another one, and better beyond chance.
    pub fastest: Option<usize>,
}

/// Decides which case to take; `most` means that large metrics are good. `None` if no case has a meaningful forecast.
pub fn answer(cases: &[Standing], most: bool) -> Option<Answer> {
    answer_within(cases, most, TIE)
}

/// Decides like [`answer`], where excesses that differ by less than a share `tie` are about the same. (Over several points of a sweep, the
/// nearest case is the one with the least excess: "about the same" is not transitive.)
pub fn answer_within(cases: &[Standing], most: bool, tie: f64) -> Option<Answer> {
    let metric = |i: usize| cases[i].metric.map(|m| if most { -m } else { m });
    let working = || {
        (0..cases.len()).filter(|&i| cases[i].tier != Tier::NoForecast && cases[i].metric.is_some())
    };
    let top = working().map(|i| cases[i].tier).min()?;
    let place = |i: usize| (cases[i].rank.unwrap_or(u32::MAX), i);
    let of_top = || working().filter(|&i| cases[i].tier == top);
    // Cases that meet every objective have an excess of zero, so ranks decide; they decide as well among cases that come about as near.
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

/// Whether case `a` is better than case `b` by more than a tie, and by more than chance if that is known.
fn ahead(cases: &[Standing], a: usize, b: usize, most: bool) -> bool {
    let (Some(x), Some(y)) = (cases[a].metric, cases[b].metric) else {
        return false;
    };
    let gain = if most { x - y } else { y - x };
    // Differences are known only from the case in first place.
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
