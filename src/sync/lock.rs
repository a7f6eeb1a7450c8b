//! A lock, as `threading.Lock`, `asyncio.Lock` and `multiprocessing.Lock` are.

use super::line::{Line, Ticket};

/// Answer to a request for a lock or a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The asker has it.
    Granted,
    /// The asker waits, and holds this ticket.
    Waits(Ticket),
}

/// How a released lock passes to a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// The woken waiter owns the lock before anyone else can ask.
    HandOver,
    /// The lock is free; the woken waiter asks again, and may come too late.
    Barging,
}

/// A lock, which has at most one owner at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lock<W: Copy> {
    owner: Option<W>,
    line: Line<W>,
}

impl<W: Copy> Default for Lock<W> {
    fn default() -> Self {
        Self {
            owner: None,
            line: Line::default(),
        }
    }
}

impl<W: Copy + PartialEq> Lock<W> {
    /// Takes the lock if it is free, else joins the line. An owner that asks again waits for itself: the lock is not re-entrant.
    pub fn ask(&mut self, who: W) -> Asked {
        if self.owner.is_none() {
            self.owner = Some(who);
            return Asked::Granted;
        }
        Asked::Waits(self.line.join(who))
    }

    /// Releases the lock; returns the waiter to wake, if any.
    pub fn give(&mut self, passing: Passing) -> Option<W> {
        let next = self.line.call_next();
        self.owner = match passing {
            Passing::HandOver => next,
            Passing::Barging => None,
        };
        next
    }

    /// Removes the waiter who has waited longest from the line, without giving it the lock.
    pub fn dismiss(&mut self) -> Option<W> {
        self.line.call_next()
    }

    /// Removes the holder of a ticket, who no longer waits.
    pub fn forget(&mut self, ticket: Ticket) {
        self.line.forget(ticket);
    }

    /// The owner of the lock.
    pub fn owner(&self) -> Option<W> {
        self.owner
    }

    /// The waiters for the lock, the longest waiting first.
    pub fn line(&self) -> &Line<W> {
        &self.line
    }
}
