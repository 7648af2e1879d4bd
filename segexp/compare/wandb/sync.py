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
"""How long sending the parts of one run may take: enough for pictures over a slow line."""
MOST_NAMED = 3


class OfflineRun(NamedTuple):
    """Parts of one run that were recorded offline.

    unsent: in the order of the run's starts. num_sent: parts that were sent before.
    """

    folder: Path
    unsent: list[Path]
    num_sent: int


def offline_run(folder: Path) -> OfflineRun:
    """The parts in a run folder."""
    parts = sorted(part for part in wandb_files.segments(folder) if part.name.startswith("offline-run-"))
    parts = [part for part in parts if any(part.glob("*.wandb"))]
    unsent = [part for part in parts if not _is_sent(part)]
    return OfflineRun(folder, unsent, len(parts) - len(unsent))


def send_offline_runs(folders: Iterable[Path], project: tuple[str, str] | None) -> str:
    """Send what these run folders have recorded offline; return how much that was, and what was left alone.

    project: entity and project to send to; None for those that each run was trained for.
    Raises ValueError without an API key, OSError naming what W&B did not take, in its client's words.
    """
    runs = [offline_run(folder) for folder in folders]
    training = [run for run in runs if run.unsent and _may_train(RunFolder(run.folder))]
    ended = [run for run in runs if run.unsent and run not in training]
    if ended:
        server.reachable_url()
    _raise_if_any(_failures(ended, project), len(ended))
    summary = f"runs sent to W&B: {len(ended)}, parts of runs sent before: {sum(run.num_sent for run in runs)}"
    return "\n".join([summary, *_left_alone(training, project)])


def _may_train(run: RunFolder) -> bool:
    """Whether the training may still go on: W&B's client would take what is there for all, and never send the rest.

    The status of a killed training stays `running`: on this machine the lock of its folder shows that it ended, on
    another machine nothing does.
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


def _left_alone(training: Sequence[OfflineRun], project: tuple[str, str] | None) -> list[str]:
    """Lines that name the runs which may still train, each with the command that sends it."""
    if not training:
        return []
    more = [f"and {len(training) - MOST_NAMED} more"] if len(training) > MOST_NAMED else []
    commands = [shlex.join(["wandb", "sync", *_to(project), *map(str, run.unsent)]) for run in training[:MOST_NAMED]]
    return [f"runs left alone as they may still train: {len(training)}; once one has ended:", *commands, *more]


def _failures(runs: list[OfflineRun], project: tuple[str, str] | None) -> list[tuple[OfflineRun, str]]:
    failed: list[tuple[OfflineRun, str]] = []
    for number, run in enumerate(runs):
        try:
            words = _send(run, project)
        except subprocess.TimeoutExpired:
            return failed + [(each, f"not done after {SECONDS} seconds") for each in runs[number:]]
        if words:
            failed.append((run, words))
    return failed


def _send(run: OfflineRun, project: tuple[str, str] | None) -> str:
    """Send one run; return nothing, or the client's words if it failed.

    Each run has a client of its own, as an unreadable run makes its client send nothing.
    """
    command = [sys.executable, "-m", "wandb", "sync", *_to(project), *map(str, run.unsent)]
    folders = {name: str(run.folder / "wandb" / name.lower()) for name in ("DATA", "CACHE")}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("WANDB_SILENT", "WANDB_QUIET")},
        **{f"WANDB_{name}_DIR": value for name, value in folders.items()},
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


def _raise_if_any(failed: list[tuple[OfflineRun, str]], num_runs: int) -> None:
    if failed:
        reasons = [f"{run.folder}: {words}" for run, words in failed[:MOST_NAMED]]
        command = shlex.join(["wandb", "sync", *(str(part) for run, _ in failed for part in run.unsent)])
        raise OSError(
            f"W&B did not take {len(failed)} of {num_runs} runs recorded offline, which stay as they are; "
            f"{'; '.join(reasons)}; again: {command}"
        )


def _is_sent(part: Path) -> bool:
    return any(part.glob("*.wandb.synced"))
