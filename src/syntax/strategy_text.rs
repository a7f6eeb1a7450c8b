//! Strategies as short texts: what `--strategy` takes and what tables show.

use std::sync::Arc;

use super::decode::{Cx, nearest, suggest};
use super::decode_server::Watch;
use super::decode_strategy::StrategyPlace;
use super::diagnostic::{Code, Diagnostic, SourceText};
use super::{decode_nodes, decode_pools, decode_server, decode_strategy, tree};
use crate::engine::Nanos;
use crate::scenario::units::{self, UnitError, grouped};
use crate::scenario::{
    Lifecycle, NamedPool, Offload, PoolLife, ProcessApi, StartMethod, Strategy, StrategyCase,
    Workers, is_module, limits,
};

/// The short forms by the word that each begins with.
const FORMS: [(&str, &str); 12] = [
    ("sequential", "sequential"),
    ("threads", "threads, threads:8, threads:per-task"),
    (
        "processes",
        "processes:4:fork, processes:4:fork:20, processes:4:spawn:max-tasks=25",
    ),
    ("pool", "pool:4:spawn, pool:4:fork:20"),
    ("interpreters", "interpreters:4"),
    (
        "asyncio",
        "asyncio, asyncio:100, asyncio+threads:4, asyncio:100+processes:2:fork, asyncio+threads:8+cpu=processes:4",
    ),
    (
        "prefork",
        "prefork:4(asyncio), prefork:4:spawn:max-requests=1000(asyncio)",
    ),
    (
        "nodes",
        "nodes:3(uvicorn:4), nodes:3:least-outstanding:latency=500us(gunicorn:4:sync)",
    ),
    ("uvicorn", "uvicorn:4, uvicorn:4:def"),
    (
        "gunicorn",
        "gunicorn:4:sync, gunicorn:4:gthread:8, gunicorn:4:uvicorn:timeout=60s",
    ),
    ("hypercorn", "hypercorn:4"),
    ("celery", "celery:8:prefork, celery:100:threads"),
];

/// How to write the strategy that a text seems to mean, or one of each kind.
pub(super) fn short_forms(text: &str) -> String {
    let end = text.find([':', '+', '(', '@']).unwrap_or(text.len());
    let word = text[..end].trim();
    let names = FORMS.iter().map(|(name, _)| *name);
    let near = nearest(word, names);
    let meant = |(name, _): &&(&str, &str)| *name == word || near == Some(name);
    if let Some((_, forms)) = FORMS.iter().find(meant) {
        return format!("write {forms}; `pchsim explain bad-strategy` lists all");
    }
    let first = |(_, forms): &(&'static str, &'static str)| forms.split(", ").next();
    let all: Vec<&str> = FORMS.iter().filter_map(first).collect();
    format!("one of each: {}", all.join(", "))
}

/// The short forms without their numbers, for shell completion. Prefork, which needs a number, is not among them.
pub const STRATEGY_FORMS: [&str; 16] = [
    "sequential",
    "threads",
    "threads:per-task",
    "processes:fork",
    "processes:spawn",
    "processes:forkserver",
    "pool:fork",
    "pool:spawn",
    "pool:forkserver",
    "interpreters",
    "asyncio",
    "asyncio+threads",
    "asyncio+processes:fork",
    "asyncio+processes:spawn",
    "asyncio+processes:forkserver",
    "asyncio+interpreters",
];

/// Reads a strategy from the command line: a short form (`threads:8`, `asyncio+processes:2:fork@cpython-3.14t`) or RON (`Threads(workers:
/// 8)`).
///
/// # Errors
/// The text is neither, or a strategy that cannot be.
pub fn parse_strategy(text: &str) -> Result<StrategyCase, Diagnostic> {
    let source = SourceText::new("--strategy", text);
    let trimmed = text.trim();
    if trimmed.starts_with(char::is_uppercase) {
        return parse_ron(text, &source);
    }
    short_form(trimmed).map_err(|message| {
        let mut d = Diagnostic::new(Code::BadStrategy, &source, 0..text.len(), message);
        d.help(short_forms(trimmed));
        d
    })
}

