//! Warnings: what a reader has to know before trusting a study's numbers. Warnings are data: each has a code, names the cases that it is
//! about, and its text ends in a next step.

use super::crashes::{
    Broken, KilledForMemory, Lost, LostMachines, Missed, Restarted, broken_pool_text,
    lost_machines_text, lost_tasks_text, memory_kills_text, missed_fault_text,
    program_crashed_text, restarts_text,
};
use super::relief::Relief;
use super::warning_text::{
    crashed_workers_text, full_backlog_text, rejected_text, worker_timeout_text,
};
use crate::engine::Nanos;
use crate::quantity::{Quantity, bytes, digits, excess_text, list, percent, seconds};
use crate::result::{Forecast, Notice, Status, Study};
use crate::scenario::units::format_size;
use crate::scenario::{Metric, Strategy};
use crate::strategy::WaitReason;
use crate::syntax::{capital, codes};

/// Most replications that are advised.
const MANY: u32 = 5_000;

codes! {
    /// The kinds of warning. The text of each is stable: tools may match on it.
    pub enum WarningCode {
        /// Tasks arrive faster than they are done: there is no steady state.
        Saturated = "saturated",
        /// Some cases fail a larger share of their tasks than others.
        FailuresDiffer = "failures-differ",
        /// The precision was not reached (`--precision`).
        NotConverged = "not-converged",
        /// Too few replications for an interval that can be trusted.
        FewReplications = "few-replications",
        /// The run is too short to tell where its warm-up ends.
        WarmupUncertain = "warmup-uncertain",
        /// Half the run of a case was over before the scenario's `warmup`.
        WarmupCut = "warmup-cut",
        /// A case has no numbers: the machine's memory was not enough.
        OutOfMemory = "out-of-memory",
        /// A case has no numbers: nothing could happen any more, yet tasks were unfinished.
        Deadlock = "deadlock",
        /// A case has no numbers: a simulation was stopped at its limit of events (`--max-events`).
        EventLimit = "event-limit",
        /// A case has no numbers: a simulation took longer than the 584 years that the clock can tell.
        ClockEnd = "clock-end",
        /// A case has no numbers: its only process crashes, by a fault of the scenario.
        ProgramCrashed = "program-crashed",
        /// A case has no numbers: in some replication no task completed.
        NothingCompleted = "nothing-completed",
        /// No strategy meets an objective.
        ObjectiveMissed = "objective-missed",
        /// An interpreter cannot do what a strategy asks.
        Unsupported = "unsupported",
        /// A callback keeps an event loop from doing anything else.
        BlockedLoop = "blocked-loop",
        /// The workers keep an event loop from running, although the work is offloaded.
        StarvedLoop = "starved-loop",
        /// Tasks that come back from I/O or native code for a moment wait for the GIL behind threads that compute, for a tenth of their time or more.
        Convoy = "convoy",
        /// Threads wait for one another at a shared object of a free-threaded build, for a tenth of their tasks' time or more.
        ContendedObject = "contended-object",
        /// Under some strategies tasks wait for a resource that others use, for a tenth of their time or more.
        ScarceResource = "scarce-resource",
        /// Under some strategies transfers take longer because others use the device as well, for a tenth of the tasks' time or more.
        BusyDevice = "busy-device",
        /// Under some strategies clients that try again at least double the load of what they retry.
        RetryStorm = "retry-storm",
        /// Under some strategies tasks are rejected by a resource that others use, or by an open circuit breaker, a tenth of the times that they ask or more.
        Rejected = "rejected",
        /// Under some strategies connections find a server's listen queue full, and come a second later or more.
        FullBacklog = "full-backlog",
        /// Under some strategies a server kills workers that are silent for longer than its time-out.
        WorkerTimeout = "worker-timeout",
        /// Under some strategies workers crash, by a fault of the scenario, with what they have taken in.
        CrashedWorkers = "crashed-workers",
        /// Under some strategies a worker of a `ProcessPoolExecutor` crashes, by a fault of the scenario: the pool is broken, and its calls fail.
        BrokenPool = "broken-pool",
        /// Under some strategies workers of a `multiprocessing.Pool` crash, by a fault of the scenario, with tasks that nobody hears of again.
        LostTasks = "lost-tasks",
        /// Under some strategies machines are lost, by a fault of the scenario, with all that they have taken in.
        LostMachines = "lost-machines",
        /// Under some strategies a server or its machines are restarted while they serve, as the scenario has it.
        Restarts = "restarts",
        /// Under some strategies a fault of the scenario finds no process that it could end.
        MissedFault = "missed-fault",
        /// Under some strategies the kernel kills the largest process, because all together have more memory than there is.
        MemoryKills = "memory-kills",
        /// Threads give the GIL up for moments and wake others that find it taken again, for a tenth more CPU than sequential code uses, or above.
        FutileWakeups = "futile-wakeups",
        /// Under some strategies each worker has a copy of what the tasks share.
        Unshared = "unshared",
        /// Resources of a process are there once for each: strategies with several processes have more of them.
        MoreResources = "more-resources",
        /// Under some strategies the worker that has a task runs the children of its `FanOut` one after another.
        SerialChildren = "serial-children",
        /// The processes of a prefork server go through rounds of their own, and each does the main program's own work.
        RoundsApart = "rounds-apart",
        /// Native code has more threads of its own at once than there are cores.
        Oversubscribed = "oversubscribed",
        /// The main program's own work between rounds takes much of the makespan, whatever executes the tasks.
        SerialPart = "serial-part",
        /// Under strategies without an event loop, steps that say what one does with them (`Offload`, `Inline`) are executed in place.
        InPlace = "in-place",
        /// Some event loops do not have the pool that steps are offloaded to: they offload to their default.
        NoSuchPool = "no-such-pool",
        /// How much memory forked workers copy depends on how many objects the imports hold, which is estimated.
        EstimatedObjects = "estimated-objects",
        /// Most of an interpreter's parameters are estimates.
        EstimatedProfile = "estimated-profile",
    }
}

