"""What a server's own handling of a request costs: the real server with an endpoint that does nothing, asked over and over.

    python servers.py requests uvicorn | gunicorn-sync | gunicorn-gthread | gunicorn-uvicorn | hypercorn [quick]

One request after another, each on a connection of its own, from here; what counts is the CPU time of the server's worker process,
user and system. Then the same 0.1 s apart, and none for a while, which tells what finding cold caches takes, and what a server with an
event loop does by itself. Prints JSON Lines.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

from pace import CORES, cpu_pace, now, used
from serving import environment

ROUNDS = 5
# The system counts CPU time in hundredths of a second: of so much, that is one or three in a hundred.
FULL, QUICK = 1.0, 0.3
WARM_UP = 200
START_LIMIT = 20.0
ANSWER_LIMIT = 10.0
# Requests so many seconds apart find the caches that a server finds which has little to do.
APART = 0.1
FULL_APART, QUICK_APART = 10, 4
# Event loops of servers wake ten times a second by themselves.
TICKS = 10
TICKING = ("uvicorn", "gunicorn-uvicorn", "hypercorn")

APP = '''
async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                await send({"type": "lifespan.shutdown.complete"})
                return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
'''

# Of each server the parameter, and its command line with all defaults but the address, a single worker, and 8 threads where it has some.
SERVERS = {
    "uvicorn": ("request_uvicorn", ["uvicorn", "--host", "127.0.0.1", "--port", "{port}", "pchsim_empty:asgi"]),
    "gunicorn-sync": ("request_gunicorn_sync", ["gunicorn", "-b", "127.0.0.1:{port}", "-w", "1", "-k", "sync", "pchsim_empty:wsgi"]),
    "gunicorn-gthread": (
        "request_gunicorn_gthread",
        ["gunicorn", "-b", "127.0.0.1:{port}", "-w", "1", "-k", "gthread", "--threads", "8", "pchsim_empty:wsgi"]),
    "gunicorn-uvicorn": (
        "request_uvicorn_worker",
        ["gunicorn", "-b", "127.0.0.1:{port}", "-w", "1", "-k", "uvicorn_worker.UvicornWorker", "pchsim_empty:asgi"]),
    "hypercorn": ("request_hypercorn", ["hypercorn", "-b", "127.0.0.1:{port}", "-w", "1", "pchsim_empty:asgi"]),
}
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: pchsim\r\nConnection: close\r\n\r\n"


def stat(pid):
    """Parent and CPU seconds of a process; None if it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            words = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return int(words[1]), (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def cpu_times(leader):
    """CPU seconds of a process and all that come of it, by process."""
    all_of_them = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            found = stat(int(name))
            if found:
                all_of_them[int(name)] = found
    family, grown = {leader}, True
    while grown:
        more = {p for p, (parent, _) in all_of_them.items() if parent in family} - family
        family |= more
        grown = bool(more)
    return {p: all_of_them[p][1] for p in family if p in all_of_them}


def precise(leader):
    """CPU seconds of a process and all that come of it, to the nanosecond; None where the system does not say."""
    total = 0
    try:
        for p in cpu_times(leader):
            for task in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0])
    except (OSError, ValueError):
        return None
    return total / 1e9


def in_a_while(server, seconds, port=None):
    """CPU seconds a second of a server that is left alone, or asked every `APART` seconds; None where the system does not say."""
    begun, before = now(), precise(server.pid)
    asked = 0
    while now() - begun < seconds:
        time.sleep(APART)
        if port is not None:
            ask(port)
            asked += 1
    time.sleep(0.02)  # What follows an answer.
    after, took = precise(server.pid), now() - begun
    if before is None or after is None:
        return None
    return (after - before) / took, asked / took


def at_leisure(name, server, port, seconds, hot):
    """What a request takes besides where the last one was long ago, and what a tick takes: microseconds."""
    alone = in_a_while(server, seconds)
    asked = in_a_while(server, seconds, port)
    if alone is None or asked is None:
        return {}
    found = {"request_cold_us": max(0.0, (asked[0] - alone[0]) / asked[1] - hot) * 1e6}
    if name in TICKING:
        found["server_tick_us"] = alone[0] / TICKS * 1e6
    return found


def ask(port):
    with socket.create_connection(("127.0.0.1", port), ANSWER_LIMIT) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(REQUEST)
        answer = b""
        while True:
            piece = s.recv(4096)
            if not piece:
                break
            answer += piece
    if not (answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"ok")):
        raise RuntimeError(f"the server answered {answer[:80]!r}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def started(command, folder, log):
    """The server, once it answers, and its port. A port that is free may be somebody's a moment later: then once more."""
    for again in (True, True, False):
        port = free_port()
        words = [w.format(port=port) for w in command]
        server = subprocess.Popen([sys.executable, "-W", "ignore", "-m", *words], cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=log)
        end = now() + START_LIMIT
        while server.poll() is None and now() < end:
            try:
                ask(port)
                return server, port
            except OSError:
                time.sleep(0.02)
        stop(server)
        if not again:
            log.seek(0)
            last = log.read().decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise RuntimeError(f"{words[0]} did not begin to answer: {last[0]}")


def stop(server):
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
    server.wait()


def one_round(server, port, requests):
    """CPU seconds of a request, and who else had the cores."""
    begun, everybody, pace, before = now(), used(), cpu_pace(), cpu_times(server.pid)
    for _ in range(requests):
        ask(port)
    after = cpu_times(server.pid)
    readings = {"pace": [pace, cpu_pace()], "others": 0.0}
    # The worker is the process that did something; whatever supervises it waits.
    worker = max(after[p] - before.get(p, 0.0) for p in after)
    end = used()
    if everybody and end:
        ours = end[0] - everybody[0] + sum(after.values()) - sum(before.values())
        readings["others"] = max(0.0, end[1] - everybody[1] - ours) / (now() - begun) / max(1, len(CORES))
    return worker / requests, readings


def measure(name, seconds):
    parameter, command = SERVERS[name]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        with open(os.path.join(folder, "pchsim_empty.py"), "w") as f:
            f.write(APP)
        server, port = started(command, folder, log)
        try:
            for _ in range(WARM_UP):
                ask(port)
            # How many fill a round: tried with ever more, until the clock has ticked often enough to tell.
            requests = 250
            while True:
                each, _ = one_round(server, port, requests)
                if each * requests > 0.1 or requests > 1_000_000:
                    break
                requests *= 2
            requests = max(1, round(seconds / each)) if each else requests
            for _ in range(ROUNDS):
                each, readings = one_round(server, port, requests)
                apart = QUICK_APART if seconds <= QUICK else FULL_APART
                found = at_leisure(name, server, port, apart * APART, each)
                print(json.dumps({"kind": "sample", "figures": {f"{parameter}_us": each * 1e6, **found}, **readings}), flush=True)
        finally:
            stop(server)


def main():
    try:
        measure(sys.argv[2], QUICK if "quick" in sys.argv[3:] else FULL)
    except (OSError, RuntimeError) as e:
        sys.exit(str(e))


if __name__ == "__main__":
    main()
