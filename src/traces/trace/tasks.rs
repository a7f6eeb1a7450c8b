//! The tracks of the tasks: their number, what each waits for, which thread had it in hand, and arrows between these threads.

use std::io;

use super::event::{Arg, Events, TraceEvent};
use super::machine::{counter, steps};
use super::threads::Slices;
use super::words::{of_end, of_task};
use super::{Drawn, name_process};
use crate::cpython::recording::{TaskIndex, TaskRecord, TaskWait, ThreadSpan};
use crate::engine::Nanos;
use crate::machine::Cause;
use crate::quantity::state;

/// Category of a task's slices, which together with the number tells viewers what belongs together.
const CATEGORY: Option<&str> = Some("task");

pub(super) fn write(drawn: &Drawn<'_>, events: &mut Events<'_>) -> io::Result<()> {
    let r = drawn.recording();
    name_process(drawn, drawn.tasks(), "Tasks", events)?;
    counters(drawn, events)?;
    let mut waits: Vec<Vec<&TaskWait>> = vec![Vec::new(); r.tasks.len()];
    for w in &r.waits {
        waits[w.task as usize].push(w);
    }
    let mut spans: Vec<Vec<&ThreadSpan>> = vec![Vec::new(); r.tasks.len()];
    for s in &r.spans {
        if let Some(task) = s.task {
            spans[task as usize].push(s);
        }
    }
    for (number, task) in (0..).zip(&r.tasks) {
        let row = TaskTrack {
            drawn,
            number,
            task,
        };
        let index = number as usize;
        waits[index].sort_unstable_by_key(|w| w.from);
        spans[index].sort_unstable_by_key(|s| s.from);
        row.write(&waits[index], &spans[index], events)?;
    }
    Ok(())
}

/// Writes the counters of tasks in flight, and of those that wait in a queue before or between their steps.
fn counters(drawn: &Drawn<'_>, events: &mut Events<'_>) -> io::Result<()> {
    let r = drawn.recording();
    let (start, end) = (r.window.0, drawn.end());
    let own = r.tasks.iter().filter(|t| t.parent.is_none());
    let in_flight = own.map(|t| {
        let until = t.ended.map_or(end, |(at, _)| at.min(end));
        (t.arrived.max(start).min(until), until)
    });
    let pid = drawn.tasks();
    counter("in flight", pid, "tasks", start, &steps(in_flight), events)?;
    for (cause, name) in [
        (Cause::Pool, state::WORKER),
        (Cause::Loop, state::LOOP),
        (Cause::Limit, state::LIMIT),
    ] {
        let waits = r.waits.iter().filter(|w| w.cause == cause);
        let depth = steps(waits.map(|w| (w.from, w.to)));
        if !depth.is_empty() {
            counter(name, pid, "tasks", start, &depth, events)?;
        }
    }
    Ok(())
}

/// The track of a task.
struct TaskTrack<'a> {
    drawn: &'a Drawn<'a>,
    number: TaskIndex,
    task: &'a TaskRecord,
}

/// A stretch of a task's life: its name, and the cause to which its time is booked (if no span of a thread tells it).
struct TaskSlice<'a> {
    from: Nanos,
    to: Nanos,
    name: &'a str,
    colour: Option<&'static str>,
    cause: Option<Cause>,
}

