//! `pchsim advise`: which approach to concurrency to take.

mod carried;
mod case;
mod kept;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args as ClapArgs;

use self::carried::{benchmark_command, python_of, verified};
use self::case::{Case, case};
use self::kept::{kept, placed};
use super::candidates;
use super::exit::{Exit, UserError};
use super::files::Files;
use super::format::FileKind;
use super::output::Output;
use super::printer::Printer;
use super::selection::find_profile;
use super::values::{integer, seed};
use super::verify;
use super::words::quoted;
use crate::advise::{Advice, Ask, Depth, advise};
use crate::host;
use crate::profiles::of_scenario;
use crate::report;
use crate::study::{StudyError, StudyProgress};

/// What `pchsim advise` is told.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    after_long_help = "Without a scenario it asks: what a task does, how tasks come, what is required. Each question has an option below; what neither is asked nor given takes its default. With a scenario, or a program to record, only the requirements are taken from the options.

Every approach that the constraints allow is simulated over numbers of workers, and the figures decide. The decision tree that is taught is gone through beside it, and where the two disagree the mechanism is named.

Examples:
  pchsim advise
  pchsim advise --workload hybrid --latency-ms 100 --memory-mb 256 --cores 4 --no-expensive-startup
  pchsim advise scraper --memory-mb 400
  pchsim advise scraper --priority memory --format json
  pchsim advise --answers answers.ron --save my.ron
  pchsim advise -- python my_program.py

Exit codes: 0 done, 2 bad usage, answers or scenario, 3 nothing does what is required."
)]
pub(crate) struct Args {
    /// Name of a shipped scenario, a file, or - for standard input [default: asks]
    #[arg(add = candidates::scenario())]
    pub scenario: Option<String>,
    /// Record this program, and advise on what was recorded (after --)
    #[arg(last = true, value_name = "PROGRAM", conflicts_with = "scenario")]
    pub program: Vec<OsString>,
    /// The work.
    #[command(flatten)]
    pub work: Work,
    /// What is required.
    #[command(flatten)]
    pub required: Required,

    /// Override a field of the scenario (repeatable), for example machine.cores=8
    #[arg(long, value_name = "PATH=VALUE", value_parser = super::check::parse_set, help_heading = "How much to simulate")]
    pub set: Vec<(String, String)>,
    /// Master seed [default: the scenario's]
    #[arg(long, value_name = "N", value_parser = seed, help_heading = "How much to simulate")]
    pub seed: Option<u64>,
    /// Worker threads; the advice does not depend on them [default: one for each core]
    #[arg(long, value_name = "N", value_parser = integer::<u32>(1..=4096, "2"), help_heading = "How much to simulate")]
    pub threads: Option<u32>,
    /// Only the recommendation: not when others would be better, nor what a wrong input would change
    #[arg(long, help_heading = "How much to simulate")]
    pub quick: bool,

    /// Where the result is written, and how.
    #[command(flatten)]
    pub output: Output,
    /// Keep what was answered, recorded or changed as a scenario in this file (.ron), in which each kind of task has its place where that is recommended
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub save: Option<PathBuf>,
    /// Draw processes, loops, pools, queues and resources of what is recommended into this file (.svg)
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub diagram: Option<PathBuf>,
    /// Write benchmarks of what is recommended and of the single thread to this directory, to put your own functions into
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub benchmark: Option<PathBuf>,
    /// Measure what is recommended and the single thread on this Python at once, and hold the forecast against them [default PYTHON: one of the recommended version, else python3]
    #[arg(long, value_name = "PYTHON", num_args = 0..=1, default_missing_value = "", help_heading = "Output")]
    pub verify: Option<String>,
}

