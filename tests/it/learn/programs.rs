//! What the recorder finds in real programs beside their steps: resources, pools, blocked loops, rounds, requests, what is no task.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pchsim::host::discover;

use crate::world::pchsim_in;

fn pythons() -> Vec<PathBuf> {
    discover().0.into_iter().map(|i| i.path).collect()
}

/// The scenario of a recorded program, what is printed, and what is said.
fn recorded(python: &Path, files: &[(&str, &str)], more: &[&str]) -> (String, String, String) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let output = pchsim_in(&dir)
        .env("TMPDIR", dir.path())
        .args(["record", "-o", "p.ron"])
        .args(more)
        .arg("--")
        .arg(python)
        .arg(files[0].0)
        .timeout(Duration::from_secs(60))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{}: {said}", python.display());
    pchsim_in(&dir).args(["check", "p.ron"]).assert().code(0);
    let ron = std::fs::read_to_string(dir.path().join("p.ron")).unwrap();
    (ron, String::from_utf8(output.stdout).unwrap(), said)
}

const BURN: &str = "
import asyncio, queue, threading, time
from concurrent.futures import ThreadPoolExecutor

def burn(seconds):
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass
";

/// A semaphore of threads and a queue of connections are resources with their sizes, under the names that the program has for them.
#[test]
fn semaphores_and_pools_of_threads() {
    let text = format!(
        "{BURN}
connections = queue.Queue()
for _ in range(3):
    connections.put(object())
gate = threading.Semaphore(5)

def job(n):
    with gate:
        c = connections.get()
        try:
            time.sleep(0.02)
        finally:
            connections.put(c)

with ThreadPoolExecutor(10) as pool:
    list(pool.map(job, range(40)))
"
    );
    for python in pythons() {
        let (ron, out, _) = recorded(&python, &[("p.py", &text)], &[]);
        assert!(ron.contains("\"gate\": Semaphore(count: 5)"), "{ron}");
        assert!(
            ron.contains("\"connections\": Semaphore(count: 3)"),
            "{ron}"
        );
        let uses = ron
            .find("Use(\"gate\", [")
            .zip(ron.find("Use(\"connections\", ["));
        assert!(uses.is_some_and(|(gate, inner)| gate < inner), "{ron}");
        assert!(ron.contains("strategies: [\"threads:10\""), "{ron}");
        assert!(out.contains("makespan of threads:10: recorded "), "{out}");
    }
}

/// A coroutine that blocks its loop, and what it offloads where.
#[test]
fn blocked_loops_and_offloaded_calls() {
    let text = format!(
        "{BURN}
async def fetch(pool):
    await asyncio.sleep(0.005)
    time.sleep(0.004)
    await asyncio.to_thread(burn, 0.002) if hasattr(asyncio, 'to_thread') else None
    await asyncio.get_running_loop().run_in_executor(pool, burn, 0.003)

async def main():
    with ThreadPoolExecutor(2) as pool:
        for _ in range(4):
            await asyncio.gather(*[fetch(pool) for _ in range(5)])

asyncio.run(main())
"
    );
    for python in pythons() {
        let (ron, ..) = recorded(&python, &[("p.py", &text)], &[]);
        assert!(ron.contains("Block("), "{ron}");
        assert!(ron.contains("Offload(["), "{ron}");
        assert!(ron.contains("Offload(to: \"threads-2\", steps: ["), "{ron}");
        assert!(ron.contains("+threads-2=threads:2\""), "{ron}");
        assert!(ron.contains("Rounds(count: 4"), "{ron}");
    }
}

/// A program that maps rounds, with work of its own between them.
#[test]
fn rounds_with_serial_work() {
    let text = format!(
        "{BURN}
def sim(n):
    time.sleep(0.02)

with ThreadPoolExecutor(4) as pool:
    for turn in range(8):
        list(pool.map(sim, range(8)))
        burn(0.015)
"
    );
    for python in pythons() {
        let (ron, out, said) = recorded(&python, &[("p.py", &text)], &[]);
        assert!(ron.contains("Rounds(count: 8, serial: [Cpu("), "{ron}");
        assert!(ron.contains("count: 8, // in each round"), "{ron}");
        assert!(said.contains("tasks come in 8 rounds"), "{said}");
        assert!(out.contains("serial Cpu"), "{out}");
    }
}

