//! Who waits: a thread, which parks, or a task of an event loop, which its loop suspends.

use super::Work;
use super::flow::{Flow, Mode};
use crate::cpython::index::TaskKey;
use crate::cpython::kernel::{Act, On, Wait, note};
use crate::engine::Nanos;
use crate::machine::Tid;
use crate::sync::Ticket;

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiter {
    Thread(Tid),
    /// A task of an event loop.
    Task(TaskKey),
}

impl Work<'_> {
    /// Who waits when a task has to: the thread that runs it, or the task itself where a loop does.
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

    /// What somebody waits for, or was called for and has not got yet.
    pub(crate) fn waits(&self, who: Waiter) -> Option<&Wait> {
        match who {
            Waiter::Thread(tid) => self.kernel.threads[tid].wait.as_ref(),
            Waiter::Task(key) => self.tasks[key].wait.as_ref(),
        }
    }

    /// Notes that somebody waits from now on, until then at most.
    pub(crate) fn begin_wait(&mut self, who: Waiter, on: On, ticket: Option<Ticket>, until: Nanos) {
        let now = self.kernel.machine.now();
        note(self.stored(who), now, on, ticket, until);
    }

    /// Ends a wait: who waited has got it, or gives up.
    pub(crate) fn end_wait(&mut self, who: Waiter) -> Option<Wait> {
        self.stored(who).take()
    }

    /// The task that the thread runs waits, at most until its deadline: the thread parks once it is done with what it has to do, or the
    /// loop suspends the task.
    pub(crate) fn wait(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        on: On,
        ticket: Option<Ticket>,
    ) -> Flow {
        // A deadline that the clock cannot tell is one all the same.
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

    /// Wakes somebody who has been taken out of the line of what it waits for.
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
