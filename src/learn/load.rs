//! Learns how the tasks of a whole trace arrive: in rounds, in phases, through the stages of a pipeline, or as their times say.

use super::arrivals::{ArrivalsChoice, FittedArrivals, arrivals};
use super::caused::later_stages;
use super::dist::rounded;
use super::fit::fit;
use super::rounds::{phases, rounds};
use super::structure::ShapeClass;
use super::trace::Trace;
use super::workload::Options;
use crate::engine::Nanos;

/// How tasks arrive, of all of which these are the arrivals and ends; and how long the run took beside them, in nanoseconds.
pub(super) fn learn_arrivals(
    spans: &[(i64, i64)],
    groups: &[ShapeClass],
    trace: &Trace,
    options: &Options,
    notes: &mut Vec<String>,
) -> (FittedArrivals, u64) {
    let times: Vec<i64> = spans.iter().map(|(arrival, _)| *arrival).collect();
    let end = spans.iter().map(|(_, end)| *end).max().unwrap_or(0);
    if options.arrivals == ArrivalsChoice::Auto {
        if let Some(stages) = batch_in_stages(groups, trace, end) {
            notes.push(stages);
            return (FittedArrivals::Batch, 0);
        }
        let factor = options.interpreter.as_ref().map_or(1.0, |(_, f)| *f);
        if let Some(found) = learn_rounds(spans, trace, factor, notes) {
            return found;
        }
        if let Some(found) = phases(spans) {
            notes.push(found.note());
            return (FittedArrivals::Batch, 0);
        }
    }
    let (arrivals, said) = arrivals(&times, end, options.arrivals);
    notes.extend(said);
    (arrivals, 0)
}

/// What is to be said of a batch that goes through the stages of a pipeline: only the first stage's tasks arrive at once. `None` if it is none.
fn batch_in_stages(groups: &[ShapeClass], trace: &Trace, end: i64) -> Option<String> {
    let later = later_stages(trace);
    let is_later = |g: &&ShapeClass| g.tasks.iter().all(|t| later.contains(&t.number));
    let names: Vec<String> = groups
        .iter()
        .filter(is_later)
        .map(|g| g.name.clone())
        .collect();
    let first: Vec<i64> = groups
        .iter()
        .filter(|g| !is_later(g))
        .flat_map(|g| g.tasks.iter().map(|t| t.arrival))
        .collect();
    if names.is_empty() || first.is_empty() {
        return None;
    }
    let (arrivals, _) = arrivals(&first, end, ArrivalsChoice::Auto);
    (arrivals == FittedArrivals::Batch).then(|| {
        format!(
            "tasks of {} are made by other tasks, stage by stage, and those of the first stage come at once: the scenario has all in one \
             batch, in which a later stage does not wait for the one before, and all stages share the workers",
            names.join(", ")
        )
    })
}

/// Rounds of these tasks (arrival and end), what is to be said of them, and how long the serial part before the first task or after the last one
/// was, in nanoseconds.
fn learn_rounds(
    spans: &[(i64, i64)],
    trace: &Trace,
    factor: f64,
    notes: &mut Vec<String>,
) -> Option<(FittedArrivals, u64)> {
    let found = rounds(spans, &trace.facts.main)?;
    let times: Vec<Nanos> = found
        .serial
        .iter()
        .map(|t| Nanos(*t).scale(1.0 / factor))
        .collect();
    let guess = if found.measured || times.is_empty() {
        ""
    } else {
        "; the trace does not say what the main program did between them, so that is taken for Cpu"
    };
    let has_serial = !times.is_empty() || found.waiting > 0;
    let shared = if has_serial && found.parts < found.count {
        "; what the main program did between them comes before each in the scenario, the first one as well, so each part is shorter than \
         measured, and all together are as long"
    } else {
        ""
    };
    notes.push(format!(
        "tasks come in {} rounds, each when all tasks of the one before are over{guess}{shared}",
        found.count
    ));
    let arrivals = FittedArrivals::Rounds {
        count: found.count,
        parts: found.parts,
        serial: (!times.is_empty()).then(|| fit(&times)),
        waiting: (found.waiting > 0).then(|| rounded(found.waiting as f64 / factor)),
    };
    Some((arrivals, found.beside))
}
