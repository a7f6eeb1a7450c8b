//! `pchsim profiles`: shipped and found profiles, and how two differ.

use assert_cmd::Command;
use pchsim::cpython::profile::{CostCurve, Profile, Tag};
use pchsim::profiles::file::to_ron;
use predicates::prelude::*;
use tempfile::TempDir;

use crate::world::{pchsim_in, root};

/// The program in a directory, with these further places of profiles.
fn pchsim(dir: &TempDir, places: &str) -> Command {
    let mut command = pchsim_in(dir);
    command.env("PCHSIM_PROFILES", places);
    command
}

fn profile(name: &str, change: impl FnOnce(&mut Profile)) -> String {
    let mut p = Profile {
        name: name.into(),
        origin: format!("made for a test of {name}"),
        ..Profile::default()
    };
    change(&mut p);
    to_ron(&p)
}

fn put(dir: &TempDir, path: &str, text: &str) {
    let path = dir.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn stdout(command: &mut Command) -> String {
    let output = command.assert().code(0).get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

#[test]
fn found_profiles_are_listed_and_used() {
    let dir = TempDir::new().unwrap();
    put(&dir, "here.ron", &profile("here", |_| ()));
    put(
        &dir,
        "profiles/below.ron",
        &profile("below", |p| p.gil = false),
    );
    put(&dir, "more/apart.ron", &profile("apart", |_| ()));
    put(
        &dir,
        "less/broken.ron",
        &profile("broken", |_| ()).replace("ns", "us"),
    );
    put(
        &dir,
        "scenario.ron",
        "(schema: 1, name: \"x\", workload: oops)",
    );
    let places = format!("more{}less", if cfg!(windows) { ';' } else { ':' });
    let list = pchsim(&dir, &places)
        .args(["profiles", "list"])
        .assert()
        .code(0)
        .stderr(predicate::str::starts_with(
            "warning: not a usable profile: less",
        ))
        .stderr(predicate::str::contains("scenario.ron").not())
        .get_output()
        .stdout
        .clone();
    let list = String::from_utf8(list).unwrap();
    let names: Vec<_> = list.lines().filter(|l| !l.starts_with(' ')).collect();
    let names: Vec<_> = names.iter().filter_map(|l| l.split(' ').next()).collect();
    let all = [
        "cpython-3.14",
        "cpython-3.14t",
        "cpython-3.15",
        "cpython-3.11",
        "here",
        "below",
        "apart",
    ];
    assert_eq!(names, all);
    for name in [
        "here",
        "below",
        "apart",
        "here.ron",
        "below.ron",
        "apart.ron",
        "profiles/below.ron",
    ] {
        pchsim(&dir, &places)
            .args(["profiles", "show", name])
            .assert()
            .code(0)
            .stdout(predicate::str::contains("made for a test"));
    }
    for name in ["below", "apart.ron"] {
        pchsim(&dir, &places)
            .args([
                "run",
                "scraper",
                "--replications",
                "1",
                "--interpreter",
                name,
            ])
            .args(["--strategy", "asyncio"])
            .assert()
            .code(0)
            .stdout(predicate::str::contains(name.trim_end_matches(".ron")));
    }
}

#[test]
fn what_cannot_be_meant_is_explained() {
    let dir = TempDir::new().unwrap();
    put(&dir, "a.ron", &profile("mine", |_| ()));
    put(&dir, "b.ron", &profile("mine", |p| p.gil = false));
    put(
        &dir,
        "profiles/broken.ron",
        &profile("laptop", |_| ()).replace("minor", "miner"),
    );
    let refused = |name: &str, why: &str| {
        pchsim(&dir, "")
            .args(["profiles", "show", name])
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::contains(why));
    };
    refused("mine", "a.ron and b.ron");
    refused("laptop", "broken.ron:");
    refused("broken", "broken.ron:");
    refused("broken.ron", "miner");
    refused("none.ron", "cannot read the profile none.ron");
    refused("mines", "did you mean `mine`?");
    for name in ["a.ron", "b.ron"] {
        pchsim(&dir, "")
            .args(["profiles", "show", name])
            .assert()
            .code(0);
    }
    pchsim(&dir, "")
        .arg("profiles")
        .assert()
        .code(0)
        .stdout(predicate::str::contains("not the only one of this name").count(2));
}

#[test]
fn a_shipped_name_means_the_shipped_profile() {
    let dir = TempDir::new().unwrap();
    put(&dir, "a.ron", &profile("cpython-3.14", |_| ()));
    let shipped = root().join("profiles/cpython-3.11.ron");
    put(&dir, "copy.ron", &std::fs::read_to_string(shipped).unwrap());
    pchsim(&dir, "")
        .args(["profiles", "show", "cpython-3.14"])
        .assert()
        .code(0)
        .stdout(predicate::str::contains("made for a test").not());
    let list = stdout(pchsim(&dir, "").args(["profiles", "list"]));
    assert!(
        list.contains("in a.ron; this name means the shipped profile"),
        "{list}"
    );
    assert!(!list.contains("copy.ron"), "a copy is nothing new: {list}");
}

/// Says that the values of these parameters are known to a tenth.
fn measure(p: &mut Profile, names: &[&str]) {
    for name in names {
        let i = Profile::index(name).unwrap();
        let value = p.params.get(i);
        p.spreads[i] = Some((value * 0.9, value * 1.1));
    }
}

fn two(dir: &TempDir) {
    let measured = ["tpe_submit", "gil_take"];
    put(dir, "old.ron", &profile("old", |p| measure(p, &measured)));
    let faster = |p: &mut Profile| {
        p.version = "3.15.0".into();
        p.params.tpe_submit *= 0.5;
        p.params.gil_take *= 1.1;
        p.params.lock_spin = 8_000.0;
        p.params.interp_call = 0.0;
        p.params.gil_requester_wins = 0.75;
        p.loads = CostCurve(vec![(0.0, 0.0), (1e5, 6e3), (1e6, 9e4), (1e7, 1.9e6)]);
        measure(p, &measured);
        p.tags[Profile::index("fork_call").unwrap()] = Tag::Absent("no fork here".into());
    };
    put(dir, "new.ron", &profile("new", faster));
}

#[test]
fn two_profiles_are_compared() {
    let dir = TempDir::new().unwrap();
    two(&dir);
    let diff = |more: &[&str]| {
        stdout(
            pchsim(&dir, "")
                .args(["profiles", "diff", "old", "new"])
                .args(more),
        )
    };
    insta::assert_snapshot!("diff_text", diff(&[]));
    insta::assert_snapshot!("diff_threshold", diff(&["--threshold", "40%"]));
    let all = diff(&["--all"]);
    assert!(
        all.lines().count() > 90 && all.contains("fork_call"),
        "{all}"
    );
    let json: serde_json::Value = serde_json::from_str(&diff(&["--format", "json"])).unwrap();
    assert_eq!(json["differences"].as_array().unwrap().len(), 7);
    assert_eq!(json["differ"], 7);
    let submit = json["differences"].as_array().unwrap().iter();
    let submit = submit
        .into_iter()
        .find(|d| d["parameter"] == "tpe_submit")
        .unwrap();
    assert_eq!(
        (&submit["ratio"], &submit["difference"]),
        (&0.5.into(), &1.0.into())
    );
    assert!(
        json["differences"][0]["difference"].is_null(),
        "from or to zero"
    );
    let same = stdout(pchsim(&dir, "").args(["profiles", "diff", "old", "old.ron"]));
    assert!(same.contains("0 of") && !same.contains("B/A"), "{same}");
}

#[test]
fn a_comparison_with_nothing_is_refused() {
    let dir = TempDir::new().unwrap();
    two(&dir);
    for (line, why) in [
        (["old", "nev", "--all"], "did you mean `new`?"),
        (["old", "new", "--threshold=x"], "at least zero"),
        (["old", "new", "--threshold=-1%"], "at least zero"),
    ] {
        pchsim(&dir, "")
            .args(["profiles", "diff"])
            .args(line)
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::contains(why));
    }
}

