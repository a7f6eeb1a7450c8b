//! The rows of a sweep as curves: which rows belong to one strategy, along which axes, and which strategies matter most.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::cases::number;
use super::{Axis, CurvePoint, Measure, capital};
use crate::charts::figure::{Emphasis, PointFlaw, Scale};
use crate::charts::scale;
use crate::insight::Coordinate;
use crate::insight::names::Names;
use crate::insight::standings::{PointAnswer, Standings};
use crate::measure::Estimate;
use crate::result::{Forecast, Sweep, SweepHeader, SweepRow, SweptAxis};

/// One strategy's rows.
pub(super) struct SweepCurve<'a> {
    pub name: String,
    /// Number that determines its looks: its index among all curves, best first.
    pub number: usize,
    /// Whether it is the sequential baseline.
    pub baseline: bool,
    /// Role of the strategy in the answer.
    pub role: Emphasis,
    /// Its rows, in the order of the points.
    pub rows: Vec<&'a SweepRow>,
}

/// A sweep laid out for figures.
pub(super) struct SweepLayout<'a> {
    pub header: &'a SweepHeader,
    pub sweep: &'a Sweep,
    /// Standings of the rows.
    standings: Standings,
    /// Indices in the header of the axes over which figures are laid; axes that distinguish strategies are left out.
    pub axes: Vec<usize>,
    /// The curves, best first.
    pub curves: Vec<SweepCurve<'a>>,
}

/// How rows are grouped into curves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CurveGrouping {
    /// By strategy and interpreter.
    Case,
    /// By strategy and interpreter without numbers of workers, which are swept.
    Unnumbered,
    /// By strategy alone, because the interpreter is swept.
    Strategy,
}

impl<'a> SweepLayout<'a> {
    pub(super) fn of(sweep: &'a Sweep) -> Self {
        let header = &sweep.header;
        let varied = varied(header);
        let all: Vec<&SweepRow> = sweep.rows.iter().collect();
        let mut key = CurveGrouping::Case;
        let mut axes = Vec::new();
        for &axis in &varied {
            let numbers = header.axes[axis].numbers.is_some();
            let numbered = |r: &&SweepRow| unnumbered(&r.case.strategy) != r.case.strategy;
            let with_numbers: Vec<&SweepRow> = sweep.rows.iter().filter(numbered).collect();
            if numbers
                && !with_numbers.is_empty()
                && !recurs(&with_numbers, axis, CurveGrouping::Case)
            {
                key = CurveGrouping::Unnumbered;
            }
            if numbers || recurs(&all, axis, CurveGrouping::Case) {
                axes.push(axis);
            }
        }
        if axes.is_empty() {
            axes.extend(varied.first());
            if varied
                .first()
                .is_some_and(|&a| recurs(&all, a, CurveGrouping::Strategy))
            {
                key = CurveGrouping::Strategy;
            }
        }
        let standings = Standings::new(sweep);
        Self {
            header,
            axes,
            curves: curves(&sweep.rows, key, &standings),
            sweep,
            standings,
        }
    }

    /// The row to take over the whole sweep; `None` if something is given, so that there is no single one.
    pub(super) fn overall(&self) -> Option<&'a SweepRow> {
        let taken = self.standings.overall()?;
        self.sweep.rows.get(taken.row)
    }

    /// The row to take at each point.
    pub(super) fn best_rows(&self) -> Vec<&'a SweepRow> {
        let points = self.sweep.rows.chunk_by(|a, b| a.point == b.point);
        let taken = points.filter_map(|rows| self.standings.at(rows[0].point));
        taken.map(|t| &self.sweep.rows[t.row]).collect()
    }

    /// The row to take of these, which differ along axes of choices.
    pub(super) fn best_of(&self, rows: &[&SweepRow]) -> Option<&'a SweepRow> {
        let all = &self.sweep.rows;
        let place = |row: &&SweepRow| {
            let from = all.partition_point(|r| r.point < row.point);
            let mut of_point = all[from..].iter().take_while(|r| r.point == row.point);
            of_point
                .position(|r| std::ptr::eq(r, *row))
                .map(|i| from + i)
        };
        let mut places: Vec<usize> = rows.iter().filter_map(place).collect();
        places.sort_unstable();
        Some(&self.sweep.rows[self.standings.best(&places)?.row])
    }

    /// The axis as figures lay it out.
    pub(super) fn across(&self, axis: usize) -> AxisLayout {
        let Some(a) = self.header.axes.get(axis) else {
            return AxisLayout::default();
        };
        let mut label = capital(&a.label);
        if self.header.zip && self.header.axes.len() > 1 {
            let others: Vec<&str> = self
                .header
                .axes
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != axis)
                .map(|(_, o)| o.label.as_str())
                .collect();
            label = format!("{label} (with {})", others.join(", "));
        }
        AxisLayout::of(a, axis, label)
    }
}

