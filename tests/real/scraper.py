"""Fetches 100 product listings and parses them: requests in threads or one by one, aiohttp on an event loop.

The server's address is in BASE (server.py shop).
"""

import asyncio
import os
import pickle
import threading

import aiohttp
import requests
import scenario
from batch import executor, now, outcome, report, run_batch
from bs4 import BeautifulSoup

COUNT = 100
WITH_REQUESTS = ["sequential", "threads:2", "threads:8", "threads:32", "processes:2:spawn"]
WITH_AIOHTTP = ["asyncio", "asyncio+threads:2", "asyncio+processes:2:fork"]
LOCAL = threading.local()
# How often lxml gives the GIL up while it calls back, for each millisecond of parsing, and for how long: by
# `pchsim record --releases` of this parsing in one pool thread (CPython 3.13: 5216 releases in 38.6 ms looked at).
RELEASES_PER_MS = 135
RELEASED = "199ns"


def urls():
    return [f"{os.environ['BASE']}/{n}" for n in range(COUNT)]


def parse(html):
    products = []
    for item in BeautifulSoup(html, "lxml").select("li.product"):
        products.append(
            {
                "id": item["data-id"],
                "name": item.h3.get_text(strip=True),
                "url": item.h3.a["href"],
                "price": float(item.find("span", class_="price").string),
                "tags": [str(tag.string) for tag in item.select("ul.tags li")],
            }
        )
    return products


def fetch(url):
    session = getattr(LOCAL, "session", None)
    if session is None:
        session = LOCAL.session = requests.Session()
    response = session.get(url, timeout=10)
    response.raise_for_status()
    return response.text


def scrape(url):
    return parse(fetch(url))


async def fetch_on_loop(session, url):
    async with session.get(url) as response:
        response.raise_for_status()
        return await response.text()


async def on_loop(strategy):
    offload = strategy.partition("+")[2]
    kind, *rest = offload.split(":")
    ends, results = [None] * COUNT, [None] * COUNT
    start = now()
    pool = executor(kind, rest) if offload else None
    async with aiohttp.ClientSession() as session:

        async def one(i, url):
            html = await fetch_on_loop(session, url)
            if pool:
                results[i] = await asyncio.get_running_loop().run_in_executor(pool, parse, html)
            else:
                results[i] = parse(html)
            ends[i] = now()

        await asyncio.gather(*(one(i, url) for i, url in enumerate(urls())))
    result = outcome(start, ends)
    if pool:
        pool.shutdown()
    return result, results


async def times_on_loop():
    rows = []
    async with aiohttp.ClientSession() as session:
        for url in urls():
            start, cpu = now(), scenario.time.thread_time()
            await fetch_on_loop(session, url)
            cpu = (scenario.time.thread_time() - cpu) * 1e3
            rows.append((cpu, max((now() - start) * 1e3 - cpu, 0.0)))
    return rows


def steps(folder, profile):
    factor = scenario.cpu_factor(profile)
    scrape(urls()[0])
    fetching, parsing, sizes = [], [], []
    for url in urls():
        cpu, wait, html = scenario.cpu_and_wait_ms(fetch, url)
        fetching.append((cpu, wait))
        cpu, products = scenario.cpu_ms(parse, html)
        parsing.append(cpu)
        sizes.append((len(html), len(pickle.dumps(products))))
    loaded = scenario.imports("requests", "aiohttp", "bs4", "lxml.etree")
    releases = round(sum(parsing) / COUNT * RELEASES_PER_MS)
    there, back = (sum(column) // COUNT for column in zip(*sizes))
    for name, rows, strategies, payload in [
        ("scraper-requests", fetching, WITH_REQUESTS, ""),
        ("scraper-aiohttp", asyncio.run(times_on_loop()), WITH_AIOHTTP, f'PayloadIn("{there}B"), '),
    ]:
        cpus, waits = zip(*rows)
        page = (
            f'Cpu({scenario.empirical(cpus, factor)}), Io({scenario.empirical(waits)}), {payload}'
            f'Cpu(time: {scenario.empirical(parsing, factor)}, releases: {releases}, released: "{RELEASED}"), PayloadOut("{back}B")'
        )
        scenario.write(folder / f"{name}.ron", name, profile, [("page", COUNT, page)], loaded, strategies)


def advised(folder, profile):
    """One scenario for both ways of writing it: as with aiohttp, and by which factor CPU times are larger with requests."""
    factor = scenario.cpu_factor(profile)
    scrape(urls()[0])
    asyncio.run(times_on_loop())
    blocking, parsing, sizes = [], [], []
    for url in urls():
        cpu, _, html = scenario.cpu_and_wait_ms(fetch, url)
        blocking.append(cpu)
        cpu, products = scenario.cpu_ms(parse, html)
        parsing.append(cpu)
        sizes.append((len(html), len(pickle.dumps(products))))
    cpus, waits = zip(*asyncio.run(times_on_loop()))
    there, back = (sum(column) // COUNT for column in zip(*sizes))
    page = (
        f'Cpu({scenario.empirical(cpus, factor)}), Io({scenario.empirical(waits)}), PayloadIn("{there}B"), '
        f'Cpu(time: {scenario.empirical(parsing, factor)}, releases: {round(sum(parsing) / COUNT * RELEASES_PER_MS)}, released: "{RELEASED}"), '
        f'PayloadOut("{back}B")'
    )
    dearer = (sum(blocking) + sum(parsing)) / (sum(cpus) + sum(parsing))
    cost = ", ".join(f'"{family}": {dearer:.3f}' for family in ("sequential", "threads", "processes"))
    loaded = scenario.imports("requests", "aiohttp", "bs4", "lxml.etree")
    scenario.write(folder / "scraper.ron", "scraper", profile, [("page", COUNT, page)], loaded, ["sequential"], extra=f"cost: {{{cost}}}, ")


def main():
    args = scenario.arguments(__doc__, "steps", "advised", "run")
    if args.command == "steps":
        steps(args.folder, args.profile)
        return
    if args.command == "advised":
        advised(args.folder, args.profile)
        return
    if args.strategy.startswith("asyncio"):
        result, pages = asyncio.run(on_loop(args.strategy))
    else:
        result, pages = run_batch(args.strategy, scrape, urls())
    report(result, sum(map(len, pages)))


if __name__ == "__main__":
    main()
