//! The decision tree that is taught: what the kind of work alone suggests, before anything is simulated. It is where people start, and what the
//! simulation is held against; it decides nothing.

use serde::{Deserialize, Serialize};

use super::constraints::{Constraints, FreeThreading};
use super::family::Family;
use crate::engine::whole;
use crate::plan::{LoadUnit, mean_length, own_load};
use crate::quantity::{counted, digits, percent, time};
use crate::scenario::{Arrivals, LockId, Locking, Runs, Scenario, Step, StepResource, WaitsFor};

/// A question of the tree, with the answer that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: String,
    /// Of which figures it is made.
    pub because: String,
}

/// What the work is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Demand {
    /// Mean seconds of CPU time of a task: bytecode and native code.
    pub cpu: f64,
    /// Of these, seconds of native code, which executes without the GIL.
    pub native: f64,
    /// Mean seconds that a task waits for something outside.
    pub waits: f64,
    /// Cores that are needed on average; of a batch, at the least time that it can take.
    pub cores: f64,
    /// Tasks that may be under way side by side.
    pub at_once: u64,
    /// Whether tasks change objects that they share.
    pub shares: bool,
    /// Machines that the scenario puts its tasks on, at most.
    pub machines: u32,
}

impl Demand {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let w = &scenario.workload;
        let batch = w.arrivals == Arrivals::Batch;
        let weight = |c: &crate::scenario::TaskClass| if batch { c.count as f64 } else { c.weight };
        let all: f64 = w.classes.iter().map(weight).sum();
        let mean = |such: &[StepResource]| {
            let of = w.classes.iter().map(|c| weight(c) * spent(&c.steps, such));
            of.sum::<f64>() / all.max(f64::MIN_POSITIVE)
        };
        let native = mean(&[StepResource::Native]);
        let cpu = native + mean(&[StepResource::Bytecode]);
        let waits = mean(&[StepResource::Outside, StepResource::Blocked]);
        let length = mean_length(w).max(1e-9);
        let (cores, at_once) = match (&w.arrivals, own_load(scenario)) {
            (Arrivals::Batch, _) | (_, None) => {
                let tasks = w.tasks_of_a_round();
                (cpu * tasks as f64 / length, tasks)
            }
            (_, Some(load)) => match LoadUnit::of(scenario) {
                // Tasks that come whether others are over or not overlap by chance, however few there are.
                LoadUnit::PerSecond => (load * cpu, at_least_one(load * length).max(2)),
                LoadUnit::Users => {
                    let cycle = length + think(&w.arrivals);
                    (load * cpu / cycle, at_least_one(load))
                }
            },
        };
        let own = |lock: LockId| !w.locks[lock].shared;
        let shares = |s: &Step| {
            let waits = match s.waits() {
                WaitsFor::Lock(lock) => own(lock),
                WaitsFor::Never
                | WaitsFor::Outside
                | WaitsFor::Device(_)
                | WaitsFor::Item(_)
                | WaitsFor::Room(_)
                | WaitsFor::Resource(_)
                | WaitsFor::Children
                | WaitsFor::Pause => false,
            };
            let locks = s.locking().is_some_and(|l| match l {
                Locking::Takes(lock) | Locking::Gives(lock) => own(lock),
            });
            waits || locks || s.writes().is_some()
        };
        Self {
            cpu,
            native,
            waits,
            cores,
            at_once,
            shares: w.any_step(shares),
            machines: scenario
                .strategies
                .iter()
                .map(|c| c.strategy.machines(&w.faults))
                .max()
                .unwrap_or(1),
        }
    }

    /// Share of a task's own time that it waits.
    pub(super) fn waiting(&self) -> f64 {
        let all = self.cpu + self.waits;
        if all > 0.0 { self.waits / all } else { 0.0 }
    }
}

fn think(arrivals: &Arrivals) -> f64 {
    match arrivals {
        Arrivals::Closed { think, .. } => think.mean() / 1e9,
        Arrivals::Batch
        | Arrivals::Open { .. }
        | Arrivals::Varying { .. }
        | Arrivals::Sessions { .. }
        | Arrivals::Trace(_) => 0.0,
    }
}

