//! Sweeps as a user runs them: killed and resumed, interrupted, on any number of threads, and point by point what `run` says.

use pchsim::quantity::Quantity;
use pchsim::result::{Forecast, Saved, Sweep, read};
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};

use crate::world::{World, shell, told};

mod engine;

/// Some hundred tasks that wait, compute and queue: a point takes a moment, but no longer.
const SCENARIO: &str = r#"(
    schema: 1,
    name: "pages",
    machine: (cores: 2),
    interpreters: ["cpython-3.14"],
    workload: (
        arrivals: Poisson(rate: "40/s"),
        tasks: [(name: "page", steps: [Io(Exponential("20ms")), Cpu(Exponential("5ms"))])],
    ),
    strategies: [Threads(workers: 4), Asyncio()],
    horizon: "5s",
    warmup: "1s",
)"#;

/// A world with the scenario in it.
struct Place(World);

impl std::ops::Deref for Place {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl Place {
    fn new() -> Self {
        Self(World::with("pages.ron", SCENARIO))
    }

    /// Runs a command that must succeed; what it says on standard error.
    fn done(&self, line: &str) -> String {
        self.told(line, 0).err
    }

    /// Runs a command that must be refused with this code; the reason.
    fn refused(&self, line: &str, code: i32) -> String {
        self.told(line, code).err
    }

    fn sweep(&self, name: &str) -> Sweep {
        match read(&self.read(name), name).unwrap() {
            Saved::Sweep(s) => *s,
            Saved::Study(_) => panic!("{name} is a run"),
        }
    }

