//! What advice says of the choice: by every priority, where nothing does what is required, of other inputs, and once it is kept.

use std::fs;

use pchsim::Scenario;
use pchsim::advise::{Advice, Constraints, Depth, Interview, Priority};

use crate::advise::{advised, nowhere, said};

/// What would be taken by each priority does not depend on the one that was asked for, and what is recommended is what it says of that one.
#[test]
fn every_priority_knows_what_the_others_would_take() {
    for work in [
        &[
            "--workload",
            "hybrid",
            "--arrivals",
            "12",
            "--cpu",
            "3ms",
            "--wait",
            "30ms",
            "--cores",
            "2",
        ][..],
        &[
            "--workload",
            "cpu",
            "--arrivals",
            "40/s",
            "--cpu",
            "5ms",
            "--latency-ms",
            "60",
            "--cores",
            "2",
        ],
    ] {
        let mut interview = Interview::default();
        for pair in work.chunks(2) {
            interview
                .answer(pair[0].trim_start_matches("--"), pair[1])
                .unwrap();
        }
        let asked = interview.finish().unwrap();
        let names = ["cpython-3.14".to_owned(), "cpython-3.14t".to_owned()];
        let scenario = Scenario::parse(&asked.scenario(&names), &[]).unwrap();
        let mut said: Vec<Vec<pchsim::advise::ByPriority>> = Vec::new();
        for priority in Priority::ALL {
            let constraints = Constraints {
                priority: Some(priority),
                ..asked.constraints.clone()
            };
            let advice = advised(&scenario, constraints, Depth::Answer);
            let r = advice.recommendation.unwrap();
            let own = advice.priorities.iter().find(|p| p.priority == priority);
            let taken = format!("{} on {}", r.strategy, r.interpreter);
            assert_eq!(own.unwrap().strategy.as_ref(), Some(&taken), "{priority:?}");
            said.push(advice.priorities);
        }
        assert!(said.iter().all(|s| *s == said[0]), "{said:#?}");
    }
}

/// Requirements that exclude each other are both named, with what would be possible without each; the others show what they do all the same.
#[test]
fn what_cannot_be_met_together_is_told_apart() {
    let dir = nowhere();
    let asked = |args: &[&str]| {
        let args = [args, &["--quick", "--format", "json", "--cores", "2"]].concat();
        let (code, out, err) = said(dir.path(), &args, "");
        assert_eq!(code, 3, "{err}");
        serde_json::from_str::<Advice>(&out).unwrap()
    };
    let both = asked(&[
        "--workload",
        "cpu",
        "--arrivals",
        "20",
        "--state",
        "shared",
        "--isolation",
    ]);
    let binding = both.binding.as_ref().unwrap();
    assert!(
        binding.contains("isolation") && binding.contains("shared state"),
        "{binding}"
    );
    let requirements: Vec<&str> = both.unmet.iter().map(|u| u.requirement.as_str()).collect();
    assert_eq!(requirements, ["isolation", "shared state"]);
    let without = |i: usize| both.unmet[i].nearest.as_ref().unwrap().as_str();
    assert!(
        without(0).starts_with("threads:") && without(1).contains("processes:"),
        "{:?}",
        both.unmet
    );
    let nearest = both.nearest.as_ref().unwrap();
    let on = format!("{} on {}", nearest.strategy, nearest.interpreter);
    assert!(on == without(0) || on == without(1), "{on}");
    assert!(
        both.alternatives
            .iter()
            .all(|a| a.trade_off.contains("memory"))
    );

    // A task is longer by itself than it may take, and the least program is larger than all may be.
    let long = asked(&[
        "--workload",
        "hybrid",
        "--arrivals",
        "12",
        "--cpu",
        "5ms",
        "--wait",
        "20ms",
        "--latency-ms",
        "4",
        "--memory-mb",
        "3",
    ]);
    let requirements: Vec<&str> = long.unmet.iter().map(|u| u.requirement.as_str()).collect();
    assert_eq!(requirements, ["p95 < 4ms", "memory < 3MB"]);
    let alone = long.unmet[0].alone.unwrap().mean;
    assert!(
        (0.025..0.06).contains(&alone) && long.unmet[1].alone.is_none(),
        "{alone}"
    );
    assert!(long.unmet.iter().all(|u| !u.met && u.nearest.is_some()));
    let binding = long.binding.unwrap();
    assert!(
        binding.contains("p95 < 4ms")
            && binding.contains("memory < 3MB")
            && binding.contains("a shorter task"),
        "{binding}"
    );

    // By itself a task is short enough: it is the others that are in its way.
    let busy = asked(&[
        "--workload",
        "cpu",
        "--arrivals",
        "100",
        "--cpu",
        "10ms",
        "--latency-ms",
        "50",
    ]);
    assert!(
        busy.unmet.len() == 1 && busy.unmet[0].alone.is_none(),
        "{:?}",
        busy.unmet
    );
}

