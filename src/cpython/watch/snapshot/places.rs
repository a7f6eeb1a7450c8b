//! Finds where each task is.

use super::{SnapshotIndex, TaskLocation, TaskState};
use crate::cpython::index::{CopyIndex, LockNumber, QueueIndex};
use crate::cpython::kernel::Act;
use crate::cpython::kernel::On;
use crate::cpython::program::Instr;
use crate::cpython::role::ThreadRole;
use crate::cpython::work::Handle;
use crate::cpython::work::{Frame, Message, Task, TaskKey, Transfer};
use crate::engine::Nanos;

/// Places of the snapshot's tasks; `None` where none has been found yet. Lists and queues are looked through first.
type Places = Vec<Option<TaskLocation>>;

impl SnapshotIndex<'_, '_> {
    pub(crate) fn tasks(&self) -> Vec<TaskState> {
        let mut places: Places = vec![None; self.tasks.len()];
        self.in_threads(&mut places);
        self.in_arrivals(&mut places);
        self.in_pools(&mut places);
        self.in_process_pools(&mut places);
        self.on_loops(&mut places);
        self.in_waits(&mut places);
        let work = self.work;
        places
            .into_iter()
            .zip(&self.tasks)
            .map(|(place, &key)| {
                let task = &work.tasks[key];
                let place = place.unwrap_or(TaskLocation::Underway);
                let (begun, left) = self.progress(task, &place);
                TaskState {
                    name: work.task_name(task),
                    class: self.class_name(key),
                    parent: task.parent.and_then(|p| self.task(p)),
                    process: work
                        .copies
                        .get(task.copy)
                        .and_then(|c| self.process(c.home.process)),
                    arrived: task.arrival,
                    step: self.step(task, begun, left),
                    since: self.there_since(task, &place),
                    place,
                    holds: self.holds(task),
                    deadline: work.deadline(key),
                }
            })
            .collect()
    }

    fn class_name(&self, key: TaskKey) -> String {
        let mut top = key;
        while let Some(parent) = self.work.tasks[top].parent {
            top = parent;
        }
        let class = self.work.tasks[top].submitted_as;
        self.work.kernel.program.classes[class].name.clone()
    }

    fn holds(&self, task: &Task) -> Vec<String> {
        let mut held: Vec<String> = task
            .frames
            .iter()
            .filter_map(|f| match f {
                // The task's blocks include the lock that it still waits for.
                Frame::Lock(index) => {
                    let owner = self.work.kernel.locks[*index].owner()?;
                    let mine = self.work.kernel.thread(owner).task;
                    let mine = mine.map(|k| self.work.tasks[k].number);
                    (mine == Some(task.number)).then(|| self.lock_name(*index))
                }
                Frame::LoopLock(lock) => {
                    let waits = task.wait.is_some_and(|w| w.on == On::AwaitedLock(*lock));
                    (!waits).then(|| self.work.kernel.program.locks[*lock].name.clone())
                }
                _ => None,
            })
            .collect();
        held.dedup();
        held
    }

    /// Whether the task's step has begun, and what is left of it.
    fn progress(&self, task: &Task, place: &TaskLocation) -> (bool, Option<Nanos>) {
        match place {
            TaskLocation::Thread(thread) => self.left(self.threads[*thread]),
            TaskLocation::Sleeps(until) => (true, Some(until.since(self.now))),
            TaskLocation::LoopLock(..) | TaskLocation::Transfers(..) => (true, None),
            TaskLocation::Resource(_) if task.wait.is_some_and(|w| w.on.is_device()) => {
                (true, None)
            }
            TaskLocation::Children(..) if task.need.is_some() => (true, None),
            TaskLocation::Children(..) => {
                let code = &self.work.kernel.program.classes[task.class].code;
                let at = task.pc.checked_sub(1).map(|i| code[i as usize]);
                (at.and_then(Instr::children).is_some(), None)
            }
            // A call has begun once it is handed over, whoever has it.
            _ => {
                let code = &self.work.kernel.program.classes[task.class].code;
                let at = task.pc.checked_sub(1).map(|i| code[i as usize]);
                (
                    task.call().is_some() && at.is_some_and(Instr::enters_call),
                    None,
                )
            }
        }
    }

