//! Curves over an axis.

use super::legend::{Entry, Legend};
use super::page::{ACROSS, MARGIN, across, up, up_width};
use super::sheet::{Place, Room, Sheet};
use crate::report::figure::alike::{Together, beside};
use crate::report::figure::palette::{BASELINE, LIMIT, Rgb, dash, marker};
use crate::report::figure::ticks::Ruler;
use crate::report::figure::{Limit, Lines, MISSES, Role, Series, Stroke, lacks_in_words};

const WIDTH: f64 = 2.0;
/// Width of the line that the answer names.
const BEST: f64 = 3.4;
/// Radius of a mark.
const MARK: f64 = 4.0;
/// Width of a sample in the legend.
const SAMPLE: f64 = 30.0;
/// Least height of the plot; what is left of the sheet is the legend's.
const LEAST: f64 = 110.0;

/// Rulers and the plot's room.
struct Chart {
    x: Ruler,
    y: Ruler,
    plot: Room,
}

/// A line of the picture: a curve, or several that coincide.
struct Curve<'a> {
    series: &'a Series,
    role: Role,
}

/// What an entry of the legend stands for.
enum Key<'a> {
    Curve(Curve<'a>),
    Limit,
    Misses,
    Lacks,
}

pub(super) fn draw(sheet: &mut Sheet, room: Room, lines: &Lines) {
    let together = lines.together();
    let curve = |t: &Together| {
        Some(Curve {
            series: lines.series.get(*t.members.first()?)?,
            role: t.role,
        })
    };
    let wanted = lines.wanted();
    let mut keys: Vec<(Entry, Key<'_>)> = Vec::new();
    for t in &together {
        let entry = Entry {
            text: t.name.clone(),
            bold: t.role.leads(),
        };
        keys.extend(curve(t).map(|c| (entry, Key::Curve(c))));
    }
    for (limit, near) in &wanted {
        keys.push((limit.legend(*near).as_str().into(), Key::Limit));
    }
    if lines.misses() {
        keys.push((MISSES.into(), Key::Misses));
    }
    let lacks = lines.lacks();
    if !lacks.is_empty() {
        keys.push((lacks_in_words(&lacks).as_str().into(), Key::Lacks));
    }
    let (entries, keys): (Vec<Entry>, Vec<Key<'_>>) = keys.into_iter().unzip();
    let most = (room.height() - ACROSS - 30.0 - LEAST).max(0.0);
    let legend = Legend::new(&entries, SAMPLE, room.width(), most);
    let near: Vec<&Limit> = wanted.iter().filter(|w| w.1).map(|w| w.0).collect();
    let chart = chart(room, lines, &near, legend.height);
    up(sheet, chart.plot, &chart.y, &lines.y.label);
    across(sheet, chart.plot, &chart.x, &lines.x.label, false);
    let curves: Vec<Curve<'_>> = together.iter().filter_map(curve).collect();
    for c in &curves {
        bands(sheet, &chart, c);
    }
    for limit in near {
        if let Some(y) = chart
            .y
            .place(limit.value)
            .filter(|y| (0.0..=1.0).contains(y))
        {
            let ends = [chart.plot.at(0.0, y), chart.plot.at(1.0, y)];
            let ink = sheet.theme.ink();
            sheet.dashed(&ends, &LIMIT, 1.5, ink);
        }
    }
    // What is compared with lies below what is compared, and what the answer names above all.
    let order = |c: &&Curve<'_>| (c.series.stroke != Stroke::Reference, c.role.leads());
    let mut sorted: Vec<&Curve<'_>> = curves.iter().collect();
    sorted.sort_by_key(order);
    let mut crosses: Vec<Place> = Vec::new();
    for c in sorted {
        draw_curve(sheet, &chart, lines, c, &mut crosses);
    }
    let at = (MARGIN, chart.plot.bottom + ACROSS + 8.0);
    legend.draw(sheet, at, |sheet, i, room| {
        if let Some(key) = keys.get(i) {
            sample(sheet, key, room);
        }
    });
}

/// What stands before an entry of the legend.
fn sample(sheet: &mut Sheet, key: &Key<'_>, room: Room) {
    let y = (room.top + room.bottom) / 2.0;
    let middle = ((room.left + room.right) / 2.0, y);
    let line = [(room.left, y), (room.right, y)];
    let (ink, quiet) = (sheet.theme.ink(), sheet.theme.quiet());
    match key {
        Key::Curve(c) => {
            stroke(sheet, c, &line);
            if c.series.stroke == Stroke::Marked {
                let color = sheet.theme.series(c.series.number);
                let radius = radius(c.role);
                sheet.marker(marker(c.series.number), middle, radius, false, color);
            }
        }
        Key::Limit => sheet.dashed(&line, &LIMIT, 1.5, ink),
        Key::Misses => sheet.marker(marker(0), middle, MARK, true, quiet),
        Key::Lacks => sheet.cross(middle, quiet),
    }
}

fn chart(room: Room, lines: &Lines, near: &[&Limit], legend: f64) -> Chart {
    let dots = || lines.series.iter().flat_map(|s| &s.dots);
    let x = Ruler::new(
        &lines.x,
        dots().map(|d| d.x),
        fitting(room.width(), 75.0),
        true,
    );
    let below = if legend > 0.0 { legend + 8.0 } else { 0.0 };
    let plot_height = room.height() - below - ACROSS;
    let values = lines.values().chain(near.iter().map(|l| l.value));
    let y = Ruler::new(&lines.y, values, fitting(plot_height, 55.0), false);
    let plot = Room {
        left: room.left + up_width(&y),
        top: room.top + 22.0,
        right: room.right - 8.0,
        bottom: (room.bottom - below - ACROSS).max(room.top + 60.0),
    };
    Chart { x, y, plot }
}

/// How many ticks have room.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size in points over another"
)]
fn fitting(room: f64, each: f64) -> usize {
    (room / each).clamp(2.0, 40.0) as usize
}

