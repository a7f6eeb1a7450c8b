//! Facts about the rows of a sweep by themselves: which can be chosen, which fail more, which come nearer to the objectives.

use crate::insight::claim::Coordinate;
use crate::insight::metric::written;
use crate::insight::view::{SweepView, short};
use crate::measure::Estimate;
use crate::quantity::Quantity;
use crate::result::{AxisKind, FAILS_MORE, Sweep, SweepRow, Tier, Verdict, excess};
use crate::scenario::Metric;
use std::collections::{BTreeMap, BTreeSet};

/// The rows of a sweep, looked up by the names that insights use.
pub(super) struct SweepFacts<'a> {
    pub(super) sweep: &'a Sweep,
    /// Provides the names of the table's columns, and nothing else.
    pub(super) view: SweepView<'a>,
    pub(super) ranking: Metric,
}

pub(super) fn more(fails: Estimate, than: f64) -> bool {
    fails.mean - than > FAILS_MORE && fails.low.is_none_or(|low| low > than)
}

pub(super) fn failing(row: &SweepRow) -> Option<Estimate> {
    row.case.get(Quantity::FailureRate)
}

pub(super) fn misses_nothing(row: &SweepRow) -> bool {
    row.case
        .objectives
        .iter()
        .all(|o| o.verdict != Verdict::Missed)
}

pub(super) fn worst(row: &SweepRow) -> f64 {
    excess(&row.case.objectives)
}

/// Whether a row has these indices on these axes.
pub(super) fn is_at(row: &SweepRow, places: &[(usize, usize)]) -> bool {
    places.iter().all(|(a, i)| row.index.get(*a) == Some(i))
}

pub(super) fn overlap(a: Estimate, b: Estimate) -> Option<bool> {
    Some(a.low? <= b.high? && b.low? <= a.high?)
}

