//! Starting threads, and processes by fork, spawn and forkserver: facts sheet 7.

use std::collections::VecDeque;

use super::Kernel;
use super::act::Act;
use super::process::ProcessKind;
use super::wait::On;
use crate::cpython::index::ProcessIndex;
use crate::cpython::role::{RoleAction, ThreadRole};
use crate::engine::Nanos;
use crate::machine::{SchedState, Tid};
use crate::scenario::StartMethod;

/// What is started once for all children of a machine: the resource tracker and the fork server.
#[derive(Default)]
pub(crate) struct Starter {
    /// The machine's main process.
    pub(super) main: ProcessIndex,
    tracker: bool,
    server: Option<Tid>,
    /// Children asked of the fork server, each with the thread that asked.
    pub(crate) requests: VecDeque<(Tid, Tid)>,
    forked: bool,
    /// The thread that waits for the ends of the copies that it has started, and those that it has not seen yet.
    pub(crate) supervisor: Option<Tid>,
    pub(crate) exited: VecDeque<ProcessIndex>,
    /// When it looks for them, where it does so from time to time only.
    pub(crate) look: Option<Nanos>,
}

/// What the fork server and its children cost by themselves, without the program's own modules.
struct ServerCosts {
    server_boot: Nanos,
    server_private: u64,
    child_boot: Nanos,
    child_private: u64,
}

impl Starter {
    /// Forgets killed threads: their requests, and the children among them, are not forked, and a killed fork server is started anew on
    /// demand.
    pub(crate) fn forget(&mut self, killed: &[Tid]) {
        self.requests
            .retain(|(child, requester)| !killed.contains(child) && !killed.contains(requester));
        self.server = self.server.filter(|server| !killed.contains(server));
    }
}

/// How the cost of a fresh stack ([`Params::thread_fresh`](crate::cpython::profile::Params::thread_fresh)) is shared: by the starting
/// thread, which maps the stack; by the new thread, which touches its pages first; and by the end of the thread, which unmaps it. Of 20 us
/// with CPython 3.14.7 on one core (100 threads compared with 4), 6 were the starter's and 6 the joiner's.
const FRESH_SHARES: [f64; 3] = [0.3, 0.4, 0.3];

