//! A strategy tree and a workload compiled to programs for simulated threads, and the run of one replication.

mod check;
mod check_recording;
mod compile;
mod layout;
mod outcome;

pub use check::{Violations, check};
pub use check_recording::check_recording;
pub use compile::{batch_order, compile};
pub use outcome::*;

use std::sync::OnceLock;

use crate::cpython::profile::Profile;
use crate::cpython::recording::{Record, RecordOptions, RecordedSeries, Recording};
use crate::cpython::snapshot::Snapshot;
use crate::cpython::{Program, RunLimits, Sim};
use crate::engine::{Nanos, Total};
use crate::scenario::{MachineSpec, Strategy, Workload};

/// Why a replication cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The interpreter or the library cannot do what the strategy asks.
    #[error("not possible: {0}")]
    Unsupported(String),
}

/// Everything that one replication depends on.
#[derive(Clone, Copy, Debug)]
pub struct SimInput<'a> {
    /// The machine.
    pub machine: &'a MachineSpec,
    /// The profile of the interpreter.
    pub profile: &'a Profile,
    /// The workload: which tasks arrive, and when.
    pub workload: &'a Workload,
    /// The strategy by which they are executed.
    pub strategy: &'a Strategy,
    /// Cache of the program that these four are compiled to, shared by their replications; `None`: the program is compiled for this one
    /// alone.
    pub compiled: Option<&'a Compiled>,
    /// Master seed.
    pub seed: u64,
    /// Number of the replication. The same seed and number give the same arrivals and demands under every strategy.
    pub replication: u32,
    /// Tasks that arrive before this instant do not count in latencies, causes and throughput.
    pub warmup: Nanos,
    /// The run ends at this instant at the latest; `None`: when nothing is left to happen.
    pub horizon: Option<Nanos>,
    /// Whether to keep the latency of every task, in order of arrival, beside the histogram; memory then grows with the number of tasks.
    pub keep_latencies: bool,
    /// Length of the windows of time in which tasks are counted apart, by when they arrive; `None`: they are not.
    pub windows: Option<Nanos>,
    /// Most model events: the run is stopped after so many, and says so.
    pub max_events: u64,
}

/// The program that a machine, a profile, a workload and a strategy are compiled to: compiled by the first of their replications, and kept
/// for the others.
#[derive(Debug, Default)]
pub struct Compiled(OnceLock<Result<Program, SimError>>);

impl Compiled {
    fn program(&self, input: &SimInput<'_>) -> Result<&Program, SimError> {
        let compiled = || compile(input.machine, input.profile, input.workload, input.strategy);
        self.0.get_or_init(compiled).as_ref().map_err(Clone::clone)
    }
}

/// Simulates one replication.
///
/// # Errors
///
/// If the interpreter cannot do what the strategy asks.
pub fn simulate(input: &SimInput<'_>) -> Result<Outcome, SimError> {
    simulate_demands_of(input, input.replication)
}

/// Checks whether the interpreter can do what the strategy asks. The check costs nothing beside a simulation.
///
/// # Errors
///
/// If it cannot, with the reason.
pub(crate) fn supported(
    machine: &MachineSpec,
    profile: &Profile,
    workload: &Workload,
    strategy: &Strategy,
) -> Result<(), SimError> {
    compile(machine, profile, workload, strategy).map(|_| ())
}

/// Takes a snapshot of a replication at an instant: everything at that instant is included, nothing after it. The run is the one that
/// [`simulate`] makes of the same input, except that all tasks count, those of the warm-up included.
///
/// # Errors
///
/// If the interpreter cannot do what the strategy asks.
pub fn snapshot(input: &SimInput<'_>, at: Nanos) -> Result<Snapshot, SimError> {
    let own = Compiled::default();
    let program = input.compiled.unwrap_or(&own).program(input)?;
    let all_counted = SimInput {
        warmup: Nanos::ZERO,
        keep_latencies: false,
        windows: None,
        ..*input
    };
    let sim = sim(&all_counted, program, input.replication, Record::Nothing);
    Ok(sim.snapshot(at))
}

