

async def answer(function, draws):
    """One request from start to end: the status and the body of its answer."""
    try:
        await body(function, Task(draws))
    except (Failed, TimedOut) as error:
        said = type(error).__name__
        return STATUS[said], said.encode()
    return 200, b"ok"


async def lifespan(receive, send):
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            open_loop()
            ready()
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    function, draws = route(scope["path"])
    status, said = await answer(function, draws) if function else (404, b"there is no such task")
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})
