//! So many at a time: `asyncio.Semaphore`, which hands permits over in order.

use super::lock::Acquisition;
use super::wait_queue::{Ticket, WaitQueue};

/// Permits, of which whoever waits gets the next one that is given back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Semaphore<W: Copy> {
    permits: u64,
    line: WaitQueue<W>,
}

impl<W: Copy> Semaphore<W> {
    /// So many permits, all there.
    pub fn new(permits: u64) -> Self {
        Self {
            permits,
            line: WaitQueue::default(),
        }
    }

    /// Takes a permit, or waits for one.
    pub fn ask(&mut self, who: W) -> Acquisition {
        match self.permits.checked_sub(1) {
            Some(left) => {
                self.permits = left;
                Acquisition::Granted
            }
            None => Acquisition::Waits(self.line.join(who)),
        }
    }

    /// Gives a permit back: who has it now, and is to be woken.
    pub fn give(&mut self) -> Option<W> {
        let next = self.line.call_next();
        self.permits += u64::from(next.is_none());
        next
    }

    /// Who holds this ticket no longer waits.
    pub fn forget(&mut self, ticket: Ticket) {
        self.line.forget(ticket);
    }

    /// Permits that nobody has.
    pub fn permits(&self) -> u64 {
        self.permits
    }

    /// Those who wait for one, longest first.
    pub fn line(&self) -> &WaitQueue<W> {
        &self.line
    }
}
