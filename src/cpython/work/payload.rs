//! The data that tasks are given and make: where it is in memory, and until when.
//!
//! Work that is handed to a pool brings its arguments along: they exist in the submitter from the submit until the work is
//! done. Where steps run in the program's own thread the data comes into being at its step, and stays until the task ends.

use super::Work;
use super::task::{Data, Frame};
use crate::cpython::index::{ProcessIndex, TaskKey};
use crate::cpython::record::recording::TaskEnd;
use crate::cpython::role::ThreadRole;
use crate::machine::Tid;

impl Work<'_> {
    /// The process that took the task in.
    fn submitter(&self, key: TaskKey) -> ProcessIndex {
        let copy = self.copies.get(self.tasks[key].copy);
        copy.map_or(ProcessIndex::MAIN, |c| c.home.process)
    }

    /// Memory of data that a step makes in the program's own thread. Programs that hand out untouched payloads make none
    /// where nothing is handed over.
    fn inline_memory(&self, bytes: u64) -> u64 {
        if self.kernel.program.untouched_payload {
            0
        } else {
            bytes
        }
    }

    /// Whether the thread executes work that was handed to it with its payload; children that it runs itself were not.
    fn handed_over(&self, tid: Tid, key: TaskKey) -> bool {
        let worker = matches!(
            self.kernel.threads[tid].role,
            ThreadRole::PoolWorker(..)
                | ThreadRole::InterpWorker(..)
                | ThreadRole::ProcessWorker(..)
        );
        let child = |f: &Frame| matches!(f, Frame::Inline { .. });
        worker && !self.tasks[key].frames.iter().any(child)
    }

    /// Objects that a task sends there and back one by one.
    pub(crate) fn objects_of(&self, key: TaskKey) -> (u64, u64) {
        self.kernel.program.classes[self.tasks[key].class].objects
    }

    /// Bytes that go with the part that begins at the task's next instruction.
    pub(crate) fn part_payload(&self, key: TaskKey) -> u64 {
        let task = &self.tasks[key];
        self.kernel.program.classes[task.class].code[task.pc as usize..]
            .iter()
            .take_while(|&&i| !self.is_wait(i))
            .map(|i| i.payload_in())
            .sum()
    }

    /// Arguments that were not handed over are made, or read, now.
    pub(crate) fn step_payload_in(&mut self, tid: Tid, key: TaskKey, bytes: u64) {
        if self.handed_over(tid, key) {
            return;
        }
        let bytes = self.inline_memory(bytes);
        self.hold_arguments(tid, key, bytes);
    }

    /// Containers are made that live as long as the task, or the part of it that a pool executes.
    pub(crate) fn step_containers(&mut self, tid: Tid, key: TaskKey, objects: u64) {
        let each = self.kernel.costs.container_rss;
        let bytes = objects.saturating_mul(each);
        // What the process keeps the task does not give back.
        let kept = self.kernel.grow_heaps(tid, bytes);
        self.hold_arguments(tid, key, bytes - kept);
    }

    fn hold_arguments(&mut self, tid: Tid, key: TaskKey, bytes: u64) {
        self.kernel.take(tid, bytes);
        let process = self.kernel.threads[tid].process;
        let data = &mut self.tasks[key].data;
        data.arguments += bytes;
        data.process = process;
    }

    /// The task's result is made; it takes the place of an earlier one.
    pub(crate) fn step_payload_out(&mut self, tid: Tid, key: TaskKey, bytes: u64) {
        let resident = if self.handed_over(tid, key) {
            self.kernel.payload_memory(bytes)
        } else {
            self.inline_memory(bytes)
        };
        self.drop_result(key);
        self.kernel.take(tid, resident);
        let process = self.kernel.threads[tid].process;
        let data = &mut self.tasks[key].data;
        data.process = process;
        data.result = bytes;
        data.resident = resident;
    }

    /// Forgets the result that is being made: another takes its place, or the task fails.
    pub(crate) fn drop_result(&mut self, key: TaskKey) {
        let data = &mut self.tasks[key].data;
        data.result = 0;
        let resident = std::mem::take(&mut data.resident);
        let process = data.process;
        self.kernel.give_for(process, resident);
    }

    /// Lets arguments go that were made after there were so many.
    pub(crate) fn drop_arguments(&mut self, key: TaskKey, to: u64) {
        let data = &mut self.tasks[key].data;
        let more = data.arguments.saturating_sub(to);
        data.arguments -= more;
        let process = data.process;
        self.kernel.give_for(process, more);
    }

    /// A child that runs in its parent's thread begins with no data of its own; the parent's, for [`Sim::leave_child`].
    pub(crate) fn enter_child(&mut self, key: TaskKey) -> Data {
        let data = &mut self.tasks[key].data;
        let parents = *data;
        *data = Data {
            received: parents.received,
            ..Data::default()
        };
        parents
    }

    /// The data of a child that has run in its parent's thread is gone.
    pub(crate) fn drop_childs(&mut self, key: TaskKey) {
        self.drop_result(key);
        self.drop_arguments(key, 0);
    }

    /// The last such child is over: what the parent had before.
    pub(crate) fn leave_child(&mut self, key: TaskKey, parents: Data) {
        self.drop_childs(key);
        self.tasks[key].data = parents;
    }

    /// The submitting process has the result of a part (or of a whole task), so much of it resident, in place of an earlier
    /// one.
    pub(crate) fn result_received(&mut self, key: TaskKey, resident: u64) {
        let data = &mut self.tasks[key].data;
        if data.result == 0 {
            return;
        }
        data.result = 0;
        data.resident = 0;
        let before = std::mem::replace(&mut data.received, resident);
        let process = self.submitter(key);
        self.kernel.give_for(process, before);
    }

    /// The task is over: its data is gone, but the program keeps the results of a batch until all are there.
    pub(crate) fn release_data(&mut self, key: TaskKey) {
        let task = &self.tasks[key];
        let Data {
            arguments,
            resident,
            received,
            process,
            ..
        } = task.data;
        let kept = task.parent.is_none()
            && task.ending == TaskEnd::Done
            && !self.kernel.program.batch.is_empty();
        self.kernel.give_for(process, arguments);
        if !kept {
            self.kernel.give_for(process, resident);
            let submitter = self.submitter(key);
            self.kernel.give_for(submitter, received);
        }
    }
}
