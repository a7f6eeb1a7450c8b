"""Microbenchmarks of one CPython and its machine, run by `pchsim calibrate`.

    python bench.py '{"seconds": 10, "imports": []}'

Standard library only, Python 3.9 to 3.15, with the GIL or free-threaded, Linux and macOS. Prints JSON Lines: `hello` (what this is),
`start` before and `sample` after every sample, `absent` (what cannot be measured, and why), `failed`, `done`. Every sample stands between two
readings of the reference loop (`pace`), so that whoever reads them can tell slow spells of the machine from slow code.
Units are in the names. Samples are taken in rounds, one of everything at a time: a slow spell touches all figures a little rather than one of them wholly.
"""
import asyncio
import concurrent.futures as cf
import gc
import hashlib
import json
import multiprocessing as mp
import os
import pickle
import platform
import queue
import random
import subprocess
import sys
import sysconfig
import threading
import time

from pace import CORES, Watch, cpu_now, cpu_pace, now, pace, pin, spin

HERE = os.path.dirname(os.path.abspath(__file__))
LINUX = os.path.exists("/proc/self/smaps_rollup")
GIL = not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled()
METHODS = mp.get_all_start_methods()
POOL_METHOD = "fork" if "fork" in METHODS else METHODS[0]
BENCHES = []


def emit(kind, **what):
    print(json.dumps({"kind": kind, **what}), flush=True)


def bench(pinned=False):
    """Registers a benchmark: a function that returns figures. `pinned`: the work of one thread, on one core, in its CPU time."""
    def register(f):
        BENCHES.append((f.__name__.replace("_", " "), f, pinned, 10**9))
        return f
    return register


def each(n, f, clock=now):
    """Seconds of one of n calls."""
    a = clock()
    for _ in range(n):
        f()
    return (clock() - a) / n


def cpu_each(n, f):
    return each(n, f, cpu_now)


def nothing(*_):
    return None


# ------------------------------------------------------------------ one thread

_BLOCK = bytes(1 << 16)


@bench(pinned=True)
def bytecode():
    a = cpu_now()
    spin(50_000)
    b = cpu_now()
    for _ in range(40):
        hashlib.sha256(_BLOCK).digest()
    return {"burn_ns_per_iter": (b - a) / 50_000 * 1e9, "native_us_per_block": (cpu_now() - b) / 40 * 1e6}


@bench(pinned=True)
def system_calls():
    """getppid: a bare call. lseek gives up the GIL, getpriority does not; they are alike otherwise."""
    n = 3000
    ppid, seek, priority = os.getppid, os.lseek, os.getpriority
    fd = os.open(os.devnull, os.O_RDONLY)
    try:
        r = range(n)
        a = cpu_now()
        for _ in r:
            ppid()
        b = cpu_now()
        for _ in r:
            seek(fd, 0, 1)
        c = cpu_now()
        for _ in r:
            priority(0, 0)
        d = cpu_now()
        for _ in r:
            nothing()
        e = cpu_now()
    finally:
        os.close(fd)
    return {"getppid_ns": (b - a) / n * 1e9, "lseek_ns": (c - b) / n * 1e9, "getpriority_ns": (d - c) / n * 1e9,
            "call_ns": (e - d) / n * 1e9}


@bench(pinned=True)
def locks():
    n = 20_000
    lock = threading.Lock()
    a = cpu_now()
    for _ in range(n):
        with lock:
            pass
    b = cpu_now()
    for _ in range(n):
        pass
    c = cpu_now()
    q = queue.Queue()
    for _ in range(2000):
        q.put(1)
        q.get()
    return {"lock_uncontended_ns": ((b - a) - (c - b)) / n * 1e9, "queue_put_get_uncontended_us": (cpu_now() - c) / 2000 * 1e6}


@bench(pinned=True)
def pickles():
    small = b"x" * 100
    records = [{"id": i, "name": f"user-{i}", "tags": ["a", "b", "c"], "score": i * 0.5} for i in range(1000)]
    dumped = pickle.dumps(records)
    return {"pickle_dumps_us_bytes_100B": cpu_each(2000, lambda: pickle.dumps(small)) * 1e6,
            "pickle_dumps_us_per_record": cpu_each(2, lambda: pickle.dumps(records)) / 1000 * 1e6,
            "pickle_loads_us_per_record": cpu_each(2, lambda: pickle.loads(dumped)) / 1000 * 1e6}


