//! Calibration of a real interpreter, and of programs that only look like one. A test that needs a Python passes, and says so,
//! where there is none.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use pchsim::calibrate::bench::{BenchError, BenchPlan, Expected, Samples, calibrated, measure};
use pchsim::calibrate::text;
use pchsim::cpython::profile::{Build, PARAMS, Profile, Tag};
use pchsim::layout::Style;
use pchsim::learn::{GilObservation, GilUse};
use pchsim::profiles::file;
use pchsim::scenario::RequestHandling;

use crate::world::{self, Said, World, told, words};

fn real_python() -> Option<PathBuf> {
    world::python().map(|python| python.path)
}

/// A program that says what `python` says of itself, but does `what` instead of the microbenchmarks.
fn impostor(dir: &Path, python: &Path, what: &str) -> PathBuf {
    let path = dir.join("python-impostor");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in\n*bench.py*) {what} ;;\n*) exec {} \"$@\" ;;\nesac\n",
        python.display()
    );
    world::script(&path, &script);
    path
}

fn measured(python: &Path, limit: Duration) -> Result<Samples, BenchError> {
    let plan = BenchPlan {
        time: Duration::from_secs(1),
        limit,
        imports: Vec::new(),
        servers: Vec::new(),
        folder: std::env::temp_dir(),
        expected: Expected::default(),
    };
    measure(python, &plan, &mut |_| {})
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_quick_calibration_gives_a_profile_that_a_forecast_can_use() {
    if real_python().is_none() {
        return;
    }
    let world = World::new();
    let Said { out, .. } = world.told("calibrate --quick --import json --name mine", 0);
    assert!(out.contains("mine: CPython 3."), "{out}");
    assert!(out.contains("import     json:"), "{out}");
    // How it deals with the GIL, or why nobody can tell: machines may be busy.
    let said = ["the GIL up", "keeps the GIL", "without the GIL", "a GIL"];
    let after = out.split("import     json:").nth(1).unwrap_or_default();
    assert!(said.iter().any(|s| after.contains(s)), "{out}");
    let profile = file::read(&world.path("mine.ron")).expect("a profile");
    plausible(&profile);
    let line = "run scraper --interpreter mine --strategy threads:8";
    let Said { out, .. } = world.told(line, 0);
    assert!(out.contains("mine"), "{out}");
    // What is there is not replaced unasked.
    let Said { err, .. } = world.told("calibrate --quick --name mine", 2);
    assert!(err.contains("--force"), "{err}");
}

/// A module of Python that reads the position of a file over and over gives the GIL up; one that counts keeps it.
#[test]
fn how_imports_deal_with_the_gil_is_measured() {
    let Some(python) = real_python() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let seeks = "import os\nnull = os.open(os.devnull, os.O_RDONLY)\nfor _ in range(100_000):\n    os.lseek(null, 0, 1)\n";
    let counts = "x = 0\nfor i in range(600_000):\n    x = (x * 31 + i) & 0xFFFFFF\n";
    let modules = [("its_seeks", seeks), ("its_counts", counts)];
    for (name, text) in modules {
        std::fs::write(dir.path().join(format!("{name}.py")), text).expect("written");
    }
    let plan = BenchPlan {
        time: Duration::from_secs(6),
        limit: LONG,
        imports: modules.map(|(name, _)| name.to_owned()).into(),
        servers: Vec::new(),
        folder: dir.path().to_owned(),
        expected: Expected::default(),
    };
    let samples = measure(&python, &plan, &mut |_| {}).expect("measured");
    let result = calibrated(&samples, Build::default(), "test", "2026-01-01");
    let of = |name: &str| {
        result
            .imports
            .iter()
            .find(|i| i.module == name)
            .expect("measured")
    };
    let (seeks, counts) = (of("its_seeks"), of("its_counts"));
    match (&seeks.gil, &counts.gil) {
        (Ok(seeks), Ok(counts)) => {
            let rate = |w: GilObservation| w.releases as f64 / w.time as f64 * 1e6;
            assert!(
                matches!(seeks.gil_use, GilUse::Releases { .. }),
                "{seeks:?}"
            );
            assert!(
                rate(seeks.seen) > 5.0 * rate(counts.seen),
                "{seeks:?} {counts:?}"
            );
        }
        // No second core, no Linux, no GIL, or other programs on the cores: then it says so.
        (Err(why), _) | (_, Err(why)) => assert!(!why.is_empty()),
    }
    let text = words(&text::text(&result, Style::default()));
    let json = text::json(&result);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    for (i, import) in result.imports.iter().enumerate() {
        let (gil, why) = (
            &json["imports"][i]["gil"],
            &json["imports"][i]["gil_not_measured"],
        );
        match &import.gil {
            Ok(_) => assert!(gil["share"].is_number() && why.is_null(), "{json}"),
            Err(said) => assert!(gil.is_null() && text.contains(said), "{text}"),
        }
    }
}

/// Without a GIL, or a second core, the figures are left out, and a note says why.
#[test]
fn why_the_gil_is_not_seen_is_said() {
    let Some(python) = real_python() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    // What the recorder says where the system does not let it read the process.
    let path = dir.path().join("python-blind");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in\n*importing.py*) echo 'pchsim recorder: cannot see the GIL' >&2 ;;\n*) exec {} \"$@\" ;;\nesac\n",
        python.display()
    );
    world::script(&path, &script);
    let plan = BenchPlan {
        time: Duration::from_secs(1),
        limit: LONG,
        imports: vec!["json".into()],
        servers: Vec::new(),
        folder: dir.path().to_owned(),
        expected: Expected::default(),
    };
    let samples = measure(&path, &plan, &mut |_| {}).expect("measured");
    let result = calibrated(&samples, Build::default(), "test", "2026-01-01");
    let why = result.imports[0]
        .gil
        .as_ref()
        .expect_err("nothing was seen");
    let text = words(&text::text(&result, Style::default()));
    let note = format!("how often the import of json gives the GIL up is not measured: {why}");
    assert!(text.contains(&note), "{text}");
    if cfg!(target_os = "linux") && samples.hello.cores > 1 && !samples.hello.free_threaded {
        assert_eq!(why, "cannot see the GIL");
    }
}

