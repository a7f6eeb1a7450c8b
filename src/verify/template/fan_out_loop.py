

async def fan_out(task, count, function, place=None):
    """Children are tasks of the event loop; the task waits for all of them."""
    draws = task.draws[place] if place is not None else [()] * count

    async def child(number):
        try:
            await body(function, Task(draws[number]))
        except (Failed, TimedOut):
            pass  # A child's failure is its own.

    await all_of([child(number) for number in range(count)])