    fn there_since(&self, task: &Task, place: &TaskLocation) -> Nanos {
        let since = match place {
            TaskLocation::Thread(thread) => Some(self.since(self.threads[*thread])),
            TaskLocation::Sleeps(until) if *until <= self.now => Some(*until),
            TaskLocation::Sleeps(_) => task.wait.map(|w| w.since),
            _ => None,
        };
        since.unwrap_or(task.since).min(self.now)
    }

    /// Number of a task's children in all, whether they are over or not.
    pub(crate) fn children_of(&self, task: &Task) -> u64 {
        let code = &self.work.kernel.program.classes[task.class].code;
        let count = |at: Option<u32>| code.get(at? as usize)?.children();
        // A thread executes the step again when it wakes, and so does whoever needs some only; otherwise a loop has gone past the step.
        count(Some(task.pc))
            .filter(|_| task.joiner.is_some() || task.need.is_some())
            .or_else(|| count(task.pc.checked_sub(1)))
            .unwrap_or(task.children)
            .max(task.children)
    }

    fn put(&self, places: &mut Places, key: TaskKey, place: TaskLocation) {
        if let Some(i) = self.task(key)
            && places[i].is_none()
        {
            places[i] = Some(place);
        }
    }

    /// Puts the tasks of a message, the first of which is `first`, at their places.
    fn put_chunk(
        &self,
        places: &mut Places,
        first: TaskKey,
        place: impl Fn(usize) -> TaskLocation,
    ) {
        let mut next = Some(first);
        let mut n = 0;
        while let Some(key) = next {
            self.put(places, key, place(n));
            next = self.work.tasks[key].next;
            n += 1;
        }
    }

    fn in_threads(&self, places: &mut Places) {
        for (i, &tid) in self.threads.iter().enumerate() {
            let t = self.work.kernel.thread(tid);
            if let Some(key) = t.task {
                self.put(places, key, TaskLocation::Thread(i));
                if let Some(next) = self.work.tasks[key].next {
                    self.put_chunk(places, next, |n| TaskLocation::Chunk(i, n + 1));
                }
            }
            for act in &t.script {
                if let Act::Do(action) = act
                    && let Some(key) = action.task()
                {
                    self.put(places, key, TaskLocation::HandingOver(i));
                }
            }
            if let Some(first) = t.handed {
                self.put_chunk(places, first, |n| match t.role {
                    ThreadRole::Feeder(_) => TaskLocation::BeingSent(i),
                    ThreadRole::Manager(..) => TaskLocation::ResultRead(i),
                    ThreadRole::ProcessWorker(..) => TaskLocation::ResultSent(i),
                    _ if n == 0 => TaskLocation::HandedTo(i),
                    _ => TaskLocation::Chunk(i, n),
                });
            }
        }
    }

    fn in_arrivals(&self, places: &mut Places) {
        for socket in &self.work.arrivals.sockets {
            for (n, &key) in socket.queued.iter().enumerate() {
                self.put(places, key, TaskLocation::Accept(n + 1));
            }
        }
        for (message, at) in self.work.cluster.on_their_way() {
            let (key, place) = match message {
                Message::Request(key) => (key, TaskLocation::RequestOnItsWay(at)),
                Message::Answer(key) => (key, TaskLocation::AnswerOnItsWay(at)),
            };
            self.put(places, key, place);
        }
        for key in self.work.cluster.unanswered() {
            self.put(places, key, TaskLocation::Unanswered);
        }
        for (n, key) in self.work.cluster.in_queue().enumerate() {
            self.put(places, key, TaskLocation::Broker(n + 1));
        }
        let sockets = self.work.arrivals.sockets.iter();
        let queued: usize = sockets.map(|s| s.queued.len()).sum();
        for (n, &key) in self.work.admission.held().iter().enumerate() {
            self.put(places, key, TaskLocation::Accept(queued + n + 1));
        }
        for (key, at) in self.work.listening.pending() {
            self.put(places, key, TaskLocation::Connecting(at));
        }
    }

