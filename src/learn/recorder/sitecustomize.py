# Loads pchsim's recorder when an interpreter starts (its directory stands first in PYTHONPATH), then takes itself out of the
# way: the program's sys.path is as without it, and a sitecustomize module of the user's own runs as always.
import importlib.machinery
import importlib.util
import os
import sys

import pchsim_hooks

_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [p for p in sys.path if os.path.abspath(p or os.curdir) != _here]
pchsim_hooks.install()

_spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
if _spec is not None and _spec.loader is not None:
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["sitecustomize"] = _module
    _spec.loader.exec_module(_module)
