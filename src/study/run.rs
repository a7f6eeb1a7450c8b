//! A study and its run: the simulations of its [`StudyRun`] on a pool of threads, then the forecasts.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::course::{Job, StudyRun, Track};
use super::drive::{Studies, drive, pool};
use super::fingerprint::fingerprint;
use super::forecast::{Forecast, Status};
use super::interpreter::Interpreter;
use super::options::{Options, Progress, StudyError, is_steady};
use super::ranking::rank;
use super::spread::quantiles;
use super::steady::saturated;
use super::warning::Warning;
use crate::cpython::profile::Profile;
use crate::engine::Nanos;
use crate::scenario::{Arrivals, MachineSpec, Metric, Scenario};
use crate::strategy::{Outcome, SimInput};

/// A comparison of strategies on one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// The scenario's name.
    pub name: String,
    /// The question that it answers; may be empty.
    pub question: String,
    /// Names the scenario's content (every override included): equal fingerprints, equal scenarios.
    pub fingerprint: String,
    /// Master seed.
    pub seed: u64,
    /// The simulated computer.
    pub machine: MachineSpec,
    /// The interpreters, in the order of the scenario.
    pub interpreters: Vec<Interpreter>,
    /// What the cases are ranked by.
    pub metric: Metric,
    /// Whether the workload was studied in its steady state.
    pub steady: bool,
    /// Whether all tasks arrive at once.
    pub batch: bool,
    /// Precision asked for (relative half-width of the metric's interval).
    pub precision: f64,
    /// Start of the time that counts (steady workloads).
    pub warmup: Nanos,
    /// Every case, best first.
    pub forecasts: Vec<Forecast>,
    /// The sequential baseline, if it was simulated only to be compared with.
    pub hidden_baseline: Option<Forecast>,
    /// Name of the case that speed-ups are against.
    pub baseline: Option<String>,
    /// What a reader must know.
    pub warnings: Vec<Warning>,
}

/// Simulates every case of the scenario until each is known precisely enough. `profiles` are those of `scenario.interpreters`,
/// in the same order. The result does not depend on the number of threads.
pub fn run_study<S, E>(
    scenario: &Scenario,
    profiles: &[Profile],
    options: &Options,
    simulate: S,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Study, StudyError>
where
    S: Fn(&SimInput<'_>) -> Result<Outcome, E> + Sync,
    E: Display,
{
    let begun = StudyRun::begin(Cow::Borrowed(scenario), Cow::Borrowed(profiles), options)?;
    let single = Single {
        begun: Mutex::new(Some(begun)),
        simulate: |input: &SimInput<'_>| simulate(input).map_err(|e| e.to_string()),
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

/// One study by itself.
struct Single<'a, 'p, S> {
    begun: Mutex<Option<(StudyRun<'a>, Vec<Job>)>>,
    simulate: S,
    progress: &'p (dyn Fn(Progress) + Sync),
    done: AtomicU64,
    planned: AtomicU64,
    study: Mutex<Option<Study>>,
}

impl<'a, S: Fn(&SimInput<'_>) -> Result<Outcome, String> + Sync> Studies<'a> for Single<'a, '_, S> {
    type Error = StudyError;

    fn count(&self) -> usize {
        1
    }

    fn begin(&self, _: usize) -> Result<(StudyRun<'a>, Vec<Job>), StudyError> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(begun.take().expect("a study is begun once"))
    }

    fn simulate(&self, input: &SimInput<'_>) -> Result<Outcome, String> {
        (self.simulate)(input)
    }

    fn progress(&self, _: usize, planned: usize) {
        if planned > 0 {
            self.planned.fetch_add(planned as u64, Ordering::Relaxed);
            return;
        }
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.progress)(Progress {
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

/// The forecasts of the cases, ranked, and what must be said of them. `start` is where the time that counts begins.
pub(super) fn conclude(run: &StudyRun<'_>, tracks: &[Track], start: Nanos) -> Study {
    let (scenario, profiles, options) = (&*run.scenario, &*run.profiles, run.options);
    let metric = options.primary(scenario);
    let most = metric == Metric::Throughput;
    let mut forecasts: Vec<Forecast> = tracks
        .iter()
        .zip(&run.cases)
        .map(|(t, case)| {
            let overloaded = saturated(scenario, &t.samples);
            let mut forecast = Forecast::new(
                case,
                scenario,
                profiles,
                &t.samples,
                t.refused.as_ref(),
                overloaded,
            );
            if forecast.status == Status::Fine && !t.latency.is_empty() {
                forecast.latency_quantiles = Some(quantiles(&t.latency));
            }
            forecast
        })
        .collect();
    let columns: Vec<Vec<f64>> = tracks
        .iter()
        .map(|t| t.samples.iter().map(|s| s.primary).collect())
        .collect();
    let baseline = run
        .baseline
        .filter(|&i| forecasts[i].status == Status::Fine);
    let baseline_name = baseline.map(|i| forecasts[i].name());
    let base_column = baseline.map(|i| columns[i].clone());
    let uncertain: Vec<String> = tracks
        .iter()
        .zip(&forecasts)
        .filter(|(t, f)| f.status == Status::Fine && t.pilot.is_some_and(|p| !p.reliable))
        .map(|(_, f)| f.name())
        .collect();
    let hidden = forecasts.split_off(run.shown).into_iter().next();
    let shown_columns = columns[..run.shown].to_vec();
    let forecasts = rank(forecasts, shown_columns, base_column.as_deref(), most);
    let mut study = Study {
        name: scenario.name.clone(),
        question: scenario.question.clone(),
        fingerprint: fingerprint(scenario),
        seed: scenario.seed,
        machine: scenario.machine.clone(),
        interpreters: profiles.iter().map(Interpreter::from).collect(),
        metric,
        steady: is_steady(scenario),
        batch: scenario.workload.arrivals == Arrivals::Batch,
        precision: options.precision,
        warmup: start,
        forecasts,
        hidden_baseline: hidden,
        baseline: baseline_name,
        warnings: Vec::new(),
    };
    study.warnings = super::judge::warnings(&study, scenario, profiles, options, uncertain);
    study
}