impl WarningCode {
    /// Whether it states a fact about the workload or the profile, and no reason to distrust the results: `--strict` lets it pass.
    pub(crate) const fn is_note(self) -> bool {
        match self {
            Self::Unsupported
            | Self::BlockedLoop
            | Self::StarvedLoop
            | Self::Convoy
            | Self::ContendedObject
            | Self::ScarceResource
            | Self::BusyDevice
            | Self::RetryStorm
            | Self::Rejected
            | Self::FullBacklog
            | Self::WorkerTimeout
            | Self::CrashedWorkers
            | Self::BrokenPool
            | Self::LostTasks
            | Self::LostMachines
            | Self::Restarts
            | Self::MissedFault
            | Self::MemoryKills
            | Self::FutileWakeups
            | Self::SerialChildren
            | Self::RoundsApart
            | Self::Oversubscribed
            | Self::SerialPart
            | Self::InPlace
            | Self::NoSuchPool
            | Self::Unshared
            | Self::MoreResources
            | Self::EstimatedObjects
            | Self::EstimatedProfile => true,
            Self::Saturated
            | Self::FailuresDiffer
            | Self::NotConverged
            | Self::FewReplications
            | Self::WarmupUncertain
            | Self::WarmupCut
            | Self::OutOfMemory
            | Self::Deadlock
            | Self::EventLimit
            | Self::ClockEnd
            | Self::ProgramCrashed
            | Self::NothingCompleted
            | Self::ObjectiveMissed => false,
        }
    }
}

/// A reason not to take the numbers at face value, or something that the study has found. Each is a claim about the study's figures, and
/// [`holds`](Self::holds) tells whether it is true.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Tasks arrive faster than they are done: there is no steady state, so no latency to report.
    Saturated {
        /// The cases, each with its completed tasks per second.
        cases: Vec<(String, f64)>,
        /// Arrivals per second, if known.
        arrivals: Option<f64>,
        /// Whether the cores of all these cases are busy.
        cores: bool,
        /// A case that keeps up, if there is one.
        keeps_up: Option<String>,
    },
    /// Some cases fail a larger share of their tasks than others.
    FailuresDiffer {
        /// The cases, each with the share of its tasks that fails.
        cases: Vec<(String, f64)>,
        /// The case that fails least, with its share.
        least: (String, f64),
        /// Whether a fault of the scenario ends what tasks of some of these cases are in.
        struck: bool,
    },
    /// The precision asked for was not reached within the budget.
    NotConverged {
        /// The cases, each with the relative half-width that it reached.
        cases: Vec<(String, f64)>,
        /// The precision asked for.
        precision: f64,
        /// Approximate number of replications that would reach it.
        needed: u32,
        /// Name of a percentile that all these cases know to that precision, if there is one.
        instead: Option<String>,
    },
    /// Too few replications for an interval that can be trusted.
    FewReplications {
        /// Number of replications.
        replications: u32,
    },
    /// The run was too short to tell where its warm-up ends.
    WarmupUncertain {
        /// The cases.
        cases: Vec<String>,
    },
    /// Half the run was over before the warm-up that the scenario asks for.
    WarmupCut {
        /// The cases, each with the warm-up that was left out instead.
        cases: Vec<(String, Nanos)>,
    },
    /// The memory of the machine was not enough.
    OutOfMemory {
        /// The cases, each with the simulated time and the bytes then in use.
        cases: Vec<(String, Nanos, u64)>,
        /// The machine's memory, in bytes; `None` where cases have machines of their own.
        limit: Option<u64>,
        /// What would help, for all these cases together.
        ways: Vec<Relief>,
    },
    /// No event was left, yet tasks were unfinished.
    Deadlock {
        /// The cases, each with the simulated time and lines that say which task waits for what.
        cases: Vec<(String, Nanos, Vec<String>)>,
        /// What they wait for, in all these cases together.
        on: Vec<WaitReason>,
    },
    /// A simulation was stopped at its limit of events.
    EventLimit {
        /// The cases.
        cases: Vec<String>,
        /// The limit.
        limit: u64,
    },
    /// A simulation took longer than the clock can represent.
    ClockEnd {
        /// The cases.
        cases: Vec<String>,
    },
    /// No task completed.
    NothingCompleted {
        /// The cases, each with what became of its tasks instead.
        cases: Vec<(String, UnfinishedTasks)>,
    },
    /// An interpreter cannot do what a strategy asks.
    Unsupported {
        /// The cases, each with the reason.
        cases: Vec<(String, String)>,
    },
    /// A callback kept an event loop from doing anything else.
    BlockedLoop {
        /// The cases, each with the longest time.
        cases: Vec<(String, Nanos)>,
        /// Whether tasks make blocking calls, which may be what blocks the loop, beside CPU work.
        calls: bool,
    },
    /// An event loop got neither core nor GIL for long, although the work is offloaded.
    StarvedLoop {
        /// The cases, each with the longest time.
        cases: Vec<(String, Nanos)>,
        /// Whether one of these cases has a GIL.
        gil: bool,
    },
    /// Threads that return from I/O or native code for a moment wait for the GIL behind threads that compute.
    Convoy {
        /// The cases, each with what it costs.
        cases: Vec<Convoy>,
        /// What these tasks come back from.
        back: Vec<Back>,
    },
    /// Threads on cores of their own access an object that serves one access at a time.
    ContendedObject {
        /// The cases, each with what it costs.
        cases: Vec<Contended>,
    },
    /// Tasks wait for a resource of which others use all that there is.
    ScarceResource {
        /// The cases, each with what it costs.
        cases: Vec<Scarce>,
    },
    /// Tasks take longer at a device because others use it as well.
    BusyDevice {
        /// The cases, each with what it costs.
        cases: Vec<Slowed>,
        /// Whether some of these devices get less done the more use them at once.
        fewer: bool,
    },
    /// Clients that try again put a load on what they call that is a multiple of what they were asked for.
    RetryStorm {
        /// The cases, each with its attempts for each first one.
        cases: Vec<(String, f64)>,
        /// Whether chance spreads all pauses already (`jitter`).
        spread: bool,
        /// Whether all who are told when to come again heed it already (`retry_after`), or nobody is told.
        heeded: bool,
        /// Whether it is clients from outside who send again, rather than tasks that try again what they call.
        clients: bool,
    },
    /// Tasks are rejected because nothing is left of a resource, or a circuit breaker is open.
    Rejected {
        /// The cases, each with how often.
        cases: Vec<Rejected>,
        /// Names of the scenario's circuit breakers.
        breakers: Vec<String>,
        /// Whether some of those who are told when to come again do not heed it.
        heedless: bool,
    },
    /// Connections find a server's listen queue full.
    FullBacklog {
        /// The cases, each with what it costs.
        cases: Vec<FullQueue>,
    },
    /// A server kills workers that are silent for longer than its time-out.
    WorkerTimeout {
        /// The cases, each with what it costs.
        cases: Vec<KilledWorkers>,
        /// Whether in some of them an event loop is what is silent.
        loops: bool,
        /// Whether in some of them a worker handles one request at a time.
        one_by_one: bool,
    },
    /// Workers crash, by a fault of the scenario.
    CrashedWorkers {
        /// The cases, each with what it costs.
        cases: Vec<Crashed>,
    },
    /// Workers of a `ProcessPoolExecutor` crash, and it is broken.
    BrokenPool {
        /// The cases, each with what it costs.
        cases: Vec<Broken>,
    },
    /// Workers of a `multiprocessing.Pool` crash, with what they had been given.
    LostTasks {
        /// The cases, each with what it costs.
        cases: Vec<Lost>,
    },
    /// Machines are lost, by a fault of the scenario.
    LostMachines {
        /// The cases, each with what it costs.
        cases: Vec<LostMachines>,
    },
    /// A server, or its machines, are restarted while they serve.
    Restarts {
        /// The cases, each with what it costs.
        cases: Vec<Restarted>,
    },
    /// A crash finds no process to end.
    MissedFault {
        /// The cases, each with how often.
        cases: Vec<Missed>,
    },
    /// The kernel kills the largest process, for memory.
    MemoryKills {
        /// The cases, each with how often.
        cases: Vec<KilledForMemory>,
    },
    /// The program's only process crashes.
    ProgramCrashed {
        /// The cases, each with when it does.
        cases: Vec<(String, Nanos)>,
    },
    /// Threads release the GIL often, and wake others that find it taken again, which costs CPU time for nothing.
    FutileWakeups {
        /// The cases, each with what it costs.
        cases: Vec<GilContentionCost>,
        /// A case on the same interpreter that does better without it.
        instead: Option<String>,
    },
    /// Tasks share something that some strategies do not share: each worker changes a copy of its own.
    Unshared {
        /// The shared objects and locks.
        names: Vec<String>,
        /// The strategies, without interpreters.
        strategies: Vec<String>,
    },
    /// Some strategies have several processes, each with a resource of its own.
    MoreResources {
        /// Names of the resources, in order.
        names: Vec<String>,
        /// The strategies, without interpreters.
        strategies: Vec<String>,
    },
    /// Tasks fan out, but under some strategies the worker of the task executes its children one after another.
    SerialChildren {
        /// The strategies, without interpreters.
        strategies: Vec<String>,
    },
    /// Each process of some strategies goes through rounds of its own share of the tasks.
    RoundsApart {
        /// The strategies, without interpreters.
        strategies: Vec<String>,
    },
    /// Calls of native code with threads of its own want more cores at once than there are.
    Oversubscribed {
        /// What each case asks for and loses.
        cases: Vec<Oversubscription>,
        /// Number of cores.
        cores: u64,
    },
    /// The main program's own work between rounds takes much of the makespan.
    SerialPart {
        /// The case to take.
        case: String,
        /// Share (0 to 1) of its makespan.
        share: f64,
    },
    /// Steps say what an event loop does with them, but some strategies have none.
    InPlace {
        /// The strategies, without interpreters.
        strategies: Vec<String>,
    },
    /// Steps are offloaded to a pool that some event loops do not have.
    NoSuchPool {
        /// The pool.
        pool: String,
        /// The strategies, without interpreters.
        strategies: Vec<String>,
    },
    /// Forked workers copy pages of objects whose number is not given.
    EstimatedObjects {
        /// The strategies, without interpreters.
        strategies: Vec<String>,
        /// Memory of the imports in bytes, all of which is taken for objects.
        memory: u64,
    },
    /// No strategy meets an objective.
    ObjectiveMissed {
        /// The objective as it was written.
        objective: String,
        /// The metric of the objective.
        metric: Metric,
        /// The case that comes closest, with its value.
        closest: (String, f64),
        /// How far that value is from the bound, as a share of the bound; infinite for a bound of zero.
        off: f64,
        /// The objective that this case would meet, if there is one.
        relaxed: Option<String>,
    },
    /// An interpreter's profile is estimated for the most part.
    EstimatedProfile {
        /// The interpreter.
        interpreter: String,
        /// Number of parameters that are defaults.
        defaults: usize,
        /// Number of parameters in all.
        of: usize,
    },
    /// A warning about strategies that the program itself added, while others work: nobody asked for them.
    Added(Box<Warning>),
}

