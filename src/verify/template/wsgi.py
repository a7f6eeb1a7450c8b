
LINES = {200: "200 OK", 404: "404 Not Found", 503: "503 Service Unavailable", 504: "504 Gateway Timeout"}


def answer(function, draws):
    """One request from start to end: the status and the body of its answer."""
    try:
        function(Task(draws))
    except (Failed, TimedOut) as error:
        said = type(error).__name__
        return STATUS[said], said.encode()
    return 200, b"ok"


def app(environ, start_response):
    function, draws = route(environ["PATH_INFO"])
    status, said = answer(function, draws) if function else (404, b"there is no such task")
    start_response(LINES[status], [("Content-Length", str(len(said)))])
    return [said]


ready()
