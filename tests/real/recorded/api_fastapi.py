"""FastAPI served by uvicorn, under a client of its own: uvicorn:N for N workers, with endpoints on the loop; def:N with plain functions."""

import asyncio
import os
import time

from common import latencies_of_services, rank
from fastapi import FastAPI

WAITS = latencies_of_services(1, 1000, 0.030)
app = FastAPI()

if os.environ.get("ENDPOINTS") == "def":

    @app.get("/offers/{n}")
    def offers(n: int):
        time.sleep(WAITS[n])
        return {"best": rank(n, 1000 + n % 7 * 300)}

else:

    @app.get("/offers/{n}")
    async def offers(n: int):
        await asyncio.sleep(WAITS[n])
        return {"best": rank(n, 1000 + n % 7 * 300)}


if __name__ == "__main__":
    from common import arguments
    from served import serve

    strategy, part = arguments(__doc__)
    os.environ["ENDPOINTS"] = strategy[0]
    options = ["--log-level", "warning", "--no-access-log", "--loop", "asyncio", "--http", "h11", "--workers", strategy[1]]
    serve(lambda port: ["uvicorn", "api_fastapi:app", "--port", str(port), *options], 60, 400 // part)
