//! Finds out whether a program lets only a certain number of tasks run at once, by a semaphore or a pool.
//!
//! A trace shows such a limit as a ceiling: while other tasks that have arrived wait, this number of tasks is under way most of the time,
//! and never more. A load that merely happened to reach its maximum, with no task waiting, shows no limit. A busy loop or interpreter shows
//! none either: it lets ever more tasks begin, or changing numbers of them.

use std::collections::BTreeMap;

use super::trace::{Scope, StepKind, Trace, TraceRow};
use crate::scenario::limits;

/// A task counts as under way from the end of the last wait before which it had done less than this share of its work (or of the mean
/// task's work). A task that tries a semaphore has already run for some microseconds before it waits.
const BEFORE: f64 = 0.05;
/// Who holds a lock so soon (in nanoseconds) after a wait has waited for that lock.
const SOON: i64 = 1_000_000;
/// For this share of the whole time more tasks may be under way, because the clocks of several threads differ a little.
const ABOVE: f64 = 0.01;
/// In this share of the time in which others wait, as many tasks as the limit, or up to a tenth fewer, have to be under way.
const STEADY: f64 = 0.85;
/// The share for a busy machine, on which a task that may go on does not do so at once. There, no other number may be as frequent as the
/// limit itself (numbers that come about by chance get rare towards the greatest), and the limit has to be reached within half of the time
/// that a task takes (where tasks begin one after another, the first ones end before that).
const OFTEN: f64 = 0.3;
const RISE: f64 = 0.5;
/// The least limit that is found in this second way, because small ones come about by chance.
const SEVERAL: usize = 3;
/// Other tasks have to wait for at least this share of the whole time.
const LONG: f64 = 0.1;
/// At least this number of tasks have to have waited for longer than a tenth of the time that a task takes.
const WAITERS: usize = 5;
/// The greatest share of CPU time at which one task at a time is a limit: an event loop runs code that never awaits one task at a time
/// anyway.
const OWN_CPU: f64 = 0.5;

/// A limit on the number of tasks under way at once, reached while others waited.
#[derive(Clone, Debug, PartialEq)]
pub struct ConcurrencyLimit {
    /// The greatest number of tasks under way.
    pub tasks: usize,
    /// The greatest number of tasks that waited at the same time meanwhile.
    pub waiting: usize,
    /// The class whose tasks are limited; `None` if it is all tasks together.
    pub class: Option<String>,
    /// The share of the tasks' time under way in which they computed.
    pub computing: f64,
}

/// The course of one task in time.
#[derive(Clone, Copy, Debug)]
struct TaskInterval {
    class: u32,
    arrival: i64,
    begin: i64,
    end: i64,
    /// Nanoseconds on the CPU, in Python code or not.
    computed: u64,
}

/// The limit that a trace shows: that of all tasks, or else that of the first class that has one.
pub(super) fn limit(trace: &Trace) -> Option<ConcurrencyLimit> {
    let all = ways(trace);
    if let Some(found) = plateau(&all) {
        return Some(found);
    }
    let several = all.iter().any(|w| w.class != all[0].class);
    trace
        .classes
        .iter()
        .zip(0_u32..)
        .filter(|_| several)
        .find_map(|(name, class)| {
            let own: Vec<TaskInterval> = all.iter().filter(|w| w.class == class).copied().collect();
            let found = plateau(&own)?;
            Some(ConcurrencyLimit {
                class: Some(name.clone()),
                ..found
            })
        })
}

/// The greatest number of tasks that were under way at once.
pub(super) fn at_once(trace: &Trace) -> usize {
    let course = ConcurrencyHistogram::of(&ways(trace));
    course.all.keys().max().copied().unwrap_or(0)
}

fn ways(trace: &Trace) -> Vec<TaskInterval> {
    let timed = |r: &&TraceRow| {
        !matches!(
            r.kind,
            StepKind::PayloadIn(_) | StepKind::PayloadOut(_) | StepKind::Within(Scope::Offload(_))
        )
    };
    let mut rows: Vec<&TraceRow> = trace.rows.iter().filter(timed).collect();
    rows.sort_by_key(|r| (r.task, r.start));
    let all: f64 = rows.iter().map(|r| work(r) as f64).sum();
    let tasks = || rows.chunk_by(|a, b| a.task == b.task);
    let mean = all / tasks().count().max(1) as f64;
    tasks().filter_map(|rows| way(rows, mean)).collect()
}

/// The time in nanoseconds that is not spent waiting for something that the simulation itself produces.
fn work(r: &TraceRow) -> u64 {
    match r.kind {
        StepKind::Wait | StepKind::Signal | StepKind::Within(_) => 0,
        _ => r.end.abs_diff(r.start),
    }
}

