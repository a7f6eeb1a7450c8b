//! `pchsim record`: makes a scenario from measurements.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args as ClapArgs, FromArgMatches as _, ValueEnum};

use super::beside;
use super::candidates;
use super::files::{Files, OutputFile};
use super::format::FileKind;
use super::values::{lasting, limited};
use super::words::quoted;
use super::{Exit, Printer, UserError};
use crate::host::{self, ExitReason, FinishedRun, HostError, Invocation, Scratch};
use crate::learn::{
    self, ArrivalsChoice, BackgroundTask, Format, Learned, TimeUnit, Trace, TraceOptions, recorder,
};
use crate::profiles;
use crate::quantity::list;
use crate::scenario::limits::MAX_CORES;
use crate::scenario::visible;
use crate::syntax;
use crate::verify::machine;

/// Learns a scenario from a recorded trace, or from a program that is run and recorded.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim record --trace steps.csv -o my.ron
  pchsim record --trace access.log -o my.ron
  pchsim record --trace spans.jsonl -o my.ron
  pchsim record -o my.ron -- python my_program.py --pages 20
  pchsim record --emit-recorder recorder.py

A trace has one step a line: task, class, kind (or step), start, end; as CSV with a header line or as JSON Lines. Kinds are
cpu, native, io, wait, blocked, lock:NAME, payload_in and payload_out; the last two need a column `bytes`. docs/recording.md says more.

Exit codes: 0 done, 1 the recorded program failed (what was recorded is written), 2 bad usage or trace.")]
pub(crate) struct Args {
    /// Learn from this trace, access log, file of spans or profile
    #[arg(long, value_name = "FILE", help_heading = "Trace")]
    pub trace: Option<PathBuf>,
    /// Unit of the trace's times
    #[arg(long, value_enum, default_value_t = TraceTimeUnit::S, help_heading = "Trace")]
    pub unit: TraceTimeUnit,
    /// What the trace is [default: by how it begins, or by its extension]
    #[arg(long, value_enum, help_heading = "Trace")]
    pub format: Option<TraceFormat>,
    /// The function of a profile whose calls are the tasks [default: guessed, and said]
    #[arg(
        long,
        value_name = "FUNCTION",
        requires = "trace",
        help_heading = "Trace"
    )]
    pub task: Option<String>,
    /// How often it was called, where the profile does not say
    #[arg(long, value_name = "N", requires = "trace", value_parser = clap::value_parser!(u64).range(1..=1_000_000), help_heading = "Trace")]
    pub count: Option<u64>,

    /// Run this program and record its tasks (after --)
    #[arg(last = true, value_name = "PROGRAM", conflicts_with_all = ["trace", "emit_recorder"])]
    pub program: Vec<OsString>,
    /// Give every thread pool of the program one worker: no task waits for the GIL, and waiting is I/O
    #[arg(long, requires = "program", help_heading = "Recording")]
    pub sequential: bool,
    /// Also look how often the tasks' code gives the GIL up, and for how long (Linux, two cores and more; implies --sequential)
    #[arg(long, requires = "program", help_heading = "Recording")]
    pub releases: bool,
    /// End the program after this time, as in 90s or 5m [default: none]
    #[arg(long, value_name = "TIME", value_parser = lasting, requires = "program", help_heading = "Recording")]
    pub limit: Option<Duration>,
    /// Also write the recorded trace (JSON Lines) to this file
    #[arg(
        long,
        value_name = "FILE",
        requires = "program",
        help_heading = "Recording"
    )]
    pub keep_trace: Option<PathBuf>,
    /// Write the recorder, a Python module, to this file (-: standard output), to mark tasks and steps by hand
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "trace",
        help_heading = "Recording"
    )]
    pub emit_recorder: Option<PathBuf>,

    /// Write the scenario to this file and the table of fits to standard output
    ///
    /// Without this a trace's scenario goes to standard output and the table to standard error; a recorded program's scenario
    /// goes to recorded.ron.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long, help_heading = "Output")]
    pub force: bool,

    /// The profile of the interpreter that CPU times were taken on: they are divided by its cpu_factor
    #[expect(clippy::doc_markdown, reason = "the text of --help")]
    #[arg(long, value_name = "NAME", add = candidates::profile(), help_heading = "Learning")]
    pub interpreter: Option<String>,
    /// Cores of the machine that the scenario is for [default: this machine's, of a recorded program]
    #[arg(long, value_name = "N", value_parser = limited("MAX_CORES", MAX_CORES, "8"), help_heading = "Learning")]
    pub cores: Option<u32>,
    /// How tasks arrive
    #[arg(long, value_enum, default_value_t = ArrivalMode::Auto, help_heading = "Learning")]
    pub arrivals: ArrivalMode,
}

