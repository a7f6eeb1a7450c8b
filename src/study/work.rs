//! Estimates the work of a simulation from the scenario alone. Only the order of work and the remaining time that is shown depend on it; no
//! result does.

use crate::engine::Nanos;
use crate::scenario::{Arrivals, Dist, Inside, Runs, Scenario, Step, StepResource, Workload};

/// Interval after which a computing thread causes an event, in nanoseconds (the GIL's switch interval).
const SWITCH_INTERVAL_NS: f64 = 5e6;

/// Estimated number of events of a replication of a case; at least 1.
pub(super) fn events(scenario: &Scenario) -> u64 {
    let w = &scenario.workload;
    let total: f64 = w.classes.iter().map(|c| c.weight).sum();
    let mean = |of: &dyn Fn(&[Step]) -> f64| -> f64 {
        w.classes
            .iter()
            .map(|c| c.weight / total * of(&c.steps))
            .sum()
    };
    let events = match &w.arrivals {
        Arrivals::Batch => {
            let tasks = (w.classes.iter()).map(|c| number(c.count) * of_steps(&c.steps));
            let serial = Some(&w.rounds.serial).filter(|s| !s.is_empty());
            let round = tasks.sum::<f64>() + serial.map_or(0.0, |s| of_steps(s));
            number(w.rounds.count) * round
        }
        Arrivals::Trace(tasks) => tasks
            .iter()
            .map(|t| w.classes.get(t.class).map_or(1.0, |c| of_steps(&c.steps)))
            .sum(),
        Arrivals::Open { .. }
        | Arrivals::Varying { .. }
        | Arrivals::Sessions { .. }
        | Arrivals::Closed { .. } => arrivals(scenario, w, mean(&|s| length(s))) * mean(&of_steps),
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates"
    )]
    let events = events.max(1.0) as u64;
    events
}

/// Number of tasks that arrive if each takes `length` nanoseconds by itself: the given number, or those until the horizon.
fn arrivals(scenario: &Scenario, w: &Workload, length: f64) -> f64 {
    let by_themselves = || {
        let expected = w.arrivals.expected_until(scenario.horizon);
        expected.unwrap_or(0.0)
    };
    let (count, until_horizon) = match &w.arrivals {
        Arrivals::Open { count, .. }
        | Arrivals::Varying { count, .. }
        | Arrivals::Sessions { count, .. } => (*count, by_themselves()),
        Arrivals::Closed {
            users,
            think,
            count,
        } => (
            *count,
            scenario.horizon.map_or(f64::INFINITY, Nanos::as_f64) * f64::from(*users)
                / (think.mean() + length).max(1.0),
        ),
        Arrivals::Batch | Arrivals::Trace(_) => (None, 0.0),
    };
    let most = count.map_or(f64::INFINITY, number).min(until_horizon);
    if most.is_finite() { most } else { 1e6 }
}

/// Estimated events of a task: some for itself, some for each step, and more for long steps.
fn of_steps(steps: &[Step]) -> f64 {
    6.0 + steps.iter().map(of_step).sum::<f64>()
}

fn of_step(step: &Step) -> f64 {
    let own = match step.takes() {
        // Each release is an event if another thread waits for the GIL.
        Some((StepResource::Bytecode | StepResource::Native, time)) => {
            2.0 + finite(time) / SWITCH_INTERVAL_NS + number(step.releases())
        }
        Some((StepResource::Outside | StepResource::Blocked, _)) | None => 2.0,
    };
    let Some(Inside { steps, runs }) = step.inside() else {
        return own;
    };
    match runs {
        Runs::Once | Runs::Attempts(_) => own + inner(steps),
        // A loop is no event of its own, nor is the start of children: each round or child has its own.
        Runs::Times(n) => number(n) * inner(steps),
        Runs::Children(n) => number(n) * of_steps(steps),
    }
}

fn inner(steps: &[Step]) -> f64 {
    steps.iter().map(of_step).sum()
}

/// Time of the steps in nanoseconds if nothing delays them.
fn length(steps: &[Step]) -> f64 {
    let of = |step: &Step| {
        let own = step.takes().map_or(0.0, |(_, time)| finite(time));
        let inside = step.inside().map_or(0.0, |Inside { steps, runs }| {
            let one_after_another = match runs {
                Runs::Once | Runs::Attempts(_) | Runs::Children(_) => 1.0,
                Runs::Times(n) => number(n),
            };
            one_after_another * length(steps)
        });
        own + inside
    };
    steps.iter().map(of).sum()
}

fn finite(d: &Dist) -> f64 {
    let mean = d.mean();
    if mean.is_finite() { mean } else { 1e9 }
}

pub(super) fn number(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{embedded, parse};

    #[test]
    fn guesses_lie_within_reach_of_the_truth() {
        for e in embedded::ALL {
            let s = parse(e.text, std::path::Path::new(e.name), &[]).unwrap();
            let guess = events(&s);
            assert!((10..1_000_000_000).contains(&guess), "{}: {guess}", e.name);
        }
    }

    #[test]
    fn more_work_is_guessed_to_be_more() {
        let with = |set: &str, value: &str| {
            let text = embedded::find("scraper").unwrap().text;
            let set = [(set.to_owned(), value.to_owned())];
            events(&parse(text, std::path::Path::new("x.ron"), &set).unwrap())
        };
        let few = with("workload.tasks.page.count", "10");
        assert_eq!(with("workload.tasks.page.count", "1000"), 100 * few);
    }
}
