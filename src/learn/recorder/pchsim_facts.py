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
_said = set()


def _own():
    """The facts of this process, which may be a forked one."""
    global _process
    if _process.pid != os.getpid():
        _process = _Process()
        _said.clear()
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
    if own.begun is not None:
        own.peak = max(own.peak, resident())
        own.row()


def ran(name, how):
    """Tasks of this class run in such an executor."""
    _own()
    if (name, how) not in _said:
        _said.add((name, how))
        row = '{"task": "-", "class": %s, "kind": "ran", "how": %s, "pid": %d}\n'
        _write(row % (json.dumps(name), json.dumps(how), os.getpid()))


def background(task, start):
    """It is no task that somebody waits for, or was not let end."""
    row = '{"task": %s, "class": %s, "kind": "background", "start": %s, "end": %s}\n'
    _write(row % (json.dumps(task.number), json.dumps(task.called()), _seconds(start), _seconds(_clock())))


def submit():
    """This thread submits work: what it did since the last time is the program's own serial part."""
    begin()
    if getattr(_local, "span", None) is not None:
        return
    now, cpu = _clock(), _cpu()
    last = getattr(_local, "submitted", None)
    _local.submitted = now, cpu
    if last is not None and now - last[0] > _SERIAL:
        serial(last[0], now, cpu - last[1])


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
        if getattr(depth, "inside", False) or name.partition(".")[0] in _STANDARD:
            return find(name, import_)
        depth.inside = True
        cpu, rss = _cpu(), resident()
        try:
            return find(name, import_)
        finally:
            depth.inside = False
            own = _own()
            own.imported_cpu += _cpu() - cpu
            own.imported_memory += max(resident() - rss, 0)

    _frozen_importlib._find_and_load = watched


def install():
    _process.objects = len(gc.get_objects())
    _Task.written = staticmethod(_written)
    _imports()