/// The axes with several values; of axes that vary side by side the first one (with numbers, if there is one).
fn varied(header: &SweepHeader) -> Vec<usize> {
    let several = |i: &usize| header.axes[*i].values.len() > 1;
    let all: Vec<usize> = (0..header.axes.len()).filter(several).collect();
    if !header.zip {
        return all;
    }
    let numbers = all.iter().find(|&&i| header.axes[i].numbers.is_some());
    numbers.or(all.first()).copied().into_iter().collect()
}

/// Whether some curve has rows at two values of the axis.
fn recurs(rows: &[&SweepRow], axis: usize, key: CurveGrouping) -> bool {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    rows.iter().any(|r| {
        let at = r.index.get(axis).copied().unwrap_or(0);
        *seen.entry(key_of(&r.case, key)).or_insert(at) != at
    })
}

fn key_of(case: &Forecast, key: CurveGrouping) -> String {
    match key {
        CurveGrouping::Case => case.name(),
        CurveGrouping::Unnumbered => {
            format!("{} on {}", unnumbered(&case.strategy), case.interpreter)
        }
        CurveGrouping::Strategy => case.strategy.clone(),
    }
}

/// The strategy without numbers of workers: `asyncio+threads:8` becomes `asyncio+threads:N`.
fn unnumbered(strategy: &str) -> String {
    let mut out = String::with_capacity(strategy.len());
    let mut after_colon = false;
    for c in strategy.chars() {
        if after_colon && c.is_ascii_digit() {
            if !out.ends_with('N') {
                out.push('N');
            }
            continue;
        }
        after_colon = c == ':';
        out.push(c);
    }
    out
}

fn curves<'a>(
    rows: &'a [SweepRow],
    key: CurveGrouping,
    standings: &Standings,
) -> Vec<SweepCurve<'a>> {
    let names = Names::of(rows.iter().map(|r| &r.case));
    let mut found: BTreeMap<String, (usize, Vec<&SweepRow>)> = BTreeMap::new();
    for row in rows {
        let fresh = found.len();
        let (_, of) = found
            .entry(key_of(&row.case, key))
            .or_insert_with(|| (fresh, Vec::new()));
        // Two strategies that the sweep makes equal are one.
        if of.last().is_none_or(|r| r.point != row.point) {
            of.push(row);
        }
    }
    let mut curves: Vec<(usize, Vec<&SweepRow>)> = found.into_values().collect();
    // For each point, the row to take, and those that are as good.
    let points = rows.chunk_by(|a, b| a.point == b.point);
    let answers: Vec<PointAnswer> = points.filter_map(|p| standings.at(p[0].point)).collect();
    let overall = standings.overall();
    let taken: BTreeSet<*const SweepRow> = answers
        .iter()
        .flat_map(|t| std::iter::once(t.row).chain(t.tied.iter().copied()))
        .map(|i| std::ptr::from_ref(&rows[i]))
        .collect();
    let leads = |row: &&SweepRow| taken.contains(&std::ptr::from_ref(*row));
    let order = |c: &(usize, Vec<&SweepRow>)| {
        let wins = c.1.iter().filter(|r| leads(r)).count();
        let ranks = c.1.iter().map(|r| f64::from(r.case.rank.unwrap_or(1_000)));
        let mean = ranks.sum::<f64>() / c.1.len().max(1) as f64;
        (std::cmp::Reverse(wins), mean, c.0)
    };
    curves.sort_by(|a, b| {
        let (a, b) = (order(a), order(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2))
    });
    let sequential = |rows: &[&SweepRow]| {
        rows.first()
            .is_some_and(|r| r.case.strategy == "sequential")
    };
    let base = curves.iter().position(|(_, rows)| sequential(rows));
    let place = |row: &SweepRow| {
        // By address: equal rows of different points are different rows.
        rows.iter().position(|r| std::ptr::eq(r, row))
    };
    let role = |of: &[&SweepRow]| {
        let holds = |t: &PointAnswer| {
            of.iter()
                .filter_map(|r| place(r))
                .any(|i| i == t.row || t.tied.contains(&i))
        };
        let (leads, meets) = match &overall {
            Some(t) => (holds(t), t.meets),
            // If something is given, only a strategy that is to be taken at each of its values leads.
            None => (
                !answers.is_empty() && answers.iter().all(holds),
                answers.iter().all(|t| t.meets),
            ),
        };
        Emphasis {
            best: leads && meets,
            nearest: leads && !meets,
            baseline: sequential(of),
        }
    };
    curves
        .into_iter()
        .enumerate()
        .map(|(i, (_, rows))| SweepCurve {
            name: rows.first().map_or_else(String::new, |r| match key {
                CurveGrouping::Case => names.short(&r.case),
                CurveGrouping::Unnumbered => {
                    names.of_parts(&unnumbered(&r.case.strategy), &r.case.interpreter)
                }
                CurveGrouping::Strategy => r.case.strategy.clone(),
            }),
            number: number(i, base),
            baseline: sequential(&rows),
            role: role(&rows),
            rows,
        })
        .collect()
}

