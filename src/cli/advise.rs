//! `pchsim advise`: which approach to concurrency to take.

mod kept;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args as ClapArgs, FromArgMatches as _};
use serde::Deserialize;

use self::kept::{kept, placed};
use super::candidates;
use super::exit::{Exit, UserError};
use super::files::Files;
use super::format::FileKind;
use super::interview;
use super::output::Output;
use super::printer::Printer;
use super::selection::{ScenarioSource, find_profile, user_error};
use super::values::{integer, seed};
use super::words::quoted;
use super::{record, verify};
use crate::advise::{Advice, Ask, Constraints, Depth, Family, FreeThreading, Interview, advise};
use crate::host::{self, Scratch};
use crate::profiles::{nearest, of_scenario};
use crate::report;
use crate::scenario::Scenario;
use crate::study::{StudyError, StudyProgress};
use crate::syntax::{Changes, parse_objective};

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
    #[arg(long, value_name = "TIME", help_heading = "The work", conflicts_with_all = ["scenario", "program"])]
    pub startup_time: Option<String>,
    /// How much memory it takes, for example 300MB
    #[arg(long, value_name = "SIZE", help_heading = "The work", conflicts_with_all = ["scenario", "program"])]
    pub startup_memory: Option<String>,
    /// Take answers from this file: (workload: "hybrid", cores: 4, ...)
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
    /// What the program does today: sequential, threads, processes, asyncio, asyncio+threads, asyncio+processes, interpreters or servers
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

/// What advice is given on.
struct Case {
    scenario: Scenario,
    constraints: Constraints,
    /// The text of the scenario.
    text: String,
    /// Its name in messages, relative to which its files are looked for.
    origin: PathBuf,
    /// What options change in it.
    set: Vec<(String, String)>,
    /// The interpreters that they put in place of its own; empty: none.
    interpreters: Vec<String>,
    /// Whether they require anything that it does not say.
    required: bool,
    /// The options that say the same, for the command that repeats it.
    words: Vec<String>,
    /// Of these, what a scenario cannot hold.
    asked: Vec<String>,
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
    let Some(case) = case(args, &mut files, printer)? else {
        return Ok(Exit::Interrupted as u8);
    };
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

/// What is asked about: a scenario, a recorded program, or answers.
fn case(args: &Args, files: &mut Files, printer: &Printer) -> anyhow::Result<Option<Case>> {
    if let Some(name) = &args.scenario {
        let source = ScenarioSource::read(name)?;
        return of_scenario_source(args, &source, files).map(Some);
    }
    if !args.program.is_empty() {
        args.program.iter().for_each(|word| files.reads(word));
        let (code, text) = record::recorded(&args.program, printer)?;
        if code == Exit::Interrupted as u8 {
            return Ok(None);
        }
        let nothing = || UserError::new("nothing was recorded that advice could be given on");
        let text = text.ok_or_else(nothing)?;
        let source = ScenarioSource::handed(text, "the recording", Path::new("-"));
        return of_scenario_source(args, &source, files).map(Some);
    }
    of_answers(args, files, printer).map(Some)
}

/// A scenario with what the options require.
fn of_scenario_source(
    args: &Args,
    source: &ScenarioSource,
    files: &mut Files,
) -> anyhow::Result<Case> {
    let mut interview = Interview::default();
    for (key, answer) in args.given() {
        interview
            .answer(key, &answer)
            .map_err(|e| UserError::new(format!("--{key}: {e}")))?;
    }
    let answers = interview.finish().map_err(UserError::new)?;
    let given: BTreeMap<&str, String> = args.given().into_iter().collect();
    let mut changes = Changes {
        set: args.set.clone(),
        seed: args.seed,
        ..Changes::default()
    };
    if given.contains_key("cores") {
        changes
            .set
            .push(("machine.cores".into(), answers.cores.to_string()));
    }
    if given.contains_key("python") {
        changes.interpreters = interpreters(&answers.python, &answers.constraints);
    }
    let (mut scenario, _) = source.scenario(&changes, files)?;
    if let Some((p, most)) = answers.latency {
        let text = format!("p{p} < {}", crate::scenario::units::format_duration(most));
        let objective = user_error(parse_objective)(&text)?;
        scenario.objectives.retain(|o| o.metric != objective.metric);
        scenario.objectives.insert(0, objective);
    }
    let constraints = answers.constraints.clone();
    let words = given.iter().flat_map(|(k, v)| words_of(k, v)).collect();
    let asked = beside(given.iter().map(|(k, v)| (*k, v.as_str())));
    Ok(Case {
        scenario,
        constraints,
        text: source.text.clone(),
        origin: source.origin.clone(),
        set: overrides(&changes),
        interpreters: changes.interpreters,
        required: answers.latency.is_some() || answers.constraints.memory.is_some(),
        words,
        asked,
    })
}

/// The option that gives this answer.
fn words_of(key: &str, answer: &str) -> Vec<String> {
    match (key, answer) {
        ("expensive-startup" | "isolation", "y") => vec![format!("--{key}")],
        ("expensive-startup" | "isolation", _) => vec![format!("--no-{key}")],
        _ => vec![format!("--{key}"), quoted(answer)],
    }
}

/// The options of answers that a scenario does not hold, where they ask for anything.
fn beside<'a>(given: impl Iterator<Item = (&'static str, &'a str)>) -> Vec<String> {
    let asks = |(key, answer): &(&'static str, &str)| match *key {
        "state" => *answer == "shared",
        "isolation" => ["y", "yes", "true"].contains(answer),
        "free-threading" => *answer != "yes",
        "priority" | "current" => true,
        _ => false,
    };
    let all = given.filter(asks).flat_map(|(key, answer)| match key {
        "isolation" => words_of(key, "y"),
        _ => words_of(key, answer),
    });
    all.collect()
}

