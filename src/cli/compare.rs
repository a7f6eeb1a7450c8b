//! `pchsim compare`: what changed between two results, and whether that is real.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

use super::candidates;
use super::exit::{Exit, UserError};
use super::files::{Files, is_stdout};
use super::format::{Endings, format};
use super::paint::paint;
use super::printer::Printer;
use super::report::text_of;
use super::selection::{Effort, ScenarioSource, Selection, find_profile, user_error};
use super::words::quoted;
use crate::contrast::{ContrastError, Gate, GateVerdict, Side, Wanted, contrast as compared, json};
use crate::measure::FEWEST_CONTROLLED;
use crate::profiles::of_scenario;
use crate::report::contrast::{self, GatedBy, sentences};
use crate::result::{self, RESULT, ResultRef, Saved, Study};
use crate::scenario::Scenario;
use crate::strategy::simulate;
use crate::study::{Options, StudyError, Valued, outline, run_study};
use crate::syntax::{Changes, parse_metric, parse_strategy};

/// How a comparison is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// Everything, for programs (documented in docs/output-format.md).
    Json,
    /// For pull requests and issues.
    Markdown,
}

/// By which names of files they are known.
const ENDINGS: &Endings<Format> = &[
    ("json", Format::Json),
    ("md", Format::Markdown),
    ("txt", Format::Text),
];

/// What `pchsim compare` is told.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    after_long_help = "A and B are two results of `pchsim run`, two of `pchsim sweep`, or scenarios, which are then simulated with the same seed, so that both meet the same chance. Cases are compared by strategy and interpreter.

A difference is called better or worse where it is real (the chance that any of all that are called so is none is below 5%) and at least 1%. Results of `pchsim run --replication-values` with the same seed are compared in pairs, replication by replication, as scenarios are; of others the means are compared, which tells less.

Examples:
  pchsim compare before.json after.json
  pchsim compare scraper scraper --set-b machine.cores=8
  pchsim compare main.ron branch.ron --strategy asyncio --max-regression 'p99 5%'
  pchsim compare monday.jsonl friday.jsonl --format markdown -o output/compared.md

Exit codes: 0 done, 2 bad usage, or results that cannot be compared, 3 something got worse by more than --max-regression, 4 --strict and a warning."
)]
pub(crate) struct Args {
    /// A result (.json of a run, .jsonl of a sweep), a scenario, or - for standard input
    #[arg(add = candidates::scenario())]
    pub a: String,
    /// What it is compared with
    #[arg(add = candidates::scenario())]
    pub b: String,

    /// How the comparison is written [default: by the name of the output file, or text]
    #[arg(long, value_enum, help_heading = "Output")]
    pub format: Option<Format>,
    /// Write the comparison to this file (.json, .md, .txt) instead of standard output (-)
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Use ASCII signs only in the text
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,

    /// Compare this metric (repeatable; makespan, throughput, mean, p95, p99..., memory, cpu, failures) [default: all of these]
    #[arg(long, value_name = "METRIC", help_heading = "What to compare")]
    pub metric: Vec<String>,
    /// What to compare: of results these cases, of scenarios as `run` takes it.
    #[command(flatten)]
    pub selection: Selection,
    /// Override a field of scenario A only (repeatable)
    #[arg(long, value_name = "PATH=VALUE", value_parser = super::check::parse_set, help_heading = "What to compare")]
    pub set_a: Vec<(String, String)>,
    /// Override a field of scenario B only (repeatable), for example machine.cores=8
    #[arg(long, value_name = "PATH=VALUE", value_parser = super::check::parse_set, help_heading = "What to compare")]
    pub set_b: Vec<(String, String)>,
    /// How much to simulate of scenarios.
    #[command(flatten)]
    pub effort: Effort,

    /// Fail (exit code 3) if a metric of any case got worse by more than this, beyond chance, for example 'p99 5%' (repeatable)
    #[arg(long, value_name = "MARGIN", help_heading = "Checks")]
    pub max_regression: Vec<String>,
    /// Fail (exit code 4) if the comparison comes with a warning, or a --max-regression cannot be told
    #[arg(long, help_heading = "Checks")]
    pub strict: bool,
}

