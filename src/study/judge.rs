//! Makes the warnings of a finished study.

use std::collections::BTreeSet;

use super::comparability;
use super::comparability::{fans_out, runs_children_itself};
use super::effort::FEWEST;
use super::options::Options;
use super::relaxed::relaxed;
use super::relief::{Relief, relief};
use super::steady::{keeps_up, steady_rate};
use super::told::{Told, is_struck, returns, server_findings, told};
use super::warning::{
    BUSY, Back, Contended, Convoy, FOUGHT, GilContentionCost, RETRY_STORM, Scarce, Slowed,
    UnfinishedTasks, WAKE_UP_AT_MOST, Warning, attempts_for_each_first, gains_nothing,
    ranks_before, sent_by_clients, sequential_cpu,
};
use crate::cpython::profile::{Profile, Tag};
use crate::engine::Nanos;
use crate::measure::Estimate;
use crate::quantity::Quantity;
use crate::result::{CountingStart, FAILS_MORE, Forecast, Status, Study, Tier, Verdict};
use crate::scenario::{
    Arrivals, Execution, Jitter, Placed, Pool, ResourceKind, ResourceSpec, Scenario, Step,
    StepResource, Strategy, WaitsFor, Workload,
};
use crate::strategy::Finding;

/// Share of parameters that are defaults above which a profile counts as estimated.
const ESTIMATED: f64 = 0.75;

/// The warnings about a study of this scenario on these profiles: claims about its figures, each of which can be checked
/// ([`Warning::holds`]). The study contains them in words.
#[must_use]
pub fn judged(
    study: &Study,
    scenario: &Scenario,
    profiles: &[Profile],
    options: &Options,
) -> Vec<Warning> {
    // The answer is about the case to take, even if the program added it.
    let take = study.answer().map(|a| study.forecasts[a.take].name());
    let (added, asked): (Vec<&Forecast>, Vec<&Forecast>) =
        (study.forecasts.iter()).partition(|f| f.added && Some(f.name()) != take);
    let of = |cases: &[&Forecast]| {
        let mut found = findings(cases, scenario, profiles, options);
        found.extend(futile_wakeups(study, cases));
        found.extend(retry_storm(cases, &scenario.workload));
        found.extend(saturated(study, cases, scenario));
        found.extend(nothing_completed(cases));
        found.extend(failures(study, cases));
        found.extend(precision(study, cases, scenario, options));
        found.extend(warmups(cases));
        found
    };
    let mut found = of(&asked);
    // Cases that nobody asked for are no reason to distrust cases that work.
    let others_work = study.forecasts.iter().any(|f| f.status == Status::Fine);
    found.extend(of(&added).into_iter().map(|w| {
        if others_work && !w.is_note() {
            Warning::Added(Box::new(w))
        } else {
            w
        }
    }));
    found.extend(few_replications(study));
    found.extend(comparability::notes(study, scenario));
    found.extend(missed_objectives(study, scenario));
    found.extend(profiles.iter().filter_map(estimated));
    found
}

fn mean(f: &Forecast, q: Quantity) -> f64 {
    f.get(q).map_or(0.0, |e| e.mean)
}

fn with_status<'a>(cases: &[&'a Forecast], status: Status) -> Vec<&'a Forecast> {
    cases
        .iter()
        .filter(|f| f.status == status)
        .copied()
        .collect()
}

fn saturated(study: &Study, cases: &[&Forecast], scenario: &Scenario) -> Option<Warning> {
    let saturated = with_status(cases, Status::Saturated);
    let arrivals = steady_rate(&scenario.workload.arrivals);
    let taken = study.answer().map(|a| &study.forecasts[a.take]);
    let keeping = taken.filter(|f| keeps_up(f));
    (!saturated.is_empty()).then(|| Warning::Saturated {
        cores: saturated
            .iter()
            .all(|f| mean(f, Quantity::Utilization) >= BUSY),
        cases: saturated
            .iter()
            .map(|f| (f.name(), mean(f, Quantity::Throughput)))
            .collect(),
        arrivals,
        keeps_up: keeping.map(Forecast::name),
    })
}

