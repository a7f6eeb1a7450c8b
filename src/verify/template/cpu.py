# ---------------------------------------------------------------------------- what the steps do

now, cpu_now = time.perf_counter, time.thread_time
_BLOCK = bytes(1 << 16)


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


def native(ms):
    """C code that releases the GIL: SHA-256 of 64 KiB blocks, until this thread has used so much CPU time."""
    end = cpu_now() + ms / 1e3
    while cpu_now() < end:
        hashlib.sha256(_BLOCK).digest()


def payload(size):
    """So many bytes that have really been written."""
    return b"\x01" * size


def objects(count):
    """So many small objects, each of which is pickled on its own."""
    return [str(i) if i % 2 else i * 0.5 for i in range(count)]
