//! Makes advice: the tree, the survey, the decision, and what stands beside it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::candidates::Candidate;
use super::choose::{Decision, decide};
use super::code::calls;
use super::constraints::{Constraints, Priority};
use super::factors::factors;
use super::family::Family;
use super::groups::{groups, to_each_its_own};
use super::migrate::{effort, migration};
use super::placement::PlacedTasks;
use super::prior::{Demand, Prior, prior};
use super::result::{
    Advice, AdviceEffort, Alternative, Approach, ByPriority, Further, Path, Recommendation,
    Sensitivity, Split,
};
use super::survey::{Fared, Goal, Scale, Surveyor, close_scene, finalists, tasks_of_a_run};
use super::weigh::Wrong;
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
    let demand = Demand::of(ask.scenario);
    let constraints = Constraints {
        shared: ask.constraints.shared.or(Some(demand.shares)),
        ..ask.constraints.clone()
    };
    let surveyor = Surveyor {
        profiles: ask.profiles,
        constraints: &constraints,
        threads: ask.threads,
        progress,
        simulations: AtomicU64::new(0),
        events: AtomicU64::new(0),
    };
    let goal = Goal::of(ask.scenario, &constraints);
    let scale = surveyor.scale(ask.scenario)?;
    let glance = surveyor.glance(ask.scenario, &goal, scale)?;
    // What is best for something else is looked at, too: it is told what would be taken then.
    let others = Priority::ALL.map(|priority| {
        let other = Constraints {
            priority: Some(priority),
            ..constraints.clone()
        };
        Goal::of(ask.scenario, &other)
    });
    let finalists = finalists(&glance, &goal, &others);
    let all = surveyor.closely(ask.scenario, &goal, scale, &finalists)?;
    let decision = decide(&all, &goal);
    let tasks_per_run = tasks_of_a_run(&close_scene(ask.scenario, &goal, scale));
    let maker = Maker {
        ask,
        surveyor: &surveyor,
        words: Words::of(ask.scenario, &goal),
        goal,
        scale,
        all,
        decision,
        demand,
    };
    let mut advice = maker.advice()?;
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
        let nearest = match taken {
            Some(_) => None,
            None => self.decision.order.first().map(|&i| &self.all[i]),
        };
        let binding = nearest.map(|n| words::binding(n, &self.all, &self.demand, scenario));
        let mut advice = Advice {
            schema: u32::try_from(SCHEMA).unwrap_or(1),
            program: Generator::default(),
            command: String::new(),
            scenario: ScenarioName {
                name: scenario.name.clone(),
                question: scenario.question.clone(),
                hash: fingerprint(scenario),
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
        let others = self.best_of_others(Some(taken));
        let some: Vec<Candidate> = others.iter().map(|f| f.candidate.clone()).collect();
        let crossings = self.surveyor.crossings(
            scenario,
            &self.goal,
            self.scale,
            &taken.candidate,
            (&some, CONDITIONS),
        )?;
        advice.alternatives = self.others(Some(taken), &crossings);
        advice.sensitivity = self.sensitivity(taken)?;
        advice.groups = groups(self.surveyor, scenario, taken, self.scale)?;
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
            value: f.value(),
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
        let best = self.decision.best.map(|i| &self.all[i]);
        let tied = self.decision.tied.iter().map(|&i| &self.all[i]);
        let tied: Vec<&Fared> = tied
            .filter(|f| f.candidate.kind() != taken.candidate.kind())
            .collect();
        let mut reasons = self.words.reasons(
            taken,
            (self.decision.ground, best),
            self.baseline(),
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

    fn others(
        &self,
        taken: Option<&Fared>,
        crossings: &[Vec<super::weigh::Crossing>],
    ) -> Vec<Alternative> {
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
                trade_off: taken.map_or(String::new(), |t| self.words.trade_off(f, t)),
                wins,
            }
        });
        all.collect()
    }

    fn sensitivity(&self, taken: &Fared) -> Result<Vec<Sensitivity>, AdviseError> {
        let finalists: Vec<Candidate> = self.all.iter().map(|f| f.candidate.clone()).collect();
        let wrong = self
            .surveyor
            .wrong(self.ask.scenario, &self.goal, self.scale, &finalists)?;
        Ok(wrong
            .iter()
            .map(
                |Wrong {
                     lever,
                     factor,
                     seen,
                     decision,
                 }| {
                    let other = decision.take.map(|i| &seen[i]);
                    // Where the other is no better than what is taken, the advice stands.
                    let still = other.is_some_and(|o| {
                        o.candidate.kind() == taken.candidate.kind()
                            || decision.tied.iter().any(|&i| {
                                seen[i].candidate.kind() == taken.candidate.kind()
                                    && o.candidate.complexity() >= taken.candidate.complexity()
                            })
                    });
                    let changes = !still;
                    Sensitivity {
                        input: *lever,
                        name: lever.name(self.ask.scenario).to_owned(),
                        factor: *factor,
                        changes,
                        becomes: other
                            .filter(|_| changes)
                            .map(|o| format!("{} ({})", o.candidate.name(), o.label())),
                        text: words::wrong(
                            lever.name(self.ask.scenario),
                            *factor,
                            other.filter(|_| changes),
                            changes,
                        ),
                    }
                },
            )
            .collect())
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
        let all = Priority::ALL.into_iter().map(|priority| {
            let constraints = Constraints {
                priority: Some(priority),
                ..self.ask.constraints.clone()
            };
            let goal = Goal::of(self.ask.scenario, &constraints);
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
