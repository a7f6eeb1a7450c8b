//! What a trace says of processes rather than of tasks: their CPU time and memory, who submits, which executor runs what, and what is no
//! task.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::trace::Trace;
use crate::scenario::{Lifecycle, Offload, StartMethod, Strategy};
use crate::syntax::parse_strategy;

/// What is known of one process, from its first recorded task on where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ProcessFacts {
    /// The number of the process.
    pub pid: u64,
    /// Seconds of CPU time that it has used.
    pub cpu: f64,
    /// Seconds of CPU time in its tasks' rows.
    pub recorded: f64,
    /// Seconds for which its tasks waited for a core only.
    pub delayed: f64,
    /// Bytes in memory when its first task began.
    pub memory: u64,
    /// The most bytes in memory that were seen.
    pub peak: u64,
    /// How many tasks it has done.
    pub tasks: u64,
    /// Numbers of tasks done, and bytes in memory then, each time that it had grown.
    pub grown: Vec<(u64, u64)>,
    /// Seconds of CPU time in imports.
    pub imports_time: f64,
    /// Bytes by which imports have made it larger.
    pub imports_memory: u64,
    /// Containers that the garbage collector knew when its first task began, beyond those of a new interpreter.
    pub objects: u64,
    /// The version of Python: `3.13`.
    pub version: String,
    /// Whether it runs with a GIL.
    pub gil: bool,
    /// The server whose requests are its tasks.
    pub server: Option<String>,
}

/// A stretch of a thread that submits tasks, between two submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MainStretch {
    /// The start in nanoseconds of the trace's clock.
    pub start: i64,
    /// The end.
    pub end: i64,
    /// Nanoseconds of CPU time within.
    pub used: u64,
}

/// An executor that ran tasks of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    /// The name of the class.
    pub class: String,
    /// The executor, as a strategy.
    pub how: Strategy,
    /// The process.
    pub pid: u64,
    /// How many tasks of the class it had run there by then; at least 1.
    pub tasks: u64,
}

/// A task that nobody waited for: it served a server, or was cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackgroundTask {
    /// The name of its class.
    pub class: String,
    /// Its number in the trace; `None` if it has no rows there.
    pub task: Option<u32>,
    /// How long it lived, in nanoseconds.
    pub length: u64,
}

/// What a trace says of processes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFacts {
    /// What is known of each process, by its number.
    pub processes: BTreeMap<u64, ProcessFacts>,
    /// Stretches of threads that submit tasks.
    pub main: Vec<MainStretch>,
    /// Which executors ran the classes.
    pub ran: Vec<Ran>,
    /// Tasks that are none.
    pub background: Vec<BackgroundTask>,
    /// Tasks that another one made, and which one: by their numbers in the trace.
    pub causes: BTreeMap<u32, u32>,
}

impl RunFacts {
    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of facts.
    pub(super) fn len(&self) -> usize {
        self.processes.len() + self.main.len() + self.ran.len() + self.background.len()
    }

    /// Notes what is known of a process by now.
    pub(super) fn process(&mut self, mut known: ProcessFacts) {
        for seconds in [
            &mut known.cpu,
            &mut known.recorded,
            &mut known.delayed,
            &mut known.imports_time,
        ] {
            *seconds = if seconds.is_finite() {
                seconds.max(0.0)
            } else {
                0.0
            };
        }
        self.processes.insert(known.pid, known);
    }

    /// How the server's workers begin, by its defaults: gunicorn forks them before the application is imported, uvicorn spawns them.
    pub(super) fn life(&self) -> Lifecycle {
        let mut servers = self.processes.values().filter_map(|p| p.server.as_deref());
        match servers.next() {
            Some("gunicorn") => Lifecycle {
                preload: false,
                ..Lifecycle::default()
            },
            Some(_) => Lifecycle::started(StartMethod::Spawn),
            None => Lifecycle::default(),
        }
    }

    /// Whether requests of a server were recorded.
    #[must_use]
    pub(crate) fn server(&self) -> bool {
        self.processes.values().any(|p| p.server.is_some())
    }
}

/// A task that was cancelled is none of the program's work if it lived for this share of the run.
const LASTING: f64 = 0.5;

/// Takes tasks that run in the background out of a trace, and says which.
pub(super) fn without_background(trace: &Trace, notes: &mut Vec<String>) -> Trace {
    let first = trace.rows.iter().map(|r| r.start).min().unwrap_or(0);
    let last = trace.rows.iter().map(|r| r.end).max().unwrap_or(0);
    let long = LASTING * last.abs_diff(first) as f64;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut gone = BTreeSet::new();
    for task in &trace.facts.background {
        match task.task {
            // It was recorded, so that it counts where it was only given up.
            Some(_) if (task.length as f64) < long => continue,
            Some(number) => {
                gone.insert(number);
            }
            None => {}
        }
        *counts.entry(&task.class).or_default() += 1;
    }
    if !counts.is_empty() {
        let names: Vec<String> = counts
            .iter()
            .map(|(name, n)| {
                if *n == 1 {
                    (*name).to_owned()
                } else {
                    format!("{name} ({n})")
                }
            })
            .collect();
        notes.push(format!(
            "left out, because nobody waits for them (a server's background tasks, tasks that were cancelled in the end): {}",
            names.join(", ")
        ));
    }
    let mut trace = trace.clone();
    trace.rows.retain(|r| !gone.contains(&r.task));
    trace
}

/// An executor by its short form, as a strategy.
pub(super) fn strategy(text: &str) -> Option<Strategy> {
    let case = parse_strategy(text).ok()?;
    case.interpreter.is_none().then_some(case.strategy)
}

/// The workers of a pool by its short form: threads or processes.
pub(super) fn workers(text: &str) -> Option<Offload> {
    match strategy(text)? {
        Strategy::Threads(workers) => Some(Offload::Threads(workers)),
        Strategy::Processes { workers, start, .. } => Some(Offload::Processes(workers, start)),
        Strategy::Interpreters(workers) => Some(Offload::Interpreters(workers)),
        Strategy::Sequential
        | Strategy::Asyncio { .. }
        | Strategy::Prefork { .. }
        | Strategy::Nodes { .. }
        | Strategy::Server { .. } => None,
    }
}
