//! How worker processes begin and when they end: those of pools, and those of a prefork server.

use super::units::format_duration;
use super::{Pool, ProcessApi, StartMethod, Strategy};
use crate::engine::Nanos;

/// How long a worker that ends waits for what it has, unless something else is said: `graceful_timeout` of gunicorn.
pub const GRACEFUL_TIMEOUT: Nanos = Nanos::from_secs(30);

/// How the workers of a prefork server begin, and when they end.
///
/// A worker that has taken in its last request accepts no more, finishes what it has, and exits; its server then starts another in its
/// place, in the same way (`max_requests` of gunicorn and uvicorn, `--max-requests` of hypercorn).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// How workers are started: [`StartMethod::Fork`] (gunicorn) or [`StartMethod::Spawn`] (uvicorn, hypercorn).
    pub start: StartMethod,
    /// Whether the server imports the application before it forks (`preload_app` of gunicorn), so that workers inherit it. Otherwise each
    /// worker imports it by itself.
    pub preload: bool,
    /// Whether the server calls `gc.freeze()` before it forks, so that no collection of a worker looks at what it inherited.
    pub freeze: bool,
    /// Requests after which a worker is replaced, at least 1; `None`: never.
    pub max_requests: Option<u32>,
    /// Each worker takes in up to so many requests more, drawn once when it begins: `randint(0, jitter)` of gunicorn's
    /// `max_requests_jitter`.
    pub jitter: u32,
    /// Connections that wait for a worker, beside one more, in the queue of the socket that all workers share (`listen(2)`): at most
    /// [`SOMAXCONN`](super::SOMAXCONN) of them; `None`: any number.
    pub backlog: Option<u32>,
    /// Time, above zero, after which a worker that has not shown itself alive is killed and replaced (`timeout` of gunicorn); `None`: never.
    /// A worker that handles one request at a time shows itself between requests, others do so from their loop, whatever their
    /// requests do.
    pub timeout: Option<Nanos>,
    /// How long a worker with threads that takes in no more goes on showing itself alive for what it has (`graceful_timeout` of
    /// gunicorn); `None`: [`GRACEFUL_TIMEOUT`].
    pub graceful_timeout: Option<Nanos>,
}

impl Default for Lifecycle {
    /// Forked after the imports, and never replaced.
    fn default() -> Self {
        Self {
            start: StartMethod::Fork,
            preload: true,
            freeze: false,
            max_requests: None,
            jitter: 0,
            backlog: None,
            timeout: None,
            graceful_timeout: None,
        }
    }
}

impl Lifecycle {
    /// The life of workers that are started in this way, and never replaced: what is forked inherits the imports.
    #[must_use]
    pub fn started(start: StartMethod) -> Self {
        Self {
            start,
            preload: start == StartMethod::Fork,
            ..Self::default()
        }
    }

