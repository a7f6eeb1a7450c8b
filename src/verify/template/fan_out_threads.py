

def fan_out(task, count, function, place=None):
    """Children are threads of their own; the task waits for all of them."""
    draws = task.draw(place) if place is not None else [()] * count

    failed = []

    def body(number):
        try:
            function(Task(draws[number]))
        except (Failed, TimedOut) as error:
            failed.append(error)

    threads = [threading.Thread(target=body, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
