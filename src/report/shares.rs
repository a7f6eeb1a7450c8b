//! Shares of task time by cause, as reports show them.

use std::collections::BTreeMap;

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
    /// The time of the tasks' children by cause, 1 in all, where all that the tasks wait for under [`Cause::Queue`] is their children.
    pub children: Option<[f64; CAUSES]>,
    /// Whether the strategy has no workers: what a task waits for under [`Cause::Pool`] is the tasks before it.
    pub sequential: bool,
    /// Whether its interpreter has a GIL: what a task waits for under [`Cause::Gil`] is a stopped world otherwise.
    pub gil: bool,
}

/// What causes mean that do not mean the same under all strategies and interpreters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Means {
    /// Whether tasks wait for a GIL, or else for the world of a free-threaded build, which one thread has stopped; `None`: some for the
    /// one, some for the other.
    pub gil: Option<bool>,
    /// Whether tasks wait for workers, or else (sequential code) for the tasks before them; `None` as above.
    pub workers: Option<bool>,
}

impl Means {
    /// Of one case.
    pub(super) const fn of(shares: &Shares) -> Self {
        Self {
            gil: Some(shares.gil),
            workers: Some(!shares.sequential),
        }
    }

    /// Of all cases whose tasks wait so.
    pub(super) fn of_all<'s>(all: impl Iterator<Item = &'s Shares> + Clone) -> Self {
        let one = |cause: Cause, is: fn(&Shares) -> bool| {
            let mut waiting = all.clone().filter(|s| s.of[cause as usize] > 0.0).map(is);
            let first = waiting.next().unwrap_or(true);
            waiting.all(|other| other == first).then_some(first)
        };
        Self {
            gil: one(Cause::Gil, |s| s.gil),
            workers: one(Cause::Pool, |s| !s.sequential),
        }
    }
}

/// Whether an interpreter that a result says nothing more of has a GIL: free-threaded builds are named `3.14t`, as CPython names them.
pub(super) fn named_with_gil(interpreter: &str) -> bool {
    let version = interpreter.strip_suffix('t').unwrap_or_default();
    !version.ends_with(|c: char| c.is_ascii_digit())
}

impl Shares {
    pub(super) fn new(study: &Study, f: &Forecast) -> Self {
        Self {
            children: f.children,
            sequential: f.strategy.is_sequential(),
            gil: (study.interpreters.iter()).all(|i| i.name != f.interpreter || i.gil),
            ..Self::without_turn(f.causes, turn(&f.strategy), study.batch)
        }
    }

    /// Of a case that was read back, whose interpreter has a GIL or not.
    pub(super) fn of_case(case: &CaseDocument, batch: bool, gil: bool) -> Self {
        let by_cause = |shares: &BTreeMap<String, f64>| {
            Cause::ALL.map(|c| {
                let share = shares.get(&format!("{}_share", c.name()));
                share.copied().filter(|s| s.is_finite()).unwrap_or(0.0)
            })
        };
        let strategy = parse_strategy(&case.strategy).map(|s| s.strategy).ok();
        let turn = strategy.as_ref().map_or(Cause::Pool, turn);
        Self {
            sequential: strategy.as_ref().is_some_and(Strategy::is_sequential),
            gil,
            children: case.children_time_by_cause.as_ref().map(by_cause),
            ..Self::without_turn(by_cause(&case.time_by_cause), turn, batch)
        }
    }

    fn without_turn(shares: [f64; CAUSES], turn: Cause, batch: bool) -> Self {
        let queued = shares[turn as usize];
        let rest: f64 = shares.iter().sum::<f64>() - queued;
        if !(batch && queued > 0.0 && rest > 1e-9) {
            return Self {
                of: shares,
                queued: None,
                children: None,
                sequential: false,
                gil: true,
            };
        }
        let mut of = shares.map(|c| c / rest);
        of[turn as usize] = 0.0;
        Self {
            of,
            queued: Some(queued),
            children: None,
            sequential: false,
            gil: true,
        }
    }

    /// The causes with a share of at least `least`, largest first.
    pub(super) fn main(&self, least: f64) -> Vec<(Cause, f64)> {
        main_of(&self.of, least)
    }

    /// What a task waits for where it waits under this cause for its children: how their time goes, with at least this share of it.
    pub(super) fn of_children(&self, cause: Cause, least: f64) -> Option<Vec<(Cause, f64)>> {
        let shares = self.children.as_ref().filter(|_| cause == Cause::Queue)?;
        Some(main_of(shares, least))
    }

    /// The shares with the time in which tasks wait for their children by what these spend it with.
    pub(super) fn with_childrens(&self) -> [f64; CAUSES] {
        let Some(children) = self.children else {
            return self.of;
        };
        let waited = self.of[Cause::Queue as usize];
        let mut all = self.of;
        all[Cause::Queue as usize] = 0.0;
        for (share, child) in all.iter_mut().zip(children) {
            *share += waited * child;
        }
        all
    }
}

fn main_of(shares: &[f64; CAUSES], least: f64) -> Vec<(Cause, f64)> {
    let mut all: Vec<(Cause, f64)> = Cause::ALL
        .into_iter()
        .map(|c| (c, shares[c as usize]))
        .filter(|&(_, s)| s >= least)
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

/// What a task waits for once, before all else, rather than between its steps: a worker, or the loop's limit.
fn turn(strategy: &Strategy) -> Cause {
    if strategy.execution().event_loop {
        Cause::Limit
    } else {
        Cause::Pool
    }
}

/// What a cause means to a reader.
pub(super) fn cause_words(c: Cause, means: Means) -> &'static str {
    match c {
        Cause::Running => "running",
        Cause::Core => "waiting for a core",
        Cause::Gil => match means.gil {
            Some(true) => "waiting for the GIL",
            Some(false) => "waiting for a stopped world",
            None => "waiting for the GIL (free-threaded: for a stopped world)",
        },
        Cause::Lock => "waiting for a lock",
        Cause::Pool => match means.workers {
            Some(true) => "waiting for a worker",
            Some(false) => "waiting for its turn",
            None => "waiting for a worker (sequential: queued)",
        },
        Cause::Loop => "waiting for the event loop",
        Cause::Ipc => "hand-over (queues, pickling, pipes)",
        Cause::Startup => "start-up",
        Cause::Io => "I/O",
        Cause::Queue => "waiting for a queue or children",
        Cause::Limit => "waiting for the concurrency limit",
        Cause::Contention => "waiting for a contended object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_threaded_builds_are_told_by_their_names() {
        for (name, gil) in [
            ("cpython-3.14", true),
            ("cpython-3.14t", false),
            ("my-3.15t", false),
            ("fast", true),
            ("cpython-test", true),
            ("t", true),
            ("", true),
        ] {
            assert_eq!(named_with_gil(name), gil, "{name}");
        }
    }
}
