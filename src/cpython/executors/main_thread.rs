//! Main threads without an event loop, which take tasks in and submit them, and the master of a prefork server.

use super::Executors;
use crate::cpython::index::{CopyIndex, ExecutorIndex, TaskKey};
use crate::cpython::kernel::{Act, On};
use crate::cpython::program::Executor;
use crate::cpython::role::{MainState, MasterState, RoleAction, ThreadRole};
use crate::cpython::work::{Death, Flow, Mode, NextOwn, TaskDispatch, Work};
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};

/// Scripts the start of a copy by the master of its server. `first`: nobody was in its place before.
pub(super) fn start_copy(work: &mut Work<'_>, tid: Tid, copy: CopyIndex, first: bool) {
    let main = work.copies[copy].main;
    let start = work.kernel.program.layout.life.start;
    let mut acts = Vec::new();
    work.kernel.start_process(start, main, &mut acts);
    if work.kernel.program.ready && first {
        work.kernel.is_there_already(main, &mut acts);
    }
    for act in acts {
        work.kernel.push(tid, act);
    }
    work.kernel.children += 1;
}

fn take_in(work: &mut Work<'_>, tid: Tid, copy: CopyIndex) {
    let outside = work.arrivals_from_outside();
    let next = if outside {
        let accepted = work.accept(copy);
        accepted.map_or(NextOwn::Over, |k| NextOwn::Task(Nanos::ZERO, k))
    } else {
        work.next_own(copy)
    };
    if let NextOwn::Serial(key) = next {
        begin(work, tid, copy, key);
        return;
    }
    let NextOwn::Task(at, key) = next else {
        if !work.expects_arrivals(copy) && work.copies[copy].outstanding == 0 {
            work.kernel.threads[tid].role = ThreadRole::Main(copy, MainState::Closing);
        } else {
            if outside {
                work.accept_in_vain(tid);
                work.wait_for_arrivals(copy);
            } else if let NextOwn::RoundIsOn = next {
                work.copies[copy].awaits_round = true;
            }
            work.kernel.push(tid, Act::park(On::Arrival, Nanos::MAX));
        }
        return;
    };
    work.notifies(copy, at);
    if at > work.kernel.machine.now() {
        work.kernel.push(tid, Act::sleep(On::Arrival, at));
    }
    let dispatch = work.dispatch_cost();
    match work.kernel.program.layout.executor {
        // Work of the program itself for a task, beside that of the library, is done for tasks that run inline, too.
        Executor::Inline if dispatch == Nanos::ZERO => {}
        Executor::Inline | Executor::RawThreads | Executor::MpPool(..) => {
            work.kernel.push(tid, Act::Run(dispatch));
        }
        Executor::Threads(_) | Executor::Interpreters(_) => {
            work.kernel
                .push(tid, Act::Run(dispatch + work.kernel.costs.tpe_submit));
        }
        Executor::Processes(_, _, chunk) if !work.chunk_is_complete(copy, chunk) => {
            work.kernel.push(tid, Act::Run(dispatch));
        }
        Executor::Processes(..) => {
            work.kernel
                .push(tid, Act::Run(dispatch + work.kernel.costs.ppe_submit));
            // Writing to the wake-up pipe releases the GIL: too briefly for a waiter to get it, but long enough to wake one, and so to
            // restart its interval. This is why the management thread starves while a batch is submitted.
            work.kernel.push(tid, Act::native(work.kernel.syscall));
        }
    }
    work.kernel
        .push(tid, Act::Do(RoleAction::Submit(copy, key)));
    if at <= work.kernel.machine.now() {
        work.work_on(tid, Some(key));
    }
}

/// Begins a task that the main thread executes itself.
pub(super) fn begin(work: &mut Work<'_>, tid: Tid, copy: CopyIndex, key: TaskKey) {
    work.attribute_time(tid, Some(key), Cause::Running);
    work.runs(tid, Some(key));
    work.kernel.threads[tid].role = ThreadRole::Main(copy, MainState::Working(key));
}

