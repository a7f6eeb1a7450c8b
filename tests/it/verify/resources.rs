//! Programs of scenarios whose tasks use resources: what is taken comes back, whatever ends the steps.

use serde_json::Value;

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
            "breaker": Breaker(failures: 2, reset: "5ms"),
        },
        tasks: [(name: "page", count: 8, steps: [
            Use("gate", [Io("1ms"), Cpu("200us")]),
            Retry(attempts: 3, steps: [Timeout("8ms", [Use("db", [Io("1ms")])])]),
            Retry(attempts: 8, steps: [Use("db", [Io("1ms"), Fail("20%")])]),
            Use("bucket", [Io("1ms")]),
            Use("window", [Io("1ms")]),
            Retry(attempts: 90, backoff: "2ms", factor: 1, steps: [Use("breaker", [Io("1ms"), Fail("40%")])]),
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

/// Everything of [`EVERY_RESOURCE`] shared by all processes, on the loop and in the workers that it offloads to.
const EVERYWHERE: &str = r#"(
    schema: 1,
    name: "everywhere",
    machine: (cores: 2),
    workload: (
        arrivals: Batch,
        resources: {
            "gate": Semaphore(count: 2, per: Everywhere),
            "db": Connections(size: 1, overflow: 1, connect: "5ms", lifetime: "30ms", wait: "20s", per: Everywhere),
            "bucket": RateLimit(rate: "500/s", burst: 3, per: Everywhere),
            "window": RateLimit(rate: "500/s", window: "10ms", wait: "20s", per: Everywhere),
            "own": Connections(size: 2, connect: "1ms", wait: "20s"),
        },
        tasks: [(name: "page", count: 8, steps: [
            Use("gate", [Io("1ms"), Cpu("200us")]),
            Retry(attempts: 3, steps: [Timeout("8ms", [Use("db", [Io("1ms")])])]),
            Offload(to: "cpu", steps: [
                Retry(attempts: 8, steps: [Use("db", [Io("1ms"), Fail("20%")])]), Use("bucket", [Io("1ms")]), Use("own", [Io("1ms")]),
            ]),
            Retry(attempts: 3, steps: [Offload(to: "cpu", steps: [Timeout("20ms", [Use("window", [Io("1ms")]), Use("own", [Io("1ms")])])])]),
            Use("own", [Io("1ms")]),
            Use("db", [Use("gate", [Io("1ms")])]),
        ])],
    ),
)"#;

const SHARING: &[&str] = &[
    "processes:2:fork",
    "processes:2:spawn",
    "pool:2:forkserver",
    "prefork:2(asyncio)",
    "prefork:2(threads:4)",
    "prefork:2(asyncio+cpu=threads:3)",
    "prefork:2(asyncio+cpu=processes:1:fork)",
    "asyncio+cpu=threads:3",
    "asyncio+cpu=processes:2:fork",
    "asyncio+threads:2+cpu=processes:2:spawn",
    "asyncio+processes:2:forkserver",
];

/// What all processes share comes back to all, whoever has used it, and however they are started.
#[test]
fn everything_is_shared_and_given_back() {
    let plans = plans(&scenario(EVERYWHERE), SHARING);
    assert!(plans.left_out.is_empty(), "{:?}", plans.left_out);
    for (label, said) in said(&plans) {
        let (tasks, ended) = completed(&said);
        let lost = said["failed"].as_u64().unwrap() + said["timed_out"].as_u64().unwrap();
        assert_eq!((tasks, ended as u64 + lost), (8, 8), "{label}: {said}");
    }
}

fn makespan(said: &Value) -> f64 {
    said["makespan_s"].as_f64().unwrap()
}

/// One permit, one connection and a token each 50 ms for all: six tasks take their times one after another, whoever runs them.
#[test]
fn all_processes_have_one_resource_between_them() {
    for (resource, steps, least) in [
        (
            "Semaphore(count: 1, per: Everywhere)",
            "Use(\"r\", [Io(\"50ms\")])",
            0.3,
        ),
        // Opened once, and kept for the next.
        (
            "Connections(size: 1, connect: \"100ms\", per: Everywhere)",
            "Use(\"r\", [Io(\"30ms\")])",
            0.28,
        ),
        (
            "RateLimit(rate: \"20/s\", per: Everywhere)",
            "Use(\"r\", [Io(\"1ms\")])",
            0.25,
        ),
        (
            "RateLimit(rate: \"20/s\", window: \"100ms\", per: Everywhere)",
            "Use(\"r\", [Io(\"1ms\")])",
            0.2,
        ),
        (
            "Semaphore(count: 1, per: Everywhere)",
            "Offload(to: \"cpu\", steps: [Use(\"r\", [Io(\"50ms\")])])",
            0.3,
        ),
    ] {
        let text = format!(
            r#"(schema: 1, name: "one", machine: (cores: 2), workload: (arrivals: Batch,
                resources: {{"r": {resource}}}, tasks: [(name: "t", count: 6, steps: [{steps}])]))"#
        );
        let strategies = [
            "processes:3:fork",
            "prefork:3(asyncio)",
            "prefork:2(asyncio+cpu=threads:3)",
            "asyncio+cpu=processes:3:fork",
        ];
        for (label, said) in said(&plans(&scenario(&text), &strategies)) {
            assert_eq!(completed(&said), (6, 6), "{resource} {label}: {said}");
            let makespan = makespan(&said);
            // Nothing here is longer than the line: who waits is woken, and does not look from time to time.
            assert!(
                (least..least + 0.3).contains(&makespan),
                "{resource} {label}: {makespan}"
            );
        }
    }
}

