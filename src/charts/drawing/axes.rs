//! Parts that figures share: heading, axes, grid.

use super::count;
use super::font;
use super::sheet::{Anchor, Label, Paint, Position, Rect, Sheet, TEXT, fit, fit_apart, wrap};
use crate::charts::figure::ticks::Ruler;
use crate::charts::figure::{Axis, Figure};

const TITLE: f64 = 18.0;

/// Draws title and subtitle at the top of the room; returns where the picture begins below them. A title says something, so it is never cut
/// if smaller letters or a third line help.
pub(crate) fn heading(sheet: &mut Sheet, room: Rect, figure: &Figure, small: bool) -> f64 {
    let mut y = room.top;
    let tries = [(TITLE, 2), (16.0, 2), (14.5, 3), (12.5, 4)];
    let (size, lines) = tries
        .into_iter()
        .map(|(size, most)| (size, wrap(&figure.title, size, true, room.width(), most)))
        .find(|(_, lines)| !lines.last().is_some_and(|l| l.ends_with('…')))
        .unwrap_or_else(|| (12.5, wrap(&figure.title, 12.5, true, room.width(), 4)));
    for line in lines {
        y += size * 1.25;
        let at = (room.left, y - size * 0.25);
        let label = Label::new(at, line, Anchor::Start, Paint::Ink);
        sheet.label(label.sized(size).bold(true));
    }
    let (size, most) = if small { (11.0, 2) } else { (TEXT, 3) };
    for line in wrap(&figure.subtitle, size, false, room.width(), most) {
        y += size * 1.4;
        let label = Label::new((room.left, y), line, Anchor::Start, Paint::Quiet);
        sheet.label(label.sized(size));
    }
    y + 14.0
}

/// A horizontal axis below a plot: ticks, and the title in the middle.
pub(crate) struct HorizontalAxis {
    pub ruler: Ruler,
    title: String,
    /// Number of lines over which the ticks' texts alternate: two if texts do not fit side by side.
    lines: usize,
}

/// Height below the plot that an axis of numbers takes.
pub(crate) const ACROSS: f64 = 30.0 + LINE;
/// Height of a line of ticks' texts.
const LINE: f64 = 16.0;

impl HorizontalAxis {
    /// An axis for a plot that is about `width` wide.
    pub(crate) fn new(ruler: Ruler, axis: &Axis, width: f64) -> Self {
        let each = width / count(ruler.ticks.len().max(1));
        let texts = ruler.ticks.iter().map(|t| t.text.as_str());
        let crowded = !axis.categories.is_empty() && widest(texts, 0.0, each) >= each - 6.0;
        Self {
            title: ruler.title(&axis.label),
            lines: if crowded { 2 } else { 1 },
            ruler,
        }
    }

    /// Height that the axis takes below the plot.
    pub(crate) fn height(&self) -> f64 {
        ACROSS - LINE + LINE * count(self.lines)
    }

    /// Draws the axis; with `grid` also lines through the plot.
    pub(crate) fn draw(&self, sheet: &mut Sheet, plot: Rect, grid: bool) {
        let ticks = &self.ruler.ticks;
        let each = plot.width() / count(ticks.len().max(1)) * count(self.lines) - 6.0;
        let texts: Vec<_> = ticks.iter().map(|t| (t.text.clone(), false)).collect();
        let texts = fit_apart(&texts, TEXT, each.max(48.0));
        let mut ends = [f64::NEG_INFINITY; 2];
        for ((i, tick), text) in ticks.iter().enumerate().zip(texts) {
            let Some(x) = self.ruler.place(tick.value).map(|p| plot.at(p, 0.0).0) else {
                continue;
            };
            if grid {
                sheet.line(vec![(x, plot.top), (x, plot.bottom)], 1.0, Paint::Grid);
            }
            let line = i % self.lines;
            let below = LINE * count(line);
            let mark = vec![(x, plot.bottom), (x, plot.bottom + 4.0 + below)];
            sheet.line(mark, 1.0, Paint::Frame);
            let half = font::width(&text, TEXT, false) / 2.0;
            // A text that would touch its neighbour is left out; the tick itself stays.
            let x = x.min(sheet.size.0 - 2.0 - half).max(2.0 + half);
            if x - half >= ends[line] + 7.0 {
                ends[line] = x + half;
                let place = (x, plot.bottom + 18.0 + below);
                sheet.text(place, &text, Anchor::Middle, Paint::Quiet);
            }
        }
        let foot = vec![(plot.left, plot.bottom), (plot.right, plot.bottom)];
        sheet.line(foot, 1.0, Paint::Frame);
        let title = fit(&self.title, TEXT, false, plot.width().max(120.0));
        sheet.text(self.at(plot), &title, Anchor::Middle, Paint::Ink);
    }

    /// Position of the middle of the axis's title.
    pub(crate) fn at(&self, plot: Rect) -> Position {
        (plot.middle().0, plot.bottom + self.height() - 9.0)
    }
}

/// Draws the ticks and grid of a vertical axis, left of the plot, and its title above the plot, from the room's edge.
pub(crate) fn up(sheet: &mut Sheet, room: Rect, plot: Rect, ruler: &Ruler, title: &str) {
    for tick in &ruler.ticks {
        let Some(y) = ruler.place(tick.value).map(|p| plot.at(0.0, p).1) else {
            continue;
        };
        sheet.line(vec![(plot.left, y), (plot.right, y)], 1.0, Paint::Grid);
        let text = fit(&tick.text, TEXT, false, 150.0);
        let label = Label::new((plot.left - 8.0, y), text, Anchor::End, Paint::Quiet);
        sheet.label(label.centred());
    }
    let title = fit(&ruler.title(title), TEXT, false, plot.right - room.left);
    let place = (room.left, plot.top - 12.0);
    sheet.text(place, &title, Anchor::Start, Paint::Ink);
}

/// Height above the plot for the title of the vertical axis.
pub(crate) const ABOVE: f64 = 22.0;

/// Width that the texts of [`up`] take left of the plot.
pub(crate) fn up_width(ruler: &Ruler) -> f64 {
    let texts = ruler.ticks.iter().map(|t| t.text.as_str());
    widest(texts, 20.0, 150.0) + 8.0
}

/// Width of the widest text, between two bounds.
pub(crate) fn widest<'a>(texts: impl Iterator<Item = &'a str>, least: f64, most: f64) -> f64 {
    let widths = texts.map(|t| font::width(t, TEXT, false));
    widths.fold(least, f64::max).min(most)
}
