

class Scarce(Awaited, Rules):
    """A resource that belongs to the event loop."""

    def begin(self):
        super().begin()
        self.free = None

    async def await_permit(self):
        """Takes a permit."""
        if self.free is None:  # It belongs to the loop that runs now.
            self.free = asyncio.Queue() if self.kept else asyncio.Semaphore(self.count)
            for _ in range(self.count if self.kept else 0):
                self.free.put_nowait(None)
        if self.reject and (self.free.empty() if self.kept else self.free.locked()):
            raise Failed
        taken = self.free.get() if self.kept else self.free.acquire()
        if self.wait is None:
            await taken
        else:
            try:
                await asyncio.wait_for(taken, self.wait)
            except asyncio.TimeoutError:
                raise TimedOut from None

    def give(self):
        if self.kept:
            self.free.put_nowait(None)
        else:
            self.free.release()
