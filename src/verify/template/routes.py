

# ---------------------------------------------------------------------------- the application

STATUS = {"Failed": 503, "TimedOut": 504}  # A mistake in the application is 500, as always.
READY = os.environ.get("PCHSIM_READY")  # A directory of whoever measures, and waits until all workers are there; nobody else has one.


def route(path):
    """The function that a request is for, and the random numbers of its task: /{example}/0 is the first of them."""
    name, _, number = path[1:].partition("/")
    function = ROUTES.get(name)
    return function, {draws}


def ready():
    """This process has loaded the application."""
    if READY:
        open(os.path.join(READY, str(os.getpid())), "w").close()
