//! Makes a plan: searches, then asks of what was found what it bears, and what else there is.

use super::deploy::{command, kubernetes};
use super::load::{Input, LoadUnit, own_load};
use super::look::{Closeness, Looker, Seen, Sight};
use super::prices::{HOURS_OF_A_MONTH, MachineType, PriceList};
use super::result::{
    Asked, Cost, Deployment, FrontierPoint, Growth, LoadCurve, MaximumLoad, Plan, PlanEffort,
    PlannedResource, PricesUsed, RunnerUp, Sensitivity, Survive, Tried,
};
use super::search::{Found, Goal, Left, Likely, Track};
use super::shape::{Candidate, candidates, serves, shapes};
use super::words::{fared, lack_text, load_text, machines_text, money, share_text};
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
/// Times the plan's machines that the common formula may take to be simulated.
const FAR_MORE: u32 = 4;
/// By how much inputs may be wrong.
const WRONG: [f64; 2] = [0.8, 1.2];
/// Candidates among which is searched for what a wrong input would make the plan, beside the plan itself.
const NEAR: usize = 8;
/// Most candidates among which is searched for more load.
const GROWING: usize = 60;

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
    let formulas = if servers {
        add_formulas(&mut all, ask)
    } else {
        Vec::new()
    };
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
        most: ask.most.clamp(1, MAX_NODES),
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

struct Planner<'a> {
    ask: &'a Ask<'a>,
    looker: Looker<'a>,
    goal: Goal,
    unit: LoadUnit,
    objectives: &'a [Objective],
    all: &'a [Candidate],
    /// Candidates that may be recommended.
    searched: Vec<usize>,
    /// What the common formula says, by kind of machine.
    formulas: Vec<usize>,
}

