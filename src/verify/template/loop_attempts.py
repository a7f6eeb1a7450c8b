

class Attempt:
    """One attempt: a failure in it is forgotten while there are others left."""

    def __init__(self, last, pause):
        self.last, self.pause, self.succeeded = last, pause, False

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        self.succeeded = kind is None
        if self.last or not isinstance(error, (Failed, TimedOut)):
            return False
        await asyncio.sleep(self.pause)
        return True


def attempts(count, pause):
    """`for attempt in attempts(3, 0.1): async with attempt: ...` tries up to so often; the pause doubles each time."""
    for left in reversed(range(count)):
        attempt = Attempt(left == 0, pause)
        yield attempt
        if attempt.succeeded:
            return
        pause *= 2
