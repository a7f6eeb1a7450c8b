

def do(steps, came):
    """Blocking steps, one after another, in the worker. What it returns travels back."""
    result, held, locked, kept = (), [], [], [came]
    try:
        for step, amount in steps:
            if step == "cpu":
                cpu(amount)
            elif step == "native":
                native(amount)
            elif step == "call":
                function, arguments = amount
                result = (function(*arguments),)
            elif step == "acquire":
                LOCKS[amount].acquire()
                locked.append(amount)
            elif step == "release":
                LOCKS[amount].release()
                locked.remove(amount)
            elif step == "read":
                read(*amount)
            elif step == "write":
                write(*amount)
            elif step == "allocate":
                kept.append([[] for _ in range(amount)])
            elif step == "result":
                result = (payload(amount[0]), objects(amount[1]))
            elif step == "fail":
                raise Failed
    finally:
        for name in locked:
            LOCKS[name].release()
    return now(), result


class Task:
    """A running task. Blocking steps are noted down; at the next wait all of them go to a worker together."""

    def __init__(self, draws=()):
        self.draws, self.used = draws, [0] * len(draws)
        self.steps, self.came, self.back, self.kept, self.result = [], [0, 0], [0, 0], [], {}

    def draw(self, place):
        """The next random number for this place of the function."""
        values = self.draws[place]
        self.used[place] += 1
        return values[(self.used[place] - 1) % len(values)]

    async def done(self):
        """Sends what has been noted down to a worker, and waits until it is done."""
        steps, came, back = self.steps, self.came, self.back
        if not steps and came == [0, 0] and back == [0, 0]:
            return None
        self.steps, self.came, self.back = [], [0, 0], [0, 0]
        if back != [0, 0]:
            steps.append(("result", back))
        travels = (payload(came[0]), objects(came[1])) if came != [0, 0] else ()
        _, result = await asyncio.get_running_loop().run_in_executor(POOL, do, steps, travels)
        if back != [0, 0]:
            self.result["last"] = result
        return result

    def call(self, function, *arguments):
        """Your own blocking function. What it returns is what the next `await task.done()` gives, in a tuple."""
        self.steps.append(("call", (function, arguments)))

    def cpu(self, ms):
        self.steps.append(("cpu", ms))

    def native(self, ms):
        self.steps.append(("native", ms))

    def read(self, name, count):
        self.steps.append(("read", (name, count)))

    def write(self, name, count):
        self.steps.append(("write", (name, count)))

    def allocate(self, count):
        self.steps.append(("allocate", count))

    def payload_in(self, size):
        self.came[0] += size

    def objects_in(self, count):
        self.came[1] += count

    def payload_out(self, size):
        self.back[0] = size

    def objects_out(self, count):
        self.back[1] = count

    def may_fail(self, place):
        if self.draw(place):
            self.steps.append(("fail", 0))

    @contextlib.contextmanager
    def lock(self, name):
        self.steps.append(("acquire", name))
        yield
        self.steps.append(("release", name))

    async def io(self, seconds):
        await self.done()
        await asyncio.sleep(seconds)

    async def put(self, name):
        await self.done()
        await QUEUES[name].put(1)

    async def get(self, name):
        await self.done()
        return await QUEUES[name].get()

    @contextlib.asynccontextmanager
    async def held_over_waits(self, name):
        """A lock that is held while others go on: the event loop's own kind."""
        await self.done()
        async with LOOP_LOCKS[name]:
            yield
            await self.done()

    @contextlib.asynccontextmanager
    async def giving_up_after(self, seconds):
        await self.done()
        async with timeout(seconds):
            yield
            await self.done()

    @contextlib.asynccontextmanager
    async def trying(self, attempt):
        await self.done()
        async with attempt:
            try:
                yield
                await self.done()
            finally:
                self.steps, self.came, self.back = [], [0, 0], [0, 0]


async def body(function, task):
    await function(task)
    await task.done()
