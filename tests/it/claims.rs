//! What a study says of its figures, over studies made at random: every claim and warning is true of them, and advice that is followed
//! does what it says.

use pchsim::cpython::profile::Profile;
use pchsim::cpython::{Finding, WaitReason};
use pchsim::engine::Nanos;
use pchsim::measure::Estimate;
use pchsim::quantity::Quantity;
use pchsim::result::{Claim, Drawback, Status, Study, Tier, Verdict};
use pchsim::scenario::{Arrivals, Dist, Metric, Scenario, Strategy, StrategyCase, Workers};
use pchsim::strategy::{Outcome, SimError, SimInput};
use pchsim::study::{Options, Relief, Warning, judged, run_study};
use pchsim::syntax::parse_objective;
use proptest::prelude::{
    Just, ProptestConfig, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::strategy::Strategy as Strategy_;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Dxsm;

use crate::fake::{batch, empty, queue, scenario, simulate as queue_of};

/// What a case is like: its outcomes are drawn around this.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// Mean latency in milliseconds.
    pub latency: f64,
    /// Standard deviation over replications, as a share.
    pub noise: f64,
    /// Share of its tasks that fail.
    pub failing: f64,
    /// Peak memory in MiB.
    pub memory: f64,
    /// What happens to it instead, in some replication.
    pub fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    Works,
    OutOfMemory,
    Deadlock,
    Refused,
    FailsAll,
}

pub(crate) fn made() -> impl Strategy_<Value = Made> {
    let fate = prop_oneof![
        12 => Just(Fate::Works),
        1 => Just(Fate::OutOfMemory),
        1 => Just(Fate::Deadlock),
        1 => Just(Fate::Refused),
        1 => Just(Fate::FailsAll),
    ];
    let failing = prop_oneof![3 => Just(0.0), 1 => 0.0..0.02_f64, 1 => 0.0..1.0_f64];
    // Some are alike, some are far apart.
    let latency = prop_oneof![
        Just(100.0),
        99.0..101.0_f64,
        50.0..200.0_f64,
        1.0..1000.0_f64
    ];
    let noise = prop_oneof![Just(0.0), 0.0..0.01_f64, 0.0..0.5_f64];
    (latency, noise, failing, 20.0..200.0_f64, fate).prop_map(
        |(latency, noise, failing, memory, fate)| Made {
            latency,
            noise,
            failing,
            memory,
            fate,
        },
    )
}

/// One replication of a case: a hundred tasks, equally long, some of which fail.
fn outcome(made: &[Made], i: &SimInput<'_>) -> Result<Outcome, SimError> {
    let Strategy::Threads(Workers::Exactly(n)) = i.strategy else {
        return Err(SimError::Unsupported("no such case".into()));
    };
    let case = &made[*n as usize - 1];
    if case.fate == Fate::Refused {
        return Err(SimError::Unsupported("it cannot do that".into()));
    }
    let mut rng = Pcg64Dxsm::seed_from_u64(
        i.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(i.replication) << 8 ^ u64::from(*n),
    );
    let mut o = empty(2);
    let sway = 1.0 + case.noise * (rng.random::<f64>() - 0.5) * 3.4;
    let latency = Nanos::from_secs_f64(case.latency * sway.max(0.05) / 1000.0);
    let failing = if case.fate == Fate::FailsAll {
        1.0
    } else {
        case.failing
    };
    for task in 0..100_u64 {
        let at = Nanos(latency.0 / 10 * (task + 1));
        o.arrived += 1;
        if rng.random::<f64>() < failing {
            o.timed_out += 1;
        } else {
            o.completed += 1;
            o.latency.record(latency);
            o.class_latency[0].record(latency);
        }
        o.series.push(at, latency.as_secs_f64());
        o.makespan = at + latency;
    }
    (o.end, o.closed, o.cpu) = (o.makespan, o.makespan, o.makespan.into());
    o.memory_peak = (case.memory * 1024.0 * 1024.0) as u64;
    o.events = 200;
    let at = o.end;
    match case.fate {
        Fate::OutOfMemory => o.findings.push(Finding::OutOfMemory { at, bytes: 1 << 30 }),
        Fate::Deadlock => o.findings.push(Finding::Deadlock {
            at,
            waiting: vec!["a waits for b".into()],
            on: vec![WaitReason::Lock],
        }),
        Fate::Works | Fate::Refused | Fate::FailsAll => {}
    }
    Ok(o)
}

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub made: Vec<Made>,
    pub kind: usize,
    pub objectives: Vec<String>,
    pub metric: Option<Metric>,
    pub seed: u64,
}

