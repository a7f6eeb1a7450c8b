//! Makes a plan: searches, then asks of what was found what it bears, and what else there is.

use super::deploy::{command, kubernetes, listens};
use super::load::{Input, LoadUnit, mean_of_peak, own_load};
use super::look::{Closeness, Looker, Seen, Sight};
use super::pools::with_pools;
use super::prices::{HOURS_OF_A_MONTH, MachineType, PriceList};
use super::result::{
    Asked, Cost, Deployment, FrontierPoint, Plan, PlanEffort, PlannedResource, PricesUsed, Survive,
    Tried,
};
use super::search::{Found, Goal, Left};
use super::shape::{Candidate, candidates, larger, serves, shapes};
use super::words::{fared, machines_text, money};
use crate::cpython::profile::Profile;
use crate::measure::CONFIDENCE;
use crate::quantity::{Quantity, counted};
use crate::result::{Generator, Judgement, SCHEMA, ScenarioName};
use crate::scenario::limits::MAX_NODES;
use crate::scenario::{
    Metric, Objective, ResourceKind, Scenario, Scope, Server, ServerKind, Strategy, WorkerClass,
    strategy_label,
};
use crate::study::{StudyError, fingerprint};
use crate::syntax::parse_objective;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The scenario; its own arrivals say how tasks come, not how many.
    pub scenario: &'a Scenario,
    /// The profiles of its interpreters, in their order.
    pub profiles: &'a [Profile],
    /// What has to hold, at least one.
    pub objectives: Vec<Objective>,
    /// The load: tasks a second, or users ([`LoadUnit::of`]); `None` takes the scenario's own.
    pub load: Option<f64>,
    /// Multiples of the load for which a plan is made as well.
    pub growth: Vec<f64>,
    /// Most that it may cost a month, in the currency of the prices.
    pub budget: Option<f64>,
    /// The prices.
    pub prices: &'a PriceList,
    /// The kinds of machines that may be taken, at least one.
    pub machines: Vec<MachineType>,
    /// Share by which more has to be borne than the load.
    pub headroom: f64,
    /// What may be lost while the load itself is borne.
    pub survive: Survive,
    /// Most machines that are tried, up to [`MAX_NODES`].
    pub most: u32,
    /// Whether servers as people start them are searched beside the scenario's own strategies.
    pub servers: bool,
    /// Whether only the answer is made: what to deploy, what it costs and whether it holds, and nothing of what it bears beyond.
    pub only_answer: bool,
    /// Number of threads that simulate; `None`: one for each core. The plan does not depend on it.
    pub threads: Option<usize>,
}

/// Why there can be no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Something that was asked for is missing or contradicts another.
    #[error("{0}")]
    Asked(String),
    /// Nothing can be simulated.
    #[error(transparent)]
    Study(#[from] StudyError),
}

/// Share of tasks that may fail where no objective says how many.
const FAILURES: &str = "failures < 1%";
/// By which share latency must be lower to be worth more money in the picture of both.
const SOONER: f64 = 0.01;

