//! What lies between two approaches: what a program gains and loses on the way from one to the other, and what is said about that.

use super::family::Family;
use crate::scenario::{Pool, StartMethod, Strategy};

/// What workers of a pool are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Workers {
    None,
    Threads,
    Processes,
    Interpreters,
}

/// What an approach is made of, as far as code depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    family: Family,
    /// Whether tasks are coroutines of an event loop, in whatever process.
    looped: bool,
    workers: Workers,
    /// Whether workers are forked from a server, and so are no children of the program.
    fork_server: bool,
}

impl Made {
    pub(super) fn of(family: Family, strategy: &Strategy) -> Self {
        let mut workers = Workers::None;
        let mut fork_server = false;
        for pool in strategy.every_pool() {
            workers = match pool {
                Pool::ThreadEach | Pool::Threads(_) if workers == Workers::None => Workers::Threads,
                Pool::Nobody | Pool::ThreadEach | Pool::Threads(_) => workers,
                Pool::Processes { start, .. } => {
                    fork_server |= start == StartMethod::Forkserver;
                    Workers::Processes
                }
                Pool::Interpreters(_) if workers == Workers::Processes => workers,
                Pool::Interpreters(_) => Workers::Interpreters,
            };
        }
        Self {
            family,
            looped: strategy.execution().event_loop,
            workers,
            fork_server,
        }
    }

    fn pooled(self) -> bool {
        self.workers != Workers::None
    }

    /// Whether what goes to a worker and comes back is pickled.
    fn pickles(self) -> bool {
        self.workers == Workers::Processes || self.workers == Workers::Interpreters
    }

    /// Whether threads execute tasks in the same memory.
    fn shares(self) -> bool {
        self.workers == Workers::Threads
    }

    fn free(self) -> bool {
        self.family.free_threaded()
    }

    /// Whether it is a program that is started several times.
    fn copied(self) -> bool {
        self.family == Family::Prefork
    }

    fn spread(self) -> bool {
        self.family == Family::Distributed
    }
}

/// From one approach to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub from: Made,
    pub to: Made,
    /// Whether each kind of task gets its own place.
    pub by_kind: bool,
    /// Second number of Python's version.
    pub minor: u32,
}

impl Way {
    /// Whether nothing is to be done at all.
    pub(super) fn nothing(self) -> bool {
        self.same() && self.to.family == Family::SingleThread
    }

    fn same(self) -> bool {
        self.from.family == self.to.family && !self.by_kind
    }

    /// Whether the same executor's methods are called before and after, outside of a loop.
    fn other_executor(self) -> bool {
        let pool = |m: Made| m.pooled() && !m.looped && !m.copied() && !m.spread();
        pool(self.from) && pool(self.to)
    }

    /// How much there is to change, and what.
    pub(super) fn effort(self) -> String {
        let (from, to) = (self.from, self.to);
        if self.nothing() {
            return "none: the program stays as it is".into();
        }
        if self.same() {
            return if self.to.workers == Workers::Processes {
                "none: it is what the program does, but for the numbers of workers and how they are started"
            } else {
                "none: it is what the program does, but for the numbers of workers"
            }
            .into();
        }
        let mut level = 0;
        let mut parts: Vec<&str> = Vec::new();
        let mut add = |how_much: usize, what| {
            level = level.max(how_much);
            parts.push(what);
        };
        if to.spread() && !from.spread() {
            add(
                2,
                "a broker or a balancer, and the operation of several machines",
            );
        }
        if to.copied() && !from.copied() {
            add(
                1,
                "the program becomes an application that a server starts several times, of which nothing is shared but what is outside",
            );
        }
        if from.copied() && !to.copied() {
            add(1, "what handles a request becomes a task of one program");
        }
        if to.looped && !from.looped {
            add(
                2,
                "every function on the way to what waits becomes a coroutine, with clients that are made for it",
            );
        }
        if from.looped && !to.looped {
            add(
                1,
                "coroutines become plain functions again, with clients that block",
            );
        }
        if self.other_executor() && from.workers != to.workers {
            add(0, "another executor in the place of the one that there is");
        } else if to.pooled() && !from.pooled() || self.pools_differ() {
            add(
                0,
                if to.looped {
                    "what computes is handed to a pool"
                } else {
                    "a pool around the loop over tasks"
                },
            );
        } else if from.pooled() && !to.pooled() {
            add(
                0,
                if to.looped {
                    "what was handed to a pool stays on the loop"
                } else {
                    "the pool is taken out"
                },
            );
        }
        if to.pickles() && !from.pickles() {
            add(
                1,
                "functions, arguments and results that can be pickled, in modules that can be imported",
            );
        }
        if to.workers == Workers::Interpreters && from.workers != Workers::Interpreters {
            add(1, "extensions that several interpreters can import");
        }
        if to.free() && !from.free() {
            add(
                usize::from(!from.shares() || from.looped != to.looped),
                "another build of Python, for which every extension is looked at",
            );
        }
        if from.free() && !to.free() {
            add(0, "the build of Python with the GIL");
        }
        if to.shares() && (!from.shares() || to.free() && !from.free()) {
            add(
                0,
                if from.shares() {
                    "every shared object looked at once more"
                } else {
                    "locks for what tasks share"
                },
            );
        }
        if self.by_kind {
            add(0, "kinds of tasks are told apart, and each gets its place");
        }
        format!(
            "{}: {}",
            ["small", "medium", "large"][level],
            parts.join("; ")
        )
    }

