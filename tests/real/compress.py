"""Compresses log files with zlib, which gives the GIL up."""

import pathlib
import random
import zlib

import scenario
from batch import report, run_batch

COUNT = 60
STRATEGIES = ["sequential", "threads:2", "processes:2:fork", "asyncio", "asyncio+threads:2"]


def compress(path):
    path = pathlib.Path(path)
    packed = zlib.compress(path.read_bytes(), 6)
    (path.parent / "out" / path.name).write_bytes(packed)
    return len(packed)


def inputs(folder):
    """Logs of 1.5 to 3 MB."""
    rng = random.Random(7)
    words = [f"w{n}" * rng.randint(1, 3) for n in range(2000)]
    lines = [
        f"2026-11-{rng.randint(1, 28):02} {rng.randint(0, 23):02}:{rng.randint(0, 59):02} INFO request={rng.randrange(10**9)} "
        f"user={rng.choice(words)} path=/api/{rng.choice(words)} ms={rng.randint(1, 900)}"
        for _ in range(60_000)
    ]
    for n in range(COUNT):
        rng.shuffle(lines)
        (folder / f"{n:03}.log").write_text("\n".join(lines)[: rng.randint(1_500_000, 3_000_000)])


def steps(folder, profile):
    compress(files(folder)[0])
    rows = [scenario.cpu_and_wait_ms(compress, path) for path in files(folder)]
    free = scenario.gil_free(compress, files(folder))
    python = sum(cpu for cpu, *_ in rows) / COUNT * (1 - free) / scenario.cpu_factor(profile)
    native = scenario.empirical([cpu * free for cpu, *_ in rows])
    waits = scenario.empirical([wait for _, wait, _ in rows])
    file = ("file", COUNT, f'Cpu("{python:.4g}ms"), Hold("4MB", [Native({native})]), Io({waits})')
    scenario.write(folder / "compress.ron", "compress", profile, [file], scenario.imports("zlib"), STRATEGIES)


def files(folder):
    (folder / "out").mkdir(exist_ok=True)
    return sorted(map(str, folder.glob("*.log")))


def main():
    args = scenario.arguments(__doc__, "inputs", "steps", "advised", "run")
    if args.command == "inputs":
        inputs(args.folder)
    elif args.command in ("steps", "advised"):
        steps(args.folder, args.profile)
    else:
        result, sizes = run_batch(args.strategy, compress, files(args.folder))
        report(result, sum(sizes))


if __name__ == "__main__":
    main()
