//! The machine: its cores with their run queues, its clock and its events.

mod accounts;
mod cache_lines;
mod queues;
mod wakes;

pub(crate) use wakes::along;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rand_pcg::Pcg64Dxsm;
use typed_index_collections::TiVec;

use super::cache_line::{Burst, CacheLine};
use super::tape::Tape;
use super::{CAUSES, Cause};
use crate::engine::{Calendar, EventClass, Nanos, Total, indices};
use crate::scenario::MachineSpec;

/// Number of events after which the user of the machine is asked whether to go on.
const CHECK: u64 = 1 << 20;

indices! {
    /// A simulated thread.
    Tid;
}

/// State of a thread, as the scheduler sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SchedState {
    /// Waits for something other than a core.
    Blocked,
    /// Is on its way to an idle core.
    Waking,
    /// Is in the run queue of a core.
    Ready,
    /// Is on its core.
    Running,
    /// Has ended.
    Exited,
}

#[derive(Clone, Copy)]
enum SchedEvent {
    /// A thread has burned what it had to burn.
    Burst { tid: Tid, generation: u32 },
    /// A woken thread reaches its idle core.
    Dispatch { core: u32, tid: Tid },
    /// The slice of the thread on a core has ended.
    Slice { core: u32, generation: u32 },
    /// A thread's timer is due.
    Timer { tid: Tid, generation: u32 },
    /// Idle cores of a node look for threads that wait elsewhere on it.
    Pull { node: u32 },
    /// The announced arrival is due.
    Arrival,
    /// What was announced of a device is due.
    Device { device: u32, generation: u32 },
    /// Something that was announced goes wrong.
    Fault { fault: u32 },
}

/// What the user of the machine has to handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upcall {
    /// The thread is on a core and has nothing left to burn: it has to be told what to do next.
    OnCore(Tid),
    /// The thread's timer was due.
    Timer(Tid),
    /// The arrival that was announced with [`Machine::arrive_at`].
    Arrival,
    /// The instant that was announced of this device with [`Machine::device_at`].
    Device(u32),
    /// What was announced with [`Machine::fault_at`].
    Fault(u32),
    /// The next event lies beyond the horizon, at which the clock now stands.
    End,
    /// Many events have passed since the last check: the user may want to stop.
    Check,
}

struct SchedEntity {
    state: SchedState,
    core: u32,
    /// Tells the present `Burst` event from outdated ones.
    burst_generation: u32,
    timer_generation: u32,
    /// Tells the thread's present entry in a run queue from outdated ones.
    ready_sequence: u64,
    /// CPU time left of the current burst, at relative speed 1.
    left: Nanos,
    /// Accesses of a cache line that follow that burst.
    accesses: Option<Burst>,
    /// Whether it is burning the accesses.
    accessing: bool,
    /// Time since `since` for which it waited for cache lines.
    waited: Nanos,
    /// CPU time that it has burned in all, at relative speed 1: on a faster core more than wall time.
    burned: Total,
    /// Number of times that its bursts have been cut short.
    cuts: u64,
    /// Whether it is burning (`false` between bursts).
    burning: bool,
    began: Nanos,
    /// Small costs that are added to the next burst.
    debt: Nanos,
    virtual_runtime: u64,
    /// EEVDF's lag: service that it is owed compared with the mean of its core; negative if it has had too much. Kept while the thread
    /// sleeps or moves to another core.
    lag: i64,
    /// Cause to which the time since `since` is booked.
    cause: Cause,
    /// Cause to which its time on a core is booked.
    run_cause: Cause,
    since: Nanos,
    /// Whether it has not run yet.
    fresh: bool,
    /// Whether its time is booked to a task.
    counted: bool,
    /// Whether its time is booked to a child of a task.
    childs: bool,
}

/// One of several computers that run the same program: its cores, among which its threads move.
struct Node {
    /// Its first core, and the number of them: the others follow.
    first: u32,
    count: u32,
    /// Number of its cores with neither a thread nor one on its way.
    idle: usize,
    /// Number of threads in the queues of its cores.
    ready: usize,
    /// Whether its idle cores will look for work at the next tick.
    pulling: bool,
}

impl Node {
    /// Its cores.
    fn cores(&self) -> std::ops::Range<usize> {
        let first = self.first as usize;
        first..first + self.count as usize
    }
}

