//! `pchsim plot`: draws the figures of results into files. Also `--plots` of the commands that make results.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args as ClapArgs, ValueEnum};
use rayon::prelude::*;

use super::exit::UserError;
use super::files::{Files, OutputFile};
use super::printer::Printer;
use crate::charts::figure::palette::Theme;
use crate::charts::figure::{Figure, figures};
use crate::charts::plot;
use crate::charts::plot::{GREATEST, LEAST, PlotStyle};
use crate::result::{self, RESULT, ResultRef, Saved};
use crate::syntax::{input, suggest};

/// Formats of picture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For documents and pages: sharp at every size.
    Svg,
    /// For everything else, at two pixels a point.
    Png,
}

/// On which background figures are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Themes {
    /// Dark on white.
    Light,
    /// Light on near-black.
    Dark,
    /// Each figure twice.
    Both,
}

/// What `pchsim plot` is told.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim run scraper --format json -o scraper.json && pchsim plot scraper.json
  pchsim sweep scraper --cores 1..16 -o cores.jsonl && pchsim plot cores.jsonl --theme both
  pchsim plot scraper.json --list
  pchsim plot scraper.json --only latency-cdf --format svg --size 700x450 -o figures/

Files are called SCENARIO-FIGURE.svg, those of sweeps SCENARIO-sweep-FIGURE.svg, dark ones end in -dark.")]
pub(crate) struct Args {
    /// Results: of `pchsim run --format json -o FILE`, or `pchsim sweep -o FILE.jsonl`
    #[arg(required = true, value_name = "RESULT")]
    pub results: Vec<PathBuf>,

    /// Write the files into this directory; it is made if it is missing
    #[arg(
        short,
        long,
        value_name = "DIR",
        default_value = "output",
        help_heading = "Output"
    )]
    pub output: PathBuf,
    /// Formats, separated by commas
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "FORMATS",
        default_value = "svg,png",
        help_heading = "Output"
    )]
    pub format: Vec<Format>,
    /// On which background
    #[arg(long, value_enum, default_value_t = Themes::Light, help_heading = "Output")]
    pub theme: Themes,
    /// Draw this figure only (repeatable)
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    pub only: Vec<String>,
    /// Width and height in points, for example 900x560 [default: what suits each figure]
    #[arg(long, value_name = "WxH", value_parser = size, help_heading = "Output")]
    pub size: Option<(u32, u32)>,
    /// List the figures of the results, and draw nothing
    #[arg(long, help_heading = "Output")]
    pub list: bool,
    /// Replace files that exist
    #[arg(long, help_heading = "Output")]
    pub force: bool,
}

/// What the commands that make results are told of figures.
#[derive(Clone, Debug, ClapArgs)]
pub struct PlotsArg {
    /// Draw the result's figures into this directory as well (`pchsim plot` with its options draws them from a result file)
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub plots: Option<PathBuf>,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let side = |t: &str| {
        let n = t.trim().parse().ok();
        n.filter(|n| (LEAST..=GREATEST).contains(n))
    };
    text.split_once(['x', 'X', '×'])
        .and_then(|(w, h)| Some((side(w)?, side(h)?)))
        .ok_or_else(|| {
            format!("write width x height, each from {LEAST} to {GREATEST}, for example 900x560")
        })
}

/// How figures are drawn, and where they go.
struct Order<'a> {
    directory: &'a Path,
    formats: &'a [Format],
    themes: &'a [Theme],
    size: Option<(u32, u32)>,
}

/// A figure that is to be drawn.
struct Drawing {
    figure: Figure,
    /// What its files are called, without the figure's name.
    prefix: String,
}

