//! Places in the tables of the runtime.

use crate::engine::indices;

indices! {
    /// A class of tasks of the program, its own or one of children.
    ClassIndex;
    /// A lock of the program: each domain has one of those that are not shared between processes.
    LockNumber;
    /// A queue between tasks.
    QueueIndex;
    /// A shared object of the program.
    ObjectIndex;
    /// A distribution of the program's.
    DistIndex;
    /// A task in flight; its place is used again once it is over.
    TaskKey;
    /// A GIL; [`NO_GIL`] where the build has none.
    GilIndex;
    /// A lock domain: one set of the program's locks and one collector, of an interpreter.
    DomainIndex;
    /// A process; the main one is number 0.
    ProcessIndex;
    /// A copy of the program: itself, or those that an application server forks.
    CopyIndex;
    /// A pool of threads.
    PoolIndex;
    /// A pool of processes.
    ProcessPoolIndex;
    /// A pipe.
    PipeIndex;
    /// A lock in the table of all: those shared between processes, then those of each domain.
    LockIndex;
}

impl Default for ProcessIndex {
    fn default() -> Self {
        Self::MAIN
    }
}

impl ProcessIndex {
    /// The process that was started first.
    pub(crate) const MAIN: Self = Self(0);
}

/// Of a thread whose build has no GIL.
pub(crate) const NO_GIL: GilIndex = GilIndex(u32::MAX);