/// What became of the tasks if none completed: means over the replications.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnfinishedTasks {
    /// Tasks that failed.
    pub failed: f64,
    /// Tasks that timed out.
    pub timed_out: f64,
    /// Tasks that were rejected.
    pub rejected: f64,
    /// Tasks that were still in flight at the end.
    pub in_flight: f64,
    /// How often clients sent each request; 1 where none is sent again.
    pub sent: f64,
}

impl UnfinishedTasks {
    /// Whether requests that are sent again are half of the load or more.
    fn sent_again(self) -> bool {
        self.sent >= RETRY_STORM
    }

    /// Whether most of them were under way when the run ended.
    fn cut_short(self) -> bool {
        self.in_flight > self.failed.max(self.timed_out).max(self.rejected)
    }

    fn text(self) -> String {
        let what = self.what();
        if self.sent_again() {
            format!("{what}; clients sent each request {:.1} times", self.sent)
        } else {
            what.into()
        }
    }

    fn what(self) -> &'static str {
        let Self {
            failed,
            timed_out,
            rejected,
            in_flight,
            sent: _,
        } = self;
        let all = failed + timed_out + rejected + in_flight;
        if all <= 0.0 {
            "none arrived in the time that counts"
        } else if failed == all {
            "all failed"
        } else if timed_out == all {
            "all ran out of time"
        } else if rejected == all {
            "all were rejected"
        } else if failed >= timed_out.max(rejected).max(in_flight) {
            "most failed"
        } else if timed_out >= rejected.max(in_flight) {
            "most ran out of time"
        } else if rejected >= in_flight {
            "most were rejected"
        } else {
            "most were still under way at the end"
        }
    }
}

