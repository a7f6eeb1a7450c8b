//! Two results compared: what is said of them is true, what is called real is so at the level that is promised, and the command does what
//! its help says.

mod command;

use proptest::prelude::{
    Just, ProptestConfig, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::strategy::Strategy as Strategy_;
use serde_json::Value;

use pchsim::contrast::{
    AnswerChange, Contrast, ContrastError, FALSE_ALARMS, Gate, GateVerdict, RowVerdict, Said, Side,
    Wanted, contrast,
};
use pchsim::cpython::profile::Profile;
use pchsim::layout::{Style, width};
use pchsim::report::contrast::{markdown, sentences, text};
use pchsim::result::{Forecast, ResultRef, Saved, Study, Sweep, json, read};
use pchsim::scenario::{Metric, Scenario, Strategy, StrategyCase, Workers};
use pchsim::strategy::{Outcome, SimError, SimInput};
use pchsim::study::{Options, run_study};

use crate::claims::{Asked, Fate, Made, asked, made};
use crate::fake::{queue, queue_outcome, scenario};
use crate::sweep_output::made::{doubled, grid, numbers, sweep_of};

fn compared(a: &Study, b: &Study) -> Contrast {
    compared_as(("before.json", a.into()), ("after.json", b.into()))
}

fn compared_as((a, x): (&str, ResultRef<'_>), (b, y): (&str, ResultRef<'_>)) -> Contrast {
    contrast(&Side::new(a, x), &Side::new(b, y), &Wanted::default()).unwrap()
}

/// What a case that is drawn is like in the other study.
fn drawn(from: Vec<Made>) -> impl Strategy_<Value = Vec<Made>> {
    let other = |m: Made| {
        let same = m.clone();
        let faster = Made {
            latency: m.latency * 0.8,
            ..m.clone()
        };
        let hardly = Made {
            latency: m.latency * 1.004,
            ..m.clone()
        };
        let dead = Made {
            fate: Fate::Deadlock,
            ..m
        };
        prop_oneof![
            4 => Just(same),
            2 => Just(faster),
            2 => Just(hardly),
            1 => Just(dead),
            2 => made(),
        ]
    };
    from.into_iter().map(other).collect::<Vec<_>>()
}

/// Two studies of the same cases.
fn pairs() -> impl Strategy_<Value = (Asked, Asked)> {
    let two = asked().prop_flat_map(|a| (drawn(a.made.clone()), Just(a), any::<bool>()));
    two.prop_map(|(made, a, same_seed)| {
        let b = Asked {
            made,
            seed: if same_seed { a.seed } else { a.seed ^ 1 },
            ..a.clone()
        };
        (a, b)
    })
}

fn study(asked: &Asked, kept: bool, n: u32) -> Study {
    let options = Options {
        replication_values: kept,
        replications: (n > 0).then_some(n),
        ..Options::default()
    };
    asked.study(&asked.scenario(), &options)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn everything_said_of_two_studies_holds(
        (x, y) in pairs(),
        kept in any::<bool>(),
        n in prop_oneof![Just(0_u32), Just(1), 2..12_u32],
        columns in 40..140_usize,
    ) {
        let (a, b) = (study(&x, kept, n), study(&y, kept, n));
        let c = compared(&a, &b);
        let said = c.said();
        for s in &said {
            prop_assert!(s.holds(&c, (&a).into(), (&b).into()), "{s:?}\n{c:#?}");
        }
        prop_assert_eq!(said.len(), sentences(&c).len());
        prop_assert!(sentences(&c).iter().all(|s| s.ends_with('.') && !s.contains("  ")), "{:?}", sentences(&c));
        // The other way round is the inverse.
        let back = compared(&b, &a);
        for ((place, row), (_, other)) in c.rows().zip(back.rows()) {
            // Cases stand in the order of the first result.
            let name = &c.points[place.point].cases[place.case].a;
            let twin = back.points[place.point].cases.iter().find(|p| p.b.name() == name.name());
            let other = twin.and_then(|p| p.rows.iter().find(|r| r.metric == row.metric)).unwrap_or(other);
            let reversed = match row.verdict {
                RowVerdict::Better => RowVerdict::Worse,
                RowVerdict::Worse => RowVerdict::Better,
                RowVerdict::Lost => RowVerdict::Gained,
                RowVerdict::Gained => RowVerdict::Lost,
                v => v,
            };
            prop_assert_eq!(other.verdict, reversed);
        }
        // Nothing is called real that is not in its interval by itself, and with more together less is.
        for (_, row) in c.rows() {
            if let (Some(p), Some(adjusted)) = (row.p(), row.adjusted) {
                prop_assert!(p <= adjusted && adjusted <= 1.0);
                let (low, high) = row.change.unwrap().interval().unwrap();
                let apart = low > 0.0 || high < 0.0;
                prop_assert!(!row.is_real() || apart, "{row:?}");
                // Quantiles and probabilities are rounded apart: at the edge itself either may come out.
                let edge = (p - (1.0 - pchsim::measure::CONFIDENCE)).abs() < 1e-6;
                prop_assert!(edge || (p < 1.0 - pchsim::measure::CONFIDENCE) == apart, "{p} {row:?}");
            }
        }
        // Read back, it is the same comparison.
        let again = |s: &Study| match read(&json(s), "it").unwrap() {
            Saved::Study(s) => *s,
            Saved::Sweep(_) => unreachable!("it is a run"),
        };
        let reread = compared(&again(&a), &again(&b));
        prop_assert_eq!(sentences(&reread), sentences(&c));
        // Every format is whole.
        let gates = vec![];
        let shown = text(&c, &gates, Style { width: columns, ..Style::default() });
        prop_assert!(shown.lines().all(|l| width(l) <= columns), "{columns}\n{shown}");
        let value: Value = serde_json::from_str(&pchsim::contrast::json(&c, &sentences(&c), &[])).unwrap();
        prop_assert_eq!(value["kind"].as_str(), Some("comparison"));
        prop_assert!(markdown(&c, &gates).starts_with("# "));
    }

    #[test]
    fn gates_fail_only_what_got_worse((x, y) in pairs(), margin in prop_oneof![Just(0.0), 0.0..0.5_f64]) {
        let (a, b) = (study(&x, true, 8), study(&y, true, 8));
        let c = compared(&a, &b);
        for metric in ["mean", "throughput", "failures", "memory"] {
            let gate = Gate { margin, ..Gate::parse(&format!("{metric} 1%")).unwrap() };
            for g in c.gated(std::slice::from_ref(&gate)).remove(0) {
                let row = c.row(g.at);
                let Some((from, to)) = row.a.zip(row.b) else {
                    prop_assert_eq!(g.verdict, GateVerdict::Regressed);
                    continue;
                };
                if from.mean <= 0.0 && gate.metric != Metric::FailureRate {
                    continue;
                }
                let worse = if gate.metric == Metric::FailureRate {
                    to.mean - from.mean
                } else if gate.metric.less_is_better() {
                    to.mean / from.mean - 1.0
                } else {
                    1.0 - to.mean / from.mean
                };
                match g.verdict {
                    GateVerdict::Regressed | GateVerdict::Undecided => prop_assert!(worse > margin, "{worse} {row:?}"),
                    GateVerdict::Passed => prop_assert!(worse <= margin + 1e-9, "{worse} {row:?}"),
                }
            }
        }
    }

    #[test]
    fn everything_said_of_two_sweeps_holds(
        values in prop::collection::vec((0.5..2.0_f64, 0.5..2.0_f64, 0.0..0.1_f64), 4..5),
        same in any::<bool>(),
        more in any::<bool>(),
    ) {
        let plan = |n: u32| grid(vec![numbers("machine.cores", "cores", &doubled(n))]);
        let make = |n: u32, scale: f64| {
            sweep_of(&plan(n), Metric::Makespan, None, |p| {
                let (one, other, half) = values[p.index[0] % values.len()];
                let case = |name: &str, v: f64| (name.to_owned(), "cpython-3.14".to_owned(), Ok((v, v * half)));
                vec![case("threads:8", one), case("asyncio", other * scale)]
            })
        };
        let (a, b): (Sweep, Sweep) = (make(4, 1.0), make(if more { 3 } else { 4 }, if same { 1.0 } else { 1.3 }));
        let c = compared_as(("a.jsonl", (&a).into()), ("b.jsonl", (&b).into()));
        prop_assert_eq!((c.points.len(), c.points_only_a, c.points_only_b), if more { (3, 1, 0) } else { (4, 0, 0) });
        for s in c.said() {
            prop_assert!(s.holds(&c, (&a).into(), (&b).into()), "{s:?}\n{c:#?}");
        }
        if same {
            prop_assert_eq!(&c.said()[0], &Said::Nothing);
        }
        let shown = text(&c, &[], Style { width: 80, ..Style::default() });
        prop_assert!(shown.lines().all(|l| width(l) <= 80), "{shown}");
    }
}

/// An M/M/1 queue and two servers, ten replications each.
fn queues(seed: u64, load: f64) -> Study {
    let mut s: Scenario = scenario(queue(100.0, load, 400));
    s.seed = seed;
    s.strategies = [1, 2]
        .map(|n| StrategyCase {
            strategy: Strategy::Threads(Workers::Exactly(n)),
            interpreter: None,
        })
        .into();
    let options = Options {
        replication_values: true,
        ..Options::default().with_replications(10)
    };
    let cold = |i: &SimInput<'_>| -> Result<Outcome, SimError> {
        queue_outcome(i, pchsim::engine::Nanos::ZERO)
    };
    run_study(&s, &[Profile::default()], &options, cold, &|_| {}).unwrap()
}