/// Simulates one replication with the arrivals, classes, demands, think times and failures of replication `demands`. What varies between
/// replications is then only the machine and the runtime, as between real runs of a fixed program.
///
/// # Errors
///
/// If the interpreter cannot do what the strategy asks.
pub fn simulate_demands_of(input: &SimInput<'_>, demands: u32) -> Result<Outcome, SimError> {
    run(input, demands, Record::Nothing).map(|r| r.outcome)
}

/// Simulates one replication and records who did what. The outcome is that of [`simulate`].
///
/// # Errors
///
/// If the interpreter cannot do what the strategy asks.
pub fn record(
    input: &SimInput<'_>,
    options: RecordOptions,
) -> Result<(Outcome, Recording), SimError> {
    let run = run(input, input.replication, Record::Window(options))?;
    Ok((run.outcome, run.recording.unwrap_or_default()))
}

/// Simulates one replication and follows its course over time. The outcome is that of [`simulate`].
///
/// # Errors
///
/// If the interpreter cannot do what the strategy asks.
pub fn course(input: &SimInput<'_>) -> Result<(Outcome, RecordedSeries), SimError> {
    let run = run(input, input.replication, Record::Course)?;
    Ok((run.outcome, run.over_time.unwrap_or_default()))
}

/// A replication's outcome, and what was recorded beside it.
struct RecordedRun {
    outcome: Outcome,
    recording: Option<Recording>,
    over_time: Option<RecordedSeries>,
}

/// A replication at time 0.
fn sim<'a>(input: &SimInput<'a>, program: &'a Program, demands: u32, record: Record) -> Sim<'a> {
    let limits = RunLimits {
        warmup: input.warmup,
        horizon: input.horizon,
        max_events: input.max_events,
        keep_latencies: input.keep_latencies,
        windows: input.windows,
        demands,
        record,
    };
    Sim::new(
        &input.strategy.machine(input.machine),
        input.profile,
        program,
        input.seed,
        input.replication,
        limits,
    )
}

fn run(input: &SimInput<'_>, demands: u32, record: Record) -> Result<RecordedRun, SimError> {
    let own = Compiled::default();
    let program = input.compiled.unwrap_or(&own).program(input)?;
    let o = sim(input, program, demands, record).run();
    let mut latencies = o.observer.latencies.unwrap_or_default();
    latencies.sort_unstable_by_key(|&(number, _)| number);
    let class_latency = if program.own_classes > 1 {
        o.observer.class_latency
    } else {
        vec![o.observer.latency.clone()]
    };
    let outcome = Outcome {
        arrived: o.observer.arrived,
        completed: o.observer.completed,
        failed: o.observer.failed,
        timed_out: o.observer.timed_out,
        rejected: o.observer.rejected,
        resent: o.resent,
        machine_time: o.machine_time,
        unanswered: o.unanswered,
        machines: program.nodes(),
        attempts: o.observer.attempts,
        retries: o.observer.retries,
        in_flight: o.in_flight,
        lost: o.lost,
        arrivals_end: o.observer.arrivals_end,
        half_arrived: o.observer.half_arrived,
        window: o.observer.window,
        makespan: o.observer.makespan,
        serial: Total(o.observer.serial.0 / u128::from(program.layout.copies.max(1))),
        closed: o.closed,
        latency: o.observer.latency,
        windows: o.observer.windows,
        class_latency,
        series: o.observer.series,
        latencies: latencies.into_iter().map(|(_, l)| l).collect(),
        causes: o.causes,
        children: o.children,
        demand_excess: o.demand_excess,
        demand_expected: o.demand_expected,
        interval_excess: o.interval_excess,
        interval_expected: o.interval_expected,
        cpu: o.cpu,
        core_busy: o.core_busy,
        end: o.end,
        gil_held: o.gil_held,
        gil_contended: o.gil_contended,
        switches_voluntary: o.switches_voluntary,
        switches_involuntary: o.switches_involuntary,
        memory_peak: o.memory_peak,
        memory_mean: o.memory_mean,
        bytes_moved: o.bytes_moved,
        devices: o.devices,
        processes: o.processes,
        events: o.events,
        calendar_events: o.calendar_events,
        calendar_peak: o.calendar_peak,
        findings: o.findings,
    };
    Ok(RecordedRun {
        outcome,
        recording: o.recording,
        over_time: o.over_time,
    })
}
