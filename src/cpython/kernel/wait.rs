//! What threads and tasks wait for: one stored value for each.

use crate::cpython::index::{LockIndex, LockNumber, PipeIndex, QueueIndex};
use crate::engine::Nanos;
use crate::machine::Cause;
use crate::sync::Ticket;

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// A lock: index in the table of all.
    Lock(LockIndex),
    /// A lock that tasks of event loops await.
    AwaitedLock(LockNumber),
    /// An item of a queue.
    Item(QueueIndex),
    /// Room in a queue.
    Room(QueueIndex),
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
