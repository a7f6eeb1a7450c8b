//! Learns a workload with fitted distributions from a trace.

use std::collections::{BTreeMap, BTreeSet};

use super::arrivals::{ArrivalsChoice, FittedArrivals};
use super::caused::closed_loop;
use super::facts::ProcessFacts;
use super::fit::{Fit, FitVerdict, brief, fit};
use super::gil::GilUse;
use super::limit::{ConcurrencyLimit, at_once};
use super::load::learn_arrivals;
use super::notes::{dependence, measured_times};
use super::process::{ProcessCosts, process_costs};
use super::seen::{SeenStrategy, compared, seen, threads_of};
use super::structure::{ShapeClass, ShapeNode, group};
use super::trace::{RecordedResource, Scope, Trace};
use super::{facts, limit as limits_of};
use crate::engine::Nanos;
use crate::scenario::units::grouped;
use crate::scenario::{Releases, limits};

/// A sequence that repeats itself has at most so many steps, and at least so many rounds.
const LONGEST_PERIOD: usize = 8;
const LEAST_ROUNDS: usize = 3;
/// A step is brief if on average it is shorter than this (in nanoseconds) and than a hundredth of its task.
const BRIEF: f64 = 100_000.0;
/// The kind of a step that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimedStep {
    /// Waiting for something outside the program.
    Io,
    /// A call that blocks whoever makes it.
    Block,
    /// Python code.
    Cpu,
    /// C code that has released the GIL.
    Native,
}

impl TimedStep {
    /// The name of the kind as the scenario format writes it.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Io => "Io",
            Self::Block => "Block",
            Self::Cpu => "Cpu",
            Self::Native => "Native",
        }
    }
}

/// A learnt step.
#[derive(Clone, Debug, PartialEq)]
pub enum LearnedStep {
    /// A step that takes a random time.
    Work(TimedStep, Fit),
    /// Python code of which C parts without the GIL are this share of the time.
    PartlyNative(Fit, f64),
    /// Python code that gives the GIL up: how often on average, and for how long each time.
    Releasing(Fit, Releases),
    /// A call's arguments travel to another process, or its result back: whether it is the arguments, and how much.
    Payload(bool, LearnedPayload),
    /// Steps under a lock, with a resource or in a pool, of this name in the scenario.
    Within(Scope, String, Vec<LearnedStep>),
    /// Steps that are done this number of times.
    Repeat(usize, Vec<LearnedStep>),
}

/// How many bytes travel between processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnedPayload {
    /// Their mean number.
    pub bytes: u64,
    /// Whether it is always the same.
    pub same: bool,
}

/// A class of tasks that was learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedClass {
    /// The name of the class.
    pub name: String,
    /// The number of its tasks in the trace.
    pub count: usize,
    /// What is sent to the worker.
    pub payload_in: Option<LearnedPayload>,
    /// What is sent back.
    pub payload_out: Option<LearnedPayload>,
    /// The steps of a task.
    pub steps: Vec<LearnedStep>,
}

/// How to learn a workload.
#[derive(Clone, Debug)]
pub struct Options {
    /// The scenario's name.
    pub name: String,
    /// A description of where the trace came from, for the scenario's first comment.
    pub origin: String,
    /// The interpreter that the CPU times were measured on, and its `cpu_factor`, by which they are divided. `None` if they are to be taken
    /// for times on the baseline interpreter.
    pub interpreter: Option<(String, f64)>,
    /// The number of cores of the machine that the scenario is for; `None` for that of [`Self::recorded_on`].
    pub cores: Option<u32>,
    /// The number of cores of the machine that was recorded; `None` if it is not known, which leaves the scenario's default.
    pub recorded_on: Option<u32>,
    /// The memory of that machine in bytes; `None` if it is not known.
    pub memory: Option<u64>,
    /// Whether every thread pool was given one worker for the recording; then one task at a time is not taken for a limit of the program's.
    pub one_worker: bool,
    /// How tasks arrive.
    pub arrivals: ArrivalsChoice,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "recorded".into(),
            origin: "a trace".into(),
            interpreter: None,
            cores: None,
            recorded_on: None,
            memory: None,
            one_worker: false,
            arrivals: ArrivalsChoice::Auto,
        }
    }
}

