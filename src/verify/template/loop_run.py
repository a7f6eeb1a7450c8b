

def run(tasks, t0=None):
    t0, t1, log = asyncio.run(serve(tasks, t0))
    return t0, t1, now(), log
