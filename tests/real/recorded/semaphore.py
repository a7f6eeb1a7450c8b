"""Downloads behind a semaphore of 20, each ranked when it is there: asyncio, or threads:N."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from common import arguments, draws, latencies_of_services, now, rank, report, unknown

strategy, part = arguments(__doc__)
COUNT = 400 // part
WAITS = latencies_of_services(1, COUNT, 0.050)
SIZES = [int(size) for size in draws(2, COUNT, 800, 3000)]


async def download(connections, n):
    async with connections:
        await asyncio.sleep(WAITS[n])
    return rank(n, SIZES[n])


async def on_loop():
    connections = asyncio.Semaphore(20)
    return sum(await asyncio.gather(*(download(connections, n) for n in range(COUNT))))


slots = threading.Semaphore(20)


def fetch(n):
    with slots:
        time.sleep(WAITS[n])
    return rank(n, SIZES[n])


start = now()
if strategy == ["asyncio"]:
    total = asyncio.run(on_loop())
elif strategy[0] == "threads":
    with ThreadPoolExecutor(int(strategy[1])) as pool:
        total = sum(pool.map(fetch, range(COUNT)))
else:
    unknown(strategy)
report(start, total)
