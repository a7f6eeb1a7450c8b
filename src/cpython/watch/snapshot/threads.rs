//! What each thread does.

use super::{Doing, ThreadState, View, Work};
use crate::cpython::index::{LockIndex, QueueIndex};
use crate::cpython::kernel::{Act, Blocked, Outside, Phase, Thread};
use crate::cpython::kernel::{On, Wait};
use crate::cpython::program::{Instr, OnCore};
use crate::cpython::role::{LoopState, MainState, PoolState, Role};
use crate::engine::Nanos;
use crate::machine::{Cause, SchedState, Tid};

impl View<'_, '_> {
    pub(crate) fn threads(&self) -> Vec<ThreadState> {
        self.threads
            .iter()
            .map(|&tid| {
                let t = self.work.kernel.thread(tid);
                ThreadState {
                    process: self.process(t.process).expect("its process is shown"),
                    name: self.work.kernel.thread_name(tid),
                    doing: self.doing(tid),
                    since: self.since(tid),
                    task: t.task.and_then(|k| self.task(k)),
                    event_loop: matches!(t.role, Role::Loop(..)),
                }
            })
            .collect()
    }

    pub(crate) fn doing(&self, tid: Tid) -> Doing {
        let machine = &self.work.kernel.machine;
        let t = self.work.kernel.thread(tid);
        match machine.state(tid) {
            SchedState::Running => return Doing::Running(machine.core(tid), self.work(tid)),
            SchedState::Waking | SchedState::Ready => return Doing::Ready(machine.core(tid)),
            SchedState::Blocked | SchedState::Exited => {}
        }
        match t.blocked {
            Blocked::No => Doing::NotStarted,
            Blocked::Gil => {
                let gil = self.work.kernel.gils.get(t.gil);
                Doing::WaitsForGil(gil.and_then(|g| g.holder).and_then(|h| self.thread(h)))
            }
            Blocked::Forced => Doing::ForcedSwitch,
            Blocked::World => {
                let stopper = self.work.kernel.heaps[t.domain].stopper;
                Doing::StoppedWorld(stopper.and_then(|s| self.thread(s)))
            }
            Blocked::Sleep | Blocked::Park => {
                t.wait.map_or(Doing::Idle, |wait| self.waiting(t, wait))
            }
        }
    }

    pub(crate) fn since(&self, tid: Tid) -> Nanos {
        let machine = &self.work.kernel.machine;
        let t = self.work.kernel.thread(tid);
        match (machine.state(tid), t.blocked, t.wait) {
            // From when it was put there: what it does there changes more often.
            (SchedState::Running, ..) => machine.picked(machine.core(tid)),
            // It wakes once an interval to ask, and once for each lock that it does not get.
            (SchedState::Blocked, Blocked::Gil, _) => t.asked.min(self.now),
            (SchedState::Blocked, Blocked::Park, Some(wait)) if matches!(wait.on, On::Lock(_)) => {
                wait.since
            }
            _ => machine.since(tid),
        }
    }

    /// What a thread waits for that sleeps or is parked.
    fn waiting(&self, t: &Thread, wait: Wait) -> Doing {
        let until = (wait.until < Nanos::MAX).then_some(wait.until);
        let queue = |q: QueueIndex| self.work.kernel.program.queues[q].name.clone();
        match wait.on {
            On::Lock(lock) => {
                let owner = self.work.kernel.locks[lock].owner();
                Doing::WaitsForLock(self.lock_name(lock), owner.and_then(|o| self.thread(o)))
            }
            On::Outside => Doing::Sleeps(wait.until),
            On::Item(q) => Doing::WaitsForItem(queue(q)),
            On::Room(q) => Doing::WaitsForRoom(queue(q)),
            On::Children => t.task.map_or(Doing::Idle, |key| {
                let task = &self.work.tasks[key];
                Doing::WaitsForChildren(task.children, self.children_of(task))
            }),
            On::Start => Doing::Starts,
            On::Events => Doing::Select(until),
            On::Arrival => match t.role {
                Role::Main(copy, _) if until.is_none() && !self.work.more_to_come(copy) => {
                    Doing::WaitsForResults(self.work.copies[copy].outstanding)
                }
                _ => Doing::WaitsForArrival(until),
            },
            On::Calls => Doing::WaitsForWork("a call to send"),
            On::Request => Doing::WaitsForWork("a child to fork"),
            On::Bytes(_) if matches!(t.role, Role::Manager(..)) => {
                Doing::WaitsForWork("a result or new work")
            }
            On::Space(_) => Doing::WaitsForPipe,
            On::ResultTurn => Doing::WaitsToWrite,
            On::Work | On::CallTurn | On::Bytes(_) => Doing::Idle,
            // Waits of tasks, whose loop's thread does not wait for them.
            On::AwaitedLock(_) | On::Permit | On::Timer | On::Part => Doing::Idle,
        }
    }