/// The scenario that answers make.
fn of_answers(args: &Args, files: &mut Files, printer: &Printer) -> anyhow::Result<Case> {
    let mut interview = Interview::default();
    if let Some(path) = &args.work.answers {
        files.reads(path);
        answers_of_file(path, &mut interview)?;
    }
    let given = args.given();
    for (key, answer) in &given {
        interview
            .answer(key, answer)
            .map_err(|e| UserError::new(format!("--{key}: {e}")))?;
    }
    // Scripts are not asked: they have said what the work is.
    let terminal = std::io::stdin().is_terminal();
    let said = args.work.answers.is_some()
        || args.work.defaults
        || (!terminal && args.work.workload.is_some());
    if !said {
        interview::ask(&mut interview)?;
    }
    let answers = interview.finish().map_err(UserError::new)?;
    let names = interpreters(&answers.python, &answers.constraints);
    for (version, name) in answers.python.iter().zip(&names) {
        if *name != format!("cpython-{version}") {
            printer.hint(&format!(
                "note: there is no profile of CPython {version} here; {name}, the nearest, stands for it (`pchsim calibrate` measures one)"
            ));
        }
    }
    let text = answers.scenario(&names);
    let source = ScenarioSource::handed(text, "the scenario of the answers", Path::new("-"));
    let changes = Changes {
        set: args.set.clone(),
        seed: args.seed,
        ..Changes::default()
    };
    let (scenario, _) = source.scenario(&changes, files)?;
    let words = interview
        .given()
        .flat_map(|(k, v)| {
            words_of(
                k,
                if matches!(v, "yes" | "true") && k != "free-threading" {
                    "y"
                } else {
                    v
                },
            )
        })
        .collect();
    Ok(Case {
        scenario,
        constraints: answers.constraints,
        text: source.text,
        origin: source.origin,
        set: overrides(&changes),
        interpreters: Vec::new(),
        required: false,
        words,
        asked: beside(interview.given()),
    })
}

/// An answer in a file.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answered {
    Flag(bool),
    Number(f64),
    Text(String),
}

fn answers_of_file(path: &Path, interview: &mut Interview) -> anyhow::Result<()> {
    let called = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| UserError::new(format!("cannot read the answers of {called}: {e}")))?;
    let options = ron::Options::default();
    let all: BTreeMap<String, Answered> = options.from_str(&text).map_err(|e| {
        UserError::new(format!(
            "{called}:{}:{}: {}; expected answers by key, for example {{\"workload\": \"hybrid\", \"cores\": 4}}",
            e.span.start.line, e.span.start.col, e.code
        ))
    })?;
    for (key, answer) in all {
        let answer = match answer {
            Answered::Flag(true) => "y".to_owned(),
            Answered::Flag(false) => "n".to_owned(),
            Answered::Number(n) => format!("{n}"),
            Answered::Text(t) => t,
        };
        interview
            .answer(&key.replace('_', "-"), &answer)
            .map_err(|e| UserError::new(format!("{called}: {key}: {e}")))?;
    }
    Ok(())
}

