//! The points of a sweep as tables of short texts: values of one axis down and strategies across, or one axis down and another across, or a
//! row for each point. Text and Markdown lay them out.

use crate::insight::metric::value;
use crate::insight::view::{Slice, SweepView};
use crate::measure::Estimate;
use crate::quantity::unit_of;
use crate::quantity::{IntervalDisplay, Quantity, Unit, estimate, metric_name};
use crate::report::comparison::WIDE;
use crate::result::{Status, SweepRow};
use crate::scenario::Metric;

/// Most rows of a table; longer ones are shortened in the middle.
const ROWS: usize = 30;

/// A table of short texts.
pub(super) struct SweepTable {
    /// Title; empty if the columns say it.
    pub title: String,
    /// Headings over several columns each: text, and number of columns.
    pub groups: Vec<(String, usize)>,
    pub columns: Vec<SweepColumn>,
    pub rows: Vec<Vec<String>>,
    /// Gaps: number of rows left out, and index of the row that follows them.
    pub left_out: Vec<(usize, usize)>,
}

/// A column of a table.
#[derive(Clone)]
pub(super) struct SweepColumn {
    pub title: String,
    /// Whether its cells are numbers.
    pub number: bool,
    /// The series that it shows, if any.
    pub series: Option<usize>,
    /// Whether its cells end in marks (or in room for them).
    pub marked: bool,
}

impl SweepColumn {
    fn words(title: &str) -> Self {
        Self {
            title: title.into(),
            number: false,
            series: None,
            marked: false,
        }
    }

    fn numbers(title: &str) -> Self {
        Self {
            number: true,
            ..Self::words(title)
        }
    }
}

/// What a cell shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnQuantity {
    /// The metric by which the sweep ranks.
    Ranked,
    /// Another quantity.
    Also(Quantity),
}

/// A quantity over the whole table, in one unit.
struct TableQuantity {
    quantity: ColumnQuantity,
    scale: f64,
    title: String,
}

impl TableQuantity {
    fn new(view: &SweepView<'_>, quantity: ColumnQuantity) -> Self {
        let (name, unit) = match quantity {
            ColumnQuantity::Ranked => (metric_name(view.ranking).clone(), view.ranking.unit()),
            ColumnQuantity::Also(q) => (short(q).to_owned(), q.unit()),
        };
        let values = view.sweep.rows.iter().filter_map(|r| get(r, quantity));
        let (scale, unit) = unit_of(unit, values.map(|e| e.mean));
        let title = if unit.is_empty() || unit == name {
            name
        } else {
            format!("{name} ({unit})")
        };
        Self {
            quantity,
            scale,
            title,
        }
    }

    fn cell(&self, row: Option<&SweepRow>) -> String {
        let Some(row) = row else { return "–".into() };
        let Some(e) = get(row, self.quantity) else {
            return match self.quantity {
                ColumnQuantity::Ranked => why(row.case.status).into(),
                ColumnQuantity::Also(_) => "–".into(),
            };
        };
        let interval = match e.relative() {
            _ if self.quantity == ColumnQuantity::Ranked => IntervalDisplay::Always,
            Some(r) if r <= WIDE => IntervalDisplay::Never,
            _ => IntervalDisplay::IfVisible,
        };
        estimate(e.scaled(1.0 / self.scale), interval)
    }
}

fn get(row: &SweepRow, quantity: ColumnQuantity) -> Option<Estimate> {
    match quantity {
        ColumnQuantity::Ranked => value(row),
        ColumnQuantity::Also(q) => row.case.get(q),
    }
}

/// A few words instead of a number that does not exist.
fn why(status: Status) -> &'static str {
    match status {
        Status::Fine => "–",
        Status::NothingCompleted => "none done",
        other => other.name(),
    }
}

fn short(q: Quantity) -> &'static str {
    match q {
        Quantity::Makespan => "makespan",
        Quantity::Throughput => "tasks/s",
        Quantity::P99 => "p99",
        Quantity::MemoryPeak => "memory",
        Quantity::Cpu => "CPU",
        Quantity::Utilization => "cores busy",
        Quantity::FailureRate => "failed",
        other => other.key(),
    }
}

/// Quantities worth a look beside the metric, the most telling first.
pub(super) fn also(view: &SweepView<'_>) -> Vec<Quantity> {
    let candidates = match view.ranking {
        Metric::Makespan => [
            Quantity::MemoryPeak,
            Quantity::Cpu,
            Quantity::Utilization,
            Quantity::Throughput,
        ],
        Metric::Throughput => [
            Quantity::P99,
            Quantity::MemoryPeak,
            Quantity::Cpu,
            Quantity::Utilization,
        ],
        _ => [
            Quantity::Throughput,
            Quantity::MemoryPeak,
            Quantity::Cpu,
            Quantity::Utilization,
        ],
    };
    let same = |q: &Quantity| view.ranking.quantity() == Some(*q);
    let known = |q: &Quantity| view.sweep.rows.iter().any(|r| r.case.get(*q).is_some());
    // Metrics only count tasks that complete, so the share that does not stands beside them.
    let some = view
        .any_fails()
        .then_some(Quantity::FailureRate)
        .into_iter();
    let some = some.chain(candidates);
    some.filter(|q| !same(q) && known(q)).collect()
}

