//! How to get from what a program does today to what is recommended: steps, code before and after, what to look at, how to go back, and what to
//! watch.

use serde::{Deserialize, Serialize};

use super::by_kind;
use super::family::Family;
use super::placement::PlacedTasks;
use crate::scenario::{
    Offload, ProcessApi, Server, ServerKind, StartMethod, Strategy, WorkerClass, Workers,
};

/// The way from one approach to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// What the program does today.
    pub from: Family,
    /// What it is to do.
    pub to: Family,
    /// How much there is to change: `none`, `small`, `medium` or `large`, and why.
    pub effort: String,
    /// What to do, one after another.
    pub steps: Vec<String>,
    /// Code as it is, in short.
    pub before: String,
    /// Code as it will be.
    pub after: String,
    /// What to look at in the code.
    pub review: Vec<String>,
    /// What may go wrong, by the number in section 19 of `docs/cpython-runtime.md`.
    pub pitfalls: Vec<Pitfall>,
    /// How to go back.
    pub rollback: String,
    /// How to watch it in production, and which figures would show that the forecast was wrong.
    pub watch: Vec<String>,
}

/// Something that goes wrong in programs of this kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pitfall {
    /// Its number in section 19 of `docs/cpython-runtime.md`.
    pub id: String,
    /// What goes wrong.
    pub text: String,
}

/// A string as Python writes it, whatever is in it.
pub(super) fn python_text(text: &str) -> String {
    // What JSON escapes Python reads alike; beyond ASCII nothing is escaped.
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".into())
}

