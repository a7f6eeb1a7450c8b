//! Shares of task time by cause, as reports show them.

use super::document::CaseDocument;
use crate::scenario::{Strategy, parse_strategy};
use crate::strategy::{CAUSES, Cause};
use crate::study::{Forecast, Study};

/// Where the time of a case's tasks went, as it is shown.
pub(super) struct Shares {
    /// By cause, 1 in all (0 in all: nothing is known).
    pub of: [f64; CAUSES],
    /// Share of its time that a task of a batch waited for its turn, which is not in `of`: a batch arrives at once, so all
    /// but the first tasks wait for most of the makespan under whatever strategy, and that explains nothing.
    pub queued: Option<f64>,
}

impl Shares {
    pub(super) fn new(study: &Study, f: &Forecast) -> Self {
        Self::without_turn(f.causes, turn(&f.strategy), study.batch)
    }

    /// Of a case that was read back.
    pub(super) fn of_case(case: &CaseDocument, batch: bool) -> Self {
        let shares = Cause::ALL.map(|c| {
            let share = case.time_by_cause.get(&format!("{}_share", c.name()));
            share.copied().filter(|s| s.is_finite()).unwrap_or(0.0)
        });
        let turn = parse_strategy(&case.strategy).map_or(Cause::Pool, |s| turn(&s.strategy));
        Self::without_turn(shares, turn, batch)
    }

    fn without_turn(shares: [f64; CAUSES], turn: Cause, batch: bool) -> Self {
        let queued = shares[turn as usize];
        let rest: f64 = shares.iter().sum::<f64>() - queued;
        if !(batch && queued > 0.0 && rest > 1e-9) {
            return Self {
                of: shares,
                queued: None,
            };
        }
        let mut of = shares.map(|c| c / rest);
        of[turn as usize] = 0.0;
        Self {
            of,
            queued: Some(queued),
        }
    }

    /// The causes with a share of at least `least`, largest first.
    pub(super) fn main(&self, least: f64) -> Vec<(Cause, f64)> {
        let mut all: Vec<(Cause, f64)> = Cause::ALL
            .into_iter()
            .map(|c| (c, self.of[c as usize]))
            .filter(|&(_, s)| s >= least)
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }
}

/// What a task waits for once, before all else, rather than between its steps: a worker, or the loop's limit.
fn turn(strategy: &Strategy) -> Cause {
    match strategy {
        Strategy::Sequential
        | Strategy::Threads(_)
        | Strategy::Processes { .. }
        | Strategy::Interpreters(_) => Cause::Pool,
        Strategy::Asyncio { .. } => Cause::Limit,
        Strategy::Prefork { each, .. } => turn(each),
    }
}

/// What a cause means to a reader.
pub(super) fn cause_words(c: Cause) -> &'static str {
    match c {
        Cause::Running => "running",
        Cause::Core => "waiting for a core",
        Cause::Gil => "waiting for the GIL",
        Cause::Lock => "waiting for a lock",
        Cause::Pool => "waiting for a worker",
        Cause::Loop => "waiting for the event loop",
        Cause::Ipc => "hand-over (queues, pickling, pipes)",
        Cause::Startup => "start-up",
        Cause::Io => "I/O",
        Cause::Queue => "waiting for a queue or children",
        Cause::Limit => "waiting for the concurrency limit",
    }
}
