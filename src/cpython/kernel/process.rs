//! What Python calls the simulated processes and threads, and how people count tasks: the one place that names them.

use crate::cpython::index::ProcessIndex;
use crate::cpython::kernel::arena::Arenas;
use crate::cpython::kernel::thread::Home;
use crate::cpython::program::Executor;
use crate::cpython::role::Role;
use crate::cpython::sim::Sim;
use crate::cpython::work::exec::CHILD_BITS;
use crate::cpython::work::task::{Frame, Task};
use crate::machine::Tid;
use crate::scenario::StartMethod;

/// The bits of a child's number that count its parent's children.
pub(crate) const CHILD_MASK: u64 = (1 << CHILD_BITS) - 1;

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

impl Sim<'_> {
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
        self.process_starts(process);
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

    /// Which of its kind a new thread is, as its name counts: pool threads from 0, raw threads from 1.
    pub(crate) fn serial(&mut self, role: Role, home: Home) -> u32 {
        match role {
            Role::Raw => {
                let p = &mut self.processes[home.process];
                p.raw_threads += 1;
                p.raw_threads
            }
            Role::PoolWorker(pool, _) | Role::InterpWorker(pool, ..) => {
                u32::try_from(self.pools[pool].workers.len()).expect("few workers")
            }
            _ => 0,
        }
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
        let t = &self.threads[tid as usize];
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

    /// A task as people count it: `page #3`, or `page #3's child 2`. Both counts start at 1.
    pub(crate) fn task_name(&self, task: &Task) -> String {
        let mut name = match task.parent {
            Some(parent) => {
                let child = (task.number & CHILD_MASK) + 1;
                format!("{}'s child {child}", self.task_name(&self.tasks[parent]))
            }
            None => String::new(),
        };
        // Children that it runs itself, one after another, have no tasks of their own.
        let mut inline = Vec::new();
        for frame in &task.frames {
            if let Frame::Inline {
                class, pc, left, ..
            } = frame
            {
                inline.push((*class, *pc, *left));
            }
        }
        if task.parent.is_none() {
            let class = inline.first().map_or(task.class, |&(class, ..)| class);
            name = format!(
                "{} #{}",
                self.program.classes[class as usize].name,
                task.number + 1
            );
        }
        for (class, pc, left) in inline {
            let code = &self.program.classes[class as usize].code;
            let started = code.get(pc.wrapping_sub(1) as usize);
            let all = started.and_then(|i| i.children()).unwrap_or(left);
            name = format!("{name}'s child {}", all - left + 1);
        }
        name
    }
}
