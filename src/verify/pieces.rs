//! The parts of a generated program that do not depend on its steps. They are chosen by what the program needs.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::calls;
use super::memory;
use super::parallel;
use super::program::{ProgramPlan, imports_module};
use super::retries;
use super::scarce;
use super::steps::{Flavour, coming, quoted};
use super::tree::ProgramStep;
use crate::scenario::{Execution, Pool, ProcessApi, StartMethod, Workers};

/// How tasks are accepted and run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExecutorKind {
    Sequential,
    PerTask,
    /// An executor of `concurrent.futures`.
    Pool,
    /// A `ProcessPoolExecutor` whose calls are chunks of so many tasks of a batch.
    Chunks(u32),
    /// A `multiprocessing.Pool` with its chunk size (0 lets the pool choose).
    MpPool(u32),
    /// An event loop.
    Loop,
}

macro_rules! piece {
    ($name:literal) => {
        include_str!(concat!("template/", $name, ".py"))
    };
}

/// The code that the steps need.
pub(super) fn steps(plan: &ProgramPlan<'_>) -> String {
    let offload = plan.flavour == Flavour::Offload;
    let has = |is: fn(&ProgramStep) -> bool| plan.any(is);
    let inline = matches!(
        plan.flavour,
        Flavour::Plain { travels: false } | Flavour::Loop
    );
    let payload = |n: &ProgramStep| {
        matches!(
            n,
            ProgramStep::PayloadIn(_)
                | ProgramStep::PayloadOut(_)
                | ProgramStep::ObjectsIn(_)
                | ProgramStep::ObjectsOut(_)
        )
    };
    let holds = |n: &ProgramStep| matches!(n, ProgramStep::Hold(..));
    let touches = has(holds) || inline && plan.any(payload);
    let mut out = String::from(piece!("cpu"));
    if touches {
        out = memory::touched(&out);
    }
    out.push_str(&releasing(plan, touches));
    out.push_str(&parallel::team(plan));
    out.push_str(match plan.flavour {
        Flavour::Plain { .. } | Flavour::Call => "\n\nio = time.sleep\n",
        Flavour::Loop | Flavour::Offload => "\n\nio = asyncio.sleep\n",
    });
    let called = calls::pieces(plan);
    let blocks = has(|n| matches!(n, ProgramStep::Block(_)));
    if blocks || !called.is_empty() {
        out.push_str("block = time.sleep  # Whoever calls it does nothing else meanwhile.\n");
    }
    let leaks = has(|n| matches!(n, ProgramStep::Leak(_)));
    let plain = matches!(plan.flavour, Flavour::Plain { .. });
    let timeouts = has(|n| matches!(n, ProgramStep::Timeout(..)));
    let retries = has(|n| matches!(n, ProgramStep::Retry(..)));
    let backoff = plan.backs_off();
    let attempts = |text: &str| retries::attempts(text, backoff);
    let locks = !plan.source.workload.locks.is_empty();
    let uses = has(|n| matches!(n, ProgramStep::Use(..)));
    let transfers = has(|n| matches!(n, ProgramStep::Transfer(..)));
    // Steps that need no noting down, although work is offloaded.
    let on_loop = has(|n| matches!(n, ProgramStep::OnLoop(_)));
    let placed = on_loop || !called.is_empty();
    let shared = has(|n| matches!(n, ProgramStep::Shared { .. }));
    let parts = [
        (has(holds), piece!("hold")),
        (!offload, piece!("task")),
        (!offload && inline && plan.any(payload), memory::LETS_GO),
        (
            (!offload || placed) && has(|n| matches!(n, ProgramStep::Allocate(_))),
            piece!("allocate"),
        ),
        (leaks, piece!("leak")),
        ((!offload || placed) && locks, piece!("locks")),
        (shared || offload, piece!("shared")),
        (
            plain && has(|n| matches!(n, ProgramStep::Put(_) | ProgramStep::Get(_))),
            piece!("queues"),
        ),
        (uses, piece!("scarce")),
        (uses, &scarce::users(plan)),
        (transfers, piece!("devices")),
        (
            transfers && (plain || !called.is_empty()),
            piece!("device_threads"),
        ),
        (transfers && !plain, piece!("device_loop")),
        (plain && timeouts, piece!("deadline")),
        (retries && backoff, piece!("backoff")),
        (plain && retries, &attempts(piece!("attempts"))),
        (!plain && (timeouts || offload), piece!("loop_timeout")),
        (!plain && retries, &attempts(piece!("loop_attempts"))),
        (offload, piece!("offload")),
        (plan.flavour == Flavour::Loop, piece!("loop_body")),
        (!plain, piece!("loop_common")),
    ];
    let walks = (plan.source.workload.classes.iter()).any(|c| plan.touches(c) > 0.0);
    if let (true, Some(module)) = (walks, imports_module(plan.source)) {
        out.push_str(&piece!("walk").replace("{module}", &module));
    }
    for (_, text) in parts.iter().filter(|(wanted, _)| *wanted) {
        let mut text = Cow::Borrowed(*text);
        if walks && offload {
            text = noted_down(&text, "walk", "share").into();
        }
        if blocks && offload {
            text = noted_down(&text, "block", "seconds").into();
        }
        if leaks && offload {
            text = noted_down(&text, "leak", "size").into();
        }
        if uses && offload {
            text = text
                .replace(HELD_OVER_WAITS, &format!("{USING}{HELD_OVER_WAITS}"))
                .into();
        }
        if transfers && offload {
            text = text
                .replace(HELD_OVER_WAITS, &format!("{TRANSFER}{HELD_OVER_WAITS}"))
                .into();
        }
        if offload && has(holds) {
            text = memory::holding(&text, HELD_OVER_WAITS).into();
        }
        if on_loop {
            text = calls::with_steps_on_loop(&text).into();
        }
        out.push_str(&text);
    }
    out.push_str(&called);
    out.push_str(&parallel::fan_out(plan));
    out
}

