//! Notes on what cases do not have in common: strategies under which tasks do not share what they share elsewhere, have more of it, or do
//! not do what their steps say; and what no strategy can change.

use super::warning::{Oversubscription, Warning};
use crate::quantity::Quantity;
use crate::result::{Forecast, Study};
use crate::scenario::{
    Execution, Placed, Pool, ResourceSpec, Runs, Scenario, Scope, StartMethod, Step, Strategy,
    WaitsFor, Workers,
};
use crate::strategy::Cause;

/// All such notes, in the order in which they are shown.
pub(super) fn notes(study: &Study, scenario: &Scenario) -> Vec<Warning> {
    let mut found = Vec::new();
    found.extend(unshared(study, scenario));
    found.extend(more_resources(study, scenario));
    found.extend(serial_children(study, scenario));
    found.extend(rounds_apart(study, scenario));
    found.extend(oversubscribed(study, scenario));
    found.extend(serial_part(study));
    found.extend(placed(study, scenario));
    found.extend(estimated_objects(study, scenario));
    found
}

/// The strategies of the forecasts for which something holds, each once, without interpreters.
fn strategies(study: &Study, is: impl Fn(&Forecast) -> bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for f in study.forecasts.iter().filter(|f| is(f)) {
        if !found.contains(&f.strategy) {
            found.push(f.strategy.clone());
        }
    }
    found
}

/// Whether tasks are executed in several processes or interpreters.
pub(super) fn separates(strategy: &Strategy) -> bool {
    strategy.execution().copies.is_some() || strategy.every_pool().any(Pool::apart)
}

/// Warns of tasks that share something, compared under strategies that do not let them.
fn unshared(study: &Study, scenario: &Scenario) -> Option<Warning> {
    let w = &scenario.workload;
    let locks = w.locks.iter().filter(|l| !l.shared).map(|l| &l.name);
    let mut names: Vec<String> = Vec::new();
    let written = |object: usize| w.any_step(|s| s.writes() == Some(object));
    // An object that never changes, and that costs threads nothing either, is the same in each copy.
    let objects = w.objects.iter().enumerate();
    let objects = objects.filter(|(i, o)| o.kind.reads_contend() || written(*i));
    for name in objects.map(|(_, o)| &o.name).chain(locks) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    // Not in the order of the file, which is meaningless: scenarios that differ only in that are the same.
    names.sort();
    let strategies = strategies(study, |f| f.is(separates));
    (!names.is_empty() && !strategies.is_empty()).then_some(Warning::Unshared { names, strategies })
}

/// Whether several processes or interpreters have a resource of a process each: each process of a prefork server, and each worker of a pool
/// that executes whole tasks.
pub(super) fn has_several(strategy: &Strategy) -> bool {
    let run = strategy.execution();
    let one = |workers| workers == Some(Workers::Exactly(1));
    let workers = !run.event_loop && run.pool.apart() && !one(run.pool.workers());
    workers || goes_apart(strategy)
}

/// Notes resources of which strategies with several processes have more than the others.
fn more_resources(study: &Study, scenario: &Scenario) -> Option<Warning> {
    let w = &scenario.workload;
    // What the main program alone uses is there once.
    let used = |id: usize| {
        let mut steps = w.classes.iter().flat_map(|c| &c.steps);
        steps.any(|s| s.any(&|s| s.waits() == WaitsFor::Resource(id)))
    };
    let own = |(id, r): &(usize, &ResourceSpec)| r.scope != Scope::Everywhere && used(*id);
    let names = w.resources.iter().enumerate().filter(own);
    let mut names: Vec<String> = names.map(|(_, r)| r.name.clone()).collect();
    names.sort();
    let strategies = strategies(study, |f| f.is(has_several));
    let others = study.forecasts.iter().any(|f| !f.is(has_several));
    (!names.is_empty() && !strategies.is_empty() && others)
        .then_some(Warning::MoreResources { names, strategies })
}

/// Whether a worker executes the children of its task one after another, though other workers have been asked for to share the work.
pub(super) fn runs_children_itself(strategy: &Strategy) -> bool {
    // The processes of a prefork server share the requests, even if each works on one at a time.
    let Execution {
        event_loop, pool, ..
    } = strategy.execution();
    !event_loop && pool.apart()
}

/// Whether these steps start more than one child at once.
pub(super) fn fans_out(steps: &[Step]) -> bool {
    let several = |step: &Step| match step.inside().map(|i| i.runs) {
        Some(Runs::Children(count)) => count > 1,
        Some(Runs::Once | Runs::Times(_) | Runs::Attempts(_)) | None => false,
    };
    steps.iter().any(|step| step.any(&several))
}

/// Warns of tasks that fan out, compared under strategies that do not.
fn serial_children(study: &Study, scenario: &Scenario) -> Option<Warning> {
    if !scenario.workload.classes.iter().any(|c| fans_out(&c.steps)) {
        return None;
    }
    let strategies = strategies(study, |f| f.is(runs_children_itself));
    (!strategies.is_empty()).then_some(Warning::SerialChildren { strategies })
}

/// Whether several processes have the program's own list, each a share of it.
pub(super) fn goes_apart(strategy: &Strategy) -> bool {
    strategy.execution().copies.is_some_and(|n| n > 1)
}

/// Notes strategies under which the rounds of a batch are not those of one program.
fn rounds_apart(study: &Study, scenario: &Scenario) -> Option<Warning> {
    if scenario.workload.rounds.count == 1 {
        return None;
    }
    let strategies = strategies(study, |f| f.is(goes_apart));
    (!strategies.is_empty()).then_some(Warning::RoundsApart { strategies })
}

