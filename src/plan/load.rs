//! A scenario under another load, and with other inputs.

use crate::engine::Nanos;
use crate::scenario::{
    Arrivals, Dist, ResourceKind, Rounds, Runs, Scenario, Step, StepResource, TaskClass, Workload,
    on_cpu, taking,
};
use crate::study::arrivals_last;

/// In what a load is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadUnit {
    /// Tasks a second: on average where the rate stays, at the peak where it changes.
    PerSecond,
    /// Users, who each wait for their answer before they ask again.
    Users,
}

impl LoadUnit {
    /// That of the scenario's arrivals.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        match scenario.workload.arrivals {
            Arrivals::Closed { .. } => Self::Users,
            Arrivals::Batch
            | Arrivals::Open { .. }
            | Arrivals::Varying { .. }
            | Arrivals::Sessions { .. }
            | Arrivals::Trace(_) => Self::PerSecond,
        }
    }
}

impl LoadUnit {
    /// A load as it can be had: users are whole.
    pub(super) fn possible(self, load: f64) -> f64 {
        match self {
            Self::PerSecond => load,
            Self::Users => libm::round(load).max(1.0),
        }
    }
}

/// The load that the scenario itself has; `None` of a batch, which comes at once.
pub(crate) fn own_load(scenario: &Scenario) -> Option<f64> {
    let rate = |interval: &Dist| 1e9 / interval.mean().max(1.0);
    match &scenario.workload.arrivals {
        Arrivals::Batch => None,
        Arrivals::Open { interval, .. } => Some(rate(interval)),
        Arrivals::Varying { load, .. } => Some(load.peak_rate()),
        Arrivals::Sessions {
            interval, requests, ..
        } => Some(rate(interval) * requests),
        Arrivals::Trace(tasks) => {
            let last = tasks.last()?.at.as_secs_f64();
            (last > 0.0).then(|| tasks.len() as f64 / last)
        }
        Arrivals::Closed { users, .. } => Some(f64::from(*users)),
    }
}

/// The mean rate as a share of the peak's, which is the load; `None` where the rate stays.
pub(super) fn mean_of_peak(scenario: &Scenario) -> Option<f64> {
    match &scenario.workload.arrivals {
        Arrivals::Varying { load, .. } => Some(load.mean_rate() / load.peak_rate()),
        Arrivals::Open { .. }
        | Arrivals::Sessions { .. }
        | Arrivals::Trace(_)
        | Arrivals::Closed { .. }
        | Arrivals::Batch => None,
    }
}

/// What is changed of a scenario to learn what a wrong input would do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Input {
    /// Nothing.
    AsItIs,
    /// CPU times are so many times as long.
    Cpu(f64),
    /// Waits for something outside are so many times as long.
    Waits(f64),
    /// What is imported, and what tasks hold, is so many times as large.
    Memory(f64),
    /// There are so many of a resource: its index, and how many.
    Limit(usize, u64),
}

impl Input {
    /// Changes it in the workload.
    pub(crate) fn changed(self, workload: &mut Workload) {
        let each = |w: &mut Workload, of: &dyn Fn(&[Step]) -> Vec<Step>| {
            for class in &mut w.classes {
                class.steps = of(&class.steps);
            }
        };
        let waits = |resource: StepResource| !on_cpu(resource);
        match self {
            Self::AsItIs => {}
            Self::Cpu(by) => each(workload, &|steps| taking(steps, by, &on_cpu)),
            Self::Waits(by) => each(workload, &|steps| taking(steps, by, &waits)),
            Self::Memory(by) => {
                let more = |steps: &[Step]| steps.iter().map(|s| s.holding(by)).collect();
                each(workload, &more);
                let memory = Nanos(workload.imports.memory).scale(by);
                workload.imports.memory = memory.0;
            }
            Self::Limit(resource, n) => {
                let n = n.max(1);
                match &mut workload.resources[resource].kind {
                    ResourceKind::Semaphore { count } => *count = n,
                    ResourceKind::Connections { size, overflow, .. } => {
                        *size = (*size).min(n);
                        *overflow = n - *size;
                    }
                    ResourceKind::RateLimit { .. } | ResourceKind::Breaker { .. } => {}
                }
            }
        }
    }

    /// A number that tells it from others.
    pub(super) fn key(self) -> (u8, usize, u64) {
        match self {
            Self::AsItIs => (0, 0, 0),
            Self::Cpu(by) => (1, 0, by.to_bits()),
            Self::Waits(by) => (2, 0, by.to_bits()),
            Self::Memory(by) => (3, 0, by.to_bits()),
            Self::Limit(resource, n) => (4, resource, n),
        }
    }
}

/// Seconds of arrivals that a run has beside what tasks and imports take.
const MORE_SECONDS: f64 = 2.0;
/// Times the mean length of a task that arrivals last.
const LENGTHS: f64 = 8.0;
/// Fewest tasks of a run: a hundredth of them are the twenty beyond the 99th percentile.
const FEWEST_TASKS: f64 = 2_000.0;
/// Most tasks that come in these.
const MOST_MORE: f64 = 6_000.0;

