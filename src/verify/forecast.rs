//! Forecasts a generated program: the scenario's workload as that program executes it, on the machine that it runs on.

use super::error::ForecastError;
use super::program::GeneratedProgram;
use super::serve::{self, ModuleSizes};
use crate::cpython::profile::Profile;
use crate::engine::{Nanos, whole};
use crate::measure::{element, median};
use crate::scenario::{
    Arrivals, Execution, Inside, MachineSpec, Step, Strategy, TaskClass, Workload,
};
use crate::strategy::{Finding, Outcome, SimInput, WaitReason};
use crate::verify::own_loop::{CLOCK_NS, ITERATIONS, own_loop};

/// The time of writing a payload into fresh memory, in nanoseconds a byte at best speed.
const FRESH_NS_PER_BYTE: f64 = 0.4;
/// The size of a program's list of tasks: bytes for a task, and for each of its random numbers.
const TASK_BYTES: f64 = 184.0;
const NUMBER_BYTES: f64 = 40.0;
/// The size of a line of an application's list beside its characters: a `str`, and its place in the list.
const LINE_BYTES: f64 = 57.0;

/// What the simulation of a program needs.
#[derive(Clone, Debug)]
pub(crate) struct Forecaster {
    /// The machine that the program runs on.
    pub machine: MachineSpec,
    /// The interpreter, slowed down as the machine was.
    pub profile: Profile,
    /// The workload that the program executes.
    pub workload: Workload,
    /// The strategy that it executes it with.
    pub strategy: Strategy,
    /// The master seed.
    pub seed: u64,
}

/// How fast the machine was while a program ran.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Conditions {
    /// How slow it was, relative to the profile's best speed.
    pub slowness: f64,
    /// What a server's own modules take of memory; nothing of programs that are none.
    pub modules: ModuleSizes,
}

/// The figures of one simulated run of a program.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedRun {
    /// The time until the last result, in seconds.
    pub makespan: f64,
    /// The time until the pool was shut down, in seconds.
    pub closed: f64,
    /// The latencies in seconds, sorted.
    pub latencies: Vec<f64>,
    /// CPU seconds.
    pub cpu: f64,
    /// The peak memory, in bytes.
    pub memory: f64,
    /// Voluntary and involuntary context switches of all threads.
    pub switches: (f64, f64),
    /// The number of tasks that failed or timed out.
    pub failed: f64,
    /// Seconds from the first crash of a server's worker until another had answered.
    pub back: Option<f64>,
}

impl Forecaster {
    /// The forecast of `program`, which was made from `workload`, on a machine that is `slowness` times slower than its best speed.
    pub(crate) fn new(
        workload: &Workload,
        strategy: &Strategy,
        program: &GeneratedProgram,
        (machine, profile): (&MachineSpec, &Profile),
        conditions: Conditions,
        seed: u64,
    ) -> Self {
        let slowness = conditions.slowness;
        // What a server adds to each request is added when the program is compiled; twice would be once too often.
        let mut w = workload.under(strategy.each()).into_owned();
        if other_processes(strategy) && program.numbers_per_task >= 1.0 {
            for class in &mut w.classes {
                class
                    .steps
                    .push(Step::ObjectsIn(whole(program.numbers_per_task)));
            }
        }
        let (own, makes_payloads) = own_loop(strategy);
        let payload = if makes_payloads {
            payload_cost(&w.classes)
        } else {
            0.0
        };
        let factor = profile.params.cpu_factor;
        let iteration = profile.params.check_gap;
        w.dispatch += Nanos::from_f64((own * iteration + payload) / factor * slowness);
        w.cpu_grain = Nanos::from_f64((ITERATIONS * iteration + 3.0 * CLOCK_NS) * slowness);
        w.python_teams = true;
        let mut profile = profile.slowed(slowness);
        match &program.served {
            None => {
                profile.params.base_rss +=
                    tasks(&w) * (TASK_BYTES + program.numbers_per_task * NUMBER_BYTES);
            }
            Some(served) => {
                let lines = program.data.as_ref();
                let list = lines.map_or(0.0, |l| l.len() as f64 + tasks(&w) * LINE_BYTES);
                let memory = (&mut profile.params, &mut w.imports);
                serve::forecast::add_memory(memory, served.server, conditions.modules, list);
                if w.ready {
                    let factor = profile.params.cpu_factor;
                    serve::forecast::add_boot(&mut w.imports, conditions.modules, factor);
                }
            }
        }
        let mut machine = machine.clone();
        // Demands are spent as CPU time, which already contains how much the other cores slowed it down.
        machine.interference = 0.0;
        Self {
            machine,
            profile,
            workload: w,
            strategy: strategy.clone(),
            seed,
        }
    }

