//! Checks whether a scenario can be simulated at all: estimates what its runs hold at once, and what a study keeps of them, from constants
//! and means, and compares that with fixed limits. The answer is therefore the same on every machine.

use super::units::grouped;
use super::{
    Arrivals, Execution, Inside, Placed, Pool, Runs, Scenario, Step, StepResource, Strategy,
    StrategyCase, WaitsFor, Workers, Workload, limits, strategy_label,
};
use crate::engine::{Nanos, whole};

/// A part of a scenario that exceeds one of the program's limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastLimit {
    /// The part.
    pub part: ScenarioPart,
    /// The estimated number, and the limit with its name.
    pub message: String,
    /// Advice on what to do instead.
    pub help: &'static str,
}

/// A part of a scenario that may exceed a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScenarioPart {
    /// The arrivals, with how long their tasks take.
    Arrivals,
    /// The strategy of this index.
    Strategy(usize),
    /// The number of cases: strategies times interpreters.
    Cases,
    /// The number of replications.
    Replications,
}

/// Cases of the full set of an interpreter, which is compared if a scenario names no strategy.
const FULL_SET: u64 = 16;
/// Replications of a case if nobody gives their number.
const USUAL_REPLICATIONS: u64 = 10;
/// Numbers that a study keeps of a replication, beside those of each core and each class.
const NUMBERS: u64 = 100;
/// Numbers that a study keeps of each class in a replication: its latencies.
const NUMBERS_OF_CLASS: u64 = 7;

impl Scenario {
    /// The parts of the scenario that exceed a limit. `replications` applies where the scenario does not give their number.
    pub fn past_limits(&self, replications: Option<u32>) -> Vec<PastLimit> {
        let mut past = Vec::new();
        let tasks = tasks_at_once(self);
        if tasks > limits::MAX_TASKS_AT_ONCE {
            let sample = "simulate a sample of the tasks, or fewer children";
            let (what, help) = match &self.workload.arrivals {
                Arrivals::Batch => (
                    format!(
                        "the batch has {} tasks and children at once",
                        grouped(tasks)
                    ),
                    sample,
                ),
                Arrivals::Trace(_) => (
                    format!("the trace has {} tasks and children", grouped(tasks)),
                    sample,
                ),
                Arrivals::Closed { .. } | Arrivals::Sessions { .. } => (
                    format!(
                        "the users' requests and their children are {} at once",
                        grouped(tasks)
                    ),
                    "simulate fewer users, or fewer children",
                ),
                Arrivals::Open { .. } | Arrivals::Varying { .. } => (
                    format!(
                        "on average tasks arrive faster than they end: {} are under way at once",
                        grouped(tasks)
                    ),
                    "lower the rate or the count, shorten the steps, or add cores",
                ),
            };
            past.push(PastLimit {
                part: ScenarioPart::Arrivals,
                message: format!(
                    "{what}, more than {}",
                    limits::named("MAX_TASKS_AT_ONCE", limits::MAX_TASKS_AT_ONCE)
                ),
                help,
            });
        }
        for (i, case) in self.strategies.iter().enumerate() {
            past.extend(self.strategy_past(i, &case.strategy, tasks));
        }
        let cases = self.cases();
        if cases > limits::MAX_CASES {
            past.push(PastLimit {
                part: ScenarioPart::Cases,
                message: format!(
                    "the strategies on the interpreters are {} cases, more than {}",
                    grouped(cases),
                    limits::named("MAX_CASES", limits::MAX_CASES)
                ),
                help: "compare fewer strategies, or on fewer interpreters",
            });
            return past;
        }
        let replications = replications.or(self.replications);
        let each =
            NUMBERS + self.most_cores() + NUMBERS_OF_CLASS * self.workload.classes.len() as u64;
        let of_each = replications.map_or(USUAL_REPLICATIONS, u64::from);
        let kept = of_each.saturating_mul(cases).saturating_mul(each);
        if kept > limits::MAX_KEPT_NUMBERS {
            let part = if replications.is_some() {
                ScenarioPart::Replications
            } else {
                ScenarioPart::Cases
            };
            past.push(PastLimit {
                part,
                message: format!(
                    "{} replications of {} cases, of each about {} numbers (for every core and every class of tasks), are {}, more than {}",
                    grouped(of_each),
                    grouped(cases),
                    grouped(each),
                    grouped(kept),
                    limits::named("MAX_KEPT_NUMBERS", limits::MAX_KEPT_NUMBERS)
                ),
                help: "ask for fewer replications, or compare fewer strategies at once",
            });
        }
        past
    }

