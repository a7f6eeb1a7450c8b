//! `pchsim verify`: programs made from scenarios, run for real where a Python is at hand, and held against the forecast.

mod crashes;
mod devices;
mod pools;
mod resources;
mod retries;
mod rounds;
mod servers;

use std::fs;
use std::path::{Path, PathBuf};

use predicates::prelude::*;
use serde_json::Value;

use pchsim::engine::Nanos;
use pchsim::host;
use pchsim::scenario::{Scenario, Strategy, Workers};
use pchsim::strategy::{SimInput, simulate_demands_of};
use pchsim::syntax::{embedded, load, parse, parse_strategy};
use pchsim::verify::{
    GeneratedProgram, Plans, Request, fit, machine, prepare, simulate_same_demands,
};

use crate::world::{self, pchsim, tool};

/// Every family of strategies, and each way in which programs differ.
const STRATEGIES: &[&str] = &[
    "sequential",
    "threads",
    "threads:8",
    "threads:per-task",
    "processes:2:fork",
    "processes:spawn",
    "processes:2:forkserver",
    "pool:2:fork",
    "pool:2:spawn:3",
    "interpreters:2",
    "asyncio",
    "asyncio:3",
    "asyncio+threads:3",
    "asyncio:4+processes:2:fork",
    "asyncio+interpreters:2",
    "prefork:2(asyncio)",
    "prefork:2(threads:6)",
    "prefork:2(asyncio+threads:2)",
];

fn scenario(text: &str) -> Scenario {
    parse(text, Path::new("test.ron"), &[]).unwrap_or_else(|d| panic!("{d:?}"))
}

fn plans(scenario: &Scenario, strategies: &[&str]) -> Plans {
    let mut scenario = scenario.clone();
    scenario.strategies = strategies
        .iter()
        .map(|s| parse_strategy(s).unwrap())
        .collect();
    let profile = pchsim::profiles::find("cpython-3.14").unwrap();
    let machine = machine::machine(2, 14);
    let request = Request {
        scenario: &scenario,
        interpreter: None,
        profile: &profile,
        machine: &machine,
        cores: None,
        scale: 1.0,
        command: "pchsim verify test.ron --emit DIR",
    };
    prepare(&request, &simulate_same_demands).unwrap()
}

fn program(scenario: &Scenario, strategy: &str) -> GeneratedProgram {
    let mut plans = plans(scenario, &[strategy]);
    assert!(plans.left_out.is_empty(), "{:?}", plans.left_out);
    plans.planned.remove(0).program
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skipped() {
    eprintln!("skipped: no Python on this machine");
}

/// The Pythons here, one a version: on some machines none.
fn pythons() -> Vec<host::Interpreter> {
    let (all, _) = host::discover();
    let mut one_each: Vec<host::Interpreter> = Vec::new();
    for python in all {
        if !one_each.iter().any(|p| p.tag() == python.tag()) {
            one_each.push(python);
        }
    }
    if one_each.is_empty() {
        skipped();
    }
    one_each
}

fn python() -> Option<PathBuf> {
    world::python().map(|python| python.path)
}

const EVERY_STEP: &str = r#"(
    schema: 1,
    name: "every step",
    machine: (cores: 2),
    workload: (
        arrivals: Batch,
        tasks: [
            (name: "long one", count: 4, interleave: true, steps: [
                PayloadIn("30kB"), ObjectsIn(10), Cpu("1ms"), Io(Exponential("2ms")), Native("1ms"), Native(time: "2ms", threads: 2),
                Repeat(2, [Cpu(Normal("500us", "100us")), Io("1ms")]),
                Lock("waits", [Cpu("200us"), Io("500us")]),
                Acquire("short"), Cpu("100us"), Release("short"),
                Cpu(time: "600us", releases: 60), Cpu(time: Exponential("400us"), releases: 4, released: "2us"),
                Shared(object: "state", count: 50), Shared(object: "state", count: 50, write: true),
                Shared(object: "fixed", count: 50), Shared(object: "class", count: 50),
                FanOut(2, [Cpu(Exponential("300us")), Io("1ms")]),
                FanOut(count: 3, need: 2, steps: [Cpu(Exponential("300us")), Io(Exponential("1ms"))]),
                Allocate(500), Leak("5kB"),
                Hold("100kB", [Cpu("300us")]), Hold("100kB", [Io("1ms")]),
                Hold(Uniform("50kB", "100kB"), [Cpu("300us")]),
                PayloadOut("10kB"), ObjectsOut(5),
            ]),
            (name: "class", count: 4, interleave: true, steps: [
                Retry(attempts: 3, backoff: "1ms", steps: [Cpu("300us"), Fail("40%"), Cpu(Exponential("300us"))]),
                Lock("shared", [Cpu("100us")]),
                Timeout("2s", [Retry(attempts: 2, backoff: "1ms", steps: [Timeout("2ms", [Io(Uniform("1ms", "3ms"))])])]),
            ]),
        ],
        locks: {"waits": (shared: false), "short": (shared: false), "shared": (shared: true)},
        objects: {"state": (), "fixed": (kind: Immortal), "class": (kind: PerThread)},
        imports: (time: "5ms", memory: "2MB", objects: 1000),
    ),
)"#;

