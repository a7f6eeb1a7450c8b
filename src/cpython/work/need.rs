//! Children of whom only some are needed: `FanOut` with `need`.
//!
//! On a loop this is `asyncio.as_completed`: the done callback of each child puts it on a queue, which wakes the parent. Once the parent has
//! enough it cancels the others and awaits them, as a task group does that is left early. In a pool it is
//! `concurrent.futures.as_completed`: each child that ends sets an event, which wakes the parent's thread. Children that have not begun are
//! then cancelled (`Future.cancel`), and their workers find that out; those that run cannot be stopped, and go on for nobody. The parent does
//! not wait for them: the pool does when it is shut down, and the interpreter does for threads. Where children run inline, one after another,
//! those that are not needed are never begun.

use super::Work;
use super::event_loop::{Handle, Leaves};
use super::flow::{Flow, Mode};
use super::task::FutureState;
use super::wait::Waiter;
use crate::cpython::index::TaskKey;
use crate::cpython::kernel::On;
use crate::cpython::record::recording::TaskEnd;
use crate::machine::{Cause, Tid};

/// What a task still needs of its children: so many have to succeed, then it goes on without the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// How many have to succeed yet.
    missing: u64,
    /// How many more may fail.
    spare: u64,
    /// How the child ended after whose failure too few were left.
    lost: Option<TaskEnd>,
    /// On a loop: children of whose end the task has not been told.
    pub(crate) untold: u64,
    /// On a loop: whether the task is about to step because of a child's end.
    pub(crate) told: bool,
    /// On a loop: whether the others have been cancelled.
    pub(crate) cancelled: bool,
}

impl Need {
    /// `need` of `count` children have to succeed.
    pub(crate) fn new(need: u64, count: u64) -> Self {
        Self {
            missing: need,
            spare: count.saturating_sub(need),
            lost: None,
            untold: count,
            told: false,
            cancelled: false,
        }
    }

    /// A child has ended like this.
    pub(crate) fn ended(&mut self, ending: TaskEnd) {
        match (ending, self.spare) {
            (TaskEnd::Done, _) => self.missing = self.missing.saturating_sub(1),
            (TaskEnd::Failed | TaskEnd::TimedOut | TaskEnd::Rejected, 0) => {
                self.lost.get_or_insert(ending);
            }
            (TaskEnd::Failed | TaskEnd::TimedOut | TaskEnd::Rejected, _) => self.spare -= 1,
        }
    }

    /// Whether enough have succeeded, or too many failed.
    pub(crate) fn settled(&self) -> bool {
        self.missing == 0 || self.lost.is_some()
    }

    /// How the task fails because of its children; `None` if it does not.
    pub(crate) fn failure(&self) -> Option<TaskEnd> {
        self.lost.filter(|_| self.missing > 0)
    }
}

