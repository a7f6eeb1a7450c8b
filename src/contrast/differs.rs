//! What else differs between two results, apart from their numbers, and reasons to distrust the comparison.

use super::{Contrast, Side, metric_names};
use crate::insight::written;
use crate::quantity::{bytes, metric_name, percent};
use crate::result::{Generator, InterpreterInfo, MachineInfo, ResultRef, ScenarioName};
use crate::study::differing;

/// Something that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// What it is: a fact in words, or the path of a field of the scenario.
    pub what: String,
    /// Whether it is a field of the scenario.
    pub field: bool,
    /// Its value in A; `None` if it is not given there.
    pub a: Option<String>,
    /// Its value in B.
    pub b: Option<String>,
}

/// What both kinds of results know of how they were made.
struct Head<'a> {
    program: &'a Generator,
    scenario: &'a ScenarioName,
    seed: u64,
    machine: &'a MachineInfo,
    precision: f64,
}

fn head<'a>(side: &Side<'a>) -> Head<'a> {
    match side.result {
        ResultRef::Study(s) => Head {
            program: &s.program,
            scenario: &s.scenario,
            seed: s.seed,
            machine: &s.machine,
            precision: s.precision,
        },
        ResultRef::Sweep(s) => Head {
            program: &s.header.program,
            scenario: &s.header.scenario,
            seed: s.header.seed,
            machine: &s.header.machine,
            precision: s.header.precision,
        },
    }
}

/// What differs, the most important first.
pub(super) fn differences(a: &Side<'_>, b: &Side<'_>) -> Vec<Differing> {
    let mut all = Vec::new();
    let mut fact = |what: String, a: Option<String>, b: Option<String>| {
        if a != b {
            all.push(Differing {
                what,
                field: false,
                a,
                b,
            });
        }
    };
    let (x, y) = (head(a), head(b));
    let mut both = |what: &str, a: String, b: String| fact(what.into(), Some(a), Some(b));
    let version = |p: &Generator| format!("{} {}", p.name, p.version);
    both("program", version(x.program), version(y.program));
    both("scenario", x.scenario.name.clone(), y.scenario.name.clone());
    both(
        "question",
        x.scenario.question.clone(),
        y.scenario.question.clone(),
    );
    let values = a.values.as_ref().zip(b.values.as_ref());
    if values.is_none() {
        both(
            "scenario's hash",
            x.scenario.hash.clone(),
            y.scenario.hash.clone(),
        );
        both("cores", cores(x.machine), cores(y.machine));
        let limit = |m: &MachineInfo| match m.memory_limit_bytes {
            Some(limit) => bytes(limit as f64),
            None => "none".into(),
        };
        both("memory limit", limit(x.machine), limit(y.machine));
    }
    both("seed", x.seed.to_string(), y.seed.to_string());
    both(
        "ranked by",
        metric_name(a.metric()),
        metric_name(b.metric()),
    );
    both("precision", percent(x.precision), percent(y.precision));
    for (what, in_a, in_b) in interpreters(a, b) {
        fact(what, in_a, in_b);
    }
    for (what, in_a, in_b) in axes(a, b) {
        fact(what, in_a, in_b);
    }
    let codes = |side: &Side<'_>| match warning_codes(side) {
        codes if codes.is_empty() => Some("none".to_owned()),
        codes => Some(codes.join(", ")),
    };
    fact("warnings".into(), codes(a), codes(b));
    let fields = values.map(|(x, y)| differing(x, y)).unwrap_or_default();
    // What is said above is not said again.
    let said = ["name", "question", "seed"];
    let fields = fields.into_iter().filter(|d| !said.contains(&&*d.name));
    all.extend(fields.map(|d| Differing {
        what: d.name,
        field: true,
        a: d.there,
        b: d.here,
    }));
    all
}

/// The cores of a machine: how many, and how fast where they are not alike.
fn cores(m: &MachineInfo) -> String {
    let speeds: Vec<String> = m.cores.iter().map(f64::to_string).collect();
    if m.cores.iter().all(|s| *s == 1.0) {
        speeds.len().to_string()
    } else {
        format!("{} of speeds {}", speeds.len(), speeds.join(", "))
    }
}

type Fact = (String, Option<String>, Option<String>);

