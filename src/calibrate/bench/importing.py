"""Imports a module as a new process does, while the recorder's watch looks how often that gives the GIL up.

    python importing.py MODULE MILLISECONDS

MILLISECONDS: about how long the import takes. What is seen goes to where the recorder writes: rows of a trace.
"""
import os
import sys
import time

AT_START = set(sys.modules)

import pchsim_gil as gil
import pchsim_recorder as recorder

# Milliseconds that a message takes, a thousand reads of the GIL.
MESSAGE = 0.035


def forget():
    """Modules that the recorder alone has loaded are to be imported anew. Those in C and threading know that they run already."""
    for name in set(sys.modules) - AT_START:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.endswith(".py") and name not in (recorder.__name__, gil.__name__, "threading"):
            del sys.modules[name]


def main():
    module, length = sys.argv[1], float(sys.argv[2])
    # Files are read in bursts, each of which gives the GIL up to the watch, too: only what comes later is looked at.
    gil._Watch.LEFT_OUT = 0.5
    # A look that the import does not outlast is lost.
    gil._Watch.MESSAGES = max(10, min(150, int(length / 6 / MESSAGE)))
    gil._Watch.PAUSE = 0.002
    gil.watch()
    # In the user's folder: their own modules are to be found there.
    sys.path[0] = ""
    forget()
    # A short import would always be looked at in the same place.
    time.sleep(os.urandom(1)[0] / 256 * gil._Watch.PAUSE)
    with recorder.task(module):
        __import__(module)


main()
