

class Backoff:
    """The pauses between attempts: the n-th is base * factor ** (n - 1) seconds, at most the cap, with jitter."""

    def __init__(self, base, factor=2, cap=float("inf"), jitter=None, chance=None, retry_after=False):
        self.base, self.factor, self.cap, self.jitter, self.chance = base, factor, cap, jitter, chance
        self.retry_after, self.power, self.last = retry_after, 1, None

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
