//! Deadlines, failures and cancellation: how tasks give up the blocks that they have entered.

use super::Work;
use super::task::{Frame, Interrupt};
use super::wait::Waiter;
use crate::cpython::index::TaskKey;
use crate::cpython::kernel::On;
use crate::cpython::record::recording::TaskEnd;
use crate::cpython::role::ThreadRole;
use crate::engine::Nanos;
use crate::machine::Tid;

/// The earliest deadline of these blocks, up to a call.
fn earliest_before_call<'f>(frames: impl Iterator<Item = &'f Frame>) -> Option<Nanos> {
    frames
        .take_while(|f| !matches!(f, Frame::Call(..)))
        .filter_map(|f| {
            if let Frame::Timeout(d) = f {
                Some(*d)
            } else {
                None
            }
        })
        .min()
}

impl Work<'_> {
    /// The deadline of the blocks that whoever executes the task has entered: a worker does not know those of the coroutine that has
    /// called it.
    pub(crate) fn deadline(&self, key: TaskKey) -> Option<Nanos> {
        earliest_before_call(self.tasks[key].frames.iter().rev())
    }

    /// The deadline of whoever waits for the task's next event: of a coroutine that awaits a call without those of the call itself.
    pub(crate) fn awaiting_deadline(&self, key: TaskKey) -> Option<Nanos> {
        earliest_before_call(self.tasks[key].frames.iter())
    }

    /// Index of the outermost block that a passed deadline has ended; `usize::MAX` if there is none.
    pub(crate) fn overdue_from(&self, key: TaskKey) -> usize {
        let now = self.kernel.machine.now();
        let (before, frames) = self.tasks[key].own_frames();
        let over = |f: &Frame| matches!(f, Frame::Timeout(d) if *d <= now);
        let first = frames.iter().position(over);
        first.map_or(usize::MAX, |at| before + at)
    }

    /// Gives up the blocks that a child's failure, or a parent that has stopped waiting, ends. A task whose children still run waits for
    /// them first.
    pub(crate) fn interrupted(&mut self, tid: Tid, key: TaskKey) {
        let task = &mut self.tasks[key];
        if task.children > 0 {
            // Only tasks executed by a thread come here before the last of them has ended.
            self.wait_for_children(tid);
            return;
        }
        // What has failed may have been a call: it is over, and its coroutine's own deadline counts again.
        if let Some(Frame::Call(..)) = task.frames.last() {
            task.frames.pop();
        }
        match task.interrupt.take() {
            Some(Interrupt::Cancelled) => {
                self.tasks[key].pause = Nanos::ZERO;
                self.unwind(tid, key, TaskEnd::TimedOut, 0);
            }
            // A passed deadline may be the reason why the children ended, so it takes precedence.
            Some(Interrupt::Child(_)) if self.overdue(key) => {
                let over = self.overdue_from(key);
                self.unwind(tid, key, TaskEnd::TimedOut, over);
            }
            Some(Interrupt::Child(ending)) => self.unwind(tid, key, ending, usize::MAX),
            None => {}
        }
    }

    pub(crate) fn overdue(&self, key: TaskKey) -> bool {
        self.deadline(key)
            .is_some_and(|d| d <= self.kernel.machine.now())
    }

    /// Leaves blocks from the innermost outward until one can be retried; if none can, the task ends. Blocks from index `over` on are not
    /// retried, because their time is up.
    pub(crate) fn unwind(&mut self, tid: Tid, key: TaskKey, ending: TaskEnd, over: usize) {
        self.kernel.events += 1;
        self.tasks[key].joiner = None;
        self.tasks[key].need = None;
        self.tasks[key].trying_again = false;
        self.give_up_waiting(tid, key, ending);
        while let Some(frame) = self.tasks[key].frames.pop() {
            match frame {
                Frame::Lock(index) => self.kernel.release(tid, index),
                Frame::LoopLock(lock) => self.loop_unlock(tid, lock),
                Frame::Use(index, opened) => {
                    // A connection in whose middle the time is up is of no more use (a driver that is cancelled closes it).
                    let kept = (ending == TaskEnd::Failed).then_some(opened);
                    let who = self.executing(tid, key);
                    self.end_use(tid, who, index, kept);
                }
                Frame::Breaker(index, passage) => self.breaker_fails(index, passage),
                Frame::Token(index, at) => self.give_token_back(index, at),
                Frame::Hold(bytes, block) => self.kernel.free_block(block, bytes),
                Frame::Retry {
                    attempts,
                    arguments,
                    backoff,
                    ..
                } if attempts > 1
                    && self.tasks[key].frames.len() < over
                    && self.may_try_again(tid, backoff) =>
                {
                    self.drop_arguments(key, arguments);
                    self.try_again(key, frame, ending);
                    return;
                }
                Frame::Inline { spare, .. } if spare > 0 && self.tasks[key].frames.len() < over => {
                    self.next_child(key, frame);
                    return;
                }
                Frame::Inline { class, data, .. } => {
                    self.tasks[key].class = class;
                    self.leave_child(key, data);
                    self.childs_turn(tid, key);
                }
                // The worker is done with the call; its loop learns how it ended, and goes on from there.
                Frame::Call(_, leave) if !self.runs_loop(tid) => {
                    self.drop_result(key);
                    let task = &mut self.tasks[key];
                    task.frames.push(frame);
                    task.pc = leave;
                    task.interrupt.get_or_insert(Interrupt::Child(ending));
                    return;
                }
                Frame::Timeout(_)
                | Frame::Retry { .. }
                | Frame::Repeat(..)
                | Frame::Call(..)
                | Frame::OnLoop => {}
            }
        }
        self.drop_result(key);
        let task = &mut self.tasks[key];
        task.ending = ending;
        let code = &self.kernel.program.classes[task.class].code;
        task.pc = u32::try_from(code.len() - 1).expect("short programs");
    }

    /// A child has failed that a thread executes inline, and may: the next one begins.
    fn next_child(&mut self, key: TaskKey, mut block: Frame) {
        if let Frame::Inline { left, spare, .. } = &mut block {
            *left -= 1;
            *spare -= 1;
        }
        self.drop_childs(key);
        let task = &mut self.tasks[key];
        task.retry_after = None;
        task.pc = 0;
        task.frames.push(block);
    }

    /// Whether the thread is that of an event loop, rather than one that executes work for it.
    fn runs_loop(&self, tid: Tid) -> bool {
        matches!(self.kernel.threads[tid].role, ThreadRole::Loop(..))
    }

    /// Who waits where the task does: its loop's coroutine, or the thread that executes it.
    fn executing(&self, tid: Tid, key: TaskKey) -> Waiter {
        if self.runs_loop(tid) {
            Waiter::Task(key)
        } else {
            Waiter::Thread(tid)
        }
    }

    /// Ends the wait that the task gives up. If it waited for a queue and had just been called, the next waiter is called instead.
    fn give_up_waiting(&mut self, tid: Tid, key: TaskKey, ending: TaskEnd) {
        let who = self.executing(tid, key);
        if who == Waiter::Thread(tid) && ending == TaskEnd::TimedOut {
            self.kernel.threads[tid].permit = false;
        }
        let Some(wait) = self.end_wait(who) else {
            return;
        };
        let next = match wait.on {
            On::Item(q) => self.queues[q].give_up_getting(wait.ticket),
            On::Room(q) => self.queues[q].give_up_putting(wait.ticket),
            On::Resource(r) => self.give_up_resource(key, r, wait.ticket, wait.since),
            On::Device(device) => {
                self.give_up_transfer(device, (key, who));
                None
            }
            _ => None,
        };
        if let Some(next) = next {
            self.wake(tid, next);
        }
    }
}
