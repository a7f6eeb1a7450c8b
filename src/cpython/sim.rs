//! The simulation: owns the machine and every object of the runtime, and turns the machine's upcalls into acts.

use super::index::{CopyIndex, LockIndex, PipeIndex, PoolIndex, ProcessIndex, ProcessPoolIndex};
use super::role::{Deed, Role};
use rand_pcg::Pcg64Dxsm;
use typed_index_collections::TiVec;

use super::aio::EventLoop;
use super::arena::Arenas;
use super::collector::Heap;
use super::convoy::Convoyed;
use super::gil::Gil;
use super::ipc::Pipe;
use super::memory::Memory;
use super::names::{Process, ProcessKind};
use super::object::Objects;
use super::observe::Observer;
use super::pool::ThreadPool;
use super::processes::ProcessPool;
use super::profile::{Costs, Profile};
use super::program::Program;
use super::recorder::{Recorder, recorder};
use super::recording::Record;
use super::server::{Arrivals, Copy};
use super::start::Starter;
use super::task::{TaskKey, Tasks};
use super::thread::{Act, Blocked, Home, NO_GIL, Outside, Phase, Thread};
use super::wait::Waiter;
use super::{Finding, Observed};
use crate::engine::{Nanos, Role as StreamRole, Streams, Total, stream};
use crate::machine::{Cause, Machine, State, Tid, Upcall};
use crate::measure::Draws;
use crate::scenario::MachineSpec;
use crate::sync::{Lock, Queue};

/// Where a run ends, and what it keeps.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Tasks that arrive before this do not count.
    pub warmup: Nanos,
    /// The run ends here at the latest.
    pub horizon: Option<Nanos>,
    /// The run is stopped after so many model events.
    pub max_events: u64,
    /// Keep every latency.
    pub keep_latencies: bool,
    /// The replication whose arrivals, demands and failures are drawn, usually the same as the run's own.
    pub demands: u32,
    /// What is written down beside the run.
    pub record: Record,
}

/// Why a run does not go on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Nothing is left to happen.
    Idle,
    /// It is the time at which it was to stop.
    Time,
    /// The memory limit was passed.
    Memory,
    /// The limit of events was passed.
    Events,
    /// It is the last instant that the clock can tell.
    Clock,
}

/// One replication in progress.
pub struct Sim<'a> {
    pub(crate) machine: Machine,
    pub(crate) profile: &'a Profile,
    pub(crate) costs: Costs,
    pub(crate) program: &'a Program,
    pub(crate) limits: Limits,
    pub(crate) pipe_capacity: u64,
    pub(crate) pipe_ns_per_byte: f64,
    pub(crate) syscall: Nanos,

    pub(crate) threads: Vec<Thread>,
    /// Raw threads that have ended, to be used again.
    pub(crate) spare_threads: Vec<Tid>,
    pub(crate) gils: Vec<Gil>,
    pub(crate) processes: TiVec<ProcessIndex, Process>,
    /// What the allocator of each process keeps.
    pub(crate) arenas: TiVec<ProcessIndex, Arenas>,
    pub(crate) children: u32,
    pub(crate) domains: u32,
    pub(crate) locks: TiVec<LockIndex, Lock<Tid>>,
    pub(crate) objects: Objects,
    pub(crate) tasks: Tasks,
    pub(crate) memory: Memory,
    pub(crate) bytes_moved: u128,

    pub(crate) copies: TiVec<CopyIndex, Copy>,
    pub(crate) pools: TiVec<PoolIndex, ThreadPool>,
    pub(crate) process_pools: TiVec<ProcessPoolIndex, ProcessPool>,
    pub(crate) loops: TiVec<CopyIndex, EventLoop>,
    /// Locks between processes as event loops await them, by number of the lock.
    pub(crate) shared_locks: Vec<Lock<TaskKey>>,
    pub(crate) pipes: TiVec<PipeIndex, Pipe>,
    /// Queues between tasks; their items are all alike.
    pub(crate) queues: Vec<Queue<(), Waiter>>,
    pub(crate) starter: Starter,
    pub(crate) arrivals: Arrivals<'a>,
    pub(crate) observer: Observer,

    pub(crate) demand_streams: Streams,
    /// What was drawn from each of the program's distributions.
    pub(crate) demand_draws: Vec<Draws>,
    pub(crate) grain_streams: Streams,
    pub(crate) failure_streams: Streams,
    pub(crate) gil_stream: Pcg64Dxsm,
    /// Timers of event loops so far.
    pub(crate) loop_timers: u64,
    /// Acts of threads so far.
    pub(crate) events: u64,
    /// Too much is left to do for the events that the run may take.
    past_hope: bool,
    /// Of each thread, when that was last looked at: cuts of its bursts, and what was left of the present one.
    bursts: Vec<(u64, Nanos)>,
    /// Threads that have not exited.
    pub(crate) live_threads: u64,
    /// By class of tasks.
    pub(crate) convoyed: Vec<Convoyed>,
    /// [`Program::turn`]
    pub(crate) turn: Option<Cause>,
    /// Threads that its releases of the GIL woke in vain, by class of tasks.
    pub(crate) futile: Vec<u64>,
    pub(crate) findings: Vec<Finding>,
    /// The collector of each interpreter (lock domain).
    pub(crate) heaps: Vec<Heap>,
    pub(crate) recorder: Option<Box<Recorder>>,
}

