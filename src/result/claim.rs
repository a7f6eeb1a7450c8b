//! Claims: the answer of a study as statements about its figures. The first part of a report is made of them. Each claim can be checked
//! against the study that it is about, and tests do that with random studies.

use super::forecast::{Forecast, SpeedupVerdict, Status, Verdict};
use super::standing::{FAILS_MORE, Tier};
use super::study::Study;
use crate::measure::Estimate;
use crate::quantity::Quantity;

/// A statement that a study makes. Cases are given by their index in [`Study::forecasts`].
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// This case should be taken: no case that meets every objective is better.
    Best {
        /// The case.
        case: usize,
        /// Other cases that are as good.
        tied: Vec<usize>,
    },
    /// No case meets every objective; this one comes nearest.
    Nearest {
        /// The case.
        case: usize,
        /// Other cases that are as near and as good.
        tied: Vec<usize>,
        /// Other cases that are as good by the metric, but further from the objectives.
        further: Vec<usize>,
        /// Index of the objective that it misses by most.
        objective: usize,
        /// How far it misses that objective, as a share of the bound; infinite if it has no value, or if the bound is zero.
        off: f64,
    },
    /// At this precision it is not known whether the case to take meets these objectives; they count as met.
    Undecided {
        /// The case.
        case: usize,
        /// Indices of the objectives.
        objectives: Vec<usize>,
    },
    /// This share of the tasks of the case to take fails, so its latencies and throughput are those of the other tasks.
    Failing {
        /// The case.
        case: usize,
        /// The share, from 0 to 1.
        share: f64,
    },
    /// This case is the best by the metric alone, but should not be taken.
    Fastest {
        /// The case.
        case: usize,
        /// The case to take.
        instead: usize,
        /// The difference of the metric that taking the other case costs.
        costs: Estimate,
        /// The reason against it.
        because: Drawback,
    },
    /// This case comes next after the case to take and those that are as good.
    Next {
        /// The case.
        case: usize,
        /// Its difference from the case to take.
        behind: Estimate,
        /// Why it is in a lower tier, if it is.
        but: Option<Drawback>,
    },
    /// Sequential code does as well, or nearly so.
    DoesNotPay {
        /// Whether sequential code is the case to take itself (or as good as that).
        sequential: bool,
    },
    /// No case keeps up with the arrivals; this one completes most.
    NoneKeepsUp {
        /// The case.
        case: usize,
        /// Completed tasks per second.
        done: f64,
    },
    /// No case has a meaningful forecast.
    NoForecast,
}

/// A reason against a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Drawback {
    /// It fails this share of its tasks, more than the case to take does.
    Fails(f64),
    /// It misses the objective of this index.
    Misses(usize),
    /// It misses its objectives by more than the nearest case does; the objective of this index by most.
    Further(usize),
}

impl Study {
    /// The claims that answer the study, the most important first.
    pub fn claims(&self) -> Vec<Claim> {
        let Some(answer) = self.answer() else {
            return vec![self.nothing()];
        };
        let (take, best) = (answer.take, &self.forecasts[answer.take]);
        let tied = answer.tied.clone();
        let mut all = vec![match worst(best) {
            Some(objective) if !answer.meets => Claim::Nearest {
                case: take,
                further: self.further(take, &tied),
                tied,
                objective,
                off: best.excess,
            },
            _ => Claim::Best { case: take, tied },
        }];
        let undecided = |i: &usize| best.objectives[*i].verdict == Verdict::Undecided;
        let objectives: Vec<usize> = (0..best.objectives.len()).filter(undecided).collect();
        if !objectives.is_empty() {
            all.push(Claim::Undecided {
                case: take,
                objectives,
            });
        }
        let share = failing(best);
        if share > 0.0 {
            all.push(Claim::Failing { case: take, share });
        }
        if let Some(fastest) = answer.fastest {
            let f = &self.forecasts[fastest];
            let because = match (f.tier, worst(f)) {
                (Tier::Fails, _) if failing(f) > share + FAILS_MORE => {
                    Some(Drawback::Fails(failing(f)))
                }
                (_, Some(o)) if answer.meets => Some(Drawback::Misses(o)),
                (_, Some(o)) => Some(Drawback::Further(o)),
                (_, None) => None,
            };
            let costs = self.difference(take, fastest);
            if let Some((because, costs)) = because.zip(costs) {
                all.push(Claim::Fastest {
                    case: fastest,
                    instead: take,
                    costs,
                    because,
                });
            }
        }
        let next = (0..self.forecasts.len()).find(|&i| {
            let worse = self.forecasts[i].rank > best.rank && Some(i) != answer.fastest;
            answer.meets && worse
        });
        if let Some((case, behind)) = next.and_then(|i| Some((i, self.difference(i, take)?))) {
            let f = &self.forecasts[case];
            let but = match (f.tier == best.tier, f.tier) {
                (true, _) => None,
                (false, Tier::Fails) if failing(f) > share + FAILS_MORE => {
                    Some(Drawback::Fails(failing(f)))
                }
                (false, _) => worst(f).map(Drawback::Misses),
            };
            all.push(Claim::Next { case, behind, but });
        }
        all.extend(self.does_not_pay(take, &answer.tied));
        all
    }

