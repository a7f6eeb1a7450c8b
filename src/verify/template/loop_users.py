

async def serve(tasks, t0):
    """Users wait for their answer, think, and ask again."""
    log, loop = Log(len(tasks)), asyncio.get_running_loop()
    limit = asyncio.Semaphore(LIMIT) if LIMIT else None
    thoughts, numbers, over = iter(THINK), iter(range(len(tasks))), loop.create_future()
    left, running = len(tasks), set()

    def think():
        at = loop.time() + next(thoughts, 0.0)
        loop.call_at(at, ask, now() + at - loop.time())

    def ask(due):
        number = next(numbers, None)
        if number is not None:
            task = loop.create_task(one(number, due, *tasks[number][1:]))
            running.add(task)
            task.add_done_callback(running.discard)

    async def one(number, due, kind, draws):
        nonlocal left
        try:
            if limit:
                async with limit:
                    await body(FUNCTIONS[kind], Task(draws))
            else:
                await body(FUNCTIONS[kind], Task(draws))
            log.note(number, due)
        except (Failed, TimedOut) as error:
            log.note(number, due, error)
        except BaseException as error:
            if not over.done():
                over.set_exception(error)
            return
        left -= 1
        if left == 0:
            over.set_result(None)
        else:
            think()

    open_loop()
    t0 = t0 or now()
    for _ in range(USERS):
        think()
    await over
    return t0, now(), log
