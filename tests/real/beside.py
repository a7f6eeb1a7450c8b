"""Forecasts beside real runs, as tables in Markdown: of `pchsim verify`, and of the programs here.

`beside.py verify FILE.json...` sums up what `pchsim verify --format json` wrote; `beside.py programs` runs a program. Errors are plain
relative ones of medians; the noise is the range of the runs over their median, and the share of the cores that others used.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")
# A run that has not ended by then hangs.
LIMIT_S = 300
# How often the memory of the tree is looked at.
PERIOD_S = 0.05


def percent(x):
    return "-" if x is None else f"{x:+.1%}"


def relative(forecast, measured):
    return forecast / measured - 1 if forecast is not None and measured else None


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def verify(paths):
    row("scenario", "Python", "strategy", "makespan", "p99", "memory", "CPU", "runs differ by", "others used")
    row(*["---"] * 3, *["---:"] * 6)
    for path in paths:
        try:
            said = json.loads(path.read_text())
        except ValueError:
            print(f"{path}: no result", file=sys.stderr)
            continue
        for s in said["strategies"]:
            errors = [percent((s[m] or {}).get("relative")) for m in ("makespan", "p99", "memory", "cpu")]
            others = "-" if s["others"] is None else f"{s['others']:.1%}"
            row(said["scenario"], s["python"], f"`{s['strategy']}`", *errors, f"{s['spread']:.1%}", others)
        for failed in said["failures"]:
            row(said["scenario"], "", f"`{failed['strategy']}`", "failed", *["-"] * 5)


def faults(paths):
    row("scenario", "Python", "strategy", "failed or lost", "forecast", "another worker had answered after", "forecast", "error")
    row(*["---"] * 3, *["---:"] * 5)
    for path in paths:
        said = json.loads(path.read_text())
        for s in said["strategies"]:
            failed = [f"{s['failed'][k]:.0f}" for k in ("measured", "forecast")]
            back = ["-"] * 3
            if s.get("back"):
                least, most, forecast = (1e3 * s["back"][k] for k in ("least", "greatest", "forecast"))
                back = [f"{least:.0f} to {most:.0f} ms", f"{forecast:.0f} ms", f"{s['back']['error']:.1%}"]
            row(said["scenario"], s["python"], f"`{s['strategy']}`", *failed, *back)
        for failed in said["failures"]:
            row(said["scenario"], "", f"`{failed['strategy']}`", "not run", *["-"] * 4)


def busy():
    """CPU seconds that anybody has used of all cores."""
    with open("/proc/stat") as file:
        fields = file.readline().split()
    return sum(int(fields[i]) for i in (1, 2, 3, 6, 7)) / TICK


def tree(root):
    """A process and its descendants."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def pss(root):
    """Memory of a tree: every page once."""
    total = 0
    for pid in tree(root):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += next((int(line.split()[1]) for line in file if line.startswith("Pss:")), 0) * 1024
        except OSError:
            pass
    return total


