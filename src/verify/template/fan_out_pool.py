

def fan_out(task, count, function, place=None):
    """Children are tasks of the same pool; the task waits for all of them, and keeps its worker meanwhile."""
    draws = task.draws[place] if place is not None else [()] * count
    cf.wait([POOL.submit(function, Task(draws[number])) for number in range(count)])
