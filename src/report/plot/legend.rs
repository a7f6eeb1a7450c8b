//! Legends, below the picture: they never cover data.

use super::font;
use super::page::TEXT;
use super::sheet::{Anchor, Place, Room, Sheet, fit};

/// Height of a row.
pub(super) const ROW: f64 = 21.0;
const SAMPLE: f64 = 30.0;
const GAP: f64 = 22.0;

/// Texts laid out in rows.
pub(super) struct Legend {
    /// Where each entry's sample begins, relative to the upper left corner; and its text.
    entries: Vec<(Place, String)>,
    pub height: f64,
}

impl Legend {
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>, width: f64, sample: f64) -> Self {
        let names: Vec<String> = names
            .map(|n| fit(n, TEXT, false, (width - sample - 8.0).min(420.0)))
            .collect();
        let widths: Vec<f64> = names
            .iter()
            .map(|n| sample + 7.0 + font::width(n, TEXT, false) + GAP)
            .collect();
        let (mut x, mut y) = (0.0, 0.0);
        let mut entries = Vec::new();
        for (name, w) in names.into_iter().zip(widths) {
            if x > 0.0 && x + w - GAP > width {
                (x, y) = (0.0, y + ROW);
            }
            entries.push(((x, y), name));
            x += w;
        }
        let height = if entries.is_empty() { 0.0 } else { y + ROW };
        Self { entries, height }
    }

    pub(super) fn lines<'a>(names: impl Iterator<Item = &'a str>, width: f64) -> Self {
        Self::new(names, width, SAMPLE)
    }

    pub(super) fn boxes<'a>(names: impl Iterator<Item = &'a str>, width: f64) -> Self {
        Self::new(names, width, 14.0)
    }

    /// Draws the texts, and by `sample` what stands before each: its number and its rectangle.
    pub(super) fn draw(
        &self,
        sheet: &mut Sheet,
        at: Place,
        sample: f64,
        mut draw: impl FnMut(&mut Sheet, usize, Room),
    ) {
        for (i, ((x, y), name)) in self.entries.iter().enumerate() {
            let (left, top) = (at.0 + x, at.1 + y);
            let room = Room {
                left,
                top: top + 3.0,
                right: left + sample,
                bottom: top + 15.0,
            };
            draw(sheet, i, room);
            let color = sheet.theme.ink();
            let place = (room.right + 7.0, top + 9.0 + TEXT * 0.36);
            sheet.text(place, name, TEXT, Anchor::Start, color);
        }
    }

    pub(super) fn draw_lines(
        &self,
        sheet: &mut Sheet,
        at: Place,
        draw: impl FnMut(&mut Sheet, usize, Room),
    ) {
        self.draw(sheet, at, SAMPLE, draw);
    }

    pub(super) fn draw_boxes(
        &self,
        sheet: &mut Sheet,
        at: Place,
        color: impl Fn(usize) -> crate::report::figure::palette::Rgb,
    ) {
        self.draw(sheet, at, 14.0, |sheet, i, room| {
            sheet.rect((room.left, room.top), (room.right, room.bottom), color(i));
        });
    }
}
