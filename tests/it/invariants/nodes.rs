//! Random workloads on several machines: the laws hold whatever balances them, and recordings change nothing.

use pchsim::cpython::recording::RecordOptions;
use pchsim::engine::Nanos;
use pchsim::scenario::{
    Autoscale, Balancer, Dist, Fault, FaultKind, FaultTime, HealthCheck, Network, NodeMachine,
    Nodes, Rollout, Rounds, Scope, Strategy,
};
use pchsim::strategy::{Finding, check_recording, compile, record};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, any, prop_assume, prop_oneof, proptest};
use proptest::strategy::Strategy as _;

use super::{cases, config};
use crate::common::{Case, ms};

fn balancers() -> BoxedStrategy<Balancer> {
    prop_oneof![
        Just(Balancer::RoundRobin),
        Just(Balancer::Random),
        Just(Balancer::TwoChoices),
        Just(Balancer::LeastOutstanding),
        Just(Balancer::Sticky),
        (1_u32..4).prop_map(|prefetch| Balancer::Broker { prefetch }),
    ]
    .boxed()
}

fn networks() -> BoxedStrategy<Network> {
    (
        0_u64..2_000_000,
        option::of(prop_oneof![Just(1_000_000_000_u64), 10_000_u64..10_000_000]),
    )
        .prop_map(|(latency, rate)| Network {
            latency: Nanos(latency),
            rate,
        })
        .boxed()
}

fn clusters() -> BoxedStrategy<Nodes> {
    let all = (
        1_u32..5,
        balancers(),
        networks(),
        option::of(1_u32..4),
        scales(),
    );
    all.prop_map(|(count, balancer, network, cores, scale)| Nodes {
        autoscale: scale.map(|a| Autoscale {
            min: a.min.min(count),
            max: count + a.max,
            ..a
        }),
        balancer,
        network,
        machine: NodeMachine {
            cores,
            memory: None,
        },
        ..Nodes::of(count)
    })
    .boxed()
}

/// Checks that come often, so that short runs see them fail and pass.
fn checks() -> BoxedStrategy<HealthCheck> {
    (1_u64..30, 1_u32..4, 1_u32..3)
        .prop_map(|(every, fails, passes)| HealthCheck {
            every: ms(every),
            timeout: ms(every),
            fails,
            passes,
        })
        .boxed()
}

/// Machines that are lost, for good or for a while, now and again, and workers that crash meanwhile.
fn losses() -> BoxedStrategy<Vec<Fault>> {
    let when = prop_oneof![
        2 => (0_u64..100).prop_map(|t| FaultTime::At(ms(t))),
        1 => (50_u64..400).prop_map(|mean| FaultTime::Every(Dist::Exponential(ms(mean)))),
    ];
    let kind = prop_oneof![
        4 => (option::of(0_u32..5), option::of((1_u64..100).prop_map(ms)))
            .prop_map(|(machine, lasts)| FaultKind::MachineLost { machine, lasts }),
        1 => option::of(0_u32..3).prop_map(|worker| FaultKind::Crash { worker }),
        2 => rollouts(),
        1 => (1_u64..50).prop_map(|lasts| FaultKind::Down { device: 0, lasts: ms(lasts) }),
    ];
    vec((kind, when), 1..3)
        .prop_map(|all| {
            all.into_iter()
                .map(|(kind, when)| Fault { kind, when })
                .collect()
        })
        .boxed()
}

/// Machines that are updated one after another.
fn rollouts() -> BoxedStrategy<FaultKind> {
    (
        option::of((1_u64..100).prop_map(ms)),
        0_u32..3,
        0_u32..3,
        0_u64..30,
    )
        .prop_map(|(grace, missing, max_surge, boot)| FaultKind::Restart {
            grace,
            rollout: Rollout {
                max_unavailable: if max_surge == 0 {
                    missing.max(1)
                } else {
                    missing
                },
                max_surge,
                boot: ms(boot),
            },
        })
        .boxed()
}

