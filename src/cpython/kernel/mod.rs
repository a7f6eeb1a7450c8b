//! The kernel of the runtime: threads and their scripts of acts, GILs, locks, pipes, collectors, processes and their memory.
//!
//! The kernel executes acts and spends their time. It does not know what threads are for: when a thread's script is empty, or comes to a
//! deed of its role, the kernel calls [the storeys above](Roles). Of tasks it knows the keys, to book time for them and to hand them over,
//! and the classes, to count by.

mod act;
mod arena;
mod collector;
mod convoy;
mod drive;
mod gil;
mod gil_mutex;
mod inherit;
mod ledger;
mod lock;
mod memory;
mod object;
mod park;
mod pause;
mod pipe;
mod process;
mod releases;
mod start;
mod team;
#[cfg(test)]
mod tests;
mod thread;
mod wait;

use rand_pcg::Pcg64Dxsm;
use typed_index_collections::TiVec;

use crate::cpython::index::{
    ClassIndex, DomainIndex, GilIndex, LockIndex, NO_GIL, NodeIndex, PipeIndex, ProcessIndex,
    TaskKey,
};
use crate::cpython::limits::RunLimits;
use crate::cpython::profile::{Costs, Profile};
use crate::cpython::program::Program;
use crate::cpython::record::recorder::{Recorder, recorder};
use crate::cpython::record::recording::ThreadRecord;
use crate::cpython::role::ThreadRole;
use crate::engine::{Nanos, StreamRole, Total, stream};
use crate::machine::{Cause, Machine, Tid};
use crate::scenario::MachineSpec;
use crate::sync::Lock;

pub(crate) use act::{Act, Outside};
pub(crate) use arena::{Block, Blocks, moves};
pub(crate) use convoy::Convoys;
pub(crate) use drive::{Roles, drive};
pub(crate) use object::Accesses;
pub(crate) use pipe::Message;
use pipe::Pipe;
use process::Process;
pub(crate) use process::{Liveness, ProcessKind};
pub(crate) use thread::{Blocked, InterpreterRef, Phase, Thread};
pub(crate) use wait::{On, Wait, note};

use collector::Heap;
use gil::Gil;
use memory::Memory;
use object::Objects;
use start::Starter;

/// The machine, and the state of all threads, processes and what they share.
pub(crate) struct Kernel<'a> {
    pub(crate) machine: Machine,
    pub(crate) profile: &'a Profile,
    pub(crate) costs: Costs,
    pub(crate) program: &'a Program,
    pub(crate) limits: RunLimits,
    pipe_capacity: u64,
    pipe_ns_per_byte: f64,
    pub(crate) syscall: Nanos,

    pub(crate) threads: TiVec<Tid, Thread>,
    /// Numbers of raw threads that have ended, to be reused.
    spare_threads: Vec<Tid>,
    pub(crate) gils: TiVec<GilIndex, Gil>,
    pub(crate) processes: TiVec<ProcessIndex, Process>,
    /// Those that exist, by when they were started: of a program that starts workers again and again most are gone.
    pub(crate) living: Vec<ProcessIndex>,
    /// Number of processes and interpreters started so far for workers and copies.
    pub(crate) children: u32,
    pub(crate) locks: TiVec<LockIndex, Lock<Tid>>,
    pub(crate) objects: Objects,
    pub(crate) memory: Memory,
    /// Whether processes may be killed in the course of the run: by faults of the scenario, or for memory.
    pub(crate) kills: bool,
    /// Collections of a given length that are due, and in which processes.
    pauses: Vec<(ProcessIndex, Nanos)>,
    /// Those that were made last: by which threads, and what these have burned when they are done.
    collecting: Vec<(ProcessIndex, Tid, Total)>,
    /// Whether the largest process is killed beyond the limit of memory.
    pub(crate) memory_kill: bool,
    /// The thread that had to stop between two acts because memory is beyond the limit.
    pub(crate) cut: Option<Tid>,
    pub(crate) bytes_moved: u128,
    pub(crate) pipes: TiVec<PipeIndex, Pipe>,
    /// Of each machine, what is started there once for all children.
    pub(crate) starters: TiVec<NodeIndex, Starter>,
    /// The machine that each lock domain belongs to.
    domain_nodes: TiVec<DomainIndex, NodeIndex>,
    /// The collector of each interpreter (lock domain).
    pub(crate) heaps: TiVec<DomainIndex, Heap>,

    gil_stream: Pcg64Dxsm,
    /// Number of acts of threads so far.
    pub(crate) events: u64,
    /// Most acts of the run. Set to 0, which ends the run, once the bursts in progress would clearly take too many events.
    most_events: u64,
    /// For each thread, at the last look ahead: how often its bursts had been cut, and what was left of the present one.
    bursts: TiVec<Tid, (u64, Nanos)>,
    /// What tasks lost to convoys, by class of tasks.
    pub(crate) convoys: TiVec<ClassIndex, Convoys>,
    /// Threads that were woken in vain by a task's releases of the GIL, by class of tasks.
    pub(crate) futile: TiVec<ClassIndex, u64>,
    pub(crate) recorder: Option<Box<Recorder>>,
}

