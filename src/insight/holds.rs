//! The meaning of each insight, as a predicate on the rows of a sweep. Nothing here asks how an insight was found: only the rows'
//! estimates, ranks, verdicts and statuses decide, so that a rule and its meaning can be tested against each other.

mod along;
mod facts;

use self::facts::{SweepFacts, failing, is_at, misses_nothing, more, near, overlap, worst};
use crate::insight::claim::{Coordinate, Extent, Insight};
use crate::insight::metric::Quoted;
use crate::measure::Estimate;
use crate::quantity::{Unit, metric_name};
use crate::result::{AxisKind, Judgement, Status, Sweep, SweepRow, TIE, Verdict};
use crate::scenario::Metric;
use crate::strategy::Cause;
use std::collections::BTreeSet;

/// Least gain that pays, as a share.
const PAYS: f64 = 0.05;

impl Insight {
    /// Whether the insight is true of the sweep. It is false if the sweep lacks one of its strategies or values.
    pub fn holds(&self, sweep: &Sweep) -> bool {
        let facts = SweepFacts::new(sweep);
        match self {
            Self::Best {
                case,
                at,
                value,
                tied,
                load,
                fails,
                undecided,
            } => facts
                .is_best(case, at, value, load.as_deref())
                .is_some_and(|row| {
                    let chance = row.case.objectives.iter();
                    let chance = chance.filter(|o| o.verdict == Verdict::Undecided);
                    let as_good = facts.equals(row);
                    chance.map(|o| &o.text).eq(undecided)
                        && *tied
                            == if value.value.low.is_some() {
                                as_good
                            } else {
                                0
                            }
                        && *fails == facts.told_failing(row)
                }),
            Self::Nearest {
                case,
                at,
                value,
                objective,
                excess,
                load,
                fails,
                others_fail,
            } => facts
                .is_nearest(case, at, value, load.as_deref())
                .is_some_and(|row| {
                    let over = |o: &str| {
                        let of = row.case.objectives.iter().find(|x| x.text == *o);
                        of.map(Judgement::excess)
                    };
                    let meet = facts.rivals(row).into_iter().any(misses_nothing);
                    over(objective) == Some(*excess)
                        && *excess == worst(row)
                        && *others_fail == meet
                        && *fails == facts.told_failing(row)
                }),
            Self::Faster {
                case,
                at,
                value,
                misses,
                fails,
                taken,
                cost,
            } => facts
                .is_faster(case, at, value, taken, *cost)
                .is_some_and(|(fast, slower)| {
                    let missed = match misses {
                        Some((objective, excess)) => {
                            let mut of = fast.case.objectives.iter();
                            *excess == worst(fast)
                                && of.any(|o| o.text == *objective && o.excess() == *excess)
                        }
                        None => misses_nothing(fast),
                    };
                    let failed = match fails {
                        Some((a, b)) => {
                            failing(fast) == Some(*a)
                                && slower.into_iter().any(|r| failing(r) == Some(*b))
                                && more(*a, b.mean)
                        }
                        None => true,
                    };
                    missed && failed && (misses.is_some() || fails.is_some())
                }),
            Self::BestAt { .. } => facts.is_best_at(self),
            Self::FasterAt { .. } => facts.is_faster_at(self),
            Self::AsGoodForLess {
                case,
                given,
                at,
                value,
            } => facts.is_as_good_for_less(case, given, at, value),
            Self::Objectives {
                cases,
                all,
                where_met,
                undecided,
                met: points_met,
            } => {
                let met = |r: &SweepRow| SweepFacts::works(r) && misses_nothing(r);
                let undecided_there = |r: &SweepRow| {
                    r.case
                        .objectives
                        .iter()
                        .any(|o| o.verdict == Verdict::Undecided)
                };
                let points = |so: &dyn Fn(&SweepRow) -> bool| {
                    let any = |p: &u64| {
                        let mut of = cases.iter().filter_map(|c| facts.at(c, *p));
                        of.any(|r| met(r) && so(r))
                    };
                    facts.points().iter().filter(|p| any(p)).count()
                };
                *all == (cases.len() == facts.names().len())
                    && points(&undecided_there) == *undecided
                    && points(&|_| true) == *points_met
                    && facts.extends(cases, where_met, &met)
            }
            Self::BestThroughout { cases, tied } => facts.is_best_throughout(cases, *tied),
            Self::CrossOver {
                before,
                after,
                given,
                between,
                about,
                ..
            } => facts.cross((before, after), given, between, *about),
            Self::StopsPaying {
                cases,
                given,
                at,
                last,
                values,
            } => facts.stop_paying(cases, given, (at, last), values.as_ref()),
            Self::StillPays {
                case,
                given,
                between,
                gain,
                waits,
            } => facts
                .still_pays(case, given, between, *gain)
                .is_some_and(|row| {
                    waits.as_ref().is_none_or(|w| {
                        let share = |c: Cause| row.case.causes[c as usize];
                        let named: f64 = w.causes.iter().map(|c| share(*c)).sum();
                        let before: f64 = [Cause::Pool, Cause::Limit, Cause::Queue]
                            .into_iter()
                            .filter(|c| !w.causes.contains(c))
                            .map(share)
                            .sum();
                        let rest = if w.in_turn { 1.0 - before } else { 1.0 };
                        let time = facts.ranking.unit() == Unit::Seconds
                            || facts.ranking == Metric::Throughput;
                        w.share >= PAYS
                            && time
                            && facts.ranking != Metric::Cpu
                            && named <= w.share * rest + 1e-9
                            && named >= 0.5 * w.share * rest
                    })
                }),
            Self::Retrograde {
                case,
                given,
                best,
                last,
                loss,
            } => facts.gets_worse(case, given, best, last, *loss),
            Self::Knee {
                cases,
                given,
                at,
                bend,
                metric,
                value,
            } => {
                *metric == metric_name(facts.ranking)
                    && !cases.is_empty()
                    && cases
                        .iter()
                        .all(|c| facts.bends(c, given, at, *bend, value.as_ref()))
            }
            Self::Fails { cases, status, at } => {
                *status != Status::Fine && facts.extends(cases, at, &|r| r.case.status == *status)
            }
        }
    }
}

