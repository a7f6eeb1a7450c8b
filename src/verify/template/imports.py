"""Stands in for the modules that the program imports: so much CPU time, so much memory."""
{uses}
_end = time.thread_time() + {seconds}  # seconds of CPU
# Lists stand among small things, as containers do among what hangs on them, and beside larger ones.
_each = min({bytes} // max({objects}, 1), 1000)  # bytes
_small, _large = max(_each * 37 // 100 - 72, 0) // 72, _each * 30 // 100
objects = [[bytes(31) for _ in range(_small)] + [bytes(max(_large - 41, 0))] for _ in range({objects})]
_memory = b"\x01" * max({bytes} - {objects} * (72 + 72 * _small + _large), 0)
{freeze}while time.thread_time() < _end:
    pass
