"""Records the requests of ASGI and WSGI servers one by one: a request is a task, of the class METHOD ROUTE."""

import functools
import re
import socket

import pchsim_facts as facts
import pchsim_loops as loops
from pchsim_recorder import _local, _Span, _Task

_CLASSES = 40  # so many routes; what comes after is "METHOD other"
_known = set()
_VALUE = re.compile(r"[0-9]+|[0-9a-fA-F-]{16,}")


def _class(method, route):
    name = "%s %s" % (method, route)
    if name not in _known:
        if len(_known) >= _CLASSES:
            return "%s other" % method
        _known.add(name)
    return name


def _guessed(path):
    """A path with what looks like values taken out."""
    parts = ("{id}" if _VALUE.fullmatch(part) else part for part in path.split("/"))
    return "/".join(parts)[:200]


def _asgi_name(scope):
    path = scope.get("path") or "/"
    route = getattr(scope.get("route"), "path", None)
    if not isinstance(route, str):
        values = {str(v): "{%s}" % k for k, v in (scope.get("path_params") or {}).items()}
        route = "/".join(values.get(part, part) for part in path.split("/")) if values else _guessed(path)
    return _class(scope.get("method", "?"), route)


class _Asgi:
    """An application whose calls are requests."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        record = getattr(_local, "step", None)
        if record is not None and scope.get("type") == "http" and not record.request:
            record.request = True
            record.task.namer = lambda: _asgi_name(scope)
        return await self.app(scope, receive, send)

    def __getattr__(self, name):
        return getattr(self.app, name)


def uvicorn(module):
    load = module.Config.load

    @functools.wraps(load)
    def recorded(self):
        load(self)
        facts.server = "uvicorn"
        self.loaded_app = _Asgi(self.loaded_app)

    module.Config.load = recorded


def flask(module):
    """Flask knows the route while it dispatches."""
    dispatch = module.Flask.dispatch_request

    @functools.wraps(dispatch)
    def recorded(self, *args, **kwargs):
        from flask import request

        rule = getattr(request.url_rule, "rule", None)
        if rule is not None:
            _local.route = re.sub(r"<(?:[^:<>]*:)?([^<>]*)>", r"{\1}", rule)
        return dispatch(self, *args, **kwargs)

    module.Flask.dispatch_request = recorded


def _wsgi(app):
    """An application whose calls are requests, within the task that serves the connection or in one of their own."""

    def called(environ, start_response):
        span = getattr(_local, "span", None)
        if span is None:
            return app(environ, start_response)
        _local.route = None
        span.task.request = True
        try:
            return app(environ, start_response)
        finally:
            route = _local.route or _guessed(environ.get("PATH_INFO") or "/")
            name = _class(environ.get("REQUEST_METHOD", "?"), route)
            span.task.namer = lambda: name

    return called


def gunicorn_master(_):
    """Its workers are forked; threads of its own are no tasks."""
    facts.server = "gunicorn"


def gunicorn(module):
    load = module.Worker.load_wsgi

    @functools.wraps(load)
    def recorded(self):
        load(self)
        if self.wsgi is not None:
            self.wsgi = _wsgi(self.wsgi)

    module.Worker.load_wsgi = recorded


def _waited(client, now):
    """Since when a request has waited in the backlog for its connection to be accepted; None if it has not, or nobody knows."""
    try:
        client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except (OSError, AttributeError):
        return None  # it has not come
    return loops.came(client, now)


def gunicorn_sync(module):
    """A worker that serves one connection at a time: the task begins when it has accepted it, its wait when the request had come."""
    handle = module.SyncWorker.handle

    @functools.wraps(handle)
    def recorded(self, *args, **kwargs):
        facts.begin()
        span = _local.span = _Span(_Task("connection"))
        waited = _waited(args[1] if len(args) > 1 else None, span.wall)
        if waited is not None:
            span.task.begin = waited
            span.task.add("wait", waited, span.wall)
        try:
            return handle(self, *args, **kwargs)
        finally:
            span.cut()
            span.leave()
            _local.span = None
            # A connection that brings no request (a probe, a client that went away) is no task.
            if span.task.request:
                facts.ran(span.task.called(), "sequential")
                span.task.write()

    module.SyncWorker.handle = recorded