/// What tasks come back from that wait for the GIL for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Back {
    /// I/O, or code without the GIL.
    Outside,
    /// Their children, for which they have waited.
    Children,
    /// A wait for others: a lock, a queue, a resource.
    Others,
}

impl Back {
    fn text(self) -> &'static str {
        match self {
            Self::Outside => "I/O or native code",
            Self::Children => "waiting for their children",
            Self::Others => "waiting for others",
        }
    }
}

/// What a convoy costs a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Convoy {
    /// The case.
    pub case: String,
    /// Class of the tasks that wait.
    pub task: String,
    /// Number of waits in a run.
    pub times: u64,
    /// Length of each wait.
    pub each: Nanos,
    /// Share (0 to 1) of the tasks' time.
    pub share: f64,
}

/// What a contended object costs a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Contended {
    /// The case.
    pub case: String,
    /// The object.
    pub object: String,
    /// Class of the tasks that wait.
    pub task: String,
    /// Share (0 to 1) of the tasks' time; of a batch without the wait for their turn.
    pub share: f64,
}

/// What a scarce resource costs a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Scarce {
    /// The case.
    pub case: String,
    /// Name of the resource.
    pub resource: String,
    /// Name of the class of tasks.
    pub task: String,
    /// The share (0 to 1) of its time that the class waits for it.
    pub share: f64,
    /// Whether it is a rate limit: its tokens are used up, and not held.
    pub limit: bool,
}

/// What native code with threads of its own asks for in a case, and loses.
#[derive(Clone, Debug, PartialEq)]
pub struct Oversubscription {
    /// The case.
    pub case: String,
    /// So many calls may be made at once.
    pub callers: u64,
    /// Most threads of a call.
    pub threads: u64,
    /// The share (0 to 1) of the tasks' time, waits for their turn left out, in which they wait for a core.
    pub share: f64,
}

/// What others cost the tasks of a case at a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Slowed {
    /// The case.
    pub case: String,
    /// Name of the device.
    pub device: String,
    /// Name of the class of tasks.
    pub task: String,
    /// Share (0 to 1) of the device that is in use, on average.
    pub busy: f64,
    /// The share (0 to 1) of its time that the class loses there to others.
    pub share: f64,
    /// Whether faults of the scenario slow the device down, or stop it.
    pub faulted: bool,
}

/// How often a case's tasks are rejected, in the replication in which that happens most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The case.
    pub case: String,
    /// Name of the resource.
    pub resource: String,
    /// Name of the class of tasks.
    pub task: String,
    /// Number of rejections.
    pub times: u64,
    /// How often the tasks ask.
    pub asked: u64,
}

/// What a listen queue that is too short costs a case, in the replication in which it costs most.
#[derive(Clone, Debug, PartialEq)]
pub struct FullQueue {
    /// The case.
    pub case: String,
    /// Number of connections that find the queue full.
    pub connections: u64,
    /// Number of all that arrive.
    pub of: u64,
    /// How many of those that find it full are given up.
    pub given_up: u64,
    /// How much later those come that get in, on average; `None` if none does.
    pub late: Option<Nanos>,
    /// Connections that the queue holds.
    pub holds: u64,
    /// Most that wait at once, in the queue or to come again.
    pub most: u64,
}

/// What silent workers cost a case, in the replication in which most are killed.
#[derive(Clone, Debug, PartialEq)]
pub struct KilledWorkers {
    /// The case.
    pub case: String,
    /// Number of workers that are killed.
    pub workers: u64,
    /// Number of tasks that fail with them.
    pub tasks: u64,
    /// The time-out.
    pub timeout: Nanos,
}

/// What crashes cost a case, in the replication in which most workers crash.
#[derive(Clone, Debug, PartialEq)]
pub struct Crashed {
    /// The case.
    pub case: String,
    /// Number of workers that crash.
    pub workers: u64,
    /// Number of tasks that fail with them.
    pub tasks: u64,
    /// How long after the first crash a worker in its place had answered a request; zero if none has.
    pub back: Nanos,
}

/// What fighting for the GIL costs a case.
#[derive(Clone, Debug, PartialEq)]
pub struct GilContentionCost {
    /// The case.
    pub case: String,
    /// Class of the tasks that release the GIL.
    pub task: String,
    /// Number of futile wake-ups in a run.
    pub times: u64,
    /// CPU time of a run, in seconds.
    pub cpu: f64,
    /// CPU time of sequential code on this interpreter, in seconds.
    pub sequential: f64,
}

/// Least additional CPU time that is worth a warning, as a share of that of sequential code.
pub(super) const FOUGHT: f64 = 0.1;

/// Most CPU time of a futile wake-up, in seconds: a call, an interrupt, and the way of the woken thread back to a cold core.
pub(super) const WAKE_UP_AT_MOST: f64 = 50e-6;

/// The sequential case on the same interpreter.
fn sequential_of<'a>(study: &'a Study, f: &Forecast) -> Option<&'a Forecast> {
    let mut all = study.all();
    all.find(|s| {
        s.is(Strategy::is_sequential) && s.interpreter == f.interpreter && s.status == Status::Fine
    })
}

/// CPU time of the sequential case on the same interpreter, in seconds.
pub(super) fn sequential_cpu(study: &Study, f: &Forecast) -> Option<f64> {
    Some(sequential_of(study, f)?.get(Quantity::Cpu)?.mean)
}

/// Whether sequential code is no slower than this case by makespan: otherwise threads gain in spite of the fight for the GIL.
pub(super) fn gains_nothing(study: &Study, f: &Forecast) -> bool {
    let by = |f: &Forecast| f.get(Quantity::Makespan).map(|e| e.mean);
    let sequential = sequential_of(study, f).and_then(by);
    sequential.zip(by(f)).is_none_or(|(one, many)| one <= many)
}

/// Whether a ranked case does better than another on the same interpreter, which may have no rank.
pub(super) fn ranks_before(f: &Forecast, g: &Forecast) -> bool {
    let before = |rank: u32| g.rank.is_none_or(|other| rank < other);
    f.interpreter == g.interpreter && f.status == Status::Fine && f.rank.is_some_and(before)
}

