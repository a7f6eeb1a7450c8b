//! `ThreadPoolExecutor` and `InterpreterPoolExecutor`: facts sheet 5, 6 and 13.

use std::collections::VecDeque;

use super::Client;
use crate::cpython::index::{GilIndex, PoolIndex};
use crate::cpython::kernel::{Act, Blocked, Blocks, Kernel, On};
use crate::cpython::role::{PoolAction, PoolState, RoleAction, ThreadRole};
use crate::cpython::work::{Data, Flow, FutureState, Mode, TaskKey, Work};
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
use crate::sync::WaitQueue;

/// A pool of threads, each with an interpreter of its own if `interpreters`.
pub(crate) struct ThreadPool {
    index: PoolIndex,
    pub(crate) client: Client,
    max: u32,
    interpreters: bool,
    pub(crate) items: VecDeque<TaskKey>,
    /// Count of the idle semaphore.
    tokens: u64,
    started: u32,
    /// Workers parked in the work queue's `get`.
    parked: WaitQueue<Tid>,
    pub(crate) workers: Vec<Tid>,
    pub(crate) closing: bool,
}

fn worker_is(kernel: &mut Kernel<'_>, tid: Tid, now: PoolState) {
    if let ThreadRole::PoolWorker(_, state) | ThreadRole::InterpWorker(_, _, state) =
        &mut kernel.threads[tid].role
    {
        *state = now;
    }
}

/// Pickles or unpickles a payload that passes between interpreters; interruptible, as bytecode is.
fn pickle(time: Nanos) -> Act {
    Act::Pickle { time, in_c: false }
}

fn half(cost: Nanos) -> Nanos {
    Nanos(cost.0 / 2)
}

/// Begins an item in a worker: the worker's time is the task's from here on.
fn begin_item(work: &mut Work<'_>, tid: Tid, key: TaskKey) {
    work.book_wait(tid, key, Cause::Pool);
    work.runs(tid, Some(key));
    let task = &mut work.tasks[key];
    (task.future, task.worker) = (FutureState::Running, Some(tid));
    worker_is(&mut work.kernel, tid, PoolState::Working(key));
    work.attribute_time(tid, Some(key), Cause::Ipc);
}

fn leave(kernel: &mut Kernel<'_>, tid: Tid, more: Nanos) {
    kernel.end_thread(tid, more);
    kernel.push(tid, Act::Exit);
}

/// Whether workers release the idle semaphore after every item, rather than only when they find none (CPython 3.11).
fn tokens_after_every_item(kernel: &Kernel<'_>) -> bool {
    kernel.costs.tpe_token_every_item
}

impl ThreadPool {
    /// Creates the pool of at most `max` threads, without workers.
    pub(super) fn new(index: PoolIndex, client: Client, max: u32, interpreters: bool) -> Self {
        Self {
            index,
            client,
            max,
            interpreters,
            items: VecDeque::new(),
            tokens: 0,
            started: 0,
            parked: WaitQueue::default(),
            workers: Vec::new(),
            closing: false,
        }
    }

    /// `submit` by a running thread: queues the item, wakes a parked worker, and starts a thread if no worker is idle. The caller has paid
    /// [`Params::tpe_submit`](crate::cpython::profile::Params::tpe_submit).
    pub(crate) fn submit(&mut self, work: &mut Work<'_>, tid: Tid, key: TaskKey) {
        let payload = work.tasks[key].payload;
        let own = work.kernel.costs.tpe_item_rss;
        work.kernel.take(tid, own);
        work.sends(tid, key);
        work.kernel.hop(key, tid);
        if self.interpreters {
            work.kernel
                .machine
                .charge(tid, work.kernel.costs.interp_call);
            let dumps = work
                .kernel
                .dumps_cost(payload, work.objects_of(&work.tasks[key]).0);
            work.kernel.machine.charge(tid, dumps);
        }
        if let Some(worker) = self.parked.call_next() {
            // `SimpleQueue` hands the item straight to the first parked getter since 3.13; earlier versions merely wake it.
            if work.kernel.profile.minor >= 13 {
                work.kernel.threads[worker].handed = Some(key);
            } else {
                self.items.push_back(key);
            }
            work.kernel.unpark_by(tid, worker);
        } else {
            self.items.push_back(key);
        }
        if self.tokens > 0 {
            self.tokens -= 1;
        } else if self.started < self.max {
            self.started += 1;
            let mut home = self.client.home;
            let role = if self.interpreters {
                // The thread starts in the main interpreter, but its locks are those of its own.
                home.domain = work.kernel.new_domain(home.process);
                ThreadRole::InterpWorker(
                    self.index,
                    work.kernel.new_gil(home.process),
                    PoolState::Booting,
                )
            } else {
                ThreadRole::PoolWorker(self.index, PoolState::Booting)
            };
            let serial = u32::try_from(self.workers.len()).expect("few workers");
            let worker = work.kernel.new_thread(role, home, serial);
            self.workers.push(worker);
            work.kernel.start_thread(tid, worker);
        }
    }

