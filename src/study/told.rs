//! What findings about servers, resources and convoys say of a case.

use super::crashes::{Broken, KilledForMemory, Lost, LostMachines, Missed, Restarted};
use super::warning::{Back, Crashed, FullQueue, KilledWorkers, Rejected, Warning};
use crate::result::Forecast;
use crate::scenario::{Pool, Scenario, Step, StepResource, Strategy, WaitsFor};
use crate::strategy::Finding;

/// What tasks of a class come back from when they want the GIL for a moment; `itself`: whether whoever executes a task runs its children. A class
/// that the scenario does not name is that of children.
pub(super) fn returns(scenario: &Scenario, class: &str, itself: bool) -> Back {
    let classes = &scenario.workload.classes;
    let mut found = Returns::default();
    match classes.iter().find(|c| c.name == class) {
        Some(c) => found.look(&c.steps, true, itself),
        None => (classes.iter()).for_each(|c| found.look(&c.steps, false, itself)),
    }
    match (found.outside, found.children) {
        (true, _) => Back::Outside,
        (false, true) => Back::Children,
        (false, false) => Back::Others,
    }
}

/// What is among some steps that a task comes back from.
#[derive(Default)]
struct Returns {
    outside: bool,
    children: bool,
}

impl Returns {
    /// Looks at steps, which are the task's `own` or enclose those of a child.
    fn look(&mut self, steps: &[Step], own: bool, itself: bool) {
        for step in steps {
            let takes = match step.takes() {
                Some((StepResource::Native | StepResource::Outside | StepResource::Blocked, _)) => {
                    true
                }
                Some((StepResource::Bytecode, _)) | None => false,
            };
            let (waits, children) = match step.waits() {
                WaitsFor::Outside | WaitsFor::Device(_) | WaitsFor::Pause => (true, false),
                WaitsFor::Children => (false, !itself),
                WaitsFor::Never
                | WaitsFor::Lock(_)
                | WaitsFor::Item(_)
                | WaitsFor::Room(_)
                | WaitsFor::Resource(_) => (false, false),
            };
            self.outside |= own && (takes || waits);
            self.children |= own && children;
            if let Some(inside) = step.inside()
                && (!own || !children)
            {
                self.look(inside.steps, own || children, itself);
            }
        }
    }
}

/// What a finding of those that warnings repeat says of a case.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// Tasks were rejected by a resource.
    Rejected(Rejected),
    /// A listen queue was full.
    FullQueue(FullQueue),
    /// Workers were killed.
    Killed(KilledWorkers),
    /// Workers crashed.
    Crashed(Crashed),
    /// A pool broke.
    Broken(Broken),
    /// Tasks were lost with workers of a pool.
    Lost(Lost),
    /// Machines were lost.
    Machines(LostMachines),
    /// A server or its machines were restarted.
    Restarted(Restarted),
    /// Crashes found no process.
    Missed(Missed),
    /// Processes were killed for memory.
    ForMemory(KilledForMemory),
}

/// Whether tasks of a case fail with what the scenario's faults, or the machine's limit of memory, have ended.
pub(super) fn is_struck(f: &Forecast) -> bool {
    let ended = |told: Told| match told {
        Told::Crashed(_)
        | Told::Broken(_)
        | Told::Lost(_)
        | Told::Machines(_)
        | Told::Restarted(_)
        | Told::ForMemory(_) => true,
        Told::Rejected(_) | Told::FullQueue(_) | Told::Killed(_) | Told::Missed(_) => false,
    };
    let mut found = f.findings.iter();
    found.any(|x| told(f, &x.finding).is_some_and(ended))
}

