//! A study and its run: the simulations of its [`StudyRun`] on a pool of threads, then the forecasts.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::course::{Job, StudyRun, Track};
use super::drive::{Studies, drive, pool};
use super::fingerprint::fingerprint;
use super::forecast::controls;
use super::judge::judged;
use super::options::{Options, Progress, StudyError, is_steady};
use super::ranking::{Column, Entry, rank, sound};
use super::sample::Sample;
use super::spread::quantiles;
use super::steady::saturated;
use crate::cpython::profile::Profile;
use crate::engine::Nanos;
use crate::measure::CONFIDENCE;
use crate::quantity::Quantity;
use crate::result::{Forecast, Interpreter, Machine, Notice, Program, ScenarioName, Status, Study};
use crate::scenario::{Arrivals, Scenario};
use crate::strategy::{Outcome, SimInput};

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

/// The forecasts of all cases by what is known of them so far, ranked.
pub(super) fn ranked(run: &StudyRun<'_>, tracks: &[Track]) -> Vec<Entry> {
    let entries: Vec<Entry> = (0..tracks.len())
        .map(|case| entry(run, tracks, case))
        .collect();
    let baseline = run
        .baseline
        .filter(|&i| entries[i].forecast.status == Status::Fine)
        .map(|i| entries[i].column.clone());
    // What was only simulated to be compared with takes no place.
    let (shown, mut hidden): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|e| e.case < run.shown);
    let most = sound(&shown);
    hidden.iter_mut().for_each(|e| e.assign_tier(&most));
    let metric = run.options.primary(&run.scenario);
    let mut all = rank(shown, baseline.as_ref(), &run.scenario, metric);
    all.extend(hidden);
    all
}

fn entry(run: &StudyRun<'_>, tracks: &[Track], case: usize) -> Entry {
    let (scenario, t) = (&*run.scenario, &tracks[case]);
    let metric = run.options.primary(scenario);
    let forecast = Forecast::of(
        &run.cases[case],
        scenario,
        metric,
        &run.profiles,
        t,
        saturated(scenario, &t.samples),
    );
    let of = |get: fn(&Sample) -> f64| t.samples.iter().map(get).collect();
    let control: Vec<f64> = of(|s| s.control);
    // Users of a closed workload ask when they have been answered: after a warm-up no two cases count the same tasks, and up to a
    // horizon not even the same number.
    let closed = matches!(scenario.workload.arrivals, Arrivals::Closed { .. });
    let whole = t.start == Nanos::ZERO && scenario.horizon.is_none();
    Entry {
        column: Column {
            primary: of(|s| s.primary),
            own: forecast.primary(),
            failing: of(|s| s.values[Quantity::FailureRate as usize]),
            control: controls(metric.unit(), &control).to_vec(),
            start: t.start,
            same_tasks: !closed || whole,
        },
        forecast,
        case,
    }
}

/// The forecasts of the cases, ranked, and what must be said of them.
pub(super) fn conclude(run: &StudyRun<'_>, tracks: &[Track]) -> Study {
    let (scenario, profiles, options) = (&*run.scenario, &*run.profiles, run.options);
    let mut entries = ranked(run, tracks);
    for e in &mut entries {
        let latency = &tracks[e.case].latency;
        if e.forecast.status == Status::Fine && !latency.is_empty() {
            e.forecast.detail.latency_quantiles = Some(quantiles(latency));
        }
    }
    let fine = |case: usize| {
        let found = entries.iter().find(|e| e.case == case);
        found.filter(|e| e.forecast.status == Status::Fine)
    };
    let baseline = run.baseline.and_then(fine).map(|e| e.forecast.name());
    let (shown, hidden): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|e| e.case < run.shown);
    let forecasts: Vec<Forecast> = shown.into_iter().map(|e| e.forecast).collect();
    let mut study = Study {
        program: Program::default(),
        command: String::new(),
        scenario: ScenarioName {
            name: scenario.name.clone(),
            question: scenario.question.clone(),
            hash: fingerprint(scenario),
        },
        seed: scenario.seed,
        machine: Machine {
            cores: scenario.machine.cores.clone(),
            memory_limit_bytes: scenario.machine.memory_limit,
        },
        interpreters: (profiles.iter().map(Interpreter::from))
            .map(|i| Interpreter {
                preloads: i.preloads && scenario.workload.imports.preloaded,
                ..i
            })
            .collect(),
        confidence: CONFIDENCE,
        precision: options.precision,
        steady: is_steady(scenario),
        batch: scenario.workload.arrivals == Arrivals::Batch,
        warmup: forecasts
            .iter()
            .map(|f| f.warmup)
            .max()
            .unwrap_or(Nanos::ZERO),
        metric: options.primary(scenario),
        baseline,
        taken: None,
        forecasts,
        hidden_baseline: hidden.into_iter().next().map(|e| e.forecast),
        warnings: Vec::new(),
    };
    study.taken = study.answer().map(|a| study.named(&a));
    let warnings = judged(&study, scenario, profiles, options);
    study.warnings = warnings.iter().map(Notice::from).collect();
    study
}
