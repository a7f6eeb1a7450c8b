"""Records what tasks hold: semaphores, locks of event loops, and queues that serve as pools."""

import functools
import json
import linecache
import os
import re
import sys
import sysconfig

from pchsim_recorder import _clock, _local

_OTHERS = tuple(
    os.path.join(os.path.realpath(path), "")
    for path in {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    if path
)
_LOANS = 1000  # a queue of which more items are out at once is no pool


def _task():
    """The task that runs on this thread, be it a thread's or a loop's. What it did so far is a stretch of its own."""
    running = getattr(_local, "step", None) or getattr(_local, "span", None)
    if running is None:
        return None
    running.split()
    return running.task


class _Place:
    """An object that the program made for its tasks to hold, and who holds it."""

    def __init__(self, kind, name, size):
        self.kind, self.name, self.size = kind, name, size
        self.held = []

    def took(self):
        task = _task()
        if task is not None:
            self.held.append((task, _clock()))

    def gave(self):
        task = _task()
        for i in range(len(self.held) - 1, -1, -1):
            if self.held[i][0] is task and task is not None:
                _, since = self.held.pop(i)
                task.add("%s:%s" % (self.kind, self.name), since, _clock(), ', "size": %d' % self.size)
                return
        # Whoever gives back what another has taken does not hold it: it is a signal.
        self.held = []


_names = {}  # names that are taken: where they were made


def _made_here(depth):
    """The file and line of the program's own code that makes an object, or None if a library makes it."""
    frame = sys._getframe(depth)
    while frame is not None and os.path.dirname(frame.f_code.co_filename).endswith(("asyncio", "pchsim")):
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename.startswith("<"):
        return None
    file = os.path.realpath(frame.f_code.co_filename)
    return None if file.startswith(_OTHERS) else (file, frame.f_lineno)


def _name(place, kind):
    """What the program calls it, by the line that makes it."""
    line = linecache.getline(*place)
    found = re.search(r"(\w+)\s*(?::[^=]+)?=(?!=)", line)
    base = found.group(1) if found else kind
    name, number = base, 2
    while _names.setdefault(name, place) != place:
        name, number = "%s-%d" % (base, number), number + 1
    return name


def _watched(owner, kind, size_of, named):
    init = owner.__init__

    @functools.wraps(init)
    def made(self, *args, **kwargs):
        init(self, *args, **kwargs)
        place = _made_here(2)
        # As attributes of slots would fail, the object has a dictionary or is not watched.
        if place is not None and hasattr(self, "__dict__"):
            self._pchsim = _Place(kind, _name(place, named), size_of(self))

    owner.__init__ = made


def _gives(owner, name):
    original = getattr(owner, name)

    @functools.wraps(original)
    def gives(self, *args, **kwargs):
        place = getattr(self, "_pchsim", None)
        if place is not None:
            place.gave()
        return original(self, *args, **kwargs)

    setattr(owner, name, gives)


def _marked(owner, name, after=None):
    """A coroutine that waits for other tasks."""
    original = getattr(owner, name)

    @functools.wraps(original)
    async def waiting(self, *args, **kwargs):
        record = getattr(_local, "step", None)
        if record is None:
            return await original(self, *args, **kwargs)
        record.marked += 1
        try:
            result = await original(self, *args, **kwargs)
        finally:
            record.marked -= 1
        if after is not None:
            after(self, result)
        return result

    setattr(owner, name, waiting)


def _took(self, _):
    place = getattr(self, "_pchsim", None)
    if place is not None:
        place.took()


def asyncio_locks(module):
    _watched(module.Semaphore, "use", lambda s: s._value, "semaphore")
    _watched(module.Lock, "lock", lambda _: 1, "lock")
    for owner in (module.Semaphore, module.Lock):
        _marked(owner, "acquire", _took)
        _gives(owner, "release")
    _marked(module.Event, "wait")
    _marked(module.Condition, "wait")


def threading_semaphores(module):
    semaphore = module.Semaphore
    _watched(semaphore, "use", lambda s: s._value, "semaphore")
    acquire = semaphore.acquire

    @functools.wraps(acquire)
    def took(self, *args, **kwargs):
        got = acquire(self, *args, **kwargs)
        if got:
            _took(self, got)
        return got

    semaphore.acquire = semaphore.__enter__ = took
    for owner in (semaphore, module.BoundedSemaphore):
        if "release" in owner.__dict__:
            _gives(owner, "release")


class _Pool(_Place):
    """A queue: a pool if who gets an item puts the same one back."""

    def __init__(self, name):
        super().__init__("use", name, 0)
        self.loans = {}
        self.seen = set()

    def got(self, item):
        task = _task()
        if task is None or self.loans is None:
            return
        # The item is kept while it is out, so that no other has its identity.
        self.loans[id(item)] = task, _clock(), item
        if len(self.loans) > _LOANS:
            self.loans = None

    def put(self, item):
        if not self.loans:
            return
        task, since, _ = self.loans.get(id(item), (None, 0, None))
        if task is not None and task is _task():
            del self.loans[id(item)]
            self.seen.add(id(item))
            self.size = max(self.size, len(self.seen))
            task.add("use:%s" % self.name, since, _clock(), ', "size": %d' % self.size)


def _queue(owner):
    init = owner.__init__

    @functools.wraps(init)
    def made(self, *args, **kwargs):
        init(self, *args, **kwargs)
        place = _made_here(2)
        if place is not None:
            self._pchsim = _Pool(_name(place, "pool"))

    owner.__init__ = made


def _got(self, item):
    place = getattr(self, "_pchsim", None)
    if place is not None:
        place.got(item)


def _put(self, item):
    place = getattr(self, "_pchsim", None)
    if place is not None:
        place.put(item)


def thread_queues(module):
    owner = module.Queue
    _queue(owner)
    get, put = owner.get, owner.put

    @functools.wraps(get)
    def watched_get(self, *args, **kwargs):
        item = get(self, *args, **kwargs)
        _got(self, item)
        return item

    @functools.wraps(put)
    def watched_put(self, item, *args, **kwargs):
        _put(self, item)
        return put(self, item, *args, **kwargs)

    owner.get, owner.put = watched_get, watched_put


def asyncio_queues(module):
    owner = module.Queue
    _queue(owner)
    for name in ("get", "put", "join"):
        _marked(owner, name)
    get, put = owner.get_nowait, owner.put_nowait

    # Both ways end here.
    @functools.wraps(get)
    def watched_get(self):
        item = get(self)
        _got(self, item)
        return item

    @functools.wraps(put)
    def watched_put(self, item):
        _put(self, item)
        return put(self, item)

    owner.get_nowait, owner.put_nowait = watched_get, watched_put
