//! The rows as a flat table with a row for each case of a point, as CSV and Parquet hold it.

use crate::strategy::Cause;

use crate::insight::metric::written;
use crate::measure::Estimate;
use crate::quantity::Quantity;
use crate::result::{Forecast, Sweep, SweepRow, SweptAxis};

/// A column: its name, and its values by row.
pub(super) struct FlatColumn {
    pub name: String,
    pub cells: Cells,
}

/// The values of a column; all columns have the same length.
pub(super) enum Cells {
    Text(Vec<String>),
    Whole(Vec<Option<u64>>),
    Flag(Vec<bool>),
    Number(Vec<Option<f64>>),
}

/// The columns before the estimates, with the names of `run --format csv`.
const FIXED: [&str; 9] = [
    "point",
    "scenario",
    "seed",
    "rank",
    "tied",
    "strategy",
    "interpreter",
    "status",
    "replications",
];

/// All columns, in order.
pub(super) fn columns(sweep: &Sweep) -> Vec<FlatColumn> {
    let rows = &sweep.rows;
    let header = &sweep.header;
    let mut out = vec![integer("point", rows, |r| Some(r.point))];
    out.extend((0..).zip(&header.axes).map(|(k, a)| axis(a, k, rows)));
    out.extend([
        text("scenario", rows, |_| header.scenario.name.clone()),
        integer("seed", rows, |_| Some(header.seed)),
        integer("rank", rows, |r| r.case.rank.map(u64::from)),
        FlatColumn {
            name: "tied".into(),
            cells: Cells::Flag(rows.iter().map(|r| r.case.tied).collect()),
        },
        text("strategy", rows, |r| r.case.strategy.clone()),
        text("interpreter", rows, |r| r.case.interpreter.clone()),
        text("status", rows, |r| r.case.status.name().to_owned()),
        integer("replications", rows, |r| Some(r.case.replications.into())),
    ]);
    for q in Quantity::ALL {
        out.extend(estimate(q.key(), rows, |c| c.get(q)));
    }
    out.extend(estimate("speedup", rows, |c| c.speedup));
    for cause in Cause::ALL {
        let key = format!("{}_share", cause.name());
        let share = |r: &SweepRow| Some(r.case.causes[cause as usize]);
        let cells = Cells::Number(rows.iter().map(share).collect());
        out.push(FlatColumn { name: key, cells });
    }
    out
}

/// The values of an axis: numbers in its unit if all of them are, otherwise texts. An axis with the name of another column (`interpreter`)
/// is prefixed with `at.`.
fn axis(axis: &SweptAxis, number: usize, rows: &[SweepRow]) -> FlatColumn {
    let cells = if let Some(numbers) = &axis.numbers {
        let at = |r: &SweepRow| numbers.get(*r.index.get(number)?).copied();
        Cells::Number(rows.iter().map(at).collect())
    } else {
        let at = |r: &SweepRow| r.at.get(&axis.path).map(written).unwrap_or_default();
        Cells::Text(rows.iter().map(at).collect())
    };
    let name = if FIXED.contains(&axis.path.as_str()) {
        format!("at.{}", axis.path)
    } else {
        axis.path.clone()
    };
    FlatColumn { name, cells }
}

fn text(name: &str, rows: &[SweepRow], get: impl Fn(&SweepRow) -> String) -> FlatColumn {
    FlatColumn {
        name: name.into(),
        cells: Cells::Text(rows.iter().map(get).collect()),
    }
}

fn integer(name: &str, rows: &[SweepRow], get: impl Fn(&SweepRow) -> Option<u64>) -> FlatColumn {
    FlatColumn {
        name: name.into(),
        cells: Cells::Whole(rows.iter().map(get).collect()),
    }
}

/// The columns `KEY`, `KEY_low` and `KEY_high` of an estimate.
fn estimate(
    key: &str,
    rows: &[SweepRow],
    get: impl Fn(&Forecast) -> Option<Estimate>,
) -> [FlatColumn; 3] {
    let values: Vec<_> = rows.iter().map(|r| get(&r.case)).collect();
    let column = |suffix: &str, cells: Vec<Option<f64>>| FlatColumn {
        name: format!("{key}{suffix}"),
        cells: Cells::Number(cells),
    };
    [
        column("", values.iter().map(|e| e.map(|e| e.mean)).collect()),
        column(
            "_low",
            values.iter().map(|e| e.and_then(|e| e.low)).collect(),
        ),
        column(
            "_high",
            values.iter().map(|e| e.and_then(|e| e.high)).collect(),
        ),
    ]
}

/// The sweep as CSV, with a row for each case of a point, points in canonical order. The columns are `point`, one for each axis (named by
/// its path; durations in seconds, sizes in bytes), then those of `run --format csv`. Empty cells are quantities without a meaningful
/// value.
pub fn csv(sweep: &Sweep) -> String {
    let columns = columns(sweep);
    let mut w = csv::WriterBuilder::new().from_writer(Vec::new());
    let to_memory = "writing to memory does not fail, and all rows are equally long";
    w.write_record(columns.iter().map(|c| &c.name))
        .expect(to_memory);
    for row in 0..sweep.rows.len() {
        w.write_record(columns.iter().map(|c| c.cells.text(row)))
            .expect(to_memory);
    }
    String::from_utf8(w.into_inner().expect("memory is flushed")).expect("text was written")
}

impl Cells {
    fn text(&self, row: usize) -> String {
        fn number<T: ToString>(n: Option<T>) -> String {
            n.map_or(String::new(), |n| n.to_string())
        }
        match self {
            Self::Text(t) => t[row].clone(),
            Self::Whole(n) => number(n[row]),
            Self::Flag(f) => f[row].to_string(),
            Self::Number(n) => number(n[row]),
        }
    }
}
