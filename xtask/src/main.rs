//! What developers do every day, each by one name: `cargo xtask` lists it. A task is the commands that one would type; all of them are
//! shown before they run, and run where the repository is.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is for people at a terminal"
)]

mod ratio;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Why a task has not come to its end.
type Failed = String;

/// A task: its name, what it takes, what it does, and how.
struct Task {
    name: &'static str,
    takes: &'static str,
    does: &'static str,
    run: fn(&[OsString]) -> Result<(), Failed>,
}

const TASKS: [Task; 8] = [
    Task {
        name: "test",
        takes: "[FILTER...]",
        does: "tests through the program and the library, or those whose path holds a filter (sweep::, command_line::)",
        run: |args| cargo(&["test", "--locked", "--test", "it", "--"], args, &[]),
    },
    Task {
        name: "bless",
        takes: "[FILTER...]",
        does: "takes golden files over as they are now, of all tests or of some",
        run: |args| {
            let always = [("INSTA_UPDATE", "always")];
            cargo(
                &["test", "--locked", "--lib", "--test", "it", "--"],
                args,
                &always,
            )
        },
    },
    Task {
        name: "docs",
        takes: "",
        does: "writes the outputs that README, docs and explanations show anew, the tables of codes, and docs/decisions.md",
        run: |args| {
            none(args)?;
            let update = [("PCHSIM_DOCS", "update")];
            // One after the other: both write docs/decisions.md.
            for tests in [
                &["advice::", "--include-ignored"][..],
                &["documented::", "explain::"][..],
            ] {
                let tests: Vec<OsString> = tests.iter().map(OsString::from).collect();
                cargo(&["test", "--locked", "--test", "it", "--"], &tests, &update)?;
            }
            Ok(())
        },
    },
    Task {
        name: "profiles",
        takes: "",
        does: "makes the shipped profiles anew from both sets of measured runs, then docs/accuracy.md",
        run: profiles,
    },
    Task {
        name: "speed",
        takes: "[WHAT...]",
        does: "the tables of benches/README.md (kernel, models, growth N, overload N), on a quiet machine",
        run: |args| {
            cargo(
                &["run", "--locked", "--release", "--example", "speed", "--"],
                args,
                &[],
            )
        },
    },
    Task {
        name: "ratio",
        takes: "[COMMIT [SCENARIO...]]",
        does: "time of the program here over that of a commit (HEAD), in turns, and whether they say the same bytes",
        run: ratio::run,
    },
    Task {
        name: "real",
        takes: "[OPTION...]",
        does: "forecasts beside the Pythons of this machine: .ci/real, for an hour, on a quiet machine",
        run: |args| shown(Command::new(root().join(".ci/real")).args(args)),
    },
    Task {
        name: "ci",
        takes: "",
        does: "all that a change has to pass: .ci/run",
        run: |args| {
            none(args)?;
            shown(&mut Command::new(root().join(".ci/run")))
        },
    },
];

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let Some(name) = args.next() else {
        println!("{}", list());
        return ExitCode::SUCCESS;
    };
    let rest: Vec<OsString> = args.collect();
    let done = match TASKS.iter().find(|t| name == t.name) {
        Some(task) => (task.run)(&rest),
        None => Err(format!("there is no task {}\n\n{}", name.display(), list())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> String {
    let mut out = String::from("cargo xtask TASK, where TASK is one of\n");
    for task in TASKS {
        let call = format!("{} {}", task.name, task.takes);
        let _ = write!(out, "\n  {call:<30} {}", task.does);
    }
    out
}

/// Where the repository is.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// The directory that cargo builds into.
fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(named) => root().join(named),
        None => root().join("target"),
    }
}

/// Refuses arguments that a task has no use for.
fn none(args: &[OsString]) -> Result<(), Failed> {
    match args.first() {
        None => Ok(()),
        Some(one) => Err(format!("this task takes nothing, not {}", one.display())),
    }
}

/// Shows a command and runs it among the sources.
fn shown(command: &mut Command) -> Result<(), Failed> {
    command.current_dir(root());
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ");
    let set = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let mut shown = String::from("$ ");
    for (name, value) in set {
        let _ = write!(shown, "{}={} ", name.display(), value.display());
    }
    eprintln!("{shown}{line}");
    let status = command.status().map_err(|e| format!("{line}: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{line}: {status}"))
    }
}

/// The cargo that runs this.
fn cargo(words: &[&str], more: &[OsString], env: &[(&str, &str)]) -> Result<(), Failed> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    shown(command.args(words).args(more).envs(env.iter().copied()))
}

/// Each set gives profiles of its own interpreters, too: those that are not shipped go again.
fn profiles(args: &[OsString]) -> Result<(), Failed> {
    none(args)?;
    let profiles = || -> Result<Vec<PathBuf>, Failed> {
        let entries =
            std::fs::read_dir(root().join("profiles")).map_err(|e| format!("profiles: {e}"))?;
        let paths = entries.map(|e| e.map(|e| e.path()));
        paths
            .collect::<Result<_, _>>()
            .map_err(|e| format!("profiles: {e}"))
    };
    let shipped = profiles()?;
    // The program carries the profiles: what is made of the second set and the forecasts see those of the first.
    let validate = |words: &str| {
        let line =
            format!("run --locked --release --quiet --bin pchsim -- validate {words} --force");
        cargo(&line.split(' ').collect::<Vec<_>>(), &[], &[])
    };
    for set in ["tests/data/reference", "tests/data/reference-second"] {
        validate(&format!("{set} --write-profiles profiles"))?;
        for path in profiles()? {
            if !shipped.contains(&path) {
                std::fs::remove_file(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            }
        }
    }
    validate("tests/data/reference --format markdown -o docs/accuracy.md")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_described() {
        let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
        for task in TASKS {
            let (short, long) = (format!("`{}`", task.name), format!("`{} ", task.name));
            let described = text
                .lines()
                .any(|l| l.starts_with("| `") && (l.contains(&short) || l.contains(&long)));
            assert!(described, "CONTRIBUTING.md lacks {}", task.name);
        }
    }

    #[test]
    fn arguments_that_nobody_takes_are_refused() {
        assert_eq!(none(&[]), Ok(()));
        let said = none(&["x".into()]).unwrap_err();
        assert!(said.contains("not x"), "{said}");
    }
}
