//! Programs whose worker processes are really killed, when the forecast's are.

use pchsim::strategy::{Finding, Outcome, SimInput, simulate};

use super::{completed, plans, program, said, scenario};
use pchsim::verify::machine;

/// Tasks of 40 ms, some 15 a second for two workers, the first of which dies after a second.
const CRASH: &str = r#"(
    schema: 1, name: "crash", seed: 5, machine: (cores: 2),
    workload: (
        arrivals: Poisson(rate: "15/s", count: 30),
        faults: [Crash(at: "1s", worker: 0)],
        tasks: [(name: "call", steps: [Io("40ms"), Cpu("200us")])],
    ),
)"#;

/// Counts of a forecast: completed, and failed or lost.
fn forecast(strategy: &str) -> (Outcome, (u64, u64)) {
    let scenario = scenario(CRASH);
    let plans = plans(&scenario, &[strategy]);
    let profile = pchsim::profiles::find("cpython-3.14").unwrap();
    let input = SimInput {
        machine: &machine::machine(2, 14),
        profile: &profile,
        workload: &plans.workload,
        strategy: &plans.planned[0].strategy,
        compiled: None,
        seed: scenario.seed,
        replication: 0,
        warmup: pchsim::engine::Nanos::ZERO,
        horizon: None,
        keep_latencies: true,
        windows: None,
        max_events: 10_000_000,
    };
    let o = simulate(&input).unwrap();
    let counts = (o.completed, o.failed + o.lost);
    (o, counts)
}

/// As many tasks fail or are lost of real programs as of the forecast: all from the crash on with an executor, one with a `Pool`.
#[test]
fn real_workers_take_as_much_with_them() {
    for strategy in [
        "processes:2:fork",
        "asyncio+processes:2:fork",
        "pool:2:fork",
    ] {
        let (o, (done, gone)) = forecast(strategy);
        assert!(gone > 0 && done > 10, "{strategy}: {done}, {gone}");
        let pools = strategy.starts_with("pool");
        let told = o.findings.iter().any(|f| match f {
            Finding::LostTasks { .. } => pools,
            Finding::BrokenPool { .. } => !pools,
            _ => false,
        });
        assert!(told, "{strategy}: {:?}", o.findings);
        for (label, said) in said(&plans(&scenario(CRASH), &[strategy])) {
            let failed = said["failed"].as_u64().unwrap();
            let (all, ended) = completed(&said);
            assert_eq!(
                (all, ended as u64, failed),
                (30, done, gone),
                "{label}: {said}"
            );
        }
    }
}

/// What cannot be run says why.
#[test]
fn other_crashes_are_not_run() {
    let batch = CRASH.replace("Poisson(rate: \"15/s\", count: 30)", "Batch");
    for (text, strategy, why) in [
        (CRASH, "threads:2", "ends the only process"),
        (CRASH, "prefork:2(threads:2)", "nobody starts a copy"),
        (CRASH, "hypercorn:2", "ends all of hypercorn 0.18.0"),
        (CRASH, "uvicorn:1", "ends the only process"),
        (&*batch, "pool:2:fork", "`map` raises"),
    ] {
        let plans = plans(&scenario(text), &[strategy]);
        assert!(plans.left_out[0].why.contains(why), "{:?}", plans.left_out);
    }
    let down = CRASH
        .replace(
            "Crash(at: \"1s\", worker: 0)",
            "Down(device: \"d\", at: \"1s\", lasts: \"1s\")",
        )
        .replace("faults:", "devices: {\"d\": Station(servers: 1)}, faults:");
    let plans = plans(&scenario(&down), &["threads:2"]);
    assert!(
        plans.left_out[0].why.contains("not what goes wrong"),
        "{:?}",
        plans.left_out
    );
}

#[test]
fn programs_that_crash_read_well() {
    let program = program(&scenario(CRASH), "pool:2:fork");
    let (_, kills) = program.text.split_once("# ---------------------------------------------------------------------------- what goes wrong").unwrap();
    let (kills, _) = kills.split_once("# ------").unwrap();
    assert!(
        kills.contains("        (1, 0, ") && kills.contains("os.kill("),
        "{kills}"
    );
}

/// Applications of servers say which worker answers, where one is killed; whoever asks kills them, and the application does not.
#[test]
fn applications_say_who_answers_where_a_worker_is_killed() {
    for (strategy, said) in [
        ("uvicorn:2", "(b\"x-worker\", b\"%d\" % os.getpid())"),
        ("gunicorn:2:gthread:4", "(\"X-Worker\", str(os.getpid()))"),
    ] {
        let text = program(&scenario(CRASH), strategy).text;
        assert!(text.contains(said) && !text.contains("os.kill("), "{text}");
        let calm = CRASH.replace("faults: [Crash(at: \"1s\", worker: 0)],", "");
        let text = program(&scenario(&calm), strategy).text;
        assert!(!text.contains(said), "{text}");
    }
}
