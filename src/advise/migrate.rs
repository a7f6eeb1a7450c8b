//! How to get from what a program does today to what is recommended: steps, what to look at, how to go back, and what to watch.

use serde::{Deserialize, Serialize};

use super::by_kind;
use super::code::{code, typical};
use super::family::Family;
use super::placement::PlacedTasks;
use crate::scenario::Strategy;

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
    steps.extend(to_steps(from, to, minor).into_iter().map(str::to_owned));
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

fn to_steps(from: Family, to: Family, minor: u32) -> Vec<&'static str> {
    let free = "Install the free-threaded build beside the other, and look at `sys._is_gil_enabled()` after all imports: it has to be False.";
    let pool = "Put the pool around the loop over tasks, with the number of workers given above.";
    let awaits = "Turn what waits into coroutines, with clients that await (httpx, aiohttp, asyncpg), and keep one client for all tasks.";
    let pickles = "Move the function and all that it takes to a module that can be imported; check with `pickle.dumps` that arguments and results can travel.";
    let mut steps = match to {
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
    };
    // Who has a loop has coroutines.
    steps.retain(|s| *s != awaits || !from.has_loop());
    steps
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
