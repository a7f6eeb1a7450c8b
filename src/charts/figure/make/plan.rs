//! Figures of a plan: load against latency, what other loads cost, and what lower latency costs.

use super::{Axis, Body, CurvePoint, Figure, Measure, PointFlaw, ReferenceLine};
use crate::charts::figure::{Emphasis, LinePlot, Series, Stroke};
use crate::charts::scale;
use crate::plan::{LoadUnit, Plan, load_text, money, short};
use crate::quantity::{metric_text, metric_title};
use crate::scenario::{Metric, Objective};
use crate::syntax::parse_objective;

/// Every figure of the plan; names and titles are unique.
pub fn plan_figures(plan: &Plan) -> Vec<Figure> {
    let mut all = Vec::new();
    all.extend(load_and_latency(plan));
    all.extend(cost_of_load(plan));
    all.extend(frontier(plan));
    all
}

/// The objective about time by which the plan was made.
fn timed(plan: &Plan) -> Option<Objective> {
    let all = plan.asked.objectives.iter();
    let mut all = all.filter_map(|o| parse_objective(o).ok());
    all.find(|o| o.metric.is_latency())
}

fn metric(plan: &Plan) -> Metric {
    timed(plan).map_or(Metric::Percentile(95.0), |o| o.metric)
}

fn limits(plan: &Plan) -> Vec<ReferenceLine> {
    let of = |o: Objective| ReferenceLine {
        value: o.bound,
        name: o.text,
    };
    timed(plan).map(of).into_iter().collect()
}

fn load_axis(plan: &Plan, loads: &[f64]) -> Axis {
    match plan.unit() {
        LoadUnit::PerSecond => Axis::of("Load", Measure::PerSecond, scale::across(loads, false)),
        LoadUnit::Users => Axis::of("Users", Measure::Number, scale::across(loads, false)),
    }
}

fn subtitle(plan: &Plan, shows: &str) -> String {
    format!(
        "{shows} · {} · bands are {:.0}% intervals",
        plan.scenario.name,
        plan.confidence * 100.0
    )
}

fn load_and_latency(plan: &Plan) -> Option<Figure> {
    let first = plan.curves.first()?;
    let metric = metric(plan);
    let mut series = Vec::new();
    for (number, curve) in plan.curves.iter().enumerate() {
        let dots: Vec<CurvePoint> = curve
            .points
            .iter()
            .map(|p| CurvePoint {
                flaw: p.latency_s.is_none().then_some(PointFlaw::Saturated),
                misses: p.latency_s.is_some() && !p.holds,
                ..CurvePoint::estimate(p.load, p.latency_s)
            })
            .collect();
        if dots.iter().all(|d| d.y.is_none()) {
            continue;
        }
        let price = money(curve.per_month, &plan.prices.currency);
        series.push(Series {
            name: format!("{}, {price}", curve.name),
            number,
            role: Emphasis {
                best: number == 0,
                ..Emphasis::default()
            },
            stroke: Stroke::Marked,
            dots,
        });
    }
    let loads: Vec<f64> = first.points.iter().map(|p| p.load).collect();
    let values: Vec<f64> = series
        .iter()
        .flat_map(|s| s.dots.iter().filter_map(|d| d.y))
        .collect();
    let title = match &plan.maximum_load {
        Some(m) if m.broken.is_some() => {
            format!("The plan holds up to {}", load_text(m.held, plan.unit()))
        }
        Some(m) => format!("The plan holds at {}", load_text(m.held, plan.unit())),
        None => "Load and latency".into(),
    };
    (!values.is_empty()).then(|| Figure {
        name: "load-latency".into(),
        title,
        subtitle: subtitle(plan, &format!("{} over the load", metric_title(metric))),
        body: Body::Lines(LinePlot {
            x: load_axis(plan, &loads),
            y: Axis::of(
                &crate::syntax::capital(&metric_title(metric)),
                Measure::Seconds,
                scale::upward(values.iter().copied(), 0.0),
            ),
            series,
            limits: limits(plan),
        }),
    })
}

/// A curve of points that are joined.
fn joined(name: &str, points: &[(f64, f64)]) -> Series {
    Series {
        name: name.to_owned(),
        number: 0,
        role: Emphasis::default(),
        stroke: Stroke::Marked,
        dots: points.iter().map(|&(x, y)| CurvePoint::at(x, y)).collect(),
    }
}

fn cost_of_load(plan: &Plan) -> Option<Figure> {
    let now = plan.cost?.per_month;
    let mut points = vec![(plan.asked.load, now)];
    for g in &plan.growth {
        if let Some(cost) = g.per_month {
            points.push((plan.asked.load * g.factor, cost));
        }
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (first, last) = (*points.first()?, *points.last()?);
    if points.len() < 2 || last.0 <= first.0 {
        return None;
    }
    let times = |a: f64, b: f64| short(b / a.max(f64::MIN_POSITIVE));
    let title = format!(
        "{}x the load costs {}x the money",
        times(first.0, last.0),
        times(first.1, last.1)
    );
    let loads: Vec<f64> = points.iter().map(|p| p.0).collect();
    let costs: Vec<f64> = points.iter().map(|p| p.1).collect();
    Some(Figure {
        name: "cost-load".into(),
        title,
        subtitle: format!(
            "{} a month of the cheapest plan · {}",
            plan.prices.currency, plan.scenario.name
        ),
        body: Body::Lines(LinePlot {
            x: load_axis(plan, &loads),
            y: Axis::of(
                &format!("{} a month", plan.prices.currency),
                Measure::Number,
                scale::upward(costs.iter().copied(), 0.0),
            ),
            series: vec![joined("cheapest plan", &points)],
            limits: Vec::new(),
        }),
    })
}

/// What was seen that costs more and answers sooner.
fn frontier(plan: &Plan) -> Option<Figure> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    let seen = plan.frontier.iter();
    for p in seen {
        points.push((p.per_month, p.latency_s));
    }
    let (first, last) = (*points.first()?, *points.last()?);
    if points.len() < 2 {
        return None;
    }
    let metric = metric(plan);
    let text = |v: f64| metric_text(metric, crate::measure::Estimate::new(v, None, v, 1));
    let title = format!(
        "{} a month answer within {}, {} within {}",
        money(first.0, &plan.prices.currency),
        text(first.1),
        money(last.0, &plan.prices.currency),
        text(last.1)
    );
    let costs: Vec<f64> = points.iter().map(|p| p.0).collect();
    let values: Vec<f64> = points.iter().map(|p| p.1).collect();
    Some(Figure {
        name: "cost-latency".into(),
        title,
        subtitle: format!(
            "Frontier of cost and {} at {} · {}",
            metric_title(metric),
            load_text(
                plan.asked.load * (1.0 + plan.asked.headroom_share),
                plan.unit()
            ),
            plan.scenario.name
        ),
        body: Body::Lines(LinePlot {
            x: Axis::of(
                &format!("{} a month", plan.prices.currency),
                Measure::Number,
                scale::across(&costs, false),
            ),
            y: Axis::of(
                &crate::syntax::capital(&metric_title(metric)),
                Measure::Seconds,
                scale::upward(values.iter().copied(), 0.0),
            ),
            series: vec![joined("frontier", &points)],
            limits: limits(plan),
        }),
    })
}
