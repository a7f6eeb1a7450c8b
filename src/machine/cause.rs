//! Causes: what the time of a task is spent on.

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident: $key:literal;)+) => {
        /// The cause of a stretch of a task's time. Every nanosecond between a task's arrival and its end has exactly one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Cause { $($(#[doc = $doc])+ $name,)+ }

        /// How many causes there are.
        pub const CAUSES: usize = [$($key),+].len();

        impl Cause {
            /// All causes in the order of their numbers.
            pub const ALL: [Self; CAUSES] = [$(Self::$name),+];

            /// Short name of the cause, as tables and JSON show it.
            pub fn name(self) -> &'static str {
                [$($key),+][self as usize]
            }
        }
    };
}

causes! {
    /// Executing its own steps on a core.
    Running: "running";
    /// Ready to run, waiting for a core (including wake-up latency).
    Core: "core";
    /// Waiting for the GIL.
    Gil: "gil";
    /// Waiting for a lock.
    Lock: "lock";
    /// Waiting for a pool worker (queued in an executor), or for the dispatching thread, which has to take the task in.
    Pool: "pool";
    /// Ready, waiting for an event loop.
    Loop: "loop";
    /// Pickling, pipes, hand-over between threads or processes, executor and event-loop bookkeeping.
    Ipc: "ipc";
    /// Waiting for the start of threads, processes or interpreters for the task, or their start itself.
    Startup: "startup";
    /// Sleeping or waiting for something outside.
    Io: "io";
    /// Waiting for an item of, or room in, a workload queue, or for the task's children.
    Queue: "queue";
    /// Waiting for a permit of an event loop's concurrency limit.
    Limit: "limit";
    /// Waiting, on a core, for an object's cache line or its own lock that other threads access as well (free-threaded builds): the time
    /// that accesses take beyond what they take by themselves.
    Contention: "contention";
    /// Waiting for a permit, a connection or a token of a resource that others use, or longer for a transfer because others use its device.
    Resource: "resource";
}

impl Cause {
    /// Whether this is a wait for a resource that others use: such waits grow when more is asked for than can be done.
    pub(crate) fn is_queueing(self) -> bool {
        match self {
            Self::Core
            | Self::Gil
            | Self::Lock
            | Self::Pool
            | Self::Loop
            | Self::Queue
            | Self::Limit
            | Self::Contention
            | Self::Resource => true,
            Self::Running | Self::Ipc | Self::Startup | Self::Io => false,
        }
    }
}
