

def work_all(jobs):
    """A chunk from start to end, in the worker: one call, as map(chunksize=CHUNK) submits it. A failure must not hide the others' results."""
    results = []
    for number, kind, draws, came in jobs:
        try:
            results.append((number, None, work(kind, draws, *came)))
        except (Failed, TimedOut) as error:
            results.append((number, error, None))
    return results


def run(tasks, t0=None):
    global POOL
    log, futures = Log(len(tasks)), []

    def done(due, future):
        if future.exception() is None:
            for number, error, _ in future.result():
                log.note(number, due, error)

    def map_chunks(first, tasks, due):
        """What ProcessPoolExecutor.map does: it submits all chunks at once, and waits for their results."""
        jobs = [(number, kind, draws, travels(kind)) for number, (_, kind, draws) in enumerate(tasks, first)]
        for start in range(0, len(jobs), CHUNK):
            future = POOL.submit(work_all, jobs[start : start + CHUNK])
            future.add_done_callback(functools.partial(done, due))
            futures.append(future)
        jobs.clear()  # The pool has them.
        cf.wait(futures)
        for future in futures:
            future.result()  # What is wrong with the program itself is raised here.

    t0 = t0 or now()
    with make_pool() as POOL:
        map_chunks(0, tasks, t0)
        t1 = now()
    return t0, t1, now(), log
