//! The full model's rows. Each run is a process of its own, so that its peak memory is its own.

use std::process::Command;
use std::time::Instant;

use pchsim::cpython::profile::Profile;
use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, Balancer, Dist, Lifecycle, MachineSpec, Nodes, Offload, PoolLife, ProcessApi, Rounds,
    StartMethod, Step, Strategy, TaskClass, Workers, Workload,
};
use pchsim::strategy::{SimInput, simulate};

/// A strategy to be timed. To add one, add a line to [`ROWS`].
struct Row {
    name: &'static str,
    strategy: fn() -> Strategy,
    /// Mean time between arrivals in microseconds: the load is stable.
    interval: u64,
}

/// Workers of each pool.
const POOL: Workers = Workers::Exactly(8);

const ROWS: &[Row] = &[
    Row {
        name: "sequential",
        strategy: || Strategy::Sequential,
        interval: 10_000,
    },
    Row {
        name: "asyncio",
        strategy: || Strategy::Asyncio {
            limit: None,
            offload: Offload::None,
            pools: Vec::new(),
        },
        interval: 500,
    },
    // At 5000 requests a second on eighty cores.
    Row {
        name: "ten machines",
        strategy: || Strategy::Nodes {
            nodes: Nodes {
                balancer: Balancer::LeastOutstanding,
                ..Nodes::of(10)
            },
            each: Box::new(Strategy::Prefork {
                processes: 8,
                each: Box::new(Strategy::Asyncio {
                    limit: None,
                    offload: Offload::None,
                    pools: Vec::new(),
                }),
                life: Lifecycle::default(),
            }),
        },
        interval: 200,
    },
    Row {
        name: "threads",
        strategy: || Strategy::Threads(Workers::Exactly(16)),
        interval: 1_000,
    },
    Row {
        name: "raw threads",
        strategy: || Strategy::Threads(Workers::PerTask),
        interval: 1_000,
    },
    Row {
        name: "processes, fork",
        strategy: || Strategy::Processes {
            workers: POOL,
            start: StartMethod::Fork,
            api: ProcessApi::EXECUTOR,
            life: PoolLife::default(),
        },
        interval: 1_200,
    },
    Row {
        name: "interpreters",
        strategy: || Strategy::Interpreters(POOL),
        interval: 1_200,
    },
    Row {
        name: "asyncio + threads",
        strategy: || Strategy::Asyncio {
            limit: None,
            offload: Offload::Threads(POOL),
            pools: Vec::new(),
        },
        interval: 1_000,
    },
    Row {
        name: "asyncio + processes",
        strategy: || Strategy::Asyncio {
            limit: None,
            offload: Offload::Processes(POOL, StartMethod::Fork),
            pools: Vec::new(),
        },
        interval: 1_000,
    },
];

/// Tasks and runs of each row of the table.
const TASKS: u64 = 300_000;
const RUNS: usize = 5;

/// What one run reports.
#[derive(Clone, Copy, Debug)]
struct Report {
    seconds: f64,
    events: f64,
    calendar: f64,
    tasks: f64,
    memory: f64,
}

