//! What one replication observed.

pub use crate::cpython::{Effect, Finding, FindingKind, WaitReason};
use crate::engine::{Nanos, Total};
pub use crate::machine::{CAUSES, Cause};
use crate::measure::{BatchSeries, Completions, Histogram};

/// What one replication observed. Times are simulated.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Tasks that arrived / completed / failed / timed out, after the warm-up; still in flight at the end.
    pub arrived: u64,
    /// Completed successfully.
    pub completed: u64,
    /// Ended in a failure.
    pub failed: u64,
    /// Ended by a timeout.
    pub timed_out: u64,
    /// Neither at the end of the run.
    pub in_flight: u64,
    /// When the arrivals from outside ran out: the last of a promised count. `None` if more were to come at the end of the run, and for
    /// batches and traces.
    pub arrivals_end: Option<Nanos>,
    /// When half of a promised count (rounded up) had arrived from outside; `None` like `arrivals_end`.
    pub half_arrived: Option<Nanos>,
    /// Completions by when they came, whenever their tasks arrived, from the warm-up on until the arrivals from outside ran out or the
    /// run ended.
    pub window: Completions,
    /// The last completion (of all, from time 0).
    pub makespan: Nanos,
    /// When the executor was shut down; at least `makespan`.
    pub closed: Nanos,
    /// Latencies (completion minus arrival) of tasks that ended after the warm-up, over all classes.
    pub latency: Histogram,
    /// The same for each class of the workload.
    pub class_latency: Vec<Histogram>,
    /// Latencies in seconds in order of completion, as streaming batch means (for warm-up detection and intervals).
    pub series: BatchSeries,
    /// Every latency in order of arrival (unfinished tasks left out), if asked for.
    pub latencies: Vec<Nanos>,
    /// Task time by cause (index = `Cause as usize`), summed over the tasks counted in `latency`.
    pub causes: [Total; CAUSES],
    /// Time of the children (`FanOut`) of counted tasks by cause, children's children among them. Their parents' time is in `causes` whoever
    /// executes them: as waiting for children where these are tasks of their own, by the same causes where the parent's thread runs
    /// them one after another.
    pub children: [Total; CAUSES],
    /// Over all demands drawn from a distribution whose mean is known (recorded and constant ones are not drawn): the sum of
    /// (drawn - mean), in seconds. Its mean over replications is zero, so it can be regressed on.
    pub demand_excess: f64,
    /// The sum of those means, in seconds.
    pub demand_expected: f64,
    /// The same as `demand_excess` for the intervals between open arrivals, or the think times of a closed workload.
    pub interval_excess: f64,
    /// The sum of their means, in seconds.
    pub interval_expected: f64,
    /// CPU time used by all simulated threads.
    pub cpu: Total,
    /// Busy time of each core.
    pub core_busy: Vec<Nanos>,
    /// When the run ended (utilization = busy / end).
    pub end: Nanos,
    /// Time in which some GIL was held / was held while another thread wanted it.
    pub gil_held: Total,
    /// See `gil_held`.
    pub gil_contended: Total,
    /// Context switches: the thread blocked / was preempted.
    pub switches_voluntary: u64,
    /// See `switches_voluntary`.
    pub switches_involuntary: u64,
    /// Most memory in use at once by the whole process tree (proportional set size), in bytes.
    pub memory_peak: u64,
    /// Its time-weighted mean, in bytes.
    pub memory_mean: f64,
    /// Bytes sent through pipes.
    pub bytes_moved: u128,
    /// Processes (or interpreters) started beside the main one.
    pub processes: u32,
    /// Model events: operations of simulated threads, whether they needed a calendar event or not.
    pub events: u64,
    /// Events that went through the calendar.
    pub calendar_events: u64,
    /// Longest calendar.
    pub calendar_peak: u64,
    /// What went wrong; at most a few of each kind.
    pub findings: Vec<Finding>,
}