impl TaskTrack<'_> {
    fn write(
        &self,
        waits: &[&TaskWait],
        spans: &[&ThreadSpan],
        events: &mut Events<'_>,
    ) -> io::Result<()> {
        let mut stretches = self.stretches(waits, spans);
        let r = self.drawn.recording();
        let ended = self.task.ended.map(|(at, _)| at);
        // A sleep that the end of the run cuts short is booked to its end.
        let to = ended
            .unwrap_or(self.drawn.end())
            .min(self.drawn.end())
            .max(stretches.last().map_or(Nanos::ZERO, |s| s.to));
        let from = self.task.arrived.max(r.window.0);
        if from >= to {
            return Ok(());
        }
        let last = stretches.last().map_or(from, |s| s.to);
        if ended.is_none() && last < to {
            // Waits are recorded when they are over; this one never was.
            stretches.push(TaskSlice {
                from: last,
                to,
                name: "still waiting",
                colour: None,
                cause: None,
            });
        }
        let name = r.task_name(self.number);
        let how = match ended {
            Some(at) if at > self.drawn.end() => "after the window",
            _ => of_end(self.task.ended.map(|(_, end)| end)),
        };
        let args = [
            ("class", Arg::Text(&self.task.class)),
            ("end", Arg::Text(how)),
        ];
        self.event("b", &name, from, None, &args, events)?;
        for s in &stretches {
            let cause = s.cause.map(|c| [("cause", Arg::Text(c.name()))]);
            let args = cause.as_ref().map_or(&[][..], |c| &c[..]);
            self.event("b", s.name, s.from, s.colour, args, events)?;
            self.event("e", s.name, s.to, None, &[], events)?;
        }
        self.event("e", &name, to, None, &[], events)
    }

    /// The task's waits, and between them the threads that had it in hand. While a task waits, threads may still deal with it (they pickle
    /// it); that is the wait's time.
    fn stretches<'b>(&'b self, waits: &[&TaskWait], spans: &[&ThreadSpan]) -> Vec<TaskSlice<'b>> {
        let mut all: Vec<TaskSlice<'b>> = Vec::with_capacity(waits.len() + spans.len());
        for w in waits {
            let (name, colour) = of_task(w.cause);
            // Only a task that was cancelled in its sleep goes on before the wait is over.
            if let Some(before) = all.last_mut() {
                before.to = before.to.min(w.from);
            }
            all.push(TaskSlice {
                from: w.from,
                to: w.to,
                name,
                colour: Some(colour),
                cause: w.counted.then_some(w.cause),
            });
        }
        let mut free = Vec::new();
        for s in spans {
            let mut from = s.from;
            while from < s.to {
                let next = all.partition_point(|w| w.to <= from);
                let wait = all
                    .get(next)
                    .map_or((Nanos::MAX, Nanos::MAX), |w| (w.from, w.to));
                if wait.0 > from {
                    free.push((s.thread, from, wait.0.min(s.to)));
                }
                from = wait.1.min(s.to).max(from + Nanos(1));
            }
        }
        for same in free.chunk_by(|a, b| a.0 == b.0 && a.2 == b.1) {
            all.push(TaskSlice {
                from: same[0].1,
                to: same[same.len() - 1].2,
                name: self.drawn.who(same[0].0),
                colour: Some("thread_state_running"),
                cause: None,
            });
        }
        all.sort_by_key(|s| (s.from, s.to));
        // What several threads did at once is shown by their own tracks.
        let mut end = Nanos::ZERO;
        all.retain_mut(|s| {
            s.from = s.from.max(end);
            end = end.max(s.to);
            s.from < s.to
        });
        all
    }

    fn event(
        &self,
        phase: &'static str,
        name: &str,
        at: Nanos,
        colour: Option<&'static str>,
        args: &[(&str, Arg<'_>)],
        events: &mut Events<'_>,
    ) -> io::Result<()> {
        events.write(&TraceEvent {
            category: CATEGORY,
            id: Some(id(self.drawn, self.number)),
            colour,
            args,
            ..TraceEvent::new(phase, name, self.drawn.tasks(), 0, at)
        })
    }
}

/// A number for a task that is unique in the whole trace.
fn id(drawn: &Drawn<'_>, task: TaskIndex) -> u64 {
    (u64::from(drawn.number) << 32) + u64::from(task) + 1
}

/// Writes arrows from the thread that submits a task to those that take it up, one after another.
pub(super) fn arrows(
    drawn: &Drawn<'_>,
    slices: &Slices,
    events: &mut Events<'_>,
) -> io::Result<()> {
    let r = drawn.recording();
    let first = drawn.thread(0);
    for (number, task) in (0..).zip(&r.tasks) {
        let fastened: Vec<(u32, Nanos)> = task
            .hops
            .iter()
            .filter_map(|&(thread, at)| Some((thread, within(&slices[thread as usize], at)?)))
            .collect();
        let last = fastened.len().saturating_sub(1);
        if last == 0 {
            continue;
        }
        for (i, &(thread, at)) in fastened.iter().enumerate() {
            let phase = match i {
                0 => "s",
                _ if i == last => "f",
                _ => "t",
            };
            let process = r.threads[thread as usize].process;
            events.write(&TraceEvent {
                category: CATEGORY,
                id: Some(id(drawn, number)),
                ..TraceEvent::new(phase, "task", drawn.process(process), first + thread, at)
            })?;
        }
    }
    Ok(())
}

/// The instant itself if the thread is on a core then, otherwise the last one before at which it is.
fn within(slices: &[(Nanos, Nanos)], at: Nanos) -> Option<Nanos> {
    let after = slices.partition_point(|s| s.0 <= at);
    let (from, to) = *slices.get(after.checked_sub(1)?)?;
    if at < to {
        Some(at)
    } else if at == to && from < to {
        Some(Nanos(to.0 - 1))
    } else {
        None
    }
}
