

import contextlib
import os
import threading


class Breaker(Rules):
    """A circuit breaker by the rules of pybreaker, for a with statement of threads or an async with of coroutines: nobody waits for it."""

    CLOSED, OPEN, HALF_OPEN = 0, 1, 2

    def __init__(self, failures, reset, half_open):
        self.failures, self.reset, self.half_open = failures, reset, half_open
        super().__init__(reject=True)
        # What a forked worker has for itself knows nothing of its parent's calls.
        os.register_at_fork(after_in_child=self.begin)

    def begin(self):
        if not self.of_all:
            super().begin()
            # Its state, until when it is open, failures in a row, trials under way, and those that have succeeded.
            self.numbers, self.lock = [self.CLOSED, 0.0, 0, 0, 0], threading.Lock()

    def ask(self):
        """Fails while it is open; says whether this is a trial."""
        with self.lock:
            state, until, _, trials, _ = self.numbers
            if state == self.CLOSED:
                return False
            if trials >= self.half_open or state == self.OPEN and now() < until:
                raise Failed
            if state == self.OPEN:
                self.numbers[0], self.numbers[4] = self.HALF_OPEN, 0
            self.numbers[3] += 1
            return True

    def succeed(self, trial):
        with self.lock:
            self.numbers[2] = 0
            self.numbers[3] -= trial
            if trial and self.numbers[0] == self.HALF_OPEN:
                self.numbers[4] += 1
                if self.numbers[4] >= self.half_open:
                    self.numbers[0] = self.CLOSED

    def fail(self, trial):
        with self.lock:
            self.numbers[2] += 1
            self.numbers[3] -= trial
            if trial or self.numbers[2] >= self.failures:
                self.numbers[0], self.numbers[1] = self.OPEN, now() + self.reset

    @contextlib.contextmanager
    def use(self, left):
        trial = self.ask()
        try:
            yield
        except BaseException:
            self.fail(trial)
            raise
        self.succeed(trial)

    @contextlib.asynccontextmanager
    async def awaited(self):
        with self.use(INF):
            yield
