

class Shared:
    """An object that tasks share: reading moves its reference counts, if it has any, writing takes its lock (free-threaded builds)."""

    def __init__(self, make=object):
        self.items, self.table = [make() for _ in range(8)], {"k": 0}


def read(name, count):
    items = OBJECTS[name].items
    for _ in range(count):
        items[3]


def write(name, count):
    table = OBJECTS[name].table
    for i in range(count):
        table["k"] = i
