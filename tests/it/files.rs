//! What the program writes: whole files, onto names that are free (or with `--force` plain files), and never onto anything else. What
//! cannot be written is refused before the work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};

use crate::world::{World, python, root, shell, told, tool};

const SCENARIO: &str = r#"(
    schema: 1,
    name: "tiny",
    machine: (cores: 2),
    interpreters: ["cpython-3.14"],
    workload: (arrivals: Batch, tasks: [(name: "t", count: 4, steps: [Io("5ms"), Cpu("1ms")])]),
    strategies: [Threads(workers: 2), Asyncio()],
)"#;

const TRACE: &str = "task,class,kind,start,end\n1,a,io,0,0.1\n2,a,io,0,0.2\n3,a,cpu,0,0.1\n";

/// A world with inputs of every sort.
struct Place(World);

impl std::ops::Deref for Place {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl Place {
    fn new() -> Self {
        let world = World::with("tiny.ron", SCENARIO);
        world.write("steps.csv", TRACE);
        world.told("run tiny.ron --replications 2 -q -o result.json", 0);
        Self(world)
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// Every name here with what it holds, links not followed.
    fn state(&self) -> BTreeMap<PathBuf, String> {
        let mut all = BTreeMap::new();
        let mut open = vec![self.dir().to_owned()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let entry = entry.unwrap();
                let (path, kind) = (entry.path(), entry.file_type().unwrap());
                let what = if kind.is_file() {
                    String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
                } else {
                    format!("{kind:?}")
                };
                if kind.is_dir() {
                    open.push(path.clone());
                }
                all.insert(path, what);
            }
        }
        all
    }
}

/// A command that writes a file: what comes before the file's name and after it, the ending that the name has to have, and a file
/// that it reads.
struct Writes {
    before: String,
    after: &'static str,
    ending: &'static str,
    input: Option<&'static str>,
}

fn writers() -> Vec<Writes> {
    let writes = |before: &str, after, ending, input| Writes {
        before: before.into(),
        after,
        ending,
        input,
    };
    let mut all = vec![
        writes(
            "run tiny.ron --replications 2 --format json -o",
            "",
            "ron",
            Some("tiny.ron"),
        ),
        writes("run tiny.ron --replications 2 -o", "", "csv", None),
        writes("run tiny.ron --replications 2 --trace", "", "json", None),
        writes(
            "sweep tiny.ron --cores 1,2 --replications 2 --format jsonl -o",
            "",
            "ron",
            Some("tiny.ron"),
        ),
        writes("report result.json --html", "", "html", Some("result.json")),
        writes(
            "report result.json --markdown",
            "",
            "md",
            Some("result.json"),
        ),
        writes(
            "compare result.json result.json --format json -o",
            "",
            "json",
            Some("result.json"),
        ),
        writes(
            "compare tiny.ron tiny.ron --replications 2 -o",
            "",
            "md",
            None,
        ),
        writes("init scraper -o", "", "ron", None),
        writes("ps tiny.ron --at 3ms -o", "", "json", None),
        writes(
            "ps tiny.ron --at 3ms --format text -o",
            "",
            "ron",
            Some("tiny.ron"),
        ),
        writes("timeline tiny.ron -o", "", "svg", None),
        writes("record --trace steps.csv -o", "", "ron", Some("steps.csv")),
        writes("record --emit-recorder", "", "py", None),
        writes("record -o", "-- sh ran.sh", "sh", Some("ran.sh")),
        writes(
            "record -o x.ron --keep-trace",
            "-- sh ran.sh",
            "sh",
            Some("ran.sh"),
        ),
    ];
    let reference = root().join("tests/data/reference");
    all.push(Writes {
        before: format!(
            "validate {} --only nothing-is-called-so -o",
            reference.display()
        ),
        after: "",
        ending: "md",
        input: None,
    });
    if python().is_some() {
        all.push(writes("calibrate -o", "", "ron", None));
        all.push(writes(
            "verify tiny.ron --format json -o",
            "",
            "ron",
            Some("tiny.ron"),
        ));
    }
    all
}

fn make(program: &str, args: &[&str], path: &Path) -> bool {
    let status = tool(program, root()).args(args).arg(path).status();
    status.is_ok_and(|s| s.success())
}

/// What must never be written to, made in the place; its name, and what is said of it.
#[cfg(unix)]
fn bad_targets(place: &Place, w: &Writes) -> Vec<(String, &'static str)> {
    use std::os::unix::fs::symlink;
    let name = |stem: &str| format!("{stem}.{}", w.ending);
    let mut all = Vec::new();
    fs::create_dir(place.path(&name("folder"))).unwrap();
    all.push((name("folder"), "is a directory"));
    all.push((format!("{}/", name("missing")), "is a directory"));
    fs::write(place.path("target"), "other").unwrap();
    symlink("target", place.path(&name("link"))).unwrap();
    all.push((name("link"), "is a symbolic link to target"));
    symlink("nowhere", place.path(&name("dangling"))).unwrap();
    all.push((name("dangling"), "is a symbolic link to nowhere"));
    if make("mkfifo", &[], &place.path(&name("pipe"))) {
        all.push((name("pipe"), "is a named pipe"));
    }
    // `mknod NAME c 1 3` is another /dev/null; for root only.
    let device = place.path(&name("device"));
    let made = tool("mknod", root())
        .arg(&device)
        .args(["c", "1", "3"])
        .stderr(Stdio::null())
        .status();
    if made.is_ok_and(|s| s.success()) {
        all.push((name("device"), "is a device"));
    }
    all.push((format!("no/such/{}", name("x")), "does not exist"));
    all.push((format!("target/{}", name("x")), "no directory"));
    all.push((format!("{}.{}", "long".repeat(80), w.ending), "cannot be"));
    if Path::new("/proc/self").exists() {
        // Not even root makes files here.
        all.push((format!("/proc/{}", name("x")), "takes no new file"));
    }
    fs::create_dir(place.path("closed")).unwrap();
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o555);
    fs::set_permissions(place.path("closed"), closed).unwrap();
    if File::create(place.path("closed/try")).is_err() {
        all.push((format!("closed/{}", name("x")), "permission denied"));
    } else {
        fs::remove_file(place.path("closed/try")).unwrap();
    }
    if let Some(input) = w.input {
        all.push((input.to_owned(), "is read by this command"));
        all.push((
            format!(
                "./../{}/{input}",
                place.dir().file_name().unwrap().to_string_lossy()
            ),
            "is read by this command",
        ));
        fs::hard_link(place.path(input), place.path(&name("second"))).unwrap();
        all.push((name("second"), "is read by this command"));
    }
    all
}

