

def some_of(task, count, need, function, place=None):
    """Children are tasks of the same pool; once so many have succeeded, those that have not begun are cancelled."""
    draws = task.draw(place) if place is not None else [()] * count
    futures = [POOL.submit(function, Task(draws[number])) for number in range(count)]
    spare = count - need
    try:
        for future in cf.as_completed(futures):
            error = future.exception()
            if not error:
                need -= 1
            elif spare and isinstance(error, (Failed, TimedOut)):
                spare -= 1
            else:
                raise error
            if not need:
                break
    finally:
        for future in futures:
            future.cancel()
