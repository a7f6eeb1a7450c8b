//! States of threads and tasks in words.

use std::borrow::Cow;

use crate::cpython::snapshot::{CpuWork, Snapshot, StepState, TaskLocation, ThreadActivity};
use crate::engine::Nanos;
use crate::quantity::state;
use crate::quantity::{counted, seconds};

/// Name of a thread, with its process if that is another than `from`.
pub(super) fn thread_name(s: &Snapshot, thread: usize, from: Option<usize>) -> String {
    let t = &s.threads[thread];
    if from == Some(t.process) || s.processes.len() < 2 {
        t.name.clone()
    } else {
        format!("{} of {}", t.name, s.processes[t.process].name)
    }
}

fn left(s: &Snapshot, until: Nanos) -> String {
    seconds(until.since(s.at))
}

/// What a thread does, in words.
pub(super) fn doing(s: &Snapshot, thread: usize) -> String {
    let t = &s.threads[thread];
    let who = |other: &Option<usize>, verb: &str| {
        other.map_or(String::new(), |h| {
            format!(", {verb} {}", thread_name(s, h, Some(t.process)))
        })
    };
    match &t.doing {
        ThreadActivity::Running(core, work) => format!("{} on core {core}", working(work)),
        ThreadActivity::Ready(core) => {
            let other = s.cores.get(*core as usize).copied().flatten();
            match other {
                Some(_) => format!(
                    "{}, core {core}{}",
                    state::CORE,
                    who(&other, "where now runs")
                ),
                None => format!("{}, on its way to core {core}", state::CORE),
            }
        }
        ThreadActivity::WaitsForGil(None) => format!("{}, free just now", state::GIL),
        ThreadActivity::WaitsForGil(holder) => format!("{}{}", state::GIL, who(holder, "held by")),
        ThreadActivity::ForcedSwitch => {
            format!("{}: had to give it up, until another has it", state::GIL)
        }
        ThreadActivity::StoppedWorld(by) => format!("stopped for the collector{}", who(by, "by")),
        ThreadActivity::Sleeps(until) => format!("{}, {} to go", state::IO, left(s, *until)),
        ThreadActivity::WaitsForArrival(None) => "waiting for the next arrival".into(),
        ThreadActivity::WaitsForArrival(Some(at)) => {
            format!("waiting for the next arrival, {} to go", left(s, *at))
        }
        ThreadActivity::WaitsForLock(lock, holder) => {
            format!("{} '{lock}'{}", state::LOCK, who(holder, "held by"))
        }
        ThreadActivity::WaitsForResource(resource) => format!("{} '{resource}'", state::RESOURCE),
        ThreadActivity::Transfers(device, others) => transfers(device, *others),
        ThreadActivity::WaitsForItem(queue) => format!("waiting for an item of queue '{queue}'"),
        ThreadActivity::WaitsForRoom(queue) => format!("waiting for room in queue '{queue}'"),
        ThreadActivity::WaitsForChildren(open, all) => children(*open, *all),
        ThreadActivity::Select(None) => state::SELECT.into(),
        ThreadActivity::Select(Some(until)) => {
            format!("{}, for {} at most", state::SELECT, left(s, *until))
        }
        ThreadActivity::WaitsForResults(n) => {
            format!("waiting for the results of {}", counted(*n, "task"))
        }
        ThreadActivity::Idle => "idle, waiting for work".into(),
        ThreadActivity::WaitsForWork(what) => format!("waiting for {what}"),
        ThreadActivity::Starts => "waiting until what it starts is up".into(),
        ThreadActivity::WaitsForPipe => "waiting for room in a pipe".into(),
        ThreadActivity::WaitsToWrite => "waiting for its turn to write its result".into(),
        ThreadActivity::NotStarted => "being started".into(),
    }
}

fn working(work: &CpuWork) -> Cow<'static, str> {
    let words = match work {
        CpuWork::Bytecode => "running Python",
        CpuWork::Accessing(object) => return format!("accessing object '{object}'").into(),
        CpuWork::Contending(object) => {
            return format!("waiting for its turns at object '{object}'").into();
        }
        CpuWork::Native => "running native code, without the GIL,",
        CpuWork::SystemCall => "in a system call",
        CpuWork::Pickling => state::PICKLING,
        CpuWork::Unpickling => "unpickling",
        CpuWork::Collecting => "collecting garbage",
        CpuWork::StartingUp => state::STARTUP,
        CpuWork::Bookkeeping => "hand-over (bookkeeping)",
    };
    words.into()
}

