"""Runs a command and prints what it took, as JSON: python -I timed.py <command>…

It is a program of its own because the kernel counts the memory that a process had before it became another program:
the benchmark's own would be in the figure.
"""

import json
import resource
import subprocess
import sys
import time

begin = time.monotonic()
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode
seconds = time.monotonic() - begin
used = resource.getrusage(resource.RUSAGE_CHILDREN)
figures = {"code": code, "seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024}
print(json.dumps(figures))
