

def fan_out(task, count, function):
    """Children run one after another where the task itself runs."""
    for _ in range(count):
        function(task)
