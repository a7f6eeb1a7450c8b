//! Calls and code of a program that gives each kind of task its own.

use super::code::executor;
use super::placement::{PlaceName, PlacedTasks};
use crate::scenario::{Offload, Strategy, literal};

/// The pool that what is handed over in parts goes to, in code.
const PARTS: &str = "executor";

/// A pool: the variable that holds it, and the call that makes it.
struct MadePool {
    variable: String,
    call: String,
}

/// The pools of a strategy, in their order.
fn pools(strategy: &Strategy) -> Vec<MadePool> {
    let offload = strategy.offload().unwrap_or(Offload::None);
    let named = strategy.pools().iter().filter_map(|p| {
        Some(MadePool {
            variable: variable(&p.name),
            call: executor(p.workers)?,
        })
    });
    let parts = executor(offload).map(|call| MadePool {
        variable: PARTS.into(),
        call,
    });
    named.chain(parts).collect()
}

/// The name of a pool as a variable of Python.
fn variable(pool: &str) -> String {
    pool.replace('-', "_")
}

/// What is used of the library, as it is written.
pub(super) fn calls(strategy: &Strategy, placement: &[PlacedTasks]) -> Vec<String> {
    let mut all = vec![
        "asyncio.run(main())".to_owned(),
        "asyncio.TaskGroup().create_task(handle(task))".into(),
    ];
    let made = pools(strategy);
    all.extend(made.iter().map(|p| format!("{} = {}", p.variable, p.call)));
    for place in placement {
        let name = literal::python(&place.name);
        all.push(match (place.place, &place.pool) {
            (PlaceName::Pool, Some(pool)) => format!(
                "await asyncio.get_running_loop().run_in_executor({}, run, task)  # {name}",
                variable(pool)
            ),
            (PlaceName::Loop, _) => format!("await fetch(task); compute(data)  # {name}"),
            (PlaceName::Parts | PlaceName::Pool, _) => format!(
                "await asyncio.get_running_loop().run_in_executor({PARTS}, compute, data)  # {name}"
            ),
        });
    }
    all
}

/// Code in short that executes tasks so.
pub(super) fn code(strategy: &Strategy, placement: &[PlacedTasks]) -> String {
    let made = pools(strategy);
    let mut lines = vec![
        "import asyncio".to_owned(),
        "import concurrent.futures".into(),
    ];
    if made.iter().any(|p| p.call.contains("get_context")) {
        lines.push("import multiprocessing".into());
    }
    lines.push(String::new());
    let names = |is: &dyn Fn(&PlacedTasks) -> bool| {
        let names = placement.iter().filter(|p| is(p));
        names.map(|p| literal::python(&p.name)).collect::<Vec<_>>()
    };
    let on_loop = names(&|p| p.place == PlaceName::Loop);
    let mut branches = Vec::new();
    for pool in &made {
        let of = |p: &PlacedTasks| match (p.place, &p.pool) {
            (PlaceName::Pool, Some(name)) => variable(name) == pool.variable,
            (PlaceName::Parts, _) => pool.variable == PARTS,
            (PlaceName::Loop | PlaceName::Pool, _) => false,
        };
        let names = names(&of);
        let list = format!("IN_{}", pool.variable.to_uppercase());
        let parts = pool.variable == PARTS;
        let what = if parts {
            "what they compute is a call of a worker"
        } else {
            "each of these tasks is one call of a worker"
        };
        lines.push(format!("{list} = [{}]  # {what}", names.join(", ")));
        branches.push(format!("    if task.kind in {list}:"));
        if parts {
            branches.push("        data = await fetch(task)  # what waits is awaited".into());
        }
        let call = if parts { "compute, data" } else { "run, task" };
        branches.push(format!(
            "        return await loop.run_in_executor({}, {call})",
            pool.variable
        ));
    }
    if !on_loop.is_empty() {
        lines.push(format!(
            "# the others stay on the loop: {}",
            on_loop.join(", ")
        ));
    }
    lines.push(String::new());
    let variables: Vec<&str> = made.iter().map(|p| p.variable.as_str()).collect();
    let parameters = variables.join(", ");
    lines.push(format!("async def handle(task, {parameters}):"));
    lines.push("    loop = asyncio.get_running_loop()".into());
    lines.extend(branches);
    if on_loop.is_empty() {
        lines.push("    raise ValueError(task.kind)".into());
    } else {
        lines.push("    data = await fetch(task)  # what waits is awaited".into());
        lines.push("    return compute(data)  # short: the loop stands still meanwhile".into());
    }
    lines.push(String::new());
    lines.push("async def main():".into());
    lines.push("    with (".into());
    lines.extend(
        made.iter()
            .map(|p| format!("        {} as {},", p.call, p.variable)),
    );
    lines.push("    ):".into());
    lines.push("        async with asyncio.TaskGroup() as group:".into());
    lines.push("            for task in tasks:".into());
    lines.push(format!(
        "                group.create_task(handle(task, {parameters}))"
    ));
    lines.push(String::new());
    lines.push("if __name__ == \"__main__\":".into());
    lines.push("    asyncio.run(main())".into());
    lines.join("\n")
}
