//! Coverage of the intervals that studies give when nothing is fixed: replications placed by the allocation engine, stopped by precision,
//! control variates, warm-up found. On systems whose exact answers are known, with every overhead set to zero.
//!
//! **Level.** At least 90 % of some hundred intervals must hold the truth: a procedure that covers 95 % fails that with probability below
//! 0.002 (200 studies, each). From above B(n, 0.97) is exceeded with probability 0.001 by an honest one: intervals that nearly always cover
//! are too wide. Stopping when an interval happens to be narrow costs some coverage; what was measured stands at each test. The seeds are
//! fixed: a test passes always or never.

use pchsim::cpython::profile::Profile;
use pchsim::engine::Nanos;
use pchsim::measure::Estimate;
use pchsim::result::{Forecast, Study};
use pchsim::scenario::{
    Arrivals, Dist, Imports, MachineSpec, Metric, PoolLife, ProcessApi, Rounds, Scenario,
    StartMethod, Step, Strategy, StrategyCase, TaskClass, Workers, Workload,
};
use pchsim::strategy::simulate;
use pchsim::study::{Options, run_study};
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::common::{machine, profile};

/// Mean service time in seconds.
const SERVICE: f64 = 0.1;

fn exponential(mean: f64) -> Dist {
    Dist::Exponential(Nanos::from_secs_f64(mean))
}

fn scenario(
    arrivals: Arrivals,
    count: u64,
    service: Dist,
    cores: u32,
    strategies: &[Strategy],
) -> Scenario {
    let case = |s: &Strategy| StrategyCase {
        strategy: s.clone(),
        interpreter: None,
    };
    Scenario {
        name: "coverage".into(),
        question: String::new(),
        machine: MachineSpec {
            hz: 1_000,
            ..machine(cores)
        },
        interpreters: vec!["default".into()],
        workload: Workload {
            arrivals,
            rounds: Rounds::default(),
            classes: vec![TaskClass {
                name: "task".into(),
                count,
                weight: 1.0,
                steps: vec![Step::Cpu(service)],
                interleave: false,
                cost: Vec::new(),
                touches: 0.0,
            }],
            locks: Vec::new(),
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
        },
        strategies: strategies.iter().map(case).collect(),
        replications: None,
        warmup: None,
        horizon: None,
        windows: None,
        objectives: Vec::new(),
        rank_by: None,
        seed: 0,
    }
}

fn study(s: &Scenario, p: &Profile, seed: u64) -> Study {
    let s = Scenario { seed, ..s.clone() };
    run_study(
        &s,
        std::slice::from_ref(p),
        &Options::default(),
        simulate,
        &|_| {},
    )
    .expect("a study")
}

/// How often an interval held the truth.
#[derive(Default)]
struct Count {
    of: u64,
    held: u64,
    /// Sum of (mean - truth) / truth: what all studies together are off by.
    off: f64,
    replications: u64,
}

impl Count {
    fn add(&mut self, e: Option<Estimate>, truth: f64) {
        let e = e.expect("an estimate");
        assert!(e.half().is_some(), "{e:?}");
        self.of += 1;
        self.held += u64::from(e.covers(truth));
        self.off += (e.mean - truth) / truth;
        self.replications += u64::from(e.n);
    }

    fn text(&self) -> String {
        format!(
            "{} of {} ({:.1} %), off by {:+.3} % in the mean, {:.1} replications",
            self.held,
            self.of,
            100.0 * self.held as f64 / self.of as f64,
            100.0 * self.off / self.of as f64,
            self.replications as f64 / self.of as f64
        )
    }

    /// At least 90 %, and not so often that the intervals must be too wide.
    fn assert_fair(&self, what: &str) {
        let most = Binomial::new(0.97, self.of)
            .expect("valid")
            .inverse_cdf(0.999);
        assert!(
            10 * self.held >= 9 * self.of && self.held <= most,
            "{what}: {}",
            self.text()
        );
    }
}

