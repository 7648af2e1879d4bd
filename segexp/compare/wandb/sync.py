"""Runs that were recorded offline, sent by W&B's own client. Nothing is ever deleted."""

import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from segexp.compare.wandb import server
from segexp.logger import wandb_files
from segexp.run.folder import RunFolder

SECONDS = 300
"""For the parts of one run: enough for pictures over a slow line."""
MOST_NAMED = 3


class Offline(NamedTuple):
    """What was recorded offline of one run, in the order of its starts, and how many further parts were sent before."""

    folder: Path
    unsent: list[Path]
    num_sent: int


def offline(folder: Path) -> Offline:
    """Of a run folder."""
    parts = sorted(part for part in wandb_files.segments(folder) if part.name.startswith("offline-run-"))
    parts = [part for part in parts if any(part.glob("*.wandb"))]
    unsent = [part for part in parts if not _is_sent(part)]
    return Offline(folder, unsent, len(parts) - len(unsent))


def sync(folders: Iterable[Path], project: tuple[str, str] | None) -> str:
    """Send what these run folders have recorded offline, and say how much that was, and what was left alone.

    project: entity and project to send to; None for those that each run was trained for.
    Raises ValueError without an API key, OSError naming what W&B did not take, in its client's words.
    """
    found = [offline(folder) for folder in folders]
    training = [run for run in found if run.unsent and _may_train(RunFolder(run.folder))]
    waiting = [run for run in found if run.unsent and run not in training]
    if waiting:
        server.ready()
    _raise_if_any(_failures(waiting, project), len(waiting))
    done = f"runs sent to W&B: {len(waiting)}, parts of runs sent before: {sum(run.num_sent for run in found)}"
    return "\n".join([done, *_left_alone(training, project)])


def _may_train(run: RunFolder) -> bool:
    """W&B's client would take what is there for all, and never send the rest.

    One that was killed goes by the name of running for ever: here its lock tells, of another machine not for sure.
    """
    try:
        status = run.status()
    except (OSError, ValueError):
        return False
    if status.get("state") != "running" or status.get("host") != socket.gethostname():
        return status.get("state") == "running"
    try:
        with run.lock():
            return False
    except OSError:
        return True


def _left_alone(training: Sequence[Offline], project: tuple[str, str] | None) -> list[str]:
    """What to type for them."""
    if not training:
        return []
    more = [f"and {len(training) - MOST_NAMED} more"] if len(training) > MOST_NAMED else []
    named = [shlex.join(["wandb", "sync", *_to(project), *map(str, run.unsent)]) for run in training[:MOST_NAMED]]
    return [f"runs left alone as they may still train: {len(training)}; once one has ended:", *named, *more]


def _failures(waiting: list[Offline], project: tuple[str, str] | None) -> list[tuple[Offline, str]]:
    failed: list[tuple[Offline, str]] = []
    for number, run in enumerate(waiting):
        try:
            words = _send(run, project)
        except subprocess.TimeoutExpired:
            return failed + [(each, f"not done after {SECONDS} seconds") for each in waiting[number:]]
        if words:
            failed.append((run, words))
    return failed


def _send(run: Offline, project: tuple[str, str] | None) -> str:
    """Empty, or the client's words if it did not succeed. One client a run: an unreadable one makes it send nothing."""
    command = [sys.executable, "-m", "wandb", "sync", *_to(project), *map(str, run.unsent)]
    ours = {name: str(run.folder / "wandb" / name.lower()) for name in ("DATA", "CACHE")}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("WANDB_SILENT", "WANDB_QUIET")},
        **{f"WANDB_{name}_DIR": value for name, value in ours.items()},
        "WANDB_DIR": str(run.folder),  # where the client writes its log
        "WANDB_ERROR_REPORTING": "false",
    }
    answer = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
    )
    if answer.returncode == 0 and all(map(_is_sent, run.unsent)):  # it also ends with 0 where it failed
        return ""
    lines = [line.removeprefix("wandb: ") for line in answer.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return "; ".join(errors or [*lines[-1:], f"its client ended with status {answer.returncode}"])


def _to(project: tuple[str, str] | None) -> list[str]:
    return ["--entity", project[0], "--project", project[1]] if project else []


def _raise_if_any(failed: list[tuple[Offline, str]], num_waiting: int) -> None:
    if failed:
        named = [f"{run.folder}: {words}" for run, words in failed[:MOST_NAMED]]
        again = shlex.join(["wandb", "sync", *(str(part) for run, _ in failed for part in run.unsent)])
        raise OSError(
            f"W&B did not take {len(failed)} of {num_waiting} runs recorded offline, which stay as they are; "
            f"{'; '.join(named)}; again: {again}"
        )


def _is_sent(part: Path) -> bool:
    return any(part.glob("*.wandb.synced"))
