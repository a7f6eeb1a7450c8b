//! What the tasks of a loop wait for, and how their waits end.

use std::cmp::Reverse;

use super::{Handle, LoopLock};
use crate::cpython::exec::Flow;
use crate::cpython::server::{Queue, Waiter};
use crate::cpython::sim::Sim;
use crate::cpython::task::{Frame, Interrupt, TaskKey};
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};

impl Sim<'_> {
    /// `asyncio.sleep`.
    pub(crate) fn loop_sleep(&mut self, tid: Tid, key: TaskKey, until: Nanos) {
        self.machine.charge(tid, self.costs.aio_sleep);
        let now = self.machine.now();
        // Booked when it wakes: the sleep itself is I/O, what comes after it is waiting for the loop.
        let (arrival, copy) = (self.tasks[key].arrival, self.tasks[key].copy);
        if arrival <= now {
            // The time of a step in which the task arrives is nobody's until it does.
            let in_this_step = arrival > self.loops[copy as usize].handle_began;
            let from = if in_this_step { arrival } else { now };
            self.book(key, Cause::Io, from, until);
            self.tasks[key].since = until.max(now);
        }
        self.loop_timers += 1;
        let number = self.loop_timers;
        self.tasks[key].sleep = number;
        self.tasks[key].asleep = now;
        self.loops[copy as usize]
            .timers
            .push(Reverse((until, number, Handle::Due(key, number))));
    }

    /// A lock that is awaited: each loop's own, or one for all of them.
    fn awaited_lock(&mut self, copy: u32, lock: u32) -> &mut LoopLock {
        if self.program.locks[lock as usize].shared {
            &mut self.shared_locks[lock as usize]
        } else {
            &mut self.loops[copy as usize].locks[lock as usize]
        }
    }

    /// The same, to look at.
    pub(crate) fn awaited(&self, copy: u32, lock: u32) -> &LoopLock {
        if self.program.locks[lock as usize].shared {
            &self.shared_locks[lock as usize]
        } else {
            &self.loops[copy as usize].locks[lock as usize]
        }
    }

    /// Takes an `asyncio.Lock` or waits for it, first in, first out.
    pub(crate) fn loop_lock(&mut self, tid: Tid, key: TaskKey, lock: u32) -> Flow {
        self.machine.charge(tid, self.costs.aio_semaphore);
        let copy = self.tasks[key].copy;
        let l = self.awaited_lock(copy, lock);
        if !l.locked {
            l.locked = true;
            return Flow::Go;
        }
        l.waiters.push_back(key);
        self.tasks[key].since = self.machine.now();
        self.wait_with_deadline(key);
        Flow::Suspended
    }

    pub(crate) fn loop_unlock(&mut self, tid: Tid, lock: u32) {
        let Some(key) = self.threads[tid as usize].task else {
            return;
        };
        let copy = self.tasks[key].copy;
        let l = self.awaited_lock(copy, lock);
        match l.waiters.pop_front() {
            Some(next) => self.loop_resume(tid, next, Cause::Lock),
            None => l.locked = false,
        }
    }

    /// A waiting task goes on in its loop's next iteration; its waiting belongs to `cause`.
    pub(crate) fn loop_resume(&mut self, by: Tid, key: TaskKey, cause: Cause) {
        let now = self.machine.now();
        let (since, copy) = (self.tasks[key].since, self.tasks[key].copy);
        self.book(key, cause, since, now);
        self.tasks[key].since = now;
        let l = &mut self.loops[copy as usize];
        l.ready.push_back(Handle::Step(key));
        let tid = l.tid;
        if tid != by {
            self.unpark_by(by, tid);
        }
    }

    /// The last child of a task has ended: `gather` or a task group hears of it in the next iteration, the task in the one
    /// after.
    pub(crate) fn loop_gathered(&mut self, key: TaskKey) {
        let now = self.machine.now();
        let (since, copy) = (self.tasks[key].since, self.tasks[key].copy);
        self.book(key, Cause::Queue, since, now);
        self.tasks[key].since = now;
        self.loops[copy as usize]
            .ready
            .push_back(Handle::Gathered(key));
    }

    /// A new task of the loop (a child).
    pub(crate) fn loop_ready(&mut self, copy: u32, key: TaskKey) {
        self.loops[copy as usize]
            .ready
            .push_back(Handle::Start(key));
    }

    /// A worker has finished a task's part.
    pub(crate) fn offload_done(&mut self, by: Tid, copy: u32, key: TaskKey) {
        let l = &mut self.loops[copy as usize];
        l.incoming.push_back(Handle::Finished(key));
        let tid = l.tid;
        self.unpark_by(by, tid);
    }

    /// Lets a task that waits be woken by its deadline, if it has one.
    pub(crate) fn wait_with_deadline(&mut self, key: TaskKey) {
        let Some(at) = self.deadline(key) else {
            return;
        };
        let (copy, number) = (self.tasks[key].copy, self.tasks[key].number);
        self.loop_timers += 1;
        self.loops[copy as usize].timers.push(Reverse((
            at,
            self.loop_timers,
            Handle::Deadline(key, number),
        )));
    }

    /// Whether a timer's handle has been cancelled: what it was for is over.
    pub(super) fn cancelled(&self, at: Nanos, handle: Handle) -> bool {
        match handle {
            Handle::Due(key, number) => !self.tasks[key].live || self.tasks[key].sleep != number,
            Handle::Deadline(key, number) => {
                let task = &self.tasks[key];
                !task.live || task.number != number || self.deadline(key) != Some(at)
            }
            _ => false,
        }
    }

    pub(super) fn deadline_passed(&mut self, tid: Tid, key: TaskKey, number: u64) {
        let task = &self.tasks[key];
        if task.live && task.number == number && self.overdue(key) {
            self.stop_waiting(tid, key);
        }
    }

    /// Ends whatever a task of a loop waits for, which is then for the task to find out; its children are cancelled, and
    /// it goes on when all have ended.
    fn stop_waiting(&mut self, tid: Tid, key: TaskKey) {
        let waiter = Waiter::Task(key);
        let queued = |q: &Queue| q.getters.contains(&waiter) || q.putters.contains(&waiter);
        if self.queues.iter().any(queued) {
            for q in &mut self.queues {
                q.forget(waiter);
            }
            self.loop_resume(tid, key, Cause::Queue);
        } else if self.tasks[key].children > 0 {
            let children: Vec<TaskKey> = self
                .tasks
                .iter()
                .filter(|(_, t)| t.parent == Some(key))
                .map(|(k, _)| k)
                .collect();
            for child in children {
                self.cancel(tid, child);
            }
        } else if let Some(&Frame::LoopLock(lock)) = self.tasks[key].frames.last() {
            let copy = self.tasks[key].copy;
            let l = self.awaited_lock(copy, lock);
            if let Some(at) = l.waiters.iter().position(|&w| w == key) {
                l.waiters.remove(at);
                self.tasks[key].frames.pop();
                self.loop_resume(tid, key, Cause::Lock);
            }
        }
    }

    /// `Task.cancel`: the task gives up where it waits. An offload that runs is waited for.
    fn cancel(&mut self, tid: Tid, key: TaskKey) {
        self.tasks[key].interrupt = Some(Interrupt::Cancelled);
        if std::mem::take(&mut self.tasks[key].sleep) > 0 {
            let copy = self.tasks[key].copy;
            self.loops[copy as usize].ready.push_back(Handle::Step(key));
        } else {
            self.stop_waiting(tid, key);
        }
    }
}
