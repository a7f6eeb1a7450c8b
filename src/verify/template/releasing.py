

def _stretches(count, seconds, outside):
    """So often: this much CPU time with the GIL, then a moment without. The clock does not run while the GIL changes hands: what
    that costs where other threads wait for it comes on top."""
    x = 0
    for _ in range(count):
        end = cpu_now() + seconds
        while cpu_now() < end:
            for i in range(10):
                x = (x * 31 + i) & 0xFFFFFF
        outside()
    return x


@functools.cache
def _outside(released):
    """A call that is without the GIL for about so many nanoseconds; CPU seconds that a stretch takes more than it is told to."""
    zero, block = os.open("/dev/zero", os.O_RDONLY), [bytearray(1 << 20)]

    def seconds(call, times):
        costs = []
        for _ in range(3):
            start = cpu_now()
            call(times)
            costs.append((cpu_now() - start) / times)
        return min(costs)

    def call():
        os.lseek(zero, 0, 1)

    if released > 400:  # More than a short system call.
        ns = seconds(lambda times: [os.readv(zero, block) for _ in range(times)], 5) * 1e9
        if released < ns:
            part = [memoryview(block[0])[: int(released / ns * (1 << 20))]]

            def call():
                os.readv(zero, part)

        else:
            longest = bytes(1 << 16)
            ns = seconds(lambda times: [hashlib.sha256(longest) for _ in range(times)], 5) * 1e9
            data = bytes(int(released / ns * len(longest)))

            def call():
                hashlib.sha256(data)

    step = 2e-6
    return call, seconds(lambda times: _stretches(times, step, call), 100) - step


def releasing(ms, per_ms, released):
    """Python code that gives the GIL up `per_ms` times a millisecond, for `released` nanoseconds each time, as callbacks of C
    code do: so much CPU time by itself."""
    count = round(ms * per_ms)
    if not count:
        return cpu(ms)
    call, more = _outside(released)
    seconds = ms * CPU_FACTOR / 1e3
    return _stretches(count, max(0.0, seconds / count - more), call)
