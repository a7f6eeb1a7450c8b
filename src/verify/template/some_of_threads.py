

LEFT = []  # Threads that their parents have not waited for.


def some_of(task, count, need, function, place=None):
    """Children are threads of their own; once so many have succeeded, the task goes on without the others."""
    draws = task.draw(place) if place is not None else [()] * count
    ended, spare = queue.SimpleQueue(), count - need

    def body(number):
        try:
            function(Task(draws[number]))
            ended.put(None)
        except BaseException as error:
            ended.put(error)

    for number in range(count):
        thread = threading.Thread(target=body, args=(number,))
        thread.start()
        LEFT.append(thread)
    while need:
        error = ended.get()
        if not error:
            need -= 1
        elif spare and isinstance(error, (Failed, TimedOut)):
            spare -= 1
        else:
            raise error
