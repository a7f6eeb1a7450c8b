"""Ten agents on one blackboard, thirty rounds: five think (a small network in pure Python), five look things up.

Each round starts when the last one is over. A thinker reads the blackboard, infers, and writes its opinion under a lock; a
scout asks the knowledge service, digests the answer, and writes it under the same lock. The service is in BASE (server.py facts).
"""

import asyncio
import concurrent.futures as cf
import math
import os
import random
import threading

import aiohttp
import requests
import scenario
from batch import executor, now, outcome, report

# For the table of programs the scenario is one round, and the forecast is taken so many times; the advised one says the rounds.
ROUNDS = 30
SIZE = 64
STRATEGIES = ["sequential", "threads:4", "threads:10", "asyncio", "asyncio+threads:5"]
BOARD = {"facts": {}, "opinions": {}}
LOCK = threading.Lock()
LOCAL = threading.local()
RNG = random.Random(7)
LAYERS = [[[RNG.gauss(0, 0.2) for _ in range(SIZE)] for _ in range(SIZE)] for _ in range(4)]


def url(number):
    return f"{os.environ['BASE']}/{number}"


def think(number, turn):
    state = [math.sin(number + i) + 0.1 * len(BOARD["facts"]) for i in range(SIZE)]
    for _ in range(15 + 5 * ((number + turn) % 3)):
        for layer in LAYERS:
            state = [math.tanh(sum(w * s for w, s in zip(row, state))) for row in layer]
    with LOCK:
        BOARD["opinions"][number] = state
        BOARD["mean"] = [sum(column) / len(column) for column in zip(*BOARD["opinions"].values())]


def digest(number, facts):
    best = sorted(facts, key=lambda fact: fact["weight"], reverse=True)[:50]
    with LOCK:
        for fact in best:
            BOARD["facts"][number, fact["id"]] = fact["weight"]


def scout(number, _turn):
    session = getattr(LOCAL, "session", None)
    if session is None:
        session = LOCAL.session = requests.Session()
    digest(number, session.get(url(number), timeout=10).json())


AGENTS = [(think, n) for n in range(5)] + [(scout, n) for n in range(5)]


def one_by_one():
    start, ends = now(), []
    for turn in range(ROUNDS):
        for agent, number in AGENTS:
            agent(number, turn)
            ends.append(now())
    return outcome(start, ends)


def in_threads(workers):
    start, ends = now(), []
    with cf.ThreadPoolExecutor(workers) as pool:
        for turn in range(ROUNDS):
            for future in cf.as_completed([pool.submit(agent, number, turn) for agent, number in AGENTS]):
                future.result()
                ends.append(now())
        return outcome(start, ends, now())


async def on_loop(pool):
    start, ends = now(), []
    async with aiohttp.ClientSession() as session:

        async def one(agent, number, turn):
            if agent is scout:
                async with session.get(url(number)) as response:
                    digest(number, await response.json())
            elif pool:
                await asyncio.get_running_loop().run_in_executor(pool, think, number, turn)
            else:
                think(number, turn)
            ends.append(now())

        for turn in range(ROUNDS):
            await asyncio.gather(*(one(agent, number, turn) for agent, number in AGENTS))
    return outcome(start, ends)


def run(strategy):
    kind, *rest = strategy.split(":")
    if kind == "sequential":
        return one_by_one()
    if kind == "threads":
        return in_threads(int(rest[0]))
    if kind == "asyncio":
        return asyncio.run(on_loop(None))
    with executor("threads", rest) as pool:
        return asyncio.run(on_loop(pool))


def steps(folder, profile, arrivals="Batch"):
    factor = scenario.cpu_factor(profile)
    scout(0, 0)
    thinking, asking = [], []
    for turn in range(ROUNDS):
        thinking += [scenario.cpu_ms(think, n, turn)[0] for n in range(5)]
        asking += [scenario.cpu_and_wait_ms(scout, n, turn)[:2] for n in range(5)]
    cpus, waits = zip(*asking)
    # Half before the answer and half after it: what requests does, and what the scout does.
    half = f'Cpu("{sum(cpus) / len(cpus) / 2 / factor:.4g}ms")'
    # On a loop only what thinkers compute is handed to the pool; scouts stay on the loop.
    classes = [
        ("thinker", 5, f"Cpu({scenario.empirical(thinking, factor)})"),
        ("scout", 5, f"Inline([{half}]), Io({scenario.empirical(waits)}), Inline([{half}])"),
    ]
    scenario.write(folder / "agents.ron", "agents", profile, classes, scenario.imports("requests", "aiohttp"), STRATEGIES, arrivals)


def main():
    args = scenario.arguments(__doc__, "steps", "advised", "run")
    if args.command == "steps":
        steps(args.folder, args.profile)
    elif args.command == "advised":
        steps(args.folder, args.profile, f"Rounds(count: {ROUNDS})")
    else:
        result = run(args.strategy)
        report(result, len(BOARD["facts"]))


if __name__ == "__main__":
    main()
