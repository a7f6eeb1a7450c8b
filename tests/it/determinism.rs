//! The same command prints the same bytes: at any number of worker threads, and on repetition. And `check` accepts what is
//! shipped.

use crate::common::shipped_files;
use crate::world::{pchsim, root};

fn printed(arguments: &[&str]) -> Vec<u8> {
    let output = pchsim().args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    output.stdout
}

/// A batch, rounds of agents on shared state, queues between tasks, and open arrivals, each short.
const SCENARIOS: [&[&str]; 4] = [
    &["scraper"],
    &["agents"],
    &["pipeline"],
    &["api", "--set", "horizon=3s", "--set", "warmup=500ms"],
];

#[test]
fn threads_and_repetition_change_no_byte() {
    for scenario in SCENARIOS {
        let run = |threads: &str| {
            let mut line = vec!["run"];
            line.extend_from_slice(scenario);
            line.extend([
                "--format",
                "json",
                "--replications",
                "3",
                "--threads",
                threads,
                "-q",
            ]);
            printed(&line)
        };
        let one = run("1");
        assert!(one.len() > 1_000, "{scenario:?} prints a study");
        assert!(
            one == run("4"),
            "{scenario:?}: four threads print something else than one"
        );
        assert!(
            one == run("4"),
            "{scenario:?}: a repetition prints something else"
        );
    }
}

/// In which order a file has its keys decides nothing: not the hash, and no byte of the study.
#[test]
fn the_order_of_keys_changes_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let run = |locks: &str, queues: &str, objects: &str| {
        let text = format!(
            r#"(
                schema: 1, name: "keys", machine: (cores: 2), interpreters: ["cpython-3.14"],
                workload: (
                    arrivals: Batch, locks: {locks}, queues: {queues}, objects: {objects},
                    tasks: [
                        (name: "one", count: 20, steps: [
                            Lock("a", [Cpu(Exponential("2ms"))]), Put("p"), Shared("x", 50, true), Lock("b", [Io("1ms")]),
                        ]),
                        (name: "two", count: 20, steps: [
                            Get("p"), Lock("b", [Cpu("1ms")]), Put("q"), Get("q"), Shared("y", 9), Lock("a", [Cpu("1ms")]),
                        ]),
                    ],
                ),
                strategies: ["threads:4", "asyncio+threads:2", "prefork:2(threads:40)"],
            )"#
        );
        let file = folder.path().join("keys.ron");
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        printed(&["run", file, "--format", "json", "--replications", "2", "-q"])
    };
    let one = run(
        r#"{ "a": (), "b": (shared: true) }"#,
        r#"{ "p": (), "q": (capacity: 9) }"#,
        r#"["x", "y"]"#,
    );
    let other = run(
        r#"{ "b": (shared: true), "a": () }"#,
        r#"{ "q": (capacity: 9), "p": () }"#,
        r#"["y", "x"]"#,
    );
    let text = String::from_utf8(one.clone()).unwrap();
    assert!(text.contains("the tasks share `a`, `x` and `y`"), "{text}");
    assert!(one == other);
}

#[test]
fn the_seed_is_heard() {
    let run = |seed| {
        printed(&[
            "run",
            "agents",
            "--format",
            "json",
            "--replications",
            "2",
            "--seed",
            seed,
        ])
    };
    assert!(run("1") != run("2"));
}

#[test]
fn every_shipped_scenario_is_accepted() {
    let list = String::from_utf8(printed(&["scenarios"])).expect("text");
    let files = shipped_files();
    assert!(files.len() >= 20);
    for file in files {
        let file = root().join(file);
        let name = file.file_stem().and_then(|s| s.to_str()).expect("a name");
        assert!(list.contains(name), "{name} is listed");
        printed(&["check", name]);
        printed(&["check", file.to_str().expect("a name")]);
    }
}
