//! Which executors a strategy comes to on a machine: the layout of a [`Program`](crate::cpython::Program).

use super::SimError;
use crate::cpython::profile::Profile;
use crate::cpython::program::{Executor, Layout, NamedExecutor};
use crate::scenario::{
    Accepting, Lifecycle, MachineSpec, Offload, Pool, ProcessApi, SOMAXCONN, StartMethod, Strategy,
    Workers,
};

/// Why the interpreter cannot start processes in the way that the strategy wants; `None` if it can.
fn missing_start<'a>(profile: &'a Profile, strategy: &Strategy) -> Option<&'a str> {
    let mut starts = strategy.every_pool().filter_map(Pool::start);
    starts.find_map(|start| {
        profile.lacks(match start {
            StartMethod::Fork => "fork_call",
            StartMethod::Spawn => "spawn_call",
            StartMethod::Forkserver => "forkserver_call",
        })
    })
}

/// Threads of a pool: by default min(32, cpus + 4) (facts sheet 1).
pub(super) fn threads(machine: &MachineSpec, workers: Workers) -> u32 {
    match workers {
        Workers::Auto | Workers::PerTask => (machine.visible_cpus.max(1) + 4).min(32),
        Workers::Exactly(n) => n.max(1),
    }
}

/// Processes of a pool: by default one for each cpu (facts sheet 1).
fn processes(machine: &MachineSpec, workers: Workers) -> u32 {
    match workers {
        Workers::Auto | Workers::PerTask => machine.visible_cpus.max(1),
        Workers::Exactly(n) => n.max(1),
    }
}

fn interpreters(
    machine: &MachineSpec,
    profile: &Profile,
    workers: Workers,
) -> Result<Executor, SimError> {
    if profile.params.interp_create > 0.0 {
        Ok(Executor::Interpreters(threads(machine, workers)))
    } else {
        Err(SimError::Unsupported(format!(
            "{} has no InterpreterPoolExecutor (CPython 3.14 and later have); leave the strategy out or name another interpreter",
            profile.name
        )))
    }
}

/// What an event loop offloads to.
fn offloaded(
    machine: &MachineSpec,
    profile: &Profile,
    offload: Offload,
) -> Result<Executor, SimError> {
    Ok(match offload {
        Offload::None => Executor::Inline,
        Offload::Threads(w) => Executor::Threads(threads(machine, w)),
        Offload::Processes(w, start) => Executor::Processes(processes(machine, w), start, 1),
        Offload::Interpreters(w) => interpreters(machine, profile, w)?,
    })
}

/// The executors that have names.
pub(super) fn named_executors(
    machine: &MachineSpec,
    profile: &Profile,
    strategy: &Strategy,
) -> Result<Vec<NamedExecutor>, SimError> {
    let named = strategy.pools().iter().map(|pool| {
        Ok(NamedExecutor {
            name: Some(pool.name.clone()),
            executor: offloaded(machine, profile, pool.workers)?,
        })
    });
    named.collect()
}

/// Connections that the queue of a listening socket holds: Linux takes one more than the backlog, which it cuts to `SOMAXCONN`
/// (`sk_acceptq_is_full`).
fn holds(backlog: u32) -> u64 {
    u64::from(backlog.min(SOMAXCONN)) + 1
}

pub(super) fn layout(
    machine: &MachineSpec,
    profile: &Profile,
    strategy: &Strategy,
) -> Result<Layout, SimError> {
    if let Some(why) = missing_start(profile, strategy) {
        return Err(SimError::Unsupported(format!("{}: {why}", profile.name)));
    }
    let one = |event_loop, limit, executor| Layout {
        copies: 1,
        life: Lifecycle::default(),
        accepting: Accepting::InTurn,
        queue: None,
        connections: None,
        ticks: false,
        looks: None,
        falls: false,
        messages: false,
        max_tasks: None,
        preload: false,
        event_loop,
        limit,
        executor,
    };
    Ok(match strategy {
        Strategy::Sequential => one(false, None, Executor::Inline),
        Strategy::Threads(Workers::PerTask) => one(false, None, Executor::RawThreads),
        Strategy::Threads(w) => one(false, None, Executor::Threads(threads(machine, *w))),
        Strategy::Processes {
            workers,
            start,
            api,
            life,
        } => {
            let workers = processes(machine, *workers);
            let executor = match api {
                ProcessApi::Executor { chunksize } => {
                    Executor::Processes(workers, *start, chunksize.unwrap_or(1))
                }
                ProcessApi::Pool { chunksize } => {
                    Executor::MpPool(workers, *start, chunksize.unwrap_or(0))
                }
            };
            Layout {
                max_tasks: life.max_tasks_per_child,
                preload: !life.preload.is_empty(),
                ..one(false, None, executor)
            }
        }
        Strategy::Interpreters(w) => one(false, None, interpreters(machine, profile, *w)?),
        Strategy::Asyncio {
            limit,
            offload,
            pools: _,
        } => one(true, *limit, offloaded(machine, profile, *offload)?),
        Strategy::Nodes { nodes: _, each } => layout(machine, profile, each)?,
        Strategy::Server { server, runs } => Layout {
            accepting: server.accepting(),
            queue: server.queues().map(holds),
            connections: server.connections().map(u64::from),
            ticks: server.ticks(),
            looks: server.looks(),
            falls: server.falls(),
            messages: server.reads_messages(),
            ..layout(machine, profile, runs)?
        },
        Strategy::Prefork {
            processes,
            each,
            life,
        } => {
            let inner = layout(machine, profile, each)?;
            if inner.copies > 1 {
                return Err(SimError::Unsupported(
                    "a prefork server inside a prefork server".into(),
                ));
            }
            Layout {
                copies: (*processes).max(1),
                life: *life,
                queue: life.backlog.map(holds),
                ..inner
            }
        }
    })
}
