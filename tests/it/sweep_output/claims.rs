//! Whatever a sweep says holds: random sweeps, and claims that are made wrong on purpose.

use std::collections::{BTreeMap, BTreeSet};

use pchsim::insight::{Coordinate, Extent, Insight, best, insights};
use pchsim::quantity::Quantity;
use pchsim::report::markdown;
use pchsim::scenario::Metric;
use pchsim::study::sweep::{PlanAxis, SweepPlan};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::made::{MAKESPAN, P95, curves, doubled, grid, numbers, sweep_of, upto, words};
use pchsim::measure::Estimate;
use pchsim::result::{
    Judgement, Saved, Status, Sweep, SweepRow, Tier, Verdict, header_line, row_lines,
    sweep as read_sweep,
};

/// What a random case is made of, before it is scaled: a level, how wide its interval is, and its fate.
#[derive(Clone, Debug)]
struct Roll {
    level: f64,
    width: f64,
    fate: u8,
    fails: f64,
}

fn roll() -> impl Strategy<Value = Roll> {
    // Few levels, so that many are the same.
    let level = prop_oneof![(1u8..6).prop_map(f64::from), 0.8f64..6.0];
    let width = prop_oneof![Just(0.0), Just(0.01), 0.001f64..0.3];
    let fails = prop_oneof![4 => Just(0.0), 1 => 0.0f64..0.004, 1 => 0.0f64..0.9];
    (level, width, 0u8..40, fails).prop_map(|(level, width, fate, fails)| Roll {
        level,
        width,
        fate,
        fails,
    })
}

fn axis(kind: u8, values: usize) -> PlanAxis {
    let n = u32::try_from(values).unwrap();
    let cpu: Vec<String> = (1..=n).map(|i| format!("{i}ms")).collect();
    let cpu: Vec<&str> = cpu.iter().map(String::as_str).collect();
    match kind {
        0 => numbers("machine.cores", "cores", &upto(n)),
        1 => numbers("workers", "workers", &doubled(n)),
        2 => numbers("machine.memory", "memory", &upto(n)),
        3 => numbers("workload.arrivals.rate", "rate", &upto(n)),
        4 => numbers("seed", "seed", &upto(n)),
        5 => numbers("workload.deadline", "deadline", &doubled(n)),
        6 => words("workload.tasks[0].steps[0]", "cpu", &cpu),
        _ => words("machine.governor", "governor", &cpu),
    }
}

#[derive(Clone, Debug)]
struct Random {
    plan: SweepPlan,
    series: usize,
    rolls: Vec<Roll>,
    shape: Vec<u8>,
    throughput: bool,
    goal: Option<f64>,
    memory: Option<f64>,
    single: bool,
    tiers: bool,
    failing: bool,
    missing: Vec<u8>,
}

fn random() -> impl Strategy<Value = Random> {
    let axes = (1usize..4, any::<bool>())
        .prop_flat_map(|(n, zip)| {
            let values = if n == 1 { 2usize..13 } else { 1usize..5 };
            let kinds = prop::sample::subsequence((0u8..8).collect::<Vec<_>>(), n);
            (kinds, prop::collection::vec(values, n), Just(zip))
        })
        .prop_map(|(kinds, values, zip)| {
            let n = |i: usize| if zip { values[0] } else { values[i] };
            let axes = kinds.iter().enumerate();
            SweepPlan {
                axes: axes.map(|(i, k)| axis(*k, n(i))).collect(),
                zip,
            }
        });
    let flags = (
        any::<bool>(),
        prop::bool::weighted(0.1),
        any::<bool>(),
        any::<bool>(),
    );
    (
        axes,
        1usize..5,
        prop::collection::vec(roll(), 97),
        prop::collection::vec(0u8..6, 4),
        flags,
        prop::option::of(1.0f64..5.0),
        prop::option::of(45.0f64..60.0),
        prop::collection::vec(0u8..8, 64),
    )
        .prop_map(
            |(
                plan,
                series,
                rolls,
                shape,
                (throughput, single, failing, tiers),
                goal,
                memory,
                missing,
            )| {
                Random {
                    plan,
                    series,
                    rolls,
                    shape,
                    throughput,
                    goal,
                    memory,
                    single,
                    tiers,
                    failing,
                    missing,
                }
            },
        )
}

