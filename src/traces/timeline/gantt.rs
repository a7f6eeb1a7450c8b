//! Makes a Gantt chart from a recording, with a row for each core, GIL and thread.

use super::chart::on_core;
use crate::charts::figure::palette::{LAYERS, PICKLING, cause_of, layer_of};
use crate::charts::figure::{Axis, Gantt, GanttRow, GanttSpan, Measure, Scale, SpanKind};
use crate::cpython::recording::{Recording, TapeState, TaskIndex, ThreadIndex, ThreadSpan};
use crate::engine::Nanos;
use crate::machine::Cause;
use crate::quantity::state;

/// The part of a recording that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GanttLimits {
    /// Most rows, of which those with most activity are kept; 0 means all.
    pub rows: usize,
    /// Most spans: the window is shortened until it holds no more; 0 means all.
    pub spans: usize,
    /// Whether only the busiest part is shown (`Recording::busiest`), because nobody asked for a window.
    pub choose: bool,
}

/// The kind of holding a GIL, drawn in the colour of waiting for a worker, which no thread's row shows.
const HOLDS: usize = Cause::Pool as usize;

/// Name of a kind of span in the legend, by number: the words of `ps` for the same state.
fn kind_name(kind: usize, gil: bool) -> &'static str {
    match cause_of(kind) {
        None => state::PICKLING,
        Some(Cause::Running) => "running Python or native code",
        Some(Cause::Core) => state::CORE,
        Some(Cause::Gil) if gil => state::GIL,
        Some(Cause::Gil) => state::WORLD,
        Some(Cause::Lock) => state::LOCK,
        Some(Cause::Pool) => "holding the GIL",
        Some(Cause::Loop) => state::SELECT,
        Some(Cause::Ipc) => "hand-over (queues, pipes, bookkeeping)",
        Some(Cause::Startup) => state::STARTUP,
        Some(Cause::Io) => state::IO,
        Some(Cause::Queue) => state::QUEUE,
        Some(Cause::Limit) => state::LIMIT,
        Some(Cause::Contention) => state::CONTENTION,
        Some(Cause::Resource) => state::RESOURCE,
    }
}

/// Whether a kind is time in which a row waits for something that others have.
fn contends(number: usize) -> bool {
    [
        Cause::Core,
        Cause::Gil,
        Cause::Lock,
        Cause::Contention,
        Cause::Resource,
    ]
    .iter()
    .any(|&c| layer_of(c) == number)
}

/// A row under construction, with times in whole nanoseconds and kinds by number.
struct RowDraft {
    group: String,
    label: String,
    spans: Vec<SpanDraft>,
    /// Cores come first, then the processes, each with its GIL before its threads.
    rank: u8,
    process: u32,
}

#[derive(Clone, PartialEq, Eq)]
struct SpanDraft {
    from: Nanos,
    to: Nanos,
    kind: usize,
    text: String,
}

/// Makes the chart; returns it with the number of rows left out.
pub fn gantt(recording: &Recording, shown: GanttLimits) -> (Gantt, usize) {
    let (from, to) = if shown.choose {
        recording.busiest()
    } else {
        let (from, asked) = recording.window;
        let to = asked
            .min(recording.end)
            .min(recording.stopped.unwrap_or(Nanos::MAX));
        (from, to.max(from))
    };
    let mut rows = cores(recording);
    rows.extend(gils(recording));
    rows.extend(threads(recording));
    rows.sort_by_key(|r| (r.rank > 0, r.process, r.rank));
    let shows = |r: &RowDraft| !r.spans.is_empty() || r.rank == 0;
    cut(&mut rows, from, to, 0);
    rows.retain(shows);
    let mut hidden = select(&mut rows, shown.rows, to.since(from));
    let cut_to = cut(&mut rows, from, to, shown.spans);
    rows.retain(shows);
    if cut_to < to {
        // The activity in the shortened window decides.
        hidden += select(&mut rows, shown.rows, cut_to.since(from));
    }
    let to = cut_to;
    let kinds: Vec<usize> = (0..LAYERS)
        .filter(|k| rows.iter().any(|r| r.spans.iter().any(|p| p.kind == *k)))
        .collect();
    let rows = rows.into_iter().map(|r| row(r, &kinds)).collect();
    // A recording with holders of a GIL is of a build that has one: waits are then for the GIL, not for a stopped world.
    let gil = !recording.gil_holds.is_empty();
    let gantt = Gantt {
        time: Axis {
            label: "simulated time".into(),
            measure: Measure::Seconds,
            scale: Scale::Linear,
            categories: Vec::new(),
        },
        window: (from.as_secs_f64(), to.as_secs_f64()),
        rows,
        kinds: kinds
            .into_iter()
            .map(|number| SpanKind {
                name: kind_name(number, gil).into(),
                number,
            })
            .collect(),
    };
    (gantt, hidden)
}