/// Runs the subcommand; the exit code.
///
/// # Errors
/// A file is not a result, there is no such figure, or pictures cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let mut files = Files::new(args.force);
    if !args.list {
        Files::folder(&args.output)?;
    }
    let mut drawings = Vec::new();
    for path in &args.results {
        files.reads(path);
        drawings.extend(drawings_of(
            (&read(path)?).into(),
            &path.display().to_string(),
        )?);
    }
    if args.list {
        let widest = drawings.iter().map(|d| d.figure.name.len()).max();
        let line = |d: &Drawing| {
            let name = &d.figure.name;
            format!("{name:0$}  {1}\n", widest.unwrap_or(0), d.figure.title)
        };
        printer.result(&drawings.iter().map(line).collect::<String>())?;
        return Ok(0);
    }
    let drawings = chosen(drawings, &args.only)?;
    let order = Order {
        directory: &args.output,
        formats: &args.format,
        themes: match args.theme {
            Themes::Light => &[Theme::Light],
            Themes::Dark => &[Theme::Dark],
            Themes::Both => &[Theme::Light, Theme::Dark],
        },
        size: args.size,
    };
    draw(&drawings, &order, &mut files, printer)?;
    Ok(0)
}

fn read(path: &Path) -> anyhow::Result<Saved> {
    let name = path.display().to_string();
    let text = input::read_to_string(path).map_err(|e| unreadable(&name, &e))?;
    result::read(&text, &name).map_err(|e| UserError::new(e.to_string()).into())
}

/// Why there is no result to be had from this file, and which files would do.
pub(super) fn unreadable(name: &str, e: &std::io::Error) -> UserError {
    UserError::new(format!(
        "cannot read {name}: {}; name {RESULT}",
        input::reason(e)
    ))
}

/// The figures of a result; `name` is what it is called in complaints.
fn drawings_of(result: ResultRef<'_>, name: &str) -> anyhow::Result<Vec<Drawing>> {
    let prefix = match result {
        ResultRef::Study(d) => file_name(&d.scenario.name),
        ResultRef::Sweep(d) => format!("{}-sweep", file_name(&d.header.scenario.name)),
    };
    let all = figures(result);
    if all.is_empty() {
        let why = "no case of it has numbers (`pchsim run` says why), or it has a single point";
        return Err(UserError::new(format!("{name} has nothing to draw: {why}")).into());
    }
    let drawing = |figure| Drawing {
        figure,
        prefix: prefix.clone(),
    };
    Ok(all.into_iter().map(drawing).collect())
}

/// The scenario's name as a part of file names.
fn file_name(scenario: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let name: String = scenario
        .chars()
        .take(80)
        .map(|c| if plain(c) { c } else { '-' })
        .collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() {
        "result".into()
    } else {
        name.into()
    }
}

fn chosen(all: Vec<Drawing>, only: &[String]) -> anyhow::Result<Vec<Drawing>> {
    for name in only {
        if !all.iter().any(|d| d.figure.name == *name) {
            let names: BTreeSet<&str> = all.iter().map(|d| d.figure.name.as_str()).collect();
            let names: Vec<&str> = names.into_iter().collect();
            return Err(UserError::new(format!(
                "there is no figure `{name}`; {}",
                suggest(name, "there are", names.iter().copied())
            ))
            .into());
        }
    }
    let wanted = |d: &Drawing| only.is_empty() || only.contains(&d.figure.name);
    Ok(all.into_iter().filter(wanted).collect())
}

/// A file: which drawing, how, and where.
struct Picture<'a> {
    drawing: &'a Drawing,
    format: Format,
    theme: Theme,
    path: PathBuf,
}

fn pictures<'a>(drawings: &'a [Drawing], order: &Order<'_>) -> Vec<Picture<'a>> {
    let mut all = Vec::new();
    for drawing in drawings {
        for &theme in order.themes {
            for &format in order.formats {
                let dark = if theme == Theme::Dark { "-dark" } else { "" };
                let extension = match format {
                    Format::Svg => "svg",
                    Format::Png => "png",
                };
                let Drawing { figure, prefix } = drawing;
                let name = format!("{prefix}-{}{dark}.{extension}", figure.name);
                all.push(Picture {
                    drawing,
                    format,
                    theme,
                    path: order.directory.join(name),
                });
            }
        }
    }
    all
}

