//! What is refused, and what is said to do about it: overrides and strategies that are none, what is past a limit, slips of the keys.

use std::path::Path;

use pchsim::syntax::{Changes, Code, check, embedded, load, parse, parse_strategy, render};

use super::{minimal, names_a_limit, set, shipped};

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
        assert!(one.message.chars().any(|c| c.is_ascii_digit()));
        names_a_limit(one);
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

/// A number past a limit is answered with what to do, wherever it stands.
#[test]
fn every_limit_says_what_to_do() {
    let io = "[Io(\"1s\")]";
    let whole =
        |field: &str| minimal("Batch", io).replace("workload:", &format!("{field}, workload:"));
    let many = |n: usize, one: &dyn Fn(usize) -> String| {
        let all: Vec<String> = (0..n).map(one).collect();
        all.join(", ")
    };
    let nested = format!(
        "{}[Cpu(\"1ms\")]{}",
        "[Repeat(1, ".repeat(16),
        ")]".repeat(16)
    );
    for (text, limit) in [
        (whole("machine: (cores: 5_000)"), "MAX_CORES (4096)"),
        (whole("machine: (visible_cpus: 10_000)"), "MAX_CORES (4096)"),
        (
            whole(&format!(
                "machine: (speeds: [{}])",
                many(4_097, &|_| "1.0".into())
            )),
            "MAX_CORES (4096)",
        ),
        (
            whole("strategies: [Threads(200_000)]"),
            "MAX_WORKERS (100 000)",
        ),
        (
            whole("strategies: [Prefork(processes: 200_000, each: Asyncio)]"),
            "MAX_WORKERS (100 000)",
        ),
        (
            minimal("Closed(users: 200_000, count: 9)", io),
            "MAX_WORKERS (100 000)",
        ),
        (
            minimal("Poisson(rate: 1, count: 300_000_000)", io),
            "MAX_TASKS (200 000 000)",
        ),
        (
            minimal("Poisson(rate: 1e12, count: 9)", io),
            "1 000 000 000 000 a second is more than the limit MAX_RATE (1 000 000 000)",
        ),
        (
            minimal("Poisson(rate: 1e-9, count: 9)", io),
            "MAX_DURATION (1000 days)",
        ),
        (
            minimal("Batch", io)
                .replace("tasks:", "queues: {\"q\": (capacity: 300_000_000)}, tasks:"),
            "MAX_TASKS (200 000 000)",
        ),
        (
            minimal("Batch", io).replace("name: \"a\"", "name: \"a\", count: 300_000_000"),
            "MAX_TASKS (200 000 000)",
        ),
        (
            minimal("Batch", "[Io(\"2000d\")]"),
            "MAX_DURATION (1000 days)",
        ),
        (
            minimal("Batch", "[Hold(\"2000TB\", [Io(\"1s\")])]"),
            "MAX_SIZE (1 PB)",
        ),
        (
            minimal("Batch", "[Allocate(20_000_000_000)]"),
            "MAX_OBJECTS (10 000 000 000)",
        ),
        (
            minimal("Batch", "[Repeat(20_000_000, [Io(\"1s\")])]"),
            "MAX_STEPS_PER_TASK (10 000 000)",
        ),
        (
            minimal("Batch", "[Cpu(time: \"1s\", releases: 200_000_000)]"),
            "MAX_RELEASES_PER_TASK (100 000 000)",
        ),
        (minimal("Batch", &nested), "MAX_STEP_DEPTH (16)"),
        (
            minimal(
                "Batch",
                &format!("[{}]", many(10_001, &|_| "Io(\"1s\")".into())),
            ),
            "MAX_STEPS (10 000)",
        ),
        (
            whole(&format!(
                "interpreters: [{}]",
                many(1_001, &|i| format!("\"p{i}\""))
            )),
            "1001 interpreters are more than the limit MAX_NAMES (1000)",
        ),
        (
            minimal("Batch", io).replace(
                "tasks:",
                &format!("locks: [{}], tasks:", many(1_001, &|i| format!("\"l{i}\""))),
            ),
            "1001 locks are more than the limit MAX_NAMES (1000)",
        ),
        (whole("replications: 200_000"), "MAX_REPLICATIONS (100 000)"),
        (
            minimal("Batch", "[Io(Weibull(scale: \"1s\", shape: 1e9))]"),
            "MAX_FACTOR",
        ),
        (" ".repeat(5_000_000), "MAX_FILE_BYTES (4 MiB)"),
    ] {
        let errors = parse(&text, Path::new("t"), &[]).expect_err(limit);
        let said = render(&errors[..1], false);
        assert_eq!(errors[0].code, Code::Limit, "{said}");
        assert!(errors[0].message.contains(limit), "{limit}: {said}");
        names_a_limit(&errors[0]);
    }
    // In the short forms of strategies the answer is part of the message.
    for short in ["threads:200000", "prefork:99999999999(asyncio)"] {
        let said = parse_strategy(short).expect_err(short).message;
        assert!(
            said.contains("more than the limit MAX_WORKERS (100 000); take fewer"),
            "{said}"
        );
    }
    let cores = Changes {
        cores: Some(5_000),
        ..Changes::default()
    };
    let errors = cores
        .parse(&minimal("Batch", io), Path::new("t"))
        .unwrap_err();
    assert_eq!(errors[0].code, Code::Limit);
    names_a_limit(&errors[0]);
}