    /// Starts a sweep and waits until its journal holds so many points.
    fn start_until(&self, line: &str, journal: &str, points: usize) -> Child {
        let mut child = self.command(line);
        child.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let since = Instant::now();
        while finished(&self.path(journal)) < points {
            assert!(child.try_wait().unwrap().is_none(), "ended too early");
            assert!(since.elapsed() < Duration::from_secs(60), "no points");
            std::thread::sleep(Duration::from_millis(2));
        }
        child
    }
}

/// Points that a journal holds whole.
fn finished(journal: &Path) -> usize {
    fs::read_to_string(journal).map_or(0, |text| {
        text.split_inclusive('\n')
            .filter(|l| l.starts_with("{\"finished\":") && l.ends_with('\n'))
            .count()
    })
}

/// A sweep that is long enough to be killed within.
const LONG: &str = "sweep pages.ron --cores 1..12 --replications 40";

#[test]
fn a_killed_sweep_goes_on_to_the_same_bytes() {
    let place = Place::new();
    place.done(&format!("{LONG} -q -o whole.jsonl --threads 1"));
    let line = format!("{LONG} -q -o killed.jsonl");
    let mut child = place.start_until(&format!("{line} --threads 2"), "killed.jsonl.journal", 2);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.path("killed.jsonl").exists());
    let kept = finished(&place.path("killed.jsonl.journal"));
    assert!((2..12).contains(&kept));
    // What was being written when the program died.
    let mut torn = place.bytes("killed.jsonl.journal");
    torn.extend(b"{\"point\":11,\"ind");
    fs::write(place.path("killed.jsonl.journal"), torn).unwrap();
    let said = place.done(&format!("{LONG} -o killed.jsonl --resume --threads 3"));
    assert!(
        said.contains(&format!("{kept} finished points are taken from")),
        "{said}"
    );
    assert_eq!(place.bytes("killed.jsonl"), place.bytes("whole.jsonl"));
    assert!(!place.path("killed.jsonl.journal").exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_sweep_says_how_to_go_on() {
    let place = Place::new();
    place.done(&format!("{LONG} -q -o whole.csv"));
    let line = format!("{LONG} -o stopped.csv --threads 1");
    let child = place.start_until(&line, "stopped.csv.journal", 1);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(output.stdout.is_empty());
    let (_, resume) = said
        .split_once("continue with: pchsim ")
        .expect("how to go on");
    assert!(resume.contains("--resume"), "{said}");
    assert!(said.contains("of 12 points "), "{said}");
    assert!(!place.path("stopped.csv").exists());
    place.done(resume.trim());
    assert_eq!(place.bytes("stopped.csv"), place.bytes("whole.csv"));
}

#[test]
fn threads_change_nothing() {
    let place = Place::new();
    let line = "sweep pages.ron --workers 1,2 --vary workload.arrivals.rate=20/s..60/s/20/s --precision 30% -q";
    for format in ["jsonl", "csv"] {
        for threads in 1..=3 {
            place.done(&format!("{line} -o {threads}.{format} --threads {threads}"));
        }
        let one = place.bytes(&format!("1.{format}"));
        assert!(!one.is_empty());
        assert_eq!(place.bytes(&format!("2.{format}")), one);
        assert_eq!(place.bytes(&format!("3.{format}")), one);
    }
    let printed = place.run(&format!("{line} -o - --threads 2"));
    assert_eq!(printed.out, place.read("1.jsonl"));
    place.done(&format!("{line} -o 1.md"));
    assert!(place.bytes("1.md").contains(&b'|'));
    let csv = String::from_utf8(place.bytes("1.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 6 * 2, "a row a case of a point");
}

#[test]
fn points_meet_the_same_arrivals() {
    let place = Place::new();
    place.done("sweep pages.ron --vary seed=1,2 --cores 1..3 --replications 4 -q -o a.jsonl");
    let sweep = place.sweep("a.jsonl");
    let arrived = |point: u64| {
        let row = sweep.rows.iter().find(|r| r.point == point).unwrap();
        let e = row.case.get(Quantity::Arrived).unwrap();
        (e.mean, e.low, e.high, e.median)
    };
    // Cores come before fields, so the seed runs fastest.
    let seed = |point: u64| {
        sweep
            .rows
            .iter()
            .find(|r| r.point == point)
            .unwrap()
            .at
            .get("seed")
            .unwrap()
            .clone()
    };
    assert_eq!((seed(0), seed(1)), (1.into(), 2.into()));
    assert_eq!((arrived(0), arrived(0)), (arrived(2), arrived(4)));
    assert_eq!((arrived(1), arrived(1)), (arrived(3), arrived(5)));
    assert_ne!(arrived(0), arrived(1), "another seed, other arrivals");
}

#[test]
fn a_point_is_what_a_run_says() {
    let place = Place::new();
    place.done("sweep pages.ron --cores 1..4 -q -o s.jsonl");
    place.done("run pages.ron --cores 4 -q --format json -o r.json");
    let text = String::from_utf8(place.bytes("r.json")).unwrap();
    let Saved::Study(run) = read(&text, "r.json").unwrap() else {
        panic!("a sweep");
    };
    let sweep = place.sweep("s.jsonl");
    let of_point: Vec<Forecast> = sweep
        .rows
        .into_iter()
        .filter(|r| r.point == 3)
        .map(|r| r.case)
        .collect();
    let of_run: Vec<Forecast> = run
        .forecasts
        .into_iter()
        .map(|mut c| {
            c.detail = of_point[0].detail.clone();
            c
        })
        .collect();
    assert_eq!(of_point, of_run);
    assert_eq!(of_point.len(), 2);
}

#[test]
fn workers_are_varied_where_there_are_any() {
    let place = Place::new();
    place.done("sweep pages.ron --workers 1..4*2 --replications 3 -q -o w.jsonl");
    let sweep = place.sweep("w.jsonl");
    let strategies = |point: u64| {
        let rows = sweep.rows.iter().filter(|r| r.point == point);
        let mut all: Vec<_> = rows.map(|r| r.case.strategy.clone()).collect();
        all.sort();
        all
    };
    assert_eq!(strategies(0), ["asyncio", "threads:1"]);
    assert_eq!(strategies(2), ["asyncio", "threads:4"]);
    let asyncio = |point: u64| {
        let mut rows = sweep.rows.iter().filter(|r| r.point == point);
        rows.find(|r| r.case.strategy == "asyncio")
            .unwrap()
            .case
            .values
    };
    assert_eq!(asyncio(0), asyncio(2));
}

#[test]
fn interpreters_and_strategies_are_axes() {
    let place = Place::new();
    place.done(
        "sweep pages.ron --zip --vary interpreter=cpython-3.14,cpython-3.14t --vary strategy=threads:2,asyncio+threads:3 --replications 2 -q -o z.jsonl",
    );
    let sweep = place.sweep("z.jsonl");
    let all: Vec<_> = sweep.rows.iter().map(|r| r.case.name()).collect();
    assert_eq!(
        all,
        [
            "threads:2 on cpython-3.14",
            "asyncio+threads:3 on cpython-3.14t"
        ]
    );
}

#[test]
fn what_cannot_be_swept_is_refused_before_anything_is_simulated() {
    let place = Place::new();
    for (line, part) in [
        ("sweep pages.ron", "--cores 1..16"),
        ("sweep pages.ron --cores 8..1", "smaller end first"),
        ("sweep pages.ron --cores 1..8/0", "above 0"),
        (
            "sweep pages.ron --cores abc",
            "cores: `abc` is no whole number from 1 to 4096; write for example 1,2,4 or 1..16",
        ),
        (
            "sweep pages.ron --workers 1,200000",
            "workers: 200 000 is more than the limit MAX_WORKERS (100 000); take fewer",
        ),
        (
            "sweep pages.ron --cores 1,2 --workers 1,2,3 --zip",
            "workers has 3",
        ),
        (
            "sweep pages.ron --cores 1,2 --vary machine.cores=1",
            "both say which cores",
        ),
        (
            "sweep pages.ron --cores 1,2 --set machine.cores=1",
            "--set machine.cores=1",
        ),
        (
            "sweep pages.ron --vary horizon=1s,2s --set horizon=3s",
            "--set horizon=3s",
        ),
        (
            "sweep pages.ron --vary seed=1,2 --seed 3",
            "--seed has no effect",
        ),
        (
            "sweep pages.ron --vary machine.corez=1,2",
            "did you mean `cores`",
        ),
        ("sweep pages.ron --vary horizon=2s,2kB", "mixes units"),
        (
            "sweep pages.ron --vary workload.arrivals.rate=10,0",
            "rate = 0 (point 2 of 2) cannot be simulated",
        ),
        (
            "sweep pages.ron --vary interpreter=cpython-3.14,cpython-9",
            "point 2 of 2",
        ),
        ("sweep pages.ron --vary strategy=thread:4", "not a strategy"),
        ("sweep pages.ron --cores 1,2 --resume", "-o"),
        ("sweep pages.ron --cores 1,2 -o x.xls", ".jsonl"),
        #[cfg(not(feature = "parquet"))]
        (
            "sweep pages.ron --cores 1,2 -o x.parquet",
            "--features parquet",
        ),
        (
            "sweep pages.ron --cores 1,2 -o no/such/x.csv",
            "does not exist",
        ),
        ("sweep pages.ron --vary seed=1..2001", "-o sweep.jsonl"),
        (
            "sweep pages.ron --cores 1..3000 --workers 1..3000",
            "MAX_POINTS",
        ),
    ] {
        let said = place.refused(line, 2);
        assert!(said.contains(part), "{line}: {said}");
    }
    let left: Vec<_> = fs::read_dir(place.path(".")).unwrap().collect();
    assert_eq!(left.len(), 1, "only the scenario: {left:?}");
}

#[test]
fn journals_of_others_are_left_alone() {
    let place = Place::new();
    let mut child = place.start_until(
        &format!("{LONG} -o a.jsonl --threads 1"),
        "a.jsonl.journal",
        1,
    );
    // Still running: nobody else may write there.
    let said = place.refused(&format!("{LONG} -o a.jsonl --resume"), 75);
    assert!(said.contains("another sweep"), "{said}");
    // The lock comes before everything that the journal would be blamed for: other plans, no --resume, --force.
    for line in [
        format!("{LONG} -o a.jsonl"),
        format!("{LONG} -o a.jsonl --force"),
        format!("{LONG} -o a.jsonl --resume --seed 9"),
        "sweep pages.ron --cores 1,2 -o a.jsonl".into(),
    ] {
        let said = place.refused(&line, 75);
        let who = format!("another sweep, process {}", child.id());
        assert!(
            said.contains(&who) && said.contains("wait for it"),
            "{line}: {said}"
        );
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = place.bytes("a.jsonl.journal");
    for (line, part) in [
        (format!("{LONG} -o a.jsonl"), "--resume"),
        (
            format!("{LONG} -o a.jsonl --resume --seed 9"),
            "its seed is 1, here it is 9",
        ),
        (
            format!("{LONG} -o a.jsonl --resume --precision 5%"),
            "its precision",
        ),
        (
            format!("{LONG} -o a.jsonl --resume --set horizon=6s"),
            "its scenario (with --set, --strategy and --interpreter) differs: horizon is 5000000000, here it is 6000000000 (times in ns",
        ),
        (
            format!("{LONG} -o a.jsonl --resume --set workload.tasks.page.steps[1].time=9ms"),
            "workload.tasks[0].steps[1].time is Exponential, here it is 9000000",
        ),
        (
            "sweep pages.ron --cores 1..11 --replications 40 -o a.jsonl --resume".into(),
            "its plan differs: machine.cores is 1,2,3,4,5,6,7,8,9,10,11,12, here it is 1,2,3,4,5,6,7,8,9,10,11;",
        ),
    ] {
        let said = place.refused(&line, 2);
        assert!(said.contains(part), "{line}: {said}");
        assert_eq!(place.bytes("a.jsonl.journal"), before, "{line}");
    }
    // Damage in the middle is told, and --force starts anew.
    let text = String::from_utf8(before).unwrap();
    fs::write(
        place.path("a.jsonl.journal"),
        text.replacen("\"mean\":", "\"mean\": ", 1),
    )
    .unwrap();
    let said = place.refused(&format!("{LONG} -o a.jsonl --resume"), 2);
    assert!(said.contains("damaged"), "{said}");
    place.done("sweep pages.ron --cores 1,2 --replications 2 -q -o a.jsonl --force");
    assert_eq!(place.sweep("a.jsonl").header.points, 2);
    assert!(!place.path("a.jsonl.journal").exists());
}

/// Before scenarios were named by their canonical text, journals named them in a way that this version cannot repeat.
#[test]
fn a_sweep_that_an_earlier_version_began_is_refused_with_what_to_do() {
    let place = Place::new();
    let old = include_bytes!("../../data/v1/journals/pages.jsonl.journal");
    fs::write(place.path("pages.jsonl.journal"), old).unwrap();
    let line = format!("{LONG} -q -o pages.jsonl");
    let said = place.refused(&format!("{line} --resume"), 2);
    for part in [
        "pages.jsonl.journal was begun by an earlier version of pchsim",
        "named scenarios in another way",
        "finish it with the version that began it",
        "start anew by --force without --resume",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // It is still a sweep's, and of use to that version.
    let said = place.refused(&line, 2);
    assert!(said.contains("holds an unfinished sweep"), "{said}");
    assert_eq!(place.bytes("pages.jsonl.journal"), old);
    place.done("sweep pages.ron --cores 1,2 --replications 2 -q -o pages.jsonl --force");
    assert_eq!(place.sweep("pages.jsonl").header.points, 2);
    assert!(!place.path("pages.jsonl.journal").exists());
}

/// What is no journal was not made by a sweep, and is not meant by --force.
#[test]
fn other_files_of_the_journals_name_are_spared() {
    let place = Place::new();
    fs::write(place.path("a.csv.journal"), "dear diary\n").unwrap();
    for force in ["", "--force"] {
        let said = place.refused(
            &format!("sweep pages.ron --cores 1,2 --replications 2 -q -o a.csv {force}"),
            2,
        );
        assert!(said.contains("is no journal"), "{said}");
    }
    assert_eq!(place.bytes("a.csv.journal"), b"dear diary\n");
}

/// A full disk ends a sweep with a code of its own, and what is finished stays.
#[cfg(unix)]
#[test]
fn a_sweep_that_cannot_go_on_is_incomplete() {
    let place = Place::new();
    // No file may grow past some kilobytes; writing fails then, as on a full disk.
    let line =
        format!("trap '' XFSZ; ulimit -f 48; exec pchsim {LONG} -q -o full.jsonl --threads 1");
    let said = told(&mut shell(&line, place.dir()), 5).err;
    assert!(
        said.contains("of 12 points ") && said.contains("--resume"),
        "{said}"
    );
    place.done(&format!("{LONG} -q -o full.jsonl --resume"));
    place.done(&format!("{LONG} -q -o whole.jsonl"));
    assert_eq!(place.bytes("full.jsonl"), place.bytes("whole.jsonl"));
}

#[test]
fn the_scraper_is_swept_when_nothing_is_named() {
    let place = Place::new();
    let line = "sweep --cores 1,2 --strategy threads:8 --replications 1 -o - --format csv";
    let said = place.told(line, 0);
    assert!(said.err.contains("`scraper` is taken"), "{said:?}");
    assert!(said.out.contains("scraper"), "{said:?}");
    let said = place
        .done("sweep --cores 1..4/2 --strategy threads:8 --replications 1 -o n.jsonl --resume");
    assert!(said.contains("1..4/2 ends with 3"), "{said}");
    assert!(said.contains("starts from its beginning"), "{said}");
}
