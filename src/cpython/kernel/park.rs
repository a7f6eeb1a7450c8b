//! How threads wait: they park.

use super::Kernel;
use super::thread::Blocked;
use super::wait::{On, Wait, note};
use crate::engine::Nanos;
use crate::machine::Tid;
use crate::sync::Ticket;

/// How much of what falling asleep and being woken costs a thread it has spent before it sleeps: half.
pub(crate) fn falling_asleep(cost: Nanos) -> Nanos {
    Nanos(cost.0 / 2)
}

/// How long a thread that begins to wait is still awake, until the kernel has queued it: a third of what falling asleep and being woken
/// costs it. Chosen among a fifth to a half by the reference cells and by threads that release the GIL often; not measured by itself.
pub(crate) fn awake_window(cost: Nanos) -> Nanos {
    Nanos(cost.0 / 3)
}

impl Kernel<'_> {
    /// Notes that a thread waits from now on, until then at most.
    pub(crate) fn begin_wait(&mut self, tid: Tid, on: On, ticket: Option<Ticket>, until: Nanos) {
        let now = self.machine.now();
        note(&mut self.threads[tid].wait, now, on, ticket, until);
    }

    /// Ends a thread's wait: it has got what it waited for, or gives up.
    pub(crate) fn end_wait(&mut self, tid: Tid) -> Option<Wait> {
        self.threads[tid].wait.take()
    }

    /// Wakes a thread that has been taken out of the line of what it waits for.
    pub(crate) fn wake(&mut self, by: Tid, tid: Tid) {
        if let Some(wait) = &mut self.threads[tid].wait {
            wait.ticket = None;
        }
        self.unpark_by(by, tid);
    }

    /// Ends a thread's parking (or lets its next parking end at once), from outside the program.
    #[inline]
    pub(crate) fn unpark(&mut self, tid: Tid) {
        if self.ends_parking(tid) {
            self.machine.wake(tid, self.costs.park);
        }
    }

    /// The same by a thread that pays for the system call.
    #[inline]
    pub(crate) fn unpark_by(&mut self, by: Tid, tid: Tid) {
        if self.ends_parking(tid) {
            self.machine.charge(by, self.costs.unpark);
            let park = self.costs.park;
            self.machine.wake_by(by, tid, park, awake_window(park));
        }
    }

    /// Whether the thread was parked; if not, its next parking ends at once.
    #[inline]
    fn ends_parking(&mut self, tid: Tid) -> bool {
        let t = &mut self.threads[tid];
        let parked = t.blocked == Blocked::Park;
        if parked {
            t.blocked = Blocked::No;
            self.machine.clear_timer(tid);
        } else {
            t.permit = true;
        }
        parked
    }
}
