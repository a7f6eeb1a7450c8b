//! Applications behind real servers: what is written, what each of them answers, and a verification with a stand-in for the server.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{plans, program, pythons, scenario};
use crate::world::{self, Said, World, tool};

/// Every step that an application can have under each of these servers.
const STEPS: &str = r#"(
    schema: 1, name: "every \" step", seed: 3,
    machine: (cores: 2),
    workload: (
        arrivals: Poisson(rate: 100, count: 12),
        tasks: [
            (name: "a \"b\" \\ c", touches: 0.5, steps: [
                PayloadIn("30kB"), Cpu("1ms"), Io(Exponential("2ms")), Native(time: "1ms", threads: 2), Block("1ms"),
                Repeat(2, [Cpu(Normal("500us", "100us")), Io("1ms")]),
                Lock("waits", [Cpu("200us"), Io("500us")]),
                Cpu(time: "600us", releases: 60), Allocate(500), Shared(object: "state", count: 5),
                Use("gate", [Io("1ms")]), Hold(Uniform("50kB", "100kB"), [Io("1ms")]), PayloadOut("10kB"),
            ]),
            (name: "unlucky", steps: [
                Retry(attempts: 2, backoff: "1ms", steps: [Cpu("300us"), Fail("60%")]),
                Timeout("4ms", [Io(Exponential("4ms"))]),
            ]),
        ],
        locks: {"waits": (shared: false)}, objects: ["state"], resources: {"gate": Semaphore(2)},
        imports: (time: "5ms", memory: "2MB", objects: 100), data: "100kB",
    ),
)"#;

const SERVERS: &[&str] = &[
    "uvicorn:1",
    "uvicorn:2",
    "uvicorn:2:def",
    "gunicorn:2:sync",
    "gunicorn:2:gthread:8:preload",
    "gunicorn:2:uvicorn:max-requests=5:jitter=2",
    "hypercorn:2:def",
];

#[test]
fn applications_read_well() {
    let scenario = scenario(STEPS);
    for strategy in [
        "uvicorn:2:keep-alive",
        "uvicorn:2:def",
        "gunicorn:2:gthread:8:preload",
    ] {
        let program = program(&scenario, strategy);
        let text = program.text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::with_settings!({omit_expression => true}, {
            insta::assert_snapshot!(format!("application_{}", program.stem), text);
        });
    }
}

/// The random numbers of an application's requests are those of the tasks of other programs, whatever the server is.
#[test]
fn a_request_draws_what_its_task_draws() {
    let scenario = scenario(STEPS);
    let plain = program(&scenario, "threads:4");
    let plain: Vec<Value> = table(&plain.text);
    assert_eq!(plain.len(), 12);
    for strategy in SERVERS {
        let served = program(&scenario, strategy);
        let lines: Vec<Value> = (served.data.as_deref().unwrap().lines())
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(lines, plain, "{strategy}");
    }
}

/// The random numbers in a program's own table.
fn table(text: &str) -> Vec<Value> {
    let rows = text.split("def workload():").nth(1).unwrap().lines();
    rows.filter(|l| l.starts_with("        ("))
        .map(|l| {
            let draws = l.trim().trim_end_matches("),");
            let start = draws.find(", [").unwrap() + 2;
            serde_json::from_str(&draws[start..]).unwrap()
        })
        .collect()
}

/// Asks an application for all its tasks as a server would, and prints the statuses.
const ASK: &str = r#"
import asyncio, importlib, json, os, sys

module = importlib.import_module(sys.argv[1])
paths = json.loads(sys.argv[2])


