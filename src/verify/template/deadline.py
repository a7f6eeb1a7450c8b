

class deadline:
    """Steps that are given up after a time. Nothing interrupts running code: it is noticed when a step is over."""

    def __init__(self, seconds, outer=None):
        self.end = now() + seconds
        if outer:
            self.end = min(self.end, outer.end)

    def left(self):
        return max(0.0, self.end - now())

    def check(self):
        if now() >= self.end:
            raise TimedOut

    def io(self, seconds):
        """Waits, but no longer than until the deadline."""
        io(min(seconds, self.left()))
        self.check()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.check()
