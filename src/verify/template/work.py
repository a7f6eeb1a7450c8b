

def work(kind, draws, *came):
    """One task from start to end, in the worker. What it returns travels back."""
    task = Task(draws, *came)
    FUNCTIONS[kind](task)
    return now(), task.result


def travels(kind):
    """What travels to the worker with a task."""
    size, count = TRAVELS[kind]
    return (payload(size), objects(count)) if count else (payload(size),) if size else ()
