//! The whole scenario: machine, arrivals, workload, what to compare; and the checks across them.

use std::path::Path;

use super::decode::{Cx, Fields, nearest, plural, suggest};
use super::decode_steps::{Names, StepReader, both, dist, tally, unrolled};
use super::diagnostic::Code;
use super::tree::{Args, Ident, Kind, Node, Span};
use super::{
    Arrivals, Dist, Imports, LockSpec, MachineSpec, Objective, QueueSpec, Scenario, Step,
    StrategyCase, TaskClass, Workload, decode_strategy, limits, objective, strategy_text, trace,
    variants,
};
use crate::engine::Nanos;

/// The version of the format that this program reads.
pub(super) const SCHEMA: i128 = 1;

/// Compared when a scenario names no interpreter.
const DEFAULT_INTERPRETERS: [&str; 2] = ["cpython-3.14", "cpython-3.14t"];

/// An absent field is its default; a wrong one is a problem that has been noted (and the default stands in for it).
fn or<'n, T>(
    cx: &mut Cx,
    f: &Fields<'n>,
    name: &str,
    default: T,
    read: impl FnOnce(&mut Cx, &'n Node) -> Option<T>,
) -> T {
    cx.optional(f, name, read).unwrap_or(default)
}

/// The scenario of a tree; `base` is where trace files are looked for. `None` when there were errors.
pub(super) fn scenario(cx: &mut Cx, root: &Node, base: &Path) -> Option<Scenario> {
    if !matches!(root.kind, Kind::Call { .. }) {
        cx.wrong_type(root, "a record `(schema: 1, name: .., workload: ..)`")
            .help("the whole scenario stands in round brackets");
        return None;
    }
    // Before anything else: another version may well have other fields.
    schema(cx, root)?;
    let f = cx.record(root, "the scenario", variants::SCENARIO)?;
    let name = cx.required(&f, "name", |cx, n| {
        let name = cx.string(n, "the name")?;
        if name.trim().is_empty() {
            cx.error(Code::Empty, n.span, "the scenario needs a name");
            return None;
        }
        Some(name.to_string())
    });
    let question = or(cx, &f, "question", String::new(), |cx, n| {
        Some(cx.string(n, "the question")?.to_string())
    });
    let machine = or(cx, &f, "machine", MachineSpec::default(), machine);
    let interpreters = or(
        cx,
        &f,
        "interpreters",
        DEFAULT_INTERPRETERS.map(String::from).to_vec(),
        interpreters,
    );
    let horizon = cx.optional(&f, "horizon", |cx, n| {
        cx.positive_duration(n, "the horizon")
    });
    let warmup = cx.optional(&f, "warmup", Cx::duration);
    let workload = cx.required(&f, "workload", |cx, n| workload(cx, n, base, horizon));
    let strategies = or(cx, &f, "strategies", Vec::new(), |cx, n| {
        strategies(cx, n, &interpreters)
    });
    let replications = cx.optional(&f, "replications", |cx, n| {
        cx.int32(
            n,
            "the number of replications",
            1..=limits::MAX_REPLICATIONS,
            "MAX_REPLICATIONS",
        )
    });
    let objectives = or(cx, &f, "objectives", Vec::new(), objectives);
    let rank_by = cx.optional(&f, "rank_by", |cx, n| {
        let text = cx.string(n, "a metric")?;
        match objective::parse_ranking(text) {
            Ok(metric) => Some(metric),
            Err(message) => {
                cx.error(Code::BadObjective, n.span, message);
                None
            }
        }
    });
    let seed = or(cx, &f, "seed", 1, |cx, n| {
        cx.int(n, "the seed", 0..=u64::MAX, "of 64 bits")
    });
    if let (Some(w), Some(h), Some(node)) = (warmup, horizon, f.get("warmup"))
        && w >= h
    {
        cx.at("warmup", |cx| {
            cx.error(
                Code::Conflict,
                node.span,
                "the warm-up lasts until the horizon or longer: nothing would be counted",
            )
            .help("shorten it, or move the horizon");
        });
    }
    if let (
        Some(Workload {
            arrivals: Arrivals::Batch,
            ..
        }),
        Some(node),
    ) = (&workload, f.get("warmup"))
    {
        cx.at("warmup", |cx| {
            cx.warn(
                Code::NoEffect,
                node.span,
                "a batch has no warm-up: every task counts",
            )
            .help("remove `warmup`");
        });
    }
    let (name, workload) = both(name, workload)?;
    Some(Scenario {
        name,
        question,
        machine,
        interpreters,
        workload,
        strategies,
        replications,
        warmup,
        horizon,
        objectives,
        rank_by,
        seed,
    })
}

