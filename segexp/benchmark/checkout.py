"""A checkout of segexp, of this or of any other version, whose commands are run and measured from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

LAUNCHER = Path(__file__).with_name("launch.py")
POLL_SECONDS = 0.01


class CommandFailedError(Exception):
    """A command of a checkout failed, took too long or gave no result; says which one, and its last words."""


class Usage(NamedTuple):
    """status: of the exit, minus a signal. started: seconds since the epoch. cpu_seconds: user and system.
    peak_bytes: of resident memory, libraries included.
    """

    status: int
    started: float
    cpu_seconds: float
    peak_bytes: float


@dataclass(frozen=True)
class Checkout:
    """name: for tables and errors. overrides: typed after all others with every command. max_seconds: of a command."""

    name: str
    folder: Path
    overrides: Sequence[str]
    max_seconds: float

    def commit(self) -> str | None:
        """Short hash of what is checked out, with -dirty after it if files were changed; None without Git."""
        command = ["git", "-C", str(self.folder), "describe", "--always", "--dirty", "--exclude=*"]
        with suppress(OSError):
            return subprocess.run(command, capture_output=True, text=True).stdout.strip() or None
        return None

    def check(self, folder: Path) -> None:
        """Raise ValueError if there is no checkout, or its training does not start. folder: for files that go away."""
        if not (self.folder / "segexp/__init__.py").is_file():
            raise ValueError(
                f"{self.name}: {self.folder} is not a checkout of segexp: it has no segexp/__init__.py; make one by "
                "git worktree add FOLDER COMMIT and set baseline.worktree=FOLDER"
            )
        try:
            self.run("train", ["--cfg=job"], folder)
        except CommandFailedError as error:
            raise ValueError(
                f"{self.name}: {self.folder} does not start with {sys.executable}: {error}; correct "
                "baseline.overrides, install what this version needs, or choose another one"
            ) from None

    def run(self, command: str, arguments: Sequence[str], folder: Path) -> Usage:
        """Run `python -m segexp.COMMAND` in this folder. Raises CommandFailedError if it fails or takes too long."""
        with self._started(command, arguments, folder) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(self.max_seconds)
            is_late = process.poll() is None
            usage = _end(process)
        if is_late or usage.status:
            how = f"took over {self.max_seconds:g} s" if is_late else f"ended with status {usage.status}"
            raise CommandFailedError(_failure(command, how, folder))
        return usage

    def run_until(self, file: Path, command: str, arguments: Sequence[str], folder: Path) -> Usage:
        """Run a command until it writes into this file, and end it then. Raises CommandFailedError if it does not."""
        with self._started(command, arguments, folder) as process:
            deadline = time.monotonic() + self.max_seconds
            while not _has_content(file) and process.poll() is None and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            usage = _end(process)
        if not _has_content(file):
            raise CommandFailedError(_failure(command, f"wrote no {file.name} within {self.max_seconds:g} s", folder))
        return usage

    @contextmanager
    def _started(self, command: str, arguments: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
        """The launcher, which starts the command; afterwards nothing of either is left."""
        path = os.pathsep.join(filter(None, (str(self.folder), os.environ.get("PYTHONPATH"))))
        typed = [sys.executable, "-m", f"segexp.{command}", *arguments, *self.overrides]
        with subprocess.Popen(
            [sys.executable, str(LAUNCHER), str(_log(folder)), *typed],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[str]) -> Usage:
    """Let the launcher end a command that still runs, and say what it took."""
    if process.poll() is None:
        process.terminate()
    return Usage(**json.loads(process.communicate()[0]))


def _has_content(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > 0


def _log(folder: Path) -> Path:
    return folder / "log.txt"


def _failure(command: str, how: str, folder: Path) -> str:
    lines = _log(folder).read_text(errors="replace").strip().splitlines()
    errors = [line.partition(": ")[2] for line in lines if line.startswith(f"segexp.{command}: ")]
    return ": ".join([f"segexp.{command} {how}", *(errors or lines)[-1:]])
