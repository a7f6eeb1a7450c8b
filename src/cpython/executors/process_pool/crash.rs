//! Workers that die: a `ProcessPoolExecutor` breaks, a `multiprocessing.Pool` starts another and forgets what the dead one had.
//!
//! The executor's management thread waits for results, for its wake-up pipe and for the ends of workers (their sentinels), in this order
//! (`concurrent/futures/process.py: wait_result_broken_or_wakeup`). Once it finds a worker dead it fails all calls that are pending, terminates the
//! other workers and ends (`terminate_broken`); what is submitted after that fails at once. So it has been from 3.9 to 3.14; what moved is what becomes
//! of a feeder thread that stands in a full pipe: up to 3.10 it stands there for ever, since 3.11 the pipe's reading end is closed (gh-94777).
//!
//! A `Pool` has a thread that waits for the ends of workers as well (`multiprocessing/pool.py: _handle_workers`), and starts others in their places. What
//! a dead one had been given is written down nowhere: its `AsyncResult` is never set. If it had the lock of one of both pipes, which an idle worker
//! has that waits for the next call, nobody has it ever again.

use std::collections::BTreeSet;

use super::ProcessPool;
use super::replace::has_exited;
use crate::cpython::kernel::{Act, Blocked, Kernel, On, Thread, Wait};
use crate::cpython::role::{ManagerAction, RoleAction, ThreadRole, WorkerAction, WorkerState};
use crate::cpython::work::{FutureState, TaskKey, Work, one_more};
use crate::engine::Nanos;
use crate::machine::Tid;
use crate::sync::Lock;

/// The tasks of a message, of which this is the first.
pub(super) fn tasks_of(work: &Work<'_>, first: TaskKey) -> Vec<TaskKey> {
    std::iter::successors(Some(first), |&key| work.tasks[key].next).collect()
}

/// The first task of the call that a worker has, and whose result is not in the pipe as a whole.
fn has(kernel: &Kernel<'_>, worker: Tid) -> Option<TaskKey> {
    let thread = &kernel.threads[worker];
    let ThreadRole::ProcessWorker(_, state) = thread.role else {
        return None;
    };
    let answers = match state {
        WorkerState::Boot | WorkerState::Get | WorkerState::Leave => true,
        WorkerState::Work(_) | WorkerState::Put(_) => false,
    };
    let writes = |act: &Act| matches!(act, Act::Write(..) | Act::Written(..));
    let answered = answers && !thread.script.iter().any(writes);
    thread.handed.filter(|_| !answered)
}

/// Whether a worker has come to its turn at a pipe, by the deed that ends it.
pub(super) fn has_turn(thread: &Thread, on: On) -> bool {
    let ends = |act: &Act| {
        matches!(
            (act, on),
            (
                Act::Do(RoleAction::Worker(_, WorkerAction::Got)),
                On::CallTurn
            ) | (
                Act::Do(RoleAction::Worker(_, WorkerAction::Sent)),
                On::ResultTurn
            )
        )
    };
    thread.script.iter().any(ends)
}

/// A dead worker no longer waits for its turn at a pipe. A turn that it has stays taken; one that it was woken for and has not come to is free, and
/// nobody else is woken for it.
fn leave_turn(thread: &Thread, worker: Tid, lock: &mut Lock<Tid>, on: On) {
    if lock.owner() == Some(worker) {
        if !has_turn(thread, on) {
            lock.forsake();
        }
        return;
    }
    if let Some(Wait {
        on: waits,
        ticket: Some(ticket),
        ..
    }) = thread.wait
        && waits == on
    {
        lock.forget(ticket);
    }
}

impl ProcessPool {
    /// The workers that run and have begun to ask for calls.
    pub(crate) fn workers_there(&self, kernel: &Kernel<'_>) -> Vec<Tid> {
        let there = |&worker: &Tid| match kernel.threads[worker].role {
            ThreadRole::ProcessWorker(_, state) => {
                state != WorkerState::Boot && !has_exited(kernel, worker)
            }
            _ => false,
        };
        self.workers.iter().copied().filter(there).collect()
    }

