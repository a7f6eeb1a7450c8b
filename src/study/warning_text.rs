//! Texts of warnings about servers and resources, each of which is about figures of its cases.

use super::crashes::COUNTED;
use super::warning::{Crashed, FullQueue, KilledWorkers, Rejected};
use crate::engine::Nanos;
use crate::quantity::{counted, list, percent, seconds};
use crate::scenario::SOMAXCONN;
use crate::scenario::units::grouped;
use crate::strategy::ADMISSION;

pub(super) fn rejected_text(cases: &[Rejected], breakers: &[String], heedless: bool) -> String {
    let (open, others): (Vec<&Rejected>, Vec<&Rejected>) =
        cases.iter().partition(|c| breakers.contains(&c.resource));
    let (away, full): (Vec<&Rejected>, Vec<&Rejected>) =
        others.into_iter().partition(|c| c.resource == ADMISSION);
    let mut said = Vec::new();
    if !away.is_empty() {
        said.push(away_text(&away));
    }
    if !full.is_empty() {
        said.push(full_text(&full, heedless));
    }
    if !open.is_empty() {
        said.push(open_text(&open));
    }
    said.join(" Moreover ")
}

/// How often each of these is rejected.
fn how_often(cases: &[&Rejected]) -> String {
    let each: Vec<String> = cases
        .iter()
        .map(|c| {
            format!(
                "`{}` by `{}` under {} ({} of {} times, {})",
                c.resource,
                c.task,
                c.case,
                grouped(c.times),
                grouped(c.asked),
                percent(c.times as f64 / c.asked.max(1) as f64)
            )
        })
        .collect();
    list(&each)
}

fn away_text(cases: &[&Rejected]) -> String {
    format!(
        "tasks are turned away, as the scenario's `admission` has it: {}. Whoever is let in is answered sooner for that; let more in (`limit`, `target`) \
         if those have time to spare, or have more workers.",
        how_often(cases)
    )
}

fn open_text(cases: &[&Rejected]) -> String {
    format!(
        "tasks fail at once because a circuit breaker is open: {}. Look first at what fails behind it; `failures` and `reset` say after how \
         many failures it opens, and for how long.",
        how_often(cases)
    )
}

fn full_text(cases: &[&Rejected], heedless: bool) -> String {
    let heed = if heedless {
        "heed when they are told to come again (`retry_after`), "
    } else {
        ""
    };
    format!(
        "tasks are rejected because others use all that there is: {}. Let them {heed}wait for it (`wait` in place of `full: Reject`), ask \
         less often, or have more of it.",
        how_often(cases)
    )
}

pub(super) fn full_backlog_text(cases: &[FullQueue]) -> String {
    let each: Vec<String> = cases
        .iter()
        .map(|c| {
            let lost = match c.given_up {
                0 => String::new(),
                n => format!("; {} given up", grouped(n)),
            };
            let late = match c.late {
                None => "none of which gets in".into(),
                Some(late) => format!("those that get in come {} later on average", seconds(late)),
            };
            format!(
                "{} ({} of {} connections, {late}; up to {} wait at once, and the queue holds {}{lost})",
                c.case,
                grouped(c.connections),
                grouped(c.of),
                grouped(c.most),
                grouped(c.holds)
            )
        })
        .collect();
    // The queue holds one more than the backlog.
    let needed = cases.iter().map(|c| c.most.saturating_sub(1)).max();
    let backlog = match needed {
        Some(n) if n <= u64::from(SOMAXCONN) => {
            format!("a longer queue (a `backlog` of {} would do)", grouped(n))
        }
        _ => format!(
            "lower the load (no queue holds so many: Linux cuts a backlog to {})",
            grouped(SOMAXCONN)
        ),
    };
    format!(
        "connections find the listen queue full and are asked for again after 1 s, 2 s and so on, which makes them late rather than refused: {}. \
         Have more workers, or {backlog}.",
        list(&each)
    )
}

pub(super) fn worker_timeout_text(
    cases: &[KilledWorkers],
    loops: bool,
    one_by_one: bool,
) -> String {
    let each: Vec<String> = cases
        .iter()
        .map(|c| {
            format!(
                "{} ({} killed, {} failed; the time-out is {})",
                c.case,
                counted(c.workers, "worker"),
                counted(c.tasks, "task"),
                seconds(c.timeout)
            )
        })
        .collect();
    let mut advice = "Raise `timeout`, or let tasks take less time".to_owned();
    if loops {
        advice += "; keep an event loop free of what takes long (offload it)";
    }
    if one_by_one {
        advice += "; or take workers with threads, which show themselves alive whatever their requests do";
    }
    format!(
        "the server kills workers that have been silent for longer than its time-out, and all that they had taken in fails: {}. {advice}.",
        list(&each)
    )
}

pub(super) fn crashed_workers_text(cases: &[Crashed]) -> String {
    let each: Vec<String> = (cases.iter())
        .map(|c| {
            let back = if c.back > Nanos::ZERO {
                format!("; another one answered {} later", seconds(c.back))
            } else {
                String::new()
            };
            format!(
                "{} ({}, with {}{back})",
                c.case,
                counted(c.workers, "worker"),
                counted(c.tasks, "task")
            )
        })
        .collect();
    format!(
        "workers crash or are killed, as the scenario's `faults` have it, and what they have taken in fails until others take their places: {}. Fewer tasks in \
         each worker (more processes) lose less. {COUNTED}",
        list(&each)
    )
}
