//! `threading.Lock` and `multiprocessing.Lock`: facts sheet 4.1 and 4.3.

use std::collections::VecDeque;

use super::sim::Sim;
use super::thread::Act;
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};

/// Yields before a thread parks (`lock.c: MAX_SPIN_COUNT`).
const SPINS: u8 = 40;

/// A lock: barging at first, handed over in order once a waiter has waited long enough (`PyMutex`).
#[derive(Default)]
pub(crate) struct Lock {
    pub(crate) owner: Option<Tid>,
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
            self.push_front(tid, Act::Spin(lock, SPINS));
            return;
        }
        let since = if first { now } else { since };
        l.waiters.push_back((tid, since));
        self.push_front(tid, Act::Acquire(lock, since));
        self.push_front(tid, Act::Park(Cause::Lock));
    }

    /// Free-threaded builds yield for a while before they park, as long as nobody is parked. A yield costs next to nothing
    /// on a core of one's own, but on a busy one each lets somebody else run for a slice: the lock may be free meanwhile.
    pub(crate) fn spin(&mut self, tid: Tid, lock: u32, left: u8) {
        let l = &self.locks[lock as usize];
        let since = self.machine.now();
        if l.owner.is_none() || !l.waiters.is_empty() {
            // The interval to a hand-over counts from the first attempt, which a few microseconds ago was.
            self.push_front(tid, Act::Acquire(lock, since));
            return;
        }
        let each = Nanos(self.costs.lock_spin.0 / u64::from(SPINS));
        if left > 0 && self.machine.yield_core(tid) {
            self.machine.charge(tid, each);
            self.push_front(tid, Act::Spin(lock, left - 1));
            return;
        }
        // Alone on its core: the rest of the yields follow one another without anybody coming between.
        self.push_front(tid, Act::Acquire(lock, since));
        self.push_front(tid, Act::Run(each * u64::from(left)));
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