impl Executors {
    /// Scripts the master of a prefork server: it starts its copies one after another and, where they end, others in their places.
    pub(super) fn refill_master(&mut self, work: &mut Work<'_>, tid: Tid, state: MasterState) {
        let node = work.kernel.node_of_thread(tid);
        let watches = state != MasterState::Start;
        if watches && work.looks_later(tid) {
            return;
        }
        let living = match state {
            MasterState::Start => {
                for copy in work.copies_on(node) {
                    start_copy(work, tid, copy, true);
                }
                let program = work.kernel.program;
                let life = program.layout.life;
                if life.max_requests.is_none() && life.timeout.is_none() && !work.kernel.kills {
                    work.kernel.push(tid, Act::Exit);
                    return;
                }
                work.kernel.starters[node].supervisor = Some(tid);
                Some(work.kernel.program.layout.copies)
            }
            MasterState::Watch(living) => self.watch_copies(work, tid, living),
        };
        if let Some(living) = living {
            work.kernel.threads[tid].role = ThreadRole::Master(MasterState::Watch(living));
        }
    }

    /// Scripts what the master does next that watches over so many copies. Returns how many it has then; `None` if it has ended.
    fn watch_copies(&mut self, work: &mut Work<'_>, tid: Tid, living: u32) -> Option<u32> {
        let node = work.kernel.node_of_thread(tid);
        if let Some(living) = self.master_restarts(work, tid, living) {
            return Some(living);
        }
        if let Some(process) = work.kernel.starters[node].exited.pop_front() {
            let Some(copy) = self.replace(work, process) else {
                return Some(living - 1);
            };
            start_copy(work, tid, copy, false);
            return Some(living);
        }
        if living == 0 {
            work.kernel.push(tid, Act::Exit);
            return None;
        }
        let silent = work.look(tid);
        for &copy in &silent {
            work.kernel.machine.charge(tid, work.kernel.syscall);
            self.kill(work, tid, copy, Death::Silent);
        }
        if silent.is_empty() {
            let until = work.watchdog_waits(tid);
            work.kernel.push(tid, Act::park(On::Exits, until));
        }
        Some(living)
    }

    pub(crate) fn refill_main(
        &mut self,
        work: &mut Work<'_>,
        tid: Tid,
        copy: CopyIndex,
        state: MainState,
    ) {
        match state {
            MainState::Begin => {
                work.begins_to_serve(copy);
                work.kernel.threads[tid].role = ThreadRole::Main(copy, MainState::Take);
                if let Executor::MpPool(..) = work.kernel.program.layout.executor
                    && let TaskDispatch::Processes(pool) =
                        work.copies[copy].runners[ExecutorIndex::DEFAULT]
                {
                    self.process_pools[pool].open(&mut work.kernel, tid);
                }
            }
            MainState::Take => take_in(work, tid, copy),
            MainState::Working(_) if work.finds_signal(copy) => {
                self.kill(work, tid, copy, Death::Silent);
                if let Some(supervisor) = work.kernel.supervisor(work.copies[copy].node) {
                    work.kernel.unpark(supervisor);
                }
            }
            MainState::Working(key) => {
                if work.step(tid, key, Mode::Inline) == Flow::Over {
                    let t = &mut work.kernel.threads[tid];
                    t.task = None;
                    t.role = ThreadRole::Main(copy, MainState::Take);
                    work.attribute_time(tid, None, Cause::Ipc);
                    work.task_ended(key);
                }
            }
            MainState::Closing => self.close_main(work, tid, copy),
        }
    }

    /// Passes a task that the program has taken in to its executor, or begins it.
    pub(crate) fn submit_own(
        &mut self,
        work: &mut Work<'_>,
        tid: Tid,
        copy: CopyIndex,
        key: TaskKey,
    ) {
        work.kernel.hop(key, tid);
        work.work_on(tid, None);
        self.hand_over(work, tid, copy, key);
    }

    fn close_main(&mut self, work: &mut Work<'_>, tid: Tid, copy: CopyIndex) {
        self.close_executors(work, tid, copy);
        work.kernel.push(tid, Act::Exit);
    }
}
