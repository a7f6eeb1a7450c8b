//! Reads the workload: arrivals, tasks, what tasks share, and the checks that involve several of these.

use std::path::Path;

use super::decode::{Cx, Fields, both, or};
use super::decode_admission::{admission, client, of_arrivals_from_outside, overflow};
use super::decode_arrivals::arrivals;
use super::decode_devices::devices;
use super::decode_faults::faults;
use super::decode_resources::resources;
use super::decode_steps::{DeclaredResource, StepReader, SymbolTable, given_up, tally, unrolled};
use super::diagnostic::{Code, Severity};
use super::tree::{CallArgs, Ident, SourceSpan, SyntaxKind, SyntaxNode};
use super::variants::ArrivalsName;
use super::{trace, variants};
use crate::engine::{Nanos, whole};
use crate::scenario::units::grouped;
use crate::scenario::{
    Arrivals, Imports, LockSpec, ObjectKind, ObjectSpec, Overflow, QueueSpec, ResourceSpec, Rounds,
    Step, TaskClass, WaitsFor, WhenFull, Workload, limits,
};

/// Reads the workload from its record. `base` is the directory where trace files are looked for.
pub(super) fn workload(
    cx: &mut Cx,
    node: &SyntaxNode,
    base: &Path,
    horizon: Option<Nanos>,
) -> Option<Workload> {
    let f = cx.record(node, "the workload", variants::WORKLOAD)?;
    let lock_table = table(cx, &f, "locks", "lock");
    let queue_table = table(cx, &f, "queues", "queue");
    let object_table = table(cx, &f, "objects", "object");
    let resource_table = table(cx, &f, "resources", "resource");
    let device_table = table(cx, &f, "devices", "device");
    let locks = cx.at("locks", |cx| {
        locks(cx, lock_table.as_deref().unwrap_or_default())
    });
    let queues = cx.at("queues", |cx| {
        queues(cx, queue_table.as_deref().unwrap_or_default())
    });
    let objects = cx.at("objects", |cx| {
        objects(cx, object_table.as_deref().unwrap_or_default())
    });
    let (mut device_names, devices) = devices(cx, device_table.as_deref());
    let resources = cx.at("resources", |cx| {
        let table = resource_table.as_deref().unwrap_or_default();
        resources(cx, table, &mut device_names.names)
    });
    let names = |what, table: &Option<Declarations<'_>>| {
        SymbolTable::new(what, table.as_ref().map(|t| t.iter().map(|(k, _)| k)))
    };
    let mut reader = StepReader::new(
        names("lock", &lock_table),
        names("queue", &queue_table),
        names("object", &object_table),
        names("resource", &resource_table),
        device_names,
        resources.iter().map(DeclaredResource::from).collect(),
    );
    let errors_before = cx.diagnostics.len();
    let classes = cx.required(&f, "tasks", |cx, n| classes(cx, n, &mut reader));
    // Whether a name is unused, or a queue never filled, is only known if every step could be read.
    let complete = classes.is_some() && cx.diagnostics.len() == errors_before;
    if complete {
        reader.check_queues(cx);
    }
    let arrivals = cx.required(&f, "arrivals", |cx, n| {
        let arrivals = arrivals(cx, n, horizon)?;
        Some((arrivals, rounds(cx, n, &mut reader, &resources)?))
    });
    let faults = or(cx, &f, "faults", Vec::new(), |cx, n| {
        let load_ends = match &arrivals {
            Some((Arrivals::Varying { load, .. }, _)) => load.ends(),
            _ => None,
        };
        let end = load_ends.into_iter().chain(horizon).min();
        faults(cx, n, &mut reader.devices.names, end)
    });
    let admission = cx.optional(&f, "admission", admission);
    let client = cx.optional(&f, "client", client);
    let imports = or(cx, &f, "imports", Imports::default(), imports);
    let data = or(cx, &f, "data", 0, Cx::size);
    let dispatch = or(cx, &f, "dispatch", Nanos::ZERO, Cx::duration);
    let cpu_grain = or(cx, &f, "cpu_grain", Nanos::ZERO, Cx::duration);
    let native_grain = or(cx, &f, "native_grain", Nanos::ZERO, Cx::duration);
    let measured_on = cx.optional(&f, "measured_on", Cx::interpreter);
    let ((mut arrivals, rounds), classes) = both(arrivals, classes)?;
    of_arrivals_from_outside(cx, &f, &arrivals);
    if let (Arrivals::Trace(tasks), Some(node)) = (&mut arrivals, f.get("arrivals")) {
        *tasks = cx.at("arrivals", |cx| {
            let f = cx.params(node, "`Trace`", variants::params("Trace"))?;
            let speed = or(cx, &f, "speed", 1.0, |cx, n| {
                cx.factor(n, "how much faster the trace is replayed")
            });
            let mut tasks = cx.required(&f, "file", |cx, n| trace::read(cx, n, base, &classes))?;
            if speed != 1.0 {
                for task in &mut tasks {
                    task.at = task.at.scale(1.0 / speed);
                }
            }
            Some(tasks)
        })?;
    }
    if complete {
        for names in [
            &reader.locks,
            &reader.queues,
            &reader.objects,
            &reader.resources,
            &reader.devices.names,
        ] {
            names.warn_unused(cx);
        }
        if let Some(tasks) = f.get("tasks") {
            no_effect(cx, tasks, &arrivals);
            queue_balance(cx, tasks, &arrivals, &classes, &queues);
        }
        imports_no_effect(cx, &f, &imports);
    }
    totals(cx, &f, (&arrivals, &rounds), &classes, horizon);
    Some(Workload {
        arrivals,
        rounds,
        classes,
        locks,
        queues,
        objects,
        resources,
        devices,
        imports,
        data,
        untouched_payload: false,
        faults,
        admission,
        client,
        dispatch,
        cpu_grain,
        native_grain,
        python_teams: false,
        ready: false,
        measured_on,
    })
}