/// What an argument stands for.
enum Source {
    Result(Box<Saved>),
    Scenario(Box<ScenarioSource>),
}

/// A result to compare.
struct Loaded {
    result: Saved,
    /// The values of its scenario, if that was simulated here.
    values: Option<Vec<Valued>>,
}

/// Runs the subcommand; the exit code.
///
/// # Errors
/// An argument is neither a result nor a scenario, the two cannot be compared, or an output cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let format = format(args.format, args.output.as_deref(), ENDINGS, Format::Text)?;
    let gates = args
        .max_regression
        .iter()
        .map(|g| user_error(Gate::parse)(g))
        .collect::<anyhow::Result<Vec<Gate>>>()?;
    let wanted = wanted(args, &gates)?;
    if args.a == "-" && args.b == "-" {
        return Err(UserError::new(
            "standard input can be one of the two: write the other to a file",
        )
        .into());
    }
    let mut files = Files::new(args.force);
    let sources = [
        Source::read(&args.a, &mut files)?,
        Source::read(&args.b, &mut files)?,
    ];
    refuse_idle(args, &sources)?;
    let seed = common_seed(args, &sources)?;
    let [a, b] = sources;
    let a = Prepared::new(a, args, &args.set_a, seed, &mut files, printer)?;
    let b = Prepared::new(b, args, &args.set_b, seed, &mut files, printer)?;
    // Before the work, not after it.
    let output = files.optional(args.output.as_deref())?;
    let options = options(args)?;
    let (a, b) = (a.made(&options, printer)?, b.made(&options, printer)?);
    let [side_a, side_b] =
        [(&args.a, &a, "A"), (&args.b, &b, "B")].map(|(name, loaded, letter)| {
            let name = if args.a == args.b {
                format!("{name} ({letter})")
            } else {
                name.clone()
            };
            let mut side = Side::new(name, ResultRef::from(&loaded.result));
            side.values.clone_from(&loaded.values);
            side
        });
    let refused = |e: ContrastError| UserError::new(e.to_string());
    let mut all = compared(&side_a, &side_b, &wanted).map_err(refused)?;
    all.command = command(args, seed);
    let judged = all.gated(&gates);
    let gates: Vec<GatedBy> = gates.into_iter().zip(judged).collect();
    refuse_empty(&gates, &args.a)?;
    let style = printer.style(args.ascii, output.is_some());
    let text = match format {
        Format::Text => contrast::text(&all, &gates, style),
        Format::Json => json(&all, &sentences(&all), &gates),
        Format::Markdown => contrast::markdown(&all, &gates),
    };
    if format != Format::Text {
        // The text holds its own warnings.
        all.warnings
            .iter()
            .for_each(|w| printer.warn(&format!("warning: {w}")));
    }
    match &output {
        Some(file) => file.write(&text, printer)?,
        None if format == Format::Text => printer.result(&paint(&text))?,
        None => printer.result(&text)?,
    }
    Ok(exit_code(args, printer, &all.warnings, &gates) as u8)
}

impl Source {
    /// Reads a result or a scenario: which of them it is its first sign tells.
    fn read(name: &str, files: &mut Files) -> anyhow::Result<Self> {
        let path = Path::new(name);
        let named_result = || {
            let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
            ending.is_some_and(|e| ["json", "jsonl", "csv", "parquet"].contains(&&*e))
        };
        if !is_stdout(path) && !path.exists() && !named_result() {
            return Ok(Self::Scenario(Box::new(ScenarioSource::read(name)?)));
        }
        files.reads(path);
        let (called, text) = text_of(path)?;
        if text.trim_start().starts_with('{') {
            let read = result::read(&text, &called);
            let read = read.map_err(|e| UserError::new(e.to_string()))?;
            return Ok(Self::Result(Box::new(read)));
        }
        if named_result() {
            return Err(UserError::new(format!(
                "{called} is no result that can be compared; name {RESULT}, or a scenario"
            ))
            .into());
        }
        Ok(Self::Scenario(Box::new(ScenarioSource::handed(
            text, &called, path,
        ))))
    }

