//! Programs of scenarios whose steps say which pool executes them.

use super::{completed, plans, program, said, scenario};

/// Each step that matters within a call, or on the loop beside work that is offloaded.
const EVERY_CALL: &str = r#"(
    schema: 1,
    name: "every call",
    machine: (cores: 2),
    workload: (
        arrivals: Batch,
        tasks: [(name: "page", count: 6, steps: [
            Cpu("300us"), Io("1ms"),
            Offload(to: "cpu", steps: [
                PayloadIn("10kB"), ObjectsIn(5), Cpu("500us"), Io(Exponential("1ms")), Block("1ms"),
                Lock("shared", [Cpu("100us")]), Acquire("own"), Native("100us"), Release("own"),
                Shared(object: "state", count: 10), FanOut(2, [Cpu(Exponential("100us")), Io("1ms")]),
                Hold("20kB", [Cpu("100us")]), Allocate(20), PayloadOut("10kB"), ObjectsOut(5),
            ]),
            Retry(attempts: 4, backoff: "1ms", steps: [Offload([Block("1ms"), Fail("30%")])]),
            Inline([
                Cpu("200us"), Io("1ms"), Lock("own", [Cpu("100us")]), Lock("awaited", [Cpu("100us"), Io("1ms")]),
                Fail("1%"), Hold("20kB", [Cpu("100us")]), Allocate(20), FanOut(2, [Cpu("100us"), Io("1ms")]),
                Timeout("1s", [Retry(attempts: 2, backoff: "1ms", steps: [Io("1ms")])]),
                Offload([Io("1ms")], "files"),
            ]),
            Offload(to: "files", steps: [
                Put("q"), Timeout("2s", [Retry(attempts: 3, backoff: "1ms", steps: [Io("1ms"), Fail("20%")]), Get("q")]),
            ]),
            Repeat(2, [Timeout("2s", [Offload([Cpu(Exponential("200us"))], "cpu")])]),
            Cpu("300us"),
        ])],
        locks: {"shared": (shared: true), "own": (), "awaited": ()},
        queues: ["q"],
        objects: ["state"],
        imports: (time: "1ms", memory: "1MB", objects: 100),
    ),
)"#;

const STRATEGIES: &[&str] = &[
    "asyncio+cpu=processes:2:fork+files=threads:6",
    "asyncio:4+threads:2+cpu=processes:1:forkserver+files=threads:6",
    "asyncio+processes:2:spawn+cpu=threads:2+files=threads:6",
    "asyncio+cpu=interpreters:2+files=threads:6",
    "asyncio+threads:3+cpu=none+files=threads:6",
    "asyncio",
    "threads:24",
    "sequential",
];

#[test]
fn every_call_runs() {
    let plans = plans(&scenario(EVERY_CALL), STRATEGIES);
    assert!(plans.left_out.is_empty(), "{:?}", plans.left_out);
    for (label, said) in said(&plans) {
        let (tasks, ended) = completed(&said);
        assert!(tasks == 6 && ended >= 4, "{label}: {said}");
    }
}

/// What a reader sees of it.
#[test]
fn calls_read_well() {
    let text = program(
        &scenario(EVERY_CALL),
        "asyncio+threads:2+cpu=processes:2:fork+files=threads:6",
    )
    .text;
    for line in [
        "    await offload(task, POOLS[\"cpu\"], task_page_call_1, places=(0, 2), came=(10_000, 5))\n",
        "            await offload(task, POOL, task_page_call_2, places=(2, 3))\n",
        "            await task.done()\n            await offload(task, POOLS[\"cpu\"], ",
        "    # On the event loop itself:\n    cpu(0.2)\n    await io(0.001)\n    with lock(\"own\"):\n        cpu(0.1)\n    async with LOOP_LOCKS[\"awaited\"]:\n",
        "    block(task.draw(0))  # Exponential(1ms)\n",
        "        \"files\": cf.ThreadPoolExecutor(6, thread_name_prefix=\"files\"),\n",
        "mp_context=multiprocessing.get_context(\"fork\"), initializer=share, initargs=(locks, queues)),\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// A worker in another process has no queue that an event loop waits at.
#[test]
fn queues_of_calls_in_processes_are_left_out() {
    let plans = plans(
        &scenario(EVERY_CALL),
        &["asyncio+cpu=threads:2+files=processes:2:fork"],
    );
    let why: Vec<String> = plans.left_out.iter().map(|l| l.why.clone()).collect();
    assert!(why.len() == 1 && why[0].contains("queue"), "{why:?}");
}
