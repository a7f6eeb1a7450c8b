//! Golden files of every output format, from a study made by hand: what changes in a report shows here.

use pchsim::cpython::WaitReason;
use pchsim::cpython::profile::{Build, MachineFacts, Profile, Provenance, Tag};
use pchsim::engine::Nanos;
use pchsim::layout::Style;
use pchsim::measure::Estimate;
use pchsim::quantity::{LATENCIES, Quantity, Unit};
use pchsim::report::{csv, markdown, text};
use pchsim::result::{
    ClassForecast, CountedFinding, CountingStart, Forecast, ForecastDetail, Generator,
    InterpreterInfo, Judgement, MachineInfo, Notice, Ranked, ScenarioName, SpeedupVerdict, Status,
    Study, Tier, Verdict, json,
};
use pchsim::scenario::{MachineSpec, Metric};
use pchsim::strategy::{CAUSES, Finding};
use pchsim::study::{
    Back, Broken, Contended, Convoy, Crashed, FullQueue, GilContentionCost, KilledForMemory,
    KilledWorkers, Lost, Missed, Oversubscription, Rejected, Relief, Restarted, Scarce, Slowed,
    UnfinishedTasks, Warning,
};

fn estimate(mean: f64, half: f64) -> Estimate {
    Estimate::new(mean, Some(half), mean * 0.99, 10)
}

/// A forecast whose other numbers follow from its makespan.
fn forecast(label: &str, interpreter: &str, makespan: f64, half: f64) -> Forecast {
    let values = Quantity::ALL.map(|q| {
        let e = match q {
            Quantity::Makespan | Quantity::Closed | Quantity::Max => estimate(makespan, half),
            Quantity::Throughput => estimate(100.0 / makespan, 100.0 / makespan * 0.001),
            Quantity::P50 => estimate(makespan * 0.5, half),
            Quantity::P99 => estimate(makespan * 0.99, half),
            Quantity::Cpu => estimate(50.25, 0.01),
            Quantity::MemoryPeak => estimate(52_428_800.0 * (1.0 + 10.0 / makespan), 1_000.0),
            q if q.unit() == Unit::Share => estimate(0.25, 0.0),
            q if q.unit() == Unit::Seconds => estimate(makespan * 0.9, half),
            _ => estimate(100.0, 0.0),
        };
        Some(e)
    });
    let mut causes = [0.0; CAUSES];
    (causes[0], causes[2], causes[4], causes[8]) = (0.2, 0.5, 0.26, 0.04);
    let speedup = 150.0 / makespan;
    Forecast {
        strategy: label.into(),
        interpreter: interpreter.into(),
        status: Status::Fine,
        replications: 10,
        rank: None,
        tied: false,
        tier: if makespan < 20.0 {
            Tier::Meets
        } else {
            Tier::Misses
        },
        excess: (makespan / 20.0 - 1.0).max(0.0),
        added: false,
        warmup: Nanos::ZERO,
        begins: CountingStart::Whole,
        paired: true,
        values,
        classes: vec![
            ClassForecast {
                name: "page".into(),
                latencies: [Some(estimate(makespan * 0.4, half)); LATENCIES.len()],
            },
            ClassForecast {
                name: "image".into(),
                latencies: [None; LATENCIES.len()],
            },
        ],
        causes,
        children: None,
        cores: vec![0.25; 4],
        ranked: Ranked {
            unit: Unit::Seconds,
            value: Some(estimate(makespan, half)),
            behind_best: None,
        },
        speedup: Some(estimate(speedup, speedup * 0.02)),
        reading: Some(SpeedupVerdict::of(speedup)),
        objectives: vec![
            Judgement {
                text: "makespan < 20s".into(),
                verdict: if makespan < 20.0 {
                    Verdict::Met
                } else {
                    Verdict::Missed
                },
                value: Some(estimate(makespan, half)),
                bound: 20.0,
                recovery: None,
            },
            Judgement {
                text: "memory < 100MiB".into(),
                verdict: Verdict::Undecided,
                value: Some(estimate(104_857_600.0, 1_000.0)),
                bound: 104_857_600.0,
                recovery: None,
            },
        ],
        findings: Vec::new(),
        events: 12_345,
        detail: ForecastDetail::default(),
        refusal: None,
    }
}

