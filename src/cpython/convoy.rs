//! The convoy effect: threads that only come back from outside for a moment, and wait an interval for the GIL each time.

use super::Finding;
use super::program::Program;
use super::sim::Sim;
use super::task::{Frame, TaskKey};
use super::thread::Phase;
use crate::engine::{Nanos, Total};
use crate::machine::{Cause, Tid};
use crate::scenario::Arrivals;

/// Fewer returns than this are a moment of a run and no course of it: threads that start together, a pool that closes.
pub(crate) const LEAST_TIMES: u64 = 10;
/// Where less than this part of their time is lost, nobody would notice that the tasks no longer wait.
const LEAST_PART: u64 = 10;

/// What the tasks of a class lost to convoys.
#[derive(Clone, Copy, Default)]
pub(crate) struct Convoyed {
    /// Returns that had to wait until the holder was made to leave.
    times: u64,
    /// How long, in all.
    waited: Total,
    /// Time of all tasks of the class from arrival to end.
    time: Total,
    /// How much of that its tasks waited for their turn ([`Program::turn`]).
    queued: Total,
}

impl Program {
    /// What the tasks of a batch wait for once, before all else, rather than between their steps: a worker, or the loop's limit. A batch
    /// arrives at once, so that this grows with its size and says nothing of what its tasks do. Elsewhere there is none.
    pub(crate) fn turn(&self) -> Option<Cause> {
        match self.arrivals {
            Arrivals::Batch if self.layout.event_loop => Some(Cause::Limit),
            Arrivals::Batch => Some(Cause::Pool),
            Arrivals::Open { .. } | Arrivals::Closed { .. } | Arrivals::Trace(_) => None,
        }
    }
}

impl Sim<'_> {
    /// The thread has the GIL after it came back from outside, but waited for it so long, and its holder was made to leave
    /// meanwhile.
    #[cold]
    pub(crate) fn returned_after(&mut self, tid: Tid, waited: Nanos) {
        if let Some(key) = self.threads[tid as usize].task {
            let class = self.own_class(key);
            self.threads[tid as usize].convoyed = Some((waited, class));
        }
    }

    /// Such a thread lets the GIL go that it had for so long. It was a convoy only if it goes by itself and within an interval:
    /// threads that all want to compute take turns as they should.
    #[cold]
    pub(crate) fn leaves_again(&mut self, tid: Tid, held: Nanos) {
        let thread = &mut self.threads[tid as usize];
        let by_itself = thread.phase != Phase::WantGil && held < self.costs.switch_interval;
        if let Some((waited, class)) = thread.convoyed.take()
            && by_itself
        {
            let convoyed = &mut self.convoyed[class];
            convoyed.times += 1;
            convoyed.waited += waited;
        }
    }

    /// The class that a task was submitted as: not that of a child which its thread is just running for it.
    pub(crate) fn own_class(&self, key: TaskKey) -> usize {
        let task = &self.tasks[key];
        let outermost = task.frames.iter().find_map(|f| match f {
            Frame::Inline { class, .. } => Some(*class),
            _ => None,
        });
        outermost.unwrap_or(task.class) as usize
    }

    /// A task has been there for so long.
    #[inline]
    pub(crate) fn spent(&mut self, key: TaskKey, time: Nanos) {
        let class = self.own_class(key);
        self.convoyed[class].time += time;
    }

    /// A task has waited for its turn so long.
    #[inline]
    pub(crate) fn queued(&mut self, key: TaskKey, time: Nanos) {
        let class = self.own_class(key);
        self.convoyed[class].queued += time;
    }

    /// What tasks of the class have spent once it was their turn: the share of it that goes into something is the same however large the
    /// batch is.
    pub(crate) fn time_in_turn_of(&self, class: usize) -> Total {
        let c = &self.convoyed[class];
        Total(c.time.0.saturating_sub(c.queued.0))
    }

    /// Tasks that are not over have been there until now. Once, at the end.
    pub(crate) fn spent_so_far(&mut self) {
        let now = self.machine.now();
        let alive: Vec<(TaskKey, Nanos, bool)> = self
            .tasks
            .iter()
            .map(|(key, task)| {
                let begun = task.pc > 0 || !task.frames.is_empty();
                (key, now.since(task.arrival), begun)
            })
            .collect();
        for (key, time, begun) in alive {
            self.spent(key, time);
            if self.turn.is_some() && !begun {
                self.queued(key, time);
            }
        }
    }

    /// The class that lost most, if that is worth a word.
    pub(crate) fn convoy(&self) -> Option<Finding> {
        if self.convoyed.iter().all(|c| c.times == 0) {
            return None;
        }
        let worth = |c: &Convoyed| c.times >= LEAST_TIMES && c.waited * LEAST_PART >= c.time;
        let (class, c) = self
            .convoyed
            .iter()
            .enumerate()
            .filter(|(_, c)| worth(c))
            .max_by_key(|(_, c)| c.waited)?;
        Some(Finding::Convoy {
            times: c.times,
            waited: c.waited,
            of: c.time,
            task: self.program.classes[class].name.clone(),
        })
    }
}
