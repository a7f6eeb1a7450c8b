"""Records the tasks of asyncio."""

import collections.abc
import functools
import itertools
import os
import sys
import threading

import pchsim_facts as facts
import pchsim_items as items
from pchsim_recorder import SIGNAL, _clock, _cpu, _gave_up, _local, _NOISE, _Stretch, _Task

_AT_ONCE = 100_000  # ns: a select() that takes less has found what was ready before it was called


class Record:
    """What is known of an asyncio task."""

    def __init__(self, loop, name, root):
        self.loop, self.root = loop, root
        self.parent = getattr(_local, "step", None)
        # What a request starts is a part of the request.
        self.request = self.parent is not None and self.parent.request
        self.part = self.request
        self.task = self.parent.task if self.part else _Task(name)
        if self.parent is not None and not self.parent.root and not self.part:
            self.task.by = self.parent.task.number
        # A request arrives when its bytes do, however busy the loop is.
        event = getattr(loop, "_pchsim_event", None) if self.parent is None else None
        self.created = self.left = event if event is not None else _clock()
        self.seen = None  # when the bytes that it waited for had come
        self.started = False
        self.due = None  # when a sleep is over
        self.marked = 0  # nesting of waits for locks, queues and events
        self.signals = 0  # and of those for events and conditions alone
        self.signal = ""  # what is to be said of the wait, if it is one of those
        self.kind = "wait"
        self.offloaded = False
        # A task of the program's own that takes items from a queue may be a worker.
        self.items = None if self.part or root else items.Items("asyncio")
        self.children = self.children_before = 0
        self.nested = [0, 0]  # wall and CPU time of tasks that ran eagerly within this stretch
        if self.parent is not None:
            self.parent.children += 1

    def ready(self, now):
        """When what the task awaited was ready: from then on the task waited for its loop."""
        if self.due is not None:
            return self.due
        if self.seen is not None:
            return self.seen
        times = getattr(self.loop, "_pchsim_times", None)
        if times is None:
            return now
        # It was seen by the last select() but one, whose callbacks woke the task. If that had to wait, it was ready when it returned.
        # Otherwise it had come while the loop was busy, nobody knows when: in the middle on average.
        before, called, returned = times[0]
        if returned - called > _AT_ONCE:
            return returned
        since = max(self.left, before)
        return since + max(called - since, 0) // 2

    def resume(self, now):
        if not self.started:
            self.started = True
            facts.begin()
            self.task.add("wait", self.created, now)
        elif self.offloaded:
            # The worker writes what happened meanwhile; what it leaves is waiting.
            self.offloaded = False
            self.task.add("wait", self.left, now)
        elif self.kind == "wait" or (self.children_before and not self.children):
            self.task.add("wait", self.left, now, self.signal)
        else:
            ready = min(max(self.ready(now), self.left), now)
            self.task.add("io", self.left, ready)
            self.task.add("wait", ready, now)
        self.due = self.seen = None

    def begin_step(self):
        self.outer = getattr(_local, "step", None)
        start = _clock()
        self.resume(start)
        _local.step = self
        self.stretch = _Stretch.begin(self.task.name)
        self.segment = start, _cpu(), _gave_up()
        self.step = self.segment[:2]

    def cut(self):
        """Ends a stretch of the task's own code."""
        start, before, gave_up = self.segment
        now, cpu = _clock(), _cpu()
        self.stretch.end()
        self.stretch.ran(cpu - before, now - start)
        wall = now - start - self.nested[0]
        used = min(max(cpu - before - self.nested[1], 0), wall)
        self.nested = [0, 0]
        self.task.add("cpu", start, start + used)
        # While an offloaded call runs already, the step may wait for the GIL: that call's rows say what is done.
        if wall - used > max(10 * _NOISE, wall // 10) and not self.offloaded:
            # Nobody else has the GIL where there is no other thread: then the step has made a call that blocks its loop.
            self.task.off(start + used, start + wall, gave_up, "block" if threading.active_count() == 1 else "blocked")
        self.segment = now, cpu, _gave_up()
        return now

    def split(self):
        """Ends a stretch of the task's own code; another one begins then, and it says when."""
        now = self.cut()
        self.stretch = _Stretch.begin(self.task.name)
        return now

    def blocked(self, kind, ready=None):
        """Ends a call that blocked the loop, since the last cut."""
        now = _clock()
        self.task.add("block" if kind == "io" else kind, self.segment[0], now, ready=ready)
        self.segment = now, _cpu(), _gave_up()
        self.stretch = _Stretch.begin(self.task.name)

    def end_step(self):
        _local.step = self.outer
        now = self.cut()
        if self.outer is not None:
            self.outer.nested[0] += now - self.step[0]
            self.outer.nested[1] += self.segment[1] - self.step[1]
        self.left = now

    def suspend(self, future):
        self.children_before = self.children
        awaited = getattr(future, "_children", None) or [future]
        tasks = any(isinstance(_coroutine(f), Steps) for f in awaited)
        self.kind = "wait" if future is None or tasks or self.marked else "io"
        self.signal = SIGNAL if self.signals else ""

    def finish(self, cancelled=False):
        if self.parent is not None:
            self.parent.children -= 1
        if self.part:
            return
        if items.end(self):
            return
        if self.root and facts.others:
            for kind, start, end, _ in self.task.rows:
                if kind == "cpu" and end - start > facts._SERIAL:
                    facts.serial(start, end, end - start)
        elif facts.server and not self.request:
            facts.background(self.task, self.created)
        elif cancelled:
            # After its rows: where it is short beside the run, it is a task that ran out of time.
            self.task.write()
            facts.background(self.task, self.created)
        else:
            facts.ran(self.task.called(), "asyncio")
            self.task.write()


def _coroutine(future):
    get = getattr(future, "get_coro", None)
    return get() if get is not None else None


class Steps(collections.abc.Coroutine):
    """A coroutine whose steps are timed."""

    def __init__(self, coroutine, record):
        self._coroutine = coroutine
        self._record = record

    def _step(self, advance, *args):
        record = self._record
        record.begin_step()
        try:
            future = advance(*args)
        except BaseException as e:
            record.end_step()
            # By its name: this module does not import asyncio.
            record.finish(type(e).__name__ == "CancelledError")
            raise
        record.end_step()
        record.suspend(future)
        return future

    def send(self, value):
        return self._step(self._coroutine.send, value)

    def throw(self, *exception):
        return self._step(self._coroutine.throw, *exception)

    def close(self):
        self._coroutine.close()

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self.send(None)

    def __getattr__(self, name):
        return getattr(self._coroutine, name)


def event_loop(module):
    create = module.BaseEventLoop.create_task
    package = os.path.dirname(module.__file__)

    @functools.wraps(create)
    def recorded(self, coro, *args, **kwargs):
        code = getattr(coro, "cr_code", None)
        if code is None or os.path.dirname(code.co_filename) == package:
            return create(self, coro, *args, **kwargs)
        _watch_select(self)
        root = not self.is_running()
        if not root:
            facts.others = True
        name = coro.__qualname__.replace("<locals>.", "")
        return create(self, Steps(coro, Record(self, name, root)), *args, **kwargs)

    module.BaseEventLoop.create_task = recorded


def _watch_select(loop):
    """Keeps of the last two calls of select(): when the one before returned, when it was called, when it returned."""
    selector = getattr(loop, "_selector", None)
    if selector is None or hasattr(loop, "_pchsim_times"):
        return
    times = loop._pchsim_times = [(_clock(),) * 3] * 2
    select = selector.select

    def watched(*args, **kwargs):
        called = _clock()
        ready = select(*args, **kwargs)
        times[0], times[1] = times[1], (times[1][2], called, _clock())
        return ready

    selector.select = watched


_TCP_INFO, _LAST_DATA_RECV = 11, 52  # Linux: the option, and where it has the milliseconds since the last bytes came


def _came(loop, sock):
    """When what a socket's callback reads had come; None if nobody knows."""
    times = getattr(loop, "_pchsim_times", None)
    if times is None:
        return None
    before, called, returned = times[1]
    if returned - called > _AT_ONCE:
        return returned
    last = came(sock, _clock())
    # It had not come when the select() before returned.
    return None if last is None else min(max(last, before), called)


def came(sock, now):
    """When the last bytes of a TCP connection had come, to some milliseconds; None where the system does not say."""
    if sys.platform != "linux":
        return None
    try:
        info = sock.getsockopt(6, _TCP_INFO, 60)
        age = int.from_bytes(info[_LAST_DATA_RECV : _LAST_DATA_RECV + 4], sys.byteorder)
    except (OSError, AttributeError):
        return None
    return now - age * 1_000_000


def selector_events(module):
    """Says of the tasks that a socket's callback wakes when the bytes had come."""
    add = module.BaseSelectorEventLoop._add_reader

    @functools.wraps(add)
    def recorded(self, fd, callback, *args):
        sock = getattr(getattr(callback, "__self__", None), "_sock", None)
        if sock is None:
            sock = next((a for a in args if hasattr(a, "getsockopt")), None)
        if sock is None:
            return add(self, fd, callback, *args)

        def read(*args):
            ready, known = self._ready, len(self._ready)
            came = self._pchsim_event = _came(self, sock)
            try:
                return callback(*args)
            finally:
                self._pchsim_event = None
                if came is not None:
                    for handle in itertools.islice(ready, known, None):
                        task = getattr(handle._callback, "__self__", None)
                        steps = _coroutine(task)
                        if isinstance(steps, Steps):
                            steps._record.seen = came

        return add(self, fd, read, *args)

    module.BaseSelectorEventLoop._add_reader = recorded


def sleeping(module):
    original = module.sleep

    @functools.wraps(original)
    async def sleep(delay, *args, **kwargs):
        record = getattr(_local, "step", None)
        if record is not None and delay > 0:
            record.due = _clock() + int(delay * 1e9)
        return await original(delay, *args, **kwargs)

    module.sleep = sleep
