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


def let_go(held):
    """Gives the last block of memory back to the system."""
    start = cpu_now()
    held.pop()
    _spent_since(start)


