//! What warnings say of processes that crash by a fault of the scenario: pools that break, tasks that are lost, programs that end.

use crate::engine::Nanos;
use crate::quantity::{counted, list, seconds};
use crate::scenario::units::grouped;

/// What a broken `ProcessPoolExecutor` costs a case, in the replication in which it costs most.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// The case.
    pub case: String,
    /// Number of workers that crash.
    pub workers: u64,
    /// Number of calls that are pending then, and fail.
    pub pending: u64,
    /// Number of calls that are submitted later, and fail at once.
    pub refused: u64,
}

/// What crashes of a `multiprocessing.Pool`'s workers cost a case, in the replication in which they cost most.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    /// The case.
    pub case: String,
    /// Number of workers that crash.
    pub workers: u64,
    /// Number of tasks that nobody hears of again.
    pub tasks: u64,
    /// Whether the whole pool hangs, because a worker had a lock of its pipes.
    pub hangs: bool,
}

/// What lost machines cost a case, in the replication in which they cost most.
#[derive(Clone, Debug, PartialEq)]
pub struct LostMachines {
    /// The case.
    pub case: String,
    /// How often a machine is lost.
    pub times: u64,
    /// Requests that fail with one of them, or are sent there before the balancer knows.
    pub failed: u64,
    /// Messages that a broker sends to another machine again.
    pub sent_again: u64,
    /// Requests that come while the balancer knows of no machine.
    pub refused: u64,
}

/// What restarts cost a case, in the replication in which they cost most.
#[derive(Clone, Debug, PartialEq)]
pub struct Restarted {
    /// The case.
    pub case: String,
    /// How often it is restarted.
    pub times: u64,
    /// How many of these are given up, or not over at the end.
    pub unfinished: u64,
    /// How long the longest of the others takes, until the last new worker or machine serves.
    pub longest: Nanos,
    /// Workers, or machines, that have not ended in time.
    pub killed: u64,
    /// Requests that these still have.
    pub tasks: u64,
}

/// What these notes count, and where: a replication is counted whole, since what goes wrong in its warm-up has consequences after it.
pub(super) const COUNTED: &str = "Counts are of a whole run, its warm-up included: of the replication in which they are highest.";

/// How often a crash found no process to end.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    /// The case.
    pub case: String,
    /// Number of crashes.
    pub times: u64,
}

/// How often processes of a case are killed for memory, in the replication in which it is most often.
#[derive(Clone, Debug, PartialEq)]
pub struct KilledForMemory {
    /// The case.
    pub case: String,
    /// Number of processes.
    pub processes: u64,
}

pub(super) fn memory_kills_text(cases: &[KilledForMemory]) -> String {
    let each: Vec<String> = (cases.iter())
        .map(|c| format!("{} ({} of them)", c.case, grouped(c.processes)))
        .collect();
    format!(
        "the kernel kills the largest process whenever all together have more memory than the machine's limit: {}. Have fewer workers, have them end \
         before they are so large (`max_requests`, `max_tasks_per_child`), or raise the limit. {COUNTED}",
        list(&each)
    )
}

pub(super) fn broken_pool_text(cases: &[Broken]) -> String {
    let each: Vec<String> = (cases.iter())
        .map(|c| {
            format!(
                "{} ({} pending, {} submitted later)",
                c.case,
                grouped(c.pending),
                grouped(c.refused)
            )
        })
        .collect();
    format!(
        "a worker ends, and its `ProcessPoolExecutor` is broken for good: all calls that are pending fail with \
         `BrokenProcessPool`, and each that is submitted later: {}. Make a new executor where that is raised, and submit anew what may run twice. {COUNTED}",
        list(&each)
    )
}

