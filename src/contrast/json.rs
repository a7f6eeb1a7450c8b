//! A comparison as JSON, documented in `docs/output-format.md`.

use serde::Serialize;

use super::{CasePair, Contrast, Differing, Gate, Gated, Point, Row, SideInfo};
use crate::measure::{CONFIDENCE, Estimate};
use crate::quantity::{Unit, metric_name};
use crate::result::{Generator, SCHEMA, ScenarioName};

#[derive(Serialize)]
struct Whole<'a> {
    schema: u64,
    kind: &'static str,
    program: Generator,
    command: &'a str,
    of: &'static str,
    a: SideKeys<'a>,
    b: SideKeys<'a>,
    ranked_by: String,
    confidence: f64,
    comparisons: usize,
    says: &'a [String],
    verdicts: serde_json::Map<String, serde_json::Value>,
    differs: Vec<DifferingKeys<'a>>,
    warnings: &'a [String],
    points: Vec<PointKeys<'a>>,
    points_only_a: usize,
    points_only_b: usize,
    gates: Vec<GateKeys<'a>>,
}

#[derive(Serialize)]
struct SideKeys<'a> {
    name: &'a str,
    program: &'a Generator,
    scenario: &'a ScenarioName,
    seed: u64,
    command: &'a str,
}

#[derive(Serialize)]
struct DifferingKeys<'a> {
    what: &'a str,
    field: bool,
    a: Option<&'a str>,
    b: Option<&'a str>,
}

#[derive(Serialize)]
struct PointKeys<'a> {
    at: serde_json::Map<String, serde_json::Value>,
    answer: AnswerKeys<'a>,
    cases: Vec<CaseKeys<'a>>,
    only_a: &'a [String],
    only_b: &'a [String],
}

#[derive(Serialize)]
struct AnswerKeys<'a> {
    a: Option<&'a str>,
    b: Option<&'a str>,
    verdict: &'static str,
}

#[derive(Serialize)]
struct CaseKeys<'a> {
    a: String,
    b: String,
    status_a: &'static str,
    status_b: &'static str,
    replications_a: u32,
    replications_b: u32,
    metrics: Vec<RowKeys>,
    objectives: Vec<ObjectiveKeys<'a>>,
}

#[derive(Serialize)]
struct ObjectiveKeys<'a> {
    objective: &'a str,
    a: &'static str,
    b: &'static str,
}

#[derive(Serialize)]
struct RowKeys {
    metric: String,
    unit: Option<&'static str>,
    a: Option<Estimate>,
    b: Option<Estimate>,
    change: Option<ChangeKeys>,
    verdict: &'static str,
    replications_to_tell: Option<u32>,
}

#[derive(Serialize)]
struct ChangeKeys {
    of: &'static str,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    paired: bool,
    p: Option<f64>,
    p_adjusted: Option<f64>,
    real: bool,
}

#[derive(Serialize)]
struct GateKeys<'a> {
    gate: &'a str,
    margin: f64,
    regressed: Vec<String>,
    undecided: Vec<String>,
    passed: Vec<String>,
}

fn side(s: &SideInfo) -> SideKeys<'_> {
    SideKeys {
        name: &s.name,
        program: &s.program,
        scenario: &s.scenario,
        seed: s.seed,
        command: &s.command,
    }
}

fn differing(d: &Differing) -> DifferingKeys<'_> {
    DifferingKeys {
        what: &d.what,
        field: d.field,
        a: d.a.as_deref(),
        b: d.b.as_deref(),
    }
}

fn unit(unit: Unit) -> Option<&'static str> {
    match unit {
        Unit::Seconds => Some("s"),
        Unit::PerSecond => Some("per_s"),
        Unit::Bytes => Some("bytes"),
        Unit::Share => Some("share"),
        Unit::Count => None,
    }
}

