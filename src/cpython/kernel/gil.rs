//! The GIL as CPython 3.11 to 3.14 build it (`ceval_gil.c`): facts sheet 3.2 to 3.9.
//!
//! Which waiter gets a GIL that was asked for is decided by glibc. A waiter whose interval ran out sets the drop request and goes back into
//! the condition variable at the tail; the holder sees the request within a microsecond and signals. If the requester, on another core, is
//! not asleep yet, it finds the signal when it looks before sleeping, and takes it; otherwise the longest waiter is woken. The model draws
//! that race ([`Params::gil_requester_wins`]); the waits, the restarted intervals and the forced switch are the real algorithm's.
//!
//! [`Params::gil_requester_wins`]: crate::cpython::profile::Params::gil_requester_wins

use std::collections::VecDeque;

use super::Kernel;
use super::gil_mutex::GilMutex;
use super::thread::{Blocked, Phase};
use crate::cpython::index::NO_GIL;
use crate::engine::{Nanos, unit};
use crate::machine::{Cause, SchedState, Tid};

#[derive(Default)]
pub(crate) struct Gil {
    pub(crate) holder: Option<Tid>,
    last_holder: Option<Tid>,
    switch_number: u64,
    /// Number of forced switches: releases because of a drop request.
    pub(crate) forces: u64,
    /// Threads asleep in `cond`, the longest waiting first.
    pub(crate) waiters: VecDeque<Tid>,
    drop_request: bool,
    requester: Option<Tid>,
    pub(crate) mutex: GilMutex,
    /// The thread that released the GIL on request, and waits in `switch_cond` until another has it.
    forced: Option<Tid>,
    held_since: Nanos,
    contended_since: Option<Nanos>,
    pub(crate) held: Nanos,
    pub(crate) contended: Nanos,
}

impl Gil {
    /// Whether a thread waits in the condition variable.
    pub(crate) fn has_waiters(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// Resets the GIL of a killed process; returns the holder, and since when it held the GIL.
    pub(crate) fn abandon(&mut self, now: Nanos) -> Option<(Tid, Nanos)> {
        if let Some(since) = self.contended_since.take() {
            self.contended += now - since;
        }
        self.waiters.clear();
        self.requester = None;
        self.forced = None;
        self.mutex = GilMutex::default();
        let holder = self.holder.take()?;
        self.held += now - self.held_since;
        Some((holder, self.held_since))
    }

    /// Since when the holder has had the GIL.
    pub(crate) fn held_since(&self) -> Nanos {
        self.held_since
    }
}

impl Kernel<'_> {
    /// `take_gil`: returns whether the thread has got the GIL; otherwise it is blocked in the condition variable or on the mutex.
    #[inline]
    pub(crate) fn take_gil(&mut self, tid: Tid) -> bool {
        self.watch(tid);
        let t = &mut self.threads[tid];
        let Some(gil) = self.gils.get_mut(t.gil) else {
            t.phase = Phase::Go;
            return true;
        };
        if gil.mutex.is_used() && !self.lock_gil_mutex(tid) {
            return false;
        }
        let t = &mut self.threads[tid];
        let gil = &mut self.gils[t.gil];
        let timed_out = std::mem::take(&mut t.timed_out);
        if gil.holder.is_none() {
            let mut convoyed = Nanos::ZERO;
            t.phase = Phase::Go;
            gil.holder = Some(tid);
            gil.held_since = self.machine.now();
            if t.asked != Nanos::MAX {
                let asked = std::mem::replace(&mut t.asked, Nanos::MAX);
                if t.returned && gil.forces != t.forces {
                    convoyed = gil.held_since - asked;
                }
            }
            self.machine.charge(tid, self.costs.gil_pair);
            if gil.last_holder != Some(tid) {
                gil.last_holder = Some(tid);
                gil.switch_number += 1;
                gil.drop_request = false;
                if let Some(f) = gil.forced.take() {
                    self.threads[f].blocked = Blocked::No;
                    self.machine.charge(tid, self.costs.gil_signal);
                    // The forced thread has signalled since, and is asleep.
                    let cpu = self.costs.gil_take;
                    self.machine.wake_by(tid, f, cpu, Nanos::ZERO);
                }
            }
            self.gil_taken();
            if convoyed > Nanos::ZERO {
                self.returned_after(tid, convoyed);
            }
            return true;
        }
        let now = self.machine.now();
        let ask = timed_out && gil.switch_number == t.seen && !gil.drop_request;
        t.seen = gil.switch_number;
        t.blocked = Blocked::Gil;
        if t.asked == Nanos::MAX {
            t.asked = now;
            t.forces = gil.forces;
        }
        if gil.waiters.is_empty() {
            gil.contended_since = Some(now);
        }
        gil.waiters.push_back(tid);
        let deadline = now + self.costs.switch_interval + self.machine.slack();
        if ask {
            gil.drop_request = true;
            gil.requester = Some(tid);
            let holder = gil.holder.expect("locked");
            // A C call is not interrupted: it sees the drop request at its end.
            if !self.threads[holder].in_c {
                let rest = self.machine.interrupt(holder, self.costs.check_gap);
                self.threads[holder].rest += rest;
            }
        }
        self.machine.set_timer(tid, deadline);
        self.block(tid, Cause::Gil);
        false
    }