fn children(open: u64, all: u64) -> String {
    format!("waiting for its children, {} of {all} done", all - open)
}

/// What a task waits for, or which thread executes it, in words.
pub(super) fn place(s: &Snapshot, task: usize) -> String {
    let t = &s.tasks[task];
    let by = |thread: &usize| thread_name(s, *thread, t.process);
    match &t.place {
        TaskLocation::Thread(thread) => format!("in {}", by(thread)),
        TaskLocation::Accept(n) => format!("waiting to be taken in, {}", nth(*n)),
        TaskLocation::Connecting(at) => format!(
            "connecting: the listen queue was full, {} to the next try",
            left(s, *at)
        ),
        TaskLocation::RequestOnItsWay(at) => format!("on its way to its machine, {}", left(s, *at)),
        TaskLocation::AnswerOnItsWay(at) => format!("its answer is on its way, {}", left(s, *at)),
        TaskLocation::Broker(n) => format!("in the broker's queue, {}", nth(*n)),
        TaskLocation::Unanswered => "on a machine that is gone, which nobody knows yet".into(),
        TaskLocation::HandingOver(thread) => format!("being handed over by {}", by(thread)),
        TaskLocation::Worker(n) => format!("waiting for a free worker, {}", nth(*n)),
        TaskLocation::HandedTo(thread) => format!("handed to {}, which wakes up", by(thread)),
        TaskLocation::CallQueue(n) => format!("in the call queue, {}", nth(*n)),
        TaskLocation::BeingSent(thread) => format!("being sent by {}", by(thread)),
        TaskLocation::CallPipe(n) => format!("in the pipe to the workers, {}", nth(*n)),
        TaskLocation::Chunk(thread, n) => format!("in the chunk of {}, {n} before it", by(thread)),
        TaskLocation::ResultSent(thread) => format!("its result is being sent by {}", by(thread)),
        TaskLocation::ResultPipe(n) => format!("its result is in the pipe, {}", nth(*n)),
        TaskLocation::ResultRead(thread) => format!("its result is being read by {}", by(thread)),
        TaskLocation::Loop(n) => format!("ready, {} on the loop", nth(*n)),
        TaskLocation::Limit(n) => format!("{}, {}", state::LIMIT, nth(*n)),
        TaskLocation::LoopLock(lock, holder, n) => {
            let held = holder.map_or(String::new(), |h| format!(", held by {}", s.tasks[h].name));
            format!("{} '{lock}'{held}, {}", state::LOCK, nth(*n))
        }
        TaskLocation::Resource(resource) => format!("{} '{resource}'", state::RESOURCE),
        TaskLocation::Transfers(device, others) => transfers(device, *others),
        TaskLocation::Item(queue) => format!("waiting for an item of queue '{queue}'"),
        TaskLocation::Room(queue) => format!("waiting for room in queue '{queue}'"),
        TaskLocation::Children(open, all) => children(*open, *all),
        // The loop looks at its timers once an iteration.
        TaskLocation::Sleeps(until) if *until <= s.at => {
            "its wait is over, waiting for the loop".into()
        }
        TaskLocation::Sleeps(until) => format!("{}, {} to go", state::IO, left(s, *until)),
        TaskLocation::Underway => "on its way".into(),
    }
}

/// A transfer by a device, in words.
fn transfers(device: &str, others: u64) -> String {
    match others {
        0 => format!("{}, transferring by '{device}'", state::IO),
        n => format!(
            "{}, transferring by '{device}' beside {}",
            state::IO,
            counted(n, "other")
        ),
    }
}

/// A position in a queue, in words.
fn nth(n: usize) -> String {
    let end = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{end} in line")
}

