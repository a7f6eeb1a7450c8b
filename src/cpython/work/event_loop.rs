//! Event loops, and how the tasks of one wait: they suspend, and a handle brings them back.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use typed_index_collections::TiVec;

use super::Work;
use super::flow::{Flow, Mode};
use super::task::{Interrupt, Task};
use super::wait::Waiter;
use crate::cpython::index::{CopyIndex, LockNumber, TaskKey};
use crate::cpython::kernel::{On, Wait};
use crate::cpython::program::Executor;
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
use crate::sync::{Acquisition, Lock, LockHandoff, Semaphore};

/// What the loop calls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Handle {
    /// A task's first step.
    Start(TaskKey),
    /// A task goes on.
    Step(TaskKey),
    /// A timer of this number is due: the future that its task awaits is set.
    Due(TaskKey, u64),
    /// An executor has finished a task's part: its future is set.
    Finished(TaskKey),
    /// A task's last child has ended and its done callback runs: the future that the task awaits is set.
    Gathered(TaskKey),
    /// A task's deadline has come while it waits for a queue or lock.
    Deadline(TaskKey, u64),
}

/// An event loop.
pub(crate) struct EventLoop {
    pub(crate) tid: Tid,
    pub(crate) ready: VecDeque<Handle>,
    /// Handles that other threads have added (`call_soon_threadsafe`).
    pub(crate) incoming: VecDeque<Handle>,
    pub(crate) timers: BinaryHeap<Reverse<(Nanos, u64, Handle)>>,
    /// Handles left of this iteration's snapshot.
    pub(crate) snapshot: usize,
    /// The concurrency limit, if there is one.
    pub(crate) permits: Option<Semaphore<TaskKey>>,
    /// `asyncio.Lock`s.
    pub(crate) locks: TiVec<LockNumber, Lock<TaskKey>>,
    /// When the handle that runs began, and the longest so far.
    pub(crate) handle_began: Nanos,
    pub(crate) longest: (Nanos, Nanos),
    pub(crate) offload: bool,
}

