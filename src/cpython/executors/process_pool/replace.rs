//! Workers that end after so many calls, and those that take their places: `max_tasks_per_child` and `maxtasksperchild`.
//!
//! A worker of a `ProcessPoolExecutor` says with its last result that it ends; the management thread waits for that and starts another. Of a
//! `Pool` a thread of its own waits for the ends of workers.

use super::ProcessPool;
use crate::cpython::kernel::{Act, Kernel, Liveness, On};
use crate::cpython::role::{ManagerAction, RoleAction};
use crate::engine::Nanos;
use crate::machine::Tid;

/// Whether a worker's process has ended.
pub(super) fn has_exited(kernel: &Kernel<'_>, worker: Tid) -> bool {
    kernel.processes[kernel.threads[worker].process].liveness != Liveness::Alive
}

impl ProcessPool {
    /// Scripts the thread that replaces workers of a `Pool`: it waits for their ends (`_handle_workers`).
    pub(crate) fn refill_handler(&mut self, kernel: &mut Kernel<'_>, tid: Tid) {
        if self.closing && self.pending == 0 {
            kernel.end_thread(tid, Nanos::ZERO);
            kernel.push(tid, Act::Exit);
            return;
        }
        let before = self.workers.len();
        self.workers.retain(|&worker| !has_exited(kernel, worker));
        let gone = before - self.workers.len();
        if gone == 0 {
            kernel.push(tid, Act::park(On::Exits, Nanos::MAX));
            return;
        }
        kernel.push(tid, Act::Run(self.wait_cost(kernel)));
        self.start_workers(kernel, tid, gone);
    }

    /// CPU time of a wait for one of the workers (`multiprocessing.connection.wait`).
    pub(super) fn wait_cost(&self, kernel: &Kernel<'_>) -> Nanos {
        let workers = self.workers.len() as u64;
        kernel.costs.ppe_wait + kernel.costs.ppe_wait_worker * workers
    }

    /// Scripts the starts of so many workers.
    pub(super) fn start_workers(&mut self, kernel: &mut Kernel<'_>, tid: Tid, count: usize) {
        let mut acts = Vec::new();
        for _ in 0..count {
            self.start_worker(kernel, &mut acts);
        }
        for act in acts {
            kernel.push(tid, act);
        }
    }

    /// Whether a worker has had all the calls that it gets.
    pub(super) fn is_spent(&self, kernel: &Kernel<'_>, worker: Tid) -> bool {
        let calls = kernel.threads[worker].calls;
        self.max_tasks.is_some_and(|most| calls >= most)
    }

    /// Waits for the end of a worker whose last result has come (`Process.join`), and replaces it.
    pub(super) fn join_worker(&mut self, kernel: &mut Kernel<'_>, tid: Tid, worker: Tid) {
        if !has_exited(kernel, worker) {
            let process = kernel.threads[worker].process;
            kernel.processes[process].joiner = Some(tid);
            kernel.push(tid, Act::park(On::Exits, Nanos::MAX));
            let joined = ManagerAction::Joined(worker);
            kernel.push(tid, Act::Do(RoleAction::Manager(self.index, joined)));
            return;
        }
        self.workers.retain(|&w| w != worker);
        // It had given up its place before it died, so nobody looks at how it ended.
        self.crashed.retain(|&w| w != worker);
        // Up to 3.12 a token of the semaphore, left by any result that no submit has followed, passes for an idle worker, even if no worker
        // is left (gh-115634, mended in 3.13 to 3.15 in July 2026).
        let replaced = kernel.profile.minor >= 13 || self.tokens == 0;
        self.tokens -= u64::from(!replaced);
        if replaced && !(self.closing && self.pending == 0) {
            self.start_workers(kernel, tid, 1);
        }
    }
}
