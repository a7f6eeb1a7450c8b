//! Closed systems: users who think, ask, wait for their answer, and ask again.

use pchsim::scenario::{Arrivals, Step, Strategy, Workers};
use pchsim::strategy::Outcome;

use super::support::{
    Case, Interval, SERVICE, exponential, machine, mean_latency, profile, workload,
};

const REPLICATIONS: u32 = 20;

/// Times are counted from here on.
const WARMUP: f64 = 2_000.0 * SERVICE;

/// How many requests every server could serve after the warm-up.
const REQUESTS: f64 = 20_000.0;

/// The run ends at a time, not with a number of requests: the last of those would meet ever fewer users.
fn closed(
    users: u32,
    think: f64,
    servers: u32,
    cores: u32,
    strategy: Strategy,
    steps: Vec<Step>,
) -> Case {
    Case {
        machine: machine(cores),
        profile: profile(servers == 1),
        workload: workload(
            Arrivals::Closed {
                users,
                think: exponential(think),
                count: None,
            },
            0,
            steps,
        ),
        strategy,
        warmup: WARMUP,
        horizon: Some(WARMUP + REQUESTS * SERVICE / f64::from(servers)),
    }
}

/// Requests a second: those that arrived, since those in flight at the end would be missing from the completed.
fn throughput(case: &Case, o: &Outcome) -> f64 {
    o.arrived as f64 / (case.horizon.expect("closed runs have one") - case.warmup)
}

fn assert_system(case: &Case, (requests, latency): (f64, f64), users: u32, think: f64, what: &str) {
    let runs: Vec<Outcome> = (0..REPLICATIONS).map(|r| case.run(r)).collect();
    let each =
        |f: &dyn Fn(&Outcome) -> f64| Interval::of(&runs.iter().map(f).collect::<Vec<f64>>());
    each(&|o| throughput(case, o)).assert_holds(requests, &format!("{what}, throughput"));
    each(&mean_latency).assert_holds(latency, &format!("{what}, latency"));
    // Little's law over the whole circle: throughput times (latency + thinking) is the number of users.
    each(&|o| throughput(case, o) * (mean_latency(o) + think))
        .assert_holds(f64::from(users), &format!("{what}, users by Little's law"));
}

/// Throughput and mean latency of `users` with a think time and one station, by exact mean value analysis.
fn mean_value_analysis(users: u32, think: f64, service: f64) -> (f64, f64) {
    let (mut line, mut result) = (0.0, (0.0, 0.0));
    for n in 1..=users {
        let latency = service * (1.0 + line);
        let throughput = f64::from(n) / (think + latency);
        line = throughput * latency;
        result = (throughput, latency);
    }
    result
}

/// The machine repairman with `servers` repairmen, from its birth-death equations.
fn repairman(users: u32, think: f64, servers: u32) -> (f64, f64) {
    let mut weights = vec![1.0];
    for n in 1..=users {
        let fail = f64::from(users - n + 1) / think;
        let repair = f64::from(n.min(servers)) / SERVICE;
        weights.push(weights[weights.len() - 1] * fail / repair);
    }
    let total: f64 = weights.iter().sum();
    let mean = |f: &dyn Fn(u32) -> f64| {
        (0..)
            .zip(&weights)
            .map(|(n, w)| f(n) * w / total)
            .sum::<f64>()
    };
    let throughput = mean(&|n| f64::from(n.min(servers)) / SERVICE);
    (throughput, mean(&|n| f64::from(n)) / throughput)
}

#[test]
fn the_two_exact_solutions_agree() {
    for users in [1, 5, 30] {
        let (x, r) = mean_value_analysis(users, 1.0, SERVICE);
        let (y, s) = repairman(users, 1.0, 1);
        assert!((x - y).abs() < 1e-9 && (r - s).abs() < 1e-9);
    }
}

