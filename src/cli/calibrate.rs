//! `pchsim calibrate`: measures an interpreter and writes the result as a profile.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Args as ClapArgs, ValueEnum, ValueHint};

use super::files::{Files, OutputFile};
use super::format::FileKind;
use super::words::rough;
use super::{Exit, Printer, UserError};
use crate::calibrate::bench::{
    BenchCosts, BenchError, BenchPlan, Calibrated, CannotImport, Expected, FULL, PATIENCE, QUICK,
    calibrated, costs, expected, measure, server_bench,
};
use crate::calibrate::text;
use crate::host::{self, Interpreter};
use crate::layout::words;
use crate::profiles::file;
use crate::scenario::RequestHandling;

/// Measures Python interpreters of this machine into profiles.
///
/// Runs microbenchmarks (standard library only) on each interpreter, holds every sample against the speed that the machine
/// had just then, and writes every parameter of the model with its value, unit, spread and origin. A scenario names the
/// profile, or its file, under `interpreters`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim calibrate                                   the python3 that runs here, in about two minutes
  pchsim calibrate --quick --python 3.13 -o my.ron   ten seconds
  pchsim calibrate --import numpy --import torch     and what these modules cost every new process
  pchsim calibrate --server uvicorn                  and what uvicorn itself takes for a request
  pchsim calibrate --all -o profiles                 every interpreter that is found
  pchsim run scraper --interpreter my.ron            a forecast for it

Exit codes: 0 done, 2 bad usage or no such interpreter, 4 --strict and the machine was too noisy, 130 interrupted.")]
pub(crate) struct Args {
    /// Measure this interpreter: a path, a command or a version such as 3.13 or 3.14t (repeatable) [default: the one that
    /// `python3` is here]
    #[arg(long, value_name = "PYTHON", value_hint = ValueHint::AnyPath, conflicts_with = "all")]
    python: Vec<String>,
    /// Measure every interpreter that is found
    #[arg(long)]
    all: bool,
    /// Only list the interpreters that are found
    #[arg(long, conflicts_with_all = ["all", "python", "output", "import", "server"])]
    list: bool,
    /// Take about ten seconds for each interpreter instead of two minutes
    #[arg(long)]
    quick: bool,
    /// Also measure what importing this module costs a new process, and how often its code gives the GIL up (repeatable)
    ///
    /// The latter needs Linux, two cores and an interpreter with a GIL, and takes some seconds a module, after all other
    /// measurements.
    #[arg(long, value_name = "MODULE")]
    import: Vec<String>,
    /// Also measure the CPU time that this server takes for a request beside the application (repeatable)
    ///
    /// Starts the real server, which has to be installed for the interpreter, with an endpoint that does nothing, on a free port
    /// of 127.0.0.1, and sends it requests one after another. Needs Linux, and takes about ten seconds a server, after the other
    /// measurements.
    #[arg(long, value_enum, value_name = "SERVER")]
    server: Vec<ServerName>,
    /// The profile's name [default: local-VERSION]
    #[arg(long, value_name = "NAME", conflicts_with = "all", value_parser = profile_name)]
    name: Option<String>,
    /// Write the profile to this file, or the profiles to this directory [default: NAME.ron here]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
    /// Fail (exit code 4), and write nothing, if the machine was too noisy, or the installation is not fit, for a profile to be trusted
    #[arg(long)]
    strict: bool,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: a summary, and every parameter with -v.
    Text,
    /// Everything, for programs.
    Json,
}

/// Servers that can be measured, by kind of worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ServerName {
    /// uvicorn, with its access log
    Uvicorn,
    /// gunicorn with workers of class sync
    GunicornSync,
    /// gunicorn with workers of class gthread
    GunicornGthread,
    /// gunicorn with workers of uvicorn
    GunicornUvicorn,
    /// hypercorn, with its asyncio workers
    Hypercorn,
}

impl From<ServerName> for RequestHandling {
    fn from(name: ServerName) -> Self {
        match name {
            ServerName::Uvicorn => Self::Uvicorn,
            ServerName::GunicornSync => Self::GunicornSync,
            ServerName::GunicornGthread => Self::GunicornGthread,
            ServerName::GunicornUvicorn => Self::UvicornWorker,
            ServerName::Hypercorn => Self::Hypercorn,
        }
    }
}

/// The servers that are asked for, each once.
fn servers(args: &Args) -> Vec<RequestHandling> {
    let mut all: Vec<RequestHandling> = Vec::new();
    for handling in args.server.iter().map(|s| RequestHandling::from(*s)) {
        if !all.contains(&handling) {
            all.push(handling);
        }
    }
    all
}

