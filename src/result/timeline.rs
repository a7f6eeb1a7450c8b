//! Timelines: who ran when, as a case's compact `timeline` in a result (documented in `docs/output-format.md`).

use serde::{Deserialize, Serialize};

use super::keyed;

/// The timeline of a case: what cores, GILs and threads did in a part of replication 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Start of the window in seconds.
    pub from_s: f64,
    /// End of the window in seconds.
    pub to_s: f64,
    /// The kinds of spans, which spans refer to.
    pub kinds: Vec<TimelineKind>,
    /// The rows, from top to bottom.
    pub rows: Vec<TimelineRow>,
    /// Number of rows that were left out because less happens in them.
    pub hidden_rows: usize,
}

/// A kind of span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineKind {
    /// Name, in words.
    pub name: String,
    /// Number of its colour, which is the same in all results.
    pub number: usize,
}

/// A row of the timeline: a core, a GIL or a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineRow {
    /// Group of the row: `Cores`, or the name of the process.
    pub group: String,
    /// Label of the row: the core, `GIL`, or the name of the thread.
    pub label: String,
    /// Spans: start and end in seconds, index of the kind, and what it is in words.
    #[serde(serialize_with = "keyed::one_line")]
    pub spans: Vec<(f64, f64, usize, String)>,
}