impl Work<'_> {
    /// The task comes to the step again by which it has started its children: it goes on if enough of them have succeeded, fails if too many
    /// have not, and otherwise waits for the next.
    pub(super) fn step_needed(&mut self, tid: Tid, key: TaskKey, mode: Mode) -> Flow {
        if let Mode::Loop { .. } = mode {
            self.loop_step_needed(tid, key, mode)
        } else {
            self.thread_step_needed(tid, key)
        }
    }

    fn thread_step_needed(&mut self, tid: Tid, key: TaskKey) -> Flow {
        let task = &mut self.tasks[key];
        let Some(need) = task.need.as_deref() else {
            return Flow::Go;
        };
        if !need.settled() {
            task.pc -= 1;
            return self.wait_for_children(tid);
        }
        let failure = need.failure();
        self.end_wait(Waiter::Thread(tid));
        for child in self.tasks.children(key) {
            self.leave_behind(child);
        }
        let task = &mut self.tasks[key];
        (task.need, task.joiner, task.children) = (None, None, 0);
        if let Some(ending) = failure {
            self.unwind(tid, key, ending, usize::MAX);
        }
        Flow::Go
    }

    fn loop_step_needed(&mut self, tid: Tid, key: TaskKey, mode: Mode) -> Flow {
        let gives_up = self.tasks[key].interrupt.is_some() || self.overdue(key);
        let Some(need) = self.tasks[key].need.as_deref_mut() else {
            return Flow::Go;
        };
        need.told = false;
        let (settled, failure, untold) = (need.settled(), need.failure(), need.untold);
        if (settled || gives_up) && !std::mem::replace(&mut need.cancelled, settled || gives_up) {
            for child in self.tasks.children(key) {
                self.cancel(tid, child, Leaves::AllWork);
            }
        }
        let task = &mut self.tasks[key];
        if untold > 0 {
            task.pc -= 1;
            let flow = self.wait(tid, key, mode, On::Children, None);
            self.await_callbacks(key);
            return flow;
        }
        task.need = None;
        if let Some(ending) = failure.filter(|_| !gives_up) {
            self.unwind(tid, key, ending, usize::MAX);
        }
        Flow::Go
    }

    /// A task waits for children: it is about to step if one has ended whose callback has not run yet.
    fn await_callbacks(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key];
        if let Some(need) = task.need.as_deref_mut() {
            let ended = need.untold > task.children;
            need.told = ended && (!need.cancelled || task.children == 0);
        }
    }

    /// A child of this parent has ended like this, and the parent does not need all of them.
    pub(super) fn needed_child_ended(&mut self, parent: TaskKey, ending: TaskEnd) {
        if let Some(tid) = self.tasks[parent].joiner {
            if let Some(need) = self.tasks[parent].need.as_deref_mut() {
                need.ended(ending);
            }
            // However many more end before it runs, it is woken once.
            if self.wake_joiner(tid) {
                self.end_wait(Waiter::Thread(tid));
            }
            return;
        }
        let now = self.kernel.machine.now();
        let task = &mut self.tasks[parent];
        let (since, copy) = (task.since, task.copy);
        let waits = task.wait.is_some_and(|w| w.on == On::Children);
        if let Some(need) = task.need.as_deref_mut()
            && waits
            && !need.told
            && (!need.cancelled || task.children == 0)
        {
            need.told = true;
            task.since = now;
            self.book(parent, Cause::Queue, since, now);
        }
        self.loops[copy]
            .ready
            .push_back(Handle::ChildOver(parent, ending));
    }

    /// The done callback of a child: its parent steps in the next iteration, if it waits for just that.
    pub(crate) fn told_of_child(&mut self, parent: TaskKey, ending: TaskEnd) {
        let task = &mut self.tasks[parent];
        let Some(need) = task.need.as_deref_mut() else {
            return;
        };
        need.ended(ending);
        need.untold -= 1;
        let awaited = !need.cancelled || need.untold == 0;
        if awaited && task.wait.is_some_and(|w| w.on == On::Children) {
            let copy = task.copy;
            self.end_wait(Waiter::Task(parent));
            self.loop_steps(copy, parent);
        }
    }

    /// Leaves a child to whatever executes it: nobody waits for it any more.
    fn leave_behind(&mut self, child: TaskKey) {
        let now = self.kernel.machine.now();
        self.counts_no_more(child);
        self.spent(child, now - self.tasks[child].arrival);
        if let Some(r) = &mut self.kernel.recorder {
            r.task_ends(child, None, TaskEnd::TimedOut, now);
        }
        self.tasks.part_from_parent(child);
    }

    /// The task and its children count nowhere from now on.
    fn counts_no_more(&mut self, key: TaskKey) {
        let now = self.kernel.machine.now();
        let task = &self.tasks[key];
        match (task.future, task.worker) {
            (FutureState::Pending, _) => {
                let since = task.since;
                self.book(key, Cause::Pool, since, now);
                self.tasks[key].since = now;
            }
            (FutureState::Running, Some(worker)) => self.kernel.machine.count_no_more(worker),
            (FutureState::Running | FutureState::Finished, _) => {}
        }
        let task = &mut self.tasks[key];
        (task.counted, task.child_counts) = (false, false);
        for child in self.tasks.children(key) {
            self.counts_no_more(child);
        }
    }
}