/// A name that can be a file's, too.
fn profile_name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_alphanumeric() || "-_+.@".contains(c);
    if text.chars().all(plain) && text.starts_with(char::is_alphanumeric) {
        Ok(text.to_owned())
    } else {
        Err("write a name of letters, digits and `-_+.@` that starts with a letter or digit, as in my-3.13; a file's path goes to -o".into())
    }
}

/// Runs the subcommand; the exit code.
///
/// # Errors
/// No such interpreter, one that cannot be measured, or a profile that cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    host::watch_interrupts();
    if args.list {
        return list(printer);
    }
    if !args.server.is_empty() && !cfg!(target_os = "linux") {
        return Err(UserError::new(
            "--server: only Linux tells the CPU time of a server's worker\nhelp: leave it out; the profile then has what the baseline takes, \
             times the interpreter's cpu_factor",
        )
        .into());
    }
    let chosen = chosen(args, printer)?;
    // Before the work, not after it.
    let outputs = outputs(args, &chosen)?;
    let Some(costs) = tried(args, &chosen)? else {
        return Ok(interrupted(printer));
    };
    let time = if args.quick { QUICK } else { FULL };
    let parts: Vec<Expected> = costs.iter().map(|c| expected(time, c)).collect();
    let all: f64 = parts.iter().map(|e| e.all().as_secs_f64()).sum();
    printer.hint(&format!(
        "measuring {}, about {} in all",
        match &chosen[..] {
            [one] => format!("CPython {} ({})", one.version, one.path.display()),
            several => format!("{} interpreters", several.len()),
        },
        rough(all)
    ));
    let mut code = Exit::Done;
    for ((interpreter, file), expected) in chosen.iter().zip(&outputs).zip(parts) {
        let Some(result) = one(args, interpreter, file.path(), (time, expected), printer)? else {
            return Ok(interrupted(printer));
        };
        let text = match args.format {
            Format::Text => text::text(&result, printer.style(false, false)),
            Format::Json => text::json(&result),
        };
        let trusted = !args.strict || result.doubts.is_empty();
        if trusted {
            // The profile is there, even if nobody reads the rest.
            file.write(&file::to_ron(&result.profile), printer)?;
        }
        printer.result(&text)?;
        for (what, why) in &result.failed {
            printer.warn(&format!("warning: {what} could not be measured: {why}"));
        }
        for doubt in &result.doubts {
            printer.warn(&format!("warning: {doubt}"));
        }
        if !trusted {
            printer.warn(&format!(
                "failed: --strict, and the profile of {} is not to be trusted; {} was not written",
                interpreter.path.display(),
                file.path().display()
            ));
            code = Exit::Untrusted;
        }
    }
    Ok(code as u8)
}

fn interrupted(printer: &Printer) -> u8 {
    printer.warn("interrupted: nothing was written");
    Exit::Interrupted as u8
}

fn list(printer: &Printer) -> anyhow::Result<u8> {
    let (found, unusable) = host::discover();
    let mut out = String::new();
    for i in &found {
        let version = format!("{}{}", i.version, if i.free_threaded { "t" } else { "" });
        let first = format!("{version:10} ");
        let text = format!("{}  ({})", i.path.display(), i.found.join(", "));
        let style = printer.style(false, false);
        for line in words(&text, &first, &" ".repeat(first.len()), style) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    printer.result(&out)?;
    for u in &unusable {
        printer.hint(&format!("not usable: {}", u.reason));
    }
    if found.is_empty() {
        // Says where it looked and what to do.
        host::default().map_err(|e| UserError::new(e.to_string()))?;
    }
    Ok(Exit::Done as u8)
}

fn chosen(args: &Args, printer: &Printer) -> anyhow::Result<Vec<Interpreter>> {
    let user = |e: host::HostError| anyhow::Error::from(UserError::new(e.to_string()));
    if args.all {
        let (found, unusable) = host::discover();
        for u in &unusable {
            printer.hint(&format!("left out: {}", u.reason));
        }
        if found.is_empty() {
            return Err(host::default()
                .err()
                .map_or_else(|| UserError::new("no interpreter was found").into(), user));
        }
        return Ok(found);
    }
    if args.python.is_empty() {
        return Ok(vec![host::default().map_err(user)?]);
    }
    args.python
        .iter()
        .map(|name| host::find(name).map_err(user))
        .collect()
}

/// The profile's name unless the user gives one.
fn default_name(i: &Interpreter) -> String {
    format!("local-{}{}", i.version, if i.gil { "" } else { "t" })
}

/// The files that the profiles go to.
fn outputs(args: &Args, chosen: &[Interpreter]) -> anyhow::Result<Vec<OutputFile>> {
    let mut files = Files::new(args.force);
    chosen.iter().for_each(|i| files.reads(&i.path));
    let paths = paths(args, chosen)?;
    if let Some(dir) = folder(args, chosen) {
        files.fill_folder(dir)?;
    }
    paths
        .iter()
        .map(|p| files.output_of(FileKind::PROFILE, p))
        .collect()
}

/// The directory that is meant by -o, if it is one.
fn folder<'a>(args: &'a Args, chosen: &[Interpreter]) -> Option<&'a Path> {
    let several = |p: &&Path| p.is_dir() || (chosen.len() > 1 && p.extension().is_none());
    args.output.as_deref().filter(several)
}

