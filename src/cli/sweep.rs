//! `pchsim sweep`: makes a study for each point of a plan.

mod output;
mod runner;
mod store;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args as ClapArgs, ValueEnum};

use super::candidates;
use super::exit::{Exit, UserError};
use super::files::{Files, OutputFile};
use super::plot::PlotsArg;
use super::printer::Printer;
use super::selection::{Effort, ScenarioSource, Selection};
use super::words::quoted;
use crate::host;
use crate::quantity::{counted, metric_name};
use crate::result::SweepHeader;
use crate::scenario::Scenario;
use crate::study::sweep::Store;
use crate::study::sweep::journal::{Owned, Owner};
use crate::study::sweep::{Axes, SweepPlan, prepare, run_sweep};
use crate::study::{Options, StudyError, Valued, outline};
use crate::syntax::Changes;
use runner::PointRunner;

/// What is swept when no scenario is named.
const DEFAULT_SCENARIO: &str = "scraper";

/// What the scenario is called in a sweep's journal.
const SCENARIO: &str = "scenario (with --set, --strategy and --interpreter)";

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: a table, a chart, and what stands out.
    Text,
    /// Everything, one line a case of a point (documented in docs/output-format.md).
    Jsonl,
    /// One row a case of a point.
    Csv,
    /// For issues and documents.
    Markdown,
    /// The table of csv, column by column.
    #[cfg(feature = "parquet")]
    Parquet,
}

/// Simulates a scenario at every point of a grid (or row) of values, and shows what they change.
#[derive(Clone, Debug, ClapArgs)]
#[command(before_long_help = "Examples:
  pchsim sweep scraper --cores 1..16
  pchsim sweep my.ron --workers 1..64*2 --strategy threads --strategy processes
  pchsim sweep api --vary workload.arrivals.rate=50/s..500/s/50/s -o output/api.csv
  pchsim sweep agents --cores 2,4,8 --vary interpreter=cpython-3.14,cpython-3.14t --precision 5%
  pchsim sweep my.ron --zip --cores 1,2,4 --vary machine.memory=2GiB,4GiB,8GiB
  pchsim sweep --cores 1..64 -o output/big.jsonl --resume

Values:
  1,2,8                a list
  1..16                every whole number, both ends included
  1..32/4              in steps: 1, 5, 9, ... 29 (from the first value, never past the last)
  1..32*2              doubled: 1, 2, 4, 8, 16, 32
  1..1000/log:7        seven values, evenly on a logarithmic scale: 1, 3, 10, 32, 100, 316, 1000
  10ms..100ms/10ms     with the field's unit at both ends and at the step; 64kB..1MB*2
  1,2,4..16/4          ranges within a list")]
#[command(
    after_long_help = "Every point is what `pchsim run` says of it. Points meet the same arrivals and demands (common random numbers), so that they differ by what is varied and not by chance.

With -o FILE finished points are kept in FILE.journal while the sweep runs. After Ctrl-C or a kill the same command with --resume continues from there. The result has the same bytes as that of an uninterrupted sweep.

Exit codes: 0 done, 2 bad usage or scenario, 75 another sweep writes the same file: try again later, 130 interrupted (continue with --resume)."
)]
pub(crate) struct Args {
    /// Name of a shipped scenario, a file, or - for standard input [default: the shipped scraper]
    #[arg(add = candidates::scenario())]
    pub scenario: Option<String>,

    /// Vary the number of cores, for example 1..16
    #[arg(long, value_name = "VALUES", help_heading = "What to vary")]
    pub cores: Option<String>,
    /// Vary the workers of every strategy that has any, for example 1,2,4,8
    ///
    /// Threads and processes of pools, processes of a prefork server. Strategies without workers (sequential, asyncio by
    /// itself, a thread for each task) are simulated at each point as they are.
    #[arg(long, value_name = "VALUES", help_heading = "What to vary")]
    pub workers: Option<String>,
    /// Vary a field of the scenario (repeatable), for example workload.arrivals.rate=50/s..500/s/50/s
    ///
    /// Any path that --set takes; besides these interpreter=A,B, strategy=A,B (one at each point) and seed=1..5.
    #[arg(long, value_name = "PATH=VALUES", value_parser = super::check::parse_set, help_heading = "What to vary")]
    pub vary: Vec<(String, String)>,
    /// Let the axes run side by side (first values together, then second ones, ...) instead of as a grid
    #[arg(long, help_heading = "What to vary")]
    pub zip: bool,