/// Share of the tasks' time (0 to 1) from which waits for a core are put down to the threads of native code.
pub(super) const MUCH_WAITED: f64 = 0.1;

/// Share of the tasks' time in which they wait for a core; waits for their turn do not count, as they grow with a batch.
pub(super) fn waits_for_core(f: &Forecast) -> f64 {
    let turn = [Cause::Pool, Cause::Limit].map(|c| f.causes[c as usize]);
    let all = f.causes.iter().sum::<f64>() - turn.iter().sum::<f64>();
    if all > 0.0 {
        f.causes[Cause::Core as usize] / all
    } else {
        0.0
    }
}

/// Number of threads or processes that may make a call of native code at once.
fn callers(strategy: &Strategy, scenario: &Scenario) -> u64 {
    let run = strategy.execution();
    let each = match run.pool {
        Pool::Nobody => 1,
        Pool::ThreadEach => scenario.workload.tasks_of_a_round(),
        Pool::Threads(workers) | Pool::Interpreters(workers) | Pool::Processes { workers, .. } => {
            match workers {
                Workers::Exactly(n) => u64::from(n),
                Workers::Auto | Workers::PerTask => u64::from(scenario.machine.visible_cpus),
            }
        }
    };
    each.saturating_mul(u64::from(run.copies.unwrap_or(1)))
}

/// Notes native code whose own threads are more than there are cores, where tasks wait for these.
fn oversubscribed(study: &Study, scenario: &Scenario) -> Option<Warning> {
    let mut threads = 1;
    for step in scenario.workload.classes.iter().flat_map(|c| &c.steps) {
        step.each(&mut |s| threads = threads.max(u64::from(s.threads())));
    }
    if threads == 1 {
        return None;
    }
    let cores = scenario.machine.cores.len() as u64;
    let mut cases = Vec::new();
    for f in &study.forecasts {
        let callers = f.known_strategy().map_or(1, |s| callers(&s, scenario));
        let share = waits_for_core(f);
        if callers.saturating_mul(threads) > cores && share >= MUCH_WAITED {
            cases.push(Oversubscription {
                case: f.name(),
                callers,
                threads,
                share,
            });
        }
    }
    (!cases.is_empty()).then_some(Warning::Oversubscribed { cases, cores })
}

/// Share of the makespan (0 to 1) from which the main program's own work between rounds is noted.
pub(super) const MUCH_SERIAL: f64 = 0.1;

/// Notes how much of the makespan of the case to take is the main program's own work.
fn serial_part(study: &Study) -> Option<Warning> {
    let take = &study.forecasts[study.answer()?.take];
    if take.is(goes_apart) {
        return None; // Each of its processes does that work, beside the others.
    }
    let share = take.get(Quantity::Serial).map_or(0.0, |e| e.mean);
    (share >= MUCH_SERIAL).then(|| Warning::SerialPart {
        case: take.name(),
        share,
    })
}

/// Whether a case's workers are forked from the program, or from a server that has imported it, and so inherit its imports.
pub(super) fn inherits(study: &Study, f: &Forecast) -> bool {
    let Some(strategy) = f.known_strategy() else {
        return false;
    };
    let preloads = || {
        let mut interpreters = study.interpreters.iter();
        interpreters.any(|i| i.name == f.interpreter && i.preloads)
    };
    let mut starts = strategy.every_pool().filter_map(Pool::start);
    strategy.execution().copies.is_some()
        || starts.any(|start| match start {
            StartMethod::Fork => true,
            StartMethod::Forkserver => preloads(),
            StartMethod::Spawn => false,
        })
}

/// Whether steps that say what an event loop does with them are executed in place, for want of one.
pub(super) fn has_no_loop(strategy: &Strategy) -> bool {
    !strategy.execution().event_loop
}

/// Warns of steps that say what an event loop does with them, compared under strategies that have none, or not the pool that they name.
fn placed(study: &Study, scenario: &Scenario) -> Vec<Warning> {
    let mut any = false;
    let mut pools: Vec<String> = Vec::new();
    for step in scenario.workload.classes.iter().flat_map(|c| &c.steps) {
        step.each(&mut |s| {
            any |= s.placed().is_some();
            if let Some(Placed::Call(Some(to))) = s.placed()
                && !pools.iter().any(|p| p == to)
            {
                pools.push(to.to_owned());
            }
        });
    }
    pools.sort();
    let asked = |is: &dyn Fn(&Strategy) -> bool| strategies(study, |f| !f.added && f.is(is));
    let mut found = Vec::new();
    let in_place = asked(&has_no_loop);
    if any && !in_place.is_empty() {
        found.push(Warning::InPlace {
            strategies: in_place,
        });
    }
    let lacks = |pool: &str, s: &Strategy| {
        s.execution().event_loop && s.pools().iter().all(|p| p.name != pool)
    };
    for pool in pools {
        let strategies = asked(&|s: &Strategy| lacks(&pool, s));
        if !strategies.is_empty() {
            found.push(Warning::NoSuchPool { pool, strategies });
        }
    }
    found
}

/// Warns of forked workers that copy objects whose number is not given.
fn estimated_objects(study: &Study, scenario: &Scenario) -> Option<Warning> {
    let w = &scenario.workload;
    let imports = w.imports;
    let collects = w.allocates() && !imports.frozen;
    let copies = collects || w.classes.iter().any(|c| c.touches > 0.0);
    if imports.objects.is_some() || imports.memory == 0 || !copies {
        return None;
    }
    let strategies = strategies(study, |f| inherits(study, f));
    let memory = imports.memory;
    (!strategies.is_empty()).then_some(Warning::EstimatedObjects { strategies, memory })
}
