

def transfer(name, seconds, late=None):
    """Uses a device for as long as that takes alone, and longer while others use it."""
    device, woken = DEVICES[name], threading.Event()
    mine = Transfer(seconds, woken.set)
    device.ask(mine)
    try:
        left = device.left(mine)
        while left:
            woken.wait(min(left, late.left()) if late else left)
            woken.clear()
            if late:
                late.check()
            left = device.left(mine)
    finally:
        device.leave(mine)
