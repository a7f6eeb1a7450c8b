//! `pchsim validate`: forecasts held against measured runs.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};

use super::{Exit, Printer, UserError};
use crate::calibrate::limits::{Limits, explain};
use crate::calibrate::reference::{Reference, Settings, Validation, render, validate};
use crate::calibrate::{profile_file, profiles};
use crate::strategy::simulate;

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
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the result here instead of to the terminal.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also write the derived interpreter profiles to this directory; those that stand for a release under its name.
    #[arg(long, value_name = "DIR")]
    write_profiles: Option<PathBuf>,
    /// Replications of every cell; the forecast is their median.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
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
    /// What the errors may be: METRIC=MEDIAN/P90/WORST in percent, apart by commas, with makespan, p50, p99 and memory; ranking=N (workloads
    /// ranked wrongly); or a row of the built-in table, reference or other (machines that the model was not developed on), for all at once.
    /// What is not named stays as in the table [default: reference]
    #[arg(long, value_name = "LIMITS", value_parser = limits)]
    limits: Option<Limits>,
}

fn limits(text: &str) -> Result<Limits, String> {
    Limits::parse(text, Limits::REFERENCE)
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

/// Runs the subcommand; the exit code.
pub fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let reference = Reference::read(&args.dir).map_err(|e| UserError::new(e.to_string()))?;
    if let Some(dir) = &args.write_profiles {
        write_profiles(&reference, dir, printer)?;
    }
    let settings = Settings {
        replications: args.replications,
        seed: args.seed,
        only: args.only.clone(),
        limits: args.limits.unwrap_or(Limits::REFERENCE),
    };
    let result = validate(&reference, &settings, &|input| {
        simulate(input).map_err(|e| e.to_string())
    });
    if result.cells.is_empty() && result.skipped.is_empty() {
        let why = args.only.as_ref().map_or_else(
            || "no cells".to_owned(),
            |only| format!("no cell whose name and interpreter contain `{only}`"),
        );
        return Err(UserError::new(format!("{}: {why}", args.dir.display())).into());
    }
    let text = match args.format {
        Format::Text => render::text(
            &result,
            args.detail,
            printer.style(false, args.output.is_some()),
        ),
        Format::Json => render::json(&result),
        Format::Markdown => render::markdown(&result),
    };
    match &args.output {
        // The file is there to be regenerated.
        Some(path) => printer.write_file(path, &text, true)?,
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

fn write_profiles(reference: &Reference, dir: &Path, printer: &Printer) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let mut profiles = Vec::new();
    for release in &profiles::RELEASES {
        let profile = release.of_set(reference);
        profiles.extend(profile.map_err(|e| UserError::new(e.to_string()))?);
    }
    let others = reference.interpreters.values().flatten();
    let others = others.map(|i| i.profile.clone());
    profiles.extend(others.filter(|p| profiles::RELEASES.iter().all(|r| !r.is(p))));
    for profile in &profiles {
        let path = dir.join(format!("{}.ron", profile.name));
        printer.write_file(&path, &profile_file::to_ron(profile), true)?;
    }
    Ok(())
}