    /// Whether the holder of the thread's GIL has been asked to release it.
    #[inline]
    pub(crate) fn asked_to_leave(&self, tid: Tid) -> bool {
        let g = self.threads[tid].gil;
        g != NO_GIL && self.gils[g].drop_request
    }

    /// `drop_gil`. Returns `false` if the thread had been asked to release the GIL: it is then blocked until another thread has the GIL,
    /// and goes on with its phase after that.
    #[inline]
    pub(crate) fn release_gil(&mut self, tid: Tid) -> bool {
        let g = self.threads[tid].gil;
        if g == NO_GIL {
            return true;
        }
        let now = self.machine.now();
        let gil = &mut self.gils[g];
        debug_assert_eq!(gil.holder, Some(tid), "released by its holder");
        gil.holder = None;
        let since = gil.held_since;
        gil.held += now - since;
        self.gil_given(g, tid, since);
        if self.threads[tid].convoyed.is_some() {
            self.leaves_again(tid, now - since);
        }
        let gil = &mut self.gils[g];
        if gil.waiters.is_empty() {
            // The requester, if any, is awake between two waits: it will find the GIL free, or ask again.
            gil.drop_request = false;
            gil.requester = None;
            return true;
        }
        let asked = gil.drop_request;
        let mut index = 0;
        if asked
            && let Some(r) = gil.requester.take()
            && let Some(at) = gil.waiters.iter().rposition(|&w| w == r)
            && at > 0
            && self.machine.core(r) != self.machine.core(tid)
            && unit(&mut self.gil_stream) < self.costs.gil_requester_wins
        {
            index = at;
        }
        let next = gil.waiters.remove(index).expect("a waiter");
        if gil.waiters.is_empty()
            && let Some(since) = gil.contended_since.take()
        {
            gil.contended += now - since;
        }
        if asked {
            gil.forces += 1;
            gil.forced = Some(tid);
        }
        self.threads[next].timed_out = false;
        self.machine.clear_timer(next);
        self.signal(tid, next);
        if asked {
            self.threads[tid].blocked = Blocked::Forced;
            // The woken waiter may have preempted this thread.
            match self.machine.state(tid) {
                SchedState::Running => self.machine.block(tid, Cause::Gil),
                _ => self.machine.suspend(tid, Cause::Gil),
            }
            return false;
        }
        true
    }

    /// `drop_gil` by a thread that stays on its core: while it signals, it holds `gil->mutex`.
    #[inline]
    pub(crate) fn release_gil_and_run(&mut self, tid: Tid) -> bool {
        let gil = self.threads[tid].gil;
        let wakes = self.gils.get(gil).is_some_and(Gil::has_waiters);
        let goes_on = self.release_gil(tid);
        if wakes && goes_on {
            let until = self.machine.burned(tid) + self.machine.debt(tid).into();
            self.gils[gil].mutex.hold(tid, until);
        }
        goes_on
    }

    /// Handles the end of a waiter's interval: the waiter wakes to look at the GIL.
    pub(crate) fn gil_timeout(&mut self, tid: Tid) {
        let now = self.machine.now();
        let t = &mut self.threads[tid];
        let gil = &mut self.gils[t.gil];
        // Nearly always the first one: the longest waiter times out first.
        if let Some(at) = gil.waiters.iter().position(|&w| w == tid) {
            gil.waiters.remove(at);
        }
        if gil.holder.is_some() && (gil.switch_number != t.seen || gil.drop_request) {
            // The waiter would find that there has been a switch meanwhile, or that another has asked, and wait anew: for the others its
            // waking only means that it falls behind them in the line.
            t.seen = gil.switch_number;
            gil.waiters.push_back(tid);
            self.machine
                .charge_spurious_wakeup(tid, self.costs.gil_take);
            let deadline = now + self.costs.switch_interval + self.machine.slack();
            self.machine.set_timer(tid, deadline);
            return;
        }
        if gil.waiters.is_empty()
            && let Some(since) = gil.contended_since.take()
        {
            gil.contended += now - since;
        }
        let t = &mut self.threads[tid];
        t.blocked = Blocked::No;
        t.timed_out = true;
        self.machine.wake(tid, self.costs.gil_take);
    }
}