async def asgi():
    started, messages = asyncio.Event(), asyncio.Queue()
    await messages.put({"type": "lifespan.startup"})

    async def send(message):
        assert message["type"] in ("lifespan.startup.complete", "lifespan.shutdown.complete"), message
        started.set()

    lifespan = asyncio.ensure_future(module.app({"type": "lifespan"}, messages.get, send))
    await started.wait()

    async def one(path):
        said = []

        async def send(message):
            said.append(message)

        await module.app({"type": "http", "path": path}, None, send)
        assert [m["type"] for m in said] == ["http.response.start", "http.response.body"]
        assert dict(said[0]["headers"])[b"content-length"] == b"%d" % len(said[1]["body"])
        return said[0]["status"]

    answers = await asyncio.gather(*map(one, paths))
    await messages.put({"type": "lifespan.shutdown"})
    await lifespan
    return answers


def wsgi(path):
    said = []
    body = module.app({"PATH_INFO": path}, lambda status, headers: said.append((status, dict(headers))))
    [(status, headers)] = said
    assert headers["Content-Length"] == str(sum(map(len, body)))
    return int(status.split()[0])


if asyncio.iscoroutinefunction(module.app):
    print(json.dumps(asyncio.run(asgi())))
else:
    print(json.dumps([wsgi(path) for path in paths]))
"#;

/// Of each server: all tasks are answered, some of them fail and some are given up, as they have drawn; and other paths are nobody's.
#[test]
fn every_application_answers() {
    let Some(python) = world::python() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    // AnyIO is not of the standard library: what of it is used, as it is said to be.
    fs::create_dir(dir.path().join("anyio")).unwrap();
    fs::write(dir.path().join("anyio/__init__.py"), "").unwrap();
    let run_sync = "import asyncio\n\n\nasync def run_sync(f, *args):\n    return await asyncio.get_running_loop().run_in_executor(None, f, *args)\n";
    fs::write(dir.path().join("anyio/to_thread.py"), run_sync).unwrap();
    fs::write(dir.path().join("ask.py"), ASK).unwrap();
    fs::create_dir(dir.path().join("ready")).unwrap();
    let plans = plans(&scenario(STEPS), SERVERS);
    assert!(plans.left_out.is_empty(), "{:?}", plans.left_out);
    for planned in &plans.planned {
        let program = &planned.program;
        for (name, text) in program.files() {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let mut paths: Vec<String> = (0..12)
            .map(|n| {
                let served = program.served.as_ref().unwrap();
                served.path(n).unwrap().to_owned()
            })
            .collect();
        paths.extend(["/".into(), "/nobody/3".into()]);
        let out = tool(&python.path, dir.path())
            .args(["-W", "ignore", "ask.py", &program.stem])
            .arg(serde_json::to_string(&paths).unwrap())
            .env("PCHSIM_READY", "ready")
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{}: {err}", planned.label);
        let statuses: Vec<u16> = serde_json::from_slice(&out.stdout).unwrap();
        let count = |status| statuses[..12].iter().filter(|s| **s == status).count();
        assert_eq!(statuses[12..], [404, 404], "{}", planned.label);
        let of_tasks = count(200) + count(503) + count(504);
        assert_eq!(of_tasks, 12, "{}: {statuses:?}", planned.label);
        assert!(
            count(200) > 4 && count(503) > 0,
            "{}: {statuses:?}",
            planned.label
        );
    }
    // Each of them said that it was there, in a process of its own.
    let said = fs::read_dir(dir.path().join("ready")).unwrap().count();
    assert_eq!(said, SERVERS.len());
}

#[test]
fn every_application_compiles_on_every_python() {
    let dir = tempfile::tempdir().unwrap();
    for planned in &plans(&scenario(STEPS), SERVERS).planned {
        let file = format!("{}.py", planned.program.stem);
        fs::write(dir.path().join(file), &planned.program.text).unwrap();
    }
    for python in pythons() {
        let compiled = tool(&python.path, dir.path())
            .args(["-W", "error", "-m", "compileall", "-q", "-f", "."])
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&compiled.stdout);
        assert!(
            compiled.status.success(),
            "CPython {}: {out}",
            python.version
        );
    }
}

