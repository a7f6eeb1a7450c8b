//! Reads servers by name: `Gunicorn(workers: 4, worker_class: Gthread(threads: 8))`, `gunicorn:4:gthread:8`.

use super::decode::{Cx, Fields, suggest};
use super::decode_strategy::{replaced_after as replaced_after_times, times};
use super::diagnostic::Code;
use super::strategy_text::{Parts, count, natural, replaced_after};
use super::tree::SyntaxNode;
use crate::engine::Nanos;
use crate::scenario::{CeleryPool, Endpoints, Server, ServerKind, Strategy, WorkerClass, limits};

/// What is counted until a worker of a web server is replaced, and a child of celery.
const OF_WORKER: &str = "the number of requests of a worker";
const OF_CHILD: &str = "the number of tasks of a child";

/// Reads a server from the parts of its short form.
pub(super) fn short(parts: &mut Parts<'_>) -> Result<Strategy, String> {
    let Some(workers) = parts.rest.next() else {
        return Err(format!(
            "how many workers? a server is written {0}:4",
            parts.name
        ));
    };
    let workers = count(workers, "the number of workers")?;
    let kind = match parts.name {
        "uvicorn" => ServerKind::Uvicorn(endpoints_word(parts)),
        "hypercorn" => ServerKind::Hypercorn(endpoints_word(parts)),
        "gunicorn" => ServerKind::Gunicorn(class_word(parts)?),
        _ => ServerKind::Celery(pool_word(parts)?),
    };
    let (word, of) = match kind {
        ServerKind::Celery(_) => ("max-tasks", OF_CHILD),
        ServerKind::Uvicorn(_) | ServerKind::Gunicorn(_) | ServerKind::Hypercorn(_) => {
            ("max-requests", OF_WORKER)
        }
    };
    let preload = parts.rest.next_if_eq(&"preload").is_some();
    let keep_alive = parts.rest.next_if_eq(&"keep-alive").is_some();
    let most = parts.take(word);
    let jitter = parts.take("jitter");
    let (backlog, timeout, graceful_timeout) = parts.watch()?;
    let server = Server {
        preload,
        max_requests: most.map(|n| replaced_after(n, of)).transpose()?,
        jitter: jitter.map_or(Ok(0), |n| natural(n, "the jitter"))?,
        keep_alive,
        backlog,
        timeout,
        graceful_timeout,
        ..Server::new(kind, workers)
    };
    match server.contradiction() {
        Some(why) => Err(why.into()),
        None => Ok(Strategy::served(server)),
    }
}

fn endpoints_word(parts: &mut Parts<'_>) -> Endpoints {
    match parts.rest.next_if_eq(&"def") {
        Some(_) => Endpoints::Def,
        None => Endpoints::Async,
    }
}

fn class_word(parts: &mut Parts<'_>) -> Result<WorkerClass, String> {
    const KNOWN: [&str; 3] = ["sync", "gthread", "uvicorn"];
    let Some(word) = parts.rest.next_if(|w| *w != "preload") else {
        return Ok(WorkerClass::Sync);
    };
    Ok(match word {
        "sync" => WorkerClass::Sync,
        "uvicorn" => WorkerClass::Uvicorn(endpoints_word(parts)),
        "gthread" => {
            let threads = parts.rest.next_if(|w| *w != "preload");
            WorkerClass::Gthread(threads.map_or(Ok(1), |n| count(n, "the number of threads"))?)
        }
        _ => {
            return Err(format!(
                "`{word}` is no class of workers here; {}",
                suggest(word, "known here", KNOWN)
            ));
        }
    })
}

fn pool_word(parts: &mut Parts<'_>) -> Result<CeleryPool, String> {
    const KNOWN: [&str; 2] = ["prefork", "threads"];
    match parts.rest.next() {
        None | Some("prefork") => Ok(CeleryPool::Prefork),
        Some("threads") => Ok(CeleryPool::Threads),
        Some(word) => Err(format!(
            "`{word}` is no pool of celery here; {}",
            suggest(word, "known here", KNOWN)
        )),
    }
}

/// Which server a variant names.
#[derive(Clone, Copy)]
pub(super) enum Which {
    Uvicorn,
    Gunicorn,
    Hypercorn,
    Celery,
}