/// Builds and measurements of the interpreters by their names.
fn interpreters(a: &Side<'_>, b: &Side<'_>) -> Vec<Fact> {
    let of = |side: &Side<'_>| -> Vec<InterpreterInfo> {
        match side.result {
            ResultRef::Study(s) => s.interpreters.clone(),
            ResultRef::Sweep(_) => Vec::new(),
        }
    };
    let (x, y) = (of(a), of(b));
    if x.is_empty() || y.is_empty() {
        // The oldest results and sweeps do not say.
        return Vec::new();
    }
    let mut names: Vec<&String> = x.iter().map(|i| &i.name).collect();
    names.extend(
        y.iter()
            .map(|i| &i.name)
            .filter(|n| !x.iter().any(|i| i.name == **n)),
    );
    let about = |all: &[InterpreterInfo], name: &str| {
        let info = all.iter().find(|i| i.name == name)?;
        let gil = if info.gil {
            "with GIL"
        } else {
            "free-threaded"
        };
        let measured = info.measurement.as_ref().map_or_else(String::new, |m| {
            format!(", measured {} on {} ({} cores)", m.date, m.cpu, m.cores)
        });
        Some(format!(
            "{} {gil}, {} parameters measured, {} estimated{measured}",
            info.version, info.measured, info.estimated
        ))
    };
    let fact = |name: &String| {
        let what = format!("interpreter {name}");
        (what, about(&x, name), about(&y, name))
    };
    names.into_iter().map(fact).collect()
}

/// The axes of sweeps, with their values.
fn axes(a: &Side<'_>, b: &Side<'_>) -> Vec<Fact> {
    let of = |side: &Side<'_>| -> Vec<(String, String)> {
        let ResultRef::Sweep(s) = side.result else {
            return Vec::new();
        };
        let values = |all: &[serde_json::Value]| {
            let all: Vec<String> = all.iter().map(written).collect();
            all.join(", ")
        };
        let axes = s.header.axes.iter();
        axes.map(|x| (format!("values of {}", x.label), values(&x.values)))
            .collect()
    };
    let all = differing(&of(a), &of(b)).into_iter();
    all.map(|d| (d.name, d.there, d.here)).collect()
}

/// The codes of a result's warnings, notes left out, each once.
fn warning_codes(side: &Side<'_>) -> Vec<String> {
    let all: Vec<&String> = match side.result {
        ResultRef::Study(s) => {
            let warnings = s.warnings.iter().filter(|w| !w.note);
            warnings.map(|w| &w.code).collect()
        }
        ResultRef::Sweep(s) => s.rows.iter().flat_map(|r| &r.warnings).collect(),
    };
    let mut once: Vec<String> = Vec::new();
    for code in all {
        if !once.contains(code) {
            once.push(code.clone());
        }
    }
    once
}

/// Reasons to distrust the comparison; each ends in what to do.
pub(super) fn doubts(a: &Side<'_>, b: &Side<'_>, all: &Contrast) -> Vec<String> {
    let mut said = Vec::new();
    if let (ResultRef::Study(x), ResultRef::Study(y)) = (a.result, b.result)
        && (x.steady, x.batch) != (y.steady, y.batch)
    {
        let kind = |steady: bool, batch: bool| match (steady, batch) {
            (true, _) => "steady traffic",
            (false, true) => "a batch",
            (false, false) => "recorded arrivals",
        };
        said.push(format!(
            "{} is about {}, {} about {}: the same names mean other things there (the latencies of a batch are the times at which parts of it are done); compare results of the same kind of arrivals",
            a.name, kind(x.steady, x.batch), b.name, kind(y.steady, y.batch),
        ));
    }
    if a.metric() != b.metric() {
        let (x, y) = (a.metric(), b.metric());
        said.push(format!(
            "the two results are ranked by other metrics ({}), so their answers are to other questions; make one again with --rank-by",
            metric_names(&[x, y])
        ));
    }
    let pairs = || all.points.iter().flat_map(|p| &p.cases);
    if pairs().next().is_none() {
        said.push(
            "no case is in both results, so that only their answers can be compared; name common strategies and interpreters with --strategy and --interpreter when you make the results".to_owned(),
        );
    }
    let single = |r: &super::Row| r.verdict == super::RowVerdict::Unknown;
    if pairs().flat_map(|p| &p.rows).any(single) {
        said.push(
            "a result has a single replication of some cases, so that nothing is known of chance; make it again with --replications 10 or more".to_owned(),
        );
    }
    said
}
