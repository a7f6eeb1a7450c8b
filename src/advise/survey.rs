//! Simulates candidates: a glance at all, then the best of each family closely enough to tell them apart.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::candidates::{Breadth, Candidate, candidates};
use super::constraints::{Constraints, Priority};
use super::family::Family;
use super::placement::Placement;
use super::smaller::Smaller;
use crate::cpython::profile::Profile;
use crate::engine::{Nanos, whole};
use crate::measure::Estimate;
use crate::plan::{Input, at_load, own_load};
use crate::quantity::Quantity;
use crate::result::{Forecast, Judgement, Tier, Verdict, fails_more};
use crate::scenario::units::format_size;
use crate::scenario::{
    Arrivals, Dist, Metric, Objective, Pool, Rounds, Scenario, StartMethod, Strategy, StrategyCase,
    Workers, strategy_label,
};
use crate::strategy::simulate;
use crate::study::{Options, StudyError, run_study};
use crate::syntax::parse_objective;

/// How a candidate fared.
#[derive(Clone, Debug)]
pub(super) struct Fared {
    /// The candidate.
    pub candidate: Candidate,
    /// Its forecast.
    pub forecast: Forecast,
    /// Tasks a second that it completes where there is always work, if that was asked.
    pub capacity: Option<Estimate>,
    /// How many times as fast as the single thread it is at that.
    pub speedup: Option<Estimate>,
    /// The metric by which it was ranked among those that it was simulated with, if one was asked for.
    pub ranked: Option<Metric>,
    /// Why the constraints exclude it.
    pub excluded: Option<&'static str>,
    /// Whether runs are cut by a horizon, so that not all do the same tasks: the CPU time is that of a task then.
    pub cut: bool,
    /// Whether its processes, if it has any, are started as its version of Python starts them by itself (on Linux): by a fork server since 3.14,
    /// by fork before. Fork is not safe where a program has threads, and another start than the usual has to be asked for.
    pub usual: bool,
}

impl Fared {
    /// Whether it meets every requirement, and how surely: 0 beyond chance, 1 as far as can be told, 2 not, 3 it fails tasks that others
    /// complete, 4 no meaningful forecast.
    pub(super) fn standing(&self) -> u8 {
        match self.forecast.tier {
            Tier::NoForecast => return 4,
            Tier::Fails => return 3,
            Tier::Meets | Tier::Misses => {}
        }
        let worst = self.forecast.objectives.iter().map(|o| match o.verdict {
            Verdict::Met => 0,
            Verdict::Undecided if meets(o) => 1,
            Verdict::Missed | Verdict::Undecided => 2,
        });
        worst.max().unwrap_or(0)
    }

    /// Its value of a metric. One that is no quantity (a percentile that nobody usually asks for) is known where it was ranked by, or required.
    pub(super) fn value(&self, metric: Metric) -> Option<Estimate> {
        if let Some(q) = metric.quantity() {
            return self.forecast.get(q);
        }
        if self.ranked == Some(metric) {
            return self.forecast.primary();
        }
        let mut required = self.forecast.objectives.iter();
        required.find(|o| o.metric() == Some(metric))?.value
    }

    /// The values of a metric in each replication, where they were kept and are of the same tasks.
    pub(super) fn replications(&self, metric: Metric) -> Option<&[f64]> {
        if self.cut && metric == Metric::Cpu {
            return None;
        }
        let kept = self.forecast.detail.replication_values.as_ref()?;
        kept.of(metric, self.ranked?)
    }

    pub(super) fn get(&self, q: Quantity) -> Option<f64> {
        self.forecast.get(q).map(|e| e.mean)
    }

    pub(super) fn label(&self) -> String {
        strategy_label(&self.candidate.strategy)
    }

    /// Workers of all its pools and processes: of two that are as good the one with fewer is taken.
    pub(super) fn weight(&self) -> u64 {
        let strategy = &self.candidate.strategy;
        copies(strategy) * (in_pools(strategy, UNSAID) + 1)
    }

    /// Workers of all its pools in all its processes; 1 where it has none.
    pub(super) fn workers(&self) -> u64 {
        let strategy = &self.candidate.strategy;
        in_pools(strategy, 0).max(1) * copies(strategy)
    }
}

