//! The summary of a sweep: what to take, and the best strategy at each point.

use super::{Summary, facts};
use crate::insight::metric::written;
use crate::insight::names::Names;
use crate::insight::standings::Standings;
use crate::insight::{Insight, doubts, insights};
use crate::layout::Column;
use crate::layout::table::{Table, TableCell, TableRow};
use crate::layout::words::Words;
use crate::quantity::{IntervalDisplay, Quantity, counted, metric_title, shared_unit};
use crate::result::{Notice, Sweep, SweepRow};
use crate::syntax::capital;

/// Most points of a table.
const POINTS: usize = 400;

pub(super) fn summary(sweep: &Sweep) -> Summary {
    let standings = Standings::new(sweep);
    let points = points(sweep, &standings);
    let (answers, others): (Vec<Insight>, Vec<Insight>) =
        insights(sweep).into_iter().partition(|i| {
            i.is_answer() || matches!(i, Insight::Faster { .. } | Insight::FasterAt { .. })
        });
    Summary {
        name: sweep.header.scenario.name.clone(),
        question: sweep.header.scenario.question.clone(),
        answer: answer(sweep, &answers),
        because: Vec::new(),
        insights: others.iter().map(Insight::text).collect(),
        table: table(sweep, &standings, &points),
        objectives: Vec::new(),
        notices: notices(sweep),
        assumptions: facts::of_sweep(&sweep.header),
        command: sweep.header.command.clone(),
    }
}

/// A point: its rows, and those with numbers in the order in which to take them, as indices into the sweep.
struct AnsweredPoint<'a> {
    rows: &'a [SweepRow],
    order: Vec<usize>,
    /// The rows that are as good as the one to take, that one included; empty if none is.
    tied: Vec<usize>,
}

fn points<'a>(sweep: &'a Sweep, standings: &Standings) -> Vec<AnsweredPoint<'a>> {
    let points = sweep.rows.chunk_by(|a, b| a.point == b.point);
    points
        .map(|rows| AnsweredPoint {
            rows,
            order: standings.order(rows[0].point),
            tied: match standings.at(rows[0].point) {
                Some(t) if !t.tied.is_empty() => [vec![t.row], t.tied].concat(),
                _ => Vec::new(),
            },
        })
        .collect()
}

/// How the names of the sweep's cases are shortened.
fn names_of(sweep: &Sweep) -> Names {
    Names::of(sweep.rows.iter().map(|r| &r.case))
}

/// What to take, in the words of the terminal, with the names of strategies marked as such.
fn answer(sweep: &Sweep, answers: &[Insight]) -> Vec<Words> {
    let mut all: Vec<Words> = answers.iter().map(words).collect();
    if all.is_empty() {
        let text = "At no point any strategy has a forecast that means anything.";
        all.push(Words::default().text(text));
    }
    let missing = sweep.header.points.saturating_sub(sweep.points_done());
    if missing > 0 {
        // Before the answer, because it may change with the missing points.
        let text = format!(
            "{missing} of {} {} missing: the sweep is not complete, and what is said is of the others.",
            counted(sweep.header.points, "point"),
            if missing == 1 { "is" } else { "are" }
        );
        all.insert(0, Words::default().text(text));
    }
    all
}

fn words(insight: &Insight) -> Words {
    let text = insight.text();
    let case = match insight {
        Insight::Best { case, .. }
        | Insight::Nearest { case, .. }
        | Insight::Faster { case, .. }
        | Insight::BestAt { case, .. }
        | Insight::FasterAt { case, .. } => case.as_str(),
        _ => "",
    };
    match text.split_once(case).filter(|_| !case.is_empty()) {
        Some((before, after)) => {
            [before, case, after]
                .iter()
                .enumerate()
                .fold(Words::default(), |words, (i, part)| {
                    match (i, part.is_empty()) {
                        (_, true) => words,
                        (1, _) => words.name(*part),
                        _ => words.text(*part),
                    }
                })
        }
        None => Words::default().text(text),
    }
}