fn schema(cx: &mut Cx, root: &Node) -> Option<()> {
    let fields = match &root.kind {
        Kind::Call {
            args: Args::Fields(fields),
            ..
        } => fields.as_slice(),
        _ => &[],
    };
    let help = format!("write `schema: {SCHEMA}` as the first field");
    let Some((_, node)) = fields.iter().find(|(k, _)| k.text == "schema") else {
        let span = Span {
            end: root.span.start + 1,
            ..root.span
        };
        cx.error(
            Code::Schema,
            span,
            "the scenario does not say which version of the format it is written in",
        )
        .help(help);
        return None;
    };
    match node.kind {
        Kind::Int(SCHEMA) => Some(()),
        Kind::Int(other) => {
            cx.at("schema", |cx| {
                cx.error(Code::Schema, node.span, format!("this program reads version {SCHEMA} of the format, not {other}"))
                    .help("use the pchsim that the scenario was written for, or rewrite it by docs/scenario-format.md");
            });
            None
        }
        _ => {
            cx.at("schema", |cx| {
                cx.error(
                    Code::Schema,
                    node.span,
                    "the version of the format is a whole number",
                )
                .help(help);
            });
            None
        }
    }
}

fn machine(cx: &mut Cx, node: &Node) -> Option<MachineSpec> {
    let f = cx.record(node, "the machine", variants::MACHINE)?;
    let cores = cx.optional(&f, "cores", |cx, n| {
        cx.int32(n, "the number of cores", 1..=limits::MAX_CORES, "MAX_CORES")
    });
    let speeds = cx.optional(&f, "speeds", |cx, n| {
        let items = cx.list(n, "core speeds")?;
        if items.is_empty() {
            cx.error(Code::Empty, n.span, "a machine has at least one core");
            return None;
        }
        if items.len() > limits::MAX_CORES as usize {
            cx.error(
                Code::Limit,
                n.span,
                format!(
                    "{} cores are more than the limit MAX_CORES ({})",
                    items.len(),
                    limits::MAX_CORES
                ),
            );
            return None;
        }
        let speeds: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(i, n)| cx.at_index(i, |cx| cx.factor(n, "a core's speed")))
            .collect();
        speeds.into_iter().collect::<Option<Vec<f64>>>()
    });
    if let (Some(n), Some(s), Some(at)) = (cores, &speeds, f.get("cores"))
        && n as usize != s.len()
    {
        cx.error(
            Code::Conflict,
            at.span,
            format!(
                "`speeds` lists {}, `cores` says {n}",
                plural(s.len(), "core")
            ),
        )
        .help("give one of the two");
    }
    let mut m = MachineSpec::with_cores(cores.unwrap_or(4));
    if let Some(s) = speeds {
        m.cores = s;
    }
    let all = u32::try_from(m.cores.len()).unwrap_or(u32::MAX);
    m.visible_cpus = or(cx, &f, "visible_cpus", all, |cx, n| {
        cx.int32(
            n,
            "the number of visible CPUs",
            1..=limits::MAX_CORES,
            "MAX_CORES",
        )
    });
    m.memory_limit = cx.optional(&f, "memory", |cx, n| {
        let size = cx.size(n)?;
        if size == 0 {
            cx.error(Code::OutOfRange, n.span, "the machine needs some memory")
                .help("leave `memory` out for no limit");
            return None;
        }
        Some(size)
    });
    m.hz = or(cx, &f, "hz", m.hz, |cx, n| {
        cx.int32(
            n,
            "the timer frequency",
            1..=1_000_000,
            "of a million ticks a second",
        )
    });
    m.base_slice = or(cx, &f, "base_slice", m.base_slice, |cx, n| {
        cx.positive_duration(n, "the base slice")
    });
    m.context_switch = or(cx, &f, "context_switch", m.context_switch, Cx::duration);
    m.timer_slack = or(cx, &f, "timer_slack", m.timer_slack, Cx::duration);
    m.syscall = or(cx, &f, "syscall", m.syscall, Cx::duration);
    m.wake_latency = or(cx, &f, "wake_latency", m.wake_latency, wake_latency);
    m.pipe_capacity = or(cx, &f, "pipe_capacity", m.pipe_capacity, |cx, n| {
        let size = cx.size(n)?;
        if size < 512 {
            cx.error(
                Code::OutOfRange,
                n.span,
                "a pipe holds at least 512 bytes (POSIX)",
            );
            return None;
        }
        Some(size)
    });
    m.pipe_ns_per_byte = or(cx, &f, "pipe_ns_per_byte", m.pipe_ns_per_byte, |cx, n| {
        let x = cx.float(n, "the cost of a byte")?;
        if !(0.0..=limits::MAX_FACTOR).contains(&x) {
            cx.error(
                Code::OutOfRange,
                n.span,
                "the cost of a byte lies between 0 and 1e6 nanoseconds",
            );
            return None;
        }
        Some(x)
    });
    Some(m)
}

