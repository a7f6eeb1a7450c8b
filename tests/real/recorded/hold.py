"""Forecasts of recorded programs, held against real runs of them: `hold.py --pchsim PCHSIM --python PYTHON --out DIR [PROGRAM...]`.

Each program is recorded as it is, once, under one strategy. The scenario that comes out is forecast without an edit: under the recorded
strategy, beside the recorded run and beside runs without the recorder, and under others that were never recorded, beside real runs of
those. Prints a table in Markdown, and writes DIR/recorded.json with every run. `--complete` records only, the programs' short forms, and
prints the seconds that each took.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import beside  # noqa: E402

# A run that has not ended by then hangs.
LIMIT_S = 120
# Which forecasts count as right: of the recorded strategy beside the recorded run, of others beside real runs, latencies of servers, memory.
RECORDED, OTHERS, LATENCY, MEMORY = 0.05, 0.10, 0.15, 0.15
# Real makespans that are this near to each other are no ranking.
TIE = 0.05

# The strategy that is recorded, and others: as the program names it, and as pchsim does (None: the first one of the scenario).
PROGRAMS = {
    "semaphore": ("asyncio", {"threads:8": "threads:8", "threads:40": "threads:40"}),
    "offload_threads": ("asyncio+threads:8", {"asyncio+threads:3": "asyncio+threads:3", "threads:8": "threads:8"}),
    "offload_processes": (
        "asyncio+processes:2:fork",
        {"asyncio": "asyncio", "asyncio+processes:1:fork": "asyncio+processes-2=processes:1:fork", "threads:8": "threads:8"},
    ),
    "locks": ("threads:8", {"threads:2": "threads:2", "threads:16": "threads:16", "sequential": "sequential"}),
    "chunks": ("processes:2:fork:20", {"processes:2:spawn:20": "processes:2:spawn:20", "threads:2": "threads:2", "sequential": "sequential"}),
    "rounds": ("pool:2:fork", {"pool:2:spawn": "pool:2:spawn", "threads:2": "threads:2", "sequential": "sequential"}),
    "workers": ("threads:6", {"threads:2": "threads:2", "threads:12": "threads:12"}),
    "agents": ("threads:10", {"threads:4": "threads:4", "asyncio": "asyncio"}),
    "api_fastapi": ("uvicorn:1", {"uvicorn:2": "uvicorn:2:keep-alive", "def:1": "threads:40"}),
    "api_flask": ("gthread:1:8", {"gthread:2:4": "gunicorn:2:gthread:4", "sync:4": "gunicorn:4:sync"}),
}
# Programs of the folder above, with well-known libraries; the name says what is recorded. In a folder of inputs, or beside a service.
LIBRARIES = {
    "pdf": ("threads:2", {s: s for s in ("sequential", "processes:2:fork", "processes:2:spawn")}),
    "images": ("threads:2", {s: s for s in ("sequential", "threads:8", "processes:2:fork")}),
    "scraper": ("threads:8", {s: s for s in ("sequential", "threads:2", "threads:32", "processes:2:spawn")}),
    "scraper-loop": (
        "asyncio+threads:2",
        {"asyncio": "asyncio", "asyncio+processes:2:fork": "asyncio+threads-2=processes:2:fork"},
    ),
    "blackboard": ("threads:10", {"sequential": "sequential", "asyncio": "asyncio"}),
    "blackboard-loop": ("asyncio+threads:5", {"asyncio+threads:2": "asyncio+threads-5=threads:2"}),
}
SCRIPTS = {"scraper-loop": "scraper", "blackboard": "agents", "blackboard-loop": "agents"}
SERVICES = {"scraper": "shop", "agents": "facts"}
NEEDS = {
    "pdf": ("pypdf", "reportlab"),
    "images": ("PIL", "numpy"),
    "scraper": ("requests", "bs4", "lxml"),
    "scraper-loop": ("aiohttp", "bs4", "lxml"),
    "blackboard": ("requests", "aiohttp"),
    "blackboard-loop": ("requests", "aiohttp"),
    **{"api_fastapi": ("fastapi", "uvicorn"), "api_flask": ("flask", "gunicorn")},
}


def output_of(command, may_fail=False):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise SystemExit(f"{' '.join(command)}: has not ended after {LIMIT_S} s") from None
    if done.returncode and not may_fail:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def result_in(text):
    """The line of JSON that a program prints in the end."""
    lines = [line for line in text.splitlines() if line.startswith('{"makespan_s"')]
    if not lines:
        raise SystemExit(f"the program did not say how long it took:\n{text}")
    return json.loads(lines[-1])


def command_of(args, program, strategy):
    if program in LIBRARIES:
        script = SCRIPTS.get(program, program)
        return [args.python, str(HERE.parent / f"{script}.py"), "run", strategy, str(args.out / script)]
    return [args.python, str(HERE / f"{program}.py"), strategy, *(["--short"] if args.complete else [])]


def recorded(args, program, strategy):
    """The scenario's path, and what the program said of the recorded run."""
    path = args.out / f"{program}.ron"
    trace = args.out / f"{program}.jsonl"
    command = [args.pchsim, "record", "--force", "-o", str(path), "--keep-trace", str(trace), "--", *command_of(args, program, strategy)]
    text = output_of(command)
    (args.out / f"{program}.txt").write_text(text)
    return path, result_in(text)