/// Workers of a pool that the library sizes by itself, about.
const UNSAID: u64 = 32;

/// Whether processes of pools are started by the default of this version of Python.
fn starts_as_usual(strategy: &Strategy, minor: u32) -> bool {
    let usual = StartMethod::of_version(minor);
    let mut starts = strategy.every_pool().filter_map(Pool::start);
    starts.all(|start| start == usual)
}

/// Whether an objective is met, as far as can be told.
pub(super) fn meets(o: &Judgement) -> bool {
    match (o.verdict, o.value) {
        (Verdict::Met, _) => true,
        (Verdict::Undecided, Some(v)) => within(o.metric(), v.mean, o.bound),
        (Verdict::Missed | Verdict::Undecided, _) => false,
    }
}

fn within(metric: Option<Metric>, value: f64, bound: f64) -> bool {
    if metric == Some(Metric::Throughput) {
        value >= bound
    } else {
        value <= bound
    }
}

/// Workers of all pools of a strategy, one that has no number of its own counted as so many.
fn in_pools(strategy: &Strategy, unsaid: u64) -> u64 {
    let pools = strategy.every_pool().filter_map(Pool::workers);
    let each = pools.map(|w| match w {
        Workers::Exactly(n) => u64::from(n),
        Workers::Auto | Workers::PerTask => unsaid,
    });
    each.sum()
}

/// Copies of the program that a strategy starts.
fn copies(strategy: &Strategy) -> u64 {
    u64::from(strategy.execution().copies.unwrap_or(1))
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    /// What is required.
    pub objectives: Vec<Objective>,
    /// What matters most.
    pub priority: Priority,
    /// The metric that this comes to.
    pub metric: Metric,
    /// What the program does today: of those that are as good and as simple it is preferred, for it needs no migration.
    pub current: Family,
}

impl Goal {
    /// The goals that it comes to by each priority, in their order.
    pub(super) fn of_each(scenario: &Scenario, constraints: &Constraints) -> [Self; 5] {
        Priority::ALL.map(|priority| {
            let constraints = Constraints {
                priority: Some(priority),
                ..constraints.clone()
            };
            Self::of(scenario, &constraints)
        })
    }

    /// The goal that it would be if nothing were said of what matters most. By it is decided what is looked at, and how closely, so that every
    /// priority finds the same figures.
    pub(super) fn usual(scenario: &Scenario, constraints: &Constraints) -> Self {
        let constraints = Constraints {
            priority: None,
            ..constraints.clone()
        };
        Self::of(scenario, &constraints)
    }

    pub(super) fn of(scenario: &Scenario, constraints: &Constraints) -> Self {
        let mut objectives = scenario.objectives.clone();
        if let Some(bytes) = constraints.memory {
            // The budget that is given is the one that counts.
            objectives.retain(|o| o.metric != Metric::Memory);
            let budget = parse_objective(&format!("memory < {}", format_size(bytes)));
            objectives.extend(budget);
        }
        let latency = objectives.iter().map(|o| o.metric).find(|m| m.is_latency());
        let batch = scenario.workload.arrivals == Arrivals::Batch;
        let own = match scenario.rank_by {
            Some(m) if m.is_latency() => Some(Priority::Latency),
            Some(Metric::Memory) => Some(Priority::Memory),
            Some(Metric::Cpu) => Some(Priority::Cost),
            Some(_) => Some(Priority::Throughput),
            None => None,
        };
        let usual = if latency.is_some() || !batch {
            Priority::Latency
        } else {
            Priority::Throughput
        };
        let priority = constraints.priority.or(own).unwrap_or(usual);
        let ranked = scenario.rank_by.filter(|m| m.is_latency());
        let soon = ranked.or(latency).unwrap_or(Metric::Percentile(95.0));
        Self {
            metric: match priority {
                Priority::Memory => Metric::Memory,
                Priority::Cost => Metric::Cpu,
                Priority::Throughput | Priority::Simplicity if batch => Metric::Makespan,
                Priority::Latency | Priority::Throughput | Priority::Simplicity => soon,
            },
            objectives,
            priority,
            current: constraints.current,
        }
    }
}

