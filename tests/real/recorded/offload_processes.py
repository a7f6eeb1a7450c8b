"""Documents arrive on a loop and are parsed in two processes: asyncio+processes:2:fork, asyncio (parsed on the loop), or threads:N."""

import asyncio
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from common import arguments, draws, latencies_of_services, now, rank, report, unknown

strategy, part = arguments(__doc__)
COUNT = 500 // part
WAITS = latencies_of_services(1, COUNT, 0.060)
SIZES = [int(size) for size in draws(2, COUNT, 2500, 5000)]


def document(n):
    return json.dumps(["lorem ipsum dolor sit amet"] * SIZES[n])


def parse(n, text):
    return rank(n, len(json.loads(text)))


async def article(n, pool):
    await asyncio.sleep(WAITS[n])
    text = document(n)
    if pool is None:
        return parse(n, text)
    return await asyncio.get_running_loop().run_in_executor(pool, parse, n, text)


async def on_loop(pool):
    return sum(await asyncio.gather(*(article(n, pool) for n in range(COUNT))))


def in_thread(n):
    time.sleep(WAITS[n])
    return parse(n, document(n))


if __name__ == "__main__":
    start = now()
    if strategy[0] == "asyncio+processes":
        with ProcessPoolExecutor(int(strategy[1]), multiprocessing.get_context(strategy[2])) as processes:
            total = asyncio.run(on_loop(processes))
    elif strategy == ["asyncio"]:
        total = asyncio.run(on_loop(None))
    elif strategy[0] == "threads":
        with ThreadPoolExecutor(int(strategy[1])) as threads:
            total = sum(threads.map(in_thread, range(COUNT)))
    else:
        unknown(strategy)
    report(start, total)
