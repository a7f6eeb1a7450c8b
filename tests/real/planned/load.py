"""An open loop of requests, each on a connection of its own: load.py PORT RATE SECONDS SEED CPUS.

Requests come at random moments (Poisson), whatever the server does; a latency counts from the moment at which its request is due. Requests of the first
tenth of the time are not counted. Prints a line of JSON: latencies, requests that failed, and what this client took itself.
"""

import asyncio
import json
import os
import random
import sys
import time

import orders

now = time.perf_counter
WARM_UP = 40  # requests one after another, before anything is counted
BEGINNING = 0.1  # share of the time in which what comes is not counted
PATIENCE_S = 30.0  # a request that has no answer by then has failed


async def ask(port, n):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET /orders/{n % orders.COUNT} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(-1)
    finally:
        writer.close()
    return answer[9:12] == b"200"


async def served(port):
    """Waits until the server answers."""
    for _ in range(400):
        try:
            if await ask(port, 0):
                return
        except OSError:
            await asyncio.sleep(0.05)
    raise SystemExit("the server does not answer")


async def load(port, rate, seconds, seed):
    await served(port)
    for n in range(WARM_UP):
        await ask(port, n)
    rng = random.Random(seed)
    latencies, failed, late = [], [], []

    async def one(due, n, counts):
        try:
            right = await asyncio.wait_for(ask(port, n), PATIENCE_S)
        except (OSError, TimeoutError, asyncio.TimeoutError):
            right = False
        if counts:
            (latencies if right else failed).append(now() - due)

    used, start = time.process_time(), now()
    due, n, asked = start, 0, []
    while (due := due + rng.expovariate(rate)) < start + seconds:
        if due > now():
            await asyncio.sleep(due - now())
        late.append(now() - due)
        asked.append(asyncio.create_task(one(due, n, due > start + BEGINNING * seconds)))
        n += 1
    sent = now()
    cpu = (time.process_time() - used) / (sent - start)
    await asyncio.gather(*asked)
    late.sort()
    return {"latencies_s": sorted(latencies), "failed": len(failed), "sent": n, "client_cpu": cpu, "late_s": late[int(0.99 * len(late))]}


if __name__ == "__main__":
    port, rate, seconds, seed = sys.argv[1:5]
    os.sched_setaffinity(0, {int(cpu) for cpu in sys.argv[5].split(",")})
    print(json.dumps(asyncio.run(load(int(port), float(rate), float(seconds), int(seed)))), flush=True)