impl Kernel<'_> {
    /// CPU time of a fork of this process, which copies the page tables of all that the process maps.
    fn fork_cost(&self, process: ProcessIndex) -> Nanos {
        let more = self
            .memory
            .mapped(process)
            .saturating_sub(self.costs.base_rss) as f64;
        let extra = more * self.costs.fork_per_byte;
        self.costs.fork_call + Nanos::from_f64(extra)
    }

    /// CPU time of a new main process until it does something: its interpreter starts, and it imports the application if it is the one who does.
    pub(crate) fn main_boots(&self) -> Nanos {
        let imports = if self.imports_in_main() {
            self.program.import_time.scale(self.costs.cpu_factor)
        } else {
            Nanos::ZERO
        };
        self.costs.spawn_boot + imports
    }

    /// Pushes the acts by which a thread starts a child process, whose only thread is `child`, to `acts`.
    pub(crate) fn start_process(&mut self, method: StartMethod, child: Tid, acts: &mut Vec<Act>) {
        let process = self.threads[child].process;
        let parent = self.processes[process].parent;
        let import = self.program.import_time.scale(self.costs.cpu_factor);
        let import_memory = self.program.import_memory;
        // A server's worker that loads the application by itself loads its data as well.
        let loaded = import_memory.saturating_add(self.program.data_memory);
        let (boot, private) = match method {
            StartMethod::Fork => {
                let once = if std::mem::replace(&mut self.starter(process).forked, true) {
                    0
                } else {
                    self.costs.fork_parent_private
                };
                // `os.fork` stops the world of a free-threaded parent.
                if !self.profile.gil {
                    acts.push(Act::StopWorld);
                }
                acts.push(Act::Run(self.fork_cost(parent)));
                if !self.profile.gil {
                    acts.push(Act::StartWorld);
                }
                acts.push(Act::Begin(child));
                acts.push(Act::Take(once));
                // Who is forked from a process without the imports imports by itself.
                let of_main = self.processes[parent].kind == ProcessKind::Main;
                let inherits = !of_main || self.imports_in_main();
                let (import, imported) = if inherits {
                    (Nanos::ZERO, 0)
                } else {
                    (import, loaded)
                };
                (
                    self.costs.fork_boot + import,
                    self.costs.fork_private + imported,
                )
            }
            StartMethod::Spawn => {
                let boot = self.costs.spawn_boot + import;
                let own = match self.processes[process].kind {
                    ProcessKind::Copy => loaded,
                    ProcessKind::Main
                    | ProcessKind::Worker(..)
                    | ProcessKind::ForkServer
                    | ProcessKind::Tracker => import_memory,
                };
                let private = self.costs.spawn_private + own;
                self.start_tracker(process, acts);
                acts.push(Act::Run(self.costs.spawn_call));
                acts.push(Act::Begin(child));
                (boot, private)
            }
            StartMethod::Forkserver => {
                let preloaded = self.preloads();
                let server_costs = self.server_costs();
                let private =
                    server_costs.child_private + if preloaded { 0 } else { import_memory };
                let boot = server_costs.child_boot + if preloaded { Nanos::ZERO } else { import };
                self.start_tracker(process, acts);
                let server = self.start_server(process, acts);
                let forks = self.threads[server].process;
                self.memory.forked_from(self.machine.now(), process, forks);
                acts.push(Act::Run(self.costs.forkserver_call));
                acts.push(Act::Request(child));
                acts.push(Act::Unpark(server));
                acts.push(Act::park(On::Start, Nanos::MAX));
                (boot, private)
            }
        };
        // Half of a child's memory is touched by the time it has half booted: that is enough detail for a peak.
        self.push(child, Act::Take(private / 2));
        self.push(child, Act::Run(boot));
        self.push(child, Act::Take(private - private / 2));
    }

    /// A child that is started by these acts is there already: neither side spends time on it.
    pub(crate) fn is_there_already(&mut self, child: Tid, acts: &mut Vec<Act>) {
        let takes_time = |act: &Act| matches!(act, Act::Run(_));
        acts.retain(|act| !takes_time(act));
        self.threads[child].script.retain(|act| !takes_time(act));
    }

    /// What starting the fork server and a child costs here. A server that preloads the main module has the imports that all main modules
    /// need.
    fn server_costs(&self) -> ServerCosts {
        let costs = &self.costs;
        // Profiles of a server that never preloads hold the values of a server as it is, so there is no separate set.
        let bare = costs.forkserver_preload_main && !self.program.preloadable;
        if bare {
            ServerCosts {
                server_boot: costs.forkserver_bare_boot,
                server_private: costs.forkserver_bare_private,
                child_boot: costs.forkserver_bare_child_boot,
                child_private: costs.forkserver_bare_child_private,
            }
        } else {
            ServerCosts {
                server_boot: costs.forkserver_boot,
                server_private: costs.forkserver_private,
                child_boot: costs.forkserver_child_boot,
                child_private: costs.forkserver_child_private,
            }
        }
    }

    /// Starts the resource tracker of the machine of this process, unless there is one.
    fn start_tracker(&mut self, process: ProcessIndex, acts: &mut Vec<Act>) {
        let starter = self.starter(process);
        let main = starter.main;
        if std::mem::replace(&mut starter.tracker, true) {
            return;
        }
        let home = self.new_process(ProcessKind::Tracker, main);
        let tracker = self.new_thread(ThreadRole::Script, home, 0);
        self.push(tracker, Act::Run(self.costs.tracker_boot));
        acts.push(Act::Run(self.costs.spawn_call));
        acts.push(Act::Begin(tracker));
        let private = self.costs.tracker_private;
        acts.push(Act::TakeFor(home.process, private));
    }

    /// Starts the fork server of the machine of this process, unless there is one.
    fn start_server(&mut self, process: ProcessIndex, acts: &mut Vec<Act>) -> Tid {
        let starter = self.starter(process);
        let main = starter.main;
        if let Some(server) = starter.server {
            return server;
        }
        let home = self.new_process(ProcessKind::ForkServer, main);
        let server = self.new_thread(ThreadRole::ForkServer, home, 0);
        let (import, imported) = if self.preloads() {
            // The main module is imported once here, which its children need no longer pay.
            let time = self.program.import_time.scale(self.costs.cpu_factor);
            (time, self.program.import_memory)
        } else {
            (Nanos::ZERO, 0)
        };
        let server_costs = self.server_costs();
        self.push(server, Act::Run(server_costs.server_boot + import));
        acts.push(Act::Run(self.costs.spawn_call));
        acts.push(Act::Begin(server));
        acts.push(Act::TakeFor(
            home.process,
            server_costs.server_private + imported,
        ));
        self.starter(process).server = Some(server);
        server
    }

    pub(crate) fn refill_fork_server(&mut self, tid: Tid) {
        let process = self.threads[tid].process;
        if self.starter(process).requests.is_empty() {
            self.push(tid, Act::park(On::Request, Nanos::MAX));
            return;
        }
        self.push(tid, Act::Run(self.costs.forkserver_fork));
        self.push(tid, Act::Do(RoleAction::Forked));
    }

    /// Notes that the child at the head of the requests has been forked: it begins, and its requester, which learns its process number, is
    /// unparked.
    pub(crate) fn child_forked(&mut self, tid: Tid) {
        let process = self.threads[tid].process;
        if let Some((child, requester)) = self.starter(process).requests.pop_front() {
            if self.machine.state(child) != SchedState::Exited {
                self.machine.wake_by(tid, child, Nanos::ZERO, Nanos::ZERO);
            }
            self.unpark_by(tid, requester);
        }
    }

    /// `Thread.start`: scripts the start of `child`. The starter waits until the new thread has announced itself.
    pub(crate) fn start_thread(&mut self, starter: Tid, child: Tid) {
        let rss = self.costs.thread_rss;
        let reused = self.reuse_stack(self.threads[child].process);
        let fresh = |share| {
            if reused {
                Nanos::ZERO
            } else {
                self.costs.thread_fresh.scale(share)
            }
        };
        let (mapping, touching) = (fresh(FRESH_SHARES[0]), fresh(FRESH_SHARES[1]));
        self.push_front(starter, Act::park(On::Start, Nanos::MAX));
        self.push_front(starter, Act::Begin(child));
        self.push_front(starter, Act::Run(self.costs.thread_start + mapping));
        self.push(child, Act::Take(rss));
        self.push(child, Act::Run(self.costs.thread_boot + touching));
        self.push(child, Act::Unpark(starter));
    }

    /// Scripts the end of a thread; `more` is CPU time that it needs for other work at its end.
    pub(crate) fn end_thread(&mut self, tid: Tid, more: Nanos) {
        let unmapping = if self.keep_stack(self.threads[tid].process) {
            Nanos::ZERO
        } else {
            self.costs.thread_fresh.scale(FRESH_SHARES[2])
        };
        self.push(tid, Act::Run(self.costs.thread_exit + unmapping + more));
    }
}
