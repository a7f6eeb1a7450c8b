

class Scarce(Rules):
    """A resource of threads, for a with statement."""

    def begin(self):
        super().begin()
        self.free, self.lock = threading.Semaphore(self.count), threading.Lock()

    def token(self, left):
        """Waits for the next token of the rate limit."""
        at, patience = now(), min(self.patience(), left)
        due = self.due(at, patience)
        if due is None:
            if self.reject:
                raise Failed(self.retry_after)  # HTTP 429.
            time.sleep(patience)
            raise TimedOut
        if due > at:
            time.sleep(due - at)

    def permit(self, left):
        """Takes a permit."""
        wait = left if self.wait is None else min(self.wait, left)
        if self.reject:
            if not self.free.acquire(False):
                raise Failed
        elif not self.free.acquire(timeout=None if wait == INF else wait):
            raise TimedOut

    def connected(self):
        """A connection, by when it was opened: just now, if none is unused."""
        opened = self.unused()
        if opened is None:
            if self.connect:
                time.sleep(self.connect)
            opened = now()
        return opened

    @contextlib.contextmanager
    def use(self, left):
        if self.burst:
            self.token(left)
            yield
            return
        self.permit(left)
        opened = None
        try:
            opened = self.connected()
            yield
        except TimedOut:
            opened = None  # Cut short in the middle of its use, a connection is closed.
            raise
        finally:
            if opened is not None:
                self.back(opened)
            self.free.release()


def using(name, late=None):
    """A resource, for a with statement."""
    return RESOURCES[name].use(late.left() if late else INF)
