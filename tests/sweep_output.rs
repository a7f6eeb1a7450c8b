//! What sweeps say: the lines of their files, read back without loss, and golden files of everything that is made of them.

mod fake;

use pchsim::cpython::profile::Profile;
use pchsim::engine::Nanos;
use pchsim::report::document::{MachineFacts, ScenarioName, SweepDocument};
use pchsim::report::sweep::{self, SweepFacts};
use pchsim::scenario::{Dist, Strategy, StrategyCase, Workers};
use pchsim::study::sweep::{Axis, AxisValue, Plan};
use pchsim::study::{Options, Quantity, Study, run_study};

fn axis(
    path: &str,
    label: &str,
    values: &[(&str, Option<f64>)],
    unit: Option<&'static str>,
) -> Axis {
    Axis {
        path: path.into(),
        label: label.into(),
        values: values
            .iter()
            .map(|&(text, number)| AxisValue {
                text: text.into(),
                number,
            })
            .collect(),
        unit,
    }
}

fn facts(plan: &Plan, ranked_by: &str) -> SweepFacts {
    SweepFacts {
        command: "pchsim sweep fake --seed 1".into(),
        version: "0.1.0".into(),
        scenario: ScenarioName {
            name: "fake".into(),
            question: "How long does it take?".into(),
            hash: "0123456789abcdef".into(),
        },
        machine: MachineFacts {
            cores: vec![1.0; 4],
            memory_limit_bytes: None,
        },
        seed: 1,
        plan_hash: "fedcba9876543210".into(),
        plan: plan.clone(),
        ranked_by: ranked_by.into(),
        precision: 0.02,
    }
}

/// A batch served by as many servers as the point has workers.
fn study(workers: u32) -> Study {
    let mut scenario = fake::scenario(fake::batch(200, Dist::Exponential(Nanos::from_millis(10))));
    scenario.strategies = [
        Strategy::Sequential,
        Strategy::Threads(Workers::Exactly(workers)),
    ]
    .map(|strategy| StrategyCase {
        strategy,
        interpreter: None,
    })
    .into();
    let profiles = [Profile::default()];
    run_study(
        &scenario,
        &profiles,
        &Options::default(),
        fake::simulate,
        &|_| {},
    )
    .unwrap()
}

#[test]
fn rows_are_read_back_without_loss() {
    let plan = Plan {
        axes: vec![axis(
            "strategy.workers",
            "workers",
            &[("1", Some(1.0)), ("2", Some(2.0)), ("4", Some(4.0))],
            None,
        )],
        zip: false,
    };
    let facts = facts(&plan, "makespan");
    let studies: Vec<Study> = [1, 2, 4].map(study).into();
    let lines: String = (0..)
        .zip(&studies)
        .map(|(n, s)| sweep::point_lines(&plan, &plan.point(n), s))
        .collect();
    let read: SweepDocument = sweep::document(&sweep::header_line(&facts), &lines).unwrap();
    assert_eq!(read.header.plan, facts.plan_hash);
    assert_eq!(read.header.points, 3);
    assert_eq!(read.rows.len(), 6);
    let mut rows = read.rows.iter();
    for (point, study) in (0..).zip(&studies) {
        for f in &study.forecasts {
            let row = rows.next().unwrap();
            assert_eq!((row.point, row.index[0] as u64), (point, point));
            assert_eq!(row.case.strategy, f.strategy_label);
            assert_eq!(row.case.rank, f.rank);
            for q in Quantity::ALL {
                let (read, made) = (row.case.get(q), f.get(q));
                assert_eq!(read.map(|e| e.mean), made.map(|e| e.mean), "{q:?}");
                assert_eq!(read.and_then(|e| e.low), made.map(|e| e.low()), "{q:?}");
                assert_eq!(read.and_then(|e| e.high), made.map(|e| e.high()), "{q:?}");
            }
            assert_eq!(
                row.case.primary().map(|e| e.mean),
                f.primary.map(|e| e.mean)
            );
        }
    }
}
