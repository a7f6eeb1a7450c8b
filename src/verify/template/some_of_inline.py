

def some_of(task, count, need, function):
    """Children run one after another where the task itself runs, until so many have succeeded."""
    spare = count - need
    while need:
        try:
            function(task)
            need -= 1
        except (Failed, TimedOut):
            if not spare:
                raise
            spare -= 1