    /// What to compare.
    #[command(flatten)]
    pub selection: Selection,
    /// How much to simulate.
    #[command(flatten)]
    pub effort: Effort,

    /// How the result is written [default: by the name of the output file, or text]
    #[arg(long, value_enum, help_heading = "Output")]
    pub format: Option<Format>,
    /// Write the result to this file (.jsonl, .csv, .parquet where built with it, .md, .txt), or to standard output (-)
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace files that exist, and forget what an unfinished sweep has left
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Continue the unfinished sweep of the same command (needs -o)
    #[arg(long, help_heading = "Output")]
    pub resume: bool,
    /// Use ASCII signs only in the text
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,
    /// Figures beside the result.
    #[command(flatten)]
    pub plots: PlotsArg,
}

/// A sweep that is about to run.
struct SweepSetup {
    source: ScenarioSource,
    axes: Axes,
    plan: SweepPlan,
    base: Changes,
    options: Options,
    header: SweepHeader,
    /// The values of the scenario, for others to tell what differs.
    outline: Vec<Valued>,
    /// What is said once the points are known to be possible.
    note: Option<String>,
}

/// Runs the subcommand; the exit code.
///
/// # Errors
/// The scenario or an axis is not valid, a study fails, the journal is of another sweep, or an output cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let target = output::OutputTarget::of(args)?;
    let path = target.file(args);
    match &path {
        // Who works at the file comes before what is wrong with it.
        Some(path) if store::busy(path, printer)? => return Ok(Exit::TryAgain as u8),
        None if args.resume => {
            return Err(UserError::new(
                "--resume continues the sweep of a file: name the file with -o",
            )
            .into());
        }
        _ => {}
    }
    let mut files = Files::new(args.force);
    let setting = setting(args, &mut files, printer)?;
    // Before the work, not after it.
    let file = files.optional(path.as_deref())?;
    if let Some(path) = &path {
        store::check(path, args, &mut files)?;
    }
    args.plots
        .check(&setting.header.scenario.name, true, &files)?;
    target.check(setting.plan.len())?;
    host::watch_interrupts();
    let runner = PointRunner::new(&setting, printer);
    let all: Vec<u64> = (0..setting.plan.len()).collect();
    let Some(mut prepared) = prepare(&runner, &all, &setting.options).map_err(as_users)? else {
        printer.warn("interrupted before the first point");
        return Ok(Exit::Interrupted as u8);
    };
    let store = match &file {
        Some(file) => match store::opened(file.path(), args, &owner(&setting, &runner), printer)? {
            Some(store) => store,
            None => return Ok(Exit::TryAgain as u8),
        },
        None => Store::memory(),
    };
    setting.note.iter().for_each(|note| printer.hint(note));
    prepared.retain(|n| !store.has(n));
    let kept = store.len();
    let runner = runner.keeping(store, kept);
    let ran = if prepared.is_empty() {
        Ok(())
    } else {
        run_sweep(&runner, &prepared, &setting.options).map_err(as_users)
    };
    let store = runner.end();
    if let Err(e) = ran {
        return incomplete(args, printer, &setting, &store, e);
    }
    if (store.len() as u64) < setting.plan.len() {
        return interrupted(args, printer, &setting, &store);
    }
    if let Err(e) = target.write(file.as_ref(), args, printer, &setting, &store) {
        return incomplete(args, printer, &setting, &store, e);
    }
    let shown = target
        .show(args, printer, &setting, &store)
        .and_then(|()| output::draw(args, &mut files, printer, &setting, &store));
    // The result is whole, even if nobody reads what is said of it.
    store.remove()?;
    shown?;
    Ok(Exit::Done as u8)
}

/// What a study complains of is the user's to mend, but for threads that do not start.
fn as_users(e: anyhow::Error) -> anyhow::Error {
    match e.downcast_ref::<StudyError>() {
        Some(StudyError::Threads(_)) | None => e,
        Some(other) => UserError::new(other.to_string()).into(),
    }
}

