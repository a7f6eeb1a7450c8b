//! Acts: the elements of a thread's script.

use super::object::Accesses;
use super::wait::On;
use crate::cpython::index::{GilIndex, LockIndex, PipeIndex, ProcessIndex};
use crate::cpython::role::RoleAction;
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};

/// One act of a thread. Times are CPU time, on a core of relative speed 1.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Runs bytecode: holds the GIL and looks at the eval breaker.
    Run(Nanos),
    /// Runs one C call that keeps the GIL and is not interrupted.
    RunC(Nanos),
    /// Pickles or unpickles: like [`Act::RunC`] if `in_c`, else like [`Act::Run`].
    Pickle { time: Nanos, in_c: bool },
    /// Runs bytecode for `hold`, and then `left` times more: without the GIL for `released`, then under it for `hold`, the first part of
    /// which is spent on taking the GIL.
    Releasing {
        hold: Nanos,
        released: Nanos,
        left: u32,
        /// Additional time of the last stretch.
        last: Nanos,
    },
    /// Accesses a shared object whose cache line or lock travels between threads.
    Access(Accesses),
    /// Releases the GIL and goes on without it.
    Outside(Outside),
    /// Books the thread's time on a core to this cause from here on.
    Label(Cause),
    /// Unparks a thread.
    Unpark(Tid),
    /// Releases the present GIL and takes another (on entering or leaving a sub-interpreter).
    SwitchGil(GilIndex),
    /// Takes the lock of this index in the table of all locks.
    Acquire(LockIndex),
    /// Spins on a lock: yields at most so many times before parking.
    Spin(LockIndex, u8),
    /// Releases a lock.
    Release(LockIndex),
    /// Writes the rest of a message, so many bytes, into a pipe.
    Write(PipeIndex, u64),
    /// Notes that a chunk has been copied into a pipe: pipe, bytes of the chunk, bytes left of the message.
    Written(PipeIndex, u64, u64),
    /// Reads the rest of a pipe's first message.
    Read(PipeIndex),
    /// Notes that a chunk of so many bytes has been copied out of a pipe.
    ReadDone(PipeIndex, u64),
    /// Lets a started thread or child process begin.
    Begin(Tid),
    /// Asks the fork server for this child.
    Request(Tid),
    /// Takes so many bytes of private memory.
    Take(u64),
    /// Gives so many bytes of private memory back.
    Give(u64),
    /// Frees a block of so many bytes, which its arena keeps.
    Free(u64),
    /// Takes memory on behalf of another process, which this thread has started.
    TakeFor(ProcessIndex, u64),
    /// Stops all other threads of the interpreter (free-threaded builds).
    StopWorld,
    /// Lets the stopped threads go on.
    StartWorld,
    /// Notes that this thread's share of the call of native code that this other thread makes is done.
    Joins(Tid),
    /// Tells a thread of its team, which needs the GIL for it, to do a share of so much CPU time.
    Tells(Tid, Nanos),
    /// Waits until that thread of its team has done its share.
    Awaits(Tid),
    /// Calls the role for an effect of its own.
    Do(RoleAction),
    /// Ends the thread.
    Exit,
}

/// What a thread does while it does not hold its GIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outside {
    /// Burns CPU time: native code, a system call.
    Native(Nanos),
    /// Begins a call of native code, of which each of so many threads has this share.
    Team(Nanos, u32),
    /// Burns its share of a call.
    Share(Nanos),
    /// Waits until the others of its team have done their shares of a call.
    Join,
    /// Waits until this one of its team has done its share.
    JoinOne(Tid),
    /// Sleeps until this instant, plus the timer slack.
    Sleep(On, Nanos),
    /// Parks until unparked, or until this instant plus the timer slack ([`Nanos::MAX`]: without a time-out).
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

// A run mostly reads and writes scripts, so an act must not grow.
const _: () = assert!(size_of::<Act>() <= 32);

/// The state of an [`Act::Releasing`]: a stretch with the GIL, and the releases that follow it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Releasing {
    /// How long the GIL is held between two releases, the time of taking it included.
    pub(crate) hold: Nanos,
    /// How long each release lasts.
    pub(crate) released: Nanos,
    /// Number of releases still to come.
    pub(crate) left: u32,
    /// Additional time of the last stretch.
    pub(crate) last: Nanos,
    /// Part of `hold` that was charged beforehand, for taking the GIL.
    pub(crate) taking: Nanos,
}

/// Where a thread is within a [`Releasing`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReleasePhase {
    /// Holds the GIL for so much longer; so many releases follow the next one.
    Holds(Nanos, u32),
    /// Is without the GIL for so much longer; so many releases follow.
    Released(Nanos, u32),
    /// Has no release left to come.
    Last,
}

impl Releasing {
    /// Total time, from now to the end of the last stretch.
    pub(crate) fn time(&self) -> Nanos {
        self.hold - self.taking + (self.released + self.hold) * u64::from(self.left) + self.last
    }

    /// Where the thread is after spending `done` of the total time.
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
