//! The warnings of a finished study.

use super::forecast::{Forecast, Status, Verdict};
use super::options::Options;
use super::run::Study;
use super::steady::arrival_rate;
use super::warning::Warning;
use crate::cpython::profile::{Profile, Tag};
use crate::scenario::{Arrivals, Scenario};
use crate::strategy::Finding;

/// A profile is called estimated when more than this share of its parameters are defaults.
const ESTIMATED: f64 = 0.75;

/// Intervals from fewer replications than this are wide for that reason alone.
const FEW: u32 = 3;

pub(super) fn warnings(
    study: &Study,
    scenario: &Scenario,
    profiles: &[Profile],
    options: &Options,
    uncertain_warmup: Vec<String>,
) -> Vec<Warning> {
    let all = &study.forecasts;
    let mut found = Vec::new();
    found.extend(findings(all, options));
    let saturated = names(all, |f| f.status == Status::Saturated);
    if !saturated.is_empty() {
        let arrivals = match &scenario.workload.arrivals {
            Arrivals::Open { interval, .. } => arrival_rate(interval),
            _ => None,
        };
        found.push(Warning::Saturated {
            cases: saturated,
            arrivals,
        });
    }
    let nothing = names(all, |f| f.status == Status::NothingCompleted);
    if !nothing.is_empty() {
        found.push(Warning::NothingCompleted { cases: nothing });
    }
    found.extend(missed_objectives(study));
    found.extend(precision(study, scenario, options));
    if !uncertain_warmup.is_empty() {
        found.push(Warning::WarmupUncertain {
            cases: uncertain_warmup,
        });
    }
    found.extend(profiles.iter().filter_map(estimated));
    found
}

fn names(all: &[Forecast], which: impl Fn(&Forecast) -> bool) -> Vec<String> {
    all.iter()
        .filter(|f| which(f))
        .map(Forecast::name)
        .collect()
}

/// The warnings that come of findings, one of each kind.
fn findings(all: &[Forecast], options: &Options) -> Vec<Warning> {
    let (mut deadlocks, mut memory, mut loops, mut refused) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for f in all {
        if let Status::Unsupported(why) = &f.status {
            refused.push((f.name(), why.clone()));
            continue;
        }
        for found in &f.findings {
            match &found.finding {
                Finding::Deadlock { at, waiting } => {
                    deadlocks.push((f.name(), *at, waiting.clone()))
                }
                Finding::OutOfMemory { at, bytes } => memory.push((f.name(), *at, *bytes)),
                Finding::BlockedLoop { lasted, .. } => loops.push((f.name(), *lasted)),
                Finding::EventLimit { .. } | Finding::Unsupported(_) => {}
            }
        }
    }
    let mut found = Vec::new();
    if !deadlocks.is_empty() {
        found.push(Warning::Deadlock { cases: deadlocks });
    }
    if !memory.is_empty() {
        found.push(Warning::OutOfMemory { cases: memory });
    }
    let stopped = names(all, |f| f.status == Status::EventLimit);
    if !stopped.is_empty() {
        found.push(Warning::EventLimit {
            cases: stopped,
            limit: options.max_events,
        });
    }
    if !loops.is_empty() {
        found.push(Warning::BlockedLoop { cases: loops });
    }
    if !refused.is_empty() {
        found.push(Warning::Unsupported { cases: refused });
    }
    found
}

/// Objectives that no case meets, nor may meet.
fn missed_objectives(study: &Study) -> Vec<Warning> {
    let count = study.forecasts.first().map_or(0, |f| f.objectives.len());
    let missed = |i: usize| {
        study
            .forecasts
            .iter()
            .all(|f| f.objectives[i].verdict == Verdict::Missed)
    };
    (0..count)
        .filter(|&i| missed(i))
        .map(|i| {
            let off = |f: &Forecast| {
                let o = &f.objectives[i];
                o.value
                    .filter(|_| o.bound != 0.0)
                    .map(|v| ((v.mean - o.bound) / o.bound).abs())
            };
            let closest = study
                .forecasts
                .iter()
                .filter_map(|f| off(f).map(|d| (f.name(), d)))
                .min_by(|a, b| a.1.total_cmp(&b.1));
            Warning::ObjectiveMissed {
                objective: study.forecasts[0].objectives[i].text.clone(),
                closest,
            }
        })
        .collect()
}

fn precision(study: &Study, scenario: &Scenario, options: &Options) -> Vec<Warning> {
    let fine = || study.forecasts.iter().filter(|f| f.status == Status::Fine);
    let mut found = Vec::new();
    if let Some(least) = fine().map(|f| f.replications).min().filter(|&n| n < FEW) {
        found.push(Warning::FewReplications {
            replications: least,
        });
    }
    let wide: Vec<(String, f64)> = fine()
        .filter_map(|f| {
            let relative = f.primary?.relative()?;
            (relative > options.precision).then(|| (f.name(), relative))
        })
        .collect();
    if !wide.is_empty() {
        let fixed = options.replications.or(scenario.replications).is_some();
        found.push(Warning::NotConverged {
            cases: wide,
            precision: options.precision,
            fixed,
        });
    }
    found
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a profile has some hundred parameters"
)]
fn estimated(p: &Profile) -> Option<Warning> {
    let (defaults, of) = (
        p.tags.iter().filter(|t| **t == Tag::Default).count(),
        p.tags.len(),
    );
    (defaults as f64 > ESTIMATED * of as f64).then(|| Warning::EstimatedProfile {
        interpreter: p.name.clone(),
        defaults,
        of,
    })
}