#[test]
fn programs_read_well() {
    let every = scenario(EVERY_STEP);
    for strategy in ["threads:8", "asyncio+processes:2:fork", "asyncio"] {
        let program = program(&every, strategy);
        let text = program.text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::with_settings!({omit_expression => true}, {
            insta::assert_snapshot!(format!("program_{}", program.stem), text);
        });
    }
}

/// Nothing in a program turns tasks away, gives them up from outside, or drops what was put.
#[test]
fn policies_are_left_out_with_the_reason() {
    for (policy, why) in [
        ("admission: (limit: 3)", "`admission`"),
        ("client: (timeout: \"1s\")", "`client`"),
        (
            "queues: {\"q\": (capacity: 1, full: Reject)}",
            "queue \"q\" refuses",
        ),
    ] {
        let text = format!(
            r#"(schema: 1, name: "policy", workload: (arrivals: Poisson(rate: "20/s", count: 10), {policy},
                tasks: [(name: "a", steps: [Io("1ms"), {}])]))"#,
            if policy.starts_with("queues") {
                "Put(\"q\"), Get(\"q\")"
            } else {
                ""
            },
        );
        let plans = plans(&scenario(&text), &["threads:2", "asyncio", "uvicorn:1"]);
        assert!(plans.planned.is_empty(), "{policy}");
        for left_out in &plans.left_out {
            let said = left_out.why.contains(why);
            assert!(
                said || left_out.label == "uvicorn:1",
                "{policy}: {}",
                left_out.why
            );
        }
    }
}

#[test]
fn every_program_compiles_on_every_python() {
    let dir = tempfile::tempdir().unwrap();
    let mut scenarios: Vec<(String, Scenario)> = embedded::ALL
        .iter()
        .map(|e| (e.name.to_owned(), load(e.name, &[]).unwrap()))
        .collect();
    scenarios.push(("every".into(), scenario(EVERY_STEP)));
    let mut programs = 0;
    for (name, scenario) in &scenarios {
        // Their tables are the same for every strategy of a kind, and no Python looks at them here.
        let plans = plans(scenario, STRATEGIES);
        for left_out in &plans.left_out {
            let reasons = [
                "queue",
                "would have to be shared by sub-interpreters",
                "share the device",
                "not what goes wrong with them",
                "ends the only process",
                "nobody starts a copy of a program again",
                "a `Pause` of its `faults` is not run",
                "are opened at a device",
                "ends the event loop that awaits",
                "which verify does not run",
                "programs are not verified under a `Restart`",
            ];
            assert!(
                reasons.iter().any(|r| left_out.why.contains(r)),
                "{name}: {}: {}",
                left_out.label,
                left_out.why
            );
        }
        for planned in &plans.planned {
            let file = format!("{name}__{}.py", planned.program.stem);
            fs::write(dir.path().join(file), &planned.program.text).unwrap();
            programs += 1;
        }
    }
    assert!(programs > scenarios.len() * 10, "{programs}");
    for python in pythons() {
        let compiled = tool(&python.path, dir.path())
            .args(["-W", "error", "-m", "compileall", "-q", "-f"])
            .arg(dir.path())
            .output()
            .unwrap();
        assert!(
            compiled.status.success(),
            "CPython {}: {}",
            python.version,
            String::from_utf8_lossy(&compiled.stdout)
        );
    }
}

/// Runs the programs that the first Python here can run: each strategy, and what its program says; nothing where there is no Python.
fn said(plans: &Plans) -> Vec<(&str, Value)> {
    let Some(python) = world::python() else {
        return Vec::new();
    };
    let dir = tempfile::tempdir().unwrap();
    let can = |label: &str| !label.contains("interpreters") || python.interpreters;
    let planned = plans.planned.iter().filter(|p| can(&p.label));
    planned
        .map(|planned| {
            let program = &planned.program;
            for (name, text) in program.files() {
                fs::write(dir.path().join(name), text).unwrap();
            }
            let mut what = host::Invocation::new(&python.path);
            what.args = vec![format!("{}.py", program.stem).into()];
            what.dir = Some(dir.path());
            let mut lines = Vec::new();
            let ran = host::run(&what, &mut |line| lines.push(line.to_owned())).unwrap();
            assert!(ran.succeeded(), "{}: {ran:?}", planned.label);
            assert_eq!(lines.len(), 1, "{}: {lines:?}", planned.label);
            (
                planned.label.as_str(),
                serde_json::from_str(&lines[0]).unwrap(),
            )
        })
        .collect()
}

