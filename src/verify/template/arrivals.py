

def arrivals(t0, tasks):
    """Gives out each task when it is due: its number, when that is, its kind, its random numbers."""
    for number, (at, kind, draws) in enumerate(tasks):
        wait = t0 + at - now()
        if wait > 0:
            time.sleep(wait)
        yield number, t0 + at, kind, draws


def answered():
    """An answer interests nobody here: arrivals do not wait for it."""
