

def fan_out(task, count, function, place=None):
    """Children are tasks of the same pool; the task waits for all of them, and keeps its worker meanwhile."""
    draws = task.draw(place) if place is not None else [()] * count
    futures = [POOL.submit(function, Task(draws[number])) for number in range(count)]
    cf.wait(futures)
    for future in futures:
        future.result()
