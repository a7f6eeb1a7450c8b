//! What one replication observed.

use crate::engine::Nanos;
use crate::measure::{BatchSeries, Histogram};

/// Where a task's time goes. Every nanosecond between a task's arrival and its completion belongs to exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Cause {
    /// Executing its own steps on a core.
    Running,
    /// Ready to run, waiting for a core (including wake-up latency).
    Core,
    /// Waiting for the GIL.
    Gil,
    /// Waiting for a lock or a shared object.
    Lock,
    /// Waiting for a pool worker (queued in an executor).
    Pool,
    /// Ready, waiting for its turn on an event loop, or for a concurrency limit.
    Loop,
    /// Pickling, pipes, hand-over between threads or processes, executor and event-loop bookkeeping.
    Ipc,
    /// Threads, processes or interpreters being started for it.
    Startup,
    /// Sleeping or waiting for something outside.
    Io,
    /// Waiting for a workload queue or for its children.
    Queue,
}

impl Cause {
    /// All causes in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Running, Self::Core, Self::Gil, Self::Lock, Self::Pool, Self::Loop, Self::Ipc, Self::Startup, Self::Io, Self::Queue,
    ];

    /// Short name used in tables and JSON.
    pub fn name(self) -> &'static str {
        ["running", "core", "gil", "lock", "pool", "loop", "ipc", "startup", "io", "queue"][self as usize]
    }
}

/// What a forecast says went wrong (or nearly did).
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Nothing can ever happen again, yet tasks are unfinished: who waits for what.
    Deadlock {
        /// When the last thing happened.
        at: Nanos,
        /// One line for each waiting task or thread.
        waiting: Vec<String>,
    },
    /// Memory passed the machine's limit.
    OutOfMemory {
        /// When.
        at: Nanos,
        /// How much was in use.
        bytes: u64,
    },
    /// One callback kept an event loop busy for so long.
    BlockedLoop {
        /// When it began.
        at: Nanos,
        /// How long the loop could do nothing else.
        lasted: Nanos,
    },
    /// The run was stopped at [`super::SimInput::max_events`].
    EventLimit {
        /// When.
        at: Nanos,
    },
    /// The interpreter cannot do what the strategy asks (for example sub-interpreters before 3.14).
    Unsupported(String),
}

/// What one replication observed. Times are simulated.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Tasks that arrived / completed / failed / timed out, after the warm-up; still in flight at the end.
    pub arrived: u64,
    /// Completed successfully.
    pub completed: u64,
    /// Ended in a failure.
    pub failed: u64,
    /// Ended by a timeout.
    pub timed_out: u64,
    /// Neither at the end of the run.
    pub in_flight: u64,
    /// The last completion (of all, from time 0).
    pub makespan: Nanos,
    /// When the executor was shut down; at least `makespan`.
    pub closed: Nanos,
    /// Latencies (completion minus arrival) of tasks that ended after the warm-up, over all classes.
    pub latency: Histogram,
    /// The same for each class of the workload.
    pub class_latency: Vec<Histogram>,
    /// Latencies in seconds in order of completion, as streaming batch means (for warm-up detection and intervals).
    pub series: BatchSeries,
    /// Every latency in order of arrival (unfinished tasks left out), if asked for.
    pub latencies: Vec<Nanos>,
    /// Task time by cause (index = `Cause as usize`), summed over the tasks counted in `latency`.
    pub causes: [Nanos; 10],
    /// CPU time used by all simulated threads.
    pub cpu: Nanos,
    /// Busy time of each core.
    pub core_busy: Vec<Nanos>,
    /// When the run ended (utilization = busy / end).
    pub end: Nanos,
    /// Time in which some GIL was held / was held while another thread wanted it.
    pub gil_held: Nanos,
    /// See `gil_held`.
    pub gil_contended: Nanos,
    /// Context switches: the thread blocked / was preempted.
    pub switches_voluntary: u64,
    /// See `switches_voluntary`.
    pub switches_involuntary: u64,
    /// Most memory in use at once by the whole process tree (proportional set size), in bytes.
    pub memory_peak: u64,
    /// Its time-weighted mean, in bytes.
    pub memory_mean: f64,
    /// Bytes sent through pipes.
    pub bytes_moved: u64,
    /// Processes (or interpreters) started beside the main one.
    pub processes: u32,
    /// Model events: operations of simulated threads, whether they needed a calendar event or not.
    pub events: u64,
    /// Events that went through the calendar.
    pub calendar_events: u64,
    /// Longest calendar.
    pub calendar_peak: u64,
    /// What went wrong; at most a few of each kind.
    pub findings: Vec<Finding>,
}