/// Reads how often a batch comes; once, unless the arrivals are rounds.
fn rounds(
    cx: &mut Cx,
    node: &SyntaxNode,
    reader: &mut StepReader,
    resources: &[ResourceSpec],
) -> Option<Rounds> {
    let name = cx.variant(node, "a kind of arrivals", variants::ARRIVALS)?;
    if ArrivalsName::named(name)? != ArrivalsName::Rounds {
        return Some(Rounds::default());
    }
    let f = cx.params(node, "`Rounds`", variants::params(name))?;
    let count = cx.required(&f, "count", |cx, n| {
        cx.int(
            n,
            "the number of rounds",
            1..=limits::MAX_TASKS,
            "MAX_TASKS",
        )
    });
    let serial = or(cx, &f, "serial", Vec::new(), |cx, n| {
        let steps = reader.serial(cx, n)?;
        let may_refuse = |r: usize| resources.get(r).filter(|r| r.full != WhenFull::Wait);
        let mut refuses = None;
        for step in &steps {
            step.each(&mut |s| {
                if let WaitsFor::Resource(r) = s.waits() {
                    refuses = refuses.or(may_refuse(r));
                }
            });
        }
        if let Some(ResourceSpec { name, .. }) = refuses {
            let message = format!(
                "the main program by itself cannot use \"{name}\", which may refuse: it would end"
            );
            cx.error(Code::Conflict, n.span, message)
                .help("let it wait (no `full` and no `wait`), or leave that to the tasks");
            return None;
        }
        Some(steps)
    });
    Some(Rounds {
        count: count?,
        serial,
    })
}

fn imports(cx: &mut Cx, node: &SyntaxNode) -> Option<Imports> {
    let f = cx.record(node, "`imports`", variants::IMPORTS)?;
    let time = or(cx, &f, "time", Nanos::ZERO, Cx::duration);
    let memory = or(cx, &f, "memory", 0, Cx::size);
    let objects = cx.optional(&f, "objects", |cx, n| {
        cx.int(
            n,
            "the number of objects",
            0..=limits::MAX_OBJECTS,
            "MAX_OBJECTS",
        )
    });
    let frozen = cx.optional(&f, "frozen", Cx::boolean).unwrap_or(false);
    let preloaded = cx.optional(&f, "preloaded", Cx::boolean).unwrap_or(true);
    Some(Imports {
        time,
        memory,
        objects,
        frozen,
        preloaded,
    })
}