/// Reads a server with named parameters.
pub(super) fn server(
    cx: &mut Cx,
    f: &Fields<'_>,
    node: &SyntaxNode,
    which: Which,
) -> Option<Strategy> {
    let (workers, most, of) = match which {
        Which::Celery => ("concurrency", "max_tasks_per_child", OF_CHILD),
        Which::Uvicorn | Which::Gunicorn | Which::Hypercorn => {
            ("workers", "max_requests", OF_WORKER)
        }
    };
    let workers = cx.required(f, workers, |cx, n| {
        cx.int32(
            n,
            "the number of workers",
            1..=limits::MAX_WORKERS,
            "MAX_WORKERS",
        )
    })?;
    let kind = match which {
        Which::Uvicorn => ServerKind::Uvicorn(endpoints(cx, f)?),
        Which::Hypercorn => ServerKind::Hypercorn(endpoints(cx, f)?),
        Which::Gunicorn => ServerKind::Gunicorn(match f.get("worker_class") {
            Some(_) => cx.optional(f, "worker_class", class)?,
            None => WorkerClass::Sync,
        }),
        Which::Celery => ServerKind::Celery(match f.get("pool") {
            Some(_) => cx.optional(f, "pool", pool)?,
            None => CeleryPool::Prefork,
        }),
    };
    let preload = yes(cx, f, "preload")?;
    let keep_alive = yes(cx, f, "keep_alive")?;
    let (backlog, timeout, graceful_timeout) = watch(cx, f)?;
    let server = Server {
        preload,
        max_requests: replaced_after_times(cx, f, most, of)?,
        jitter: times(cx, f, "jitter", "the jitter", 0)?.unwrap_or(0),
        keep_alive,
        backlog,
        timeout,
        graceful_timeout,
        ..Server::new(kind, workers)
    };
    if let Some(why) = server.contradiction() {
        cx.error(Code::BadStrategy, node.span, why);
        return None;
    }
    Some(Strategy::served(server))
}

/// A listen queue, and the times after which workers are killed: those that are given.
pub(super) type Watch = (Option<u32>, Option<Nanos>, Option<Nanos>);

/// Reads what is said of a listen queue, and of when workers are killed.
pub(super) fn watch(cx: &mut Cx, f: &Fields<'_>) -> Option<Watch> {
    let backlog = times(cx, f, "backlog", "the backlog", 1)?;
    let mut time = |name| match f.get(name) {
        Some(_) => cx.optional(f, name, Cx::duration).map(Some),
        None => Some(None),
    };
    Some((backlog, time("timeout")?, time("graceful_timeout")?))
}

/// A parameter that is `false` unless it is given.
fn yes(cx: &mut Cx, f: &Fields<'_>, name: &str) -> Option<bool> {
    match f.get(name) {
        Some(_) => cx.optional(f, name, Cx::boolean),
        None => Some(false),
    }
}

fn endpoints(cx: &mut Cx, f: &Fields<'_>) -> Option<Endpoints> {
    if f.get("endpoints").is_none() {
        return Some(Endpoints::Async);
    }
    cx.optional(f, "endpoints", endpoints_of)
}

fn endpoints_of(cx: &mut Cx, node: &SyntaxNode) -> Option<Endpoints> {
    Some(
        match cx.variant(node, "`Async` or `Def`", &["Async", "Def"])? {
            "Def" => Endpoints::Def,
            _ => Endpoints::Async,
        },
    )
}

fn class(cx: &mut Cx, node: &SyntaxNode) -> Option<WorkerClass> {
    let name = cx.variant(node, "a class of workers", &["Sync", "Gthread", "Uvicorn"])?;
    let known: &[&str] = match name {
        "Gthread" => &["threads"],
        "Uvicorn" => &["endpoints"],
        _ => &[],
    };
    let f = cx.params(node, &format!("`{name}`"), known)?;
    Some(match name {
        "Gthread" => WorkerClass::Gthread(match f.get("threads") {
            Some(_) => cx.optional(&f, "threads", |cx, n| {
                cx.int32(
                    n,
                    "the number of threads",
                    1..=limits::MAX_WORKERS,
                    "MAX_WORKERS",
                )
            })?,
            None => 1,
        }),
        "Uvicorn" => WorkerClass::Uvicorn(endpoints(cx, &f)?),
        _ => WorkerClass::Sync,
    })
}

fn pool(cx: &mut Cx, node: &SyntaxNode) -> Option<CeleryPool> {
    Some(match cx.variant(node, "a pool", &["Prefork", "Threads"])? {
        "Threads" => CeleryPool::Threads,
        _ => CeleryPool::Prefork,
    })
}