/// All subcommands that write a file, and all that must not be written to.
#[cfg(unix)]
#[test]
fn what_must_not_be_written_is_refused_before_the_work() {
    for w in writers() {
        let place = Place::new();
        fs::write(place.path("ran.sh"), "touch ran\n").unwrap();
        let mut targets = bad_targets(&place, &w);
        // A directory is where profiles may go.
        let into = |name: &str| w.before.starts_with("calibrate") && name.starts_with("folder");
        targets.retain(|(name, _)| !into(name));
        let before = place.state();
        let since = Instant::now();
        for (name, why) in &targets {
            for force in ["", "--force"] {
                let line = format!("{} {name} {force} {}", w.before, w.after);
                let output = place.run(&line);
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(2), "{line}: {said}");
                assert!(said.contains(why), "{line}: {said}");
                assert_eq!(output.stdout, b"", "{line}");
                assert_eq!(place.state(), before, "{line}");
            }
        }
        // A plain file is replaced with --force only.
        let there = format!("there.{}", w.ending);
        fs::write(place.path(&there), "mine").unwrap();
        let line = format!("{} {there} {}", w.before, w.after);
        let output = place.run(&line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(
            said.contains("exists") && said.contains("--force"),
            "{line}: {said}"
        );
        assert_eq!(fs::read_to_string(place.path(&there)).unwrap(), "mine");
        assert!(!place.path("ran").exists(), "{line}: the work was begun");
        // Nothing was measured, however slow the machine.
        let each = since.elapsed() / u32::try_from(2 * targets.len() + 1).unwrap();
        assert!(each < Duration::from_secs(8), "{}: {each:?}", w.before);
        let cheap = !w.before.starts_with("calibrate")
            && !w.before.starts_with("validate")
            && !w.before.starts_with("verify")
            && w.after.is_empty();
        if cheap {
            let line = format!("{} {there} --force", w.before);
            let output = place.run(&line);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{line}: {said}");
            assert_ne!(fs::read_to_string(place.path(&there)).unwrap(), "mine");
        }
    }
}

