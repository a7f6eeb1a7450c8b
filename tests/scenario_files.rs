//! What a user writes: the shipped scenarios, a corpus of broken ones with what is said about each, overrides, and the
//! short forms of strategies.

use std::fs;
use std::path::Path;

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, Changes, Code, Diagnostic, Dist, LockSpec, Metric, Offload, ProcessApi, Scenario,
    Severity, StartMethod, Step, Strategy, Workers, check, embedded, load, parse, parse_strategy,
    render, strategy_label,
};

fn set(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(a, b)| ((*a).to_string(), (*b).to_string()))
        .collect()
}

fn shipped(name: &str, pairs: &[(&str, &str)]) -> Result<Scenario, Vec<Diagnostic>> {
    parse(
        embedded::find(name).unwrap().text,
        Path::new(name),
        &set(pairs),
    )
}

fn minimal(arrivals: &str, steps: &str) -> String {
    format!(
        "(schema: 1, name: \"t\", workload: (arrivals: {arrivals}, tasks: [(name: \"a\", steps: {steps})]))"
    )
}

#[test]
fn every_shipped_scenario_is_valid_without_a_warning() {
    assert_eq!(embedded::ALL.len(), 15);
    for e in embedded::ALL {
        let (scenario, diagnostics) = check(e.text, Path::new(e.name), &[]);
        assert!(diagnostics.is_empty(), "{}", render(&diagnostics, false));
        let s = scenario.unwrap();
        assert_eq!(s.name, e.name);
        assert!(s.question.ends_with('?'), "{}", e.name);
        assert!(
            e.text.starts_with("// "),
            "{} begins with a comment",
            e.name
        );
        let on_disk = fs::read_to_string(format!("scenarios/{}.ron", e.name)).unwrap();
        assert_eq!(on_disk, e.text);
    }
}

/// What this program calls RON is RON.
#[test]
fn shipped_scenarios_are_ron_to_others_too() {
    for e in embedded::ALL {
        let options = ron::Options::default()
            .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        options
            .from_str::<ron::Value>(e.text)
            .unwrap_or_else(|err| panic!("{}: {err}", e.name));
    }
}

#[test]
fn names_and_paths_find_a_shipped_scenario() {
    for target in ["scraper", "scenarios/scraper.ron", "scraper.ron"] {
        assert_eq!(load(target, &[]).unwrap().name, "scraper", "{target}");
    }
}

#[test]
fn the_scraper_means_what_it_says() {
    let s = load("scraper", &[]).unwrap();
    assert_eq!(s.machine.cores, vec![1.0; 4]);
    assert_eq!(s.machine.memory_limit, Some(8 << 30));
    assert_eq!(s.workload.classes[0].count, 100);
    assert_eq!(
        s.workload.classes[0].steps[0],
        Step::Io(Dist::Constant(Nanos::from_secs(1)))
    );
    assert_eq!(s.workload.classes[0].steps[1], Step::PayloadIn(50_000));
    assert_eq!(s.strategies.len(), 5);
    assert_eq!(
        s.strategies[2].interpreter.as_deref(),
        Some("cpython-3.14t")
    );
    assert_eq!(
        s.strategies[2].strategy,
        Strategy::Asyncio {
            limit: None,
            offload: Offload::Threads(Workers::Exactly(4))
        }
    );
    assert_eq!(s.objectives[1].metric, Metric::Memory);
    assert_eq!((s.seed, s.replications, s.horizon), (1, None, None));
}

#[test]
fn every_kind_of_arrivals() {
    let read = |arrivals: &str| {
        parse(&minimal(arrivals, "[Cpu(\"1ms\")]"), Path::new("t"), &[])
            .unwrap()
            .workload
            .arrivals
    };
    assert_eq!(read("Batch"), Arrivals::Batch);
    let ten_ms = Dist::Exponential(Nanos::from_millis(10));
    assert_eq!(
        read("Poisson(rate: 100, count: 5)"),
        Arrivals::Open {
            interval: ten_ms.clone(),
            count: Some(5)
        }
    );
    assert_eq!(
        read("Poisson(\"6000/min\", 5)"),
        Arrivals::Open {
            interval: ten_ms.clone(),
            count: Some(5)
        }
    );
    assert_eq!(
        read("Renewal(interval: Exponential(\"10ms\"), count: 5)"),
        Arrivals::Open {
            interval: ten_ms,
            count: Some(5)
        }
    );
    let think = Dist::Constant(Nanos::from_secs(1));
    assert_eq!(
        read("Closed(users: 3, think: \"1s\", count: 9)"),
        Arrivals::Closed {
            users: 3,
            think,
            count: Some(9)
        }
    );
}

