//! Which strategy a trace was recorded under, and which ones its scenario compares.

use std::collections::BTreeMap;

use super::facts::RunFacts;
use super::limit::ConcurrencyLimit;
use super::trace::Trace;
use crate::scenario::{NamedPool, Offload, ProcessApi, Strategy, Workers, strategy_label};

/// The name of the pool that an event loop offloads to by default.
const DEFAULT: &str = "default";
/// A strategy that ran this share of the tasks stands for the recorded run.
const MOST: f64 = 0.95;
/// The greatest number of copies of a server that is proposed.
const COPIES: usize = 64;

/// The strategy that a trace was recorded under.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenStrategy {
    /// The strategy that most tasks ran under.
    pub strategy: Strategy,
    /// The share of the tasks that did.
    pub share: f64,
    /// The executor as the program made it, which may have had one worker for the recording.
    pub made: Strategy,
}

impl SeenStrategy {
    /// Whether so many tasks ran under it that its forecast can be held against the recorded run.
    #[must_use]
    pub(crate) fn is_whole(&self) -> bool {
        self.share >= MOST
    }
}

/// The strategy that most tasks of these classes (index in the trace, number of tasks) ran under.
pub(super) fn seen(
    trace: &Trace,
    classes: &[(usize, usize)],
    limit: Option<&ConcurrencyLimit>,
    one_worker: bool,
    notes: &mut Vec<String>,
) -> Option<SeenStrategy> {
    let mut votes: Vec<(Strategy, f64)> = Vec::new();
    for (class, tasks) in classes {
        let ran = executors(trace, &trace.classes[*class]);
        let all: f64 = ran.iter().map(|(_, n)| n).sum();
        for (how, n) in ran {
            add(&mut votes, how, *tasks as f64 * n / all);
        }
    }
    let all = classes.iter().map(|(_, n)| *n).sum::<usize>().max(1) as f64;
    // Of equally many the last one, as ever.
    let (how, _) = votes.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    // Maps over one pool may differ in the size of their chunks, of which a strategy has one.
    let same: Vec<&(Strategy, f64)> = votes
        .iter()
        .filter(|(other, _)| unchunked(other) == unchunked(how))
        .collect();
    if same.len() > 1 {
        let of = |(how, n): &&(Strategy, f64)| {
            format!("`{}` ({:.0}%)", strategy_label(how), 100.0 * n / all)
        };
        let sizes: Vec<String> = same.iter().map(of).collect();
        notes.push(format!(
            "tasks went to one pool in chunks of several sizes: {}. A strategy has one size, here that of most tasks: where few chunks are left in \
             the end, others would share them out differently",
            sizes.join(", ")
        ));
    }
    let share = same.iter().map(|(_, n)| n).sum::<f64>() / all;
    let each = match how {
        Strategy::Asyncio { .. } => asyncio(trace, limit.map(|l| l.tasks)),
        Strategy::Threads(Workers::Exactly(_) | Workers::Auto) if one_worker => {
            Strategy::Threads(Workers::Exactly(1))
        }
        Strategy::Sequential
        | Strategy::Threads(_)
        | Strategy::Processes { .. }
        | Strategy::Interpreters(_)
        | Strategy::Prefork { .. }
        | Strategy::Nodes { .. }
        | Strategy::Server { .. } => how.clone(),
    };
    Some(SeenStrategy {
        strategy: copied(each, how, &trace.facts),
        share,
        made: how.clone(),
    })
}

/// Adds so many tasks to those that ran under a strategy.
fn add(votes: &mut Vec<(Strategy, f64)>, how: Strategy, tasks: f64) {
    match votes.iter_mut().find(|(other, _)| *other == how) {
        Some((_, n)) => *n += tasks,
        None => votes.push((how, tasks)),
    }
}

/// A pool of processes whatever the size of its chunks.
fn unchunked(how: &Strategy) -> Strategy {
    match how {
        Strategy::Processes {
            workers,
            start,
            api,
            life,
        } => Strategy::Processes {
            workers: *workers,
            start: *start,
            api: match api {
                ProcessApi::Executor { .. } => ProcessApi::Executor { chunksize: None },
                ProcessApi::Pool { .. } => ProcessApi::Pool { chunksize: None },
            },
            life: life.clone(),
        },
        Strategy::Sequential
        | Strategy::Threads(_)
        | Strategy::Interpreters(_)
        | Strategy::Asyncio { .. }
        | Strategy::Prefork { .. }
        | Strategy::Nodes { .. }
        | Strategy::Server { .. } => how.clone(),
    }
}

