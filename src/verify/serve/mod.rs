//! Real servers under test: an application behind the server that a strategy names, started by its own command line on a free port of
//! 127.0.0.1, and asked by a client of ours.

mod client;
pub(super) mod forecast;
mod kills;
mod modules;
mod venv;

use std::borrow::Cow;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;

pub(super) use client::Asked;
use client::{Answer, Heard, Manner, load};
pub(super) use modules::{ModuleSizes, measured as module_sizes};
pub(crate) use venv::{ServerHome, VenvError, ready};

use super::application::ServedProgram;
use super::compare::Verified;
use super::error::ProgramError;
use super::run::{
    Canaries, ClientFigures, MEMORY_INTERVAL, MeasuredRun, ProgramDir, RunError, by_itself, crashed,
};
use crate::calibrate::bench::SERVING;
use crate::host::{self, Companion, ExitReason, HostError, Invocation, run_beside};
use crate::quantity::percent;
use crate::scenario::{
    Arrivals, Lifecycle, Server, ServerKind, Strategy, WorkerClass, Workload, strategy_label,
};

/// The program that says how fast the cores are, with what it shares with other programs.
const PACE: &str = include_str!("../template/pace.py");
const CANARY: &str = include_str!("../template/canary.py");
/// How long a small program may take: it takes a fraction of a second.
const SMALL: Duration = Duration::from_secs(30);
/// Servers that this process has started: each has a directory of its own.
static STARTED: AtomicU64 = AtomicU64::new(0);
/// How often a server is started anew where its port has been taken by somebody else meanwhile.
const STARTS: usize = 3;
/// How often whether a server has started is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// A server whose processes have used no more than a hundredth of a second for so long has started.
const REST: Duration = Duration::from_millis(300);
/// After so long, a server that has workers does not become any calmer.
const RESTLESS: Duration = Duration::from_secs(5);
/// How many requests for nothing go before the others, and how many milliseconds they are apart: what a server makes at its first
/// request is made then. None where workers count their requests.
const WARM_UP: u64 = 20;
const WARM_UP_MS: u64 = 10;
/// From this share of late requests on it is said that the client was late.
const NOTABLE_LATE: f64 = 0.01;

/// The same strategy for clients that make a connection for each request.
pub(super) fn with_new_connections(strategy: &Strategy) -> Cow<'_, Strategy> {
    match strategy.server() {
        Some(server) if server.keep_alive => {
            Cow::Owned(Strategy::served(server.with_new_connections()))
        }
        _ => Cow::Borrowed(strategy),
    }
}

/// Whether requests of this workload can be made of a strategy; any may be where it is no server.
pub(super) fn can_be_asked(strategy: &Strategy, workload: &Workload) -> Result<(), ProgramError> {
    if strategy.nodes().is_some() {
        let (label, one) = (strategy_label(strategy), strategy_label(strategy.on_each()));
        return Err(ProgramError::Machines(label, one));
    }
    let Some(server) = strategy.server() else {
        return Ok(());
    };
    let (label, plain) = (strategy_label(strategy), strategy_label(&plain(strategy)));
    if server.request().is_none() {
        return Err(ProgramError::Broker(label, plain));
    }
    match workload.arrivals {
        // Open arrivals have become recorded ones.
        Arrivals::Open { .. } | Arrivals::Varying { .. } | Arrivals::Trace(_) => Ok(()),
        Arrivals::Batch | Arrivals::Closed { .. } | Arrivals::Sessions { .. } => {
            Err(ProgramError::NotOpen(label, plain))
        }
    }
}

/// What a server comes to, as programs by themselves can be: its processes are forked after the imports, and stay.
fn plain(strategy: &Strategy) -> Strategy {
    let Some(server) = strategy.server() else {
        return strategy.clone();
    };
    let runs = server.strategy();
    match runs.execution().copies {
        Some(processes) => Strategy::Prefork {
            processes,
            each: Box::new(runs.each().clone()),
            life: Lifecycle::default(),
        },
        None => runs,
    }
}

/// What the program that is run beside a server says.
#[derive(Debug, Deserialize)]
struct Pace {
    canary_ns: Vec<f64>,
}

