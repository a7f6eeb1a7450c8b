//! The program as it is here beside that of a commit: how long studies take, in turns, and whether they say the same.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Failed, cargo, root, shown, target};

/// What is run where nothing is named: a batch, rounds on shared state, queues between tasks, open arrivals, and one with many threads.
const SCENARIOS: [&str; 5] = ["scraper", "agents", "pipeline", "api", "unbalanced"];

/// So often each program runs: other work on the machine slows some runs, and hardly ever the best of these.
const ROUNDS: usize = 7;

/// Builds both programs and prints the table.
pub(crate) fn run(args: &[OsString]) -> Result<(), Failed> {
    let head = OsString::from("HEAD");
    let (commit, scenarios) = args.split_first().unwrap_or((&head, &[]));
    let named: Vec<OsString> = if scenarios.is_empty() {
        SCENARIOS.map(OsString::from).into()
    } else {
        scenarios.to_vec()
    };
    let place = target().join("ratio");
    let before = build_of(commit, &place)?;
    cargo(
        &["build", "--locked", "--release", "--bin", "pchsim"],
        &[],
        &[],
    )?;
    let here = target().join("release/pchsim");
    println!(
        "| scenario | {} | here | ratio | output |",
        commit.display()
    );
    println!("| --- | ---: | ---: | ---: | --- |");
    for scenario in named {
        let (mut times, mut said) = ([Duration::MAX; 2], [Vec::new(), Vec::new()]);
        for _ in 0..ROUNDS {
            for (i, program) in [&before, &here].into_iter().enumerate() {
                let (time, output) = once(program, &scenario)?;
                times[i] = times[i].min(time);
                said[i] = output;
            }
        }
        let [old, new] = times.map(|t| t.as_secs_f64());
        let same = if said[0] == said[1] {
            "same"
        } else {
            "differs"
        };
        println!(
            "| {} | {:.0} ms | {:.0} ms | {:.3} | {same} |",
            scenario.display(),
            1e3 * old,
            1e3 * new,
            new / old
        );
    }
    Ok(())
}

/// The program of a commit, built from a clone: what is changed here is not in it.
fn build_of(commit: &OsString, place: &Path) -> Result<PathBuf, Failed> {
    let mut asked = OsString::from(commit);
    asked.push("^{commit}");
    let mut ask = Command::new("git");
    ask.current_dir(root())
        .args(["rev-parse", "--verify", "--quiet"]);
    let answer = ask.arg(&asked).output().map_err(|e| format!("git: {e}"))?;
    if !answer.status.success() {
        return Err(format!("git knows no commit {}", commit.display()));
    }
    let full = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    let sources = place.join("sources");
    if sources.exists() {
        std::fs::remove_dir_all(&sources).map_err(|e| format!("{}: {e}", sources.display()))?;
    }
    let mut clone = Command::new("git");
    clone.args(["clone", "--quiet", "--shared", "--no-checkout"]);
    shown(clone.arg(root()).arg(&sources))?;
    let mut checkout = Command::new("git");
    checkout.arg("-C").arg(&sources);
    shown(checkout.args(["checkout", "--quiet", "--detach", &full]))?;
    let built = place.join("built");
    let manifest = sources.join("Cargo.toml").into_os_string();
    let places = [
        "--manifest-path".into(),
        manifest,
        "--target-dir".into(),
        built.clone().into(),
    ];
    cargo(
        &["build", "--locked", "--release", "--bin", "pchsim"],
        &places,
        &[],
    )?;
    Ok(built.join("release/pchsim"))
}

/// One study on one thread; how long it took, and its result.
fn once(program: &Path, scenario: &OsString) -> Result<(Duration, Vec<u8>), Failed> {
    let mut command = Command::new(program);
    command.current_dir(root()).env_remove("PCHSIM_PROFILES");
    command.arg("run").arg(scenario);
    command.args([
        "--replications",
        "5",
        "--threads",
        "1",
        "--format",
        "json",
        "--quiet",
    ]);
    let begin = Instant::now();
    let output = command
        .output()
        .map_err(|e| format!("{}: {e}", program.display()))?;
    let time = begin.elapsed();
    if output.status.success() {
        Ok((time, output.stdout))
    } else {
        let why = String::from_utf8_lossy(&output.stderr);
        Err(format!("run {}: {}", scenario.display(), why.trim()))
    }
}
