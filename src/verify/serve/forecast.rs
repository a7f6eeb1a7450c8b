//! What is forecast of a server under test: requests come from outside, when its workers are there.

use std::borrow::Cow;

use super::super::fit::scaled_arrivals;
use super::super::prepare::{Planned, Plans, Request};
use super::super::table::task_count;
use super::modules::{ModuleSizes, Start};
use crate::cpython::profile::{Params, Profile};
use crate::engine::{Nanos, whole};
use crate::scenario::{Arrivals, Imports, Server, Workload};

/// The workload and the profile of a planned strategy's forecast.
pub(in crate::verify) fn of<'a>(
    request: &Request<'a>,
    plans: &'a Plans,
    planned: &Planned,
) -> (Cow<'a, Workload>, Cow<'a, Profile>) {
    let workload = &plans.workload;
    if planned.program.served.is_none() {
        return (Cow::Borrowed(workload), Cow::Borrowed(request.profile));
    }
    let mut workload = workload.clone();
    // Programs go through a list that was drawn beforehand. Those who ask a server draw as they come, which makes the same requests, and whoever
    // accepts first has them.
    let open = scaled_arrivals(&request.scenario.workload.arrivals, request.scale);
    let count = Some(task_count(&workload) as u64);
    match open {
        Arrivals::Open { interval, .. } => workload.arrivals = Arrivals::Open { interval, count },
        Arrivals::Varying { load, .. } => workload.arrivals = Arrivals::Varying { load, count },
        Arrivals::Batch
        | Arrivals::Sessions { .. }
        | Arrivals::Trace(_)
        | Arrivals::Closed { .. } => {}
    }
    let life = planned.strategy.lifecycle().unwrap_or_default();
    let mut profile = request.profile.clone();
    // The first request is sent when all workers have started. Only where others take their places does it matter what that takes.
    let replaced = life.max_requests.is_some() || workload.faults.iter().any(|f| f.kind.kills());
    workload.ready = replaced;
    if !replaced {
        workload.imports.time = Nanos::ZERO;
        let p = &mut profile.params;
        for time in [
            &mut p.fork_call,
            &mut p.fork_per_byte,
            &mut p.fork_boot,
            &mut p.spawn_call,
            &mut p.spawn_boot,
            &mut p.tracker_boot,
        ] {
            *time = 0.0;
        }
    }
    (Cow::Owned(workload), Cow::Owned(profile))
}

/// Adds the time that a worker takes to import the server's own modules, as CPU time at best speed.
pub(in crate::verify) fn add_boot(imports: &mut Imports, modules: ModuleSizes, factor: f64) {
    imports.time += Nanos::from_f64(modules.boot / factor.max(f64::MIN_POSITIVE) * 1e9);
}

/// Adds what the processes of a server have in memory beyond a program's: its modules, and the application's list of so many bytes.
pub(in crate::verify) fn add_memory(
    (params, imports): (&mut Params, &mut Imports),
    server: Server,
    modules: ModuleSizes,
    list: f64,
) {
    // What every process has that is the main one, or a fork of it; what each worker has by itself.
    let (main, own) = match Start::of(server) {
        Start::Alone => (modules.main + list, 0.0),
        Start::Spawn => (modules.main, modules.worker + list),
        Start::Fork if server.preload => {
            (modules.main + list, modules.worker - params.fork_private)
        }
        Start::Fork => (modules.main, modules.worker - params.fork_private + list),
    };
    params.base_rss = (params.base_rss + main).max(0.0);
    if server.preload {
        // Imports are the server's own then, and what its forks have besides is private to them.
        params.fork_private += own.max(0.0);
    } else {
        imports.memory = imports.memory.saturating_add(whole(own.max(0.0)));
    }
}
