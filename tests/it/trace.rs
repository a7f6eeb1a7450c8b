//! Recordings and the traces made of them: in order, complete, and in agreement with the forecast.

mod parse;

use std::io::Read;

use pchsim::cpython::profile::Profile;
use pchsim::cpython::recording::{RecordOptions, Recording, TapeState};
use pchsim::engine::Nanos;
use pchsim::profiles;
use pchsim::scenario::{Arrivals, MachineSpec, Step, StrategyCase};
use pchsim::strategy::{Cause, Outcome, SimInput, check_recording, course, record};
use pchsim::study::cases;
use pchsim::syntax::{load, parse_strategy};
use pchsim::traces::{TraceCase, TraceMeta, trace};
use serde_json::Value;

use crate::common::{Case, class, cpu, io, machine, ms, profile, shipped_files, workload};
use crate::world::{World, told};
use parse::Trace;

const WHOLE: RecordOptions = RecordOptions {
    window: (Nanos::ZERO, Nanos::MAX),
    most_spans: usize::MAX,
};

fn write(recording: &Recording, outcome: &Outcome, gil: bool) -> Vec<u8> {
    let case = TraceCase {
        name: "the case",
        gil,
        recording,
        findings: &outcome.findings,
    };
    let meta = TraceMeta {
        scenario: "test".into(),
        cases: vec!["the case".into()],
        seed: 1,
        replication: 0,
        version: "0.1.0".into(),
        command: "pchsim run test --trace out.json --seed 1".into(),
    };
    let mut out = Vec::new();
    let events = trace(&[case], &meta, &mut out).expect("memory takes everything");
    assert_eq!(
        events as usize,
        out.split_inclusive(|&b| b == b'\n').count() - 2
    );
    out
}

/// The trace's time by cause is the outcome's.
fn same_causes(trace: &Trace, outcome: &Outcome) {
    for cause in Cause::ALL {
        let drawn = trace.causes.get(cause.name()).copied().unwrap_or(0);
        assert_eq!(
            u128::from(drawn),
            outcome.causes[cause as usize].0,
            "{}",
            cause.name()
        );
    }
}

/// Every shipped scenario under each of its strategies: the first events of each run, whole where that is all of it.
#[test]
fn traces_of_all_scenarios_are_in_order_and_add_up() {
    let mut whole = 0;
    let files = shipped_files();
    assert!(files.len() >= 20);
    for file in files {
        let name = file.file_stem().and_then(|s| s.to_str()).expect("a name");
        let scenario = load(name, &[]).expect("a shipped scenario");
        let profiles: Vec<Profile> = scenario
            .interpreters
            .iter()
            .map(|n| profiles::find(n).expect("a shipped profile"))
            .collect();
        for case in cases(&scenario, &profiles).expect("its own strategies") {
            let profile = &profiles[case.profile];
            let input = SimInput {
                machine: &profile.machine(&scenario.machine),
                profile,
                workload: &scenario.workload,
                strategy: &case.strategy,
                compiled: None,
                seed: scenario.seed,
                replication: 0,
                warmup: scenario.warmup.unwrap_or_default(),
                horizon: scenario.horizon,
                keep_latencies: false,
                windows: None,
                max_events: 3_000,
            };
            let Ok((outcome, recording)) = record(&input, WHOLE) else {
                continue; // Not on this interpreter.
            };
            check_recording(&input, &outcome, &recording)
                .unwrap_or_else(|e| panic!("{name}, {:?}: {e}", case.strategy));
            let read = parse::read(&write(&recording, &outcome, profile.gil));
            same_causes(&read, &outcome);
            assert!(!read.rows.is_empty() && read.counters["run queue"] > 0);
            whole += u32::from(outcome.findings.is_empty());
            // A window of it.
            let (from, to) = (outcome.end.scale(0.4), outcome.end.scale(0.6));
            let options = RecordOptions {
                window: (from, to),
                ..WHOLE
            };
            let (again, part) = record(&input, options).expect("as before");
            assert_eq!(again.causes, outcome.causes);
            assert_eq!((again.end, again.events), (outcome.end, outcome.events));
            let inside = |a: Nanos, b: Nanos| from <= a && a < b && b <= to;
            assert!(part.spans.iter().all(|s| inside(s.from, s.to)));
            assert!(part.waits.iter().all(|w| inside(w.from, w.to)));
            assert!(part.gil_holds.iter().all(|h| inside(h.from, h.to)));
            parse::read(&write(&part, &outcome, profile.gil));
        }
    }
    assert!(
        whole >= 20,
        "{whole} runs are over before their limit of events"
    );
}