/// Commands that write into a directory.
#[cfg(unix)]
#[test]
fn directories_that_cannot_be_written_into_are_refused_before_the_work() {
    use std::os::unix::fs::symlink;
    let reference = root().join("tests/data/reference");
    let validate = format!(
        "validate {} --only nothing-is-called-so --write-profiles",
        reference.display()
    );
    for (command, figure) in [
        (
            "run tiny.ron --replications 2 --plots",
            "tiny-latency-cdf.svg",
        ),
        (
            "sweep tiny.ron --cores 1,2 --replications 2 --plots",
            "tiny-sweep-x.png",
        ),
        ("plot result.json -o", "tiny-latency-cdf.svg"),
        ("verify tiny.ron --emit", "tiny_asyncio.py"),
        (validate.as_str(), "cpython-3.11.ron"),
    ] {
        let place = Place::new();
        fs::write(place.path("file"), "other").unwrap();
        for folder in ["link", "pipe"] {
            fs::create_dir(place.path(folder)).unwrap();
        }
        symlink("../file", place.path("link").join(figure)).unwrap();
        assert!(make("mkfifo", &[], &place.path("pipe").join(figure)));
        let before = place.state();
        let mut targets = vec![
            ("file", "no directory"),
            ("file/below", "no directory"),
            ("link", "is a symbolic link"),
            ("pipe", "is a named pipe"),
        ];
        if Path::new("/proc/self").exists() {
            targets.push(("/proc/new", "takes no new file"));
        }
        for (folder, why) in targets {
            for force in ["", "--force"] {
                let line = format!("{command} {folder} {force}");
                let output = place.run(&line);
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(2), "{line}: {said}");
                assert!(said.contains(why), "{line}: {said}");
                assert_eq!(place.state(), before, "{line}");
            }
        }
    }
}

#[test]
fn one_command_does_not_write_one_file_twice() {
    let place = Place::new();
    let before = place.state();
    for line in [
        "run tiny.ron --format json -o x.json --trace ./x.json",
        "run tiny.ron --format json -o output/x.json --trace ./output/x.json",
        "report result.json --html x --markdown x",
        "record -o x --keep-trace x -- true",
        "run tiny.ron -o x.json --trace x.json --force",
    ] {
        let output = place.run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("twice"), "{line}: {said}");
        assert_eq!(place.state(), before, "{line}");
    }
}