    /// A worker is killed, wherever it is.
    pub(crate) fn worker_crashes(&mut self, work: &mut Work<'_>, worker: Tid) {
        let now = work.kernel.machine.now();
        let had = self.kill_worker(work, worker);
        if self.mp {
            let has = |lock: &Lock<Tid>| lock.owner() == Some(worker);
            let hangs = has(&self.read_lock) || has(&self.write_lock);
            let lost = had.map_or(Vec::new(), |first| tasks_of(work, first));
            let pools = &mut work.faults.pools;
            one_more(&mut pools.replaced, now);
            pools.hangs |= hangs;
            pools.lost += lost.len() as u64;
            for key in lost {
                work.is_lost(key);
            }
        } else {
            one_more(&mut work.faults.pools.broke, now);
            self.crashed.push(worker);
            self.orphans.extend(had);
            self.wake_by_sentinel(&mut work.kernel);
        }
        let process = work.kernel.threads[worker].process;
        if let Some(joiner) = work.kernel.processes[process].joiner {
            work.kernel.unpark(joiner);
        }
    }

    /// Kills a worker; returns the first task of the call that it had in its hands, whose result nobody will get.
    fn kill_worker(&mut self, work: &mut Work<'_>, worker: Tid) -> Option<TaskKey> {
        let first = has(&work.kernel, worker);
        let held = first.map_or(Vec::new(), |first| tasks_of(work, first));
        let thread = &work.kernel.threads[worker];
        leave_turn(thread, worker, &mut self.read_lock, On::CallTurn);
        leave_turn(thread, worker, &mut self.write_lock, On::ResultTurn);
        let by = self.manager.unwrap_or(worker);
        work.kill_worker(by, worker, &held, self.client.parts);
        first
    }

    /// The program whose pool this is has been killed, before its tasks are lost. Workers of a `Pool` find their pipe closed and end. Those of an
    /// executor have its writing end themselves, so that they wait for a call for ever, and keep their memory; one that executes a call ends here,
    /// though a real one would end the call first.
    pub(crate) fn parent_dies(&mut self, work: &mut Work<'_>) {
        for worker in std::mem::take(&mut self.workers) {
            if has_exited(&work.kernel, worker) {
                continue;
            }
            if self.mp || has(&work.kernel, worker).is_some() {
                self.kill_worker(work, worker);
            } else {
                let process = work.kernel.threads[worker].process;
                work.kernel.stop(process);
            }
        }
        self.backlog.clear();
        self.calls.clear();
        self.incomplete = None;
        work.kernel.pipes[self.call_pipe].abandon(true);
        work.kernel.pipes[self.result_pipe].abandon(true);
        self.manager = None;
    }

    /// The end of a worker makes its sentinel readable, for which the management thread waits, unless it waits for the rest of a result.
    fn wake_by_sentinel(&self, kernel: &mut Kernel<'_>) {
        let Some(manager) = self.manager else {
            return;
        };
        let thread = &kernel.threads[manager];
        let polls = |act: &Act| {
            let polled = |a: ManagerAction| match a {
                ManagerAction::Polled => true,
                ManagerAction::Filled
                | ManagerAction::Result
                | ManagerAction::Done(_)
                | ManagerAction::Joined(_)
                | ManagerAction::Broken => false,
            };
            matches!(act, Act::Do(RoleAction::Manager(_, a)) if polled(*a))
        };
        if thread.blocked != Blocked::Park || thread.script.front().is_some_and(polls) {
            kernel.unpark(manager);
        }
    }

