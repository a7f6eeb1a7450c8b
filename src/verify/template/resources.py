

import collections

INF = float("inf")


class Scarce:
    """Permits, or connections of a pool, or tokens of a rate limit: for a with statement."""

    def __init__(self, count=0, kept=0, connect=0.0, lifetime=None, interval=0.0, burst=0, window=None, wait=None, reject=False):
        self.free, self.kept, self.connect, self.lifetime = threading.Semaphore(count), kept, connect, lifetime
        self.interval, self.burst, self.window, self.wait, self.reject = interval, burst, window, wait, reject
        self.idle, self.lock, self.full_at, self.granted = collections.deque(), threading.Lock(), 0.0, collections.deque()

    def token(self, left):
        """Waits for the next token of the rate limit."""
        with self.lock:
            at, patience = now(), min(0.0 if self.reject else INF if self.wait is None else self.wait, left)
            if self.window:
                while self.granted and self.granted[0] + self.window <= at:
                    self.granted.popleft()
                due = max(at, self.granted[-self.burst] + self.window) if len(self.granted) >= self.burst else at
            else:
                due = max(at, self.full_at - self.interval * (self.burst - 1))
            if due - at > patience:
                due = None
            elif self.window:
                self.granted.append(due)
            else:
                self.full_at = max(self.full_at, at) + self.interval
        if due is None:
            if self.reject:
                raise Failed
            time.sleep(patience)
            raise TimedOut
        if due > at:
            time.sleep(due - at)

    def permit(self, left):
        """Takes a permit, and the connection that has been unused longest; opens one if there is none, or it is too old."""
        wait = left if self.wait is None else min(self.wait, left)
        if self.reject:
            if not self.free.acquire(blocking=False):
                raise Failed
        elif not self.free.acquire(timeout=None if wait == INF else wait):
            raise TimedOut
        opened = self.idle.popleft() if self.idle else None
        if opened is None or self.lifetime is not None and now() - opened >= self.lifetime:
            if self.connect:
                time.sleep(self.connect)
            opened = now()
        return opened

    @contextlib.contextmanager
    def use(self, left):
        if self.burst:
            self.token(left)
            yield
            return
        opened = self.permit(left)
        try:
            yield
            self.back(opened)
        except TimedOut:
            raise
        except BaseException:
            self.back(opened)
            raise
        finally:
            self.free.release()

    def back(self, opened):
        if len(self.idle) < self.kept:
            self.idle.append(opened)


def using(name, late=None):
    """A resource, for a with statement."""
    return RESOURCES[name].use(late.left() if late else INF)