/// What becomes better with an input within half to double is what is recommended with it, and the other way round.
#[test]
fn conditions_and_wrong_inputs_say_the_same() {
    let dir = nowhere();
    for args in [
        &[
            "--workload",
            "cpu",
            "--arrivals",
            "12",
            "--cpu",
            "3ms",
            "--cores",
            "2",
        ][..],
        &[
            "--workload",
            "hybrid",
            "--arrivals",
            "12",
            "--cpu",
            "3ms",
            "--wait",
            "20ms",
            "--cores",
            "2",
        ],
    ] {
        let (code, out, err) = said(dir.path(), &[args, &["--format", "json"]].concat(), "");
        assert_eq!(code, 0, "{err}");
        let advice: Advice = serde_json::from_str(&out).unwrap();
        for a in &advice.alternatives {
            for w in a
                .wins
                .iter()
                .filter(|w| w.factor.is_some_and(|f| (0.5..=2.0).contains(&f)))
            {
                let side = |s: &&pchsim::advise::Sensitivity| {
                    Some(s.input) == w.input && (s.factor > 1.0) == (w.factor > Some(1.0))
                };
                let said = advice.sensitivity.iter().find(side).unwrap();
                let becomes = said.becomes.as_deref().unwrap_or_default();
                assert!(
                    said.changes && becomes.starts_with(&a.approach.called()),
                    "{w:?} {said:?}"
                );
            }
        }
        // One condition on an input belongs to one alternative.
        let mut conditions: Vec<&str> = advice
            .alternatives
            .iter()
            .flat_map(|a| &a.wins)
            .filter(|w| w.input.is_some())
            .map(|w| w.text.as_str())
            .collect();
        let all = conditions.len();
        conditions.sort_unstable();
        conditions.dedup();
        assert_eq!(conditions.len(), all, "{conditions:?}");
        assert!(!out.contains("1 core or fewer"));
    }
}