fn nothing_completed(cases: &[&Forecast]) -> Option<Warning> {
    let found: Vec<(String, UnfinishedTasks)> = with_status(cases, Status::NothingCompleted)
        .into_iter()
        .map(|f| {
            let instead = UnfinishedTasks {
                failed: mean(f, Quantity::Failed),
                timed_out: mean(f, Quantity::TimedOut),
                rejected: mean(f, Quantity::Rejected),
                in_flight: mean(f, Quantity::InFlight),
                sent: sent_by_clients(f).unwrap_or(1.0),
            };
            (f.name(), instead)
        })
        .collect();
    (!found.is_empty()).then_some(Warning::NothingCompleted { cases: found })
}

fn failures(study: &Study, cases: &[&Forecast]) -> Option<Warning> {
    let share = |f: &Forecast| mean(f, Quantity::FailureRate);
    let least = study
        .forecasts
        .iter()
        .filter(|f| f.tier != Tier::NoForecast)
        .min_by(|a, b| share(a).total_cmp(&share(b)))?;
    let more = |f: &&&Forecast| share(f) > share(least) + FAILS_MORE;
    let failing = cases.iter().filter(|f| f.tier == Tier::Fails).filter(more);
    let failing: Vec<&Forecast> = failing.copied().collect();
    let found: Vec<(String, f64)> = failing.iter().map(|f| (f.name(), share(f))).collect();
    (!found.is_empty()).then(|| Warning::FailuresDiffer {
        cases: found,
        least: (least.name(), share(least)),
        struck: failing.iter().any(|f| is_struck(f)),
    })
}

fn warmups(cases: &[&Forecast]) -> Vec<Warning> {
    let begins = |how: CountingStart| {
        let fine = with_status(cases, Status::Fine).into_iter();
        fine.filter(move |f| f.begins == how)
    };
    let uncertain: Vec<String> = begins(CountingStart::Uncertain)
        .map(Forecast::name)
        .collect();
    let cut: Vec<(String, Nanos)> = begins(CountingStart::CutShort)
        .map(|f| (f.name(), f.warmup))
        .collect();
    let uncertain =
        (!uncertain.is_empty()).then_some(Warning::WarmupUncertain { cases: uncertain });
    let cut = (!cut.is_empty()).then_some(Warning::WarmupCut { cases: cut });
    uncertain.into_iter().chain(cut).collect()
}

fn few_replications(study: &Study) -> Option<Warning> {
    let fine = study.forecasts.iter().filter(|f| f.status == Status::Fine);
    let least = fine.map(|f| f.replications).min();
    least
        .filter(|&n| n < FEWEST)
        .map(|replications| Warning::FewReplications { replications })
}

