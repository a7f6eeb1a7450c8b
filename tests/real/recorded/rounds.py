"""A sampler: rounds of likelihoods over a pool, a step of its own between them: pool:N:START, threads:N, or sequential."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

from common import arguments, draws, now, rank, report, unknown

strategy, part = arguments(__doc__)
ROUNDS, WALKERS = 50 // part, 16
SIZES = [int(size) for size in draws(1, ROUNDS * WALKERS, 2500, 4500)]


def likelihood(n):
    return rank(n, SIZES[n])


def sample(mapped):
    total = 0
    for turn in range(ROUNDS):
        total += sum(mapped(likelihood, range(turn * WALKERS, (turn + 1) * WALKERS)))
        total += rank(turn, 9000)
    return total


if __name__ == "__main__":
    start = now()
    if strategy[0] == "pool":
        with multiprocessing.get_context(strategy[2]).Pool(int(strategy[1])) as processes:
            total = sample(processes.map)
    elif strategy[0] == "threads":
        with ThreadPoolExecutor(int(strategy[1])) as threads:
            total = sample(threads.map)
    elif strategy == ["sequential"]:
        total = sample(map)
    else:
        unknown(strategy)
    report(start, total)
