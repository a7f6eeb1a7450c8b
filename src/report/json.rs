//! The study as JSON: everything that it holds, keys in a fixed order, units in their names. Documented in
//! `docs/output-format.md`.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Meta;
use super::grid::metric_name;
use super::timeline::{Shown, Timeline, gantt};
use crate::cpython::profile::Provenance;
use crate::cpython::recording::{OverTime, Recording};
use crate::measure::{CONFIDENCE, Estimate};
use crate::strategy::{CAUSES, Cause, Finding};
use crate::study::{Answer, Forecast, Interpreter, LATENCIES, Quantity, Study, Unit};

/// Version of the format. It grows when a key changes its meaning or goes away; new keys may appear without.
pub const SCHEMA: u64 = 1;

/// A JSON value that keeps its keys in the order in which they were given.
pub(super) enum Value {
    Null,
    Bool(bool),
    Whole(u64),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    /// A list on one line.
    Row(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => s.serialize_unit(),
            Self::Bool(b) => s.serialize_bool(*b),
            Self::Whole(n) => s.serialize_u64(*n),
            Self::Number(n) if n.is_finite() => s.serialize_f64(*n),
            Self::Number(_) => s.serialize_unit(),
            Self::Text(t) => s.serialize_str(t),
            Self::List(items) => {
                let mut list = s.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|i| list.serialize_element(i))?;
                list.end()
            }
            Self::Row(items) => {
                let compact: Vec<String> = items
                    .iter()
                    .map(serde_json::to_string)
                    .collect::<Result<_, _>>()
                    .map_err(serde::ser::Error::custom)?;
                serde_json::value::RawValue::from_string(format!("[{}]", compact.join(",")))
                    .map_err(serde::ser::Error::custom)?
                    .serialize(s)
            }
            Self::Object(entries) => {
                let mut map = s.serialize_map(Some(entries.len()))?;
                entries
                    .iter()
                    .try_for_each(|(k, v)| map.serialize_entry(k, v))?;
                map.end()
            }
        }
    }
}

impl From<&str> for Value {
    fn from(t: &str) -> Self {
        Self::Text(t.into())
    }
}

pub(super) fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(
        entries
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v))
            .collect(),
    )
}

pub(super) fn optional<T>(value: Option<T>, make: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Null, make)
}

/// The study as JSON, ending in a newline.
pub fn json(study: &Study, meta: &Meta) -> String {
    let memory = optional(study.machine.memory_limit, Value::Whole);
    let warnings = study.warnings.iter().map(|w| {
        object([
            ("code", w.code().into()),
            ("note", Value::Bool(w.is_note())),
            ("text", Value::Text(w.text())),
        ])
    });
    let root = object([
        ("schema", Value::Whole(SCHEMA)),
        (
            "program",
            object([
                ("name", "pchsim".into()),
                ("version", meta.version.as_str().into()),
            ]),
        ),
        ("command", meta.command.as_str().into()),
        (
            "scenario",
            object([
                ("name", study.name.as_str().into()),
                ("question", study.question.as_str().into()),
                ("hash", study.fingerprint.as_str().into()),
            ]),
        ),
        ("seed", Value::Whole(study.seed)),
        (
            "machine",
            object([
                (
                    "cores",
                    Value::List(
                        study
                            .machine
                            .cores
                            .iter()
                            .map(|&c| Value::Number(c))
                            .collect(),
                    ),
                ),
                ("memory_limit_bytes", memory),
            ]),
        ),
        (
            "interpreters",
            Value::List(study.interpreters.iter().map(interpreter).collect()),
        ),
        ("confidence", Value::Number(CONFIDENCE)),
        ("precision", Value::Number(study.precision)),
        ("steady_state", Value::Bool(study.steady)),
        ("batch", Value::Bool(study.batch)),
        ("warmup_s", Value::Number(study.warmup.as_secs_f64())),
        ("ranked_by", Value::Text(metric_name(study.metric))),
        ("baseline", optional(study.baseline.as_deref(), Value::from)),
        ("answer", optional(study.answer(), |a| answer(study, &a))),
        (
            "cases",
            Value::List(study.forecasts.iter().map(|f| case(study, f)).collect()),
        ),
        (
            "hidden_baseline",
            optional(study.hidden_baseline.as_ref(), |f| case(study, f)),
        ),
        ("warnings", Value::List(warnings.collect())),
    ]);
    let mut out = serde_json::to_string_pretty(&root).expect(WRITTEN);
    out.push('\n');
    out
}

/// Which case to take, by the names of cases.
fn answer(study: &Study, a: &Answer) -> Value {
    let name = |i: usize| Value::Text(study.forecasts[i].name());
    object([
        ("take", name(a.take)),
        ("meets", Value::Bool(a.meets)),
        (
            "tied",
            Value::List(a.tied.iter().map(|&i| name(i)).collect()),
        ),
        ("fastest", optional(a.fastest, name)),
    ])
}