/// What is kept has what is recommended first among its strategies, and advice on it comes to the same, with the places that it says.
#[test]
fn what_is_kept_is_recommended_again() {
    let dir = nowhere();
    let agents = "(schema: 1, name: \"agents\", machine: (cores: 2), interpreters: [\"cpython-3.14\"],
          workload: (arrivals: Batch, tasks: [
            (name: \"thinker\", count: 40, steps: [Cpu(\"50ms\")]),
            (name: \"scout\", count: 400, steps: [Cpu(\"200us\"), Io(\"900ms\"), Cpu(\"200us\"), Io(\"100ms\"), Cpu(\"200us\")]),
          ]))";
    fs::write(dir.path().join("agents.ron"), agents).unwrap();
    let cpu = [
        "--workload",
        "cpu",
        "--arrivals",
        "40",
        "--cpu",
        "5ms",
        "--cores",
        "2",
        "--isolation",
    ];
    for (number, (args, again)) in [
        (&["agents.ron"][..], &[][..]),
        (&cpu[..], &["--isolation"][..]),
    ]
    .into_iter()
    .enumerate()
    {
        let file = format!("kept{number}.ron");
        let more = format!("again{number}.ron");
        let advice = |args: &[&str]| {
            let (code, out, err) = said(
                dir.path(),
                &[args, &["--quick", "--format", "json"]].concat(),
                "",
            );
            assert_eq!(code, 0, "{err}");
            serde_json::from_str::<Advice>(&out)
                .unwrap()
                .recommendation
                .unwrap()
        };
        let first = advice(&[args, &["--save", &file]].concat());
        let kept = fs::read_to_string(dir.path().join(&file)).unwrap();
        let scenario = Scenario::parse(&kept, &[]).unwrap();
        let strategy = pchsim::scenario::strategy_label(&scenario.strategies[0].strategy);
        assert_eq!(strategy, first.strategy, "{kept}");
        let second = advice(&[&[file.as_str()], again, &["--save", &more]].concat());
        assert_eq!(
            (&second.strategy, &second.placement, &second.calls),
            (&first.strategy, &first.placement, &first.calls)
        );
        assert_eq!(second.placement.is_empty(), number > 0);
        // Once more it is the same scenario, the places said once.
        let again =
            Scenario::parse(&fs::read_to_string(dir.path().join(&more)).unwrap(), &[]).unwrap();
        assert_eq!(again.workload, scenario.workload);
    }
}

/// Work of hours, or of a million tasks, takes no more events than any other: it is simulated in proportion, and that is said.
#[test]
fn large_work_is_simulated_in_proportion() {
    for (text, makespan) in [
        ("count: 3, steps: [Cpu(\"10h\")]", 36_000.0),
        ("count: 200000, steps: [Cpu(\"1ms\")]", 100.0),
    ] {
        let text = format!(
            "(schema: 1, name: \"large\", machine: (cores: 2), interpreters: [\"cpython-3.14\"],
              workload: (arrivals: Batch, tasks: [(name: \"t\", {text})]))"
        );
        let scenario = Scenario::parse(&text, &[]).unwrap();
        let advice = advised(&scenario, Constraints::default(), Depth::Answer);
        assert!(advice.effort.events < 40_000_000, "{:?}", advice.effort);
        let p = advice.proportion.as_ref().unwrap();
        assert!(
            p.tasks * p.times > 9.0 && p.text.starts_with("In proportion"),
            "{p:?}"
        );
        let r = advice.recommendation.unwrap();
        let m = r.makespan_s.unwrap().mean;
        assert!(m > 0.97 * makespan && m < 2.5 * makespan, "{m}");
    }
}

/// Costs are compared over the same arrivals and demands: what only computes is nowhere cheaper than in a single thread.
#[test]
fn costs_are_of_the_same_runs() {
    let dir = nowhere();
    let args = "--workload cpu --cpu 1ms --arrivals 20 --cores 2 --priority cost --quick --format json --defaults";
    let args: Vec<&str> = args.split(' ').collect();
    let (code, out, err) = said(dir.path(), &args, "");
    assert_eq!(code, 0, "{err}");
    let advice: Advice = serde_json::from_str(&out).unwrap();
    let cpu = |a: &pchsim::advise::Approach| a.cpu_s.unwrap();
    let (taken, single) = (
        advice.recommendation.unwrap().approach,
        advice.baseline.unwrap(),
    );
    assert_eq!(taken.strategy, "sequential");
    assert!(advice.alternatives.iter().all(|a| {
        let free = a.approach.interpreter.ends_with('t');
        free || cpu(&a.approach).mean > cpu(&single).mean
    }));
}

/// Of what is as good and as simple the program stays what it is.
#[test]
fn what_there_is_stays_where_it_is_as_good() {
    let dir = nowhere();
    for current in ["threads", "asyncio"] {
        let args = "--workload io --arrivals 20 --wait 500ms --cores 2 --free-threading no --quick --format json --defaults --current";
        let args: Vec<&str> = args.split(' ').chain([current]).collect();
        let (code, out, err) = said(dir.path(), &args, "");
        assert_eq!(code, 0, "{err}");
        let advice: Advice = serde_json::from_str(&out).unwrap();
        let taken = advice.recommendation.unwrap();
        assert!(taken.approach.strategy.starts_with(current), "{taken:?}");
    }
}

/// What fewer tasks meet is not said to be met by all; what a crash breaks is said; answers that exclude each other are refused.
#[test]
fn what_is_not_known_is_not_promised() {
    let dir = nowhere();
    let asked = |args: &str| said(dir.path(), &args.split(' ').collect::<Vec<_>>(), "");
    let (code, out, err) = asked(
        "--workload io --arrivals 60000 --wait 1s --cores 2 --free-threading no --memory-mb 900 --quick --defaults",
    );
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("Met as far as can be told: memory < 900MB") && !out.contains("Met: memory"),
        "{out}"
    );
    let (code, out, err) =
        asked("--workload cpu --arrivals 12 --cpu 200ms --cores 2 --isolation --quick --defaults");
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("BrokenProcessPool"), "{out}");
    let (code, _, err) =
        asked("--workload cpu --no-expensive-startup --startup-memory 300MB --defaults");
    assert_eq!(code, 2, "{err}");
    let (code, _, err) =
        asked("--workload cpu --python 3.15 --arrivals 12 --cpu 20ms --cores 2 --quick --defaults");
    assert!(
        code == 0 && err.contains("cpython-3.14t stands for the free-threaded build"),
        "{err}"
    );
}
