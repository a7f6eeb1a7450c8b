//! Rows of spans over time.

use super::bars::inside;
use super::font;
use super::legend::{Entry, Legend};
use super::page::{ACROSS, MARGIN, TEXT, across};
use super::sheet::{Anchor, Label, Room, Sheet, fit};
use crate::report::figure::ticks::Ruler;
use crate::report::figure::{Gantt, Row};

/// Height of a row.
const ROW: f64 = 20.0;
/// Height of a group's name above its rows.
const GROUP: f64 = 24.0;
/// Rows that are lower than this cannot be told apart.
const LEAST: f64 = 5.0;

/// Height that the rows would like to have.
pub(super) fn height(g: &Gantt) -> f64 {
    let groups = count(groups(&g.rows).len());
    ROW * count(g.rows.len().max(2)) + GROUP * groups + 21.0 * count(g.kinds.len().div_ceil(5))
}

#[expect(clippy::cast_precision_loss, reason = "a count of rows")]
fn count(n: usize) -> f64 {
    n as f64
}

/// The rows by group, in order.
fn groups(rows: &[Row]) -> Vec<&[Row]> {
    rows.chunk_by(|a, b| a.group == b.group).collect()
}

pub(super) fn draw(sheet: &mut Sheet, room: Room, g: &Gantt) {
    let used: Vec<usize> = (0..g.kinds.len())
        .filter(|k| g.rows.iter().flat_map(|r| &r.spans).any(|s| s.kind == *k))
        .collect();
    let names = used.iter().map(|&k| g.kinds[k].name.as_str());
    let entries: Vec<Entry> = names.map(Entry::from).collect();
    let most = (room.height() - ACROSS - 8.0 - 110.0).max(0.0);
    let legend = Legend::new(&entries, 14.0, room.width(), most);
    let labels = g.rows.iter().map(|r| font::width(&r.label, TEXT, false));
    let labels = labels.fold(24.0, f64::max).min(room.width() * 0.3);
    let plot = Room {
        left: room.left + labels + 12.0,
        top: room.top,
        right: room.right - 8.0,
        bottom: (room.bottom - legend.height - ACROSS - 8.0).max(room.top + 60.0),
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size in points over another"
    )]
    let most = (plot.width() / 85.0).clamp(2.0, 40.0) as usize;
    let ruler = Ruler::new(&g.time, [g.window.0, g.window.1], most, true);
    across(sheet, plot, &ruler, &g.time.label, true);
    rows(sheet, plot, g, &ruler, labels);
    let theme = sheet.theme;
    let at = (MARGIN, plot.bottom + ACROSS + 8.0);
    legend.draw(sheet, at, |sheet, i, room| {
        let color = theme.layer(g.kinds[used[i]].number);
        sheet.rect((room.left, room.top), (room.right, room.bottom), color);
    });
}

fn rows(sheet: &mut Sheet, plot: Room, g: &Gantt, ruler: &Ruler, labels: f64) {
    let groups = groups(&g.rows);
    let named = groups.iter().filter(|rows| !rows[0].group.is_empty());
    let heads = GROUP * count(named.count());
    let height = ((plot.height() - heads) / count(g.rows.len().max(1))).clamp(LEAST, ROW * 1.5);
    let mut y = plot.top;
    let mut left = g.rows.len();
    for group in groups {
        if y + GROUP + height > plot.bottom + 0.5 {
            break;
        }
        if !group[0].group.is_empty() {
            y += GROUP;
            head(sheet, plot, &group[0].group, y);
        }
        for row in group {
            if y + height > plot.bottom + 0.5 {
                break;
            }
            one(sheet, plot, g, ruler, row, (y, height, labels));
            y += height;
            left -= 1;
        }
    }
    if left > 0 {
        let text = format!("+ {left} rows");
        let color = sheet.theme.quiet();
        // Left of the axis' title, which stands in the middle.
        let room = (plot.left + plot.right) / 2.0 - 75.0 - MARGIN;
        let text = fit(&text, TEXT, false, room.max(0.0));
        let place = (MARGIN, plot.bottom + 37.0);
        sheet.text(place, &text, TEXT, Anchor::Start, color);
    }
}

fn head(sheet: &mut Sheet, plot: Room, name: &str, bottom: f64) {
    let label = Label {
        at: (MARGIN, bottom - 6.0),
        text: fit(name, TEXT, true, plot.right - MARGIN),
        size: TEXT,
        bold: true,
        anchor: Anchor::Start,
        color: sheet.theme.ink(),
    };
    // The grid's lines end where a name stands.
    let width = font::width(&label.text, TEXT, true);
    let background = sheet.theme.background();
    let end = MARGIN + width + 6.0;
    if end > plot.left {
        sheet.rect(
            (plot.left - 1.0, bottom - GROUP + 3.0),
            (end, bottom - 2.0),
            background,
        );
    }
    sheet.label(label);
}

fn one(
    sheet: &mut Sheet,
    plot: Room,
    g: &Gantt,
    ruler: &Ruler,
    row: &Row,
    (top, height, labels): (f64, f64, f64),
) {
    let theme = sheet.theme;
    let middle = top + height / 2.0;
    let size = TEXT.min(height * 0.8);
    if size >= 6.0 {
        let label = fit(&row.label, size, false, labels);
        let place = (plot.left - 10.0, middle + size * 0.36);
        sheet.text(place, &label, size, Anchor::End, theme.quiet());
    }
    sheet.line(
        vec![(plot.left, middle), (plot.right, middle)],
        1.0,
        theme.grid(),
    );
    let gap = (height * 0.12).min(2.5);
    for span in &row.spans {
        let Some((from, to)) = ruler.place(span.from).zip(ruler.place(span.to)) else {
            continue;
        };
        if to < 0.0 || from > 1.0 || to < from {
            continue;
        }
        let a = plot.at(from.clamp(0.0, 1.0), 0.0).0;
        // Short spans stay visible.
        let b = plot.at(to.clamp(0.0, 1.0), 0.0).0.max(a + 0.5);
        let number = g.kinds.get(span.kind).map_or(span.kind, |k| k.number);
        let color = theme.layer(number);
        sheet.rect((a, top + gap), (b, top + height - gap), color);
        if height >= 15.0 {
            inside(
                sheet,
                (a, b),
                (top + gap, top + height - gap),
                &span.text,
                color,
            );
        }
    }
}
