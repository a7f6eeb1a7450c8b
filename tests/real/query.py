"""Asks a table of a million rows in a SQLite file for sums by group."""

import functools
import random
import sqlite3
import threading

import scenario
from batch import report, run_batch

COUNT = 24
STRATEGIES = ["sequential", "threads:2", "processes:2:fork", "asyncio", "asyncio+threads:2"]
QUERY = "SELECT shop, count(*), sum(amount), avg(amount) FROM sales WHERE day BETWEEN ? AND ? GROUP BY shop"
LOCAL = threading.local()


def ask(path, days):
    """Each thread, and each process, has a connection of its own."""
    connection = getattr(LOCAL, "connection", None)
    if connection is None:
        connection = LOCAL.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    return connection.execute(QUERY, days).fetchall()


def inputs(folder):
    rng = random.Random(7)
    with sqlite3.connect(folder / "sales.db") as connection:
        connection.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, shop INT, day INT, amount REAL, item TEXT)")
        rows = ((rng.randint(0, 50), rng.randint(0, 364), rng.random() * 100, f"item{rng.randint(0, 999)}") for _ in range(1_000_000))
        connection.executemany("INSERT INTO sales (shop, day, amount, item) VALUES (?, ?, ?, ?)", rows)


def periods():
    rng = random.Random(11)
    return [(first := rng.randint(0, 200), first + rng.randint(100, 164)) for _ in range(COUNT)]


def steps(folder, profile):
    function = functools.partial(ask, folder / "sales.db")
    function((0, 364))
    times = [scenario.cpu_ms(function, days)[0] for days in periods()]
    free = scenario.gil_free(function, periods())
    python = sum(times) / COUNT * (1 - free) / scenario.cpu_factor(profile)
    native = scenario.empirical([t * free for t in times])
    query = ("query", COUNT, f'Cpu("{python:.4g}ms"), Native({native}), PayloadOut("3kB")')
    scenario.write(folder / "query.ron", "query", profile, [query], scenario.imports("sqlite3"), STRATEGIES)


def main():
    args = scenario.arguments(__doc__, "inputs", "steps", "advised", "run")
    if args.command == "inputs":
        inputs(args.folder)
    elif args.command in ("steps", "advised"):
        steps(args.folder, args.profile)
    else:
        result, answers = run_batch(args.strategy, functools.partial(ask, args.folder / "sales.db"), periods())
        report(result, round(sum(row[2] for rows in answers for row in rows)))


if __name__ == "__main__":
    main()