/// The course of a task in time; `None` for a task that did nothing. `mean` is the work of all tasks on average.
fn way(rows: &[&TraceRow], mean: f64) -> Option<TaskInterval> {
    let total: u64 = rows.iter().map(|r| work(r)).sum();
    let first = rows.first().filter(|_| total > 0)?;
    let little = BEFORE * mean.max(total as f64);
    // A task that has, or waits for, what the scenario has a name for is past the program's limit: it is under way.
    let holds = |r: &&&TraceRow| matches!(r.kind, StepKind::Within(_));
    let named = rows
        .iter()
        .filter(holds)
        .map(|r| r.start)
        .min()
        .unwrap_or(i64::MAX);
    let (mut done, mut begin) = (0_u64, first.start);
    for row in rows {
        if row.kind == StepKind::Signal {
            // It waits for what another says, not for its turn.
            break;
        }
        if row.kind == StepKind::Wait {
            // The first one is for a worker, or for the loop.
            let is_named = row.start > first.start && row.end.saturating_add(SOON) >= named;
            if done as f64 > little || is_named {
                break;
            }
            begin = begin.max(row.end);
        }
        if row.kind != StepKind::Blocked {
            // A task that loses the core in its first moments has not begun by that.
            done += work(row);
        }
    }
    let computes = |r: &&&TraceRow| matches!(r.kind, StepKind::Cpu | StepKind::Native);
    Some(TaskInterval {
        class: first.class,
        arrival: first.start,
        begin,
        end: rows.iter().map(|r| r.end).max().unwrap_or(begin).max(begin),
        computed: rows.iter().filter(computes).map(|r| work(r)).sum(),
    })
}

fn plateau(ways: &[TaskInterval]) -> Option<ConcurrencyLimit> {
    let service = |w: &TaskInterval| w.end.abs_diff(w.begin);
    let served: u64 = ways.iter().map(service).sum();
    let mean = served as f64 / ways.len().max(1) as f64;
    let waited = |w: &&TaskInterval| w.begin.abs_diff(w.arrival) as f64 > mean / 10.0;
    if ways.iter().filter(waited).count() < WAITERS {
        return None;
    }
    let course = ConcurrencyHistogram::of(ways);
    let tasks = course.ceiling()?;
    let steady = course.while_waiting(|n| n <= tasks && n + tasks / 10 >= tasks) as f64;
    let waiting = course.while_waiting(|_| true) as f64;
    let whole = course.over_all() as f64;
    let sharp = tasks >= SEVERAL
        && course.most_frequent() == Some(tasks)
        && course.rise(tasks) as f64 <= RISE * mean;
    let computed: u64 = ways.iter().map(|w| w.computed).sum();
    let computing = (computed as f64 / served.max(1) as f64).min(1.0);
    let is_limit = waiting > 0.0
        && waiting >= LONG * whole
        && (steady >= STEADY * waiting || (sharp && steady >= OFTEN * waiting))
        && (tasks > 1 || computing < OWN_CPU);
    is_limit.then_some(ConcurrencyLimit {
        tasks,
        waiting: course.most_beside(tasks),
        class: None,
        computing,
    })
}

/// For how long each number of tasks was under way, in nanoseconds.
#[derive(Debug, Default)]
struct ConcurrencyHistogram {
    /// The time by number of tasks.
    all: BTreeMap<usize, u64>,
    /// The part of that time in which others waited.
    others: BTreeMap<usize, u64>,
    /// The greatest number of tasks that waited at once beside each number under way.
    beside: BTreeMap<usize, usize>,
    /// When more tasks were under way than ever before: their number, and the time since the first began.
    records: Vec<(usize, u64)>,
}

impl ConcurrencyHistogram {
    fn of(ways: &[TaskInterval]) -> Self {
        // At the same instant, a task that ends makes room for one that begins, so it is counted first.
        let mut events: Vec<(i64, i64, i64)> = Vec::with_capacity(3 * ways.len());
        for w in ways {
            events.extend([(w.arrival, 0, 1), (w.begin, 1, -1), (w.end, -1, 0)]);
        }
        events.sort_unstable();
        let (mut course, mut under_way, mut waiting) = (Self::default(), 0_i64, 0_i64);
        let mut last = events.first().map_or(0, |e| e.0);
        let mut began = None;
        for (at, begun, arrived) in events {
            let time = at.abs_diff(last);
            if time > 0 {
                let n = usize::try_from(under_way).unwrap_or(0);
                *course.all.entry(n).or_default() += time;
                if waiting > 0 {
                    *course.others.entry(n).or_default() += time;
                    let most = course.beside.entry(n).or_default();
                    *most = (*most).max(usize::try_from(waiting).unwrap_or(0));
                }
            }
            last = at;
            under_way += begun;
            waiting += arrived;
            let n = usize::try_from(under_way).unwrap_or(0);
            if n > course.records.last().map_or(0, |r| r.0) {
                let first = *began.get_or_insert(at);
                course.records.push((n, at.abs_diff(first)));
            }
        }
        course
    }