    /// Looks for an item and begins it; without one, the worker releases the idle semaphore and parks, or leaves a closing pool.
    fn look_for_item(&mut self, work: &mut Work<'_>, tid: Tid) -> Option<TaskKey> {
        let handed = work.kernel.threads[tid].handed.take();
        let item = handed.or_else(|| self.items.pop_front());
        if let Some(key) = item.filter(|&key| work.tasks[key].abandoned) {
            // The worker finds it cancelled, and looks for the next.
            work.kernel
                .push(tid, Act::Run(half(work.kernel.costs.tpe_item)));
            work.drop_cancelled(tid, key);
            return None;
        }
        if let Some(key) = item {
            begin_item(work, tid, key);
        } else if self.closing {
            worker_is(&mut work.kernel, tid, PoolState::Leaving);
        } else {
            if !tokens_after_every_item(&work.kernel) {
                self.tokens += 1;
            }
            work.kernel
                .push(tid, Act::Do(RoleAction::Pool(self.index, PoolAction::Idle)));
        }
        item
    }

    pub(crate) fn refill_worker(&mut self, work: &mut Work<'_>, tid: Tid, state: PoolState) {
        match state {
            PoolState::Booting => worker_is(&mut work.kernel, tid, PoolState::Looking),
            PoolState::Looking => {
                if self.look_for_item(work, tid).is_some() {
                    work.kernel
                        .push(tid, Act::Run(half(work.kernel.costs.tpe_item)));
                    work.kernel.push(tid, Act::Label(Cause::Running));
                }
            }
            PoolState::Working(key) => self.work(work, tid, key),
            PoolState::Leaving => leave(&mut work.kernel, tid, Nanos::ZERO),
        }
    }

    /// Goes on with the worker's task.
    fn work(&mut self, work: &mut Work<'_>, tid: Tid, key: TaskKey) {
        let mode = match (self.client.parts, self.interpreters) {
            (true, _) => Mode::Part,
            (false, true) => Mode::Inline,
            (false, false) => Mode::Pooled,
        };
        match work.step(tid, key, mode) {
            Flow::Over => self.finish(work, tid, key),
            Flow::Children => {
                for child in work.tasks.children(key) {
                    let submit = work.kernel.costs.tpe_submit;
                    work.kernel.machine.charge(tid, submit);
                    self.submit(work, tid, child);
                }
            }
            Flow::Go | Flow::Suspended | Flow::Offload => {}
        }
    }

    /// Sends the result of a task, or of its part, back.
    fn finish(&mut self, work: &mut Work<'_>, tid: Tid, key: TaskKey) {
        let objects = work.objects_of(&work.tasks[key]).1;
        let kernel = &mut work.kernel;
        kernel.push(tid, Act::Label(Cause::Ipc));
        if let ThreadRole::InterpWorker(..) = kernel.threads[tid].role {
            // The result is packed in the worker's interpreter, and unpacked under the main interpreter's GIL.
            let back = work.tasks[key].data.result;
            let quarter = half(half(kernel.costs.interp_item));
            let dumps = kernel.dumps_cost(back, objects);
            kernel.push(tid, pickle(quarter + dumps));
            let main = self.client.home.gil;
            kernel.push(tid, Act::SwitchGil(main));
            let loads = kernel.loads_cost(back, objects);
            kernel.push(tid, pickle(quarter + loads));
        }
        kernel.push(tid, Act::Run(half(kernel.costs.tpe_item)));
        if self.client.parts {
            // The second half is the write into the loop's self-pipe, without the GIL.
            kernel.push(tid, Act::Run(half(kernel.costs.aio_threadsafe)));
            kernel.push(tid, Act::native(half(kernel.costs.aio_threadsafe)));
        }
        kernel.push(
            tid,
            Act::Do(RoleAction::Pool(self.index, PoolAction::Done(key))),
        );
    }

