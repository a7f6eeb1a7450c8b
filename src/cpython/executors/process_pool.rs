//! `ProcessPoolExecutor` and `multiprocessing.Pool`: facts sheet 9 and 10.

mod crash;
mod feeder;
mod interrupt;
mod replace;

use std::collections::VecDeque;

use super::Client;
use super::messages::{
    book_call, buffer_takes, calls_size, chunk_objects, pickle_takes, receive, result_arrived,
    results_size,
};
use crate::cpython::index::{PipeIndex, ProcessPoolIndex};
use crate::cpython::kernel::{Act, Blocks, Kernel, On, ProcessKind};
use crate::cpython::role::{
    ManagerAction, ManagerState, RoleAction, ThreadRole, WorkerAction, WorkerState,
};
use crate::cpython::work::{Flow, FutureState, Mode, TaskKey, Work};
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
use crate::scenario::StartMethod;
use crate::sync::{Acquisition, Lock, LockHandoff, Ticket};

/// Size of a pickled call or result without its payload, in bytes.
const ENVELOPE: u64 = 256;

/// What kind of pool it is.
#[derive(Clone, Copy)]
pub(crate) struct PoolKind {
    /// Most workers.
    pub(crate) workers: u32,
    /// How they are started.
    pub(crate) start: StartMethod,
    /// Whether it is a `multiprocessing.Pool` rather than a `ProcessPoolExecutor`, and its chunk size (see [`ProcessPool`]).
    pub(crate) api: (bool, u32),
    /// Messages after which a worker ends; `None`: it stays.
    pub(crate) max_tasks: Option<u32>,
}

/// A process pool, as its parent process sees it.
pub(crate) struct ProcessPool {
    index: ProcessPoolIndex,
    pub(crate) client: Client,
    workers_max: u32,
    start: StartMethod,
    /// Whether it is a `multiprocessing.Pool` rather than a `ProcessPoolExecutor`. Its chunk size follows; 0: the one that `map` of a `Pool`
    /// chooses.
    mp: bool,
    chunk: u32,
    /// The first and the last task of a chunk of the executor that is not complete yet.
    incomplete: Option<(TaskKey, TaskKey)>,
    max_tasks: Option<u32>,
    /// Of results on their way: those that are the last of their workers, by their first tasks.
    last: Vec<(TaskKey, Tid)>,
    /// The thread of a `Pool` that replaces workers.
    handler: Option<Tid>,
    /// Tasks that were submitted and are not in the call queue yet.
    pub(crate) backlog: VecDeque<TaskKey>,
    /// Tasks in the call queue's buffer, which the feeder thread takes.
    pub(crate) calls: VecDeque<TaskKey>,
    /// Number of calls in the call queue that no worker has received yet.
    unread: u32,
    pending: u64,
    tokens: u64,
    pub(super) workers: Vec<Tid>,
    manager: Option<Tid>,
    feeder: Option<Tid>,
    /// Whether the wake-up pipe holds bytes.
    woken: bool,
    pub(crate) call_pipe: PipeIndex,
    pub(crate) result_pipe: PipeIndex,
    /// The `multiprocessing.Lock` of the call pipe. That of the result pipe follows.
    read_lock: Lock<Tid>,
    write_lock: Lock<Tid>,
    closing: bool,
    /// Workers of the executor that have crashed, and that the management thread has not come to.
    crashed: Vec<Tid>,
    /// The first tasks of the calls that those had in their hands.
    orphans: Vec<TaskKey>,
    /// Workers in native code that were interrupted: they find out when that returns.
    interrupted: Vec<Tid>,
    /// Workers that have been interrupted once where that passes.
    spared: Vec<Tid>,
    /// Whether the executor is broken: whatever is submitted fails.
    pub(crate) broken: bool,
}

fn pickle_in_c(time: Nanos) -> Act {
    Act::Pickle { time, in_c: true }
}

fn script_front(kernel: &mut Kernel<'_>, tid: Tid, acts: &[Act]) {
    for &act in acts.iter().rev() {
        kernel.push_front(tid, act);
    }
}

fn worker_is(kernel: &mut Kernel<'_>, tid: Tid, now: WorkerState) {
    if let ThreadRole::ProcessWorker(_, state) = &mut kernel.threads[tid].role {
        *state = now;
    }
}

