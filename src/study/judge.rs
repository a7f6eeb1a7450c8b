//! The warnings of a finished study.

use super::forecast::{Forecast, Status, Verdict};
use super::options::Options;
use super::run::Study;
use super::steady::arrival_rate;
use super::warning::{Convoy, Warning};
use crate::cpython::profile::{Profile, Tag};
use crate::engine::Nanos;
use crate::scenario::{Arrivals, Offload, Scenario, Step, Strategy};
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
    found.extend(unshared(study, scenario));
    found.extend(serial_children(study, scenario));
    found.extend(missed_objectives(study, scenario));
    found.extend(precision(study, options));
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
    let (mut deadlocks, mut memory, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let (mut blocked, mut starved, mut convoys) = (Vec::new(), Vec::new(), Vec::new());
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
                Finding::BlockedLoop { lasted, .. } if offloads(&f.strategy) => {
                    starved.push((f.name(), *lasted));
                }
                Finding::BlockedLoop { lasted, .. } => blocked.push((f.name(), *lasted)),
                Finding::Convoy {
                    times,
                    waited,
                    of,
                    task,
                } => convoys.push(Convoy {
                    case: f.name(),
                    task: task.clone(),
                    times: *times,
                    each: Nanos(waited.0 / (*times).max(1)),
                    share: waited.as_secs_f64() / of.as_secs_f64(),
                }),
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
    if !blocked.is_empty() {
        found.push(Warning::BlockedLoop { cases: blocked });
    }
    if !starved.is_empty() {
        found.push(Warning::StarvedLoop { cases: starved });
    }
    if !convoys.is_empty() {
        found.push(Warning::Convoy { cases: convoys });
    }
    if !refused.is_empty() {
        found.push(Warning::Unsupported { cases: refused });
    }
    found
}

/// Whether an event loop leaves the work to others.
fn offloads(strategy: &Strategy) -> bool {
    match strategy {
        Strategy::Asyncio { offload, .. } => *offload != Offload::None,
        Strategy::Prefork { each, .. } => offloads(each),
        _ => false,
    }
}

/// Whether tasks run in several processes or interpreters.
fn separates(strategy: &Strategy) -> bool {
    match strategy {
        Strategy::Sequential | Strategy::Threads(_) => false,
        Strategy::Processes { .. } | Strategy::Interpreters(_) | Strategy::Prefork { .. } => true,
        Strategy::Asyncio { offload, .. } => {
            matches!(offload, Offload::Processes(..) | Offload::Interpreters(_))
        }
    }
}

/// Tasks that share something, compared under strategies that do not let them.
fn unshared(study: &Study, scenario: &Scenario) -> Option<Warning> {
    let w = &scenario.workload;
    let locks = w.locks.iter().filter(|l| !l.shared).map(|l| &l.name);
    let mut names: Vec<String> = Vec::new();
    for name in w.objects.iter().chain(locks) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let mut strategies: Vec<String> = Vec::new();
    for f in study.forecasts.iter().filter(|f| separates(&f.strategy)) {
        if !strategies.contains(&f.strategy_label) {
            strategies.push(f.strategy_label.clone());
        }
    }
    (!names.is_empty() && !strategies.is_empty()).then_some(Warning::Unshared { names, strategies })
}

/// Whether the worker that has a task runs its children one after another, though others have been asked for to share the work.
fn runs_children_itself(strategy: &Strategy) -> bool {
    match strategy {
        Strategy::Sequential | Strategy::Threads(_) | Strategy::Asyncio { .. } => false,
        Strategy::Processes { .. } | Strategy::Interpreters(_) => true,
        // Its processes share the requests among them, even where each works on one at a time.
        Strategy::Prefork { each, .. } => runs_children_itself(each),
    }
}

/// Whether these steps start more than one child at once.
fn fans_out(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::FanOut { count, steps } => *count > 1 || fans_out(steps),
        Step::Lock(_, inner)
        | Step::Hold(_, inner)
        | Step::Timeout(_, inner)
        | Step::Repeat(_, inner)
        | Step::Retry { steps: inner, .. } => fans_out(inner),
        Step::Cpu(_)
        | Step::Native(_)
        | Step::Io(_)
        | Step::Acquire(_)
        | Step::Release(_)
        | Step::Shared { .. }
        | Step::Put(_)
        | Step::Get(_)
        | Step::PayloadIn(_)
        | Step::PayloadOut(_)
        | Step::ObjectsIn(_)
        | Step::ObjectsOut(_)
        | Step::Allocate(_)
        | Step::Fail(_) => false,
    })
}

/// Tasks that fan out, compared under strategies that do not.
fn serial_children(study: &Study, scenario: &Scenario) -> Option<Warning> {
    if !scenario.workload.classes.iter().any(|c| fans_out(&c.steps)) {
        return None;
    }
    let mut strategies: Vec<String> = Vec::new();
    for f in &study.forecasts {
        if runs_children_itself(&f.strategy) && !strategies.contains(&f.strategy_label) {
            strategies.push(f.strategy_label.clone());
        }
    }
    (!strategies.is_empty()).then_some(Warning::SerialChildren { strategies })
}

/// Objectives that no case meets, nor may meet. Where no case has a value at all, other warnings say why.
fn missed_objectives(study: &Study, scenario: &Scenario) -> Vec<Warning> {
    let missed = |i: usize| {
        study
            .forecasts
            .iter()
            .all(|f| f.objectives[i].verdict == Verdict::Missed)
    };
    (0..scenario.objectives.len())
        .filter(|&i| missed(i))
        .filter_map(|i| {
            let objective = &scenario.objectives[i];
            let value = |f: &Forecast| f.objectives[i].value.map(|v| v.mean);
            let off = |v: f64| (v - objective.bound).abs();
            let (case, value) = study
                .forecasts
                .iter()
                .filter_map(|f| value(f).map(|v| (f.name(), v)))
                .min_by(|a, b| off(a.1).total_cmp(&off(b.1)))?;
            Some(Warning::ObjectiveMissed {
                objective: objective.text.clone(),
                metric: objective.metric,
                closest: (case, value),
            })
        })
        .collect()
}

fn precision(study: &Study, options: &Options) -> Vec<Warning> {
    let fine = || study.forecasts.iter().filter(|f| f.status == Status::Fine);
    let mut found = Vec::new();
    if let Some(least) = fine().map(|f| f.replications).min().filter(|&n| n < FEW) {
        found.push(Warning::FewReplications {
            replications: least,
        });
    }
    let mut wide: Vec<(String, f64, u32)> = fine()
        .filter_map(|f| {
            let relative = f.primary?.relative()?;
            (relative > options.precision).then(|| {
                let needed = replications_for(f.replications, relative / options.precision);
                (f.name(), relative, needed)
            })
        })
        .collect();
    wide.sort_by(|a, b| b.1.total_cmp(&a.1));
    if let Some(needed) = wide.iter().map(|w| w.2).max() {
        found.push(Warning::NotConverged {
            cases: wide.into_iter().map(|(c, r, _)| (c, r)).collect(),
            precision: options.precision,
            needed,
        });
    }
    found
}

/// Replications that make an interval so many times narrower, rounded up to two digits.
fn replications_for(have: u32, narrower: f64) -> u32 {
    let exact = f64::from(have) * narrower * narrower;
    let unit = libm::pow(
        10.0,
        (libm::floor(libm::log10(exact.max(1.0))) - 1.0).max(0.0),
    );
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates"
    )]
    let rounded = (libm::ceil(exact / unit) * unit) as u32;
    rounded
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
