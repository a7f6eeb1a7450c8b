//! Runs that are cut off: nothing happens past the horizon, and everything before it happens as without one.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, Dist, Offload, PoolLife, ProcessApi, StartMethod, Step, Strategy, Workers,
};
use pchsim::strategy::Finding;

use super::support::{Case, SERVICE, exponential, machine, profile, workload};

#[test]
fn a_run_that_is_cut_off_is_the_beginning_of_the_whole() {
    let two = Workers::Exactly(2);
    for (gil, strategy) in [
        (true, Strategy::Sequential),
        (true, Strategy::Threads(two)),
        (false, Strategy::Threads(two)),
        (
            true,
            Strategy::Processes {
                workers: two,
                start: StartMethod::Fork,
                api: ProcessApi::EXECUTOR,
                life: PoolLife::default(),
            },
        ),
        (
            true,
            Strategy::Asyncio {
                limit: None,
                offload: Offload::None,
                pools: Vec::new(),
            },
        ),
    ] {
        let what = format!("{strategy:?}");
        let interval = exponential(SERVICE / 0.7);
        let mut case = Case {
            machine: machine(4),
            profile: profile(gil),
            workload: workload(
                Arrivals::Open {
                    interval,
                    count: Some(300),
                },
                0,
                vec![
                    Step::Cpu(exponential(SERVICE)),
                    Step::Io(Dist::Constant(Nanos::from_millis(50))),
                ],
            ),
            strategy,
            warmup: 0.0,
            horizon: None,
        };
        let whole = case.run(0);
        for horizon in [0.0, 0.05, 1.0, 7.3, 12.0, 1e6] {
            case.horizon = Some(horizon);
            let part = case.run(0);
            let cut = Nanos::from_secs_f64(horizon);
            assert!(
                part.end <= cut && part.makespan <= cut,
                "{what}: {:?} past {cut:?}",
                part.end
            );
            let deadlock = part
                .findings
                .iter()
                .any(|f| matches!(f, Finding::Deadlock { .. }));
            assert!(!deadlock, "{what}: {:?}", part.findings);
            // Completed is what has left by then: in order of arrival, all of the whole run's but the unfinished.
            let mut latencies = whole.latencies.iter();
            assert!(
                part.latencies.iter().all(|l| latencies.any(|w| w == l)),
                "{what} up to {horizon} s"
            );
            if cut > whole.end {
                assert_eq!(
                    (part.completed, part.cpu, part.end),
                    (whole.completed, whole.cpu, whole.end),
                    "{what}"
                );
            } else {
                assert_eq!(part.end, cut, "{what}");
                assert!(part.completed < whole.completed, "{what}");
            }
        }
    }
}
