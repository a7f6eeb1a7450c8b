//! Figures out of results: which there are, and what stands in them. Everything comes from the document alone.

mod cases;
mod course;
mod grid;
mod latency;
mod over;
mod points;
mod run;
mod sweep;
#[cfg(test)]
mod tests;

use super::{Axis, Body, Dot, Figure, Layer, Measure, Scale, Stack};
use crate::report::document::{CaseDocument, Document, EstimateDocument};
use crate::report::shares::{Shares, cause_words};
use crate::strategy::Cause;
use crate::study::Unit;

/// Most curves in a figure: more cannot be told apart.
const CURVES: usize = 8;
/// Most curves over time in a figure: they cross more often.
const COURSES: usize = 5;
/// Most bars in a figure.
const BARS: usize = 16;

/// Every figure that the document has data for, the most telling first. Names are unique.
pub fn figures(document: &Document) -> Vec<Figure> {
    match document {
        Document::Run(d) => run::figures(d),
        Document::Sweep(d) => sweep::figures(d),
    }
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
    fn at(x: f64, y: f64) -> Self {
        Self {
            x,
            y: Some(y),
            band: None,
        }
    }

    /// The estimate at `x`; a gap where there is none.
    fn estimate(x: f64, e: Option<EstimateDocument>) -> Self {
        Self {
            x,
            y: e.map(|e| e.mean),
            band: e.and_then(band),
        }
    }
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
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| {
        c.to_uppercase().chain(chars).collect::<String>()
    })
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

/// By powers of ten where the values span more than a factor of `most`, else from zero.
fn span_scale(values: impl Iterator<Item = f64>, most: f64) -> Scale {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(v), h.max(v))
        });
    if low > 0.0 && high > low * most {
        Scale::Log
    } else {
        Scale::FromZero
    }
}

/// The case's shares of task time in the order of [`Cause::ALL`], 1 in all; a batch's wait for its turn left out.
fn shares(case: &CaseDocument, batch: bool) -> Vec<f64> {
    Shares::of_case(case, batch).of.to_vec()
}

/// What [`shares`] left out, for the subtitle.
fn shares_note(batch: bool) -> &'static str {
    if batch {
        "share of task time by cause, from when a task's first turn has come"
    } else {
        "share of task time by cause"
    }
}

/// Bars of shares by cause.
fn cause_stack(bars: Vec<String>, shares: &[Vec<f64>]) -> Stack {
    let layers = Cause::ALL.iter().enumerate().map(|(i, &c)| Layer {
        name: cause_words(c).to_owned(),
        number: i,
        values: shares.iter().map(|s| s[i]).collect(),
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
    }
}
