//! The tracks of the machine: what runs on each core, how many threads wait for a core, and memory.

use std::io;

use super::event::{Arg, Events, TraceEvent};
use super::{Drawn, name_process, name_thread};
use crate::cpython::recording::{TapeState, ThreadSpan};
use crate::engine::Nanos;

pub(super) fn write(drawn: &Drawn<'_>, events: &mut Events<'_>) -> io::Result<()> {
    let r = drawn.recording();
    let pid = drawn.machine();
    name_process(drawn, pid, "Machine", events)?;
    for core in 0..r.cores {
        let tid = drawn.core(core);
        name_thread(pid, tid, &format!("core {core}"), events)?;
        let mut on: Vec<&ThreadSpan> = r
            .spans
            .iter()
            .filter(|s| s.doing == TapeState::OnCore(core))
            .collect();
        on.sort_unstable_by_key(|s| s.from);
        // A slice lasts while the same thread runs on the core for the same task.
        for same in on.chunk_by(|a, b| a.to == b.from && a.thread == b.thread && a.task == b.task) {
            core_slice(drawn, pid, tid, same, events)?;
        }
    }
    queue(drawn, pid, events)?;
    for &(at, bytes) in &r.memory {
        let args = [("bytes", Arg::Whole(bytes))];
        events.write(&TraceEvent {
            args: &args,
            ..TraceEvent::new("C", "memory", pid, 0, at)
        })?;
    }
    Ok(())
}

fn core_slice(
    drawn: &Drawn<'_>,
    pid: u32,
    tid: u32,
    same: &[&ThreadSpan],
    events: &mut Events<'_>,
) -> io::Result<()> {
    let (Some(first), Some(last)) = (same.first(), same.last()) else {
        return Ok(());
    };
    let r = drawn.recording();
    let thread = &r.threads[first.thread as usize];
    let process = &r.processes[thread.process as usize].name;
    let name = match first.task {
        Some(task) => r.task_name(task),
        None => drawn.who(first.thread).to_owned(),
    };
    let args = [
        ("process", Arg::Text(process)),
        ("thread", Arg::Text(&thread.name)),
    ];
    events.write(&TraceEvent {
        lasted: Some(last.to - first.from),
        args: &args,
        ..TraceEvent::new("X", &name, pid, tid, first.from)
    })
}

/// The number of threads that are ready but have no core.
fn queue(drawn: &Drawn<'_>, pid: u32, events: &mut Events<'_>) -> io::Result<()> {
    let ready = drawn
        .recording()
        .spans
        .iter()
        .filter(|s| matches!(s.doing, TapeState::Ready(_)))
        .map(|s| (s.from, s.to));
    counter(
        "run queue",
        pid,
        "threads",
        drawn.recording().window.0,
        &steps(ready),
        events,
    )
}

/// The steps up and down that stretches make, in order of time.
pub(super) fn steps(stretches: impl Iterator<Item = (Nanos, Nanos)>) -> Vec<(Nanos, i64)> {
    let mut steps: Vec<(Nanos, i64)> = stretches
        .flat_map(|(from, to)| [(from, 1), (to, -1)])
        .collect();
    steps.sort_unstable();
    steps
}

/// Writes a counter that begins at zero and follows these steps.
pub(super) fn counter(
    name: &str,
    pid: u32,
    series: &str,
    start: Nanos,
    steps: &[(Nanos, i64)],
    events: &mut Events<'_>,
) -> io::Result<()> {
    let mut value: i64 = 0;
    let mut write = |at: Nanos, value: i64| {
        let args = [(series, Arg::Whole(value.unsigned_abs()))];
        events.write(&TraceEvent {
            args: &args,
            ..TraceEvent::new("C", name, pid, 0, at)
        })
    };
    if steps.first().is_some_and(|s| s.0 > start) {
        write(start, 0)?;
    }
    let mut written = None;
    for instant in steps.chunk_by(|a, b| a.0 == b.0) {
        value += instant.iter().map(|s| s.1).sum::<i64>();
        if written != Some(value) {
            write(instant[0].0, value)?;
            written = Some(value);
        }
    }
    Ok(())
}