/// Model events of a simulation that is short.
const SHORT: f64 = 30_000.0;
/// Requests of users in a run of the usual length.
const CLOSED: f64 = 2_000.0;
/// Model events of a simulation that looks closely, about.
const LOOK: f64 = 120_000.0;
/// Model events of a simulation from which only few numbers of workers are tried.
const LONG: u64 = 300_000;
/// Share of the usual length of a run by which is found how long one may be.
const PROBE: f64 = 0.05;
/// How many may be looked at closely.
const FINALISTS: usize = 16;
/// How many of those that are near the best by another goal than the scenario's own.
const OTHERS: usize = 4;
/// How many that give each kind of task its own, beside them.
const BY_KIND: usize = 6;
/// Share by which a candidate may be behind in a glance and still be looked at closely.
const NEAR: f64 = 0.15;
/// Model events of all simulations by which candidates that were simulated more or less often are put on a par.
const EVEN: u64 = 12_000_000;
/// Tasks of the batch by which it is measured how much work is done where there is always some.
const BUSY_TASKS: f64 = 400.0;

/// Simulates.
pub(super) struct Surveyor<'a> {
    /// The profiles of the scenario's interpreters.
    pub profiles: &'a [Profile],
    /// What has to be respected.
    pub constraints: &'a Constraints,
    /// Where the scenario says that its tasks are executed, by strategies that have these places; it is not in the scenario any more.
    pub placed: Option<&'a Placement>,
    /// By how much the work that is simulated is smaller than that which is meant: figures are of the latter.
    pub smaller: Smaller,
    /// Number of threads that simulate; `None`: one for each core.
    pub threads: Option<usize>,
    /// Told how many simulations there were, now and then.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// Number of simulations.
    pub simulations: AtomicU64,
    /// Number of model events.
    pub events: AtomicU64,
}

/// How a scenario is simulated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Length of runs that have no length of their own, as a share of the usual.
    pub times: f64,
    /// How many numbers of workers are tried.
    pub breadth: Breadth,
    /// Model events of one simulation, about.
    pub events: u64,
}

