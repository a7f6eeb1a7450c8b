//! Collects what a run has observed, when it is over.

use crate::cpython::finding::Finding;
use crate::cpython::record::observer::Observed;
use crate::cpython::record::recording::{RecordedSeries, Recording};
use crate::cpython::work::Work;
use crate::engine::{Nanos, Total};

/// How far the drawn demands lie off their means, and the sum of these means, in seconds.
fn demand_draws(work: &Work<'_>) -> (f64, f64) {
    work.demand_draws
        .iter()
        .zip(&work.kernel.program.means)
        .filter_map(|(d, mean)| mean.map(|m| (d.excess(m), d.expected(m))))
        .fold((0.0, 0.0), |(excess, all), (e, m)| (excess + e, all + m))
}

/// Number of counted tasks that have arrived and are not over, children left out, and how many are lost besides. Tasks of a batch or trace have arrived when their time
/// has come, even if the program has not taken them in, and have not before that, even if the program knows of them.
fn in_flight(work: &mut Work<'_>, end: Nanos) -> (u64, u64) {
    let (mut in_flight, mut lost) = (0, 0);
    for (_, task) in work.tasks.iter() {
        if task.parent.is_some() || !task.counted {
            continue;
        }
        if task.lost {
            lost += 1;
        } else if task.arrival <= end {
            in_flight += 1;
        } else {
            work.observer.not_arrived(task.arrival);
        }
    }
    let due = |&at: &Nanos| work.kernel.limits.warmup <= at && at <= end;
    // Windows are looked at while the list is gone through, which may be long: it is not copied.
    let mut windows = work.observer.windows.take();
    let mut waiting = 0;
    for at in work.not_taken_in().filter(due) {
        waiting += 1;
        if let Some(windows) = &mut windows {
            windows.at(at).arrived += 1;
        }
    }
    work.observer.windows = windows;
    work.observer.arrived += waiting;
    (in_flight + waiting, lost)
}

pub(crate) fn observed(mut work: Work<'_>, findings: Vec<Finding>) -> Observed {
    let end = work.kernel.machine.now();
    work.observer.window.close(end);
    let memory_mean = work.kernel.memory.mean(end) * slots_there(&work, end);
    let (recording, over_time) = end_recording(&mut work);
    let (in_flight, lost) = in_flight(&mut work, end);
    let (held, contended) = work
        .kernel
        .gils
        .iter()
        .fold((Total::ZERO, Total::ZERO), |(h, c), g| {
            (h + g.held.into(), c + g.contended.into())
        });
    let popped = work.kernel.machine.popped();
    let (voluntary, involuntary) = work.kernel.machine.switches();
    let (demand_excess, demand_expected) = demand_draws(&work);
    let (interval_excess, interval_expected) = work.arrivals.draws();
    let unanswered = match work.kernel.program.client {
        Some(_) => work.clients.unanswered(),
        None => work.observer.failed + work.observer.timed_out + work.observer.rejected,
    };
    Observed {
        observer: work.observer,
        in_flight,
        lost,
        resent: work.clients.resent(),
        machine_time: work.fleet.time(end),
        unanswered,
        causes: work.kernel.machine.totals(),
        children: work.kernel.machine.childs_totals(),
        demand_excess,
        demand_expected,
        interval_excess,
        interval_expected,
        cpu: work.kernel.machine.cpu(),
        core_busy: work.kernel.machine.core_busy(),
        end,
        closed: end,
        gil_held: held,
        gil_contended: contended,
        switches_voluntary: voluntary,
        switches_involuntary: involuntary,
        memory_peak: work.kernel.memory.peak(),
        memory_mean,
        bytes_moved: work.kernel.bytes_moved,
        devices: work.devices.totals(),
        processes: work.kernel.children,
        events: work.kernel.events,
        calendar_events: popped,
        calendar_peak: work.kernel.machine.calendar_peak(),
        findings,
        recording,
        over_time,
    }
}

/// Time of all places for machines over the time for which there were machines in them: 1 where all stay.
fn slots_there(work: &Work<'_>, end: Nanos) -> f64 {
    let all = Total::from(end) * u64::from(work.kernel.program.nodes());
    let there = work.fleet.time(end);
    if there == all || there == Total::ZERO {
        1.0
    } else {
        all.as_f64() / there.as_f64()
    }
}

/// Ends the recording and returns what was kept.
fn end_recording(work: &mut Work<'_>) -> (Option<Recording>, Option<RecordedSeries>) {
    let kernel = &mut work.kernel;
    let end = kernel.machine.now();
    if kernel.recorder.is_none() {
        return (None, None);
    }
    kernel.close_holds();
    kernel.memory.log_until(end);
    let in_flight: Vec<Nanos> = work
        .tasks
        .iter()
        .filter(|(_, t)| t.parent.is_none() && !t.abandoned && !t.gone)
        .map(|(_, t)| t.arrival)
        .chain(work.not_taken_in())
        .collect();
    let kernel = &mut work.kernel;
    let (Some(mut recorder), Some(mut tape), Some(log)) = (
        kernel.recorder.take(),
        kernel.machine.take_tape(),
        kernel.memory.take_log(),
    ) else {
        return (None, None);
    };
    for tid in kernel.threads.keys() {
        recorder.turn_ends(tid, end, Some(&mut tape));
    }
    recorder.run_ends(in_flight.into_iter(), end);
    recorder.finish(tape, log, end, kernel.machine.core_busy().len())
}
