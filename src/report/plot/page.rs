//! What figures have in common: heading, axes, grid.

use super::font;
use super::sheet::{Anchor, Label, Room, Sheet, fit, wrap};
use crate::report::figure::Figure;
use crate::report::figure::ticks::Ruler;

/// Left and right of everything.
pub(super) const MARGIN: f64 = 22.0;
/// Size of most texts.
pub(super) const TEXT: f64 = 12.5;
const TITLE: f64 = 18.0;

/// Title and subtitle; the room that is left for the picture. A title says something, so it is never cut where smaller letters or a third
/// line help.
pub(super) fn heading(sheet: &mut Sheet, figure: &Figure) -> Room {
    let (width, height) = sheet.size;
    let inner = width - 2.0 * MARGIN;
    let small = height < 450.0;
    let mut y = if small { 8.0 } else { 14.0 };
    let tries = [(TITLE, 2), (16.0, 2), (14.5, 3), (12.5, 4)];
    let (size, lines) = tries
        .into_iter()
        .map(|(size, most)| (size, wrap(&figure.title, size, true, inner, most)))
        .find(|(_, lines)| !lines.last().is_some_and(|l| l.ends_with('…')))
        .unwrap_or_else(|| (12.5, wrap(&figure.title, 12.5, true, inner, 4)));
    for line in lines {
        y += size * 1.25;
        sheet.label(Label {
            at: (MARGIN, y - size * 0.25),
            text: line,
            size,
            bold: true,
            anchor: Anchor::Start,
            color: sheet.theme.ink(),
        });
    }
    let (size, most) = if small { (11.0, 2) } else { (TEXT, 3) };
    for line in wrap(&figure.subtitle, size, false, inner, most) {
        y += size * 1.4;
        let color = sheet.theme.quiet();
        sheet.text((MARGIN, y), &line, size, Anchor::Start, color);
    }
    Room {
        left: MARGIN,
        top: y + 14.0,
        right: width - MARGIN,
        bottom: height - if small { 8.0 } else { 14.0 },
    }
}

/// Ticks and grid of the axis across, below the plot; its title in the middle.
pub(super) fn across(sheet: &mut Sheet, plot: Room, ruler: &Ruler, title: &str, grid: bool) {
    let theme = sheet.theme;
    let mut end = f64::NEG_INFINITY;
    let words = ruler.ticks.len();
    for tick in &ruler.ticks {
        let Some(x) = ruler.place(tick.value).map(|p| plot.at(p, 0.0).0) else {
            continue;
        };
        if grid {
            sheet.line(vec![(x, plot.top), (x, plot.bottom)], 1.0, theme.grid());
        }
        sheet.line(
            vec![(x, plot.bottom), (x, plot.bottom + 4.0)],
            1.0,
            theme.frame(),
        );
        #[expect(clippy::cast_precision_loss, reason = "a count of ticks")]
        let most = (plot.width() / words as f64 - 6.0).max(48.0);
        let text = fit(&tick.text, TEXT, false, most);
        let half = font::width(&text, TEXT, false) / 2.0;
        // A text that would touch its neighbour is left out; the tick says where it is.
        let x = x.min(sheet.size.0 - 4.0 - half).max(4.0 + half);
        if x - half >= end + 7.0 {
            end = x + half;
            sheet.text(
                (x, plot.bottom + 18.0),
                &text,
                TEXT,
                Anchor::Middle,
                theme.quiet(),
            );
        }
    }
    sheet.line(
        vec![(plot.left, plot.bottom), (plot.right, plot.bottom)],
        1.0,
        theme.frame(),
    );
    let title = fit(&ruler.title(title), TEXT, false, plot.width().max(120.0));
    let middle = (plot.left + plot.right) / 2.0;
    sheet.text(
        (middle, plot.bottom + 37.0),
        &title,
        TEXT,
        Anchor::Middle,
        theme.ink(),
    );
}

/// Room that [`across`] takes below the plot.
pub(super) const ACROSS: f64 = 46.0;

/// Ticks and grid of the axis up, left of the plot; its title above.
pub(super) fn up(sheet: &mut Sheet, plot: Room, ruler: &Ruler, title: &str) {
    let theme = sheet.theme;
    for tick in &ruler.ticks {
        let Some(y) = ruler.place(tick.value).map(|p| plot.at(0.0, p).1) else {
            continue;
        };
        sheet.line(vec![(plot.left, y), (plot.right, y)], 1.0, theme.grid());
        sheet.text(
            (plot.left - 8.0, y + TEXT * 0.36),
            &fit(&tick.text, TEXT, false, 150.0),
            TEXT,
            Anchor::End,
            theme.quiet(),
        );
    }
    let title = fit(&ruler.title(title), TEXT, false, plot.right - MARGIN);
    sheet.text(
        (MARGIN, plot.top - 12.0),
        &title,
        TEXT,
        Anchor::Start,
        theme.ink(),
    );
}

/// Room that the texts of [`up`] take left of the plot.
pub(super) fn up_width(ruler: &Ruler) -> f64 {
    let widths = ruler
        .ticks
        .iter()
        .map(|t| font::width(&t.text, TEXT, false));
    widths.fold(20.0, f64::max).min(150.0) + 8.0
}
