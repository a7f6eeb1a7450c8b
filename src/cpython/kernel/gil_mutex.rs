//! The mutex of a GIL, `gil->mutex`, which threads lock to take the GIL or to release it (`take_gil`, `drop_gil` of `ceval_gil.c`).
//!
//! It is held for a moment everywhere but in `drop_gil`, which signals `gil->cond` under it: a system call of microseconds. A thread that
//! comes meanwhile sleeps on the mutex and is woken, by a second call, when it is unlocked; often that is the very thread that was
//! signalled. glibc's mutex wakes one sleeper at a time, and only a thread that slept itself, or comes out of `cond`, wakes the next one
//! when it unlocks (state 2): while a woken sleeper waits for a core, all behind it sleep on, and the holder releases and retakes the GIL
//! with no waiter to signal. So threads that release the GIL often fight for it at some times and run one by one at others, as traces of
//! the kernel's scheduler show.

use std::collections::VecDeque;

use super::Kernel;
use super::park::{awake_window, falling_asleep};
use super::thread::Blocked;
use crate::cpython::index::GilIndex;
use crate::engine::{Nanos, Total};
use crate::machine::{Cause, SchedState, Tid};

/// The mutex of a GIL.
#[derive(Default)]
pub(crate) struct GilMutex {
    /// The thread that signals under the mutex, and the total CPU time that it will have burned when it unlocks.
    held: Option<(Tid, Total)>,
    /// Threads asleep on the mutex, in order of arrival.
    sleepers: VecDeque<Tid>,
}

impl GilMutex {
    /// Whether the mutex may be held, or slept on.
    #[inline]
    pub(crate) fn is_used(&self) -> bool {
        self.held.is_some() || !self.sleepers.is_empty()
    }

    pub(crate) fn hold(&mut self, by: Tid, until: Total) {
        self.held = Some((by, until));
    }
}

impl Kernel<'_> {
    /// Locks the mutex for a thread that wants its GIL. Returns `false` if the thread has to sleep on it.
    pub(crate) fn lock_gil_mutex(&mut self, tid: Tid) -> bool {
        let gil = self.threads[tid].gil;
        let asked = self.threads[tid].asked;
        if let Some((by, until)) = self.gils[gil].mutex.held {
            // A thread that was woken was charged at once for falling asleep and for waking, so it comes later here than in reality.
            let late = if asked == Nanos::MAX {
                Nanos::ZERO
            } else {
                falling_asleep(self.costs.gil_take)
            };
            let burned = self.machine.burned(by);
            let goes_on = matches!(
                self.machine.state(by),
                SchedState::Running | SchedState::Ready
            );
            if by != tid && goes_on && burned < until + late.into() {
                self.sleep_on_gil_mutex(tid, gil, by, until.since(burned));
                return false;
            }
            self.gils[gil].mutex.held = None;
        }
        if asked != Nanos::MAX {
            self.wake_at_gil_mutex(tid, gil);
        }
        true
    }

    /// Puts a thread to sleep until `by`, which has `left` to burn before it unlocks, has done so.
    #[cold]
    fn sleep_on_gil_mutex(&mut self, tid: Tid, gil: GilIndex, by: Tid, left: Nanos) {
        let g = &mut self.gils[gil];
        g.mutex.sleepers.push_back(tid);
        let t = &mut self.threads[tid];
        t.blocked = Blocked::Gil;
        if t.asked == Nanos::MAX {
            t.asked = self.machine.now();
            t.forces = g.forces;
        }
        if self.threads[by].unlocks.is_none() {
            let after = self.machine.interrupt(by, left);
            self.threads[by].unlocks = Some((gil, after));
        }
        self.machine.block(tid, Cause::Gil);
    }

    /// Unlocks the mutex for a thread that must assume sleepers on it: the first one is woken.
    fn wake_at_gil_mutex(&mut self, tid: Tid, gil: GilIndex) {
        if let Some(next) = self.gils[gil].mutex.sleepers.pop_front() {
            self.signal(tid, next);
        }
    }

    /// Wakes a thread that is asleep in `gil->cond` or on the mutex; thread `by` pays for the system call.
    pub(crate) fn signal(&mut self, by: Tid, next: Tid) {
        self.threads[next].blocked = Blocked::No;
        self.machine.charge(by, self.costs.gil_signal);
        let cpu = self.costs.gil_take;
        self.machine.wake_by(by, next, cpu, awake_window(cpu));
    }

    /// Unlocks the mutex of a thread that others came to sleep on while it signalled, once it has burned the time of signalling; then it
    /// burns what it was about to (`after`). Returns `false` if it burns.
    #[cold]
    pub(crate) fn unlock_gil_mutex(&mut self, tid: Tid, gil: GilIndex, after: Nanos) -> bool {
        if self.machine.debt(tid) > Nanos::ZERO {
            return self.machine.run(tid, Nanos::ZERO);
        }
        self.threads[tid].unlocks = None;
        self.gils[gil].mutex.held = None;
        self.wake_at_gil_mutex(tid, gil);
        if after == Nanos::ZERO {
            return true;
        }
        if self.machine.state(tid) == SchedState::Running {
            return self.machine.run(tid, after);
        }
        // The thread that it woke has preempted it.
        self.machine.burn_later(tid, after);
        false
    }
}
