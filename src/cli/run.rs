//! `pchsim run`: simulates a scenario under every strategy and compares these.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::candidates;
use super::exit::{Exit, UserError};
use super::files::{Files, OutputFile};
use super::format::{Endings, FileKind, format};
use super::paint::paint;
use super::plot::PlotsArg;
use super::printer::Printer;
use super::selection::{Effort, ScenarioSource, Selection, find_profile, user_error};
use super::trace::{TraceArgs, Traced};
use super::values::limited;
use super::words::quoted;
use crate::profiles::of_scenario;
use crate::report;
use crate::result::{Status, Study, Tier, Verdict, json};
use crate::scenario::limits::MAX_CORES;
use crate::scenario::{Objective, Scenario};
use crate::strategy::{course, record, simulate};
use crate::study::{Options, StudyError, follow, run_study};
use crate::syntax::parse_objective;
use crate::traces::timeline::timeline;

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// Everything, for programs (documented in docs/output-format.md).
    Json,
    /// One row a strategy.
    Csv,
    /// For issues and documents.
    Markdown,
}

/// By which names of files they are known.
const ENDINGS: &Endings<Format> = &[
    ("json", Format::Json),
    ("csv", Format::Csv),
    ("md", Format::Markdown),
    ("txt", Format::Text),
];

/// What `pchsim run` is told.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim run scraper
  pchsim run my.ron --strategy threads:8 --strategy asyncio --cores 8
  pchsim run api --assert 'p99 < 50ms' --strict
  pchsim run agents -o output/agents.json
  pchsim run scraper --trace output/scraper.json.gz

Exit codes: 0 done, 2 bad usage or scenario, 3 no strategy meets --assert, 4 --strict and a warning.")]
pub struct Args {
    /// Name of a shipped scenario, a file, or - for standard input
    #[arg(add = candidates::scenario())]
    pub scenario: String,

    /// How the result is written [default: by the name of the output file, or text]
    #[arg(long, value_enum, help_heading = "Output")]
    pub format: Option<Format>,
    /// Write the result to this file (.json, .csv, .md, .txt) instead of standard output (-)
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Use ASCII signs only in the text
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,

    /// What to compare.
    #[command(flatten)]
    pub selection: Selection,
    /// Simulate this many cores
    #[arg(long, value_name = "N", value_parser = limited("MAX_CORES", MAX_CORES, "8"), help_heading = "What to compare")]
    pub cores: Option<u32>,
    /// How much to simulate.
    #[command(flatten)]
    pub effort: Effort,

    /// Fail (exit code 3) unless some strategy meets this, for example 'p99 < 50ms' (repeatable)
    #[arg(long, value_name = "CONDITION", help_heading = "Checks")]
    pub assert: Vec<String>,
    /// Fail (exit code 4) if the result comes with a warning
    #[arg(long, help_heading = "Checks")]
    pub strict: bool,

    /// Keep the value of each replication in the JSON, so that `pchsim compare` can compare two results in pairs
    #[arg(long, help_heading = "Output")]
    pub replication_values: bool,

    /// Figures beside the result.
    #[command(flatten)]
    pub plots: PlotsArg,
    /// A trace beside the result.
    #[command(flatten)]
    pub trace: TraceArgs,
}

/// Runs the subcommand; the exit code.
///
/// # Errors
/// The scenario or what is changed of it is not valid, the study fails, or an output cannot be written.
pub fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let format = format(args.format, args.output.as_deref(), ENDINGS, Format::Text)?;
    if args.replication_values && format != Format::Json {
        return Err(UserError::new(
            "--replication-values keeps them in the JSON: add --format json, or -o FILE.json",
        )
        .into());
    }
    let mut files = Files::new(args.force);
    let mut changes = args.selection.changes(args.effort.seed);
    changes.cores = args.cores;
    if let Some(cores) = args.cores {
        args.selection.refuse_cores(&format!("--cores {cores}"))?;
    }
    let source = ScenarioSource::read(&args.scenario)?;
    let (mut scenario, note) = source.scenario(&changes, &mut files)?;
    // Before the work, not after it.
    let output = files.optional(args.output.as_deref())?;
    let trace_file = files.optional_of(FileKind::TRACE, args.trace.trace.as_deref())?;
    args.plots.check(&scenario.name, false, &files)?;
    let asserted = assert_objectives(args, &mut scenario)?;
    let profiles = of_scenario(&scenario, find_profile)?;
    args.trace.check(&scenario, &profiles)?;
    // Only programs and figures look at the whole distribution and at the course over time.
    let everything = format == Format::Json || args.plots.requested();
    let options = Options {
        latency_quantiles: everything,
        replication_values: args.replication_values,
        ..args.effort.options()?
    };
    note.iter().for_each(|note| printer.hint(note));
    let progress = printer.progress_bar();
    let study = run_study(&scenario, &profiles, &options, simulate, &|p| {
        progress.show(p);
    });
    progress.finish();
    let failed = |e| match e {
        StudyError::Threads(_) => anyhow::Error::new(e),
        _ => UserError::new(e.to_string()).into(),
    };
    let mut study = study.map_err(failed)?;
    study.command = command(args, study.seed);
    if everything {
        follow(
            &mut study, &scenario, &profiles, &options, course, record, timeline,
        )
        .map_err(failed)?;
    }
    // Figures and trace are made, even if nobody reads the result.
    let shown = write(args, format, output.as_ref(), printer, &study);
    draw(args, &mut files, printer, &study)?;
    if let Some(file) = &trace_file {
        let traced = Traced {
            scenario: &scenario,
            profiles: &profiles,
            study: &study,
            max_events: options.max_events,
            command: command(args, study.seed),
        };
        args.trace.write(file, &traced, printer)?;
    }
    shown?;
    Ok(exit_code(args, printer, &study, &asserted) as u8)
}

