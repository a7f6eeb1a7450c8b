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


_native = [2e-6, None, 0.0]  # CPU seconds of a call, and of an iteration; what the calls until now were too short.


def native(ms):
    """C code that releases the GIL: one call, as long as the last ones let expect. What it misses by is made up for by the next."""
    start = cpu_now()
    call, each, missing = _native
    _native[2] = 0.0  # Nobody else makes up for it.
    if each is None:
        each = min(_iterations(200) for _ in range(3))
    wanted = ms / 1e3 + missing
    count = min(max(1, round((wanted - call) / each)), 2**31 - 1)
    hashlib.pbkdf2_hmac("sha256", b"pchsim", b"", count)
    spent = cpu_now() - start
    _native[1] = max(1e-9, (spent - call) / count) if count >= 200 else each
    _native[2] += min(ms / 1e3, wanted - spent)


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
