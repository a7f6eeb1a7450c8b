//! Several machines behind a balancer or a broker: what is known of queues in parallel.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, Balancer, DeviceKind, DeviceSpec, Dist, Fault, FaultKind, FaultTime, HealthCheck,
    Network, Nodes, Rollout, Step, Strategy,
};
use pchsim::strategy::{Finding, Outcome};

use super::support::{
    Case, LOADS, SERVICE, erlang, exponential, machine, mean_latency, profile, workload,
};

/// Poisson arrivals at so many machines that do one request after another, at this load of each.
fn farm(machines: u32, balancer: Balancer, load: f64, count: u64) -> Case {
    let interval = SERVICE / (load * f64::from(machines));
    let nodes = Nodes {
        balancer,
        network: Network {
            latency: Nanos::ZERO,
            rate: None,
        },
        ..Nodes::of(machines)
    };
    Case {
        machine: machine(1),
        profile: profile(true),
        workload: workload(
            Arrivals::Open {
                interval: exponential(interval),
                count: Some(count),
            },
            0,
            vec![Step::Cpu(exponential(SERVICE))],
        ),
        strategy: Strategy::Nodes {
            nodes,
            each: Box::new(Strategy::Sequential),
        },
        warmup: 200.0 * SERVICE,
        horizon: None,
    }
}

/// A broker whose machines have one message each at a time is one queue before all of them.
#[test]
fn a_broker_is_one_line() {
    for load in LOADS {
        farm(4, Balancer::Broker { prefetch: 1 }, load, 40_000)
            .replicate(20, mean_latency)
            .assert_holds(erlang(4, load), &format!("M/M/4 by a broker at {load}"));
    }
}

/// Chance splits a Poisson process into Poisson processes.
#[test]
fn chance_makes_queues_of_their_own() {
    for load in LOADS {
        farm(3, Balancer::Random, load, 60_000)
            .replicate(20, mean_latency)
            .assert_holds(SERVICE / (1.0 - load), &format!("M/M/1 of three at {load}"));
    }
}

/// In turn each machine gets every third request: times between them are sums of three (E3/M/1). The latency is exponential with the mean
/// `1 / (mu (1 - s))`, where `s` is the root of `s = A(mu - mu s)` with the transform `A` of the times between.
#[test]
fn in_turn_evens_arrivals_out() {
    for load in LOADS {
        let mut s = load;
        for _ in 0..10_000 {
            s = (3.0 * load / (3.0 * load + 1.0 - s)).powi(3);
        }
        farm(3, Balancer::RoundRobin, load, 60_000)
            .replicate(20, mean_latency)
            .assert_holds(SERVICE / (1.0 - s), &format!("E3/M/1 at {load}"));
    }
}

/// Join the shortest of two queues: the stationary distribution of the Markov chain of both lengths, cut at 60 each, by iteration.
#[test]
fn the_shorter_of_two_queues() {
    const MOST: usize = 60;
    for load in LOADS {
        let lambda = 2.0 * load;
        let rate = lambda + 2.0; // uniformized
        let mut p = vec![vec![0.0; MOST + 1]; MOST + 1];
        p[0][0] = 1.0;
        for _ in 0..20_000 {
            let mut next = vec![vec![0.0; MOST + 1]; MOST + 1];
            for a in 0..=MOST {
                for b in 0..=MOST {
                    let here = p[a][b] / rate;
                    if here == 0.0 {
                        continue;
                    }
                    let (up_a, up_b) = ((a + 1).min(MOST), (b + 1).min(MOST));
                    let (to_a, to_b) = match a.cmp(&b) {
                        std::cmp::Ordering::Less => (lambda, 0.0),
                        std::cmp::Ordering::Greater => (0.0, lambda),
                        std::cmp::Ordering::Equal => (lambda / 2.0, lambda / 2.0),
                    };
                    next[up_a][b] += here * to_a;
                    next[a][up_b] += here * to_b;
                    next[a.saturating_sub(1)][b] += here;
                    next[a][b.saturating_sub(1)] += here;
                }
            }
            p = next;
        }
        let mut present = 0.0;
        for (a, row) in p.iter().enumerate() {
            for (b, p) in row.iter().enumerate() {
                present += (a + b) as f64 * p;
            }
        }
        let mean = SERVICE * present / lambda;
        farm(2, Balancer::LeastOutstanding, load, 40_000)
            .replicate(20, mean_latency)
            .assert_holds(mean, &format!("the shorter of two queues at {load}"));
    }
}

/// The shorter of two that are drawn, of many machines: the mean latency comes to the sum of `load^(2^i - 2)` over `i` from 1 (Mitzenmacher 2001,
/// "The Power of Two Choices in Randomized Load Balancing", theorem 1), of a hundred machines within some thousandths (his table 1).
#[test]
fn two_choices_come_to_their_limit() {
    for load in [0.5, 0.8] {
        let limit: f64 = (1..12).map(|i| f64::powi(load, (1 << i) - 2)).sum::<f64>() * SERVICE;
        let measured = farm(100, Balancer::TwoChoices, load, 200_000).replicate(3, mean_latency);
        let off = measured.mean / limit - 1.0;
        assert!(
            off.abs() < 0.01,
            "two choices at {load}: {off:+.4} of {limit}"
        );
        // One choice is far from it.
        assert!(limit < 0.7 * SERVICE / (1.0 - load) || load < 0.6);
    }
}

