//! Waiters: a thread, which parks, or a task of an event loop, which suspends.

use super::Work;
use super::flow::{Flow, Mode};
use crate::cpython::index::TaskKey;
use crate::cpython::kernel::{Act, On, Wait, note};
use crate::engine::Nanos;
use crate::machine::Tid;
use crate::sync::Ticket;

/// Who waits: a thread, or a task of an event loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Waiter {
    Thread(Tid),
    /// A task of an event loop.
    Task(TaskKey),
}

impl Work<'_> {
    /// The waiter of a task: the thread that executes it, or the task itself if it runs on a loop.
    pub(crate) fn waiter(tid: Tid, key: TaskKey, mode: Mode) -> Waiter {
        match mode {
            Mode::Loop { .. } => Waiter::Task(key),
            Mode::Inline | Mode::Pooled | Mode::Part => Waiter::Thread(tid),
        }
    }

    fn stored(&mut self, who: Waiter) -> &mut Option<Wait> {
        match who {
            Waiter::Thread(tid) => &mut self.kernel.threads[tid].wait,
            Waiter::Task(key) => &mut self.tasks[key].wait,
        }
    }

    /// What a waiter waits for, or was called for and has not taken yet.
    pub(crate) fn waits(&self, who: Waiter) -> Option<&Wait> {
        match who {
            Waiter::Thread(tid) => self.kernel.threads[tid].wait.as_ref(),
            Waiter::Task(key) => self.tasks[key].wait.as_ref(),
        }
    }

    /// Notes that `who` waits for `on` from now on, until `until` at most.
    pub(crate) fn begin_wait(&mut self, who: Waiter, on: On, ticket: Option<Ticket>, until: Nanos) {
        let now = self.kernel.machine.now();
        note(self.stored(who), now, on, ticket, until);
    }

    /// Ends a wait, because the waiter has got what it waited for or gives up; returns the wait.
    pub(crate) fn end_wait(&mut self, who: Waiter) -> Option<Wait> {
        self.stored(who).take()
    }

    /// Makes the task wait, at most until its deadline: its thread parks after the acts that are scripted already, or the loop suspends it.
    pub(crate) fn wait(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        on: On,
        ticket: Option<Ticket>,
    ) -> Flow {
        // A deadline beyond the last instant of the clock counts as a deadline at that instant.
        let until = self.deadline(key).map(|d| d.min(Nanos::CLOCK_END));
        let until = until.unwrap_or(Nanos::MAX);
        let who = Self::waiter(tid, key, mode);
        self.begin_wait(who, on, ticket, until);
        match who {
            Waiter::Thread(tid) => {
                self.kernel.push(tid, Act::park(on, until));
                Flow::Go
            }
            Waiter::Task(key) => {
                self.tasks[key].since = self.kernel.machine.now();
                self.wake_at_deadline(key);
                Flow::Suspended
            }
        }
    }

    /// Wakes a waiter that has been taken out of the line of what it waits for; thread `by` pays.
    pub(crate) fn wake(&mut self, by: Tid, who: Waiter) {
        match who {
            Waiter::Thread(tid) => self.kernel.wake(by, tid),
            Waiter::Task(key) => {
                if let Some(wait) = &mut self.tasks[key].wait {
                    wait.ticket = None;
                }
                self.loop_resume(by, key);
                let wait = &mut self.tasks[key].wait;
                *wait = wait.filter(|w| w.on.asked_again());
            }
        }
    }
}
