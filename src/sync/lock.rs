//! A lock, as `threading.Lock`, `asyncio.Lock` and `multiprocessing.Lock` are.

use super::wait_queue::{Ticket, WaitQueue};

/// Answer to a request for a lock or a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acquisition {
    /// The asker has it.
    Granted,
    /// The asker waits, and holds this ticket.
    Waits(Ticket),
}

/// How a released lock passes to a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockHandoff {
    /// The woken waiter owns the lock before anyone else can ask.
    HandOver,
    /// The lock is free; the woken waiter asks again, and may come too late.
    Barging,
}

/// A lock, which has at most one owner at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lock<W: Copy> {
    owner: Option<W>,
    line: WaitQueue<W>,
}

impl<W: Copy> Default for Lock<W> {
    fn default() -> Self {
        Self {
            owner: None,
            line: WaitQueue::default(),
        }
    }
}

impl<W: Copy + PartialEq> Lock<W> {
    /// Takes the lock if it is free, else joins the line. An owner that asks again waits for itself: the lock is not re-entrant.
    pub(crate) fn ask(&mut self, who: W) -> Acquisition {
        if self.owner.is_none() {
            self.owner = Some(who);
            return Acquisition::Granted;
        }
        Acquisition::Waits(self.line.join(who))
    }

    /// Releases the lock; returns the waiter to wake, if any.
    pub(crate) fn give(&mut self, passing: LockHandoff) -> Option<W> {
        let next = self.line.call_next();
        self.owner = match passing {
            LockHandoff::HandOver => next,
            LockHandoff::Barging => None,
        };
        next
    }

    /// The owner has gone without a word to the next: the lock is free for whoever asks, and nobody in the line is called.
    pub(crate) fn forsake(&mut self) {
        self.owner = None;
    }

    /// The owner goes by another name from now on.
    pub(crate) fn rename_owner(&mut self, now: W) {
        if let Some(owner) = &mut self.owner {
            *owner = now;
        }
    }

    /// Removes the waiter who has waited longest from the line, without giving it the lock.
    pub(crate) fn dismiss(&mut self) -> Option<W> {
        self.line.call_next()
    }

    /// Removes the holder of a ticket, who no longer waits.
    pub(crate) fn forget(&mut self, ticket: Ticket) {
        self.line.forget(ticket);
    }

    /// The owner of the lock.
    pub(crate) fn owner(&self) -> Option<W> {
        self.owner
    }

    /// The waiters for the lock, the longest waiting first.
    pub(crate) fn line(&self) -> &WaitQueue<W> {
        &self.line
    }
}