#[test]
fn every_distribution_and_step() {
    let text = minimal(
        "Batch",
        r#"[Cpu(Constant("1ms")), Cpu(Uniform("1ms", "2ms")), Cpu(Exponential("1ms")), Cpu(Normal("5ms", "1ms")),
            Cpu(LogNormal(median: "1ms", p99: "5ms")), Native(Gamma(mean: "1ms", cv: 0.5)), Io(Weibull(scale: "1ms", shape: 1.5)),
            Io(Pareto(least: "1ms", shape: 2.5)), Io(Empirical(["1ms", "2ms"])),
            Lock("l", [Cpu("1ms")]), Acquire("l"), Shared(object: "o", count: 3, write: true), Release("l"),
            Put("q"), Get("q"), FanOut(count: 5, steps: [Io("1s")]), PayloadIn("50KB"), PayloadOut("1MB"), Hold("20MB", [Io("1s")]),
            Timeout("2s", [Io("1s")]), Fail(0.01), Fail("2%"), Retry(attempts: 3, backoff: "100ms", steps: [Io("1s")]), Repeat(5, [Io("1s")])]"#,
    )
    .replace("tasks:", r#"locks: {"l": (shared: true)}, queues: ["q"], objects: ["o"], tasks:"#);
    let (s, diagnostics) = check(&text, Path::new("t"), &[]);
    assert!(diagnostics.is_empty(), "{}", render(&diagnostics, false));
    let w = s.unwrap().workload;
    assert_eq!(
        w.locks,
        [LockSpec {
            name: "l".into(),
            shared: true
        }]
    );
    assert_eq!(w.classes[0].steps.len(), 24);
    assert_eq!(
        w.classes[0].steps[11],
        Step::Shared {
            object: 0,
            count: 3,
            write: true
        }
    );
    assert_eq!(w.classes[0].steps[21], Step::Fail(0.02));
}

/// Every file of the corpus is refused (or warned about), and what is said is on record.
#[test]
fn broken_files_are_explained() {
    let mut files: Vec<_> = fs::read_dir("tests/data/bad")
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "ron"))
        .collect();
    files.sort();
    assert!(files.len() >= 30, "{} files", files.len());
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let diagnostics = match pchsim::scenario::read(&file.to_string_lossy()) {
            Ok((text, origin)) => {
                let (scenario, diagnostics) = check(&text, &origin, &[]);
                assert_eq!(
                    scenario.is_some(),
                    name.starts_with("warn-"),
                    "{name}\n{}",
                    render(&diagnostics, false)
                );
                diagnostics
            }
            Err(d) => vec![d],
        };
        assert!(!diagnostics.is_empty(), "{name}");
        insta::assert_snapshot!(name, render(&diagnostics, false));
    }
}

#[test]
fn what_is_no_file_is_explained() {
    let say = |target: &str| render(&load(target, &[]).unwrap_err(), false);
    insta::assert_snapshot!([say("scrapper"), say("no/such/api.ron"), say("scenarios")].join("\n"));
    let cut = parse("(schema: 1, name: \"x", Path::new("t"), &[]).unwrap_err();
    assert_eq!(cut[0].code, Code::Syntax);
    for blank in ["", "  \n", "// only a comment\n", "\u{feff}"] {
        assert_eq!(
            parse(blank, Path::new("t"), &[]).unwrap_err()[0].code,
            Code::EmptyFile,
            "{blank:?}"
        );
    }
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("A(", ")"),
        ("Some(", ")"),
        ("{\"a\": ", "}"),
        ("/*", "*/"),
    ] {
        for text in [
            open.repeat(200_000),
            format!("{}{}", open.repeat(200_000), close.repeat(200_000)),
        ] {
            assert!(parse(&text, Path::new("t"), &[]).is_err());
        }
    }
    let deep = |n: usize| {
        minimal(
            "Batch",
            &format!(
                "{}[Cpu(\"1ms\")]{}",
                "[Repeat(1, ".repeat(n),
                ")]".repeat(n)
            ),
        )
    };
    assert!(parse(&deep(15), Path::new("t"), &[]).is_ok());
    let refused = parse(&deep(16), Path::new("t"), &[]).unwrap_err();
    assert!(refused[0].message.contains("MAX_STEP_DEPTH"), "{refused:?}");
}

/// Megabytes of nonsense are refused in a second or two each (most of it for drawing the excerpts), and in few words.
#[test]
fn large_nonsense_is_refused_quickly() {
    let long = "a".repeat(1_500_000);
    let texts = [
        minimal("Batch", &format!("[Cpu(\"{}\")]", "9".repeat(3_000_000))),
        minimal("Batch", &format!("[{}]", "x,".repeat(1_500_000))),
        minimal("Batch", &format!("[{}]", "Io(\"1s\"),\n".repeat(300_000))),
        minimal("Batch", &format!("[Lock(\"{long}\", [Cpu(\"1ms\")])]"))
            .replace("tasks:", &format!("locks: [\"{long}b\"], tasks:")),
        format!("(schema: 1, {})", "a: 1, ".repeat(500_000)),
        "9".repeat(4_000_000),
        "\"".to_string() + &"\n".repeat(4_000_000),
        " ".repeat(5_000_000),
    ];
    let start = std::time::Instant::now();
    for (i, text) in texts.iter().enumerate() {
        let errors = parse(text, Path::new("t"), &[]).unwrap_err();
        assert!(errors.len() <= 50);
        let said = render(&errors, false);
        assert!(said.len() < 200_000, "{i}: {}", said.len());
        // Far more than it takes, for slow and busy machines.
        assert!(start.elapsed().as_secs() < 60, "{i}");
    }
}