/// Declared names, each with the value that stands behind it, if any.
type Declarations<'n> = Vec<(Ident, Option<&'n SyntaxNode>)>;

/// Reads a table of the workload, which is empty where it is left out. Returns `None` if it could not be read, which has been noted.
fn table<'n>(
    cx: &mut Cx,
    f: &Fields<'n>,
    field: &'static str,
    what: &'static str,
) -> Option<Declarations<'n>> {
    match f.get(field) {
        Some(_) => cx.optional(f, field, |cx, n| cx.table(n, what)),
        None => Some(Vec::new()),
    }
}

/// Reads what a table declares: each name with its one optional field, which is absent where only the name is given.
fn declared<T>(
    cx: &mut Cx,
    table: &[(Ident, Option<&SyntaxNode>)],
    what: &str,
    field: &'static str,
    read: impl Fn(&mut Cx, &SyntaxNode) -> Option<T>,
) -> Vec<(String, Option<T>)> {
    let mut out = Vec::new();
    for (key, node) in table {
        let value = node.and_then(|n| {
            cx.at(&key.text, |cx| {
                let f = cx.record(n, what, &[field])?;
                cx.optional(&f, field, &read)
            })
        });
        out.push((key.text.clone(), value));
    }
    out
}

fn locks(cx: &mut Cx, table: &[(Ident, Option<&SyntaxNode>)]) -> Vec<LockSpec> {
    declared(cx, table, "a lock", "shared", Cx::boolean)
        .into_iter()
        .map(|(name, shared)| LockSpec {
            name,
            shared: shared.unwrap_or(false),
        })
        .collect()
}

fn objects(cx: &mut Cx, table: &[(Ident, Option<&SyntaxNode>)]) -> Vec<ObjectSpec> {
    let kind = |cx: &mut Cx, n: &SyntaxNode| {
        let name = cx.variant(n, "a kind of object", variants::OBJECTS)?;
        cx.params(n, &format!("`{name}`"), &[])?;
        Some(match name {
            "Immortal" => ObjectKind::Immortal,
            "PerThread" => ObjectKind::PerThread,
            _ => ObjectKind::Counted,
        })
    };
    declared(cx, table, "an object", "kind", kind)
        .into_iter()
        .map(|(name, kind)| ObjectSpec {
            name,
            kind: kind.unwrap_or_default(),
        })
        .collect()
}

fn queues(cx: &mut Cx, table: &[(Ident, Option<&SyntaxNode>)]) -> Vec<QueueSpec> {
    let of = |(key, node): &(Ident, Option<&SyntaxNode>)| {
        let read = node.and_then(|n| cx.at(&key.text, |cx| queue(cx, n)));
        let (capacity, full) = read.unwrap_or_default();
        QueueSpec {
            name: key.text.clone(),
            capacity,
            full,
        }
    };
    table.iter().map(of).collect()
}

fn queue(cx: &mut Cx, node: &SyntaxNode) -> Option<(Option<u64>, Overflow)> {
    let f = cx.record(node, "a queue", variants::QUEUE)?;
    let capacity = cx.optional(&f, "capacity", |cx, n| {
        cx.int_or(
            n,
            "a queue's capacity",
            1..=limits::MAX_TASKS,
            "MAX_TASKS",
            "leave `capacity` out: the queue then takes everything",
        )
    });
    let full = or(cx, &f, "full", Overflow::Wait, overflow);
    if let (None, Some(node)) = (f.get("capacity"), f.get("full")) {
        cx.at("full", |cx| {
            let message = "`full` has no effect: a queue without `capacity` is never full";
            cx.warn(Code::NoEffect, node.span, message)
                .help("give a `capacity`, or leave `full` out");
        });
    }
    Some((capacity, full))
}