pub(crate) fn asked() -> impl Strategy_<Value = Asked> {
    let objective = prop_oneof![
        (1.0..300.0_f64).prop_map(|ms| format!("p95 < {ms:.1}ms")),
        (20.0..200.0_f64).prop_map(|m| format!("memory < {m:.0}MiB")),
        (1.0..100.0_f64).prop_map(|t| format!("throughput > {t:.0}/s")),
        (0.1..50.0_f64).prop_map(|f| format!("failures < {f:.1}%")),
        Just("makespan < 0s".to_owned()),
    ];
    let metric = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Metric::Throughput)),
        1 => Just(Some(Metric::Memory)),
        1 => Just(Some(Metric::MeanLatency)),
    ];
    (
        prop::collection::vec(made(), 1..6),
        0..3_usize,
        prop::collection::vec(objective, 0..3),
        metric,
        any::<u64>(),
    )
        .prop_map(|(made, kind, objectives, metric, seed)| Asked {
            made,
            kind,
            objectives,
            metric,
            seed,
        })
}

impl Asked {
    pub(crate) fn scenario(&self) -> Scenario {
        let mut s = scenario(batch(100, Dist::Constant(Nanos::from_millis(1))));
        s.workload.arrivals = match self.kind {
            0 => Arrivals::Batch,
            1 => Arrivals::Open {
                interval: Dist::Exponential(Nanos::from_millis(20)),
                count: Some(100),
            },
            _ => Arrivals::Closed {
                users: 5,
                think: Dist::Constant(Nanos::ZERO),
                count: Some(100),
            },
        };
        s.strategies = (1..=self.made.len())
            .map(|n| StrategyCase {
                strategy: Strategy::Threads(Workers::Exactly(u32::try_from(n).unwrap())),
                interpreter: None,
            })
            .collect();
        let parsed = self.objectives.iter().map(|o| parse_objective(o).unwrap());
        s.objectives = parsed.collect();
        s.seed = self.seed;
        s
    }

