"""Runs one function over a list of items under a named strategy, and says how long it took.

"The same work under several strategies" is literally the same function. Times follow `pchsim verify`: from just before the
pool is made to the last result; a task's latency is from that start to the moment when the program has its result.
"""

import asyncio
import concurrent.futures as cf
import contextlib
import json
import multiprocessing
import resource
import time

now = time.perf_counter


def run_batch(strategy, func, items):
    """Strategies are written as pchsim writes them: sequential, threads:8, processes:2:fork, processes:2:fork:20, asyncio, asyncio+threads:2."""
    kind, *rest = strategy.split(":")
    ends = [None] * len(items)
    results = [None] * len(items)
    start = now()

    if kind == "sequential":  # the plain for loop: no executor at all
        for i, item in enumerate(items):
            results[i] = func(item)
            ends[i] = now()
    elif kind == "processes" and len(rest) == 3:  # in chunks
        with executor(kind, rest) as pool:
            for i, result in enumerate(pool.map(func, items, chunksize=int(rest[2]))):
                results[i] = result
                ends[i] = now()
            return outcome(start, ends, now()), results
    elif kind in ("threads", "processes"):
        with executor(kind, rest) as pool:
            futures = []
            for i, item in enumerate(items):
                future = pool.submit(func, item)
                future.add_done_callback(lambda _, i=i: ends.__setitem__(i, now()))
                futures.append(future)
            results = [future.result() for future in futures]
            return outcome(start, ends, now()), results
    elif kind in ("asyncio", "asyncio+threads", "asyncio+processes"):

        async def one(pool, i, item):
            results[i] = await asyncio.get_running_loop().run_in_executor(pool, func, item) if pool else func(item)
            ends[i] = now()

        async def main():
            with executor(kind.partition("+")[2], rest) as pool:
                await asyncio.gather(*(one(pool, i, item) for i, item in enumerate(items)))

        asyncio.run(main())
    else:
        raise SystemExit(f"unknown strategy {strategy}")
    return outcome(start, ends), results


def executor(kind, rest):
    """The pool of `threads:8` or `processes:2:fork`; nothing of what has none."""
    if not kind:
        return contextlib.nullcontext()
    if kind == "threads":
        return cf.ThreadPoolExecutor(int(rest[0]))
    return cf.ProcessPoolExecutor(int(rest[0]), mp_context=multiprocessing.get_context(rest[1]))


def outcome(start, ends, last=None):
    """What a run is measured by."""
    return {"makespan_s": (last or max(ends)) - start, "latencies_s": [end - start for end in ends]}


def report(result, check):
    """The last line of a program's output. `check` is the same number whatever the strategy was."""
    result["cpu_s"] = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        result["cpu_s"] += used.ru_utime + used.ru_stime
    result["check"] = check
    print(json.dumps(result), flush=True)
