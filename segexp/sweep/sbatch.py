"""sweep.sbatch: a job array as a person would write it."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segexp.sweep.job import Demand, Job

WITH_GPUS = ("gpu", "cuda")


@dataclass(frozen=True)
class Settings:
    """hydra.launcher of conf/hydra/launcher/slurm.yaml, as far as the script depends on it."""

    partition: str | None
    account: str | None
    constraint: str | None
    time: str | int | None
    max_running: int | None
    cpus_per_task: int
    gpus_per_node: int | None
    signal: str | None
    requeue: bool
    options: Mapping[str, str | int | None]
    setup: Sequence[str]


def script(sweep: Path, command: str, jobs: Sequence[Job], demand: Demand, settings: Settings) -> str:
    """jobs: the tasks of the array. demand: of every one of them. command: that the user typed.

    Raises ValueError for settings of which SLURM, or the shell, would make something else.
    """
    _check(settings)
    if not re.fullmatch(r"[\w/.@+:-]+", str(sweep), re.ASCII):
        raise ValueError(f"{sweep} has characters that SLURM reads as its own; choose another hydra.sweep.dir")
    options = _options(sweep, jobs, demand, settings).items()
    return SCRIPT.format(
        command=command,
        options="\n".join(
            f"#SBATCH --{name}" if value is None else f"#SBATCH --{name}={value}" for name, value in options
        ),
        setup="".join(f"{line}\n" for line in settings.setup),
        jobs=shlex.quote(str(sweep / "jobs.txt")),
        srun=_srun(demand, settings),
    )


def _check(settings: Settings) -> None:
    for name, number in (("cpus_per_task", settings.cpus_per_task), ("max_running", settings.max_running or 1)):
        if type(number) is not int or number < 1:
            raise ValueError(f"hydra.launcher.{name} is {number!r}; needed is a whole number of at least 1")
    if not isinstance(settings.setup, list) or not all(isinstance(line, str) for line in settings.setup):
        raise ValueError(
            f"hydra.launcher.setup is {settings.setup!r}; needed is a list of lines of shell: "
            "'hydra.launcher.setup=[module load cuda]'"
        )


SCRIPT = """\
#!/bin/bash
# {command}
# Each task of the array trains one line of jobs.txt and writes job.log in its run folder; a requeued one goes on.
{options}

set -euo pipefail
export OMP_NUM_THREADS=${{SLURM_CPUS_PER_TASK:-1}}
{setup}job=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" {jobs})
folder=${{job##*hydra.run.dir=}}
mkdir -p "$folder"
eval "exec {srun} --output=$folder/job.log $job"
"""


def _options(sweep: Path, jobs: Sequence[Job], demand: Demand, settings: Settings) -> dict[str, Any]:
    limit = f"%{settings.max_running}" if settings.max_running else ""
    found = {
        "job-name": sweep.name,
        "array": f"{array([job.number for job in jobs])}{limit}",
        "nodes": demand.num_nodes,
        "ntasks-per-node": demand.devices,
        "cpus-per-task": settings.cpus_per_task,
        "gpus-per-node": num_gpus(demand, settings.gpus_per_node) or None,
        "partition": settings.partition,
        "account": settings.account,
        "constraint": settings.constraint,
        "time": settings.time,
        "signal": settings.signal,
        "chdir": Path.cwd(),
        "output": sweep / "slurm" / "%A_%a.log",
        "open-mode": "append",
    }
    given: dict[str, Any] = {name: shlex.quote(str(value)) for name, value in found.items() if value is not None}
    return {**given, ("requeue" if settings.requeue else "no-requeue"): None, **settings.options}


def _srun(demand: Demand, settings: Settings) -> str:
    many = (demand.devices or 1) * demand.num_nodes > 1
    labelled = " --label" if many else ""
    return f"srun --kill-on-bad-exit=1 --cpus-per-task={settings.cpus_per_task} --open-mode=append{labelled}"


def num_gpus(demand: Demand, gpus_per_node: int | None) -> int:
    if gpus_per_node is not None:
        return gpus_per_node
    if demand.accelerator == "auto":
        raise ValueError("trainer.accelerator is auto, but this machine is not the cluster's nodes: say gpu or cpu")
    return (demand.devices or 0) if demand.accelerator in WITH_GPUS else 0


def common_demand(jobs: Sequence[Job], demands: Sequence[Demand]) -> Demand:
    """What all jobs ask for. Raises ValueError naming two that differ: an array is made of equals."""
    for job, demand in zip(jobs, demands, strict=True):
        if demand.devices is None:
            raise ValueError("trainer.devices is auto; SLURM needs the number of tasks on a node: give a count")
        if demand != demands[0]:
            raise ValueError(
                f"jobs of one array need the same nodes: {jobs[0].variant} asks for {_words(demands[0])}, "
                f"{job.variant} for {_words(demand)}; start one sweep for each"
            )
    return demands[0]


def array(numbers: Sequence[int]) -> str:
    """0-3,7 for 0, 1, 2, 3, 7."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _words(demand: Demand) -> str:
    return f"{demand.num_nodes} nodes with {demand.devices} devices ({demand.accelerator})"