fn row(draft: RowDraft, kinds: &[usize]) -> GanttRow {
    GanttRow {
        group: draft.group,
        label: draft.label,
        spans: draft
            .spans
            .into_iter()
            .map(|p| GanttSpan {
                from: p.from.as_secs_f64(),
                to: p.to.as_secs_f64(),
                kind: kinds.iter().position(|&k| k == p.kind).unwrap_or(0),
                text: p.text,
            })
            .collect(),
    }
}

/// Ends the window so that it holds at most `most` spans; returns its end.
fn cut(rows: &mut [RowDraft], from: Nanos, to: Nanos, most: usize) -> Nanos {
    let mut starts: Vec<Nanos> = rows
        .iter()
        .flat_map(|r| r.spans.iter().map(|p| p.from))
        .collect();
    starts.sort_unstable();
    let end = if most == 0 {
        to
    } else {
        // Spans that begin together stay together: at least those that begin first are kept.
        let over = starts.get(most).copied().unwrap_or(to);
        if over > from { over.min(to) } else { to }
    };
    for row in rows {
        row.spans.retain(|p| p.from < end && p.to > from);
        for p in &mut row.spans {
            p.from = p.from.max(from);
            p.to = p.to.min(end);
        }
    }
    end
}

/// Time in which a row runs, and time in which it waits for something that others have.
fn busy(row: &RowDraft) -> (u64, u64) {
    let of = |wanted: &dyn Fn(usize) -> bool| -> u64 {
        let some = row.spans.iter().filter(|p| wanted(p.kind));
        some.map(|p| (p.to - p.from).0).sum()
    };
    (of(&on_core), of(&contends))
}

/// Keeps the rows with most activity, in their order; returns the number of rows left out. Rows that run come first, then those that wait
/// for something that others have. Cores get at most half of the room and GILs half of what is left, as far as something happens in them.
/// Rows without activity are shown only if there is room left.
fn select(rows: &mut Vec<RowDraft>, most: usize, window: Nanos) -> usize {
    if most == 0 || rows.len() <= most {
        return 0;
    }
    // Less than a two-hundredth is shown as 0%.
    let runs = |r: &RowDraft| busy(r).0 > window.0 / 200;
    let weight = |r: &RowDraft| {
        let (running, waiting) = busy(r);
        running.saturating_mul(2).saturating_add(waiting)
    };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&i| {
        let r = &rows[i];
        (!runs(r), std::cmp::Reverse(weight(r)), i)
    });
    let mut keep: Vec<usize> = Vec::new();
    let take = |keep: &mut Vec<usize>, room: usize, wanted: &dyn Fn(&RowDraft) -> bool| {
        let new: Vec<usize> = order
            .iter()
            .copied()
            .filter(|i| wanted(&rows[*i]) && !keep.contains(i))
            .take(room)
            .collect();
        keep.extend(new);
    };
    let happens = |r: &RowDraft| weight(r) > 0;
    take(&mut keep, (most / 2).max(1), &|r| r.rank == 0 && runs(r));
    let left = most.saturating_sub(keep.len());
    take(&mut keep, left / 2, &|r| r.rank == 1 && happens(r));
    let left = most.saturating_sub(keep.len());
    take(&mut keep, left, &|r| r.rank == 2 && happens(r));
    let left = most.saturating_sub(keep.len());
    take(&mut keep, left, &happens);
    let left = most.saturating_sub(keep.len());
    take(&mut keep, left, &|_| true);
    keep.sort_unstable();
    let all = rows.len();
    let mut at = 0;
    rows.retain(|_| {
        at += 1;
        keep.binary_search(&(at - 1)).is_ok()
    });
    all - rows.len()
}

/// Adds a piece; one that continues the last piece extends it.
fn add(pieces: &mut Vec<SpanDraft>, piece: SpanDraft) {
    if piece.from >= piece.to {
        return;
    }
    if let Some(last) = pieces.last_mut()
        && last.to == piece.from
        && last.kind == piece.kind
        && last.text == piece.text
    {
        last.to = piece.to;
        return;
    }
    pieces.push(piece);
}

/// Name of a task: `page #3`, `page #3's child 2`; empty for one that the recording does not know.
fn task_name(r: &Recording, task: Option<TaskIndex>) -> String {
    let Some(t) = task.and_then(|t| r.tasks.get(t as usize)) else {
        return String::new();
    };
    match t.parent {
        Some(parent) if Some(parent) != task => {
            format!("{}'s child {}", task_name(r, Some(parent)), t.number + 1)
        }
        _ => format!("{} #{}", t.class, t.number + 1),
    }
}