/// Units of time in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceTimeUnit {
    /// Seconds
    S,
    /// Milliseconds
    Ms,
    /// Microseconds
    Us,
    /// Nanoseconds
    Ns,
}

/// Formats of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceFormat {
    /// A header line, then a line for each step
    Csv,
    /// A JSON object on each line
    Jsonl,
    /// An access log of Apache, nginx or gunicorn, with a duration behind each line or without
    AccessLog,
    /// OpenTelemetry spans: OTLP as JSON, one export a line
    Spans,
    /// Collapsed stacks: py-spy record --format raw
    Stacks,
    /// speedscope's JSON: py-spy record --format speedscope
    Speedscope,
    /// What cProfile writes
    Prof,
}

/// How tasks arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ArrivalMode {
    /// All at once if they start in the first 5% of the trace, or back to back in its first quarter; else open
    Auto,
    /// All at once
    Batch,
    /// Spread in time, as recorded
    Open,
}

/// Learns and writes; the exit code.
///
/// # Errors
/// The program cannot be run, its trace cannot be read, or the scenario cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let mut files = Files::new(args.force);
    if let Some(file) = &args.emit_recorder {
        match files.optional_of(FileKind::RECORDER, Some(file))? {
            Some(file) => file.write(recorder::RECORDER, printer)?,
            None => printer.result(recorder::RECORDER)?,
        }
        return Ok(Exit::Done as u8);
    }
    args.trace.iter().for_each(|t| files.reads(t));
    // The program's own files among them.
    args.program.iter().for_each(|word| files.reads(word));
    // Before the work, not after it.
    let usual = Path::new("recorded.ron");
    let output = match (&args.output, &args.trace) {
        (None, None) if !args.program.is_empty() => {
            files.optional_of(FileKind::SCENARIO, Some(usual))?
        }
        (output, _) => files.optional_of(FileKind::SCENARIO, output.as_deref())?,
    };
    // A misspelt name should be noticed before the program has run.
    let interpreter = interpreter(args)?;
    match &args.trace {
        Some(path) => {
            let trace = Trace::read(path, &trace_options(args))
                .map_err(|e| UserError::new(e.to_string()))?;
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let options = options(args, interpreter, &stem, &path.display().to_string());
            let learned = learn::learn(&trace, options)
                .map_err(|e| UserError::new(format!("{}: {e}", path.display())))?;
            write(&learned, To::of(output.as_ref()), printer)?;
            Ok(Exit::Done as u8)
        }
        None if args.program.is_empty() => Err(UserError::new(
            "nothing to learn from\nhelp: name a trace with --trace FILE, or a program to run after --, as in: pchsim record \
             -- python my_program.py",
        )
        .into()),
        None => {
            let kept = match &args.keep_trace {
                Some(file) => Some(files.output_of(FileKind::ROWS, file)?),
                None => None,
            };
            let to = To::of(output.as_ref());
            record(args, interpreter, (to, kept.as_ref()), printer)
        }
    }
}