fn parse_ron(text: &str, source: &Arc<SourceText>) -> Result<StrategyCase, Diagnostic> {
    let node = tree::parse(text, 0).map_err(|e| {
        let mut d = Diagnostic::new(
            Code::Syntax,
            source,
            e.span.start as usize..e.span.end as usize,
            e.message,
        );
        d.help = e.help.map(Into::into);
        d
    })?;
    let mut cx = Cx::new(Arc::clone(source));
    let case = decode_strategy::case(&mut cx, &node);
    match (case, cx.diagnostics.into_iter().next()) {
        (_, Some(problem)) => Err(problem),
        (Some(case), None) => Ok(case),
        (None, None) => Err(Diagnostic::new(
            Code::BadStrategy,
            source,
            0..text.len(),
            "this is not a strategy",
        )),
    }
}

fn past(what: &str, n: impl std::fmt::Display) -> String {
    format!(
        "{what} is {}, more than {}; {}",
        grouped(n),
        limits::named("MAX_WORKERS", limits::MAX_WORKERS),
        limits::instead("MAX_WORKERS")
    )
}

/// Reads a number of workers, which is at least 1.
pub(super) fn count(text: &str, what: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(0) => Err(format!("{what} must be at least 1")),
        Ok(n) if n > limits::MAX_WORKERS => Err(past(what, n)),
        Ok(n) => Ok(n),
        // A number with more digits than the type can hold.
        Err(_) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            Err(past(what, text))
        }
        Err(_) => Err(format!("`{text}` is not a whole number ({what})")),
    }
}

/// Reads the name of a module.
fn module(text: &str) -> Result<String, String> {
    if is_module(text) {
        Ok(text.to_owned())
    } else {
        Err(not_a_module(text))
    }
}

/// What is said where a module's name is expected.
pub(super) fn not_a_module(text: &str) -> String {
    format!("`{text}` is not the name of a module, such as `app` or `shop.models`")
}

/// Reads a number of 32 bits, at least 1.
pub(super) fn whole(text: &str, what: &str) -> Result<u32, String> {
    match natural(text, what)? {
        0 => Err(format!("{what} must be at least 1")),
        n => Ok(n),
    }
}

/// Reads a number of 32 bits, zero included.
pub(super) fn natural(text: &str, what: &str) -> Result<u32, String> {
    match text.trim() {
        "" => Err(format!(
            "a whole number is missing after the equals sign ({what})"
        )),
        word => word
            .parse()
            .map_err(|_| format!("`{text}` is not a whole number of 32 bits ({what})")),
    }
}

/// Reads after how many requests or tasks a worker is replaced. The servers' own command lines take 0 for never.
pub(super) fn replaced_after(text: &str, what: &str) -> Result<u32, String> {
    match natural(text, what)? {
        0 => Err(format!("{what} must be at least 1; {NEVER_REPLACED}")),
        n => Ok(n),
    }
}

/// What is said to those who write 0 where workers are replaced after so many requests.
pub(super) const NEVER_REPLACED: &str = "leave it out for workers that are never replaced";

fn given_twice(name: &str) -> String {
    format!("`{name}=` is given twice; keep the one that is meant")
}

/// Reads a time with its unit.
pub(super) fn time(text: &str) -> Result<Nanos, String> {
    units::duration(text).map_err(|e| match e {
        UnitError::Unit(why) | UnitError::Range(why) | UnitError::Limit(_, why) => {
            format!("{why}; times look like 30s or 500ms")
        }
    })
}

/// Reads a time above zero.
fn above_zero(text: &str) -> Result<Nanos, String> {
    let time = time(text)?;
    if time == Nanos::ZERO {
        return Err("a `timeout` of 0 would kill every worker: leave it out for none".into());
    }
    Ok(time)
}

fn start_method(text: &str) -> Result<StartMethod, String> {
    match text {
        "fork" => Ok(StartMethod::Fork),
        "spawn" => Ok(StartMethod::Spawn),
        "forkserver" => Ok(StartMethod::Forkserver),
        _ => Err(format!(
            "`{text}` is not a start method; {}",
            suggest(text, "known here", ["fork", "spawn", "forkserver"])
        )),
    }
}

