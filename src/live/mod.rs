//! The state of a run at an instant as a table ([`ps`]), as a tree ([`pstree`]) and as JSON ([`ps_json`]).

mod json;
mod table;
mod tree;
mod words;

pub use json::ps_json;
pub use table::ps;
pub use tree::pstree;

use super::layout;
use crate::cpython::recording::FaultRecord;
use crate::cpython::snapshot::{RunEnd, Snapshot, TaskLocation};
use crate::engine::Nanos;
use crate::layout::Style;
use crate::quantity::{bytes, counted, list, seconds};

/// A snapshot, with the run of which it was taken.
#[derive(Clone, Copy, Debug)]
pub struct LabelledSnapshot<'a> {
    /// Name of the scenario.
    pub scenario: &'a str,
    /// The strategy in its short form.
    pub strategy: &'a str,
    /// Name of the interpreter.
    pub interpreter: &'a str,
    /// Number of the replication.
    pub replication: u32,
    /// Master seed.
    pub seed: u64,
    /// The instant that was asked for.
    pub asked: Nanos,
    /// The state of the run.
    pub snapshot: &'a Snapshot,
}

/// The part of a snapshot that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Most rows of each kind (in the tree, below each node); 0 means all.
    pub limit: usize,
    /// Class of the tasks that are shown, with the threads that execute them; `None` means all.
    pub class: Option<String>,
}

impl Rows {
    /// How many of `all` rows are shown. One more than the limit is shown, too, because a line about it would take its place.
    fn visible_rows(&self, all: usize) -> usize {
        if self.limit == 0 || all <= self.limit + 1 {
            all
        } else {
            self.limit
        }
    }
}

/// The heading: what is shown, how far the run is, and what stands out.
fn head(labelled: &LabelledSnapshot<'_>, rows: &Rows, style: Style) -> Vec<String> {
    let s = labelled.snapshot;
    let facts = [
        labelled.scenario.to_owned(),
        format!("{} on {}", labelled.strategy, labelled.interpreter),
        format!(
            "replication {}, seed {}",
            labelled.replication, labelled.seed
        ),
        format!("at {}", instant(s.at)),
    ];
    let mut laid = layout::entries(&facts, " · ", "", "  ", style);
    let mut lines: Vec<String> = Vec::new();
    lines.extend(end(s, labelled.asked));
    laid.extend(wrap(std::mem::take(&mut lines), style));
    laid.extend(layout::entries(&counts(s), " · ", "", "  ", style));
    if let Some(class) = &rows.class {
        let of = s.tasks.iter().filter(|t| t.class == *class).count();
        lines.push(format!(
            "only class {class}: {of} of the {} tasks below, and the threads that stand for them",
            s.tasks.len()
        ));
    }
    lines.extend(s.faults.iter().map(|f| fault(f, s.at)));
    for cycle in &s.cycles {
        lines.push(circle(s, cycle));
    }
    if s.end == Some(RunEnd::Deadlock) && s.cycles.is_empty() {
        lines.push(
            "deadlock: everybody waits, and nothing that is waited for can come any more".into(),
        );
    }
    laid.extend(wrap(lines, style));
    laid
}

/// What has gone wrong, and whether it still does.
fn fault(f: &FaultRecord, at: Nanos) -> String {
    let FaultRecord { what, from, until } = f;
    match until {
        None => format!("fault: {what} since {}, for good", instant(*from)),
        Some(until) if *until > at => {
            let (from, until) = (instant(*from), instant(*until));
            format!("fault: {what} since {from}, until {until}")
        }
        Some(until) if until > from => {
            let (from, until) = (instant(*from), instant(*until));
            format!("fault: {what} from {from} to {until}")
        }
        Some(_) => format!("fault: {what} at {}", instant(*from)),
    }
}

fn wrap(lines: Vec<String>, style: Style) -> Vec<String> {
    let all = lines.into_iter();
    all.flat_map(|l| layout::words(&style.fit(l), "", "  ", style))
        .collect()
}

