//! Batches: the makespan lies between its bounds, and what was asked for is what was done.

use pchsim::engine::{Nanos, Total};
use pchsim::scenario::{
    Arrivals, Dist, PoolLife, ProcessApi, Rounds, StartMethod, Step, Strategy, Workers,
};
use pchsim::strategy::Cause;

use super::support::{Case, machine, profile, workload};

const TASKS: u64 = 100;
const LEAST: Nanos = Nanos::from_millis(10);
const MOST: Nanos = Nanos::from_millis(500);

/// No schedule is shorter than the work over the workers, and none that leaves no worker idle while there is work is longer
/// than that plus the longest task.
#[test]
fn makespan_is_between_its_bounds() {
    let start = StartMethod::Fork;
    for workers in [1, 2, 3, 7, 16] {
        let n = Workers::Exactly(workers);
        let processes = Strategy::Processes {
            workers: n,
            start,
            api: ProcessApi::EXECUTOR,
            life: PoolLife::default(),
        };
        for (gil, cores, parallel, strategy) in [
            (true, workers, 1, Strategy::Sequential),
            (true, workers, 1, Strategy::Threads(n)),
            (false, workers, workers, Strategy::Threads(n)),
            (false, workers + 1, workers, Strategy::Threads(n)),
            (false, workers, workers, Strategy::Threads(Workers::PerTask)),
            (true, workers, workers, processes.clone()),
            (true, workers + 4, workers, processes),
        ] {
            let what = format!("{strategy:?}, GIL {gil}, {cores} cores");
            let case = Case {
                machine: machine(cores),
                profile: profile(gil),
                workload: workload(
                    Arrivals::Batch,
                    TASKS,
                    vec![Step::Cpu(Dist::Uniform(LEAST, MOST))],
                ),
                strategy,
                warmup: 0.0,
                horizon: None,
            };
            for replication in 0..3 {
                let o = case.run(replication);
                assert_eq!(
                    (o.arrived, o.completed, o.in_flight),
                    (TASKS, TASKS, 0),
                    "{what}"
                );
                // Without overheads all CPU time is the tasks' own.
                assert_eq!(o.causes[Cause::Running as usize], o.cpu, "{what}");
                let share = o.cpu.mean_of(u64::from(parallel));
                assert!(
                    share <= o.makespan && o.makespan <= share + MOST,
                    "{what}: {share:?} {:?}",
                    o.makespan
                );
            }
        }
    }
}

/// Every strategy is asked for the same work.
#[test]
fn strategies_share_their_demands() {
    let n = Workers::Exactly(4);
    let work: Vec<Total> = [
        Strategy::Sequential,
        Strategy::Threads(n),
        Strategy::Threads(Workers::PerTask),
        Strategy::Processes {
            workers: n,
            start: StartMethod::Fork,
            api: ProcessApi::EXECUTOR,
            life: PoolLife::default(),
        },
        Strategy::Asyncio {
            limit: None,
            offload: pchsim::scenario::Offload::Threads(n),
            pools: Vec::new(),
        },
    ]
    .into_iter()
    .map(|strategy| {
        let steps = vec![
            Step::Cpu(Dist::Uniform(LEAST, MOST)),
            Step::Io(Dist::Uniform(LEAST, MOST)),
        ];
        let case = Case {
            machine: machine(8),
            profile: profile(true),
            workload: workload(Arrivals::Batch, TASKS, steps),
            strategy,
            warmup: 0.0,
            horizon: None,
        };
        case.run(0).cpu
    })
    .collect();
    assert!(work.iter().all(|&w| w == work[0]), "{work:?}");
}

/// Amdahl's law: with a share of the work that the main program does alone, `n` workers are 1 / (s + (1 - s) / n) times as fast; and
/// Gustafson's, where the tasks grow with the workers: n + (1 - n) s times. Both hold to the nanosecond where nothing costs anything else.
#[test]
fn rounds_obey_amdahl_and_gustafson() {
    let ms = Nanos::from_millis;
    let cpu = |time| vec![Step::Cpu(Dist::Constant(time))];
    let (count, serial, tasks, each) = (6, ms(7), 24_u64, ms(2));
    let time = |workers: u32, tasks: u64| {
        let mut w = workload(Arrivals::Batch, tasks, cpu(each));
        w.rounds = Rounds {
            count,
            serial: cpu(serial),
        };
        let case = Case {
            machine: machine(16),
            profile: profile(false),
            workload: w,
            strategy: Strategy::Threads(Workers::Exactly(workers)),
            warmup: 0.0,
            horizon: None,
        };
        case.run(0).makespan
    };
    for workers in [1, 2, 3, 4, 6, 8, 12] {
        let n = u64::from(workers);
        assert_eq!(
            time(workers, tasks),
            (serial + each * (tasks / n)) * count,
            "{n}"
        );
        assert_eq!(time(workers, tasks * n), time(1, tasks), "{n}");
    }
}