/// What resolves a deadlock, in words, by what is waited for in it.
fn ways_out(on: &[WaitReason]) -> String {
    let any = |kind: fn(&WaitReason) -> bool| on.iter().any(kind);
    let queues = |pick: fn(&WaitReason) -> Option<&String>| {
        let names: Vec<String> = on
            .iter()
            .filter_map(pick)
            .map(|q| format!("'{q}'"))
            .collect();
        (!names.is_empty()).then(|| list(&names))
    };
    let mut ways = Vec::new();
    let others = any(|o| {
        matches!(
            o,
            WaitReason::Item(_)
                | WaitReason::Room(_)
                | WaitReason::Children
                | WaitReason::Limit
                | WaitReason::Resource(_)
        )
    });
    if any(|o| *o == WaitReason::Crashed) {
        ways.push(
            "wait with a time-out (`get(timeout)`) for what a worker may take with it".to_owned(),
        );
    }
    if any(|o| *o == WaitReason::Lock) {
        ways.push(if others {
            "hold no lock while waiting for others, or take locks in one order".to_owned()
        } else {
            "take locks in one order".to_owned()
        });
    }
    if let Some(names) = queues(|o| {
        if let WaitReason::Item(q) = o {
            Some(q)
        } else {
            None
        }
    }) {
        ways.push(format!("put into {names} all that is taken from there"));
    }
    if let Some(names) = queues(|o| {
        if let WaitReason::Room(q) = o {
            Some(q)
        } else {
            None
        }
    }) {
        ways.push(format!("let {names} hold more items, or take them out"));
    }
    if any(|o| *o == WaitReason::Limit) {
        ways.push("raise the limit above the number of tasks that wait for others".to_owned());
    }
    if let Some(names) = queues(|o| {
        if let WaitReason::Resource(r) = o {
            Some(r)
        } else {
            None
        }
    }) {
        ways.push(format!(
            "take {names} in one order with what else is waited for, or have more of it"
        ));
    }
    // Tasks that wait for a worker while locks are in the way wait for those locks in the end.
    if any(|o| *o == WaitReason::Worker) && any(|o| *o == WaitReason::Children) {
        ways.push(
            "children wait for workers of the same pool, all of which wait for their children: use more workers than there are tasks \
             that fan out at once, or fan out where nobody holds a worker meanwhile (on an event loop, in a pool of their own)"
                .to_owned(),
        );
    } else if any(|o| *o == WaitReason::Worker)
        && !any(|o| *o == WaitReason::Crashed)
        && (others || !any(|o| *o == WaitReason::Lock))
    {
        ways.push("use more workers than tasks that wait for others".to_owned());
    }
    // The children themselves wait for something, too.
    if ways.is_empty() {
        ways.push("`pchsim ps` shows who waits for whom".to_owned());
    }
    capital(&ways.join("; ")) + "."
}

impl From<&Warning> for Notice {
    fn from(w: &Warning) -> Self {
        Self {
            code: w.code().into(),
            note: w.is_note(),
            text: w.text(),
        }
    }
}

impl Warning {
    /// The kind of the warning.
    pub(crate) fn kind(&self) -> WarningCode {
        match self {
            Self::Saturated { .. } => WarningCode::Saturated,
            Self::FailuresDiffer { .. } => WarningCode::FailuresDiffer,
            Self::NotConverged { .. } => WarningCode::NotConverged,
            Self::FewReplications { .. } => WarningCode::FewReplications,
            Self::WarmupUncertain { .. } => WarningCode::WarmupUncertain,
            Self::WarmupCut { .. } => WarningCode::WarmupCut,
            Self::OutOfMemory { .. } => WarningCode::OutOfMemory,
            Self::Deadlock { .. } => WarningCode::Deadlock,
            Self::EventLimit { .. } => WarningCode::EventLimit,
            Self::ClockEnd { .. } => WarningCode::ClockEnd,
            Self::NothingCompleted { .. } => WarningCode::NothingCompleted,
            Self::Unsupported { .. } => WarningCode::Unsupported,
            Self::BlockedLoop { .. } => WarningCode::BlockedLoop,
            Self::StarvedLoop { .. } => WarningCode::StarvedLoop,
            Self::Convoy { .. } => WarningCode::Convoy,
            Self::ContendedObject { .. } => WarningCode::ContendedObject,
            Self::ScarceResource { .. } => WarningCode::ScarceResource,
            Self::BusyDevice { .. } => WarningCode::BusyDevice,
            Self::RetryStorm { .. } => WarningCode::RetryStorm,
            Self::Rejected { .. } => WarningCode::Rejected,
            Self::FullBacklog { .. } => WarningCode::FullBacklog,
            Self::WorkerTimeout { .. } => WarningCode::WorkerTimeout,
            Self::CrashedWorkers { .. } => WarningCode::CrashedWorkers,
            Self::BrokenPool { .. } => WarningCode::BrokenPool,
            Self::LostTasks { .. } => WarningCode::LostTasks,
            Self::LostMachines { .. } => WarningCode::LostMachines,
            Self::Restarts { .. } => WarningCode::Restarts,
            Self::MissedFault { .. } => WarningCode::MissedFault,
            Self::MemoryKills { .. } => WarningCode::MemoryKills,
            Self::ProgramCrashed { .. } => WarningCode::ProgramCrashed,
            Self::FutileWakeups { .. } => WarningCode::FutileWakeups,
            Self::Unshared { .. } => WarningCode::Unshared,
            Self::MoreResources { .. } => WarningCode::MoreResources,
            Self::SerialChildren { .. } => WarningCode::SerialChildren,
            Self::RoundsApart { .. } => WarningCode::RoundsApart,
            Self::Oversubscribed { .. } => WarningCode::Oversubscribed,
            Self::SerialPart { .. } => WarningCode::SerialPart,
            Self::InPlace { .. } => WarningCode::InPlace,
            Self::NoSuchPool { .. } => WarningCode::NoSuchPool,
            Self::EstimatedObjects { .. } => WarningCode::EstimatedObjects,
            Self::ObjectiveMissed { .. } => WarningCode::ObjectiveMissed,
            Self::EstimatedProfile { .. } => WarningCode::EstimatedProfile,
            Self::Added(of) => of.kind(),
        }
    }

