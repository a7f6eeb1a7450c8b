//! `ThreadPoolExecutor`, raw threads and `InterpreterPoolExecutor`: facts sheet 5, 6 and 13.

use std::collections::VecDeque;

use super::exec::{Flow, Mode};
use super::index::{CopyIndex, PoolIndex};
use super::payload::Data;
use super::program::Executor;
use super::role::{Deed, PoolDeed, PoolState, Role};
use super::sim::Sim;
use super::task::TaskKey;
use super::thread::{Act, Blocked, Home};
use super::wait::On;
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
use crate::sync::Line;

/// A pool of threads; with interpreters of their own if `interpreters`.
pub(crate) struct ThreadPool {
    /// Copy of the program that it belongs to.
    pub(crate) copy: CopyIndex,
    home: Home,
    max: u32,
    interpreters: bool,
    /// An event loop offloads parts of tasks here, rather than whole tasks.
    parts: bool,
    pub(crate) items: VecDeque<TaskKey>,
    /// The idle semaphore's count.
    tokens: u64,
    started: u32,
    /// Workers parked in `get`.
    parked: Line<Tid>,
    pub(crate) workers: Vec<Tid>,
    pub(crate) closing: bool,
}

/// Of what a fresh stack costs ([`Params::thread_fresh`](super::profile::Params::thread_fresh)): the starter, who maps it; the new thread, which
/// touches its pages first; the end of the thread, where it is unmapped. Of 20 us of a CPython 3.14.7 on one core, 100 threads held against
/// 4: 6 were the starter's and 6 the joiner's.
const FRESH_SHARES: [f64; 3] = [0.3, 0.4, 0.3];

