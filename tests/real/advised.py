"""Carries advice out: what `pchsim advise` recommends for a program, among all approaches that this Python has, each measured.

`advised.py PROGRAM FOLDER --python PYTHON --pchsim PCHSIM --profile PROFILE` writes a scenario from times of single tasks, asks for advice on it, runs
the program under the recommended strategy, under the best of each other family that the advice names and under some more, and prints the rows of
a table (`--head` prints the first). The advice holds if the recommended strategy is the fastest of all, or within a tenth of it. Exit code 1 if it does not.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

from beside import LIMIT_S, measured, row

HERE = pathlib.Path(__file__).resolve().parent
# How much slower than the fastest what was recommended may be.
MARGIN = 0.10
# How many times as long as one task after another takes by the forecast a run may take: what takes longer hangs.
PATIENCE = 5
# Strategies that everybody would try, beside those that the advice names.
USUAL = ["sequential", "threads:2", "threads:8", "processes:2:fork", "asyncio", "asyncio+threads:2", "asyncio+processes:2:fork"]
# What is required of them: agents write to one blackboard.
REQUIRED = {"agents": ["--state", "shared"]}
HEAD = ["program", "recommended", "measured s", "forecast s", "fastest", "measured s", "behind", "speed-up forecast", "measured", "all that were measured, s"]


def shares(program, strategy):
    """Whether a strategy has the state that a program's tasks share, where they do."""
    return "--state" not in REQUIRED.get(program, []) or "processes" not in strategy


def advice(args, scenario):
    command = [args.pchsim, "advise", scenario, "--quick", "--free-threading", "no", "--format", "json", *REQUIRED.get(args.program, [])]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    named = [said["recommendation"]["strategy"], *(a["strategy"] for a in said["alternatives"] if not a["excluded"])]
    return said, named


def main():
    if sys.argv[1:] == ["--head"]:
        row(*HEAD)
        row(*("---:" if name.endswith((" s", "behind", "forecast")) else "---" for name in HEAD))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--python", required=True)
    parser.add_argument("--pchsim", required=True)
    parser.add_argument("--profile", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out")
    args = parser.parse_args()
    program = [args.python, str(HERE / f"{args.program}.py")]
    written = subprocess.run(
        [*program, "advised", str(args.folder), "--profile", args.profile], check=True, capture_output=True, text=True
    ).stdout.split()
    said, named = advice(args, written[-1])
    strategies = [s for s in dict.fromkeys([*named, *USUAL]) if shares(args.program, s)]
    # The longest of all is one task after another, and on a slow machine it takes longer than any fixed limit.
    alone = (said["baseline"] or {}).get("makespan_s") or {"mean": 0.0}
    limit = max(LIMIT_S, PATIENCE * alone["mean"])
    times, checks = {}, set()
    # In turns, so that a slow spell of the machine is everybody's.
    for _ in range(args.runs):
        for strategy in strategies:
            run = measured([*program, "run", strategy, str(args.folder)], False, limit)
            checks.add(run["check"])
            times.setdefault(strategy, []).append(run["makespan_s"])
    if len(checks) != 1:
        raise SystemExit(f"{args.program}: runs do not agree on what they computed: {checks}")
    medians = {strategy: statistics.median(runs) for strategy, runs in times.items()}
    recommended = named[0]
    fastest = min(medians, key=medians.get)
    behind = medians[recommended] / medians[fastest] - 1
    forecast = said["recommendation"]
    row(
        args.program,
        f"`{recommended}`",
        f"{medians[recommended]:.2f}",
        f"{forecast['makespan_s']['mean']:.2f}",
        f"`{fastest}`",
        f"{medians[fastest]:.2f}",
        f"{behind:.1%}",
        f"x{forecast['speedup']['mean']:.2f}",
        f"x{medians['sequential'] / medians[recommended]:.2f}",
        ", ".join(f"`{s}` {m:.2f}" for s, m in sorted(medians.items(), key=lambda item: item[1])),
    )
    if args.out:
        with open(args.out, "a") as file:
            file.write(json.dumps({"program": args.program, "recommended": recommended, "times": times, "advice": said}) + "\n")
    if behind > MARGIN:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
