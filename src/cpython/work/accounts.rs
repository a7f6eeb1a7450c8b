//! Whose time it is: what threads spend for a task, and what it waits where no thread stands for it.

use super::Work;
use super::task::{CHILD_MASK, Frame};
use crate::cpython::index::{ClassIndex, TaskKey};
use crate::cpython::record::recording::TaskRecord;
use crate::engine::{Nanos, Total};
use crate::machine::{Cause, Tid};

/// Time of the tasks of a class.
#[derive(Clone, Copy, Default)]
pub(crate) struct ClassTime {
    /// From arrival to end.
    all: Total,
    /// How much of that they waited for their turn ([`Program::turn`](crate::cpython::Program::turn)).
    queued: Total,
}

impl Work<'_> {
    /// Time of a task during which no thread stood for it.
    #[inline]
    pub(crate) fn book(&mut self, key: TaskKey, cause: Cause, from: Nanos, to: Nanos) {
        if self.tasks[key].counted {
            self.kernel.machine.add_time(cause, to.since(from));
        } else if self.tasks[key].child_counts {
            self.kernel.machine.add_childs_time(cause, to.since(from));
        }
        if self.turn == Some(cause) {
            self.queued(key, to.since(from));
        }
        self.waited(key, cause, from, to);
    }

    /// Books a task's waiting for the worker that takes it now: until the worker was up it waited for its start.
    pub(crate) fn book_wait(&mut self, worker: Tid, key: TaskKey, cause: Cause) {
        self.book_wait_until(worker, key, cause, self.kernel.machine.now());
    }

    /// The same, but only up to this instant.
    pub(crate) fn book_wait_until(&mut self, worker: Tid, key: TaskKey, cause: Cause, now: Nanos) {
        let since = self.tasks[key].since;
        let ready = self.kernel.threads[worker].up.min(now).max(since);
        self.book(key, Cause::Startup, since, ready);
        self.book(key, cause, ready, now);
        self.tasks[key].since = now;
    }

    /// What tasks of the class have spent in all.
    pub(crate) fn time_of(&self, class: ClassIndex) -> Total {
        self.class_times[class].all
    }

    /// The thread runs this task from now on, or none.
    #[inline]
    pub(crate) fn runs(&mut self, tid: Tid, task: Option<TaskKey>) {
        let thread = &mut self.kernel.threads[tid];
        thread.task = task;
        if let Some(key) = task {
            thread.class = self.tasks[key].submitted_as;
        }
    }

    /// The thread's time is this task's from now on, or nobody's.
    #[inline]
    pub(crate) fn attribute_time(&mut self, tid: Tid, task: Option<TaskKey>, cause: Cause) {
        self.count_for(tid, task, task.is_some(), cause);
    }

    /// The same, where the time may not be the task's.
    #[inline]
    pub(crate) fn count_for(
        &mut self,
        tid: Tid,
        task: Option<TaskKey>,
        counted: bool,
        cause: Cause,
    ) {
        let its_own = task.filter(|_| counted);
        let counted = its_own.is_some_and(|key| self.tasks[key].counted);
        let childs =
            self.kernel.program.has_children() && its_own.is_some_and(|key| self.childs_time(key));
        self.kernel.book_for(tid, task, (counted, childs), cause);
    }

    /// Whether the time of this task, as it stands, is that of a child of a task that counts: it is one itself, or its thread is just
    /// running one for it.
    fn childs_time(&self, key: TaskKey) -> bool {
        let task = &self.tasks[key];
        let inline = |f: &Frame| matches!(f, Frame::Inline { .. });
        task.child_counts || task.counted && task.frames.iter().any(inline)
    }

    /// The running thread begins a child in a task's stead, or has ended one.
    pub(crate) fn childs_turn(&mut self, tid: Tid, key: TaskKey) {
        let childs = self.childs_time(key);
        self.kernel.machine.count_childs(tid, childs);
    }

    /// The running thread, whose time is nobody's, hands this task over from now on, or has done so.
    #[inline]
    pub(crate) fn work_on(&mut self, tid: Tid, task: Option<TaskKey>) {
        if self.kernel.recorder.is_some() {
            let cause = if task.is_some() {
                Cause::Ipc
            } else {
                Cause::Running
            };
            self.count_for(tid, task, false, cause);
        }
    }

    /// A task has come into being.
    #[inline]
    pub(crate) fn task_begins(&mut self, key: TaskKey) {
        if self.kernel.recorder.is_some() {
            self.record_task(key);
        }
    }

    #[cold]
    fn record_task(&mut self, key: TaskKey) {
        let now = self.kernel.machine.now();
        let task = &self.tasks[key];
        let wanted = self
            .kernel
            .machine
            .tape()
            .is_some_and(|t| t.records_after(task.arrival.max(now)));
        let record = wanted.then(|| TaskRecord {
            number: match task.parent {
                Some(_) => task.number & CHILD_MASK,
                None => task.number,
            },
            class: self.kernel.program.classes[task.class].name.clone(),
            parent: None,
            arrived: task.arrival,
            hops: Vec::new(),
            ended: None,
        });
        let parent = task.parent;
        if let Some(r) = &mut self.kernel.recorder {
            r.task_begins(key, parent, record);
        }
    }

    /// A stretch in which a task waited and no thread stood for it.
    #[inline]
    pub(crate) fn waited(&mut self, key: TaskKey, cause: Cause, from: Nanos, to: Nanos) {
        if let Some(r) = &mut self.kernel.recorder {
            let now = self.kernel.machine.now();
            let machine = &mut self.kernel.machine;
            r.waited(key, cause, self.tasks[key].counted, || {
                machine.tape()?.admit(from, to, now)
            });
        }
    }

    /// A task has been there for so long.
    #[inline]
    pub(crate) fn spent(&mut self, key: TaskKey, time: Nanos) {
        let class = self.tasks[key].submitted_as;
        self.class_times[class].all += time;
    }

    /// A task has waited for its turn so long.
    #[inline]
    pub(crate) fn queued(&mut self, key: TaskKey, time: Nanos) {
        let class = self.tasks[key].submitted_as;
        self.class_times[class].queued += time;
    }

    /// What tasks of the class have spent once it was their turn: the share of it that goes into something is the same however large the
    /// batch is.
    pub(crate) fn time_in_turn_of(&self, class: ClassIndex) -> Total {
        let c = &self.class_times[class];
        Total(c.all.0.saturating_sub(c.queued.0))
    }

    /// Tasks that are not over have been there until now. Once, at the end.
    pub(crate) fn settle_in_flight(&mut self) {
        let now = self.kernel.machine.now();
        let alive: Vec<(TaskKey, Nanos, bool)> = self
            .tasks
            .iter()
            .map(|(key, task)| {
                let begun = task.pc > 0 || !task.frames.is_empty();
                (key, now.since(task.arrival), begun)
            })
            .collect();
        for (key, time, begun) in alive {
            self.spent(key, time);
            if self.turn.is_some() && !begun {
                self.queued(key, time);
            }
        }
    }
}
