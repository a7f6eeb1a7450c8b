//! A strict reader of Chrome traces: whatever a viewer would quietly put up with is a failure here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What a trace holds, once it has been found to be in order.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) processes: BTreeMap<u64, String>,
    pub(crate) tracks: BTreeMap<(u64, u64), Track>,
    /// Nanoseconds of task time by cause.
    pub(crate) causes: BTreeMap<String, u64>,
    pub(crate) counters: BTreeMap<String, u64>,
    /// Arrows: how many threads each touches.
    pub(crate) arrows: Vec<usize>,
    /// Names of the tasks' rows.
    pub(crate) rows: Vec<String>,
    pub(crate) instants: Vec<String>,
    pub(crate) other: Value,
    /// Numbers of tracks.
    numbers: BTreeSet<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Track {
    pub(crate) name: String,
    /// Start, end, name.
    pub(crate) slices: Vec<(u64, u64, String)>,
}

/// An event of a task's row or of an arrow.
struct Mark {
    phase: String,
    at: u64,
    name: String,
    track: (u64, u64),
    cause: Option<String>,
}

fn whole(e: &Value, key: &str) -> u64 {
    e[key].as_u64().unwrap_or_else(|| panic!("no {key}: {e}"))
}

fn text(e: &Value, key: &str) -> String {
    e[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key}: {e}"))
        .to_owned()
}

/// Nanoseconds of a time in microseconds.
fn nanos(e: &Value, key: &str) -> u64 {
    let us = e[key].as_f64().unwrap_or_else(|| panic!("no {key}: {e}"));
    let ns = us * 1e3;
    assert!(
        (ns - ns.round()).abs() < 1e-2,
        "more digits than nanoseconds: {e}"
    );
    ns.round() as u64
}

/// Reads a trace.
pub(crate) fn read(json: &[u8]) -> Trace {
    let root: Value = serde_json::from_slice(json).expect("JSON");
    assert_eq!(root["displayTimeUnit"], "ns");
    let mut trace = Trace {
        other: root["otherData"].clone(),
        ..Trace::default()
    };
    let mut rows: BTreeMap<(u64, u64), Vec<Mark>> = BTreeMap::new();
    let mut flows: BTreeMap<u64, Vec<Mark>> = BTreeMap::new();
    let mut counters: BTreeMap<(u64, String), u64> = BTreeMap::new();
    for e in root["traceEvents"].as_array().expect("a list") {
        let phase = text(e, "ph");
        let (pid, tid) = (whole(e, "pid"), whole(e, "tid"));
        if phase == "M" {
            metadata(&mut trace, e, (pid, tid));
            continue;
        }
        assert!(
            trace.processes.contains_key(&pid),
            "process without a name: {e}"
        );
        let mark = Mark {
            at: nanos(e, "ts"),
            name: text(e, "name"),
            track: (pid, tid),
            cause: e["args"]["cause"].as_str().map(str::to_owned),
            phase,
        };
        match mark.phase.as_str() {
            "X" => slice(&mut trace, &mark, nanos(e, "dur")),
            "b" | "e" => {
                text(e, "cat");
                rows.entry((pid, whole(e, "id"))).or_default().push(mark);
            }
            "s" | "t" | "f" => {
                assert_eq!(e["bp"], "e", "binds to the slice around it: {e}");
                flows.entry(whole(e, "id")).or_default().push(mark);
            }
            "C" => {
                let values = e["args"].as_object().expect("values");
                assert!(
                    !values.is_empty() && values.values().all(Value::is_number),
                    "{e}"
                );
                let last = counters.entry((pid, mark.name.clone())).or_default();
                assert!(*last <= mark.at, "counters go back: {e}");
                *last = mark.at;
                *trace.counters.entry(mark.name).or_default() += 1;
            }
            "i" => {
                assert_eq!(e["s"], "g");
                trace.instants.push(mark.name);
            }
            other => panic!("no such phase: {other}"),
        }
    }
    for track in trace.tracks.values() {
        nested(track);
    }
    for marks in rows.values() {
        row(&mut trace, marks);
    }
    for marks in flows.values() {
        arrow(&mut trace, marks);
    }
    trace
}

