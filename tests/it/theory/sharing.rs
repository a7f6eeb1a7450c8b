//! One server that many threads want, whatever the server is made of.
//!
//! With exponential service every server that never idles while there is work, and does not look ahead, has the mean
//! latency of M/M/1. And threads that share one core fairly are M/G/1 with processor sharing, whose mean latency does not
//! depend on the distribution of service, only on its mean: that tells a fair scheduler from an unfair one.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, DeviceKind, DeviceSpec, Dist, Offload, PoolLife, ProcessApi, StartMethod, Step,
    Strategy, Workers,
};
use pchsim::strategy::Outcome;

use super::support::{Case, LOADS, SERVICE, exponential, machine, mean_latency, profile, workload};

fn case(
    load: f64,
    count: u64,
    steps: Vec<Step>,
    strategy: Strategy,
    cores: u32,
    gil: bool,
) -> Case {
    let interval = exponential(SERVICE / load);
    Case {
        machine: machine(cores),
        profile: profile(gil),
        workload: workload(
            Arrivals::Open {
                interval,
                count: Some(count),
            },
            0,
            steps,
        ),
        strategy,
        warmup: 500.0 * SERVICE,
        horizon: None,
    }
}

/// Longer at high loads, where the line has a long memory.
fn count(load: f64) -> u64 {
    if load > 0.8 { 30_000 } else { 8_000 }
}

#[test]
fn whatever_serves_is_mm1() {
    let cpu = || vec![Step::Cpu(exponential(SERVICE))];
    let one = Workers::Exactly(1);
    let many = Workers::Exactly(64);
    let processes = Strategy::Processes {
        workers: one,
        start: StartMethod::Fork,
        api: ProcessApi::EXECUTOR,
        life: PoolLife::default(),
    };
    let locked = vec![Step::Lock(0, cpu())];
    for (name, steps, strategy, cores, gil) in [
        (
            "the event loop",
            cpu(),
            Strategy::Asyncio {
                limit: None,
                offload: Offload::None,
                pools: Vec::new(),
            },
            1,
            true,
        ),
        ("the GIL", cpu(), Strategy::Threads(many), 8, true),
        ("the only core", cpu(), Strategy::Threads(many), 1, false),
        ("the only worker", cpu(), Strategy::Threads(one), 2, true),
        ("the only process", cpu(), processes, 5, true),
        ("a lock", locked, Strategy::Threads(many), 65, false),
    ] {
        for load in LOADS {
            case(
                load,
                count(load),
                steps.clone(),
                strategy.clone(),
                cores,
                gil,
            )
            .replicate(10, mean_latency)
            .assert_holds(SERVICE / (1.0 - load), &format!("{name} at {load}"));
        }
    }
}

fn sharing(name: &str, service: Dist) {
    // So uneven services as those below need many tasks for their mean to settle.
    let load = 0.6;
    case(
        load,
        32_000,
        vec![Step::Cpu(service)],
        Strategy::Threads(Workers::PerTask),
        1,
        false,
    )
    .replicate(16, mean_latency)
    .assert_holds(
        SERVICE / (1.0 - load),
        &format!("{name}, shared, at {load}"),
    );
}

/// M/G/1 with processor sharing by a device of the workload: the mean is E[S] / (1 - load), whatever the distribution. Each interval is a Student
/// interval of 99 %: of right means one in a hundred would fail, and the seed is fixed.
#[test]
fn a_device_that_is_shared_sees_only_the_mean() {
    let rate = 100_000_000;
    for (name, alone) in [
        ("M/M/1", exponential(SERVICE)),
        ("M/D/1", Dist::Constant(Nanos::from_secs_f64(SERVICE))),
        (
            "M/G/1 (gamma, cv 2)",
            Dist::Gamma {
                mean: Nanos::from_secs_f64(SERVICE),
                cv: 2.0,
            },
        ),
    ] {
        for (load, count) in [(0.3, 16_000), (0.6, 32_000), (0.8, 64_000)] {
            let steps = vec![Step::Transfer(0, alone.clone())];
            let strategy = Strategy::Threads(Workers::PerTask);
            let mut case = case(load, count, steps, strategy, 1, true);
            case.workload.devices = vec![DeviceSpec {
                name: "disk".into(),
                kind: DeviceKind::Shared {
                    rate,
                    per_stream: rate,
                    penalty: 0,
                },
                per_node: false,
            }];
            let what = format!("{name}, a shared device, at {load}");
            case.replicate(16, mean_latency)
                .assert_holds(SERVICE / (1.0 - load), &what);
            // The device is in use for as long as its load says.
            let busy = |o: &Outcome| o.devices[0].busy / o.end.as_f64();
            case.replicate(16, busy)
                .assert_holds(load, &format!("{what}, utilisation"));
        }
    }
}

#[test]
fn sharing_does_not_see_that_all_are_alike() {
    sharing("M/D/1", Dist::Constant(Nanos::from_secs_f64(SERVICE)));
}

#[test]
fn sharing_does_not_see_that_few_have_most() {
    sharing(
        "M/G/1 (gamma, cv 2)",
        Dist::Gamma {
            mean: Nanos::from_secs_f64(SERVICE),
            cv: 2.0,
        },
    );
}
