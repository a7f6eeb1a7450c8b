//! Where a run ends: horizon, event limit; and what counts in it.

use pchsim::engine::Nanos;
use pchsim::scenario::{Arrivals, Dist, Step, Strategy};
use pchsim::strategy::Finding;

use super::{batch, threads};
use crate::common::{Case, class, cpu, machine, ms, workload};

/// Nothing burns past the horizon, and what has not been got to is in flight.
#[test]
fn a_horizon_cuts() {
    for strategy in [Strategy::Sequential, threads(1)] {
        let mut case = batch(true, strategy, vec![class(10, vec![cpu(ms(10))])]);
        case.horizon = Some(ms(35));
        let o = case.run();
        assert_eq!((o.arrived, o.completed, o.in_flight), (10, 3, 7));
        assert_eq!((o.end, o.cpu), (ms(35), ms(35).into()));
    }
}

/// Loops whose steps take no time, and loops of steps that need no act of a thread, meet the event limit.
#[test]
fn endless_loops_are_stopped() {
    let nothing = vec![Step::PayloadIn(1)];
    for inner in [
        nothing,
        vec![cpu(Nanos::ZERO)],
        vec![Step::Hold(1.into(), vec![])],
    ] {
        for strategy in [Strategy::Sequential, threads(1)] {
            let steps = vec![Step::Repeat(1_000_000_000_000, inner.clone())];
            let mut case = batch(true, strategy, vec![class(1, steps)]);
            case.max_events = 10_000;
            let o = case.run();
            assert_eq!(o.findings, [Finding::EventLimit { at: Nanos::ZERO }]);
        }
    }
    let stubborn = vec![Step::Retry {
        attempts: u32::MAX,
        backoff: Nanos::ZERO.into(),
        steps: vec![Step::Fail(1.0)],
    }];
    let mut case = batch(true, threads(1), vec![class(1, stubborn)]);
    case.max_events = 10_000;
    assert_eq!(case.run().findings.len(), 1);
}

/// A shorter run is the beginning of a longer one: so many users have come by its end.
#[test]
fn users_come_back_until_the_horizon() {
    let closed = Arrivals::Closed {
        users: 3,
        think: Dist::Exponential(ms(10)),
        count: None,
    };
    for seed in 0..200 {
        let arrived = |horizon: u64, warmup: u64| {
            let w = workload(closed.clone(), vec![class(0, vec![cpu(ms(1))])]);
            let case = batch(true, Strategy::Sequential, Vec::new());
            let o = Case {
                workload: w,
                horizon: Some(ms(horizon)),
                warmup: ms(warmup),
                seed,
                ..case
            }
            .run();
            o.arrived
        };
        assert_eq!(
            arrived(30, 0),
            arrived(100, 0) - arrived(100, 30),
            "seed {seed}"
        );
    }
}

/// Tasks that arrive before the warm-up's end do not count.
#[test]
fn a_warm_up_is_left_out() {
    let arrivals = Arrivals::Open {
        interval: Dist::Constant(ms(10)),
        count: Some(10),
    };
    let mut case = batch(true, Strategy::Sequential, Vec::new());
    case.workload = workload(arrivals, vec![class(0, vec![cpu(ms(2))])]);
    case.warmup = ms(45);
    let o = case.run();
    assert_eq!((o.arrived, o.completed), (6, 6));
    assert_eq!((o.latencies, o.cpu), (vec![ms(2); 6], ms(20).into()));
}

/// Work that others keep cutting to pieces is given up as soon as it is clear that it cannot end within the run's events;
/// the same work that nobody interrupts is simulated.
#[test]
fn endless_slicing_is_given_up_early() {
    let days = |n: u64| vec![cpu(ms(n * 86_400_000))];
    let run = |gil, workers, cores| {
        let mut case = batch(gil, threads(workers), vec![class(4, days(900))]);
        case.machine = machine(cores);
        case.max_events = 100_000_000;
        let started = std::time::Instant::now();
        let o = case.run();
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
        o
    };
    for (gil, cores) in [(true, 4), (true, 1), (false, 2)] {
        let o = run(gil, 4, cores);
        assert_eq!(o.findings, [Finding::EventLimit { at: o.end }], "{gil}");
        assert_eq!(o.in_flight, 4);
    }
    assert_eq!(run(true, 1, 4).completed, 4);
    assert_eq!(run(false, 4, 4).completed, 4);
}