fn thread_label(r: &Recording, thread: ThreadIndex) -> String {
    let Some(t) = r.threads.get(thread as usize) else {
        return String::new();
    };
    t.name.clone()
}

fn process_of(r: &Recording, thread: ThreadIndex) -> u32 {
    r.threads.get(thread as usize).map_or(0, |t| t.process)
}

fn process_name(r: &Recording, thread: ThreadIndex) -> String {
    r.processes
        .get(process_of(r, thread) as usize)
        .map_or(String::new(), |p| p.name.clone())
}

/// The kind of a thread's span, which determines its colour; `None` if the thread has nothing to do.
fn kind_of(span: &ThreadSpan) -> Option<usize> {
    match (span.doing, span.cause) {
        (TapeState::OnCore(_), _) if span.pickling => Some(PICKLING),
        (TapeState::OnCore(_), Cause::Ipc) => Some(Cause::Ipc as usize),
        (TapeState::OnCore(_), Cause::Startup) => Some(Cause::Startup as usize),
        (TapeState::OnCore(_), Cause::Contention) => Some(Cause::Contention as usize),
        (TapeState::OnCore(_), _) => Some(Cause::Running as usize),
        (TapeState::Ready(_), _) => Some(Cause::Core as usize),
        // An idle worker, a main thread without arrivals, or a thread that waits for results, calls or room in a pipe.
        (TapeState::Blocked, Cause::Pool | Cause::Running | Cause::Ipc) => None,
        (TapeState::Blocked, cause) => Some(layer_of(cause)),
    }
}

/// A row for each core: which thread runs there.
fn cores(r: &Recording) -> Vec<RowDraft> {
    let mut rows: Vec<Vec<SpanDraft>> = vec![Vec::new(); r.cores as usize];
    for s in &r.spans {
        if let TapeState::OnCore(core) = s.doing
            && let Some(row) = rows.get_mut(core as usize)
            && let Some(kind) = kind_of(s)
        {
            let task = task_name(r, s.task);
            let thread = thread_label(r, s.thread);
            let process = process_name(r, s.thread);
            let who = if r.processes.len() > 1 {
                format!("{process} {thread}")
            } else {
                thread
            };
            row.push(SpanDraft {
                from: s.from,
                to: s.to,
                kind,
                text: if task.is_empty() {
                    who
                } else {
                    format!("{task} in {who}")
                },
            });
        }
    }
    (0..)
        .zip(rows)
        .map(|(core, mut pieces): (u32, _)| {
            pieces.sort_by_key(|p| (p.from, p.to));
            let mut spans = Vec::new();
            pieces.into_iter().for_each(|p| add(&mut spans, p));
            RowDraft {
                group: "Cores".into(),
                label: format!("core {core}"),
                spans,
                rank: 0,
                process: 0,
            }
        })
        .collect()
}

/// A row for each GIL that several threads hold in turn: which thread holds it.
fn gils(r: &Recording) -> Vec<RowDraft> {
    let mut numbers: Vec<u32> = r.gil_holds.iter().map(|h| h.gil).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut rows = Vec::new();
    for gil in numbers {
        let holds = || r.gil_holds.iter().filter(move |h| h.gil == gil);
        let Some(first) = holds().next().map(|h| h.thread) else {
            continue;
        };
        if holds().all(|h| h.thread == first) {
            continue;
        }
        let mut pieces: Vec<SpanDraft> = holds()
            .map(|h| SpanDraft {
                from: h.from,
                to: h.to,
                kind: HOLDS,
                text: thread_label(r, h.thread),
            })
            .collect();
        pieces.sort_by_key(|p| (p.from, p.to));
        let mut spans = Vec::new();
        pieces.into_iter().for_each(|p| add(&mut spans, p));
        rows.push(RowDraft {
            group: process_name(r, first),
            label: "GIL".into(),
            spans,
            rank: 1,
            process: process_of(r, first),
        });
    }
    rows
}

/// A row for each thread: what it does. The rows of a process are together, its GIL first.
fn threads(r: &Recording) -> Vec<RowDraft> {
    let mut rows: Vec<RowDraft> = (0..)
        .take(r.threads.len())
        .map(|t| RowDraft {
            group: process_name(r, t),
            label: thread_label(r, t),
            spans: Vec::new(),
            rank: 2,
            process: process_of(r, t),
        })
        .collect();
    let mut spans: Vec<&ThreadSpan> = r.spans.iter().collect();
    spans.sort_by_key(|s| (s.thread, s.from, s.to));
    for s in spans {
        let Some(row) = rows.get_mut(s.thread as usize) else {
            continue;
        };
        if let Some(kind) = kind_of(s) {
            let piece = SpanDraft {
                from: s.from,
                to: s.to,
                kind,
                text: task_name(r, s.task),
            };
            add(&mut row.spans, piece);
        }
    }
    rows
}
