//! A load that changes, and how latencies follow it: windows of time by when tasks arrived.

use super::cases::Cases;
use super::{
    Axis, Body, COURSES as MOST, CurvePoint, Figure, Measure, Scale, axis_of, figure, is, limits,
    say, span_scale,
};
use crate::charts::figure::{Emphasis, LinePlot, Series, Stroke};
use crate::quantity::Quantity;
use crate::result::{OverWindows, Study};
use crate::scenario::Metric;

/// Latencies and the load over time, if there are windows.
pub(super) fn figures(run: &Study, cases: &Cases<'_>) -> Vec<Figure> {
    let all = [latencies(run, cases), load(run)];
    all.into_iter().flatten().collect()
}

/// A curve in steps, a step for each window.
fn steps(w: &OverWindows, values: impl Iterator<Item = Option<f64>>) -> Vec<CurvePoint> {
    let mut dots: Vec<CurvePoint> = values
        .enumerate()
        .map(|(i, y)| CurvePoint {
            y,
            ..CurvePoint::at(w.from_s + i as f64 * w.width_s, 0.0)
        })
        .collect();
    if let Some(last) = dots.last().copied() {
        dots.push(CurvePoint {
            x: last.x + w.width_s,
            ..last
        });
    }
    dots
}

fn latencies(run: &Study, cases: &Cases<'_>) -> Option<Figure> {
    let windows = |w: &OverWindows| w.arrived.len() > 1;
    let (shown, note) = cases.best(MOST, |c| c.detail.windows.as_ref().is_some_and(windows));
    let series: Vec<Series> = shown
        .iter()
        .filter_map(|s| {
            let w = s.case.detail.windows.as_ref()?;
            Some(Series {
                name: cases.name(s),
                number: s.number,
                role: s.role,
                stroke: Stroke::Steps,
                dots: steps(w, w.p99_s.iter().copied()),
            })
        })
        .collect();
    let found = say::course(&series, Measure::Seconds, true, !note.is_empty())?;
    let values = series.iter().flat_map(|s| &s.dots).filter_map(|d| d.y);
    let scale = span_scale(values);
    let about_it = |m: Metric| is(Quantity::P99)(m) || m == Metric::Worst(99.0);
    Some(figure(
        "latency-over-time",
        &format!(
            "Under {}, p99 peaks at {}, {} after the start{}",
            found.name, found.value, found.at, found.of_all
        ),
        &[
            "p99 by when tasks arrived, means over the replications",
            &run.scenario.name,
            &note,
        ],
        Body::Lines(LinePlot {
            x: Axis::of("Simulated time", Measure::Seconds, Scale::FromZero),
            y: Axis::of("p99 latency", Measure::Seconds, scale),
            series,
            limits: limits(cases.all().iter().map(|s| s.case), about_it),
        }),
    ))
}

fn load(run: &Study) -> Option<Figure> {
    let windows = run
        .forecasts
        .iter()
        .find_map(|f| f.detail.windows.as_ref())?;
    if windows.arrived.len() < 2 {
        return None;
    }
    let rates = windows.arrived.iter().map(|n| Some(n / windows.width_s));
    let series = vec![Series {
        name: "arrivals".into(),
        number: 0,
        role: Emphasis::default(),
        stroke: Stroke::Steps,
        dots: steps(windows, rates),
    }];
    let found = say::course(&series, Measure::PerSecond, true, false)?;
    Some(figure(
        "load-over-time",
        &format!(
            "The load peaks at {}, {} after the start",
            found.value, found.at
        ),
        &[
            "Arrivals in windows of time, means over the replications",
            &run.scenario.name,
        ],
        Body::Lines(LinePlot {
            x: Axis::of("Simulated time", Measure::Seconds, Scale::FromZero),
            y: axis_of("Arrivals", Measure::PerSecond, &series),
            series,
            limits: Vec::new(),
        }),
    ))
}