fn wake_latency(cx: &mut Cx, node: &Node) -> Option<Vec<(Nanos, Nanos)>> {
    let items = cx.list(node, "pairs (idle time, latency)")?;
    let mut out: Vec<(Nanos, Nanos)> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let pair = cx.at_index(i, |cx| {
            let Kind::Call {
                name: None,
                args: Args::Items(pair),
            } = &item.kind
            else {
                cx.wrong_type(item, "a pair (idle time, latency)")
                    .help("write (\"20us\", \"6us\")");
                return None;
            };
            if pair.len() != 2 {
                cx.error(
                    Code::WrongType,
                    item.span,
                    "expected two durations: idle time, latency",
                );
                return None;
            }
            let (idle, latency) = both(
                cx.positive_duration(&pair[0], "the idle time"),
                cx.duration(&pair[1]),
            )?;
            if out.last().is_some_and(|(last, _)| *last >= idle) {
                cx.error(
                    Code::OutOfRange,
                    pair[0].span,
                    "the idle times must rise from pair to pair",
                );
            }
            Some((idle, latency))
        });
        out.extend(pair);
    }
    Some(out)
}

fn interpreters(cx: &mut Cx, node: &Node) -> Option<Vec<String>> {
    let single = std::slice::from_ref(node);
    let items = if matches!(node.kind, Kind::Str(_)) {
        single
    } else {
        cx.list(node, "interpreters")?
    };
    if items.is_empty() {
        cx.error(Code::Empty, node.span, "at least one interpreter is needed")
            .help("for example [\"cpython-3.14\", \"cpython-3.14t\"]");
        return None;
    }
    if items.len() > limits::MAX_NAMES {
        cx.error(
            Code::Limit,
            node.span,
            format!(
                "more interpreters than the limit MAX_NAMES ({})",
                limits::MAX_NAMES
            ),
        );
        return None;
    }
    let mut out: Vec<String> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        cx.at_index(i, |cx| {
            let Some(name) = cx.string(item, "an interpreter's name") else {
                return;
            };
            if name.trim().is_empty() {
                cx.error(Code::Empty, item.span, "an interpreter needs a name");
            } else if out.iter().any(|o| o == name) {
                cx.error(
                    Code::Duplicate,
                    item.span,
                    format!("the interpreter \"{name}\" is named twice"),
                );
            } else {
                out.push(name.to_string());
            }
        });
    }
    Some(out)
}

