//! Collections of a given length that a process makes because the scenario has them as a fault: "the collector pauses".
//!
//! A collection that is due runs in whoever executes bytecode next (`ceval_gil.c: _Py_HandlePending`, where it comes before a request for the GIL; up to 3.11
//! whoever allocates next), and that thread pays for it. It keeps the GIL; on a free-threaded build it stops the world. C code is not interrupted.

use super::Kernel;
use super::act::Act;
use super::thread::{Blocked, Phase};
use crate::cpython::index::{NO_GIL, ProcessIndex};
use crate::engine::{Nanos, Total};
use crate::machine::Tid;

impl Kernel<'_> {
    /// A collection that takes so long is due in a process, unless one is already, or is under way: a collector does not collect twice at a time.
    pub(crate) fn pause(&mut self, process: ProcessIndex, lasts: Nanos) {
        let collects = |(p, tid, until): &(ProcessIndex, Tid, Total)| {
            *p == process && self.machine.burned(*tid) < *until
        };
        let due = self.pauses.iter().any(|(p, _)| *p == process);
        if due || self.collecting.iter().any(collects) {
            return;
        }
        self.collecting.retain(|(p, ..)| *p != process);
        self.pauses.push((process, lasts));
        let threads = self.threads_of(process);
        if let Some(&tid) = threads.iter().find(|&&tid| self.executes_bytecode(tid)) {
            let rest = self.machine.interrupt(tid, self.costs.check_gap);
            self.threads[tid].rest += rest;
        }
    }

    /// Whether a thread is in a burst of bytecode, which can be cut.
    fn executes_bytecode(&self, tid: Tid) -> bool {
        let t = &self.threads[tid];
        let holds = t.gil == NO_GIL || self.gils[t.gil].holder == Some(tid);
        let burns = self.machine.left(tid) > Nanos::ZERO && !self.machine.is_in_accesses(tid);
        holds
            && burns
            && t.phase == Phase::Go
            && t.blocked == Blocked::No
            && !t.in_c
            && t.unwatched.is_none()
            && t.unlocks.is_none()
    }

    /// Has a thread that comes to its next bytecode make the collection that is due in its process, before whatever it has to do; whether one is.
    pub(super) fn collects(&mut self, tid: Tid) -> bool {
        let process = self.threads[tid].process;
        let Some(due) = self.pauses.iter().position(|(p, _)| *p == process) else {
            return false;
        };
        let (_, lasts) = self.pauses.remove(due);
        let mut until = self.machine.burned(tid);
        until += lasts;
        self.collecting.push((process, tid, until));
        let rest = std::mem::take(&mut self.threads[tid].rest);
        if rest > Nanos::ZERO {
            self.push_front(tid, Act::Run(rest));
        }
        let stops = self.threads[tid].gil == NO_GIL;
        if stops {
            self.push_front(tid, Act::StartWorld);
        }
        self.push_front(tid, Act::RunC(lasts));
        if stops {
            self.push_front(tid, Act::StopWorld);
        }
        true
    }

    /// Nothing is due any more in a process that is gone.
    pub(super) fn forget_pauses(&mut self, process: ProcessIndex) {
        self.pauses.retain(|(p, _)| *p != process);
        self.collecting.retain(|(p, ..)| *p != process);
    }
}
