//! Native code with threads of its own (BLAS, OpenMP): a call divides its work among a team, and returns when the last has done its share.

use pchsim::engine::{Nanos, Total};
use pchsim::scenario::{Dist, Offload, StartMethod, Step, Strategy};
use pchsim::strategy::Cause;

use super::{batch, each, executor, latencies, threads};
use crate::common::{class, cpu, io, machine, ms};

fn team(time: Nanos, threads: u32) -> Step {
    Step::Team(Dist::Constant(time), threads)
}

fn asyncio() -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload: Offload::None,
        pools: Vec::new(),
    }
}

/// With cores for all, the call is as many times as fast as it has threads, and costs the same CPU.
#[test]
fn a_team_divides_its_work() {
    for strategy in [Strategy::Sequential, threads(1), asyncio()] {
        let outcome = each(true, strategy.clone(), &[vec![team(ms(12), 4), cpu(ms(1))]]).run();
        assert_eq!(outcome.latencies, [ms(4)], "{strategy:?}");
        assert_eq!(outcome.cpu, Total::from(ms(13)), "{strategy:?}");
        assert_eq!(outcome.causes[Cause::Running as usize], Total::from(ms(4)));
    }
}

/// What has no core of its own is waited for: three threads on two cores take turns.
#[test]
fn what_lacks_a_core_is_waited_for() {
    let mut case = each(true, Strategy::Sequential, &[vec![team(ms(12), 3)]]);
    case.machine = machine(2);
    let outcome = case.run();
    // 12 ms on 2 cores are 6 at least; without time slices the third share comes after another: 8.
    assert!(
        (ms(6)..=ms(8)).contains(&outcome.makespan),
        "{:?}",
        outcome.makespan
    );
    let waits = outcome.causes[Cause::Core as usize];
    assert_eq!(
        waits + outcome.causes[Cause::Running as usize],
        Total::from(outcome.makespan)
    );
    assert!(waits >= Total::from(ms(2)));
}

/// Calls of several threads have a team each: four callers of four on four cores are no faster than one thread each.
#[test]
fn oversubscription_gains_nothing() {
    let time = |team_of: u32| {
        let step = if team_of > 1 {
            team(ms(8), team_of)
        } else {
            Step::Native(Dist::Constant(ms(8)))
        };
        let mut case = batch(true, threads(4), vec![class(4, vec![step])]);
        case.machine = machine(4);
        case.run().makespan
    };
    assert_eq!(time(1), ms(8));
    assert!(time(4) >= ms(8), "{:?}", time(4));
}

/// Nobody needs the GIL for a call: bytecode of another thread runs beside it, and what unparks its thread does not end it.
#[test]
fn a_call_holds_no_gil_and_is_not_cut_short() {
    let case = each(
        true,
        threads(2),
        &[vec![team(ms(20), 2)], vec![cpu(ms(10))]],
    );
    assert_eq!(latencies(&case), [ms(10), ms(10)]);
    // A loop's own thread makes the call; meanwhile a worker of its pool is done, which wakes the loop.
    let named = Strategy::Asyncio {
        limit: None,
        offload: Offload::None,
        pools: Vec::new(),
    };
    let offloaded = Step::Offload {
        to: None,
        steps: vec![io(ms(3))],
    };
    let case = each(
        true,
        named,
        &[vec![offloaded], vec![io(Nanos(1_000_000)), team(ms(20), 2)]],
    );
    assert_eq!(latencies(&case), [ms(11), ms(11)]);
}

/// A team is started at the first call, by whoever makes it, at the cost of a thread each; later calls wake it.
#[test]
fn a_team_is_started_once() {
    let steps = vec![Step::Repeat(3, vec![team(ms(4), 2)])];
    let mut case = each(true, Strategy::Sequential, &[steps]);
    case.profile.params.thread_start = 1e6;
    case.profile.params.unpark = 1e5;
    let outcome = case.run();
    // The caller starts the other (1 ms), then burns its share (2 ms); twice it wakes it (0.1 ms), and burns its share, which ends first.
    assert!(
        outcome.makespan >= ms(7) && outcome.makespan <= ms(8),
        "{:?}",
        outcome.makespan
    );
    let all = executor(2, StartMethod::Fork);
    let outcome = batch(true, all, vec![class(4, vec![team(ms(4), 2)])]).run();
    assert_eq!(outcome.completed, 4);
}

/// Python threads in place of native ones are as fast where the GIL costs nothing; each of them takes it to begin its share, and to say that it
/// is done.
#[test]
fn a_team_of_python_threads_needs_the_gil() {
    let run = |python: bool, pair: Nanos| {
        let steps = vec![team(ms(12), 4), cpu(ms(1))];
        let mut case = each(true, Strategy::Sequential, &[steps]);
        case.workload.python_teams = python;
        case.profile.params.gil_pair = pair.as_f64();
        case.run()
    };
    let free = run(true, Nanos::ZERO);
    assert_eq!(free.latencies, [ms(4)]);
    assert_eq!(free.cpu, Total::from(ms(13)));
    let pair = Nanos::from_micros(10);
    let (native, python) = (run(false, pair), run(true, pair));
    assert!(python.cpu >= native.cpu + Total::from(pair * 6));
    assert!(python.latencies[0] > native.latencies[0]);
}