impl<'a> Kernel<'a> {
    /// A kernel at time 0, without processes.
    pub(crate) fn new(
        spec: &MachineSpec,
        profile: &'a Profile,
        program: &'a Program,
        seed: u64,
        replication: u32,
        limits: RunLimits,
    ) -> Self {
        let costs = Costs::from(&profile.params);
        let nodes = program.nodes();
        let mut kernel = Self {
            machine: Machine::new(
                spec,
                nodes,
                stream(seed, replication, StreamRole::Scheduler),
            ),
            objects: Objects::new(&costs),
            costs,
            profile,
            program,
            limits,
            pipe_capacity: spec.pipe_capacity,
            pipe_ns_per_byte: spec.pipe_ns_per_byte,
            syscall: spec.syscall,
            threads: TiVec::new(),
            spare_threads: Vec::new(),
            gils: TiVec::new(),
            processes: TiVec::new(),
            living: Vec::new(),
            children: 0,
            // Locks shared between processes come first in the table of locks, those of each machine.
            locks: (0..nodes)
                .flat_map(|_| program.locks.iter().map(|_| Lock::default()))
                .collect(),
            memory: Memory::new(spec.memory_limit, nodes),
            pauses: Vec::new(),
            collecting: Vec::new(),
            kills: spec.memory_kill || program.faults.iter().any(|f| f.kind.ends_processes()),
            memory_kill: spec.memory_kill,
            cut: None,
            bytes_moved: 0,
            pipes: TiVec::new(),
            starters: (0..nodes).map(|_| Starter::default()).collect(),
            domain_nodes: TiVec::new(),
            heaps: TiVec::new(),
            gil_stream: stream(seed, replication, StreamRole::Gil),
            events: 0,
            most_events: limits.max_events,
            bursts: TiVec::new(),
            convoys: vec![Convoys::default(); program.classes.len()].into(),
            futile: vec![0; program.classes.len()].into(),
            recorder: None,
        };
        if let Some((recorder, log, tape)) = recorder(limits.record) {
            kernel.recorder = Some(recorder);
            kernel.memory.log = Some(Box::new(log));
            kernel.machine.record(tape);
        }
        kernel
    }

    /// Creates the main process of a machine, with its main interpreter.
    pub(crate) fn new_main(&mut self, node: NodeIndex) -> InterpreterRef {
        let process = self.register_process(ProcessKind::Main, ProcessIndex::MAIN, node);
        self.starters[node].main = process;
        self.with_interpreter(process)
    }

    /// Creates a process with its main interpreter; `parent` is the process that starts it, on the same machine.
    pub(crate) fn new_process(
        &mut self,
        kind: ProcessKind,
        parent: ProcessIndex,
    ) -> InterpreterRef {
        let node = self.processes[parent].node;
        let process = self.register_process(kind, parent, node);
        self.with_interpreter(process)
    }

    fn with_interpreter(&mut self, process: ProcessIndex) -> InterpreterRef {
        InterpreterRef {
            process,
            gil: self.new_gil(process),
            domain: self.new_domain(process),
        }
    }

    /// Creates a GIL of a process; [`NO_GIL`] where the build has none.
    pub(crate) fn new_gil(&mut self, process: ProcessIndex) -> GilIndex {
        if !self.profile.gil {
            return NO_GIL;
        }
        let gil = self.gils.push_and_get_key(Gil::default());
        self.processes[process].gils.push(gil);
        gil
    }

    /// Creates a lock domain of a process: instances of all locks of the program, and a collector.
    pub(crate) fn new_domain(&mut self, process: ProcessIndex) -> DomainIndex {
        let locks = self.program.locks.iter().map(|_| Lock::default());
        self.locks.extend(locks);
        let heap = Heap::new(self.program.live_objects);
        let domain = self.heaps.push_and_get_key(heap);
        self.domain_nodes.push(self.processes[process].node);
        self.processes[process].domains.push(domain);
        domain
    }

    /// Creates a thread, whose start is up to the caller ([`Act::Begin`] by another thread). `serial` is its number among threads of its
    /// kind, as its name shows it.
    pub(crate) fn new_thread(
        &mut self,
        role: ThreadRole,
        home: InterpreterRef,
        serial: u32,
    ) -> Tid {
        let thread = Thread::new(role, home, serial);
        let node = u32::from(self.processes[home.process].node);
        let tid = if let Some(tid) = self.spare_threads.pop() {
            self.machine.respawn(tid, node);
            let spare = std::mem::replace(&mut self.threads[tid], thread);
            self.threads[tid].script = spare.script;
            tid
        } else {
            let tid = self.machine.spawn(node);
            let same = self.threads.push_and_get_key(thread);
            debug_assert_eq!(tid, same);
            tid
        };
        self.thread_joins(tid);
        self.thread_starts(tid);
        tid
    }

