//! `ProcessPoolExecutor` and `multiprocessing.Pool`: facts sheet 9 and 10.

use std::collections::VecDeque;

use super::exec::{Flow, Mode};
use super::index::{CopyIndex, PipeIndex, ProcessPoolIndex};
use super::ipc::Message;
use super::names::ProcessKind;
use super::program::Executor;
use super::role::{Deed, ManagerDeed, ManagerState, Role, WorkerDeed, WorkerState};
use super::sim::Sim;
use super::task::{Task, TaskKey};
use super::thread::{Act, Home};
use super::wait::{On, Waiter};
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
use crate::scenario::StartMethod;
use crate::sync::{Asked, Lock, Passing, Ticket};

/// Bytes of a pickled call or result besides its payload.
const ENVELOPE: u64 = 256;

/// A pool of worker processes as its parent sees it.
pub(crate) struct ProcessPool {
    copy: CopyIndex,
    home: Home,
    workers_max: u32,
    start: StartMethod,
    /// `multiprocessing.Pool` rather than the executor.
    mp: bool,
    parts: bool,
    /// Submitted, not yet in the call queue.
    pub(crate) work: VecDeque<TaskKey>,
    /// In the call queue's buffer, for the feeder.
    pub(crate) calls: VecDeque<TaskKey>,
    /// Calls put and not yet received by a worker.
    unread: u32,
    pending: u64,
    tokens: u64,
    workers: Vec<Tid>,
    manager: Option<Tid>,
    feeder: Option<Tid>,
    /// The wake-up pipe holds something.
    woken: bool,
    pub(crate) call_pipe: PipeIndex,
    pub(crate) result_pipe: PipeIndex,
    /// `multiprocessing.Lock`s of the two pipes.
    read_lock: Lock<Tid>,
    write_lock: Lock<Tid>,
    closing: bool,
}