    /// The code of the warning, which stays the same between versions.
    pub fn code(&self) -> &'static str {
        self.kind().as_str()
    }

    /// Whether it states a fact about the workload or the profile, or about what the program itself has added, and no reason to distrust
    /// the results: `--strict` lets it pass.
    pub(crate) fn is_note(&self) -> bool {
        self.kind().is_note() || matches!(self, Self::Added(_))
    }

    /// One or two sentences for people, the last of which says what to do.
    pub fn text(&self) -> String {
        match self {
            Self::Saturated { cases, arrivals, cores, keeps_up } => {
                let rate = arrivals.map_or(String::new(), |r| format!(" ({} a second)", digits(r, 3)));
                let each = cases.iter().map(|(c, done)| format!("{c} ({}/s)", digits(*done, 3)));
                let cores = if *cores { ", add cores (--cores): all are busy" } else { "" };
                let other = keeps_up.as_ref().map_or(String::new(), |c| format!(", or take {c}, which keeps up"));
                format!(
                    "{} cannot keep up with the arrivals{rate}: the queue grows without end, so latencies mean nothing. \
                     Lower the load below what is done{cores}{other}.",
                    list(&each.collect::<Vec<_>>())
                )
            }
            Self::FailuresDiffer { cases, least: (least, share), struck } => {
                let each: Vec<String> = cases.iter().map(|(c, s)| format!("{c} ({})", percent(*s))).collect();
                format!(
                    "{} {} of the tasks than {least} ({}), and {} below it: latencies and throughput are of what was completed. {}",
                    list(&each),
                    if cases.len() == 1 { "fails more" } else { "fail more" },
                    percent(*share),
                    if cases.len() == 1 { "ranks" } else { "rank" },
                    if *struck {
                        "Other notes say what the scenario's `faults` take with them; what else fails are time-outs and failing steps."
                    } else {
                        "Look at time-outs and failing steps."
                    }
                )
            }
            Self::NotConverged { cases, precision, needed, instead } => {
                let each: Vec<String> = cases.iter().map(|(c, r)| format!("{c} (± {})", percent(*r))).collect();
                let widest = libm::ceil(cases.iter().map(|(_, r)| *r).fold(0.0, f64::max) * 100.0);
                let goes_on = format!("--precision {} goes on until it is reached", written(*precision));
                let next = match (*needed <= MANY, instead) {
                    (true, _) => format!("{goes_on} (about {needed} replications)"),
                    // Long tails: further replications tell next to nothing.
                    (false, Some(p)) => format!("{goes_on}; or rank by what varies less (--rank-by {p})"),
                    (false, None) => goes_on,
                };
                // A precision above that cannot be asked for.
                let accept = if widest < 100.0 {
                    format!("; or accept what there is (--precision {widest}%)")
                } else {
                    String::new()
                };
                format!(
                    "the precision of {} was not reached by {}. {next}{accept}.",
                    percent(*precision),
                    list(&each),
                )
            }
            Self::FewReplications { replications: 1 } => {
                "a single replication has no confidence interval. Run at least 5 (--replications 5).".into()
            }
            Self::FewReplications { replications } => {
                format!("{replications} replications make wide intervals. Run at least 5 (--replications 5).")
            }
            Self::WarmupUncertain { cases } => format!(
                "the run is too short to tell where the warm-up of {} ends. Set `warmup` in the scenario, or simulate more arrivals.",
                list(cases)
            ),
            Self::WarmupCut { cases } => {
                let each: Vec<String> = cases.iter().map(|(c, t)| format!("{c} ({})", seconds(*t))).collect();
                format!(
                    "half the run of {} was over before the `warmup` of the scenario: only so much is left out there. Simulate more \
                     tasks to leave out all of it.",
                    list(&each)
                )
            }
            Self::OutOfMemory { cases, limit, ways } => {
                let each: Vec<String> = cases
                    .iter()
                    .map(|(c, at, bytes)| format!("{c} (at {}, {} MiB)", seconds(*at), bytes >> 20))
                    .collect();
                let why: Vec<&str> = ways.iter().filter_map(|w| w.because()).collect();
                let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
                let ways: Vec<&str> = ways.iter().map(|w| w.text()).collect();
                let has = limit.map_or(String::new(), |limit| {
                    format!(", of which the machine has {} MiB", limit >> 20)
                });
                format!(
                    "out of memory{has}: {}. {}, or raise the machine's memory limit{why}.",
                    list(&each),
                    capital(&ways.join("; "))
                )
            }
            Self::Deadlock { cases, on } => {
                let each: Vec<String> = cases
                    .iter()
                    .map(|(c, at, waiting)| {
                        let who: Vec<&str> = waiting.iter().take(3).map(String::as_str).collect();
                        format!("{c} (since {}: {})", seconds(*at), who.join("; "))
                    })
                    .collect();
                format!("deadlock: {}. {}", list(&each), ways_out(on))
            }
            Self::EventLimit { cases, limit } => format!(
                "{} stopped before the end: more than {limit} simulated events (steps, time slices, switches of the GIL) are needed. Simulate fewer \
                 tasks or shorter CPU steps, or raise --max-events.",
                list(cases)
            ),
            Self::ClockEnd { cases } => format!(
                "{} stopped before the end: the run takes longer than the 584 years that the clock can tell. Shorten the steps' times, or \
                 simulate fewer tasks.",
                list(cases)
            ),
            Self::NothingCompleted { cases } => {
                let each: Vec<String> = cases.iter().map(|(c, i)| format!("{c} ({})", i.text())).collect();
                format!(
                    "in some replication no task completed: {}. {}",
                    list(&each),
                    advice_without_any(cases)
                )
            }
            Self::Unsupported { cases } => {
                let each: Vec<String> = cases.iter().map(|(c, why)| format!("{c} ({why})")).collect();
                format!("left out: {}. Name another interpreter or strategy to compare.", list(&each))
            }
            Self::BlockedLoop { cases, calls } => {
                let what = if *calls {
                    "a blocking call (`Block`) or CPU work blocks"
                } else {
                    "CPU work blocks"
                };
                let each: Vec<String> =
                    cases.iter().map(|(c, t)| format!("{c} (up to {} at a time)", seconds(*t))).collect();
                format!(
                    "{what} the event loop of {}: nothing else runs meanwhile. Offload it to threads or processes.",
                    list(&each)
                )
            }
            Self::StarvedLoop { cases, gil } => {
                let each: Vec<String> =
                    cases.iter().map(|(c, t)| format!("{c} (up to {} at a time)", seconds(*t))).collect();
                let (by, or) = if *gil {
                    ("by the GIL or for want of a core", ", offload to processes, or a free-threaded interpreter")
                } else {
                    ("for want of a core or while the world is stopped", ", or offload to processes")
                };
                format!("the workers keep the event loop of {} from running, {by}. Use fewer workers{or}.", list(&each))
            }
            Self::Convoy { cases, back } => {
                let back: Vec<&str> = back.iter().map(|b| b.text()).collect();
                let each: Vec<String> = cases
                    .iter()
                    .map(|c| {
                        format!(
                            "`{}` under {} ({} each of {} times, {} of its time)",
                            c.task,
                            c.case,
                            seconds(c.each),
                            c.times,
                            percent(c.share)
                        )
                    })
                    .collect();
                format!(
                    "a convoy: back from {} for a moment, tasks wait for the GIL until threads that compute are made \
                     to let it go: {}. Compute in processes, or take a free-threaded interpreter.",
                    back.join(", or from "),
                    list(&each)
                )
            }
            Self::ContendedObject { cases } => {
                let each: Vec<String> = cases
                    .iter()
                    .map(|c| {
                        format!(
                            "`{}` of `{}` under {} ({} of its time)",
                            c.object,
                            c.task,
                            c.case,
                            percent(c.share)
                        )
                    })
                    .collect();
                format!(
                    "threads wait for one another at a shared object, which serves one access at a time however many they are: {}. \
                     Give each thread an object of its own, or what is read from it in a local variable.",
                    list(&each)
                )
            }
            Self::ScarceResource { cases } => {
                let each: Vec<String> = cases
                    .iter()
                    .map(|c| {
                        format!(
                            "`{}` by `{}` under {} ({} of its time)",
                            c.resource,
                            c.task,
                            c.case,
                            percent(c.share)
                        )
                    })
                    .collect();
                let limits = cases.iter().filter(|c| c.limit).count();
                let (what, help) = if limits == cases.len() {
                    (
                        "a rate limit, which others have used up",
                        "Ask less often (several things in one call, what was asked before from a cache), or have the limit raised.",
                    )
                } else if limits == 0 {
                    (
                        "a resource of which others use all that there is",
                        "Hold it for a shorter time, ask for it less often, or have more of it.",
                    )
                } else {
                    (
                        "a resource of which others use all that there is, or a rate limit that they have used up",
                        "Ask for it less often, have more of it, and hold what is given back for a shorter time.",
                    )
                };
                format!("tasks wait for {what}: {}. {help}", list(&each))
            }
            Self::BusyDevice { cases, fewer } => {
                let each: Vec<String> = cases
                    .iter()
                    .map(|c| {
                        format!(
                            "`{}` by `{}` under {} ({} of its time; {} of the device is in use)",
                            c.device,
                            c.task,
                            c.case,
                            percent(c.share),
                            percent(c.busy)
                        )
                    })
                    .collect();
                let fewer = if *fewer {
                    " Each further transfer costs it time (`penalty`): beyond those that fill it, the more there are at once the less it gets done."
                } else {
                    ""
                };
                let faulted = if cases.iter().any(|c| c.faulted) {
                    ", or because the scenario's `faults` slow it down"
                } else {
                    ""
                };
                format!(
                    "transfers take longer than they would alone, because others use the device as well{faulted}: {}. Where all of it is in use \
                     more workers do not help: transfer less, or have a faster device.{fewer}",
                    list(&each)
                )
            }
            Self::RetryStorm {
                cases,
                spread,
                heeded,
                clients,
            } => {
                let each: Vec<String> = cases
                    .iter()
                    .map(|(case, attempts)| format!("{case} ({attempts:.1} attempts for each first one)"))
                    .collect();
                let mut advice = "Pause longer (`backoff`, `factor`), ".to_owned();
                if !spread {
                    advice += "spread the pauses (`jitter`), ";
                }
                if !heeded {
                    advice += "heed what a rate limit says (`retry_after`), ";
                }
                format!(
                    "clients that try again make a multiple of the load that they were asked for: {}. {advice}limit them to a part of the load \
                     (`budget`), or allow fewer {}.",
                    list(&each),
                    if *clients { "`retries` of `client`" } else { "`attempts`" }
                )
            }
            Self::Rejected {
                cases,
                breakers,
                heedless,
            } => rejected_text(cases, breakers, *heedless),
            Self::FullBacklog { cases } => full_backlog_text(cases),
            Self::CrashedWorkers { cases } => crashed_workers_text(cases),
            Self::BrokenPool { cases } => broken_pool_text(cases),
            Self::LostTasks { cases } => lost_tasks_text(cases),
            Self::LostMachines { cases } => lost_machines_text(cases),
            Self::Restarts { cases } => restarts_text(cases),
            Self::MissedFault { cases } => missed_fault_text(cases),
            Self::MemoryKills { cases } => memory_kills_text(cases),
            Self::ProgramCrashed { cases } => program_crashed_text(cases),
            Self::WorkerTimeout { cases, loops, one_by_one } => worker_timeout_text(cases, *loops, *one_by_one),
            Self::FutileWakeups { cases, instead } => {
                let each: Vec<String> = cases
                    .iter()
                    .map(|c| {
                        format!(
                            "`{}` under {} ({} times a run; {} of CPU, sequentially {})",
                            c.task,
                            c.case,
                            c.times,
                            seconds(Nanos::from_secs_f64(c.cpu)),
                            seconds(Nanos::from_secs_f64(c.sequential))
                        )
                    })
                    .collect();
                let other = instead.as_ref().map_or(String::new(), |c| format!(", or take {c}, which does better without"));
                format!(
                    "threads fight for the GIL: code that gives it up for a moment wakes others in vain, which find it taken again: {}. \
                     Let one at a time run that code (a lock round it){other}.",
                    list(&each)
                )
            }
            Self::Unshared { names, strategies } => {
                let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
                format!(
                    "the tasks share {}, but under {} every worker has a copy of its own: what one changes no other \
                     sees. Compare these only if the tasks can do without sharing.",
                    list(&names),
                    list(strategies)
                )
            }
            Self::MoreResources { names, strategies } => {
                let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
                format!(
                    "every process has {} of its own, so {} {} more of that than the others. Where somebody outside limits all of them \
                     together (a database's connections, an API's quota), say `per: Everywhere`.",
                    list(&names),
                    list(strategies),
                    if strategies.len() == 1 { "has" } else { "have" }
                )
            }
            Self::SerialChildren { strategies } => format!(
                "the tasks fan out, but under {} the worker that has a task runs its children one after another. Fan out from an event loop \
                 (asyncio+processes), or submit the children as tasks of their own.",
                list(strategies)
            ),
            Self::RoundsApart { strategies } => format!(
                "under {} each process goes through rounds of its own share of the tasks, does the main program's own work in each, and waits \
                 for no other: what all of them together compute in a round comes together nowhere. Compare these only if it need not.",
                list(strategies)
            ),
            Self::Oversubscribed { cases, cores } => {
                let each: Vec<String> = cases
                    .iter()
                    .map(|c| {
                        format!(
                            "{} ({} calls of {} threads; room for {} each; tasks wait for a core {} of their time)",
                            c.case,
                            c.callers,
                            c.threads,
                            (cores / c.callers.max(1)).max(1),
                            percent(c.share)
                        )
                    })
                    .collect();
                format!(
                    "native code wants more threads than the {cores} cores have room for: {}. Let a call have no more than there is room for: \
                     OMP_NUM_THREADS (OPENBLAS_NUM_THREADS, MKL_NUM_THREADS) in the environment, or threadpoolctl in the program.",
                    list(&each)
                )
            }
            Self::SerialPart { case, share } => format!(
                "under {case} the main program's own work between rounds takes {} of the makespan, in which no worker has anything to do: \
                 no number of workers makes it more than {} times as fast as it is (Amdahl's law). Shorten `serial`, or give part of it to the tasks.",
                percent(*share),
                digits(1.0 / share, 2)
            ),
            Self::InPlace { strategies } => format!(
                "`Offload` and `Inline` say what an event loop does with steps: under {} they are executed in place, as if neither stood \
                 there. Compare these knowing that.",
                list(strategies)
            ),
            Self::NoSuchPool { pool, strategies } => format!(
                "steps are offloaded to the pool `{pool}`, which {} {}: there they go where all else is offloaded, or to the loop's own \
                 default executor. Add it to compare like with like: Asyncio(.., pools: {{\"{pool}\": ..}}).",
                list(strategies),
                if strategies.len() == 1 { "does not have" } else { "do not have" }
            ),
            Self::EstimatedObjects { strategies, memory } => format!(
                "what the workers of {} copy depends on how much of the imports' {} is objects, which the scenario does not say: all of it \
                 is taken for objects. Say how many: `imports: (.., objects: N)`, as `len(gc.get_objects())` counts them after the imports.",
                list(strategies),
                format_size(*memory)
            ),
            Self::ObjectiveMissed { objective, metric, closest: (case, value), off, relaxed } => {
                let value = match metric {
                    Metric::Memory => bytes(*value),
                    Metric::FailureRate => percent(*value),
                    Metric::Throughput => format!("{} tasks/s", digits(*value, 3)),
                    Metric::Makespan
                    | Metric::MeanLatency
                    | Metric::Percentile(_)
                    | Metric::Worst(_)
                    | Metric::Cpu => {
                        seconds(Nanos::from_secs_f64(*value))
                    }
                };
                let off = if off.is_finite() { format!(" (off by {})", excess_text(*off)) } else { String::new() };
                let relaxed = relaxed.as_ref().map_or(String::new(), |r| format!(" to `{r}`, which it meets"));
                format!(
                    "no strategy meets `{objective}`; {case} comes closest with {value}{off}. Relax the objective{relaxed}; or see under \
                     Why what its time goes into."
                )
            }
            Self::EstimatedProfile { interpreter, defaults, of } => format!(
                "{defaults} of {of} parameters of {interpreter} are estimates, not measurements. `pchsim profiles` lists \
                 the interpreters that were measured."
            ),
            Self::Added(of) => format!("{} (Only the comparison is affected: the scenario does not ask for this strategy, pchsim added it.)", of.text()),
        }
    }
}

