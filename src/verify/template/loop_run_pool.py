

def run(tasks, t0=None):
    global POOL
    with make_pool() as POOL:
        t0, t1, log = asyncio.run(serve(tasks, t0))
    return t0, t1, now(), log
