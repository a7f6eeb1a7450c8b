"""``python -m pchsim``: the program that was installed with this package, whether its folder is on PATH or not."""

import os
import subprocess
import sys
import sysconfig


def places():
    """Where installers put programs, the likeliest first."""
    yield sysconfig.get_path("scripts")
    # pip install --user.
    if sys.version_info >= (3, 10):
        user = sysconfig.get_preferred_scheme("user")
    else:
        user = {"nt": "nt_user"}.get(os.name, "posix_user")
    yield sysconfig.get_path("scripts", scheme=user)
    # pip install --prefix, where the package lies in PREFIX/lib/pythonX.Y/site-packages; --target, where it lies beside bin.
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    yield os.path.join(here, "..", "..", "..", "bin")
    yield os.path.join(here, "bin")
    # A virtual environment on top of another one.
    yield os.path.join(sys.base_prefix, os.path.basename(sysconfig.get_path("scripts")))


def find():
    """The path of the program, or None."""
    name = "pchsim" + (sysconfig.get_config_var("EXE") or "")
    for place in places():
        path = os.path.normpath(os.path.join(place, name))
        if os.path.isfile(path):
            return path
    return None


def main():
    """Runs the program in place of this process, and ends as it ends."""
    program = find()
    if program is None:
        sys.exit(
            "error: pchsim's program is missing in %s; install it anew: %s -m pip install --force-reinstall pchsim"
            % (sysconfig.get_path("scripts"), sys.executable)
        )
    command = [program] + sys.argv[1:]
    if os.name == "nt":
        # os.exec would return to the shell before the program ends.
        try:
            sys.exit(subprocess.call(command))
        except KeyboardInterrupt:
            sys.exit(130)
    os.execv(program, command)


if __name__ == "__main__":
    main()