pub(super) fn near(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

impl<'a> SweepFacts<'a> {
    pub(super) fn new(sweep: &'a Sweep) -> Self {
        Self {
            sweep,
            view: SweepView::new(sweep),
            ranking: sweep.header.ranked_by,
        }
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.view.series.iter().map(|s| s.name.as_str()).collect()
    }

    pub(super) fn points(&self) -> Vec<u64> {
        let all: BTreeSet<u64> = self.sweep.rows.iter().map(|r| r.point).collect();
        all.into_iter().collect()
    }

    pub(super) fn value(row: &SweepRow) -> Option<Estimate> {
        let value = row.case.primary().filter(|e| e.mean.is_finite());
        value.filter(|_| row.case.is_fine())
    }

    pub(super) fn works(row: &SweepRow) -> bool {
        row.case.is_fine()
    }

    /// The row of a column at a point.
    pub(super) fn at(&self, series: &str, point: u64) -> Option<&'a SweepRow> {
        let s = self.view.series.iter().position(|s| s.name == series)?;
        self.view.row(s, point)
    }

    /// The axis and index of a value; `None` if the sweep has no such value.
    pub(super) fn index(&self, place: &Coordinate) -> Option<(usize, usize)> {
        let axes = &self.sweep.header.axes;
        let axis = axes.iter().position(|a| a.label == place.axis)?;
        let numbers = axes[axis].numbers.as_ref();
        let is = |i: usize| match (numbers, place.number) {
            (Some(numbers), Some(n)) => numbers.get(i) == Some(&n),
            (None, None) => axes[axis].values.get(i).map(written).as_ref() == Some(&place.text),
            _ => false,
        };
        let index = (0..axes[axis].values.len()).find(|&i| is(i))?;
        // If axes vary side by side, the values beside it must agree.
        let beside = place.beside.iter().all(|b| {
            self.index(b)
                .is_some_and(|(a, _)| self.same(a, index, b.number, &b.text))
        });
        let others = axes.iter().filter(|a| a.values.len() > 1).count();
        let complete =
            !self.sweep.header.zip || place.beside.is_empty() || place.beside.len() + 1 >= others;
        (beside && complete).then_some((axis, index))
    }

    fn same(&self, axis: usize, index: usize, number: Option<f64>, text: &str) -> bool {
        let a = &self.sweep.header.axes[axis];
        match (&a.numbers, number) {
            (Some(n), Some(number)) => n.get(index) == Some(&number),
            _ => a.values.get(index).map(written).as_deref() == Some(text),
        }
    }

    pub(super) fn is_called(row: &SweepRow, case: &str) -> bool {
        let whole = format!("{} on {}", row.case.strategy, short(&row.case.interpreter));
        case == row.case.strategy || case == whole
    }

    /// The row that an insight about a single case means.
    pub(super) fn find(&self, case: &str, at: &[Coordinate]) -> Option<&'a SweepRow> {
        let places: Vec<(usize, usize)> =
            at.iter().map(|p| self.index(p)).collect::<Option<_>>()?;
        let mut found = self.sweep.rows.iter().filter(|r| is_at(r, &places));
        found.find(|r| Self::is_called(r, case))
    }

    /// The kind of each axis: one with a single value varies nothing, a second load is given, and side by side one given axis makes all of
    /// them given.
    pub(super) fn kinds(&self) -> Vec<AxisKind> {
        let mut loads = 0;
        let mut kinds = Vec::new();
        for a in &self.sweep.header.axes {
            let mut kind = AxisKind::of(&a.path);
            if kind == AxisKind::Load {
                loads += usize::from(a.values.len() > 1 && a.numbers.is_some());
                if loads > 1 || a.numbers.is_none() {
                    kind = AxisKind::Given;
                }
            }
            kinds.push(if a.values.len() > 1 {
                kind
            } else {
                AxisKind::Choice
            });
        }
        if self.sweep.header.zip && kinds.contains(&AxisKind::Given) {
            kinds.fill(AxisKind::Given);
        }
        kinds
    }

    pub(super) fn key(&self, row: &SweepRow, of: AxisKind) -> Vec<usize> {
        let kinds = self.kinds();
        let index = row.index.iter().zip(&kinds);
        index.filter(|(_, k)| **k == of).map(|(i, _)| *i).collect()
    }

    /// The labels of the axes that are given.
    pub(super) fn given(&self) -> Vec<&'a String> {
        let axes = self.sweep.header.axes.iter().zip(self.kinds());
        let given = axes.filter(|(_, k)| *k == AxisKind::Given);
        given.map(|(a, _)| &a.label).collect()
    }

    /// The rows of each combination of given values.
    pub(super) fn settings(&self) -> BTreeMap<Vec<usize>, Vec<&'a SweepRow>> {
        let mut settings: BTreeMap<Vec<usize>, Vec<&SweepRow>> = BTreeMap::new();
        for row in &self.sweep.rows {
            let key = self.key(row, AxisKind::Given);
            settings.entry(key).or_default().push(row);
        }
        settings
    }

    /// The row that comes nearer to the objectives; if equally near (as are all that meet them), the better one.
    pub(super) fn nearer(&self, a: &'a SweepRow, b: &'a SweepRow) -> &'a SweepRow {
        let order = worst(b).total_cmp(&worst(a));
        let b_first = order.is_lt() || (order.is_eq() && self.better(b, a));
        if b_first { b } else { a }
    }

    /// The rows with numbers that could be chosen instead of this one, itself included: with the same given values and the same load.
    pub(super) fn rivals(&self, row: &SweepRow) -> Vec<&'a SweepRow> {
        let key = |r: &SweepRow| (self.key(r, AxisKind::Given), self.key(r, AxisKind::Load));
        let mine = key(row);
        let all = self.sweep.rows.iter().filter(|r| Self::value(r).is_some());
        all.filter(|r| key(r) == mine).collect()
    }

    /// The rows, of those that can be chosen, that do not fail more tasks than necessary: by tier within a point, by intervals across
    /// points.
    pub(super) fn sound(rivals: &[&'a SweepRow]) -> Vec<&'a SweepRow> {
        let fails = |r: &SweepRow| {
            let Some(mine) = failing(r) else { return false };
            rivals.iter().any(|o| match failing(o) {
                Some(f) if o.point != r.point => more(mine, f.high.unwrap_or(f.mean)),
                Some(_) => r.case.tier == Tier::Fails,
                None => false,
            })
        };
        rivals.iter().filter(|r| !fails(r)).copied().collect()
    }

    /// Whether the row is at the largest value of the load at which any row has numbers, among rows with the same given values.
    pub(super) fn is_heaviest(&self, row: &SweepRow, load: Option<&str>) -> bool {
        let kinds = self.kinds();
        let Some(axis) = kinds.iter().position(|k| *k == AxisKind::Load) else {
            return load.is_none();
        };
        let a = &self.sweep.header.axes[axis];
        let x = |r: &SweepRow| Some(*a.numbers.as_ref()?.get(*r.index.get(axis)?)?);
        let given = self.key(row, AxisKind::Given);
        let others = self.sweep.rows.iter().filter(|r| Self::value(r).is_some());
        let mut others = others.filter(|r| self.key(r, AxisKind::Given) == given);
        load == Some(a.label.as_str()) && others.all(|r| x(r) <= x(row))
    }

    pub(super) fn told_failing(&self, row: &SweepRow) -> Option<Estimate> {
        let mut working = self.sweep.rows.iter().filter(|r| Self::value(r).is_some());
        let any = working.any(|r| failing(r).is_some_and(|f| f.mean > 0.0));
        failing(row).filter(|_| any)
    }

    /// Number of other rows of the point that share its rank, and are in no lower tier.
    pub(super) fn equals(&self, row: &SweepRow) -> usize {
        let rivals = self.rivals(row);
        let sound = Self::sound(&rivals).into_iter();
        let of_point = sound.filter(|r| r.point == row.point && misses_nothing(r));
        let others = of_point.filter(|r| !std::ptr::eq(*r, row));
        others
            .filter(|r| r.case.rank.is_some() && r.case.rank == row.case.rank)
            .count()
    }

    pub(super) fn better(&self, a: &SweepRow, b: &SweepRow) -> bool {
        Self::value(a)
            .zip(Self::value(b))
            .is_some_and(|(a, b)| self.ranking.better(a.mean, b.mean))
    }
}
