//! Reads strategies written in RON.

use super::decode::{Cx, Fields, both};
use super::decode_server::{self, Which};
use super::diagnostic::Code;
use super::tree::{SyntaxKind, SyntaxNode};
use super::variants::{OffloadName, StrategyName};
use super::{decode_nodes, decode_pools, strategy_text, variants};
use crate::engine::Nanos;
use crate::scenario::{
    Lifecycle, Offload, PoolLife, ProcessApi, StartMethod, Strategy, StrategyCase, Workers,
    is_module, limits,
};

/// Reads an entry of `strategies`: a strategy, `On("interpreter", strategy)`, or a short form in a string.
pub(super) fn case(cx: &mut Cx, node: &SyntaxNode) -> Option<StrategyCase> {
    match &node.kind {
        SyntaxKind::Str(text) => match strategy_text::short_form(text) {
            Ok(case) => Some(case),
            Err(message) => {
                cx.error(Code::BadStrategy, node.span, message)
                    .help(strategy_text::short_forms(text));
                None
            }
        },
        SyntaxKind::Call { name: Some(n), .. } if n.text == "On" => {
            let f = cx.params(node, "`On`", variants::params("On"))?;
            let interpreter = cx.required(&f, "interpreter", |cx, n| {
                Some(cx.string(n, "the interpreter's name")?.to_string())
            });
            let strategy = cx.required(&f, "strategy", |cx, n| strategy(cx, n, StrategyPlace::Top));
            let (interpreter, strategy) = both(interpreter, strategy)?;
            Some(StrategyCase {
                strategy,
                interpreter: Some(interpreter),
            })
        }
        _ => Some(StrategyCase {
            strategy: strategy(cx, node, StrategyPlace::Top)?,
            interpreter: None,
        }),
    }
}

/// Where a strategy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StrategyPlace {
    /// By itself.
    Top,
    /// On each of several machines.
    OnNode,
    /// In each process of a prefork server.
    InPrefork,
}

/// Whether a strategy starts copies of the program, so that it cannot be one of them.
fn has_processes(strategy: &Strategy) -> bool {
    strategy.execution().copies.is_some() || strategy.server().is_some()
}

/// Whether a strategy may stand there.
fn may_stand(strategy: &Strategy, place: StrategyPlace) -> bool {
    match place {
        StrategyPlace::Top => true,
        StrategyPlace::OnNode => strategy.nodes().is_none(),
        StrategyPlace::InPrefork => strategy.nodes().is_none() && !has_processes(strategy),
    }
}

