//! Accounts of time: to which task and cause the time is booked that threads spend for tasks, and that tasks wait while no thread stands
//! for them.

use super::Work;
use super::task::{CHILD_MASK, Frame};
use crate::cpython::index::{ClassIndex, TaskKey};
use crate::cpython::record::recording::TaskRecord;
use crate::engine::{Nanos, Total};
use crate::machine::{Cause, Tid};

/// Total time of the tasks of a class.
#[derive(Clone, Copy, Default)]
pub(crate) struct ClassTime {
    /// Time from arrival to end.
    all: Total,
    /// Part of that time in which the tasks waited for their turn ([`Program::turn`](crate::cpython::Program::turn)).
    queued: Total,
}

impl Work<'_> {
    /// Books a stretch of a task's time in which no thread stood for it.
    #[inline]
    pub(crate) fn book(&mut self, key: TaskKey, cause: Cause, from: Nanos, to: Nanos) {
        if self.tasks[key].counted {
            self.kernel.machine.add_time(cause, to.since(from));
        } else if self.tasks[key].child_counts {
            self.kernel.machine.add_childs_time(cause, to.since(from));
        }
        if self.turn == Some(cause) && !self.tasks[key].abandoned {
            self.queued(key, to.since(from));
        }
        self.waited(key, cause, from, to);
    }

    /// Books the time for which a task has waited for the worker that takes it now. Until the worker had booted, the task waited for its
    /// start.
    pub(crate) fn book_wait(&mut self, worker: Tid, key: TaskKey, cause: Cause) {
        self.book_wait_until(worker, key, cause, self.kernel.machine.now());
    }

    /// Books the time for which a task has waited for a worker, up to the instant `now`.
    pub(crate) fn book_wait_until(&mut self, worker: Tid, key: TaskKey, cause: Cause, now: Nanos) {
        let since = self.tasks[key].since;
        let ready = self.kernel.threads[worker].up.min(now).max(since);
        self.book(key, Cause::Startup, since, ready);
        self.book(key, cause, ready, now);
        self.tasks[key].since = now;
    }

    /// Total time of the tasks of a class, from arrival to end.
    pub(crate) fn time_of(&self, class: ClassIndex) -> Total {
        self.class_times[class].all
    }

    /// Notes which task the thread executes from now on, if any.
    #[inline]
    pub(crate) fn runs(&mut self, tid: Tid, task: Option<TaskKey>) {
        let thread = &mut self.kernel.threads[tid];
        thread.task = task;
        if let Some(key) = task {
            thread.class = self.tasks[key].submitted_as;
        }
    }

    /// Books the thread's time to this task from now on, or to nobody.
    #[inline]
    pub(crate) fn attribute_time(&mut self, tid: Tid, task: Option<TaskKey>, cause: Cause) {
        self.count_for(tid, task, task.is_some(), cause);
    }

    /// Books the thread's time to this task from now on if `counted`; otherwise it only shows in a recording.
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

    /// Whether the task's present time is that of a child of a counted task: the task is such a child, or its thread is executing one
    /// inline for it.
    fn childs_time(&self, key: TaskKey) -> bool {
        let task = &self.tasks[key];
        let inline = |f: &Frame| matches!(f, Frame::Inline { .. });
        task.child_counts || task.counted && task.frames.iter().any(inline)
    }

    /// Updates the booking of a running thread that begins, or has ended, a child inline.
    pub(crate) fn childs_turn(&mut self, tid: Tid, key: TaskKey) {
        let childs = self.childs_time(key);
        self.kernel.machine.count_childs(tid, childs);
    }

    /// Records that a running thread, whose time is booked to nobody, hands this task over from now on, or (`None`) has done so.
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

    /// Records a new task.
    #[inline]
    pub(crate) fn task_begins(&mut self, key: TaskKey) {
        if self.kernel.recorder.is_some() {
            self.record_task(key);
        }
    }

    /// Whether a task is a child, or a child's child, of one that nobody waits for any more.
    fn is_for_nobody(&self, key: TaskKey) -> bool {
        let mut line = std::iter::successors(Some(key), |&k| self.tasks[k].parent);
        line.any(|k| self.tasks[k].gone || self.tasks[k].abandoned)
    }

    #[cold]
    fn record_task(&mut self, key: TaskKey) {
        let now = self.kernel.machine.now();
        let task = &self.tasks[key];
        let wanted = self
            .kernel
            .machine
            .tape()
            .is_some_and(|t| t.records_after(task.arrival.max(now)))
            && !self.is_for_nobody(key);
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

    /// Books the time for which a task has waited until now, while no thread stood for it.
    pub(super) fn book_until_now(&mut self, key: TaskKey, cause: Cause) {
        let (since, now) = (self.tasks[key].since, self.kernel.machine.now());
        self.book(key, cause, since, now);
        self.tasks[key].since = now;
    }

    /// Takes back what was booked ahead of a wait that ends now rather than at `to`.
    pub(super) fn unbook(&mut self, key: TaskKey, cause: Cause, now: Nanos, to: Nanos) {
        if to <= now {
            return;
        }
        let task = &mut self.tasks[key];
        task.since = now;
        if task.counted {
            self.kernel.machine.take_time_back(cause, to.since(now));
        } else if task.child_counts {
            self.kernel
                .machine
                .take_childs_time_back(cause, to.since(now));
        }
        if let Some(r) = &mut self.kernel.recorder {
            r.waits_until(key, cause, now);
        }
    }

    /// Records a stretch in which a task waited and no thread stood for it.
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

    /// Adds to the time of the task's class that has been spent from arrival to end.
    #[inline]
    pub(crate) fn spent(&mut self, key: TaskKey, time: Nanos) {
        let class = self.tasks[key].submitted_as;
        self.class_times[class].all += time;
    }

    /// Adds to the time for which tasks of the class have waited for their turn.
    #[inline]
    pub(crate) fn queued(&mut self, key: TaskKey, time: Nanos) {
        let class = self.tasks[key].submitted_as;
        self.class_times[class].queued += time;
    }

    /// Time of the tasks of a class without the wait for their turn. Shares of this time do not depend on how large the batch is.
    pub(crate) fn time_in_turn_of(&self, class: ClassIndex) -> Total {
        let c = &self.class_times[class];
        Total(c.all.0.saturating_sub(c.queued.0))
    }

    /// Adds the time so far of all tasks in flight; called once, at the end of the run.
    pub(crate) fn settle_in_flight(&mut self) {
        let now = self.kernel.machine.now();
        let alive: Vec<(TaskKey, Nanos, bool)> = self
            .tasks
            .iter()
            .filter(|(_, task)| !task.abandoned)
            .map(|(key, task)| {
                let begun = task.pc > 0 || !task.frames.is_empty();
                (key, now.since(task.arrival), begun)
            })
            .collect();
        for (key, time, begun) in alive {
            self.spent(key, time);
            self.cut_token_wait(key);
            if self.turn.is_some() && !begun {
                self.queued(key, time);
            }
        }
    }
}