/// **Level.** Of 400 comparisons of a system with itself, by other random numbers, at most 5 % may call anything real: a procedure that keeps
/// this exceeds 34 of them (the quantile of B(400, 0.05) at 0.999) with a probability below 0.001. Both in pairs and by means.
#[test]
fn a_system_compared_with_itself_is_rarely_called_another() {
    const PAIRS: u64 = 400;
    let mut alarms = [0; 2];
    for i in 0..PAIRS {
        let (a, mut b) = (queues(2 * i + 1, 0.5), queues(2 * i + 2, 0.5));
        for (paired, alarms) in alarms.iter_mut().enumerate() {
            if paired == 1 {
                b.seed = a.seed;
            }
            let c = compared(&a, &b);
            assert!(c.comparisons >= 12, "{}", c.comparisons);
            assert!(
                c.rows()
                    .all(|(_, r)| r.change.is_none_or(|c| c.is_paired() == (paired == 1)))
            );
            *alarms += u64::from(c.rows().any(|(_, r)| r.is_real()));
        }
    }
    assert!(alarms.iter().all(|n| *n <= 34), "{alarms:?} of {PAIRS}");
    assert!((FALSE_ALARMS - 0.05).abs() < 1e-12);
}

/// What is there is found: a load of 0.5 against 0.65 nearly always by ten pairs of 400 tasks, and by means at least as a change of CPU time.
#[test]
fn a_change_is_found_and_pairs_find_more() {
    let mut found = [0; 2];
    for i in 0..40 {
        let (a, b) = (queues(i + 1, 0.5), queues(i + 1, 0.52));
        let mut other = b.clone();
        other.seed = a.seed + 1;
        for (c, found) in [compared(&a, &b), compared(&a, &other)]
            .iter()
            .zip(&mut found)
        {
            let mean = |(_, r): &(_, &pchsim::contrast::Row)| r.metric == Metric::MeanLatency;
            *found += c
                .rows()
                .filter(mean)
                .filter(|(_, r)| r.verdict == RowVerdict::Worse)
                .count();
        }
    }
    // Two cases each. The same random numbers stretch every service by 4%: seen in pairs, lost in the noise of means.
    assert!(found[0] >= 76 && found[1] <= 8, "{found:?}");
}

