"""Plain threads that take orders from a queue until it says that there are no more: threads:N, or sequential."""

import queue
import threading
import time

from common import arguments, draws, latencies_of_services, now, rank, report, unknown

strategy, part = arguments(__doc__)
COUNT = 400 // part
WAITS = latencies_of_services(1, COUNT, 0.030)
SIZES = [int(size) for size in draws(2, COUNT, 600, 1200)]
results = []


def handle(n):
    time.sleep(WAITS[n])
    results.append(rank(n, SIZES[n]))


def worker(orders):
    while True:
        n = orders.get()
        if n is None:
            return
        handle(n)


start = now()
if strategy[0] == "threads":
    orders = queue.Queue()
    threads = [threading.Thread(target=worker, args=(orders,)) for _ in range(int(strategy[1]))]
    for thread in threads:
        thread.start()
    for n in range(COUNT):
        orders.put(n)
    for _ in threads:
        orders.put(None)
    for thread in threads:
        thread.join()
elif strategy == ["sequential"]:
    for n in range(COUNT):
        handle(n)
else:
    unknown(strategy)
report(start, sum(results))