fn refused() -> Forecast {
    let mut f = forecast("interpreters", "cpython-3.13t", 1.0, 0.0);
    f.status = Status::Unsupported;
    f.refusal = Some("sub-interpreters need 3.14".into());
    f.values = [None; Quantity::COUNT];
    f.classes
        .iter_mut()
        .for_each(|c| c.latencies = [None; LATENCIES.len()]);
    f.causes = [0.0; CAUSES];
    f.cores = Vec::new();
    (f.ranked.value, f.speedup, f.reading) = (None, None, None);
    (f.replications, f.events) = (0, 0);
    (f.tier, f.excess) = (Tier::NoForecast, f64::INFINITY);
    f.objectives
        .iter_mut()
        .for_each(|o| (o.verdict, o.value) = (Verdict::Missed, None));
    f
}

fn measured() -> InterpreterInfo {
    let mut profile = Profile {
        name: "cpython-3.14".into(),
        origin: "measured here".into(),
        provenance: Some(Provenance {
            date: "2026-11-23".into(),
            build: Build {
                compiler: "GCC 12.2.0".into(),
                pgo: Some(true),
                lto: None,
                debug: false,
            },
            machine: MachineFacts {
                system: "Linux 6.18 x86_64".into(),
                cpu: "A processor".into(),
                cores: 2,
                loop_ns: 20.0,
                base_slice: Nanos::from_millis(3),
                wake_latency: Vec::new(),
                wake_send: Vec::new(),
                wake_cpu: Vec::new(),
                halted_after: None,
                new_idle: None,
                interference: 0.0,
                pipe_ns_per_byte: 0.1,
                syscall: Nanos(200),
            },
            rounds: 28,
            slowness: 1.21,
        }),
        ..Profile::default()
    };
    profile.tags[0] = Tag::Measured("a loop".into());
    InterpreterInfo::from(&profile)
}

fn batch_study() -> Study {
    let mut a = forecast("asyncio+threads:4", "cpython-3.13t", 12.41, 0.31);
    (a.rank, a.tied) = (Some(1), true);
    let mut b = forecast("threads:100", "cpython-3.13t", 12.44, 0.3);
    (b.rank, b.tied, b.ranked.behind_best) = (Some(1), true, Some(estimate(0.03, 0.05)));
    let mut c = forecast("threads", "cpython-3.14", 51.2, 0.004);
    (c.rank, c.ranked.behind_best) = (Some(3), Some(estimate(38.79, 0.3)));
    let mut d = forecast("sequential", "cpython-3.14", 150.0, 0.01);
    (d.rank, d.ranked.behind_best) = (Some(4), Some(estimate(137.59, 0.3)));
    (d.speedup, d.reading) = (Some(estimate(1.0, 0.0)), Some(SpeedupVerdict::of(1.0)));
    let at = Nanos::from_millis(1_200);
    c.findings = vec![CountedFinding {
        finding: Finding::BlockedLoop {
            at,
            lasted: Nanos::from_millis(512),
        },
        replications: 3,
    }];
    let mut study = Study {
        program: Generator {
            name: "pchsim".into(),
            version: "0.1.0".into(),
        },
        command: "pchsim run scraper --seed 1".into(),
        scenario: ScenarioName {
            name: "scraper".into(),
            question: "How long do 100 pages take?".into(),
            hash: "0123456789abcdef".into(),
        },
        seed: 1,
        machine: MachineInfo {
            cores: vec![1.0; 4],
            memory_limit_bytes: MachineSpec::with_cores(4).memory_limit,
        },
        interpreters: vec![measured()],
        confidence: 0.95,
        precision: 0.02,
        steady: false,
        batch: true,
        warmup: Nanos::ZERO,
        metric: Metric::Makespan,
        baseline: Some("sequential on cpython-3.14".into()),
        taken: None,
        forecasts: vec![a, b, c, d, refused()],
        hidden_baseline: None,
        warnings: [
            Warning::BlockedLoop {
                cases: vec![("threads on cpython-3.14".into(), Nanos::from_millis(512))],
                calls: false,
            },
            Warning::Unsupported {
                cases: vec![(
                    "interpreters on cpython-3.13t".into(),
                    "sub-interpreters need 3.14".into(),
                )],
            },
            Warning::NotConverged {
                cases: vec![("asyncio+threads:4 on cpython-3.13t".into(), 0.025)],
                precision: 0.02,
                needed: 16,
                instead: None,
            },
        ]
        .iter()
        .map(Notice::from)
        .collect(),
    };
    study.taken = study.answer().map(|a| study.named(&a));
    study
}

