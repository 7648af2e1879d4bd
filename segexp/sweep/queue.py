"""SLURM's own commands: submit an array, ask what of it is still to come."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from segexp.sweep.outcome import Life


class Task(NamedTuple):
    """A job that SLURM has not done with. reason: why it waits."""

    life: Life
    reason: str


def submit(script: Path) -> str:
    """Job id of the array. Raises FileNotFoundError without SLURM, ValueError with its words where it refuses."""
    if not shutil.which("sbatch"):
        raise FileNotFoundError(
            f"no sbatch on this machine; {script} is written: submit it where there is one, or use hydra/launcher=local"
        )
    # a launcher may itself run in a SLURM job, whose tasks and memory are not those of the array
    own = {name: value for name, value in os.environ.items() if name == "SLURM_CONF" or not name.startswith("SLURM_")}
    answer = subprocess.run(["sbatch", "--parsable", str(script)], capture_output=True, text=True, env=own)
    if answer.returncode:
        raise ValueError(f"sbatch refuses {script}: {' '.join(answer.stderr.split())}; see hydra.launcher")
    return answer.stdout.strip().split(";")[0]


def is_here() -> bool:
    """Whether this machine can ask a queue at all."""
    return shutil.which("squeue") is not None


def tasks(job_ids: Sequence[str]) -> dict[int, Task] | None:
    """Number of a job -> its task, for those still queued or running; None if the queue cannot be asked."""
    if not job_ids or not is_here():
        return None if job_ids else {}
    found: dict[int, Task] = {}
    for job_id in job_ids:
        command = ["squeue", "--noheader", "--array", f"--jobs={job_id}", "--format=%K|%T|%r"]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode and "Invalid job id" not in answer.stderr:
            return None
        for line in answer.stdout.splitlines():
            number, state, reason = line.split("|", 2)
            waiting = state in ("PENDING", "REQUEUED", "SPECIAL_EXIT", "REQUEUE_HOLD")
            found[int(number)] = Task(Life.WAITING if waiting else Life.ALIVE, reason if waiting else "")
    return found
