//! A recorded run as a Gantt chart of cores, GILs and threads: as a figure, as text for a terminal, and as the `timeline` of a case in a
//! result.

mod chart;
mod gantt;
mod page;

pub use chart::{ChartLayout, chart};
pub use gantt::{GanttLimits, gantt};
pub use page::{TimelineHeader, drawn, ended, page};

use crate::charts::figure::{Axis, Gantt, GanttRow, GanttSpan, Measure, Scale, SpanKind};
use crate::cpython::recording::Recording;
use crate::result::{Timeline, TimelineKind, TimelineRow};

/// The timeline for a result: the busiest part of a replication.
#[must_use]
pub fn timeline(recording: &Recording) -> Timeline {
    const SHOWN: GanttLimits = GanttLimits {
        rows: 24,
        spans: 400,
        choose: true,
    };
    let (gantt, hidden_rows) = gantt(recording, SHOWN);
    let kind = |k: SpanKind| TimelineKind {
        name: k.name,
        number: k.number,
    };
    let span = |s: GanttSpan| (s.from, s.to, s.kind, s.text);
    let row = |r: GanttRow| TimelineRow {
        group: r.group,
        label: r.label,
        spans: r.spans.into_iter().map(span).collect(),
    };
    Timeline {
        from_s: gantt.window.0,
        to_s: gantt.window.1,
        kinds: gantt.kinds.into_iter().map(kind).collect(),
        rows: gantt.rows.into_iter().map(row).collect(),
        hidden_rows,
    }
}

/// A result's timeline as a chart. Spans of unknown kinds are left out.
pub(crate) fn gantt_of(timeline: &Timeline) -> Gantt {
    let kind = |k: &TimelineKind| SpanKind {
        name: k.name.clone(),
        number: k.number,
    };
    let span = |(from, to, kind, text): &(f64, f64, usize, String)| {
        let known = *kind < timeline.kinds.len();
        known.then(|| GanttSpan {
            from: *from,
            to: *to,
            kind: *kind,
            text: text.clone(),
        })
    };
    let row = |r: &TimelineRow| GanttRow {
        group: r.group.clone(),
        label: r.label.clone(),
        spans: r.spans.iter().filter_map(span).collect(),
    };
    Gantt {
        time: Axis {
            label: "simulated time".into(),
            measure: Measure::Seconds,
            scale: Scale::Linear,
            categories: Vec::new(),
        },
        window: (timeline.from_s, timeline.to_s),
        rows: timeline.rows.iter().map(row).collect(),
        kinds: timeline.kinds.iter().map(kind).collect(),
    }
}