fn strategies(cx: &mut Cx, node: &Node, interpreters: &[String]) -> Option<Vec<StrategyCase>> {
    let items = cx.list(node, "strategies")?;
    if items.len() > limits::MAX_NAMES {
        cx.error(
            Code::Limit,
            node.span,
            format!(
                "more strategies than the limit MAX_NAMES ({})",
                limits::MAX_NAMES
            ),
        );
        return None;
    }
    let mut out: Vec<StrategyCase> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        cx.at_index(i, |cx| {
            let Some(case) = decode_strategy::case(cx, item) else {
                return;
            };
            if let Some(name) = &case.interpreter
                && !interpreters.contains(name)
            {
                cx.error(
                    Code::UnknownName,
                    item.span,
                    format!("the interpreter \"{name}\" is not one of the scenario's"),
                )
                .help(format!(
                    "{}; or add it to `interpreters`",
                    suggest(name, "named there", interpreters.iter().map(String::as_str))
                ));
            } else if out.contains(&case) {
                let label = strategy_text::strategy_label(&case.strategy);
                cx.error(
                    Code::Duplicate,
                    item.span,
                    format!("the strategy \"{label}\" is listed twice"),
                );
            }
            out.push(case);
        });
    }
    Some(out)
}

fn objectives(cx: &mut Cx, node: &Node) -> Option<Vec<Objective>> {
    let items = cx.list(node, "objectives")?;
    let mut out = Vec::new();
    for (i, item) in items.iter().enumerate() {
        cx.at_index(i, |cx| {
            let Some(text) = cx.string(item, "an objective") else {
                return;
            };
            match objective::parse_objective(text) {
                Ok(o) => out.push(o),
                Err(message) => {
                    cx.error(Code::BadObjective, item.span, message)
                        .help(objective::HELP);
                }
            }
        });
    }
    Some(out)
}

fn arrivals(cx: &mut Cx, node: &Node, horizon: Option<Nanos>) -> Option<Arrivals> {
    let name = cx.variant(node, "a kind of arrivals", variants::ARRIVALS)?;
    let f = cx.params(node, &format!("`{name}`"), variants::params(name))?;
    let count = cx.optional(&f, "count", |cx, n| {
        cx.int(
            n,
            "the number of arrivals",
            1..=limits::MAX_TASKS,
            "MAX_TASKS",
        )
    });
    let endless = f.get("count").is_none() && horizon.is_none();
    if endless && matches!(name, "Poisson" | "Renewal" | "Closed") {
        cx.error(
            Code::MissingField,
            node.span,
            format!("`{name}` arrivals never end: neither a count nor a horizon is given"),
        )
        .help("add `count: 1000` here, or `horizon: \"60s\"` to the scenario");
    }
    match name {
        "Batch" => Some(Arrivals::Batch),
        "Poisson" => {
            let rate = cx.required(&f, "rate", Cx::rate)?;
            Some(Arrivals::Open {
                interval: Dist::Exponential(Nanos::from_secs_f64(1.0 / rate)),
                count,
            })
        }
        "Renewal" => {
            let interval = cx.required(&f, "interval", |cx, n| {
                let interval = dist(cx, n)?;
                if interval.mean() <= 0.0 {
                    cx.error(
                        Code::OutOfRange,
                        n.span,
                        "the time between arrivals must be above zero",
                    )
                    .help("tasks that arrive all at once are a Batch");
                    return None;
                }
                Some(interval)
            })?;
            Some(Arrivals::Open { interval, count })
        }
        "Closed" => {
            let users = cx.required(&f, "users", |cx, n| {
                cx.int32(
                    n,
                    "the number of users",
                    1..=limits::MAX_WORKERS,
                    "MAX_WORKERS",
                )
            });
            let think = match f.get("think") {
                Some(_) => cx.optional(&f, "think", dist),
                None => Some(Dist::Constant(Nanos::ZERO)),
            };
            let (users, think) = both(users, think)?;
            Some(Arrivals::Closed {
                users,
                think,
                count,
            })
        }
        // The file is read once the classes are known.
        _ => Some(Arrivals::Trace(Vec::new())),
    }
}

