//! A lock: `threading.Lock`, `asyncio.Lock`, `multiprocessing.Lock`.

use super::wait_queue::{Ticket, WaitQueue};

/// What became of asking for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquisition {
    /// It is the asker's.
    Granted,
    /// The asker waits, and holds this ticket.
    Waits(Ticket),
}

/// How a lock goes on to one who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockHandoff {
    /// It is the woken one's before anybody else can ask.
    HandOver,
    /// It is free; the woken one asks again, and may come too late.
    Barging,
}

/// A lock that one at a time has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lock<W: Copy> {
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
    /// Takes the lock if it is free, else waits for it. Who owns it already waits for itself (see [`super`] for what is re-entrant).
    pub fn ask(&mut self, who: W) -> Acquisition {
        if self.owner.is_none() {
            self.owner = Some(who);
            return Acquisition::Granted;
        }
        Acquisition::Waits(self.line.join(who))
    }

    /// Gives it back: who is to be woken.
    pub fn give(&mut self, passing: LockHandoff) -> Option<W> {
        let next = self.line.call_next();
        self.owner = match passing {
            LockHandoff::HandOver => next,
            LockHandoff::Barging => None,
        };
        next
    }

    /// Takes the one who has waited longest out of the line, without the lock.
    pub fn dismiss(&mut self) -> Option<W> {
        self.line.call_next()
    }

    /// Who holds this ticket no longer waits.
    pub fn forget(&mut self, ticket: Ticket) {
        self.line.forget(ticket);
    }

    /// Who has it.
    pub fn owner(&self) -> Option<W> {
        self.owner
    }

    /// Those who wait for it, longest first.
    pub fn line(&self) -> &WaitQueue<W> {
        &self.line
    }
}