fn forecast<'s>(s: &'s Study, strategy: &Strategy) -> &'s Forecast {
    let found = s.forecasts.iter().find(|f| f.is(|s| s == strategy));
    found.expect("every case has a forecast")
}

/// Measured: 93.5 %, with 54 replications in the mean.
#[test]
fn open_mm1() {
    let load = 0.6;
    let arrivals = Arrivals::Open {
        interval: exponential(SERVICE / load),
        count: Some(2_000),
    };
    let mut s = scenario(
        arrivals,
        0,
        exponential(SERVICE),
        1,
        &[Strategy::Sequential],
    );
    s.rank_by = Some(Metric::MeanLatency);
    let mut count = Count::default();
    for seed in 0..200 {
        let done = study(&s, &profile(true), seed);
        count.add(done.forecasts[0].primary(), SERVICE / (1.0 - load));
    }
    count.assert_fair("open M/M/1");
}

/// Throughput of `users` with a think time and one station, by exact mean value analysis.
fn mean_value_analysis(users: u32, think: f64) -> f64 {
    let (mut line, mut throughput) = (0.0, 0.0);
    for n in 1..=users {
        let latency = SERVICE * (1.0 + line);
        throughput = f64::from(n) / (think + latency);
        line = throughput * latency;
    }
    throughput
}

/// Users who think, and are served one at a time; with imports of so many seconds.
fn closed(users: u32, think: f64, imports: f64, strategies: &[Strategy]) -> Scenario {
    let arrivals = Arrivals::Closed {
        users,
        think: exponential(think),
        count: Some(2_000),
    };
    let mut s = scenario(arrivals, 0, exponential(SERVICE), 2, strategies);
    s.workload.imports.time = Nanos::from_secs_f64(imports);
    s.rank_by = Some(Metric::Throughput);
    s
}

fn spawned(n: u32) -> Strategy {
    Strategy::Processes {
        workers: Workers::Exactly(n),
        start: StartMethod::Spawn,
        api: ProcessApi::EXECUTOR,
        life: PoolLife::default(),
    }
}

/// Measured: 93.7 %, with 8.7 replications.
#[test]
fn closed_machine_repair() {
    let (users, think) = (8, 0.8);
    let truth = mean_value_analysis(users, think);
    let s = closed(users, think, 0.0, &[Strategy::Sequential]);
    let mut count = Count::default();
    for seed in 0..300 {
        let done = study(&s, &profile(true), seed);
        count.add(done.forecasts[0].primary(), truth);
    }
    count.assert_fair("closed");
}

/// The worker of one case imports for ten seconds before it serves anybody; the other case, which serves at once, settles at once. Both
/// have the same steady state. Measured: 94.5 % of either.
#[test]
fn closed_with_a_slow_start() {
    let (users, think) = (8, 0.8);
    let truth = mean_value_analysis(users, think);
    let quick = Strategy::Threads(Workers::Exactly(1));
    let slow = spawned(1);
    let s = closed(users, think, 10.0, &[quick.clone(), slow.clone()]);
    let (mut of_quick, mut of_slow) = (Count::default(), Count::default());
    for seed in 0..200 {
        let done = study(&s, &profile(true), seed);
        of_quick.add(forecast(&done, &quick).primary(), truth);
        of_slow.add(forecast(&done, &slow).primary(), truth);
    }
    of_quick.assert_fair("quick beside a slow start");
    of_slow.assert_fair("slow start");
}

#[test]
fn sequential_batch() {
    // 100 exponential steps in a row: the makespan is the control variate, so that the interval is nothing but rounding, and there is no
    // chance whose coverage could be counted.
    let s = scenario(
        Arrivals::Batch,
        100,
        exponential(SERVICE),
        1,
        &[Strategy::Sequential],
    );
    let done = study(&s, &profile(true), 1);
    let makespan = done.forecasts[0].primary().expect("a makespan");
    assert!((makespan.mean - 10.0).abs() <= 1e-6, "{makespan:?}");
}