/// The text that follows a pool's name, split at colons.
pub(super) struct Parts<'t> {
    pub(super) name: &'t str,
    pub(super) rest: std::iter::Peekable<std::vec::IntoIter<&'t str>>,
    /// Those that are written `name=value`, wherever they stand.
    named: Vec<(&'t str, &'t str)>,
}

impl<'t> Parts<'t> {
    fn new(text: &'t str) -> Self {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let (mut rest, mut named) = (Vec::new(), Vec::new());
        for part in parts {
            match part.split_once('=') {
                Some(pair) => named.push(pair),
                None => rest.push(part),
            }
        }
        Self {
            name,
            rest: rest.into_iter().peekable(),
            named,
        }
    }

    fn workers(&mut self, per_task: bool) -> Result<Workers, String> {
        match self.rest.peek().copied() {
            None | Some("fork" | "spawn" | "forkserver") => Ok(Workers::Auto),
            Some("auto") => {
                self.rest.next();
                Ok(Workers::Auto)
            }
            Some("per-task") if per_task => {
                self.rest.next();
                Ok(Workers::PerTask)
            }
            Some(n) => {
                self.rest.next();
                if n.starts_with(|c: char| c.is_alphabetic()) {
                    // The word may have been meant as a number of workers, or as what follows that number.
                    let known = if per_task {
                        &["auto", "per-task"][..]
                    } else {
                        &["auto", "fork", "spawn", "forkserver"][..]
                    };
                    return Err(format!(
                        "`{n}` is not a whole number (the number of workers); {}",
                        suggest(n, "words known here", known.iter().copied())
                    ));
                }
                count(n, "the number of workers").map(Workers::Exactly)
            }
        }
    }

    fn start(&mut self) -> Result<StartMethod, String> {
        self.rest
            .next()
            .map_or(Ok(StartMethod::Forkserver), start_method)
    }

    /// Takes the part of this name out of those that have one.
    pub(super) fn take(&mut self, name: &str) -> Option<&'t str> {
        let at = self.named.iter().position(|(n, _)| *n == name)?;
        Some(self.named.remove(at).1)
    }

    /// What is said of a listen queue, and of when workers are killed.
    pub(super) fn watch(&mut self) -> Result<Watch, String> {
        let backlog = self.take("backlog");
        Ok((
            backlog.map(|n| whole(n, "the backlog")).transpose()?,
            self.take("timeout").map(time).transpose()?,
            self.take("graceful-timeout").map(time).transpose()?,
        ))
    }

    /// What a pool of processes does beyond starting its workers.
    fn pool_life(&mut self, start: StartMethod, api: ProcessApi) -> Result<PoolLife, String> {
        let tasks = self.take("max-tasks");
        let modules = self.take("preload");
        let life = PoolLife {
            max_tasks_per_child: tasks
                .map(|n| replaced_after(n, "the number of tasks of a worker"))
                .transpose()?,
            preload: modules.map_or(Ok(Vec::new()), |all| {
                all.split('/').map(module).collect::<Result<_, _>>()
            })?,
        };
        match life.contradiction(start, api) {
            Some(why) => Err(why.into()),
            None => Ok(life),
        }
    }

    /// Who names a part twice may mean either.
    fn twice(&self) -> Result<(), String> {
        let again = (self.named.iter().enumerate())
            .find(|(i, (name, _))| self.named[..*i].iter().any(|(n, _)| n == name));
        again.map_or(Ok(()), |(_, (name, _))| Err(given_twice(name)))
    }

    fn end(mut self) -> Result<(), String> {
        if let Some((name, _)) = self.named.first() {
            let known = [
                "max-tasks",
                "max-requests",
                "jitter",
                "preload",
                "backlog",
                "timeout",
                "graceful-timeout",
            ];
            let others: Vec<&str> = known.into_iter().filter(|k| k != name).collect();
            return Err(format!(
                "`{name}=` says nothing about `{}`; {}",
                self.name,
                suggest(name, "others know", others.iter().copied())
            ));
        }
        self.rest.next().map_or(Ok(()), |extra| {
            Err(format!(
                "`:{extra}` is one part too many after `{}`",
                self.name
            ))
        })
    }
}

