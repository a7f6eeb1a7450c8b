//! What each kind of task would take by itself, where a system has several, and how they meet.

use super::choose::decide;
use super::constraints::Constraints;
use super::placement::{MOST_KINDS, PlaceName, PlacedTasks};
use super::prior::Demand;
use super::result::Group;
use super::survey::{Fared, Goal, Scale, Surveyor};
use super::words::places;
use crate::quantity::{Quantity, percent};
use crate::scenario::{Offload, Pool, Scenario, Step, StepResource, Strategy, TaskClass, WaitsFor};
use crate::study::StudyError;

/// What each kind of task would take by itself, and how they meet in what is recommended.
pub(super) fn groups(
    surveyor: &Surveyor<'_>,
    scenario: &Scenario,
    taken: &Fared,
    scale: Scale,
) -> Result<Vec<Group>, StudyError> {
    let classes = &scenario.workload.classes;
    if classes.len() < 2 || classes.len() > MOST_KINDS {
        return Ok(Vec::new());
    }
    let together = scenario.workload.any_step(hands_over);
    let placed = taken.candidate.placement.as_ref();
    let placed = placed.map_or_else(Vec::new, |p| p.named(scenario));
    let mut all = Vec::new();
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
        let place = match placed.get(number) {
            Some(place) => meets_in(place, &taken.candidate.strategy),
            None => meets(class, &taken.candidate.strategy),
        };
        let by_itself = family.map_or(String::new(), |f| format!("by itself: {}. ", f.name()));
        all.push(Group {
            name: class.name.clone(),
            waiting_share: demand.waiting(),
            family,
            strategy: best.as_ref().map(named),
            latency_p95_s: latencies.and_then(|l| l.latency(Quantity::P95)),
            text: format!(
                "{} of its own time it waits; {by_itself}Together: {place}.",
                percent(demand.waiting())
            ),
        });
    }
    Ok(all)
}

/// In a sentence where each kind of task is executed.
pub(super) fn to_each_its_own(placement: &[PlacedTasks]) -> String {
    format!("To each kind of task its own: {}.", places(placement))
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

/// Where the tasks of a class are executed by a program that gives each kind its own, and how they meet the others.
fn meets_in(place: &PlacedTasks, strategy: &Strategy) -> String {
    let pool = |name: Option<&str>| {
        let named = strategy.pools().iter().find(|p| name == Some(&p.name));
        let workers = named.map_or(strategy.execution().pool, |p| p.workers.into());
        match workers {
            Pool::Processes { .. } => "processes",
            Pool::Interpreters(_) => "interpreters",
            Pool::Threads(_) | Pool::ThreadEach | Pool::Nobody => "threads",
        }
    };
    match place.place {
        PlaceName::Loop => {
            "its tasks are coroutines of the one loop, which executes what they compute itself"
                .into()
        }
        PlaceName::Parts => format!(
            "its tasks are coroutines; what they compute goes to the pool of {}, and the loop goes on meanwhile",
            pool(None)
        ),
        PlaceName::Pool => format!(
            "each of its tasks is one call of a worker of the pool of {} `{}`; the loop hands it over, goes on with the other kinds, and is woken by its end",
            pool(place.pool.as_deref()),
            place.pool.as_deref().unwrap_or_default()
        ),
    }
}

/// Where the tasks of a class are executed by a strategy, and how they meet the others.
fn meets(class: &TaskClass, strategy: &Strategy) -> String {
    let computes = class.steps.iter().any(|s| {
        s.any(&|s| {
            s.takes().is_some_and(|(r, _)| match r {
                StepResource::Bytecode | StepResource::Native | StepResource::Blocked => true,
                StepResource::Outside => false,
            })
        })
    });
    let each = strategy.each();
    let execution = each.execution();
    match each.offload() {
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
    }
}
