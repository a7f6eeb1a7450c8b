

# ---------------------------------------------------------------------------- what goes wrong

import signal


signal.signal(signal.SIGINT, signal.default_int_handler)  # As in the foreground, whoever started this.
LOST_AFTER = {lost_after}  # So long after the last end, what has not come is lost with a worker that had it.


def crashes():
    """When a worker process is killed, and which: its number, or where it stands among those that there are (0 to 1); and the signal."""
    return [
{crashes}
    ]


def kill_workers(t0):
    for at, number, share, by in crashes():
        time.sleep(max(0.0, t0 + at - now()))
        there = [p for p in list(multiprocessing.process._children) if p.is_alive()]
        there.sort(key=lambda p: p._identity)
        number = int(share * len(there)) if number is None else number
        if number < len(there):
            os.kill(there[number].pid, by)


def begin_crashes(t0):
    """Has a thread kill worker processes from now on."""
    threading.Thread(target=kill_workers, args=(t0,), daemon=True).start()
    return t0


def as_failure(error):
    """What becomes of a task whose pool is broken: it fails."""
    return Failed(str(error)) if isinstance(error, (cf.process.BrokenProcessPool, KeyboardInterrupt)) else error


def submit(pool, *call):
    """Submits a call. One that a broken pool refuses has failed."""
    try:
        return pool.submit(*call)
    except cf.process.BrokenProcessPool as error:
        refused = cf.Future()
        refused.set_exception(error)
        return refused


async def in_pool(pool, *call):
    """Awaits a call in a pool. One that dies with it has failed."""
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, *call)
    except cf.process.BrokenProcessPool as error:
        raise as_failure(error) from error


def wait_for_what_comes(everything, ended):
    """Waits until everything is there, or nothing has come for long: then something is lost. The instant of the last end."""
    while not everything.wait(0.05):
        if now() - max(ended) > LOST_AFTER:
            break
    return max(ended)