    /// Number of cases that are compared.
    fn cases(&self) -> u64 {
        let interpreters = self.interpreters.len() as u64;
        if self.strategies.is_empty() {
            return FULL_SET * interpreters;
        }
        let on = |named: bool| if named { 1 } else { interpreters };
        self.strategies
            .iter()
            .map(|c| on(c.interpreter.is_some()))
            .sum()
    }

    /// The threads or processes of a strategy, if they exceed their limit.
    fn strategy_past(&self, number: usize, strategy: &Strategy, tasks: u64) -> Option<PastLimit> {
        let crew = PeakConcurrency::of(strategy, &self.workload, self.machine.visible_cpus, tasks);
        let past = |what: &str, n: u64, name: &str, most: u64, help| PastLimit {
            part: ScenarioPart::Strategy(number),
            message: format!(
                "the strategy {} has up to {} {what} at once, more than {}",
                strategy_label(strategy),
                grouped(n),
                limits::named(name, most)
            ),
            help,
        };
        if crew.processes > limits::MAX_PROCESSES {
            return Some(past(
                "processes and interpreters",
                crew.processes,
                "MAX_PROCESSES",
                limits::MAX_PROCESSES,
                "take fewer workers, or fewer processes of the server",
            ));
        }
        let started = started(&self.workload, self.horizon, strategy);
        if started > limits::MAX_PROCESSES {
            return Some(PastLimit {
                part: ScenarioPart::Strategy(number),
                message: format!(
                    "the strategy {} starts about {} processes in a run, more than {}",
                    strategy_label(strategy),
                    grouped(started),
                    limits::named("MAX_PROCESSES", limits::MAX_PROCESSES)
                ),
                help: "simulate fewer tasks, or let each worker have more of them before it is replaced",
            });
        }
        (crew.threads > limits::MAX_THREADS).then(|| {
            past(
                "threads",
                crew.threads,
                "MAX_THREADS",
                limits::MAX_THREADS,
                "take fewer workers, or a pool instead of a thread for each task",
            )
        })
    }
}

/// Number of processes that take the places of others in a run, each of which had as many tasks as it gets; 0 where none are replaced.
fn started(w: &Workload, horizon: Option<Nanos>, strategy: &Strategy) -> u64 {
    let of_server = strategy.lifecycle().and_then(|life| life.max_requests);
    let of_pool = strategy.pool_life().max_tasks_per_child;
    let Some(most) = [of_server, of_pool].into_iter().flatten().min() else {
        return 0;
    };
    let tasks = match &w.arrivals {
        Arrivals::Batch => w.tasks_of_all_rounds(),
        Arrivals::Trace(tasks) => tasks.len() as u64,
        Arrivals::Open { count, .. }
        | Arrivals::Varying { count, .. }
        | Arrivals::Sessions { count, .. } => count.unwrap_or_else(|| {
            // Without a count or a horizon they have no end; that is reported as another error.
            let expected = w.arrivals.expected_until(horizon);
            expected.filter(|n| n.is_finite()).map_or(0, whole)
        }),
        // How many requests users make until the horizon depends on how long those take.
        Arrivals::Closed { count, .. } => count.unwrap_or(0),
    };
    tasks / u64::from(most.max(1))
}

/// Most threads and processes that a strategy has at once.
struct PeakConcurrency {
    threads: u64,
    processes: u64,
}

