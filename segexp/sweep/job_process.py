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


class JobProcess:
    """A job that was started. It has its own session, so that Ctrl-C reaches the launcher alone; its log is job.log."""

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
                env=_without_slurm_task({**os.environ, **environment}),
            )

    def exit_status(self) -> int | None:
        """None while the job runs; once it has ended, nothing of its process group is left either."""
        status = self.popen.poll()
        if status is not None:
            self.kill()
        return status

    def terminate(self) -> None:
        """Ask the first process alone to end: it stops its ranks; readers that end first look like a failure."""
        self.popen.terminate()

    def kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)


def _without_slurm_task(environment: dict[str, str]) -> dict[str, str]:
    """The environment without the variables by which Lightning takes a job for a rank of the launcher's own task."""
    return {name: value for name, value in environment.items() if name not in ("SLURM_NTASKS", "SLURM_NPROCS")}


class SignalCounter:
    """Counts SIGINT, SIGTERM and SIGHUP instead of ending this process, which then stops its jobs in good order."""

    def __init__(self) -> None:
        self.count = 0
        self.number: int | None = None
        self.previous_handlers: dict[int, Any] = {}

    def __enter__(self) -> "SignalCounter":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, background jobs of shells
                    self.previous_handlers[number] = signal.signal(number, self._record)
        return self

    def __exit__(self, *_: Any) -> None:
        for number, handler in self.previous_handlers.items():
            signal.signal(number, handler)

    def _record(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.number = number
