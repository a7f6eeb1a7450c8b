"""Records what the tasks of a Python program do, as JSON Lines that `pchsim record --trace FILE` reads.

By hand, in a copy of this file (CPython 3.9 to 3.15, nothing but the standard library):

    from pchsim_recorder import task, step

    def fetch(n):
        with task("page", n):           # one task of the class "page"
            with step("io"):            # io, native, cpu, wait, or lock:NAME
                data = download(n)
            parse(data)                 # outside of a step: CPU time is cpu, the rest of the time is "blocked"

It writes to the file that the environment variable PCHSIM_TRACE names, or to pchsim-trace.jsonl: whole lines, appended, so
that several processes may share it. `with task` belongs to one thread: it may not be held across an `await`.

`pchsim record -- python program.py` needs none of this: other modules (pchsim_hooks) watch executors, threads, asyncio and servers.
"""

import itertools
import json
import os
import sys
import threading
import time

try:
    from resource import RUSAGE_THREAD, getrusage
except ImportError:  # not Linux
    RUSAGE_THREAD = None

_sleep = time.sleep
_Lock = threading.Lock  # the real one, whatever is watched later
_clock = time.perf_counter_ns  # one clock for all processes of a machine
_cpu = time.thread_time_ns
_local = threading.local()  # .span: the task on this thread; .step: the asyncio task whose step runs
_numbers = itertools.count(1)
_NOISE = 100_000  # ns: shorter times off the CPU are the operating system's
_LATE = 1.1  # a sleep of the switch interval ends somewhat late
_TICK = 4_000_000  # ns: the kernel's
_PREEMPTED = 4  # the holder of the GIL has a core for this part of the time at least
SIGNAL = ', "how": "signal"'  # of a wait for what another task says (a notify, an event), not for a turn
_HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()