struct Core {
    /// The computer that it belongs to.
    node: u32,
    /// Relative speed while no other core is busy.
    speed: f64,
    /// Present relative speed.
    rate: f64,
    current: Option<Tid>,
    /// Whether a woken thread is on its way to this core.
    reserved: bool,
    last: Option<Tid>,
    idle_since: Nanos,
    picked: Nanos,
    slice_generation: u32,
    slice_armed: bool,
    busy: Nanos,
    /// Waiting threads by rising virtual runtime (virtual runtime, sequence, thread); some entries may be outdated.
    queue: BinaryHeap<Reverse<(u64, u64, Tid)>>,
    /// Number of threads that are really waiting. The sum of their virtual runtimes follows.
    waiting: usize,
    waiting_sum: u128,
    /// Mean virtual runtime when it was last computed; never falls.
    clock: u64,
    balanced: Nanos,
    balance_failed: bool,
    /// Recent utilisation of the core when it was last computed. When that was, and the busy time until then, follow.
    utilisation: f64,
    seen: Nanos,
    seen_busy: Nanos,
}

impl Core {
    /// Whether neither a thread is on the core nor one on its way to it.
    fn free(&self) -> bool {
        self.current.is_none() && !self.reserved
    }

    /// Wall time that so much CPU time at relative speed 1 takes at the core's present speed.
    #[inline]
    fn wall(&self, work: Nanos) -> Nanos {
        if self.rate == 1.0 {
            work
        } else {
            work.scale(1.0 / self.rate)
        }
    }

    /// CPU time at relative speed 1 that the core provides in so much wall time.
    #[inline]
    fn work(&self, wall: Nanos) -> Nanos {
        if self.rate == 1.0 {
            wall
        } else {
            wall.scale(self.rate)
        }
    }
}

impl SchedEntity {
    /// How long the thread's present burst has been burning.
    fn progress(&self, now: Nanos) -> Nanos {
        if self.burning {
            now - self.began
        } else {
            Nanos::ZERO
        }
    }
}

/// The simulated computer, or several that are alike.
pub(crate) struct Machine {
    now: Nanos,
    calendar: Calendar<SchedEvent>,
    threads: TiVec<Tid, SchedEntity>,
    cores: Vec<Core>,
    /// The computers that the cores belong to.
    nodes: Vec<Node>,
    /// Whether no thread is in the middle of its acts.
    nobody_acts: bool,
    sequence: u64,
    horizon: Nanos,
    balance_interval: Nanos,
    slice: Nanos,
    tick: Nanos,
    context_switch: Nanos,
    slack: Nanos,
    wake_latency: Vec<(Nanos, Nanos)>,
    wake_send: Vec<(Nanos, Nanos)>,
    wake_cpu: Vec<(Nanos, Nanos)>,
    /// See [`MachineSpec::halted_after`].
    halted_after: Nanos,
    /// See [`MachineSpec::new_idle`].
    new_idle: f64,
    interference: f64,
    /// Draws the latency of each wake-up.
    jitter: Pcg64Dxsm,
    upcalls: VecDeque<Upcall>,
    /// For each device, what tells the announced instant from outdated ones.
    devices: Vec<u32>,
    /// Whether nothing that was announced goes wrong any more.
    no_faults: bool,
    lines: Vec<CacheLine>,
    /// Lines that threads have come to or left since the clock last moved.
    unsettled: Vec<u32>,
    /// Time spent waiting for cache lines, by account.
    lost: Vec<Total>,
    totals: [Total; CAUSES],
    /// Time of children of tasks by cause.
    childs: [Total; CAUSES],
    cpu: Total,
    voluntary: u64,
    involuntary: u64,
    popped: u64,
    next_check: u64,
    tape: Option<Box<Tape>>,
}

