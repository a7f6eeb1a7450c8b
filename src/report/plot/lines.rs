//! Curves over an axis.

use super::legend::Legend;
use super::page::{ACROSS, MARGIN, across, up, up_width};
use super::sheet::{Place, Room, Sheet};
use crate::report::figure::palette::{Rgb, dash, marker};
use crate::report::figure::ticks::Ruler;
use crate::report::figure::{Lines, Series, Stroke};

const WIDTH: f64 = 2.0;

/// Rulers and the plot's room.
struct Chart {
    x: Ruler,
    y: Ruler,
    plot: Room,
}

pub(super) fn draw(sheet: &mut Sheet, room: Room, lines: &Lines) {
    let legend = Legend::lines(lines.series.iter().map(|s| s.name.as_str()), room.width());
    let chart = chart(room, lines, legend.height);
    up(sheet, chart.plot, &chart.y, &lines.y.label);
    across(sheet, chart.plot, &chart.x, &lines.x.label, false);
    for s in &lines.series {
        bands(sheet, &chart, s);
    }
    // What is compared with lies below what is compared.
    let (below, above): (Vec<&Series>, Vec<&Series>) = lines
        .series
        .iter()
        .partition(|s| s.stroke == Stroke::Reference);
    for s in below.into_iter().chain(above) {
        curve(sheet, &chart, s);
    }
    let at = (MARGIN, chart.plot.bottom + ACROSS + 8.0);
    legend.draw_lines(sheet, at, |sheet, i, room| {
        let s = &lines.series[i];
        let y = (room.top + room.bottom) / 2.0;
        stroke(sheet, s, &[(room.left, y), (room.right, y)]);
        if s.stroke == Stroke::Marked {
            let color = sheet.theme.series(s.number);
            sheet.marker(marker(s.number), ((room.left + room.right) / 2.0, y), color);
        }
    });
}

fn chart(room: Room, lines: &Lines, legend: f64) -> Chart {
    let dots = || lines.series.iter().flat_map(|s| &s.dots);
    let x = Ruler::new(
        &lines.x,
        dots().map(|d| d.x),
        fitting(room.width(), 75.0),
        true,
    );
    let bands = dots().filter_map(|d| d.band).flat_map(|(l, h)| [l, h]);
    let plot_height = room.height() - legend - ACROSS;
    let y = Ruler::new(
        &lines.y,
        dots().filter_map(|d| d.y).chain(bands),
        fitting(plot_height, 55.0),
        false,
    );
    let plot = Room {
        left: room.left + up_width(&y),
        top: room.top + 22.0,
        right: room.right - 8.0,
        bottom: (room.bottom - legend - ACROSS - 8.0).max(room.top + 60.0),
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
fn bands(sheet: &mut Sheet, chart: &Chart, s: &Series) {
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
        sheet.area(upper.chain(lower).collect(), color, 0.18);
    }
}

fn color(sheet: &Sheet, s: &Series) -> Rgb {
    if s.stroke == Stroke::Reference {
        sheet.theme.reference()
    } else {
        sheet.theme.series(s.number)
    }
}

fn stroke(sheet: &mut Sheet, s: &Series, points: &[Place]) {
    let color = color(sheet, s);
    match s.stroke {
        // Marks tell marked curves apart without colour.
        Stroke::Marked => sheet.line(points.to_vec(), WIDTH, color),
        Stroke::Plain | Stroke::Steps => sheet.dashed(points, dash(s.number), WIDTH, color),
        Stroke::Reference => sheet.dashed(points, &[4.0, 4.0], 1.4, color),
    }
}

fn curve(sheet: &mut Sheet, chart: &Chart, s: &Series) {
    let places = s.dots.iter().map(|d| d.y.and_then(|y| chart.place(d.x, y)));
    let color = color(sheet, s);
    for run in runs(places) {
        let points = if s.stroke == Stroke::Steps {
            steps(&run)
        } else {
            run.clone()
        };
        stroke(sheet, s, &points);
        // A point that stands alone has no line.
        if s.stroke == Stroke::Marked || run.len() == 1 {
            for p in run {
                sheet.marker(marker(s.number), p, color);
            }
        }
    }
}

fn steps(points: &[Place]) -> Vec<Place> {
    let corner = |pair: &[Place]| [pair[0], (pair[1].0, pair[0].1)];
    let corners = points.windows(2).flat_map(corner);
    corners.chain(points.last().copied()).collect()
}