/// How much of what falling asleep and being woken costs a thread it has spent before it sleeps: half.
pub(crate) fn falling_asleep(cost: Nanos) -> Nanos {
    Nanos(cost.0 / 2)
}

/// How long a thread that begins to wait is still awake, until the kernel has queued it: a third of what falling asleep and being woken
/// costs it. Chosen among a fifth to a half by the reference cells and by threads that release the GIL often; not measured by itself.
pub(crate) fn drowsy(cost: Nanos) -> Nanos {
    Nanos(cost.0 / 3)
}

impl<'a> Sim<'a> {
    /// A replication at time 0.
    pub fn new(
        spec: &MachineSpec,
        profile: &'a Profile,
        program: &'a Program,
        seed: u64,
        replication: u32,
        limits: Limits,
    ) -> Self {
        let mut sim = Self {
            machine: Machine::new(spec, stream(seed, replication, StreamRole::Scheduler)),
            costs: Costs::from(&profile.params),
            profile,
            program,
            limits,
            pipe_capacity: spec.pipe_capacity,
            pipe_ns_per_byte: spec.pipe_ns_per_byte,
            syscall: spec.syscall,
            threads: Vec::new(),
            spare_threads: Vec::new(),
            gils: Vec::new(),
            processes: TiVec::new(),
            arenas: TiVec::new(),
            children: 0,
            domains: 0,
            locks: TiVec::new(),
            objects: Objects::new(&Costs::from(&profile.params)),
            tasks: Tasks::default(),
            memory: Memory::new(spec.memory_limit),
            bytes_moved: 0,
            copies: TiVec::new(),
            pools: TiVec::new(),
            process_pools: TiVec::new(),
            loops: TiVec::new(),
            shared_locks: vec![Lock::default(); program.locks.len()],
            pipes: TiVec::new(),
            queues: program
                .queues
                .iter()
                .map(|q| Queue::new(q.capacity))
                .collect(),
            starter: Starter::default(),
            arrivals: Arrivals::new(program, seed, limits.demands),
            observer: Observer::new(program.own_classes, limits.keep_latencies, limits.warmup),
            demand_streams: Streams::new(seed, limits.demands, StreamRole::Demands),
            demand_draws: vec![Draws::default(); program.dists.len()],
            grain_streams: Streams::new(seed, replication, StreamRole::Grain),
            failure_streams: Streams::new(seed, limits.demands, StreamRole::Failure),
            gil_stream: stream(seed, replication, StreamRole::Gil),
            loop_timers: 0,
            events: 0,
            past_hope: false,
            bursts: Vec::new(),
            live_threads: 0,
            convoyed: vec![Convoyed::default(); program.classes.len()],
            turn: program.turn(),
            futile: vec![0; program.classes.len()],
            findings: Vec::new(),
            heaps: Vec::new(),
            recorder: None,
        };
        if let Some((recorder, log, tape)) = recorder(limits.record) {
            sim.recorder = Some(recorder);
            sim.memory.log = Some(Box::new(log));
            sim.machine.record(tape);
        }
        // Locks shared between processes come first in the table of locks.
        sim.locks
            .extend(program.locks.iter().map(|_| Lock::default()));
        sim.build();
        sim
    }

