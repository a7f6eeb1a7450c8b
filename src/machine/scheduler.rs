//! Cores and run queue.

mod accounts;
mod cache_lines;
mod queues;
mod wakes;

pub use wakes::along;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rand_pcg::Pcg64Dxsm;
use typed_index_collections::TiVec;

use super::cache_line::{Burst, CacheLine};
use super::tape::Tape;
use super::{CAUSES, Cause};
use crate::engine::{Calendar, EventClass, Nanos, Total, indices};
use crate::scenario::MachineSpec;

/// After so many events the user is asked whether to go on.
const CHECK: u64 = 1 << 20;

indices! {
    /// Number of a simulated thread.
    Tid;
}

/// What a thread is doing, as the scheduler sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedState {
    /// Waiting for something else than a core.
    Blocked,
    /// On its way to an idle core.
    Waking,
    /// In the run queue.
    Ready,
    /// On its core.
    Running,
    /// Gone.
    Exited,
}

#[derive(Clone, Copy)]
enum SchedEvent {
    /// A thread has burned what it had to.
    Burst { tid: Tid, generation: u32 },
    /// A woken thread reaches its idle core.
    Dispatch { core: u32, tid: Tid },
    /// The slice of a core's thread is over.
    Slice { core: u32, generation: u32 },
    /// A thread's timer.
    Timer { tid: Tid, generation: u32 },
    /// Idle cores look for threads that wait elsewhere.
    Pull,
    /// The next arrival.
    Arrival,
}

/// What the machine asks its user to handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upcall {
    /// The thread is on a core and has nothing left to burn: what next?
    OnCore(Tid),
    /// The thread's timer has gone off.
    Timer(Tid),
    /// The arrival that was announced with [`Machine::arrive_at`].
    Arrival,
    /// What comes next comes after the horizon; the clock stands there.
    End,
    /// Many events have passed since the last time: is it worth going on?
    Check,
}

struct SchedEntity {
    state: SchedState,
    core: u32,
    /// Makes a stale `Burst` event recognisable.
    burst_generation: u32,
    timer_generation: u32,
    /// Makes a stale entry of the run queue recognisable.
    ready_sequence: u64,
    /// CPU time still to burn of the current burst, at relative speed 1.
    left: Nanos,
    /// Accesses of a line that come after that.
    accesses: Option<Burst>,
    /// What is being burned is the accesses.
    accessing: bool,
    /// Of the time since `since`, how much it waited for lines.
    waited: Nanos,
    /// CPU time that it has burned in all, at relative speed 1: on a fast core more than the clock tells.
    burned: Total,
    /// How often its bursts have been cut short, by others or for them.
    cuts: u64,
    /// Whether `left` is being burned (false between operations).
    burning: bool,
    began: Nanos,
    /// Small costs that are paid with the next burst.
    debt: Nanos,
    virtual_runtime: u64,
    /// Service that it is owed (negative: has had too much) against the mean of its core: EEVDF's lag. Kept while the
    /// thread sleeps or moves to another core.
    lag: i64,
    /// Cause that the time since `since` belongs to.
    cause: Cause,
    /// Cause while on a core.
    run_cause: Cause,
    since: Nanos,
    /// It has not run yet.
    fresh: bool,
    /// Whether this thread's time is a task's time.
    counted: bool,
    /// Whether it is the time of a task's child.
    childs: bool,
}

struct Core {
    /// Relative speed while it runs alone.
    speed: f64,
    /// Relative speed now.
    rate: f64,
    current: Option<Tid>,
    /// A woken thread is on its way here.
    reserved: bool,
    last: Option<Tid>,
    idle_since: Nanos,
    picked: Nanos,
    slice_generation: u32,
    slice_armed: bool,
    busy: Nanos,
    /// Waiting threads, least virtual runtime first; some entries may be stale.
    queue: BinaryHeap<Reverse<(u64, u64, Tid)>>,
    /// How many of them really wait, and the sum of their virtual runtimes.
    waiting: usize,
    waiting_sum: u128,
    /// Mean virtual runtime when it was last looked at; never falls.
    clock: u64,
    balanced: Nanos,
    balance_failed: bool,
    /// How busy it has been lately, when that was last looked at, and what it had burned then.
    utilisation: f64,
    seen: Nanos,
    seen_busy: Nanos,
}