/// Four exponential tasks on as many workers: the makespan is the longest of them, 1 + 1/2 + 1/3 + 1/4 services in the mean; in a row they
/// take four, which the control variate makes exact. They spread so much that all studies end at the most replications. Measured: 94.0 %
/// of the longest, 94.0 % of the difference.
#[test]
fn the_longest_of_a_few_and_its_difference() {
    let (row, side) = (Strategy::Sequential, Strategy::Threads(Workers::Exactly(4)));
    let s = scenario(
        Arrivals::Batch,
        4,
        exponential(SERVICE),
        5,
        &[row.clone(), side.clone()],
    );
    let longest = SERVICE * (1.0 + 1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 4.0);
    let (mut best, mut behind) = (Count::default(), Count::default());
    for seed in 0..400 {
        let done = study(&s, &profile(false), seed);
        best.add(forecast(&done, &side).primary(), longest);
        let other = forecast(&done, &row);
        let row = other.primary().expect("a makespan").mean;
        assert!((row - 4.0 * SERVICE).abs() < 1e-6, "{row}");
        behind.add(other.behind_best(), 4.0 * SERVICE - longest);
    }
    best.assert_fair("the longest of four");
    behind.assert_fair("the difference");
}

/// Mean makespan of a batch of exponential tasks on so many workers: while none is idle one task ends every `SERVICE / workers`, then the
/// last ones end as in the longest of a few.
fn makespan(tasks: u32, workers: u32) -> f64 {
    let last: f64 = (1..=workers).map(|k| 1.0 / f64::from(k)).sum();
    SERVICE * (f64::from(tasks - workers) / f64::from(workers) + last)
}

/// Sixty exponential tasks on five workers and on four; what the studies say of each, and of their difference.
fn sixty_tasks() -> [Count; 3] {
    let of = |n: u32| Strategy::Threads(Workers::Exactly(n));
    let s = scenario(
        Arrivals::Batch,
        60,
        exponential(SERVICE),
        6,
        &[of(4), of(5)],
    );
    let (of_five, of_four) = (makespan(60, 5), makespan(60, 4));
    let [mut best, mut worse, mut behind] = <[Count; 3]>::default();
    for seed in 0..400 {
        let done = study(&s, &profile(false), seed);
        best.add(forecast(&done, &of(5)).primary(), of_five);
        let other = forecast(&done, &of(4));
        worse.add(other.primary(), of_four);
        behind.add(other.behind_best(), of_four - of_five);
    }
    [best, worse, behind]
}

/// Five workers are a fifth ahead of four. That is soon clear, and what is worse keeps few replications. Measured: 93.0 % of the best, 91.0 %
/// of the other, 96.2 % of the difference. Without caution in stopping and with a control variate from eight replications on, it was 89.8 %
/// of the best in 2000 studies: those that ended with fewer than 20 replications, because their interval happened to be narrow, covered 38 %.
#[test]
fn a_clear_difference() {
    let [best, worse, behind] = sixty_tasks();
    best.assert_fair("five workers");
    worse.assert_fair("four workers");
    behind.assert_fair("a clear difference");
}

/// Two pools whose makespans are near each other: six tasks on four workers and on five. Measured:
/// 92.8 % of the best, 93.2 % of the difference.
#[test]
fn a_small_difference() {
    let of = |n: u32| Strategy::Threads(Workers::Exactly(n));
    let s = scenario(Arrivals::Batch, 6, exponential(SERVICE), 6, &[of(4), of(5)]);
    let truth = makespan(6, 4) - makespan(6, 5);
    let (mut best, mut behind) = (Count::default(), Count::default());
    for seed in 0..400 {
        let done = study(&s, &profile(false), seed);
        best.add(forecast(&done, &of(5)).primary(), makespan(6, 5));
        // The better one is 4 % ahead: chance may put it second, and then the sign is the other.
        let difference = match forecast(&done, &of(4)).behind_best() {
            Some(d) => d,
            None => forecast(&done, &of(5))
                .behind_best()
                .expect("one of two is behind")
                .scaled(-1.0),
        };
        behind.add(Some(difference), truth);
    }
    best.assert_fair("five workers");
    behind.assert_fair("a small difference");
}