/// Asks for a lock of the pool's pipes, which may have been handed over meanwhile. Returns a ticket if the thread has to wait.
fn turn(lock: &mut Lock<Tid>, tid: Tid) -> Option<Ticket> {
    if lock.owner() == Some(tid) {
        return None;
    }
    match lock.ask(tid) {
        Acquisition::Granted => None,
        Acquisition::Waits(ticket) => Some(ticket),
    }
}

fn await_turn(kernel: &mut Kernel<'_>, tid: Tid, on: On, ticket: Ticket) {
    kernel.begin_wait(tid, on, Some(ticket), Nanos::MAX);
    kernel.push(tid, Act::park(on, Nanos::MAX));
}

impl ProcessPool {
    /// Creates the pool without workers.
    pub(super) fn new(
        index: ProcessPoolIndex,
        client: Client,
        kind: PoolKind,
        kernel: &mut Kernel<'_>,
    ) -> Self {
        let PoolKind {
            workers: workers_max,
            start,
            api: (mp, chunk),
            max_tasks,
        } = kind;
        let (call_pipe, result_pipe) = (kernel.new_pipe(), kernel.new_pipe());
        Self {
            index,
            client,
            workers_max,
            start,
            mp,
            chunk,
            incomplete: None,
            max_tasks,
            last: Vec::new(),
            handler: None,
            backlog: VecDeque::new(),
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
            crashed: Vec::new(),
            orphans: Vec::new(),
            interrupted: Vec::new(),
            spared: Vec::new(),
            broken: false,
        }
    }

    /// The first task of a chunk that is not complete yet.
    pub(crate) fn incomplete(&self) -> Option<TaskKey> {
        self.incomplete.map(|(first, _)| first)
    }

    /// `multiprocessing.Pool()`: starts all workers and the two handler threads in the constructor.
    pub(crate) fn open(&mut self, kernel: &mut Kernel<'_>, tid: Tid) {
        // Without an end of workers, the thread that looks after them has nothing to do.
        if self.max_tasks.is_some() || kernel.kills {
            let role = ThreadRole::Handler(self.index);
            self.handler = Some(kernel.new_thread(role, self.client.home, 0));
        }
        let mut acts = Vec::new();
        for _ in 0..self.workers_max {
            self.start_worker(kernel, &mut acts);
        }
        script_front(kernel, tid, &acts);
        if let Some(handler) = self.handler {
            let rest: Vec<Act> = kernel.threads[tid].script.drain(..).collect();
            kernel.start_thread(tid, handler);
            script_front(kernel, tid, &rest);
        }
        self.start_parent_threads(kernel, tid);
    }

    fn start_worker(&mut self, kernel: &mut Kernel<'_>, acts: &mut Vec<Act>) {
        let (kind, parent) = (
            ProcessKind::Worker(self.index, self.start),
            self.client.home.process,
        );
        let home = kernel.new_process(kind, parent);
        let worker = kernel.new_thread(
            ThreadRole::ProcessWorker(self.index, WorkerState::Boot),
            home,
            0,
        );
        self.workers.push(worker);
        kernel.processes[home.process].joiner = self.handler;
        let start = self.start;
        kernel.start_process(start, worker, acts);
        kernel.push(
            worker,
            Act::Do(RoleAction::Worker(self.index, WorkerAction::Ready)),
        );
    }

    /// Starts the management thread (result handler) and the feeder thread (task handler), after the acts that are scripted already.
    fn start_parent_threads(&mut self, kernel: &mut Kernel<'_>, tid: Tid) {
        let home = self.client.home;
        let manager =
            kernel.new_thread(ThreadRole::Manager(self.index, ManagerState::Fill), home, 0);
        self.manager = Some(manager);
        let rest: Vec<Act> = kernel.threads[tid].script.drain(..).collect();
        kernel.start_thread(tid, manager);
        script_front(kernel, tid, &rest);
        let rss = kernel.costs.ppe_rss;
        kernel.take(tid, rss);
    }

