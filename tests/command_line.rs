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
fn a_command_is_no_directory_for_manual_pages() {
    let dir = tempfile::tempdir().unwrap();
    let man = |name: &str| pchsim().current_dir(&dir).args(["man", name]).assert();
    let said = man("run").code(2).get_output().stderr.clone();
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("pchsim run --help"), "{said}");
    assert!(!dir.path().join("run").exists());
    man("./run").success();
    assert!(dir.path().join("run/pchsim-run.1").exists());
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

/// What an option takes is said where it is given something else: what was found, what is expected, an example or what to do.
#[test]
fn options_say_what_they_take() {
    for (line, parts) in [
        (
            "run x --cores abc",
            &[
                "'abc'",
                "--cores",
                "whole number from 1 to 4096, for example 8",
            ][..],
        ),
        (
            "run x --cores 5000",
            &[
                "'5000'",
                "more than the limit MAX_CORES (4096)",
                "one computer",
            ],
        ),
        ("ps x --at 1s --cores 0", &["'0'", "from 1 to 4096"]),
        ("verify x --cores 1..4", &["'1..4'", "from 1 to 4096"]),
        (
            "record --trace x --cores -",
            &["'-'", "whole number from 1 to 4096"],
        ),
        (
            "run x --replications 200000",
            &["MAX_REPLICATIONS (100 000)", "--precision"],
        ),
        ("run x --threads many", &["'many'", "for example 2"]),
        ("run x --seed 1.5", &["'1.5'", "a whole number, 0 or more"]),
        ("run x --max-events 0", &["a whole number, 1 or more"]),
        (
            "run x --width x",
            &["'x'", "whole number from 40 to 1000, for example 80"],
        ),
        ("run x --width 10", &["'10'", "from 40 to 1000"]),
        ("timeline x --rows few", &["'few'", "for example 24"]),
        ("ps x --at 1s --limit few", &["'few'", "for example 20"]),
        (
            "ps x --at soon",
            &["\"soon\" is not a duration", "for example 250ms, 1.5s"],
        ),
        ("ps x --at 7", &["has no unit", "for example 250ms, 1.5s"]),
        (
            "ps x --at 1000000d",
            &["longer than the limit MAX_DURATION (1000 days)"],
        ),
        (
            "timeline x --window 2s",
            &[
                "'2s'",
                "two times with two dots between them, for example 10ms..60ms",
            ],
        ),
        (
            "run x --trace t --trace-window 3s..2s",
            &["ends before it begins", "10ms..60ms"],
        ),
        ("verify x --limit 0s", &["above zero", "5m"]),
        (
            "run x --set machine.cores",
            &["PATH=VALUE", "machine.cores=8"],
        ),
        ("run x --precision lots", &["2%, or 0.02"]),
    ] {
        let output = pchsim().args(line.split_whitespace()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        for part in parts {
            assert!(said.contains(part), "{line}: {part}: {said}");
        }
    }
}

/// An instant after the end shows how it ended, and when that was.
#[test]
fn an_instant_past_the_run_says_when_it_ended() {
    pchsim()
        .args(["ps", "scraper", "--strategy", "asyncio", "--at", "900d"])
        .assert()
        .code(0)
        .stdout(predicate::str::contains("this is how it ended"));
}

/// What is asserted and an objective already is one line, however it is written.
#[test]
fn an_assertion_that_is_an_objective_stands_once() {
    let run = |asserts: &[&str]| {
        let mut command = pchsim();
        command.args(["run", "scraper", "-q", "--strategy", "threads:32"]);
        command.args(["--replications", "2", "--interpreter", "cpython-3.14"]);
        for assert in asserts {
            command.args(["--assert", assert]);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, objectives) = text.split_once("Objectives\n").unwrap();
        let lines: Vec<String> = objectives
            .lines()
            .take_while(|l| !l.is_empty())
            .map(str::to_owned)
            .collect();
        (output.status.code(), lines)
    };
    let (_, own) = run(&[]);
    assert_eq!(own.len(), 2, "{own:?}");
    // `makespan < 30s` is missed, `memory < 512MiB` is met.
    for (asserts, code, more) in [
        (&["makespan < 30s"][..], 3, 0),
        (&["makespan<30000ms", "makespan < 0.5m"], 3, 0),
        (&["memory<0.5GiB"], 0, 0),
        (&["memory < 512MiB", "makespan < 90s", "makespan<90s"], 0, 1),
    ] {
        let (got, lines) = run(asserts);
        assert_eq!(got, Some(code), "{asserts:?}");
        assert_eq!(lines.len(), own.len() + more, "{asserts:?}: {lines:?}");
        assert_eq!(lines[..2], own[..], "{asserts:?}");
    }
}
