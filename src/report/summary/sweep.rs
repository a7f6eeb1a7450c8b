//! A sweep: its best point, and the best strategy at each.

use super::facts::{self, written};
use super::{
    Cell, Column, Names, Notice, Ranking, Row, Summary, Table, Words, article, shared_unit,
};
use crate::report::document::{EstimateDocument, Load, SweepDocument, SweepRow};
use crate::report::grid::Interval;
use crate::report::sweep::{Insight, insights};

/// Most points that a table shows.
const POINTS: usize = 400;

pub(super) fn summary(sweep: &SweepDocument) -> Summary {
    let ranking = Ranking::new(&sweep.header.ranked_by);
    let points = points(sweep);
    Summary {
        name: sweep.header.scenario.name.clone(),
        question: sweep.header.scenario.question.clone(),
        answer: answer(sweep, &points, &ranking),
        because: Vec::new(),
        // The best point is the answer already.
        insights: insights(sweep)
            .iter()
            .filter(|i| !matches!(i, Insight::Best { .. }))
            .map(Insight::text)
            .collect(),
        table: table(sweep, &points, &ranking),
        objectives: Vec::new(),
        notices: notices(sweep, &points),
        assumptions: facts::of_sweep(&sweep.header),
        command: sweep.header.command.clone(),
    }
}

/// A point: its cases, best first.
struct Point<'a> {
    rows: Vec<&'a SweepRow>,
}

impl<'a> Point<'a> {
    /// The best case, if it has a forecast that means anything.
    fn best(&self) -> Option<(&'a SweepRow, EstimateDocument)> {
        let fine = self.rows.iter().find(|r| r.case.is_fine())?;
        Some((*fine, fine.case.primary()?))
    }

    /// Where it is: `cores = 4, workers = 8`.
    fn at(&self, sweep: &SweepDocument) -> String {
        let axes = sweep.header.axes.iter().filter_map(|a| {
            let value = self.rows.first()?.at.get(&a.path)?;
            Some(format!("{} = {}", a.label, written(value)))
        });
        axes.collect::<Vec<_>>().join(", ")
    }
}

fn points(sweep: &SweepDocument) -> Vec<Point<'_>> {
    let mut all: Vec<Point<'_>> = Vec::new();
    for row in &sweep.rows {
        match all.last_mut() {
            Some(p) if p.rows.first().is_some_and(|r| r.point == row.point) => p.rows.push(row),
            _ => all.push(Point { rows: vec![row] }),
        }
    }
    all
}

/// How the sweep's cases are called.
fn names_of(sweep: &SweepDocument) -> Names {
    Names::of(sweep.rows.iter().map(|r| &r.case))
}