fn table(sweep: &Sweep, standings: &Standings, points: &[AnsweredPoint<'_>]) -> Table {
    let ranked_by = metric_title(sweep.header.ranked_by);
    let overall = standings.overall().filter(|t| t.meets).map(|t| t.row);
    let names = names_of(sweep);
    let shown = &points[..points.len().min(POINTS)];
    let value = |row: usize| standings.rows[row].value;
    let first = shown.iter().filter_map(|p| p.order.first().copied());
    let (scale, unit) = shared_unit(
        sweep.header.ranked_by.unit(),
        first.filter_map(value).map(|v| v.mean),
    );
    // Metrics only count tasks that complete, so the share that does not stands beside them.
    let working = standings.rows.iter().filter(|r| r.value.is_some());
    let failing = working.filter_map(|r| r.fails).any(|f| f.mean > 0.0);
    let mut columns: Vec<Column> = sweep
        .header
        .axes
        .iter()
        .map(|a| Column::new(&a.label, "", a.numbers.is_some()))
        .collect();
    for (strategy, metric, failed) in [
        ("best strategy", ranked_by.clone(), "failed"),
        ("next", format!("its {ranked_by}"), "its failed"),
    ] {
        columns.push(Column::new(strategy, "", false));
        columns.push(Column::new(metric, unit, true));
        if failing {
            columns.push(Column::new(failed, "%", true));
        }
    }
    let rows = shown.iter().map(|p| {
        let mut cells: Vec<TableCell> = sweep.header.axes.iter().map(|a| axis_cell(p, a)).collect();
        for place in 0..2 {
            if let Some(&row) = p.order.get(place) {
                let case = &sweep.rows[row].case;
                cells.push(TableCell {
                    tied: p.tied.contains(&row),
                    ..TableCell::name(names.short(case))
                });
                cells.push(TableCell::estimate(
                    value(row),
                    scale,
                    IntervalDisplay::Always,
                ));
                if failing {
                    let failed = case.get(Quantity::FailureRate);
                    cells.push(TableCell::estimate(
                        failed,
                        0.01,
                        IntervalDisplay::IfVisible,
                    ));
                }
            } else {
                let why = p.rows.iter().find(|r| !r.case.is_fine());
                let why = why.map_or("–", |r| r.case.status.name());
                let blank = if failing { 2 } else { 1 };
                cells.push(TableCell::text(why));
                cells.extend((0..blank).map(|_| TableCell::text("–")));
            }
        }
        TableRow {
            cells,
            best: p.order.first().is_some_and(|r| overall == Some(*r)),
            fine: !p.order.is_empty(),
        }
    });
    // Strategies that meet the objectives precede those that do not, however fast.
    let objectives = if sweep.rows.iter().any(|r| !r.case.objectives.is_empty()) {
        ", among those that miss no objective where there are any"
    } else {
        ""
    };
    let ties = if shown.iter().any(|p| !p.tied.is_empty()) {
        "; = marks what does equally well at its point (less than 1% apart, or not to be told apart)"
    } else {
        ""
    };
    Table {
        caption: format!(
            "The best strategy at each point, by {}{objectives}; ± is the half-width of the {} confidence interval{ties}",
            ranked_by,
            crate::quantity::percent(sweep.header.confidence)
        ),
        rows: rows.collect(),
        columns,
        left_out: points.len() - shown.len(),
    }
}

fn axis_cell(point: &AnsweredPoint<'_>, axis: &crate::result::SweptAxis) -> TableCell {
    let Some(row) = point.rows.first() else {
        return TableCell::default();
    };
    let position = sweep_position(row, axis);
    TableCell {
        text: row.at.get(&axis.path).map(written).unwrap_or_default(),
        key: position.and_then(|i| axis.numbers.as_ref()?.get(i).copied()),
        ..TableCell::default()
    }
}

fn sweep_position(row: &SweepRow, axis: &crate::result::SweptAxis) -> Option<usize> {
    let value = row.at.get(&axis.path)?;
    axis.values.iter().position(|v| v == value)
}

/// The warnings, with the values at which they apply.
fn notices(sweep: &Sweep) -> Vec<Notice> {
    doubts(sweep)
        .into_iter()
        .map(|(code, text)| Notice {
            code: code.to_owned(),
            note: false,
            text: capital(&text) + ".",
        })
        .collect()
}