    /// The management thread has found a dead worker: submits fail from now on, and it tells all who wait.
    pub(super) fn finds_crash(&mut self, kernel: &mut Kernel<'_>, tid: Tid) {
        self.broken = true;
        let futures = kernel.costs.tpe_item * self.pending;
        let terminated = self.workers.len().saturating_sub(self.crashed.len()) as u64;
        kernel.push(tid, Act::Run(futures + kernel.syscall * terminated));
        let broken = ManagerAction::Broken;
        kernel.push(tid, Act::Do(RoleAction::Manager(self.index, broken)));
    }

    /// `terminate_broken`: fails all pending calls, terminates the workers that are left, and ends the management thread.
    pub(super) fn breaks(&mut self, work: &mut Work<'_>, tid: Tid) {
        let pending = self.pending_calls(work);
        for worker in std::mem::take(&mut self.workers) {
            if !has_exited(&work.kernel, worker) {
                self.kill_worker(work, worker);
            }
        }
        self.backlog.clear();
        self.calls.clear();
        self.crashed.clear();
        self.orphans.clear();
        if let Some(feeder) = self.feeder {
            work.kernel.threads[feeder].handed = None;
        }
        let closes = work.kernel.profile.minor >= 11;
        let (calls, results) = (self.call_pipe, self.result_pipe);
        let writer = work.kernel.pipes[calls].abandon(closes);
        work.kernel.pipes[results].abandon(false);
        (self.pending, self.unread, self.closing) = (0, 0, true);
        work.faults.pools.pending += pending.len() as u64;
        for (key, first) in pending {
            work.tasks[key].next = None;
            if work.tasks[key].abandoned && work.tasks[key].future == FutureState::Pending {
                work.drop_cancelled(tid, key);
                continue;
            }
            let own = if first && !self.client.parts {
                work.kernel.costs.tpe_item_rss
            } else {
                0
            };
            work.kernel.give(tid, own);
            work.fail_pending(tid, key, self.client.parts);
        }
        for thread in writer.into_iter().chain(self.feeder) {
            work.kernel.unpark_by(tid, thread);
        }
        self.manager = None;
        work.kernel.end_thread(tid, Nanos::ZERO);
        work.kernel.push(tid, Act::Exit);
    }

    /// All tasks whose calls are pending, in the order of their submission as far as that is known: those that workers have had first. With each:
    /// whether it is the first of its call.
    fn pending_calls(&self, work: &Work<'_>) -> Vec<(TaskKey, bool)> {
        let kernel = &work.kernel;
        let held = self
            .workers
            .iter()
            .filter_map(|&worker| has(kernel, worker));
        let mut begun: Vec<TaskKey> = held.chain(self.orphans.iter().copied()).collect();
        begun.sort_by_key(|&key| work.tasks[key].number);
        let feeds = self.feeder.and_then(|feeder| kernel.threads[feeder].handed);
        let messages = kernel.pipes[self.call_pipe].messages.iter();
        let waiting = messages
            .map(|m| m.task)
            .chain(feeds)
            .chain(self.calls.iter().copied())
            .chain(self.backlog.iter().copied());
        // What was written before the worker died is in the pipe of results, and has been read before anybody looks at who died.
        let results = kernel.pipes[self.result_pipe].messages.iter();
        let written = results.map(|m| m.task);
        let firsts = begun.into_iter().chain(written).chain(waiting);
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for first in firsts {
            for key in tasks_of(work, first) {
                if seen.insert(key) {
                    all.push((key, key == first));
                }
            }
        }
        all
    }

    /// A call that is submitted to a broken pool fails at once, with all tasks of its chunk.
    pub(super) fn refuse(&mut self, work: &mut Work<'_>, tid: Tid, first: TaskKey) {
        let chunk = tasks_of(work, first);
        self.pending -= chunk.len() as u64;
        work.faults.pools.refused += chunk.len() as u64;
        for key in chunk {
            work.tasks[key].next = None;
            work.fail_pending(tid, key, self.client.parts);
        }
    }
}