impl Surveyor<'_> {
    /// How long runs of this scenario may be.
    pub(super) fn scale(&self, scenario: &Scenario) -> Result<Scale, StudyError> {
        let probe = Candidate {
            strategy: Strategy::Asyncio {
                limit: None,
                offload: crate::scenario::Offload::None,
                pools: Vec::new(),
            },
            profile: 0,
            family: Family::Asyncio,
            placement: None,
        };
        let steady = is_steady(scenario);
        let goal = Goal {
            objectives: Vec::new(),
            priority: Priority::Throughput,
            metric: Metric::MeanLatency,
            current: Family::SingleThread,
        };
        let scene = scene(scenario, &goal, if steady { PROBE } else { 1.0 });
        let one = Options::default().with_replications(1);
        let seen = self.study(&scene, &[probe], &one, None)?;
        let events = seen.first().map_or(0, |f| f.forecast.events).max(1);
        if !steady {
            let breadth = if events > LONG {
                Breadth::Narrow
            } else {
                Breadth::Wide
            };
            return Ok(Scale {
                times: 1.0,
                breadth,
                events,
            });
        }
        // The simulations of a pilot run are counted, too.
        let all = events as f64 / PROBE;
        let times = (SHORT / all).clamp(PROBE, 1.0);
        Ok(Scale {
            times,
            breadth: Breadth::Wide,
            events: whole(all * times),
        })
    }

    /// A glance at all candidates.
    pub(super) fn glance(
        &self,
        scenario: &Scenario,
        goal: &Goal,
        scale: Scale,
    ) -> Result<Vec<Fared>, StudyError> {
        let all = candidates(
            scenario,
            self.profiles,
            self.constraints,
            scale.breadth,
            self.placed,
        );
        let scene = scene(scenario, goal, scale.times);
        self.study(
            &scene,
            &all,
            &Options::default().with_replications(1),
            Some(goal.metric),
        )
    }

    /// A close look at some: at each until the metric of the goal is known well, with the values of each replication, by which all other metrics
    /// are told from chance.
    pub(super) fn closely(
        &self,
        scenario: &Scenario,
        goal: &Goal,
        scale: Scale,
        some: &[Candidate],
    ) -> Result<Vec<Fared>, StudyError> {
        let scene = close_scene(scenario, goal, scale);
        let options = Options {
            most_replications: 30,
            event_budget: 10_000_000,
            replication_values: true,
            ..Options::default()
        };
        let mut all = self.study(&scene, some, &options, Some(goal.metric))?;
        // By another metric than the one that decided how often each was simulated they are compared by their means, which have to be of the same
        // arrivals and demands.
        if let Some(n) = as_often(&all) {
            let options = options.with_replications(n);
            all = self.study(&scene, some, &options, Some(goal.metric))?;
        }
        self.add_capacity(scenario, (goal, scale), &mut all)?;
        Ok(all)
    }

    /// Adds how fast each is where there is always work.
    fn add_capacity(
        &self,
        scenario: &Scenario,
        (goal, scale): (&Goal, Scale),
        all: &mut [Fared],
    ) -> Result<(), StudyError> {
        if scenario.workload.arrivals == Arrivals::Batch {
            let single = all.iter().filter(|f| f.candidate.strategy.is_sequential());
            let single = single.min_by_key(|f| f.candidate.profile);
            let single = single.and_then(|f| f.forecast.get(Quantity::Makespan));
            for f in all {
                f.capacity = f.forecast.get(Quantity::Throughput);
                // A study's own ratio is of the metric that it ranks by.
                f.speedup = match goal.metric {
                    Metric::Makespan => f.forecast.speedup,
                    _ => single
                        .zip(f.forecast.get(Quantity::Makespan))
                        .and_then(|(slow, own)| times_as_fast(slow, own)),
                };
            }
            return Ok(());
        }
        let goal = Goal {
            objectives: Vec::new(),
            priority: Priority::Throughput,
            metric: Metric::Makespan,
            current: Family::SingleThread,
        };
        let busy = busy(scenario, scale);
        let some: Vec<Candidate> = all.iter().map(|f| f.candidate.clone()).collect();
        let seen = self.study(
            &bare(busy, &goal),
            &some,
            &Options::default().with_replications(3),
            Some(Metric::Makespan),
        )?;
        for f in all {
            let busy = seen.iter().find(|s| s.candidate == f.candidate);
            f.capacity = busy.and_then(|s| s.forecast.get(Quantity::Throughput));
            f.speedup = busy.and_then(|s| s.forecast.speedup);
        }
        Ok(())
    }

    /// Simulates these on the scene; those that tell kinds of tasks apart on the scene in which the tasks say where they are executed.
    pub(super) fn study(
        &self,
        scene: &Scenario,
        some: &[Candidate],
        options: &Options,
        metric: Option<Metric>,
    ) -> Result<Vec<Fared>, StudyError> {
        let mut placements: Vec<Option<&Placement>> = Vec::new();
        for c in some {
            if !placements.contains(&c.placement.as_ref()) {
                placements.push(c.placement.as_ref());
            }
        }
        let mut seen: Vec<Option<Fared>> = some.iter().map(|_| None).collect();
        for placement in &placements {
            let placed = placement.map(|p| p.placed(scene));
            let these: Vec<usize> = (0..some.len())
                .filter(|&i| some[i].placement.as_ref() == *placement)
                .collect();
            let candidates: Vec<&Candidate> = these.iter().map(|&i| &some[i]).collect();
            let fared = self.study_alike(
                placed.as_ref().unwrap_or(scene),
                &candidates,
                options,
                metric,
            )?;
            for (i, fared) in these.into_iter().zip(fared) {
                seen[i] = fared;
            }
        }
        let mut seen: Vec<Fared> = seen.into_iter().flatten().collect();
        if placements.len() > 1 {
            fail_more(&mut seen);
        }
        Ok(seen)
    }

    /// Simulates these side by side: each replication with the same arrivals and demands.
    fn study_alike(
        &self,
        scene: &Scenario,
        some: &[&Candidate],
        options: &Options,
        metric: Option<Metric>,
    ) -> Result<Vec<Option<Fared>>, StudyError> {
        let mut scene = scene.clone();
        scene.strategies = some
            .iter()
            .map(|c| c.case(&scene))
            .collect::<Vec<StrategyCase>>();
        let options = Options {
            metric,
            threads: self.threads,
            ..options.clone()
        };
        let study = run_study(&scene, self.profiles, &options, simulate, &|_| {})?;
        let ran: u64 = study
            .forecasts
            .iter()
            .map(|f| u64::from(f.replications))
            .sum();
        let events: u64 = study.forecasts.iter().map(|f| f.events).sum();
        self.events.fetch_add(events, Ordering::Relaxed);
        let done = self.simulations.fetch_add(ran, Ordering::Relaxed) + ran;
        (self.progress)(done);
        let mut by_name: BTreeMap<(String, String), Forecast> = BTreeMap::new();
        for f in study.forecasts {
            by_name.insert((f.strategy.clone(), f.interpreter.clone()), f);
        }
        let fared = some.iter().map(|c| {
            let name = (
                strategy_label(&c.strategy),
                self.profiles[c.profile].name.clone(),
            );
            let mut forecast = by_name.get(&name)?.clone();
            self.smaller
                .restored(&mut forecast, metric, &scene.objectives);
            if let Some(horizon) = scene.horizon {
                cpu_of_a_task(&mut forecast, horizon, metric);
            }
            Some(Fared {
                forecast,
                cut: scene.horizon.is_some(),
                candidate: (*c).clone(),
                capacity: None,
                speedup: None,
                ranked: metric,
                excluded: self.constraints.excludes(c.family),
                usual: starts_as_usual(&c.strategy, self.profiles[c.profile].minor),
            })
        });
        Ok(fared.collect())
    }
}

