//! Accounts of threads' time: totals by cause, CPU time, and the tape of a recorded run.

use super::{Machine, SchedState, Tid};
use crate::engine::{Nanos, Total};
use crate::machine::tape::{Tape, doing};
use crate::machine::{CAUSES, Cause};

impl Machine {
    /// Records on this tape what threads do from now on; to be called before the first thread is created.
    pub(crate) fn record(&mut self, tape: Tape) {
        debug_assert!(self.threads.is_empty());
        self.tape = Some(Box::new(tape));
    }

    /// The tape, if the run is recorded.
    #[inline]
    pub(crate) fn tape(&mut self) -> Option<&mut Tape> {
        self.tape.as_deref_mut()
    }

    /// Takes the tape out of the machine.
    pub(crate) fn take_tape(&mut self) -> Option<Tape> {
        self.tape.take().map(|t| *t)
    }

    /// Sets what a thread works on from now on, for the tape.
    #[inline]
    pub(crate) fn tag(&mut self, tid: Tid, tag: Option<u32>) {
        if let Some(tape) = &mut self.tape {
            tape.tag(self.now, tid, tag);
        }
    }

    /// Sets whether a thread's time is marked on the tape from now on.
    #[inline]
    pub(crate) fn mark(&mut self, tid: Tid, marked: bool) {
        if let Some(tape) = &mut self.tape {
            tape.mark(self.now, tid, marked);
        }
    }

    /// Records that a thread's state, or the cause of its time, has changed.
    #[inline]
    pub(super) fn note(&mut self, tid: Tid) {
        if self.tape.is_some() {
            self.record_state(tid);
        }
    }

    #[cold]
    fn record_state(&mut self, tid: Tid) {
        let t = &self.threads[tid];
        if let Some(tape) = &mut self.tape {
            tape.note(self.now, tid, doing(t.state, t.core), t.cause, t.counted);
        }
    }

    /// Sets whether a thread's time is booked to a task from now on, and the cause while it runs.
    #[inline]
    pub(crate) fn count(&mut self, tid: Tid, counted: bool, run_cause: Cause) {
        self.flush(tid);
        let t = &mut self.threads[tid];
        t.counted = counted;
        t.run_cause = run_cause;
        t.cause = run_cause;
        self.note(tid);
    }

    /// Books a thread's time to nobody from now on, whatever it does.
    pub(crate) fn count_no_more(&mut self, tid: Tid) {
        self.flush(tid);
        let t = &mut self.threads[tid];
        (t.counted, t.childs) = (false, false);
        self.tag(tid, None);
        self.note(tid);
    }

    /// Sets whether a thread's time is booked to a child of a task from now on, independently of [`Machine::count`].
    #[inline]
    pub(crate) fn count_childs(&mut self, tid: Tid, counted: bool) {
        if self.threads[tid].childs != counted {
            self.flush(tid);
            self.threads[tid].childs = counted;
        }
    }

    /// Sets the cause to which a running thread's time is booked.
    #[inline]
    pub(crate) fn set_run_cause(&mut self, tid: Tid, cause: Cause) {
        let t = &mut self.threads[tid];
        if t.run_cause != cause {
            self.count(tid, self.threads[tid].counted, cause);
        }
    }

    /// Adds time of a task for which no thread stands (waiting in a queue, say).
    #[inline]
    pub(crate) fn add_time(&mut self, cause: Cause, time: Nanos) {
        self.totals[cause as usize] += time;
    }

    /// Takes back what [`Machine::add_time`] has added for a time to come.
    pub(crate) fn take_time_back(&mut self, cause: Cause, time: Nanos) {
        let total = &mut self.totals[cause as usize];
        total.0 = total.0.saturating_sub(u128::from(time.0));
    }

    /// Takes back what [`Machine::add_childs_time`] has added for a time to come.
    pub(crate) fn take_childs_time_back(&mut self, cause: Cause, time: Nanos) {
        let total = &mut self.childs[cause as usize];
        total.0 = total.0.saturating_sub(u128::from(time.0));
    }

    /// Adds time of a child of a task for which no thread stands.
    #[inline]
    pub(crate) fn add_childs_time(&mut self, cause: Cause, time: Nanos) {
        self.childs[cause as usize] += time;
    }

    #[inline]
    pub(super) fn flush(&mut self, tid: Tid) {
        let t = &mut self.threads[tid];
        if t.counted {
            self.totals[t.cause as usize] += self.now - t.since;
        }
        if t.childs {
            self.childs[t.cause as usize] += self.now - t.since;
        }
        t.since = self.now;
    }

    /// Books the time that a running thread has waited for cache lines, as the last part of its time so far.
    #[cold]
    pub(super) fn part_waiting(&mut self, tid: Tid) {
        let t = &mut self.threads[tid];
        let waited = std::mem::take(&mut t.waited).min(self.now - t.since);
        let (cause, until) = (t.cause, self.now);
        self.now -= waited;
        self.enter(tid, Cause::Contention);
        self.note(tid);
        self.now = until;
        self.enter(tid, cause);
        self.note(tid);
    }

    /// Books the part from `from` to `to` of a blocked thread's present wait, which ends now, to another cause.
    pub(crate) fn rebook(&mut self, tid: Tid, from: Nanos, to: Nanos, cause: Cause) {
        let t = &self.threads[tid];
        debug_assert_eq!(t.state, SchedState::Blocked);
        let (before, until, since) = (t.cause, self.now, t.since);
        let from = from.max(since);
        if from >= to.min(until) {
            return;
        }
        for (at, cause) in [(from, cause), (to.min(until), before)] {
            self.now = at;
            self.enter(tid, cause);
            self.note(tid);
        }
        self.now = until;
    }

    #[inline]
    pub(super) fn enter(&mut self, tid: Tid, cause: Cause) {
        self.flush(tid);
        self.threads[tid].cause = cause;
    }

    /// Since when a thread's present state and cause have lasted.
    pub(crate) fn since(&self, tid: Tid) -> Nanos {
        self.threads[tid].since
    }

    /// The cause to which a thread's time on a core is booked.
    pub(crate) fn run_cause(&self, tid: Tid) -> Cause {
        self.threads[tid].run_cause
    }

    /// Time of tasks by cause so far.
    pub(crate) fn totals(&self) -> [Total; CAUSES] {
        self.totals
    }

    /// Time of children of tasks by cause so far.
    pub(crate) fn childs_totals(&self) -> [Total; CAUSES] {
        self.childs
    }

    /// CPU time that all threads have used.
    pub(crate) fn cpu(&self) -> Total {
        self.cpu
    }

    /// Busy time of each core.
    pub(crate) fn core_busy(&self) -> Vec<Nanos> {
        self.cores.iter().map(|c| c.busy).collect()
    }

    /// Busy time of the cores of a node until now, what runs there at present included.
    pub(crate) fn busy_on(&self, node: u32) -> Nanos {
        let of_core = |core: usize| {
            let c = &self.cores[core];
            let since = c.current.map(|tid| self.threads[tid].progress(self.now));
            c.busy + since.unwrap_or_default()
        };
        let cores = self.nodes[node as usize].cores();
        cores.map(of_core).fold(Nanos::ZERO, |all, one| all + one)
    }

    /// Number of context switches so far: voluntary ones, and involuntary ones.
    pub(crate) fn switches(&self) -> (u64, u64) {
        (self.voluntary, self.involuntary)
    }
}
