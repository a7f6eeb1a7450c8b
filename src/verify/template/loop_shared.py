

class Scarce(Awaited, Blocking):
    """A resource that coroutines use, and threads or other processes as well: whoever comes first has what is free.

    Coroutines that find nothing stand in a line, and for the first of them a thread waits.
    """

    def __init__(self, *rules, **named):
        super().__init__(*rules, **named)
        # What a forked worker has for itself is not in use, whatever its parent does.
        os.register_at_fork(after_in_child=self.begin)

    def begin(self):
        if not self.of_all:
            super().begin()
        self.line, self.asks = collections.deque(), False

    async def await_permit(self):
        """Takes a permit."""
        if not self.line and self.free.acquire(False):
            return
        if self.reject:
            raise Failed
        mine = asyncio.get_running_loop().create_future()
        self.line.append(mine)
        self.ask()
        try:
            await (mine if self.wait is None else asyncio.wait_for(mine, self.wait))
        except asyncio.TimeoutError:
            raise TimedOut from None
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give()
            raise

    def ask(self):
        """Has a thread wait for a permit, unless one does already."""
        if not self.asks:
            self.asks = True
            threading.Thread(target=self.wait_outside, args=(asyncio.get_running_loop(),), daemon=True).start()

    def wait_outside(self, loop):
        self.free.acquire()
        try:
            loop.call_soon_threadsafe(self.hand_over)
        except RuntimeError:  # The loop has ended, and nobody there waits any more.
            self.give()

    def hand_over(self):
        """The first in the line who still waits has the permit that the thread has got."""
        self.asks = False
        while self.line:
            first = self.line.popleft()
            if not first.done():
                first.set_result(None)
                break
        else:
            self.give()
        if self.line:
            self.ask()

    def give(self):
        self.free.release()
