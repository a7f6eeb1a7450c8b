//! Bars, each a stack of layers: lying, since their names are long.

use super::font;
use super::legend::{Entry, Legend};
use super::page::{ACROSS, MARGIN, TEXT, across};
use super::sheet::{Anchor, Label, Place, Room, Sheet, fit, fit_apart};
use crate::report::figure::palette::{LIMIT, OTHER, Rgb};
use crate::report::figure::ticks::{Ruler, value_text};
use crate::report::figure::{BarKind, Limit, Measure, Stack};

/// Height of a bar with the gap below it.
pub(super) const ROW: f64 = 32.0;

/// Least height of the plot; what is left of the sheet is the legend's.
const LEAST: f64 = 90.0;

/// What an entry of the legend stands for.
enum Key {
    Layer(usize),
    Kind(BarKind),
    Limit,
}

pub(super) fn draw(sheet: &mut Sheet, room: Room, stack: &Stack) {
    let mut keys: Vec<(Entry, Key)> = Vec::new();
    if stack.layers.len() > 1 {
        let layers = stack.layers.iter();
        keys.extend(layers.map(|l| (l.name.as_str().into(), Key::Layer(l.number))));
    }
    let kinds = stack.kinds();
    let nearest = stack.bars.iter().any(|b| b.role.nearest);
    let of_kinds = kinds.iter();
    keys.extend(of_kinds.map(|k| (k.words(nearest).as_str().into(), Key::Kind(*k))));
    let wanted = stack.wanted();
    for (limit, near) in &wanted {
        keys.push((limit.legend(*near).as_str().into(), Key::Limit));
    }
    let sample = if wanted.is_empty() { 14.0 } else { 30.0 };
    let (entries, keys): (Vec<Entry>, Vec<Key>) = keys.into_iter().unzip();
    let most = (room.height() - ACROSS - 28.0 - LEAST).max(0.0);
    let legend = Legend::new(&entries, sample, room.width(), most);
    let near: Vec<&Limit> = wanted.iter().filter(|w| w.1).map(|w| w.0).collect();
    let chart = Chart::new(room, stack, &near, legend.height);
    across(sheet, chart.plot, &chart.ruler, &stack.value.label, true);
    for i in 0..stack.bars.len() {
        chart.bar(sheet, stack, i);
    }
    chart.reference(sheet, stack);
    let reference = stack.reference.iter().map(|r| chart.x(r.0));
    let mut lines: Vec<f64> = reference.collect();
    for limit in near {
        let x = chart.x(limit.value);
        let ink = sheet.theme.ink();
        let ends = [(x, chart.plot.top), (x, chart.plot.bottom)];
        sheet.dashed(&ends, &LIMIT, 1.6, ink);
        lines.push(x);
    }
    for i in 0..stack.bars.len() {
        chart.end(sheet, stack, i, &lines);
    }
    let at = (MARGIN, chart.plot.bottom + ACROSS + 8.0);
    let theme = sheet.theme;
    legend.draw(sheet, at, |sheet, i, room| {
        let (from, to) = ((room.left, room.top), (room.right, room.bottom));
        match keys.get(i) {
            Some(Key::Layer(n)) => sheet.rect(from, to, theme.layer(*n)),
            Some(Key::Kind(kind)) => filled(sheet, from, to, *kind),
            Some(Key::Limit) => {
                let y = (room.top + room.bottom) / 2.0;
                sheet.dashed(&[(room.left, y), (room.right, y)], &LIMIT, 1.6, theme.ink());
            }
            None => {}
        }
    });
}

/// A bar of a single value: what the answer names in the first curve's colour, all else in grey; what misses an objective striped.
fn filled(sheet: &mut Sheet, from: Place, to: Place, kind: BarKind) {
    let color = if kind.other {
        sheet.theme.layer(OTHER)
    } else {
        sheet.theme.series(0)
    };
    if kind.misses {
        sheet.hatched(from, to, color);
    } else {
        sheet.rect(from, to, color);
    }
}

struct Chart {
    ruler: Ruler,
    plot: Room,
    row: f64,
    /// What the bars are called: cut to the room that there is, so that they stay different.
    names: Vec<String>,
    /// Whether the bars stand for a single value each, which is written behind them.
    valued: bool,
    /// Whether there are several kinds of bars to be told apart.
    told: bool,
}

