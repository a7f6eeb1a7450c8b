//! OpenTelemetry spans: OTLP as JSON, one export a line, as the collector's file exporter writes it.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::TaskBuilder;
use crate::learn::rows::{Problem, shortened};
use crate::learn::trace::{StepKind, Trace};

/// The greatest number of spans.
const MAX_SPANS: usize = 4_000_000;
/// The greatest number of spans that lie within one another.
const DEEPEST: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Export {
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ResourceSpans {
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ScopeSpans {
    spans: Vec<Span>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Span {
    #[serde(rename = "traceId")]
    trace: String,
    #[serde(rename = "spanId")]
    id: String,
    #[serde(rename = "parentSpanId")]
    parent: String,
    name: String,
    kind: Value,
    start_time_unix_nano: Value,
    end_time_unix_nano: Value,
}

/// What a span is for the program that made it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It serves somebody: a request, a message. It is a task.
    Serves,
    /// It waits for somebody else.
    Asks,
    /// It is work of its own.
    Within,
}

impl Span {
    /// The kind as a number or by its name.
    fn role(&self) -> Role {
        let named = self.kind.as_str().unwrap_or_default();
        match (self.kind.as_u64(), named) {
            (Some(2 | 5), _) | (_, "SPAN_KIND_SERVER" | "SPAN_KIND_CONSUMER") => Role::Serves,
            (Some(3 | 4), _) | (_, "SPAN_KIND_CLIENT" | "SPAN_KIND_PRODUCER") => Role::Asks,
            _ => Role::Within,
        }
    }

    /// Its start and end, if they are in order.
    fn times(&self) -> Option<(i64, i64)> {
        let start = nanos(&self.start_time_unix_nano)?;
        let end = nanos(&self.end_time_unix_nano)?;
        (end >= start).then_some((start, end))
    }
}

/// 64-bit numbers are texts in OTLP's JSON; some write numbers all the same.
fn nanos(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(n) => n.as_i64(),
        _ => None,
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Trace, Problem> {
    let mut spans: Vec<(Span, (i64, i64))> = Vec::new();
    let mut broken = 0_usize;
    for export in serde_json::Deserializer::from_slice(bytes).into_iter::<Export>() {
        let export = export.map_err(|e| {
            Problem::new(format!("the spans cannot be read: {}", shortened(&e.to_string())))
                .help("expected is OTLP as JSON, one export a line, as the collector's file exporter writes it")
        })?;
        let scopes = export
            .resource_spans
            .into_iter()
            .flat_map(|r| r.scope_spans);
        for span in scopes.flat_map(|s| s.spans) {
            match span.times() {
                Some(times) => spans.push((span, times)),
                None => broken += 1,
            }
        }
        if spans.len() > MAX_SPANS {
            return Err(
                Problem::new(format!("there are more spans than {MAX_SPANS}"))
                    .help("a part of them is enough: some thousand tasks of each class"),
            );
        }
    }
    let builder = tasks(&spans, broken)?;
    if builder.trace.rows.is_empty() {
        return Err(Problem::new("there is no span with a start and an end"));
    }
    Ok(builder.trace)
}

/// Each span that serves somebody, or has no parent, is a task.
fn tasks(spans: &[(Span, (i64, i64))], broken: usize) -> Result<TaskBuilder, Problem> {
    let places: HashMap<(&str, &str), usize> = spans
        .iter()
        .enumerate()
        .map(|(i, (s, _))| ((s.trace.as_str(), s.id.as_str()), i))
        .collect();
    let parent = |i: usize| {
        let span = &spans[i].0;
        let key = (span.trace.as_str(), span.parent.as_str());
        places.get(&key).copied().filter(|p| *p != i)
    };
    let is_task = |i: usize| spans[i].0.role() == Role::Serves || parent(i).is_none();
    let mut waits: HashMap<usize, Vec<(i64, i64)>> = HashMap::new();
    let mut alone = 0_usize;
    for (i, (span, times)) in spans.iter().enumerate() {
        if is_task(i) || span.role() != Role::Asks {
            continue;
        }
        match owner(i, &parent, &is_task, spans) {
            Some(task) => waits.entry(task).or_default().push(*times),
            None => alone += 1,
        }
    }
    let mut builder = TaskBuilder::default();
    let mut beside = 0_usize;
    let mut order: Vec<usize> = (0..spans.len()).filter(|i| is_task(*i)).collect();
    order.sort_by_key(|i| spans[*i].1);
    for i in order {
        let (span, times) = &spans[i];
        let mut io = waits.remove(&i).unwrap_or_default();
        io.sort_unstable();
        beside += usize::from(io.windows(2).any(|w| w[1].0 < w[0].1));
        let asked = span.role() == Role::Asks;
        let name = if span.name.trim().is_empty() {
            "span"
        } else {
            span.name.trim()
        };
        builder.task(name, &steps(*times, &io, asked))?;
    }
    builder.note(
        "spans do not say what computes: what lies outside of the spans of clients (HTTP, databases) is taken for Cpu. It may be waiting, \
         for a core or for something that has no span",
    );
    if beside > 0 {
        builder.note(format!(
            "{beside} tasks have spans of clients side by side: each stretch of waiting is one Io (a FanOut may be nearer to the program)"
        ));
    }
    if alone + broken > 0 {
        builder.note(format!(
            "{} spans are left out: without times, or within no task",
            alone + broken
        ));
    }
    Ok(builder)
}

/// The task that a span of a client belongs to: the nearest one around it, unless another client's span lies between.
fn owner(
    span: usize,
    parent: &impl Fn(usize) -> Option<usize>,
    is_task: &impl Fn(usize) -> bool,
    spans: &[(Span, (i64, i64))],
) -> Option<usize> {
    let mut at = parent(span)?;
    for _ in 0..DEEPEST {
        if is_task(at) {
            return Some(at);
        }
        if spans[at].0.role() == Role::Asks {
            return None;
        }
        at = parent(at)?;
    }
    None
}

/// The steps of a task: waiting as its clients' spans say, computing in between.
fn steps((start, end): (i64, i64), io: &[(i64, i64)], asked: bool) -> Vec<(StepKind, i64, i64)> {
    if asked {
        return vec![(StepKind::Io, start, end)];
    }
    let mut out = Vec::new();
    let mut at = start;
    for (from, to) in io {
        let (from, to) = ((*from).clamp(at, end), (*to).clamp(at, end));
        if from > at {
            out.push((StepKind::Cpu, at, from));
        }
        if to > from {
            out.push((StepKind::Io, from, to));
        }
        at = at.max(to);
    }
    if end > at || out.is_empty() {
        out.push((StepKind::Cpu, at, end));
    }
    out
}
