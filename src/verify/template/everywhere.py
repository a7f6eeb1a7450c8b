

MOST_UNUSED = 2_000_000  # Connections at one time: no program runs more tasks.


class Ring:
    """Instants in memory that processes share: a deque that holds so many at most, the last ones."""

    def __init__(self, context, room):
        self.room = max(1, room)
        self.times, self.first_and_length = context.RawArray("d", self.room), context.RawArray("q", 2)

    def __len__(self):
        return self.first_and_length[1]

    def __getitem__(self, index):
        first, length = self.first_and_length
        return self.times[(first + index + (length if index < 0 else 0)) % self.room]

    def popleft(self):
        time = self[0]
        first, length = self.first_and_length
        self.first_and_length[:] = (first + 1) % self.room, length - 1
        return time

    def append(self, time):
        if len(self) == self.room:
            self.popleft()
        first, length = self.first_and_length
        self.times[(first + length) % self.room] = time
        self.first_and_length[1] = length + 1


def for_all(context, name):
    """What all processes share of a resource: its permits, a lock, and what there is to know of connections, tokens and breakers."""
    resource = RESOURCES[name]
    idle = Ring(context, min(resource.kept, MOST_UNUSED))
    granted = Ring(context, resource.burst if resource.window else 0)
    return context.BoundedSemaphore(max(1, resource.count)), context.Lock(), idle, granted, context.RawArray("d", len(resource.numbers))


def take(shared):
    """Has this process use the same resources as all others."""
    for name, parts in shared.items():
        resource = RESOURCES[name]
        resource.of_all = parts
        resource.free, resource.lock, resource.idle, resource.granted, resource.numbers = parts
