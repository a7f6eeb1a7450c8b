//! Attempts, the pauses between them, and how long tasks are patient.

use super::Work;
use super::task::Frame;
use crate::cpython::index::{BackoffIndex, TaskKey};
use crate::cpython::program::Demand;
use crate::cpython::record::recording::TaskEnd;
use crate::engine::Nanos;

impl Work<'_> {
    /// The stream of the task's next draw of a time-out or a pause, if it `draws`. They have streams of their own, so that patience moves no demand.
    fn next_patience(&mut self, key: TaskKey, draws: bool) -> impl rand::Rng + use<> {
        let task = &mut self.tasks[key];
        let rng = self
            .patience_streams
            .task(task.number, u64::from(task.patience));
        task.patience = task.patience.wrapping_add(u32::from(draws));
        rng
    }

    /// How long a task gives the steps that it begins now.
    pub(super) fn patience(&mut self, key: TaskKey, after: Demand) -> Nanos {
        match after {
            Demand::Constant(time) => time,
            Demand::Drawn(dist) => {
                let mut rng = self.next_patience(key, true);
                self.kernel.program.dists[dist].sample(&mut rng)
            }
        }
    }

    /// Begins the first attempt at the steps that follow.
    pub(super) fn enter_retry(&mut self, key: TaskKey, attempts: u32, backoff: BackoffIndex) {
        self.count_attempt(key);
        let task = &mut self.tasks[key];
        task.frames.push(Frame::Retry {
            start: task.pc,
            attempts,
            failed: 0,
            backoff,
            paused: None,
            arguments: (task.data.containers, task.data.arguments),
        });
    }

    /// The pause is over: an attempt begins.
    pub(super) fn attempt_begins(&mut self, key: TaskKey) {
        self.tasks[key].trying_again = false;
        self.observer.retries += self.count_attempt(key);
    }

    /// Counts an attempt that begins, unless its task does not count; returns how many that were.
    fn count_attempt(&mut self, key: TaskKey) -> u64 {
        let task = &self.tasks[key];
        let counts = u64::from(task.counted || task.child_counts);
        self.observer.attempts += counts;
        counts
    }

    /// An attempt has failed, and there is another: the task pauses, then begins it.
    pub(super) fn try_again(&mut self, key: TaskKey, mut block: Frame, ending: TaskEnd) {
        let Frame::Retry {
            start,
            attempts,
            failed,
            backoff,
            paused,
            ..
        } = &mut block
        else {
            return;
        };
        *attempts -= 1;
        *failed += 1;
        let pauses = &self.kernel.program.backoffs[*backoff];
        // What is caught here may have been a time-out that came after the rejection.
        let said = self.tasks[key].retry_after.take();
        let said = said.filter(|_| ending == TaskEnd::Failed && pauses.retry_after);
        let pause = said.unwrap_or_else(|| {
            let pause = pauses.pause(
                *failed,
                *paused,
                &mut self.next_patience(key, pauses.draws()),
            );
            *paused = Some(pause);
            pause
        });
        let task = &mut self.tasks[key];
        task.pc = *start;
        task.pause = pause;
        task.trying_again = true;
        task.frames.push(block);
    }
}