fn strategy(cx: &mut Cx, node: &SyntaxNode, place: StrategyPlace) -> Option<Strategy> {
    let within_prefork = place == StrategyPlace::InPrefork;
    if let SyntaxKind::Str(text) = &node.kind {
        return match strategy_text::short_form(text) {
            Ok(StrategyCase {
                interpreter: None,
                strategy,
            }) if may_stand(&strategy, place) => Some(strategy),
            Ok(_) => {
                cx.error(
                    Code::BadStrategy,
                    node.span,
                    "neither `@interpreter` nor a nested prefork or machines can stand here",
                );
                None
            }
            Err(message) => {
                cx.error(Code::BadStrategy, node.span, message)
                    .help(strategy_text::short_forms(text));
                None
            }
        };
    }
    let name = cx.variant(node, "a strategy", variants::STRATEGIES)?;
    let which = StrategyName::named(name)?;
    let f = cx.params(node, &format!("`{name}`"), variants::params(name))?;
    // An absent number of workers is the default; one that is given but wrong is a problem.
    let workers = |cx: &mut Cx, per_task: bool| match f.get("workers") {
        Some(_) => cx.optional(&f, "workers", |cx, n| self::workers(cx, n, per_task)),
        None => Some(Workers::Auto),
    };
    Some(match which {
        StrategyName::Sequential => Strategy::Sequential,
        StrategyName::Threads => Strategy::Threads(workers(cx, true)?),
        StrategyName::Interpreters => Strategy::Interpreters(workers(cx, false)?),
        StrategyName::Processes => {
            let workers = workers(cx, false);
            let start = match f.get("start") {
                Some(_) => cx.optional(&f, "start", start_method),
                None => Some(StartMethod::Forkserver),
            };
            let api = match f.get("api") {
                Some(_) => cx.optional(&f, "api", api),
                None => Some(ProcessApi::EXECUTOR),
            };
            let life = pool_life(cx, &f);
            let (((workers, start), api), life) = both(both(both(workers, start), api), life)?;
            if let Some(why) = life.contradiction(start, api) {
                cx.error(Code::BadStrategy, node.span, why);
                return None;
            }
            Strategy::Processes {
                workers,
                start,
                api,
                life,
            }
        }
        StrategyName::Asyncio => {
            let limit = match f.get("limit") {
                Some(_) => Some(cx.optional(&f, "limit", |cx, n| {
                    cx.int32(n, "the limit", 1..=u32::MAX, "of 32 bits")
                })?),
                None => None,
            };
            let offload = match f.get("offload") {
                Some(_) => cx.optional(&f, "offload", offload)?,
                None => Offload::None,
            };
            let pools = match f.get("pools") {
                Some(_) => cx.optional(&f, "pools", decode_pools::pools)?,
                None => Vec::new(),
            };
            Strategy::Asyncio {
                limit,
                offload,
                pools,
            }
        }
        StrategyName::Uvicorn
        | StrategyName::Gunicorn
        | StrategyName::Hypercorn
        | StrategyName::Celery
            if within_prefork =>
        {
            cx.error(
                Code::BadStrategy,
                node.span,
                format!("`{name}` has processes of its own, and cannot stand within `Prefork`"),
            );
            return None;
        }
        StrategyName::Nodes => {
            if place != StrategyPlace::Top {
                cx.error(Code::BadStrategy, node.span, decode_nodes::NESTED)
                    .help("write Nodes(count: 3, each: Prefork(..))");
                return None;
            }
            let nodes = decode_nodes::nodes(cx, &f);
            let each = cx.required(&f, "each", |cx, n| strategy(cx, n, StrategyPlace::OnNode));
            let (nodes, each) = both(nodes, each)?;
            Strategy::Nodes {
                nodes,
                each: Box::new(each),
            }
        }
        StrategyName::Uvicorn => decode_server::server(cx, &f, node, Which::Uvicorn)?,
        StrategyName::Gunicorn => decode_server::server(cx, &f, node, Which::Gunicorn)?,
        StrategyName::Hypercorn => decode_server::server(cx, &f, node, Which::Hypercorn)?,
        StrategyName::Celery => decode_server::server(cx, &f, node, Which::Celery)?,
        StrategyName::Prefork => {
            if within_prefork {
                cx.error(
                    Code::BadStrategy,
                    node.span,
                    "`Prefork` cannot stand within `Prefork`",
                )
                .help("multiply the processes instead: Prefork(processes: 8, each: ..)");
                return None;
            }
            let processes = cx.required(&f, "processes", |cx, n| {
                cx.int32(
                    n,
                    "the number of processes",
                    1..=limits::MAX_WORKERS,
                    "MAX_WORKERS",
                )
            });
            let each = cx.required(&f, "each", |cx, n| {
                strategy(cx, n, StrategyPlace::InPrefork)
            });
            let life = lifecycle(cx, &f, node);
            let ((processes, each), life) = both(both(processes, each), life)?;
            if let Some(why) = life.contradiction_with(&each) {
                cx.error(Code::BadStrategy, node.span, why);
                return None;
            }
            Strategy::Prefork {
                processes,
                each: Box::new(each),
                life,
            }
        }
    })
}

/// What a pool of processes does beyond starting its workers.
fn pool_life(cx: &mut Cx, f: &Fields<'_>) -> Option<PoolLife> {
    let most = "the number of tasks of a worker";
    let mut life = PoolLife {
        max_tasks_per_child: times(cx, f, "max_tasks_per_child", most, 1)?,
        preload: Vec::new(),
    };
    if f.get("preload").is_some() {
        life.preload = cx.optional(f, "preload", modules)?;
    }
    Some(life)
}

/// A number of times, at least `least`: `Some(None)` where it is not given.
#[expect(clippy::option_option, reason = "given, absent, or given and wrong")]
pub(super) fn times(
    cx: &mut Cx,
    f: &Fields<'_>,
    name: &str,
    what: &str,
    least: u32,
) -> Option<Option<u32>> {
    if f.get(name).is_none() {
        return Some(None);
    }
    let read = |cx: &mut Cx, n: &SyntaxNode| cx.int32(n, what, least..=u32::MAX, "of 32 bits");
    Some(Some(cx.optional(f, name, read)?))
}

/// Reads after how many requests or tasks a worker is replaced, if that is given.
#[expect(clippy::option_option, reason = "given, absent, or given and wrong")]
pub(super) fn replaced_after(
    cx: &mut Cx,
    f: &Fields<'_>,
    name: &str,
    what: &str,
) -> Option<Option<u32>> {
    if f.get(name).is_none() {
        return Some(None);
    }
    let read = |cx: &mut Cx, n: &SyntaxNode| {
        let value = cx.int32(n, what, 0..=u32::MAX, "of 32 bits")?;
        if value == 0 {
            let why = format!("{what} must be at least 1, not 0");
            cx.error(Code::OutOfRange, n.span, why)
                .help(strategy_text::NEVER_REPLACED);
            return None;
        }
        Some(value)
    };
    Some(Some(cx.optional(f, name, read)?))
}

