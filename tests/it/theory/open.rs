//! Open queues: M/M/1, M/D/1, M/G/1, M/M/c.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, DeviceKind, DeviceSpec, Dist, Load, LoadState, Offload, ResourceKind, ResourceSpec,
    Scope, Step, Strategy, WhenFull, Workers,
};

use super::support::{
    Case, LOADS, SERVICE, erlang, exponential, machine, mean_latency, profile, workload,
};

const REPLICATIONS: u32 = 20;

/// Poisson arrivals at a load of each server, first come, first served. Longer at high loads, where the line has a long memory; what
/// arrives during the first thousand services does not count.
fn queue(servers: u32, load: f64, service: Dist) -> Case {
    let count = if load > 0.8 { 80_000 } else { 20_000 };
    let interval = SERVICE / (load * f64::from(servers));
    // With a pool, the thread that submits needs a core of its own lest it wait for the workers' slices to end.
    let (cores, strategy) = match servers {
        1 => (1, Strategy::Sequential),
        n => (n + 1, Strategy::Threads(Workers::Exactly(n))),
    };
    Case {
        machine: machine(cores),
        profile: profile(servers == 1),
        workload: workload(
            Arrivals::Open {
                interval: exponential(interval),
                count: Some(count),
            },
            0,
            vec![Step::Cpu(service)],
        ),
        strategy,
        warmup: 1_000.0 * SERVICE,
        horizon: None,
    }
}

/// Mean latency in M/G/1 by Pollaczek and Khinchine; `cv2` is the squared coefficient of variation of service.
fn pollaczek_khinchine(load: f64, cv2: f64) -> f64 {
    SERVICE * (1.0 + load * (1.0 + cv2) / (2.0 * (1.0 - load)))
}

#[test]
fn mm1() {
    for load in LOADS {
        let case = queue(1, load, exponential(SERVICE));
        let runs: Vec<_> = (0..REPLICATIONS).map(|r| case.run(r)).collect();
        let interval = |f: &dyn Fn(&pchsim::strategy::Outcome) -> f64| {
            super::support::Interval::of(&runs.iter().map(f).collect::<Vec<f64>>())
        };
        let mean = SERVICE / (1.0 - load);
        interval(&mean_latency).assert_holds(mean, &format!("M/M/1 at {load}, mean"));
        // Latency is exponential, so that every quantile is known.
        for q in [0.5_f64, 0.9] {
            let quantile = |o: &pchsim::strategy::Outcome| {
                o.latency.value_at_quantile(q).expect("tasks").as_secs_f64()
            };
            interval(&quantile).assert_holds(
                -mean * (1.0 - q).ln(),
                &format!("M/M/1 at {load}, quantile {q}"),
            );
        }
        let utilization = |o: &pchsim::strategy::Outcome| o.core_busy[0].as_f64() / o.end.as_f64();
        interval(&utilization).assert_holds(load, &format!("M/M/1 at {load}, utilization"));
    }
}

#[test]
fn md1() {
    for load in LOADS {
        queue(1, load, Dist::Constant(Nanos::from_secs_f64(SERVICE)))
            .replicate(REPLICATIONS, mean_latency)
            .assert_holds(pollaczek_khinchine(load, 0.0), &format!("M/D/1 at {load}"));
    }
}

#[test]
fn mg1_gamma() {
    for load in LOADS {
        queue(
            1,
            load,
            Dist::Gamma {
                mean: Nanos::from_secs_f64(SERVICE),
                cv: 2.0,
            },
        )
        .replicate(REPLICATIONS, mean_latency)
        .assert_holds(
            pollaczek_khinchine(load, 4.0),
            &format!("M/G/1 (gamma, cv 2) at {load}"),
        );
    }
}

#[test]
fn mg1_lognormal() {
    // The logarithm's standard deviation is 0.8: mean = median * exp(0.32), and 99 % lie below median * exp(0.8 z).
    let sigma: f64 = 0.8;
    let z = 2.326_347_874_040_841;
    let median = SERVICE / (sigma * sigma / 2.0).exp();
    let service = Dist::LogNormal {
        median: Nanos::from_secs_f64(median),
        p99: Nanos::from_secs_f64(median * (sigma * z).exp()),
    };
    for load in LOADS {
        queue(1, load, service.clone())
            .replicate(REPLICATIONS, mean_latency)
            .assert_holds(
                pollaczek_khinchine(load, (sigma * sigma).exp() - 1.0),
                &format!("M/G/1 (log-normal) at {load}"),
            );
    }
}

#[test]
fn mmc() {
    for servers in [2, 8] {
        for load in LOADS {
            queue(servers, load, exponential(SERVICE))
                .replicate(REPLICATIONS, mean_latency)
                .assert_holds(erlang(servers, load), &format!("M/M/{servers} at {load}"));
        }
    }
}

/// M/M/c whose servers are the connections of a pool, none of which takes time to open: Erlang's C.
#[test]
fn mmc_by_connections() {
    for load in LOADS {
        let servers = 4;
        let mut case = queue(servers, load, exponential(SERVICE));
        case.strategy = Strategy::Threads(Workers::PerTask);
        case.workload.classes[0].steps = vec![Step::Use(0, vec![Step::Io(exponential(SERVICE))])];
        case.workload.resources = vec![ResourceSpec {
            name: "db".into(),
            kind: ResourceKind::Connections {
                size: 2,
                overflow: u64::from(servers) - 2,
                connect: Nanos::ZERO,
                lifetime: None,
                to: None,
            },
            scope: Scope::Process,
            full: WhenFull::Wait,
        }];
        case.replicate(REPLICATIONS, mean_latency).assert_holds(
            erlang(servers, load),
            &format!("M/M/{servers} by connections at {load}"),
        );
    }
}

