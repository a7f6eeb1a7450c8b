//! Where a task's time goes.

/// Where a task's time goes. Every nanosecond between a task's arrival and its end belongs to exactly one.
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
    /// Waiting for a pool worker (queued in an executor), or for the dispatching thread to take it in.
    Pool,
    /// Ready, waiting for its turn on an event loop.
    Loop,
    /// Pickling, pipes, hand-over between threads or processes, executor and event-loop bookkeeping.
    Ipc,
    /// Threads, processes or interpreters being started for it.
    Startup,
    /// Sleeping or waiting for something outside.
    Io,
    /// Waiting for a workload queue or for its children.
    Queue,
    /// Waiting until an event loop's concurrency limit lets it begin.
    Limit,
    /// Waiting, on a core, for an object's cache line or its own lock that other threads access as well (free-threaded builds): what its
    /// accesses take more than by themselves.
    Contention,
}

/// How many causes there are.
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

    /// Whether it is waiting for a turn at something that others have: what grows where more is asked for than can be done.
    pub fn is_queueing(self) -> bool {
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

    /// Short name used in tables and JSON.
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