/// Warnings that follow from findings, at most one of each kind.
fn findings(
    all: &[&Forecast],
    scenario: &Scenario,
    profiles: &[Profile],
    options: &Options,
) -> Vec<Warning> {
    let (mut deadlocks, mut memory, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let (mut blocked, mut starved, mut convoys) = (Vec::new(), Vec::new(), Vec::new());
    let (mut contended, mut scarce, mut slowed) = (Vec::new(), Vec::new(), Vec::new());
    let (mut queues, mut killed, mut turned_away) = (Vec::new(), Vec::new(), Vec::new());
    let (mut crashed, mut ended) = (Vec::new(), Vec::new());
    let (mut broken, mut lost, mut missed) = (Vec::new(), Vec::new(), Vec::new());
    let (mut machines, mut restarted) = (Vec::new(), Vec::new());
    let mut for_memory = Vec::new();
    let mut wait_reasons = BTreeSet::new();
    for f in all {
        if let Some(why) = &f.refusal {
            refused.push((f.name(), why.clone()));
            continue;
        }
        for found in &f.findings {
            match &found.finding {
                Finding::Deadlock { at, waiting, on } => {
                    deadlocks.push((f.name(), *at, waiting.clone()));
                    wait_reasons.extend(on.iter().cloned());
                }
                Finding::OutOfMemory { at, bytes } => memory.push((f.name(), *at, *bytes)),
                // A blocked loop hurts nobody if it never has other tasks.
                Finding::BlockedLoop { .. } if f.is(|s| one_at_a_time(scenario, s)) => {}
                Finding::BlockedLoop { lasted, .. } if f.is(offloads) && !inlines(scenario) => {
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
                    each: waited.mean_of(*times),
                    share: waited.as_secs_f64() / of.as_secs_f64(),
                }),
                Finding::ContendedObject {
                    object,
                    task,
                    waited,
                    of,
                } => contended.push(Contended {
                    case: f.name(),
                    object: object.clone(),
                    task: task.clone(),
                    share: waited.as_secs_f64() / of.as_secs_f64(),
                }),
                Finding::ScarceResource {
                    resource,
                    task,
                    waited,
                    of,
                } => scarce.push(Scarce {
                    case: f.name(),
                    resource: resource.clone(),
                    task: task.clone(),
                    share: waited.as_secs_f64() / of.as_secs_f64(),
                    limit: is_rate_limit(scenario, resource),
                }),
                Finding::BusyDevice {
                    device,
                    task,
                    busy,
                    waited,
                    of,
                } => slowed.push(Slowed {
                    case: f.name(),
                    device: device.clone(),
                    task: task.clone(),
                    busy: *busy,
                    share: waited.as_secs_f64() / of.as_secs_f64(),
                    faulted: faulted(scenario, device),
                }),
                Finding::Rejections { .. }
                | Finding::FullBacklog { .. }
                | Finding::KilledWorkers { .. }
                | Finding::CrashedWorkers { .. }
                | Finding::BrokenPool { .. }
                | Finding::LostTasks { .. }
                | Finding::LostMachines { .. }
                | Finding::Restarts { .. }
                | Finding::MissedFault { .. }
                | Finding::MemoryKills { .. } => match told(f, &found.finding) {
                    Some(Told::Rejected(said)) => turned_away.push(said),
                    Some(Told::FullQueue(said)) => queues.push(said),
                    Some(Told::Killed(said)) => killed.push(said),
                    Some(Told::Crashed(said)) => crashed.push(said),
                    Some(Told::Broken(said)) => broken.push(said),
                    Some(Told::Lost(said)) => lost.push(said),
                    Some(Told::Machines(said)) => machines.push(said),
                    Some(Told::Restarted(said)) => restarted.push(said),
                    Some(Told::Missed(said)) => missed.push(said),
                    Some(Told::ForMemory(said)) => for_memory.push(said),
                    None => {}
                },
                Finding::ProgramCrashed { at } => ended.push((f.name(), *at)),
                // The cost of futile wake-ups is judged by comparison with other cases.
                Finding::FutileWakeups { .. }
                | Finding::EventLimit { .. }
                | Finding::ClockEnd { .. }
                | Finding::Unsupported { .. } => {}
            }
        }
    }
    // A case has the status of the first kind of finding that ends it, and is named only under that.
    let is =
        |name: &String, status: Status| all.iter().any(|f| f.name() == *name && f.status == status);
    deadlocks.retain(|(c, ..)| is(c, Status::Deadlock));
    memory.retain(|(c, ..)| is(c, Status::OutOfMemory));
    ended.retain(|(c, _)| is(c, Status::Crashed));
    let mut found = Vec::new();
    if !deadlocks.is_empty() {
        found.push(Warning::Deadlock {
            cases: deadlocks,
            on: wait_reasons.into_iter().collect(),
        });
    }
    if !memory.is_empty() {
        let case = |name: &String| {
            let f = all.iter().find(|f| f.name() == *name)?;
            let profile = profiles.iter().find(|p| p.name == f.interpreter)?;
            Some(relief(scenario, profile, &f.known_strategy()?))
        };
        let ways: BTreeSet<Relief> = (memory.iter())
            .filter_map(|(c, ..)| case(c))
            .flatten()
            .collect();
        let of_nodes = with_status(all, Status::OutOfMemory)
            .iter()
            .any(|f| f.is(|s| s.nodes().is_some_and(|n| n.machine.memory.is_some())));
        found.push(Warning::OutOfMemory {
            limit: scenario.machine.memory_limit.filter(|_| !of_nodes),
            cases: memory,
            ways: ways.into_iter().collect(),
        });
    }
    let stopped: Vec<String> = with_status(all, Status::EventLimit)
        .into_iter()
        .map(Forecast::name)
        .collect();
    if !stopped.is_empty() {
        found.push(Warning::EventLimit {
            cases: stopped,
            limit: options.max_events,
        });
    }
    let endless: Vec<String> = with_status(all, Status::ClockEnd)
        .into_iter()
        .map(Forecast::name)
        .collect();
    if !endless.is_empty() {
        found.push(Warning::ClockEnd { cases: endless });
    }
    if !blocked.is_empty() {
        let calls = |s: &Step| matches!(s.takes(), Some((StepResource::Blocked, _)));
        found.push(Warning::BlockedLoop {
            cases: blocked,
            calls: scenario.workload.any_step(calls),
        });
    }
    if !starved.is_empty() {
        let has_gil = |(name, _): &(String, Nanos)| {
            let f = all.iter().find(|f| f.name() == *name);
            let with = |i: &str| profiles.iter().any(|p| p.name == i && p.gil);
            f.is_some_and(|f| with(&f.interpreter))
        };
        found.push(Warning::StarvedLoop {
            gil: starved.iter().any(has_gil),
            cases: starved,
        });
    }
    if !convoys.is_empty() {
        let itself = |name: &String| {
            let mut cases = all.iter();
            cases.any(|f| f.name() == *name && f.is(runs_children_itself))
        };
        let back = |c: &Convoy| returns(scenario, &c.task, itself(&c.case));
        let back: BTreeSet<Back> = convoys.iter().map(back).collect();
        found.push(Warning::Convoy {
            cases: convoys,
            back: back.into_iter().collect(),
        });
    }
    if !contended.is_empty() {
        found.push(Warning::ContendedObject { cases: contended });
    }
    if !scarce.is_empty() {
        found.push(Warning::ScarceResource { cases: scarce });
    }
    if !slowed.is_empty() {
        let costs = |s: &Slowed| {
            let mut devices = scenario.workload.devices.iter();
            devices.any(|d| d.name == s.device && d.kind.further_cost())
        };
        found.push(Warning::BusyDevice {
            fewer: slowed.iter().any(costs),
            cases: slowed,
        });
    }
    if !turned_away.is_empty() {
        found.push(Warning::Rejected {
            cases: turned_away,
            breakers: breakers(scenario),
            heedless: scenario
                .workload
                .any_step(|s| heedless(&scenario.workload, s)),
        });
    }
    found.extend(server_findings(all, queues, killed));
    if !crashed.is_empty() {
        found.push(Warning::CrashedWorkers { cases: crashed });
    }
    if !broken.is_empty() {
        found.push(Warning::BrokenPool { cases: broken });
    }
    if !lost.is_empty() {
        found.push(Warning::LostTasks { cases: lost });
    }
    if !machines.is_empty() {
        found.push(Warning::LostMachines { cases: machines });
    }
    if !restarted.is_empty() {
        found.push(Warning::Restarts { cases: restarted });
    }
    if !for_memory.is_empty() {
        found.push(Warning::MemoryKills { cases: for_memory });
    }
    if !missed.is_empty() {
        found.push(Warning::MissedFault { cases: missed });
    }
    if !ended.is_empty() {
        found.push(Warning::ProgramCrashed { cases: ended });
    }
    if !refused.is_empty() {
        found.push(Warning::Unsupported { cases: refused });
    }
    found
}

