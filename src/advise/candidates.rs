//! Which strategies are simulated: every family that the constraints allow, with the numbers of workers that make sense for the work.

use super::constraints::Constraints;
use super::family::Family;
use super::placement::{Placement, Pools, by_kind};
use crate::cpython::profile::Profile;
use crate::scenario::{
    Arrivals, Lifecycle, Offload, PoolLife, ProcessApi, Scenario, StartMethod, StepResource,
    Strategy, StrategyCase, Workers,
};

/// A strategy on an interpreter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    /// The strategy.
    pub strategy: Strategy,
    /// Index of the profile.
    pub profile: usize,
    /// Its family.
    pub family: Family,
    /// Where the tasks of each kind are executed, if it gives each kind its own.
    pub placement: Option<Placement>,
}

impl Candidate {
    fn new(strategy: Strategy, profile: usize, gil: bool, placement: Option<Placement>) -> Self {
        Self {
            family: Family::of(&strategy, gil),
            strategy,
            profile,
            placement,
        }
    }

    /// A strategy without workers on an interpreter, one task after another.
    pub(super) fn single(strategy: Strategy, profile: usize) -> Self {
        Self::new(strategy, profile, true, None)
    }

    /// What people choose between: a family, and whether each kind of task has its own place in it.
    pub(super) fn kind(&self) -> (Family, bool) {
        (self.family, self.placement.is_some())
    }

    /// How much there is to write, to understand and to debug: where kinds of tasks are told apart, more than for any way that treats all alike.
    pub(super) fn complexity(&self) -> u32 {
        let by_kind = u32::from(self.placement.is_some());
        self.family.complexity() + by_kind * Family::Distributed.complexity()
    }

    /// How it is called.
    pub(super) fn name(&self) -> String {
        self.family.said(self.placement.is_some())
    }

    /// The case of a study that simulates it.
    pub(super) fn case(&self, scenario: &Scenario) -> StrategyCase {
        StrategyCase {
            strategy: self.strategy.clone(),
            interpreter: scenario.interpreters.get(self.profile).cloned(),
        }
    }
}

/// How many numbers of workers are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breadth {
    /// All that make sense.
    Wide,
    /// Two or three of each family: where simulations take long.
    Narrow,
}

/// Tasks that are under way at once at most, where nothing of the scenario says so.
const MANY: u64 = 128;
/// Most threads of a pool that are tried.
const MOST_THREADS: u32 = 256;
/// Tasks for each worker from which they are sent in chunks as well.
const CHUNKS: u64 = 8;

/// What decides which numbers of workers make sense.
struct Work {
    cores: u32,
    /// Tasks at once at most.
    at_once: u32,
    /// Tasks of a batch.
    batch: Option<u64>,
    /// Whether tasks wait for something that leaves their core to others.
    waits: bool,
    /// Whether they compute or block, so that a loop has something to hand over.
    blocks: bool,
    /// Whether they hold much memory while they are in work.
    holds: bool,
}

impl Work {
    fn of(scenario: &Scenario) -> Self {
        let w = &scenario.workload;
        let takes =
            |of: &[StepResource]| w.any_step(|s| s.takes().is_some_and(|(r, _)| of.contains(&r)));
        let at_once = match &w.arrivals {
            Arrivals::Batch => w.tasks_of_a_round(),
            Arrivals::Closed { users, .. } => u64::from(*users),
            Arrivals::Open { .. }
            | Arrivals::Varying { .. }
            | Arrivals::Sessions { .. }
            | Arrivals::Trace(_) => MANY,
        };
        let children: u64 = w
            .classes
            .iter()
            .map(|c| children(&c.steps))
            .max()
            .unwrap_or(1);
        let at_once = at_once.saturating_mul(children);
        Self {
            cores: scenario.machine.visible_cpus.max(1),
            at_once: u32::try_from(at_once.clamp(1, 1 << 20)).unwrap_or(1),
            batch: (w.arrivals == Arrivals::Batch).then(|| w.tasks_of_a_round()),
            waits: takes(&[StepResource::Outside, StepResource::Blocked]),
            blocks: takes(&[
                StepResource::Bytecode,
                StepResource::Native,
                StepResource::Blocked,
            ]),
            holds: w.any_step(|s| s.holding(2.0) != *s || s.carrying(2.0) != *s),
        }
    }

