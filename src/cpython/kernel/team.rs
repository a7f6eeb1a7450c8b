//! Threads that native code has of its own: a call of a BLAS or an OpenMP region divides its work among a team of threads, of which the
//! calling thread is one, and returns when the last has done its share. As with libgomp, every thread that makes such calls has a team of
//! its own, which is started at its first call, sleeps between calls (`OMP_WAIT_POLICY=passive`) and ends with it. The team's other threads
//! know nothing of Python: they hold no GIL and take none.
//!
//! The team of a program that `verify` writes is made of Python threads instead ([`Program::python_teams`](crate::cpython::program::Program)): the
//! caller tells each by a lock, under the GIL, and waits for each by another; a thread that is told needs the GIL to go on, and to say that it is
//! done. While the caller tells them they wake, find the GIL taken and sleep again, so that the core on which one wakes is idle when the next is told:
//! they gather there, which native threads do not.

use super::act::{Act, Outside};
use super::park::awake_window;
use super::thread::{Blocked, Phase};
use super::wait::On;
use super::{InterpreterRef, Kernel};
use crate::cpython::index::{GilIndex, NO_GIL};
use crate::cpython::role::ThreadRole;
use crate::engine::Nanos;
use crate::machine::Tid;

impl Kernel<'_> {
    /// Scripts a call of native code that takes so much CPU time in all, divided among so many threads.
    pub(crate) fn push_team(&mut self, tid: Tid, time: Nanos, threads: u32) {
        let share = Nanos(time.0.div_ceil(u64::from(threads.max(1))));
        if self.program.python_teams {
            self.push_python_team(tid, share, threads);
        } else {
            self.push(tid, Act::Outside(Outside::Team(share, threads)));
        }
    }

    /// Scripts a call of a team of Python threads: the others are told, the caller does its own share, and waits for each of the others in turn.
    fn push_python_team(&mut self, tid: Tid, share: Nanos, threads: u32) {
        let others = threads.saturating_sub(1) as usize;
        while self.threads[tid].team.len() < others {
            let gil = self.threads[tid].gil;
            let other = self.joins_team(tid, gil);
            self.machine.charge(tid, self.costs.thread_start);
            self.machine.wake_by(tid, other, Nanos::ZERO, Nanos::ZERO);
        }
        for i in 0..others {
            let other = self.threads[tid].team[i];
            self.push(tid, Act::Tells(other, share));
        }
        self.push(tid, Act::native(share));
        for i in 0..others {
            let other = self.threads[tid].team[i];
            self.push(tid, Act::Awaits(other));
        }
    }

    /// Tells a Python thread of the team to do its share.
    pub(super) fn tells(&mut self, tid: Tid, other: Tid, share: Nanos) {
        self.threads[other].team_left = 1;
        self.push(other, Act::native(share));
        self.push(other, Act::Joins(tid));
        self.unpark_by(tid, other);
    }

    /// Waits for a Python thread of the team, unless it has done its share. Returns whether the thread goes on acting.
    pub(super) fn awaits(&mut self, tid: Tid, other: Tid) -> bool {
        if self.threads[other].team_left == 0 {
            return true;
        }
        self.detach(tid, Outside::JoinOne(other))
    }

    /// The same without the GIL. Returns whether the thread goes on.
    pub(super) fn join_one(&mut self, tid: Tid, other: Tid) -> bool {
        let done = self.threads[other].team_left == 0;
        let t = &mut self.threads[tid];
        t.phase = Phase::WantGil;
        t.returned = true;
        if done {
            return true;
        }
        t.awaits = Some(other);
        self.block_for_team(tid);
        false
    }

    fn block_for_team(&mut self, tid: Tid) {
        self.threads[tid].blocked = Blocked::Team;
        self.begin_wait(tid, On::Team, None, Nanos::MAX);
        self.block(tid, On::Team.cause());
    }

    /// Begins a call, once the GIL is released: wakes the others of the team, who may take the caller's core; its own share comes next.
    pub(super) fn begin_team(&mut self, tid: Tid, share: Nanos, threads: u32) {
        let others = threads.saturating_sub(1);
        self.threads[tid].phase = Phase::Detached(Outside::Share(share));
        self.threads[tid].team_left = others;
        for i in 0..others as usize {
            let known = self.threads[tid].team.get(i).copied();
            let other = known.unwrap_or_else(|| self.joins_team(tid, NO_GIL));
            self.push(other, Act::native(share));
            self.push(other, Act::Joins(tid));
            if known.is_some() {
                self.unpark_by(tid, other);
            } else {
                self.machine.charge(tid, self.costs.thread_start);
                self.machine.wake_by(tid, other, Nanos::ZERO, Nanos::ZERO);
            }
        }
    }

    /// Burns the caller's own share of a call. Returns whether the thread goes on acting.
    pub(super) fn burn_share(&mut self, tid: Tid, share: Nanos) -> bool {
        self.threads[tid].phase = Phase::Detached(Outside::Join);
        self.machine.run(tid, share)
    }

    /// Creates a further thread of the caller's team, with this GIL.
    fn joins_team(&mut self, tid: Tid, gil: GilIndex) -> Tid {
        let t = &self.threads[tid];
        let home = InterpreterRef {
            process: t.process,
            gil,
            domain: t.domain,
        };
        let serial = u32::try_from(t.team.len() + 1).unwrap_or(u32::MAX);
        let other = self.new_thread(ThreadRole::Team, home, serial);
        let rss = self.costs.thread_rss;
        self.take_for(home.process, rss);
        self.threads[tid].team.push(other);
        other
    }

    /// Notes that thread `other` has done its share of a call of `caller`, who goes on when it was the last.
    pub(super) fn joins(&mut self, other: Tid, caller: Tid) {
        let c = &mut self.threads[caller];
        let awaited = if self.program.python_teams {
            self.threads[other].team_left = 0;
            self.threads[caller].awaits == Some(other)
        } else {
            c.team_left -= 1;
            c.team_left == 0
        };
        let c = &mut self.threads[caller];
        if awaited && c.blocked == Blocked::Team {
            c.blocked = Blocked::No;
            c.awaits = None;
            let park = self.costs.park;
            self.machine.charge(other, self.costs.unpark);
            self.machine
                .wake_by(other, caller, park, awake_window(park));
        }
    }

    /// Waits, without the GIL, until the last of the team has done its share: it lacked a core for it. Returns whether the thread goes on.
    pub(super) fn join_team(&mut self, tid: Tid) -> bool {
        let t = &mut self.threads[tid];
        t.phase = Phase::WantGil;
        t.returned = true;
        if t.team_left == 0 {
            return true;
        }
        self.block_for_team(tid);
        false
    }

    /// Ends the team of a thread that ends.
    pub(super) fn disband(&mut self, tid: Tid) {
        let team = std::mem::take(&mut self.threads[tid].team);
        let process = self.threads[tid].process;
        for other in team {
            self.kill_thread(other);
            self.leave_arena(other);
            self.thread_leaves(other);
            let rss = self.costs.thread_rss;
            self.give_for(process, rss);
        }
    }
}
