"""Run the jobs of a sweep as the tasks of a SLURM job array."""

import shlex
import time
from collections.abc import Mapping, Sequence

from segexp.sweep import sbatch, slurm_queue
from segexp.sweep.job import Job, Resources
from segexp.sweep.job_process import SignalCounter
from segexp.sweep.job_status import JobStatus, ProcessState, is_finished, job_status, process_state
from segexp.sweep.settings import SlurmLauncherSettings
from segexp.sweep.slurm_queue import QueuedTask
from segexp.sweep.sweep_folder import SweepFolder
from segexp.sweep.sweep_progress import SweepProgress
from segexp.system.files import write_atomic

POLL_SECONDS = 3


def launch(
    folder: SweepFolder,
    jobs: Sequence[Job],
    resources: Sequence[Resources],
    command: str,
    settings: SlurmLauncherSettings,
) -> int:
    """Submit every job that is neither finished nor queued; return the exit status of the sweep.

    resources: those of each job. command: the one that started the sweep, as typed.
    """
    common = sbatch.common_resources(jobs, resources)
    unfinished = _not_queued(folder, [job for job in jobs if not is_finished(job)])
    text = sbatch.script(folder.path, command, unfinished, common, settings)
    all_jobs = folder.record(jobs, command)
    write_atomic(folder.path / "jobs.txt", "".join(f"{shlex.join(job.command)}\n" for job in all_jobs))
    path = write_atomic(folder.path / "sweep.sbatch", text)
    (folder.path / "slurm").mkdir(exist_ok=True)  # SLURM opens its logs here before the script runs
    if settings.dry_run:
        print(f"{text}\n{path}: not submitted, as hydra.launcher.dry_run is true")
        return 0
    if unfinished:
        _submit(folder, unfinished)
    return follow(folder, jobs) if settings.wait else 0


def array_ids(folder: SweepFolder) -> list[str]:
    """Job ids of the arrays that were submitted for this sweep."""
    file = folder.path / "slurm" / "submitted.txt"
    return file.read_text().split() if file.is_file() else []


def job_statuses(folder: SweepFolder, jobs: Sequence[Job]) -> list[JobStatus]:
    """The status of every job by its run folder, and by the queue where it can be asked."""
    ids = array_ids(folder)
    tasks = slurm_queue.queued_tasks(ids)
    if not ids or tasks is None:
        return [job_status(job, process_state(job)) for job in jobs]
    return [_status(job, tasks) for job in jobs]


def _not_queued(folder: SweepFolder, jobs: Sequence[Job]) -> list[Job]:
    """The jobs that are not in the queue; raises ValueError if it does not answer: each might be trained twice."""
    ids = array_ids(folder)
    tasks = slurm_queue.queued_tasks(ids) if jobs else {}
    if tasks is None:
        raise ValueError(
            f"squeue does not answer, and jobs of {folder.path} may still be queued or running: it was submitted as "
            f"{', '.join(ids)}; try again, or if none of these is left, delete slurm/submitted.txt there"
        )
    return [job for job in jobs if job.number not in tasks]


def follow(folder: SweepFolder, jobs: Sequence[Job]) -> int:
    """Print each job that ends until all have ended; the jobs do not depend on it. Returns the sweep's exit status.

    Raises ValueError if jobs are unfinished and there is no queue to ask: no array was submitted, or this machine has
    no squeue.
    """
    unfinished = {job.number: job for job in jobs if not is_finished(job)}
    if unfinished:
        _require_queue(folder)
    with SignalCounter() as signals, SweepProgress(folder) as progress:
        while unfinished and not signals.count:
            tasks = slurm_queue.queued_tasks(array_ids(folder))
            if tasks is not None:  # else SLURM's controller does not answer for a while
                for number in sorted(set(unfinished) - set(tasks)):
                    progress.print_end(_status(unfinished.pop(number), tasks))
                statuses = [_status(job, tasks) for job in unfinished.values()]
                progress.update([each for each in statuses if each.state != "waiting"], len(statuses))
            if unfinished:
                time.sleep(POLL_SECONDS)
    all_finished = progress.conclude(job_statuses(folder, jobs))
    if signals.number:
        progress.print(f"the jobs continue; scancel {' '.join(array_ids(folder))} ends them")
    return 128 + signals.number if signals.number else 0 if all_finished else 1


def _require_queue(folder: SweepFolder) -> None:
    if not array_ids(folder):
        raise ValueError(
            f"wait=true follows what was submitted to SLURM, and nothing of {folder.path} was: the command of a sweep "
            "on this machine ends with its jobs; wait=false prints their status"
        )
    if not slurm_queue.has_squeue():
        raise ValueError(
            f"this machine has no squeue, so it cannot know when the jobs of {folder.path} end; repeat the command on "
            "a machine that has SLURM's commands, or type wait=false, which prints the status that the jobs wrote"
        )


def _status(job: Job, tasks: Mapping[int, QueuedTask]) -> JobStatus:
    task = tasks.get(job.number, QueuedTask(ProcessState.ENDED, ""))
    status = job_status(job, task.state, waits_for=task.reason)
    if task.state is ProcessState.ENDED and status.state == "waiting":
        reason = "left the queue before it started: cancelled, or never submitted"
        return status._replace(state="failed", reason=reason)
    return status


def _submit(folder: SweepFolder, jobs: Sequence[Job]) -> None:
    array_id = slurm_queue.submit(folder.path / "sweep.sbatch")
    ids = "".join(f"{each}\n" for each in [*array_ids(folder), array_id])
    write_atomic(folder.path / "slurm" / "submitted.txt", ids, durable=True)
    print(
        f"submitted {len(jobs)} jobs as SLURM array {array_id}\nsee        python -m segexp.sweep folder={folder.path}"
    )
