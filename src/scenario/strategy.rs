//! What a strategy is, described once: how many processes run it, whether an event loop has the tasks, where their work goes.

use super::{Offload, ProcessApi, StartMethod, Strategy, Workers};

/// How a strategy executes tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Processes of a prefork server, at least 1, each of which does the rest; `None`: the program itself does.
    pub copies: Option<u32>,
    /// An event loop has the tasks; otherwise the main thread.
    pub event_loop: bool,
    /// Most tasks at once on the loop.
    pub limit: Option<u32>,
    /// Where the work of tasks goes.
    pub pool: Pool,
}

/// Who does the work of tasks for the thread that has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// That thread itself.
    Nobody,
    /// A thread for each task.
    ThreadEach,
    /// A pool of threads.
    Threads(Workers),
    /// A pool of processes.
    Processes {
        /// How many.
        workers: Workers,
        /// How they are started.
        start: StartMethod,
        /// By which library.
        api: ProcessApi,
    },
    /// A pool of threads with an interpreter each.
    Interpreters(Workers),
}

impl Pool {
    /// The workers of a pool; `None` where there is none.
    #[must_use]
    pub fn workers(self) -> Option<Workers> {
        match self {
            Self::Nobody | Self::ThreadEach => None,
            Self::Threads(workers)
            | Self::Processes { workers, .. }
            | Self::Interpreters(workers) => Some(workers),
        }
    }

    /// How its processes are started; `None` where it has none.
    #[must_use]
    pub fn start(self) -> Option<StartMethod> {
        match self {
            Self::Processes { start, .. } => Some(start),
            Self::Nobody | Self::ThreadEach | Self::Threads(_) | Self::Interpreters(_) => None,
        }
    }

    /// Whether its workers are interpreters of their own, in this process or another: arguments and results are copied to them and
    /// back, objects and locks are not shared.
    #[must_use]
    pub fn apart(self) -> bool {
        match self {
            Self::Processes { .. } | Self::Interpreters(_) => true,
            Self::Nobody | Self::ThreadEach | Self::Threads(_) => false,
        }
    }
}

impl From<Offload> for Pool {
    fn from(offload: Offload) -> Self {
        match offload {
            Offload::None => Self::Nobody,
            Offload::Threads(workers) => Self::Threads(workers),
            Offload::Processes(workers, start) => Self::Processes {
                workers,
                start,
                api: ProcessApi::Executor,
            },
            Offload::Interpreters(workers) => Self::Interpreters(workers),
        }
    }
}

impl Strategy {
    /// The description: one arm a kind of strategy.
    #[must_use]
    pub fn execution(&self) -> Execution {
        let by = |pool| Execution {
            copies: None,
            event_loop: false,
            limit: None,
            pool,
        };
        match self {
            Self::Sequential => by(Pool::Nobody),
            Self::Threads(Workers::PerTask) => by(Pool::ThreadEach),
            Self::Threads(workers @ (Workers::Auto | Workers::Exactly(_))) => {
                by(Pool::Threads(*workers))
            }
            Self::Processes {
                workers,
                start,
                api,
            } => by(Pool::Processes {
                workers: *workers,
                start: *start,
                api: *api,
            }),
            Self::Interpreters(workers) => by(Pool::Interpreters(*workers)),
            Self::Asyncio { limit, offload } => Execution {
                event_loop: true,
                limit: *limit,
                ..by((*offload).into())
            },
            Self::Prefork { processes, each } => Execution {
                copies: Some((*processes).max(1)),
                ..each.execution()
            },
        }
    }

    /// Whether processes are forked that have the program's imports, or may have: a fork server of some versions imports them as well.
    #[must_use]
    pub fn may_inherit(&self) -> bool {
        let Execution { copies, pool, .. } = self.execution();
        let forks = |start| match start {
            StartMethod::Fork | StartMethod::Forkserver => true,
            StartMethod::Spawn => false,
        };
        copies.is_some() || pool.start().is_some_and(forks)
    }

    /// What each process runs: the strategy itself, or what stands in the prefork server.
    #[must_use]
    pub fn each(&self) -> &Self {
        match self {
            Self::Prefork { each, .. } => each.each(),
            Self::Sequential
            | Self::Threads(_)
            | Self::Processes { .. }
            | Self::Interpreters(_)
            | Self::Asyncio { .. } => self,
        }
    }

    /// One task after another in one process: what others are compared with.
    #[must_use]
    pub fn is_sequential(&self) -> bool {
        let Execution {
            copies,
            event_loop,
            limit: _,
            pool,
        } = self.execution();
        copies.is_none() && !event_loop && pool == Pool::Nobody
    }
}

const fn start_name(start: StartMethod) -> &'static str {
    match start {
        StartMethod::Fork => "fork",
        StartMethod::Spawn => "spawn",
        StartMethod::Forkserver => "forkserver",
    }
}

fn colon(workers: Workers) -> String {
    match workers {
        Workers::Auto => String::new(),
        Workers::Exactly(n) => format!(":{n}"),
        Workers::PerTask => ":per-task".into(),
    }
}

/// The text that stands for a strategy everywhere: its short form, as `--strategy` takes it ([`parse_strategy`](crate::syntax::parse_strategy) reads it back).
pub fn strategy_label(strategy: &Strategy) -> String {
    match strategy {
        Strategy::Sequential => "sequential".into(),
        Strategy::Threads(w) => format!("threads{}", colon(*w)),
        Strategy::Processes {
            workers,
            start,
            api,
        } => match api {
            ProcessApi::Executor => format!("processes{}:{}", colon(*workers), start_name(*start)),
            ProcessApi::Pool { chunksize } => {
                let chunks = chunksize.map_or(String::new(), |n| format!(":{n}"));
                format!("pool{}:{}{chunks}", colon(*workers), start_name(*start))
            }
        },
        Strategy::Interpreters(w) => format!("interpreters{}", colon(*w)),
        Strategy::Asyncio { limit, offload } => {
            let limit = limit.map_or(String::new(), |n| format!(":{n}"));
            let offload = match offload {
                Offload::None => String::new(),
                Offload::Threads(w) => format!("+threads{}", colon(*w)),
                Offload::Interpreters(w) => format!("+interpreters{}", colon(*w)),
                Offload::Processes(w, start) => {
                    format!("+processes{}:{}", colon(*w), start_name(*start))
                }
            };
            format!("asyncio{limit}{offload}")
        }
        Strategy::Prefork { processes, each } => {
            format!("prefork:{processes}({})", strategy_label(each))
        }
    }
}
