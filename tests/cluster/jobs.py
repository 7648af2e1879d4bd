"""A training as a job of its own, without a sweep around it."""

import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from segexp.run.folder import RunFolder
from tests.cluster.conftest import until
from tests.e2e.command import CONF

FINAL_STATES = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")


@dataclass(frozen=True)
class SubmittedTraining:
    """A training that SLURM has as a job. command: runs SLURM's commands."""

    id: str
    run: RunFolder
    command: Callable[..., CompletedProcess[str]]

    def fact(self, name: str) -> str:
        facts = self.command("scontrol", "--oneliner", "show", "job", self.id).stdout
        return re.search(rf"\b{name}=(\S*)", facts)[1]  # type: ignore[index]

    def wait_for_training(self) -> None:
        until(lambda: self.run.state() == "running" and self.run.history())

    def wait_for_end(self, seconds: float = 300) -> str:
        until(lambda: self.fact("JobState") in FINAL_STATES, seconds)
        return self.fact("JobState")

    def log(self) -> str:
        return (self.run.path.parent / f"{self.run.path.name}.log").read_text()


def submit(command, run: RunFolder, overrides: Sequence[str], *options: str) -> SubmittedTraining:
    """Submit a training. options: further ones of sbatch."""
    arguments = [f"--config-dir={CONF}", *overrides, "on_existing=resume", f"hydra.run.dir={run.path}"]
    training = shlex.join(["srun", "--kill-on-bad-exit=1", sys.executable, "-m", "segexp.train", *arguments])
    log = ["--output", str(run.path.parent / f"{run.path.name}.log"), "--open-mode=append"]
    export = "--export=ALL,OMP_NUM_THREADS=1"
    answer = command("sbatch", "--parsable", "--requeue", export, *log, *options, "--wrap", f"exec {training}")
    assert answer.returncode == 0, answer.stderr
    return SubmittedTraining(answer.stdout.strip(), run, command)


def folder(path: Path) -> RunFolder:
    path.parent.mkdir(parents=True, exist_ok=True)
    return RunFolder(path)