class _Schedstat:
    """The kernel's file on a thread, open as long as the thread lives."""

    def __init__(self):
        self.pid = os.getpid()
        try:
            self.fd = os.open("/proc/thread-self/schedstat", os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            self.fd = None

    def delay(self):
        return None if self.fd is None else int(os.pread(self.fd, 100, 0).split()[1])

    def __del__(self, close=os.close):
        if self.fd is not None:
            try:
                close(self.fd)
            except OSError:
                pass


def _delay():
    """For how many nanoseconds this thread has waited for a core so far; None where the system does not say."""
    known = getattr(_local, "schedstat", None)
    if known is None or known.pid != os.getpid():
        known = _local.schedstat = _Schedstat()
    try:
        return known.delay()
    except (OSError, ValueError, IndexError):
        return None


def _gave_up():
    """How often this thread has left its core by itself, how long it has waited for one, and the CPU time of the process and of the thread."""
    left = None if RUSAGE_THREAD is None else getrusage(RUSAGE_THREAD).ru_nvcsw
    return left, _delay(), time.process_time_ns(), _cpu()


def _off(before, length):
    """How much of `length` nanoseconds off the CPU the thread has waited for the core only, and how much for the GIL at most."""
    left, delay, process, thread = before
    now_left, now_delay, now_process, now_thread = _gave_up()
    switches = None if left is None else now_left - left
    if delay is not None and now_delay is not None:
        core = min(max(now_delay - delay, 0), length)
    else:
        core = length if switches == 0 else 0
    if not _HAS_GIL or switches is None:
        return core, 0
    # Whoever waits for the GIL sleeps until it is given up, or for the switch interval, and asks again; meanwhile another thread of the
    # process computes. One long sleep is no wait for the GIL, and neither is one in which nobody computes.
    others = max((now_process - process) - (now_thread - thread), 0)
    # Whoever has the GIL may itself wait for a core meanwhile, and the kernel adds up a running thread's time now and then only.
    others = _PREEMPTED * others + _TICK if others > _NOISE else 0
    asleep = int(switches * sys.getswitchinterval() * 1e9 * _LATE)
    rest = length - core
    gil = min(rest, others, asleep)
    # A sleep that is no wait for the GIL would be longer than two of those.
    return core, rest if 2 * gil >= rest else gil


class _Output:
    """The file that rows go to: opened at the first one, and anew after a fork."""

    def __init__(self):
        self.lock = _Lock()
        self.pid = self.fd = None

    def write(self, text):
        with self.lock:
            if self.pid != os.getpid():
                path = os.environ.get("PCHSIM_TRACE") or "pchsim-trace.jsonl"
                if os.path.isdir(path):
                    path = os.path.join(path, "%d-%d.jsonl" % (os.getpid(), _clock()))
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
                self.fd = os.open(path, flags, 0o600)
                self.pid = os.getpid()
            data = text.encode("utf-8", "replace")
            while data:
                data = data[os.write(self.fd, data) :]


_output = _Output()
if hasattr(os, "register_at_fork"):
    # A lock that another thread held at the fork would stay locked in the child for ever.
    os.register_at_fork(after_in_child=lambda: setattr(_output, "lock", _Lock()))


def _seconds(ns):
    return "%d.%09d" % (ns // 1_000_000_000, ns % 1_000_000_000)


def _complain(text):
    if text not in _complain.said:
        _complain.said.add(text)
        sys.stderr.write("pchsim recorder: %s\n" % text)


_complain.said = set()


class _Task:
    """One task's rows, written when it is over."""

    computed = 0  # nanoseconds of CPU time in the rows that this process has written
    delayed = 0  # nanoseconds for which its tasks waited for a core only
    writing = 0  # nanoseconds of CPU time that writing them took
    written = None  # called after a task's rows were written

    def __init__(self, name, number=None):
        self.name = name
        self.namer = None  # says the name as soon as that is known
        self.request = False  # whether a server's client waits for it
        self.number = str(number) if number is not None else "%d-%d" % (os.getpid(), next(_numbers))
        self.rows = []
        self.begin = _clock()
        self.by = None  # the number of the task that made this one

    def add(self, kind, start, end, more="", ready=None):
        """A row; `more` are further fields of it, as JSON. What comes after `ready` is waiting for a core or the GIL."""
        if ready is not None and start <= ready < end - _NOISE:
            self.rows.append((kind, start, ready, more))
            kind, start, more = "wait", ready, ""
        self.rows.append((kind, start, max(start, end), more))

    def off(self, start, end, before, kind="blocked"):
        """Time off the CPU: first what was waiting for a core, or for the GIL."""
        core, gil = _off(before, end - start)
        _Task.delayed += core
        turn = start + core + gil
        if turn > start:
            self.add("wait", start, turn)
        if end - turn > _NOISE:
            self.add(kind, turn, end)

    def called(self):
        """The name of its class, as far as it is known by now."""
        if self.namer is not None:
            self.name = self.namer() or self.name
        return self.name

    def write(self):
        # A little time off the CPU is no step of the program: it would only make its tasks look different.
        cpu = _cpu()
        rows, self.rows = self.rows, []
        blocked = sum(end - start for kind, start, end, _ in rows if kind == "blocked")
        keep = blocked * 50 > _clock() - self.begin
        head = '{"task": %s, "class": %s, "kind": ' % (json.dumps(self.number), json.dumps(self.called()))
        lines, by = [], "" if self.by is None else ', "by": %s' % json.dumps(self.by)
        for kind, start, end, more in rows:
            if kind == "cpu":
                _Task.computed += end - start
            if kind == "blocked" and not keep:
                continue
            lines.append('%s%s, "start": %s, "end": %s%s%s}\n' % (head, json.dumps(kind), _seconds(start), _seconds(end), more, by))
            by = ""
        _write("".join(lines))
        if _Task.written is not None:
            _Task.written()
        _Task.writing += _cpu() - cpu


def _write(text):
    try:
        _output.write(text)
    except OSError as e:
        _complain("cannot write the trace: %s" % e)


class _Stretch:
    """A stretch of a task's own code, and when it was over: what the watch over the GIL saw belongs to it."""

    active = {}  # those that run: several where several threads do, of which one has the GIL and others wait or are without it
    began = None  # called when one begins

    def __init__(self, name):
        self.name, self.over = name, None
        self.seen = []  # looks at the GIL that are not written yet
        self.share = None  # the share of the stretch in which the thread was on a core, once that is known

    @classmethod
    def begin(cls, name):
        stretch = cls(name)
        cls.active[id(stretch)] = stretch
        if cls.began is not None:
            cls.began()
        return stretch

    def end(self):
        if self.over is None:
            self.over = _clock()
            _Stretch.active.pop(id(self), None)

    def ran(self, used, length):
        """It used so much CPU time of so much time in all."""
        self.share = min(used / length, 1.0) if length > 0 else 0.0
        while self.seen:
            self.write(*self.seen.pop())

    def saw(self, *look):
        if self.share is None:
            self.seen.append(look)
        else:
            self.write(*look)

    def write(self, length, releases, released, threads=None):
        # What counts is the thread's CPU time: while it stands still, so does the GIL. (Of several threads nobody knows whose counts.)
        if threads is None or threads == 1:
            length = int(length * self.share)
        glance = "" if threads is None else ', "size": %d' % threads
        row = '{"task": "gil", "class": %s, "kind": "gil", "start": 0, "end": %s, "releases": %d, "released": %s%s}\n'
        released = _seconds(min(int(released), length))
        _output.write(row % (json.dumps(self.name), _seconds(length), releases, released, glance))


class _Span:
    """A task's way on one thread, cut into time on the CPU and off it."""

    items = None  # of a worker: what it takes from its queue

    def __init__(self, task):
        self.task = task
        self._begin(_clock())

    def _begin(self, wall):
        self.stretch = _Stretch.begin(self.task.name)
        self.wall, self.cpu, self.left = wall, _cpu(), _gave_up()

    def cut(self):
        """Ends a stretch of the program's own code, and says when."""
        self.stretch.end()
        wall, cpu = _clock(), _cpu()
        length = wall - self.wall
        used = min(cpu - self.cpu, length)
        self.stretch.ran(used, length)
        if length > 0:
            self.task.add("cpu", self.wall, self.wall + used)
            if length - used > max(_NOISE, length // 50):
                self.task.off(self.wall + used, wall, self.left)
        self._begin(wall)
        return wall

    split = cut

    def close(self, kind, ready=None, more=""):
        """Ends a stretch that is known to be of this kind; what it waited for was ready then, and after that it waited for its turn."""
        self.stretch.end()
        wall = _clock()
        self.task.add(kind, self.wall, wall, more, ready=ready)
        self._begin(wall)

    def leave(self):
        """What comes now is not the program's own code."""
        self.stretch.end()


class task:
    """`with task("page", 17):` one task of a class; the number is optional."""

    def __init__(self, name, number=None):
        self.task = _Task(str(name), number)

    def __enter__(self):
        self.outer = getattr(_local, "span", None)
        _local.span = _Span(self.task)
        return self

    def __exit__(self, *_):
        _local.span.cut()
        _local.span.leave()
        _local.span = self.outer
        self.task.write()


class step:
    """`with step("io"):` a stretch of a known kind within a task; elsewhere it does nothing."""

    def __init__(self, kind):
        known = kind in ("cpu", "native", "io", "wait") or (kind.startswith("lock:") and len(kind) > 5)
        if not known:
            raise ValueError("a step is cpu, native, io, wait or lock:NAME, not %r" % (kind,))
        self.kind = kind

    def __enter__(self):
        self.span = getattr(_local, "span", None)
        if self.span is not None:
            self.span.cut()
            if self.kind != "cpu" and not self.kind.startswith("lock:"):
                self.span.leave()
            self.start = self.span.wall
        return self

    def __exit__(self, *_):
        if self.span is None:
            return
        if self.kind.startswith("lock:"):
            self.span.cut()
            self.span.task.add(self.kind, self.start, self.span.wall)
        elif self.kind == "cpu":
            self.span.cut()
        else:
            self.span.close(self.kind)
