"""Looks how often code gives the GIL up, for `pchsim record --releases`."""

import _thread
import os
import sys

from pchsim_recorder import _clock, _complain, _cpu, _delay, _sleep, _Stretch


class _Watch:
    """Looks now and then, for a millisecond, at the word that says whether the GIL is held, without holding it.

    Nothing in CPython counts how often code gives the GIL up. But any thread may read memory: here the kernel does, which copies
    that one byte over and over, every 25 ns or so, into a datagram. The program is not disturbed by the look itself; only when the
    watch wants the GIL back it waits for it like any other thread.
    """

    READS, MESSAGES = 1000, 40
    SAYS_THREADS = False  # whether other threads may run the same code
    LATE = 500_000  # ns: who comes back from a pause later than that, waiting for a core not counted, has waited for the GIL
    PAUSE = 0.02
    # The share of a look that is left out at its beginning. A look begins where the program has just given the GIL up to the watch, and
    # code that does so in bursts would be seen in them only.
    LEFT_OUT = 0.0

    def __init__(self):
        import ctypes
        import socket

        self.ctypes, self.socket = ctypes, socket
        self.libc = ctypes.CDLL(None)

    def _structures(self):
        c = self.ctypes

        class iovec(c.Structure):
            _fields_ = [("base", c.c_void_p), ("length", c.c_size_t)]

        class msghdr(c.Structure):
            _fields_ = [("name", c.c_void_p), ("namelen", c.c_uint32), ("iov", c.c_void_p), ("iovlen", c.c_size_t)]
            _fields_ += [("control", c.c_void_p), ("controllen", c.c_size_t), ("flags", c.c_int)]

        class mmsghdr(c.Structure):
            _fields_ = [("header", msghdr), ("length", c.c_uint)]

        return iovec, msghdr, mmsghdr

    def find(self, iovec):
        """The address of the GIL's `locked`: the one word of the runtime that is 1 while this thread holds the GIL and 0 while nobody
        does. No other thread of Python runs yet."""
        c = self.ctypes
        runtime = c.addressof(c.c_char.in_dll(c.pythonapi, "_PyRuntime"))
        size = 1 << 20
        copy = c.create_string_buffer(size)
        here, there = iovec(c.addressof(copy), size), iovec(runtime, size)
        kinds = [c.c_int, c.c_void_p, c.c_ulong, c.c_void_p, c.c_ulong, c.c_ulong]
        held, free = c.PyDLL(None).process_vm_readv, self.libc.process_vm_readv
        held.argtypes = free.argtypes = kinds
        held.restype = free.restype = c.c_ssize_t
        arguments = os.getpid(), c.addressof(here), 1, c.addressof(there), 1, 0
        size = held(*arguments)
        if size <= 0:
            return None
        size -= size % 4
        here.length = there.length = size
        places = None
        one = (1).to_bytes(4, sys.byteorder)
        for _ in range(10):
            held(*arguments)
            seen = copy.raw[:size]
            if places is None:
                places, at = [], seen.find(one)
                while at >= 0:
                    places += [at // 4] * (at % 4 == 0)
                    at = seen.find(one, at + 1)
            words = memoryview(seen).cast("i")
            places = [i for i in places if words[i] == 1]
            free(*arguments)
            words = memoryview(copy.raw[:size]).cast("i")
            places = [i for i in places if words[i] == 0]
        if len(places) > 1:
            # CPython 3.13 has a word as well that says whether the main thread has the GIL: it has not while another one does.
            read = _thread.allocate_lock()
            read.acquire()

            def by_another():
                held(*arguments)
                read.release()

            _thread.start_new_thread(by_another, ())
            read.acquire()
            words = memoryview(copy.raw[:size]).cast("i")
            places = [i for i in places if words[i] == 1]
        return runtime + 4 * places[0] if len(places) == 1 else None

    def look(self):
        """Finds the word; no other thread of Python runs yet. False if it is not to be seen."""
        self.iovec, self.msghdr, self.mmsghdr = self._structures()
        try:
            self.address = self.find(self.iovec)
        except (AttributeError, ValueError):
            self.address = None
        return self.address is not None

    def run(self):
        c, clock, cpu, iovec, mmsghdr = self.ctypes, _clock, _cpu, self.iovec, self.mmsghdr
        here, there = self.socket.socketpair(self.socket.AF_UNIX, self.socket.SOCK_DGRAM)
        here.setsockopt(self.socket.SOL_SOCKET, self.socket.SO_SNDBUF, 4 << 20)
        reads = (iovec * self.READS)(*[iovec(self.address, 1) for _ in range(self.READS)])
        header = self.msghdr(None, 0, c.addressof(reads), self.READS, None, 0, 0)
        messages = (mmsghdr * self.MESSAGES)(*[mmsghdr(header, 0) for _ in range(self.MESSAGES)])
        send, fd, sleep, active = self.libc.sendmmsg, here.fileno(), _sleep, _Stretch.active
        receive, no_wait = there.recv, self.socket.MSG_DONTWAIT
        while True:
            due, delayed = clock() + int(self.PAUSE * 1e9), _delay() or 0
            sleep(self.PAUSE)
            late = clock() - due - ((_delay() or 0) - delayed)
            watched = list(active.values())
            # Of threads that do different things nobody knows which one gives the GIL up.
            if len({stretch.name for stretch in watched}) != 1:
                continue
            start, used = clock(), cpu()
            sent = send(fd, messages, self.MESSAGES, no_wait)
            used = cpu() - used
            if sent <= 0:
                continue
            seen = b"".join(receive(self.READS, no_wait) for _ in range(sent))
            # Clocks without the GIL are out of reach: of the two, this thread's own stood still while it waited.
            if all(stretch.over is None or stretch.over >= start + used for stretch in watched):
                self.note(watched[0], seen, used, late, len(watched) if self.SAYS_THREADS else None)

    def note(self, stretch, seen, used, late=0, threads=None):
        if late > self.LATE and 1 not in seen:
            # The GIL was held when the watch asked for it, and whoever had to give it up has not got a core yet to take it back.
            seen = b"\1" * len(seen)
        # The program needs a moment to take the GIL back that this thread had.
        every, seen = used / len(seen), seen[max(seen.find(1), int(len(seen) * self.LEFT_OUT), 0) :]
        length, releases = len(seen) * every, seen.count(b"\1\0")
        if releases:
            # A thread that loses its core within a release is without the GIL for long: the median does not see that.
            runs = sorted(len(run) for run in seen.split(b"\1") if run)
            released = releases * runs[len(runs) // 2] * every
        else:
            released = seen.count(0) * every
        stretch.saw(length, releases, released, threads)


def watch():
    """Starts the watch in this process, and in those that are forked from it; it has a core for itself."""
    try:
        # Started processes inherit what is left of the cores: the first one says which there were.
        known = os.environ["PCHSIM_RECORD_RELEASES"]
        cores = [int(core) for core in known.split(",")] if "," in known else sorted(os.sched_getaffinity(0))
        os.environ["PCHSIM_RECORD_RELEASES"] = ",".join(map(str, cores))
        if len(cores) < 2:
            return _complain("how often the GIL is given up needs a second core to be seen: it is not measured")
        eye = _Watch()
        if not eye.look():
            return _complain("cannot see the GIL of this interpreter: how often it is given up is not measured")

        def run():
            os.sched_setaffinity(0, cores[-1:])
            eye.run()

        _thread.start_new_thread(run, ())
        # On one core with what it watches it would see it stand still.
        os.sched_setaffinity(0, cores[:-1])
    except (ImportError, AttributeError, OSError) as e:
        _complain("how often the GIL is given up is not measured: %s" % e)


class _Glance(_Watch):
    """The watch of an ordinary recording: it looks less often, and takes no core from the program."""

    PAUSE = 0.04
    MESSAGES = 120
    SAYS_THREADS = True


def glance():
    """Watches the GIL as soon as a task runs, where that can be done without anybody noticing; says nothing where it cannot."""
    if sys.platform != "linux" or not getattr(sys, "_is_gil_enabled", lambda: True)():
        return
    try:
        if len(os.sched_getaffinity(0)) < 2:
            return
        eye = _Glance()
        if not eye.look():
            return
    except (ImportError, AttributeError, OSError):
        return

    def began():
        _Stretch.began = None
        try:
            _thread.start_new_thread(eye.run, ())
        except (RuntimeError, OSError):
            pass

    def forked():
        _Stretch.active.clear()
        _Stretch.began = began

    _Stretch.began = began
    os.register_at_fork(after_in_child=forked)