impl PeakConcurrency {
    fn of(strategy: &Strategy, workload: &Workload, cpus: u32, tasks: u64) -> Self {
        let cpus = u64::from(cpus);
        let pool_of = |w: Workers| match w {
            Workers::Exactly(n) => u64::from(n),
            Workers::Auto => (cpus + 4).min(32),
            Workers::PerTask => tasks,
        };
        let processes = |w: Workers| match w {
            Workers::Exactly(n) => u64::from(n),
            Workers::Auto | Workers::PerTask => cpus,
        };
        let threads = |threads| Self {
            threads,
            processes: 0,
        };
        // A worker process or interpreter has one thread.
        let apart = |n| Self {
            threads: n,
            processes: n,
        };
        let of_pool = |pool| match pool {
            Pool::Nobody => threads(1),
            Pool::ThreadEach => threads(tasks),
            Pool::Threads(w) => threads(pool_of(w)),
            Pool::Interpreters(w) => apart(pool_of(w)),
            Pool::Processes { workers, .. } => apart(processes(workers)),
        };
        let Execution { copies, pool, .. } = strategy.execution();
        let default = workload.calls_default(strategy);
        let default = default.then_some(Pool::Threads(Workers::Auto));
        let inner = strategy.every_pool().chain(default).map(of_pool);
        let inner = inner.fold(threads(0), |a, b| Self {
            threads: a.threads.saturating_add(b.threads),
            processes: a.processes.saturating_add(b.processes),
        });
        // Tasks are dealt to the copies and to the machines, so all of them together have a thread for each task.
        let times = |n| if pool == Pool::ThreadEach { 1 } else { n };
        let of_machine = match copies.map(u64::from) {
            None => inner,
            Some(copies) => Self {
                threads: copies.saturating_add(inner.threads.saturating_mul(times(copies))),
                processes: copies.saturating_add(inner.processes.saturating_mul(copies)),
            },
        };
        let machines = u64::from(strategy.machines(&workload.faults));
        Self {
            threads: of_machine.threads.saturating_mul(times(machines)),
            processes: of_machine.processes.saturating_mul(machines),
        }
    }
}

impl Scenario {
    /// Number of cores of the strategy that has most.
    fn most_cores(&self) -> u64 {
        let of = |case: &StrategyCase| {
            let each = case.strategy.machine(&self.machine).cores.len() as u64;
            each * u64::from(case.strategy.machines(&self.workload.faults))
        };
        let own = self.machine.cores.len() as u64;
        self.strategies.iter().map(of).fold(own, u64::max)
    }

    /// The sum of the speeds of the cores that the slowest of the strategies has.
    fn least_speed(&self) -> f64 {
        let of = |case: &StrategyCase| {
            let each: f64 = case.strategy.machine(&self.machine).cores.iter().sum();
            each * f64::from(case.strategy.nodes().map_or(1, |n| n.count))
        };
        let least = self.strategies.iter().map(of).reduce(f64::min);
        least.unwrap_or_else(|| self.machine.cores.iter().sum())
    }
}

impl Workload {
    /// Whether a call of some step goes to the event loop's own default executor (`asyncio.to_thread`): neither the step nor the strategy
    /// says where to.
    #[must_use]
    pub fn calls_default(&self, strategy: &Strategy) -> bool {
        let Execution {
            event_loop, pool, ..
        } = strategy.execution();
        let named = |name: &str| strategy.pools().iter().any(|p| p.name == name);
        let calls = |s: &Step| match s.placed() {
            Some(Placed::Call(to)) => !to.is_some_and(named),
            Some(Placed::Loop) | None => false,
        };
        event_loop && pool == Pool::Nobody && self.any_step(calls)
    }
}

/// Most children that one execution of a list of steps has at once.
fn children(steps: &[Step]) -> u64 {
    let of = |step: &Step| {
        step.inside()
            .map_or(0, |Inside { steps, runs }| match runs {
                Runs::Children(count) => count.saturating_mul(1 + children(steps)),
                Runs::Once | Runs::Times(_) | Runs::Attempts(_) => children(steps),
            })
    };
    steps.iter().map(of).max().unwrap_or(0)
}

/// Tasks and children that are in memory at once: all of a batch or a trace (whatever executes them has them submitted), one task for each
/// user, and of open arrivals those that must pile up on average.
fn tasks_at_once(scenario: &Scenario) -> u64 {
    let w = &scenario.workload;
    let with_children = |steps: &[Step]| 1 + children(steps).min(u64::MAX - 1);
    let most = || {
        let each = w.classes.iter().map(|c| with_children(&c.steps));
        each.max().unwrap_or(1)
    };
    match &w.arrivals {
        Arrivals::Batch => w.classes.iter().fold(0, |sum: u64, c| {
            sum.saturating_add(c.count.saturating_mul(with_children(&c.steps)))
        }),
        Arrivals::Trace(tasks) => tasks.iter().fold(0, |sum: u64, t| {
            let class = w.classes.get(t.class);
            sum.saturating_add(class.map_or(1, |c| with_children(&c.steps)))
        }),
        Arrivals::Closed { users, count, .. } => count
            .unwrap_or(u64::MAX)
            .min(u64::from(*users))
            .saturating_mul(most()),
        Arrivals::Open { interval, count } => piled_up(scenario, interval.mean(), *count),
        // What piles up of a load that changes, or of visitors, is known only by simulation, whose limit on events holds instead.
        Arrivals::Varying { .. } | Arrivals::Sessions { .. } => 0,
    }
}

