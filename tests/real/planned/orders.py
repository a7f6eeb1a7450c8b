"""What both applications do for a request: rows of a database, which takes its time, and a summary of them in plain Python."""

import json
import random

COUNT = 1000


def _stored(n):
    """A customer's orders as the database answers them: 1200 to 3600 rows of JSON."""
    rng = random.Random(n)
    rows = [
        {"item": f"item {rng.randrange(60)}", "price": rng.randrange(100, 9000), "amount": rng.randrange(1, 9), "first": rng.randrange(12)}
        for _ in range(1200 + n % 5 * 600)
    ]
    return json.dumps(rows)


def _waits():
    """How long it takes to answer each, in seconds: log-normal, as databases are."""
    rng = random.Random(1)
    return [0.020 * rng.lognormvariate(0.0, 0.4) for _ in range(COUNT)]


STORED = [_stored(n) for n in range(5)]
WAITS = _waits()


def rows_of(n):
    return STORED[n % len(STORED)]


def summary(text):
    """What the customer has spent in each month, by item, the dearest first."""
    months = {}
    for row in json.loads(text):
        for month in range(row["first"], 12):
            spent = months.setdefault(month, {})
            spent[row["item"]] = spent.get(row["item"], 0) + row["price"] * row["amount"]
    lines = []
    for month, spent in sorted(months.items()):
        ordered = sorted(spent.items(), key=lambda pair: (-pair[1], pair[0]))
        lines += [{"item": f"{month + 1}: {item}", "spent": f"{cents / 100:.2f}"} for item, cents in ordered[:3]]
    return {"items": lines, "total": sum(months[11].values())}
