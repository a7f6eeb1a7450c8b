//! Small real programs, recorded on every CPython that is found. What is asserted holds on a busy machine: sleeps are never
//! shorter than asked for, and CPU time is counted, not wall time.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pchsim::host::discover;
use pchsim::learn::{Scope, StepKind, Trace, TraceOptions, TraceRow};
use pchsim::scenario::strategy_label;
use predicates::prelude::*;

use crate::world::{pchsim, pchsim_in, tool};

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn pythons() -> Vec<PathBuf> {
    let found: Vec<PathBuf> = discover().0.into_iter().map(|i| i.path).collect();
    if found.is_empty() {
        eprintln!("skipped: no python3 is found");
    }
    found
}

const THREADS: &str = r#"
import sys, time
from concurrent.futures import ThreadPoolExecutor

def burn(seconds):
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass

def page(n):
    time.sleep(0.010)
    burn(0.004)
    return n

print("input:", sys.stdin.readline().strip(), sys.argv[1:])
with ThreadPoolExecutor(3) as pool:
    assert list(pool.map(page, range(20))) == list(range(20))
"#;

const ASYNCIO: &str = r"
import asyncio, time

def burn(seconds):
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass

async def fetch(n, lock):
    await asyncio.sleep(0.010)
    burn(0.003)
    async with lock:
        await asyncio.to_thread(burn, 0.002)
    return n

async def main():
    lock = asyncio.Lock()
    assert await asyncio.gather(*(fetch(n, lock) for n in range(20))) == list(range(20))

asyncio.run(main())
";

const PROCESSES: &str = r#"
import multiprocessing, time
from concurrent.futures import ProcessPoolExecutor

def work(data):
    start = time.thread_time()
    while time.thread_time() - start < 0.004:
        pass
    return data[:100]

def item(n):
    time.sleep(0.005)
    return n

if __name__ == "__main__":
    for method in ("fork", "spawn"):
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
            assert all(f.result() == b"x" * 100 for f in [pool.submit(work, b"x" * 5000) for _ in range(10)])
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(item, range(12)) == list(range(12))
"#;

const LOCKS: &str = r"
import threading, time
from concurrent.futures import ThreadPoolExecutor

ledger = threading.Lock()
again = threading.RLock()

def order(n):
    with ledger:
        time.sleep(0.004)
    with again, again:
        time.sleep(0.002)

assert isinstance(ledger, type(threading.Lock()))
with ThreadPoolExecutor(4) as pool:
    list(pool.map(order, range(16)))
assert not ledger.locked()
";

/// Tasks burn within and outside of what they hold: 4 and 1 ms under the lock and the semaphore, 3 and 6 ms elsewhere.
const HELD: &str = r"
import asyncio, threading, time
from concurrent.futures import ThreadPoolExecutor

def burn(seconds):
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass

ledger = threading.Lock()
limit = threading.BoundedSemaphore(2)

def order(n):
    burn(0.003)
    with ledger:
        burn(0.004)
    time.sleep(0.002)
    with limit:
        time.sleep(0.002)
        burn(0.001)
    burn(0.006)

async def fetch(lock, few):
    burn(0.003)
    async with lock:
        burn(0.004)
    await asyncio.sleep(0.002)
    async with few:
        await asyncio.sleep(0.002)
        burn(0.001)
    burn(0.006)

async def main():
    page = asyncio.Lock()
    few = asyncio.BoundedSemaphore(2)
    await asyncio.gather(*(fetch(page, few) for _ in range(12)))

with ThreadPoolExecutor(3) as pool:
    list(pool.map(order, range(12)))
asyncio.run(main())
";

const WORKERS: &str = r"
import queue, threading, time

def worker(orders):
    while True:
        n = orders.get()
        time.sleep(0.005)
        orders.task_done()

orders = queue.Queue()
for _ in range(3):
    threading.Thread(target=worker, args=(orders,), daemon=True).start()
for n in range(40):
    orders.put(n)
orders.join()
";

const CHUNKS: &str = r#"
import asyncio, multiprocessing, time
from concurrent.futures import ProcessPoolExecutor

def item(n):
    time.sleep(0.004)

def parse(text):
    time.sleep(0.003)
    return "x" * 100

async def page(pool):
    return await asyncio.get_running_loop().run_in_executor(pool, parse, "x" * 5000)

