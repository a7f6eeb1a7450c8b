

@contextlib.contextmanager
def hold(size):
    """Working memory for as long as the block lasts, really written."""
    held = [payload(size)]
    try:
        yield
    finally:
        let_go(held)
