//! Transfers: tasks that use devices, each of which is one for all processes, or one on each machine.
//!
//! A transfer waits as a wait for something outside does: a coroutine is suspended until its loop's `select` finds that there is something to read, a thread
//! blocks without the GIL. When it ends, nobody pays for waking it. The time that it would have taken alone is I/O; what it took longer, because
//! others used the device, is waiting for a resource. Which is which is known at its end, and booked then.

use super::Work;
use super::flow::{Flow, Mode};
use super::wait::Waiter;
use crate::cpython::index::{ClassIndex, DeviceIndex, DeviceNumber, NodeIndex, TaskKey};
use crate::cpython::kernel::{Act, Blocked, On};
use crate::cpython::program::{Demand, Program};
use crate::engine::{Nanos, Total};
use crate::machine::{Cause, Tid};
use crate::sync::{Device, DeviceTotals, Used};
use typed_index_collections::TiVec;

/// A task that uses a device, and who waits for it.
type User = (TaskKey, Waiter);

/// How far a transfer has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// It is served, beside so many others.
    Served(u64),
    /// It stands in line.
    InLine,
}

/// All devices, and what tasks have lost to others there.
pub(crate) struct Devices {
    all: TiVec<DeviceIndex, Device<User>>,
    /// Which device each is an instance of.
    of: TiVec<DeviceIndex, DeviceNumber>,
    /// The first instance of each device, and whether each machine has one.
    first: TiVec<DeviceNumber, (DeviceIndex, bool)>,
    /// Of each, the end of a transfer that the machine has been told of.
    announced: TiVec<DeviceIndex, Option<u64>>,
    /// When each last went down, and closed all connections to it.
    closed: TiVec<DeviceNumber, Option<Nanos>>,
    /// By device and class of tasks.
    waited: TiVec<DeviceNumber, Vec<Total>>,
}

impl Devices {
    pub(super) fn new(program: &Program) -> Self {
        let waited = vec![Total::ZERO; program.classes.len()];
        let (mut all, mut of) = (TiVec::new(), TiVec::new());
        let mut first = TiVec::new();
        for (number, device) in program.devices.iter_enumerated() {
            first.push((all.next_key(), device.per_node));
            let instances = if device.per_node { program.nodes() } else { 1 };
            for _ in 0..instances {
                all.push(Device::new(device.kind.sharing()));
                of.push(number);
            }
        }
        Self {
            announced: vec![None; all.len()].into(),
            all,
            of,
            first,
            closed: vec![None; program.devices.len()].into(),
            waited: program.devices.iter().map(|_| waited.clone()).collect(),
        }
    }

    /// Whether a connection to a device that was opened at this instant is still open.
    pub(super) fn keeps(&self, number: DeviceNumber, opened: Nanos) -> bool {
        self.closed[number].is_none_or(|at| opened >= at)
    }

    /// A device closes all connections to it.
    pub(super) fn close(&mut self, number: DeviceNumber, now: Nanos) {
        self.closed[number] = Some(now);
    }

    /// The instance of a device on a machine.
    fn on(&self, number: DeviceNumber, node: NodeIndex) -> DeviceIndex {
        let (first, per_node) = self.first[number];
        let beyond = if per_node { usize::from(node) } else { 0 };
        DeviceIndex::from(usize::from(first) + beyond)
    }

    /// The device that this is an instance of.
    pub(crate) fn number(&self, device: DeviceIndex) -> DeviceNumber {
        self.of[device]
    }

    /// What tasks of the class have lost because others used the device.
    pub(crate) fn waited(&self, device: DeviceNumber, class: ClassIndex) -> Total {
        self.waited[device][usize::from(class)]
    }

    /// What each device has done: where machines have one each, all of them together, and in use as long as they were in the mean.
    pub(crate) fn totals(&self) -> Vec<DeviceTotals> {
        let of = |number: DeviceNumber| {
            let instances = self.all.iter().zip(&self.of).filter(|(_, n)| **n == number);
            let totals: Vec<DeviceTotals> = instances.map(|(d, _)| d.totals()).collect();
            let sum = totals.iter().copied().reduce(DeviceTotals::and);
            let mut sum = sum.unwrap_or_default();
            sum.busy /= totals.len().max(1) as f64;
            sum
        };
        self.first.keys().map(of).collect()
    }

    /// Whether nobody uses any of them: what holds once all tasks have ended.
    pub(crate) fn unused(&self) -> bool {
        self.all.iter().all(|d| d.counts() == (0, 0))
    }
}

