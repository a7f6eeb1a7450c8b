

def try_work(job):
    """A task of a chunk: its failure must not hide the others' results."""
    number, kind, draws, came = job
    try:
        return number, None, work(kind, draws, *came)
    except (Failed, TimedOut) as error:
        return number, error, None


def run(tasks, t0=None):
    log, results = Log(len(tasks)), []
    t0 = t0 or now()
    with make_pool() as pool:
        for first, batch, own in rounds(tasks):
            serial(Task(own))
            results.clear()  # It has made use of them.
            due = now()
            jobs = [(number, kind, draws, travels(kind)) for number, (_, kind, draws) in enumerate(batch, first)]
            chunk = CHUNK or -(-len(jobs) // (4 * pool._processes))  # What Pool.map takes by itself.
            for number, error, result in pool.imap_unordered(try_work, jobs, chunk):
                log.note(number, due, error)
                results.append(result)
            del jobs
        t1 = now()
        pool.close()
        pool.join()
    return t0, t1, now(), log