/// A workload learnt from a trace.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The options that it was learnt with.
    pub options: Options,
    /// How tasks arrive.
    pub arrivals: FittedArrivals,
    /// Whether tasks of the classes of a batch are interleaved.
    pub interleaved: bool,
    /// The classes, in the order of their first arrival; at least one.
    pub classes: Vec<LearnedClass>,
    /// Names of the locks that steps use.
    pub locks: Vec<String>,
    /// Resources that steps use.
    pub resources: Vec<RecordedResource>,
    /// How many tasks the program lets run at once, where the trace shows that and no resource does.
    pub limit: Option<ConcurrencyLimit>,
    /// The strategy that was recorded, where the trace says so.
    pub seen: Option<SeenStrategy>,
    /// The strategies that the scenario compares, in their short forms; empty: a usual set.
    pub strategies: Vec<String>,
    /// What processes cost beside their tasks.
    pub costs: ProcessCosts,
    /// What the recorded run took.
    pub observed: Observed,
    /// What the user should know: sentences without a full stop.
    pub notes: Vec<String>,
}

/// What a recorded run took, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Observed {
    /// From the first arrival to the last end; of rounds with the main program's serial part before the first one or after the last one.
    pub makespan: f64,
    /// The median of the tasks' latencies.
    pub p50: f64,
    /// Their 99th percentile.
    pub p99: f64,
    /// The most bytes in memory, if a single process was recorded.
    pub memory: Option<u64>,
}

/// Why no workload can be learnt from a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// No task has a step with a duration.
    #[error("the trace holds no task with a cpu, native, io or lock step")]
    NoSteps,
    /// So many classes that a scenario could not name them.
    #[error(
        "the trace holds {} classes, more than {}; give tasks that are alike one class",
        grouped(*.0), limits::named("MAX_NAMES", limits::MAX_NAMES)
    )]
    Classes(usize),
    /// So many steps that a scenario could not hold them.
    #[error(
        "the classes have {} steps together, too many for a scenario; record fewer classes, or fewer steps of each task",
        grouped(*.0)
    )]
    Steps(usize),
}