/// A steady workload on one interpreter, one case saturated.
fn open_study() -> Study {
    let mut a = forecast("asyncio", "cpython-3.14", 0.0125, 0.000_2);
    let mut b = forecast("threads:8", "cpython-3.14", 0.0207, 0.000_9);
    let mut c = forecast("sequential", "cpython-3.14", 1.0, 0.1);
    (a.rank, b.rank) = (Some(1), Some(2));
    b.ranked.behind_best = Some(estimate(0.008_2, 0.000_7));
    for f in [&mut a, &mut b, &mut c] {
        (f.speedup, f.reading) = (None, None);
    }
    for f in [&mut a, &mut b, &mut c] {
        f.objectives.clear();
        (f.tier, f.excess) = (Tier::Meets, 0.0);
        (f.warmup, f.begins) = (Nanos::from_millis(2_340), CountingStart::Found);
        f.classes.truncate(1);
        f.values[Quantity::P95 as usize] = f.primary();
    }
    (c.status, c.tier) = (Status::Saturated, Tier::NoForecast);
    c.ranked.value = None;
    LATENCIES.iter().for_each(|&q| c.values[q as usize] = None);
    (
        c.values[Quantity::Makespan as usize],
        c.values[Quantity::Closed as usize],
    ) = (None, None);
    let batch = batch_study();
    let mut study = Study {
        scenario: ScenarioName {
            name: "api".into(),
            question: String::new(),
            ..batch.scenario
        },
        metric: Metric::Percentile(95.0),
        steady: true,
        batch: false,
        warmup: Nanos::from_millis(2_340),
        forecasts: vec![a, b, c],
        baseline: None,
        warnings: vec![Notice::from(&Warning::Saturated {
            cases: vec![("sequential on cpython-3.14".into(), 100.0)],
            arrivals: Some(200.0),
            cores: false,
            keeps_up: Some("asyncio on cpython-3.14".into()),
        })],
        ..batch
    };
    study.taken = study.answer().map(|a| study.named(&a));
    study
}

#[test]
fn text_of_a_batch() {
    insta::assert_snapshot!(text(&batch_study(), Style::default()));
}

#[test]
fn text_of_an_open_workload() {
    insta::assert_snapshot!(text(&open_study(), Style::default()));
}

/// A pipe is 120 columns wide: its golden files are the two above.
#[test]
fn text_at_the_widths_of_terminals() {
    for width in [80, 100] {
        let style = Style {
            width,
            ..Style::default()
        };
        let name = format!("text_of_a_batch_at_{width}");
        insta::assert_snapshot!(name, text(&batch_study(), style));
        let name = format!("text_of_an_open_workload_at_{width}");
        insta::assert_snapshot!(name, text(&open_study(), style));
    }
    let style = Style {
        width: 80,
        verbose: true,
        ..Style::default()
    };
    let details = text(&batch_study(), style);
    insta::assert_snapshot!("text_with_details_at_80", details);
}

