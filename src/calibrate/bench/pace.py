"""How fast the cores are right now: a short loop, pinned to one core after the other where the system can pin."""
import os
import time

now = time.perf_counter
SPIN = 10_000


def spin(n):
    x = 0
    for i in range(n):
        x = (x * 31 + i) & 0xFFFFFF
    return x


def affinity():
    """The cores that this process may use; empty where the system does not tell."""
    try:
        return sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return []


CORES = affinity()


def pin(cores):
    """Confines the calling thread, and the threads and processes that it starts later."""
    if cores:
        try:
            os.sched_setaffinity(0, set(cores))
        except OSError:
            pass


def probes():
    """At most four cores, evenly spread."""
    n = len(CORES)
    return [CORES[i * n // min(n, 4)] for i in range(min(n, 4))]


def one_pace():
    a = now()
    spin(SPIN)
    return (now() - a) / SPIN * 1e9


def pace(core=None):
    """Nanoseconds an iteration: on one core, or the mean over some of them."""
    where = [core] if core is not None else probes()
    if not where:
        return one_pace()
    costs = []
    for c in where:
        pin([c])
        costs.append(one_pace())
    pin(CORES)
    return sum(costs) / len(costs)