impl Chart {
    /// Where a value stands; values that the axis has no place for are not shown.
    fn place(&self, x: f64, y: f64) -> Option<Place> {
        let (x, y) = (self.x.place(x)?, self.y.place(y)?);
        Some(self.plot.at(x.clamp(0.0, 1.0), y.clamp(0.0, 1.0)))
    }

    /// An end of a band: what lies below a logarithmic axis begins at its foot.
    fn end(&self, x: f64, y: f64) -> Option<Place> {
        let x = self.x.place(x)?;
        let y = self.y.place(y).unwrap_or(0.0);
        Some(self.plot.at(x.clamp(0.0, 1.0), y.clamp(0.0, 1.0)))
    }

    /// Where it is marked that a point has no number: at the upper edge, or at the foot.
    fn edge(&self, x: f64, above: bool) -> Option<Place> {
        let x = self.x.place(x)?.clamp(0.0, 1.0);
        let (x, _) = self.plot.at(x, 0.0);
        let y = if above {
            self.plot.top + 8.0
        } else {
            self.plot.bottom - 8.0
        };
        Some((x, y))
    }
}

/// The curve's points between gaps.
fn runs<T: Clone>(points: impl Iterator<Item = Option<T>>) -> Vec<Vec<T>> {
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

/// Intervals: an area where points are joined, a bar at a point that stands alone.
fn bands(sheet: &mut Sheet, chart: &Chart, c: &Curve<'_>) {
    let s = c.series;
    let ends = s.dots.iter().map(|d| {
        let (low, high) = d.band.filter(|_| d.y.is_some())?;
        let finite = low.is_finite() && high.is_finite();
        let ends = (chart.end(d.x, low)?, chart.end(d.x, high)?);
        finite.then_some(ends)
    });
    let color = sheet.theme.series(s.number);
    for run in runs(ends) {
        if let [(low, high)] = run.as_slice() {
            sheet.line(vec![*low, *high], WIDTH, color);
            continue;
        }
        let upper = run.iter().map(|(_, high)| *high);
        let lower = run.iter().rev().map(|(low, _)| *low);
        sheet.area(upper.chain(lower).collect(), color, 0.13);
    }
}

fn color(sheet: &Sheet, s: &Series) -> Rgb {
    if s.stroke == Stroke::Reference {
        sheet.theme.reference()
    } else {
        sheet.theme.series(s.number)
    }
}

fn radius(role: Role) -> f64 {
    if role.leads() { MARK + 1.2 } else { MARK }
}

fn stroke(sheet: &mut Sheet, c: &Curve<'_>, points: &[Place]) {
    let color = color(sheet, c.series);
    let leads = c.role.leads();
    let width = if leads { BEST } else { WIDTH };
    match c.series.stroke {
        Stroke::Reference => sheet.dashed(points, &[4.0, 4.0], 1.4, color),
        _ if c.role.baseline && !leads => sheet.dashed(points, &BASELINE, width, color),
        // Marks tell marked curves apart without colour.
        Stroke::Marked => sheet.line(points.to_vec(), width, color),
        Stroke::Plain | Stroke::Steps if leads => sheet.line(points.to_vec(), width, color),
        Stroke::Plain | Stroke::Steps => {
            sheet.dashed(points, dash(c.series.number), width, color);
        }
    }
}

fn draw_curve(
    sheet: &mut Sheet,
    chart: &Chart,
    lines: &Lines,
    c: &Curve<'_>,
    crosses: &mut Vec<Place>,
) {
    let s = c.series;
    let place = |d: &crate::report::figure::Dot| d.y.and_then(|y| chart.place(d.x, y));
    let color = color(sheet, s);
    for run in runs(s.dots.iter().map(|d| place(d).map(|p| (p, d)))) {
        let points: Vec<Place> = run.iter().map(|(p, _)| *p).collect();
        let points = if s.stroke == Stroke::Steps {
            steps(&points)
        } else {
            points
        };
        stroke(sheet, c, &points);
        // A point that stands alone has no line.
        if s.stroke == Stroke::Marked || run.len() == 1 {
            for (p, d) in run {
                if d.lack.is_some() {
                    sheet.cross(p, color);
                } else {
                    sheet.marker(marker(s.number), p, radius(c.role), d.misses, color);
                }
            }
        }
    }
    ends(sheet, chart, lines, c, crosses);
}

/// Where a curve ends, or has a gap, for a reason: a cross at the edge, and a dotted line to it where one knows in which direction the
/// missing value lies. Several at one place stand side by side.
fn ends(sheet: &mut Sheet, chart: &Chart, lines: &Lines, c: &Curve<'_>, crosses: &mut Vec<Place>) {
    let above = lines.lacks_above();
    let color = color(sheet, c.series);
    let mut before: Option<Place> = None;
    let mut within = false;
    for d in &c.series.dots {
        if let Some(p) = d.y.and_then(|y| chart.place(d.x, y)) {
            (before, within) = (Some(p), false);
            continue;
        }
        // Only where it begins: what follows is known to be no better.
        if d.lack.is_none() || std::mem::replace(&mut within, true) {
            continue;
        }
        let Some((x, y)) = chart.edge(d.x, above) else {
            continue;
        };
        let x = beside(x, (chart.plot.left + chart.plot.right) / 2.0, crosses);
        if above && let Some(from) = before.take() {
            sheet.dashed(&[from, (x, y + 6.0)], &[1.5, 3.5], 1.4, color);
        }
        sheet.cross((x, y), color);
        crosses.push((x, y));
    }
}

fn steps(points: &[Place]) -> Vec<Place> {
    let corner = |pair: &[Place]| [pair[0], (pair[1].0, pair[0].1)];
    let corners = points.windows(2).flat_map(corner);
    corners.chain(points.last().copied()).collect()
}