KEYS = ("makespan_s", "latency_p50_s", "latency_p99_s", "memory_peak_bytes")


def memory_of(command):
    """The peak memory of one more run, every page of its processes once: looking at it takes time from the cores, so no run that is timed is."""
    return beside.watched(command, True)[1]


def forecasts(args, path, strategies):
    """Makespan, p50, p99 and memory of each strategy, by its name; None where it cannot be forecast."""
    found = {}
    for strategy in strategies:
        done = subprocess.run(
            [args.pchsim, "run", str(path), "--strategy", strategy, "--format", "json", "-q"], capture_output=True, text=True
        )
        if done.returncode:
            print(f"{path.name} {strategy}: {done.stderr.strip()}", file=sys.stderr)
            continue
        # Without a profile of its interpreter the scenario is forecast on those that are shipped, free-threaded ones among them.
        cases = [case for case in json.loads(done.stdout)["cases"] if not case["added"]]
        case = next(case for case in cases if not case["interpreter"].endswith("t"))
        found[strategy] = {name: (case["estimates"][name] or {}).get("median") for name in KEYS}
    return found


def first_strategy(path):
    return re.search(r'^    strategies: \["((?:[^"\\]|\\.)*)"', path.read_text(), re.M)[1]


def middle(runs, name):
    values = [run[name] for run in runs]
    return statistics.median(values), (max(values) - min(values)) / statistics.median(values)


def measures(served):
    """What is compared: its name, its key in a run and in a forecast, and how near a forecast of another strategy has to be."""
    if served:
        return [("p50", "p50_s", "latency_p50_s", LATENCY), ("p99", "p99_s", "latency_p99_s", LATENCY)]
    return [("makespan", "makespan_s", "makespan_s", OTHERS)]


def held(args, program):
    """Rows of one program, and whether the forecasts rank its strategies as the real runs do."""
    own, others = {**PROGRAMS, **LIBRARIES}[program]
    path, run = recorded(args, program, own)
    label = first_strategy(path)
    said = forecasts(args, path, [label, *others.values()])
    served = "p50_s" in run
    rows, ranking = [], []
    for real_name, forecast_name in {own: label, **others}.items():
        runs = [result_in(output_of(command_of(args, program, real_name))) for _ in range(args.runs)]
        if any(r["check"] != run["check"] for r in runs):
            raise SystemExit(f"{program} {real_name}: runs do not agree on what they computed")
        forecast = said.get(forecast_name)
        # The client of a server is among its processes, and no part of it.
        if args.memory and not served:
            rows.append(memory_row(args, program, (real_name, forecast_name), forecast))
        for what, key, forecast_key, near in measures(served):
            real, spread = middle(runs, key)
            expected = forecast[forecast_key] if forecast else None
            row = {"program": program, "strategy": real_name, "forecast_as": forecast_name, "what": what, "real": real, "spread": spread}
            row |= {"forecast": expected, "error": expected and expected / real - 1, "runs": [r[key] for r in runs]}
            is_own = real_name == own
            if is_own:
                row |= {"recorded": run[key], "recorded_error": expected and expected / run[key] - 1}
            limit = RECORDED if is_own and not served else near
            error = row["recorded_error"] if is_own else row["error"]
            row["right"] = error is not None and abs(error) <= limit
            rows.append(row)
            if key in ("makespan_s", "p50_s") and expected:
                ranking.append((real, expected))
    wrong = sum(a < b * (1 - TIE) and x > y for a, x in ranking for b, y in ranking)
    return rows, wrong