impl Machine {
    /// So many idle machines at time 0, at least one; `jitter` draws the wake-up latencies.
    pub(crate) fn new(spec: &MachineSpec, nodes: u32, jitter: Pcg64Dxsm) -> Self {
        let nodes = nodes.max(1);
        let count = u32::try_from(spec.cores.len()).expect("few cores");
        let cores: Vec<Core> = (0..nodes)
            .flat_map(|node| spec.cores.iter().map(move |&speed| (node, speed)))
            .map(|(node, speed)| Core {
                node,
                speed,
                rate: speed,
                current: None,
                reserved: false,
                last: None,
                idle_since: Nanos::ZERO,
                picked: Nanos::ZERO,
                slice_generation: 0,
                slice_armed: false,
                busy: Nanos::ZERO,
                queue: BinaryHeap::new(),
                waiting: 0,
                waiting_sum: 0,
                clock: 0,
                balanced: Nanos::ZERO,
                balance_failed: false,
                utilisation: 0.0,
                seen: Nanos::ZERO,
                seen_busy: Nanos::ZERO,
            })
            .collect();
        let nodes = (0..nodes)
            .map(|node| Node {
                first: node * count,
                count,
                idle: count as usize,
                ready: 0,
                pulling: false,
            })
            .collect();
        // Linux multiplies the base slice by 1 + floor(log2(min(cores, 8))): facts sheet 2.1.
        let doublings = 1 + u64::from(count.clamp(1, 8).ilog2());
        Self {
            now: Nanos::ZERO,
            calendar: Calendar::new(),
            threads: TiVec::new(),
            cores,
            nodes,
            nobody_acts: false,
            sequence: 0,
            horizon: Nanos::CLOCK_END,
            balance_interval: spec.balance_interval,
            slice: spec.base_slice * doublings,
            tick: Nanos(if spec.hz == 0 {
                0
            } else {
                1_000_000_000 / u64::from(spec.hz)
            }),
            context_switch: spec.context_switch,
            slack: spec.timer_slack,
            wake_latency: spec.wake_latency.clone(),
            wake_send: spec.wake_send.clone(),
            wake_cpu: spec.wake_cpu.clone(),
            halted_after: spec.halted_after.unwrap_or(Nanos::MAX),
            new_idle: spec.new_idle,
            interference: spec.interference,
            jitter,
            upcalls: VecDeque::new(),
            devices: Vec::new(),
            no_faults: false,
            lines: Vec::new(),
            unsettled: Vec::new(),
            lost: Vec::new(),
            totals: [Total::ZERO; CAUSES],
            childs: [Total::ZERO; CAUSES],
            cpu: Total::ZERO,
            voluntary: 0,
            involuntary: 0,
            popped: 0,
            next_check: CHECK,
            tape: None,
        }
    }

    /// The present instant.
    #[inline]
    pub(crate) fn now(&self) -> Nanos {
        self.now
    }

    /// Timer slack: how much later than asked a timed wait may end.
    pub(crate) fn slack(&self) -> Nanos {
        self.slack
    }

    /// The state of a thread.
    pub(crate) fn state(&self, tid: Tid) -> SchedState {
        self.threads[tid].state
    }

    /// The core that a thread is on, or was on last.
    pub(crate) fn core(&self, tid: Tid) -> u32 {
        self.threads[tid].core
    }

    /// Creates a thread of a node, which is blocked at first.
    pub(crate) fn spawn(&mut self, node: u32) -> Tid {
        let tid = self.threads.push_and_get_key(SchedEntity {
            state: SchedState::Blocked,
            core: self.nodes[node as usize].first,
            burst_generation: 0,
            timer_generation: 0,
            ready_sequence: 0,
            left: Nanos::ZERO,
            accesses: None,
            accessing: false,
            waited: Nanos::ZERO,
            burned: Total::ZERO,
            cuts: 0,
            burning: false,
            began: Nanos::ZERO,
            debt: Nanos::ZERO,
            virtual_runtime: 0,
            lag: 0,
            cause: Cause::Startup,
            run_cause: Cause::Running,
            since: self.now,
            fresh: true,
            counted: false,
            childs: false,
        });
        if let Some(tape) = &mut self.tape {
            tape.started(self.now, tid);
        }
        tid
    }

    /// Reuses the number of a thread that has exited for a new thread of a node, which is blocked at first.
    pub(crate) fn respawn(&mut self, tid: Tid, node: u32) {
        let now = self.now;
        if self.node_of(self.threads[tid].core) != node {
            self.threads[tid].core = self.nodes[node as usize].first;
        }
        let t = &mut self.threads[tid];
        debug_assert_eq!(t.state, SchedState::Exited);
        t.state = SchedState::Blocked;
        t.debt = Nanos::ZERO;
        t.left = Nanos::ZERO;
        t.fresh = true;
        t.lag = 0;
        t.since = now;
        t.cause = Cause::Startup;
        t.run_cause = Cause::Running;
        if let Some(tape) = &mut self.tape {
            tape.started(self.now, tid);
        }
    }

