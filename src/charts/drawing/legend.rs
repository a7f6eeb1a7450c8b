//! Legends below the picture, where they cover no data; they fit whatever the size.

use super::count;
use super::sheet::{Anchor, Label, Paint, Position, Rect, Sheet, TEXT, wrap};
use super::{bars, font, gantt, lines};
use crate::charts::figure::{BarKind, Body};

/// Height of a row with letters of the usual size.
const ROW: f64 = 21.0;
const GAP: f64 = 22.0;
/// Most lines of an entry.
const LINES: usize = 6;
/// Sizes of letters, the usual one first; smaller ones are used if entries would be left out otherwise.
const SIZES: [f64; 4] = [TEXT, 11.5, 10.5, 9.5];

/// An entry of a legend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LegendEntry {
    pub text: String,
    pub bold: bool,
    /// Numbers of the curves, layers or kinds of spans that the entry names; empty if it explains a sign.
    pub series: Vec<usize>,
    pub sample: Swatch,
}

impl LegendEntry {
    /// An entry that explains a sign.
    pub(crate) fn remark(text: String, sample: Swatch) -> Self {
        Self {
            text,
            bold: false,
            series: Vec::new(),
            sample,
        }
    }
}

/// The sample before an entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Swatch {
    /// A piece of a curve.
    Curve(lines::Looks),
    /// A piece of the line at an objective's bound.
    Limit,
    /// A hollow mark.
    Misses,
    /// A cross.
    Cross,
    /// The colour of this layer.
    Layer(usize),
    /// A bar of a single value.
    Bar(BarKind),
}

impl Swatch {
    /// Width and height of the sample.
    pub(crate) fn size(self) -> Position {
        let line = matches!(self, Self::Curve(_) | Self::Limit | Self::Misses);
        (if line { 30.0 } else { 14.0 }, 12.0)
    }

    /// Draws the sample in this room.
    pub(crate) fn draw(self, sheet: &mut Sheet, room: Rect) {
        match self {
            Self::Curve(looks) => lines::sample(sheet, room, looks),
            Self::Limit => lines::limit(sheet, [room.at(0.0, 0.5), room.at(1.0, 0.5)]),
            Self::Misses => lines::hollow(sheet, room.middle()),
            Self::Cross => lines::cross(sheet, room.middle(), Paint::Quiet),
            Self::Layer(n) => sheet.rect(room.corners(), Paint::Layer(n)),
            Self::Bar(kind) => bars::filled(sheet, room.corners(), kind),
        }
    }
}

/// The entries of a figure's legend.
pub(crate) fn keys(body: &Body) -> Vec<LegendEntry> {
    match body {
        Body::Lines(l) => lines::keys(l),
        Body::Stack(s) => bars::keys(s),
        // The key of a heat map is an axis; its subtitle explains the frame and the crosses.
        Body::Heat(_) => Vec::new(),
        Body::Gantt(g) => gantt::keys(g),
    }
}

/// Position of an entry, relative to the upper left corner, and its lines.
struct Placed {
    at: Position,
    lines: Vec<String>,
}

/// The entries of a legend, laid out in rows.
pub(crate) struct Legend {
    placed: Vec<Placed>,
    size: f64,
    sample: f64,
    /// Position and text of the remark about entries that have no room.
    rest: Option<(Position, String)>,
    pub height: f64,
}

impl Legend {
    /// Lays the entries out in a room of this width and height.
    pub(crate) fn new(entries: &[LegendEntry], width: f64, height: f64) -> Self {
        let mut all = SIZES.map(|size| Self::of(entries, width, size));
        let fits = all.iter().position(|l| l.height <= height);
        if let Some(fits) = fits {
            all.swap(0, fits);
            let [first, ..] = all;
            return first;
        }
        // They do not fit even in the smallest letters: as many are shown as have room, with the number of the others.
        let size = SIZES[SIZES.len() - 1];
        let mut n = entries.len();
        while n > 0 {
            n -= 1;
            let mut some = Self::of(&entries[..n], width, size);
            let row = row(size);
            if some.height + row <= height || n == 0 {
                let text = format!("and {} more", entries.len() - n);
                some.rest = Some(((0.0, some.height), text));
                some.height += row;
                return some;
            }
        }
        Self::of(&[], width, size)
    }

