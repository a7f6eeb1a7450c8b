//! Studies over simulations whose answers are known: interval coverage, saturation, warm-up, ties, independence of the number
//! of threads.

use pchsim::cpython::profile::Profile;
use pchsim::engine::Nanos;
use pchsim::quantity::Quantity;
use pchsim::result::{SpeedupVerdict, Status, Study, Verdict, json};
use pchsim::scenario::{
    Arrivals, DeviceKind, DeviceSpec, Dist, Fault, FaultKind, FaultTime, Metric, Objective,
    Scenario, Strategy, StrategyCase, Workers,
};
use pchsim::strategy::{Outcome, SimError, SimInput};
use pchsim::study::{Options, run_study};

use crate::fake::{batch, class, queue, scenario, simulate};

fn study(s: &Scenario, o: &Options) -> Study {
    run_study(s, &[Profile::default()], o, simulate, &|_| {}).unwrap()
}

fn fixed(n: u32) -> Options {
    Options {
        replications: Some(n),
        ..Options::default()
    }
}

fn threads(n: u32) -> StrategyCase {
    StrategyCase {
        strategy: Strategy::Threads(Workers::Exactly(n)),
        interpreter: None,
    }
}

fn sequential() -> StrategyCase {
    StrategyCase {
        strategy: Strategy::Sequential,
        interpreter: None,
    }
}

#[test]
fn intervals_cover_the_true_mean() {
    // 100 exponential steps of 10 ms in a row: the mean makespan is 1 s, and its distribution is nearly normal. A 95 % interval
    // over 10 replications covers it in 400 seeded studies B(400, 0.95) times: 365 to 394 holds with probability 0.998.
    let covered = (0..400)
        .filter(|&seed| {
            let mut s = scenario(batch(100, Dist::Exponential(Nanos::from_millis(10))));
            s.strategies = vec![sequential()];
            s.seed = seed;
            let study = study(&s, &fixed(10));
            study.forecasts[0]
                .get(Quantity::Makespan)
                .unwrap()
                .covers(1.0)
        })
        .count();
    assert!((365..=394).contains(&covered), "{covered} of 400");
}

#[test]
fn paired_intervals_cover_the_true_difference() {
    // 60 exponential steps of 10 ms in a row take 0.6 s in the mean, and half of that at double speed, so the paired difference
    // has the mean 0.3 s. Two-sided bounds as above.
    let covered = (0..400)
        .filter(|&seed| {
            let mut s = scenario(batch(60, Dist::Exponential(Nanos::from_millis(10))));
            s.strategies = vec![
                sequential(),
                StrategyCase {
                    strategy: Strategy::Interpreters(Workers::Auto),
                    interpreter: None,
                },
            ];
            s.seed = seed;
            let study = study(&s, &fixed(10));
            study.forecasts[1].behind_best().unwrap().covers(0.3)
        })
        .count();
    assert!((365..=394).contains(&covered), "{covered} of 400");
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    for workload in [
        batch(50, Dist::Exponential(Nanos::from_millis(3))),
        queue(100.0, 0.7, 4_000),
    ] {
        let mut s = scenario(workload);
        s.strategies = vec![sequential(), threads(1), threads(2), threads(4)];
        let with = |n| {
            json(&study(
                &s,
                &Options {
                    threads: Some(n),
                    ..Options::default()
                },
            ))
        };
        let one = with(1);
        assert!([2, 3, 8].into_iter().all(|n| with(n) == one));
        assert_eq!(with(2), with(2));
    }
}

#[test]
fn an_mm1_queue_is_forecast_within_its_interval() {
    // Sojourn times of M/M/1 are exponential with rate mu - lambda: at 100/s and 70 % load, mean 1/42.857 s, p95 = 3 means.
    let mut s = scenario(queue(100.0, 0.7, 20_000));
    s.strategies = vec![threads(1)];
    let options = Options {
        event_budget: 400_000_000,
        most_replications: 200,
        ..Options::default()
    };
    let study = study(&s, &options);
    let f = &study.forecasts[0];
    assert_eq!(f.status, Status::Fine, "{:?}", study.warnings);
    let mean = 1.0 / (100.0 / 0.7 - 100.0);
    // Twice the half-width: a 95 % interval may miss, one of twice the width (over 5 and more replications) hardly.
    for (q, truth) in [
        (Quantity::LatencyMean, mean),
        (Quantity::P95, -mean * 0.05_f64.ln()),
        (Quantity::P50, mean * 2.0_f64.ln()),
    ] {
        let e = f.get(q).unwrap();
        assert!(
            (e.mean - truth).abs() < 2.0 * e.half().unwrap(),
            "{q:?}: {e:?}, {truth}"
        );
    }
    assert!(f.primary().unwrap().relative().unwrap() <= 0.02);
    let throughput = f.get(Quantity::Throughput).unwrap();
    assert!(
        (throughput.mean - 100.0).abs() < 2.0 * throughput.half().unwrap() + 0.5,
        "{throughput:?}"
    );
}

