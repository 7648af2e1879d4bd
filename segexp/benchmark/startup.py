"""How soon commands answer that need no training: help, and what is wrong with a command."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

import segexp
from segexp.benchmark.results import Record, Report
from segexp.benchmark.settings import checked_number
from segexp.benchmark.timing import Work, median_seconds
from segexp.config.schema import Count, checked

KEY = ("command",)
REFERENCE = "import torch"
STATUS = {True: 0, False: 1}
"""Exit status of a command by whether it asks for help: all others here are mistakes."""


def measure(limits: Mapping[str, float | None], rounds: int, device: torch.device) -> list[Record]:
    """One record a command: seconds until its process has ended, and their ratio to a process that loads torch.

    limits: arguments of `python -m`, separated by spaces -> the most seconds it should take, None for no opinion.
    Raises ValueError for a command that does not answer as help or as a mistake.
    """
    checked(Count, "startup.rounds", rounds)
    if not isinstance(limits, Mapping):
        raise ValueError(f"startup.limits is {limits!r}; needed is {{command: seconds}}, as {{train --help: 2}}")
    for command, limit in limits.items():
        if limit is not None:
            checked_number(f"startup.limits of {command!r}", limit)
    with tempfile.TemporaryDirectory(prefix="segexp-") as folder:
        works: dict[str, Work] = {REFERENCE: partial(_run, ["-c", REFERENCE], 0, folder)}
        for command in limits:
            entry, *arguments = command.split()
            typed = ["-m", f"segexp.{entry}", *arguments]
            works[command] = partial(_run, typed, STATUS["--help" in arguments], folder)
        seconds = median_seconds(works, rounds, torch.device("cpu"), "starting commands")
    return [
        {"command": name, "seconds": taken, "ratio": taken / seconds[REFERENCE], "limit": limits.get(name)}
        for name, taken in seconds.items()
    ]


def report(records: Sequence[Record], **_: Any) -> Report:
    late = [each["command"] for each in records if each["limit"] and each["seconds"] > each["limit"]]
    said = f"above its limit: {', '.join(late)}" if late else "every command answers within its limit"
    title = "commands, seconds until the process has ended; ratio to one that loads torch"
    return Report({title: records}, [said])


def _run(arguments: Sequence[str], status: int, folder: str) -> None:
    """In a folder of its own, where a mistake may leave a run that failed."""
    here = str(Path(segexp.__file__).parents[1])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    answer = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    if answer.returncode != status:
        raise ValueError(
            f"startup.limits has {' '.join(arguments)!r}, which ended with status {answer.returncode}, not {status}: "
            f"{(answer.stderr or answer.stdout)[-300:].strip()}; name commands that ask for help, or that are mistakes"
        )
