"""Run a command and print as JSON what it took: `python launch.py LOG COMMAND...`, LOG: the file for its output.

A program of its own that loads nothing of segexp: Linux counts the memory of a process that starts another one as part
of the other one's peak, so the one that starts it must be small. SIGTERM ends the command and not this program.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main(log: str, *command: str) -> None:
    with Path(log).open("wb") as output:
        started = time.time()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    signal.signal(signal.SIGTERM, lambda *_: process.kill())
    _, status, usage = os.wait4(process.pid, 0)
    peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    status = os.waitstatus_to_exitcode(status)
    print(json.dumps({"status": status, "started": started, "cpu_seconds": cpu_seconds, "peak_bytes": peak_bytes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
