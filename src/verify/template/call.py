

class CallTask:
    """What a worker knows of a task: random numbers for the places of the call, what came along, and what travels back."""

    def __init__(self, first, draws, used, came):
        self.first, self.draws, self.used, self.came = first, draws, used, came
        self.result, self.kept = {}, []

    def draw(self, place):
        """The next random number for this place of the function."""
        place -= self.first
        values = self.draws[place]
        self.used[place] += 1
        return values[(self.used[place] - 1) % len(values)]

    def keep(self, thing):
        """Holds on to something until the call's end."""
        self.kept.append(thing)

    def may_fail(self, place):
        if self.draw(place):
            raise Failed


def call(name, *known):
    """One call from start to end, in the worker, whatever it does. What it returns travels back."""
    task = CallTask(*known)
    try:
        globals()[name](task)
    except (Failed, TimedOut) as error:
        return task.used, {}, error
    return task.used, task.result, None


async def offload(task, pool, function, places=(0, 0), came=(0, 0)):
    """Has a worker of the pool call the function, and waits until it has: loop.run_in_executor(pool, function, ...)."""
    first, end = places
    travels = (payload(came[0]), objects(came[1])) if came != (0, 0) else ()
    known = first, task.draws[first:end], task.used[first:end], travels
    loop = asyncio.get_running_loop()
    task.used[first:end], result, error = await loop.run_in_executor(pool, call, function.__name__, *known)
    if error:
        raise error
    return result