#[test]
fn replications_go_on_until_the_precision_is_reached() {
    let mut s = scenario(batch(20, Dist::Exponential(Nanos::from_millis(10))));
    s.strategies = vec![sequential()];
    let loose = study(
        &s,
        &Options {
            precision: 0.2,
            ..Options::default()
        },
    );
    assert_eq!(loose.forecasts[0].replications, 10);
    let tight = study(
        &s,
        &Options {
            precision: 0.05,
            most_replications: 2_000,
            ..Options::default()
        },
    );
    assert!(tight.forecasts[0].replications > 40);
    assert!(tight.forecasts[0].primary().unwrap().relative().unwrap() <= 0.05);
    let capped = study(
        &s,
        &Options {
            precision: 0.001,
            most_replications: 30,
            ..Options::default()
        },
    );
    assert_eq!(capped.forecasts[0].replications, 30);
    assert!(
        capped.warnings[0].code == "not-converged",
        "{:?}",
        capped.warnings
    );
    let poor = study(
        &s,
        &Options {
            precision: 0.001,
            event_budget: 100,
            ..Options::default()
        },
    );
    assert_eq!(poor.forecasts[0].replications, 3);
}

/// With a disturbance that is over in the first half of 50 s, what piles up in the second does so for good; with one in the second half nobody can tell.
#[test]
fn saturation_is_said_beside_faults_that_are_over() {
    let status = |load: f64, when: FaultTime| {
        let mut s = scenario(queue(100.0, load, 5_000));
        s.strategies = vec![threads(1)];
        s.workload.devices = vec![DeviceSpec {
            name: "db".into(),
            kind: DeviceKind::Station {
                servers: 1,
                rate: None,
            },
            per_node: false,
        }];
        s.workload.faults = vec![Fault {
            kind: FaultKind::Down {
                device: 0,
                lasts: Nanos::from_secs(1),
            },
            when,
        }];
        study(&s, &fixed(5)).forecasts[0].status
    };
    let at = |secs| FaultTime::At(Nanos::from_secs(secs));
    assert_eq!(status(1.3, at(5)), Status::Saturated);
    let often = FaultTime::Every(Dist::Exponential(Nanos::from_secs(3)));
    assert_eq!(status(1.3, often), Status::Saturated);
    assert_eq!(status(1.3, at(30)), Status::Fine);
    let seldom = FaultTime::Every(Dist::Exponential(Nanos::from_secs(20)));
    assert_eq!(status(1.3, seldom), Status::Fine);
    assert_eq!(status(0.7, at(5)), Status::Fine);
}

#[test]
fn saturation_is_said_and_stability_is_not_mistaken_for_it() {
    // One server at 130 % of its capacity, two at 65 %, three at 43 %.
    let mut s = scenario(queue(100.0, 1.3, 5_000));
    s.strategies = vec![threads(1), threads(2), threads(3)];
    let study1 = study(&s, &Options::default());
    let status = |n: u32| {
        let label = format!("threads:{n}");
        study1
            .forecasts
            .iter()
            .find(|f| f.strategy == label)
            .map(|f| f.status)
    };
    assert_eq!(status(1), Some(Status::Saturated));
    assert_eq!(
        (status(2), status(3)),
        (Some(Status::Fine), Some(Status::Fine))
    );
    let last = study1.forecasts.last().unwrap();
    assert_eq!(
        (last.rank, last.get(Quantity::P95), last.primary()),
        (None, None, None)
    );
    assert!(last.get(Quantity::Throughput).is_some());
    assert!(study1.warnings.iter().any(|w| w.code == "saturated"));
    for seed in 0..40 {
        // Short overloaded runs, three of each: seen as what they are.
        let mut s = scenario(queue(100.0, 1.3, 2_000));
        s.strategies = vec![threads(1)];
        s.seed = seed;
        assert_eq!(
            study(&s, &fixed(3)).forecasts[0].status,
            Status::Saturated,
            "seed {seed}"
        );
    }
    // A busy but stable server at 90 %: never called saturated in 40 seeded studies.
    for seed in 0..40 {
        let mut s = scenario(queue(100.0, 0.9, 5_000));
        s.strategies = vec![threads(1)];
        s.seed = seed;
        assert_ne!(
            study(&s, &fixed(5)).forecasts[0].status,
            Status::Saturated,
            "seed {seed}"
        );
    }
}

