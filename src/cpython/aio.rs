//! The asyncio event loop, iteration by iteration: facts sheet 11.

mod waits;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::Finding;
use super::exec::{Flow, Mode};
use super::index::CopyIndex;
use super::program::Executor;
use super::role::{Deed, LoopDeed, LoopState, Role};
use super::sim::Sim;
use super::task::TaskKey;
use super::thread::{Act, NO_GIL};
use super::wait::{On, Waiter};
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
use crate::sync::{Asked, Lock, Semaphore};

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
    tid: Tid,
    pub(crate) ready: VecDeque<Handle>,
    /// Handles that other threads have added (`call_soon_threadsafe`).
    pub(crate) incoming: VecDeque<Handle>,
    pub(crate) timers: BinaryHeap<Reverse<(Nanos, u64, Handle)>>,
    /// Handles left of this iteration's snapshot.
    snapshot: usize,
    /// The concurrency limit, if there is one.
    pub(crate) permits: Option<Semaphore<TaskKey>>,
    /// `asyncio.Lock`s.
    locks: Vec<Lock<TaskKey>>,
    /// When the handle that runs began, and the longest so far.
    handle_began: Nanos,
    longest: (Nanos, Nanos),
    offload: bool,
}

/// asyncio's debug mode reports callbacks longer than this (`loop.slow_callback_duration`).
const SLOW_CALLBACK: Nanos = Nanos::from_millis(100);