/// A database behind all machines, and a disk on each of them: an M/M/1 of all requests, and one of each machine's own.
#[test]
fn devices_are_of_all_machines_or_of_each() {
    for per_node in [false, true] {
        let load = 0.6;
        let machines = 3_u32;
        let mut case = farm(machines, Balancer::Random, load, 60_000);
        let each = if per_node { 1.0 } else { f64::from(machines) };
        let station = DeviceKind::Station {
            servers: 1,
            rate: None,
        };
        case.workload.devices = vec![DeviceSpec {
            name: "device".into(),
            kind: station,
            per_node,
        }];
        case.workload.classes[0].steps = vec![Step::Transfer(0, exponential(SERVICE / each))];
        case.strategy = Strategy::Nodes {
            nodes: *case.strategy.nodes().expect("machines"),
            each: Box::new(super::support::asyncio()),
        };
        let mean = SERVICE / each / (1.0 - load);
        case.replicate(20, mean_latency)
            .assert_holds(mean, &format!("M/M/1 of a device, per node: {per_node}"));
    }
}

/// A message goes over the link of its machine after those before it, and is as long on its way as the latency says, both ways.
#[test]
fn messages_take_their_time_to_the_nanosecond() {
    let ms = Nanos::from_millis;
    let network = Network {
        latency: ms(5),
        rate: Some(1_000_000),
    };
    let nodes = |count| Nodes {
        network,
        ..Nodes::of(count)
    };
    let case = |count| Case {
        machine: machine(2),
        profile: profile(true),
        workload: workload(
            Arrivals::Batch,
            2,
            vec![
                Step::PayloadIn(3_000),
                Step::Io(Dist::Constant(ms(20))),
                Step::PayloadOut(2_000),
            ],
        ),
        strategy: Strategy::Nodes {
            nodes: nodes(count),
            each: Box::new(super::support::asyncio()),
        },
        warmup: 0.0,
        horizon: None,
    };
    // 3 ms on the link, 5 ms on the way, 20 ms there, 2 ms on the link, 5 ms back.
    assert_eq!(case(2).run(0).latencies, [ms(35), ms(35)]);
    // By one link the second comes 3 ms later: the answer of the first is off it by then.
    assert_eq!(case(1).run(0).latencies, [ms(35), ms(38)]);
}

/// Machine repair, each machine with a repairer of its own: two machines work for exponential times with a mean of 4 s and are gone for 1 s. Each is
/// gone a fifth of the time, both a twenty-fifth, and who comes then is refused.
#[test]
fn machines_that_fail_and_are_repaired() {
    let lost = |machine| Fault {
        kind: FaultKind::MachineLost {
            machine: Some(machine),
            lasts: Some(Nanos::from_secs(1)),
        },
        when: FaultTime::Every(exponential(4.0)),
    };
    let ms = Nanos::from_millis;
    let mut case = farm(2, Balancer::RoundRobin, 0.1, 40_000);
    case.warmup = 0.0;
    case.workload.arrivals = Arrivals::Open {
        interval: Dist::Constant(ms(50)),
        count: Some(40_000),
    };
    case.workload.classes[0].steps = vec![Step::Io(Dist::Constant(ms(1)))];
    case.workload.faults = vec![lost(0), lost(1)];
    case.strategy = Strategy::Nodes {
        nodes: Nodes {
            // Checks that are as good as at once.
            health: HealthCheck {
                every: ms(1),
                timeout: Nanos(1),
                fails: 1,
                passes: 1,
            },
            ..*case.strategy.nodes().expect("machines")
        },
        each: Box::new(super::support::asyncio()),
    };
    let refused = |o: &Outcome| {
        let told = o.findings.iter().find_map(|f| match f {
            Finding::LostMachines { refused, .. } => Some(*refused),
            _ => None,
        });
        told.expect("a finding") as f64 / 40_000.0
    };
    // A machine is known to be back at the next check, on average half of a millisecond later, and to be gone as much later.
    case.replicate(40, refused)
        .assert_holds(0.04, "two machines, both gone");
}

/// A rolling update takes one machine of four away at a time, so that while the first is away, here for longer than the run, what is left is M/M/3.
/// (At the 0.1 % level of `assert_holds`, as all of these.)
#[test]
fn while_machines_are_updated_there_is_one_fewer() {
    let update = |max_surge| Fault {
        kind: FaultKind::Restart {
            grace: None,
            rollout: Rollout {
                max_unavailable: 1 - max_surge,
                max_surge,
                boot: Nanos::from_secs(1_000_000),
            },
        },
        when: FaultTime::At(Nanos::from_millis(1)),
    };
    for load in LOADS {
        let mut case = farm(3, Balancer::Broker { prefetch: 1 }, load, 40_000);
        case.strategy = Strategy::Nodes {
            nodes: Nodes {
                count: 4,
                ..*case.strategy.nodes().expect("machines")
            },
            each: Box::new(Strategy::Sequential),
        };
        case.workload.imports.time = Nanos::from_secs(1_000_000);
        case.workload.faults = vec![update(0)];
        case.replicate(20, mean_latency).assert_holds(
            erlang(3, load),
            &format!("M/M/3 while one of 4 is updated, {load}"),
        );
        // With one more first, which never comes in time, all four go on: at three quarters of that load for each.
        case.workload.faults = vec![update(1)];
        case.replicate(20, mean_latency).assert_holds(
            erlang(4, load * 0.75),
            &format!("M/M/4 while a fifth is awaited, {load}"),
        );
    }
}