    pub(crate) fn refill_interpreter(
        &mut self,
        work: &mut Work<'_>,
        tid: Tid,
        own: GilIndex,
        state: PoolState,
    ) {
        let main = self.client.home.gil;
        match state {
            PoolState::Booting => {
                // The interpreter is created in the worker's own thread, after the thread has announced itself.
                let import = work
                    .kernel
                    .program
                    .import_time
                    .scale(work.kernel.costs.cpu_factor);
                work.kernel.push(tid, Act::SwitchGil(own));
                work.kernel.push(
                    tid,
                    Act::Run(
                        work.kernel.costs.interp_create + work.kernel.costs.interp_import + import,
                    ),
                );
                work.kernel.push(
                    tid,
                    Act::Do(RoleAction::Pool(self.index, PoolAction::InterpreterReady)),
                );
                work.kernel.push(tid, Act::SwitchGil(main));
                worker_is(&mut work.kernel, tid, PoolState::Looking);
            }
            PoolState::Looking => {
                if let Some(key) = self.look_for_item(work, tid) {
                    let loads = work
                        .kernel
                        .loads_cost(work.tasks[key].payload, work.objects_of(&work.tasks[key]).0);
                    // `Interpreter.call` packs the call under the main interpreter's GIL, and unpacks it under its own.
                    let quarter = half(half(work.kernel.costs.interp_item));
                    work.kernel
                        .push(tid, Act::Run(half(work.kernel.costs.tpe_item)));
                    work.kernel.push(tid, pickle(quarter));
                    work.kernel.push(tid, Act::SwitchGil(own));
                    work.kernel.push(tid, pickle(quarter + loads));
                    work.kernel.push(
                        tid,
                        Act::Do(RoleAction::Pool(self.index, PoolAction::Enter(key))),
                    );
                }
            }
            PoolState::Working(key) => self.work(work, tid, key),
            PoolState::Leaving => {
                let destroy = work.kernel.costs.interp_destroy;
                leave(&mut work.kernel, tid, destroy);
            }
        }
    }

    pub(crate) fn worker_does(&mut self, work: &mut Work<'_>, tid: Tid, deed: PoolAction) {
        match deed {
            PoolAction::Done(key) => self.item_done(work, tid, key),
            PoolAction::Enter(key) => {
                // The interpreter has a copy of the payload.
                let copy = work.tasks[key].payload;
                work.kernel.allocate_own(tid, copy);
                work.kernel.machine.set_run_cause(tid, Cause::Running);
            }
            PoolAction::InterpreterReady => {
                work.kernel.children += 1;
                work.kernel.threads[tid].up = work.kernel.machine.now();
                let bytes = work.kernel.costs.interp_rss + work.kernel.program.import_memory;
                work.kernel.take(tid, bytes);
            }
            PoolAction::Idle => {
                // An item may have come while the idle semaphore was released.
                if work.kernel.threads[tid].handed.is_none()
                    && (self.closing || !self.items.is_empty())
                {
                    return;
                }
                self.parked.join(tid);
                work.kernel.push_front(tid, Act::park(On::Work, Nanos::MAX));
            }
        }
    }

    /// Sets the result; callbacks run in this thread.
    fn item_done(&mut self, work: &mut Work<'_>, tid: Tid, key: TaskKey) {
        let now = work.kernel.machine.now();
        work.runs(tid, None);
        work.tasks[key].worker = None;
        worker_is(&mut work.kernel, tid, PoolState::Looking);
        work.attribute_time(tid, None, Cause::Ipc);
        // The future of an offload lives until its loop has seen it.
        let own = if self.client.parts {
            0
        } else {
            work.kernel.costs.tpe_item_rss
        };
        work.kernel.give(tid, own);
        work.drop_sent(key);
        let Data {
            result, resident, ..
        } = work.tasks[key].data;
        if self.interpreters {
            let mut received = Blocks::default();
            work.kernel.add_block(tid, &mut received, result);
            work.kernel.free_own(tid, work.tasks[key].payload);
            work.kernel.free_blocks(resident);
            work.result_received(key, received);
        } else {
            work.result_received(key, resident);
        }
        if tokens_after_every_item(&work.kernel) {
            self.tokens += 1;
        }
        if self.client.parts {
            work.tasks[key].since = now;
            work.drop_arguments(key, (0, Blocks::default()));
            let copy = self.client.copy;
            work.offload_done(tid, copy, key);
        } else if work.tasks[key].abandoned {
            work.drop_abandoned(key);
        } else {
            work.task_ended(key);
        }
    }

    /// Its process has been killed: what it had to do is lost.
    pub(super) fn forget(&mut self) {
        self.items.clear();
        self.parked = WaitQueue::default();
    }

    /// `shutdown`: wakes the idle workers, which then leave.
    pub(crate) fn close(&mut self, kernel: &mut Kernel<'_>, by: Tid) {
        self.closing = true;
        let parked = std::mem::take(&mut self.parked);
        for worker in parked.iter() {
            if kernel.threads[worker].blocked == Blocked::Park {
                kernel.unpark_by(by, worker);
            } else {
                kernel.unpark(worker);
            }
        }
    }
}
