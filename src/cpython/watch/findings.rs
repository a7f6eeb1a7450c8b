//! What went wrong in a run, seen at its end.

use crate::cpython::finding::Finding;
use crate::cpython::index::{ClassIndex, ObjectIndex};
use crate::cpython::kernel::Convoys;
use crate::cpython::work::Work;
use crate::engine::{Nanos, Total};

/// Fewer returns than this are a moment of a run and no course of it: threads that start together, a pool that closes.
const LEAST_TIMES: u64 = 10;
/// Where less than this part of their time is lost, nobody would notice that the tasks no longer lose it.
const LEAST_PART: u64 = 10;
/// asyncio's debug mode reports callbacks longer than this (`loop.slow_callback_duration`).
const SLOW_CALLBACK: Nanos = Nanos::from_millis(100);

/// All of them, but those that ended the run; after the time of all tasks is known.
pub(crate) fn findings(work: &Work<'_>) -> Vec<Finding> {
    let mut all = blocked_loops(work);
    all.extend(contended_object(work));
    all.extend(convoy(work));
    all.extend(futile_wakeups(work));
    all
}

/// The longest callbacks, if they were long enough for asyncio's own warning.
fn blocked_loops(work: &Work<'_>) -> Vec<Finding> {
    work.loops
        .iter()
        .filter(|l| l.longest.1 > SLOW_CALLBACK)
        .map(|l| Finding::BlockedLoop {
            at: l.longest.0,
            lasted: l.longest.1,
        })
        .collect()
}

/// The object, and the class of tasks that lost most at it, if that is worth a word. After the time of all tasks is known.
fn contended_object(work: &Work<'_>) -> Option<Finding> {
    let mut worst: Option<(ObjectIndex, ClassIndex, Total)> = None;
    for object in work.kernel.program.objects.keys() {
        for class in work.kernel.program.classes.keys() {
            let waited = work.kernel.lost_at(object, class);
            let worth = waited * LEAST_PART >= work.time_in_turn_of(class) && waited > Total::ZERO;
            if worth && worst.is_none_or(|(.., most)| waited > most) {
                worst = Some((object, class, waited));
            }
        }
    }
    let (object, class, waited) = worst?;
    Some(Finding::ContendedObject {
        object: work.kernel.program.objects[object].name.clone(),
        task: work.kernel.program.classes[class].name.clone(),
        waited,
        of: work.time_in_turn_of(class),
    })
}

/// The class that lost most, if that is worth a word.
fn convoy(work: &Work<'_>) -> Option<Finding> {
    let worth = |class: ClassIndex, c: &Convoys| {
        c.times >= LEAST_TIMES && c.waited * LEAST_PART >= work.time_of(class)
    };
    let (class, c) = work
        .kernel
        .convoys
        .iter_enumerated()
        .filter(|&(class, c)| worth(class, c))
        .max_by_key(|(_, c)| c.waited)?;
    Some(Finding::Convoy {
        times: c.times,
        waited: c.waited,
        of: work.time_of(class),
        task: work.kernel.program.classes[class].name.clone(),
    })
}

/// The class whose releases woke most in vain, if that happened often.
fn futile_wakeups(work: &Work<'_>) -> Option<Finding> {
    let (class, &times) = work
        .kernel
        .futile
        .iter_enumerated()
        .max_by_key(|(_, n)| **n)?;
    (times >= LEAST_TIMES).then(|| Finding::FutileWakeups {
        times,
        task: work.kernel.program.classes[class].name.clone(),
    })
}
