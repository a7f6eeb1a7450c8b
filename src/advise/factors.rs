//! What else bears on the case: each only where its figures, its constraints or its interpreter make it matter.

use super::constraints::{Constraints, FreeThreading};
use super::family::Family;
use super::result::Factor;
use super::survey::Fared;
use crate::cpython::profile::Profile;
use crate::engine::Nanos;
use crate::quantity::{Quantity, bytes, digits, percent, seconds};
use crate::scenario::{Pool, ResourceKind, Scenario, Scope, StartMethod, Step};

/// Share of the time until all is done that imports may take before they are worth a word.
const IMPORTS: f64 = 0.05;
/// Bytes to a worker and back from which it is worth a word that they are copied.
const LARGE: u64 = 1 << 20;

/// What bears on what is taken.
pub(super) fn factors(
    scenario: &Scenario,
    taken: &Fared,
    all: &[Fared],
    constraints: &Constraints,
    profile: &Profile,
) -> Vec<Factor> {
    let mut out = Vec::new();
    let mut add = |about: &str, text: String| {
        out.push(Factor {
            about: about.into(),
            text,
        });
    };
    let family = taken.candidate.family;
    let memory = taken.get(Quantity::MemoryPeak);
    let least = all
        .iter()
        .filter(|f| f.excluded.is_none())
        .filter_map(|f| f.get(Quantity::MemoryPeak))
        .fold(f64::INFINITY, f64::min);
    if let Some(m) = memory.filter(|m| *m > 1.5 * least) {
        add(
            "memory",
            format!(
                "It takes {}, {} times what the most modest of the approaches does.",
                bytes(m),
                digits(m / least, 2)
            ),
        );
    }
    match family {
        Family::SingleThread => {}
        Family::Threads | Family::FreeThreads => add("debugging", "Races show up seldom and late; `faulthandler.dump_traceback_later`, `py-spy dump`, and a lock for everything that two threads change.".into()),
        Family::Asyncio | Family::AsyncioThreads | Family::AsyncioFreeThreads | Family::AsyncioProcesses | Family::AsyncioInterpreters => {
            add("debugging", "One blocking call holds up everybody: debug mode names callbacks that take more than 100 ms.".into());
        }
        Family::Processes | Family::Prefork | Family::Interpreters | Family::Distributed => {
            add("debugging", "Each worker has its own state and its own log; an exception travels back as its pickled copy.".into());
        }
    }
    if family.isolates() {
        add("isolation", "A worker that crashes does not take the program with it: `ProcessPoolExecutor` breaks and fails all its futures, `multiprocessing.Pool` and servers start another.".into());
    } else if family != Family::SingleThread {
        add("isolation", "A crash of an extension module, or memory that one task takes, ends all tasks of the process.".into());
    }
    if family.free_threaded() {
        add("ecosystem", "Every extension module that is imported has to declare that it is ready, else the GIL is enabled again for the whole process (a warning says so); pure Python runs unchanged.".into());
        let single = all
            .iter()
            .find(|f| f.candidate.family == Family::SingleThread);
        let cpu = single
            .and_then(|s| s.get(Quantity::Cpu))
            .zip(taken.get(Quantity::Cpu));
        if let Some((a, b)) = cpu.filter(|(a, b)| b > &(a * 1.02)) {
            add(
                "Python version",
                format!(
                    "The free-threaded build takes {} more CPU time here than a single thread with the GIL.",
                    percent(b / a - 1.0)
                ),
            );
        }
    }
    if constraints.free_threading == FreeThreading::Extensions {
        add("ecosystem", "Free-threading is ruled out by an extension: ask again when it is ready; `python -W error -c 'import app'` on the free-threaded build names it.".into());
    }
    let start = taken.candidate.strategy.every_pool().find_map(Pool::start);
    if let Some(start) = start {
        match (start, profile.minor) {
            (StartMethod::Forkserver, minor) if minor >= 14 => add("Python version", "forkserver is the default of 3.14: workers inherit nothing of the main process.".into()),
            (StartMethod::Fork, minor) if minor >= 14 => add("Python version", "fork has to be asked for since 3.14; with threads in the parent it warns (3.12), and may deadlock.".into()),
            (StartMethod::Fork, _) => add("Python version", "fork is the default on Linux before 3.14, and not after: say it, or the program changes with the version.".into()),
            (StartMethod::Forkserver | StartMethod::Spawn, _) => {}
        }
        if profile.minor >= 14 {
            add("Python version", "Since 3.14 `Process.interrupt` and `ProcessPoolExecutor.terminate_workers` and `kill_workers` end workers that hang.".into());
        }
    }
    if family == Family::Interpreters || family == Family::AsyncioInterpreters {
        add("Python version", "Sub-interpreters have a pool since 3.14 (`InterpreterPoolExecutor`); extensions have to support them.".into());
    }
    if taken.candidate.strategy.execution().event_loop {
        if profile.minor >= 14 {
            add("Python version", "Since 3.14 `python -m asyncio ps PID` and `pstree PID` show the tasks of a running program.".into());
            if family.free_threaded() {
                add("Python version", "Since 3.14 the loop is safe on the free-threaded build, and loops in several threads do not wait for each other.".into());
            }
        } else {
            add("Python version", "With 3.14 come `python -m asyncio ps` and `pstree`, which show what a running program awaits.".into());
        }
    }
    imports(scenario, taken, profile, &mut add);
    let processes = processes(taken);
    for r in &scenario.workload.resources {
        let each = match r.scope {
            Scope::Process | Scope::Loop => processes > 1,
            Scope::Node | Scope::Everywhere => false,
        };
        if let (true, ResourceKind::Connections { size, overflow, .. }) = (each, &r.kind) {
            let all = size.saturating_add(*overflow).saturating_mul(processes);
            add(
                "resources",
                format!(
                    "Each of {processes} processes has its own pool `{}`: {all} connections in all, which the other side has to bear (`per: Everywhere` in the scenario says that there is one).",
                    r.name
                ),
            );
        }
    }
    let carried = scenario
        .workload
        .classes
        .iter()
        .map(|c| carried(&c.steps))
        .max()
        .unwrap_or(0);
    if family.apart() && carried >= LARGE {
        add(
            "payload",
            format!(
                "{} travel to a worker and back with a task, each way pickled and copied: shared memory (`multiprocessing.shared_memory`) or a path in place of the data saves that.",
                bytes(carried as f64)
            ),
        );
    }
    out
}

