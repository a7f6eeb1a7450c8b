//! Follows one replication of each case: its course over time, and who ran when in its busiest part. It is simulated once more, only for
//! those who ask for it.

use rayon::prelude::*;

use super::drive::pool;
use super::options::{Options, StudyError};
use crate::cpython::profile::Profile;
use crate::cpython::recording::{self, RecordOptions, Recording};
use crate::engine::Nanos;
use crate::result::{Forecast, Status, Study, Timeline};
use crate::scenario::Scenario;
use crate::strategy::{Compiled, Outcome, SimInput};

/// Most spans that are recorded of a case: many more than its timeline shows, since the window and the rows are chosen from them.
const SPANS: usize = 50_000;

/// Gives each forecast that has numbers the course of its replication 0, and the timeline made of its recording. `profiles` are those with
/// which the study was made. The result does not depend on the number of threads.
///
/// # Errors
///
/// If the worker threads cannot be started.
pub(crate) fn follow<C, R, T, E>(
    study: &mut Study,
    scenario: &Scenario,
    profiles: &[Profile],
    options: &Options,
    course: C,
    record: R,
    timeline: T,
) -> Result<(), StudyError>
where
    C: Fn(&SimInput<'_>) -> Result<(Outcome, recording::RecordedSeries), E> + Sync,
    R: Fn(&SimInput<'_>, RecordOptions) -> Result<(Outcome, Recording), E> + Sync,
    T: Fn(&Recording) -> Timeline + Sync,
{
    let one = |f: &mut Forecast| {
        let followed = matches!(f.status, Status::Fine | Status::Saturated);
        let profile = profiles.iter().find(|p| p.name == f.interpreter);
        let known = profile.filter(|_| followed).zip(f.known_strategy());
        if let Some((profile, strategy)) = known {
            let machine = profile.machine(&scenario.machine);
            let compiled = Compiled::default();
            let input = SimInput {
                machine: &machine,
                profile,
                workload: &scenario.workload,
                strategy: &strategy,
                compiled: Some(&compiled),
                seed: scenario.seed,
                replication: 0,
                warmup: f.warmup,
                horizon: scenario.horizon,
                keep_latencies: false,
                windows: None,
                max_events: options.max_events,
            };
            let first = RecordOptions {
                window: (Nanos::ZERO, Nanos::MAX),
                most_spans: SPANS,
            };
            // A case that cannot be simulated has been refused before.
            f.detail.over_time = course(&input).ok().map(|(_, o)| (&o).into());
            f.detail.timeline = record(&input, first).ok().map(|(_, r)| timeline(&r));
        }
    };
    pool(options.threads)?.install(|| {
        study.forecasts.par_iter_mut().with_max_len(1).for_each(one);
    });
    Ok(())
}