/// Utilizations of about 0.27, 0.60 and 0.88.
#[test]
fn users_before_one_server() {
    let think = 10.0 * SERVICE;
    for users in [3, 7, 12] {
        let case = closed(
            users,
            think,
            1,
            1,
            Strategy::Sequential,
            vec![Step::Cpu(exponential(SERVICE))],
        );
        let exact = mean_value_analysis(users, think, SERVICE);
        assert_system(
            &case,
            exact,
            users,
            think,
            &format!("{users} users, one server"),
        );
    }
}

/// The machine repairman with a promised number of requests: throughput is counted while requests keep coming, so neither those under
/// way at the cut nor the drain after the last request move it, however long the run is and wherever its warm-up ends. Short runs
/// are many, so that their intervals are as narrow as those of the long ones; without a warm-up they begin at rest, which a run of
/// some hundred requests does not forget, so only the long ones are looked at from the start. Each of the intervals here misses
/// its value once in a hundred seeds if all is right (99 %); the seed is fixed.
#[test]
fn a_number_of_requests() {
    let think = 10.0 * SERVICE;
    for users in [3, 7, 12] {
        let (requests, latency) = mean_value_analysis(users, think, SERVICE);
        for (count, replications, warmup) in [
            (20_000, 20, 0.0),
            (20_000, 20, WARMUP / 4.0),
            (1_000, 200, 100.0 * SERVICE),
            (500, 400, 100.0 * SERVICE),
        ] {
            let mut case = closed(
                users,
                think,
                1,
                1,
                Strategy::Sequential,
                vec![Step::Cpu(exponential(SERVICE))],
            );
            case.workload.arrivals = Arrivals::Closed {
                users,
                think: exponential(think),
                count: Some(count),
            };
            (case.warmup, case.horizon) = (warmup, None);
            let runs: Vec<Outcome> = (0..replications).map(|r| case.run(r)).collect();
            let each = |f: &dyn Fn(&Outcome) -> f64| {
                Interval::of(&runs.iter().map(f).collect::<Vec<f64>>())
            };
            let what = format!("{count} requests of {users} users after {warmup} s");
            each(&|o| o.window.rate().expect("requests were answered"))
                .assert_holds(requests, &format!("{what}, throughput"));
            each(&mean_latency).assert_holds(latency, &format!("{what}, latency"));
            for o in &runs {
                let (half, end) = (o.half_arrived, o.arrivals_end);
                assert!(half.is_some() && half < end && end.is_some_and(|end| end <= o.makespan));
                assert_eq!(o.window.window().1, end);
            }
        }
    }
}

/// Four repairmen, utilizations of about 0.3, 0.6 and 0.9.
#[test]
fn machine_repairmen() {
    let think = 10.0 * SERVICE;
    for users in [13, 27, 42] {
        let strategy = Strategy::Threads(Workers::Exactly(4));
        let case = closed(
            users,
            think,
            4,
            5,
            strategy,
            vec![Step::Cpu(exponential(SERVICE))],
        );
        let exact = repairman(users, think, 4);
        assert_system(
            &case,
            exact,
            users,
            think,
            &format!("{users} machines, four repairmen"),
        );
    }
}

/// A network of two stations: a wait outside for which nobody queues, and a lock that only one thread holds. The wait is the
/// same to the lock as thinking. Utilizations of about 0.28, 0.6 and 0.9.
#[test]
fn users_before_a_database_and_a_lock() {
    let (think, io) = (10.0 * SERVICE, 10.0 * SERVICE);
    for users in [6, 13, 22] {
        let locked = Step::Lock(0, vec![Step::Cpu(exponential(SERVICE))]);
        let steps = vec![Step::Io(exponential(io)), locked];
        let threads = Strategy::Threads(Workers::Exactly(users));
        let mut case = closed(users, think, 1, users + 1, threads, steps);
        case.profile = profile(false);
        let (requests, latency) = mean_value_analysis(users, think + io, SERVICE);
        assert_system(
            &case,
            (requests, latency + io),
            users,
            think,
            &format!("{users} users, database and lock"),
        );
    }
}