/// How many tasks a program says there were, and how many of them completed.
fn completed(said: &Value) -> (usize, usize) {
    let latencies = said["latencies_s"].as_array().unwrap();
    let ended = latencies.iter().filter(|l| !l.is_null()).count();
    (latencies.len(), ended)
}

/// Every step under every strategy that this Python has: all tasks end, and nothing is printed but the results.
#[test]
fn every_program_runs() {
    for (label, said) in said(&plans(&scenario(EVERY_STEP), STRATEGIES)) {
        let (tasks, ended) = completed(&said);
        let lost = said["failed"].as_u64().unwrap() + said["timed_out"].as_u64().unwrap();
        assert_eq!((tasks, ended as u64 + lost), (8, 8), "{label}");
        assert!(ended >= 2, "{label}: {said}");
    }
}

/// What a task of [`DRAWN`] takes if nothing is in its way, in seconds; `None`: it fails or is given up.
fn alone(kind: &str, draws: &Value) -> Option<f64> {
    let all = |place: usize| draws[place].as_array().unwrap();
    let number = |place: usize, use_: usize| all(place)[use_].as_f64().unwrap();
    if kind == "b" {
        let waited = number(0, 0);
        return (waited < 0.003).then(|| waited + number(1, 0) / 1e3);
    }
    // The first fan-out's children, each with what it draws at its one place.
    let children = all(2)[0].as_array().unwrap().iter();
    let children = children.map(|c| c[0][0].as_f64().unwrap());
    let before = number(0, 0) / 1e3 + number(1, 0) + 0.001 + children.fold(0.0, f64::max);
    let mut tried = 0.0;
    for attempt in 0..3 {
        tried += number(3, attempt);
        if number(4, attempt) == 0.0 {
            return Some(before + tried + number(5, 0) / 1e3);
        }
        tried += 0.001 * f64::from(1 << attempt);
    }
    None
}

const DRAWN: &str = r#"(
    schema: 1, name: "drawn", seed: 5,
    workload: (
        arrivals: Poisson(rate: 50, count: 100),
        tasks: [
            (name: "a", weight: 2, steps: [
                Cpu(Exponential("3ms")), Io(LogNormal(median: "2ms", p99: "9ms")), Cpu("1ms"),
                FanOut(2, [Io(Gamma(mean: "1ms", cv: 0.5))]),
                Retry(attempts: 3, backoff: "1ms", steps: [Io(Uniform("1ms", "2ms")), Fail("50%"), Native(Exponential("1ms"))]),
            ]),
            (name: "b", steps: [Timeout("3ms", [Io(Exponential("3ms"))]), Cpu(Normal("1ms", "200us"))]),
        ],
    ),
)"#;

/// Without overheads, and with a core for everybody, a task takes what it asks for: so the numbers that a program carries
/// are those that the simulator draws.
#[test]
fn programs_get_the_simulators_random_numbers() {
    let scenario = scenario(DRAWN);
    let program = program(&scenario, "threads:per-task");
    let data: Value = serde_json::from_str(program.data.as_deref().unwrap()).unwrap();
    let rows = data["tasks"].as_array().unwrap();
    let expected: Vec<f64> = rows
        .iter()
        .filter_map(|row| alone(row[1].as_str().unwrap(), &row[2]))
        .collect();
    let (mut workload, _) = fit(&scenario, 1.0).unwrap();
    // The simulator counts a draw for each overshoot: here they are next to nothing.
    workload.cpu_grain = Nanos(1);
    let (machine, profile) = (crate::common::machine(64), crate::common::profile(false));
    let outcome = simulate_demands_of(
        &SimInput {
            machine: &machine,
            profile: &profile,
            workload: &workload,
            strategy: &Strategy::Threads(Workers::PerTask),
            compiled: None,
            seed: 5,
            replication: 3,
            warmup: Nanos::ZERO,
            horizon: None,
            keep_latencies: true,
            windows: None,
            max_events: 1_000_000,
        },
        0,
    )
    .unwrap();
    assert_eq!(outcome.latencies.len(), expected.len());
    assert!(outcome.failed > 2 && outcome.timed_out > 2 && expected.len() > 50);
    for (number, (simulated, expected)) in outcome.latencies.iter().zip(&expected).enumerate() {
        let off = simulated.as_secs_f64() - expected;
        assert!(
            off.abs() < 1e-7,
            "task {number}: {simulated:?}, not {expected} s"
        );
    }
}

