"""How fast the cores are right now: a short loop, pinned to one core after the other where the system can pin."""
import os
import time

now = time.perf_counter
# One thread's own CPU time: other programs on the same core do not count, a neighbour of the whole virtual machine does.
cpu_now = time.thread_time
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


def one_pace(clock=now):
    a = clock()
    spin(SPIN)
    return (clock() - a) / SPIN * 1e9


def pace():
    """Nanoseconds of elapsed time an iteration, in the mean over some cores: what work on all of them has to reckon with."""
    where = probes()
    if not where:
        return one_pace()
    costs = []
    for c in where:
        pin([c])
        costs.append(one_pace())
    pin(CORES)
    return sum(costs) / len(costs)


def cpu_pace():
    """Nanoseconds of CPU time an iteration, where this thread is."""
    return one_pace(cpu_now)


def used():
    """CPU seconds of this process and its ended children, and of everybody, neighbours of a virtual machine included; None where
    the system does not tell."""
    try:
        with open("/proc/stat") as f:
            words = [int(x) for x in f.readline().split()[1:9]]
    except (OSError, ValueError):
        return None
    t = os.times()
    everybody = (sum(words) - words[3] - words[4]) / os.sysconf("SC_CLK_TCK")
    return t.user + t.system + t.children_user + t.children_system, everybody


# Readings of `used` in the last half second: the system counts in hundredths of a second, which says nothing of one short sample.
HISTORY = []


def others():
    """The share of the cores that others used lately."""
    end = used()
    if end is None:
        return 0.0
    t = now()
    HISTORY.append((t, end))
    while len(HISTORY) > 2 and t - HISTORY[1][0] > 0.2:
        HISTORY.pop(0)
    begun, start = HISTORY[0]
    if t - begun < 0.1:
        return 0.0
    own, everybody = end[0] - start[0], end[1] - start[1]
    return max(0.0, everybody - own) / (t - begun) / max(1, len(CORES))


class Watch:
    """Readings round a sample: the pace before and after, and the share of the cores that others used meanwhile."""

    def __init__(self, read=pace):
        others()
        self.read = read
        self.before = read()

    def stop(self):
        return {"pace": [self.before, self.read()], "others": others()}