/// Everything that the arguments say, checked as far as one can without loading the points.
fn setting(args: &Args, files: &mut Files, printer: &Printer) -> anyhow::Result<SweepSetup> {
    let axes = axes(args)?;
    let base = args.selection.changes(args.effort.seed);
    axes.check(&base).map_err(UserError::new)?;
    let name = args.scenario.as_deref().unwrap_or_else(|| {
        printer.hint(&format!(
            "no scenario is named: the shipped `{DEFAULT_SCENARIO}` is taken"
        ));
        DEFAULT_SCENARIO
    });
    for note in axes.notes() {
        printer.hint(&format!("note: {note}"));
    }
    let source = ScenarioSource::read(name)?;
    let (scenario, note) = source.scenario(&base, files)?;
    let plan = axes.plan();
    let mut options = args.effort.options()?;
    // One metric for all points, even where they differ in how tasks arrive.
    options.metric = Some(options.primary(&scenario));
    let header = header_of(args, name, &scenario, &plan, &options);
    Ok(SweepSetup {
        source,
        axes,
        plan,
        base,
        options,
        header,
        outline: outline(&scenario),
        note,
    })
}

fn axes(args: &Args) -> anyhow::Result<Axes> {
    let mut axes = Axes::new(args.zip);
    let cores = args.cores.iter().map(|v| ("cores", v));
    let workers = args.workers.iter().map(|v| ("workers", v));
    let fields = args.vary.iter().map(|(path, v)| (path.as_str(), v));
    for (path, values) in cores.chain(workers).chain(fields) {
        axes.add(path, values).map_err(UserError::new)?;
    }
    if axes.plan().axes.is_empty() {
        return Err(UserError::new(
            "nothing is varied: say what, for example --cores 1..16, --workers 1,2,4,8 or --vary workload.arrivals.rate=50/s..500/s/50/s",
        )
        .into());
    }
    Ok(axes)
}

fn header_of(
    args: &Args,
    name: &str,
    scenario: &Scenario,
    plan: &SweepPlan,
    options: &Options,
) -> SweepHeader {
    SweepHeader {
        command: command(args, name, scenario.seed),
        ..crate::study::sweep::header(scenario, plan, options)
    }
}

/// All that decides the results: what the journal of another sweep would differ in.
fn owner(setting: &SweepSetup, runner: &PointRunner<'_>) -> Owner {
    let (header, options) = (&setting.header, &setting.options);
    // Of long axes what people can take in; the hash in the plan's own value knows the rest.
    let values = setting.plan.axes.iter().map(|a| {
        let all: Vec<&str> = a.values.iter().map(|v| v.text.as_str()).collect();
        let text = match all.as_slice() {
            [first, second, .., last] if all.len() > 12 => {
                format!("{first},{second},..,{last} ({} values)", all.len())
            }
            all => all.join(","),
        };
        (a.path.clone(), text)
    });
    let axes: Vec<String> = setting
        .plan
        .axes
        .iter()
        .map(|a| format!("{} ({})", a.label, a.values.len()))
        .collect();
    let how = if setting.plan.zip {
        " side by side"
    } else {
        ""
    };
    let plan = format!("{}{how}, {}", axes.join(" x "), header.plan);
    let replications = options
        .replications
        .map_or("free".to_owned(), |n| n.to_string());
    let whole = |name: &str, value: String| Owned {
        name: name.to_owned(),
        value,
        parts: Vec::new(),
    };
    let made = |name: &str, value: String, parts: Vec<(String, String)>| Owned {
        parts,
        ..whole(name, value)
    };
    vec![
        whole("version of pchsim", header.program.version.clone()),
        made("plan", plan, values.collect()),
        whole("seed", header.seed.to_string()),
        whole("ranking", metric_name(header.ranked_by)),
        whole("number of replications", replications),
        whole("precision", header.precision.to_string()),
        whole("precision of every strategy", options.all_cases.to_string()),
        whole("limit of events", options.max_events.to_string()),
        made(
            SCENARIO,
            header.scenario.hash.clone(),
            setting.outline.clone(),
        ),
        made(
            "interpreter profiles",
            runner.profiles_hash(),
            runner.profile_hashes(),
        ),
    ]
}

