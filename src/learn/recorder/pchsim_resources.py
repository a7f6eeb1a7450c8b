"""Records what tasks hold: semaphores, locks, and queues that serve as pools."""

import collections
import functools
import itertools
import json
import linecache
import os
import re
import sys
import sysconfig
import threading

from pchsim_recorder import SIGNAL, _clock, _local

_OTHERS = tuple(
    os.path.join(os.path.realpath(path), "")
    for path in {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {os.path.dirname(__file__)}
    if path
)
_LOANS = 1000  # a queue of which more items are out at once is no pool


def _running():
    """What runs on this thread, be it a thread's task or a loop's, and when. What it did until then is a stretch of its own."""
    running = getattr(_local, "step", None) or getattr(_local, "span", None)
    return running, _clock() if running is None else running.split()


def _task():
    """The task that runs on this thread, and the time at which its stretch was cut: what it holds begins and ends there, not a little later."""
    running, now = _running()
    return None if running is None else running.task, now


class _Place:
    """An object that the program made for its tasks to hold, and who holds it."""

    def __init__(self, kind, name, size):
        self.kind, self.name, self.size = kind, name, size
        self.held = []

    def took(self):
        task, now = _task()
        if task is not None:
            self.held.append((task, now))

    def gave(self):
        task, now = _task()
        for i in range(len(self.held) - 1, -1, -1):
            if self.held[i][0] is task and task is not None:
                _, since = self.held.pop(i)
                task.add("%s:%s" % (self.kind, self.name), since, now, ', "size": %d' % self.size)
                return
        # Whoever gives back what another has taken does not hold it: it is a signal.
        self.held = []


_names = {}  # names that are taken: where they were made


def _made_here(depth, made=None):
    """The file, line and column (None before CPython 3.11) of the program's own code that makes an object, or None if a library makes it."""
    frame = sys._getframe(depth)
    # Its class's own __init__ makes nothing: threading.BoundedSemaphore calls that of Semaphore.
    while made is not None and frame is not None and frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is made:
        frame = frame.f_back
    while frame is not None and os.path.dirname(frame.f_code.co_filename).endswith(("asyncio", "pchsim")):
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename.startswith("<"):
        return None
    file = os.path.realpath(frame.f_code.co_filename)
    if file.startswith(_OTHERS):
        return None
    positions = getattr(frame.f_code, "co_positions", None)
    column = None if positions is None else next(itertools.islice(positions(), frame.f_lasti // 2, None), (None,) * 4)[2]
    return file, frame.f_lineno, column


_SIGNALS = ("wait", "wait_for", "_wait", "_enter")  # methods of Condition, Event and Barrier; a semaphore's is acquire


def _for_signal():
    """Whether the program's own code waits for what another says, be it by a method of threading that waits on a condition of its own."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_name in _SIGNALS and frame.f_code.co_filename == threading.__file__:
        frame = frame.f_back
    return frame is not None and not os.path.realpath(frame.f_code.co_filename).startswith(_OTHERS)


_SEVERAL = re.compile(r"\s*([\w.]+(?:\s*,\s*[\w.]+)+)\s*=(?!=)")
_MADE = re.compile(r"\b(?:R?Lock|(?:Bounded)?Semaphore|(?:Lifo|Priority)?Queue|Condition)\(")
_made = {}  # the file and line of an assignment to several names: how many objects it has made


def _values(line, start):
    """Where the values on the right of an assignment begin and end: they are apart by commas outside of brackets."""
    depth, begin = 0, start
    for at in range(start, len(line)):
        depth += (line[at] in "([{") - (line[at] in ")]}")
        if line[at] == "," and depth == 0:
            yield begin, at
            begin = at + 1
    yield begin, len(line)


def _target(line, place):
    """The one of several names on the left of an assignment that an object gets; None if there are not several."""
    several = _SEVERAL.match(line)
    if several is None:
        return None
    names = [name.strip().rpartition(".")[2] for name in several.group(1).split(",")]
    nth = _made[place[:2]] = _made.get(place[:2], 0) + 1
    values = list(_values(line, several.end()))
    if len(values) != len(names):
        # One value makes all of them, one after another.
        return names[(nth - 1) % len(names)]
    made = [name for name, (begin, end) in zip(names, values) if _MADE.search(line, begin, end)] or names
    if place[2] is not None:
        return next((name for name, (begin, end) in zip(names, values) if begin <= place[2] < end), made[-1])
    return made[(nth - 1) % len(made)]


def _name(place, kind):
    """What the program calls it, by the line that makes it."""
    line = linecache.getline(*place[:2])
    found = re.search(r"(\w+)\s*(?::[^=]+)?=(?!=)", line)
    base = _target(line, place) or (found.group(1) if found else kind)
    name, number = base, 2
    while _names.setdefault(name, place) != place:
        name, number = "%s-%d" % (base, number), number + 1
    return name


def _watched(owner, kind, size_of, named):
    init = owner.__init__

    @functools.wraps(init)
    def made(self, *args, **kwargs):
        init(self, *args, **kwargs)
        place = _made_here(2, self)
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


def _marked(owner, name, after=None, signal=0):
    """A coroutine that waits for other tasks; `signal`: for what one of them says, not for its turn."""
    original = getattr(owner, name)

    @functools.wraps(original)
    async def waiting(self, *args, **kwargs):
        record = getattr(_local, "step", None)
        if record is None:
            return await original(self, *args, **kwargs)
        record.marked += 1
        record.signals += signal
        try:
            result = await original(self, *args, **kwargs)
        finally:
            record.marked -= 1
            record.signals -= signal
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
    _marked(module.Event, "wait", signal=1)
    _marked(module.Condition, "wait", signal=1)


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


_BRIEF = 20_000  # ns: a lock that is held for less, and was free, takes nobody's time
_QUIET = 2000  # after so many of these in a row a lock is not watched any longer: watching takes more time than it does


class _LockPlace(_Place):
    """A lock of threads."""

    def __init__(self, name):
        super().__init__("lock", name, 1)
        self.brief = 0
        self.waited = False

    def acquired(self, lock, blocking, timeout):
        """Takes the lock for the task that runs on this thread."""
        if self.brief >= _QUIET or getattr(_local, "step", None) is None and getattr(_local, "span", None) is None:
            return lock.acquire(blocking, timeout)
        free = lock.acquire(False)
        if not free and (not blocking or not _waits(lock, timeout)):
            return False
        self.took()
        self.waited = not free
        return True

    def gave(self):
        if not self.held:
            return
        self.brief = 0 if self.waited or _clock() - self.held[-1][1] > _BRIEF else self.brief + 1
        self.waited = False
        super().gave()


def _waits(lock, timeout):
    """Waits for a lock that another thread has."""
    record, span = getattr(_local, "step", None), getattr(_local, "span", None)
    if record is not None:
        # It blocks the loop.
        record.cut()
        try:
            return lock.acquire(True, timeout)
        finally:
            record.blocked("wait")
    span.cut()
    span.leave()
    try:
        return lock.acquire(True, timeout)
    finally:
        span.close("wait")


class _Lock:
    """A `threading.Lock` or `RLock` of the program's own."""

    def __init__(self, lock, place):
        self._lock, self._pchsim = lock, place
        self._depth = 0  # of whoever holds it

    def acquire(self, blocking=True, timeout=-1):
        owned = getattr(self._lock, "_is_owned", None)
        if owned is not None and owned():
            got = self._lock.acquire(blocking, timeout)
        else:
            if not blocking and timeout != -1:
                raise ValueError("can't specify a timeout for a non-blocking call")
            got = self._pchsim.acquired(self._lock, blocking, timeout)
        self._depth += bool(got)
        return got

    def release(self):
        if self._depth > 0:
            self._depth -= 1
        if self._depth == 0:
            self._pchsim.gave()
        self._lock.release()

    __enter__ = acquire

    def __exit__(self, *_):
        self.release()

    # A Condition on an RLock gives it back wholly while it waits.
    def _release_save(self):
        depth, self._depth = self._depth, 0
        self._pchsim.gave()
        save = getattr(self._lock, "_release_save", None)
        return depth, save() if save is not None else self._lock.release()

    def _acquire_restore(self, state):
        depth, inner = state
        restore = getattr(self._lock, "_acquire_restore", None)
        if restore is not None:
            restore(inner)
            if self._pchsim.brief < _QUIET:
                self._pchsim.took()
        else:
            self._pchsim.acquired(self._lock, True, -1)
        self._depth = depth

    def _is_owned(self):
        owned = getattr(self._lock, "_is_owned", None)
        if owned is not None:
            return owned()
        if self._lock.acquire(False):
            self._lock.release()
            return False
        return True

    def _at_fork_reinit(self):
        self._depth, self._pchsim.held = 0, []
        self._lock._at_fork_reinit()

    def __getattr__(self, name):
        return getattr(self._lock, name)

    def __repr__(self):
        return repr(self._lock)


def conditions(module):
    """Waiting for a notify: by the program's own code for what other tasks do, by libraries for their turn (a queue's item, a future). Meanwhile
    nobody holds the condition's lock."""
    original = module.Condition.wait

    @functools.wraps(original)
    def wait(self, timeout=None):
        span = None if getattr(_local, "step", None) is not None else getattr(_local, "span", None)
        if span is None:
            return blocking(self, timeout)
        place = self._lock._pchsim if isinstance(self._lock, _Lock) else None
        if place is not None:
            place.gave()
        span.cut()
        span.leave()
        more = SIGNAL if _for_signal() else ""
        _local.span = None
        try:
            return original(self, timeout)
        finally:
            _local.span = span
            span.close("wait", more=more)
            if place is not None:
                place.took()

    def blocking(self, timeout):
        """In a coroutine it blocks the loop; of no task it is nothing."""
        record = getattr(_local, "step", None)
        if record is None:
            return original(self, timeout)
        record.cut()
        outer, _local.step, _local.span = getattr(_local, "span", None), None, None
        try:
            return original(self, timeout)
        finally:
            _local.step, _local.span = record, outer
            record.blocked("wait")

    module.Condition.wait = wait


def threading_locks(module):
    """Locks that the program's own code makes are watched; libraries get the real ones."""

    def watched(name):
        original = getattr(module, name)

        class Kind(type):
            """So that isinstance() knows both."""

            def __instancecheck__(cls, instance):
                kind = original if isinstance(original, type) else type(original())
                return isinstance(instance, (_Lock, kind))

            def __call__(cls, *args, **kwargs):
                lock = original(*args, **kwargs)
                place = _made_here(2)
                return lock if place is None else _Lock(lock, _LockPlace(_name(place, name.lower())))

        return Kind(name, (), {"__module__": "threading", "__doc__": original.__doc__})

    module.Lock, module.RLock = watched("Lock"), watched("RLock")


class _Pool(_Place):
    """A queue: a pool if who gets an item puts the same one back; else who takes several items from it may be a worker."""

    def __init__(self, name, in_order):
        super().__init__("use", name, 0)
        self.loans = {}
        self.seen = set()
        self.puts = collections.deque() if in_order else None  # when the items in it were put, and by which task
        self.workers = set()

    def got(self, item):
        put, by = _clock(), None
        if self.puts:
            put, by = self.puts.popleft()
        running, now = _running()
        if running is None:
            return
        if not self.seen and getattr(running, "items", None) is not None:
            running.items.take(running, self, put, by)
        task = running.task
        if self.loans is None:
            return
        # The item is kept while it is out, so that no other has its identity.
        self.loans[id(item)] = task, now, item
        if len(self.loans) > _LOANS:
            self.loans = None

    def put(self, item):
        if self.puts is not None:
            running = getattr(_local, "step", None) or getattr(_local, "span", None)
            is_task = running is not None and not getattr(running, "root", False)
            self.puts.append((_clock(), running.task.number if is_task else None))
        if not self.loans:
            return
        task, since, _ = self.loans.get(id(item), (None, 0, None))
        if task is None:
            return
        running, now = _task()
        if task is running:
            del self.loans[id(item)]
            self.seen.add(id(item))
            self.size = max(self.size, len(self.seen))
            task.add("use:%s" % self.name, since, now, ', "size": %d' % self.size)


def _queue(owner):
    init = owner.__init__

    @functools.wraps(init)
    def made(self, *args, **kwargs):
        init(self, *args, **kwargs)
        place = _made_here(2, self)
        if place is not None:
            self._pchsim = _Pool(_name(place, "pool"), type(self).__name__ == "Queue")

    owner.__init__ = made


def _got(self, item):
    place = getattr(self, "_pchsim", None)
    if place is not None:
        place.got(item)


def _put(self, item):
    place = getattr(self, "_pchsim", None)
    if place is not None:
        place.put(item)


def _refused(self):
    """A full queue does not take the item that was put last."""
    place = getattr(self, "_pchsim", None)
    if place is not None and place.puts:
        place.puts.pop()


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
        try:
            return put(self, item, *args, **kwargs)
        except BaseException:
            _refused(self)
            raise

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
        try:
            return put(self, item)
        except BaseException:
            _refused(self)
            raise

    owner.get_nowait, owner.put_nowait = watched_get, watched_put