impl Planner<'_> {
    fn plan(&mut self) -> Result<Plan, PlanError> {
        let searched = self.searched.clone();
        let found = self.looker.search(&self.goal, &searched)?;
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

    fn machine(&self, candidate: usize) -> &MachineType {
        &self.ask.machines[self.all[candidate].machine]
    }

    fn costs(&self, (candidate, machines): (usize, u32)) -> f64 {
        self.machine(candidate).price_per_month * f64::from(machines)
    }

    fn money(&self, amount: f64) -> String {
        money(amount, &self.ask.prices.currency)
    }

    fn interpreter(&self, candidate: usize) -> String {
        let profile = self.all[candidate].profile;
        self.ask.profiles[profile].name.clone()
    }

    /// What is deployed, what it costs and what it bears.
    fn describe(&mut self, plan: &mut Plan, best: (usize, u32)) -> Result<(), PlanError> {
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
    fn bears(&mut self, plan: &mut Plan, best: (usize, u32)) -> Result<(), PlanError> {
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

    fn named(&self, (candidate, machines): (usize, u32)) -> String {
        let c = &self.all[candidate];
        let on = machines_text(machines, &self.machine(candidate).name);
        format!("{} on {}, {on}", c.label(), self.interpreter(candidate))
    }

    fn cost(&self, best: (usize, u32)) -> Cost {
        let per_month = self.costs(best);
        let tasks = self.goal.load * HOURS_OF_A_MONTH * 3600.0;
        Cost {
            per_month,
            per_million_tasks: match self.unit {
                LoadUnit::PerSecond => Some(per_month / tasks * 1e6),
                LoadUnit::Users => None,
            },
        }
    }

    fn deployment(
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
            interpreter: self.interpreter(candidate),
            machine: machine.clone(),
            machines,
            processes: c.processes,
            at_once: c.slots,
            kubernetes: kubernetes(
                &self.ask.scenario.name,
                command.as_deref(),
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
        for (i, r) in self.ask.scenario.workload.resources.iter().enumerate() {
            let sized = match r.kind {
                ResourceKind::Semaphore { .. } | ResourceKind::Connections { .. } => true,
                ResourceKind::RateLimit { .. } | ResourceKind::Breaker { .. } => false,
            };
            if !sized {
                continue;
            }
            let has = r.kind.capacity();
            let (mut lo, mut hi) = (0, has);
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
            all.push(PlannedResource {
                name: r.name.clone(),
                per: match r.scope {
                    Scope::Loop | Scope::Process => "process",
                    Scope::Node => "machine",
                    Scope::Everywhere => "all",
                }
                .into(),
                has,
                needs: Some(hi),
            });
        }
        Ok(all)
    }

    /// Where nothing bears what was asked for: what comes nearest, and what is in the way.
    fn nothing(&mut self, plan: &mut Plan, found: &Found) -> Result<(), PlanError> {
        // Of each candidate what it bears with the most machines that were tried, or by itself.
        let mut near: Vec<(f64, &Track)> = found
            .tracks
            .iter()
            .filter_map(|t| {
                let (_, seen) = t.last.as_ref()?;
                let tight = match seen.forecast.status {
                    crate::result::Status::Fine => seen.tightness(self.objectives),
                    crate::result::Status::Saturated => {
                        let done = seen.mean(Quantity::Throughput).unwrap_or(0.0);
                        1.0 + self.goal.with_headroom() / done.max(1e-9)
                    }
                    _ => f64::INFINITY,
                };
                Some((tight, t))
            })
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.candidate.cmp(&b.1.candidate)));
        let Some((_, nearest)) = near.first() else {
            let alone = |t: &Track| t.hopeless == Some(super::search::Hopeless::Workers);
            if found.tracks.iter().all(alone) {
                plan.binding = Some(format!(
                    "nothing that is searched has more than {} on a machine, and all of them may be lost",
                    counted(u64::from(self.ask.survive.workers()), "worker")
                ));
                return Ok(());
            }
            plan.binding = Some(format!(
                "the load of {} needs more than {} machines of every kind, by the CPU time of its tasks alone",
                load_text(self.goal.with_headroom(), self.unit),
                self.goal.most
            ));
            return Ok(());
        };
        let Some((machines, seen)) = &nearest.last else {
            return Ok(());
        };
        let (machines, candidate) = (*machines, nearest.candidate);
        let why = lack_text(seen, self.objectives);
        let way = match nearest.hopeless {
            Some(super::search::Hopeless::Alone) => format!(
                "even under next to no load nothing holds: {why}, with {}",
                self.named((candidate, machines))
            ),
            Some(super::search::Hopeless::Shared) => format!(
                "more machines are no help{}: {why}, with {}",
                self.sharing(),
                self.named((candidate, machines))
            ),
            Some(super::search::Hopeless::Workers) => format!(
                "no machine has a worker left after the loss, with {}",
                self.named((candidate, machines))
            ),
            Some(super::search::Hopeless::TooMany) | None => format!(
                "more than {} machines would be needed (--most-machines): {why}, with {}",
                self.goal.most,
                self.named((candidate, machines))
            ),
        };
        plan.binding = Some(way);
        // What it does bear: by halves.
        let mut load = self.goal.with_headroom();
        for _ in 0..14 {
            load = match self.unit {
                LoadUnit::PerSecond => load / 2.0,
                LoadUnit::Users => libm::floor(load / 2.0).max(1.0),
            };
            let sight = Sight::new((candidate, machines), load);
            if self.looker.one(sight, Closeness::Look)?.holds() {
                self.describe_nearest(plan, (candidate, machines), load)?;
                return Ok(());
            }
            if load <= 1.0 && self.unit == LoadUnit::Users {
                break;
            }
        }
        let seen = seen.clone();
        plan.plan =
            Some(self.deployment((candidate, machines), &seen, &seen, Vec::new(), Vec::new()));
        plan.cost = Some(self.cost((candidate, machines)));
        Ok(())
    }

    /// What comes nearest, with what it bears.
    fn describe_nearest(
        &mut self,
        plan: &mut Plan,
        which: (usize, u32),
        load: f64,
    ) -> Result<(), PlanError> {
        let seen = self.looker.one(Sight::new(which, load), Closeness::Look)?;
        plan.plan = Some(self.deployment(which, &seen, &seen, Vec::new(), Vec::new()));
        plan.cost = Some(self.cost(which));
        let maximum = self.looker.maximum(which, load)?;
        let curve = self.looker.curve(which, self.named(which), maximum.held)?;
        plan.bottleneck = self.looker.bottleneck(which, &maximum)?;
        plan.maximum_load = Some(maximum);
        plan.curves.push(curve);
        Ok(())
    }

    /// What the budget allows of the plan, where the whole costs more.
    fn over_budget(
        &mut self,
        plan: &mut Plan,
        best: (usize, u32),
        budget: f64,
    ) -> Result<(), PlanError> {
        let cost = self.money(self.costs(best));
        let mut text = format!(
            "the budget of {} a month: the cheapest that holds costs {cost}",
            self.money(budget)
        );
        let price = self.machine(best.0).price_per_month;
        let affordable = libm::floor((budget + 1e-9) / price.max(1e-12)).min(f64::from(best.1));
        if affordable >= 1.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "at most a number of machines"
            )]
            let n = affordable as u32;
            let mut load = self.goal.load;
            for _ in 0..10 {
                if self
                    .looker
                    .one(Sight::new((best.0, n), load), Closeness::Look)?
                    .holds()
                {
                    let most = self.looker.maximum((best.0, n), load)?;
                    let on = machines_text(n, &self.machine(best.0).name);
                    text = format!(
                        "{text}; {on} for {} bear {}",
                        self.money(self.costs((best.0, n))),
                        load_text(most.held, self.unit)
                    );
                    break;
                }
                load *= 0.7;
            }
        } else {
            text = format!("{text}, and one machine of the kind that it takes costs more");
        }
        plan.binding = Some(text);
        Ok(())
    }

    /// The cheapest of another kind of strategy, or with other numbers where there is no other kind.
    fn runner_up(
        &mut self,
        best: (usize, u32),
        found: &Found,
    ) -> Result<Option<(RunnerUp, LoadCurve)>, PlanError> {
        let shape = self.all[best.0].shape;
        let usable = |t: &&Track| t.hopeless.is_none();
        let other = |t: &&Track| self.all[t.candidate].shape != shape;
        let mut among: Vec<usize> = found
            .tracks
            .iter()
            .filter(usable)
            .filter(other)
            .map(|t| t.candidate)
            .collect();
        if among.is_empty() {
            let rest = found.tracks.iter().filter(usable);
            among = rest.map(|t| t.candidate).filter(|c| *c != best.0).collect();
        }
        let next = self.looker.search(&self.goal, &among)?;
        let Some(&which) = next.best.first() else {
            return Ok(None);
        };
        let load = self.looker.maximum(which, self.goal.with_headroom())?.held;
        let curve = self.looker.curve(which, self.named(which), load)?;
        let text = self.difference(best, which)?;
        Ok(Some((self.other(which, text)?, curve)))
    }

    fn other(&mut self, which: (usize, u32), text: String) -> Result<RunnerUp, PlanError> {
        let seen = self.looker.one(
            Sight::new(which, self.goal.with_headroom()),
            Closeness::Look,
        )?;
        Ok(RunnerUp {
            each: self.all[which.0].label(),
            interpreter: self.interpreter(which.0),
            machine: self.machine(which.0).name.clone(),
            machines: Some(which.1),
            per_month: Some(self.costs(which)),
            tightness_share: Some(seen.tightness(self.objectives)),
            text,
        })
    }

    /// What separates a plan from another that holds.
    fn difference(&mut self, best: (usize, u32), other: (usize, u32)) -> Result<String, PlanError> {
        let (a, b) = (self.costs(best), self.costs(other));
        if b > a * (1.0 + 1e-9) {
            let more = self.money(b - a);
            let share = share_text((b - a) / a.max(1e-12));
            return Ok(format!("holds as well, for {more} a month more ({share})"));
        }
        let load = self.goal.with_headroom();
        let tight = |planner: &mut Self, which| -> Result<f64, PlanError> {
            let seen = planner
                .looker
                .one(Sight::new(which, load), Closeness::Look)?;
            Ok(seen.tightness(planner.objectives))
        };
        let (x, y) = (tight(self, best)?, tight(self, other)?);
        Ok(if y > x + 0.05 {
            format!(
                "holds at the same cost, with less to spare: its tightest objective is at {} of the bound, against {}",
                share_text(y),
                share_text(x)
            )
        } else if self.all[other.0].weight() > self.all[best.0].weight() {
            "holds at the same cost with as much to spare, with more processes or threads to run"
                .into()
        } else {
            "holds at the same cost with as much to spare".into()
        })
    }

    /// What gunicorn with 2 x cores + 1 workers would take on the plan's kind of machine.
    fn formula(&mut self, best: (usize, u32)) -> Result<Option<RunnerUp>, PlanError> {
        let Some(&formula) = self.formulas.get(self.all[best.0].machine) else {
            return Ok(None);
        };
        let cost = self.costs(best);
        let candidate = &self.all[formula];
        let rate = (self.unit == LoadUnit::PerSecond).then(|| self.goal.with_headroom());
        let machine = self.machine(formula);
        let profile = &self.ask.profiles[candidate.profile];
        let least = candidate.fewest(self.ask.scenario, profile, machine, rate);
        if least > best.1.saturating_mul(FAR_MORE) {
            let at_least = self.costs((formula, least));
            return Ok(Some(RunnerUp {
                each: candidate.label(),
                interpreter: self.interpreter(formula),
                machine: machine.name.clone(),
                machines: None,
                per_month: None,
                tightness_share: None,
                text: format!(
                    "needs {} at least, for its workers have one task each: {} a month",
                    machines_text(least, &machine.name),
                    self.money(at_least)
                ),
            }));
        }
        let found = self.looker.search(&self.goal, &[formula])?;
        Ok(Some(if let Some(&which) = found.best.first() {
            let more = self.costs(which) - cost;
            let on = machines_text(which.1, &self.machine(which.0).name);
            let text = if more > 1e-9 {
                format!(
                    "takes {on}, {} a month more than the plan ({})",
                    self.money(more),
                    share_text(more / cost.max(1e-12))
                )
            } else {
                format!("takes {on}, and costs the same")
            };
            self.other(which, text)?
        } else {
            let track = &found.tracks[0];
            let why = fared(
                track,
                None,
                false,
                self.objectives,
                &self.ask.prices.currency,
            );
            RunnerUp {
                each: self.all[formula].label(),
                interpreter: self.interpreter(formula),
                machine: self.machine(formula).name.clone(),
                machines: None,
                per_month: None,
                tightness_share: None,
                text: format!("does not hold: {why}"),
            }
        }))
    }

    /// The plan under more load, among those that bore the load or might have.
    fn growth(
        &mut self,
        best: (usize, u32),
        found: &Found,
        most: Option<&MaximumLoad>,
    ) -> Result<Vec<Growth>, PlanError> {
        let among = Self::beside(best, found, GROWING);
        let mut all = Vec::new();
        for &factor in &self.ask.growth {
            let load = self.unit.possible(self.goal.load * factor);
            let goal = Goal {
                load,
                ties: false,
                closely: Closeness::Look,
                ..self.goal
            };
            // Each machine of more bears no more than each of the plan's does for ever, which a short run of many would not show.
            let each = most.map_or(goal.load, |m| m.held) / f64::from(best.1);
            let needed = libm::ceil(goal.with_headroom() / each - 1e-9).clamp(1.0, 1e6);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a positive number within limits"
            )]
            let needed = needed as u32;
            let likely = Likely::AtLeast(needed);
            let found = self.looker.search_from(&goal, &among, Some(likely))?;
            let at = load_text(load, self.unit);
            all.push(match found.best.first() {
                Some(&which) => Growth {
                    factor,
                    each: Some(self.all[which.0].label()),
                    interpreter: Some(self.interpreter(which.0)),
                    machine: Some(self.machine(which.0).name.clone()),
                    machines: Some(which.1),
                    per_month: Some(self.costs(which)),
                    text: format!(
                        "{at}: {}, {} a month",
                        self.named(which),
                        self.money(self.costs(which))
                    ),
                },
                None => Growth {
                    factor,
                    each: None,
                    interpreter: None,
                    machine: None,
                    machines: None,
                    per_month: None,
                    text: format!("{at}: {}", self.stops(&found)),
                },
            });
        }
        Ok(all)
    }

    /// The plan's candidate, then so many others that are cheapest by what is known of them, of those that more machines help.
    fn beside(best: (usize, u32), found: &Found, most: usize) -> Vec<usize> {
        let mut others: Vec<(f64, usize)> = found
            .tracks
            .iter()
            .filter(|t| t.hopeless.is_none() && t.candidate != best.0)
            .map(|t| (t.costs(t.hi.unwrap_or(t.lo + 1)), t.candidate))
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let others = others.into_iter().map(|(_, c)| c).take(most);
        std::iter::once(best.0).chain(others).collect()
    }

    /// What all machines share, as a part of a sentence; empty if nothing.
    fn sharing(&self) -> String {
        let limited = self.looker.limited();
        limited.map_or(String::new(), |names| format!(", since they share {names}"))
    }

    /// Why nothing of what was searched bears a load.
    fn stops(&self, found: &Found) -> String {
        let shared = found
            .tracks
            .iter()
            .find(|t| t.hopeless == Some(super::search::Hopeless::Shared));
        match shared {
            Some(track) => {
                let last = track.last.as_ref();
                let why = last.map(|(_, s)| lack_text(s, self.objectives));
                format!(
                    "nothing holds, and more machines are no help{}: {}",
                    self.sharing(),
                    why.unwrap_or_default()
                )
            }
            None => format!("nothing holds on up to {} machines", self.goal.most),
        }
    }

    /// What would change if an input were wrong.
    fn sensitivity(
        &mut self,
        best: (usize, u32),
        found: &Found,
    ) -> Result<Vec<Sensitivity>, PlanError> {
        let among = Self::beside(best, found, NEAR);
        let w = &self.ask.scenario.workload;
        let holds_memory = w.imports.memory > 0
            || w.classes
                .iter()
                .any(|c| c.steps.iter().any(|s| s.any(&|s| s.block() > 0)));
        let mut all = Vec::new();
        for input in ["load", "CPU time", "waiting outside", "memory"] {
            for factor in WRONG {
                let (load, changed) = match input {
                    "load" => (self.goal.load * factor, Input::AsItIs),
                    "CPU time" => (self.goal.load, Input::Cpu(factor)),
                    "waiting outside" => (self.goal.load, Input::Waits(factor)),
                    _ if !holds_memory => continue,
                    _ => (self.goal.load, Input::Memory(factor)),
                };
                let load = self.unit.possible(load);
                let goal = Goal {
                    load,
                    input: changed,
                    ties: false,
                    closely: Closeness::Look,
                    ..self.goal
                };
                all.push(self.wrong(input, factor, best, &goal, &among)?);
            }
        }
        Ok(all)
    }

    fn wrong(
        &mut self,
        input: &str,
        factor: f64,
        best: (usize, u32),
        goal: &Goal,
        among: &[usize],
    ) -> Result<Sensitivity, PlanError> {
        let still = self.looker.bears(goal, best, Closeness::Look)?;
        let found = self
            .looker
            .search_from(goal, among, Some(Likely::About(best.1)))?;
        let before = self.costs(best);
        let then = found.best.first().map(|&w| self.costs(w));
        let cheaper = then.is_some_and(|c| c < before * (1.0 - 1e-9));
        let changes = !still || cheaper;
        let percent = share_text((factor - 1.0).abs());
        let more = if factor > 1.0 { "more" } else { "less" };
        let text = match found.best.first() {
            _ if !changes => format!("{input} {percent} {more}: the plan stays"),
            Some(&which) => format!(
                "{input} {percent} {more}: {}, {} a month instead of {}",
                self.named(which),
                self.money(self.costs(which)),
                self.money(before)
            ),
            None => format!("{input} {percent} {more}: {}", self.stops(&found)),
        };
        Ok(Sensitivity {
            input: input.to_owned(),
            factor,
            changes,
            still_holds: still,
            per_month: then,
            text,
        })
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
