//! `threading.Lock` and `multiprocessing.Lock`: facts sheet 4.1 and 4.3.

use std::collections::VecDeque;

use super::sim::Sim;
use super::thread::Act;
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};

/// A lock: barging at first, handed over in order once a waiter has waited long enough (`PyMutex`).
#[derive(Default)]
pub(crate) struct Lock {
    owner: Option<Tid>,
    /// Parked threads and since when each has been waiting.
    waiters: VecDeque<(Tid, Nanos)>,
}

impl Sim<'_> {
    /// Index in the table of all locks of the program's lock, for a thread of this domain.
    pub(crate) fn lock_index(&self, domain: u32, lock: u32) -> u32 {
        let own = u32::try_from(self.program.locks.len()).expect("few locks");
        if self.program.locks[lock as usize].shared {
            lock
        } else {
            own * (1 + domain) + lock
        }
    }

    /// Takes the lock, or parks and tries again when woken. `since`: when it first tried, `Nanos::MAX` on the first try.
    pub(crate) fn acquire(&mut self, tid: Tid, lock: u32, since: Nanos) {
        let now = self.machine.now();
        let l = &mut self.locks[lock as usize];
        let first = since == Nanos::MAX;
        // Whoever is still in the queue was woken by something else, and queues anew.
        let parked = if first {
            None
        } else {
            l.waiters.iter().position(|&(w, _)| w == tid)
        };
        match parked {
            Some(at) => {
                l.waiters.remove(at);
            }
            None if l.owner == Some(tid) && !first => return, // Handed over.
            None => {}
        }
        if l.owner.is_none() {
            l.owner = Some(tid);
            self.machine.charge(tid, self.costs.lock_pair);
            return;
        }
        if first
            && l.owner != Some(tid)
            && self.costs.lock_spin > Nanos::ZERO
            && l.waiters.is_empty()
        {
            // Free-threaded builds yield for a while before they park, as long as nobody is parked.
            self.push_front(tid, Act::Acquire(lock, now));
            self.push_front(tid, Act::Run(self.costs.lock_spin));
            return;
        }
        let since = if first { now } else { since };
        l.waiters.push_back((tid, since));
        self.machine.charge(tid, self.costs.park);
        self.push_front(tid, Act::Acquire(lock, since));
        self.push_front(tid, Act::Park(Cause::Lock));
    }

    pub(crate) fn release(&mut self, tid: Tid, lock: u32) {
        let now = self.machine.now();
        let l = &mut self.locks[lock as usize];
        debug_assert_eq!(l.owner, Some(tid));
        l.owner = None;
        let Some((next, since)) = l.waiters.pop_front() else {
            return;
        };
        let fair = self.costs.lock_fair;
        let shared = (lock as usize) < self.program.locks.len();
        if fair > Nanos::ZERO && !shared && now - since > fair {
            l.owner = Some(next);
        }
        self.unpark_by(tid, next);
    }
}
