//! Cells over two axes.

use super::font;
use super::page::{ACROSS, MARGIN, TEXT, across};
use super::sheet::{Anchor, Room, Sheet, fit};
use crate::report::figure::palette::{Rgb, heat};
use crate::report::figure::ticks::{Ruler, numbers};
use crate::report::figure::{Axis, Heat};

/// Height of a cell.
pub(super) const CELL: f64 = 44.0;

/// Size of the numbers in cells.
const NUMBER: f64 = 11.0;

/// Width of the bar that says what the colours mean, with its texts.
fn key_width(sheet: &Sheet) -> f64 {
    if sheet.size.0 < 560.0 { 72.0 } else { 104.0 }
}

pub(super) fn draw(sheet: &mut Sheet, room: Room, map: &Heat) {
    let values = || map.cells.iter().flatten().flatten().copied();
    let colors = Colors {
        ruler: Ruler::new(&map.value, values(), 6, true),
        less_is_better: map.less_is_better,
    };
    let rows = words(&map.y, map.cells.len());
    let columns = map.cells.iter().map(Vec::len).max().unwrap_or(0);
    let x = Axis {
        categories: words(&map.x, columns),
        ..map.x.clone()
    };
    let names = rows.iter().map(|r| font::width(r, TEXT, false));
    let names = names.fold(24.0, f64::max).min(room.width() * 0.3);
    let plot = Room {
        left: room.left + names + 10.0,
        top: room.top + 22.0,
        right: room.right - key_width(sheet) - 24.0,
        bottom: (room.bottom - ACROSS).max(room.top + 70.0),
    };
    let theme = sheet.theme;
    let beside = sheet.size.0 - 2.0 * MARGIN - key_width(sheet) - 76.0;
    let title = fit(&map.y.label, TEXT, false, beside.max(40.0));
    sheet.text(
        (MARGIN, room.top + 8.0),
        &title,
        TEXT,
        Anchor::Start,
        theme.ink(),
    );
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size in points over another"
    )]
    let most = (plot.width() / 24.0).clamp(2.0, 64.0) as usize;
    let ruler = Ruler::new(&x, [], most, true);
    cells(sheet, plot, map, columns, &colors);
    across(sheet, plot, &ruler, &map.x.label, false);
    row_names(sheet, plot, &rows, names);
    key(sheet, plot, map, &colors);
}

/// The axis' words; its numbers where it has none.
fn words(axis: &Axis, n: usize) -> Vec<String> {
    (0..n)
        .map(|i| axis.categories.get(i).cloned().unwrap_or(i.to_string()))
        .collect()
}

struct Colors {
    ruler: Ruler,
    less_is_better: bool,
}