async def pages(pool):
    await asyncio.gather(*(page(pool) for _ in range(4)))

if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(item, range(40), chunksize=5))
        asyncio.run(pages(pool))
"#;

/// Records a program and reads the kept trace; the scenario has to pass the check.
fn recorded(python: &Path, text: &str, more: &[&str]) -> (Trace, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("program.py"), text).unwrap();
    let assert = pchsim_in(&dir)
        .env("TMPDIR", dir.path())
        .args(["record", "--keep-trace", "rows.jsonl"])
        .args(more)
        .arg("--")
        .arg(python)
        .args(["program.py", "--flag"])
        .write_stdin("hello\n")
        .timeout(Duration::from_secs(60))
        .assert();
    let assert = assert.code(0);
    let stdout = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    pchsim()
        .arg("check")
        .arg(path("recorded.ron"))
        .assert()
        .code(0);
    let trace = Trace::read(&path("rows.jsonl"), &TraceOptions::default()).unwrap();
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        3,
        "nothing else is left"
    );
    (trace, stdout)
}

/// The number of tasks of a class, and the mean seconds that they spent in a kind.
fn spent(trace: &Trace, class: &str, kind: StepKind) -> (usize, f64) {
    let class = trace
        .classes
        .iter()
        .position(|c| c == class)
        .expect("a class of this name");
    let mut tasks = std::collections::HashSet::new();
    let mut sum = 0;
    for row in trace.rows.iter().filter(|r| r.class as usize == class) {
        tasks.insert(row.task);
        if row.kind == kind {
            sum += row.end - row.start;
        }
    }
    (tasks.len(), sum as f64 / 1e9 / tasks.len() as f64)
}

fn near(value: f64, wanted: f64, what: &str, python: &Path) {
    assert!(
        value >= 0.95 * wanted && value < 1.5 * wanted + 0.002,
        "{what}: {value} for {wanted} on {}",
        python.display()
    );
}

/// A lock is a row from when it is had, and waiting for it is none of its time: 4 ms, however many wait.
#[test]
fn locks_of_threads() {
    for python in pythons() {
        let (trace, stdout) = recorded(&python, LOCKS, &[]);
        assert_eq!(trace.locks, ["ledger", "again"], "{stdout}");
        for (lock, wanted) in [(0, 0.004), (1, 0.002)] {
            let kind = StepKind::Within(Scope::Lock(lock));
            assert_eq!(trace.rows.iter().filter(|r| r.kind == kind).count(), 16);
            near(spent(&trace, "order", kind).1, wanted, "a lock", &python);
        }
    }
}

/// CPU time is on the side of an acquire or a release on which it was used.
#[test]
fn cpu_within_and_outside_of_what_is_held() {
    for python in pythons() {
        let (trace, stdout) = recorded(&python, HELD, &[]);
        assert_eq!(trace.locks, ["ledger", "page"], "{stdout}");
        assert_eq!(trace.resources.len(), 2, "{stdout}");
        for class in ["order", "fetch"] {
            let number = trace.classes.iter().position(|c| c == class).unwrap();
            let rows = || trace.rows.iter().filter(|r| r.class as usize == number);
            // A row counts as within if it begins there, as where the scenario is made.
            let within = |holds: fn(StepKind) -> bool| {
                let mut sum = 0;
                for held in rows().filter(|r| holds(r.kind)) {
                    let inner = rows().filter(|r| {
                        let begins = held.start <= r.start && r.start < held.end;
                        r.task == held.task && r.kind == StepKind::Cpu && begins
                    });
                    sum += inner.map(|r| r.end - r.start).sum::<i64>();
                }
                sum as f64 / 1e9 / 12.0
            };
            let locked = within(|k| matches!(k, StepKind::Within(Scope::Lock(_))));
            near(locked, 0.004, "under the lock", &python);
            let used = within(|k| matches!(k, StepKind::Within(Scope::Use(_))));
            near(used, 0.001, "with the semaphore", &python);
            let (tasks, all) = spent(&trace, class, StepKind::Cpu);
            assert_eq!(tasks, 12);
            near(all - locked - used, 0.009, "outside", &python);
        }
    }
}

