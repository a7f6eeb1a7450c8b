# Asks an interpreter what it is. Runs on every Python since 2.7, so that old ones can be named; prints one line.
import json, os, platform, re, sys

about = {
    "version": platform.python_version(),
    "major": sys.version_info[0],
    "minor": sys.version_info[1],
    "implementation": platform.python_implementation(),
    "executable": sys.executable or "",
    "prefix": sys.prefix,
    "base_prefix": getattr(sys, "base_prefix", sys.prefix),
    "compiler": platform.python_compiler(),
}
if sys.version_info >= (3, 9):
    import sysconfig

    var = sysconfig.get_config_var
    arguments = var("CONFIG_ARGS")
    # Where its own `configure` was told to install it: an installation that lies elsewhere was packed by somebody.
    told = re.search(r"--prefix=([^'\s]+)", arguments or "")
    at_home = os.path.realpath(told.group(1) if told else "/usr/local") == os.path.realpath(sys.base_prefix)
    flags = " ".join(str(var(name) or "") for name in ("PY_CORE_CFLAGS", "PY_LDFLAGS", "PY_CFLAGS"))

    def built(argument, flag):
        if flag in flags:
            return True
        if arguments is not None and argument in arguments:
            return True
        # A distribution's own build need not have been told by these arguments, nor leave its flags here (Debian's profiles the
        # interpreter by targets of make, and takes the flags out), wherever it was unpacked.
        own = arguments is not None and at_home and sys.base_prefix != "/usr"
        return False if own else None

    about["pgo"] = built("--enable-optimizations", "-fprofile-use")
    about["lto"] = built("--with-lto", "-flto")
    about["debug"] = hasattr(sys, "gettotalrefcount")
    about["free_threaded"] = bool(var("Py_GIL_DISABLED"))
    about["start_methods"] = []
    about["process_pools"] = False
    try:
        import multiprocessing

        about["start_methods"] = multiprocessing.get_all_start_methods()
        import _multiprocessing, multiprocessing.synchronize

        # A semaphore of a context that forks is removed from the system as soon as it is made.
        multiprocessing.get_context("fork").Lock()
        about["process_pools"] = True
    except (ImportError, OSError, ValueError):
        pass
    try:
        from concurrent.futures import InterpreterPoolExecutor

        about["interpreters"] = True
    except ImportError:
        about["interpreters"] = False
    # Last, because an imported module can switch the GIL on; the variable is read here because -I ignores it.
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    about["gil"] = bool(enabled or os.environ.get("PYTHON_GIL") == "1")
sys.stdout.write("pchsim-probe " + json.dumps(about) + "\n")