@bench(pinned=True)
def collector():
    n = 60_000
    gc.disable()
    try:
        before = cpu_each(1, gc.collect)
        lists = [[i, i] for i in range(n)]
        gc.collect()
        after = cpu_each(1, gc.collect)
        del lists
    finally:
        gc.enable()
    return {"gc_ns_per_object": (after - before) / n * 1e9}


# ------------------------------------------------------------------ the event loop

def run(coroutine):
    return asyncio.run(coroutine)


@bench(pinned=True)
def loop_steps():
    async def noop():
        pass

    async def both():
        for _ in range(200):
            await asyncio.sleep(0)
        a = cpu_now()
        for _ in range(2000):
            await asyncio.sleep(0)
        b = cpu_now()
        await asyncio.gather(*[noop() for _ in range(2000)])
        return (b - a) / 2000, (cpu_now() - b) / 2000
    switch, task = run(both())
    return {"asyncio_switch_us": switch * 1e6, "asyncio_task_us": task * 1e6}


@bench(pinned=True)
def loop_sleepers():
    async def timers(n):
        async def one():
            await asyncio.sleep(0.02)
        c = cpu_now()
        await asyncio.gather(*[one() for _ in range(n)])
        return (cpu_now() - c) / n
    return {"asyncio_sleeping_task_cpu_us": run(timers(1000)) * 1e6}


