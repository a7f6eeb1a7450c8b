//! The program as a shell sees it: exit codes, streams, hints.

use predicates::prelude::*;

use crate::world::{pchsim, pchsim_in, root};

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
    let man = |name: &str| pchsim_in(&dir).args(["man", name]).assert();
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
        let path = root().join(file);
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
                "a computer has no more",
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

/// A negative number belongs to the option before it, which says what it takes.
#[test]
fn negative_numbers_are_answered_by_their_options() {
    for (line, parts) in [
        (
            "run scraper --seed -1",
            ["'-1' for '--seed <N>'", "a whole number, 0 or more"],
        ),
        (
            "run scraper --cores -2",
            ["'-2' for '--cores <N>'", "from 1 to"],
        ),
        (
            "run scraper --precision -5%",
            ["'-5%' for '--precision", "2%, or 0.02"],
        ),
        (
            "ps scraper --at -1.5s",
            ["'-1.5s' for '--at <TIME>'", "negative"],
        ),
        (
            "timeline scraper --rows -3",
            ["'-3' for '--rows", "0 or more"],
        ),
        ("run scraper -1", ["unexpected argument '-1'", "Usage"]),
    ] {
        let output = pchsim().args(line.split_whitespace()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        for part in parts {
            assert!(said.contains(part), "{line}: {part}: {said}");
        }
    }
}

/// Which file, why, and what would do: in words, whatever the command.
#[test]
fn files_that_cannot_be_read_are_named_with_what_is_expected() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("plain"), "text").unwrap();
    for (line, parts) in [
        (
            "run no.ron",
            ["no.ron cannot be read", "Shipped with pchsim"],
        ),
        (
            "plot no.json",
            ["cannot read no.json", "name a result of `pchsim run"],
        ),
        (
            "report no.json",
            ["cannot read no.json", "name a result of `pchsim run"],
        ),
        (
            "plot plain/x",
            ["a part of its path is no directory", "name a result"],
        ),
        (
            "run scraper --interpreter ./no.ron",
            [
                "cannot read the profile ./no.ron",
                "`pchsim profiles` lists",
            ],
        ),
        (
            "profiles diff cpython-3.14 ./no.ron",
            [
                "cannot read the profile ./no.ron",
                "`pchsim calibrate -o FILE.ron`",
            ],
        ),
        (
            "validate no",
            ["measured.json", "name a directory of measured runs"],
        ),
        ("record --trace no.csv", ["no.csv", "name a trace: CSV"]),
        (
            "record -- ./no-program",
            ["no-program", "there is no such file"],
        ),
    ] {
        let mut command = pchsim_in(&dir);
        command.args(line.split_whitespace());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(!said.contains("os error"), "{line}: {said}");
        for part in parts {
            assert!(said.contains(part), "{line}: {part}: {said}");
        }
    }
}

/// An interpreter that nobody knows is the first thing that is said, however it was asked for.
#[test]
fn unknown_interpreters_are_said_alike() {
    let says = |args: &[&str]| {
        let output = pchsim().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let asked = says(&["run", "scraper", "--interpreter", "cpython-3.1"]);
    let expected = "error: no interpreter profile is called `cpython-3.1`; did you mean";
    assert!(asked.starts_with(expected), "{asked}");
    // Strategies of this scenario are meant for other interpreters: that is no reason to blame them.
    for set in [
        "interpreters=[\"cpython-3.1\"]",
        "interpreters=cpython-3.1",
        "interpreters=[\"cpython-3.14\", \"cpython-3.1\"]",
    ] {
        assert_eq!(says(&["run", "scraper", "--set", set]), asked, "{set}");
        assert_eq!(says(&["ps", "scraper", "--at", "1s", "--set", set]), asked);
        let swept = says(&["sweep", "scraper", "--cores", "1,2", "--set", set]);
        assert_eq!(swept, asked, "{set}");
        let checked = says(&["check", "scraper", "--set", set]);
        assert!(
            checked.contains(expected.trim_start_matches("error: ")),
            "{checked}"
        );
    }
    // One that is known is no such case: the strategies are.
    let said = says(&["run", "scraper", "--set", "interpreters=cpython-3.15"]);
    for part in [
        "error[unknown-name]",
        "--interpreter NAME runs all strategies",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

/// What becomes of the strategies is said of work that is done, and not before a refusal.
#[test]
fn a_note_does_not_stand_before_a_refusal() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("taken.json"), "").unwrap();
    let line = "run scraper --interpreter cpython-3.15 --replications 1 -o";
    let said = |file: &str, code: i32| {
        let mut command = pchsim_in(&dir);
        command.args(line.split_whitespace()).arg(file);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    };
    let note = "note: run on cpython-3.15 instead of";
    assert!(!said("taken.json", 2).contains(note));
    assert!(said("free.json", 0).contains(note));
}

/// With one task at a time nothing waits for a loop that computes, and nothing is said of offloading.
#[test]
fn a_loop_with_one_task_blocks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = |count: u32, steps: &str| {
        let text = format!(
            r#"(schema: 1, name: "x", interpreters: ["cpython-3.14"], workload: (arrivals: Batch,
            tasks: [(name: "t", count: {count}, steps: [{steps}])]))"#
        );
        std::fs::write(dir.path().join("x.ron"), text).unwrap();
    };
    let says = |strategy: &str| {
        let mut command = pchsim_in(&dir);
        command.args([
            "run",
            "x.ron",
            "--replications",
            "3",
            "--strategy",
            strategy,
        ]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("blocked-loop")
    };
    scenario(1, r#"Cpu("300ms")"#);
    assert!(!says("asyncio"));
    scenario(2, r#"Cpu("300ms")"#);
    assert!(says("asyncio") && !says("asyncio:1"));
    scenario(1, r#"FanOut(2, [Cpu("300ms")])"#);
    assert!(says("asyncio"));
}

/// The way out of too little memory is one that the figures leave.
#[test]
fn fewer_workers_are_no_help_where_one_is_too_much() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"(schema: 1, name: "x", interpreters: ["cpython-3.14"], machine: (memory: "150MB"),
        workload: (arrivals: Batch, imports: (memory: "100MB"), tasks: [(name: "t", count: 9, steps: [Hold("5MB", [Cpu("1ms")])])]))"#;
    std::fs::write(dir.path().join("x.ron"), text).unwrap();
    let says = |args: &[&str]| {
        let mut command = pchsim_in(&dir);
        command.args(["run", "x.ron"]).args(args);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, warning) = text.split_once("warning[out-of-memory]").unwrap();
        warning.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let spawned = says(&["--strategy", "processes:4:spawn"]);
    let forked = says(&["--strategy", "processes:30:fork"]);
    let nothing = says(&["--strategy", "sequential", "--set", "machine.memory=90MB"]);
    assert!(
        spawned.contains("one worker with imports of its own leaves no room"),
        "{spawned}"
    );
    assert!(!spawned.contains("fewer workers"), "{spawned}");
    assert!(forked.contains("Use fewer workers, or raise"), "{forked}");
    assert!(
        nothing.contains("Import less, or raise the machine's memory limit: the interpreter"),
        "{nothing}"
    );
    assert!(!nothing.contains("workers"), "{nothing}");
}