/// Who is rejected fails at once, and who waits too long later, wherever the one that has the permit runs.
#[test]
fn what_all_share_is_refused_as_well() {
    for (rule, failed, timed_out) in [("full: Reject", 3, 0), ("wait: \"50ms\"", 0, 3)] {
        let text = format!(
            r#"(schema: 1, name: "full", machine: (cores: 2), workload: (arrivals: Batch,
                resources: {{"r": Semaphore(count: 1, per: Everywhere, {rule})}},
                tasks: [(name: "t", count: 4, steps: [Use("r", [Io("600ms")])])]))"#
        );
        for (label, said) in said(&plans(
            &scenario(&text),
            &["prefork:2(asyncio)", "processes:4:fork"],
        )) {
            assert_eq!(completed(&said), (4, 1), "{label}: {said}");
            assert_eq!(said["failed"], failed, "{label}: {said}");
            assert_eq!(said["timed_out"], timed_out, "{label}: {said}");
        }
    }
}

/// A worker in a thread and a coroutine have one pool of connections: the second to come waits for the first, either way round.
#[test]
fn a_coroutine_and_a_worker_share_what_their_process_has() {
    let text = r#"(schema: 1, name: "both", machine: (cores: 2), workload: (arrivals: Batch,
        resources: {"db": Connections(size: 1)},
        tasks: [
            (name: "loop", count: 3, steps: [Use("db", [Io("50ms")])]),
            (name: "worker", count: 3, steps: [Offload([Use("db", [Block("50ms")])], "files")]),
        ]))"#;
    let strategies = [
        "asyncio+files=threads:4",
        "asyncio",
        "asyncio+files=processes:3:fork",
    ];
    for (label, said) in said(&plans(&scenario(text), &strategies)) {
        assert_eq!(completed(&said), (6, 6), "{label}: {said}");
        // Three processes have three pools more.
        let least = if label.contains("processes") {
            0.15
        } else {
            0.3
        };
        let makespan = makespan(&said);
        assert!(makespan >= least, "{label}: {makespan}");
    }
}

/// What cannot be shared is said, with what can.
#[test]
fn what_cannot_be_shared_is_said() {
    let plans = plans(&scenario(EVERYWHERE), &["interpreters:2", "uvicorn:2"]);
    assert_eq!(plans.planned.len(), 0);
    let open = EVERYWHERE.replace("arrivals: Batch", "arrivals: Poisson(rate: 10, count: 8)");
    let plans = super::plans(&scenario(&open), &["interpreters:2", "uvicorn:2"]);
    for left in &plans.left_out {
        assert!(
            left.why.contains("\"gate\" (`per: Everywhere`)"),
            "{left:?}"
        );
    }
    assert_eq!(plans.left_out.len(), 2);
}

/// Six calls of 20 ms one after another, of which all fail: the breaker lets two through, who come at once while it is open fail at once, and
/// after its time-out each trial opens it again. Whether one or all have it is seen by how many calls are made.
#[test]
fn programs_have_breakers() {
    let text = |per: &str| {
        format!(
            r#"(schema: 1, name: "open", machine: (cores: 2), workload: (arrivals: Batch,
            resources: {{"payments": Breaker(failures: 2, reset: "10s", per: {per})}},
            tasks: [(name: "t", count: 40, steps: [Use("payments", [Io("20ms"), Fail("100%")])])]))"#
        )
    };
    // One after another two calls are made by whoever has a breaker; of those at once all that began before it opened.
    let own: [(&str, f64); 5] = [
        ("sequential", 0.04),
        ("threads:1", 0.04),
        ("asyncio:1", 0.04),
        ("processes:2:fork", 0.04),
        ("asyncio", 0.02),
    ];
    for (strategy, least) in own {
        for (label, said) in said(&plans(&scenario(&text("Process")), &[strategy])) {
            assert_eq!(said["failed"], 40, "{label}: {said}");
            let makespan = makespan(&said);
            assert!(
                (least..least + 0.2).contains(&makespan),
                "{label}: {makespan}"
            );
        }
    }
    let all = [
        "processes:2:fork",
        "prefork:2(asyncio)",
        "prefork:2(threads:4)",
    ];
    for (label, said) in said(&plans(&scenario(&text("Everywhere")), &all)) {
        assert_eq!(said["failed"], 40, "{label}: {said}");
        assert!(makespan(&said) < 0.3, "{label}: {said}");
    }
}

/// A service that is well again: a trial finds out, and all go through.
#[test]
fn breakers_of_programs_close() {
    let text = r#"(schema: 1, name: "closes", machine: (cores: 2), workload: (arrivals: Batch,
        resources: {"payments": Breaker(failures: 1, reset: "150ms", per: Everywhere)},
        tasks: [
            (name: "bad", steps: [Use("payments", [Fail("100%")])]),
            (name: "soon", count: 2, steps: [Io("60ms"), Use("payments", [Io("1ms")])]),
            (name: "late", steps: [Io("400ms"), Use("payments", [Io("1ms")])]),
            (name: "after", count: 3, steps: [Io("600ms"), Use("payments", [Io("1ms")])]),
        ]))"#;
    let strategies = ["threads:7", "asyncio", "processes:7:fork"];
    for (label, said) in said(&plans(&scenario(text), &strategies)) {
        assert_eq!(completed(&said), (7, 4), "{label}: {said}");
        assert_eq!(said["failed"], 3, "{label}: {said}");
    }
}