#[test]
fn the_warm_up_is_left_out_and_the_same_for_all() {
    let mut s = scenario(queue(100.0, 0.8, 8_000));
    s.strategies = vec![threads(1), threads(2)];
    // The first 500 tasks meet a server that is being started.
    let cold = |i: &SimInput<'_>| -> Result<Outcome, SimError> {
        crate::fake::queue_outcome(i, Nanos::from_secs(2))
    };
    let study = run_study(&s, &[Profile::default()], &fixed(5), cold, &|_| {}).unwrap();
    assert!(
        study.warmup > Nanos::from_secs(2) && study.warmup < Nanos::from_secs(30),
        "{:?}",
        study.warmup
    );
    s.warmup = Some(Nanos::from_secs(7));
    let given = run_study(&s, &[Profile::default()], &fixed(5), cold, &|_| {}).unwrap();
    assert_eq!(given.warmup, Nanos::from_secs(7));
}

#[test]
fn ties_speedups_and_the_hidden_baseline() {
    let mut s = scenario(batch(64, Dist::Constant(Nanos::from_millis(10))));
    s.strategies = vec![
        threads(2),
        threads(4),
        StrategyCase {
            strategy: Strategy::Threads(Workers::PerTask),
            interpreter: None,
        },
    ];
    let study = study(&s, &Options::default());
    let ranks: Vec<(Option<u32>, bool)> =
        study.forecasts.iter().map(|f| (f.rank, f.tied)).collect();
    // The fake gives `PerTask` four servers as well.
    assert_eq!(ranks, [(Some(1), true), (Some(1), true), (Some(3), false)]);
    assert_eq!(study.forecasts[0].speedup.unwrap().mean, 4.0);
    assert_eq!(study.forecasts[0].reading, Some(SpeedupVerdict::Clear));
    assert_eq!(study.forecasts[2].reading, Some(SpeedupVerdict::Consider));
    assert_eq!(
        study.hidden_baseline.as_ref().unwrap().strategy,
        "sequential"
    );
    assert_eq!(study.baseline.as_deref(), Some("sequential on default"));
}

#[test]
fn of_equals_the_one_that_costs_least_comes_first() {
    let mut s = scenario(batch(64, Dist::Constant(Nanos::from_millis(10))));
    s.strategies = (1..=5).map(threads).collect();
    // (share of a tie by which it is quicker, CPU, memory) of each.
    let first = |costs: [(f64, f64, u64); 5]| {
        let simulated = |i: &SimInput<'_>| -> Result<Outcome, SimError> {
            let (quicker, cpu, memory) = match i.strategy {
                Strategy::Threads(Workers::Exactly(n)) => costs[*n as usize - 1],
                // The baseline.
                _ => (-9.0, 1.0, 50),
            };
            let mut o = crate::fake::queue_outcome(i, Nanos::ZERO)?;
            o.makespan = Nanos::from_secs(1).scale(1.0 - 0.01 * quicker);
            (o.closed, o.end) = (o.makespan, o.makespan);
            o.cpu = Nanos::from_millis(100).scale(cpu).into();
            o.memory_peak = memory << 20;
            Ok(o)
        };
        let profiles = [Profile::default()];
        let study = run_study(&s, &profiles, &Options::default(), simulated, &|_| {}).unwrap();
        let answer = study.answer().unwrap();
        assert!(study.claims().iter().all(|c| c.holds(&study)));
        let tied = study.forecasts.iter().filter(|f| f.tied).count();
        let (n, take) = (tied.max(1), &study.forecasts[answer.take]);
        (take.strategy.clone(), n)
    };
    let dear = (0.9, 2.0, 50);
    // Half of the CPU at the same time; a tenth less memory is about as much.
    let of = |cases| first(cases);
    assert_eq!(
        of([dear, (0.2, 1.0, 50), (0.1, 1.0, 47), dear, dear]),
        ("threads:2".into(), 5)
    );
    assert_eq!(
        of([dear, (0.2, 1.0, 50), (0.1, 1.05, 30), dear, dear]),
        ("threads:3".into(), 5)
    );
    // What is beyond a tie does not count, however little it costs.
    assert_eq!(
        of([dear, (-0.2, 1.0, 50), dear, dear, dear]),
        ("threads:1".into(), 4)
    );
}

