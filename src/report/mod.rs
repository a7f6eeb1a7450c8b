//! A study in, text out: [`text`] for a terminal, [`json`], [`csv`] and [`markdown`] for everything else. Pure functions:
//! nothing is printed here, and the same study gives the same bytes everywhere.

mod answer;
mod bars;
mod comparison;
mod csv;
mod drawing;
mod explain;
pub mod figure;
pub mod html;
pub mod layout;
pub mod plot;
mod ps;
pub mod scale;
mod shares;
mod state;
mod summary;
pub mod sweep;
mod table;
mod text;
pub mod timeline;
mod trace;
mod words;

pub use csv::csv;
pub use explain::{Entry, Said, code_list, codes, explanation};
pub use ps::{Rows, Taken, ps, ps_json, pstree};
pub use summary::markdown;
pub use text::text;
pub use trace::{TraceCase, TraceMeta, trace};

/// How a report for people looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether signs outside ASCII may be used.
    pub unicode: bool,
    /// Columns of a line: nothing is wider but what must not be broken (a word of a command).
    pub width: usize,
    /// Whether to explain more: every column, cause and class instead of the main ones.
    pub verbose: bool,
    /// Whether to add notes (warnings always stand there: without them the numbers would mislead).
    pub notes: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            unicode: true,
            width: layout::PIPE,
            verbose: false,
            notes: true,
        }
    }
}

impl Style {
    /// The text itself, or its nearest in ASCII.
    pub(crate) fn fit(self, text: String) -> String {
        if self.unicode {
            return text;
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '±' => out.push_str("+-"),
                '×' => out.push('x'),
                '✓' => out.push('y'),
                '✗' => out.push('n'),
                '—' | '–' | '─' => out.push('-'),
                '…' => out.push_str(".."),
                '·' => out.push('|'),
                '│' => out.push('|'),
                c if c.is_ascii() => out.push(c),
                _ => out.push('?'),
            }
        }
        out
    }
}