/// Tries what each interpreter takes for the pieces of the work, and whether it can import the modules: that is noticed before
/// anything is measured, which takes minutes. `None`: interrupted.
fn tried(args: &Args, chosen: &[Interpreter]) -> anyhow::Result<Option<Vec<BenchCosts>>> {
    let folder = std::env::current_dir()?;
    let mut all = Vec::new();
    for interpreter in chosen {
        let name = format!("{} {}", interpreter.tag(), interpreter.path.display());
        match costs(&interpreter.path, &args.import, &servers(args), &folder) {
            Ok(Ok(costs)) => all.push(costs),
            Ok(Err(e)) => return Err(cannot_import(&e, &name, interpreter).into()),
            Err(BenchError::Interrupted) => return Ok(None),
            Err(e) => return Err(UserError::new(e.to_string()).into()),
        }
    }
    Ok(Some(all))
}

/// What to say where the interpreter called `name` lacks a module.
fn cannot_import(e: &CannotImport, name: &str, interpreter: &Interpreter) -> UserError {
    let (module, why) = (&e.module, &e.why);
    UserError::new(match e.server.map(server_bench) {
        None => format!(
            "--import {module}: {name} cannot import it: {why}\nhelp: install it for this interpreter, name another one with --python, \
             or leave it out"
        ),
        Some(server) => format!(
            "--server {}: {name} cannot import {module}: {why}\nhelp: `{} -m pip install {}` installs it; or name another interpreter \
             with --python, or leave it out",
            server.name,
            interpreter.path.display(),
            server.packages
        ),
    })
}

/// Where each profile goes.
fn paths(args: &Args, chosen: &[Interpreter]) -> anyhow::Result<Vec<PathBuf>> {
    let file_name = |i: &Interpreter| {
        format!(
            "{}.ron",
            args.name.clone().unwrap_or_else(|| default_name(i))
        )
    };
    if args.name.is_some() && chosen.len() > 1 {
        return Err(UserError::new(
            "--name names one profile; leave it out to calibrate several interpreters",
        )
        .into());
    }
    let into = |dir: &Path| -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = Vec::new();
        for i in chosen {
            let mut path = dir.join(file_name(i));
            // Two builds of one version.
            let mut n = 2;
            while all.contains(&path) {
                path = dir.join(format!("{}-{n}.ron", default_name(i)));
                n += 1;
            }
            all.push(path);
        }
        all
    };
    match &args.output {
        None => Ok(into(Path::new(""))),
        Some(dir) if folder(args, chosen).is_some() => Ok(into(dir)),
        Some(file) if chosen.len() == 1 => {
            if file.extension().is_none_or(|e| e != "ron") {
                return Err(UserError::new(format!(
                    "{} does not end in .ron, by which scenarios tell a profile's file from a name",
                    file.display()
                ))
                .into());
            }
            Ok(vec![file.clone()])
        }
        Some(file) => Err(UserError::new(format!(
            "{} profiles do not fit into the one file {}; name a directory",
            chosen.len(),
            file.display()
        ))
        .into()),
    }
}

/// Measures one interpreter; `None`: interrupted.
fn one(
    args: &Args,
    interpreter: &Interpreter,
    file: &Path,
    (time, expected): (Duration, Expected),
    printer: &Printer,
) -> anyhow::Result<Option<Calibrated>> {
    let plan = BenchPlan {
        time,
        limit: time * 2 + PATIENCE,
        imports: args.import.clone(),
        servers: servers(args),
        folder: std::env::current_dir()?,
        expected,
    };
    let bar = printer.measuring(&format!(
        "{} {}",
        interpreter.tag(),
        interpreter.path.display()
    ));
    let measured = measure(&interpreter.path, &plan, &mut |p| {
        bar.show(p.what, p.share);
    });
    bar.finish();
    let samples = match measured {
        Ok(samples) => samples,
        Err(BenchError::Interrupted) => {
            return Ok(None);
        }
        Err(e) => return Err(UserError::new(e.to_string()).into()),
    };
    let name = match (&args.name, file.file_stem()) {
        (Some(name), _) => name.clone(),
        (None, Some(stem)) => stem.to_string_lossy().into_owned(),
        (None, None) => default_name(interpreter),
    };
    let build = interpreter.build.clone();
    Ok(Some(calibrated(&samples, build, &name, &today())))
}

/// Today in UTC, `2026-11-23`.
fn today() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    now.split('T').next().unwrap_or(&now).to_owned()
}