/// What cannot be run is named, with why and what can be run instead.
#[test]
fn what_no_application_can_be_is_said() {
    let workload = |arrivals: &str, steps: &str, more: &str| {
        scenario(&format!(
            r#"(schema: 1, name: "r", workload: (arrivals: {arrivals}, tasks: [(name: "t", {} steps: [{steps}])], {more}))"#,
            if arrivals == "Batch" { "count: 3," } else { "" }
        ))
    };
    let poisson = "Poisson(rate: 10, count: 5)";
    let io = r#"Io("1ms")"#;
    let fan = r#"FanOut(2, [Io("1ms")])"#;
    let lock = r#"Lock("all", [Cpu("1ms")])"#;
    let locks = r#"locks: {"all": (shared: true)}"#;
    let cases = [
        (
            poisson,
            io,
            "",
            "celery:8:prefork",
            "--strategy 'pool:8:fork:1'",
        ),
        (
            poisson,
            io,
            "",
            "celery:9:threads",
            "--strategy 'threads:9'",
        ),
        (
            "Batch",
            io,
            "",
            "uvicorn:2",
            "--strategy 'prefork:2(asyncio)'",
        ),
        (
            r#"Closed(users: 2, think: "1ms", count: 4)"#,
            io,
            "",
            "gunicorn:2:gthread:4",
            "--strategy 'prefork:2(threads:4)'",
        ),
        (
            poisson,
            fan,
            "",
            "gunicorn:2:gthread:4",
            "to which an application has no access",
        ),
        (poisson, lock, locks, "uvicorn:2", "share the lock \"all\""),
    ];
    for (arrivals, steps, more, strategy, why) in cases {
        let plans = plans(&workload(arrivals, steps, more), &[strategy]);
        assert!(plans.planned.is_empty(), "{strategy}");
        let left = &plans.left_out[0];
        assert_eq!(left.label, strategy);
        assert!(left.why.contains(why), "{strategy}: {}", left.why);
        // What is advised can be read.
        if let Some((_, rest)) = left.why.split_once("--strategy '") {
            let advised = rest.trim_end_matches('\'');
            assert!(pchsim::syntax::parse_strategy(advised).is_ok(), "{advised}");
        }
    }
    // A single worker shares with nobody, and children of a loop are its own.
    for (steps, more, strategy) in [(lock, locks, "uvicorn:1"), (fan, "", "hypercorn:2")] {
        let plans = plans(&workload(poisson, steps, more), &[strategy]);
        assert!(plans.left_out.is_empty(), "{:?}", plans.left_out);
    }
}

const PACKAGES: [(&str, &str); 6] = [
    ("uvicorn", "0.54.0"),
    ("gunicorn", "27.0.1"),
    ("hypercorn", "0.18.0"),
    ("uvicorn-worker", "0.4.0"),
    ("h11", "0.16.0"),
    ("anyio", "4.16.0"),
];

/// A directory that looks like an environment with all packages, but for those `without`, whose uvicorn is this program.
fn environment(world: &World, uvicorn: &str, without: &str) -> Option<PathBuf> {
    let python = world::python()?.path;
    let home = world.dir().join("home-of-servers");
    let packages = home.join("packages");
    for folder in [
        "bin",
        "packages/uvicorn/protocols/http",
        "packages/uvicorn/protocols/websockets",
        "packages/uvicorn/lifespan",
        "packages/uvicorn/loops",
        "packages/uvicorn/supervisors",
    ] {
        fs::create_dir_all(home.join(folder)).unwrap();
    }
    fs::write(home.join("pyvenv.cfg"), "").unwrap();
    for module in [
        "uvicorn/__init__",
        "uvicorn/main",
        "uvicorn/protocols/__init__",
        "uvicorn/protocols/http/__init__",
        "uvicorn/protocols/http/auto",
        "uvicorn/protocols/websockets/__init__",
        "uvicorn/protocols/websockets/auto",
        "uvicorn/lifespan/__init__",
        "uvicorn/lifespan/on",
        "uvicorn/loops/__init__",
        "uvicorn/loops/auto",
        "uvicorn/supervisors/__init__",
    ] {
        fs::write(packages.join(format!("{module}.py")), "").unwrap();
    }
    fs::write(packages.join("uvicorn/__main__.py"), uvicorn).unwrap();
    for (name, version) in PACKAGES.iter().filter(|(name, _)| *name != without) {
        let info = packages.join(format!("{}-{version}.dist-info", name.replace('-', "_")));
        fs::create_dir(&info).unwrap();
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        fs::write(info.join("METADATA"), metadata).unwrap();
    }
    let script = format!(
        "#!/bin/sh\nPYTHONPATH={} exec {} \"$@\"\n",
        packages.display(),
        python.display()
    );
    world::script(&home.join("bin/python"), &script);
    Some(home)
}