/// Three tasks, with a payload where it travels.
fn tiny(strategy: &str) -> Case {
    let steps = vec![
        Step::PayloadIn(2_000),
        cpu(ms(8)),
        io(ms(3)),
        cpu(ms(1)),
        Step::PayloadOut(500),
    ];
    let StrategyCase { strategy, .. } = parse_strategy(strategy).expect("a strategy");
    Case::new(
        MachineSpec::with_cores(2),
        Profile::default(),
        workload(Arrivals::Batch, vec![class(3, steps)]),
        strategy,
    )
}

fn recorded(case: &Case, options: RecordOptions) -> (Outcome, Recording) {
    record(&case.input(), options).expect("possible")
}

fn golden(strategy: &str) -> String {
    let (outcome, recording) = recorded(&tiny(strategy), WHOLE);
    String::from_utf8(write(&recording, &outcome, true)).expect("text")
}

/// Without overheads and a GIL, threads do nothing but their steps, each on a core of its own.
#[test]
fn without_overheads_only_steps_are_recorded() {
    let mut case = tiny("threads:3");
    (case.machine, case.profile) = (machine(3), profile(false));
    let alone = case.run();
    let (outcome, recording) = recorded(&case, WHOLE);
    assert_eq!(format!("{alone:?}"), format!("{outcome:?}"));
    let sum = |wanted: &dyn Fn(TapeState) -> bool, cause: Cause| -> Nanos {
        let spans = recording.spans.iter().filter(|s| s.counted);
        let ours = spans.filter(|s| wanted(s.doing) && s.cause == cause);
        ours.map(|s| s.to - s.from).sum()
    };
    assert_eq!(
        sum(&|d| matches!(d, TapeState::OnCore(_)), Cause::Running),
        ms(27)
    );
    assert_eq!(sum(&|d| d == TapeState::Blocked, Cause::Io), ms(9));
    assert!(recording.gil_holds.is_empty() && outcome.end == ms(12));
}

#[test]
fn trace_of_threads() {
    insta::assert_snapshot!(golden("threads:2"));
}

#[test]
fn trace_of_asyncio() {
    insta::assert_snapshot!(golden("asyncio"));
}

#[test]
fn trace_of_processes() {
    insta::assert_snapshot!(golden("processes:2:fork"));
}

#[test]
fn processes_and_threads_have_pythons_names() {
    let names = |strategy: &str| {
        let (outcome, recording) = recorded(&tiny(strategy), WHOLE);
        let t = parse::read(&write(&recording, &outcome, true));
        let mut all: Vec<String> = t.processes.values().cloned().collect();
        all.extend(t.tracks.values().map(|t| t.name.clone()));
        all
    };
    for (strategy, expected) in [
        (
            "sequential",
            &["MainProcess", "MainThread", "GIL", "core 1"][..],
        ),
        ("threads:per-task", &["Thread-1", "Thread-3"]),
        ("threads:2", &["ThreadPoolExecutor-0_1"]),
        ("asyncio+threads:2", &["asyncio_0"]),
        (
            "processes:2:spawn",
            &["SpawnProcess-1", "resource_tracker", "QueueFeederThread"],
        ),
        (
            "processes:2:forkserver",
            &["ForkServerProcess-2", "forkserver"],
        ),
        (
            "pool:2:fork",
            &["ForkPoolWorker-2", "Thread-3 (_handle_results)"],
        ),
        ("prefork:2(asyncio)", &["ForkProcess-1", "ForkProcess-2"]),
    ] {
        let all = names(strategy);
        for name in expected {
            assert!(
                all.iter().any(|n| n == name),
                "{strategy}: no {name} in {all:?}"
            );
        }
    }
}

