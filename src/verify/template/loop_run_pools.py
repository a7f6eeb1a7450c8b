

def run(tasks, t0=None):
    global POOL, POOLS
    with contextlib.ExitStack() as opened:
        POOL = opened.enter_context(make_pool())
        POOLS = {name: opened.enter_context(pool) for name, pool in make_pools().items()}
        t0, t1, log = asyncio.run(serve(tasks, t0))
    return t0, t1, now(), log
