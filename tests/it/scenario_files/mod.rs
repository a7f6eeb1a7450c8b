//! What a user writes: the shipped scenarios, every kind of arrivals, steps and distributions, overrides, and the short forms of
//! strategies.

mod files;
mod pools;
mod slips;
mod wild;

use std::fs;
use std::path::Path;

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, Dist, Lifecycle, Load, LockSpec, Metric, NamedPool, ObjectKind, Offload, Phase,
    PoolLife, ProcessApi, Scenario, StartMethod, Step, Strategy, Workers, strategy_label,
};
use pchsim::syntax::{Code, Diagnostic, check, embedded, load, parse, parse_strategy, render};

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

/// What is past a limit says which, with its thousands apart, and what to do instead.
fn names_a_limit(d: &Diagnostic) {
    let said = d.render(false);
    assert!(d.message.contains("limit"), "{said}");
    assert!(d.help.is_some(), "{said}");
    // What the user wrote is quoted as it is, and the name of a strategy (`threads:20000`) is one word.
    let own = d.message.split('"').step_by(2).collect::<String>();
    let words = own.split_whitespace().filter(|w| !w.contains(':'));
    let mut numbers = words.flat_map(|w| w.split(|c: char| !c.is_ascii_digit()));
    assert!(numbers.all(|n| n.len() < 5), "{said}");
}

fn minimal(arrivals: &str, steps: &str) -> String {
    format!(
        "(schema: 1, name: \"t\", workload: (arrivals: {arrivals}, tasks: [(name: \"a\", steps: {steps})]))"
    )
}

