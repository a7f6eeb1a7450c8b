//! Figures out of results: which there are, and what stands in them. Everything comes from the document alone.

mod cases;
mod course;
mod grid;
mod latency;
mod over;
mod points;
mod run;
mod say;
mod sweep;
#[cfg(test)]
mod tests;

use super::{Axis, Bar, Body, Dot, Figure, Lack, Layer, Limit, Measure, Scale, Series, Stack};
use crate::report::document::{CaseDocument, Document, EstimateDocument};
use crate::report::grid::metric_name;
use crate::report::scale;
use crate::report::shares::{Means, Shares, cause_words};
use crate::scenario::capital;
use crate::scenario::{self, parse_objective};
use crate::strategy::Cause;
use crate::study::{Quantity, Unit};

/// Most curves in a figure: more cannot be told apart.
const CURVES: usize = 8;
/// Most curves over time in a figure: they cross more often.
const COURSES: usize = 5;
/// Most bars in a figure.
const BARS: usize = 16;

/// Every figure that the document has data for, the most telling first. Names are unique.
///
/// So are titles: where two would say the same, they say what of.
pub fn figures(document: &Document) -> Vec<Figure> {
    let mut all = match document {
        Document::Run(d) => run::figures(d),
        Document::Sweep(d) => {
            let mut all = sweep::figures(d);
            let (done, of) = (d.points_done(), d.header.points);
            if done < of {
                // What is found of some points may be otherwise with the others.
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

    /// An axis of words.
    fn words(label: &str, categories: Vec<String>) -> Self {
        Self {
            label: label.to_owned(),
            measure: Measure::Number,
            scale: Scale::Linear,
            categories,
        }
    }
}

impl Dot {
    pub(super) fn at(x: f64, y: f64) -> Self {
        Self {
            x,
            y: Some(y),
            band: None,
            lack: None,
            misses: false,
        }
    }

    /// The estimate at `x`; a gap where there is none.
    fn estimate(x: f64, e: Option<EstimateDocument>) -> Self {
        Self {
            x,
            y: e.map(|e| e.mean),
            band: e.and_then(band),
            ..Self::at(x, 0.0)
        }
    }

    /// The estimate of a case at `x`, with what is wrong with the case.
    fn of_case(
        x: f64,
        case: &CaseDocument,
        get: impl Fn(&CaseDocument) -> Option<EstimateDocument>,
    ) -> Self {
        Self {
            lack: Lack::of_status(&case.status),
            misses: case.is_fine() && misses(case),
            ..Self::estimate(x, get(case))
        }
    }
}

/// Whether a case misses an objective.
fn misses(case: &CaseDocument) -> bool {
    case.objectives.iter().any(|o| o.verdict == "missed")
}

/// What the objectives of some cases ask of a metric: each once.
fn limits<'a>(
    cases: impl Iterator<Item = &'a CaseDocument>,
    of: impl Fn(scenario::Metric) -> bool,
) -> Vec<Limit> {
    let mut all: Vec<Limit> = Vec::new();
    for o in cases.flat_map(|c| &c.objectives) {
        let asks = parse_objective(&o.objective).is_ok_and(|p| of(p.metric));
        if asks && o.bound.is_finite() && !all.iter().any(|l| l.name == o.objective) {
            all.push(Limit {
                value: o.bound,
                name: o.objective.clone(),
            });
        }
    }
    all
}

/// Whether a metric is this quantity.
fn is(q: Quantity) -> impl Fn(scenario::Metric) -> bool {
    move |m| m.quantity() == Some(q)
}

fn band(e: EstimateDocument) -> Option<(f64, f64)> {
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

/// The metric that cases are ranked by.
struct Metric {
    /// `Makespan`, `p95 latency`.
    label: String,
    measure: Measure,
    /// Whether small values are the good ones.
    less_is_better: bool,
    /// The metric itself, where this version knows it.
    known: Option<scenario::Metric>,
}

impl Metric {
    /// The metric by its name and what a case's key says of its unit.
    fn of(ranked_by: &str, cases: &mut dyn Iterator<Item = &CaseDocument>) -> Self {
        let percentile = ranked_by
            .strip_prefix('p')
            .is_some_and(|p| p.parse::<f64>().is_ok());
        let key = cases
            .flat_map(|c| c.others.keys())
            .find(|k| k.starts_with("ranked_by_"));
        Self {
            label: if percentile {
                format!("{ranked_by} latency")
            } else {
                capital(ranked_by)
            },
            measure: match key.map(String::as_str) {
                Some("ranked_by_s") => Measure::Seconds,
                Some("ranked_by_per_s") => Measure::PerSecond,
                Some("ranked_by_bytes") => Measure::Bytes,
                Some("ranked_by_share") => Measure::Share,
                _ => Measure::Number,
            },
            less_is_better: ranked_by != "throughput",
            known: [scenario::Metric::MeanLatency, scenario::Metric::FailureRate]
                .into_iter()
                .find(|&m| metric_name(m) == ranked_by)
                .or_else(|| scenario::parse_metric(ranked_by).ok()),
        }
    }

    /// What objectives ask of it.
    fn limits<'a>(&self, cases: impl Iterator<Item = &'a CaseDocument>) -> Vec<Limit> {
        limits(cases, |m| Some(m) == self.known)
    }

    /// Which way is better, for the subtitle.
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

/// By powers of ten where the values ask for it, else from zero.
fn span_scale(values: impl IntoIterator<Item = f64>) -> Scale {
    match scale::upward(values, 0.0) {
        Scale::Log => Scale::Log,
        _ => Scale::FromZero,
    }
}

/// The axis upward of curves. A share is of a whole, which belongs into the picture.
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
    let means = Means::of_all(shares.iter());
    let layers = Cause::ALL.iter().enumerate().map(|(i, &c)| Layer {
        name: cause_words(c, means).to_owned(),
        number: i,
        values: shares.iter().map(|s| s.of[i]).collect(),
    });
    Stack {
        bars,
        value: Axis::of("Share of task time", Measure::Share, Scale::FromZero),
        // Nobody sees half a per mille.
        layers: layers
            .filter(|l| l.values.iter().any(|&v| v >= 0.0005))
            .collect(),
        bands: Vec::new(),
        reference: None,
        limits: Vec::new(),
    }
}
