"""Starting processes, and what they weigh: a program of its own, because children by spawn and forkserver import the main
module again, and because a process's memory shows all that it ever did.

    python starts.py times fork | interpreters | pickles | payloads | pipes | memory spawn 4 | idle | growth threads

It imports what a small concurrent program imports, and prints JSON Lines.
"""
import asyncio
import concurrent.futures as cf
import functools
import hashlib
import json
import multiprocessing as mp
import os
import queue
import resource
import sys
import threading
import time

from pace import Watch, now


def emit(figures, watch=None):
    """`watch`: readings taken round the sample; sizes need none."""
    readings = watch.stop() if watch else {"pace": [0, 0]}
    print(json.dumps({"kind": "sample", "figures": figures, **readings}), flush=True)


def each(n, f):
    a = now()
    for _ in range(n):
        f()
    return (now() - a) / n


# ------------------------------------------------------------------ what children run

def nothing(*_):
    return None


def nap():
    time.sleep(0.2)


def stamp():
    """Uses a name of this module: an interpreter that runs it has to import the module, not just the function's code."""
    return now()


def hold(folder):
    """Says that this worker is up, and stays until told to go."""
    open(os.path.join(folder, str(os.getpid())), "w").close()
    end = now() + 20
    while not os.path.exists(os.path.join(folder, "go")) and now() < end:
        time.sleep(0.005)


# ------------------------------------------------------------------ times

def times(method):
    ctx = mp.get_context(method)

    def start_join():
        p = ctx.Process(target=nothing)
        a = now()
        p.start()
        b = now()
        p.join()
        return b - a, now() - a

    # The first start brings up the resource tracker and the fork server; the pool's modules are imported on first use.
    start_join()
    cf.ProcessPoolExecutor
    for _ in range(3):
        watch = Watch()
        call, cycle = start_join()
        emit({f"process_start_call_ms_{method}": call * 1e3, f"process_start_join_ms_{method}": cycle * 1e3}, watch)
    for _ in range(2):
        watch = Watch()
        a = now()
        with cf.ProcessPoolExecutor(1, mp_context=ctx) as ex:
            ex.submit(nothing).result()
            b = now()
        c = now()
        emit({f"processpool_first_result_ms_{method}": (b - a) * 1e3, f"processpool_shutdown_ms_{method}": (c - b) * 1e3}, watch)


def interpreters():
    """A first result from a sub-interpreter that needs nothing, and from one that has to import this module."""
    for _ in range(2):
        watch = Watch()
        took = []
        for call in (functools.partial(len, ()), stamp):
            a = now()
            with cf.InterpreterPoolExecutor(1) as ex:
                ex.submit(call).result()
                took.append(now() - a)
        bare, imported = took
        emit({"interpreterpool_first_result_ms": bare * 1e3, "interpreterpool_first_main_result_ms": imported * 1e3}, watch)


# ------------------------------------------------------------------ large payloads
# How the allocator serves large blocks depends on the largest that was ever freed, so these run in a process of their own, from
# small to large, as a program does that has one size of payload.

def pool_method():
    methods = mp.get_all_start_methods()
    return "fork" if "fork" in methods else methods[0]