    fn while_waiting(&self, of: impl Fn(usize) -> bool) -> u64 {
        sum(&self.others, of)
    }

    /// The greatest number that waited at once while `tasks` were under way (or any number, if nobody waited then).
    fn most_beside(&self, tasks: usize) -> usize {
        let most = |least: usize| self.beside.range(least..).map(|(_, n)| *n).max();
        most(tasks).or_else(|| most(0)).unwrap_or(0)
    }

    /// The number of tasks that was under way for longest while others waited.
    fn most_frequent(&self) -> Option<usize> {
        self.others.iter().max_by_key(|(_, t)| **t).map(|(n, _)| *n)
    }

    /// The time until `tasks` were under way for the first time.
    fn rise(&self, tasks: usize) -> u64 {
        let reached = self.records.iter().find(|(n, _)| *n >= tasks);
        reached.map_or(u64::MAX, |(_, time)| *time)
    }

    fn over_all(&self) -> u64 {
        sum(&self.all, |_| true)
    }

    /// The least number of tasks that was hardly ever exceeded; `None` for a trace without time.
    fn ceiling(&self) -> Option<usize> {
        let spare = ABOVE * self.over_all() as f64;
        let mut above = 0;
        let mut ceiling = None;
        for (n, time) in self.all.iter().rev() {
            ceiling = Some(*n);
            above += time;
            if above as f64 > spare {
                break;
            }
        }
        ceiling.filter(|n| (1..=limits::MAX_WORKERS as usize).contains(n))
    }
}

fn sum(times: &BTreeMap<usize, u64>, of: impl Fn(usize) -> bool) -> u64 {
    times.iter().filter(|(n, _)| of(**n)).map(|(_, t)| t).sum()
}

impl ConcurrencyLimit {
    /// The strategies that keep the limit, in their short forms.
    pub(super) fn strategies(&self) -> Vec<String> {
        /// The greatest number of worker processes that is proposed; nobody makes larger pools.
        const PROCESSES: usize = 64;
        /// From this share of computing on, the number of cores matters.
        const COMPUTES: f64 = 0.2;
        let n = self.tasks;
        let mut all = vec![
            "sequential".to_owned(),
            format!("threads:{n}"),
            format!("asyncio:{n}"),
        ];
        if self.computing >= COMPUTES && n <= PROCESSES {
            all.push(format!("processes:{n}:forkserver"));
        }
        all
    }

