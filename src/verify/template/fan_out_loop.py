

async def fan_out(task, count, function, place=None):
    """Children are tasks of the event loop; the task waits for all of them."""
    draws = task.draw(place) if place is not None else [()] * count

    failed = []

    async def child(number):
        try:
            await body(function, Task(draws[number]))
        except (Failed, TimedOut) as error:
            failed.append(error)

    await all_of([child(number) for number in range(count)])
    if failed:
        raise failed[0]
