"""How fast the cores are, as a line of JSON: run beside a server, before it and after it."""
import json
import os
import sys
import time

now, cpu_now = time.perf_counter, time.thread_time
{canary}

cores = int(sys.argv[1])
if cores and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
print(json.dumps({"canary_ns": canary()}))
