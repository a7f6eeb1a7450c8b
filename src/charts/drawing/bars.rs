//! Bars, each a stack of layers: lying, since their names are long.

use super::axes::{ACROSS, HorizontalAxis, widest};
use super::legend::{LegendEntry, Swatch};
use super::lines::limit;
use super::sheet::{Anchor, Label, Paint, Position, Rect, ShapeGroup, Sheet, TEXT, fit, fit_apart};
use super::{count, fitting, font};
use crate::charts::figure::palette::OTHER;
use crate::charts::figure::ticks::{Ruler, interval_text, value_text};
use crate::charts::figure::{Bar, BarKind, Measure, ReferenceLine, Stack, missing};

/// Height of a bar with the gap below it; of one whose name stands above it.
const ROW: (f64, f64) = (32.0, 44.0);
/// Rooms that are narrower have names above bars, which would leave too little room beside them.
const NARROW: f64 = 440.0;
/// Height of a name above its bar, and of the reference's above the plot.
const NAME: f64 = 20.0;

/// Height that suits the bars, with their axis.
pub(crate) fn height(stack: &Stack, width: f64) -> f64 {
    let row = if width < NARROW { ROW.1 } else { ROW.0 };
    above(stack) + row * count(stack.bars.len().max(2)) + ACROSS
}

/// Height above the plot.
fn above(stack: &Stack) -> f64 {
    if stack.reference.is_some() { NAME } else { 0.0 }
}

/// Whether the bars stand for a single value each, which is written behind them.
fn valued(stack: &Stack) -> bool {
    stack.layers.len() < 2
}

pub(crate) fn keys(stack: &Stack) -> Vec<LegendEntry> {
    let layers = stack.layers.iter().enumerate();
    let of_layers = layers.filter(|_| !valued(stack)).map(|(i, l)| LegendEntry {
        text: l.name.clone(),
        bold: false,
        series: vec![i],
        sample: Swatch::Layer(l.number),
    });
    let nearest = stack.bars.iter().any(|b| b.role.nearest);
    let kinds = stack.kinds().into_iter();
    let of_kinds = kinds.map(|k| LegendEntry::remark(k.words(nearest), Swatch::Bar(k)));
    let limits = stack.reference_lines().into_iter();
    let of_limits = limits.map(|(l, near)| LegendEntry::remark(l.legend(near), Swatch::Limit));
    of_layers.chain(of_kinds).chain(of_limits).collect()
}

/// The colour of a bar of a single value: the first curve's for what the answer names, grey for all else.
fn paint(kind: BarKind) -> Paint {
    if kind.other {
        Paint::Layer(OTHER)
    } else {
        Paint::Curve(0)
    }
}

/// A bar of a single value; what misses an objective is striped.
pub(crate) fn filled(sheet: &mut Sheet, corners: (Position, Position), kind: BarKind) {
    if kind.misses {
        sheet.hatched(corners, paint(kind));
    } else {
        sheet.rect(corners, paint(kind));
    }
}

pub(crate) fn draw(sheet: &mut Sheet, room: Rect, stack: &Stack) {
    let limits = stack.reference_lines().into_iter();
    let near: Vec<&ReferenceLine> = limits.filter(|w| w.1).map(|w| w.0).collect();
    let chart = BarChart::new(room, stack, &near);
    sheet.plot = chart.plot;
    chart.across.draw(sheet, chart.plot, true);
    let bars = || (0..).zip(&stack.bars);
    for (i, bar) in bars() {
        chart.bar(sheet, i, bar);
    }
    chart.reference(sheet, room);
    for line in near {
        let x = chart.x(line.value);
        limit(sheet, [(x, chart.plot.top), (x, chart.plot.bottom)]);
    }
    // Above the lines across, which would run through them.
    for (i, bar) in bars() {
        chart.name(sheet, i, bar);
        chart.end(sheet, i);
    }
}

struct BarChart<'a> {
    stack: &'a Stack,
    across: HorizontalAxis,
    plot: Rect,
    row: f64,
    /// Whether there are several kinds of bars to be told apart.
    told: bool,
    /// Whether names stand above their bars.
    above: bool,
    /// What the bars are called: cut to the room that there is, so that they stay different.
    names: Vec<String>,
}