impl Core {
    /// Neither a thread is on it nor one on its way.
    fn free(&self) -> bool {
        self.current.is_none() && !self.reserved
    }

    /// How long it takes, at its present speed, for so much CPU time at relative speed 1.
    #[inline]
    #[expect(clippy::float_cmp, reason = "1.0 is stored, not computed")]
    fn wall(&self, work: Nanos) -> Nanos {
        if self.rate == 1.0 {
            work
        } else {
            work.scale(1.0 / self.rate)
        }
    }

    /// The CPU time at relative speed 1 that it gives in so long.
    #[inline]
    #[expect(clippy::float_cmp, reason = "1.0 is stored, not computed")]
    fn work(&self, wall: Nanos) -> Nanos {
        if self.rate == 1.0 {
            wall
        } else {
            wall.scale(self.rate)
        }
    }
}

impl SchedEntity {
    /// For how long its present burst has been burning.
    fn progress(&self, now: Nanos) -> Nanos {
        if self.burning {
            now - self.began
        } else {
            Nanos::ZERO
        }
    }
}

/// The simulated computer.
pub struct Machine {
    now: Nanos,
    calendar: Calendar<SchedEvent>,
    threads: TiVec<Tid, SchedEntity>,
    cores: Vec<Core>,
    /// Cores with neither a thread nor one on its way.
    idle: usize,
    /// Threads that wait in some core's queue.
    ready_count: usize,
    /// Idle cores will look for work at the next tick.
    pulling: bool,
    /// No thread is in the middle of its acts.
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
    interference: f64,
    /// Draws each wake-up's latency.
    jitter: Pcg64Dxsm,
    upcalls: VecDeque<Upcall>,
    lines: Vec<CacheLine>,
    /// Lines that threads have come to or left since the clock last moved.
    unsettled: Vec<u32>,
    /// Waiting for lines by account.
    lost: Vec<Total>,
    totals: [Total; CAUSES],
    /// The same of children.
    childs: [Total; CAUSES],
    cpu: Total,
    voluntary: u64,
    involuntary: u64,
    popped: u64,
    next_check: u64,
    tape: Option<Box<Tape>>,
}

