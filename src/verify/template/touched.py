# CPU time that a thread has spent on touching memory and on giving it back: taken off its next cpu() or native(), so that what a
# task asks for in all stays what the scenario says.
_touched = threading.local()


def _less(seconds):
    spent = getattr(_touched, "seconds", 0.0)
    if spent:
        _touched.seconds = max(0.0, spent - seconds)
        seconds = max(0.0, seconds - spent)
    return seconds


def _spent_since(start):
    _touched.seconds = getattr(_touched, "seconds", 0.0) + cpu_now() - start


def payload(size):
    """So many bytes that have really been written."""
    start = cpu_now()
    block = b"\x01" * size
    _spent_since(start)
    return block


def working_memory(size, churn=0.0):
    """One large block; the rest are small ones, a few of which stay, so that the allocator cannot give their pages back."""
    small, each = int(size * churn), 1000
    start = cpu_now()
    blocks = b"\x01" * (size - small), [b"\x01" * each for _ in range(small // each)]
    _spent_since(start)
    return blocks


def let_go(held):
    """Frees the working memory that was taken last."""
    start = cpu_now()
    _, small = held.pop()
    if small:
        _touched.left = small[::200]
    del _, small
    _spent_since(start)