fn classes(cx: &mut Cx, node: &SyntaxNode, reader: &mut StepReader) -> Option<Vec<TaskClass>> {
    let items = cx.list(node, "task classes")?;
    if items.is_empty() {
        cx.error(Code::Empty, node.span, "there are no tasks")
            .help("write at least one: (name: \"page\", count: 10, steps: [Io(\"1s\")])");
        return None;
    }
    cx.few_names(node, items.len(), "task classes")?;
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

/// Warns about fields of task classes that have no effect with this kind of arrivals.
fn no_effect(cx: &mut Cx, tasks: &SyntaxNode, arrivals: &Arrivals) {
    let (idle, why): (&[&str], &str) = match arrivals {
        Arrivals::Batch => (&["weight"], "a batch has a `count` of each class"),
        Arrivals::Open { .. }
        | Arrivals::Varying { .. }
        | Arrivals::Sessions { .. }
        | Arrivals::Closed { .. } => (
            &["count", "interleave"],
            "the arrivals' own `count` says how many, `weight` of which class",
        ),
        Arrivals::Trace(_) => (
            &["count", "weight", "interleave"],
            "the trace says which tasks arrive",
        ),
    };
    idle_fields(cx, tasks, idle, "with these arrivals", why);
}

/// Warns about fields that have an effect on forked processes only, where none of the strategies forks.
pub(super) fn fork_no_effect(cx: &mut Cx, workload: &SyntaxNode) {
    let SyntaxKind::Call {
        args: CallArgs::Fields(fields),
        ..
    } = &workload.kind
    else {
        return;
    };
    if let Some((_, tasks)) = fields.iter().find(|(k, _)| k.text == "tasks") {
        let why = "name one that does (processes:4:fork, prefork:4(asyncio)), or remove it";
        let when = "where no strategy forks processes";
        idle_fields(cx, tasks, &["touches"], when, why);
    }
}

/// Warns about fields of task classes that have no effect; `when` and `why` say in which case.
fn idle_fields(cx: &mut Cx, tasks: &SyntaxNode, idle: &[&str], when: &str, why: &str) {
    let SyntaxKind::List(items) = &tasks.kind else {
        return;
    };
    for (i, item) in items.iter().enumerate() {
        let SyntaxKind::Call {
            args: CallArgs::Fields(fields),
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
                    format!("`{}` has no effect {when}", key.text),
                )
                .help(why);
            });
        }
    }
}

/// Warns about fields that say something about imports where there are none.
fn imports_no_effect(cx: &mut Cx, f: &Fields<'_>, imports: &Imports) {
    // Imports that could not be read are not absent.
    if imports.memory > 0 || cx.diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return;
    }
    if let Some(tasks) = f.get("tasks") {
        let why = "say how much memory the program's modules have, `imports: (memory: \"40MB\")`, or remove it";
        let when = "without memory of `imports`";
        idle_fields(cx, tasks, &["touches"], when, why);
    }
    if let Some(node) = f.get("imports")
        && imports.frozen
        && imports.objects.unwrap_or(0) == 0
    {
        cx.at("imports", |cx| {
            cx.warn(
                Code::NoEffect,
                node.span,
                "`frozen` has no effect without `memory` and `objects`",
            )
            .help("say what there is to freeze, `imports: (memory: \"40MB\", objects: 41_000, frozen: true)`, or remove it");
        });
    }
}

/// Whether a list holds a step that may end it early.
fn uncertain(steps: &[Step]) -> bool {
    tally(steps, &Step::may_fail) > 0
}

impl Workload {
    /// Whether a task of this workload may fail or run out of time.
    pub(crate) fn can_fail(&self) -> bool {
        let refuses = |r: &ResourceSpec| r.full != WhenFull::Wait;
        self.classes.iter().any(|c| uncertain(&c.steps)) || self.resources.iter().any(refuses)
    }

    /// Whether a task makes containers, which the garbage collector has to examine.
    pub(crate) fn allocates(&self) -> bool {
        let any = |c: &TaskClass| tally(&c.steps, &Step::allocates) > 0;
        self.classes.iter().any(any)
    }
}