    /// Why these parameters do not go together; `None` if they do.
    #[must_use]
    pub fn contradiction(self) -> Option<&'static str> {
        match self.start {
            StartMethod::Forkserver => {
                return Some("no server starts its workers by a fork server; write Fork or Spawn");
            }
            StartMethod::Spawn if self.preload => {
                return Some("a spawned worker inherits nothing: `preload` needs `start: Fork`");
            }
            StartMethod::Fork | StartMethod::Spawn => {}
        }
        if self.freeze && !self.preload {
            return Some(
                "`freeze` spares what workers inherit, and without `preload` they inherit nothing",
            );
        }
        if self.jitter > 0 && self.max_requests.is_none() {
            return Some("`jitter` is added to `max_requests`, which is missing");
        }
        if self.graceful_timeout.is_some() && self.timeout.is_none() {
            return Some(
                "`graceful_timeout` puts off when a worker is killed, and without `timeout` none is",
            );
        }
        None
    }

    /// Why these parameters do not go with workers that execute this; `None` if they do.
    #[must_use]
    pub fn contradiction_with(self, each: &Strategy) -> Option<&'static str> {
        let forks = each.every_pool().any(|pool| match pool {
            Pool::Processes { .. } => true,
            Pool::Nobody | Pool::ThreadEach | Pool::Threads(_) | Pool::Interpreters(_) => false,
        });
        (forks && self.timeout.is_some()).then_some(
            "a worker that is killed leaves the processes of its pool behind, for which there is no model: `timeout` needs workers \
             without processes of their own",
        )
    }

    /// What the short form of a prefork server says of it, each word after a colon; empty for [`Self::default`].
    pub(crate) fn label(self) -> String {
        let mut label = String::new();
        match self.start {
            StartMethod::Fork if !self.preload => label.push_str(":no-preload"),
            StartMethod::Fork => {}
            StartMethod::Spawn => label.push_str(":spawn"),
            StartMethod::Forkserver => label.push_str(":forkserver"),
        }
        if self.freeze {
            label.push_str(":freeze");
        }
        if let Some(n) = self.max_requests {
            label = format!("{label}:max-requests={n}");
        }
        if self.jitter > 0 {
            label = format!("{label}:jitter={}", self.jitter);
        }
        label + &watch_label(self.backlog, self.timeout, self.graceful_timeout)
    }
}

/// What short forms say of a listen queue and of time-outs, each after a colon; empty for what is not given.
pub(super) fn watch_label(
    backlog: Option<u32>,
    timeout: Option<Nanos>,
    graceful_timeout: Option<Nanos>,
) -> String {
    let mut label = String::new();
    if let Some(n) = backlog {
        label = format!(":backlog={n}");
    }
    for (name, time) in [("timeout", timeout), ("graceful-timeout", graceful_timeout)] {
        if let Some(time) = time {
            label = format!("{label}:{name}={}", format_duration(time));
        }
    }
    label
}

/// What a pool of processes does beyond starting its workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolLife {
    /// Calls after which a worker is replaced by a new one, at least 1; `None`: never. With `multiprocessing.Pool` each chunk is a call
    /// (`max_tasks_per_child` of `ProcessPoolExecutor`, `maxtasksperchild` of `Pool`).
    pub max_tasks_per_child: Option<u32>,
    /// Modules that the fork server imports, from which its children inherit (`multiprocessing.set_forkserver_preload`): with any, the
    /// program's own imports are made once, in the server. Empty: what the server does by itself.
    pub preload: Vec<String>,
}

impl PoolLife {
    /// Why these parameters do not go together with this way of starting workers, and this library; `None` if they do.
    #[must_use]
    pub fn contradiction(&self, start: StartMethod, api: ProcessApi) -> Option<&'static str> {
        if self.max_tasks_per_child.is_some()
            && start == StartMethod::Fork
            && matches!(api, ProcessApi::Executor { .. })
        {
            return Some(
                "ProcessPoolExecutor refuses `max_tasks_per_child` with `fork`; start workers by Spawn or Forkserver, or use \
                 `api: Pool()`, whose `maxtasksperchild` goes with any",
            );
        }
        if !self.preload.is_empty() && start != StartMethod::Forkserver {
            return Some("`preload` is for the fork server: it needs `start: Forkserver`");
        }
        None
    }

    /// What the short form of a pool says of it, each word after a colon; empty for [`Self::default`].
    pub(crate) fn label(&self) -> String {
        let mut label = String::new();
        if let Some(n) = self.max_tasks_per_child {
            label = format!(":max-tasks={n}");
        }
        if !self.preload.is_empty() {
            label = format!("{label}:preload={}", self.preload.join("/"));
        }
        label
    }
}

/// Whether this may be the name of a module: identifiers, with points between them.
pub(crate) fn is_module(name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let identifier =
        |part: &str| part.chars().all(word) && part.starts_with(|c: char| !c.is_numeric());
    !name.is_empty() && name.split('.').all(identifier)
}