impl Machine {
    /// An idle computer at time 0; `jitter` draws the wake-up latencies.
    pub fn new(spec: &MachineSpec, jitter: Pcg64Dxsm) -> Self {
        let cores: Vec<Core> = spec
            .cores
            .iter()
            .map(|&speed| Core {
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
        // Linux: base slice x (1 + floor(log2(min(cores, 8)))), facts sheet 2.1.
        let doublings = 1 + u64::from(cores.len().clamp(1, 8).ilog2());
        Self {
            now: Nanos::ZERO,
            calendar: Calendar::new(),
            threads: TiVec::new(),
            idle: cores.len(),
            cores,
            ready_count: 0,
            pulling: false,
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
            interference: spec.interference,
            jitter,
            upcalls: VecDeque::new(),
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

    /// The clock.
    #[inline]
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// Slack of timed waits.
    pub fn slack(&self) -> Nanos {
        self.slack
    }

    /// What the thread is doing.
    pub fn state(&self, tid: Tid) -> SchedState {
        self.threads[tid].state
    }

    /// The core that the thread is on or was on last.
    pub fn core(&self, tid: Tid) -> u32 {
        self.threads[tid].core
    }

    /// A new thread, blocked.
    pub fn spawn(&mut self) -> Tid {
        let tid = self.threads.push_and_get_key(SchedEntity {
            state: SchedState::Blocked,
            core: 0,
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

    /// A thread that has exited, taken back into service: blocked, as new.
    pub fn respawn(&mut self, tid: Tid) {
        let now = self.now;
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

    /// Announces the next arrival; one at a time.
    pub fn arrive_at(&mut self, at: Nanos) {
        self.calendar
            .set_lane(at.max(self.now), EventClass::Arrival, SchedEvent::Arrival);
    }

    /// Time ends here: nothing happens, and nobody burns CPU, past it.
    pub fn end_at(&mut self, horizon: Nanos) {
        self.horizon = horizon.min(Nanos::CLOCK_END);
    }

    /// Sets the thread's timer, replacing the one before.
    pub fn set_timer(&mut self, tid: Tid, at: Nanos) {
        let t = &mut self.threads[tid];
        t.timer_generation = t.timer_generation.wrapping_add(1);
        let generation = t.timer_generation;
        self.calendar.push(
            at.max(self.now),
            EventClass::Timer,
            SchedEvent::Timer { tid, generation },
        );
    }

    /// Forgets the thread's timer.
    pub fn clear_timer(&mut self, tid: Tid) {
        let t = &mut self.threads[tid];
        t.timer_generation = t.timer_generation.wrapping_add(1);
    }

    /// A small CPU cost that the thread pays with its next burst.
    #[inline]
    pub fn charge(&mut self, tid: Tid, cost: Nanos) {
        self.threads[tid].debt += cost;
    }

    /// How often the thread's bursts have been cut short so far, and what is left of the present one.
    pub fn burst(&self, tid: Tid) -> (u64, Nanos) {
        let t = &self.threads[tid];
        (t.cuts, t.left + self.accesses_left(tid))
    }

    /// What is left of the thread's burst now, at relative speed 1.
    pub fn left(&self, tid: Tid) -> Nanos {
        let t = &self.threads[tid];
        let after = self.accesses_left(tid);
        if !t.burning || t.accessing {
            return t.left + after;
        }
        let done = self.cores[t.core as usize].work(self.now - t.began);
        t.left.since(done) + after
    }

    /// How much CPU time the thread has burned in all, at relative speed 1.
    pub fn burned(&self, tid: Tid) -> Total {
        let t = &self.threads[tid];
        if !t.burning {
            return t.burned;
        }
        t.burned + self.cores[t.core as usize].work(self.now - t.began).into()
    }

    /// A thread that was preempted while it acted burns so much when it is back on a core.
    pub fn burn_later(&mut self, tid: Tid, time: Nanos) {
        debug_assert_eq!(self.state(tid), SchedState::Ready);
        self.threads[tid].left += time;
    }

    /// How many cores there are.
    pub fn cores(&self) -> u32 {
        u32::try_from(self.cores.len()).expect("few cores")
    }

    /// Who is on a core.
    pub fn current(&self, core: u32) -> Option<Tid> {
        self.cores[core as usize].current
    }

    /// When whoever is on a core was put there.
    pub fn dispatched_at(&self, core: u32) -> Nanos {
        self.cores[core as usize].picked
    }

    /// What the thread owes.
    #[inline]
    pub fn debt(&self, tid: Tid) -> Nanos {
        self.threads[tid].debt
    }

    /// The running thread burns CPU (its debt included). `true`: nothing else could happen meanwhile, the clock has
    /// moved and the thread may go on; `false`: [`Upcall::OnCore`] will come when it is done.
    #[inline]
    pub fn run(&mut self, tid: Tid, time: Nanos) -> bool {
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

    /// Burns what is left of a burst, with what is owed, at once, and moves the clock, where nothing else can happen before its end.
    /// Only by the thread that acts, or while none does: the acting one's next act would come too late.
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

    /// Cuts a thread's burst short: it stops `after` from now of its own CPU time. Returns what it then has not burned.
    pub fn interrupt(&mut self, tid: Tid, after: Nanos) -> Nanos {
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

    /// `sched_yield`: the running thread lets the others of its core go first, for about a slice. `false`: there are none.
    pub fn yield_core(&mut self, tid: Tid) -> bool {
        let core = self.threads[tid].core;
        if self.cores[core as usize].waiting == 0 {
            return false;
        }
        self.involuntary += 1;
        self.enter(tid, Cause::Core);
        self.cores[core as usize].current = None;
        self.cores[core as usize].last = Some(tid);
        // It stays as entitled as it was, but its deadline moves by a slice (`yield_task_fair`).
        self.enqueue_later(tid, self.slice);
        self.pick(core);
        true
    }

    /// Takes a thread off its core or out of the run queue; what it had to burn stays. [`Machine::wake`] brings it back.
    pub fn suspend(&mut self, tid: Tid, cause: Cause) {
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

    /// The running thread blocks; its waiting belongs to `cause`.
    #[inline]
    pub fn block(&mut self, tid: Tid, cause: Cause) {
        self.voluntary += 1;
        self.leave_core(tid, cause);
    }

    /// The thread ends.
    pub fn exit(&mut self, tid: Tid) {
        if self.threads[tid].state == SchedState::Running {
            self.leave_core(tid, Cause::Startup);
        } else {
            // It was preempted by a thread that it woke with its last act.
            self.suspend(tid, Cause::Startup);
        }
        self.threads[tid].state = SchedState::Exited;
        self.note(tid);
    }

    /// The thread ends wherever it is: on a core or on its way to one, in a queue, blocked, or not begun.
    pub fn kill(&mut self, tid: Tid) {
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
        // Only where threads compete is there anything to be owed.
        let clock = if self.cores[core as usize].waiting > 0 {
            self.core_clock(core)
        } else {
            0
        };
        let slice = self.slice.0;
        let t = &mut self.threads[tid];
        debug_assert_eq!(t.state, SchedState::Running);
        // Too much service is forgiven in sleep (delayed dequeue), a debt is kept, up to a slice.
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
            return self.pick(core); // It was killed on its way.
        }
        // The interval to its next balancing counts from when it became busy.
        self.cores[core as usize].balanced = self.now;
        self.place(core, tid);
    }

    /// Moves time forward to the next thing that its user must handle; `None` when nothing is left.
    pub fn advance(&mut self) -> Option<Upcall> {
        loop {
            if !self.unsettled.is_empty() {
                self.settle_lines();
            }
            if let Some(up) = self.upcalls.pop_front() {
                // A thread that was suspended after it was announced comes back later; one that was preempted while it
                // acted, and picked again at once, has gone on.
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
            // What has been called off must not look as if something was still to come, not even past the horizon.
            if self.is_stale(event) {
                if let SchedEvent::Pull = event {
                    self.pulling = false;
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
                SchedEvent::Pull => {
                    self.now = at;
                    self.pulling = false;
                    self.pull();
                }
                SchedEvent::Timer { tid, .. } => {
                    self.now = at;
                    return Some(Upcall::Timer(tid));
                }
                SchedEvent::Arrival => {
                    self.now = at;
                    return Some(Upcall::Arrival);
                }
            }
        }
    }

    /// A thread has burned what it had to; `false`: accesses come now, or others.
    fn burst_over(&mut self, tid: Tid) -> bool {
        if self.threads[tid].accessing {
            return self.accesses_over(tid);
        }
        self.stop_burst(tid);
        let t = &mut self.threads[tid];
        // Rounding at other speeds than 1 may leave a nanosecond.
        t.left = Nanos::ZERO;
        if t.accesses.is_some() {
            self.resume_burst(tid);
            return false;
        }
        true
    }

    /// Whether an event has been called off.
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
            SchedEvent::Pull => self.ready_count == 0 || self.idle == 0,
            SchedEvent::Dispatch { .. } | SchedEvent::Arrival => false,
        }
    }

    /// Books everything up to now: call once at the end.
    pub fn finish(&mut self) {
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

    /// Events taken from the calendar, stale ones included.
    pub fn popped(&self) -> u64 {
        self.popped
    }

    /// Longest calendar.
    pub fn calendar_peak(&self) -> u64 {
        self.calendar.peak() as u64
    }
}
