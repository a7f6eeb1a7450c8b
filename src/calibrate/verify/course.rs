//! The whole course: programs, runs, forecasts, comparison.

use std::time::Duration;

use super::compare::{Verification, Verified, conditions};
use super::forecast::Conditions;
use super::prepare::{LeftOut, Planned, Plans, Request};
use super::run::{Measured, RunError, Workshop, run_once};
use super::table::task_count;
use crate::host::Interpreter;

/// How much is run and simulated.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Timed runs of each strategy.
    pub runs: u32,
    /// The longest that one run may take.
    pub limit: Duration,
    /// Simulations of each strategy; the forecast is their median.
    pub replications: u32,
}

/// How long the runs will take, by the forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Seconds of the longest run, and its strategy.
    pub longest: (f64, String),
    /// Seconds of all runs.
    pub all: f64,
}

/// Overheads are about half as much again as at best, on a machine that others use too.
const TYPICAL: Conditions = Conditions {
    slowness: 1.5,
    block_ns: None,
};
/// Starting an interpreter, seconds.
const START: f64 = 0.3;

/// Forecasts how long the runs take; strategies that cannot be forecast are taken out, and why is said.
pub fn estimate(
    request: &Request<'_>,
    plans: &mut Plans,
    settings: &Settings,
    simulate: &super::Simulate<'_>,
) -> Estimate {
    let mut estimate = Estimate {
        longest: (0.0, String::new()),
        all: 0.0,
    };
    for planned in std::mem::take(&mut plans.planned) {
        let forecaster = planned.forecaster(request, plans, TYPICAL);
        match forecaster.simulate(0, simulate) {
            Ok(run) => {
                let seconds = run.makespan + START;
                if seconds > estimate.longest.0 {
                    estimate.longest = (seconds, planned.label.clone());
                }
                // One more run is for memory.
                estimate.all += seconds * f64::from(settings.runs + 1);
                plans.planned.push(planned);
            }
            Err(why) => plans.left_out.push(LeftOut {
                label: planned.label,
                why,
            }),
        }
    }
    estimate
}

/// Runs and forecasts every planned strategy; the results go to `into`. `tell` is given a line about each.
///
/// # Errors
/// When the user interrupts, or no temporary files can be written.
pub fn verify(
    request: &Request<'_>,
    python: &Interpreter,
    plans: &Plans,
    settings: &Settings,
    simulate: &super::Simulate<'_>,
    tell: &dyn Fn(&str),
    into: &mut Verification,
) -> Result<(), RunError> {
    let tag = python.tag();
    for planned in &plans.planned {
        tell(&format!("{} on CPython {}", planned.label, python.version));
        let measured = measure(planned, python, plans, settings);
        let (runs, memory) = match measured {
            Ok(measured) => measured,
            Err(RunError::Interrupted) => return Err(RunError::Interrupted),
            Err(e) => {
                into.failures.push(LeftOut {
                    label: format!("{} on {tag}", planned.label),
                    why: e.to_string(),
                });
                continue;
            }
        };
        let conditions = conditions(&runs, best_loop(request));
        let forecaster = planned.forecaster(request, plans, conditions);
        let simulated: Result<Vec<_>, String> = (0..settings.replications.max(1))
            .map(|run| forecaster.simulate(run, simulate))
            .collect();
        match simulated {
            Ok(simulated) => {
                let mut verified = Verified::new(
                    &planned.label,
                    &tag,
                    &planned.strategy,
                    (&runs, memory, request.machine.cores.len()),
                    &simulated,
                    conditions.slowness,
                );
                let own = planned.program.notes.iter();
                verified.notes = own.filter(|n| !plans.notes.contains(n)).cloned().collect();
                into.verified.push(verified);
            }
            Err(why) => into.left_out.push(LeftOut {
                label: planned.label.clone(),
                why,
            }),
        }
    }
    Ok(())
}

/// What a turn of the reference loop takes at the machine's best, in nanoseconds: as measured beside the profile, else what
/// the profile's own machine took.
fn best_loop(request: &Request<'_>) -> f64 {
    let own = request.profile.provenance.as_ref();
    own.map_or(request.profile.params.check_gap, |p| p.machine.loop_ns)
}

/// The timed runs, and one more for memory.
fn measure(
    planned: &Planned,
    python: &Interpreter,
    plans: &Plans,
    settings: &Settings,
) -> Result<(Vec<Measured>, Option<u64>), RunError> {
    let workshop = Workshop::new().map_err(|e| RunError::Unrunnable(e.to_string()))?;
    workshop
        .put(&planned.program)
        .map_err(|e| RunError::Unrunnable(e.to_string()))?;
    let tasks = task_count(&plans.workload);
    let once = |memory| {
        run_once(
            &workshop,
            &planned.program,
            python,
            settings.limit,
            memory,
            tasks,
        )
    };
    let runs = (0..settings.runs.max(1))
        .map(|_| once(false).map(|(measured, _)| measured))
        .collect::<Result<Vec<_>, _>>()?;
    let (_, memory) = once(true)?;
    Ok((runs, memory))
}
