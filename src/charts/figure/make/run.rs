//! Figures of a run: strategies side by side.

use super::cases::{Cases, PlottedCase};
use super::say;
use super::{
    Axis, Body, Figure, Layer, Measure, RankMetric, ReferenceLine, Scale, Stack, band, cause_stack,
    course, figure, is, latency, limits, shares_note, windows,
};
use crate::insight::shares::Shares;
use crate::measure::Estimate;
use crate::quantity::{Quantity, percent, whole};
use crate::result::{Forecast, Study};

pub(super) fn figures(run: &Study) -> Vec<Figure> {
    let metric = RankMetric::of(run.metric);
    let cases = Cases::of(run);
    let facts = facts(run);
    let mut all = Vec::new();
    all.extend(comparison(&metric, &cases, &facts));
    all.extend(speedup(&cases, run, &facts));
    all.extend(causes(run, &cases));
    all.extend(windows::figures(run, &cases));
    all.extend(latency::percentiles(&cases, &facts));
    all.extend(latency::cdf(&cases, &run.scenario.name));
    all.extend(latency::nines(&cases, &run.scenario.name));
    all.extend(memory(&cases, &facts));
    all.extend(course::figures(run, &cases));
    all
}

/// Facts for the subtitle: `scraper · 4 cores · 95% intervals over 10 replications`.
fn facts(run: &Study) -> String {
    let counts = run.forecasts.iter().filter(|c| c.is_fine());
    let (least, most) = counts.fold((u32::MAX, 0), |(a, b), c| {
        (a.min(c.replications), b.max(c.replications))
    });
    let replications = match (least, most) {
        (_, 0) => String::new(),
        (1, 1) => " · one replication".to_owned(),
        (a, b) if a == b => format!(" · {} intervals over {a} replications", confidence(run)),
        (a, b) => format!(
            " · {} intervals over {a} to {b} replications",
            confidence(run)
        ),
    };
    format!("{} · {}{replications}", run.scenario.name, machine(run))
}

fn confidence(run: &Study) -> String {
    percent(run.confidence)
}

fn machine(run: &Study) -> String {
    let cores = run.machine.cores.len() as f64;
    let word = if run.machine.cores.len() == 1 {
        "core"
    } else {
        "cores"
    };
    format!("{} {word}", whole(cores))
}

/// Bars with one estimate for each case.
pub(super) fn bars(
    cases: &Cases<'_>,
    shown: &[PlottedCase<'_>],
    value: Axis,
    limits: Vec<ReferenceLine>,
    get: impl Fn(&PlottedCase<'_>) -> Option<Estimate>,
) -> Stack {
    let estimates: Vec<Option<Estimate>> = shown.iter().map(get).collect();
    Stack {
        bars: shown.iter().map(|s| cases.bar(s)).collect(),
        layers: vec![Layer {
            name: value.label.clone(),
            number: 0,
            values: estimates
                .iter()
                .map(|e| e.map_or(0.0, |e| e.mean))
                .collect(),
        }],
        value,
        bands: estimates.iter().map(|e| e.and_then(band)).collect(),
        reference: None,
        limits,
    }
}

fn comparison(metric: &RankMetric, cases: &Cases<'_>, facts: &str) -> Option<Figure> {
    let (shown, note) = cases.bars(|_| true);
    if shown.iter().all(|s| s.case.primary().is_none()) {
        return None;
    }
    let axis = Axis::of(&metric.label, metric.measure, Scale::FromZero);
    let limits = metric.limits(cases.all().iter().map(|s| s.case));
    let stack = bars(cases, &shown, axis, limits, |s| s.case.primary());
    let what = format!("{} by strategy, {}", metric.label, metric.better());
    Some(figure(
        "comparison",
        &say::best(cases, metric),
        &[&what, facts, &note],
        Body::Stack(stack),
    ))
}

fn speedup(cases: &Cases<'_>, run: &Study, facts: &str) -> Option<Figure> {
    let baseline = run.baseline.as_deref()?;
    let (shown, note) = cases.bars(|c| c.speedup.is_some());
    if shown.len() < 2 {
        return None;
    }
    let axis = Axis::of("Speed-up", Measure::Factor, Scale::FromZero);
    let mut stack = bars(cases, &shown, axis, Vec::new(), |s| s.case.speedup);
    let name = shown
        .iter()
        .find(|s| s.case.name() == baseline)
        .map_or_else(|| baseline.to_owned(), |s| cases.name(s));
    stack.reference = Some((1.0, name.clone()));
    Some(figure(
        "speedup",
        &say::speedup(cases, &shown, &name),
        &[
            &format!("Speed-up by strategy, against {name}"),
            facts,
            &note,
        ],
        Body::Stack(stack),
    ))
}

fn causes(run: &Study, cases: &Cases<'_>) -> Option<Figure> {
    let (shown, note) = cases.bars(|c| c.causes.iter().any(|&v| v > 0.0));
    let of = |c: &Forecast| Shares::new(run, c);
    let shares: Vec<Shares> = shown.iter().map(|s| of(s.case)).collect();
    let bars = shown.iter().map(|s| cases.bar(s)).collect();
    (!shown.is_empty()).then(|| {
        figure(
            "time-by-cause",
            &say::causes(cases, &shown, &shares),
            &[
                &format!("Where the time went: {}", shares_note(run.batch)),
                &run.scenario.name,
                &note,
            ],
            Body::Stack(cause_stack(bars, &shares)),
        )
    })
}

fn memory(cases: &Cases<'_>, facts: &str) -> Option<Figure> {
    let (shown, note) = cases.bars(|c| c.get(Quantity::MemoryPeak).is_some());
    let axis = Axis::of("Peak memory", Measure::Bytes, Scale::FromZero);
    let peak = |s: &PlottedCase<'_>| s.case.get(Quantity::MemoryPeak);
    let limits = limits(cases.all().iter().map(|s| s.case), is(Quantity::MemoryPeak));
    (!shown.is_empty()).then(|| {
        figure(
            "memory",
            &say::memory(cases, &shown),
            &["Peak memory by strategy", facts, &note],
            Body::Stack(bars(cases, &shown, axis, limits, peak)),
        )
    })
}
