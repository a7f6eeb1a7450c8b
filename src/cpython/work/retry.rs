//! Attempts, the pauses between them, how many of them there may be, and how long tasks are patient.

use super::Work;
use super::task::Frame;
use crate::cpython::index::{BackoffIndex, DomainIndex, TaskKey};
use crate::cpython::program::Demand;
use crate::cpython::record::recording::TaskEnd;
use crate::engine::Nanos;
use crate::machine::Tid;
use crate::scenario::Backoff;
use crate::sync::RetryBudget;

/// The budgets of retries: those of each domain, one for each step.
#[derive(Default)]
pub(super) struct RetryBudgets(Vec<Option<RetryBudget>>);

impl Work<'_> {
    /// The budget of a step for code of this domain, and what a first attempt adds to it; `None` if retries are not limited.
    fn budget(
        &mut self,
        domain: DomainIndex,
        backoff: BackoffIndex,
    ) -> Option<(&mut RetryBudget, u32)> {
        let steps = &self.kernel.program.backoffs;
        let adds = steps[backoff].budget?;
        let index = usize::from(domain) * steps.len() + usize::from(backoff);
        let all = &mut self.retry_budgets.0;
        if all.len() <= index {
            all.resize(index + 1, None);
        }
        let full = || RetryBudget::full(Backoff::BUDGET_TOKENS);
        Some((all[index].get_or_insert_with(full), adds))
    }

    /// Whether a step whose attempt has failed may try again: its budget has a token, which is taken.
    pub(super) fn may_try_again(&mut self, tid: Tid, backoff: BackoffIndex) -> bool {
        let domain = self.kernel.threads[tid].domain;
        self.budget(domain, backoff)
            .is_none_or(|(budget, _)| budget.withdraw())
    }

    /// The stream of the task's next draw of a time-out or a pause, if it `draws`. They have streams of their own, so that patience moves no demand.
    pub(super) fn next_patience(&mut self, key: TaskKey, draws: bool) -> impl rand::Rng + use<> {
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
    pub(super) fn enter_retry(
        &mut self,
        tid: Tid,
        key: TaskKey,
        attempts: u32,
        backoff: BackoffIndex,
    ) {
        self.count_attempt(key);
        let domain = self.kernel.threads[tid].domain;
        if let Some((budget, adds)) = self.budget(domain, backoff) {
            budget.deposit(adds, Backoff::BUDGET_TOKENS);
        }
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
