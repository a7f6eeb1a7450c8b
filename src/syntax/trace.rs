//! Reads recorded arrivals from a file beside the scenario.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::decode::{Cx, suggest};
use super::diagnostic::Code;
use super::input;
use super::tree::SyntaxNode;
use crate::engine::Nanos;
use crate::scenario::{Inside, Runs, Step, StepResource, TaskClass, TracedTask, limits};

const HELP: &str = "JSON: [[arrival in seconds, [[\"io\", seconds], [\"cpu\", milliseconds], ..]], ..] or [[arrival, \"class\"], ..]; \
     CSV: a line `at_s,class`, then one line a task";

/// Reads the file that `node` names, relative to `base`.
pub(super) fn read(
    cx: &mut Cx,
    node: &SyntaxNode,
    base: &Path,
    classes: &[TaskClass],
) -> Option<Vec<TracedTask>> {
    let name = cx.string(node, "the trace's file name")?;
    let path = base.join(name);
    cx.files.push(path.clone());
    let text = match read_file(&path) {
        Ok(text) => text,
        Err(message) => {
            cx.error(
                Code::CannotRead,
                node.span,
                format!("the trace \"{name}\" cannot be read: {message}"),
            )
            .help("the path is relative to the scenario file");
            return None;
        }
    };
    let csv = Path::new(name)
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    let tasks = if csv {
        from_csv(&text, classes)
    } else {
        from_json(&text, classes)
    };
    match tasks {
        Ok(tasks) if tasks.is_empty() => {
            cx.error(
                Code::BadTrace,
                node.span,
                format!("the trace \"{name}\" holds no task"),
            );
            None
        }
        Ok(mut tasks) => {
            // The sort is stable, so that tasks that arrive at the same instant keep the order of the file.
            tasks.sort_by_key(|t| t.at);
            Some(tasks)
        }
        Err(message) => {
            cx.error(
                Code::BadTrace,
                node.span,
                format!("the trace \"{name}\" cannot be understood: {message}"),
            )
            .help(HELP);
            None
        }
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = input::open(path).map_err(|e| input::reason(&e))?;
    file.take(limits::MAX_TRACE_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|e| input::reason(&e))?;
    if text.len() as u64 > limits::MAX_TRACE_BYTES {
        return Err(format!(
            "it is longer than the limit MAX_TRACE_BYTES (512 MiB); {}",
            limits::instead("MAX_TRACE_BYTES")
        ));
    }
    Ok(text)
}

fn time(seconds: f64, what: &str) -> Result<Nanos, String> {
    if !seconds.is_finite() || seconds < 0.0 {
        return Err(format!(
            "{what} must be finite and not negative, not {seconds}"
        ));
    }
    if seconds > limits::MAX_DURATION.as_secs_f64() {
        return Err(format!(
            "{what} is past the limit MAX_DURATION (1000 days); arrivals and io are in seconds, cpu and native in milliseconds"
        ));
    }
    Ok(Nanos::from_secs_f64(seconds))
}

fn class_named(name: &str, classes: &[TaskClass]) -> Result<usize, String> {
    classes.iter().position(|c| c.name == name).ok_or_else(|| {
        format!(
            "there is no task class \"{name}\"; {}",
            suggest(
                name,
                "the scenario has",
                classes.iter().map(|c| c.name.as_str())
            )
        )
    })
}

fn from_csv(text: &str, classes: &[TaskClass]) -> Result<Vec<TracedTask>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| e.to_string())?;
    if header.iter().collect::<Vec<_>>() != ["at_s", "class"] {
        return Err("its first line is not `at_s,class`".into());
    }
    let mut out = Vec::new();
    for (i, row) in reader.records().enumerate() {
        let line = i + 2;
        let row = row.map_err(|e| e.to_string())?;
        let at: f64 = row[0]
            .parse()
            .map_err(|_| format!("line {line}: \"{}\" is not a number of seconds", &row[0]))?;
        let at = time(at, "the arrival").map_err(|m| format!("line {line}: {m}"))?;
        let class = class_named(&row[1], classes).map_err(|m| format!("line {line}: {m}"))?;
        out.push(TracedTask {
            at,
            class,
            demands: Vec::new(),
        });
    }
    Ok(out)
}

/// The kind of a demand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum DemandKind {
    Cpu,
    Native,
    Io,
}

/// The demands of a class, in program order. Returns nothing when the number of its steps is not fixed (fan-outs run side by side, retries
/// may or may not happen) or is absurdly large.
fn demands(steps: &[Step], out: &mut Vec<DemandKind>) -> Option<()> {
    for step in steps {
        if let Some((spent, _)) = step.takes() {
            out.push(match spent {
                StepResource::Bytecode => DemandKind::Cpu,
                StepResource::Native => DemandKind::Native,
                StepResource::Outside | StepResource::Blocked => DemandKind::Io,
            });
        }
        if let Some(Inside { steps, runs }) = step.inside() {
            let times = match runs {
                Runs::Once => 1,
                Runs::Times(times) => times,
                Runs::Attempts(_) | Runs::Children(_) => return None,
            };
            for _ in 0..times {
                let before = out.len();
                demands(steps, out)?;
                if out.len() == before {
                    break;
                }
            }
        }
        if out.len() > 100_000 {
            return None;
        }
    }
    Some(())
}

fn from_json(text: &str, classes: &[TaskClass]) -> Result<Vec<TracedTask>, String> {
    let rows: Vec<(f64, Value)> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let patterns: Vec<Option<Vec<DemandKind>>> = classes
        .iter()
        .map(|c| {
            let mut kinds = Vec::new();
            demands(&c.steps, &mut kinds).map(|()| kinds)
        })
        .collect();
    let mut out = Vec::with_capacity(rows.len());
    for (i, (at, what)) in rows.into_iter().enumerate() {
        let row = |m: String| format!("task {i}: {m}");
        let at = time(at, "the arrival").map_err(row)?;
        let (class, demands) = match what {
            Value::String(name) => (class_named(&name, classes).map_err(row)?, Vec::new()),
            Value::Array(steps) => {
                let (kinds, demands) = recorded(&steps).map_err(row)?;
                let class = patterns.iter().position(|p| p.as_ref() == Some(&kinds)).ok_or_else(|| {
                    row(format!("no task class has exactly the steps {kinds:?} (cpu, native and io in this order, without fan-out and retry)"))
                })?;
                (class, demands)
            }
            _ => {
                return Err(row(
                    "after the arrival stands a list of steps or the name of a class".into(),
                ));
            }
        };
        out.push(TracedTask { at, class, demands });
    }
    Ok(out)
}

/// The kinds and the amounts of the demands in `[["io", seconds], ["cpu", milliseconds], ..]`.
fn recorded(steps: &[Value]) -> Result<(Vec<DemandKind>, Vec<Nanos>), String> {
    let mut out = (
        Vec::with_capacity(steps.len()),
        Vec::with_capacity(steps.len()),
    );
    for step in steps {
        let pair = step.as_array().filter(|p| p.len() == 2);
        let (kind, amount) = pair
            .and_then(|p| Some((p[0].as_str()?, p[1].as_f64()?)))
            .ok_or("a step is a pair [kind, amount]")?;
        let (kind, seconds) = match kind {
            "io" => (DemandKind::Io, amount),
            "cpu" => (DemandKind::Cpu, amount / 1e3),
            "native" => (DemandKind::Native, amount / 1e3),
            other => return Err(format!("the step \"{other}\" is none of io, cpu, native")),
        };
        out.0.push(kind);
        out.1.push(time(seconds, "a step")?);
    }
    Ok(out)
}