    /// The metric's difference between two cases, from their differences from the first place; its interval is known only if one of them is
    /// in first place.
    fn difference(&self, a: usize, b: usize) -> Option<Estimate> {
        let behind = |i: usize| match self.forecasts[i].rank {
            _ if i == 0 => Some(None),
            Some(_) => self.forecasts[i].behind_best().map(Some),
            None => None,
        };
        match (behind(a)?, behind(b)?) {
            (Some(a), None) => Some(a),
            (None, Some(b)) => Some(b.scaled(-1.0)),
            (None, None) => None,
            (Some(x), Some(y)) => Some(Estimate::new(
                x.mean - y.mean,
                None,
                x.median - y.median,
                x.n.min(y.n),
            )),
        }
    }

    fn nothing(&self) -> Claim {
        let done = |i: &usize| {
            let throughput = self.forecasts[*i].get(Quantity::Throughput);
            throughput.map_or(0.0, |e| e.mean)
        };
        let saturated =
            (0..self.forecasts.len()).filter(|&i| self.forecasts[i].status == Status::Saturated);
        match saturated.max_by(|a, b| done(a).total_cmp(&done(b)).then(b.cmp(a))) {
            Some(case) => Claim::NoneKeepsUp {
                case,
                done: done(&case),
            },
            None => Claim::NoForecast,
        }
    }

    /// The cases that share the rank of the case to take, but are further from the objectives.
    fn further(&self, take: usize, tied: &[usize]) -> Vec<usize> {
        let place = |i: usize| (self.forecasts[i].rank, self.forecasts[i].tier);
        (0..self.forecasts.len())
            .filter(|&i| i != take && place(i) == place(take) && !tied.contains(&i))
            .filter(|&i| self.forecasts[i].excess > self.forecasts[take].excess)
            .collect()
    }

    /// Claims that sequential code does about as well as the case to take, and no worse in what precedes the metric, if that is so.
    fn does_not_pay(&self, take: usize, tied: &[usize]) -> Option<Claim> {
        let is_baseline = |f: &Forecast| Some(f.name()) == self.baseline;
        let baseline = self.all().find(|f| is_baseline(f))?;
        let best = &self.forecasts[take];
        let sequential = is_baseline(best) || tied.iter().any(|&i| is_baseline(&self.forecasts[i]));
        let several = self.forecasts.iter().filter(|f| f.rank.is_some()).count() > 1;
        let little = matches!(
            best.reading,
            Some(SpeedupVerdict::Slower | SpeedupVerdict::NotWorthIt)
        );
        (several && baseline.tier <= best.tier && (sequential || little))
            .then_some(Claim::DoesNotPay { sequential })
    }
}

fn failing(f: &Forecast) -> f64 {
    f.get(Quantity::FailureRate).map_or(0.0, |e| e.mean)
}

/// Index of the objective that a case misses by most: the first of those that it misses without a value, if any.
fn worst(f: &Forecast) -> Option<usize> {
    let over = |i: usize| f.objectives[i].excess();
    (0..f.objectives.len())
        .filter(|&i| f.objectives[i].verdict == Verdict::Missed)
        .max_by(|&a, &b| over(a).total_cmp(&over(b)).then(b.cmp(&a)))
}

