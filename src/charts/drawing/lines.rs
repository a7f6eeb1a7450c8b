//! Draws curves over an axis.

use super::axes::{ABOVE, HorizontalAxis, up, up_width};
use super::fitting;
use super::legend::{LegendEntry, Swatch};
use super::sheet::{HoverReading, Paint, Position, Rect, ShapeGroup, Sheet};
use crate::charts::figure::alike::{CoincidentCurves, beside};
use crate::charts::figure::palette::{BASELINE, LIMIT, dash, marker};
use crate::charts::figure::ticks::Ruler;
use crate::charts::figure::{
    CurvePoint, Emphasis, LinePlot, MISSES, ReferenceLine, Series, Stroke, flaws_in_words,
};

/// Height of a plot that suits curves.
const HEIGHT: f64 = 300.0;
/// Number of points above which a curve has no marks, and most of its points that can be read in the page.
const MANY: usize = 100;
const WIDTH: f64 = 2.0;
/// Width of a line that the answer names.
const BEST: f64 = 3.4;
/// Radius of a mark.
const MARK: f64 = 4.0;
/// Length of a cross's strokes from its middle, and their width.
const CROSS: (f64, f64) = (4.2, 2.4);

/// Looks of a curve, or of several curves that coincide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Looks {
    number: usize,
    stroke: Stroke,
    role: Emphasis,
}

/// A line of the picture: a curve, or several that coincide, of which the first is drawn.
struct DrawnCurve<'a> {
    series: &'a Series,
    together: &'a CoincidentCurves,
    looks: Looks,
}

impl Looks {
    fn of(series: &Series, together: &CoincidentCurves) -> Self {
        Self {
            number: series.number,
            stroke: series.stroke,
            role: together.role,
        }
    }

    pub(crate) fn paint(self) -> Paint {
        if self.stroke == Stroke::Reference {
            Paint::Reference
        } else {
            Paint::Curve(self.number)
        }
    }

    fn line(self, sheet: &mut Sheet, points: Vec<Position>) {
        let leads = self.role.leads();
        let width = if leads { BEST } else { WIDTH };
        let (dash, width): (&'static [f64], f64) = match self.stroke {
            Stroke::Reference => (&[4.0, 4.0], 1.4),
            _ if leads => (&[], width),
            _ if self.role.baseline => (&BASELINE, width),
            // Marked curves are distinguished by their marks if colours are missing.
            Stroke::Marked => (&[], width),
            Stroke::Plain | Stroke::Steps => (dash(self.number), width),
        };
        sheet.dashed(points, dash, width, self.paint());
    }

    fn mark(self, sheet: &mut Sheet, at: Position, hollow: bool) {
        let radius = if self.role.leads() { MARK + 1.2 } else { MARK };
        sheet.marker(marker(self.number), at, radius, hollow, self.paint());
    }
}

pub(crate) fn keys(lines: &LinePlot) -> Vec<LegendEntry> {
    let mut keys = Vec::new();
    for t in lines.together() {
        let first = t.members.first().and_then(|&i| lines.series.get(i));
        keys.extend(first.map(|s| LegendEntry {
            sample: Swatch::Curve(Looks::of(s, &t)),
            bold: t.role.leads(),
            text: t.name,
            series: t.members,
        }));
    }
    let limits = lines.reference_lines().into_iter();
    keys.extend(limits.map(|(l, near)| LegendEntry::remark(l.legend(near), Swatch::Limit)));
    if lines.misses() {
        keys.push(LegendEntry::remark(MISSES.into(), Swatch::Misses));
    }
    let flaws = lines.flaws();
    if !flaws.is_empty() {
        keys.push(LegendEntry::remark(flaws_in_words(&flaws), Swatch::Cross));
    }
    keys
}

/// Draws the sample of a curve in the legend.
pub(crate) fn sample(sheet: &mut Sheet, room: Rect, looks: Looks) {
    looks.line(sheet, vec![room.at(0.0, 0.5), room.at(1.0, 0.5)]);
    if looks.stroke == Stroke::Marked {
        looks.mark(sheet, room.middle(), false);
    }
}

/// Draws a hollow mark that stands for that of any curve.
pub(crate) fn hollow(sheet: &mut Sheet, at: Position) {
    sheet.marker(marker(0), at, MARK, true, Paint::Quiet);
}

/// Draws the line at an objective's bound.
pub(crate) fn limit(sheet: &mut Sheet, ends: [Position; 2]) {
    sheet.dashed(ends.into(), &LIMIT, 1.5, Paint::Ink);
}

pub(crate) fn cross(sheet: &mut Sheet, at: Position, paint: Paint) {
    sheet.cross(at, CROSS.0, CROSS.1, paint);
}