    /// `submit`, whose CPU time has been paid: queues the work, wakes the management thread, and starts missing workers. `map` submits a chunk
    /// when it has all of its tasks.
    pub(crate) fn submit(&mut self, work: &mut Work<'_>, tid: Tid, key: TaskKey) {
        let own = work.kernel.costs.tpe_item_rss;
        work.sends(tid, key);
        work.kernel.hop(key, tid);
        self.pending += 1;
        if self.mp {
            self.backlog.push_back(key);
            // `map` forms its chunks from the whole list.
            let copy = self.client.copy;
            work.kernel.take(tid, own);
            if work.list_is_complete(copy) {
                self.wake_feeder(&mut work.kernel, tid);
            }
            return;
        }
        let Some(first) = self.with_its_chunk(work, key) else {
            return;
        };
        if self.broken {
            self.refuse(work, tid, first);
            return;
        }
        self.backlog.push_back(first);
        self.wake_manager(&mut work.kernel, tid);
        let mut acts = Vec::new();
        let started = u32::try_from(self.workers.len()).expect("few workers");
        let wanted = if self.start == StartMethod::Fork {
            // With fork, all workers start before the management thread, and none after it.
            if self.manager.is_none() {
                self.workers_max
            } else {
                0
            }
        } else if self.tokens > 0 {
            self.tokens -= 1;
            0
        } else {
            u32::from(started < self.workers_max)
        };
        let first = self.manager.is_none();
        for _ in 0..wanted {
            self.start_worker(&mut work.kernel, &mut acts);
        }
        if first {
            let later: Vec<Act> = work.kernel.threads[tid].script.drain(..).collect();
            self.start_parent_threads(&mut work.kernel, tid);
            script_front(&mut work.kernel, tid, &acts);
            for act in later {
                work.kernel.push(tid, act);
            }
        } else {
            script_front(&mut work.kernel, tid, &acts);
        }
        work.kernel.take(tid, own);
    }

    /// Adds a task to the chunk that is being formed; returns the chunk's first task once it has all.
    fn with_its_chunk(&mut self, work: &mut Work<'_>, key: TaskKey) -> Option<TaskKey> {
        let first = match self.incomplete {
            Some((first, last)) => {
                work.tasks[last].next = Some(key);
                first
            }
            None => key,
        };
        let complete = self.client.parts || work.chunk_is_complete(self.client.copy, self.chunk);
        self.incomplete = (!complete).then_some((first, key));
        complete.then_some(first)
    }

    fn wake_manager(&mut self, kernel: &mut Kernel<'_>, tid: Tid) {
        self.woken = true;
        if let Some(m) = self.manager {
            kernel.unpark_by(tid, m);
        }
    }

    fn wake_feeder(&mut self, kernel: &mut Kernel<'_>, tid: Tid) {
        if let Some(feeder) = self.feeder {
            kernel.unpark_by(tid, feeder);
            return;
        }
        let home = self.client.home;
        let feeder = kernel.new_thread(ThreadRole::Feeder(self.index), home, 0);
        self.feeder = Some(feeder);
        kernel.start_thread(tid, feeder);
    }

    // ---- the management thread (multiprocessing.Pool: the result handler)

    pub(crate) fn refill_manager(
        &mut self,
        kernel: &mut Kernel<'_>,
        tid: Tid,
        state: ManagerState,
    ) {
        if self.mp {
            self.refill_result_handler(kernel, tid);
            return;
        }
        if state == ManagerState::Fill {
            // The call queue holds one call more than there are workers.
            if self.unread <= self.workers_max && !self.backlog.is_empty() {
                kernel.push(tid, Act::Run(kernel.costs.ppe_fill));
                kernel.push(
                    tid,
                    Act::Do(RoleAction::Manager(self.index, ManagerAction::Filled)),
                );
            } else {
                kernel.threads[tid].role = ThreadRole::Manager(self.index, ManagerState::Wait);
            }
            return;
        }
        if self.closing && self.pending == 0 {
            self.dismiss_workers(kernel, tid);
            return;
        }
        kernel.push(tid, Act::Run(self.wait_cost(kernel)));
        kernel.push(tid, Act::native(kernel.syscall));
        kernel.push(
            tid,
            Act::Do(RoleAction::Manager(self.index, ManagerAction::Polled)),
        );
    }

    fn refill_result_handler(&mut self, kernel: &mut Kernel<'_>, tid: Tid) {
        if self.closing && self.pending == 0 {
            self.dismiss_workers(kernel, tid);
            return;
        }
        let pipe = self.result_pipe;
        kernel.push(tid, Act::Read(pipe));
        kernel.push(
            tid,
            Act::Do(RoleAction::Manager(self.index, ManagerAction::Result)),
        );
    }

