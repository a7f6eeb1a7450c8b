

def allocate(count):
    """So many containers, for the collector to look at."""
    return [[] for _ in range(count)]
