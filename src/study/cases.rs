//! The cases that a study compares: a scenario's own strategies, or a sensible full set.

use super::StudyError;
use crate::cpython::profile::Profile;
use crate::scenario::{
    Arrivals, Offload, PoolLife, ProcessApi, Scenario, StartMethod, Step, Strategy, StrategyCase,
    WaitsFor, Workers,
};

/// A case: a strategy on an interpreter.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The strategy.
    pub strategy: Strategy,
    /// Index into the study's profiles.
    pub profile: usize,
    /// Whether the program added the case by itself.
    pub added: bool,
}

/// The cases of a scenario: its strategies crossed with its interpreters, or the full set if it names none. `profiles` are those of
/// `scenario.interpreters`, in the same order.
///
/// # Errors
/// There is no interpreter, or a strategy names one that the scenario does not list.
pub fn cases(scenario: &Scenario, profiles: &[Profile]) -> Result<Vec<Case>, StudyError> {
    if profiles.is_empty() {
        return Err(StudyError::NoInterpreter);
    }
    if scenario.strategies.is_empty() {
        return Ok(default_cases(scenario, profiles));
    }
    let mut all: Vec<Case> = Vec::new();
    for wanted in &scenario.strategies {
        let on: Vec<usize> = match &wanted.interpreter {
            None => (0..profiles.len()).collect(),
            Some(name) => {
                let i = find(name, scenario, profiles)
                    .ok_or_else(|| StudyError::UnknownInterpreter(name.clone()))?;
                vec![i]
            }
        };
        for profile in on {
            let case = Case {
                strategy: wanted.strategy.clone(),
                profile,
                added: false,
            };
            if !all.contains(&case) {
                all.push(case);
            }
        }
    }
    Ok(all)
}

fn find(name: &str, scenario: &Scenario, profiles: &[Profile]) -> Option<usize> {
    let named = |i: usize| scenario.interpreters.get(i).is_some_and(|n| n == name);
    (0..profiles.len()).find(|&i| profiles[i].name == name || named(i))
}

/// The full set: every family of strategies that makes sense on each interpreter. These are all families if there is a GIL. On
/// free-threaded builds they are threads, and an event loop with threads; processes are added only if no interpreter with a GIL covers them
/// already.
pub fn default_cases(scenario: &Scenario, profiles: &[Profile]) -> Vec<Case> {
    let mut all = Vec::new();
    let any_gil = profiles.iter().any(|p| p.gil);
    for (profile, p) in profiles.iter().enumerate() {
        let mut add = |strategy| {
            all.push(Case {
                strategy,
                profile,
                added: true,
            });
        };
        add(Strategy::Sequential);
        add(Strategy::Threads(Workers::Auto));
        if let Some(workers) = sized(scenario) {
            add(Strategy::Threads(workers));
        }
        let newest_start = StartMethod::of_version(p.minor);
        if p.gil || !any_gil {
            for start in [
                StartMethod::Fork,
                StartMethod::Forkserver,
                StartMethod::Spawn,
            ] {
                add(Strategy::Processes {
                    workers: Workers::Auto,
                    start,
                    api: ProcessApi::EXECUTOR,
                    life: PoolLife::default(),
                });
            }
        }
        if p.params.interp_create > 0.0 && (p.gil || !any_gil) {
            add(Strategy::Interpreters(Workers::Auto));
        }
        if p.gil || !any_gil {
            add(Strategy::Asyncio {
                limit: None,
                offload: Offload::None,
                pools: Vec::new(),
            });
        }
        add(Strategy::Asyncio {
            limit: None,
            offload: Offload::Threads(Workers::Auto),
            pools: Vec::new(),
        });
        if p.gil || !any_gil {
            add(Strategy::Asyncio {
                limit: None,
                offload: Offload::Processes(Workers::Auto, newest_start),
                pools: Vec::new(),
            });
        }
    }
    all
}

/// Gives every strategy that has workers this number of them (see `Strategy::with_workers`). A scenario without strategies names the full
/// set from then on.
pub fn set_workers(scenario: &mut Scenario, profiles: &[Profile], workers: u32) {
    if scenario.strategies.is_empty() {
        scenario.strategies = default_cases(scenario, profiles)
            .into_iter()
            .map(|c| StrategyCase {
                strategy: c.strategy,
                interpreter: scenario.interpreters.get(c.profile).cloned(),
            })
            .collect();
    }
    for case in &mut scenario.strategies {
        case.strategy = case.strategy.with_workers(workers);
    }
}

/// A thread pool fitted to the workload: a thread for each task that may wait at once (up to 100), or a thread for each core if no task
/// waits. `None` if the library's default has that size already.
fn sized(scenario: &Scenario) -> Option<Workers> {
    const MOST: u64 = 100;
    let w = &scenario.workload;
    let wanted = if w.classes.iter().any(|c| waits(&c.steps)) {
        match &w.arrivals {
            Arrivals::Batch => w.tasks_of_a_round(),
            Arrivals::Closed { users, .. } => u64::from(*users),
            Arrivals::Open { .. }
            | Arrivals::Varying { .. }
            | Arrivals::Sessions { .. }
            | Arrivals::Trace(_) => MOST,
        }
    } else {
        scenario.machine.cores.len() as u64
    };
    let wanted = u32::try_from(wanted.clamp(1, MOST)).ok()?;
    let default = scenario.machine.visible_cpus.saturating_add(4).min(32);
    (wanted != default).then_some(Workers::Exactly(wanted))
}

/// Whether a thread that executes these steps waits for something outside, and leaves its core to others meanwhile.
fn waits(steps: &[Step]) -> bool {
    steps
        .iter()
        .any(|step| step.any(&|s| matches!(s.waits(), WaitsFor::Outside | WaitsFor::Device(_))))
}
