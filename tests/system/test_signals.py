"""Signals that ask a training to stop."""

import subprocess
import sys
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from segexp.system import signals

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


STEP_WITHOUT_END = """
import hashlib, os, signal, sys, threading
from pathlib import Path
from segexp.run.folder import RunFolder
from segexp.system import signals, stuck

first, *others = map(float, sys.argv[2:])
for seconds in (first, *others):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM)).start()
with stuck.watched(), signals.listening(), RunFolder(Path(sys.argv[1])).record_status():
    signals.listen_between_steps()
    stuck.expect_step_within(0.5)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # minutes within a library, where no handler runs
"""


@pytest.mark.parametrize("seconds", [["1.5"], ["0.1", "1.5"]])
def test_a_late_or_second_signal_ends_a_step_without_end(tmp_path: Path, seconds: list[str]) -> None:
    command = [sys.executable, "-c", STEP_WITHOUT_END, str(tmp_path), *seconds]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert answer.returncode == signals.TERMINATED, answer.stderr
    status = RunFolder(tmp_path).status()
    assert status["state"] == "preempted"
    assert "SIGTERM found no step for" in status["reason"]
    assert "line 13, in <module>" in status["traceback"]
    assert status["reason"] in answer.stderr


STEPS_THAT_END = """
import os, signal, time
from segexp.system import signals, stuck

with stuck.watched(), signals.listening():
    stuck.expect_step_within(0.2)
    time.sleep(0.5)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    except signals.Stopped:
        print("raised where it was late")
    signals.listen_between_steps()
    stuck.expect_step_within(10)
    if os.fork() == 0:
        stuck.expect_step_within(0)
        os.kill(os.getpid(), signal.SIGTERM)  # of a worker: not ours
        os._exit(0)
    os.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.2)
    print("noted", signals.received())
"""


def test_a_process_that_answers_is_not_ended() -> None:
    answer = subprocess.run([sys.executable, "-c", STEPS_THAT_END], capture_output=True, text=True, timeout=60)
    assert answer.stdout == "raised where it was late\nnoted 15\n", answer.stderr
