

def rounds(tasks):
    """For each round that has tasks: the number of the first, all of them, and the random numbers of what the program does before."""
    first = 0
    for size, draws in zip(SIZES, SERIAL):
        if size:
            yield first, tasks[first : first + size], draws
        first += size