/// The method of an offloading task before which that for resources stands.
const HELD_OVER_WAITS: &str =
    "    @contextlib.asynccontextmanager\n    async def held_over_waits(self, name):\n";

/// A resource is asked for and given back on the loop.
const USING: &str = "    @contextlib.asynccontextmanager
    async def using(self, name):
        await self.done()
        async with using(name):
            yield
            await self.done()

";

/// A transfer is awaited by the loop.
const TRANSFER: &str = "    async def transfer(self, name, seconds):
        await self.done()
        await awaited_transfer(name, seconds)

";

/// The same where work that goes to a worker may be a call of this function with this parameter, too.
fn noted_down(text: &str, function: &str, parameter: &str) -> String {
    let step = "            elif step == \"allocate\":\n";
    let method = "    def allocate(self, count):\n";
    text.replace(
        step,
        &format!("            elif step == \"{function}\":\n                {function}(amount)\n{step}"),
    )
    .replace(
        method,
        &format!(
            "    def {function}(self, {parameter}):\n        self.steps.append((\"{function}\", {parameter}))\n\n{method}"
        ),
    )
}

/// Code that gives the GIL up, if there is any; what it needs to know is measured before any task.
fn releasing(plan: &ProgramPlan<'_>, touches: bool) -> String {
    let mut each: Vec<u64> = Vec::new();
    for tree in plan.all_trees() {
        tree.all(&mut |node| {
            if let ProgramStep::Releasing(_, releases) = node {
                each.push(releases.released.0);
            }
        });
    }
    each.sort_unstable();
    each.dedup();
    if each.is_empty() {
        return String::new();
    }
    let mut out = String::from(piece!("releasing"));
    if touches {
        out = out.replace(memory::DEMAND, &format!("_less({})", memory::DEMAND));
    }
    out.push_str("\n\n");
    for released in each {
        let _ = writeln!(out, "_outside({released})  # Measured before any task.");
    }
    out
}

