//! Shares of task time by cause, as reports show them.

use crate::quantity::Means;
use crate::result::{Forecast, Study};
use crate::scenario::Strategy;
use crate::strategy::{CAUSES, Cause};

/// Where the time of a case's tasks went, as reports show it.
pub(crate) struct Shares {
    /// Shares by cause, which add up to 1 (or to 0 if nothing is known).
    pub of: [f64; CAUSES],
    /// Share of its time for which a task of a batch waited for its turn; not included in `of`. A batch arrives at once, so all but the
    /// first tasks wait for most of the makespan under any strategy, which explains nothing.
    pub queued: Option<f64>,
    /// Shares of the children's time by cause, which add up to 1, if all that tasks wait for under [`Cause::Queue`] is their children.
    pub children: Option<[f64; CAUSES]>,
    /// Whether the strategy has no workers: what a task waits for under [`Cause::Pool`] is then the tasks before it.
    pub sequential: bool,
    /// Whether the interpreter has a GIL: otherwise what a task waits for under [`Cause::Gil`] is a stopped world.
    pub gil: bool,
}

/// The meanings of causes that are common to all cases whose tasks wait under them.
#[expect(
    clippy::needless_pass_by_value,
    reason = "an iterator, as its callers have it"
)]
pub(crate) fn means_of_all<'s>(all: impl Iterator<Item = &'s Shares> + Clone) -> Means {
    let one = |cause: Cause, is: fn(&Shares) -> bool| {
        let mut waiting = all.clone().filter(|s| s.of[cause as usize] > 0.0).map(is);
        let first = waiting.next().unwrap_or(true);
        waiting.all(|other| other == first).then_some(first)
    };
    Means {
        gil: one(Cause::Gil, |s| s.gil),
        workers: one(Cause::Pool, |s| !s.sequential),
    }
}

/// Whether an interpreter has a GIL, judged by its name alone: free-threaded builds have names like `3.14t`, as in CPython.
pub(crate) fn named_with_gil(interpreter: &str) -> bool {
    let version = interpreter.strip_suffix('t').unwrap_or_default();
    !version.ends_with(|c: char| c.is_ascii_digit())
}

/// Whether a case's interpreter has a GIL.
fn has_gil(study: &Study, case: &Forecast) -> bool {
    let mut facts = study.interpreters.iter();
    let facts = facts.find(|i| i.name == case.interpreter);
    facts.map_or_else(|| named_with_gil(&case.interpreter), |i| i.gil)
}

impl Shares {
    /// The meanings of causes in this case.
    pub(crate) const fn means(&self) -> Means {
        Means {
            gil: Some(self.gil),
            workers: Some(!self.sequential),
        }
    }

    /// The shares of a case of a study.
    pub(crate) fn new(study: &Study, f: &Forecast) -> Self {
        Self::of_case(f, study.batch, has_gil(study, f))
    }

    /// The shares of a case, given whether its interpreter has a GIL.
    pub(crate) fn of_case(case: &Forecast, batch: bool, gil: bool) -> Self {
        let strategy = case.known_strategy();
        let turn = strategy.as_ref().map_or(Cause::Pool, turn);
        Self {
            sequential: strategy.as_ref().is_some_and(Strategy::is_sequential),
            gil,
            children: case.children,
            ..Self::without_turn(case.causes, turn, batch)
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
    pub(crate) fn main(&self, least: f64) -> Vec<(Cause, f64)> {
        main_of(&self.of, least)
    }

    /// If tasks wait for their children under this cause: the causes of the children's time with a share of at least `least`, largest
    /// first.
    pub(crate) fn of_children(&self, cause: Cause, least: f64) -> Option<Vec<(Cause, f64)>> {
        let shares = self.children.as_ref().filter(|_| cause == Cause::Queue)?;
        Some(main_of(shares, least))
    }

    /// The shares, with the time for which tasks wait for children replaced by what the children spend it on.
    pub(crate) fn with_childrens(&self) -> [f64; CAUSES] {
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

/// The cause of the wait that a task has once, before its first step: for a worker, or for the loop's limit.
fn turn(strategy: &Strategy) -> Cause {
    if strategy.execution().event_loop {
        Cause::Limit
    } else {
        Cause::Pool
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
