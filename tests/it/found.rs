//! What reports of users found, each kind with the smallest scenario that shows it (tests/data/findings), from the text of the
//! scenario to the forecast.

use std::path::Path;

use pchsim::layout::Style;
use pchsim::profiles;
use pchsim::quantity::Quantity;
use pchsim::report;
use pchsim::result::{Status, Study};
use pchsim::strategy::{Cause, simulate};
use pchsim::study::{Options, Warning, judged, run_study};
use pchsim::syntax::Changes;

use crate::world::root;

/// The study of a scenario in tests/data/findings with changes, as `run` makes it.
fn study_with(name: &str, changes: &Changes, options: &Options) -> Study {
    judged_with(name, changes, options).0
}

/// The same with what is said of it, as data.
fn judged_with(name: &str, changes: &Changes, options: &Options) -> (Study, Vec<Warning>) {
    let path = root()
        .join("tests/data/findings")
        .join(name)
        .with_extension("ron");
    let text = std::fs::read_to_string(&path).unwrap();
    let scenario = changes.parse(&text, &path).unwrap().scenario;
    let profiles: Vec<_> = scenario
        .interpreters
        .iter()
        .map(|i| profiles::find(i).unwrap())
        .collect();
    let study = run_study(&scenario, &profiles, options, simulate, &|_| {}).unwrap();
    let warnings = judged(&study, &scenario, &profiles, options);
    (study, warnings)
}

fn study(name: &str) -> Study {
    study_with(name, &Changes::default(), &Options::default())
}

/// A mean by name of the strategy.
fn mean(study: &Study, strategy: &str, quantity: Quantity) -> f64 {
    let forecast = study.forecasts.iter().find(|f| f.strategy == strategy);
    forecast.unwrap().get(quantity).unwrap().mean
}

#[test]
fn sequential_code_dispatches_too() {
    let study = study("dispatch");
    assert_eq!(study.forecasts.len(), 4);
    for f in &study.forecasts {
        let makespan = mean(&study, &f.strategy, Quantity::Makespan);
        assert!((makespan - 2.1).abs() < 0.01, "{}: {makespan}", f.strategy);
    }
}

/// Any profile in place of the scenario's own: every strategy is compared, on that.
#[test]
fn an_interpreter_of_ones_own_runs_every_strategy() {
    let scraper = pchsim::syntax::embedded::find("scraper").unwrap().text;
    let changes = Changes {
        interpreters: vec!["cpython-3.11".into()],
        ..Changes::default()
    };
    let scenario = changes
        .parse(scraper, Path::new("scraper.ron"))
        .unwrap()
        .scenario;
    let profile = profiles::find("cpython-3.11").unwrap();
    let cases = pchsim::study::cases(&scenario, &[profile]).unwrap();
    let own = pchsim::syntax::parse(scraper, Path::new("scraper.ron"), &[]).unwrap();
    assert_eq!(cases.len(), own.strategies.len());
}

#[test]
fn throughput_does_not_depend_on_the_warm_up() {
    let with = |warmup: &str| {
        let changes = Changes {
            set: vec![("warmup".into(), warmup.into())],
            ..Changes::default()
        };
        let study = study_with("closed-throughput", &changes, &Options::default());
        mean(&study, "asyncio", Quantity::Throughput)
    };
    let found = mean(&study("closed-throughput"), "asyncio", Quantity::Throughput);
    for rate in ["0s", "4s", "8s", "12s"].map(with).iter().chain([&found]) {
        assert!((rate - 1.0 / 0.175).abs() < 0.01, "{rate}");
    }
}

#[test]
fn a_convoy_is_said_and_costed() {
    let (study, warnings) = judged_with("convoy", &Changes::default(), &Options::default());
    let convoys: Vec<_> = warnings
        .iter()
        .filter_map(|w| match w {
            Warning::Convoy { cases, .. } => Some(cases),
            _ => None,
        })
        .flatten()
        .collect();
    // Not under processes, where nobody has the GIL that the client wants.
    let [convoy] = convoys.as_slice() else {
        panic!("{:?}", study.warnings)
    };
    assert_eq!(
        (&*convoy.case, &*convoy.task),
        ("threads:per-task on cpython-3.14", "client")
    );
    assert!((1_990..=2_000).contains(&convoy.times), "{convoy:?}");
    assert!(
        (5.0..5.3).contains(&(convoy.each.as_secs_f64() * 1e3)),
        "{convoy:?}"
    );
    assert!(convoy.share > 0.98, "{convoy:?}");
    // It is a fact about the workload: the forecast is fine, and has all its replications.
    let threads = &study.forecasts.iter().find(|f| f.name() == convoy.case);
    let threads = threads.unwrap();
    assert_eq!(threads.status, Status::Fine);
    assert!(threads.replications >= 3);
}

/// Threads that compute for longer than an interval each time take turns; so do those that never wait for anything.
#[test]
fn a_busy_gil_is_no_convoy() {
    for name in ["scraper", "sum_of_squares", "images"] {
        let shipped = pchsim::syntax::embedded::find(name).unwrap();
        let changes = Changes {
            interpreters: vec!["cpython-3.14".into()],
            strategies: vec!["threads:32".into()],
            ..Changes::default()
        };
        let scenario = changes
            .parse(shipped.text, Path::new(name))
            .unwrap()
            .scenario;
        let profile = profiles::find("cpython-3.14").unwrap();
        let options = Options {
            replications: Some(2),
            ..Options::default()
        };
        let study = run_study(&scenario, &[profile], &options, simulate, &|_| {}).unwrap();
        let convoy = study.warnings.iter().find(|w| w.code == "convoy");
        assert!(convoy.is_none(), "{name}: {convoy:?}");
    }
}