/// What several tasks wait for, as a kind to count them by: `waiting for a free worker`.
pub(super) fn kind_of_place(place: &TaskLocation) -> &'static str {
    match place {
        TaskLocation::Thread(_) => "in threads",
        TaskLocation::Accept(_) => "waiting to be taken in",
        TaskLocation::Connecting(_) => "connecting again, for the listen queue was full",
        TaskLocation::RequestOnItsWay(_) => "on their way to machines",
        TaskLocation::AnswerOnItsWay(_) => "answers on their way",
        TaskLocation::Broker(_) => "in the broker's queue",
        TaskLocation::Unanswered => "on machines that are gone",
        TaskLocation::HandingOver(_) => "being handed over",
        TaskLocation::Worker(_) => "waiting for a free worker",
        TaskLocation::HandedTo(_) => "handed to a worker",
        TaskLocation::CallQueue(_) => "in the call queue",
        TaskLocation::BeingSent(_) => "being sent",
        TaskLocation::CallPipe(_) => "in the pipe to the workers",
        TaskLocation::Chunk(..) => "in a worker's chunk",
        TaskLocation::ResultSent(_) => "results being sent",
        TaskLocation::ResultPipe(_) => "results in the pipe",
        TaskLocation::ResultRead(_) => "results being read",
        TaskLocation::Loop(_) => "ready, waiting for their turn on the loop",
        TaskLocation::Limit(_) => state::LIMIT,
        TaskLocation::LoopLock(..) => state::LOCK,
        TaskLocation::Resource(_) => state::RESOURCE,
        TaskLocation::Item(_) => "waiting for an item of a queue",
        TaskLocation::Room(_) => "waiting for room in a queue",
        TaskLocation::Children(..) => "waiting for their children",
        TaskLocation::Sleeps(_) | TaskLocation::Transfers(..) => state::IO,
        TaskLocation::Underway => "on their way",
    }
}

/// What several threads do, as a kind to count them by.
pub(super) fn kind_of_doing(doing: &ThreadActivity) -> &'static str {
    match doing {
        ThreadActivity::Running(..) => "running",
        ThreadActivity::Ready(_) => state::CORE,
        ThreadActivity::WaitsForGil(_) | ThreadActivity::ForcedSwitch => state::GIL,
        ThreadActivity::StoppedWorld(_) => "stopped for the collector",
        ThreadActivity::Sleeps(_) | ThreadActivity::Transfers(..) => state::IO,
        ThreadActivity::WaitsForArrival(_) => "waiting for arrivals",
        ThreadActivity::WaitsForLock(..) => state::LOCK,
        ThreadActivity::WaitsForResource(_) => state::RESOURCE,
        ThreadActivity::WaitsForItem(_) => "waiting for an item of a queue",
        ThreadActivity::WaitsForRoom(_) => "waiting for room in a queue",
        ThreadActivity::WaitsForChildren(..) => "waiting for children",
        ThreadActivity::Select(_) => state::SELECT,
        ThreadActivity::WaitsForResults(_) => "waiting for results",
        ThreadActivity::Idle | ThreadActivity::WaitsForWork(_) => "idle",
        ThreadActivity::Starts => "waiting for what they start",
        ThreadActivity::WaitsForPipe | ThreadActivity::WaitsToWrite => "waiting for a pipe",
        ThreadActivity::NotStarted => "being started",
    }
}

/// A step in words: `Cpu("500ms"), 40 ms left (4 of 5)`; one that has not begun is next.
pub(super) fn step(step: Option<&StepState>) -> String {
    let Some(step) = step else {
        return "at its end".into();
    };
    let count = match step.number {
        0 => String::new(),
        n => format!(" ({n} of {})", step.of),
    };
    match (step.begun, step.left) {
        (true, Some(left)) => format!("{}, {} left{count}", step.text, seconds(left)),
        (true, None) => format!("{}{count}", step.text),
        (false, _) => format!("next {}{count}", step.text),
    }
}

/// How many more there are, by kind, to be joined by commas: `68 more: 60 waiting for a free worker`, `8 in select`.
pub(super) fn more<'k>(kinds: impl Iterator<Item = &'k str>) -> Vec<String> {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    let mut all = 0;
    for kind in kinds {
        all += 1;
        match counted.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, n)) => *n += 1,
            None => counted.push((kind, 1)),
        }
    }
    if let [(kind, _)] = counted.as_slice() {
        let each = if all == 2 { "both" } else { "all" };
        vec![format!("... {all} more, {each} {kind}")]
    } else {
        counted.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
        let mut parts: Vec<String> = counted.iter().map(|(k, n)| format!("{n} {k}")).collect();
        if let Some(first) = parts.first_mut() {
            *first = format!("... {all} more: {first}");
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_line_are_counted() {
        for (n, text) in [
            (1, "1st"),
            (2, "2nd"),
            (3, "3rd"),
            (4, "4th"),
            (11, "11th"),
            (21, "21st"),
            (112, "112th"),
        ] {
            assert_eq!(nth(n), format!("{text} in line"));
        }
    }

    #[test]
    fn what_is_left_out_is_counted_by_kind() {
        assert_eq!(more(["a", "a"].into_iter()), ["... 2 more, both a"]);
        assert_eq!(more(["a"; 3].into_iter()), ["... 3 more, all a"]);
        assert_eq!(
            more(["a", "b", "b"].into_iter()),
            ["... 3 more: 2 b", "1 a"]
        );
    }
}