/// The number of replications that is advised tells what it says.
#[test]
fn the_advised_replications_tell() {
    let noisy = |latency| Made {
        latency,
        noise: 0.05,
        failing: 0.0,
        memory: 50.0,
        fate: Fate::Works,
    };
    let asked = |latency, seed| Asked {
        made: vec![noisy(latency)],
        kind: 0,
        objectives: vec![],
        metric: Some(Metric::MeanLatency),
        seed,
    };
    let (few, other) = (
        study(&asked(100.0, 1), false, 5),
        study(&asked(102.0, 2), false, 5),
    );
    let c = compared(&few, &other);
    let unclear = c
        .rows()
        .find(|(_, r)| r.metric == Metric::MeanLatency)
        .unwrap()
        .1;
    assert_eq!(unclear.verdict, RowVerdict::Unclear, "{unclear:?}");
    let needed = unclear.needed.unwrap();
    assert!((10..2000).contains(&needed), "{needed}");
    let told = (0..20).filter(|i| {
        let (a, b) = (
            study(&asked(100.0, 2 * i + 10), false, needed),
            study(
                &asked(
                    100.0 * (1.0 + unclear.change.unwrap().value().abs()),
                    2 * i + 11,
                ),
                false,
                needed,
            ),
        );
        let c = compared(&a, &b);
        c.rows()
            .any(|(_, r)| r.metric == Metric::MeanLatency && r.is_real())
    });
    // Four times in five: at least 10 of 20 (9 or fewer have a probability below 0.001).
    assert!(told.count() >= 10);
}

