//! States of threads and tasks in words.

use std::borrow::Cow;

use crate::cpython::snapshot::{Doing, Place, Snapshot, StepState, Work};
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
        Doing::Running(core, work) => format!("{} on core {core}", working(work)),
        Doing::Ready(core) => {
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
        Doing::WaitsForGil(None) => format!("{}, free just now", state::GIL),
        Doing::WaitsForGil(holder) => format!("{}{}", state::GIL, who(holder, "held by")),
        Doing::ForcedSwitch => format!("{}: had to give it up, until another has it", state::GIL),
        Doing::StoppedWorld(by) => format!("stopped for the collector{}", who(by, "by")),
        Doing::Sleeps(until) => format!("{}, {} to go", state::IO, left(s, *until)),
        Doing::WaitsForArrival(None) => "waiting for the next arrival".into(),
        Doing::WaitsForArrival(Some(at)) => {
            format!("waiting for the next arrival, {} to go", left(s, *at))
        }
        Doing::WaitsForLock(lock, holder) => {
            format!("{} '{lock}'{}", state::LOCK, who(holder, "held by"))
        }
        Doing::WaitsForItem(queue) => format!("waiting for an item of queue '{queue}'"),
        Doing::WaitsForRoom(queue) => format!("waiting for room in queue '{queue}'"),
        Doing::WaitsForChildren(open, all) => children(*open, *all),
        Doing::Select(None) => state::SELECT.into(),
        Doing::Select(Some(until)) => {
            format!("{}, for {} at most", state::SELECT, left(s, *until))
        }
        Doing::WaitsForResults(n) => {
            format!("waiting for the results of {}", counted(*n, "task"))
        }
        Doing::Idle => "idle, waiting for work".into(),
        Doing::WaitsForWork(what) => format!("waiting for {what}"),
        Doing::Starts => "waiting until what it starts is up".into(),
        Doing::WaitsForPipe => "waiting for room in a pipe".into(),
        Doing::WaitsToWrite => "waiting for its turn to write its result".into(),
        Doing::NotStarted => "being started".into(),
    }
}

fn working(work: &Work) -> Cow<'static, str> {
    let words = match work {
        Work::Bytecode => "running Python",
        Work::Accessing(object) => return format!("accessing object '{object}'").into(),
        Work::Contending(object) => {
            return format!("waiting for its turns at object '{object}'").into();
        }
        Work::Native => "running native code, without the GIL,",
        Work::SystemCall => "in a system call",
        Work::Pickling => state::PICKLING,
        Work::Unpickling => "unpickling",
        Work::Collecting => "collecting garbage",
        Work::StartingUp => state::STARTUP,
        Work::Bookkeeping => "hand-over (bookkeeping)",
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
        Place::Thread(thread) => format!("in {}", by(thread)),
        Place::Accept(n) => format!("waiting to be taken in, {}", nth(*n)),
        Place::HandingOver(thread) => format!("being handed over by {}", by(thread)),
        Place::Worker(n) => format!("waiting for a free worker, {}", nth(*n)),
        Place::HandedTo(thread) => format!("handed to {}, which wakes up", by(thread)),
        Place::CallQueue(n) => format!("in the call queue, {}", nth(*n)),
        Place::BeingSent(thread) => format!("being sent by {}", by(thread)),
        Place::CallPipe(n) => format!("in the pipe to the workers, {}", nth(*n)),
        Place::Chunk(thread, n) => format!("in the chunk of {}, {n} before it", by(thread)),
        Place::ResultSent(thread) => format!("its result is being sent by {}", by(thread)),
        Place::ResultPipe(n) => format!("its result is in the pipe, {}", nth(*n)),
        Place::ResultRead(thread) => format!("its result is being read by {}", by(thread)),
        Place::Loop(n) => format!("ready, {} on the loop", nth(*n)),
        Place::Limit(n) => format!("{}, {}", state::LIMIT, nth(*n)),
        Place::LoopLock(lock, holder, n) => {
            let held = holder.map_or(String::new(), |h| format!(", held by {}", s.tasks[h].name));
            format!("{} '{lock}'{held}, {}", state::LOCK, nth(*n))
        }
        Place::Item(queue) => format!("waiting for an item of queue '{queue}'"),
        Place::Room(queue) => format!("waiting for room in queue '{queue}'"),
        Place::Children(open, all) => children(*open, *all),
        // The loop looks at its timers once an iteration.
        Place::Sleeps(until) if *until <= s.at => "its wait is over, waiting for the loop".into(),
        Place::Sleeps(until) => format!("{}, {} to go", state::IO, left(s, *until)),
        Place::Underway => "on its way".into(),
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
pub(super) fn kind_of_place(place: &Place) -> &'static str {
    match place {
        Place::Thread(_) => "in threads",
        Place::Accept(_) => "waiting to be taken in",
        Place::HandingOver(_) => "being handed over",
        Place::Worker(_) => "waiting for a free worker",
        Place::HandedTo(_) => "handed to a worker",
        Place::CallQueue(_) => "in the call queue",
        Place::BeingSent(_) => "being sent",
        Place::CallPipe(_) => "in the pipe to the workers",
        Place::Chunk(..) => "in a worker's chunk",
        Place::ResultSent(_) => "results being sent",
        Place::ResultPipe(_) => "results in the pipe",
        Place::ResultRead(_) => "results being read",
        Place::Loop(_) => "ready, waiting for their turn on the loop",
        Place::Limit(_) => state::LIMIT,
        Place::LoopLock(..) => state::LOCK,
        Place::Item(_) => "waiting for an item of a queue",
        Place::Room(_) => "waiting for room in a queue",
        Place::Children(..) => "waiting for their children",
        Place::Sleeps(_) => state::IO,
        Place::Underway => "on their way",
    }
}

/// What several threads do, as a kind to count them by.
pub(super) fn kind_of_doing(doing: &Doing) -> &'static str {
    match doing {
        Doing::Running(..) => "running",
        Doing::Ready(_) => state::CORE,
        Doing::WaitsForGil(_) | Doing::ForcedSwitch => state::GIL,
        Doing::StoppedWorld(_) => "stopped for the collector",
        Doing::Sleeps(_) => state::IO,
        Doing::WaitsForArrival(_) => "waiting for arrivals",
        Doing::WaitsForLock(..) => state::LOCK,
        Doing::WaitsForItem(_) => "waiting for an item of a queue",
        Doing::WaitsForRoom(_) => "waiting for room in a queue",
        Doing::WaitsForChildren(..) => "waiting for children",
        Doing::Select(_) => state::SELECT,
        Doing::WaitsForResults(_) => "waiting for results",
        Doing::Idle | Doing::WaitsForWork(_) => "idle",
        Doing::Starts => "waiting for what they start",
        Doing::WaitsForPipe | Doing::WaitsToWrite => "waiting for a pipe",
        Doing::NotStarted => "being started",
    }
}

/// A step in words: `Cpu("500ms"), 40 ms left (4 of 5)`; one that has not begun is next.
pub(super) fn step(step: &Option<StepState>) -> String {
    let Some(step) = step else {
        return "at its end".into();
    };
    let count = format!(" ({} of {})", step.number, step.of);
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
    match counted.as_slice() {
        [(kind, _)] => {
            let each = if all == 2 { "both" } else { "all" };
            vec![format!("... {all} more, {each} {kind}")]
        }
        _ => {
            counted.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
            let mut parts: Vec<String> = counted.iter().map(|(k, n)| format!("{n} {k}")).collect();
            if let Some(first) = parts.first_mut() {
                *first = format!("... {all} more: {first}");
            }
            parts
        }
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
