//! Finds what stands out along one axis: crossings, where more of a resource stops paying, knees.

use super::claim::{Coordinate, Insight};
use super::find::{place, quoted, suffix};
use super::knee::{Bend, knee};
use super::metric::Quoted;
use super::standings::apart;
use super::view::{SeriesPoint, Slice, SweepView};
use super::waits::Waits;
use crate::insight::doubles;
use crate::measure::Estimate;
use crate::quantity::{Unit, metric_name};
use crate::result::{TIE, Tier};

/// Least gain, as a share, that pays for more of a resource.
pub(crate) const PAYS: f64 = 0.05;

/// The curves of a slice, one for each series.
pub(crate) struct Curves<'a> {
    view: &'a SweepView<'a>,
    along: usize,
    given: Vec<Coordinate>,
    /// For each series, its points that have numbers.
    fine: Vec<Vec<(SeriesPoint<'a>, Estimate)>>,
    /// The series with the best value of all, if any.
    best: Option<usize>,
}

impl<'a> Curves<'a> {
    pub(crate) fn new(view: &'a SweepView<'a>, along: usize, slice: &Slice) -> Self {
        let fine = |d: SeriesPoint<'a>| d.value.map(|v| (d, v));
        let curves: Vec<Vec<_>> = (0..view.series.len())
            .map(|s| {
                view.curve(s, along, slice)
                    .into_iter()
                    .filter_map(fine)
                    .collect()
            })
            .collect();
        let dots = curves.iter().enumerate();
        let dots = dots.flat_map(|(s, c)| c.iter().map(move |(d, _)| (s, *d)));
        let best = view.best_of(dots).map(|(s, _)| s);
        let given = &slice.fixed;
        Self {
            view,
            along,
            given: given.iter().map(|&(a, i)| place(view, a, i)).collect(),
            fine: curves,
            best,
        }
    }

    fn name(&self, series: usize) -> String {
        self.view.series[series].name.clone()
    }

    fn place(&self, dot: &SeriesPoint<'_>) -> Coordinate {
        place(self.view, self.along, dot.index)
    }

    fn quoted(&self, value: Estimate) -> Quoted {
        quoted(self.view, value)
    }

    fn is_resource(&self) -> bool {
        self.view.is_resource(self.along)
    }

    /// Finds where the best strategy changes, beyond chance.
    pub(crate) fn cross_overs(&self) -> Vec<Insight> {
        let mut out = Vec::new();
        let xs = self.values();
        let mut before: Option<(usize, f64)> = None;
        for &x in &xs {
            let Some(leader) = self.leader(x) else {
                continue;
            };
            match before {
                Some((old, at)) if old != leader => {
                    // The last value at which the old leader is significantly better, and the first at which the new one is.
                    let truly = |a: usize, b: usize, x: f64| self.beats(a, b, x);
                    let was = xs
                        .iter()
                        .rev()
                        .copied()
                        .find(|&y| y <= at && truly(old, leader, y));
                    if truly(leader, old, x) {
                        let was = was.filter(|&was| self.keeps(old, leader, was, x));
                        out.extend(was.and_then(|was| self.crossing(old, leader, was, x)));
                        before = Some((leader, x));
                    } else if self.stands_above(leader, old, x) {
                        // Objectives or failing tasks decide there rather than the metric, so nothing crosses.
                        before = Some((leader, x));
                    }
                }
                _ => before = Some((leader, x)),
            }
        }
        out
    }

    /// Whether series `a` is better than series `b` at a value, both in the same tier there.
    fn beats(&self, a: usize, b: usize, x: f64) -> bool {
        let both = self.at(a, x).zip(self.at(b, x));
        both.is_some_and(|(a, b)| {
            a.0.tier == b.0.tier && self.view.ranking.truly_better(b.1, a.1, TIE)
        })
    }

    /// Whether series `a` is in a better tier than series `b` at a value, or `b` has no numbers there.
    fn stands_above(&self, a: usize, b: usize, x: f64) -> bool {
        match (self.at(a, x), self.at(b, x)) {
            (Some(a), Some(b)) => a.0.tier < b.0.tier,
            (a, _) => a.is_some(),
        }
    }

    /// Whether the one series is unbeaten by the other up to a value, and the other by the one from a later value on: curves that cross
    /// twice are better neither up to nor from any value.
    fn keeps(&self, before: usize, after: usize, from: f64, to: f64) -> bool {
        let holds = |a: usize, b: usize, x: f64| match (self.at(a, x), self.at(b, x)) {
            (Some(a), Some(b)) => {
                let beaten = self.view.ranking.truly_better(a.1, b.1, 0.0);
                a.0.tier < b.0.tier || (a.0.tier == b.0.tier && !beaten)
            }
            (None, Some(_)) => false,
            _ => true,
        };
        self.values()
            .into_iter()
            .all(|x| (x > from || holds(before, after, x)) && (x < to || holds(after, before, x)))
    }

