"""What a generated program does besides its work, for an estimate of how long runs take: it starts, imports what they import, and reads
how fast the cores are. Prints seconds for that reading, nanoseconds for a turn of the reference loop, what a byte of a table costs, and how
many seconds it takes to be given a second of a core.
"""
import asyncio
import concurrent.futures
import hashlib
import heapq
import json
import os
import sys
import time

try:
    import concurrent.futures.process
    import multiprocessing
except ImportError:  # A system without semaphores has no process pools.
    pass

now, cpu_now = time.perf_counter, time.thread_time
_BLOCK = bytes(1 << 16)


def spin(n):
    x = 0
    for i in range(n):
        x = (x * 31 + i) & 0xFFFFFF
    return x


def reading():
    """As the programs take it, before their work and after it."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else [None]
    costs = []
    for core in cores[:16]:
        if core is not None:
            os.sched_setaffinity(0, {core})
        start = cpu_now()
        for _ in range(5):
            spin(20_000)
        costs.append((cpu_now() - start) / 100_000 * 1e9)
    if cores != [None]:
        os.sched_setaffinity(0, cores)
    for _ in range(100):
        hashlib.sha256(_BLOCK).digest()
    return sum(costs) / len(costs)


def each_byte(text, f):
    start = now()
    f(text)
    return (now() - start) / len(text) * 1e9


begun, used = now(), cpu_now()
loop = reading()
read, used = now() - begun, cpu_now() - used
rows = ['[0.125, "page", [[1.624281, 3.905092, 2.24821, 3.28631]]]'] * 400
code = each_byte("[" + ",\n".join(rows) + "]", lambda t: compile(t, "table", "exec"))
data = each_byte("[" + ",\n".join(rows) + "]", json.loads)
print(json.dumps({"reading_s": read, "loop_ns": loop, "code_byte_ns": code, "data_byte_ns": data, "stretch": read / max(used, 1e-6), "own_s": now() - begun}))
