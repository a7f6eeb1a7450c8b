//! Executors of tasks: main threads, event loops, raw threads for one task each, pools of threads and of processes.
//!
//! Each executor refills the scripts of its threads, with one step of a task at a time, and never waits itself.

mod crash;
mod event_loop;
mod main_thread;
mod messages;
mod process_pool;
mod raw_thread;
mod restart;
#[cfg(test)]
mod tests;
mod thread_pool;

use typed_index_collections::TiVec;

use crate::cpython::index::{
    CopyIndex, ExecutorIndex, NodeIndex, PoolIndex, ProcessIndex, ProcessPoolIndex, TaskKey,
};
use crate::cpython::kernel::{Act, InterpreterRef, On, ProcessKind};
use crate::cpython::program::Executor;
use crate::cpython::role::{LoopState, MainState, MasterState, RoleAction, ThreadRole};
use crate::cpython::work::{Copy, Share, TaskDispatch, Work};
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};

pub(crate) use process_pool::{PoolKind, ProcessPool};
pub(crate) use thread_pool::ThreadPool;

/// Whom a pool belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Client {
    /// The copy of the program.
    pub(crate) copy: CopyIndex,
    /// Where the program runs.
    home: InterpreterRef,
    /// Which of its executors the pool is.
    pub(crate) number: ExecutorIndex,
    /// Whether an event loop offloads parts of tasks here; otherwise whole tasks are submitted.
    parts: bool,
}

/// The thread pools and process pools of all copies.
#[derive(Default)]
pub(crate) struct Executors {
    pub(crate) pools: TiVec<PoolIndex, ThreadPool>,
    pub(crate) process_pools: TiVec<ProcessPoolIndex, ProcessPool>,
}

impl Executors {
    /// Refills the script of a thread that has run out of acts.
    pub(crate) fn refill(&mut self, work: &mut Work<'_>, tid: Tid) {
        match work.kernel.thread(tid).role {
            ThreadRole::Main(copy, state) => self.refill_main(work, tid, copy, state),
            ThreadRole::Loop(copy, state) => self.refill_loop(work, tid, copy, state),
            ThreadRole::Raw => raw_thread::refill(work, tid),
            ThreadRole::PoolWorker(pool, state) => self.pools[pool].refill_worker(work, tid, state),
            ThreadRole::InterpWorker(pool, own, state) => {
                self.pools[pool].refill_interpreter(work, tid, own, state);
            }
            ThreadRole::ProcessWorker(pool, state) => {
                self.process_pools[pool].refill_worker(work, tid, state);
            }
            ThreadRole::Manager(pool, state) => {
                self.process_pools[pool].refill_manager(&mut work.kernel, tid, state);
            }
            ThreadRole::Feeder(pool) => self.process_pools[pool].refill_feeder(work, tid),
            ThreadRole::Handler(pool) => {
                self.process_pools[pool].refill_handler(&mut work.kernel, tid);
            }
            ThreadRole::ForkServer => work.kernel.refill_fork_server(tid),
            ThreadRole::Master(state) => self.refill_master(work, tid, state),
            ThreadRole::Team => work.kernel.push(tid, Act::park(On::Share, Nanos::MAX)),
            ThreadRole::Script => work.kernel.push(tid, Act::Exit),
        }
    }

    /// Carries out a deed that a thread has come to.
    #[inline(never)]
    pub(crate) fn does(&mut self, work: &mut Work<'_>, tid: Tid, action: RoleAction) {
        match action {
            RoleAction::Submit(copy, key) => self.submit_own(work, tid, copy, key),
            RoleAction::Loop(copy, action) => self.loop_does(work, tid, copy, action),
            RoleAction::Pool(pool, action) => self.pools[pool].worker_does(work, tid, action),
            RoleAction::Worker(pool, action) => {
                self.process_pools[pool].worker_does(work, tid, action);
            }
            RoleAction::Manager(pool, action) => {
                self.process_pools[pool].manager_does(work, tid, action);
            }
            RoleAction::Pickled(pool) => self.process_pools[pool].call_pickled(work, tid),
            RoleAction::Forked => work.kernel.child_forked(tid),
        }
    }

    /// Creates the processes, their main threads and their executors, and wakes the first main thread.
    pub(crate) fn new(work: &mut Work<'_>) -> Self {
        let mut all = Self::default();
        for node in 0..work.kernel.program.machines_at_first() {
            all.open_node(work, NodeIndex::from(node as usize), false);
        }
        work.next_arrival();
        work.announce_faults();
        work.first_look();
        all
    }

