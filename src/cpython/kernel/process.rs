//! Simulated processes: their parts, their life, and what Python calls them and their threads.

use super::Kernel;
use super::arena::Arenas;
use super::start::Starter;
use super::thread::{Blocked, InterpreterRef};
use super::wait::{On, Wait};
use crate::cpython::index::{
    DomainIndex, GilIndex, NO_GIL, NodeIndex, PoolIndex, ProcessIndex, ProcessPoolIndex,
};
use crate::cpython::program::Executor;
use crate::cpython::record::recording::ProcessRecord;
use crate::cpython::role::ThreadRole;
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
use crate::scenario::StartMethod;

/// What a simulated process is for; its name follows from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessKind {
    /// The program that was started on a machine; the first is process number 0.
    Main,
    /// A copy of the program, forked by a prefork server.
    Copy,
    /// A worker of this process pool, with its start method.
    Worker(ProcessPoolIndex, StartMethod),
    /// The fork server, which forks workers.
    ForkServer,
    /// The resource tracker, which outlives the others to clean up after them.
    Tracker,
}

/// Whether a process still exists, and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Liveness {
    /// It exists: its threads run, wait, or have yet to begin.
    Alive,
    /// Its last thread has ended.
    Exited,
    /// It was killed.
    Killed,
}

/// A simulated process: an interpreter of its own, and the threads in it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) kind: ProcessKind,
    /// The machine on which it runs.
    pub(crate) node: NodeIndex,
    /// The process that started it; of a main process the first one.
    pub(crate) parent: ProcessIndex,
    /// Its number among the children of its parent, from 1, as `multiprocessing` counts them.
    number: u32,
    /// Number of children that it has started.
    children: u32,
    /// Its threads that have not ended: the main thread first, the others in no particular order.
    threads: Vec<Tid>,
    /// GILs of its interpreters. Their lock domains follow.
    pub(crate) gils: Vec<GilIndex>,
    pub(crate) domains: Vec<DomainIndex>,
    /// The arenas of its allocator.
    pub(crate) arenas: Arenas,
    pub(crate) liveness: Liveness,
    /// Number of raw threads that it has started.
    raw_threads: u32,
    /// A thread that waits for its end.
    pub(crate) joiner: Option<Tid>,
    /// Number of stacks of ended threads that it keeps for new ones: at most [`KEPT_STACKS`].
    kept_stacks: u32,
}

/// Most stacks of ended threads that glibc keeps: 40 MiB (`__nptl_stack_cache_maxsize`), of 8 MiB each by default.
const KEPT_STACKS: u32 = 5;