pub(crate) fn draw(sheet: &mut Sheet, room: Rect, lines: &LinePlot) {
    let together = lines.together();
    let curve = |t| DrawnCurve::of(lines, t);
    let curves: Vec<DrawnCurve<'_>> = together.iter().filter_map(curve).collect();
    let limits = lines.reference_lines().into_iter();
    let near: Vec<&ReferenceLine> = limits.filter(|w| w.1).map(|w| w.0).collect();
    let chart = LineChart::new(room, lines, &near);
    sheet.plot = chart.plot;
    up(sheet, room, chart.plot, &chart.y, &lines.y.label);
    chart.x.draw(sheet, chart.plot, false);
    for c in &curves {
        c.bands(sheet, &chart);
    }
    for line in near {
        let y = chart.y.place(line.value);
        if let Some(y) = y.filter(|y| (0.0..=1.0).contains(y)) {
            limit(sheet, [chart.plot.at(0.0, y), chart.plot.at(1.0, y)]);
        }
    }
    // The reference is drawn below the other curves, and the curve that the answer names above all.
    let mut sorted: Vec<&DrawnCurve<'_>> = curves.iter().collect();
    sorted.sort_by_key(|c| (c.series.stroke != Stroke::Reference, c.looks.role.leads()));
    let mut crosses: Vec<Position> = Vec::new();
    for c in sorted {
        let group = ShapeGroup {
            hover: c.together.name.clone(),
            ..c.group()
        };
        sheet.group(group, |sheet| {
            c.draw(sheet, &chart);
            c.ends(sheet, &chart, &mut crosses);
        });
    }
    sheet.readings = lines.series.iter().map(|s| chart.readings(s)).collect();
}

/// Height that suits the curves and their axes.
pub(crate) fn height(lines: &LinePlot, width: f64) -> f64 {
    ABOVE + HEIGHT + across(lines, width).height()
}

/// The horizontal axis in a room of this width.
fn across(lines: &LinePlot, width: f64) -> HorizontalAxis {
    let dots = lines.series.iter().flat_map(|s| &s.dots);
    let ticks = fitting(width, 75.0).max(lines.x.categories.len().min(fitting(width, 24.0)));
    let ruler = Ruler::new(&lines.x, dots.map(|d| d.x), ticks, true);
    HorizontalAxis::new(ruler, &lines.x, width - 60.0)
}

/// The rulers and the room of a plot.
struct LineChart<'a> {
    lines: &'a LinePlot,
    x: HorizontalAxis,
    y: Ruler,
    plot: Rect,
}

impl<'a> LineChart<'a> {
    fn new(room: Rect, lines: &'a LinePlot, near: &[&ReferenceLine]) -> Self {
        let x = across(lines, room.width());
        let (top, bottom) = (room.top + ABOVE, room.bottom - x.height());
        let values = lines.values().chain(near.iter().map(|l| l.value));
        let y = Ruler::new(&lines.y, values, fitting(bottom - top, 55.0), false);
        let plot = Rect {
            left: room.left + up_width(&y),
            top,
            right: room.right - 8.0,
            bottom,
        };
        Self { lines, x, y, plot }
    }

    /// Position of a point in shares of the plot; `None` if an axis has no place for its values.
    fn share(&self, x: f64, y: f64) -> Option<Position> {
        let (x, y) = (self.x.ruler.place(x)?, self.y.place(y)?);
        Some((x.clamp(0.0, 1.0), y.clamp(0.0, 1.0)))
    }

    /// Position of a point on the sheet.
    fn place(&self, d: &CurvePoint) -> Option<Position> {
        let (x, y) = self.share(d.x, d.y?)?;
        Some(self.plot.at(x, y))
    }

    /// Position of an end of an interval; a value below a logarithmic axis is put at the axis's foot.
    fn end(&self, x: f64, y: f64) -> Option<Position> {
        let x = self.x.ruler.place(x)?;
        let y = self.y.place(y).unwrap_or(0.0);
        Some(self.plot.at(x.clamp(0.0, 1.0), y.clamp(0.0, 1.0)))
    }

    /// Position that marks a point without value: at the upper edge, or at the foot.
    fn edge(&self, x: f64, above: bool) -> Option<Position> {
        let x = self.x.ruler.place(x)?.clamp(0.0, 1.0);
        let (x, _) = self.plot.at(x, 0.0);
        let y = if above {
            self.plot.top + 8.0
        } else {
            self.plot.bottom - 8.0
        };
        Some((x, y))
    }

    /// The points of a curve that can be read in the page; only some if there are very many.
    fn readings(&self, s: &Series) -> Vec<HoverReading> {
        let every = s.dots.len().div_ceil(MANY).max(1);
        let some = |i: usize| i.is_multiple_of(every) || i + 1 == s.dots.len();
        let dots = s.dots.iter().enumerate().filter(|(i, _)| some(*i));
        let reading = |d: &CurvePoint| {
            let at = self.share(d.x, d.y?)?;
            let texts = [self.lines.x.text(d.x), self.lines.reading(d)];
            Some(HoverReading { at, texts })
        };
        dots.filter_map(|(_, d)| reading(d)).collect()
    }
}

