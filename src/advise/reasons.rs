//! Why what is recommended is: sentences made from the figures of what is taken and of what is not.

use super::choose::{Decision, Ground, SAME, Tie};
use super::constraints::{Constraints, Priority};
use super::family::Family;
use super::mechanism::spent;
use super::survey::Fared;
use super::words::{Words, capital, lacks, names, requirement_short};
use crate::quantity::{
    Quantity, Unit, bytes, digits, list, metric_text, metric_title, percent, quantity_text, time,
};
use crate::result::{Judgement, SpeedupVerdict, Verdict};
use crate::scenario::{Offload, ProcessApi, Strategy};

/// Whether a crash of one of its workers ends what the others do: a `ProcessPoolExecutor` fails all calls that it has.
fn breaks(taken: &Fared) -> bool {
    match &taken.candidate.strategy {
        Strategy::Processes { api, .. } => match api {
            ProcessApi::Executor { .. } => true,
            ProcessApi::Pool { .. } => false,
        },
        Strategy::Asyncio { offload, pools, .. } => {
            let forks = |o: Offload| match o {
                Offload::Processes(..) => true,
                Offload::None | Offload::Threads(_) | Offload::Interpreters(_) => false,
            };
            forks(*offload) || pools.iter().any(|p| forks(p.workers))
        }
        Strategy::Sequential
        | Strategy::Threads(_)
        | Strategy::Interpreters(_)
        | Strategy::Prefork { .. }
        | Strategy::Server { .. }
        | Strategy::Nodes { .. } => false,
    }
}

impl Words {
    /// Why what is taken is taken.
    pub(super) fn reasons(
        &self,
        (all, decision): (&[Fared], &Decision),
        taken: &Fared,
        tied: &[&Fared],
        constraints: &Constraints,
    ) -> Vec<String> {
        let baseline = decision.baseline.map(|i| &all[i]);
        let mut told = vec![self.ground((all, decision), taken)];
        if let Some(unsure) = decision.unsure.map(|i| &all[i]) {
            let mut undecided = unsure.forecast.objectives.iter();
            let which = undecided
                .find(|o| o.verdict == Verdict::Undecided)
                .map_or(String::new(), |o| format!(" ({})", requirement_short(o)));
            told.push(format!(
                "{} ({}) {}, but does what is required only as far as can be told{which}.",
                capital(&unsure.candidate.name()),
                unsure.label(),
                self.has(unsure)
            ));
        }
        if let Some(s) = taken
            .speedup
            .filter(|_| taken.candidate.family != Family::SingleThread)
        {
            let all_time = if self.batch {
                ""
            } else {
                " where there is always work"
            };
            told.push(format!(
                "Against a single thread {} times the speed{all_time}: {}.",
                plus_minus(s),
                reading(SpeedupVerdict::of(s.mean))
            ));
        } else if let Some(b) = baseline.filter(|_| taken.candidate.family != Family::SingleThread)
            && !b.forecast.is_fine()
        {
            told.push(format!(
                "A single thread does not do it at all: {}.",
                b.forecast.status.name()
            ));
        }
        for o in &taken.forecast.objectives {
            told.push(requirement(o));
        }
        if let Some(m) = taken.forecast.get(Quantity::MemoryPeak) {
            let single = baseline.and_then(|b| b.get(Quantity::MemoryPeak));
            let workers = taken.workers();
            let each = match single.filter(|_| workers > 1) {
                Some(single) => format!(
                    ", {} for each of {workers} workers beyond a single thread's {}",
                    bytes((m.mean - single).max(0.0) / workers as f64),
                    bytes(single)
                ),
                None => String::new(),
            };
            let budget = constraints.memory.map_or(String::new(), |b| {
                format!(" of a budget of {}", bytes(b as f64))
            });
            told.push(format!(
                "Memory at its peak: {}{budget}{each}.",
                bytes(m.mean)
            ));
        }
        if let Some(where_to) = spent(taken) {
            told.push(format!("Of a task's time {where_to}."));
        }
        if constraints.isolated && breaks(taken) {
            told.push(
                "Isolation: a worker that crashes leaves the memory of all others and the main program alone, but breaks the ProcessPoolExecutor: its other calls fail (BrokenProcessPool), and it has to be made anew. multiprocessing.Pool replaces the worker, and only the chunk that it had is lost, without a word."
                    .into(),
            );
        }
        if !tied.is_empty() {
            told.push(format!("As good, and no simpler: {}.", list(&names(tied))));
        }
        told
    }

    /// What decides, of one: `has a p95 latency of 31.2 ms`, `completes up to 80 tasks/s`.
    fn has(&self, f: &Fared) -> String {
        if self.by_capacity(f) {
            format!("completes {}", self.value(f))
        } else {
            format!("has a {}", self.value(f))
        }
    }

    /// The same of one that is held against another of which it was said: `this a p95 latency of 31.2 ms`.
    fn this(&self, f: &Fared) -> String {
        if self.by_capacity(f) {
            format!("this {}", self.value(f))
        } else {
            format!("this a {}", self.value(f))
        }
    }

    fn by_capacity(&self, f: &Fared) -> bool {
        self.priority == Priority::Throughput && !self.batch && f.capacity.is_some()
    }