/// Files that the scenario names, and the profile, are inputs too.
#[test]
fn all_inputs_are_spared() {
    let place = Place::new();
    let traced = SCENARIO.replace("arrivals: Batch", "arrivals: Trace(file: \"arrivals.csv\")");
    fs::write(place.path("traced.ron"), traced.replace("count: 4, ", "")).unwrap();
    fs::write(place.path("arrivals.csv"), "at_s,class\n0,t\n0.1,t\n").unwrap();
    let profile = include_str!("../../profiles/cpython-3.14.ron");
    let own = profile.replacen("cpython-3.14", "mine", 1);
    fs::write(place.path("mine.ron"), own).unwrap();
    let before = place.state();
    for line in [
        "run traced.ron -o arrivals.csv --force",
        "sweep traced.ron --cores 1,2 -o arrivals.csv --force",
        "run tiny.ron --interpreter mine.ron --format json -o mine.ron --force",
        "run tiny.ron --interpreter mine --format json -o mine.ron --force",
        "ps tiny.ron --interpreter mine.ron --at 1ms --format json -o mine.ron --force",
    ] {
        let output = place.run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("is read by this command"), "{line}: {said}");
        assert_eq!(place.state(), before, "{line}");
    }
}

#[test]
fn what_killed_runs_have_left_goes_and_nothing_else() {
    let place = Place::new();
    let left = [".x.json.4000000000-7.pchsim-tmp", ".x.json.1-0.pchsim-tmp"];
    let others = [
        ".x.json.kept.pchsim-tmp",
        ".x.json.1-.pchsim-tmp",
        ".y.json.1-0.pchsim-tmp",
        "x.json.1-0.pchsim-tmp",
        "x.json.tmp",
    ];
    for name in left.iter().chain(&others) {
        fs::write(place.path(name), "half").unwrap();
    }
    // A run that is under way.
    let busy = ".x.json.2-5.pchsim-tmp";
    let lock = File::create(place.path(busy)).unwrap();
    lock.lock().unwrap();
    let output = place.run("run tiny.ron --replications 2 -q -o x.json");
    assert!(output.status.success(), "{output:?}");
    for name in left {
        assert!(!place.path(name).exists(), "{name}");
    }
    for name in others.iter().chain([&busy, &"x.json"]) {
        assert!(place.path(name).exists(), "{name}");
    }
}

/// Of many runs that write one file one wins, and the others say so.
#[test]
fn runs_side_by_side_leave_one_whole_file() {
    let place = Place::new();
    let started: Vec<_> = (0..6)
        .map(|_| {
            place
                .command("init scraper -o same.ron")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut codes: Vec<_> = started
        .into_iter()
        .map(|c| c.wait_with_output().unwrap().status.code().unwrap())
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 2, 2, 2, 2, 2]);
    let text = fs::read_to_string(place.path("same.ron")).unwrap();
    assert_eq!(text, include_str!("../../scenarios/scraper.ron"));
    assert!(
        !place
            .state()
            .keys()
            .any(|p| p.to_string_lossy().ends_with("-tmp"))
    );
}

