

def run(tasks, t0=None):
    global POOL
    log, futures, mistakes = Log(len(tasks)), set(), []

    def done(number, due, future):
        error = future.exception()
        if error is None or isinstance(error, (Failed, TimedOut)):
            log.note(number, due, error)
        else:
            mistakes.append(error)
        futures.discard(future)
        answered()

    t0 = t0 or now()
    with make_pool() as POOL:
        for number, due, kind, draws in arrivals(t0, tasks):
            future = POOL.submit(work, kind, draws, *travels(kind))
            futures.add(future)
            future.add_done_callback(functools.partial(done, number, due))
        cf.wait(list(futures))
        t1 = now()
    if mistakes:
        raise mistakes[0]
    return t0, t1, now(), log
