"""python -m tests.predict.small_files ...: segexp.predict, which cannot write more than 4000 bytes into a file."""

import resource
import runpy
import signal
import sys

if __name__ == "__main__":
    sys.dont_write_bytecode = True  # it would be torn
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
    runpy.run_module("segexp.predict", run_name="__main__")