/// Adds what `--assert` says to the scenario's objectives, each once, and returns what is asserted as it stands among these.
fn assert_objectives(args: &Args, scenario: &mut Scenario) -> anyhow::Result<Vec<Objective>> {
    let mut asserted: Vec<Objective> = Vec::new();
    for text in &args.assert {
        let new = user_error(parse_objective)(text)?;
        let all = &mut scenario.objectives;
        let known = all.iter().find(|o| o.same_as(&new)).cloned();
        let objective = known.unwrap_or_else(|| {
            all.push(new.clone());
            new
        });
        if !asserted.contains(&objective) {
            asserted.push(objective);
        }
    }
    Ok(asserted)
}

fn write(
    args: &Args,
    format: Format,
    output: Option<&OutputFile>,
    printer: &Printer,
    study: &Study,
) -> anyhow::Result<()> {
    let style = printer.style(args.ascii, output.is_some());
    let result = match format {
        Format::Text => report::text(study, style),
        Format::Json => json(study),
        Format::Csv => report::csv(study),
        Format::Markdown => report::markdown(&[study.into()], None),
    };
    if format != Format::Text {
        // The text holds its own warnings.
        for w in &study.warnings {
            let line = format!("{}: {}", w.label(), w.text);
            if w.note {
                printer.hint(&line);
            } else {
                printer.warn(&line);
            }
        }
    }
    match output {
        Some(file) => file.write(&result, printer),
        None if format == Format::Text => printer.result(&paint(&result)),
        None => printer.result(&result),
    }
}

/// The figures.
fn draw(args: &Args, files: &mut Files, printer: &Printer, study: &Study) -> anyhow::Result<()> {
    if !args.plots.requested() {
        return Ok(());
    }
    args.plots.draw(study.into(), files, printer)
}

/// The result was printed; what is left is to say whether it passes.
fn exit_code(args: &Args, printer: &Printer, study: &Study, asserted: &[Objective]) -> Exit {
    let meets_all = |f: &&crate::result::Forecast| {
        // What fails more of its tasks than another does not meet anything by that.
        f.status == Status::Fine
            && f.tier != Tier::Fails
            && asserted.iter().all(|a| {
                f.objectives
                    .iter()
                    .any(|o| o.text == a.text && o.verdict != Verdict::Missed)
            })
    };
    if !asserted.is_empty() && !study.forecasts.iter().any(|f| meets_all(&f)) {
        let all: Vec<String> = asserted.iter().map(|a| format!("`{}`", a.text)).collect();
        printer.warn(&format!("failed: no strategy meets {}", all.join(" and ")));
        return Exit::ObjectiveMissed;
    }
    if args.strict && study.warnings.iter().any(|w| !w.note) {
        printer.warn("failed: --strict, and the result comes with warnings");
        return Exit::Untrusted;
    }
    Exit::Done
}

/// The command that repeats the run: everything that the result depends on, and nothing else.
fn command(args: &Args, seed: u64) -> String {
    let mut words = vec!["pchsim".to_owned(), "run".into(), quoted(&args.scenario)];
    let mut add = |name: &str, value: String| words.extend([name.to_owned(), quoted(&value)]);
    args.selection.words(&mut add);
    args.cores
        .iter()
        .for_each(|n| add("--cores", n.to_string()));
    args.effort.words(&mut add);
    args.assert.iter().for_each(|a| add("--assert", a.clone()));
    add("--seed", seed.to_string());
    if args.replication_values {
        words.push("--replication-values".into());
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct TestCli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(line: &[&str]) -> Result<Args, clap::Error> {
        TestCli::try_parse_from(std::iter::once(&"run").chain(line)).map(|w| w.args)
    }

    #[test]
    fn the_command_repeats_what_matters() {
        let args = parse(&[
            "a b.ron",
            "--threads",
            "3",
            "--set",
            "machine.cores=8",
            "--assert",
            "p99 < 1s",
            "--format",
            "json",
        ]);
        assert_eq!(
            command(&args.unwrap(), 7),
            "pchsim run 'a b.ron' --set machine.cores=8 --assert 'p99 < 1s' --seed 7"
        );
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn numbers_are_checked() {
        assert_eq!(
            parse(&["x", "--precision", "5%"]).unwrap().effort.precision,
            Some(0.05)
        );
        for bad in [
            ["--precision", "0"],
            ["--precision", "NaN"],
            ["--cores", "0"],
            ["--replications", "0"],
            ["--threads", "0"],
        ] {
            assert!(parse(&["x", bad[0], bad[1]]).is_err(), "{bad:?}");
        }
    }
}