    /// Announces the next arrival, replacing one announced before.
    pub(crate) fn arrive_at(&mut self, at: Nanos) {
        self.calendar
            .set_lane(at.max(self.now), EventClass::Arrival, SchedEvent::Arrival);
    }

    /// Takes back the arrival that was announced.
    pub(crate) fn nobody_comes(&mut self) {
        self.calendar.clear_lane();
    }

    /// Announces the instant at which something under way on a device ends, replacing the one announced before; `None`: at none.
    pub(crate) fn device_at(&mut self, device: u32, at: Option<Nanos>) {
        let number = device as usize;
        if self.devices.len() <= number {
            self.devices.resize(number + 1, 0);
        }
        self.devices[number] = self.devices[number].wrapping_add(1);
        let generation = self.devices[number];
        if let Some(at) = at {
            self.calendar.push(
                at.max(self.now),
                EventClass::Completion,
                SchedEvent::Device { device, generation },
            );
        }
    }

    /// Announces an instant at which something goes wrong from outside.
    pub(crate) fn fault_at(&mut self, fault: u32, at: Nanos) {
        let at = at.max(self.now);
        (self.calendar).push(at, EventClass::Timer, SchedEvent::Fault { fault });
    }

    /// Nothing of what was announced goes wrong any more.
    pub(crate) fn no_more_faults(&mut self) {
        self.no_faults = true;
    }

    /// Sets the horizon: beyond it nothing happens, and no CPU time is burned.
    pub(crate) fn end_at(&mut self, horizon: Nanos) {
        self.horizon = horizon.min(Nanos::CLOCK_END);
    }

    /// Number of things that are to happen. What has been called off counts until its time comes.
    pub(crate) fn pending(&self) -> usize {
        self.calendar.len()
    }

    /// Sets a thread's timer, replacing the one set before.
    pub(crate) fn set_timer(&mut self, tid: Tid, at: Nanos) {
        let t = &mut self.threads[tid];
        t.timer_generation = t.timer_generation.wrapping_add(1);
        let generation = t.timer_generation;
        self.calendar.push(
            at.max(self.now),
            EventClass::Timer,
            SchedEvent::Timer { tid, generation },
        );
    }

    /// Cancels a thread's timer.
    pub(crate) fn clear_timer(&mut self, tid: Tid) {
        let t = &mut self.threads[tid];
        t.timer_generation = t.timer_generation.wrapping_add(1);
    }

    /// Adds a small CPU cost to a thread's debt, which it pays with its next burst.
    #[inline]
    pub(crate) fn charge(&mut self, tid: Tid, cost: Nanos) {
        self.threads[tid].debt += cost;
    }

    /// How often a thread's bursts have been cut short so far, and what is left of the present one.
    pub(crate) fn burst(&self, tid: Tid) -> (u64, Nanos) {
        let t = &self.threads[tid];
        (t.cuts, t.left + self.accesses_left(tid))
    }

    /// Whether a thread's present burst is made of accesses to a shared object.
    pub(crate) fn is_in_accesses(&self, tid: Tid) -> bool {
        self.threads[tid].accesses.is_some()
    }

    /// CPU time left of a thread's present burst, at relative speed 1.
    pub(crate) fn left(&self, tid: Tid) -> Nanos {
        let t = &self.threads[tid];
        let after = self.accesses_left(tid);
        if !t.burning || t.accessing {
            return t.left + after;
        }
        let done = self.cores[t.core as usize].work(self.now - t.began);
        t.left.since(done) + after
    }

    /// CPU time that a thread has burned in all, at relative speed 1.
    pub(crate) fn burned(&self, tid: Tid) -> Total {
        let t = &self.threads[tid];
        if !t.burning {
            return t.burned;
        }
        t.burned + self.cores[t.core as usize].work(self.now - t.began).into()
    }

    /// Adds to what a thread has to burn that was preempted while it acted; it burns this when it is back on a core.
    pub(crate) fn burn_later(&mut self, tid: Tid, time: Nanos) {
        debug_assert_eq!(self.state(tid), SchedState::Ready);
        self.threads[tid].left += time;
    }

    /// Number of cores of each node.
    pub(crate) fn cores_each(&self) -> u32 {
        self.nodes[0].count
    }

