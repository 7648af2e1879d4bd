"""Signals that ask a training to stop."""

import subprocess
import sys

EARLY_SIGNAL = """
import os, signal
from segexp.system import signals

signals.postpone()
os.kill(os.getpid(), signal.SIGUSR1)
try:
    with signals.listening():
        print("the signal was lost")
except signals.Stopped as stopped:
    print(stopped.by.name, signal.getsignal(signal.SIGUSR1).name)
"""


def test_a_signal_that_comes_too_early_waits_until_somebody_listens() -> None:
    # a process of its own: pytest's other threads would take the signal and die of it
    answer = subprocess.run([sys.executable, "-c", EARLY_SIGNAL], capture_output=True, text=True)
    assert answer.stdout == "SIGUSR1 SIG_DFL\n", answer.stderr
