//! Makes advice: the tree, the survey, the decision, and what stands beside it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::candidates::Candidate;
use super::change::Lever;
use super::choose::{Decision, decide};
use super::code::calls;
use super::constraints::Constraints;
use super::factors::factors;
use super::family::Family;
use super::groups::{groups, to_each_its_own};
use super::migrate::{effort, migration};
use super::placement::{PlacedTasks, Placement};
use super::prior::{Demand, Prior, prior};
use super::result::{
    Advice, AdviceEffort, Alternative, Approach, ByPriority, Further, Path, Recommendation,
    Sensitivity, Split,
};
use super::smaller::Smaller;
use super::survey::{
    Fared, Goal, Scale, Surveyor, close_scene, deciding, finalists, tasks_of_a_run,
};
use super::unmet::Looked;
use super::weigh::{Crossing, Wrong};
use super::words::{self, Words};
use crate::cpython::profile::Profile;
use crate::measure::CONFIDENCE;
use crate::quantity::{Quantity, metric_name};
use crate::result::{Generator, SCHEMA, ScenarioName, SpeedupVerdict};
use crate::scenario::{Scenario, strategy_label};
use crate::study::{StudyError, fingerprint};

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The recommendation, and what is in its reasons.
    Answer,
    /// Also when another approach would be better, and what a wrong input would change.
    Whole,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The work. Its own strategies are tried beside the others; its objectives are requirements.
    pub scenario: &'a Scenario,
    /// The profiles of its interpreters, in their order: those that may be taken.
    pub profiles: &'a [Profile],
    /// What has to be respected.
    pub constraints: Constraints,
    /// How much is asked.
    pub depth: Depth,
    /// Number of threads that simulate; `None`: one for each core. The advice does not depend on it.
    pub threads: Option<usize>,
}

/// Why there is no advice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdviseError {
    /// Nothing can be simulated.
    #[error(transparent)]
    Study(#[from] StudyError),
}

/// Gives advice. The same scenario, constraints and version give the same bytes at any number of threads.
///
/// # Errors
/// Nothing can be simulated: no interpreter, or a limit of the program.
pub fn advise(ask: &Ask<'_>, progress: &(dyn Fn(u64) + Sync)) -> Result<Advice, AdviseError> {
    // Places that the scenario says are those of its own strategies; all others are tried as if it said none.
    let hash = fingerprint(ask.scenario);
    let said = Placement::said(ask.scenario);
    let plain = said.as_ref().map(|(scenario, _)| Ask {
        scenario,
        ..ask.clone()
    });
    let ask = plain.as_ref().unwrap_or(ask);
    let (scene, smaller) = Smaller::of(ask.scenario);
    let demand = Demand::of(ask.scenario);
    let constraints = Constraints {
        shared: ask.constraints.shared.or(Some(demand.shares)),
        ..ask.constraints.clone()
    };
    let surveyor = Surveyor {
        profiles: ask.profiles,
        constraints: &constraints,
        placed: said.as_ref().map(|(_, places)| places),
        smaller,
        threads: ask.threads,
        progress,
        simulations: AtomicU64::new(0),
        events: AtomicU64::new(0),
    };
    let goal = Goal::of(ask.scenario, &constraints);
    let scale = surveyor.scale(&scene)?;
    let usual = Goal::usual(ask.scenario, &constraints);
    let glance = surveyor.glance(&scene, &usual, scale)?;
    let each = Goal::of_each(ask.scenario, &constraints);
    let finalists = finalists(&glance, &[&[usual.clone()][..], &each].concat());
    let all = surveyor.closely(&scene, &usual, scale, &finalists)?;
    let decision = decide(&all, &goal);
    let tasks_per_run = tasks_of_a_run(&close_scene(&scene, &usual, scale));
    let maker = Maker {
        ask,
        scene: &scene,
        surveyor: &surveyor,
        words: Words::of(ask.scenario, &goal),
        goal,
        scale,
        all,
        decision,
        demand,
    };
    let mut advice = maker.advice()?;
    advice.scenario.hash = hash;
    advice.effort = AdviceEffort {
        candidates: glance.len() as u64,
        simulations: surveyor.simulations.load(Ordering::Relaxed),
        events: surveyor.events.load(Ordering::Relaxed),
        tasks_per_run,
        tasks_in_scenario: tasks_of_a_run(ask.scenario),
    };
    Ok(advice)
}

struct Maker<'a> {
    ask: &'a Ask<'a>,
    /// The work as it is simulated.
    scene: &'a Scenario,
    surveyor: &'a Surveyor<'a>,
    words: Words,
    goal: Goal,
    scale: Scale,
    /// What was looked at closely.
    all: Vec<Fared>,
    decision: Decision,
    demand: Demand,
}

