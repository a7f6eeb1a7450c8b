//! Descriptions of strategies, each in one place: how many processes execute a strategy, whether an event loop has the tasks, and where
//! their work goes.

use std::borrow::Cow;

use super::{
    Fault, Lifecycle, MachineSpec, NamedPool, Nodes, Offload, PoolLife, ProcessApi, Server,
    StartMethod, Strategy, Workers,
};

/// How a strategy executes tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Number of processes of a prefork server, at least 1, each of which executes the rest; `None`: the program itself does.
    pub copies: Option<u32>,
    /// Whether an event loop has the tasks, rather than the main thread.
    pub event_loop: bool,
    /// Concurrency limit of the loop; `None` for no limit.
    pub limit: Option<u32>,
    /// Where the work of tasks is executed.
    pub pool: Pool,
}

/// Where the work of tasks is executed on behalf of the thread that has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// In that thread itself.
    Nobody,
    /// In a new thread for each task.
    ThreadEach,
    /// In a pool of threads.
    Threads(Workers),
    /// In a pool of processes.
    Processes {
        /// Number of workers.
        workers: Workers,
        /// How they are started.
        start: StartMethod,
        /// Library that runs them.
        api: ProcessApi,
    },
    /// In a pool of threads, each with an interpreter of its own.
    Interpreters(Workers),
}

impl Pool {
    /// Number of workers of the pool; `None` if there is no pool.
    #[must_use]
    pub fn workers(self) -> Option<Workers> {
        match self {
            Self::Nobody | Self::ThreadEach => None,
            Self::Threads(workers)
            | Self::Processes { workers, .. }
            | Self::Interpreters(workers) => Some(workers),
        }
    }

    /// How the pool's processes are started; `None` if it has none.
    #[must_use]
    pub fn start(self) -> Option<StartMethod> {
        match self {
            Self::Processes { start, .. } => Some(start),
            Self::Nobody | Self::ThreadEach | Self::Threads(_) | Self::Interpreters(_) => None,
        }
    }

    /// Whether the workers are interpreters of their own, in this process or others: arguments and results are then copied, and objects and
    /// locks are not shared.
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
                api: ProcessApi::EXECUTOR,
            },
            Offload::Interpreters(workers) => Self::Interpreters(workers),
        }
    }
}

