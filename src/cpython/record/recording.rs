//! What a recorded run holds: who did what, when, where, and what for. Made beside a replication that runs as it would without
//! (`strategy::record`); traces, timelines and the course over time are made from it.

use crate::engine::Nanos;
use crate::machine::Cause;
pub use crate::machine::TapeState;

/// Index into [`Recording::processes`].
pub type ProcessIndex = u32;
/// Index into [`Recording::threads`].
pub type ThreadIndex = u32;
/// Index into [`Recording::tasks`].
pub type TaskIndex = u32;

/// Everything that was recorded of a run, or of a window of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// What was asked for; spans are cut at its ends.
    pub window: (Nanos, Nanos),
    /// When the run ended.
    pub end: Nanos,
    /// Where recording stopped before the window's end, because as many spans as allowed had been recorded.
    pub stopped: Option<Nanos>,
    /// How many cores there are.
    pub cores: u32,
    /// The simulated processes, in order of their start.
    pub processes: Vec<ProcessRecord>,
    /// The simulated threads, in order of their start. A thread object that is used again is a new one here.
    pub threads: Vec<ThreadRecord>,
    /// What threads did, by rising end within each thread, without gaps between a thread's start and its exit.
    pub spans: Vec<ThreadSpan>,
    /// What tasks waited for while no thread stood for them.
    pub waits: Vec<TaskWait>,
    /// The tasks seen in the window.
    pub tasks: Vec<TaskRecord>,
    /// Who held which GIL.
    pub gil_holds: Vec<GilHold>,
    /// Iterations of event loops, from the end of one `select` to the beginning of the next.
    pub iterations: Vec<Iteration>,
    /// Memory of the whole process tree from this time on, in bytes; by rising time.
    pub memory: Vec<(Nanos, u64)>,
}

impl Recording {
    /// A task as people count it: `page #3`, or `page #3's child 2`. Both counts start at 1.
    pub fn task_name(&self, task: TaskIndex) -> String {
        let t = &self.tasks[task as usize];
        match t.parent {
            Some(parent) => format!("{}'s child {}", self.task_name(parent), t.number + 1),
            None => format!("{} #{}", t.class, t.number + 1),
        }
    }
}

/// A simulated process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRecord {
    /// Name as Python would give it (`MainProcess`, `ForkProcess-1`, `forkserver`).
    pub name: String,
    /// When it began.
    pub started: Nanos,
}

/// A simulated thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadRecord {
    /// Its process.
    pub process: ProcessIndex,
    /// Name as Python would give it (`MainThread`, `ThreadPoolExecutor-0_3`, `QueueFeederThread`).
    pub name: String,
    /// When it was started.
    pub started: Nanos,
    /// When it exited; `None` if it lived to the end.
    pub exited: Option<Nanos>,
}

/// A stretch of a thread's life in which nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadSpan {
    /// The thread.
    pub thread: ThreadIndex,
    /// Start.
    pub from: Nanos,
    /// End.
    pub to: Nanos,
    /// What it does.
    pub doing: TapeState,
    /// On a core: what for; off it: what it waits for.
    pub cause: Cause,
    /// Pickling or unpickling (of a span on a core).
    pub pickling: bool,
    /// The task that it stands for, or (if not `counted`) hands over, pickles or brings back.
    pub task: Option<TaskIndex>,
    /// Whether the time counts as that task's (the sums over these and the counted waits are the outcome's times by cause).
    pub counted: bool,
}

/// A stretch of a task's life in which it waits and no thread stands for it.
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
    /// Whether the time counts (see [`ThreadSpan::counted`]).
    pub counted: bool,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRecord {
    /// Number in order of arrival, from 0; of a child: among its parent's children.
    pub number: u64,
    /// Name of its class.
    pub class: String,
    /// The task that waits for it.
    pub parent: Option<TaskIndex>,
    /// When it arrived.
    pub arrived: Nanos,
    /// Who handed it over to whom and when: the submitting thread, then each thread that took it up (with the time at which it
    /// did), at last the thread that saw its result.
    pub hops: Vec<(ThreadIndex, Nanos)>,
    /// When and how it ended; `None` while it is under way.
    pub ended: Option<(Nanos, TaskEnd)>,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    /// As it should.
    Done,
    /// In a failure.
    Failed,
    /// By a timeout.
    TimedOut,
}

/// A stretch in which a thread holds a GIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GilHold {
    /// Number of the GIL.
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
    /// Handles that were run.
    pub handles: u32,
}

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordOptions {
    /// From when to when.
    pub window: (Nanos, Nanos),
    /// At most so many spans, waits and holds together: recording stops then, and says so.
    pub most_spans: usize,
}

/// What is written down beside a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// Nothing: the run costs what it costs.
    #[default]
    Nothing,
    /// Its course over time.
    Course,
    /// Who did what, in a window.
    Window(RecordOptions),
}

/// The course of a run, in equal bins of simulated time (the last may reach past the end): means over each bin, but for
/// `memory_peak`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordedSeries {
    /// Length of a bin.
    pub bin: Nanos,
    /// Memory in use, in bytes.
    pub memory_mean: Vec<f64>,
    /// Most memory in use within the bin, in bytes.
    pub memory_peak: Vec<f64>,
    /// Busy share of all cores.
    pub utilization: Vec<f64>,
    /// Share in which some GIL was held (all zero on free-threaded builds).
    pub gil_held: Vec<f64>,
    /// Threads ready to run without a core, those on the way to one included.
    pub run_queue: Vec<f64>,
    /// Tasks that have arrived and are not over, children left out.
    pub in_flight: Vec<f64>,
}
