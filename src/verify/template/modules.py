"""What a server's processes take of memory beyond their application's own, in bytes that no other process has, and the CPU time that a worker takes to
import what its master has not, as a line of JSON.

    python modules.py SETTINGS

SETTINGS is JSON: `standard`, the modules that every generated program imports; `master`, those of the process that starts the workers;
`worker`, those that a worker imports besides; `start`: fork, spawn or alone (no workers); `preload`: whether the application comes before the fork.
"""
import gc
import importlib
import json
import os
import subprocess
import sys
import time


def private():
    """Bytes of this process that no other has, as far as the system tells (Linux)."""
    try:
        with open("/proc/self/smaps_rollup") as file:
            lines = [line.split() for line in file]
        return sum(int(line[1]) * 1024 for line in lines if line[0] in ("Private_Clean:", "Private_Dirty:"))
    except (OSError, ValueError, IndexError):
        return 0


def load(names):
    for name in names:
        importlib.import_module(name)


def child(before, after):
    """A child that is forked when some modules have been imported, and imports the others."""
    load(before)
    answer, said = os.pipe()
    pid = os.fork()
    if not pid:
        begun = time.process_time()
        load(after)
        took = time.process_time() - begun
        gc.collect(1)  # Whoever serves for a while has looked at all that is young, inherited or not, and has its pages for himself.
        os.write(said, json.dumps([private(), took]).encode())
        os._exit(0)
    os.close(said)
    size = json.loads(os.read(answer, 100))
    os.waitpid(pid, 0)
    return size


def alone(names):
    begun = time.process_time()
    load(names)
    return [private(), time.process_time() - begun]


def in_its_own(what, *names):
    """The same in an interpreter that has imported nothing else."""
    command = [sys.executable, os.path.abspath(__file__), what, *map(json.dumps, names)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main(settings):
    standard, master, worker = settings["standard"], settings["master"], settings["worker"]
    program, standards = in_its_own("alone", standard)
    if settings["start"] == "fork":
        first, later = (master + standard + worker, []) if settings["preload"] else (master, standard + worker)
        own, boot = in_its_own("child", first, later)
        sizes = {"main": in_its_own("alone", first)[0] - program, "worker": own, "boot": boot}
    else:
        whole, took = in_its_own("alone", standard + master + worker)
        if settings["start"] == "spawn":
            main = in_its_own("alone", master)[0] - program
            sizes = {"main": main, "worker": whole - program, "boot": max(took - standards, 0)}
        else:
            sizes = {"main": whole - program, "worker": 0, "boot": 0}
    print(json.dumps(sizes))


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(json.loads(sys.argv[1]))
    else:
        print(json.dumps({"alone": alone, "child": child}[sys.argv[1]](*map(json.loads, sys.argv[2:]))))
