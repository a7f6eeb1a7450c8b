

class Awaited:
    """How coroutines use a resource, in an async with statement."""

    async def await_token(self):
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

    async def await_connection(self):
        """A connection, by when it was opened: just now, if none is unused."""
        opened = self.unused()
        if opened is None:
            if self.connect:
                await asyncio.sleep(self.connect)
            opened = now()
        return opened

    @contextlib.asynccontextmanager
    async def awaited(self):
        if self.burst:
            await self.await_token()
            yield
            return
        await self.await_permit()
        opened = None
        try:
            opened = await self.await_connection()
            yield
        except Failed:
            raise
        except BaseException:
            opened = None  # Cut short in the middle of its use, a connection is closed.
            raise
        finally:
            if opened is not None:
                self.back(opened)
            self.give()


def using(name):
    """A resource, for an async with statement."""
    return RESOURCES[name].awaited()