    /// The node that a core belongs to.
    #[inline]
    fn node_of(&self, core: u32) -> u32 {
        self.cores[core as usize].node
    }

    /// The node that a core belongs to, and the state of its cores.
    #[inline]
    fn node(&self, core: u32) -> &Node {
        &self.nodes[self.cores[core as usize].node as usize]
    }

    #[inline]
    fn node_mut(&mut self, core: u32) -> &mut Node {
        &mut self.nodes[self.cores[core as usize].node as usize]
    }

    /// Number of cores, of all nodes.
    pub(crate) fn cores(&self) -> u32 {
        u32::try_from(self.cores.len()).expect("few cores")
    }

    /// The thread on a core, if any.
    pub(crate) fn current(&self, core: u32) -> Option<Tid> {
        self.cores[core as usize].current
    }

    /// When the thread on a core was put there.
    pub(crate) fn dispatched_at(&self, core: u32) -> Nanos {
        self.cores[core as usize].picked
    }

    /// CPU time that a thread owes: its debt.
    #[inline]
    pub(crate) fn debt(&self, tid: Tid) -> Nanos {
        self.threads[tid].debt
    }

    /// Lets the running thread burn CPU time, its debt included. Returns `true` if nothing else could happen meanwhile: the clock has
    /// moved, and the thread may go on. Returns `false` if [`Upcall::OnCore`] will come when the burst is done.
    #[inline]
    pub(crate) fn run(&mut self, tid: Tid, time: Nanos) -> bool {
        let t = &mut self.threads[tid];
        debug_assert_eq!(t.state, SchedState::Running);
        t.left = time;
        let through = self.burn_through(tid);
        if !through {
            self.resume_burst(tid);
        }
        through
    }

    /// Stops the burst of a running thread and books what it has burned; `left` holds the rest.
    fn stop_burst(&mut self, tid: Tid) {
        let t = &mut self.threads[tid];
        if !t.burning {
            return;
        }
        if t.accessing {
            return self.stop_accesses(tid, false);
        }
        let core = &mut self.cores[t.core as usize];
        let wall = self.now - t.began;
        let done = core.work(wall);
        t.left = t.left.since(done);
        t.burned += done;
        t.cuts += u64::from(t.left > Nanos::ZERO);
        t.began = self.now;
        t.burning = false;
        t.burst_generation = t.burst_generation.wrapping_add(1);
        t.virtual_runtime = t.virtual_runtime.saturating_add(wall.0);
        core.busy += wall;
        self.cpu += wall;
    }

    /// Burns the rest of a burst at once, with the debt, and moves the clock, if nothing else can happen before its end. Only the acting
    /// thread may do so, or any while none acts: the acting thread's next act would come too late.
    #[inline]
    fn burn_through(&mut self, tid: Tid) -> bool {
        let t = &mut self.threads[tid];
        t.left += std::mem::take(&mut t.debt);
        if !self.lines.is_empty() {
            if t.accesses.is_some() {
                return self.access_through(tid);
            }
            self.settle_lines();
        }
        let t = &mut self.threads[tid];
        let core = &mut self.cores[t.core as usize];
        let wall = core.wall(t.left);
        let end = self.now + wall;
        if !self.upcalls.is_empty() || end >= self.calendar.next_time() || end > self.horizon {
            return false;
        }
        t.burned += t.left;
        t.left = Nanos::ZERO;
        t.virtual_runtime = t.virtual_runtime.saturating_add(wall.0);
        core.busy += wall;
        self.cpu += wall;
        self.now = end;
        true
    }

    fn resume_burst(&mut self, tid: Tid) {
        let t = &mut self.threads[tid];
        t.left += std::mem::take(&mut t.debt);
        t.burning = true;
        t.began = self.now;
        t.burst_generation = t.burst_generation.wrapping_add(1);
        let generation = t.burst_generation;
        let wall = if t.left == Nanos::ZERO && t.accesses.is_some() {
            self.join_line(tid)
        } else {
            self.cores[t.core as usize].wall(t.left)
        };
        self.calendar.push(
            self.now + wall,
            EventClass::Completion,
            SchedEvent::Burst { tid, generation },
        );
    }