const SMALL: &str = r#"(
    schema: 1,
    name: "small",
    workload: (
        arrivals: Batch,
        tasks: [(name: "task", count: 6, steps: [Io("20ms"), Cpu("15ms")])],
    ),
    strategies: [Sequential, Threads(workers: 6), Asyncio()],
)"#;

fn write_scenario(dir: &Path, text: &str) -> String {
    let file = dir.join("scenario.ron");
    fs::write(&file, text).unwrap();
    file.to_string_lossy().into_owned()
}

#[test]
fn a_small_scenario_is_verified() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = write_scenario(dir.path(), SMALL);
    let run = pchsim()
        .args([
            "verify", &file, "--runs", "1", "--format", "json", "--python",
        ])
        .arg(&python)
        .assert()
        .code(0)
        .stderr(predicate::str::contains("3 programs"));
    let v: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    let strategies = v["strategies"].as_array().unwrap();
    assert_eq!(strategies.len(), 3, "{v:#}");
    for s in strategies {
        let name = s["strategy"].as_str().unwrap();
        let makespan = s["makespan"]["measured"].as_f64().unwrap();
        // 90 ms of CPU on the GIL, and 20 or 120 ms of sleeping; a busy machine only makes it longer.
        let least = if name == "sequential" { 0.209 } else { 0.109 };
        assert!(makespan > least && makespan < 10.0, "{name}: {makespan}");
        let forecast = s["makespan"]["forecast"].as_f64().unwrap();
        assert!(
            forecast > least && forecast < least * 2.5,
            "{name}: {forecast}"
        );
        let cpu = s["cpu"]["measured"].as_f64().unwrap();
        assert!((0.09..1.0).contains(&cpu), "{name}: {cpu}");
        if cfg!(target_os = "linux") {
            let memory = s["memory"]["measured"].as_f64().unwrap();
            assert!((4e6..400e6).contains(&memory), "{name}: {memory}");
        }
        assert_eq!(s["failed"]["measured"], 0.0);
    }
    assert_eq!(v["summary"]["ranking"]["by"], "makespan");
}

#[test]
fn programs_are_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = write_scenario(dir.path(), SMALL);
    let out = dir.path().join("programs");
    let emit = |force: &[&str]| {
        let mut command = pchsim();
        command
            .args(["verify", &file, "--emit"])
            .arg(&out)
            .args(force);
        command.assert()
    };
    let first = emit(&[]).code(0);
    let listed = String::from_utf8_lossy(&first.get_output().stdout).into_owned();
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let mine = out.join("small_threads_6.py");
    assert!(listed.contains(&*mine.to_string_lossy()), "{listed}");
    fs::write(&mine, "mine").unwrap();
    emit(&[])
        .code(2)
        .stderr(predicate::str::contains("--force"));
    assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
    emit(&["--force"]).code(0);
    assert!(
        fs::read_to_string(&mine)
            .unwrap()
            .contains("PUT YOUR OWN FUNCTIONS HERE")
    );
    assert_eq!(
        fs::read_dir(&out).unwrap().count(),
        3,
        "nothing else is left there"
    );
}

#[test]
fn what_cannot_be_verified_is_said() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = write_scenario(dir.path(), SMALL);
    let verify = |more: &[&str]| {
        let mut command = pchsim();
        command
            .args(["verify", &file, "--python"])
            .arg(&python)
            .args(more);
        command.assert()
    };
    verify(&["--set", "workload.tasks[0].steps[0].time=1h"])
        .code(2)
        .stdout("")
        .stderr(predicate::str::contains("--scale 0.00"));
    verify(&["--cores", "4096"])
        .code(2)
        .stderr(predicate::str::contains("--cores 4096 is more than"));
    verify(&["--scale", "0"]).code(2).stdout("");
    verify(&["--limit", "soon"]).code(2).stdout("");
    // A task that waits for what only a later one puts never ends: it is not even begun.
    let stuck = SMALL.replace(
        "Cpu(\"15ms\")])]",
        "Get(\"q\")]), (name: \"put\", steps: [Put(\"q\")])], queues: [\"q\"]",
    );
    fs::write(&file, stuck).unwrap();
    verify(&["--strategy", "sequential"])
        .code(1)
        .stdout(predicate::str::contains(
            "Not verified: sequential: it deadlocks",
        ));
}