/// The code of the strategy itself.
pub(super) fn strategy(plan: &ProgramPlan<'_>) -> String {
    let mut out = String::from(piece!("log"));
    let users = plan.users().is_some();
    if plan.serial.is_some() {
        out.push_str(piece!("each_round"));
    }
    if plan.kind != ExecutorKind::Loop {
        out.push_str(match (&plan.serial, users) {
            (Some(_), _) => piece!("rounds"),
            (None, true) => piece!("users"),
            (None, false) => piece!("arrivals"),
        });
    }
    match plan.kind {
        ExecutorKind::Sequential => out.push_str(piece!("sequential")),
        ExecutorKind::PerTask if plan.needs_some() => {
            let end = "    return t0, t1, t1, log\n";
            let later =
                "    for thread in LEFT:\n        thread.join()\n    return t0, t1, now(), log\n";
            out.push_str(&piece!("per_task").replace(end, later));
        }
        ExecutorKind::PerTask => out.push_str(piece!("per_task")),
        ExecutorKind::Pool => {
            out.push_str(&title(plan));
            out.push_str(&make_pool(plan));
            out.push_str(&travels(plan));
            out.push_str(piece!("pool"));
        }
        ExecutorKind::Chunks(chunk) => {
            out.push_str(&title(plan));
            out.push_str(&make_pool(plan));
            out.push_str(&travels(plan));
            let _ = write!(out, "\n\nCHUNK = {chunk}  # Tasks that travel together.\n");
            let rounds = plan.serial.is_some();
            let by_rounds = if rounds { CHUNKS_OF_ROUNDS } else { CHUNKS };
            out.push_str(&piece!("pool_chunks").replace(CHUNKS, by_rounds));
        }
        ExecutorKind::MpPool(chunk) => {
            out.push_str(&title(plan));
            out.push_str(&make_pool(plan));
            out.push_str(&travels(plan));
            let batch = plan.source.workload.arrivals == crate::scenario::Arrivals::Batch;
            if batch {
                let _ = write!(
                    out,
                    "\n\nCHUNK = {chunk}  # Tasks that travel together; 0: as many as Pool.map takes by itself.\n"
                );
                out.push_str(if plan.serial.is_some() {
                    piece!("mp_pool_rounds")
                } else {
                    piece!("mp_pool_batch")
                });
            } else {
                out.push_str(piece!("mp_pool_timed"));
            }
        }
        ExecutorKind::Loop => looped(plan, users, &mut out),
    }
    if plan.keeps_results() {
        out = memory::keeping(&out);
    }
    match plan.copies {
        Some(copies) => {
            let _ = write!(out, "\n\nCOPIES = {copies}\n");
            out.push_str(&deal(plan));
            out.push_str(piece!("prefork"));
            out.push_str("\n\nRUN = run_copies\n");
        }
        None => out.push_str("\n\nRUN = run\n"),
    }
    out
}

/// Where a pool gets the chunks of a batch, at once and round by round.
const CHUNKS: &str = "        map_chunks(0, tasks, t0)\n";

const CHUNKS_OF_ROUNDS: &str = "        for first, batch, own in rounds(tasks):
            serial(Task(own))
            futures.clear()  # It has made use of what they brought.
            map_chunks(first, batch, now())
";

/// Where an event loop gets the tasks of a batch, at once and round by round.
const LOOP_BATCH: &str = "    await all_of([one(number, at, kind, draws) for number, (at, kind, draws) in enumerate(tasks)])\n";

const LOOP_ROUNDS: &str = "    for first, batch, own in rounds(tasks):
        await body(serial, Task(own))
        at = now() - t0
        due = [(number, kind, draws) for number, (_, kind, draws) in enumerate(batch, first)]
        await all_of([one(number, at, kind, draws) for number, kind, draws in due])
";

fn looped(plan: &ProgramPlan<'_>, users: bool, out: &mut String) {
    let Execution { limit, pool, .. } = plan.each.execution();
    out.push_str(&title(plan));
    let limit = limit.map_or("None".into(), |n| n.to_string());
    let _ = write!(
        out,
        "\n\nLIMIT = {limit}  # At most so many tasks at once; None: all.\n"
    );
    if pool != Pool::Nobody {
        out.push_str(&make_pool(plan));
    }
    let named = !plan.each.pools().is_empty();
    if named {
        out.push_str(&calls::make_pools(plan));
    }
    if users {
        out.push_str(piece!("loop_users"));
    } else if plan.serial.is_some() {
        out.push_str(&piece!("loop").replace(LOOP_BATCH, LOOP_ROUNDS).replace(
            "        if at:\n            await asyncio.sleep(t0 + at - now())\n",
            "",
        ));
    } else {
        out.push_str(piece!("loop"));
    }
    if named {
        out.push_str(&calls::run(plan));
    } else if pool == Pool::Nobody {
        out.push_str(piece!("loop_run"));
    } else {
        out.push_str(piece!("loop_run_pool"));
    }
}

