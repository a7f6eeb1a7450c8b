//! Options of commands whose result is text for people, or JSON for programs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::files::{Files, OutputFile};
use super::format::{Endings, format};
use super::paint::paint;
use super::printer::Printer;
use crate::layout::Style;

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// Everything, for programs (documented in docs/output-format.md).
    Json,
}

/// By which names of files they are known.
const ENDINGS: &Endings<Format> = &[("json", Format::Json), ("txt", Format::Text)];

/// Where a result is written, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct Output {
    /// How the result is written [default: by the name of the output file, or text]
    #[arg(long, value_enum, help_heading = "Output")]
    pub format: Option<Format>,
    /// Write the result to this file (.json, .txt) instead of standard output (-)
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FILE",
        help_heading = "Output"
    )]
    pub file: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Use ASCII signs only in the text
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,
}

/// The place that a result goes to.
pub(super) struct Place {
    format: Format,
    file: Option<OutputFile>,
    ascii: bool,
}

impl Output {
    /// How the result will be written.
    ///
    /// # Errors
    /// The name of the file is that of no such format.
    pub(super) fn format(&self) -> anyhow::Result<Format> {
        format(self.format, self.file.as_deref(), ENDINGS, Format::Text)
    }

    /// Claims the place, before the work.
    ///
    /// # Errors
    /// The name of the file is that of no such format, or something stands in the way.
    pub(super) fn place(&self, files: &mut Files) -> anyhow::Result<Place> {
        Ok(Place {
            format: self.format()?,
            file: files.optional(self.file.as_deref())?,
            ascii: self.ascii,
        })
    }
}

impl Place {
    /// Writes a result there: as what it serializes to, or as the text that is made of it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(
        &self,
        result: &impl Serialize,
        text: impl FnOnce(Style) -> String,
        printer: &Printer,
    ) -> anyhow::Result<()> {
        let style = printer.style(self.ascii, self.file.is_some());
        let text = match self.format {
            Format::Text => text(style),
            Format::Json => serde_json::to_string_pretty(result)? + "\n",
        };
        match &self.file {
            Some(file) => file.write(&text, printer),
            None if self.format == Format::Text => printer.result(&paint(&text)),
            None => printer.result(&text),
        }
    }
}
