"""The status of a job, read from its run folder."""

import signal
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from filelock import FileLock, Timeout

from segexp.run.folder import RunFolder
from segexp.run.process import is_training
from segexp.sweep.job import Job
from segexp.types import Values


class ProcessState(Enum):
    """What is known of a job's process; PENDING: it waits in SLURM's queue."""

    ENDED = "ended"
    PENDING = "pending"
    RUNNING = "running"


class JobStatus(NamedTuple):
    """A row of sweep.csv.

    state: waiting, starting, running, finished, preempted or failed. epoch: number of epochs validated so far.
    val_miou: the best so far. reason: why the job failed, waits, or ended before its planned end.
    """

    number: int
    variant: str
    folder: str
    state: str
    epoch: int | None
    val_miou: float | None
    minutes: float | None
    reason: str


def job_status(job: Job, process: ProcessState, exit_status: int | None = None, waits_for: str = "") -> JobStatus:
    """The status of a job by its run folder and its process.

    exit_status: of the process, if it is known. waits_for: why the job waits in a queue, if that is known.
    """
    run_status = _run_status(job)
    validated = [row for row in RunFolder(job.folder).history() if "val/miou" in row]
    state, reason = _state_and_reason(job, run_status, process, exit_status)
    return JobStatus(
        number=job.number,
        variant=job.variant,
        folder=job.folder.name,
        state=state,
        epoch=validated[-1]["epoch"] + 1 if validated else None,
        val_miou=max((row["val/miou"] for row in validated), default=None),
        minutes=_minutes(run_status),
        reason=" ".join((reason or waits_for).split()),
    )


def is_finished(job: Job) -> bool:
    return _run_status(job)["state"] == "finished"


def is_locked(job: Job) -> bool:
    """Whether a training works in the job's folder, whoever started it."""
    file = job.folder / ".lock"
    try:
        if file.is_file():
            with FileLock(file, timeout=0):
                pass
    except Timeout:
        return True
    return False


def process_state(job: Job) -> ProcessState:
    """RUNNING or ENDED by what the training wrote in the job's folder; another machine's training counts as running."""
    return ProcessState.RUNNING if is_training(_run_status(job)) else ProcessState.ENDED


def _state_and_reason(job: Job, run_status: Values, process: ProcessState, exit_status: int | None) -> tuple[str, str]:
    state, reason = run_status["state"], str(run_status.get("reason", ""))
    if process is ProcessState.PENDING:
        return "waiting", ""
    if process is ProcessState.RUNNING:
        return (state if state in ("running", "finished") else "starting"), ""
    if state == "finished" and not exit_status:
        return "finished", str(run_status.get("ended", "")) if (run_status.get("trained_share") or 1) < 1 else ""
    if state == "none" and not job.log.is_file():
        return "waiting", ""
    if state in ("failed", "preempted"):
        return state, reason
    return "failed", _reason_from_process(job, state, exit_status)


def _run_status(job: Job) -> Values:
    try:
        return RunFolder(job.folder).status()
    except ValueError as error:  # one damaged file must not hide the other jobs
        return {"state": "failed", "reason": str(error)}


def _reason_from_process(job: Job, state: str, exit_status: int | None) -> str:
    """Why a job failed whose run folder names no reason."""
    if exit_status is not None and exit_status < 0:
        return f"ended by {signal.Signals(-exit_status).name}; see {job.log}"
    if exit_status is None and state == "running":
        return f"ended without a message: killed, out of memory, or its machine went down; see {job.log}"
    return job.last_line() or f"exit status {exit_status}; see {job.log}"


def _minutes(run_status: Values) -> float | None:
    """Minutes of training; for a running job those since its last start count too."""
    if "seconds" not in run_status:
        return None
    is_running = run_status["state"] == "running"
    since_start = datetime.now(UTC) - datetime.fromisoformat(run_status["time"]) if is_running else timedelta()
    return (run_status["seconds"] + since_start.total_seconds()) / 60
