//! What is used of Python's library for a strategy, and code in short that executes tasks so.

use super::by_kind;
use super::family::Family;
use super::placement::PlacedTasks;
use crate::scenario::{
    Offload, ProcessApi, Server, ServerKind, StartMethod, Strategy, WorkerClass, Workers, literal,
};

/// What is used of the library, as it is written.
/// `batch`: all tasks are there at once, else they come one by one.
/// `placement`: where the tasks of each kind are executed, if each kind has its own.
pub(super) fn calls(strategy: &Strategy, placement: &[PlacedTasks], batch: bool) -> Vec<String> {
    if !placement.is_empty() {
        return by_kind::calls(strategy, placement);
    }
    let mut all = calls_of_a_batch(strategy);
    // What the calls after it name.
    if let Some(made) = all.iter_mut().find(|c| c.contains("PoolExecutor(")) {
        made.insert_str(0, "executor = ");
    } else if let Some(made) = all.iter_mut().find(|c| c.contains(".Pool(")) {
        made.insert_str(0, "pool = ");
    }
    if batch {
        return all;
    }
    let one_by_one = |call: String| match call.as_str() {
        "executor.map(work, tasks)" => "executor.submit(work, task)".to_owned(),
        "pool.map(work, tasks)" => "pool.apply_async(work, (task,))".to_owned(),
        "results = [work(task) for task in tasks]" => "result = work(task)".to_owned(),
        _ => call,
    };
    all.into_iter().map(one_by_one).collect()
}

fn calls_of_a_batch(strategy: &Strategy) -> Vec<String> {
    match strategy {
        Strategy::Sequential => vec!["results = [work(task) for task in tasks]".into()],
        Strategy::Threads(Workers::PerTask) => vec![
            "threading.Thread(target=work, args=(task,)).start()".into(),
            "thread.join()".into(),
        ],
        Strategy::Threads(workers) => vec![
            format!("concurrent.futures.ThreadPoolExecutor({})", count(*workers)),
            "executor.map(work, tasks)".into(),
        ],
        Strategy::Processes {
            workers,
            start,
            api,
            life: _,
        } => process_calls(*workers, *start, *api),
        Strategy::Interpreters(workers) => vec![
            format!(
                "concurrent.futures.InterpreterPoolExecutor({})",
                count(*workers)
            ),
            "executor.map(work, tasks)".into(),
        ],
        Strategy::Asyncio {
            limit,
            offload,
            pools,
        } => {
            let mut all = vec![
                "asyncio.run(main())".into(),
                "asyncio.TaskGroup().create_task(handle(task))".into(),
            ];
            if let Some(n) = limit {
                all.push(format!("asyncio.Semaphore({n})"));
            }
            all.extend(executor(*offload));
            all.extend(pools.iter().filter_map(|p| executor(p.workers)));
            if all.iter().any(|c| c.contains("PoolExecutor")) {
                all.push(
                    "await asyncio.get_running_loop().run_in_executor(executor, compute, task)"
                        .into(),
                );
            }
            all
        }
        Strategy::Prefork {
            processes,
            each,
            life: _,
        } => {
            let class = if each.execution().event_loop {
                ServerKind::Gunicorn(WorkerClass::Uvicorn(crate::scenario::Endpoints::Async))
            } else {
                let threads = each.execution().pool.workers().map_or(1, |w| match w {
                    Workers::Exactly(n) => n,
                    Workers::Auto | Workers::PerTask => 8,
                });
                ServerKind::Gunicorn(if threads > 1 {
                    WorkerClass::Gthread(threads)
                } else {
                    WorkerClass::Sync
                })
            };
            vec![Server::new(class, *processes).command_line()]
        }
        Strategy::Server { server, runs: _ } => vec![server.command_line()],
        Strategy::Nodes { nodes, each } => {
            let mut all = vec![format!("{} machines, on each:", nodes.count)];
            all.extend(calls_of_a_batch(each));
            all
        }
    }
}

fn count(workers: Workers) -> String {
    match workers {
        Workers::Exactly(n) => format!("max_workers={n}"),
        Workers::Auto | Workers::PerTask => String::new(),
    }
}

