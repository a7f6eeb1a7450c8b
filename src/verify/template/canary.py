

def spin(count):
    """A fixed amount of the same work as cpu(), to tell how fast a core is."""
    x = 0
    for i in range(count):
        x = (x * 31 + i) & 0xFFFFFF
    return x


def canary():
    """Nanoseconds of CPU for a turn of that loop: the mean of a few short samples, on each core in turn where that can be chosen."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else [None]
    costs = []
    for core in cores[:16]:
        if core is not None:
            os.sched_setaffinity(0, {core})
        samples = []
        for _ in range(5):
            start = cpu_now()
            spin(20_000)
            samples.append(cpu_now() - start)
        costs.append(sum(samples) / len(samples) / 20_000 * 1e9)
    if cores != [None]:
        os.sched_setaffinity(0, cores)
    return costs