fn metadata(trace: &mut Trace, e: &Value, track: (u64, u64)) {
    match text(e, "name").as_str() {
        "process_name" => {
            let before = trace.processes.insert(track.0, text(&e["args"], "name"));
            assert!(before.is_none(), "two names: {e}");
        }
        "thread_name" => {
            let name = text(&e["args"], "name");
            assert!(
                !name.is_empty() && trace.processes.contains_key(&track.0),
                "{e}"
            );
            let process = trace.processes.contains_key(&track.1);
            assert!(
                trace.numbers.insert(track.1) && !process,
                "number used twice: {e}"
            );
            trace.tracks.insert(
                track,
                Track {
                    name,
                    slices: Vec::new(),
                },
            );
        }
        "process_sort_index" | "thread_sort_index" => {
            whole(&e["args"], "sort_index");
        }
        other => panic!("no such metadata: {other}"),
    }
}

fn slice(trace: &mut Trace, mark: &Mark, lasted: u64) {
    assert!(lasted > 0, "an empty slice: {}", mark.name);
    let track = trace.tracks.get_mut(&mark.track);
    let track = track.unwrap_or_else(|| panic!("{:?} has no name", mark.track));
    let end = mark.at + lasted;
    if let Some(cause) = &mark.cause {
        *trace.causes.entry(cause.clone()).or_default() += lasted;
    }
    track.slices.push((mark.at, end, mark.name.clone()));
}

/// Slices of a track come in order of time, and lie within one another or apart.
fn nested(track: &Track) {
    let mut open: Vec<u64> = Vec::new();
    let mut last = 0;
    for (from, to, name) in &track.slices {
        assert!(*from >= last, "{}: {name} goes back to {from}", track.name);
        last = *from;
        open.retain(|end| end > from);
        if let Some(outer) = open.last() {
            assert!(
                to <= outer,
                "{}: {name} at {from} outlasts what it is in",
                track.name
            );
        }
        open.push(*to);
    }
}

/// What a task's row begins it ends, innermost first.
fn row(trace: &mut Trace, marks: &[Mark]) {
    let mut open: Vec<&Mark> = Vec::new();
    let mut last = 0;
    trace.rows.push(marks[0].name.clone());
    for mark in marks {
        assert!(mark.at >= last, "{} goes back", mark.name);
        last = mark.at;
        if mark.phase == "b" {
            assert!(open.len() < 2, "a row has two levels: {}", mark.name);
            open.push(mark);
            continue;
        }
        let begun = open.pop().expect("an end has a beginning");
        assert_eq!(begun.name, mark.name);
        if let Some(cause) = &begun.cause {
            *trace.causes.entry(cause.clone()).or_default() += mark.at - begun.at;
        }
    }
    assert!(open.is_empty(), "without an end: {}", open[0].name);
}

/// An arrow begins, perhaps goes on, and ends, each in a slice.
fn arrow(trace: &mut Trace, marks: &[Mark]) {
    let phases: String = marks.iter().map(|m| m.phase.as_str()).collect();
    let between = phases.strip_prefix('s').and_then(|p| p.strip_suffix('f'));
    assert!(
        between.is_some_and(|b| b.chars().all(|c| c == 't')),
        "{phases}"
    );
    for two in marks.windows(2) {
        assert!(two[0].at <= two[1].at && two[0].track != two[1].track);
    }
    for m in marks {
        let track = &trace.tracks[&m.track];
        let begun = track.slices.partition_point(|s| s.0 <= m.at);
        assert!(
            begun > 0 && m.at < track.slices[begun - 1].1,
            "{} at {}: no slice",
            track.name,
            m.at
        );
    }
    trace.arrows.push(marks.len());
}
