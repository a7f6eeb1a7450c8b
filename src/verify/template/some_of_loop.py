

async def some_of(task, count, need, function, place=None):
    """Children are tasks of the event loop; once so many have succeeded, the others are cancelled."""
    draws = task.draw(place) if place is not None else [()] * count

    async def child(number):
        try:
            await body(function, Task(draws[number]))
        except (Failed, TimedOut) as error:
            return error

    children = [asyncio.ensure_future(child(number)) for number in range(count)]
    spare = count - need
    try:
        for ended in asyncio.as_completed(children):
            error = await ended
            if not error:
                need -= 1
            elif spare:
                spare -= 1
            else:
                raise error
            if not need:
                break
    finally:
        others = [child for child in children if not child.done()]
        for child in others:
            child.cancel()
        if others:
            await asyncio.wait(others)
