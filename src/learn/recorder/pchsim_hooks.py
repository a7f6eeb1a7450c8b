"""What `pchsim record -- PROGRAM` installs: it changes each module that it records when the program imports it."""

import atexit
import functools
import os
import sys
import threading
import time

import pchsim_executors as executors
import pchsim_facts as facts
import pchsim_gil as gil
import pchsim_loops as loops
import pchsim_resources as resources
import pchsim_servers as servers
from pchsim_recorder import _clock, _complain, _local


_COARSE = 4_000_000  # ns: a tick of the kernel


def _timed(function, kind, blocks=None, ready=None):
    """The blocking function, its time booked under the kind when a task calls it; a coroutine's call blocks its loop.

    `ready` says of the call's start, end and arguments when what it waited for was there: from then on it waited for its turn.
    """

    @functools.wraps(function)
    def recorded(*args, **kwargs):
        record = getattr(_local, "step", None)
        span = None if record is not None else getattr(_local, "span", None)
        if record is None and span is None or (blocks is not None and not blocks(*args)):
            return function(*args, **kwargs)

        def was_ready(start):
            return None if ready is None else ready(start, _clock(), *args)

        # What it calls itself is a part of it.
        if record is not None:
            record.cut()
            outer, _local.step, _local.span = getattr(_local, "span", None), None, None
            try:
                return function(*args, **kwargs)
            finally:
                _local.step, _local.span = record, outer
                record.blocked(kind, was_ready(record.segment[0]))
        span.cut()
        span.leave()
        _local.span = None
        try:
            return function(*args, **kwargs)
        finally:
            _local.span = span
            span.close(kind, was_ready(span.wall))

    return recorded


def _slept(start, _, seconds):
    """When a sleep is over."""
    return start + max(int(seconds * 1e9), 0)


def _received(start, end, sock, *_):
    """When the last bytes that a call has read had come, if that was clearly before it returned: the kernel's clock is a coarse one."""
    came = loops.came(sock, end)
    return None if came is None or end - came < _COARSE else max(came, start)


def _may_block(sock, *_):
    """A socket that never waits is an event loop's."""
    return sock.gettimeout() != 0


def _socket(module):
    for name in ("connect", "accept", "send", "sendall"):
        setattr(module.socket, name, _timed(getattr(module.socket, name), "io", _may_block))
    for name in ("recv", "recv_into"):
        setattr(module.socket, name, _timed(getattr(module.socket, name), "io", _may_block, _received))
    module.getaddrinfo = _timed(module.getaddrinfo, "io")


def _ssl(module):
    for name in ("write", "do_handshake"):
        setattr(module.SSLSocket, name, _timed(getattr(module.SSLSocket, name), "io", _may_block))
    module.SSLSocket.read = _timed(module.SSLSocket.read, "io", _may_block, _received)


def _subprocess(module):
    for name in ("wait", "communicate"):
        setattr(module.Popen, name, _timed(getattr(module.Popen, name), "io"))


def _at_exit_of_workers(module):
    """Worker processes end without atexit."""
    module.Finalize(None, facts.at_exit, exitpriority=-1000)
    register = getattr(module, "register_after_fork", None)
    if register is not None:
        register(facts, lambda _: module.Finalize(None, facts.at_exit, exitpriority=-1000))


_HOOKS = {
    "socket": _socket,
    "ssl": _ssl,
    "subprocess": _subprocess,
    "queue": resources.thread_queues,
    "concurrent.futures.thread": executors.thread_pool,
    "concurrent.futures.process": executors.process_pool,
    "multiprocessing.pool": executors.multiprocessing_pool,
    "multiprocessing.util": _at_exit_of_workers,
    "anyio._backends._asyncio": executors.anyio_workers,
    "asyncio.base_events": loops.event_loop,
    "asyncio.selector_events": loops.selector_events,
    "asyncio.tasks": loops.sleeping,
    "asyncio.locks": resources.asyncio_locks,
    "asyncio.queues": resources.asyncio_queues,
    "uvicorn.config": servers.uvicorn,
    "flask.app": servers.flask,
    "gunicorn.arbiter": servers.gunicorn_master,
    "gunicorn.workers.base": servers.gunicorn,
    "gunicorn.workers.sync": servers.gunicorn_sync,
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
        gil.watch()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=gil.watch)
    else:
        gil.glance()
    time.sleep = _timed(time.sleep, "io", ready=_slept)
    resources.conditions(threading)
    resources.threading_semaphores(threading)
    resources.threading_locks(threading)
    executors.plain_threads()
    for name in _HOOKS:
        if name in sys.modules:
            _apply(name, sys.modules[name])
    sys.meta_path.insert(0, _Finder())
    atexit.register(facts.at_exit)
    facts.install()