/// Replications that all have to have, where they have not as many: as many as the one that has most, or as the events allow.
fn as_often(all: &[Fared]) -> Option<u32> {
    let had = |f: &Fared| f.forecast.replications.max(1);
    let (least, most) = (all.iter().map(had).min()?, all.iter().map(had).max()?);
    let of_each: u64 = all
        .iter()
        .map(|f| f.forecast.events / u64::from(had(f)))
        .sum();
    let allowed = u32::try_from(EVEN / of_each.max(1)).unwrap_or(u32::MAX);
    (least < most).then(|| allowed.clamp(least, most))
}

/// Puts the CPU time of a completed task in the place of that of the run, which ends at a horizon however much has been done by then.
fn cpu_of_a_task(f: &mut Forecast, horizon: Nanos, metric: Option<Metric>) {
    let counted = horizon.since(f.warmup).as_secs_f64() / horizon.as_secs_f64().max(1e-9);
    let completed = f.get(Quantity::Completed).map_or(0.0, |c| c.mean);
    let all = completed / counted.max(f64::MIN_POSITIVE);
    let of_a_task = f.get(Quantity::Cpu).filter(|_| all > 0.0);
    let of_a_task = of_a_task.map(|cpu| cpu.scaled(1.0 / all));
    f.values[Quantity::Cpu as usize] = of_a_task;
    if metric == Some(Metric::Cpu) {
        f.ranked.value = of_a_task;
        f.ranked.behind_best = None;
    }
}

/// How many times as fast one is as another, by the times that both take.
fn times_as_fast(slow: Estimate, fast: Estimate) -> Option<Estimate> {
    let ratio = slow.mean / fast.mean;
    let shares = slow.half().zip(fast.half());
    let half = shares.map(|(a, b)| ratio * libm::hypot(a / slow.mean, b / fast.mean));
    (fast.mean > 0.0).then(|| Estimate::new(ratio, half, ratio, slow.n.min(fast.n)))
}

/// Sets apart what fails a larger share of its tasks than another that was simulated elsewhere: a study knows only of its own cases.
fn fail_more(all: &mut [Fared]) {
    let failing = |f: &Fared| f.forecast.get(Quantity::FailureRate);
    let fine = all.iter().filter(|f| f.forecast.is_fine());
    let least = fine
        .filter_map(failing)
        .map(|e| e.mean)
        .fold(f64::INFINITY, f64::min);
    for f in all {
        let more = failing(f).is_some_and(|e| fails_more(e, least));
        if more && f.forecast.tier != Tier::NoForecast {
            f.forecast.tier = Tier::Fails;
        }
    }
}