impl Random {
    fn sweep(&self) -> Sweep {
        let metric = if self.throughput {
            Metric::Throughput
        } else {
            MAKESPAN
        };
        let roll = |point: u64, s: usize| &self.rolls[(point as usize * 5 + s * 31) % 97];
        let mut sweep = sweep_of(&self.plan, metric, self.goal, |p| {
            (0..self.series)
                .map(|s| {
                    let r = roll(p.number, s);
                    let i = p.index.iter().sum::<usize>() as f64;
                    // Some series follow a curve, others are mere noise.
                    let noise = 1.0 + 0.002 * r.level;
                    let level = match self.shape[s] {
                        0 => 6.0 / (i + 1.0) * noise,
                        1 => 5.0 / (i + 1.0).min(3.0) - 0.001 * i,
                        2 => (1.0 + i) * noise,
                        3 => (1.0 + (i - 2.0).abs()) * noise,
                        _ => r.level,
                    };
                    let reached = match r.fate {
                        0 => Err(Status::Saturated),
                        1 => Err(Status::OutOfMemory),
                        _ => Ok((level, level * r.width)),
                    };
                    let name = ["a", "b", "c", "d"][s];
                    (name.to_owned(), "cpython-3.14".to_owned(), reached)
                })
                .collect()
        });
        if self.missing[0] == 0 {
            sweep
                .rows
                .retain(|r| self.missing[r.point as usize % 64] > 2);
        }
        for row in &mut sweep.rows {
            let s = usize::from(row.case.strategy.as_bytes()[0] - b'a');
            let r = roll(row.point, s);
            let estimate = |mean: f64, half: f64| Estimate::new(mean, Some(half), mean, 10);
            let fine = row.case.status == Status::Fine;
            if self.failing && fine {
                let share = estimate(r.fails, r.fails * r.width);
                row.case.values[Quantity::FailureRate as usize] = Some(share);
            }
            if let Some(bound) = self.memory {
                let used = 40.0 + 4.0 * r.level;
                let missed = !fine || used > bound;
                row.case.objectives.push(Judgement {
                    recovery: None,
                    text: format!("memory < {bound}"),
                    verdict: if missed {
                        Verdict::Missed
                    } else {
                        Verdict::Met
                    },
                    bound,
                    value: fine.then(|| estimate(used, 0.1)),
                });
            }
            if self.single {
                let ranked = &mut row.case.ranked;
                for e in [&mut ranked.value, &mut ranked.behind_best] {
                    *e = e.map(|e| e.with_half(None));
                }
            }
        }
        // As of 0.1.0: nothing says the tiers, which reading then works out.
        for row in &mut sweep.rows {
            row.case.tier = Tier::NoForecast;
        }
        let lines = row_lines(&sweep.rows);
        let mut sweep = read_sweep(&header_line(&sweep.header), &lines, "it").unwrap();
        if self.tiers {
            ranked_in_tiers(&mut sweep, self.throughput);
        }
        sweep
    }
}

/// As a file of today: the tiers are written down, and ranks are given within them. (Files of 0.1.0 rank by the metric alone.)
fn ranked_in_tiers(sweep: &mut Sweep, most: bool) {
    for point in sweep.rows.chunk_by_mut(|a, b| a.point == b.point) {
        let tier = |r: &SweepRow| r.case.tier;
        let mean = |r: &SweepRow| {
            let mean = r.case.primary().map_or(f64::INFINITY, |p| p.mean);
            if most { -mean } else { mean }
        };
        point.sort_by(|a, b| tier(a).cmp(&tier(b)).then(mean(a).total_cmp(&mean(b))));
        let mut leader = 0;
        for i in 0..point.len() {
            let stands = tier(&point[i]);
            if stands == Tier::NoForecast {
                continue;
            }
            let (mine, first) = (point[i].case.primary(), point[leader].case.primary());
            let overlap = mine
                .zip(first)
                .is_some_and(|(a, b)| a.low <= b.high && b.low <= a.high);
            let tied = i > 0 && stands == tier(&point[leader]) && overlap;
            if !tied {
                leader = i;
            }
            point[i].case.rank = u32::try_from(leader + 1).ok();
            point[i].case.tied = tied;
            if tied {
                point[leader].case.tied = true;
            }
        }
    }
}

/// The same text without what a page or Markdown adds to it.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn whatever_a_sweep_says_holds(random in random()) {
        let sweep = random.sweep();
        let all = insights(&sweep);
        for insight in &all {
            prop_assert!(insight.holds(&sweep), "{}\n{insight:?}", insight.text());
        }
        let answer = all.first().filter(|i| i.is_answer());
        prop_assert_eq!(
            answer.is_some(),
            sweep.rows.iter().any(|r| r.case.status == Status::Fine)
        );
        // The summary names the same best, and so does what shows while it runs.
        if let Some(answer) = answer {
            let document = Saved::Sweep(Box::new(sweep.clone()));
            let summary = bare(&markdown(&[(&document).into()], None));
            prop_assert!(summary.contains(&bare(&answer.text())), "{}\n{summary}", answer.text());
            let named = match answer {
                Insight::Best { case, value, .. } | Insight::Nearest { case, value, .. } => {
                    Some((case.clone(), value.value.mean))
                }
                _ => None,
            };
            prop_assert_eq!(best(&sweep).map(|b| (b.strategy, b.value.mean)), named);
        }
    }
}

