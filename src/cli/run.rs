//! `pchsim run`: simulate a scenario under every strategy, and compare.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum, builder::RangedU64ValueParser};

use super::exit::{Exit, UserError};
use super::paint::paint;
use super::printer::Printer;
use super::words::quoted;
use crate::calibrate::profiles;
use crate::cpython::profile::Profile;
use crate::report::{self, Meta, Style};
use crate::scenario::{
    Diagnostic, Objective, Scenario, load, parse_objective, parse_ranking, parse_strategy, render,
};
use crate::strategy::simulate;
use crate::study::{Options, Status, Study, StudyError, Verdict, run_study};

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

/// What `pchsim run` is told.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim run scraper
  pchsim run my.ron --strategy threads:8 --strategy asyncio --cores 8
  pchsim run api --assert 'p99 < 50ms' --strict
  pchsim run agents --format json -o output/agents.json

Exit codes: 0 done, 2 bad usage or scenario, 3 no strategy meets --assert, 4 --strict and a warning.")]
pub struct Args {
    /// Name of a shipped scenario, a file, or - for standard input
    pub scenario: String,

    /// How the result is written
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    pub format: Format,
    /// Write the result to this file instead of standard output (-)
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Use ASCII signs only in the text
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,

    /// Compare this strategy (repeatable; instead of the scenario's own)
    ///
    /// Forms: sequential, threads, threads:8, threads:per-task, processes:4:fork (or spawn, forkserver), pool:4:spawn,
    /// pool:4:spawn:20 (chunks of 20), interpreters:4, asyncio, asyncio:100 (at most 100 tasks at once), asyncio+threads:4,
    /// asyncio+processes:4:fork, asyncio+interpreters:4, prefork:4(asyncio). Without a number: as many as the library
    /// takes by itself. With @cpython-3.14t after it, on that interpreter only. Tables name strategies in this form, too.
    #[arg(long, value_name = "STRATEGY", help_heading = "What to compare")]
    pub strategy: Vec<String>,
    /// Compare on this interpreter (repeatable; instead of the scenario's own)
    #[arg(long, value_name = "NAME", help_heading = "What to compare")]
    pub interpreter: Vec<String>,
    /// Simulate so many cores
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=4096), help_heading = "What to compare")]
    pub cores: Option<u32>,
    /// Override a field of the scenario (repeatable), for example machine.cores=8
    #[arg(long, value_name = "PATH=VALUE", value_parser = super::check::parse_set, help_heading = "What to compare")]
    pub set: Vec<(String, String)>,
    /// Rank by this metric (makespan, throughput, mean, p95, p99..., memory, cpu) [default: the scenario's `rank_by`, or makespan of batches, else the first latency objective or p95]
    #[arg(long, value_name = "METRIC", help_heading = "What to compare")]
    pub rank_by: Option<String>,

    /// Master seed [default: the scenario's]
    #[arg(long, value_name = "N", help_heading = "How much to simulate")]
    pub seed: Option<u64>,
    /// Exactly so many replications [default: until --precision is reached]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000), help_heading = "How much to simulate")]
    pub replications: Option<u32>,
    /// Relative half-width of the ranked metric's confidence interval to reach
    #[arg(long, value_name = "PERCENT", default_value = "2%", value_parser = precision, help_heading = "How much to simulate")]
    pub precision: f64,
    /// Stop a single simulation after so many events
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..), help_heading = "How much to simulate")]
    pub max_events: Option<u64>,
    /// Worker threads; the result does not depend on them [default: one for each core]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=4096), help_heading = "How much to simulate")]
    pub threads: Option<u32>,

    /// Fail (exit code 3) unless some strategy meets this, for example 'p99 < 50ms' (repeatable)
    #[arg(long, value_name = "CONDITION", help_heading = "Checks")]
    pub assert: Vec<String>,
    /// Fail (exit code 4) if the result comes with a warning
    #[arg(long, help_heading = "Checks")]
    pub strict: bool,
}

fn precision(text: &str) -> Result<f64, String> {
    let value = match text.strip_suffix('%') {
        Some(p) => p.trim().parse::<f64>().map(|p| p / 100.0),
        None => text.trim().parse(),
    };
    match value {
        Ok(p) if p > 0.0 && p < 1.0 => Ok(p),
        _ => Err("write a share above 0 and below 100%: 2%, or 0.02".into()),
    }
}