/// M/M/c whose servers are those of a station, and whose customers are coroutines: Erlang's C.
#[test]
fn mmc_by_a_station() {
    for load in LOADS {
        let servers = 4;
        let mut case = queue(servers, load, exponential(SERVICE));
        case.strategy = Strategy::Asyncio {
            limit: None,
            offload: Offload::None,
            pools: Vec::new(),
        };
        case.workload.classes[0].steps = vec![Step::Transfer(0, exponential(SERVICE))];
        case.workload.devices = vec![DeviceSpec {
            name: "db".into(),
            kind: DeviceKind::Station {
                servers: u64::from(servers),
                rate: None,
            },
            per_node: false,
        }];
        case.replicate(REPLICATIONS, mean_latency).assert_holds(
            erlang(servers, load),
            &format!("M/M/{servers} by a station at {load}"),
        );
    }
}

/// A token bucket lets through its rate, whatever more is asked for, and delays a burst by no more than what is beyond its tokens.
#[test]
fn a_token_bucket_has_a_rate_and_a_worst_delay() {
    let interval = Nanos::from_millis(10);
    let limited = |arrivals, count, steps: Vec<Step>| {
        let mut workload = workload(arrivals, count, steps);
        workload.resources = vec![ResourceSpec {
            name: "api".into(),
            kind: ResourceKind::RateLimit {
                interval,
                burst: 7,
                window: None,
            },
            scope: Scope::Everywhere,
            full: WhenFull::Wait,
        }];
        Case {
            machine: machine(1),
            profile: profile(true),
            workload,
            strategy: Strategy::Threads(Workers::PerTask),
            warmup: 0.0,
            horizon: None,
        }
    };
    let steps = || vec![Step::Use(0, vec![Step::Io(Dist::Constant(Nanos::ZERO))])];
    // 50 at once: 7 at once, then one each interval; the last is delayed by the 43 that the bucket has not.
    let outcome = limited(Arrivals::Batch, 50, steps()).run(0);
    let worst = outcome.latencies.iter().max().copied();
    assert_eq!(worst, Some(interval * 43));
    // Twice the rate is asked for: all that counts is the rate.
    let arrivals = Arrivals::Open {
        interval: exponential(0.005),
        count: Some(5_000),
    };
    let outcome = limited(arrivals, 0, steps()).run(0);
    assert_eq!(outcome.makespan.as_secs_f64(), {
        let first = outcome.makespan.0 % interval.0;
        (Nanos(first) + interval * (5_000 - 7)).as_secs_f64()
    });
}

/// Visitors who think between their requests: an open Jackson network of a single server and a station of delays, in which the server is an M/M/1 queue
/// at the rate of all requests, however they are spread over visitors (R. Jackson 1957; F. Baskett et al. 1975). Interval at 99 % over 20
/// replications.
#[test]
fn visitors_make_a_jackson_network() {
    for (load, requests, think) in [(0.6, 4.0, 1.0), (0.6, 1.0, 1.0), (0.85, 10.0, 3.0)] {
        let open = queue(1, load, exponential(SERVICE));
        let case = Case {
            workload: workload(
                Arrivals::Sessions {
                    interval: exponential(SERVICE / load * requests),
                    requests,
                    think: exponential(think),
                    count: Some(if load > 0.8 { 80_000 } else { 20_000 }),
                },
                0,
                vec![Step::Cpu(exponential(SERVICE))],
            ),
            warmup: 3_000.0 * SERVICE,
            ..open
        };
        let mean = SERVICE / (1.0 - load);
        (case.replicate(REPLICATIONS, mean_latency)).assert_holds(
            mean,
            &format!("{requests} requests of each visitor, load {load}"),
        );
    }
}

/// Two rates between which a slow chain switches (sojourns of 500 services): the mean latency of all tasks is that of the two M/M/1 queues, weighted by
/// arrivals, but for the change from one to the other, whose share vanishes with the sojourns' length: some ten services of 500. Held within 6 %.
#[test]
fn a_slow_change_of_rates_is_two_queues() {
    let state = |load: f64| LoadState {
        rate: load / SERVICE,
        time: Nanos::from_secs_f64(500.0 * SERVICE),
    };
    let open = queue(1, 0.5, exponential(SERVICE));
    let case = Case {
        workload: workload(
            Arrivals::Varying {
                load: Load::Bursty {
                    states: vec![state(0.2), state(0.6)],
                },
                count: Some(40_000),
            },
            0,
            vec![Step::Cpu(exponential(SERVICE))],
        ),
        ..open
    };
    let mean = (0.2 * SERVICE / 0.8 + 0.6 * SERVICE / 0.4) / 0.8;
    let found = case.replicate(REPLICATIONS, mean_latency);
    assert!(
        (found.mean / mean - 1.0).abs() < 0.06,
        "{} {mean}",
        found.mean
    );
}
