//! The command line, with one file for each subcommand. Nothing outside this module prints.

pub(crate) mod advise;
mod beside;
pub(crate) mod calibrate;
mod candidates;
pub mod check;
pub(crate) mod compare;
pub(crate) mod completions;
mod exit;
pub(crate) mod explain;
mod files;
mod format;
pub mod guard;
pub(crate) mod init;
mod interview;
pub(crate) mod man;
mod output;
mod paint;
pub(crate) mod plan;
mod plot;
mod printer;
pub(crate) mod profiles;
pub mod ps;
pub(crate) mod record;
pub(crate) mod report;
pub mod run;
pub(crate) mod scenarios;
pub(crate) mod selection;
pub(crate) mod sweep;
mod sweep_progress;
mod target;
mod terminal;
pub(crate) mod timeline;
mod trace;
pub mod validate;
mod values;
pub(crate) mod verify;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};

pub use exit::{Exit, UserError};
pub(crate) use printer::Printer;
pub(crate) use terminal::Terminal;

/// What `--version` says, where `-V` says the version alone: also what the program was built from, and for which machines.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("PCHSIM_BUILT_FROM"),
    ", ",
    env!("PCHSIM_TARGET"),
    ")"
);

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal that wants them (NO_COLOR, CLICOLOR and TERM decide).
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Forecasts how a Python workload behaves under every concurrency strategy.
#[derive(Debug, Parser)]
#[command(name = "pchsim", version, long_version = LONG_VERSION, about, max_term_width = 100)]
#[command(
    after_help = "Start with: pchsim run scraper",
    after_long_help = format!("Start with: pchsim run scraper\n\n{}", Exit::help())
)]
struct Cli {
    /// Say less (-q: no progress, notes and hints; -qq: errors only)
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    quiet: u8,
    /// Say more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    verbose: u8,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN", help_heading = "Global options")]
    color: Color,
    /// Columns of a line [default: $COLUMNS, else the terminal's; 120 in pipes and files]
    #[arg(long, global = true, value_name = "COLUMNS", value_parser = values::integer::<u16>(40..=1000, "80"), help_heading = "Global options")]
    width: Option<u16>,
    /// Show no progress
    #[arg(long, global = true, help_heading = "Global options")]
    no_progress: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Simulate a scenario under every strategy, and compare
    Run(Box<run::Args>),
    /// Simulate a scenario over a range of cores, workers, rates..., and show what pays
    Sweep(Box<sweep::Args>),
    /// Say what changed between two results or scenarios, and whether that is real
    Compare(Box<compare::Args>),
    /// Find the cheapest machines, and what to run on them, for a load at objectives
    Plan(Box<plan::Args>),
    /// Say which approach to concurrency to take, why, what else there is, and how to get there
    Advise(Box<advise::Args>),
    /// Draw the figures of results as SVG and PNG files
    Plot(plot::Args),
    /// Check scenario files without running them
    Check(check::Args),
    /// List the shipped scenarios
    Scenarios(scenarios::Args),
    /// Write a commented copy of a shipped scenario, to start from
    Init(init::Args),
    /// Measure a Python interpreter of this machine into a profile
    Calibrate(calibrate::Args),
    /// Learn a scenario from a recorded trace, or from a program that is run and recorded
    Record(Box<record::Args>),
    /// Make a page of results, or Markdown for a pull request
    Report(report::Args),
    /// Hold forecasts against measured runs of real CPythons
    Validate(validate::Args),
    /// Run a scenario's workload on a real Python, and hold the forecast against it
    Verify(Box<verify::Args>),
    /// Show what every thread and task is doing at a simulated instant, as a table
    Ps(Box<ps::PsArgs>),
    /// The same as a tree: processes, threads, tasks, children
    Pstree(Box<ps::PstreeArgs>),
    /// Draw who was on the cores, who held the GIL and what every thread did in a window of time
    Timeline(Box<timeline::Args>),
    /// List the interpreter profiles, or show one
    Profiles(profiles::Args),
    /// Explain a code of an error, a warning, a note or of what stands out in a sweep, with an example
    Explain(explain::Args),
    /// Print the script by which a shell completes command lines of pchsim
    Completions(completions::Args),
    /// Print the manual page, or write those of all commands
    Man(man::Args),
    #[command(hide = true)]
    Guard(guard::Args),
}

