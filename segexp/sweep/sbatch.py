"""sweep.sbatch: a job array as a person would write it."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segexp.sweep.job import Job, Resources
from segexp.sweep.settings import SlurmLauncherSettings

GPU_ACCELERATORS = ("gpu", "cuda")
SCRIPT = """\
#!/bin/bash
# {command}
# Each task of the array trains one line of jobs.txt and writes job.log in its run folder; a requeued one continues.
{options}

set -euo pipefail
export OMP_NUM_THREADS=${{SLURM_CPUS_PER_TASK:-1}}
{setup}job=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" {jobs})
folder=${{job##*hydra.run.dir=}}
mkdir -p "$folder"
eval "exec {srun} --output=$folder/job.log $job"
"""


def script(
    sweep: Path, command: str, jobs: Sequence[Job], resources: Resources, settings: SlurmLauncherSettings
) -> str:
    """The text of sweep.sbatch.

    sweep: the sweep folder. command: the one that started the sweep, as typed. jobs: the tasks of the array.
    resources: those of every task. Raises ValueError for a sweep folder of whose name SLURM makes something else, and
    if it is unknown whether the tasks need GPUs.
    """
    if not re.fullmatch(r"[\w/.@+:-]+", str(sweep), re.ASCII):
        raise ValueError(
            f"hydra.sweep.dir is {sweep}, which has characters that SLURM would read as its own; allowed: English "
            "letters, digits and /._@+:-; choose another hydra.sweep.dir"
        )
    options = _options(sweep, jobs, resources, settings).items()
    return SCRIPT.format(
        command=command,
        options="\n".join(
            f"#SBATCH --{name}" if value is None else f"#SBATCH --{name}={value}" for name, value in options
        ),
        setup="".join(f"{line}\n" for line in settings.setup),
        jobs=shlex.quote(str(sweep / "jobs.txt")),
        srun=_srun(resources, settings),
    )


def _options(sweep: Path, jobs: Sequence[Job], resources: Resources, settings: SlurmLauncherSettings) -> dict[str, Any]:
    limit = f"%{settings.max_running}" if settings.max_running else ""
    options = {
        "job-name": sweep.name,
        "array": f"{array([job.number for job in jobs])}{limit}",
        "nodes": resources.num_nodes,
        "ntasks-per-node": resources.devices,
        "cpus-per-task": settings.cpus_per_task,
        "gpus-per-node": num_gpus(resources, settings.gpus_per_node) or None,
        "partition": settings.partition,
        "account": settings.account,
        "constraint": settings.constraint,
        "time": settings.time,
        "signal": settings.signal,
        "chdir": Path.cwd(),
        "output": sweep / "slurm" / "%A_%a.log",
        "open-mode": "append",
    }
    texts: dict[str, Any] = {name: shlex.quote(str(value)) for name, value in options.items() if value is not None}
    return {**texts, ("requeue" if settings.requeue else "no-requeue"): None, **settings.options}


def _srun(resources: Resources, settings: SlurmLauncherSettings) -> str:
    has_several_ranks = (resources.devices or 1) * resources.num_nodes > 1
    label = " --label" if has_several_ranks else ""
    return f"srun --kill-on-bad-exit=1 --cpus-per-task={settings.cpus_per_task} --open-mode=append{label}"


def num_gpus(resources: Resources, gpus_per_node: int | None) -> int:
    """GPUs of each node. gpus_per_node: the setting, which takes precedence. Raises ValueError if they are unknown."""
    if gpus_per_node is not None:
        return gpus_per_node
    if resources.accelerator == "auto":
        raise ValueError(
            "trainer.accelerator is auto, and this machine cannot know what the nodes of the cluster have; say gpu or "
            "cpu: trainer.accelerator=gpu"
        )
    return (resources.devices or 0) if resources.accelerator in GPU_ACCELERATORS else 0


def common_resources(jobs: Sequence[Job], resources: Sequence[Resources]) -> Resources:
    """The resources that all jobs ask for; raises ValueError naming two that differ: an array is made of equals."""
    for job, each in zip(jobs, resources, strict=True):
        if each.devices is None:
            raise ValueError("trainer.devices is auto; SLURM needs the number of tasks on a node: give a count")
        if each != resources[0]:
            raise ValueError(
                f"jobs of one array need the same nodes: {jobs[0].variant} asks for {_describe(resources[0])}, "
                f"{job.variant} for {_describe(each)}; start one sweep for each"
            )
    return resources[0]


def array(numbers: Sequence[int]) -> str:
    """Numbers as sbatch writes them: 0-3,7 for 0, 1, 2, 3, 7."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _describe(resources: Resources) -> str:
    return f"{resources.num_nodes} nodes with {resources.devices} devices ({resources.accelerator})"
