//! Metastable failures (Bronson and others, "Metastable failures in distributed systems", 2021): a load that a service bears, until something slows it down; then retries keep it down.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, Backoff, DeviceKind, DeviceSpec, Dist, Fault, FaultKind, FaultTime, Offload, Step,
    Strategy,
};

use super::support::{Case, exponential, machine, profile, workload};

/// Ten servers that take 100 ms bear 100 calls a second; 70 a second come, each of which is given up after a second and tried four times in all. From 20 s
/// to 30 s all takes ten times as long, if it does. What counts comes after 60 s.
fn service(budget: Option<u32>, slows: bool) -> Case {
    let backoff = Backoff {
        budget,
        ..Backoff::from(Nanos::from_millis(50))
    };
    let call = Step::Transfer(0, Dist::Constant(Nanos::from_millis(100)));
    let steps = vec![Step::Retry {
        attempts: 4,
        backoff,
        steps: vec![Step::Timeout(Nanos::from_secs(1).into(), vec![call])],
    }];
    let arrivals = Arrivals::Open {
        interval: exponential(1.0 / 70.0),
        count: None,
    };
    let mut workload = workload(arrivals, 0, steps);
    workload.devices = vec![DeviceSpec {
        name: "service".into(),
        kind: DeviceKind::Station {
            servers: 10,
            rate: None,
        },
        per_node: false,
    }];
    if slows {
        workload.faults = vec![Fault {
            kind: FaultKind::Slow {
                device: 0,
                factor: 10.0,
                lasts: Nanos::from_secs(10),
            },
            when: FaultTime::At(Nanos::from_secs(20)),
        }];
    }
    Case {
        machine: machine(2),
        profile: profile(true),
        workload,
        strategy: Strategy::Asyncio {
            limit: None,
            offload: Offload::None,
            pools: Vec::new(),
        },
        warmup: 60.0,
        horizon: Some(120.0),
    }
}

/// The share of tasks that fail, and attempts for each task, long after the fault is over.
fn later(case: &Case, replication: u32) -> (f64, f64) {
    let o = case.run(replication);
    let ended = (o.completed + o.failed + o.timed_out) as f64;
    assert!(ended > 3_000.0, "{ended}");
    let lost = (o.failed + o.timed_out) as f64 / ended;
    (lost, o.attempts as f64 / o.arrived as f64)
}

/// As long as nearly all fail, four times 70 calls a second come, and wait until little of their second is left: the servers are busy with what is
/// given up. (Services without memory would not be wasted: what is given up would end as soon as what is begun in its place.) With a budget 84 a second come, which the service bears. No chance decides: the shares lie far from the bounds.
#[test]
fn retries_keep_a_service_down_and_a_budget_lets_it_recover() {
    for replication in 0..3 {
        let (lost, attempts) = later(&service(None, false), replication);
        assert!(lost < 0.01 && attempts < 1.05, "{lost}, {attempts}");
        let (lost, attempts) = later(&service(None, true), replication);
        assert!(lost > 0.3 && attempts > 2.0, "{lost}, {attempts}");
        let (lost, attempts) = later(&service(Some(200_000), true), replication);
        assert!(lost < 0.01 && attempts < 1.05, "{lost}, {attempts}");
    }
}