def pickles():
    import pickle
    out = {}
    watch = Watch()
    for size in (10**4, 10**5, 3 * 10**5, 10**6, 3 * 10**6, 10**7, 25 * 10**6):
        data = os.urandom(size)
        dumped = pickle.dumps(data)
        k = max(3, min(50, 4 * 10**6 // size))
        out[f"pickle_bytes_dumps_us_{size}"] = each(k, lambda: pickle.dumps(data)) * 1e6
        out[f"pickle_bytes_loads_us_{size}"] = each(k, lambda: pickle.loads(dumped)) * 1e6
    emit(out, watch)


def payloads():
    out = {}
    watch = Watch()
    with cf.ProcessPoolExecutor(1, mp_context=mp.get_context(pool_method())) as ex:
        for _ in range(5):
            ex.submit(nothing).result()
        # The same pool without a payload: what a payload adds is the difference.
        out["processpool_roundtrip_us_arg_0"] = each(40, lambda: ex.submit(nothing).result()) * 1e6
        for size, label, k in ((100_000, "100KB", 20), (1_000_000, "1MB", 6), (10_000_000, "10MB", 3)):
            data = bytes(size)
            ex.submit(nothing, data).result()
            out[f"processpool_roundtrip_us_arg_{label}"] = each(k, lambda: ex.submit(nothing, data).result()) * 1e6
    emit(out, watch)


def echo(conn):
    while True:
        data = conn.recv_bytes()
        if not data:
            return
        conn.send_bytes(data[:1] if len(data) > 64 else data)


def pipes():
    out = {}
    watch = Watch()
    ctx = mp.get_context(pool_method())
    ours, theirs = ctx.Pipe()
    p = ctx.Process(target=echo, args=(theirs,))
    p.start()

    def trip(data):
        ours.send_bytes(data)
        ours.recv_bytes()
    for size, label, k in ((100, "100B", 100), (100_000, "100KB", 30), (1_000_000, "1MB", 8), (10_000_000, "10MB", 3)):
        data = bytes(size)
        trip(data)
        out[f"pipe_send_and_ack_us_{label}"] = each(k, lambda: trip(data)) * 1e6
    ours.send_bytes(b"")
    p.join()
    emit(out, watch)


# ------------------------------------------------------------------ memory (Linux)

def sizes(pid="self"):
    """Memory of a process in KiB."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        for line in lines:
            key, _, value = line.partition(":")
            if key in ("Rss", "Pss", "Private_Clean", "Private_Dirty"):
                found[key.lower()] = int(value.split()[0])
    return found


def tree(pid):
    todo, seen = [pid], []
    while todo:
        p = todo.pop()
        seen.append(p)
        try:
            for t in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{t}/children") as children:
                    todo += [int(c) for c in children.read().split()]
        except OSError:
            pass
    return seen


def role(pid):
    with open(f"/proc/{pid}/cmdline") as f:
        command = f.read()
    if pid == os.getpid():
        return "parent"
    if "resource_tracker" in command:
        return "tracker"
    if "multiprocessing.forkserver" in command and tree(pid) != [pid]:
        return "server"
    return "worker"


def memory(method, workers):
    import tempfile
    ctx = mp.get_context(method)
    with tempfile.TemporaryDirectory() as folder:
        with cf.ProcessPoolExecutor(workers, mp_context=ctx) as ex:
            futures = [ex.submit(hold, folder) for _ in range(workers)]
            end = now() + 15
            while len(os.listdir(folder)) < workers and now() < end:
                time.sleep(0.005)
            time.sleep(0.02)
            processes = []
            for p in tree(os.getpid()):
                try:
                    processes.append({"role": role(p), **sizes(p)})
                except OSError:
                    pass
            open(os.path.join(folder, "go"), "w").close()
            for f in futures:
                f.result()
    emit({f"tree_kb_{method}_{workers}": processes})


def growth(what):
    """What a process gains in resident memory when it makes its first of something, in KiB."""
    n = 2000
    if what == "threads":
        with cf.ThreadPoolExecutor(4) as ex:
            gate = threading.Event()
            before = sizes()["rss"]
            futures = [ex.submit(gate.wait) for _ in range(4)]
            pool = sizes()["rss"] - before
            items = [ex.submit(nothing) for _ in range(n)]
            each = (sizes()["rss"] - before - pool) / n
            gate.set()
            cf.wait(futures + items)
        emit({"threadpool_growth_kb_4": pool, "work_item_kb": each})
        ready = threading.Event()
        before = sizes()["rss"]
        threads = [threading.Thread(target=ready.wait) for _ in range(200)]
        for t in threads:
            t.start()
        emit({"thread_rss_kb": (sizes()["rss"] - before) / 200})
        ready.set()
        for t in threads:
            t.join()
    elif what == "loop":
        async def tasks(n):
            before = sizes()["rss"]
            all_of_them = [asyncio.ensure_future(asyncio.sleep(0.3)) for _ in range(n)]
            await asyncio.sleep(0.02)
            kb = (sizes()["rss"] - before) / n
            await asyncio.gather(*all_of_them)
            return kb
        before = sizes()["rss"]
        loop = asyncio.new_event_loop()
        loop.run_until_complete(asyncio.sleep(0))
        emit({"event_loop_kb": sizes()["rss"] - before})
        emit({"asyncio_task_rss_kb": loop.run_until_complete(tasks(5000))})
        loop.close()
    elif what == "processes":
        # Forked, so that the worker's own start adds nothing here.
        method = "fork" if "fork" in mp.get_all_start_methods() else mp.get_all_start_methods()[0]
        before = sizes()["rss"]
        with cf.ProcessPoolExecutor(1, mp_context=mp.get_context(method)) as ex:
            ex.submit(nothing).result()
            emit({"processpool_growth_kb": sizes()["rss"] - before})
    elif what == "interpreters":
        # A function of this module: every interpreter imports it, and what it imports.
        before = sizes()["rss"]
        with cf.InterpreterPoolExecutor(3) as ex:
            for f in [ex.submit(nap) for _ in range(3)]:
                f.result()
            emit({"interpreter_and_main_rss_mb": (sizes()["rss"] - before) / 1024 / 3})


def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "times":
        times(rest[0])
    elif what == "interpreters":
        interpreters()
    elif what == "pickles":
        pickles()
    elif what == "payloads":
        payloads()
    elif what == "pipes":
        pipes()
    elif what == "memory":
        memory(rest[0], int(rest[1]))
    elif what == "idle":
        emit({"idle_kb": sizes()})
    elif what == "growth":
        growth(rest[0])


if __name__ == "__main__":
    main()