fn process_calls(workers: Workers, start: StartMethod, api: ProcessApi) -> Vec<String> {
    let context = format!("multiprocessing.get_context(\"{}\")", start.name());
    let chunk = |n: Option<u32>| n.map_or(String::new(), |n| format!(", chunksize={n}"));
    match api {
        ProcessApi::Executor { chunksize } => vec![
            format!(
                "concurrent.futures.ProcessPoolExecutor({}{}mp_context={context})",
                count(workers),
                if workers == Workers::Auto { "" } else { ", " }
            ),
            format!("executor.map(work, tasks{})", chunk(chunksize)),
        ],
        ProcessApi::Pool { chunksize } => {
            let n = match workers {
                Workers::Exactly(n) => n.to_string(),
                Workers::Auto | Workers::PerTask => String::new(),
            };
            vec![
                format!("{context}.Pool({n})"),
                format!("pool.map(work, tasks{})", chunk(chunksize)),
            ]
        }
    }
}

/// The executor that an event loop offloads to.
pub(super) fn executor(offload: Offload) -> Option<String> {
    match offload {
        Offload::None => None,
        Offload::Threads(w) => Some(format!(
            "concurrent.futures.ThreadPoolExecutor({})",
            count(w)
        )),
        Offload::Processes(w, start) => process_calls(w, start, ProcessApi::EXECUTOR)
            .into_iter()
            .next(),
        Offload::Interpreters(w) => Some(format!(
            "concurrent.futures.InterpreterPoolExecutor({})",
            count(w)
        )),
    }
}

/// Code in short that executes tasks so; `named` are the kinds of tasks.
pub(super) fn code(strategy: &Strategy, named: &[&str]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let names: Vec<String> = named.iter().map(|n| literal::python(n)).collect();
    let kinds = format!(
        "KINDS = [{}]  # the kinds of task, one function each",
        names.join(", ")
    );
    let mut add = |text: &str| lines.push(text.to_owned());
    match strategy {
        Strategy::Sequential => {
            add(&kinds);
            add("");
            add("results = [work(task) for task in tasks]");
        }
        Strategy::Threads(Workers::PerTask) => {
            add("import threading");
            add("");
            add(&kinds);
            add("threads = [threading.Thread(target=work, args=(task,)) for task in tasks]");
            add("for thread in threads:");
            add("    thread.start()");
            add("for thread in threads:");
            add("    thread.join()");
        }
        Strategy::Threads(_) | Strategy::Interpreters(_) | Strategy::Processes { .. } => {
            let all = calls_of_a_batch(strategy);
            let (pool, map) = (all[0].as_str(), all[1].as_str());
            add("import concurrent.futures");
            let starts = pool.contains("get_context");
            if starts {
                add("import multiprocessing");
            }
            add("");
            add(&kinds);
            add("");
            add("def main():");
            let called = if pool.contains(".Pool(") {
                "pool"
            } else {
                "executor"
            };
            add(&format!("    with {pool} as {called}:"));
            add(&format!("        return list({map})"));
            add("");
            // Spawned workers import the main module.
            add("if __name__ == \"__main__\":");
            add("    main()");
        }
        Strategy::Asyncio {
            limit,
            offload,
            pools,
        } => {
            let pool =
                executor(*offload).or_else(|| pools.iter().find_map(|p| executor(p.workers)));
            add("import asyncio");
            if let Some(pool) = &pool {
                add("import concurrent.futures");
                if pool.contains("get_context") {
                    add("import multiprocessing");
                }
            }
            add("");
            add(&kinds);
            add("");
            let indent = if limit.is_some() { "        " } else { "    " };
            let parameters = match (limit, &pool) {
                (Some(_), Some(_)) => "task, limit, executor",
                (Some(_), None) => "task, limit",
                (None, Some(_)) => "task, executor",
                (None, None) => "task",
            };
            add(&format!("async def handle({parameters}):"));
            if limit.is_some() {
                add("    async with limit:");
            }
            add(&format!(
                "{indent}data = await fetch(task)  # what waits is awaited"
            ));
            if pool.is_some() {
                add(&format!("{indent}loop = asyncio.get_running_loop()"));
                add(&format!(
                    "{indent}return await loop.run_in_executor(executor, compute, data)"
                ));
            } else {
                add(&format!(
                    "{indent}return compute(data)  # short: the loop stands still meanwhile"
                ));
            }
            add("");
            add("async def main():");
            if let Some(n) = limit {
                add(&format!("    limit = asyncio.Semaphore({n})"));
            }
            let mut body = "    ";
            if let Some(pool) = &pool {
                add(&format!("    with {pool} as executor:"));
                body = "        ";
            }
            add(&format!("{body}async with asyncio.TaskGroup() as group:"));
            add(&format!("{body}    for task in tasks:"));
            add(&format!(
                "{body}        group.create_task(handle({parameters}))"
            ));
            add("");
            add("if __name__ == \"__main__\":");
            add("    asyncio.run(main())");
        }
        Strategy::Prefork { each, .. } | Strategy::Server { runs: each, .. } => {
            let coroutine = if each.execution().event_loop {
                "async def"
            } else {
                "def"
            };
            add(&kinds);
            add("");
            add(&format!("{coroutine} handle(request):  # of app:app"));
            add("    ...");
            for call in calls_of_a_batch(strategy) {
                add(&format!("# started by: {call}"));
            }
        }
        Strategy::Nodes { nodes, each } => {
            add(&format!(
                "# on each of {} machines, behind a load balancer or a broker:",
                nodes.count
            ));
            lines.push(code(each, named));
        }
    }
    lines.join("\n")
}

