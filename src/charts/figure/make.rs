//! Makes figures from results: which figures there are, and what they contain. Everything comes from the document alone.

mod cases;
mod course;
mod grid;
mod latency;
mod over;
mod plan;
mod points;
mod run;
mod say;
mod sweep;
#[cfg(test)]
mod tests;
mod windows;

pub use plan::plan_figures;

use super::palette::layer_of;
use super::{
    Axis, Bar, Body, CurvePoint, Figure, Layer, Measure, PointFlaw, ReferenceLine, Scale, Series,
    Stack,
};
use crate::charts::scale;
use crate::insight::shares::{Shares, means_of_all};
use crate::measure::Estimate;
use crate::quantity::{Quantity, Unit, metric_title, waiting};
use crate::result::{Forecast, ResultRef, Verdict};
use crate::scenario;
use crate::strategy::Cause;
use crate::syntax::capital;
use crate::syntax::parse_objective;

/// Most curves in a figure; more cannot be told apart.
const CURVES: usize = 8;
/// Most curves over time in a figure, since these cross more often.
const COURSES: usize = 5;
/// Most bars in a figure.
const BARS: usize = 16;

/// Every figure for which the document has data, the most telling first. Names are unique.
///
/// Titles are unique as well: those that would be the same name their subject.
pub fn figures<'a>(result: impl Into<ResultRef<'a>>) -> Vec<Figure> {
    let mut all = match result.into() {
        ResultRef::Study(d) => run::figures(d),
        ResultRef::Sweep(d) => {
            let mut all = sweep::figures(d);
            let (done, of) = (d.points_done(), d.header.points);
            if done < of {
                // What some points show may change with the other points.
                let far = format!("With {done} of {of} points");
                (all.iter_mut()).for_each(|f| f.title = format!("{far}: {}", f.title));
            }
            all
        }
    };
    for i in 1..all.len() {
        let (before, rest) = all.split_at_mut(i);
        let twice = before.iter().any(|f| f.title == rest[0].title);
        if let Some(what) = twice
            .then(|| rest[0].subtitle.split(" · ").next())
            .flatten()
        {
            rest[0].title = format!("{what}: {}", rest[0].title);
            if before.iter().any(|f| f.title == rest[0].title) {
                rest[0].title = format!("{} ({})", rest[0].title, rest[0].name);
            }
        }
    }
    all
}

impl Axis {
    /// An axis of numbers.
    fn of(label: &str, measure: Measure, scale: Scale) -> Self {
        Self {
            label: label.to_owned(),
            measure,
            scale,
            categories: Vec::new(),
        }
    }

    /// An axis of texts.
    fn words(label: &str, categories: Vec<String>) -> Self {
        Self {
            label: label.to_owned(),
            measure: Measure::Number,
            scale: Scale::Linear,
            categories,
        }
    }
}

impl CurvePoint {
    pub(crate) fn at(x: f64, y: f64) -> Self {
        Self {
            x,
            y: Some(y),
            band: None,
            flaw: None,
            misses: false,
        }
    }

    /// The estimate at `x`; a gap if there is none.
    fn estimate(x: f64, e: Option<Estimate>) -> Self {
        Self {
            x,
            y: e.map(|e| e.mean),
            band: e.and_then(band),
            ..Self::at(x, 0.0)
        }
    }

    /// The estimate of a case at `x`, with what the case lacks.
    fn of_case(x: f64, case: &Forecast, get: impl Fn(&Forecast) -> Option<Estimate>) -> Self {
        Self {
            flaw: PointFlaw::of_status(case.status),
            misses: case.is_fine() && misses(case),
            ..Self::estimate(x, get(case))
        }
    }
}

/// Whether a case misses an objective.
fn misses(case: &Forecast) -> bool {
    case.objectives.iter().any(|o| o.verdict == Verdict::Missed)
}

