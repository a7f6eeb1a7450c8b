

class Member(threading.Thread):
    """A thread of such code: it does its share whenever it is told to."""

    def __init__(self):
        # An interpreter of its own waits for its threads at its end, so that these have to see it.
        super().__init__(daemon=getattr(threading, "_daemon_threads_allowed", lambda: True)())
        self.ms, self.go, self.done = 0.0, threading.Lock(), threading.Lock()
        self.go.acquire()
        self.done.acquire()
        self.start()

    def run(self):
        while self.told():
            native(self.ms)
            self.done.release()

    def told(self):
        while not self.go.acquire(timeout=-1 if self.daemon else 0.05):
            if not threading.main_thread().is_alive():
                return False
        return True


_teams = threading.local()


def team(ms, threads):
    """C code with threads of its own, as a BLAS has them: each does its share without the GIL. Every thread that calls it has a team."""
    members = _teams.__dict__.setdefault("members", [])
    while len(members) < threads - 1:
        members.append(Member())
    mine = members[: threads - 1]
    for member in mine:
        member.ms = ms / threads
        member.go.release()
    native(ms / threads)
    for member in mine:
        member.done.acquire()
