//! Describes what each thread does.

use super::{CpuWork, SnapshotIndex, ThreadActivity, ThreadState};
use crate::cpython::index::{DeviceIndex, LockIndex, QueueIndex};
use crate::cpython::kernel::{Act, Blocked, Outside, Phase, Thread};
use crate::cpython::kernel::{On, Wait};
use crate::cpython::program::{Instr, OnCore};
use crate::cpython::role::{LoopState, MainState, PoolState, ThreadRole};
use crate::cpython::work::Transfer;
use crate::engine::Nanos;
use crate::machine::{Cause, SchedState, Tid};

impl SnapshotIndex<'_, '_> {
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
                    event_loop: matches!(t.role, ThreadRole::Loop(..)),
                }
            })
            .collect()
    }

    pub(crate) fn doing(&self, tid: Tid) -> ThreadActivity {
        let machine = &self.work.kernel.machine;
        let t = self.work.kernel.thread(tid);
        match machine.state(tid) {
            SchedState::Running => {
                return ThreadActivity::Running(machine.core(tid), self.work(tid));
            }
            SchedState::Waking | SchedState::Ready => {
                return ThreadActivity::Ready(machine.core(tid));
            }
            SchedState::Blocked | SchedState::Exited => {}
        }
        match t.blocked {
            Blocked::No => ThreadActivity::NotStarted,
            Blocked::Gil => {
                let gil = self.work.kernel.gils.get(t.gil);
                ThreadActivity::WaitsForGil(gil.and_then(|g| g.holder).and_then(|h| self.thread(h)))
            }
            Blocked::Forced => ThreadActivity::ForcedSwitch,
            Blocked::World => {
                let stopper = self.work.kernel.heaps[t.domain].stopper;
                ThreadActivity::StoppedWorld(stopper.and_then(|s| self.thread(s)))
            }
            Blocked::Sleep | Blocked::Park | Blocked::Team => t
                .wait
                .map_or(ThreadActivity::Idle, |wait| self.waiting(t, wait)),
        }
    }

    pub(crate) fn since(&self, tid: Tid) -> Nanos {
        let machine = &self.work.kernel.machine;
        let t = self.work.kernel.thread(tid);
        match (machine.state(tid), t.blocked, t.wait) {
            // Since it was put on the core; what it does there changes more often.
            (SchedState::Running, ..) => machine.dispatched_at(machine.core(tid)),
            // A waiter for the GIL or a lock wakes and asks again in between: it has waited since it first asked.
            (SchedState::Blocked, Blocked::Gil, _) => t.asked.min(self.now),
            (SchedState::Blocked, Blocked::Park, Some(wait)) if matches!(wait.on, On::Lock(_)) => {
                wait.since
            }
            _ => machine.since(tid),
        }
    }

    /// What a thread that sleeps or is parked waits for.
    fn waiting(&self, t: &Thread, wait: Wait) -> ThreadActivity {
        let until = (wait.until < Nanos::MAX).then_some(wait.until);
        let queue = |q: QueueIndex| self.work.kernel.program.queues[q].name.clone();
        match wait.on {
            On::Lock(lock) => {
                let owner = self.work.kernel.locks[lock].owner();
                ThreadActivity::WaitsForLock(
                    self.lock_name(lock),
                    owner.and_then(|o| self.thread(o)),
                )
            }
            On::Outside => ThreadActivity::Sleeps(wait.until),
            On::Item(q) => ThreadActivity::WaitsForItem(queue(q)),
            On::Room(q) => ThreadActivity::WaitsForRoom(queue(q)),
            On::Resource(r) | On::Token(r) => {
                ThreadActivity::WaitsForResource(self.work.resource_name(r).to_owned())
            }
            On::Device(device) => {
                let of_task = |key| match self.work.transfer(device, key) {
                    Transfer::Served(others) => {
                        ThreadActivity::Transfers(self.device_name(device), others)
                    }
                    Transfer::InLine => ThreadActivity::WaitsForResource(self.device_name(device)),
                };
                t.task.map_or(ThreadActivity::Idle, of_task)
            }
            On::Children => t.task.map_or(ThreadActivity::Idle, |key| {
                let task = &self.work.tasks[key];
                ThreadActivity::WaitsForChildren(task.children, self.children_of(task))
            }),
            On::Start => ThreadActivity::Starts,
            On::Events => ThreadActivity::Select(until),
            On::Arrival => match t.role {
                ThreadRole::Main(copy, _)
                    if until.is_none() && !self.work.expects_arrivals(copy) =>
                {
                    ThreadActivity::WaitsForResults(self.work.copies[copy].outstanding)
                }
                _ => ThreadActivity::WaitsForArrival(until),
            },
            On::Calls => ThreadActivity::WaitsForWork("a call to send"),
            On::Request => ThreadActivity::WaitsForWork("a child to fork"),
            On::Exits => ThreadActivity::WaitsForWork("the end of a worker"),
            On::Team => ThreadActivity::WaitsForWork("the others of its native code"),
            On::Share => ThreadActivity::WaitsForWork("a call of native code"),
            On::Bytes(_) if matches!(t.role, ThreadRole::Manager(..)) => {
                ThreadActivity::WaitsForWork("a result or new work")
            }
            On::Space(_) => ThreadActivity::WaitsForPipe,
            On::ResultTurn => ThreadActivity::WaitsToWrite,
            // These are waits of tasks: the loop's thread does not wait for them.
            On::Work
            | On::CallTurn
            | On::Bytes(_)
            | On::AwaitedLock(_)
            | On::Permit
            | On::Timer
            | On::Part => ThreadActivity::Idle,
        }
    }

    /// The name of a device.
    pub(crate) fn device_name(&self, device: DeviceIndex) -> String {
        let number = self.work.devices.number(device);
        self.work.kernel.program.devices[number].name.clone()
    }

    /// The name of the lock of this index in the table of all locks.
    pub(crate) fn lock_name(&self, lock: LockIndex) -> String {
        self.work.kernel.lock_spec(lock).name.clone()
    }

    fn work(&self, tid: Tid) -> CpuWork {
        let t = self.work.kernel.thread(tid);
        let label = self.work.kernel.machine.run_cause(tid);
        let has_task = t.task.is_some();
        if self.starts_up(tid, t) {
            return CpuWork::StartingUp;
        }
        if t.phase != Phase::Go {
            let in_step = has_task && label == Cause::Running;
            let leaves_the_gil = match self.last_instr(t).and_then(Instr::work) {
                Some(OnCore::Native | OnCore::Releasing) => true,
                Some(OnCore::Bytecode) | None => false,
            };
            return if in_step && leaves_the_gil {
                CpuWork::Native
            } else {
                CpuWork::SystemCall
            };
        }
        if t.in_c {
            return match (t.role, label) {
                (ThreadRole::Manager(..), _) => CpuWork::Unpickling,
                (ThreadRole::ProcessWorker(..), Cause::Ipc) if has_task => CpuWork::Unpickling,
                (ThreadRole::Feeder(_), _) | (ThreadRole::ProcessWorker(..), Cause::Ipc) => {
                    CpuWork::Pickling
                }
                _ => CpuWork::Collecting,
            };
        }
        if !has_task || label != Cause::Running {
            return CpuWork::Bookkeeping;
        }
        let accesses = self.last_instr(t).and_then(Instr::accesses);
        match accesses.filter(|_| self.work.kernel.machine.left(tid) > Nanos::ZERO) {
            Some(object) => {
                let name = self.work.kernel.program.objects[object].name.clone();
                if self.work.kernel.machine.is_contended(tid) {
                    CpuWork::Contending(name)
                } else {
                    CpuWork::Accessing(name)
                }
            }
            None => CpuWork::Bytecode,
        }
    }

    fn last_instr(&self, t: &Thread) -> Option<Instr> {
        let task = &self.work.tasks[t.task?];
        let code = &self.work.kernel.program.classes[task.class].code;
        code.get(task.pc.checked_sub(1)? as usize).copied()
    }

    /// Whether a thread has not yet come to what it is there for.
    fn starts_up(&self, tid: Tid, t: &Thread) -> bool {
        // Start-up ends with the announcement to the starter, or with the first refill.
        let announces = t.script.iter().any(|a| matches!(a, Act::Unpark(_)));
        match t.role {
            ThreadRole::PoolWorker(_, state) | ThreadRole::InterpWorker(_, _, state) => {
                announces || state == PoolState::Booting
            }
            ThreadRole::ProcessWorker(..) => t.up == Nanos::ZERO,
            ThreadRole::Loop(_, state) => state == LoopState::Begin,
            ThreadRole::Main(_, state) => state == MainState::Begin,
            ThreadRole::ForkServer => {
                t.script.is_empty() && self.work.kernel.machine.since(tid) == Nanos::ZERO
            }
            ThreadRole::Script => true,
            ThreadRole::Raw
            | ThreadRole::Manager(..)
            | ThreadRole::Handler(_)
            | ThreadRole::Feeder(_) => announces,
            ThreadRole::Master(_) | ThreadRole::Team => false,
        }
    }

    /// Whether the step of a thread's task has begun, and what is left of what the thread does.
    pub(crate) fn left(&self, tid: Tid) -> (bool, Option<Nanos>) {
        let t = self.work.kernel.thread(tid);
        let machine = &self.work.kernel.machine;
        match self.doing(tid) {
            ThreadActivity::Sleeps(until) => return (true, Some(until.since(self.now))),
            ThreadActivity::WaitsForLock(..) | ThreadActivity::Transfers(..) => {
                return (true, None);
            }
            // In line for a device the transfer has been asked for; who waits for another resource asks again.
            ThreadActivity::WaitsForResource(_) if t.wait.is_some_and(|w| w.on.is_device()) => {
                return (true, None);
            }
            ThreadActivity::WaitsForItem(_)
            | ThreadActivity::WaitsForRoom(_)
            | ThreadActivity::WaitsForChildren(..)
            | ThreadActivity::NotStarted => return (false, None),
            _ => {}
        }
        let coming = match (t.phase, t.script.front()) {
            (Phase::Detached(Outside::Native(time) | Outside::Share(time)), act) => {
                time + self.work.kernel.to_release(act)
            }
            (_, Some(Act::Run(time))) => *time,
            (_, Some(Act::Outside(Outside::Native(time) | Outside::Team(time, _)))) => {
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