impl Strategy {
    /// Describes a strategy, one arm for each kind.
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
                life: _,
            } => by(Pool::Processes {
                workers: *workers,
                start: *start,
                api: *api,
            }),
            Self::Interpreters(workers) => by(Pool::Interpreters(*workers)),
            Self::Asyncio {
                limit,
                offload,
                pools: _,
            } => Execution {
                event_loop: true,
                limit: *limit,
                ..by((*offload).into())
            },
            Self::Server { server: _, runs } => runs.execution(),
            Self::Nodes { nodes: _, each } => each.execution(),
            Self::Prefork {
                processes,
                each,
                life: _,
            } => Execution {
                copies: Some((*processes).max(1)),
                ..each.execution()
            },
        }
    }

    /// Whether processes may be forked that inherit the program's imports; a fork server of some versions imports them as well.
    #[must_use]
    pub fn may_inherit(&self) -> bool {
        let forks = |start| match start {
            StartMethod::Fork | StartMethod::Forkserver => true,
            StartMethod::Spawn => false,
        };
        let copies = self.lifecycle().is_some_and(|life| life.preload);
        copies || self.every_pool().filter_map(Pool::start).any(forks)
    }

    /// A server by the words of its own command line.
    #[must_use]
    pub fn served(server: Server) -> Self {
        Self::Server {
            server,
            runs: Box::new(server.strategy()),
        }
    }

    /// The server that this strategy names; `None` where it names none.
    #[must_use]
    pub fn server(&self) -> Option<Server> {
        match self {
            Self::Server { server, .. } => Some(*server),
            Self::Nodes { each, .. } => each.server(),
            Self::Sequential
            | Self::Threads(_)
            | Self::Processes { .. }
            | Self::Interpreters(_)
            | Self::Asyncio { .. }
            | Self::Prefork { .. } => None,
        }
    }

    /// What the strategy's own pool of processes does beyond starting its workers; nothing where it has none.
    #[must_use]
    pub fn pool_life(&self) -> PoolLife {
        match self {
            Self::Processes { life, .. } => life.clone(),
            Self::Prefork { each: inner, .. }
            | Self::Nodes { each: inner, .. }
            | Self::Server { runs: inner, .. } => inner.pool_life(),
            Self::Sequential | Self::Threads(_) | Self::Interpreters(_) | Self::Asyncio { .. } => {
                PoolLife::default()
            }
        }
    }

    /// How the processes of a prefork server begin and end; `None` where the program itself executes the tasks.
    #[must_use]
    pub fn lifecycle(&self) -> Option<Lifecycle> {
        match self {
            Self::Prefork { life, .. } => Some(*life),
            Self::Server { runs: inner, .. } | Self::Nodes { each: inner, .. } => inner.lifecycle(),
            Self::Sequential
            | Self::Threads(_)
            | Self::Processes { .. }
            | Self::Interpreters(_)
            | Self::Asyncio { .. } => None,
        }
    }

    /// The pools beside [`Execution::pool`] to which steps of a task are offloaded by name; those of each process of a prefork server.
    #[must_use]
    pub fn pools(&self) -> &[NamedPool] {
        match self {
            Self::Asyncio { pools, .. } => pools,
            Self::Prefork { each: inner, .. }
            | Self::Nodes { each: inner, .. }
            | Self::Server { runs: inner, .. } => inner.pools(),
            Self::Sequential
            | Self::Threads(_)
            | Self::Processes { .. }
            | Self::Interpreters(_) => &[],
        }
    }

    /// Where an asyncio program executes what would hold up its loop; `None` for any other strategy, those that run such a program among them.
    pub(crate) fn offload(&self) -> Option<Offload> {
        match self {
            Self::Asyncio { offload, .. } => Some(*offload),
            Self::Sequential
            | Self::Threads(_)
            | Self::Processes { .. }
            | Self::Interpreters(_)
            | Self::Prefork { .. }
            | Self::Nodes { .. }
            | Self::Server { .. } => None,
        }
    }

    /// [`Execution::pool`], then the pools that have names.
    pub fn every_pool(&self) -> impl Iterator<Item = Pool> + '_ {
        let named = self.pools().iter().map(|p| p.workers.into());
        std::iter::once(self.execution().pool).chain(named)
    }

    /// The strategy that each process executes: this strategy itself, or the one inside a prefork server.
    #[must_use]
    pub fn each(&self) -> &Self {
        match self {
            Self::Prefork { each: inner, .. }
            | Self::Nodes { each: inner, .. }
            | Self::Server { runs: inner, .. } => inner.each(),
            Self::Sequential
            | Self::Threads(_)
            | Self::Processes { .. }
            | Self::Interpreters(_)
            | Self::Asyncio { .. } => self,
        }
    }

    /// The machines, and what each of them executes, where there are several.
    fn on_machines(&self) -> Option<(&Nodes, &Self)> {
        match self {
            Self::Nodes { nodes, each } => Some((nodes, each)),
            Self::Sequential
            | Self::Threads(_)
            | Self::Processes { .. }
            | Self::Interpreters(_)
            | Self::Asyncio { .. }
            | Self::Prefork { .. }
            | Self::Server { .. } => None,
        }
    }

    /// The machines that execute the tasks, and what stands before them; `None`: the scenario's machine does, and nothing stands before it.
    #[must_use]
    pub fn nodes(&self) -> Option<&Nodes> {
        self.on_machines().map(|(nodes, _)| nodes)
    }

    /// The strategy that each machine executes: this strategy itself where there is one.
    #[must_use]
    pub fn on_each(&self) -> &Self {
        self.on_machines().map_or(self, |(_, each)| each)
    }

    /// Most machines that there are at a time under these faults.
    #[must_use]
    pub fn machines(&self, faults: &[Fault]) -> u32 {
        self.nodes().map_or(1, |nodes| nodes.most(faults))
    }

    /// The machine that executes the tasks, or each of them, made from the scenario's.
    #[must_use]
    pub fn machine<'m>(&self, machine: &'m MachineSpec) -> Cow<'m, MachineSpec> {
        (self.nodes()).map_or(Cow::Borrowed(machine), |nodes| nodes.each(machine))
    }

    /// Whether tasks are executed one after another in one process; this is the baseline of comparisons.
    #[must_use]
    pub fn is_sequential(&self) -> bool {
        let Execution {
            copies,
            event_loop,
            limit: _,
            pool,
        } = self.execution();
        copies.is_none() && !event_loop && pool == Pool::Nobody && self.nodes().is_none()
    }
}

