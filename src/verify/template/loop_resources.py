

import collections

INF = float("inf")


class Scarce:
    """Permits, or connections of a pool, or tokens of a rate limit: for an async with statement."""

    def __init__(self, count=0, kept=0, connect=0.0, lifetime=None, interval=0.0, burst=0, window=None, wait=None, reject=False):
        self.count, self.kept, self.connect, self.lifetime = count, kept, connect, lifetime
        self.interval, self.burst, self.window, self.wait, self.reject = interval, burst, window, wait, reject
        self.idle, self.full_at, self.granted, self.free = collections.deque(), 0.0, collections.deque(), None

    async def token(self):
        """Waits for the next token of the rate limit."""
        at, patience = now(), 0.0 if self.reject else INF if self.wait is None else self.wait
        if self.window:
            while self.granted and self.granted[0] + self.window <= at:
                self.granted.popleft()
            due = max(at, self.granted[-self.burst] + self.window) if len(self.granted) >= self.burst else at
        else:
            due = max(at, self.full_at - self.interval * (self.burst - 1))
        if due - at > patience:
            if self.reject:
                raise Failed
            await asyncio.sleep(patience)
            raise TimedOut
        if self.window:
            self.granted.append(due)
        else:
            self.full_at = max(self.full_at, at) + self.interval
        if due > at:
            await asyncio.sleep(due - at)

    async def permit(self):
        """Takes a permit, and the connection that has been unused longest; opens one if there is none, or it is too old."""
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
        opened = self.idle.popleft() if self.idle else None
        if opened is None or self.lifetime is not None and now() - opened >= self.lifetime:
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
        opened = await self.permit()
        try:
            yield
            self.back(opened)
        except Failed:
            self.back(opened)
            raise
        finally:
            if self.kept:
                self.free.put_nowait(None)
            else:
                self.free.release()

    def back(self, opened):
        if len(self.idle) < self.kept:
            self.idle.append(opened)


def using(name):
    """A resource, for an async with statement."""
    return RESOURCES[name].use()