/// Cases in which attempts that come again are half of the load or more.
fn retry_storm(all: &[&Forecast], workload: &Workload) -> Option<Warning> {
    let cases: Vec<(String, f64)> = (all.iter())
        .filter_map(|f| Some((f.name(), attempts_for_each_first(f)?)))
        .filter(|(_, attempts)| *attempts >= RETRY_STORM)
        .collect();
    let alike = |s: &Step| (s.tries_again()).is_some_and(|p| p.jitter == Jitter::None);
    let sends = |f: &&Forecast| sent_by_clients(f).is_some_and(|n| n >= RETRY_STORM);
    let clients = all.iter().copied().any(|f| sends(&f));
    let client = workload.client.as_ref().filter(|_| clients);
    let at_once = client.is_some_and(|c| c.backoff.jitter == Jitter::None);
    (!cases.is_empty()).then(|| Warning::RetryStorm {
        cases,
        spread: !workload.any_step(alike) && !at_once,
        clients,
        heeded: !workload.any_step(|s| heedless(workload, s)),
    })
}

/// Whether a step tries again without heeding when a rate limit inside it says to.
fn heedless(workload: &Workload, step: &Step) -> bool {
    let told = |s: &Step| match s.waits() {
        WaitsFor::Resource(r) => workload.resources[r].says_when(),
        WaitsFor::Never
        | WaitsFor::Outside
        | WaitsFor::Lock(_)
        | WaitsFor::Item(_)
        | WaitsFor::Room(_)
        | WaitsFor::Children
        | WaitsFor::Device(_)
        | WaitsFor::Pause => false,
    };
    step.tries_again().is_some_and(|p| !p.retry_after) && step.any(&told)
}