/// Names of modules.
fn modules(cx: &mut Cx, node: &SyntaxNode) -> Option<Vec<String>> {
    let items = cx.list(node, "names of modules")?;
    let mut names = Vec::new();
    for item in items {
        let name = cx.string(item, "the name of a module")?;
        if !is_module(name) {
            cx.error(
                Code::BadStrategy,
                item.span,
                strategy_text::not_a_module(name),
            );
            return None;
        }
        names.push(name.to_owned());
    }
    Some(names)
}

/// How the workers of a server begin, and when they end.
fn lifecycle(cx: &mut Cx, f: &Fields<'_>, node: &SyntaxNode) -> Option<Lifecycle> {
    let start = match f.get("start") {
        Some(_) => cx.optional(f, "start", start_method)?,
        None => StartMethod::Fork,
    };
    let mut life = Lifecycle::started(start);
    if f.get("preload").is_some() {
        life.preload = cx.optional(f, "preload", Cx::boolean)?;
    }
    if f.get("freeze").is_some() {
        life.freeze = cx.optional(f, "freeze", Cx::boolean)?;
    }
    let of = "the number of requests of a worker";
    life.max_requests = replaced_after(cx, f, "max_requests", of)?;
    life.jitter = times(cx, f, "jitter", "the jitter", 0)?.unwrap_or(0);
    (life.backlog, life.timeout, life.graceful_timeout) = decode_server::watch(cx, f)?;
    if life.timeout == Some(Nanos::ZERO) {
        let why = "a `timeout` of 0 would kill every worker: leave it out for none";
        cx.error(Code::BadStrategy, node.span, why);
        return None;
    }
    if let Some(why) = life.contradiction() {
        cx.error(Code::BadStrategy, node.span, why);
        return None;
    }
    Some(life)
}

fn workers(cx: &mut Cx, node: &SyntaxNode, per_task: bool) -> Option<Workers> {
    if !matches!(node.kind, SyntaxKind::Call { .. }) {
        return cx
            .int32(
                node,
                "the number of workers",
                1..=limits::MAX_WORKERS,
                "MAX_WORKERS",
            )
            .map(Workers::Exactly);
    }
    match cx.variant(node, "a number of workers", &["Auto", "PerTask"])? {
        "Auto" => Some(Workers::Auto),
        _ if per_task => Some(Workers::PerTask),
        _ => {
            cx.error(
                Code::BadStrategy,
                node.span,
                "only the strategy `Threads` can start a worker per task",
            )
            .help("give a number, or Auto");
            None
        }
    }
}

fn start_method(cx: &mut Cx, node: &SyntaxNode) -> Option<StartMethod> {
    Some(
        match cx.variant(node, "a start method", &["Fork", "Spawn", "Forkserver"])? {
            "Fork" => StartMethod::Fork,
            "Spawn" => StartMethod::Spawn,
            _ => StartMethod::Forkserver,
        },
    )
}

fn api(cx: &mut Cx, node: &SyntaxNode) -> Option<ProcessApi> {
    let name = cx.variant(node, "a process API", &["Executor", "Pool"])?;
    let f = cx.params(node, &format!("`{name}`"), variants::params(name))?;
    let chunksize = match f.get("chunksize") {
        Some(_) => Some(cx.optional(&f, "chunksize", |cx, n| {
            cx.int32(
                n,
                "the chunk size",
                1..=1_000_000,
                "of a million tasks a chunk",
            )
        })?),
        None => None,
    };
    Some(match name {
        "Executor" => ProcessApi::Executor { chunksize },
        _ => ProcessApi::Pool { chunksize },
    })
}

/// A pool that an event loop offloads to.
pub(super) fn offload(cx: &mut Cx, node: &SyntaxNode) -> Option<Offload> {
    let name = cx.variant(node, "an offload", variants::OFFLOADS)?;
    let which = OffloadName::named(name)?;
    let known: &[&str] = match which {
        OffloadName::Processes => &["workers", "start"],
        OffloadName::None | OffloadName::Threads | OffloadName::Interpreters => {
            variants::params(name)
        }
    };
    let f = cx.params(node, &format!("`{name}`"), known)?;
    let workers = match f.get("workers") {
        Some(_) => cx.optional(&f, "workers", |cx, n| workers(cx, n, false))?,
        None => Workers::Auto,
    };
    Some(match which {
        OffloadName::None => Offload::None,
        OffloadName::Threads => Offload::Threads(workers),
        OffloadName::Interpreters => Offload::Interpreters(workers),
        OffloadName::Processes => {
            let start = match f.get("start") {
                Some(_) => cx.optional(&f, "start", start_method)?,
                None => StartMethod::Forkserver,
            };
            Offload::Processes(workers, start)
        }
    })
}
