

def wake(future):
    if not future.done():
        future.set_result(None)


async def awaited_transfer(name, seconds):
    """Uses a device for as long as that takes alone, and longer while others use it; the event loop goes on meanwhile."""
    device, loop, mine = DEVICES[name], asyncio.get_running_loop(), Transfer(seconds)
    woken = loop.create_future()
    mine.changed = lambda: loop.call_soon_threadsafe(wake, woken)
    device.ask(mine)
    try:
        left = device.left(mine)
        while left:
            timer = loop.call_later(left, wake, woken)
            try:
                await woken
            finally:
                timer.cancel()
            woken = loop.create_future()
            left = device.left(mine)
    finally:
        device.leave(mine)
