"""A program to record: a pool of threads that waits and computes."""

import json
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def page(n):
    time.sleep(0.002)
    return len(json.dumps([random.random() for _ in range(2_000)]))


if __name__ == "__main__":
    pages = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    with ThreadPoolExecutor(4) as pool:
        print(sum(pool.map(page, range(pages))), "bytes")
