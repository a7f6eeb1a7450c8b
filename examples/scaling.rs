//! How well a sweep scales: `pchsim sweep --cores 1..16` on the scraper with one thread, with two, and as two independent processes of one
//! thread each, in turns. Prints a table as Markdown.
//!
//! ```text
//! cargo run --release --example scaling                  five rounds
//! cargo run --release --example scaling -- 9 20         nine rounds of 20 replications
//! ```
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

/// What is swept: 16 points of seven cases.
const SWEEP: [&str; 4] = ["sweep", "scraper", "--cores", "1..16"];
const POINTS: f64 = 16.0;
const CASES: f64 = 7.0;

/// Scaling to two threads should reach this share of what two processes reach.
const GOAL: f64 = 0.95;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|a| a == SWEEP[0]) {
        // A run that is measured: the program itself.
        return pchsim::cli::main();
    }
    let number = |i: usize, default: u32| args.get(i).map_or(Ok(default), |a| a.parse());
    let (Ok(rounds), Ok(replications)) = (number(1, 5), number(2, 10)) else {
        println!("usage: scaling [ROUNDS [REPLICATIONS]]");
        return ExitCode::from(2);
    };
    match measure(rounds.max(1), replications.max(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            println!("failed: {e:#}");
            ExitCode::FAILURE
        }
    }
}

/// Wall times of a round.
struct Round {
    one: Duration,
    two: Duration,
    /// Until both processes are done, each with the whole work.
    processes: Duration,
    /// Processor seconds of each, where the system tells.
    cpu: Option<[f64; 3]>,
}

impl Round {
    /// How many times faster two threads are than one.
    fn scaling(&self) -> f64 {
        self.one.as_secs_f64() / self.two.as_secs_f64()
    }

    /// How many times as much two processes get done.
    fn reachable(&self) -> f64 {
        2.0 * self.one.as_secs_f64() / self.processes.as_secs_f64()
    }

    fn ratio(&self) -> f64 {
        self.scaling() / self.reachable()
    }
}

fn measure(rounds: u32, replications: u32) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let run = |threads: &str, name: &str| start(dir.path(), threads, name, replications);
    let mut all = Vec::new();
    // Once for the caches; and all results must be the same bytes.
    let reference = finish(run("1", "reference")?)?;
    let reference = std::fs::read(&reference.0)?;
    println!(
        "`pchsim {} --replications {replications}`: {POINTS} points, {} simulations\n",
        SWEEP.join(" "),
        simulations(replications)
    );
    println!(
        "| round | 1 thread | 2 threads | 2 processes, the work twice | scaling | of 2 processes | ratio |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for number in 1..=rounds {
        let mut cpu = vec![cpu_of_children()];
        let since = Instant::now();
        let one = finish(run("1", "one")?)?;
        let one_time = since.elapsed();
        cpu.push(cpu_of_children());
        let since = Instant::now();
        let two = finish(run("2", "two")?)?;
        let two_time = since.elapsed();
        cpu.push(cpu_of_children());
        let since = Instant::now();
        let both = [run("1", "a")?, run("1", "b")?];
        let both: Vec<_> = both
            .into_iter()
            .map(finish)
            .collect::<anyhow::Result<_>>()?;
        let processes = since.elapsed();
        cpu.push(cpu_of_children());
        let round = Round {
            one: one_time,
            two: two_time,
            processes,
            cpu: spent(&cpu),
        };
        for Output(file) in both.iter().chain([&one, &two]) {
            ensure!(
                std::fs::read(file)? == reference,
                "{} differs",
                file.display()
            );
        }
        row(&number.to_string(), &round);
        all.push(round);
    }
    summary(&all, replications);
    Ok(())
}

/// Processor seconds of all processes that have ended; nothing where the system does not say (it does on Linux, in hundredths).
fn cpu_of_children() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let mut ticks = after_name.split_whitespace().skip(13);
    let (user, system) = (ticks.next()?, ticks.next()?);
    Some((user.parse::<f64>().ok()? + system.parse::<f64>().ok()?) / 100.0)
}

/// What lies between readings.
fn spent(readings: &[Option<f64>]) -> Option<[f64; 3]> {
    let all: Vec<f64> = readings.iter().copied().collect::<Option<_>>()?;
    let between: Vec<f64> = all.windows(2).map(|w| w[1] - w[0]).collect();
    between.try_into().ok()
}

fn simulations(replications: u32) -> f64 {
    POINTS * CASES * f64::from(replications)
}

fn row(name: &str, r: &Round) {
    println!(
        "| {name} | {:.2} s | {:.2} s | {:.2} s | {:.3} | {:.3} | {:.3} |",
        r.one.as_secs_f64(),
        r.two.as_secs_f64(),
        r.processes.as_secs_f64(),
        r.scaling(),
        r.reachable(),
        r.ratio()
    );
}

/// The medians of times and ratios (a round's three runs share their minute, different rounds do not).
fn summary(all: &[Round], replications: u32) {
    let median = |of: &dyn Fn(&Round) -> f64| {
        let mut values: Vec<f64> = all.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (one, two) = (
        median(&|r| r.one.as_secs_f64()),
        median(&|r| r.two.as_secs_f64()),
    );
    let processes = median(&|r| r.processes.as_secs_f64());
    println!(
        "| median | {one:.2} s | {two:.2} s | {processes:.2} s | {:.3} | {:.3} | {:.3} |\n",
        median(&Round::scaling),
        median(&Round::reachable),
        median(&Round::ratio)
    );
    println!("| | wall time | points/s | simulations/s |\n| --- | ---: | ---: | ---: |");
    for (name, seconds, times) in [
        ("1 thread", one, 1.0),
        ("2 threads", two, 1.0),
        ("2 processes, the work twice", processes, 2.0),
    ] {
        println!(
            "| {name} | {seconds:.2} s | {:.2} | {:.0} |",
            times * POINTS / seconds,
            times * simulations(replications) / seconds
        );
    }
    if all.iter().all(|r| r.cpu.is_some()) {
        let cpu = |i: usize| median(&|r: &Round| r.cpu.map_or(f64::NAN, |c| c[i]));
        println!(
            "\nProcessor time: {:.2} s with 1 thread, {:.2} s with 2, {:.2} s of 2 processes. The machine gave 2 threads {:.2} cores, 2 processes {:.2}: below 1.9 it was not quiet.",
            cpu(0),
            cpu(1),
            cpu(2),
            cpu(1) / two,
            cpu(2) / processes
        );
    }
    let ratio = median(&Round::ratio);
    let verdict = if ratio >= GOAL { "reached" } else { "missed" };
    println!(
        "\nGoal: 2 threads at {GOAL} of what 2 processes reach or better: {ratio:.3}, {verdict}."
    );
}

/// The file that a run has written.
struct Output(PathBuf);

fn start(
    dir: &Path,
    threads: &str,
    name: &str,
    replications: u32,
) -> anyhow::Result<(Child, PathBuf)> {
    let file = dir.join(format!("{name}.jsonl"));
    let child = Command::new(std::env::current_exe()?)
        .args(SWEEP)
        .args(["--replications", &replications.to_string()])
        .args(["--threads", threads, "--force", "-qq", "-o"])
        .arg(&file)
        .stdin(Stdio::null())
        .spawn()
        .context("cannot run the sweep")?;
    Ok((child, file))
}

fn finish((mut child, file): (Child, PathBuf)) -> anyhow::Result<Output> {
    let status = child.wait()?;
    ensure!(status.success(), "the sweep ended with {status}");
    Ok(Output(file))
}