/// A Python that answers what it is, and then misbehaves.
#[cfg(unix)]
fn false_python(dir: &Path, name: &str, program: &str) -> Option<PathBuf> {
    let real = python()?;
    let file = dir.join(name);
    let text = format!(
        "#!/bin/sh\nfor last; do :; done\ncase \"$last\" in\n*.py) {program};;\n*) exec '{}' \"$@\";;\nesac\n",
        real.display()
    );
    world::script(&file, &text);
    Some(file)
}

#[cfg(unix)]
#[test]
fn runs_that_go_wrong_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = write_scenario(dir.path(), SMALL);
    let mark = format!("86{}", std::process::id());
    let hang = format!("sleep {mark} & sleep {mark}");
    let nonsense = "echo '{\"pchsim\": 1, \"makespan_s\": -1}'";
    for (name, program, said) in [
        (
            "hang",
            hang.as_str(),
            "ended after 1s, with all its processes",
        ),
        (
            "crash",
            "echo 'Traceback: no such thing' >&2; exit 3",
            "no such thing",
        ),
        ("killed", "kill -9 $$", "signal 9"),
        ("silent", "exit 0", "no line of results"),
        ("nonsense", nonsense, "its answer cannot be used"),
    ] {
        let Some(python) = false_python(dir.path(), name, program) else {
            return;
        };
        pchsim()
            .args([
                "verify",
                &file,
                "--strategy",
                "threads:2",
                "--limit",
                "1s",
                "--python",
            ])
            .arg(&python)
            .assert()
            .code(1)
            .stdout(predicate::str::contains(said));
    }
    let ps = tool("ps", dir.path()).args(["-eo", "args"]).output();
    if let Ok(ps) = ps {
        assert!(!String::from_utf8_lossy(&ps.stdout).contains(&format!("sleep {mark}")));
    }
}

/// Programs that run with these strategies, and what they say.
fn runs(text: &str, strategies: &[&str]) -> Vec<(String, Value)> {
    let plans = plans(&scenario(text), strategies);
    assert!(plans.left_out.is_empty(), "{:?}", plans.left_out.len());
    let said = said(&plans);
    said.into_iter()
        .map(|(label, said)| (label.to_owned(), said))
        .collect()
}

/// One semaphore for all processes, however they are started: whatever is done with it is done by one at a time.
#[test]
fn processes_share_a_semaphore() {
    let text = r#"(
        schema: 1, name: "gate", machine: (cores: 2),
        workload: (
            arrivals: Batch,
            tasks: [(name: "t", count: 6, steps: [Use("gate", [Io("50ms")])])],
            resources: {"gate": Semaphore(count: 1, per: Everywhere)},
        ),
    )"#;
    let strategies = [
        "processes:3:fork",
        "processes:3:spawn",
        "pool:3:forkserver",
        "prefork:3(sequential)",
        "prefork:2(processes:2:fork)",
    ];
    for (label, said) in runs(text, &strategies) {
        assert_eq!(completed(&said), (6, 6), "{label}");
        let makespan = said["makespan_s"].as_f64().unwrap();
        assert!(makespan >= 6.0 * 0.05, "{label}: {makespan}");
    }
}

/// The first of several, and chunks, as the real ones have them: a machine that is busy only makes it longer.
#[test]
fn programs_go_on_with_the_first_of_several() {
    let text = r#"(
        schema: 1, name: "first", machine: (cores: 2),
        workload: (
            arrivals: Batch,
            tasks: [
                (name: "one", count: 2, steps: [FanOut(count: 4, need: 1, steps: [Lock("turn", [Io("200ms")])])]),
                (name: "none", count: 1, steps: [FanOut(count: 3, need: 2, steps: [Io("20ms"), Fail(1.0)])]),
            ],
            locks: ["turn"],
        ),
    )"#;
    let strategies = [
        "asyncio",
        "asyncio+threads:4",
        "threads:16",
        "threads:per-task",
        "sequential",
        "processes:2:fork:2",
        "pool:2:fork",
    ];
    for (label, said) in runs(text, &strategies) {
        assert_eq!(said["failed"], 1, "{label}: {said}");
        assert_eq!(completed(&said), (3, 2), "{label}");
        let makespan = said["makespan_s"].as_f64().unwrap();
        assert!(makespan >= 0.2, "{label}: {makespan}");
        // Threads that nobody awaits have the lock in their turn; the program's end waits for them, the tasks do not.
        let closed = said["closed_s"].as_f64().unwrap();
        if label.starts_with("threads:per") {
            assert!(closed >= 8.0 * 0.2, "{label}: {closed}");
        }
    }
}
