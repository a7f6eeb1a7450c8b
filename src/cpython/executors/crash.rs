//! Processes that faults of the scenario end (`SIGKILL`, a segmentation fault), and what goes with them.
//!
//! Which one it is follows from what the program consists of: one of the copies that a master has started; else one of the workers of its process
//! pools; else the program itself, which nobody starts again.

use super::Executors;
use super::process_pool::ProcessPool;
use crate::cpython::index::{CopyIndex, NodeIndex, ProcessIndex, ProcessPoolIndex};
use crate::cpython::kernel::ProcessKind;
use crate::cpython::program::Executor;
use crate::cpython::work::{Death, FaultStrikes, TaskDispatch, Work};
use crate::engine::Nanos;
use crate::machine::Tid;
use crate::scenario::Arrivals;

impl Executors {
    /// A fault begins, or ends.
    pub(crate) fn fault(&mut self, work: &mut Work<'_>, fault: u32) {
        match work.fault_strikes(fault) {
            FaultStrikes::MachineLost(node) => self.machine_lost(work, node),
            FaultStrikes::MachineBack(node) => {
                if work.machine_is_back(node) {
                    self.open_node(work, node, false);
                }
            }
            FaultStrikes::MachineStops(node) => {
                self.copies_vanish(work, node);
                work.machine_stops(node);
            }
            FaultStrikes::MachineStarts(node) => {
                work.machine_starts(node);
                self.open_node(work, node, true);
            }
            FaultStrikes::Restarts => super::restart::is_asked(work, fault),
            // hypercorn's workers do not handle the signal.
            FaultStrikes::Terminates
                if work.kernel.program.layout.has_master() && !work.kernel.program.layout.falls =>
            {
                let there = work.copies_there();
                if let Some(n) = work.victim(fault, there.len()) {
                    work.terminates(fault, there[n]);
                }
            }
            // Nobody else handles the signal.
            FaultStrikes::Kills | FaultStrikes::Terminates => self.crash(work, fault),
            FaultStrikes::Expires(copy, why) if work.is_there(copy) => {
                self.kill_copy(work, copy, why);
            }
            FaultStrikes::Interrupts => self.interrupt(work, fault),
            FaultStrikes::Pauses(lasts) => self.pause(work, fault, lasts),
            FaultStrikes::Gone(copy) => {
                let (process, node) = (work.copies[copy].home.process, work.copies[copy].node);
                work.kernel.starter(process).exited.push_back(process);
                if let Some(supervisor) = work.kernel.supervisor(node) {
                    work.kernel.unpark(supervisor);
                }
            }
            FaultStrikes::Done | FaultStrikes::Expires(..) => {}
        }
    }

    /// A process collects garbage for so long: a copy of the program, or else a worker of its process pools.
    fn pause(&self, work: &mut Work<'_>, fault: u32, lasts: Nanos) {
        let of_pools = !work.kernel.program.layout.has_master() && !self.process_pools.is_empty();
        let there: Vec<ProcessIndex> = if of_pools {
            let workers = self.workers_there(work).into_iter();
            let process = |(_, worker): (_, Tid)| work.kernel.threads[worker].process;
            workers.map(process).collect()
        } else {
            let serving = work.copies_serving().into_iter();
            serving.map(|copy| work.copies[copy].home.process).collect()
        };
        if let Some(n) = work.victim(fault, there.len()) {
            work.kernel.pause(there[n], lasts);
        }
    }

    /// A process is interrupted, as whoever it is handles that. gunicorn's worker that handles one request at a time leaves it, by `SystemExit`, sleeps and ends (native code is not
    /// waited for here); one with threads, and those of uvicorn, finish what they have; hypercorn's ignore the signal.
    fn interrupt(&mut self, work: &mut Work<'_>, fault: u32) {
        let layout = &work.kernel.program.layout;
        if layout.has_master() {
            let one_by_one = !layout.event_loop && layout.executor == Executor::Inline;
            let ignores = layout.falls;
            let there = work.copies_there();
            let Some(n) = work.victim(fault, there.len()) else {
                return;
            };
            if one_by_one
                && let Some(supervisor) = work.kernel.supervisor(work.copies[there[n]].node)
            {
                let copy = there[n];
                self.with_its_pools(work, copy, |work| {
                    work.kill_copy(supervisor, copy, true, Death::Crash)
                });
                work.quits(fault, copy);
            } else if !ignores {
                work.terminates(fault, there[n]);
            }
        } else {
            self.strikes_worker_or_program(work, fault, ProcessPool::worker_is_interrupted);
        }
    }

