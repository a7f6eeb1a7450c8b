//! Workers of a server that show themselves alive, and the supervisor that looks whether they do: `timeout` of gunicorn.
//!
//! A worker touches a file of its own (`workers/workertmp.py`); once a second the arbiter looks how long ago that was
//! (`arbiter.py: murder_workers`). A worker that handles one request at a time does so between requests. One with threads does so from
//! the thread that accepts, at least once a second, and, once it takes in no more, for `graceful_timeout` from then on. One with an event loop
//! does so from the loop, when a tick of a second finds that half of the time-out has passed (`uvicorn/server.py: on_tick`), and no more
//! once it takes in nothing. So only a blocked loop is silent, and for less than the whole time-out if it was about to show itself.
//!
//! Who is silent for longer gets SIGABRT. Python's handler of it, by which gunicorn's own workers leave, runs between two bytecodes, so that
//! native code goes on; uvicorn's class has the default, which ends the process at once. Whoever is still there at the next look is killed.
//! Where nobody can be silent for too long, a look costs a few microseconds a second and changes nothing: those are not simulated.
//! Workers that still import the application are not watched here.

use typed_index_collections::TiVec;

use super::Work;
use crate::cpython::index::{CopyIndex, NodeIndex};
use crate::cpython::kernel::{Act, Blocked, On};
use crate::cpython::program::{Executor, Instr, OnCore};
use crate::cpython::role::{LoopState, ThreadRole};
use crate::engine::Nanos;
use crate::machine::Tid;
use crate::scenario::{Arrivals, GRACEFUL_TIMEOUT};

/// How often the supervisor looks.
const LOOK: Nanos = Nanos::from_secs(1);

/// What a supervisor knows of a worker.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pulse {
    /// When it last showed itself alive; `None` until it has begun to serve.
    notified: Option<Nanos>,
    /// Whether it has got SIGABRT, and has not come to it yet.
    pub(super) aborted: bool,
    /// Whether it is gone.
    pub(super) dead: bool,
}

/// The supervisors of a server with a time-out, one on each machine.
#[derive(Default)]
pub(crate) struct Watchdogs {
    of: TiVec<NodeIndex, Watchdog>,
    /// What they have done.
    pub(super) killed: Killed,
}

/// A supervisor of a server with a time-out.
#[derive(Clone, Copy, Debug, Default)]
struct Watchdog {
    /// Since when it waits for signals: it looks a second after that, and after each second more.
    since: Nanos,
    /// The look for which it has been told to wake.
    armed: Option<Nanos>,
}

impl Watchdogs {
    pub(super) fn new(nodes: u32) -> Self {
        Self {
            of: vec![Watchdog::default(); nodes as usize].into(),
            killed: Killed::default(),
        }
    }

    /// What they have ended so far.
    pub(crate) fn killed(&self) -> Killed {
        self.killed
    }
}

impl Watchdog {
    /// Its first look after an instant.
    fn look_after(&self, instant: Nanos) -> Nanos {
        let looks = instant.since(self.since).0 / LOOK.0 + 1;
        self.since + LOOK * looks
    }
}

/// What a supervisor has ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Killed {
    /// Number of workers.
    pub(crate) workers: u64,
    /// Number of tasks that they had taken in.
    pub(crate) tasks: u64,
    /// When the first was ended.
    pub(crate) first: Nanos,
}

impl Killed {
    /// Counts a worker that is ended now.
    pub(super) fn one_more(&mut self, now: Nanos) {
        if self.workers == 0 {
            self.first = now;
        }
        self.workers += 1;
    }
}

/// How a worker shows itself alive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// Between two requests.
    BetweenRequests,
    /// From the thread that accepts.
    FromAcceptor,
    /// From its event loop.
    FromLoop,
}

/// The time between two ticks of a uvicorn server: ten sleeps of 0.1 s, each of which ends a little late (1.003 to 1.011 s, measured with
/// uvicorn 0.54.0 and CPython 3.13).
const TICK: Nanos = Nanos::from_millis(1_004);

