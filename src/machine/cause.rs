//! Where a task's time goes.

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident: $key:literal;)+) => {
        /// Where a task's time goes. Every nanosecond between a task's arrival and its end belongs to exactly one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Cause { $($(#[doc = $doc])+ $name,)+ }

        /// How many causes there are.
        pub const CAUSES: usize = [$($key),+].len();

        impl Cause {
            /// All causes in the order of their numbers.
            pub const ALL: [Self; CAUSES] = [$(Self::$name),+];

            /// Short name used in tables and JSON.
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
    /// Waiting for a pool worker (queued in an executor), or for the dispatching thread to take it in.
    Pool: "pool";
    /// Ready, waiting for its turn on an event loop.
    Loop: "loop";
    /// Pickling, pipes, hand-over between threads or processes, executor and event-loop bookkeeping.
    Ipc: "ipc";
    /// Threads, processes or interpreters being started for it.
    Startup: "startup";
    /// Sleeping or waiting for something outside.
    Io: "io";
    /// Waiting for a workload queue or for its children.
    Queue: "queue";
    /// Waiting until an event loop's concurrency limit lets it begin.
    Limit: "limit";
    /// Waiting, on a core, for an object's cache line or its own lock that other threads access as well (free-threaded builds): what its
    /// accesses take more than by themselves.
    Contention: "contention";
}

impl Cause {
    /// Whether it is waiting for a turn at something that others have: what grows where more is asked for than can be done.
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
}