/// Processes that execute tasks.
fn processes(f: &Fared) -> u64 {
    let copies = u64::from(f.candidate.strategy.execution().copies.unwrap_or(1));
    let apart = f
        .candidate
        .strategy
        .every_pool()
        .any(|p| p.start().is_some());
    if apart { f.workers() } else { copies }
}

fn imports(
    scenario: &Scenario,
    taken: &Fared,
    profile: &Profile,
    add: &mut impl FnMut(&str, String),
) {
    let imports = &scenario.workload.imports;
    let lasts = taken.get(Quantity::Makespan).unwrap_or(f64::INFINITY);
    let long = imports.time.as_secs_f64() > IMPORTS * lasts;
    if imports.time == Nanos::ZERO || !long {
        return;
    }
    if taken.candidate.family.apart() {
        let preload = if taken
            .candidate
            .strategy
            .every_pool()
            .any(|p| p.start() == Some(StartMethod::Forkserver))
        {
            " `multiprocessing.set_forkserver_preload` makes them once."
        } else {
            ""
        };
        add(
            "start-up",
            format!(
                "Imports take {} in each worker that does not inherit them.{preload}",
                seconds(imports.time)
            ),
        );
    }
    let since = if profile.minor >= 15 {
        "3.15 has"
    } else {
        "With 3.15 come"
    };
    add(
        "Python version",
        format!(
            "{since} lazy imports (`lazy import x`, PEP 810): modules that a worker does not need are not loaded."
        ),
    );
}

fn carried(steps: &[Step]) -> u64 {
    let of = |s: &Step| {
        let c = s.carries();
        let within = s.inside().map_or(0, |i| carried(i.steps));
        c.bytes_in
            .saturating_add(c.bytes_out)
            .saturating_add(within)
    };
    steps.iter().map(of).fold(0, u64::saturating_add)
}