#[test]
fn overrides_reach_everything() {
    let s = shipped(
        "scraper",
        &[
            ("machine.cores", "8"),
            ("machine.memory", "16GiB"),
            ("workload.tasks.page.count", "10"),
            ("workload.tasks[0].steps[0]", "Io(\"2s\")"),
            ("workload.tasks[0].steps[2][1][0].time", "250ms"),
            ("strategies[4].workers", "64"),
            ("strategies[1]", "threads:per-task"),
            ("strategies[2].strategy.offload.workers", "2"),
            ("seed", "7"),
            ("horizon", "60s"),
            (
                "interpreters",
                "[\"cpython-3.14\", \"cpython-3.14t\", \"mine.json\"]",
            ),
        ],
    )
    .unwrap_or_else(|d| panic!("{}", render(&d, false)));
    assert_eq!(s.machine.cores.len(), 8);
    assert_eq!(s.machine.visible_cpus, 8);
    assert_eq!(s.machine.memory_limit, Some(16 << 30));
    assert_eq!(s.workload.classes[0].count, 10);
    assert_eq!(
        s.workload.classes[0].steps[0],
        Step::Io(Dist::Constant(Nanos::from_secs(2)))
    );
    assert_eq!(
        s.workload.classes[0].steps[2],
        Step::Hold(
            2_000_000,
            vec![Step::Cpu(Dist::Constant(Nanos::from_millis(250)))]
        )
    );
    assert_eq!(
        s.strategies[4].strategy,
        Strategy::Threads(Workers::Exactly(64))
    );
    assert_eq!(
        s.strategies[1].strategy,
        Strategy::Threads(Workers::PerTask)
    );
    assert_eq!(
        s.strategies[2].strategy,
        Strategy::Asyncio {
            limit: None,
            offload: Offload::Threads(Workers::Exactly(2))
        }
    );
    assert_eq!((s.seed, s.horizon), (7, Some(Nanos::from_secs(60))));
    assert_eq!(s.interpreters[2], "mine.json");

    let s = shipped(
        "api",
        &[
            ("workload.arrivals.rate", "200"),
            ("workload.arrivals.count", "50"),
        ],
    )
    .unwrap();
    assert_eq!(
        s.workload.arrivals,
        Arrivals::Open {
            interval: Dist::Exponential(Nanos::from_millis(5)),
            count: Some(50)
        }
    );
    let s = shipped(
        "unbalanced",
        &[
            ("machine", "(cores: 2, hz: 1000)"),
            ("strategies", "[\"asyncio\"]"),
        ],
    )
    .unwrap();
    assert_eq!(
        (s.machine.cores.len(), s.machine.hz, s.strategies.len()),
        (2, 1000, 1)
    );
    let s = shipped("agents", &[("workload.locks.beliefs.shared", "true")]).unwrap();
    assert!(s.workload.locks[0].shared);
}

#[test]
fn overrides_that_lead_nowhere_are_explained() {
    let cases = [
        ("machine.core", "8"),
        ("machine.cores", "0"),
        ("machine.cores", "eight"),
        ("machin.cores", "8"),
        ("workload.tasks.pages.count", "8"),
        ("workload.tasks[7].count", "8"),
        ("workload.tasks[x].count", "8"),
        ("workload.tasks[0].steps[0].duration", "8s"),
        ("workload..tasks", "8"),
        ("", "8"),
        ("name.first", "x"),
        ("strategies[0].workers", "8"),
        ("strategies[4]", "Threads(8"),
        ("workload.arrivals.rate", "8"),
        ("workload.tasks[0].steps[0]", "Io(\"5 parsecs\")"),
    ];
    let out: Vec<String> = cases
        .iter()
        .map(|(path, value)| {
            let errors = shipped("scraper", &[(path, value)]).expect_err(path);
            format!("## {path}={value}\n{}", render(&errors, false))
        })
        .collect();
    insta::assert_snapshot!(out.join("\n"));
}

fn all_strategies() -> Vec<Strategy> {
    let workers = [Workers::Auto, Workers::Exactly(8)];
    let starts = [
        StartMethod::Fork,
        StartMethod::Spawn,
        StartMethod::Forkserver,
    ];
    let mut out = vec![Strategy::Sequential, Strategy::Threads(Workers::PerTask)];
    for w in workers {
        out.push(Strategy::Threads(w));
        out.push(Strategy::Interpreters(w));
        for start in starts {
            for api in [
                ProcessApi::Executor,
                ProcessApi::Pool { chunksize: None },
                ProcessApi::Pool { chunksize: Some(4) },
            ] {
                out.push(Strategy::Processes {
                    workers: w,
                    start,
                    api,
                });
            }
        }
        for limit in [None, Some(100)] {
            for offload in [
                Offload::None,
                Offload::Threads(w),
                Offload::Interpreters(w),
                Offload::Processes(w, StartMethod::Spawn),
            ] {
                out.push(Strategy::Asyncio { limit, offload });
            }
        }
    }
    let nested: Vec<Strategy> = out
        .iter()
        .map(|s| Strategy::Prefork {
            processes: 4,
            each: Box::new(s.clone()),
        })
        .collect();
    out.extend(nested);
    out.dedup();
    out
}

