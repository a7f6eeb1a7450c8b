"""Records what runs in executors, pools of processes and plain threads."""

import contextvars
import functools
import itertools
import os
import threading

import pchsim_facts as facts
import pchsim_items as items
from pchsim_recorder import _clock, _complain, _cpu, _local, _numbers, _Span, _Task

_measured = {}  # class: tasks whose payload was measured
_MEASURED = 32
PER_TASK = "threads:per-task"
SEQUENTIAL = bool(os.environ.get("PCHSIM_RECORD_SEQUENTIAL"))


def name_of(function):
    """The qualified name of what is called in the end."""
    while isinstance(function, functools.partial):
        inner = function.func
        # asyncio.to_thread calls through Context.run.
        if isinstance(getattr(inner, "__self__", None), contextvars.Context) and function.args:
            inner = function.args[0]
        function = inner
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return name.replace("<locals>.", "")


class Call:
    """A callable on its way to a worker; it can be pickled if the callable can."""

    def __init__(self, function, number=None, name=None, measure=False, within=None, how=None, unpacked=False):
        self.function = function
        self.name = name or name_of(function)
        self.number = number
        self.measure = measure
        self.within = within  # of a call that a coroutine offloads: the fields of its pool
        self.how = how  # which executor runs it
        self.unpacked = unpacked  # the worker takes it from a chunk, and measures what travelled
        span = getattr(_local, "span", None)
        self.by = span.task.number if span is not None and within is None else None  # the task that submits it
        self.sent = None  # bytes of the arguments of a call that is offloaded to a process
        self.submitted = _clock()

    def __call__(self, *args, **kwargs):
        record = _Task(self.name, self.number)
        outer = getattr(_local, "span", None)
        # Work that runs at once in the thread that submits it is not that thread's coroutine.
        step, _local.step = getattr(_local, "step", None), None
        facts.begin()
        span = _local.span = _Span(record)
        if self.how == PER_TASK:
            span.items = items.Items("threads")
        begun = span.wall
        record.begin, record.by = self.submitted, self.by
        record.add("wait", self.submitted, begun)
        measure = self.measure
        if self.unpacked and _measured.get(self.name, 0) < _MEASURED:
            _measured[self.name] = _measured.get(self.name, 0) + 1
            size = _size((args, kwargs))
            if size is not None:
                measure = True
                record.add("payload_in", begun, begun, ', "bytes": %d' % size)
            span.close("wait")
        if self.sent is not None:
            measure = True
            record.add("payload_in", begun, begun, ', "bytes": %d' % self.sent)
        try:
            result = self.function(*args, **kwargs)
            span.cut()
            if measure:
                size = _size(result)
                if size is not None:
                    record.add("payload_out", span.wall, span.wall, ', "bytes": %d' % size)
            return result
        except BaseException:
            span.cut()
            raise
        finally:
            span.leave()
            if self.within is not None:
                record.add(self.within[0], begun, span.wall, self.within[1])
            _local.span, _local.step = outer, step
            if not items.end(span):
                self._over(span.task)

    def _over(self, record):
        if self.how is not None and facts.server and not record.request:
            facts.background(record, self.submitted)
        else:
            if self.how is not None:
                facts.ran(record.called(), self.how)
            record.write()


def _size(value):
    """Bytes of the value as it travels to another process, or None."""
    try:
        from multiprocessing.reduction import ForkingPickler

        return len(ForkingPickler.dumps(value))
    except Exception:
        return None


_pools = {}  # what identifies a pool: its name


def pool_name(key, kind, size):
    """A name for a pool of an event loop: letters, digits and hyphens."""
    if key not in _pools:
        base = "%s-%d" % (kind, size)
        taken = set(_pools.values())
        _pools[key] = next(n for n in itertools.chain([base], ("%s-%d" % (base, i) for i in itertools.count(2))) if n not in taken)
    return _pools[key]