impl Sim<'_> {
    pub(crate) fn new_process_pool(
        &mut self,
        copy: CopyIndex,
        home: Home,
        parts: bool,
    ) -> ProcessPoolIndex {
        let (workers_max, start, mp) = match self.program.layout.executor {
            Executor::Processes(n, start) => (n, start, false),
            Executor::MpPool(n, start, _) => (n, start, true),
            _ => (1, StartMethod::Spawn, false),
        };
        let (call_pipe, result_pipe) = (self.new_pipe(), self.new_pipe());
        self.process_pools.push_and_get_key(ProcessPool {
            copy,
            home,
            workers_max,
            start,
            mp,
            parts,
            work: VecDeque::new(),
            calls: VecDeque::new(),
            unread: 0,
            pending: 0,
            tokens: 0,
            workers: Vec::new(),
            manager: None,
            feeder: None,
            woken: false,
            call_pipe,
            result_pipe,
            read_lock: Lock::default(),
            write_lock: Lock::default(),
            closing: false,
        })
    }

    /// `multiprocessing.Pool()`: every worker and the two handler threads start in the constructor.
    pub(crate) fn open_mp_pool(&mut self, tid: Tid, pool: ProcessPoolIndex) {
        let mut acts = Vec::new();
        for _ in 0..self.process_pools[pool].workers_max {
            self.start_worker(pool, &mut acts);
        }
        self.script_front(tid, &acts);
        self.start_parent_threads(tid, pool);
    }

    fn pickle_in_c(time: Nanos) -> Act {
        Act::Pickle { time, in_c: true }
    }

    fn script_front(&mut self, tid: Tid, acts: &[Act]) {
        for &act in acts.iter().rev() {
            self.push_front(tid, act);
        }
    }

    fn start_worker(&mut self, pool: ProcessPoolIndex, acts: &mut Vec<Act>) {
        let p = &self.process_pools[pool];
        let (kind, parent) = (ProcessKind::Worker(p.start), p.home.process);
        let home = self.new_process(kind, parent);
        let worker = self.new_thread(Role::ProcessWorker(pool, WorkerState::Get), home);
        let p = &mut self.process_pools[pool];
        p.workers.push(worker);
        let start = p.start;
        self.start_process(start, worker, acts);
        self.push(worker, Act::Do(Deed::Worker(pool, WorkerDeed::Ready)));
    }

    /// The manager (result handler) and the feeder (task handler), after whatever the thread does first.
    fn start_parent_threads(&mut self, tid: Tid, pool: ProcessPoolIndex) {
        let home = self.process_pools[pool].home;
        let manager = self.new_thread(Role::Manager(pool, ManagerState::Fill), home);
        self.process_pools[pool].manager = Some(manager);
        let rest: Vec<Act> = self.threads[tid as usize].script.drain(..).collect();
        self.start_thread(tid, manager);
        self.script_front(tid, &rest);
        let rss = Nanos::from_f64(self.profile.params.ppe_rss).0;
        self.take(tid, rss);
    }

    /// `submit`, its own CPU paid: queue the work, wake the manager, start what is missing.
    pub(crate) fn process_submit(&mut self, tid: Tid, pool: ProcessPoolIndex, key: TaskKey) {
        let there = self.payload_memory(self.tasks[key].payload);
        let own = self.item_memory();
        self.take(tid, there);
        self.hop(key, tid);
        let p = &mut self.process_pools[pool];
        p.work.push_back(key);
        p.pending += 1;
        if p.mp {
            // `map` makes its chunks of the whole list.
            let copy = p.copy;
            self.take(tid, own);
            if self.list_is_complete(copy) {
                self.wake_feeder(tid, pool);
            }
            return;
        }
        self.wake_manager(tid, pool);
        let p = &mut self.process_pools[pool];
        let mut acts = Vec::new();
        let started = u32::try_from(p.workers.len()).expect("few workers");
        let wanted = if p.start == StartMethod::Fork {
            // With fork all start before the first manager thread does, never after.
            if p.manager.is_none() {
                p.workers_max
            } else {
                0
            }
        } else if p.tokens > 0 {
            p.tokens -= 1;
            0
        } else {
            u32::from(started < p.workers_max)
        };
        let first = p.manager.is_none();
        for _ in 0..wanted {
            self.start_worker(pool, &mut acts);
        }
        if first {
            let later: Vec<Act> = self.threads[tid as usize].script.drain(..).collect();
            self.start_parent_threads(tid, pool);
            self.script_front(tid, &acts);
            for act in later {
                self.push(tid, act);
            }
        } else {
            self.script_front(tid, &acts);
        }
        self.take(tid, own);
    }

    fn wake_manager(&mut self, tid: Tid, pool: ProcessPoolIndex) {
        let p = &mut self.process_pools[pool];
        p.woken = true;
        if let Some(m) = p.manager {
            self.unpark_by(tid, m);
        }
    }

    fn wake_feeder(&mut self, tid: Tid, pool: ProcessPoolIndex) {
        if let Some(feeder) = self.process_pools[pool].feeder {
            self.unpark_by(tid, feeder);
            return;
        }
        let home = self.process_pools[pool].home;
        let feeder = self.new_thread(Role::Feeder(pool), home);
        self.process_pools[pool].feeder = Some(feeder);
        self.start_thread(tid, feeder);
    }

    // ---- the management thread (multiprocessing.Pool: the result handler)

    pub(crate) fn refill_manager(&mut self, tid: Tid, pool: ProcessPoolIndex, state: ManagerState) {
        let p = &self.process_pools[pool];
        if p.mp {
            self.refill_result_handler(tid, pool);
            return;
        }
        if state == ManagerState::Fill {
            // The call queue holds one call more than there are workers.
            if p.unread <= p.workers_max && !p.work.is_empty() {
                self.push(tid, Act::Run(self.costs.ppe_fill));
                self.push(tid, Act::Do(Deed::Manager(pool, ManagerDeed::Filled)));
            } else {
                self.threads[tid as usize].role = Role::Manager(pool, ManagerState::Wait);
            }
            return;
        }
        if p.closing && p.pending == 0 {
            self.dismiss_workers(tid, pool);
            return;
        }
        let workers = p.workers.len() as u64;
        self.push(
            tid,
            Act::Run(self.costs.ppe_wait + self.costs.ppe_wait_worker * workers),
        );
        self.push(tid, Act::native(self.syscall));
        self.push(tid, Act::Do(Deed::Manager(pool, ManagerDeed::Polled)));
    }

    fn refill_result_handler(&mut self, tid: Tid, pool: ProcessPoolIndex) {
        let p = &self.process_pools[pool];
        if p.closing && p.pending == 0 {
            self.dismiss_workers(tid, pool);
            return;
        }
        let pipe = p.result_pipe;
        self.push(tid, Act::Read(pipe));
        self.push(tid, Act::Do(Deed::Manager(pool, ManagerDeed::Result)));
    }

    fn dismiss_workers(&mut self, tid: Tid, pool: ProcessPoolIndex) {
        let call_pipe = self.process_pools[pool].call_pipe;
        let reader = self.close_pipe(call_pipe);
        if let Some(worker) = reader {
            self.unpark_by(tid, worker);
        }
        while let Some(worker) = self.process_pools[pool].read_lock.dismiss() {
            self.wake(tid, Waiter::Thread(worker));
        }
        if let Some(feeder) = self.process_pools[pool].feeder {
            self.unpark_by(tid, feeder);
        }
        self.end_thread(tid, Nanos::ZERO);
        self.push(tid, Act::Exit);
    }

    pub(crate) fn manager_does(&mut self, tid: Tid, pool: ProcessPoolIndex, deed: ManagerDeed) {
        let p = &mut self.process_pools[pool];
        match deed {
            ManagerDeed::Filled => {
                if let Some(key) = p.work.pop_front() {
                    p.calls.push_back(key);
                    p.unread += 1;
                    self.wake_feeder(tid, pool);
                }
            }
            ManagerDeed::Polled => {
                let pipe = p.result_pipe;
                if self.pipes[pipe].readable() {
                    self.push(tid, Act::Read(pipe));
                    self.push(tid, Act::Do(Deed::Manager(pool, ManagerDeed::Result)));
                } else if std::mem::take(&mut p.woken) {
                    self.threads[tid as usize].role = Role::Manager(pool, ManagerState::Fill);
                } else if !(p.closing && p.pending == 0) {
                    self.pipes[pipe].watch(tid);
                    self.push_front(tid, Act::Do(Deed::Manager(pool, ManagerDeed::Polled)));
                    self.push_front(tid, Act::park(On::Bytes(pipe), Nanos::MAX));
                }
            }
            ManagerDeed::Result => {
                let pipe = p.result_pipe;
                let result = if p.mp {
                    self.costs.pool_result
                } else {
                    self.costs.ppe_result
                };
                if self.pipes[pipe].front().is_none() {
                    return; // Closed.
                }
                let message = self.pipes[pipe].pop();
                let payload = message.size.saturating_sub(ENVELOPE);
                let loads = self.loads_cost(payload, self.chunk_objects(message.task).1);
                // Buffer and object exist together while the result is unpickled.
                self.allocate_own(tid, payload);
                self.allocate_own(tid, payload);
                self.push(tid, Self::pickle_in_c(loads));
                self.push(tid, Act::Free(payload));
                self.push(tid, Act::Run(result));
                self.threads[tid as usize].handed = Some(message.task);
                let done = ManagerDeed::Done(message.task);
                self.push(tid, Act::Do(Deed::Manager(pool, done)));
                self.work_on(tid, Some(message.task));
            }
            ManagerDeed::Done(first) => {
                self.work_on(tid, None);
                let p = &mut self.process_pools[pool];
                p.woken = false;
                p.tokens += 1;
                let parts = p.parts;
                let copy = p.copy;
                let t = &mut self.threads[tid as usize];
                t.role = Role::Manager(pool, ManagerState::Fill);
                t.handed = None;
                let mut next = Some(first);
                while let Some(key) = next {
                    next = self.tasks[key].next.take();
                    self.process_pools[pool].pending -= 1;
                    self.result_arrived(tid, key, copy, parts);
                }
            }
        }
    }

    fn result_arrived(&mut self, tid: Tid, key: TaskKey, copy: CopyIndex, parts: bool) {
        let now = self.machine.now();
        let since = self.tasks[key].since;
        self.book(key, Cause::Ipc, since, now);
        self.tasks[key].since = now;
        self.hop(key, tid);
        let there = self.payload_memory(self.tasks[key].payload);
        let own = if parts { 0 } else { self.item_memory() };
        self.give(tid, there + own);
        // What was unpickled is the program's own now, and resident.
        let back = self.tasks[key].data.result;
        self.result_received(key, back);
        if parts {
            self.machine.charge(tid, self.costs.aio_threadsafe);
            self.offload_done(tid, copy, key);
        } else {
            self.task_ended(key);
        }
    }

    // ---- the feeder thread (multiprocessing.Pool: the task handler)

    pub(crate) fn refill_feeder(&mut self, tid: Tid, pool: ProcessPoolIndex) {
        self.work_on(tid, None);
        let chunk = self.chunk_size(pool);
        let now = self.machine.now();
        let p = &mut self.process_pools[pool];
        let first = if p.mp {
            p.work.pop_front()
        } else {
            p.calls.pop_front()
        };
        let Some(first) = first else {
            if p.closing && p.pending == 0 {
                self.end_thread(tid, Nanos::ZERO);
                self.push(tid, Act::Exit);
            } else {
                self.push(tid, Act::park(On::Calls, Nanos::MAX));
            }
            return;
        };
        let mut size = self.tasks[first].payload;
        let mut last = first;
        for _ in 1..chunk {
            let Some(key) = self.process_pools[pool].work.pop_front() else {
                break;
            };
            self.tasks[last].next = Some(key);
            size += self.tasks[key].payload;
            last = key;
        }
        let mut next = Some(first);
        while let Some(key) = next {
            let since = self.tasks[key].since;
            self.book(key, Cause::Pool, since, now);
            self.hop(key, tid);
            self.tasks[key].since = now;
            next = self.tasks[key].next;
        }
        let cost = if self.process_pools[pool].mp {
            self.costs.pool_task
        } else {
            self.costs.ppe_feed
        };
        let dumps = self.dumps_cost(size, self.chunk_objects(first).0);
        self.threads[tid as usize].handed = Some(first);
        self.work_on(tid, Some(first));
        // The pickle of one call is let go when the next has been made.
        let before = std::mem::replace(&mut self.threads[tid as usize].call_bytes, size);
        self.allocate_own(tid, size);
        self.push(tid, Act::Run(cost));
        self.push(tid, Self::pickle_in_c(self.costs.pickle_fixed + dumps));
        self.push(tid, Act::Free(before));
        self.push(tid, Act::Do(Deed::Pickled(pool)));
        let pipe = self.process_pools[pool].call_pipe;
        self.push(tid, Act::Write(pipe, size + ENVELOPE));
    }

    pub(crate) fn call_pickled(&mut self, tid: Tid, pool: ProcessPoolIndex) {
        if let Some(key) = self.threads[tid as usize].handed.take() {
            let size = ENVELOPE + self.calls_size(key);
            let pipe = self.process_pools[pool].call_pipe;
            self.send(pipe, key, size);
        }
    }

    /// Tasks in a message: one with the executor; `map`'s choice with a pool.
    fn chunk_size(&self, pool: ProcessPoolIndex) -> u64 {
        let p = &self.process_pools[pool];
        match self.program.layout.executor {
            Executor::MpPool(workers, _, 0) if !self.program.batch.is_empty() => self
                .own_share(p.copy)
                .div_ceil(4 * u64::from(workers))
                .max(1),
            Executor::MpPool(_, _, chunk) if p.mp && !self.program.batch.is_empty() => {
                u64::from(chunk.max(1))
            }
            _ => 1,
        }
    }

    // ---- the worker

    pub(crate) fn refill_process_worker(
        &mut self,
        tid: Tid,
        pool: ProcessPoolIndex,
        state: WorkerState,
    ) {
        let p = &mut self.process_pools[pool];
        match state {
            WorkerState::Get => {
                if p.closing && p.pending == 0 {
                    self.process_worker_is(tid, WorkerState::Leave);
                } else if let Some(ticket) = Self::turn(&mut p.read_lock, tid) {
                    self.await_turn(tid, On::CallTurn, ticket);
                } else {
                    let pipe = p.call_pipe;
                    self.push(tid, Act::Read(pipe));
                    self.push(tid, Act::Do(Deed::Worker(pool, WorkerDeed::Got)));
                }
            }
            WorkerState::Work(key) => {
                let mode = if p.parts { Mode::Part } else { Mode::Inline };
                if self.step(tid, key, mode) == Flow::Over {
                    self.worker_task_over(tid, pool, key);
                }
            }
            WorkerState::Put(first) => {
                if let Some(ticket) = Self::turn(&mut p.write_lock, tid) {
                    self.await_turn(tid, On::ResultTurn, ticket);
                } else {
                    let pipe = p.result_pipe;
                    let size = ENVELOPE + self.results_size(first);
                    self.process_worker_is(tid, WorkerState::Get);
                    self.send(pipe, first, size);
                    self.push(tid, Act::Write(pipe, size));
                    self.push(tid, Act::Do(Deed::Worker(pool, WorkerDeed::Sent)));
                }
            }
            WorkerState::Leave => {
                let spawned = p.start == StartMethod::Spawn;
                let cost = if spawned {
                    self.costs.spawn_exit
                } else {
                    self.costs.process_exit
                };
                self.push(tid, Act::Run(cost));
                self.push(tid, Act::Exit);
            }
        }
    }

    /// Asks for a lock of the pool's pipes, which may have been handed over meanwhile; a ticket if it has to be waited for.
    fn turn(lock: &mut Lock<Tid>, tid: Tid) -> Option<Ticket> {
        if lock.owner() == Some(tid) {
            return None;
        }
        match lock.ask(tid) {
            Asked::Granted => None,
            Asked::Waits(ticket) => Some(ticket),
        }
    }

    fn await_turn(&mut self, tid: Tid, on: On, ticket: Ticket) {
        self.begin_wait(Waiter::Thread(tid), on, Some(ticket), Nanos::MAX);
        self.push(tid, Act::park(on, Nanos::MAX));
    }

    /// The worker's task is over: the next of its chunk, or the result of all.
    fn worker_task_over(&mut self, tid: Tid, pool: ProcessPoolIndex, key: TaskKey) {
        let now = self.machine.now();
        self.count_for(tid, Some(key), false, Cause::Ipc);
        self.tasks[key].since = now;
        if let Some(next) = self.tasks[key].next {
            let since = self.tasks[next].since;
            self.book(next, Cause::Pool, since, now);
            self.threads[tid as usize].task = Some(next);
            self.process_worker_is(tid, WorkerState::Work(next));
            self.stand_for(tid, Some(next), Cause::Running);
            return;
        }
        let first = self.threads[tid as usize]
            .handed
            .expect("set with the message");
        let back = self.results_size(first);
        self.allocate_own(tid, back);
        // The tasks are gone when the parent is quick: what is to be let go when the result has been sent is noted here.
        let mut own = 0;
        let mut next = Some(first);
        while let Some(key) = next {
            let data = &mut self.tasks[key].data;
            own += std::mem::take(&mut data.resident) + std::mem::take(&mut data.arguments);
            next = self.tasks[key].next;
        }
        let t = &mut self.threads[tid as usize];
        t.result_bytes = (back, own);
        t.task = None;
        self.process_worker_is(tid, WorkerState::Put(first));
        let dumps = self.dumps_cost(back, self.chunk_objects(first).1);
        let put = if self.process_pools[pool].mp {
            self.costs.pool_result
        } else {
            self.costs.ppe_put
        };
        self.push(tid, Act::Run(put));
        self.push(tid, Self::pickle_in_c(dumps));
    }

    /// Payload of the tasks of a message, there.
    fn calls_size(&self, first: TaskKey) -> u64 {
        self.chunk(first).map(|t| t.payload).sum()
    }

    /// Payload of the tasks of a message, back.
    fn results_size(&self, first: TaskKey) -> u64 {
        self.chunk(first).map(|t| t.data.result).sum()
    }

    /// Objects of the tasks of a message, there and back.
    fn chunk_objects(&self, first: TaskKey) -> (u64, u64) {
        let objects = |t: &Task| self.program.classes[t.class as usize].objects;
        self.chunk(first)
            .fold((0, 0), |(a, b), t| (a + objects(t).0, b + objects(t).1))
    }

    fn chunk(&self, first: TaskKey) -> impl Iterator<Item = &Task> {
        let mut next = Some(first);
        std::iter::from_fn(move || {
            let task = &self.tasks[next?];
            next = task.next;
            Some(task)
        })
    }

    fn process_worker_is(&mut self, tid: Tid, now: WorkerState) {
        if let Role::ProcessWorker(_, state) = &mut self.threads[tid as usize].role {
            *state = now;
        }
    }

    pub(crate) fn process_worker_does(
        &mut self,
        tid: Tid,
        pool: ProcessPoolIndex,
        deed: WorkerDeed,
    ) {
        let now = self.machine.now();
        match deed {
            WorkerDeed::Ready => {
                self.children += 1;
                self.threads[tid as usize].scratch = now.0;
                self.threads[tid as usize].free = now;
            }
            WorkerDeed::Got => self.got_call(tid, pool),
            WorkerDeed::Unpickled => {
                let key = self.threads[tid as usize].task.expect("just received");
                let buffer = self.calls_size(key);
                self.free_own(tid, buffer);
            }
            WorkerDeed::Run => self.machine.set_run_cause(tid, Cause::Running),
            WorkerDeed::Sent => {
                self.threads[tid as usize].handed = None;
                self.work_on(tid, None);
                // The call's arguments live until its result is sent.
                let t = &self.threads[tid as usize];
                let (call, (result, own)) = (t.call_bytes, t.result_bytes);
                self.free_own(tid, call);
                self.free_own(tid, result);
                self.give(tid, own);
                let lock = &mut self.process_pools[pool].write_lock;
                let next = lock.give(Passing::HandOver);
                self.threads[tid as usize].free = now;
                if let Some(next) = next {
                    self.wake(tid, Waiter::Thread(next));
                }
            }
        }
    }

    fn got_call(&mut self, tid: Tid, pool: ProcessPoolIndex) {
        let p = &mut self.process_pools[pool];
        let next_reader = p.read_lock.give(Passing::HandOver);
        let (pipe, mp) = (p.call_pipe, p.mp);
        if self.pipes[pipe].front().is_none() {
            self.process_worker_is(tid, WorkerState::Leave);
            return;
        }
        if !mp {
            p.unread -= 1;
        }
        let message = self.pipes[pipe].pop();
        if let Some(next) = next_reader {
            self.wake(tid, Waiter::Thread(next));
        }
        let key = message.task;
        self.book_call(tid, &message);
        let payload = message.size.saturating_sub(ENVELOPE);
        let t = &mut self.threads[tid as usize];
        t.task = Some(key);
        t.handed = Some(key);
        t.call_bytes = payload;
        self.process_worker_is(tid, WorkerState::Work(key));
        self.stand_for(tid, Some(key), Cause::Ipc);
        // Buffer and object exist together while the call is unpickled.
        self.allocate_own(tid, payload);
        self.allocate_own(tid, payload);
        let loads = self.loads_cost(payload, self.chunk_objects(key).0);
        let get = if mp {
            self.costs.pool_task
        } else {
            self.costs.ppe_get
        };
        self.push(tid, Act::Run(get));
        self.push(tid, Self::pickle_in_c(self.costs.pickle_fixed + loads));
        self.push(tid, Act::Do(Deed::Worker(pool, WorkerDeed::Unpickled)));
        self.push(tid, Act::Do(Deed::Worker(pool, WorkerDeed::Run)));
    }

    /// Books a call's time from the feeder to the worker that takes it now: it is handed over while it is pickled, written
    /// and read, but in the pipe it waits for a worker as long as none is free.
    fn book_call(&mut self, tid: Tid, message: &Message) {
        let now = self.machine.now();
        let key = message.task;
        let free = self.threads[tid as usize].free;
        let up = Nanos(self.threads[tid as usize].scratch);
        let since = self.tasks[key].since;
        let written = message.written.clamp(since.max(up).min(now), now);
        let taken = free.clamp(written, now);
        if taken > written {
            self.book_wait_until(tid, key, Cause::Ipc, written);
            self.book(key, Cause::Pool, written, taken);
            self.tasks[key].since = taken;
        }
        self.book_wait(tid, key, Cause::Ipc);
    }

    /// `shutdown`: the manager ends when nothing is pending.
    pub(crate) fn close_process_pool(&mut self, by: Tid, pool: ProcessPoolIndex) {
        let p = &mut self.process_pools[pool];
        p.closing = true;
        p.woken = true;
        if p.mp {
            let pipe = p.result_pipe;
            let reader = self.close_pipe(pipe);
            if let Some(r) = reader {
                self.unpark_by(by, r);
            }
            return;
        }
        if let Some(m) = p.manager {
            self.unpark_by(by, m);
        }
    }
}
