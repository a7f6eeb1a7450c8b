//! The real machine: what is found on it, and that nothing of a run outlives it.
#![cfg(unix)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use pchsim::host::{self, ExitReason, HostError, Invocation};
use tempfile::TempDir;

use crate::world::{self, program, python, root, started_in, told, tool};

/// The runs of these tests are guarded by the real program, as those of the command line are.
fn guarded() {
    host::guard_with(program().to_owned());
}

/// A shell script in place of an interpreter.
fn fake(dir: &TempDir, name: &str, script: &str) -> PathBuf {
    let path = dir.path().join(name);
    world::script(&path, &format!("#!/bin/sh\n{script}\n"));
    path
}

fn refused(path: &Path) -> String {
    let e = host::find(path.to_str().unwrap()).expect_err("no interpreter");
    let text = e.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    text
}

/// The processes that have `word` in their command line.
fn processes_with(word: &str) -> Vec<String> {
    let ps = tool("ps", root())
        .args(["-axo", "pid=,stat=,args="])
        .output();
    let all = String::from_utf8(ps.unwrap().stdout).unwrap();
    let zombie = |l: &&str| {
        l.split_whitespace()
            .nth(1)
            .is_some_and(|s| s.starts_with('Z'))
    };
    all.lines()
        .filter(|l| l.contains(word) && !zombie(l))
        .map(str::to_owned)
        .collect()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < until, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A word for command lines that no other process has.
fn word(what: &str) -> String {
    format!("{what}-{}", std::process::id())
}

/// A program that starts a child which starts a grandchild in a session of its own, then one whose parent is gone; all
/// sleep for 100 s and have `word` as their argument.
fn family(word: &str, end: &str) -> String {
    format!(
        r#"
import subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(100)", "{word}"]
nest = "import subprocess, sys, time; subprocess.Popen(sys.argv[2:], start_new_session=True); {{}}"
children = [
    subprocess.Popen([sys.executable, "-c", nest.format("time.sleep(100)"), "{word}"] + sleep),
    subprocess.Popen([sys.executable, "-c", nest.format("sys.exit()"), "{word}"] + sleep),
]
children[1].wait()
print("ready", flush=True)
{end}
"#
    )
}

#[test]
fn fakes_are_refused_with_what_they_printed() {
    guarded();
    let dir = TempDir::new().unwrap();
    let text = refused(&fake(
        &dir,
        "garbage",
        "echo hello; echo pchsim-probe '{\"no\": 1}'",
    ));
    assert!(
        text.contains("does not answer as a Python") && text.contains("hello"),
        "{text}"
    );
    let traceback =
        "echo 'Traceback (most recent call last):' >&2; echo 'ImportError: no json' >&2; exit 1";
    let text = refused(&fake(&dir, "crash", traceback));
    assert!(
        text.contains("exit code 1") && text.contains("ImportError: no json"),
        "{text}"
    );
    let text = refused(&fake(&dir, "killed", "kill -SEGV $$"));
    assert!(text.contains("signal 11"), "{text}");
    let text = refused(&fake(&dir, "silent", ""));
    assert!(
        text.contains("does not answer") && !text.contains("printed"),
        "{text}"
    );
    let text = refused(&fake(&dir, "endless", "exec yes"));
    assert!(
        text.contains("does not answer") && text.contains("printed: y"),
        "{text}"
    );
    let text = refused(&fake(&dir, "one-line", "exec cat /dev/zero"));
    assert!(text.contains("does not answer"), "{text}");
}

fn answer(implementation: &str, version: &str, minor: u32) -> String {
    format!(
        "echo 'pchsim-probe {{\"version\": \"{version}\", \"major\": 3, \"minor\": {minor}, \"implementation\": \
         \"{implementation}\", \"executable\": \"\", \"prefix\": \"/x\", \"base_prefix\": \"/x\", \"compiler\": \"GCC 1\"}}'"
    )
}

#[test]
fn other_pythons_are_refused_by_name() {
    guarded();
    let dir = TempDir::new().unwrap();
    let text = refused(&fake(&dir, "old", &answer("CPython", "3.6.15", 6)));
    assert!(
        text.contains("is Python 3.6.15; CPython 3.9 to 3.15"),
        "{text}"
    );
    let text = refused(&fake(&dir, "new", &answer("CPython", "3.99.0", 99)));
    assert!(text.contains("is Python 3.99.0"), "{text}");
    // Python 2 does not know -I.
    let two = format!("[ $1 = -I ] && exit 2\n{}", answer("CPython", "2.7.18", 7));
    let two = two.replace("\"major\": 3", "\"major\": 2");
    let text = refused(&fake(&dir, "two", &two));
    assert!(text.contains("is Python 2.7.18"), "{text}");
    let text = refused(&fake(&dir, "pypy", &answer("PyPy", "3.10.14", 10)));
    assert!(
        text.contains("is PyPy") && text.contains("3.10.14"),
        "{text}"
    );
}

#[test]
fn what_is_no_program_is_refused() {
    guarded();
    let dir = TempDir::new().unwrap();
    assert!(refused(&dir.path().join("missing")).contains("no such file"));
    assert!(refused(dir.path()).contains("is a directory"));
    std::fs::create_dir(dir.path().join("bin")).unwrap();
    fake(&dir, "bin/python3", "");
    assert!(refused(dir.path()).contains("did you mean"));
    let plain = dir.path().join("plain");
    std::fs::write(&plain, "#!/bin/sh\n").unwrap();
    assert!(refused(&plain).contains("not executable"));
    let broken = dir.path().join("broken");
    world::script(&broken, "#!/no/such/interpreter\n");
    assert!(refused(&broken).contains("cannot start"));
    let e = host::find("pithon3")
        .expect_err("no such command")
        .to_string();
    assert!(e.contains("`pithon3`") && e.contains("such as 3.13"), "{e}");
    let e = host::find("3.77").expect_err("no such version").to_string();
    assert!(e.contains("`3.77`"), "{e}");
}

#[test]
fn one_that_hangs_is_ended_after_ten_seconds() {
    guarded();
    let dir = TempDir::new().unwrap();
    let word = word("hang");
    let path = fake(&dir, &word, "echo thinking; sleep 100 & wait");
    let started = Instant::now();
    let text = refused(&path);
    assert!(
        text.contains("within 10 s") && text.contains("thinking"),
        "{text}"
    );
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(processes_with(&word), Vec::<String>::new());
}

#[test]
fn a_real_interpreter_says_what_it_is() {
    let Some(python) = python() else { return };
    assert_eq!(python.implementation, "CPython");
    assert!(
        python.path.is_absolute() && python.version.starts_with(&format!("3.{}", python.minor))
    );
    assert_eq!(python.interpreters, python.minor >= 14);
    assert!(python.gil || python.free_threaded);
    assert!(!python.start_methods.is_empty());
    let again = host::find(python.path.to_str().unwrap()).expect("by path");
    assert_eq!(
        (again.path, again.version),
        (python.path.clone(), python.version.clone())
    );
    let (all, _) = host::discover();
    assert!(all.iter().any(|i| i.version == python.version), "{all:?}");
    let paths: std::collections::HashSet<_> = all.iter().map(|i| &i.path).collect();
    assert_eq!(paths.len(), all.len(), "each once");
    let newest = &all[0];
    let by_version = host::find(&newest.tag()).expect("by version");
    assert_eq!(by_version.tag(), newest.tag());
}

/// Hard links in one installation are one interpreter; the same file in another installation is another one.
#[test]
fn an_interpreter_with_two_names_is_listed_once() {
    let dir = TempDir::new().unwrap();
    // Says where it lies by the name that it was called by.
    let script = r#"bin="${0%/*}"; base="${bin%/*}"
echo "pchsim-probe {\"version\": \"3.14.7\", \"major\": 3, \"minor\": 14, \"implementation\": \"CPython\", \"executable\": \"$0\",
\"prefix\": \"$base\", \"base_prefix\": \"$base\", \"compiler\": \"GCC 1\", \"pgo\": null, \"lto\": null, \"debug\": false,
\"free_threaded\": true, \"gil\": false, \"start_methods\": [\"fork\"], \"interpreters\": true, \"process_pools\": true}"|tr -d '\n'; echo"#;
    for name in ["a/bin", "b/bin"] {
        std::fs::create_dir_all(dir.path().join(name)).unwrap();
    }
    let first = fake(&dir, "a/bin/python3.14", script);
    let (t, other) = (
        dir.path().join("a/bin/python3.14t"),
        dir.path().join("b/bin/python3.14"),
    );
    std::fs::hard_link(&first, &t).unwrap();
    std::fs::hard_link(&first, &other).unwrap();
    let bins = ["a/bin", "b/bin"].map(|b| dir.path().join(b));
    let mut path = bins.to_vec();
    path.extend(["/usr/bin", "/bin"].map(PathBuf::from));
    let mut list = started_in(dir.path());
    list.args(["calibrate", "--list"]);
    list.env("PATH", std::env::join_paths(path).unwrap());
    let listed = told(&mut list, 0).out;
    let ours: Vec<&str> = listed
        .lines()
        .filter(|l| l.contains(dir.path().to_str().unwrap()))
        .collect();
    assert_eq!(ours.len(), 2, "{listed}");
    assert!(
        ours.iter().any(|l| l.contains(first.to_str().unwrap())),
        "{listed}"
    );
    assert!(
        ours.iter().any(|l| l.contains(other.to_str().unwrap())),
        "{listed}"
    );
}

/// What a build was not told by `configure` is known only of one that lies where it was to be installed.
#[test]
fn a_build_that_was_moved_does_not_say_no() {
    let Some(python) = python() else { return };
    let dir = TempDir::new().unwrap();
    let path = |name, prefix: &str, arguments: &str| {
        let patch = "import sys, sysconfig; sysconfig.get_config_vars().update(CONFIG_ARGS=sys.argv.pop(2), PY_CFLAGS='', PY_CORE_CFLAGS='', \
             PY_LDFLAGS=''); sys.base_prefix = sys.argv.pop(2); exec(sys.argv[1])";
        let real = python.path.display();
        let script = format!(
            "[ \"$1\" = -I ] && exec {real} -I -c \"{patch}\" \"$3\" \"{arguments}\" {prefix}\nexec {real} \"$@\""
        );
        let fake = fake(&dir, name, &script);
        host::find(fake.to_str().unwrap()).unwrap().build
    };
    let home = dir.path().to_str().unwrap();
    let told = format!("'--prefix={home}'");
    let at_home = path("home", home, &told);
    assert_eq!((at_home.pgo, at_home.lto), (Some(false), Some(false)));
    let moved = path("moved", "/nowhere", &told);
    assert_eq!((moved.pgo, moved.lto), (None, None));
    let said = path(
        "said",
        "/nowhere",
        &format!("{told} '--enable-optimizations'"),
    );
    assert_eq!((said.pgo, said.lto), (Some(true), None));
}

#[test]
fn lines_come_while_the_program_runs() {
    guarded();
    let dir = TempDir::new().unwrap();
    let path = fake(
        &dir,
        "slow",
        "echo $WORD; pwd; sleep 1; echo two; printf three; echo oops >&2; exit 7",
    );
    let mut lines = Vec::new();
    let started = Instant::now();
    let mut first = None;
    let finished = host::run(
        &Invocation {
            env: vec![("WORD".into(), "one".into())],
            dir: Some(dir.path()),
            ..Invocation::new(&path)
        },
        &mut |line| {
            first.get_or_insert(started.elapsed());
            lines.push(line.to_owned());
        },
    )
    .unwrap();
    let here = dir.path().canonicalize().unwrap();
    assert_eq!(lines, ["one", here.to_str().unwrap(), "two", "three"]);
    assert!(first.unwrap() < finished.wall);
    assert_eq!((finished.end, finished.code), (ExitReason::Exited, Some(7)));
    assert_eq!(finished.stderr, "oops\n");
    assert!(finished.wall >= Duration::from_secs(1) && !finished.succeeded());
}

#[test]
fn a_program_that_prints_without_end_is_ended() {
    guarded();
    let dir = TempDir::new().unwrap();
    for script in ["exec yes", "exec yes >&2"] {
        let path = fake(&dir, "endless", script);
        let program = Invocation {
            output_limit: 100_000,
            ..Invocation::new(&path)
        };
        let finished = host::run(&program, &mut |_| ()).unwrap();
        assert_eq!(finished.end, ExitReason::TooMuchOutput);
        assert!(finished.stdout_bytes < 1_000_000 && finished.stderr.len() < 50_000);
    }
}

#[test]
fn the_limit_ends_the_whole_family() {
    let Some(python) = python() else { return };
    let word = word("limit");
    let mut seen = 0;
    let finished = host::run(
        &Invocation {
            args: vec!["-c".into(), family(&word, "time.sleep(100)").into()],
            limit: Duration::from_secs(4),
            ..Invocation::new(&python.path)
        },
        &mut |_| seen = processes_with(&word).len(),
    )
    .unwrap();
    assert_eq!(finished.end, ExitReason::TimedOut);
    assert!(
        seen >= 3,
        "the family was there: {seen}; {}",
        finished.stderr
    );
    assert!(finished.wall >= Duration::from_secs(4) && finished.wall < Duration::from_secs(10));
    assert_eq!(processes_with(&word), Vec::<String>::new());
}

#[test]
fn what_a_program_leaves_behind_is_ended() {
    let Some(python) = python() else { return };
    let word = word("left");
    let program = Invocation {
        args: vec!["-c".into(), family(&word, "sys.exit(3)").into()],
        ..Invocation::new(&python.path)
    };
    let finished = host::run(&program, &mut |_| ()).unwrap();
    assert_eq!((finished.end, finished.code), (ExitReason::Exited, Some(3)));
    assert!(finished.wall < Duration::from_secs(30));
    assert_eq!(processes_with(&word), Vec::<String>::new());
}

#[test]
fn a_panic_of_the_caller_ends_the_run() {
    guarded();
    let dir = TempDir::new().unwrap();
    let word = word("panic");
    let path = fake(&dir, &word, "echo go; sleep 100 & wait");
    let result = std::panic::catch_unwind(|| {
        host::run(&Invocation::new(&path), &mut |_| {
            panic!("the caller's own mistake")
        })
    });
    assert!(result.is_err());
    assert_eq!(processes_with(&word), Vec::<String>::new());
}

#[test]
fn processes_that_ignore_a_request_are_killed() {
    guarded();
    let dir = TempDir::new().unwrap();
    let word = word("deaf");
    let path = fake(
        &dir,
        &word,
        "trap '' TERM INT HUP; echo go; while :; do sleep 1; done",
    );
    let program = Invocation {
        limit: Duration::from_secs(1),
        ..Invocation::new(&path)
    };
    let finished = host::run(&program, &mut |_| ()).unwrap();
    assert_eq!(
        (finished.end, finished.signal),
        (ExitReason::TimedOut, Some(9))
    );
    assert_eq!(processes_with(&word), Vec::<String>::new());
}

#[test]
fn memory_of_the_whole_family_is_seen() {
    let Some(python) = python() else { return };
    let script = "import subprocess, sys\n\
                  hold = 'import time; b = bytearray(60 << 20); time.sleep(1.5)'\n\
                  both = [subprocess.Popen([sys.executable, '-c', hold]) for _ in range(2)]\n\
                  [p.wait() for p in both]";
    let program = Invocation {
        args: vec!["-c".into(), script.into()],
        sample_memory: Some(Duration::from_millis(50)),
        ..Invocation::new(&python.path)
    };
    let finished = host::run(&program, &mut |_| ()).unwrap();
    assert!(finished.succeeded(), "{}", finished.stderr);
    let peak = finished.memory_peak.expect("asked for");
    assert!((120 << 20..240 << 20).contains(&peak), "{peak} bytes");
    let quiet = host::run(
        &Invocation {
            args: vec!["-c".into(), "".into()],
            ..Invocation::new(&python.path)
        },
        &mut |_| (),
    );
    assert_eq!(quiet.unwrap().memory_peak, None);
}

/// Not a test of its own: what the next test starts as a program, and ends while it runs `family`.
#[test]
fn a_run_that_is_interfered_with() {
    let Ok(word) = std::env::var("PCHSIM_TEST_WORD") else {
        return;
    };
    let python = python().expect("whoever set the word has one");
    host::watch_interrupts();
    let program = Invocation {
        args: vec!["-c".into(), family(&word, "time.sleep(100)").into()],
        ..Invocation::new(&python.path)
    };
    let finished = host::run(&program, &mut |line| {
        std::fs::write(std::env::var("PCHSIM_TEST_FILE").unwrap(), line).unwrap();
    });
    assert_eq!(finished.unwrap().end, ExitReason::Interrupted);
    assert!(host::interrupted());
}

#[test]
fn nothing_outlives_a_program_that_is_interrupted_or_killed() {
    if python().is_none() {
        return;
    }
    for (signal, in_order) in [("INT", true), ("TERM", true), ("KILL", false)] {
        let word = word(&format!("signal-{signal}"));
        let dir = TempDir::new().unwrap();
        let ready = dir.path().join("ready");
        let mut run = tool(std::env::current_exe().unwrap(), dir.path())
            .args(["--exact", "host::a_run_that_is_interfered_with"])
            .env("PCHSIM_TEST_WORD", &word)
            .env("PCHSIM_TEST_FILE", &ready)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the family has started", || {
            ready.exists() && processes_with(&word).len() >= 3
        });
        let id = run.id().to_string();
        let kill = tool("kill", root()).args(["-s", signal, &id]).status();
        assert!(kill.unwrap().success());
        assert_eq!(run.wait().unwrap().success(), in_order, "{signal}");
        wait_until("all processes are gone", || {
            processes_with(&word).is_empty()
        });
    }
}