/// The makespan of ten calls of 10 ms in sequence on the interpreter `on`, in milliseconds, where the times were taken on `measured`.
fn sequential(dir: &TempDir, measured: &str, on: &str) -> f64 {
    put(
        dir,
        "s.ron",
        &format!(
            r#"(schema: 1, name: "s", interpreters: ["{on}"], strategies: ["sequential"], workload: (measured_on: "{measured}",
                arrivals: Batch, tasks: [(name: "t", count: 10, steps: [Cpu("10ms")])]))"#
        ),
    );
    let json = stdout(pchsim(dir, "").args(["run", "s.ron", "--format", "json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let seconds = json["cases"][0]["estimates"]["makespan_s"]["mean"].as_f64();
    seconds.unwrap() * 1e3
}

#[test]
fn times_are_those_of_the_interpreter_that_they_were_measured_on() {
    let dir = TempDir::new().unwrap();
    put(
        &dir,
        "slow.ron",
        &profile("slow", |p| p.params.cpu_factor = 3.0),
    );
    put(
        &dir,
        "fast.ron",
        &profile("fast", |p| p.params.cpu_factor = 0.5),
    );
    for (measured, on, wanted) in [
        ("slow", "slow", 100.0),
        ("fast", "fast", 100.0),
        ("slow", "fast", 100.0 / 6.0),
        ("fast", "slow", 600.0),
    ] {
        let is = sequential(&dir, measured, on);
        assert!((is - wanted).abs() < 1e-3 * wanted, "{measured} {on}: {is}");
    }
    let wrong = [
        "run",
        "s.ron",
        "--set",
        "workload.measured_on=\"cpython-2.7\"",
    ];
    pchsim(&dir, "")
        .args(wrong)
        .assert()
        .code(2)
        .stderr(predicate::str::contains(
            "no interpreter profile is called `cpython-2.7`",
        ));
}
