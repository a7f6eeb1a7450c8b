//! Parking: how threads wait, and what falling asleep and waking cost them.

use super::Kernel;
use super::thread::Blocked;
use super::wait::{On, Wait, note};
use crate::engine::Nanos;
use crate::machine::Tid;
use crate::sync::Ticket;

/// The part of `cost`, which falling asleep and being woken take together, that a thread has spent before it sleeps: half.
pub(crate) fn falling_asleep(cost: Nanos) -> Nanos {
    Nanos(cost.0 / 2)
}

/// How long a thread that begins to wait is still awake, until the kernel has queued it: a third of `cost`, which falling asleep and being
/// woken take together. The share was chosen between a fifth and a half, by the reference cells and by threads that release the GIL often;
/// it has not been measured by itself.
pub(crate) fn awake_window(cost: Nanos) -> Nanos {
    Nanos(cost.0 / 3)
}

impl Kernel<'_> {
    /// Notes that a thread waits for `on` from now on, until `until` at most.
    pub(crate) fn begin_wait(&mut self, tid: Tid, on: On, ticket: Option<Ticket>, until: Nanos) {
        let now = self.machine.now();
        note(&mut self.threads[tid].wait, now, on, ticket, until);
    }

    /// Ends a thread's wait, because it has got what it waited for or gives up; returns the wait.
    pub(crate) fn end_wait(&mut self, tid: Tid) -> Option<Wait> {
        self.threads[tid].wait.take()
    }

    /// Wakes a thread that has been taken out of the line of what it waits for; thread `by` pays for the call.
    pub(crate) fn wake(&mut self, by: Tid, tid: Tid) {
        if let Some(wait) = &mut self.threads[tid].wait {
            wait.ticket = None;
        }
        self.unpark_by(by, tid);
    }

    /// Unparks a thread from outside the program, at nobody's cost. If it is not parked, its next park ends at once.
    #[inline]
    pub(crate) fn unpark(&mut self, tid: Tid) {
        if self.ends_parking(tid) {
            self.machine.wake(tid, self.costs.park);
        }
    }

    /// Unparks a thread; thread `by` pays for the system call if the other was parked.
    #[inline]
    pub(crate) fn unpark_by(&mut self, by: Tid, tid: Tid) {
        if self.ends_parking(tid) {
            self.machine.charge(by, self.costs.unpark);
            let park = self.costs.park;
            self.machine.wake_by(by, tid, park, awake_window(park));
        }
    }

    /// Ends the thread's park, if it is parked; if not, its next park ends at once. Returns whether it was parked.
    #[inline]
    fn ends_parking(&mut self, tid: Tid) -> bool {
        let t = &mut self.threads[tid];
        let parked = t.blocked == Blocked::Park;
        if parked {
            t.blocked = Blocked::No;
            // Whoever watches a loop asks until when it was in `select`.
            if let Some(wait) = t.wait.as_mut().filter(|w| w.on == On::Events) {
                wait.until = self.machine.now();
            }
            self.machine.clear_timer(tid);
        } else {
            t.permit = true;
        }
        parked
    }
}