    /// Simulates run number `run`. Demands are the same in each run; what the machine does differs.
    ///
    /// # Errors
    /// Returns the reason why there is no forecast: the tasks wait for each other, or the simulation is too long.
    pub(crate) fn simulate(
        &self,
        run: u32,
        simulate: &super::SimulateSameDemands<'_>,
    ) -> Result<SimulatedRun, ForecastError> {
        let input = SimInput {
            machine: &self.machine,
            profile: &self.profile,
            workload: &self.workload,
            strategy: &self.strategy,
            compiled: None,
            seed: self.seed,
            replication: run,
            warmup: Nanos::ZERO,
            horizon: None,
            keep_latencies: true,
            windows: None,
            max_events: MAX_EVENTS,
        };
        let outcome = simulate_guarded(simulate, &input)?;
        unfinished(&outcome)?;
        let mut latencies: Vec<f64> = outcome.latencies.iter().map(|l| l.as_secs_f64()).collect();
        latencies.sort_by(f64::total_cmp);
        Ok(SimulatedRun {
            makespan: outcome.makespan.as_secs_f64(),
            closed: outcome.closed.max(outcome.makespan).as_secs_f64(),
            latencies,
            cpu: outcome.cpu.as_secs_f64(),
            memory: outcome.memory_peak as f64,
            switches: (
                outcome.switches_voluntary as f64,
                outcome.switches_involuntary as f64,
            ),
            failed: (outcome.failed + outcome.timed_out + outcome.lost) as f64,
            back: outcome.findings.iter().find_map(back),
        })
    }
}

/// The time until a worker that has crashed is replaced, in seconds.
fn back(finding: &Finding) -> Option<f64> {
    finding
        .replaced_after()
        .filter(|back| *back > Nanos::ZERO)
        .map(Nanos::as_secs_f64)
}

/// Catches a panic in a simulation, so that a bug in one of them does not cost the others.
fn simulate_guarded(
    simulate: &super::SimulateSameDemands<'_>,
    input: &SimInput<'_>,
) -> Result<Outcome, ForecastError> {
    let attempt = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| simulate(input)));
    Ok(attempt.map_err(|_| ForecastError::Failed)??)
}

/// The greatest number of model events in a simulation.
const MAX_EVENTS: u64 = 200_000_000;

/// A run that did not finish all its tasks gives no forecast.
fn unfinished(outcome: &Outcome) -> Result<(), ForecastError> {
    for finding in &outcome.findings {
        match finding {
            // The real program goes on without what is lost with a worker.
            Finding::Deadlock { on, .. } if on.as_slice() == [WaitReason::Crashed] => {}
            Finding::Deadlock { at, waiting, .. } => {
                let waiting: Vec<_> = waiting.iter().take(2).map(ToString::to_string).collect();
                return Err(ForecastError::Deadlock { at: *at, waiting });
            }
            Finding::OutOfMemory { .. } => {
                return Err(ForecastError::OutOfMemory);
            }
            Finding::EventLimit { .. } => {
                return Err(ForecastError::EventLimit(MAX_EVENTS));
            }
            Finding::ClockEnd { .. } => {
                return Err(ForecastError::ClockEnd);
            }
            Finding::ProgramCrashed { at } => {
                return Err(ForecastError::Crashed(*at));
            }
            Finding::Unsupported { reason } => {
                return Err(ForecastError::Unsupported(reason.clone()));
            }
            Finding::BlockedLoop { .. }
            | Finding::Convoy { .. }
            | Finding::ContendedObject { .. }
            | Finding::ScarceResource { .. }
            | Finding::BusyDevice { .. }
            | Finding::FutileWakeups { .. }
            | Finding::Rejections { .. }
            | Finding::FullBacklog { .. }
            | Finding::KilledWorkers { .. }
            | Finding::CrashedWorkers { .. }
            | Finding::BrokenPool { .. }
            | Finding::LostTasks { .. }
            | Finding::LostMachines { .. }
            | Finding::Restarts { .. }
            | Finding::MissedFault { .. }
            | Finding::MemoryKills { .. } => {}
        }
    }
    if outcome.in_flight > 0 {
        return Err(ForecastError::Unfinished(outcome.in_flight));
    }
    Ok(())
}

/// The median of a figure over the simulated runs.
pub(super) fn over(runs: &[SimulatedRun], figure: impl Fn(&SimulatedRun) -> f64) -> f64 {
    median(runs.iter().map(figure).collect())
}

/// The percentile `p` (0 to 1) of sorted latencies.
pub(super) fn percentile(sorted: &[f64], p: f64) -> f64 {
    element(sorted, p).copied().unwrap_or(0.0)
}

fn other_processes(strategy: &Strategy) -> bool {
    let Execution {
        copies,
        event_loop,
        pool,
        ..
    } = strategy.execution();
    copies.is_none() && !event_loop && pool.apart()
}

fn tasks(w: &Workload) -> f64 {
    match &w.arrivals {
        Arrivals::Batch => w.tasks_of_all_rounds() as f64,
        Arrivals::Trace(tasks) => tasks.len() as f64,
        Arrivals::Open { count, .. }
        | Arrivals::Varying { count, .. }
        | Arrivals::Sessions { count, .. }
        | Arrivals::Closed { count, .. } => count.unwrap_or(0) as f64,
    }
}

/// The time of building a task's payload, as the mean over all tasks.
fn payload_cost(classes: &[TaskClass]) -> f64 {
    fn bytes(steps: &[Step]) -> f64 {
        let of = |step: &Step| {
            let inside = step.inside().map_or(0.0, |Inside { steps, runs }| {
                let times = runs.by_the_task() as f64;
                times * bytes(steps)
            });
            step.carries().bytes_in as f64 + inside
        };
        steps.iter().map(of).sum()
    }
    let tasks: f64 = classes.iter().map(|c| c.count as f64).sum();
    classes
        .iter()
        .map(|c| c.count as f64 * bytes(&c.steps) * FRESH_NS_PER_BYTE)
        .sum::<f64>()
        / tasks.max(1.0)
}
