"""Jobs as the tasks of a SLURM job array."""

import shlex
import time
from collections.abc import Mapping, Sequence
from typing import Any

from segexp.sweep import queue, sbatch
from segexp.sweep.job import Demand, Job
from segexp.sweep.outcome import Life, Outcome, is_finished, life_of, outcome
from segexp.sweep.process import Signals
from segexp.sweep.progress import Progress
from segexp.sweep.sweep_folder import SweepFolder
from segexp.system.files import write_whole

LOOK_SECONDS = 3


def launch(
    folder: SweepFolder,
    jobs: Sequence[Job],
    demands: Sequence[Demand],
    command: str,
    dry_run: bool,
    wait: bool,
    **settings: Any,
) -> int:
    """Submit what is neither finished nor queued; returns the exit status. For the settings see slurm.yaml."""
    demand = sbatch.common_demand(jobs, demands)
    unfinished = _unqueued(folder, [job for job in jobs if not is_finished(job)])
    text = sbatch.script(folder.path, command, unfinished, demand, sbatch.Settings(**settings))
    everything = folder.record(jobs, command)
    write_whole(folder.path / "jobs.txt", "".join(f"{shlex.join(job.command)}\n" for job in everything))
    path = write_whole(folder.path / "sweep.sbatch", text)
    (folder.path / "slurm").mkdir(exist_ok=True)  # SLURM opens its logs here before the script runs
    if dry_run:
        print(f"{text}\n{path}: not submitted, as hydra.launcher.dry_run is true")
        return 0
    if unfinished:
        _submit(folder, unfinished)
    return follow(folder, jobs) if wait else 0


def submitted(folder: SweepFolder) -> list[str]:
    """Ids of the arrays that were submitted for this sweep."""
    file = folder.path / "slurm" / "submitted.txt"
    return file.read_text().split() if file.is_file() else []


def outcomes(folder: SweepFolder, jobs: Sequence[Job]) -> list[Outcome]:
    """Where the jobs stand by their run folders, and by the queue where it can be asked."""
    job_ids = submitted(folder)
    tasks = queue.tasks(job_ids)
    if not job_ids or tasks is None:
        return [outcome(job, life_of(job)) for job in jobs]
    return [_outcome(job, tasks) for job in jobs]


def _unqueued(folder: SweepFolder, jobs: Sequence[Job]) -> list[Job]:
    """Jobs that the queue does not hold. Raises ValueError if it does not say: each would be trained twice."""
    job_ids = submitted(folder)
    tasks = queue.tasks(job_ids) if jobs else {}
    if tasks is None:
        raise ValueError(
            f"squeue does not answer, and jobs of {folder.path} may still be queued or running: it was submitted as "
            f"{', '.join(job_ids)}; try again, or if nothing of that is left, delete slurm/submitted.txt there"
        )
    return [job for job in jobs if job.number not in tasks]


def follow(folder: SweepFolder, jobs: Sequence[Job]) -> int:
    """Say what ends until all has ended; the jobs do not depend on it.

    Raises ValueError if there is something to wait for and nobody can be asked: no array was submitted, or no queue is
    here.
    """
    going = {job.number: job for job in jobs if not is_finished(job)}
    if going:
        _refuse_unasked(folder)
    with Signals() as signals, Progress(folder) as progress:
        while going and not signals.count:
            tasks = queue.tasks(submitted(folder))
            if tasks is not None:  # else its controller does not answer, which passes
                for number in sorted(set(going) - set(tasks)):
                    progress.ended(_outcome(going.pop(number), tasks))
                found = [_outcome(job, tasks) for job in going.values()]
                progress.update([each for each in found if each.state != "waiting"], len(found))
            if going:
                time.sleep(LOOK_SECONDS)
    finished = progress.conclude(outcomes(folder, jobs))
    if signals.number:
        progress.say(f"the jobs go on; scancel {' '.join(submitted(folder))} ends them")
    return 128 + signals.number if signals.number else 0 if finished else 1


def _refuse_unasked(folder: SweepFolder) -> None:
    if not submitted(folder):
        raise ValueError(
            f"wait=true follows what was submitted to SLURM, and nothing of {folder.path} was: the command of a sweep "
            "on this machine ends with its jobs, and wait=false says where they stand"
        )
    if not queue.is_here():
        raise ValueError(
            f"no squeue on this machine, so nobody here can be asked when the jobs of {folder.path} end; repeat this "
            "where SLURM's commands are, or type wait=false, which says where the jobs stand by what they wrote"
        )


def _outcome(job: Job, tasks: Mapping[int, queue.Task]) -> Outcome:
    task = tasks.get(job.number, queue.Task(Life.GONE, ""))
    found = outcome(job, task.life, reason=task.reason)
    if task.life is Life.GONE and found.state == "waiting":
        return found._replace(state="failed", reason="left the queue before it started: cancelled, or never submitted")
    return found


def _submit(folder: SweepFolder, jobs: Sequence[Job]) -> None:
    job_id = queue.submit(folder.path / "sweep.sbatch")
    job_ids = "".join(f"{each}\n" for each in [*submitted(folder), job_id])
    write_whole(folder.path / "slurm" / "submitted.txt", job_ids, durable=True)
    print(f"submitted {len(jobs)} jobs as SLURM array {job_id}\nsee        python -m segexp.sweep folder={folder.path}")