/// What is used of the library, as it is written.
/// `batch`: all tasks are there at once, else they come one by one.
/// `placement`: where the tasks of each kind are executed, if each kind has its own.
pub(super) fn calls(strategy: &Strategy, placement: &[PlacedTasks], batch: bool) -> Vec<String> {
    if !placement.is_empty() {
        return by_kind::calls(strategy, placement);
    }
    let all = calls_of_a_batch(strategy);
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
fn code(strategy: &Strategy, named: &[&str]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let names: Vec<String> = named.iter().map(|n| python_text(n)).collect();
    let kinds = format!(
        "KINDS = [{}]  # the kinds of task, one function each",
        names.join(", ")
    );
    let mut add = |text: &str| lines.push(text.to_owned());
    match strategy {
        Strategy::Sequential => {
            add(&kinds);
            add("");
            add("for task in tasks:");
            add("    results.append(work(task))");
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
fn typical(family: Family, workers: u32) -> Strategy {
    let n = Workers::Exactly(workers);
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
            start: StartMethod::Forkserver,
            api: ProcessApi::EXECUTOR,
            life: crate::scenario::PoolLife::default(),
        },
        Family::AsyncioProcesses => asyncio(Offload::Processes(n, StartMethod::Forkserver)),
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

/// How much there is to change.
pub(super) fn effort(from: Family, (to, by_kind): (Family, bool)) -> &'static str {
    if from == to && by_kind {
        return "small: kinds of tasks are told apart, and each gets its place";
    }
    if from == to {
        return "none: it is what the program does, but for the numbers of workers";
    }
    let threads = |f: Family| f == Family::Threads || f == Family::FreeThreads;
    match to {
        Family::SingleThread => "small: what is concurrent is taken out",
        _ if threads(from) && threads(to) => {
            "small in code; every extension and every shared object has to be looked at"
        }
        Family::Threads => "small: a pool around the loop over tasks; what tasks share needs locks",
        Family::FreeThreads => {
            "medium: a pool around the loop over tasks, another build of Python, and every shared object looked at"
        }
        Family::Processes => {
            "medium: functions, arguments and results that can be pickled, and a main module that can be imported"
        }
        Family::Interpreters => {
            "medium: as for processes, and extensions that can be imported more than once"
        }
        Family::Asyncio if from.has_loop() => "small: what was handed over stays on the loop",
        Family::AsyncioThreads | Family::AsyncioFreeThreads if from.has_loop() => {
            "small: what computes is handed to a pool"
        }
        Family::AsyncioProcesses | Family::AsyncioInterpreters if from.has_loop() => {
            "medium: what computes is handed to a pool, and has to be picklable"
        }
        Family::Asyncio => {
            "large: every function on the way to what waits becomes a coroutine, with clients that are made for it"
        }
        Family::AsyncioThreads | Family::AsyncioFreeThreads => {
            "large: coroutines for what waits, a pool of threads for what computes"
        }
        Family::AsyncioProcesses | Family::AsyncioInterpreters => {
            "large: coroutines for what waits, and what computes has to be picklable"
        }
        Family::Prefork => {
            "medium: the program becomes an application that a server starts several times; nothing is shared but what is outside"
        }
        Family::Distributed => {
            "large: a broker or a balancer, and the operation of several machines"
        }
    }
}

/// The way from a family to a strategy.
pub(super) fn migration(
    from: Family,
    ((to, by_kind), strategy): ((Family, bool), &Strategy),
    (minor, named, placement): (u32, &[&str], &[PlacedTasks]),
    workers: u32,
    figures: &[String],
) -> Migration {
    let mut steps = vec!["Measure what there is: keep the figures of today's program beside the forecast's baseline.".to_owned()];
    if from != to {
        steps.push("Put what a task does into one function of its arguments, which returns its result and changes nothing else.".into());
    }
    steps.extend(to_steps(to, minor).into_iter().map(str::to_owned));
    if by_kind {
        steps.push("Let each task say of which kind it is, and decide by that, in one place, whether the loop executes it or a pool: begin with all on the loop, and move one kind after another.".into());
    }
    steps.push("Run the benchmark (`pchsim verify`, below) on the machine that it is for, and compare with the forecast.".into());
    steps.push("Switch a part of the load over, watch the figures below, then the rest.".into());
    Migration {
        from,
        to,
        effort: effort(from, (to, by_kind)).to_owned(),
        steps,
        before: code(&typical(from, workers), named),
        after: if by_kind {
            by_kind::code(strategy, placement)
        } else {
            code(strategy, named)
        },
        review: review(to).into_iter().map(str::to_owned).collect(),
        pitfalls: pitfalls(to)
            .into_iter()
            .map(|(id, text)| Pitfall {
                id: id.into(),
                text: text.into(),
            })
            .collect(),
        rollback: if by_kind && from.has_loop() {
            "Where each kind of task is executed is said in one place: set it back there, one kind after another."
        } else {
            rollback(from, to)
        }
        .to_owned(),
        watch: watch(to, minor)
            .into_iter()
            .map(str::to_owned)
            .chain(figures.iter().cloned())
            .collect(),
    }
}

fn to_steps(to: Family, minor: u32) -> Vec<&'static str> {
    let free = "Install the free-threaded build beside the other, and look at `sys._is_gil_enabled()` after all imports: it has to be False.";
    let pool = "Put the pool around the loop over tasks, with the number of workers given above.";
    let awaits = "Turn what waits into coroutines, with clients that await (httpx, aiohttp, asyncpg), and keep one client for all tasks.";
    let pickles = "Move the function and all that it takes to a module that can be imported; check with `pickle.dumps` that arguments and results can travel.";
    match to {
        Family::SingleThread => vec!["Take the pool or the loop out, and keep the tests."],
        Family::Threads => vec![pool],
        Family::FreeThreads => vec![free, pool],
        Family::Asyncio => vec![
            awaits,
            "Start all tasks in a `TaskGroup`, with a time-out around what waits.",
        ],
        Family::AsyncioThreads => vec![
            awaits,
            "Hand what computes or blocks to a pool of threads by `run_in_executor`.",
        ],
        Family::AsyncioFreeThreads => vec![
            free,
            awaits,
            "Hand what computes to a pool of threads by `run_in_executor`.",
        ],
        Family::Processes => vec![
            pickles,
            if minor >= 14 {
                "Say which start method is meant (the default of 3.14 is forkserver), and protect the main module by `if __name__ == \"__main__\":`."
            } else {
                "Say which start method is meant (before 3.14 the default on Linux is fork), and protect the main module by `if __name__ == \"__main__\":`."
            },
            pool,
        ],
        Family::AsyncioProcesses => vec![
            awaits,
            pickles,
            "Hand what computes to a pool of processes by `run_in_executor`.",
        ],
        Family::Interpreters => vec![
            pickles,
            "Try whether every extension can be imported in a sub-interpreter.",
            pool,
        ],
        Family::AsyncioInterpreters => vec![
            awaits,
            pickles,
            "Hand what computes to the pool of interpreters by `run_in_executor`.",
        ],
        Family::Prefork => vec![
            "Make an application (ASGI or WSGI) of the program, with no state in the process that must be seen by all.",
            "Start it by the command above, behind one port.",
        ],
        Family::Distributed => vec![
            "Make a server or a worker of the program, and put a balancer or a broker before the machines.",
            "Give every task an id, so that it can be sent again when a machine is lost.",
        ],
    }
}

fn review(to: Family) -> Vec<&'static str> {
    let shared = "Every object that more than one task changes: a lock around each read that is followed by a write.";
    let clients = "Clients and sessions that are not made for threads: one for each thread (`threading.local`).";
    let extensions = "Every extension module: does it declare free-threading (`Py_mod_gil`)? One that does not enables the GIL for all.";
    let pickled = "Arguments and results: picklable, and as small as they can be; no open files, sockets, locks or lambdas.";
    let globals = "Globals that workers change: the parent does not see it.";
    let blocking = "Every call on the loop that may block: `time.sleep`, `requests`, drivers without await, files on slow disks.";
    let between = "What is set before an `await` and read after it: others have run meanwhile.";
    match to {
        Family::SingleThread => {
            vec!["What relied on being concurrent: time-outs, progress, background work."]
        }
        Family::Threads => vec![shared, clients],
        Family::FreeThreads => vec![shared, clients, extensions],
        Family::Asyncio => vec![blocking, between],
        Family::AsyncioThreads => vec![blocking, between, shared],
        Family::AsyncioFreeThreads => vec![blocking, between, shared, extensions],
        Family::Processes => vec![pickled, globals],
        Family::AsyncioProcesses | Family::AsyncioInterpreters => {
            vec![blocking, between, pickled, globals]
        }
        Family::Interpreters => vec![
            pickled,
            globals,
            "Every extension module: it has to support several interpreters (PEP 489, PEP 684).",
        ],
        Family::Prefork => vec![
            "State in the process (caches, counters, sessions): each worker has its own.",
            "Connections: opened by each worker after its start, and as many pools as workers.",
        ],
        Family::Distributed => {
            vec!["What is lost with a machine, and whether a task may be executed twice."]
        }
    }
}

fn pitfalls(to: Family) -> Vec<(&'static str, &'static str)> {
    const RACE: (&str, &str) = (
        "1.1",
        "race condition: a read and a write that others come between",
    );
    const UPDATE: (&str, &str) = (
        "1.3",
        "lost update: two changes of one value, one of them gone",
    );
    const ATOMIC: (&str, &str) = (
        "1.6",
        "an operation that is atomic with the GIL and is not without",
    );
    const DEADLOCK: (&str, &str) = ("3.1", "deadlock: two locks taken in different order");
    const SILENT: (&str, &str) = ("6.4", "an exception in a thread that nobody looks at");
    const CLIENT: (&str, &str) = ("7.4", "a client that is not made for threads");
    const BLOCKED: (&str, &str) = (
        "5.1",
        "a blocking call on the loop: everything stands still",
    );
    const AWAITED: (&str, &str) = ("5.2", "a coroutine that is never awaited");
    const EARLY: (&str, &str) = ("5.5", "a program that ends before its tasks");
    const LOCKED: (&str, &str) = ("5.4", "a lock of threads held in a coroutine");
    const FROM_THREAD: (&str, &str) = (
        "7.2",
        "the loop called from another thread without `call_soon_threadsafe`",
    );
    const PICKLE: (&str, &str) = ("4.4", "what cannot be pickled");
    const IPC: (&str, &str) = ("4.3", "large arguments that cost more than the work");
    const METHODS: (&str, &str) = (
        "4.5",
        "start methods: what a forked worker inherits, and a spawned one does not",
    );
    const SIGNALS: (&str, &str) = ("4.7", "Ctrl-C and signals that reach the children as well");
    const MODEL: (&str, &str) = ("7.1", "changes of a worker that the parent does not see");
    const EXECUTOR: (&str, &str) = ("6.6", "the wrong pool for the work");
    match to {
        Family::SingleThread => vec![(
            "7.3",
            "requests one after another that could be waited for together",
        )],
        Family::Threads => vec![RACE, UPDATE, DEADLOCK, SILENT, CLIENT, EXECUTOR],
        Family::FreeThreads => vec![ATOMIC, RACE, UPDATE, DEADLOCK, SILENT, CLIENT],
        Family::Asyncio => vec![BLOCKED, AWAITED, EARLY, LOCKED],
        Family::AsyncioThreads => vec![BLOCKED, AWAITED, FROM_THREAD, RACE, EXECUTOR],
        Family::AsyncioFreeThreads => vec![BLOCKED, AWAITED, FROM_THREAD, ATOMIC, RACE],
        Family::Processes => vec![PICKLE, IPC, METHODS, SIGNALS, MODEL],
        Family::AsyncioProcesses => vec![BLOCKED, AWAITED, PICKLE, IPC, MODEL],
        Family::Interpreters => vec![PICKLE, IPC, MODEL],
        Family::AsyncioInterpreters => vec![BLOCKED, AWAITED, PICKLE, MODEL],
        Family::Prefork => vec![METHODS, MODEL, BLOCKED],
        Family::Distributed => vec![MODEL, SIGNALS],
    }
}

fn rollback(from: Family, to: Family) -> &'static str {
    if from == to {
        "Set the numbers of workers back to what they were."
    } else if to.has_loop() && !from.has_loop() {
        "Keep the old entry point beside the new one until the figures have held for a week; coroutines do not run in the old one, so both exist until then."
    } else if to == Family::Prefork || to == Family::Distributed {
        "Start one worker by the old command, and send the load there."
    } else {
        "The function of a task is the same for both: put the choice of the executor behind one setting, and set it back."
    }
}

