//! The engine by itself: in which order points are begun, how many are open at once, and how it ends.

use std::path::Path;
use std::sync::Mutex;

use pchsim::cpython::profile::Profile;
use pchsim::result::Study;
use pchsim::scenario::Scenario;
use pchsim::scenario::limits::MAX_CELLS;
use pchsim::strategy::{Outcome, SimError, SimInput, simulate};
use pchsim::study::sweep::{Advance, SweepBackend, prepare, run_sweep};
use pchsim::study::{Options, StudyError};
use pchsim::syntax::parse;

/// Points of so many tasks each.
struct Fake {
    tasks: Vec<u64>,
    seen: Mutex<Seen>,
    /// The sweep is stopped after so many points.
    stop_after: usize,
    /// This point's result cannot be kept.
    broken: Option<u64>,
}

#[derive(Default)]
struct Seen {
    loaded: Vec<u64>,
    finished: Vec<u64>,
    most_open: usize,
    advances: Vec<Advance>,
}

#[derive(Debug)]
struct Failed(String);

impl From<StudyError> for Failed {
    fn from(e: StudyError) -> Self {
        Self(e.to_string())
    }
}

impl SweepBackend for Fake {
    type Error = Failed;

    fn load(&self, point: u64) -> Result<(Scenario, Vec<Profile>), Failed> {
        let tasks = self.tasks[point as usize];
        let text = format!(
            "(schema: 1, name: \"x\", workload: (arrivals: Batch, tasks: [(name: \"t\", count: {tasks}, \
             steps: [Io(\"1ms\"), Cpu(Exponential(\"1ms\"))])]), strategies: [Sequential, Threads(workers: 3)], \
             interpreters: [\"default\"])"
        );
        let scenario = parse(&text, Path::new("x.ron"), &[])
            .map_err(|d| Failed(format!("point {point}: {}", d[0].message)))?;
        let mut seen = self.seen.lock().unwrap();
        seen.loaded.push(point);
        // The first time around points are only checked.
        let open = seen
            .loaded
            .len()
            .saturating_sub(self.tasks.len() + seen.finished.len());
        seen.most_open = seen.most_open.max(open);
        Ok((scenario, vec![Profile::default()]))
    }

    fn simulate(&self, input: &SimInput<'_>) -> Result<Outcome, SimError> {
        simulate(input)
    }

    fn finished(&self, point: u64, study: &Study) -> Result<(), Failed> {
        assert_eq!(study.forecasts.len(), 2);
        self.seen.lock().unwrap().finished.push(point);
        match self.broken {
            Some(broken) if broken == point => Err(Failed(format!("no room for point {point}"))),
            _ => Ok(()),
        }
    }

    fn advanced(&self, advance: Advance) {
        self.seen.lock().unwrap().advances.push(advance);
    }

    fn stopped(&self) -> bool {
        self.seen.lock().unwrap().finished.len() >= self.stop_after
    }
}

fn run(fake: &Fake, threads: usize) -> Result<(), Failed> {
    let options = Options {
        threads: Some(threads),
        ..Options::default()
    };
    let all: Vec<u64> = (0..fake.tasks.len() as u64).collect();
    let prepared = prepare(fake, &all, &options)?.expect("nobody stops it");
    run_sweep(fake, &prepared, &options)
}

fn points(tasks: &[u64]) -> Fake {
    Fake {
        tasks: tasks.into(),
        seen: Mutex::default(),
        stop_after: usize::MAX,
        broken: None,
    }
}

