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
}

/// The version alone where it is asked for alone; the build only where nothing depends on it.
#[test]
fn versions_say_what_was_built_and_results_do_not() {
    let version = env!("CARGO_PKG_VERSION");
    pchsim()
        .arg("-V")
        .assert()
        .code(0)
        .stdout(format!("pchsim {version}\n"))
        .stderr("");
    let built = r"(debug build|commit unknown|commit [0-9a-f]{12}( with changes)?), [a-z0-9_]+(-[a-z0-9_.]+)+";
    pchsim()
        .arg("--version")
        .assert()
        .code(0)
        .stdout(predicate::str::is_match(format!("^pchsim {version} \\({built}\\)\n$")).unwrap())
        .stderr("");
    let line = [
        "run",
        "sum_of_squares",
        "--replications",
        "1",
        "--format",
        "json",
    ];
    let output = pchsim().args(line).output().unwrap();
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let program = serde_json::json!({"name": "pchsim", "version": version});
    assert_eq!(result["program"], program);
}

#[test]
fn every_command_has_a_manual_page() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("man/man1");
    let write = |more: &[&str]| pchsim().arg("man").arg(&place).args(more).assert();
    write(&[]).code(0).stdout("");
    let page = |name: &str| std::fs::read_to_string(place.join(name)).unwrap();
    let help = pchsim().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let names = commands
        .lines()
        .filter_map(|l| l.strip_prefix("  ")?.split(' ').next())
        .filter(|n| !n.is_empty() && *n != "help");
    let mut count = 0;
    for name in names {
        let text = page(&format!("pchsim-{name}.1"));
        assert!(text.contains(&format!(".TH pchsim-{name} 1 ")), "{name}");
        assert!(
            page("pchsim.1").contains(&format!("pchsim\\-{name}(1)")),
            "{name}"
        );
        count += 1;
    }
    assert!(count > 15, "{count} commands");
    // Examples as they are laid out, and exit codes, wherever the help has them.
    let run = page("pchsim-run.1");
    assert!(
        run.contains(".SH EXAMPLES\n.nf\n  pchsim run scraper\n"),
        "{run}"
    );
    assert!(run.contains(".SH \"EXIT CODES\"\n"), "{run}");
    assert!(page("pchsim-sweep.1").contains(".SH VALUES\n.nf\n"));
    assert!(page("pchsim-profiles-diff.1").contains("threshold"));

    pchsim()
        .arg("man")
        .assert()
        .code(0)
        .stdout(page("pchsim.1"));
    write(&[])
        .code(2)
        .stderr(predicate::str::contains("--force"));
    write(&["--force"]).code(0);
    pchsim().args(["man", "-"]).assert().code(2);
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