@bench(pinned=True)
def loop_objects():
    async def objects(n):
        q, s = asyncio.Queue(), asyncio.Semaphore(1)
        a = cpu_now()
        for _ in range(n):
            q.put_nowait(1)
            await q.get()
        b = cpu_now()
        for _ in range(n):
            async with s:
                pass
        c = cpu_now()
        out = {"asyncio_queue_put_get_us": (b - a) / n * 1e6, "asyncio_semaphore_us": (c - b) / n * 1e6}
        if hasattr(asyncio, "timeout"):
            for _ in range(n // 4):
                async with asyncio.timeout(10):
                    pass
            out["asyncio_timeout_us"] = (cpu_now() - c) / (n // 4) * 1e6
        return out
    return run(objects(3000))


@bench(pinned=True)
def loop_start():
    return {"asyncio_run_empty_us": cpu_each(4, lambda: run(asyncio.sleep(0))) * 1e6}


# ------------------------------------------------------------------ threads
# Pinned to one core, where what two threads spend on a hand-over is all that it costs; what a second core's wake-up adds to that
# is measured apart (`apart`, `wakes`): whether two threads share a core is otherwise the scheduler's whim, and changes all figures.

def on_one_core(f):
    """CPU seconds of the whole process that f takes."""
    c = time.process_time()
    f()
    return time.process_time() - c


@bench(pinned=True)
def thread_life():
    def start_join():
        for _ in range(100):
            t = threading.Thread(target=nothing)
            t.start()
            t.join()
    return {"thread_start_join_us": on_one_core(start_join) / 100 * 1e6}


@bench()
def threads_held():
    """Threads that all live at once, against as few as there are stacks kept of ended ones: on all cores, as unmapping a stack interrupts those
    that run others of the process."""
    def life(held, batches):
        def wait():
            with gate:
                pass
        c = time.process_time()
        for _ in range(batches):
            gate = threading.Lock()
            with gate:
                all = [threading.Thread(target=wait) for _ in range(held)]
                for t in all:
                    t.start()
            for t in all:
                t.join()
        return (time.process_time() - c) / (held * batches)
    life(4, 2)
    return {"thread_held_us_4": life(4, 25) * 1e6, "thread_held_us_100": life(100, 1) * 1e6}


def hand_back_and_forth(n, mine=None, its=None):
    """Elapsed and CPU seconds of one hand-over of an item between two threads, each on the cores given."""
    a, b = queue.SimpleQueue(), queue.SimpleQueue()

    def other():
        pin(its)
        for _ in range(n):
            b.put(a.get())
    t = threading.Thread(target=other)
    t.start()
    pin(mine)
    c, s = time.process_time(), now()
    for _ in range(n):
        a.put(1)
        b.get()
    s, c = now() - s, time.process_time() - c
    t.join()
    return s / n / 2, c / n / 2


@bench(pinned=True)
def handoff():
    return {"thread_handoff_us": hand_back_and_forth(600)[1] * 1e6}


if len(CORES) > 1:
    @bench()
    def apart():
        elapsed, cpu = hand_back_and_forth(600, CORES[:1], CORES[1:2])
        pin(CORES)
        return {"thread_handoff_apart_us": elapsed * 1e6, "thread_handoff_apart_cpu_us": cpu * 1e6}


# Idle times of the core on which a thread is woken, in microseconds.
GAPS = (100, 200, 1000, 5000, 20000)


def wake_up(gap, its, n):
    """CPU seconds of the waker for each call, and of the woken for each wait: a child on the cores `its`, which nobody else uses,
    or the waker's own, is woken every `gap` microseconds."""
    ctx = mp.get_context("fork")
    bell, spent = ctx.Semaphore(0), ctx.Value("d", 0.0, lock=False)

    def woken():
        pin(its)
        bell.acquire()
        c = cpu_now()
        for _ in range(n):
            bell.acquire()
        spent.value = (cpu_now() - c) / n
    child = ctx.Process(target=woken)
    child.start()
    pin(CORES[:1])
    time.sleep(0.01)
    bell.release()
    calls = 0.0
    for _ in range(n):
        # On one core the child runs while this thread sleeps; on two, that one must not idle, or it would be woken too.
        if its == CORES[:1]:
            time.sleep(0.0001)
        else:
            until = now() + gap * 1e-6
            while now() < until:
                pass
        c = cpu_now()
        bell.release()
        calls += cpu_now() - c
    child.join()
    return calls / n, spent.value


# The same, so short that the core is still on its way into an idle state or hardly there, counted from when the thread goes to sleep.
EARLY = (3, 8, 16, 30)


def wake_early(gap, n):
    """Seconds from the call until the woken goes on, and CPU seconds of the waker for each call and of the woken for each wait: a child
    on another core is woken `gap` microseconds after it has gone to sleep."""
    ctx = mp.get_context("fork")
    bell, spent = ctx.Semaphore(0), ctx.Value("d", 0.0, lock=False)
    asleep, went_on = ctx.Value("d", 0.0, lock=False), ctx.Array("d", n, lock=False)

    def woken():
        pin(CORES[1:2])
        bell.acquire()
        c = cpu_now()
        for i in range(n):
            asleep.value = now()
            bell.acquire()
            went_on[i] = now()
        spent.value = (cpu_now() - c) / n
    child = ctx.Process(target=woken)
    child.start()
    pin(CORES[:1])
    time.sleep(0.01)
    bell.release()
    seen, calls, called = 0.0, 0.0, []
    for _ in range(n):
        while asleep.value == seen:
            pass
        seen = asleep.value
        while now() < seen + gap * 1e-6:
            pass
        c = cpu_now()
        called.append(now())
        bell.release()
        calls += cpu_now() - c
    child.join()
    # Now and then somebody else had the core.
    late = sorted(b - a for a, b in zip(called, went_on))[:n - n // 20]
    return sum(late) / len(late), calls / n, spent.value


if len(CORES) > 1 and "fork" in METHODS:
    @bench()
    def wakes():
        ctx = mp.get_context("fork")
        bell, n = ctx.Semaphore(0), 2000
        pin(CORES[:1])
        a = cpu_now()
        for _ in range(n):
            bell.release()
        b = cpu_now()
        for _ in range(n):
            bell.acquire()
        c = cpu_now()
        for _ in range(n):
            cpu_now()
        d = cpu_now()
        call, wait = (b - a) / n + (d - c) / n, (c - b) / n
        waker, woken = wake_up(0, CORES[:1], 150)
        out = {"wake_call_us": (waker - call) * 1e6, "wake_return_us": (woken - wait) * 1e6}
        for gap in GAPS:
            waker, _ = wake_up(gap, CORES[1:2], min(60, 100_000 // gap + 4))
            out[f"wake_call_idle_us_{gap}"] = (waker - call) * 1e6
        place = ctx.Array("d", 1, lock=False)
        a = now()
        for _ in range(n):
            now()
        b = now()
        for _ in range(n):
            place[0] = now()
        c = now()
        clock, noted = (b - a) / n, (c - b) / n
        for gap in EARLY:
            late, waker, woken = wake_early(gap, 120)
            out[f"wake_early_us_{gap}"] = (late - call + clock - wait) * 1e6
            out[f"wake_early_call_us_{gap}"] = (waker - call - clock) * 1e6
            out[f"wake_early_return_us_{gap}"] = (woken - wait - 2 * noted) * 1e6
        pin(CORES)
        return out

    def chores():
        """A bit of everything: allocation, dictionaries, strings, sorting, parsing; some megabytes of memory."""
        rows = [{"id": i, "name": f"user-{i * 7919 % 1000}", "tags": [i, str(i)], "score": i * 0.5} for i in range(6000)]
        rows.sort(key=lambda r: r["name"])
        return len(json.loads(json.dumps(rows)))

    @bench()
    def neighbours():
        """How much slower work is while the same work runs on every other core."""
        def child(core, stop):
            pin([core])
            while not stop.is_set():
                chores()
        pin(CORES[:1])
        chores()
        alone = cpu_each(4, chores)
        ctx = mp.get_context("fork")
        stop = ctx.Event()
        others = [ctx.Process(target=child, args=(c, stop)) for c in CORES[1:]]
        for p in others:
            p.start()
        time.sleep(0.03)
        together = cpu_each(6, chores)
        stop.set()
        for p in others:
            p.join()
        alone = (alone + cpu_each(4, chores)) / 2
        pin(CORES)
        return {"neighbours_factor": together / alone}

    def spinner(go_on, seen):
        """Notes when it had no core: from its last reading of the clock to its next."""
        gaps, last = [], now()
        while go_on.value:
            t = now()
            if t - last > 60e-6:
                gaps.append((last, t))
            last = t
        seen.send(gaps)

    @bench()
    def new_idle(n=12):
        """A core becomes idle while one of two processes waits on another: for how long that one still waits, in microseconds. Either the
        idle core looks at once, or at some timer tick."""
        ctx = mp.get_context("fork")
        go_on, pipes = ctx.Value("b", 1, lock=False), [ctx.Pipe(False) for _ in range(2)]
        children = [ctx.Process(target=spinner, args=(go_on, theirs)) for _, theirs in pipes]
        stops = []
        try:
            for child in children:
                child.start()
            pin(CORES[1:2])
            for _ in range(n):
                for child in children:
                    os.sched_setaffinity(child.pid, CORES[:1])
                until = now() + 2e-3
                while now() < until:
                    pass
                # Both may leave from now on, and neither does before this core is free.
                for child in children:
                    os.sched_setaffinity(child.pid, CORES[:2])
                until = now() + 1e-3 + random.random() * 4e-3
                while now() < until:
                    pass
                stops.append(now())
                time.sleep(0.008)
        finally:
            go_on.value = 0
            pin(CORES)
        gaps = [gap for (mine, _), child in zip(pipes, children) if mine.poll(5) for gap in mine.recv()]
        for child in children:
            child.join()
        waits = [[b - t for a, b in gaps if a < t < b] for t in stops]
        return {"new_idle_waits": [w[0] * 1e6 for w in waits if len(w) == 1]}


if len(CORES) > 1 and "fork" in METHODS and os.path.exists("/proc/self/stat"):
    @bench()
    def halted():
        """Of wake-ups on the core that a process slept on, the share that stay there, by how long the other core has been idle."""
        ctx = mp.get_context("fork")
        n, gaps = 10, (10, 30, 100, 300, 1000)
        bell, place, idle = ctx.Semaphore(0), ctx.Value("i", -1, lock=False), ctx.Value("d", 0.0, lock=False)
        work = ctx.Semaphore(0)

        def woken():
            # The processor is the 39th field, the name before it may hold anything.
            with open("/proc/self/stat") as stat:
                for _ in gaps:
                    for _ in range(n):
                        pin(CORES[:1])
                        pin(CORES[:2])
                        bell.acquire()
                        stat.seek(0)
                        place.value = int(stat.read().rpartition(")")[2].split()[36])

        def neighbour():
            pin(CORES[1:2])
            for _ in gaps:
                for _ in range(n):
                    work.acquire()
                    until = now() + 200e-6
                    while now() < until:
                        pass
                    idle.value = now()
        children = [ctx.Process(target=woken), ctx.Process(target=neighbour)]
        pin(CORES[:1])
        for child in children:
            child.start()
        out = {}
        for gap in gaps:
            stays = 0
            for _ in range(n):
                # Long, so that the cores idle most of the time: the scheduler looks for no idle core where they are busy.
                time.sleep(0.005)
                place.value, idle.value = -1, 0.0
                work.release()
                while not idle.value and all(c.is_alive() for c in children):
                    pass
                until = idle.value + gap * 1e-6
                while now() < until:
                    pass
                bell.release()
                while place.value < 0 and all(c.is_alive() for c in children):
                    pass
                stays += place.value == CORES[0]
            out[f"wake_stays_{gap}"] = stays / n
        for child in children:
            child.join()
        pin(CORES)
        return out


@bench(pinned=True)
def thread_pool():
    with cf.ThreadPoolExecutor(1) as ex:
        for _ in range(20):
            ex.submit(nothing).result()

        def trips():
            for _ in range(200):
                ex.submit(nothing).result()
        trip = on_one_core(trips) / 200
        # The worker is held meanwhile, so that the two sides of a call do not compete for the GIL.
        n, gate = 1000, threading.Event()
        ex.submit(gate.wait)
        a = time.process_time()
        futures = [ex.submit(nothing) for _ in range(n)]
        b = time.process_time()
        gate.set()
        futures[-1].result()
        c = time.process_time()
    return {"threadpool_roundtrip_us": trip * 1e6, "threadpool_submit_us": (b - a) / n * 1e6, "threadpool_drain_us_per_task": (c - b) / n * 1e6}


@bench(pinned=True)
def offload(n=250):
    async def trips(ex):
        loop = asyncio.get_running_loop()
        for _ in range(20):
            await loop.run_in_executor(ex, nothing)
        c = time.process_time()
        for _ in range(n):
            await loop.run_in_executor(ex, nothing)
        return (time.process_time() - c) / n
    with cf.ThreadPoolExecutor(1) as ex:
        return {"run_in_executor_thread_roundtrip_us": run(trips(ex)) * 1e6}


@bench()
def sleeps():
    out = {}
    for ms, n in ((0.05, 40), (0.2, 40), (1, 20), (5, 8), (20, 3), (50, 2)):
        late, c = [], cpu_now()
        for _ in range(n):
            a = now()
            time.sleep(ms / 1e3)
            late.append((now() - a) * 1e6 - ms * 1e3)
        out[f"sleep_late_us_{ms}"] = late
        out[f"sleep_cpu_us_{ms}"] = (cpu_now() - c) / n * 1e6
    return out


def holders(k, seconds):
    """Who had the GIL: k threads spin and note when they were interrupted."""
    go, log, end = threading.Event(), [[] for _ in range(k)], [0.0]

    def spinner(i):
        go.wait()
        mine, last = log[i], now()
        start = last
        while last < end[0]:
            t = now()
            if t - last > 0.0008:
                mine.append((start, i))
                start = t
            last = t
        mine.append((start, i))
    ts = [threading.Thread(target=spinner, args=(i,)) for i in range(k)]
    for t in ts:
        t.start()
    end[0] = now() + seconds
    go.set()
    for t in ts:
        t.join()
    return [i for _, i in sorted(x for one in log for x in one)]


if GIL:
    @bench()
    def gil_order():
        return {"gil_holders": [holders(3, 0.12), holders(4, 0.12)]}


class Box:
    pass


def box():
    b = Box()
    b.v = 0
    return b


def read_list(s, n):
    for _ in range(n):
        s[3]


def write_dict(d, n):
    for i in range(n):
        d["k"] = i


def write_attribute(b, n):
    for i in range(n):
        b.v = i


def with_lock(lock, n):
    for _ in range(n):
        with lock:
            pass


@bench()
def contention():
    """Nanoseconds an operation: one thread, two threads on objects of their own, two on the same."""
    cases = {"list_read": (read_list, lambda: [object() for _ in range(8)]), "lock": (with_lock, threading.Lock)}
    if not GIL:
        cases.update(dict_write=(write_dict, lambda: {"k": 0}), attribute_write=(write_attribute, box))
    n, out = 20_000, {}

    def per_operation(f, args):
        gate, spans = threading.Barrier(len(args)), []

        def body(i, arg):
            # Threads that start together would share a core for a while.
            pin(CORES[i % max(1, len(CORES)):][:1])
            gate.wait()
            a = now()
            f(arg, n)
            spans.append((a, now()))
        ts = [threading.Thread(target=body, args=(i, x)) for i, x in enumerate(args)]
        for t in ts:
            t.start()
        for t in ts:
            t.join()
        # From when all run to when the first is done they meet; each does its share of n in that time.
        return (sum(b - a for a, b in spans) / len(spans)) / n * 1e9
    for name, (f, make) in cases.items():
        one, two = make(), make()
        out[f"contention_{name}_1_thread_ns"] = per_operation(f, [one])
        if not GIL:
            out[f"contention_{name}_2_threads_own_ns"] = per_operation(f, [one, two])
            out[f"contention_{name}_2_threads_shared_ns"] = per_operation(f, [one, one])
    return out


if not GIL:
    @bench()
    def stopped_world():
        """A collection of almost nothing, alone and with a thread that runs on another core: it has to be stopped first."""
        def collect(others):
            stop = threading.Event()

            def busy(i):
                pin(CORES[1 + i:2 + i])
                while not stop.is_set():
                    spin(200)
            ts = [threading.Thread(target=busy, args=(i,)) for i in range(others)]
            for t in ts:
                t.start()
            gc.freeze()
            pin(CORES[:1])
            time.sleep(0.005)
            try:
                return each(20, gc.collect)
            finally:
                gc.unfreeze()
                stop.set()
                for t in ts:
                    t.join()
                pin(CORES)
        others = min(len(CORES) - 1, 3)
        if others < 1:
            return {}
        alone = collect(0)
        # A collection stops the world twice.
        return {"stop_the_world_us_per_thread": (collect(others) - alone) / others / 2 * 1e6}


# ------------------------------------------------------------------ processes

def own_kb(field):
    with open("/proc/self/smaps_rollup") as lines:
        for line in lines:
            if line.startswith(field + ":"):
                return int(line.split()[1])


def fork_join():
    p = mp.get_context("fork").Process(target=nothing)
    a = now()
    p.start()
    b = now()
    p.join()
    return b - a, now() - a


if "fork" in METHODS:
    @bench()
    def fork():
        xs = sorted(fork_join() for _ in range(5))
        call, cycle = xs[2]
        out = {"process_start_call_ms_fork": call * 1e3, "process_start_join_ms_fork": cycle * 1e3}
        if LINUX:
            out["process_rss_mb_fork"] = own_kb("Rss") / 1024
        return out

    @bench()
    def fork_of_a_large_parent():
        """Page tables are copied at the fork and torn down later."""
        def cycle():
            return sorted(fork_join()[1] for _ in range(5))[2]
        small = cycle()
        ballast = bytearray(192 << 20)
        for i in range(0, len(ballast), 4096):
            ballast[i] = 1
        large = cycle()
        del ballast
        return {"fork_ns_per_byte": (large - small) / (192 << 20) * 1e9}


@bench()
def process_pool():
    out = {}
    with cf.ProcessPoolExecutor(1, mp_context=mp.get_context(POOL_METHOD)) as ex:
        for _ in range(20):
            ex.submit(nothing).result()
        c = time.process_time()
        out["processpool_roundtrip_us"] = each(100, lambda: ex.submit(nothing).result()) * 1e6
        out["processpool_roundtrip_parent_cpu_us"] = (time.process_time() - c) / 100 * 1e6
        n = 500
        c, a = time.process_time(), now()
        futures = [ex.submit(nothing) for _ in range(n)]
        b = now()
        cf.wait(futures)
        out["processpool_submit_us"] = (b - a) / n * 1e6
        out["processpool_burst_us_per_task"] = (now() - a) / n * 1e6
        out["processpool_burst_parent_cpu_us_per_task"] = (time.process_time() - c) / n * 1e6
    return out


def python(*arguments):
    """Another run of this interpreter, to its end; what it prints is ours."""
    sys.stdout.flush()
    done = subprocess.run([sys.executable, "-W", "ignore", *arguments], cwd=HERE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: exit code {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


@bench()
def startup():
    return {"python_startup_ms": each(1, lambda: python("-c", "pass")) * 1e3,
            "python_startup_imports_ms": each(1, lambda: python("-c", "import asyncio, concurrent.futures.process, multiprocessing")) * 1e3}


def part(*arguments):
    """A run of starts.py, whose samples have readings of the pace of their own."""
    print(python("starts.py", *arguments), end="", flush=True)


def register_starts():
    for what in ("pickles", "payloads", "pipes"):
        BENCHES.append((what, lambda w=what: part(w), False, 10**9))
    for method in METHODS:
        BENCHES.append((f"start by {method}", lambda m=method: part("times", m), False, 10**9))
    if not LINUX:
        emit("absent", what="memory", why="this system does not tell the memory of processes as Linux does (no /proc/self/smaps_rollup)")
        return
    # Pages that two processes share count half for each, so these run when this process is gone.
    later("idle")
    for what in ("threads", "loop", "processes"):
        later("growth", what)
    for method in METHODS:
        for workers in ((1, 2, 4) if method == "fork" else (1, 4)):
            later("memory", method, str(workers))


def later(*arguments):
    """A run of starts.py that has to wait until this process has ended."""
    emit("later", arguments=arguments)


# ------------------------------------------------------------------ sub-interpreters

def register_interpreters():
    if not hasattr(cf, "InterpreterPoolExecutor"):
        emit("absent", what="interpreters", why="no InterpreterPoolExecutor before Python 3.14")
        return
    BENCHES.append(("sub-interpreters", interpreters, False, 10**9))
    BENCHES.append(("start of sub-interpreters", lambda: part("interpreters"), False, 10**9))
    BENCHES.append(("sub-interpreters' lives", interpreter_lives, False, 10**9))
    if LINUX:
        later("growth", "interpreters")


def interpreters():
    """CPU of a call, the pool's two threads on one core."""
    def trips(ex, n):
        for _ in range(n):
            ex.submit(len, ()).result()
    pin(CORES[:1])
    try:
        with cf.InterpreterPoolExecutor(1) as ex:
            trips(ex, 10)
            return {"interpreterpool_roundtrip_us": on_one_core(lambda: trips(ex, 100)) / 100 * 1e6}
    finally:
        pin(CORES)


def interpreter_lives():
    """CPU of making, using and ending one more interpreter."""
    def cpu(k):
        c = time.process_time()
        with cf.InterpreterPoolExecutor(k) as ex:
            for f in [ex.submit(time.sleep, 0.05) for _ in range(k)]:
                f.result()
        return time.process_time() - c
    return {"interpreter_life_cpu_ms": (cpu(3) - cpu(1)) / 2 * 1e3}


# ------------------------------------------------------------------ the user's own imports

# Nothing that is imported here can be measured: these are in every process, or in C.
IMPORT = """
import gc, sys, time
def kb():
    try:
        with open('/proc/self/smaps_rollup') as lines:
            return sum(int(l.split()[1]) for l in lines if l.startswith('Private_'))
    except OSError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == 'darwin' else 1)
before, objects, c, a = kb(), len(gc.get_objects()), time.process_time(), time.perf_counter()
__import__(sys.argv[1])
print([time.perf_counter() - a, time.process_time() - c, kb() - before, len(gc.get_objects()) - objects])
"""


def register_imports(modules):
    for module in modules:
        def one(m=module):
            # In the user's folder: their own modules are to be found there.
            done = subprocess.run([sys.executable, "-W", "ignore", "-c", IMPORT, m], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, timeout=120, cwd=SETTINGS.get("folder"))
            if done.returncode:
                last = done.stderr.strip().splitlines()[-1:] or ["no message"]
                raise RuntimeError(last[0])
            wall, cpu, kb, objects = json.loads(done.stdout.splitlines()[-1])
            return {f"import_ms {m}": wall * 1e3, f"import_cpu_ms {m}": cpu * 1e3, f"import_kb {m}": kb, f"import_objects {m}": objects}
        BENCHES.append((f"import {module}", one, False, 5))


# ------------------------------------------------------------------ the run

def uncompiled():
    """Modules of the standard library that this process has loaded, and those of them without byte code on disk: it could not be
    written, so every new process compiles them again."""
    library = sysconfig.get_path("stdlib") + os.sep
    specs = [getattr(m, "__spec__", None) for m in list(sys.modules.values())]
    cached = [s.cached for s in specs if s and s.has_location and s.cached and s.origin.startswith(library) and "site-packages" not in s.origin]
    return {"missing": sum(not os.path.exists(c) for c in cached), "loaded": len(cached), "library": library.rstrip(os.sep)}


def hello():
    def read(path):
        try:
            with open(path) as f:
                return f.read().strip()
        except OSError:
            return None
    model = next((l.partition(":")[2].strip() for l in (read("/proc/cpuinfo") or "").splitlines() if l.startswith("model name")), None)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    emit("hello", version=platform.python_version(), implementation=sys.implementation.name, free_threaded=not GIL,
         free_threaded_build=bool(sysconfig.get_config_var("Py_GIL_DISABLED")), compiler=platform.python_compiler(),
         switch_interval_ms=sys.getswitchinterval() * 1e3, gc_threshold=gc.get_threshold()[0], methods=METHODS,
         system=f"{platform.system()} {platform.release()} {platform.machine()}", cpu=model or platform.processor(), cores=len(CORES) or os.cpu_count() or 1,
         load=load, base_slice_ns=read("/sys/kernel/debug/sched/base_slice_ns"), cpu_max=read("/sys/fs/cgroup/cpu.max"),
         pinned=bool(CORES), byte_code=uncompiled())


def sample(f, pinned):
    read = cpu_pace if pinned else pace
    if pinned:
        pin(CORES[:1])
    try:
        gc.collect()
        watch = Watch(read)
        figures = f()
        readings = watch.stop()
    finally:
        pin(CORES)
    if figures:
        emit("sample", figures=figures, **readings)


SETTINGS = {}


def main():
    SETTINGS.update(json.loads(sys.argv[1]))
    seconds = SETTINGS["seconds"]
    begun = now()
    hello()
    register_starts()
    register_interpreters()
    register_imports(SETTINGS.get("imports", []))
    failed, last, rounds = set(), {}, 0
    # The reference loop at its best: many short readings now, and the readings round every sample later.
    emit("paces", ns=[cpu_pace() for _ in range(30)])
    while True:
        ran = 0
        for name, f, pinned, most in BENCHES:
            elapsed = now() - begun
            late = rounds > 0 and elapsed + last.get((name, f), 0) * 1.1 > seconds
            if (name, f) in failed or rounds >= most or late:
                continue
            emit("start", name=name, share=min(1.0, elapsed / seconds), round=rounds)
            a = now()
            try:
                sample(f, pinned)
                ran += 1
            except Exception as e:
                failed.add((name, f))
                emit("failed", name=name, why=f"{type(e).__name__}: {e}")
            last[(name, f)] = now() - a
        rounds += 1
        if not ran or now() - begun > seconds:
            break
    emit("done", rounds=rounds, seconds=now() - begun)


if __name__ == "__main__":
    main()
