"""Plans held against real servers: `hold.py --pchsim PCHSIM --python PYTHON --profile PROFILE --out DIR [APPLICATION...]`.

Each application is measured without a server (steps.py), planned for on the cores that its server will have, and served by the command that the plan
prints, at 0.8 and at 1.3 times the maximum load that it states, several times each. The objective has to be held at the first and broken at the second.
The server has the first core, or the first two where there are four, and the client (load.py) the others. Prints a table in Markdown, and writes
DIR/planned.json with every run. It is started with another Python than the server's, where there is one.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

# The ways to serve each application among which the plan chooses: those whose endpoints are written as they need it.
SERVERS = {
    "shop_fastapi": ("uvicorn:1", "gunicorn:1:uvicorn"),
    "shop_flask": ("gunicorn:1:sync", "gunicorn:1:gthread:4"),
}
BOUND_S, OBJECTIVE, SHARE = 0.150, "p95 < 150ms", 0.95
FAILURES = 0.01
# Of what the cores bear by the CPU time of the application alone, the share that is planned for.
PART = 0.4
BELOW, BEYOND = 0.8, 1.3
# Options that change no time but what a log would cost, and are no part of a plan.
QUIET = {"uvicorn": ["--log-level", "error", "--no-access-log"], "gunicorn": ["--log-level", "error"]}


def output_of(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise SystemExit(f"{shlex.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def cores():
    """The cores of the server, and those of the client."""
    all_of_them = sorted(os.sched_getaffinity(0))
    if len(all_of_them) < 2:
        raise SystemExit("the server and its client need a core each, and here is one")
    servers = all_of_them[: 2 if len(all_of_them) >= 4 else 1]
    return servers, [core for core in all_of_them if core not in servers]


def planned(args, application, cpus):
    """The plan of an application, and the CPU seconds of a mean request by itself."""
    scenario, plan = args.out / f"{application}.ron", args.out / f"{application}.json"
    cpu_s = float(output_of([args.python, HERE / "steps.py", application, args.profile, scenario]))
    command = [args.pchsim, "plan", scenario, "--objective", OBJECTIVE, "--load", f"{PART * cpus / cpu_s:.0f}/s", "--own-strategies", "--quiet"]
    command += ["--machines", f"{cpus}cpu/4GiB", "--most-machines", "1", "--force", "-o", plan]
    for server in SERVERS[application]:
        command += ["--strategy", server]
    output_of(command)
    return json.loads(plan.read_text()), cpu_s


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@contextlib.contextmanager
def serving(args, application, command, servers):
    """The server that a plan's command starts, on these cores; its port, and its process."""
    port = free_port()
    words = [f"{application}:app" if word == "app:app" else word for word in shlex.split(command)]
    words += ["--port", str(port)] if words[0] == "uvicorn" else ["-b", f"127.0.0.1:{port}"]
    words += QUIET[words[0]]
    pin = lambda: os.sched_setaffinity(0, servers)
    log = open(args.out / f"{application}.log", "w")
    server = subprocess.Popen([args.python, "-m", *words], cwd=HERE, preexec_fn=pin, stdout=log, stderr=log, start_new_session=True)
    try:
        yield port, server
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        log.close()


def cpu_of(group):
    """CPU seconds of all processes of a group."""
    total = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            if int(fields[2]) == group:
                total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def run(args, application, plan, rate, seed):
    servers, clients = cores()
    with serving(args, application, plan["plan"]["command"], servers) as (port, server):
        load = [sys.executable, HERE / "load.py", port, rate, args.seconds, seed, ",".join(map(str, clients))]
        heard = json.loads(output_of([str(word) for word in load]))
        cpu_s = cpu_of(server.pid)
    latencies = heard.pop("latencies_s")
    failures = heard["failed"] / max(heard["failed"] + len(latencies), 1)
    p95 = latencies[int(SHARE * (len(latencies) - 1))] if latencies else None
    held = p95 is not None and p95 < BOUND_S and failures < FAILURES
    return heard | {"p95_s": p95, "failures": failures, "held": held, "server_cpu_s": cpu_s, "rate": rate}


def forecast_at(plan, share):
    """What the plan's curve says of this share of its maximum."""
    load = share * plan["maximum_load"]["held"]
    for point in plan["curves"][0]["points"]:
        if abs(point["load"] / load - 1) < 1e-6 and point["latency_s"]:
            return point["latency_s"]["mean"]
    return None


def rows_of(args, application):
    servers, _ = cores()
    plan, cpu_s = planned(args, application, len(servers))
    if not plan["feasible"] or not plan["maximum_load"]:
        raise SystemExit(f"{application}: there is no plan: {plan['binding']}")
    most = plan["maximum_load"]["held"]
    for share in (BELOW, BEYOND):
        runs = [run(args, application, plan, share * most, seed) for seed in range(1, args.runs + 1)]
        right = all(r["held"] == (share < 1) for r in runs)
        row = {"application": application, "command": plan["plan"]["command"], "maximum": most, "share": share, "runs": runs, "right": right}
        yield row | {"forecast_p95_s": forecast_at(plan, share), "application_cpu_s": cpu_s}


def shown(row):
    ms = lambda seconds: "–" if seconds is None else f"{seconds * 1e3:.0f} ms"
    runs = row["runs"]
    cells = [row["application"], f"`{row['command']}`", f"{row['maximum']:.0f}/s", f"{row['share']} = {row['share'] * row['maximum']:.0f}/s"]
    cells += [ms(row["forecast_p95_s"]) if row["share"] < 1 else "broken", ", ".join(ms(r["p95_s"]) for r in runs)]
    cells += [f"{max(r['failures'] for r in runs):.1%}", "held" if all(r["held"] for r in runs) else "broken" if not any(r["held"] for r in runs) else "both"]
    cells += [f"{max(r['client_cpu'] for r in runs):.0%}", ms(max(r["late_s"] for r in runs)), "" if row["right"] else "off"]
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("applications", nargs="*", metavar="APPLICATION")
    parser.add_argument("--pchsim", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--profile", required=True, help="the profile of that Python")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0)
    args = parser.parse_args()
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    names = args.applications or list(SERVERS)
    if unknown := [name for name in names if name not in SERVERS]:
        raise SystemExit(f"there is no application {', '.join(unknown)}; there are {', '.join(SERVERS)}")
    print(f"Objective: {OBJECTIVE}, failures < {FAILURES:.0%}. Client: its busy share of a core, and by how much 1% of its requests at least were late.\n")
    print("| application | planned | maximum load | asked | p95 forecast | p95 of each run | failed, at most | objective | client CPU | late | |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |")
    everything = []
    for name in names:
        for row in rows_of(args, name):
            everything.append(row)
            print(shown(row), flush=True)
    print(f"\n{sum(row['right'] for row in everything)} of {len(everything)} are as planned.")
    (args.out / "planned.json").write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
