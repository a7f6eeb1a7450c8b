//! The whole course of a verification: programs, runs, forecasts, comparison.

use std::time::Duration;

use super::compare::{Verification, Verified, conditions};
use super::error::ForecastError;
use super::estimate::DurationEstimate;
use super::forecast::Conditions;
use super::prepare::{LeftOut, Planned, Plans, Request};
use super::run::{MeasuredRun, ProgramDir, RunError, run_once};
use super::serve::{self, ModuleSizes, ServerHome};
use super::table::task_count;
use crate::host::Interpreter;

/// How much is run and simulated.
#[derive(Clone, Debug)]
pub(crate) struct VerifySettings {
    /// The number of timed runs of each strategy.
    pub runs: u32,
    /// The greatest time that one run may take.
    pub limit: Duration,
    /// The number of simulations of each strategy; the forecast is their median.
    pub replications: u32,
    /// The environment that servers are started from; needed only where a strategy is one.
    pub server: Option<ServerHome>,
}

/// Runs and forecasts every planned strategy, and adds the results to `into`. `tell` is called with what is being done, and the share of
/// the estimated time that has passed (0 to 1).
///
/// # Errors
/// Returns an error when the user interrupts, or when no temporary files can be written.
pub(crate) fn verify(
    request: &Request<'_>,
    python: &Interpreter,
    plans: &Plans,
    (settings, estimate): (&VerifySettings, &DurationEstimate),
    simulate: &super::SimulateSameDemands<'_>,
    tell: &dyn Fn(&str, f64),
    into: &mut Verification,
) -> Result<(), RunError> {
    let tag = python.tag();
    let all = estimate.all().max(f64::MIN_POSITIVE);
    let mut over = 0.0;
    for (i, planned) in plans.planned.iter().enumerate() {
        let name = format!("{} on CPython {}", planned.label, python.version);
        let own = estimate.each.get(i).copied().unwrap_or(0.0);
        let runs = f64::from(settings.runs.max(1) + 1);
        let workers = (python, request.cores);
        let measured = measure(planned, workers, plans, settings, &|run| {
            tell(&name, (over + own * f64::from(run) / runs) / all);
        });
        over += own;
        let (runs, memory, modules) = match measured {
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
        let conditions = Conditions {
            modules,
            ..conditions(&runs, best_loop(request))
        };
        let forecaster = planned.forecaster(request, plans, conditions);
        let simulated: Result<Vec<_>, ForecastError> = (0..settings.replications.max(1))
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
                verified.notes.extend(serve::seen(&verified));
                into.verified.push(verified);
            }
            Err(why) => into.left_out.push(LeftOut {
                label: planned.label.clone(),
                why: why.to_string(),
            }),
        }
    }
    Ok(())
}

/// The time of an iteration of the reference loop at the machine's best speed, in nanoseconds: as measured when the profile was calibrated,
/// or else on the profile's own machine.
pub(super) fn best_loop(request: &Request<'_>) -> f64 {
    let own = request.profile.provenance.as_ref();
    own.map_or(request.profile.params.check_gap, |p| p.machine.loop_ns)
}

/// Makes the timed runs, and one more in which memory is sampled.
fn measure(
    planned: &Planned,
    (python, cores): (&Interpreter, Option<u32>),
    plans: &Plans,
    settings: &VerifySettings,
    begin: &dyn Fn(u32),
) -> Result<(Vec<MeasuredRun>, Option<u64>, ModuleSizes), RunError> {
    let workshop = ProgramDir::new().map_err(|e| RunError::Unrunnable(e.to_string()))?;
    workshop
        .put(&planned.program)
        .map_err(|e| RunError::Unrunnable(e.to_string()))?;
    let tasks = task_count(&plans.workload);
    let runs = settings.runs.max(1);
    let once = |run, memory| {
        begin(run);
        let Some(served) = &planned.program.served else {
            return run_once(
                &workshop,
                &planned.program,
                python,
                settings.limit,
                memory,
                tasks,
            );
        };
        let Some(home) = &settings.server else {
            return Err(RunError::Unrunnable("there is no server".into()));
        };
        let stem = &planned.program.stem;
        serve::run_once(
            &workshop,
            (served, stem),
            home,
            (settings.limit, cores),
            memory,
        )
    };
    let measured = (0..runs)
        .map(|run| once(run, false).map(|(measured, _)| measured))
        .collect::<Result<Vec<_>, _>>()?;
    let (_, memory) = once(runs, true)?;
    let modules = match (&planned.program.served, &settings.server) {
        (Some(served), Some(home)) => serve::module_sizes(&workshop, home, served.server)?,
        _ => ModuleSizes::default(),
    };
    Ok((measured, memory, modules))
}
