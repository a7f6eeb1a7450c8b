//! Adapts the scenario's workload for verification: its times are scaled, its arrivals are fixed, and it gets an end.

use super::error::ProgramError;
use super::table::class;
use super::written::fit_memory;
use crate::engine::{Nanos, StreamRole, stream, unit};
use crate::quantity::percent;
use crate::scenario::{Arrivals, LoadCourse, Scenario, Step, TracedTask, Workload};

/// The scenario's workload with all of its times multiplied by `scale`: those of steps, time-outs and back-offs, and the times between
/// arrivals and of thinking, so that the load stays the same. Overheads and imports are not scaled. Random arrivals become recorded ones,
/// as drawn by replication 0. What is left out is reported.
///
/// # Errors
/// Returns an error when arrivals go on without an end.
pub fn fit(scenario: &Scenario, scale: f64) -> Result<(Workload, Vec<String>), ProgramError> {
    let mut notes = Vec::new();
    let mut w = scenario.workload.clone();
    w.arrivals = scaled_arrivals(&w.arrivals, scale);
    for class in &mut w.classes {
        for step in &mut class.steps {
            *step = step.scaled(scale);
        }
    }
    for step in &mut w.rounds.serial {
        *step = step.scaled(scale);
    }
    for resource in &mut w.resources {
        *resource = resource.scaled(scale);
    }
    for fault in &mut w.faults {
        *fault = fault.scaled(scale);
    }
    let horizon = scenario.horizon.map(|h| h.scale(scale));
    if let Arrivals::Open { interval, count } = &w.arrivals {
        let mut intervals = stream(scenario.seed, 0, StreamRole::Arrivals);
        let mut at = Nanos::ZERO;
        let next = || {
            at += interval.sample(&mut intervals);
            Some(at)
        };
        w.arrivals = Arrivals::Trace(laid_down(scenario, &w, next, *count, horizon)?);
    } else if let Arrivals::Varying { load, count } = &w.arrivals {
        let mut intervals = stream(scenario.seed, 0, StreamRole::Arrivals);
        let states = stream(scenario.seed, 0, StreamRole::Load);
        let mut course = LoadCourse::new(load.clone(), states);
        let next = || course.next(&mut intervals, horizon);
        w.arrivals = Arrivals::Trace(laid_down(scenario, &w, next, *count, horizon)?);
    } else if let Arrivals::Sessions { .. } = &w.arrivals {
        return Err(ProgramError::Sessions);
    } else if let (Arrivals::Trace(tasks), Some(h)) = (&mut w.arrivals, horizon) {
        tasks.retain(|t| t.at <= h);
    }
    if horizon.is_some() {
        notes.push(
            "tasks that arrive before the scenario's horizon are run to their end, and count"
                .into(),
        );
    }
    if scenario.warmup.is_some() {
        notes.push("all tasks count, also those of the scenario's warm-up".into());
    }
    if scale != 1.0 {
        notes.push(format!(
            "times of the workload are multiplied by {scale} (--scale); overheads are not"
        ));
        let written = if scale < 1.0 { fit_memory(&mut w) } else { 1.0 };
        if written < 1.0 {
            notes.push(format!(
                "working memory is {} of what the scenario says, here and in the forecast: writing all of it would take longer than steps that \
                 --scale makes shorter",
                percent(written)
            ));
        }
        let largest = w.classes.iter().map(|c| largest_payload(&c.steps)).max();
        if let Some(bytes) = largest.filter(|b| scale < 1.0 && *b >= LARGE) {
            notes.push(format!(
                "payloads are really written, which --scale does not shorten: up to {:.0} ms of a step here, \
                 and none of it in the forecast",
                bytes as f64 * WRITE_NS_PER_BYTE / 1e6
            ));
        }
    }
    Ok((w, notes))
}

/// The size of a payload from which on writing it takes long enough to be reported.
const LARGE: u64 = 4_000_000;
/// The time of writing fresh memory, whose pages are faulted in one by one. Measured on a server; used in the note only.
const WRITE_NS_PER_BYTE: f64 = 0.4;

/// The largest payload that a step makes.
fn largest_payload(steps: &[Step]) -> u64 {
    let of = |step: &Step| {
        let inside = step.inside().map_or(0, |i| largest_payload(i.steps));
        let carried = step.carries();
        carried.bytes_in.max(carried.bytes_out).max(inside)
    };
    steps.iter().map(of).max().unwrap_or(0)
}

fn laid_down(
    scenario: &Scenario,
    w: &Workload,
    mut next: impl FnMut() -> Option<Nanos>,
    count: Option<u64>,
    horizon: Option<Nanos>,
) -> Result<Vec<TracedTask>, ProgramError> {
    const MOST: usize = 2_000_000;
    let mut classes = stream(scenario.seed, 0, StreamRole::Classes);
    let mut tasks = Vec::new();
    while count.is_none_or(|n| (tasks.len() as u64) < n) {
        let Some(at) = next() else { break };
        if horizon.is_some_and(|h| at > h) {
            break;
        }
        if tasks.len() >= MOST {
            return Err(ProgramError::Arrivals(MOST));
        }
        let class = class(&w.classes, || unit(&mut classes));
        tasks.push(TracedTask {
            at,
            class,
            demands: Vec::new(),
        });
    }
    Ok(tasks)
}

pub(super) fn scaled_arrivals(arrivals: &Arrivals, by: f64) -> Arrivals {
    match arrivals {
        Arrivals::Batch => Arrivals::Batch,
        Arrivals::Open { interval, count } => Arrivals::Open {
            interval: interval.scaled(by),
            count: *count,
        },
        Arrivals::Varying { load, count } => Arrivals::Varying {
            load: load.stretched(by),
            count: *count,
        },
        Arrivals::Sessions {
            interval,
            requests,
            think,
            count,
        } => Arrivals::Sessions {
            interval: interval.scaled(by),
            requests: *requests,
            think: think.scaled(by),
            count: *count,
        },
        Arrivals::Trace(tasks) => Arrivals::Trace(
            tasks
                .iter()
                .map(|t| TracedTask {
                    at: t.at.scale(by),
                    class: t.class,
                    demands: t.demands.iter().map(|d| d.scale(by)).collect(),
                })
                .collect(),
        ),
        Arrivals::Closed {
            users,
            think,
            count,
        } => Arrivals::Closed {
            users: *users,
            think: think.scaled(by),
            count: *count,
        },
    }
}