#[test]
fn short_forms_of_strategies_round_trip() {
    for s in all_strategies() {
        let short = strategy_label(&s);
        assert_eq!(
            parse_strategy(&short)
                .unwrap_or_else(|d| panic!("{}", d.render(false)))
                .strategy,
            s,
            "{short}"
        );
        let on = parse_strategy(&format!("{short}@cpython-3.14t")).unwrap();
        assert_eq!(
            (on.strategy, on.interpreter.as_deref()),
            (s, Some("cpython-3.14t"))
        );
    }
}

#[test]
fn labels_tell_strategies_apart() {
    let mut labels: Vec<String> = all_strategies().iter().map(strategy_label).collect();
    let n = labels.len();
    labels.sort();
    labels.dedup();
    // Without an offload the worker count of the loop above makes no difference.
    assert!(n - labels.len() <= 4, "{labels:#?}");
    for (short, label) in [
        ("sequential", "sequential"),
        ("threads:8", "threads:8"),
        ("threads:per-task", "threads:per-task"),
        ("processes:4:fork", "processes:4:fork"),
        ("pool:4:spawn", "pool:4:spawn"),
        ("asyncio", "asyncio"),
        ("asyncio:100+threads:4", "asyncio:100+threads:4"),
        ("prefork:4(asyncio)", "prefork:4(asyncio)"),
        ("Threads(workers: 8)", "threads:8"),
        ("Threads(8)", "threads:8"),
        (
            "Asyncio(offload: Processes(workers: 2, start: Fork))",
            "asyncio+processes:2:fork",
        ),
        ("On(\"cpython-3.14t\", Threads)", "threads"),
    ] {
        assert_eq!(
            strategy_label(&parse_strategy(short).unwrap().strategy),
            label,
            "{short}"
        );
    }
}

#[test]
fn strategies_that_are_none_are_explained() {
    let cases = [
        "",
        "thread:8",
        "threads:0",
        "threads:many",
        "threads:8:9",
        "processes:4:spoon",
        "pool:4:fork:0",
        "threads+threads",
        "asyncio+greenlets",
        "prefork:4",
        "prefork:2(prefork:2(asyncio))",
        "prefork:0(asyncio)",
        "threads:999999",
        "threads@",
        "Thread(8)",
        "Threads(0)",
        "Threads(8",
        "Processes(workers: PerTask)",
        "interpreters:per-task",
        "🦀",
    ];
    let out: Vec<String> = cases
        .iter()
        .map(|c| parse_strategy(c).expect_err(c).render(false))
        .collect();
    insta::assert_snapshot!(out.join("\n"));
}