/// An arrow leads from the thread that submits to the worker, and over feeder and worker back to the manager.
#[test]
fn arrows_follow_tasks() {
    let arrows = |strategy: &str| {
        let (outcome, recording) = recorded(&tiny(strategy), WHOLE);
        parse::read(&write(&recording, &outcome, true)).arrows
    };
    assert_eq!(arrows("threads:2"), [2, 2, 2]);
    assert_eq!(arrows("processes:2:fork"), [4, 4, 4]);
    assert_eq!(arrows("asyncio"), [0; 0]);
    assert_eq!(
        arrows("asyncio+threads:2"),
        [5, 5, 5],
        "two parts, there and back each"
    );
}

#[test]
fn recording_stops_where_it_is_full() {
    let case = tiny("threads:2");
    let (outcome, all) = recorded(&case, WHOLE);
    let few = RecordOptions {
        most_spans: 20,
        ..WHOLE
    };
    let (same, some) = recorded(&case, few);
    assert_eq!(format!("{outcome:?}"), format!("{same:?}"));
    let stopped = some.stopped.expect("twenty are few");
    assert!(stopped < all.end && all.stopped.is_none());
    let ends = some
        .spans
        .iter()
        .map(|s| s.to)
        .chain(some.waits.iter().map(|w| w.to));
    assert!(ends.max().expect("some") <= stopped);
    // Besides the twenty: what was under way when they were full.
    let kept = some.spans.len() + some.waits.len() + some.gil_holds.len();
    assert!((20..40).contains(&kept), "{kept}");
    // Up to there it is what a whole recording says.
    for s in &some.spans {
        assert!(
            all.spans.iter().any(|a| a.thread == s.thread
                && a.from == s.from
                && a.to.min(stopped) == s.to
                && (a.doing, a.cause) == (s.doing, s.cause)),
            "{s:?}"
        );
    }
    let read = parse::read(&write(&some, &same, true));
    assert_eq!(read.instants.len(), 1, "{:?}", read.instants);
}

#[test]
fn findings_are_marked() {
    let mut case = tiny("threads:2");
    case.workload.classes[0].steps.push(Step::Get(0));
    let (outcome, recording) = recorded(&case, WHOLE);
    let read = parse::read(&write(&recording, &outcome, true));
    assert_eq!(read.instants, ["deadlock"]);
}

/// The course over time is the same run's, bin by bin.
#[test]
fn the_course_adds_up() {
    for strategy in ["sequential", "threads:2", "asyncio:2", "processes:2:fork"] {
        let case = tiny(strategy);
        let (outcome, o) = course(&case.input()).expect("possible");
        let end = outcome.end.as_f64();
        let area = |values: &[f64]| {
            let mut sum = 0.0;
            for (i, v) in (0_u32..).zip(values) {
                let from = o.bin.as_f64() * f64::from(i);
                sum += v * (o.bin.as_f64().min(end - from));
            }
            sum
        };
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
        assert!(o.memory_mean.len() > 100 && o.memory_mean.len() <= 256);
        assert!(
            near(area(&o.memory_mean) / end, outcome.memory_mean),
            "{strategy}"
        );
        let peak = o.memory_peak.iter().copied().fold(0.0, f64::max);
        assert_eq!(peak, outcome.memory_peak as f64, "{strategy}");
        assert!(
            near(area(&o.utilization) * 2.0, outcome.cpu.as_f64()),
            "{strategy}"
        );
        let latencies = outcome.latencies.iter().copied().sum::<Nanos>();
        assert!(near(area(&o.in_flight), latencies.as_f64()), "{strategy}");
        assert!(
            area(&o.gil_held) <= outcome.gil_held.as_f64() * (1.0 + 1e-9),
            "{strategy}"
        );
        assert!(
            area(&o.run_queue) > 0.0 && area(&o.gil_held) > 0.0,
            "{strategy}"
        );
    }
}