/// Splits points into runs between gaps.
fn runs<T>(points: impl Iterator<Item = Option<T>>) -> Vec<Vec<T>> {
    let mut all = vec![Vec::new()];
    for p in points {
        match (p, all.last_mut()) {
            (Some(p), Some(run)) => run.push(p),
            _ => all.push(Vec::new()),
        }
    }
    all.retain(|run| !run.is_empty());
    all
}

impl<'a> DrawnCurve<'a> {
    fn of(lines: &'a LinePlot, together: &'a CoincidentCurves) -> Option<Self> {
        let series = lines.series.get(*together.members.first()?)?;
        Some(Self {
            series,
            together,
            looks: Looks::of(series, together),
        })
    }

    fn group(&self) -> ShapeGroup {
        ShapeGroup {
            series: self.together.members.clone(),
            paint: Some(self.looks.paint()),
            ..ShapeGroup::default()
        }
    }

    /// Draws intervals: an area where points are joined, a bar at a single point.
    fn bands(&self, sheet: &mut Sheet, chart: &LineChart<'_>) {
        let ends = self.series.dots.iter().map(|d| {
            let (low, high) = d.band.filter(|_| d.y.is_some())?;
            let finite = low.is_finite() && high.is_finite();
            let ends = (chart.end(d.x, low)?, chart.end(d.x, high)?);
            finite.then_some(ends)
        });
        let runs = runs(ends);
        if runs.is_empty() {
            return;
        }
        let paint = self.looks.paint();
        sheet.group(self.group(), |sheet| {
            for run in runs {
                if let [(low, high)] = run.as_slice() {
                    sheet.line(vec![*low, *high], WIDTH, paint);
                    continue;
                }
                let upper = run.iter().map(|(_, high)| *high);
                let lower = run.iter().rev().map(|(low, _)| *low);
                sheet.area(upper.chain(lower).collect(), paint, 0.13);
            }
        });
    }

    fn draw(&self, sheet: &mut Sheet, chart: &LineChart<'_>) {
        let s = self.series;
        let marked = s.stroke == Stroke::Marked && s.dots.len() <= MANY;
        for run in runs(s.dots.iter().map(|d| chart.place(d).map(|p| (p, d)))) {
            let points: Vec<Position> = run.iter().map(|(p, _)| *p).collect();
            let points = if s.stroke == Stroke::Steps {
                steps(&points)
            } else {
                points
            };
            self.looks.line(sheet, points);
            // A point that stands alone has no line.
            if !marked && run.len() > 1 {
                continue;
            }
            for (at, d) in run {
                self.point(sheet, chart, d, |sheet| match d.flaw {
                    Some(_) => cross(sheet, at, self.looks.paint()),
                    None => self.looks.mark(sheet, at, d.misses),
                });
            }
        }
    }

    /// Draws the mark of a point, with the text that is shown when it is pointed at.
    fn point(
        &self,
        sheet: &mut Sheet,
        chart: &LineChart<'_>,
        d: &CurvePoint,
        draw: impl FnOnce(&mut Sheet),
    ) {
        let (x, y) = (chart.lines.x.text(d.x), chart.lines.reading(d));
        let group = ShapeGroup {
            hover: format!("{}, {x}: {y}", self.together.name),
            ..ShapeGroup::default()
        };
        sheet.group(group, draw);
    }

    /// Marks where a curve ends or has a gap for a reason: a cross at the edge, and a dotted line to it if it is known in which direction
    /// the missing value lies. Several crosses at one place are put side by side.
    fn ends(&self, sheet: &mut Sheet, chart: &LineChart<'_>, crosses: &mut Vec<Position>) {
        let above = chart.lines.flaws_above();
        let mut before: Option<Position> = None;
        let mut within = false;
        for d in &self.series.dots {
            if let Some(p) = chart.place(d) {
                (before, within) = (Some(p), false);
                continue;
            }
            // Only where the gap begins: what follows is known to be no better.
            if d.flaw.is_none() || std::mem::replace(&mut within, true) {
                continue;
            }
            let Some((x, y)) = chart.edge(d.x, above) else {
                continue;
            };
            let x = beside(x, chart.plot.middle().0, crosses);
            let paint = self.looks.paint();
            if above && let Some(from) = before.take() {
                sheet.dashed(vec![from, (x, y + 6.0)], &[1.5, 3.5], 1.4, paint);
            }
            self.point(sheet, chart, d, |sheet| cross(sheet, (x, y), paint));
            crosses.push((x, y));
        }
    }
}

fn steps(points: &[Position]) -> Vec<Position> {
    let corner = |pair: &[Position]| [pair[0], (pair[1].0, pair[0].1)];
    let corners = points.windows(2).flat_map(corner);
    corners.chain(points.last().copied()).collect()
}
