//! speedscope's JSON: sampled profiles (py-spy) and evented ones, which say when each function began and ended.

use std::collections::HashMap;

use serde::Deserialize;

use super::stacks::{Frame, Stack, learn};
use crate::learn::rows::{Problem, shortened};
use crate::learn::trace::{Trace, TraceOptions};

/// The greatest number of samples and events.
const MAX_SAMPLES: usize = 8_000_000;
/// The deepest stack.
const DEEPEST: usize = 2_000;

#[derive(Deserialize)]
struct File {
    shared: Shared,
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Shared {
    frames: Vec<NamedFrame>,
}

#[derive(Deserialize)]
struct NamedFrame {
    name: String,
    #[serde(default)]
    file: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Profile {
    Sampled {
        unit: String,
        samples: Vec<Vec<usize>>,
        weights: Vec<f64>,
    },
    Evented {
        unit: String,
        events: Vec<Event>,
    },
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    frame: usize,
    at: f64,
}

/// Seconds of a unit.
fn unit(name: &str) -> Result<f64, Problem> {
    match name {
        "seconds" => Ok(1.0),
        "milliseconds" => Ok(1e-3),
        "microseconds" => Ok(1e-6),
        "nanoseconds" => Ok(1e-9),
        _ => Err(Problem::new("the profile counts something else than time")
            .help("the unit is seconds, milliseconds, microseconds or nanoseconds")),
    }
}

pub(super) fn read(bytes: &[u8], options: &TraceOptions) -> Result<Trace, Problem> {
    let file: File = serde_json::from_slice(bytes).map_err(|e| {
        Problem::new(format!(
            "it is no file of speedscope: {}",
            shortened(&e.to_string())
        ))
        .help("expected is its JSON, as py-spy record --format speedscope writes it")
    })?;
    let frames: Vec<Frame<'_>> = file
        .shared
        .frames
        .iter()
        .map(|f| Frame {
            name: &f.name,
            file: f.file.as_deref().unwrap_or(""),
        })
        .collect();
    let frame = |i: usize| {
        frames
            .get(i)
            .copied()
            .ok_or_else(|| Problem::new(format!("there is no frame {i}")))
    };
    let mut stacks: Vec<Stack<'_>> = Vec::new();
    let mut calls: HashMap<Frame<'_>, u64> = HashMap::new();
    let mut evented = true;
    for profile in &file.profiles {
        match profile {
            Profile::Sampled {
                unit: name,
                samples,
                weights,
            } => {
                evented = false;
                let scale = unit(name)?;
                for (sample, weight) in samples.iter().zip(weights) {
                    let stack: Result<Vec<_>, _> =
                        sample.iter().take(DEEPEST).map(|i| frame(*i)).collect();
                    stacks.push((stack?, time(*weight, scale)));
                }
            }
            Profile::Evented { unit: name, events } => {
                replay(events, unit(name)?, &frame, &mut stacks, &mut calls)?;
            }
        }
        if stacks.len() > MAX_SAMPLES {
            return Err(Problem::new(format!(
                "there are more samples than {MAX_SAMPLES}"
            )));
        }
    }
    let counted = |frame: Frame<'_>| calls.get(&frame).copied().unwrap_or(1);
    let known: Option<&dyn Fn(Frame<'_>) -> u64> = if evented { Some(&counted) } else { None };
    learn(&stacks, known, options)
}

fn time(weight: f64, scale: f64) -> f64 {
    let seconds = weight * scale;
    if seconds.is_finite() {
        seconds.max(0.0)
    } else {
        0.0
    }
}

/// The stacks of an evented profile, each for as long as it stood, and how often each function was called from outside of itself.
fn replay<'a>(
    events: &[Event],
    scale: f64,
    frame: &impl Fn(usize) -> Result<Frame<'a>, Problem>,
    stacks: &mut Vec<Stack<'a>>,
    calls: &mut HashMap<Frame<'a>, u64>,
) -> Result<(), Problem> {
    let mut open: Vec<Frame<'a>> = Vec::new();
    let mut last = None;
    for event in events {
        let since = last.replace(event.at).unwrap_or(event.at);
        let seconds = time(event.at - since, scale);
        if seconds > 0.0 && !open.is_empty() {
            // Copies of deep stacks would take too much memory: the outermost frames and the innermost one say all.
            let mut stack: Vec<Frame<'a>> = open.iter().take(SHOWN).copied().collect();
            if open.len() > SHOWN {
                stack.extend(open.last());
            }
            stacks.push((stack, seconds));
        }
        let this = frame(event.frame)?;
        if event.kind == "O" {
            if open.len() >= DEEPEST {
                return Err(Problem::new(format!(
                    "functions nest deeper than {DEEPEST}"
                )));
            }
            if !open.contains(&this) {
                *calls.entry(this).or_default() += 1;
            }
            open.push(this);
        } else if open.pop() != Some(this) {
            return Err(Problem::new(
                "a function ends that is not the last one that began",
            ));
        }
        if stacks.len() > MAX_SAMPLES {
            return Err(Problem::new(format!(
                "there are more events than {MAX_SAMPLES}"
            )));
        }
    }
    Ok(())
}

/// So many frames of a stack are kept.
const SHOWN: usize = 64;