pub(super) fn lost_tasks_text(cases: &[Lost]) -> String {
    let each: Vec<String> = (cases.iter())
        .map(|c| {
            let hangs = if c.hangs {
                "; one of them had a lock of the pool's pipes, and the pool hangs"
            } else {
                ""
            };
            format!(
                "{} ({} with {}{hangs})",
                c.case,
                counted(c.workers, "worker"),
                counted(c.tasks, "task")
            )
        })
        .collect();
    format!(
        "workers of a `multiprocessing.Pool` end and are replaced, but whoever waits for what they had been \
         given waits for ever: {}. Wait with a time-out (`get(timeout)`), or take a `ProcessPoolExecutor`, which says that it is broken. {COUNTED}",
        list(&each)
    )
}

pub(super) fn lost_machines_text(cases: &[LostMachines]) -> String {
    let each: Vec<String> = (cases.iter())
        .map(|c| {
            let said = [
                (c.failed, "request", "failed"),
                (c.sent_again, "message", "sent again"),
                (c.refused, "request", "refused while no machine was known"),
            ];
            let much: Vec<String> = (said.into_iter())
                .filter(|(n, ..)| *n > 0)
                .map(|(n, what, how)| format!("{} {how}", counted(n, what)))
                .collect();
            let lost = counted(c.times, "time");
            if much.is_empty() {
                format!("{} ({lost})", c.case)
            } else {
                format!("{} ({lost}; {})", c.case, much.join(", "))
            }
        })
        .collect();
    let broker = cases.iter().any(|c| c.sent_again > 0);
    let again = if broker {
        " A broker sends again what was not acknowledged, so what tasks do has to bear being done twice."
    } else {
        ""
    };
    format!(
        "machines are lost, as the scenario's `faults` have it, with all that they had taken in, and requests go there until the balancer's checks have failed often enough: {}. Check more often (`health`), and keep enough machines for the load without one.{again} {COUNTED}",
        list(&each)
    )
}

pub(super) fn restarts_text(cases: &[Restarted]) -> String {
    let each: Vec<String> = (cases.iter())
        .map(|c| {
            let mut said = vec![counted(c.times, "time")];
            if c.times > c.unfinished {
                said.push(format!("done after {} at most", seconds(c.longest)));
            }
            if c.unfinished > 0 {
                said.push(format!("{} not completed", grouped(c.unfinished)));
            }
            if c.killed > 0 {
                let lost = counted(c.tasks, "request");
                said.push(format!("{} killed with {lost}", grouped(c.killed)));
            }
            format!("{} ({})", c.case, said.join(", "))
        })
        .collect();
    let advice = match (
        cases.iter().any(|c| c.tasks > 0),
        cases.iter().any(|c| c.unfinished > 0),
    ) {
        (true, _) => "Give those that end more time (`grace`), or have requests end sooner.",
        (false, true) => {
            "See whether the run ends before that, a lost machine holds it up, or a worker of uvicorn takes more than 5 s until it serves."
        }
        (false, false) => "The course over time says what it costs meanwhile.",
    };
    format!(
        "servers are restarted while they serve, as the scenario's `faults` have it, until the last new worker or machine serves: {}. {advice} {COUNTED}",
        list(&each)
    )
}

pub(super) fn missed_fault_text(cases: &[Missed]) -> String {
    let each: Vec<String> = (cases.iter())
        .map(|c| format!("{} ({})", c.case, counted(c.times, "time")))
        .collect();
    format!(
        "one of the scenario's `faults` finds nothing to strike, or would come when all is over: {}. `worker` counts from 0 those processes that are there at that instant; of recorded tasks \
         (`Trace`) a server's workers have all, and are not struck; `machine` counts those of `Nodes` from 0.",
        list(&each)
    )
}

pub(super) fn program_crashed_text(cases: &[(String, Nanos)]) -> String {
    let each: Vec<String> = (cases.iter())
        .map(|(case, at)| format!("{case} (after {})", seconds(*at)))
        .collect();
    format!(
        "the program ends, as the scenario's `faults` have it, and nobody starts it again: {}. Have a master over several processes (a server, or \
         `Prefork`), or leave the fault out for these.",
        list(&each)
    )
}
