//! Event loops, and how their tasks wait: a task suspends, and a handle resumes it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use typed_index_collections::TiVec;

use super::Work;
use super::flow::{Flow, Mode};
use super::task::{FutureState, Interrupt, Task};
use super::wait::Waiter;
use crate::cpython::index::{CopyIndex, LockNumber, TaskKey};
use crate::cpython::kernel::{On, Wait};
use crate::cpython::program::Executor;
use crate::cpython::record::recording::TaskEnd;
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
use crate::sync::{Acquisition, Lock, LockHandoff, Semaphore};

/// A handle: a callback that the event loop runs in one of its iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Handle {
    /// Executes the first step of a task.
    Start(TaskKey),
    /// Resumes a task.
    Step(TaskKey),
    /// Sets the future that a task awaits who sleeps, or reads what a device transfers, if the wait of this number is still the task's.
    Due(TaskKey, u64),
    /// Sets the future that a task awaits, since an executor has finished the task's part.
    Finished(TaskKey),
    /// Runs the done callback of a child of this task, of whose children only some are needed, and which has ended like this.
    ChildOver(TaskKey, TaskEnd),
    /// Runs the done callback of the last child of a task, which sets the future that the task awaits.
    Gathered(TaskKey),
    /// Ends the wait of the task with this number, whose deadline has come.
    Deadline(TaskKey, u64),
}

/// What a coroutine that stops waiting leaves to the executor that has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// A call. It still waits for a part of its own that is offloaded.
    Calls,
    /// Whatever it is.
    AllWork,
}

/// An event loop.
pub(crate) struct EventLoop {
    pub(crate) tid: Tid,
    pub(crate) ready: VecDeque<Handle>,
    /// Handles that other threads have added (`call_soon_threadsafe`).
    pub(crate) incoming: VecDeque<Handle>,
    pub(crate) timers: BinaryHeap<Reverse<(Nanos, u64, Handle)>>,
    /// Handles left of the present iteration's snapshot of the ready queue.
    pub(crate) snapshot: usize,
    /// Permits of the concurrency limit, if there is one.
    pub(crate) permits: Option<Semaphore<TaskKey>>,
    /// The loop's own `asyncio.Lock`s.
    pub(crate) locks: TiVec<LockNumber, Lock<TaskKey>>,
    /// When the present handle began. The longest handle so far follows: when it began, and how long it took.
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

    /// Drops all that the loop of a killed process had to do, if it has one.
    pub(super) fn forget_loop(&mut self, copy: CopyIndex) {
        let limit = self.kernel.program.layout.limit;
        let locks = self.kernel.program.locks.len();
        if let Some(l) = self.loops.get_mut(copy) {
            l.ready.clear();
            l.incoming.clear();
            l.timers.clear();
            l.snapshot = 0;
            l.permits = limit.map(u64::from).map(Semaphore::new);
            l.locks = vec![Lock::default(); locks].into();
        }
    }

    /// Suspends a task in `asyncio.sleep` until `until`.
    pub(crate) fn loop_sleep(&mut self, tid: Tid, key: TaskKey, on: On, until: Nanos) {
        self.kernel.machine.charge(tid, self.kernel.costs.aio_sleep);
        let now = self.kernel.machine.now();
        // The sleep is booked already here: it is I/O until the task wakes, and waiting for the loop after that.
        let (arrival, copy) = (self.tasks[key].arrival, self.tasks[key].copy);
        if arrival <= now {
            // If the task arrives within the present step, the time of that step is nobody's before the arrival.
            let in_this_step = arrival > self.loops[copy].handle_began;
            let from = if in_this_step { arrival } else { now };
            self.book(key, on.cause(), from, until);
            self.tasks[key].since = until.max(now);
        }
        let number = self.new_timer(key);
        self.begin_wait(Waiter::Task(key), on, None, until);
        self.loops[copy]
            .timers
            .push(Reverse((until, number, Handle::Due(key, number))));
    }

    /// The `asyncio.Lock` of this number: each loop has its own, unless the lock is shared by all of them.
    pub(super) fn awaited_lock(&mut self, copy: CopyIndex, lock: LockNumber) -> &mut Lock<TaskKey> {
        if self.kernel.program.locks[lock].shared {
            &mut self.shared_locks[self.copies[copy].node][lock]
        } else {
            &mut self.loops[copy].locks[lock]
        }
    }

    /// The `asyncio.Lock` of this number, by shared reference.
    pub(crate) fn awaited(&self, copy: CopyIndex, lock: LockNumber) -> &Lock<TaskKey> {
        if self.kernel.program.locks[lock].shared {
            &self.shared_locks[self.copies[copy].node][lock]
        } else {
            &self.loops[copy].locks[lock]
        }
    }

    /// Takes an `asyncio.Lock`, or waits for it first in, first out.
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

    /// Resumes a waiting task in its loop's next iteration; the time until now is booked to what it has waited for.
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

    /// Notes that the last child of a task has ended: `gather` or a task group learns of it in the next iteration, the task in the one
    /// after.
    pub(crate) fn loop_gathered(&mut self, key: TaskKey) {
        let now = self.kernel.machine.now();
        let (since, copy) = (self.tasks[key].since, self.tasks[key].copy);
        self.book(key, Cause::Queue, since, now);
        self.tasks[key].since = now;
        self.loops[copy].ready.push_back(Handle::Gathered(key));
    }

