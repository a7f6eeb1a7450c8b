//! Schedules worked out by hand, to the nanosecond: one mechanism a test, on an interpreter and a machine that cost nothing
//! but what the test gives them. Facts sheet sections stand beside the numbers. Every run ends in the invariants.

mod admission;
mod aio;
mod bounds;
mod breakers;
mod calls;
mod cores;
mod costs;
mod crashes;
mod devices;
mod faults;
mod gil;
mod interplay;
mod listening;
mod locks;
mod machines;
mod memory;
mod needed;
mod objects;
mod pools;
mod pools_named;
mod processes;
mod releases;
mod resources;
mod restarts;
mod retries;
mod rounds;
mod servers;
mod teams;

use pchsim::cpython::profile::{PARAMS, Profile};
use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, PoolLife, ProcessApi, StartMethod, Step, Strategy, TaskClass, Workers,
};

use crate::common::{Case, class, machine, profile, workload};

pub(crate) fn us(n: u64) -> Nanos {
    Nanos::from_micros(n)
}

pub(crate) fn threads(n: u32) -> Strategy {
    Strategy::Threads(Workers::Exactly(n))
}

pub(crate) fn executor(n: u32, start: StartMethod) -> Strategy {
    Strategy::Processes {
        workers: Workers::Exactly(n),
        start,
        api: ProcessApi::EXECUTOR,
        life: PoolLife::default(),
    }
}

/// One task of each list of steps, in this order, on a machine with cores for all.
pub(crate) fn each(gil: bool, strategy: Strategy, tasks: &[Vec<Step>]) -> Case {
    batch(
        gil,
        strategy,
        tasks.iter().map(|s| class(1, s.clone())).collect(),
    )
}

/// A batch of these classes on a machine with cores for all.
pub(crate) fn batch(gil: bool, strategy: Strategy, classes: Vec<TaskClass>) -> Case {
    let classes = classes
        .into_iter()
        .enumerate()
        .map(|(i, mut c)| {
            c.name = format!("class {i}");
            c
        })
        .collect();
    let w = workload(Arrivals::Batch, classes);
    Case::new(machine(16), profile(gil), w, strategy)
}

/// The interpreter with nothing in memory: tests put in what they count.
pub(crate) fn weightless(mut profile: Profile) -> Profile {
    for (index, info) in PARAMS.iter().enumerate() {
        if info.unit == "bytes" {
            *profile.params.get_mut(index) = 0.0;
        }
    }
    profile
}

/// Latencies in the order of arrival.
pub(crate) fn latencies(case: &Case) -> Vec<Nanos> {
    case.run().latencies
}
