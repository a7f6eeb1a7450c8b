

def run(tasks, t0=None):
    log, mistakes = Log(len(tasks)), []
    left, everything = len(tasks), threading.Event()

    def done(number, due, error, result=None):
        nonlocal left
        if error is None or isinstance(error, (Failed, TimedOut)):
            log.note(number, due, error)
        else:
            mistakes.append(error)
        left -= 1
        if left == 0:
            everything.set()
        answered()

    t0 = t0 or now()
    with make_pool() as pool:
        for number, due, kind, draws in arrivals(t0, tasks):
            pool.apply_async(
                work,
                (kind, draws) + travels(kind),
                callback=functools.partial(done, number, due, None),
                error_callback=functools.partial(done, number, due),
            )
        everything.wait()
        t1 = now()
        pool.close()
        pool.join()
    if mistakes:
        raise mistakes[0]
    return t0, t1, now(), log