impl Kernel<'_> {
    /// Adds a new process to the table; returns its index.
    pub(crate) fn register_process(
        &mut self,
        kind: ProcessKind,
        parent: ProcessIndex,
        node: NodeIndex,
    ) -> ProcessIndex {
        let counted = matches!(kind, ProcessKind::Copy | ProcessKind::Worker(..));
        let mut number = 0;
        if counted && let Some(p) = self.processes.get_mut(parent) {
            p.children += 1;
            number = p.children;
        }
        self.processes.push(Process {
            kind,
            node,
            parent,
            number,
            children: 0,
            threads: Vec::new(),
            gils: Vec::new(),
            domains: Vec::new(),
            arenas: Arenas::default(),
            liveness: Liveness::Alive,
            raw_threads: 0,
            joiner: None,
            kept_stacks: 0,
        });
        let process = self.open_ledger(kind, parent, node);
        self.living.push(process);
        debug_assert_eq!(self.processes.last_key(), Some(process));
        if self.recorder.is_some() {
            let (name, started) = (self.process_name(process), self.machine.now());
            if let Some(r) = &mut self.recorder {
                r.process_starts(ProcessRecord { name, started });
            }
        }
        process
    }

    /// Adds a new thread to its process.
    pub(crate) fn thread_joins(&mut self, tid: Tid) {
        let threads = &mut self.processes[self.threads[tid].process].threads;
        self.threads[tid].place = threads.len();
        threads.push(tid);
    }

    /// Removes an ended thread from its process. A worker or copy ends with its last thread; other processes live as long as the program,
    /// if only to wait for its end.
    pub(crate) fn thread_leaves(&mut self, tid: Tid) {
        let (process, place) = (self.threads[tid].process, self.threads[tid].place);
        let p = &mut self.processes[process];
        p.threads.swap_remove(place);
        if let Some(&moved) = p.threads.get(place) {
            self.threads[moved].place = place;
        }
        if p.threads.is_empty() && matches!(p.kind, ProcessKind::Copy | ProcessKind::Worker(..)) {
            let (copy, joiner) = (p.kind == ProcessKind::Copy, p.joiner);
            p.liveness = Liveness::Exited;
            self.is_gone(process);
            self.memory.exit(process, self.machine.now());
            let starter = self.starter(process);
            if let Some(supervisor) = starter.supervisor.filter(|_| copy) {
                starter.exited.push_back(process);
                self.unpark(supervisor);
            }
            if let Some(joiner) = joiner {
                self.unpark(joiner);
            }
        }
    }

    /// Takes a process that has ended out of those that exist.
    fn is_gone(&mut self, process: ProcessIndex) {
        if let Ok(at) = self.living.binary_search(&process) {
            self.living.remove(at);
        }
    }

    /// Kills a process (`SIGKILL`), wherever its threads are: on a core or on the way to one, waiting, or not begun.
    ///
    /// All that belongs to it alone goes: threads, GILs, memory, its ends of pipes, its places in the lines of locks. What it shares with
    /// others stays as it is: a lock between processes that it holds stays taken, a wake-up that it got for one and has not used is lost (a
    /// futex wakes one sleeper, whatever becomes of it), and half a message in a pipe stays half a message.
    ///
    /// Returns its threads, so that the storeys above can see what they were doing.
    pub(crate) fn kill(&mut self, process: ProcessIndex) -> Vec<Tid> {
        let threads = self.stop(process);
        let now = self.machine.now();
        let p = &mut self.processes[process];
        p.liveness = Liveness::Killed;
        p.arenas = Arenas::default();
        self.is_gone(process);
        for gil in self.processes[process].gils.clone() {
            if let Some((holder, since)) = self.gils[gil].abandon(now) {
                self.gil_given(gil, holder, since);
            }
        }
        for &domain in &self.processes[process].domains {
            self.heaps[domain].abandon();
        }
        self.starter(process).forget(&threads);
        self.forget_pauses(process);
        self.memory.exit(process, now);
        threads
    }

    /// Ends the threads of a process that has its memory and its place in the table for ever: one that waits for what cannot come any more.
    /// Returns them.
    pub(crate) fn stop(&mut self, process: ProcessIndex) -> Vec<Tid> {
        let threads = std::mem::take(&mut self.processes[process].threads);
        for &tid in &threads {
            self.kill_thread(tid);
        }
        threads
    }

    /// The main thread of a process leaves whatever it does, by an exception that the handler of a signal raises, and goes on with nothing to do; other threads
    /// of the process end. Returns the thread that stands for it from now on.
    pub(crate) fn begins_anew(&mut self, tid: Tid) -> Tid {
        let old = &self.threads[tid];
        let home = InterpreterRef {
            process: old.process,
            gil: old.gil,
            domain: old.domain,
        };
        let kept = (
            old.role,
            old.serial,
            old.up,
            old.calls,
            old.handed,
            old.call_bytes,
        );
        let (role, serial, up, calls, handed, call_bytes) = kept;
        let (free, arena) = (old.free, old.arena);
        self.stop(home.process);
        let now = self.machine.now();
        if home.gil != NO_GIL
            && let Some((holder, since)) = self.gils[home.gil].abandon(now)
        {
            self.gil_given(home.gil, holder, since);
        }
        self.heaps[home.domain].abandon();
        self.forget_pauses(home.process);
        let anew = self.new_thread(role, home, serial);
        let t = &mut self.threads[anew];
        (t.up, t.calls, t.handed, t.call_bytes) = (up, calls, handed, call_bytes);
        (t.free, t.arena) = (free, arena);
        self.machine.wake(anew, Nanos::ZERO);
        anew
    }

    /// Kills all processes of a machine; what is started there next is started anew.
    pub(crate) fn machine_is_gone(&mut self, node: NodeIndex) {
        let all: Vec<ProcessIndex> = (self.living.iter().copied())
            .filter(|&process| self.processes[process].node == node)
            .collect();
        for process in all {
            self.kill(process);
        }
        self.starters[node] = Starter::default();
    }

    /// Whether a thread is the main thread of its process.
    pub(super) fn is_main_thread(&self, tid: Tid) -> bool {
        self.threads[tid].place == 0
    }

    /// The threads of a process that have not ended.
    pub(crate) fn threads_of(&self, process: ProcessIndex) -> Vec<Tid> {
        self.processes[process].threads.clone()
    }

    pub(super) fn kill_thread(&mut self, tid: Tid) {
        self.book_for(tid, None, (false, false), Cause::Running);
        self.machine.kill(tid);
        self.thread_ends(tid);
        let t = &mut self.threads[tid];
        t.script.clear();
        t.blocked = Blocked::No;
        if let Some(Wait {
            on: On::Lock(lock),
            ticket: Some(ticket),
            ..
        }) = t.wait
        {
            self.locks[lock].forget(ticket);
        }
        for pipe in &mut self.pipes {
            pipe.forget(tid);
        }
    }

    /// Reuses the stack of an ended thread for a new one; whether there was any.
    pub(crate) fn reuse_stack(&mut self, process: ProcessIndex) -> bool {
        let kept = &mut self.processes[process].kept_stacks;
        let some = *kept > 0;
        *kept = kept.saturating_sub(1);
        some
    }

    /// Keeps the stack of an ending thread; whether there was room for it.
    pub(crate) fn keep_stack(&mut self, process: ProcessIndex) -> bool {
        let kept = &mut self.processes[process].kept_stacks;
        let room = *kept < KEPT_STACKS;
        *kept += u32::from(room);
        room
    }

    /// Counts a new raw thread of a process; returns its number, from 1, as its name shows it.
    pub(crate) fn count_raw_thread(&mut self, process: ProcessIndex) -> u32 {
        let p = &mut self.processes[process];
        p.raw_threads += 1;
        p.raw_threads
    }

    /// Name of a process, as `multiprocessing.current_process().name` gives it: `MainProcess`, `ForkProcess-1`, `SpawnPoolWorker-2`,
    /// `ForkProcess-2:1`. A worker of a pool that has a name shows that as well: `ForkProcess-3 (cpu)`. The fork server and the resource tracker, which have no such name in Python, are `forkserver` and
    /// `resource_tracker`.
    ///
    /// Where there are several machines, its own comes first: `node0/MainProcess`.
    pub(crate) fn process_name(&self, process: ProcessIndex) -> String {
        let name = self.own_name(process);
        if self.starters.len() < 2 {
            return name;
        }
        format!("node{}/{name}", usize::from(self.processes[process].node))
    }

    fn own_name(&self, process: ProcessIndex) -> String {
        let p = &self.processes[process];
        let (start, pool) = match p.kind {
            ProcessKind::Main => return "MainProcess".into(),
            ProcessKind::ForkServer => return "forkserver".into(),
            ProcessKind::Tracker => return "resource_tracker".into(),
            ProcessKind::Copy => (self.program.layout.life.start, false),
            ProcessKind::Worker(_, start) => {
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
        // The identity of a child begins with that of its parent.
        let parent = match self.processes[p.parent] {
            Process {
                kind: ProcessKind::Copy,
                number,
                ..
            } => format!("{number}:"),
            _ => String::new(),
        };
        let pool = match p.kind {
            ProcessKind::Worker(pool, _) => self.of_pool(pool),
            ProcessKind::Main
            | ProcessKind::Copy
            | ProcessKind::ForkServer
            | ProcessKind::Tracker => String::new(),
        };
        format!("{start}{what}-{parent}{}{pool}", p.number)
    }

    /// What is added to names of Python that do not tell the process pools of a program apart: the name of the pool, if it has one.
    fn of_pool(&self, pool: ProcessPoolIndex) -> String {
        let executor = self.program.executor_of_processes(pool);
        let name = self.program.executor_name(executor);
        name.map_or(String::new(), |name| format!(" ({name})"))
    }

    /// `thread_name_prefix` of a pool of threads: its name, or what it is otherwise.
    fn thread_prefix<'a>(&'a self, pool: PoolIndex, others: &'a str) -> &'a str {
        let executor = self.program.executor_of_threads(pool);
        self.program.executor_name(executor).unwrap_or(others)
    }

    /// Name of a thread, as `threading.current_thread().name` gives it. The management thread of a `ProcessPoolExecutor`, a mere `Thread-1`
    /// in Python, goes by the name of its class.
    pub(crate) fn thread_name(&self, tid: Tid) -> String {
        let t = &self.threads[tid];
        let n = t.serial;
        let mp = matches!(self.program.layout.executor, Executor::MpPool(..));
        match t.role {
            ThreadRole::Main(..)
            | ThreadRole::Loop(..)
            | ThreadRole::Master(_)
            | ThreadRole::ProcessWorker(..)
            | ThreadRole::ForkServer
            | ThreadRole::Script => "MainThread".into(),
            ThreadRole::Raw => format!("Thread-{n}"),
            ThreadRole::Team => format!("native-{n}"),
            ThreadRole::PoolWorker(pool, _) => {
                // The default executor of an event loop names its threads so.
                let looped = self.program.layout.event_loop;
                let others = if looped {
                    "asyncio"
                } else {
                    "ThreadPoolExecutor-0"
                };
                format!("{}_{n}", self.thread_prefix(pool, others))
            }
            ThreadRole::InterpWorker(pool, ..) => {
                format!(
                    "{}_{n}",
                    self.thread_prefix(pool, "InterpreterPoolExecutor-0")
                )
            }
            ThreadRole::Manager(..) if mp => "Thread-3 (_handle_results)".into(),
            // It has nothing to do unless workers end.
            ThreadRole::Handler(_) => "Thread-1 (_handle_workers)".into(),
            ThreadRole::Feeder(_) if mp => "Thread-2 (_handle_tasks)".into(),
            ThreadRole::Manager(pool, _) => format!("ExecutorManagerThread{}", self.of_pool(pool)),
            ThreadRole::Feeder(pool) => format!("QueueFeederThread{}", self.of_pool(pool)),
        }
    }
}