fn workload(cx: &mut Cx, node: &Node, base: &Path, horizon: Option<Nanos>) -> Option<Workload> {
    let f = cx.record(node, "the workload", variants::WORKLOAD)?;
    let lock_table = or(cx, &f, "locks", Vec::new(), |cx, n| cx.table(n, "lock"));
    let queue_table = or(cx, &f, "queues", Vec::new(), |cx, n| cx.table(n, "queue"));
    let object_table = or(cx, &f, "objects", Vec::new(), |cx, n| cx.table(n, "object"));
    let locks = cx.at("locks", |cx| locks(cx, &lock_table));
    let queues = cx.at("queues", |cx| queues(cx, &queue_table));
    let names =
        |what, table: &[(Ident, Option<&Node>)]| Names::new(what, table.iter().map(|(k, _)| k));
    let mut reader = StepReader::new(
        names("lock", &lock_table),
        names("queue", &queue_table),
        names("object", &object_table),
    );
    let errors_before = cx.diagnostics.len();
    let classes = cx.required(&f, "tasks", |cx, n| classes(cx, n, &mut reader));
    // What is unused or never put is only known when every step could be read.
    let complete = cx.diagnostics.len() == errors_before;
    if complete {
        reader.check_queues(cx);
    }
    let arrivals = cx.required(&f, "arrivals", |cx, n| arrivals(cx, n, horizon));
    let imports = or(cx, &f, "imports", Imports::default(), |cx, n| {
        let f = cx.record(n, "`imports`", &["time", "memory", "objects"])?;
        let time = or(cx, &f, "time", Nanos::ZERO, Cx::duration);
        let memory = or(cx, &f, "memory", 0, Cx::size);
        let objects = or(cx, &f, "objects", 0, |cx, n| {
            cx.int(
                n,
                "the number of objects",
                0..=limits::MAX_OBJECTS,
                "MAX_OBJECTS",
            )
        });
        Some(Imports {
            time,
            memory,
            objects,
        })
    });
    let dispatch = or(cx, &f, "dispatch", Nanos::ZERO, Cx::duration);
    let cpu_grain = or(cx, &f, "cpu_grain", Nanos::ZERO, Cx::duration);
    let native_grain = or(cx, &f, "native_grain", Nanos::ZERO, Cx::duration);
    let (mut arrivals, classes) = both(arrivals, classes)?;
    if let (Arrivals::Trace(tasks), Some(node)) = (&mut arrivals, f.get("arrivals")) {
        *tasks = cx.at("arrivals", |cx| {
            let f = cx.params(node, "`Trace`", variants::params("Trace"))?;
            cx.required(&f, "file", |cx, n| trace::read(cx, n, base, &classes))
        })?;
    }
    if complete {
        for names in [&reader.locks, &reader.queues, &reader.objects] {
            names.warn_unused(cx);
        }
        if let Some(tasks) = f.get("tasks") {
            no_effect(cx, tasks, &arrivals);
            queue_balance(cx, tasks, &arrivals, &classes, &queues);
        }
    }
    totals(cx, &f, &arrivals, &classes, horizon);
    let objects = object_table.into_iter().map(|(k, _)| k.text).collect();
    Some(Workload {
        arrivals,
        classes,
        locks,
        queues,
        objects,
        imports,
        untouched_payload: false,
        dispatch,
        cpu_grain,
        native_grain,
    })
}

fn locks(cx: &mut Cx, table: &[(Ident, Option<&Node>)]) -> Vec<LockSpec> {
    let mut read = |key: &Ident, node: Option<&Node>| {
        let shared = node.is_some_and(|n| {
            cx.at(&key.text, |cx| {
                let f = cx.record(n, "a lock", &["shared"])?;
                cx.optional(&f, "shared", Cx::boolean)
            })
            .unwrap_or(false)
        });
        LockSpec {
            name: key.text.clone(),
            shared,
        }
    };
    table.iter().map(|(k, n)| read(k, *n)).collect()
}

