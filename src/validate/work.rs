//! The workloads of `workloads.py` as workloads of the simulator.

use super::cell_step::{CellStep, MAX_STEPS, NO_NATIVE, Native};
use super::cells::{Config, positive};
use super::trace::{RecordedTask, drawn};
use crate::engine::Nanos;
use crate::scenario::{
    Arrivals, Imports, LockSpec, Rounds, Step, Strategy, TaskClass, TracedTask, Workload,
};
use crate::verify::own_loop::{CALL_NS, CLOCK_NS, ITERATIONS, own_loop};

/// `bytes(n)` from fresh memory, zeroed page by page: 25.6 us for 50 KB and 36.7 us for 100 KB, with CPython 3.11 on a
/// machine of the reference's class a tenth below its best speed. From about 200 KB on (the C library raises its limit when
/// a mapped block is freed, as the imports do) the memory is mapped and left untouched: 5 us.
const FRESH_NS_PER_BYTE: f64 = 0.42;
const MAPPED_BYTES: u64 = 200_000;
const MAPPED_NS: f64 = 4_500.0;

/// The cells' program was started in a way in which a fork server finds no main module to preload (as by `python -m workloads`): a further
/// child of CPython 3.14.7's fork server weighs 11.3 MB in the cells of the second set, at whichever number. Started by `-m` it weighs 11.1
/// MB, started as a file 4.7.
const MAIN_PRELOADED: bool = false;

/// The program's list of tasks, bytes a task and a step: 590 KB for 2,000 tasks of one step with CPython 3.13.
const TASK_BYTES: f64 = 184.0;
const STEP_BYTES: f64 = 104.0;
/// A step that is repeated in further rounds takes only one more reference, of this size in bytes.
const REFERENCE_BYTES: f64 = 8.0;

struct CellTasks {
    classes: Vec<TaskClass>,
    arrivals: Arrivals,
    /// The memory that the program's list of tasks occupies.
    memory: f64,
}

/// The times of what the program spends CPU time in, in nanoseconds at best speed.
#[derive(Clone, Copy)]
pub(super) struct Grains {
    /// The time of an iteration of `burn`.
    pub(super) iteration: f64,
    /// The same time while several threads of the program iterate at once: longer where they share objects whose references are counted.
    pub(super) beside: f64,
    /// The time of a block of `native`.
    pub(super) block: f64,
}

/// The workload of a cell and the memory of the program's own list of tasks.
pub(super) fn build_workload(
    c: &Config,
    trace: Option<Vec<RecordedTask>>,
    strategy: &Strategy,
    grains: Grains,
    slowness: f64,
) -> Result<(Workload, f64), String> {
    let native_cost = positive("native_cost", c.native_cost.unwrap_or(1.0))?;
    let block = Nanos::from_f64((grains.block + CALL_NS) * slowness);
    let recorded = match trace {
        Some(recorded) => Some(recorded),
        None if c.workload == "open" => Some(drawn(c)?),
        None => None,
    };
    let tasks = match (&recorded, c.workload.as_str()) {
        (Some(recorded), _) => traced(recorded, native_cost),
        (None, "uniform") => uniform(
            c,
            Native {
                cost: native_cost,
                block: Some(block),
            },
        )?,
        (None, "agents") => agents(c)?,
        (None, "convoy") => convoy(c)?,
        (None, other) => return Err(format!("unknown workload `{other}`")),
    };
    if tasks.classes.is_empty() {
        return Err("it has no tasks".into());
    }
    let (own, makes_payloads) = own_loop(strategy);
    let payload = if makes_payloads {
        payload_cost(&tasks.classes)
    } else {
        0.0
    };
    let cpu_cost = positive("cpu_cost", c.cpu_cost.unwrap_or(1.0))?;
    let workload = Workload {
        arrivals: tasks.arrivals,
        rounds: Rounds::default(),
        classes: tasks.classes,
        locks: vec![LockSpec {
            name: "LOCK".into(),
            shared: false,
        }],
        queues: Vec::new(),
        objects: Vec::new(),
        resources: Vec::new(),
        devices: Vec::new(),
        imports: Imports {
            preloaded: MAIN_PRELOADED,
            ..Imports::default()
        },
        data: 0,
        untouched_payload: true,
        faults: Vec::new(),
        admission: None,
        client: None,
        dispatch: Nanos::from_f64((own * grains.iteration + payload) / cpu_cost * slowness),
        // A step ends at the first look at the clock past its demand: late by up to 100 iterations and a look. The halves of
        // the first and the last look that lie outside the measured time add a look on average; twice that in a range.
        cpu_grain: Nanos::from_f64((ITERATIONS * grains.beside + 3.0 * CLOCK_NS) * slowness),
        // Where a native step is spent block by block it ends with a whole one already.
        python_teams: false,
        ready: false,
        native_grain: if recorded.is_some() {
            block
        } else {
            Nanos::ZERO
        },
        measured_on: None,
    };
    Ok((workload, tasks.memory))
}

