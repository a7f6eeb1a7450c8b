//! The course of one replication of each case over time: simulated once more, and only for who wants to see it.

use rayon::prelude::*;

use super::drive::pool;
use super::forecast::{Forecast, Status};
use super::options::{Options, StudyError};
use super::run::Study;
use crate::cpython::profile::Profile;
use crate::cpython::recording::OverTime;
use crate::scenario::Scenario;
use crate::strategy::{Outcome, SimInput};

/// Gives each forecast that has numbers the course of its replication 0. `profiles` are those that the study was made with; the
/// result does not depend on the number of threads.
///
/// # Errors
/// When the worker threads cannot be started.
pub fn follow<C, E>(
    study: &mut Study,
    scenario: &Scenario,
    profiles: &[Profile],
    options: &Options,
    course: C,
) -> Result<(), StudyError>
where
    C: Fn(&SimInput<'_>) -> Result<(Outcome, OverTime), E> + Sync,
{
    let warmup = study.warmup;
    let one = |f: &mut Forecast| {
        let followed = matches!(f.status, Status::Fine | Status::Saturated);
        let profile = profiles.iter().find(|p| p.name == f.interpreter);
        if let Some(profile) = profile.filter(|_| followed) {
            let course = course(&SimInput {
                machine: &profile.machine(&scenario.machine),
                profile,
                workload: &scenario.workload,
                strategy: &f.strategy,
                seed: scenario.seed,
                replication: 0,
                warmup,
                horizon: scenario.horizon,
                keep_latencies: false,
                max_events: options.max_events,
            });
            // What cannot be simulated has been refused before.
            f.over_time = course.ok().map(|(_, over_time)| over_time);
        }
    };
    pool(options.threads)?.install(|| {
        study.forecasts.par_iter_mut().with_max_len(1).for_each(one);
    });
    Ok(())
}