/// What a user does: a run with its result as JSON and its trace. They tell the same shares.
#[test]
fn a_trace_agrees_with_the_forecast_beside_it() {
    let world = World::new();
    for (scenario, strategy) in [
        ("scraper", "threads:8"),
        ("agents", "asyncio"),
        ("images", "processes:2:fork"),
    ] {
        let line = [
            "run",
            scenario,
            "--strategy",
            strategy,
            "--interpreter",
            "cpython-3.14",
            "--replications",
            "1",
            "--format",
            "json",
            "-o",
            "result.json",
            "--trace",
            "trace.json.gz",
            "--force",
        ];
        told(world.command("").args(line), 0);
        let mut json = Vec::new();
        let file = std::fs::File::open(world.path("trace.json.gz")).expect("written");
        flate2::read::GzDecoder::new(file)
            .read_to_end(&mut json)
            .expect("gzip");
        let trace = parse::read(&json);
        let result: Value = serde_json::from_slice(&world.bytes("result.json")).expect("JSON");
        let case = &result["cases"][0];
        assert!(
            case["over_time"]["memory_mean_bytes"]
                .as_array()
                .is_some_and(|a| a.len() > 100)
        );
        assert_eq!(
            trace.other["cases"][0],
            format!("{strategy} on cpython-3.14")
        );
        let all: u64 = trace.causes.values().sum();
        for cause in Cause::ALL {
            let share = trace.causes.get(cause.name()).copied().unwrap_or(0) as f64 / all as f64;
            let forecast = case["time_by_cause"][format!("{}_share", cause.name())]
                .as_f64()
                .expect("a share");
            assert!(
                (share - forecast).abs() < 1e-6,
                "{scenario}, {}: {share} and {forecast}",
                cause.name()
            );
        }
        assert_eq!(
            std::fs::read_dir(world.dir()).expect("readable").count(),
            2,
            "nothing half-written"
        );
    }
}

#[test]
fn what_is_traced_can_be_chosen() {
    let world = World::new();
    let run = |more: &[&str], code| {
        let mut command = world.command("run agents --replications 1 --trace t.json");
        told(command.args(more), code).err
    };
    let notes = run(&["--trace-window", "0s..100ms"], 0);
    assert!(notes.contains("the trace is of the best, "), "{notes}");
    let refusal = run(&[], 2);
    assert!(
        refusal.contains("t.json exists") && refusal.contains("--force"),
        "{refusal}"
    );
    let two = [
        "--force",
        "--trace-strategy",
        "asyncio",
        "--trace-strategy",
        "sequential",
    ];
    run(&two, 0);
    let read = parse::read(&world.bytes("t.json"));
    let of = |name: &str| {
        read.processes
            .values()
            .filter(|p| p.starts_with(name))
            .count()
    };
    assert_eq!(
        (of("asyncio on"), of("sequential on")),
        (3, 3),
        "{:?}",
        read.processes
    );
    for (line, expected) in [
        (
            &["--force", "--trace-strategy", "pool:3:fork"][..],
            "not among what is compared",
        ),
        (
            &["--force", "--trace-window", "2s"],
            "expected two times with two dots between them",
        ),
        (&["--force", "--trace-window", "5h..6h"], "is over at"),
    ] {
        let refusal = run(line, 2);
        assert!(refusal.contains(expected), "{refusal}");
    }
}