    /// The name of a lock in the table of all.
    pub(crate) fn lock_name(&self, lock: LockIndex) -> String {
        self.work.kernel.lock_spec(lock).name.clone()
    }

    fn work(&self, tid: Tid) -> Work {
        let t = self.work.kernel.thread(tid);
        let label = self.work.kernel.machine.run_cause(tid);
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
                (Role::Manager(..), _) => Work::Unpickling,
                (Role::Feeder(_), _) => Work::Pickling,
                (Role::ProcessWorker(..), Cause::Ipc) if has_task => Work::Unpickling,
                (Role::ProcessWorker(..), Cause::Ipc) => Work::Pickling,
                _ => Work::Collecting,
            };
        }
        if !has_task || label != Cause::Running {
            return Work::Bookkeeping;
        }
        let accesses = self.last_instr(t).and_then(Instr::accesses);
        match accesses.filter(|_| self.work.kernel.machine.left(tid) > Nanos::ZERO) {
            Some(object) => {
                let name = self.work.kernel.program.objects[object].name.clone();
                if self.work.kernel.machine.is_held_up(tid) {
                    Work::Contending(name)
                } else {
                    Work::Accessing(name)
                }
            }
            None => Work::Bytecode,
        }
    }

    fn last_instr(&self, t: &Thread) -> Option<Instr> {
        let task = &self.work.tasks[t.task?];
        let code = &self.work.kernel.program.classes[task.class].code;
        code.get(task.pc.checked_sub(1)? as usize).copied()
    }

    /// Whether a thread is not yet up to what it is there for.
    fn starts_up(&self, tid: Tid, t: &Thread) -> bool {
        // What it begins with ends in telling its starter, or in its first look round.
        let announces = t.script.iter().any(|a| matches!(a, Act::Unpark(_)));
        match t.role {
            Role::PoolWorker(_, state) | Role::InterpWorker(_, _, state) => {
                announces || state == PoolState::Booting
            }
            Role::Raw => announces,
            Role::ProcessWorker(..) => t.up == Nanos::ZERO,
            Role::Loop(_, state) => state == LoopState::Begin,
            Role::Main(_, state) => state == MainState::Begin,
            Role::ForkServer => {
                t.script.is_empty() && self.work.kernel.machine.since(tid) == Nanos::ZERO
            }
            Role::Script => true,
            Role::Manager(..) | Role::Feeder(_) => announces,
            Role::Master => false,
        }
    }

    /// What is left of what a thread is doing, and whether its task's step has begun.
    pub(crate) fn left(&self, tid: Tid) -> (bool, Option<Nanos>) {
        let t = self.work.kernel.thread(tid);
        let machine = &self.work.kernel.machine;
        match self.doing(tid) {
            Doing::Sleeps(until) => return (true, Some(until.since(self.now))),
            Doing::WaitsForLock(..) => return (true, None),
            Doing::WaitsForItem(_)
            | Doing::WaitsForRoom(_)
            | Doing::WaitsForChildren(..)
            | Doing::NotStarted => return (false, None),
            _ => {}
        }
        let coming = match (t.phase, t.script.front()) {
            (Phase::Detached(Outside::Native(time)), act) => {
                time + self.work.kernel.to_release(act)
            }
            (_, Some(Act::Run(time))) => *time,
            (_, Some(Act::Outside(Outside::Native(time)))) => {
                *time + self.work.kernel.to_release(t.script.get(1))
            }
            (_, act) => self.work.kernel.to_release(act),
        };
        let left = machine.left(tid) + t.rest + coming;
        let timed =
            (self.last_instr(t)).is_some_and(|i| i.work().is_some() || i.accesses().is_some());
        let begun = left > Nanos::ZERO && machine.run_cause(tid) == Cause::Running && timed;
        (begun, begun.then_some(left))
    }
}
