"""Where a job stands, as its run folder says."""

import os
import signal
import socket
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from segexp.run.folder import RunFolder
from segexp.sweep.job import Job
from segexp.types import Values


class Life(Enum):
    """What is known of a job's process."""

    GONE = "gone"
    WAITING = "waiting"
    ALIVE = "alive"


class Outcome(NamedTuple):
    """state: waiting, starting, running, finished, preempted or failed. val_miou: the best so far. epoch: the last."""

    number: int
    variant: str
    folder: str
    state: str
    epoch: int | None
    val_miou: float | None
    minutes: float | None
    reason: str


def outcome(job: Job, life: Life, exit_status: int | None = None, reason: str = "") -> Outcome:
    """exit_status: of the job's process, if it is known. reason: why it waits, if that is known."""
    status = _status(job)
    validated = [row for row in RunFolder(job.folder).history() if "val/miou" in row]
    state, why = _verdict(job, status, life, exit_status)
    return Outcome(
        number=job.number,
        variant=job.variant,
        folder=job.folder.name,
        state=state,
        epoch=validated[-1]["epoch"] + 1 if validated else None,
        val_miou=max((row["val/miou"] for row in validated), default=None),
        minutes=_minutes(status),
        reason=" ".join((why or reason).split()),
    )


def is_finished(job: Job) -> bool:
    return _status(job)["state"] == "finished"


def life_of(job: Job) -> Life:
    """Whether a training is at work in the job's folder, by what it wrote there; one on another machine is believed."""
    status = _status(job)
    if status["state"] != "running":
        return Life.GONE
    if status.get("host") != socket.gethostname():
        return Life.ALIVE
    try:
        os.kill(int(status["process"]), 0)
    except PermissionError:
        return Life.ALIVE
    except (ProcessLookupError, KeyError, ValueError):
        return Life.GONE
    return Life.ALIVE


def _verdict(job: Job, status: Values, life: Life, exit_status: int | None) -> tuple[str, str]:
    state, reason = status["state"], str(status.get("reason", ""))
    if life is Life.WAITING:
        return "waiting", ""
    if life is Life.ALIVE:
        return (state if state in ("running", "finished") else "starting"), ""
    if state == "finished" and not exit_status:
        return "finished", ""
    if state == "none" and not job.log.is_file():
        return "waiting", ""
    if state in ("failed", "preempted"):
        return state, reason
    return "failed", _unsaid(job, state, exit_status)


def _status(job: Job) -> Values:
    try:
        return RunFolder(job.folder).status()
    except ValueError as error:  # one damaged file must not hide the other jobs
        return {"state": "failed", "reason": str(error)}


def _unsaid(job: Job, state: str, exit_status: int | None) -> str:
    """Why a job failed whose run folder does not say so."""
    if exit_status is not None and exit_status < 0:
        return f"ended by {signal.Signals(-exit_status).name}; see {job.log}"
    if exit_status is None and state == "running":
        return f"gone without a word: killed, out of memory, or its machine went down; see {job.log}"
    return job.last_line() or f"exit status {exit_status}; see {job.log}"


def _minutes(status: Values) -> float | None:
    """Of training; what a running one has taken since it started counts too."""
    if "seconds" not in status:
        return None
    now = datetime.now(UTC) - datetime.fromisoformat(status["time"]) if status["state"] == "running" else timedelta()
    return (status["seconds"] + now.total_seconds()) / 60