    /// A new process's main interpreter; `parent` is the process that starts it.
    pub(crate) fn new_process(&mut self, kind: ProcessKind, parent: ProcessIndex) -> Home {
        Home {
            process: self.register_process(kind, parent),
            gil: self.new_gil(),
            domain: self.new_domain(),
        }
    }

    /// A new GIL, where the build has one.
    pub(crate) fn new_gil(&mut self) -> u32 {
        if self.profile.gil {
            self.gils.push(Gil::default());
            u32::try_from(self.gils.len() - 1).expect("few interpreters")
        } else {
            NO_GIL
        }
    }

    /// A new set of the program's locks that are not shared between processes.
    pub(crate) fn new_domain(&mut self) -> u32 {
        let domain = self.domains;
        self.domains += 1;
        self.heaps.push(Heap::new(self.program.live_objects));
        self.locks
            .extend(self.program.locks.iter().map(|_| Lock::default()));
        domain
    }

    /// A new thread; it begins with [`Act::Begin`] by somebody else.
    pub(crate) fn new_thread(&mut self, role: Role, home: Home) -> Tid {
        self.live_threads += 1;
        self.processes[home.process].threads += 1;
        let serial = self.serial(role, home);
        if let Some(tid) = self.spare_threads.pop() {
            self.machine.respawn(tid);
            let script = std::mem::take(&mut self.threads[tid as usize].script);
            self.threads[tid as usize] = Thread::new(role, home, serial);
            self.threads[tid as usize].script = script;
            self.thread_starts(tid);
            return tid;
        }
        let tid = self.machine.spawn();
        debug_assert_eq!(tid as usize, self.threads.len());
        self.threads.push(Thread::new(role, home, serial));
        self.thread_starts(tid);
        tid
    }

    /// Appends to a thread's script.
    #[inline]
    pub(crate) fn push(&mut self, tid: Tid, act: Act) {
        self.threads[tid as usize].script.push_back(act);
    }

    /// Puts an act before all others of a thread.
    #[inline]
    pub(crate) fn push_front(&mut self, tid: Tid, act: Act) {
        self.threads[tid as usize].script.push_front(act);
    }

    /// Runs to the end and reports.
    pub fn run(mut self) -> Observed {
        let stop = self.go(self.limits.horizon);
        if stop == Stop::Idle && self.tasks.alive() > 0 {
            self.report_deadlock();
        }
        self.machine.finish();
        let blocked = self.blocked_loops();
        self.findings.extend(blocked);
        self.spent_so_far();
        let contended = self.contended_object();
        self.findings.extend(contended);
        let convoy = self.convoy();
        self.findings.extend(convoy);
        let futile = self.futile_wakeups();
        self.findings.extend(futile);
        self.observe()
    }

    /// Runs until nothing is left to happen, a limit is passed, or it is this time.
    pub(crate) fn go(&mut self, until: Option<Nanos>) -> Stop {
        if let Some(until) = until {
            self.machine.end_at(until);
        }
        loop {
            if let Some((at, bytes)) = self.memory.exceeded {
                self.findings.push(Finding::OutOfMemory { at, bytes });
                return Stop::Memory;
            }
            if self.over_limit() {
                self.findings.push(Finding::EventLimit {
                    at: self.machine.now(),
                });
                return Stop::Events;
            }
            let Some(up) = self.machine.advance() else {
                return Stop::Idle;
            };
            match up {
                Upcall::OnCore(tid) => self.drive(tid),
                Upcall::Timer(tid) => self.timer(tid),
                Upcall::Arrival => self.arrive(),
                Upcall::Check => self.past_hope = self.hopeless(),
                Upcall::End => return self.at_end(),
            }
        }
    }