    pub(crate) fn study(&self, s: &Scenario, options: &Options) -> Study {
        let options = Options {
            metric: self.metric,
            ..options.clone()
        };
        let simulate = |i: &SimInput<'_>| outcome(&self.made, i);
        run_study(s, &[Profile::default()], &options, simulate, &|_| {}).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_claim_holds(asked in asked()) {
        let s = asked.scenario();
        let study = asked.study(&s, &Options::default());
        for claim in study.claims() {
            prop_assert!(claim.holds(&study), "{claim:?}\n{:#?}", table(&study));
        }
        for w in &judged(&study, &s, &[Profile::default()], &Options::default()) {
            prop_assert!(w.holds(&study), "{w:?}\n{:#?}", table(&study));
        }
        // One answer, and it comes first.
        let says = study.claims();
        let answers = |c: &&Claim| matches!(
            c,
            Claim::Best { .. } | Claim::Nearest { .. } | Claim::NoneKeepsUp { .. } | Claim::NoForecast
        );
        prop_assert_eq!(says.iter().filter(answers).count(), 1);
        prop_assert!(answers(&&says[0]));
        // Ranks follow tiers.
        let ranks: Vec<(Tier, Option<u32>)> = study.forecasts.iter().map(|f| (f.tier, f.rank)).collect();
        prop_assert!(ranks.windows(2).all(|w| w[0].0 <= w[1].0 && (w[1].1.is_none() || w[0].1 <= w[1].1)), "{ranks:?}");
    }

    #[test]
    fn advice_that_is_followed_does_what_it_says(asked in asked()) {
        let s = asked.scenario();
        let options = Options { most_replications: 12, ..Options::default() };
        let study = asked.study(&s, &options);
        let says = |study: &Study, code: &str| study.warnings.iter().any(|w| w.code == code);
        for w in &judged(&study, &s, &[Profile::default()], &options) {
            match w {
                Warning::NotConverged { precision, needed, .. } if *needed <= 5_000 => {
                    let again = asked.study(&s, &Options::default().to_precision(*precision));
                    prop_assert!(
                        !says(&again, "not-converged"),
                        "{:?}", again.warnings
                    );
                }
                Warning::ObjectiveMissed { relaxed: Some(relaxed), closest, .. } => {
                    let mut easier = s.clone();
                    easier.objectives = vec![parse_objective(relaxed).unwrap()];
                    let again = asked.study(&easier, &Options { replications: Some(3), ..Options::default() });
                    let same = study.forecasts.iter().all(|f| f.replications <= 3);
                    let meets = again.forecasts.iter().find(|f| f.name() == closest.0).unwrap();
                    // With the replications that the value is of, it is met.
                    prop_assert!(!same || meets.objectives[0].verdict == Verdict::Met, "{relaxed}");
                }
                Warning::FewReplications { .. } => {
                    let again = asked.study(&s, &Options { replications: Some(5), ..Options::default() });
                    prop_assert!(!says(&again, "few-replications"));
                }
                Warning::WarmupUncertain { .. } => {
                    let mut given = s.clone();
                    given.warmup = Some(Nanos::from_millis(1));
                    let again = asked.study(&given, &Options::default());
                    prop_assert!(!says(&again, "warmup-uncertain"));
                }
                _ => {}
            }
        }
    }
}

fn table(study: &Study) -> Vec<String> {
    let row = |f: &pchsim::result::Forecast| {
        format!(
            "{} {:?} {:?} {:?} {:?} {:?}",
            f.name(),
            f.tier,
            f.rank,
            f.primary(),
            f.behind_best(),
            f.objectives
        )
    };
    study.forecasts.iter().map(row).collect()
}

/// Two that meet the objective, a faster one that does not, and the fastest, which fails tasks.
fn example() -> Study {
    let with = |latency, failing, memory| Made {
        latency,
        noise: 0.0,
        failing,
        memory,
        fate: Fate::Works,
    };
    let asked = Asked {
        made: vec![
            with(100.0, 0.0, 50.0),
            with(200.0, 0.0, 50.0),
            with(50.0, 0.0, 150.0),
            with(10.0, 0.5, 50.0),
        ],
        kind: 0,
        objectives: vec!["memory < 100MiB".into()],
        metric: None,
        seed: 1,
    };
    asked.study(&asked.scenario(), &Options::default())
}

/// What leads for being lightest lies within a tie of the best; the best, seen from there, may lie a little outside one.
#[test]
fn what_is_level_stays_level_whichever_of_it_leads() {
    let level = |latency, noise, memory| Made {
        latency,
        noise,
        failing: 0.0,
        memory,
        fate: Fate::Works,
    };
    let asked = Asked {
        made: vec![
            level(100.0, 0.0, 198.0),
            level(101.005, 0.0, 20.0),
            level(102.5, 0.0, 20.0),
        ],
        kind: 1,
        objectives: vec![],
        metric: Some(Metric::Throughput),
        seed: 1,
    };
    let study = asked.study(&asked.scenario(), &Options::default());
    let ranks: Vec<(&str, Option<u32>)> = study
        .forecasts
        .iter()
        .map(|f| (f.strategy.as_str(), f.rank))
        .collect();
    let first = Some(1);
    assert_eq!(
        ranks,
        [
            ("threads:2", first),
            ("threads:1", first),
            ("threads:3", Some(3)),
        ],
        "{:#?}",
        table(&study)
    );
    assert!(study.claims().iter().all(|c| c.holds(&study)));
}

#[test]
fn the_answer_is_what_a_user_should_take() {
    let study = example();
    let labels: Vec<(&str, Tier)> = study
        .forecasts
        .iter()
        .map(|f| (f.strategy.as_str(), f.tier))
        .collect();
    assert_eq!(
        labels,
        [
            ("threads:1", Tier::Meets),
            ("threads:2", Tier::Meets),
            ("threads:3", Tier::Misses),
            ("threads:4", Tier::Fails),
        ]
    );
    let claims = study.claims();
    assert!(
        matches!(claims[0], Claim::Best { case: 0, .. }),
        "{claims:?}"
    );
    assert!(
        matches!(
            claims[1],
            Claim::Fastest {
                case: 3,
                instead: 0,
                because: Drawback::Fails(_),
                ..
            }
        ),
        "{claims:?}"
    );
    assert!(
        matches!(claims[2], Claim::Next { case: 1, .. }),
        "{claims:?}"
    );
    let codes: Vec<&str> = study.warnings.iter().map(|w| w.code.as_str()).collect();
    assert!(codes.contains(&"failures-differ"), "{codes:?}");
}

#[test]
fn what_is_false_does_not_hold() {
    let study = example();
    let costs = Estimate::of(&[1.0, 1.0]).unwrap();
    for wrong in [
        Claim::Best {
            case: 1,
            tied: Vec::new(),
        },
        Claim::Best {
            case: 2,
            tied: Vec::new(),
        },
        Claim::Best {
            case: 0,
            tied: vec![1],
        },
        Claim::Nearest {
            case: 0,
            tied: Vec::new(),
            further: vec![1],
            objective: 0,
            off: 0.5,
        },
        Claim::Fastest {
            case: 2,
            instead: 0,
            costs,
            because: Drawback::Misses(0),
        },
        Claim::Fastest {
            case: 3,
            instead: 0,
            costs,
            because: Drawback::Misses(0),
        },
        Claim::Next {
            case: 0,
            behind: costs,
            but: None,
        },
        Claim::Failing {
            case: 0,
            share: 0.5,
        },
        Claim::Undecided {
            case: 0,
            objectives: vec![0],
        },
        Claim::DoesNotPay { sequential: true },
        Claim::NoneKeepsUp { case: 0, done: 1.0 },
        Claim::NoForecast,
    ] {
        assert!(!wrong.holds(&study), "{wrong:?}");
    }
    let name = |i: usize| study.forecasts[i].name();
    for wrong in [
        Warning::Saturated {
            cases: vec![(name(0), 1.0)],
            arrivals: None,
            cores: false,
            keeps_up: None,
        },
        Warning::FailuresDiffer {
            cases: vec![(name(1), 0.5)],
            least: (name(0), 0.0),
            struck: false,
        },
        Warning::NotConverged {
            cases: vec![(name(0), 0.5)],
            precision: 0.02,
            needed: 100,
            instead: None,
        },
        Warning::FewReplications { replications: 2 },
        Warning::OutOfMemory {
            limit: Some(1 << 30),
            cases: vec![(name(0), Nanos(1), 1)],
            ways: vec![Relief::Workers],
        },
        Warning::WarmupUncertain {
            cases: vec![name(0)],
        },
    ] {
        assert!(!wrong.holds(&study), "{wrong:?}");
    }
}

fn of_queue(s: &Scenario) -> Study {
    run_study(
        s,
        &[Profile::default()],
        &Options::default(),
        queue_of,
        &|_| {},
    )
    .unwrap()
}

#[test]
fn what_a_queue_that_grows_says_is_true() {
    let mut s = scenario(queue(100.0, 1.3, 2_000));
    s.strategies = [1, 2]
        .map(|n| StrategyCase {
            strategy: Strategy::Threads(Workers::Exactly(n)),
            interpreter: None,
        })
        .into();
    let study = of_queue(&s);
    let all = judged(&study, &s, &[Profile::default()], &Options::default());
    let says = all.iter().find(|w| w.code() == "saturated").unwrap();
    assert!(
        says.holds(&study) && says.text().contains("threads:2 on default, which keeps up"),
        "{}",
        says.text()
    );
    // Who fails or loses what comes has no queue either, and keeps up with nothing.
    let mut failing = study.clone();
    for f in &mut failing.forecasts {
        f.values[Quantity::FailureRate as usize] = Some(Estimate::new(0.5, None, 0.5, 5));
    }
    assert!(!says.holds(&failing));
    let all = judged(&failing, &s, &[Profile::default()], &Options::default());
    let says = all.iter().find(|w| w.code() == "saturated").unwrap();
    assert!(!says.text().contains("keeps up"), "{}", says.text());
    s.strategies.truncate(1);
    let alone = of_queue(&s);
    assert!(matches!(
        alone.claims()[..],
        [Claim::NoneKeepsUp { case: 0, .. }]
    ));
    assert!(alone.claims()[0].holds(&alone));
}

#[test]
fn a_queue_that_nobody_asked_for_is_no_reason_to_fail() {
    // A full set, of which the fake knows few: what it refuses is a note, and what works is compared.
    let s = scenario(batch(10, Dist::Constant(Nanos::from_millis(10))));
    let study = of_queue(&s);
    assert!(study.forecasts.iter().all(|f| f.added));
    assert!(study.forecasts.iter().any(|f| f.status == Status::Fine));
    assert!(
        study.warnings.iter().all(|w| w.note),
        "{:?}",
        study.warnings
    );
}
