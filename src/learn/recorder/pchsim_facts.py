"""What is recorded of processes rather than of tasks: their CPU time and memory, what they import, who submits, which executor runs what."""

import _frozen_importlib
import gc
import json
import os
import sys
import threading
import time

from pchsim_recorder import _clock, _cpu, _local, _seconds, _Task, _write

others = False  # whether this process has recorded anything besides what run() itself drives
server = None  # the kind of server whose requests are recorded here
_EVERY = 200_000_000  # ns between two rows about this process
_SERIAL = 300_000  # ns: shorter gaps between two submissions are those of a loop that submits
_GROWN, _SAMPLES = 1 << 19, 64  # bytes by which memory has to grow to be noted, and how often it is
_page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def resident():
    """Bytes of this process in memory; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * _page
    except (OSError, ValueError, IndexError):
        return 0


class _Process:
    """What is known of this process."""

    def __init__(self):
        self.pid = os.getpid()
        self.started = resident()
        self.objects = self.imported_cpu = self.imported_memory = 0
        self.main = None  # of the process that the user started, when its main program began: (clock, CPU time); imports are added to both
        self.begun = None  # when its first task began: (process CPU, bytes in memory, containers)
        self.peak = self.wrote = self.computed = self.delayed = self.writing = self.tasks = 0
        self.grown = []  # (tasks done, bytes in memory) each time that it had grown

    def row(self):
        cpu, rss, objects = self.begun
        known = {
            "pid": self.pid,
            "cpu": (time.process_time_ns() - cpu - (_Task.writing - self.writing)) / 1e9,
            "delayed": (_Task.delayed - self.delayed) / 1e9,
            "recorded": (_Task.computed - self.computed) / 1e9,
            "memory": rss,
            "peak": self.peak,
            "tasks": self.tasks,
            "grown": self.grown,
            "imports_time": self.imported_cpu / 1e9,
            "imports_memory": self.imported_memory,
            "objects": max(objects - self.objects, 0),
            "version": "%d.%d" % sys.version_info[:2],
            "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
            "server": server,
        }
        _write('{"task": "-", "class": "-", "kind": "process", "process": %s}\n' % json.dumps(known))


_process = _Process()
_ran = {}  # (class, executor): how many of its tasks have run there


def _own():
    """The facts of this process, which may be a forked one."""
    global _process
    if _process.pid != os.getpid():
        _process = _Process()
        _ran.clear()
    return _process


def begin():
    """A task begins."""
    own = _own()
    if own.begun is None:
        # Objects are counted once: it takes as long as a collection.
        own.begun = time.process_time_ns(), resident(), len(gc.get_objects())
        own.peak = own.begun[1]
        own.computed, own.delayed, own.writing = _Task.computed, _Task.delayed, _Task.writing


def _written():
    own, now = _own(), _clock()
    begin()
    own.tasks += 1
    rss = resident()
    if rss > own.peak + _GROWN:
        own.peak = rss
        own.grown.append((own.tasks, rss))
        if len(own.grown) > _SAMPLES:
            del own.grown[::2]
    if now - own.wrote > _EVERY:
        own.wrote = now
        own.row()


def at_exit():
    own = _own()
    if own.main is not None and threading.current_thread() is threading.main_thread():
        # What the main program did after it had submitted its last work.
        stretch(getattr(_local, "submitted", None))
    for (name, how), tasks in _ran.items():
        if tasks & (tasks - 1):
            _say_ran(name, how, tasks)
    if own.begun is not None:
        own.peak = max(own.peak, resident())
        own.row()


def ran(name, how):
    """A task of this class has run in such an executor."""
    _own()
    tasks = _ran[name, how] = _ran.get((name, how), 0) + 1
    # Now and then is enough for the shares of several executors.
    if tasks & (tasks - 1) == 0:
        _say_ran(name, how, tasks)


def _say_ran(name, how, tasks):
    row = '{"task": "-", "class": %s, "kind": "ran", "how": %s, "pid": %d, "size": %d}\n'
    _write(row % (json.dumps(name), json.dumps(how), os.getpid(), tasks))


def background(task, start):
    """It is no task that somebody waits for, or was not let end."""
    row = '{"task": %s, "class": %s, "kind": "background", "start": %s, "end": %s}\n'
    _write(row % (json.dumps(task.number), json.dumps(task.called()), _seconds(start), _seconds(_clock())))


def submit():
    """This thread submits work: what it did since the last time is the program's own serial part."""
    own = _own()
    first = own.begun is None and threading.current_thread() is threading.main_thread()
    begin()
    if getattr(_local, "span", None) is not None:
        return
    last = getattr(_local, "submitted", None)
    if last is None and first and own.main is not None:
        # The stretch before the first work is the main program's too, so that it is among what the process has used.
        cpu, rss, objects = own.begun
        own.begun = cpu - max(_cpu() - own.main[1], 0), rss, objects
        last = own.main
    _local.submitted = stretch(last)


def stretch(since):
    """What this thread did since then, (clock, CPU time), is a serial part of the main program. Returns the same of now."""
    now, cpu = _clock(), _cpu()
    if since is not None and now - since[0] > _SERIAL:
        serial(since[0], now, cpu - since[1])
    return now, cpu


def serial(start, end, used):
    """The main program had this stretch, and used so much CPU time in it."""
    row = '{"task": "-", "class": "-", "kind": "main", "start": %s, "end": %s, "used": %s}\n'
    _write(row % (_seconds(start), _seconds(end), _seconds(max(used, 0))))


_STANDARD = getattr(sys, "stdlib_module_names", ())


def _imports():
    """Adds up what imports of modules beyond the standard library's cost, each from its outermost statement."""
    find = _frozen_importlib._find_and_load
    depth = threading.local()

    def watched(name, import_):
        others = name.partition(".")[0] not in _STANDARD
        if getattr(depth, "inside", False) or (getattr(depth, "standard", False) and not others):
            return find(name, import_)
        # The standard library's cost every program the same, so they only make the main program begin later.
        kind, outermost = "inside" if others else "standard", not getattr(depth, "standard", False)
        setattr(depth, kind, True)
        start, cpu, rss = _clock(), _cpu(), resident() if others else 0
        try:
            return find(name, import_)
        finally:
            setattr(depth, kind, False)
            own, used = _own(), _cpu() - cpu
            if others:
                own.imported_cpu += used
                own.imported_memory += max(resident() - rss, 0)
            if own.main is not None and outermost and threading.current_thread() is threading.main_thread():
                own.main = own.main[0] + _clock() - start, own.main[1] + used

    _frozen_importlib._find_and_load = watched


def install():
    _process.objects = len(gc.get_objects())
    _Task.written = staticmethod(_written)
    _imports()
    _process.main = _clock(), _cpu()  # processes that it starts submit nothing
