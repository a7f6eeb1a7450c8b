//! The parts of a program for calls that workers execute, and for the pools that have names.

use std::fmt::Write as _;

use super::pieces::{ExecutorKind, shared_arguments, sharing};
use super::program::ProgramPlan;
use super::retries;
use super::scarce;
use super::steps::quoted;
use super::tree::ProgramStep;
use crate::scenario::{NamedPool, Offload, Pool, StartMethod, Workers};

/// Whether steps within the calls of a program are such.
pub(super) fn within(plan: &ProgramPlan<'_>, is: impl Fn(&ProgramStep) -> bool) -> bool {
    plan.any(|n| match n {
        ProgramStep::Call(call) => call.steps.iter().any(|s| s.any(&is)),
        _ => false,
    })
}

fn queues(node: &ProgramStep) -> bool {
    matches!(node, ProgramStep::Put(_) | ProgramStep::Get(_))
}

/// The name of a device that is used by more than one process or interpreter, or by one that is not the program's own.
pub(super) fn device_of_several(plan: &ProgramPlan<'_>) -> Option<String> {
    fn used(steps: &[ProgramStep], apart: bool) -> Option<usize> {
        steps.iter().find_map(|s| match s {
            ProgramStep::Transfer(device, _) if apart => Some(*device),
            ProgramStep::Call(call) => used(&call.steps, apart || call.pool.apart()),
            other => used(other.inner(), apart),
        })
    }
    let whole = plan.copies.is_some()
        || plan.kind != ExecutorKind::Loop && plan.each.execution().pool.apart();
    let device = plan.trees.iter().find_map(|t| used(&t.nodes, whole))?;
    Some(plan.source.workload.devices[device].name.clone())
}

/// Whether a call in another process, or interpreter, puts into a queue or takes from one.
pub(super) fn queue_apart(plan: &ProgramPlan<'_>) -> bool {
    plan.any(|n| match n {
        ProgramStep::Call(call) => call.pool.apart() && call.steps.iter().any(|s| s.any(&queues)),
        _ => false,
    })
}

/// What calls need; empty if there are none.
pub(super) fn pieces(plan: &ProgramPlan<'_>) -> String {
    if !plan.any(|n| matches!(n, ProgramStep::Call(_))) {
        return String::new();
    }
    let mut out = String::from(include_str!("template/call.py"));
    if within(plan, |n| matches!(n, ProgramStep::Timeout(..))) {
        out.push_str(&include_str!("template/deadline.py").replace("io(", "block("));
    }
    if within(plan, |n| matches!(n, ProgramStep::Retry(..))) {
        // Those of coroutines have these names already.
        let text = include_str!("template/attempts.py");
        let attempts = retries::attempts(text, plan.backs_off())
            .replace("io(", "block(")
            .replace("Attempt", "CallAttempt")
            .replace("attempts(", "call_attempts(");
        out.push_str(&attempts);
    }
    if within(plan, |n| n.offspring().is_some_and(|c| c.need.is_none())) {
        let inline = include_str!("template/fan_out_inline.py");
        out.push_str(&inline.replace("fan_out(", "one_by_one("));
    }
    if within(plan, |n| n.offspring().is_some_and(|c| c.need.is_some())) {
        let inline = include_str!("template/some_of_inline.py");
        out.push_str(&inline.replace("some_of(", "some_one_by_one("));
    }
    if within(plan, queues) {
        out.push_str(include_str!("template/call_queues.py"));
    }
    out
}

/// Tasks that note down what a worker does, with what steps on the loop itself need besides.
pub(super) fn with_steps_on_loop(text: &str) -> String {
    let method = "    def allocate(self, count):\n";
    text.replace(
        method,
        &format!(
            "    def keep(self, thing):\n        \"\"\"Holds on to something until the task's end.\"\"\"\n        \
             self.kept.append(thing)\n\n    def fail_here(self, place):\n        if self.draw(place):\n            \
             raise Failed\n\n{method}"
        ),
    )
}

/// What workers have to know of the event loop once it runs.
pub(super) fn open_loop(plan: &ProgramPlan<'_>) -> String {
    if within(plan, queues) {
        "    global LOOP\n    LOOP = asyncio.get_running_loop()\n".into()
    } else {
        String::new()
    }
}

