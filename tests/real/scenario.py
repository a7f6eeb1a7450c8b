"""What the programs share: their command lines, the times of single tasks, and scenarios of what was timed."""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

# Loads modules in a new process and says the CPU time (ms) and the memory (MiB) that took.
IMPORT = """
import os, sys, time
def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
m, t = rss(), time.process_time()
for name in sys.argv[1:]:
    __import__(name)
print((time.process_time() - t) * 1e3, (rss() - m) / 2**20)
"""


def arguments(about, *commands):
    """The command line of a program: COMMAND [STRATEGY] FOLDER [--profile FILE]."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("command", choices=commands)
    parser.add_argument("strategy", nargs="?")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--profile")
    return parser.parse_args()


def cpu_ms(func, *args):
    """CPU milliseconds of this thread, and the result."""
    start = time.thread_time()
    result = func(*args)
    return (time.thread_time() - start) * 1e3, result


def cpu_and_wait_ms(func, *args):
    """The same with the rest of the elapsed time, in which the thread waited."""
    start = time.perf_counter()
    cpu, result = cpu_ms(func, *args)
    return cpu, max((time.perf_counter() - start) * 1e3 - cpu, 0.0), result


def imports(*modules):
    """The `imports` of a scenario: medians of five new processes."""
    runs = []
    for _ in range(5):
        out = subprocess.run([sys.executable, "-c", IMPORT, *modules], check=True, capture_output=True, text=True).stdout
        runs.append([float(x) for x in out.split()])
    time_ms, memory = (statistics.median(column) for column in zip(*runs))
    return f'(time: "{time_ms:.1f}ms", memory: "{memory:.1f}MiB")'


def gil_free(func, items, limit_s=6.0):
    """The share of a function's time in which the GIL is free: a thread that sleeps 1 ms sees how late it comes back.

    One that comes back in time found the GIL free, one that comes late found it held; each stands for the time that it took.
    """
    late, over = [], threading.Event()

    def probe():
        while not over.is_set():
            start = time.perf_counter()
            time.sleep(0.001)
            late.append(time.perf_counter() - start - 0.001)

    thread = threading.Thread(target=probe)
    thread.start()
    start = time.perf_counter()
    for item in items:
        func(item)
        if time.perf_counter() - start > limit_s:
            break
    over.set()
    thread.join()
    free = sum(0.001 + x for x in late if x < 0.0004)
    return free / (sum(0.001 + x for x in late) or 1.0)


def cpu_factor(profile):
    """How much more a step costs on the interpreter that was measured: scenarios state steps on the baseline."""
    with open(profile) as file:
        return float(re.search(r'"cpu_factor": \(value: ([0-9.eE+-]+)', file.read())[1])


def empirical(times, factor=1.0):
    """A distribution of measured milliseconds."""
    return "Empirical([" + ", ".join(f'"{max(t / factor, 1e-6):.4g}ms"' for t in times) + "])"


def write(path, name, profile, classes, imported, strategies, arrivals="Batch", extra=""):
    """Writes a scenario of a batch. `classes`: (name, count, steps as text); `extra`: further fields of a task."""
    tasks = ", ".join(f'(name: "{n}", count: {count}, {extra}steps: [{steps}])' for n, count, steps in classes)
    names = ", ".join(f'"{s}"' for s in strategies)
    with open(path, "w") as file:
        file.write(
            f"// {name}: written from times of single tasks, before any real run.\n"
            f'(\n    schema: 1,\n    name: "{name}",\n    machine: (cores: {len(os.sched_getaffinity(0))}),\n    interpreters: ["{profile}"],\n'
            f"    workload: (arrivals: {arrivals}, tasks: [{tasks}], imports: {imported}),\n    strategies: [{names}],\n)\n"
        )
    print(path)
