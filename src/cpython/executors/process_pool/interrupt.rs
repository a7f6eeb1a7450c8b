//! Workers that are interrupted (SIGINT; `Process.interrupt` of 3.14): `KeyboardInterrupt` wherever their main thread is.
//!
//! A worker of a `ProcessPoolExecutor` catches `BaseException` round a call (`concurrent/futures/process.py: _process_worker`): that call fails with the
//! exception, past every `except Exception` of its own, and the worker lives. Between two calls nobody catches it: the worker ends, and the executor
//! breaks. An event loop that gets `KeyboardInterrupt` from a call ends with its program (`asyncio/events.py: Handle._run` lets it pass). A worker that
//! was forked from 3.11 on inside `asyncio.run` has that one's handler of SIGINT, which cancels a task that nobody runs and does nothing else the first
//! time (`asyncio/runners.py: _on_sigint`).
//!
//! A worker of a `multiprocessing.Pool` catches `Exception` only: it ends, its chunk is lost, and another takes its place. It leaves its blocks, so that the
//! locks of the pool's pipes are free, which a killed one leaves taken.
//!
//! All of it seen so with CPython 3.9, 3.11 and 3.13. The handler runs between two bytecodes: waits are interrupted at once, native code is not.

use super::ProcessPool;
use super::crash::{has_turn, tasks_of};
use crate::cpython::kernel::{Act, On};
use crate::cpython::record::recording::TaskEnd;
use crate::cpython::role::{RoleAction, ThreadRole, WorkerAction, WorkerState};
use crate::cpython::work::{TaskKey, Work};
use crate::machine::{Cause, Tid};
use crate::scenario::StartMethod;
use crate::sync::LockHandoff;

/// The task whose code a worker executes; `None` if it is between two calls, or still takes one up.
fn executes(work: &Work<'_>, worker: Tid) -> Option<TaskKey> {
    let thread = &work.kernel.threads[worker];
    let takes_up =
        |act: &Act| matches!(act, Act::Do(RoleAction::Worker(_, WorkerAction::Unpickled)));
    match thread.role {
        ThreadRole::ProcessWorker(_, WorkerState::Work(key))
            if !thread.script.iter().any(takes_up) =>
        {
            Some(key)
        }
        _ => None,
    }
}

impl ProcessPool {
    /// A worker is interrupted, wherever it is.
    pub(crate) fn worker_is_interrupted(&mut self, work: &mut Work<'_>, worker: Tid) {
        match executes(work, worker) {
            Some(_) if work.is_in_native_code(worker) => self.interrupted.push(worker),
            Some(key) => self.call_is_interrupted(work, worker, key),
            None => {
                self.leave_turns(work, worker);
                self.worker_crashes(work, worker);
            }
        }
    }

    /// Whether a worker, which comes to its next bytecode, has been interrupted.
    pub(super) fn finds_interrupt(&mut self, worker: Tid) -> bool {
        let at = self.interrupted.iter().position(|&w| w == worker);
        at.is_some_and(|at| {
            self.interrupted.swap_remove(at);
            true
        })
    }

    /// The code of a task is interrupted.
    pub(super) fn call_is_interrupted(&mut self, work: &mut Work<'_>, worker: Tid, key: TaskKey) {
        if self.client.parts {
            let passes = self.start == StartMethod::Fork && work.kernel.profile.minor >= 11;
            if passes && !self.spared.contains(&worker) {
                self.spared.push(worker);
            } else {
                work.program_dies();
            }
            return;
        }
        work.leave_lock_line(worker, key);
        // No block is tried again: a `Retry` catches `Exception`.
        work.unwind(worker, key, TaskEnd::Failed, 0);
        if self.mp {
            self.worker_crashes(work, worker);
        } else {
            self.call_fails(work, worker, key);
        }
    }

    /// The call of a worker fails, with all tasks of its chunk; the worker sends that back.
    fn call_fails(&mut self, work: &mut Work<'_>, worker: Tid, key: TaskKey) {
        let Some(first) = work.kernel.threads[worker].handed else {
            return;
        };
        let anew = work.kernel.begins_anew(worker);
        let replaced = self.workers.iter_mut().filter(|w| **w == worker);
        replaced.for_each(|w| *w = anew);
        let now = work.kernel.machine.now();
        let chunk = tasks_of(work, first);
        let begun = chunk.iter().position(|&k| k == key).unwrap_or(0);
        for &later in chunk.iter().skip(begun + 1) {
            let since = work.tasks[later].since;
            work.book(later, Cause::Pool, since, now);
            work.tasks[later].since = now;
        }
        for &task in &chunk {
            work.tasks[task].ending = TaskEnd::Failed;
        }
        let last = chunk.last().copied().unwrap_or(key);
        work.tasks[key].worker = None;
        work.tasks[key].since = now;
        self.worker_task_over(work, anew, last);
    }

    /// A worker that ends by an exception leaves the blocks of the locks of the pool's pipes.
    fn leave_turns(&mut self, work: &mut Work<'_>, worker: Tid) {
        let turns = [
            (&mut self.read_lock, On::CallTurn),
            (&mut self.write_lock, On::ResultTurn),
        ];
        for (lock, on) in turns {
            if lock.owner() != Some(worker) || !has_turn(&work.kernel.threads[worker], on) {
                continue;
            }
            if let Some(next) = lock.give(LockHandoff::HandOver) {
                work.kernel.wake(worker, next);
            }
        }
    }
}