/// Learns a workload from what was recorded.
///
/// # Errors
/// If no task has a step with a duration, or the scenario would be past a limit.
pub fn learn(trace: &Trace, options: Options) -> Result<Learned, LearnError> {
    let mut notes = trace.notes.clone();
    let mut trace = facts::without_background(trace, &mut notes);
    let is_auto = options.arrivals == ArrivalsChoice::Auto;
    let mut closed = None;
    if is_auto && let Some((rest, found)) = closed_loop(&trace) {
        notes.push(found.note());
        trace = rest;
        closed = Some(found);
    }
    let trace = &trace;
    let grouping = group(trace);
    notes.extend(grouping.notes);
    let groups = grouping.groups;
    if groups.is_empty() {
        return Err(LearnError::NoSteps);
    }
    if groups.len() > limits::MAX_NAMES {
        return Err(LearnError::Classes(groups.len()));
    }
    let steps: usize = groups.iter().map(|g| g.shape.len()).sum();
    if steps > limits::MAX_STEPS / 4 {
        return Err(LearnError::Steps(steps));
    }
    let tasks = || groups.iter().flat_map(|g| &g.tasks);
    let factor = options.interpreter.as_ref().map_or(1.0, |(_, f)| *f);
    let rare = groups.iter().flat_map(|g| g.rare.iter().copied());
    let spans: Vec<(i64, i64)> = tasks().map(|t| (t.arrival, t.end)).chain(rare).collect();
    let (arrivals, beside) = match closed {
        Some(found) => (
            FittedArrivals::Closed {
                users: found.users.min(limits::MAX_WORKERS as usize),
                think: fit(&found.think),
            },
            0,
        ),
        None => learn_arrivals(&spans, &groups, trace, &options, &mut notes),
    };
    let classes: Vec<LearnedClass> = groups
        .iter()
        .map(|g| learn_class(g, trace, factor, &mut notes))
        .collect();
    measured_times(&groups, options.one_worker, &mut notes);
    let limit = limits_of::limit(trace)
        .filter(|l| !(options.one_worker && l.tasks == 1))
        // What a resource explains is no limit of its own; on a busy machine one task more seems to be under way.
        .filter(|l| {
            let explains = |size: u64| size.abs_diff(l.tasks as u64) <= 1 + size / 10;
            !trace.resources.iter().any(|r| explains(r.size))
        })
        // Nor is the pool of a class, which stands in the strategies.
        .filter(|l| {
            let class = l.class.as_deref();
            class.is_none_or(|class| threads_of(trace, class) != Some(l.tasks))
        });
    notes.extend(limit.as_ref().map(ConcurrencyLimit::note));
    let mut used = Vec::new();
    classes
        .iter()
        .for_each(|c| scope_names(&c.steps, &mut used));
    let sizes: Vec<(usize, usize)> = groups.iter().map(|g| (g.class, g.count())).collect();
    let whole = limit.as_ref().filter(|l| l.class.is_none());
    let seen = seen(trace, &sizes, whole, options.one_worker, &mut notes);
    let cores = options.cores.or(options.recorded_on).unwrap_or(4);
    let strategies = compared(trace, seen.as_ref(), whole, cores);
    let costs = process_costs(trace, spans.len(), at_once(trace), &mut notes);
    Ok(Learned {
        locks: named(&used, &trace.locks, |scope| match scope {
            Scope::Lock(l) => Some(l),
            Scope::Use(_) | Scope::Offload(_) => None,
        }),
        resources: named(&used, &trace.resources, |scope| match scope {
            Scope::Use(r) => Some(r),
            Scope::Lock(_) | Scope::Offload(_) => None,
        }),
        seen,
        strategies,
        costs,
        observed: Observed {
            memory: only_process(trace).map(|p| p.peak).filter(|p| *p > 0),
            ..observed(&spans, beside)
        },
        interleaved: interleaved(&groups),
        options,
        arrivals,
        classes,
        limit,
        notes,
    })
}

/// Those of these that scopes refer to, in the order of their first use.
fn named<T: Clone>(scopes: &[Scope], all: &[T], of: fn(Scope) -> Option<u32>) -> Vec<T> {
    let places = scopes.iter().filter_map(|s| of(*s));
    places
        .filter_map(|p| all.get(p as usize).cloned())
        .collect()
}

fn only_process(trace: &Trace) -> Option<&ProcessFacts> {
    let mut all = trace.facts.processes.values();
    all.next().filter(|_| all.next().is_none())
}

/// What the recorded run took, by its tasks' arrivals and ends, and nanoseconds of the run's beside them.
fn observed(spans: &[(i64, i64)], beside: u64) -> Observed {
    let seconds = |ns: u64| ns as f64 / 1e9;
    let mut latencies: Vec<u64> = spans.iter().map(|(a, e)| e.abs_diff(*a)).collect();
    latencies.sort_unstable();
    let last = latencies.len().saturating_sub(1);
    let quantile = |percent: usize| latencies.get(last * percent / 100).copied();
    let first = spans.iter().map(|(a, _)| *a).min().unwrap_or(0);
    let end = spans.iter().map(|(_, e)| *e).max().unwrap_or(0);
    Observed {
        makespan: seconds(end.abs_diff(first).saturating_add(beside)),
        p50: seconds(quantile(50).unwrap_or(0)),
        p99: seconds(quantile(99).unwrap_or(0)),
        memory: None,
    }
}

/// The scopes of these steps, each once.
fn scope_names(steps: &[LearnedStep], out: &mut Vec<Scope>) {
    for step in steps {
        match step {
            LearnedStep::Work(..)
            | LearnedStep::Releasing(..)
            | LearnedStep::PartlyNative(..)
            | LearnedStep::Payload(..) => {}
            LearnedStep::Within(scope, _, inner) => {
                if !out.contains(scope) {
                    out.push(*scope);
                }
                scope_names(inner, out);
            }
            LearnedStep::Repeat(_, inner) => scope_names(inner, out),
        }
    }
}

