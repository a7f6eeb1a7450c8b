//! What Python calls processes and threads.

use super::super::recording::{ProcessRecord, ThreadRecord};
use super::super::sim::Sim;
use super::super::thread::Role;
use crate::machine::Tid;
use crate::scenario::StartMethod;

/// What a new process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessKind {
    /// The program itself.
    Main,
    /// A copy of it under a prefork server.
    Copy,
    /// A worker of a pool of this process.
    Worker {
        parent: u32,
        start: StartMethod,
        /// `multiprocessing.Pool` rather than the executor.
        mp: bool,
    },
    /// `multiprocessing`'s resource tracker.
    Tracker,
    /// Its fork server.
    Server,
}

/// What the names of a process's children and threads are made of.
#[derive(Default)]
pub(super) struct Family {
    /// Its numbers among its parent's children, and so on upward (`1:2`); empty in the main process.
    identity: String,
    children: u32,
    threads: u32,
}

impl Sim<'_> {
    /// Notes a new process; its number.
    pub(crate) fn process_starts(&mut self, kind: ProcessKind) -> u32 {
        let Some(r) = &mut self.recorder else {
            return 0;
        };
        let (name, identity) = match kind {
            ProcessKind::Main => ("MainProcess".to_owned(), String::new()),
            ProcessKind::Tracker => ("resource_tracker".to_owned(), String::new()),
            ProcessKind::Server => ("forkserver".to_owned(), String::new()),
            ProcessKind::Copy => {
                let identity = child(&mut r.families, 0);
                (format!("ForkProcess-{identity}"), identity)
            }
            ProcessKind::Worker { parent, start, mp } => {
                let identity = child(&mut r.families, parent);
                let context = match start {
                    StartMethod::Fork => "Fork",
                    StartMethod::Spawn => "Spawn",
                    StartMethod::Forkserver => "ForkServer",
                };
                let what = if mp { "PoolWorker" } else { "Process" };
                (format!("{context}{what}-{identity}"), identity)
            }
        };
        r.processes.push(ProcessRecord {
            name,
            started: self.machine.now(),
        });
        r.families.push(Family {
            identity,
            ..Family::default()
        });
        u32::try_from(r.processes.len() - 1).expect("few processes")
    }

    /// Notes a new thread.
    #[inline]
    pub(crate) fn thread_starts(&mut self, tid: Tid, role: Role, process: u32) {
        if self.recorder.is_some() {
            self.record_thread(tid, role, process);
        }
    }

    #[cold]
    fn record_thread(&mut self, tid: Tid, role: Role, process: u32) {
        let name = self.thread_name(role, process);
        let now = self.machine.now();
        let Some(r) = &mut self.recorder else { return };
        let index = tid as usize;
        if r.thread_of.len() <= index {
            r.thread_of.resize(index + 1, 0);
        }
        r.thread_of[index] = u32::try_from(r.threads.len()).expect("fewer than 2^32 threads");
        r.threads.push(ThreadRecord {
            process,
            name,
            started: now,
            exited: None,
        });
    }

    /// Names come from CPython's own modules: `threading`, `concurrent.futures`, `multiprocessing`.
    fn thread_name(&mut self, role: Role, process: u32) -> String {
        let mut numbered = || {
            let family = self.recorder.as_mut()?.families.get_mut(process as usize)?;
            family.threads += 1;
            Some(family.threads)
        };
        match role {
            Role::Main(_)
            | Role::Loop(_)
            | Role::ProcessWorker(_)
            | Role::ForkServer
            | Role::Script
            | Role::Master => "MainThread".into(),
            Role::Raw => format!("Thread-{}", numbered().unwrap_or(1)),
            Role::PoolWorker(pool) => {
                let p = &self.pools[pool as usize];
                let family = if p.parts() {
                    "asyncio"
                } else {
                    "ThreadPoolExecutor-0"
                };
                format!("{family}_{}", p.workers.len())
            }
            Role::InterpWorker(pool, _) => {
                let p = &self.pools[pool as usize];
                format!("InterpreterPoolExecutor-0_{}", p.workers.len())
            }
            Role::Manager(pool) if self.process_pools[pool as usize].is_mp() => {
                "Thread-3 (_handle_results)".into()
            }
            Role::Feeder(pool) if self.process_pools[pool as usize].is_mp() => {
                "Thread-2 (_handle_tasks)".into()
            }
            Role::Manager(_) => {
                format!("Thread-{} (executor manager)", numbered().unwrap_or(1))
            }
            Role::Feeder(_) => "QueueFeederThread".into(),
        }
    }

    /// A thread of its own has been started for a task: Python names it after its function.
    #[inline]
    pub(crate) fn thread_is_for(&mut self, tid: Tid, class: u32) {
        if let Some(r) = &mut self.recorder {
            let thread = r.thread(tid) as usize;
            let class = &self.program.classes[class as usize].name;
            r.threads[thread].name.push_str(&format!(" ({class})"));
        }
    }

    /// Notes the end of a thread.
    #[inline]
    pub(crate) fn thread_ends(&mut self, tid: Tid) {
        if let Some(r) = &mut self.recorder {
            let thread = r.thread(tid) as usize;
            r.threads[thread].exited = Some(self.machine.now());
        }
    }
}

/// The identity of the next child of a process.
fn child(families: &mut [Family], parent: u32) -> String {
    let Some(family) = families.get_mut(parent as usize) else {
        return "1".into();
    };
    family.children += 1;
    if family.identity.is_empty() {
        family.children.to_string()
    } else {
        format!("{}:{}", family.identity, family.children)
    }
}