/// The scenario at this load: the same tasks, so many times as long a run (`times`, 1 for a first look), and nothing of what it compares.
pub(crate) fn at_load(scenario: &Scenario, load: f64, input: Input, times: f64) -> Scenario {
    let mut at = scenario.clone();
    input.changed(&mut at.workload);
    let lasts = own_length(scenario);
    at.strategies = Vec::new();
    at.replications = None;
    at.warmup = None;
    let seconds = LENGTHS * mean_stay(&scenario.workload)
        + 1.5 * scenario.workload.imports.time.as_secs_f64();
    let rate = match LoadUnit::of(scenario) {
        LoadUnit::PerSecond => load,
        LoadUnit::Users => load / cycle(scenario).max(1e-9),
    };
    let more = (rate * MORE_SECONDS).min(MOST_MORE);
    let tasks = match lasts {
        Some(seconds) => rate * seconds,
        None => (rate * seconds + more).max(FEWEST_TASKS) * times,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number within limits"
    )]
    let tasks = libm::ceil(tasks).max(1.0) as u64;
    let w = &mut at.workload;
    let poisson = |load: f64| Dist::Exponential(Nanos::from_f64(1e9 / load).max(Nanos(1)));
    match &mut w.arrivals {
        Arrivals::Batch => {
            for class in &mut w.classes {
                class.weight = class.count.max(1) as f64;
            }
            w.rounds = Rounds::default();
            w.arrivals = Arrivals::Open {
                interval: poisson(load),
                count: Some(tasks),
            };
            at.horizon = None;
        }
        Arrivals::Open { interval, count } => {
            *interval = interval.scaled(1e9 / load / interval.mean().max(1.0));
            *count = Some(tasks);
            at.horizon = None;
        }
        Arrivals::Sessions {
            interval,
            requests,
            count,
            ..
        } => {
            *interval = interval.scaled(1e9 / load * *requests / interval.mean().max(1.0));
            *count = Some(tasks);
            at.horizon = None;
        }
        Arrivals::Closed { users, count, .. } => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float cast saturates"
            )]
            let whole = libm::round(load).max(1.0) as u32;
            *users = whole;
            *count = Some(tasks.max(u64::from(whole) * 10));
            at.horizon = None;
        }
        Arrivals::Varying { load: curve, count } => {
            let by = load / curve.peak_rate().max(f64::MIN_POSITIVE);
            *curve = curve.multiplied(by);
            *count = count.map(|n| Nanos(n).scale(by).0.max(1));
        }
        Arrivals::Trace(traced) => {
            let by = own_load(scenario).unwrap_or(load) / load;
            traced.iter_mut().for_each(|t| t.at = t.at.scale(by));
        }
    }
    at
}

/// Seconds that the scenario's own run lasts, where what happens in it has its time, and so a plan's runs have to last as long: faults come at theirs,
/// or are meant by how many come in such a run. `None` where a run may be as long as is needed.
pub(super) fn own_length(scenario: &Scenario) -> Option<f64> {
    let disturbed = !scenario.workload.faults.is_empty();
    disturbed.then(|| arrivals_last(scenario)).flatten()
}

/// Mean seconds for which somebody who comes stays: until the answer, or until the last one of a session.
fn mean_stay(workload: &Workload) -> f64 {
    let length = mean_length(workload);
    match &workload.arrivals {
        Arrivals::Sessions {
            requests, think, ..
        } => requests * (length + think.mean() / 1e9),
        Arrivals::Batch
        | Arrivals::Open { .. }
        | Arrivals::Varying { .. }
        | Arrivals::Trace(_)
        | Arrivals::Closed { .. } => length,
    }
}

/// Mean time between two requests of a user who never has to wait: the answer, and thinking.
pub(super) fn cycle(scenario: &Scenario) -> f64 {
    let think = match &scenario.workload.arrivals {
        Arrivals::Closed { think, .. } => think.mean() / 1e9,
        Arrivals::Batch
        | Arrivals::Open { .. }
        | Arrivals::Varying { .. }
        | Arrivals::Sessions { .. }
        | Arrivals::Trace(_) => 0.0,
    };
    think + mean_length(&scenario.workload)
}

/// Mean of a figure over the classes, by how often their tasks come.
fn mean_of(workload: &Workload, of: &dyn Fn(&TaskClass) -> f64) -> f64 {
    let batch = workload.arrivals == Arrivals::Batch;
    let weight = |c: &TaskClass| if batch { c.count as f64 } else { c.weight };
    let all: f64 = workload.classes.iter().map(weight).sum();
    let classes = workload.classes.iter();
    classes.map(|c| weight(c) * of(c)).sum::<f64>() / all.max(f64::MIN_POSITIVE)
}

