//! Figures of a sweep over two axes: heat maps, and a few curves. They show the best strategy of each point, and then the strategy that is
//! best most often.

use super::points::{AxisLayout, flaw};
use super::sweep::Context;
use super::{
    Axis, Body, CurvePoint, Figure, Scale, band, capital, figure, misses, say, span_scale,
};
use crate::charts::figure::ticks::value_text;
use crate::charts::figure::{Emphasis, Heat, LinePlot, Series, Stroke};
use crate::result::{AxisKind, SweepRow, SweptAxis};

/// Most values of the second axis that get a curve.
const CURVES: usize = 6;

/// Most rows or columns of a heat map whose cells can still be seen.
const CELLS: usize = 64;

pub(super) fn figures(context: &Context<'_>, first: usize, second: usize) -> Vec<Figure> {
    let (a, b) = (context.points.across(first), context.points.across(second));
    // Curves need numbers on the horizontal axis; the longer axis suits better.
    let swap = (b.is_number(), b.texts.len()) > (a.is_number(), a.texts.len());
    let (x, y) = if swap { (b, a) } else { (a, b) };
    let best = context.points.best_rows();
    let mut all = Vec::new();
    all.extend(curves(context, &x, &y, &best));
    let several = context.points.curves.len() > 1;
    let of_best = if several {
        "the best strategy of each point"
    } else {
        ""
    };
    all.extend(heat(context, "heat-map", of_best, &x, &y, &best));
    if let Some(c) = context.points.curves.first().filter(|_| several) {
        let rows = &c.rows;
        all.extend(heat(context, "heat-map-of-best", &c.name, &x, &y, rows));
    }
    all
}

/// What is said of other axes: over choices the best is shown; given values and loads are no choices, and are shown at one value.
fn over_others(context: &Context<'_>) -> String {
    let axes = &context.points.header.axes;
    let (choices, fixed): (Vec<usize>, Vec<usize>) = others(context)
        .iter()
        .partition(|&&i| axes[i].kind() == AxisKind::Choice);
    let mut parts: Vec<String> = Vec::new();
    if !choices.is_empty() {
        let labels: Vec<&str> = choices.iter().map(|&i| axes[i].label.as_str()).collect();
        parts.push(format!("the best over {}", labels.join(" and ")));
    }
    parts.extend(fixed.iter().map(|&i| {
        let value = axes[i].values.get(shown_of(&axes[i]));
        let value = value.map_or_else(String::new, |v| {
            v.as_str().map_or_else(|| v.to_string(), str::to_owned)
        });
        format!("with {} = {value}", axes[i].label)
    }));
    parts.join(", ")
}

fn others<'a>(context: &'a Context<'_>) -> &'a [usize] {
    context.points.axes.get(2..).unwrap_or_default()
}

/// The index at which an axis without choices is shown: the largest load, or the first given value.
fn shown_of(axis: &SweptAxis) -> usize {
    match (axis.kind(), &axis.numbers) {
        (AxisKind::Load, Some(numbers)) => (0..numbers.len())
            .max_by(|&a, &b| numbers[a].total_cmp(&numbers[b]))
            .unwrap_or(0),
        _ => 0,
    }
}

/// The row to take of those for which `at` holds.
fn best_at<'a>(
    context: &Context<'a>,
    rows: &[&'a SweepRow],
    at: impl Fn(&SweepRow) -> bool,
) -> Option<&'a SweepRow> {
    let axes = &context.points.header.axes;
    let shown = |r: &SweepRow| {
        let fixed = others(context)
            .iter()
            .filter(|&&i| axes[i].kind() != AxisKind::Choice);
        let mut fixed = fixed.map(|&i| r.index.get(i) == Some(&shown_of(&axes[i])));
        fixed.all(|shown| shown)
    };
    let here = rows.iter().copied().filter(|r| at(r) && shown(r));
    match here.collect::<Vec<_>>().as_slice() {
        [] => None,
        [only] => Some(only),
        several => context.points.best_of(several),
    }
}

fn heat<'a>(
    context: &Context<'a>,
    name: &str,
    what: &str,
    x: &AxisLayout,
    y: &AxisLayout,
    rows: &[&'a SweepRow],
) -> Option<Figure> {
    if x.texts.len() > CELLS || y.texts.len() > CELLS {
        return None;
    }
    let mut crossed = Vec::new();
    let cells: Vec<Vec<Option<f64>>> = (0..y.texts.len())
        .map(|j| {
            let value = |i: usize| {
                let row = best_at(context, rows, |r| x.place(r) == i && y.place(r) == j)?;
                let value = row.case.primary()?.mean;
                if row.case.is_fine() && misses(&row.case) {
                    crossed.push((j, i));
                }
                Some(value)
            };
            (0..x.texts.len()).map(value).collect()
        })
        .collect();
    let values = || cells.iter().flatten().flatten().copied();
    values().next()?;
    let metric = &context.metric;
    let scale = match span_scale(values()) {
        Scale::Log => Scale::Log,
        _ => Scale::Linear,
    };
    let what_of = if name == "heat-map-of-best" {
        format!(" of {what}")
    } else {
        String::new()
    };
    let about = format!(
        "{}{what_of} over {} and {}, {}",
        metric.label,
        x.label.to_lowercase(),
        y.label.to_lowercase(),
        metric.better()
    );
    // The cell of the row to take over all; what is shown of other axes may be something else.
    let best = context.points.overall().and_then(|taken| {
        let (i, j) = (x.place(taken), y.place(taken));
        let value = taken.case.primary()?.mean;
        (cells.get(j)?.get(i)? == &Some(value)).then_some((j, i))
    });
    let what = if name == "heat-map-of-best" { "" } else { what };
    Some(figure(
        name,
        &extent(context, x, y, &cells, &what_of).unwrap_or_else(|| about.clone()),
        &[
            &about,
            &context.facts,
            what,
            &over_others(context),
            if best.is_some() {
                "framed: the point to take"
            } else {
                ""
            },
            if crossed.is_empty() {
                ""
            } else {
                "crossed: misses an objective"
            },
        ],
        Body::Heat(Heat {
            x: x.words(),
            y: y.words(),
            value: Axis::of(&metric.label, metric.measure, scale),
            less_is_better: metric.less_is_better,
            cells,
            best,
            misses: crossed,
        }),
    ))
}