/// Whether tasks of one class arrive between those of another.
fn interleaved(groups: &[ShapeClass]) -> bool {
    let mut order: Vec<(i64, usize)> = Vec::new();
    for (i, g) in groups.iter().enumerate() {
        order.extend(g.tasks.iter().map(|t| (t.arrival, i)));
    }
    order.sort_by_key(|(at, _)| *at);
    order.windows(2).filter(|w| w[0].1 != w[1].1).count() + 1 > groups.len()
}

/// The durations of one step in all tasks of a class, in nanoseconds.
pub(super) type StepDurations = Vec<u64>;

pub(super) fn mean(times: &[u64]) -> f64 {
    times.iter().sum::<u64>() as f64 / times.len().max(1) as f64
}

fn columns(g: &ShapeClass) -> Vec<StepDurations> {
    let n = g.tasks[0].times.len();
    (0..n)
        .map(|k| g.tasks.iter().map(|t| t.times[k]).collect())
        .collect()
}

fn learn_class(
    g: &ShapeClass,
    trace: &Trace,
    factor: f64,
    notes: &mut Vec<String>,
) -> LearnedClass {
    let columns = columns(g);
    let all: u64 = columns.iter().flatten().sum();
    let brief = BRIEF.min(all as f64 / g.tasks.len() as f64 / 100.0);
    dependence(g, &columns, brief, notes);
    let mut reader = Learner {
        columns: &columns,
        next: 0,
        trace,
        factor,
        brief,
        gil_use: GilUse::of(g, trace, notes),
        offloaded: offloaded(g, notes),
    };
    let steps = reader.steps(&g.shape);
    LearnedClass {
        name: g.name.clone(),
        count: g.count(),
        payload_in: payload(
            g,
            "payload_in",
            g.tasks.iter().filter_map(|t| t.payload_in),
            notes,
        ),
        payload_out: payload(
            g,
            "payload_out",
            g.tasks.iter().filter_map(|t| t.payload_out),
            notes,
        ),
        steps,
    }
}

/// What calls in a pool send, and what comes back, by the pool's index.
type OffloadPayloads = BTreeMap<u32, [Option<LearnedPayload>; 2]>;

fn offloaded(g: &ShapeClass, notes: &mut Vec<String>) -> OffloadPayloads {
    let all = || g.tasks.iter().flat_map(|t| &t.offloaded);
    let pools: BTreeSet<u32> = all().map(|p| p.pool).collect();
    let mut of = |pool: u32, name: &str, is_sent: bool| {
        let mine = all().filter(|p| p.pool == pool && p.is_sent == is_sent);
        payload(g, name, mine.map(|p| p.bytes), notes)
    };
    let both = |pool| {
        (
            pool,
            [
                of(pool, "payload_in of what is offloaded", true),
                of(pool, "payload_out of what is offloaded", false),
            ],
        )
    };
    pools.into_iter().map(both).collect()
}

fn payload(
    g: &ShapeClass,
    name: &str,
    bytes: impl Iterator<Item = u64>,
    notes: &mut Vec<String>,
) -> Option<LearnedPayload> {
    let all: Vec<u64> = bytes.collect();
    let (least, most) = (all.iter().min()?, all.iter().max()?);
    let mean = all.iter().map(|b| u128::from(*b)).sum::<u128>() / all.len() as u128;
    if *most > least.saturating_mul(2) {
        notes.push(format!(
            "class {}: {name} is between {least} and {most} bytes; the scenario has a constant size, their mean",
            g.name
        ));
    }
    Some(LearnedPayload {
        bytes: u64::try_from(mean).unwrap_or(u64::MAX),
        same: least == most,
    })
}

/// Learns the steps of a class from its shape and the durations of its tasks.
struct Learner<'a> {
    columns: &'a [StepDurations],
    /// The index of the next step's column.
    next: usize,
    trace: &'a Trace,
    /// The factor that CPU times are divided by.
    factor: f64,
    /// Steps with a mean shorter than this, in nanoseconds, are not fitted.
    brief: f64,
    /// How the class's code handles the GIL.
    gil_use: GilUse,
    offloaded: OffloadPayloads,
}