    /// The machine's clock stands where it was to stop, or can go no further.
    fn at_end(&mut self) -> Stop {
        let at = self.machine.now();
        if at < Nanos::CLOCK_END {
            return Stop::Time;
        }
        self.findings.push(Finding::ClockEnd { at });
        Stop::Clock
    }

    /// A thread.
    pub(crate) fn thread(&self, tid: Tid) -> &Thread {
        &self.threads[tid as usize]
    }

    /// Whether there have been as many events as the run may take.
    #[inline]
    fn over_limit(&self) -> bool {
        self.events > self.limits.max_events || self.past_hope
    }

    /// Whether the run cannot end within its events: it has used them up, if only for time slices, or what is left of the
    /// bursts that are being cut to pieces would take some times as many at the present rate.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn hopeless(&mut self) -> bool {
        const TIMES: f64 = 4.0;
        let now = self.machine.now();
        let time = self
            .limits
            .horizon
            .map_or(Nanos::MAX, |horizon| horizon.since(now));
        let mut to_come = 0.0;
        self.bursts.resize(self.threads.len(), (0, Nanos::ZERO));
        for (tid, before) in (0..).zip(&mut self.bursts) {
            let (cuts, left) = self.machine.burst(tid);
            let left = left + self.threads[tid as usize].rest;
            let burned = before.1.since(left);
            if burned > Nanos::ZERO {
                to_come += (cuts - before.0) as f64 * (left.min(time).as_f64() / burned.as_f64());
            }
            *before = (cuts, left);
        }
        let most = self.limits.max_events;
        self.machine.popped() > most || to_come > TIMES * most as f64
    }

    fn timer(&mut self, tid: Tid) {
        match self.threads[tid as usize].blocked {
            Blocked::Gil => self.gil_timeout(tid),
            Blocked::Sleep => {
                self.threads[tid as usize].blocked = Blocked::No;
                self.machine.wake(tid, self.costs.park);
            }
            Blocked::Park => {
                let t = &mut self.threads[tid as usize];
                t.blocked = Blocked::No;
                t.timed_out = false;
                self.machine.wake(tid, self.costs.park);
            }
            Blocked::No | Blocked::Forced | Blocked::World => {}
        }
    }

    /// Blocks a thread that may just have been preempted by one that it woke.
    pub(crate) fn block(&mut self, tid: Tid, cause: Cause) {
        if self.machine.state(tid) == State::Running {
            self.machine.block(tid, cause);
        } else {
            self.machine.suspend(tid, cause);
        }
    }

    /// A thread is on a core: lets it act until it runs, blocks or ends.
    fn drive(&mut self, tid: Tid) {
        // One that was on its way to a core when the world was stopped gets no further than here.
        let t = &self.threads[tid as usize];
        if t.gil == NO_GIL && t.phase == Phase::Go && self.held_by_stopped_world(tid) {
            return;
        }
        loop {
            if self.machine.state(tid) != State::Running {
                return; // Preempted by a thread that it woke: it goes on when it is back.
            }
            if self.over_limit() || self.memory.exceeded.is_some() {
                return; // A thread that nothing interrupts does not come back from here for the whole of its run.
            }
            let t = &mut self.threads[tid as usize];
            if let Some((gil, after)) = t.unlocks {
                if !self.unlock_gil_mutex(tid, gil, after) {
                    return;
                }
                continue;
            }
            if t.phase != Phase::Go {
                if let Phase::Detached(outside) = t.phase {
                    if !self.go_outside(tid, outside) {
                        return;
                    }
                    continue;
                }
                if self.held_by_stopped_world(tid) {
                    return;
                }
                if !self.take_gil(tid) {
                    return;
                }
                continue;
            }
            t.in_c = false;
            t.unwatched = None;
            if t.rest > Nanos::ZERO || t.gil != NO_GIL {
                if self.asked_to_leave(tid) {
                    let t = &mut self.threads[tid as usize];
                    t.phase = Phase::WantGil;
                    t.returned = false;
                    if !self.release_gil(tid) {
                        return;
                    }
                    continue;
                }
                let rest = std::mem::take(&mut self.threads[tid as usize].rest);
                if rest > Nanos::ZERO {
                    if !self.machine.run(tid, rest) {
                        return;
                    }
                    continue;
                }
            }
            let t = &mut self.threads[tid as usize];
            if t.pickling {
                t.pickling = false;
                self.machine.mark(tid, false);
            }
            match self.threads[tid as usize].script.pop_front() {
                Some(act) => {
                    if !self.act(tid, act) {
                        return;
                    }
                }
                None => self.refill(tid),
            }
        }
    }

    /// What an act comes to that goes on without the GIL at once: an act of its own, spared the way through the script.
    #[inline(never)]
    pub(crate) fn goes_outside(&mut self, tid: Tid, outside: Outside) -> bool {
        self.events += 1;
        self.detach(tid, outside)
    }

    /// Lets the GIL go to go on without it; to block, once what the thread owes is spent.
    #[expect(
        clippy::inline_always,
        reason = "each step that lets the GIL go comes here from `act`: 1.5% of a run"
    )]
    #[inline(always)]
    fn detach(&mut self, tid: Tid, outside: Outside) -> bool {
        let runs = matches!(outside, Outside::Native(_));
        if !runs && self.machine.debt(tid) > Nanos::ZERO {
            self.push_front(tid, Act::Outside(outside));
            return self.machine.run(tid, Nanos::ZERO);
        }
        let t = &mut self.threads[tid as usize];
        if matches!(outside, Outside::Park(..)) && std::mem::take(&mut t.permit) {
            return true;
        }
        t.phase = Phase::Detached(outside);
        if runs {
            self.release_gil_and_run(tid)
        } else {
            self.release_gil(tid)
        }
    }

    fn refill(&mut self, tid: Tid) {
        match self.threads[tid as usize].role {
            Role::Main(copy, state) => self.refill_main(tid, copy, state),
            Role::Loop(copy, state) => self.refill_loop(tid, copy, state),
            Role::Raw => self.refill_raw(tid),
            Role::PoolWorker(pool, state) => self.refill_pool_worker(tid, pool, state),
            Role::InterpWorker(pool, own, state) => {
                self.refill_interp_worker(tid, pool, own, state);
            }
            Role::ProcessWorker(pool, state) => self.refill_process_worker(tid, pool, state),
            Role::Manager(pool, state) => self.refill_manager(tid, pool, state),
            Role::Feeder(pool) => self.refill_feeder(tid, pool),
            Role::ForkServer => self.refill_fork_server(tid),
            Role::Master => self.refill_master(tid),
            Role::Script => self.push(tid, Act::Exit),
        }
    }

    /// One act of a thread that holds its GIL. `false`: it has blocked, ended or begun to burn.
    #[expect(
        clippy::inline_always,
        reason = "called from one place, once an act: 4% of a run"
    )]
    #[inline(always)]
    fn act(&mut self, tid: Tid, act: Act) -> bool {
        self.events += 1;
        match act {
            Act::Run(time) => return self.machine.run(tid, time),
            Act::RunC(time) => {
                self.threads[tid as usize].in_c = true;
                return self.machine.run(tid, time);
            }
            Act::Pickle { time, in_c } => {
                self.threads[tid as usize].in_c = in_c;
                if self.recorder.is_some() {
                    self.threads[tid as usize].pickling = true;
                    self.machine.mark(tid, true);
                }
                return self.machine.run(tid, time);
            }
            Act::Access(access) => return self.access(tid, access),
            Act::Releasing {
                hold,
                released,
                left,
                last,
            } => return self.run_releasing(tid, hold, released, left, last),
            Act::Outside(outside) => return self.detach(tid, outside),
            Act::Label(cause) => self.machine.set_run_cause(tid, cause),
            Act::Unpark(other) => self.unpark_by(tid, other),
            Act::SwitchGil(gil) => {
                // The rest of the script goes on once the other GIL is taken.
                if self.asked_to_leave(tid) {
                    self.push_front(tid, act);
                    self.threads[tid as usize].phase = Phase::WantGil;
                    return self.release_gil(tid);
                }
                self.release_gil(tid);
                let t = &mut self.threads[tid as usize];
                t.gil = gil;
                t.phase = Phase::WantGil;
            }
            Act::Acquire(lock) => return self.acquire(tid, lock),
            Act::Spin(lock, left) => self.spin(tid, lock, left),
            Act::Release(lock) => self.release(tid, lock),
            Act::Write(pipe, left) => return self.write(tid, pipe, left),
            Act::Written(pipe, chunk, left) => self.written(tid, pipe, chunk, left),
            Act::Read(pipe) => return self.read(tid, pipe),
            Act::ReadDone(pipe, chunk) => self.read_done(tid, pipe, chunk),
            Act::Begin(other) => self.machine.wake_by(tid, other, Nanos::ZERO, Nanos::ZERO),
            Act::StopWorld => self.stop_world(tid),
            Act::StartWorld => self.start_world(tid),
            Act::Request(child) => self.starter.requests.push_back((child, tid)),
            Act::Take(bytes) => self.take(tid, bytes),
            Act::Give(bytes) => self.give(tid, bytes),
            Act::Free(bytes) => self.free_own(tid, bytes),
            Act::TakeFor(process, bytes) => self.take_for(process, bytes),
            Act::Do(deed) => self.does(tid, deed),
            Act::Exit => {
                if self.machine.debt(tid) > Nanos::ZERO {
                    self.push_front(tid, act);
                    return self.machine.run(tid, Nanos::ZERO);
                }
                if self.asked_to_leave(tid) {
                    self.push_front(tid, act);
                    self.threads[tid as usize].phase = Phase::WantGil;
                    return self.release_gil(tid);
                }
                self.release_gil(tid);
                self.exited(tid);
                return false;
            }
        }
        true
    }

    /// Goes on without the GIL that the thread has let go.
    #[inline]
    fn go_outside(&mut self, tid: Tid, outside: Outside) -> bool {
        match outside {
            Outside::Native(time) => {
                let t = &mut self.threads[tid as usize];
                t.phase = Phase::WantGil;
                t.returned = true;
                self.machine.run(tid, time)
            }
            Outside::Sleep(on, until) => {
                let t = &mut self.threads[tid as usize];
                t.phase = Phase::WantGil;
                t.returned = true;
                t.blocked = Blocked::Sleep;
                self.begin_wait(Waiter::Thread(tid), on, None, until);
                let at = until.max(self.machine.now()) + self.machine.slack();
                self.machine.set_timer(tid, at);
                self.block(tid, on.cause());
                false
            }
            Outside::Park(on, until) => {
                let t = &mut self.threads[tid as usize];
                t.phase = Phase::WantGil;
                t.returned = true;
                if std::mem::take(&mut t.permit) {
                    return true;
                }
                t.blocked = Blocked::Park;
                // Who stands in a line has said so when it asked.
                if !t.wait.is_some_and(|w| w.on == on && w.ticket.is_some()) {
                    self.begin_wait(Waiter::Thread(tid), on, None, until);
                }
                if until < Nanos::MAX {
                    let at = until.max(self.machine.now()) + self.machine.slack();
                    self.machine.set_timer(tid, at);
                }
                self.block(tid, on.cause());
                false
            }
        }
    }

    #[inline(never)]
    fn does(&mut self, tid: Tid, deed: Deed) {
        match deed {
            Deed::Submit(copy, key) => self.submit_own(tid, copy, key),
            Deed::Loop(copy, deed) => self.loop_does(tid, copy, deed),
            Deed::Pool(pool, deed) => self.pool_worker_does(tid, pool, deed),
            Deed::Worker(pool, deed) => self.process_worker_does(tid, pool, deed),
            Deed::Manager(pool, deed) => self.manager_does(tid, pool, deed),
            Deed::Pickled(pool) => self.call_pickled(tid, pool),
            Deed::Forked => self.child_forked(tid),
        }
    }

    fn exited(&mut self, tid: Tid) {
        self.live_threads -= 1;
        self.stand_for(tid, None, Cause::Running);
        self.machine.exit(tid);
        self.leave_arena(tid);
        self.process_may_end(tid);
        self.thread_ends(tid);
        if self.threads[tid as usize].role == Role::Raw {
            self.spare_threads.push(tid);
        }
    }

    /// CPU of pickling a payload.
    pub(crate) fn dumps_cost(&self, bytes: u64, objects: u64) -> Nanos {
        self.profile.dumps.at(bytes, self.profile.slowness)
            + self.costs.pickle_object_dump * objects
    }

    /// CPU of unpickling one.
    pub(crate) fn loads_cost(&self, bytes: u64, objects: u64) -> Nanos {
        self.profile.loads.at(bytes, self.profile.slowness)
            + self.costs.pickle_object_load * objects
    }

    /// CPU of receiving so much of a message of this size, beside copying it: none where one read takes it all.
    pub(crate) fn receives_cost(&self, chunk: u64, size: u64) -> Nanos {
        if size <= self.pipe_capacity {
            return Nanos::ZERO;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "messages are far below 2^53 bytes"
        )]
        let share = chunk as f64 / size as f64;
        (self.profile.receives).at(size, self.profile.slowness * share)
    }

    /// How far the drawn demands lie off their means, and these, in seconds.
    fn demand_draws(&self) -> (f64, f64) {
        self.demand_draws
            .iter()
            .zip(&self.program.means)
            .filter_map(|(d, mean)| mean.map(|m| (d.excess(m), d.expected(m))))
            .fold((0.0, 0.0), |(excess, all), (e, m)| (excess + e, all + m))
    }

    /// Objects that a task sends there and back one by one.
    pub(crate) fn objects(&self, key: TaskKey) -> (u64, u64) {
        self.program.classes[self.tasks[key].class as usize].objects
    }

    /// Counted tasks that have arrived and are not over, children left out; tasks of a batch or trace whose time has come
    /// have arrived even if the program has not got to them, others have not even if it knows of them.
    fn in_flight(&mut self, end: Nanos) -> u64 {
        let mut in_flight = 0;
        for (_, task) in self.tasks.iter() {
            if task.parent.is_some() || !task.counted {
                continue;
            }
            if task.arrival <= end {
                in_flight += 1;
            } else {
                self.observer.arrived -= 1;
            }
        }
        let due = |&at: &Nanos| self.limits.warmup <= at && at <= end;
        let waiting = self.not_taken_in().filter(due).count() as u64;
        self.observer.arrived += waiting;
        in_flight + waiting
    }

    fn observe(mut self) -> Observed {
        let end = self.machine.now();
        self.observer.window.close(end);
        let memory_mean = self.memory.mean(end);
        let (recording, over_time) = self.end_recording();
        let in_flight = self.in_flight(end);
        let (held, contended) = self
            .gils
            .iter()
            .fold((Total::ZERO, Total::ZERO), |(h, c), g| {
                (h + g.held.into(), c + g.contended.into())
            });
        let popped = self.machine.popped();
        let (voluntary, involuntary) = self.machine.switches();
        let (demand_excess, demand_expected) = self.demand_draws();
        let (interval_excess, interval_expected) = self.arrivals.draws();
        Observed {
            observer: self.observer,
            in_flight,
            causes: self.machine.totals(),
            children: self.machine.childs_totals(),
            demand_excess,
            demand_expected,
            interval_excess,
            interval_expected,
            cpu: self.machine.cpu(),
            core_busy: self.machine.core_busy(),
            end,
            closed: end,
            gil_held: held,
            gil_contended: contended,
            switches_voluntary: voluntary,
            switches_involuntary: involuntary,
            memory_peak: self.memory.peak(),
            memory_mean,
            bytes_moved: self.bytes_moved,
            processes: self.children,
            events: self.events,
            calendar_events: popped,
            calendar_peak: self.machine.calendar_peak(),
            findings: self.findings,
            recording,
            over_time,
        }
    }
}
