

class timeout:
    """Steps that are cancelled at their next wait when the time is over; running code cannot be interrupted."""

    def __init__(self, seconds):
        self.seconds, self.fired = seconds, False

    def fire(self):
        self.fired = True
        self.task.cancel()

    async def __aenter__(self):
        loop, self.task = asyncio.get_running_loop(), asyncio.current_task()
        self.end = loop.time() + self.seconds
        self.handle = loop.call_at(self.end, self.fire)
        return self

    async def __aexit__(self, kind, error, trace):
        self.handle.cancel()
        if self.fired and kind is asyncio.CancelledError:
            if hasattr(self.task, "uncancel"):
                self.task.uncancel()
            raise TimedOut from None
        if kind is None and asyncio.get_running_loop().time() >= self.end:
            raise TimedOut