/// Makes a plan.
///
/// # Errors
/// What was asked for contradicts itself, or nothing can be simulated.
pub fn plan(ask: &Ask<'_>, progress: &(dyn Fn(u64) + Sync)) -> Result<Plan, PlanError> {
    let scenario = ask.scenario;
    let unit = LoadUnit::of(scenario);
    let load = load_of(ask, unit)?;
    let objectives = objectives_of(ask)?;
    if ask.machines.is_empty() {
        return Err(PlanError::Asked(
            "there is no machine to plan with: name some with --machines, or in the list of prices"
                .into(),
        ));
    }
    let most = ask.most.clamp(1, MAX_NODES);
    if ask.survive.machines() >= most {
        return Err(PlanError::Asked(format!(
            "of {} that may be taken {} may be lost, which leaves none: allow at least {} with --most-machines",
            counted(u64::from(most), "machine"),
            ask.survive.machines(),
            ask.survive.machines().saturating_add(1)
        )));
    }
    let servers = ask.servers && serves(scenario);
    let shapes = shapes(scenario, servers);
    if shapes.is_empty() {
        return Err(PlanError::Asked(
            "there is no strategy to plan with: name some under `strategies` or with --strategy"
                .into(),
        ));
    }
    let mut all = candidates(&shapes, scenario, ask.profiles, &ask.machines);
    let searched: Vec<usize> = (0..all.len()).collect();
    let larger = larger(&all, scenario);
    let formulas = if servers {
        add_formulas(&mut all, ask)
    } else {
        Vec::new()
    };
    all.extend(larger);
    let looker = Looker::new(
        (scenario, ask.profiles),
        &ask.machines,
        &objectives,
        &all,
        ask.threads,
        progress,
    );
    let goal = Goal {
        load,
        headroom: ask.headroom,
        survive: ask.survive,
        input: Input::AsItIs,
        most,
        ties: true,
        closely: Closeness::Stare,
    };
    let mut planner = Planner {
        ask,
        looker,
        goal,
        unit,
        objectives: &objectives,
        all: &all,
        searched,
        formulas,
    };
    planner.plan()
}

fn load_of(ask: &Ask<'_>, unit: LoadUnit) -> Result<f64, PlanError> {
    let example = match unit {
        LoadUnit::PerSecond => "500/s",
        LoadUnit::Users => "'200 users'",
    };
    let load = ask.load.or_else(|| own_load(ask.scenario));
    let Some(load) = load else {
        return Err(PlanError::Asked(format!(
            "the scenario's tasks come all at once, and so have no rate: say which load to plan for, such as --load {example}"
        )));
    };
    if !(load.is_finite() && load > 0.0) {
        return Err(PlanError::Asked(format!(
            "the load has to be above 0, such as --load {example}"
        )));
    }
    Ok(load)
}

fn objectives_of(ask: &Ask<'_>) -> Result<Vec<Objective>, PlanError> {
    let mut all = ask.objectives.clone();
    if all.is_empty() {
        return Err(PlanError::Asked(
            "there is nothing that a plan has to hold: say what, such as --objective 'p99 < 200ms'"
                .into(),
        ));
    }
    for o in &all {
        let less_is_better =
            o.metric.is_latency() || o.metric == Metric::FailureRate || o.metric == Metric::Memory;
        if less_is_better && !o.below {
            return Err(PlanError::Asked(format!(
                "`{}` asks for more of what should be little: write it with <, such as 'p99 < 200ms'",
                o.text
            )));
        }
        match o.metric {
            Metric::Makespan | Metric::Cpu | Metric::Throughput => {
                return Err(PlanError::Asked(format!(
                    "`{}` is no objective of a load that goes on: plans hold latencies (mean, p99, worst p99), failures and memory",
                    o.text
                )));
            }
            Metric::MeanLatency
            | Metric::Percentile(_)
            | Metric::Worst(_)
            | Metric::Memory
            | Metric::FailureRate => {}
        }
    }
    if !all.iter().any(|o| o.metric == Metric::FailureRate) {
        all.extend(parse_objective(FAILURES));
    }
    Ok(all)
}

/// Adds what the common formula says for each kind of machine: gunicorn with 2 x cores + 1 workers (`docs.gunicorn.org`, "How Many Workers?").
fn add_formulas(all: &mut Vec<Candidate>, ask: &Ask<'_>) -> Vec<usize> {
    let mut formulas = Vec::new();
    for (machine, kind) in ask.machines.iter().enumerate() {
        let workers = kind.cpus.saturating_mul(2).saturating_add(1);
        let server = Server::new(ServerKind::Gunicorn(WorkerClass::Sync), workers);
        formulas.push(all.len());
        all.push(Candidate::of(Strategy::served(server), machine));
    }
    formulas
}

