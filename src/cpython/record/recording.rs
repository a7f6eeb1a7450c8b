//! What a recorded run holds: who did what, when, where, and on behalf of which task.
//!
//! A recording is made beside a replication, which runs exactly as it would without (`strategy::record`). Traces, timelines and the course
//! over time are made from it.

use crate::engine::Nanos;
use crate::machine::Cause;
pub use crate::machine::TapeState;

/// Index into [`Recording::processes`].
pub(crate) type ProcessIndex = u32;
/// Index into [`Recording::threads`].
pub(crate) type ThreadIndex = u32;
/// Index into [`Recording::tasks`].
pub(crate) type TaskIndex = u32;

/// Everything that was recorded of a run, or of a window of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The window that was asked for; spans are cut at its ends.
    pub window: (Nanos, Nanos),
    /// When the run ended.
    pub end: Nanos,
    /// Where recording stopped before the window's end because the allowed number of spans was reached.
    pub stopped: Option<Nanos>,
    /// Number of the machine's cores.
    pub cores: u32,
    /// Simulated processes, in order of their start.
    pub processes: Vec<ProcessRecord>,
    /// Simulated threads, in order of their start. A thread number that the simulator reuses is a new thread here.
    pub threads: Vec<ThreadRecord>,
    /// What threads did, by rising end within each thread, without gaps between the start and exit of a thread.
    pub spans: Vec<ThreadSpan>,
    /// What tasks waited for while no thread stood for them.
    pub waits: Vec<TaskWait>,
    /// Tasks seen in the window.
    pub tasks: Vec<TaskRecord>,
    /// Stretches for which threads held a GIL.
    pub gil_holds: Vec<GilHold>,
    /// Iterations of event loops, from the end of one `select` to the beginning of the next.
    pub iterations: Vec<Iteration>,
    /// What went wrong by the scenario's `faults`, by when it began.
    pub faults: Vec<FaultRecord>,
    /// Memory of the whole process tree in bytes, each value from its time on; by rising time.
    pub memory: Vec<(Nanos, u64)>,
}

impl Recording {
    /// Names a task as people count it: `page #3`, or `page #3's child 2`. Both counts start at 1.
    pub(crate) fn task_name(&self, task: TaskIndex) -> String {
        let t = &self.tasks[task as usize];
        match t.parent {
            Some(parent) => format!("{}'s child {}", self.task_name(parent), t.number + 1),
            None => format!("{} #{}", t.class, t.number + 1),
        }
    }
}

/// Something that went wrong, or was done to the program, by the scenario's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRecord {
    /// What it is, in a few words.
    pub what: String,
    /// When it began.
    pub from: Nanos,
    /// When it is over; the same instant where it does not last, `None` where it never is.
    pub until: Option<Nanos>,
}

/// A simulated process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRecord {
    /// Name as Python would give it (`MainProcess`, `ForkProcess-1`, `forkserver`).
    pub name: String,
    /// When it started.
    pub started: Nanos,
}

/// A simulated thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadRecord {
    /// The process that it belongs to.
    pub process: ProcessIndex,
    /// Name as Python would give it (`MainThread`, `ThreadPoolExecutor-0_3`, `QueueFeederThread`).
    pub name: String,
    /// When it was started.
    pub started: Nanos,
    /// When it exited; `None` if it lived to the end.
    pub exited: Option<Nanos>,
}

/// A stretch of a thread's life throughout which it does the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadSpan {
    /// The thread.
    pub thread: ThreadIndex,
    /// Start.
    pub from: Nanos,
    /// End.
    pub to: Nanos,
    /// Whether it runs, is ready, or is blocked.
    pub doing: TapeState,
    /// On a core: what it runs for; off a core: what it waits for.
    pub cause: Cause,
    /// Whether it pickles or unpickles (of a span on a core).
    pub pickling: bool,
    /// The task that the thread stands for, or (if not `counted`) hands over, pickles or brings back.
    pub task: Option<TaskIndex>,
    /// Whether the time is booked to that task: counted spans and counted waits add up to the outcome's times by cause.
    pub counted: bool,
}

/// A stretch in which a task waits and no thread stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskWait {
    /// The task.
    pub task: TaskIndex,
    /// Start.
    pub from: Nanos,
    /// End.
    pub to: Nanos,
    /// What it waits for.
    pub cause: Cause,
    /// Whether the time is booked to the task (see [`ThreadSpan::counted`]).
    pub counted: bool,
}

/// A task that was seen in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRecord {
    /// Number in order of arrival, from 0; for a child: its number among its parent's children.
    pub number: u64,
    /// Name of its class.
    pub class: String,
    /// For a child: the task that waits for it.
    pub parent: Option<TaskIndex>,
    /// When it arrived.
    pub arrived: Nanos,
    /// Hand-overs of the task, each with its time: the submitting thread, then each thread that took it up, at last the thread that saw its
    /// result.
    pub hops: Vec<(ThreadIndex, Nanos)>,
    /// When and how it ended; `None` while it is in flight.
    pub ended: Option<(Nanos, TaskEnd)>,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskEnd {
    /// It completed.
    Done,
    /// It failed.
    Failed,
    /// A deadline ended it.
    TimedOut,
    /// It was not let in, or gave its place up to others.
    Rejected,
}

/// A stretch in which a thread holds a GIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GilHold {
    /// Index of the GIL.
    pub gil: u32,
    /// The holder.
    pub thread: ThreadIndex,
    /// Start.
    pub from: Nanos,
    /// End.
    pub to: Nanos,
}

/// One iteration of an event loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iteration {
    /// The loop's thread.
    pub thread: ThreadIndex,
    /// Start: `select` has returned.
    pub from: Nanos,
    /// End: the last handle of the snapshot has run.
    pub to: Nanos,
    /// Number of handles that were run.
    pub handles: u32,
}

/// Options of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordOptions {
    /// Window to record, from and to.
    pub window: (Nanos, Nanos),
    /// Most spans, waits and holds together; when that many are recorded, recording stops and the recording says so.
    pub most_spans: usize,
}

/// What is recorded beside a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Record {
    /// Nothing, at no cost.
    #[default]
    Nothing,
    /// The course of the run over time, in bins ([`RecordedSeries`]).
    Course,
    /// Who did what in a window ([`Recording`]).
    Window(RecordOptions),
}

/// The course of a run in equal bins of simulated time (the last may reach past the end). Every series holds means over each bin, except
/// `memory_peak`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordedSeries {
    /// Length of a bin.
    pub bin: Nanos,
    /// Mean memory in use, in bytes.
    pub memory_mean: Vec<f64>,
    /// Greatest memory in use within the bin, in bytes.
    pub memory_peak: Vec<f64>,
    /// Share (0 to 1) of all cores' time that was busy.
    pub utilization: Vec<f64>,
    /// Share (0 to 1) of the time in which some GIL was held; all zero on free-threaded builds.
    pub gil_held: Vec<f64>,
    /// Threads that are ready to run but have no core, those on the way to one included.
    pub run_queue: Vec<f64>,
    /// Tasks that have arrived and are not over, children left out.
    pub in_flight: Vec<f64>,
}