/// Wide bounds: this runs on busy machines, too.
fn plausible(p: &Profile) {
    let provenance = p.provenance.as_ref().expect("measured");
    assert!(provenance.rounds >= 1 && provenance.slowness >= 0.9);
    assert!((5.0..5_000.0).contains(&provenance.machine.loop_ns));
    let between = |name: &str, least: f64, most: f64| {
        let i = Profile::index(name).expect("a parameter");
        let value = p.params.get(i);
        assert!(
            matches!(p.tags[i], Tag::Measured(_) | Tag::Derived(_)),
            "{name}: {:?}",
            p.tags[i]
        );
        assert!((least..most).contains(&value), "{name} = {value}");
    };
    between("cpu_factor", 0.1, 50.0);
    between("tpe_submit", 200.0, 2e6);
    between("aio_step", 20.0, 1e6);
    between("lock_pair", 5.0, 1e5);
    between("switch_interval", 4.9e6, 5.1e6);
    let lacks_interpreters = p.lacks("interp_create").is_some();
    assert_eq!(lacks_interpreters, p.minor < 14, "3.{}", p.minor);
    for (i, info) in PARAMS.iter().enumerate() {
        let value = p.params.get(i);
        assert!(value.is_finite() && value >= 0.0, "{} = {value}", info.name);
    }
}

