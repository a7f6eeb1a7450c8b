"""Ten agents that ask a language model, think, and call a tool, some turns long: threads:N, or asyncio."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from common import arguments, draws, latencies_of_services, now, rank, report, unknown

strategy, part = arguments(__doc__)
AGENTS, TURNS = 10, max(10 // part, 2)
MODEL = latencies_of_services(1, AGENTS * TURNS, 0.250)
TOOL = latencies_of_services(2, AGENTS * TURNS, 0.050)
SIZES = [int(size) for size in draws(3, AGENTS * TURNS, 2000, 6000)]


def agent(number):
    total = 0
    for n in range(number, AGENTS * TURNS, AGENTS):
        time.sleep(MODEL[n])
        total += rank(n, SIZES[n])
        time.sleep(TOOL[n])
        total += rank(n, SIZES[n] // 4)
    return total


async def agent_on_loop(number):
    total = 0
    for n in range(number, AGENTS * TURNS, AGENTS):
        await asyncio.sleep(MODEL[n])
        total += rank(n, SIZES[n])
        await asyncio.sleep(TOOL[n])
        total += rank(n, SIZES[n] // 4)
    return total


async def on_loop():
    return sum(await asyncio.gather(*map(agent_on_loop, range(AGENTS))))


start = now()
if strategy[0] == "threads":
    with ThreadPoolExecutor(int(strategy[1])) as pool:
        total = sum(pool.map(agent, range(AGENTS)))
elif strategy == ["asyncio"]:
    total = asyncio.run(on_loop())
else:
    unknown(strategy)
report(start, total)