/// The number of the best point: the first of equally good ones; of the heaviest load, where loads are swept.
fn best_point(points: &[Point<'_>], ranking: &Ranking, heaviest: Option<Load>) -> Option<usize> {
    let here = |i: &usize| {
        let row = points[*i].rows.first();
        heaviest.is_none_or(|load| row.is_some_and(|r| load.holds(r)))
    };
    let value = |i: &usize| points[*i].best().map(|(_, v)| v.mean);
    (0..points.len())
        .filter(|i| here(i) && value(i).is_some())
        .reduce(|a, b| match (value(&a), value(&b)) {
            (Some(x), Some(y)) if ranking.better(y, x) => b,
            _ => a,
        })
}

fn answer(sweep: &SweepDocument, points: &[Point<'_>], ranking: &Ranking) -> Vec<Words> {
    let heaviest = sweep.heaviest();
    let Some(best) = best_point(points, ranking, heaviest) else {
        let text = "At no point any strategy has a forecast that means anything.";
        return vec![Words::default().text(text)];
    };
    let Some((row, value)) = points[best].best() else {
        return Vec::new();
    };
    let mut words = Words::default()
        .name(names_of(sweep).short(&row.case))
        .text(format!(
            "{}, with {} {} of {}",
            match heaviest {
                None => format!(
                    " with {} is the best of {} points",
                    points[best].at(sweep),
                    points.len()
                ),
                Some(load) => format!(
                    " is the best with {}, the highest {} that anything bears",
                    points[best].at(sweep),
                    sweep.header.axes[load.axis].label
                ),
            },
            article(&ranking.name),
            ranking.name,
            ranking.text(value)
        ));
    let overlaps = |p: &Point<'_>| {
        p.best()
            .is_some_and(|(_, v)| match (v.low, v.high, value.low, value.high) {
                (Some(low), Some(high), Some(l), Some(h)) => low <= h && l <= high,
                _ => (v.mean - value.mean).abs() <= 0.01 * value.mean.abs(),
            })
    };
    let equal = points
        .iter()
        .filter(|p| overlaps(p))
        .count()
        .saturating_sub(1);
    if equal > 0 && heaviest.is_none() {
        words = words.text(format!(
            "; {equal} other {} cannot be told apart from it",
            if equal == 1 { "point" } else { "points" }
        ));
    }
    let mut all = vec![words.text(".")];
    let missing = sweep.header.points.saturating_sub(points.len() as u64);
    if missing > 0 {
        all.push(Words::default().text(format!(
            "{missing} of the {} points are missing: the sweep is not complete.",
            sweep.header.points
        )));
    }
    all
}

fn table(sweep: &SweepDocument, points: &[Point<'_>], ranking: &Ranking) -> Table {
    let best = best_point(points, ranking, sweep.heaviest());
    let names = names_of(sweep);
    let shown = &points[..points.len().min(POINTS)];
    let values = shown.iter().filter_map(|p| p.best()).map(|(_, v)| v.mean);
    let (scale, unit) = shared_unit(ranking.unit(), values);
    let mut columns: Vec<Column> = sweep
        .header
        .axes
        .iter()
        .map(|a| Column::new(&a.label, "", a.numbers.is_some()))
        .collect();
    columns.push(Column::new("best strategy", "", false));
    columns.push(Column::new(&ranking.name, unit, true));
    columns.push(Column::new("next", "", false));
    columns.push(Column::new(format!("its {}", ranking.name), unit, true));
    let rows = shown.iter().enumerate().map(|(i, p)| {
        let mut cells: Vec<Cell> = sweep.header.axes.iter().map(|a| axis_cell(p, a)).collect();
        let mut fine = p.rows.iter().filter(|r| r.case.is_fine());
        for _ in 0..2 {
            match fine.next() {
                Some(r) => {
                    cells.push(Cell::name(names.short(&r.case)));
                    cells.push(Cell::estimate(r.case.primary(), scale, Interval::Always));
                }
                None => {
                    let why = p.rows.iter().find(|r| !r.case.is_fine());
                    let why = why.map_or("–", |r| r.case.status.as_str());
                    cells.extend([Cell::text(why), Cell::text("–")]);
                }
            }
        }
        Row {
            cells,
            best: best == Some(i),
            fine: p.best().is_some(),
        }
    });
    Table {
        caption: format!(
            "The best strategy at each point, by {}; ± is the half-width of the {} confidence interval",
            ranking.name,
            crate::study::percent(sweep.header.confidence)
        ),
        rows: rows.collect(),
        columns,
        left_out: points.len() - shown.len(),
    }
}

fn axis_cell(point: &Point<'_>, axis: &crate::report::document::AxisDocument) -> Cell {
    let Some(row) = point.rows.first() else {
        return Cell::default();
    };
    let position = sweep_position(row, axis);
    Cell {
        text: row.at.get(&axis.path).map(written).unwrap_or_default(),
        key: position.and_then(|i| axis.numbers.as_ref()?.get(i).copied()),
        ..Cell::default()
    }
}

fn sweep_position(row: &SweepRow, axis: &crate::report::document::AxisDocument) -> Option<usize> {
    let value = row.at.get(&axis.path)?;
    axis.values.iter().position(|v| v == value)
}

/// The warnings by how many points have them.
fn notices(sweep: &SweepDocument, points: &[Point<'_>]) -> Vec<Notice> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for p in points {
        let codes = p.rows.first().map(|r| r.warnings.as_slice());
        for code in codes.unwrap_or_default() {
            *counts.entry(code).or_default() += 1;
        }
    }
    let all = sweep.header.points;
    counts
        .into_iter()
        .map(|(code, n)| Notice {
            note: false,
            text: format!(
                "`{code}` at {n} of {all} points; run one of them alone (`pchsim run` with the same values) to read what it says."
            ),
        })
        .collect()
}
