//! Draws heat maps: cells over two axes.

use super::axes::{ABOVE, ACROSS, HorizontalAxis, widest};
use super::sheet::{Anchor, Label, Paint, Position, Rect, ShapeGroup, Sheet, TEXT, fit};
use super::{count, fitting, font};
use crate::charts::figure::palette::{Rgb, heat};
use crate::charts::figure::ticks::{Ruler, numbers};
use crate::charts::figure::{Axis, Heat, missing};

/// Height of a cell.
const CELL: f64 = 40.0;
/// Size of the numbers in cells.
const NUMBER: f64 = 11.0;
/// Height of the bar that explains the colours. The height of all that belongs to it follows.
const BAR: f64 = 12.0;
const KEY: f64 = 10.0 + BAR + ACROSS;

/// Height that suits the cells and their axes.
pub(crate) fn height(map: &Heat, width: f64) -> f64 {
    ABOVE + CELL * count(map.cells.len().max(3)) + across(map, width).height() + KEY
}

fn columns(map: &Heat) -> usize {
    map.cells.iter().map(Vec::len).max().unwrap_or(0)
}

/// The axis's texts for so many positions.
fn words(axis: &Axis, n: usize) -> Vec<String> {
    (0..n).map(|i| axis.word(i)).collect()
}

/// The horizontal axis in a room of this width.
fn across(map: &Heat, width: f64) -> HorizontalAxis {
    let axis = Axis {
        categories: words(&map.x, columns(map)),
        ..map.x.clone()
    };
    let ruler = Ruler::new(&axis, [], fitting(width, 24.0), true);
    HorizontalAxis::new(ruler, &axis, width * 0.85)
}

pub(crate) fn draw(sheet: &mut Sheet, room: Rect, map: &Heat) {
    let across = across(map, room.width());
    let columns = columns(map);
    let rows = words(&map.y, map.cells.len());
    let names = widest(rows.iter().map(String::as_str), 24.0, room.width() * 0.3);
    let plot = Rect {
        left: room.left + names + 10.0,
        top: room.top + ABOVE,
        right: room.right,
        bottom: room.bottom - across.height() - KEY,
    };
    sheet.plot = plot;
    let title = fit(&map.y.label, TEXT, false, room.width());
    let place = (room.left, plot.top - 10.0);
    sheet.text(place, &title, Anchor::Start, Paint::Ink);
    let values: Vec<f64> = map.cells.iter().flatten().flatten().copied().collect();
    let (texts, unit) = numbers(map.value.measure, &values);
    let chart = HeatChart {
        map,
        plot,
        cell: (
            plot.width() / count(columns.max(1)),
            plot.height() / count(rows.len().max(1)),
        ),
        colors: Ruler::new(&map.value, values, 6, true),
    };
    chart.cells(sheet, &texts);
    across.draw(sheet, plot, false);
    chart.row_names(sheet, &rows, names);
    chart.key(sheet, plot.bottom + across.height() + 10.0, &unit);
}

struct HeatChart<'a> {
    map: &'a Heat,
    plot: Rect,
    /// Width and height of a cell.
    cell: Position,
    colors: Ruler,
}

