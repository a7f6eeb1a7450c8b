//! Programs that try again: they pause as the forecast does, by the same numbers.

use pchsim::engine::{Nanos, StreamRole, Streams};
use pchsim::scenario::Step;

use super::{completed, plans, program, said, scenario};

const STRATEGIES: &[&str] = &[
    "sequential",
    "threads:3",
    "asyncio",
    "asyncio+threads:3",
    "prefork:2(asyncio)",
];

fn api(retry: &str) -> String {
    format!(
        r#"(
        schema: 1,
        name: "api",
        machine: (cores: 2),
        workload: (
            arrivals: Batch,
            resources: {{"api": RateLimit(rate: "20/s", per: Everywhere, full: Reject)}},
            tasks: [(name: "call", count: 3, steps: [
                Retry(attempts: 5, backoff: "1ms", factor: 1, cap: "1ms", {retry}steps: [Use("api", [Io("1ms")])]),
            ])],
        ),
    )"#
    )
}

/// The limit's tokens come 50 ms apart: only who heeds what it says lives to see them.
#[test]
fn programs_heed_what_a_rate_limit_says() {
    let heeding = scenario(&api("retry_after: true, "));
    for (label, said) in said(&plans(&heeding, &STRATEGIES[..4])) {
        assert_eq!(completed(&said), (3, 3), "{label}: {said}");
        assert!(
            said["makespan_s"].as_f64().unwrap() >= 0.1,
            "{label}: {said}"
        );
    }
    for (label, said) in said(&plans(&scenario(&api("")), &STRATEGIES[1..4])) {
        assert_eq!(completed(&said).1, 1, "{label}: {said}");
    }
}

/// Pauses with jitter, in every flavour: the task that pauses longest by the forecast's numbers ends the real batch.
#[test]
fn programs_pause_by_the_forecasts_numbers() {
    for jitter in ["None", "Full", "Equal", "Decorrelated"] {
        let scenario = scenario(&format!(
            r#"(
            schema: 1,
            name: "pauses",
            machine: (cores: 2),
            workload: (
                arrivals: Batch,
                tasks: [(name: "call", count: 3, steps: [
                    Retry(attempts: 3, backoff: Uniform("20ms", "60ms"), cap: "80ms", jitter: {jitter}, steps: [Fail("100%")]),
                ])],
            ),
        )"#
        ));
        let Step::Retry { backoff, .. } = &scenario.workload.classes[0].steps[0] else {
            panic!("a retry");
        };
        let streams = Streams::new(scenario.seed, 0, StreamRole::Patience);
        let sum = |task| {
            let first = backoff.pause(1, None, &mut streams.task(task, 0));
            first + backoff.pause(2, Some(first), &mut streams.task(task, 1))
        };
        let longest = (0..3).map(sum).max().map_or(0.0, Nanos::as_secs_f64);
        for (label, said) in said(&plans(&scenario, &STRATEGIES[1..4])) {
            let took = said["makespan_s"].as_f64().unwrap();
            assert_eq!(said["failed"], 3, "{label}: {said}");
            assert!(
                (longest - 0.002..longest + 0.5).contains(&took),
                "{jitter}, {label}: {took}, forecast {longest}"
            );
        }
    }
}

#[test]
fn drawn_time_outs_and_pauses_read_well() {
    let text = scenario(
        r#"(
        schema: 1,
        name: "reads",
        workload: (
            arrivals: Batch,
            tasks: [(name: "call", steps: [
                Retry(attempts: 3, backoff: Exponential("1ms"), factor: 1.5, cap: "2s", jitter: Full, retry_after: true, steps: [
                    Timeout(Uniform("1s", "2s"), [Io("1ms")]),
                ]),
                Retry(attempts: 2, backoff: "5ms", steps: [Offload([Retry(attempts: 2, backoff: "1ms", jitter: Equal, steps: [Cpu("1ms")])])]),
            ])],
        ),
    )"#,
    );
    for strategy in ["threads:8", "asyncio+processes:2:fork", "asyncio"] {
        let program = program(&text, strategy);
        let (_, call) = program.text.split_once("# call\n").unwrap();
        let call = call.split("\n\n# What").next().unwrap();
        insta::assert_snapshot!(format!("reads_{}", strategy.replace([':', '+'], "_")), call);
    }
    for (label, said) in said(&plans(
        &text,
        &["threads:8", "asyncio+processes:2:fork", "asyncio"],
    )) {
        assert_eq!(completed(&said), (1, 1), "{label}: {said}");
    }
}

/// Tasks one after another, each of which fails: ten tokens at first, and a fifth of one for each first attempt.
#[test]
fn programs_keep_to_their_budget() {
    let text = r#"(schema: 1, name: "budget", machine: (cores: 2), workload: (arrivals: Batch,
        tasks: [(name: "call", count: 24, steps: [Io("2ms"), Retry(attempts: 2, backoff: "60ms", budget: "20%", steps: [Fail("100%")])])]))"#;
    // Of 24 tasks one after another 14 pause.
    for (strategy, pauses) in [
        ("sequential", 14.0),
        ("threads:1", 14.0),
        ("asyncio:1", 14.0),
    ] {
        for (label, said) in said(&plans(&scenario(text), &[strategy])) {
            let took = said["makespan_s"].as_f64().unwrap();
            assert_eq!(said["failed"], 24, "{label}: {said}");
            let least = 24.0 * 0.002 + pauses * 0.06;
            assert!((least..least + 0.3).contains(&took), "{label}: {took}");
        }
    }
    // Each worker has a budget of its own, which is enough for its twelve.
    for (label, said) in said(&plans(&scenario(text), &["prefork:2(asyncio:1)"])) {
        let took = said["makespan_s"].as_f64().unwrap();
        assert_eq!(said["failed"], 24, "{label}: {said}");
        assert!(took > 12.0 * 0.06, "{label}: {took}");
    }
}
