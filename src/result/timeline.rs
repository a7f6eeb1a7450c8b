//! Who ran when: the `timeline` of a case in a result (documented in `docs/output-format.md`): compact.

use serde::{Deserialize, Serialize};

use super::keyed;

/// The timeline of a case: what cores, GILs and threads did in the first part of replication 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Start of the window in seconds.
    pub from_s: f64,
    /// End of the window in seconds.
    pub to_s: f64,
    /// What the kinds of spans mean.
    pub kinds: Vec<TimelineKind>,
    /// The rows, from the top.
    pub rows: Vec<TimelineRow>,
    /// Rows in which less happens, left out.
    pub hidden_rows: usize,
}

/// A kind of span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineKind {
    /// In words.
    pub name: String,
    /// Number of its colour, the same in all results.
    pub number: usize,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineRow {
    /// `Cores`, or the process.
    pub group: String,
    /// The core, `GIL`, or the thread.
    pub label: String,
    /// Start and end in seconds, index into the kinds, and what it is.
    #[serde(serialize_with = "keyed::one_line")]
    pub spans: Vec<(f64, f64, usize, String)>,
}
