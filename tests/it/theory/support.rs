//! What every test here needs: a world without overheads, workloads, intervals, and the invariants of every run.

use pchsim::cpython::profile::Profile;
use pchsim::engine::{Nanos, Total};
use pchsim::scenario::{
    Arrivals, Dist, Imports, LockSpec, MachineSpec, Rounds, Step, Strategy, TaskClass, Workload,
};
use pchsim::strategy::{Outcome, SimInput, simulate};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Master seed of every test.
pub(crate) const SEED: u64 = 1;

/// Mean service time of most tests, in seconds.
pub(crate) const SERVICE: f64 = 0.1;

/// The loads at which every queue is looked at.
pub(crate) const LOADS: [f64; 3] = [0.3, 0.6, 0.85];

pub(crate) use crate::common::profile;

/// An operating system that costs nothing, and whose time slices are short against the services of these tests.
pub(crate) fn machine(cores: u32) -> MachineSpec {
    MachineSpec {
        hz: 1_000,
        ..crate::common::machine(cores)
    }
}

/// One class of tasks.
pub(crate) fn workload(arrivals: Arrivals, count: u64, steps: Vec<Step>) -> Workload {
    Workload {
        arrivals,
        rounds: Rounds::default(),
        classes: vec![TaskClass {
            name: "task".into(),
            count,
            weight: 1.0,
            steps,
            interleave: false,
            cost: Vec::new(),
            touches: 0.0,
        }],
        // One lock, for those that want a server of their own making.
        locks: vec![LockSpec {
            name: "server".into(),
            shared: false,
        }],
        queues: Vec::new(),
        objects: Vec::new(),
        resources: Vec::new(),
        devices: Vec::new(),
        imports: Imports::default(),
        dispatch: Nanos::ZERO,
        cpu_grain: Nanos::ZERO,
        native_grain: Nanos::ZERO,
        python_teams: false,
        ready: false,
        measured_on: None,
        data: 0,
        untouched_payload: false,
        faults: Vec::new(),
        admission: None,
        client: None,
    }
}

/// Exponential with this mean in seconds.
pub(crate) fn exponential(mean: f64) -> Dist {
    Dist::Exponential(Nanos::from_secs_f64(mean))
}

/// Mean latency in M/M/c, from Erlang's recursion for the loss.
pub(crate) fn erlang(servers: u32, load: f64) -> f64 {
    let c = f64::from(servers);
    let offered = load * c;
    let loss = (1..=servers).fold(1.0, |b, n| offered * b / (f64::from(n) + offered * b));
    let waits = loss / (1.0 - load * (1.0 - loss));
    SERVICE * (1.0 + waits / (c * (1.0 - load)))
}

/// A system to be simulated.
pub(crate) struct Case {
    pub(crate) machine: MachineSpec,
    pub(crate) profile: Profile,
    pub(crate) workload: Workload,
    pub(crate) strategy: Strategy,
    pub(crate) warmup: f64,
    pub(crate) horizon: Option<f64>,
}

impl Case {
    /// One replication, after the invariants have been looked at.
    pub(crate) fn run(&self, replication: u32) -> Outcome {
        let input = SimInput {
            machine: &self.machine,
            profile: &self.profile,
            workload: &self.workload,
            strategy: &self.strategy,
            compiled: None,
            seed: SEED,
            replication,
            warmup: Nanos::from_secs_f64(self.warmup),
            horizon: self.horizon.map(Nanos::from_secs_f64),
            keep_latencies: true,
            windows: None,
            max_events: u64::MAX,
        };
        let outcome = simulate(&input).expect("a strategy that this interpreter has");
        invariants(&input, &outcome);
        outcome
    }

    /// What `measure` sees in each of so many replications.
    pub(crate) fn replicate(
        &self,
        replications: u32,
        measure: impl Fn(&Outcome) -> f64,
    ) -> Interval {
        Interval::of(
            &(0..replications)
                .map(|r| measure(&self.run(r)))
                .collect::<Vec<f64>>(),
        )
    }
}

/// What holds for every run, whatever is simulated.
fn invariants(input: &SimInput<'_>, o: &Outcome) {
    // Tasks are conserved. Those in flight may have arrived before the warm-up's end.
    let ended = o.completed + o.failed + o.timed_out + o.rejected;
    assert!(
        ended <= o.arrived && o.arrived <= ended + o.in_flight,
        "tasks are lost: {o:?}"
    );
    assert_eq!(o.latency.count(), o.completed);
    assert_eq!(o.latencies.len() as u64, o.completed);
    // Core time is conserved: what the threads used is what the cores gave, and no core gave more than there was.
    let machines = input.strategy.machines(&input.workload.faults) as usize;
    assert_eq!(o.core_busy.len(), input.machine.cores.len() * machines);
    assert!(
        o.core_busy.iter().all(|&busy| busy <= o.end),
        "a core ran two threads at once: {o:?}"
    );
    assert_eq!(o.core_busy.iter().copied().sum::<Total>(), o.cpu);
    // Every nanosecond of a task has one cause.
    let kept: u128 = o.latencies.iter().map(|l| u128::from(l.0)).sum();
    assert_eq!(kept, o.latency.sum());
    if o.failed + o.timed_out + o.rejected + o.in_flight == 0 {
        assert_eq!(
            o.causes.iter().copied().sum::<Total>().0,
            kept,
            "{:?}",
            o.causes
        );
    }
    // Time and order.
    assert!(
        o.makespan <= o.closed.max(o.end) && o.closed <= o.end,
        "{:?} {:?} {:?}",
        o.makespan,
        o.closed,
        o.end
    );
    assert!(o.gil_contended <= o.gil_held);
    // A mean of a constant may differ from it in the last bits.
    assert!(
        o.memory_mean <= memory_peak(o) * (1.0 + 1e-12),
        "{} {}",
        o.memory_mean,
        o.memory_peak
    );
}

fn memory_peak(o: &Outcome) -> f64 {
    o.memory_peak as f64
}

/// A mean over independent replications with its 99 % Student interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) mean: f64,
    pub(crate) half: f64,
}

impl Interval {
    pub(crate) fn of(values: &[f64]) -> Self {
        let n = f64::from(u32::try_from(values.len()).expect("few"));
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let t = StudentsT::new(0.0, 1.0, n - 1.0)
            .expect("positive freedom")
            .inverse_cdf(0.995);
        Self {
            mean,
            half: t * (variance / n).sqrt(),
        }
    }

    /// The exact value is inside; and the interval is narrow enough (a tenth either way) for that to mean something.
    pub(crate) fn assert_holds(self, exact: f64, what: &str) {
        let Self { mean, half } = self;
        assert!(
            half <= 0.1 * exact,
            "{what}: {mean} ± {half} says too little"
        );
        assert!(
            (mean - exact).abs() <= half,
            "{what}: {mean} ± {half}, exactly {exact}"
        );
    }
}

/// Mean latency in seconds.
pub(crate) fn mean_latency(o: &Outcome) -> f64 {
    o.latency.mean().expect("tasks") / 1e9
}

/// One event loop that does everything itself.
pub(crate) fn asyncio() -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload: pchsim::scenario::Offload::None,
        pools: Vec::new(),
    }
}