    fn seed(&self) -> Option<u64> {
        match self {
            Self::Result(saved) => Some(match &**saved {
                Saved::Study(s) => s.seed,
                Saved::Sweep(s) => s.header.seed,
            }),
            Self::Scenario(_) => None,
        }
    }
}

/// Options that say how scenarios are simulated change nothing of results.
fn refuse_idle(args: &Args, sources: &[Source; 2]) -> anyhow::Result<()> {
    let given = |option: &'static str, is: bool| is.then_some(option);
    let of_results = |s: &Source| matches!(s, Source::Result(_));
    let e = &args.effort;
    let both = [
        given("--set", !args.selection.set.is_empty()),
        given("--rank-by", e.rank_by.is_some()),
        given("--seed", e.seed.is_some()),
        given("--replications", e.replications.is_some()),
        given("--precision", e.precision.is_some()),
        given("--max-events", e.max_events.is_some()),
        given("--threads", e.threads.is_some()),
    ];
    let one = |name: &str, option: &str| {
        UserError::new(format!(
            "{name} is a result, which {option} cannot change: make it again with `pchsim run`, or name its scenario here"
        ))
    };
    if sources.iter().all(of_results)
        && let Some(option) = both.into_iter().flatten().next()
    {
        return Err(one(&args.a, option).into());
    }
    let sides = [
        (&args.a, &sources[0], "--set-a", &args.set_a),
        (&args.b, &sources[1], "--set-b", &args.set_b),
    ];
    for (name, source, option, set) in sides {
        if of_results(source) && !set.is_empty() {
            return Err(one(name, option).into());
        }
    }
    Ok(())
}

/// The seed of all that is simulated: the one that is asked for, else that of a result, else that of scenario A.
fn common_seed(args: &Args, sources: &[Source; 2]) -> anyhow::Result<u64> {
    let known = sources.iter().find_map(Source::seed);
    if let Some(seed) = args.effort.seed.or(known) {
        return Ok(seed);
    }
    match &sources[0] {
        Source::Scenario(s) => Ok(s.changed(&changes(args, &args.set_a, None))?.scenario.seed),
        Source::Result(_) => Ok(0),
    }
}

fn changes(args: &Args, own: &[(String, String)], seed: Option<u64>) -> Changes {
    let mut changes = args.selection.changes(seed);
    changes.set.extend(own.iter().cloned());
    changes
}

/// A side that is ready to be compared, or to be simulated for that.
enum Prepared {
    Loaded(Loaded),
    Scenario(Box<Scenario>),
}

impl Prepared {
    fn new(
        source: Source,
        args: &Args,
        own: &[(String, String)],
        seed: u64,
        files: &mut Files,
        printer: &Printer,
    ) -> anyhow::Result<Self> {
        Ok(match source {
            Source::Result(result) => Self::Loaded(Loaded {
                result: *result,
                values: None,
            }),
            Source::Scenario(source) => {
                let (scenario, note) = source.scenario(&changes(args, own, Some(seed)), files)?;
                note.iter().for_each(|note| printer.hint(note));
                Self::Scenario(Box::new(scenario))
            }
        })
    }

    /// The result; a scenario is simulated, with the values of its replications kept.
    fn made(self, options: &Options, printer: &Printer) -> anyhow::Result<Loaded> {
        let scenario = match self {
            Self::Loaded(loaded) => return Ok(loaded),
            Self::Scenario(scenario) => scenario,
        };
        let profiles = of_scenario(&scenario, find_profile)?;
        let free = options.replications.is_none() && !options.all_cases;
        let replications = (free && scenario.replications.is_none()).then_some(FEWEST_CONTROLLED);
        let options = Options {
            replications: options.replications.or(replications),
            ..options.clone()
        };
        let progress = printer.progress_bar();
        let study: Result<Study, StudyError> =
            run_study(&scenario, &profiles, &options, simulate, &|p| {
                progress.show(p);
            });
        progress.finish();
        let study = study.map_err(|e| match e {
            StudyError::Threads(_) => anyhow::Error::new(e),
            _ => UserError::new(e.to_string()).into(),
        })?;
        Ok(Loaded {
            result: Saved::Study(Box::new(study)),
            values: Some(outline(&scenario)),
        })
    }
}

