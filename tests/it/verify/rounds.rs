//! Programs of scenarios whose batch comes in rounds.

use super::{completed, plans, said, scenario};

/// Random numbers in both parts; two classes, so that the order within a round matters.
const ROUNDS: &str = r#"(
    schema: 1,
    name: "rounds",
    machine: (cores: 2),
    workload: (
        arrivals: Rounds(count: 4, serial: [
            Cpu(Exponential("1ms")), Io("2ms"), Hold("10kB", [Native("100us")]), Lock("own", [Cpu("100us")]), Use("gate", [Io("1ms")]),
            Repeat(2, [Allocate(10)]),
        ]),
        tasks: [
            (name: "page", count: 3, steps: [Cpu("300us"), Io(Uniform(least: "1ms", greatest: "3ms")), Use("gate", [Io("1ms")])]),
            (name: "other", count: 2, steps: [Cpu(Exponential("200us")), Lock("own", [Cpu("100us")])]),
        ],
        locks: ["own"],
        resources: {"gate": Semaphore(2)},
    ),
)"#;

const STRATEGIES: &[&str] = &[
    "sequential",
    "threads:2",
    "threads:per-task",
    "processes:2:fork",
    "pool:2:fork",
    "pool:2:fork:2",
    "asyncio",
    "asyncio:2+threads:2",
    "asyncio+processes:2:fork",
];

/// The serial parts alone take 4 times 3 ms.
#[test]
fn every_strategy_goes_through_the_rounds() {
    let plans = plans(&scenario(ROUNDS), STRATEGIES);
    assert!(plans.left_out.is_empty(), "{:?}", plans.left_out);
    for (label, said) in said(&plans) {
        assert_eq!(completed(&said), (20, 20), "{label}: {said}");
        let makespan = said["makespan_s"].as_f64().unwrap();
        assert!(makespan > 0.012 + 4.0 * 0.001, "{label}: {makespan}");
        let latencies = said["latencies_s"].as_array().unwrap();
        // A task arrives when its round begins: none is as old as the run.
        let longest = latencies
            .iter()
            .filter_map(serde_json::Value::as_f64)
            .fold(0.0, f64::max);
        assert!(longest < makespan * 0.8, "{label}: {longest} of {makespan}");
    }
}

/// Each copy goes through the rounds of its own share: ten tasks of each other round, and none of a round that has only one.
#[test]
fn copies_go_through_rounds_of_their_own() {
    for (label, said) in said(&plans(
        &scenario(ROUNDS),
        &[
            "prefork:2(asyncio)",
            "prefork:3(threads:2)",
            "prefork:2(sequential)",
        ],
    )) {
        assert_eq!(completed(&said), (20, 20), "{label}: {said}");
        let makespan = said["makespan_s"].as_f64().unwrap();
        assert!(makespan > 4.0 * 0.003, "{label}: {makespan}");
    }
    // One task a round: the first copy has those of even rounds, the second the others, each with the 100 ms before them.
    let text = r#"(
        schema: 1, name: "turns", machine: (cores: 2),
        workload: (
            arrivals: Rounds(count: 6, serial: [Io("100ms")]),
            tasks: [(name: "t", steps: [Io("1ms")])],
        ),
    )"#;
    for (label, said) in said(&plans(
        &scenario(text),
        &["prefork:2(sequential)", "prefork:2(asyncio)"],
    )) {
        assert_eq!(completed(&said), (6, 6), "{label}: {said}");
        let makespan = said["makespan_s"].as_f64().unwrap();
        assert!((0.3..0.55).contains(&makespan), "{label}: {makespan}");
    }
}
