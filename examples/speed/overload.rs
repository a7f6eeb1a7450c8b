//! Overload with time-outs: so many tasks wait for one thing, and the deadlines of all of them pass. Time for each must not grow.

use std::time::Instant;

use pchsim::cpython::profile::Profile;
use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, Dist, Imports, LockSpec, MachineSpec, Offload, Overflow, QueueSpec, Rounds, Step,
    Strategy, TaskClass, Workers, Workload,
};
use pchsim::strategy::{SimInput, simulate};

/// Runs of each, of which the fastest counts.
const RUNS: usize = 3;

/// What the tasks wait for.
fn waits() -> [(&'static str, Vec<Step>); 4] {
    let forever = Nanos::from_secs(3_600);
    let held = Step::Lock(0, vec![Step::Io(Dist::Constant(forever))]);
    [
        ("a lock", vec![held]),
        ("an item of a queue", vec![Step::Get(0)]),
        ("room in a queue", vec![Step::Put(1)]),
        (
            "children",
            vec![Step::FanOut {
                count: 2,
                need: None,
                steps: vec![Step::Io(Dist::Constant(forever))],
            }],
        ),
    ]
}

fn workload(tasks: u64, steps: Vec<Step>) -> Workload {
    let queue = |name: &str, capacity| QueueSpec {
        full: Overflow::Wait,
        name: name.into(),
        capacity,
    };
    Workload {
        arrivals: Arrivals::Batch,
        rounds: Rounds::default(),
        classes: vec![TaskClass {
            name: "caller".into(),
            count: tasks,
            weight: 1.0,
            steps: vec![Step::Timeout(Nanos::from_secs(60).into(), steps)],
            touches: 0.0,
            interleave: false,
            cost: Vec::new(),
        }],
        locks: vec![LockSpec {
            name: "lock".into(),
            shared: false,
        }],
        queues: vec![queue("empty", None), queue("full", Some(1))],
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

fn seconds(strategy: &Strategy, workload: &Workload) -> Result<f64, String> {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        let outcome = simulate(&SimInput {
            machine: &MachineSpec::with_cores(8),
            profile: &Profile::default(),
            workload,
            strategy,
            compiled: None,
            seed: 1,
            replication: 0,
            warmup: Nanos::ZERO,
            horizon: None,
            keep_latencies: false,
            windows: None,
            max_events: u64::MAX,
        })
        .map_err(|error| error.to_string())?;
        best = best.min(start.elapsed().as_secs_f64());
        if outcome.timed_out + 1 < outcome.arrived {
            return Err(format!("{} timed out", outcome.timed_out));
        }
    }
    Ok(best)
}

/// Prints the table, up to 10^`power` tasks.
pub(crate) fn table(power: u32) {
    println!(
        "Overload: tasks that wait for one thing until their deadlines pass, time for each (ns, best of {RUNS}).\n"
    );
    let powers = 3..=power;
    let cells =
        |cell: &dyn Fn(u32) -> String| powers.clone().map(cell).collect::<Vec<_>>().join(" | ");
    println!("| who waits | for | {} |", cells(&|p| format!("10^{p}")));
    println!("| --- | --- | {} |", cells(&|_| "---:".into()));
    let asyncio = Strategy::Asyncio {
        limit: None,
        offload: Offload::None,
        pools: Vec::new(),
    };
    for (what, steps) in waits() {
        for (who, strategy, most) in [
            ("asyncio", &asyncio, power),
            // A thread for each: what a machine has room for.
            (
                "threads",
                &Strategy::Threads(Workers::PerTask),
                power.min(4),
            ),
        ] {
            let cell = |p: u32| {
                let tasks = 10_u64.pow(p);
                if p > most {
                    return String::new();
                }
                seconds(strategy, &workload(tasks, steps.clone()))
                    .map_or_else(|e| e, |s| format!("{:.0}", s * 1e9 / tasks as f64))
            };
            println!("| {who} | {what} | {} |", cells(&cell));
        }
    }
    println!();
}
