"""Run the jobs of a sweep on this machine, several at once."""

import time
from collections import deque
from collections.abc import Sequence

from segexp.run.folder import RunFolder
from segexp.sweep.device_allocator import DeviceAllocator, visible_gpus
from segexp.sweep.job import Job, Resources
from segexp.sweep.job_process import JobProcess, SignalCounter
from segexp.sweep.job_status import JobStatus, ProcessState, is_finished, is_locked, job_status
from segexp.sweep.settings import LocalLauncherSettings
from segexp.sweep.sweep_folder import SweepFolder
from segexp.sweep.sweep_progress import SweepProgress

POLL_SECONDS = 0.2


def launch(
    folder: SweepFolder,
    jobs: Sequence[Job],
    resources: Sequence[Resources],
    command: str,
    settings: LocalLauncherSettings,
) -> int:
    """Run every job that is not finished yet; return the exit status of the sweep.

    resources: those of each job. command: the one that started the sweep, as typed.
    """
    allocator = DeviceAllocator(visible_gpus(), resources, settings.num_parallel)
    folder.record(jobs, command)
    with SignalCounter() as signals, SweepProgress(folder) as progress:
        sweep = LocalSweep(jobs, resources, allocator, progress)
        try:
            while (sweep.pending or sweep.processes or sweep.orphans) and not signals.count:
                sweep.poll()
                time.sleep(POLL_SECONDS)
        finally:
            sweep.stop(signals, settings.stop_seconds)
    all_finished = progress.conclude(sweep.statuses())
    return 128 + signals.number if signals.number else 0 if all_finished else 1


class LocalSweep:
    """Starts jobs in their order as others end.

    orphans: jobs that train although the command that started them was killed. They are waited for.
    """

    def __init__(
        self, jobs: Sequence[Job], resources: Sequence[Resources], allocator: DeviceAllocator, progress: SweepProgress
    ) -> None:
        self.jobs = jobs
        self.allocator = allocator
        self.progress = progress
        pairs = zip(jobs, resources, strict=True)
        self.pending = deque(pair for pair in pairs if not is_finished(pair[0]))
        self.orphans = [pair for pair in self.pending if is_locked(pair[0])]
        self.pending = deque(pair for pair in self.pending if pair not in self.orphans)
        for job, _ in self.orphans:
            owner = RunFolder(job.folder).owner()
            progress.print(f"job {job.number} is still being trained by an earlier command ({owner}): waiting")
        self.processes: list[JobProcess] = []
        self.final_statuses: dict[int, JobStatus] = {}

    def poll(self) -> None:
        """Note which jobs have ended, and start further ones in their place."""
        self._collect()
        while self.pending and len(self.processes) + len(self.orphans) < self.allocator.num_parallel:
            self._start(*self.pending.popleft())
        if self.progress.is_due():
            jobs = [*(process.job for process in self.processes), *(job for job, _ in self.orphans)]
            num_left = len(self.pending) + len(jobs)
            running = [job_status(job, ProcessState.RUNNING) for job in jobs]
            self.progress.update(running, num_left)

    def stop(self, signals: SignalCounter, seconds: float) -> None:
        """Let the running jobs save and end; kill them after this many seconds or at a second signal."""
        self.pending.clear()
        for job, _ in self.orphans:
            owner = RunFolder(job.folder).owner()
            self.progress.print(f"job {job.number} continues to train: an earlier command started it ({owner})")
        if self.processes:
            self.progress.print(f"{len(self.processes)} jobs save and end; a second signal kills them")
        for process in self.processes:
            process.terminate()
        deadline = time.monotonic() + seconds
        while self.processes:
            if signals.count > 1 or time.monotonic() > deadline:
                for process in self.processes:
                    process.kill()
            time.sleep(POLL_SECONDS)
            self._collect()

    def statuses(self) -> list[JobStatus]:
        """The status of every job, once none of them runs."""
        running = [job for job, _ in self.orphans]
        states = (ProcessState.RUNNING if job in running else ProcessState.ENDED for job in self.jobs)
        known = (self.final_statuses.get(job.number) for job in self.jobs)
        return [status or job_status(job, state) for status, job, state in zip(known, self.jobs, states, strict=True)]

    def _start(self, job: Job, resources: Resources) -> None:
        environment = self.allocator.allocate(resources)
        try:
            self.processes.append(JobProcess(job, environment))
            self.progress.print_start(job)
        except OSError as error:  # a full disk, or no more processes
            self.allocator.release(environment)
            self._conclude(job_status(job, ProcessState.ENDED)._replace(state="failed", reason=str(error)))

    def _collect(self) -> None:
        for pair in [pair for pair in self.orphans if not is_locked(pair[0])]:
            self.orphans.remove(pair)
            if is_finished(pair[0]):
                self._conclude(job_status(pair[0], ProcessState.ENDED))
            else:
                self.pending.appendleft(pair)  # to go on from its last checkpoint, or to say why it fails
        for process in list(self.processes):
            exit_status = process.exit_status()
            if exit_status is not None:
                self.processes.remove(process)
                self.allocator.release(process.environment)
                self._conclude(job_status(process.job, ProcessState.ENDED, exit_status))

    def _conclude(self, status: JobStatus) -> None:
        self.final_statuses[status.number] = status
        self.progress.print_end(status)