/// The executors that ran a class, in the order in which they did, and how many of its tasks each. Workers that take their items from a queue are
/// counted while they come, so that several numbers of threads are the greatest of them.
fn executors(trace: &Trace, class: &str) -> Vec<(Strategy, f64)> {
    let mut order: Vec<&Strategy> = Vec::new();
    // What a process says of itself grows.
    let mut tasks: BTreeMap<(usize, u64), u64> = BTreeMap::new();
    for ran in trace.facts.ran.iter().filter(|r| r.class == class) {
        let place = order.iter().position(|how| **how == ran.how);
        let place = place.unwrap_or_else(|| {
            order.push(&ran.how);
            order.len() - 1
        });
        let known = tasks.entry((place, ran.pid)).or_default();
        *known = ran.tasks.max(*known);
    }
    let most = order.iter().filter_map(|how| exactly(how)).max();
    let mut out = Vec::new();
    for ((place, _), n) in tasks {
        let how = match (exactly(order[place]), most) {
            (Some(_), Some(most)) => Strategy::Threads(Workers::Exactly(most)),
            _ => order[place].clone(),
        };
        add(&mut out, how, n as f64);
    }
    out
}

/// The number of threads of the pool that ran a class; `None` if it was another executor.
pub(super) fn threads_of(trace: &Trace, class: &str) -> Option<usize> {
    let (how, _) = executors(trace, class).into_iter().next()?;
    usize::try_from(exactly(&how)?).ok()
}

/// An event loop with the pools that coroutines offloaded to.
fn asyncio(trace: &Trace, limit: Option<usize>) -> Strategy {
    let pools = trace.pools.iter();
    let default = trace.pools.iter().find(|p| p.name == DEFAULT);
    Strategy::Asyncio {
        limit: limit.and_then(|n| u32::try_from(n).ok()),
        offload: default.map_or(Offload::None, |p| p.workers),
        pools: pools
            .filter(|p| p.name != DEFAULT)
            .map(|p| NamedPool {
                name: p.name.clone(),
                workers: p.workers,
            })
            .collect(),
    }
}

/// A strategy in as many processes as ran it: the workers of a server.
fn copied(each: Strategy, how: &Strategy, facts: &RunFacts) -> Strategy {
    let in_workers = match how {
        Strategy::Sequential | Strategy::Threads(_) | Strategy::Asyncio { .. } => false,
        Strategy::Processes { .. }
        | Strategy::Interpreters(_)
        | Strategy::Prefork { .. }
        | Strategy::Nodes { .. }
        | Strategy::Server { .. } => true,
    };
    if in_workers {
        return each;
    }
    let ran = facts.ran.iter().filter(|r| r.how == *how);
    let mut processes: Vec<u64> = ran.map(|r| r.pid).collect();
    processes.sort_unstable();
    processes.dedup();
    match processes.len() {
        0 | 1 => each,
        n => served(u32::try_from(n.min(COPIES)).unwrap_or(1), each, facts),
    }
}

/// A strategy in so many workers, which begin as those of the recorded server do.
fn served(processes: u32, each: Strategy, facts: &RunFacts) -> Strategy {
    Strategy::Prefork {
        processes,
        each: Box::new(each),
        life: facts.life(),
    }
}

/// The strategies that the scenario compares, in their short forms: the recorded one first.
pub(super) fn compared(
    trace: &Trace,
    seen: Option<&SeenStrategy>,
    limit: Option<&ConcurrencyLimit>,
    cores: u32,
) -> Vec<String> {
    let Some(seen) = seen else {
        return limit.map_or_else(Vec::new, ConcurrencyLimit::strategies);
    };
    let mut out = vec![strategy_label(&seen.strategy)];
    let on_loop = asyncio(trace, limit.map(|l| l.tasks));
    let on_loop_label = strategy_label(&on_loop);
    let permits = trace.resources.iter().map(|r| r.size).max();
    let threads = limit
        .and_then(|l| u32::try_from(l.tasks).ok())
        .or_else(|| threads(&seen.made))
        .or_else(|| permits.and_then(|n| u32::try_from(n).ok()))
        .unwrap_or(4 * cores);
    let mut others = limit.map_or_else(Vec::new, ConcurrencyLimit::strategies);
    if trace.facts.server() {
        let workers = cores.max(2);
        let by = |processes, each| strategy_label(&served(processes, each, &trace.facts));
        others.extend([
            on_loop_label,
            format!("threads:{threads}"),
            by(workers, on_loop),
            by(workers, Strategy::Threads(Workers::Exactly(threads))),
            by(2 * workers, Strategy::Sequential),
        ]);
    } else {
        others.extend([
            "sequential".to_owned(),
            format!("threads:{threads}"),
            on_loop_label,
            format!("processes:{cores}:fork"),
            format!("processes:{cores}:spawn"),
        ]);
    }
    for other in others {
        if !out.contains(&other) {
            out.push(other);
        }
    }
    out
}

/// The number of threads of a pool of several.
fn threads(strategy: &Strategy) -> Option<u32> {
    exactly(strategy).filter(|n| *n > 1)
}

/// The number of threads of a pool.
fn exactly(strategy: &Strategy) -> Option<u32> {
    match strategy {
        Strategy::Threads(Workers::Exactly(n)) => Some(*n),
        Strategy::Threads(Workers::Auto | Workers::PerTask)
        | Strategy::Sequential
        | Strategy::Processes { .. }
        | Strategy::Interpreters(_)
        | Strategy::Asyncio { .. }
        | Strategy::Prefork { .. }
        | Strategy::Nodes { .. }
        | Strategy::Server { .. } => None,
    }
}