/// What is looked at closely: by each goal the best of each family and those that are near the best of all, the single thread among them; by the
/// first goal more of those than by the others. Of programs that give each kind of task its own so many of their own, which keep none of the
/// others out. It does not depend on what matters most: what would be taken by another priority is decided by the same figures.
pub(super) fn finalists(glance: &[Fared], goals: &[Goal]) -> Vec<Candidate> {
    let mut chosen: Vec<usize> = Vec::new();
    for (by_kind, most) in [(false, FINALISTS), (true, BY_KIND)] {
        let of = |i: &usize| glance[*i].candidate.placement.is_some() == by_kind;
        for (number, goal) in goals.iter().enumerate() {
            let order: Vec<usize> = ordered(glance, goal).into_iter().filter(of).collect();
            let most = if number == 0 { most } else { OTHERS.min(most) };
            for i in near_the_best(glance, goal, &order, most) {
                if !chosen.contains(&i) {
                    chosen.push(i);
                }
            }
        }
    }
    chosen
        .iter()
        .map(|&i| glance[i].candidate.clone())
        .collect()
}

/// Of those that were looked at closely such as decide by one goal: the best of each family, and those that are near the best of all.
pub(super) fn deciding(all: &[Fared], goal: &Goal) -> Vec<Candidate> {
    let own = std::slice::from_ref(goal);
    finalists(all, own)
}

/// Of some in their order the first of each kind, and at most so many that are near the best.
fn near_the_best(glance: &[Fared], goal: &Goal, order: &[usize], most: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    let mut kinds: Vec<(Family, bool)> = Vec::new();
    let best = order
        .first()
        .map(|&i| (glance[i].standing(), measured(&glance[i], goal)));
    for &i in order {
        let f = &glance[i];
        let first = !kinds.contains(&f.candidate.kind());
        kinds.push(f.candidate.kind());
        let near = best.is_some_and(|(standing, value)| {
            f.excluded.is_none()
                && f.standing() <= standing.max(1)
                && value
                    .zip(measured(f, goal))
                    .is_some_and(|(best, v)| v <= best * (1.0 + NEAR))
                && chosen.len() < most
        });
        if first || near {
            chosen.push(i);
        }
    }
    chosen
}

/// Whether tasks come for as long as is simulated.
pub(super) fn is_steady(scenario: &Scenario) -> bool {
    match scenario.workload.arrivals {
        Arrivals::Open { .. } | Arrivals::Sessions { .. } | Arrivals::Closed { .. } => true,
        Arrivals::Batch | Arrivals::Varying { .. } | Arrivals::Trace(_) => false,
    }
}

/// The scenario as it is simulated: what is required of it, and as long a run as is asked.
pub(super) fn scene(scenario: &Scenario, goal: &Goal, times: f64) -> Scenario {
    let mut scene = match own_load(scenario) {
        Some(load) if is_steady(scenario) => at_load(scenario, load, Input::AsItIs, times),
        _ => scenario.clone(),
    };
    if let Arrivals::Closed { users, count, .. } = &mut scene.workload.arrivals
        && times < 1.0
    {
        // A run that is short has a few requests of each user.
        let tasks = whole(CLOSED * times).max(u64::from(*users) * 2);
        *count = count.map(|n| n.min(tasks));
    }
    bare(scene, goal)
}

/// The scenario as it is looked at closely.
pub(super) fn close_scene(scenario: &Scenario, goal: &Goal, scale: Scale) -> Scenario {
    let more = (LOOK / scale.events.max(1) as f64).clamp(1.0, 4.0);
    let times = if is_steady(scenario) {
        (more * scale.times).min(2.0)
    } else {
        1.0
    };
    scene(scenario, goal, times)
}

