//! A recorded run as a Chrome trace (JSON) for the Perfetto viewer: machine, tasks, and every simulated process with a track
//! for each thread. What the tracks mean is described in docs/trace.md.
//!
//! Format: "Trace Event Format" (Google, 2016), as Perfetto reads it: complete events (`X`) for what threads do, nestable async
//! events (`b`, `e`) for tasks, counters, and flow arrows bound to the slice that encloses them.

mod event;
mod machine;
mod tasks;
mod threads;
mod words;

use std::io::{self, Write};

use serde::Serialize;

use crate::cpython::recording::Recording;
use crate::engine::Nanos;
use crate::quantity::seconds;
use crate::strategy::Finding;
use event::{Arg, Events, TraceEvent};

/// A recorded run, with what it is a run of.
#[derive(Clone, Copy, Debug)]
pub struct TraceCase<'a> {
    /// Strategy and interpreter, for people.
    pub name: &'a str,
    /// Whether the interpreter has a GIL.
    pub gil: bool,
    /// The recording of the run.
    pub recording: &'a Recording,
    /// Findings about the run.
    pub findings: &'a [Finding],
}

/// Metadata that a trace contains.
#[derive(Clone, Debug, Serialize)]
pub struct TraceMeta {
    /// Name of the scenario.
    pub scenario: String,
    /// The traced cases, each as strategy and interpreter.
    pub cases: Vec<String>,
    /// Master seed.
    pub seed: u64,
    /// Number of the replication, from 0.
    pub replication: u32,
    /// Version of the program.
    pub version: String,
    /// The command that makes the trace again.
    pub command: String,
}

/// A case in the trace. Numbers of processes and tracks are unique in the whole trace, so that no viewer mixes them up: first those of the
/// processes (machine, tasks, simulated ones), then those of the tracks (GILs, cores, threads).
struct Drawn<'a> {
    case: &'a TraceCase<'a>,
    /// Number of the case.
    number: u32,
    /// Prefix of the names of processes; empty if there is a single case.
    prefix: String,
    /// First number of this case; lower ones belong to other cases.
    base: u32,
}

impl Drawn<'_> {
    fn recording(&self) -> &Recording {
        self.case.recording
    }

    /// End of the recorded part.
    fn end(&self) -> Nanos {
        let r = self.recording();
        let last = r.stopped.map_or(r.window.1, |s| s.min(r.window.1));
        last.min(r.end)
    }

    /// Name of a thread outside its own process: the only thread of a child process has the name of that.
    fn who(&self, thread: u32) -> &str {
        let r = self.recording();
        let t = &r.threads[thread as usize];
        if t.process > 0 && t.name == "MainThread" {
            &r.processes[t.process as usize].name
        } else {
            &t.name
        }
    }

    fn machine(&self) -> u32 {
        self.base + 1
    }

    fn tasks(&self) -> u32 {
        self.base + 2
    }

    fn process(&self, process: u32) -> u32 {
        self.base + 3 + process
    }

    fn gil(&self, gil: u32) -> u32 {
        self.process(count(&self.recording().processes)) + gil
    }

    fn core(&self, core: u32) -> u32 {
        let holds = self.recording().gil_holds.iter();
        self.gil(holds.map(|h| h.gil + 1).max().unwrap_or(0)) + core
    }

    fn thread(&self, thread: u32) -> u32 {
        self.core(self.recording().cores) + thread
    }
}

fn count<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

/// Writes the trace; returns the number of its events.
///
/// # Errors
///
/// If the output cannot be written.
pub fn trace(cases: &[TraceCase<'_>], meta: &TraceMeta, out: &mut dyn Write) -> io::Result<u64> {
    out.write_all(b"{\"displayTimeUnit\":\"ns\",\"otherData\":")?;
    serde_json::to_writer(&mut *out, meta)?;
    out.write_all(b",\"traceEvents\":[")?;
    let mut events = Events::new(out);
    let mut base = 0;
    for (number, case) in (0..).zip(cases) {
        let prefix = if cases.len() > 1 {
            format!("{}: ", case.name)
        } else {
            String::new()
        };
        let drawn = Drawn {
            case,
            number,
            prefix,
            base,
        };
        base = drawn.thread(count(&case.recording.threads));
        machine::write(&drawn, &mut events)?;
        tasks::write(&drawn, &mut events)?;
        let slices = threads::write(&drawn, &mut events)?;
        tasks::arrows(&drawn, &slices, &mut events)?;
        findings(&drawn, &mut events)?;
    }
    let count = events.count();
    out.write_all(b"\n]}\n")?;
    Ok(count)
}

/// Writes the name and the position of a process.
fn name_process(
    drawn: &Drawn<'_>,
    pid: u32,
    name: &str,
    events: &mut Events<'_>,
) -> io::Result<()> {
    let name = format!("{}{name}", drawn.prefix);
    events.meta("process_name", pid, 0, Arg::Text(&name))?;
    events.meta("process_sort_index", pid, 0, Arg::Whole(pid.into()))
}

fn name_thread(pid: u32, tid: u32, name: &str, events: &mut Events<'_>) -> io::Result<()> {
    events.meta("thread_name", pid, tid, Arg::Text(name))?;
    events.meta("thread_sort_index", pid, tid, Arg::Whole(tid.into()))
}

/// Marks findings, and where recording stopped.
fn findings(drawn: &Drawn<'_>, events: &mut Events<'_>) -> io::Result<()> {
    let r = drawn.recording();
    let mut mark = |name: &str, at: Nanos, args: &[(&str, Arg<'_>)]| {
        events.write(&TraceEvent {
            args,
            scope: Some("g"),
            ..TraceEvent::new("i", name, drawn.machine(), 0, at)
        })
    };
    for fault in &r.faults {
        let name = format!("fault: {}", fault.what);
        let until = match fault.until {
            None => Some("for good".to_owned()),
            Some(until) => (until > fault.from).then(|| seconds(until)),
        };
        let until = until.as_deref().map(|until| [("until", Arg::Text(until))]);
        let args = until.as_ref().map_or(&[][..], |args| &args[..]);
        mark(&name, fault.from.max(r.window.0), args)?;
    }
    for finding in drawn.case.findings {
        let (name, at, text) = words::finding(finding);
        if r.window.0 <= at && at <= r.window.1 {
            mark(name, at, &[("what", Arg::Text(&text))])?;
        }
    }
    if let Some(at) = r.stopped {
        mark("recording stopped: as much as allowed was kept", at, &[])?;
    }
    Ok(())
}
