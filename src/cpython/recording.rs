//! What a recorded run holds: who did what, when, where, and what for. Made beside a replication that runs as it would without
//! (`strategy::record`); traces, timelines and the course over time are made from it.

use super::task::Ending;
use crate::engine::Nanos;
use crate::machine::Cause;

/// Index into [`Recording::processes`].
pub type ProcessIndex = u32;
/// Index into [`Recording::threads`].
pub type ThreadIndex = u32;
/// Index into [`Recording::tasks`].
pub type TaskIndex = u32;

/// Everything that was recorded of a run, or of a window of it.
#[derive(Clone, Debug, Default)]
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

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// On this core.
    OnCore(u32),
    /// Ready, in the queue of this core, or on the way to it.
    Ready(u32),
    /// Waiting for something else than a core.
    Blocked,
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
    pub doing: Doing,
    /// On a core: what for; off it: what it waits for.
    pub cause: Cause,
    /// Pickling or unpickling (of a span on a core).
    pub pickling: bool,
    /// The task that it stands for.
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
    /// Number in order of arrival; children have their parents' numbers with another index.
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

impl From<Ending> for TaskEnd {
    fn from(e: Ending) -> Self {
        match e {
            Ending::Done => Self::Done,
            Ending::Failed => Self::Failed,
            Ending::TimedOut => Self::TimedOut,
        }
    }
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
