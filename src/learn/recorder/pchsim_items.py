"""Records what workers do that take their work from a queue: each item is a task, from its put() to the worker's next get()."""

import pchsim_facts as facts
from pchsim_recorder import _clock, _Task

_LITTLE = 0.1  # what a worker does after its last item (an item that says so) is less than this share of what an item takes


class Items:
    """What one worker has taken so far. Its owner has a `task`, which is replaced by one for each item."""

    def __init__(self, how):
        self.how = how
        self.place = None  # the queue
        self.taken = 0
        self.before = None  # the task before the first item
        self.worked = 0  # nanoseconds of work in the items that are done

    def take(self, owner, place, put, by):
        """The owner has taken an item that was put then, by the task of this number (None: by none); what it did so far is cut."""
        if self.place is None:
            self.place = place
        elif self.place is not place:
            return
        old = owner.task
        if self.taken == 0:
            self.before = old
        else:
            self.write(old)
        self.taken += 1
        place.workers.add(id(self))
        owner.task = _Task(old.name)
        now = _clock()
        owner.task.begin = put = min(put, now)
        owner.task.by = by
        owner.task.add("wait", put, now)

    def write(self, task):
        # Waiting for the next item is no part of this one.
        while len(task.rows) > 1 and task.rows[-1][0] == "wait":
            task.rows.pop()
        self.worked += _work(task)
        threads = self.how == "threads"
        facts.ran(task.called(), "threads:%d" % len(self.place.workers) if threads else self.how)
        task.write()

    def end(self, owner):
        """The worker is over. Says whether it has worked on items; if not, all that it did is one task."""
        if self.taken == 0:
            return False
        if self.taken == 1:
            self.place.workers.discard(id(self))
            self.before.rows += owner.task.rows
            owner.task = self.before
            return False
        if _work(owner.task) > _LITTLE * self.worked / (self.taken - 1):
            self.write(owner.task)
        return True


def _work(task):
    return sum(end - start for kind, start, end, _ in task.rows if kind in ("cpu", "io", "native", "block", "blocked"))


def end(owner):
    """As `Items.end`, of an owner that may have none."""
    return owner.items is not None and owner.items.end(owner)
