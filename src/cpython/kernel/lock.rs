//! `threading.Lock` and `multiprocessing.Lock`: facts sheet 4.1 and 4.3.

use super::Kernel;
use super::act::{Act, Outside};
use super::wait::{On, Wait};
use crate::cpython::index::{DomainIndex, LockIndex, LockNumber};
use crate::engine::Nanos;
use crate::machine::Tid;
use crate::scenario::LockSpec;
use crate::sync::{Acquisition, LockHandoff};

/// Yields before a thread parks (`lock.c: MAX_SPIN_COUNT`).
const SPINS: u8 = 40;

impl Kernel<'_> {
    /// Index, in the table of all locks, of the program's lock as a thread of this domain sees it.
    pub(crate) fn lock_index(&self, domain: DomainIndex, lock: LockNumber) -> LockIndex {
        let before = if self.program.locks[lock].shared {
            usize::from(self.node_of_domain(domain))
        } else {
            self.starters.len() + usize::from(domain)
        };
        let own = self.program.locks.len() * before;
        LockIndex::from(own + usize::from(lock))
    }

    /// The program's lock that the lock of this index is an instance of.
    pub(crate) fn lock_spec(&self, lock: LockIndex) -> &LockSpec {
        let number = usize::from(lock) % self.program.locks.len();
        &self.program.locks[LockNumber::from(number)]
    }

    /// Takes the lock, or parks and tries again when woken. Returns whether the thread goes on acting.
    pub(crate) fn acquire(&mut self, tid: Tid, lock: LockIndex) -> bool {
        let l = &mut self.locks[lock];
        match self.threads[tid].wait {
            Some(Wait {
                on: On::Lock(on),
                ticket,
                ..
            }) if on == lock => match ticket {
                // A thread that still stands in the line was woken by something else, and queues anew.
                Some(ticket) => l.forget(ticket),
                None if l.owner() == Some(tid) => {
                    self.end_wait(tid);
                    return true; // Handed over.
                }
                None => {}
            },
            _ => {
                let spins = self.costs.lock_spin > Nanos::ZERO && l.line().is_empty();
                if spins && l.owner().is_some_and(|owner| owner != tid) {
                    self.push_front(tid, Act::Spin(lock, SPINS));
                    return true;
                }
            }
        }
        match l.ask(tid) {
            Acquisition::Granted => {
                self.end_wait(tid);
                self.machine.charge(tid, self.costs.lock_pair);
                true
            }
            Acquisition::Waits(ticket) => {
                self.begin_wait(tid, On::Lock(lock), Some(ticket), Nanos::MAX);
                self.push_front(tid, Act::Acquire(lock));
                self.begin_without_gil(tid, Outside::Park(On::Lock(lock), Nanos::MAX))
            }
        }
    }

    /// Spins on a lock, as free-threaded builds do for a while before they park, as long as no thread is parked on it. A yield costs next
    /// to nothing on a core that no other thread wants; on a contended core each lets another thread run for a slice, during which the lock
    /// may become free.
    pub(crate) fn spin(&mut self, tid: Tid, lock: LockIndex, left: u8) {
        let l = &self.locks[lock];
        if l.owner().is_none() || !l.line().is_empty() {
            self.ask_after_spinning(tid, lock);
            return;
        }
        let each = Nanos(self.costs.lock_spin.0 / u64::from(SPINS));
        if left > 0 && self.machine.yield_core(tid) {
            self.machine.charge(tid, each);
            self.push_front(tid, Act::Spin(lock, left - 1));
            return;
        }
        // The thread is alone on its core: the remaining yields follow one another without another thread in between.
        self.ask_after_spinning(tid, lock);
        self.push_front(tid, Act::Run(each * u64::from(left)));
    }

    /// Queues for the lock after spinning. The interval until a hand-over counts from the first attempt, which was a few microseconds ago.
    fn ask_after_spinning(&mut self, tid: Tid, lock: LockIndex) {
        self.begin_wait(tid, On::Lock(lock), None, Nanos::MAX);
        self.push_front(tid, Act::Acquire(lock));
    }

    /// Releases the lock. Waiters are barged at first, and the lock is handed over once the first one has waited long enough (`PyMutex`).
    pub(crate) fn release(&mut self, tid: Tid, lock: LockIndex) {
        let l = &mut self.locks[lock];
        debug_assert_eq!(l.owner(), Some(tid));
        let fair = self.costs.lock_fair;
        let shared = usize::from(lock) < self.program.locks.len();
        let next = l.line().first();
        let waited = next
            .and_then(|next| self.threads[next].wait)
            .map_or(Nanos::ZERO, |w| self.machine.now() - w.since);
        let passing = if fair > Nanos::ZERO && !shared && waited > fair {
            LockHandoff::HandOver
        } else {
            LockHandoff::Barging
        };
        if let Some(next) = self.locks[lock].give(passing) {
            self.wake(tid, next);
        }
    }
}