/// Three cases, of which one gets slower, one dies, and the best gets hardly better.
fn example() -> (Study, Study) {
    let with = |latency, fate| Made {
        latency,
        noise: 0.02,
        failing: 0.0,
        memory: 50.0,
        fate,
    };
    let asked = |made: Vec<Made>, seed| Asked {
        made,
        kind: 1,
        objectives: vec!["p95 < 170ms".into()],
        metric: None,
        seed,
    };
    let a = asked(
        vec![
            with(100.0, Fate::Works),
            with(150.0, Fate::Works),
            with(200.0, Fate::Works),
        ],
        1,
    );
    let b = asked(
        vec![
            with(100.3, Fate::Works),
            with(180.0, Fate::Works),
            with(200.0, Fate::Deadlock),
        ],
        1,
    );
    let (mut a, mut b) = (study(&a, true, 10), study(&b, true, 10));
    a.command = "pchsim run before.ron --seed 1".into();
    b.command = "pchsim run after.ron --seed 1".into();
    // Names of the user's that would be markup.
    b.scenario.name = "a|b <b>`*_".into();
    b.program.version = "9.9.9".into();
    a.program.version = "9.9.8".into();
    (a, b)
}

fn gated(c: &Contrast, of: &[&str]) -> Vec<(Gate, Vec<pchsim::contrast::Gated>)> {
    let gates: Vec<Gate> = of.iter().map(|g| Gate::parse(g).unwrap()).collect();
    let all = c.gated(&gates);
    gates.into_iter().zip(all).collect()
}