/// Machines whose number follows the load, with looks often enough for short runs.
fn scales() -> BoxedStrategy<Option<Autoscale>> {
    let scale = (1_u32..3, 1_u32..6, 1_u32..100, 1_u64..40, 0_u64..80).prop_map(
        |(min, more, target, every, start)| Autoscale {
            min,
            max: min + more,
            target,
            every: ms(every),
            cool_down: ms(every * 2),
            start: ms(start),
        },
    );
    option::of(scale).boxed()
}

/// A case on several machines, with resources and devices that are each machine's own, or of all of them.
fn on_machines() -> BoxedStrategy<Case> {
    (cases(), clusters(), any::<u16>())
        .prop_map(|(mut case, nodes, own)| {
            let w = &mut case.workload;
            // Machines behind a balancer have no rounds.
            w.rounds = Rounds::default();
            for (i, r) in w.resources.iter_mut().enumerate() {
                if own >> i & 1 == 1 {
                    r.scope = Scope::Node;
                }
            }
            for (i, d) in w.devices.iter_mut().enumerate() {
                d.per_node = own >> (8 + i) & 1 == 1;
            }
            case.strategy = Strategy::Nodes {
                nodes,
                each: Box::new(case.strategy),
            };
            case
        })
        .boxed()
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn machines_obey_the_laws(case in on_machines()) {
        case.run();
    }
}

proptest! {
    #![proptest_config(config(256))]

    /// Whatever is lost with machines, tasks are conserved, what others may use is given back, and the run ends.
    #[test]
    fn lost_machines_obey_the_laws(mut case in on_machines(), faults in losses(), health in checks(), autoscale in scales()) {
        let autoscale = autoscale.map(|a| Autoscale { max: a.max.max(4), min: 1, ..a });
        let nodes = Nodes { health, autoscale, ..*case.strategy.nodes().expect("machines") };
        case.strategy = Strategy::Nodes { nodes, each: Box::new(case.strategy.on_each().clone()) };
        case.workload.faults = faults;
        case.max_events = 100_000;
        // A program of one process that crashes on its machine is refused.
        prop_assume!(compile(&case.machine, &case.profile, &case.workload, &case.strategy).is_ok());
        let o = case.run();
        assert_eq!(format!("{o:?}"), format!("{:?}", case.run()));
        // A broker sends again and again what takes longer than its machines live.
        let again = case.workload.faults.iter().any(|f| matches!(f.when, FaultTime::Every(_)));
        let endless = o.findings.iter().any(|f| matches!(f, Finding::EventLimit { .. }));
        assert!(again || !endless, "a small workload takes no million events");
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn a_recorded_run_on_machines_is_the_same_run(case in on_machines()) {
        let outcome = format!("{:?}", case.run());
        assert_eq!(outcome, format!("{:?}", case.run()));
        let whole = RecordOptions { window: (Nanos::ZERO, Nanos::MAX), most_spans: usize::MAX };
        let (recorded, recording) = record(&case.input(), whole).expect("as before");
        assert_eq!(outcome, format!("{recorded:?}"));
        if let Err(wrong) = check_recording(&case.input(), &recorded, &recording) {
            panic!("{wrong}");
        }
    }

    /// One machine without a network is the scenario's machine.
    #[test]
    fn one_machine_at_hand_is_the_machine(case in on_machines()) {
        let mut one = case.clone();
        let mut alone = case;
        alone.strategy = alone.strategy.on_each().clone();
        // A batch, a trace and its chunks are the program's own, unless they are sent to machines.
        if let pchsim::scenario::Arrivals::Batch | pchsim::scenario::Arrivals::Trace(_) = alone.workload.arrivals {
            return Ok(());
        }
        one.strategy = Strategy::Nodes {
            nodes: Nodes {
                network: Network { latency: Nanos::ZERO, rate: None },
                ..Nodes::of(1)
            },
            each: Box::new(alone.strategy.clone()),
        };
        assert_eq!(format!("{:?}", one.run()), format!("{:?}", alone.run()));
    }
}