/// Reads a short form, with the interpreter behind `@` if there is one.
pub(super) fn short_form(text: &str) -> Result<StrategyCase, String> {
    let text = text.trim();
    // The interpreter's name may contain anything but a closing parenthesis, because it may be a path.
    let (body, interpreter) = match text.rfind('@') {
        Some(i) if !text[i..].contains(')') => (&text[..i], Some(text[i + 1..].trim())),
        _ => (text, None),
    };
    if interpreter == Some("") {
        return Err("the name of an interpreter is missing after `@`".into());
    }
    Ok(StrategyCase {
        strategy: bare(body.trim(), StrategyPlace::Top)?,
        interpreter: interpreter.map(Into::into),
    })
}

/// Reads what follows the number of processes of a prefork server: words and `name=number`, apart by colons.
fn lifecycle(text: &str) -> Result<Lifecycle, String> {
    const WORDS: [&str; 8] = [
        "spawn",
        "no-preload",
        "freeze",
        "max-requests",
        "jitter",
        "backlog",
        "timeout",
        "graceful-timeout",
    ];
    let mut life = Lifecycle::default();
    let mut named = Vec::new();
    for word in text.split(':').map(str::trim).filter(|w| !w.is_empty()) {
        if let Some((name, _)) = word.split_once('=') {
            if named.contains(&name) {
                return Err(given_twice(name));
            }
            named.push(name);
        }
        match word.split_once('=').unwrap_or((word, "")) {
            ("spawn", "") => {
                life.start = StartMethod::Spawn;
                life.preload = false;
            }
            ("no-preload", "") => life.preload = false,
            ("freeze", "") => life.freeze = true,
            ("max-requests", n) => {
                life.max_requests = Some(replaced_after(n, "the number of requests of a worker")?);
            }
            ("jitter", n) => life.jitter = natural(n, "the jitter")?,
            ("backlog", n) => life.backlog = Some(whole(n, "the backlog")?),
            ("timeout", t) => life.timeout = Some(above_zero(t)?),
            ("graceful-timeout", t) => life.graceful_timeout = Some(time(t)?),
            _ => {
                return Err(format!(
                    "`{word}` says nothing about a server's processes; {}",
                    suggest(word, "known here", WORDS)
                ));
            }
        }
    }
    life.contradiction().map_or(Ok(life), |why| Err(why.into()))
}

/// Reads several machines: their number and what stands before them, then what each of them runs.
fn nodes(rest: &str, place: StrategyPlace) -> Result<Strategy, String> {
    let inner = rest
        .strip_prefix(':')
        .and_then(|r| r.strip_suffix(')'))
        .and_then(|r| r.split_once('('));
    let Some((before, each)) = inner else {
        return Err("several machines are written nodes:3(uvicorn:4)".into());
    };
    if place != StrategyPlace::Top {
        return Err(decode_nodes::NESTED.into());
    }
    let mut parts = Parts::new(before.trim());
    parts.name = "nodes";
    parts.twice()?;
    let number = before.split(':').next().unwrap_or_default().trim();
    let count = count(number, "the number of machines")?;
    if count > limits::MAX_NODES {
        let limit = limits::named("MAX_NODES", limits::MAX_NODES);
        return Err(format!("{count} machines are more than {limit}"));
    }
    let nodes = decode_nodes::short(count, &mut parts)?;
    parts.end()?;
    let each = Box::new(bare(each.trim(), StrategyPlace::OnNode)?);
    Ok(Strategy::Nodes { nodes, each })
}

