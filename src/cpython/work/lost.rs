//! Tasks that end because their process is killed: their clients' connections are reset.
//!
//! What is outside the process goes on: a database has the connections back, a device serves the others. What is the process's own goes with
//! it. A lock between processes stays taken, unless Python still leaves its blocks on the way (SIGABRT, by gunicorn's handler); a token of a
//! rate limit stays used.

use std::collections::BTreeSet;

use super::Work;
use super::silence::Killed;
use super::task::{Data, Frame, FutureState, Interrupt};
use super::wait::Waiter;
use crate::cpython::index::{CopyIndex, LockIndex, ProcessIndex, TaskKey};
use crate::cpython::kernel::On;
use crate::cpython::record::recording::TaskEnd;
use crate::machine::{Cause, Tid};

/// Why a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// It has been silent for too long.
    Silent,
    /// A fault of the scenario ends it.
    Crash,
    /// There is not memory enough.
    Memory,
    /// Its server is restarted, and it has not ended in time.
    Restart,
}

impl Work<'_> {
    /// Ends the process of a copy, wherever it is, and fails all that it has taken in; thread `by` of another process does it. `leaves`: whether its
    /// main thread leaves its blocks first, as an exception would. Returns the process.
    pub(crate) fn kill_copy(
        &mut self,
        by: Tid,
        copy: CopyIndex,
        leaves: bool,
        why: Death,
    ) -> ProcessIndex {
        let lost = self.dies_with(by, copy, leaves);
        let now = self.kernel.machine.now();
        if why == Death::Crash {
            self.copy_crashes();
        }
        self.deaths(why).one_more(now);
        for key in lost {
            self.lose(key, why);
        }
        self.nudge_all_if_over();
        self.copies[copy].home.process
    }

    /// Ends the process of a copy, because its machine is gone. Nobody hears of what it had taken in: see [`Cluster`](super::Cluster).
    pub(crate) fn copy_vanishes(&mut self, copy: CopyIndex) {
        // Nobody pays for what follows outside.
        let nobody = self.copies[copy].main;
        for key in self.dies_with(nobody, copy, false) {
            let task = &self.tasks[key];
            if task.abandoned || task.parent.is_some() {
                self.lose(key, Death::Crash);
            } else {
                self.tasks[key].data = Data::default();
                self.is_unanswered(key);
            }
        }
    }

    /// Ends the process of a copy; returns the tasks that it had taken in, which have given back what others may use.
    fn dies_with(&mut self, by: Tid, copy: CopyIndex, leaves: bool) -> Vec<TaskKey> {
        let process = self.copies[copy].home.process;
        self.stop_waiting_for_arrivals(copy);
        let lost = self.taken_in_by(copy);
        let threads = self.kernel.threads_of(process);
        for &key in &lost {
            self.leave_lines(key, &threads);
        }
        if leaves {
            let main = self.copies[copy].main;
            self.leave_locks(main);
        }
        for &key in &lost {
            self.book_lost(key, &threads);
        }
        self.kernel.kill(process);
        for &key in &lost {
            let thread = self.thread_of(key, &threads).map(Waiter::Thread);
            for who in thread.into_iter().chain([Waiter::Task(key)]) {
                self.give_back_called(by, key, who);
            }
            self.give_back(by, key, 0);
        }
        let c = &mut self.copies[copy];
        c.dies();
        c.pulse.dead = true;
        self.forget_loop(copy);
        self.forget_tick(copy);
        lost
    }

    fn deaths(&mut self, why: Death) -> &mut Killed {
        match why {
            Death::Silent => &mut self.watchdogs.killed,
            Death::Crash => &mut self.faults.crashed,
            Death::Memory => &mut self.faults.for_memory,
            Death::Restart => &mut self.restarts.killed,
        }
    }

    /// All tasks that a copy has, children before their parents.
    fn taken_in_by(&self, copy: CopyIndex) -> Vec<TaskKey> {
        let sockets = self.arrivals.sockets.iter();
        let queued = sockets.flat_map(|s| s.queued.iter().copied());
        let pending = self.listening.pending().map(|(key, _)| key);
        let with_balancer = self.cluster.has();
        let held = self.admission.held().iter().copied();
        let others = queued.chain(pending).chain(with_balancer).chain(held);
        let others: BTreeSet<TaskKey> = others.collect();
        let of_copy = self.tasks.iter().filter(|(_, t)| t.copy == copy);
        let mut all: Vec<TaskKey> = of_copy.map(|(key, _)| key).collect();
        all.retain(|key| !others.contains(key));
        all.sort_by_key(|&key| std::cmp::Reverse((self.depth(key), key)));
        all
    }

    fn depth(&self, key: TaskKey) -> usize {
        std::iter::successors(self.tasks[key].parent, |&k| self.tasks[k].parent).count()
    }

    /// The thread of these that executes a task.
    fn thread_of(&self, key: TaskKey, threads: &[Tid]) -> Option<Tid> {
        (threads.iter().copied()).find(|&t| self.kernel.threads[t].task == Some(key))
    }

    /// A task that is lost, and the thread that executes it, wait for nothing any more that others wait for as well.
    fn leave_lines(&mut self, key: TaskKey, threads: &[Tid]) {
        let thread = self.thread_of(key, threads).map(Waiter::Thread);
        for who in thread.into_iter().chain([Waiter::Task(key)]) {
            self.leave_lines_of(key, who);
        }
    }

    /// A waiter of a task that is lost waits for nothing any more that others wait for as well.
    fn leave_lines_of(&mut self, key: TaskKey, who: Waiter) {
        let Some(wait) = self.waits(who).copied() else {
            return;
        };
        match (wait.on, wait.ticket) {
            (On::Item(queue), Some(ticket)) => self.queues[queue].forget_getter(ticket),
            (On::Room(queue), Some(ticket)) => self.queues[queue].forget_putter(ticket),
            (On::Resource(resource), Some(ticket)) => {
                self.give_up_resource(key, resource, Some(ticket), wait.since);
            }
            (On::AwaitedLock(lock), Some(ticket)) => {
                let copy = self.tasks[key].copy;
                self.awaited_lock(copy, lock).forget(ticket);
                // It has not entered the block of this lock.
                self.tasks[key].frames.pop();
            }
            (On::Device(device), _) => {
                self.give_up_transfer(device, (key, who));
            }
            // Whoever was called and has not come is called for in the next step; all other waits are the process's own.
            _ => return,
        }
        self.end_wait(who);
    }

    /// A main thread leaves the blocks of locks between processes that it has.
    fn leave_locks(&mut self, main: Tid) {
        let Some(key) = self.kernel.threads[main].task else {
            return;
        };
        let locks = &self.kernel.locks;
        let has = |f: &Frame| f.lock().filter(|&lock| locks[lock].owner() == Some(main));
        // Who waits for a lock that it has itself has entered two blocks of it.
        let held: BTreeSet<LockIndex> = self.tasks[key].frames.iter().filter_map(has).collect();
        for lock in held {
            self.kernel.release(main, lock);
        }
    }

    /// A thread that is interrupted leaves the line of the lock for which it waits, and keeps the blocks of those only that it has.
    pub(crate) fn leave_lock_line(&mut self, tid: Tid, key: TaskKey) {
        if let Some(wait) = self.kernel.threads[tid].wait
            && let (On::Lock(lock), Some(ticket)) = (wait.on, wait.ticket)
        {
            self.kernel.locks[lock].forget(ticket);
            self.end_wait(Waiter::Thread(tid));
        }
        let mut has = BTreeSet::new();
        let locks = &self.kernel.locks;
        self.tasks[key].frames.retain(|frame| {
            let lock = frame.lock();
            lock.is_none_or(|l| locks[l].owner() == Some(tid) && has.insert(l))
        });
    }

    /// Books the time until now of a task that no thread stands for.
    pub(super) fn book_lost(&mut self, key: TaskKey, threads: &[Tid]) {
        if self.thread_of(key, threads).is_some() {
            return;
        }
        let task = &self.tasks[key];
        let (now, since) = (self.kernel.machine.now(), task.since);
        let cause = match (task.wait, task.future, task.worker) {
            // What sleeps on its loop has been booked already, to the end of its sleep.
            (Some(wait), ..) if wait.on.is_timer() => {
                return self.unbook(key, wait.on.cause(), now, since);
            }
            (Some(wait), ..) if wait.on == On::Part => match (task.future, task.worker) {
                (FutureState::Pending, _) => Cause::Pool,
                (FutureState::Running, Some(_)) => return,
                (FutureState::Running, None) => Cause::Ipc,
                (FutureState::Finished, _) => Cause::Loop,
            },
            (Some(wait), ..) => wait.on.cause(),
            (None, ..) if self.kernel.program.layout.event_loop => Cause::Loop,
            (None, ..) => Cause::Pool,
        };
        if since < now {
            self.book(key, cause, since, now);
        }
    }

    /// What a waiter of a lost task was called for is there for others again.
    fn give_back_called(&mut self, by: Tid, key: TaskKey, who: Waiter) {
        let next = match self.end_wait(who).map(|w| (w.on, w.since)) {
            Some((On::Item(queue), _)) => self.queues[queue].give_up_getting(None),
            Some((On::Room(queue), _)) => self.queues[queue].give_up_putting(None),
            Some((On::Resource(r), since)) => self.give_up_resource(key, r, None, since),
            _ => None,
        };
        if let Some(next) = next {
            self.wake(by, next);
        }
    }

    /// What a lost task used in its blocks from index `from` on is there for others again.
    fn give_back(&mut self, by: Tid, key: TaskKey, from: usize) {
        while self.tasks[key].frames.len() > from {
            let Some(frame) = self.tasks[key].frames.pop() else {
                return;
            };
            match frame {
                // Whoever is at the other end sees that the connection is closed.
                Frame::Use(index, _) => self.end_use(by, Waiter::Task(key), index, None),
                Frame::Breaker(index, passage) => self.breaker_forgets(index, passage),
                // Children that were executed inline are gone with whoever did.
                Frame::Inline { class, .. } => self.tasks[key].class = class,
                Frame::Lock(_)
                | Frame::LoopLock(_)
                | Frame::Token(..)
                | Frame::Hold(..)
                | Frame::Timeout(_)
                | Frame::Retry { .. }
                | Frame::Repeat(..)
                | Frame::Call(..)
                | Frame::OnLoop => {}
            }
        }
    }

    /// Ends the process of a pool's worker, wherever it is; thread `by` of another process pays for what follows outside. Tasks `held`, which it
    /// has in its hands, give back what reality would: connections, turns, places in lines. `parts`: they are parts of coroutines. They stay where
    /// they are, executed by nobody.
    pub(crate) fn kill_worker(&mut self, by: Tid, worker: Tid, held: &[TaskKey], parts: bool) {
        let process = self.kernel.threads[worker].process;
        let threads = self.kernel.threads_of(process);
        let now = self.kernel.machine.now();
        let waiter = Waiter::Thread(worker);
        let executed = self.kernel.threads[worker].task;
        if let Some(key) = executed.filter(|key| held.contains(key)) {
            self.leave_lines_of(key, waiter);
            self.tasks[key].since = now;
        }
        self.kernel.kill(process);
        if let Some(key) = executed.filter(|key| held.contains(key)) {
            self.give_back_called(by, key, waiter);
        }
        for &key in held {
            let from = self.tasks[key].workers_from(parts);
            self.give_back(by, key, from);
            let task = &mut self.tasks[key];
            task.data.goes_down();
            task.worker = None;
        }
        for tid in threads {
            let thread = &mut self.kernel.threads[tid];
            (thread.task, thread.handed, thread.wait) = (None, None, None);
        }
    }

    /// Fails a call that was pending in a pool that is broken: its future has `BrokenProcessPool`. `parts`: it is a part of a coroutine.
    pub(crate) fn fail_pending(&mut self, by: Tid, key: TaskKey, parts: bool) {
        let now = self.kernel.machine.now();
        let task = &self.tasks[key];
        let (since, copy) = (task.since, task.copy);
        let cause = match task.future {
            FutureState::Pending => Cause::Pool,
            FutureState::Running | FutureState::Finished => Cause::Ipc,
        };
        if since < now {
            self.book(key, cause, since, now);
            self.tasks[key].since = now;
        }
        self.drop_sent(key);
        if parts {
            self.fails_in_executor(key);
            let costs = &self.kernel.costs;
            self.kernel.machine.charge(by, costs.aio_threadsafe);
            self.offload_done(by, copy, key);
        } else {
            self.tasks[key].ending = TaskEnd::Failed;
            self.task_ended(key);
        }
    }

    /// Has a coroutine find that what it awaits of an executor has failed.
    pub(crate) fn fails_in_executor(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key];
        if !task.abandoned {
            task.interrupt
                .get_or_insert(Interrupt::Child(TaskEnd::Failed));
        }
    }

    /// Nobody will ever hear of this task again, which a killed worker had.
    pub(crate) fn is_lost(&mut self, key: TaskKey) {
        if !std::mem::replace(&mut self.tasks[key].lost, true) {
            self.lost += 1;
        }
    }

    /// Whether all that is left of the run are tasks that are lost, of a program to which nothing else comes from outside.
    pub(crate) fn only_lost_are_left(&self) -> bool {
        let over = self.arrivals_from_outside() && !self.expects_outside();
        self.lost > 0 && self.tasks.alive() == self.lost && over
    }

    /// Ends a task whose process is gone. Its memory has gone with it.
    fn lose(&mut self, key: TaskKey, why: Death) {
        let task = &mut self.tasks[key];
        (task.data, task.ending) = (Data::default(), TaskEnd::Failed);
        let abandoned = task.abandoned;
        self.lost -= u64::from(std::mem::take(&mut task.lost));
        if abandoned {
            self.tasks.remove(key);
        } else if task.parent.is_some() {
            let now = self.kernel.machine.now();
            let arrival = self.tasks[key].arrival;
            if let Some(r) = &mut self.kernel.recorder {
                r.task_ends(key, None, TaskEnd::Failed, now);
            }
            self.spent(key, now.since(arrival));
            self.tasks.remove(key);
        } else {
            self.deaths(why).tasks += 1;
            self.ends_outside(key);
        }
    }
}