/// So many tasks, at least one.
fn at_least_one(x: f64) -> u64 {
    whole(libm::ceil(x)).max(1)
}

/// Mean seconds that steps spend so, children and repetitions counted.
pub(super) fn spent(steps: &[Step], such: &[StepResource]) -> f64 {
    let of = |step: &Step| {
        let own = match step.takes() {
            Some((resource, time)) if such.contains(&resource) => time.mean() / 1e9,
            _ => 0.0,
        };
        let within = step.inside().map_or(0.0, |inside| {
            let times = match inside.runs {
                Runs::Once | Runs::Attempts(_) => 1.0,
                Runs::Times(n) | Runs::Children(n) => n as f64,
            };
            times * spent(inside.steps, such)
        });
        own + within
    };
    steps.iter().map(of).sum()
}

/// Share of a task's time that it waits from which it is I/O-bound, and of its CPU time from which it is CPU-bound.
const BOUND: f64 = 0.85;

/// What the tree says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Prior {
    pub path: Vec<Question>,
    pub family: Family,
}

/// Goes through the tree.
pub(super) fn prior(demand: &Demand, constraints: &Constraints) -> Prior {
    let mut path = Vec::new();
    let mut ask = |question: &str, yes: bool, because: String| {
        path.push(Question {
            question: question.to_owned(),
            answer: if yes { "yes" } else { "no" }.to_owned(),
            because,
        });
        yes
    };
    if demand.machines > 1
        && !ask(
            "Is one machine enough?",
            false,
            format!("the scenario has {} machines", demand.machines),
        )
    {
        return Prior {
            path,
            family: Family::Distributed,
        };
    }
    let spends = format!(
        "a task computes for {} and waits for {}",
        time(demand.cpu),
        time(demand.waits)
    );
    let io = ask("Is it I/O-bound?", demand.waiting() >= BOUND, spends);
    let cores = || format!("it needs {} of a core", digits(demand.cores, 2));
    let more_than_one = || match demand.cores {
        c if c > 1.0 => format!("it could use {} cores", digits(c, 2)),
        _ => cores(),
    };
    if io
        && !ask(
            "Does it need more than one core as well?",
            demand.cores > 1.0,
            more_than_one(),
        )
    {
        return Prior {
            path,
            family: Family::Asyncio,
        };
    }
    let computes = demand.waiting() <= 1.0 - BOUND;
    let share = format!(
        "{} of a task's own time is waiting",
        percent(demand.waiting())
    );
    if io || !ask("Is it CPU-bound?", computes, share.clone()) {
        ask("Does it both compute and wait?", true, share);
        let free = constraints.free_threading == FreeThreading::Yes;
        return Prior {
            path,
            family: if free {
                Family::AsyncioFreeThreads
            } else {
                Family::AsyncioThreads
            },
        };
    }
    let parallel = demand.at_once > 1;
    let tasks = if parallel {
        format!(
            "{} may be under way at once",
            counted(demand.at_once, "task")
        )
    } else {
        "one task is under way at a time".into()
    };
    if !ask("Can tasks be executed in parallel?", parallel, tasks) {
        return Prior {
            path,
            family: Family::SingleThread,
        };
    }
    let shares = constraints.shared.unwrap_or(demand.shares);
    let why = if constraints.shared.is_some() && shares {
        "tasks change the same objects in place, as was said"
    } else if shares {
        "tasks take a lock of the process, or change a shared object"
    } else {
        "tasks share no objects that they change"
    };
    let family = if ask("Do workers share state?", shares, why.into()) {
        Family::FreeThreads
    } else {
        let why = if constraints.isolated {
            "a crash must not take the others with it: forkserver or spawn"
        } else {
            "a crash may take the others with it: processes by any method"
        };
        ask("Is isolation needed?", constraints.isolated, why.into());
        Family::Processes
    };
    Prior { path, family }
}