impl Learner<'_> {
    fn steps(&mut self, shape: &[ShapeNode]) -> Vec<LearnedStep> {
        if let Some(steps) = self.repeated(shape) {
            return steps;
        }
        let mut out = Vec::new();
        for node in shape {
            match node {
                ShapeNode::Work(w) => {
                    out.push(self.work(*w, &self.columns[self.next]));
                    self.next += 1;
                }
                ShapeNode::Within(scope, inner) => {
                    let mut inner = self.steps(inner);
                    if let Scope::Offload(pool) = scope
                        && let Some([sent, back]) = self.offloaded.get(pool)
                    {
                        inner.splice(0..0, sent.map(|p| LearnedStep::Payload(true, p)));
                        inner.extend(back.map(|p| LearnedStep::Payload(false, p)));
                    }
                    let name = match scope {
                        Scope::Lock(l) => &self.trace.locks[*l as usize],
                        Scope::Use(r) => &self.trace.resources[*r as usize].name,
                        Scope::Offload(p) => &self.trace.pools[*p as usize].name,
                    };
                    out.push(LearnedStep::Within(*scope, name.clone(), inner));
                }
            }
        }
        out
    }

    fn work(&self, work: TimedStep, times: &[u64]) -> LearnedStep {
        let work = match self.gil_use {
            GilUse::Free if work == TimedStep::Cpu => TimedStep::Native,
            GilUse::Free | GilUse::Keeps | GilUse::Partly { .. } | GilUse::Releases { .. } => work,
        };
        let factor = if work == TimedStep::Cpu {
            self.factor
        } else {
            1.0
        };
        let sample: Vec<Nanos> = times
            .iter()
            .map(|t| {
                if factor == 1.0 {
                    Nanos(*t)
                } else {
                    Nanos(*t).scale(1.0 / factor)
                }
            })
            .collect();
        let fit = if mean(times) < self.brief {
            brief(&sample)
        } else {
            fit(&sample)
        };
        if work == TimedStep::Cpu
            && let Some(releases) =
                self.gil_use
                    .within(mean(times), self.columns.len(), &fit, factor)
        {
            return LearnedStep::Releasing(fit, releases);
        }
        if work == TimedStep::Cpu
            && let Some(share) = self.gil_use.native()
        {
            return LearnedStep::PartlyNative(fit, share);
        }
        LearnedStep::Work(work, fit)
    }

    /// A sequence of steps that repeats itself at least three times. Its rounds are pooled where they do not differ.
    fn repeated(&mut self, shape: &[ShapeNode]) -> Option<Vec<LearnedStep>> {
        let works: Vec<TimedStep> = shape
            .iter()
            .map(|n| match n {
                ShapeNode::Work(w) => Some(*w),
                ShapeNode::Within(..) => None,
            })
            .collect::<Option<_>>()?;
        let mine = &self.columns[self.next..self.next + works.len()];
        let (period, pooled) =
            (2..=LONGEST_PERIOD).find_map(|p| Some((p, pooled(&works, mine, p)?)))?;
        let (head, rounds) = (works.len() % period, works.len() / period);
        self.next += works.len();
        let mut out: Vec<LearnedStep> = (0..head).map(|k| self.work(works[k], &mine[k])).collect();
        let inner = pooled
            .iter()
            .enumerate()
            .map(|(k, column)| self.work(works[head + k], column))
            .collect();
        out.push(LearnedStep::Repeat(rounds, inner));
        Some(out)
    }
}

