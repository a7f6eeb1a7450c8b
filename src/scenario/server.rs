//! Servers as people start them: `uvicorn`, `gunicorn`, `hypercorn` and workers of `celery`, each by the words of its own command line and
//! with its own defaults, which were read in its sources at the versions that [`Server::version`] names.

use super::lifecycle::watch_label;
use super::{Lifecycle, Offload, PoolLife, ProcessApi, StartMethod, Strategy, Workers};
use crate::engine::Nanos;

/// Threads of `AnyIO`'s limiter, which runs `def` endpoints of Starlette and `FastAPI` (`anyio/_backends/_asyncio.py`,
/// `current_default_thread_limiter`).
pub const THREAD_LIMITER: u32 = 40;

/// Most connections that Linux lets wait for a listening socket, whatever `listen` is told (`net.core.somaxconn` since 5.4).
pub const SOMAXCONN: u32 = 4096;

/// Connections that a worker of gunicorn's class `gthread` has at once, of those that wait for its threads as well: then it accepts no more
/// (`worker_connections`).
pub const WORKER_CONNECTIONS: u32 = 1000;

/// A server, and what its command line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Which server.
    pub kind: ServerKind,
    /// Number of worker processes, at least 1; of celery `--concurrency`.
    pub workers: u32,
    /// Whether the application is loaded before workers are forked (`--preload`; gunicorn only).
    pub preload: bool,
    /// Requests (of celery: tasks of a child) after which a worker is replaced, at least 1; `None`: never.
    pub max_requests: Option<u32>,
    /// Each worker takes in up to so many requests more; 0 of celery, which has no such option.
    pub jitter: u32,
    /// Whether clients keep their connections and delay acknowledgements, so that answers come late ([`Server::held_back`]).
    pub keep_alive: bool,
    /// Connections that wait for a worker, beside one more (`--backlog`; not of celery, which has a broker); `None`: the server's default.
    pub backlog: Option<u32>,
    /// Time after which a silent worker is killed (`--timeout`; gunicorn only), zero for never; `None`: the server's default.
    pub timeout: Option<Nanos>,
    /// How long a worker of gunicorn that takes in no more shows itself alive for what it has (`--graceful-timeout`); `None`: the default.
    pub graceful_timeout: Option<Nanos>,
}

/// Which server it is, and its class of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKind {
    /// uvicorn; whether its endpoints are `def`, which the limiter's threads execute, rather than `async def`.
    Uvicorn(Endpoints),
    /// gunicorn.
    Gunicorn(WorkerClass),
    /// hypercorn, with its asyncio workers.
    Hypercorn(Endpoints),
    /// A worker of celery.
    Celery(CeleryPool),
}

/// How the endpoints of an ASGI application are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoints {
    /// `async def`: on the event loop.
    Async,
    /// `def`: Starlette and `FastAPI` call them in a thread of `AnyIO`'s limiter.
    Def,
}

/// Class of workers of gunicorn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerClass {
    /// `sync`: one request at a time.
    Sync,
    /// `gthread`: so many threads, at least 1, behind a thread that accepts.
    Gthread(u32),
    /// `uvicorn_worker.UvicornWorker`: an event loop.
    Uvicorn(Endpoints),
}

/// Pool of a worker of celery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CeleryPool {
    /// `prefork`: children that the worker forks after it has loaded the application.
    Prefork,
    /// `threads`: a `ThreadPoolExecutor`.
    Threads,
}

/// How workers of a server learn of a connection at the listening socket that they share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accepting {
    /// Those that wait take turns: the one that has waited longest is woken alone, as in a blocking `accept`.
    #[default]
    InTurn,
    /// All that wait are woken, and the first to call `accept` has it; the others find nothing, and have used some CPU time
    /// (`select` and `epoll` without `EPOLLEXCLUSIVE`, which Python's selectors do not use). The kernel wakes the one first that has
    /// registered last: with `epoll` always the last worker, with `select` the last to become idle.
    Herd(Waiting),
}

/// By what call workers wait for connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// `select`, which registers anew with each call.
    Select,
    /// `epoll`, which registers once.
    Epoll,
}

/// By what kind of worker a request is handled: which parameter of an interpreter's profile says what its own handling costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestHandling {
    /// A process of uvicorn, with its access log, which is on by default.
    Uvicorn,
    /// gunicorn's class `uvicorn_worker.UvicornWorker`, without an access log: gunicorn's own is off.
    UvicornWorker,
    /// hypercorn's asyncio worker.
    Hypercorn,
    /// gunicorn's class `sync`.
    GunicornSync,
    /// gunicorn's class `gthread`.
    GunicornGthread,
}