    /// Cuts a thread's burst short, so that it stops after `after` more of its CPU time. Returns the part that it will not have burned.
    pub(crate) fn interrupt(&mut self, tid: Tid, after: Nanos) -> Nanos {
        let running = self.threads[tid].burning;
        if running {
            self.stop_burst(tid);
        }
        let t = &mut self.threads[tid];
        let rest = t.left.since(after);
        t.left -= rest;
        if running {
            self.resume_burst(tid);
        }
        rest
    }

    /// `sched_yield`: the running thread lets the others on its core run first, for about a slice. Returns `false` if there are none.
    pub(crate) fn yield_core(&mut self, tid: Tid) -> bool {
        let core = self.threads[tid].core;
        if self.cores[core as usize].waiting == 0 {
            return false;
        }
        self.involuntary += 1;
        self.enter(tid, Cause::Core);
        self.cores[core as usize].current = None;
        self.cores[core as usize].last = Some(tid);
        // The thread keeps its lag, but its deadline moves by a slice (`yield_task_fair`).
        self.enqueue_later(tid, self.slice);
        self.pick(core);
        true
    }

    /// Takes a thread off its core or out of the run queue; it keeps what it had to burn. [`Machine::wake`] brings it back.
    pub(crate) fn suspend(&mut self, tid: Tid, cause: Cause) {
        match self.threads[tid].state {
            SchedState::Running => {
                self.stop_burst(tid);
                self.involuntary += 1;
                self.leave_core(tid, cause);
            }
            SchedState::Ready => {
                self.enter(tid, cause);
                self.leave_queue(tid);
                let t = &mut self.threads[tid];
                t.state = SchedState::Blocked;
                t.ready_sequence = 0;
                self.note(tid);
            }
            SchedState::Blocked | SchedState::Waking | SchedState::Exited => {}
        }
    }

    /// Blocks the running thread; its wait is booked to `cause`.
    #[inline]
    pub(crate) fn block(&mut self, tid: Tid, cause: Cause) {
        self.voluntary += 1;
        self.leave_core(tid, cause);
    }

    /// Ends a thread that has just acted.
    pub(crate) fn exit(&mut self, tid: Tid) {
        if self.threads[tid].state == SchedState::Running {
            self.leave_core(tid, Cause::Startup);
        } else {
            // The thread was preempted by one that it woke with its last act.
            self.suspend(tid, Cause::Startup);
        }
        self.threads[tid].state = SchedState::Exited;
        self.note(tid);
    }

    /// Ends a thread wherever it is: on a core or on its way to one, in a queue, blocked, or not begun.
    pub(crate) fn kill(&mut self, tid: Tid) {
        self.suspend(tid, Cause::Startup);
        self.clear_timer(tid);
        self.enter(tid, Cause::Startup);
        let t = &mut self.threads[tid];
        t.state = SchedState::Exited;
        t.debt = Nanos::ZERO;
        t.left = Nanos::ZERO;
        t.accesses = None;
        self.note(tid);
    }

    fn leave_core(&mut self, tid: Tid, cause: Cause) {
        self.enter(tid, cause);
        let core = self.threads[tid].core;
        // Lag matters only where threads compete.
        let clock = if self.cores[core as usize].waiting > 0 {
            self.core_clock(core)
        } else {
            0
        };
        let slice = self.slice.0;
        let t = &mut self.threads[tid];
        debug_assert_eq!(t.state, SchedState::Running);
        // Too much service is forgiven during a sleep (delayed dequeue); service that is owed is kept, up to a slice.
        t.lag = i64::try_from(clock.saturating_sub(t.virtual_runtime).min(slice))
            .expect("a slice is short");
        t.state = SchedState::Blocked;
        let c = &mut self.cores[core as usize];
        c.clock = c.clock.max(self.threads[tid].virtual_runtime);
        c.current = None;
        c.last = Some(tid);
        self.note(tid);
        self.pick(core);
    }

    fn dispatch(&mut self, core: u32, tid: Tid) {
        self.cores[core as usize].reserved = false;
        if self.threads[tid].state == SchedState::Exited {
            return self.pick(core); // The thread was killed on its way.
        }
        // The interval to the core's next balancing counts from when it became busy.
        self.cores[core as usize].balanced = self.now;
        self.place(core, tid);
    }