fn end(s: &Snapshot, asked: Nanos) -> Option<String> {
    let how = match s.end? {
        RunEnd::Done => "everything was done",
        RunEnd::Deadlock => "in a deadlock: nothing could happen any more",
        RunEnd::Horizon => "at the scenario's horizon",
        RunEnd::OutOfMemory => "over the memory limit",
        RunEnd::EventLimit => "over the limit of events (--max-events)",
        RunEnd::ClockEnd => "at the end of the clock (584 years)",
        RunEnd::Killed => "with the crash of its only process",
    };
    let before = if asked > s.at {
        format!(", before {}: this is how it ended", instant(asked))
    } else {
        String::new()
    };
    Some(format!("the run ended at {}, {how}{before}", instant(s.at)))
}

fn counts(s: &Snapshot) -> Vec<String> {
    let t = &s.totals;
    let mut over = vec![format!("{} done", t.done)];
    if t.failed > 0 {
        over.push(format!("{} failed", t.failed));
    }
    if t.timed_out > 0 {
        over.push(format!("{} timed out", t.timed_out));
    }
    if t.rejected > 0 {
        over.push(format!("{} rejected", t.rejected));
    }
    over.push(format!("{} in flight", t.in_flight));
    let to_come = match t.to_come {
        Some(0) => None,
        Some(n) => Some(format!("{n} to come")),
        None => Some("more to come".into()),
    };
    let busy = s.cores.iter().flatten().count();
    let have = if t.arrived == 1 { "has" } else { "have" };
    let arrived = counted(t.arrived, "task");
    let mut counts = vec![format!("{arrived} {have} arrived: {}", list(&over))];
    counts.extend(to_come);
    counts.push(format!("{busy} of {} cores busy", s.cores.len()));
    counts.push(format!("{} memory", bytes(approximately(s.memory))));
    counts
}

fn approximately(bytes: u64) -> f64 {
    bytes as f64
}

/// An instant in seconds, exact.
fn instant(t: Nanos) -> String {
    let whole = t.0 / 1_000_000_000;
    let fraction = format!("{:09}", t.0 % 1_000_000_000);
    match fraction.trim_end_matches('0') {
        "" => format!("{whole} s"),
        fraction => format!("{whole}.{fraction} s"),
    }
}

/// Time since an instant.
fn ago(s: &Snapshot, since: Nanos) -> String {
    seconds(s.at.since(since))
}

/// A cycle in words: `deadlock: a #1 waits for lock 'x', which b #1 has; b #1 waits for lock 'y', which a #1 has`.
fn circle(s: &Snapshot, cycle: &[crate::cpython::snapshot::Link]) -> String {
    let name = |i: usize| s.tasks.get(i).map_or("?", |t| t.name.as_str());
    let mut text = String::from(if s.end == Some(RunEnd::Deadlock) {
        "deadlock: "
    } else {
        "circle of tasks that wait for each other: "
    });
    for link in cycle {
        text += &format!("{} -> ({}) -> ", name(link.task), link.waits_for);
    }
    text + cycle.first().map_or("?", |l| name(l.task))
}

/// Whether a task is shown.
fn of_class(s: &Snapshot, rows: &Rows, task: usize) -> bool {
    let class = &s.tasks[task].class;
    rows.class.as_ref().is_none_or(|c| c == class)
}

/// The thread that executes the task; `None` if the task is in a queue or elsewhere.
fn in_thread(place: &TaskLocation) -> Option<usize> {
    match place {
        TaskLocation::Thread(t) => Some(*t),
        _ => None,
    }
}

/// Joins lines, in the characters that the style allows.
fn join(lines: &[String], style: Style) -> String {
    let lines = lines.iter().map(|l| l.trim_end().to_owned());
    style.fit_lines(lines.collect())
}
