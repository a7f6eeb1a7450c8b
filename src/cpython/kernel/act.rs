//! What scripts of threads are made of.

use super::object::Accesses;
use super::wait::On;
use crate::cpython::index::{GilIndex, LockIndex, PipeIndex, ProcessIndex};
use crate::cpython::role::RoleAction;
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};

/// One act of a thread. Costs are CPU time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Bytecode: holds the GIL, looks at the eval breaker.
    Run(Nanos),
    /// One C call that keeps the GIL: not interrupted.
    RunC(Nanos),
    /// Pickling or unpickling: [`Act::RunC`], or interrupted like [`Act::Run`].
    Pickle { time: Nanos, in_c: bool },
    /// Bytecode of `hold`, and so many `left` times more: without the GIL for `released`, then `hold` again, whose first part is
    /// spent on taking it.
    Releasing {
        hold: Nanos,
        released: Nanos,
        left: u32,
        /// How much longer the last stretch is.
        last: Nanos,
    },
    /// Accesses of a shared object whose cache line or lock travels between threads.
    Access(Accesses),
    /// Lets the GIL go first.
    Outside(Outside),
    /// From here on the thread's time on a core belongs to this cause.
    Label(Cause),
    /// Wakes a thread.
    Unpark(Tid),
    /// Gives one GIL back and takes another (entering or leaving a sub-interpreter).
    SwitchGil(GilIndex),
    /// Takes a lock of this index in the table of all locks.
    Acquire(LockIndex),
    /// Yields so often at most for a lock before it parks.
    Spin(LockIndex, u8),
    /// Gives it back.
    Release(LockIndex),
    /// The rest of a message into a pipe.
    Write(PipeIndex, u64),
    /// A chunk has been copied into the pipe: pipe, bytes, bytes left.
    Written(PipeIndex, u64, u64),
    /// The rest of the first message of a pipe.
    Read(PipeIndex),
    /// A chunk has been copied out.
    ReadDone(PipeIndex, u64),
    /// A started thread or child process begins.
    Begin(Tid),
    /// The fork server is asked for this child.
    Request(Tid),
    /// Memory taken.
    Take(u64),
    /// Memory given back.
    Give(u64),
    /// A block freed, which its arena keeps.
    Free(u64),
    /// Memory taken by another process, which this thread has started.
    TakeFor(ProcessIndex, u64),
    /// Stops the other threads of the process (free-threaded builds).
    StopWorld,
    /// Lets them go on.
    StartWorld,
    /// What the thread is there for.
    Do(RoleAction),
    /// The thread ends.
    Exit,
}

/// What a thread does without its GIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outside {
    /// Burns: native code, a system call.
    Native(Nanos),
    /// Blocks until this time (plus the timer slack).
    Sleep(On, Nanos),
    /// Blocks until unparked, or until this time plus slack ([`Nanos::MAX`]: for ever).
    Park(On, Nanos),
}

impl Act {
    pub(crate) const fn native(time: Nanos) -> Self {
        Self::Outside(Outside::Native(time))
    }

    pub(crate) const fn sleep(on: On, until: Nanos) -> Self {
        Self::Outside(Outside::Sleep(on, until))
    }

    pub(crate) const fn park(on: On, until: Nanos) -> Self {
        Self::Outside(Outside::Park(on, until))
    }
}

// Scripts are what a run writes and reads most: an act stays as small as it is.
const _: () = assert!(size_of::<Act>() <= 32);

/// A stretch with the GIL, and what comes after it: [`Act::Releasing`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Releasing {
    /// How long the GIL is held between two releases, taking it included.
    pub(crate) hold: Nanos,
    /// For how long it is given up.
    pub(crate) released: Nanos,
    /// How often it is still given up.
    pub(crate) left: u32,
    /// How much longer the last stretch is.
    pub(crate) last: Nanos,
    /// The part of `hold` that the taker has been charged beforehand.
    pub(crate) taking: Nanos,
}

/// Where a thread is in [`Releasing`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReleasePhase {
    /// It holds the GIL for so long until it gives it up, and so many releases are left after that.
    Holds(Nanos, u32),
    /// It is without the GIL for so long, and so many releases are left.
    Released(Nanos, u32),
    /// It does not give it up any more.
    Last,
}

impl Releasing {
    /// All of it.
    pub(crate) fn time(&self) -> Nanos {
        self.hold - self.taking + (self.released + self.hold) * u64::from(self.left) + self.last
    }

    /// After so much of it.
    pub(crate) fn place(&self, done: Nanos) -> ReleasePhase {
        let first = self.hold - self.taking;
        if self.left == 0 {
            return ReleasePhase::Last;
        }
        if done < first {
            return ReleasePhase::Holds(first - done, self.left - 1);
        }
        let (period, since) = ((self.released + self.hold).0.max(1), (done - first).0);
        let Ok(before) = u32::try_from(since / period) else {
            return ReleasePhase::Last;
        };
        let (left, within) = (self.left.saturating_sub(before), Nanos(since % period));
        match left {
            0 => ReleasePhase::Last,
            _ if within < self.released => ReleasePhase::Released(self.released - within, left - 1),
            1 => ReleasePhase::Last,
            _ => ReleasePhase::Holds(Nanos(period) - within, left - 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_each_other() {
        let all = Releasing {
            hold: Nanos(10),
            released: Nanos(4),
            left: 3,
            last: Nanos(0),
            taking: Nanos(1),
        };
        assert_eq!(all.time(), Nanos(9 + 3 * 14));
        let expected = [
            (0, ReleasePhase::Holds(Nanos(9), 2)),
            (8, ReleasePhase::Holds(Nanos(1), 2)),
            (9, ReleasePhase::Released(Nanos(4), 2)),
            (12, ReleasePhase::Released(Nanos(1), 2)),
            (13, ReleasePhase::Holds(Nanos(10), 1)),
            (23, ReleasePhase::Released(Nanos(4), 1)),
            (27, ReleasePhase::Holds(Nanos(10), 0)),
            (40, ReleasePhase::Released(Nanos(1), 0)),
            (41, ReleasePhase::Last),
            (51, ReleasePhase::Last),
            (60, ReleasePhase::Last),
        ];
        for (done, place) in expected {
            assert_eq!(all.place(Nanos(done)), place, "{done}");
        }
    }
}
