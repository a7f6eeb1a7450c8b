//! The data that tasks receive and produce: in which process it is in memory, and until when.
//!
//! Work that is submitted to a pool brings its arguments along: they exist in the submitter from the submit until the work is done. Where
//! steps run in the program's own thread, data is created at its step and stays until the task ends.

use super::Work;
use super::task::{Data, Frame, Task};
use crate::cpython::index::{CopyIndex, DistIndex, ExecutorIndex, TaskKey};
use crate::cpython::kernel::Blocks;
use crate::cpython::record::recording::TaskEnd;
use crate::cpython::role::ThreadRole;
use crate::machine::Tid;
use crate::scenario::{Sizes, WorkingMemory};

impl Work<'_> {
    /// Resident memory of data that a step creates in the program's own thread: none if the program's payloads are untouched memory.
    fn inline_memory(&self, bytes: u64) -> u64 {
        if self.kernel.program.untouched_payload {
            0
        } else {
            bytes
        }
    }

    /// Whether the thread executes work that was submitted to it with its payload. Children that it executes inline were not.
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

    /// Number of small objects that a task sends to a worker, and back, one by one.
    pub(crate) fn objects_of(&self, task: &Task) -> (u64, u64) {
        match task.call() {
            Some((call, _)) => self.kernel.program.calls[call].objects,
            None => self.kernel.program.classes[task.class].objects,
        }
    }

    /// The executor that the task is handed to next: that of its call, otherwise the default.
    pub(crate) fn executor_of(&self, key: TaskKey) -> ExecutorIndex {
        let call = self.tasks[key].call();
        call.map_or(ExecutorIndex::DEFAULT, |(call, _)| {
            self.kernel.program.calls[call].to
        })
    }

    /// Bytes that travel with the call that the task is about to make, or with the part that begins at its next instruction.
    pub(crate) fn part_payload(&self, key: TaskKey) -> u64 {
        let task = &self.tasks[key];
        let code = &self.kernel.program.classes[task.class].code;
        if let Some((_, leave)) = task.call() {
            let called = code[task.pc as usize..leave as usize].iter();
            return called.map(|i| i.payload_in()).fold(0, u64::saturating_add);
        }
        code[task.pc as usize..]
            .iter()
            .take_while(|&&i| !self.is_wait(i))
            .map(|i| i.payload_in())
            .sum()
    }

    /// Draws a size of working memory. Sizes have a stream of their own, so that they move no demand.
    pub(super) fn draw_size(&mut self, key: TaskKey, dist: DistIndex) -> u64 {
        let task = &mut self.tasks[key];
        let mut rng = self.size_streams.task(task.number, u64::from(task.sizes));
        task.sizes = task.sizes.wrapping_add(1);
        Sizes::bytes(self.kernel.program.dists[dist].sample(&mut rng))
    }

    /// Takes working memory for the steps that follow.
    pub(super) fn enter_hold(&mut self, tid: Tid, key: TaskKey, bytes: u64, churn: u32) {
        let churned = WorkingMemory::kept(churn, bytes);
        let block = self.kernel.allocate_block(tid, bytes, churned);
        self.tasks[key].frames.push(Frame::Hold(bytes, block));
    }

    /// Takes memory for the arguments that a running thread submits with a task.
    pub(crate) fn sends(&mut self, tid: Tid, key: TaskKey) {
        let bytes = self.kernel.payload_memory(self.tasks[key].payload);
        let mut sent = Blocks::default();
        self.kernel.add_block(tid, &mut sent, bytes);
        self.tasks[key].sent = sent;
    }

    /// Frees the arguments that were submitted with a task.
    pub(crate) fn drop_sent(&mut self, key: TaskKey) {
        let sent = std::mem::take(&mut self.tasks[key].sent);
        self.kernel.free_blocks(sent);
    }

    /// Leaves the arguments that were submitted with a task to the list that they come from, until that is freed.
    pub(crate) fn leave_sent_in_list(&mut self, key: TaskKey) {
        let sent = std::mem::take(&mut self.tasks[key].sent);
        let copy = self.tasks[key].copy;
        match self.copies.get_mut(copy) {
            Some(c) => add_to(&mut c.mapped, sent),
            None => self.kernel.free_blocks(sent),
        }
    }

    /// Frees the list whose tasks a pool has executed: `map` has returned.
    pub(super) fn drop_mapped(&mut self, copy: CopyIndex) {
        for blocks in std::mem::take(&mut self.copies[copy].mapped) {
            self.kernel.free_blocks(blocks);
        }
    }

    /// Creates, or reads, arguments at their own step unless they came with the submitted work.
    pub(crate) fn step_payload_in(&mut self, tid: Tid, key: TaskKey, bytes: u64) {
        if self.handed_over(tid, key) {
            return;
        }
        let bytes = self.inline_memory(bytes);
        self.kernel
            .add_block(tid, &mut self.tasks[key].data.arguments, bytes);
    }

    /// Allocates containers that live as long as the task, or as the part of it that a pool executes.
    pub(crate) fn step_containers(&mut self, tid: Tid, key: TaskKey, objects: u64) {
        let each = self.kernel.costs.container_rss;
        let bytes = objects.saturating_mul(each);
        // The task does not free what the process keeps.
        let kept = self.kernel.grow_heaps(tid, bytes);
        self.hold_containers(tid, key, bytes - kept);
    }

    /// Small objects, which CPython's own allocator has.
    pub(crate) fn hold_containers(&mut self, tid: Tid, key: TaskKey, bytes: u64) {
        self.kernel.take(tid, bytes);
        let process = self.kernel.threads[tid].process;
        let data = &mut self.tasks[key].data;
        data.containers += bytes;
        data.process = process;
    }

    /// Creates the task's result in place of an earlier one.
    pub(crate) fn step_payload_out(&mut self, tid: Tid, key: TaskKey, bytes: u64) {
        let resident = if self.handed_over(tid, key) {
            self.kernel.payload_memory(bytes)
        } else {
            self.inline_memory(bytes)
        };
        self.drop_result(key);
        let data = &mut self.tasks[key].data;
        data.result = bytes;
        self.kernel.add_block(tid, &mut data.resident, resident);
    }

    /// Frees the result that is being produced, because another replaces it or the task fails.
    pub(crate) fn drop_result(&mut self, key: TaskKey) {
        let data = &mut self.tasks[key].data;
        data.result = 0;
        let resident = std::mem::take(&mut data.resident);
        self.kernel.free_blocks(resident);
    }

    /// Frees containers and arguments created since the task had so many.
    pub(crate) fn drop_arguments(&mut self, key: TaskKey, (containers, arguments): (u64, Blocks)) {
        let data = &mut self.tasks[key].data;
        let more = data.containers.saturating_sub(containers);
        data.containers -= more;
        let blocks = data.arguments.split_off(arguments);
        let process = data.process;
        self.kernel.give_for(process, more);
        self.kernel.free_blocks(blocks);
    }

    /// Begins a child inline, with no data of its own; returns the parent's data, for [`Work::leave_child`].
    pub(crate) fn enter_child(&mut self, key: TaskKey) -> Data {
        let data = &mut self.tasks[key].data;
        let parents = *data;
        *data = Data {
            received: parents.received,
            ..Data::default()
        };
        parents
    }

    /// Frees the data of a child that was executed inline.
    pub(crate) fn drop_childs(&mut self, key: TaskKey) {
        self.drop_result(key);
        self.drop_arguments(key, (0, Blocks::default()));
    }

    /// Ends the last child that was executed inline: the task has its own data again.
    pub(crate) fn leave_child(&mut self, key: TaskKey, parents: Data) {
        self.drop_childs(key);
        self.tasks[key].data = parents;
    }

    /// Notes that the submitting process has received the result of a part (or of a whole task), in place of an earlier result.
    pub(crate) fn result_received(&mut self, key: TaskKey, resident: Blocks) {
        let data = &mut self.tasks[key].data;
        if data.result == 0 {
            return;
        }
        data.result = 0;
        data.resident = Blocks::default();
        let before = std::mem::replace(&mut data.received, resident);
        self.kernel.free_blocks(before);
    }

    /// Frees the results of a round, of which the main program has made use.
    pub(super) fn drop_results(&mut self, copy: CopyIndex) {
        for blocks in std::mem::take(&mut self.copies[copy].results) {
            self.kernel.free_blocks(blocks);
        }
    }

    /// Frees the data of a task that is over; the program keeps the results of a batch until all are there, and those of a round until it has
    /// made use of them before the next.
    pub(crate) fn release_data(&mut self, key: TaskKey) {
        let task = &self.tasks[key];
        let Data {
            containers,
            arguments,
            resident,
            received,
            process,
            ..
        } = task.data;
        let kept = task.parent.is_none()
            && !task.abandoned
            && task.ending == TaskEnd::Done
            && !self.kernel.program.batch.is_empty();
        let copy = task.copy;
        self.kernel.give_for(process, containers);
        self.kernel.free_blocks(arguments);
        match self.copies.get_mut(copy) {
            Some(c) if kept => {
                add_to(&mut c.results, resident);
                add_to(&mut c.results, received);
            }
            Some(_) | None => {
                self.kernel.free_blocks(resident);
                self.kernel.free_blocks(received);
            }
        }
    }
}

/// Adds blocks to others, those of each arena as one.
fn add_to(all: &mut Vec<Blocks>, blocks: Blocks) {
    match all.iter_mut().find(|b| b.is_beside(blocks)) {
        Some(beside) => beside.join(blocks),
        None => all.push(blocks),
    }
}