    /// Advances the clock to the next event that the user of the machine has to handle; `None` if no event is left.
    pub(crate) fn advance(&mut self) -> Option<Upcall> {
        loop {
            if !self.unsettled.is_empty() {
                self.settle_lines();
            }
            if let Some(up) = self.upcalls.pop_front() {
                // A thread that was suspended after the upcall was queued comes back later; one that was preempted while it acted, and
                // picked again at once, has gone on already.
                if let Upcall::OnCore(tid) = up {
                    let t = &self.threads[tid];
                    if t.state != SchedState::Running || t.burning {
                        continue;
                    }
                }
                return Some(up);
            }
            if self.popped >= self.next_check {
                self.next_check += CHECK;
                return Some(Upcall::Check);
            }
            let (at, event) = self.calendar.pop()?;
            self.popped += 1;
            debug_assert!(at >= self.now);
            // An outdated event must not look as if something were still to come, not even beyond the horizon.
            if self.is_stale(event) {
                if let SchedEvent::Pull { node } = event {
                    self.nodes[node as usize].pulling = false;
                }
                continue;
            }
            if at > self.horizon {
                self.now = self.horizon;
                return Some(Upcall::End);
            }
            match event {
                SchedEvent::Burst { tid, .. } => {
                    self.now = at;
                    if self.burst_over(tid) {
                        return Some(Upcall::OnCore(tid));
                    }
                }
                SchedEvent::Dispatch { core, tid } => {
                    self.now = at;
                    self.nobody_acts = true;
                    self.dispatch(core, tid);
                    self.nobody_acts = false;
                }
                SchedEvent::Slice { core, .. } => {
                    self.now = at;
                    self.cores[core as usize].slice_armed = false;
                    self.balance(core);
                    if self.cores[core as usize].waiting > 0 {
                        self.preempt(core);
                    }
                }
                SchedEvent::Pull { node } => {
                    self.now = at;
                    self.nodes[node as usize].pulling = false;
                    self.pull(node);
                }
                SchedEvent::Timer { tid, .. } => {
                    self.now = at;
                    return Some(Upcall::Timer(tid));
                }
                SchedEvent::Arrival => {
                    self.now = at;
                    return Some(Upcall::Arrival);
                }
                SchedEvent::Device { device, .. } => {
                    self.now = at;
                    return Some(Upcall::Device(device));
                }
                SchedEvent::Fault { fault } => {
                    self.now = at;
                    return Some(Upcall::Fault(fault));
                }
            }
        }
    }

    /// Ends a thread's burst. Returns `false` if accesses of a line follow, or are left.
    fn burst_over(&mut self, tid: Tid) -> bool {
        if self.threads[tid].accessing {
            return self.accesses_over(tid);
        }
        self.stop_burst(tid);
        let t = &mut self.threads[tid];
        // Rounding at relative speeds other than 1 may leave a nanosecond.
        t.left = Nanos::ZERO;
        if t.accesses.is_some() {
            self.resume_burst(tid);
            return false;
        }
        true
    }

    /// Whether an event has become void since it was scheduled.
    #[inline]
    fn is_stale(&self, event: SchedEvent) -> bool {
        match event {
            SchedEvent::Burst { tid, generation } => {
                let t = &self.threads[tid];
                t.burst_generation != generation || !t.burning
            }
            SchedEvent::Slice { core, generation } => {
                let c = &self.cores[core as usize];
                c.slice_generation != generation || !c.slice_armed
            }
            SchedEvent::Timer { tid, generation } => {
                self.threads[tid].timer_generation != generation
            }
            SchedEvent::Device { device, generation } => {
                self.devices[device as usize] != generation
            }
            SchedEvent::Fault { .. } => self.no_faults,
            SchedEvent::Pull { node } => {
                let node = &self.nodes[node as usize];
                node.ready == 0 || node.idle == 0
            }
            SchedEvent::Dispatch { .. } | SchedEvent::Arrival => false,
        }
    }

    /// Books all time up to now; to be called once, at the end.
    pub(crate) fn finish(&mut self) {
        for tid in self.threads.keys() {
            if self.threads[tid].burning {
                self.stop_burst(tid);
            }
            if self.threads[tid].state != SchedState::Exited {
                self.flush(tid);
            }
        }
        if let Some(tape) = &mut self.tape {
            tape.finish(self.now);
        }
    }

    /// Number of events taken from the calendar, outdated ones included.
    pub(crate) fn popped(&self) -> u64 {
        self.popped
    }

    /// Greatest length of the calendar so far.
    pub(crate) fn calendar_peak(&self) -> u64 {
        self.calendar.peak() as u64
    }
}