impl HeatChart<'_> {
    fn color(&self, value: f64) -> Option<Rgb> {
        self.colors.place(value).map(|share| self.shade(share))
    }

    /// The colour at this share (0 to 1) of the values' range.
    fn shade(&self, share: f64) -> Rgb {
        heat(if self.map.less_is_better {
            1.0 - share
        } else {
            share
        })
    }

    /// The corners of a cell; row numbers rise upwards, as values on an axis do.
    fn corners(&self, row: usize, column: usize) -> (Position, Position) {
        let (w, h) = self.cell;
        let gap = if w.min(h) > 12.0 { 1.0 } else { 0.0 };
        let left = self.plot.left + count(column) * w;
        let bottom = self.plot.bottom - count(row) * h;
        ((left, bottom - h), (left + w - gap, bottom - gap))
    }

    fn cells(&self, sheet: &mut Sheet, texts: &[String]) {
        let (w, h) = self.cell;
        // Either all cells have numbers, or none.
        let widths = texts.iter().map(|t| font::width(t, NUMBER, false));
        let room = h > 15.0 && widths.fold(0.0, f64::max) + 5.0 <= w;
        let mut texts = texts.iter();
        for (j, row) in self.map.cells.iter().enumerate() {
            for (i, value) in row.iter().enumerate() {
                let text = value.and_then(|_| texts.next());
                let crossed = self.map.misses.contains(&(j, i));
                let said = value.filter(|v| v.is_finite());
                let group = ShapeGroup {
                    hover: format!(
                        "{} {}, {} {}: {}{}",
                        self.map.x.label,
                        self.map.x.word(i),
                        self.map.y.label,
                        self.map.y.word(j),
                        said.map_or("no value".into(), |v| self.map.value.text(v)),
                        missing(crossed)
                    ),
                    cell: Some((self.map.cells.len() - 1 - j, i)),
                    ..ShapeGroup::default()
                };
                let color = value.and_then(|v| self.color(v));
                let text = text.filter(|_| room && color.is_some());
                let corners = self.corners(j, i);
                sheet.group(group, |sheet| {
                    self.one(sheet, corners, color, text);
                    if let Some(color) = color.filter(|_| crossed) {
                        // As large as the cell allows.
                        let arm = (w.min(h) * 0.2).clamp(1.5, 6.0);
                        let ((_, top), (right, _)) = corners;
                        let at = (right - arm * 1.3, top + arm * 1.3);
                        sheet.cross(at, arm / 2.0, 1.4, Paint::Shade(color.text_on()));
                    }
                });
            }
        }
        // The cell to take is framed, with a line of background within, so that the frame is visible on every colour.
        if let Some((j, i)) = self.map.best {
            let (from, to) = self.corners(j, i);
            let d = 2.6;
            let inner = ((from.0 + d, from.1 + d), (to.0 - d, to.1 - d));
            sheet.frame((from, to), d, Paint::Ink);
            sheet.frame(inner, 1.4, Paint::Ground);
        }
    }

    fn one(
        &self,
        sheet: &mut Sheet,
        corners: (Position, Position),
        color: Option<Rgb>,
        text: Option<&String>,
    ) {
        sheet.rect(corners, color.map_or(Paint::Ground, Paint::Shade));
        let (text, size, paint) = match (color, text) {
            (Some(color), Some(text)) => (text.as_str(), NUMBER, Paint::Shade(color.text_on())),
            (None, _) if self.cell.1 > 14.0 => ("–", TEXT, Paint::Quiet),
            _ => return,
        };
        let ((left, top), (right, bottom)) = corners;
        let at = ((left + right) / 2.0, (top + bottom) / 2.0);
        sheet.label(
            Label::new(at, text, Anchor::Middle, paint)
                .sized(size)
                .centred(),
        );
    }

    fn row_names(&self, sheet: &mut Sheet, rows: &[String], width: f64) {
        let mut above = f64::INFINITY;
        for (j, name) in rows.iter().enumerate() {
            let y = self.plot.bottom - (count(j) + 0.5) * self.cell.1 + TEXT * 0.36;
            // A name that would touch its neighbour is left out.
            if above - y < TEXT + 2.0 {
                continue;
            }
            above = y;
            let name = fit(name, TEXT, false, width);
            let place = (self.plot.left - 10.0, y);
            sheet.text(place, &name, Anchor::End, Paint::Quiet);
        }
    }

    /// Draws the explanation of the colours below the map, with an axis of its own.
    fn key(&self, sheet: &mut Sheet, top: f64, unit: &str) {
        const STEPS: u32 = 64;
        let bar = Rect {
            left: self.plot.left,
            top,
            right: self.plot.left + self.plot.width().min(400.0),
            bottom: top + BAR,
        };
        for i in 0..STEPS {
            let share = |i: f64| i / f64::from(STEPS);
            let (a, b) = (share(f64::from(i)), share(f64::from(i) + 1.0));
            // Each step is drawn twice as wide and half covered by the next, so that there are no seams.
            let over = (2.0 * b - a).min(1.0);
            sheet.rect(
                (bar.at(a, 1.0), bar.at(over, 0.0)),
                Paint::Shade(self.shade(a)),
            );
        }
        // The numbers in the cells have no unit, and the ticks may each have another.
        let mut axis = self.map.value.clone();
        if !unit.is_empty() && self.colors.unit.is_empty() {
            axis.label += &format!(" ({unit})");
        }
        HorizontalAxis::new(self.colors.clone(), &axis, bar.width()).draw(sheet, bar, false);
    }
}