/// Building a task's payload: `bytes(n)` zeroes memory of the heap, which is fresh while tasks pile up; large ones are
/// mapped and not touched. The mean over the tasks, in nanoseconds at best speed.
fn payload_cost(classes: &[TaskClass]) -> f64 {
    let bytes = |c: &TaskClass| {
        c.steps
            .iter()
            .map(|s| s.carries().bytes_in)
            .fold(0, u64::saturating_add)
    };
    let cost = |n: u64| match n {
        0 => 0.0,
        n if n < MAPPED_BYTES => n as f64 * FRESH_NS_PER_BYTE,
        _ => MAPPED_NS,
    };
    let tasks: f64 = classes.iter().map(|c| c.count as f64).sum();
    classes
        .iter()
        .map(|c| c.count as f64 * cost(bytes(c)))
        .sum::<f64>()
        / tasks.max(1.0)
}

fn class(name: &str, count: u64, steps: Vec<Step>, interleave: bool) -> TaskClass {
    TaskClass {
        name: name.into(),
        count,
        weight: 1.0,
        steps,
        interleave,
        cost: Vec::new(),
        touches: 0.0,
    }
}

/// A key that the workload requires, or an error.
fn needed<T>(c: &Config, key: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| format!("workload `{}` needs `{key}`", c.workload))
}

/// A time that is given and not zero; otherwise Python leaves the step out.
fn some(key: &str, value: Option<f64>) -> Result<Option<f64>, String> {
    match value {
        None => Ok(None),
        Some(ms) if ms.is_finite() && ms >= 0.0 => Ok((ms > 0.0).then_some(ms)),
        Some(ms) => Err(format!(
            "`{key}` must be a number of at least zero, not {ms}"
        )),
    }
}

/// A time that must be given; it may be zero.
fn time(c: &Config, key: &str, value: Option<f64>) -> Result<f64, String> {
    Ok(some(key, Some(needed(c, key, value)?))?.unwrap_or(0.0))
}

/// Repeats the steps of one round `rounds` times.
fn repeated(parts: &[CellStep], rounds: u64, native: Native) -> Result<Vec<Step>, String> {
    let steps = rounds.saturating_mul(parts.len() as u64);
    if steps > MAX_STEPS {
        return Err(format!(
            "a task of {steps} steps is more than the {MAX_STEPS} that are allowed"
        ));
    }
    Ok((0..rounds)
        .flat_map(|_| parts.iter().map(|p| p.step(native)))
        .collect())
}

fn list_memory(tasks: u64, parts: usize, rounds: u64) -> f64 {
    let again = rounds.saturating_sub(1) as f64;
    tasks as f64 * (TASK_BYTES + parts as f64 * (STEP_BYTES + again * REFERENCE_BYTES))
}

fn uniform(c: &Config, native: Native) -> Result<CellTasks, String> {
    let bytes = |n: Option<u64>| n.filter(|n| *n > 0);
    let parts: Vec<CellStep> = [
        bytes(c.bytes_in).map(CellStep::BytesIn),
        some("io_ms", c.io_ms)?.map(|ms| CellStep::Io(ms / 1e3)),
        some("cpu_ms", c.cpu_ms)?.map(CellStep::Cpu),
        some("native_ms", c.native_ms)?.map(CellStep::Native),
        some("lock_ms", c.lock_ms)?.map(CellStep::Lock),
        bytes(c.bytes_out).map(CellStep::BytesOut),
    ]
    .into_iter()
    .flatten()
    .collect();
    let (n, rounds) = (needed(c, "n", c.n)?, c.rounds.unwrap_or(1));
    let steps = repeated(&parts, rounds, native)?;
    Ok(batch(
        vec![class("task", n, steps, false)],
        list_memory(n, parts.len(), rounds),
    ))
}

fn batch(classes: Vec<TaskClass>, memory: f64) -> CellTasks {
    CellTasks {
        classes: classes.into_iter().filter(|c| c.count > 0).collect(),
        arrivals: Arrivals::Batch,
        memory,
    }
}

fn agents(c: &Config) -> Result<CellTasks, String> {
    let (n, rounds) = (needed(c, "n", c.n)?, needed(c, "rounds", c.rounds)?);
    let reason = [
        CellStep::Cpu(time(c, "reason_ms", c.reason_ms)?),
        CellStep::Lock(time(c, "share_ms", c.share_ms)?),
    ];
    let fetch = [
        CellStep::Io(time(c, "fetch_ms", c.fetch_ms)? / 1e3),
        CellStep::Cpu(time(c, "parse_ms", c.parse_ms)?),
    ];
    let classes = vec![
        class(
            "reason",
            n.div_ceil(2),
            repeated(&reason, rounds, NO_NATIVE)?,
            true,
        ),
        class("fetch", n / 2, repeated(&fetch, rounds, NO_NATIVE)?, true),
    ];
    Ok(batch(classes, list_memory(n, 2, rounds)))
}

