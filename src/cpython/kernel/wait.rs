//! Waits of threads and tasks: each waiting thread or task holds one value that says for what, since when, and until when.

use crate::cpython::index::{
    DeviceIndex, LockIndex, LockNumber, PipeIndex, QueueIndex, ResourceIndex,
};
use crate::engine::Nanos;
use crate::machine::Cause;
use crate::sync::Ticket;

/// What a thread or task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// A lock, by its index in the table of all locks.
    Lock(LockIndex),
    /// A lock that tasks of event loops await (`asyncio.Lock`).
    AwaitedLock(LockNumber),
    /// An item of a queue.
    Item(QueueIndex),
    /// Room in a queue.
    Room(QueueIndex),
    /// A permit or a connection of an instance of a resource.
    Resource(ResourceIndex),
    /// The instant at which a rate limit has a token: a sleep that ends by itself.
    Token(ResourceIndex),
    /// The end of a transfer by a device, or its turn there.
    Device(DeviceIndex),
    /// The ends of a task's children.
    Children,
    /// A permit of an event loop's concurrency limit.
    Permit,
    /// Something outside the program: a sleep that ends by itself.
    Outside,
    /// Something outside the program, awaited on an event loop: a timer of the loop ends the wait.
    Timer,
    /// An executor, which has a part of the task.
    Part,
    /// An arrival, or the results of tasks that were submitted.
    Arrival,
    /// Anything that the event loop's `select` may report.
    Events,
    /// A work item (of a pool's idle worker).
    Work,
    /// Calls to send to workers (of a feeder thread).
    Calls,
    /// The read lock of the call pipe.
    CallTurn,
    /// The write lock of the result pipe.
    ResultTurn,
    /// Bytes to read from a pipe.
    Bytes(PipeIndex),
    /// Space to write into a pipe.
    Space(PipeIndex),
    /// The start of a thread or process that the waiting thread has started.
    Start,
    /// A request to fork a child (of the fork server).
    Request,
    /// The end of a worker (of the master of a server).
    Exits,
    /// The shares of a call of native code that others of the thread's team have not done yet.
    Team,
    /// A call to take part in (of a thread of a team).
    Share,
}

impl On {
    /// The cause to which the time of this wait is booked.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::Lock(_) | Self::AwaitedLock(_) => Cause::Lock,
            Self::Item(_) | Self::Room(_) | Self::Children => Cause::Queue,
            Self::Permit => Cause::Limit,
            Self::Resource(_) | Self::Token(_) => Cause::Resource,
            // What others cost a transfer is told from it when it ends.
            Self::Outside | Self::Timer | Self::Device(_) => Cause::Io,
            Self::Part
            | Self::Arrival
            | Self::Work
            | Self::Share
            | Self::Calls
            | Self::Exits
            | Self::CallTurn => Cause::Pool,
            Self::Events => Cause::Loop,
            Self::ResultTurn | Self::Bytes(_) | Self::Space(_) | Self::Request => Cause::Ipc,
            Self::Start => Cause::Startup,
            // All shares are the same: what comes later has waited for a core.
            Self::Team => Cause::Core,
        }
    }

    /// Whether a timer of the task's event loop ends the wait.
    pub(crate) fn is_timer(self) -> bool {
        matches!(self, Self::Timer | Self::Token(_))
    }

    /// Whether a handle that the task's event loop gets by a timer, or from `select`, ends the wait.
    pub(crate) fn ends_by_handle(self) -> bool {
        self.is_timer() || self.is_device()
    }

    /// Whether a device ends the wait.
    pub(crate) fn is_device(self) -> bool {
        matches!(self, Self::Device(_))
    }

    /// Whether a woken waiter has to ask again, because another may have been quicker; the wait then counts as one.
    pub(crate) fn asked_again(self) -> bool {
        match self {
            Self::Lock(_) | Self::Item(_) | Self::Room(_) | Self::Resource(_) => true,
            Self::AwaitedLock(_)
            | Self::Token(_)
            | Self::Device(_)
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
            | Self::Request
            | Self::Exits
            | Self::Team
            | Self::Share => false,
        }
    }
}

/// A wait in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) on: On,
    /// When it began.
    pub(crate) since: Nanos,
    /// When it times out; [`Nanos::MAX`] if never.
    pub(crate) until: Nanos,
    /// Ticket of the waiter's place in the line; `None` if there is no line, or once the waiter has been called.
    pub(crate) ticket: Option<Ticket>,
}

/// Stores a wait that begins now. A waiter that was called for the same and came too late keeps the time at which it first asked.
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
