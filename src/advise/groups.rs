//! An approach for each kind of task, where a system has several that are not alike.

use super::candidates::Candidate;
use super::choose::decide;
use super::constraints::Constraints;
use super::family::Family;
use super::prior::Demand;
use super::result::{Group, Split};
use super::survey::{Fared, Goal, Scale, Surveyor, scene};
use super::weigh::is_better;
use crate::quantity::{Quantity, list, metric_text, metric_title, percent};
use crate::scenario::{
    NamedPool, Offload, Pool, Scenario, Step, StepResource, Strategy, TaskClass, WaitsFor, Workers,
};
use crate::study::{Options, StudyError};

/// Most kinds of tasks that are looked at by themselves.
const MOST: usize = 8;

/// What each kind of task would take by itself, how they meet in what is recommended for all, and what it does to give each its own.
pub(super) fn groups(
    surveyor: &Surveyor<'_>,
    scenario: &Scenario,
    (goal, taken): (&Goal, &Fared),
    scale: Scale,
) -> Result<(Vec<Group>, Option<Split>), StudyError> {
    let classes = &scenario.workload.classes;
    if classes.len() < 2 || classes.len() > MOST {
        return Ok((Vec::new(), None));
    }
    let together = scenario.workload.any_step(hands_over);
    let (mut all, mut own) = (Vec::new(), Vec::new());
    for (number, class) in classes.iter().enumerate() {
        let alone = alone(scenario, number);
        let demand = Demand::of(&alone);
        let best = if together {
            None
        } else {
            best_alone(surveyor, &alone, scale)?
        };
        let latencies = taken.forecast.classes.iter().find(|c| c.name == class.name);
        let family = best.as_ref().map(|o| o.candidate.family);
        let named = |o: &Fared| {
            let interpreter = &surveyor.profiles[o.candidate.profile].name;
            format!("{} on {interpreter}", o.label())
        };
        all.push(Group {
            name: class.name.clone(),
            waiting_share: demand.waiting(),
            family,
            strategy: best.as_ref().map(named),
            latency_p95_s: latencies.and_then(|l| l.latency(Quantity::P95)),
            text: meets(class, family, demand.waiting(), &taken.candidate.strategy),
        });
        own.push((demand.waiting(), best));
    }
    let split = split(surveyor, scenario, (goal, taken), scale, &own)?;
    Ok((all, split))
}

/// Whether a step hands items to other tasks, which cannot be looked at apart then.
fn hands_over(step: &Step) -> bool {
    match step.waits() {
        WaitsFor::Room(_) | WaitsFor::Item(_) => true,
        WaitsFor::Never
        | WaitsFor::Outside
        | WaitsFor::Device(_)
        | WaitsFor::Lock(_)
        | WaitsFor::Children
        | WaitsFor::Resource(_)
        | WaitsFor::Pause => false,
    }
}

/// What a kind of task takes by itself.
fn best_alone(
    surveyor: &Surveyor<'_>,
    alone: &Scenario,
    scale: Scale,
) -> Result<Option<Fared>, StudyError> {
    let constraints = Constraints {
        memory: None,
        ..surveyor.constraints.clone()
    };
    let goal = Goal::of(alone, &constraints);
    let seen = surveyor.glance(alone, &goal, scale)?;
    let decision = decide(&seen, &goal);
    Ok(decision.take.map(|i| seen[i].clone()))
}

/// Share of its own time that a kind of task waits from which it is one of those that wait.
const WAITS: f64 = 0.5;
/// Name of the pool for what computes.
const POOL: &str = "work";

