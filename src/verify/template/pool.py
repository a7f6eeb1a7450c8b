

def run(tasks, t0=None):
    global POOL
    log, futures = Log(len(tasks)), []

    def done(number, due, future):
        if isinstance(future.exception(), (Failed, TimedOut, type(None))):
            log.note(number, due, future.exception())  # Anything else is raised below.
        answered()

    t0 = t0 or now()
    with make_pool() as POOL:
        for number, due, kind, draws in arrivals(t0, tasks):
            future = POOL.submit(work, kind, draws, *travels(kind))
            future.add_done_callback(functools.partial(done, number, due))
            futures.append(future)
        cf.wait(futures)
        t1 = now()
    for future in futures:
        if not isinstance(future.exception(), (Failed, TimedOut, type(None))):
            raise future.exception()
    return t0, t1, now(), log
