//! Profiles against the measurements they come from, and the reference cells against a simulator that knows nothing.

use std::path::{Path, PathBuf};

use pchsim::cpython::profile::Tag;
use pchsim::engine::{Nanos, Total};
use pchsim::measure::{BatchSeries, Completions, Histogram};
use pchsim::profiles::{self, file};
use pchsim::scenario::Arrivals;
use pchsim::strategy::{CAUSES, Outcome, SimError, SimInput};
use pchsim::validate::{Reference, ValidateSettings, Validation, render, validate};

use crate::world::{pchsim, root};

/// The sets of measurements that shipped profiles are made from.
const SETS: [&str; 2] = ["tests/data/reference", "tests/data/reference-second"];

fn path_of(set: &str) -> PathBuf {
    root().join(set)
}

fn set(set: &str) -> Reference {
    Reference::read(&path_of(set)).expect("the measurements are readable")
}

fn data() -> PathBuf {
    path_of(SETS[0])
}

fn reference() -> Reference {
    set(SETS[0])
}

/// A simulator to which every task takes a millisecond, one after the other, in 20 MiB.
fn simple(input: &SimInput<'_>) -> Result<Outcome, SimError> {
    let tasks = match &input.workload.arrivals {
        Arrivals::Batch => input.workload.classes.iter().map(|c| c.count).sum(),
        Arrivals::Trace(tasks) => tasks.len() as u64,
        Arrivals::Open { count, .. }
        | Arrivals::Varying { count, .. }
        | Arrivals::Sessions { count, .. }
        | Arrivals::Closed { count, .. } => count.unwrap_or(0),
    };
    let latencies: Vec<Nanos> = (1..=tasks).map(Nanos::from_millis).collect();
    let nothing = || SimError::Unsupported("a cell without tasks".into());
    let end = *latencies.last().ok_or_else(nothing)?;
    Ok(Outcome {
        arrived: tasks,
        completed: tasks,
        failed: 0,
        timed_out: 0,
        rejected: 0,
        resent: 0,
        machine_time: Total::ZERO,
        unanswered: 0,
        machines: 1,
        attempts: 0,
        retries: 0,
        in_flight: 0,
        lost: 0,
        arrivals_end: None,
        half_arrived: None,
        window: Completions::from(Nanos::ZERO),
        makespan: end,
        serial: Total::ZERO,
        closed: end,
        latency: Histogram::new(),
        windows: None,
        class_latency: Vec::new(),
        series: BatchSeries::new(),
        latencies,
        causes: [Total::ZERO; CAUSES],
        children: [Total::ZERO; CAUSES],
        demand_excess: 0.0,
        demand_expected: 0.0,
        interval_excess: 0.0,
        interval_expected: 0.0,
        cpu: end.into(),
        core_busy: Vec::new(),
        end,
        gil_held: Total::ZERO,
        gil_contended: Total::ZERO,
        switches_voluntary: 0,
        switches_involuntary: 0,
        memory_peak: 20 << 20,
        devices: Vec::new(),
        memory_mean: 0.0,
        bytes_moved: 0,
        processes: 0,
        events: 1,
        calendar_events: 1,
        calendar_peak: 1,
        findings: Vec::new(),
    })
}

fn simply(reference: &Reference) -> Validation {
    validate(reference, &ValidateSettings::default(), &simple)
}

#[test]
fn shipped_profiles_are_the_derived_ones() {
    let sets = SETS.map(|path| (path, set(path)));
    for (release, shipped) in profiles::RELEASES.iter().zip(profiles::shipped()) {
        let made: Vec<_> = sets
            .iter()
            .filter_map(|(path, set)| {
                Some((
                    path,
                    pchsim::validate::of_set(release, set).expect("readable")?,
                ))
            })
            .collect();
        let [(path, expected)] = &made[..] else {
            panic!("{} is measured by {} of {SETS:?}", release.name, made.len())
        };
        assert_eq!(
            file::to_ron(&shipped),
            file::to_ron(expected),
            "profiles/{}.ron is stale: run `pchsim validate {path} --write-profiles profiles --force`",
            release.name
        );
        let defaults = shipped.tags.iter().filter(|t| **t == Tag::Default).count();
        assert!(
            defaults <= 12,
            "{}: {defaults} parameters are not known from measurements",
            release.name
        );
    }
}

