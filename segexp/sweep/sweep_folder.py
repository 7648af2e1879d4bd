"""The sweep folder: which jobs a sweep has, kept so that the same command goes on with the same sweep."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from segexp.sweep.job import Job
from segexp.system.files import write_atomic


@dataclass(frozen=True)
class SweepFolder:
    """sweep.yaml, sweep.csv and one run folder for each job; on SLURM also jobs.txt, sweep.sbatch and slurm/."""

    path: Path

    def jobs(self) -> list[Job]:
        """The recorded jobs by number. Raises FileNotFoundError where no sweep was started."""
        file = self.path / "sweep.yaml"
        if not file.is_file():
            raise FileNotFoundError(
                f"{self.path} is not a sweep folder: it has no sweep.yaml; start a sweep with "
                "python -m segexp.train -m, or correct folder="
            )
        try:
            return [self._job(name, values) for name, values in yaml.safe_load(file.read_text())["jobs"].items()]
        except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            raise ValueError(f"{file} cannot be read ({error}); restore it, or start a new sweep") from error

    def record(self, jobs: Sequence[Job], command: str) -> list[Job]:
        """Add jobs to the sweep; return all that it has now. command: as typed.

        Raises ValueError where a job of the same number has other arguments: its run would be taken for another.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path / ".lock"):
            recorded = {job.number: job for job in self.jobs()} if (self.path / "sweep.yaml").is_file() else {}
            for job in jobs:
                _require_same(self.path, recorded.get(job.number, job), job)
            all_jobs = sorted({**recorded, **{job.number: job for job in jobs}}.values(), key=lambda job: job.number)
            write_atomic(self.path / "sweep.yaml", _sweep_yaml(all_jobs, command), durable=True)
        return all_jobs

    def _job(self, name: str, values: dict[str, Any]) -> Job:
        return Job(int(values["number"]), str(values["variant"]), self.path / name, tuple(values["arguments"]))


def _sweep_yaml(jobs: Sequence[Job], command: str) -> str:
    entries = {
        job.folder.name: {"number": job.number, "variant": job.variant, "arguments": list(job.arguments)}
        for job in jobs
    }
    values = {"command": command, "jobs": entries}
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)


def _require_same(path: Path, recorded: Job, job: Job) -> None:
    before, now = [sorted(set(a.arguments) - set(b.arguments)) for a, b in ((recorded, job), (job, recorded))]
    if recorded.folder.name != job.folder.name or not _mean_the_same(recorded.arguments, job.arguments):
        raise ValueError(
            f"{path} holds another sweep: its job {job.number} has {' '.join(before) or 'nothing'} where this one has "
            f"{' '.join(now) or 'nothing'}; repeat the command in its sweep.yaml to continue it, choose "
            "another hydra.sweep.dir, or delete the folder"
        )


def _mean_the_same(recorded: Sequence[str], now: Sequence[str]) -> bool:
    """Whether arguments have the same meaning: an earlier version may have quoted texts that need no quotes today."""
    return recorded == now or [*map(_canonical, recorded)] == [*map(_canonical, now)]


def _canonical(argument: str) -> str:
    with suppress(HydraException):
        override = OverridesParser.create().parse_override(argument)
        return f"{override.get_key_element()}={override.value()!r}"
    return argument  # a word behind --config-dir