impl Claim {
    /// Whether the claim is true of the study.
    pub fn holds(&self, study: &Study) -> bool {
        let all = &study.forecasts;
        let works = |f: &Forecast| f.status == Status::Fine && f.primary().is_some();
        let meets =
            |f: &Forecast| works(f) && !f.objectives.iter().any(|o| o.verdict == Verdict::Missed);
        let least = all
            .iter()
            .filter(|f| works(f))
            .map(failing)
            .fold(f64::INFINITY, f64::min);
        // Sign of the metric's differences that are for the worse.
        let sign = if study.metric.less_is_better() {
            1.0
        } else {
            -1.0
        };
        let value = |i: usize| all[i].primary().map_or(f64::NAN, |p| p.mean);
        // How much worse case `a` is than case `b` by the metric, as a share of b's value.
        let worse = |a: usize, b: usize| {
            sign * (value(a) - value(b)) / value(b).abs().max(f64::MIN_POSITIVE)
        };
        // The share alone does not distinguish chance from more failures; the tier has decided that.
        let sound = |i: usize| all[i].tier != Tier::Fails;
        let missed = |case: usize, o: usize| all[case].objectives[o].verdict == Verdict::Missed;
        let tied_well = |case: usize, tied: &[usize]| {
            tied.iter().all(|&t| {
                t != case && works(&all[t]) && all[t].tied && all[t].rank == all[case].rank
            })
        };
        match self {
            Self::Best { case, tied } => {
                let rivals = (0..all.len()).filter(|&i| i != *case && meets(&all[i]) && sound(i));
                meets(&all[*case])
                    && sound(*case)
                    && tied_well(*case, tied)
                    && rivals.into_iter().all(|i| {
                        // A case that is as good, or was not told apart, may be slightly better.
                        worse(i, *case) >= 0.0 || all[i].rank == all[*case].rank
                    })
            }
            Self::Nearest {
                case,
                tied,
                further,
                objective,
                off,
            } => {
                let judged = &all[*case].objectives[*objective];
                let rivals = all
                    .iter()
                    .enumerate()
                    .filter(|(i, f)| works(f) && sound(*i));
                !all.iter().enumerate().any(|(i, f)| meets(f) && sound(i))
                    && missed(*case, *objective)
                    && judged.excess() == *off
                    && tied_well(*case, tied)
                    && tied_well(*case, further)
                    && further.iter().all(|&f| all[f].excess > all[*case].excess)
                    && rivals.into_iter().all(|(_, f)| {
                        // If another case is nearer at all, it is by less than a tie.
                        let theirs = super::standing::excess(&f.objectives);
                        theirs >= *off || (1.0 + *off) <= (1.0 + theirs) * 1.010_001
                    })
            }
            Self::Undecided { case, objectives } => {
                let of = |o: &usize| all[*case].objectives[*o].verdict == Verdict::Undecided;
                !objectives.is_empty() && objectives.iter().all(of)
            }
            Self::Failing { case, share } => failing(&all[*case]) == *share && *share > 0.0,
            Self::Fastest {
                case,
                instead,
                costs,
                because,
            } => {
                let fastest = (0..all.len())
                    .filter(|&i| works(&all[i]))
                    .all(|i| worse(i, *case) >= 0.0);
                let against = match because {
                    Drawback::Fails(share) => {
                        failing(&all[*case]) == *share
                            && *share > failing(&all[*instead])
                            && *share - least > FAILS_MORE
                    }
                    Drawback::Misses(o) => missed(*case, *o) && meets(&all[*instead]),
                    Drawback::Further(o) => {
                        missed(*case, *o) && all[*case].excess >= all[*instead].excess
                    }
                };
                fastest && against && worse(*instead, *case) > 0.0 && sign * costs.mean > 0.0
            }
            Self::Next { case, behind, but } => {
                let take = study.answer().map(|a| a.take);
                let but = match but {
                    None => true,
                    Some(Drawback::Fails(share)) => failing(&all[*case]) == *share && !sound(*case),
                    Some(Drawback::Misses(o) | Drawback::Further(o)) => missed(*case, *o),
                };
                // Within a tier, the next case is worse.
                let worse = sign * behind.mean >= 0.0;
                works(&all[*case])
                    && take.is_some_and(|t| all[*case].rank > all[t].rank)
                    && but
                    && (worse || take.is_some_and(|t| all[t].tier != all[*case].tier))
            }
            Self::DoesNotPay { sequential } => {
                let Some(best) = study.answer().map(|a| a.take) else {
                    return false;
                };
                let reading = all[best].speedup.map(|s| s.mean);
                // Of the cases that are tied with sequential code, some may be slightly better.
                reading.is_some_and(|s| if *sequential { s <= 1.2 } else { s < 1.2 })
            }
            Self::NoneKeepsUp { case, done } => {
                all[*case].status == Status::Saturated
                    && !all.iter().any(works)
                    && all
                        .iter()
                        .filter(|f| f.status == Status::Saturated)
                        .all(|f| f.get(Quantity::Throughput).is_none_or(|t| t.mean <= *done))
            }
            Self::NoForecast => !all
                .iter()
                .any(|f| works(f) || f.status == Status::Saturated),
        }
    }
}