/// What a finding about rejections, listen queues, killed or crashed workers says of a case; `None` for any other.
pub(super) fn told(f: &Forecast, finding: &Finding) -> Option<Told> {
    match finding {
        Finding::Rejections {
            resource,
            task,
            times,
            asked,
        } => Some(Told::Rejected(Rejected {
            case: f.name(),
            resource: resource.clone(),
            task: task.clone(),
            times: *times,
            asked: *asked,
        })),
        Finding::FullBacklog {
            connections,
            of,
            given_up,
            got_in,
            waited,
            holds,
            most,
        } => Some(Told::FullQueue(FullQueue {
            case: f.name(),
            connections: *connections,
            of: *of,
            given_up: *given_up,
            late: (*got_in > 0).then(|| waited.mean_of(*got_in)),
            holds: *holds,
            most: *most,
        })),
        Finding::KilledWorkers {
            at: _,
            timeout,
            workers,
            tasks,
        } => Some(Told::Killed(KilledWorkers {
            case: f.name(),
            workers: *workers,
            tasks: *tasks,
            timeout: *timeout,
        })),
        Finding::CrashedWorkers {
            at: _,
            workers,
            tasks,
            back,
        } => Some(Told::Crashed(Crashed {
            case: f.name(),
            workers: *workers,
            tasks: *tasks,
            back: *back,
        })),
        Finding::BrokenPool {
            at: _,
            workers,
            pending,
            refused,
        } => Some(Told::Broken(Broken {
            case: f.name(),
            workers: *workers,
            pending: *pending,
            refused: *refused,
        })),
        Finding::LostTasks {
            at: _,
            workers,
            tasks,
            hangs,
        } => Some(Told::Lost(Lost {
            case: f.name(),
            workers: *workers,
            tasks: *tasks,
            hangs: *hangs,
        })),
        Finding::LostMachines {
            at: _,
            times,
            failed,
            sent_again,
            refused,
        } => Some(Told::Machines(LostMachines {
            case: f.name(),
            times: *times,
            failed: *failed,
            sent_again: *sent_again,
            refused: *refused,
        })),
        Finding::Restarts {
            at: _,
            times,
            unfinished,
            longest,
            killed,
            tasks,
        } => Some(Told::Restarted(Restarted {
            case: f.name(),
            times: *times,
            unfinished: *unfinished,
            longest: *longest,
            killed: *killed,
            tasks: *tasks,
        })),
        Finding::MissedFault { at: _, times } => Some(Told::Missed(Missed {
            case: f.name(),
            times: *times,
        })),
        Finding::MemoryKills { at: _, processes } => Some(Told::ForMemory(KilledForMemory {
            case: f.name(),
            processes: *processes,
        })),
        Finding::ProgramCrashed { .. }
        | Finding::Deadlock { .. }
        | Finding::OutOfMemory { .. }
        | Finding::BlockedLoop { .. }
        | Finding::Convoy { .. }
        | Finding::ContendedObject { .. }
        | Finding::ScarceResource { .. }
        | Finding::BusyDevice { .. }
        | Finding::FutileWakeups { .. }
        | Finding::EventLimit { .. }
        | Finding::ClockEnd { .. }
        | Finding::Unsupported { .. } => None,
    }
}

/// Warnings that follow from what a server's socket and its supervisor did.
pub(super) fn server_findings(
    all: &[&Forecast],
    queues: Vec<FullQueue>,
    killed: Vec<KilledWorkers>,
) -> Vec<Warning> {
    let mut found = Vec::new();
    if !queues.is_empty() {
        found.push(Warning::FullBacklog { cases: queues });
    }
    if !killed.is_empty() {
        let of = |is: fn(&Strategy) -> bool| {
            let named = |c: &KilledWorkers| {
                let mut cases = all.iter();
                cases.any(|f| f.name() == c.case && f.is(is))
            };
            killed.iter().any(named)
        };
        found.push(Warning::WorkerTimeout {
            loops: of(|s| s.execution().event_loop),
            one_by_one: of(|s| {
                let run = s.execution();
                !run.event_loop && run.pool == Pool::Nobody
            }),
            cases: killed,
        });
    }
    found
}