/// What stands beside each other is counted in one unit.
#[test]
fn latencies_share_a_unit() {
    let mut study = open_study();
    for (f, factor) in study.forecasts.iter_mut().zip([1.0, 0.8, 0.9]) {
        for (q, seconds) in [
            (Quantity::P50, 0.090_2),
            (Quantity::P95, 0.677),
            (Quantity::P99, 1.35),
        ] {
            f.values[q as usize] = Some(estimate(seconds * factor, 0.0));
        }
    }
    let text = text(&study, Style::default());
    let row = text
        .lines()
        .find(|l| l.contains("asyncio  ") && l.contains("90.2"));
    let row = row.unwrap_or_else(|| panic!("{text}"));
    assert!(row.contains("677") && row.contains("1350"), "{row}");
    let page = markdown(&[(&study).into()], None);
    assert!(
        page.contains("| p50 (ms) | p95 (ms) | p99 (ms) |"),
        "{page}"
    );
}

#[test]
fn text_in_ascii_with_details() {
    let plain = text(
        &batch_study(),
        Style {
            unicode: false,
            verbose: true,
            ..Style::default()
        },
    );
    assert!(plain.is_ascii());
    insta::assert_snapshot!(plain);
}

#[test]
fn text_without_any_forecast() {
    let mut study = batch_study();
    study.forecasts = vec![refused()];
    study.baseline = None;
    insta::assert_snapshot!(text(&study, Style::default()));
}