fn options(args: &Args) -> anyhow::Result<Options> {
    Ok(Options {
        replication_values: true,
        ..args.effort.options()?
    })
}

fn wanted(args: &Args, gates: &[Gate]) -> anyhow::Result<Wanted> {
    let metrics = args.metric.iter().map(|m| user_error(parse_metric)(m));
    let strategy = |text: &String| -> anyhow::Result<(String, Option<String>)> {
        let case = parse_strategy(text).map_err(|d| super::selection::rendered(&[d]))?;
        Ok((
            crate::scenario::strategy_label(&case.strategy),
            case.interpreter,
        ))
    };
    Ok(Wanted {
        metrics: metrics.collect::<anyhow::Result<_>>()?,
        besides: gates.iter().map(|g| g.metric).collect(),
        strategies: args
            .selection
            .strategy
            .iter()
            .map(strategy)
            .collect::<anyhow::Result<_>>()?,
        interpreters: args.selection.interpreter.clone(),
    })
}

/// A margin that no case is held against would pass for one that is kept.
fn refuse_empty(gates: &[GatedBy], a: &str) -> anyhow::Result<()> {
    match gates.iter().find(|(_, of)| of.is_empty()) {
        None => Ok(()),
        Some((gate, _)) => Err(UserError::new(format!(
            "--max-regression '{}' holds against nothing: no case of both results has that metric in {a}, or the other does not say it (results say the \
             worst window, and percentiles other than 50, 90, 95, 99 and 99.9, only where they rank by them: have both rank by it with `rank_by`)",
            gate.text
        ))
        .into()),
    }
}

/// The comparison was printed; what is left is to say whether it passes.
fn exit_code(args: &Args, printer: &Printer, warnings: &[String], gates: &[GatedBy]) -> Exit {
    let with = |v: GateVerdict| {
        let all = gates
            .iter()
            .filter(move |(_, of)| of.iter().any(|g| g.verdict == v));
        let texts: Vec<String> = all.map(|(g, _)| format!("`{}`", g.text)).collect();
        texts
    };
    let (regressed, undecided) = (with(GateVerdict::Regressed), with(GateVerdict::Undecided));
    if !regressed.is_empty() {
        let all = regressed.join(" and ");
        printer.warn(&format!("failed: worse than --max-regression {all} allows"));
        return Exit::ObjectiveMissed;
    }
    if !undecided.is_empty() {
        let all = undecided.join(" and ");
        printer.warn(&format!(
            "warning: whether --max-regression {all} is exceeded cannot be told from so few replications: compare more (--replications)"
        ));
    }
    if args.strict && !(warnings.is_empty() && undecided.is_empty()) {
        printer.warn("failed: --strict, and the comparison comes with warnings");
        return Exit::Untrusted;
    }
    Exit::Done
}

/// The command that repeats the comparison: everything that it depends on, and nothing else.
fn command(args: &Args, seed: u64) -> String {
    let mut words = vec![
        "pchsim".to_owned(),
        "compare".into(),
        quoted(&args.a),
        quoted(&args.b),
    ];
    let mut add = |name: &str, value: String| words.extend([name.to_owned(), quoted(&value)]);
    args.metric.iter().for_each(|m| add("--metric", m.clone()));
    args.selection.words(&mut add);
    for (option, set) in [("--set-a", &args.set_a), ("--set-b", &args.set_b)] {
        set.iter()
            .for_each(|(path, value)| add(option, format!("{path}={value}")));
    }
    args.effort.words(&mut add);
    args.max_regression
        .iter()
        .for_each(|g| add("--max-regression", g.clone()));
    if args.effort.seed.is_some() {
        add("--seed", seed.to_string());
    }
    words.join(" ")
}