/// Workers that take their work from a queue have a task for each item, though they never end.
#[test]
fn workers_on_a_queue() {
    for python in pythons() {
        let (trace, stdout) = recorded(&python, WORKERS, &[]);
        let (tasks, io) = spent(&trace, "worker", StepKind::Io);
        // A worker's last item is not over for as long as it does not come back.
        assert!((36..=40).contains(&tasks), "{tasks} tasks: {stdout}");
        near(io, 0.005, "an item", &python);
        assert!(stdout.contains("of threads:3: recorded"), "{stdout}");
    }
}

/// The chunks of a map are the strategy's, and what an offloaded call sends stands in the offload.
#[test]
fn chunks_and_payloads_of_offloads() {
    for python in pythons() {
        let (trace, stdout) = recorded(&python, CHUNKS, &[]);
        let hows: Vec<String> = trace
            .facts
            .ran
            .iter()
            .map(|r| strategy_label(&r.how))
            .collect();
        assert!(
            hows.contains(&"processes:2:fork:5".to_owned()),
            "{hows:?}: {stdout}"
        );
        let sent = |r: &&TraceRow| matches!(r.kind, StepKind::PayloadIn(n) if n > 5000);
        assert_eq!(trace.rows.iter().filter(sent).count(), 4, "{stdout}");
    }
}

#[test]
fn tasks_of_a_thread_pool() {
    for python in pythons() {
        let (trace, stdout) = recorded(&python, THREADS, &[]);
        assert!(
            stdout.starts_with("input: hello ['--flag']\n") && stdout.contains("KS D"),
            "{stdout}"
        );
        let (tasks, cpu) = spent(&trace, "page", StepKind::Cpu);
        assert_eq!(tasks, 20);
        near(cpu, 0.004, "cpu", &python);
        assert!(spent(&trace, "page", StepKind::Io).1 >= 0.0099);
    }
}

/// The loop is blocked by other tasks for up to 57 ms while a task's own wait is over after 10: that is no I/O of it. What is
/// offloaded belongs to the task, waiting for the lock does not, and the task that `run()` itself drives is none.
#[test]
fn tasks_of_asyncio() {
    for python in pythons() {
        let (trace, _) = recorded(&python, ASYNCIO, &[]);
        assert_eq!(trace.classes, ["fetch"]);
        let (tasks, cpu) = spent(&trace, "fetch", StepKind::Cpu);
        assert_eq!(tasks, 20);
        near(cpu, 0.005, "cpu", &python);
        near(spent(&trace, "fetch", StepKind::Io).1, 0.010, "io", &python);
        assert!(spent(&trace, "fetch", StepKind::Wait).1 > 0.010);
    }
}

#[test]
fn tasks_of_processes() {
    for python in pythons() {
        let (trace, _) = recorded(&python, PROCESSES, &[]);
        let (tasks, cpu) = spent(&trace, "work", StepKind::Cpu);
        assert_eq!(tasks, 20);
        near(cpu, 0.004, "cpu", &python);
        assert_eq!(spent(&trace, "item", StepKind::Cpu).0, 12);
        assert!(spent(&trace, "item", StepKind::Io).1 >= 0.0049);
        let size = |k: &StepKind| matches!(k, StepKind::PayloadIn(n) if (5_000..5_500).contains(n));
        assert!(
            trace.rows.iter().filter(|r| size(&r.kind)).count() == 20,
            "payloads are measured"
        );
    }
}

/// With one worker no two tasks overlap.
#[test]
fn sequential_recording_has_one_worker() {
    for python in pythons().into_iter().take(1) {
        let (trace, _) = recorded(&python, THREADS, &["--sequential"]);
        let mut ends = 0;
        let mut rows: Vec<_> = trace
            .rows
            .iter()
            .filter(|r| r.kind != StepKind::Wait)
            .collect();
        rows.sort_by_key(|r| r.start);
        for row in rows {
            assert!(row.start >= ends, "side by side");
            ends = row.end;
        }
    }
}

