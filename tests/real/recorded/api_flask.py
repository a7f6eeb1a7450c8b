"""Flask served by gunicorn, under a client of its own: gthread:N:T for N workers of T threads, sync:N for N workers."""

import time

from common import latencies_of_services, rank
from flask import Flask

WAITS = latencies_of_services(1, 1000, 0.030)
app = Flask(__name__)


@app.get("/offers/<int:n>")
def offers(n):
    time.sleep(WAITS[n])
    return {"best": rank(n, 1000 + n % 7 * 300)}


if __name__ == "__main__":
    from common import arguments
    from served import serve

    strategy, part = arguments(__doc__)
    options = ["-k", strategy[0], "-w", strategy[1], "--log-level", "error"]
    if strategy[0] == "gthread":
        options += ["--threads", strategy[2], "--keep-alive", "30"]
    serve(lambda port: ["gunicorn", "api_flask:app", "-b", f"127.0.0.1:{port}", *options], 60, 400 // part)