    /// Numbers of threads: one for each core, and doubled as long as tasks may wait side by side.
    fn threads(&self, breadth: Breadth) -> Vec<u32> {
        let most = if self.waits {
            self.at_once.min(MOST_THREADS)
        } else {
            2 * self.cores
        };
        let step = if breadth == Breadth::Wide { 2 } else { 8 };
        let mut all = vec![2, self.cores];
        let mut n = self.cores.max(2);
        while n < most {
            n = n.saturating_mul(step).min(most);
            all.push(n);
        }
        tidy(all, most.max(1))
    }

    /// Numbers of processes, or interpreters, that compute.
    fn workers(&self, breadth: Breadth) -> Vec<u32> {
        let c = self.cores;
        let all = match breadth {
            Breadth::Wide => vec![2, c.div_ceil(2), c],
            Breadth::Narrow => vec![c.max(2)],
        };
        tidy(all, self.at_once.max(2))
    }

    /// Numbers of processes that execute whole tasks, which may wait.
    fn whole(&self, breadth: Breadth) -> Vec<u32> {
        let mut all = self.workers(breadth);
        if self.waits {
            all.extend([2 * self.cores, 4 * self.cores]);
            if breadth == Breadth::Wide {
                all.push(8 * self.cores);
            }
        }
        tidy(all, self.at_once.clamp(2, 64))
    }

    /// What computing tasks may be handed to on an interpreter, and how many threads may make their blocking calls.
    fn pools(&self, p: &Profile, usual: StartMethod, breadth: Breadth) -> Pools {
        let workers = || self.workers(breadth).into_iter().map(Workers::Exactly);
        let mut work = Vec::new();
        if p.gil {
            // Under one GIL threads compute no faster, but leave the loop to what waits.
            let threads = tidy(vec![1, self.cores], self.at_once);
            let threads = threads.into_iter().map(Workers::Exactly);
            work.extend(threads.map(Offload::Threads));
            work.extend(workers().map(|n| Offload::Processes(n, usual)));
            if p.params.interp_create > 0.0 {
                work.extend(workers().map(Offload::Interpreters));
            }
        } else {
            work.extend(workers().map(Offload::Threads));
        }
        let blocking = match breadth {
            Breadth::Wide => vec![4 * self.cores, 16 * self.cores],
            Breadth::Narrow => vec![8 * self.cores],
        };
        let most = self.at_once.min(MOST_THREADS);
        let blocking = blocking.into_iter().map(|n| n.min(most)).collect();
        Pools {
            work,
            blocking: tidy(blocking, most),
        }
    }
}

fn tidy(mut all: Vec<u32>, most: u32) -> Vec<u32> {
    all.retain(|&n| n >= 1 && n <= most);
    all.sort_unstable();
    all.dedup();
    all
}

/// Children that a task has at once.
fn children(steps: &[crate::scenario::Step]) -> u64 {
    use crate::scenario::Runs;
    let of = |s: &crate::scenario::Step| {
        let Some(inside) = s.inside() else {
            return 1;
        };
        let within = children(inside.steps);
        match inside.runs {
            Runs::Children(n) => n.saturating_mul(within).max(1),
            Runs::Once | Runs::Attempts(_) | Runs::Times(_) => within,
        }
    };
    steps.iter().map(of).max().unwrap_or(1)
}