/// The recorder's own interface, in a copy of it.
#[test]
fn tasks_marked_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    pchsim()
        .args(["record", "--emit-recorder"])
        .arg(at("pchsim_recorder.py"))
        .assert()
        .code(0);
    let text = "import time\nfrom pchsim_recorder import task, step\nfor n in range(12):\n    with task('page', n):\n        with step('io'):\n            \
                time.sleep(0.003)\n        with step('lock:db'):\n            sum(range(20000))\n";
    std::fs::write(at("program.py"), text).unwrap();
    for python in pythons() {
        let run = tool(&python, dir.path())
            .arg("program.py")
            .output()
            .unwrap();
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        let trace = Trace::read(&at("pchsim-trace.jsonl"), &TraceOptions::default()).unwrap();
        assert_eq!((trace.classes.len(), trace.locks.len()), (1, 1));
        assert!(spent(&trace, "page", StepKind::Io).1 >= 0.0029);
        pchsim()
            .args(["record", "--trace"])
            .arg(at("pchsim-trace.jsonl"))
            .assert()
            .code(0)
            .stdout(predicate::str::contains("Lock(\"db\", ["));
        std::fs::remove_file(at("pchsim-trace.jsonl")).unwrap();
    }
}

/// A failed program's exit code is said, and what it did before is kept; one without tasks is an error; a limit ends all.
#[test]
fn programs_that_fail_do_nothing_or_hang() {
    let Some(python) = pythons().into_iter().next() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let record = |text: &str, more: &[&str]| {
        std::fs::write(dir.path().join("p.py"), text).unwrap();
        let mut c = pchsim_in(&dir);
        c.args(["record", "--force"])
            .args(more)
            .arg("--")
            .arg(&python)
            .arg("p.py");
        c.timeout(Duration::from_secs(60)).assert()
    };
    let failing = format!(
        "{}\nsys.exit(3)\n",
        THREADS.replace("sys.stdin.readline().strip()", "1")
    );
    record(&failing, &[]).code(1).stderr(
        predicate::str::contains("ended with exit code 3")
            .and(predicate::str::contains("recorded up to then")),
    );
    pchsim()
        .arg("check")
        .arg(dir.path().join("recorded.ron"))
        .assert()
        .code(0);
    record("print(1)\n", &[]).code(2).stderr(
        predicate::str::contains("no task was recorded")
            .and(predicate::str::contains("--emit-recorder")),
    );
    record("raise SystemExit(4)\n", &[])
        .code(1)
        .stderr(predicate::str::contains("exit code 4"));
    let hanging = "import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(50)'])\ntime.sleep(50)\n";
    let begin = Instant::now();
    record(hanging, &["--limit", "1s"])
        .code(1)
        .stderr(predicate::str::contains("was ended after 1 s"));
    assert!(begin.elapsed() < Duration::from_secs(20));
    pchsim()
        .args(["record", "-o"])
        .arg(dir.path().join("x.ron"))
        .args(["--", "no-such-program-anywhere"])
        .assert()
        .code(2)
        .stderr(
            predicate::str::contains("no-such-program-anywhere")
                .and(predicate::str::contains("after -- stands")),
        );
}

/// A `sitecustomize` of the user's own still runs, and `sys.path` is as without the recorder.
#[test]
fn the_recorder_leaves_no_trace_in_the_program() {
    for python in pythons() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("sitecustomize.py"),
            "import sys\nsys.mine = 7\n",
        )
        .unwrap();
        let text = "import sys, time\nfrom concurrent.futures import ThreadPoolExecutor\nprint(sys.mine, [p for p in sys.path if 'pchsim' in p])\n\
                    with ThreadPoolExecutor(1) as pool:\n    pool.submit(time.sleep, 0.01).result()\n";
        std::fs::write(dir.path().join("p.py"), text).unwrap();
        pchsim_in(&dir)
            .env("PYTHONPATH", dir.path())
            .args(["record", "--"])
            .arg(&python)
            .arg("p.py")
            .assert()
            .code(0)
            .stdout(predicate::str::starts_with("7 []\n").and(predicate::str::contains("sleep")));
    }
}

const RELEASES: &str = r"
import hashlib, os, time
from concurrent.futures import ThreadPoolExecutor

block, null = bytes(1 << 23), os.open(os.devnull, os.O_RDONLY)

def seeks(n):
    end = time.thread_time() + 0.05
    while time.thread_time() < end:
        for _ in range(100):
            os.lseek(null, 0, 1)

def spins(n):
    end, x = time.thread_time() + 0.05, 0
    while time.thread_time() < end:
        for i in range(1000):
            x = (x * 31 + i) & 0xFFFFFF

