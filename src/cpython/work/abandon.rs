//! Calls that their coroutines have given up.
//!
//! A time-out, or `Task.cancel`, cancels the future that the coroutine awaits, and the coroutine goes on at once. The executor's own future is
//! cancelled as well if it has not begun (`Future.cancel`); what runs in a thread or process cannot be stopped, and goes on to its end.

use super::Work;
use super::event_loop::Leaves;
use super::task::{Frame, FutureState, GivenUp};
use crate::cpython::index::{CopyIndex, TaskKey};
use crate::cpython::role::{LoopState, ThreadRole};
use crate::machine::{Cause, Tid};

impl Work<'_> {
    /// A coroutine of a loop gives up the call that it awaits, or the part if it leaves that, too, and resumes; its executor has it.
    pub(super) fn give_up_call(&mut self, key: TaskKey, leaves: Leaves) {
        let now = self.kernel.machine.now();
        let task = &self.tasks[key];
        let called = |f: &Frame| matches!(f, Frame::Call(..));
        let given_up = match (task.frames.iter().position(called), leaves) {
            (Some(call), _) => GivenUp::Call(call),
            (None, Leaves::AllWork) => GivenUp::Part,
            (None, Leaves::Calls) => return,
        };
        let (since, copy) = (task.since, task.copy);
        match (task.future, task.worker) {
            (FutureState::Pending, _) => self.book(key, Cause::Pool, since, now),
            // Until now the worker's time has been the task's.
            (FutureState::Running, Some(worker)) => self.kernel.machine.count_no_more(worker),
            (FutureState::Running, None) => self.book(key, Cause::Ipc, since, now),
            (FutureState::Finished, _) => self.book(key, Cause::Loop, since, now),
        }
        let coroutine = self.tasks.part_from_call(key, given_up);
        self.tasks[coroutine].since = now;
        self.clients.moves(&self.tasks[coroutine], coroutine);
        if let Some(r) = &mut self.kernel.recorder {
            r.task_moves(key, coroutine);
        }
        let held: Vec<_> = (self.tasks[coroutine].frames.iter())
            .filter_map(|f| match f {
                Frame::LoopLock(lock) => Some(*lock),
                Frame::Lock(_)
                | Frame::Use(..)
                | Frame::Token(..)
                | Frame::Breaker(..)
                | Frame::Hold(..)
                | Frame::Timeout(_)
                | Frame::Retry { .. }
                | Frame::Repeat(..)
                | Frame::Call(..)
                | Frame::OnLoop
                | Frame::Inline { .. } => None,
            })
            .collect();
        for lock in held {
            self.awaited_lock(copy, lock).rename_owner(coroutine);
        }
        self.loop_steps(copy, coroutine);
    }

    /// Whether the loop still runs, and would see what an executor has finished.
    pub(super) fn loop_runs(&self, copy: CopyIndex) -> bool {
        let role = self.kernel.threads[self.loops[copy].tid].role;
        matches!(role, ThreadRole::Loop(of, state) if of == copy && state != LoopState::Closing)
    }

    /// Drops what is left of a call that nobody awaits, once it is over or its executor has found it cancelled.
    pub(crate) fn abandoned_ends(&mut self, tid: Tid, key: TaskKey) {
        let own = self.kernel.costs.tpe_item_rss;
        self.kernel.give(tid, own);
        self.drop_abandoned(key);
    }

    /// Drops what is left of work that nobody awaits, beside the future that its executor had of it.
    pub(crate) fn drop_abandoned(&mut self, key: TaskKey) {
        while let Some(frame) = self.tasks[key].frames.pop() {
            if let Frame::Hold(bytes, block) = frame {
                self.kernel.free_block(block, bytes);
            }
        }
        self.release_data(key);
        self.tasks.remove(key);
    }

    /// Drops a call that was cancelled before it began (`Future.set_running_or_notify_cancel` says so to the executor).
    pub(crate) fn drop_cancelled(&mut self, tid: Tid, key: TaskKey) {
        self.drop_sent(key);
        self.abandoned_ends(tid, key);
    }
}
