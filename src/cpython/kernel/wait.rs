//! What threads and tasks wait for: one stored value for each, and the only place that knows that a thread parks and a task suspends.

use crate::cpython::index::{LockIndex, PipeIndex};
use crate::cpython::kernel::thread::{Act, Blocked};
use crate::cpython::sim::{Sim, drowsy};
use crate::cpython::work::exec::{Flow, Mode};
use crate::cpython::work::task::TaskKey;
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
use crate::sync::Ticket;

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiter {
    Thread(Tid),
    /// A task of an event loop.
    Task(TaskKey),
}

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
    fn asked_again(self) -> bool {
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

impl Sim<'_> {
    /// Who waits when a task has to: the thread that runs it, or the task itself where a loop does.
    pub(crate) fn waiter(tid: Tid, key: TaskKey, mode: Mode) -> Waiter {
        match mode {
            Mode::Loop { .. } => Waiter::Task(key),
            Mode::Inline | Mode::Pooled | Mode::Part => Waiter::Thread(tid),
        }
    }

    fn stored(&mut self, who: Waiter) -> &mut Option<Wait> {
        match who {
            Waiter::Thread(tid) => &mut self.threads[tid as usize].wait,
            Waiter::Task(key) => &mut self.tasks[key].wait,
        }
    }

    /// What somebody waits for, or was called for and has not got yet.
    pub(crate) fn waits(&self, who: Waiter) -> Option<&Wait> {
        match who {
            Waiter::Thread(tid) => self.threads[tid as usize].wait.as_ref(),
            Waiter::Task(key) => self.tasks[key].wait.as_ref(),
        }
    }

    /// Notes that somebody waits from now on, until then at most. Who was called for the same and came too late has waited all the time.
    pub(crate) fn begin_wait(
        &mut self,
        who: Waiter,
        on: On,
        ticket: Option<Ticket>,
        until: Nanos,
    ) -> &Wait {
        let now = self.machine.now();
        let stored = self.stored(who);
        let since = match stored {
            Some(wait) if wait.on == on && on.asked_again() => wait.since,
            _ => now,
        };
        stored.insert(Wait {
            on,
            since,
            until,
            ticket,
        })
    }

    /// Ends a wait: who waited has got it, or gives up.
    pub(crate) fn end_wait(&mut self, who: Waiter) -> Option<Wait> {
        self.stored(who).take()
    }

    /// The task that the thread runs waits, at most until its deadline: the thread parks once it is done with what it has to do, or the
    /// loop suspends the task.
    pub(crate) fn wait(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        on: On,
        ticket: Option<Ticket>,
    ) -> Flow {
        // A deadline that the clock cannot tell is one all the same.
        let until = self.deadline(key).map(|d| d.min(Nanos::CLOCK_END));
        let until = until.unwrap_or(Nanos::MAX);
        let who = Self::waiter(tid, key, mode);
        self.begin_wait(who, on, ticket, until);
        match who {
            Waiter::Thread(tid) => {
                self.push(tid, Act::park(on, until));
                Flow::Go
            }
            Waiter::Task(key) => {
                self.tasks[key].since = self.machine.now();
                self.wake_at_deadline(key);
                Flow::Suspended
            }
        }
    }

    /// Wakes somebody who has been taken out of the line of what it waits for.
    pub(crate) fn wake(&mut self, by: Tid, who: Waiter) {
        if let Some(wait) = self.stored(who) {
            wait.ticket = None;
        }
        match who {
            Waiter::Thread(tid) => self.unpark_by(by, tid),
            Waiter::Task(key) => {
                self.loop_resume(by, key);
                let wait = &mut self.tasks[key].wait;
                *wait = wait.filter(|w| w.on.asked_again());
            }
        }
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
