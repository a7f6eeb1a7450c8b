"""How the served programs run: this process becomes the server, and a client of its own loads it and ends it."""

import os
import pathlib
import socket
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def serve(command, rate, count):
    """`command` makes the server's arguments of a port; `count` requests come at `rate` a second."""
    port = free_port()
    client = [sys.executable, "-I", str(HERE / "client.py"), str(port), str(rate), str(count), str(os.getpid())]
    subprocess.Popen(client)
    os.chdir(HERE)
    os.execv(sys.executable, [sys.executable, "-m", *command(port)])
