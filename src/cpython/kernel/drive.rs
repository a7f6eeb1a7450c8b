//! Executes the acts of threads on their cores, one after another, until a thread burns, blocks, ends or comes to a deed of its role.

use super::Kernel;
use super::act::{Act, Outside};
use super::thread::{Blocked, Phase};
use crate::cpython::index::NO_GIL;
use crate::cpython::role::{RoleAction, ThreadRole};
use crate::engine::Nanos;
use crate::machine::{Cause, SchedState, Tid};

/// The storey above the kernel, which knows what threads are for.
pub(crate) trait Roles<'a> {
    /// The kernel that this storey drives.
    fn kernel(&mut self) -> &mut Kernel<'a>;
    /// Appends to the script of a thread that has run out of acts.
    fn refill(&mut self, tid: Tid);
    /// Carries out a deed that a thread has come to.
    fn does(&mut self, tid: Tid, deed: RoleAction);
}

/// What follows an act.
enum ActOutcome {
    GoesOn,
    /// The thread has blocked, ended or begun to burn.
    Stops,
    /// The thread's role has to carry out a deed.
    Does(RoleAction),
}

impl From<bool> for ActOutcome {
    #[inline]
    fn from(goes_on: bool) -> Self {
        if goes_on { Self::GoesOn } else { Self::Stops }
    }
}

/// Executes acts of a thread on a core until it burns, blocks or ends; its role refills the script and carries out deeds.
pub(crate) fn drive<'a>(roles: &mut impl Roles<'a>, tid: Tid) {
    if !roles.kernel().may_go_on(tid) {
        return;
    }
    loop {
        let kernel = roles.kernel();
        if kernel.machine.state(tid) != SchedState::Running {
            return; // Preempted by a thread that it woke: it goes on when it is back on a core.
        }
        if kernel.over_limit() || kernel.memory.exceeded.is_some() {
            kernel.cut = Some(tid);
            return; // Checked here too: a thread that nothing interrupts stays in this loop for the rest of its run.
        }
        let t = &mut kernel.threads[tid];
        if let Some((gil, after)) = t.unlocks {
            if !kernel.unlock_gil_mutex(tid, gil, after) {
                return;
            }
            continue;
        }
        if t.phase != Phase::Go {
            if let Phase::Detached(outside) = t.phase {
                if !kernel.continue_without_gil(tid, outside) {
                    return;
                }
                continue;
            }
            // Only free-threaded builds stop the world.
            if t.gil == NO_GIL && kernel.held_by_stopped_world(tid) {
                return;
            }
            if !kernel.take_gil(tid) {
                return;
            }
            continue;
        }
        t.in_c = false;
        t.unwatched = None;
        if !kernel.pauses.is_empty() && kernel.collects(tid) {
            continue;
        }
        let t = &mut kernel.threads[tid];
        if t.rest > Nanos::ZERO || t.gil != NO_GIL {
            if kernel.asked_to_leave(tid) {
                let t = &mut kernel.threads[tid];
                t.phase = Phase::WantGil;
                t.returned = false;
                if !kernel.release_gil(tid) {
                    return;
                }
                continue;
            }
            let rest = std::mem::take(&mut kernel.threads[tid].rest);
            if rest > Nanos::ZERO {
                if !kernel.machine.run(tid, rest) {
                    return;
                }
                continue;
            }
        }
        let t = &mut kernel.threads[tid];
        if t.pickling {
            t.pickling = false;
            kernel.machine.mark(tid, false);
        }
        match kernel.threads[tid].script.pop_front() {
            Some(act) => match kernel.act(tid, act) {
                ActOutcome::GoesOn => {}
                ActOutcome::Stops => return,
                ActOutcome::Does(action) => roles.does(tid, action),
            },
            None => roles.refill(tid),
        }
    }
}

