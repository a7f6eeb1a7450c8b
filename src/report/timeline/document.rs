//! A Gantt chart as the `timeline` of a case in a result (documented in `docs/output-format.md`): compact, and read back as it was.

use serde::{Deserialize, Serialize};

use crate::report::figure::{Axis, Gantt, Measure, Row, Scale, Span, SpanKind};

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
    pub spans: Vec<(f64, f64, usize, String)>,
}

impl Timeline {
    /// The chart, to be written.
    pub fn new(gantt: Gantt, hidden_rows: usize) -> Self {
        Self {
            from_s: gantt.window.0,
            to_s: gantt.window.1,
            kinds: gantt
                .kinds
                .into_iter()
                .map(|k| TimelineKind {
                    name: k.name,
                    number: k.number,
                })
                .collect(),
            rows: gantt
                .rows
                .into_iter()
                .map(|r| TimelineRow {
                    group: r.group,
                    label: r.label,
                    spans: r
                        .spans
                        .into_iter()
                        .map(|s| (s.from, s.to, s.kind, s.text))
                        .collect(),
                })
                .collect(),
            hidden_rows,
        }
    }

    /// The chart that was written. Spans of kinds that do not exist are left out.
    pub fn gantt(&self) -> Gantt {
        let known = |s: &&(f64, f64, usize, String)| s.2 < self.kinds.len();
        Gantt {
            time: Axis {
                label: "simulated time".into(),
                measure: Measure::Seconds,
                scale: Scale::Linear,
                categories: Vec::new(),
            },
            window: (self.from_s, self.to_s),
            rows: self
                .rows
                .iter()
                .map(|r| Row {
                    group: r.group.clone(),
                    label: r.label.clone(),
                    spans: r
                        .spans
                        .iter()
                        .filter(known)
                        .map(|(from, to, kind, text)| Span {
                            from: *from,
                            to: *to,
                            kind: *kind,
                            text: text.clone(),
                        })
                        .collect(),
                })
                .collect(),
            kinds: self
                .kinds
                .iter()
                .map(|k| SpanKind {
                    name: k.name.clone(),
                    number: k.number,
                })
                .collect(),
        }
    }
}