/// Starts the server of an application, asks it all that there is to ask, and ends it; with `memory`, its peak memory is sampled, which costs
/// time. `cores`: how many the server confines itself to; the client is confined to the others, if there are any.
pub(super) fn run_once(
    workshop: &ProgramDir,
    (served, stem): (&ServedProgram, &str),
    home: &ServerHome,
    (limit, cores): (Duration, Option<u32>),
    memory: bool,
) -> Result<(MeasuredRun, Option<u64>), RunError> {
    let unrunnable = |e: std::io::Error| RunError::Unrunnable(e.to_string());
    let shares = Shares::of(cores);
    workshop.file("serving.py", SERVING).map_err(unrunnable)?;
    let pace = PACE.replace("{canary}", CANARY);
    workshop.file("pace.py", &pace).map_err(unrunnable)?;
    let before = paced(workshop, home, &shares)?;
    let mut left = STARTS;
    let (seen, peak) = loop {
        left -= 1;
        match attempt(workshop, (served, stem), home, (limit, &shares), memory)? {
            Attempt::Measured(seen, peak) => break (*seen, peak),
            // A port that was free a moment ago may be somebody's by now.
            Attempt::NotStarted(_) if left > 0 => {}
            Attempt::NotStarted(why) => return Err(why),
        }
    };
    let after = paced(workshop, home, &shares)?;
    let run = figures(served, &seen, &shares, [&before, &after])?;
    Ok((run, peak))
}

/// Which cores are whose.
struct Shares {
    /// The words by which a program confines itself: a number of cores, 0 for all.
    words: String,
    /// The server's.
    server: Vec<usize>,
    /// The client's; empty where it has none of its own.
    client: Vec<usize>,
}

impl Shares {
    fn of(cores: Option<u32>) -> Self {
        let all = host::own_cores();
        let most = usize::try_from(cores.unwrap_or(0)).unwrap_or(usize::MAX);
        let (server, client) = match most {
            0 => (all, Vec::new()),
            n => {
                let (server, client) = all.split_at(n.min(all.len()));
                (server.to_vec(), client.to_vec())
            }
        };
        Self {
            words: most.to_string(),
            server,
            client,
        }
    }
}

/// What was seen while a server was asked.
struct Seen {
    heard: Heard,
    /// CPU seconds of the server's processes, of this one, and of everybody on the server's cores.
    server_cpu: Option<f64>,
    client_cpu: Option<f64>,
    busy: Option<f64>,
    switches: (f64, f64),
    /// How long it took from the first request's time zero until nothing was under way.
    took: Duration,
    /// How long after the first kill another worker had answered.
    back: Option<Duration>,
}

enum Attempt {
    Measured(Box<Seen>, Option<u64>),
    NotStarted(RunError),
}

fn attempt(
    workshop: &ProgramDir,
    (served, stem): (&ServedProgram, &str),
    home: &ServerHome,
    (limit, shares): (Duration, &Shares),
    memory: bool,
) -> Result<Attempt, RunError> {
    let unrunnable = |e: std::io::Error| RunError::Unrunnable(e.to_string());
    let address = free_address().map_err(unrunnable)?;
    let folder = format!("started-{}", STARTED.fetch_add(1, Ordering::Relaxed));
    let ready = workshop.folder(&folder).map_err(unrunnable)?;
    let server = served.server;
    let (app, words) = command(server, stem, address.port());
    let mut what = Invocation::new(&home.python);
    what.args = ["-W", "ignore", "serving.py", &shares.words, &folder]
        .map(Into::into)
        .to_vec();
    what.args.extend(words.iter().map(Into::into));
    what.args.push(app.into());
    what.dir = Some(workshop.path());
    what.env = environment(&ready);
    what.limit = limit;
    what.sample_memory = memory.then_some(MEMORY_INTERVAL);
    let accompanied = run_beside(&what, |companion| {
        host::pin(&shares.client);
        ask(companion, served, address, &ready, shares)
    })
    .map_err(|e| match e {
        HostError::Interrupted => RunError::Interrupted,
        other => RunError::Unrunnable(other.to_string()),
    })?;
    let finished = &accompanied.finished;
    by_itself(finished, limit)?;
    match accompanied.work {
        Some(seen) if !accompanied.early => {
            // An application's own mistake (500) is not a failure that the scenario speaks of.
            let mut told = seen.heard.answers.iter().flatten();
            let unknown = told.find_map(|(answer, _)| match answer {
                Answer::Status(200 | FAILED | TIMED_OUT) | Answer::Refused | Answer::Broken => None,
                Answer::Status(KILLED) if answers_when_killed(server) => None,
                Answer::Status(other) => Some(*other),
            });
            if let Some(status) = unknown {
                return Err(RunError::Crashed {
                    how: format!("its application answered with status {status}"),
                    said: finished.stderr.trim_end().to_owned(),
                });
            }
            Ok(Attempt::Measured(Box::new(seen), finished.memory_peak))
        }
        Some(_) => Err(crashed(finished)),
        None => Ok(Attempt::NotStarted(crashed(finished))),
    }
}