/// Byte code that can be neither read nor written makes every new process slower: that is said.
#[test]
fn a_library_without_byte_code_is_a_doubt() {
    let Some(python) = real_python() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("python-uncompiled");
    // A file where the folder of the byte code would have to be.
    let script = format!(
        "#!/bin/sh\nexec {} -X pycache_prefix=/dev/null \"$@\"\n",
        python.display()
    );
    world::script(&path, &script);
    let samples = measured(&path, LONG).expect("measured");
    let code = &samples.hello.byte_code;
    assert!(code.missing > 10 && code.missing == code.loaded, "{code:?}");
    let mut compiled = samples.clone();
    compiled.hello.byte_code.missing = 0;
    let doubts = |samples| calibrated(samples, Build::default(), "mine", "2026-01-01").doubts;
    assert!(doubts(&samples).iter().any(|d| d.contains("compileall")));
    assert!(!doubts(&compiled).iter().any(|d| d.contains("compileall")));
}

#[test]
fn an_interpreter_that_hangs_is_ended_and_named() {
    let Some(python) = real_python() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let fake = impostor(dir.path(), &python, "sleep 100");
    let e = measured(&fake, Duration::from_secs(1)).expect_err("it hangs");
    assert!(matches!(e, BenchError::Hung { .. }), "{e}");
    assert!(e.to_string().contains("python-impostor was ended"), "{e}");
}

#[test]
fn a_crash_is_reported_with_what_it_wrote() {
    let Some(python) = real_python() else { return };
    let world = World::new();
    let fake = impostor(
        world.dir(),
        &python,
        "echo 'Traceback: MemoryError' >&2; exit 3",
    );
    let e = measured(&fake, LONG).expect_err("it crashes").to_string();
    assert!(
        e.contains("exit code 3") && e.contains("Traceback: MemoryError"),
        "{e}"
    );
    // Half of a measurement is none.
    let fake = impostor(
        world.dir(),
        &python,
        &format!("exec {} \"$@\" | head -3; exit 0", python.display()),
    );
    let e = measured(&fake, LONG).expect_err("it ends early");
    assert!(matches!(e, BenchError::Crashed { .. }), "{e}");
    let mut command = world.command("calibrate --quick --python");
    told(command.arg(&fake), 2);
    assert!(std::fs::read_dir(world.dir()).expect("readable").count() == 1);
}

#[test]
fn garbage_is_no_measurement() {
    let Some(python) = real_python() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let fake = impostor(dir.path(), &python, "echo Hello, I am a snake");
    let e = measured(&fake, LONG).expect_err("garbage");
    assert!(
        matches!(&e, BenchError::Garbage { line, .. } if line.contains("snake")),
        "{e}"
    );
}

#[test]
fn what_cannot_be_measured_or_written_is_refused_before_the_work() {
    let world = World::new();
    let refused = |line: &str, says: &str| {
        let Said { err, .. } = world.told(line, 2);
        assert!(err.contains(says), "{line}: {err}");
    };
    refused(
        "calibrate --python no-such-python",
        "no Python interpreter is called `no-such-python`",
    );
    refused("calibrate --python /etc/passwd", "not executable");
    if real_python().is_some() {
        refused("calibrate -o profile.json", "does not end in .ron");
        refused("calibrate -o no/such/folder/p.ron", "does not exist");
        let Said { out, .. } = world.told("calibrate --list", 0);
        assert!(out.contains("3."), "{out}");
    }
}

/// A server that is not there is noticed before anything is measured, and it is said what installs it.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_is_not_installed_is_named_before_the_work() {
    let Some(python) = real_python() else { return };
    let world = World::new();
    let bare = world.dir().join("python-bare");
    // Without the packages that are installed for it.
    let script = format!("#!/bin/sh\nexec {} -I -S \"$@\"\n", python.display());
    world::script(&bare, &script);
    let mut command = world.command("calibrate --quick --name mine --server gunicorn-uvicorn");
    let Said { err, .. } = told(command.arg("--python").arg(&bare), 2);
    let err = words(&err);
    assert!(err.contains("--server gunicorn-uvicorn"), "{err}");
    assert!(
        err.contains("cannot import gunicorn and uvicorn_worker: ModuleNotFoundError"),
        "{err}"
    );
    assert!(
        err.contains("-m pip install gunicorn uvicorn-worker` installs it"),
        "{err}"
    );
    assert!(!world.path("mine.ron").exists());
    let Said { err, .. } = world.told("calibrate --server nginx", 2);
    assert!(err.contains("gunicorn-sync"), "{err}");
}

