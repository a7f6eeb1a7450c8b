//! Lays figures out: a figure becomes a [`Sheet`] of shapes in points, once, whatever shows it. Shapes say what they are (the third curve,
//! a grid line, a text on the fifth layer), not which colour that has; so files resolve colours by theme, and the page by style sheet.
//! `charts::plot` writes sheets as files, `page` into the page.

pub(crate) mod axes;
mod bars;
pub(crate) mod font;
mod gantt;
mod heat;
pub(crate) mod legend;
mod lines;
pub(crate) mod sheet;
pub(crate) mod svg;
#[cfg(test)]
mod tests;
pub(crate) mod webfont;

use super::figure::{Body, Figure};
use legend::Legend;
pub(crate) use legend::{LegendEntry, keys};
use sheet::{Rect, Sheet};

/// Room between the body of a figure and its legend.
const GAP: f64 = 8.0;
/// Least height of a body, whatever its legend would like to have. The lowest picture has room for this and for the longest heading.
const LEAST: f64 = 150.0;

/// What a figure is laid out for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Medium {
    /// Width in points.
    pub width: f64,
    /// Least and greatest height in points; in between, the height suits the figure.
    pub height: (f64, f64),
    /// Whether heading and legend are on the sheet; otherwise they stand around it.
    pub whole: bool,
}

/// Lays the figure out.
pub(crate) fn draw(figure: &Figure, medium: Medium) -> Sheet {
    font::register();
    let Medium {
        width,
        height,
        whole,
    } = medium;
    let small = height.1 < 450.0;
    let (margin, edge) = match (whole, small) {
        (true, true) => (22.0, 8.0),
        (true, false) => (22.0, 14.0),
        (false, _) => (2.0, 2.0),
    };
    let mut sheet = Sheet::new((width, 0.0));
    let mut room = Rect {
        left: margin,
        top: edge,
        right: width - margin,
        bottom: height.1,
    };
    if whole {
        room.top = axes::heading(&mut sheet, room, figure, small);
    }
    let most = (height.1 - room.top - edge - GAP - LEAST).max(0.0);
    let keys = if whole {
        keys(&figure.body)
    } else {
        Vec::new()
    };
    let legend = Legend::new(&keys, room.width(), most);
    let below = edge + legend.height + if keys.is_empty() { 0.0 } else { GAP };
    let suits = room.top + suits(&figure.body, room.width()) + below;
    sheet.size.1 = libm::round(suits).clamp(height.0, height.1);
    room.bottom = sheet.size.1 - below;
    match &figure.body {
        Body::Lines(l) => lines::draw(&mut sheet, room, l),
        Body::Stack(s) => bars::draw(&mut sheet, room, s),
        Body::Heat(h) => heat::draw(&mut sheet, room, h),
        Body::Gantt(g) => gantt::draw(&mut sheet, room, g),
    }
    legend.draw(&mut sheet, &keys, (room.left, room.bottom + GAP));
    sheet
}

/// The height that suits a body, without heading and legend.
fn suits(body: &Body, width: f64) -> f64 {
    match body {
        Body::Lines(l) => lines::height(l, width),
        Body::Stack(s) => bars::height(s, width),
        Body::Heat(h) => heat::height(h, width),
        Body::Gantt(g) => gantt::height(g),
    }
}

/// A count as a float.
fn count(n: usize) -> f64 {
    n as f64
}

/// Number of items of width `each` that fit in `room`, between 2 and 40.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size in points over another"
)]
fn fitting(room: f64, each: f64) -> usize {
    (room / each).clamp(2.0, 40.0) as usize
}