fn title(plan: &ProgramPlan<'_>) -> String {
    let what = match plan.flavour {
        Flavour::Loop => "an event loop",
        Flavour::Offload => "an event loop, blocking work in a pool",
        Flavour::Call => "a worker of an event loop",
        Flavour::Plain { .. } => match plan.each.execution().pool {
            Pool::Nobody => "one task after another",
            Pool::ThreadEach => "a thread for each task",
            Pool::Threads(_) => "a pool of threads",
            Pool::Processes { .. } => "a pool of processes",
            Pool::Interpreters(_) => "a pool of sub-interpreters",
        },
    };
    format!(
        "\n\n# ---------------------------------------------------------------------------- the strategy: {what}\n"
    )
}

/// The data that is sent to a worker with each kind of task.
fn travels(plan: &ProgramPlan<'_>) -> String {
    let mut out = String::from(
        "\n\nTRAVELS = {  # Bytes and objects that travel to the worker with a task.\n",
    );
    for (class, tree) in plan.source.workload.classes.iter().zip(&plan.trees) {
        let (bytes, objects) = coming(&tree.nodes);
        let _ = writeln!(out, "    {}: ({bytes}, {objects}),", quoted(&class.name));
    }
    out.push_str("}\n");
    out.push_str(piece!("work"));
    out
}

fn make_pool(plan: &ProgramPlan<'_>) -> String {
    let number = |w: Workers| match w {
        Workers::Exactly(n) => Some(n.to_string()),
        Workers::Auto | Workers::PerTask => None,
    };
    let simple = |class: &str, w: Workers| {
        let n = number(w).unwrap_or_default();
        format!("\n\ndef make_pool():\n    return cf.{class}({n})\n")
    };
    match plan.each.execution().pool {
        Pool::Nobody | Pool::ThreadEach => String::new(),
        Pool::Threads(w) => simple("ThreadPoolExecutor", w),
        Pool::Interpreters(w) => simple("InterpreterPoolExecutor", w),
        Pool::Processes {
            workers,
            start,
            api,
        } => process_pool(plan, number(workers), start, api),
    }
}

fn process_pool(
    plan: &ProgramPlan<'_>,
    workers: Option<String>,
    start: StartMethod,
    api: ProcessApi,
) -> String {
    let start = match start {
        StartMethod::Fork => "fork",
        StartMethod::Spawn => "spawn",
        StartMethod::Forkserver => "forkserver",
    };
    let (define, make, shares) = sharing(plan);
    let n = workers.unwrap_or_else(|| "None".into());
    let life = plan.each.pool_life();
    let (executor_life, pool_life) = match life.max_tasks_per_child {
        None => (String::new(), String::new()),
        Some(n) => (
            format!(", max_tasks_per_child={n}"),
            format!(", maxtasksperchild={n}"),
        ),
    };
    let shared = shared_arguments(plan);
    let pool = match (api, shares) {
        (ProcessApi::Executor { .. }, false) => {
            format!("cf.ProcessPoolExecutor({n}, mp_context=context{executor_life})")
        }
        (ProcessApi::Executor { .. }, true) => format!(
            "cf.ProcessPoolExecutor({n}, mp_context=context, initializer=share, initargs=({shared}){executor_life})"
        ),
        (ProcessApi::Pool { .. }, false) => format!("context.Pool({n}{pool_life})"),
        (ProcessApi::Pool { .. }, true) => {
            format!("context.Pool({n}, share, ({shared}){pool_life})")
        }
    };
    // The module that stands for the imports stands for whatever is preloaded.
    let module = imports_module(plan.source).map_or(String::new(), |m| quoted(&m));
    let preload = if !life.preload.is_empty() {
        format!("    context.set_forkserver_preload([{module}])\n")
    } else if plan.source.workload.imports.preloaded {
        String::new()
    } else {
        "    context.set_forkserver_preload([])\n".into()
    };
    format!(
        "{define}\n\ndef make_pool():\n    context = multiprocessing.get_context({})\n{preload}{make}    return {pool}\n",
        quoted(start)
    )
}