    /// Starts the program on a machine: its main process, its copies, and the thread that starts the others. `boots`: whether its main process is a
    /// new one, whose interpreter starts and which imports the application if it does that itself; at the start of a run both are done.
    pub(super) fn open_node(&mut self, work: &mut Work<'_>, node: NodeIndex, boots: bool) {
        let copies = u64::from(work.kernel.program.layout.copies.max(1));
        let master = work.kernel.new_main(node);
        let served = work.kernel.program.layout.has_master();
        let mut first = None;
        for turn in 0..copies {
            let home = if served {
                work.kernel.new_process(ProcessKind::Copy, master.process)
            } else {
                master
            };
            let share = Share::begin(turn, work.kernel.program);
            let copy = self.open_copy(work, home, share);
            first.get_or_insert(work.copies[copy].main);
        }
        let first = if served {
            let role = ThreadRole::Master(MasterState::Start);
            Some(work.kernel.new_thread(role, master, 0))
        } else {
            first
        };
        if let Some(first) = first {
            if boots {
                let takes = work.kernel.main_boots();
                work.kernel.push(first, Act::Run(takes));
            }
            work.kernel.machine.wake(first, Nanos::ZERO);
        }
    }

    /// Creates a copy of the program: its main thread, which does not run yet, and its executors.
    fn open_copy(&mut self, work: &mut Work<'_>, home: InterpreterRef, share: Share) -> CopyIndex {
        let copy = work.copies.next_key();
        let node = work.kernel.node_of(home.process);
        let role = if work.kernel.program.layout.event_loop {
            ThreadRole::Loop(copy, LoopState::Begin)
        } else {
            ThreadRole::Main(copy, MainState::Begin)
        };
        let main = work.kernel.new_thread(role, home, 0);
        let executors = (0..).map(ExecutorIndex::from);
        let runners = executors
            .zip(work.kernel.program.executors())
            .map(|(number, executor)| self.open(work, copy, home, number, executor))
            .collect();
        let quota = work.quota(copy);
        work.add_copy(Copy::new(main, (home, node), runners, share, quota));
        if work.kernel.program.layout.event_loop {
            work.new_loop(main);
        }
        copy
    }

    /// Creates the successor of the copy that was this process; `None` if nothing is left for it to do.
    fn replace(&mut self, work: &mut Work<'_>, process: ProcessIndex) -> Option<CopyIndex> {
        let share = work.succeed(process)?;
        let parent = work.kernel.processes[process].parent;
        let home = (work.kernel).new_process(ProcessKind::Copy, parent);
        Some(self.open_copy(work, home, share))
    }

    /// Creates an executor of a copy, without workers.
    fn open(
        &mut self,
        work: &mut Work<'_>,
        copy: CopyIndex,
        home: InterpreterRef,
        number: ExecutorIndex,
        executor: Executor,
    ) -> TaskDispatch {
        let parts = work.kernel.program.layout.event_loop;
        let client = Client {
            copy,
            home,
            number,
            parts,
        };
        let threads = |this: &mut Self, work: &mut Work<'_>, max, interpreters| {
            let rss = work.kernel.costs.tpe_rss;
            work.kernel.take_for(home.process, rss);
            let index = this.pools.next_key();
            let pool = ThreadPool::new(index, client, max, interpreters);
            TaskDispatch::Threads(this.pools.push_and_get_key(pool))
        };
        let processes = |this: &mut Self, work: &mut Work<'_>, max, start, api| {
            let index = this.process_pools.next_key();
            let kind = PoolKind {
                workers: max,
                start,
                api,
                max_tasks: work.kernel.program.layout.max_tasks,
            };
            let pool = ProcessPool::new(index, client, kind, &mut work.kernel);
            TaskDispatch::Processes(this.process_pools.push_and_get_key(pool))
        };
        match executor {
            Executor::Inline => TaskDispatch::Itself,
            Executor::RawThreads => TaskDispatch::RawThreads,
            Executor::Threads(max) => threads(self, work, max, false),
            Executor::Interpreters(max) => threads(self, work, max, true),
            Executor::Processes(max, start, chunk) => {
                processes(self, work, max, start, (false, chunk))
            }
            Executor::MpPool(max, start, chunk) => processes(self, work, max, start, (true, chunk)),
        }
    }

    /// Passes a task, or the next part of it, to its executor, or begins it inline.
    pub(crate) fn hand_over(
        &mut self,
        work: &mut Work<'_>,
        tid: Tid,
        copy: CopyIndex,
        key: TaskKey,
    ) {
        let to = work.executor_of(key);
        match work.copies[copy].runners[to] {
            TaskDispatch::Itself => {
                let now = work.kernel.machine.now();
                let since = work.tasks[key].since;
                work.book(key, Cause::Pool, since, now);
                main_thread::begin(work, tid, copy, key);
            }
            TaskDispatch::RawThreads => raw_thread::start(work, tid, copy, key),
            TaskDispatch::Threads(pool) => self.pools[pool].submit(work, tid, key),
            TaskDispatch::Processes(pool) => self.process_pools[pool].submit(work, tid, key),
        }
    }

    /// Shuts down the pools of a copy.
    pub(crate) fn close_executors(&mut self, work: &mut Work<'_>, tid: Tid, copy: CopyIndex) {
        for number in work.copies[copy].runners.keys() {
            match work.copies[copy].runners[number] {
                TaskDispatch::Itself | TaskDispatch::RawThreads => {}
                TaskDispatch::Threads(pool) => self.pools[pool].close(&mut work.kernel, tid),
                TaskDispatch::Processes(pool) => {
                    self.process_pools[pool].close(&mut work.kernel, tid);
                }
            }
        }
    }
}