/// Cases in which threads fight for the GIL and that costs something.
fn futile_wakeups(study: &Study, all: &[&Forecast]) -> Option<Warning> {
    let fought = |f: &Forecast| {
        let mut all = f.findings.iter();
        all.find_map(|x| x.finding.woken_in_vain())
            .map(|(times, task)| (times, task.to_owned()))
    };
    let cases: Vec<(&Forecast, GilContentionCost)> = all
        .iter()
        .filter_map(|f| {
            let (times, task) = fought(f)?;
            let cpu = f.get(Quantity::Cpu)?.mean;
            let sequential = sequential_cpu(study, f)?;
            // Most of the additional CPU time must be explained by what wake-ups can cost.
            let explained = times as f64 * WAKE_UP_AT_MOST >= (cpu - sequential) / 2.0;
            let costs = explained && cpu >= sequential * (1.0 + FOUGHT) && gains_nothing(study, f);
            costs.then(|| {
                let case = f.name();
                let fought = GilContentionCost {
                    case,
                    task,
                    times,
                    cpu,
                    sequential,
                };
                (*f, fought)
            })
        })
        .collect();
    let better =
        |f: &&Forecast| fought(f).is_none() && cases.iter().all(|(g, _)| ranks_before(f, g));
    let instead = study.forecasts.iter().find(better).map(Forecast::name);
    (!cases.is_empty()).then(|| Warning::FutileWakeups {
        cases: cases.into_iter().map(|(_, c)| c).collect(),
        instead,
    })
}

/// Whether faults of the scenario strike the device of this name.
fn faulted(scenario: &Scenario, device: &str) -> bool {
    let w = &scenario.workload;
    let struck = w.faults.iter().filter_map(|f| f.kind.device());
    struck.into_iter().any(|d| w.devices[d].name == device)
}

/// Whether a loop never has more than one task at once, and no task more than one child.
fn one_at_a_time(scenario: &Scenario, strategy: &Strategy) -> bool {
    let w = &scenario.workload;
    let at_once = match &w.arrivals {
        Arrivals::Batch => w.tasks_of_a_round(),
        Arrivals::Open { count, .. }
        | Arrivals::Varying { count, .. }
        | Arrivals::Sessions { count, .. } => count.unwrap_or(u64::MAX),
        Arrivals::Trace(tasks) => tasks.len() as u64,
        Arrivals::Closed { users, .. } => u64::from(*users),
    };
    let one = at_once <= 1 || strategy.execution().limit == Some(1);
    one && !w.classes.iter().any(|c| fans_out(&c.steps))
}