/// The function that makes the pools that have names.
pub(super) fn make_pools(plan: &ProgramPlan<'_>) -> String {
    let pools = plan.each.pools();
    let processes = |p: &NamedPool| matches!(p.workers, Offload::Processes(..));
    let (define, _, shares) = sharing(plan);
    let shares = shares && pools.iter().any(processes);
    let mut out = String::new();
    // A default pool of processes has brought the function already.
    if shares && !matches!(plan.each.execution().pool, Pool::Processes { .. }) {
        out.push_str(&define);
    }
    out.push_str("\n\ndef make_pools():\n    \"\"\"The pools that have names.\"\"\"\n");
    if !plan.source.workload.imports.preloaded && pools.iter().any(processes) {
        out.push_str(
            "    multiprocessing.get_context(\"forkserver\").set_forkserver_preload([])\n",
        );
    }
    if shares {
        let shared = plan.source.workload.locks.iter().filter(|l| l.shared);
        let locks: Vec<String> = shared
            .map(|l| format!("{0}: LOCKS[{0}]", quoted(&l.name)))
            .collect();
        let _ = writeln!(out, "    locks, queues = {{{}}}, {{}}", locks.join(", "));
        let resources = scarce::of_all(plan);
        if !resources.is_empty() {
            out.push_str(&scarce::MADE_BEFORE.replace("NAMES", &resources.join(", ")));
        }
    }
    out.push_str("    return {\n");
    for NamedPool { name, workers } in pools {
        let executor = match workers {
            // What would go there stays on the loop.
            Offload::None => continue,
            Offload::Threads(w) => threads("ThreadPoolExecutor", *w, name),
            Offload::Interpreters(w) => threads("InterpreterPoolExecutor", *w, name),
            Offload::Processes(w, start) => {
                let start = match start {
                    StartMethod::Fork => "fork",
                    StartMethod::Spawn => "spawn",
                    StartMethod::Forkserver => "forkserver",
                };
                let shared = if shares {
                    let arguments = shared_arguments(plan);
                    format!(", initializer=share, initargs=({arguments})")
                } else {
                    String::new()
                };
                format!(
                    "cf.ProcessPoolExecutor({}, mp_context=multiprocessing.get_context({}){shared})",
                    number(*w),
                    quoted(start)
                )
            }
        };
        let _ = writeln!(out, "        {}: {executor},", quoted(name));
    }
    out.push_str("    }\n");
    out
}

fn number(workers: Workers) -> String {
    match workers {
        Workers::Exactly(n) => n.to_string(),
        Workers::Auto | Workers::PerTask => "None".into(),
    }
}

fn threads(class: &str, workers: Workers, name: &str) -> String {
    format!(
        "cf.{class}({}, thread_name_prefix={})",
        number(workers),
        quoted(name)
    )
}

/// How tasks are run where pools have names.
pub(super) fn run(plan: &ProgramPlan<'_>) -> String {
    let mut out = String::from(include_str!("template/loop_run_pools.py"));
    if plan.each.execution().pool == Pool::Nobody {
        out = out
            .replace("    global POOL, POOLS\n", "    global POOLS\n")
            .replace("        POOL = opened.enter_context(make_pool())\n", "");
    }
    let mut made = String::new();
    for lock in plan.source.workload.locks.iter().filter(|l| l.shared) {
        // Copies of a server have got theirs before. This kind serves processes however they are started.
        if plan.copies.is_none() && plan.processes() {
            let _ = writeln!(
                made,
                "    LOCKS[{}] = multiprocessing.get_context(\"spawn\").Lock()",
                quoted(&lock.name)
            );
        }
    }
    let resources = scarce::of_all(plan);
    if plan.copies.is_none() && !resources.is_empty() {
        made.push_str(&scarce::made(
            &resources,
            "multiprocessing.get_context(\"spawn\")",
        ));
        made.push_str(scarce::TAKE);
    }
    let with = "    with contextlib.ExitStack()";
    out.replace(with, &format!("{made}{with}"))
}
