//! Tables of cells that know their kind: a number with its interval and its sort key, or a name. The terminal, the page and Markdown lay
//! them out.

use crate::layout::Column;
use crate::measure::Estimate;
use crate::quantity::{IntervalDisplay, estimate};

/// A table of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// What it shows.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, best first, or in the order of a sweep's points.
    pub rows: Vec<TableRow>,
    /// Number of rows that are not shown.
    pub left_out: usize,
}

impl Table {
    /// The rows as texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Vec<String>> {
        self.rows
            .iter()
            .map(|r| r.cells.iter().map(TableCell::with_interval).collect())
    }
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableRow {
    /// A cell for each column.
    pub cells: Vec<TableCell>,
    /// Whether no row is better.
    pub best: bool,
    /// Whether its numbers can be taken as they are.
    pub fine: bool,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TableCell {
    /// The text of the cell, or its number.
    pub text: String,
    /// Half-width of the interval, as text; empty if there is none.
    pub half: String,
    /// The number by which the table is sorted.
    pub key: Option<f64>,
    /// Whether it is a name.
    pub name: bool,
    /// Whether it ties with another cell of its row or table, which a `=` after it shows.
    pub tied: bool,
}

impl TableCell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    pub(crate) fn name(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            name: true,
            ..Self::default()
        }
    }

    pub(crate) fn number(value: f64, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            key: Some(value),
            ..Self::default()
        }
    }

    /// A cell with an estimate in units of `scale`.
    pub(crate) fn estimate(e: Option<Estimate>, scale: f64, interval: IntervalDisplay) -> Self {
        let Some(e) = e else {
            return Self::text("–");
        };
        let written = estimate(e.scaled(1.0 / scale), interval);
        let (text, half) = written.split_once(" ± ").unwrap_or((&written, ""));
        Self {
            text: text.into(),
            half: half.into(),
            key: Some(e.mean),
            ..Self::default()
        }
    }

    /// The text with its interval.
    pub(crate) fn with_interval(&self) -> String {
        if self.half.is_empty() {
            self.text.clone()
        } else {
            format!("{} ± {}", self.text, self.half)
        }
    }
}
