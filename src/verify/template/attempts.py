

class Attempt:
    """One attempt: a failure in it is forgotten while there are others left."""

    def __init__(self, last, pause, late):
        self.last, self.pause, self.late, self.succeeded = last, pause, late, False

    def __enter__(self):
        if self.late:
            self.late.check()

    def __exit__(self, kind, error, trace):
        self.succeeded = kind is None
        if self.last or not isinstance(error, (Failed, TimedOut)):
            return False
        if self.late:
            self.late.io(self.pause)
        else:
            io(self.pause)
        return True


def attempts(count, pause, late=None):
    """`for attempt in attempts(3, 0.1): with attempt: ...` tries up to so often; the pause doubles each time."""
    for left in reversed(range(count)):
        attempt = Attempt(left == 0, pause, late)
        yield attempt
        if attempt.succeeded:
            return
        pause *= 2
