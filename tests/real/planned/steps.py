"""What a request of an application takes, one at a time and without any server: steps.py APPLICATION PROFILE FILE.

Calls the application as a server would, and writes a scenario of what was measured. Prints the seconds of CPU time of a mean request.
"""

import asyncio
import importlib
import inspect
import pathlib
import statistics
import sys
import time
import wsgiref.util

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import orders  # noqa: E402
import scenario  # noqa: E402

REQUESTS, WARM_UP = 240, 40
FRAMEWORKS = {"shop_fastapi": ("fastapi", "pydantic"), "shop_flask": ("flask",)}


class Parts:
    """CPU time before the database is asked and after its answer, and how long that took, of each request."""

    def __init__(self, module):
        self.before, self.waits, self.after = [], [], []
        ask = module.database

        def asked(n):
            self.before.append(time.thread_time() - self.start)
            return time.perf_counter()

        def answered(since):
            self.waits.append(time.perf_counter() - since)
            self.back = time.thread_time()

        def timed(n):
            since = asked(n)
            rows = ask(n)
            answered(since)
            return rows

        async def timed_on_loop(n):
            since = asked(n)
            rows = await ask(n)
            answered(since)
            return rows

        module.database = timed_on_loop if inspect.iscoroutinefunction(ask) else timed

    def begin(self):
        self.start = time.thread_time()

    def end(self):
        self.after.append(time.thread_time() - self.back)


def by_wsgi(app, parts):
    for n in range(WARM_UP + REQUESTS):
        environ = {"PATH_INFO": f"/orders/{n}"}
        wsgiref.util.setup_testing_defaults(environ)
        status = []
        parts.begin()
        body = b"".join(app(environ, lambda line, headers, _=None: status.append(line)))
        parts.end()
        if not (status[0].startswith("200") and body):
            raise SystemExit(f"/orders/{n}: {status[0]}")


async def by_asgi(app, parts):
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    for n in range(WARM_UP + REQUESTS):
        path = f"/orders/{n}"
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path}
        scope |= {"raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [(b"host", b"127.0.0.1")]}
        scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {}}
        said = []

        async def send(message):
            said.append(message)

        parts.begin()
        await app(scope, receive, send)
        parts.end()
        if said[0]["status"] != 200:
            raise SystemExit(f"{path}: {said[0]['status']}")


def main():
    name, profile, path = sys.argv[1:]
    module = importlib.import_module(name)
    parts = Parts(module)
    if inspect.iscoroutinefunction(module.database):
        asyncio.run(by_asgi(module.app, parts))
    else:
        by_wsgi(module.app, parts)
    factor = scenario.cpu_factor(profile)
    before, waits, after = ([t * 1e3 for t in part[WARM_UP:]] for part in (parts.before, parts.waits, parts.after))
    steps = f"Cpu({scenario.empirical(before, factor)}), Io({scenario.empirical(waits)}), Cpu({scenario.empirical(after, factor)})"
    imported = scenario.imports(*FRAMEWORKS[name])
    pathlib.Path(path).write_text(
        f"// {name}: written from times of single requests, called without a server.\n"
        f'(\n    schema: 1,\n    name: "{name}",\n    machine: (cores: 1),\n    interpreters: ["{profile}"],\n'
        f'    workload: (arrivals: Poisson(rate: 10, count: 1000), tasks: [(name: "GET /orders/{{n}}", steps: [{steps}])], '
        f"imports: {imported}),\n    strategies: [\"asyncio\"],\n)\n"
    )
    print((statistics.fmean(before) + statistics.fmean(after)) / 1e3)


if __name__ == "__main__":
    main()