/// Rows: the points of a sweep along one axis (or several side by side); columns: the strategies, in a group for each quantity.
pub(super) fn along(view: &SweepView<'_>, quantities: &[ColumnQuantity], all: bool) -> SweepTable {
    let axes = swept(view);
    let measured: Vec<TableQuantity> = quantities
        .iter()
        .map(|&s| TableQuantity::new(view, s))
        .collect();
    let mut columns = axis_columns(view, &axes);
    let mut groups = vec![(String::new(), columns.len())];
    let alone = view.series.len() == 1;
    for m in &measured {
        columns.extend(
            view.series
                .iter()
                .enumerate()
                .map(|(s, series)| SweepColumn {
                    series: Some(s),
                    marked: m.quantity == ColumnQuantity::Ranked,
                    ..SweepColumn::numbers(if alone { &m.title } else { &series.name })
                }),
        );
        let title = if alone { "" } else { m.title.as_str() };
        groups.push((title.to_owned(), view.series.len()));
    }
    let best = best_point(view);
    let rows = view.points.iter().map(|&(point, index)| {
        let mut row: Vec<String> = axes.iter().map(|&a| at(view, a, index)).collect();
        for m in &measured {
            row.extend((0..view.series.len()).map(|s| {
                let mark =
                    (m.quantity == ColumnQuantity::Ranked).then(|| mark(view, s, point, best));
                m.cell(view.row(s, point)) + mark.unwrap_or("")
            }));
        }
        row
    });
    let mut table = SweepTable {
        title: String::new(),
        groups,
        columns,
        rows: rows.collect(),
        left_out: Vec::new(),
    };
    table.shorten_points(view, best.map(|b| b.0), all);
    table
}

/// A table over two axes, values of the one down, of the other across: for one series, or (with `None`) for the best at each point, named
/// by letters.
pub(super) fn across(
    view: &SweepView<'_>,
    series: Option<usize>,
    quantity: ColumnQuantity,
) -> Option<SweepTable> {
    let [a, b] = view.varied().try_into().ok()?;
    let measured = TableQuantity::new(view, quantity);
    let slices: Vec<Slice> = view.slices(b);
    let (down, over) = (&view.axes()[a], &view.axes()[b]);
    let mut columns = vec![SweepColumn {
        number: down.numbers.is_some(),
        ..SweepColumn::words(&down.label)
    }];
    let values = 0..over.values.len();
    columns.extend(values.clone().map(|i| SweepColumn {
        marked: true,
        ..SweepColumn::numbers(&view.written(b, i))
    }));
    let best = best_point(view);
    let rows = slices.iter().map(|slice| {
        let mut row: Vec<String> = slice
            .fixed
            .iter()
            .map(|&(a, i)| view.written(a, i))
            .collect();
        let at = |i: usize| {
            let mut points = slice.points.iter().copied();
            points.find(|p| index_of(view, *p).get(b) == Some(&i))
        };
        row.extend(values.clone().map(|i| {
            let Some(point) = at(i) else {
                return "–".into();
            };
            let s = series.or_else(|| view.first(point));
            let Some(s) = s else { return "none".into() };
            let letter = if series.is_none() {
                format!(" {}", letter(s))
            } else {
                String::new()
            };
            let star = single_mark(view, s, point, best);
            format!("{}{letter}{star}", measured.cell(view.row(s, point)))
        }));
        row
    });
    let of = series.map_or_else(
        || "best strategy".to_owned(),
        |s| view.series[s].name.clone(),
    );
    Some(SweepTable {
        title: format!(
            "{of}: {} by {} and {}",
            measured.title, down.label, over.label
        ),
        groups: vec![(String::new(), 1), (over.label.clone(), over.values.len())],
        columns,
        rows: rows.collect(),
        left_out: Vec::new(),
    })
}