#[test]
fn the_metric_follows_the_workload_and_its_objectives() {
    let mut s = scenario(queue(100.0, 0.5, 500));
    s.strategies = vec![threads(1)];
    assert_eq!(study(&s, &fixed(2)).metric, Metric::Percentile(95.0));
    let objective = |metric| Objective {
        text: String::new(),
        metric,
        below: true,
        bound: 1.0,
    };
    s.objectives = vec![
        objective(Metric::Memory),
        objective(Metric::Percentile(99.0)),
    ];
    assert_eq!(study(&s, &fixed(2)).metric, Metric::Percentile(99.0));
    let by_cpu = Options {
        metric: Some(Metric::Cpu),
        ..fixed(2)
    };
    assert_eq!(study(&s, &by_cpu).metric, Metric::Cpu);
    let mut b = scenario(batch(5, Dist::Constant(Nanos(5))));
    b.strategies = vec![sequential()];
    b.objectives = s.objectives;
    assert_eq!(study(&b, &fixed(2)).metric, Metric::Makespan);
}

#[test]
fn objectives_and_refusals() {
    let mut s = scenario(batch(10, Dist::Constant(Nanos::from_millis(10))));
    let objective = |text: &str, bound| Objective {
        text: text.into(),
        metric: Metric::Makespan,
        below: true,
        bound,
    };
    s.objectives = vec![
        objective("makespan < 60ms", 0.06),
        objective("makespan < 10ms", 0.01),
    ];
    s.strategies = vec![
        sequential(),
        threads(2),
        StrategyCase {
            strategy: Strategy::Threads(Workers::Auto),
            interpreter: None,
        },
    ];
    let study = study(&s, &Options::default());
    let verdicts = |i: usize| {
        study.forecasts[i]
            .objectives
            .iter()
            .map(|o| o.verdict)
            .collect::<Vec<_>>()
    };
    assert_eq!(verdicts(0), [Verdict::Met, Verdict::Missed]);
    assert_eq!(verdicts(1), [Verdict::Missed, Verdict::Missed]);
    // The fake refuses `Threads(Auto)`.
    assert!(study.forecasts[2].refusal.as_deref() == Some("not possible: no default size"));
    let codes: Vec<&str> = study.warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(
        codes,
        ["unsupported", "objective-missed", "estimated-profile"]
    );
}

#[test]
fn a_full_set_is_compared_where_none_is_named() {
    let s = scenario(batch(10, Dist::Constant(Nanos::from_millis(10))));
    let free = Profile {
        name: "cpython-3.14t".into(),
        gil: false,
        ..Profile::default()
    };
    let gil = Profile {
        name: "cpython-3.14".into(),
        ..Profile::default()
    };
    let cases = pchsim::study::default_cases(&s, &[gil, free]);
    let has = |strategy: Strategy, profile| {
        cases
            .iter()
            .any(|c| c.strategy == strategy && c.profile == profile)
    };
    assert!(has(Strategy::Sequential, 0) && has(Strategy::Sequential, 1));
    assert!(has(Strategy::Threads(Workers::Auto), 1));
    assert!(
        !cases
            .iter()
            .any(|c| c.profile == 1 && matches!(c.strategy, Strategy::Processes { .. }))
    );
    assert!(
        !cases
            .iter()
            .any(|c| matches!(c.strategy, Strategy::Interpreters(_))),
        "not without a cost for them"
    );
    assert!(cases.len() >= 12, "{}", cases.len());
}

#[test]
fn an_unknown_interpreter_is_an_error() {
    let mut s = scenario(batch(1, Dist::Constant(Nanos(1))));
    s.strategies = vec![StrategyCase {
        strategy: Strategy::Sequential,
        interpreter: Some("cpython-9".into()),
    }];
    let error = run_study(
        &s,
        &[Profile::default()],
        &Options::default(),
        simulate,
        &|_| {},
    )
    .unwrap_err();
    assert!(error.to_string().contains("cpython-9"));
    s.workload.classes = vec![class(1, Dist::Constant(Nanos(1)))];
    s.workload.arrivals = Arrivals::Batch;
    assert!(run_study(&s, &[], &Options::default(), simulate, &|_| {}).is_err());
}