impl Sim<'_> {
    pub(crate) fn new_loop(&mut self, tid: Tid) {
        self.loops.push(EventLoop {
            tid,
            ready: VecDeque::new(),
            incoming: VecDeque::new(),
            timers: BinaryHeap::new(),
            snapshot: 0,
            permits: self.program.layout.limit.map(u64::from).map(Semaphore::new),
            locks: vec![Lock::default(); self.program.locks.len()],
            handle_began: Nanos::ZERO,
            longest: (Nanos::ZERO, Nanos::ZERO),
            offload: self.program.layout.executor != Executor::Inline,
        });
    }

    pub(crate) fn refill_loop(&mut self, tid: Tid, copy: CopyIndex, state: LoopState) {
        match state {
            LoopState::Begin => {
                let rss = Nanos::from_f64(self.profile.params.aio_loop_rss).0;
                self.push(tid, Act::Take(rss));
                self.push(tid, Act::Run(Nanos(self.costs.aio_run.0 / 2)));
                self.push(tid, Act::Do(Deed::Loop(copy, LoopDeed::Opened)));
            }
            LoopState::Create => self.create_own(tid, copy),
            LoopState::Iterate => self.iterate(tid, copy),
            LoopState::Selecting => self.selected(tid, copy),
            LoopState::Handles => self.next_handle(tid, copy),
            LoopState::Step(key) => self.step_current(tid, copy, key),
            LoopState::Closing => {
                self.close_executors(tid, copy);
                self.push(tid, Act::Run(Nanos(self.costs.aio_run.0 / 2)));
                self.push(tid, Act::Exit);
            }
        }
    }

    /// The main coroutine makes a task for everything that the program already knows of.
    fn create_own(&mut self, tid: Tid, copy: CopyIndex) {
        if self.arrivals_from_outside() {
            self.threads[tid as usize].role = Role::Loop(copy, LoopState::Iterate);
            return;
        }
        let Some((arrival, key)) = self.next_own(copy) else {
            self.threads[tid as usize].role = Role::Loop(copy, LoopState::Iterate);
            return;
        };
        debug_assert_eq!(self.tasks[key].arrival, arrival);
        self.take(tid, self.task_memory());
        self.push(
            tid,
            Act::Run(self.costs.aio_task_create + self.dispatch_cost()),
        );
        self.loops[copy].ready.push_back(Handle::Start(key));
    }

    fn task_memory(&self) -> u64 {
        Nanos::from_f64(self.profile.params.aio_task_rss).0
    }

    /// One turn of `_run_once` up to its `select`.
    fn iterate(&mut self, tid: Tid, copy: CopyIndex) {
        let l = &self.loops[copy];
        if l.ready.is_empty()
            && l.incoming.is_empty()
            && self.copies[copy].outstanding == 0
            && !self.more_to_come(copy)
        {
            self.threads[tid as usize].role = Role::Loop(copy, LoopState::Closing);
            return;
        }
        self.threads[tid as usize].role = Role::Loop(copy, LoopState::Selecting);
        let gil = self.threads[tid as usize].gil;
        if gil != NO_GIL && self.gils[gil as usize].wanted() {
            // `select` lets the GIL go, if only for a system call.
            self.push(tid, Act::Run(self.costs.aio_iteration.since(self.syscall)));
            self.push(tid, Act::native(self.syscall));
        } else {
            self.push(tid, Act::Run(self.costs.aio_iteration));
        }
    }

    /// `select` has looked: something is ready, or the loop blocks until it is.
    fn selected(&mut self, tid: Tid, copy: CopyIndex) {
        const MILLISECOND: u64 = 1_000_000;
        let now = self.machine.now();
        let outside = self.arrivals_from_outside();
        if outside {
            self.accept_all(tid, copy);
        }
        let l = &mut self.loops[copy];
        while let Some(handle) = l.incoming.pop_front() {
            l.ready.push_back(handle);
        }
        while let Some(&Reverse((at, _, handle))) = self.loops[copy].timers.peek() {
            let l = &mut self.loops[copy];
            if at <= now {
                l.ready.push_back(handle);
            } else if !self.cancelled(at, handle) {
                break;
            }
            self.loops[copy].timers.pop();
        }
        if self.loops[copy].ready.is_empty() {
            if self.copies[copy].outstanding == 0 && !self.more_to_come(copy) {
                self.threads[tid as usize].role = Role::Loop(copy, LoopState::Closing);
                return;
            }
            let l = &self.loops[copy];
            // epoll counts in whole milliseconds, rounded up.
            let until = l.timers.peek().map_or(Nanos::MAX, |Reverse((at, ..))| {
                let wait = (*at - now).0.div_ceil(MILLISECOND) * MILLISECOND;
                (now + Nanos(wait)).min(Nanos::CLOCK_END)
            });
            if outside {
                self.wait_for_arrivals(copy);
            }
            self.push(tid, Act::park(On::Events, until));
            self.push(tid, Act::Do(Deed::Loop(copy, LoopDeed::Selected)));
            return;
        }
        let l = &mut self.loops[copy];
        l.snapshot = l.ready.len();
        let handles = l.snapshot;
        self.turn_begins(tid, handles);
        self.threads[tid as usize].role = Role::Loop(copy, LoopState::Handles);
    }

    fn accept_all(&mut self, tid: Tid, copy: CopyIndex) {
        while let Some(key) = self.accept(copy) {
            let cost = self.costs.aio_task_create + self.dispatch_cost();
            self.machine.charge(tid, cost);
            self.take(tid, self.task_memory());
            self.loops[copy].ready.push_back(Handle::Start(key));
        }
    }

    fn next_handle(&mut self, tid: Tid, copy: CopyIndex) {
        let now = self.machine.now();
        let l = &mut self.loops[copy];
        if l.snapshot == 0 {
            self.turn_ends(tid);
            self.threads[tid as usize].role = Role::Loop(copy, LoopState::Iterate);
            return;
        }
        l.snapshot -= 1;
        let Some(handle) = l.ready.pop_front() else {
            return;
        };
        l.handle_began = now;
        match handle {
            Handle::Start(key) => {
                // `await asyncio.sleep(...)` until it is due, as its first act: how long, it finds out now.
                self.tasks[key].pause = self.tasks[key].arrival.since(now);
                // Children are part of a task that has its permit.
                let limited = l.permits.is_some() && self.tasks[key].parent.is_none();
                if limited {
                    self.machine.charge(tid, self.costs.aio_semaphore);
                }
                // A task that sleeps until its arrival asks for its permit after that.
                if limited && self.tasks[key].pause == Nanos::ZERO && self.lacks_permit(copy, key) {
                    return;
                }
                self.resume(tid, copy, key);
            }
            Handle::Step(key) => {
                if self.lacks_permit(copy, key) {
                    return;
                }
                self.resume(tid, copy, key);
            }
            Handle::Due(key, number) => {
                if !self.sleeps(key, number) {
                    return; // Cancelled meanwhile.
                }
                self.end_wait(Waiter::Task(key));
                self.machine.charge(tid, self.costs.aio_timer_fire);
                self.loops[copy].ready.push_back(Handle::Step(key));
            }
            Handle::Finished(key) => {
                self.end_wait(Waiter::Task(key));
                self.machine.charge(tid, self.costs.aio_offload_done);
                let own = self.item_memory();
                self.give(tid, own);
                self.loops[copy].ready.push_back(Handle::Step(key));
            }
            Handle::Gathered(key) => {
                self.end_wait(Waiter::Task(key));
                self.loops[copy].ready.push_back(Handle::Step(key));
            }
            Handle::Deadline(key, number) => self.deadline_passed(tid, key, number),
        }
    }

    /// Whether a task has to wait for a permit of the loop's limit first: up to now it waited for its turn, from now on for that. One
    /// that slept until its arrival needs a permit like the others; children are part of a task that has its own.
    fn lacks_permit(&mut self, copy: CopyIndex, key: TaskKey) -> bool {
        let task = &mut self.tasks[key];
        let Some(permits) = self.loops[copy].permits.as_mut() else {
            return false;
        };
        if task.permitted || task.parent.is_some() {
            return false;
        }
        match permits.ask(key) {
            Asked::Granted => {
                task.permitted = true;
                false
            }
            Asked::Waits(ticket) => {
                let (now, since) = (self.machine.now(), task.since);
                self.book(key, Cause::Loop, since, now);
                self.tasks[key].since = now;
                self.begin_wait(Waiter::Task(key), On::Permit, Some(ticket), Nanos::MAX);
                true
            }
        }
    }

    /// The loop's time is this task's time until it suspends.
    fn resume(&mut self, tid: Tid, copy: CopyIndex, key: TaskKey) {
        let now = self.machine.now();
        let since = self.tasks[key].since;
        if now > since {
            self.book(key, Cause::Loop, since, now);
            self.tasks[key].since = now;
        }
        let t = &mut self.threads[tid as usize];
        t.task = Some(key);
        t.role = Role::Loop(copy, LoopState::Step(key));
        // A task that has not arrived yet (it sleeps until then) has no time to count.
        let counted = self.tasks[key].arrival <= now;
        self.count_for(tid, Some(key), counted, Cause::Ipc);
        self.push(tid, Act::Run(self.costs.aio_step));
        self.push(tid, Act::Label(Cause::Running));
    }

    fn suspend_current(&mut self, tid: Tid, copy: CopyIndex) {
        let now = self.machine.now();
        let l = &mut self.loops[copy];
        let lasted = now.since(l.handle_began);
        if lasted > l.longest.1 {
            l.longest = (l.handle_began, lasted);
        }
        let t = &mut self.threads[tid as usize];
        t.task = None;
        t.role = Role::Loop(copy, LoopState::Handles);
        self.stand_for(tid, None, Cause::Ipc);
    }

    fn step_current(&mut self, tid: Tid, copy: CopyIndex, key: TaskKey) {
        let offload = self.loops[copy].offload;
        match self.step(tid, key, Mode::Loop { offload }) {
            Flow::Go => {}
            Flow::Suspended => self.suspend_current(tid, copy),
            Flow::Offload => {
                let submit = match self.program.layout.executor {
                    Executor::Processes(..) | Executor::MpPool(..) => self.costs.ppe_submit,
                    _ => self.costs.tpe_submit,
                };
                self.push(tid, Act::Label(Cause::Ipc));
                self.push(tid, Act::Run(self.costs.aio_offload + submit));
                if matches!(self.program.layout.executor, Executor::Processes(..)) {
                    self.push(tid, Act::native(self.syscall)); // The pool's wake-up pipe.
                }
                self.push(tid, Act::Do(Deed::Loop(copy, LoopDeed::Offload(key))));
            }
            Flow::Over => {
                // What it still owes is the task's.
                if self.machine.debt(tid) > Nanos::ZERO {
                    self.push(tid, Act::Run(Nanos::ZERO));
                    return;
                }
                self.suspend_current(tid, copy);
                self.release_permit(tid, copy, key);
                self.machine.charge(tid, self.costs.aio_task_done);
                self.give(
                    tid,
                    if self.tasks[key].parent.is_none() {
                        self.task_memory()
                    } else {
                        0
                    },
                );
                self.task_ended(key);
            }
        }
    }

    fn release_permit(&mut self, tid: Tid, copy: CopyIndex, key: TaskKey) {
        if !self.tasks[key].permitted {
            return;
        }
        let permits = self.loops[copy].permits.as_mut();
        // The permit is handed over.
        if let Some(next) = permits.and_then(Semaphore::give) {
            self.tasks[next].permitted = true;
            self.wake(tid, Waiter::Task(next));
        }
    }

    pub(crate) fn loop_does(&mut self, tid: Tid, copy: CopyIndex, deed: LoopDeed) {
        match deed {
            LoopDeed::Offload(key) => {
                self.tasks[key].payload = self.part_payload(key);
                self.suspend_current(tid, copy);
                self.tasks[key].since = self.machine.now();
                self.begin_wait(Waiter::Task(key), On::Part, None, Nanos::MAX);
                self.hand_over(tid, copy, key);
            }
            LoopDeed::Selected => self.stop_waiting_for_arrivals(copy),
            LoopDeed::Opened => {
                self.threads[tid as usize].role = Role::Loop(copy, LoopState::Create)
            }
        }
    }

    /// The longest callbacks, if they were long enough for asyncio's own warning.
    pub(crate) fn blocked_loops(&self) -> Vec<Finding> {
        self.loops
            .iter()
            .filter(|l| l.longest.1 > SLOW_CALLBACK)
            .map(|l| Finding::BlockedLoop {
                at: l.longest.0,
                lasted: l.longest.1,
            })
            .collect()
    }
}
