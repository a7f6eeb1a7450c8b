

def usage():
    """CPU seconds of this process and of the children it has waited for; its context switches."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return seconds, own.ru_nvcsw, own.ru_nivcsw


def busy():
    """CPU seconds that these cores have worked for anybody, as far as the system tells (Linux)."""
    try:
        cores = {f"cpu{core}" for core in os.sched_getaffinity(0)}
        with open("/proc/stat") as file:
            lines = [line.split() for line in file]
        ticks = [sum(map(int, line[1:4] + line[6:9])) for line in lines if line[0] in cores]
        return sum(ticks) / os.sysconf("SC_CLK_TCK") if ticks else None
    except (AttributeError, OSError, ValueError, IndexError):
        return None


def main():
    if CORES and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    tasks = workload()
    before = canary()
    used, worked = usage(), busy()
    t0, t1, closed, log = RUN(tasks)
    used = [after - before for after, before in zip(usage(), used)]
    worked = None if worked is None else busy() - worked
    after = canary()
    ends = sorted(latency for latency in log.latency if latency is not None)
    if ends:
        at = lambda p: ends[round(p * (len(ends) - 1))]
        print(
            f"makespan {t1 - t0:.3f} s; latency p50 {at(0.5):.4f} s, p95 {at(0.95):.4f} s, p99 {at(0.99):.4f} s; "
            f"{used[0]:.2f} s of CPU; {len(tasks) - len(ends)} of {len(tasks)} tasks failed",
            file=sys.stderr,
        )
    result = {
        "pchsim": 1,
        "makespan_s": t1 - t0,
        "closed_s": closed - t0,
        "kinds": [kind for _, kind, _ in tasks],
        "latencies_s": log.latency,
        "failed": log.error.count("Failed"),
        "timed_out": log.error.count("TimedOut"),
        "cpu_s": used[0],
        "busy_s": worked,
        "ctx_voluntary": used[1],
        "ctx_involuntary": used[2],
        "canary_ns": {"before": before, "after": after},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
