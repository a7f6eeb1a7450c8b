//! Runs a study: the simulations of its [`StudyRun`] on a pool of threads, then the forecasts.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::course::{Job, StudyRun};
use super::drive::{Studies, drive, pool};
use super::options::{Options, StudyError, StudyProgress};
use crate::cpython::profile::Profile;
use crate::result::Study;
use crate::scenario::Scenario;
use crate::strategy::{Outcome, SimError, SimInput};

/// Simulates every case of the scenario until it is known precisely enough. `profiles` are those of `scenario.interpreters`, in the same
/// order. The result does not depend on the number of threads.
///
/// # Errors
/// As of [`cases`](super::cases), past a limit of the program, or when the worker threads cannot be started.
pub fn run_study<S>(
    scenario: &Scenario,
    profiles: &[Profile],
    options: &Options,
    simulate: S,
    progress: &(dyn Fn(StudyProgress) + Sync),
) -> Result<Study, StudyError>
where
    S: Fn(&SimInput<'_>) -> Result<Outcome, SimError> + Sync,
{
    let begun = StudyRun::begin(Cow::Borrowed(scenario), Cow::Borrowed(profiles), options)?;
    let single = SingleStudy {
        begun: Mutex::new(Some(begun)),
        simulate,
        progress,
        done: AtomicU64::new(0),
        planned: AtomicU64::new(0),
        study: Mutex::new(None),
    };
    drive(&pool(options.threads)?, &single)?;
    let study = single.study.into_inner();
    Ok(study
        .unwrap_or_else(PoisonError::into_inner)
        .expect("a study that nobody stops comes to its end"))
}

/// A study that is run by itself.
struct SingleStudy<'a, 'p, S> {
    begun: Mutex<Option<(StudyRun<'a>, Vec<Job>)>>,
    simulate: S,
    progress: &'p (dyn Fn(StudyProgress) + Sync),
    done: AtomicU64,
    planned: AtomicU64,
    study: Mutex<Option<Study>>,
}

impl<'a, S: Fn(&SimInput<'_>) -> Result<Outcome, SimError> + Sync> Studies<'a>
    for SingleStudy<'a, '_, S>
{
    type Error = StudyError;

    fn count(&self) -> usize {
        1
    }

    fn begin(&self, _: usize) -> Result<(StudyRun<'a>, Vec<Job>), StudyError> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(begun.take().expect("a study is begun once"))
    }

    fn simulate(&self, input: &SimInput<'_>) -> Result<Outcome, SimError> {
        (self.simulate)(input)
    }

    fn progress(&self, _: usize, planned: usize) {
        if planned > 0 {
            self.planned.fetch_add(planned as u64, Ordering::Relaxed);
            return;
        }
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.progress)(StudyProgress {
            done,
            planned: self.planned.load(Ordering::Relaxed),
        });
    }

    fn over(&self, _: usize, study: Study) -> Result<(), StudyError> {
        *self.study.lock().unwrap_or_else(PoisonError::into_inner) = Some(study);
        Ok(())
    }

    fn stopped(&self) -> bool {
        false
    }
}
