//! Causes: what the time of a task is spent on.

/// The cause of a stretch of a task's time. Every nanosecond between a task's arrival and its end has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Cause {
    /// Executing its own steps on a core.
    Running,
    /// Ready to run, waiting for a core (including wake-up latency).
    Core,
    /// Waiting for the GIL.
    Gil,
    /// Waiting for a lock.
    Lock,
    /// Waiting for a pool worker (queued in an executor), or for the dispatching thread, which has to take the task in.
    Pool,
    /// Ready, waiting for an event loop.
    Loop,
    /// Pickling, pipes, hand-over between threads or processes, executor and event-loop bookkeeping.
    Ipc,
    /// Waiting for the start of threads, processes or interpreters for the task, or their start itself.
    Startup,
    /// Sleeping or waiting for something outside.
    Io,
    /// Waiting for an item of, or room in, a workload queue, or for the task's children.
    Queue,
    /// Waiting for a permit of an event loop's concurrency limit.
    Limit,
    /// Waiting, on a core, for an object's cache line or its own lock that other threads access as well (free-threaded builds): the time
    /// that accesses take beyond what they take by themselves.
    Contention,
}

/// Number of causes.
pub const CAUSES: usize = 12;

impl Cause {
    /// All causes in the order of their numbers.
    pub const ALL: [Self; CAUSES] = [
        Self::Running,
        Self::Core,
        Self::Gil,
        Self::Lock,
        Self::Pool,
        Self::Loop,
        Self::Ipc,
        Self::Startup,
        Self::Io,
        Self::Queue,
        Self::Limit,
        Self::Contention,
    ];

    /// Whether this is a wait for a resource that others use: such waits grow when more is asked for than can be done.
    pub fn is_for_turn(self) -> bool {
        match self {
            Self::Core
            | Self::Gil
            | Self::Lock
            | Self::Pool
            | Self::Loop
            | Self::Queue
            | Self::Limit
            | Self::Contention => true,
            Self::Running | Self::Ipc | Self::Startup | Self::Io => false,
        }
    }

    /// Short name of the cause, as tables and JSON show it.
    pub fn name(self) -> &'static str {
        [
            "running",
            "core",
            "gil",
            "lock",
            "pool",
            "loop",
            "ipc",
            "startup",
            "io",
            "queue",
            "limit",
            "contention",
        ][self as usize]
    }
}
