"""Threads ask, rank, and write one at a time: threads:N, or sequential."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from common import arguments, draws, latencies_of_services, now, rank, report, unknown

strategy, part = arguments(__doc__)
COUNT = 300 // part
WAITS = latencies_of_services(1, COUNT, 0.020)
SIZES = [int(size) for size in draws(2, COUNT, 800, 1600)]
ledger = threading.Lock()


def order(n):
    time.sleep(WAITS[n])
    total = rank(n, SIZES[n])
    with ledger:
        time.sleep(0.006)
        return total


start = now()
if strategy[0] == "threads":
    with ThreadPoolExecutor(int(strategy[1])) as pool:
        total = sum(pool.map(order, range(COUNT)))
elif strategy == ["sequential"]:
    total = sum(map(order, range(COUNT)))
else:
    unknown(strategy)
report(start, total)
