//! Snapshots as JSON, documented in `docs/inspect.md`.

use serde::Serialize;

use super::{LabelledSnapshot, Rows, of_class, words};
use crate::cpython::snapshot::{RunEnd, Snapshot, TaskLocation, ThreadActivity};
use crate::engine::Nanos;
use crate::result::SCHEMA;

#[derive(Serialize)]
struct Document<'a> {
    schema: u64,
    kind: &'static str,
    scenario: &'a str,
    strategy: &'a str,
    interpreter: &'a str,
    replication: u32,
    seed: u64,
    asked_s: f64,
    at_s: f64,
    ended: Option<&'static str>,
    totals: TotalsJson,
    memory_bytes: u64,
    cores: &'a [Option<usize>],
    gils: Vec<GilJson<'a>>,
    processes: Vec<ProcessJson<'a>>,
    threads: Vec<ThreadJson<'a>>,
    tasks: Vec<TaskJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultJson<'a>>,
    cycles: Vec<Vec<LinkJson<'a>>>,
}

#[derive(Serialize)]
struct FaultJson<'a> {
    what: &'a str,
    from_s: f64,
    until_s: Option<f64>,
}

#[derive(Serialize)]
struct TotalsJson {
    arrived: u64,
    done: u64,
    failed: u64,
    timed_out: u64,
    rejected: u64,
    in_flight: u64,
    not_taken_in: u64,
    to_come: Option<u64>,
}

#[derive(Serialize)]
struct GilJson<'a> {
    process: usize,
    of_interpreter: bool,
    holder: Option<usize>,
    waiters: &'a [usize],
}

#[derive(Serialize)]
struct ProcessJson<'a> {
    name: &'a str,
    parent: Option<usize>,
    memory_bytes: u64,
}

#[derive(Serialize)]
struct ThreadJson<'a> {
    process: usize,
    name: &'a str,
    state: &'static str,
    text: String,
    core: Option<u32>,
    since_s: f64,
    task: Option<usize>,
}

#[derive(Serialize)]
struct TaskJson<'a> {
    index: usize,
    name: &'a str,
    class: &'a str,
    parent: Option<usize>,
    process: Option<usize>,
    arrived_s: f64,
    state: &'static str,
    text: String,
    thread: Option<usize>,
    since_s: f64,
    step: Option<StepJson<'a>>,
    holds: &'a [String],
    deadline_s: Option<f64>,
}

#[derive(Serialize)]
struct StepJson<'a> {
    number: u32,
    of: u32,
    text: &'a str,
    begun: bool,
    left_s: Option<f64>,
}

#[derive(Serialize)]
struct LinkJson<'a> {
    task: usize,
    waits_for: &'a str,
}

/// The whole snapshot as JSON, ending in a newline. The limit on rows does not apply here.
pub fn ps_json(labelled: &LabelledSnapshot<'_>, rows: &Rows) -> String {
    let s = labelled.snapshot;
    let document = Document {
        schema: SCHEMA,
        kind: "snapshot",
        scenario: labelled.scenario,
        strategy: labelled.strategy,
        interpreter: labelled.interpreter,
        replication: labelled.replication,
        seed: labelled.seed,
        asked_s: labelled.asked.as_secs_f64(),
        at_s: s.at.as_secs_f64(),
        ended: s.end.map(end),
        totals: totals(s),
        memory_bytes: s.memory,
        cores: &s.cores,
        gils: gils(s),
        processes: s
            .processes
            .iter()
            .map(|p| ProcessJson {
                name: &p.name,
                parent: p.parent,
                memory_bytes: p.memory,
            })
            .collect(),
        threads: threads(s),
        tasks: tasks(s, rows),
        faults: (s.faults.iter())
            .map(|f| FaultJson {
                what: &f.what,
                from_s: f.from.as_secs_f64(),
                until_s: f.until.map(Nanos::as_secs_f64),
            })
            .collect(),
        cycles: cycles(s),
    };
    let mut out =
        serde_json::to_string_pretty(&document).expect("keys are strings and numbers are finite");
    out.push('\n');
    out
}

fn totals(s: &Snapshot) -> TotalsJson {
    let t = &s.totals;
    TotalsJson {
        arrived: t.arrived,
        done: t.done,
        failed: t.failed,
        timed_out: t.timed_out,
        rejected: t.rejected,
        in_flight: t.in_flight,
        not_taken_in: t.not_taken_in,
        to_come: t.to_come,
    }
}

fn gils(s: &Snapshot) -> Vec<GilJson<'_>> {
    s.gils
        .iter()
        .map(|g| GilJson {
            process: g.process,
            of_interpreter: g.of_interpreter,
            holder: g.holder,
            waiters: &g.waiters,
        })
        .collect()
}