/// Where a learnt scenario goes.
#[derive(Clone, Copy)]
enum To<'a> {
    /// Into this file, and the table of fits to standard output.
    File(&'a OutputFile),
    /// To standard output, and the table to standard error.
    Output,
    /// To whoever asked, and the table to standard error.
    Asker(&'a RefCell<Option<String>>),
}

impl<'a> To<'a> {
    fn of(file: Option<&'a OutputFile>) -> Self {
        file.map_or(Self::Output, Self::File)
    }
}

/// Records a program for another command; the exit code, and the scenario where one was learnt.
///
/// # Errors
/// The program cannot be run, or what was recorded cannot be read.
pub(super) fn recorded(
    program: &[OsString],
    printer: &Printer,
) -> anyhow::Result<(u8, Option<String>)> {
    let words = ["record".into(), "--".into()].into_iter();
    let words = words.chain(program.iter().cloned());
    let matches = Args::augment_args(clap::Command::new("record")).try_get_matches_from(words)?;
    let args = Args::from_arg_matches(&matches)?;
    let text = RefCell::new(None);
    let code = record(&args, None, (To::Asker(&text), None), printer)?;
    Ok((code, text.into_inner()))
}

/// Runs the program with the recorder in it, and learns from what that wrote.
fn record(
    args: &Args,
    interpreter: Option<(String, f64)>,
    (to, kept): (To<'_>, Option<&OutputFile>),
    printer: &Printer,
) -> anyhow::Result<u8> {
    let dir = recording_place().context("cannot make a folder for temporary files")?;
    let finished = run_recorded(args, dir.path())?;
    let rows =
        recorder::collect(&dir.path().join(ROWS)).context("cannot read what was recorded")?;
    drop(dir);
    let trace = match rows.as_str() {
        "" => Trace::default(),
        rows => recorder::parse(rows, "the recorded trace")?,
    };
    let ended = matches!(finished.end, ExitReason::Interrupted | ExitReason::TimedOut);
    // A server runs until somebody ends it.
    let failed = how_it_failed(&finished, args.limit).filter(|_| !(ended && trace.facts.server()));
    if let Some(how) = &failed {
        printer.error(&format!("error: the recorded program {how}"));
    }
    if rows.is_empty() {
        return nothing_recorded(failed.is_some(), &trace.facts.background);
    }
    if let Some(file) = kept {
        file.write(&rows, printer)?;
    }
    let command: Vec<_> = args.program.iter().map(|a| a.to_string_lossy()).collect();
    let origin = format!(
        "a run of `{}`. Io includes waiting that the recorder cannot tell from it (the GIL, locks of C code): record under \
         light load, or with --sequential",
        command.join(" ")
    );
    let interpreter = interpreter.or_else(|| recorded_interpreter(&trace));
    let options = options(args, interpreter, &program_name(&args.program), &origin);
    let Ok(learned) = learn::learn(&trace, options) else {
        return nothing_recorded(failed.is_some(), &trace.facts.background);
    };
    if failed.is_some() {
        printer.warn("warning: the scenario holds what was recorded up to then");
    }
    write(&learned, to, printer)?;
    Ok(match finished.end {
        ExitReason::Interrupted if failed.is_some() => Exit::Interrupted as u8,
        _ if failed.is_some() => Exit::Unexpected as u8,
        _ => Exit::Done as u8,
    })
}

/// Where the processes write what they record.
const ROWS: &str = "rows";

/// A directory with the recorder in it.
fn recording_place() -> std::io::Result<Scratch> {
    let scratch = Scratch::new()?;
    for (name, text) in recorder::MODULES {
        scratch.put(name, text)?;
    }
    scratch.folder(ROWS)?;
    Ok(scratch)
}

fn run_recorded(args: &Args, dir: &Path) -> anyhow::Result<FinishedRun> {
    host::watch_interrupts();
    let text = |p: &Path| {
        p.to_str()
            .map(str::to_owned)
            .with_context(|| format!("{} is not UTF-8", p.display()))
    };
    let mut path = text(dir)?;
    if let Some(before) = std::env::var_os("PYTHONPATH").filter(|p| !p.is_empty()) {
        path.push(if cfg!(windows) { ';' } else { ':' });
        path.push_str(&before.to_string_lossy());
    }
    let mut env = vec![
        ("PYTHONPATH".to_owned(), path),
        (recorder::TRACE_VARIABLE.to_owned(), text(&dir.join(ROWS))?),
    ];
    if args.releases {
        env.push((recorder::RELEASES_VARIABLE.to_owned(), "1".into()));
    }
    // Two threads of the program would fight for the GIL, and each would be taken for the other.
    if args.sequential || args.releases {
        env.push((recorder::SEQUENTIAL_VARIABLE.to_owned(), "1".into()));
    }
    let program = Invocation {
        args: args.program[1..].to_vec(),
        env,
        limit: args.limit.unwrap_or(Duration::MAX),
        inherit: true,
        ..Invocation::new(Path::new(&args.program[0]))
    };
    host::run(&program, &mut |_| {}).map_err(|e| match e {
        HostError::CannotStart { .. } => UserError::new(format!(
            "{e}\nhelp: after -- stands the command as you would type it, as in: pchsim record -- python my_program.py"
        ))
        .into(),
        e => e.into(),
    })
}

fn how_it_failed(finished: &FinishedRun, limit: Option<Duration>) -> Option<String> {
    match (finished.end, finished.code, finished.signal) {
        (ExitReason::TimedOut, ..) => Some(format!(
            "was ended after {} s (--limit)",
            limit.unwrap_or_default().as_secs_f64()
        )),
        (ExitReason::Interrupted, ..) => Some("was interrupted".into()),
        (_, Some(0), _) => None,
        (_, Some(code), _) => Some(format!("ended with exit code {code}")),
        (_, None, Some(signal)) => Some(format!("was ended by signal {signal}")),
        _ => Some("did not end in order".into()),
    }
}

fn nothing_recorded(failed: bool, background: &[BackgroundTask]) -> anyhow::Result<u8> {
    let text = "the program ran, but no task was recorded\nhelp: recorded are callables submitted to executors of \
                concurrent.futures, tasks of multiprocessing.Pool and asyncio tasks, in CPython 3.9 and newer started \
                without -I, -E or -S. For other programs mark tasks by hand: pchsim record --emit-recorder recorder.py, \
                and docs/recording.md";
    if failed {
        bail!("no task was recorded before it failed");
    }
    let mut names: Vec<String> = background.iter().map(|b| visible(&b.class)).collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        let text = format!(
            "the program ran, but all of its tasks were given up in the end ({}), as workers are that wait for ever\nhelp: let them end by \
             themselves (an item that says so), or mark what they do for each item by hand: pchsim record --emit-recorder recorder.py, and \
             docs/recording.md",
            list(&names)
        );
        return Err(UserError::new(text).into());
    }
    Err(UserError::new(text).into())
}

/// The scenario's name: that of the script, or of the command.
fn program_name(program: &[OsString]) -> String {
    let script = program
        .iter()
        .find(|a| Path::new(a).extension().is_some_and(|e| e == "py"));
    script
        .or(program.first())
        .and_then(|p| Path::new(p).file_stem())
        .map_or_else(String::new, |s| s.to_string_lossy().into_owned())
}

fn trace_options(args: &Args) -> TraceOptions {
    TraceOptions {
        unit: match args.unit {
            TraceTimeUnit::S => TimeUnit::Seconds,
            TraceTimeUnit::Ms => TimeUnit::Milliseconds,
            TraceTimeUnit::Us => TimeUnit::Microseconds,
            TraceTimeUnit::Ns => TimeUnit::Nanoseconds,
        },
        format: args.format.map(|f| match f {
            TraceFormat::Csv => Format::Csv,
            TraceFormat::Jsonl => Format::JsonLines,
            TraceFormat::AccessLog => Format::AccessLog,
            TraceFormat::Spans => Format::Spans,
            TraceFormat::Stacks => Format::Stacks,
            TraceFormat::Speedscope => Format::Speedscope,
            TraceFormat::Prof => Format::Prof,
        }),
        task: args.task.clone(),
        count: args.count,
    }
}

/// The named profile and its factor of CPU time.
fn interpreter(args: &Args) -> anyhow::Result<Option<(String, f64)>> {
    let Some(name) = &args.interpreter else {
        return Ok(None);
    };
    let p = profiles::find(name).map_err(|e| UserError::new(e.to_string()))?;
    // As it was given: a file is not found by its profile's name.
    Ok(Some((name.clone(), p.params.cpu_factor)))
}

/// The shipped profile of the interpreter that was recorded, if there is one.
fn recorded_interpreter(trace: &Trace) -> Option<(String, f64)> {
    let process = trace.facts.processes.values().next()?;
    let threaded = if process.gil { "" } else { "t" };
    let name = format!("cpython-{}{threaded}", process.version);
    let profile = profiles::shipped().into_iter().find(|p| p.name == name)?;
    Some((profile.name.clone(), profile.params.cpu_factor))
}

fn options(
    args: &Args,
    interpreter: Option<(String, f64)>,
    name: &str,
    origin: &str,
) -> learn::Options {
    learn::Options {
        name: if name.trim().is_empty() {
            "recorded"
        } else {
            name
        }
        .to_owned(),
        origin: origin.to_owned(),
        interpreter,
        cores: args.cores,
        recorded_on: (!args.program.is_empty()).then(machine::cores),
        memory: (!args.program.is_empty()).then(machine::memory).flatten(),
        one_worker: args.sequential || args.releases,
        arrivals: match args.arrivals {
            ArrivalMode::Auto => ArrivalsChoice::Auto,
            ArrivalMode::Batch => ArrivalsChoice::Batch,
            ArrivalMode::Open => ArrivalsChoice::Open,
        },
    }
}

fn write(learned: &Learned, to: To<'_>, printer: &Printer) -> anyhow::Result<()> {
    let text = learned.to_ron();
    let origin = Path::new("the learnt scenario");
    if let Err(problems) = syntax::parse(&text, origin, &[]) {
        bail!(
            "the learnt scenario is not valid, which is a bug of pchsim:\n{}",
            syntax::render(&problems, false)
        );
    }
    let mut table = learned.table();
    let beside = beside::beside(learned, &text);
    let gap = beside.as_ref().and_then(|b| b.gap);
    if let Some(beside) = beside {
        table.push_str(&beside.lines);
    }
    // Only a forecast shows whether the recorded run took longer; where there is none, it may have.
    let delay = learned
        .costs
        .delay
        .filter(|d| gap.is_none_or(|gap| d.explains(gap)));
    let noted = delay.map(|d| {
        let mut noted = learned.clone();
        noted.notes.push(d.note());
        noted
    });
    let text = noted.as_ref().map_or(text, Learned::to_ron);
    let said = noted.as_ref().unwrap_or(learned);
    match to {
        To::File(file) => {
            // The scenario is there, even if nobody reads the table.
            file.write(&text, printer)?;
            printer.result(&table)?;
            printer.hint(&format!(
                "next: pchsim run {}",
                quoted(&file.path().to_string_lossy())
            ));
        }
        To::Output => {
            printer.result(&text)?;
            printer.hint(table.trim_end());
        }
        To::Asker(asker) => {
            asker.replace(Some(text));
            printer.hint(table.trim_end());
        }
    }
    for note in &said.notes {
        printer.hint(&format!("note: {}.", visible(note)));
    }
    Ok(())
}