fn convoy(c: &Config) -> Result<CellTasks, String> {
    let (hogs, n, rounds) = (
        needed(c, "hogs", c.hogs)?,
        needed(c, "n", c.n)?,
        needed(c, "rounds", c.rounds)?,
    );
    let short = [
        CellStep::Io(time(c, "io_ms", c.io_ms)? / 1e3),
        CellStep::Cpu(time(c, "cpu_ms", c.cpu_ms)?),
    ];
    let classes = vec![
        class(
            "hog",
            hogs,
            vec![CellStep::Cpu(time(c, "hog_ms", c.hog_ms)?).step(NO_NATIVE)],
            false,
        ),
        class("io", n, repeated(&short, rounds, NO_NATIVE)?, false),
    ];
    Ok(batch(
        classes,
        list_memory(hogs, 1, 1) + list_memory(n, 2, rounds),
    ))
}

/// Recorded tasks as classes: one class for each sequence of steps, with the durations as recorded.
fn traced(recorded: &[RecordedTask], native_cost: f64) -> CellTasks {
    let mut shapes: Vec<&[CellStep]> = Vec::new();
    let mut classes: Vec<TaskClass> = Vec::new();
    let mut tasks = Vec::with_capacity(recorded.len());
    let mut memory = 0.0;
    for task in recorded {
        let same = |shape: &&[CellStep]| {
            shape.len() == task.steps.len()
                && shape.iter().zip(&task.steps).all(|(a, b)| a.same_shape(*b))
        };
        let index = shapes.iter().position(same).unwrap_or_else(|| {
            shapes.push(&task.steps);
            let steps = task
                .steps
                .iter()
                .map(|p| {
                    p.step(Native {
                        cost: native_cost,
                        block: None,
                    })
                })
                .collect();
            classes.push(class(
                &format!("shape {}", classes.len() + 1),
                0,
                steps,
                false,
            ));
            classes.len() - 1
        });
        classes[index].count += 1;
        let demands = task
            .steps
            .iter()
            .filter_map(|p| p.time(native_cost))
            .collect();
        tasks.push(TracedTask {
            at: Nanos::from_secs_f64(task.at),
            class: index,
            demands,
        });
        memory += list_memory(1, task.steps.len(), 1);
    }
    CellTasks {
        classes,
        arrivals: Arrivals::Trace(tasks),
        memory,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Dist;

    const GRAINS: Grains = Grains {
        iteration: 51.0,
        beside: 51.0,
        block: 5e4,
    };

    fn config(json: &str) -> Config {
        serde_json::from_str(json).expect("a config")
    }

    fn built(json: &str) -> Workload {
        build_workload(&config(json), None, &Strategy::Sequential, GRAINS, 1.0)
            .expect("buildable")
            .0
    }

    fn refused(json: &str) -> String {
        build_workload(&config(json), None, &Strategy::Sequential, GRAINS, 1.0)
            .expect_err("refused")
    }

    #[test]
    fn uniform_tasks_have_their_steps_in_the_programs_order() {
        let w = built(
            r#"{"workload": "uniform", "strategy": "aio", "n": 3, "rounds": 2, "io_ms": 5, "cpu_ms": 1.5, "native_ms": 2,
                "native_cost": 1.5, "lock_ms": 0.5, "bytes_in": 10, "bytes_out": 20, "cpu_cost": 1.6, "seed": 3, "unknown": {}}"#,
        );
        let ms = |ms: f64| Dist::Constant(Nanos::from_f64(ms * 1e6));
        let round = vec![
            Step::PayloadIn(10),
            Step::Io(ms(5.0)),
            Step::Cpu(ms(1.5)),
            // The 3 ms are spent in calls of a block (50 us) and what goes with each (1.2 us).
            Step::Repeat(59, vec![Step::Native(ms(0.0512))]),
            Step::Lock(0, vec![Step::Cpu(ms(0.5))]),
            Step::PayloadOut(20),
        ];
        assert_eq!(w.classes[0].steps, [round.clone(), round].concat());
        assert_eq!((w.classes[0].count, &w.arrivals), (3, &Arrivals::Batch));
    }

    #[test]
    fn zero_and_missing_times_leave_a_step_out() {
        let w = built(
            r#"{"workload": "uniform", "strategy": "aio", "n": 1, "io_ms": 0, "bytes_in": 0, "cpu_ms": 1}"#,
        );
        assert_eq!(w.classes[0].steps.len(), 1);
        assert!(
            built(
                r#"{"workload": "uniform", "strategy": "aio", "n": 1, "cpu_ms": 1, "rounds": 0}"#
            )
            .classes[0]
                .steps
                .is_empty()
        );
    }

    #[test]
    fn agents_take_turns_and_odd_numbers_favour_the_first() {
        let w = built(
            r#"{"workload": "agents", "strategy": "aio", "n": 5, "rounds": 2, "reason_ms": 4, "share_ms": 1, "fetch_ms": 6, "parse_ms": 1}"#,
        );
        let counts: Vec<_> = w
            .classes
            .iter()
            .map(|c| (c.name.as_str(), c.count, c.interleave, c.steps.len()))
            .collect();
        assert_eq!(counts, [("reason", 3, true, 4), ("fetch", 2, true, 4)]);
        let one = built(
            r#"{"workload": "agents", "strategy": "aio", "n": 1, "rounds": 1, "reason_ms": 4, "share_ms": 1, "fetch_ms": 6, "parse_ms": 1}"#,
        );
        assert_eq!(one.classes.len(), 1);
    }

    #[test]
    fn hogs_come_before_the_others() {
        let w = built(
            r#"{"workload": "convoy", "strategy": "aio", "n": 4, "hogs": 2, "hog_ms": 100, "rounds": 3, "io_ms": 1, "cpu_ms": 0.5}"#,
        );
        let counts: Vec<_> = w
            .classes
            .iter()
            .map(|c| (c.name.as_str(), c.count, c.interleave, c.steps.len()))
            .collect();
        assert_eq!(counts, [("hog", 2, false, 1), ("io", 4, false, 6)]);
    }

    #[test]
    fn open_arrivals_without_a_trace_are_those_that_the_program_draws() {
        let w = built(
            r#"{"workload": "open", "strategy": "aio", "n": 9, "rate": 60, "io_ms": 20, "cpu_ms": 5}"#,
        );
        let Arrivals::Trace(tasks) = &w.arrivals else {
            panic!("a trace");
        };
        assert_eq!(tasks.len(), 9);
        // The first lines of the trace that was recorded with CPython 3.14.
        assert_eq!(tasks[0].at.0 / 1_000, 6_521);
        assert_eq!(w.classes[0].steps.len(), 2);
    }

    #[test]
    fn a_trace_is_replayed_by_shape() {
        let parts = |io: f64| {
            vec![
                CellStep::Io(io),
                CellStep::Lock(2.0),
                CellStep::Native(1.0),
                CellStep::BytesIn(7),
            ]
        };
        let recorded = [
            RecordedTask {
                at: 0.5,
                steps: parts(0.25),
            },
            RecordedTask {
                at: 0.6,
                steps: vec![CellStep::Cpu(1.0)],
            },
            RecordedTask {
                at: 0.7,
                steps: parts(0.5),
            },
        ];
        let c =
            config(r#"{"workload": "open", "strategy": "aio", "native_cost": 2, "cpu_cost": 1.6}"#);
        let (w, memory) = build_workload(
            &c,
            Some(recorded.to_vec()),
            &Strategy::Sequential,
            GRAINS,
            1.0,
        )
        .expect("buildable");
        assert_eq!(
            w.classes.iter().map(|c| c.count).collect::<Vec<_>>(),
            [2, 1]
        );
        let Arrivals::Trace(tasks) = &w.arrivals else {
            panic!("a trace")
        };
        let ms = Nanos::from_millis;
        assert_eq!((tasks[2].at, tasks[2].class), (ms(700), 0));
        // The CPU time of Python code stays that of the baseline (the profile scales it); native code has a factor of its own.
        assert_eq!(tasks[2].demands, [ms(500), ms(2), ms(2)]);
        assert!(memory > 0.0);
    }

    #[test]
    fn what_the_program_would_refuse_is_refused() {
        assert!(refused(r#"{"workload": "uniform", "strategy": "aio"}"#).contains("needs `n`"));
        assert!(
            refused(r#"{"workload": "agents", "strategy": "aio", "n": 2}"#)
                .contains("needs `rounds`")
        );
        assert!(
            refused(r#"{"workload": "open", "strategy": "aio", "n": 2, "rate": 0}"#)
                .contains("`rate` must be")
        );
        assert!(
            refused(r#"{"workload": "uniform", "strategy": "aio", "n": 2, "cpu_ms": -1}"#)
                .contains("`cpu_ms` must be")
        );
        assert!(
            refused(r#"{"workload": "uniform", "strategy": "aio", "n": 0, "cpu_ms": 1}"#)
                .contains("no tasks")
        );
        assert!(
            refused(r#"{"workload": "dance", "strategy": "aio"}"#)
                .contains("unknown workload `dance`")
        );
        assert!(
            refused(r#"{"workload": "uniform", "strategy": "aio", "n": 1, "cpu_ms": 1, "rounds": 99999999}"#)
                .contains("steps")
        );
    }
}