fn row(r: &Row) -> RowKeys {
    let finite = |v: f64| v.is_finite().then_some(v);
    let change = r.change.map(|c| ChangeKeys {
        of: if c.is_ratio() { "ratio" } else { "difference" },
        value: finite(c.value()),
        low: c.interval().and_then(|(low, _)| finite(low)),
        high: c.interval().and_then(|(_, high)| finite(high)),
        paired: c.is_paired(),
        p: c.p(),
        p_adjusted: r.adjusted,
        real: r.is_real(),
    });
    RowKeys {
        metric: metric_name(r.metric),
        unit: unit(r.metric.unit()),
        a: r.a,
        b: r.b,
        change,
        verdict: r.verdict.name(),
        replications_to_tell: r.needed,
    }
}

fn case(c: &CasePair) -> CaseKeys<'_> {
    let objectives = c.objectives.iter().map(|o| ObjectiveKeys {
        objective: &o.text,
        a: o.a.name(),
        b: o.b.name(),
    });
    CaseKeys {
        a: c.a.name(),
        b: c.b.name(),
        status_a: c.a.status.name(),
        status_b: c.b.status.name(),
        replications_a: c.a.replications,
        replications_b: c.b.replications,
        metrics: c.rows.iter().map(row).collect(),
        objectives: objectives.collect(),
    }
}

fn point(p: &Point) -> PointKeys<'_> {
    PointKeys {
        at: p
            .at
            .iter()
            .map(|(label, value)| (label.clone(), value.clone().into()))
            .collect(),
        answer: AnswerKeys {
            a: p.take_a.as_deref(),
            b: p.take_b.as_deref(),
            verdict: p.answer.name(),
        },
        cases: p.cases.iter().map(case).collect(),
        only_a: &p.only_a,
        only_b: &p.only_b,
    }
}

/// Which rows a gate judged how: the case, preceded by its point if there are several.
fn gate<'a>(all: &Contrast, gate: &'a Gate, gated: &[Gated]) -> GateKeys<'a> {
    let of = |verdict| {
        let rows = gated.iter().filter(|g| g.verdict == verdict);
        rows.map(|g| all.case_name(g.at)).collect()
    };
    GateKeys {
        gate: &gate.text,
        margin: gate.margin,
        regressed: of(super::GateVerdict::Regressed),
        undecided: of(super::GateVerdict::Undecided),
        passed: of(super::GateVerdict::Passed),
    }
}

impl Contrast {
    /// Name of the case that a row is of, with its point in a sweep: `threads:8 on cpython-3.14 (cores=4)`.
    #[must_use]
    pub fn case_name(&self, at: super::RowPlace) -> String {
        let point = &self.points[at.point];
        let name = point.cases[at.case].name();
        if point.at.is_empty() {
            name
        } else {
            format!("{name} ({})", point.name())
        }
    }
}

/// The comparison as JSON, ending in a newline. `says` are its sentences; `gates` are those that judged it, with what they say.
///
/// # Panics
/// Never: all keys are texts, and memory takes all.
#[must_use]
pub fn json(all: &Contrast, says: &[String], gates: &[(Gate, Vec<Gated>)]) -> String {
    let tally = all.tally();
    let verdicts = super::RowVerdict::ALL.map(|v| (v.name().to_owned(), tally.of(v).into()));
    let whole = Whole {
        schema: SCHEMA,
        kind: "comparison",
        program: Generator::default(),
        command: &all.command,
        of: if all.sweeps { "sweeps" } else { "runs" },
        a: side(&all.a),
        b: side(&all.b),
        ranked_by: metric_name(all.metric()),
        confidence: CONFIDENCE,
        comparisons: all.comparisons,
        says,
        verdicts: verdicts.into_iter().collect(),
        differs: all.differs.iter().map(differing).collect(),
        warnings: &all.warnings,
        points: all.points.iter().map(point).collect(),
        points_only_a: all.points_only_a,
        points_only_b: all.points_only_b,
        gates: gates.iter().map(|(g, of)| gate(all, g, of)).collect(),
    };
    let mut out =
        serde_json::to_string_pretty(&whole).expect("keys are texts, and memory takes all");
    out.push('\n');
    out
}
