

async def serve(tasks, t0):
    log = Log(len(tasks))
    limit = asyncio.Semaphore(LIMIT) if LIMIT else None

    async def one(number, at, kind, draws):
        if at:
            await asyncio.sleep(t0 + at - now())
        if limit:
            async with limit:
                await serve_one(number, at, kind, draws)
        else:
            await serve_one(number, at, kind, draws)

    async def serve_one(number, at, kind, draws):
        try:
            await body(FUNCTIONS[kind], Task(draws))
            log.note(number, t0 + at)
        except (Failed, TimedOut) as error:
            log.note(number, t0 + at, error)

    open_loop()
    t0 = t0 or now()
    await all_of([one(number, at, kind, draws) for number, (at, kind, draws) in enumerate(tasks)])
    return t0, now(), log