def _sent(name, args):
    """Bytes of the arguments of a call that goes to another process; None if enough of this name were measured."""
    if args is None or _measured.get(name, 0) >= _MEASURED:
        return None
    _measured[name] = _measured.get(name, 0) + 1
    return _size(args)


def offloaded(function, record, name, how, args=None):
    """Work that an asyncio task offloads is a part of that task. With `args` it goes to another process."""
    record.offloaded = True
    call = Call(function, record.task.number, record.task.called(), within=("offload:" + name, ', "how": "%s"' % how))
    call.sent = _sent("%s in %s" % (call.name, name_of(function)), args)
    call.submitted = _clock()
    return call


def wrapped(function, pool, args=None):
    """The callable to submit in place of this one. With `args` it goes to another process."""
    how = getattr(pool, "_pchsim_how", None)
    record = getattr(_local, "step", None)
    if record is not None and not record.root:
        default = getattr(record.loop, "_default_executor", None) is pool
        kind = (how or "threads").split(":")[0]
        size = int((how or "threads:1").split(":")[1])
        return offloaded(function, record, "default" if default else pool_name(id(pool), kind, size), how or "threads:1", args)
    facts.others = True
    call = Call(function, "%d-%d" % (os.getpid(), next(_numbers)), how=_how(pool) if hasattr(pool, "_pchsim_replaced") else how)
    facts.submit()
    size = _sent(call.name, args)
    if size is not None:
        call.measure = True
        payload = _Task(call.name, call.number)
        payload.add("payload_in", call.submitted, call.submitted, ', "bytes": %d' % size)
        payload.write()
    call.submitted = _clock()
    return call


def thread_pool(module):
    pool = module.ThreadPoolExecutor
    submit, init = pool.submit, pool.__init__

    @functools.wraps(submit)
    def recorded(self, fn, /, *args, **kwargs):
        if any(c.__name__ == "InterpreterPoolExecutor" for c in type(self).__mro__):
            _complain("tasks of an InterpreterPoolExecutor are not recorded; record them in a ThreadPoolExecutor")
            return submit(self, fn, *args, **kwargs)
        return submit(self, wrapped(fn, self), *args, **kwargs)

    @functools.wraps(init)
    def made(self, max_workers=None, *args, **kwargs):
        init(self, max_workers, *args, **kwargs)
        workers = getattr(self, "_max_workers", None)
        if workers:
            self._pchsim_how = "threads:%d" % workers
        if SEQUENTIAL and workers:
            self._max_workers = 1

    pool.submit, pool.__init__ = recorded, made


class _Mapped:
    """A function on its way through `map()` of a process pool, and how many items each chunk has: the last one may be smaller."""

    def __init__(self, function, size):
        self.function, self.size = function, size


def _replaced(calls):
    """How a pool says that its workers are replaced after so many calls."""
    return ":max-tasks=%d" % calls if calls else ""


def process_pool(module):
    pool = module.ProcessPoolExecutor
    submit, init, mapped = pool.submit, pool.__init__, pool.map
    chunk = getattr(module, "_process_chunk", None)

    @functools.wraps(submit)
    def recorded(self, fn, /, *args, **kwargs):
        inner = fn.args[0] if isinstance(fn, functools.partial) and fn.func is chunk and chunk is not None else None
        if isinstance(inner, _Mapped):
            # map() sends chunks of items: each item is a task.
            facts.others = True
            facts.submit()
            call = Call(inner.function, how=_how(self, inner.size), unpacked=True)
            return submit(self, functools.partial(chunk, call), *args, **kwargs)
        return submit(self, wrapped(fn, self, (args, kwargs)), *args, **kwargs)

    @functools.wraps(mapped)
    def chunked(self, fn, *iterables, **kwargs):
        return mapped(self, fn if chunk is None else _Mapped(fn, kwargs.get("chunksize", 1)), *iterables, **kwargs)

    @functools.wraps(init)
    def made(self, *args, **kwargs):
        init(self, *args, **kwargs)
        context = getattr(self, "_mp_context", None)
        start = context.get_start_method() if context is not None else "fork"
        self._pchsim_how = "processes:%d:%s" % (getattr(self, "_max_workers", 1), start)
        self._pchsim_replaced = _replaced(getattr(self, "_max_tasks_per_child", None))

    pool.submit, pool.__init__, pool.map = recorded, made, chunked


