//! A counting semaphore, as `asyncio.Semaphore`, which hands permits over in order.

use super::lock::Acquisition;
use super::wait_queue::{Ticket, WaitQueue};

/// A number of permits; a permit that is given back passes to the longest waiter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Semaphore<W: Copy> {
    permits: u64,
    line: WaitQueue<W>,
}

impl<W: Copy> Semaphore<W> {
    /// A semaphore with so many permits, all free.
    pub(crate) fn new(permits: u64) -> Self {
        Self {
            permits,
            line: WaitQueue::default(),
        }
    }

    /// Takes a permit, or waits for one.
    pub(crate) fn ask(&mut self, who: W) -> Acquisition {
        match self.permits.checked_sub(1) {
            Some(left) => {
                self.permits = left;
                Acquisition::Granted
            }
            None => Acquisition::Waits(self.line.join(who)),
        }
    }

    /// Gives a permit back; returns the waiter that has it now and is to be woken, if any.
    pub(crate) fn give(&mut self) -> Option<W> {
        let next = self.line.call_next();
        self.permits += u64::from(next.is_none());
        next
    }

    /// Removes the holder of a ticket, who no longer waits.
    pub(crate) fn forget(&mut self, ticket: Ticket) {
        self.line.forget(ticket);
    }

    /// Number of free permits.
    pub(crate) fn permits(&self) -> u64 {
        self.permits
    }

    /// The waiters for a permit, the longest waiting first.
    pub(crate) fn line(&self) -> &WaitQueue<W> {
        &self.line
    }
}
