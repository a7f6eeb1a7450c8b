

LEFT, LEFT_LOCK, ROUND_IS_OVER = [0], threading.Lock(), threading.Event()


def arrivals(t0, tasks):
    """Gives out the tasks round by round: when all of one round are over, the program does its own work before the next."""
    for first, batch, own in rounds(tasks):
        if first:
            ROUND_IS_OVER.wait()
            ROUND_IS_OVER.clear()
        LEFT[0] = len(batch)
        serial(Task(own))
        due = now()
        for number, (_, kind, draws) in enumerate(batch, first):
            yield number, due, kind, draws


def answered():
    """A task of the round is over."""
    with LEFT_LOCK:
        LEFT[0] -= 1
        if LEFT[0] == 0:
            ROUND_IS_OVER.set()