/// Who could not read the old file cannot read the new one.
#[cfg(unix)]
#[test]
fn a_replaced_file_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    fs::write(place.path("x.csv"), "old").unwrap();
    fs::set_permissions(place.path("x.csv"), fs::Permissions::from_mode(0o600)).unwrap();
    let output = place.run("run tiny.ron --replications 2 -q -o x.csv --force");
    assert!(output.status.success(), "{output:?}");
    let mode = fs::metadata(place.path("x.csv"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_name_of_the_file_says_the_format() {
    let place = Place::new();
    let begins = |name: &str, with: &str| {
        let text = fs::read_to_string(place.path(name)).unwrap();
        assert!(
            text.starts_with(with),
            "{name}: {}",
            &text[..text.len().min(80)]
        );
    };
    for (line, name, with) in [
        ("run tiny.ron --replications 2 -o a.json", "a.json", "{"),
        ("run tiny.ron --replications 2 -o a.JSON", "a.JSON", "{"),
        (
            "run tiny.ron --replications 2 -o a.csv",
            "a.csv",
            "scenario,",
        ),
        ("run tiny.ron --replications 2 -o a.md", "a.md", "#"),
        ("run tiny.ron --replications 2 -o a.txt", "a.txt", "tiny"),
        // Who asks for a format gets it.
        (
            "run tiny.ron --replications 2 --format json -o b.txt",
            "b.txt",
            "{",
        ),
        ("run tiny.ron --replications 2 --format json -o b", "b", "{"),
        ("ps tiny.ron --at 1ms -o ps.json", "ps.json", "{"),
        (
            "sweep tiny.ron --cores 1,2 --replications 2 -o s.jsonl",
            "s.jsonl",
            "{",
        ),
        (
            "sweep tiny.ron --cores 1,2 --replications 2 --format jsonl -o s.csv",
            "s.csv",
            "{",
        ),
    ] {
        let output = place.run(line);
        assert!(output.status.success(), "{line}: {output:?}");
        begins(name, with);
    }
    for line in [
        "run tiny.ron -o c.xls",
        "run tiny.ron -o c",
        "run tiny.ron -o c.jsonl",
        "ps tiny.ron --at 1ms -o c.csv",
        "sweep tiny.ron --cores 1,2 -o c.json",
        "verify tiny.ron -o c.csv",
        "validate . -o c.csv",
    ] {
        let output = place.run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("--format"), "{line}: {said}");
    }
}

/// What is written in one format only is not put into a file whose name promises another.
#[test]
fn no_name_promises_what_is_not_written() {
    let place = Place::new();
    let before = place.state();
    for (line, why) in [
        (
            "report result.json --html page.txt",
            "page.txt ends in .txt, but what is written is a page: call it .html, or leave the ending out",
        ),
        ("report result.json --markdown r.html", "call it .md"),
        (
            "report result.json --html output/page.json --force",
            "ends in .json",
        ),
        (
            "run tiny.ron --trace t.txt",
            "a Chrome trace: call it .json",
        ),
        ("run tiny.ron --trace t.csv.gz", "ends in .csv"),
        ("init scraper -o my.json", "a scenario: call it .ron"),
        ("record --trace steps.csv -o my.csv", "call it .ron"),
        ("record -o my.json -- sh -c exit", "call it .ron"),
        (
            "record -o my.ron --keep-trace t.json -- sh -c exit",
            "call it .jsonl",
        ),
        ("record --emit-recorder r.txt", "call it .py"),
        ("plot result.json -o figures.svg", "is called as a file is"),
        ("run tiny.ron --plots figures.png", "is called as a file is"),
        ("verify tiny.ron --emit bench.py", "is called as a file is"),
    ] {
        let output = place.run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains(why), "{line}: {said}");
        assert_eq!(place.state(), before, "{line}");
    }
    for (line, made) in [
        ("report result.json --html page", "page"),
        ("report result.json --html page.v2", "page.v2"),
        ("init scraper -o mine", "mine"),
        (
            "run tiny.ron --replications 2 -q --trace t.json.gz",
            "t.json.gz",
        ),
    ] {
        let output = place.run(line);
        assert!(output.status.success(), "{line}: {output:?}");
        assert!(place.path(made).exists(), "{line}");
    }
}

