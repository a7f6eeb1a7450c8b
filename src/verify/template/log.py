

# ---------------------------------------------------------------------------- how tasks are taken in


class Log:
    """What became of each task: seconds from its arrival to its end, or how it failed."""

    def __init__(self, count):
        self.latency, self.error = [None] * count, [None] * count

    def note(self, number, due, error=None):
        if error is None:
            self.latency[number] = now() - due
        elif isinstance(error, (Failed, TimedOut)):
            self.error[number] = type(error).__name__
        else:
            raise error  # A mistake in the program, not a failure that the scenario speaks of.
