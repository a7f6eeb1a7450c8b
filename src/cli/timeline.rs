//! `pchsim timeline`: draws a Gantt chart of cores, GILs and threads.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use super::exit::UserError;
use super::files::{Files, OutputFile, is_stdout};
use super::paint::paint_timeline;
use super::printer::Printer;
use super::target::{Target, TargetArgs};
use super::trace::just_after;
use super::values::{integer, time, window};
use crate::charts::figure::Figure;
use crate::charts::figure::palette::Theme;
use crate::charts::plot;
use crate::cpython::recording::{RecordOptions, Recording};
use crate::engine::Nanos;
use crate::strategy::{Finding, record};
use crate::traces::timeline::{
    ChartLayout, GanttLimits, TimelineHeader, drawn, ended, gantt, page,
};

/// Spans of the run among which a window is chosen where none is asked for.
const LOOKED_AT: usize = 200_000;
/// Spans that a window may have at most.
const MOST_SPANS: usize = 2_000_000;

/// What `pchsim timeline` is told.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim timeline scraper --strategy threads:4 --window 1s..1100ms
  pchsim timeline scraper --strategy asyncio+processes:4:fork --from 0s --to 2s
  pchsim timeline api --strategy asyncio -o output/timeline.svg

Without a window: where most runs and most waits for others, as much of it as can be taken in.")]
pub(crate) struct Args {
    /// Which run.
    #[command(flatten)]
    pub target: TargetArgs,
    /// The window, for example 10ms..60ms
    #[arg(long, value_name = "FROM..TO", value_parser = window, conflicts_with_all = ["from", "to"], help_heading = "What to look at")]
    pub window: Option<(Nanos, Nanos)>,
    /// Start of the window
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "What to look at")]
    pub from: Option<Nanos>,
    /// End of the window
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "What to look at")]
    pub to: Option<Nanos>,
    /// At most so many rows: those in which most happens; 0: all
    #[arg(
        long,
        value_name = "ROWS",
        default_value_t = 24,
        value_parser = integer::<usize>(0..=u64::MAX, "24"),
        help_heading = "Output"
    )]
    pub rows: usize,
    /// Use ASCII signs only
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,
    /// Draw it into this file (.svg or .png) instead of onto the terminal
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long, help_heading = "Output")]
    pub force: bool,
}

impl Args {
    /// The window asked for; `None`: what is worth seeing.
    fn asked(&self) -> anyhow::Result<Option<(Nanos, Nanos)>> {
        let asked = match (self.window, self.from, self.to) {
            (Some(window), ..) => window,
            (None, None, None) => return Ok(None),
            (None, from, to) => (from.unwrap_or(Nanos::ZERO), to.unwrap_or(Nanos::MAX)),
        };
        if asked.0 >= asked.1 {
            return Err(UserError::new(
                "the window ends before it begins: give an earlier --from or a later --to",
            )
            .into());
        }
        Ok(Some(asked))
    }
}

/// Runs the subcommand; the exit code.
///
/// # Errors
/// The scenario is not valid, the run fails, or the output cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let asked = args.asked()?;
    if let Some(path) = args.output.as_deref().filter(|p| !is_stdout(p)) {
        picture(path)?;
    }
    let mut files = Files::new(args.force);
    let target = args.target.resolve(&mut files, printer)?;
    // Before the work, not after it.
    let file = files.optional(args.output.as_deref())?;
    let (findings, recording) = recorded(&target, asked)?;
    let state = args.target.ps(just_after(recording.end));
    let ended = ended(&findings);
    let shown = GanttLimits {
        rows: args.rows,
        spans: 0,
        choose: asked.is_none(),
    };
    let head = TimelineHeader {
        scenario: &target.scenario.name,
        strategy: &target.label,
        interpreter: &target.interpreter,
        replication: target.replication,
        seed: target.scenario.seed,
        chosen: asked.is_none(),
        ended: ended.as_deref().map(|how| (how, state.as_str())),
    };
    let (chart, hidden) = gantt(&recording, shown);
    if let Some(file) = file {
        let figure = drawn(&head, &recording, chart, hidden);
        write(&file, &figure, printer)?;
    } else {
        let style = printer.style(args.ascii, false);
        let layout = ChartLayout {
            width: style.width,
            unicode: style.unicode,
        };
        let text = page(&head, &recording, &chart, hidden, layout);
        printer.result(&paint_timeline(&text))?;
    }
    Ok(0)
}

fn recorded(
    target: &Target,
    asked: Option<(Nanos, Nanos)>,
) -> anyhow::Result<(Vec<Finding>, Recording)> {
    let options = RecordOptions {
        window: asked.unwrap_or((Nanos::ZERO, Nanos::MAX)),
        most_spans: if asked.is_some() {
            MOST_SPANS
        } else {
            LOOKED_AT
        },
    };
    let (outcome, recording) =
        record(&target.input(), options).map_err(|e| UserError::new(e.to_string()))?;
    if options.window.0 >= outcome.end {
        let how = ended(&outcome.findings).map_or(String::new(), |how| format!(" ({how})"));
        let next = if outcome.end == Nanos::ZERO {
            "there is nothing to draw"
        } else {
            "give an earlier --from"
        };
        return Err(UserError::new(format!(
            "the window begins at {} s, but the run ends at {} s{how}: {next}",
            options.window.0.as_secs_f64(),
            outcome.end.as_secs_f64()
        ))
        .into());
    }
    Ok((outcome.findings, recording))
}

/// Whether pictures can be written into a file of this name.
fn picture(path: &Path) -> anyhow::Result<bool> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("svg") => Ok(false),
        Some("png") => Ok(true),
        _ => Err(UserError::new(format!(
            "{}: a timeline is drawn as .svg or .png; name the file so",
            path.display()
        ))
        .into()),
    }
}

fn write(file: &OutputFile, figure: &Figure, printer: &Printer) -> anyhow::Result<()> {
    if picture(file.path())? {
        let png = plot::png(figure, Theme::Light)?;
        file.write_with(printer, |w| Ok(w.write_all(&png)?))
    } else {
        let svg = plot::svg(figure, Theme::Light)?;
        file.write(&svg, printer)
    }
}
