//! What a server's own modules take of memory, measured by a program in the environment of the servers.

use serde::Deserialize;
use serde_json::json;

use super::super::program::STANDARD;
use super::super::run::{ProgramDir, RunError};
use super::{ServerHome, said};
use crate::scenario::{RequestHandling, Server, StartMethod, Strategy};

const MODULES: &str = include_str!("../template/modules.py");

/// What the processes of a server have in memory beyond what programs have, in bytes, and how long they take to import it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct ModuleSizes {
    /// Of the process that was started: less than nothing where it has less than a program has.
    pub main: f64,
    /// Of each worker: spawned, what it has beyond a program; forked, all that it does not share, without the application's own.
    pub worker: f64,
    /// CPU time that a worker takes to import them, in seconds: what its master has not imported before the fork, or what a spawned one imports beyond what a
    /// program does.
    pub boot: f64,
}

/// How a server's workers come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The process that was started is the only worker.
    Alone,
    /// They are forked.
    Fork,
    /// They are spawned.
    Spawn,
}

impl Start {
    pub(super) fn of(server: Server) -> Self {
        match Strategy::served(server).lifecycle().map(|life| life.start) {
            None => Self::Alone,
            Some(StartMethod::Fork) => Self::Fork,
            Some(StartMethod::Spawn | StartMethod::Forkserver) => Self::Spawn,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::Fork => "fork",
            Self::Spawn => "spawn",
        }
    }
}

/// Modules of the process that is started, and those that workers import besides, beside the application's: as the servers import them at the
/// versions that were read ([`Server::version`]).
fn modules(handling: RequestHandling) -> (Vec<&'static str>, Vec<&'static str>) {
    let uvicorn = || {
        vec![
            "uvicorn.protocols.http.auto",
            "uvicorn.protocols.websockets.auto",
            "uvicorn.lifespan.on",
            "uvicorn.loops.auto",
        ]
    };
    match handling {
        RequestHandling::Uvicorn => (vec!["uvicorn.main", "uvicorn.supervisors"], uvicorn()),
        RequestHandling::UvicornWorker => {
            (vec!["gunicorn.app.wsgiapp", "uvicorn_worker"], uvicorn())
        }
        RequestHandling::Hypercorn => (
            vec!["hypercorn.__main__", "hypercorn.run"],
            vec!["hypercorn.asyncio.run", "hypercorn.asyncio.tcp_server"],
        ),
        RequestHandling::GunicornSync => (
            vec!["gunicorn.app.wsgiapp", "gunicorn.workers.sync"],
            Vec::new(),
        ),
        RequestHandling::GunicornGthread => (
            vec!["gunicorn.app.wsgiapp", "gunicorn.workers.gthread"],
            Vec::new(),
        ),
    }
}

/// Measures them for this server. Nothing where the system does not report memory so (Linux does).
pub(in crate::verify) fn measured(
    workshop: &ProgramDir,
    home: &ServerHome,
    server: Server,
) -> Result<ModuleSizes, RunError> {
    let Some(handling) = server.request() else {
        return Ok(ModuleSizes::default());
    };
    let (master, mut worker) = modules(handling);
    if server.calls_endpoints() {
        worker.push("anyio.to_thread");
        worker.push("anyio._backends._asyncio");
    }
    let settings = json!({
        "standard": STANDARD.map(|(module, _)| module), "master": master, "worker": worker,
        "start": Start::of(server).word(), "preload": server.preload,
    });
    workshop
        .file("modules.py", MODULES)
        .map_err(|e| RunError::Unrunnable(e.to_string()))?;
    said(workshop, home, &["modules.py", &settings.to_string()])
}