#[test]
fn traces_are_read_beside_the_scenario() {
    let dir = tempfile::tempdir().unwrap();
    let origin = dir.path().join("scenario.ron");
    fs::write(dir.path().join("t.json"), r#"[[0.5, [["io", 0.003], ["cpu", 5.0]]], [0.25, [["io", 0.001], ["cpu", 4.0]]], [1, "a"]]"#).unwrap();
    fs::write(dir.path().join("t.csv"), "at_s,class\n0.5,a\n0.25,a\n").unwrap();
    let read = |file: &str| {
        parse(
            &minimal(
                &format!("Trace(\"{file}\")"),
                r#"[Repeat(1, [Io("1s")]), Cpu("1s")]"#,
            ),
            &origin,
            &[],
        )
    };
    let Arrivals::Trace(tasks) = read("t.json").unwrap().workload.arrivals else {
        panic!("a trace")
    };
    assert_eq!(
        (tasks[0].at, tasks[1].at),
        (Nanos::from_millis(250), Nanos::from_millis(500))
    );
    assert_eq!(
        tasks[1].demands,
        [Nanos::from_millis(3), Nanos::from_millis(5)]
    );
    assert!(tasks[2].demands.is_empty());
    let Arrivals::Trace(tasks) = read("t.csv").unwrap().workload.arrivals else {
        panic!("a trace")
    };
    assert_eq!(tasks.len(), 2);
    for (name, text) in [
        ("b1.json", "[[0.5, [[\"cpu\", 5.0]]]]"),
        ("b2.json", "[[-1, \"a\"]]"),
        ("b3.json", "[[1, \"b\"]]"),
        ("b4.json", "{}"),
        ("b5.json", "[]"),
        ("b6.json", "[[1, [[\"io\", 1e400]]]]"),
        ("b7.csv", "at,class\n"),
        ("b8.csv", "at_s,class\nx,a\n"),
        ("b9.csv", "at_s,class\n1,a,3\n"),
        ("b10.csv", "at_s,class\nNaN,a\n"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
        assert_eq!(
            read(name).expect_err(name)[0].code,
            Code::BadTrace,
            "{name}"
        );
    }
    assert_eq!(read("missing.json").unwrap_err()[0].code, Code::CannotRead);
}

#[test]
fn the_reference_traces_can_be_read() {
    let dir = Path::new("tests/data/reference");
    if !dir.join("trace-open60.json").exists() {
        return;
    }
    let text = minimal("Trace(\"trace-open60.json\")", r#"[Io("1s"), Cpu("1s")]"#);
    let s = parse(&text, &dir.join("scenario.ron"), &[]).unwrap();
    assert!(matches!(s.workload.arrivals, Arrivals::Trace(t) if t.len() > 100));
}

mod wild {
    use super::*;
    use proptest::prelude::*;
    use proptest::strategy::Strategy as _;

    /// A shipped scenario with some of its bytes cut, doubled or replaced.
    fn mutated() -> impl proptest::strategy::Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "\"",
            ",",
            ":",
            "-",
            "0",
            "1e999",
            "NaN",
            "inf",
            "None",
            "Some(",
            "//",
            "/*",
            "\\",
            "\u{feff}",
            "µ",
            "99999999999999999999999999999999999999999",
            "Repeat(1000000, [",
            "\"5 parsecs\"",
            "Lock(\"x\", [",
            "r#\"",
            "-1",
            "0x",
            "'a'",
            "\0",
        ]);
        let edit = (0.0..1.0_f64, 0..40_usize, pieces);
        (0..embedded::ALL.len(), prop::collection::vec(edit, 1..6)).prop_map(|(which, edits)| {
            let mut text: Vec<char> = embedded::ALL[which].text.chars().collect();
            for (at, len, piece) in edits {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a place in a short text"
                )]
                let start = (at * text.len() as f64) as usize;
                let end = (start + len).min(text.len());
                text.splice(start.min(end)..end, piece.chars());
            }
            text.into_iter().collect()
        })
    }

    /// A shipped scenario with some of its words and numbers replaced by others: most are wrong, and some are not.
    pub(super) fn changed() -> impl proptest::strategy::Strategy<Value = String> {
        let words = prop::sample::select(vec![
            "0",
            "1",
            "2",
            "7",
            "100_000",
            "99_999_999",
            "1e9",
            "0.5",
            "1e-6",
            "\"0\"",
            "\"1ns\"",
            "\"1s\"",
            "\"1000d\"",
            "\"1B\"",
            "\"1MB\"",
            "\"1000TB\"",
            "\"64GiB\"",
            "\"1/s\"",
            "\"1000000000/s\"",
            "true",
            "None",
            "Batch",
            "Closed(users: 3, count: 9)",
            "Poisson(rate: 1e9, count: 9)",
            "Exponential(\"1000d\")",
            "Pareto(least: \"1ns\", shape: 0.001)",
            "Cpu(\"1000d\")",
            "Io(\"0\")",
            "Fail(1.0)",
            "FanOut(count: 1_000, steps: [Cpu(\"1ms\")])",
            "Repeat(100_000, [Io(\"1ns\")])",
            "Sequential",
            "Threads",
            "\"threads:per-task\"",
            "\"asyncio\"",
            "\"prefork:3(asyncio)\"",
            "\"processes:2:spawn\"",
            "Native(\"1us\")",
            "PayloadIn(\"64GiB\")",
            "Allocate(10_000_000_000)",
        ]);
        let edit = (0.0..1.0_f64, words);
        (0..embedded::ALL.len(), prop::collection::vec(edit, 1..4)).prop_map(|(which, edits)| {
            let mut text = embedded::ALL[which].text.to_owned();
            for (place, word) in edits {
                let values = values(&text);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a place in a short list"
                )]
                let range = values[(place * values.len() as f64) as usize].clone();
                text.replace_range(range, word);
            }
            text
        })
    }

    /// Where values stand in a text: numbers and strings after a colon, a bracket or a comma.
    fn values(text: &str) -> Vec<std::ops::Range<usize>> {
        let mut found = Vec::new();
        for (at, before) in text.match_indices(['(', '[', ':', ',']) {
            let start = at + before.len();
            let start = start + (text[start..].len() - text[start..].trim_start().len());
            let rest = &text[start..];
            let len = if let Some(inner) = rest.strip_prefix('"') {
                inner.find('"').map_or(0, |n| n + 2)
            } else {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
                    .unwrap_or(0)
            };
            if len > 0 && !rest[len..].starts_with([':', '(']) {
                found.push(start..start + len);
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_makes_the_parser_panic(text in mutated()) {
            let (scenario, diagnostics) = check(&text, Path::new("wild"), &[]);
            let _ = render(&diagnostics, false);
            prop_assert!(scenario.is_some() || diagnostics.iter().any(|d| d.severity == Severity::Error));
            for d in &diagnostics {
                prop_assert!(d.span.start <= d.span.end && d.span.end <= d.source.text.len(), "{d:?}");
            }
        }

        #[test]
        fn no_override_makes_it_panic(path in "[a-z\\[\\]0-9.]{0,30}", value in ".{0,20}", real in prop::sample::select(vec![
            "machine", "machine.cores", "workload", "workload.tasks[0]", "workload.tasks[0].steps[0]", "strategies", "strategies[0]", "seed", "schema",
        ])) {
            let overrides = set(&[(real, &value), (&path, &value)]);
            for one in overrides.iter().map(std::slice::from_ref).chain([&overrides[..]]) {
                if let Err(d) = parse(embedded::ALL[0].text, Path::new("wild"), one) {
                    let _ = render(&d, true);
                }
            }
        }

        #[test]
        fn no_strategy_text_makes_it_panic(text in "[a-zA-Z:+@(){}\", 0-9]{0,40}") {
            if let Err(d) = parse_strategy(&text) {
                let _ = d.render(true);
            }
        }

        /// What is accepted here is accepted as RON by others.
        #[test]
        fn accepted_texts_are_ron(text in mutated()) {
            let (scenario, _) = check(&text, Path::new("wild"), &[]);
            if scenario.is_some() {
                let options = ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
                prop_assert!(options.from_str::<ron::Value>(text.trim_start_matches('\u{feff}')).is_ok(), "{text}");
            }
        }
    }
}

/// `Cpu` with `releases` is a step of its own, with its defaults; without any it is the plain one; overrides reach both.
#[test]
fn steps_say_how_often_they_give_the_gil_up() {
    let step = |steps: &str, pairs: &[(&str, &str)]| {
        let text = minimal("Batch", steps);
        let scenario = parse(&text, Path::new("t"), &set(pairs)).unwrap();
        scenario.workload.classes[0].steps[0].clone()
    };
    let time = || Dist::Constant(Nanos::from_millis(15));
    let releasing =
        |count, released| Step::Releasing(time(), pchsim::scenario::Releases { count, released });
    let often = "[Cpu(time: \"15ms\", releases: 4_800)]";
    assert_eq!(step(often, &[]), releasing(4_800, Nanos(160)));
    assert_eq!(step("[Cpu(\"15ms\")]", &[]), Step::Cpu(time()));
    let given = "[Cpu(time: \"15ms\", releases: 10, released: \"2us\")]";
    assert_eq!(step(given, &[]), releasing(10, Nanos(2_000)));
    let path = "workload.tasks.a.steps[0]";
    let override_ = |field: &str, value| (format!("{path}.{field}"), value);
    let (releases, none) = (override_("releases", "7"), override_("releases", "0"));
    let set_plain = step("[Cpu(\"15ms\")]", &[(&releases.0, releases.1)]);
    assert_eq!(set_plain, releasing(7, Nanos(160)));
    assert_eq!(step(often, &[(&none.0, none.1)]), Step::Cpu(time()));
}

/// What cannot be simulated is refused, whether the text, an override or the command line asks for it; what is just within the limits is not.
#[test]
fn what_cannot_run_is_refused_by_name() {
    let tasks = |count: &str, steps: &str| {
        minimal("Batch", steps).replace("name: \"a\"", &format!("name: \"a\", count: {count}"))
    };
    let poisson = |rate: &str, steps: &str| {
        minimal(&format!("Poisson(rate: {rate}, count: 50_000_000)"), steps)
    };
    let with = |strategy: &str| {
        let text = minimal("Batch", "[Io(\"1s\")]");
        format!("{}, strategies: [{strategy}])", &text[..text.len() - 1])
    };
    let refused: [(String, &str); 14] = [
        (tasks("200_000_000", "[Io(\"1s\")]"), "MAX_TASKS_AT_ONCE"),
        (tasks("10_000_001", "[Cpu(\"1us\")]"), "MAX_TASKS_AT_ONCE"),
        (
            tasks(
                "100",
                "[FanOut(count: 1_000, steps: [FanOut(count: 100, steps: [Io(\"1s\")])])]",
            ),
            "MAX_TASKS_AT_ONCE",
        ),
        (
            minimal(
                "Closed(users: 100_000, count: 1_000_000)",
                "[FanOut(count: 100, steps: [Io(\"1s\")])]",
            ),
            "MAX_TASKS_AT_ONCE",
        ),
        (poisson("1e9", "[Cpu(\"1s\")]"), "MAX_TASKS_AT_ONCE"),
        (poisson("100_000", "[Io(\"1h\")]"), "MAX_TASKS_AT_ONCE"),
        (
            poisson("100_000", "[Io(Pareto(least: \"1s\", shape: 0.9))]"),
            "MAX_TASKS_AT_ONCE",
        ),
        (
            minimal("Poisson(rate: 1e9)", "[Cpu(\"1ms\")]")
                .replace("workload:", "horizon: \"1d\", workload:"),
            "MAX_TASKS",
        ),
        (
            with("Prefork(processes: 1_000, each: Threads(workers: 1_000))"),
            "MAX_THREADS",
        ),
        (
            with("\"prefork:1000(processes:101:fork)\""),
            "MAX_PROCESSES",
        ),
        (with("\"prefork:50000(interpreters)\""), "MAX_PROCESSES"),
        (
            with("PerTask")
                .replace(
                    "strategies: [PerTask]",
                    "strategies: [\"threads:per-task\"]",
                )
                .replace("name: \"a\"", "name: \"a\", count: 2_000_000"),
            "MAX_THREADS",
        ),
        (
            minimal("Batch", "[Io(\"1s\")]")
                .replace("workload:", "replications: 100_000, workload:"),
            "MAX_KEPT_NUMBERS",
        ),
        (
            minimal("Batch", "[Io(\"1s\")]").replace(
                "workload:",
                "machine: (cores: 4_096), replications: 10_000, workload:",
            ),
            "MAX_KEPT_NUMBERS",
        ),
    ];
    let mut said = String::new();
    for (text, limit) in refused {
        let errors = parse(&text, Path::new("t"), &[]).expect_err(&text);
        assert_eq!(errors.len(), 1, "{text}\n{}", render(&errors, false));
        let one = &errors[0];
        assert!(
            one.code == Code::Limit && one.message.contains(limit),
            "{text}\n{}",
            render(&errors, false)
        );
        assert!(one.help.is_some() && one.message.chars().any(|c| c.is_ascii_digit()));
        said += &render(&errors, false);
        said.push('\n');
    }
    insta::assert_snapshot!(said);
    for text in [
        tasks("10_000_000", "[Io(\"1s\")]"),
        poisson("100_000", "[Cpu(\"10us\")]"),
        poisson("100_000", "[Io(\"1s\")]"),
        poisson("1_000_000", "[Cpu(\"1ms\"), Fail(1.0)]"),
        with("Prefork(processes: 1_000, each: Threads(workers: 900))"),
        minimal("Closed(users: 100_000, count: 200_000_000)", "[Io(\"1s\")]"),
    ] {
        let (scenario, diagnostics) = check(&text, Path::new("t"), &[]);
        assert!(
            scenario.is_some(),
            "{text}\n{}",
            render(&diagnostics, false)
        );
    }
    // Overrides and options pass the same limits.
    let errors = shipped("scraper", &[("workload.tasks.page.count", "50_000_000")]).unwrap_err();
    assert!(
        errors[0].message.contains("MAX_TASKS_AT_ONCE"),
        "{errors:?}"
    );
    let scraper = embedded::find("scraper").unwrap().text;
    let ask = |changes: Changes| {
        changes
            .parse(scraper, Path::new("scraper.ron"))
            .expect_err("past a limit")
    };
    let strategies = vec!["prefork:100000(threads:100)".into()];
    let errors = ask(Changes {
        strategies,
        ..Changes::default()
    });
    assert!(errors[0].message.contains("MAX_THREADS"), "{errors:?}");
    let many = |n: u32| (1..=n).map(|i| format!("threads:{i}")).collect();
    let interpreters = (0..20).map(|i| format!("p{i}")).collect();
    let errors = ask(Changes {
        strategies: many(600),
        interpreters,
        ..Changes::default()
    });
    assert!(errors[0].message.contains("MAX_CASES"), "{errors:?}");
}

/// A slip in any name is answered with the name that was meant, at the place of the slip.
#[test]
fn slips_are_answered_with_what_was_meant() {
    let steps = |steps: &str| {
        minimal("Batch", steps).replace("tasks:", "locks: [\"db\"], queues: [\"jobs\"], tasks:")
    };
    let io = "[Io(\"1s\")]";
    let whole =
        |field: &str| minimal("Batch", io).replace("workload:", &format!("{field}, workload:"));
    let strategy = |s: &str| whole(&format!("strategies: [{s}]"));
    let slips: Vec<(String, &str, &str)> = vec![
        (steps("[Cup(\"1s\")]"), "Cup", "Cpu"),
        (steps("[Oi(\"1s\")]"), "Oi", "Io"),
        (steps("[IO(\"1s\")]"), "IO", "Io"),
        (steps("[Lokc(\"db\", [Io(\"1s\")])]"), "Lokc", "Lock"),
        (steps("[Gte(\"jobs\")]"), "Gte", "Get"),
        (steps("[Pu(\"jobs\")]"), "Pu", "Put"),
        (steps("[Hodl(\"1MB\", [Io(\"1s\")])]"), "Hodl", "Hold"),
        (steps("[Repaet(2, [Io(\"1s\")])]"), "Repaet", "Repeat"),
        (steps("[Io(Unifrom(\"1s\", \"2s\"))]"), "Unifrom", "Uniform"),
        (steps("[Io(Noraml(\"1s\", \"2s\"))]"), "Noraml", "Normal"),
        (steps("[Io(tiem: \"1s\")]"), "tiem", "time"),
        (steps("[Lock(\"bd\", [Io(\"1s\")])]"), "\"bd\"", "db"),
        (steps("[Put(\"jbos\")]"), "\"jbos\"", "jobs"),
        (minimal("Bacth", io), "Bacth", "Batch"),
        (
            minimal("Poison(rate: 1, count: 2)", io),
            "Poison",
            "Poisson",
        ),
        (
            minimal("Poisson(rtae: 1, rate: 1, count: 2)", io),
            "rtae",
            "rate",
        ),
        (
            minimal("Batch", io).replace("name: \"a\"", "name: \"a\", cuont: 2"),
            "cuont",
            "count",
        ),
        (whole("sede: 1"), "sede", "seed"),
        (whole("machine: (croes: 2)"), "croes", "cores"),
        (whole("machine: (hx: 2)"), "hx", "hz"),
        (strategy("Thraeds(2)"), "Thraeds", "Threads"),
        (strategy("Asycnio"), "Asycnio", "Asyncio"),
        (
            strategy("Processes(workers: 2, start: Frok)"),
            "Frok",
            "Fork",
        ),
        (strategy("\"thraeds:2\""), "\"thraeds:2\"", "threads"),
        (strategy("\"poll:2\""), "\"poll:2\"", "pool"),
        (
            strategy("\"processes:2:frok\""),
            "\"processes:2:frok\"",
            "fork",
        ),
        (
            strategy("\"asyncio+thraeds\""),
            "\"asyncio+thraeds\"",
            "threads",
        ),
        (
            strategy("\"threads:per-taks\""),
            "\"threads:per-taks\"",
            "per-task",
        ),
        (
            strategy("On(\"cpython-3.41\", Sequential)"),
            "On(\"cpython-3.41\", Sequential)",
            "cpython-3.14",
        ),
        (
            whole("objectives: [\"makepsan < 1s\"]"),
            "\"makepsan < 1s\"",
            "makespan",
        ),
        (whole("objectives: [\"cup < 1s\"]"), "\"cup < 1s\"", "cpu"),
        (
            whole("objectives: [\"maen < 1s\"]"),
            "\"maen < 1s\"",
            "mean",
        ),
        (whole("rank_by: \"memroy\""), "\"memroy\"", "memory"),
    ];
    for (text, slip, meant) in slips {
        let errors = parse(&text, Path::new("t"), &[]).expect_err(&text);
        let said = render(&errors, false);
        assert_eq!(&text[errors[0].span.clone()], slip, "{said}");
        assert!(
            said.contains(&format!("did you mean `{meant}`?")),
            "{slip}\n{said}"
        );
    }
    for (target, meant) in [
        ("sraper", "scraper"),
        ("apo", "api"),
        ("taem", "team"),
        ("pirces.ron", "prices"),
    ] {
        let said = render(&load(target, &[]).unwrap_err(), false);
        assert!(
            said.contains(&format!("did you mean the shipped scenario `{meant}`?")),
            "{said}"
        );
    }
    // Nothing is suggested where nothing is near.
    let errors = parse(&steps("[Sleep(\"1s\")]"), Path::new("t"), &[]).unwrap_err();
    assert!(
        !render(&errors, false).contains("did you mean"),
        "{}",
        render(&errors, false)
    );
}

/// Broken scenarios that are still accepted run a little way without a panic, under every strategy that they name.
#[test]
fn wild_scenarios_that_are_accepted_can_be_simulated() {
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config {
        cases: 1_500,
        failure_persistence: None,
        ..Config::default()
    };
    let ran = std::cell::Cell::new(0_u32);
    TestRunner::new_with_rng(config, rng)
        .run(&wild::changed(), |text| {
            let (scenario, diagnostics) = check(&text, Path::new("wild"), &[]);
            let _ = render(&diagnostics, false);
            let Some(scenario) = scenario else {
                return Ok(());
            };
            let profiles: Result<Vec<_>, _> = scenario
                .interpreters
                .iter()
                .map(|i| pchsim::calibrate::profiles::find(i))
                .collect();
            let Ok(profiles) = profiles else {
                return Ok(());
            };
            let options = pchsim::study::Options {
                replications: Some(1),
                max_events: 300,
                threads: Some(1),
                ..pchsim::study::Options::default()
            };
            let study = pchsim::study::run_study(
                &scenario,
                &profiles,
                &options,
                pchsim::strategy::simulate,
                &|_| {},
            );
            if let Ok(study) = study {
                let meta = pchsim::report::Meta {
                    command: String::new(),
                    version: String::new(),
                };
                let _ = pchsim::report::text(&study, &meta, pchsim::report::Style::default());
                let _ = pchsim::report::json(&study, &meta);
                ran.set(ran.get() + 1);
            }
            Ok(())
        })
        .unwrap();
    assert!(
        ran.get() > 100,
        "{} of the texts could be simulated",
        ran.get()
    );
}
