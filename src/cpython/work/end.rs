//! Ends of tasks, as their users or their parents see them.

use super::Work;
use crate::cpython::index::TaskKey;
use crate::cpython::record::recording::TaskEnd;

impl Work<'_> {
    /// Ends a task: frees its data, books its time, counts it, and tells its user or its parent.
    pub(crate) fn task_ended(&mut self, key: TaskKey) {
        let task = &self.tasks[key];
        let (copy, request) = (task.copy, task.parent.is_none());
        if request && self.cluster.is_there() {
            self.answers(key);
            self.copy_finished_one(copy);
        } else if self.ends(key) {
            self.copy_finished_one(copy);
        }
    }

    /// Ends a task from outside that no copy of the program has, or has any more.
    pub(super) fn ends_outside(&mut self, key: TaskKey) {
        self.ends(key);
    }

    /// Ends a task; returns whether its copy has to be told, rather than its parent.
    fn ends(&mut self, key: TaskKey) -> bool {
        let now = self.kernel.machine.now();
        self.release_data(key);
        let gone = self.tasks[key].gone;
        if self.tasks[key].request.is_some() && self.tasks[key].ending == TaskEnd::Done {
            self.books_earlier_attempts(key);
        }
        if !gone && let Some(r) = &mut self.kernel.recorder {
            let task = &self.tasks[key];
            let arrival = task.parent.is_none().then_some(task.arrival);
            r.task_ends(key, arrival, task.ending, now);
        }
        self.spent(
            key,
            self.kernel.machine.now().since(self.tasks[key].arrival),
        );
        let task = &self.tasks[key];
        let (ending, parent, arrival) = (task.ending, task.parent, task.arrival);
        let (node, routed) = (task.node, task.routed);
        if let Some(parent) = parent {
            self.tasks.remove(key);
            self.child_ended(parent, ending);
            return false;
        }
        if self.is_serial(key) {
            self.observer.serial += now - arrival;
            self.tasks.remove(key);
            return true;
        }
        self.is_out(key);
        if !gone {
            self.is_answered(key, ending);
        }
        self.tasks.remove(key);
        if routed {
            self.request_is_over(node);
        }
        true
    }

    /// The client of a task, or whoever the program executes it for, has its answer, or has given it up: it counts as that.
    #[inline]
    pub(super) fn is_answered(&mut self, key: TaskKey, ending: TaskEnd) {
        let now = self.kernel.machine.now();
        let latency = now - self.asked(key);
        let task = &self.tasks[key];
        let (class, counted, number, arrival) =
            (task.class, task.counted, task.number, task.arrival);
        let node = task.node;
        self.observer.makespan = now;
        if ending == TaskEnd::Done {
            self.observer.window.push(now);
        }
        if counted {
            self.has_ended(class, ending);
            match ending {
                TaskEnd::Done => self.observer.completed += 1,
                TaskEnd::Failed => self.observer.failed += 1,
                TaskEnd::TimedOut => self.observer.timed_out += 1,
                TaskEnd::Rejected => self.observer.rejected += 1,
            }
        }
        if counted && let Some(windows) = &mut self.observer.windows {
            let window = windows.at(arrival);
            if ending != TaskEnd::Done {
                window.unanswered = window.unanswered.max(latency);
            }
            match ending {
                TaskEnd::Done => {
                    window.completed += 1;
                    window.latency.record(latency);
                }
                TaskEnd::Failed => window.failed += 1,
                TaskEnd::TimedOut => window.timed_out += 1,
                TaskEnd::Rejected => window.rejected += 1,
            }
        }
        if counted && ending == TaskEnd::Done {
            self.observer.latency.record(latency);
            if let Some(h) = self.observer.class_latency.get_mut(usize::from(class)) {
                h.record(latency);
            }
            if let Some(all) = &mut self.observer.latencies {
                all.push((number, latency));
            }
        }
        self.observer.series.push(now, latency.as_secs_f64());
        if self.client_learns(key, ending) {
            self.user_answered(number, node);
        }
    }
}