/// Options that say what the work is: questions that a scenario answers by itself.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Work {
    /// What a task does mostly: cpu, io or hybrid
    #[arg(long, add = candidates::answer("workload"), value_name = "KIND", help_heading = "The work", conflicts_with_all = ["scenario", "program"])]
    pub workload: Option<String>,
    /// Whether tasks can be executed side by side: parallel, or sequential
    #[arg(long, add = candidates::answer("order"), value_name = "ORDER", help_heading = "The work", conflicts_with_all = ["scenario", "program"])]
    pub order: Option<String>,
    /// How tasks come: 100 (at once), 80/s, or '20 users'
    #[arg(long, value_name = "ARRIVALS", help_heading = "The work", conflicts_with_all = ["scenario", "program"])]
    pub arrivals: Option<String>,
    /// How long a task computes, for example 20ms
    #[arg(long, value_name = "TIME", help_heading = "The work", conflicts_with_all = ["scenario", "program"])]
    pub cpu: Option<String>,
    /// How long a task waits for something outside, for example 40ms
    #[arg(long, value_name = "TIME", help_heading = "The work", conflicts_with_all = ["scenario", "program"])]
    pub wait: Option<String>,
    /// How large is what a task is given and what it returns, for example 10kB
    #[arg(long, value_name = "SIZE", help_heading = "The work", conflicts_with_all = ["scenario", "program"])]
    pub payload: Option<String>,
    /// Starting is expensive (imports, a model to load)
    #[arg(long, help_heading = "The work", conflicts_with_all = ["scenario", "program", "no_expensive_startup"])]
    pub expensive_startup: bool,
    /// Starting is not expensive
    #[arg(long, help_heading = "The work", conflicts_with_all = ["scenario", "program"])]
    pub no_expensive_startup: bool,
    /// How long starting takes, for example 2s
    #[arg(long, value_name = "TIME", help_heading = "The work", conflicts_with_all = ["scenario", "program", "no_expensive_startup"])]
    pub startup_time: Option<String>,
    /// How much memory it takes, for example 300MB
    #[arg(long, value_name = "SIZE", help_heading = "The work", conflicts_with_all = ["scenario", "program", "no_expensive_startup"])]
    pub startup_memory: Option<String>,
    /// Take answers from this file: {"workload": "hybrid", "cores": 4, ...}
    #[arg(long, add = candidates::answers(), value_name = "FILE", help_heading = "The work", conflicts_with_all = ["scenario", "program"])]
    pub answers: Option<PathBuf>,
    /// Ask nothing: what is not given takes its default
    #[arg(long, help_heading = "The work", conflicts_with_all = ["scenario", "program"])]
    pub defaults: bool,
}

/// Options that say what is required.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Required {
    /// How long a task may take at most, in milliseconds
    #[arg(long, value_name = "MS", help_heading = "What is required")]
    pub latency_ms: Option<String>,
    /// For how many of the tasks, for example p99 [default: p95]
    #[arg(long, value_name = "PERCENTILE", help_heading = "What is required")]
    pub percentile: Option<String>,
    /// How much memory all of it may take, in megabytes
    #[arg(long, value_name = "MB", help_heading = "What is required")]
    pub memory_mb: Option<String>,
    /// How many CPU cores there are
    #[arg(long, value_name = "N", help_heading = "What is required")]
    pub cores: Option<String>,
    /// Which versions of Python may be taken, for example 3.13,3.14
    #[arg(long, value_name = "VERSIONS", help_heading = "What is required")]
    pub python: Option<String>,
    /// Whether the free-threaded build may be taken: yes, no, or extensions (one is not ready, and enables the GIL)
    #[arg(long, add = candidates::answer("free-threading"), value_name = "ANSWER", help_heading = "What is required")]
    pub free_threading: Option<String>,
    /// Whether tasks change the same objects: isolated, or shared
    #[arg(long, add = candidates::answer("state"), value_name = "STATE", help_heading = "What is required")]
    pub state: Option<String>,
    /// A task that crashes must leave the others alone
    #[arg(
        long,
        help_heading = "What is required",
        conflicts_with = "no_isolation"
    )]
    pub isolation: bool,
    /// A task that crashes may take the others with it
    #[arg(long, help_heading = "What is required")]
    pub no_isolation: bool,
    /// What matters most: latency, throughput, memory, cost or simplicity
    #[arg(long, add = candidates::answer("priority"), value_name = "PRIORITY", help_heading = "What is required")]
    pub priority: Option<String>,
    /// What the program does today: sequential, threads, free-threading, processes, asyncio, asyncio+threads, asyncio+free-threading, asyncio+processes, asyncio+interpreters, interpreters or servers
    #[arg(long, add = candidates::answer("current"), value_name = "APPROACH", help_heading = "What is required")]
    pub current: Option<String>,
}

impl Args {
    /// What is said by options, as answers.
    fn given(&self) -> Vec<(&'static str, String)> {
        let (w, r) = (&self.work, &self.required);
        let text = |t: &Option<String>| t.clone();
        let yes_no = |yes: bool, no: bool| match (yes, no) {
            (true, _) => Some("y".to_owned()),
            (_, true) => Some("n".to_owned()),
            _ => None,
        };
        let all = [
            ("workload", text(&w.workload)),
            ("order", text(&w.order)),
            ("state", text(&r.state)),
            ("arrivals", text(&w.arrivals)),
            ("cpu", text(&w.cpu)),
            ("wait", text(&w.wait)),
            ("payload", text(&w.payload)),
            ("latency-ms", text(&r.latency_ms)),
            ("percentile", text(&r.percentile)),
            ("memory-mb", text(&r.memory_mb)),
            ("cores", text(&r.cores)),
            (
                "expensive-startup",
                yes_no(
                    w.expensive_startup || w.startup_time.is_some() || w.startup_memory.is_some(),
                    w.no_expensive_startup,
                ),
            ),
            ("startup-time", text(&w.startup_time)),
            ("startup-memory", text(&w.startup_memory)),
            ("python", text(&r.python)),
            ("free-threading", text(&r.free_threading)),
            ("isolation", yes_no(r.isolation, r.no_isolation)),
            ("priority", text(&r.priority)),
            ("current", text(&r.current)),
        ];
        all.into_iter().filter_map(|(k, v)| Some((k, v?))).collect()
    }
}