/// The process groups of what this process has started, or of what is in the group that it leads.
fn groups_of(id: u32) -> Vec<u32> {
    let ps = tool("ps", root())
        .args(["-axo", "ppid=,pgid=,stat="])
        .output();
    let all = String::from_utf8(ps.unwrap().stdout).unwrap();
    let fields = all
        .lines()
        .map(|l| l.split_whitespace().collect::<Vec<_>>());
    fields
        .filter(|f| f.len() == 3 && !f[2].starts_with('Z'))
        .filter(|f| f[0] == id.to_string() || f[1] == id.to_string())
        .map(|f| f[1].parse().unwrap())
        .collect()
}

#[test]
fn a_killed_calibration_leaves_no_process() {
    if python().is_none() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let mut calibrate = started_in(dir.path())
        .args(["calibrate", "--quick"])
        .env("TMPDIR", dir.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let id = calibrate.id().to_string();
    let ps = tool("ps", root()).args(["-o", "pgid=", "-p", &id]).output();
    let own = String::from_utf8(ps.unwrap().stdout).unwrap();
    let own: u32 = own.trim().parse().unwrap();
    // The guard and the interpreter, which by then has processes of its own.
    let mut groups = Vec::new();
    wait_until("the measurement has started processes", || {
        groups = groups_of(calibrate.id());
        // A child that is just being started is still in the group of these tests.
        groups.retain(|group| *group != own);
        groups.iter().any(|group| groups_of(*group).len() >= 2)
    });
    calibrate.kill().unwrap();
    calibrate.wait().unwrap();
    wait_until("they are gone", || {
        groups.iter().all(|group| groups_of(*group).is_empty())
    });
}

#[test]
fn the_guard_acts_only_when_its_pipe_closes_without_a_word() {
    let guard = |last: &str| {
        let mut guard = started_in(root())
            .args(["guard", "a-mark"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut run = tool("sleep", root());
        run.arg("100");
        std::os::unix::process::CommandExt::process_group(&mut run, 0);
        let mut run = run.spawn().unwrap();
        let mut pipe = guard.stdin.take().unwrap();
        write!(pipe, "{}\n{last}", run.id()).unwrap();
        drop(pipe);
        assert!(guard.wait().unwrap().success());
        let ended = run.try_wait().unwrap().is_some();
        run.kill().unwrap();
        run.wait().unwrap();
        ended
    };
    assert!(guard(""), "no word: ended");
    assert!(!guard("done\n"), "done: left alone");
}

#[test]
fn an_error_names_the_kind() {
    assert!(matches!(
        host::run(&Invocation::new(Path::new("/no/such/program")), &mut |_| ()),
        Err(HostError::CannotStart { .. })
    ));
}