/// A program has as many serial parts as rounds if it begins or ends each with one, and one fewer if they lie between rounds: then the scenario's, of
/// which there is one before each, are shorter.
#[test]
fn serial_parts_before_after_and_between_rounds() {
    let program = |mode: &str| {
        format!(
            "{BURN}
def sim(n):
    time.sleep(0.05)

with ThreadPoolExecutor(4) as pool:
    for turn in range(3):
        if '{mode}' == 'before' or ('{mode}' == 'between' and turn):
            burn(0.1)
        list(pool.map(sim, range(8)))
        if '{mode}' == 'after':
            burn(0.1)
"
        )
    };
    for python in pythons() {
        for (mode, place) in [
            ("before", "// before each round: n 3"),
            ("after", "// before each round: n 3"),
            (
                "between",
                "// 2/3 of each of the 2 parts between rounds: n 2",
            ),
        ] {
            let (ron, out, said) = recorded(&python, &[("p.py", &program(mode))], &[]);
            assert!(
                ron.contains("Rounds(count: 3, serial: [Cpu("),
                "{mode}: {ron}"
            );
            assert!(ron.contains(place), "{mode}: {ron}");
            let shared = said.contains("comes before each in the scenario");
            assert_eq!(shared, mode == "between", "{mode}: {said}");
            assert!(out.contains("makespan of threads:4: recorded "), "{out}");
        }
    }
}

/// Maps with chunks of several sizes, workers that are replaced.
#[test]
fn chunks_and_workers_that_are_replaced() {
    let text = "
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

def job(n):
    return sum(range(20_000))

def other(n):
    return sum(range(10_000))

if __name__ == '__main__':
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('fork')) as pool:
        list(pool.map(job, range(100), chunksize=20))
        list(pool.map(job, range(30), chunksize=5))
";
    let replaced = "
import multiprocessing

def job(n):
    return sum(range(20_000))

if __name__ == '__main__':
    with multiprocessing.get_context('fork').Pool(2, maxtasksperchild=3) as pool:
        pool.map(job, range(30), chunksize=2)
        pool.close()
        pool.join()
";
    for python in pythons() {
        let (ron, out, said) = recorded(&python, &[("p.py", text)], &[]);
        assert!(
            ron.contains("strategies: [\"processes:2:fork:20\""),
            "{ron}"
        );
        assert!(
            said.contains("`processes:2:fork:20` (77%), `processes:2:fork:5` (23%)"),
            "{said}"
        );
        assert!(out.contains("makespan of processes:2:fork:20"), "{out}");
        let (ron, ..) = recorded(&python, &[("p.py", replaced)], &[]);
        assert!(
            ron.contains("strategies: [\"pool:2:fork:2:max-tasks=3\""),
            "{ron}"
        );
    }
}

/// Waiting for a notify or an event is no wait for a lock, and no limit; objects that one line makes have their own names.
#[test]
fn conditions_events_and_names() {
    let text = format!(
        "{BURN}
gate, ready, permits = threading.Lock(), threading.Event(), threading.Semaphore(2)
there = threading.Condition(threading.Lock())
items = []

def consumer(n):
    with there:
        while not items:
            there.wait()
        items.pop()
    time.sleep(0.01)

def producer(n):
    time.sleep(0.03)
    with there:
        items.append(n)
        there.notify()

def both(n):
    with gate:
        time.sleep(0.003)
    with permits:
        time.sleep(0.01)

with ThreadPoolExecutor(16) as pool:
    for _ in range(2):
        waiting = [pool.submit(consumer, n) for n in range(8)]
        waiting += [pool.submit(producer, n) for n in range(8)]
        for future in waiting:
            future.result()
    list(pool.map(both, range(12)))
"
    );
    for python in pythons() {
        let (ron, _, said) = recorded(&python, &[("p.py", &text)], &[]);
        assert!(ron.contains("locks: [\"gate\"]"), "{ron}");
        assert!(ron.contains("\"permits\": Semaphore(count: 2)"), "{ron}");
        assert!(
            said.contains("class consumer: for ")
                && said.contains("wait for what another task says"),
            "{said}"
        );
        assert!(!said.contains("has a limit"), "{said}");
    }
}

/// A coroutine within a task that has all calls of the program under way at once is its main program: no `FanOut` would be nearer to it.
#[test]
fn a_main_coroutine_that_offloads_all_is_no_fan_out() {
    let text = format!(
        "{BURN}
async def work():
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(4) as pool:
        await asyncio.gather(*[loop.run_in_executor(pool, time.sleep, 0.02) for _ in range(20)])

async def main():
    await asyncio.ensure_future(work())

asyncio.run(main())
"
    );
    for python in pythons() {
        let (_, _, said) = recorded(&python, &[("p.py", &text)], &[]);
        assert!(
            said.contains("the program's main coroutine rather than a task"),
            "{said}"
        );
        assert!(!said.contains("FanOut"), "{said}");
    }
}

