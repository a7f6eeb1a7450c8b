"""Stands in for the modules that the program imports: so much CPU time, so much memory."""

import time

_end = time.thread_time() + {seconds}  # seconds of CPU
_memory = b"\x01" * {bytes}
_objects = [[] for _ in range({objects})]
while time.thread_time() < _end:
    pass
