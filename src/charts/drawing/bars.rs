//! Draws bars, each of which is a stack of layers. They are horizontal, since their names are long.

use super::axes::{ACROSS, HorizontalAxis, widest};
use super::legend::{LegendEntry, Swatch};
use super::lines::limit;
use super::sheet::{Anchor, Label, Paint, Position, Rect, ShapeGroup, Sheet, TEXT, fit, fit_apart};
use super::{count, fitting, font};
use crate::charts::figure::palette::OTHER;
use crate::charts::figure::ticks::{Ruler, interval_text, value_text};
use crate::charts::figure::{Bar, BarKind, Measure, ReferenceLine, Stack, missing};

/// Height of a bar with the gap below it, and of one whose name stands above it.
const ROW: (f64, f64) = (32.0, 44.0);
/// Width of the room below which names stand above the bars, because there would be too little room beside them.
const NARROW: f64 = 440.0;
/// Height of a name above its bar, and of the reference's name above the plot.
const NAME: f64 = 20.0;

/// Height that suits the bars and their axis.
pub(crate) fn height(stack: &Stack, width: f64) -> f64 {
    let row = if width < NARROW { ROW.1 } else { ROW.0 };
    above(stack) + row * count(stack.bars.len().max(2)) + ACROSS
}

/// Height above the plot.
fn above(stack: &Stack) -> f64 {
    if stack.reference.is_some() { NAME } else { 0.0 }
}

/// Whether each bar stands for a single value, which is then written behind it.
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

/// Colour of a bar of a single value: that of the first curve for the bars that the answer names, grey for all others.
fn paint(kind: BarKind) -> Paint {
    if kind.other {
        Paint::Layer(OTHER)
    } else {
        Paint::Curve(0)
    }
}

/// Draws a bar of a single value; it is striped if its case misses an objective.
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
    // Drawn last, so that lines across do not run through them.
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
    /// Whether there are several kinds of bars that have to be distinguished.
    told: bool,
    /// Whether names stand above their bars.
    above: bool,
    /// Names of the bars, cut to the available room so that they stay distinct.
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
            // The text of the first tick is centred on the plot's edge.
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

    /// Size of letters in a row; `None` if they would be too small to draw.
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
            // A line of background between layers separates them even in grey.
            let end = if single { b } else { (b - 0.8).max(a + 0.3) };
            let corners = ((a.min(end), top), (a.max(end), bottom));
            // The colour of a single layer means nothing; that of "running" would mislead.
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

    /// Draws the interval at the end of a bar, and the value behind it.
    fn end(&self, sheet: &mut Sheet, i: usize) {
        if !valued(self.stack) {
            return;
        }
        let (sum, y) = (self.stack.length(i), self.middle(i));
        let mut end = self.x(sum);
        if let Some((low, high)) = self.band(i) {
            let (a, b) = (self.x(low), self.x(high));
            end = end.max(b);
            // An interval that is too short to be seen would look like a blot.
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

/// A share in whole percent: a bar has no room for more.
fn short(measure: Measure, value: f64) -> String {
    if measure == Measure::Share {
        format!("{:.0}%", libm::round(value * 100.0))
    } else {
        value_text(measure, value)
    }
}

/// Draws a text within a rectangle of a layer's colour, if there is room.
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
