

def lock(name):
    """A lock, for a with statement."""
    return LOCKS[name]
