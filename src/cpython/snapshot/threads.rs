//! What each thread does.

use super::{Doing, ThreadState, View, Work};
use crate::cpython::program::{Awaited, Instr, OnCore};
use crate::cpython::thread::{Act, Phase, Role, Thread, Wait};
use crate::engine::Nanos;
use crate::machine::{Cause, State, Tid};

impl View<'_, '_> {
    pub(super) fn threads(&self) -> Vec<ThreadState> {
        self.threads
            .iter()
            .map(|&tid| {
                let t = self.sim.thread(tid);
                ThreadState {
                    process: self.process(t.process).expect("its process is shown"),
                    name: self.sim.thread_name(tid),
                    doing: self.doing(tid),
                    since: self.since(tid),
                    task: t.task.and_then(|k| self.task(k)),
                    event_loop: matches!(t.role, Role::Loop(_)),
                }
            })
            .collect()
    }

    pub(super) fn doing(&self, tid: Tid) -> Doing {
        let machine = &self.sim.machine;
        let t = self.sim.thread(tid);
        match machine.state(tid) {
            State::Running => return Doing::Running(machine.core(tid), self.work(tid)),
            State::Waking | State::Ready => return Doing::Ready(machine.core(tid)),
            State::Blocked | State::Exited => {}
        }
        match t.wait {
            Wait::None => Doing::NotStarted,
            Wait::Gil => {
                let gil = self.sim.gils.get(t.gil as usize);
                Doing::WaitsForGil(gil.and_then(|g| g.holder).and_then(|h| self.thread(h)))
            }
            Wait::Forced => Doing::ForcedSwitch,
            Wait::World => {
                let stopper = self.sim.heaps[t.domain as usize].stopper;
                Doing::StoppedWorld(stopper.and_then(|s| self.thread(s)))
            }
            Wait::Sleep if machine.cause(tid) == Cause::Pool => {
                Doing::WaitsForArrival(Some(t.until))
            }
            Wait::Sleep => Doing::Sleeps(t.until),
            Wait::Park => self.parked(tid, t),
        }
    }

    pub(super) fn since(&self, tid: Tid) -> Nanos {
        let machine = &self.sim.machine;
        let t = self.sim.thread(tid);
        match (machine.state(tid), t.wait, t.script.front()) {
            // From when it was put there: what it does there changes more often.
            (State::Running, ..) => machine.picked(machine.core(tid)),
            // It wakes once an interval to ask, and once for each lock that it does not get.
            (State::Blocked, Wait::Gil, _) => t.asked.min(self.now),
            (State::Blocked, Wait::Park, Some(Act::Acquire(_, since)))
                if *since <= self.now && machine.cause(tid) == Cause::Lock =>
            {
                *since
            }
            _ => machine.since(tid),
        }
    }

    fn parked(&self, tid: Tid, t: &Thread) -> Doing {
        let timer = t.timed.then_some(t.until);
        let front = t.script.front();
        match (self.sim.machine.cause(tid), t.role, front) {
            (Cause::Lock, _, Some(&Act::Acquire(lock, _))) => {
                let owner = self.sim.locks[lock as usize].owner;
                Doing::WaitsForLock(self.lock_name(lock), owner.and_then(|o| self.thread(o)))
            }
            (Cause::Startup, ..) => Doing::Starts,
            (Cause::Queue, ..) => self.queued(t),
            (Cause::Loop, ..) => Doing::Select(timer),
            (Cause::Pool, Role::Main(copy), _) => {
                let outstanding = self.sim.copies[copy as usize].outstanding;
                if self.sim.more_to_come(copy) {
                    Doing::WaitsForArrival(None)
                } else {
                    Doing::WaitsForResults(outstanding)
                }
            }
            (Cause::Pool, Role::Feeder(_), _) => Doing::WaitsForWork("a call to send"),
            (Cause::Pool, ..) => Doing::Idle,
            (Cause::Ipc, _, Some(Act::Write(..))) => Doing::WaitsForPipe,
            (Cause::Ipc, Role::Manager(_), _) => Doing::WaitsForWork("a result or new work"),
            (Cause::Ipc, Role::ForkServer, _) => Doing::WaitsForWork("a child to fork"),
            (Cause::Ipc, Role::ProcessWorker(_), Some(Act::Read(_))) => Doing::Idle,
            (Cause::Ipc, Role::ProcessWorker(_), _) => Doing::WaitsToWrite,
            _ => Doing::Idle,
        }
    }

