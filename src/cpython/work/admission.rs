//! Admission control: which of the tasks from outside are let in, and which are turned away, on arrival or when somebody takes them up.
//!
//! A process's own limit is looked at by its main thread when it takes a task in: what it turns away has cost it what a task without steps costs
//! (uvicorn's `limit_concurrency` answers 503 from a task of its own). The limit of somebody before all processes costs them nothing.

use std::collections::VecDeque;

use typed_index_collections::TiVec;

use super::task::{FutureState, GivenUp};
use super::wait::Waiter;
use super::{Asked, Work};
use crate::cpython::index::{ClassIndex, CopyIndex, TaskKey};
use crate::cpython::kernel::{On, Wait};
use crate::cpython::program::Executor;
use crate::cpython::record::recording::TaskEnd;
use crate::engine::Nanos;
use crate::machine::Cause;
use crate::scenario::{Admission, Overflow, Scope};
use crate::sync::{StandingQueue, WaitQueue};

/// Those who come in by one door: of all copies or, where the limit is each process's own, of one.
#[derive(Default)]
struct Door {
    /// How many are let in and not over.
    inside: u64,
    /// Those that nobody has taken up, and that can be told to leave, first come first.
    line: WaitQueue<TaskKey>,
    /// What the waits of those that were taken up say.
    queue: StandingQueue,
}

/// The doors of a program, and those who stand before them.
#[derive(Default)]
pub(crate) struct AdmissionControl {
    doors: Vec<Door>,
    /// Those who wait to be let in, first come first.
    held: VecDeque<TaskKey>,
    /// How many requests have ended of each class that counts, and how many of these were turned away.
    ended: TiVec<ClassIndex, Asked>,
}

impl AdmissionControl {
    /// The tasks that wait to be let in, first come first.
    pub(crate) fn held(&self) -> &VecDeque<TaskKey> {
        &self.held
    }

    /// Of each class of tasks, how many of those that count have ended, and how many were turned away.
    pub(crate) fn ended(&self) -> impl Iterator<Item = (ClassIndex, Asked)> + '_ {
        self.ended
            .iter_enumerated()
            .map(|(class, &asked)| (class, asked))
    }
}