impl<'a> SweepFacts<'a> {
    fn is_best(
        &self,
        case: &str,
        at: &[Coordinate],
        value: &Quoted,
        load: Option<&str>,
    ) -> Option<&'a SweepRow> {
        let row = self.find(case, at)?;
        let rivals = self.rivals(row);
        let able: Vec<&SweepRow> = Self::sound(&rivals)
            .into_iter()
            .filter(|r| misses_nothing(r))
            .collect();
        let mine = able.iter().any(|r| std::ptr::eq(*r, row));
        let given = self.kinds().contains(&AxisKind::Given);
        let holds = !given
            && mine
            && Self::value(row) == Some(value.value)
            && self.is_heaviest(row, load)
            && !able.iter().any(|r| self.better(r, row));
        holds.then_some(row)
    }

    fn is_nearest(
        &self,
        case: &str,
        at: &[Coordinate],
        value: &Quoted,
        load: Option<&str>,
    ) -> Option<&'a SweepRow> {
        let row = self.find(case, at)?;
        let rivals = self.rivals(row);
        let sound = Self::sound(&rivals);
        let given = self.kinds().contains(&AxisKind::Given);
        let holds = !given
            && Self::value(row) == Some(value.value)
            && self.is_heaviest(row, load)
            && sound.iter().any(|r| std::ptr::eq(*r, row))
            && sound
                .iter()
                .all(|r| !misses_nothing(r) && worst(r) >= worst(row));
        holds.then_some(row)
    }

    /// Whether a case is fastest, and what the named case to take costs against it. The words name no point, so that several rows may be
    /// meant.
    fn is_faster(
        &self,
        case: &str,
        at: &[Coordinate],
        value: &Quoted,
        taken: &str,
        cost: f64,
    ) -> Option<(&'a SweepRow, Vec<&'a SweepRow>)> {
        let fast = self.find(case, at)?;
        let rivals = self.rivals(fast);
        let mine = Self::value(fast).filter(|v| *v == value.value)?;
        let costs = |r: &&SweepRow| {
            let v = Self::value(r).map(|v| (v.mean - mine.mean) / mine.mean.abs());
            v.is_some_and(|v| near(v, cost))
        };
        let named = rivals.iter().copied().filter(|r| Self::is_called(r, taken));
        let sound = Self::sound(&rivals);
        let is_sound = |r: &SweepRow| sound.iter().any(|s| std::ptr::eq(*s, r));
        let slower = named.filter(costs).filter(|r| is_sound(r)).filter(|r| {
            let beyond = r.point == fast.point
                || Self::value(r).and_then(|v| overlap(v, mine)) == Some(false);
            beyond && self.better(fast, r)
        });
        let slower: Vec<&SweepRow> = slower.collect();
        let leads = !rivals.iter().any(|r| self.better(r, fast));
        (leads && !slower.is_empty()).then_some((fast, slower))
    }

    fn is_best_at(&self, claim: &Insight) -> bool {
        let Insight::BestAt {
            case,
            at,
            count,
            of,
            given,
            side_by_side,
            tied,
            meets,
            range,
            load,
            fails,
        } = claim
        else {
            return false;
        };
        let labels = self.given();
        let Some(places) = at.iter().map(|p| self.index(p)).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let mine = |r: &SweepRow| Self::is_called(r, case) && is_at(r, &places);
        let settings = self.settings();
        let (mut good, mut alone) = (0, 0);
        let mut own: Vec<&SweepRow> = Vec::new();
        for rows in settings.values() {
            let heaviest = rows
                .iter()
                .copied()
                .filter(|r| Self::value(r).is_some())
                .filter(|r| self.is_heaviest(r, load.as_deref()));
            let rivals: Vec<&SweepRow> = heaviest.collect();
            own.extend(rivals.iter().copied().filter(|r| mine(r)));
            let sound = Self::sound(&rivals);
            let able = sound.iter().any(|r| misses_nothing(r));
            if able != *meets {
                continue;
            }
            let Some(first) = sound.iter().copied().reduce(|a, b| self.nearer(a, b)) else {
                continue;
            };
            // Within a point, the ranks decide, which come from paired differences.
            let shares_rank = |r: &SweepRow| {
                r.point == first.point
                    && r.case.rank.is_some()
                    && r.case.rank == first.case.rank
                    && (worst(r) == worst(first) || (worst(r) - worst(first)).abs() < TIE)
                    && misses_nothing(r) == misses_nothing(first)
            };
            let elsewhere = |r: &SweepRow| {
                let both = Self::value(r).zip(Self::value(first));
                r.point != first.point
                    && worst(r) == worst(first)
                    && both.is_some_and(|(a, b)| a == b || overlap(a, b) == Some(true))
            };
            let own = |r: &SweepRow| std::ptr::eq(r, first);
            if sound
                .iter()
                .any(|r| mine(r) && (own(r) || shares_rank(r) || elsewhere(r)))
            {
                good += 1;
                let shared = sound.iter().any(|r| !own(r) && shares_rank(r));
                alone += usize::from(mine(first) && !shared);
            }
        }
        let means = || own.iter().filter_map(|r| Self::value(r)).map(|v| v.mean);
        let ends = |q: &(Quoted, Quoted)| {
            q.0.value.mean == means().fold(f64::INFINITY, f64::min)
                && q.1.value.mean == means().fold(f64::NEG_INFINITY, f64::max)
        };
        let shares = || own.iter().filter_map(|r| failing(r)).map(|f| f.mean);
        let failed = fails.is_none_or(|(a, b)| {
            a == shares().fold(f64::INFINITY, f64::min)
                && b == shares().fold(f64::NEG_INFINITY, f64::max)
        });
        !labels.is_empty()
            && given.iter().eq(labels.iter().copied())
            && *side_by_side == self.sweep.header.zip
            && *of == settings.len()
            && *count == good
            && *tied == (alone < good)
            && range.as_ref().is_some_and(ends)
            && failed
    }

    fn is_faster_at(&self, claim: &Insight) -> bool {
        let Insight::FasterAt {
            case,
            at,
            count,
            of,
            given,
            side_by_side,
            metric,
            misses,
            fails,
            cost,
        } = claim
        else {
            return false;
        };
        let labels = self.given();
        let Some(places) = at.iter().map(|p| self.index(p)).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let mine = |r: &SweepRow| Self::is_called(r, case) && is_at(r, &places);
        let settings = self.settings();
        let load = self.sweep.header.axes.iter().zip(self.kinds());
        let load = load.into_iter().find(|(_, k)| *k == AxisKind::Load);
        let load = load.map(|(a, _)| a.label.as_str());
        let (mut missed, mut failed, mut costs) = (BTreeSet::new(), Vec::new(), Vec::new());
        for rows in settings.values() {
            let working = rows.iter().copied().filter(|r| Self::value(r).is_some());
            let rivals: Vec<&SweepRow> = working.filter(|r| self.is_heaviest(r, load)).collect();
            let faster = |a: &'a SweepRow, b: &'a SweepRow| if self.better(b, a) { b } else { a };
            let Some(fast) = rivals.iter().copied().reduce(faster).filter(|r| mine(r)) else {
                continue;
            };
            let sound = Self::sound(&rivals).into_iter();
            let Some(taken) = sound.reduce(|a, b| self.nearer(a, b)) else {
                continue;
            };
            let (Some(f), Some(t)) = (Self::value(fast), Self::value(taken)) else {
                continue;
            };
            // Within a point, ranks tell rows apart; across points, intervals do.
            let beyond = if fast.point == taken.point {
                fast.case.rank != taken.case.rank && self.gain(t, f) > TIE
            } else {
                overlap(f, t) == Some(false) && self.gain(t, f) >= TIE
            };
            let by_chance = fast.point == taken.point
                && (fast.case.behind_best().is_some() != taken.case.behind_best().is_some())
                && [fast, taken].iter().any(|r| {
                    let d = r.case.behind_best();
                    d.is_some_and(|d| d.low.zip(d.high).is_some_and(|(l, h)| l <= 0.0 && 0.0 <= h))
                });
            if !self.better(fast, taken) || !beyond || by_chance {
                continue;
            }
            let of_fast = fast.case.objectives.iter();
            missed.extend(
                of_fast
                    .filter(|o| o.verdict == Verdict::Missed)
                    .map(|o| &o.text),
            );
            let both = failing(fast).zip(failing(taken));
            failed.extend(both.filter(|(f, t)| more(*f, t.mean)).map(|(f, _)| f.mean));
            costs.push((t.mean - f.mean) / f.mean.abs());
        }
        let least = |of: &[f64]| of.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |of: &[f64]| of.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        *metric == metric_name(self.ranking)
            && given.iter().eq(labels)
            && *side_by_side == self.sweep.header.zip
            && *of == settings.len()
            && *count == costs.len()
            && *count > 0
            && missed
                .into_iter()
                .eq(misses.iter().collect::<BTreeSet<_>>())
            && fails.map_or(failed.is_empty(), |(a, b)| {
                a == least(&failed) && b == most(&failed)
            })
            && (!misses.is_empty() || fails.is_some())
            && near(cost.0, least(&costs))
            && near(cost.1, most(&costs))
    }

    fn is_as_good_for_less(
        &self,
        case: &str,
        given: &[Coordinate],
        at: &Coordinate,
        value: &Quoted,
    ) -> bool {
        let places: Vec<Coordinate> = given.iter().cloned().chain([at.clone()]).collect();
        let (Some(row), Some((axis, index))) = (self.find(case, &places), self.index(at)) else {
            return false;
        };
        let Some(numbers) = self.sweep.header.axes[axis].numbers.as_ref() else {
            return false;
        };
        let rivals = self.rivals(row);
        let able: Vec<&SweepRow> = Self::sound(&rivals)
            .into_iter()
            .filter(|r| misses_nothing(r))
            .collect();
        let least = able
            .iter()
            .copied()
            .reduce(|a, b| if self.better(b, a) { b } else { a });
        let Some((best, end)) = least.and_then(|r| Some((r, Self::value(r)?))) else {
            return false;
        };
        let elsewhere = |r: &SweepRow| {
            let mut others = r.index.iter().enumerate().filter(|(a, _)| *a != axis);
            others.all(|(a, i)| best.index.get(a) == Some(i))
        };
        Self::value(row) == Some(value.value)
            && able.iter().any(|r| std::ptr::eq(*r, row))
            && elsewhere(row)
            && best
                .index
                .get(axis)
                .is_some_and(|&b| numbers[index] < numbers[b])
            && self.gain(value.value, end) < TIE
            && self.surely_below(value.value, end)
    }

    /// How much better the second value is than the first, as a share of the first.
    fn gain(&self, from: Estimate, to: Estimate) -> f64 {
        let better = if self.ranking.less_is_better() {
            from.mean - to.mean
        } else {
            to.mean - from.mean
        };
        better / from.mean.abs().max(f64::MIN_POSITIVE)
    }

    /// Whether the gain from one value to the other is below what pays, chance included.
    fn surely_below(&self, from: Estimate, to: Estimate) -> bool {
        let half = |e: Estimate| Some((e.high? - e.low?) / 2.0);
        let Some((a, b)) = half(from).zip(half(to)) else {
            return false;
        };
        let chance = libm::sqrt(a * a + b * b) / from.mean.abs().max(f64::MIN_POSITIVE);
        self.gain(from, to) + chance < PAYS + 1e-12
    }

    fn truly_better(&self, from: &SweepRow, to: &SweepRow, by: f64) -> bool {
        Self::value(from)
            .zip(Self::value(to))
            .is_some_and(|(a, b)| self.gain(a, b) >= by - 1e-12 && overlap(a, b) == Some(false))
    }

    /// Tier of a row: 0 if it is sound and meets the objectives, 1 if it is sound, 2 if it fails more; among the choices along the axis, or
    /// at the point.
    fn tier(&self, row: &SweepRow, axis: usize) -> u8 {
        let mut rivals = self.rivals(row);
        if self.kinds()[axis] != AxisKind::Choice {
            rivals.retain(|r| r.point == row.point);
        }
        let sound = Self::sound(&rivals);
        match (
            sound.iter().any(|r| std::ptr::eq(*r, row)),
            misses_nothing(row),
        ) {
            (false, _) => 2,
            (true, false) => 1,
            (true, true) => 0,
        }
    }

    /// Whether the rows of these columns for which `is` holds are those at the points of the extent.
    fn extends(&self, cases: &[String], extent: &Extent, is: &dyn Fn(&SweepRow) -> bool) -> bool {
        let points = self.points();
        let known = cases.iter().all(|c| self.names().contains(&c.as_str()));
        let of = |c: &String| {
            let so = |p: u64| self.at(c, p).is_some_and(is);
            match extent {
                Extent::Some(n, all) => {
                    *all == points.len() && points.iter().filter(|p| so(**p)).count() == *n
                }
                _ => points
                    .iter()
                    .all(|p| self.covers(extent, *p) == Some(so(*p))),
            }
        };
        known && !cases.is_empty() && cases.iter().all(of)
    }

    fn covers(&self, extent: &Extent, point: u64) -> Option<bool> {
        let row = self.sweep.rows.iter().find(|r| r.point == point)?;
        let x = |p: &Coordinate| {
            let (axis, index) = self.index(p)?;
            let numbers = self.sweep.header.axes[axis].numbers.as_ref()?;
            Some((*numbers.get(*row.index.get(axis)?)?, *numbers.get(index)?))
        };
        Some(match extent {
            Extent::Everywhere => true,
            Extent::Nowhere => false,
            Extent::From(p) => x(p).map(|(mine, least)| mine >= least)?,
            Extent::UpTo(p) => x(p).map(|(mine, most)| mine <= most)?,
            Extent::At(places) => {
                let at: Option<Vec<(usize, usize)>> =
                    places.iter().map(|p| self.index(p)).collect();
                at?.iter().any(|(a, i)| row.index.get(*a) == Some(i))
            }
            Extent::Some(..) => return None,
        })
    }

    fn is_best_throughout(&self, cases: &[String], tied: bool) -> bool {
        let mut shared = cases.len() > 1;
        let points = self.points();
        let at_every = |c: &String, shared: &mut bool| {
            points.iter().all(|p| {
                let Some(row) = self.at(c, *p) else {
                    return false;
                };
                let of_point: Vec<&SweepRow> = self
                    .sweep
                    .rows
                    .iter()
                    .filter(|r| r.point == *p && Self::value(r).is_some())
                    .collect();
                let able = Self::sound(&of_point);
                let able: Vec<&&SweepRow> = able.iter().filter(|r| misses_nothing(r)).collect();
                let is = |r: &&&&SweepRow| std::ptr::eq(***r, row);
                let others = able.iter().filter(|r| !is(r));
                *shared |= others.clone().any(|r| r.case.rank == row.case.rank);
                able.iter().any(|r| is(&r))
                    && Self::value(row).is_some_and(|v| v.low.is_some())
                    && others.clone().all(|r| r.case.rank >= row.case.rank)
            })
        };
        let all = !cases.is_empty() && cases.iter().all(|c| at_every(c, &mut shared));
        all && tied == shared && points.len() > 1 && self.names().len() > 1
    }
}