fn watch(to: Family, minor: u32) -> Vec<&'static str> {
    let mut all = Vec::new();
    if to.free_threaded() {
        all.push("`python -c 'import app, sys; print(sys._is_gil_enabled())'`: True means that an extension has enabled the GIL.");
    }
    if to.has_loop() || to == Family::Prefork {
        all.push(if minor >= 14 {
            "`python -m asyncio ps PID` and `pstree PID`: which tasks there are, and what they await."
        } else {
            "`asyncio.all_tasks()` in a debug handler: which tasks there are (`python -m asyncio ps` comes with 3.14)."
        });
        all.push("`PYTHONASYNCIODEBUG=1` in a test: every callback that held the loop for more than 100 ms is logged.");
    }
    match to {
        Family::SingleThread | Family::Asyncio => {}
        Family::Threads
        | Family::FreeThreads
        | Family::AsyncioThreads
        | Family::AsyncioFreeThreads
        | Family::Interpreters
        | Family::AsyncioInterpreters => {
            all.push("`top -H -p PID`: one line a thread, and how busy each is.");
        }
        Family::Processes | Family::AsyncioProcesses | Family::Prefork | Family::Distributed => {
            all.push("`ps -o pid,rss,pcpu,etime --ppid PID`: workers that grow, sleep or were started anew.");
        }
    }
    all
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
                "concurrent.futures.ThreadPoolExecutor(max_workers=8)",
            ),
            (
                "processes:4:spawn:20",
                "concurrent.futures.ProcessPoolExecutor(max_workers=4, mp_context=multiprocessing.get_context(\"spawn\"))",
            ),
            (
                "pool:4:fork",
                "multiprocessing.get_context(\"fork\").Pool(4)",
            ),
            (
                "interpreters:3",
                "concurrent.futures.InterpreterPoolExecutor(max_workers=3)",
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
        assert_eq!(python_text("a\"b\\"), "\"a\\\"b\\\\\"");
    }

    #[test]
    fn every_way_has_its_steps() {
        for from in Family::ALL {
            for to in Family::ALL {
                let there = typical(to, 4);
                let m = migration(from, ((to, false), &there), (14, &["t"], &[]), 4, &[]);
                assert!(
                    m.steps.len() >= 4 && !m.pitfalls.is_empty() && !m.review.is_empty(),
                    "{from:?} {to:?}"
                );
                assert!(m.effort.starts_with(if from == to { "none" } else { "" }));
            }
        }
    }
}