impl<'a> BarChart<'a> {
    fn new(room: Rect, stack: &'a Stack, near: &[&ReferenceLine]) -> Self {
        let (top, bottom) = (room.top + above(stack), room.bottom - ACROSS);
        let row = (bottom - top) / count(stack.bars.len().max(1));
        let above = room.width() < NARROW && row >= ROW.1 - 6.0;
        let labels: Vec<(String, bool)> = (stack.bars.iter())
            .map(|b| (b.label(), b.role.leads()))
            .collect();
        let widths = labels.iter().map(|(n, bold)| font::width(n, TEXT, *bold));
        let (beside, most) = if above {
            // The first tick's text has its middle at the plot's edge.
            (4.0, room.width() - 4.0)
        } else {
            let beside = widths.fold(24.0, f64::max).min(room.width() * 0.4);
            (beside + 10.0, beside)
        };
        let lengths = || (0..stack.bars.len()).map(|i| stack.length(i));
        let texts: Vec<String> = lengths()
            .map(|v| value_text(stack.value.measure, v))
            .collect();
        let behind = if valued(stack) {
            widest(texts.iter().map(String::as_str), 24.0, 90.0)
        } else {
            0.0
        };
        let plot = Rect {
            left: room.left + beside,
            top,
            right: room.right - behind - 10.0,
            bottom,
        };
        let bands = stack.bands.iter().flatten().flat_map(|(l, h)| [*l, *h]);
        let reference = stack.reference.iter().map(|r| r.0);
        let limits = near.iter().map(|l| l.value);
        let values = lengths().chain(bands).chain(reference).chain(limits);
        let ticks = fitting(plot.width(), 75.0);
        let ruler = Ruler::new(&stack.value, values, ticks, false);
        let mut chart = Self {
            stack,
            across: HorizontalAxis::new(ruler, &stack.value, plot.width()),
            plot,
            row,
            told: !stack.kinds().is_empty(),
            above,
            names: Vec::new(),
        };
        if let Some(size) = chart.text_size() {
            chart.names = fit_apart(&labels, size, most);
        }
        chart
    }

    /// The size of letters in a row; smaller ones than these are not drawn.
    fn text_size(&self) -> Option<f64> {
        let size = TEXT.min(self.row * 0.9);
        (size >= 6.0).then_some(size)
    }

    fn x(&self, value: f64) -> f64 {
        let share = self.across.ruler.place(value).unwrap_or(0.0);
        self.plot.at(share.clamp(0.0, 1.0), 0.0).0
    }

    /// Top and bottom of a bar.
    fn span(&self, i: usize) -> (f64, f64) {
        let top = self.plot.top + count(i) * self.row;
        let gap = (self.row * 0.14).min(8.0);
        let name = if self.above { NAME - 2.0 } else { gap };
        (top + name, top + self.row - gap)
    }

    fn middle(&self, i: usize) -> f64 {
        let (from, to) = self.span(i);
        (from + to) / 2.0
    }

    fn bar(&self, sheet: &mut Sheet, i: usize, bar: &Bar) {
        let Stack { value: axis, .. } = self.stack;
        let single = valued(self.stack);
        let (top, bottom) = self.span(i);
        let mut sum = 0.0;
        for (k, layer) in self.stack.layers.iter().enumerate() {
            let value = layer.values.get(i).copied().unwrap_or(0.0);
            if !value.is_finite() || value == 0.0 {
                continue;
            }
            let (a, b) = (self.x(sum), self.x(sum + value));
            sum += value;
            // A line of background between layers: they stay apart in grey.
            let end = if single { b } else { (b - 0.8).max(a + 0.3) };
            let corners = ((a.min(end), top), (a.max(end), bottom));
            // A single layer means nothing by its colour: the colour of "running" would mislead.
            let kind = if self.told {
                bar.kind()
            } else {
                BarKind::default()
            };
            let text = axis.text(value);
            let (paint, hover) = if single {
                let interval = interval_text(axis.measure, self.band(i));
                let misses = missing(bar.misses);
                (
                    paint(kind),
                    format!("{}: {text}{interval}{misses}", bar.name),
                )
            } else {
                let hover = format!("{}: {text} {}", bar.name, layer.name);
                (Paint::Layer(layer.number), hover)
            };
            let group = ShapeGroup {
                series: vec![k],
                paint: Some(paint),
                hover,
                cell: Some((i, k)),
            };
            sheet.group(group, |sheet| {
                if single {
                    filled(sheet, corners, kind);
                } else {
                    sheet.rect(corners, paint);
                    inside(sheet, corners, &short(axis.measure, value), layer.number);
                }
            });
        }
    }