impl Chart {
    fn new(room: Room, stack: &Stack, near: &[&Limit], legend: f64) -> Self {
        let names = stack
            .bars
            .iter()
            .map(|b| font::width(&b.label(), TEXT, b.role.leads()));
        let names = names.fold(24.0, f64::max).min(room.width() * 0.4);
        let valued = stack.layers.len() < 2;
        let ends = (0..stack.bars.len()).map(|i| stack.length(i));
        let bands = stack.bands.iter().flatten().flat_map(|(l, h)| [*l, *h]);
        let reference = stack.reference.iter().map(|r| r.0);
        let limits = near.iter().map(|l| l.value);
        let values = ends.chain(bands).chain(reference).chain(limits);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size in points over another"
        )]
        let most = ((room.width() - names) / 75.0).clamp(2.0, 40.0) as usize;
        let ruler = Ruler::new(&stack.value, values, most, false);
        let top = if stack.reference.is_some() { 20.0 } else { 0.0 };
        let plot = Room {
            left: room.left + names + 10.0,
            top: room.top + top,
            right: room.right - if valued { 62.0 } else { 10.0 },
            bottom: (room.bottom - legend - ACROSS - if legend > 0.0 { 8.0 } else { 0.0 })
                .max(room.top + top + 40.0),
        };
        #[expect(clippy::cast_precision_loss, reason = "a count of bars")]
        let row = plot.height() / stack.bars.len().max(1) as f64;
        let labels: Vec<(String, bool)> = (stack.bars.iter())
            .map(|b| (b.label(), b.role.leads()))
            .collect();
        Self {
            ruler,
            plot,
            row,
            // Smaller letters are not drawn.
            names: if text_size(row) < 6.0 {
                Vec::new()
            } else {
                fit_apart(&labels, text_size(row), names)
            },
            valued,
            told: !stack.kinds().is_empty(),
        }
    }

    fn x(&self, value: f64) -> f64 {
        let share = self.ruler.place(value).unwrap_or(0.0);
        self.plot.at(share.clamp(0.0, 1.0), 0.0).0
    }

    fn bar(&self, sheet: &mut Sheet, stack: &Stack, i: usize) {
        let theme = sheet.theme;
        #[expect(clippy::cast_precision_loss, reason = "a count of bars")]
        let top = self.plot.top + i as f64 * self.row;
        let gap = (self.row * 0.14).min(8.0);
        let (from, to) = (top + gap, top + self.row - gap);
        let middle = (from + to) / 2.0;
        let size = text_size(self.row);
        if size >= 6.0 {
            let bar = &stack.bars[i];
            let bold = bar.role.leads();
            sheet.label(Label {
                at: (self.plot.left - 10.0, middle + size * 0.36),
                text: self.names.get(i).cloned().unwrap_or_default(),
                size,
                bold,
                anchor: Anchor::End,
                color: theme.ink(),
            });
        }
        let mut sum = 0.0;
        for layer in &stack.layers {
            let value = layer.values.get(i).copied().unwrap_or(0.0);
            if !value.is_finite() || value == 0.0 {
                continue;
            }
            let (a, b) = (self.x(sum), self.x(sum + value));
            sum += value;
            let color = if self.valued {
                theme.series(layer.number)
            } else {
                theme.layer(layer.number)
            };
            // A line of background between layers: they stay apart in grey.
            let end = if self.valued {
                b
            } else {
                (b - 0.8).max(a + 0.3)
            };
            let (left, right) = ((a.min(end), from), (a.max(end), to));
            if self.told {
                filled(sheet, left, right, stack.bars[i].kind());
            } else {
                sheet.rect(left, right, color);
            }
            if !self.valued {
                let text = short(stack.value.measure, value);
                inside(sheet, (a, b), (from, to), &text, color);
            }
        }
    }

    /// The interval at a bar's end, and its value behind it, above the lines across that stand there.
    fn end(&self, sheet: &mut Sheet, stack: &Stack, i: usize, lines: &[f64]) {
        if !self.valued {
            return;
        }
        let (sum, size) = (stack.length(i), text_size(self.row));
        #[expect(clippy::cast_precision_loss, reason = "a count of bars")]
        let y = self.plot.top + (i as f64 + 0.5) * self.row;
        let theme = sheet.theme;
        let mut end = self.x(sum);
        if let Some((low, high)) = stack.bands.get(i).copied().flatten()
            && low.is_finite()
            && high.is_finite()
        {
            let (a, b) = (self.x(low), self.x(high));
            let half = (self.row * 0.16).min(5.0);
            let ink = theme.ink();
            sheet.line(vec![(a, y), (b, y)], 1.4, ink);
            for x in [a, b] {
                sheet.line(vec![(x, y - half), (x, y + half)], 1.4, ink);
            }
            end = end.max(b);
        }
        if sum != 0.0 && size >= 6.0 {
            let text = value_text(stack.value.measure, sum);
            let place = (end + 7.0, y + size * 0.36);
            let right = place.0 + font::width(&text, size, false);
            if lines.iter().any(|&x| x > place.0 - 3.0 && x < right + 3.0) {
                let (top, bottom) = (y - size * 0.5, y + size * 0.5);
                let background = theme.background();
                sheet.rect((place.0 - 2.0, top), (right + 2.0, bottom), background);
            }
            sheet.text(place, &text, size, Anchor::Start, theme.ink());
        }
    }

    fn reference(&self, sheet: &mut Sheet, stack: &Stack) {
        let Some((value, name)) = &stack.reference else {
            return;
        };
        let theme = sheet.theme;
        let x = self.x(*value);
        let points = [(x, self.plot.top - 4.0), (x, self.plot.bottom)];
        sheet.dashed(&points, &[4.0, 4.0], 1.4, theme.reference());
        let name = fit(name, TEXT, false, sheet.size.0 - 2.0 * MARGIN);
        let width = font::width(&name, TEXT, false);
        let left = x.min(sheet.size.0 - MARGIN - width);
        sheet.text(
            (left.max(MARGIN), self.plot.top - 9.0),
            &name,
            TEXT,
            Anchor::Start,
            theme.quiet(),
        );
    }
}

/// The size of letters in a row so high.
fn text_size(row: f64) -> f64 {
    TEXT.min(row * 0.9)
}

/// A share as whole percent: there is no room for more within a bar.
fn short(measure: Measure, value: f64) -> String {
    if measure == Measure::Share {
        format!("{:.0}%", libm::round(value * 100.0))
    } else {
        value_text(measure, value)
    }
}

/// A text within a span from left to right and from top to bottom, if it has room there.
pub(super) fn inside(
    sheet: &mut Sheet,
    (a, b): (f64, f64),
    (top, bottom): (f64, f64),
    text: &str,
    color: Rgb,
) {
    let size = TEXT - 1.0;
    if font::width(text, size, false) + 8.0 <= b - a && bottom - top >= size {
        let place = ((a + b) / 2.0, (top + bottom) / 2.0 + size * 0.36);
        sheet.text(place, text, size, Anchor::Middle, color.text_on());
    }
}
