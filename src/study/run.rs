//! Runs a study: the simulations of its [`StudyRun`] on a pool of threads, then the forecasts.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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

/// A study to be made beside others.
#[derive(Clone, Debug)]
pub struct AskedStudy {
    /// What is simulated.
    pub scenario: Scenario,
    /// The profiles of its interpreters, in their order.
    pub profiles: Vec<Profile>,
    /// How much is simulated of it.
    pub options: Options,
}

/// Makes many studies side by side on one pool of threads, each as [`run_study`] makes it by itself; the result does not depend on the number
/// of threads. `over` is told how many are done.
///
/// # Errors
/// As of [`run_study`]: the first error of any of them.
pub fn run_studies<S>(
    asked: &[AskedStudy],
    threads: Option<usize>,
    simulate: S,
    over: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Study>, StudyError>
where
    S: Fn(&SimInput<'_>) -> Result<Outcome, SimError> + Sync,
{
    let many = ManyStudies {
        asked,
        simulate,
        over,
        done: AtomicUsize::new(0),
        studies: Mutex::new(asked.iter().map(|_| None).collect()),
    };
    drive(&pool(threads)?, &many)?;
    let studies = many.studies.into_inner();
    let studies = studies.unwrap_or_else(PoisonError::into_inner);
    Ok(studies.into_iter().flatten().collect())
}

/// Studies that are made side by side.
struct ManyStudies<'a, 'o, S> {
    asked: &'a [AskedStudy],
    simulate: S,
    over: &'o (dyn Fn(usize) + Sync),
    done: AtomicUsize,
    studies: Mutex<Vec<Option<Study>>>,
}

impl<'a, S: Fn(&SimInput<'_>) -> Result<Outcome, SimError> + Sync> Studies<'a>
    for ManyStudies<'a, '_, S>
{
    type Error = StudyError;

    fn count(&self) -> usize {
        self.asked.len()
    }

    fn begin(&self, number: usize) -> Result<(StudyRun<'a>, Vec<Job>), StudyError> {
        let asked = &self.asked[number];
        let (scenario, profiles) = (&asked.scenario, &asked.profiles);
        StudyRun::begin(
            Cow::Borrowed(scenario),
            Cow::Borrowed(profiles),
            &asked.options,
        )
    }

    fn simulate(&self, input: &SimInput<'_>) -> Result<Outcome, SimError> {
        (self.simulate)(input)
    }

    fn progress(&self, _: usize, _: usize) {}

    fn over(&self, number: usize, study: Study) -> Result<(), StudyError> {
        let mut studies = self.studies.lock().unwrap_or_else(PoisonError::into_inner);
        studies[number] = Some(study);
        drop(studies);
        (self.over)(self.done.fetch_add(1, Ordering::Relaxed) + 1);
        Ok(())
    }

    fn stopped(&self) -> bool {
        false
    }
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