fn queues(cx: &mut Cx, table: &[(Ident, Option<&Node>)]) -> Vec<QueueSpec> {
    let mut read = |key: &Ident, node: Option<&Node>| {
        let capacity = node.and_then(|n| {
            cx.at(&key.text, |cx| {
                let f = cx.record(n, "a queue", &["capacity"])?;
                cx.optional(&f, "capacity", |cx, n| {
                    cx.int(n, "a queue's capacity", 1..=limits::MAX_TASKS, "MAX_TASKS")
                })
            })
        });
        QueueSpec {
            name: key.text.clone(),
            capacity,
        }
    };
    table.iter().map(|(k, n)| read(k, *n)).collect()
}

fn classes(cx: &mut Cx, node: &Node, reader: &mut StepReader) -> Option<Vec<TaskClass>> {
    let items = cx.list(node, "task classes")?;
    if items.is_empty() {
        cx.error(Code::Empty, node.span, "there are no tasks")
            .help("write at least one: (name: \"page\", count: 10, steps: [Io(\"1s\")])");
        return None;
    }
    if items.len() > limits::MAX_NAMES {
        cx.error(
            Code::Limit,
            node.span,
            format!(
                "more task classes than the limit MAX_NAMES ({})",
                limits::MAX_NAMES
            ),
        );
        return None;
    }
    let mut out: Vec<TaskClass> = Vec::new();
    let mut whole = true;
    for (i, item) in items.iter().enumerate() {
        cx.at_index(i, |cx| {
            match reader.class(cx, item, &format!("tasks[{i}]")) {
                Some(class) => {
                    if out.iter().any(|c| c.name == class.name) {
                        cx.error(
                            Code::Duplicate,
                            item.span,
                            format!("two task classes are named \"{}\"", class.name),
                        );
                    }
                    out.push(class);
                }
                None => whole = false,
            }
        });
    }
    whole.then_some(out)
}

/// Warns about fields of task classes that these arrivals do not look at.
fn no_effect(cx: &mut Cx, tasks: &Node, arrivals: &Arrivals) {
    let (idle, why): (&[&str], &str) = match arrivals {
        Arrivals::Batch => (&["weight"], "a batch has a `count` of each class"),
        Arrivals::Open { .. } | Arrivals::Closed { .. } => (
            &["count", "interleave"],
            "the arrivals' own `count` says how many, `weight` of which class",
        ),
        Arrivals::Trace(_) => (
            &["count", "weight", "interleave"],
            "the trace says which tasks arrive",
        ),
    };
    let Kind::List(items) = &tasks.kind else {
        return;
    };
    for (i, item) in items.iter().enumerate() {
        let Kind::Call {
            args: Args::Fields(fields),
            ..
        } = &item.kind
        else {
            continue;
        };
        for (key, _) in fields
            .iter()
            .filter(|(k, _)| idle.contains(&k.text.as_str()))
        {
            cx.at(&format!("tasks[{i}].{}", key.text), |cx| {
                cx.warn(
                    Code::NoEffect,
                    key.span,
                    format!("`{}` has no effect with these arrivals", key.text),
                )
                .help(why);
            });
        }
    }
}

/// Whether a list holds a step that may cut it short.
fn uncertain(steps: &[Step]) -> bool {
    tally(steps, &|s| {
        matches!(s, Step::Fail(_) | Step::Timeout(..) | Step::Retry { .. })
    }) > 0
}