/// Share of the time for which cores are busy from which on all of them count as busy.
pub(super) const BUSY: f64 = 0.95;

/// A share as options take it, written so that it reads back exactly.
fn written(share: f64) -> String {
    let short = percent(share);
    let exact = short
        .strip_suffix('%')
        .and_then(|p| p.parse::<f64>().ok())
        .is_some_and(|p| p / 100.0 == share);
    if exact { short } else { share.to_string() }
}

/// So many attempts for each first one are a storm: half of the load, or more, is of attempts that come again.
pub(super) const RETRY_STORM: f64 = 2.0;

/// What to do where no task completed.
fn advice_without_any(cases: &[(String, UnfinishedTasks)]) -> &'static str {
    let (mut again, mut all) = (cases.iter(), cases.iter());
    if again.any(|(_, u)| u.sent_again()) {
        "What clients have given up is worked on nevertheless: have them send less often again (`retries`, `budget`, `backoff` of `client`), tell the \
         program of their time-outs (`propagate`), or let in no more than it can do (`admission`)."
    } else if all.any(|(_, u)| u.cut_short()) {
        "Check the steps' times, time-outs and failures, or simulate longer."
    } else {
        "Check the steps' times, time-outs and failures."
    }
}

/// How many attempts there are for each first one, of a case's `Retry` steps or of its clients' requests, whichever is more; `None` if there are none.
pub(super) fn attempts_for_each_first(f: &Forecast) -> Option<f64> {
    let of_steps = attempts(f, Quantity::Attempts, Quantity::Retries);
    of_steps
        .into_iter()
        .chain(sent_by_clients(f))
        .reduce(f64::max)
}

/// How often clients send each of their requests.
pub(super) fn sent_by_clients(f: &Forecast) -> Option<f64> {
    attempts(f, Quantity::Arrived, Quantity::Resent)
}

/// All attempts for each first one.
fn attempts(f: &Forecast, all: Quantity, again: Quantity) -> Option<f64> {
    let mean = |q| f.get(q).map(|e| e.mean);
    let (all, again) = (mean(all)?, mean(again)?);
    let first = all - again;
    (first > 0.0).then(|| all / first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = ["a", "b", "c", "d", "e"].map(Into::into).into();
        assert_eq!(list(&names), "a, b, c and 2 more");
        assert_eq!(list(&names[..4]), "a, b, c and d");
        assert_eq!(list(&names[..2]), "a and b");
        assert_eq!(list(&names[..1]), "a");
        assert_eq!(list(&[]), "");
    }
}
