"""An open-loop client for 127.0.0.1: client.py PORT RATE COUNT SERVER. Requests at random moments (Poisson), whatever the server does.

Prints what it saw as a line of JSON, and ends the process SERVER, its parent, as Ctrl-C would. It is started with `python -I`, so that
it is no part of what is recorded. A latency counts from the moment at which the request is due.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time

now = time.perf_counter
WARM_UP = 5  # requests that are not counted


async def ask(port, free, path):
    """One request on a connection that is free, or on a new one; a server may have closed the free one meanwhile."""
    while True:
        reused = bool(free)
        reader, writer = free.pop() if reused else await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            if reused:
                continue
            raise
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        if b"connection: close" in head:
            writer.close()
        else:
            free.append((reader, writer))
        if head[9:12] != b"200":
            raise SystemExit(f"{path}: {head.splitlines()[0].decode()}")
        return json.loads(body)


async def load(port, rate, count):
    rng, free = random.Random(3), []
    for _ in range(200):
        try:
            await ask(port, free, "/offers/0")
            break
        except OSError:
            await asyncio.sleep(0.05)
    for n in range(WARM_UP):
        await ask(port, free, f"/offers/{n}")
    await asyncio.sleep(0.2)
    latencies, total = [], []

    async def one(due, n):
        total.append((await ask(port, free, f"/offers/{n}"))["best"])
        latencies.append(now() - due)

    start = due = now()
    asked = []
    for n in range(count):
        due += rng.expovariate(rate)
        if due > now():
            await asyncio.sleep(due - now())
        asked.append(asyncio.create_task(one(due, n)))
    await asyncio.gather(*asked)
    latencies.sort()
    at = lambda share: latencies[int(share * (len(latencies) - 1))]
    return {"makespan_s": now() - start, "p50_s": at(0.5), "p99_s": at(0.99), "check": sum(total)}


if __name__ == "__main__":
    port, rate, count, server = sys.argv[1:]
    try:
        print(json.dumps(asyncio.run(load(int(port), float(rate), int(count)))), flush=True)
    finally:
        os.kill(int(server), signal.SIGINT)