/// How often a loop shows itself: at the first tick after half of the time-out.
fn ticks(after: Nanos) -> Nanos {
    TICK * (after.0 / 2 / TICK.0 + 1)
}

/// When a loop that was in `select` until an instant, and showed itself at `last` before, did so for the last time.
fn ticked(last: Nanos, until: Nanos, after: Nanos) -> Nanos {
    let each = ticks(after);
    last + each * (until.since(last).0 / each.0)
}

impl Work<'_> {
    fn shows(&self) -> Shows {
        let layout = &self.kernel.program.layout;
        match layout.executor {
            _ if layout.event_loop => Shows::FromLoop,
            Executor::Inline => Shows::BetweenRequests,
            Executor::RawThreads
            | Executor::Threads(_)
            | Executor::Interpreters(_)
            | Executor::Processes(..)
            | Executor::MpPool(..) => Shows::FromAcceptor,
        }
    }

    /// The time after which silent workers are killed; `None` if none are.
    fn kills_after(&self) -> Option<Nanos> {
        let program = self.kernel.program;
        // Asked at every timer: most programs have nobody who looks.
        let timeout = program.layout.life.timeout?;
        // Tasks of a trace are a worker's own before they have come: it cannot lose those.
        let comes = match program.arrivals {
            Arrivals::Trace(_) => false,
            Arrivals::Batch
            | Arrivals::Open { .. }
            | Arrivals::Varying { .. }
            | Arrivals::Sessions { .. }
            | Arrivals::Closed { .. } => true,
        };
        comes.then_some(timeout)
    }

    /// A worker without an event loop takes in a request that comes at this instant, or has come.
    #[inline]
    pub(crate) fn notifies(&mut self, copy: CopyIndex, at: Nanos) {
        if self.kills_after().is_some() && self.shows() == Shows::BetweenRequests {
            let now = self.kernel.machine.now();
            self.copies[copy].pulse.notified = Some(now.max(at));
            self.watch(copy);
        }
    }

    /// A worker's event loop goes on, after it has waited in `select` or not: whether it shows itself follows from when it last did.
    #[inline]
    pub(crate) fn loop_notifies(&mut self, copy: CopyIndex, waited: bool) {
        let Some(after) = self.kills_after() else {
            return;
        };
        let now = self.kernel.machine.now();
        if self.copies[copy].retires() && self.copies[copy].pulse.notified.is_some() {
            return;
        }
        let each = ticks(after);
        let pulse = &mut self.copies[copy].pulse;
        let last = *pulse.notified.get_or_insert(now);
        if waited {
            // Its ticks came as they were due.
            pulse.notified = Some(ticked(last, now, after));
        } else if now.since(last) >= each {
            pulse.notified = Some(now);
        }
        let last = pulse.notified.unwrap_or(now);
        self.wake_watchdog(copy, last + after);
    }

    /// A worker has taken in its last request.
    pub(super) fn retires(&mut self, copy: CopyIndex) {
        if self.kills_after().is_some() && self.shows() == Shows::FromAcceptor {
            let life = self.kernel.program.layout.life;
            let graceful = life.graceful_timeout.unwrap_or(GRACEFUL_TIMEOUT);
            let now = self.kernel.machine.now();
            self.copies[copy].pulse.notified = Some(now + graceful);
            self.watch(copy);
        }
    }

    /// Since when a worker has been silent; `None` if it shows itself whenever that is due.
    fn silent_since(&self, copy: CopyIndex) -> Option<Nanos> {
        let c = &self.copies[copy];
        let busy = c.outstanding > 0 && !c.pulse.dead;
        let selected = (self.kernel.threads[c.main].wait).filter(|w| w.on == On::Events);
        let silent = match self.shows() {
            Shows::BetweenRequests => busy,
            Shows::FromAcceptor => busy && c.retires(),
            Shows::FromLoop => {
                let main = &self.kernel.threads[c.main];
                let selects = main.blocked == Blocked::Park && selected.is_some();
                let leaves = match main.role {
                    ThreadRole::Loop(_, state) => state == LoopState::Closing,
                    _ => true,
                };
                busy && !leaves && (!selects || c.retires())
            }
        };
        let last = c.pulse.notified.filter(|_| silent)?;
        let now = self.kernel.machine.now();
        match (self.shows(), selected, self.kills_after()) {
            // One that `select` has woken and that does not run yet had its ticks as they were due, until then.
            (Shows::FromLoop, Some(wait), Some(after)) if !c.retires() => {
                Some(ticked(last, wait.until.min(now), after))
            }
            _ => Some(last),
        }
    }

    /// Has the supervisor look at this worker in time.
    fn watch(&mut self, copy: CopyIndex) {
        if let (Some(since), Some(after)) = (self.silent_since(copy), self.kills_after()) {
            self.wake_watchdog(copy, since + after);
        }
    }

    /// Has the supervisor of this copy wake for its first look after this instant, unless it wakes before that.
    fn wake_watchdog(&mut self, copy: CopyIndex, instant: Nanos) {
        let node = self.copies[copy].node;
        let Some(supervisor) = self.kernel.supervisor(node) else {
            return;
        };
        // One that does not wait yet looks at all of them when it begins to.
        let thread = &self.kernel.threads[supervisor];
        if thread.blocked != Blocked::Park || thread.wait.is_none_or(|w| w.on != On::Exits) {
            return;
        }
        let dog = &mut self.watchdogs.of[node];
        let at = dog.look_after(instant);
        if dog.armed.is_none_or(|armed| at < armed) {
            dog.armed = Some(at);
            self.kernel.machine.set_timer(supervisor, at);
        }
    }

    /// A machine is gone, and its supervisor with it.
    pub(super) fn forget_watchdog(&mut self, node: NodeIndex) {
        self.watchdogs.of[node] = Watchdog::default();
    }

    /// The copies that a supervisor watches over.
    fn watched_by(&self, tid: Tid) -> impl Iterator<Item = CopyIndex> + use<'_> {
        let node = self.kernel.node_of_thread(tid);
        self.living_copies()
            .filter(move |&copy| self.copies[copy].node == node)
    }

    /// The supervisor begins to wait for signals. Returns when its first look is that may find somebody silent for too long;
    /// [`Nanos::MAX`] if none may.
    pub(crate) fn watchdog_waits(&mut self, tid: Tid) -> Nanos {
        let node = self.kernel.node_of_thread(tid);
        self.watchdogs.of[node].since = self.kernel.machine.now();
        let next = self.next_look(tid);
        self.watchdogs.of[node].armed = next;
        next.unwrap_or(Nanos::MAX)
    }

    /// The first look that may find somebody silent for too long, of those that are silent now.
    fn next_look(&self, tid: Tid) -> Option<Nanos> {
        let after = self.kills_after()?;
        let now = self.kernel.machine.now();
        let due = |copy: CopyIndex| {
            let pulse = self.copies[copy].pulse;
            if pulse.aborted && !pulse.dead {
                return Some(now);
            }
            Some(self.silent_since(copy)? + after)
        };
        let first = self.watched_by(tid).filter_map(due).min()?;
        let node = self.kernel.node_of_thread(tid);
        Some(self.watchdogs.of[node].look_after(first.max(now)))
    }

    /// A thread's timer is due: whether it is that of a supervisor which would find nobody silent, and goes on waiting.
    pub(crate) fn looks_in_vain(&mut self, tid: Tid) -> bool {
        if self.kills_after().is_none() {
            return false;
        }
        let node = self.kernel.node_of_thread(tid);
        let watches = self.kernel.supervisor(node) == Some(tid);
        let waits = self.kernel.threads[tid].blocked == Blocked::Park;
        // In the middle of a restart it waits for a worker, and looks after nobody else.
        if !watches || !waits || self.restarts.is_under_way() {
            return false;
        }
        self.watchdogs.of[node].armed = None;
        if self.watched_by(tid).any(|copy| self.is_overdue(copy)) {
            return false;
        }
        let next = self.next_look(tid);
        self.watchdogs.of[node].armed = next;
        if let Some(at) = next {
            self.kernel.machine.set_timer(tid, at);
        }
        true
    }

    /// Whether the supervisor that looks now finds a worker silent for too long.
    fn is_overdue(&self, copy: CopyIndex) -> bool {
        let pulse = self.copies[copy].pulse;
        let now = self.kernel.machine.now();
        let silent = |since: Nanos| {
            self.kills_after()
                .is_some_and(|after| now.since(since) > after)
        };
        !pulse.dead && (pulse.aborted || self.silent_since(copy).is_some_and(silent))
    }

    /// A supervisor looks: the workers that it ends now. Others have got SIGABRT, and come to it later.
    pub(crate) fn look(&mut self, tid: Tid) -> Vec<CopyIndex> {
        let overdue: Vec<CopyIndex> = (self.watched_by(tid))
            .filter(|&copy| self.is_overdue(copy))
            .collect();
        let ends = |&copy: &CopyIndex| {
            self.copies[copy].pulse.aborted
                || match self.shows() {
                    // Its main thread waits for the others, and so does the interpreter at its end.
                    Shows::FromAcceptor => false,
                    Shows::BetweenRequests => !self.is_in_native_code(self.copies[copy].main),
                    Shows::FromLoop => true,
                }
        };
        let (now, later): (Vec<_>, Vec<_>) = overdue.into_iter().partition(ends);
        for copy in later {
            self.copies[copy].pulse.aborted = true;
        }
        now
    }

    /// Whether the supervisor that has been told of an end learns of it at its next look only, for which it waits then.
    ///
    /// Its looks are a fixed time apart. When the first comes is drawn: it follows from how long the server took to start, of which the instant of a
    /// fault knows nothing.
    pub(crate) fn looks_later(&mut self, tid: Tid) -> bool {
        let Some(each) = self.kernel.program.layout.looks else {
            return false;
        };
        let node = self.kernel.node_of_thread(tid);
        let now = self.kernel.machine.now();
        let first = self.faults.first_look(node, each);
        let starter = &mut self.kernel.starters[node];
        if starter.exited.is_empty() {
            starter.look = None;
            return false;
        }
        let next = || first + each * (now.since(first).0.div_ceil(each.0));
        let at = *starter.look.get_or_insert_with(next);
        let later = at > now;
        if later {
            self.kernel.push(tid, Act::sleep(On::Exits, at));
        }
        later
    }

    /// Whether Python leaves the blocks of the worker that is ended now, because the handler of SIGABRT raises an exception there.
    pub(crate) fn leaves_blocks(&self, copy: CopyIndex) -> bool {
        self.shows() == Shows::BetweenRequests && !self.is_in_native_code(self.copies[copy].main)
    }

    /// Whether the signal's handler of a worker in Python has to wait for native code to return.
    pub(crate) fn is_in_native_code(&self, main: Tid) -> bool {
        let main = &self.kernel.threads[main];
        let instruction = main.task.and_then(|key| {
            let task = &self.tasks[key];
            let code = &self.kernel.program.classes[task.class].code;
            code.get(task.pc.checked_sub(1)? as usize).copied()
        });
        instruction.and_then(Instr::work) == Some(OnCore::Native)
    }

    /// Whether a worker's main thread, which comes to its next bytecode, finds that it has got SIGABRT.
    pub(crate) fn finds_signal(&self, copy: CopyIndex) -> bool {
        self.copies[copy].pulse.aborted && self.shows() == Shows::BetweenRequests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Measured with uvicorn-worker 0.4.0: 15.063, 3.011 to 3.015, and 1.004 s.
    #[test]
    fn a_loop_shows_itself_at_the_first_tick_after_half_of_the_time_out() {
        for (after, each) in [(30, 15_060), (6, 3_012), (2, 1_004), (1, 1_004)] {
            assert_eq!(ticks(Nanos::from_secs(after)), Nanos::from_millis(each));
        }
        let at = |s| Nanos::from_millis(s);
        assert_eq!(ticked(at(100), at(3_200), Nanos::from_secs(2)), at(3_112));
    }
}
