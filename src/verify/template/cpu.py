# ---------------------------------------------------------------------------- what the steps do

now, cpu_now = time.perf_counter, time.thread_time


class Failed(Exception):
    """A task has failed, as the scenario's `Fail` says."""


class TimedOut(Exception):
    """A task has been given up, as the scenario's `Timeout` says."""


def cpu(ms):
    """Python code: holds the GIL until this thread has used so much CPU time, however fast the core happens to run."""
    end = cpu_now() + ms * CPU_FACTOR / 1e3
    x = 0
    while cpu_now() < end:
        for i in range(100):
            x = (x * 31 + i) & 0xFFFFFF
    return x


_each = 0.0  # CPU seconds of an iteration, as the last call found.
_missing = threading.local()  # What the calls of a thread until now were too short.


def native(ms):
    """C code that releases the GIL: one call, as long as the last ones let expect. What it misses by is made up for by the next."""
    global _each
    start, call = cpu_now(), 2e-6
    each = _each or min(_iterations(200) for _ in range(3))
    wanted = ms / 1e3 + getattr(_missing, "seconds", 0.0)
    count = min(max(1, round((wanted - call) / each)), 2**31 - 1)
    hashlib.pbkdf2_hmac("sha256", b"pchsim", b"", count)
    spent = cpu_now() - start
    _missing.seconds = min(ms / 1e3, wanted - spent)
    if count >= 200:
        _each = max(1e-9, (spent - call) / count)


def _iterations(count):
    """CPU seconds of an iteration."""
    start = cpu_now()
    hashlib.pbkdf2_hmac("sha256", b"pchsim", b"", count)
    return (cpu_now() - start) / count


def payload(size):
    """So many bytes that have really been written."""
    return b"\x01" * size


def objects(count):
    """So many small objects, each of which is pickled on its own."""
    return [str(i) if i % 2 else i * 0.5 for i in range(count)]