    /// Has a task that has been cancelled step in the loop's next iteration.
    pub(super) fn loop_steps(&mut self, copy: CopyIndex, key: TaskKey) {
        self.loops[copy].ready.push_back(Handle::Step(key));
    }

    /// Has a task step in the loop's next iteration, by `call_soon_threadsafe`.
    pub(super) fn loop_hears(&mut self, copy: CopyIndex, key: TaskKey) {
        self.loops[copy].incoming.push_back(Handle::Step(key));
    }

    /// Adds a new task (a child) to the loop.
    pub(crate) fn loop_ready(&mut self, copy: CopyIndex, key: TaskKey) {
        self.loops[copy].ready.push_back(Handle::Start(key));
    }

    /// Notes that a worker has finished a part of the task.
    pub(crate) fn offload_done(&mut self, by: Tid, copy: CopyIndex, key: TaskKey) {
        self.tasks[key].future = FutureState::Finished;
        if self.tasks[key].abandoned && !self.loop_runs(copy) {
            self.abandoned_ends(by, key);
            return;
        }
        let l = &mut self.loops[copy];
        l.incoming.push_back(Handle::Finished(key));
        let tid = l.tid;
        self.kernel.unpark_by(by, tid);
    }

    /// Sets a timer for the deadline of a task that waits, if it has one.
    pub(crate) fn wake_at_deadline(&mut self, key: TaskKey) {
        let Some(at) = self.awaiting_deadline(key) else {
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

    /// Whether a timer's handle has been cancelled because what it was for is over.
    pub(crate) fn cancelled(&self, at: Nanos, handle: Handle) -> bool {
        match handle {
            Handle::Due(key, number) => !self.sleeps(key, number),
            Handle::Deadline(key, number) => {
                let task = &self.tasks[key];
                !task.live || task.number != number || self.awaiting_deadline(key) != Some(at)
            }
            _ => false,
        }
    }

    pub(crate) fn deadline_passed(&mut self, tid: Tid, key: TaskKey, number: u64) {
        let task = &self.tasks[key];
        let now = self.kernel.machine.now();
        let overdue = self.awaiting_deadline(key).is_some_and(|d| d <= now);
        if task.live && task.number == number && overdue {
            self.stop_waiting(tid, key, Leaves::Calls);
        }
    }

    /// What a task awaits can be read: `select` returns, and the reader's callback sets the future that the task awaits.
    pub(super) fn loop_readable(&mut self, key: TaskKey) {
        let (copy, number) = (self.tasks[key].copy, self.tasks[key].timer);
        let l = &mut self.loops[copy];
        l.incoming.push_back(Handle::Due(key, number));
        let tid = l.tid;
        self.kernel.unpark(tid);
    }

    /// The number by which a task's next wait is told from those before it, if what ends the wait is a handle of the loop.
    pub(super) fn new_timer(&mut self, key: TaskKey) -> u64 {
        self.loop_timers += 1;
        self.tasks[key].timer = self.loop_timers;
        self.loop_timers
    }

    /// Whether a task still waits for what the handle of this number ends.
    pub(crate) fn sleeps(&self, key: TaskKey, number: u64) -> bool {
        let task = &self.tasks[key];
        task.live && task.timer == number && task.wait.is_some_and(|w| w.on.ends_by_handle())
    }

    /// Ends whatever a task of a loop waits for; the task finds that out when it resumes. Its children are cancelled, and it resumes when
    /// all of them have ended. A call is left to its worker. Waits for a permit, or for a part of an offloaded coroutine, go on.
    fn stop_waiting(&mut self, tid: Tid, key: TaskKey, leaves: Leaves) {
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
                // The task has not entered the block of this lock.
                self.tasks[key].frames.pop();
                self.wake(tid, who);
            }
            (On::Resource(resource), Some(ticket)) => {
                self.forget_resource(key, resource, ticket);
                self.wake(tid, who);
                // It has not been called for the resource.
                self.end_wait(who);
            }
            // One that has ended resumes its task by the handle that is on its way.
            (On::Device(device), _) if self.give_up_transfer(device, (key, who)) => {
                self.wake(tid, who);
            }
            (On::Part, _) => self.give_up_call(key, leaves),
            (On::Children, _) => self.stop_waiting_for_children(tid, key, leaves),
            _ => {}
        }
    }

    /// Cancels the children of a task that stops waiting for them, or has it do so itself if it does not need all of them.
    fn stop_waiting_for_children(&mut self, tid: Tid, key: TaskKey, leaves: Leaves) {
        match self.tasks[key].need.as_deref() {
            Some(need) if need.cancelled => {}
            Some(_) => self.wake(tid, Waiter::Task(key)),
            None => {
                for child in self.tasks.children(key) {
                    self.cancel(tid, child, leaves);
                }
            }
        }
    }

    /// `Task.cancel`: makes the task give up where it waits.
    pub(super) fn cancel(&mut self, tid: Tid, key: TaskKey, leaves: Leaves) {
        let task = &mut self.tasks[key];
        task.interrupt = Some(Interrupt::Cancelled);
        if task.wait.is_some_and(|w| w.on.is_timer()) {
            task.wait = None;
            let copy = task.copy;
            self.loops[copy].ready.push_back(Handle::Step(key));
        } else {
            self.stop_waiting(tid, key, leaves);
        }
    }
}