/// What these rows lack, if all of them lack something.
pub(super) fn flaw(rows: &[&SweepRow]) -> Option<PointFlaw> {
    let mut all = rows.iter().map(|r| PointFlaw::of_status(r.case.status));
    let first = all.next()??;
    all.all(|l| l.is_some()).then_some(first)
}

/// An axis of a sweep, laid out.
#[derive(Default)]
pub(super) struct AxisLayout {
    /// Index in the header.
    index: usize,
    /// Position of each value.
    pub positions: Vec<f64>,
    /// Text of each value.
    pub texts: Vec<String>,
    pub label: String,
    measure: Option<Measure>,
}

impl AxisLayout {
    fn of(a: &SweptAxis, index: usize, label: String) -> Self {
        let texts: Vec<String> = a.values.iter().map(text).collect();
        let numbers = a
            .numbers
            .clone()
            .filter(|n| n.len() == texts.len() && n.iter().all(|v| v.is_finite()));
        let places = (0..texts.len()).map(|i| i as f64).collect();
        Self {
            index,
            label,
            measure: numbers.as_ref().map(|_| match a.unit.as_deref() {
                Some("s") => Measure::Seconds,
                Some("bytes") => Measure::Bytes,
                Some("per_s") => Measure::PerSecond,
                _ => Measure::Number,
            }),
            positions: numbers.unwrap_or(places),
            texts,
        }
    }

    /// The value at a position, in words: `8 cores`, `rate = 200`.
    pub(super) fn at(&self, x: f64) -> String {
        let i = self.positions.iter().position(|&p| p == x);
        let text = i.and_then(|i| self.texts.get(i)).cloned();
        self.place_of(&text.unwrap_or_default(), x)
    }

    /// The value of this index, in words.
    pub(super) fn value(&self, i: usize) -> String {
        let text = self.texts.get(i).map_or("", String::as_str);
        self.place_of(text, self.positions.get(i).copied().unwrap_or_default())
    }

    fn place_of(&self, text: &str, x: f64) -> String {
        Coordinate {
            axis: self.label.to_lowercase(),
            text: text.to_owned(),
            number: self.measure.map(|_| x),
            beside: Vec::new(),
        }
        .text()
    }

    /// Whether its values are numbers.
    pub(super) fn is_number(&self) -> bool {
        self.measure.is_some()
    }

    /// How its values are laid out; `None` if they are text.
    pub(super) fn scale(&self) -> Option<Scale> {
        self.measure
            .map(|_| scale::across(&self.positions, self.is_count()))
    }

    /// Whether its values count things.
    fn is_count(&self) -> bool {
        self.measure == Some(Measure::Number)
            && self
                .positions
                .iter()
                .all(|&p| p >= 1.0 && libm::trunc(p) == p)
    }

    /// The axis of a figure.
    pub(super) fn axis(&self) -> Axis {
        match self.measure.zip(self.scale()) {
            Some((measure, scale)) => Axis::of(&self.label, measure, scale),
            None => self.words(),
        }
    }

    /// The axis of a figure with each value as text.
    pub(super) fn words(&self) -> Axis {
        Axis::words(&self.label, self.texts.clone())
    }

    /// The index of a row's value on the axis.
    pub(super) fn place(&self, row: &SweepRow) -> usize {
        row.index.get(self.index).copied().unwrap_or(0)
    }

    /// A dot for each value by rising x, with a gap where no row has one.
    pub(super) fn dots(
        &self,
        rows: &[&SweepRow],
        get: impl Fn(&Forecast) -> Option<Estimate>,
    ) -> Vec<CurvePoint> {
        let mut dots: Vec<CurvePoint> = self
            .positions
            .iter()
            .enumerate()
            .map(|(i, &x)| {
                let row = rows.iter().find(|r| self.place(r) == i);
                row.map_or_else(
                    || CurvePoint::estimate(x, None),
                    |r| CurvePoint::of_case(x, &r.case, &get),
                )
            })
            .collect();
        dots.sort_by(|a, b| a.x.total_cmp(&b.x));
        dots
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_workers_are_left_out() {
        assert_eq!(unnumbered("threads:16"), "threads:N");
        assert_eq!(unnumbered("prefork:4(threads:25)"), "prefork:N(threads:N)");
        assert_eq!(unnumbered("pool:4:spawn:20"), "pool:N:spawn:N");
        assert_eq!(unnumbered("asyncio"), "asyncio");
    }
}
