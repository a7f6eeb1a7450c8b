//! What sweeps say: the lines of their files, read back without loss, golden files of everything that is made of them, and what
//! stands out in curves of which the right answer is known.

mod claims;
mod golden;
mod insights;
pub(crate) mod made;

use pchsim::cpython::profile::Profile;
use pchsim::engine::Nanos;
use pchsim::insight;
use pchsim::result::{Study, Sweep, header_line, row_lines, sweep as read_sweep};
use pchsim::scenario::{Dist, Metric, Strategy, StrategyCase, Workers};
use pchsim::study::sweep::rows;
use pchsim::study::{Options, run_study};

use crate::fake;
use crate::world::{pchsim, words};
use made::{grid, header, numbers};

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
    let header = header(&plan, Metric::Percentile(95.0));
    let studies: Vec<Study> = [1, 2, 4].map(study).into();
    let lines: Vec<String> = (0..)
        .zip(&studies)
        .map(|(n, s)| row_lines(&rows(&header, &plan.point(n), s)))
        .collect();
    let read: Sweep = read_sweep(&header_line(&header), &lines.concat(), "it").unwrap();
    assert_eq!(read.header, header);
    assert_eq!(read.header.points, 3);
    assert_eq!(read.rows.len(), 6);
    let mut rows = read.rows.iter();
    for (point, study) in (0..).zip(&studies) {
        for f in &study.forecasts {
            let row = rows.next().unwrap();
            assert_eq!((row.point, row.index[0] as u64), (point, point));
            assert_eq!(row.case.strategy, f.strategy);
            assert_eq!(row.case.rank, f.rank);
            assert_eq!(row.case.values, f.values);
            let primary = row.case.primary();
            assert_eq!(primary, f.primary());
        }
    }
    assert_eq!(studies[2].metric, Metric::Percentile(95.0));
    // The best while it runs is the best in the end.
    let points = read.rows.chunk_by(|a, b| a.point == b.point);
    let as_it_runs = points.filter_map(|p| insight::best_of_point(&header, p));
    let best = as_it_runs.reduce(|a, b| if b.is_better_than(&a) { b } else { a });
    assert_eq!(best, insight::best(&read));
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
    let header = header_line(&header(&plan, Metric::Makespan));
    let e = read_sweep(&header, "{\"point\":0}\n", "it").unwrap_err();
    assert!(e.to_string().contains("it, line 2"), "{e}");
    assert!(read_sweep("{}\n", "", "it").is_err());
    assert_eq!(read_sweep(&header, "", "it").unwrap().rows, []);
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
    let header = header(&plan, Metric::Makespan);
    let rows = rows(&header, &plan.point(0), &s);
    let best = insight::best_of_point(&header, &rows).unwrap();
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