impl Command {
    fn run(&self, printer: &Printer) -> anyhow::Result<u8> {
        match self {
            Self::Run(args) => run::run(args, printer),
            Self::Sweep(args) => sweep::run(args, printer),
            Self::Compare(args) => compare::run(args, printer),
            Self::Plan(args) => plan::run(args, printer),
            Self::Advise(args) => advise::run(args, printer),
            Self::Plot(args) => plot::run(args, printer),
            Self::Check(args) => check::run(args, printer),
            Self::Scenarios(args) => scenarios::run(args, printer),
            Self::Init(args) => init::run(args, printer),
            Self::Calibrate(args) => calibrate::run(args, printer),
            Self::Record(args) => record::run(args, printer),
            Self::Report(args) => report::run(args, printer),
            Self::Validate(args) => validate::run(args, printer),
            Self::Verify(args) => verify::run(args, printer),
            Self::Ps(args) => ps::run(args, printer),
            Self::Pstree(args) => ps::run_tree(args, printer),
            Self::Timeline(args) => timeline::run(args, printer),
            Self::Profiles(args) => profiles::run(args, printer),
            Self::Explain(args) => explain::run(args, printer),
            Self::Completions(args) => completions::run(args, printer),
            Self::Man(args) => man::run(args, printer, Cli::command()),
            Self::Guard(args) => Ok(guard::run(args)),
        }
    }
}

/// Parses the command line, runs the subcommand, and maps its result to an exit code.
pub fn main() -> ExitCode {
    match completions::answer(Cli::command) {
        Ok(false) => {}
        Ok(true) => return Exit::Done.into(),
        Err(e) => return refused(&e),
    }
    let words = || std::env::args_os();
    let cli =
        match Cli::try_parse().or_else(|e| negative(words()).map_or(Err(e), Cli::try_parse_from)) {
            Ok(cli) => cli,
            Err(e) => return refused(&e),
        };
    match cli.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let printer = Printer {
        quiet: cli.quiet,
        verbose: cli.verbose,
        progress: !cli.no_progress,
        terminal: Terminal::look(cli.width),
    };
    if let Ok(program) = std::env::current_exe() {
        crate::host::guard_with(program);
    }
    match cli.command.run(&printer) {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            let (exit, text) = exit::of_error(&e, printer.terminal);
            text.iter().for_each(|t| printer.excerpt(t));
            if let Some(UserError::Diagnostics { all, .. }) = e.downcast_ref() {
                let all: Vec<_> = all.iter().collect();
                explain::hint(&all).iter().for_each(|h| printer.hint(h));
            }
            exit.into()
        }
    }
}

/// The words of a command line with what looks like a negative value joined to the option before it: `--seed -1` is `--seed=-1`. By
/// themselves such words pass for options that do not exist, and nobody would be told what the option takes. `None`: there are none.
fn negative(words: impl Iterator<Item = OsString>) -> Option<Vec<OsString>> {
    let mut joined: Vec<OsString> = Vec::new();
    let (mut any, mut over) = (false, false);
    for word in words {
        let text = word.to_string_lossy();
        over |= text == "--";
        let begins = |c: char| c.is_ascii_digit() || c == '.';
        let is_value = text
            .strip_prefix('-')
            .is_some_and(|t| t.starts_with(begins));
        let long = |o: &OsString| {
            let o = o.to_string_lossy();
            o.starts_with("--") && !o.contains('=')
        };
        match joined.last_mut().filter(|o| is_value && !over && long(o)) {
            Some(option) => {
                option.push("=");
                option.push(&word);
                any = true;
            }
            None => joined.push(word),
        }
    }
    any.then_some(joined)
}

/// Help and version are results; anything else was bad usage. A scenario in place of a subcommand is a common slip.
fn refused(e: &clap::Error) -> ExitCode {
    let printer = Printer {
        quiet: 0,
        verbose: 0,
        progress: false,
        terminal: Terminal::look(None),
    };
    #[expect(
        clippy::case_sensitive_file_extension_comparisons,
        reason = "only a guess, and `pchsim init` writes it so"
    )]
    let scenario = std::env::args()
        .nth(1)
        .filter(|a| a == "-" || a.ends_with(".ron") || std::path::Path::new(a).is_file());
    if let (ErrorKind::InvalidSubcommand, Some(name)) = (e.kind(), scenario) {
        let said =
            format!("error: `{name}` is not a subcommand; did you mean `pchsim run {name}`?");
        printer.error(&said);
        return Exit::Usage.into();
    }
    // Nobody can be told that the streams are gone.
    let _ = e.print();
    if e.use_stderr() {
        Exit::Usage.into()
    } else {
        Exit::Done.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn negative_values_belong_to_the_option_before_them() {
        let of = |line: &str| {
            let joined = negative(line.split(' ').map(Into::into))?;
            Some(joined.join(" ".as_ref()).to_string_lossy().into_owned())
        };
        for (line, expected) in [
            ("pchsim run a --seed -1", Some("pchsim run a --seed=-1")),
            ("x --at -1.5s -q", Some("x --at=-1.5s -q")),
            ("x --set -.5 --seed -2", Some("x --set=-.5 --seed=-2")),
            ("x --seed=3 -1", None),
            ("x -q -1", None),
            ("x --seed 1", None),
            ("x --quiet -q", None),
            ("record -- python --n -1", None),
        ] {
            assert_eq!(of(line).as_deref(), expected, "{line}");
        }
    }
}