    fn dismiss_workers(&mut self, kernel: &mut Kernel<'_>, tid: Tid) {
        let call_pipe = self.call_pipe;
        let reader = kernel.close_pipe(call_pipe);
        if let Some(worker) = reader {
            kernel.unpark_by(tid, worker);
        }
        while let Some(worker) = self.read_lock.dismiss() {
            kernel.wake(tid, worker);
        }
        for other in [self.feeder, self.handler].into_iter().flatten() {
            kernel.unpark_by(tid, other);
        }
        kernel.end_thread(tid, Nanos::ZERO);
        kernel.push(tid, Act::Exit);
    }

    pub(crate) fn manager_does(&mut self, work: &mut Work<'_>, tid: Tid, action: ManagerAction) {
        match action {
            ManagerAction::Filled => {
                let next = self.backlog.pop_front();
                if let Some(key) = next.filter(|&key| work.tasks[key].abandoned) {
                    self.pending -= 1;
                    work.drop_cancelled(tid, key);
                } else if let Some(key) = next {
                    work.tasks[key].future = FutureState::Running;
                    self.calls.push_back(key);
                    self.unread += 1;
                    self.wake_feeder(&mut work.kernel, tid);
                }
            }
            ManagerAction::Polled => {
                let pipe = self.result_pipe;
                if work.kernel.pipes[pipe].readable() {
                    work.kernel.push(tid, Act::Read(pipe));
                    work.kernel.push(
                        tid,
                        Act::Do(RoleAction::Manager(self.index, ManagerAction::Result)),
                    );
                } else if std::mem::take(&mut self.woken) {
                    work.kernel.threads[tid].role =
                        ThreadRole::Manager(self.index, ManagerState::Fill);
                } else if !self.crashed.is_empty() {
                    self.finds_crash(&mut work.kernel, tid);
                } else if !(self.closing && self.pending == 0) {
                    work.kernel.pipes[pipe].watch(tid);
                    work.kernel.push_front(
                        tid,
                        Act::Do(RoleAction::Manager(self.index, ManagerAction::Polled)),
                    );
                    work.kernel
                        .push_front(tid, Act::park(On::Bytes(pipe), Nanos::MAX));
                }
            }
            ManagerAction::Result => {
                let pipe = self.result_pipe;
                let result = if self.mp {
                    work.kernel.costs.pool_result
                } else {
                    work.kernel.costs.ppe_result
                };
                if work.kernel.pipes[pipe].front().is_none() {
                    return; // The pipe is closed.
                }
                let message = work.kernel.pipes[pipe].pop();
                let payload = message.size.saturating_sub(ENVELOPE);
                let loads = work
                    .kernel
                    .loads_cost(payload, chunk_objects(work, message.task).1);
                let buffer = receive(&mut work.kernel, tid, payload);
                work.kernel.push(tid, pickle_in_c(loads));
                work.kernel.push(tid, Act::Free(buffer));
                work.kernel.push(tid, Act::Run(result));
                work.kernel.threads[tid].handed = Some(message.task);
                let done = ManagerAction::Done(message.task);
                work.kernel
                    .push(tid, Act::Do(RoleAction::Manager(self.index, done)));
                work.work_on(tid, Some(message.task));
            }
            ManagerAction::Done(first) => {
                work.work_on(tid, None);
                self.woken = false;
                let parts = self.client.parts;
                let copy = self.client.copy;
                let t = &mut work.kernel.threads[tid];
                t.role = ThreadRole::Manager(self.index, ManagerState::Fill);
                t.handed = None;
                let mut next = Some(first);
                // The list that `Pool.map` was given is there until it returns; `submit` and the executor's `map` hold single arguments.
                let listed = self.mp && !work.kernel.program.batch.is_empty();
                while let Some(key) = next {
                    next = work.tasks[key].next.take();
                    self.pending -= 1;
                    // A chunk of the executor has one future.
                    let future = self.mp || key == first;
                    result_arrived(work, tid, key, copy, (parts, future, listed));
                }
                let last = self.last.iter().position(|(key, _)| *key == first);
                match last.map(|at| self.last.swap_remove(at)) {
                    Some((_, worker)) if !self.mp => {
                        self.join_worker(&mut work.kernel, tid, worker);
                    }
                    Some(_) => {}
                    None => self.tokens += 1,
                }
            }
            ManagerAction::Joined(worker) => self.join_worker(&mut work.kernel, tid, worker),
            ManagerAction::Broken => self.breaks(work, tid),
        }
    }

