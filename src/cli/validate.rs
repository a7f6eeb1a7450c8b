//! `pchsim validate`: compares forecasts with measured runs.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::files::{Files, OutputFile};
use super::format::{Endings, format};
use super::values::integer;
use super::{Exit, Printer, UserError};
use crate::profiles::{self, file};
use crate::strategy::simulate;
use crate::validate::{Reference, ValidateSettings, Validation, render, validate};
use crate::verify::limits::{ErrorLimits, explain};

/// Holds forecasts against measured runs of real CPythons.
///
/// DIR holds `measured.json` (the cells), `micro-ID.json` and `more-ID.json` (microbenchmarks of each interpreter) and the
/// traces that cells name. Interpreter profiles are derived from the microbenchmarks. A cell that cannot be read or
/// simulated is named with the reason and left out; the exit code is 1 if that is all of them.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim validate tests/data/reference --only threads --detail
  pchsim validate tests/data/reference --strict
  pchsim validate mine --strict --limits other,memory=3/10/40

Exit codes: 0 done, 1 no cell could be forecast, 2 bad usage or measurements, 4 --strict and a limit exceeded or a cell left out.")]
pub struct Args {
    /// Directory of measurements.
    dir: PathBuf,
    /// What to print [default: by the name of the output file, or text]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write the result to this file (.json, .md, .txt) instead of standard output (-)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
    /// Also write the derived interpreter profiles to this directory; those that stand for a release under its name.
    #[arg(long, value_name = "DIR")]
    write_profiles: Option<PathBuf>,
    /// Replications of every cell; the forecast is their median.
    #[arg(long, default_value_t = 7, value_parser = integer::<u32>(1..=1000, "7"))]
    replications: u32,
    /// Master seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only cells whose name and interpreter contain this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Below each cell: CPU seconds, context switches, and where the forecast's time went.
    #[arg(long)]
    detail: bool,
    /// Fail (exit code 4) if errors exceed their limits, a ranking is wrong, or a cell is left out
    #[arg(long)]
    strict: bool,
    /// What the errors may be: METRIC=MEDIAN/P90/WORST in percent, separated by commas, with makespan, p50, p99 and memory; ranking=N (workloads
    /// ranked wrongly); or a row of the built-in table, reference or other (machines that the model was not developed on), for all at once.
    /// What is not named stays as in the table [default: reference]
    #[arg(long, value_name = "LIMITS", value_parser = limits)]
    limits: Option<ErrorLimits>,
}

fn limits(text: &str) -> Result<ErrorLimits, String> {
    ErrorLimits::parse(text, ErrorLimits::REFERENCE)
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

/// By which names of files they are known.
const ENDINGS: &Endings<Format> = &[
    ("json", Format::Json),
    ("md", Format::Markdown),
    ("txt", Format::Text),
];

/// Runs the subcommand; the exit code.
///
/// # Errors
/// The directory holds no measured runs, or an output cannot be written.
pub fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let format = format(args.format, args.output.as_deref(), ENDINGS, Format::Text)?;
    let mut files = Files::new(args.force);
    // Everything that lies there may be read.
    for entry in std::fs::read_dir(&args.dir).into_iter().flatten().flatten() {
        files.reads(entry.path());
    }
    // Before the work, not after it.
    let output = files.optional(args.output.as_deref())?;
    if let Some(dir) = &args.write_profiles {
        Files::folder(dir)?;
    }
    let reference = Reference::read(&args.dir).map_err(|e| UserError::new(e.to_string()))?;
    if args.write_profiles.is_some() {
        write_profiles(args, &reference, &mut files, printer)?;
    }
    let settings = ValidateSettings {
        replications: args.replications,
        seed: args.seed,
        only: args.only.clone(),
        limits: args.limits.unwrap_or(ErrorLimits::REFERENCE),
    };
    let result = validate(&reference, &settings, &|input| simulate(input));
    if result.cells.is_empty() && result.skipped.is_empty() {
        let why = args.only.as_ref().map_or_else(
            || "no cells".to_owned(),
            |only| format!("no cell whose name and interpreter contain `{only}`"),
        );
        return Err(UserError::new(format!("{}: {why}", args.dir.display())).into());
    }
    let text = match format {
        Format::Text => render::text(&result, args.detail, printer.style(false, output.is_some())),
        Format::Json => render::json(&result),
        Format::Markdown => render::markdown(&result),
    };
    match &output {
        Some(file) => file.write(&text, printer)?,
        None => printer.result(&text)?,
    }
    for s in &result.skipped {
        printer.warn(&format!(
            "skipped {} {}: {}",
            s.name, s.interpreter, s.reason
        ));
    }
    Ok(if result.cells.is_empty() {
        Exit::Unexpected
    } else if args.strict && !kept(&result, printer) {
        Exit::Untrusted
    } else {
        Exit::Done
    } as u8)
}

/// Whether all cells were forecast within the limits; says what is not.
fn kept(result: &Validation, printer: &Printer) -> bool {
    let excesses = result.excesses();
    if !excesses.is_empty() {
        let cells = |metric: usize| {
            result.cells.iter().filter_map(move |c| {
                let held = c.metrics[metric].as_ref()?;
                Some((format!("{} {}", c.name, c.interpreter), held))
            })
        };
        printer.error(&format!(
            "error: forecasts are further off than their limits allow (--limits)\n{}",
            explain(&excesses, cells).trim_end()
        ));
    }
    if !result.skipped.is_empty() {
        printer.error(&format!(
            "error: {} of {} cells could not be forecast, and nothing is known of them",
            result.skipped.len(),
            result.skipped.len() + result.cells.len()
        ));
    }
    excesses.is_empty() && result.skipped.is_empty()
}

fn write_profiles(
    args: &Args,
    reference: &Reference,
    files: &mut Files,
    printer: &Printer,
) -> anyhow::Result<()> {
    let Some(dir) = &args.write_profiles else {
        return Ok(());
    };
    let mut profiles = Vec::new();
    for release in &profiles::RELEASES {
        let profile = crate::validate::of_set(release, reference);
        profiles.extend(profile.map_err(|e| UserError::new(e.to_string()))?);
    }
    let others = reference.interpreters.values().flatten();
    let others = others.map(|i| i.profile.clone());
    profiles.extend(others.filter(|p| profiles::RELEASES.iter().all(|r| !r.is(p))));
    files.fill_folder(dir)?;
    // All of them before the first is written.
    let outputs = profiles
        .iter()
        .map(|p| files.output(&dir.join(format!("{}.ron", p.name))))
        .collect::<anyhow::Result<Vec<OutputFile>>>()?;
    for (profile, output) in profiles.iter().zip(&outputs) {
        output.write(&file::to_ron(profile), printer)?;
    }
    Ok(())
}
