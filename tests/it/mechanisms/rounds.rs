//! Rounds of a batch: each begins when all tasks of the one before are over, with work of the main program itself.

use pchsim::engine::{Nanos, Total};
use pchsim::scenario::{
    Lifecycle, NamedPool, Offload, PoolLife, ProcessApi, Rounds, StartMethod, Step, Strategy,
    Workers,
};

use super::{batch, each, executor, threads};
use crate::common::{Case, class, cpu, io, ms};

fn rounds(mut case: Case, count: u64, serial: Vec<Step>) -> Case {
    case.workload.rounds = Rounds { count, serial };
    case
}

fn asyncio(offload: Offload) -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload,
        pools: Vec::new(),
    }
}

/// Three rounds of two tasks of 10 ms, 5 ms of the main program before each.
fn of_two(strategy: Strategy) -> Case {
    let case = batch(false, strategy, vec![class(2, vec![cpu(ms(10))])]);
    rounds(case, 3, vec![cpu(ms(5))])
}

#[test]
fn one_after_another_everything_adds_up() {
    let outcome = of_two(Strategy::Sequential).run();
    assert_eq!(outcome.makespan, ms(3 * (5 + 20)));
    // A task arrives when its round begins.
    assert_eq!(outcome.latencies, [10, 20, 10, 20, 10, 20].map(ms));
    assert_eq!(outcome.serial, Total::from(ms(15)));
    assert_eq!((outcome.arrived, outcome.completed), (6, 6));
}

/// Whatever executes the tasks, a round waits for the one before, and nothing runs beside the main program's own work.
#[test]
fn rounds_side_by_side_under_every_executor() {
    let pool = |start| Strategy::Processes {
        workers: Workers::Exactly(2),
        start,
        api: ProcessApi::Pool { chunksize: None },
        life: PoolLife::default(),
    };
    for strategy in [
        threads(2),
        Strategy::Threads(Workers::PerTask),
        executor(2, StartMethod::Fork),
        executor(2, StartMethod::Spawn),
        pool(StartMethod::Fork),
        asyncio(Offload::Threads(Workers::Exactly(2))),
        asyncio(Offload::Processes(Workers::Exactly(2), StartMethod::Fork)),
    ] {
        let outcome = of_two(strategy.clone()).run();
        assert_eq!(outcome.makespan, ms(3 * (5 + 10)), "{strategy:?}");
        assert_eq!(outcome.latencies, [ms(10); 6], "{strategy:?}");
        assert_eq!(outcome.serial, Total::from(ms(15)), "{strategy:?}");
        assert_eq!(outcome.cpu, Total::from(ms(3 * 25)), "{strategy:?}");
    }
}

/// The main coroutine awaits between rounds, and keeps its loop busy where it computes.
#[test]
fn a_loop_goes_through_rounds() {
    let case = batch(
        true,
        asyncio(Offload::None),
        vec![class(4, vec![io(ms(10)), cpu(ms(1))])],
    );
    let outcome = rounds(case, 2, vec![cpu(ms(3)), io(ms(2))]).run();
    assert_eq!(outcome.latencies, [11, 12, 13, 14, 11, 12, 13, 14].map(ms));
    assert_eq!(outcome.makespan, ms(2 * (5 + 14)));
    assert_eq!(outcome.serial, Total::from(ms(10)));
    // Between rounds nothing waits for the loop: however long the main coroutine computes, that blocks nobody.
    let case = batch(
        true,
        asyncio(Offload::None),
        vec![class(4, vec![io(ms(10))])],
    );
    assert_eq!(rounds(case, 2, vec![cpu(ms(300))]).run().findings, []);
}

/// Only what the main coroutine hands on itself leaves the loop.
#[test]
fn the_main_coroutine_stays_on_its_loop() {
    let named = Strategy::Asyncio {
        limit: None,
        offload: Offload::Threads(Workers::Exactly(1)),
        pools: vec![NamedPool {
            name: "side".into(),
            workers: Offload::Processes(Workers::Exactly(1), StartMethod::Fork),
        }],
    };
    let mut case = rounds(each(true, named, &[vec![cpu(ms(4))]]), 2, vec![cpu(ms(5))]);
    assert_eq!(case.run().makespan, ms(2 * (5 + 4)));
    case.workload.rounds.serial = vec![Step::Offload {
        to: Some("side".into()),
        steps: vec![cpu(ms(5))],
    }];
    assert_eq!(case.run().makespan, ms(2 * (5 + 4)));
}

/// Without work between them rounds are barriers only; the first needs none.
#[test]
fn rounds_without_work_between_them_are_barriers() {
    let two = || vec![class(1, vec![cpu(ms(10))]), class(1, vec![cpu(ms(2))])];
    let case = batch(false, threads(2), two());
    let outcome = rounds(case, 2, Vec::new()).run();
    assert_eq!(outcome.latencies, [10, 2, 10, 2].map(ms));
    assert_eq!((outcome.makespan, outcome.serial), (ms(20), Total::ZERO));
}

/// Copies of a program deal the list among themselves; each goes through its own rounds.
#[test]
fn copies_go_through_their_own_rounds() {
    let copies = Strategy::Prefork {
        processes: 2,
        each: Box::new(Strategy::Sequential),
        life: Lifecycle::default(),
    };
    let outcome = of_two(copies).run();
    assert_eq!(outcome.makespan, ms(3 * (5 + 10)));
    assert_eq!(outcome.serial, Total::from(ms(15)));
}

/// `Pool.map` forms chunks of each round's tasks: of eight tasks for one worker two each, whatever the number of rounds.
#[test]
fn chunks_are_those_of_a_round() {
    let pool = Strategy::Processes {
        workers: Workers::Exactly(1),
        start: StartMethod::Fork,
        api: ProcessApi::Pool { chunksize: None },
        life: PoolLife::default(),
    };
    let mut case = batch(true, pool, vec![class(8, vec![cpu(ms(1))])]);
    case.workload.rounds.count = 5;
    let outcome = case.run();
    // A result comes back with its chunk.
    let one = [2, 2, 4, 4, 6, 6, 8, 8].map(ms);
    assert_eq!(outcome.latencies, one.repeat(5));
}

/// A class of two tasks a round, two rounds, 10 to 30 ms for each by its number: draws are those of the task's number.
#[test]
fn every_round_draws_anew() {
    let time = pchsim::scenario::Dist::Uniform(ms(10), ms(30));
    let case = batch(
        false,
        Strategy::Sequential,
        vec![class(2, vec![Step::Cpu(time)])],
    );
    let outcome = rounds(case, 2, Vec::new()).run();
    let mut lengths: Vec<Nanos> = vec![
        outcome.latencies[0],
        outcome.latencies[1] - outcome.latencies[0],
        outcome.latencies[2],
        outcome.latencies[3] - outcome.latencies[2],
    ];
    lengths.sort_unstable();
    lengths.dedup();
    assert_eq!(lengths.len(), 4);
}