/// The bounds that the objectives of some cases set for a metric, each once.
fn limits<'a>(
    cases: impl Iterator<Item = &'a Forecast>,
    of: impl Fn(scenario::Metric) -> bool,
) -> Vec<ReferenceLine> {
    let mut all: Vec<ReferenceLine> = Vec::new();
    for o in cases.flat_map(|c| &c.objectives) {
        let asks = parse_objective(&o.text).is_ok_and(|p| of(p.metric));
        if asks && o.bound.is_finite() && !all.iter().any(|l| l.name == o.text) {
            all.push(ReferenceLine {
                value: o.bound,
                name: o.text.clone(),
            });
        }
    }
    all
}

/// Whether a metric is this quantity.
fn is(q: Quantity) -> impl Fn(scenario::Metric) -> bool {
    move |m| m.quantity() == Some(q)
}

fn band(e: Estimate) -> Option<(f64, f64)> {
    // An interval may reach below zero, but nothing that is drawn can.
    e.low.map(|l| l.max(0.0_f64.min(e.mean))).zip(e.high)
}

fn figure(name: &str, title: &str, subtitle: &[&str], body: Body) -> Figure {
    let parts: Vec<&str> = subtitle.iter().copied().filter(|p| !p.is_empty()).collect();
    Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        subtitle: parts.join(" · "),
        body,
    }
}

/// The metric by which cases are ranked.
struct RankMetric {
    /// Label of the metric: `Makespan`, `p95 latency`.
    label: String,
    measure: Measure,
    /// Whether small values are good.
    less_is_better: bool,
    /// The metric itself.
    known: scenario::Metric,
}

impl RankMetric {
    fn of(ranked_by: scenario::Metric) -> Self {
        Self {
            label: match ranked_by {
                scenario::Metric::Percentile(_) | scenario::Metric::Worst(_) => {
                    metric_title(ranked_by)
                }
                _ => capital(&metric_title(ranked_by)),
            },
            measure: measure(ranked_by.unit()),
            less_is_better: ranked_by.less_is_better(),
            known: ranked_by,
        }
    }

    /// The bounds that objectives set for the metric.
    fn limits<'a>(&self, cases: impl Iterator<Item = &'a Forecast>) -> Vec<ReferenceLine> {
        limits(cases, |m| m == self.known)
    }

    /// Which direction is better, for the subtitle.
    fn better(&self) -> &'static str {
        if self.less_is_better {
            "less is better"
        } else {
            "more is better"
        }
    }
}

fn measure(unit: Unit) -> Measure {
    match unit {
        Unit::Seconds => Measure::Seconds,
        Unit::PerSecond => Measure::PerSecond,
        Unit::Share => Measure::Share,
        Unit::Bytes => Measure::Bytes,
        Unit::Count => Measure::Number,
    }
}

/// A logarithmic scale if the values ask for it, otherwise one from zero.
fn span_scale(values: impl IntoIterator<Item = f64>) -> Scale {
    match scale::upward(values, 0.0) {
        Scale::Log => Scale::Log,
        _ => Scale::FromZero,
    }
}

/// The vertical axis of curves. Shares start from zero, since the whole belongs into the picture.
fn axis_of(label: &str, measure: Measure, series: &[Series]) -> Axis {
    let scale = match measure {
        Measure::Share => Scale::FromZero,
        _ => span_scale(series.iter().flat_map(|s| &s.dots).filter_map(|d| d.y)),
    };
    Axis::of(label, measure, scale)
}

/// What [`Shares`] leave out, for the subtitle.
fn shares_note(batch: bool) -> &'static str {
    if batch {
        "share of task time by cause, from when a task's first turn has come"
    } else {
        "share of task time by cause"
    }
}

/// Bars of shares by cause.
fn cause_stack(bars: Vec<Bar>, shares: &[Shares]) -> Stack {
    let means = means_of_all(shares.iter());
    let layers = Cause::ALL.into_iter().map(|c| Layer {
        name: waiting(c, means).to_owned(),
        number: layer_of(c),
        values: shares.iter().map(|s| s.of[c as usize]).collect(),
    });
    Stack {
        bars,
        value: Axis::of("Share of task time", Measure::Share, Scale::FromZero),
        // Half a per mille cannot be seen.
        layers: layers
            .filter(|l| l.values.iter().any(|&v| v >= 0.0005))
            .collect(),
        bands: Vec::new(),
        reference: None,
        limits: Vec::new(),
    }
}
