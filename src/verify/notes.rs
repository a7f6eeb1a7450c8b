//! Notes on what a program does otherwise than the scenario says.

use super::program::ProgramPlan;
use super::scarce;
use super::steps::Flavour;
use super::tree::ProgramStep;
use crate::scenario::Arrivals;

/// Whether a step sends something along with a task, or back.
fn carries(node: &ProgramStep) -> bool {
    matches!(
        node,
        ProgramStep::PayloadIn(_)
            | ProgramStep::PayloadOut(_)
            | ProgramStep::ObjectsIn(_)
            | ProgramStep::ObjectsOut(_)
    )
}

/// The notes of a program, those of the whole workload first.
pub(super) fn notes(plan: &ProgramPlan<'_>) -> Vec<String> {
    let mut notes = plan.source.notes.to_vec();
    let w = plan.source.workload;
    let mut say = |note: &str| notes.push(note.to_owned());
    if plan.copies.is_some() && plan.server().is_none() {
        match w.arrivals {
            Arrivals::Closed { .. } => {
                say("users are divided among the copies, and each copy serves only its own");
            }
            Arrivals::Trace(_) => say(
                "arrivals are dealt to the copies in turn, not to the one that has waited longest",
            ),
            _ => {}
        }
    }
    if plan.interpreters() && w.locks.iter().any(|l| l.shared) {
        say(
            "sub-interpreters cannot share a lock: each has its own, also where the scenario says `shared`",
        );
    }
    let fans = |n: &ProgramStep| {
        matches!(
            n,
            ProgramStep::InlineChildren(..) | ProgramStep::Children(..)
        )
    };
    if plan.any(|n| matches!(n, ProgramStep::Timeout(..)) && n.any(&fans)) {
        say("children of a FanOut do not see the Timeout round it");
    }
    let split = |n: &ProgramStep| matches!(n, ProgramStep::Timeout(..) | ProgramStep::Retry(..));
    if plan.flavour == Flavour::Offload && plan.any(split) {
        say("work before, in and after a Timeout or Retry goes to the pool in separate calls");
    }
    if plan.flavour == Flavour::Offload && plan.any(|n| matches!(n, ProgramStep::Allocate(_))) {
        say(
            "containers of an Allocate live until the end of the offloaded work that they stand in",
        );
    }
    if let Some(server) = plan.server() {
        if plan.any(carries) {
            say(
                "what a task brings along and takes back stays in the worker, and is not sent over the connection",
            );
        }
        if w.data > 0 && plan.copies.is_some() && !server.preload {
            say(
                "every worker loads the application's data, which the forecast has in the first process alone",
            );
        }
    }
    let called = |n: &ProgramStep| matches!(n, ProgramStep::Call(_));
    if plan.any(|n| called(n) && n.any(&|n| matches!(n, ProgramStep::Put(_) | ProgramStep::Get(_))))
    {
        say(
            "a worker that puts or takes an item has the event loop do it (run_coroutine_threadsafe), which the forecast leaves out",
        );
    }
    if scarce::awaited_beside_others(plan) {
        say(
            "coroutines that find nothing left of a resource have a thread wait for it, since threads or other processes use the same; whoever comes first has it, \
             and the forecast leaves the thread out",
        );
    }
    if plan.any(|n| matches!(n, ProgramStep::Team(..))) {
        say(
            "the threads of native code are Python's own: they compute without the GIL, but need it for a moment to begin and to end, which those of a BLAS do not",
        );
    }
    let transfers = |n: &ProgramStep| matches!(n, ProgramStep::Transfer(..));
    if plan.any(transfers) {
        say(
            "a device is imitated: its users wait for as long as it would serve them, and no real disk, link or database is used",
        );
        if matches!(plan.flavour, Flavour::Loop | Flavour::Offload) {
            say(
                "what the event loop awaits of a device ends with a timer of the loop, up to a millisecond late, not with a file that can be read",
            );
        }
    }
    if plan.processes() && plan.any(|n| matches!(n, ProgramStep::Shared { .. })) {
        say("every worker has its own copy of the shared objects, as the scenario's table says");
    }
    notes
}
