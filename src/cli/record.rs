//! `pchsim record`: a scenario from measurements.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args as ClapArgs, ValueEnum};

use super::{Exit, Printer, UserError};
use crate::calibrate::profiles;
use crate::learn::{self, ArrivalsChoice, Format, Learned, TimeUnit, Trace, TraceOptions};
use crate::scenario;

/// Learns a scenario from a recorded trace, or from a program that is run and recorded.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim record --trace steps.csv -o my.ron
  pchsim record -o my.ron -- python my_program.py --pages 20
  pchsim record --emit-recorder recorder.py

A trace has one step a line: task, class, kind (or step), start, end; as CSV with a header line or as JSON Lines. Kinds are
cpu, native, io, wait, lock:NAME, payload_in and payload_out. docs/recording.md says more.

Exit codes: 0 done, 1 the recorded program failed (what was recorded is written), 2 bad usage or trace.")]
pub struct Args {
    /// Learn from this trace
    #[arg(long, value_name = "FILE", help_heading = "Trace")]
    pub trace: Option<PathBuf>,
    /// Unit of the trace's times
    #[arg(long, value_enum, default_value_t = Unit::S, help_heading = "Trace")]
    pub unit: Unit,
    /// How the trace is written [default: by its extension or first line]
    #[arg(long, value_enum, help_heading = "Trace")]
    pub format: Option<TraceFormat>,

    /// Write the scenario to this file and the table of fits to standard output
    ///
    /// Without it a trace's scenario goes to standard output and the table to standard error; a recorded program's scenario
    /// goes to recorded.ron.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long, help_heading = "Output")]
    pub force: bool,

    /// The profile of the interpreter that CPU times were taken on: they are divided by its cpu_factor
    #[arg(long, value_name = "NAME", help_heading = "Learning")]
    pub interpreter: Option<String>,
    /// Cores of the machine that the scenario is for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096), help_heading = "Learning")]
    pub cores: Option<u32>,
    /// How tasks arrive
    #[arg(long, value_enum, default_value_t = ArrivalMode::Auto, help_heading = "Learning")]
    pub arrivals: ArrivalMode,
}

/// Units of time in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unit {
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
pub enum TraceFormat {
    /// A header line, then one line a step
    Csv,
    /// One JSON object a line
    Jsonl,
}

/// How tasks arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ArrivalMode {
    /// All at once if they start in the first 5% of the trace, else open
    Auto,
    /// All at once
    Batch,
    /// Spread in time, as recorded
    Open,
}

/// Learns and writes; the exit code.
pub fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let Some(path) = &args.trace else {
        return Err(
            UserError::new("nothing to learn from\nhelp: name a trace with --trace FILE").into(),
        );
    };
    if let Some(output) = to_file(args) {
        Printer::check_writable(output, args.force)?;
    }
    let trace =
        Trace::read(path, trace_options(args)).map_err(|e| UserError::new(e.to_string()))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let learned = learn_from(&trace, args, &stem, &path.display().to_string())?;
    write(&learned, to_file(args), args.force, printer)?;
    Ok(Exit::Done as u8)
}

/// The file that the scenario goes to; `-` is standard output.
fn to_file(args: &Args) -> Option<&Path> {
    args.output.as_deref().filter(|p| *p != Path::new("-"))
}

fn trace_options(args: &Args) -> TraceOptions {
    TraceOptions {
        unit: match args.unit {
            Unit::S => TimeUnit::Seconds,
            Unit::Ms => TimeUnit::Milliseconds,
            Unit::Us => TimeUnit::Microseconds,
            Unit::Ns => TimeUnit::Nanoseconds,
        },
        format: args.format.map(|f| match f {
            TraceFormat::Csv => Format::Csv,
            TraceFormat::Jsonl => Format::JsonLines,
        }),
    }
}

fn learn_from(trace: &Trace, args: &Args, name: &str, origin: &str) -> anyhow::Result<Learned> {
    let interpreter = match &args.interpreter {
        None => None,
        Some(name) => {
            let p = profiles::find(name).map_err(|e| UserError::new(e.to_string()))?;
            Some((p.name.clone(), p.params.cpu_factor))
        }
    };
    let options = learn::Options {
        name: if name.trim().is_empty() {
            "recorded"
        } else {
            name
        }
        .to_owned(),
        origin: origin.to_owned(),
        interpreter,
        cores: args.cores,
        arrivals: match args.arrivals {
            ArrivalMode::Auto => ArrivalsChoice::Auto,
            ArrivalMode::Batch => ArrivalsChoice::Batch,
            ArrivalMode::Open => ArrivalsChoice::Open,
        },
    };
    Ok(learn::learn(trace, options).map_err(|e| UserError::new(format!("{origin}: {e}")))?)
}

fn write(
    learned: &Learned,
    file: Option<&Path>,
    force: bool,
    printer: &Printer,
) -> anyhow::Result<()> {
    let text = learned.to_ron();
    let origin = Path::new("the learnt scenario");
    if let Err(problems) = scenario::parse(&text, origin, &[]) {
        bail!(
            "the learnt scenario is not valid, which is a bug of pchsim:\n{}",
            scenario::render(&problems, false)
        );
    }
    let table = learned.table();
    match file {
        Some(path) => {
            printer.result(&table)?;
            printer.write_file(path, &text, force)?;
            printer.hint(&format!("next: pchsim run {}", path.display()));
        }
        None => {
            printer.result(&text)?;
            printer.hint(table.trim_end());
        }
    }
    for note in &learned.notes {
        printer.hint(&format!("note: {note}."));
    }
    Ok(())
}