    fn crossing(&self, before: usize, after: usize, from: f64, to: f64) -> Option<Insight> {
        let xs = self.values();
        let log = doubles(&xs);
        let across = |x: f64| if log { libm::log2(x) } else { x };
        let difference = |x: f64| Some((x, self.at(before, x)?.1.mean - self.at(after, x)?.1.mean));
        let between = xs.iter().filter(|&&x| from <= x && x <= to);
        let d: Vec<(f64, f64)> = between.filter_map(|&x| difference(x)).collect();
        let w = d
            .windows(2)
            .find(|w| w[0].1 * w[1].1 <= 0.0 && w[0].1 != w[1].1)?;
        let share = w[0].1 / (w[0].1 - w[1].1);
        let about = across(w[0].0) + share * (across(w[1].0) - across(w[0].0));
        let last = self.at(before, from)?;
        let first = self.at(after, to)?;
        Some(Insight::CrossOver {
            before: self.name(before),
            after: self.name(after),
            given: self.given.clone(),
            between: (self.place(&last.0), self.place(&first.0)),
            about: if log { libm::exp2(about) } else { about },
            unit: suffix(self.view.axes()[self.along].unit.as_deref()),
        })
    }

    /// All values of the axis at which some series has numbers.
    fn values(&self) -> Vec<f64> {
        let mut all: Vec<f64> = self.fine.iter().flatten().map(|(d, _)| d.x).collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        all
    }

    fn at(&self, series: usize, x: f64) -> Option<&(SeriesPoint<'a>, Estimate)> {
        let curve = &self.fine[series];
        let found = curve.binary_search_by(|(d, _)| d.x.total_cmp(&x)).ok()?;
        curve.get(found)
    }

    /// The series to take at a value.
    fn leader(&self, x: f64) -> Option<usize> {
        let mut all = (0..self.fine.len()).filter_map(|s| self.at(s, x));
        self.view.first(all.next()?.0.row.point)
    }

    /// Finds where more of a resource stops paying, still pays, or makes a strategy worse.
    pub(crate) fn pays(&self, best_alone: bool) -> Vec<Insight> {
        if !self.is_resource() {
            return Vec::new();
        }
        let mut out = Vec::new();
        let mut stops: Vec<(f64, f64, Vec<usize>)> = Vec::new();
        for (s, curve) in self.fine.iter().enumerate() {
            let (Some(last), true) = (curve.last(), curve.len() > 2) else {
                continue;
            };
            if best_alone && self.best != Some(s) || self.is_indifferent(s) {
                continue;
            }
            if let Some(worse) = self.retrograde(s) {
                out.push(worse);
                continue;
            }
            let enough = |from: &&(SeriesPoint<'_>, Estimate)| {
                let further = curve.iter().filter(|(d, _)| d.x > from.0.x);
                let mut further = further;
                // Points in another tier are not more of the same.
                further.all(|(d, v)| {
                    d.tier == from.0.tier && self.view.ranking.surely_no_better(from.1, *v, PAYS)
                })
            };
            match curve.iter().find(enough) {
                Some((d, _)) if d.x < last.0.x => {
                    match stops
                        .iter_mut()
                        .find(|(x, l, _)| *x == d.x && *l == last.0.x)
                    {
                        Some((_, _, all)) => all.push(s),
                        None => stops.push((d.x, last.0.x, vec![s])),
                    }
                }
                Some(_) if self.best == Some(s) => out.extend(self.still_pays(s)),
                _ => {}
            }
        }
        // The insight about the best strategy comes first.
        stops.sort_by_key(|(_, _, all)| !all.iter().any(|&s| self.best == Some(s)));
        let mut found: Vec<Insight> = stops
            .into_iter()
            .filter_map(|(x, _, all)| self.stops(&all, x))
            .collect();
        found.extend(out);
        found
    }

    /// Whether the axis does not affect the series: common random numbers then give the same figure everywhere. If the axis changes
    /// strategies, but not this one, figures may differ by the number of replications that others made it have, and only by chance.
    fn is_indifferent(&self, s: usize) -> bool {
        let curve = &self.fine[s];
        let axis = &self.view.axes()[self.along];
        let beside = self.view.sweep.header.zip;
        curve.iter().all(|(d, v)| {
            let same = d.row.case.strategy == curve[0].0.row.case.strategy;
            let untouched = same && axis.sets_strategies() && !beside;
            *v == curve[0].1 || (untouched && !apart(curve[0].1, *v))
        })
    }

    fn stops(&self, all: &[usize], x: f64) -> Option<Insight> {
        let first = *all.first()?;
        let (here, end) = (self.at(first, x)?, self.fine[first].last()?);
        Some(Insight::StopsPaying {
            cases: all.iter().map(|&s| self.name(s)).collect(),
            given: self.given.clone(),
            at: self.place(&here.0),
            last: self.place(&end.0),
            values: (all.len() == 1).then(|| (self.quoted(here.1), self.quoted(end.1))),
        })
    }