/// An event loop for the kinds of tasks that wait, and a pool of its own for those that compute, simulated beside what is recommended; `None`
/// where all kinds would take the same.
fn split(
    surveyor: &Surveyor<'_>,
    scenario: &Scenario,
    (goal, taken): (&Goal, &Fared),
    scale: Scale,
    own: &[(f64, Option<Fared>)],
) -> Result<Option<Split>, StudyError> {
    let computes = |waiting: f64| waiting < WAITS;
    let pooled: Vec<&(f64, Option<Fared>)> = own.iter().filter(|(w, _)| computes(*w)).collect();
    if pooled.is_empty() || pooled.len() == own.len() {
        return Ok(None);
    }
    // Where computing side by side brings nothing (one GIL), threads still leave the loop to those that wait.
    let threads = Offload::Threads(Workers::Exactly(scenario.machine.visible_cpus.max(1)));
    let best = pooled
        .iter()
        .find_map(|(_, f)| Some((f.as_ref()?, pool_of(f.as_ref()?)?)));
    let candidate = Candidate {
        strategy: Strategy::Asyncio {
            limit: None,
            offload: Offload::None,
            pools: vec![NamedPool {
                name: POOL.into(),
                workers: best.map_or(threads, |(_, pool)| pool),
            }],
        },
        profile: best.map_or(taken.candidate.profile, |(f, _)| f.candidate.profile),
        family: Family::Asyncio,
    };
    let gil = surveyor.profiles[candidate.profile].gil;
    let candidate = Candidate {
        family: Family::of(&candidate.strategy, gil),
        ..candidate
    };
    if surveyor.constraints.excludes(candidate.family).is_some() {
        return Ok(None);
    }
    let mut placed = scenario.clone();
    for (class, own) in placed.workload.classes.iter_mut().zip(own) {
        if computes(own.0) {
            let steps = std::mem::take(&mut class.steps);
            class.steps = vec![Step::Offload {
                to: Some(POOL.into()),
                steps,
            }];
        }
    }
    // What is recommended is simulated with the tasks as they are: a loop without the pool would hand them to its own threads.
    let options = Options::default().with_replications(3);
    let seen = |of: &Scenario, one: &Candidate| {
        let scene = scene(of, goal, scale.times);
        let one = std::slice::from_ref(one);
        surveyor.study(&scene, one, &options, Some(goal.metric))
    };
    let (all, split) = (
        seen(scenario, &taken.candidate)?,
        seen(&placed, &candidate)?,
    );
    let (Some(all), Some(split)) = (all.first(), split.first()) else {
        return Ok(None);
    };
    let names: Vec<String> = scenario
        .workload
        .classes
        .iter()
        .zip(own)
        .filter(|(_, o)| computes(o.0))
        .map(|(c, _)| c.name.clone())
        .collect();
    let figure = |f: &Fared| match f.value() {
        Some(v) if f.standing() <= 1 => {
            format!(
                "{} of {}",
                metric_title(goal.metric),
                metric_text(goal.metric, v)
            )
        }
        _ => "does not do what is required".to_owned(),
    };
    let interpreter = &surveyor.profiles[candidate.profile].name;
    Ok(Some(Split {
        strategy: format!("{} on {interpreter}", split.label()),
        in_pool: names.clone(),
        value: split.value(),
        better: is_better(split, all, goal),
        text: format!(
            "To each its own: coroutines of one loop, and for {} a pool of its own to which the loop hands whole tasks ({} on {interpreter}): {}; what is recommended for all: {}.",
            list(&names),
            split.label(),
            figure(split),
            figure(all),
        ),
    }))
}

/// The pool that what a kind of task takes by itself comes to.
fn pool_of(f: &Fared) -> Option<Offload> {
    let execution = f.candidate.strategy.execution();
    if execution.event_loop || execution.copies.is_some_and(|n| n > 1) {
        return None;
    }
    match execution.pool {
        Pool::Threads(w) => Some(Offload::Threads(w)),
        Pool::Processes { workers, start, .. } => Some(Offload::Processes(workers, start)),
        Pool::Interpreters(w) => Some(Offload::Interpreters(w)),
        Pool::Nobody | Pool::ThreadEach => None,
    }
}

/// The scenario with this kind of task alone, which comes as often as it does among the others.
fn alone(scenario: &Scenario, class: usize) -> Scenario {
    let mut alone = scenario.clone();
    let all: f64 = scenario.workload.classes.iter().map(|c| c.weight).sum();
    let one = scenario.workload.classes[class].clone();
    let share = one.weight / all.max(f64::MIN_POSITIVE);
    alone.workload.classes = vec![one];
    alone.objectives = Vec::new();
    alone.strategies = Vec::new();
    if scenario.workload.arrivals != crate::scenario::Arrivals::Batch
        && let Some(changed) = super::change::Lever::Tasks.changed(&alone, share)
    {
        alone = changed;
    }
    alone
}

/// Where the tasks of a class are executed by a strategy, and how they meet the others.
fn meets(class: &TaskClass, own: Option<Family>, waiting: f64, strategy: &Strategy) -> String {
    let computes = class.steps.iter().any(|s| {
        s.any(&|s| {
            s.takes().is_some_and(|(r, _)| match r {
                StepResource::Bytecode | StepResource::Native | StepResource::Blocked => true,
                StepResource::Outside => false,
            })
        })
    });
    let alone = own.map_or(String::new(), |f| format!("by itself: {}. ", f.name()));
    let each = strategy.each();
    let execution = each.execution();
    let offload = match each {
        Strategy::Asyncio { offload, .. } => Some(*offload),
        Strategy::Sequential
        | Strategy::Threads(_)
        | Strategy::Processes { .. }
        | Strategy::Interpreters(_)
        | Strategy::Prefork { .. }
        | Strategy::Nodes { .. }
        | Strategy::Server { .. } => None,
    };
    let place = match offload {
        Some(Offload::None) => {
            "its tasks are coroutines of the one loop, and what they compute holds up the others"
                .to_owned()
        }
        Some(offload) => {
            let pool = match offload {
                Offload::Threads(_) => "the pool of threads",
                Offload::Processes(..) => "the pool of processes",
                Offload::Interpreters(_) => "the pool of interpreters",
                Offload::None => "the loop",
            };
            if computes {
                format!(
                    "its tasks are coroutines; what they compute goes to {pool}, which all kinds share, and the loop goes on meanwhile"
                )
            } else {
                "its tasks are coroutines that only wait, and never leave the loop".to_owned()
            }
        }
        None if execution.pool.workers().is_some() => {
            "its tasks take a worker each from the one pool, and wait in its queue with all others"
                .to_owned()
        }
        None => "its tasks wait their turn with all others".to_owned(),
    };
    format!(
        "{} of its own time it waits; {alone}Together: {place}.",
        percent(waiting)
    )
}