/// What the texts say of the shipped profiles.
#[test]
fn shipped_profiles_are_what_they_are_said_to_be() {
    let shipped = profiles::shipped();
    let all: Vec<_> = shipped
        .iter()
        .map(|p| (&*p.name, &*p.version, p.minor, p.gil))
        .collect();
    assert_eq!(
        all,
        [
            ("cpython-3.14", "3.14.7", 14, true),
            ("cpython-3.14t", "3.14.7", 14, false),
            ("cpython-3.15", "3.15.2", 15, true),
            ("cpython-3.11", "3.11.7", 11, true),
        ]
    );
    let [base, free, next, old] = &shipped[..] else {
        unreachable!("just compared")
    };
    let factor = |p: &pchsim::cpython::profile::Profile| p.params.cpu_factor;
    assert_eq!((factor(base), factor(free), factor(old)), (1.0, 1.074, 1.6));
    assert!((1.0..1.1).contains(&factor(next)), "{}", factor(next));
    for p in &shipped {
        assert!(p.provenance.is_none(), "{} has a machine", p.name);
        assert!(p.origin.contains("PGO"), "{}: {}", p.name, p.origin);
        // From 3.14.1 on the fork server imports the main module once.
        assert_eq!(p.params.forkserver_preload_main > 0.5, p.minor >= 14);
        // Without one, or before, each child weighs what it imports: four fifths of a spawned one.
        let of_spawned = p.params.forkserver_bare_child_private / p.params.spawn_private;
        assert!((0.75..0.85).contains(&of_spawned), "{of_spawned}");
        assert!((0.0..=1.0).contains(&p.params.gil_requester_wins));
    }
}

