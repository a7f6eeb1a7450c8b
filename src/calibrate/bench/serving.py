"""How a server is started for a measurement: as its command line says, whatever else is in the environment.

    python serving.py CORES FOLDER uvicorn --workers 2 app:app

becomes that server, confined to so many cores (0: all that there are). What it prints to standard output, an access log of each request, goes
nowhere.
"""
import os
import sys


def environment(folder):
    """Ours, without what sets a server's options: its command line is measured."""
    theirs = ("UVICORN_", "GUNICORN_", "HYPERCORN_", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(theirs)}
    # gunicorn's control socket, which would be in the user's home.
    kept["XDG_RUNTIME_DIR"] = folder
    return kept


def main(cores, folder, *words):
    if int(cores) and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    os.execve(sys.executable, [sys.executable, "-W", "ignore", "-m", *words], environment(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