    /// A task's wait for a queue or for its children, in a thread of its own.
    fn queued(&self, t: &Thread) -> Doing {
        let Some(task) = t.task.map(|k| &self.sim.tasks[k]) else {
            return Doing::Idle;
        };
        if task.joiner.is_some() || task.children > 0 {
            return Doing::WaitsForChildren(task.children, self.children_of(task));
        }
        let queue = |q: u32| self.sim.program.queues[q as usize].name.clone();
        let code = &self.sim.program.classes[task.class as usize].code;
        match code.get(task.pc as usize).and_then(|i| i.awaits()) {
            Some(Awaited::Item(q)) => Doing::WaitsForItem(queue(q)),
            Some(Awaited::Room(q)) => Doing::WaitsForRoom(queue(q)),
            Some(Awaited::Lock(_) | Awaited::Children(_)) | None => Doing::Idle,
        }
    }

    /// The name of a lock in the table of all.
    pub(super) fn lock_name(&self, lock: u32) -> String {
        let own = self.sim.program.locks.len();
        self.sim.program.locks[lock as usize % own].name.clone()
    }

    fn work(&self, tid: Tid) -> Work {
        let t = self.sim.thread(tid);
        let label = self.sim.machine.run_cause(tid);
        let has_task = t.task.is_some();
        if self.starts_up(tid, t) {
            return Work::StartingUp;
        }
        if t.phase != Phase::Go {
            let in_step = has_task && label == Cause::Running;
            let leaves_the_gil = match self.last_instr(t).and_then(Instr::work) {
                Some(OnCore::Native | OnCore::Releasing) => true,
                Some(OnCore::Bytecode) | None => false,
            };
            return if in_step && leaves_the_gil {
                Work::Native
            } else {
                Work::SystemCall
            };
        }
        if t.in_c {
            return match (t.role, label) {
                (Role::Manager(_), _) => Work::Unpickling,
                (Role::Feeder(_), _) => Work::Pickling,
                (Role::ProcessWorker(_), Cause::Ipc) if has_task => Work::Unpickling,
                (Role::ProcessWorker(_), Cause::Ipc) => Work::Pickling,
                _ => Work::Collecting,
            };
        }
        if has_task && label == Cause::Running {
            Work::Bytecode
        } else {
            Work::Bookkeeping
        }
    }

    fn last_instr(&self, t: &Thread) -> Option<Instr> {
        let task = &self.sim.tasks[t.task?];
        let code = &self.sim.program.classes[task.class as usize].code;
        code.get(task.pc.checked_sub(1)? as usize).copied()
    }

    /// Whether a thread is not yet up to what it is there for.
    fn starts_up(&self, tid: Tid, t: &Thread) -> bool {
        // What it begins with ends in telling its starter, or in its first look round.
        let announces = t.script.iter().any(|a| matches!(a, Act::Unpark(_)));
        match t.role {
            Role::PoolWorker(_) | Role::InterpWorker(..) => announces || t.state == 0,
            Role::Raw => announces,
            Role::ProcessWorker(_) => t.scratch == 0,
            Role::Loop(_) | Role::Main(_) => t.state == 0,
            Role::ForkServer => t.script.is_empty() && self.sim.machine.since(tid) == Nanos::ZERO,
            Role::Script => true,
            Role::Manager(_) | Role::Feeder(_) => announces,
            Role::Master => false,
        }
    }

    /// What is left of what a thread is doing, and whether its task's step has begun.
    pub(super) fn left(&self, tid: Tid) -> (bool, Option<Nanos>) {
        let t = self.sim.thread(tid);
        let machine = &self.sim.machine;
        match self.doing(tid) {
            Doing::Sleeps(until) => return (true, Some(until.since(self.now))),
            Doing::WaitsForLock(..) => return (true, None),
            Doing::WaitsForItem(_)
            | Doing::WaitsForRoom(_)
            | Doing::WaitsForChildren(..)
            | Doing::NotStarted => return (false, None),
            _ => {}
        }
        let coming = match t.script.front() {
            Some(Act::Run(time)) => *time,
            Some(Act::Native(time)) => *time + self.sim.to_release(t.script.get(1)),
            act => self.sim.to_release(act),
        };
        let left = machine.left(tid) + t.rest + coming;
        let timed = self.last_instr(t).and_then(Instr::work).is_some();
        let begun = left > Nanos::ZERO && machine.run_cause(tid) == Cause::Running && timed;
        (begun, begun.then_some(left))
    }
}
