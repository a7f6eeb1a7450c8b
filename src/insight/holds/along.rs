//! The meaning of insights about curves: crossings, where more stops paying or still pays, knees.

use super::PAYS;
use super::facts::{SweepFacts, near, overlap};
use crate::insight::claim::Coordinate;
use crate::insight::doubles;
use crate::insight::knee::Bend;
use crate::insight::metric::{Quoted, written};
use crate::measure::Estimate;
use crate::quantity::Unit;
use crate::result::{AxisKind, SweepRow, TIE};
use std::collections::BTreeMap;

impl<'a> SweepFacts<'a> {
    /// The rows of a column along an axis, by rising value, with the other axes as given; one curve for each slice that the values may
    /// mean.
    fn curves(
        &self,
        case: &str,
        given: &[Coordinate],
        axis: usize,
    ) -> Vec<Vec<(f64, &'a SweepRow, Estimate)>> {
        type EstimateCurve<'b> = Vec<(f64, &'b SweepRow, Estimate)>;
        let axes = &self.sweep.header.axes;
        let Some(numbers) = axes[axis].numbers.as_ref() else {
            return Vec::new();
        };
        // Several values of one axis that are named together are one text.
        let is_given = |row: &SweepRow| {
            given.iter().all(|p| {
                let Some(a) = axes.iter().position(|a| a.label == p.axis) else {
                    return false;
                };
                let Some(value) = row.index.get(a).and_then(|&i| axes[a].values.get(i)) else {
                    return false;
                };
                let value = written(value);
                let mut parts = p.text.split(", ");
                p.text == value
                    || p.text.starts_with(&format!("{value}, "))
                    || parts
                        .any(|t| t.split([' ', '/']).next() == Some(value.as_str()) || t == value)
            })
        };
        let mut slices: BTreeMap<Vec<usize>, EstimateCurve<'a>> = BTreeMap::new();
        for point in self.points() {
            let Some(row) = self.at(case, point).filter(|r| is_given(r)) else {
                continue;
            };
            let mut key = row.index.clone();
            if self.sweep.header.zip {
                key.clear();
            } else if let Some(i) = key.get_mut(axis) {
                *i = 0;
            }
            let x = row.index.get(axis).and_then(|&i| numbers.get(i));
            if let (Some(x), Some(v)) = (x, Self::value(row)) {
                slices.entry(key).or_default().push((*x, row, v));
            }
        }
        let sorted = |mut c: EstimateCurve<'a>| {
            c.sort_by(|a, b| a.0.total_cmp(&b.0));
            c
        };
        slices.into_values().map(sorted).collect()
    }

    pub(super) fn x(&self, place: &Coordinate) -> Option<(usize, f64)> {
        let (axis, index) = self.index(place)?;
        let numbers = self.sweep.header.axes[axis].numbers.as_ref()?;
        Some((axis, *numbers.get(index)?))
    }

    pub(super) fn cross(
        &self,
        (before, after): (&str, &str),
        given: &[Coordinate],
        between: &(Coordinate, Coordinate),
        about: f64,
    ) -> bool {
        let (Some((axis, from)), Some((other, to))) = (self.x(&between.0), self.x(&between.1))
        else {
            return false;
        };
        let (a, b) = (
            self.curves(before, given, axis),
            self.curves(after, given, axis),
        );
        let ([a], [b]) = (a.as_slice(), b.as_slice()) else {
            return false;
        };
        let at =
            |c: &[(f64, &'a SweepRow, Estimate)], x: f64| c.iter().find(|d| d.0 == x).map(|d| d.1);
        let beats = |winner: &[_], loser: &[_], x: f64| {
            at(winner, x).zip(at(loser, x)).is_some_and(|(w, l)| {
                self.tier(w, axis) == self.tier(l, axis) && self.truly_better(l, w, TIE)
            })
        };
        // The other row is nowhere in a better tier, nor better beyond chance.
        let unbeaten = |mine: &[_], others: &[_], x: f64| match (at(mine, x), at(others, x)) {
            (Some(m), Some(o)) => {
                let (m_tier, o_tier) = (self.tier(m, axis), self.tier(o, axis));
                m_tier < o_tier || (m_tier == o_tier && !self.truly_better(m, o, 1e-12))
            }
            (None, Some(_)) => false,
            _ => true,
        };
        let xs: Vec<f64> = a.iter().chain(b).map(|d| d.0).collect();
        axis == other
            && from < to
            && (from..=to).contains(&about)
            && beats(a, b, from)
            && beats(b, a, to)
            && xs
                .iter()
                .all(|&x| (x > from || unbeaten(a, b, x)) && (x < to || unbeaten(b, a, x)))
    }

    pub(super) fn stop_paying(
        &self,
        cases: &[String],
        given: &[Coordinate],
        (at, last): (&Coordinate, &Coordinate),
        values: Option<&(Quoted, Quoted)>,
    ) -> bool {
        let (Some((axis, here)), Some((_, end))) = (self.x(at), self.x(last)) else {
            return false;
        };
        let stops = |curve: &Vec<(f64, &SweepRow, Estimate)>| {
            let Some(first) = curve.iter().find(|d| d.0 == here) else {
                return false;
            };
            let tier = self.tier(first.1, axis);
            let quoted = values.is_none_or(|(a, b)| {
                a.value == first.2 && curve.last().is_some_and(|l| b.value == l.2)
            });
            let mut after = curve.iter().filter(|d| d.0 > here);
            quoted
                && curve.last().is_some_and(|l| l.0 == end && end > here)
                && after.all(|d| self.tier(d.1, axis) == tier && self.surely_below(first.2, d.2))
        };
        let of = |c: &String| {
            // Without given values it must hold in all slices whose curve is long enough to tell.
            let curves = self.curves(c, given, axis);
            let mut curves = curves.iter().filter(|c| c.len() > 2).peekable();
            curves.peek().is_some() && curves.all(stops)
        };
        // What is said of the best strategy of each slice is said of no other there.
        let told = |c: &String| {
            let curves = self.curves(c, given, axis);
            curves.iter().any(stops)
        };
        let alone = self.view.varied().len() < 2 || !given.is_empty();
        !cases.is_empty() && cases.iter().all(|c| if alone { of(c) } else { told(c) })
    }

    pub(super) fn still_pays(
        &self,
        case: &str,
        given: &[Coordinate],
        between: &(Coordinate, Coordinate),
        gain: f64,
    ) -> Option<&'a SweepRow> {
        let ((axis, from), (_, to)) = (self.x(&between.0)?, self.x(&between.1)?);
        let curves = self.curves(case, given, axis);
        let [curve] = curves.as_slice() else {
            return None;
        };
        let [.., a, b] = curve.as_slice() else {
            return None;
        };
        let holds = a.0 == from
            && b.0 == to
            && self.tier(a.1, axis) == self.tier(b.1, axis)
            && self.truly_better(a.1, b.1, PAYS)
            && near(self.gain(a.2, b.2), gain);
        holds.then_some(b.1)
    }

    pub(super) fn gets_worse(
        &self,
        case: &str,
        given: &[Coordinate],
        best: &(Coordinate, Quoted),
        last: &(Coordinate, Quoted),
        loss: f64,
    ) -> bool {
        let (Some((axis, from)), Some((_, to))) = (self.x(&best.0), self.x(&last.0)) else {
            return false;
        };
        let curves = self.curves(case, given, axis);
        let [curve] = curves.as_slice() else {
            return false;
        };
        let (Some(a), Some(b)) = (curve.iter().find(|d| d.0 == from), curve.last()) else {
            return false;
        };
        let tier = self.tier(a.1, axis);
        let mut same = curve.iter().filter(|d| self.tier(d.1, axis) == tier);
        b.0 == to
            && from < to
            && tier == self.tier(b.1, axis)
            && (a.2, b.2) == (best.1.value, last.1.value)
            && near(-self.gain(a.2, b.2), loss)
            && loss >= PAYS
            && overlap(a.2, b.2) == Some(false)
            && same.all(|d| tier > 0 || !self.better(d.1, a.1))
    }

    pub(super) fn bends(
        &self,
        case: &str,
        given: &[Coordinate],
        at: &Coordinate,
        bend: Bend,
        value: Option<&Quoted>,
    ) -> bool {
        let Some((axis, x)) = self.x(at) else {
            return false;
        };
        let curves = self.curves(case, given, axis);
        let [curve] = curves.as_slice() else {
            return false;
        };
        let resource = self.view.is_resource(axis);
        let Some(mut end) = curve.len().checked_sub(1) else {
            return false;
        };
        if resource {
            // What follows the best is covered by the insight that it gets worse.
            let best = (0..curve.len()).reduce(|a, b| {
                if self.better(curve[b].1, curve[a].1) {
                    b
                } else {
                    a
                }
            });
            let worse = |&b: &usize| self.truly_better(curve[end].1, curve[b].1, 0.0);
            if let Some(b) = best.filter(worse) {
                end = b;
            }
        }
        let Some(i) = (0..=end).find(|&i| curve[i].0 == x) else {
            return false;
        };
        let xs: Vec<f64> = curve.iter().map(|d| d.0).collect();
        let across = |i: usize| {
            if !resource && doubles(&xs) {
                libm::log2(xs[i])
            } else {
                xs[i]
            }
        };
        let up = |i: usize| {
            let v = curve[i].2.mean;
            if resource && self.ranking.unit() == Unit::Seconds {
                1.0 / v
            } else {
                v
            }
        };
        if i == 0 || i == end {
            return false;
        }
        let slope = |a: usize, b: usize| (up(b) - up(a)) / (across(b) - across(a));
        let (first, then) = (slope(0, i), slope(i, end));
        let rises = up(end) > up(0);
        let shape = match bend {
            Bend::LevelsOff => rises && first > then,
            Bend::TakesOff => rises && first < then,
            Bend::BottomsOut => !rises && first < then,
            Bend::DropsOff => !rises && first > then,
        };
        let mut tiers = curve[..=end].iter().map(|d| self.tier(d.1, axis));
        let comparable = if self.kinds()[axis] == AxisKind::Choice {
            let first = self.tier(curve[0].1, axis);
            tiers.all(|t| t == first)
        } else {
            tiers.all(|t| t < 2)
        };
        shape
            && comparable
            && overlap(curve[0].2, curve[end].2) == Some(false)
            && value.is_none_or(|v| v.value == curve[i].2)
    }
}
