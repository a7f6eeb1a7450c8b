"""How fast the cores are, and what a server's own modules take of memory, as a line of JSON: run beside a server, before it and after it."""
import asyncio
import concurrent.futures
import contextlib
import functools
import hashlib
import heapq
import importlib
import json
import multiprocessing
import os
import queue
import resource
import sys
import threading
import time

now, cpu_now = time.perf_counter, time.thread_time
_BLOCK = bytes(1 << 16)
{canary}

def memory():
    """Bytes of this process that no other has, as far as the system tells (Linux)."""
    try:
        with open("/proc/self/smaps_rollup") as file:
            lines = [line.split() for line in file]
        return sum(int(line[1]) * 1024 for line in lines if line[0] in ("Private_Clean:", "Private_Dirty:"))
    except (OSError, ValueError, IndexError):
        return 0


def modules(names):
    """Bytes that these modules take beyond what the program has imported already."""
    before = memory()
    for name in names:
        importlib.import_module(name)
    return max(0, memory() - before)


cores, *names = sys.argv[1:]
if int(cores) and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
print(json.dumps({"canary_ns": canary(), "block_ns": hashing(), "modules_bytes": modules(names)}))
