

LEAKED = []


def leak(size):
    """Memory that nobody ever gives back: it goes with this process."""
    LEAKED.append(b"\x01" * size)