/// A limit that an override breaks is shown at the override, with what it is set to underlined; one that the text breaks by itself is
/// shown in the text.
#[test]
fn a_limit_is_shown_where_it_is_broken() {
    let place = |name: &str, pairs: &[(&str, &str)]| {
        let errors = shipped(name, pairs).unwrap_err();
        assert_eq!(errors.len(), 1, "{}", render(&errors, false));
        let (d, text) = (&errors[0], &errors[0].source.text);
        assert_eq!(d.code, Code::Limit);
        (
            d.source.name.clone(),
            text.clone(),
            text[d.span.clone()].to_owned(),
        )
    };
    let at = |text: &str, value: &str| ("--set".to_owned(), text.to_owned(), value.to_owned());
    let count = "workload.tasks.page.count";
    assert_eq!(
        place("scraper", &[(count, "200_000_000")]),
        at(&format!("{count}=200_000_000"), "200_000_000")
    );
    // The last straw, whatever stands round it.
    assert_eq!(
        place(
            "scraper",
            &[("seed", "7"), (count, "200_000_000"), ("name", "x")]
        ),
        at(&format!("{count}=200_000_000"), "200_000_000")
    );
    assert_eq!(
        place(
            "scraper",
            &[
                (count, "5_000_000"),
                ("workload.tasks[0].steps[1]", "FanOut(3, [Cpu(\"1ms\")])")
            ]
        ),
        at(
            "workload.tasks[0].steps[1]=FanOut(3, [Cpu(\"1ms\")])",
            "FanOut(3, [Cpu(\"1ms\")])"
        )
    );
    assert_eq!(
        place("scraper", &[("strategies[4].workers", "200_000")]),
        at("strategies[4].workers=200_000", "200_000")
    );
    assert_eq!(
        place("scraper", &[("machine.cores", "5000")]),
        at("machine.cores=5000", "5000")
    );
    assert_eq!(
        place(
            "scraper",
            &[("machine.cores", "4000"), ("replications", "90_000")]
        ),
        at("replications=90_000", "90_000")
    );
    let own =
        minimal("Batch", "[Io(\"1s\")]").replace("name: \"a\"", "name: \"a\", count: 50_000_000");
    let errors = parse(&own, Path::new("t"), &set(&[("seed", "7")])).unwrap_err();
    assert_eq!(errors[0].source.name, "t");
    assert_eq!(&own[errors[0].span.clone()], "Batch");
}

/// An objective that asks for what another asks for already is warned about, however it is written, and stands once.
#[test]
fn an_objective_that_is_listed_twice_counts_once() {
    let text = minimal("Batch", "[Io(\"1s\")]").replace(
        "workload:",
        "objectives: [\"makespan < 2s\", \"makespan<2000ms\", \"makespan < 3s\"], workload:",
    );
    let (scenario, diagnostics) = check(&text, Path::new("t"), &[]);
    let kept: Vec<String> = scenario
        .unwrap()
        .objectives
        .into_iter()
        .map(|o| o.text)
        .collect();
    assert_eq!(kept, ["makespan < 2s", "makespan < 3s"]);
    assert_eq!(diagnostics.len(), 1, "{}", render(&diagnostics, false));
    assert_eq!(diagnostics[0].code, Code::Duplicate);
    assert_eq!(&text[diagnostics[0].span.clone()], "\"makespan<2000ms\"");
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

/// A profile lies beside scenarios, and is taken for one: one sentence, not one for each of its fields.
#[test]
fn a_profile_is_no_scenario() {
    let text = "(pchsim_profile: 1, name: \"mine\", gil: true, params: {})";
    let errors = parse(text, Path::new("mine.ron"), &[]).unwrap_err();
    assert_eq!(errors.len(), 1, "{}", render(&errors, false));
    assert_eq!(errors[0].code, Code::Schema);
    let help = errors[0].help.as_deref().unwrap_or_default();
    assert!(help.contains("--interpreter"), "{help}");
}

/// That a warm-up has no effect on a batch is warned of; so it has none.
#[test]
fn a_batch_has_no_warm_up() {
    let batch = shipped("scraper", &[("warmup", "5s")]).unwrap();
    assert_eq!(batch.warmup, None);
    let open = shipped("api", &[("warmup", "5s")]).unwrap();
    assert!(open.warmup.is_some());
}