/// Every candidate: the scenario's own strategies (with the places that it says, `placed`, where they have them), and each family that its interpreters can execute. What the constraints exclude is among
/// them, so that it can be said what it would do; the single thread always is.
pub(super) fn candidates(
    scenario: &Scenario,
    profiles: &[Profile],
    constraints: &Constraints,
    breadth: Breadth,
    placed: Option<&Placement>,
) -> Vec<Candidate> {
    let work = Work::of(scenario);
    let mut all: Vec<Candidate> = Vec::new();
    let any_gil = profiles.iter().any(|p| p.gil);
    for (profile, p) in profiles.iter().enumerate() {
        let mut put = |strategy: Strategy, placement: Option<Placement>| {
            let candidate = Candidate::new(strategy, profile, p.gil, placement);
            if !all.contains(&candidate) {
                all.push(candidate);
            }
        };
        for case in &scenario.strategies {
            let named = scenario.interpreters.get(profile);
            let meant = |name: &String| *name == p.name || named == Some(name);
            if case.interpreter.as_ref().is_none_or(meant) {
                let placement = placed.and_then(|p| p.within(&case.strategy));
                put(case.strategy.clone(), placement);
            }
        }
        let mut add = |strategy: Strategy| put(strategy, None);
        if scenario
            .strategies
            .iter()
            .any(|c| c.strategy.nodes().is_some())
        {
            // Machines stand before what the scenario says, and before nothing else.
            add(Strategy::Sequential);
            continue;
        }
        // A free-threaded build is taken for its threads; what has processes or a loop alone is no better on it.
        let whole = p.gil || !any_gil;
        if whole {
            add(Strategy::Sequential);
            add(asyncio(None, Offload::None));
            if work.holds && work.at_once > 64 {
                add(asyncio(Some(32), Offload::None));
            }
        }
        for n in work.threads(breadth) {
            add(Strategy::Threads(Workers::Exactly(n)));
            if work.blocks && (n <= 4 * work.cores || blocked(scenario)) {
                add(asyncio(None, Offload::Threads(Workers::Exactly(n))));
            }
        }
        let usual = StartMethod::of_version(p.minor);
        let pools = work.pools(p, usual, breadth);
        for (strategy, placement) in by_kind(scenario, &pools) {
            let family = Family::of(&strategy, p.gil);
            if constraints.excludes(family).is_none() {
                put(strategy, Some(placement));
            }
        }
        if !whole {
            continue;
        }
        let mut add = |strategy: Strategy| put(strategy, None);
        let other = match usual {
            StartMethod::Forkserver | StartMethod::Spawn => StartMethod::Fork,
            StartMethod::Fork => StartMethod::Forkserver,
        };
        let starts = match breadth {
            Breadth::Wide => vec![usual, other],
            Breadth::Narrow => vec![usual],
        };
        for start in starts {
            for n in work.whole(breadth) {
                add(processes(n, start, None));
                if let Some(chunk) = work.batch.and_then(|tasks| chunk(tasks, n)) {
                    add(processes(n, start, Some(chunk)));
                }
            }
            if work.blocks {
                for n in work.workers(breadth) {
                    add(asyncio(
                        None,
                        Offload::Processes(Workers::Exactly(n), start),
                    ));
                }
            }
        }
        if p.params.interp_create > 0.0 {
            for n in work.workers(breadth) {
                add(Strategy::Interpreters(Workers::Exactly(n)));
                if work.blocks && work.waits {
                    add(asyncio(None, Offload::Interpreters(Workers::Exactly(n))));
                }
            }
        }
        if work.batch.is_none() {
            for n in work.workers(breadth).into_iter().filter(|n| *n > 1) {
                add(prefork(n, asyncio(None, Offload::None)));
                if blocked(scenario) {
                    add(prefork(n, Strategy::Threads(Workers::Exactly(8))));
                }
            }
        }
    }
    // Where nothing may be taken it is told what would be without one of the constraints: with the numbers of workers that are best for it.
    if all.iter().all(|c| constraints.excludes(c.family).is_some()) {
        return all;
    }
    // What may not be taken is not tried in every size.
    let mut excluded = Vec::new();
    all.retain(|c| {
        if c.family == Family::SingleThread || constraints.excludes(c.family).is_none() {
            return true;
        }
        let first = !excluded.contains(&c.family);
        excluded.push(c.family);
        first
    });
    all
}

/// Tasks in a chunk, where there are so many that it is worth one: four chunks for each worker, as `multiprocessing.Pool.map` makes them.
fn chunk(tasks: u64, workers: u32) -> Option<u32> {
    let workers = u64::from(workers);
    (tasks >= CHUNKS * workers).then(|| {
        let chunk = tasks.div_ceil(4 * workers);
        u32::try_from(chunk).unwrap_or(u32::MAX)
    })
}

/// Whether tasks make blocking calls.
fn blocked(scenario: &Scenario) -> bool {
    scenario
        .workload
        .any_step(|s| s.takes().is_some_and(|(r, _)| r == StepResource::Blocked))
}

fn asyncio(limit: Option<u32>, offload: Offload) -> Strategy {
    Strategy::Asyncio {
        limit,
        offload,
        pools: Vec::new(),
    }
}

fn processes(workers: u32, start: StartMethod, chunksize: Option<u32>) -> Strategy {
    Strategy::Processes {
        workers: Workers::Exactly(workers),
        start,
        api: ProcessApi::Executor { chunksize },
        life: PoolLife::default(),
    }
}

fn prefork(processes: u32, each: Strategy) -> Strategy {
    Strategy::Prefork {
        processes,
        each: Box::new(each),
        life: Lifecycle::started(StartMethod::Fork),
    }
}
