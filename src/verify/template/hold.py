

@contextlib.contextmanager
def hold(size, churn=0.0):
    """Working memory for as long as the block lasts, really written."""
    held = [working_memory(size, churn)]
    try:
        yield
    finally:
        let_go(held)