    fn band(&self, i: usize) -> Option<(f64, f64)> {
        let band = self.stack.bands.get(i).copied().flatten();
        band.filter(|(low, high)| low.is_finite() && high.is_finite())
    }

    fn name(&self, sheet: &mut Sheet, i: usize, bar: &Bar) {
        let (Some(name), Some(size)) = (self.names.get(i), self.text_size()) else {
            return;
        };
        let label = |at, anchor| {
            let label = Label::new(at, name, anchor, Paint::Ink);
            label.sized(size).bold(bar.role.leads())
        };
        if self.above {
            let at = (self.plot.left, self.span(i).0 - 5.0);
            sheet.clear(label(at, Anchor::Start));
        } else {
            let at = (self.plot.left - 10.0, self.middle(i));
            sheet.label(label(at, Anchor::End).centred());
        }
    }

    /// The interval at a bar's end, and its value behind it.
    fn end(&self, sheet: &mut Sheet, i: usize) {
        if !valued(self.stack) {
            return;
        }
        let (sum, y) = (self.stack.length(i), self.middle(i));
        let mut end = self.x(sum);
        if let Some((low, high)) = self.band(i) {
            let (a, b) = (self.x(low), self.x(high));
            end = end.max(b);
            // An interval too short to be seen would look like a blot.
            if b - a > 3.0 {
                let half = (self.row * 0.16).min(5.0);
                sheet.line(vec![(a, y), (b, y)], 1.4, Paint::Ink);
                for x in [a, b] {
                    sheet.line(vec![(x, y - half), (x, y + half)], 1.4, Paint::Ink);
                }
            }
        }
        let Some(size) = self.text_size() else {
            return;
        };
        let text = if sum == 0.0 {
            "–".to_owned()
        } else {
            value_text(self.stack.value.measure, sum)
        };
        let label = Label::new((end + 7.0, y), text, Anchor::Start, Paint::Ink);
        sheet.clear(label.sized(size).centred());
    }

    fn reference(&self, sheet: &mut Sheet, room: Rect) {
        let Some((value, name)) = &self.stack.reference else {
            return;
        };
        let x = self.x(*value);
        let points = vec![(x, self.plot.top - 4.0), (x, self.plot.bottom)];
        sheet.dashed(points, &[4.0, 4.0], 1.4, Paint::Reference);
        let name = fit(name, TEXT, false, room.width());
        let left = x.min(room.right - font::width(&name, TEXT, false));
        let place = (left.max(room.left), self.plot.top - 9.0);
        sheet.text(place, &name, Anchor::Start, Paint::Quiet);
    }
}

/// A share as whole percent: there is no room for more within a bar.
fn short(measure: Measure, value: f64) -> String {
    if measure == Measure::Share {
        format!("{:.0}%", libm::round(value * 100.0))
    } else {
        value_text(measure, value)
    }
}

/// A text within a rectangle of a layer's colour, if it has room there.
pub(crate) fn inside(
    sheet: &mut Sheet,
    (from, to): (Position, Position),
    text: &str,
    layer: usize,
) {
    let size = TEXT - 1.0;
    if font::width(text, size, false) + 8.0 <= to.0 - from.0 && to.1 - from.1 >= size {
        let at = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
        let label = Label::new(at, text, Anchor::Middle, Paint::OnLayer(layer));
        sheet.label(label.sized(size).centred());
    }
}
