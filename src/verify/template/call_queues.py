

def _on_loop(coroutine, late):
    """Has the event loop wait, and waits for it: its queues are no other thread's."""
    future = asyncio.run_coroutine_threadsafe(coroutine, LOOP)
    try:
        return future.result(late and late.left())
    except (cf.TimeoutError, TimeoutError):
        future.cancel()
        raise TimedOut from None


def put(name, late=None):
    _on_loop(QUEUES[name].put(1), late)


def get(name, late=None):
    return _on_loop(QUEUES[name].get(), late)
