

import collections


class Transfer:
    """A use of a device: what it takes alone, what to call when it ends at another time than before, and whether it has ended."""

    __slots__ = ("alone", "changed", "ended")

    def __init__(self, alone, changed=None):
        self.alone, self.changed, self.ended = alone, changed, False


class Device:
    """A device that tasks share, as its users wait for it: put your own in its place.

    A virtual clock runs at the speed that each user has. Who comes is done when it has gone on by what he needs alone; what has ended by now is
    worked out when anybody asks, so that nobody else has to wake for it.
    """

    def __init__(self, servers=None, rate=1.0, each=1.0, penalty=0.0):
        self.servers, self.rate, self.each, self.penalty = servers, rate, each, penalty
        self.lock, self.at, self.clock, self.number = threading.Lock(), 0.0, 0.0, 0
        self.served, self.line = [], collections.deque()  # By the end on the virtual clock; in the order of asking.

    def speed(self, users):
        """How fast each of so many is served: 1 is as if alone."""
        if self.servers:
            return 1.0
        return min(1.0, self.rate / (users * self.each * (1.0 + self.penalty * (users - 1))))

    def admit(self):
        """Serves those in line for whom there is a server."""
        while self.line and (not self.servers or len(self.served) < self.servers):
            transfer = self.line.popleft()
            heapq.heappush(self.served, (self.clock + transfer.alone, self.number, transfer))
            self.number += 1

    def go_to(self, at):
        """Ends what is done by then."""
        while self.served and at > self.at:
            speed, first = self.speed(len(self.served)), self.served[0][0]
            end = self.at + (first - self.clock) / speed
            if end > at:
                self.clock += (at - self.at) * speed
                break
            self.at, self.clock = end, first
            heapq.heappop(self.served)[2].ended = True
            self.admit()
        self.at = max(self.at, at)

    def end_of(self, mine):
        """When a transfer ends if nobody comes or goes."""
        at, clock, users = self.at, self.clock, len(self.served)
        ends = []
        for end, _, transfer in sorted(self.served, key=lambda served: served[:2]):
            at, clock, users = at + (end - clock) / self.speed(users), end, users - 1
            if transfer is mine:
                return at
            ends.append(at)
        for transfer in self.line:
            end = heapq.heappop(ends) + transfer.alone
            if transfer is mine:
                return end
            heapq.heappush(ends, end)

    def ask(self, mine):
        with self.lock:
            self.go_to(now())
            self.line.append(mine)
            self.admit()

    def left(self, mine):
        """How long a transfer still takes; 0 if it has ended."""
        with self.lock:
            self.go_to(now())
            return 0.0 if mine.ended else max(self.end_of(mine) - now(), 1e-6)

    def leave(self, mine):
        """Gives up what has not ended: the others are done sooner."""
        with self.lock:
            self.go_to(now())
            if mine.ended:
                return
            if mine in self.line:
                self.line.remove(mine)
            else:
                self.served = [served for served in self.served if served[2] is not mine]
                heapq.heapify(self.served)
            self.admit()
            others = [served[2] for served in self.served] + list(self.line)
        for other in others:
            other.changed()