impl RequestHandling {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Uvicorn,
        Self::UvicornWorker,
        Self::Hypercorn,
        Self::GunicornSync,
        Self::GunicornGthread,
    ];
}

impl Server {
    /// A server with the defaults of its own command line, and so many workers.
    #[must_use]
    pub fn new(kind: ServerKind, workers: u32) -> Self {
        Self {
            kind,
            workers,
            preload: false,
            max_requests: None,
            jitter: 0,
            keep_alive: false,
            backlog: None,
            timeout: None,
            graceful_timeout: None,
        }
    }

    /// Name and version of the server whose sources were read.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self.kind {
            ServerKind::Uvicorn(_) => "uvicorn 0.54.0",
            ServerKind::Gunicorn(_) => "gunicorn 27.0.1",
            ServerKind::Hypercorn(_) => "hypercorn 0.18.0",
            ServerKind::Celery(_) => "celery 5.7.0",
        }
    }

    /// Why these parameters do not go together; `None` if they do.
    #[must_use]
    pub fn contradiction(self) -> Option<&'static str> {
        let gunicorn = match self.kind {
            ServerKind::Gunicorn(_) => true,
            ServerKind::Uvicorn(_) | ServerKind::Hypercorn(_) | ServerKind::Celery(_) => false,
        };
        let celery = matches!(self.kind, ServerKind::Celery(_));
        if self.kind_is_alone() && self.max_requests.is_some() {
            return Some("uvicorn with one worker has no supervisor that would replace it");
        }
        if self.keep_alive && !matches!(self.kind, ServerKind::Uvicorn(_)) {
            return Some(
                "connections that are kept alive change nothing here: only workers of uvicorn answer late on them",
            );
        }
        if self.preload && !gunicorn {
            return Some(
                "only gunicorn loads an application before it starts workers (`--preload`)",
            );
        }
        if self.jitter > 0 && celery {
            return Some("celery has no jitter: its children end after `--max-tasks-per-child`");
        }
        if self.max_requests.is_some() && self.kind == ServerKind::Celery(CeleryPool::Threads) {
            return Some("celery replaces children of its pool `prefork` only");
        }
        if self.jitter > 0 && self.max_requests.is_none() {
            return Some("`jitter` is added to `max_requests`, which is missing");
        }
        if self.backlog.is_some() && celery {
            return Some("celery has no listen queue: its tasks wait at a broker");
        }
        if (self.timeout.is_some() || self.graceful_timeout.is_some()) && !gunicorn {
            return Some("only gunicorn kills workers that are silent (`--timeout`)");
        }
        let whole = |time: Option<Nanos>| time.is_none_or(|t| t.0 % 1_000_000_000 == 0);
        if !whole(self.timeout) {
            return Some(
                "gunicorn takes whole seconds for `--timeout`: write 1s, 2s or more, or 0s, with which no worker is killed",
            );
        }
        if !whole(self.graceful_timeout) {
            return Some(
                "gunicorn takes whole seconds for `--graceful-timeout`: write 0s, 1s, 2s or more",
            );
        }
        if self.graceful_timeout.is_some() && self.kills_after().is_none() {
            return Some(
                "`graceful_timeout` puts off when a worker is killed, and with a `timeout` of 0 none is",
            );
        }
        None
    }

    /// Connections that wait for a worker, beside one more: what is given, or the server's default. `None` of celery, which has a broker.
    ///
    /// All workers share one socket, and with it one queue: gunicorn's arbiter has it listen before it forks (`sock.py`), those of uvicorn
    /// and hypercorn bind it and pass it to spawned workers, each of which calls `listen` on the same socket again (`asyncio`'s
    /// `create_server(sock=..)`).
    #[must_use]
    pub fn queues(self) -> Option<u32> {
        match self.kind {
            ServerKind::Uvicorn(_) | ServerKind::Gunicorn(_) => Some(self.backlog.unwrap_or(2048)),
            ServerKind::Hypercorn(_) => Some(self.backlog.unwrap_or(100)),
            ServerKind::Celery(_) => None,
        }
    }

    /// Time after which a silent worker is killed; `None`: none is. uvicorn's own supervisor asks a thread of the worker, which answers
    /// whatever the loop does; hypercorn's and celery's ask nobody.
    #[must_use]
    pub fn kills_after(self) -> Option<Nanos> {
        match self.kind {
            ServerKind::Gunicorn(_) => {
                let after = self.timeout.unwrap_or(Nanos::from_secs(30));
                (after > Nanos::ZERO).then_some(after)
            }
            ServerKind::Uvicorn(_) | ServerKind::Hypercorn(_) | ServerKind::Celery(_) => None,
        }
    }

    /// Connections that a worker has at once before it accepts no more; `None`: any number.
    #[must_use]
    pub fn connections(self) -> Option<u32> {
        match self.kind {
            ServerKind::Gunicorn(WorkerClass::Gthread(_)) => Some(WORKER_CONNECTIONS),
            ServerKind::Gunicorn(WorkerClass::Sync | WorkerClass::Uvicorn(_))
            | ServerKind::Uvicorn(_)
            | ServerKind::Hypercorn(_)
            | ServerKind::Celery(_) => None,
        }
    }

    /// Whether the event loop of each of its workers wakes ten times a second (`main_loop` of `uvicorn/server.py`,
    /// `check_multiprocess_shutdown_event` of `hypercorn/utils.py`).
    pub(crate) fn ticks(self) -> bool {
        match self.kind {
            ServerKind::Uvicorn(_)
            | ServerKind::Hypercorn(_)
            | ServerKind::Gunicorn(WorkerClass::Uvicorn(_)) => true,
            ServerKind::Gunicorn(WorkerClass::Sync | WorkerClass::Gthread(_))
            | ServerKind::Celery(_) => false,
        }
    }

    /// How often its supervisor looks whether the workers live; `None`: it is told of their ends at once. uvicorn's waits half a second between two rounds
    /// (`supervisors/multiprocess.py: run`), gunicorn's arbiter waits for SIGCHLD, hypercorn's and celery's for the ends of processes themselves.
    pub(crate) fn looks(self) -> Option<Nanos> {
        match self.kind {
            ServerKind::Uvicorn(_) => Some(Nanos::from_millis(500)),
            ServerKind::Gunicorn(_) | ServerKind::Hypercorn(_) | ServerKind::Celery(_) => None,
        }
    }

    /// Whether all of it ends when a worker fails: hypercorn sets the event at which all workers shut down, terminates them and ends
    /// (`run.py: run`, where `_join_exited` is not 0; with 0.18.0 it was gone 30 ms after the SIGKILL).
    pub(crate) fn falls(self) -> bool {
        match self.kind {
            ServerKind::Hypercorn(_) => true,
            ServerKind::Uvicorn(_) | ServerKind::Gunicorn(_) | ServerKind::Celery(_) => false,
        }
    }

    /// Whether its tasks are messages of a broker (`celery/worker/consumer`).
    pub(crate) fn reads_messages(self) -> bool {
        match self.kind {
            ServerKind::Celery(_) => true,
            ServerKind::Uvicorn(_) | ServerKind::Gunicorn(_) | ServerKind::Hypercorn(_) => false,
        }
    }

    /// How the server executes tasks, in terms of the other strategies.
    pub(crate) fn strategy(self) -> Strategy {
        match self.kind {
            // A single worker is the process itself: `uvicorn.run` without a supervisor, which replaces nothing.
            ServerKind::Uvicorn(endpoints) if self.kind_is_alone() => endpoints.strategy(),
            ServerKind::Uvicorn(endpoints) | ServerKind::Hypercorn(endpoints) => {
                self.prefork(StartMethod::Spawn, endpoints.strategy())
            }
            ServerKind::Gunicorn(class) => self.prefork(StartMethod::Fork, class.strategy()),
            ServerKind::Celery(CeleryPool::Threads) => {
                Strategy::Threads(Workers::Exactly(self.workers))
            }
            // billiard's pool hands each message to an idle child (`-O fair`), one at a time.
            ServerKind::Celery(CeleryPool::Prefork) => Strategy::Processes {
                workers: Workers::Exactly(self.workers),
                start: StartMethod::Fork,
                api: ProcessApi::Pool { chunksize: Some(1) },
                life: PoolLife {
                    max_tasks_per_child: self.max_requests,
                    preload: Vec::new(),
                },
            },
        }
    }

    /// Whether its single worker is the process that was started, without a supervisor.
    fn kind_is_alone(self) -> bool {
        matches!(self.kind, ServerKind::Uvicorn(_)) && self.workers == 1
    }

    fn prefork(self, start: StartMethod, each: Strategy) -> Strategy {
        Strategy::Prefork {
            processes: self.workers,
            each: Box::new(each),
            life: Lifecycle {
                start,
                preload: self.preload,
                freeze: false,
                max_requests: self.max_requests,
                jitter: self.jitter,
                backlog: self.queues(),
                timeout: self.kills_after(),
                graceful_timeout: self.graceful_timeout,
            },
        }
    }

    /// Whether its endpoints are plain functions (`def`), each of which is one call of a thread of the limiter: what it waits for holds the
    /// thread.
    pub(crate) fn calls_endpoints(self) -> bool {
        match self.kind {
            ServerKind::Uvicorn(endpoints)
            | ServerKind::Hypercorn(endpoints)
            | ServerKind::Gunicorn(WorkerClass::Uvicorn(endpoints)) => endpoints == Endpoints::Def,
            ServerKind::Gunicorn(WorkerClass::Sync | WorkerClass::Gthread(_))
            | ServerKind::Celery(_) => false,
        }
    }

    /// How its workers learn of connections.
    pub(crate) fn accepting(self) -> Accepting {
        match self.kind {
            ServerKind::Gunicorn(WorkerClass::Sync) => Accepting::Herd(Waiting::Select),
            ServerKind::Uvicorn(_)
            | ServerKind::Hypercorn(_)
            | ServerKind::Gunicorn(WorkerClass::Gthread(_) | WorkerClass::Uvicorn(_)) => {
                Accepting::Herd(Waiting::Epoll)
            }
            // No socket: a broker's messages.
            ServerKind::Celery(_) => Accepting::InTurn,
        }
    }

    /// What handles a request beside the application; `None` of celery, whose tasks are not requests.
    #[must_use]
    pub fn request(self) -> Option<RequestHandling> {
        match self.kind {
            ServerKind::Uvicorn(_) => Some(RequestHandling::Uvicorn),
            ServerKind::Gunicorn(WorkerClass::Uvicorn(_)) => Some(RequestHandling::UvicornWorker),
            ServerKind::Hypercorn(_) => Some(RequestHandling::Hypercorn),
            ServerKind::Gunicorn(WorkerClass::Sync) => Some(RequestHandling::GunicornSync),
            ServerKind::Gunicorn(WorkerClass::Gthread(_)) => Some(RequestHandling::GunicornGthread),
            ServerKind::Celery(_) => None,
        }
    }

    /// How much later than it is written the end of an answer leaves for the client, on a connection that is kept alive.
    ///
    /// asyncio sets `TCP_NODELAY` only for sockets whose protocol number is `IPPROTO_TCP` (`base_events._set_nodelay`). The socket that
    /// uvicorn binds for several workers has number 0, and so has every connection accepted from it. Its answers are written in two pieces,
    /// head and body: Nagle's algorithm holds the second until the first is acknowledged, and a client that has nothing to send
    /// acknowledges after 40 ms (`TCP_DELACK_MIN` of Linux), unless the connection is fresh (its first segments are acknowledged at once)
    /// or sets `TCP_QUICKACK`. Measured: 59 of 60 answers on one connection, 0 of 60 on a connection each, 0 with a single worker, 0 with
    /// gunicorn and hypercorn, which set `TCP_NODELAY` on the listening socket.
    #[must_use]
    pub fn held_back(self) -> Nanos {
        if self.keep_alive && !self.kind_is_alone() {
            Nanos::from_millis(40)
        } else {
            Nanos::ZERO
        }
    }

    /// The short form, which is read back as the same server.
    pub(crate) fn label(self) -> String {
        let n = self.workers;
        let mut label = match self.kind {
            ServerKind::Uvicorn(e) => format!("uvicorn:{n}{}", e.label()),
            ServerKind::Hypercorn(e) => format!("hypercorn:{n}{}", e.label()),
            ServerKind::Gunicorn(WorkerClass::Sync) => format!("gunicorn:{n}:sync"),
            ServerKind::Gunicorn(WorkerClass::Gthread(t)) => format!("gunicorn:{n}:gthread:{t}"),
            ServerKind::Gunicorn(WorkerClass::Uvicorn(e)) => {
                format!("gunicorn:{n}:uvicorn{}", e.label())
            }
            ServerKind::Celery(CeleryPool::Prefork) => format!("celery:{n}:prefork"),
            ServerKind::Celery(CeleryPool::Threads) => format!("celery:{n}:threads"),
        };
        if self.preload {
            label.push_str(":preload");
        }
        if self.keep_alive {
            label.push_str(":keep-alive");
        }
        if let Some(n) = self.max_requests {
            let word = match self.kind {
                ServerKind::Celery(_) => "max-tasks",
                ServerKind::Uvicorn(_) | ServerKind::Gunicorn(_) | ServerKind::Hypercorn(_) => {
                    "max-requests"
                }
            };
            label = format!("{label}:{word}={n}");
        }
        if self.jitter > 0 {
            label = format!("{label}:jitter={}", self.jitter);
        }
        label + &watch_label(self.backlog, self.timeout, self.graceful_timeout)
    }

    /// The command line that starts it, with `app:app` for the application.
    #[must_use]
    pub fn command_line(self) -> String {
        self.words("app").join(" ")
    }

    /// The words of the command line that starts it; `module` is the one whose `app` is the application.
    #[must_use]
    pub(crate) fn words(self, module: &str) -> Vec<String> {
        let n = self.workers;
        let words = match self.kind {
            ServerKind::Uvicorn(_) => format!("uvicorn --workers {n}"),
            ServerKind::Hypercorn(_) => format!("hypercorn --workers {n}"),
            ServerKind::Gunicorn(WorkerClass::Sync) => format!("gunicorn -w {n}"),
            ServerKind::Gunicorn(WorkerClass::Gthread(t)) => {
                format!("gunicorn -w {n} -k gthread --threads {t}")
            }
            ServerKind::Gunicorn(WorkerClass::Uvicorn(_)) => {
                format!("gunicorn -w {n} -k uvicorn_worker.UvicornWorker")
            }
            ServerKind::Celery(pool) => {
                let pool = match pool {
                    CeleryPool::Prefork => "prefork",
                    CeleryPool::Threads => "threads",
                };
                format!("celery -A {module} worker --pool {pool} --concurrency {n}")
            }
        };
        let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let (requests, jitter) = match self.kind {
            ServerKind::Uvicorn(_) => ("--limit-max-requests", "--limit-max-requests-jitter"),
            ServerKind::Gunicorn(_) | ServerKind::Hypercorn(_) => {
                ("--max-requests", "--max-requests-jitter")
            }
            ServerKind::Celery(_) => ("--max-tasks-per-child", ""),
        };
        if self.preload {
            words.push("--preload".into());
        }
        if let Some(n) = self.max_requests {
            words.extend([requests.to_owned(), n.to_string()]);
        }
        if self.jitter > 0 {
            words.extend([jitter.to_owned(), self.jitter.to_string()]);
        }
        if let Some(n) = self.backlog {
            words.extend(["--backlog".to_owned(), n.to_string()]);
        }
        for (option, time) in [
            ("--timeout", self.timeout),
            ("--graceful-timeout", self.graceful_timeout),
        ] {
            if let Some(time) = time {
                // Others are refused (`contradiction`).
                let seconds = time.0 / 1_000_000_000;
                words.extend([option.to_owned(), seconds.to_string()]);
            }
        }
        match self.kind {
            ServerKind::Celery(_) => {}
            ServerKind::Uvicorn(_) | ServerKind::Gunicorn(_) | ServerKind::Hypercorn(_) => {
                words.push(format!("{module}:app"));
            }
        }
        words
    }

    /// The words that have it listen at this port of 127.0.0.1; none of celery, which listens nowhere.
    #[must_use]
    pub(crate) fn listening(self, port: u16) -> Vec<String> {
        match self.kind {
            ServerKind::Uvicorn(_) => ["--host", "127.0.0.1", "--port", &port.to_string()]
                .map(str::to_owned)
                .to_vec(),
            ServerKind::Gunicorn(_) | ServerKind::Hypercorn(_) => {
                vec!["--bind".into(), format!("127.0.0.1:{port}")]
            }
            ServerKind::Celery(_) => Vec::new(),
        }
    }

    /// The same server for clients that make a connection for each request.
    #[must_use]
    pub(crate) fn with_new_connections(self) -> Self {
        Self {
            keep_alive: false,
            ..self
        }
    }
}

impl Endpoints {
    fn strategy(self) -> Strategy {
        Strategy::Asyncio {
            limit: None,
            offload: match self {
                Self::Async => Offload::None,
                Self::Def => Offload::Threads(Workers::Exactly(THREAD_LIMITER)),
            },
            pools: Vec::new(),
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Async => "",
            Self::Def => ":def",
        }
    }
}

impl WorkerClass {
    fn strategy(self) -> Strategy {
        match self {
            Self::Sync => Strategy::Sequential,
            Self::Gthread(threads) => Strategy::Threads(Workers::Exactly(threads)),
            Self::Uvicorn(endpoints) => endpoints.strategy(),
        }
    }
}
