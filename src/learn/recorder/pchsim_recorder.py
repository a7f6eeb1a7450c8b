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

`pchsim record -- python program.py` needs none of this: it calls install(), which watches the executors of
concurrent.futures, multiprocessing.Pool and the tasks of asyncio.
"""

import collections.abc
import contextvars
import functools
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
_clock = time.perf_counter_ns  # one clock for all processes of a machine
_cpu = time.thread_time_ns
_local = threading.local()  # .span: the task on this thread; .step: the asyncio task whose step runs
_numbers = itertools.count(1)
_measured = {}  # class: tasks whose payload was measured
_MEASURED = 32
_NOISE = 100_000  # ns: shorter times off the CPU are the operating system's


def _gave_up():
    """How often this thread has left its core by itself; None where the system does not say."""
    return None if RUSAGE_THREAD is None else getrusage(RUSAGE_THREAD).ru_nvcsw


def _off(before):
    """What time off the CPU is: a thread that never left its core by itself has waited for the core only."""
    return "wait" if before is not None and _gave_up() == before else "blocked"


class _Output:
    """The file that rows go to: opened at the first one, and anew after a fork."""

    def __init__(self):
        self.lock = threading.Lock()
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
    os.register_at_fork(after_in_child=lambda: setattr(_output, "lock", threading.Lock()))


def _seconds(ns):
    return "%d.%09d" % (ns // 1_000_000_000, ns % 1_000_000_000)


class _Task:
    """One task's rows, written when it is over."""

    def __init__(self, name, number=None):
        self.name = name
        self.number = str(number) if number is not None else "%d-%d" % (os.getpid(), next(_numbers))
        self.rows = []
        self.begin = _clock()

    def add(self, kind, start, end, size=None):
        self.rows.append((kind, start, max(start, end), size))

    def write(self):
        # A little time off the CPU is no step of the program: it would only make its tasks look different.
        blocked = sum(end - start for kind, start, end, _ in self.rows if kind == "blocked")
        keep = blocked * 50 > _clock() - self.begin
        head = '{"task": %s, "class": %s, "kind": ' % (json.dumps(self.number), json.dumps(self.name))
        lines = []
        for kind, start, end, size in self.rows:
            if kind == "blocked" and not keep:
                continue
            line = '%s%s, "start": %s, "end": %s' % (head, json.dumps(kind), _seconds(start), _seconds(end))
            lines.append(line + ("" if size is None else ', "bytes": %d' % size) + "}\n")
        try:
            _output.write("".join(lines))
        except OSError as e:
            _complain("cannot write the trace: %s" % e)


class _Stretch:
    """A stretch of a task's own code, and when it was over: what the watch over the GIL saw belongs to it."""

    now = None  # the one that runs

    def __init__(self, name):
        self.name, self.over = name, None
        self.seen = []  # looks at the GIL that are not written yet
        self.share = None  # the share of the stretch in which the thread was on a core, once that is known

    @classmethod
    def begin(cls, name):
        cls.now = cls(name)
        return cls.now

    def end(self):
        if self.over is None:
            self.over = _clock()
        if _Stretch.now is self:
            _Stretch.now = None

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

    def write(self, length, releases, released):
        # What counts is the thread's CPU time: while it stands still, so does the GIL.
        length = int(length * self.share)
        row = '{"task": "gil", "class": %s, "kind": "gil", "start": 0, "end": %s, "releases": %d, "released": %s}\n'
        _output.write(row % (json.dumps(self.name), _seconds(length), releases, _seconds(min(int(released), length))))