impl Work<'_> {
    /// A task comes to a transfer.
    pub(super) fn step_transfer(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        device: DeviceNumber,
        demand: Demand,
    ) -> Flow {
        if self.kernel.machine.debt(tid) > Nanos::ZERO {
            // The request goes out once what comes before it has been done.
            self.tasks[key].pc -= 1;
            self.kernel.push(tid, Act::Run(Nanos::ZERO));
            return Flow::Go;
        }
        let work = self.draw(key, demand);
        self.use_device(tid, key, mode, device, work)
    }

    /// A task uses a device, for so long if nobody else does.
    pub(super) fn use_device(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        device: DeviceNumber,
        work: Nanos,
    ) -> Flow {
        let node = self.kernel.node_of_thread(tid);
        let device = self.devices.on(device, node);
        let now = self.kernel.machine.now();
        let who = Self::waiter(tid, key, mode);
        self.devices.all[device].ask(now.0, work.0, (key, who));
        self.announce(device);
        if let Waiter::Task(_) = who {
            self.new_timer(key);
            self.kernel.machine.charge(tid, self.kernel.costs.aio_sleep);
        }
        self.wait(tid, key, mode, On::Device(device), None)
    }

    /// From now on everything at a device goes at this share of its speed.
    pub(super) fn device_goes_at(&mut self, device: DeviceNumber, pace: f64) {
        let now = self.kernel.machine.now();
        for index in self.devices.all.keys() {
            if self.devices.of[index] == device {
                self.devices.all[index].set_pace(now.0, pace);
                self.announce(index);
            }
        }
    }

    /// Announces when the next transfer of a device ends.
    fn announce(&mut self, device: DeviceIndex) {
        let at = self.devices.all[device].next_end();
        if std::mem::replace(&mut self.devices.announced[device], at) != at {
            let number = u32::try_from(usize::from(device)).expect("few devices");
            self.kernel.machine.device_at(number, at.map(Nanos));
        }
    }

    /// Transfers of a device end now.
    pub(crate) fn transfers_end(&mut self, device: u32) {
        let device = DeviceIndex::from(device as usize);
        let now = self.kernel.machine.now();
        self.devices.announced[device] = None;
        while let Some(used) = self.devices.all[device].end(now.0) {
            let (key, who) = used.who;
            self.book_transfer(device, used);
            match who {
                Waiter::Thread(tid) => {
                    self.end_wait(who);
                    self.kernel.unpark(tid);
                }
                Waiter::Task(_) => self.loop_readable(key),
            }
        }
        self.announce(device);
    }

    /// A thread's timer is due: a transfer that it waits for is given up at once.
    pub(crate) fn transfer_timed_out(&mut self, tid: Tid) {
        let thread = &self.kernel.threads[tid];
        let waits = thread.wait.filter(|_| thread.blocked == Blocked::Park);
        if let (Some(On::Device(device)), Some(key)) = (waits.map(|w| w.on), thread.task) {
            self.give_up_transfer(device, (key, Waiter::Thread(tid)));
        }
    }

    /// Ends a transfer whose user no longer waits for it; the others have his share from now on. Returns whether it was still under way.
    pub(super) fn give_up_transfer(&mut self, device: DeviceIndex, user: User) -> bool {
        let now = self.kernel.machine.now();
        let Some(used) = self.devices.all[device].give_up(now.0, user) else {
            return false;
        };
        self.book_transfer(device, used);
        self.end_wait(user.1);
        self.announce(device);
        true
    }

    /// How far the transfer of a task has come.
    pub(crate) fn transfer(&self, device: DeviceIndex, key: TaskKey) -> Transfer {
        let device = &self.devices.all[device];
        let (served, _) = device.counts();
        let mut of_task = device.users().filter(|(k, _)| *k == key);
        match of_task.next() {
            Some(user) if !device.serves(user) => Transfer::InLine,
            Some(_) | None => Transfer::Served((served as u64).saturating_sub(1)),
        }
    }

    /// Books the transfers that are under way when the run ends.
    pub(crate) fn settle_transfers(&mut self) {
        let now = self.kernel.machine.now();
        for device in self.devices.all.keys() {
            let users: Vec<User> = self.devices.all[device].users().collect();
            for user in users {
                if let Some(used) = self.devices.all[device].give_up(now.0, user) {
                    self.book_transfer(device, used);
                }
            }
        }
    }

    /// Books a transfer that is over, as far as it has come: what has been done of it is I/O, all else the others' part. Where they are
    /// served one after another, the wait comes first.
    fn book_transfer(&mut self, device: DeviceIndex, used: Used<User>) {
        let (key, who) = used.who;
        let (asked, now) = (Nanos(used.asked), self.kernel.machine.now());
        let (alone, lost) = (Nanos(used.done), now.since(asked).since(Nanos(used.done)));
        let (from, to) = if self.devices.all[device].has_line() {
            (asked, asked + lost)
        } else {
            (asked + alone, now)
        };
        match who {
            Waiter::Thread(tid) => {
                if self.kernel.threads[tid].blocked == Blocked::Park {
                    self.kernel.machine.rebook(tid, from, to, Cause::Resource);
                }
            }
            Waiter::Task(_) => {
                self.book(key, Cause::Io, asked, from);
                self.book(key, Cause::Resource, from, to);
                self.book(key, Cause::Io, to, now);
                self.tasks[key].since = now;
            }
        }
        let task = &self.tasks[key];
        if task.counted {
            let class = usize::from(task.submitted_as);
            let number = self.devices.of[device];
            self.devices.waited[number][class] += to.since(from);
        }
    }
}
