"""Many small tasks, mapped in chunks over processes: processes:N:START:CHUNKSIZE, threads:N, or sequential."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from common import arguments, draws, now, rank, report, unknown

strategy, part = arguments(__doc__)
COUNT = 1200 // part
SIZES = [int(size) for size in draws(1, COUNT, 1500, 4500)]


def score(n):
    return rank(n, SIZES[n])


if __name__ == "__main__":
    start = now()
    if strategy[0] == "processes":
        with ProcessPoolExecutor(int(strategy[1]), multiprocessing.get_context(strategy[2])) as processes:
            total = sum(processes.map(score, range(COUNT), chunksize=int(strategy[3])))
    elif strategy[0] == "threads":
        with ThreadPoolExecutor(int(strategy[1])) as threads:
            total = sum(threads.map(score, range(COUNT)))
    elif strategy == ["sequential"]:
        total = sum(map(score, range(COUNT)))
    else:
        unknown(strategy)
    report(start, total)