#[test]
fn profiles_that_a_set_measured_are_written() {
    let written = |set: &str| {
        let dir = tempfile::tempdir().expect("a directory");
        let to = dir.path().to_str().expect("text");
        shell(
            &path_of(set),
            &["--only", "cpu16x40/sequential", "--write-profiles", to],
        )
        .code(0);
        let files = std::fs::read_dir(dir.path()).expect("there");
        let mut names: Vec<_> = files
            .map(|f| f.expect("a file").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    };
    // The first set's builds of 3.14 are no release, so go by their own names.
    assert_eq!(
        SETS.map(written),
        [
            vec!["cp314-ft.ron", "cp314-gil.ron", "cpython-3.11.ron"],
            vec!["cpython-3.14.ron", "cpython-3.14t.ron", "cpython-3.15.ron"]
        ]
    );
}

#[test]
fn derived_figures_are_plausible() {
    let reference = reference();
    let of = |id: &str| {
        reference.interpreters[id]
            .as_ref()
            .expect("measured")
            .profile
            .params
            .clone()
    };
    let (gil, ft, old) = (of("cp314-gil"), of("cp314-ft"), of("cp311-gil"));
    for p in [&gil, &ft, &old] {
        assert!((4e3..14e3).contains(&p.tpe_submit), "{}", p.tpe_submit);
        assert!((50e6..100e6).contains(&p.spawn_boot), "{}", p.spawn_boot);
        assert!(p.fork_boot < p.forkserver_child_boot && p.forkserver_child_boot < p.spawn_boot);
        assert!((18e6..30e6).contains(&p.base_rss), "{}", p.base_rss);
        assert!(
            p.fork_private < p.forkserver_child_private
                && p.forkserver_child_private < p.spawn_private
        );
    }
    assert!(ft.object_read_contended > 100.0 && gil.object_read_contended == 0.0);
    assert!(ft.thread_rss > 5.0 * gil.thread_rss);
    assert!(old.interp_create == 0.0 && gil.interp_create > 1e7);
    assert!(old.tpe_token_every_item > 0.5 && gil.tpe_token_every_item < 0.5);
}

#[test]
fn a_sequential_process_is_as_large_as_it_was_measured_to_be() {
    let reference = reference();
    for cell in reference
        .cells
        .iter()
        .flatten()
        .filter(|c| c.config.strategy == "sequential")
    {
        let prepared = reference.prepare(cell).expect("preparable");
        let measured = cell.peak_pss_mb.expect("measured") * 1024.0 * 1024.0;
        let error = (prepared.profile.params.base_rss / measured - 1.0).abs();
        assert!(error < 0.05, "{} {}: {error}", cell.name, cell.interpreter);
    }
}

#[test]
fn every_cell_of_the_reference_is_understood() {
    let result = simply(&reference());
    assert_eq!((result.cells.len(), result.skipped.len()), (99, 0));
    assert!(result.ranking.len() > 10);
    let cell = &result.cells[0];
    assert_eq!(
        (
            cell.name.as_str(),
            cell.workload.as_str(),
            cell.strategy.as_str()
        ),
        ("cpu16x40/sequential", "cpu16x40", "sequential")
    );
    // 16 tasks of a millisecond: the median is element round(7.5) = 8, half to even.
    let [makespan, p50, _, memory] = cell.metrics.map(|m| m.expect("measured"));
    assert!((makespan.forecast - 0.016).abs() < 1e-12 && (p50.forecast - 0.009).abs() < 1e-12);
    assert!((memory.measured / 1_048_576.0 - 20.3486).abs() < 1e-3);
}

#[test]
fn cells_are_prepared_as_the_program_ran_them() {
    let reference = reference();
    let prepared = |name: &str, id: &str| {
        let cell = reference
            .cells
            .iter()
            .flatten()
            .find(|c| c.name == name && c.interpreter == id)
            .expect("a cell");
        (
            reference.prepare(cell).expect("preparable"),
            cell.slowness(),
        )
    };
    let (pinned, slowness) = prepared("cpu8x40-1core/threads-4", "cp314-ft");
    assert_eq!(
        (pinned.machine.cores.len(), pinned.machine.visible_cpus),
        (1, 1)
    );
    assert!((pinned.profile.params.cpu_factor - 1.07).abs() < 1e-12);
    assert!((pinned.profile.slowness - slowness).abs() < 1e-12 && slowness > 1.2);
    let (open, _) = prepared("open60/aio", "cp314-gil");
    let Arrivals::Trace(tasks) = &open.workload.arrivals else {
        panic!("the trace is replayed")
    };
    assert_eq!(
        (tasks.len(), tasks[0].at, &tasks[0].demands),
        (
            400,
            Nanos(6_521_914),
            &vec![Nanos(3_270_369), Nanos(5_000_000)]
        )
    );
    assert_eq!(open.machine.cores.len(), 2);
}

#[test]
fn json_has_the_promised_shape() {
    let text = render::json(&simply(&reference()));
    let v: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(v["schema"], 1);
    let keys = |v: &serde_json::Value| {
        v.as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let sorted = |list: &[&str]| {
        let mut list: Vec<_> = list.iter().map(|s| (*s).to_owned()).collect();
        list.sort();
        list
    };
    let mut top = keys(&v);
    top.sort();
    assert_eq!(top, sorted(&["schema", "cells", "summary"]));
    let mut cell = keys(&v["cells"][0]);
    cell.sort();
    assert_eq!(
        cell,
        sorted(&["name", "interpreter", "makespan", "p50", "p99", "memory"])
    );
    for metric in ["makespan", "p50", "p99", "memory"] {
        let mut held = keys(&v["cells"][0][metric]);
        held.sort();
        assert_eq!(held, sorted(&["measured", "forecast", "error", "relative"]));
        let mut errors = keys(&v["summary"][metric]);
        errors.sort();
        assert_eq!(errors, sorted(&["median", "p90", "worst"]));
    }
    assert!(v["summary"]["ranking"]["right"].is_u64() && v["summary"]["ranking"]["of"].is_u64());
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let reference = reference();
    let on = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .expect("a pool");
        pool.install(|| render::json(&simply(&reference)))
    };
    assert_eq!(on(1), on(4));
}

/// A directory of other cells on another interpreter, most of them odd.
fn odd(cells: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let micro = std::fs::read_to_string(data().join("micro-cp314-gil.json")).expect("there");
    std::fs::write(dir.path().join("micro-other.json"), micro).expect("writable");
    std::fs::write(dir.path().join("measured.json"), cells).expect("writable");
    dir
}

fn row(name: &str, interpreter: &str, config: &str) -> String {
    let run = r#"{"makespan_s": 0.01, "latency_s": {"p50": 0.005, "p99": 0.01}}"#;
    format!(
        r#"{{"name": "{name}", "interpreter": "{interpreter}", "config": {config}, "runs": [{run}]}}"#
    )
}

#[test]
fn unseen_interpreters_and_cells_are_accepted_and_bad_ones_named() {
    let rows = [
        row(
            "a/1",
            "other",
            r#"{"workload": "uniform", "strategy": "aio_interpreters", "workers": 3, "concurrency": 2, "n": 5, "cpu_ms": 1, "io2_ms": 3, "seed": 9}"#,
        ),
        row(
            "a/2",
            "other",
            r#"{"workload": "agents", "strategy": "processes", "workers": null, "n": 5, "rounds": 2, "reason_ms": 1, "share_ms": 0, "fetch_ms": 2, "parse_ms": 1}"#,
        ),
        row(
            "b/1",
            "other",
            r#"{"workload": "open", "strategy": "raw_threads", "n": 5, "rate": 9.5, "io_ms": 1, "cpu_ms": 1, "io2_ms": 3, "pin": 7}"#,
        ),
        row(
            "b/2",
            "other",
            r#"{"workload": "convoy", "strategy": "aio_processes", "workers": 1, "start": "fork", "n": 0, "hogs": 1, "hog_ms": 3, "rounds": 2, "io_ms": 1, "cpu_ms": 1, "cpu_cost": 1.3}"#,
        ),
        row(
            "c/1",
            "nobody",
            r#"{"workload": "uniform", "strategy": "aio", "n": 5, "cpu_ms": 1}"#,
        ),
        row(
            "c/2",
            "other",
            r#"{"workload": "uniform", "strategy": "fibres", "n": 5, "cpu_ms": 1}"#,
        ),
        row(
            "c/3",
            "other",
            r#"{"workload": "uniform", "strategy": "threads", "n": 5, "cpu_ms": 1}"#,
        ),
        row(
            "c/4",
            "other",
            r#"{"workload": "uniform", "strategy": "aio", "n": "five"}"#,
        ),
        r#"{"name": "c/5", "interpreter": "other"}"#.to_owned(),
        "17".to_owned(),
    ];
    let dir = odd(&format!(r#"{{"cells": [{}]}}"#, rows.join(", ")));
    let result = simply(&Reference::read(dir.path()).expect("readable"));
    assert_eq!(
        result
            .cells
            .iter()
            .map(|c| c.name.as_str())
            .collect::<Vec<_>>(),
        ["a/1", "a/2", "b/1", "b/2"]
    );
    assert!(
        result.cells.iter().all(|c| c.metrics[3].is_none()),
        "memory was not measured"
    );
    let reasons: Vec<_> = result
        .skipped
        .iter()
        .map(|s| (s.name.as_str(), s.reason.as_str()))
        .collect();
    let expect = [
        ("c/1", "no microbenchmarks"),
        ("c/2", "unknown strategy `fibres`"),
        ("c/3", "needs `workers`"),
        ("c/4", "config.n"),
        ("c/5", "missing field"),
        ("cell 9", "invalid type"),
    ];
    assert_eq!(reasons.len(), expect.len(), "{reasons:?}");
    for ((name, reason), (expected, why)) in reasons.iter().zip(expect) {
        assert!(
            *name == expected && reason.contains(why),
            "{name}: {reason}"
        );
    }
    let json = render::json(&result);
    assert!(json.contains("\"skipped\"") && json.contains("\"memory\": null"));
}

#[test]
fn a_missing_directory_is_an_error_with_its_path() {
    let e = Reference::read(Path::new("no/such/place"))
        .expect_err("nothing there")
        .to_string();
    assert!(
        e.contains("no/such/place") && e.contains("measured.json"),
        "{e}"
    );
    let dir = odd("{}");
    assert!(
        Reference::read(dir.path())
            .expect_err("no cells")
            .to_string()
            .contains("no list of cells")
    );
}

/// `pchsim validate` as a shell sees it, on a few cells of the reference and one replication of each.
fn shell(dir: &Path, more: &[&str]) -> assert_cmd::assert::Assert {
    pchsim()
        .arg("validate")
        .arg(dir)
        .args(["--replications", "1"])
        .args(more)
        .assert()
}

#[test]
fn strict_fails_where_a_limit_is_exceeded_and_names_the_cells() {
    let few = ["--only", "cpu16x40/threads", "--strict", "--limits"];
    let with = |limits: &str, more: &[&str]| shell(&data(), &[&few[..], &[limits], more].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let wide = "makespan=50/50/50,p99=50/50/50,memory=50/50/50,ranking=1";
    let run = with(wide, &[]).code(0);
    assert_eq!(text(&run.get_output().stderr), "");

    let run = with(
        &format!("{wide},memory=0/0.1/50").replacen("memory=50/50/50,", "", 1),
        &[],
    )
    .code(4);
    let (out, err) = (
        text(&run.get_output().stdout),
        text(&run.get_output().stderr),
    );
    assert!(
        out.contains("best strategy named rightly"),
        "the report comes first: {out}"
    );
    assert!(
        err.starts_with("error: ")
            && err.contains("memory: the median error is ")
            && err.contains("memory: the 90th percentile error is ")
            && err.contains("points above the limit of 0.10%")
            && err.contains("cpu16x40/threads-")
            && !err.contains("makespan:"),
        "{err}"
    );
    // Without --strict the same figures are no failure.
    shell(
        &data(),
        &["--only", "cpu16x40/threads", "--limits", "memory=0/0/0"],
    )
    .code(0);

    let run = with("memory=0/0/0,makespan=50/50/50", &["--format", "json"]).code(4);
    let v: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).expect("JSON");
    let limits = &v["summary"]["limits"];
    assert_eq!(limits["kept"], false);
    let of = |metric: &str| {
        limits["metrics"]
            .as_array()
            .and_then(|m| m.iter().find(|m| m["metric"] == metric))
            .expect(metric)
    };
    assert_eq!(
        (&of("makespan")["kept"], &of("memory")["kept"]),
        (&true.into(), &false.into())
    );
    assert_eq!(of("makespan")["limit_p90"], 0.5);
    assert_eq!(of("memory")["worst"], v["summary"]["memory"]["worst"]);
    assert_eq!(limits["ranking"]["limit_wrong"], 0);
}

#[test]
fn strict_fails_where_a_cell_is_left_out() {
    let rows = [
        row(
            "a/1",
            "other",
            r#"{"workload": "uniform", "strategy": "sequential", "n": 2, "cpu_ms": 5}"#,
        ),
        row(
            "a/2",
            "other",
            r#"{"workload": "uniform", "strategy": "fibres", "n": 2, "cpu_ms": 5}"#,
        ),
    ];
    let dir = odd(&format!(r#"{{"cells": [{}]}}"#, rows.join(", ")));
    shell(dir.path(), &[]).code(0);
    shell(dir.path(), &["--strict"])
        .code(4)
        .stderr(predicates::str::contains(
            "1 of 2 cells could not be forecast",
        ));
}

#[test]
fn limits_that_say_nothing_are_refused() {
    for (limits, says) in [
        ("speed=1/2/3", "makespan, p50, p99, memory"),
        ("makespan=5", "three percentages"),
        ("makespan=9/5/1", "comes first"),
    ] {
        shell(&data(), &["--strict", "--limits", limits])
            .code(2)
            .stdout("")
            .stderr(predicates::str::contains(says));
    }
}

/// The cells of the second machine are understood as those of the first.
#[test]
fn every_cell_of_the_second_machine_is_understood() {
    let result = simply(&set(SETS[1]));
    assert_eq!((result.cells.len(), result.skipped.len()), (96, 0));
    assert_eq!(result.ranking.len(), 17);
}