/// One API request after another: it waits 5 ms for a database and computes for 0.1 ms, both exponential.
fn workload(interval: u64, tasks: u64) -> Workload {
    let exponential = |us| Dist::Exponential(Nanos::from_micros(us));
    Workload {
        arrivals: Arrivals::Open {
            interval: exponential(interval),
            count: Some(tasks),
        },
        rounds: Rounds::default(),
        classes: vec![TaskClass {
            name: "request".into(),
            count: 0,
            weight: 1.0,
            steps: vec![Step::Io(exponential(5_000)), Step::Cpu(exponential(100))],
            interleave: false,
            cost: Vec::new(),
            touches: 0.0,
        }],
        locks: Vec::new(),
        queues: Vec::new(),
        objects: Vec::new(),
        resources: Vec::new(),
        devices: Vec::new(),
        imports: pchsim::scenario::Imports::default(),
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

/// Runs one row in this process, and prints its report on one line.
pub(crate) fn child(name: &str, tasks: &str) -> Result<(), String> {
    let row = ROWS
        .iter()
        .find(|row| row.name == name)
        .ok_or("no such row")?;
    let tasks = tasks.parse().map_err(|_| "tasks is no number")?;
    let workload = workload(row.interval, tasks);
    let mut profile = Profile::default();
    // The table's default interpreter has no sub-interpreters; these are the magnitudes of 3.14.
    profile.params.interp_create = 15e6;
    profile.params.interp_import = 30e6;
    profile.params.interp_destroy = 3e6;
    let start = Instant::now();
    let outcome = simulate(&SimInput {
        machine: &MachineSpec::with_cores(8),
        profile: &profile,
        workload: &workload,
        strategy: &(row.strategy)(),
        compiled: None,
        seed: 1,
        replication: 0,
        warmup: Nanos::ZERO,
        horizon: None,
        keep_latencies: false,
        windows: None,
        max_events: u64::MAX,
    })
    .map_err(|error| format!("{name}: {error}"))?;
    let seconds = start.elapsed().as_secs_f64();
    if outcome.completed != tasks {
        return Err(format!(
            "{name}: {} of {tasks} tasks done, {:?}",
            outcome.completed, outcome.findings
        ));
    }
    println!(
        "{seconds} {} {} {tasks} {}",
        outcome.events,
        outcome.calendar_events,
        peak_memory()
    );
    Ok(())
}

/// Peak resident memory of this process in kB; 0 where the system does not say.
fn peak_memory() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix("kB")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0)
}

/// Runs one row in a process of its own.
fn run(name: &str, tasks: u64) -> Result<Report, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args(["row", name, &tasks.to_string()])
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!(
            "{}{}",
            text.trim(),
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    let &[seconds, events, calendar, tasks, memory] = &numbers[..] else {
        return Err(format!("{name}: a report that is none: {text}"));
    };
    Ok(Report {
        seconds,
        events,
        calendar,
        tasks,
        memory,
    })
}

/// The fastest of so many runs.
fn best_of(runs: usize, name: &str, tasks: u64) -> Result<Report, String> {
    let mut best = run(name, tasks)?;
    for _ in 1..runs {
        let again = run(name, tasks)?;
        if again.seconds < best.seconds {
            best = again;
        }
    }
    Ok(best)
}

/// Every strategy at one size.
pub(crate) fn table() {
    println!(
        "Full model, one core, {TASKS} requests (5 ms of waiting, 0.1 ms of computing) arriving at"
    );
    println!("a stable load, best of {RUNS} runs.\n");
    println!(
        "| strategy | k tasks/s | M model events/s | model events a task | calendar events a task | peak memory, MB |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for row in ROWS {
        match best_of(RUNS, row.name, TASKS) {
            Ok(r) => println!(
                "| {} | {:.0} | {:.1} | {:.1} | {:.2} | {:.1} |",
                row.name,
                r.tasks / r.seconds / 1e3,
                r.events / r.seconds / 1e6,
                r.events / r.tasks,
                r.calendar / r.tasks,
                r.memory / 1e3
            ),
            Err(text) => println!("| {} | {text} | | | | |", row.name),
        }
    }
    println!();
}

/// Time for each task and peak memory from 10^3 tasks to 10^`power`.
pub(crate) fn growth(power: u32) {
    println!(
        "Growth: time for each task (ns, best of {RUNS}, one run beyond 10^6) and\npeak memory (MB) by number of tasks.\n"
    );
    let powers = 3..=power;
    let cells =
        |cell: &dyn Fn(u32) -> String| powers.clone().map(cell).collect::<Vec<_>>().join(" | ");
    println!("| strategy | {} |", cells(&|p| format!("10^{p}")));
    println!("| --- | {} |", cells(&|_| "---:".into()));
    for row in ROWS {
        let line = cells(
            &|p| match best_of(if p > 6 { 1 } else { RUNS }, row.name, 10_u64.pow(p)) {
                Ok(r) => format!(
                    "{:.0} ns, {:.1} MB",
                    r.seconds / r.tasks * 1e9,
                    r.memory / 1e3
                ),
                Err(text) => text,
            },
        );
        println!("| {} | {line} |", row.name);
    }
    println!();
}
