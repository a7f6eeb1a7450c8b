//! The data that tasks are given and make: where it is in memory, and until when.
//!
//! Work that is handed to a pool brings its arguments along: they exist in the submitter from the submit until the work is
//! done. Where steps run in the program's own thread the data comes into being at its step, and stays until the task ends.

use super::sim::Sim;
use super::task::{Ending, Frame, TaskKey};
use super::thread::Role;
use crate::machine::Tid;

/// Data that a task has in memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Data {
    /// Resident arguments that came into being at their own steps.
    pub(crate) arguments: u64,
    /// The result that is being made: what will travel.
    pub(crate) result: u64,
    /// How much of it is resident where it is made.
    pub(crate) resident: u64,
    /// Resident results that the submitting process has received.
    received: u64,
}

impl Sim<'_> {
    /// Memory of a payload object as long as nothing has touched it: a large fresh allocation has no pages yet.
    pub(crate) fn payload_memory(&self, bytes: u64) -> u64 {
        // glibc's threshold for mapping an allocation rises with use; after a program's imports it stands about here.
        const MMAP_THRESHOLD: u64 = 200_000;
        if self.program.untouched_payload && bytes >= MMAP_THRESHOLD {
            0
        } else {
            bytes
        }
    }

    /// Memory of data that a step makes in the program's own thread. Programs that hand out untouched payloads make none
    /// where nothing is handed over.
    fn inline_memory(&self, bytes: u64) -> u64 {
        if self.program.untouched_payload {
            0
        } else {
            bytes
        }
    }

    /// Whether the thread executes work that was handed to it with its payload; children that it runs itself were not.
    fn handed_over(&self, tid: Tid, key: TaskKey) -> bool {
        let worker = matches!(
            self.threads[tid as usize].role,
            Role::PoolWorker(..) | Role::InterpWorker(..) | Role::ProcessWorker(..)
        );
        let child = |f: &Frame| matches!(f, Frame::Inline { .. });
        worker && !self.tasks[key].frames.iter().any(child)
    }

    /// Bytes that go with the part that begins at the task's next instruction.
    pub(crate) fn part_payload(&self, key: TaskKey) -> u64 {
        let task = &self.tasks[key];
        self.program.classes[task.class as usize].code[task.pc as usize..]
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
        self.memory.take(self.machine.now(), bytes);
        self.tasks[key].data.arguments += bytes;
    }

    /// The task's result is made; it takes the place of an earlier one.
    pub(crate) fn step_payload_out(&mut self, tid: Tid, key: TaskKey, bytes: u64) {
        let resident = if self.handed_over(tid, key) {
            self.payload_memory(bytes)
        } else {
            self.inline_memory(bytes)
        };
        self.drop_result(key);
        self.memory.take(self.machine.now(), resident);
        let data = &mut self.tasks[key].data;
        data.result = bytes;
        data.resident = resident;
    }

    /// Forgets the result that is being made: another takes its place, or the task fails.
    pub(crate) fn drop_result(&mut self, key: TaskKey) {
        let data = &mut self.tasks[key].data;
        data.result = 0;
        let resident = std::mem::take(&mut data.resident);
        self.memory.give(self.machine.now(), resident);
    }

    /// Lets arguments go that were made after there were so many.
    pub(crate) fn drop_arguments(&mut self, key: TaskKey, to: u64) {
        let arguments = &mut self.tasks[key].data.arguments;
        let more = arguments.saturating_sub(to);
        *arguments -= more;
        self.memory.give(self.machine.now(), more);
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
        self.memory.give(self.machine.now(), before);
    }

    /// The task is over: its data is gone, but the program keeps the results of a batch until all are there.
    pub(crate) fn release_data(&mut self, key: TaskKey) {
        let task = &self.tasks[key];
        let Data {
            arguments,
            resident,
            received,
            ..
        } = task.data;
        let kept =
            task.parent.is_none() && task.ending == Ending::Done && !self.program.batch.is_empty();
        let results = if kept { 0 } else { resident + received };
        self.memory.give(self.machine.now(), arguments + results);
    }
}
