//! The tracks of the simulated processes, one for each thread and one for each GIL.

use std::collections::BTreeMap;
use std::io;

use super::event::{Arg, Events, TraceEvent};
use super::words::of_span;
use super::{Drawn, name_process, name_thread};
use crate::cpython::recording::{GilHold, Iteration, TapeState, ThreadSpan};
use crate::engine::Nanos;

/// When each thread was on a core, by rising time; arrows are bound to these slices.
pub(super) type Slices = Vec<Vec<(Nanos, Nanos)>>;

pub(super) fn write(drawn: &Drawn<'_>, events: &mut Events<'_>) -> io::Result<Slices> {
    let r = drawn.recording();
    let mut spans: Vec<Vec<&ThreadSpan>> = vec![Vec::new(); r.threads.len()];
    for s in &r.spans {
        spans[s.thread as usize].push(s);
    }
    let first = drawn.thread(0);
    let mut turns: Vec<Vec<Iteration>> = vec![Vec::new(); r.threads.len()];
    for i in &r.iterations {
        turns[i.thread as usize].push(*i);
    }
    let seen = |p: usize| {
        (r.threads.iter().zip(&spans)).any(|(t, s)| t.process as usize == p && !s.is_empty())
    };
    for (number, process) in (0..).zip(&r.processes) {
        if seen(number as usize) {
            name_process(drawn, drawn.process(number), &process.name, events)?;
        }
    }
    for ((number, thread), spans) in (0..).zip(&r.threads).zip(&spans) {
        if spans.is_empty() {
            continue;
        }
        let track = ThreadTrack {
            drawn,
            pid: drawn.process(thread.process),
            tid: first + number,
        };
        name_thread(track.pid, track.tid, &thread.name, events)?;
        track.write(spans, &turns[number as usize], events)?;
    }
    gils(drawn, events)?;
    let on_core = |s: &&&ThreadSpan| matches!(s.doing, TapeState::OnCore(_));
    Ok(spans
        .iter()
        .map(|own| own.iter().filter(on_core).map(|s| (s.from, s.to)).collect())
        .collect())
}

/// The track of a thread.
struct ThreadTrack<'a> {
    drawn: &'a Drawn<'a>,
    pid: u32,
    tid: u32,
}

/// A span, or the part of it that lies in an iteration of the thread's event loop (by its number), or in none.
type ThreadSlice = (Option<usize>, ThreadSpan);

/// Cuts spans where iterations of the loop begin and end.
fn cut(spans: &[&ThreadSpan], turns: &[Iteration]) -> Vec<ThreadSlice> {
    let mut pieces = Vec::with_capacity(spans.len() + turns.len());
    let mut next = 0;
    for &&span in spans {
        let mut from = span.from;
        while from < span.to {
            while turns.get(next).is_some_and(|t| t.to <= from) {
                next += 1;
            }
            let (turn, to) = match turns.get(next) {
                Some(t) if t.from <= from => (Some(next), t.to.min(span.to)),
                Some(t) => (None, t.from.min(span.to)),
                None => (None, span.to),
            };
            pieces.push((turn, ThreadSpan { from, to, ..span }));
            from = to;
        }
    }
    pieces
}

impl ThreadTrack<'_> {
    /// Writes the slices of a thread: outermost iterations of an event loop, within them tasks, innermost what the thread does.
    fn write(
        &self,
        spans: &[&ThreadSpan],
        turns: &[Iteration],
        events: &mut Events<'_>,
    ) -> io::Result<()> {
        let pieces = cut(spans, turns);
        let mut last = None;
        for same in pieces.chunk_by(|(i, a), (j, b)| i == j && a.task == b.task && a.to == b.from) {
            let turn = same[0].0;
            if turn != last {
                last = turn;
                if let Some(turn) = turn {
                    let t = &turns[turn];
                    let args = [("handles", Arg::Whole(t.handles.into()))];
                    self.slice("iteration", (t.from, t.to), None, &args, events)?;
                }
            }
            self.task(same, events)?;
        }
        Ok(())
    }

    /// Writes what a thread does for one task, or for none.
    fn task(&self, same: &[ThreadSlice], events: &mut Events<'_>) -> io::Result<()> {
        if let (Some((_, first)), Some((_, last))) = (same.first(), same.last())
            && let Some(task) = first.task
        {
            let name = self.drawn.recording().task_name(task);
            self.slice(&name, (first.from, last.to), None, &[], events)?;
        }
        for (_, piece) in same {
            let (name, colour) = of_span(piece, self.drawn.case.gil);
            // Time that is booked to a task names its cause: these make up the shares of a forecast.
            let cause = [("cause", Arg::Text(piece.cause.name()))];
            let args: &[_] = if piece.counted { &cause } else { &[] };
            self.slice(name, (piece.from, piece.to), Some(colour), args, events)?;
        }
        Ok(())
    }

    fn slice(
        &self,
        name: &str,
        (from, to): (Nanos, Nanos),
        colour: Option<&'static str>,
        args: &[(&str, Arg<'_>)],
        events: &mut Events<'_>,
    ) -> io::Result<()> {
        events.write(&TraceEvent {
            lasted: Some(to - from),
            colour,
            args,
            ..TraceEvent::new("X", name, self.pid, self.tid, from)
        })
    }
}

/// Writes a track for each GIL, beside the threads of its process: which thread holds it.
fn gils(drawn: &Drawn<'_>, events: &mut Events<'_>) -> io::Result<()> {
    let r = drawn.recording();
    let mut holds: BTreeMap<u32, Vec<&GilHold>> = BTreeMap::new();
    for hold in &r.gil_holds {
        holds.entry(hold.gil).or_default().push(hold);
    }
    let mut named = Vec::new();
    for (gil, holds) in holds {
        let process = r.threads[holds[0].thread as usize].process;
        let name = if named.contains(&process) {
            format!("GIL of interpreter {gil}")
        } else {
            "GIL".to_owned()
        };
        named.push(process);
        let track = ThreadTrack {
            drawn,
            pid: drawn.process(process),
            tid: drawn.gil(gil),
        };
        name_thread(track.pid, track.tid, &name, events)?;
        // A thread that releases the GIL and takes it again at once has held it throughout.
        for same in holds.chunk_by(|a, b| a.to == b.from && a.thread == b.thread) {
            let holder = &r.threads[same[0].thread as usize].name;
            let stretch = (same[0].from, same[same.len() - 1].to);
            track.slice(holder, stretch, None, &[], events)?;
        }
    }
    Ok(())
}
