//! Figures as SVG and PNG files with a font of our own: no system font is ever looked at, so a figure has the same bytes on every
//! machine, and looks the same on every machine that shows it.
//!
//! A figure is first laid out as a `sheet` of shapes in points; the same sheet is then written as SVG, the font's signs that it needs
//! within it, or painted by `plotters` as PNG at two pixels a point.

mod bars;
mod font;
mod gantt;
mod heat;
mod legend;
mod lines;
mod page;
mod paint;
mod sheet;
#[cfg(test)]
mod tests;
mod webfont;
mod write;

use super::figure::palette::Theme;
use super::figure::{Body, Figure};
use sheet::Sheet;

/// Least width and height of a picture, in points.
pub const LEAST: u32 = 320;
/// Greatest width and height of a picture, in points.
pub const GREATEST: u32 = 4096;

/// How a figure is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// On which background.
    pub theme: Theme,
    /// Width and height in points, each between [`LEAST`] and [`GREATEST`]; `None` takes what suits the figure.
    pub size: Option<(u32, u32)>,
}

impl From<Theme> for Look {
    fn from(theme: Theme) -> Self {
        Self { theme, size: None }
    }
}

/// Why a figure could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot draw the figure `{figure}`: {why}")]
pub struct PlotError {
    /// The figure's name.
    pub figure: String,
    /// What the drawing library says.
    pub why: String,
}

/// The figure as an SVG document.
///
/// # Errors
/// When the drawing library refuses, which no figure is known to make it do.
pub fn svg(figure: &Figure, look: impl Into<Look>) -> Result<String, PlotError> {
    let sheet = layout(figure, look.into());
    Ok(write::svg(&sheet, figure))
}

/// The figure as a PNG file, at two pixels a point.
///
/// # Errors
/// As of [`svg`].
pub fn png(figure: &Figure, look: impl Into<Look>) -> Result<Vec<u8>, PlotError> {
    let sheet = layout(figure, look.into());
    paint::png(&sheet).map_err(|why| failed(figure, why))
}

fn failed(figure: &Figure, why: String) -> PlotError {
    PlotError {
        figure: figure.name.clone(),
        why,
    }
}

fn layout(figure: &Figure, look: Look) -> Sheet {
    font::register();
    let size = look
        .size
        .map(|(w, h)| (points(w), points(h)))
        .unwrap_or_else(|| natural(figure));
    let mut sheet = Sheet::new(size, scale(look.size.is_some(), size), look.theme);
    let room = page::heading(&mut sheet, figure);
    match &figure.body {
        Body::Lines(l) => lines::draw(&mut sheet, room, l),
        Body::Stack(s) => bars::draw(&mut sheet, room, s),
        Body::Heat(h) => heat::draw(&mut sheet, room, h),
        Body::Gantt(g) => gantt::draw(&mut sheet, room, g),
    }
    sheet
}

/// How much larger than usual everything is drawn. Where somebody wants a picture of two thousand points, letters of twelve points would be
/// lost in it; and where it is small, some more words fit in if they are a little smaller.
fn scale(asked: bool, (width, height): (f64, f64)) -> f64 {
    if !asked {
        return 1.0;
    }
    let small = (width / 560.0).min(height / 450.0).clamp(0.8, 1.0);
    let large = (width / 1400.0).min(height / 900.0).max(1.0);
    small * large
}

fn points(n: u32) -> f64 {
    f64::from(n.clamp(LEAST, GREATEST))
}

/// The size that suits the figure.
fn natural(figure: &Figure) -> (f64, f64) {
    let height = match &figure.body {
        Body::Lines(l) => 500.0 + legend::ROW * count(l.series.len().div_ceil(3)),
        Body::Stack(s) => 190.0 + bars::ROW * count(s.bars.len().max(2)),
        Body::Heat(h) => 190.0 + heat::CELL * count(h.cells.len().max(3)),
        Body::Gantt(g) => 180.0 + gantt::height(g),
    };
    (
        900.0,
        libm::round(height.clamp(f64::from(LEAST), f64::from(GREATEST))),
    )
}

#[expect(clippy::cast_precision_loss, reason = "a count of things in a figure")]
fn count(n: usize) -> f64 {
    n as f64
}