/// Warns about queues that a batch leaves with someone waiting for ever.
fn queue_balance(
    cx: &mut Cx,
    tasks: &Node,
    arrivals: &Arrivals,
    classes: &[TaskClass],
    queues: &[QueueSpec],
) {
    if !matches!(arrivals, Arrivals::Batch) || classes.iter().any(|c| uncertain(&c.steps)) {
        return;
    }
    for (id, queue) in queues.iter().enumerate() {
        let all = |pick: &dyn Fn(&Step) -> bool| {
            classes.iter().fold(0_u64, |sum, c| {
                sum.saturating_add(tally(&c.steps, &|s| pick(s)).saturating_mul(c.count))
            })
        };
        let puts = all(&|s| *s == Step::Put(id));
        let gets = all(&|s| *s == Step::Get(id));
        let message = if gets > puts && puts > 0 {
            format!(
                "the batch takes {gets} items from the queue \"{}\" but puts only {puts}: some task waits for ever",
                queue.name
            )
        } else if queue
            .capacity
            .is_some_and(|c| puts > gets.saturating_add(c))
        {
            format!(
                "the batch puts {puts} items into the queue \"{}\" and takes only {gets}: when it is full, a task waits for ever",
                queue.name
            )
        } else {
            continue;
        };
        let span = Span {
            end: tasks.span.start + 1,
            ..tasks.span
        };
        cx.at("tasks", |cx| {
            cx.warn(Code::QueueBalance, span, message)
                .help("make the counts of the tasks that put and of those that take agree");
        });
    }
}

/// Refuses what would need more memory or events than the limits.
fn totals(
    cx: &mut Cx,
    f: &Fields<'_>,
    arrivals: &Arrivals,
    classes: &[TaskClass],
    horizon: Option<Nanos>,
) {
    let longest = classes
        .iter()
        .map(|c| unrolled(&c.steps))
        .max()
        .unwrap_or(0);
    for (i, class) in classes.iter().enumerate() {
        let steps = unrolled(&class.steps);
        if let (true, Some(tasks)) = (steps > limits::MAX_STEPS_PER_TASK, f.get("tasks")) {
            let span = match &tasks.kind {
                Kind::List(items) => items.get(i).map_or(tasks.span, |n| n.span),
                _ => tasks.span,
            };
            cx.at(&format!("tasks[{i}]"), |cx| {
                let message = format!("one task of \"{}\" executes {steps} steps, more than the limit MAX_STEPS_PER_TASK ({})", class.name, limits::MAX_STEPS_PER_TASK);
                cx.error(Code::Limit, span, message).help("repeats, children and retries multiply; draw several steps together");
            });
        }
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates"
    )]
    let within_horizon = |mean_ns: f64| {
        horizon.map_or(u64::MAX, |h| {
            if mean_ns > 0.0 {
                (h.as_f64() / mean_ns) as u64
            } else {
                u64::MAX
            }
        })
    };
    let tasks = match arrivals {
        Arrivals::Batch => classes
            .iter()
            .fold(0_u64, |sum, c| sum.saturating_add(c.count)),
        Arrivals::Open { interval, count } => count
            .unwrap_or(u64::MAX)
            .min(within_horizon(interval.mean())),
        Arrivals::Trace(tasks) => tasks.len() as u64,
        // How fast closed users go round is for the simulation to find out: its limit on events holds instead.
        Arrivals::Closed { count, .. } => count.unwrap_or(0),
    };
    let Some(node) = f.get("arrivals") else {
        return;
    };
    cx.at("arrivals", |cx| {
        if tasks == u64::MAX {
            return;
        }
        if tasks > limits::MAX_TASKS {
            cx.error(Code::Limit, node.span, format!("{tasks} tasks are more than the limit MAX_TASKS ({})", limits::MAX_TASKS))
                .help("simulate a shorter time or a sample of the tasks");
        } else if tasks.saturating_mul(longest) > limits::MAX_STEPS_PER_RUN && longest <= limits::MAX_STEPS_PER_TASK {
            let message = format!("{tasks} tasks of up to {longest} steps are more than the limit MAX_STEPS_PER_RUN ({})", limits::MAX_STEPS_PER_RUN);
            cx.error(Code::Limit, node.span, message).help("simulate fewer tasks, or draw several steps together");
        }
    });
}

/// The name in a list that is most like another, for messages about files and scenarios.
pub(super) fn closest(word: &str, names: &[&str]) -> Option<String> {
    nearest(word, names.iter().copied()).map(str::to_string)
}
