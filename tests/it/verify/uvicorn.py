"""A stand-in for uvicorn: as many forked workers as it is told, each with an event loop that runs an ASGI application."""
import asyncio
import importlib
import os
import socket
import sys

words = sys.argv[1:]
workers, port = (int(words[words.index(name) + 1]) for name in ("--workers", "--port"))
sys.path.insert(0, os.getcwd())


async def conversation(app, reader, writer):
    while True:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except (asyncio.IncompleteReadError, ConnectionError):
            break
        said = {}

        async def receive():
            return {"type": "http.request"}

        async def send(message):
            said.update(message)

        path = head.split(" ")[1]
        try:
            await app({"type": "http", "path": path}, receive, send)
        except Exception as error:
            print(repr(error), file=sys.stderr, flush=True)
            said = {"status": 500, "headers": [(b"content-length", b"5")], "body": b"wrong"}
        lines = [b"HTTP/1.1 %d As it says" % said["status"]] + [name + b": " + value for name, value in said["headers"]]
        writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + said["body"])
        if "Connection: close" in head:
            break
    writer.close()


async def serve(app, listener):
    queue, started = asyncio.Queue(), asyncio.Event()
    await queue.put({"type": "lifespan.startup"})

    async def send(message):
        started.set()

    lifespan = asyncio.ensure_future(app({"type": "lifespan"}, queue.get, send))
    await started.wait()
    server = await asyncio.start_server(lambda r, w: conversation(app, r, w), sock=listener)
    async with server:
        await server.serve_forever()
    await lifespan


listener = socket.create_server(("127.0.0.1", port), backlog=512)
children = []
for _ in range(workers):
    pid = os.fork()
    if not pid:
        module, name = words[-1].split(":")
        app = getattr(importlib.import_module(module), name)
        asyncio.run(serve(app, listener))
    children.append(pid)
os.wait()
