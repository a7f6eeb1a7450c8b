//! The same command prints the same bytes: at any number of worker threads, and on repetition. And `check` accepts what is
//! shipped.

use assert_cmd::Command;

fn pchsim(arguments: &[&str]) -> Vec<u8> {
    let output = Command::cargo_bin("pchsim")
        .expect("the binary of this package")
        .args(arguments)
        .output()
        .expect("it can be started");
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
            pchsim(&line)
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

#[test]
fn the_seed_is_heard() {
    let run = |seed| {
        pchsim(&[
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
    let list = String::from_utf8(pchsim(&["scenarios"])).expect("text");
    let mut files: Vec<_> = std::fs::read_dir("scenarios")
        .expect("tests run in the package's folder")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "ron"))
        .collect();
    files.sort();
    assert!(files.len() >= 15);
    for file in files {
        let name = file.file_stem().and_then(|s| s.to_str()).expect("a name");
        assert!(list.contains(name), "{name} is listed");
        pchsim(&["check", name]);
        pchsim(&["check", file.to_str().expect("a name")]);
    }
}
