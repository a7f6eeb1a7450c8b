//! `pchsim validate`: forecasts held against measured runs.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};

use super::{Exit, Printer, UserError};
use crate::calibrate::reference::{Reference, Settings, render, validate};
use crate::calibrate::{profile_file, profiles};
use crate::strategy::simulate;

/// Holds forecasts against measured runs of real CPythons.
///
/// DIR holds `measured.json` (the cells), `micro-ID.json` and `more-ID.json` (microbenchmarks of each interpreter) and the
/// traces that cells name. Interpreter profiles are derived from the microbenchmarks. A cell that cannot be read or
/// simulated is named with the reason and left out; the exit code is 1 if that is all of them.
#[derive(Debug, ClapArgs)]
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
    };
    let result = validate(&reference, &settings, &|input| {
        simulate(input).map_err(|e| e.to_string())
    });
    let text = match args.format {
        Format::Text => render::text(&result, args.detail),
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
        Exit::Unexpected as u8
    } else {
        Exit::Done as u8
    })
}

fn write_profiles(reference: &Reference, dir: &Path, printer: &Printer) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    for (id, interpreter) in &reference.interpreters {
        let Ok(interpreter) = interpreter else {
            continue;
        };
        let profile = match profiles::RELEASES.iter().find(|r| r.measured_as == id) {
            Some(release) => release.from_measured(&interpreter.profile, interpreter.cpu_cost),
            None => interpreter.profile.clone(),
        };
        let path = dir.join(format!("{}.ron", profile.name));
        printer.write_file(&path, &profile_file::to_ron(&profile), true)?;
    }
    Ok(())
}