    // ---- the worker

    pub(crate) fn refill_worker(&mut self, work: &mut Work<'_>, tid: Tid, state: WorkerState) {
        match state {
            WorkerState::Boot => worker_is(&mut work.kernel, tid, WorkerState::Get),
            WorkerState::Get => {
                if self.closing && self.pending == 0 {
                    worker_is(&mut work.kernel, tid, WorkerState::Leave);
                } else if let Some(ticket) = turn(&mut self.read_lock, tid) {
                    await_turn(&mut work.kernel, tid, On::CallTurn, ticket);
                } else {
                    let pipe = self.call_pipe;
                    work.kernel.push(tid, Act::Read(pipe));
                    work.kernel.push(
                        tid,
                        Act::Do(RoleAction::Worker(self.index, WorkerAction::Got)),
                    );
                }
            }
            WorkerState::Work(key) if self.finds_interrupt(tid) => {
                self.call_is_interrupted(work, tid, key);
            }
            WorkerState::Work(key) => {
                let mode = if self.client.parts {
                    Mode::Part
                } else {
                    Mode::Inline
                };
                if work.step(tid, key, mode) == Flow::Over {
                    self.worker_task_over(work, tid, key);
                }
            }
            WorkerState::Put(first) => {
                if let Some(ticket) = turn(&mut self.write_lock, tid) {
                    await_turn(&mut work.kernel, tid, On::ResultTurn, ticket);
                } else {
                    let pipe = self.result_pipe;
                    let size = ENVELOPE + results_size(work, first);
                    let next = if self.is_spent(&work.kernel, tid) {
                        self.last.push((first, tid));
                        WorkerState::Leave
                    } else {
                        WorkerState::Get
                    };
                    worker_is(&mut work.kernel, tid, next);
                    work.kernel.send(pipe, first, size);
                    work.kernel.push(tid, Act::Write(pipe, size));
                    work.kernel.push(
                        tid,
                        Act::Do(RoleAction::Worker(self.index, WorkerAction::Sent)),
                    );
                }
            }
            WorkerState::Leave => {
                let spawned = self.start == StartMethod::Spawn;
                let cost = if spawned {
                    work.kernel.costs.spawn_exit
                } else {
                    work.kernel.costs.process_exit
                };
                work.kernel.push(tid, Act::Run(cost));
                work.kernel.push(tid, Act::Exit);
            }
        }
    }

    /// Ends the worker's task: begins the next one of its chunk, or sends the results of all.
    fn worker_task_over(&mut self, work: &mut Work<'_>, tid: Tid, key: TaskKey) {
        let now = work.kernel.machine.now();
        work.count_for(tid, Some(key), false, Cause::Ipc);
        work.tasks[key].since = now;
        work.tasks[key].worker = None;
        if let Some(next) = work.tasks[key].next {
            let since = work.tasks[next].since;
            work.book(next, Cause::Pool, since, now);
            work.runs(tid, Some(next));
            worker_is(&mut work.kernel, tid, WorkerState::Work(next));
            work.attribute_time(tid, Some(next), Cause::Running);
            return;
        }
        let first = work.kernel.threads[tid]
            .handed
            .expect("set with the message");
        let back = results_size(work, first);
        let moved = pickle_takes(&mut work.kernel, tid, back);
        // The parent may remove the tasks before this worker goes on, so the bytes to free after sending are noted here.
        let mut own = (0, Blocks::default());
        let mut next = Some(first);
        while let Some(key) = next {
            let data = &mut work.tasks[key].data;
            own.0 += std::mem::take(&mut data.containers);
            data.comes_home();
            for blocks in [&mut data.resident, &mut data.arguments] {
                own.1.join(std::mem::take(blocks));
            }
            next = work.tasks[key].next;
        }
        let t = &mut work.kernel.threads[tid];
        t.result_bytes = (back, own);
        t.task = None;
        worker_is(&mut work.kernel, tid, WorkerState::Put(first));
        let dumps = work.kernel.dumps_cost(back, chunk_objects(work, first).1);
        let put = if self.mp {
            work.kernel.costs.pool_result
        } else {
            work.kernel.costs.ppe_put
        };
        work.kernel.push(tid, Act::Run(put));
        work.kernel.push(tid, pickle_in_c(dumps));
        work.kernel.push(tid, Act::Free(moved));
    }

