//! Figures of a run's latencies: percentiles, the distribution, and its tail.

use super::cases::{Cases, PlottedCase};
use super::say;
use super::{
    Axis, Body, CurvePoint, Figure, Measure, ReferenceLine, Scale, figure, is, limits, span_scale,
};
use crate::charts::figure::{LinePlot, Series, Stroke};
use crate::quantity::Quantity;
use crate::result::Verdict;
use crate::syntax::parse_objective;

const PERCENTILES: [(Quantity, &str); 6] = [
    (Quantity::P50, "p50"),
    (Quantity::P90, "p90"),
    (Quantity::P95, "p95"),
    (Quantity::P99, "p99"),
    (Quantity::P999, "p99.9"),
    (Quantity::Max, "max"),
];

/// The bounds that objectives set for any of these percentiles.
fn reference_lines(cases: &Cases<'_>) -> Vec<ReferenceLine> {
    limits(cases.all().iter().map(|s| s.case), |m| {
        PERCENTILES.iter().any(|(q, _)| is(*q)(m))
    })
}

pub(super) fn percentiles(cases: &Cases<'_>, facts: &str) -> Option<Figure> {
    let (shown, note) = cases.curves(|c| c.get(Quantity::P50).is_some());
    let series: Vec<Series> = shown
        .iter()
        .map(|s| Series {
            name: cases.name(s),
            number: s.number,
            role: s.role,
            stroke: Stroke::Marked,
            dots: (0..)
                .zip(PERCENTILES)
                .map(|(i, (q, _))| CurvePoint {
                    // Here the objectives about this percentile count, not all.
                    misses: s.case.objectives.iter().any(|o| {
                        o.verdict == Verdict::Missed
                            && parse_objective(&o.text).is_ok_and(|p| is(q)(p.metric))
                    }),
                    ..CurvePoint::estimate(f64::from(i), s.case.get(q))
                })
                .collect(),
        })
        .collect();
    let values = series.iter().flat_map(|s| &s.dots).filter_map(|d| d.y);
    let scale = span_scale(values);
    lines(
        figure(
            "latency-percentiles",
            &say::percentiles(cases, &shown),
            &["Latency percentiles by strategy", facts, &note],
            Body::Lines(LinePlot {
                x: Axis::words(
                    "Percentile",
                    PERCENTILES.map(|(_, name)| name.to_owned()).into(),
                ),
                y: Axis::of("Latency", Measure::Seconds, scale),
                series,
                limits: reference_lines(cases),
            }),
        ),
        shown.len(),
    )
}

fn lines(figure: Figure, curves: usize) -> Option<Figure> {
    (curves > 0).then_some(figure)
}

fn quantiles<'a>(s: &PlottedCase<'a>) -> &'a [(f64, f64)] {
    s.case
        .detail
        .latency_quantiles
        .as_deref()
        .unwrap_or_default()
}

fn with_quantiles<'a>(cases: &Cases<'a>) -> (Vec<PlottedCase<'a>>, String) {
    cases.curves(|c| {
        c.detail
            .latency_quantiles
            .as_ref()
            .is_some_and(|q| q.len() > 1)
    })
}

/// A curve for each case, with a point for each (share, latency) for which `dot` makes one.
fn curves(
    cases: &Cases<'_>,
    shown: &[PlottedCase<'_>],
    dot: impl Fn(f64, f64) -> Option<CurvePoint>,
) -> Vec<Series> {
    let curve = |s: &PlottedCase<'_>| Series {
        name: cases.name(s),
        number: s.number,
        role: s.role,
        stroke: Stroke::Plain,
        dots: quantiles(s)
            .iter()
            .filter_map(|&(share, seconds)| dot(share, seconds))
            .collect(),
    };
    shown.iter().map(curve).collect()
}

/// The share of tasks that are done within a time.
pub(super) fn cdf(cases: &Cases<'_>, scenario: &str) -> Option<Figure> {
    let (shown, note) = with_quantiles(cases);
    // The extremes alone would determine the scale.
    let middle = shown
        .iter()
        .flat_map(|s| quantiles(s))
        .filter(|(share, _)| (0.01..=0.999).contains(share))
        .map(|&(_, seconds)| seconds);
    let scale = span_scale(middle);
    let series = curves(cases, &shown, |share, seconds| {
        (scale != Scale::Log || seconds > 0.0).then(|| CurvePoint::at(seconds, share))
    });
    lines(
        figure(
            "latency-cdf",
            &say::distribution(cases, &shown, 0.5),
            &[
                "Distribution of latencies: share of tasks that take no longer, over all replications",
                scenario,
                &note,
            ],
            Body::Lines(LinePlot {
                x: Axis::of("Latency", Measure::Seconds, scale),
                y: Axis::of("Share of tasks", Measure::Share, Scale::FromZero),
                series,
                limits: Vec::new(),
            }),
        ),
        shown.len(),
    )
}

/// Latencies over the nines of their share, as HDR histograms are plotted: rare long latencies get as much room as common ones.
pub(super) fn nines(cases: &Cases<'_>, scenario: &str) -> Option<Figure> {
    let (shown, note) = with_quantiles(cases);
    let values = shown.iter().flat_map(|s| quantiles(s)).map(|&(_, v)| v);
    let scale = span_scale(values);
    let series = curves(cases, &shown, |share, seconds| {
        (share < 1.0).then(|| CurvePoint::at(share, seconds))
    });
    lines(
        figure(
            "latency-tail",
            &say::distribution(cases, &shown, 0.99),
            &[
                "Latency by percentile, over all replications, up to the second longest",
                scenario,
                &note,
            ],
            Body::Lines(LinePlot {
                x: Axis::of("Percentile of tasks", Measure::Share, Scale::Nines),
                y: Axis::of("Latency", Measure::Seconds, scale),
                series,
                limits: reference_lines(cases),
            }),
        ),
        shown.len(),
    )
}