/// The range of the cells' values in words, and where its ends are, the good end first.
fn extent(
    context: &Context<'_>,
    x: &AxisLayout,
    y: &AxisLayout,
    cells: &[Vec<Option<f64>>],
    of: &str,
) -> Option<String> {
    let metric = &context.metric;
    let all = || {
        cells.iter().enumerate().flat_map(|(j, row)| {
            let values = row.iter().enumerate();
            values.filter_map(move |(i, v)| Some((i, j, v.filter(|v| v.is_finite())?)))
        })
    };
    let end = |most: bool| {
        all().reduce(|a, b| {
            let ahead = if most { b.2 > a.2 } else { b.2 < a.2 };
            if ahead { b } else { a }
        })
    };
    let (good, bad) = (end(!metric.less_is_better)?, end(metric.less_is_better)?);
    let text = |(i, j, v): (usize, usize, f64)| {
        format!(
            "{} ({}, {})",
            value_text(metric.measure, v),
            x.value(i),
            y.value(j)
        )
    };
    Some(format!(
        "{}{of} from {} to {}",
        capital(&metric.label),
        text(good),
        text(bad)
    ))
}

/// A curve for each of some values of the second axis.
fn curves<'a>(
    context: &Context<'a>,
    x: &AxisLayout,
    y: &AxisLayout,
    best: &[&'a SweepRow],
) -> Option<Figure> {
    let picked = picked(y.texts.len());
    let series: Vec<Series> = picked
        .iter()
        .enumerate()
        .map(|(number, &j)| Series {
            name: y.value(j),
            number,
            role: Emphasis::default(),
            stroke: Stroke::Marked,
            dots: dots(context, x, |r| y.place(r) == j, best),
        })
        .filter(|s| s.dots.iter().any(|d| d.y.is_some()))
        .collect();
    if series.is_empty() {
        return None;
    }
    let values = series.iter().flat_map(|s| &s.dots).filter_map(|d| d.y);
    let metric = &context.metric;
    let left = y.texts.len() - picked.len();
    let note = if left > 0 {
        format!(
            "{left} of {} values of {} left out",
            y.texts.len(),
            y.label.to_lowercase()
        )
    } else {
        String::new()
    };
    let several = context.points.curves.len() > 1;
    let what = if several {
        "the best strategy of each point"
    } else {
        ""
    };
    let about = format!(
        "{} over {} by {}, {}",
        metric.label,
        x.label.to_lowercase(),
        y.label.to_lowercase(),
        metric.better()
    );
    let says = say::extreme(&series, !metric.less_is_better).map_or_else(
        || about.clone(),
        |(s, d, v)| {
            format!(
                "{} is best with {} and {}: {}",
                capital(&metric.label),
                x.at(d.x),
                s.name,
                value_text(metric.measure, v)
            )
        },
    );
    Some(figure(
        "comparison",
        &says,
        &[&about, &context.facts, what, &over_others(context), &note],
        Body::Lines(LinePlot {
            x: x.axis(),
            y: Axis::of(&metric.label, metric.measure, span_scale(values)),
            series,
            limits: metric.limits(context.points.sweep.rows.iter().map(|r| &r.case)),
        }),
    ))
}

fn dots<'a>(
    context: &Context<'a>,
    x: &AxisLayout,
    at: impl Fn(&SweepRow) -> bool,
    best: &[&'a SweepRow],
) -> Vec<CurvePoint> {
    let mut dots: Vec<CurvePoint> = x
        .positions
        .iter()
        .enumerate()
        .map(|(i, &position)| {
            let here = |r: &SweepRow| x.place(r) == i && at(r);
            let row = best_at(context, best, here);
            let value = row.and_then(|r| r.case.primary());
            let all: Vec<&SweepRow> = (context.points.sweep.rows.iter())
                .filter(|r| here(r))
                .collect();
            CurvePoint {
                y: value.map(|e| e.mean),
                band: value.and_then(band),
                flaw: flaw(&all).filter(|_| value.is_none()),
                misses: row.is_some_and(|r| r.case.is_fine() && misses(&r.case)),
                ..CurvePoint::at(position, 0.0)
            }
        })
        .collect();
    dots.sort_by(|a, b| a.x.total_cmp(&b.x));
    dots
}

/// At most [`CURVES`] of `n` indices, the first and the last among them.
fn picked(n: usize) -> Vec<usize> {
    if n <= CURVES {
        return (0..n).collect();
    }
    (0..CURVES).map(|i| i * (n - 1) / (CURVES - 1)).collect()
}
