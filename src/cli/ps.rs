//! `pchsim ps` and `pchsim pstree`: what everything is doing at a simulated instant.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::exit::UserError;
use super::printer::Printer;
use super::target::{Target, TargetArgs, instant};
use crate::engine::Nanos;
use crate::report::{Rows, Style, Taken, ps, ps_json, pstree};
use crate::strategy::snapshot;

/// How the state is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// Everything, for programs (documented in docs/inspect.md)
    Json,
}

/// What `pchsim ps` is told.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim ps scraper --at 1.5s --strategy threads:32
  pchsim ps api --at 2s --strategy asyncio --class read --limit 0
  pchsim ps team --at 300ms --format json")]
pub struct PsArgs {
    /// Which run.
    #[command(flatten)]
    pub target: TargetArgs,
    /// What of it.
    #[command(flatten)]
    pub view: View,
    /// How the state is written
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    pub format: Format,
    /// Write it to this file instead of standard output (-)
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long, help_heading = "Output")]
    pub force: bool,
}

/// What `pchsim pstree` is told.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim pstree scraper --at 1.5s --strategy asyncio+processes:4:fork
  pchsim pstree agents --at 2s --ascii")]
pub struct PstreeArgs {
    /// Which run.
    #[command(flatten)]
    pub target: TargetArgs,
    /// What of it.
    #[command(flatten)]
    pub view: View,
}

/// What is shown of a state.
#[derive(Clone, Debug, ClapArgs)]
pub struct View {
    /// The simulated instant, for example 1.5s or 250ms
    #[arg(long, value_name = "TIME", value_parser = instant, help_heading = "What to look at")]
    pub at: Nanos,
    /// Show only tasks of this class, and the threads that stand for them
    #[arg(long, value_name = "CLASS", help_heading = "Output")]
    pub class: Option<String>,
    /// At most so many rows of a kind; 0: all [default: 20; in the tree 8 below each node]
    #[arg(long, value_name = "ROWS", help_heading = "Output")]
    pub limit: Option<usize>,
    /// Use ASCII signs only
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,
}

impl View {
    fn rows(&self, target: &Target, usual: usize) -> anyhow::Result<Rows> {
        let classes: Vec<&str> = target
            .scenario
            .workload
            .classes
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        if let Some(class) = &self.class
            && !classes.contains(&class.as_str())
        {
            return Err(UserError::new(format!(
                "the scenario has no class `{class}`; it has {}",
                classes.join(", ")
            ))
            .into());
        }
        Ok(Rows {
            limit: self.limit.unwrap_or(usual),
            class: self.class.clone(),
        })
    }

    fn style(&self, printer: &Printer, to_file: bool) -> Style {
        printer.style(self.ascii, to_file)
    }
}

fn show<T>(
    args: &TargetArgs,
    view: &View,
    usual: usize,
    printer: &Printer,
    write: impl Fn(&Taken<'_>, &Rows) -> T,
) -> anyhow::Result<T> {
    let target = args.resolve(printer)?;
    let rows = view.rows(&target, usual)?;
    let snapshot = snapshot(&target.input(), view.at).map_err(|e| UserError::new(e.to_string()))?;
    let taken = Taken {
        scenario: &target.scenario.name,
        strategy: &target.label,
        interpreter: &target.interpreter,
        replication: target.replication,
        seed: target.scenario.seed,
        asked: view.at,
        snapshot: &snapshot,
    };
    Ok(write(&taken, &rows))
}

/// Runs `pchsim ps`; the exit code.
pub fn run(args: &PsArgs, printer: &Printer) -> anyhow::Result<u8> {
    const ROWS: usize = 20;
    let file = args.output.as_deref().filter(|p| p.as_os_str() != "-");
    if let Some(path) = file {
        Printer::check_writable(path, args.force)?;
    }
    let style = args.view.style(printer, file.is_some());
    let text = show(
        &args.target,
        &args.view,
        ROWS,
        printer,
        |taken, rows| match args.format {
            Format::Text => ps(taken, rows, style),
            Format::Json => ps_json(taken, rows),
        },
    )?;
    match file {
        Some(path) => printer.write_file(path, &text, args.force)?,
        None => printer.result(&text)?,
    }
    Ok(0)
}

/// Runs `pchsim pstree`; the exit code.
pub fn run_tree(args: &PstreeArgs, printer: &Printer) -> anyhow::Result<u8> {
    const ROWS: usize = 8;
    let style = args.view.style(printer, false);
    let text = show(&args.target, &args.view, ROWS, printer, |taken, rows| {
        pstree(taken, rows, style)
    })?;
    printer.result(&text)?;
    Ok(0)
}
