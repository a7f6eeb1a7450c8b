//! Shared by the tests of the simulator: a world without overheads, workloads, and runs that end in the invariants.

mod free;

use std::fmt;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pchsim::cpython::profile::Profile;
use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, DeviceKind, DeviceSpec, Dist, Imports, LockSpec, MachineSpec, Overflow, QueueSpec,
    ResourceKind, ResourceSpec, Rounds, Scope, Step, Strategy, TaskClass, WhenFull, Workload,
};
use pchsim::strategy::{Outcome, SimInput, check, simulate};

pub(crate) use free::{machine, profile};

/// A run that has not ended by then hangs: the longest test needs a hundredth of it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A class of so many tasks.
pub(crate) fn class(count: u64, steps: Vec<Step>) -> TaskClass {
    TaskClass {
        name: "task".into(),
        count,
        weight: 1.0,
        steps,
        interleave: false,
        cost: Vec::new(),
        touches: 0.0,
    }
}

/// A resource of each kind: one permit that is waited for, connections that are given up on, and a limit that rejects and one that is given up on, and circuit breakers.
fn resources() -> Vec<ResourceSpec> {
    let of = |name: &str, kind, scope, full| ResourceSpec {
        name: name.into(),
        kind,
        scope,
        full,
    };
    let connections = ResourceKind::Connections {
        size: 1,
        overflow: 1,
        connect: Nanos(300_000),
        lifetime: Some(Nanos(5_000_000)),
        to: None,
    };
    let limit = ResourceKind::RateLimit {
        interval: Nanos(400_000),
        burst: 2,
        window: None,
    };
    let breaker = |failures, reset, half_open| ResourceKind::Breaker {
        failures,
        reset: Nanos(reset),
        half_open,
    };
    vec![
        of(
            "gate",
            ResourceKind::Semaphore { count: 1 },
            Scope::Process,
            WhenFull::Wait,
        ),
        of(
            "db",
            connections,
            Scope::Process,
            WhenFull::GiveUp(Nanos(1_500_000)),
        ),
        of("api", limit.clone(), Scope::Everywhere, WhenFull::Reject),
        of(
            "slow",
            limit,
            Scope::Everywhere,
            WhenFull::GiveUp(Nanos(900_000)),
        ),
        of(
            "own breaker",
            breaker(2, 700_000, 1),
            Scope::Process,
            WhenFull::Reject,
        ),
        of(
            "breaker",
            breaker(1, 2_000_000, 2),
            Scope::Everywhere,
            WhenFull::Reject,
        ),
    ]
}

/// A device whose rate is shared, one that has a penalty and more than one stream gets, and a station.
fn devices() -> Vec<DeviceSpec> {
    let of = |name: &str, kind| DeviceSpec {
        name: name.into(),
        kind,
        per_node: false,
    };
    let shared = |per_stream, penalty| DeviceKind::Shared {
        rate: 200_000_000,
        per_stream,
        penalty,
    };
    let station = DeviceKind::Station {
        servers: 2,
        rate: None,
    };
    vec![
        of("link", shared(200_000_000, 0)),
        of("disk", shared(70_000_000, 100_000)),
        of("cpus", station),
    ]
}

/// A workload with two locks (the second shared between processes), an unbounded and a bounded queue, and an object.
pub(crate) fn workload(arrivals: Arrivals, classes: Vec<TaskClass>) -> Workload {
    Workload {
        arrivals,
        rounds: Rounds::default(),
        classes,
        locks: vec![
            LockSpec {
                name: "own".into(),
                shared: false,
            },
            LockSpec {
                name: "shared".into(),
                shared: true,
            },
        ],
        queues: vec![
            QueueSpec {
                full: Overflow::Wait,
                name: "endless".into(),
                capacity: None,
            },
            QueueSpec {
                full: Overflow::Wait,
                name: "narrow".into(),
                capacity: Some(2),
            },
        ],
        objects: vec!["state".into()],
        resources: resources(),
        devices: devices(),
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

pub(crate) fn ms(n: u64) -> Nanos {
    Nanos::from_millis(n)
}

pub(crate) fn cpu(time: Nanos) -> Step {
    Step::Cpu(Dist::Constant(time))
}

pub(crate) fn io(time: Nanos) -> Step {
    Step::Io(Dist::Constant(time))
}

/// Everything that one replication depends on.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) machine: MachineSpec,
    pub(crate) profile: Profile,
    pub(crate) workload: Workload,
    pub(crate) strategy: Strategy,
    pub(crate) seed: u64,
    pub(crate) warmup: Nanos,
    pub(crate) horizon: Option<Nanos>,
    pub(crate) max_events: u64,
}

/// Without the many constants that are the same everywhere.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (m, p) = (&self.machine, &self.profile);
        let overheads = p.params.thread_start > 0.0;
        write!(
            f,
            "cores {:?}, {} Hz, limit {:?}; ",
            m.cores, m.hz, m.memory_limit
        )?;
        write!(f, "gil {}, 3.{}, overheads {overheads}; ", p.gil, p.minor)?;
        write!(f, "{:?}; seed {}, ", self.strategy, self.seed)?;
        write!(f, "warm-up {:?}, horizon {:?}, ", self.warmup, self.horizon)?;
        write!(f, "at most {} events; {:?}", self.max_events, self.workload)
    }
}

impl Case {
    /// A case without warm-up and horizon.
    pub(crate) fn new(
        machine: MachineSpec,
        profile: Profile,
        workload: Workload,
        strategy: Strategy,
    ) -> Self {
        Self {
            machine,
            profile,
            workload,
            strategy,
            seed: 1,
            warmup: Nanos::ZERO,
            horizon: None,
            max_events: 1_000_000,
        }
    }

    /// One replication, its invariants looked at; a run that hangs is a failure like others.
    pub(crate) fn run(&self) -> Outcome {
        let (send, receive) = mpsc::channel();
        let case = self.clone();
        let runner = thread::spawn(move || send.send(Box::new(case.simulate())));
        match receive.recv_timeout(PATIENCE) {
            Ok(outcome) => *outcome,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("does not end: {self:?}"),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let cause = runner.join().expect_err("it has sent nothing");
                std::panic::resume_unwind(cause)
            }
        }
    }

    /// What the simulator is given.
    pub(crate) fn input(&self) -> SimInput<'_> {
        SimInput {
            machine: &self.machine,
            profile: &self.profile,
            workload: &self.workload,
            strategy: &self.strategy,
            compiled: None,
            seed: self.seed,
            replication: 0,
            warmup: self.warmup,
            horizon: self.horizon,
            keep_latencies: true,
            windows: Some(Nanos::from_millis(5)),
            max_events: self.max_events,
        }
    }

    fn simulate(&self) -> Outcome {
        let input = self.input();
        let outcome = simulate(&input).expect("a strategy that this interpreter has");
        if let Err(broken) = check(&input, &outcome) {
            panic!("{broken}");
        }
        outcome
    }
}

/// The files of all shipped scenarios, in order: tests run in the package's folder.
pub(crate) fn shipped_files() -> Vec<std::path::PathBuf> {
    let of = |folder: &str| {
        let files = std::fs::read_dir(folder).expect("a folder of scenarios");
        let paths = files.map(|f| f.expect("readable").path());
        let is_scenario = |p: &std::path::PathBuf| p.extension().is_some_and(|e| e == "ron");
        paths.filter(is_scenario).collect::<Vec<_>>()
    };
    let mut all = ["scenarios", "scenarios/resilience", "scenarios/decisions"]
        .map(of)
        .concat();
    all.sort();
    all
}