    fn of(entries: &[LegendEntry], width: f64, size: f64) -> Self {
        let samples = entries.iter().map(|e| e.sample.size().0);
        let sample = samples.fold(0.0, f64::max);
        let row = row(size);
        let most = width - sample - 8.0;
        let (mut x, mut y, mut lines_here) = (0.0, 0.0, 0);
        let mut placed = Vec::new();
        for entry in entries {
            let lines = wrap(&entry.text, size, entry.bold, most, LINES);
            let widths = lines.iter().map(|l| font::width(l, size, entry.bold));
            let w = sample + 7.0 + widths.fold(0.0, f64::max);
            if x > 0.0 && x + w > width {
                (x, y) = (0.0, y + down(row, size, lines_here));
                lines_here = 0;
            }
            lines_here = lines.len().max(lines_here).max(1);
            placed.push(Placed { at: (x, y), lines });
            x += w + GAP;
        }
        let height = if placed.is_empty() {
            0.0
        } else {
            y + down(row, size, lines_here)
        };
        Self {
            placed,
            size,
            sample,
            rest: None,
            height,
        }
    }

    /// Draws the entries for which it was laid out.
    pub(crate) fn draw(&self, sheet: &mut Sheet, entries: &[LegendEntry], at: Position) {
        let row = row(self.size);
        for (entry, key) in self.placed.iter().zip(entries) {
            let (left, top) = (at.0 + entry.at.0, at.1 + entry.at.1);
            let middle = top + row * 0.43;
            let room = Rect {
                left,
                top: middle - 6.0,
                right: left + self.sample,
                bottom: middle + 6.0,
            };
            key.sample.draw(sheet, room);
            for (k, line) in entry.lines.iter().enumerate() {
                let at = (room.right + 7.0, middle + next(self.size, k));
                let label = Label::new(at, line, Anchor::Start, Paint::Ink);
                sheet.label(label.sized(self.size).bold(key.bold).centred());
            }
        }
        if let Some(((x, y), text)) = &self.rest {
            let at = (at.0 + x, at.1 + y + row * 0.43);
            let label = Label::new(at, text, Anchor::Start, Paint::Quiet);
            sheet.label(label.sized(self.size).centred());
        }
    }
}

fn row(size: f64) -> f64 {
    ROW * size / TEXT
}

/// Distance of a further line below the first one.
fn next(size: f64, line: usize) -> f64 {
    size * 1.25 * count(line)
}

/// Height of a row of entries with so many lines.
fn down(row: f64, size: f64, lines: usize) -> f64 {
    row + next(size, lines.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_room_nothing_stands_outside() {
        font::register();
        let entry = |i| {
            let text = format!("asyncio+processes:{i}:forkserver on 3.14");
            LegendEntry::remark(text, Swatch::Limit)
        };
        let entries: Vec<LegendEntry> = (0..12).map(entry).collect();
        for (width, height) in [(860.0, 200.0), (356.0, 90.0), (356.0, 30.0), (300.0, 0.0)] {
            let legend = Legend::new(&entries, width, height);
            assert!(
                legend.height <= f64::max(height, 16.0),
                "{width} x {height}: {}",
                legend.height
            );
            for e in &legend.placed {
                for line in &e.lines {
                    let end = e.at.0 + 37.0 + font::width(line, legend.size, false);
                    assert!(end <= width, "{line} in {width}");
                }
            }
            assert_eq!(legend.rest.is_some(), legend.placed.len() < entries.len());
        }
        assert_eq!(Legend::new(&[], 300.0, 0.0).height, 0.0);
    }
}
