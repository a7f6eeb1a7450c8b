//! What threads' time belongs to: totals by cause, processor time, and the tape on which a recorded run is written down.

use super::{Machine, Tid};
use crate::engine::{Nanos, Total};
use crate::machine::tape::{Tape, doing};
use crate::machine::{CAUSES, Cause};

impl Machine {
    /// Writes down what threads do from now on; before the first thread.
    pub fn record(&mut self, tape: Tape) {
        debug_assert!(self.threads.is_empty());
        self.tape = Some(Box::new(tape));
    }

    /// What is being written down.
    #[inline]
    pub fn tape(&mut self) -> Option<&mut Tape> {
        self.tape.as_deref_mut()
    }

    /// Takes what has been written down.
    pub fn take_tape(&mut self) -> Option<Tape> {
        self.tape.take().map(|t| *t)
    }

    /// What a thread works on from now on, for the tape.
    #[inline]
    pub fn tag(&mut self, tid: Tid, tag: Option<u32>) {
        if let Some(tape) = &mut self.tape {
            tape.tag(self.now, tid, tag);
        }
    }

    /// Whether a thread's time is marked on the tape from now on.
    #[inline]
    pub fn mark(&mut self, tid: Tid, marked: bool) {
        if let Some(tape) = &mut self.tape {
            tape.mark(self.now, tid, marked);
        }
    }

    /// A thread's state, or what its time belongs to, has changed.
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

    /// Lets the thread's time count as a task's time from now on (or no longer), under this cause while it runs.
    #[inline]
    pub fn count(&mut self, tid: Tid, counted: bool, run_cause: Cause) {
        self.flush(tid);
        let t = &mut self.threads[tid];
        t.counted = counted;
        t.run_cause = run_cause;
        t.cause = run_cause;
        self.note(tid);
    }

    /// Lets the thread's time count as that of a task's child from now on (or no longer), whether or not it is a task's own too.
    #[inline]
    pub fn count_childs(&mut self, tid: Tid, counted: bool) {
        if self.threads[tid].childs != counted {
            self.flush(tid);
            self.threads[tid].childs = counted;
        }
    }

    /// Changes the cause that a running thread's time belongs to.
    #[inline]
    pub fn set_run_cause(&mut self, tid: Tid, cause: Cause) {
        let t = &mut self.threads[tid];
        if t.run_cause != cause {
            self.count(tid, self.threads[tid].counted, cause);
        }
    }

    /// Adds time that no thread stands for (a task waiting in a queue).
    #[inline]
    pub fn add_time(&mut self, cause: Cause, time: Nanos) {
        self.totals[cause as usize] += time;
    }

    /// The same for a child's time.
    #[inline]
    pub fn add_childs_time(&mut self, cause: Cause, time: Nanos) {
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

    /// Books what a running thread has waited for lines as the last part of its time so far.
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

    #[inline]
    pub(super) fn enter(&mut self, tid: Tid, cause: Cause) {
        self.flush(tid);
        self.threads[tid].cause = cause;
    }

    /// What the thread's present time belongs to, and since when.
    pub fn cause(&self, tid: Tid) -> Cause {
        self.threads[tid].cause
    }

    /// See [`Machine::cause`].
    pub fn since(&self, tid: Tid) -> Nanos {
        self.threads[tid].since
    }

    /// What the thread's time on a core belongs to.
    pub fn run_cause(&self, tid: Tid) -> Cause {
        self.threads[tid].run_cause
    }

    /// Task time by cause so far.
    pub fn totals(&self) -> [Total; CAUSES] {
        self.totals
    }

    /// Time of children by cause so far.
    pub fn childs_totals(&self) -> [Total; CAUSES] {
        self.childs
    }

    /// CPU time of all threads.
    pub fn cpu(&self) -> Total {
        self.cpu
    }

    /// Busy time of each core.
    pub fn core_busy(&self) -> Vec<Nanos> {
        self.cores.iter().map(|c| c.busy).collect()
    }

    /// Context switches, voluntary and involuntary.
    pub fn switches(&self) -> (u64, u64) {
        (self.voluntary, self.involuntary)
    }
}