/// The names of what is passed to all processes of a pool.
pub(super) fn shared_arguments(plan: &ProgramPlan<'_>) -> &'static str {
    if scarce::of_all(plan).is_empty() {
        "locks, queues"
    } else {
        "locks, queues, resources"
    }
}

/// The things that all processes of a pool share: the function that accepts them, the lines that make them, and whether there are any.
pub(super) fn sharing(plan: &ProgramPlan<'_>) -> (String, String, bool) {
    let w = plan.source.workload;
    let of = |shared: bool| w.locks.iter().filter(move |l| l.shared == shared);
    let on_loop = plan.kind == ExecutorKind::Loop;
    let queues: Vec<_> = w
        .queues
        .iter()
        .filter(|_| !on_loop)
        .map(|q| {
            format!(
                "{}: context.Queue({})",
                quoted(&q.name),
                q.capacity.unwrap_or(0)
            )
        })
        .collect();
    let locks: Vec<_> = of(true)
        .map(|l| {
            let name = quoted(&l.name);
            if made_before(plan) {
                format!("{name}: LOCKS[{name}]")
            } else {
                format!("{name}: context.Lock()")
            }
        })
        .collect();
    let resources = scarce::of_all(plan);
    if locks.is_empty() && queues.is_empty() && resources.is_empty() {
        return (String::new(), String::new(), false);
    }
    let mut define = String::from(
        "\n\ndef share(SHARED):\n    \"\"\"Runs first in every worker: what all processes share.\"\"\"\n",
    )
    .replace("SHARED", shared_arguments(plan));
    if !locks.is_empty() {
        define.push_str("    LOCKS.update(locks)\n");
    }
    if !queues.is_empty() {
        define.push_str("    QUEUES.update(queues)\n");
    }
    let mut make = format!(
        "    locks = {{{}}}\n    queues = {{{}}}\n",
        locks.join(", "),
        queues.join(", ")
    );
    if !resources.is_empty() {
        define.push_str(scarce::TAKE);
        let made = if made_before(plan) {
            scarce::MADE_BEFORE.replace("NAMES", &resources.join(", "))
        } else {
            scarce::made(&resources, "context") + scarce::TAKE
        };
        make.push_str(&made);
    }
    (define, make, true)
}

/// Whether what processes share is made before the pool, as others share it than its workers.
fn made_before(plan: &ProgramPlan<'_>) -> bool {
    plan.copies.is_some() || !plan.each.pools().is_empty()
}

/// The things that each copy of a prefork server has for itself, and those that all copies share.
fn deal(plan: &ProgramPlan<'_>) -> String {
    let mut out = String::from("\n\ndef deal(number):\n    \"\"\"This copy's share.\"\"\"\n");
    if plan.users().is_some() {
        out.push_str(
            "    global USERS, THINK\n    THINK = THINK[number::COPIES]\n    \
             USERS = USERS // COPIES + (number < USERS % COPIES)\n",
        );
    }
    if plan.serial.is_some() {
        out.push_str(
            "    global SERIAL, SIZES\n    SERIAL = SERIAL[number::COPIES]\n    \
             SIZES = [len(range((number - turn * size) % COPIES, size, COPIES)) for turn, size in enumerate(SIZES)]\n",
        );
    }
    out.push_str("\n\ndef share_among_copies():\n    \"\"\"Made before the copies, so that all have the same.\"\"\"\n");
    for lock in plan.source.workload.locks.iter().filter(|l| l.shared) {
        let _ = writeln!(
            out,
            "    LOCKS[{}] = multiprocessing.get_context(\"fork\").Lock()",
            quoted(&lock.name)
        );
    }
    let resources = scarce::of_all(plan);
    if !resources.is_empty() {
        out.push_str(&scarce::made(
            &resources,
            "multiprocessing.get_context(\"fork\")",
        ));
        out.push_str(scarce::TAKE);
    }
    out
}