    /// A note about the limit for the user: a sentence without a full stop.
    pub(super) fn note(&self) -> String {
        let (n, waiting) = (self.tasks, self.waiting);
        match &self.class {
            None => format!(
                "at most {n} tasks were under way at once, while up to {waiting} others waited: the program has a limit (a semaphore, \
                 a pool). The scenario's strategies keep it; without `strategies` the usual ones are compared, without a limit"
            ),
            Some(class) => format!(
                "class {class}: at most {n} of its tasks were under way at once, while up to {waiting} others waited: the program has \
                 a limit for them (a semaphore, a pool). A scenario limits all classes together (`asyncio:{n}`, `threads:{n}`), so \
                 it is left out, and forecasts without it may be too good"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trace::GilObservation;
    use super::*;

    /// A trace of tasks (class, arrival, begin, end) that look for some microseconds, wait, and then work.
    fn trace(tasks: &[(u32, i64, i64, i64)], kind: StepKind) -> Trace {
        let mut rows = Vec::new();
        for (i, &(class, arrival, begin, end)) in tasks.iter().enumerate() {
            let mut row = |kind, start, end| {
                rows.push(TraceRow {
                    task: u32::try_from(i).unwrap(),
                    class,
                    kind,
                    start,
                    end,
                });
            };
            row(StepKind::Cpu, arrival, arrival + 3);
            row(StepKind::Wait, arrival + 3, begin);
            row(kind, begin, end);
        }
        Trace {
            rows,
            classes: vec!["a".into(), "b".into()],
            locks: Vec::new(),
            gil: vec![GilObservation::default()],
            ..Trace::default()
        }
    }

    /// Tasks as a semaphore lets them run: all arrive at once, and `n` run at a time.
    fn behind(n: i64, tasks: i64) -> Vec<(u32, i64, i64, i64)> {
        (0..tasks)
            .map(|i| {
                let begin = 1_100 + i / n * 50_100;
                (0, i * 5, begin + i % n * 7, begin + 50_000 + i % n * 7)
            })
            .collect()
    }

    #[test]
    fn a_plateau_with_others_waiting_is_a_limit() {
        let found = limit(&trace(&behind(20, 200), StepKind::Io)).unwrap();
        assert_eq!((found.tasks, &found.class), (20, &None));
        assert!(found.waiting == 180 && found.computing < 0.01, "{found:?}");
        assert_eq!(
            found.strategies(),
            ["sequential", "threads:20", "asyncio:20"]
        );
        let pool = limit(&trace(&behind(4, 100), StepKind::Cpu)).unwrap();
        assert_eq!(pool.tasks, 4);
        assert!(
            pool.strategies()
                .contains(&"processes:4:forkserver".to_owned())
        );
        assert_eq!(
            limit(&trace(&behind(1, 50), StepKind::Io)).unwrap().tasks,
            1
        );
    }

    #[test]
    fn a_load_that_reaches_its_most_is_none() {
        // All tasks run at once, and none waits.
        let all: Vec<_> = (0..100)
            .map(|i| (0, i * 5, i * 5 + 4, 50_000 + i * 5))
            .collect();
        assert_eq!(limit(&trace(&all, StepKind::Io)), None);
        // Tasks run one after another, as the loop runs code that never awaits.
        assert_eq!(limit(&trace(&behind(1, 50), StepKind::Cpu)), None);
        // Tasks wait while ever more others are under way.
        let rising: Vec<_> = (0..200_i64)
            .map(|i| (0, 0, i * 1_000 + 4, i * 1_000 + 150_000))
            .collect();
        assert_eq!(limit(&trace(&rising, StepKind::Io)), None);
        // A busy loop has changing numbers of tasks under way, and rarely the maximum.
        let busy: Vec<_> = (0..300_i64)
            .map(|i| {
                (
                    0,
                    i * 1_000,
                    i * 1_000 + 900,
                    i * 1_000 + 1_200 + i * i % 7 * 900,
                )
            })
            .collect();
        assert_eq!(limit(&trace(&busy, StepKind::Io)), None);
        // There are too few tasks to tell.
        assert_eq!(limit(&trace(&behind(20, 23), StepKind::Io)), None);
        assert_eq!(limit(&trace(&[], StepKind::Io)), None);
    }

    /// Tasks that wait for a lock that the trace names, or have it, are under way, and so are those that wait for what another says.
    #[test]
    fn who_waits_for_a_lock_or_a_notify_is_past_the_limit() {
        let mut locked = trace(&behind(1, 50), StepKind::Io);
        let holds: Vec<TraceRow> = locked
            .rows
            .iter()
            .filter(|r| r.kind == StepKind::Io)
            .copied()
            .collect();
        for row in holds {
            let kind = StepKind::Within(Scope::Lock(0));
            locked.rows.push(TraceRow { kind, ..row });
        }
        assert_eq!(limit(&locked), None);
        let mut told = trace(&behind(20, 200), StepKind::Io);
        for row in &mut told.rows {
            if row.kind == StepKind::Wait {
                row.kind = StepKind::Signal;
            }
        }
        assert_eq!(limit(&told), None);
    }

    /// On a busy machine a task that may go on does so late.
    #[test]
    fn a_ceiling_is_a_limit_too() {
        let mut free = [0_i64; 10];
        let tasks: Vec<_> = (0..200_i64)
            .map(|i| {
                let next = (0..10).min_by_key(|k| free[*k]).unwrap();
                let begin = free[next] + 3_000 + i * i % 11 * 1_000;
                free[next] = begin + 50_000;
                (0, i * 5, begin, begin + 50_000)
            })
            .collect();
        assert_eq!(limit(&trace(&tasks, StepKind::Io)).unwrap().tasks, 10);
    }

    #[test]
    fn a_class_of_its_own_may_be_limited() {
        let mut tasks = behind(10, 100);
        tasks.extend((0..300).map(|i| {
            (
                1,
                i * 1_600,
                i * 1_600 + 4,
                i * 1_600 + 9_000 + i % 7 * 9_000,
            )
        }));
        let found = limit(&trace(&tasks, StepKind::Io)).unwrap();
        assert_eq!((found.tasks, found.class.as_deref()), (10, Some("a")));
    }
}