fn threads(s: &Snapshot) -> Vec<ThreadJson<'_>> {
    s.threads
        .iter()
        .enumerate()
        .map(|(i, t)| ThreadJson {
            process: t.process,
            name: &t.name,
            state: doing(&t.doing),
            text: words::doing(s, i),
            core: match t.doing {
                ThreadActivity::Running(core, _) | ThreadActivity::Ready(core) => Some(core),
                _ => None,
            },
            since_s: t.since.as_secs_f64(),
            task: t.task,
        })
        .collect()
}

fn tasks<'a>(s: &'a Snapshot, rows: &Rows) -> Vec<TaskJson<'a>> {
    (0..s.tasks.len())
        .filter(|&i| of_class(s, rows, i))
        .map(|i| {
            let t = &s.tasks[i];
            TaskJson {
                index: i,
                name: &t.name,
                class: &t.class,
                parent: t.parent,
                process: t.process,
                arrived_s: t.arrived.as_secs_f64(),
                state: place(&t.place),
                text: words::place(s, i),
                thread: super::in_thread(&t.place),
                since_s: t.since.as_secs_f64(),
                step: t.step.as_ref().map(|step| StepJson {
                    number: step.number,
                    of: step.of,
                    text: &step.text,
                    begun: step.begun,
                    left_s: step.left.map(Nanos::as_secs_f64),
                }),
                holds: &t.holds,
                deadline_s: t.deadline.map(Nanos::as_secs_f64),
            }
        })
        .collect()
}

fn cycles(s: &Snapshot) -> Vec<Vec<LinkJson<'_>>> {
    s.cycles
        .iter()
        .map(|cycle| {
            cycle
                .iter()
                .map(|l| LinkJson {
                    task: l.task,
                    waits_for: &l.waits_for,
                })
                .collect()
        })
        .collect()
}

fn end(end: RunEnd) -> &'static str {
    match end {
        RunEnd::Done => "done",
        RunEnd::Deadlock => "deadlock",
        RunEnd::Horizon => "horizon",
        RunEnd::OutOfMemory => "out of memory",
        RunEnd::EventLimit => "event limit",
        RunEnd::ClockEnd => "clock end",
        RunEnd::Killed => "crashed",
    }
}

fn doing(doing: &ThreadActivity) -> &'static str {
    match doing {
        ThreadActivity::Running(..) => "running",
        ThreadActivity::Ready(_) => "ready",
        ThreadActivity::WaitsForGil(_) => "gil",
        ThreadActivity::ForcedSwitch => "forced-switch",
        ThreadActivity::StoppedWorld(_) => "stopped-world",
        ThreadActivity::Sleeps(_) => "io",
        ThreadActivity::WaitsForArrival(_) => "arrivals",
        ThreadActivity::WaitsForLock(..) => "lock",
        ThreadActivity::WaitsForResource(_) => "resource",
        ThreadActivity::Transfers(..) => "transfer",
        ThreadActivity::WaitsForItem(_) => "queue-item",
        ThreadActivity::WaitsForRoom(_) => "queue-room",
        ThreadActivity::WaitsForChildren(..) => "children",
        ThreadActivity::Select(_) => "select",
        ThreadActivity::WaitsForResults(_) => "results",
        ThreadActivity::Idle => "idle",
        ThreadActivity::WaitsForWork(_) => "work",
        ThreadActivity::Starts => "starts",
        ThreadActivity::WaitsForPipe => "pipe-room",
        ThreadActivity::WaitsToWrite => "pipe-turn",
        ThreadActivity::NotStarted => "being-started",
    }
}

fn place(place: &TaskLocation) -> &'static str {
    match place {
        TaskLocation::Thread(_) => "thread",
        TaskLocation::Accept(_) => "accept",
        TaskLocation::Connecting(_) => "connecting",
        TaskLocation::RequestOnItsWay(_) => "request-on-its-way",
        TaskLocation::AnswerOnItsWay(_) => "answer-on-its-way",
        TaskLocation::Broker(_) => "broker",
        TaskLocation::Unanswered => "unanswered",
        TaskLocation::HandingOver(_) => "handing-over",
        TaskLocation::Worker(_) => "worker",
        TaskLocation::HandedTo(_) => "handed",
        TaskLocation::CallQueue(_) => "call-queue",
        TaskLocation::BeingSent(_) => "being-sent",
        TaskLocation::CallPipe(_) => "call-pipe",
        TaskLocation::Chunk(..) => "chunk",
        TaskLocation::ResultSent(_) => "result-sent",
        TaskLocation::ResultPipe(_) => "result-pipe",
        TaskLocation::ResultRead(_) => "result-read",
        TaskLocation::Loop(_) => "loop",
        TaskLocation::Limit(_) => "limit",
        TaskLocation::LoopLock(..) => "lock",
        TaskLocation::Resource(_) => "resource",
        TaskLocation::Transfers(..) => "transfer",
        TaskLocation::Item(_) => "queue-item",
        TaskLocation::Room(_) => "queue-room",
        TaskLocation::Children(..) => "children",
        TaskLocation::Sleeps(_) => "io",
        TaskLocation::Underway => "underway",
    }
}
