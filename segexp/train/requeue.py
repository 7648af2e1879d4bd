"""Let SLURM start a preempted job again."""

import logging
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from segexp.system import stuck
from segexp.system.ranks import rank
from segexp.system.signals import Stopped

log = logging.getLogger(__name__)


@contextmanager
def requeued_when_preempted() -> Iterator[None]:
    """If SIGUSR1 stopped the body in a SLURM job, hand the job back to SLURM, under the same id."""

    def requeue(end: stuck.ForcedEnd | Stopped) -> None:
        if end.by == signal.SIGUSR1 and (job := job_id()) and rank() == 0:
            _requeue(job)

    try:
        with stuck.last_words(requeue):
            yield
    except Stopped as stopped:
        requeue(stopped)
        raise


def job_id() -> str | None:
    """As scontrol wants it: 7, or 7_2 for a task of an array; None outside SLURM."""
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}") for name in ("JOB_ID", "TASK_ID"))
    return f"{array}_{task}" if array else os.environ.get("SLURM_JOB_ID")


def _requeue(job: str) -> None:
    try:
        subprocess.run(["scontrol", "requeue", job], check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "stderr", None) or error
        log.warning("SLURM does not requeue job %s (%s); give the same command again to continue", job, reason)
