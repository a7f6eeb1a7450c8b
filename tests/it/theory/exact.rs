//! Recorded arrivals and demands against recursions over the same numbers, to the nanosecond; and Little's law, which is
//! exact over any run that ends empty.

use pchsim::engine::{Nanos, StreamRole, Streams, unit};
use pchsim::scenario::{
    Arrivals, Dist, PoolLife, ProcessApi, StartMethod, Step, Strategy, TracedTask, Workers,
};
use pchsim::strategy::Outcome;

use super::support::{Case, machine, profile, workload};

/// Arrivals and demands that are nothing in particular: bursts, pauses, short and long tasks.
fn tasks(count: u64, mean_gap: f64, seed: u64) -> Vec<TracedTask> {
    let streams = Streams::new(seed, 0, StreamRole::Arrivals);
    let mut at = Nanos::ZERO;
    (0..count)
        .map(|k| {
            let mut rng = streams.task(k, 0);
            if unit(&mut rng) > 0.3 {
                at += Nanos::from_secs_f64(mean_gap * 2.0 * unit(&mut rng) / 0.7);
            }
            let demand = Nanos::from_secs_f64(0.4 * unit(&mut rng).powi(3));
            TracedTask {
                at,
                class: 0,
                demands: vec![demand],
            }
        })
        .collect()
}

fn run(tasks: &[TracedTask], gil: bool, cores: u32, strategy: Strategy) -> Outcome {
    let steps = vec![Step::Cpu(Dist::Constant(Nanos::ZERO))];
    Case {
        machine: machine(cores),
        profile: profile(gil),
        workload: workload(Arrivals::Trace(tasks.to_vec()), 0, steps),
        strategy,
        warmup: 0.0,
        horizon: None,
    }
    .run(0)
}

/// Latencies when the first free of `servers` takes whoever has waited longest (Lindley for one, Kiefer and Wolfowitz for
/// more).
fn first_come_first_served(tasks: &[TracedTask], servers: usize) -> Vec<Nanos> {
    let mut free = vec![Nanos::ZERO; servers];
    tasks
        .iter()
        .map(|task| {
            let first = free.iter_mut().min().expect("a server");
            *first = task.at.max(*first) + task.demands[0];
            *first - task.at
        })
        .collect()
}

#[test]
fn one_server_is_lindleys_recursion() {
    for (seed, gap) in [(1, 0.2), (2, 0.1), (3, 0.05)] {
        let tasks = tasks(3_000, gap, seed);
        let o = run(&tasks, true, 1, Strategy::Sequential);
        assert_eq!(o.latencies, first_come_first_served(&tasks, 1));
    }
}

#[test]
fn a_pool_is_kiefer_and_wolfowitzs_recursion() {
    for workers in [1_u32, 2, 3, 8] {
        let gap = 0.12 / f64::from(workers);
        let tasks = tasks(3_000, gap, 4);
        let expected = first_come_first_served(&tasks, workers as usize);
        let exactly = Workers::Exactly(workers);
        // One core for each worker and some for those that hand the work out.
        let threads = run(&tasks, false, workers + 1, Strategy::Threads(exactly));
        assert_eq!(threads.latencies, expected, "{workers} threads");
        let start = StartMethod::Fork;
        let processes = Strategy::Processes {
            workers: exactly,
            start,
            api: ProcessApi::EXECUTOR,
            life: PoolLife::default(),
        };
        let processes = run(&tasks, true, workers + 4, processes);
        assert_eq!(processes.latencies, expected, "{workers} processes");
    }
}

/// The time average of the number of tasks in the system is throughput times mean latency. The left side is swept over
/// arrivals and departures, the right side made of what the outcome says.
#[test]
fn littles_law() {
    let tasks = tasks(5_000, 0.05, 5);
    let four = Workers::Exactly(4);
    for (gil, cores, strategy) in [
        (true, 1, Strategy::Sequential),
        (false, 5, Strategy::Threads(four)),
        (false, 2, Strategy::Threads(four)),
        (true, 2, Strategy::Threads(four)),
        (false, 4, Strategy::Threads(Workers::PerTask)),
        (
            true,
            4,
            Strategy::Processes {
                workers: four,
                start: StartMethod::Fork,
                api: ProcessApi::EXECUTOR,
                life: PoolLife::default(),
            },
        ),
        (
            true,
            1,
            Strategy::Asyncio {
                limit: None,
                offload: pchsim::scenario::Offload::None,
                pools: Vec::new(),
            },
        ),
    ] {
        let what = format!("{strategy:?}");
        let o = run(&tasks, gil, cores, strategy);
        assert_eq!(o.completed, tasks.len() as u64);
        let mut changes: Vec<(Nanos, i64)> = Vec::new();
        for (task, &latency) in tasks.iter().zip(&o.latencies) {
            changes.extend([(task.at, 1), (task.at + latency, -1)]);
        }
        changes.sort_unstable();
        let (mut area, mut number, mut last) = (0.0, 0, Nanos::ZERO);
        for (at, change) in changes {
            area += (at - last).as_f64() * number as f64;
            number += change;
            last = at;
        }
        assert_eq!(last, o.makespan, "{what}");
        let average = area / o.makespan.as_f64();
        let throughput = o.completed as f64 / o.makespan.as_f64();
        let law = throughput * o.latency.mean().expect("tasks");
        assert!(
            (average / law - 1.0).abs() < 1e-9,
            "{what}: {average} tasks on average, {law} by Little's law"
        );
    }
}