fn rendered(diagnostic: Diagnostic) -> anyhow::Error {
    UserError::Rendered(render(&[diagnostic], super::check::stderr_is_styled())).into()
}

fn load_scenario(name: &str, overrides: &[(String, String)]) -> anyhow::Result<Scenario> {
    let styled = super::check::stderr_is_styled();
    load(name, overrides).map_err(|d| UserError::Rendered(render(&d, styled)).into())
}

fn find_profile(name: &str) -> anyhow::Result<Profile> {
    profiles::find(name).map_err(|e| UserError::new(e.to_string()).into())
}

/// A parser of the user's words whose complaint is the user's error.
fn user_error<T>(parse: fn(&str) -> Result<T, String>) -> impl Fn(&str) -> anyhow::Result<T> {
    move |text| parse(text).map_err(|e| UserError::new(e).into())
}

/// Runs the subcommand; the exit code.
pub fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    if let Some(path) = output_file(args) {
        // Before the work, not after it.
        Printer::check_writable(path, args.force)?;
    }
    check_cores(args)?;
    let mut scenario = load_scenario(&args.scenario, &args.set)?;
    let asserted = apply(args, &mut scenario, printer)?;
    let profiles = scenario
        .interpreters
        .iter()
        .map(|n| find_profile(n))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut options = Options {
        replications: args.replications,
        precision: args.precision,
        ..Options::default()
    };
    options.max_events = args.max_events.unwrap_or(options.max_events);
    options.threads = args.threads.map(|n| n as usize);
    options.metric = args
        .rank_by
        .as_deref()
        .map(user_error(parse_ranking))
        .transpose()?;
    let progress = printer.progress_bar();
    let study = run_study(&scenario, &profiles, &options, simulate, &|p| {
        progress.show(p)
    });
    progress.finish();
    let study = study.map_err(|e| match e {
        StudyError::Threads(_) => anyhow::Error::new(e),
        _ => UserError::new(e.to_string()).into(),
    })?;
    write(args, printer, &study)?;
    Ok(exit_code(args, printer, &study, &asserted) as u8)
}

/// `--cores` and `--set` must not both say which cores there are: whichever won, the other would be ignored in silence.
fn check_cores(args: &Args) -> anyhow::Result<()> {
    const PATHS: [&str; 4] = [
        "machine",
        "machine.cores",
        "machine.speeds",
        "machine.visible_cpus",
    ];
    let same = |path: &str| {
        let field = path.split('[').next().unwrap_or(path);
        PATHS.contains(&field)
    };
    let Some(cores) = args.cores else {
        return Ok(());
    };
    match args.set.iter().find(|(path, _)| same(path)) {
        None => Ok(()),
        Some((path, value)) => Err(UserError::new(format!(
            "--cores {cores} and --set {path}={value} both say which cores there are: leave one of them out"
        ))
        .into()),
    }
}

/// The file that the result goes to; `None`: standard output.
fn output_file(args: &Args) -> Option<&Path> {
    args.output.as_deref().filter(|p| p.as_os_str() != "-")
}