    /// Without a master a worker of a process pool is struck, or else the program itself, which ends with that. (Several machines with one process
    /// each are refused: see `compile`.)
    fn strikes_worker_or_program(
        &mut self,
        work: &mut Work<'_>,
        fault: u32,
        strikes: impl FnOnce(&mut ProcessPool, &mut Work<'_>, Tid),
    ) {
        if self.process_pools.is_empty() {
            if work.victim(fault, 1).is_some() {
                work.program_dies();
            }
            return;
        }
        let there = self.workers_there(work);
        if let Some(n) = work.victim(fault, there.len()) {
            let (pool, worker) = there[n];
            strikes(&mut self.process_pools[pool], work, worker);
        }
    }

    fn kill_copy(&mut self, work: &mut Work<'_>, copy: CopyIndex, why: Death) {
        if work.kernel.program.layout.falls {
            return self.server_falls(work, copy);
        }
        if let Some(supervisor) = work.kernel.supervisor(work.copies[copy].node) {
            self.kill(work, supervisor, copy, why);
            // The end of a child is a signal to its parent.
            work.kernel.unpark(supervisor);
        }
    }

    /// A server ends with the first worker that fails: its machine serves no more.
    fn server_falls(&mut self, work: &mut Work<'_>, copy: CopyIndex) {
        if work.kernel.program.cluster.is_some() {
            let node = work.copies[copy].node;
            self.machine_lost(work, node);
        } else {
            work.program_dies();
        }
    }

    fn crash(&mut self, work: &mut Work<'_>, fault: u32) {
        if work.kernel.program.layout.has_master() {
            let there = work.copies_there();
            if let Some(n) = work.victim(fault, there.len()) {
                self.kill_copy(work, there[n], Death::Crash);
            }
        } else {
            self.strikes_worker_or_program(work, fault, ProcessPool::worker_crashes);
        }
    }

    /// A machine is gone, with all processes on it. What its requests were doing nobody hears: their clients wait until the balancer finds out.
    fn machine_lost(&mut self, work: &mut Work<'_>, node: NodeIndex) {
        self.copies_vanish(work, node);
        work.machine_is_gone(node);
    }

    fn copies_vanish(&mut self, work: &mut Work<'_>, node: NodeIndex) {
        for copy in work.copies_on(node) {
            self.with_its_pools(work, copy, |work| work.copy_vanishes(copy));
        }
    }

    /// Ends the process of a copy by `ends`, and with it the pools that it has.
    fn with_its_pools<T>(
        &mut self,
        work: &mut Work<'_>,
        copy: CopyIndex,
        ends: impl FnOnce(&mut Work<'_>) -> T,
    ) -> T {
        let runners = work.copies[copy].runners.clone();
        for runner in &runners {
            if let TaskDispatch::Processes(pool) = *runner {
                self.process_pools[pool].parent_dies(work);
            }
        }
        let ended = ends(work);
        for runner in runners {
            if let TaskDispatch::Threads(pool) = runner {
                self.pools[pool].forget();
            }
        }
        ended
    }

    /// The kernel of the machine beyond its memory kills the largest process, as it maps memory, because there is too much of it (`mm/oom_kill.c: oom_badness`); returns whether the
    /// program goes on after that.
    pub(crate) fn kill_largest(&mut self, work: &mut Work<'_>) -> bool {
        let node = work.kernel.memory.exceeded_on();
        let there = |p: &ProcessIndex| work.kernel.processes[*p].node == node;
        let mapped = |p: &ProcessIndex| work.kernel.memory.mapped(*p);
        let living = work.kernel.living.iter().copied();
        let largest = living.filter(there).max_by_key(mapped);
        let Some(process) = largest else {
            return false;
        };
        match work.kernel.processes[process].kind {
            ProcessKind::Copy => {
                let recorded = matches!(work.kernel.program.arrivals, Arrivals::Trace(_));
                let copy = work
                    .copies
                    .keys()
                    .rfind(|&c| work.copies[c].home.process == process);
                match copy.filter(|_| !recorded && work.kernel.supervisor(node).is_some()) {
                    Some(copy) => self.kill_copy(work, copy, Death::Memory),
                    None => return false,
                }
                return true;
            }
            ProcessKind::Worker(pool, _) => {
                let workers = &self.process_pools[pool].workers;
                let worker = workers.iter().copied();
                let mut of_it = worker.filter(|&w| work.kernel.threads[w].process == process);
                match of_it.next() {
                    Some(worker) => self.process_pools[pool].worker_crashes(work, worker),
                    // Its parent has died before.
                    None => drop(work.kernel.kill(process)),
                }
            }
            ProcessKind::Main | ProcessKind::ForkServer | ProcessKind::Tracker => return false,
        }
        work.memory_kills();
        true
    }

    /// The workers of all process pools that can be struck, by when they were started.
    fn workers_there(&self, work: &Work<'_>) -> Vec<(ProcessPoolIndex, Tid)> {
        let pools = self.process_pools.iter_enumerated();
        let workers = pools.flat_map(|(index, pool)| {
            let there = pool.workers_there(&work.kernel).into_iter();
            there.map(move |worker| (index, worker))
        });
        let mut all: Vec<(ProcessPoolIndex, Tid)> = workers.collect();
        all.sort_by_key(|&(_, worker)| work.kernel.threads[worker].process);
        all
    }

    /// Kills the process of a copy, and reaps it.
    pub(super) fn kill(&mut self, work: &mut Work<'_>, by: Tid, copy: CopyIndex, why: Death) {
        // Python leaves its blocks where the handler of SIGABRT raises `SystemExit`, unless that comes too late.
        let aborted = by == work.copies[copy].main || work.leaves_blocks(copy);
        let leaves = why == Death::Silent && aborted;
        let process = self.with_its_pools(work, copy, |work| work.kill_copy(by, copy, leaves, why));
        work.kernel.starter(process).exited.push_back(process);
    }

    /// Whether what is submitted to this executor fails at once, because it is broken.
    pub(super) fn is_broken(&self, to: TaskDispatch) -> bool {
        match to {
            TaskDispatch::Processes(pool) => self.process_pools[pool].broken,
            TaskDispatch::Itself | TaskDispatch::RawThreads | TaskDispatch::Threads(_) => false,
        }
    }
}