def watched(command, sampled, limit_s):
    """What one run prints, and the peak memory of its processes (0 if that is not sampled)."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak, over = [0], threading.Event()

    def sample():
        while not over.wait(PERIOD_S):
            peak[0] = max(peak[0], pss(child.pid))

    sampler = threading.Thread(target=sample)
    if sampled:
        sampler.start()
    try:
        text = child.communicate(timeout=limit_s)[0]
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        raise SystemExit(f"{' '.join(command)}: has not ended after {limit_s:.0f} s") from None
    finally:
        over.set()
        if sampled:
            sampler.join()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {child.returncode}")
    return text, peak[0]


def measured(command, sampled, limit_s=LIMIT_S):
    """One run; its memory is sampled in a run of its own, as looking at it takes time from the cores."""
    start, before = time.perf_counter(), busy()
    text, peak = watched(command, sampled, limit_s)
    result = json.loads(text.strip().splitlines()[-1])
    cores = len(os.sched_getaffinity(0))
    elapsed = time.perf_counter() - start
    result["others"] = min(max((busy() - before - result["cpu_s"]) / elapsed / cores, 0.0), 1.0)
    result["peak_bytes"] = peak
    latencies = sorted(result["latencies_s"])
    result["p99_s"] = latencies[round(0.99 * (len(latencies) - 1))]
    return result


def programs(args):
    command = [args.python, str(HERE / f"{args.program}.py"), "run"]
    for path in args.scenario:
        said = subprocess.run(
            [args.pchsim, "run", path, "--format", "json", "-q"], check=True, capture_output=True, text=True
        ).stdout
        ranking = []
        row("scenario", "strategy", "makespan s", "forecast", "error", "p99 error", "memory error", "CPU s", "error", "runs differ by", "others used")
        row(*["---"] * 2, *["---:"] * 9)
        for case in json.loads(said)["cases"]:
            strategy = case["strategy"]
            if case["added"]:
                continue
            forecast = {k: (v or {}).get("median") for k, v in case["estimates"].items()}
            times = args.times
            runs = [measured([*command, strategy, str(args.folder)], False) for _ in range(args.runs)]
            memory = measured([*command, strategy, str(args.folder)], True)["peak_bytes"]
            checks = {r["check"] for r in runs}
            if len(checks) != 1:
                raise SystemExit(f"{args.program} {strategy}: runs do not agree on what they computed: {checks}")
            makespans = [r["makespan_s"] for r in runs]
            makespan = statistics.median(makespans)
            cpu = statistics.median(r["cpu_s"] for r in runs)
            p99 = statistics.median(r["p99_s"] for r in runs)
            expected = (forecast["makespan_s"] or 0.0) * times
            ranking.append((makespan, expected, strategy))
            # Of a program that is forecast round by round the forecast's tail is that of a round.
            tail = relative(forecast["latency_p99_s"], p99) if times == 1 else None
            # The interpreter's start and its imports are CPU of the process and not of the forecast's tasks.
            row(
                pathlib.Path(path).stem,
                f"`{strategy}`",
                f"{makespan:.3f}",
                f"{expected:.3f}",
                percent(relative(expected, makespan)),
                percent(tail),
                percent(relative(forecast["memory_peak_bytes"], memory)),
                f"{cpu:.2f}",
                percent(relative((forecast["cpu_s"] or 0.0) * times, cpu)),
                f"{(max(makespans) - min(makespans)) / makespan:.1%}",
                f"{max(r['others'] for r in runs):.1%}",
            )
            with open(args.out, "a") as file:
                line = {"scenario": path, "strategy": strategy, "forecast": forecast, "times": times, "runs": runs, "peak_bytes": memory}
                file.write(json.dumps(line) + "\n")
        if ranking:
            real, forecast = min(ranking), min(ranking, key=lambda r: r[1])
            print(f"\n{pathlib.Path(path).stem}: best `{real[2]}`, forecast `{forecast[2]}` ({percent(forecast[0] / real[0] - 1)} slower)\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    of_verify = commands.add_parser("verify")
    of_verify.add_argument("files", nargs="+", type=pathlib.Path)
    of_faults = commands.add_parser("faults")
    of_faults.add_argument("files", nargs="+", type=pathlib.Path)
    of_programs = commands.add_parser("programs")
    of_programs.add_argument("program")
    of_programs.add_argument("scenario", nargs="+")
    of_programs.add_argument("--python", required=True, help="runs the program; not the one that runs this, or they share pages of memory")
    of_programs.add_argument("--pchsim", required=True)
    of_programs.add_argument("--folder", type=pathlib.Path, required=True)
    of_programs.add_argument("--times", type=int, default=1, help="the program does what the scenario says so many times in a row")
    of_programs.add_argument("--runs", type=int, default=3)
    of_programs.add_argument("--out", required=True)
    args = parser.parse_args()
    if args.command == "verify":
        verify(args.files)
    elif args.command == "faults":
        faults(args.files)
    else:
        programs(args)


if __name__ == "__main__":
    main()