    /// The machine on which a process runs.
    pub(crate) fn node_of(&self, process: ProcessIndex) -> NodeIndex {
        self.processes[process].node
    }

    /// The machine on which a thread runs.
    pub(crate) fn node_of_thread(&self, tid: Tid) -> NodeIndex {
        self.node_of(self.threads[tid].process)
    }

    /// The machine that a lock domain belongs to.
    pub(crate) fn node_of_domain(&self, domain: DomainIndex) -> NodeIndex {
        self.domain_nodes[domain]
    }

    /// What is started once for all children on the machine of a process.
    pub(crate) fn starter(&mut self, process: ProcessIndex) -> &mut Starter {
        let node = self.processes[process].node;
        &mut self.starters[node]
    }

    /// The thread that watches over the copies on a machine, if any does.
    pub(crate) fn supervisor(&self, node: NodeIndex) -> Option<Tid> {
        self.starters[node].supervisor
    }

    /// The thread of this number.
    pub(crate) fn thread(&self, tid: Tid) -> &Thread {
        &self.threads[tid]
    }

    /// Appends an act to a thread's script.
    #[inline]
    pub(crate) fn push(&mut self, tid: Tid, act: Act) {
        self.threads[tid].script.push_back(act);
    }

    /// Puts an act at the front of a thread's script.
    #[inline]
    pub(crate) fn push_front(&mut self, tid: Tid, act: Act) {
        self.threads[tid].script.push_front(act);
    }

    /// Books the thread's time from now on: to a task (`counted`), to a child of a task (`childs`), or to nobody. `task` is the one that a
    /// recording shows.
    #[inline]
    pub(crate) fn book_for(
        &mut self,
        tid: Tid,
        task: Option<TaskKey>,
        (counted, childs): (bool, bool),
        cause: Cause,
    ) {
        self.machine.count(tid, counted, cause);
        if self.program.has_children() {
            self.machine.count_childs(tid, childs);
        }
        if self.recorder.is_some() {
            self.tag_thread(tid, task);
        }
    }

    #[cold]
    fn tag_thread(&mut self, tid: Tid, task: Option<TaskKey>) {
        let tag = task.and_then(|key| self.recorder.as_ref()?.task(key));
        self.machine.tag(tid, tag);
        if let Some(key) = task {
            self.hop(key, tid);
        }
    }

    /// Records that a task is in this thread's hands from now on.
    #[inline]
    pub(crate) fn hop(&mut self, key: TaskKey, tid: Tid) {
        if let Some(r) = &mut self.recorder {
            r.hop(key, tid, self.machine.now());
        }
    }

    /// Records a new thread.
    #[inline]
    fn thread_starts(&mut self, tid: Tid) {
        if self.recorder.is_some() {
            let (name, started) = (self.thread_name(tid), self.machine.now());
            let process = self.threads[tid].process.into();
            if let Some(r) = &mut self.recorder {
                let thread = ThreadRecord {
                    process,
                    name,
                    started,
                    exited: None,
                };
                r.thread_starts(tid, thread);
            }
        }
    }

    /// Records the end of a thread.
    #[inline]
    fn thread_ends(&mut self, tid: Tid) {
        if let Some(r) = &mut self.recorder {
            r.thread_ends(tid, self.machine.now());
        }
    }

    /// Records that a thread has taken its GIL.
    #[inline]
    fn gil_taken(&mut self) {
        if let Some(r) = &mut self.recorder {
            r.gil_taken(self.machine.now());
        }
    }

    /// Records that a thread releases its GIL, which it has held since `since`.
    #[inline]
    pub(crate) fn gil_given(&mut self, gil: GilIndex, tid: Tid, since: Nanos) {
        if let Some(r) = &mut self.recorder {
            let now = self.machine.now();
            let within = self.machine.tape().and_then(|t| t.admit(since, now, now));
            r.gil_given(gil, tid, now, within);
        }
    }

    /// Records the GILs that are held when the run ends.
    pub(crate) fn close_holds(&mut self) {
        for gil in self.gils.keys() {
            if let Some(holder) = self.gils[gil].holder {
                let since = self.gils[gil].held_since();
                self.gil_given(gil, holder, since);
            }
        }
    }

    /// Records that a loop's `select` has returned with so many handles to run.
    #[inline]
    pub(crate) fn turn_begins(&mut self, tid: Tid, handles: usize) {
        if let Some(r) = &mut self.recorder {
            r.turn_begins(tid, handles, self.machine.now());
        }
    }

    /// Records that the last handle of an iteration has run.
    #[inline]
    pub(crate) fn turn_ends(&mut self, tid: Tid) {
        if let Some(r) = &mut self.recorder {
            let now = self.machine.now();
            r.turn_ends(tid, now, self.machine.tape());
        }
    }
}