/// Draws everything, and writes it if nothing stands in the way.
fn draw(
    drawings: &[Drawing],
    order: &Order<'_>,
    files: &mut Files,
    printer: &Printer,
) -> anyhow::Result<()> {
    let mut pictures = pictures(drawings, order);
    pictures.dedup_by(|a, b| a.path == b.path && std::ptr::eq(a.drawing, b.drawing));
    let mut paths = BTreeSet::new();
    if let Some(twice) = pictures.iter().find(|p| !paths.insert(&p.path)) {
        return Err(UserError::new(format!(
            "two results would both be drawn as {}: draw them one by one, with different -o",
            twice.path.display()
        ))
        .into());
    }
    files.fill_folder(order.directory)?;
    // All of them before the first is written.
    let outputs = pictures
        .iter()
        .map(|p| files.output(&p.path))
        .collect::<anyhow::Result<Vec<OutputFile>>>()?;
    let drawn = pictures
        .par_iter()
        .map(|p| {
            let look = PlotStyle {
                theme: p.theme,
                size: order.size,
            };
            match p.format {
                Format::Svg => plot::svg(&p.drawing.figure, look).map(String::into_bytes),
                Format::Png => plot::png(&p.drawing.figure, look),
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    for (output, bytes) in outputs.iter().zip(drawn) {
        output.write_with(printer, |w| Ok(w.write_all(&bytes)?))?;
    }
    Ok(())
}

impl PlotsArg {
    /// Whether figures are wanted.
    pub(super) fn requested(&self) -> bool {
        self.plots.is_some()
    }

    /// Complains before the work of what would be in the way after it: which figures there will be is not known yet, so any that
    /// begins as they will.
    pub(super) fn check(&self, scenario: &str, sweep: bool, files: &Files) -> anyhow::Result<()> {
        let Some(directory) = &self.plots else {
            return Ok(());
        };
        Files::folder(directory)?;
        if !directory.is_dir() {
            return Ok(());
        }
        let sweeps = format!("{}-sweep-", file_name(scenario));
        let prefix = if sweep {
            sweeps.clone()
        } else {
            format!("{}-", file_name(scenario))
        };
        let entries = std::fs::read_dir(directory)
            .with_context(|| format!("cannot read {}", directory.display()))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            #[expect(
                clippy::case_sensitive_file_extension_comparisons,
                reason = "as they are written here"
            )]
            let picture = name.ends_with(".svg") || name.ends_with(".png");
            if picture && name.starts_with(&prefix) && (sweep || !name.starts_with(&sweeps)) {
                files.would_refuse(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Draws the figures of a result that was just made.
    pub(super) fn draw(
        &self,
        result: ResultRef<'_>,
        files: &mut Files,
        printer: &Printer,
    ) -> anyhow::Result<()> {
        let Some(directory) = &self.plots else {
            return Ok(());
        };
        let drawings = match drawings_of(result, "the result") {
            Ok(drawings) => drawings,
            Err(nothing) => {
                // The result itself stands; that there is no picture of it is no failure.
                printer.warn(&format!("note: {nothing}"));
                return Ok(());
            }
        };
        let order = Order {
            directory,
            formats: &[Format::Svg, Format::Png],
            themes: &[Theme::Light],
            size: None,
        };
        draw(&drawings, &order, files, printer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked() {
        assert_eq!(size("900x560"), Ok((900, 560)));
        assert_eq!(size("900 × 560"), Ok((900, 560)));
        for bad in ["900", "900x", "10x900", "900x99999", "axb", "-900x900"] {
            assert!(size(bad).unwrap_err().contains("900x560"), "{bad}");
        }
    }

    #[test]
    fn scenarios_name_files() {
        assert_eq!(file_name("scraper"), "scraper");
        assert_eq!(file_name("../a b/c"), "a-b-c");
        assert_eq!(file_name("..."), "result");
        assert_eq!(file_name("größe 2"), "größe-2");
    }
}
