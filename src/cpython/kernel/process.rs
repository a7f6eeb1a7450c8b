//! Processes, and what Python calls them and their threads.

use super::Kernel;
use super::arena::Arenas;
use crate::cpython::index::ProcessIndex;
use crate::cpython::program::Executor;
use crate::cpython::record::recording::ProcessRecord;
use crate::cpython::role::Role;
use crate::machine::Tid;
use crate::scenario::StartMethod;

/// What a simulated process is for, which decides its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessKind {
    /// The program that was started: number 0.
    Main,
    /// A copy of a prefork server.
    Copy,
    /// A worker of a process pool, and how it was started.
    Worker(StartMethod),
    /// Forks workers.
    ForkServer,
    /// Outlives the others to clean up after them.
    Tracker,
}

/// A simulated process: an interpreter of its own, and the threads in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pub(crate) kind: ProcessKind,
    /// Who started it: its place in the table of processes. The main process is its own.
    pub(crate) parent: ProcessIndex,
    /// `multiprocessing`'s count of its parent's children, from 1.
    number: u32,
    /// Children that it has started by `multiprocessing`.
    children: u32,
    /// Threads that have not ended.
    pub(crate) threads: u32,
    /// Raw threads that it has started.
    raw_threads: u32,
    /// Stacks of ended threads that it keeps for new ones: see [`KEPT_STACKS`].
    kept_stacks: u32,
}

/// glibc keeps up to 40 MiB of the stacks of ended threads (`__nptl_stack_cache_maxsize`), of 8 MiB each by default.
const KEPT_STACKS: u32 = 5;

impl Kernel<'_> {
    /// A new process's place in the table.
    pub(crate) fn register_process(
        &mut self,
        kind: ProcessKind,
        parent: ProcessIndex,
    ) -> ProcessIndex {
        let counted = matches!(kind, ProcessKind::Copy | ProcessKind::Worker(_));
        let mut number = 0;
        if counted && let Some(p) = self.processes.get_mut(parent) {
            p.children += 1;
            number = p.children;
        }
        self.processes.push(Process {
            kind,
            parent,
            number,
            children: 0,
            threads: 0,
            raw_threads: 0,
            kept_stacks: 0,
        });
        let process = self.open_ledger(kind, parent);
        debug_assert_eq!(self.processes.last_key(), Some(process));
        self.arenas.push(Arenas::default());
        if self.recorder.is_some() {
            let (name, started) = (self.process_name(process), self.machine.now());
            if let Some(r) = &mut self.recorder {
                r.process_starts(ProcessRecord { name, started });
            }
        }
        process
    }

    /// Takes the stack of an ended thread for a new one; whether there was any.
    pub(crate) fn reuse_stack(&mut self, process: ProcessIndex) -> bool {
        let kept = &mut self.processes[process].kept_stacks;
        let some = *kept > 0;
        *kept = kept.saturating_sub(1);
        some
    }

    /// Keeps the stack of a thread that ends; whether there was room for it.
    pub(crate) fn keep_stack(&mut self, process: ProcessIndex) -> bool {
        let kept = &mut self.processes[process].kept_stacks;
        let room = *kept < KEPT_STACKS;
        *kept += u32::from(room);
        room
    }

    /// Which of the raw threads of a process a new one is, as its name counts: from 1.
    pub(crate) fn count_raw_thread(&mut self, process: ProcessIndex) -> u32 {
        let p = &mut self.processes[process];
        p.raw_threads += 1;
        p.raw_threads
    }

    /// As `multiprocessing.current_process().name`: `MainProcess`, `ForkProcess-1`, `SpawnPoolWorker-2`, `ForkProcess-2:1`;
    /// `forkserver` and `resource_tracker` have no name of their own in Python.
    pub(crate) fn process_name(&self, process: ProcessIndex) -> String {
        let p = &self.processes[process];
        let (start, pool) = match p.kind {
            ProcessKind::Main => return "MainProcess".into(),
            ProcessKind::ForkServer => return "forkserver".into(),
            ProcessKind::Tracker => return "resource_tracker".into(),
            ProcessKind::Copy => (StartMethod::Fork, false),
            ProcessKind::Worker(start) => {
                let pool = matches!(self.program.layout.executor, Executor::MpPool(..));
                (start, pool)
            }
        };
        let start = match start {
            StartMethod::Fork => "Fork",
            StartMethod::Spawn => "Spawn",
            StartMethod::Forkserver => "ForkServer",
        };
        let what = if pool { "PoolWorker" } else { "Process" };
        // A child's identity begins with its parent's.
        let parent = match self.processes[p.parent] {
            Process {
                kind: ProcessKind::Copy,
                number,
                ..
            } => format!("{number}:"),
            _ => String::new(),
        };
        format!("{start}{what}-{parent}{}", p.number)
    }

    /// As `threading.current_thread().name`; the management thread of a `ProcessPoolExecutor`, a mere `Thread-1` in Python, has
    /// the name of its class.
    pub(crate) fn thread_name(&self, tid: Tid) -> String {
        let t = &self.threads[tid];
        let n = t.serial;
        let mp = matches!(self.program.layout.executor, Executor::MpPool(..));
        match t.role {
            Role::Main(..)
            | Role::Loop(..)
            | Role::Master
            | Role::ProcessWorker(..)
            | Role::ForkServer
            | Role::Script => "MainThread".into(),
            Role::Raw => format!("Thread-{n}"),
            // A loop's own executor names its threads so.
            Role::PoolWorker(..) if self.program.layout.event_loop => format!("asyncio_{n}"),
            Role::PoolWorker(..) => format!("ThreadPoolExecutor-0_{n}"),
            Role::InterpWorker(..) => format!("InterpreterPoolExecutor-0_{n}"),
            // Of a `Pool`'s three threads the first looks after the workers, which the model leaves out.
            Role::Manager(..) if mp => "Thread-3 (_handle_results)".into(),
            Role::Feeder(_) if mp => "Thread-2 (_handle_tasks)".into(),
            Role::Manager(..) => "ExecutorManagerThread".into(),
            Role::Feeder(_) => "QueueFeederThread".into(),
        }
    }
}