/// The durations of each of `period` steps over all rounds of them, after a head of others; `None` if the steps do not repeat themselves so, or
/// some rounds differ from others: single ones, or every second or third, as where an agent asks its model and a tool in turns.
fn pooled(
    works: &[TimedStep],
    mine: &[StepDurations],
    period: usize,
) -> Option<Vec<StepDurations>> {
    let (head, rounds) = (works.len() % period, works.len() / period);
    if rounds < LEAST_ROUNDS
        || works[head..].iter().ne(works[head..head + period]
            .iter()
            .cycle()
            .take(rounds * period))
    {
        return None;
    }
    let of = |k: usize, every: usize, first: usize| {
        let rounds = (first..rounds).step_by(every);
        let parts = rounds.map(move |r| &mine[head + r * period + k]);
        parts.flatten().copied().collect::<StepDurations>()
    };
    let pooled: Vec<StepDurations> = (0..period).map(|k| of(k, 1, 0)).collect();
    let alike = pooled.iter().enumerate().all(|(k, pool)| {
        let mut pool = pool.clone();
        pool.sort_unstable();
        let single = (0..rounds).map(|r| of(k, rounds, r));
        let in_turns = [2, 3]
            .into_iter()
            .flat_map(|every| (0..every).map(move |r| (every, r)));
        let in_turns = in_turns.map(|(every, r)| of(k, every, r));
        single
            .chain(in_turns)
            .all(|part| same_distribution(&part, &pool, (rounds + 5) * period))
    });
    alike.then_some(pooled)
}

/// Whether a part has the same distribution as the sorted pool, by a Kolmogorov-Smirnov test at 1% over all comparisons together
/// (Bonferroni). The pool contains the part, which makes the test milder.
fn same_distribution(part: &[u64], pool: &[u64], comparisons: usize) -> bool {
    let mut part = part.to_vec();
    part.sort_unstable();
    let (n, m) = (part.len() as f64, pool.len() as f64);
    let d = part
        .iter()
        .map(|x| {
            let below = |v: &[u64]| v.partition_point(|y| y <= x) as f64;
            (below(&part) / n - below(pool) / m).abs()
        })
        .fold(0.0, f64::max);
    let alpha = 0.01 / comparisons as f64;
    d <= libm::sqrt(-0.5 * libm::log(alpha / 2.0) * (1.0 / n + 1.0 / m))
}

impl Learned {
    /// All fits with the class and the step that each belongs to; that of the arrivals comes first.
    #[must_use]
    pub(crate) fn fits(&self) -> Vec<(String, String, &Fit)> {
        let mut out = Vec::new();
        match &self.arrivals {
            FittedArrivals::Batch | FittedArrivals::Rounds { serial: None, .. } => {}
            FittedArrivals::Rounds {
                serial: Some(fit), ..
            } => out.push(("(rounds)".to_owned(), "serial Cpu".to_owned(), fit)),
            FittedArrivals::Closed { think, .. } => {
                out.push(("(users)".to_owned(), "think".to_owned(), think));
            }
            FittedArrivals::Poisson { fit, .. } | FittedArrivals::Renewal { fit, .. } => {
                out.push(("(arrivals)".to_owned(), "gap".to_owned(), fit));
            }
        }
        for class in &self.classes {
            let mut number = 0;
            fits_of(&class.steps, &class.name, "", &mut number, &mut out);
        }
        out
    }

    /// Whether no fit is poor.
    #[must_use]
    pub fn is_well_fitted(&self) -> bool {
        self.fits()
            .iter()
            .all(|(_, _, f)| f.verdict != FitVerdict::Poor)
    }
}

fn fits_of<'a>(
    steps: &'a [LearnedStep],
    class: &str,
    within: &str,
    number: &mut usize,
    out: &mut Vec<(String, String, &'a Fit)>,
) {
    for step in steps {
        match step {
            LearnedStep::Work(work, fit) => {
                *number += 1;
                out.push((
                    class.to_owned(),
                    format!("{number} {}{within}", work.name()),
                    fit,
                ));
            }
            LearnedStep::Releasing(fit, _) | LearnedStep::PartlyNative(fit, _) => {
                *number += 1;
                let step = format!("{number} {}{within}", TimedStep::Cpu.name());
                out.push((class.to_owned(), step, fit));
            }
            LearnedStep::Payload(..) => {}
            LearnedStep::Within(_, name, inner) => {
                fits_of(inner, class, &format!("{within} in {name}"), number, out);
            }
            LearnedStep::Repeat(times, inner) => {
                fits_of(inner, class, &format!("{within} ×{times}"), number, out);
            }
        }
    }
}
