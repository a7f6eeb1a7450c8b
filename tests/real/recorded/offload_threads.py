"""A coroutine asks a service, then has a thread of the loop's pool ask a database that blocks: asyncio+threads:N, or threads:N."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from common import arguments, draws, latencies_of_services, now, rank, report, unknown

strategy, part = arguments(__doc__)
COUNT = 300 // part
WAITS = latencies_of_services(1, COUNT, 0.040)
QUERIES = latencies_of_services(2, COUNT, 0.030)
SIZES = [int(size) for size in draws(3, COUNT, 800, 1600)]


def query(n):
    time.sleep(QUERIES[n])
    return rank(n, SIZES[n])


async def customer(n):
    await asyncio.sleep(WAITS[n])
    return await asyncio.get_running_loop().run_in_executor(None, query, n)


async def on_loop(workers):
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(workers))
    return sum(await asyncio.gather(*(customer(n) for n in range(COUNT))))


def in_thread(n):
    time.sleep(WAITS[n])
    return query(n)


start = now()
if strategy[0] == "asyncio+threads":
    total = asyncio.run(on_loop(int(strategy[1])))
elif strategy[0] == "threads":
    with ThreadPoolExecutor(int(strategy[1])) as pool:
        total = sum(pool.map(in_thread, range(COUNT)))
else:
    unknown(strategy)
report(start, total)