    fn still_pays(&self, s: usize) -> Option<Insight> {
        let curve = &self.fine[s];
        let [a, b] = curve.get(curve.len().checked_sub(2)?..)? else {
            return None;
        };
        let better = a.0.tier == b.0.tier && self.view.ranking.truly_better(a.1, b.1, PAYS);
        let follows = a.0.row.case.strategy != b.0.row.case.strategy;
        let axis = &self.view.axes()[self.along];
        better.then(|| Insight::StillPays {
            case: self.name(s),
            given: self.given.clone(),
            between: (self.place(&a.0), self.place(&b.0)),
            gain: self.view.ranking.gain(a.1, b.1),
            waits: Waits::of(b.0.row, axis, self.view.ranking, follows),
        })
    }

    fn retrograde(&self, s: usize) -> Option<Insight> {
        let curve = &self.fine[s];
        let best = self.view.best_of(curve.iter().map(|(d, _)| (s, *d)))?.1;
        let (last, (value, best_value)) = curve
            .last()
            .map(|(d, v)| (*d, *v))
            .zip(best.value)
            .map(|((d, v), b)| (d, (v, b)))?;
        let loss = -self.view.ranking.gain(best_value, value);
        (best.x < last.x && best.tier == last.tier && loss >= PAYS && apart(best_value, value))
            .then(|| Insight::Retrograde {
                case: self.name(s),
                given: self.given.clone(),
                best: (self.place(&best), self.quoted(best_value)),
                last: (self.place(&last), self.quoted(value)),
                loss,
            })
    }

    /// Finds knees of the curves; series with a knee at the same value are named together.
    pub(crate) fn knees(&self, best_alone: bool) -> Vec<Insight> {
        let mut found: Vec<(usize, Bend, Vec<usize>)> = Vec::new();
        for s in 0..self.fine.len() {
            if best_alone && self.best != Some(s) {
                continue;
            }
            let Some((index, bend)) = self.knee(s) else {
                continue;
            };
            match found.iter_mut().find(|(i, b, _)| *i == index && *b == bend) {
                Some((_, _, all)) => all.push(s),
                None => found.push((index, bend, vec![s])),
            }
        }
        let text = |(index, bend, all): (usize, Bend, Vec<usize>)| {
            let here = self.fine[*all.first()?]
                .iter()
                .find(|(d, _)| d.index == index)?;
            Some(Insight::Knee {
                cases: all.iter().map(|&s| self.name(s)).collect(),
                given: self.given.clone(),
                at: self.place(&here.0),
                bend,
                metric: metric_name(self.view.ranking).clone(),
                value: (all.len() == 1).then(|| self.quoted(here.1)),
            })
        };
        found.into_iter().filter_map(text).collect()
    }

    /// The index on the axis of a curve's knee. A time over a resource is treated as its inverse, a speed, since a time bends even if twice
    /// the resource halves it.
    fn knee(&self, s: usize) -> Option<(usize, Bend)> {
        let curve = &self.fine[s];
        let speed = self.is_resource() && self.view.ranking.unit() == Unit::Seconds;
        let upto = if self.is_resource() && self.retrograde(s).is_some() {
            // What follows the best value is covered by [`Insight::Retrograde`].
            let best = self.view.best_of(curve.iter().map(|(d, _)| (s, *d)))?.1;
            curve.iter().take_while(|(d, _)| d.x <= best.x).count()
        } else {
            curve.len()
        };
        let xs: Vec<f64> = curve.iter().map(|(d, _)| d.x).collect();
        let log = !self.is_resource() && doubles(&xs);
        let across = |x: f64| if log { libm::log2(x) } else { x };
        let xs: Vec<f64> = xs.iter().take(upto).map(|&x| across(x)).collect();
        let up = |v: f64| if speed { 1.0 / v } else { v };
        let ys: Vec<f64> = curve[..upto].iter().map(|(_, v)| up(v.mean)).collect();
        let (i, bend) = knee(&xs, &ys)?;
        let (first, here, last) = (curve[0].1, curve[i].1, curve[upto - 1].1);
        // The curve must rise or fall beyond chance, and the knee must not be the noise of one point.
        let height = (last.mean - first.mean).abs();
        let noise = here.high.zip(here.low).map(|(h, l)| h - l);
        let least = PAYS * first.mean.abs().max(last.mean.abs());
        let real = height >= least && apart(first, last) && noise.is_some_and(|n| n < 0.3 * height);
        // More of a resource has a knee where its gains come first.
        let gains = bend == Bend::LevelsOff && self.view.ranking.gain(first, last) > 0.0;
        // Over choices, only points of the same tier are compared. Over a load they are not: under more of it more objectives are missed,
        // which the curve shows. But figures of cases that fail tasks are those of other tasks.
        let tiers = || curve[..upto].iter().map(|(d, _)| d.tier);
        let comparable = if self.view.standings.is_choice(self.along) {
            tiers().all(|t| t == curve[0].0.tier)
        } else {
            tiers().all(|t| t != Tier::Fails)
        };
        let real = real && comparable;
        (real && (!self.is_resource() || gains)).then_some((curve[i].0.index, bend))
    }
}
