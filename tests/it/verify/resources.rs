//! Programs of scenarios whose tasks use resources: what is taken comes back, whatever ends the steps.

use super::{completed, plans, said, scenario};

/// Each kind of resource, steps that fail and run out of time in its middle, and after them one that needs all that there is.
const EVERY_RESOURCE: &str = r#"(
    schema: 1,
    name: "every resource",
    machine: (cores: 2),
    workload: (
        arrivals: Batch,
        resources: {
            "gate": Semaphore(count: 2),
            "db": Connections(size: 1, overflow: 1, connect: "5ms", lifetime: "30ms", wait: "20s"),
            "bucket": RateLimit(rate: "500/s", burst: 3),
            "window": RateLimit(rate: "500/s", window: "10ms", wait: "20s"),
        },
        tasks: [(name: "page", count: 8, steps: [
            Use("gate", [Io("1ms"), Cpu("200us")]),
            Retry(attempts: 3, steps: [Timeout("8ms", [Use("db", [Io("1ms")])])]),
            Retry(attempts: 8, steps: [Use("db", [Io("1ms"), Fail("20%")])]),
            Use("bucket", [Io("1ms")]),
            Use("window", [Io("1ms")]),
            Use("db", [Use("gate", [Io("1ms")])]),
        ])],
    ),
)"#;

const STRATEGIES: &[&str] = &[
    "sequential",
    "threads:8",
    "processes:2:fork",
    "asyncio",
    "asyncio+threads:3",
    "prefork:2(asyncio)",
];

/// A permit or connection that did not come back would keep the tasks after it for ever.
#[test]
fn every_resource_is_given_back() {
    let plans = plans(&scenario(EVERY_RESOURCE), STRATEGIES);
    assert!(plans.left_out.is_empty(), "{:?}", plans.left_out);
    for (label, said) in said(&plans) {
        let (tasks, ended) = completed(&said);
        let lost = said["failed"].as_u64().unwrap() + said["timed_out"].as_u64().unwrap();
        assert_eq!((tasks, ended as u64 + lost), (8, 8), "{label}: {said}");
    }
}

/// One task runs out of time while it connects; the other needs the only connection that there may be.
#[test]
fn what_is_cut_short_while_it_connects_is_given_back() {
    let text = r#"(
        schema: 1,
        name: "cut short",
        machine: (cores: 2),
        workload: (
            arrivals: Batch,
            resources: {"db": Connections(size: 1, connect: "40ms", wait: "2s")},
            tasks: [
                (name: "hasty", steps: [Timeout("10ms", [Use("db", [Io("1ms")])])]),
                (name: "patient", steps: [Io("20ms"), Use("db", [Io("1ms")])]),
            ],
        ),
    )"#;
    let strategies = ["sequential", "threads:2", "asyncio", "asyncio+threads:2"];
    for (label, said) in said(&plans(&scenario(text), &strategies)) {
        assert_eq!(completed(&said), (2, 1), "{label}: {said}");
        assert_eq!(said["timed_out"], 1, "{label}: {said}");
    }
}
