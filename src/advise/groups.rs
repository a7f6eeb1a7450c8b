//! An approach for each kind of task, where a system has several that are not alike.

use super::choose::decide;
use super::constraints::Constraints;
use super::family::Family;
use super::prior::Demand;
use super::result::Group;
use super::survey::{Fared, Goal, Scale, Surveyor};
use crate::quantity::{Quantity, percent};
use crate::scenario::{Offload, Scenario, StepResource, Strategy, TaskClass};
use crate::study::StudyError;

/// Most kinds of tasks that are looked at by themselves.
const MOST: usize = 8;

/// What each kind of task would take by itself, and how they meet in what is recommended for all.
pub(super) fn groups(
    surveyor: &Surveyor<'_>,
    scenario: &Scenario,
    taken: &Fared,
    scale: Scale,
) -> Result<Vec<Group>, StudyError> {
    let classes = &scenario.workload.classes;
    if classes.len() < 2 || classes.len() > MOST {
        return Ok(Vec::new());
    }
    // Tasks that hand each other items cannot be looked at apart.
    let queues = scenario.workload.any_step(|s| {
        use crate::scenario::WaitsFor;
        match s.waits() {
            WaitsFor::Room(_) | WaitsFor::Item(_) => true,
            WaitsFor::Never
            | WaitsFor::Outside
            | WaitsFor::Device(_)
            | WaitsFor::Lock(_)
            | WaitsFor::Children
            | WaitsFor::Resource(_)
            | WaitsFor::Pause => false,
        }
    });
    let mut all = Vec::new();
    for (number, class) in classes.iter().enumerate() {
        let alone = alone(scenario, number);
        let demand = Demand::of(&alone);
        let own = if queues {
            None
        } else {
            let goal = Goal::of(
                &alone,
                &Constraints {
                    memory: None,
                    ..surveyor.constraints.clone()
                },
            );
            let seen = surveyor.glance(&alone, &goal, scale)?;
            let decision = decide(&seen, &goal);
            decision.take.map(|i| seen[i].clone())
        };
        let latencies = taken.forecast.classes.iter().find(|c| c.name == class.name);
        let own_family = own.as_ref().map(|o| o.candidate.family);
        all.push(Group {
            name: class.name.clone(),
            waiting_share: demand.waiting(),
            family: own_family,
            strategy: own.as_ref().map(|o| {
                format!(
                    "{} on {}",
                    o.label(),
                    surveyor.profiles[o.candidate.profile].name
                )
            }),
            latency_p95_s: latencies.and_then(|l| l.latency(Quantity::P95)),
            text: meets(
                class,
                own_family,
                demand.waiting(),
                &taken.candidate.strategy,
            ),
        });
    }
    Ok(all)
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