/// A stand-in for uvicorn, which burns two milliseconds of CPU time a request, or ends at once.
#[cfg(target_os = "linux")]
fn with_uvicorn(dir: &Path, python: &Path, main: &str) -> PathBuf {
    let package = dir.join("uvicorn");
    std::fs::create_dir(&package).expect("a folder");
    std::fs::write(package.join("__init__.py"), "").expect("written");
    std::fs::write(package.join("__main__.py"), main).expect("written");
    let path = dir.join("python-served");
    let (dir, python) = (dir.display(), python.display());
    let script = format!("#!/bin/sh\nPYTHONPATH={dir} exec {python} \"$@\"\n");
    world::script(&path, &script);
    path
}

#[cfg(target_os = "linux")]
fn served(main: &str) -> Option<Samples> {
    let python = real_python()?;
    let dir = tempfile::tempdir().expect("a folder");
    let python = with_uvicorn(dir.path(), &python, main);
    let plan = BenchPlan {
        time: Duration::from_secs(1),
        limit: LONG,
        imports: Vec::new(),
        servers: vec![RequestHandling::Uvicorn],
        folder: std::env::temp_dir(),
        expected: Expected::default(),
    };
    Some(measure(&python, &plan, &mut |_| {}).expect("measured"))
}

/// What a server burns is what the profile says, and what no server was asked for follows `cpu_factor`.
#[cfg(target_os = "linux")]
#[test]
fn what_a_request_takes_is_measured() {
    let main = "import socket, sys, time\n\
        s = socket.create_server(('127.0.0.1', int(sys.argv[sys.argv.index('--port') + 1])))\n\
        while True:\n    \
            c, _ = s.accept()\n    \
            c.recv(4096)\n    \
            end = time.process_time() + 0.002\n    \
            while time.process_time() < end: pass\n    \
            c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok')\n    \
            c.close()\n";
    let Some(samples) = served(main) else { return };
    let result = calibrated(&samples, Build::default(), "mine", "2026-01-01");
    let p = &result.profile;
    let of = |h: RequestHandling| {
        let i = Profile::index(h.parameter()).expect("a parameter");
        (p.params.get(i), p.tags[i].clone(), p.spreads[i])
    };
    let (ns, tag, spread) = of(RequestHandling::Uvicorn);
    assert_eq!(tag, Tag::Measured("request_uvicorn_us".into()));
    // At best speed: the machine may run at half of that just now.
    assert!((0.8e6..3e6).contains(&ns), "{ns}");
    assert!(spread.is_some());
    let (ns, tag, _) = of(RequestHandling::Hypercorn);
    assert!(matches!(tag, Tag::Derived(_)), "{tag:?}");
    assert!((ns / p.params.cpu_factor - 380e3).abs() < 1.0, "{ns}");
    let said = words(&text::text(&result, Style::default()));
    assert!(said.contains("server uvicorn: a request takes"), "{said}");
}

/// A server that does not come up is among what failed, with what it said.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_does_not_start_has_failed() {
    let Some(samples) = served("raise SystemExit('no such option')\n") else {
        return;
    };
    let (what, why) = samples.failed.first().expect("it failed");
    assert!(what.contains("uvicorn"), "{what}");
    assert!(why.contains("no such option"), "{why}");
    let result = calibrated(&samples, Build::default(), "mine", "2026-01-01");
    let i = Profile::index("request_uvicorn").expect("a parameter");
    assert!(matches!(result.profile.tags[i], Tag::Derived(_)));
}