/// Warns about queues at which a batch leaves some task waiting for ever.
fn queue_balance(
    cx: &mut Cx,
    tasks: &SyntaxNode,
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
        let puts = all(&|s| s.waits() == WaitsFor::Room(id));
        let gets = all(&|s| s.waits() == WaitsFor::Item(id));
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
        let span = SourceSpan {
            end: tasks.span.start + 1,
            ..tasks.span
        };
        cx.at("tasks", |cx| {
            cx.warn(Code::QueueBalance, span, message)
                .help("make the counts of the tasks that put and of those that take agree");
        });
    }
}

/// Notes an error for a workload that would need more memory or events than the limits allow.
fn totals(
    cx: &mut Cx,
    f: &Fields<'_>,
    (arrivals, rounds): (&Arrivals, &Rounds),
    classes: &[TaskClass],
    horizon: Option<Nanos>,
) {
    let longest = classes
        .iter()
        .map(|c| unrolled(&c.steps))
        .max()
        .unwrap_or(0);
    for (i, class) in classes.iter().enumerate() {
        let Some(tasks) = f.get("tasks") else { break };
        let span = match &tasks.kind {
            SyntaxKind::List(items) => items.get(i).map_or(tasks.span, |n| n.span),
            _ => tasks.span,
        };
        let (steps, most) = (unrolled(&class.steps), limits::MAX_STEPS_PER_TASK);
        if steps > most {
            cx.at(&format!("tasks[{i}]"), |cx| {
                let message = format!(
                    "one task of \"{}\" executes {} steps, more than {}",
                    class.name,
                    grouped(steps),
                    limits::named("MAX_STEPS_PER_TASK", most)
                );
                cx.error(Code::Limit, span, message)
                    .help("repeats, children and retries multiply; draw several steps together");
            });
        }
        let (released, most) = (given_up(&class.steps), limits::MAX_RELEASES_PER_TASK);
        // A single step that is past the limit by itself has been reported already.
        if released > most
            && class
                .steps
                .iter()
                .all(|s| given_up(std::slice::from_ref(s)) <= most)
        {
            cx.at(&format!("tasks[{i}]"), |cx| {
                let message = format!(
                    "one task of \"{}\" gives the GIL up {} times, more than {}",
                    class.name,
                    grouped(released),
                    limits::named("MAX_RELEASES_PER_TASK", most)
                );
                cx.error(Code::Limit, span, message)
                    .help(limits::instead("MAX_RELEASES_PER_TASK"));
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
            .fold(0_u64, |sum, c| sum.saturating_add(c.count))
            .saturating_mul(rounds.count),
        Arrivals::Open { interval, count } => count
            .unwrap_or(u64::MAX)
            .min(within_horizon(interval.mean())),
        Arrivals::Varying { load, count } => count
            .unwrap_or(u64::MAX)
            .min(whole(load.expected_until(horizon))),
        Arrivals::Sessions {
            interval,
            requests,
            count,
            ..
        } => count
            .unwrap_or(u64::MAX)
            .min(within_horizon(interval.mean() / requests)),
        Arrivals::Trace(tasks) => tasks.len() as u64,
        // How often closed users go round is known only by simulation, whose limit on events holds instead.
        Arrivals::Closed { count, .. } => count.unwrap_or(0),
    };
    let Some(node) = f.get("arrivals") else {
        return;
    };
    cx.at("arrivals", |cx| {
        if tasks == u64::MAX && rounds.count == 1 {
            return;
        }
        if tasks > limits::MAX_TASKS {
            let message = format!(
                "{} tasks are more than {}",
                grouped(tasks),
                limits::named("MAX_TASKS", limits::MAX_TASKS)
            );
            cx.error(Code::Limit, node.span, message)
                .help(limits::instead("MAX_TASKS"));
        } else if tasks.saturating_mul(longest) > limits::MAX_STEPS_PER_RUN
            && longest <= limits::MAX_STEPS_PER_TASK
        {
            let message = format!(
                "{} tasks of up to {} steps are more than {}",
                grouped(tasks),
                grouped(longest),
                limits::named("MAX_STEPS_PER_RUN", limits::MAX_STEPS_PER_RUN)
            );
            cx.error(Code::Limit, node.span, message)
                .help("simulate fewer tasks, or draw several steps together");
        }
    });
}
