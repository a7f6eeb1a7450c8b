//! `pchsim ps` and `pchsim pstree`: show what every process and thread is doing at a simulated instant.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

use super::exit::UserError;
use super::files::{Files, OutputFile};
use super::format::{Endings, format};
use super::printer::Printer;
use super::target::{Target, TargetArgs};
use super::values::{integer, time};
use crate::engine::Nanos;
use crate::layout::Style;
use crate::live::{LabelledSnapshot, Rows, ps, ps_json, pstree};
use crate::strategy::snapshot;
use crate::syntax::suggest;

/// How the state is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// Everything, for programs (documented in docs/inspect.md)
    Json,
}

/// By which names of files they are known.
const ENDINGS: &Endings<Format> = &[("json", Format::Json), ("txt", Format::Text)];

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
    pub view: PsView,
    /// How the state is written [default: by the name of the output file, or text]
    #[arg(long, value_enum, help_heading = "Output")]
    pub format: Option<Format>,
    /// Write it to this file (.json, .txt) instead of standard output (-)
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
pub(crate) struct PstreeArgs {
    /// Which run.
    #[command(flatten)]
    pub target: TargetArgs,
    /// What of it.
    #[command(flatten)]
    pub view: PsView,
}

/// What is shown of a state.
#[derive(Clone, Debug, ClapArgs)]
pub struct PsView {
    /// The simulated instant, for example 1.5s or 250ms
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "What to look at")]
    pub at: Nanos,
    /// Show only tasks of this class, and the threads that stand for them
    #[arg(long, value_name = "CLASS", help_heading = "Output")]
    pub class: Option<String>,
    /// Show at most this many rows of a kind; 0: all [default: 20; in the tree 8 below each node]
    #[arg(long, value_name = "ROWS", value_parser = integer::<usize>(0..=u64::MAX, "20"), help_heading = "Output")]
    pub limit: Option<usize>,
    /// Use ASCII signs only
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,
}

impl PsView {
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
                "the scenario has no class `{class}`; {}",
                suggest(class, "it has", classes.iter().copied())
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
    view: &PsView,
    usual: usize,
    (files, output): (&mut Files, Option<&Path>),
    printer: &Printer,
    write: impl Fn(&LabelledSnapshot<'_>, &Rows) -> T,
) -> anyhow::Result<(T, Option<OutputFile>)> {
    let target = args.resolve(files, printer)?;
    // Before the work, not after it.
    let output = files.optional(output)?;
    let rows = view.rows(&target, usual)?;
    let snapshot = snapshot(&target.input(), view.at).map_err(|e| UserError::new(e.to_string()))?;
    let taken = LabelledSnapshot {
        scenario: &target.scenario.name,
        strategy: &target.label,
        interpreter: &target.interpreter,
        replication: target.replication,
        seed: target.scenario.seed,
        asked: view.at,
        snapshot: &snapshot,
    };
    Ok((write(&taken, &rows), output))
}

/// Runs `pchsim ps`; the exit code.
///
/// # Errors
/// The scenario is not valid, the run fails, or the output cannot be written.
pub fn run(args: &PsArgs, printer: &Printer) -> anyhow::Result<u8> {
    const ROWS: usize = 20;
    let output = args.output.as_deref();
    let format = format(args.format, output, ENDINGS, Format::Text)?;
    let mut files = Files::new(args.force);
    let to_file = output.is_some_and(|p| p.as_os_str() != "-");
    let style = args.view.style(printer, to_file);
    let (text, file) = show(
        &args.target,
        &args.view,
        ROWS,
        (&mut files, output),
        printer,
        |taken, rows| match format {
            Format::Text => ps(taken, rows, style),
            Format::Json => ps_json(taken, rows),
        },
    )?;
    match file {
        Some(file) => file.write(&text, printer)?,
        None => printer.result(&text)?,
    }
    Ok(0)
}

/// Runs `pchsim pstree`; the exit code.
///
/// # Errors
/// As of [`run`].
pub(crate) fn run_tree(args: &PstreeArgs, printer: &Printer) -> anyhow::Result<u8> {
    const ROWS: usize = 8;
    let style = args.view.style(printer, false);
    let mut files = Files::new(false);
    let (text, _) = show(
        &args.target,
        &args.view,
        ROWS,
        (&mut files, None),
        printer,
        |taken, rows| pstree(taken, rows, style),
    )?;
    printer.result(&text)?;
    Ok(0)
}
