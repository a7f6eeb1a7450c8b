"""Starting processes, and what they weigh: a program of its own, because children by spawn and forkserver import the main
module again, and because a process's memory shows all that it ever did.

    python starts.py times fork | interpreters | memory spawn 4 | idle | growth threads

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
import random
import resource
import sys
import threading
import time

from pace import now, pace


def emit(figures, before, after):
    print(json.dumps({"kind": "sample", "figures": figures, "pace": [before, after]}), flush=True)


# ------------------------------------------------------------------ what children run

def nothing(*_):
    return None


def nap():
    time.sleep(0.2)


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
        before = pace()
        call, cycle = start_join()
        emit({f"process_start_call_ms_{method}": call * 1e3, f"process_start_join_ms_{method}": cycle * 1e3}, before, pace())
    for _ in range(2):
        before = pace()
        a = now()
        with cf.ProcessPoolExecutor(1, mp_context=ctx) as ex:
            ex.submit(nothing).result()
            b = now()
        c = now()
        emit({f"processpool_first_result_ms_{method}": (b - a) * 1e3, f"processpool_shutdown_ms_{method}": (c - b) * 1e3}, before, pace())


def interpreters():
    """A first result from a sub-interpreter that needs nothing, and from one that has to import this module."""
    for _ in range(2):
        before = pace()
        took = []
        for call in (functools.partial(len, ()), nothing):
            a = now()
            with cf.InterpreterPoolExecutor(1) as ex:
                ex.submit(call).result()
                took.append(now() - a)
        bare, imported = took
        emit({"interpreterpool_first_result_ms": bare * 1e3, "interpreterpool_first_main_result_ms": imported * 1e3}, before, pace())


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
    emit({f"tree_kb_{method}_{workers}": processes}, 0, 0)


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
        emit({"threadpool_growth_kb_4": pool, "work_item_kb": each}, 0, 0)
        ready = threading.Event()
        before = sizes()["rss"]
        threads = [threading.Thread(target=ready.wait) for _ in range(200)]
        for t in threads:
            t.start()
        emit({"thread_rss_kb": (sizes()["rss"] - before) / 200}, 0, 0)
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
        emit({"event_loop_kb": sizes()["rss"] - before}, 0, 0)
        emit({"asyncio_task_rss_kb": loop.run_until_complete(tasks(5000))}, 0, 0)
        loop.close()
    elif what == "processes":
        # Forked, so that the worker's own start adds nothing here.
        method = "fork" if "fork" in mp.get_all_start_methods() else mp.get_all_start_methods()[0]
        before = sizes()["rss"]
        with cf.ProcessPoolExecutor(1, mp_context=mp.get_context(method)) as ex:
            ex.submit(nothing).result()
            emit({"processpool_growth_kb": sizes()["rss"] - before}, 0, 0)
    elif what == "interpreters":
        # A function of this module: every interpreter imports it, and what it imports.
        before = sizes()["rss"]
        with cf.InterpreterPoolExecutor(3) as ex:
            for f in [ex.submit(nap) for _ in range(3)]:
                f.result()
            emit({"interpreter_and_main_rss_mb": (sizes()["rss"] - before) / 1024 / 3}, 0, 0)


def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "times":
        times(rest[0])
    elif what == "interpreters":
        interpreters()
    elif what == "memory":
        memory(rest[0], int(rest[1]))
    elif what == "idle":
        emit({"idle_kb": sizes()}, 0, 0)
    elif what == "growth":
        growth(rest[0])


if __name__ == "__main__":
    main()