impl Colors {
    fn of(&self, value: f64) -> Option<Rgb> {
        let share = self.ruler.place(value)?;
        Some(heat(if self.less_is_better {
            1.0 - share
        } else {
            share
        }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows and columns")]
fn cells(sheet: &mut Sheet, plot: Room, map: &Heat, columns: usize, colors: &Colors) {
    let (w, h) = (
        plot.width() / columns.max(1) as f64,
        plot.height() / map.cells.len().max(1) as f64,
    );
    let gap = if w.min(h) > 12.0 { 1.0 } else { 0.0 };
    let values: Vec<f64> = map.cells.iter().flatten().flatten().copied().collect();
    let (texts, _) = numbers(map.value.measure, &values);
    // All cells have their number, or none.
    let widths = texts.iter().map(|t| font::width(t, NUMBER, false));
    let room = h > 15.0 && widths.fold(0.0, f64::max) + 5.0 <= w;
    let mut texts = texts.into_iter();
    let theme = sheet.theme;
    for (j, row) in map.cells.iter().enumerate() {
        let bottom = plot.bottom - j as f64 * h;
        for (i, value) in row.iter().enumerate() {
            let left = plot.left + i as f64 * w;
            let middle = (left + w / 2.0, bottom - h / 2.0 + TEXT * 0.36);
            let text = value.and_then(|_| texts.next()).unwrap_or_default();
            let Some(color) = value.and_then(|v| colors.of(v)) else {
                if h > 14.0 {
                    sheet.text(middle, "–", TEXT, Anchor::Middle, theme.quiet());
                }
                continue;
            };
            sheet.rect((left, bottom - h), (left + w - gap, bottom - gap), color);
            if map.misses.contains(&(j, i)) {
                // As large as the cell allows.
                let arm = (w.min(h) * 0.2).clamp(1.5, 6.0);
                let (right, top) = (left + w - gap - arm * 0.8, bottom - h + arm * 0.8);
                let ink = color.text_on();
                sheet.line(vec![(right - arm, top), (right, top + arm)], 1.4, ink);
                sheet.line(vec![(right - arm, top + arm), (right, top)], 1.4, ink);
            }
            if room {
                sheet.text(middle, &text, NUMBER, Anchor::Middle, color.text_on());
            }
        }
    }
    // The one to take is framed, with a line of the background between: it is seen on every colour.
    if let Some((j, i)) = map.best {
        let (left, bottom) = (plot.left + i as f64 * w, plot.bottom - j as f64 * h);
        let (from, to) = ((left, bottom - h), (left + w - gap, bottom - gap));
        let inner = |d: f64| ((from.0 + d, from.1 + d), (to.0 - d, to.1 - d));
        sheet.frame(from, to, 2.6, theme.ink());
        let (a, b) = inner(2.6);
        sheet.frame(a, b, 1.4, theme.background());
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of rows")]
fn row_names(sheet: &mut Sheet, plot: Room, rows: &[String], width: f64) {
    let h = plot.height() / rows.len().max(1) as f64;
    let mut above = f64::INFINITY;
    for (j, name) in rows.iter().enumerate() {
        let y = plot.bottom - (j as f64 + 0.5) * h + TEXT * 0.36;
        // A name that would touch its neighbour is left out.
        if above - y < TEXT + 2.0 {
            continue;
        }
        above = y;
        let name = fit(name, TEXT, false, width);
        let color = sheet.theme.quiet();
        sheet.text((plot.left - 10.0, y), &name, TEXT, Anchor::End, color);
    }
}

/// What the colours mean, beside the map.
fn key(sheet: &mut Sheet, plot: Room, map: &Heat, colors: &Colors) {
    const STEPS: u32 = 64;
    let theme = sheet.theme;
    let left = plot.right + 24.0;
    let bar = Room {
        left,
        top: plot.top + 8.0,
        right: left + 16.0,
        bottom: plot.bottom - 8.0,
    };
    for i in 0..STEPS {
        let (a, b) = (
            f64::from(i) / f64::from(STEPS),
            f64::from(i + 1) / f64::from(STEPS),
        );
        let good = if map.less_is_better { 1.0 - a } else { a };
        // The next one covers what is too much: no seams.
        let b = (b + 0.5 / f64::from(STEPS)).min(1.0);
        sheet.rect(bar.at(0.0, b), bar.at(1.0, a), heat(good));
    }
    let mut last = f64::INFINITY;
    for tick in &colors.ruler.ticks {
        let Some(share) = colors.ruler.place(tick.value) else {
            continue;
        };
        let y = bar.at(0.0, share).1;
        if last - y < TEXT + 3.0 {
            continue;
        }
        last = y;
        sheet.line(
            vec![(bar.right, y), (bar.right + 4.0, y)],
            1.0,
            theme.frame(),
        );
        let text = fit(&tick.text, TEXT, false, key_width(sheet) - 24.0);
        sheet.text(
            (bar.right + 8.0, y + TEXT * 0.36),
            &text,
            TEXT,
            Anchor::Start,
            theme.quiet(),
        );
    }
    let values: Vec<f64> = map.cells.iter().flatten().flatten().copied().collect();
    let (_, unit) = numbers(map.value.measure, &values);
    let title = if unit.is_empty() {
        map.value.label.clone()
    } else {
        format!("{} ({unit})", map.value.label)
    };
    let title = fit(&title, TEXT, false, key_width(sheet) + 60.0);
    sheet.text(
        (sheet.size.0 - MARGIN, bar.top - 22.0),
        &title,
        TEXT,
        Anchor::End,
        theme.ink(),
    );
}
