//! A finished sweep written where it is wanted.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Args, Files, Format, OutputFile, Printer, SweepSetup, UserError};
use crate::cli::files::is_stdout;
use crate::cli::format::{Endings, format};
use crate::cli::paint::paint;
use crate::report::markdown;
use crate::report::sweep::{csv, text};
use crate::result::{Sweep, header_line, sweep};
use crate::study::sweep::Store;

/// Points that are read back at once.
const CHUNK: usize = 256;

/// Beside a file a text is made of so much at most: what is larger nobody reads in a terminal.
const TEXT_BYTES: u64 = 64 << 20;

/// Most points of a sweep whose result is in memory, and in no file.
const MAX_WITHOUT_FILE: u64 = 2_000;

/// By which names of files formats are known.
const ENDINGS: &Endings<Format> = &[
    ("jsonl", Format::Jsonl),
    ("ndjson", Format::Jsonl),
    ("csv", Format::Csv),
    ("md", Format::Markdown),
    #[cfg(feature = "parquet")]
    ("parquet", Format::Parquet),
    ("txt", Format::Text),
];

/// Where the result goes, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutputTarget {
    format: Format,
    /// To a file, and not to standard output.
    to_file: bool,
}

impl OutputTarget {
    /// As the arguments say.
    pub(super) fn of(args: &Args) -> anyhow::Result<Self> {
        let output = args.output.as_deref();
        if cfg!(not(feature = "parquet"))
            && args.format.is_none()
            && output
                .and_then(Path::extension)
                .is_some_and(|e| e.eq_ignore_ascii_case("parquet"))
        {
            return Err(UserError::new(
                "this pchsim writes no Parquet: build it with `cargo install --path . --features parquet`, or take .csv",
            )
            .into());
        }
        // Who names standard output wants to read it by a program.
        let usual = output.map_or(Format::Text, |_| Format::Jsonl);
        Ok(Self {
            format: format(args.format, output, ENDINGS, usual)?,
            to_file: output.is_some_and(|p| !is_stdout(p)),
        })
    }

    /// Refuses what should not end in a terminal alone.
    pub(super) fn check(self, points: u64) -> anyhow::Result<()> {
        if self.to_file || points <= MAX_WITHOUT_FILE {
            return Ok(());
        }
        Err(UserError::new(format!(
            "results of {points} points (more than {MAX_WITHOUT_FILE}) need a file: name it with -o, for example -o sweep.jsonl or -o sweep.csv"
        ))
        .into())
    }

    /// The output file, if there is one.
    pub(super) fn file(self, args: &Args) -> Option<PathBuf> {
        args.output.clone().filter(|_| self.to_file)
    }

    /// Writes the whole result to its file, if it has one.
    pub(super) fn write(
        self,
        file: Option<&OutputFile>,
        args: &Args,
        printer: &Printer,
        setting: &SweepSetup,
        store: &Store,
    ) -> anyhow::Result<()> {
        let Some(file) = file else {
            return Ok(());
        };
        file.write_with(printer, |w| self.stream(w, args, printer, setting, store))
    }

    /// Shows the result on standard output: for people beside a file, as it is wanted without one.
    pub(super) fn show(
        self,
        args: &Args,
        printer: &Printer,
        setting: &SweepSetup,
        store: &Store,
    ) -> anyhow::Result<()> {
        match (self.to_file, self.format) {
            (true, Format::Text) => Ok(()),
            (true, _) if printer.quiet > 0 => Ok(()),
            (true, _) | (false, Format::Text) => print_text(args, printer, setting, store),
            (false, _) => printer.result_with(|w| self.stream(w, args, printer, setting, store)),
        }
    }

    fn stream(
        self,
        w: &mut dyn Write,
        args: &Args,
        printer: &Printer,
        setting: &SweepSetup,
        store: &Store,
    ) -> anyhow::Result<()> {
        let header = header_line(&setting.header);
        match self.format {
            Format::Text => {
                w.write_all(the_text(args, printer, setting, store, true)?.as_bytes())?;
            }
            Format::Jsonl => {
                w.write_all(header.as_bytes())?;
                for point in store.points() {
                    w.write_all(store.lines(point)?.as_bytes())?;
                }
            }
            Format::Markdown => {
                let all = read(&header, store, &store.points())?;
                w.write_all(markdown(&[(&all).into()], None).as_bytes())?;
            }
            #[cfg(feature = "parquet")]
            Format::Parquet => {
                let all = read(&header, store, &store.points())?;
                let table = crate::report::sweep::parquet(&all)
                    .context("the sweep cannot be written as Parquet")?;
                w.write_all(&table)?;
            }
            Format::Csv => {
                for (i, points) in store.points().chunks(CHUNK).enumerate() {
                    let table = csv(&read(&header, store, points)?);
                    // The names of the columns stand there once.
                    let names = table.find('\n').map_or(0, |end| end + 1);
                    let from = if i == 0 { 0 } else { names };
                    w.write_all(&table.as_bytes()[from..])?;
                }
            }
        }
        Ok(())
    }
}

/// These points read back.
fn read(header: &str, store: &Store, points: &[u64]) -> anyhow::Result<Sweep> {
    let mut lines = String::new();
    for &point in points {
        lines.push_str(&store.lines(point)?);
    }
    sweep(header, &lines, "the sweep").context("what was kept cannot be read back")
}

fn the_text(
    args: &Args,
    printer: &Printer,
    setting: &SweepSetup,
    store: &Store,
    to_file: bool,
) -> anyhow::Result<String> {
    let all = read(&header_line(&setting.header), store, &store.points())?;
    let style = printer.style(args.ascii, to_file);
    Ok(text(&all, style))
}

/// The figures, if they are wanted.
pub(super) fn draw(
    args: &Args,
    files: &mut Files,
    printer: &Printer,
    setting: &SweepSetup,
    store: &Store,
) -> anyhow::Result<()> {
    if !args.plots.requested() {
        return Ok(());
    }
    let all = read(&header_line(&setting.header), store, &store.points())?;
    args.plots.draw((&all).into(), files, printer)
}

/// The text for people on standard output.
pub(super) fn print_text(
    args: &Args,
    printer: &Printer,
    setting: &SweepSetup,
    store: &Store,
) -> anyhow::Result<()> {
    if store.bytes() > TEXT_BYTES && store.path().is_some() {
        printer.hint(&format!(
            "note: the table of {} points is too long to be shown: they are in the file",
            store.len()
        ));
        return Ok(());
    }
    printer.result(&paint(&the_text(args, printer, setting, store, false)?))
}