/// Whether an event loop leaves the work to an executor.
pub(super) fn offloads(strategy: &Strategy) -> bool {
    let Execution {
        event_loop, pool, ..
    } = strategy.execution();
    event_loop && pool != Pool::Nobody
}

/// Whether the tasks have work that an event loop does itself, even where it offloads.
fn inlines(scenario: &Scenario) -> bool {
    let stays = |s: &Step| s.placed() == Some(Placed::Loop);
    scenario.workload.any_step(stays)
}

fn is_rate_limit(scenario: &Scenario, resource: &str) -> bool {
    let mut all = scenario.workload.resources.iter();
    all.any(|r| {
        r.name == resource
            && match r.kind {
                ResourceKind::RateLimit { .. } => true,
                ResourceKind::Semaphore { .. }
                | ResourceKind::Connections { .. }
                | ResourceKind::Breaker { .. } => false,
            }
    })
}

/// The names of the circuit breakers.
fn breakers(scenario: &Scenario) -> Vec<String> {
    let resources = scenario.workload.resources.iter();
    let name = |r: &ResourceSpec| match r.kind {
        ResourceKind::Breaker { .. } => Some(r.name.clone()),
        ResourceKind::Semaphore { .. }
        | ResourceKind::Connections { .. }
        | ResourceKind::RateLimit { .. } => None,
    };
    resources.filter_map(name).collect()
}

/// Warns of objectives that every case misses. If no case has a value at all, other warnings say why.
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
            let off = |v: Estimate| (v.mean - objective.bound).abs();
            let (case, value) = study
                .forecasts
                .iter()
                .filter_map(|f| f.objectives[i].value.map(|v| (f.name(), v)))
                .min_by(|a, b| off(a.1).total_cmp(&off(b.1)))?;
            Some(Warning::ObjectiveMissed {
                objective: objective.text.clone(),
                metric: objective.metric,
                closest: (case, value.mean),
                off: off(value) / objective.bound,
                relaxed: relaxed(objective, value),
            })
        })
        .collect()
}

/// Warns of cases that did not reach the precision: the case to take, or all cases if the number of replications was given or all had to
/// reach it.
fn precision(
    study: &Study,
    cases: &[&Forecast],
    scenario: &Scenario,
    options: &Options,
) -> Option<Warning> {
    let matters: Vec<String> = match study.answer() {
        Some(a) if !options.all_cases && options.fixed(scenario).is_none() => {
            vec![study.forecasts[a.take].name()]
        }
        _ => study.forecasts.iter().map(Forecast::name).collect(),
    };
    let fine = with_status(cases, Status::Fine);
    let mut wide: Vec<(&Forecast, f64)> = fine
        .into_iter()
        .filter(|f| matters.contains(&f.name()))
        .filter_map(|f| {
            let relative = f.primary()?.relative()?;
            (relative > options.precision).then_some((f, relative))
        })
        .collect();
    wide.sort_by(|a, b| b.1.total_cmp(&a.1));
    let needed = wide
        .iter()
        .map(|(f, r)| replications_for(f.replications, r / options.precision))
        .max()?;
    let known = |q: &Quantity| {
        let relative = |f: &Forecast| f.get(*q).and_then(|e| e.relative());
        wide.iter()
            .all(|(f, _)| relative(f).is_some_and(|r| r <= options.precision))
    };
    Some(Warning::NotConverged {
        // The highest percentile that is precise enough.
        instead: [Quantity::P99, Quantity::P95, Quantity::P90, Quantity::P50]
            .into_iter()
            .find(known)
            .and_then(Quantity::percentile),
        cases: wide.iter().map(|(f, r)| (f.name(), *r)).collect(),
        precision: options.precision,
        needed,
    })
}

/// Number of replications that make an interval so many times narrower, rounded up to two digits.
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
