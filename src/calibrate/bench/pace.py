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


class Watch:
    """Readings round a sample: the pace before and after, and the share of the cores that others used meanwhile."""

    def __init__(self, read=pace):
        self.read, self.used, self.begun = read, used(), now()
        self.before = read()

    def stop(self):
        after = self.read()
        took, end = now() - self.begun, used()
        others = 0.0
        # The system counts in hundredths of a second: it tells nothing of short samples.
        if self.used and end and took > 0.08:
            own, everybody = end[0] - self.used[0], end[1] - self.used[1]
            others = max(0.0, everybody - own) / took / max(1, len(CORES))
        return {"pace": [self.before, after], "others": others}
