

ANSWERS = queue.SimpleQueue()


def arrivals(t0, tasks):
    """Gives out a task whenever a user asks: users wait for their answer, think, and ask again."""
    thoughts = iter(THINK)
    due = [t0 + next(thoughts) for _ in range(min(USERS, len(THINK)))]
    heapq.heapify(due)
    for number, (_, kind, draws) in enumerate(tasks):
        while not due or due[0] > now():
            try:
                answer = ANSWERS.get(timeout=max(0.0, due[0] - now()) if due else None)
            except queue.Empty:
                continue
            heapq.heappush(due, answer + next(thoughts, 0.0))
        yield number, heapq.heappop(due), kind, draws


def answered():
    """A user has an answer."""
    ANSWERS.put(now())