/// How many alternatives are shown.
const ALTERNATIVES: usize = 6;
/// How many conditions are told of each.
const CONDITIONS: usize = 4;

impl Maker<'_> {
    fn advice(&self) -> Result<Advice, AdviseError> {
        let ask = self.ask;
        let scenario = ask.scenario;
        let prior = prior(&self.demand, &ask.constraints);
        let taken = self.decision.take.map(|i| &self.all[i]);
        let alone = match taken {
            Some(_) => Vec::new(),
            None => self.surveyor.alone(self.scene, &self.goal)?,
        };
        let looked = Looked {
            all: &self.all,
            goal: &self.goal,
            constraints: self.surveyor.constraints,
            profiles: ask.profiles,
            words: &self.words,
            alone: &alone,
        };
        let unmet = match taken {
            Some(_) => Vec::new(),
            None => looked.unmet(),
        };
        let lifted = looked.nearest().filter(|_| taken.is_none());
        let nearest = match taken {
            Some(_) => None,
            None => lifted
                .as_ref()
                .or_else(|| self.decision.order.first().map(|&i| &self.all[i])),
        };
        let binding = nearest.map(|n| words::binding(n, (&looked, &unmet), &self.demand, scenario));
        let mut advice = Advice {
            schema: u32::try_from(SCHEMA).unwrap_or(1),
            program: Generator::default(),
            command: String::new(),
            scenario: ScenarioName {
                name: scenario.name.clone(),
                question: scenario.question.clone(),
                hash: String::new(),
            },
            seed: scenario.seed,
            confidence: CONFIDENCE,
            cores: scenario.machine.visible_cpus,
            interpreters: ask.profiles.iter().map(|p| p.name.clone()).collect(),
            constraints: ask.constraints.clone(),
            requirements: self
                .goal
                .objectives
                .iter()
                .map(|o| o.text.clone())
                .collect(),
            priority: self.goal.priority,
            ranked_by: metric_name(self.goal.metric),
            recommendation: taken.map(|t| self.recommendation(t)),
            nearest: nearest.map(|n| self.approach(n)),
            binding,
            unmet,
            path: self.path(&prior, taken),
            baseline: self.baseline().map(|b| self.approach(b)),
            alternatives: Vec::new(),
            further: self.further(taken),
            sensitivity: Vec::new(),
            priorities: self.priorities(),
            second_best: taken.and_then(|t| self.second_best(t)),
            groups: Vec::new(),
            split: self.split(),
            factors: Vec::new(),
            migration: None,
            benchmark: None,
            proportion: self.surveyor.smaller.said(scenario),
            effort: AdviceEffort::default(),
        };
        let Some(taken) = taken else {
            advice.alternatives = self.others(None, &[]);
            return Ok(advice);
        };
        advice.factors = factors(
            scenario,
            taken,
            &self.all,
            &self.surveyor.constraints.clone(),
            self.profile(taken),
        );
        if ask.depth == Depth::Answer {
            advice.alternatives = self.others(Some(taken), &[]);
            return Ok(advice);
        }
        let wrong = self.wrong(taken)?;
        let others = self.best_of_others(Some(taken));
        let some: Vec<Candidate> = others.iter().map(|f| f.candidate.clone()).collect();
        let crossings = self.surveyor.crossings(
            self.scene,
            &self.goal,
            self.scale,
            &taken.candidate,
            (&some, CONDITIONS),
            &wrong,
        )?;
        advice.alternatives = self.others(Some(taken), &crossings);
        advice.sensitivity = self.sensitivity(taken, &wrong, (&others, &crossings));
        advice.groups = groups(self.surveyor, self.scene, taken, self.scale)?;
        let names: Vec<&str> = scenario
            .workload
            .classes
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        advice.migration = Some(migration(
            ask.constraints.current,
            (taken.candidate.kind(), &taken.candidate.strategy),
            (self.profile(taken).minor, &names, &self.placement(taken)),
            scenario.machine.visible_cpus,
            &self.words.signs(taken),
        ));
        Ok(advice)
    }

    fn profile(&self, fared: &Fared) -> &Profile {
        &self.ask.profiles[fared.candidate.profile]
    }

    fn baseline(&self) -> Option<&Fared> {
        self.decision.baseline.map(|i| &self.all[i])
    }

    fn approach(&self, f: &Fared) -> Approach {
        let get = |q: Quantity| f.forecast.get(q);
        let profile = self.profile(f);
        let workers = f.workers();
        let single = self.baseline().and_then(|b| b.get(Quantity::MemoryPeak));
        let memory = get(Quantity::MemoryPeak);
        let each = single
            .zip(memory)
            .filter(|_| workers > 1)
            .map(|(single, all)| (all.mean - single).max(0.0) / workers as f64);
        let batch = self.words.batch;
        Approach {
            family: f.candidate.family,
            placement: self.placement(f),
            strategy: strategy_label(&f.candidate.strategy),
            interpreter: profile.name.clone(),
            version: profile.version.clone(),
            status: (!f.forecast.is_fine()).then(|| f.forecast.status.name().to_owned()),
            meets: f.excluded.is_none() && f.standing() <= 1,
            excluded: f.excluded.map(str::to_owned),
            value: f.value(self.goal.metric),
            makespan_s: get(Quantity::Makespan).filter(|_| batch),
            latency_p50_s: get(Quantity::P50),
            latency_p95_s: get(Quantity::P95),
            latency_p99_s: get(Quantity::P99),
            capacity_per_s: f.capacity,
            speedup: f.speedup,
            speedup_reading: f.speedup.map(|s| SpeedupVerdict::of(s.mean)),
            memory_bytes: memory,
            memory_per_worker_bytes: each,
            cpu_s: get(Quantity::Cpu).filter(|_| !f.cut),
            cpu_per_task_s: get(Quantity::Cpu).filter(|_| f.cut),
            utilization_share: get(Quantity::Utilization),
            requirements: f.forecast.objectives.clone(),
        }
    }

    /// Where the tasks of each kind are executed, where each has its own.
    fn placement(&self, f: &Fared) -> Vec<PlacedTasks> {
        let placement = f.candidate.placement.as_ref();
        placement.map_or_else(Vec::new, |p| p.named(self.ask.scenario))
    }

    fn recommendation(&self, taken: &Fared) -> Recommendation {
        let approach = self.approach(taken);
        let tied = self.decision.tied.iter().map(|&i| &self.all[i]);
        let tied: Vec<&Fared> = tied
            .filter(|f| f.candidate.kind() != taken.candidate.kind())
            .collect();
        let mut reasons = self.words.reasons(
            (&self.all, &self.decision),
            taken,
            &tied,
            &self.ask.constraints,
        );
        if !approach.placement.is_empty() {
            reasons.insert(1, to_each_its_own(&approach.placement));
        }
        Recommendation {
            title: words::title(taken, self.profile(taken)),
            calls: calls(
                &taken.candidate.strategy,
                &approach.placement,
                self.words.batch,
            ),
            reasons,
            tied: words::names(&tied),
            migration_effort: effort(
                self.ask.constraints.current,
                (taken.candidate.kind(), &taken.candidate.strategy),
                self.profile(taken).minor,
            ),
            approach,
        }
    }

    fn path(&self, prior: &Prior, taken: Option<&Fared>) -> Path {
        let family = taken.map(|t| t.candidate.family);
        let agrees = family == Some(prior.family);
        // The tree's answer where it was simulated, or what is nearest to it on these interpreters.
        let by_tree = self
            .decision
            .order
            .iter()
            .map(|&i| &self.all[i])
            .find(|f| f.candidate.family == prior.family);
        let why = match taken {
            Some(taken) if !agrees => {
                Some(
                    self.words
                        .disagrees(prior.family, by_tree, taken, self.decision.ground),
                )
            }
            _ => None,
        };
        Path {
            questions: prior.path.clone(),
            prior: prior.family,
            agrees,
            why,
        }
    }

    /// The best of every family but that which is taken.
    fn best_of_others(&self, taken: Option<&Fared>) -> Vec<&Fared> {
        let mut best = self.best_of_all_others(taken);
        best.truncate(ALTERNATIVES);
        best
    }

    /// What was simulated and is not among the alternatives that are shown, with its figure or what stands in the way.
    fn further(&self, taken: Option<&Fared>) -> Vec<Further> {
        let others = self.best_of_all_others(taken);
        let left_out = others.into_iter().skip(ALTERNATIVES);
        left_out
            .map(|f| Further {
                family: f.candidate.family,
                strategy: f.label(),
                interpreter: self.profile(f).name.clone(),
                text: self.words.further(f),
            })
            .collect()
    }

    /// The best of every kind but that which is taken.
    fn best_of_all_others(&self, taken: Option<&Fared>) -> Vec<&Fared> {
        let mut kinds: Vec<(Family, bool)> = taken.iter().map(|t| t.candidate.kind()).collect();
        let mut best = Vec::new();
        for &i in &self.decision.order {
            let f = &self.all[i];
            if !kinds.contains(&f.candidate.kind()) {
                kinds.push(f.candidate.kind());
                best.push(f);
            }
        }
        best
    }

    fn others(&self, taken: Option<&Fared>, crossings: &[Vec<Crossing>]) -> Vec<Alternative> {
        let others = self.best_of_others(taken);
        let all = others.iter().enumerate().map(|(i, f)| {
            let mut wins = Vec::new();
            if let Some(taken) = taken {
                wins.extend(self.words.by_figures(f, taken, &others));
                let crossed = crossings.get(i).map_or(&[][..], Vec::as_slice);
                wins.extend(
                    crossed
                        .iter()
                        .map(|c| words::crossing(self.ask.scenario, &self.demand, *c)),
                );
                wins.truncate(CONDITIONS);
            }
            Alternative {
                approach: self.approach(f),
                trade_off: match taken {
                    Some(taken) => self.words.trade_off(f, taken),
                    None => self.words.as_it_is(f),
                },
                wins,
            }
        });
        all.collect()
    }

    /// What is decided with each input half and double what it is.
    fn wrong(&self, taken: &Fared) -> Result<Vec<Wrong>, AdviseError> {
        let mut finalists = deciding(&self.all, &self.goal);
        if !finalists.contains(&taken.candidate) {
            finalists.push(taken.candidate.clone());
        }
        let wrong = self.surveyor.wrong(
            self.scene,
            &self.goal,
            self.scale,
            &taken.candidate,
            &finalists,
        )?;
        Ok(wrong)
    }

    /// What a wrong input changes: what is decided with it, and where that took too long, what was seen of where the others become better, so that
    /// the two say the same.
    fn sensitivity(
        &self,
        taken: &Fared,
        wrong: &[Wrong],
        (others, crossings): (&[&Fared], &[Vec<Crossing>]),
    ) -> Vec<Sensitivity> {
        let said = |lever: Lever, factor: f64, changes: bool, becomes: Option<&Fared>| {
            let name = lever.name(self.ask.scenario);
            Sensitivity {
                input: lever,
                name: name.to_owned(),
                factor,
                changes,
                becomes: becomes.map(|o| format!("{} ({})", o.candidate.name(), o.label())),
                text: words::wrong(name, factor, becomes, changes),
            }
        };
        let mut all: Vec<Sensitivity> = Vec::new();
        for w in wrong {
            let changes = w.changes(&taken.candidate);
            let other = w.decision.take.map(|i| &w.seen[i]);
            all.push(said(w.lever, w.factor, changes, other.filter(|_| changes)));
        }
        for (other, crossings) in others.iter().zip(crossings) {
            for c in crossings.iter().filter(|c| c.is_near()) {
                let known = |s: &Sensitivity| s.input == c.lever && s.factor == c.seen;
                if !all.iter().any(known) {
                    all.push(said(c.lever, c.seen, true, Some(other)));
                }
            }
        }
        all
    }

    /// The best program that gives each kind of task its own, beside the best of those that treat all alike.
    fn split(&self) -> Option<Split> {
        let best = |by_kind: bool| {
            let mut order = self.decision.order.iter().map(|&i| &self.all[i]);
            order.find(|f| f.candidate.placement.is_some() == by_kind && f.excluded.is_none())
        };
        let own = best(true)?;
        let taken = self.decision.take.map(|i| &self.all[i]);
        let better = taken.is_some_and(|t| t.candidate.placement.is_some());
        let own = taken.filter(|_| better).unwrap_or(own);
        let alike = if better { best(false) } else { taken };
        let placement = self.placement(own);
        Some(
            self.words
                .split((own, better), alike, &placement, self.profile(own)),
        )
    }

    /// What would be taken if something else mattered most, by the same figures.
    fn priorities(&self) -> Vec<ByPriority> {
        let each = Goal::of_each(self.ask.scenario, &self.ask.constraints);
        let all = each.into_iter().map(|goal| {
            let priority = goal.priority;
            let decision = decide(&self.all, &goal);
            let take = decision.take.map(|i| &self.all[i]);
            ByPriority {
                priority,
                family: take.map(|f| f.candidate.family),
                strategy: take.map(|f| format!("{} on {}", f.label(), self.profile(f).name)),
                text: self.words.priority(take, &goal),
            }
        });
        all.collect()
    }

    /// A simpler approach that does what is required as well, and what it costs.
    fn second_best(&self, taken: &Fared) -> Option<String> {
        let simpler = self
            .decision
            .order
            .iter()
            .map(|&i| &self.all[i])
            .filter(|f| {
                f.excluded.is_none()
                    && f.standing() <= taken.standing().max(1)
                    && f.candidate.complexity() < taken.candidate.complexity()
            });
        words::second_best(simpler, taken, &self.goal)
    }
}
