//! Figures as SVG and PNG files with an embedded font: no system font is used, so a figure has the same bytes on every machine, and looks
//! the same on every machine that shows it.
//!
//! The sheet of a figure is written as SVG, with the characters of the font that it needs, or painted as PNG by `plotters`, with two pixels
//! for each point.

mod paint;
mod write;

use super::drawing::sheet::{Position, Sheet};
use super::drawing::{Medium, draw};
use super::figure::Figure;
use super::figure::palette::Theme;

/// Least width and height of a picture, in points.
pub(crate) const LEAST: u32 = 320;
/// Greatest width and height of a picture, in points.
pub(crate) const GREATEST: u32 = 4096;
/// Default width of a picture, in points.
const WIDTH: f64 = 900.0;

/// Looks of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlotStyle {
    /// Theme, which determines the background.
    pub theme: Theme,
    /// Width and height in points, each between `LEAST` and `GREATEST`; `None` takes what suits the figure.
    pub size: Option<(u32, u32)>,
}

impl From<Theme> for PlotStyle {
    fn from(theme: Theme) -> Self {
        Self { theme, size: None }
    }
}

/// Why a figure cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot draw the figure `{figure}`: {why}")]
pub struct PlotError {
    /// The figure's name.
    pub figure: String,
    /// Message of the drawing library.
    pub why: String,
}

/// Writes a figure as an SVG document.
///
/// # Errors
///
/// If the drawing library refuses, which no figure is known to make it do.
pub fn svg(figure: &Figure, look: impl Into<PlotStyle>) -> Result<String, PlotError> {
    let look = look.into();
    let (sheet, out) = layout(figure, look.size);
    let about = (
        figure.name.as_str(),
        figure.title.as_str(),
        figure.subtitle.as_str(),
    );
    Ok(write::svg(&sheet, out, look.theme, about))
}

/// Writes a sheet that is no figure as an SVG document, with its name, its title, and a text about it.
pub(crate) fn document(
    sheet: &Sheet,
    out: Position,
    theme: Theme,
    about: (&str, &str, &str),
) -> String {
    write::svg(sheet, out, theme, about)
}

/// Paints a figure as a PNG file, with two pixels for each point.
///
/// # Errors
///
/// As for [`svg`].
pub fn png(figure: &Figure, look: impl Into<PlotStyle>) -> Result<Vec<u8>, PlotError> {
    let look = look.into();
    let (sheet, out) = layout(figure, look.size);
    paint::png(&sheet, out, look.theme).map_err(|why| PlotError {
        figure: figure.name.clone(),
        why,
    })
}

/// The figure laid out, and the size at which it is shown.
pub(crate) fn layout(figure: &Figure, size: Option<(u32, u32)>) -> (Sheet, Position) {
    let points = |n: u32| f64::from(n.clamp(LEAST, GREATEST));
    let Some((width, height)) = size.map(|(w, h)| (points(w), points(h))) else {
        let medium = Medium {
            width: WIDTH,
            height: (points(LEAST), points(GREATEST)),
            whole: true,
        };
        let sheet = draw(figure, medium);
        let size = sheet.size;
        return (sheet, size);
    };
    // In a picture of two thousand points, letters of twelve points would be lost; in a small one, more words fit if they are a little
    // smaller.
    let small = (width / 560.0).min(height / 450.0).clamp(0.8, 1.0);
    let large = (width / 1400.0).min(height / 900.0).max(1.0);
    let scale = small * large;
    let medium = Medium {
        width: width / scale,
        height: (height / scale, height / scale),
        whole: true,
    };
    (draw(figure, medium), (width, height))
}
