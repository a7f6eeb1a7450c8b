

_teams = threading.local()


def team(ms, threads):
    """C code with threads of its own, as a BLAS has them: each does its share without the GIL. Every thread that calls it has a team."""
    if not hasattr(_teams, "others"):
        _teams.others = cf.ThreadPoolExecutor({most})
    shares = [_teams.others.submit(native, ms / threads) for _ in range(threads - 1)]
    native(ms / threads)
    cf.wait(shares)