/// The statuses by which applications say how a task has failed.
const FAILED: u16 = 503;
const TIMED_OUT: u16 = 504;
/// What a worker of gunicorn's class `sync` answers when it is killed.
const KILLED: u16 = 500;

/// Whether a status of 500 may come from a worker that is killed because it is silent: the handler of SIGABRT raises `SystemExit` in the
/// application, and `sync` answers that as it does any exception (`workers/sync.py: handle`, `workers/base.py: handle_error`).
fn answers_when_killed(server: Server) -> bool {
    match server.kind {
        ServerKind::Gunicorn(WorkerClass::Sync) => server.kills_after().is_some(),
        ServerKind::Gunicorn(WorkerClass::Gthread(_) | WorkerClass::Uvicorn(_))
        | ServerKind::Uvicorn(_)
        | ServerKind::Hypercorn(_)
        | ServerKind::Celery(_) => false,
    }
}

/// The application's word of a server's command line, and the others with the port.
fn command(server: Server, stem: &str, port: u16) -> (String, Vec<String>) {
    let mut words = server.words(stem);
    let app = words.pop().unwrap_or_default();
    words.extend(server.listening(port));
    (app, words)
}

fn environment(ready: &Path) -> Vec<(String, String)> {
    vec![
        ("PYTHONDONTWRITEBYTECODE".into(), "1".into()),
        ("PYTHONSTARTUP".into(), String::new()),
        ("PCHSIM_READY".into(), ready.to_string_lossy().into_owned()),
    ]
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Waits until the server has started, and asks. `None` if it has not.
fn ask(
    companion: &Companion,
    served: &ServedProgram,
    address: SocketAddr,
    ready: &Path,
    shares: &Shares,
) -> Option<Seen> {
    let server = served.server;
    started(companion, server, address, ready)?;
    let over = || companion.over();
    let manner = Manner {
        address,
        keep_alive: server.keep_alive,
        killed: !served.kills.is_empty(),
    };
    if server.max_requests.is_none() {
        let for_nothing: Vec<Asked> = (0..WARM_UP)
            .map(|n| Asked {
                at: Duration::from_millis(n * WARM_UP_MS),
                path: "/".into(),
            })
            .collect();
        load(&for_nothing, manner, &over);
        rested(companion)?;
    }
    let readings = || {
        (
            companion.cpu(),
            host::own_cpu(),
            host::busy(&shares.server),
            companion.switches().unwrap_or_default(),
        )
    };
    let before = readings();
    let begun = Instant::now();
    let done = AtomicBool::new(false);
    let (heard, struck) = std::thread::scope(|scope| {
        let killer = scope.spawn(|| kills::kill(companion, served, ready, (begun, &done)));
        let heard = load(&served.asked, manner, &over);
        done.store(true, Ordering::SeqCst);
        (heard, killer.join().unwrap_or_default())
    });
    let took = begun.elapsed();
    let after = readings();
    let grown = |a: Option<f64>, b: Option<f64>| Some((b? - a?).max(0.0));
    (!companion.over()).then(|| Seen {
        back: struck.back(&heard.workers),
        heard,
        server_cpu: grown(before.0, after.0),
        client_cpu: grown(before.1, after.1),
        busy: grown(before.2, after.2),
        switches: (after.3.0 - before.3.0, after.3.1 - before.3.1),
        took,
    })
}

/// Waits until all workers have the application, the port is open and nothing moves any more. `None` if the server has ended before.
fn started(companion: &Companion, server: Server, address: SocketAddr, ready: &Path) -> Option<()> {
    // A server that loads the application itself is the only one that does.
    let wanted = if server.preload { 1 } else { server.workers };
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    loop {
        if companion.over() {
            return None;
        }
        let there = std::fs::read_dir(ready).map_or(0, Iterator::count);
        if there >= wanted && TcpStream::connect(address).is_ok() {
            return rested(companion);
        }
        std::thread::sleep(LOOK);
    }
}

/// Waits until the server's processes have nothing to do. `None` if it has ended before.
fn rested(companion: &Companion) -> Option<()> {
    let begun = Instant::now();
    let (mut since, mut used) = (begun, companion.cpu());
    while since.elapsed() < REST && begun.elapsed() < RESTLESS {
        if companion.over() {
            return None;
        }
        std::thread::sleep(LOOK);
        let cpu = companion.cpu();
        if cpu
            .zip(used)
            .is_some_and(|(now, before)| now > before + 0.011)
        {
            (since, used) = (Instant::now(), cpu);
        }
    }
    Some(())
}

/// How fast the cores are, by an interpreter of the same environment.
fn paced(workshop: &ProgramDir, home: &ServerHome, shares: &Shares) -> Result<Pace, RunError> {
    said(workshop, home, &["pace.py", &shares.words])
}

/// The last line of a small program in the environment, which is JSON.
fn said<T: serde::de::DeserializeOwned>(
    workshop: &ProgramDir,
    home: &ServerHome,
    words: &[&str],
) -> Result<T, RunError> {
    let mut what = Invocation::new(&home.python);
    what.args = words.iter().map(Into::into).collect();
    what.dir = Some(workshop.path());
    what.env = vec![("PYTHONDONTWRITEBYTECODE".into(), "1".into())];
    what.limit = SMALL;
    let mut last = String::new();
    let finished = host::run(&what, &mut |line| line.clone_into(&mut last))
        .map_err(|e| RunError::Unrunnable(e.to_string()))?;
    match finished.end {
        ExitReason::Interrupted => Err(RunError::Interrupted),
        ExitReason::TimedOut => Err(RunError::TimedOut(SMALL)),
        _ if !finished.succeeded() => Err(crashed(&finished)),
        _ => serde_json::from_str(&last).map_err(|e| RunError::Garbage(e.to_string())),
    }
}

/// The figures of a run, as programs report theirs.
fn figures(
    served: &ServedProgram,
    seen: &Seen,
    shares: &Shares,
    [before, after]: [&Pace; 2],
) -> Result<MeasuredRun, RunError> {
    let answers = &seen.heard.answers;
    let count = |is: &dyn Fn(Answer) -> bool| {
        let told = answers.iter().flatten();
        told.filter(|(answer, _)| is(*answer)).count()
    };
    let (refused, broken) = (
        count(&|a| a == Answer::Refused),
        count(&|a| a == Answer::Broken),
    );
    let killed = answers_when_killed(served.server);
    let says_so = |a| a == Answer::Status(FAILED) || killed && a == Answer::Status(KILLED);
    let failed = count(&says_so) + refused + broken;
    let cores = match shares.server.len() {
        0 => super::machine::cores() as usize,
        n => n,
    };
    let had = (seen.took.as_secs_f64() * cores as f64).max(1e-9);
    let apart = !shares.client.is_empty();
    // What the client has used of the server's cores is known, and nobody else's.
    let own = if apart { Some(0.0) } else { seen.client_cpu };
    let run = MeasuredRun {
        makespan_s: seen.heard.last.as_secs_f64(),
        closed_s: seen.took.as_secs_f64(),
        kinds: served.kinds.clone(),
        latencies_s: (answers.iter())
            .map(|a| match a {
                Some((Answer::Status(200), took)) => Some(took.as_secs_f64()),
                _ => None,
            })
            .collect(),
        failed: failed as u64,
        back_s: seen.back.map(|back| back.as_secs_f64()),
        timed_out: count(&|a| a == Answer::Status(TIMED_OUT)) as u64,
        cpu_s: seen.server_cpu.unwrap_or(0.0),
        busy_s: seen.busy.zip(own).map(|(busy, own)| (busy - own).max(0.0)),
        ctx_voluntary: seen.switches.0,
        ctx_involuntary: seen.switches.1,
        canary_ns: Canaries {
            before: before.canary_ns.clone(),
            after: after.canary_ns.clone(),
        },
        client: Some(ClientFigures {
            cpu_s: seen.client_cpu,
            share: seen.client_cpu.unwrap_or(0.0) / had,
            apart,
            requests: served.asked.len(),
            late: seen.heard.late,
            refused,
            broken,
        }),
    };
    run.check(served.asked.len()).map_err(RunError::Garbage)?;
    Ok(run)
}

/// What is to be said of the client of a server that has been measured.
pub(super) fn seen(verified: &Verified) -> Vec<String> {
    let Some(c) = verified.client else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    if let Some(cpu) = c.cpu_s {
        let share = percent(c.share);
        notes.push(if c.apart {
            format!("the client used {cpu:.2} s of CPU on cores of its own")
        } else {
            format!(
                "the client used {cpu:.2} s of CPU, {share} of the cores, which are the server's too (--cores leaves it some of its own)"
            )
        });
    }
    let unanswered = c.refused + c.broken;
    if unanswered > 0 {
        notes.push(format!(
            "in a run up to {unanswered} of {} requests had no answer: {} connections were refused, {} broken off",
            c.requests, c.refused, c.broken
        ));
    }
    if c.late as f64 > NOTABLE_LATE * c.requests as f64 {
        notes.push(format!(
            "in a run up to {} of {} requests were sent 5 ms or more after their time; latencies count from that time",
            c.late, c.requests
        ));
    }
    notes
}
