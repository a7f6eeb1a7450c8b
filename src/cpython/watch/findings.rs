//! Findings about a run, made at its end.

use crate::cpython::finding::{ADMISSION, Finding};
use crate::cpython::index::{ClassIndex, ObjectIndex};
use crate::cpython::kernel::Convoys;
use crate::cpython::work::{Asked, Work};
use crate::engine::{Nanos, Total};

/// Fewest occurrences of a convoy or of futile wake-ups that make a finding; fewer belong to moments of a run, such as the start of threads
/// or the end of a pool.
const LEAST_TIMES: u64 = 10;
/// A loss is a finding if it takes at least one part in so many of the tasks' time; without a smaller loss nobody would see a difference.
const LEAST_PART: u64 = 10;
/// Callbacks longer than this are reported by asyncio's debug mode (`loop.slow_callback_duration`).
const SLOW_CALLBACK: Nanos = Nanos::from_millis(100);

/// Makes all findings except those that end a run. The time of all tasks must have been added up.
pub(crate) fn findings(work: &Work<'_>) -> Vec<Finding> {
    let mut all = blocked_loops(work);
    all.extend(contended_object(work));
    all.extend(scarce_resource(work));
    all.extend(busy_device(work));
    all.extend(convoy(work));
    all.extend(futile_wakeups(work));
    all.extend(rejections(work));
    all.extend(full_backlog(work));
    all.extend(killed_workers(work));
    all.extend(work.crash_findings());
    all
}

/// The resource, queue or admission rule, and the class of tasks that it rejected most often, if that was a good part of how often they asked.
fn rejections(work: &Work<'_>) -> Option<Finding> {
    let program = work.kernel.program;
    let of_resources = (program.resources.iter_enumerated()).flat_map(|(resource, spec)| {
        let of = move |class| (&spec.name, class, work.resources.asked(resource, class));
        program.classes.keys().map(of)
    });
    let of_queues = (program.queues.iter_enumerated()).flat_map(|(queue, spec)| {
        let of = move |class| (&spec.name, class, work.puts(queue, class));
        program.classes.keys().map(of)
    });
    let worth = |&(.., asked): &(_, _, Asked)| {
        asked.rejected >= LEAST_TIMES && asked.rejected.saturating_mul(LEAST_PART) >= asked.times
    };
    let admission = (work.admission.ended()).map(|(class, asked)| (ADMISSION, class, asked));
    let named = of_resources.chain(of_queues);
    let named = named.map(|(name, class, asked)| (name.as_str(), class, asked));
    let asked = named.chain(admission);
    let (name, class, asked) = asked.filter(worth).max_by_key(|(.., a)| a.rejected)?;
    Some(Finding::Rejections {
        resource: name.into(),
        task: program.classes[class].name.clone(),
        times: asked.rejected,
        asked: asked.times,
    })
}

/// Connections that found the listening socket's queue full, if any did.
fn full_backlog(work: &Work<'_>) -> Option<Finding> {
    let dropped = work.listening.dropped();
    let holds = work.kernel.program.layout.queue?;
    (dropped.connections > 0).then(|| Finding::FullBacklog {
        connections: dropped.connections,
        of: work.arrivals.came() + work.clients.all_resent(),
        given_up: dropped.given_up,
        got_in: dropped.got_in,
        waited: dropped.waited,
        holds,
        most: dropped.most,
    })
}

/// Workers that were killed because they had been silent, if any were.
fn killed_workers(work: &Work<'_>) -> Option<Finding> {
    let killed = work.watchdogs.killed();
    let timeout = work.kernel.program.layout.life.timeout?;
    (killed.workers > 0).then_some(Finding::KilledWorkers {
        at: killed.first,
        timeout,
        workers: killed.workers,
        tasks: killed.tasks,
    })
}

/// The longest callback of each loop, if it is long enough for asyncio's own warning.
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

/// The object and the class of tasks that lost most at it, if the loss is large enough. The time of all tasks must have been added up.
fn contended_object(work: &Work<'_>) -> Option<Finding> {
    let mut worst: Option<(ObjectIndex, ClassIndex, Total)> = None;
    for object in work.kernel.program.objects.keys() {
        for class in work.kernel.program.classes.keys() {
            let waited = work.kernel.lost_at(object, class);
            if is_much(work, class, waited) && worst.is_none_or(|(.., most)| waited > most) {
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

/// Whether a wait is a good part of the time of the tasks of a class. Where a run is stopped, a task within its first step counts as one that
/// has not had its turn, and nothing is said of it.
fn is_much(work: &Work<'_>, class: ClassIndex, waited: Total) -> bool {
    let of = work.time_in_turn_of(class);
    (Total(1)..=of).contains(&waited) && waited * LEAST_PART >= of
}

/// The resource, and the class of tasks that waited for it most, if that was a good part of its time.
fn scarce_resource(work: &Work<'_>) -> Option<Finding> {
    let program = work.kernel.program;
    let waits = program.resources.keys().flat_map(|resource| {
        let of = move |class| (resource, class, work.resources.waited(resource, class));
        program.classes.keys().map(of)
    });
    let worth = |&(_, class, waited): &(_, ClassIndex, Total)| is_much(work, class, waited);
    let (resource, class, waited) = waits.filter(worth).max_by_key(|(.., waited)| *waited)?;
    Some(Finding::ScarceResource {
        resource: program.resources[resource].name.clone(),
        task: program.classes[class].name.clone(),
        waited,
        of: work.time_in_turn_of(class),
    })
}

/// The device, and the class of tasks that others delayed most there, if that was a good part of its time.
fn busy_device(work: &Work<'_>) -> Option<Finding> {
    let program = work.kernel.program;
    let waits = program.devices.keys().flat_map(|device| {
        let of = move |class| (device, class, work.devices.waited(device, class));
        program.classes.keys().map(of)
    });
    let worth = |&(_, class, waited): &(_, ClassIndex, Total)| is_much(work, class, waited);
    let (device, class, waited) = waits.filter(worth).max_by_key(|(.., waited)| *waited)?;
    let end = work.kernel.machine.now().as_f64();
    let busy = work.devices.totals().get(usize::from(device))?.busy;
    Some(Finding::BusyDevice {
        device: program.devices[device].name.clone(),
        task: program.classes[class].name.clone(),
        busy: (busy / end.max(1.0)).min(1.0),
        waited,
        of: work.time_in_turn_of(class),
    })
}

/// The class of tasks that lost most to convoys, if the loss is large enough.
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

/// The class of tasks whose releases of the GIL woke most threads in vain, if that happened often enough.
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