/// The profiles of these versions: of each with the GIL and, from 3.14, without.
fn interpreters(versions: &[String], constraints: &Constraints) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for version in versions {
        let exact = format!("cpython-{version}");
        let known = crate::profiles::find(&exact).is_ok();
        let name = if known {
            Some(exact)
        } else {
            nearest(minor(version).unwrap_or(14), true).map(|p| p.name)
        };
        names.extend(name);
    }
    // What may not be taken is simulated all the same, to say what it would bring.
    let free = versions.iter().any(|v| minor(v).is_some_and(|m| m >= 14));
    if free && constraints.free_threading != FreeThreading::No {
        names.push("cpython-3.14t".into());
    }
    names.dedup();
    names
}

/// The second number of a version.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("3.")?.parse().ok()
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

/// Strategies that are measured: what is recommended, and the single thread.
fn measured(advice: &Advice) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(r) = &advice.recommendation {
        all.push(r.strategy.clone());
        if r.family != Family::SingleThread {
            all.push("sequential".into());
        }
    }
    all
}

/// Changes of fields as overrides.
fn overrides(changes: &Changes) -> Vec<(String, String)> {
    let seed = changes.seed.map(|n| ("seed".to_owned(), n.to_string()));
    changes.set.iter().cloned().chain(seed).collect()
}

fn benchmark_command(
    args: &Args,
    case: &Case,
    placed: &[(String, String)],
    advice: &Advice,
) -> Option<String> {
    let strategies = measured(advice);
    if strategies.is_empty() {
        return None;
    }
    let kept = args.save.as_ref().map(|p| p.display().to_string());
    // What is kept has all changes in it.
    let (file, set) = match (kept, &args.scenario) {
        (Some(file), _) => (file, Vec::new()),
        (None, Some(name)) if name != "-" => (name.clone(), [&case.set, placed].concat()),
        (None, _) => {
            return Some(
                "keep the scenario with --save FILE.ron, or measure at once with --verify".into(),
            );
        }
    };
    let mut words = vec!["pchsim".to_owned(), "verify".into(), quoted(&file)];
    for s in strategies {
        words.extend(["--strategy".into(), quoted(&s)]);
    }
    for (path, value) in set {
        words.extend(["--set".into(), quoted(&format!("{path}={value}"))]);
    }
    Some(words.join(" "))
}

/// Hands what is recommended to `verify`.
fn verified(
    args: &Args,
    case: &Case,
    placed: &[(String, String)],
    advice: &Advice,
    more: &[OsString],
    printer: &Printer,
) -> anyhow::Result<()> {
    let place = Scratch::new().context("cannot make a folder for the scenario")?;
    let name: OsString = match args.scenario.as_deref() {
        Some(name) if name != "-" => name.into(),
        _ => {
            let file = place.path().join("advice.ron");
            place
                .put("advice.ron", &case.text)
                .context("cannot keep the scenario")?;
            file.into()
        }
    };
    let mut words: Vec<OsString> = vec!["verify".into(), name];
    for s in measured(advice) {
        words.extend(["--strategy".into(), s.into()]);
    }
    for (path, value) in case.set.iter().chain(placed) {
        words.extend(["--set".into(), format!("{path}={value}").into()]);
    }
    if args.output.force {
        words.push("--force".into());
    }
    words.extend(more.iter().cloned());
    let matches = verify::Args::augment_args(clap::Command::new("verify")).get_matches_from(words);
    let args = verify::Args::from_arg_matches(&matches)?;
    verify::run(&args, printer)?;
    Ok(())
}

/// The Python to measure on: the one that was named, or of the recommended version, or what there is.
fn python_of(named: &str, advice: &Advice, printer: &Printer) -> String {
    if !named.is_empty() {
        return named.to_owned();
    }
    let Some(r) = &advice.recommendation else {
        return "python3".into();
    };
    let short: String = r.version.split('.').take(2).collect::<Vec<_>>().join(".");
    let wanted = if r.family.free_threaded() {
        format!("{short}t")
    } else {
        short
    };
    if host::find(&wanted).is_ok() {
        return wanted;
    }
    printer.hint(&format!(
        "note: there is no Python {wanted} on this machine; what is measured is python3 (name another with --verify=PYTHON)"
    ));
    "python3".into()
}

/// Words that options take, for those who read this file: the same as in the interview.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::{Priority, current};

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

    #[test]
    fn versions_become_profiles() {
        let yes = Constraints::default();
        assert_eq!(
            interpreters(&["3.14".into()], &yes),
            ["cpython-3.14", "cpython-3.14t"]
        );
        assert_eq!(interpreters(&["3.9".into()], &yes), ["cpython-3.11"]);
    }
}