/// Which interpreter it is, how it was measured, and on what machine.
fn interpreter(i: &Interpreter) -> Value {
    let count = |n: usize| Value::Whole(n as u64);
    object([
        ("name", i.name.as_str().into()),
        ("version", i.version.as_str().into()),
        ("gil", Value::Bool(i.gil)),
        ("origin", i.origin.as_str().into()),
        ("measured_count", count(i.measured)),
        ("estimated_count", count(i.estimated)),
        ("measurement", optional(i.provenance.as_ref(), measurement)),
    ])
}

fn measurement(p: &Provenance) -> Value {
    let flag = |known: Option<bool>| optional(known, Value::Bool);
    object([
        ("date", p.date.as_str().into()),
        ("compiler", p.build.compiler.as_str().into()),
        ("pgo", flag(p.build.pgo)),
        ("lto", flag(p.build.lto)),
        ("debug", Value::Bool(p.build.debug)),
        ("cpu", p.machine.cpu.as_str().into()),
        ("cores", Value::Whole(p.machine.cores.into())),
        ("system", p.machine.system.as_str().into()),
        ("rounds", Value::Whole(p.rounds.into())),
        ("slowness", Value::Number(p.slowness)),
    ])
}

/// The value in one line, its newline included.
pub(super) fn line(value: &Value) -> String {
    let mut out = serde_json::to_string(value).expect(WRITTEN);
    out.push('\n');
    out
}

const WRITTEN: &str = "keys are strings and numbers are finite";

/// All that is forecast of a case.
pub(super) fn case(study: &Study, f: &Forecast) -> Value {
    let values = Quantity::ALL.map(|q| (q.key().to_owned(), optional(f.get(q), estimate)));
    let by_cause = |shares: [f64; CAUSES]| {
        let each = Cause::ALL.map(|c| {
            let share = Value::Number(shares[c as usize]);
            (format!("{}_share", c.name()), share)
        });
        Value::Object(each.into())
    };
    let objectives = f.objectives.iter().map(|o| {
        object([
            ("objective", o.text.as_str().into()),
            ("verdict", o.verdict.name().into()),
            ("bound", Value::Number(o.bound)),
            ("value", optional(o.value, estimate)),
        ])
    });
    let classes = f.classes.iter().map(|c| {
        let latencies = LATENCIES
            .iter()
            .zip(c.latencies)
            .map(|(q, e)| (q.key().to_owned(), optional(e, estimate)));
        Value::Object(
            std::iter::once(("name".into(), c.name.as_str().into()))
                .chain(latencies)
                .collect(),
        )
    });
    let findings = f
        .findings
        .iter()
        .map(|x| finding(&x.finding, x.replications));
    let unit = study.metric.unit();
    object([
        ("strategy", f.strategy_label.as_str().into()),
        ("interpreter", f.interpreter.as_str().into()),
        ("rank", optional(f.rank, |r| Value::Whole(r.into()))),
        ("tied", Value::Bool(f.tied)),
        ("status", f.status.name().into()),
        ("tier", f.tier.name().into()),
        ("excess_share", Value::Number(f.excess)),
        ("added", Value::Bool(f.added)),
        ("warmup_s", Value::Number(f.warmup.as_secs_f64())),
        ("warmup", f.begins.name().into()),
        ("paired", Value::Bool(f.paired)),
        ("replications", Value::Whole(f.replications.into())),
        ("simulated_events", Value::Whole(f.events)),
        (with_unit("ranked_by", unit), optional(f.primary, estimate)),
        (
            with_unit("behind_best", unit),
            optional(f.behind_best, estimate),
        ),
        ("speedup", optional(f.speedup, estimate)),
        (
            "speedup_reading",
            optional(f.reading(), |r| r.text().into()),
        ),
        ("estimates", Value::Object(values.into())),
        ("time_by_cause", by_cause(f.causes)),
        ("children_time_by_cause", optional(f.children, by_cause)),
        (
            "core_busy_shares",
            Value::List(f.cores.iter().map(|&c| Value::Number(c)).collect()),
        ),
        ("classes", Value::List(classes.collect())),
        ("objectives", Value::List(objectives.collect())),
        ("findings", Value::List(findings.collect())),
        (
            "latency_quantiles",
            optional(f.latency_quantiles.as_deref(), latency_quantiles),
        ),
        ("over_time", optional(f.over_time.as_ref(), over_time)),
        ("timeline", optional(f.recording.as_ref(), timeline)),
    ])
}

/// Pairs of a share and its latency, all on one line; latencies in whole nanoseconds, as they were simulated.
fn latency_quantiles(pairs: &[(f64, f64)]) -> Value {
    let pair = |&(share, seconds): &(f64, f64)| {
        Value::Row(vec![Value::Number(share), Value::Number(seconds)])
    };
    Value::Row(pairs.iter().map(pair).collect())
}

/// The course of a replication. Its lists stand on one line each, in no more digits than can be seen.
fn over_time(o: &OverTime) -> Value {
    let list = |values: &[f64], decimals: i32| {
        let scale = libm::pow(10.0, f64::from(decimals));
        let values = values.iter().map(|v| libm::round(v * scale) / scale);
        Value::Row(values.map(Value::Number).collect())
    };
    object([
        ("bin_s", Value::Number(o.bin.as_secs_f64())),
        ("memory_mean_bytes", list(&o.memory_mean, 0)),
        ("memory_peak_bytes", list(&o.memory_peak, 0)),
        ("utilization_share", list(&o.utilization, 6)),
        ("gil_held_share", list(&o.gil_held, 6)),
        ("run_queue", list(&o.run_queue, 6)),
        ("in_flight", list(&o.in_flight, 6)),
    ])
}

