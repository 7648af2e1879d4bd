"""A job as a process group on this machine, and the signals that end a sweep."""

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import Any

from segexp.sweep.job import Job


class Process:
    """A started job. It has its own session, so that Ctrl-C reaches the launcher alone, and its log in its folder."""

    def __init__(self, job: Job, environment: Mapping[str, str]) -> None:
        self.job = job
        self.environment = environment
        job.folder.mkdir(parents=True, exist_ok=True)
        with job.log.open("ab") as log:
            log.write(f"$ {shlex.join(job.command)}\n".encode())
            log.flush()
            self.popen = subprocess.Popen(
                job.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=_without_task({**os.environ, **environment}),
            )

    def exit_status(self) -> int | None:
        """None while the job runs; once it ended, nothing of its group is left either."""
        status = self.popen.poll()
        if status is not None:
            self.kill()
        return status

    def terminate(self) -> None:
        """Ask the leader alone: it tells its ranks, and data readers that die first would look like a failure."""
        self.popen.terminate()

    def kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)


def _without_task(environment: dict[str, str]) -> dict[str, str]:
    """Lightning takes a job for a rank of the SLURM task that its launcher runs in, if it sees this."""
    return {name: value for name, value in environment.items() if name not in ("SLURM_NTASKS", "SLURM_NPROCS")}


class Signals:
    """Counts SIGINT, SIGTERM and SIGHUP instead of dying of them, so that jobs are ended between two steps of ours."""

    def __init__(self) -> None:
        self.count = 0
        self.number: int | None = None
        self.before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, background jobs of shells
                    self.before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: Any) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.number = number