impl Kernel<'_> {
    /// Whether the run has used up its events.
    #[inline]
    pub(crate) fn over_limit(&self) -> bool {
        self.events > self.most_events
    }

    /// Ends the run early if it cannot finish within its limit of events: if the calendar has popped more than that, if only for time
    /// slices, or if the bursts that are being cut to pieces would take several times as many at their present rate.
    pub(crate) fn look_ahead(&mut self) {
        const TIMES: f64 = 4.0;
        let now = self.machine.now();
        let time = self
            .limits
            .horizon
            .map_or(Nanos::MAX, |horizon| horizon.since(now));
        let mut to_come = 0.0;
        self.bursts.resize(self.threads.len(), (0, Nanos::ZERO));
        for (tid, before) in self.bursts.iter_mut_enumerated() {
            let (cuts, left) = self.machine.burst(tid);
            let left = left + self.threads[tid].rest;
            let burned = before.1.since(left);
            if burned > Nanos::ZERO {
                to_come += (cuts - before.0) as f64 * (left.min(time).as_f64() / burned.as_f64());
            }
            *before = (cuts, left);
        }
        let most = self.limits.max_events;
        if self.machine.popped() > most || to_come > TIMES * most as f64 {
            self.most_events = 0;
        }
    }

    /// Handles a thread's timer that is due.
    pub(crate) fn timer(&mut self, tid: Tid) {
        match self.threads[tid].blocked {
            Blocked::Gil => self.gil_timeout(tid),
            Blocked::Sleep => {
                self.threads[tid].blocked = Blocked::No;
                self.machine.wake(tid, self.costs.park);
            }
            Blocked::Park => {
                let t = &mut self.threads[tid];
                t.blocked = Blocked::No;
                t.timed_out = false;
                self.machine.wake(tid, self.costs.park);
            }
            Blocked::No | Blocked::Forced | Blocked::World | Blocked::Team => {}
        }
    }

    /// Blocks a thread, which may just have been preempted by one that it woke.
    pub(crate) fn block(&mut self, tid: Tid, cause: Cause) {
        if self.machine.state(tid) == SchedState::Running {
            self.machine.block(tid, cause);
        } else {
            self.machine.suspend(tid, cause);
        }
    }

    /// Whether a thread that has come on a core may go on: one that was about to run when the world was stopped may not.
    #[inline]
    fn may_go_on(&mut self, tid: Tid) -> bool {
        let t = &self.threads[tid];
        t.gil != NO_GIL || t.phase != Phase::Go || !self.held_by_stopped_world(tid)
    }

    /// Goes on without the GIL as the continuation of an act; counts as an act of its own, without the detour through the script. Returns
    /// whether the thread goes on acting.
    #[inline(never)]
    pub(crate) fn begin_without_gil(&mut self, tid: Tid, outside: Outside) -> bool {
        self.events += 1;
        self.detach(tid, outside)
    }

    /// Releases the GIL to go on without it; before it blocks, the thread first spends what it owes. Returns whether the thread goes on
    /// acting.
    #[expect(
        clippy::inline_always,
        reason = "each step that lets the GIL go comes here from `act`: 1.5% of a run"
    )]
    #[inline(always)]
    pub(super) fn detach(&mut self, tid: Tid, outside: Outside) -> bool {
        let runs = matches!(outside, Outside::Native(_) | Outside::Team(..));
        if !runs && self.machine.debt(tid) > Nanos::ZERO {
            self.push_front(tid, Act::Outside(outside));
            return self.machine.run(tid, Nanos::ZERO);
        }
        let t = &mut self.threads[tid];
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

    /// Executes one act of a thread that holds its GIL.
    #[expect(
        clippy::inline_always,
        reason = "called from one place, once an act: 4% of a run"
    )]
    #[inline(always)]
    fn act(&mut self, tid: Tid, act: Act) -> ActOutcome {
        self.events += 1;
        match act {
            Act::Run(time) => return self.machine.run(tid, time).into(),
            Act::RunC(time) => {
                self.threads[tid].in_c = true;
                return self.machine.run(tid, time).into();
            }
            Act::Pickle { time, in_c } => {
                self.threads[tid].in_c = in_c;
                if self.recorder.is_some() {
                    self.threads[tid].pickling = true;
                    self.machine.mark(tid, true);
                }
                return self.machine.run(tid, time).into();
            }
            Act::Access(access) => return self.access(tid, access).into(),
            Act::Releasing {
                hold,
                released,
                left,
                last,
            } => return self.run_releasing(tid, hold, released, left, last).into(),
            Act::Outside(outside) => return self.detach(tid, outside).into(),
            Act::Label(cause) => self.machine.set_run_cause(tid, cause),
            Act::Unpark(other) => self.unpark_by(tid, other),
            Act::SwitchGil(gil) => {
                // The rest of the script is executed once the other GIL is taken.
                if self.asked_to_leave(tid) {
                    self.push_front(tid, act);
                    self.threads[tid].phase = Phase::WantGil;
                    return self.release_gil(tid).into();
                }
                self.release_gil(tid);
                let t = &mut self.threads[tid];
                t.gil = gil;
                t.phase = Phase::WantGil;
            }
            Act::Acquire(lock) => return self.acquire(tid, lock).into(),
            Act::Spin(lock, left) => self.spin(tid, lock, left),
            Act::Release(lock) => self.release(tid, lock),
            Act::Write(pipe, left) => return self.write(tid, pipe, left).into(),
            Act::Written(pipe, chunk, left) => self.written(tid, pipe, chunk, left),
            Act::Read(pipe) => return self.read(tid, pipe).into(),
            Act::ReadDone(pipe, chunk) => self.read_done(tid, pipe, chunk),
            Act::Begin(other) => {
                // A thread that was killed before it began does not begin.
                if self.machine.state(other) != SchedState::Exited {
                    self.machine.wake_by(tid, other, Nanos::ZERO, Nanos::ZERO);
                }
            }
            Act::StopWorld => self.stop_world(tid),
            Act::StartWorld => self.start_world(tid),
            Act::Request(child) => {
                let process = self.threads[tid].process;
                self.starter(process).requests.push_back((child, tid));
            }
            Act::Take(bytes) => self.take(tid, bytes),
            Act::Give(bytes) => self.give(tid, bytes),
            Act::Free(bytes) => self.free_own(tid, bytes),
            Act::TakeFor(process, bytes) => self.take_for(process, bytes),
            Act::Joins(caller) => self.joins(tid, caller),
            Act::Tells(other, share) => self.tells(tid, other, share),
            Act::Awaits(other) => return self.awaits(tid, other).into(),
            Act::Do(action) => return ActOutcome::Does(action),
            Act::Exit => {
                if self.machine.debt(tid) > Nanos::ZERO {
                    self.push_front(tid, act);
                    return self.machine.run(tid, Nanos::ZERO).into();
                }
                if self.asked_to_leave(tid) {
                    self.push_front(tid, act);
                    self.threads[tid].phase = Phase::WantGil;
                    return self.release_gil(tid).into();
                }
                self.release_gil(tid);
                self.exited(tid);
                return ActOutcome::Stops;
            }
        }
        ActOutcome::GoesOn
    }

    /// Does what the thread released the GIL for. Returns whether the thread goes on acting.
    #[inline]
    fn continue_without_gil(&mut self, tid: Tid, outside: Outside) -> bool {
        match outside {
            Outside::Native(time) => {
                let t = &mut self.threads[tid];
                t.phase = Phase::WantGil;
                t.returned = true;
                self.machine.run(tid, time)
            }
            Outside::Team(share, threads) => {
                self.begin_team(tid, share, threads);
                true
            }
            Outside::Share(share) => self.burn_share(tid, share),
            Outside::Join => self.join_team(tid),
            Outside::JoinOne(other) => self.join_one(tid, other),
            Outside::Sleep(on, until) => {
                let t = &mut self.threads[tid];
                t.phase = Phase::WantGil;
                t.returned = true;
                t.blocked = Blocked::Sleep;
                self.begin_wait(tid, on, None, until);
                let at = until.max(self.machine.now()) + self.machine.slack();
                self.machine.set_timer(tid, at);
                self.block(tid, on.cause());
                false
            }
            Outside::Park(on, until) => {
                let t = &mut self.threads[tid];
                t.phase = Phase::WantGil;
                t.returned = true;
                if std::mem::take(&mut t.permit) {
                    return true;
                }
                t.blocked = Blocked::Park;
                // A thread that stands in a line has noted its wait when it asked.
                if !t.wait.is_some_and(|w| w.on == on && w.ticket.is_some()) {
                    self.begin_wait(tid, on, None, until);
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

    fn exited(&mut self, tid: Tid) {
        if !self.threads[tid].team.is_empty() {
            self.disband(tid);
        }
        self.book_for(tid, None, (false, false), Cause::Running);
        self.machine.exit(tid);
        self.leave_arena(tid);
        self.thread_leaves(tid);
        self.thread_ends(tid);
        if self.threads[tid].role == ThreadRole::Raw {
            self.spare_threads.push(tid);
        }
    }

    /// CPU time of pickling a payload of so many bytes that holds so many small objects.
    pub(crate) fn dumps_cost(&self, bytes: u64, objects: u64) -> Nanos {
        self.profile.dumps.at(bytes, self.profile.slowness)
            + self.costs.pickle_object_dump * objects
    }

    /// CPU time of unpickling a payload of so many bytes that holds so many small objects.
    pub(crate) fn loads_cost(&self, bytes: u64, objects: u64) -> Nanos {
        self.profile.loads.at(bytes, self.profile.slowness)
            + self.costs.pickle_object_load * objects
    }

    /// CPU time of receiving `chunk` bytes of a message of `size` bytes, beside copying them; zero if a single read takes the whole
    /// message.
    pub(crate) fn receives_cost(&self, chunk: u64, size: u64) -> Nanos {
        if size <= self.pipe_capacity {
            return Nanos::ZERO;
        }
        let share = chunk as f64 / size as f64;
        (self.profile.receives).at(size, self.profile.slowness * share)
    }
}
