//! Finds out which tasks other tasks make: stages of a pipeline, whose arrivals say nothing of the load, and requests of users who wait for each
//! before they make the next.

use std::collections::{BTreeMap, BTreeSet};

use super::trace::{StepKind, Trace, TraceRow};
use crate::engine::Nanos;

/// This share of the tasks of a class has to be made by others for the class to be.
const MADE: f64 = 0.9;
/// A task of one stage makes at most this number of the next on average: what makes more of them is a load, not a stage.
const OF_A_STAGE: f64 = 4.0;
/// A user makes at least this number of requests on average.
const OF_A_USER: f64 = 5.0;
/// This share of a user's requests may begin before the one before is over, because the clocks of threads differ.
const SIDE_BY_SIDE: f64 = 0.02;
/// Users compute for less than this share of the time between their requests: a closed loop lets them only wait.
const COMPUTES: f64 = 0.2;

/// Users who wait for their answer, think, and ask again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClosedLoop {
    /// The number of users.
    pub(super) users: usize,
    /// Times from an answer to the same user's next request.
    pub(super) think: Vec<Nanos>,
    /// Names of the users' classes.
    classes: Vec<String>,
}

impl ClosedLoop {
    /// A note about it for the user: a sentence without a full stop.
    pub(super) fn note(&self) -> String {
        format!(
            "{} tasks of {} make one request after another, each when the one before is over: they are the users of a closed loop, and their \
             requests are the tasks. What they do between two requests is thinking",
            self.users,
            self.classes.join(", ")
        )
    }
}

/// One task's class, and when it arrived and ended.
#[derive(Clone, Copy, Debug)]
struct Life {
    class: u32,
    arrival: i64,
    end: i64,
    /// Nanoseconds on the CPU.
    computed: u64,
}

fn lives(trace: &Trace) -> BTreeMap<u32, Life> {
    let mut all: BTreeMap<u32, Life> = BTreeMap::new();
    let timed = |r: &&TraceRow| {
        !matches!(
            r.kind,
            StepKind::PayloadIn(_) | StepKind::PayloadOut(_) | StepKind::Within(_)
        )
    };
    for row in trace.rows.iter().filter(timed) {
        let life = all.entry(row.task).or_insert(Life {
            class: row.class,
            arrival: row.start,
            end: row.end,
            computed: 0,
        });
        life.arrival = life.arrival.min(row.start);
        life.end = life.end.max(row.end);
        if matches!(row.kind, StepKind::Cpu | StepKind::Native) {
            life.computed = life.computed.saturating_add(row.end.abs_diff(row.start));
        }
    }
    all
}

/// Classes of which others make nearly all tasks.
fn made(trace: &Trace, lives: &BTreeMap<u32, Life>) -> BTreeSet<u32> {
    let mut counts: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    for (task, life) in lives {
        let (all, made) = counts.entry(life.class).or_default();
        *all += 1;
        *made += usize::from(trace.facts.causes.contains_key(task));
    }
    counts
        .into_iter()
        .filter(|(_, (all, made))| *made as f64 >= MADE * *all as f64)
        .map(|(class, _)| class)
        .collect()
}

/// The tasks of stages behind the first one of a pipeline: they arrive when a task of the stage before makes them, whenever the load came.
pub(super) fn later_stages(trace: &Trace) -> BTreeSet<u32> {
    let lives = lives(trace);
    let made = made(trace, &lives);
    let of_class = |class: u32| {
        let causes = &trace.facts.causes;
        let lives = &lives;
        causes
            .iter()
            .filter(move |(task, _)| lives.get(task).is_some_and(|l| l.class == class))
    };
    let is_stage = |class: &u32| {
        let makers: BTreeSet<u32> = of_class(*class).map(|(_, by)| *by).collect();
        let tasks = of_class(*class).count();
        tasks as f64 <= OF_A_STAGE * makers.len() as f64
    };
    let stages: BTreeSet<u32> = made.into_iter().filter(is_stage).collect();
    let in_stage = |(_, life): &(&u32, &Life)| stages.contains(&life.class);
    lives
        .iter()
        .filter(in_stage)
        .map(|(task, _)| *task)
        .collect()
}

/// Takes users who ask for one task after another out of a trace, and says what is known of them; `None` if it shows none.
pub(super) fn closed_loop(trace: &Trace) -> Option<(Trace, ClosedLoop)> {
    let lives = lives(trace);
    let made = made(trace, &lives);
    let mut requests: BTreeMap<u32, Vec<(i64, i64)>> = BTreeMap::new();
    for (task, by) in &trace.facts.causes {
        let life = lives.get(task).filter(|l| made.contains(&l.class));
        if let Some(life) = life {
            let mine = requests.entry(*by).or_default();
            mine.push((life.arrival, life.end));
        }
    }
    let users: BTreeSet<u32> = requests.keys().copied().collect();
    let classes: BTreeSet<u32> = users
        .iter()
        .filter_map(|u| Some(lives.get(u)?.class))
        .collect();
    // There is nobody but users and their requests.
    let known = |(task, life): (&u32, &Life)| {
        made.contains(&life.class) != (users.contains(task) && classes.contains(&life.class))
    };
    if users.is_empty() || !lives.iter().all(known) {
        return None;
    }
    let count: usize = requests.values().map(Vec::len).sum();
    let (mut think, mut early) = (Vec::new(), 0_usize);
    for mine in requests.values_mut() {
        mine.sort_unstable();
        for pair in mine.windows(2) {
            let pause = pair[1].0.saturating_sub(pair[0].1);
            early += usize::from(pause < 0);
            think.push(Nanos(u64::try_from(pause).unwrap_or(0)));
        }
    }
    let between: u64 = think.iter().map(|t| t.0).fold(0, u64::saturating_add);
    let of_users = users.iter().filter_map(|u| lives.get(u));
    let computed = of_users.map(|l| l.computed).fold(0, u64::saturating_add);
    let own: u64 = requests
        .values()
        .flatten()
        .map(|(a, e)| e.abs_diff(*a))
        .fold(between, u64::saturating_add);
    let is_closed = count as f64 >= OF_A_USER * users.len() as f64
        && early as f64 <= SIDE_BY_SIDE * think.len() as f64
        && computed as f64 <= COMPUTES * own as f64;
    if !is_closed {
        return None;
    }
    let mut rest = trace.clone();
    rest.rows.retain(|r| !users.contains(&r.task));
    let classes = classes.iter().map(|c| trace.classes[*c as usize].clone());
    let found = ClosedLoop {
        users: users.len(),
        think,
        classes: classes.collect(),
    };
    Some((rest, found))
}
