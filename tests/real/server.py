"""Local services that answer late, as remote ones do. Only for 127.0.0.1; the port is printed, and it serves until it is ended.

shop: /N gives a product listing of some 60 kB after 150 to 600 ms. facts: /N gives 200 facts as JSON after 60 to 120 ms.
"""

import asyncio
import json
import random
import sys

PAGES = 100


def listing(n):
    rng = random.Random(n)
    rows = "".join(
        f'<li class="product" data-id="{n}-{i}"><h3><a href="/item/{n}-{i}">Product {rng.randint(1, 9999)}</a></h3>'
        f'<p class="text">{"lorem ipsum dolor sit amet " * rng.randint(1, 4)}</p>'
        f'<span class="price">{rng.random() * 500:.2f}</span>'
        f'<ul class="tags">{"".join(f"<li>tag{rng.randint(1, 40)}</li>" for _ in range(4))}</ul></li>\n'
        for i in range(rng.randint(120, 220))
    )
    return f"<!doctype html><html><head><title>Listing {n}</title></head><body><ul>{rows}</ul></body></html>".encode()


def shop():
    answers = [answer("text/html; charset=utf-8", listing(n)) for n in range(PAGES)]
    delays = [min(0.6, max(0.15, random.Random(1000 + n).lognormvariate(-1.3, 0.35))) for n in range(PAGES)]
    return lambda n: (delays[n], answers[n])


def facts():
    rng = random.Random(7)
    body = json.dumps([{"id": n, "weight": rng.random(), "text": "fact " * 5} for n in range(200)]).encode()
    same = answer("application/json", body)
    return lambda n: (rng.uniform(0.060, 0.120), same)


def answer(kind, body):
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind.encode(), len(body)) + body


async def main(service):
    async def serve(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                delay, body = service(int(head.split(b" ", 2)[1].rsplit(b"/", 1)[1]))
                await asyncio.sleep(delay)
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main({"shop": shop, "facts": facts}[sys.argv[1]]()))