    fn in_pools(&self, places: &mut Places) {
        for pool in &self.executors.pools {
            for (n, &key) in pool.items.iter().enumerate() {
                self.put(places, key, TaskLocation::Worker(n + 1));
            }
        }
    }

    fn in_process_pools(&self, places: &mut Places) {
        for pool in &self.executors.process_pools {
            // Results come first: a task that has one is in no other queue.
            let results = &self.work.kernel.pipes[pool.result_pipe];
            for (n, m) in results.messages.iter().enumerate() {
                self.put_chunk(places, m.task, |_| TaskLocation::ResultPipe(n + 1));
            }
            let calls = &self.work.kernel.pipes[pool.call_pipe];
            for (n, m) in calls.messages.iter().enumerate() {
                self.put_chunk(places, m.task, |_| TaskLocation::CallPipe(n + 1));
            }
            let sent = calls.messages.len();
            for (n, &key) in pool.calls.iter().enumerate() {
                self.put_chunk(places, key, |_| TaskLocation::CallQueue(n + 1));
            }
            let waiting = pool.backlog.iter().copied().chain(pool.incomplete());
            for (n, key) in waiting.enumerate() {
                self.put_chunk(places, key, |_| {
                    TaskLocation::Worker(sent + pool.calls.len() + n + 1)
                });
            }
        }
    }

    fn on_loops(&self, places: &mut Places) {
        for l in &self.work.loops {
            for (n, handle) in l.ready.iter().chain(&l.incoming).enumerate() {
                let key = match *handle {
                    Handle::Due(key, number) if !self.work.sleeps(key, number) => continue,
                    Handle::Deadline(..) => continue,
                    Handle::Start(key)
                    | Handle::Step(key)
                    | Handle::Due(key, _)
                    | Handle::Finished(key)
                    | Handle::ChildOver(key, _)
                    | Handle::Gathered(key) => key,
                };
                self.put(places, key, TaskLocation::Loop(n + 1));
            }
            for (n, key) in l.permits.iter().flat_map(|p| p.line().iter()).enumerate() {
                self.put(places, key, TaskLocation::Limit(n + 1));
            }
        }
        for copy in self.work.loops.keys() {
            for (lock, spec) in self.work.kernel.program.locks.iter_enumerated() {
                let l = self.work.awaited(copy, lock);
                let holder = self.loop_lock_holder(copy, lock);
                for (n, key) in l.line().iter().enumerate() {
                    let place = TaskLocation::LoopLock(spec.name.clone(), holder, n + 1);
                    self.put(places, key, place);
                }
            }
        }
    }

    /// The task that holds an `asyncio.Lock`.
    pub(crate) fn loop_lock_holder(&self, copy: CopyIndex, lock: LockNumber) -> Option<usize> {
        self.task(self.work.awaited(copy, lock).owner()?)
    }

    /// Finds the places of tasks that are in no list, from what they wait for.
    fn in_waits(&self, places: &mut Places) {
        let queue = |q: QueueIndex| self.work.kernel.program.queues[q].name.clone();
        for (&key, place) in self.tasks.iter().zip(places) {
            let task = &self.work.tasks[key];
            let Some(wait) = task.wait.filter(|_| place.is_none()) else {
                continue;
            };
            *place = match wait.on {
                On::Timer => Some(TaskLocation::Sleeps(wait.until)),
                On::Resource(r) if wait.ticket.is_some() => Some(TaskLocation::Resource(
                    self.work.resource_name(r).to_owned(),
                )),
                On::Token(r) => Some(TaskLocation::Resource(
                    self.work.resource_name(r).to_owned(),
                )),
                On::Device(device) => {
                    let name = self.device_name(device);
                    Some(match self.work.transfer(device, key) {
                        Transfer::Served(others) => TaskLocation::Transfers(name, others),
                        Transfer::InLine => TaskLocation::Resource(name),
                    })
                }
                On::Item(q) if wait.ticket.is_some() => Some(TaskLocation::Item(queue(q))),
                On::Room(q) if wait.ticket.is_some() => Some(TaskLocation::Room(queue(q))),
                On::Children => Some(TaskLocation::Children(
                    task.children,
                    self.children_of(task),
                )),
                _ => None,
            };
        }
    }
}