def hashes(n):
    for _ in range(10):
        hashlib.sha256(block).digest()

with ThreadPoolExecutor(3) as pool:
    for work in (seeks, spins, hashes):
        list(pool.map(work, range(20)))
";

/// What gives the GIL up, what keeps it, and what runs without it are told apart, on a busy machine, too.
#[test]
fn releases_are_seen() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for python in pythons() {
        let (trace, _) = recorded(&python, RELEASES, &["--releases"]);
        // One core, no Linux, or another build of Python: nothing to see.
        if cores < 2 || !cfg!(target_os = "linux") || trace.gil.is_empty() {
            continue;
        }
        let seen = |class: &str| {
            let place = trace.classes.iter().position(|c| c == class).unwrap();
            trace.gil.get(place).copied().unwrap_or_default()
        };
        let (seeks, spins, hashes) = (seen("seeks"), seen("spins"), seen("hashes"));
        let rate =
            |w: pchsim::learn::GilObservation| w.releases as f64 / (w.time as f64 / 1e6).max(1e-9);
        // Thousands a millisecond where the cores are free, some tens in the worst company; or nothing but what other threads do.
        assert!(rate(seeks) > 20.0, "{seeks:?}");
        assert!(rate(spins) < 10.0, "{spins:?}");
        assert!(
            hashes.released as f64 > 0.9 * hashes.time as f64,
            "{hashes:?}"
        );
    }
}

const SEMAPHORE: &str = r"
import asyncio

async def fetch(limit):
    async with limit:
        await asyncio.sleep(0.05)

async def main():
    limit = asyncio.Semaphore(20)
    await asyncio.gather(*[fetch(limit) for _ in range(200)])

asyncio.run(main())
";

const POOL: &str = r"
import time
from concurrent.futures import ThreadPoolExecutor

def fetch(n):
    time.sleep(0.03)

with ThreadPoolExecutor(5) as pool:
    list(pool.map(fetch, range(60)))
";

const NO_LIMIT: &str = r"
import asyncio

async def fetch(n):
    await asyncio.sleep(0.05 + n / 4000)

async def main():
    await asyncio.gather(*[fetch(n) for n in range(200)])

asyncio.run(main())
";

/// A semaphore's and a pool's limit is written into the scenario, and the forecast keeps it; a load that has none gets none.
#[test]
fn a_limit_of_the_program_is_kept() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for python in pythons() {
        for (program, limit, best) in [
            (SEMAPHORE, None, Some(("asyncio", 0.5, 0.6))),
            (POOL, Some(5), Some(("threads:5", 0.36, 0.45))),
            (NO_LIMIT, None, None),
        ] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("p.py"), program).unwrap();
            let output = pchsim_in(&dir)
                // On a busy machine even one loop's tasks come one by one.
                .args(["record", "--arrivals", "batch", "-o", "p.ron", "--"])
                .arg(&python)
                .arg("p.py")
                .output()
                .unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success(), "{said}");
            let text = std::fs::read_to_string(dir.path().join("p.ron")).unwrap();
            assert!(
                text.contains(&format!("machine: (cores: {cores}, memory: \"")),
                "{text}"
            );
            let resource = text.contains("\"limit\": Semaphore(count: 20)");
            assert_eq!(resource, program == SEMAPHORE, "{text}");
            let note = limit.map(|n| format!("at most {n} tasks were under way at once"));
            assert!(note.is_none_or(|n| said.contains(&n)), "{said}");
            let Some((strategy, least, most)) = best else {
                continue;
            };
            assert!(text.contains(&format!("\"{strategy}\"")), "{text}");
            let made = pchsim_in(&dir)
                .args(["run", "p.ron", "--replications", "2", "-q", "-o", "p.json"])
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
            let json = std::fs::read_to_string(dir.path().join("p.json")).unwrap();
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            let cases = json["cases"].as_array().unwrap();
            let case = cases.iter().find(|c| c["strategy"] == strategy).unwrap();
            let makespan = case["estimates"]["makespan_s"]["mean"]
                .as_f64()
                .unwrap_or_else(|| panic!("{case}"));
            // On a busy machine the recorded tasks themselves were longer.
            assert!(
                (least..most * 2.0).contains(&makespan),
                "{strategy}: {makespan}"
            );
        }
    }
}
