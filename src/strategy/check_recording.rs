//! Laws that every recording of a whole run obeys: it agrees with the outcome.

use super::{CAUSES, Cause, Outcome, SimInput};
use crate::cpython::recording::{Recording, TapeState, TaskEnd, TaskRecord, ThreadSpan};
use crate::engine::{Nanos, Total};
use crate::scenario::{Arrivals, Placed, Step, WaitsFor};

/// Checks a recording whose window is the whole run against the run's outcome.
///
/// # Errors
///
/// Returns what does not agree, one line each.
pub fn check_recording(
    input: &SimInput<'_>,
    outcome: &Outcome,
    recording: &Recording,
) -> Result<(), String> {
    let mut wrong = Vec::new();
    if recording.stopped.is_some() || recording.end != outcome.end {
        wrong.push(format!(
            "ends at {:?} (stopped: {:?}), the run at {:?}",
            recording.end, recording.stopped, outcome.end
        ));
    }
    causes(outcome, recording, &mut wrong);
    children(input, outcome, recording, &mut wrong);
    threads(recording, &mut wrong);
    cores(input.profile.gil, outcome, recording, &mut wrong);
    gils(outcome, recording, &mut wrong);
    tasks(input, outcome, recording, &mut wrong);
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

/// Checks that every nanosecond that the outcome books to a cause lies in exactly one counted span or wait.
fn causes(outcome: &Outcome, recording: &Recording, wrong: &mut Vec<String>) {
    let mut sums = [Total::ZERO; CAUSES];
    for s in recording.spans.iter().filter(|s| s.counted) {
        sums[s.cause as usize] += s.to - s.from;
    }
    for w in recording.waits.iter().filter(|w| w.counted) {
        sums[w.cause as usize] += w.to - w.from;
    }
    for cause in Cause::ALL {
        let (sum, booked) = (sums[cause as usize], outcome.causes[cause as usize]);
        if sum != booked {
            wrong.push(format!(
                "{}: {sum:?} recorded, {booked:?} booked",
                cause.name()
            ));
        }
    }
}

/// Checks that children that are tasks of their own have a cause for every nanosecond from their start to their end. Children that the
/// parent's thread executes inline are no tasks, and their time is the parent's as well.
fn children(
    input: &SimInput<'_>,
    outcome: &Outcome,
    recording: &Recording,
    wrong: &mut Vec<String>,
) {
    let booked: Total = outcome.children.iter().copied().sum();
    let mut all = recording
        .tasks
        .iter()
        .filter(|t| t.parent.is_some())
        .peekable();
    if all.peek().is_none() {
        if outcome
            .children
            .iter()
            .zip(&outcome.causes)
            .any(|(c, all)| c > all)
        {
            wrong.push(format!(
                "children spend {:?}, their parents {:?}",
                outcome.children, outcome.causes
            ));
        }
        return;
    }
    let clean = outcome.failed + outcome.timed_out + outcome.rejected + outcome.in_flight == 0;
    if !clean || input.warmup > Nanos::ZERO {
        return;
    }
    let spent: Option<Total> = all
        .map(|t| {
            t.ended
                .filter(|e| e.1 == TaskEnd::Done)
                .map(|e| Total::from(e.0 - t.arrived))
        })
        .sum();
    // Children of calls are executed by the worker that has the call, and are no tasks of their own.
    let of_call = |s: &Step| match s.placed() {
        Some(Placed::Call(_)) => s.any(&|s| s.waits() == WaitsFor::Children),
        Some(Placed::Loop) | None => false,
    };
    let some_inline = input.workload.any_step(of_call);
    if let Some(spent) = spent
        && (spent > booked || spent < booked && !some_inline)
    {
        wrong.push(format!(
            "children were there for {spent:?}, {booked:?} booked"
        ));
    }
}

/// Checks that a thread's spans follow one another from its start to its exit.
fn threads(recording: &Recording, wrong: &mut Vec<String>) {
    let mut ends: Vec<Nanos> = recording.threads.iter().map(|t| t.started).collect();
    for s in &recording.spans {
        let Some(end) = ends.get_mut(s.thread as usize) else {
            wrong.push(format!("thread {} is not listed", s.thread));
            continue;
        };
        if s.from != *end || s.to <= s.from {
            wrong.push(format!("{s:?} follows {end:?}"));
        }
        if s.counted && s.task.is_none() {
            wrong.push(format!("{s:?} counts for no task"));
        }
        *end = s.to;
    }
    for (thread, end) in recording.threads.iter().zip(ends) {
        let last = thread.exited.unwrap_or(recording.end);
        if end != last {
            wrong.push(format!(
                "{} ends at {last:?}, its last span at {end:?}",
                thread.name
            ));
        }
        if thread.process as usize >= recording.processes.len() {
            wrong.push(format!("{} has no process", thread.name));
        }
    }
}

/// Checks that each core runs one thread at a time, and for as long as it was busy.
fn cores(gil: bool, outcome: &Outcome, recording: &Recording, wrong: &mut Vec<String>) {
    for (core, &busy) in (0..).zip(&outcome.core_busy) {
        let mut on: Vec<&ThreadSpan> = recording
            .spans
            .iter()
            .filter(|s| s.doing == TapeState::OnCore(core))
            .collect();
        on.sort_unstable_by_key(|s| s.from);
        for two in on.windows(2) {
            if two[0].to > two[1].from {
                wrong.push(format!("core {core} runs two threads: {two:?}"));
            }
        }
        let sum: Nanos = on.iter().map(|s| s.to - s.from).sum();
        // Waiters for the GIL that time out in vain are charged, but not recorded.
        if sum > busy || !gil && sum != busy {
            wrong.push(format!("core {core}: {sum:?} recorded, {busy:?} busy"));
        }
    }
}

/// Checks that each GIL has one holder at a time, and is held for as long as the outcome says.
fn gils(outcome: &Outcome, recording: &Recording, wrong: &mut Vec<String>) {
    let mut ends: Vec<Nanos> = Vec::new();
    let mut sum = Total::ZERO;
    for hold in &recording.gil_holds {
        let gil = hold.gil as usize;
        if ends.len() <= gil {
            ends.resize(gil + 1, Nanos::ZERO);
        }
        if hold.from < ends[gil] {
            wrong.push(format!(
                "two hold a GIL: {hold:?} begins before {:?}",
                ends[gil]
            ));
        }
        ends[gil] = hold.to;
        sum += hold.to - hold.from;
    }
    // GILs that are held when the run ends are not in the statistics yet.
    let open: Total = recording
        .gil_holds
        .iter()
        .filter(|h| h.to == recording.end)
        .map(|h| h.to - h.from)
        .sum();
    if sum < outcome.gil_held || sum > outcome.gil_held + open {
        wrong.push(format!(
            "GILs: {sum:?} recorded, {:?} held",
            outcome.gil_held
        ));
    }
}

/// Checks that tasks that count end as often, and in the same ways, as in the outcome.
fn tasks(input: &SimInput<'_>, outcome: &Outcome, recording: &Recording, wrong: &mut Vec<String>) {
    // What the main program does before rounds has numbers after those of all tasks.
    let batch = input.workload.arrivals == Arrivals::Batch;
    let serial = |t: &&TaskRecord| batch && t.number >= input.workload.tasks_of_all_rounds();
    let ended = |how: TaskEnd| {
        recording
            .tasks
            .iter()
            .filter(|t| t.parent.is_none() && !serial(t) && t.arrived >= input.warmup)
            .filter(|t| t.ended.is_some_and(|(_, end)| end == how))
            .count() as u64
    };
    for (how, counted) in [
        (TaskEnd::Done, outcome.completed),
        (TaskEnd::Failed, outcome.failed),
        (TaskEnd::TimedOut, outcome.timed_out),
        (TaskEnd::Rejected, outcome.rejected),
    ] {
        let recorded = ended(how);
        if recorded != counted {
            wrong.push(format!(
                "{recorded} tasks recorded as {how:?}, {counted} counted"
            ));
        }
    }
    for t in &recording.tasks {
        let rising = t.hops.windows(2).all(|h| h[0].1 <= h[1].1);
        let known = t
            .hops
            .iter()
            .all(|h| (h.0 as usize) < recording.threads.len());
        if !rising || !known {
            wrong.push(format!("task {}: hops {:?}", t.number, t.hops));
        }
    }
}