#[test]
fn every_warning_names_a_next_step() {
    let name = || "threads:8 on cpython-3.14".to_owned();
    let at = Nanos::from_millis(1_234);
    let all = [
        Warning::Saturated {
            cases: vec![(name(), 312.0)],
            arrivals: None,
            cores: true,
            keeps_up: None,
        },
        Warning::FailuresDiffer {
            cases: vec![(name(), 0.91)],
            least: ("sequential on cpython-3.14".into(), 0.002),
            struck: true,
        },
        Warning::NotConverged {
            cases: vec![(name(), 0.123)],
            precision: 0.02,
            needed: 380,
            instead: None,
        },
        Warning::NotConverged {
            cases: vec![(name(), 2.0)],
            precision: 0.0015,
            needed: 2_000_000,
            instead: Some("p50".into()),
        },
        Warning::FewReplications { replications: 1 },
        Warning::FewReplications { replications: 2 },
        Warning::WarmupUncertain {
            cases: vec![name()],
        },
        Warning::WarmupCut {
            cases: vec![(name(), at)],
        },
        Warning::OutOfMemory {
            cases: vec![(name(), at, 512 << 20)],
            limit: Some(500 << 20),
            ways: vec![Relief::Sharing, Relief::Workers],
        },
        Warning::Added(Box::new(Warning::OutOfMemory {
            cases: vec![(name(), at, 512 << 20)],
            limit: Some(500 << 20),
            ways: vec![Relief::Workers, Relief::Preload, Relief::Permits],
        })),
        Warning::Deadlock {
            cases: vec![(
                name(),
                at,
                vec!["a waits for b".into(), "b waits for a".into()],
            )],
            on: vec![
                WaitReason::Lock,
                WaitReason::Item("q".into()),
                WaitReason::Worker,
            ],
        },
        Warning::Deadlock {
            cases: vec![(name(), at, vec!["a waits for b".into()])],
            on: vec![
                WaitReason::Room("q".into()),
                WaitReason::Limit,
                WaitReason::Resource("db".into()),
            ],
        },
        Warning::Deadlock {
            cases: vec![(name(), at, vec!["a waits for its children".into()])],
            on: vec![WaitReason::Children, WaitReason::Worker],
        },
        Warning::EventLimit {
            cases: vec![name()],
            limit: 1_000_000_000,
        },
        Warning::ClockEnd {
            cases: vec![name()],
        },
        Warning::NothingCompleted {
            cases: vec![(
                name(),
                UnfinishedTasks {
                    failed: 1.0,
                    timed_out: 90.0,
                    rejected: 0.0,
                    in_flight: 9.0,
                    sent: 3.5,
                },
            )],
        },
        Warning::Unsupported {
            cases: vec![(name(), "no".into())],
        },
        Warning::BlockedLoop {
            cases: vec![(name(), at)],
            calls: false,
        },
        Warning::StarvedLoop {
            cases: vec![(name(), at)],
            gil: true,
        },
        Warning::StarvedLoop {
            cases: vec![(name(), at)],
            gil: false,
        },
        Warning::Convoy {
            cases: vec![Convoy {
                case: name(),
                task: "io".into(),
                times: 2_000,
                each: at,
                share: 0.99,
            }],
            back: vec![Back::Outside, Back::Children],
        },
        Warning::ContendedObject {
            cases: vec![Contended {
                case: name(),
                object: "cache".into(),
                task: "page".into(),
                share: 0.89,
            }],
        },
        Warning::ScarceResource {
            cases: vec![Scarce {
                case: name(),
                resource: "db".into(),
                task: "page".into(),
                share: 0.89,
                limit: false,
            }],
        },
        Warning::ScarceResource {
            cases: vec![Scarce {
                case: name(),
                resource: "llm".into(),
                task: "agent".into(),
                share: 0.4,
                limit: true,
            }],
        },
        Warning::MoreResources {
            names: vec!["db".into()],
            strategies: vec!["prefork:4(asyncio)".into()],
        },
        Warning::BusyDevice {
            cases: vec![Slowed {
                case: name(),
                device: "disk".into(),
                task: "page".into(),
                busy: 0.99,
                share: 0.73,
                faulted: false,
            }],
            fewer: true,
        },
        Warning::RetryStorm {
            cases: vec![(name(), 3.25)],
            spread: false,
            heeded: true,
            clients: false,
        },
        Warning::Rejected {
            cases: vec![Rejected {
                case: name(),
                resource: "api".into(),
                task: "page".into(),
                times: 412,
                asked: 2_000,
            }],
            breakers: Vec::new(),
            heedless: true,
        },
        Warning::FullBacklog {
            cases: vec![FullQueue {
                case: name(),
                connections: 473,
                of: 3_000,
                given_up: 2,
                late: Some(at),
                holds: 65,
                most: 97,
            }],
        },
        Warning::FullBacklog {
            cases: vec![FullQueue {
                case: name(),
                connections: 20_000,
                of: 30_000,
                given_up: 20_000,
                late: None,
                holds: 4_097,
                most: 24_097,
            }],
        },
        Warning::WorkerTimeout {
            cases: vec![KilledWorkers {
                case: name(),
                workers: 10,
                tasks: 59,
                timeout: Nanos::from_secs(30),
            }],
            loops: true,
            one_by_one: true,
        },
        Warning::CrashedWorkers {
            cases: vec![Crashed {
                case: name(),
                workers: 2,
                tasks: 17,
                back: Nanos::from_millis(3_420),
            }],
        },
        Warning::BrokenPool {
            cases: vec![Broken {
                case: name(),
                workers: 1,
                pending: 12,
                refused: 1_300,
            }],
        },
        Warning::LostTasks {
            cases: vec![Lost {
                case: name(),
                workers: 2,
                tasks: 7,
                hangs: true,
            }],
        },
        Warning::Restarts {
            cases: vec![Restarted {
                case: name(),
                times: 2,
                unfinished: 1,
                longest: Nanos::from_secs(42),
                killed: 1,
                tasks: 3,
            }],
        },
        Warning::MissedFault {
            cases: vec![Missed {
                case: name(),
                times: 3,
            }],
        },
        Warning::MemoryKills {
            cases: vec![KilledForMemory {
                case: name(),
                processes: 2,
            }],
        },
        Warning::ProgramCrashed {
            cases: vec![(name(), Nanos::from_secs(30))],
        },
        Warning::FutileWakeups {
            cases: vec![GilContentionCost {
                case: name(),
                task: "page".into(),
                times: 480_000,
                cpu: 11.1,
                sequential: 3.25,
            }],
            instead: Some("sequential".into()),
        },
        Warning::Unshared {
            names: vec!["state".into()],
            strategies: vec!["processes:4:fork".into()],
        },
        Warning::SerialChildren {
            strategies: vec!["processes:4:fork".into(), "interpreters".into()],
        },
        Warning::RoundsApart {
            strategies: vec!["prefork:4(asyncio)".into()],
        },
        Warning::Oversubscribed {
            cases: vec![Oversubscription {
                case: name(),
                callers: 8,
                threads: 4,
                share: 0.43,
            }],
            cores: 8,
        },
        Warning::SerialPart {
            case: "threads:8".into(),
            share: 0.43,
        },
        Warning::InPlace {
            strategies: vec!["threads:8".into(), "sequential".into()],
        },
        Warning::NoSuchPool {
            pool: "cpu".into(),
            strategies: vec!["asyncio+threads:4".into()],
        },
        Warning::EstimatedObjects {
            strategies: vec!["processes:4:fork".into()],
            memory: 40_000_000,
        },
        Warning::ObjectiveMissed {
            objective: "p95 < 1ms".into(),
            metric: Metric::Percentile(95.0),
            closest: (name(), 0.003),
            off: 2.0,
            relaxed: Some("p95 < 3.01ms".into()),
        },
        Warning::ObjectiveMissed {
            objective: "memory < 1MiB".into(),
            metric: Metric::Memory,
            closest: (name(), 25e6),
            off: f64::INFINITY,
            relaxed: None,
        },
        Warning::EstimatedProfile {
            interpreter: "default".into(),
            defaults: 90,
            of: 100,
        },
    ];
    let lines: Vec<String> = all
        .iter()
        .map(|w| format!("{}: {}", w.code(), w.text()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn markdown_of_a_batch() {
    insta::assert_snapshot!(markdown(&[(&batch_study()).into()], None));
}

#[test]
fn json_of_a_batch() {
    let out = json(&batch_study());
    let parsed: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(parsed["schema"], 1);
    assert_eq!(parsed["cases"][0]["estimates"]["makespan_s"]["mean"], 12.41);
    assert!(parsed["cases"][4]["estimates"]["makespan_s"].is_null());
    insta::assert_snapshot!(out);
}

#[test]
fn json_has_no_number_that_json_lacks() {
    let mut study = batch_study();
    study.forecasts[0].values[Quantity::Makespan as usize] =
        Some(estimate(f64::NAN, f64::INFINITY));
    assert!(serde_json::from_str::<serde_json::Value>(&json(&study)).is_ok());
}

#[test]
fn csv_of_a_batch() {
    let out = csv(&batch_study());
    let mut reader = ::csv::Reader::from_reader(out.as_bytes());
    let columns = reader.headers().unwrap().len();
    assert!(reader.records().all(|r| r.unwrap().len() == columns));
    insta::assert_snapshot!(out);
}

#[test]
fn every_key_is_documented() {
    let documentation = include_str!("../../docs/output-format.md");
    for key in Quantity::ALL.map(Quantity::key) {
        assert!(
            documentation.contains(&format!("`{key}`")),
            "docs/output-format.md does not mention `{key}`"
        );
    }
    let parsed: serde_json::Value = serde_json::from_str(&json(&batch_study())).unwrap();
    let case = parsed["cases"][0].as_object().unwrap();
    for key in parsed.as_object().unwrap().keys().chain(case.keys()) {
        assert!(
            documentation.contains(&format!("`{key}`")),
            "docs/output-format.md does not mention `{key}`"
        );
    }
}
