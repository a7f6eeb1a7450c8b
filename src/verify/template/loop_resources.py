

class Scarce(Rules):
    """A resource of an event loop, for an async with statement."""

    def __init__(self, count=0, **rules):
        super().__init__(**rules)
        self.count, self.free = count, None

    async def token(self):
        """Waits for the next token of the rate limit."""
        at, patience = now(), self.patience()
        due = self.due(at, patience)
        if due is None:
            if self.reject:
                raise Failed(self.retry_after)  # HTTP 429.
            await asyncio.sleep(patience)
            raise TimedOut
        if due > at:
            await asyncio.sleep(due - at)

    async def permit(self):
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

    async def connected(self):
        """A connection, by when it was opened: just now, if none is unused."""
        opened = self.unused()
        if opened is None:
            if self.connect:
                await asyncio.sleep(self.connect)
            opened = now()
        return opened

    @contextlib.asynccontextmanager
    async def use(self):
        if self.burst:
            await self.token()
            yield
            return
        await self.permit()
        opened = None
        try:
            opened = await self.connected()
            yield
        except Failed:
            raise
        except BaseException:
            opened = None  # Cut short in the middle of its use, a connection is closed.
            raise
        finally:
            if opened is not None:
                self.back(opened)
            if self.kept:
                self.free.put_nowait(None)
            else:
                self.free.release()


def using(name):
    """A resource, for an async with statement."""
    return RESOURCES[name].use()