const ASKED: &str = r#"(
    schema: 1, name: "asked", machine: (cores: 2),
    workload: (
        arrivals: Poisson(rate: 60, count: 40),
        tasks: [
            (name: "page", weight: 3, steps: [Cpu("1ms"), Io("30ms")]),
            (name: "broken", steps: [Fail(1.0)]),
        ],
        imports: (time: "10ms", memory: "1MB"),
    ),
)"#;

fn verified(name: &str, uvicorn: &str, without: &str, more: &str) -> Option<Said> {
    shown(name, uvicorn, without, &format!("--format json {more}"))
}

/// The same in another format.
fn shown(name: &str, uvicorn: &str, without: &str, more: &str) -> Option<Said> {
    let world = World::with(
        "asked.ron",
        ASKED.replace("\"asked\"", &format!("{name:?}")),
    );
    let home = environment(&world, uvicorn, without)?;
    let line = format!("verify asked.ron --strategy uvicorn:2 --runs 1 {more}");
    let mut command = world.command(&line);
    command.arg("--venv").arg(&home);
    Some(command.output().unwrap().into())
}

/// From the scenario to the figures: the server is started, asked at the forecast's times, and ended.
#[cfg(target_os = "linux")]
#[test]
fn a_server_is_started_asked_and_ended() {
    for more in ["", "--cores 1"] {
        let Some(said) = verified("left behind", include_str!("uvicorn.py"), "", more) else {
            return;
        };
        assert_eq!(said.code, Some(0), "{}", said.err);
        let result: Value = serde_json::from_str(&said.out).unwrap();
        let row = &result["strategies"][0];
        assert_eq!(row["strategy"], "uvicorn:2", "{result}");
        let failed = row["failed"]["measured"].as_f64().unwrap();
        assert!(failed > 2.0 && row["failed"]["forecast"] == failed, "{row}");
        let measured = |what: &str| row[what]["measured"].as_f64().unwrap();
        // However slow the machine is, nothing is faster than it can be.
        assert!(
            measured("p50") >= 0.031 && measured("p99") >= 0.031,
            "{row}"
        );
        assert!(measured("makespan") > 0.3, "{row}");
        assert!(measured("memory") > 5e6 && measured("cpu") >= 0.02, "{row}");
        let client = &row["client"];
        assert_eq!(client["requests"], 40);
        assert_eq!(
            (&client["refused"], &client["broken"]),
            (&0.into(), &0.into())
        );
        let apart = !more.is_empty() && std::thread::available_parallelism().unwrap().get() > 1;
        assert_eq!(client["apart"], apart);
        let notes = row["notes"].to_string();
        assert!(notes.contains("the client used"), "{notes}");
    }
    // Whatever was started is gone.
    let ps = tool("ps", Path::new("/")).args(["-eo", "args"]).output();
    if let Ok(ps) = ps {
        assert!(!String::from_utf8_lossy(&ps.stdout).contains("left_behind_uvicorn_2:app"));
    }
}