#[test]
fn random_sweeps_make_claims_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let mut found: BTreeMap<&'static str, usize> = BTreeMap::new();
    for _ in 0..3000 {
        let random = random().new_tree(&mut runner).unwrap().current();
        for insight in insights(&random.sweep()) {
            *found.entry(insight.code()).or_default() += 1;
        }
    }
    let kinds = [
        "best",
        "nearest",
        "faster",
        "best-at",
        "faster-at",
        "as-good-for-less",
        "objectives",
        "best-throughout",
        "cross-over",
        "stops-paying",
        "still-pays",
        "retrograde",
        "knee",
        "fails",
    ];
    for kind in kinds {
        assert!(found.contains_key(kind), "{kind}: {found:?}");
    }
    assert_eq!(found.len(), kinds.len(), "{found:?}");
}

/// The claims of a sweep that exercises all that is told along one axis.
fn claims() -> (Sweep, Vec<Insight>) {
    let sweep = curves(
        numbers("machine.cores", "cores", &upto(12)),
        P95,
        &[
            ("a", &|c| 20.0 / c.min(5.0) - 0.001 * c),
            ("b", &|c| 9.0 + c),
            ("c", &|c| 70.0 / c),
        ],
    );
    let all = insights(&sweep);
    assert!(all.iter().all(|i| i.holds(&sweep)), "{all:?}");
    (sweep, all)
}

fn moved(place: &mut Coordinate, by: f64) {
    let to = place.number.unwrap() + by;
    place.number = Some(to);
    place.text = to.to_string();
}

#[test]
fn a_claim_about_another_strategy_does_not_hold() {
    let (sweep, all) = claims();
    let other = |name: &str| if name == "a" { "b" } else { "a" }.to_owned();
    let mut tried = BTreeSet::new();
    for mut claim in all {
        let code = claim.code();
        match &mut claim {
            Insight::Best { case, .. }
            | Insight::AsGoodForLess { case, .. }
            | Insight::StillPays { case, .. }
            | Insight::Retrograde { case, .. } => *case = other(case),
            Insight::CrossOver { before, after, .. } => std::mem::swap(before, after),
            Insight::StopsPaying { cases, .. } | Insight::Knee { cases, .. } => {
                cases[0] = other(&cases[0]);
            }
            _ => continue,
        }
        tried.insert(code);
        assert!(!claim.holds(&sweep), "{}", claim.text());
    }
    for code in [
        "best",
        "as-good-for-less",
        "cross-over",
        "stops-paying",
        "retrograde",
    ] {
        assert!(tried.contains(code), "{code}: {tried:?}");
    }
}

#[test]
fn a_claim_about_another_place_does_not_hold() {
    let (sweep, all) = claims();
    for mut claim in all {
        match &mut claim {
            // With fewer it is not true; with more it still would be.
            Insight::StopsPaying { at, .. } | Insight::AsGoodForLess { at, .. } => moved(at, -1.0),
            Insight::CrossOver { between, .. } => moved(&mut between.0, 3.0),
            Insight::StillPays { between, .. } => moved(&mut between.1, -1.0),
            Insight::Retrograde { best, .. } => moved(&mut best.0, 1.0),
            _ => continue,
        }
        assert!(!claim.holds(&sweep), "{}", claim.text());
    }
}

#[test]
fn a_best_that_misses_an_objective_does_not_hold() {
    let plan = grid(vec![numbers("machine.cores", "cores", &[1.0, 2.0])]);
    let sweep = sweep_of(&plan, MAKESPAN, Some(4.0), |p| {
        let c = p.index[0] as f64 + 1.0;
        let of = |name: &str, y: f64| {
            (
                name.to_owned(),
                "cpython-3.14".to_owned(),
                Ok((y, 0.01 * y)),
            )
        };
        vec![of("a", 9.0 / c), of("b", 3.0)]
    });
    let all = insights(&sweep);
    assert!(all.iter().all(|i| i.holds(&sweep)), "{all:?}");
    let Insight::Best { case, .. } = &all[0] else {
        panic!("{all:?}")
    };
    assert_eq!(case, "b");
    let mut wrong = all[0].clone();
    if let Insight::Best { case, value, .. } = &mut wrong {
        *case = "a".into();
        value.value = sweep.rows[1].case.primary().unwrap();
    }
    assert!(!wrong.holds(&sweep));
    // Where it is met is told by the axis that decides it.
    let met = Insight::Objectives {
        cases: vec!["a".into()],
        all: false,
        where_met: Extent::Everywhere,
        undecided: 0,
        met: 1,
    };
    assert!(!met.holds(&sweep));
}
