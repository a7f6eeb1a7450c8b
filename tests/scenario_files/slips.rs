//! What is refused, and what is said to do about it: overrides and strategies that are none, what is past a limit, slips of the keys.

use std::path::Path;

use pchsim::scenario::{Changes, Code, check, embedded, load, parse, parse_strategy, render};

use super::{minimal, set, shipped};

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
