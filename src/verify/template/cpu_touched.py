# ---------------------------------------------------------------------------- what the steps do

now, cpu_now = time.perf_counter, time.thread_time
_BLOCK = bytes(1 << 16)


class Failed(Exception):
    """A task has failed, as the scenario's `Fail` says."""


class TimedOut(Exception):
    """A task has been given up, as the scenario's `Timeout` says."""


# CPU time that a thread has spent on touching memory: taken off its next cpu() or native(), so that what a task asks for
# in all stays what the scenario says.
_touched = threading.local()


def _less(seconds):
    spent = getattr(_touched, "seconds", 0.0)
    if spent:
        _touched.seconds = max(0.0, spent - seconds)
        seconds = max(0.0, seconds - spent)
    return seconds


def cpu(ms):
    """Python code: holds the GIL until this thread has used so much CPU time, however fast the core happens to run."""
    end = cpu_now() + _less(ms * CPU_FACTOR / 1e3)
    x = 0
    while cpu_now() < end:
        for i in range(100):
            x = (x * 31 + i) & 0xFFFFFF
    return x


def native(ms):
    """C code that releases the GIL: SHA-256 of 64 KiB blocks, until this thread has used so much CPU time."""
    end = cpu_now() + _less(ms / 1e3)
    while cpu_now() < end:
        hashlib.sha256(_BLOCK).digest()


def payload(size):
    """So many bytes that have really been written."""
    start = cpu_now()
    block = b"\x01" * size
    _touched.seconds = getattr(_touched, "seconds", 0.0) + cpu_now() - start
    return block


@contextlib.contextmanager
def hold(size):
    """Working memory, really written, for as long as the block lasts."""
    block = payload(size)
    yield block


def objects(count):
    """So many small objects, each of which is pickled on its own."""
    return [str(i) if i % 2 else i * 0.5 for i in range(count)]