fn bare(text: &str, place: StrategyPlace) -> Result<Strategy, String> {
    let within_prefork = place == StrategyPlace::InPrefork;
    if let Some(rest) = text.strip_prefix("nodes") {
        return nodes(rest, place);
    }
    if let Some(rest) = text.strip_prefix("prefork") {
        let inner = rest
            .strip_prefix(':')
            .and_then(|r| r.strip_suffix(')'))
            .and_then(|r| r.split_once('('));
        let Some((processes, each)) = inner else {
            return Err("a prefork server is written prefork:4(asyncio)".into());
        };
        if within_prefork {
            return Err("prefork cannot stand within prefork".into());
        }
        let (processes, life) = processes.split_once(':').unwrap_or((processes, ""));
        let processes = count(processes.trim(), "the number of processes")?;
        let (each, life) = (
            bare(each.trim(), StrategyPlace::InPrefork)?,
            lifecycle(life)?,
        );
        if let Some(why) = life.contradiction_with(&each) {
            return Err(why.into());
        }
        return Ok(Strategy::Prefork {
            processes,
            each: Box::new(each),
            life,
        });
    }
    let mut offloads = text.split('+').map(str::trim);
    let first = offloads.next().unwrap_or_default();
    let mut parts = Parts::new(first);
    parts.twice()?;
    if text.contains('+') && parts.name != "asyncio" {
        return Err(format!("only asyncio offloads: `{text}`"));
    }
    let strategy = match parts.name {
        "sequential" => Strategy::Sequential,
        "threads" => Strategy::Threads(parts.workers(true)?),
        "interpreters" => Strategy::Interpreters(parts.workers(false)?),
        name @ ("processes" | "pool") => {
            let (workers, start) = (parts.workers(false)?, parts.start()?);
            let chunksize = match parts.rest.next() {
                Some(n) => Some(count(n, "the chunk size")?),
                None => None,
            };
            let api = match name {
                "pool" => ProcessApi::Pool { chunksize },
                _ => ProcessApi::Executor { chunksize },
            };
            Strategy::Processes {
                workers,
                start,
                api,
                life: parts.pool_life(start, api)?,
            }
        }
        "asyncio" => {
            let limit = match parts.rest.next() {
                Some(n) => Some(count(n, "the limit")?),
                None => None,
            };
            let (offload, pools) = offload_forms(offloads)?;
            Strategy::Asyncio {
                limit,
                offload,
                pools,
            }
        }
        "uvicorn" | "gunicorn" | "hypercorn" | "celery" if within_prefork => {
            return Err(format!(
                "{} has processes of its own, and cannot stand within prefork",
                parts.name
            ));
        }
        "uvicorn" | "gunicorn" | "hypercorn" | "celery" => decode_server::short(&mut parts)?,
        other => {
            let near = nearest(other, FORMS.iter().map(|(name, _)| *name));
            return Err(match near {
                None => format!("`{other}` is not a strategy"),
                Some(near) => format!("`{other}` is not a strategy; did you mean `{near}`?"),
            });
        }
    };
    parts.end()?;
    Ok(strategy)
}

/// What follows an event loop's `+`: at most one pool without a name, and pools with names (`cpu=processes:4`).
fn offload_forms<'t>(
    forms: impl Iterator<Item = &'t str>,
) -> Result<(Offload, Vec<NamedPool>), String> {
    let mut offload = None;
    let mut pools: Vec<NamedPool> = Vec::new();
    for form in forms {
        let Some((name, workers)) = form.split_once('=') else {
            if offload.is_some() {
                return Err(format!(
                    "`+{form}` is a second pool without a name; a further one is written +cpu={form}"
                ));
            }
            offload = Some(offload_form(form)?);
            continue;
        };
        let name = decode_pools::pool_name(name.trim())?;
        if pools.iter().any(|p| p.name == name) {
            return Err(format!("the pool \"{name}\" is given twice"));
        }
        let workers = match workers.trim() {
            "none" => Offload::None,
            form => offload_form(form)?,
        };
        pools.push(NamedPool {
            name: name.to_owned(),
            workers,
        });
    }
    let offload = offload.unwrap_or(Offload::None);
    Ok((offload, decode_pools::sorted(pools)))
}