/// The part of a replication in which most happens as a chart of cores, GILs and threads; the spans of a row stand on one line.
fn timeline(recording: &Recording) -> Value {
    const SHOWN: Shown = Shown {
        rows: 24,
        spans: 400,
        choose: true,
    };
    let (gantt, hidden) = gantt(recording, SHOWN);
    let t = Timeline::new(gantt, hidden);
    let span = |(from, to, kind, text): &(f64, f64, usize, String)| {
        Value::Row(vec![
            Value::Number(*from),
            Value::Number(*to),
            Value::Whole(*kind as u64),
            text.as_str().into(),
        ])
    };
    let rows = t.rows.iter().map(|r| {
        object([
            ("group", r.group.as_str().into()),
            ("label", r.label.as_str().into()),
            ("spans", Value::Row(r.spans.iter().map(span).collect())),
        ])
    });
    let kinds = t.kinds.iter().map(|k| {
        object([
            ("name", k.name.as_str().into()),
            ("number", Value::Whole(k.number as u64)),
        ])
    });
    object([
        ("from_s", Value::Number(t.from_s)),
        ("to_s", Value::Number(t.to_s)),
        ("kinds", Value::List(kinds.collect())),
        ("rows", Value::List(rows.collect())),
        ("hidden_rows", Value::Whole(t.hidden_rows as u64)),
    ])
}

/// The two keys whose unit depends on the metric that the study ranks by.
fn with_unit(key: &'static str, unit: Unit) -> &'static str {
    match (key, unit) {
        ("ranked_by", Unit::Seconds) => "ranked_by_s",
        ("ranked_by", Unit::PerSecond) => "ranked_by_per_s",
        ("ranked_by", Unit::Bytes) => "ranked_by_bytes",
        ("ranked_by", _) => "ranked_by_share",
        (_, Unit::Seconds) => "behind_best_s",
        (_, Unit::PerSecond) => "behind_best_per_s",
        (_, Unit::Bytes) => "behind_best_bytes",
        _ => "behind_best_share",
    }
}

fn estimate(e: Estimate) -> Value {
    let end = |v: f64| optional(e.half, |_| Value::Number(v));
    object([
        ("mean", Value::Number(e.mean)),
        ("low", end(e.low())),
        ("high", end(e.high())),
        ("median", Value::Number(e.median)),
        ("n", Value::Whole(e.n.into())),
    ])
}

fn finding(f: &Finding, replications: u32) -> Value {
    let seconds = |t: crate::engine::Nanos| Value::Number(t.as_secs_f64());
    let mut entries: Vec<(&str, Value)> = match f {
        Finding::Deadlock { at, waiting, .. } => vec![
            ("kind", "deadlock".into()),
            ("at_s", seconds(*at)),
            (
                "waiting",
                Value::List(waiting.iter().map(|w| w.as_str().into()).collect()),
            ),
        ],
        Finding::OutOfMemory { at, bytes } => {
            vec![
                ("kind", "out-of-memory".into()),
                ("at_s", seconds(*at)),
                ("memory_bytes", Value::Whole(*bytes)),
            ]
        }
        Finding::BlockedLoop { at, lasted } => {
            vec![
                ("kind", "blocked-loop".into()),
                ("at_s", seconds(*at)),
                ("lasted_s", seconds(*lasted)),
            ]
        }
        Finding::Convoy {
            times,
            waited,
            of,
            task,
        } => vec![
            ("kind", "convoy".into()),
            ("task", task.as_str().into()),
            ("times", Value::Whole(*times)),
            ("waited_s", Value::Number(waited.as_secs_f64())),
            ("of_s", Value::Number(of.as_secs_f64())),
        ],
        Finding::ContendedObject {
            object,
            task,
            waited,
            of,
        } => vec![
            ("kind", "contended-object".into()),
            ("object", object.as_str().into()),
            ("task", task.as_str().into()),
            ("waited_s", Value::Number(waited.as_secs_f64())),
            ("of_s", Value::Number(of.as_secs_f64())),
        ],
        Finding::FutileWakeups { times, task } => vec![
            ("kind", "futile-wakeups".into()),
            ("task", task.as_str().into()),
            ("times", Value::Whole(*times)),
        ],
        Finding::EventLimit { at } => vec![("kind", "event-limit".into()), ("at_s", seconds(*at))],
        Finding::ClockEnd { at } => vec![("kind", "clock-end".into()), ("at_s", seconds(*at))],
        Finding::Unsupported(why) => vec![
            ("kind", "unsupported".into()),
            ("reason", why.as_str().into()),
        ],
    };
    entries.push(("replications", Value::Whole(replications.into())));
    Value::Object(
        entries
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v))
            .collect(),
    )
}