/// Tasks of one run of a scenario, where it says how many there are.
pub(super) fn tasks_of_a_run(scenario: &Scenario) -> Option<u64> {
    let w = &scenario.workload;
    match &w.arrivals {
        Arrivals::Batch => Some(w.tasks_of_a_round().saturating_mul(w.rounds.count.max(1))),
        Arrivals::Open { count, .. } | Arrivals::Closed { count, .. } => *count,
        Arrivals::Sessions { .. } | Arrivals::Varying { .. } | Arrivals::Trace(_) => None,
    }
}

/// The scenario with what is required of it, and nothing of what it compares.
fn bare(mut scene: Scenario, goal: &Goal) -> Scenario {
    scene.objectives.clone_from(&goal.objectives);
    scene.replications = None;
    scene.rank_by = None;
    scene.strategies = Vec::new();
    scene
}

/// The same work with always some of it there: all at once, or from users who never think, for no more can be under way than there are users.
fn busy(scenario: &Scenario, scale: Scale) -> Scenario {
    let mut busy = scenario.clone();
    let w = &mut busy.workload;
    let users = match w.arrivals {
        Arrivals::Closed { users, .. } => Some(users),
        Arrivals::Batch
        | Arrivals::Open { .. }
        | Arrivals::Varying { .. }
        | Arrivals::Sessions { .. }
        | Arrivals::Trace(_) => None,
    };
    w.arrivals = Arrivals::Batch;
    w.rounds = Rounds::default();
    w.client = None;
    w.admission = None;
    w.faults = Vec::new();
    busy.horizon = None;
    busy.warmup = None;
    let per_task = scale.events as f64 / (2_000.0 * scale.times.max(1e-9));
    let tasks = (SHORT / per_task.max(1.0)).clamp(32.0, BUSY_TASKS);
    let all: f64 = w.classes.iter().map(|c| c.weight).sum();
    for class in &mut w.classes {
        let share = class.weight / all.max(f64::MIN_POSITIVE);
        class.count = whole(tasks * share).max(1);
        class.interleave = true;
    }
    if let Some(users) = users {
        let tasks = whole(tasks);
        // Users of whom none comes twice are a batch.
        if u64::from(users) * 2 <= tasks {
            w.arrivals = Arrivals::Closed {
                users,
                think: Dist::Constant(Nanos::ZERO),
                count: Some(tasks),
            };
            busy.warmup = Some(Nanos::ZERO);
        }
    }
    busy
}

/// Whether what decides is how much work a candidate does where there is always some.
pub(super) fn by_capacity(f: &Fared, goal: &Goal) -> bool {
    goal.priority == Priority::Throughput
        && goal.metric != Metric::Makespan
        && f.capacity.is_some_and(|c| c.mean > 0.0)
}

/// What a candidate is ranked by, with its interval: its value of the goal's metric, or how much work it does.
pub(super) fn figure(f: &Fared, goal: &Goal) -> Option<Estimate> {
    if by_capacity(f, goal) {
        f.capacity
    } else {
        f.value(goal.metric)
    }
}

/// What a candidate is ranked by, less is better: the metric of the goal, or for much work the time that a task takes of it.
pub(super) fn measured(f: &Fared, goal: &Goal) -> Option<f64> {
    let figure = figure(f, goal)?.mean;
    Some(if by_capacity(f, goal) {
        1.0 / figure
    } else {
        figure
    })
}

/// Indices, the best first: what meets the requirements before what does not, then by what matters most.
pub(super) fn ordered(all: &[Fared], goal: &Goal) -> Vec<usize> {
    let key = |i: usize| measured(&all[i], goal).unwrap_or(f64::INFINITY);
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|&a, &b| {
        let (x, y) = (&all[a], &all[b]);
        (x.excluded.is_some(), x.standing())
            .cmp(&(y.excluded.is_some(), y.standing()))
            .then_with(|| {
                // What misses is the better the less it misses by.
                if x.standing() == 2 {
                    x.forecast.excess.total_cmp(&y.forecast.excess)
                } else {
                    std::cmp::Ordering::Equal
                }
            })
            .then_with(|| key(a).total_cmp(&key(b)))
            .then_with(|| x.candidate.complexity().cmp(&y.candidate.complexity()))
            .then_with(|| x.weight().cmp(&y.weight()))
            .then(a.cmp(&b))
    });
    order
}