/// A table with a row for each point: its values, the best strategy there, and what that reaches.
pub(super) fn long(view: &SweepView<'_>, all: bool) -> SweepTable {
    let axes = swept(view);
    let others = also(view).into_iter().take(2).map(ColumnQuantity::Also);
    let measured: Vec<TableQuantity> = std::iter::once(ColumnQuantity::Ranked)
        .chain(others)
        .map(|s| TableQuantity::new(view, s))
        .collect();
    let mut columns = axis_columns(view, &axes);
    columns.push(SweepColumn::words("best strategy"));
    columns.extend(measured.iter().map(|m| SweepColumn {
        marked: m.quantity == ColumnQuantity::Ranked,
        ..SweepColumn::numbers(&m.title)
    }));
    let best = best_point(view);
    let rows = view.points.iter().map(|&(point, index)| {
        let mut row: Vec<String> = axes.iter().map(|&a| at(view, a, index)).collect();
        let s = view.first(point);
        row.push(s.map_or("none".into(), |s| view.series[s].name.clone()));
        let mut cells = measured.iter().map(|m| {
            let row = s.and_then(|s| view.row(s, point));
            m.cell(row)
        });
        let star = s.map_or("  ", |s| single_mark(view, s, point, best));
        row.extend(cells.next().map(|c| c + star));
        row.extend(cells);
        row
    });
    let mut table = SweepTable {
        title: "best strategy at each point".into(),
        // The columns that identify a point are repeated in every part of a table that is too wide.
        groups: vec![(String::new(), axes.len() + 1)],
        columns,
        rows: rows.collect(),
        left_out: Vec::new(),
    };
    table.shorten_points(view, best.map(|b| b.0), all);
    table
}

/// A column for each of these axes.
fn axis_columns(view: &SweepView<'_>, axes: &[usize]) -> Vec<SweepColumn> {
    axes.iter()
        .map(|&a| SweepColumn {
            number: view.axes()[a].numbers.is_some(),
            ..SweepColumn::words(&view.axes()[a].label)
        })
        .collect()
}

impl SweepTable {
    /// Shortens a table with a row for each point in the middle, keeping the row of the best point.
    fn shorten_points(&mut self, view: &SweepView<'_>, best: Option<u64>, all: bool) {
        let keep = view.points.iter().position(|(p, _)| Some(*p) == best);
        self.shorten(all, keep);
    }

    /// Shortens the table in the middle, keeping row `keep`.
    fn shorten(&mut self, all: bool, keep: Option<usize>) {
        let n = self.rows.len();
        if all || n <= ROWS {
            return;
        }
        let half = ROWS / 2 - 2;
        let kept = |i: usize| i < half || i >= n - half || Some(i) == keep;
        let mut gap = 0;
        for (i, row) in std::mem::take(&mut self.rows).into_iter().enumerate() {
            if !kept(i) {
                gap += 1;
                continue;
            }
            if gap > 0 {
                self.left_out.push((gap, self.rows.len()));
                gap = 0;
            }
            self.rows.push(row);
        }
    }

    /// Number of rows left out before this one, if any.
    pub(super) fn gap_before(&self, row: usize) -> Option<usize> {
        let mut gaps = self.left_out.iter();
        gaps.find(|(_, before)| *before == row).map(|(n, _)| *n)
    }
}

/// The axes that identify a point.
fn swept(view: &SweepView<'_>) -> Vec<usize> {
    if view.sweep.header.zip || view.varied().is_empty() {
        (0..view.axes().len()).collect()
    } else {
        view.varied()
    }
}

fn at(view: &SweepView<'_>, axis: usize, index: &[usize]) -> String {
    view.written(axis, index.get(axis).copied().unwrap_or(0))
}

fn index_of<'a>(view: &SweepView<'a>, point: u64) -> &'a [usize] {
    let found = view.points.binary_search_by_key(&point, |(p, _)| *p);
    found.map_or(&[], |i| view.points[i].1)
}

/// Point and series of the best case over all points.
fn best_point(view: &SweepView<'_>) -> Option<(u64, usize)> {
    let row = view.standings.overall()?.row;
    Some((view.sweep.rows[row].point, view.series_of(row)?))
}

/// The mark of a cell. `**`: best of all; `*`: best of its point, or as good; `~`: nearest, if no case at the point meets the objectives.
fn mark(
    view: &SweepView<'_>,
    series: usize,
    point: u64,
    best: Option<(u64, usize)>,
) -> &'static str {
    match best {
        Some(b) if b == (point, series) && view.meets(point) => "**",
        Some(b) if b == (point, series) => "~ ",
        _ if !view.leads(series, point) => "  ",
        _ if view.meets(point) => "* ",
        _ => "~ ",
    }
}

/// The mark in tables that show one strategy for each point: only the best of all, and the nearest if no case meets the objectives.
fn single_mark(
    view: &SweepView<'_>,
    series: usize,
    point: u64,
    best: Option<(u64, usize)>,
) -> &'static str {
    match mark(view, series, point, best) {
        "* " => "  ",
        other => other,
    }
}

/// The letter of a series (or a curve): A, B, ..., Z, then a to z.
pub(super) fn letter(series: usize) -> char {
    let all = ('A'..='Z').chain('a'..='z');
    all.into_iter().nth(series).unwrap_or('+')
}

/// Size, name and kind of the unit of what the tables and the chart show.
pub(super) fn in_unit(view: &SweepView<'_>) -> (f64, &'static str, Unit) {
    let values = view.sweep.rows.iter().filter_map(value);
    let (scale, name) = unit_of(view.ranking.unit(), values.map(|e| e.mean));
    (scale, name, view.ranking.unit())
}
