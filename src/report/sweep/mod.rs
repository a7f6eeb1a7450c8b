//! What a sweep says: the lines of its file, and from these the table, the chart and what stands out.
//!
//! A sweep's file holds a header and a line for each case of each point ([`header_line`], [`point_lines`]); everything else is made
//! from these lines read back ([`document()`]), so that a sweep that was interrupted, resumed or looked at a year later says the same.

mod bars;
mod best;
mod canvas;
mod chart;
mod curves;
mod doubt;
mod find;
mod flat;
mod holds;
mod insight;
mod knee;
mod markdown;
mod metric;
#[cfg(feature = "parquet")]
mod parquet;
pub(in crate::report) mod stands;
mod table;
mod text;
mod view;
mod waits;

pub use best::{Best, best, best_of_lines};
pub(in crate::report) use doubt::doubts;
pub use find::insights;
pub use flat::csv;
pub use insight::{Extent, Insight, InsightCode, Place};
pub use knee::Bend;
pub use markdown::markdown;
pub use metric::Quoted;
#[cfg(feature = "parquet")]
pub use parquet::parquet;
pub use text::text;
pub use waits::Waits;

use super::SCHEMA;
use super::document::{self, Document, MachineFacts, ScenarioName, SweepDocument};
use super::json::{Value, case, line, object, optional};
use crate::measure::CONFIDENCE;
use crate::study::Study;
use crate::study::sweep::{Axis, AxisValue, Plan, Point};

/// What the first line of a sweep's file says.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepFacts {
    /// The command that repeats the sweep.
    pub command: String,
    /// Version of the program.
    pub version: String,
    /// What is simulated, before anything is varied.
    pub scenario: ScenarioName,
    /// The simulated computer, before anything is varied.
    pub machine: MachineFacts,
    /// Master seed.
    pub seed: u64,
    /// Names the plan: equal plans, equal points.
    pub plan_hash: String,
    /// What is varied.
    pub plan: Plan,
    /// The metric ranked by, as `--rank-by` takes it.
    pub ranked_by: String,
    /// Relative half-width asked for.
    pub precision: f64,
}

/// Keys of a run's case that a sweep's rows leave out: what would make a file of a thousand points unwieldy.
const LEFT_OUT: [&str; 3] = ["latency_quantiles", "over_time", "timeline"];

/// The first line of the file, its newline included.
pub fn header_line(facts: &SweepFacts) -> String {
    let text = |t: &str| Value::from(t);
    let cores = facts.machine.cores.iter().map(|&c| Value::Number(c));
    line(&object([
        ("schema", Value::Whole(SCHEMA)),
        ("kind", text("sweep")),
        (
            "program",
            object([("name", text("pchsim")), ("version", text(&facts.version))]),
        ),
        ("command", text(&facts.command)),
        (
            "scenario",
            object([
                ("name", text(&facts.scenario.name)),
                ("question", text(&facts.scenario.question)),
                ("hash", text(&facts.scenario.hash)),
            ]),
        ),
        ("seed", Value::Whole(facts.seed)),
        (
            "machine",
            object([
                ("cores", Value::List(cores.collect())),
                (
                    "memory_limit_bytes",
                    optional(facts.machine.memory_limit_bytes, Value::Whole),
                ),
            ]),
        ),
        ("plan", text(&facts.plan_hash)),
        (
            "axes",
            Value::List(facts.plan.axes.iter().map(axis).collect()),
        ),
        ("zip", Value::Bool(facts.plan.zip)),
        ("points", Value::Whole(facts.plan.len())),
        ("ranked_by", text(&facts.ranked_by)),
        ("precision", Value::Number(facts.precision)),
        ("confidence", Value::Number(CONFIDENCE)),
    ]))
}

fn axis(axis: &Axis) -> Value {
    let numbers: Option<Vec<Value>> = axis
        .values
        .iter()
        .map(|v| v.number.map(Value::Number))
        .collect();
    object([
        ("path", axis.path.as_str().into()),
        ("label", axis.label.as_str().into()),
        (
            "values",
            Value::List(axis.values.iter().map(as_written).collect()),
        ),
        ("numbers", optional(numbers, Value::List)),
        ("unit", optional(axis.unit, Value::from)),
    ])
}

/// A number where it was written as one, else the text: `8`, `0.5`, `"10ms"`, `"cpython-3.14"`. A text that merely looks like a
/// number (a version) stays a text: the plan knows.
fn as_written(value: &AxisValue) -> Value {
    let text = value.text.as_str();
    if value.number.is_none() {
        return text.into();
    }
    match (text.parse::<u64>(), text.parse::<f64>()) {
        (Ok(n), _) => Value::Whole(n),
        (_, Ok(n)) if n.is_finite() => Value::Number(n),
        _ => text.into(),
    }
}

/// The lines of a point, one for each case, best first; each ends in a newline.
pub fn point_lines(plan: &Plan, point: &Point, study: &Study) -> String {
    let mut out = String::new();
    for forecast in &study.forecasts {
        let at = plan
            .axes
            .iter()
            .zip(&point.index)
            .filter_map(|(a, &i)| Some((a.path.clone(), as_written(a.values.get(i)?))));
        let index = point.index.iter().map(|&i| Value::Whole(i as u64));
        let warnings = study.warnings.iter().filter(|w| !w.is_note());
        let mut entries = vec![
            ("point".into(), Value::Whole(point.number)),
            ("index".into(), Value::List(index.collect())),
            ("at".into(), Value::Object(at.collect())),
            (
                "warnings".into(),
                Value::List(warnings.map(|w| w.code().into()).collect()),
            ),
        ];
        if let Value::Object(rest) = case(study, forecast) {
            entries.extend(
                rest.into_iter()
                    .filter(|(key, _)| !LEFT_OUT.contains(&key.as_str())),
            );
        }
        out.push_str(&line(&Value::Object(entries)));
    }
    out
}

/// The whole file as JSON Lines: the header, and the points' lines in canonical order.
pub fn jsonl(header: &str, lines: &str) -> String {
    format!("{header}{lines}")
}

/// Reads the lines back.
///
/// # Errors
/// A sentence for people: which line, and what was expected.
pub fn document(header: &str, lines: &str) -> Result<SweepDocument, String> {
    match document::read(&jsonl(header, lines), "the sweep")? {
        Document::Sweep(sweep) => Ok(*sweep),
        Document::Run(_) => Err("the sweep's first line is that of a run".into()),
    }
}
