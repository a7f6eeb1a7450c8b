//! Conclusions of a study, after each round and at its end: its cases ranked, best first.

use super::course::StudyRun;
use super::fingerprint::scenario_name;
use super::forecast::controls;
use super::judge::judged;
use super::options::is_steady;
use super::ranking::{RankedCase, ReplicationSeries, rank, sound};
use super::sample::Sample;
use super::spread::quantiles;
use super::steady::{asks_again, saturated};
use super::track::CaseTrack;
use crate::engine::Nanos;
use crate::measure::CONFIDENCE;
use crate::quantity::Quantity;
use crate::result::{
    Forecast, Generator, InterpreterInfo, MachineInfo, Notice, ReplicationValues, Status, Study,
};
use crate::scenario::Arrivals;

/// The forecasts of all cases from the replications so far, ranked.
pub(super) fn ranked(run: &StudyRun<'_>, tracks: &[CaseTrack]) -> Vec<RankedCase> {
    let entries: Vec<RankedCase> = (0..tracks.len())
        .map(|case| entry(run, tracks, case))
        .collect();
    let baseline = run
        .baseline
        .filter(|&i| entries[i].forecast.status == Status::Fine)
        .map(|i| entries[i].column.clone());
    // A baseline that was simulated only for comparison is not ranked.
    let (requested, mut hidden): (Vec<RankedCase>, Vec<RankedCase>) =
        entries.into_iter().partition(|e| e.case < run.requested);
    let most = sound(&requested);
    hidden.iter_mut().for_each(|e| e.assign_tier(&most));
    let metric = run.options.primary(&run.scenario);
    let mut all = rank(requested, baseline.as_ref(), &run.scenario, metric);
    all.extend(hidden);
    all
}

fn entry(run: &StudyRun<'_>, tracks: &[CaseTrack], case: usize) -> RankedCase {
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
    // Users of a closed workload ask again when they have been answered: after a warm-up no two cases count the same tasks, and up to a
    // horizon not even the same number.
    let closed = asks_again(&scenario.workload.arrivals);
    let whole = t.start == Nanos::ZERO && scenario.horizon.is_none();
    RankedCase {
        column: ReplicationSeries {
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

/// The values of a case's replications: of each quantity that its forecast has, and of the metric by which the study ranks.
fn replication_values(forecast: &Forecast, samples: &[Sample]) -> ReplicationValues {
    let of = |get: &dyn Fn(&Sample) -> f64| samples.iter().map(get).collect::<Vec<f64>>();
    let ranked = forecast.primary().map(|_| of(&|s| s.primary));
    let quantities = Quantity::ALL.into_iter().filter_map(|q| {
        forecast.get(q)?;
        Some((q, of(&|s| s.values[q as usize])))
    });
    ReplicationValues::new(ranked, quantities)
}

/// Makes the study: the forecasts of the cases, ranked, with the warnings about them.
pub(super) fn conclude(run: &StudyRun<'_>, tracks: &[CaseTrack]) -> Study {
    let (scenario, profiles, options) = (&*run.scenario, &*run.profiles, run.options);
    let mut entries = ranked(run, tracks);
    for e in &mut entries {
        let latency = &tracks[e.case].latency;
        if e.forecast.status == Status::Fine && !latency.is_empty() {
            e.forecast.detail.latency_quantiles = Some(quantiles(latency));
        }
        if options.replication_values {
            let samples = &tracks[e.case].samples;
            e.forecast.detail.replication_values = Some(replication_values(&e.forecast, samples));
        }
    }
    let fine = |case: usize| {
        let found = entries.iter().find(|e| e.case == case);
        found.filter(|e| e.forecast.status == Status::Fine)
    };
    let baseline = run.baseline.and_then(fine).map(|e| e.forecast.name());
    let (requested, hidden): (Vec<RankedCase>, Vec<RankedCase>) =
        entries.into_iter().partition(|e| e.case < run.requested);
    let forecasts: Vec<Forecast> = requested.into_iter().map(|e| e.forecast).collect();
    let mut study = Study {
        program: Generator::default(),
        command: String::new(),
        scenario: scenario_name(scenario),
        seed: scenario.seed,
        machine: MachineInfo::from(&scenario.machine),
        interpreters: (profiles.iter().map(InterpreterInfo::from))
            .map(|i| InterpreterInfo {
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