/// Runs the subcommand; the exit code.
///
/// # Errors
/// Answers or the scenario are not valid, the program cannot be recorded, or an output cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let mut files = Files::new(args.output.force);
    let output = args.output.place(&mut files)?;
    let save = files.optional_of(FileKind::SCENARIO, args.save.as_deref())?;
    let diagram = files.optional_of(FileKind::DIAGRAM, args.diagram.as_deref())?;
    // What will be in the way after the work is in the way before it.
    if let Some(python) = args.verify.as_deref().filter(|p| !p.is_empty()) {
        host::find(python).map_err(|e| UserError::new(format!("--verify: {e}")))?;
    }
    if let Some(dir) = &args.benchmark {
        Files::folder(dir)?;
    }
    let Some(case) = case(args, &mut files, printer)? else {
        return Ok(Exit::Interrupted as u8);
    };
    if let Some(dir) = &args.benchmark {
        verify::check_folder(dir, &case.scenario.name, &files)?;
    }
    let profiles = of_scenario(&case.scenario, find_profile)?;
    let ask = Ask {
        scenario: &case.scenario,
        profiles: &profiles,
        constraints: case.constraints.clone(),
        depth: if args.quick {
            Depth::Answer
        } else {
            Depth::Whole
        },
        threads: args.threads.map(|n| n as usize),
    };
    let progress = printer.progress_bar();
    let made = advise(&ask, &|done| {
        progress.show(StudyProgress {
            done,
            planned: done,
        });
    });
    progress.finish();
    let mut advice = made.map_err(|e| match e {
        crate::advise::AdviseError::Study(StudyError::Threads(_)) => anyhow::Error::new(e),
        _ => UserError::new(e.to_string()).into(),
    })?;
    advice.command = command(args, &case);
    if let Some(file) = &save {
        file.write(&kept(args, &case, &advice)?, printer)?;
    }
    let placed = placed(&case, &advice)?;
    advice.benchmark = benchmark_command(args, &case, &placed, &advice);
    output.write(
        &advice,
        |style| report::advise::text(&advice, style),
        printer,
    )?;
    if let Some(file) = &diagram {
        let drawn = crate::charts::diagram::architecture(&advice, &case.scenario);
        file.write(&drawn, printer)?;
    }
    if advice.recommendation.is_some() {
        if let Some(dir) = &args.benchmark {
            let more = [OsString::from("--emit"), dir.into()];
            verified(args, &case, &placed, &advice, &more, printer)?;
        }
        if let Some(python) = &args.verify {
            let more = [
                OsString::from("--python"),
                python_of(python, &advice, printer).into(),
            ];
            verified(args, &case, &placed, &advice, &more, printer)?;
        }
    }
    Ok(exit_code(&advice, printer) as u8)
}

fn exit_code(advice: &Advice, printer: &Printer) -> Exit {
    if advice.recommendation.is_some() {
        return Exit::Done;
    }
    let why = advice
        .binding
        .as_deref()
        .unwrap_or("nothing can be simulated");
    printer.warn(&format!("failed: nothing does what is required: {why}"));
    Exit::ObjectiveMissed
}

/// The command that repeats the advice.
fn command(args: &Args, case: &Case) -> String {
    let mut words = vec!["pchsim".to_owned(), "advise".into()];
    words.extend(args.scenario.iter().map(|s| quoted(s)));
    words.extend(case.words.iter().cloned());
    for (path, value) in &args.set {
        words.extend(["--set".into(), quoted(&format!("{path}={value}"))]);
    }
    if let Some(seed) = args.seed {
        words.extend(["--seed".into(), seed.to_string()]);
    }
    if args.quick {
        words.push("--quick".into());
    }
    if !args.program.is_empty() {
        words.push("--".into());
        words.extend(args.program.iter().map(|w| quoted(&w.to_string_lossy())));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::{Family, Interview, Priority, current};

    #[test]
    fn every_question_has_an_option() {
        let command = Args::augment_args(clap::Command::new("advise"));
        for key in Interview::keys() {
            assert!(
                command.get_arguments().any(|a| a.get_long() == Some(key)),
                "--{key}"
            );
        }
        assert_eq!(current("asyncio"), Some(Family::Asyncio));
        assert_eq!(Priority::ALL.len(), 5);
    }
}