/// A directory is made with the first file in it: whoever is interrupted or refused leaves none behind.
#[cfg(unix)]
#[test]
fn no_directory_is_left_empty() {
    let place = Place::new();
    // A killed run may leave the file by which it tried whether a directory can be written into; the next one removes it.
    let names = || -> BTreeSet<PathBuf> {
        let tried = |p: &Path| p.to_string_lossy().ends_with(".pchsim-tmp");
        place.state().into_keys().filter(|p| !tried(p)).collect()
    };
    // Ctrl-C ends a program as TERM does; who runs the tests in the background has it ignored. KILL leaves no time to tidy up.
    let signals = [Signal::TERM, Signal::KILL];
    // At the first signal drawing has hardly begun, at the second it is under way.
    for (signal, after) in signals.into_iter().flat_map(|s| [(s, 20), (s, 400)]) {
        for line in [
            "plot result.json -o made/by/plot",
            "run long.ron -o output/r.json --trace output/t.json",
            "run long.ron --plots figures",
        ] {
            let long = SCENARIO.replace("count: 4", "count: 2_000_000");
            fs::write(place.path("long.ron"), long).unwrap();
            let before = names();
            let mut child = place
                .command(line)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_millis(after));
            kill_process(Pid::from_child(&child), signal).unwrap();
            child.wait().unwrap();
            // A fast machine has drawn some of it, or everything.
            let new: Vec<PathBuf> = names().difference(&before).cloned().collect();
            let file = |dir: &PathBuf| new.iter().any(|n| n.is_file() && n.starts_with(dir));
            let empty = new.iter().find(|n| n.is_dir() && !file(n));
            assert_eq!(empty, None, "{line}: {signal:?} after {after} ms");
            for dir in ["made", "output", "figures"] {
                let _ = fs::remove_dir_all(place.path(dir));
            }
        }
    }
    let before = names();
    for line in [
        "run tiny.ron -o output/r.json --assert nosuch<1s",
        "plot result.json -o made/by/plot --only nosuch",
        "report result.json --html output/page.html --markdown no/such/x.md",
    ] {
        let output = place.run(line);
        assert_eq!(output.status.code(), Some(2), "{line}: {output:?}");
        assert_eq!(names(), before, "{line}");
    }
    let output = place.run("run tiny.ron --replications 2 -q -o output/r.json");
    assert!(output.status.success(), "{output:?}");
    let output = place.run("plot result.json -o made/by/plot --only comparison");
    assert!(output.status.success(), "{output:?}");
    assert!(place.path("output/r.json").is_file() && place.path("made/by/plot").is_dir());
}

