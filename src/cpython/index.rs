//! Typed indices into the tables of the runtime: each is a position in one table, and none can be taken for another.

use crate::engine::indices;

indices! {
    /// A class of tasks: one of the scenario's own, or an internal one of children.
    ClassIndex;
    /// A lock of the program. Each lock domain has its own instance of a lock that is not shared between processes.
    LockNumber;
    /// A bounded queue through which tasks pass items.
    QueueIndex;
    /// A shared object of the program (relevant on free-threaded builds).
    ObjectIndex;
    /// A resource of the program: each domain has an instance of those that are not used everywhere.
    ResourceNumber;
    /// An instance of a resource.
    ResourceIndex;
    /// A device of the program.
    DeviceNumber;
    /// An instance of a device: the one that all processes share, or that of a machine.
    DeviceIndex;
    /// A distribution in the program's table of distributions.
    DistIndex;
    /// A task in flight. Its slot is reused once the task is over.
    TaskKey;
    /// A GIL; [`NO_GIL`] where the build has none.
    GilIndex;
    /// A lock domain: one interpreter's instances of the program's locks, and its collector.
    DomainIndex;
    /// A process; the main one is number 0.
    ProcessIndex;
    /// A machine, of those on which copies of the program run.
    NodeIndex;
    /// A copy of the program: the program itself, or one of those that an application server forks.
    CopyIndex;
    /// A thread pool.
    PoolIndex;
    /// A process pool.
    ProcessPoolIndex;
    /// An executor of a copy of the program: number 0 has its tasks or, under an event loop, their blocking work; others have names.
    ExecutorIndex;
    /// A step that a worker executes as one call.
    CallIndex;
    /// How an instruction pauses between attempts, in the program's table of them.
    BackoffIndex;
    /// A pipe.
    PipeIndex;
    /// A lock instance in the table of all locks: those shared between processes come first, then those of each domain.
    LockIndex;
}

impl Default for ProcessIndex {
    fn default() -> Self {
        Self::MAIN
    }
}

impl ExecutorIndex {
    /// The executor of all that names none.
    pub(crate) const DEFAULT: Self = Self(0);
}

impl ProcessIndex {
    /// The main process, which is started first.
    pub(crate) const MAIN: Self = Self(0);
}

/// Stands in for the GIL of a thread whose build has none.
pub(crate) const NO_GIL: GilIndex = GilIndex(u32::MAX);