    /// Why this and nothing else.
    fn ground(&self, (all, decision): (&[Fared], &Decision), taken: &Fared) -> String {
        let named = |f: &Fared| format!("{} ({})", f.candidate.name(), f.label());
        match decision.ground {
            Ground::Best => {
                let which = if decision.unsure.is_some() {
                    "Of all that surely do what is required"
                } else {
                    "Of all that may be taken"
                };
                format!(
                    "{which}, each simulated with the numbers of workers that make sense, {} does best: {}.",
                    taken.candidate.name(),
                    self.value(taken)
                )
            }
            Ground::AsGood { best, tie } => {
                let best = &all[best];
                let both = format!("{} {}, {}", named(best), self.has(best), self.this(taken));
                let and = edge(taken, best).map_or(String::new(), |edge| format!(" and {edge}"));
                match tie {
                    Tie::Simple => format!(
                        "The simplest of those that take at most twice what the best does: {both}."
                    ),
                    Tie::Small => format!(
                        "As good as the best (within {}){and}: {both}.",
                        percent(SAME)
                    ),
                    Tie::Chance => format!(
                        "As good as the best, by what the runs can tell (the difference may be chance){and}: {both}."
                    ),
                }
            }
            Ground::NotWorthIt { instead, times } => {
                let instead = &all[instead];
                format!(
                    "No concurrency: {} is {} times as good as a single thread, and below 1.2 it is not worth its complexity: it {}, {}.",
                    named(instead),
                    digits(times, 3),
                    self.has(instead),
                    self.this(taken)
                )
            }
            Ground::TooSmall { instead, saved } => {
                let instead = &all[instead];
                format!(
                    "No concurrency: the work is over in {}, and {} would save {}.",
                    taken.get(Quantity::Makespan).map_or(String::new(), time),
                    named(instead),
                    time(saved)
                )
            }
        }
    }

    /// Why the tree's answer is not taken.
    pub(super) fn disagrees(
        &self,
        tree: Family,
        by_tree: Option<&Fared>,
        taken: &Fared,
        ground: Ground,
    ) -> String {
        let tree = tree.name();
        let Some(f) = by_tree else {
            return format!("None of the interpreters here can do {tree}.");
        };
        if let Some(why) = f.excluded {
            return format!("{} cannot be taken: {why}.", capital(tree));
        }
        if f.standing() > 1 && f.standing() > taken.standing() {
            return format!(
                "{} does not do what is required: {}.",
                capital(tree),
                lacks(f)
            );
        }
        let both = format!(
            "{tree} (what the tree says) {}, {} {}",
            self.has(f),
            taken.candidate.name(),
            self.has(taken)
        );
        let ahead = self.number(f).zip(self.number(taken));
        let ahead = ahead.is_some_and(|(f, taken)| f < taken);
        let little = match ground {
            Ground::NotWorthIt { .. } | Ground::TooSmall { .. } => true,
            Ground::Best | Ground::AsGood { .. } => false,
        };
        let edge = edge(taken, f);
        if little && ahead {
            return format!("{both}: too little between them for its complexity.");
        }
        match edge {
            Some(edge) if self.is_same(f, taken) => format!("{both}: about the same, and {edge}."),
            None if self.is_same(f, taken) => format!("{both}: about the same."),
            // What is better was not taken because it is less sure, or not as simple as is asked.
            Some(edge) if ahead => format!("{both}, and {edge}."),
            None if ahead => format!("{both}."),
            Some(_) | None => format!(
                "{both}. What makes the difference: {}.",
                self.mechanism(f, taken)
            ),
        }
    }
}

/// What one has over another that is as good, if anything.
fn edge(taken: &Fared, other: &Fared) -> Option<&'static str> {
    let (this, that) = (&taken.candidate, &other.candidate);
    let less = |q: Quantity| {
        let both = taken.get(q).zip(other.get(q));
        both.is_some_and(|(a, b)| a < b)
    };
    if this.complexity() < that.complexity() {
        Some("simpler")
    } else if taken.standing() < other.standing() {
        Some("surer to do what is required")
    } else if this.kind() == that.kind() && taken.usual && !other.usual {
        Some("started as this version of Python starts processes")
    } else if this.kind() == that.kind() && taken.weight() < other.weight() {
        Some("with fewer workers")
    } else if less(Quantity::MemoryPeak) {
        Some("more modest in memory")
    } else if less(Quantity::Makespan) || less(Quantity::LatencyMean) {
        Some("quicker")
    } else {
        None
    }
}

fn requirement(o: &Judgement) -> String {
    let how = match o.verdict {
        Verdict::Met => "Met",
        Verdict::Missed => "Missed",
        Verdict::Undecided => "Met as far as can be told",
    };
    match (o.metric(), o.value) {
        (Some(m), Some(v)) => format!(
            "{how}: {} ({} {}).",
            o.text,
            metric_title(m),
            metric_text(m, v)
        ),
        _ => format!("{how}: {}.", o.text),
    }
}

fn reading(verdict: SpeedupVerdict) -> &'static str {
    match verdict {
        SpeedupVerdict::Slower => "slower",
        SpeedupVerdict::NotWorthIt => "not worth it by speed",
        SpeedupVerdict::Consider => "worth considering, if the workload is large",
        SpeedupVerdict::Clear => "clearly worth it",
    }
}

/// A number with its interval: `3.84 ± 0.02`.
fn plus_minus(e: crate::measure::Estimate) -> String {
    quantity_text(Unit::Count, e)
}