/// Mean seconds that a task takes if nothing delays it, its children all at once.
pub(crate) fn mean_length(workload: &Workload) -> f64 {
    mean_of(workload, &|class| {
        let length = Counted {
            such: &|_| true,
            early: true,
            children: &|_| 1.0,
        };
        let all = length.of(&class.steps);
        if all.is_finite() { all } else { 1.0 }
    })
}

/// Mean seconds of CPU time that every task of the workload needs for certain: what comes before anything that may end it early. A bound from
/// below.
pub(super) fn certain_cpu(workload: &Workload) -> f64 {
    mean_of(workload, &|class| {
        let cpu = Counted {
            such: &on_cpu,
            early: false,
            children: &|n| n as f64,
        };
        cpu.of(&class.steps)
    })
}

/// Of these, mean seconds of bytecode that never gives the GIL up but when it is asked to.
pub(super) fn certain_bytecode(workload: &Workload) -> f64 {
    let releases = |c: &TaskClass| c.steps.iter().any(|s| s.any(&|s| s.releases() > 0));
    if workload.classes.iter().any(releases) {
        return 0.0;
    }
    mean_of(workload, &|class| {
        let bytecode = Counted {
            such: &|resource| resource == StepResource::Bytecode,
            early: false,
            children: &|n| n as f64,
        };
        bytecode.of(&class.steps)
    })
}

/// Mean seconds for which a worker that executes one task at a time is taken by each, at least.
pub(super) fn certain_hold(workload: &Workload) -> f64 {
    mean_of(workload, &|class| {
        let hold = Counted {
            such: &|_| true,
            early: false,
            children: &|_| 0.0,
        };
        hold.of(&class.steps)
    })
}

/// Which times of steps are counted.
struct Counted<'a> {
    /// Those that are spent so.
    such: &'a dyn Fn(StepResource) -> bool,
    /// Whether steps count that may never come, because one before them may end the task.
    early: bool,
    /// How often the steps of so many children count.
    children: &'a dyn Fn(u64) -> f64,
}

impl Counted<'_> {
    /// Mean seconds of them.
    fn of(&self, steps: &[Step]) -> f64 {
        let mut sum = 0.0;
        for step in steps {
            if let Some((resource, time)) = step.takes()
                && (self.such)(resource)
            {
                sum += time.mean() / 1e9;
            }
            let unsafe_inside = step.any(&Step::may_fail);
            if let Some(inside) = step.inside() {
                let times = match inside.runs {
                    Runs::Once | Runs::Attempts(_) => 1.0,
                    Runs::Times(_) if unsafe_inside && !self.early => 1.0,
                    Runs::Times(n) => n as f64,
                    // Of children that are cancelled nothing is certain.
                    Runs::Children(_) if step.may_fail() && !self.early => 0.0,
                    Runs::Children(n) => (self.children)(n),
                };
                // A time-out may come at once.
                let cut = step.may_fail() && !self.early;
                sum += if cut {
                    0.0
                } else {
                    times * self.of(inside.steps)
                };
            }
            if unsafe_inside && !self.early {
                break;
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn scenario(arrivals: &str, faults: &str) -> Scenario {
        let text = format!(
            "(schema: 1, name: \"s\", machine: (cores: 1), interpreters: [\"cpython-3.14\"], strategies: [Uvicorn(workers: 2)],
              workload: (arrivals: {arrivals}, tasks: [(name: \"t\", steps: [Cpu(\"5ms\"), Io(\"20ms\")])], {faults}))"
        );
        parse(&text, std::path::Path::new("s.ron"), &[]).unwrap()
    }

    fn count(scenario: &Scenario, load: f64, times: f64) -> u64 {
        let at = at_load(scenario, load, Input::AsItIs, times);
        match at.workload.arrivals {
            Arrivals::Open { count, .. } | Arrivals::Sessions { count, .. } => count.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// A fault at 20 s of a minute comes at 20 s of a minute under any load, and however closely is looked.
    #[test]
    fn with_faults_a_run_lasts_as_long_as_the_scenario_s() {
        let faults = "faults: [Crash(at: \"20s\", worker: 0)]";
        let s = scenario("Poisson(rate: 100, count: 6000)", faults);
        assert_eq!(count(&s, 100.0, 1.0), 6000);
        assert_eq!(count(&s, 400.0, 1.0), 24_000);
        assert_eq!(count(&s, 50.0, 4.0), 3000);
        let without = scenario("Poisson(rate: 100, count: 6000)", "");
        assert_eq!(count(&without, 400.0, 4.0), 4 * count(&without, 400.0, 1.0));
    }

    /// Users of sessions stay for all of it: a run lasts eight times as long, so that most of it is under the load that is meant.
    #[test]
    fn sessions_are_over_many_times_in_a_run() {
        let s = scenario(
            "Sessions(rate: 10, requests: 5, think: Exponential(\"2s\"), count: 4000)",
            "",
        );
        let (load, stay) = (400.0, 5.0 * 2.025);
        let tasks = count(&s, load, 1.0) as f64;
        assert!(tasks >= load * 8.0 * stay, "{tasks}");
    }
}