/// What failed stands beside what the others took, and nothing is said of the speed of a machine that is faster than the profile's that would
/// mean a busy one.
#[cfg(target_os = "linux")]
#[test]
fn failures_are_in_the_table() {
    let Some(said) = shown("asked", include_str!("uvicorn.py"), "", "") else {
        return;
    };
    let row = said.out.lines().find(|l| l.contains(" failed "));
    let row: Vec<&str> = row
        .unwrap_or_else(|| panic!("{}", said.out))
        .split_whitespace()
        .collect();
    assert!(row.len() == 3 && row[1] == row[2], "{row:?}");
}

/// What can be no environment is said to be none, and nothing is said to run.
#[test]
fn a_file_is_no_environment() {
    let Some(python) = world::python() else {
        return;
    };
    let world = World::with("asked.ron", ASKED);
    let mut command =
        world.command("verify asked.ron --strategy uvicorn:2 --runs 1 --venv asked.ron");
    command.arg("--python").arg(&python.path);
    let said: Said = command.output().unwrap().into();
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.out.contains("is no directory"), "{}", said.out);
    assert!(!said.err.contains("running"), "{}", said.err);
}

/// A server that does not come up, one whose application makes mistakes, and one that ends in the middle.
#[test]
fn servers_that_fail_say_why() {
    let stand_in = include_str!("uvicorn.py");
    let wrong = stand_in.replace(
        "await app({\"type\": \"http\"",
        "await app({\"type\": \"http\", \"path\": 3}) or ({\"type\": \"http\"",
    );
    let ends = stand_in.replace(
        "        path = head",
        "        if head.startswith(\"GET /task\"): os._exit(3)\n        path = head",
    );
    let cases = [
        (
            "raise SystemExit('no such option: --workers')\n",
            "no such option: --workers",
        ),
        (&wrong, "TypeError"),
        (&ends, "it failed"),
    ];
    for (uvicorn, why) in cases {
        let Some(said) = verified("asked", uvicorn, "", "") else {
            return;
        };
        assert_eq!(said.code, Some(1), "{}", said.err);
        let result: Value = serde_json::from_str(&said.out).unwrap();
        let failure = result["failures"][0].to_string();
        assert!(failure.contains(why), "{failure}");
        assert!(failure.contains("uvicorn:2"), "{failure}");
    }
}

/// Nothing is installed into an environment of the user's.
#[test]
fn an_environment_without_a_server_is_named() {
    let Some(said) = verified("asked", "", "hypercorn", "") else {
        return;
    };
    assert_eq!(said.code, Some(1), "{}", said.err);
    let result: Value = serde_json::from_str(&said.out).unwrap();
    let left = result["left_out"][0].to_string();
    assert!(left.contains("lacks hypercorn"), "{left}");
    assert!(left.contains("-m pip install"), "{left}");
}

/// Without a network, or without `venv`, it is said what to do: here the registry is a closed port of this machine.
#[test]
fn a_registry_out_of_reach_is_named() {
    let Some(python) = world::python() else {
        return;
    };
    let world = World::with("asked.ron", ASKED);
    let mut command = world.command("verify asked.ron --strategy uvicorn:2 --runs 1 --format json");
    command
        .env("HOME", world.dir())
        .env_remove("XDG_CACHE_HOME");
    command
        .env("PIP_INDEX_URL", "http://127.0.0.1:9/")
        .env("PIP_RETRIES", "0");
    command.env("PIP_CONFIG_FILE", "/dev/null");
    command.arg("--python").arg(&python.path);
    let said: Said = command.output().unwrap().into();
    assert_eq!(said.code, Some(1), "{}", said.err);
    let result: Value = serde_json::from_str(&said.out).unwrap();
    let left = result["left_out"][0].to_string();
    assert!(left.contains("--venv DIR"), "{left}");
}