/// Least number of tasks of open arrivals in flight when the arrivals end: those that came within the time that a task takes, and those for
/// which the cores or a device had no time. Estimated from means, and only if no task can end early.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate; a float cast saturates"
)]
fn piled_up(scenario: &Scenario, interval: f64, count: Option<u64>) -> u64 {
    let w = &scenario.workload;
    let until_horizon = scenario
        .horizon
        .map_or(f64::INFINITY, |h| h.as_f64() / interval);
    let tasks = count.map_or(f64::INFINITY, |n| n as f64).min(until_horizon);
    // Without a count or a horizon the arrivals have no end; that is reported as another error.
    if !tasks.is_finite() || w.can_fail() {
        return 0;
    }
    let mean = |of: &dyn Fn(&[Step]) -> f64| weighted(w, of);
    let lasts = mean(&|s| time(s, &|_| 1.0, &of_all)) / interval;
    // What is left of the tasks that ask for so much time each of something that has room for so many at once.
    let left_by = |room: f64, work: f64| {
        if work > 0.0 {
            tasks - tasks * interval * room / work
        } else {
            0.0
        }
    };
    let work = |own: &dyn Fn(&Step) -> f64| mean(&|s| time(s, &|n| n as f64, own));
    let by_cores = left_by(scenario.least_speed(), work(&on_cores));
    let by_devices = w.devices.iter().enumerate().map(|(id, device)| {
        let by_it = |s: &Step| {
            if s.waits() == WaitsFor::Device(id) {
                of_all(s)
            } else {
                0.0
            }
        };
        left_by(device.kind.at_full_speed(), work(&by_it))
    });
    let not_done = by_devices.fold(by_cores, f64::max);
    let with_children = mean(&|s| 1.0 + children(s) as f64);
    let under_way = (lasts * with_children).min(tasks * with_children);
    not_done.max(under_way).max(0.0) as u64
}

/// The mean over classes, weighted by their share of the arrivals.
fn weighted(w: &Workload, of: &dyn Fn(&[Step]) -> f64) -> f64 {
    let all: f64 = w.classes.iter().map(|c| c.weight).sum();
    let sum: f64 = w.classes.iter().map(|c| c.weight * of(&c.steps)).sum();
    sum / all
}

/// Mean time that a step takes by itself, in nanoseconds.
fn of_all(step: &Step) -> f64 {
    step.takes().map_or(0.0, |(_, time)| time.mean())
}

/// Mean time that a step by itself needs a core, in nanoseconds.
fn on_cores(step: &Step) -> f64 {
    step.takes().map_or(0.0, |(spent, time)| match spent {
        StepResource::Bytecode | StepResource::Native => time.mean(),
        StepResource::Outside | StepResource::Blocked => 0.0,
    })
}

/// Mean time of a list of steps in nanoseconds, of which each has `own` by itself; `of_children` weights the time of children.
fn time(steps: &[Step], of_children: &dyn Fn(u64) -> f64, own: &dyn Fn(&Step) -> f64) -> f64 {
    let of = |step: &Step| {
        let inside = step.inside().map_or(0.0, |Inside { steps, runs }| {
            let times = match runs {
                Runs::Once | Runs::Attempts(_) => 1.0,
                Runs::Times(n) => n as f64,
                Runs::Children(0) => 0.0,
                Runs::Children(n) => of_children(n),
            };
            // Steps that are never executed take no time, even if their mean is infinite.
            if times == 0.0 {
                0.0
            } else {
                times * time(steps, of_children, own)
            }
        });
        own(step) + inside
    };
    steps.iter().map(of).sum()
}
