//! Circuit breakers: calls of what keeps failing are refused at once, for a while.
//!
//! Whatever ends the steps but their last one is a failure, as in pybreaker's `with breaker.calling()`, which catches `BaseException`: a
//! failure, a time-out, also that of a step around, and the cancellation of the task.

use super::Work;
use super::flow::{Flow, Mode};
use super::resource::Guard;
use super::task::Frame;
use crate::cpython::index::{ResourceIndex, TaskKey};
use crate::cpython::record::recording::TaskEnd;
use crate::machine::Tid;
use crate::sync::{Breaker, Passage};

impl Work<'_> {
    /// A task comes to the steps that a breaker guards: it goes through, or fails at once.
    pub(super) fn pass_breaker(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        index: ResourceIndex,
    ) -> Flow {
        let now = self.kernel.machine.now();
        self.charge_for_asking(tid, Self::waiter(tid, key, mode));
        if let Some(passage) = self.breaker(index).and_then(|b| b.ask(now.0)) {
            self.tasks[key].frames.push(Frame::Breaker(index, passage));
        } else {
            let number = self.resources.at(index).number;
            self.asked_by(key, number).rejected += 1;
            self.unwind(tid, key, TaskEnd::Failed, usize::MAX);
        }
        Flow::Go
    }

    /// The steps that a breaker guards are done.
    pub(super) fn breaker_succeeds(&mut self, index: ResourceIndex, passage: Passage) {
        if let Some(breaker) = self.breaker(index) {
            breaker.succeed(passage);
        }
    }

    /// The steps that a breaker guards have been given up.
    pub(super) fn breaker_fails(&mut self, index: ResourceIndex, passage: Passage) {
        let now = self.kernel.machine.now();
        if let Some(breaker) = self.breaker(index) {
            breaker.fail(passage, now.0);
        }
    }

    /// Whoever was about the steps that a breaker guards is gone, with its process.
    pub(super) fn breaker_forgets(&mut self, index: ResourceIndex, passage: Passage) {
        if let Some(breaker) = self.breaker(index) {
            breaker.forget(passage);
        }
    }

    fn breaker(&mut self, index: ResourceIndex) -> Option<&mut Breaker> {
        match &mut self.resources.at(index).guard {
            Guard::Breaker(breaker) => Some(breaker),
            Guard::Fair(_) | Guard::Barging(_) | Guard::Limit(_) => None,
        }
    }
}