/// Items that go from queue to queue are one batch; users who ask for one task after another are a closed loop.
#[test]
fn stages_and_users() {
    let stages = format!(
        "{BURN}
first, second = queue.Queue(), queue.Queue()

def fetch():
    for n in iter(first.get, None):
        time.sleep(0.01)
        second.put(n)

def parse():
    for n in iter(second.get, None):
        burn(0.003)

for n in range(60):
    first.put(n)
fetchers = [threading.Thread(target=fetch) for _ in range(4)]
parsers = [threading.Thread(target=parse) for _ in range(2)]
for thread in fetchers + parsers:
    thread.start()
for queue, threads in ((first, fetchers), (second, parsers)):
    for _ in threads:
        queue.put(None)
    for thread in threads:
        thread.join()
"
    );
    let users = format!(
        "{BURN}
pool = ThreadPoolExecutor(3)

def request(n):
    time.sleep(0.01)
    burn(0.001)

def user():
    for n in range(15):
        pool.submit(request, n).result()
        time.sleep(0.005 + n * 0.001)

threads = [threading.Thread(target=user) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"
    );
    for python in pythons() {
        let (ron, _, said) = recorded(&python, &[("p.py", &stages)], &[]);
        assert!(ron.contains("arrivals: Batch"), "{ron}");
        assert!(
            said.contains("are made by other tasks, stage by stage"),
            "{said}"
        );
        let (ron, out, said) = recorded(&python, &[("p.py", &users)], &[]);
        assert!(ron.contains("arrivals: Closed(users: 6, think: "), "{ron}");
        assert!(!ron.contains("name: \"user\""), "{ron}");
        assert!(said.contains("the users of a closed loop"), "{said}");
        assert!(ron.contains("strategies: [\"threads:3\""), "{ron}");
        assert!(out.contains("makespan of threads:3: recorded "), "{out}");
    }
}

/// Threads that a program starts by itself are tasks; a coroutine that is cancelled in the end is none.
#[test]
fn plain_threads_and_background_tasks() {
    let text = format!(
        "{BURN}
def work():
    burn(0.004)

async def heartbeat():
    while True:
        await asyncio.sleep(0.01)

async def page():
    await asyncio.sleep(0.02)

async def main():
    beat = asyncio.create_task(heartbeat())
    for _ in range(12):
        await asyncio.create_task(page())
    beat.cancel()

asyncio.run(main())
for _ in range(6):
    # One by one: then none waits for the GIL.
    t = threading.Thread(target=work)
    t.start()
    t.join()
"
    );
    for python in pythons() {
        let (ron, _, said) = recorded(&python, &[("p.py", &text)], &[]);
        assert!(
            ron.contains("name: \"work\"") && ron.contains("weight: "),
            "{ron}"
        );
        assert!(
            ron.contains("name: \"page\"") && !ron.contains("name: \"heartbeat\""),
            "{ron}"
        );
        assert!(
            said.contains("left out, because nobody waits for them") && said.contains("heartbeat"),
            "{said}"
        );
    }
}

/// A server as uvicorn is one for the recorder: it loads an application, and makes a task of each request.
#[test]
fn requests_of_an_asgi_application() {
    let server = "
class Config:
    def __init__(self, app):
        self.app = app
    def load(self):
        self.loaded_app = self.app
";
    let text = format!(
        "{BURN}
from uvicorn.config import Config

class Route:
    path = '/offers/{{seed}}'

async def app(scope, receive, send):
    if scope['path'].startswith('/offers'):
        scope['route'] = Route
    await asyncio.gather(part())

async def part():
    await asyncio.sleep(0.002)
    burn(0.001)

async def background():
    await asyncio.sleep(0.3)

async def main():
    config = Config(app)
    config.load()
    beat = asyncio.create_task(background())
    tasks = []
    for n in range(60):
        path = '/offers/%d' % n if n % 3 else '/health/77'
        scope = {{'type': 'http', 'method': 'GET', 'path': path}}
        tasks.append(asyncio.create_task(serve(config.loaded_app, scope)))
        await asyncio.sleep(0.004 + n * n % 7 * 0.001)
    await asyncio.gather(*tasks, beat)

async def serve(app, scope):
    await app(scope, None, None)

asyncio.run(main())
"
    );
    for python in pythons() {
        let files = [
            ("p.py", text.as_str()),
            ("uvicorn/__init__.py", ""),
            ("uvicorn/config.py", server),
        ];
        let (ron, _, said) = recorded(&python, &files, &["--arrivals", "open"]);
        assert!(ron.contains("name: \"GET /offers/{seed}\""), "{ron}");
        assert!(ron.contains("name: \"GET /health/{id}\""), "{ron}");
        // What a request starts is a part of it, and what nobody asked for is none.
        assert!(
            !ron.contains("name: \"part\"") && !ron.contains("name: \"background\""),
            "{ron}"
        );
        assert!(said.contains("background"), "{said}");
    }
}