def _how(pool, chunk=1):
    """A pool of processes as a strategy, with the size of the chunks of one map."""
    chunks = ":%d" % chunk if isinstance(chunk, int) and chunk > 1 else ""
    return pool._pchsim_how + chunks + pool._pchsim_replaced


def _chunk_of(name, args, kwargs):
    """The size of the chunks that a call of multiprocessing.Pool asks for; None if it leaves it to the pool."""
    place = {"_map_async": 2, "imap": 1, "imap_unordered": 1}.get(name)
    if place is None:
        return None
    given = args[place] if len(args) > place else kwargs.get("chunksize", None if place == 2 else 1)
    return given if isinstance(given, int) and given > 0 else None


def multiprocessing_pool(module):
    def wrap(name):
        original = getattr(module.Pool, name)

        @functools.wraps(original)
        def recorded(self, func, *args, **kwargs):
            facts.others = True
            facts.submit()
            if not isinstance(func, Call):
                # A ThreadPool is a Pool too, of threads.
                start = getattr(getattr(self, "_ctx", None), "get_start_method", lambda: "fork")()
                threads = type(self).__name__ == "ThreadPool"
                how = "threads:%d" % self._processes if threads else "pool:%d:%s" % (self._processes, start)
                chunk = None if threads else _chunk_of(name, args, kwargs)
                if chunk is not None:
                    how += ":%d" % chunk
                how += "" if threads else _replaced(getattr(self, "_maxtasksperchild", None))
                func = Call(func, how=how, unpacked=not threads)
            return original(self, func, *args, **kwargs)

        setattr(module.Pool, name, recorded)

    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
        wrap(name)


# Threads of these work for others, whose tasks are recorded.
_SERVANTS = ("concurrent.futures", "multiprocessing", "asyncio", "anyio", "logging", "pchsim_")


def plain_threads():
    """Each threading.Thread that a program starts by itself is a task."""
    start = threading.Thread.start

    @functools.wraps(start)
    def recorded(self):
        target = getattr(self, "_target", None)
        body = target if target is not None and type(self).run is threading.Thread.run else type(self).run
        module = getattr(body, "__module__", None) or type(self).__module__ or ""
        if isinstance(self, threading.Timer):
            body = getattr(self, "function", body)
        if not module.startswith(_SERVANTS) and not isinstance(target, Call):
            record = getattr(_local, "step", None)
            if record is None or record.root:
                facts.others = True
                facts.submit()
            self.run = Call(self.run, name=name_of(body), how=PER_TASK)
        return start(self)

    threading.Thread.start = recorded


def anyio_workers(module):
    """Work that anyio (Starlette, FastAPI) has a thread of a limiter do is a part of the task that awaits it."""
    backend = module.AsyncIOBackend
    run = backend.run_sync_in_worker_thread.__func__

    @functools.wraps(run)
    async def recorded(cls, func, args, abandon_on_cancel=False, limiter=None):
        record = getattr(_local, "step", None)
        if record is None:
            return await run(cls, func, args, abandon_on_cancel, limiter)
        limit = limiter or cls.current_default_thread_limiter()
        size = int(min(getattr(limit, "total_tokens", 40), 10_000))
        name = pool_name(id(limit) if limiter else "anyio", "anyio", size)
        call = offloaded(func, record, name, "threads:%d" % size)
        # It awaits several things, the limiter's token among them.
        record.marked += 1
        try:
            return await run(cls, call, args, abandon_on_cancel, limiter)
        finally:
            record.marked -= 1

    backend.run_sync_in_worker_thread = classmethod(recorded)