#[test]
fn children_that_share_a_worker_are_said_and_their_time_is_explained() {
    let (study, warnings) = judged_with("fan-out", &Changes::default(), &Options::default());
    let serial: Vec<_> = warnings
        .iter()
        .filter_map(|w| match w {
            Warning::SerialChildren { strategies } => Some(strategies.clone()),
            _ => None,
        })
        .collect();
    let said: Vec<&str> = serial.iter().flatten().map(String::as_str).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.contains(&"processes:8:fork") && said.contains(&"interpreters:8"));
    // The terminal, the Markdown and what is read back from JSON tell the same.
    let text = report::text(&study, Style::default());
    let markdown = report::markdown(&[(&study).into()], None);
    for (words, sentence) in [
        ("% children (", "waiting for children ("),
        ("worker", "worker"),
    ] {
        assert!(
            text.contains(words) && markdown.contains(sentence),
            "{text}\n{markdown}"
        );
    }
    let offloaded = study
        .forecasts
        .iter()
        .find(|f| f.strategy == "asyncio+processes:8:fork")
        .unwrap();
    let children = offloaded.children.unwrap();
    assert!((children.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    // Ten rounds of eight: they run for a tenth of the time and wait for a worker before that.
    assert!(children[Cause::Pool as usize] > 0.5 && children[Cause::Running as usize] > 0.1);
}

/// Times by cause add up beyond the 584 years of the clock: shares stay what they are.
#[test]
fn waits_of_many_years_add_up() {
    let study = study("long-waits");
    assert_eq!(study.forecasts.len(), 4);
    for f in &study.forecasts {
        assert_eq!(f.status, Status::Fine, "{}", f.strategy);
        // One at a time: of 5050 times a task's own, the hundred that it takes are spent in it. Two at a time: of 2550.
        let all = if f.strategy == "threads:2" {
            2550.0
        } else {
            5050.0
        };
        let io = f.causes[Cause::Io as usize];
        assert!((io - 100.0 / all).abs() < 1e-3, "{}: {io}", f.strategy);
    }
}

/// What takes longer than the clock can tell has no numbers, and says why; it neither panics nor counts on from zero.
#[test]
fn a_run_beyond_the_clock_is_no_forecast() {
    let study = study("clock-end");
    assert_eq!(study.forecasts.len(), 4);
    for f in &study.forecasts {
        assert_eq!(f.status, Status::ClockEnd, "{}", f.strategy);
        assert!(f.primary().is_none(), "{}", f.strategy);
    }
    let said = study.warnings.iter().find(|w| w.code == "clock-end");
    let said = said.expect("a warning");
    assert!(
        !said.note && said.text.contains("584 years"),
        "{}",
        said.text
    );
}

/// A study of code that gives the GIL up often, on an interpreter of which it was measured what waking a waiter costs, with these steps
/// instead of its own.
fn releasing(steps: Option<&str>) -> (Study, Vec<Warning>) {
    let steps = steps.map(|s| ("workload.tasks.page.steps".into(), s.into()));
    let calibrated = "tests/data/reference-second/released/cpython-3.14.10.ron";
    let calibrated = root().join(calibrated);
    let changes = Changes {
        set: steps.into_iter().collect(),
        interpreters: vec![calibrated.to_str().unwrap().into()],
        ..Changes::default()
    };
    judged_with("releases", &changes, &Options::default())
}

/// Code that gives the GIL up often makes threads fight for it; that is said with what it costs, and a lock round it helps.
#[test]
fn a_fight_for_the_gil_is_said_and_costed() {
    let (locked, of_locked) = releasing(None);
    let (free, of_free) = releasing(Some(
        "[Cpu(time: \"15ms\", releases: 4_800), Lock(\"parser\", [Cpu(\"0\")])]",
    ));
    let fought = |all: &[Warning]| {
        all.iter().find_map(|w| match w {
            Warning::FutileWakeups { cases, instead } => Some((cases.clone(), instead.clone())),
            _ => None,
        })
    };
    let (cases, instead) = fought(&of_free).unwrap();
    let case = (&*cases[0].case, &*cases[0].task);
    assert_eq!(case, ("threads:8 on cpython-3.14.10", "page"));
    // Thousands of releases of 96 000 wake somebody for nothing, and cost more CPU than the work itself.
    assert!(cases[0].cpu > 2.0 * cases[0].sequential, "{cases:?}");
    assert!((10_000..96_000).contains(&cases[0].times), "{cases:?}");
    assert_eq!(instead.as_deref(), Some("sequential on cpython-3.14.10"));
    assert!(of_free.iter().all(|w| w.holds(&free)));
    let slower = |s: &Study| {
        mean(s, "threads:8", Quantity::Makespan) / mean(s, "sequential", Quantity::Makespan)
    };
    assert!(slower(&free) > 1.1, "{}", slower(&free));
    // The advice, followed.
    assert_eq!(fought(&of_locked), None);
    assert!(slower(&locked) < 1.05, "{}", slower(&locked));
}

/// Code that is without the GIL most of the time, in moments too short to wake anybody in: two threads that could take turns without
/// meeting do meet, and nothing is gained (the rows of a database cursor).
#[test]
fn short_moments_without_the_gil_gain_nothing() {
    let (study, _) = releasing(Some(
        "[Cpu(time: \"15ms\", releases: 30_000, released: \"379ns\")]",
    ));
    let of = |case| mean(&study, case, Quantity::Makespan);
    assert!(of("threads:8") > 0.95 * of("sequential"));
    let take = study.answer().expect("an answer").take;
    assert_eq!(study.forecasts[take].strategy, "sequential");
}
