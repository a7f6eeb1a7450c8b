//! What threads and tasks wait for, and how threads do: they park.

use super::Kernel;
use super::thread::Blocked;
use crate::cpython::index::{LockIndex, PipeIndex};
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
use crate::sync::Ticket;

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// A lock: index in the table of all.
    Lock(LockIndex),
    /// A lock that tasks of event loops await.
    AwaitedLock(u32),
    /// An item of a queue.
    Item(u32),
    /// Room in a queue.
    Room(u32),
    /// The ends of a task's children.
    Children,
    /// A permit of the loop's concurrency limit.
    Permit,
    /// Something outside: a sleep that ends by itself.
    Outside,
    /// The same on a loop: its timer ends it.
    Timer,
    /// An executor has a task's part.
    Part,
    /// An arrival, or the results of tasks that were handed on.
    Arrival,
    /// Whatever the loop's `select` may report.
    Events,
    /// Something to work on: a pool's idle worker.
    Work,
    /// Calls to send to workers.
    Calls,
    /// A turn to read the call pipe.
    CallTurn,
    /// A turn to write into the result pipe.
    ResultTurn,
    /// Bytes in a pipe.
    Bytes(PipeIndex),
    /// Space in a pipe.
    Space(PipeIndex),
    /// A thread or process that it starts to be up.
    Start,
    /// A child to fork.
    Request,
}

impl On {
    /// To which cause the time belongs.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::Lock(_) | Self::AwaitedLock(_) => Cause::Lock,
            Self::Item(_) | Self::Room(_) | Self::Children => Cause::Queue,
            Self::Permit => Cause::Limit,
            Self::Outside | Self::Timer => Cause::Io,
            Self::Part | Self::Arrival | Self::Work | Self::Calls | Self::CallTurn => Cause::Pool,
            Self::Events => Cause::Loop,
            Self::ResultTurn | Self::Bytes(_) | Self::Space(_) | Self::Request => Cause::Ipc,
            Self::Start => Cause::Startup,
        }
    }

    /// Whether who is woken asks again, and goes on waiting if another was quicker.
    pub(crate) fn asked_again(self) -> bool {
        match self {
            Self::Lock(_) | Self::Item(_) | Self::Room(_) => true,
            Self::AwaitedLock(_)
            | Self::Children
            | Self::Permit
            | Self::Outside
            | Self::Timer
            | Self::Part
            | Self::Arrival
            | Self::Events
            | Self::Work
            | Self::Calls
            | Self::CallTurn
            | Self::ResultTurn
            | Self::Bytes(_)
            | Self::Space(_)
            | Self::Start
            | Self::Request => false,
        }
    }
}

/// A wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) on: On,
    /// Since when.
    pub(crate) since: Nanos,
    /// Until when at most; [`Nanos::MAX`]: for ever.
    pub(crate) until: Nanos,
    /// The place in the line of what it waits for; `None` where there is none, or once it has been called.
    pub(crate) ticket: Option<Ticket>,
}

/// How much of what falling asleep and being woken costs a thread it has spent before it sleeps: half.
pub(crate) fn falling_asleep(cost: Nanos) -> Nanos {
    Nanos(cost.0 / 2)
}

/// How long a thread that begins to wait is still awake, until the kernel has queued it: a third of what falling asleep and being woken
/// costs it. Chosen among a fifth to a half by the reference cells and by threads that release the GIL often; not measured by itself.
pub(crate) fn drowsy(cost: Nanos) -> Nanos {
    Nanos(cost.0 / 3)
}

/// Notes in its place that somebody waits from now on, until then at most. Who was called for the same and came too late has waited all the
/// time.
pub(crate) fn note(
    stored: &mut Option<Wait>,
    now: Nanos,
    on: On,
    ticket: Option<Ticket>,
    until: Nanos,
) {
    let since = match stored {
        Some(wait) if wait.on == on && on.asked_again() => wait.since,
        _ => now,
    };
    *stored = Some(Wait {
        on,
        since,
        until,
        ticket,
    });
}

impl Kernel<'_> {
    /// Notes that a thread waits from now on, until then at most.
    pub(crate) fn begin_wait(&mut self, tid: Tid, on: On, ticket: Option<Ticket>, until: Nanos) {
        let now = self.machine.now();
        note(&mut self.threads[tid as usize].wait, now, on, ticket, until);
    }

    /// Ends a thread's wait: it has got what it waited for, or gives up.
    pub(crate) fn end_wait(&mut self, tid: Tid) -> Option<Wait> {
        self.threads[tid as usize].wait.take()
    }

    /// Wakes a thread that has been taken out of the line of what it waits for.
    pub(crate) fn wake(&mut self, by: Tid, tid: Tid) {
        if let Some(wait) = &mut self.threads[tid as usize].wait {
            wait.ticket = None;
        }
        self.unpark_by(by, tid);
    }

    /// Ends a thread's parking (or lets its next parking end at once), from outside the program.
    #[inline]
    pub(crate) fn unpark(&mut self, tid: Tid) {
        if self.ends_parking(tid) {
            self.machine.wake(tid, self.costs.park);
        }
    }

    /// The same by a thread that pays for the system call.
    #[inline]
    pub(crate) fn unpark_by(&mut self, by: Tid, tid: Tid) {
        if self.ends_parking(tid) {
            self.machine.charge(by, self.costs.unpark);
            let park = self.costs.park;
            self.machine.wake_by(by, tid, park, drowsy(park));
        }
    }

    /// Whether the thread was parked; if not, its next parking ends at once.
    #[inline]
    fn ends_parking(&mut self, tid: Tid) -> bool {
        let t = &mut self.threads[tid as usize];
        let parked = t.blocked == Blocked::Park;
        if parked {
            t.blocked = Blocked::No;
            self.machine.clear_timer(tid);
        } else {
            t.permit = true;
        }
        parked
    }
}
