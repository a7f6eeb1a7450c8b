//! What sweeps say: the lines of their files, read back without loss, golden files of everything that is made of them, and what
//! stands out in curves of which the right answer is known.

mod claims;
mod golden;
mod insights;
mod made;

use pchsim::cpython::profile::Profile;
use pchsim::engine::Nanos;
use pchsim::quantity::Quantity;
use pchsim::report::sweep;
use pchsim::result::{Study, Sweep};
use pchsim::scenario::{Dist, Metric, Strategy, StrategyCase, Workers};
use pchsim::study::{Options, run_study};

use crate::fake;
use crate::world::{pchsim, words};
use made::{facts, grid, numbers};

/// A queue with as many servers as the point has workers; some are too few.
fn study(workers: u32) -> Study {
    let mut scenario = fake::scenario(fake::queue(100.0, 1.5, 2_000));
    scenario.strategies = [
        Strategy::Sequential,
        Strategy::Threads(Workers::Exactly(workers)),
    ]
    .map(|strategy| StrategyCase {
        strategy,
        interpreter: None,
    })
    .into();
    let options = Options {
        replications: Some(5),
        ..Options::default()
    };
    let profiles = [Profile::default()];
    run_study(&scenario, &profiles, &options, fake::simulate, &|_| {}).unwrap()
}

#[test]
fn rows_are_read_back_without_loss() {
    let axis = numbers("strategy.workers", "workers", &[1.0, 2.0, 4.0]);
    let plan = grid(vec![axis]);
    let facts = facts(&plan, "p95");
    let studies: Vec<Study> = [1, 2, 4].map(study).into();
    let lines: Vec<String> = (0..)
        .zip(&studies)
        .map(|(n, s)| sweep::point_lines(&plan, &plan.point(n), s))
        .collect();
    let header = sweep::header_line(&facts);
    let read: Sweep = sweep::document(&header, &lines.concat()).unwrap();
    assert_eq!(read.header.plan, facts.plan_hash);
    assert_eq!(read.header.points, 3);
    assert_eq!(read.rows.len(), 6);
    let mut rows = read.rows.iter();
    for (point, study) in (0..).zip(&studies) {
        for f in &study.forecasts {
            let row = rows.next().unwrap();
            assert_eq!((row.point, row.index[0] as u64), (point, point));
            assert_eq!(row.case.strategy, f.strategy);
            assert_eq!(row.case.rank, f.rank);
            for q in Quantity::ALL {
                let (read, made) = (row.case.get(q), f.get(q));
                assert_eq!(read.map(|e| e.mean), made.map(|e| e.mean), "{q:?}");
                assert_eq!(read.and_then(|e| e.low), made.map(|e| e.low()), "{q:?}");
                assert_eq!(read.and_then(|e| e.high), made.map(|e| e.high()), "{q:?}");
            }
            let primary = row.case.primary();
            assert_eq!(primary.map(|e| e.mean), f.primary().map(|e| e.mean));
        }
    }
    assert_eq!(studies[2].metric, Metric::Percentile(95.0));
    // The best while it runs is the best in the end.
    let as_it_runs = lines.iter().filter_map(|l| sweep::best_of_lines(&facts, l));
    let best = as_it_runs.reduce(|a, b| if b.is_better_than(&a) { b } else { a });
    assert_eq!(best, sweep::best(&read));
    let best = best.unwrap();
    assert_eq!(best.at, [("workers".to_owned(), "4".to_owned())]);
    assert!(
        best.text().starts_with("threads:4, workers 4: p95 "),
        "{}",
        best.text()
    );
}

#[test]
fn what_is_no_sweep_is_refused_by_line() {
    let plan = grid(vec![numbers("machine.cores", "cores", &[1.0])]);
    let header = sweep::header_line(&facts(&plan, "makespan"));
    let e = sweep::document(&header, "{\"point\":0}\n").unwrap_err();
    assert!(e.contains("line 2"), "{e}");
    assert!(sweep::document("{}\n", "").is_err());
    assert_eq!(sweep::document(&header, "").unwrap().rows, []);
}

#[test]
fn a_batch_is_served_too() {
    let batch = fake::batch(10, Dist::Constant(Nanos::from_millis(10)));
    let mut scenario = fake::scenario(batch);
    scenario.strategies = vec![StrategyCase {
        strategy: Strategy::Sequential,
        interpreter: None,
    }];
    let options = Options::default();
    let s = run_study(
        &scenario,
        &[Profile::default()],
        &options,
        fake::simulate,
        &|_| {},
    )
    .unwrap();
    let plan = grid(vec![numbers("machine.cores", "cores", &[4.0])]);
    let lines = sweep::point_lines(&plan, &plan.point(0), &s);
    let best = sweep::best_of_lines(&facts(&plan, "makespan"), &lines).unwrap();
    assert!((best.value.mean - 0.1).abs() < 1e-9);
}

/// What a sweep of the program itself says, in one line.
fn said(args: &[&str]) -> String {
    let output = pchsim().arg("sweep").args(args).output().unwrap();
    words(&String::from_utf8(output.stdout).unwrap())
}

#[test]
fn no_worker_is_advised_to_who_waits_for_none() {
    let file = "tests/data/findings/slow-endpoint.ron";
    let all = said(&[file, "--workers", "20,60,100", "--replications", "3"]);
    assert!(all.contains("50% better at 100 workers"), "{all}");
    assert!(!all.contains("may help"), "{all}");
    let some = said(&[file, "--workers", "10,20,40", "--replications", "3"]);
    let advice = "waiting for a worker at 40 workers: more may help.";
    assert!(some.contains(advice), "{some}");
}
