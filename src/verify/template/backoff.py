

import os
import threading


class Budgets:
    """The tokens of retries: each step has ten at most, to which a first attempt adds and from which a retry takes one."""

    def __init__(self):
        self.begin()
        os.register_at_fork(after_in_child=self.begin)

    def begin(self):
        self.tokens, self.lock = {}, threading.Lock()

    def add(self, step, share):
        with self.lock:
            self.tokens[step] = min(10, self.tokens.get(step, 10) + share)

    def take(self, step):
        with self.lock:
            there = self.tokens[step] > 1 - 1e-9
            self.tokens[step] -= there
            return there


BUDGETS = Budgets()


class Backoff:
    """The pauses between attempts: the n-th is base * factor ** (n - 1) seconds, at most the cap, with jitter."""

    def __init__(self, base, factor=2, cap=float("inf"), jitter=None, chance=None, retry_after=False, budget=None, step=None):
        self.step = step
        if step:
            BUDGETS.add(step, budget)
        self.base, self.factor, self.cap, self.jitter, self.chance = base, factor, cap, jitter, chance
        self.retry_after, self.power, self.last = retry_after, 1, None

    def may(self):
        """Whether the budget allows another attempt."""
        return not self.step or BUDGETS.take(self.step)

    def __call__(self, error):
        """How long to wait after this error. What a rate limit says takes the place of the pause, as in urllib3."""
        power, self.power = self.power, min(self.power * self.factor, 1e300)
        if self.retry_after and isinstance(error, Failed) and error.args:
            return error.args[0]
        base = self.base() if callable(self.base) else self.base
        pause = min(self.cap, base * power)
        if self.jitter == "Full":
            pause *= self.chance()
        elif self.jitter == "Equal":
            pause *= (1 + self.chance()) / 2
        elif self.jitter == "Decorrelated":
            last = base if self.last is None else self.last
            pause = min(self.cap, base + (3 * last - base) * self.chance())
        self.last = pause
        return pause