def memory_row(args, program, names, forecast):
    peak = memory_of(command_of(args, program, names[0]))
    expected = forecast and forecast["memory_peak_bytes"]
    row = {"program": program, "strategy": names[0], "forecast_as": names[1], "what": "memory", "real": peak, "spread": 0.0, "runs": [peak]}
    row |= {"forecast": expected, "error": expected and expected / peak - 1}
    row["right"] = bool(expected) and abs(row["error"]) <= MEMORY
    return row


@contextlib.contextmanager
def surroundings(args, program):
    """What a program needs: a folder of inputs, or the address of a service."""
    script = SCRIPTS.get(program, program)
    if program not in LIBRARIES:
        yield
    elif script in SERVICES:
        # By another Python than the programs', where there is one: it is part of nothing that is measured.
        service = subprocess.Popen([sys.executable, str(HERE.parent / "server.py"), SERVICES[script]], stdout=subprocess.PIPE, text=True)
        try:
            os.environ["BASE"] = f"http://127.0.0.1:{int(service.stdout.readline())}"
            yield
        finally:
            service.kill()
            service.wait()
    else:
        folder = args.out / script
        if not folder.exists():
            folder.mkdir()
            output_of([args.python, str(HERE.parent / f"{script}.py"), "inputs", str(folder)])
        yield


def shown(row):
    units = {"makespan": lambda v: f"{v:.3f} s", "memory": lambda v: f"{v / 2**20:.0f} MiB"}
    unit = units.get(row["what"], lambda v: f"{v * 1e3:.1f} ms")
    time_of = lambda v: "–" if v is None else unit(v)
    percent = lambda v: "–" if v is None else f"{v:+.1%}"
    name = f"`{row['strategy']}`" + ("" if row["strategy"] == row["forecast_as"] else f" (`{row['forecast_as']}`)")
    cells = [row["program"], name, row["what"], time_of(row.get("recorded")), time_of(row["forecast"]), percent(row.get("recorded_error"))]
    cells += [time_of(row["real"]), percent(row["error"]), f"{row['spread']:.1%}", "" if row["right"] else "off"]
    return "| " + " | ".join(cells) + " |"


def available(args, program):
    wanted = NEEDS.get(program, ())
    code = "import importlib.util, sys; sys.exit(not all(importlib.util.find_spec(m) for m in sys.argv[1:]))"
    return not wanted or subprocess.run([args.python, "-c", code, *wanted]).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM")
    parser.add_argument("--pchsim", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="hold memory as well, in one more run of each strategy")
    parser.add_argument("--complete", action="store_true", help="record the short forms, and hold them against nothing")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    known = PROGRAMS if args.complete else {**PROGRAMS, **LIBRARIES}
    names = args.programs or list(known)
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"there is no program {', '.join(unknown)}; there are {', '.join(known)}")
    left_out = [name for name in names if not available(args, name)]
    names = [name for name in names if name not in left_out]
    if args.complete:
        for name in names:
            start = time.perf_counter()
            recorded(args, name, PROGRAMS[name][0])
            print(f"    {name}: recorded in {time.perf_counter() - start:.1f} s")
    else:
        print("| program | strategy | what | recorded | forecast | error | real | error | runs differ by | |")
        print("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
        everything, misranked = [], 0
        for name in names:
            with surroundings(args, name):
                rows, wrong = held(args, name)
            everything += rows
            misranked += wrong
            for row in rows:
                print(shown(row), flush=True)
        right = sum(row["right"] for row in everything)
        print(f"\n{right} of {len(everything)} are near enough; {misranked} pairs of strategies are ranked the wrong way round.")
        (args.out / "recorded.json").write_text(json.dumps({"rows": everything, "misranked": misranked}, indent=1))
    for name in left_out:
        print(f"    {name}: left out, {' and '.join(NEEDS[name])} cannot be imported")


if __name__ == "__main__":
    main()
