"""SLURM's own commands: submit an array, and ask which of its tasks are queued or running."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from segexp.sweep.job_status import ProcessState


class QueuedTask(NamedTuple):
    """A task of an array that SLURM still has. reason: why it is pending."""

    state: ProcessState
    reason: str


def submit(script: Path) -> str:
    """Submit an array and return its job id.

    Raises FileNotFoundError without SLURM, ValueError with SLURM's own message if it refuses the script.
    """
    if not shutil.which("sbatch"):
        raise FileNotFoundError(
            f"this machine has no sbatch; {script} is written: submit it on a machine that has, or use "
            "hydra/launcher=local"
        )
    # a launcher may itself run in a SLURM job, whose tasks and memory are not those of the array
    environment = {
        name: value for name, value in os.environ.items() if name == "SLURM_CONF" or not name.startswith("SLURM_")
    }
    answer = subprocess.run(["sbatch", "--parsable", str(script)], capture_output=True, text=True, env=environment)
    if answer.returncode:
        raise ValueError(f"sbatch refuses {script}: {' '.join(answer.stderr.split())}; correct hydra.launcher")
    return answer.stdout.strip().split(";")[0]


def has_squeue() -> bool:
    """Whether this machine can ask a queue at all."""
    return shutil.which("squeue") is not None


def queued_tasks(array_ids: Sequence[str]) -> dict[int, QueuedTask] | None:
    """Number of a job -> its task, for those still queued or running; None if the queue cannot be asked."""
    if not array_ids or not has_squeue():
        return None if array_ids else {}
    tasks: dict[int, QueuedTask] = {}
    for array_id in array_ids:
        command = ["squeue", "--noheader", "--array", f"--jobs={array_id}", "--format=%K|%T|%r"]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode and "Invalid job id" not in answer.stderr:
            return None
        for line in answer.stdout.splitlines():
            number, state, reason = line.split("|", 2)
            is_pending = state in ("PENDING", "REQUEUED", "SPECIAL_EXIT", "REQUEUE_HOLD")
            process = ProcessState.PENDING if is_pending else ProcessState.RUNNING
            tasks[int(number)] = QueuedTask(process, reason if is_pending else "")
    return tasks
