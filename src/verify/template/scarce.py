

import collections

INF = float("inf")


class Rules:
    """What there is of a resource: permits, connections of a pool, or tokens of a rate limit."""

    def __init__(self, count=0, kept=0, connect=0.0, lifetime=None, interval=0.0, burst=0, window=None, wait=None, reject=False):
        self.count, self.kept, self.connect, self.lifetime = count, kept, connect, lifetime
        self.interval, self.burst, self.window = interval, burst, window
        self.wait, self.reject, self.retry_after, self.of_all = wait, reject, 0.0, None
        self.begin()

    def begin(self):
        """Everything is there, and nobody has asked yet; of its numbers, the first says when the bucket is full again."""
        self.idle, self.granted, self.numbers, self.lock = collections.deque(), collections.deque(), [0.0], contextlib.nullcontext()

    def patience(self):
        return 0.0 if self.reject else INF if self.wait is None else self.wait

    def due(self, at, patience):
        """Takes the next token: when it is there; None if that takes longer than one waits."""
        with self.lock:
            if self.window:
                while self.granted and self.granted[0] + self.window <= at:
                    self.granted.popleft()
                due = max(at, self.granted[-self.burst] + self.window) if len(self.granted) >= self.burst else at
            else:
                due = max(at, self.numbers[0] - self.interval * (self.burst - 1))
            if due - at > patience:
                self.retry_after = due - at
                return None
            if self.window:
                self.granted.append(due)
            else:
                self.numbers[0] = max(self.numbers[0], at) + self.interval
            return due

    def unused(self):
        """When the connection was opened that has been unused longest; None if there is none, or it is too old."""
        with self.lock:
            opened = self.idle.popleft() if self.idle else None
        return None if opened is None or self.lifetime is not None and now() - opened >= self.lifetime else opened

    def back(self, opened):
        with self.lock:
            if len(self.idle) < self.kept:
                self.idle.append(opened)