impl Work<'_> {
    pub(crate) fn new_loop(&mut self, tid: Tid) {
        self.loops.push(EventLoop {
            tid,
            ready: VecDeque::new(),
            incoming: VecDeque::new(),
            timers: BinaryHeap::new(),
            snapshot: 0,
            permits: self
                .kernel
                .program
                .layout
                .limit
                .map(u64::from)
                .map(Semaphore::new),
            locks: vec![Lock::default(); self.kernel.program.locks.len()].into(),
            handle_began: Nanos::ZERO,
            longest: (Nanos::ZERO, Nanos::ZERO),
            offload: self.kernel.program.layout.executor != Executor::Inline,
        });
    }

    /// `asyncio.sleep`.
    pub(crate) fn loop_sleep(&mut self, tid: Tid, key: TaskKey, until: Nanos) {
        self.kernel.machine.charge(tid, self.kernel.costs.aio_sleep);
        let now = self.kernel.machine.now();
        // Booked when it wakes: the sleep itself is I/O, what comes after it is waiting for the loop.
        let (arrival, copy) = (self.tasks[key].arrival, self.tasks[key].copy);
        if arrival <= now {
            // The time of a step in which the task arrives is nobody's until it does.
            let in_this_step = arrival > self.loops[copy].handle_began;
            let from = if in_this_step { arrival } else { now };
            self.book(key, Cause::Io, from, until);
            self.tasks[key].since = until.max(now);
        }
        self.loop_timers += 1;
        let number = self.loop_timers;
        self.tasks[key].timer = number;
        self.begin_wait(Waiter::Task(key), On::Timer, None, until);
        self.loops[copy]
            .timers
            .push(Reverse((until, number, Handle::Due(key, number))));
    }

    /// A lock that is awaited: each loop's own, or one for all of them.
    fn awaited_lock(&mut self, copy: CopyIndex, lock: LockNumber) -> &mut Lock<TaskKey> {
        if self.kernel.program.locks[lock].shared {
            &mut self.shared_locks[lock]
        } else {
            &mut self.loops[copy].locks[lock]
        }
    }

    /// The same, to look at.
    pub(crate) fn awaited(&self, copy: CopyIndex, lock: LockNumber) -> &Lock<TaskKey> {
        if self.kernel.program.locks[lock].shared {
            &self.shared_locks[lock]
        } else {
            &self.loops[copy].locks[lock]
        }
    }

    /// Takes an `asyncio.Lock` or waits for it, first in, first out.
    pub(crate) fn loop_lock(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        lock: LockNumber,
    ) -> Flow {
        self.kernel
            .machine
            .charge(tid, self.kernel.costs.aio_semaphore);
        let copy = self.tasks[key].copy;
        match self.awaited_lock(copy, lock).ask(key) {
            Acquisition::Granted => Flow::Go,
            Acquisition::Waits(ticket) => {
                self.wait(tid, key, mode, On::AwaitedLock(lock), Some(ticket))
            }
        }
    }

    pub(crate) fn loop_unlock(&mut self, tid: Tid, lock: LockNumber) {
        let Some(key) = self.kernel.threads[tid].task else {
            return;
        };
        let copy = self.tasks[key].copy;
        let next = self.awaited_lock(copy, lock).give(LockHandoff::HandOver);
        if let Some(next) = next {
            self.wake(tid, Waiter::Task(next));
        }
    }

    /// A waiting task goes on in its loop's next iteration; up to now it has waited for what its stored wait says.
    pub(crate) fn loop_resume(&mut self, by: Tid, key: TaskKey) {
        let now = self.kernel.machine.now();
        let Task {
            since, copy, wait, ..
        } = self.tasks[key];
        if let Some(wait) = wait {
            self.book(key, wait.on.cause(), since, now);
        }
        self.tasks[key].since = now;
        let l = &mut self.loops[copy];
        l.ready.push_back(Handle::Step(key));
        let tid = l.tid;
        if tid != by {
            self.kernel.unpark_by(by, tid);
        }
    }

    /// The last child of a task has ended: `gather` or a task group hears of it in the next iteration, the task in the one
    /// after.
    pub(crate) fn loop_gathered(&mut self, key: TaskKey) {
        let now = self.kernel.machine.now();
        let (since, copy) = (self.tasks[key].since, self.tasks[key].copy);
        self.book(key, Cause::Queue, since, now);
        self.tasks[key].since = now;
        self.loops[copy].ready.push_back(Handle::Gathered(key));
    }

    /// A new task of the loop (a child).
    pub(crate) fn loop_ready(&mut self, copy: CopyIndex, key: TaskKey) {
        self.loops[copy].ready.push_back(Handle::Start(key));
    }

    /// A worker has finished a task's part.
    pub(crate) fn offload_done(&mut self, by: Tid, copy: CopyIndex, key: TaskKey) {
        let l = &mut self.loops[copy];
        l.incoming.push_back(Handle::Finished(key));
        let tid = l.tid;
        self.kernel.unpark_by(by, tid);
    }

    /// Lets a task that waits be woken by its deadline, if it has one.
    pub(crate) fn wake_at_deadline(&mut self, key: TaskKey) {
        let Some(at) = self.deadline(key) else {
            return;
        };
        let (copy, number) = (self.tasks[key].copy, self.tasks[key].number);
        self.loop_timers += 1;
        self.loops[copy].timers.push(Reverse((
            at,
            self.loop_timers,
            Handle::Deadline(key, number),
        )));
    }

    /// Whether a timer's handle has been cancelled: what it was for is over.
    pub(crate) fn cancelled(&self, at: Nanos, handle: Handle) -> bool {
        match handle {
            Handle::Due(key, number) => !self.sleeps(key, number),
            Handle::Deadline(key, number) => {
                let task = &self.tasks[key];
                !task.live || task.number != number || self.deadline(key) != Some(at)
            }
            _ => false,
        }
    }

    pub(crate) fn deadline_passed(&mut self, tid: Tid, key: TaskKey, number: u64) {
        let task = &self.tasks[key];
        if task.live && task.number == number && self.overdue(key) {
            self.stop_waiting(tid, key);
        }
    }

    /// Whether a task still sleeps until the timer of this number.
    pub(crate) fn sleeps(&self, key: TaskKey, number: u64) -> bool {
        let task = &self.tasks[key];
        task.live && task.timer == number && task.wait.is_some_and(|w| w.on == On::Timer)
    }

    /// Ends whatever a task of a loop waits for, which is then for the task to find out; its children are cancelled, and
    /// it goes on when all have ended. A permit is waited for all the same, and so is an executor.
    fn stop_waiting(&mut self, tid: Tid, key: TaskKey) {
        let who = Waiter::Task(key);
        let Some(Wait { on, ticket, .. }) = self.tasks[key].wait else {
            return;
        };
        match (on, ticket) {
            (On::Item(queue), Some(ticket)) => {
                self.queues[queue].forget_getter(ticket);
                self.wake(tid, who);
            }
            (On::Room(queue), Some(ticket)) => {
                self.queues[queue].forget_putter(ticket);
                self.wake(tid, who);
            }
            (On::AwaitedLock(lock), Some(ticket)) => {
                let copy = self.tasks[key].copy;
                self.awaited_lock(copy, lock).forget(ticket);
                // It never got into this block.
                self.tasks[key].frames.pop();
                self.wake(tid, who);
            }
            (On::Children, _) => {
                for child in self.tasks.children(key) {
                    self.cancel(tid, child);
                }
            }
            _ => {}
        }
    }

    /// `Task.cancel`: the task gives up where it waits. An offload that runs is waited for.
    fn cancel(&mut self, tid: Tid, key: TaskKey) {
        let task = &mut self.tasks[key];
        task.interrupt = Some(Interrupt::Cancelled);
        if task.wait.is_some_and(|w| w.on == On::Timer) {
            task.wait = None;
            let copy = task.copy;
            self.loops[copy].ready.push_back(Handle::Step(key));
        } else {
            self.stop_waiting(tid, key);
        }
    }
}
