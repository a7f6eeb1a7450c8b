"""What the recorded programs share: some work in pure Python, the command line, and what a run is measured by."""

import argparse
import json
import random
import resource
import time

now = time.perf_counter


def rank(seed, size):
    """Makes offers and ranks them: a microsecond or two of Python for each."""
    rng = random.Random(seed)
    offers = [{"id": n, "price": rng.random() * 900, "tags": {rng.randrange(30), rng.randrange(30)}} for n in range(size)]
    wanted = set(range(seed % 7, 30, 3))
    best = sorted(offers, key=lambda offer: (-len(wanted & offer["tags"]), round(offer["price"], 2)))
    return sum(offer["id"] for offer in best[:20])


def draws(seed, count, low, high):
    """Sizes or times for each task: uniform, and the same in every run."""
    rng = random.Random(seed)
    return [rng.uniform(low, high) for _ in range(count)]


def latencies_of_services(seed, count, median):
    """How long services take to answer, in seconds: log-normal, as they are."""
    rng = random.Random(seed)
    return [median * rng.lognormvariate(0.0, 0.4) for _ in range(count)]


def arguments(about):
    """STRATEGY [--short]: how it runs, and whether it does a fifth of its work only. The strategy as its words between colons."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("strategy")
    parser.add_argument("--short", action="store_true")
    args = parser.parse_args()
    return args.strategy.split(":"), 5 if args.short else 1


def report(start, check, **more):
    """The last line of a program's output; `check` is the same number whatever the strategy is."""
    line = {"makespan_s": now() - start, "check": check, **more}
    line["cpu_s"] = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        line["cpu_s"] += used.ru_utime + used.ru_stime
    print(json.dumps(line), flush=True)


def unknown(strategy):
    raise SystemExit(f"there is no way to run this as {':'.join(strategy)}")