class _Span:
    """A task's way on one thread, cut into time on the CPU and off it."""

    def __init__(self, task):
        self.task = task
        self._begin(_clock())

    def _begin(self, wall):
        self.stretch = _Stretch.begin(self.task.name)
        self.wall, self.cpu, self.left = wall, _cpu(), _gave_up()

    def cut(self):
        """Ends a stretch of the program's own code."""
        self.stretch.end()
        wall, cpu = _clock(), _cpu()
        length = wall - self.wall
        used = min(cpu - self.cpu, length)
        self.stretch.ran(used, length)
        if length > 0:
            self.task.add("cpu", self.wall, self.wall + used)
            if length - used > max(_NOISE, length // 50):
                self.task.add(_off(self.left), self.wall + used, wall)
        self._begin(wall)

    def close(self, kind):
        """Ends a stretch that is known to be of this kind."""
        self.stretch.end()
        wall = _clock()
        self.task.add(kind, self.wall, wall)
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


# ---- from here on: what `pchsim record -- PROGRAM` installs ----


def _complain(text):
    if text not in _complain.said:
        _complain.said.add(text)
        sys.stderr.write("pchsim recorder: %s\n" % text)


_complain.said = set()


def _name(function):
    """The qualified name of what is called in the end."""
    while isinstance(function, functools.partial):
        inner = function.func
        # asyncio.to_thread calls through Context.run.
        if isinstance(getattr(inner, "__self__", None), contextvars.Context) and function.args:
            inner = function.args[0]
        function = inner
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return name.replace("<locals>.", "")


class _Call:
    """A callable on its way to a worker; it can be pickled if the callable can."""

    def __init__(self, function, number=None, name=None, measure=False):
        self.function = function
        self.name = name or _name(function)
        self.number = number
        self.measure = measure
        self.submitted = _clock()

    def __call__(self, *args, **kwargs):
        record = _Task(self.name, self.number)
        outer = getattr(_local, "span", None)
        span = _local.span = _Span(record)
        record.begin = self.submitted
        record.add("wait", self.submitted, span.wall)
        try:
            result = self.function(*args, **kwargs)
            span.cut()
            if self.measure:
                size = _size(result)
                if size is not None:
                    record.add("payload_out", span.wall, span.wall, size)
            return result
        except BaseException:
            span.cut()
            raise
        finally:
            span.leave()
            _local.span = outer
            record.write()


def _size(value):
    """Bytes of the value as it travels to another process, or None."""
    try:
        from multiprocessing.reduction import ForkingPickler

        return len(ForkingPickler.dumps(value))
    except Exception:
        return None


def _wrapped(function, args=None):
    """The callable to submit in place of this one. With `args` it goes to another process."""
    record = getattr(_local, "step", None)
    if record is not None and not record.root:
        # Work that an asyncio task offloads is a part of that task.
        record.offloaded = True
        return _Call(function, record.task.number, record.task.name)
    _Record.others = True
    call = _Call(function, "%d-%d" % (os.getpid(), next(_numbers)))
    if args is not None and _measured.get(call.name, 0) < _MEASURED:
        _measured[call.name] = _measured.get(call.name, 0) + 1
        size = _size(args)
        if size is not None:
            call.measure = True
            payload = _Task(call.name, call.number)
            payload.add("payload_in", call.submitted, call.submitted, size)
            payload.write()
        call.submitted = _clock()
    return call


def _thread_pool(module):
    pool = module.ThreadPoolExecutor
    submit, init = pool.submit, pool.__init__

    @functools.wraps(submit)
    def recorded(self, fn, /, *args, **kwargs):
        if any(c.__name__ == "InterpreterPoolExecutor" for c in type(self).__mro__):
            _complain("tasks of an InterpreterPoolExecutor are not recorded; record them in a ThreadPoolExecutor")
            return submit(self, fn, *args, **kwargs)
        return submit(self, _wrapped(fn), *args, **kwargs)

    pool.submit = recorded
    if os.environ.get("PCHSIM_RECORD_SEQUENTIAL"):

        @functools.wraps(init)
        def one_worker(self, max_workers=None, *args, **kwargs):
            init(self, 1, *args, **kwargs)

        pool.__init__ = one_worker


def _process_pool(module):
    pool = module.ProcessPoolExecutor
    submit = pool.submit
    chunk = getattr(module, "_process_chunk", None)

    @functools.wraps(submit)
    def recorded(self, fn, /, *args, **kwargs):
        if isinstance(fn, functools.partial) and fn.func is chunk and chunk is not None:
            # map() sends chunks of items: each item is a task.
            _Record.others = True
            return submit(self, functools.partial(chunk, _Call(fn.args[0])), *args, **kwargs)
        return submit(self, _wrapped(fn, (args, kwargs)), *args, **kwargs)

    pool.submit = recorded


def _multiprocessing_pool(module):
    def wrap(name):
        original = getattr(module.Pool, name)

        @functools.wraps(original)
        def recorded(self, func, *args, **kwargs):
            _Record.others = True
            return original(self, func if isinstance(func, _Call) else _Call(func), *args, **kwargs)

        setattr(module.Pool, name, recorded)

    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
        wrap(name)


def _timed(function, kind):
    """The blocking function, its time booked under the kind when a task's thread calls it."""

    @functools.wraps(function)
    def recorded(*args, **kwargs):
        span = getattr(_local, "span", None)
        if span is None:
            return function(*args, **kwargs)
        span.cut()
        span.leave()
        # What it calls itself (Condition.wait within Queue.get) is a part of it.
        _local.span = None
        try:
            return function(*args, **kwargs)
        finally:
            _local.span = span
            span.close(kind)

    return recorded


def _socket(module):
    for name in ("connect", "accept", "recv", "recv_into", "send", "sendall"):
        setattr(module.socket, name, _timed(getattr(module.socket, name), "io"))


class _Record:
    """What is known of an asyncio task."""

    others = False  # whether this process has recorded anything besides what run() itself drives

    def __init__(self, loop, name, root):
        self.loop, self.root = loop, root
        self.task = _Task(name)
        self.parent = getattr(_local, "step", None)
        self.created = self.left = _clock()
        self.started = False
        self.due = None  # when a sleep is over
        self.marked = 0  # nesting of waits for locks, queues and events
        self.kind = "wait"
        self.offloaded = False
        self.children = self.children_before = 0
        self.nested = [0, 0]  # wall and CPU time of tasks that ran eagerly within this step
        if self.parent is not None:
            self.parent.children += 1

    def resume(self, now):
        if not self.started:
            self.started = True
            self.task.add("wait", self.created, now)
        elif self.offloaded:
            # The worker writes what happened meanwhile; what it leaves is waiting.
            self.offloaded = False
            self.task.add("wait", self.left, now)
        elif self.kind == "wait" or (self.children_before and not self.children):
            self.task.add("wait", self.left, now)
        else:
            # What ended the wait was seen when the previous select() returned, or a sleep was due; from then on the task
            # waited for its loop.
            times = getattr(self.loop, "_pchsim_times", None)
            ready = self.due if self.due is not None else (times[0] if times else now)
            ready = min(max(ready, self.left), now)
            self.task.add("io", self.left, ready)
            self.task.add("wait", ready, now)
        self.due = None

    def end_step(self, start, cpu, gave_up):
        now, used = _clock(), _cpu() - cpu
        wall = now - start
        if self.parent_step is not None:
            self.parent_step.nested[0] += wall
            self.parent_step.nested[1] += used
        wall -= self.nested[0]
        used = min(max(used - self.nested[1], 0), wall)
        self.nested = [0, 0]
        self.task.add("cpu", start, start + used)
        # While an offloaded call runs already, the step may wait for the GIL: that call's rows say what is done.
        if wall - used > max(10 * _NOISE, wall // 10) and not self.offloaded:
            self.task.add(_off(gave_up), start + used, start + wall)
        self.left = now

    def suspend(self, future):
        self.children_before = self.children
        awaited = getattr(future, "_children", None) or [future]
        tasks = any(isinstance(_coroutine(f), _Steps) for f in awaited)
        self.kind = "wait" if future is None or tasks or self.marked else "io"

    def finish(self):
        if self.parent is not None:
            self.parent.children -= 1
        if not self.root or not _Record.others:
            self.task.write()


def _coroutine(future):
    get = getattr(future, "get_coro", None)
    return get() if get is not None else None


class _Steps(collections.abc.Coroutine):
    """A coroutine whose steps are timed."""

    def __init__(self, coroutine, record):
        self._coroutine = coroutine
        self._record = record

    def _step(self, advance, *args):
        record = self._record
        start = _clock()
        record.resume(start)
        record.parent_step = outer = getattr(_local, "step", None)
        _local.step = record
        stretch = _Stretch.begin(record.task.name)
        cpu, gave_up = _cpu(), _gave_up()
        try:
            future = advance(*args)
        except BaseException:
            stretch.end()
            stretch.ran(_cpu() - cpu, _clock() - start)
            _local.step = outer
            record.end_step(start, cpu, gave_up)
            record.finish()
            raise
        stretch.end()
        stretch.ran(_cpu() - cpu, _clock() - start)
        _local.step = outer
        record.end_step(start, cpu, gave_up)
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


def _event_loop(module):
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
            _Record.others = True
        name = coro.__qualname__.replace("<locals>.", "")
        return create(self, _Steps(coro, _Record(self, name, root)), *args, **kwargs)

    module.BaseEventLoop.create_task = recorded


def _watch_select(loop):
    """Keeps the times at which the last two calls of select() returned."""
    selector = getattr(loop, "_selector", None)
    if selector is None or hasattr(loop, "_pchsim_times"):
        return
    times = loop._pchsim_times = [_clock(), _clock()]
    select = selector.select

    def watched(*args, **kwargs):
        ready = select(*args, **kwargs)
        times[0], times[1] = times[1], _clock()
        return ready

    selector.select = watched


def _asyncio_sleep(module):
    original = module.sleep

    @functools.wraps(original)
    async def sleep(delay, *args, **kwargs):
        record = getattr(_local, "step", None)
        if record is not None and delay > 0:
            record.due = _clock() + int(delay * 1e9)
        return await original(delay, *args, **kwargs)

    module.sleep = sleep


def _marked(owner, name):
    original = getattr(owner, name)

    @functools.wraps(original)
    async def waiting(*args, **kwargs):
        record = getattr(_local, "step", None)
        if record is None:
            return await original(*args, **kwargs)
        record.marked += 1
        try:
            return await original(*args, **kwargs)
        finally:
            record.marked -= 1

    setattr(owner, name, waiting)


def _asyncio_locks(module):
    for owner, name in ((module.Lock, "acquire"), (module.Semaphore, "acquire"), (module.Event, "wait"), (module.Condition, "wait")):
        _marked(owner, name)


def _asyncio_queues(module):
    for name in ("get", "put", "join"):
        _marked(module.Queue, name)


class _Watch:
    """Looks now and then, for a millisecond, at the word that says whether the GIL is held, without holding it.

    Nothing in CPython counts how often code gives the GIL up. But any thread may read memory: here the kernel does, which copies
    that one byte over and over, every 25 ns or so, into a datagram. The program is not disturbed by the look itself; only when the
    watch wants the GIL back it waits for it like any other thread.
    """

    READS, MESSAGES = 1000, 40
    PAUSE = 0.02
    # The share of a look that is left out at its beginning. A look begins where the program has just given the GIL up to the watch, and
    # code that does so in bursts would be seen in them only.
    LEFT_OUT = 0.0

    def __init__(self):
        import ctypes
        import socket

        self.ctypes, self.socket = ctypes, socket
        self.libc = ctypes.CDLL(None)

    def _structures(self):
        c = self.ctypes

        class iovec(c.Structure):
            _fields_ = [("base", c.c_void_p), ("length", c.c_size_t)]

        class msghdr(c.Structure):
            _fields_ = [("name", c.c_void_p), ("namelen", c.c_uint32), ("iov", c.c_void_p), ("iovlen", c.c_size_t)]
            _fields_ += [("control", c.c_void_p), ("controllen", c.c_size_t), ("flags", c.c_int)]

        class mmsghdr(c.Structure):
            _fields_ = [("header", msghdr), ("length", c.c_uint)]

        return iovec, msghdr, mmsghdr

    def find(self, iovec):
        """The address of the GIL's `locked`: the one word of the runtime that is 1 while this thread holds the GIL and 0 while nobody
        does. No other thread of Python runs yet."""
        c = self.ctypes
        runtime = c.addressof(c.c_char.in_dll(c.pythonapi, "_PyRuntime"))
        size = 1 << 20
        copy = c.create_string_buffer(size)
        here, there = iovec(c.addressof(copy), size), iovec(runtime, size)
        kinds = [c.c_int, c.c_void_p, c.c_ulong, c.c_void_p, c.c_ulong, c.c_ulong]
        held, free = c.PyDLL(None).process_vm_readv, self.libc.process_vm_readv
        held.argtypes = free.argtypes = kinds
        held.restype = free.restype = c.c_ssize_t
        arguments = os.getpid(), c.addressof(here), 1, c.addressof(there), 1, 0
        size = held(*arguments)
        if size <= 0:
            return None
        size -= size % 4
        here.length = there.length = size
        places = None
        for _ in range(10):
            held(*arguments)
            words = memoryview(copy.raw[:size]).cast("i")
            places = [i for i in (range(len(words)) if places is None else places) if words[i] == 1]
            free(*arguments)
            words = memoryview(copy.raw[:size]).cast("i")
            places = [i for i in places if words[i] == 0]
        return runtime + 4 * places[0] if len(places) == 1 else None

    def run(self, ready):
        iovec, msghdr, mmsghdr = self._structures()
        try:
            address = self.find(iovec)
        except (AttributeError, ValueError):
            address = None
        ready.release()
        if address is None:
            return _complain("cannot see the GIL of this interpreter: how often it is given up is not measured")
        c, clock, cpu = self.ctypes, _clock, _cpu
        here, there = self.socket.socketpair(self.socket.AF_UNIX, self.socket.SOCK_DGRAM)
        here.setsockopt(self.socket.SOL_SOCKET, self.socket.SO_SNDBUF, 4 << 20)
        reads = (iovec * self.READS)(*[iovec(address, 1) for _ in range(self.READS)])
        header = msghdr(None, 0, c.addressof(reads), self.READS, None, 0, 0)
        messages = (mmsghdr * self.MESSAGES)(*[mmsghdr(header, 0) for _ in range(self.MESSAGES)])
        send, fd, sleep = self.libc.sendmmsg, here.fileno(), _sleep
        receive, no_wait = there.recv, self.socket.MSG_DONTWAIT
        while True:
            sleep(self.PAUSE)
            stretch = _Stretch.now
            if stretch is None:
                continue
            start, used = clock(), cpu()
            sent = send(fd, messages, self.MESSAGES, no_wait)
            used = cpu() - used
            if sent <= 0:
                continue
            seen = b"".join(receive(self.READS, no_wait) for _ in range(sent))
            # Clocks without the GIL are out of reach: of the two, this thread's own stood still while it waited.
            if stretch.over is None or stretch.over >= start + used:
                self.note(stretch, seen, used)

    def note(self, stretch, seen, used):
        # The program needs a moment to take the GIL back that this thread had.
        every, seen = used / len(seen), seen[max(seen.find(1), int(len(seen) * self.LEFT_OUT), 0) :]
        length, releases = len(seen) * every, seen.count(b"\1\0")
        if releases:
            # A thread that loses its core within a release is without the GIL for long: the median does not see that.
            runs = sorted(len(run) for run in seen.split(b"\1") if run)
            released = releases * runs[len(runs) // 2] * every
        else:
            released = seen.count(0) * every
        stretch.saw(length, releases, released)


def _watch_gil():
    """Starts the watch in this process, and in those that are forked from it."""
    try:
        # Started processes inherit what is left of the cores: the first one says which there were.
        known = os.environ["PCHSIM_RECORD_RELEASES"]
        cores = [int(core) for core in known.split(",")] if "," in known else sorted(os.sched_getaffinity(0))
        os.environ["PCHSIM_RECORD_RELEASES"] = ",".join(map(str, cores))
        if len(cores) < 2:
            return _complain("how often the GIL is given up needs a second core to be seen: it is not measured")
        watch = _Watch()
        ready = threading.Lock()
        ready.acquire()

        def run():
            os.sched_setaffinity(0, cores[-1:])
            watch.run(ready)

        threading.Thread(target=run, daemon=True).start()
        ready.acquire()
        # On one core with what it watches it would see it stand still.
        os.sched_setaffinity(0, cores[:-1])
    except (ImportError, AttributeError, OSError) as e:
        _complain("how often the GIL is given up is not measured: %s" % e)


_HOOKS = {
    "socket": _socket,
    "concurrent.futures.thread": _thread_pool,
    "concurrent.futures.process": _process_pool,
    "multiprocessing.pool": _multiprocessing_pool,
    "asyncio.base_events": _event_loop,
    "asyncio.tasks": _asyncio_sleep,
    "asyncio.locks": _asyncio_locks,
    "asyncio.queues": _asyncio_queues,
}


def _apply(name, module):
    try:
        _HOOKS[name](module)
    except Exception as e:
        _complain("%s is not recorded: %s: %s" % (name, type(e).__name__, e))


class _Finder:
    """Changes each module of _HOOKS when the program imports it, so that what is not used costs nothing."""

    def find_spec(self, name, path=None, target=None):
        if name not in _HOOKS:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                break
        else:
            return None
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            _apply(name, module)

        spec.loader.exec_module = exec_module
        return spec


def install():
    """Records the tasks of this process and of those that it starts."""
    if os.environ.get("PCHSIM_RECORD_RELEASES"):
        _watch_gil()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_watch_gil)
    time.sleep = _timed(time.sleep, "io")
    threading.Condition.wait = _timed(threading.Condition.wait, "wait")
    for name in _HOOKS:
        if name in sys.modules:
            _apply(name, sys.modules[name])
    sys.meta_path.insert(0, _Finder())