    fn pools_differ(self) -> bool {
        self.to.pooled() && self.from.workers != self.to.workers && !self.other_executor()
    }

    /// What to do between measuring and measuring again.
    pub(super) fn steps(self) -> Vec<&'static str> {
        let (from, to) = (self.from, self.to);
        let mut all = Vec::new();
        if self.same() {
            all.push(if to.workers == Workers::Processes {
                "Set the numbers of workers, and how they are started, to what is given above: all else stays."
            } else {
                "Set the numbers of workers to those given above: all else stays."
            });
            return all;
        }
        if to.free() && !from.free() {
            all.push("Install the free-threaded build beside the other, and look at `sys._is_gil_enabled()` after all imports: it has to be False.");
        }
        if from.free() && !to.free() {
            all.push("Go back to the build with the GIL: its threads wait side by side, and compute one at a time.");
        }
        if from.copied() && !to.copied() {
            all.push("Take what handles a request out of the application, as a function or coroutine that is given its task, in a program that is started once.");
        }
        if from.looped && !to.looped {
            all.push("Turn the coroutines back into plain functions: what was awaited is called with clients that block (requests, psycopg), and `asyncio.sleep` becomes `time.sleep`.");
        } else if from.family == Family::SingleThread {
            all.push("Put what a task does into one function of its arguments, which returns its result and changes nothing else.");
        }
        if to.looped && !from.looped {
            all.push("Turn what waits into coroutines, with clients that await (httpx, aiohttp, asyncpg), and keep one client for all tasks.");
        }
        if to.looped && to.pooled() && !from.pooled() {
            all.push("Put what computes into plain functions of their arguments, apart from what awaits.");
        }
        if to.pickles() && !from.pickles() {
            all.push("Move what workers execute, and all that it takes, to a module that can be imported; check with `pickle.dumps` that arguments and results can travel.");
        }
        if to.workers == Workers::Interpreters && from.workers != Workers::Interpreters {
            all.push("Try whether every extension can be imported in a sub-interpreter.");
        }
        if to.workers == Workers::Processes && from.workers != Workers::Processes {
            all.push(if self.minor >= 14 {
                "Say which start method is meant (the default of 3.14 is forkserver), and protect the main module by `if __name__ == \"__main__\":`."
            } else {
                "Say which start method is meant (before 3.14 the default on Linux is fork), and protect the main module by `if __name__ == \"__main__\":`."
            });
        }
        if to.shares() && from.pickles() {
            all.push("Look for what each worker had of its own (module globals, caches, connections): threads have it together, so that it takes a lock, or one for each thread (`threading.local`).");
        }
        all.extend(self.placed());
        if self.by_kind {
            all.push("Let each task say of which kind it is, and decide by that, in one place, whether the loop executes it or a pool: begin with all on the loop, and move one kind after another.");
        }
        all
    }

    /// Where tasks are executed from now on.
    fn placed(self) -> Vec<&'static str> {
        let (from, to) = (self.from, self.to);
        match to.family {
            Family::Distributed => vec![
                "Make a server or a worker of the program, and put a balancer or a broker before the machines.",
                "Give every task an id, so that it can be sent again when a machine is lost.",
            ],
            Family::Prefork if from.copied() => {
                vec!["Start the application with the numbers of processes given above."]
            }
            Family::Prefork => vec![
                if to.looped {
                    "Make an application (ASGI) of the program, with no state in the process that must be seen by all."
                } else {
                    "Make an application (WSGI) of the program, with no state in the process that must be seen by all."
                },
                "Start it by the command above, behind one port.",
            ],
            Family::SingleThread if from.pooled() && !from.looped => {
                vec![
                    "Take the pool out: a loop over the tasks calls the function, one after another.",
                ]
            }
            Family::SingleThread => {
                vec!["Call the function for one task after another, without a loop of events."]
            }
            Family::Asyncio if from.pooled() && from.looped => {
                vec![
                    "Call on the loop itself what was handed to the pool by `run_in_executor`, and take the pool out.",
                ]
            }
            Family::Asyncio => {
                vec![
                    "Start all tasks in a `TaskGroup`, with a time-out around what waits, in the place of what executes them today.",
                ]
            }
            Family::Threads | Family::FreeThreads | Family::Processes | Family::Interpreters => {
                vec![if self.other_executor() && from.workers == to.workers {
                    "Leave the executor as it is, with the number of workers given above."
                } else if self.other_executor() {
                    "Put the executor given above in the place of the one that there is: `submit` and `map` stay."
                } else {
                    "Put the pool around the loop over tasks, with the number of workers given above."
                }]
            }
            Family::AsyncioThreads
            | Family::AsyncioFreeThreads
            | Family::AsyncioProcesses
            | Family::AsyncioInterpreters => {
                // What each kind of task is handed to is said by kind.
                if self.by_kind {
                    return Vec::new();
                }
                vec![if from.looped && from.pooled() {
                    "Hand `run_in_executor` the pool given above in the place of the one that there is."
                } else if to.shares() && !to.free() {
                    "Hand what computes or blocks to a pool of threads by `run_in_executor`."
                } else if to.shares() {
                    "Hand what computes to a pool of threads by `run_in_executor`."
                } else if to.workers == Workers::Processes {
                    "Hand what computes to a pool of processes by `run_in_executor`."
                } else {
                    "Hand what computes to the pool of interpreters by `run_in_executor`."
                }]
            }
        }
    }

    /// What to look at in the code: what was of no account before, and what need not be looked at any more.
    pub(super) fn review(self) -> Vec<&'static str> {
        let (from, to) = (self.from, self.to);
        let mut all = Vec::new();
        if self.nothing() {
            return all;
        }
        if self.same() {
            all.push("What there is one of for each worker: connections, memory, and what services that are called allow at once.");
            return all;
        }
        if to.family == Family::SingleThread {
            all.push("What relied on being concurrent: time-outs, progress, background work.");
        }
        if to.looped && !from.looped {
            all.push("Every call on the loop that may block: `time.sleep`, `requests`, drivers without await, files on slow disks.");
            all.push("What is set before an `await` and read after it: others have run meanwhile.");
        }
        if from.looped && from.pooled() && to.looped && !to.pooled() {
            all.push("How long what comes back to the loop computes or blocks: nothing else goes on meanwhile.");
        }
        if to.shares() && to.free() && !from.free() && from.shares() {
            all.push("Every object that more than one task changes: what the GIL kept whole it keeps no more, so a lock around each read that is followed by a write.");
        } else if to.shares() && !from.shares() {
            all.push("Every object that more than one task changes: a lock around each read that is followed by a write.");
        }
        if to.shares() && !from.shares() && !to.looped {
            all.push("Clients and sessions that are not made for threads: one for each thread (`threading.local`).");
        }
        if to.free() && !from.free() {
            all.push("Every extension module: does it declare free-threading (`Py_mod_gil`)? One that does not enables the GIL for all.");
        }
        if to.pickles() && !from.pickles() {
            all.push("Arguments and results: picklable, and as small as they can be; no open files, sockets, locks or lambdas.");
            all.push("Globals that workers change: the parent does not see it.");
        }
        if to.workers == Workers::Interpreters && from.workers != Workers::Interpreters {
            all.push("Every extension module: it has to support several interpreters (PEP 489, PEP 684).");
        }
        if to.workers == Workers::Processes && from.workers == Workers::Interpreters {
            all.push("What each worker holds: a process of its own takes more memory than an interpreter.");
        }
        if from.pickles() && !to.pickles() && !to.copied() && !to.spread() {
            all.push("Arguments and results are not pickled any more: they may be large, but a task that changes its argument now changes it for all.");
        }
        if from.workers == Workers::Processes
            && to.workers != Workers::Processes
            && !to.copied()
            && !to.spread()
        {
            all.push("A crash of an extension module, or memory that one task takes, now ends the whole program.");
        }
        if from.looped && !to.looped && !to.copied() {
            all.push("Clients, locks and queues made for coroutines (`aiohttp`, `asyncio.Lock`): each has another that blocks; and what cancelled tasks or timed them out.");
        }
        if from.shares()
            && !to.shares()
            && !to.pickles()
            && to.family != Family::SingleThread
            && !to.copied()
            && !to.spread()
        {
            all.push("Locks of threads: on one loop they are needed no more, and held across an `await` they stop it.");
        }
        if to.copied() && !from.copied() {
            all.push("State in the process (caches, counters, sessions): each worker has its own.");
            all.push(
                "Connections: opened by each worker after its start, and as many pools as workers.",
            );
        }
        if from.copied() && !to.copied() {
            all.push("What relied on several processes: a worker that crashed was started anew, and took no others with it.");
        }
        if to.spread() {
            all.push("What is lost with a machine, and whether a task may be executed twice.");
        }
        if self.by_kind {
            all.push("How each task is known by its kind, and what becomes of one whose kind is not known.");
        }
        if all.is_empty() {
            all.push("What computed side by side: under the GIL it takes turns.");
        }
        all
    }

    /// How to go back.
    pub(super) fn rollback(self) -> &'static str {
        let (from, to) = (self.from, self.to);
        if self.nothing() {
            "There is nothing to go back from."
        } else if self.same() {
            "Set the numbers of workers back to what they were."
        } else if self.by_kind && from.looped {
            "Where each kind of task is executed is said in one place: set it back there, one kind after another."
        } else if to.copied() || to.spread() {
            "Start one worker by the old command, and send the load there."
        } else if from.copied() || from.spread() {
            "Keep the application and the command that starts it: start it again, and send the load there."
        } else if to.looped && !from.looped {
            "Keep the old entry point beside the new one until the figures have held for a week; coroutines do not run in the old one, so both exist until then."
        } else if from.looped && !to.looped {
            "Keep the coroutines and their entry point beside the plain functions until the figures have held for a week; who goes back starts the old entry point."
        } else if to.looped {
            "Which pool `run_in_executor` is handed, if any, is said in one place: set it back there."
        } else if from.workers == to.workers {
            "The code is the same for both builds: start it with the old interpreter, and the old number of workers."
        } else if to.free() != from.free() {
            "The function of a task is the same for both: put the choice of the executor behind one setting, set it back, and start the old interpreter."
        } else {
            "The function of a task is the same for both: put the choice of the executor behind one setting, and set it back."
        }
    }

    /// How to watch it in production.
    pub(super) fn watch(self) -> Vec<&'static str> {
        let to = self.to;
        let mut all = Vec::new();
        if to.free() {
            all.push("`python -c 'import app, sys; print(sys._is_gil_enabled())'`: True means that an extension has enabled the GIL.");
        }
        if to.looped {
            all.push(if self.minor >= 14 {
                "`python -m asyncio ps PID` and `pstree PID`: which tasks there are, and what they await."
            } else {
                "`asyncio.all_tasks()` in a debug handler: which tasks there are (`python -m asyncio ps` comes with 3.14)."
            });
            all.push("`PYTHONASYNCIODEBUG=1` in a test: every callback that held the loop for more than 100 ms is logged.");
        }
        if to.workers == Workers::Processes && to.fork_server {
            all.push("`ps -o pid,ppid,rss,pcpu,etime -s $(ps -o sid= -p PID)`: workers that grow, sleep or were started anew; their parent is the fork server.");
        } else if to.workers == Workers::Processes || to.copied() || to.spread() {
            all.push("`ps -o pid,rss,pcpu,etime --ppid PID`: workers that grow, sleep or were started anew.");
        } else if to.pooled() {
            all.push("`top -H -p PID`: one line a thread, and how busy each is.");
        }
        all
    }

    /// What may go wrong that could not before: its number in section 19 of `docs/cpython-runtime.md`, and what it is.
    pub(super) fn pitfalls(self) -> Vec<(&'static str, &'static str)> {
        if self.nothing() {
            return Vec::new();
        }
        let known = pitfalls(self.from);
        let all = pitfalls(self.to);
        let new: Vec<_> = all.iter().copied().filter(|p| !known.contains(p)).collect();
        if new.is_empty() { all } else { new }
    }
}

fn pitfalls(of: Made) -> Vec<(&'static str, &'static str)> {
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
    match of.family {
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
        Family::AsyncioProcesses => vec![BLOCKED, AWAITED, PICKLE, IPC, METHODS, MODEL],
        Family::Interpreters => vec![PICKLE, IPC, MODEL],
        Family::AsyncioInterpreters => vec![BLOCKED, AWAITED, PICKLE, MODEL],
        Family::Prefork if of.looped => vec![METHODS, MODEL, BLOCKED],
        Family::Prefork if of.shares() => vec![METHODS, MODEL, RACE, CLIENT],
        Family::Prefork => vec![METHODS, MODEL],
        Family::Distributed => vec![MODEL, SIGNALS],
    }
}