#[test]
fn golden_files_of_every_format() {
    let (a, b) = example();
    let mut c = compared_as(
        ("before.json", (&a).into()),
        ("it|s <new>.json", (&b).into()),
    );
    c.command = "pchsim compare before.json 'it|s <new>.json' --max-regression 'p95 5%'".into();
    let gates = gated(&c, &["p95 5%", "memory 1%"]);
    insta::assert_snapshot!("compare_text", text(&c, &gates, Style::default()));
    let narrow = Style {
        width: 80,
        unicode: false,
        verbose: true,
        notes: true,
    };
    insta::assert_snapshot!("compare_text_with_details_at_80", text(&c, &gates, narrow));
    insta::assert_snapshot!("compare_markdown", markdown(&c, &gates));
    let whole = pchsim::contrast::json(&c, &sentences(&c), &gates);
    let mut value: Value = serde_json::from_str(&whole).unwrap();
    // One case and one metric show all keys.
    let cases = value["points"][0]["cases"].as_array_mut().unwrap();
    cases.truncate(1);
    cases[0]["metrics"].as_array_mut().unwrap().truncate(1);
    value["program"]["version"] = "9.9.9".into();
    insta::assert_snapshot!("compare_json", format!("{value:#}"));
    // Keys stand in the documented order.
    let order = [
        "schema",
        "kind",
        "program",
        "command",
        "\"of\"",
        "\"a\"",
        "ranked_by",
        "comparisons",
        "says",
        "differs",
        "warnings",
        "points",
        "gates",
    ];
    let places: Vec<usize> = order.iter().map(|k| whole.find(k).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn what_is_false_does_not_hold() {
    let (a, b) = example();
    let c = compared(&a, &b);
    let place = |metric: Metric, verdict: RowVerdict| {
        let found = c
            .rows()
            .find(|(_, r)| r.metric == metric && r.verdict == verdict);
        found
            .unwrap_or_else(|| panic!("{metric:?} {verdict:?}\n{c:#?}"))
            .0
    };
    let p95 = Metric::Percentile(95.0);
    for wrong in [
        Said::Nothing,
        Said::NoneReal,
        Said::Most(place(p95, RowVerdict::Negligible)),
        Said::Most(place(p95, RowVerdict::Lost)),
        Said::Answer {
            point: 0,
            change: AnswerChange::Changed,
        },
        Said::Answer {
            point: 0,
            change: AnswerChange::Lost,
        },
        Said::Answer {
            point: 0,
            change: AnswerChange::None,
        },
        Said::Status { point: 0, case: 0 },
        Said::Unclear {
            metric: None,
            rows: 1,
            hardest: place(p95, RowVerdict::Worse),
            needed: None,
        },
        Said::Answers {
            changed: vec![0],
            of: 1,
        },
    ] {
        assert!(!wrong.holds(&c, (&a).into(), (&b).into()), "{wrong:?}");
    }
    // Nor does anything of other results.
    for s in c.said() {
        let of_rows = matches!(
            s,
            Said::Most(_) | Said::Status { .. } | Said::Objective { .. }
        );
        assert!(!of_rows || !s.holds(&c, (&b).into(), (&a).into()), "{s:?}");
    }
}

#[test]
fn cases_of_other_names_are_matched_where_it_is_plain_which_is_meant() {
    let (a, b) = example();
    let on = |mut s: Study, interpreter: &str| {
        s.forecasts
            .iter_mut()
            .for_each(|f| f.interpreter = interpreter.into());
        s
    };
    let c = compared(
        &on(a.clone(), "cpython-3.13"),
        &on(b.clone(), "cpython-3.14"),
    );
    assert_eq!(c.points[0].cases.len(), 3);
    assert_eq!(
        c.points[0].cases[0].name(),
        "threads:1 on cpython-3.13 / threads:1 on cpython-3.14"
    );
    let only = |s: &Study, i: usize| Study {
        forecasts: vec![s.forecasts[i].clone()],
        ..s.clone()
    };
    let c = compared(&only(&a, 0), &only(&b, 1));
    assert_eq!(
        c.points[0].cases[0].name(),
        "threads:1 on default / threads:2 on default"
    );
    // Two against one have no name in common: listed, and said.
    let two = Study {
        forecasts: a.forecasts[1..].to_vec(),
        ..a.clone()
    };
    let c = compared(&two, &only(&b, 0));
    assert_eq!(
        (
            c.points[0].cases.len(),
            c.points[0].only_a.len(),
            c.points[0].only_b.len()
        ),
        (0, 2, 1)
    );
    assert!(
        c.warnings.iter().any(|w| w.contains("no case is in both")),
        "{:?}",
        c.warnings
    );
    let named: Vec<&Forecast> = c.points[0].cases.iter().map(|p| &p.a).collect();
    assert!(
        named.is_empty()
            && text(&c, &[], Style::default()).contains("Only in A: threads:2 on default")
    );
}

#[test]
fn sweeps_need_common_points() {
    let make = |label: &str, values: &[f64]| {
        let plan = grid(vec![numbers(&format!("machine.{label}"), label, values)]);
        sweep_of(&plan, Metric::Makespan, None, |_| {
            vec![(
                "asyncio".to_owned(),
                "cpython-3.14".to_owned(),
                Ok((1.0, 0.1)),
            )]
        })
    };
    let says = |a: &Sweep, b: &Sweep| {
        let (a, b) = (
            Side::new("a.jsonl", a.into()),
            Side::new("b.jsonl", b.into()),
        );
        contrast(&a, &b, &Wanted::default()).map_err(|e| e.to_string())
    };
    let (one, other) = (make("cores", &[1.0, 2.0]), make("cores", &[2.0, 4.0]));
    let c = says(&one, &other).unwrap();
    assert_eq!(
        (c.points.len(), c.points_only_a, c.points_only_b),
        (1, 1, 1)
    );
    assert_eq!(c.points[0].name(), "cores=2");
    let none = says(&one, &make("cores", &[8.0])).unwrap_err();
    assert_eq!(
        none,
        "a.jsonl and b.jsonl have no point in common: a.jsonl has cores=1,2, b.jsonl has cores=8"
    );
    let axis = says(&one, &make("speed", &[1.0, 2.0])).unwrap_err();
    assert!(
        axis.starts_with("a.jsonl varies cores over 2 values, b.jsonl does not"),
        "{axis}"
    );
    // An axis of one value is no axis.
    assert_eq!(says(&one, &make("speed", &[1.0])).unwrap_err(), axis);
    assert!(says(&make("cores", &[1.0]), &make("speed", &[1.0])).is_ok());
    let (a, b) = example();
    let mixed = contrast(
        &Side::new("a.json", (&a).into()),
        &Side::new("b.jsonl", (&one).into()),
        &Wanted::default(),
    );
    assert!(
        matches!(mixed, Err(ContrastError::Kinds { run, sweep }) if run == "a.json" && sweep == "b.jsonl")
    );
    let wanted = Wanted {
        interpreters: vec!["nobody".into()],
        ..Wanted::default()
    };
    let nothing = contrast(
        &Side::new("a.json", (&a).into()),
        &Side::new("b.json", (&b).into()),
        &wanted,
    );
    assert!(
        nothing
            .unwrap_err()
            .to_string()
            .contains("a case of nobody; they have threads:1 on default")
    );
}