fn offload_form(text: &str) -> Result<Offload, String> {
    let mut parts = Parts::new(text);
    parts.twice()?;
    let offload = match parts.name {
        "threads" => Offload::Threads(parts.workers(false)?),
        "interpreters" => Offload::Interpreters(parts.workers(false)?),
        "processes" => Offload::Processes(parts.workers(false)?, parts.start()?),
        other => {
            return Err(format!(
                "`{other}` is nothing to offload to; {}",
                suggest(
                    other,
                    "known here",
                    ["threads", "processes", "interpreters"]
                )
            ));
        }
    };
    parts.end()?;
    Ok(offload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::strategy_label;

    /// What is read can be typed: forms with options are written as they are read.
    #[test]
    fn forms_with_options_are_written_as_they_are_read() {
        for form in [
            "prefork:4(threads:8)",
            "prefork:4:no-preload(asyncio)",
            "prefork:4:spawn:max-requests=1000(asyncio+threads:40)",
            "prefork:4:no-preload:max-requests=1000:jitter=50(threads:8)",
            "prefork:4:freeze(sequential)",
            "prefork:2(processes:2:spawn:max-tasks=5)",
            "processes:4:spawn:max-tasks=25",
            "processes:fork",
            "processes:4:forkserver:max-tasks=25:preload=app/shop.models",
            "pool:4:fork:20:max-tasks=25",
            "pool:fork:max-tasks=1",
            "uvicorn:1",
            "uvicorn:4",
            "uvicorn:4:def",
            "uvicorn:4:def:max-requests=10:jitter=3",
            "uvicorn:2:keep-alive",
            "uvicorn:2:def:keep-alive:max-requests=10",
            "gunicorn:4:sync",
            "gunicorn:4:sync:preload:max-requests=1000:jitter=50",
            "gunicorn:4:gthread:8",
            "gunicorn:4:gthread:8:preload",
            "gunicorn:4:uvicorn",
            "gunicorn:4:uvicorn:def:max-requests=10",
            "hypercorn:4",
            "hypercorn:4:def",
            "celery:8:prefork",
            "celery:8:prefork:max-tasks=100",
            "celery:100:threads",
            "prefork:4:backlog=64(asyncio)",
            "prefork:4:no-preload:max-requests=9:backlog=64:timeout=1.5s:graceful-timeout=250ms(threads:8)",
            "uvicorn:4:backlog=64",
            "hypercorn:4:max-requests=9:backlog=64",
            "gunicorn:4:sync:preload:backlog=64:timeout=60s:graceful-timeout=10s",
            "gunicorn:4:uvicorn:timeout=0s",
            "nodes:3(uvicorn:4)",
            "nodes:3:two-choices:latency=1ms(prefork:8(asyncio))",
            "nodes:10:least-outstanding:rate=1250MB/s:cores=8:memory=16GiB(gunicorn:4:sync:preload)",
            "nodes:2:sticky:check=5s:check-timeout=2s:fails=2:passes=1(asyncio+threads:4)",
            "nodes:4:broker=8(celery:8:prefork)",
            "nodes:2:max=20(uvicorn:4)",
            "nodes:3:sticky:min=2:max=20:target=60%:look=5s:cool-down=60s:start=30s(asyncio)",
            "nodes:4:random(threads:8)",
        ] {
            let strategy = parse_strategy(form).unwrap_or_else(|d| panic!("{}", d.render(false)));
            assert_eq!(strategy_label(&strategy.strategy), form);
        }
        // What may be left out, and other orders.
        for (form, written) in [
            ("gunicorn:4", "gunicorn:4:sync"),
            ("gunicorn:4:preload", "gunicorn:4:sync:preload"),
            ("gunicorn:4:gthread", "gunicorn:4:gthread:1"),
            ("celery:4", "celery:4:prefork"),
            ("pool:4:max-tasks=25:fork", "pool:4:fork:max-tasks=25"),
            (
                "prefork:4:jitter=2:max-requests=9:spawn(asyncio)",
                "prefork:4:spawn:max-requests=9:jitter=2(asyncio)",
            ),
        ] {
            let strategy = parse_strategy(form).unwrap_or_else(|d| panic!("{}", d.render(false)));
            assert_eq!(strategy_label(&strategy.strategy), written);
        }
    }

    /// Whoever mistypes is told how to write what was meant, and not everything there is.
    #[test]
    fn what_is_meant_is_told() {
        assert!(short_forms("threds:4").starts_with("write threads, threads:8"));
        assert!(short_forms("gunicorn:4:gevent").starts_with("write gunicorn:4:sync"));
        assert!(short_forms("zzzzzzzzz").starts_with("one of each: sequential, threads"));
        for (_, forms) in FORMS {
            for form in forms.split(", ") {
                assert!(parse_strategy(form).is_ok(), "{form}");
                // What is said to list them all does.
                let explained = include_str!("explain/bad-strategy.md");
                assert!(explained.contains(&format!("`{form}`")), "{form}");
            }
        }
    }

    #[test]
    fn numbers_that_servers_take_otherwise_are_told() {
        let why = |text: &str| parse_strategy(text).unwrap_err().message.to_string();
        for never in [
            "gunicorn:2:sync:max-requests=0",
            "celery:2:prefork:max-tasks=0",
            "prefork:2:max-requests=0(asyncio)",
            "processes:2:spawn:max-tasks=0",
            "Gunicorn(workers: 2, max_requests: 0)",
        ] {
            let d = parse_strategy(never).unwrap_err();
            let said = format!("{} {}", d.message, d.help.unwrap_or_default());
            assert!(said.contains(NEVER_REPLACED), "{never}: {said}");
        }
        for missing in [
            "gunicorn:2:sync:backlog=",
            "prefork:2:jitter=(asyncio)",
            "uvicorn:2:max-requests=",
        ] {
            assert!(why(missing).contains("is missing"), "{}", why(missing));
        }
        // The servers' own default.
        for none in [
            "gunicorn:2:sync:max-requests=10:jitter=0",
            "Gunicorn(workers: 2, max_requests: 10, jitter: 0)",
        ] {
            let label = parse_strategy(none).unwrap().strategy.server().unwrap();
            assert_eq!(label.label(), "gunicorn:2:sync:max-requests=10");
        }
    }

    #[test]
    fn every_form_is_a_strategy() {
        for form in STRATEGY_FORMS {
            assert!(parse_strategy(form).is_ok(), "{form}");
        }
    }
}

#[cfg(test)]
mod described {
    use super::*;
    use crate::scenario::{Execution, Pool};

    fn execution(form: &str) -> Execution {
        parse_strategy(form).unwrap().strategy.execution()
    }

    #[test]
    fn every_kind_is_described() {
        let auto = Workers::Auto;
        let fork = |api| Pool::Processes {
            workers: Workers::Exactly(3),
            start: StartMethod::Fork,
            api,
        };
        let chunks = ProcessApi::Pool { chunksize: Some(5) };
        let chunked = ProcessApi::Executor { chunksize: Some(5) };
        for (form, pool, start, apart) in [
            ("sequential", Pool::Nobody, None, false),
            ("threads", Pool::Threads(auto), None, false),
            ("threads:per-task", Pool::ThreadEach, None, false),
            (
                "processes:3:fork",
                fork(ProcessApi::EXECUTOR),
                Some(StartMethod::Fork),
                true,
            ),
            ("pool:3:fork:5", fork(chunks), Some(StartMethod::Fork), true),
            (
                "processes:3:fork:5",
                fork(chunked),
                Some(StartMethod::Fork),
                true,
            ),
            ("interpreters", Pool::Interpreters(auto), None, true),
            ("asyncio", Pool::Nobody, None, false),
            ("asyncio+threads", Pool::Threads(auto), None, false),
            (
                "asyncio+processes:3:fork",
                fork(ProcessApi::EXECUTOR),
                Some(StartMethod::Fork),
                true,
            ),
            ("asyncio+interpreters", Pool::Interpreters(auto), None, true),
        ] {
            let e = execution(form);
            assert_eq!(e.pool, pool, "{form}");
            assert_eq!((e.pool.start(), e.pool.apart()), (start, apart), "{form}");
            assert_eq!(e.event_loop, form.starts_with("asyncio"), "{form}");
            assert_eq!((e.copies, e.limit), (None, None), "{form}");
            let strategy = parse_strategy(form).unwrap().strategy;
            assert_eq!(strategy.is_sequential(), form == "sequential", "{form}");
            assert_eq!(strategy.each(), &strategy, "{form}");
            // A prefork server around the strategy changes which processes run it, and nothing else.
            let served = format!("prefork:2({form})");
            assert_eq!(
                execution(&served),
                Execution {
                    copies: Some(2),
                    ..e
                },
                "{served}"
            );
            let served = parse_strategy(&served).unwrap().strategy;
            assert_eq!(served.each(), &strategy, "{form}");
            assert!(!served.is_sequential(), "{form}");
        }
        assert_eq!(execution("asyncio:7").limit, Some(7));
        assert_eq!(
            execution("interpreters:4").pool.workers(),
            Some(Workers::Exactly(4))
        );
        assert_eq!(execution("threads:per-task").pool.workers(), None);
    }
}
