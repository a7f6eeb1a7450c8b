//! `pchsim report`: writes results as a page or as Markdown.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args as ClapArgs;

use super::exit::UserError;
use super::files::{Files, is_stdout};
use super::format::FileKind;
use super::plot::unreadable;
use super::printer::Printer;
use crate::charts::figure::figures;
use crate::page::{PageInput, page};
use crate::report;
use crate::result::{self, ResultRef, Saved};
use crate::syntax::input;

/// What `pchsim report` is told.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim run scraper --format json -o output/scraper.json
  pchsim report output/scraper.json --html output/report.html
  pchsim report output/scraper.json >> pull-request.md
  pchsim report a.json b.jsonl --html output/both.html --title 'Before and after'

Exit codes: 0 done, 2 bad usage, or a file that is no result.")]
pub(crate) struct Args {
    /// What `pchsim run --format json -o FILE` or `pchsim sweep -o FILE.jsonl` wrote (- for standard input); several make one report
    #[arg(required = true, value_name = "RESULT")]
    pub results: Vec<PathBuf>,
    /// Write a page: one file that needs nothing else and opens from disk
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write Markdown for pull requests and issues to this file, or to standard output (-) [default: standard output, unless --html
    /// is given]
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// The report's title [default: the scenario's question]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
}

/// A result and the text of its file.
struct LoadedResult {
    result: Saved,
    source: String,
}

/// Runs the subcommand; the exit code.
///
/// # Errors
/// A file is not a result, or the page or Markdown cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let mut files = Files::new(args.force);
    args.results.iter().for_each(|r| files.reads(r));
    // Before the work, not after it.
    let html = args
        .html
        .as_deref()
        .map(|p| files.output_of(FileKind::PAGE, p))
        .transpose()?;
    let markdown = files.optional_of(FileKind::MARKDOWN, args.markdown.as_deref())?;
    let results = args
        .results
        .iter()
        .map(|p| read(p))
        .collect::<anyhow::Result<Vec<LoadedResult>>>()?;
    if let Some(file) = &html {
        let shown: Vec<PageInput<'_>> = results
            .iter()
            .map(|r| PageInput {
                result: (&r.result).into(),
                source: &r.source,
                figures: figures(&r.result),
            })
            .collect();
        let text = page(&shown, args.title.as_deref()).context("cannot make the page")?;
        file.write(&text, printer)?;
    }
    if args.markdown.is_some() || args.html.is_none() {
        let all: Vec<ResultRef<'_>> = results.iter().map(|r| (&r.result).into()).collect();
        let text = report::markdown(&all, args.title.as_deref());
        match markdown {
            Some(file) => file.write(&text, printer)?,
            None => printer.result(&text)?,
        }
    }
    Ok(0)
}

fn read(path: &Path) -> anyhow::Result<LoadedResult> {
    let (name, source) = text_of(path)?;
    let result = result::read(&source, &name).map_err(|e| UserError::new(e.to_string()))?;
    Ok(LoadedResult { result, source })
}

/// The text of a result's file, or standard input, and what it is called in messages.
pub(super) fn text_of(path: &Path) -> anyhow::Result<(String, String)> {
    let (name, text) = if is_stdout(path) {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        ("standard input".to_owned(), read.map(|_| text))
    } else {
        (path.display().to_string(), input::read_to_string(path))
    };
    let text = text.map_err(|e| unreadable(&name, &e))?;
    Ok((name, text))
}