#[test]
fn every_shipped_scenario_is_valid_without_a_warning() {
    assert_eq!(embedded::ALL.len(), 59);
    for e in embedded::ALL {
        let (scenario, diagnostics) = check(e.text, Path::new(e.name), &[]);
        // One is about what its warning says.
        let meant: &[Code] = match e.name {
            "blocked_loop" => &[Code::BlocksLoop],
            _ => &[],
        };
        let mut codes: Vec<Code> = diagnostics.iter().map(|d| d.code).collect();
        codes.dedup();
        assert_eq!(codes, meant, "{}", render(&diagnostics, false));
        let s = scenario.unwrap();
        assert_eq!(s.name, e.name);
        assert!(s.question.ends_with('?'), "{}", e.name);
        assert!(
            e.text.starts_with("// "),
            "{} begins with a comment",
            e.name
        );
        let of = |folder: &str| fs::read_to_string(format!("{folder}/{}.ron", e.name));
        let on_disk = of("scenarios")
            .or_else(|_| of("scenarios/resilience"))
            .or_else(|_| of("scenarios/decisions"))
            .unwrap();
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
            offload: Offload::Threads(Workers::Exactly(4)),
            pools: Vec::new(),
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
    let steady = |rate, s| Phase {
        from: rate,
        to: rate,
        time: Nanos::from_secs(s),
    };
    assert_eq!(
        read("Phases([Steady(\"50/s\", \"1m\"), Ramp(0, \"10/s\", \"5s\")])"),
        Arrivals::Varying {
            load: Load::Phases {
                phases: vec![
                    steady(50.0, 60),
                    Phase {
                        from: 0.0,
                        ..steady(10.0, 5)
                    }
                ],
                repeat: 1
            },
            count: None
        }
    );
    assert_eq!(
        read("Diurnal(mean: 10, swing: \"40%\", count: 9)"),
        Arrivals::Varying {
            load: Load::Diurnal {
                mean: 10.0,
                swing: 0.4,
                period: Nanos::from_secs(86_400),
                peak: Nanos::from_secs(43_200)
            },
            count: Some(9)
        }
    );
    assert_eq!(
        read("Sessions(rate: 10, requests: 3, count: 9)"),
        Arrivals::Sessions {
            interval: Dist::Exponential(Nanos::from_millis(100)),
            requests: 3.0,
            think: Dist::Constant(Nanos::ZERO),
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

#[test]
fn objects_have_kinds() {
    use ObjectKind::{Counted, Immortal, PerThread};
    let objects = |objects: &str| {
        let steps = r#"[Shared("a"), Shared("b"), Shared("c"), Shared("d")]"#;
        let text =
            minimal("Batch", steps).replace("tasks:", &format!("objects: {objects}, tasks:"));
        let (s, diagnostics) = check(&text, Path::new("t"), &[]);
        (s.map(|s| s.workload.objects), render(&diagnostics, false))
    };
    let (listed, said) = objects(r#"["a", "b", "c", "d"]"#);
    assert_eq!(said, "");
    let table = r#"{"a": (), "b": (kind: Counted), "c": (kind: Immortal), "d": (kind: PerThread)}"#;
    let (named, said) = objects(table);
    assert_eq!(said, "");
    let kinds: Vec<ObjectKind> = named.unwrap().iter().map(|o| o.kind).collect();
    assert_eq!(kinds, [Counted, Counted, Immortal, PerThread]);
    assert!(listed.unwrap().iter().all(|o| o.kind == Counted));
    for (wrong, expected) in [
        ("kind: Imortal", "did you mean `Immortal`?"),
        ("kind: \"Immortal\"", "expected a kind of object"),
        ("kind: Immortal(3)", "`Immortal`"),
        ("kin: Immortal", "`kind`"),
        ("kind: Frozen", "`Counted`, `Immortal`, `PerThread`"),
    ] {
        let (_, said) = objects(&format!(r#"{{"a": ({wrong}), "b": (), "c": (), "d": ()}}"#));
        assert!(
            said.contains("error") && said.contains(expected),
            "{wrong}: {said}"
        );
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
            2_000_000.into(),
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
            offload: Offload::Threads(Workers::Exactly(2)),
            pools: Vec::new(),
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
                ProcessApi::EXECUTOR,
                ProcessApi::Pool { chunksize: None },
                ProcessApi::Pool { chunksize: Some(4) },
            ] {
                out.push(Strategy::Processes {
                    workers: w,
                    start,
                    api,
                    life: PoolLife::default(),
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
                let named = |name: &str, workers| NamedPool {
                    name: name.into(),
                    workers,
                };
                for pools in [
                    Vec::new(),
                    vec![named("cpu", Offload::Processes(w, StartMethod::Fork))],
                    vec![
                        named("files-2", Offload::Threads(w)),
                        named("nobody", Offload::None),
                        named("threads", Offload::Interpreters(w)),
                    ],
                ] {
                    out.push(Strategy::Asyncio {
                        limit,
                        offload,
                        pools,
                    });
                }
            }
        }
    }
    let nested: Vec<Strategy> = out
        .iter()
        .map(|s| Strategy::Prefork {
            processes: 4,
            each: Box::new(s.clone()),
            life: Lifecycle::default(),
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
    // Without a pool the worker count of the loop above makes no difference.
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
        // In the order of the names, however they are written.
        (
            "asyncio:9+b=threads:2+a=processes:4:fork",
            "asyncio:9+a=processes:4:fork+b=threads:2",
        ),
        (
            "Asyncio(pools: {\"cpu\": Threads(4), \"a\": None}, offload: Threads)",
            "asyncio+threads+a=none+cpu=threads:4",
        ),
    ] {
        assert_eq!(
            strategy_label(&parse_strategy(short).unwrap().strategy),
            label,
            "{short}"
        );
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
    // A share of the time instead: once for each started millisecond, or as often as is said.
    let share = "[Cpu(time: \"15ms\", native: \"40%\")]";
    assert_eq!(step(share, &[]), releasing(15, Nanos(400_000)));
    let share_of = "[Cpu(time: \"15ms\", releases: 6, native: 0.4)]";
    assert_eq!(step(share_of, &[]), releasing(6, Nanos(1_000_000)));
}
