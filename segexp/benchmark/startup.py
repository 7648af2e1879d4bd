"""The suite startup: how soon commands answer that train nothing: help, and mistakes in a command."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

import segexp
from segexp.benchmark.results import Record, SuiteReport
from segexp.benchmark.settings import StartupSettings
from segexp.benchmark.timing import Work, median_seconds

KEY = ("command",)
REFERENCE = "import torch"
STATUS = {True: 0, False: 1}
"""Exit status of a command by whether it asks for help; all other commands here are mistakes."""


def measure(settings: StartupSettings, device: torch.device, earlier: Sequence[Record]) -> list[Record]:
    """One record for each command: seconds until its process has ended, and their ratio to a process that loads torch.

    device, earlier: ignored. Raises ValueError for a command that answers neither as help nor as a mistake.
    """
    with tempfile.TemporaryDirectory(prefix="segexp-") as folder:
        works: dict[str, Work] = {REFERENCE: partial(_run, ["-c", REFERENCE], 0, folder)}
        for command in settings.limits:
            name, *arguments = command.split()
            works[command] = partial(_run, ["-m", f"segexp.{name}", *arguments], STATUS["--help" in arguments], folder)
        seconds = median_seconds(works, settings.rounds, torch.device("cpu"), "starting commands")
    return [
        {"command": command, "seconds": each, "ratio": each / seconds[REFERENCE], "limit": settings.limits.get(command)}
        for command, each in seconds.items()
    ]


def report(records: Sequence[Record], settings: StartupSettings, device: torch.device) -> SuiteReport:
    late = [each["command"] for each in records if each["limit"] and each["seconds"] > each["limit"]]
    summary = f"above its limit: {', '.join(late)}" if late else "every command answers within its limit"
    title = "commands, seconds until the process has ended; ratio to one that loads torch"
    return SuiteReport({title: records}, [summary])


def _run(arguments: Sequence[str], status: int, folder: str) -> None:
    """Run Python in a folder that goes away, as a mistake may leave a run there. status: the expected exit status."""
    package_folder = str(Path(segexp.__file__).parents[1])
    path = os.pathsep.join(filter(None, (package_folder, os.environ.get("PYTHONPATH"))))
    answer = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    if answer.returncode != status:
        raise ValueError(
            f"startup.limits has {' '.join(arguments)!r}, which ended with status {answer.returncode}, not {status}: "
            f"{(answer.stderr or answer.stdout)[-300:].strip()}; name commands that ask for help, or that are mistakes"
        )
