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

/// Copies that deal a batch among themselves have no rounds together.
#[test]
fn copies_have_no_rounds_together() {
    let plans = plans(&scenario(ROUNDS), &["prefork:2(asyncio)"]);
    let left: Vec<_> = plans.left_out.iter().map(|l| l.why.as_str()).collect();
    assert!(
        left.len() == 1 && left[0].contains("rounds together"),
        "{left:?}"
    );
}
