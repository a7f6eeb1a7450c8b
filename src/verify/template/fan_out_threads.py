

def fan_out(task, count, function, place=None):
    """Children are threads of their own; the task waits for all of them."""
    draws = task.draws[place] if place is not None else [()] * count

    def body(number):
        try:
            function(Task(draws[number]))
        except (Failed, TimedOut):
            pass  # A child's failure is its own.

    threads = [threading.Thread(target=body, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