/// The scenario with what the command line says instead; the objectives that `--assert` adds.
fn apply(
    args: &Args,
    scenario: &mut Scenario,
    printer: &Printer,
) -> anyhow::Result<Vec<Objective>> {
    if let Some(seed) = args.seed {
        scenario.seed = seed;
    }
    if let Some(n) = args.cores {
        scenario.machine.cores = vec![1.0; n as usize];
        scenario.machine.visible_cpus = n;
    }
    if !args.strategy.is_empty() {
        scenario.strategies = args
            .strategy
            .iter()
            .map(|s| parse_strategy(s).map_err(rendered))
            .collect::<Result<_, _>>()?;
    }
    if !args.interpreter.is_empty() {
        scenario.interpreters.clone_from(&args.interpreter);
        let known =
            |name: &Option<String>| name.as_ref().is_none_or(|n| args.interpreter.contains(n));
        if scenario.strategies.iter().any(|c| known(&c.interpreter)) {
            let all = scenario.strategies.len();
            scenario.strategies.retain(|c| known(&c.interpreter));
            let dropped = all - scenario.strategies.len();
            if dropped > 0 {
                printer.hint(&format!(
                    "note: left out: {dropped} of the scenario's {all} strategies, which are for other interpreters \
                     (On(..)). Name strategies with --strategy to compare them here."
                ));
            }
        } else {
            // None of them is for these interpreters: the same strategies then, on these.
            scenario
                .strategies
                .iter_mut()
                .for_each(|c| c.interpreter = None);
        }
    } else if !args.strategy.is_empty() {
        for name in scenario
            .strategies
            .iter()
            .filter_map(|c| c.interpreter.as_ref())
        {
            if !scenario.interpreters.contains(name) {
                scenario.interpreters.push(name.clone());
            }
        }
    }
    let asserted = args
        .assert
        .iter()
        .map(|a| user_error(parse_objective)(a))
        .collect::<anyhow::Result<Vec<_>>>()?;
    for o in &asserted {
        if !scenario.objectives.contains(o) {
            scenario.objectives.push(o.clone());
        }
    }
    Ok(asserted)
}

fn write(args: &Args, printer: &Printer, study: &Study) -> anyhow::Result<()> {
    let meta = Meta {
        command: command(args, study.seed),
        version: env!("CARGO_PKG_VERSION").into(),
    };
    let style = Style {
        unicode: !args.ascii,
        verbose: printer.verbose > 0,
        notes: printer.quiet == 0,
    };
    let result = match args.format {
        Format::Text => report::text(study, &meta, style),
        Format::Json => report::json(study, &meta),
        Format::Csv => report::csv(study),
        Format::Markdown => report::markdown(study, &meta),
    };
    if args.format != Format::Text {
        // The text holds its own warnings.
        for w in &study.warnings {
            let line = format!(
                "{}: {}",
                if w.is_note() { "note" } else { "warning" },
                w.text()
            );
            if w.is_note() {
                printer.hint(&line)
            } else {
                printer.warn(&line)
            }
        }
    }
    match output_file(args) {
        Some(path) => printer.write_file(path, &result, args.force),
        None if args.format == Format::Text => printer.result(&paint(&result)),
        None => printer.result(&result),
    }
}

/// The result was printed; what is left is to say whether it passes.
fn exit_code(args: &Args, printer: &Printer, study: &Study, asserted: &[Objective]) -> Exit {
    let meets_all = |f: &&crate::study::Forecast| {
        f.status == Status::Fine
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
    if args.strict && study.warnings.iter().any(|w| !w.is_note()) {
        printer.warn("failed: --strict, and the result comes with warnings");
        return Exit::Untrusted;
    }
    Exit::Done
}

/// The command that repeats the run: everything that the result depends on, and nothing else.
fn command(args: &Args, seed: u64) -> String {
    let mut words = vec!["pchsim".to_owned(), "run".into(), quoted(&args.scenario)];
    let mut add = |name: &str, value: String| words.extend([name.to_owned(), quoted(&value)]);
    args.strategy
        .iter()
        .for_each(|s| add("--strategy", s.clone()));
    args.interpreter
        .iter()
        .for_each(|s| add("--interpreter", s.clone()));
    args.cores
        .iter()
        .for_each(|n| add("--cores", n.to_string()));
    args.set
        .iter()
        .for_each(|(path, value)| add("--set", format!("{path}={value}")));
    args.rank_by
        .iter()
        .for_each(|m| add("--rank-by", m.clone()));
    args.replications
        .iter()
        .for_each(|n| add("--replications", n.to_string()));
    if args.precision != 0.02 {
        add("--precision", args.precision.to_string());
    }
    args.max_events
        .iter()
        .for_each(|n| add("--max-events", n.to_string()));
    args.assert.iter().for_each(|a| add("--assert", a.clone()));
    add("--seed", seed.to_string());
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Whole {
        #[command(flatten)]
        args: Args,
    }

    fn parse(line: &[&str]) -> Result<Args, clap::Error> {
        Whole::try_parse_from(std::iter::once(&"run").chain(line)).map(|w| w.args)
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
        assert_eq!(parse(&["x", "--precision", "5%"]).unwrap().precision, 0.05);
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
