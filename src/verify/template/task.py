

class Task:
    """A running task: its own random numbers, what came with it, what goes back, and what it holds until its end."""

    __slots__ = ("draws", "used", "came", "result", "kept")

    def __init__(self, draws=(), *came):
        self.draws, self.used, self.came, self.result, self.kept = draws, [0] * len(draws), came, {}, []

    def draw(self, place):
        """The next random number for this place of the function."""
        values = self.draws[place]
        self.used[place] += 1
        return values[(self.used[place] - 1) % len(values)]

    def keep(self, thing):
        """Holds on to something until the task's end."""
        self.kept.append(thing)

    def may_fail(self, place):
        if self.draw(place):
            raise Failed
