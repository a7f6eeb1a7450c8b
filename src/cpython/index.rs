//! Places in the tables of a run, each a type of its own: what counts pools is not taken for what counts processes.

/// Place of a task in flight; used again once that is over.
pub(crate) type TaskKey = u32;

macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(u32);

        impl From<usize> for $name {
            fn from(place: usize) -> Self {
                Self(u32::try_from(place).expect("limits keep every table below 2^32"))
            }
        }

        impl From<$name> for u32 {
            fn from(index: $name) -> Self {
                index.0
            }
        }

        impl From<$name> for usize {
            #[inline]
            fn from(index: $name) -> Self {
                index.0 as usize
            }
        }
    )*};
}

indices! {
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