/// Something unexpected has ended the sweep: if finished points are kept, says so and how to go on.
fn incomplete(
    args: &Args,
    printer: &Printer,
    setting: &SweepSetup,
    store: &Store,
    why: anyhow::Error,
) -> anyhow::Result<u8> {
    let users = why.downcast_ref::<UserError>().is_some();
    let (Some(path), false) = (store.path(), users || store.is_empty()) else {
        return Err(why);
    };
    printer.error(&format!(
        "error: {why:#}\n{} and kept in {}; when that is mended go on with: {}",
        finished(setting, store),
        path.display(),
        resume(args, setting)
    ));
    Ok(Exit::Incomplete as u8)
}

/// How far the sweep is.
fn finished(setting: &SweepSetup, store: &Store) -> String {
    let are = if store.len() == 1 { "is" } else { "are" };
    let all = counted(setting.plan.len(), "point");
    format!("{} of {all} {are} finished", store.len())
}

/// The command that goes on with an unfinished sweep.
fn resume(args: &Args, setting: &SweepSetup) -> String {
    let output = args.output.as_deref().unwrap_or(Path::new(""));
    format!(
        "{} -o {} --resume",
        setting.header.command,
        quoted(&output.to_string_lossy())
    )
}

/// Says what is done and how to go on.
fn interrupted(
    args: &Args,
    printer: &Printer,
    setting: &SweepSetup,
    store: &Store,
) -> anyhow::Result<u8> {
    let so_far = format!("interrupted: {}", finished(setting, store));
    if let Some(path) = store.path() {
        printer.warn(&format!(
            "{so_far} and kept in {}; continue with: {}",
            path.display(),
            resume(args, setting)
        ));
    } else {
        printer.warn(&format!(
            "{so_far}; with -o FILE they would be kept, and --resume could continue"
        ));
        if !store.is_empty() && args.format.is_none_or(|f| f == Format::Text) {
            output::print_text(args, printer, setting, store)
                .context("the finished points cannot be shown")?;
        }
    }
    Ok(Exit::Interrupted as u8)
}

/// The command that repeats the sweep: everything that the result depends on, and nothing else.
fn command(args: &Args, scenario: &str, seed: u64) -> String {
    let mut words = vec!["pchsim".to_owned(), "sweep".into(), quoted(scenario)];
    let mut add = |name: &str, value: String| words.extend([name.to_owned(), quoted(&value)]);
    if let Some(v) = &args.cores {
        add("--cores", v.clone());
    }
    if let Some(v) = &args.workers {
        add("--workers", v.clone());
    }
    for (path, values) in &args.vary {
        add("--vary", format!("{path}={values}"));
    }
    args.selection.words(&mut add);
    args.effort.words(&mut add);
    if !args.vary.iter().any(|(path, _)| path == "seed") {
        add("--seed", seed.to_string());
    }
    if args.zip {
        words.push("--zip".into());
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

    fn parse(line: &[&str]) -> Args {
        TestCli::try_parse_from(std::iter::once(&"sweep").chain(line))
            .unwrap()
            .args
    }

    #[test]
    fn the_command_repeats_what_matters() {
        let args = parse(&[
            "--cores",
            "1..4",
            "--vary",
            "seed=1..3",
            "--threads",
            "2",
            "--zip",
            "-o",
            "x.csv",
            "--strategy",
            "prefork:4(asyncio)",
        ]);
        assert_eq!(
            command(&args, "a b.ron", 7),
            "pchsim sweep 'a b.ron' --cores 1..4 --vary seed=1..3 --strategy 'prefork:4(asyncio)' --zip"
        );
        let args = parse(&["--workers", "1..8*2", "--precision", "5%"]);
        assert_eq!(
            command(&args, "api", 7),
            "pchsim sweep api --workers '1..8*2' --precision 0.05 --seed 7"
        );
    }

    #[test]
    fn nothing_varied_is_an_error_with_an_example() {
        let e = axes(&parse(&["scraper"])).unwrap_err().to_string();
        assert!(e.contains("--cores 1..16"), "{e}");
    }
}