impl Work<'_> {
    fn door(&mut self, copy: CopyIndex) -> &mut Door {
        let index = match self.kernel.program.admission.map(|a| a.per) {
            Some(Scope::Everywhere) | None => 0,
            Some(Scope::Process | Scope::Loop | Scope::Node) => usize::from(copy),
        };
        let doors = &mut self.admission.doors;
        if doors.len() <= index {
            doors.resize_with(index + 1, Door::default);
        }
        &mut doors[index]
    }

    /// The limit on tasks that are let in at once, and what becomes of others, where it is this one's.
    #[inline]
    fn limit_of(&self, per: Scope) -> Option<(u64, Overflow)> {
        let admission: &Option<Admission> = &self.kernel.program.admission;
        let a = admission.as_ref().filter(|a| a.per == per)?;
        Some((a.limit?, a.full))
    }

    /// Most tasks that each copy takes in before it waits for one to end.
    #[inline]
    pub(super) fn pushes_back_at(&self) -> u64 {
        match self.limit_of(Scope::Process) {
            Some((limit, Overflow::Wait)) => limit,
            Some((_, Overflow::Reject | Overflow::DropOldest)) | None => u64::MAX,
        }
    }

    /// A task arrives from outside: somebody before all processes lets it in, or does not.
    #[inline]
    pub(super) fn comes(&mut self, key: TaskKey) {
        let Some((limit, full)) = self.limit_of(Scope::Everywhere) else {
            self.routes(key);
            return;
        };
        let copy = self.tasks[key].copy;
        let room = self.door(copy).inside < limit;
        match full {
            Overflow::Wait if !room => self.admission.held.push_back(key),
            Overflow::DropOldest if !room && !self.drops_oldest(copy) => self.turns_away(key),
            Overflow::Reject if !room => self.turns_away(key),
            Overflow::Wait | Overflow::Reject | Overflow::DropOldest => {
                self.lets_in(key);
                self.routes(key);
            }
        }
    }

    /// A task that counts has ended, as this one of its class.
    #[inline]
    pub(super) fn has_ended(&mut self, class: ClassIndex, ending: TaskEnd) {
        if self.admits {
            let ended = &mut self.admission.ended;
            if ended.len() <= usize::from(class) {
                ended.resize(usize::from(class) + 1, Asked::default());
            }
            ended[class].times += 1;
            ended[class].rejected += u64::from(ending == TaskEnd::Rejected);
        }
    }

    /// Notes that a task is in.
    fn lets_in(&mut self, key: TaskKey) {
        let copy = self.tasks[key].copy;
        self.door(copy).inside += 1;
        self.tasks[key].admitted = true;
    }

    /// A task that is in waits to be taken up, and may be told to leave before that.
    #[inline]
    pub(super) fn stands_in_line(&mut self, key: TaskKey, per: Scope) {
        if let Some((_, Overflow::DropOldest)) = self.limit_of(per) {
            let copy = self.tasks[key].copy;
            let ticket = self.door(copy).line.join(key);
            self.tasks[key].line = Some(ticket);
        }
    }

    #[inline]
    pub(super) fn leaves_line(&mut self, key: TaskKey) {
        if let Some(ticket) = self.tasks[key].line.take() {
            let copy = self.tasks[key].copy;
            self.door(copy).line.forget(ticket);
        }
    }

    /// The main thread of a copy takes a task in: whether the process's own limit lets it in. Otherwise it is over.
    pub(super) fn takes_in(&mut self, copy: CopyIndex, key: TaskKey) -> bool {
        if self.kernel.program.admission.is_none() {
            return true;
        }
        let can_leave = self.can_leave_after_submission();
        if let Some((limit, full)) = self.limit_of(Scope::Process)
            && full != Overflow::Wait
        {
            let room = self.door(copy).inside < limit;
            if !room && (full == Overflow::Reject || !self.drops_oldest(copy)) {
                self.answers_that_it_is_full(copy, key);
                return false;
            }
            self.lets_in(key);
            if can_leave {
                self.stands_in_line(key, Scope::Process);
            }
        }
        if !can_leave {
            self.leaves_line(key);
        }
        true
    }

    /// Whether a task that is taken in can be told to leave until it begins: the future of an executor that can be cancelled, or a task of a loop. A thread of
    /// its own has begun, and `multiprocessing.Pool` takes nothing back.
    fn can_leave_after_submission(&self) -> bool {
        let layout = &self.kernel.program.layout;
        match layout.executor {
            _ if layout.event_loop => true,
            Executor::Threads(_) | Executor::Interpreters(_) | Executor::Processes(..) => true,
            Executor::Inline | Executor::RawThreads | Executor::MpPool(..) => false,
        }
    }

    /// The main thread of a copy, which is full, answers a task.
    fn answers_that_it_is_full(&mut self, copy: CopyIndex, key: TaskKey) {
        let main = self.copies[copy].main;
        let costs = &self.kernel.costs;
        let (own, cause) = if self.kernel.program.layout.event_loop {
            let task = costs.aio_task_create + costs.aio_step + costs.aio_task_done;
            (task, Cause::Loop)
        } else {
            (Nanos::ZERO, Cause::Pool)
        };
        let cost = own + self.dispatch_cost();
        self.kernel.machine.charge(main, cost);
        self.ends_rejected(key, cause);
        self.task_ended(key);
    }

    /// A task that no copy has is turned away.
    fn turns_away(&mut self, key: TaskKey) {
        self.ends_rejected(key, Cause::Pool);
        self.ends_outside(key);
        self.nudge_all_if_over();
    }

    /// Notes that a task that waits until now, and for which no thread stands, is rejected.
    fn ends_rejected(&mut self, key: TaskKey, cause: Cause) {
        // Users who do not think may come again at once: they have to meet the event limit, too.
        self.kernel.events += 1;
        let (now, since) = (self.kernel.machine.now(), self.tasks[key].since);
        if since < now {
            self.book(key, cause, since, now);
        }
        let task = &mut self.tasks[key];
        (task.since, task.ending) = (now, TaskEnd::Rejected);
    }

    /// The one that has waited longest, of those that nobody has taken up, gives its place up. Returns whether there was one.
    fn drops_oldest(&mut self, copy: CopyIndex) -> bool {
        while let Some(key) = self.door(copy).line.call_next() {
            self.tasks[key].line = None;
            let node = self.tasks[key].node;
            let accepted = (self.arrivals.sockets[node].queued.iter()).position(|&k| k == key);
            if accepted.is_none() && self.tasks[key].future != FutureState::Pending {
                continue; // It is on its way to a worker.
            }
            self.is_out(key);
            if let Some(at) = accepted {
                self.arrivals.sockets[node].queued.remove(at);
                self.turns_away(key);
            } else if self.kernel.program.layout.event_loop {
                self.cancels_on_loop(key);
            } else {
                self.cancels_future(key);
            }
            return true;
        }
        false
    }

    /// `Future.cancel`: its executor finds it cancelled when it comes to it.
    fn cancels_future(&mut self, key: TaskKey) {
        let rejected = self.tasks.part_from_call(key, GivenUp::Part);
        if let Some(r) = &mut self.kernel.recorder {
            r.task_moves(key, rejected);
        }
        self.clients.moves(&self.tasks[rejected], rejected);
        self.ends_rejected(rejected, Cause::Pool);
        self.task_ended(rejected);
    }

    /// `Task.cancel` of a task that has not begun: it ends in the loop's next iteration, or when its turn comes there.
    fn cancels_on_loop(&mut self, key: TaskKey) {
        let Some(Wait { on, ticket, .. }) = self.tasks[key].wait else {
            self.begins_as_rejected(key);
            return;
        };
        let (copy, now) = (self.tasks[key].copy, self.kernel.machine.now());
        if let (On::Permit, Some(ticket)) = (on, ticket) {
            if let Some(permits) = &mut self.loops[copy].permits {
                permits.forget(ticket);
            }
            self.end_wait(Waiter::Task(key));
            let since = self.tasks[key].since;
            self.book(key, Cause::Limit, since, now);
            self.tasks[key].since = now;
            let main = self.loops[copy].tid;
            self.loop_hears(copy, key);
            self.kernel.unpark(main);
        }
        self.begins_as_rejected(key);
    }

    /// A task begins only to find that it is rejected.
    fn begins_as_rejected(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key];
        task.ending = TaskEnd::Rejected;
        let end = self.kernel.program.classes[task.class].code.len() - 1;
        task.pc = u32::try_from(end).expect("short programs");
    }

    /// Somebody takes a task up, which has waited until now; it may have waited for too long.
    #[cold]
    pub(super) fn is_taken_up(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key];
        task.taken = true;
        if task.is_child() || task.abandoned || !self.arrivals_from_outside() {
            return;
        }
        self.leaves_line(key);
        let Some(shed) = self.kernel.program.admission.and_then(|a| a.shed) else {
            return;
        };
        let task = &self.tasks[key];
        if task.ending == TaskEnd::Rejected {
            return;
        }
        let (copy, now) = (task.copy, self.kernel.machine.now());
        let waited = now.since(task.arrival);
        let queue = &mut self.door(copy).queue;
        if queue.rejects(now.0, waited.0, shed.target.0, shed.interval.0) {
            self.begins_as_rejected(key);
        }
    }

    /// A process has done with a task, which is not over for who stands before all machines.
    #[inline]
    pub(super) fn leaves_process(&mut self, key: TaskKey) {
        match self.kernel.program.admission.map(|a| a.per) {
            Some(Scope::Everywhere) => self.leaves_line(key),
            Some(Scope::Process | Scope::Loop | Scope::Node) | None => self.is_out(key),
        }
    }

    /// A task is over, or has given its place up.
    #[inline]
    pub(super) fn is_out(&mut self, key: TaskKey) {
        if self.kernel.program.admission.is_none() {
            return;
        }
        self.leaves_line(key);
        if !std::mem::take(&mut self.tasks[key].admitted) {
            return;
        }
        let copy = self.tasks[key].copy;
        self.door(copy).inside -= 1;
        if let Some(next) = self.admission.held.pop_front() {
            self.lets_in(next);
            self.routes(next);
        }
    }
}
