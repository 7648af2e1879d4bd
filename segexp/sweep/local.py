"""Jobs on this machine, some at once."""

import time
from collections import deque
from collections.abc import Sequence

from segexp.sweep.job import Demand, Job
from segexp.sweep.machine import Machine, visible_gpus
from segexp.sweep.outcome import Life, Outcome, is_finished, outcome
from segexp.sweep.process import Process, Signals
from segexp.sweep.progress import Progress
from segexp.sweep.sweep_folder import SweepFolder

LOOK_SECONDS = 0.2


def launch(
    folder: SweepFolder,
    jobs: Sequence[Job],
    demands: Sequence[Demand],
    command: str,
    num_parallel: int | None,
    stop_seconds: float,
) -> int:
    """Run what is not finished; returns the exit status of the sweep. For the settings see local.yaml."""
    machine = Machine(visible_gpus(), demands, num_parallel)
    folder.record(jobs, command)
    with Signals() as signals, Progress(folder) as progress:
        sweep = LocalSweep(jobs, demands, machine, progress)
        try:
            while (sweep.waiting or sweep.running) and not signals.count:
                sweep.step()
                time.sleep(LOOK_SECONDS)
        finally:
            sweep.end(signals, stop_seconds)
    finished = progress.conclude(sweep.outcomes())
    return 128 + signals.number if signals.number else 0 if finished else 1


class LocalSweep:
    """Starts jobs in their order as others end."""

    def __init__(self, jobs: Sequence[Job], demands: Sequence[Demand], machine: Machine, progress: Progress) -> None:
        self.jobs = jobs
        self.machine = machine
        self.progress = progress
        pairs = zip(jobs, demands, strict=True)
        self.waiting = deque(pair for pair in pairs if not is_finished(pair[0]))
        self.running: list[Process] = []
        self.ended: dict[int, Outcome] = {}

    def step(self) -> None:
        self._collect()
        while self.waiting and len(self.running) < self.machine.num_parallel:
            self._start(*self.waiting.popleft())
        if self.progress.due():
            num_left = len(self.waiting) + len(self.running)
            self.progress.update([outcome(each.job, Life.ALIVE) for each in self.running], num_left)

    def end(self, signals: Signals, seconds: float) -> None:
        """Let the jobs that still run save and end; kill them after some time or at a second signal."""
        self.waiting.clear()
        if self.running:
            self.progress.say(f"ending {len(self.running)} jobs; once more to kill them")
        for process in self.running:
            process.terminate()
        deadline = time.monotonic() + seconds
        while self.running:
            if signals.count > 1 or time.monotonic() > deadline:
                for process in self.running:
                    process.kill()
            time.sleep(LOOK_SECONDS)
            self._collect()

    def outcomes(self) -> list[Outcome]:
        return [self.ended.get(job.number) or outcome(job, Life.GONE) for job in self.jobs]

    def _start(self, job: Job, demand: Demand) -> None:
        environment = self.machine.take(demand)
        try:
            self.running.append(Process(job, environment))
            self.progress.started(job)
        except OSError as error:  # a full disk, no more processes
            self.machine.give_back(environment)
            self.ended[job.number] = outcome(job, Life.GONE)._replace(state="failed", reason=str(error))
            self.progress.ended(self.ended[job.number])

    def _collect(self) -> None:
        for process in list(self.running):
            status = process.exit_status()
            if status is not None:
                self.running.remove(process)
                self.machine.give_back(process.environment)
                self.ended[process.job.number] = outcome(process.job, Life.GONE, status)
                self.progress.ended(self.ended[process.job.number])
