//! The command as a shell sees it: what it says, its margins and exit codes, and what it refuses.

use std::fs;

use predicates::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use crate::world::{pchsim, pchsim_in, root};

/// A place with two results and a sweep of a small scenario.
fn place() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"(schema: 1, name: "tiny", workload: (arrivals: Batch, tasks: [
        (name: "t", count: 20, steps: [Cpu(Exponential("1ms")), Io(Exponential("4ms"))])]),
        strategies: ["threads:4", "asyncio"])"#;
    fs::write(dir.path().join("tiny.ron"), text).unwrap();
    for line in [
        "run tiny.ron --replications 6 --replication-values -o a.json",
        "run tiny.ron --replications 6 --replication-values --set workload.tasks.t.count=30 -o b.json",
        "run tiny.ron --replications 6 -o plain.json",
        "sweep tiny.ron --cores 1,2 --replications 3 -o s.jsonl",
        "sweep tiny.ron --cores 2,4 --replications 3 -o t.jsonl",
    ] {
        pchsim_in(&dir).args(line.split(' ')).assert().code(0);
    }
    dir
}

#[test]
fn the_command_says_what_changed_and_exits_as_it_is_asked_to() {
    let dir = place();
    let run = |line: &str| pchsim_in(&dir).args(shlex(line)).assert();
    let shown =
        |line: &str| String::from_utf8(run(line).code(0).get_output().stdout.clone()).unwrap();
    let said = shown("compare a.json b.json");
    assert!(
        said.contains("Worse: makespan of ") && said.contains("replications compared in pairs"),
        "{said}"
    );
    assert!(shown("compare plain.json b.json").contains("means compared (Welch)"));
    assert!(shown("compare a.json a.json").contains("Nothing differs"));
    // A result and its scenario are the same, with the same seed and as many replications.
    let scenario = shown("compare a.json tiny.ron --replications 6");
    assert!(scenario.contains("Nothing differs"), "{scenario}");
    let fields =
        shown("compare tiny.ron tiny.ron --set-b workload.tasks.t.count=30 --replications 6");
    assert!(
        fields.contains("workload.tasks[0].count: 20 in A, 30 in B"),
        "{fields}"
    );
    assert!(
        shown("compare s.jsonl t.jsonl")
            .contains("The case to take is the same at the one point that both have")
    );
    // Standard input, once.
    let piped = fs::read(dir.path().join("b.json")).unwrap();
    pchsim_in(&dir)
        .args(["compare", "a.json", "-"])
        .write_stdin(piped)
        .assert()
        .code(0)
        .stdout(predicate::str::contains("B: -, scenario tiny"));
    // Margins.
    run("compare a.json b.json --max-regression 'makespan 5%'")
        .code(3)
        .stderr(predicate::str::contains(
            "failed: worse than --max-regression `makespan 5%` allows",
        ))
        .stdout(predicate::str::contains(
            "✗ makespan at most 5% worse: not kept by ",
        ));
    run("compare a.json b.json --max-regression 'makespan 500%'")
        .code(0)
        .stdout(predicate::str::contains(
            "✓ makespan at most 500% worse: kept by ",
        ));
    // Where nothing fails, a margin of failures is kept.
    run("compare a.json a.json --max-regression 'failures 0%'")
        .code(0)
        .stdout(predicate::str::contains(
            "✓ failure rate at most 0 points worse",
        ));
    run("compare a.json b.json --max-regression 'throughput 5%'").code(0);
    let json: Value = serde_json::from_str(&shown(
        "compare a.json b.json --format json --metric makespan",
    ))
    .unwrap();
    assert_eq!(
        json["points"][0]["cases"][0]["metrics"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    run("compare a.json b.json -o out.md").code(0).stdout("");
    assert!(
        fs::read_to_string(dir.path().join("out.md"))
            .unwrap()
            .starts_with("# b.json against a.json\n")
    );
}

/// Words of a line, with single quotes.
fn shlex(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    parts
        .flat_map(|(i, part)| match i % 2 {
            0 => part
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

#[test]
fn what_cannot_be_compared_is_refused_with_what_to_do() {
    let dir = place();
    fs::write(dir.path().join("table.csv"), "scenario,seed\n").unwrap();
    fs::write(dir.path().join("other.json"), "{\"a\": 1}").unwrap();
    fs::write(dir.path().join("broken.ron"), "(schema: 1").unwrap();
    for (line, says) in [
        ("compare a.json", "<B>"),
        (
            "compare a.json s.jsonl",
            "a.json is a run and s.jsonl is a sweep",
        ),
        (
            "compare s.jsonl tiny.ron",
            "tiny.ron is a run and s.jsonl is a sweep",
        ),
        ("compare - -", "standard input can be one of the two"),
        ("compare a.json nothing.json", "there is no such file"),
        ("compare a.json nothing", "cannot be read"),
        ("compare a.json table.csv", "no result that can be compared"),
        ("compare a.json other.json", "no `schema`"),
        ("compare a.json broken.ron", "broken.ron"),
        (
            "compare a.json b.json --set machine.cores=2",
            "--set cannot change",
        ),
        (
            "compare a.json b.json --set-b machine.cores=2",
            "b.json is a result, which --set-b cannot change",
        ),
        ("compare a.json b.json --seed 3", "--seed cannot change"),
        (
            "compare a.json b.json --strategy processes:4",
            "neither a.json nor b.json has a case of processes:4",
        ),
        ("compare a.json b.json --strategy nonsense", "nonsense"),
        ("compare a.json b.json --metric speed", "speed"),
        (
            "compare a.json b.json --max-regression p99",
            "write a metric and by how much",
        ),
        (
            "compare a.json b.json --max-regression 'p97 1%'",
            "holds against nothing",
        ),
        ("compare a.json b.json -o out.csv", ".json, .md or .txt"),
        (
            "compare a.json b.json --format json -o a.json --force",
            "is read by this command",
        ),
        ("run tiny.ron --replication-values", "add --format json"),
    ] {
        let output = pchsim_in(&dir)
            .args(shlex(line))
            .assert()
            .code(2)
            .get_output()
            .clone();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.replace("\n  ", " ").contains(says) && output.stdout.is_empty(),
            "{line}: {said}"
        );
    }
    // One replication tells nothing, which is a warning.
    pchsim_in(&dir)
        .args(["run", "tiny.ron", "--replications", "1", "-o", "one.json"])
        .assert()
        .code(0);
    pchsim_in(&dir)
        .args(["compare", "a.json", "one.json", "--strict"])
        .assert()
        .code(4)
        .stdout(predicate::str::contains("a single replication"));
}

#[test]
fn results_of_version_0_1_0_are_compared() {
    let folder = root().join("tests/data/v1");
    for (a, b, code) in [
        ("results/scraper.json", "results/scraper.json", 0),
        ("results/scraper.json", "scraper", 0),
        ("results/api-saturated.json", "results/chatbot.json", 0),
        (
            "results/images-small-memory.json",
            "results/pipeline-one.json",
            0,
        ),
        ("sweeps/api-grid.jsonl", "sweeps/api-grid.jsonl", 0),
        ("sweeps/scraper-cores.jsonl", "sweeps/api-grid.jsonl", 2),
    ] {
        let path = |name: &str| {
            if name.contains('/') {
                folder.join(name).display().to_string()
            } else {
                name.to_owned()
            }
        };
        pchsim()
            .args(["compare", &path(a), &path(b)])
            .assert()
            .code(code);
    }
}