#[test]
fn long_points_go_first_and_few_are_open() {
    let tasks = [5, 40, 10, 80, 20, 5, 60, 30];
    for threads in [1, 2, 4] {
        let fake = points(&tasks);
        run(&fake, threads).unwrap();
        let seen = fake.seen.into_inner().unwrap();
        let mut finished = seen.finished.clone();
        assert!(seen.most_open <= threads, "{} of {threads}", seen.most_open);
        // By the number of tasks, then by number. What a thread has taken it may be late to begin, but only that:
        // whatever begins, fewer points than threads are due before it and not begun.
        let wanted = [3, 6, 1, 7, 4, 2, 0, 5];
        let begun = &seen.loaded[tasks.len()..];
        for (place, point) in begun.iter().enumerate() {
            let due = wanted.iter().position(|w| w == point).unwrap();
            let late = wanted[..due].iter().filter(|w| !begun[..place].contains(w));
            assert!(late.count() < threads, "{:?}", seen.loaded);
        }
        if threads == 1 {
            assert_eq!(finished, wanted);
        }
        finished.sort_unstable();
        assert_eq!(finished, [0, 1, 2, 3, 4, 5, 6, 7]);
        let last = seen
            .advances
            .iter()
            .max_by(|a, b| a.share.total_cmp(&b.share))
            .unwrap();
        assert_eq!((last.points, last.share), (8, 1.0));
    }
}

#[test]
fn a_stopped_sweep_begins_nothing_more() {
    let mut fake = points(&[10; 20]);
    fake.stop_after = 3;
    run(&fake, 1).unwrap();
    assert_eq!(fake.seen.into_inner().unwrap().finished.len(), 3);
}

#[test]
fn a_result_that_cannot_be_kept_ends_the_sweep() {
    let mut fake = points(&[10; 20]);
    fake.broken = Some(1);
    let Failed(why) = run(&fake, 1).unwrap_err();
    assert_eq!(why, "no room for point 1");
    assert_eq!(fake.seen.into_inner().unwrap().finished, [0, 1]);
}

#[test]
fn the_first_bad_point_is_told_before_anything_is_simulated() {
    let mut tasks = vec![10; 3_000];
    tasks[700] = 0;
    tasks[2_500] = 0;
    let fake = points(&tasks);
    let Failed(why) = run(&fake, 2).unwrap_err();
    assert!(why.starts_with("point 700:"), "{why}");
    assert!(fake.seen.into_inner().unwrap().finished.is_empty());
}

/// The same scenario of many strategies at every point; nothing is simulated.
struct Wide(Scenario);

impl SweepBackend for Wide {
    type Error = Failed;

    fn load(&self, _: u64) -> Result<(Scenario, Vec<Profile>), Failed> {
        Ok((self.0.clone(), vec![Profile::default()]))
    }

    fn simulate(&self, _: &SimInput<'_>) -> Result<Outcome, SimError> {
        Err(SimError::Unsupported("is only looked at".into()))
    }

    fn finished(&self, _: u64, _: &Study) -> Result<(), Failed> {
        Ok(())
    }

    fn advanced(&self, _: Advance) {}

    fn stopped(&self) -> bool {
        false
    }
}

#[test]
fn so_many_results_and_no_more() {
    const STRATEGIES: u64 = 500;
    let names: Vec<String> = (1..STRATEGIES)
        .map(|n| format!("\"threads:{n}\""))
        .collect();
    let text = format!(
        "(schema: 1, name: \"x\", workload: (arrivals: Batch, tasks: [(name: \"t\", steps: [Io(\"1ms\")])]), \
         strategies: [Sequential, {}], interpreters: [\"default\"])",
        names.join(", ")
    );
    let wide = Wide(parse(&text, Path::new("x.ron"), &[]).unwrap());
    let options = Options::default();
    let fits: Vec<u64> = (0..MAX_CELLS / STRATEGIES).collect();
    let prepared = prepare(&wide, &fits, &options).unwrap().unwrap();
    assert_eq!(prepared.len(), fits.len());
    let more: Vec<u64> = (0..=MAX_CELLS / STRATEGIES).collect();
    let Failed(why) = prepare(&wide, &more, &options).unwrap_err();
    assert_eq!(
        why,
        "the sweep has 1 000 500 results (the cases of 2001 points), more than the limit MAX_CELLS (1 000 000); take fewer values, or \
         compare fewer strategies"
    );
}