impl StartMethod {
    /// The default on Linux of Python 3.`minor`: a fork server since 3.14, a fork before.
    #[must_use]
    pub const fn of_version(minor: u32) -> Self {
        if minor >= 14 {
            Self::Forkserver
        } else {
            Self::Fork
        }
    }

    /// Its name, as `multiprocessing.get_context` takes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Spawn => "spawn",
            Self::Forkserver => "forkserver",
        }
    }
}

fn colon(workers: Workers) -> String {
    match workers {
        Workers::Auto => String::new(),
        Workers::Exactly(n) => format!(":{n}"),
        Workers::PerTask => ":per-task".into(),
    }
}

/// The short form of a pool that an event loop offloads to; `None` if there is none.
fn offload_label(offload: Offload) -> Option<String> {
    match offload {
        Offload::None => None,
        Offload::Threads(w) => Some(format!("threads{}", colon(w))),
        Offload::Interpreters(w) => Some(format!("interpreters{}", colon(w))),
        Offload::Processes(w, start) => Some(format!("processes{}:{}", colon(w), start.name())),
    }
}

/// The text that stands for a strategy everywhere: its short form, as `--strategy` takes it
/// ([`parse_strategy`](crate::syntax::parse_strategy) reads it back).
pub fn strategy_label(strategy: &Strategy) -> String {
    match strategy {
        Strategy::Sequential => "sequential".into(),
        Strategy::Threads(w) => format!("threads{}", colon(*w)),
        Strategy::Processes {
            workers,
            start,
            api,
            life,
        } => {
            let (name, chunksize) = match api {
                ProcessApi::Executor { chunksize } => ("processes", chunksize),
                ProcessApi::Pool { chunksize } => ("pool", chunksize),
            };
            let chunks = chunksize.map_or(String::new(), |n| format!(":{n}"));
            let (workers, start) = (colon(*workers), start.name());
            format!("{name}{workers}:{start}{chunks}{}", life.label())
        }
        Strategy::Interpreters(w) => format!("interpreters{}", colon(*w)),
        Strategy::Asyncio {
            limit,
            offload,
            pools,
        } => {
            let mut label = format!(
                "asyncio{}",
                limit.map_or(String::new(), |n| format!(":{n}"))
            );
            if let Some(workers) = offload_label(*offload) {
                label = format!("{label}+{workers}");
            }
            for NamedPool { name, workers } in pools {
                let workers = offload_label(*workers);
                label = format!("{label}+{name}={}", workers.as_deref().unwrap_or("none"));
            }
            label
        }
        Strategy::Server { server, runs: _ } => server.label(),
        Strategy::Nodes { nodes, each } => {
            let (label, each) = (nodes.label(), strategy_label(each));
            format!("nodes:{}{label}({each})", nodes.count)
        }
        Strategy::Prefork {
            processes,
            each,
            life,
        } => {
            let (life, each) = (life.label(), strategy_label(each));
            format!("prefork:{processes}{life}({each})")
        }
    }
}