impl Sim<'_> {
    pub(crate) fn new_thread_pool(
        &mut self,
        copy: CopyIndex,
        home: Home,
        parts: bool,
    ) -> PoolIndex {
        let (max, interpreters) = match self.program.layout.executor {
            Executor::Threads(n) => (n, false),
            Executor::Interpreters(n) => (n, true),
            _ => (1, false),
        };
        self.pools.push_and_get_key(ThreadPool {
            copy,
            home,
            max,
            interpreters,
            parts,
            items: VecDeque::new(),
            tokens: 0,
            started: 0,
            parked: Line::default(),
            workers: Vec::new(),
            closing: false,
        })
    }

    /// `submit` by a running thread: the item is queued, a parked worker woken, a thread started if none is idle. The
    /// caller has paid [`Params::tpe_submit`](super::profile::Params::tpe_submit).
    pub(crate) fn pool_submit(&mut self, tid: Tid, pool: PoolIndex, key: TaskKey) {
        let payload = self.tasks[key].payload;
        let own = self.item_memory();
        self.take(tid, self.payload_memory(payload) + own);
        self.hop(key, tid);
        let p = &mut self.pools[pool];
        if p.interpreters {
            self.machine.charge(tid, self.costs.interp_call);
            let dumps = self.dumps_cost(payload, self.objects(key).0);
            self.machine.charge(tid, dumps);
        }
        let p = &mut self.pools[pool];
        if let Some(worker) = p.parked.call_next() {
            // SimpleQueue hands the item straight to the first parked getter (3.13); before, it merely wakes it.
            if self.profile.minor >= 13 {
                self.threads[worker as usize].handed = Some(key);
            } else {
                p.items.push_back(key);
            }
            self.unpark_by(tid, worker);
        } else {
            p.items.push_back(key);
        }
        let p = &mut self.pools[pool];
        if p.tokens > 0 {
            p.tokens -= 1;
        } else if p.started < p.max {
            p.started += 1;
            let mut home = p.home;
            let role = if p.interpreters {
                // The thread is born in the main interpreter, and locks are those of its own.
                home.domain = self.new_domain();
                Role::InterpWorker(pool, self.new_gil(), PoolState::Booting)
            } else {
                Role::PoolWorker(pool, PoolState::Booting)
            };
            let worker = self.new_thread(role, home);
            self.pools[pool].workers.push(worker);
            self.start_thread(tid, worker);
        }
    }

    pub(crate) fn item_memory(&self) -> u64 {
        Nanos::from_f64(self.profile.params.tpe_item_rss).0
    }

    /// `Thread.start`: the starter waits until the new thread has announced itself.
    pub(crate) fn start_thread(&mut self, starter: Tid, child: Tid) {
        let rss = Nanos::from_f64(self.profile.params.thread_rss).0;
        let reused = self.reuse_stack(self.threads[child as usize].process);
        let fresh = |share| match reused {
            true => Nanos::ZERO,
            false => self.costs.thread_fresh.scale(share),
        };
        let (mapping, touching) = (fresh(FRESH_SHARES[0]), fresh(FRESH_SHARES[1]));
        self.push_front(starter, Act::park(On::Start, Nanos::MAX));
        self.push_front(starter, Act::Begin(child));
        self.push_front(starter, Act::Run(self.costs.thread_start + mapping));
        self.push(child, Act::Take(rss));
        self.push(child, Act::Run(self.costs.thread_boot + touching));
        self.push(child, Act::Unpark(starter));
    }

    /// A thread's own end, with what else it has to do for it.
    pub(crate) fn end_thread(&mut self, tid: Tid, more: Nanos) {
        let unmapping = match self.keep_stack(self.threads[tid as usize].process) {
            true => Nanos::ZERO,
            false => self.costs.thread_fresh.scale(FRESH_SHARES[2]),
        };
        self.push(tid, Act::Run(self.costs.thread_exit + unmapping + more));
    }

    /// A raw thread for a task.
    pub(crate) fn start_raw(&mut self, tid: Tid, copy: CopyIndex, key: TaskKey) {
        let home = self.copies[copy].home;
        let now = self.machine.now();
        let t = self.new_thread(Role::Raw, home);
        let since = self.tasks[key].since;
        self.book(key, Cause::Pool, since, now);
        self.threads[t as usize].task = Some(key);
        self.hop(key, tid);
        self.stand_for(t, Some(key), Cause::Startup);
        self.start_thread(tid, t);
    }

    pub(crate) fn refill_raw(&mut self, tid: Tid) {
        let Some(key) = self.threads[tid as usize].task else {
            let rss = Nanos::from_f64(self.profile.params.thread_rss).0;
            self.end_thread(tid, Nanos::ZERO);
            self.push(tid, Act::Give(rss));
            self.push(tid, Act::Exit);
            return;
        };
        self.machine.set_run_cause(tid, Cause::Running);
        if self.step(tid, key, Mode::Pooled) == Flow::Over {
            self.threads[tid as usize].task = None;
            self.stand_for(tid, None, Cause::Ipc);
            self.task_ended(key);
        }
    }

    /// Time of a task during which no thread stood for it.
    #[inline]
    pub(crate) fn book(&mut self, key: TaskKey, cause: Cause, from: Nanos, to: Nanos) {
        if self.tasks[key].counted {
            self.machine.add_time(cause, to.since(from));
        } else if self.tasks[key].child_counts {
            self.machine.add_childs_time(cause, to.since(from));
        }
        if self.turn == Some(cause) {
            self.queued(key, to.since(from));
        }
        self.waited(key, cause, from, to);
    }

    /// Books a task's waiting for the worker that takes it now: until the worker was up it waited for its start.
    pub(crate) fn book_wait(&mut self, worker: Tid, key: TaskKey, cause: Cause) {
        self.book_wait_until(worker, key, cause, self.machine.now());
    }

    /// The same, but only up to this instant.
    pub(crate) fn book_wait_until(&mut self, worker: Tid, key: TaskKey, cause: Cause, now: Nanos) {
        let since = self.tasks[key].since;
        let ready = Nanos(self.threads[worker as usize].scratch)
            .min(now)
            .max(since);
        self.book(key, Cause::Startup, since, ready);
        self.book(key, cause, ready, now);
        self.tasks[key].since = now;
    }

    /// A worker takes an item: its time is the task's from here on.
    fn begin_item(&mut self, tid: Tid, key: TaskKey) {
        self.book_wait(tid, key, Cause::Pool);
        self.threads[tid as usize].task = Some(key);
        self.pool_worker_is(tid, PoolState::Working(key));
        self.stand_for(tid, Some(key), Cause::Ipc);
    }

    fn pool_worker_is(&mut self, tid: Tid, now: PoolState) {
        if let Role::PoolWorker(_, state) | Role::InterpWorker(_, _, state) =
            &mut self.threads[tid as usize].role
        {
            *state = now;
        }
    }

    /// Between interpreters, payloads are pickled where they are handed over.
    fn pickle(time: Nanos) -> Act {
        Act::Pickle { time, in_c: false }
    }

    fn half(cost: Nanos) -> Nanos {
        Nanos(cost.0 / 2)
    }

    /// The worker's loop: look for an item, run it, look again; no item: announce idleness and park.
    fn look_for_item(&mut self, tid: Tid, pool: PoolIndex) -> Option<TaskKey> {
        let handed = self.threads[tid as usize].handed.take();
        let p = &mut self.pools[pool];
        let item = handed.or_else(|| p.items.pop_front());
        if let Some(key) = item {
            self.begin_item(tid, key);
        } else if p.closing {
            self.pool_worker_is(tid, PoolState::Leaving);
        } else {
            if !self.tokens_after_every_item() {
                self.pools[pool].tokens += 1;
            }
            self.push(tid, Act::Do(Deed::Pool(pool, PoolDeed::Idle)));
        }
        item
    }

    fn tokens_after_every_item(&self) -> bool {
        self.profile.params.tpe_token_every_item > 0.5
    }

    pub(crate) fn refill_pool_worker(&mut self, tid: Tid, pool: PoolIndex, state: PoolState) {
        match state {
            PoolState::Booting => self.pool_worker_is(tid, PoolState::Looking),
            PoolState::Looking => {
                if self.look_for_item(tid, pool).is_some() {
                    self.push(tid, Act::Run(Self::half(self.costs.tpe_item)));
                    self.push(tid, Act::Label(Cause::Running));
                }
            }
            PoolState::Working(key) => self.work(tid, pool, key),
            PoolState::Leaving => self.leave(tid, Nanos::ZERO),
        }
    }

    fn work(&mut self, tid: Tid, pool: PoolIndex, key: TaskKey) {
        let p = &self.pools[pool];
        let mode = match (p.parts, p.interpreters) {
            (true, _) => Mode::Part,
            (false, true) => Mode::Inline,
            (false, false) => Mode::Pooled,
        };
        if self.step(tid, key, mode) == Flow::Over {
            self.push(tid, Act::Label(Cause::Ipc));
            if let Role::InterpWorker(..) = self.threads[tid as usize].role {
                // The result is packed in the interpreter, and unpacked under the main one's GIL.
                let back = self.tasks[key].data.result;
                let objects = self.objects(key).1;
                let quarter = Self::half(Self::half(self.costs.interp_item));
                let dumps = self.dumps_cost(back, objects);
                self.push(tid, Self::pickle(quarter + dumps));
                let main = self.pools[pool].home.gil;
                self.push(tid, Act::SwitchGil(main));
                let loads = self.loads_cost(back, objects);
                self.push(tid, Self::pickle(quarter + loads));
            }
            self.push(tid, Act::Run(Self::half(self.costs.tpe_item)));
            if self.pools[pool].parts {
                // The second half is the write into the loop's self-pipe, without the GIL.
                self.push(tid, Act::Run(Self::half(self.costs.aio_threadsafe)));
                self.push(tid, Act::native(Self::half(self.costs.aio_threadsafe)));
            }
            self.push(tid, Act::Do(Deed::Pool(pool, PoolDeed::Done(key))));
        }
    }

    pub(crate) fn refill_interp_worker(
        &mut self,
        tid: Tid,
        pool: PoolIndex,
        own: u32,
        state: PoolState,
    ) {
        let main = self.pools[pool].home.gil;
        match state {
            PoolState::Booting => {
                // The interpreter is made in the worker's own thread, after the thread was announced.
                let import = self
                    .program
                    .import_time
                    .scale(self.profile.params.cpu_factor);
                self.push(tid, Act::SwitchGil(own));
                self.push(
                    tid,
                    Act::Run(self.costs.interp_create + self.costs.interp_import + import),
                );
                self.push(tid, Act::Do(Deed::Pool(pool, PoolDeed::InterpreterReady)));
                self.push(tid, Act::SwitchGil(main));
                self.pool_worker_is(tid, PoolState::Looking);
            }
            PoolState::Looking => {
                if let Some(key) = self.look_for_item(tid, pool) {
                    let loads = self.loads_cost(self.tasks[key].payload, self.objects(key).0);
                    // `Interpreter.call` packs the call under the main interpreter's GIL, and unpacks it under its own.
                    let quarter = Self::half(Self::half(self.costs.interp_item));
                    self.push(tid, Act::Run(Self::half(self.costs.tpe_item)));
                    self.push(tid, Self::pickle(quarter));
                    self.push(tid, Act::SwitchGil(own));
                    self.push(tid, Self::pickle(quarter + loads));
                    self.push(tid, Act::Do(Deed::Pool(pool, PoolDeed::Enter(key))));
                }
            }
            PoolState::Working(key) => self.work(tid, pool, key),
            PoolState::Leaving => self.leave(tid, self.costs.interp_destroy),
        }
    }

    fn leave(&mut self, tid: Tid, more: Nanos) {
        self.end_thread(tid, more);
        self.push(tid, Act::Exit);
    }

    pub(crate) fn pool_worker_does(&mut self, tid: Tid, pool: PoolIndex, deed: PoolDeed) {
        match deed {
            PoolDeed::Done(key) => self.item_done(tid, pool, key),
            PoolDeed::Enter(key) => {
                // The interpreter has a copy of its own.
                let copy = self.tasks[key].payload;
                self.take(tid, copy);
                self.machine.set_run_cause(tid, Cause::Running);
            }
            PoolDeed::InterpreterReady => {
                self.children += 1;
                self.threads[tid as usize].scratch = self.machine.now().0;
                let bytes =
                    Nanos::from_f64(self.profile.params.interp_rss).0 + self.program.import_memory;
                self.take(tid, bytes);
            }
            PoolDeed::Idle => {
                // Something may have come while the idle token was released.
                let p = &mut self.pools[pool];
                if self.threads[tid as usize].handed.is_none() && (p.closing || !p.items.is_empty())
                {
                    return;
                }
                p.parked.join(tid);
                self.push_front(tid, Act::park(On::Work, Nanos::MAX));
            }
        }
    }

    /// The result is set: callbacks run in this thread.
    fn item_done(&mut self, tid: Tid, pool: PoolIndex, key: TaskKey) {
        let now = self.machine.now();
        self.threads[tid as usize].task = None;
        self.pool_worker_is(tid, PoolState::Looking);
        self.stand_for(tid, None, Cause::Ipc);
        let there = self.tasks[key].payload;
        // The future of an offload lives until its loop has seen it.
        let own = if self.pools[pool].parts {
            0
        } else {
            self.item_memory()
        };
        self.give(tid, self.payload_memory(there) + own);
        let Data {
            result, resident, ..
        } = self.tasks[key].data;
        if self.pools[pool].interpreters {
            self.take(tid, result);
            self.give(tid, there + resident);
            self.result_received(key, result);
        } else {
            self.result_received(key, resident);
        }
        if self.tokens_after_every_item() {
            self.pools[pool].tokens += 1;
        }
        if self.pools[pool].parts {
            self.tasks[key].since = now;
            self.drop_arguments(key, 0);
            let copy = self.pools[pool].copy;
            self.offload_done(tid, copy, key);
        } else {
            self.task_ended(key);
        }
    }

    /// `shutdown`: idle workers wake and leave.
    pub(crate) fn close_pool(&mut self, by: Tid, pool: PoolIndex) {
        let p = &mut self.pools[pool];
        p.closing = true;
        let parked = std::mem::take(&mut p.parked);
        for worker in parked.iter() {
            if self.threads[worker as usize].blocked == Blocked::Park {
                self.unpark_by(by, worker);
            } else {
                self.unpark(worker);
            }
        }
    }
}
