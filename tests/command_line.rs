//! The program as a shell sees it: exit codes, streams, hints.

use assert_cmd::Command;
use predicates::prelude::*;

fn pchsim() -> Command {
    Command::cargo_bin("pchsim").unwrap()
}

#[test]
fn help_is_a_result() {
    pchsim()
        .arg("--help")
        .assert()
        .code(0)
        .stdout(predicate::str::contains("run"))
        .stderr("");
    pchsim()
        .args(["run", "--help"])
        .assert()
        .code(0)
        .stdout(predicate::str::contains("Exit codes"));
    pchsim()
        .arg("--version")
        .assert()
        .code(0)
        .stdout(predicate::str::starts_with("pchsim "));
}

/// One table of exit codes, the same wherever users look.
#[test]
fn exit_codes_are_the_same_everywhere() {
    let help = pchsim().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for file in ["README.md", "docs/output-format.md"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let (_, section) = text.split_once("## Exit codes").unwrap();
        for (exit, meaning) in pchsim::cli::Exit::ALL {
            let row = format!("| {} | {meaning} |", exit as u8);
            assert!(section.contains(&row), "{file}: {row}");
            let line = format!("{} {}", exit as u8, meaning.replace('`', ""));
            assert!(words(&help).contains(&line), "--help: {line}");
        }
        assert_eq!(
            section.matches("\n| ").count(),
            pchsim::cli::Exit::ALL.len() + 2,
            "{file}: no other codes"
        );
    }
}

#[test]
fn bad_usage_has_code_2_and_says_why_on_stderr() {
    for line in [
        vec![],
        vec!["run"],
        vec!["run", "x", "--cores", "0"],
        vec!["run", "x", "--precision", "0%"],
        vec!["walk"],
    ] {
        pchsim()
            .args(&line)
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::is_empty().not());
    }
}

#[test]
fn cores_given_twice_are_refused() {
    for set in [
        "machine.cores=8",
        "machine.visible_cpus=2",
        "machine.speeds=[1.0, 0.5]",
    ] {
        pchsim()
            .args(["run", "scraper", "--cores", "2", "--set", set])
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::contains("--cores 2").and(predicate::str::contains(set)));
    }
}

#[test]
fn a_bare_scenario_suggests_run() {
    pchsim()
        .arg("my.ron")
        .assert()
        .code(2)
        .stderr(predicate::str::contains("pchsim run my.ron"));
}

#[test]
fn a_missing_scenario_is_a_users_error() {
    pchsim()
        .args(["run", "no-such-scenario.ron"])
        .assert()
        .code(2)
        .stdout("")
        .stderr(predicate::str::contains("no-such-scenario"));
}
