//! Describes a deadlock: which task waits for what when no event is left.

use super::snapshot::{RunEnd, Snapshot, picture};
use crate::cpython::executors::Executors;
use crate::cpython::finding::Finding;
use crate::cpython::finding::WaitReason;
use crate::cpython::index::{QueueIndex, ResourceIndex, TaskKey};
use crate::cpython::kernel::{On, Thread};
use crate::cpython::work::{Frame, Work};

/// Most tasks that are named; more would not help to understand.
const MOST: usize = 8;

/// Makes the finding of a deadlock: what the tasks wait for, and text about some of them, those of a cycle first, then one for each thing
/// that is waited for.
pub(crate) fn deadlock(work: &Work<'_>, executors: &Executors) -> Finding {
    let (snapshot, keys) = picture(work, executors, Some(RunEnd::Deadlock));
    let waits: Vec<(WaitReason, String)> = keys
        .iter()
        .map(|&key| waits_for(work, &keys, key))
        .collect();
    let mut on: Vec<WaitReason> = waits.iter().map(|(on, _)| on.clone()).collect();
    on.sort();
    on.dedup();
    let named = order(&snapshot, &waits);
    let mut waiting: Vec<String> = named
        .iter()
        .take(MOST)
        .map(|&i| {
            let task = &snapshot.tasks[i];
            let step = task.step.as_ref().filter(|s| s.number > 0);
            let step = step.map_or(String::new(), |s| {
                format!(" at step {} of {}", s.number, s.of)
            });
            format!("{} waits{step}: {}", task.name, waits[i].1)
        })
        .collect();
    let more = work.tasks.alive() - waiting.len() as u64;
    if more > 0 {
        waiting.push(format!("and {more} more"));
    }
    Finding::Deadlock {
        at: work.kernel.machine.now(),
        waiting,
        on,
    }
}

/// What a task, or the thread that executes it, waits for: as data and in words.
fn waits_for(work: &Work<'_>, all: &[TaskKey], key: TaskKey) -> (WaitReason, String) {
    let runs = |t: &&Thread| t.task == Some(key);
    let of_thread = || work.kernel.threads.iter().find(runs).and_then(|t| t.wait);
    let queue = |q: QueueIndex| work.kernel.program.queues[q].name.clone();
    let held = |name: &str, by: Option<TaskKey>| {
        let holder = by.map(|k| {
            if k == key {
                ", which it has itself".to_owned()
            } else {
                format!(", which {} has", work.task_name(&work.tasks[k]))
            }
        });
        let holder = holder.unwrap_or_default();
        (WaitReason::Lock, format!("lock '{name}'{holder}"))
    };
    let task = &work.tasks[key];
    if task.lost {
        let text = "the result of a call whose worker has crashed".to_owned();
        return (WaitReason::Crashed, text);
    }
    // Who waits within a call is the worker.
    let called = task.call().and_then(|_| of_thread());
    match called.or(task.wait).or_else(of_thread).map(|w| w.on) {
        Some(On::Item(q)) => {
            let name = queue(q);
            let text = format!("an item from queue '{name}'");
            (WaitReason::Item(name), text)
        }
        Some(On::Room(q)) => {
            let name = queue(q);
            let text = format!("room in queue '{name}'");
            (WaitReason::Room(name), text)
        }
        Some(On::Lock(lock)) => {
            let owner = work.kernel.locks[lock].owner();
            let by = owner.and_then(|t| work.kernel.threads[t].task);
            held(&work.kernel.lock_spec(lock).name, by)
        }
        Some(On::AwaitedLock(lock)) => {
            let by = work.awaited(work.tasks[key].copy, lock).owner();
            held(&work.kernel.program.locks[lock].name, by)
        }
        Some(On::Children) => (WaitReason::Children, "its children".to_owned()),
        Some(On::Resource(r)) => {
            let name = work.resource_name(r).to_owned();
            let text = format!("resource '{name}'{}", users(work, all, r, key));
            (WaitReason::Resource(name), text)
        }
        Some(On::Permit) => (WaitReason::Limit, "the loop's limit".to_owned()),
        _ => (WaitReason::Worker, "a worker".to_owned()),
    }
}

/// Who has a resource that a task waits for, in words; empty if nobody has it.
fn users(work: &Work<'_>, all: &[TaskKey], resource: ResourceIndex, waits: TaskKey) -> String {
    let has = |key: &&TaskKey| {
        let mut frames = work.tasks[**key].frames.iter();
        frames.any(|f| matches!(f, Frame::Use(of, _) if *of == resource))
    };
    let others = all.iter().filter(has).filter(|k| **k != waits);
    let mut names: Vec<String> = others.map(|&k| work.task_name(&work.tasks[k])).collect();
    if has(&&waits) {
        names.insert(0, "it itself".into());
    }
    match names.as_slice() {
        [] => String::new(),
        [one] => format!(", which {one} has"),
        [one, other] => format!(", which {one} and {other} have"),
        [one, other, more @ ..] => format!(", which {one}, {other} and {} more have", more.len()),
    }
}

/// The order in which tasks are named, as indices: those of a cycle, then the first that waits for each thing, then the others.
fn order(snapshot: &Snapshot, waits: &[(WaitReason, String)]) -> Vec<usize> {
    let circle = snapshot.cycles.first().into_iter().flatten();
    let mut order: Vec<usize> = circle.map(|link| link.task).collect();
    let mut known: Vec<&WaitReason> = order.iter().map(|&i| &waits[i].0).collect();
    for (i, (on, _)) in waits.iter().enumerate() {
        if !known.contains(&on) && !order.contains(&i) {
            known.push(on);
            order.push(i);
        }
    }
    let others: Vec<usize> = (0..waits.len()).filter(|i| !order.contains(i)).collect();
    order.extend(others);
    order
}