/// What may never end is refused at once in place of an input; what a shell hands over is read.
#[cfg(unix)]
#[test]
fn inputs_that_may_never_end_are_refused_at_once() {
    let place = Place::new();
    for name in ["pipe.ron", "pipe.csv", "pipe.json"] {
        assert!(make("mkfifo", &[], &place.path(name)));
    }
    let traced = SCENARIO
        .replace("arrivals: Batch", "arrivals: Trace(file: \"pipe.csv\")")
        .replace("count: 4, ", "");
    fs::write(place.path("traced.ron"), traced).unwrap();
    let before = place.state();
    let mut lines = vec![
        ("check pipe.ron", "is a named pipe"),
        ("run pipe.ron", "is a named pipe"),
        ("sweep pipe.ron --cores 1,2", "is a named pipe"),
        ("ps pipe.ron --at 1s", "is a named pipe"),
        ("run traced.ron", "is a named pipe"),
        ("run tiny.ron --interpreter ./pipe.ron", "is a named pipe"),
        ("record --trace pipe.csv", "is a named pipe"),
        ("plot pipe.json", "is a named pipe"),
        ("report pipe.json", "is a named pipe"),
        ("report result.json pipe.json", "is a named pipe"),
        ("check /dev/zero", "is a device"),
        ("plot /dev/zero", "is a device"),
        ("check ..", "is a directory"),
        ("report ..", "is a directory"),
        ("record --trace ..", "is a directory"),
    ];
    lines.retain(|(line, _)| !line.contains("/dev/zero") || Path::new("/dev/zero").exists());
    for (line, why) in lines {
        let since = Instant::now();
        let mut child = place
            .command(line)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while child.try_wait().unwrap().is_none() {
            if since.elapsed() > Duration::from_secs(20) {
                child.kill().unwrap();
                panic!("{line} waits");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains(why), "{line}: {said}");
        assert_eq!(place.state(), before, "{line}");
    }
    for line in [
        "cat tiny.ron | pchsim check -",
        "cat tiny.ron | pchsim check /dev/stdin",
        "pchsim check - < tiny.ron",
        "pchsim check /dev/fd/7 7< tiny.ron",
        "cat tiny.ron | pchsim check /dev/fd/0",
        "cat result.json | pchsim report -",
        "cat result.json | pchsim plot /dev/stdin --list",
    ] {
        told(&mut shell(line, place.dir()), 0);
    }
    // Process substitution is not every shell's.
    let line = "pchsim check <(cat tiny.ron)";
    let bash = tool("bash", place.dir()).args(["-c", line]).output();
    if let Ok(output) = bash {
        assert!(output.status.success(), "{line}: {output:?}");
    }
}

/// A name that does not exist, in whichever option: said before anything is simulated or measured.
#[test]
fn unknown_names_are_noticed_before_the_work() {
    let place = Place::new();
    // Too much to be simulated within the test's patience.
    let long = SCENARIO
        .replace("count: 4", "count: 2_000_000")
        .replace("tiny", "long");
    fs::write(place.path("long.ron"), long).unwrap();
    let before = place.state();
    let mut lines = vec![
        (
            "run long.ron --trace t.json --trace-strategy asyncio:7",
            "threads:2, asyncio, sequential",
        ),
        (
            "run long.ron --trace t.json --trace-strategy nosuch",
            "nosuch",
        ),
        (
            "run long.ron --trace t.json --trace-strategy asyncio@nosuch",
            "asyncio@nosuch",
        ),
        ("run long.ron --strategy nosuch", "nosuch"),
        ("run long.ron --interpreter nosuch", "nosuch"),
        ("run long.ron --rank-by nosuch", "nosuch"),
        ("run long.ron --assert nosuch<1s", "nosuch"),
        ("run long.ron --set nosuch=1", "nosuch"),
        (
            "run long.ron --interpreter cpython-3.11 --strategy sequential --strategy interpreters:2 --trace t.json --trace-strategy interpreters:2",
            "interpreters",
        ),
        ("sweep long.ron --vary nosuch=1,2", "nosuch"),
        ("sweep long.ron --cores 1,2 --strategy nosuch", "nosuch"),
        (
            "sweep long.ron --vary interpreter=cpython-3.14,nosuch",
            "nosuch",
        ),
        ("sweep long.ron --vary strategy=asyncio,nosuch", "nosuch"),
        ("ps long.ron --at 1s --class nosuch", "nosuch"),
        ("timeline long.ron --strategy nosuch", "nosuch"),
        (
            "record -o r.ron --interpreter nosuch -- touch ran",
            "nosuch",
        ),
        ("verify long.ron --python no-such-python", "no-such-python"),
    ];
    if python().is_some() {
        lines.extend([
            ("verify long.ron --profile nosuch", "nosuch"),
            ("verify long.ron --strategy nosuch", "nosuch"),
            (
                "calibrate --import no_such_module -o c.ron",
                "--import no_such_module",
            ),
            (
                "calibrate --quick --import json --import no_such_module -o c.ron",
                "no_such_module",
            ),
        ]);
    }
    for (line, part) in lines {
        let since = Instant::now();
        let output = place.run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains(part), "{line}: {said}");
        assert_eq!(place.state(), before, "{line}");
        assert!(since.elapsed() < Duration::from_secs(20), "{line}");
    }
}

/// Every file is written by one of four: results by `cli::files`, the journal of a sweep, temporary files by `host::scratch`, and locks in the
/// user's cache by `host::cache`.
#[test]
fn nothing_else_writes_files() {
    let src = root().join("src");
    let writers = [
        "cli/files.rs",
        "study/sweep/journal.rs",
        "host/scratch.rs",
        "host/cache.rs",
    ];
    let mut open = vec![src.clone()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path
                .strip_prefix(&src)
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            if path.extension().is_none_or(|e| e != "rs") || writers.contains(&name.as_str()) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            for call in [
                "fs::write",
                "File::create",
                "OpenOptions",
                "fs::rename",
                "fs::copy",
                "tempfile::",
            ] {
                assert!(!code.contains(call), "{name} writes files itself: {call}");
            }
        }
    }
}
