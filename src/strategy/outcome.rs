//! What one replication observed.

pub(crate) use crate::cpython::ADMISSION;
pub use crate::cpython::{Effect, Finding, FindingKind, WaitReason};
use crate::engine::{Nanos, Total};
pub use crate::machine::{CAUSES, Cause};
use crate::measure::{BatchSeries, Completions, Histogram, Windows};
pub use crate::sync::DeviceTotals;

/// What one replication observed. All times are simulated.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Tasks that arrived after the warm-up; the next fields say what became of them.
    pub arrived: u64,
    /// Of these, tasks that completed.
    pub completed: u64,
    /// Of these, tasks that failed.
    pub failed: u64,
    /// Of these, tasks that a deadline ended.
    pub timed_out: u64,
    /// Of these, tasks that were rejected: not let in, or told to leave before anybody took them up ([`Admission`](crate::scenario::Admission)).
    pub rejected: u64,
    /// Of the arrived, requests that clients sent again ([`Client`](crate::scenario::Client)).
    pub resent: u64,
    /// Requests of clients that ended without an answer, however often each was sent; without a `client` of the scenario, tasks that did not complete.
    pub unanswered: u64,
    /// Attempts that `Retry` steps began of tasks that arrived after the warm-up, those of their children included.
    pub attempts: u64,
    /// Of these, attempts after the first.
    pub retries: u64,
    /// Of these, tasks that were still in flight at the end of the run.
    pub in_flight: u64,
    /// Of these, tasks that were lost with a worker of a `multiprocessing.Pool` that crashed: they wait for their results for ever.
    pub lost: u64,
    /// When the last arrival of a promised number came from outside. `None` if more were to come at the end of the run, and for batches and
    /// traces.
    pub arrivals_end: Option<Nanos>,
    /// When half of a promised number (rounded up) had arrived from outside; `None` as for `arrivals_end`.
    pub half_arrived: Option<Nanos>,
    /// Completions, whenever their tasks arrived, from the warm-up on until the arrivals from outside ran out or the run ended.
    pub window: Completions,
    /// When the last task ended, of all since time 0.
    pub makespan: Nanos,
    /// When the executor was shut down; at least `makespan`.
    pub closed: Nanos,
    /// Latencies (completion minus arrival) of completed tasks that arrived after the warm-up, over all classes.
    pub latency: Histogram,
    /// The same tasks by the window of time in which they arrived, where windows were asked for.
    pub windows: Option<Windows>,
    /// These latencies for each class of the workload.
    pub class_latency: Vec<Histogram>,
    /// Latencies in seconds of all tasks that ended, in order of their ends, as streaming batch means (for warm-up detection and
    /// intervals).
    pub series: BatchSeries,
    /// The latency of every such task in order of arrival (unfinished ones left out), if asked for.
    pub latencies: Vec<Nanos>,
    /// Time of the counted tasks by cause (indexed by `Cause as usize`).
    pub causes: [Total; CAUSES],
    /// Time of the children (`FanOut`) of counted tasks by cause, their own children included. Their parents' time is in `causes` whoever
    /// executes the children: as waiting for children if these are tasks of their own, by the same causes if the parent's thread executes
    /// them inline.
    pub children: [Total; CAUSES],
    /// Sum of (drawn - mean), in seconds, over all demands drawn from a distribution whose mean is known (recorded and constant ones are
    /// not drawn). Its mean over replications is zero, so it can serve as a control variate.
    pub demand_excess: f64,
    /// Sum of these means, in seconds.
    pub demand_expected: f64,
    /// Sum of (drawn - mean), in seconds, over the intervals between open arrivals, or the think times of a closed workload.
    pub interval_excess: f64,
    /// Sum of these means, in seconds.
    pub interval_expected: f64,
    /// CPU time used by all simulated threads.
    pub cpu: Total,
    /// Busy time of each core.
    pub core_busy: Vec<Nanos>,
    /// Of each machine the time for which it was there, all together: of machines that stay `end` times their number.
    pub machine_time: Total,
    /// Most machines that there can be at a time.
    pub machines: u32,
    /// Time that the main program spent by itself before rounds ([`Rounds::serial`](crate::scenario::Rounds)); of several copies the mean.
    pub serial: Total,
    /// When the run ended (utilization is busy time over this).
    pub end: Nanos,
    /// Total time for which GILs were held.
    pub gil_held: Total,
    /// Total time for which GILs were held while other threads waited for them.
    pub gil_contended: Total,
    /// Voluntary context switches: a thread blocked.
    pub switches_voluntary: u64,
    /// Involuntary context switches: a thread was preempted.
    pub switches_involuntary: u64,
    /// Greatest memory in use by the whole process tree at once (as a sum of proportional set sizes), in bytes.
    pub memory_peak: u64,
    /// Time-weighted mean of that memory, in bytes.
    pub memory_mean: f64,
    /// Bytes sent through pipes.
    pub bytes_moved: u128,
    /// What each device of the workload has done, in their order; transfers that were under way at the end of the run count as given up.
    pub devices: Vec<DeviceTotals>,
    /// Number of processes (or interpreters) started beside the main one.
    pub processes: u32,
    /// Number of model events: acts of simulated threads, whether or not they needed a calendar event.
    pub events: u64,
    /// Number of events taken from the calendar.
    pub calendar_events: u64,
    /// Greatest length of the calendar.
    pub calendar_peak: u64,
    /// Findings: what went wrong; at most a few of each kind.
    pub findings: Vec<Finding>,
}
