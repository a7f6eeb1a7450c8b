//! The tables of a comparison: the metric that decides, then the others.

use super::sentences::{case_name, change_text, interval_text, names};
use crate::contrast::{Contrast, Row, RowPlace, RowVerdict};
use crate::layout::Column;
use crate::layout::table::{Table, TableCell, TableRow};
use crate::measure::Estimate;
use crate::quantity::{
    IntervalDisplay, estimate, metric_name, metric_text_in, metric_title, unit_of,
};

/// Most rows of a table, unless all are asked for.
const ROWS: usize = 30;

/// The metric by which both are ranked: of runs every case, of sweeps what changed.
pub(super) fn decisive(all: &Contrast, everything: bool) -> Table {
    let rows = all.rows().filter(|(_, r)| r.metric == all.metric());
    let shown = rows.filter(|(_, r)| everything || !all.sweeps || is_told(r));
    let rows: Vec<(RowPlace, &Row)> = shown.collect();
    let values = rows.iter().flat_map(|(_, r)| [r.a, r.b]).flatten();
    let unit = unit_of(all.metric().unit(), values.map(|e| e.mean));
    made(
        all,
        &rows,
        Some(unit),
        metric_title(all.metric()),
        everything,
    )
}

/// The other metrics: what is better or worse, or all of them.
pub(super) fn others(all: &Contrast, everything: bool) -> Table {
    let rows = all.rows().filter(|(_, r)| r.metric != all.metric());
    // Of a case that has no forecast any more a sentence tells.
    let works = |p: &RowPlace| {
        let pair = &all.points[p.point].cases[p.case];
        pair.a.is_fine() && pair.b.is_fine()
    };
    let rows = rows.filter(|(p, r)| everything || is_told(r) && works(p));
    let rows: Vec<(RowPlace, &Row)> = rows.collect();
    let caption = if everything {
        "Other metrics"
    } else {
        "Other metrics that are better or worse"
    };
    made(all, &rows, None, caption.to_owned(), everything)
}

/// Whether something is said of a row: it is better or worse, or has a value on one side only.
fn is_told(r: &Row) -> bool {
    match r.verdict {
        RowVerdict::Better | RowVerdict::Worse | RowVerdict::Lost | RowVerdict::Gained => true,
        RowVerdict::Negligible | RowVerdict::Unclear | RowVerdict::Same | RowVerdict::Unknown => {
            false
        }
    }
}

/// A table of rows; with a `unit` all are of one metric and share it, else each has its own and names its metric.
fn made(
    all: &Contrast,
    rows: &[(RowPlace, &Row)],
    unit: Option<(f64, &'static str)>,
    caption: String,
    everything: bool,
) -> Table {
    let key = |title: &str| Column {
        key: true,
        name: true,
        ..Column::new(title, "", false)
    };
    let heading = unit.map_or("", |u| u.1);
    let mut columns = Vec::new();
    if all.sweeps {
        columns.push(key("point"));
    }
    columns.push(key("strategy"));
    if unit.is_none() {
        columns.push(Column {
            key: true,
            ..Column::new("metric", "", false)
        });
    }
    columns.push(Column::new("A", heading, true));
    columns.push(Column::new("B", heading, true));
    columns.push(Column::new("change", "", true));
    columns.push(Column {
        dispensable: 1,
        ..Column::new("95% interval", "", true)
    });
    columns.push(Column::new("B is", "", false));
    let most = if everything { usize::MAX } else { ROWS };
    let names = names(all);
    let cells = rows.iter().take(most).map(|(place, row)| {
        let point = &all.points[place.point];
        let mut cells = Vec::new();
        if all.sweeps {
            cells.push(TableCell::name(point.name()));
        }
        cells.push(TableCell::name(case_name(&names, &point.cases[place.case])));
        if unit.is_none() {
            cells.push(TableCell::text(metric_name(row.metric)));
        }
        cells.extend(values(row, unit));
        let change = row.change.as_ref();
        let or_none = |t: Option<String>| TableCell::text(t.unwrap_or_else(|| "–".into()));
        cells.push(or_none(
            change.map(|c| change_text(row.metric, c, c.value())),
        ));
        let moved = change.filter(|_| row.verdict != RowVerdict::Same);
        cells.push(or_none(moved.and_then(|c| interval_text(row.metric, c))));
        cells.push(TableCell::text(verdict(all, *place, row)));
        TableRow {
            cells,
            best: false,
            fine: true,
        }
    });
    Table {
        caption,
        columns,
        rows: cells.collect(),
        left_out: rows.len().saturating_sub(most),
    }
}

/// The values of both sides, in the unit that they share.
fn values(row: &Row, unit: Option<(f64, &'static str)>) -> [TableCell; 2] {
    let known = [row.a, row.b].into_iter().flatten();
    let own = unit_of(row.metric.unit(), known.map(|e| e.mean));
    [row.a, row.b].map(|e| match (e, unit) {
        (None, _) => TableCell::text("–"),
        (Some(e), Some((scale, _))) => TableCell::number(
            e.mean,
            estimate(e.scaled(1.0 / scale), IntervalDisplay::IfVisible),
        ),
        (Some(e), None) => TableCell::number(e.mean, visible(row, e, own)),
    })
}

/// An estimate with its unit, its interval where that can be seen.
fn visible(row: &Row, e: Estimate, unit: (f64, &'static str)) -> String {
    let small = e.relative().is_none_or(|r| r < 0.0005);
    metric_text_in(row.metric, if small { e.with_half(None) } else { e }, unit)
}

/// The verdict; where a side has no value, why it has none.
fn verdict(all: &Contrast, place: RowPlace, row: &Row) -> String {
    let pair = &all.points[place.point].cases[place.case];
    match row.verdict {
        RowVerdict::Lost if !pair.b.is_fine() => pair.b.status.name().to_owned(),
        RowVerdict::Gained if !pair.a.is_fine() => format!("fine, A {}", pair.a.status.name()),
        other => other.text().to_owned(),
    }
}