    pub(crate) fn worker_does(&mut self, work: &mut Work<'_>, tid: Tid, action: WorkerAction) {
        let now = work.kernel.machine.now();
        match action {
            WorkerAction::Ready => {
                work.kernel.children += 1;
                work.kernel.threads[tid].up = now;
                work.kernel.threads[tid].free = now;
            }
            WorkerAction::Got => self.got_call(work, tid),
            WorkerAction::Unpickled => {
                let key = work.kernel.threads[tid].task.expect("just received");
                let mut next = Some(key);
                while let Some(key) = next {
                    work.tasks[key].data.leaves_home();
                    next = work.tasks[key].next;
                }
                let buffer = buffer_takes(calls_size(work, key));
                work.kernel.free_own(tid, buffer);
            }
            WorkerAction::Run => work.kernel.machine.set_run_cause(tid, Cause::Running),
            WorkerAction::Sent => {
                work.kernel.threads[tid].handed = None;
                work.work_on(tid, None);
                // The arguments of a call live until its result has been sent.
                let t = &work.kernel.threads[tid];
                let (call, (result, (containers, own))) = (t.call_bytes, t.result_bytes);
                work.kernel.free_own(tid, call);
                work.kernel.free_own(tid, result);
                work.kernel.free_blocks(own);
                work.kernel.give(tid, containers);
                let lock = &mut self.write_lock;
                let next = lock.give(LockHandoff::HandOver);
                work.kernel.threads[tid].free = now;
                if let Some(next) = next {
                    work.kernel.wake(tid, next);
                }
            }
        }
    }

    fn got_call(&mut self, work: &mut Work<'_>, tid: Tid) {
        let next_reader = self.read_lock.give(LockHandoff::HandOver);
        let (pipe, mp) = (self.call_pipe, self.mp);
        if work.kernel.pipes[pipe].front().is_none() {
            worker_is(&mut work.kernel, tid, WorkerState::Leave);
            return;
        }
        if !mp {
            self.unread -= 1;
        }
        let message = work.kernel.pipes[pipe].pop();
        if let Some(next) = next_reader {
            work.kernel.wake(tid, next);
        }
        let key = message.task;
        book_call(work, tid, &message);
        let payload = message.size.saturating_sub(ENVELOPE);
        work.runs(tid, Some(key));
        work.tasks[key].worker = Some(tid);
        let t = &mut work.kernel.threads[tid];
        t.calls = t.calls.saturating_add(1);
        t.handed = Some(key);
        t.call_bytes = payload;
        worker_is(&mut work.kernel, tid, WorkerState::Work(key));
        work.attribute_time(tid, Some(key), Cause::Ipc);
        receive(&mut work.kernel, tid, payload);
        let loads = work.kernel.loads_cost(payload, chunk_objects(work, key).0);
        let get = if mp {
            work.kernel.costs.pool_task
        } else {
            work.kernel.costs.ppe_get
        };
        work.kernel.push(tid, Act::Run(get));
        work.kernel
            .push(tid, pickle_in_c(work.kernel.costs.pickle_fixed + loads));
        work.kernel.push(
            tid,
            Act::Do(RoleAction::Worker(self.index, WorkerAction::Unpickled)),
        );
        work.kernel.push(
            tid,
            Act::Do(RoleAction::Worker(self.index, WorkerAction::Run)),
        );
    }

    /// `shutdown`: the management thread ends when no work is pending.
    pub(crate) fn close(&mut self, kernel: &mut Kernel<'_>, by: Tid) {
        self.closing = true;
        self.woken = true;
        if self.mp {
            let pipe = self.result_pipe;
            let reader = kernel.close_pipe(pipe);
            if let Some(r) = reader {
                kernel.unpark_by(by, r);
            }
            return;
        }
        if let Some(m) = self.manager {
            kernel.unpark_by(by, m);
        }
    }
}