/// A strategy that stands for a family, for the code before.
pub(super) fn typical(family: Family, workers: u32, minor: u32) -> Strategy {
    let n = Workers::Exactly(workers);
    let start = StartMethod::of_version(minor);
    let asyncio = |offload| Strategy::Asyncio {
        limit: None,
        offload,
        pools: Vec::new(),
    };
    match family {
        Family::SingleThread => Strategy::Sequential,
        Family::Threads | Family::FreeThreads => Strategy::Threads(n),
        Family::Asyncio => asyncio(Offload::None),
        Family::AsyncioThreads | Family::AsyncioFreeThreads => asyncio(Offload::Threads(n)),
        Family::Processes => Strategy::Processes {
            workers: n,
            start,
            api: ProcessApi::EXECUTOR,
            life: crate::scenario::PoolLife::default(),
        },
        Family::AsyncioProcesses => asyncio(Offload::Processes(n, start)),
        Family::Interpreters => Strategy::Interpreters(n),
        Family::AsyncioInterpreters => asyncio(Offload::Interpreters(n)),
        Family::Prefork => Strategy::Prefork {
            processes: workers,
            each: Box::new(asyncio(Offload::None)),
            life: crate::scenario::Lifecycle::started(StartMethod::Fork),
        },
        Family::Distributed => Strategy::Nodes {
            nodes: crate::scenario::Nodes::of(2),
            each: Box::new(Strategy::Threads(n)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse_strategy;

    fn strategy(text: &str) -> Strategy {
        parse_strategy(text).unwrap().strategy
    }

    #[test]
    fn calls_are_what_python_takes() {
        for (text, first) in [
            (
                "threads:8",
                "executor = concurrent.futures.ThreadPoolExecutor(max_workers=8)",
            ),
            (
                "processes:4:spawn:20",
                "executor = concurrent.futures.ProcessPoolExecutor(max_workers=4, mp_context=multiprocessing.get_context(\"spawn\"))",
            ),
            (
                "pool:4:fork",
                "pool = multiprocessing.get_context(\"fork\").Pool(4)",
            ),
            (
                "interpreters:3",
                "executor = concurrent.futures.InterpreterPoolExecutor(max_workers=3)",
            ),
        ] {
            assert_eq!(calls(&strategy(text), &[], true)[0], first, "{text}");
        }
        assert!(calls(&strategy("processes:4:spawn:20"), &[], true)[1].contains("chunksize=20"));
    }

    #[test]
    fn hostile_names_stay_within_their_quotes() {
        let name = "x\"]\nimport os; os.system('rm -rf /')  # ";
        for text in [
            "sequential",
            "threads:2",
            "asyncio:10+processes:2:fork",
            "prefork:2(asyncio)",
        ] {
            let code = code(&strategy(text), &[name]);
            assert!(
                !code
                    .lines()
                    .any(|l| l.trim_start().starts_with("import os")),
                "{code}"
            );
        }
    }
}