pub(super) struct Planner<'a> {
    pub ask: &'a Ask<'a>,
    pub looker: Looker<'a>,
    pub goal: Goal,
    pub unit: LoadUnit,
    pub objectives: &'a [Objective],
    pub all: &'a [Candidate],
    /// Candidates that may be recommended.
    searched: Vec<usize>,
    /// What the common formula says, by kind of machine.
    pub formulas: Vec<usize>,
}

impl Planner<'_> {
    fn plan(&mut self) -> Result<Plan, PlanError> {
        let searched = self.searched.clone();
        let found = self.looker.search(&self.goal, &searched)?;
        let found = self.looker.with_larger_pools(&self.goal, found)?;
        let mut plan = self.empty();
        let Some(&best) = found.best.first() else {
            self.nothing(&mut plan, &found)?;
            self.close(&mut plan, &found, None);
            return Ok(plan);
        };
        let cost = self.costs(best);
        plan.feasible = true;
        self.describe(&mut plan, best)?;
        if self.ask.only_answer {
            self.close(&mut plan, &found, Some(best));
            return Ok(plan);
        }
        self.bears(&mut plan, best)?;
        if let Some(budget) = self.ask.budget.filter(|b| cost > *b + 1e-9) {
            plan.feasible = false;
            self.over_budget(&mut plan, best, budget)?;
        }
        if let Some((next, curve)) = self.runner_up(best, &found)? {
            plan.runner_up = Some(next);
            plan.curves.push(curve);
        }
        plan.formula = self.formula(best)?;
        plan.growth = self.growth(best, &found, plan.maximum_load.as_ref())?;
        plan.sensitivity = self.sensitivity(best, &found)?;
        self.close(&mut plan, &found, Some(best));
        Ok(plan)
    }

    /// All that is known before anything is simulated.
    fn empty(&self) -> Plan {
        let ask = self.ask;
        Plan {
            schema: SCHEMA,
            kind: "plan".into(),
            program: Generator::default(),
            command: String::new(),
            scenario: ScenarioName {
                name: ask.scenario.name.clone(),
                question: ask.scenario.question.clone(),
                hash: fingerprint(ask.scenario),
            },
            source: super::PlanSource::default(),
            seed: ask.scenario.seed,
            confidence: CONFIDENCE,
            asked: Asked {
                objectives: self.objectives.iter().map(|o| o.text.clone()).collect(),
                load: self.goal.load,
                load_unit: match self.unit {
                    LoadUnit::PerSecond => "per second".into(),
                    LoadUnit::Users => "users".into(),
                },
                at_peak: mean_of_peak(ask.scenario).is_some(),
                with_faults: !ask.scenario.workload.faults.is_empty(),
                headroom_share: ask.headroom,
                survive_machines: ask.survive.machines(),
                survive_workers: ask.survive.workers(),
                budget_per_month: ask.budget,
                most_machines: self.goal.most,
                machines: ask.machines.clone(),
            },
            prices: PricesUsed {
                currency: ask.prices.currency.clone(),
                date: ask.prices.date.clone(),
                source: ask.prices.source.clone(),
                example: ask.prices.example,
            },
            feasible: false,
            binding: None,
            plan: None,
            cost: None,
            bottleneck: None,
            knee: None,
            maximum_load: None,
            runner_up: None,
            formula: None,
            growth: Vec::new(),
            sensitivity: Vec::new(),
            curves: Vec::new(),
            frontier: Vec::new(),
            tried: Vec::new(),
            effort: PlanEffort::default(),
        }
    }

    pub(super) fn machine(&self, candidate: usize) -> &MachineType {
        &self.ask.machines[self.all[candidate].machine]
    }

    pub(super) fn costs(&self, (candidate, machines): (usize, u32)) -> f64 {
        self.machine(candidate).price_per_month * f64::from(machines)
    }

    pub(super) fn money(&self, amount: f64) -> String {
        money(amount, &self.ask.prices.currency)
    }

    pub(super) fn interpreter(&self, candidate: usize) -> String {
        let profile = self.all[candidate].profile;
        self.ask.profiles[profile].name.clone()
    }

    /// What is deployed, what it costs and what it bears.
    pub(super) fn describe(
        &mut self,
        plan: &mut Plan,
        best: (usize, u32),
    ) -> Result<(), PlanError> {
        let full = Sight::new(best, self.goal.with_headroom());
        let full = self.looker.one(full, Closeness::Stare)?;
        let at_load = Sight::new(best, self.goal.load);
        let at_load = self.looker.one(at_load, Closeness::Look)?;
        let after_loss = match self.looker.left(&self.goal, best) {
            Left::Some(sight) => {
                let seen = self.looker.one(sight, Closeness::Stare)?;
                seen.forecast.objectives
            }
            Left::Everything | Left::Nothing => Vec::new(),
        };
        let resources = self.resources(best)?;
        plan.plan = Some(self.deployment(best, &full, &at_load, after_loss, resources));
        plan.cost = Some(self.cost(best));
        Ok(())
    }

    /// What the plan bears, and what breaks first.
    pub(super) fn bears(&mut self, plan: &mut Plan, best: (usize, u32)) -> Result<(), PlanError> {
        let maximum = self.looker.maximum(best, self.goal.with_headroom())?;
        let name = self.named(best);
        let curve = self.looker.curve(best, name, maximum.held)?;
        plan.knee = self.looker.knee(best, &curve, maximum.held)?;
        plan.bottleneck = self.looker.bottleneck(best, &maximum)?;
        plan.maximum_load = Some(maximum);
        plan.curves.push(curve);
        // What more machines would bring.
        let more = [best.1 + 1, best.1 + 2, best.1 * 3 / 2, best.1 * 2];
        let sights = more.map(|n| Sight::new((best.0, n), self.goal.with_headroom()));
        self.looker.at(&sights, Closeness::Look)?;
        Ok(())
    }

    pub(super) fn named(&self, (candidate, machines): (usize, u32)) -> String {
        let c = &self.all[candidate];
        let on = machines_text(machines, &self.machine(candidate).name);
        format!("{} on {}, {on}", c.described(), self.interpreter(candidate))
    }

    pub(super) fn cost(&self, best: (usize, u32)) -> Cost {
        let per_month = self.costs(best);
        // Where the rate changes, the load is its peak, and tasks are counted by the mean.
        let mean = mean_of_peak(self.ask.scenario).unwrap_or(1.0);
        let tasks = self.goal.load * mean * HOURS_OF_A_MONTH * 3600.0;
        Cost {
            per_month,
            per_million_tasks: match self.unit {
                LoadUnit::PerSecond => Some(per_month / tasks * 1e6),
                LoadUnit::Users => None,
            },
        }
    }

    pub(super) fn deployment(
        &self,
        (candidate, machines): (usize, u32),
        full: &Seen,
        at_load: &Seen,
        after_loss: Vec<Judgement>,
        resources: Vec<PlannedResource>,
    ) -> Deployment {
        let c = &self.all[candidate];
        let machine = self.machine(candidate);
        let command = command(&c.each);
        let memory = full.mean(Quantity::MemoryPeak);
        Deployment {
            strategy: strategy_label(&c.on(machines)),
            each: c.label(),
            pool_factor: c.pool_factor,
            interpreter: self.interpreter(candidate),
            machine: machine.clone(),
            machines,
            processes: c.processes,
            at_once: c.slots,
            kubernetes: kubernetes(
                &self.ask.scenario.name,
                (command.as_deref(), listens(&c.each).as_deref()),
                machines,
                machine,
                memory,
                &c.label(),
            ),
            command,
            resources,
            utilization_share: at_load.mean(Quantity::Utilization),
            memory_bytes: memory,
            objectives: full.forecast.objectives.clone(),
            after_loss,
        }
    }

    /// Of each limited resource the least with which the plan still bears the goal: fewer never bear more.
    fn resources(&mut self, best: (usize, u32)) -> Result<Vec<PlannedResource>, PlanError> {
        let mut all = Vec::new();
        let (candidate, machines) = (&self.all[best.0], best.1);
        let larger = with_pools(self.ask.scenario, candidate.pool_factor);
        let given = self.ask.scenario.workload.resources.iter();
        for (i, (r, given)) in larger.workload.resources.iter().zip(given).enumerate() {
            let sized = match r.kind {
                ResourceKind::Semaphore { .. } | ResourceKind::Connections { .. } => true,
                ResourceKind::RateLimit { .. } | ResourceKind::Breaker { .. } => false,
            };
            if !sized {
                continue;
            }
            let (mut lo, mut hi) = (0, r.kind.capacity());
            while hi > lo + 1 {
                let middle = lo + (hi - lo) / 2;
                let goal = Goal {
                    input: Input::Limit(i, middle),
                    ..self.goal
                };
                if self.looker.bears(&goal, best, Closeness::Look)? {
                    hi = middle;
                } else {
                    lo = middle;
                }
            }
            let (per, times) = match r.scope {
                Scope::Loop | Scope::Process => {
                    let processes = u64::from(candidate.processes) * u64::from(machines);
                    ("process", processes)
                }
                Scope::Node => ("machine", u64::from(machines)),
                Scope::Everywhere => ("all", 1),
            };
            all.push(PlannedResource {
                name: r.name.clone(),
                per: per.into(),
                has: given.kind.capacity(),
                needs: Some(hi),
                in_all: Some(hi.saturating_mul(times)),
            });
        }
        Ok(all)
    }

    /// What was seen under the load with headroom that is not both dearer and slower than something else that was seen.
    fn frontier(&self) -> Vec<FrontierPoint> {
        let mut all: Vec<(f64, f64, (usize, u32), bool)> = Vec::new();
        for (which, seen) in self.looker.seen_at(self.goal.with_headroom()) {
            if let Some(latency) = seen.latency() {
                all.push((self.costs(which), latency.mean, which, seen.holds()));
            }
        }
        all.sort_by(|a, b| {
            let order = a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1));
            order.then(a.2.cmp(&b.2))
        });
        let mut frontier: Vec<FrontierPoint> = Vec::new();
        for (per_month, latency_s, which, holds) in all {
            let better = frontier
                .last()
                .is_none_or(|last| latency_s < last.latency_s * (1.0 - SOONER));
            if better {
                frontier.push(FrontierPoint {
                    name: self.named(which),
                    per_month,
                    latency_s,
                    holds,
                });
            }
        }
        frontier
    }

    /// What was tried, further curves, and how much it took.
    fn close(&mut self, plan: &mut Plan, found: &Found, best: Option<(usize, u32)>) {
        let cheapest = best.map(|b| self.costs(b));
        for track in &found.tracks {
            let c = track.candidate;
            let taken = best.is_some_and(|b| b.0 == c);
            let why = fared(
                track,
                cheapest,
                taken,
                self.objectives,
                &self.ask.prices.currency,
            );
            plan.tried.push(Tried {
                each: self.all[c].label(),
                pool_factor: self.all[c].pool_factor,
                interpreter: self.interpreter(c),
                machine: self.machine(c).name.clone(),
                machines: track.hi,
                per_month: track.hi.map(|hi| track.costs(hi)),
                too_few: track.lo,
                why,
            });
        }
        plan.frontier = self.frontier();
        let simulated = found
            .tracks
            .iter()
            .filter(|t| t.last.is_some() || t.hi.is_some());
        plan.effort = PlanEffort {
            candidates: found.tracks.len() as u64,
            simulated: simulated.count() as u64,
            looks: self.looker.looks,
            simulations: self.looker.replications,
            events: self.looker.events,
        };
    }
}
